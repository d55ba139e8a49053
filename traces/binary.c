/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/par.h"
#include "traces/ahead.h"
#include "traces/events.h"
#include "traces/format.h"
#include "traces/meta.h"

/* PAGE sections unpacked between two steps of growing the memory for them. */
#define PAGES_BATCH 64u

struct binary {
	struct trace t;
	struct trace_header h;
	struct os_file f;
	struct fmt_entry *index; /* in file order, then a sentinel */
	size_t nindex;

	uint8_t *pages; /* content k at (k - 1) * PAGE_BYTES; NULL: not read */
	size_t pages_cap;

	/* The thread's, from ahead_new() to ahead_free(). */
	struct ahead *ahead;
	struct event_rules rules;
	struct fmt_unpacker unpack;
	uint8_t *raw;	 /* FMT_RAW_MAX + FMT_SLACK */
	size_t at;	 /* next index entry */
	uint64_t events; /* handed out so far */

	const struct event_block *block; /* the reader's present one */
};

static struct binary *binary_of(const struct trace *t)
{
	return (struct binary *)(uintptr_t)t;
}

static bool binary_magic(const uint8_t *start, size_t n)
{
	return fmt_magic(start, n);
}

static bool is_known(uint32_t tag)
{
	return tag == FMT_META || tag == FMT_PAGE || tag == FMT_EVNT;
}

/* What the index may list: provenance first, nothing unknown but optional. */
static int check_index(const struct binary *b, struct err *err)
{
	char name[5];

	for (size_t i = 0; i < b->nindex; i++) {
		const struct fmt_entry *e = &b->index[i];

		if (e->tag == FMT_META && i)
			return err_set(err, EINVAL,
				       "%s: offset %" PRIu64
				       ": META is not the first section",
				       b->f.path, e->offset);
		if (e->tag == FMT_FOOT ||
		    (!is_known(e->tag) && !(e->flags & FMT_OPTIONAL)))
			return err_set(err, EINVAL,
				       "%s: offset %" PRIu64
				       ": section %s cannot be read by this "
				       "version",
				       b->f.path, e->offset,
				       fmt_tag_name(e->tag, name));
	}
	return 0;
}

/* Load section @i and see that it is what the index says. */
static int load(struct binary *b, struct fmt_unpacker *u, size_t i,
		struct fmt_section *s, struct err *err)
{
	const struct fmt_entry *e = &b->index[i];
	int ret = fmt_section_load(u, &b->f, e->offset, e[1].offset, s, err);

	if (ret)
		return ret;
	if (s->tag != e->tag || s->flags != e->flags || s->items != e->items)
		return err_set(err, EINVAL,
			       "%s: offset %" PRIu64
			       ": the section is not what the index says",
			       b->f.path, e->offset);
	return 0;
}

static int load_meta(struct binary *b, struct err *err)
{
	struct fmt_section s;
	int ret;

	if (!b->nindex || b->index[0].tag != FMT_META)
		return 0;
	ret = load(b, &b->unpack, 0, &s, err);
	if (!ret)
		ret = fmt_section_unpack(&b->unpack, &b->f, b->index[0].offset,
					 &s, b->raw, err);
	if (ret)
		return ret;
	ret = meta_get(&b->h, b->raw, (size_t)s.raw, s.items, err);
	return err_prefix(err, ret, "%s: offset %" PRIu64, b->f.path,
			  b->index[0].offset);
}

static void binary_close(struct trace *t)
{
	struct binary *b = binary_of(t);

	if (!t)
		return;
	ahead_free(b->ahead);
	event_rules_fini(&b->rules);
	fmt_unpacker_fini(&b->unpack);
	free(b->raw);
	mem_release(b->pages, b->pages_cap, PAGE_BYTES);
	free(b->index);
	meta_free(&b->h);
	os_close(&b->f);
	free(b);
}

static int binary_open(struct trace **out, const char *path, struct err *err)
{
	struct binary *b = calloc(1, sizeof(*b));
	uint64_t first;
	int ret;

	if (!b)
		return -ENOMEM;
	b->t.ops = &reader_binary;
	event_rules_init(&b->rules);
	fmt_unpacker_init(&b->unpack);
	ret = os_open(&b->f, path, err);
	if (ret) {
		free(b);
		return ret;
	}
	b->t.path = b->f.path;
	b->raw = malloc(FMT_RAW_MAX + FMT_SLACK);
	ret = b->raw ? fmt_header_get(&b->f, &b->h, &first, err) : -ENOMEM;
	if (!ret)
		ret = fmt_footer_get(&b->f, &b->h, first, &b->index, &b->nindex,
				     err);
	if (!ret)
		ret = check_index(b, err);
	if (!ret)
		ret = load_meta(b, err);
	if (ret) {
		binary_close(&b->t);
		return ret;
	}
	*out = &b->t;
	return 0;
}

