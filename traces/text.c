/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "traces/digest.h"
#include "traces/meta.h"
#include "traces/rules.h"
#include "traces/text.h"
#include "traces/text_parse.h"

#define BLOCK 1024u

/* A content stays in the text and is made into bytes when somebody asks. */
struct text_content {
	struct text_span tokens;
	uint64_t line;
};

struct text {
	struct trace t;
	struct trace_header h;
	char *path;
	char *all; /* the whole file */
	size_t bytes;
	struct text_content *content; /* content k at k - 1 */
	size_t content_cap;

	/* Where the next line is read. */
	struct text_span rest;
	uint64_t line; /* number of the last line taken, from 1 */
	struct event_rules rules;

	struct event ev[BLOCK];
	uint64_t ev_line[BLOCK];
	bool given; /* a block was handed out */
};

static struct text *text_of(const struct trace *t)
{
	return (struct text *)(uintptr_t)t;
}

static bool text_magic(const uint8_t *start, size_t n)
{
	size_t len = strlen(TEXT_MAGIC);

	return n >= len && !memcmp(start, TEXT_MAGIC, len);
}

static int at_line(const struct text *x, uint64_t line, int ret,
		   struct err *err)
{
	return ret == -EINVAL
		       ? err_prefix(err, ret, "%s:%" PRIu64, x->path, line)
		       : ret;
}

static void start_over(struct text *x)
{
	x->rest = (struct text_span){x->all, x->all + x->bytes};
	x->line = 0;
	event_rules_fini(&x->rules);
	x->given = false;
}

/* "dedupsim-trace 1.0", with a minor version of this or a later program. */
static int parse_version(struct text *x, struct text_span line, struct err *err)
{
	struct text_span w;
	char buf[16], *dot;
	uint64_t major, minor;
	size_t n;

	if (!text_take_word(&line, &w) || !text_take_word(&line, &w))
		goto bad; /* the word before is the magic */
	n = (size_t)(w.end - w.p);
	if (n >= sizeof(buf))
		goto bad;
	memcpy(buf, w.p, n);
	buf[n] = 0;
	dot = strchr(buf, '.');
	if (!dot)
		goto bad;
	*dot = 0;
	if (!text_u64(buf, &major) || !text_u64(dot + 1, &minor) ||
	    major > UINT16_MAX || minor > UINT16_MAX)
		goto bad;
	if (major != TRACE_MAJOR)
		return err_set(err, EINVAL,
			       "format %s.%s; this program reads %u.x", buf,
			       dot + 1, TRACE_MAJOR);
	x->h.major = (uint16_t)major;
	x->h.minor = (uint16_t)minor;
	return text_end(&line, err);
bad:
	return err_set(err, EINVAL, "\"%s%u.%u\" is expected", TEXT_MAGIC,
		       TRACE_MAJOR, TRACE_MINOR);
}

/* Everything behind the blank that follows the key is the value. */
static int parse_meta(struct text *x, struct text_span line, struct err *err)
{
	struct text_span key;

	if (!text_take_word(&line, &key))
		return err_set(err, EINVAL, "the key is missing");
	if (line.p < line.end)
		line.p++;
	return meta_add(&x->h, key.p, (size_t)(key.end - key.p), line.p,
			(size_t)(line.end - line.p), err);
}

/* Lines before the first content or event; 1: it is none of them. */
static int parse_head(struct text *x, struct text_span line, struct err *err)
{
	struct text_span w, rest = line;

	text_take_word(&rest, &w);
	if (text_is(w, "meta"))
		return parse_meta(x, rest, err);
	if (text_is(w, "big-endian"))
		x->h.big_endian = true;
	else if (text_is(w, "reads"))
		x->h.has_reads = true;
	else
		return 1;
	return text_end(&rest, err);
}

static int add_content(struct text *x, struct text_span line, uint8_t *page,
		       struct err *err)
{
	uint32_t id, next = x->rules.contents;
	int ret = text_take_u32(&line, "content", &id, err);

	if (ret)
		return ret;
	if (id != next || next == UINT32_MAX - 1)
		return err_set(err, EINVAL,
			       "content %" PRIu32 ", the next one is %" PRIu32,
			       id, next);
	ret = text_parse_page(line, page, err);
	if (!ret)
		ret = mem_reserve(&x->content, &x->content_cap, next,
				  sizeof(*x->content));
	if (ret)
		return ret;
	x->content[next - 1] = (struct text_content){line, x->line};
	x->rules.contents++;
	return 0;
}

/* The next line with something on it; false at the end of the file. */
static bool next_line(struct text *x, struct text_span *line)
{
	struct text_span w, probe;

	while (text_take_line(&x->rest, line)) {
		x->line++;
		probe = *line;
		if (text_take_word(&probe, &w))
			return true;
	}
	return false;
}

static bool is_content(struct text_span line, struct text_span *rest)
{
	struct text_span w;

	*rest = line;
	return text_take_word(rest, &w) && text_is(w, "content");
}

static bool is_event(struct text_span line)
{
	struct text_span w;

	return text_take_word(&line, &w) && *w.p >= '0' && *w.p <= '9';
}

/* One line of the body, on the first pass. */
static int scan_body(struct text *x, struct text_span line,
		     struct trace_digest *d, struct err *err)
{
	uint8_t page[PAGE_BYTES];
	struct text_span rest;
	struct event ev;
	int ret;

