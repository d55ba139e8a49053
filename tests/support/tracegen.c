/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/prng.h"
#include "sim/core/pages.h"
#include "traces/rules.h"
#include "traces/text.h"
#include "tests/support/tracegen.h"

static void push(struct recording *r, struct event ev)
{
	ck_assert(!mem_reserve(&r->ev, &r->cap, r->n + 1, sizeof(*r->ev)));
	r->ev[r->n++] = event_tidy(&ev);
}

static struct event memory(uint64_t t, enum event_op op, uint32_t space,
			   uint64_t vpn, uint64_t count)
{
	return (struct event){.time = NS(t),
			      .op = (uint8_t)op,
			      .space = space,
			      .vpn = vpn,
			      .count = count};
}

static struct event put_page(uint64_t t, uint32_t space, uint64_t vpn,
			     uint32_t content)
{
	struct event ev = memory(t, EV_WRITE, space, vpn, 1);

	ev.content = content;
	return ev;
}

static struct event store(uint64_t t, enum event_op op, uint32_t space,
			  uint32_t object, uint32_t index, uint32_t content)
{
	return (struct event){.time = NS(t),
			      .op = (uint8_t)op,
			      .space = space,
			      .pool = UINT32_MAX,
			      .object = object,
			      .index = index,
			      .stored = op == EV_PUT ? content : 0};
}

static void every_memory(struct recording *r)
{
	struct event ev;

	push(r, memory(0, EV_SPACE, 0, 0, 0));
	for (unsigned f = 0; f < 16; f++) {
		ev = memory(1, EV_MAP, 0, 512 * f, 512);
		ev.flags = (uint8_t)f;
		push(r, ev);
	}
	push(r, memory(1, EV_MAP, 0, VPN_MAX, 1));
	push(r, put_page(2, 0, 0, 1));
	for (uint32_t i = 1; i < 40; i++) /* next pages, next contents */
		push(r, put_page(2, 0, i, i + 1));
	for (uint32_t i = 0; i < 40; i++) /* next pages, zeros */
		push(r, put_page(3, 0, i, 0));
	for (uint32_t i = 0; i < 40; i++) /* next pages, one content */
		push(r, put_page(3, 0, i + 40, 7));
	push(r, put_page(4, 0, VPN_MAX, 40));
	push(r, put_page(4, 0, 0, 1));
	push(r, put_page(5, 0, 1, 2));
	push(r, memory(5, EV_FORK, 1, 0, 0));
	push(r, put_page(5, 1, 2, 3));
	push(r, memory(6, EV_READ, 1, 0, VPN_MAX + 1));
	push(r, memory(6, EV_FREE, 1, 3, 2));
	ev = memory(6, EV_ADVISE, 0, 0, 512);
	push(r, ev);
	ev.flags = EVF_MERGEABLE;
	push(r, ev);
	push(r, memory(7, EV_PIN, 0, 1, 2));
	push(r, memory(7, EV_UNPIN, 0, 1, 2));
	push(r, memory(7, EV_MARK, 0, 0, 0));
	push(r, memory(8, EV_UNMAP, 0, 0, 512));
	push(r, memory(8, EV_EXIT, 1, 0, 0));
}

void recording_every(struct recording *r)
{
	struct event ev = {.time = NS(9), .op = EV_OBJECT};

	*r = (struct recording){.contents = 41, .has_reads = true};
	every_memory(r);
	for (int i = 0; i < 3; i++)
		ev.oid[i] = UINT64_MAX - (uint64_t)i;
	push(r, ev);
	ev.oid[1] = 0;
	push(r, ev);
	for (unsigned f = 0; f < 4; f++) {
		ev = store(9, EV_POOL, 0, 0, 0, 0);
		ev.flags = (uint8_t)(f * EVF_PERSISTENT);
		push(r, ev);
	}
	push(r, store(10, EV_PUT, 0, 1, UINT32_MAX, 40));
	push(r, store(10, EV_PUT, 0, 0, 0, 0));
	push(r, store(UINT64_MAX - 2, EV_GET, 0, 1, UINT32_MAX, 0));
	push(r, store(UINT64_MAX - 2, EV_FLUSH_PAGE, 0, 1, 3, 0));
	push(r, store(UINT64_MAX - 1, EV_FLUSH_OBJECT, 0, 1, 0, 0));
	push(r, store(UINT64_MAX - 1, EV_POOL_END, 0, 0, 0, 0));
}

/* Numbers of every length, small ones as often as large ones. */
static uint64_t any(struct prng *p, unsigned bits)
{
	return prng_next(p) >> (64 - bits) >> prng_below(p, bits);
}

static void push_random(struct recording *r, struct prng *p, uint64_t *t,
			uint32_t live, bool named)
{
	uint32_t space = (uint32_t)prng_below(p, live);
	uint32_t id = (uint32_t)prng_below(p, r->contents);
	uint64_t vpn = any(p, 51), run = prng_below(p, 40),
		 k = prng_below(p, 9);
	struct event ev;

	*t += prng_below(p, 2) * any(p, 40);
	if (k < 3) {
		push(r, put_page(*t, space, vpn, id));
	} else if (k < 5) {
		for (uint64_t i = 0; i < run; i++)
			push(r, put_page(*t, space, vpn + i,
					 k == 3 || id + i >= r->contents
						 ? id
						 : id + (uint32_t)i));
	} else if (k < 7) {
		ev = memory(*t, EV_MAP + (unsigned)prng_below(p, 3), space, vpn,
			    1 + any(p, 50));
		push(r, ev);
	} else if (k == 7 && named) {
		push(r, store(*t, EV_PUT + (unsigned)prng_below(p, 4), space, 0,
			      (uint32_t)vpn, id));
	} else {
		push(r, memory(*t, EV_MARK, 0, 0, 0));
	}
}

