/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "sim/base/par.h"

struct par {
	par_fn *fn;
	void *ctx;
	uint64_t n, grain, pieces;
	atomic_uint_least64_t next; /* first piece nobody has taken */
	atomic_bool stop;	    /* some piece failed: take no more */
};

struct worker {
	struct par *par;
	unsigned number;
	uint64_t piece; /* that failed */
	int ret;
};

static int run_piece(struct par *p, uint64_t piece, unsigned worker)
{
	uint64_t lo = piece * p->grain;
	uint64_t hi = p->n - lo < p->grain ? p->n : lo + p->grain;

	return p->fn(p->ctx, lo, hi, worker);
}

/*
 * Pieces are taken in ascending order.  When one fails, all before it are
 * taken already and will be finished, so the lowest failing piece is always
 * run, however the threads are scheduled.  Relaxed is enough for both: a piece
 * is taken once because the addition is atomic, stop only saves work, and the
 * join publishes the results.
 */
static void *work(void *arg)
{
	struct worker *w = arg;
	struct par *p = w->par;

	while (!atomic_load_explicit(&p->stop, memory_order_relaxed)) {
		w->piece = atomic_fetch_add_explicit(&p->next, 1,
						     memory_order_relaxed);
		if (w->piece >= p->pieces)
			break;
		w->ret = run_piece(p, w->piece, w->number);
		if (w->ret) {
			atomic_store_explicit(&p->stop, true,
					      memory_order_relaxed);
			break;
		}
	}
	return NULL;
}

int par_for(unsigned threads, uint64_t n, uint64_t grain, par_fn *fn, void *ctx)
{
	struct par p = {.fn = fn, .ctx = ctx, .n = n, .grain = grain};
	struct worker worker[PAR_MAX];
	pthread_t thread[PAR_MAX];
	const struct worker *first = NULL;
	unsigned made = 1;

	assert(grain);
	p.pieces = n / grain + (n % grain != 0);
	atomic_init(&p.next, 0);
	atomic_init(&p.stop, false);
	if (threads > PAR_MAX)
		threads = PAR_MAX;
	if (threads > p.pieces)
		threads = (unsigned)p.pieces;
	worker[0] = (struct worker){.par = &p};
	for (; made < threads; made++) {
		worker[made] = (struct worker){.par = &p, .number = made};
		if (pthread_create(&thread[made], NULL, work, &worker[made]))
			break;
	}
	work(&worker[0]);
	for (unsigned i = 1; i < made; i++)
		pthread_join(thread[i], NULL);
	for (unsigned i = 0; i < made; i++)
		if (worker[i].ret && (!first || worker[i].piece < first->piece))
			first = &worker[i];
	return first ? first->ret : 0;
}
