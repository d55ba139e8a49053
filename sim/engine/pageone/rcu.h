/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rcu.h - the reclaimer that real threads use: grace periods of liburcu
 *
 * Operations are read-side critical sections; bags wait with call_rcu().  A
 * thread joins at most one structure at a time, because joining registers it
 * with the library.
 *
 * The library's fences are invisible to the C memory model and to tools that
 * follow it.  So each thread also says in an atomic of its own that it has left,
 * and whoever learns that a grace period is over acquires all of these; on
 * common machines the store is a plain one.
 *
 * Source: [liburcu]
 */
#ifndef DEDUPSIM_ENGINE_PAGEONE_RCU_H
#define DEDUPSIM_ENGINE_PAGEONE_RCU_H

#include <stdalign.h>
#include <stdatomic.h>

#include "sim/engine/pageone/reclaim.h"

struct sd_rcu {
	struct sd_reclaim reclaim; /* first: what a structure is given */
	struct {
		alignas(64) atomic_uint left; /* operations ended */
	} thread[SD_THREADS];
};

/* sd_rcu_init - @r is static or on the stack: it is aligned to cache lines */
void sd_rcu_init(struct sd_rcu *r);

#endif