	if (is_content(line, &rest)) {
		ret = add_content(x, rest, page, err);
		if (!ret)
			trace_digest_page(d, page);
		return ret;
	}
	if (!is_event(line))
		return err_set(err, EINVAL,
			       "a line starts with a time, "
			       "content, meta, reads or "
			       "big-endian; the last three stand "
			       "first");
	ret = text_parse_event(line, &ev, err);
	if (!ret)
		ret = event_rules_apply(&x->rules, &ev, err);
	if (ret)
		return ret;
	trace_digest_event(d, &ev);
	x->h.events++;
	return 0;
}

/* The first pass: everything is checked, totals and digest are made. */
static int scan(struct text *x, struct trace_digest *d, struct err *err)
{
	struct text_span line = {0};
	bool body = false;
	int ret;

	start_over(x);
	text_take_line(&x->rest, &line);
	x->line++;
	ret = parse_version(x, line, err);
	while (!ret && next_line(x, &line)) {
		ret = body ? 1 : parse_head(x, line, err);
		if (ret == 1) {
			body = true;
			ret = scan_body(x, line, d, err);
		}
	}
	if (ret)
		return at_line(x, x->line, ret, err);
	x->h.contents = x->rules.contents;
	x->h.spaces = x->rules.spaces;
	x->h.end = x->rules.time;
	x->h.digest = trace_digest_get(d);
	start_over(x);
	return 0;
}

static void text_close(struct trace *t)
{
	struct text *x = text_of(t);

	if (!t)
		return;
	event_rules_fini(&x->rules);
	mem_release(x->content, x->content_cap, sizeof(*x->content));
	meta_free(&x->h);
	free(x->all);
	free(x->path);
	free(x);
}

static int scan_file(struct text *x, struct err *err)
{
	struct trace_digest *d = malloc(sizeof(*d));
	int ret = d ? trace_digest_init(d) : -ENOMEM;

	if (!ret) {
		ret = scan(x, d, err);
		trace_digest_fini(d);
	}
	free(d);
	return ret;
}

static int text_open(struct trace **out, const char *path, struct err *err)
{
	struct text *x = calloc(1, sizeof(*x));
	int ret;

	if (!x)
		return -ENOMEM;
	x->t.ops = &reader_text;
	event_rules_init(&x->rules);
	x->t.path = x->path = strdup(path);
	ret = x->path ? os_read_all(path, SIZE_MAX / 2, &x->all, &x->bytes, err)
		      : -ENOMEM;
	if (!ret)
		ret = scan_file(x, err);
	if (ret) {
		text_close(&x->t);
		return ret;
	}
	*out = &x->t;
	return 0;
}

static const struct trace_header *text_header(const struct trace *t)
{
	return &text_of(t)->h;
}

static const uint8_t *content_bytes_of(void *self, uint32_t id, uint8_t *buf)
{
	const struct text *x = self;

	/* parsed once already, so it cannot fail */
	text_parse_page(x->content[id - 1].tokens, buf, NULL);
	return buf;
}

static void content_blame(void *self, uint32_t a, uint32_t b, struct err *err)
{
	const struct text *x = self;
	uint32_t lo = a < b ? a : b, hi = a < b ? b : a;

	if (lo)
		err_set(err, EINVAL,
			"%s:%" PRIu64 ": content %" PRIu32
			" is the same as content %" PRIu32 " of line %" PRIu64,
			x->path, x->content[hi - 1].line, hi, lo,
			x->content[lo - 1].line);
	else
		err_set(err, EINVAL,
			"%s:%" PRIu64 ": content %" PRIu32
			" is the page of zeros, which is content 0",
			x->path, x->content[hi - 1].line, hi);
}

static int text_contents(struct trace *t, unsigned threads,
			 struct content_source *src, struct err *err)
{
	struct text *x = text_of(t);

	(void)threads;
	(void)err;
	*src = (struct content_source){
		.self = x,
		.count = x->h.contents,
		.bytes = content_bytes_of,
		.blame = content_blame,
		.big_endian = x->h.big_endian,
	};
	return 0;
}

static void text_drop(struct trace *t)
{
	(void)t; /* the text is needed as long as the trace is open */
}

static int text_next(struct trace *t, const struct event **ev, size_t *n,
		     struct err *err)
{
	struct text *x = text_of(t);
	struct text_span line, rest;
	size_t i = 0;
	int ret = 0;

	while (!ret && i < BLOCK && next_line(x, &line)) {
		if (is_content(line, &rest)) {
			x->rules.contents++;
			continue;
		}
		if (!is_event(line))
			continue;
		ret = text_parse_event(line, &x->ev[i], err);
		if (!ret)
			ret = event_rules_apply(&x->rules, &x->ev[i], err);
		x->ev_line[i++] = x->line;
	}
	if (ret)
		return at_line(x, x->line, ret, err);
	if (i) {
		*ev = x->ev;
		*n = i;
		x->given = true;
	}
	return i > 0;
}

static int text_rewind(struct trace *t, struct err *err)
{
	(void)err;
	start_over(text_of(t));
	return 0;
}

static void text_where(const struct trace *t, size_t i, char *buf, size_t n)
{
	const struct text *x = text_of(t);

	if (x->given && i < BLOCK)
		snprintf(buf, n, "%s:%" PRIu64, x->path, x->ev_line[i]);
	else
		snprintf(buf, n, "%s: before the first event", x->path);
}

static int text_check(struct trace *t, struct err *err)
{
	(void)t; /* open() has read every line */
	(void)err;
	return 0;
}

const struct trace_reader_ops reader_text = {
	.name = "text",
	.summary = "one line per event, for tests and diffs (.txt)",
	.magic = text_magic,
	.open = text_open,
	.header = text_header,
	.contents = text_contents,
	.drop = text_drop,
	.next = text_next,
	.rewind = text_rewind,
	.where = text_where,
	.check = text_check,
	.close = text_close,
};
