/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * threads.c - ksmd with several threads and one lock for both trees
 *
 * What every kernel has is one thread.  What was asked for in 2017 [pone-mail]
 * is played here: visits are handed out in the order of the scan to whichever
 * thread is free first; looking a page up, its checksum and everything done to
 * page tables need no lock; searches, inserts and removals in either tree are one
 * critical section each.
 *
 * Effects are computed at once, in the order of the visits, so all counters are
 * those of one thread.  Time is played on virtual CPUs: a visit is a script of
 * what it spent outside and inside of the lock.  A batch ends when its last
 * visit has ended, then all of them sleep.
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/core/vcpu.h"
#include "sim/engine/ksm/ksm.h"

#define TREE_LOCK 0

struct ksm_threads {
	struct vsched *sched;
	struct vscript visit; /* the one that is being carried out */
	unsigned depth;	      /* of locking */
	ns_t noted;   /* spent in all when the script was last added to */
	ns_t elapsed; /* by batches, sleeps left out */
	ns_t alone;   /* … before the first visit of each */

	/* The present batch. */
	struct ksm *k;
	struct meter *m;
	uint64_t left;
	bool over; /* the full scan has ended */
};

int threads_start(struct ksm *k, struct err *err)
{
	static const enum vlock_kind kind[] = {[TREE_LOCK] = VLOCK_SPIN};
	int ret;

	if (k->opt.threads == 1)
		return 0;
	if (k->opt.colour_copies != KSM_COPIES_SINGLE)
		return err_set(err, EINVAL,
			       "threads: more than one needs "
			       "colour_copies=single");
	k->threads = mem_zalloc(1, sizeof(*k->threads));
	if (!k->threads)
		return -ENOMEM;
	ret = vsched_new(&k->threads->sched, (uint32_t)k->opt.threads, 1, kind);
	k->threads->k = k;
	return ret;
}

void threads_stop(struct ksm *k)
{
	if (!k->threads)
		return;
	vsched_free(k->threads->sched);
	vscript_fini(&k->threads->visit);
	free(k->threads);
}

/* What was spent since the last note goes into the script. */
static void note(struct ksm_threads *t)
{
	ns_t spent = meter_spent(t->m);

	vscript_run(&t->visit, NS(spent.v - t->noted.v));
	t->noted = spent;
}

void threads_lock(struct ksm *k)
{
	struct ksm_threads *t = k->threads;

	if (!t->m || t->depth++)
		return;
	note(t);
	vscript_lock(&t->visit, TREE_LOCK, VLOCK_WRITE);
}

void threads_unlock(struct ksm *k)
{
	struct ksm_threads *t = k->threads;

	if (!t->m || --t->depth)
		return;
	note(t);
	vscript_unlock(&t->visit, TREE_LOCK);
}

/* Thread @cpu is free: it takes the next visit. */
static int take_visit(void *ctx, uint32_t cpu, ns_t now)
{
	struct ksm_threads *t = ctx;
	int ret;

	if (t->over || !t->left || meter_done(t->m))
		return 0;
	vscript_clear(&t->visit);
	t->depth = 0;
	ret = ksm_visit(t->k, t->m);
	if (ret < 0)
		return ret;
	assert(!t->depth);
	note(t);
	if (ret)
		t->left--;
	else
		t->over = true; /* finding that out took its time, too */
	return vsched_submit(t->sched, cpu, now, &t->visit);
}

int threads_batch(struct ksm *k, struct meter *m, uint64_t *left)
{
	struct ksm_threads *t = k->threads;
	struct vsched *s = t->sched;
	ns_t start;
	int ret = vsched_advance(s, k->clock->now);

	start = s->now;
	t->noted = meter_spent(m);
	t->alone = ns_add(t->alone, NS(t->noted.v - k->begun.v));
	if (!ret)
		ret = vsched_advance(
			s, ns_add(start, NS(t->noted.v - k->begun.v)));
	s->idle = take_visit;
	s->ctx = t;
	t->m = m;
	t->left = *left;
	t->over = false;
	for (uint32_t cpu = 0; !ret && cpu < s->cpus; cpu++)
		ret = take_visit(t, cpu, s->now);
	if (!ret)
		ret = vsched_drain(s);
	t->elapsed = ns_add(t->elapsed, NS(s->now.v - start.v));
	t->m = NULL;
	*left = t->left;
	return ret;
}

ns_t threads_now(const struct ksm *k)
{
	return k->threads->sched->now;
}

ns_t threads_waited(const struct ksm *k)
{
	return k->threads->sched->lock[TREE_LOCK].waited;
}

/* ---- what they are good for ---- */

static ns_t busy(const struct vsched *s)
{
	ns_t sum = NS(0);

	for (uint32_t i = 0; i < s->cpus; i++)
		sum = ns_add(sum, s->cpu[i].busy);
	return sum;
}

/* @a of @b in thousandths; 0 when there is nothing to compare. */
static int64_t milli(ns_t a, ns_t b)
{
	while (a.v > UINT64_MAX / 4000 || b.v > UINT64_MAX / 4) {
		a.v /= 2;
		b.v /= 2;
	}
	return b.v ? (int64_t)((2000 * a.v + b.v) / (2 * b.v)) : 0;
}

static void add_ns(struct rows *out, const char *name, ns_t v)
{
	rows_add(out, "ksm_threads", name, "ns", (int64_t)v.v);
}

void threads_report(const struct ksm *k, struct rows *out)
{
	const struct ksm_threads *t = k->threads;
	const struct vsched *s = t->sched;
	const struct vlock *l = &s->lock[TREE_LOCK];
	ns_t sum = ns_add(busy(s), t->alone);

	rows_add(out, "ksm_threads", "threads", "threads", s->cpus);
	add_ns(out, "busy_ns", sum);
	add_ns(out, "elapsed_ns", t->elapsed);
	add_ns(out, "scan_ns",
	       NS(k->scans_ever ? t->elapsed.v / k->scans_ever : 0));
	add_ns(out, "lock_held_ns", l->held);
	add_ns(out, "lock_waited_ns", l->waited);
	rows_add(out, "ksm_threads", "lock_acquired", "times",
		 (int64_t)l->acquired);
	rows_add(out, "ksm_threads", "lock_contended", "times",
		 (int64_t)l->contended);
	rows_add(out, "ksm_threads", "speedup_milli", "1/1000",
		 milli(sum, t->elapsed));
	rows_add(out, "ksm_threads", "limit_milli", "1/1000",
		 milli(sum, ns_add(l->held, t->alone)));
	for (uint32_t i = 0; i < s->cpus; i++)
		rows_add_at(out, "ksm_thread", "busy_ns", (int32_t)i, "ns",
			    (int64_t)s->cpu[i].busy.v);
}
