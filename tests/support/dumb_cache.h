/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dumb_cache.h - the cache model again, as lists that are searched from end to
 * end
 *
 * It knows LRU and FIFO and all policies; neither TLBs, streaming nor accesses
 * that cross a line.  Written from the rules, not from models/.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_DUMB_CACHE_H
#define DEDUPSIM_TESTS_SUPPORT_DUMB_CACHE_H

#include "models/cache.h"

struct entry {
	uint64_t pa, va; /* of the line; of the access that filled it */
	uint32_t instance;
	bool dirty;
	uint64_t stamp;
};

struct list {
	struct entry e[4096];
	unsigned n;
};

struct dumb {
	struct cache_conf conf;
	struct list level[CACHE_LEVELS];
	unsigned levels;
	uint64_t now;
	struct cache_counts n;
};

/* dumb_access - one load or store within a line; its cost
 * @d: zeros, but for conf and levels, at first */
uint64_t dumb_access(struct dumb *d, uint64_t cpu, uint64_t va, uint64_t pa,
		     bool write);

#endif
