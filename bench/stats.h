/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stats.h - a median and how far it can be trusted
 *
 * The interval is the bootstrap's: of 2000 samples drawn with replacement from
 * the values, the medians between the 2.5th and 97.5th percentile.  The seed is
 * given, so the same values give the same interval.
 */
#ifndef DEDUPSIM_BENCH_STATS_H
#define DEDUPSIM_BENCH_STATS_H

#include <stddef.h>
#include <stdint.h>

#define STATS_MAX 64u /* values */

struct interval {
	double median, low, high;
};

/* stats_median - of 1 … STATS_MAX values; @v is sorted by it */
double stats_median(double *v, size_t n);
struct interval stats_interval(const double *v, size_t n, uint64_t seed);
/* stats_ratio - of a[i] / b[i]: pairs, so that what slows both cancels */
struct interval stats_ratio(const double *a, const double *b, size_t n,
			    uint64_t seed);

#endif
