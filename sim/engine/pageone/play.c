/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The work threads in simulated time.  A thread takes a slice of entries at a
 * time; what they do is done at once, how long it takes is played: the work of
 * each operation, and the words that all operations on the tree write, which
 * only one CPU can have at a time.
 */
#include <errno.h>

#include "sim/engine/pageone/pageone.h"

/*
 * Words that all threads write.  Entering and leaving the tree's epoch takes
 * three swaps of two words; the counters of its allocator take one for each
 * piece, and the release's own statistics one for each search and two for each
 * page that was mapped. [pone]
 */
enum { WORD_EPOCH, WORD_STATISTICS, WORDS };
#define EPOCH_SWAPS 3u
#define STATISTICS_PER_SEARCH 3u
#define STATISTICS_PER_PAGE 2u

/* What the shared words cost a slice: of each kind, in all. */
struct held {
	ns_t epoch, statistics;
};

static struct held hold(struct pageone *p, uint32_t tree, uint64_t pages,
			struct meter *m)
{
	ns_t t0 = meter_spent(m), t1;
	struct held h = {0};

	meter_add(m, OP_SD_SHARED, (uint64_t)EPOCH_SWAPS * tree);
	t1 = meter_spent(m);
	h.epoch = NS(t1.v - t0.v);
	if (!p->opt.debug_counters)
		return h;
	meter_add(m, OP_SD_SHARED,
		  (uint64_t)STATISTICS_PER_SEARCH * tree +
			  STATISTICS_PER_PAGE * pages);
	h.statistics = NS(meter_spent(m).v - t1.v);
	return h;
}

/* Part @i of @n of a time, so that all parts add up to it. */
static ns_t part(ns_t all, uint32_t i, uint32_t n)
{
	return NS(all.v * (i + 1) / n - all.v * i / n);
}

static void write_script(struct vscript *s, ns_t work, struct held h,
			 uint32_t tree)
{
	vscript_clear(s);
	if (!tree)
		vscript_run(s, work);
	for (uint32_t i = 0; i < tree; i++) {
		vscript_run(s, part(work, i, tree));
		if (h.epoch.v) {
			vscript_lock(s, WORD_EPOCH, VLOCK_WRITE);
			vscript_run(s, part(h.epoch, i, tree));
			vscript_unlock(s, WORD_EPOCH);
		}
		if (h.statistics.v) {
			vscript_lock(s, WORD_STATISTICS, VLOCK_WRITE);
			vscript_run(s, part(h.statistics, i, tree));
			vscript_unlock(s, WORD_STATISTICS);
		}
	}
}

/* Thread @w has nothing to do at @now: its next slice, if there is one. */
static int issue(void *ctx, uint32_t w, ns_t now)
{
	struct pageone *p = ctx;
	struct meter *m = &p->base.meter[w + 1];
	uint64_t pages = m->count[OP_SD_PAGE];
	ns_t before = meter_spent(m), work;
	struct held h = {0};
	uint32_t tree;
	int n;

	p->worker[w].busy = false;
	n = pone_slice(p, w, (uint32_t)p->opt.slice, now, &tree, m);
	if (n <= 0)
		return n;
	work = NS(meter_spent(m).v - before.v);
	if (tree) {
		h = hold(p, tree, m->count[OP_SD_PAGE] - pages, m);
		p->op_ns = work.v / tree;
	}
	write_script(&p->script, work, h, tree);
	p->worker[w].busy = true;
	return vsched_submit(p->sched, w, now, &p->script);
}

int pone_play_open(struct pageone *p)
{
	static const enum vlock_kind kind[WORDS] = {VLOCK_SPIN, VLOCK_SPIN};
	int ret = vsched_new(&p->sched, (uint32_t)p->opt.workers, WORDS, kind);

	if (ret)
		return ret;
	p->sched->idle = issue;
	p->sched->ctx = p;
	return 0;
}

void pone_play_close(struct pageone *p)
{
	vsched_free(p->sched);
	vscript_fini(&p->script);
}

bool pone_playing(const struct pageone *p)
{
	return evq_peek(&p->sched->queue) != NULL;
}

int pone_play(struct pageone *p, ns_t until)
{
	const struct evq_entry *e = evq_peek(&p->sched->queue);

	return e && ns_before(e->time, until) ? vsched_advance(p->sched, until)
					      : 0;
}

int pone_tick(struct pageone *p, ns_t now)
{
	int ret = pone_play(p, now);

	for (uint32_t w = 0; !ret && w < p->opt.workers; w++) {
		if (p->worker[w].busy || !pone_has_work(p, w))
			continue;
		meter_add(&p->base.meter[w + 1], OP_TURN, 1);
		ret = issue(p, w, now);
	}
	return ret ? ret : pone_play(p, ns_add(now, NS(1)));
}
