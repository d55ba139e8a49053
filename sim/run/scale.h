/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scale.h - how much faster calls of tmem go on several processors
 *
 * One run of a workload in a closed loop: each processor takes the next call as
 * soon as it is free (sim/engine/tmem/play.h).  What the calls do is the same for
 * every number of processors, only their times differ.
 */
#ifndef DEDUPSIM_RUN_SCALE_H
#define DEDUPSIM_RUN_SCALE_H

#include "models/cost.h"

struct scale_config {
	const char *workload; /* "first-byte:skew=290" */
	const char *revision; /* "R1" */
	bool compress;
	uint32_t cpus;
	uint64_t think_ns;
	uint64_t seed;
	unsigned threads;
	const struct cost *cost;
};

struct scale_result {
	uint64_t calls, work_ns, played_ns, waited_ns;
	/* Of the work, with these locks held. */
	uint64_t shard_ns, allocator_ns, free_list_ns, lists_ns, object_ns;
	/* In millionths. */
	uint64_t heaviest_shard, speedup, bound, bound_mean;
};

/* scale_run - returns 0; -EINVAL with @err set; -ENOMEM */
int scale_run(const struct scale_config *cfg, struct scale_result *out,
	      struct err *err);

#endif
