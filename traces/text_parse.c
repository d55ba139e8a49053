/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/core/pages.h"
#include "traces/rules.h"
#include "traces/text.h"
#include "traces/text_parse.h"

#define WORD_MAX 64u

bool text_take_line(struct text_span *all, struct text_span *line)
{
	const char *nl;

	if (all->p == all->end)
		return false;
	nl = memchr(all->p, '\n', (size_t)(all->end - all->p));
	line->p = all->p;
	line->end = nl ? nl : all->end;
	all->p = nl ? nl + 1 : all->end;
	if (line->end > line->p && line->end[-1] == '\r')
		line->end--;
	return true;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool text_take_word(struct text_span *line, struct text_span *word)
{
	const char *p = line->p;

	while (p < line->end && is_blank(*p))
		p++;
	line->p = p;
	if (p == line->end || *p == '#')
		return false;
	word->p = p;
	while (p < line->end && !is_blank(*p))
		p++;
	word->end = p;
	line->p = p;
	return true;
}

static size_t length(struct text_span w)
{
	return (size_t)(w.end - w.p);
}

bool text_is(struct text_span word, const char *s)
{
	size_t n = strlen(s);

	return length(word) == n && !memcmp(word.p, s, n);
}

/* How a word appears in a message: short, without control characters. */
static const char *show(struct text_span w, char buf[WORD_MAX])
{
	size_t n = length(w);

	if (n > WORD_MAX - 1)
		n = WORD_MAX - 1;
	for (size_t i = 0; i < n; i++)
		buf[i] = w.p[i] >= ' ' && w.p[i] < 0x7f ? w.p[i] : '?';
	buf[n] = 0;
	return buf;
}

/* A copy with a NUL behind it; false when no number is that long. */
static bool word_copy(struct text_span w, char buf[WORD_MAX])
{
	size_t n = length(w);

	if (n >= WORD_MAX || memchr(w.p, 0, n))
		return false;
	memcpy(buf, w.p, n);
	buf[n] = 0;
	return true;
}

static int take_u64(struct text_span *line, const char *what, uint64_t max,
		    uint64_t *out, struct err *err)
{
	struct text_span w;
	char buf[WORD_MAX];

	if (!text_take_word(line, &w))
		return err_set(err, EINVAL, "%s is missing", what);
	if (!word_copy(w, buf) || !text_u64(buf, out) || *out > max)
		return err_set(err, EINVAL,
			       "\"%s\" is not a %s (a number up to %" PRIu64
			       ")",
			       show(w, buf), what, max);
	return 0;
}

int text_take_u32(struct text_span *line, const char *what, uint32_t *out,
		  struct err *err)
{
	uint64_t v;
	int ret = take_u64(line, what, UINT32_MAX, &v, err);

	if (!ret)
		*out = (uint32_t)v;
	return ret;
}

int text_end(struct text_span *line, struct err *err)
{
	struct text_span w;
	char buf[WORD_MAX];

	if (text_take_word(line, &w))
		return err_set(err, EINVAL, "\"%s\" is too much on this line",
			       show(w, buf));
	return 0;
}

/* ---- contents ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* The repeat count behind '*'; 1 without. */
static bool token_count(struct text_span *w, uint64_t *count)
{
	const char *star = memchr(w->p, '*', length(*w));
	char buf[WORD_MAX];

	*count = 1;
	if (!star)
		return true;
	if (!word_copy((struct text_span){star + 1, w->end}, buf) ||
	    !text_u64(buf, count))
		return false;
	w->end = star;
	return true;
}

/* HEX or HEX*COUNT, appended at *@at. */
static int parse_token(struct text_span w, uint8_t *page, size_t *at,
		       struct err *err)
{
	struct text_span all = w;
	char buf[WORD_MAX];
	uint64_t count;
	size_t n;

	if (!token_count(&w, &count) || !length(w) || length(w) % 2 || !count)
		goto bad;
	n = length(w) / 2;
	if (n > PAGE_BYTES || count > PAGE_BYTES ||
	    n * count > PAGE_BYTES - *at)
		return err_set(err, EINVAL, "more than %u bytes at \"%s\"",
			       PAGE_BYTES, show(all, buf));
	for (size_t i = 0; i < n; i++) {
		int hi = hex_digit(w.p[2 * i]), lo = hex_digit(w.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			goto bad;
		page[*at + i] = (uint8_t)(hi << 4 | lo);
	}
	for (size_t i = n; i < n * count; i++)
		page[*at + i] = page[*at + i - n];
	*at += n * (size_t)count;
	return 0;
bad:
	return err_set(err, EINVAL, "\"%s\" is neither HEX nor HEX*COUNT",
		       show(all, buf));
}

static int parse_rule(struct text_span *line, uint8_t *page, struct err *err)
{
	struct text_span w;
	char buf[WORD_MAX];
	uint64_t v;
	unsigned rule = 0;
	int ret;

	if (!text_take_word(line, &w))
		return err_set(err, EINVAL, "the name of a rule is missing");
	while (page_rule_name(rule) && !text_is(w, page_rule_name(rule)))
		rule++;
	if (!page_rule_name(rule))
		return err_set(err, EINVAL, "there is no rule \"%s\"",
			       show(w, buf));
	ret = take_u64(line, "value", UINT64_MAX, &v, err);
	if (!ret)
		ret = text_end(line, err);
	if (!ret)
		page_fill(page, (enum page_rule)rule, v);
	return ret;
}

int text_parse_page(struct text_span line, uint8_t *page, struct err *err)
{
	struct text_span w;
	size_t at = 0;
	int ret = 0;

	while (!ret && text_take_word(&line, &w)) {
		if (!at && text_is(w, "rule"))
			return parse_rule(&line, page, err);
		ret = parse_token(w, page, &at, err);
	}
	if (!ret && at != PAGE_BYTES)
		ret = err_set(err, EINVAL, "%zu bytes of content instead of %u",
			      at, PAGE_BYTES);
	return ret;
}

/* ---- events ---- */

/* Nanoseconds, or a number with its unit. */
static int parse_time(struct text_span *line, struct event *ev, struct err *err)
{
	struct text_span w;
	char buf[WORD_MAX];

	if (!text_take_word(line, &w))
		return err_set(err, EINVAL, "the time is missing");
	if (word_copy(w, buf) &&
	    (text_u64(buf, &ev->time.v) || text_time(buf, &ev->time.v)))
		return 0;
	return err_set(err, EINVAL,
		       "\"%s\" is neither nanoseconds nor a time with a unit",
		       show(w, buf));
}

static int parse_op(struct text_span *line, struct event *ev, struct err *err)
{
	struct text_span w;
	char buf[WORD_MAX];

	if (!text_take_word(line, &w))
		return err_set(err, EINVAL, "the operation is missing");
	for (unsigned op = 0; op < EVENT_OP_COUNT; op++) {
		if (text_is(w, event_word(op))) {
			ev->op = (uint8_t)op;
			return 0;
		}
	}
	return err_set(err, EINVAL, "there is no operation \"%s\"",
		       show(w, buf));
}

static int parse_flags(struct text_span *line, struct event *ev,
		       uint8_t allowed, struct err *err)
{
	struct text_span w;
	char buf[WORD_MAX];

	while (text_take_word(line, &w)) {
		const struct text_flag *f = text_flags;

		while (f->word &&
		       (!(f->flag & allowed) || !text_is(w, f->word)))
			f++;
		if (!f->word)
			return err_set(err, EINVAL, "%s takes no flag \"%s\"",
				       event_word(ev->op), show(w, buf));
		ev->flags |= f->flag;
	}
	return 0;
}

static int parse_advice(struct text_span *line, struct event *ev,
			struct err *err)
{
	struct text_span w;

	if (text_take_word(line, &w)) {
		if (text_is(w, "mergeable")) {
			ev->flags = EVF_MERGEABLE;
			return 0;
		}
		if (text_is(w, "unmergeable"))
			return 0;
	}
	return err_set(err, EINVAL, "mergeable or unmergeable is expected");
}

static int parse_operand(struct text_span *line, char kind, uint8_t flags,
			 struct event *ev, struct err *err)
{
	switch (kind) {
	case 's':
		return text_take_u32(line, "space", &ev->space, err);
	case 'f':
		return take_u64(line, "space", UINT32_MAX, &ev->count, err);
	case 'v':
		return take_u64(line, "page number", UINT64_MAX, &ev->vpn, err);
	case 'n':
		return take_u64(line, "count", UINT64_MAX, &ev->count, err);
	case 'c':
		return text_take_u32(line, "content", &ev->content, err);
	case 'p':
		return text_take_u32(line, "pool", &ev->pool, err);
	case 'o':
		return text_take_u32(line, "object", &ev->object, err);
	case 'i':
		return text_take_u32(line, "index", &ev->index, err);
	case 'd':
		return text_take_u32(line, "content", &ev->stored, err);
	case 'F':
		return parse_flags(line, ev, flags, err);
	case 'A':
		return parse_advice(line, ev, err);
	}
	return take_u64(line, "part of a key", UINT64_MAX, &ev->oid[kind - '0'],
			err);
}

int text_parse_event(struct text_span line, struct event *ev, struct err *err)
{
	const char *kind;
	int ret;

	memset(ev, 0, sizeof(*ev));
	ret = parse_time(&line, ev, err);
	if (!ret)
		ret = parse_op(&line, ev, err);
	if (ret)
		return ret;
	for (kind = text_operands[ev->op]; !ret && *kind; kind++)
		ret = parse_operand(&line, *kind, event_flags(ev->op), ev, err);
	if (ev->op == EV_WRITE)
		ev->count = 1;
	return ret ? ret : text_end(&line, err);
}
