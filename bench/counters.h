/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * counters.h - events of the processor and the kernel around a piece of work
 *
 * Events are named as libpfm4 knows them ("cycles", "RETIRED_INSTRUCTIONS",
 * "PERF_COUNT_SW_PAGE_FAULTS"); user mode only, threads made meanwhile
 * included.  What the processor or the kernel refuses is kept with the reason:
 * it has no count, and nothing stands in its place.  CPU time of the calling
 * thread is always there.
 */
#ifndef DEDUPSIM_BENCH_COUNTERS_H
#define DEDUPSIM_BENCH_COUNTERS_H

#include <stdint.h>
#include <stdio.h>

#include "sim/base/err.h"

#define COUNTERS_MAX 16u
#define COUNTERS_NAME_MAX 96u

struct counter {
	char name[COUNTERS_NAME_MAX];
	char why[ERR_TEXT_MAX]; /* it is not counted; "": it is */
	uint32_t type;		/* as the kernel is asked for it */
	uint64_t config;
	int fd; /* -1: not counted */
	uint64_t value;
	uint64_t enabled_ns, running_ns; /* shared with others when unequal */
};

struct counters {
	struct counter v[COUNTERS_MAX];
	unsigned n;
	uint64_t cpu_ns, started_ns;
};

/*
 * counters_new - @list: "NAME,NAME,…"
 * Returns 0 even when every event is refused; -EINVAL for an empty name, one
 * that is too long, or more than COUNTERS_MAX; -ENOMEM.
 */
int counters_new(struct counters **out, const char *list, struct err *err);
void counters_free(struct counters *c); /* NULL is fine */

/* counters_encode - what libpfm4 makes of @name; 0, or -ENOENT with its words */
int counters_encode(const char *name, uint32_t *type, uint64_t *config,
		    struct err *err);

/* Counting adds up over any number of pieces; with NULL nothing happens. */
void counters_start(struct counters *c);
void counters_stop(struct counters *c);

/* counters_print - "@what: cycles 123, …", one line each, for people */
void counters_print(const struct counters *c, const char *what, FILE *out);

#endif
