/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/events.h"
#include "traces/format.h"
#include "traces/meta.h"
#include "traces/recover.h"

struct recovery {
	struct os_file f;
	struct trace_header h;
	struct trace_writer *w;
	struct fmt_unpacker unpack;
	struct event_rules rules;
	uint8_t *raw;
	struct event *ev;
	uint64_t off;	       /* of the section in hand */
	struct err *why, *err; /* damage of the input; failure of the output */
};

/* Damage ends the walk with 1; everything else that fails is an error. */
static int damaged(int ret)
{
	return ret == -EINVAL || ret == -EIO ? 1 : ret;
}

static int take_meta(struct recovery *r, const struct fmt_section *s)
{
	struct trace_header h = {0};
	int ret = meta_get(&h, r->raw, (size_t)s->raw, s->items, r->why);

	if (ret) {
		meta_free(&h);
		return damaged(ret);
	}
	for (size_t i = 0; !ret && i < h.nmeta; i++)
		ret = trace_writer_meta(r->w, h.meta[i].key, h.meta[i].value,
					r->err);
	meta_free(&h);
	return ret;
}

static int take_pages(struct recovery *r, const struct fmt_section *s)
{
	int ret = 0;

	if (s->items > FMT_PAGES_MAX || s->items * PAGE_BYTES != s->raw ||
	    s->items > UINT32_MAX - 1 - r->rules.contents) {
		err_set(r->why, EINVAL,
			"%" PRIu64 " pages in %" PRIu64 " bytes", s->items,
			s->raw);
		return 1;
	}
	for (uint64_t i = 0; !ret && i < s->items; i++)
		ret = trace_writer_page(r->w, r->raw + i * PAGE_BYTES, r->err);
	r->rules.contents += (uint32_t)s->items;
	return ret;
}

static int take_events(struct recovery *r, const struct fmt_section *s)
{
	size_t bad;
	int ret;

	if (s->items > FMT_EVENTS_MAX) {
		err_set(r->why, EINVAL, "a section of %" PRIu64 " events",
			s->items);
		return 1;
	}
	memset(r->raw + s->raw, 0, FMT_SLACK);
	ret = events_get(r->raw, (size_t)s->raw, (size_t)s->items, &r->rules,
			 r->ev, &bad, r->why);
	if (ret)
		return damaged(ret);
	for (uint64_t i = 0; !ret && i < s->items; i++)
		ret = trace_writer_event(r->w, &r->ev[i], r->err);
	return ret;
}

/* One section; *@end is set behind it.  Returns 1 at the damage or the end. */
static int take_section(struct recovery *r, bool first, uint64_t *end)
{
	struct fmt_section s;
	char name[5];
	int ret = fmt_section_peek(&r->f, r->off, r->f.bytes, &s, r->why);

	if (ret || s.tag == FMT_FOOT)
		return ret ? damaged(ret) : 1;
	*end = r->off + FMT_SECTION_BYTES + s.stored;
	if (s.tag != FMT_META && s.tag != FMT_PAGE && s.tag != FMT_EVNT) {
		if (s.flags & FMT_OPTIONAL)
			return damaged(
				fmt_section_sum(&r->f, r->off, *end, r->why));
		err_set(r->why, EINVAL, "section %s is unknown",
			fmt_tag_name(s.tag, name));
		return 1;
	}
	ret = fmt_section_load(&r->unpack, &r->f, r->off, *end, &s, r->why);
	if (!ret)
		ret = fmt_section_unpack(&r->unpack, &r->f, r->off, &s, r->raw,
					 r->why);
	if (ret)
		return damaged(ret);
	if (s.tag == FMT_PAGE)
		return take_pages(r, &s);
	if (s.tag == FMT_EVNT)
		return take_events(r, &s);
	if (first)
		return take_meta(r, &s);
	err_set(r->why, EINVAL, "META is not the first section");
	return 1;
}

/* Does the file end as it should, with the footer at @off? */
static bool footer_follows(struct recovery *r, uint64_t first)
{
	struct trace_header h = r->h;
	struct fmt_entry *index = NULL;
	size_t n = 0;
	bool same;

	if (fmt_footer_get(&r->f, &h, first, &index, &n, r->why))
		return false;
	same = index[n].offset == r->off;
	free(index);
	if (!same)
		err_set(r->why, EINVAL, "the footer does not fit");
	return same;
}

static int walk(struct recovery *r, uint64_t first, struct trace_recovered *res)
{
	uint64_t end = first;
	int ret = 0;

	for (r->off = first; !ret; r->off = end) {
		ret = take_section(r, r->off == first, &end);
		if (ret)
			break;
	}
	if (ret < 0)
		return ret;
	res->offset = r->off;
	res->bytes = r->f.bytes;
	res->whole = !r->why->text[0] && footer_follows(r, first);
	if (res->whole)
		res->offset = r->f.bytes;
	return 0;
}

static int prepare(struct recovery *r, const char *in, uint64_t *first)
{
	int ret = os_open(&r->f, in, r->err);

	if (ret)
		return ret;
	ret = fmt_header_get(&r->f, &r->h, first, r->err);
	if (ret)
		return ret;
	r->raw = malloc(FMT_RAW_MAX + FMT_SLACK);
	r->ev = malloc(FMT_EVENTS_MAX * sizeof(*r->ev));
	return r->raw && r->ev ? 0 : -ENOMEM;
}

static void finish(struct recovery *r)
{
	free(r->ev);
	free(r->raw);
	event_rules_fini(&r->rules);
	fmt_unpacker_fini(&r->unpack);
	os_close(&r->f);
}

int trace_recover(const char *in, const char *out, int level, unsigned threads,
		  struct trace_recovered *res, struct err *err)
{
	struct recovery r = {.f.fd = -1, .why = &res->why, .err = err};
	struct trace_writer_opts o = {.level = level, .threads = threads};
	uint64_t first = 0;
	int ret;

	*res = (struct trace_recovered){0};
	event_rules_init(&r.rules);
	fmt_unpacker_init(&r.unpack);
	ret = prepare(&r, in, &first);
	if (ret)
		goto out;
	o.big_endian = r.h.big_endian;
	o.has_reads = r.h.has_reads;
	ret = trace_writer_new(&r.w, out, &o, err);
	if (ret)
		goto out;
	ret = walk(&r, first, res);
	if (ret)
		trace_writer_abort(r.w);
	else
		ret = trace_writer_commit(r.w, &res->kept, err);
out:
	finish(&r);
	return ret;
}
