/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan.h - caches by the name of a preset, and arrays read through them
 *
 * Everything here fails the Check test that calls it when it cannot do its
 * work.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_SCAN_H
#define DEDUPSIM_TESTS_SUPPORT_SCAN_H

#include "models/cache.h"

/* Virtual start of arrays, a multiple of every colour period. */
#define SCAN_VA (UINT64_C(3) << 30)
/* Frames: of private pages, of merged pages, of zero pages. */
#define SCAN_PRIVATE (UINT64_C(1) << 40)
#define SCAN_MERGED (UINT64_C(2) << 40)
#define SCAN_ZERO (UINT64_C(3) << 40)

/* How the pages of an array got their frames. */
enum scan_case {
	SCAN_PRIV,   /* each its own, in order */
	SCAN_KSM,    /* all one */
	SCAN_KSM256, /* one for every 256 */
	SCAN_ZCOL,   /* the zero page of its colour */
};

/* scan_conf - a preset with fields overridden: "policy=dup syn_extra=6" */
struct cache_conf scan_conf(const char *preset, const char *set);
struct cache *scan_cache(const char *preset, const char *set);
uint64_t scan_pa(const struct cache *c, enum scan_case how, unsigned order,
		 uint64_t page);

/* scan_once - one load in each L1 line of @bytes; what it counted */
struct cache_counts scan_once(struct cache *c, enum scan_case how,
			      uint64_t bytes);
/* scan_with - the same with 2^order zero pages, array at @va */
struct cache_counts scan_with(struct cache *c, enum scan_case how,
			      unsigned order, uint64_t va, uint64_t bytes);
/* scan_steady - cycles of the pass after which nothing changes; the pass after
 * it must be equal */
uint64_t scan_steady(struct cache *c, enum scan_case how, uint64_t bytes);

/* read one 8-byte word; the cycles without TLB */
uint64_t scan_read(struct cache *c, unsigned cpu, uint64_t va, uint64_t pa);
uint64_t scan_cycles(const struct cache *c);

#endif
