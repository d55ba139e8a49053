/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random scenarios.  Everything is drawn from the seed and in a fixed order, so
 * the order of the draws is part of what a seed means: change it, and recorded
 * rows belong to other scenarios.  Page 0 of worker 0 stays mapped and
 * mergeable: with an empty list of processes ksmd would park between steps.
 */
#include <string.h>

#include "sim/base/prng.h"

#include "tests/fidelity/probe.h"

#define PAGES 64
#define STEPS 60
#define HOUR_MS 3600000
#define SALT 0x6b736d /* "ksm" */

struct dice {
	uint64_t state;
	uint64_t ids; /* contents in play, besides zeros */
	bool alive[WORKERS];
	bool mapped[WORKERS][PAGES];
};

static long draw(struct dice *d, long n)
{
	return (long)(splitmix64(d->state++) % (uint64_t)n);
}

static long draw_limit(struct dice *d)
{
	static const long limits[] = {2, 3, 4, 8, 256};

	return limits[draw(d, 5)];
}

/* End of the run of pages from @lo that are (@want) or are not mapped. */
static long reach(const struct dice *d, int w, long lo, long hi, bool want)
{
	while (lo < hi && d->mapped[w][lo] == want)
		lo++;
	return lo;
}

static void mark(struct dice *d, int w, long lo, long hi, bool mapped)
{
	for (; lo < hi; lo++)
		d->mapped[w][lo] = mapped;
}

static void remap(struct probe *p, struct dice *d, int w, long lo, long hi,
		  bool map)
{
	long end = reach(d, w, lo, hi, !map);

	mark(d, w, lo, end, map);
	if (end > lo)
		op_pages(p, w, map ? OP_MAP : OP_UNMAP, lo, end);
}

static void one_of(struct probe *p, struct dice *d, int w, long lo, long hi,
		   enum op heads, enum op tails)
{
	long end = reach(d, w, lo, hi, true);

	if (end > lo)
		op_pages(p, w, draw(d, 2) ? heads : tails, lo, end);
}

static void fill(struct probe *p, struct dice *d, int w, long lo, long hi)
{
	long end = reach(d, w, lo, hi, true);
	uint64_t step, first;

	if (end <= lo)
		return;
	step = (uint64_t)draw(d, 2);
	first = (uint64_t)draw(d, (long)d->ids + 1);
	op_fill(p, w, lo, end, RULE_ID, first, step, d->ids + 1);
}

/* Worker 0 stays; another one ends, or comes anew, or as a child of 0. */
static void come_or_go(struct probe *p, struct dice *d)
{
	int c = 1 + (int)draw(d, WORKERS - 1);

	if (d->alive[c]) {
		op_exit(p, c);
		mark(d, c, 0, PAGES, false);
	} else if (draw(d, 2)) {
		op_start(p, c);
		op_pages(p, c, OP_MAP, 0, PAGES);
		mark(d, c, 0, PAGES, true);
	} else {
		op_fork(p, 0, c);
		memcpy(d->mapped[c], d->mapped[0], sizeof(d->mapped[c]));
	}
	d->alive[c] = !d->alive[c];
}

static void unmerge_all(struct probe *p, struct dice *d)
{
	if (draw(d, 4))
		return;
	op_set(p, "run", 2);
	op_set(p, "max_page_sharing", draw_limit(d));
	op_snap(p, "run=2");
}

static int draw_worker(struct dice *d)
{
	int w;

	do
		w = (int)draw(d, WORKERS);
	while (!d->alive[w]);
	return w;
}

static void one_step(struct probe *p, struct dice *d)
{
	int w = draw_worker(d);
	long lo = w ? draw(d, PAGES) : 1 + draw(d, PAGES - 1);
	long most = draw(d, 4) ? 4 : PAGES;
	long hi = lo + 1 + draw(d, most);
	long what = draw(d, 20);

	if (hi > PAGES)
		hi = PAGES;
	if (what == 0) {
		op_set(p, "smart_scan", draw(d, 2));
	} else if (what == 1) {
		op_set(p, "use_zero_pages", draw(d, 2));
	} else if (what == 2 || what == 3) {
		remap(p, d, w, lo, hi, what == 3);
	} else if (what == 4) {
		one_of(p, d, w, lo, hi, OP_DONTNEED, OP_READ);
	} else if (what == 5) {
		one_of(p, d, w, lo, hi, OP_UNMERGEABLE, OP_MERGEABLE);
	} else if (what == 6) {
		come_or_go(p, d);
	} else if (what == 7) {
		unmerge_all(p, d);
	} else if (what <= 12) {
		fill(p, d, w, lo, hi);
	} else if (what == 13) {
		op_batch(p, 1 + draw(d, 60));
		op_snap(p, "batch");
	} else {
		op_scan(p, 1);
		op_snap(p, "full scan");
	}
}

void probe_random(struct probe *p, uint64_t seed)
{
	struct dice d = {.state = splitmix64(seed) ^ SALT, .alive = {true}};

	op_set(p, "max_page_sharing", draw_limit(&d));
	op_set(p, "smart_scan", draw(&d, 2));
	op_set(p, "use_zero_pages", draw(&d, 2));
	op_set(p, "stable_node_chains_prune_millisecs",
	       draw(&d, 2) ? HOUR_MS : 0);
	d.ids = 1 + (uint64_t)draw(&d, 12);
	op_pages(p, 0, OP_MAP, 0, PAGES);
	mark(&d, 0, 0, PAGES, true);
	op_fill(p, 0, 0, PAGES / 2, RULE_ID, (uint64_t)draw(&d, 2), 1, d.ids);
	for (int step = 0; step < STEPS; step++)
		one_step(p, &d);
	op_scan(p, 2);
	op_snap(p, "two full scans");
}
