/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zcache.h - what zcache, frontswap and RAMster decide around a pool
 *
 *	size ─► zcache_admit()           is this swap page worth keeping?
 *	pool ─► zcache_shrink()          what a shrinker's call gives back
 *	tick ─► frontswap_shrink_tick()  how many pages go back to memory
 *	entry ─► ramster_handle()        a page that another machine keeps
 *
 * Source: [linux-zcache].
 */
#ifndef DEDUPSIM_POOL_ZCACHE_H
#define DEDUPSIM_POOL_ZCACHE_H

#include "sim/pool/pool.h"

/* ---- admission of swap pages ---- */

enum zcache_verdict {
	ZCACHE_TAKEN,
	ZCACHE_POOR,	 /* too long for any use */
	ZCACHE_MEAN,	 /* long, and the pages so far are long on average */
	ZCACHE_TOO_MANY, /* of the first version: so many of the memory's pages */
};

struct zcache_admission {
	uint32_t size_max;     /* zv_max_zsize */
	uint32_t mean_max;     /* zv_max_mean_zsize */
	uint64_t pages_max;    /* that may be stored; 0: any number */
	uint64_t pages, bytes; /* stored */
};

/* zcache_admission_init - the defaults; @ram_pages 0: no limit by number, as in
 * the rewrite; otherwise zv_page_count_policy_percent of them, 75 */
void zcache_admission_init(struct zcache_admission *a, uint64_t ram_pages);
/* zcache_admit - a page of so many bytes when compressed; taken ones count.
 * All but ZCACHE_TOO_MANY is known only after compressing it. */
enum zcache_verdict zcache_admit(struct zcache_admission *a, uint32_t bytes);
/* zcache_leave - a page that was taken goes */
void zcache_leave(struct zcache_admission *a, uint32_t bytes);

/* ---- shrinkers of pool zcache-zbud ---- */

/*
 * zcache_shrink - one call of the first version's shrinker, for @frames
 *
 * Frames that are empty already are given back; for the rest frames are emptied,
 * which the next call gives back.  Returns frames given back.
 */
uint64_t zcache_shrink(struct pool *p, uint64_t frames,
		       const struct pool_owner *owner, struct meter *m);

/*
 * zcache_shrink_to - the rewrite's shrinker, which does not ask how many: the
 * oldest frames go until there are no more than @lru_pages of them, what the
 * kernel's list of pages of that kind holds.  Returns as pool_reclaim().
 */
int zcache_shrink_to(struct pool *p, uint64_t lru_pages,
		     const struct pool_owner *owner, struct pool_reclaimed *got,
		     struct meter *m);

/* ---- frontswap, pulling its pages back ---- */

struct frontswap_shrink {
	uint64_t last;	    /* pages at the last tick */
	uint32_t countdown; /* ticks without growth that are still to come */
};

/* frontswap_shrink_tick - five seconds are over, @pages are stored; returns
 * whether pages are to be pulled back until @keep are left */
bool frontswap_shrink_tick(struct frontswap_shrink *f, uint64_t pages,
			   uint64_t *keep);

/* ---- pages on another machine ---- */

struct ramster_page {
	uint8_t node, sum; /* sum of its bytes, modulo 256 */
	uint16_t bytes;	   /* up to 8191 */
	bool in_transit;
};

/* ramster_handle - what stands for it; @rewrite: bit 0 tells tenants apart */
uint32_t ramster_handle(const struct ramster_page *p, bool rewrite);
/* ramster_page_of - back; false: this is no such handle */
bool ramster_page_of(uint32_t handle, bool rewrite, struct ramster_page *p);

#endif
