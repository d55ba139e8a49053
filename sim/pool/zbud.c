/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zbud.c - at most two objects to a page, one from each end
 *
 *	| header | first ->      ...       <- last |
 *	0        64                            4096
 *
 * Pages with one object are on lists by how many chunks they have free; a new
 * object goes to the newest page of the first list where it fits.  All pages
 * are on one list by their last addition; reclaim evicts from its old end.
 *
 * Source: [linux-6.1] mm/zbud.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/base/bits.h"
#include "sim/pool/pool_impl.h"

#define CHUNK 64u
#define CHUNKS (PAGE_BYTES / CHUNK - 1) /* the first is the header */
/* A chunk less than that: so the list of wholly free pages is never needed. */
#define LONGEST (PAGE_BYTES - CHUNK - CHUNK)

enum { FIRST, LAST, BUDDIES };

struct zbud_page {
	struct link place; /* on free[] or buddied */
	struct link age;
	uint32_t buddy[BUDDIES]; /* handles; both 0: this record is free */
};

struct zbud {
	struct pool base;
	struct arena pages;
	struct list free[CHUNKS + 1]; /* one object; by chunks free */
	uint64_t filled;	      /* lists of these that are not empty */
	struct list buddied;	      /* two */
	struct list lru;	      /* latest addition first */
	uint64_t pairs;		      /* pages on buddied */
	uint64_t taken;		      /* chunks of all objects */
};

#define PLACE offsetof(struct zbud_page, place)
#define AGE offsetof(struct zbud_page, age)

static struct zbud_page *page_at(const struct zbud *z, uint32_t page)
{
	return (struct zbud_page *)(void *)arena_at(&z->pages, page);
}

static uint32_t chunks(uint32_t bytes)
{
	return (bytes + CHUNK - 1) / CHUNK;
}

static uint32_t free_chunks(const struct zbud *z, uint32_t page)
{
	uint32_t n = CHUNKS;

	for (unsigned b = 0; b < BUDDIES; b++)
		n -= chunks(pool_bytes(&z->base, page_at(z, page)->buddy[b]));
	return n;
}

static bool is_pair(const struct zbud *z, uint32_t page)
{
	return page_at(z, page)->buddy[FIRST] && page_at(z, page)->buddy[LAST];
}

/* On and off the list that its objects say. */
static void put(struct zbud *z, uint32_t page)
{
	uint32_t n = free_chunks(z, page);

	if (is_pair(z, page)) {
		z->pairs++;
		list_push_front(&z->buddied, &z->pages, PLACE, page);
		return;
	}
	list_push_front(&z->free[n], &z->pages, PLACE, page);
	z->filled |= UINT64_C(1) << n;
}

static void take(struct zbud *z, uint32_t page)
{
	uint32_t n = free_chunks(z, page);

	if (is_pair(z, page)) {
		z->pairs--;
		list_remove(&z->buddied, &z->pages, PLACE, page);
		return;
	}
	list_remove(&z->free[n], &z->pages, PLACE, page);
	if (!z->free[n].first)
		z->filled &= ~(UINT64_C(1) << n);
}

/* The newest page of the first list that has as much free. */
static uint32_t find(const struct zbud *z, uint32_t n)
{
	uint64_t fit = n <= CHUNKS ? z->filled >> n << n : 0;

	return fit ? z->free[ctz64(fit)].first : 0;
}

static int zbud_alloc(struct pool *p, uint32_t bytes, uint32_t *handle,
		      struct meter *m)
{
	struct zbud *z = (struct zbud *)p;
	uint32_t page = find(z, chunks(bytes)), h = 0;
	struct pool_object *o;
	int ret = pool_object_new(p, &h);

	if (ret)
		return ret;
	if (page) {
		take(z, page);
		list_remove(&z->lru, &z->pages, AGE, page);
	} else {
		ret = arena_new(&z->pages, &page);
		if (ret) {
			pool_object_drop(p, h);
			return ret;
		}
		pool_pages_add(p, 1, m);
	}
	o = pool_object_at(p, h);
	o->home = page;
	o->at = page_at(z, page)->buddy[FIRST] ? LAST : FIRST;
	page_at(z, page)->buddy[o->at] = h;
	pool_stored(p, h, bytes, m);
	z->taken += chunks(bytes);
	put(z, page);
	list_push_front(&z->lru, &z->pages, AGE, page);
	*handle = h;
	return 0;
}

static void release(struct zbud *z, uint32_t page, struct meter *m)
{
	arena_drop(&z->pages, page);
	pool_pages_sub(&z->base, 1, m);
}

static void forget(struct zbud *z, uint32_t handle)
{
	struct pool_object *o = pool_object_at(&z->base, handle);

	page_at(z, o->home)->buddy[o->at] = 0;
	z->taken -= chunks(o->bytes);
	pool_object_drop(&z->base, handle);
}

static bool is_empty(const struct zbud *z, uint32_t page)
{
	return !page_at(z, page)->buddy[FIRST] &&
	       !page_at(z, page)->buddy[LAST];
}

static void zbud_free(struct pool *p, uint32_t handle, struct meter *m)
{
	struct zbud *z = (struct zbud *)p;
	uint32_t page = pool_object_at(p, handle)->home;

	take(z, page);
	forget(z, handle);
	if (is_empty(z, page)) {
		list_remove(&z->lru, &z->pages, AGE, page);
		release(z, page, m);
	} else {
		put(z, page);
	}
}

