/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * prng.h - one seed per run, a stream per purpose
 *
 * A stream is derived from the run's seed and a name, so that a new consumer
 * never shifts another's numbers.  xoshiro256** seeded through splitmix64.
 */
#ifndef DEDUPSIM_BASE_PRNG_H
#define DEDUPSIM_BASE_PRNG_H

#include <stdint.h>

struct prng {
	uint64_t s[4];
};

/* splitmix64 - the number that follows state @x; a bijection of 64 bits */
static inline uint64_t splitmix64(uint64_t x)
{
	x += UINT64_C(0x9E3779B97F4A7C15);
	x = (x ^ (x >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94D049BB133111EB);
	return x ^ (x >> 31);
}

/* prng_fork - the stream called @name of the run with @seed */
struct prng prng_fork(uint64_t seed, const char *name);
uint64_t prng_next(struct prng *r);
/* prng_below - uniform in [0, @n), without bias; @n must not be 0 */
uint64_t prng_below(struct prng *r, uint64_t n);

#endif
