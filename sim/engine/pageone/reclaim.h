/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reclaim.h - when may memory be used again that others may still be reading?
 *
 * An operation on a lock-free structure lies between enter() and leave() of its
 * thread.  What is taken out of the structure waits until every operation that
 * ran at that moment has ended; then it is done with.  Who knows that moment is
 * a reclaimer:
 *
 *	sd_reclaim_now	one thread: at once (this file)
 *	sd_rcu		liburcu (rcu.h)
 *	lock_reclaim	under a mutex, for tests (tests/support)
 *
 * Calls are per operation or per bag of cells, never per step of a search.
 */
#ifndef DEDUPSIM_ENGINE_PAGEONE_RECLAIM_H
#define DEDUPSIM_ENGINE_PAGEONE_RECLAIM_H

#include <stdint.h>

#define SD_THREADS 64u /* per structure; they are numbered from 0 */

/* First member of whatever waits. */
struct sd_waiting {
	/* Called once, from any thread, outside any enter() … leave(). */
	void (*done)(struct sd_waiting *w);
	uint64_t room[4]; /* the reclaimer's while it waits */
};

struct sd_reclaim;

/* A hook that is NULL does nothing; after() must be there. */
struct sd_reclaim_ops {
	/* Before the first and after the last operation of a thread, called
	 * by that thread. */
	void (*join)(struct sd_reclaim *r, unsigned thread);
	void (*part)(struct sd_reclaim *r, unsigned thread);
	void (*enter)(struct sd_reclaim *r, unsigned thread);
	void (*leave)(struct sd_reclaim *r, unsigned thread);
	/* Not between enter() and leave(); never fails. */
	void (*after)(struct sd_reclaim *r, unsigned thread,
		      struct sd_waiting *w);
	/* Returns when nothing waits any more; no operation may run. */
	void (*drain)(struct sd_reclaim *r);
};

struct sd_reclaim {
	const struct sd_reclaim_ops *ops;
};

/* For structures that only one thread uses. */
extern struct sd_reclaim sd_reclaim_now;

#endif
