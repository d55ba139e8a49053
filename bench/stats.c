/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/prng.h"
#include "bench/stats.h"

#define SAMPLES 2000u

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double stats_median(double *v, size_t n)
{
	assert(n && n <= STATS_MAX);
	qsort(v, n, sizeof(*v), by_value);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

struct interval stats_interval(const double *v, size_t n, uint64_t seed)
{
	struct prng r = prng_fork(seed, "bootstrap");
	double one[STATS_MAX], all[SAMPLES];
	struct interval in;

	assert(n && n <= STATS_MAX);
	for (unsigned i = 0; i < SAMPLES; i++) {
		for (size_t k = 0; k < n; k++)
			one[k] = v[prng_below(&r, n)];
		all[i] = stats_median(one, n);
	}
	qsort(all, SAMPLES, sizeof(*all), by_value);
	memcpy(one, v, n * sizeof(*v));
	in.median = stats_median(one, n);
	in.low = all[SAMPLES / 40];
	in.high = all[SAMPLES - 1 - SAMPLES / 40];
	return in;
}

struct interval stats_ratio(const double *a, const double *b, size_t n,
			    uint64_t seed)
{
	double ratio[STATS_MAX];

	assert(n <= STATS_MAX);
	for (size_t i = 0; i < n; i++)
		ratio[i] = a[i] / b[i];
	return stats_interval(ratio, n, seed);
}
