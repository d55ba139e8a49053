/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/pool/zcache.h"

#define SIZE_MAX_BYTES 3584u
#define MEAN_MAX_BYTES 2560u
#define RAM_PERCENT 75u
#define INERTIA 3u     /* ticks without growth before pages are pulled */
#define HYSTERESIS 20u /* one page in so many, per tick */

/* ---- admission ---- */

void zcache_admission_init(struct zcache_admission *a, uint64_t ram_pages)
{
	*a = (struct zcache_admission){
		.size_max = SIZE_MAX_BYTES,
		.mean_max = MEAN_MAX_BYTES,
		.pages_max = ram_pages * RAM_PERCENT / 100,
	};
}

enum zcache_verdict zcache_admit(struct zcache_admission *a, uint32_t bytes)
{
	if (a->pages_max && a->pages > a->pages_max)
		return ZCACHE_TOO_MANY;
	if (bytes > a->size_max)
		return ZCACHE_POOR;
	if (bytes > a->mean_max && a->pages &&
	    a->bytes / a->pages > a->mean_max)
		return ZCACHE_MEAN;
	a->pages++;
	a->bytes += bytes;
	return ZCACHE_TAKEN;
}

void zcache_leave(struct zcache_admission *a, uint32_t bytes)
{
	assert(a->pages && a->bytes >= bytes);
	a->pages--;
	a->bytes -= bytes;
}

/* ---- the rewrite's shrinker ---- */

int zcache_shrink_to(struct pool *p, uint64_t lru_pages,
		     const struct pool_owner *owner, struct pool_reclaimed *got,
		     struct meter *m)
{
	*got = (struct pool_reclaimed){0};
	if (p->pages <= lru_pages)
		return 0;
	return pool_reclaim(p, p->pages - lru_pages, owner, got, m);
}

/* ---- frontswap ---- */

bool frontswap_shrink_tick(struct frontswap_shrink *f, uint64_t pages,
			   uint64_t *keep)
{
	bool grew = pages > f->last;

	f->last = pages;
	if (!pages || grew) {
		f->countdown = INERTIA;
		return false;
	}
	if (f->countdown && --f->countdown)
		return false;
	*keep = pages <= HYSTERESIS ? 0 : pages - pages / HYSTERESIS;
	return true;
}

/* ---- handles ---- */

#define IN_TRANSIT 1u
#define REMOTE 2u
#define NODE_SHIFT 2u
#define SIZE_SHIFT 10u
#define SUM_SHIFT 23u
#define SIZE_MASK 0x1fffu
#define SPARE (UINT32_C(1) << 31)

uint32_t ramster_handle(const struct ramster_page *p, bool rewrite)
{
	uint32_t h = REMOTE | (uint32_t)p->node << NODE_SHIFT |
		     (p->bytes & SIZE_MASK) << SIZE_SHIFT |
		     (uint32_t)p->sum << SUM_SHIFT;

	if (p->in_transit)
		h |= IN_TRANSIT;
	return rewrite ? h << 1 : h;
}

bool ramster_page_of(uint32_t handle, bool rewrite, struct ramster_page *p)
{
	if (rewrite ? handle & 1 : handle & SPARE)
		return false;
	if (rewrite)
		handle >>= 1;
	if (!(handle & REMOTE))
		return false;
	*p = (struct ramster_page){
		.node = (uint8_t)(handle >> NODE_SHIFT),
		.sum = (uint8_t)(handle >> SUM_SHIFT),
		.bytes = handle >> SIZE_SHIFT & SIZE_MASK,
		.in_transit = handle & IN_TRANSIT,
	};
	return true;
}
