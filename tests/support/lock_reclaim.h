/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lock_reclaim.h - a reclaimer whose every step is under one mutex
 *
 * Slow, and plain to see that it is right: a bag is done with once every
 * operation that ran when it was handed over has left.  Tools that know mutexes
 * can follow it.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_LOCK_RECLAIM_H
#define DEDUPSIM_TESTS_SUPPORT_LOCK_RECLAIM_H

#include <pthread.h>

#include "sim/engine/pageone/reclaim.h"

struct lock_reclaim {
	struct sd_reclaim reclaim;
	pthread_mutex_t lock;
	uint64_t clock;
	uint64_t entered[SD_THREADS]; /* 0: outside */
	struct sd_waiting *first, *last;
	uint64_t done; /* bags */
};

void lock_reclaim_init(struct lock_reclaim *r);
void lock_reclaim_fini(struct lock_reclaim *r);

#endif