static const struct trace_header *binary_header(const struct trace *t)
{
	return &binary_of(t)->h;
}

/* ---- contents ---- */

struct page_job {
	size_t section;
	uint64_t first; /* content id of its first page - 1 */
};

struct page_pass {
	struct binary *b;
	struct page_job job[PAGES_BATCH];
	struct fmt_unpacker *unpack; /* per worker */
	struct err err[PAGES_BATCH];
};

static int unpack_pages(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	struct page_pass *p = ctx;
	struct fmt_section s;
	int ret = 0;

	for (; !ret && lo < hi; lo++) {
		struct page_job *j = &p->job[lo];
		uint64_t off = p->b->index[j->section].offset;

		ret = load(p->b, &p->unpack[worker], j->section, &s,
			   &p->err[lo]);
		if (!ret && (s.items * PAGE_BYTES != s.raw || !s.items))
			ret = err_set(&p->err[lo], EINVAL,
				      "%s: offset %" PRIu64 ": %" PRIu64
				      " pages in %" PRIu64 " bytes",
				      p->b->f.path, off, s.items, s.raw);
		if (!ret)
			ret = fmt_section_unpack(
				&p->unpack[worker], &p->b->f, off, &s,
				p->b->pages + j->first * PAGE_BYTES,
				&p->err[lo]);
	}
	return ret;
}

/* The next sections with pages; returns how many, 0 at the end. */
static size_t pick_pages(struct page_pass *p, size_t *at, uint64_t *pages,
			 struct err *err, int *ret)
{
	const struct binary *b = p->b;
	size_t n = 0;

	for (; *at < b->nindex && n < PAGES_BATCH; ++*at) {
		const struct fmt_entry *e = &b->index[*at];

		if (e->tag != FMT_PAGE)
			continue;
		if (e->items > FMT_PAGES_MAX) {
			*ret = err_set(err, EINVAL,
				       "%s: offset %" PRIu64
				       ": a section of %" PRIu64 " pages",
				       b->f.path, e->offset, e->items);
			return 0;
		}
		p->job[n++] = (struct page_job){*at, *pages};
		*pages += e->items;
	}
	return n;
}

static int read_pages(struct page_pass *p, unsigned threads, struct err *err)
{
	struct binary *b = p->b;
	uint64_t pages = 0;
	size_t at = 0, n;
	int ret = 0;

	while ((n = pick_pages(p, &at, &pages, err, &ret))) {
		ret = mem_reserve(&b->pages, &b->pages_cap, (size_t)pages,
				  PAGE_BYTES);
		if (ret)
			return ret;
		ret = par_for(threads, n, 1, unpack_pages, p);
		for (size_t i = 0; ret && i < n; i++)
			if (p->err[i].text[0])
				return err_set(err, -ret, "%s", p->err[i].text);
		if (ret)
			return ret;
	}
	return ret;
}

static void binary_drop(struct trace *t)
{
	struct binary *b = binary_of(t);

	mem_release(b->pages, b->pages_cap, PAGE_BYTES);
	b->pages = NULL;
	b->pages_cap = 0;
}

static const uint8_t *page_bytes(void *self, uint32_t id, uint8_t *buf)
{
	const struct binary *b = self;

	(void)buf;
	return b->pages + (size_t)(id - 1) * PAGE_BYTES;
}

static void page_blame(void *self, uint32_t a, uint32_t b, struct err *err)
{
	const struct binary *bin = self;

	err_set(err, EINVAL,
		"%s: contents %" PRIu32 " and %" PRIu32 " are equal",
		bin->f.path, a, b);
}

static int binary_contents(struct trace *t, unsigned threads,
			   struct content_source *src, struct err *err)
{
	struct binary *b = binary_of(t);
	struct page_pass *p;
	int ret = -ENOMEM;

	threads = !threads ? 1 : threads > PAR_MAX ? PAR_MAX : threads;
	binary_drop(t);
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->b = b;
	p->unpack = calloc(threads, sizeof(*p->unpack));
	if (p->unpack) {
		ret = read_pages(p, threads, err);
		for (unsigned i = 0; i < threads; i++)
			fmt_unpacker_fini(&p->unpack[i]);
	}
	free(p->unpack);
	free(p);
	if (ret) {
		binary_drop(t);
		return ret;
	}
	*src = (struct content_source){
		.self = b,
		.count = b->h.contents,
		.bytes = page_bytes,
		.blame = page_blame,
		.big_endian = b->h.big_endian,
	};
	return 0;
}

/* ---- events ---- */

