/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * advisor.c - pages_to_scan by how long a full scan took
 *
 * Unsigned integers, divisions truncate.  The floor is a tenth of a CPU, not
 * advisor_min_pages_to_scan, which is where it starts only.
 * Source: [linux-6.18] mm/ksm.c, the scan-time advisor.
 */
#include "sim/engine/ksm/ksm.h"

#define WEIGHT_NEW 30 /* percent, of the newest value in the moving average */
#define CPU_FLOOR 10  /* percent */

static uint64_t at_least_1(uint64_t x)
{
	return x ? x : 1;
}

void advisor_start(struct ksm *k)
{
	k->opt.pages_to_scan = k->opt.advisor_min_pages_to_scan;
	k->change = k->prev_scan_time = k->prev_cpu_ms = 0;
}

void advisor_step(struct ksm *k, const struct advisor_scan *scan)
{
	const struct ksm_opts *o = &k->opt;
	uint64_t seconds = at_least_1(scan->seconds);
	uint64_t cpu, last, factor, change, pages, unit;

	if (o->advisor_mode == KSM_ADVISOR_NONE)
		return;
	cpu = at_least_1(100 * (scan->cpu_ms - k->prev_cpu_ms) /
			 (1000 * seconds));
	last = k->prev_scan_time ? k->prev_scan_time : seconds;
	factor = at_least_1(100 * o->advisor_target_scan_time / seconds);
	change = at_least_1(100 * seconds / last);
	k->change =
		((100 - WEIGHT_NEW) * k->change + WEIGHT_NEW * change) / 100;
	pages = o->pages_to_scan * 100 / factor * k->change / 100;
	unit = at_least_1(o->pages_to_scan / cpu);
	if (pages > unit * o->advisor_max_cpu)
		pages = unit * o->advisor_max_cpu;
	if (pages < unit * CPU_FLOOR)
		pages = unit * CPU_FLOOR;
	if (pages > o->advisor_max_pages_to_scan)
		pages = o->advisor_max_pages_to_scan;
	k->prev_scan_time = seconds;
	k->prev_cpu_ms = scan->cpu_ms;
	k->opt.pages_to_scan = pages;
}
