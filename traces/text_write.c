/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "traces/rules.h"
#include "traces/text.h"

/* Bytes of a token without repeats, and what a repeat must cover to be one. */
#define LITERAL_BYTES 32u
#define REPEAT_BYTES 16u

struct text_out {
	struct os_out *out;
	char buf[4 * PAGE_BYTES]; /* the longest content fits */
	size_t n;
};

static void put_text(struct text_out *o, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void put_text(struct text_out *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(o->buf + o->n, sizeof(o->buf) - o->n, fmt, ap);
	va_end(ap);
	if (n > 0)
		o->n += (size_t)n;
}

static int end_line(struct text_out *o, struct err *err)
{
	int ret;

	o->buf[o->n++] = '\n';
	ret = os_out_write(o->out, o->buf, o->n);
	o->n = 0;
	return ret ? err_set(err, -ret, "%s: %s", o->out->path, strerror(-ret))
		   : 0;
}

static void put_hex(struct text_out *o, const uint8_t *p, size_t n)
{
	static const char digit[] = "0123456789abcdef";

	o->buf[o->n++] = ' ';
	for (size_t i = 0; i < n; i++) {
		o->buf[o->n++] = digit[p[i] >> 4];
		o->buf[o->n++] = digit[p[i] & 15];
	}
}

/* Bytes from @p on that repeat its first @unit bytes, a multiple of it. */
static size_t repeats(const uint8_t *p, size_t left, size_t unit)
{
	size_t n = unit;

	while (n < left && p[n] == p[n - unit])
		n++;
	return n <= left ? n - n % unit : 0;
}

/* The unit of 1, 2, 4 or 8 bytes whose repeats reach farthest, the shortest. */
static size_t best_repeat(const uint8_t *p, size_t left, size_t *unit)
{
	size_t best = 0;

	for (size_t u = 1; u <= 8; u *= 2) {
		size_t n = repeats(p, left, u);

		if (n >= REPEAT_BYTES && n > best) {
			best = n;
			*unit = u;
		}
	}
	return best;
}

static void put_page(struct text_out *o, const uint8_t *page)
{
	size_t at = 0, unit = 1, n, lit;

	while (at < PAGE_BYTES) {
		n = best_repeat(page + at, PAGE_BYTES - at, &unit);
		if (n) {
			put_hex(o, page + at, unit);
			put_text(o, "*%zu", n / unit);
			at += n;
			continue;
		}
		lit = 1;
		while (lit < LITERAL_BYTES && at + lit < PAGE_BYTES &&
		       !best_repeat(page + at + lit, PAGE_BYTES - at - lit,
				    &unit))
			lit++;
		put_hex(o, page + at, lit);
		at += lit;
	}
}

static int write_page(void *ctx, uint32_t id, const uint8_t *page,
		      struct err *err)
{
	struct text_out *o = ctx;

	put_text(o, "content %" PRIu32, id);
	put_page(o, page);
	return end_line(o, err);
}

static void put_flags(struct text_out *o, const struct event *ev)
{
	for (const struct text_flag *f = text_flags; f->word; f++)
		if (ev->flags & f->flag)
			put_text(o, " %s", f->word);
}

static void put_operand(struct text_out *o, char kind, const struct event *ev)
{
	switch (kind) {
	case 's':
		put_text(o, " %" PRIu32, ev->space);
		break;
	case 'f':
	case 'n':
		put_text(o, " %" PRIu64, ev->count);
		break;
	case 'v':
		put_text(o, " %" PRIu64, ev->vpn);
		break;
	case 'c':
		put_text(o, " %" PRIu32, ev->content);
		break;
	case 'p':
		put_text(o, " %" PRIu32, ev->pool);
		break;
	case 'o':
		put_text(o, " %" PRIu32, ev->object);
		break;
	case 'i':
		put_text(o, " %" PRIu32, ev->index);
		break;
	case 'd':
		put_text(o, " %" PRIu32, ev->stored);
		break;
	case 'F':
		put_flags(o, ev);
		break;
	case 'A':
		put_text(o, " %smergeable", ev->flags ? "" : "un");
		break;
	default:
		put_text(o, " 0x%" PRIx64, ev->oid[kind - '0']);
	}
}

static int write_event(void *ctx, const struct event *ev, struct err *err)
{
	struct text_out *o = ctx;
	const char *kind = text_operands[ev->op];

	put_text(o, "%" PRIu64 " %s", ev->time.v, event_word(ev->op));
	for (; *kind; kind++)
		put_operand(o, *kind, ev);
	return end_line(o, err);
}

/* Values may be longer than the line buffer. */
static int write_meta(struct text_out *o, const struct trace_meta *m,
		      struct err *err)
{
	os_out_write(o->out, "meta ", 5);
	os_out_write(o->out, m->key, strlen(m->key));
	os_out_write(o->out, " ", 1);
	os_out_write(o->out, m->value, strlen(m->value));
	return end_line(o, err);
}

static int write_head(struct text_out *o, const struct trace_header *h,
		      struct err *err)
{
	int ret;

	put_text(o, "%s%u.%u", TEXT_MAGIC, TRACE_MAJOR, TRACE_MINOR);
	ret = end_line(o, err);
	if (!ret && h->big_endian) {
		put_text(o, "big-endian");
		ret = end_line(o, err);
	}
	if (!ret && h->has_reads) {
		put_text(o, "reads");
		ret = end_line(o, err);
	}
	for (size_t i = 0; !ret && i < h->nmeta; i++)
		ret = write_meta(o, &h->meta[i], err);
	return ret;
}

int text_from_trace(struct trace *t, unsigned threads, struct os_out *out,
		    struct err *err)
{
	struct text_out o = {.out = out};
	struct trace_visitor v = {write_page, write_event, &o};
	int ret = write_head(&o, t->ops->header(t), err);

	return ret ? ret : trace_each(t, threads, &v, err);
}
