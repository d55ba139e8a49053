/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * step.h - ksmd made to do exactly one batch, or one full scan, and then wait
 *
 * Between two batches ksmd sleeps until sleep_millisecs has passed or until its
 * value changes.  So the sleep is set to an hour, and a slightly different hour
 * is written for each batch that is wanted; with pages_to_scan beyond all pages
 * a batch is a full scan.  After each batch we wait until ksmd sleeps again:
 * only then has it read the present value, and the next change will wake it.
 *
 * To be used under ksm_guard(): all knobs are changed.
 */
#ifndef DEDUPSIM_BENCH_STEP_H
#define DEDUPSIM_BENCH_STEP_H

#include <stdbool.h>
#include <sys/types.h>

#include "sim/base/err.h"

#define STEP_ALL 4000000000 /* pages_to_scan that no scan reaches */

struct stepper {
	pid_t ksmd;
	long hour;    /* present sleep_millisecs */
	long scans;   /* full scans done, as far as we asked for them */
	bool started; /* run is 1, ksmd has had its first batch */
	bool overrun; /* it did more than was asked for: measure again */
};

void step_init(struct stepper *s);

/*
 * step_reset - KSM empty and stopped, all knobs at the kernel's defaults
 * Returns 0; -EBUSY when counters stay or somebody else has mergeable memory.
 */
int step_reset(struct stepper *s, struct err *err);

/* step_set - write a knob; "run" other than 1 lets ksmd park.  Returns what the
 * kernel answers: 0 or a negative errno. */
int step_set(struct stepper *s, const char *name, long value);

/* step_scan - one full scan, or the rest of the one that was begun */
int step_scan(struct stepper *s, struct err *err);

/* step_batch - at most @pages pages; @visited: out: pages really visited */
int step_batch(struct stepper *s, long pages, long *visited, struct err *err);

/* step_settle - wait until ksmd sleeps: whatever woke it is dealt with */
void step_settle(const struct stepper *s);

#endif