/* First, then last, until one is refused. */
static void evict(struct zbud *z, uint32_t page, const struct pool_owner *owner,
		  struct meter *m)
{
	for (unsigned b = 0; b < BUDDIES; b++) {
		uint32_t h = page_at(z, page)->buddy[b];

		if (!h)
			continue;
		if (!pool_ask(&z->base, h, owner, m))
			return;
		forget(z, h);
	}
}

static int zbud_reclaim(struct pool *p, uint64_t goal,
			const struct pool_owner *owner, struct meter *m)
{
	struct zbud *z = (struct zbud *)p;
	unsigned refused = 0;

	while (p->totals.freed_pages < goal && refused < POOL_RETRIES) {
		uint32_t page = z->lru.last;

		if (!page)
			break;
		list_remove(&z->lru, &z->pages, AGE, page);
		take(z, page);
		evict(z, page, owner, m);
		if (is_empty(z, page)) {
			release(z, page, m);
			refused = 0;
			continue;
		}
		put(z, page);
		list_push_front(&z->lru, &z->pages, AGE, page);
		refused++;
	}
	return p->totals.freed_pages >= goal ? 0 : -EAGAIN;
}

static void zbud_where(const struct pool *p, uint32_t handle,
		       struct pool_place *place)
{
	const struct pool_object *o = pool_object(p, handle);
	uint32_t at =
		o->at == FIRST ? CHUNK : PAGE_BYTES - chunks(o->bytes) * CHUNK;

	pool_place_one(place, o->home, at, o->bytes);
}

static void zbud_lost(const struct pool *p, uint64_t lost[POOL_LOSS_COUNT])
{
	const struct zbud *z = (const struct zbud *)p;

	lost[LOST_HEADER] = p->pages * CHUNK;
	lost[LOST_ROUND] = z->taken * CHUNK - p->asked_bytes;
}

static void zbud_report(const struct pool *p, struct rows *out)
{
	const struct zbud *z = (const struct zbud *)p;

	rows_add(out, "zbud", "buddied_pages", "pages", (int64_t)z->pairs);
	rows_add(out, "zbud", "unbuddied_pages", "pages",
		 (int64_t)(p->pages - z->pairs));
}

/* Pages on @l, each of which must have as many chunks free as the list says;
 * buddied: @n is BUDDIED. */
#define BUDDIED UINT32_MAX

static uint64_t check_list(const struct zbud *z, const struct list *l,
			   uint32_t n)
{
	uint64_t pages = 0;

	for (uint32_t i = l->first; i; i = page_at(z, i)->place.next) {
		if (is_empty(z, i) || is_pair(z, i) != (n == BUDDIED) ||
		    (n != BUDDIED && free_chunks(z, i) != n) ||
		    free_chunks(z, i) > CHUNKS || pages++ > z->pages.count)
			return UINT32_MAX;
		for (unsigned b = 0; b < BUDDIES; b++) {
			uint32_t h = page_at(z, i)->buddy[b];

			if (h && (pool_object(&z->base, h)->home != i ||
				  pool_object(&z->base, h)->at != b))
				return UINT32_MAX;
		}
	}
	return pages;
}

static int zbud_check(const struct pool *p, FILE *why)
{
	const struct zbud *z = (const struct zbud *)p;
	uint64_t pairs = check_list(z, &z->buddied, BUDDIED), lone = 0,
		 aged = 0;

	for (uint32_t n = 0; n <= CHUNKS; n++)
		lone += (z->filled >> n & 1) == (z->free[n].first != 0)
				? check_list(z, &z->free[n], n)
				: UINT32_MAX;
	for (uint32_t i = z->lru.first; i && aged <= p->pages; aged++)
		i = page_at(z, i)->age.next;
	if (pairs != z->pairs || pairs + lone != p->pages || aged != p->pages ||
	    p->objects.count != 2 * pairs + lone)
		return pool_wrong(p, why,
				  "%" PRIu64 " pairs, %" PRIu64
				  " lone pages, %" PRIu64 " by age",
				  pairs, lone, aged);
	return 0;
}

static void zbud_destroy(struct pool *p)
{
	struct zbud *z = (struct zbud *)p;

	arena_fini(&z->pages);
	arena_fini(&p->objects);
	free(z);
}

static int zbud_create(struct pool **out, const void *opts, struct err *err)
{
	struct zbud *z = mem_zalloc(1, sizeof(*z));

	(void)opts;
	(void)err;
	if (!z)
		return -ENOMEM;
	z->base.ops = &pool_zbud;
	z->base.bytes_max = LONGEST;
	arena_init(&z->base.objects, sizeof(struct pool_object));
	arena_init(&z->pages, sizeof(struct zbud_page));
	*out = &z->base;
	return 0;
}

const struct pool_ops pool_zbud = {
	.name = "zbud",
	.summary = "at most two objects to a page; evicts the oldest page",
	.source = "[linux-6.1] mm/zbud.c",
	.evicts = true,
	.create = zbud_create,
	.alloc = zbud_alloc,
	.free = zbud_free,
	.reclaim = zbud_reclaim,
	.where = zbud_where,
	.lost = zbud_lost,
	.report = zbud_report,
	.check = zbud_check,
	.destroy = zbud_destroy,
};
