/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/mem.h"
#include "models/cache_impl.h"

int sets_init(struct sets *s, uint32_t sets, uint32_t ways, uint32_t instances,
	      uint32_t replacement)
{
	size_t n = (size_t)sets * ways * instances;
	bool stamps = replacement == CACHE_LRU || replacement == CACHE_FIFO;
	bool tree = replacement == CACHE_PLRU;

	assert(is_pow2(sets) && ways && n <= CACHE_LINES_MAX);
	*s = (struct sets){
		.sets = sets,
		.ways = ways,
		.instances = instances,
		.replacement = replacement,
	};
	s->tag = mem_zalloc(n, sizeof(*s->tag));
	if (tree)
		s->tree =
			mem_zalloc((size_t)sets * instances, sizeof(*s->tree));
	if (stamps)
		s->stamp = mem_zalloc(n, sizeof(*s->stamp));
	if (s->tag && (s->tree || !tree) && (s->stamp || !stamps))
		return 0;
	sets_fini(s);
	return -ENOMEM;
}

void sets_fini(struct sets *s)
{
	free(s->tag);
	free(s->stamp);
	free(s->tree);
	*s = (struct sets){0};
}

void sets_reset(struct sets *s, uint64_t seed, const char *stream)
{
	if (!s->tag)
		return;
	memset(s->tag, 0, sets_slots(s) * sizeof(*s->tag));
	if (s->tree)
		memset(s->tree, 0,
		       (size_t)s->sets * s->instances * sizeof(*s->tree));
	/* stamps of empty slots are never looked at */
	s->now = 0;
	s->random = prng_fork(seed, stream);
}

uint64_t sets_slots(const struct sets *s)
{
	return (uint64_t)s->sets * s->ways * s->instances;
}

uint32_t sets_find(const struct sets *s, uint32_t set, uint64_t tag)
{
	uint32_t first = set * s->ways;
	const uint64_t *t = s->tag + first;

	for (uint32_t w = 0; w < s->ways; w++)
		if (t[w] == tag)
			return first + w;
	return NO_SLOT;
}

/*
 * The tree of a set: node 1 is the root, node k has 2k (lower ways) and 2k + 1
 * below it, ways are the leaves.  The bit of a node is 1 when its older half is
 * that of the higher ways.  A use points all nodes on the way to it away from
 * it.
 */
static void tree_touch(uint64_t *tree, uint32_t ways, uint32_t way)
{
	for (uint32_t k = ways + way; k > 1; k /= 2) {
		uint64_t bit = UINT64_C(1) << (k / 2);

		if (k % 2)
			*tree &= ~bit;
		else
			*tree |= bit;
	}
}

static uint32_t tree_oldest(uint64_t tree, uint32_t ways)
{
	uint32_t k = 1;

	while (k < ways)
		k = 2 * k + (uint32_t)(tree >> k & 1);
	return k - ways;
}

void sets_touch(struct sets *s, uint32_t slot)
{
	switch ((enum cache_replacement)s->replacement) {
	case CACHE_LRU:
		s->stamp[slot] = ++s->now;
		break;
	case CACHE_PLRU:
		tree_touch(s->tree + slot / s->ways, s->ways, slot % s->ways);
		break;
	case CACHE_FIFO:
	case CACHE_RANDOM:
		break;
	}
}

static uint32_t oldest(const struct sets *s, uint32_t first)
{
	const uint64_t *stamp = s->stamp + first;
	uint32_t best = 0;

	for (uint32_t w = 1; w < s->ways; w++)
		if (stamp[w] < stamp[best])
			best = w;
	return best;
}

uint32_t sets_room(struct sets *s, uint32_t set)
{
	uint32_t first = set * s->ways, empty;

	empty = sets_find(s, set, 0);
	if (empty != NO_SLOT)
		return empty;
	switch ((enum cache_replacement)s->replacement) {
	case CACHE_LRU:
	case CACHE_FIFO:
		return first + oldest(s, first);
	case CACHE_PLRU:
		return first + tree_oldest(s->tree[set], s->ways);
	case CACHE_RANDOM:
		return first + (uint32_t)prng_below(&s->random, s->ways);
	}
	assert(s->replacement <= CACHE_RANDOM);
	return first;
}

void sets_put(struct sets *s, uint32_t slot, uint64_t tag)
{
	s->tag[slot] = tag;
	if (s->replacement == CACHE_FIFO)
		s->stamp[slot] = ++s->now;
	else
		sets_touch(s, slot);
}
