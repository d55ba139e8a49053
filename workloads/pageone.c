/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pageone.c - guests whose pages are zeros but for one number
 *
 * The two fills with which PageONE was measured against KSM in 2017: each page
 * of each guest gets a number drawn from 2^24, eight bytes, little-endian, at
 * the start of the page (easy), or at byte 4 * (number % 64) of it (hard).
 * [pone-scripts] Three pages in four draws of a number then hold one that other
 * pages hold too.  Everything is written at once; afterwards a share of the
 * pages may be written anew, period after period.
 *
 * Every draw is a function of the seed, the page and the round, so nothing but
 * the numbers that were drawn at all is kept: four bytes for each possible
 * number and four for each drawn.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/mem.h"
#include "sim/base/prng.h"
#include "workloads/workload.h"

#define BASE_VPN UINT64_C(0x700000000)
#define PAGES_MAX (UINT64_C(1) << 26)
#define DRAWS_MAX (UINT64_C(1) << 28)
#define HARD_PLACES 64u

struct fill_opts {
	uint64_t vms, size, values, scale, zero, change, same, rounds, period;
};

/* clang-format off */
static const struct opt fill_options[] = {
	{ OPT_U64, OPT_FIELD(fill_opts, vms, uint64_t),
	  .def = 12, .min = 1, .max = 4096, .help = "guests",
	  .source = "[pone-scripts]" },
	{ OPT_SIZE, OPT_FIELD(fill_opts, size, uint64_t),
	  .def = UINT64_C(16) << 30, .min = PAGE_BYTES,
	  .max = UINT64_C(1) << 38,
	  .help = "bytes that each guest fills, whole pages",
	  .source = "[pone-scripts]" },
	{ OPT_U64, OPT_FIELD(fill_opts, values, uint64_t),
	  .def = 1 << 24, .min = 1, .max = 1 << 26,
	  .help = "numbers that are drawn from", .source = "[pone-scripts]" },
	{ OPT_U64, OPT_FIELD(fill_opts, scale, uint64_t),
	  .def = 1, .min = 1, .max = 1 << 20,
	  .help = "bytes and numbers are divided by this" },
	{ OPT_U64, OPT_FIELD(fill_opts, zero, uint64_t),
	  .def = 0, .max = 100, .unit = "%",
	  .help = "pages that are written with zeros instead" },
	{ OPT_U64, OPT_FIELD(fill_opts, change, uint64_t),
	  .def = 0, .max = 100, .unit = "%",
	  .help = "pages that are written anew in each period" },
	{ OPT_BOOL, OPT_FIELD(fill_opts, same, uint64_t),
	  .def = 0, .max = 1,
	  .help = "always the same pages are written anew" },
	{ OPT_U64, OPT_FIELD(fill_opts, rounds, uint64_t),
	  .def = 0, .max = 100000,
	  .help = "periods in which pages are written anew" },
	{ OPT_TIME, OPT_FIELD(fill_opts, period, uint64_t),
	  .def = 20 * NS_PER_SEC, .min = 1000000, .max = 3600 * NS_PER_SEC,
	  .help = "length of a period" },
	{ .type = OPT_END },
};
/* clang-format on */

/* What comes next: a space, its range, a page of it; then round after round. */
enum step { STEP_SPACE, STEP_MAP, STEP_WRITE, STEP_END };

struct at {
	enum step step;
	uint64_t round, vm, page;
};

struct fill {
	struct workload base;
	struct fill_opts opt;
	bool hard;
	uint64_t pages; /* of a guest */
	uint32_t values;
	uint64_t seed;
	uint32_t *id;	 /* by number: its content, 0: not drawn (yet) */
	uint32_t *value; /* by content: its number */
	size_t value_cap;
	struct at at;
};

static uint64_t dice(const struct fill *f, const struct at *at, uint64_t round)
{
	uint64_t page = at->vm * f->pages + at->page;

	return splitmix64(f->seed ^ splitmix64(round << 32 | page));
}

