/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ksmd.h - the kernel's own ksmd over memory of a known make
 *
 * A process of its own owns the pages and drives ksmd one full scan at a time;
 * CPU time is the daemon's, from /proc/PID/schedstat.  Everything happens under
 * ksm_guard() (bench/kernel.h): one at a time on a machine, and all knobs are
 * put back whatever end it comes to.
 */
#ifndef DEDUPSIM_BENCH_KSMD_H
#define DEDUPSIM_BENCH_KSMD_H

#include "sim/base/err.h"
#include "bench/pages.h"

#define KSMD_SCANS 3u
#define KSMD_COUNTERS 6u
extern const char *const ksmd_counter[KSMD_COUNTERS];

struct ksmd_result {
	uint64_t ns[KSMD_SCANS]; /* CPU time of each full scan */
	int64_t counter[KSMD_COUNTERS];
};

/*
 * ksmd_round - three full scans, smart_scan=0, use_zero_pages=0,
 * max_page_sharing=256
 * Returns 0; -ENOTSUP: no KSM here or not root; -EBUSY: somebody else uses it;
 * -EINTR: a signal to us; -EIO: it went wrong.  @err says it in words.
 */
int ksmd_round(enum pages_kind kind, uint64_t pages, struct ksmd_result *out,
	       struct err *err);

#endif