void recording_random(struct recording *r, uint64_t seed, size_t events,
		      uint32_t contents)
{
	struct prng p = prng_fork(seed, "recording");
	uint32_t live = 1 + (uint32_t)prng_below(&p, 100);
	struct event ev = {.op = EV_OBJECT};
	uint64_t t = 0;

	*r = (struct recording){.contents = contents, .big_endian = true};
	for (uint32_t i = 0; i < live; i++)
		push(r, memory(0, EV_SPACE, i, 0, 0));
	push(r, ev);
	while (r->n < events)
		push_random(r, &p, &t, live, true);
}

void recording_fini(struct recording *r)
{
	mem_release(r->ev, r->cap, sizeof(*r->ev));
}

static int feed_pages(const struct recording *r, struct trace_writer *w,
		      uint32_t *next, uint32_t upto, struct err *err)
{
	uint8_t page[PAGE_BYTES];
	int ret = 0;

	for (; !ret && *next < upto; ++*next) {
		page_fill(page, r->rule, *next);
		ret = trace_writer_page(w, page, err);
	}
	return ret;
}

int recording_feed(const struct recording *r, struct trace_writer *w,
		   bool early, struct err *err)
{
	uint32_t next = 1;
	int ret = trace_writer_meta(w, "made.by",
				    "tests, \xc3\xa0 la carte # 1", err);

	if (!ret)
		ret = trace_writer_meta(w, "empty", "", err);
	if (!ret && early)
		ret = feed_pages(r, w, &next, r->contents, err);
	for (size_t i = 0; !ret && i < r->n; i++) {
		const struct event *ev = &r->ev[i];
		uint32_t id = ev->op == EV_WRITE ? ev->content
			      : ev->op == EV_PUT ? ev->stored
						 : 0;

		if (id >= next)
			ret = feed_pages(r, w, &next, id + 1, err);
		if (!ret)
			ret = trace_writer_event(w, ev, err);
	}
	return ret ? ret : feed_pages(r, w, &next, r->contents, err);
}

struct trace_header recording_write(const struct recording *r, const char *path,
				    int level, unsigned threads)
{
	struct trace_writer_opts o = {level, threads, r->big_endian,
				      r->has_reads};
	struct trace_header h = {0};
	struct trace_writer *w = NULL;
	struct err err = {0};
	int ret = trace_writer_new(&w, path, &o, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ret = recording_feed(r, w, false, &err);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ret = trace_writer_commit(w, &h, &err);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	return h;
}

void recording_text(const char *trace, const char *path)
{
	struct trace *t = NULL;
	struct os_out out;
	struct err err = {0};
	int ret = trace_open(&t, trace, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ck_assert(!os_out_open(&out, path, &err));
	ret = text_from_trace(t, 1, &out, &err);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ck_assert(!os_out_commit(&out, &err));
	trace_close(t);
}

static void same_pages(const struct recording *r, struct trace *t,
		       unsigned threads)
{
	uint8_t buf[PAGE_BYTES], want[PAGE_BYTES];
	struct content_source src;
	struct err err = {0};
	int ret = t->ops->contents(t, threads, &src, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ck_assert_uint_eq(src.count, r->contents);
	ck_assert(src.big_endian == r->big_endian);
	for (uint32_t id = 1; id < src.count; id++) {
		page_fill(want, r->rule, id);
		ck_assert_msg(
			!memcmp(src.bytes(src.self, id, buf), want, PAGE_BYTES),
			"content %u differs", id);
	}
	t->ops->drop(t);
}

static bool same_event(const struct event *a, const struct event *b)
{
	if (a->time.v != b->time.v || a->op != b->op || a->flags != b->flags ||
	    a->space != b->space || a->pad != b->pad)
		return false;
	if (a->op == EV_OBJECT)
		return !memcmp(a->oid, b->oid, sizeof(a->oid));
	if (a->op >= EV_POOL)
		return a->pool == b->pool && a->object == b->object &&
		       a->index == b->index && a->stored == b->stored;
	return a->vpn == b->vpn && a->count == b->count &&
	       a->content == b->content;
}

static void same_events(const struct recording *r, struct trace *t)
{
	const struct event *ev;
	struct err err = {0};
	size_t n, at = 0;
	int ret;

	while ((ret = t->ops->next(t, &ev, &n, &err)) == 1) {
		ck_assert_uint_le(n, r->n - at);
		for (size_t i = 0; i < n; i++, at++)
			ck_assert_msg(same_event(&ev[i], &r->ev[at]),
				      "event %zu differs", at);
	}
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ck_assert_uint_eq(at, r->n);
}

void recording_same(const struct recording *r, const char *path,
		    unsigned threads)
{
	const struct trace_header *h;
	struct trace *t = NULL;
	struct err err = {0};
	int ret = trace_open(&t, path, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	h = t->ops->header(t);
	ck_assert(h->big_endian == r->big_endian);
	ck_assert(h->has_reads == r->has_reads);
	ck_assert_uint_eq(h->events, r->n);
	ck_assert_uint_eq(h->contents, r->contents);
	ck_assert_uint_eq(h->end.v, r->n ? r->ev[r->n - 1].time.v : 0);
	same_pages(r, t, threads);
	same_events(r, t);
	ret = trace_verify(t, threads, &err);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	trace_close(t);
}