/* The number that the page gets in this round. */
static uint32_t draw(const struct fill *f, const struct at *at)
{
	uint64_t x = dice(f, at, 2 * at->round);

	if (f->opt.zero && splitmix64(x) % 100 < f->opt.zero)
		return 0;
	return (uint32_t)((x >> 32) * f->values >> 32);
}

static bool is_written(const struct fill *f, const struct at *at)
{
	uint64_t round = f->opt.same ? 1 : 2 * at->round + 1;

	return !at->round || dice(f, at, round) % 100 < f->opt.change;
}

/* Pages of a round are written one after the other, evenly in time. */
static ns_t when(const struct fill *f, const struct at *at)
{
	uint64_t total = f->pages * f->opt.vms;
	uint64_t page = at->vm * f->pages + at->page;
	uint64_t part = page * (f->opt.period / total) +
			page * (f->opt.period % total) / total;

	return at->round ? NS((at->round - 1) * f->opt.period + part + 1)
			 : NS(0);
}

static void next_vm(const struct fill *f, struct at *at)
{
	at->page = 0;
	at->step = at->round ? STEP_WRITE : STEP_SPACE;
	if (++at->vm < f->opt.vms)
		return;
	at->vm = 0;
	at->step = at->round < f->opt.rounds ? STEP_WRITE : STEP_END;
	at->round++;
}

/* false: the step made no event, go on with the next one */
static bool make(const struct fill *f, struct at *at, struct event *ev)
{
	*ev = (struct event){.space = (uint32_t)at->vm};
	switch (at->step) {
	case STEP_SPACE:
		ev->op = EV_SPACE;
		at->step = STEP_MAP;
		return true;
	case STEP_MAP:
		ev->op = EV_MAP;
		ev->vpn = BASE_VPN;
		ev->count = f->pages;
		ev->flags = EVF_MERGEABLE;
		at->step = STEP_WRITE;
		return true;
	case STEP_WRITE:
		while (at->page < f->pages && !is_written(f, at))
			at->page++;
		if (at->page == f->pages) {
			next_vm(f, at);
			return false;
		}
		ev->op = EV_WRITE;
		ev->vpn = BASE_VPN + at->page;
		ev->count = 1;
		ev->content = f->id[draw(f, at)];
		ev->time = when(f, at);
		at->page++;
		return true;
	case STEP_END:
		break;
	}
	return false;
}

static size_t fill_next(struct workload *w, struct event *ev, size_t max)
{
	struct fill *f = (struct fill *)w;
	size_t n = 0;

	while (n < max && f->at.step != STEP_END)
		n += make(f, &f->at, &ev[n]);
	return n;
}

static void fill_rewind(struct workload *w)
{
	((struct fill *)w)->at = (struct at){0};
}

/* ---- contents ---- */

static uint32_t place(const struct fill *f, uint32_t value)
{
	return f->hard ? 4 * (value % HARD_PLACES) : 0;
}

static const uint8_t *fill_bytes(void *w, uint32_t id, uint8_t *buf)
{
	const struct fill *f = w;
	uint32_t v = f->value[id];

	memset(buf, 0, PAGE_BYTES);
	store_le32(buf + place(f, v), v);
	return buf;
}

/* Numbers have 32 bits and lie at multiples of four: one word holds them. */
static void fill_sparse(void *w, uint32_t id, struct content_sparse *out)
{
	const struct fill *f = w;
	uint32_t v = f->value[id], at = place(f, v);
	uint8_t word[8] = {0};

	store_le32(word + at % 8, v);
	out->n = 1;
	out->at[0] = (uint16_t)(at / 8);
	out->word[0] = load_be64(word);
}

/* ---- life ---- */

