/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vlock.h - locks that queue in simulated time
 *
 * A lock is held by one writer or by any number of readers, and waited for first
 * come, first served: a reader does not pass a writer that waits.  A spin lock is
 * one that is only ever taken for writing.  Whoever holds or waits is a virtual
 * CPU, as a number; a CPU waits for one lock at a time.
 *
 *	held by 3 │ waiting: 5(write) → 1(read) → 2(read)
 *	3 lets go │ held by 5, waiting: 1 → 2
 *	5 lets go │ held by 1 and 2
 *
 * Times are the caller's: a lock has no clock and does not know what it guards.
 */
#ifndef DEDUPSIM_CORE_VLOCK_H
#define DEDUPSIM_CORE_VLOCK_H

#include <stdio.h>

#include "sim/base/units.h"

enum vlock_kind { VLOCK_SPIN, VLOCK_RW };
enum vlock_mode { VLOCK_READ, VLOCK_WRITE };

#define VCPU_NONE UINT32_MAX

struct vlock {
	uint8_t kind;		      /* enum vlock_kind */
	bool written;		      /* one writer holds it */
	uint32_t readers;	      /* or so many readers do */
	uint32_t first, last;	      /* waiting CPUs, VCPU_NONE: nobody */
	ns_t since;		      /* when it was last taken while free */
	uint64_t acquired, contended; /* times taken; … after waiting */
	ns_t waited;		      /* by all CPUs together */
	ns_t held;		      /* time in which it was not free */
};

/* The place of one virtual CPU in a lock's queue. */
struct vlock_wait {
	uint32_t next; /* CPU behind it */
	uint8_t mode;  /* enum vlock_mode */
	ns_t since;
};

void vlock_init(struct vlock *l, enum vlock_kind kind);

/*
 * vlock_take - @cpu asks for the lock at @now
 * @wait: of all CPUs, by number
 * Returns true: @cpu has it; false: it stands in the queue, and some
 * vlock_drop() will name it.  A spin lock has one mode, VLOCK_WRITE.
 */
bool vlock_take(struct vlock *l, struct vlock_wait *wait, uint32_t cpu,
		enum vlock_mode mode, ns_t now);

/*
 * vlock_drop - a holder lets go at @now
 * Returns the first of the CPUs that have the lock from now on, linked by
 * wait[].next; VCPU_NONE: nobody waited, or other readers still hold it.
 */
uint32_t vlock_drop(struct vlock *l, struct vlock_wait *wait, ns_t now);

static inline bool vlock_is_free(const struct vlock *l)
{
	return !l->written && !l->readers;
}

/* Invariants: free locks have no queue, a writer is alone. */
int vlock_check(const struct vlock *l, FILE *why);

#endif
