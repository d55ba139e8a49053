/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pace.h - the CPU time of a run, as rows of its timeline and of its results
 *
 * Time is what the counts of the meters cost: of each worker, which its turns
 * take of the clock, and of the guests, which the engine made whoever wrote wait.
 */
#ifndef DEDUPSIM_RUN_PACE_H
#define DEDUPSIM_RUN_PACE_H

#include "models/cost.h"

struct pace {
	const struct cost
		*cost; /* NULL: everything is free, there are no rows */
	const struct meter *workers;
	unsigned nworkers;
	const struct meter *guests;
	/* of the sample before */
	ns_t last;
	uint64_t last_ns;
};

/*
 * pace_sample - rows of a line of the timeline
 *	cpu.workers_ns   CPU time of the engine's threads so far
 *	cpu.guests_ns    of others, on its account
 *	cpu.workers_ppm  millionths of one CPU that the threads took since the last
 *	                 sample; what a turn costs is seen at its beginning
 *	cost.GROUP_ns    both, by what it was spent on
 */
void pace_sample(struct pace *p, ns_t now, struct rows *out);

/*
 * pace_report - rows of the results, beside those of cost_report()
 *	cpu.workers_ns, cpu.guests_ns; workers_low_ns, … the two ends
 *	cpu.workers_ppm, workers_low_ppm, workers_high_ppm
 *	                 of one CPU, over the run; -1: it took no time.  The ends
 *	                 suppose that the threads sleep as long as they did
 *	cost.per_mib_ns, per_mib_low_ns, per_mib_high_ns
 *	                 per MiB that is saved at the end; -1: nothing is
 */
void pace_report(const struct pace *p, ns_t end, uint64_t saved_pages,
		 struct rows *out);

#endif