static int check(const char *name, struct fill_opts *o, struct err *err)
{
	uint64_t bytes = o->size / o->scale, values = o->values / o->scale;

	if (!values || !bytes || bytes % PAGE_BYTES)
		return err_set(err, EINVAL,
			       "workload %s: scale=%" PRIu64 " leaves %" PRIu64
			       " numbers and %" PRIu64
			       " bytes, which must be whole pages",
			       name, o->scale, values, bytes);
	o->size = bytes;
	o->values = values;
	if (o->vms > PAGES_MAX / (bytes / PAGE_BYTES))
		return err_set(err, EINVAL,
			       "workload %s: more than %" PRIu64
			       " pages in all",
			       name, PAGES_MAX);
	if (o->vms * (bytes / PAGE_BYTES) > DRAWS_MAX / (o->rounds + 1))
		return err_set(err, EINVAL,
			       "workload %s: more than %" PRIu64
			       " pages to write in all rounds",
			       name, DRAWS_MAX);
	return 0;
}

/* Number the contents in order of first appearance, and count the events. */
static int enumerate(struct fill *f)
{
	struct event ev;

	f->base.contents = 1;
	while (f->at.step != STEP_END) {
		struct at at;
		uint32_t v;

		if (!make(f, &f->at, &ev))
			continue;
		f->base.events++;
		f->base.end = ev.time;
		if (ev.op != EV_WRITE)
			continue;
		at = f->at;
		at.page--;
		v = draw(f, &at);
		if (!v || f->id[v])
			continue;
		if (mem_reserve(&f->value, &f->value_cap,
				(size_t)f->base.contents + 1,
				sizeof(*f->value)))
			return -ENOMEM;
		f->value[f->base.contents] = v;
		f->id[v] = f->base.contents++;
	}
	fill_rewind(&f->base);
	return 0;
}

static void fill_stop(struct workload *w)
{
	struct fill *f = (struct fill *)w;

	if (!f)
		return;
	mem_release(f->value, f->value_cap, sizeof(*f->value));
	free(f->id);
	free(f);
}

static int fill_start(struct workload **out, const struct workload_ops *ops,
		      const void *opts, uint64_t seed, struct err *err)
{
	struct prng r = prng_fork(seed, "pageone");
	struct fill_opts o = *(const struct fill_opts *)opts;
	int ret = check(ops->name, &o, err);
	struct fill *f;

	if (ret)
		return ret;
	f = mem_zalloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->base.ops = ops;
	f->base.spaces = (uint32_t)o.vms;
	f->opt = o;
	f->hard = ops == &workload_pageone_hard;
	f->pages = o.size / PAGE_BYTES;
	f->values = (uint32_t)o.values;
	f->seed = prng_next(&r);
	f->id = mem_zalloc(f->values, sizeof(*f->id));
	ret = f->id ? enumerate(f) : -ENOMEM;
	if (ret) {
		fill_stop(&f->base);
		return ret;
	}
	*out = &f->base;
	return 0;
}

static int easy_start(struct workload **out, const void *opts, uint64_t seed,
		      struct err *err)
{
	return fill_start(out, &workload_pageone_easy, opts, seed, err);
}

static int hard_start(struct workload **out, const void *opts, uint64_t seed,
		      struct err *err)
{
	return fill_start(out, &workload_pageone_hard, opts, seed, err);
}

const struct workload_ops workload_pageone_easy = {
	.name = "pageone-easy",
	.summary = "guests full of pages that differ in the first three bytes",
	.opts = fill_options,
	.opts_size = sizeof(struct fill_opts),
	.start = easy_start,
	.next = fill_next,
	.rewind = fill_rewind,
	.bytes = fill_bytes,
	.sparse = fill_sparse,
	.stop = fill_stop,
};

const struct workload_ops workload_pageone_hard = {
	.name = "pageone-hard",
	.summary = "guests full of pages that differ in three of the first 256 "
		   "bytes",
	.opts = fill_options,
	.opts_size = sizeof(struct fill_opts),
	.start = hard_start,
	.next = fill_next,
	.rewind = fill_rewind,
	.bytes = fill_bytes,
	.sparse = fill_sparse,
	.stop = fill_stop,
};
