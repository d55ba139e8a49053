/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/base/prng.h"
#include "sim/machine/place.h"

#define ROUNDS 4u

struct placement placement_make(bool random, uint64_t seed)
{
	struct prng r = prng_fork(seed, "placement");

	return (struct placement){random, prng_next(&r)};
}

/* A Feistel network: whatever the halves are mixed with, it is one to one. */
static uint32_t shuffle(uint32_t frame, uint64_t key)
{
	uint32_t left = frame >> 16, right = frame & 0xffff, mixed;

	for (unsigned i = 0; i < ROUNDS; i++) {
		mixed = (uint32_t)splitmix64(key ^ i << 16 ^ right) & 0xffff;
		mixed ^= left;
		left = right;
		right = mixed;
	}
	return left << 16 | right;
}

uint64_t placement_page(const struct placement *p, uint64_t place)
{
	if (!p->random || place >= PLACE_ZERO)
		return place;
	return shuffle((uint32_t)place, p->key);
}