/* All events were read: do they come to what the footer says? */
static int check_end(const struct binary *b, struct err *err)
{
	if (b->rules.spaces == b->h.spaces && b->rules.time.v == b->h.end.v)
		return 0;
	return err_set(err, EINVAL,
		       "%s: offset %" PRIu64 ": the footer says %" PRIu32
		       " spaces and %" PRIu64 " ns, the events %" PRIu32
		       " and %" PRIu64,
		       b->f.path, b->index[b->nindex].offset, b->h.spaces,
		       b->h.end.v, b->rules.spaces, b->rules.time.v);
}

static int decode(struct binary *b, const struct fmt_section *s,
		  struct event_block *out, struct err *err)
{
	size_t bad = 0;
	int ret;

	memset(b->raw + s->raw, 0, FMT_SLACK);
	ret = events_get(b->raw, (size_t)s->raw, (size_t)s->items, &b->rules,
			 out->ev, &bad, err);
	if (ret)
		return err_prefix(err, ret,
				  "%s: event %" PRIu64
				  " (section at offset %" PRIu64 ")",
				  b->f.path, b->events + bad, out->offset);
	out->first = b->events;
	out->n = (size_t)s->items;
	b->events += s->items;
	return 1;
}

static int fill_block(void *ctx, struct event_block *out, struct err *err)
{
	struct binary *b = ctx;
	struct fmt_section s;
	size_t i;
	int ret;

	for (; b->at < b->nindex && b->index[b->at].tag != FMT_EVNT; b->at++)
		if (b->index[b->at].tag == FMT_PAGE)
			b->rules.contents += (uint32_t)b->index[b->at].items;
	if (b->at == b->nindex)
		return check_end(b, err);
	i = b->at++;
	out->offset = b->index[i].offset;
	ret = load(b, &b->unpack, i, &s, err);
	if (ret)
		return ret;
	if (s.items > FMT_EVENTS_MAX || !s.items)
		return err_set(err, EINVAL,
			       "%s: offset %" PRIu64 ": a section of %" PRIu64
			       " events",
			       b->f.path, out->offset, s.items);
	ret = event_block_reserve(out, (size_t)s.items);
	if (!ret)
		ret = fmt_section_unpack(&b->unpack, &b->f, out->offset, &s,
					 b->raw, err);
	return ret ? ret : decode(b, &s, out, err);
}

static int binary_next(struct trace *t, const struct event **ev, size_t *n,
		       struct err *err)
{
	struct binary *b = binary_of(t);
	int ret = 0;

	if (!b->ahead)
		ret = ahead_new(&b->ahead, fill_block, b);
	if (!ret)
		ret = ahead_next(b->ahead, &b->block, err);
	if (ret == 1) {
		*ev = b->block->ev;
		*n = b->block->n;
	}
	return ret;
}

static int binary_rewind(struct trace *t, struct err *err)
{
	struct binary *b = binary_of(t);

	(void)err;
	ahead_free(b->ahead);
	b->ahead = NULL;
	b->block = NULL;
	event_rules_fini(&b->rules);
	b->at = 0;
	b->events = 0;
	return 0;
}

static void binary_where(const struct trace *t, size_t i, char *buf, size_t n)
{
	const struct binary *b = binary_of(t);

	if (b->block)
		snprintf(buf, n,
			 "%s: event %" PRIu64 " (section at offset %" PRIu64
			 ")",
			 b->f.path, b->block->first + i, b->block->offset);
	else
		snprintf(buf, n, "%s: before the first event", b->f.path);
}

/* Sections that nobody else reads have a checksum too. */
static int binary_check(struct trace *t, struct err *err)
{
	struct binary *b = binary_of(t);
	struct fmt_section s;
	int ret = 0;

	for (size_t i = 0; !ret && i < b->nindex; i++) {
		const struct fmt_entry *e = &b->index[i];

		if (is_known(e->tag))
			continue;
		ret = fmt_section_peek(&b->f, e->offset, e[1].offset, &s, err);
		if (!ret &&
		    (s.tag != e->tag || s.flags != e->flags ||
		     s.items != e->items ||
		     s.stored != e[1].offset - e->offset - FMT_SECTION_BYTES))
			ret = err_set(err, EINVAL,
				      "%s: offset %" PRIu64 ": the section is "
				      "not what the index says",
				      b->f.path, e->offset);
		if (!ret)
			ret = fmt_section_sum(&b->f, e->offset, e[1].offset,
					      err);
	}
	return ret;
}

const struct trace_reader_ops reader_binary = {
	.name = "binary",
	.summary = "compressed sections with checksums (.trace)",
	.magic = binary_magic,
	.open = binary_open,
	.header = binary_header,
	.contents = binary_contents,
	.drop = binary_drop,
	.next = binary_next,
	.rewind = binary_rewind,
	.where = binary_where,
	.check = binary_check,
	.close = binary_close,
};
