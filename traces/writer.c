/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/digest.h"
#include "traces/events.h"
#include "traces/meta.h"
#include "traces/packer.h"
#include "traces/writer.h"

/* Small enough to stay in the cache of whoever replays it. */
#define EVENTS_PER_SECTION 32768u
/* Coding one more event needs this much room in the section's buffer. */
#define EVENTS_ROOM (FMT_RAW_MAX - EVENTS_BYTES_MAX)

static_assert(EVENTS_PER_SECTION <= FMT_EVENTS_MAX, "readers would refuse it");

struct trace_writer {
	struct os_out out;
	struct packer *packer;
	struct trace_header h; /* totals so far; its meta until it is written */
	struct trace_digest digest;
	struct event_rules rules;
	struct events_coder coder;
	struct pack *pages, *events; /* being filled; NULL: none */
	bool begun;		     /* provenance is written */
};

static void writer_free(struct trace_writer *w)
{
	packer_free(w->packer);
	trace_digest_fini(&w->digest);
	event_rules_fini(&w->rules);
	meta_free(&w->h);
	os_out_abort(&w->out);
	free(w);
}

/* An error of the file or of memory, with the file's name. */
static int failed(const struct trace_writer *w, int ret, struct err *err)
{
	return ret ? err_set(err, -ret, "%s: %s", w->out.path, strerror(-ret))
		   : 0;
}

static int start(struct trace_writer *w, const char *path,
		 const struct trace_writer_opts *o, struct err *err)
{
	uint8_t head[FMT_HEADER_BYTES];
	uint32_t flags = (o->big_endian ? FMT_BIG_ENDIAN : 0) |
			 (o->has_reads ? FMT_READS : 0);
	int ret = os_out_open(&w->out, path, err);

	if (ret)
		return ret;
	ret = packer_new(&w->packer, &w->out, FMT_HEADER_BYTES,
			 o->level ? o->level : 3, o->threads);
	if (ret)
		return ret;
	fmt_header_put(head, flags);
	ret = os_out_write(&w->out, head, sizeof(head));
	return failed(w, ret, err);
}

int trace_writer_new(struct trace_writer **out, const char *path,
		     const struct trace_writer_opts *opts, struct err *err)
{
	struct trace_writer *w;
	int ret;

	if (opts->level < 0 || opts->level > 19)
		return err_set(err, EINVAL,
			       "compression level %d: 1 to 19 are allowed",
			       opts->level);
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	event_rules_init(&w->rules);
	w->h = (struct trace_header){
		.major = TRACE_MAJOR,
		.minor = TRACE_MINOR,
		.big_endian = opts->big_endian,
		.has_reads = opts->has_reads,
		.contents = 1,
	};
	ret = trace_digest_init(&w->digest);
	if (ret) {
		free(w);
		return ret;
	}
	ret = start(w, path, opts, err);
	if (ret) {
		writer_free(w);
		return ret;
	}
	*out = w;
	return 0;
}

int trace_writer_meta(struct trace_writer *w, const char *key,
		      const char *value, struct err *err)
{
	int ret;

	if (w->begun)
		return err_set(
			err, EINVAL,
			"%s: provenance after the first content or event",
			w->out.path);
	ret = meta_add(&w->h, key, strlen(key), value, strlen(value), err);
	return err_prefix(err, ret, "%s: provenance", w->out.path);
}

/* The first content or event ends the provenance. */
static int begin(struct trace_writer *w, struct err *err)
{
	struct pack *pack;
	int ret;

	if (w->begun || !w->h.nmeta) {
		w->begun = true;
		return 0;
	}
	ret = packer_get(w->packer, &pack);
	if (ret)
		return failed(w, ret, err);
	meta_put(&w->h, pack->raw);
	pack->s = (struct fmt_section){
		.tag = FMT_META,
		.raw = meta_bytes(&w->h),
		.items = w->h.nmeta,
	};
	packer_put(w->packer, pack);
	w->begun = true;
	return 0;
}

static void flush_pages(struct trace_writer *w)
{
	if (w->pages)
		packer_put(w->packer, w->pages);
	w->pages = NULL;
}

/* The contents that the events name go first. */
static void flush_events(struct trace_writer *w)
{
	flush_pages(w);
	if (!w->events)
		return;
	w->events->s.raw = events_end(&w->coder);
	packer_put(w->packer, w->events);
	w->events = NULL;
}

int trace_writer_page(struct trace_writer *w, const void *page, struct err *err)
{
	int ret = begin(w, err);

	if (ret)
		return ret;
	if (w->h.contents == UINT32_MAX - 1)
		return err_set(err, ENOSPC, "%s: too many contents",
			       w->out.path);
	if (!w->pages) {
		ret = packer_get(w->packer, &w->pages);
		if (ret)
			return failed(w, ret, err);
		w->pages->s = (struct fmt_section){.tag = FMT_PAGE};
	}
	memcpy(w->pages->raw + w->pages->s.raw, page, PAGE_BYTES);
	w->pages->s.raw += PAGE_BYTES;
	trace_digest_page(&w->digest, page);
	w->rules.contents = ++w->h.contents;
	if (++w->pages->s.items == FMT_PAGES_MAX)
		flush_pages(w);
	return 0;
}

static int refuse(const struct trace_writer *w, int ret, struct err *err)
{
	return ret == -EINVAL ? err_prefix(err, ret, "%s: event %" PRIu64,
					   w->out.path, w->h.events)
			      : failed(w, ret, err);
}

int trace_writer_event(struct trace_writer *w, const struct event *ev,
		       struct err *err)
{
	struct event e = event_tidy(ev);
	int ret = begin(w, err);

	if (ret)
		return ret;
	if (!w->events) {
		ret = packer_get(w->packer, &w->events);
		if (ret)
			return failed(w, ret, err);
		w->events->s = (struct fmt_section){.tag = FMT_EVNT};
		events_start(&w->coder, w->events->raw, &w->rules,
			     w->coder.content);
	}
	ret = event_rules_apply(&w->rules, &e, err);
	if (ret)
		return refuse(w, ret, err);
	events_put(&w->coder, &e);
	trace_digest_event(&w->digest, &e);
	w->h.events++;
	if (++w->events->s.items == EVENTS_PER_SECTION ||
	    events_bytes(&w->coder) > EVENTS_ROOM)
		flush_events(w);
	return 0;
}

static int finish(struct trace_writer *w, struct err *err)
{
	const struct fmt_entry *index;
	uint8_t *foot;
	uint64_t end;
	size_t n, bytes;
	int ret = begin(w, err);

	if (ret)
		return ret;
	/* a section begun for an event that was refused */
	if (w->events && !w->events->s.items)
		w->events = NULL;
	flush_events(w);
	ret = packer_drain(w->packer, &index, &n, &end);
	if (ret)
		return failed(w, ret, err);
	w->h.spaces = w->rules.spaces;
	w->h.end = w->rules.time;
	w->h.digest = trace_digest_get(&w->digest);
	ret = fmt_footer_put(&w->h, index, n, end, &foot, &bytes);
	if (ret)
		return ret;
	ret = os_out_write(&w->out, foot, bytes);
	free(foot);
	return failed(w, ret, err);
}

int trace_writer_commit(struct trace_writer *w, struct trace_header *header,
			struct err *err)
{
	int ret = finish(w, err);

	if (!ret)
		ret = os_out_commit(&w->out, err);
	if (!ret && header) {
		*header = w->h;
		header->meta = NULL;
		header->nmeta = 0;
	}
	writer_free(w);
	return ret;
}

void trace_writer_abort(struct trace_writer *w)
{
	if (w)
		writer_free(w);
}
