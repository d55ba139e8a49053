/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>

#include "sim/base/prng.h"

struct prng prng_fork(uint64_t seed, const char *name)
{
	uint64_t h = splitmix64(seed);
	struct prng r;

	for (; *name; name++)
		h = splitmix64(h ^ (unsigned char)*name);
	for (int i = 0; i < 4; i++)
		r.s[i] = h = splitmix64(h);
	return r;
}

static uint64_t rotl(uint64_t x, int k)
{
	return x << k | x >> (64 - k);
}

uint64_t prng_next(struct prng *r)
{
	uint64_t *s = r->s, result = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint64_t prng_below(struct prng *r, uint64_t n)
{
	uint64_t x, limit;

	assert(n);
	limit = UINT64_MAX - UINT64_MAX % n; /* a multiple of n */
	do
		x = prng_next(r);
	while (x >= limit);
	return x % n;
}
