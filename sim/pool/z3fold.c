/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * z3fold.c - at most three objects to a page
 *
 *	| header | first ->  | middle |    ...    <- last |
 *	0        128                                   4096
 *
 * Longer objects have a page of their own, without header ("headless").  Pages
 * with a free place are on lists by their largest free run of chunks, newest
 * first.  After a free the page is tidied: an object that is alone moves into
 * another page and its own goes away, or a middle object slides to the end that
 * it is next to.  An object that has moved to a page is foreign there, and such
 * a page is neither moved out of nor reclaimed.  The page that is tidied by a
 * worker in the kernel is tidied at once here, on the one CPU there is.
 *
 * Source: [linux-6.1] mm/z3fold.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/base/bits.h"
#include "sim/pool/pool_impl.h"

#define CHUNK 64u
#define HEADER_CHUNKS 2u
#define CHUNKS_ALL (PAGE_BYTES / CHUNK)
#define CHUNKS (CHUNKS_ALL - HEADER_CHUNKS)
#define LONGEST_SHARED ((CHUNKS - 1) * CHUNK)
#define SLIDE_CHUNKS 3u /* a middle slides for no less */
#define SLOTS_BYTES 64u /* four handles and a lock, in a slab */

enum { FIRST, MIDDLE, LAST, BUDDIES };
#define BUDDY_MASK 3u /* of pool_object.at */
#define FOREIGN 4u    /* the same: was stored into another page */

struct z3fold_page {
	struct link place; /* on free[], when one of three places is free */
	struct link age;
	uint32_t buddy[BUDDIES]; /* handles; all 0: this record is free */
	uint8_t chunks[BUDDIES]; /* of each; CHUNKS_ALL for FIRST: headless */
	uint8_t middle;		 /* its first chunk << 2 | foreign objects */
};

struct z3fold {
	struct pool base;
	struct arena pages;
	struct list free[CHUNKS + 1];
	uint64_t filled; /* lists that are not empty */
	struct list lru; /* latest addition first */
	uint32_t
		skip; /* it and all older pages hold foreign objects; 0: none */
	uint64_t headless, foreign; /* pages, objects */
	uint64_t taken;		    /* chunks of all objects, headless 64 */
};

#define PLACE offsetof(struct z3fold_page, place)
#define AGE offsetof(struct z3fold_page, age)

static struct z3fold_page *page_at(const struct z3fold *z, uint32_t page)
{
	return (struct z3fold_page *)(void *)arena_at(&z->pages, page);
}

static uint32_t chunks(uint32_t bytes)
{
	return bytes > LONGEST_SHARED ? CHUNKS_ALL
				      : (bytes + CHUNK - 1) / CHUNK;
}

static bool is_headless(const struct z3fold_page *pg)
{
	return pg->chunks[FIRST] == CHUNKS_ALL;
}

static uint32_t middle_at(const struct z3fold_page *pg)
{
	return pg->middle >> 2;
}

static void set_middle(struct z3fold_page *pg, uint32_t chunk)
{
	pg->middle = (uint8_t)(chunk << 2 | (pg->middle & 3u));
}

/* Objects that were stored elsewhere, three at most. */
static uint32_t foreign(const struct z3fold_page *pg)
{
	return pg->middle & 3u;
}

static void lru_remove(struct z3fold *z, uint32_t page)
{
	if (z->skip == page)
		z->skip = page_at(z, page)->age.next;
	list_remove(&z->lru, &z->pages, AGE, page);
}

static unsigned objects_in(const struct z3fold_page *pg)
{
	unsigned n = 0;

	for (unsigned b = 0; b < BUDDIES; b++)
		n += pg->buddy[b] != 0;
	return n;
}

/* Largest run of chunks that one object could get. */
static uint32_t free_chunks(const struct z3fold_page *pg)
{
	uint32_t before = 0, after = 0;

	if (!pg->buddy[MIDDLE])
		return CHUNKS - pg->chunks[FIRST] - pg->chunks[LAST];
	if (!pg->buddy[FIRST])
		before = middle_at(pg) - HEADER_CHUNKS;
	if (!pg->buddy[LAST])
		after = CHUNKS_ALL - middle_at(pg) - pg->chunks[MIDDLE];
	return before > after ? before : after;
}

static bool is_listed(const struct z3fold_page *pg)
{
	return !is_headless(pg) && objects_in(pg) < BUDDIES;
}

/* On and off the list that its objects say. */
static void put(struct z3fold *z, uint32_t page)
{
	struct z3fold_page *pg = page_at(z, page);
	uint32_t n = free_chunks(pg);

	if (!is_listed(pg))
		return;
	list_push_front(&z->free[n], &z->pages, PLACE, page);
	z->filled |= UINT64_C(1) << n;
}

static void take(struct z3fold *z, uint32_t page)
{
	struct z3fold_page *pg = page_at(z, page);
	uint32_t n = free_chunks(pg);

	if (!is_listed(pg))
		return;
	list_remove(&z->free[n], &z->pages, PLACE, page);
	if (!z->free[n].first)
		z->filled &= ~(UINT64_C(1) << n);
}

/* The newest page of the first list that has as much free. */
static uint32_t find(const struct z3fold *z, uint32_t n)
{
	uint64_t fit = n <= CHUNKS ? z->filled >> n << n : 0;

	return fit ? z->free[ctz64(fit)].first : 0;
}

static unsigned free_buddy(const struct z3fold_page *pg, uint32_t n)
{
	if (!pg->buddy[MIDDLE])
		return !pg->buddy[FIRST]  ? FIRST
		       : !pg->buddy[LAST] ? LAST
					  : MIDDLE;
	return !pg->buddy[FIRST] && n <= middle_at(pg) - HEADER_CHUNKS ? FIRST
								       : LAST;
}

/* Into a place that is known to be large enough. */
static void settle(struct z3fold *z, uint32_t page, unsigned buddy, uint32_t h,
		   uint32_t n)
{
	struct z3fold_page *pg = page_at(z, page);
	struct pool_object *o = pool_object_at(&z->base, h);

	assert(!pg->buddy[buddy]);
	pg->buddy[buddy] = h;
	pg->chunks[buddy] = (uint8_t)n;
	o->home = page;
	o->at = (uint16_t)buddy;
	if (buddy == MIDDLE)
		set_middle(pg, HEADER_CHUNKS + pg->chunks[FIRST]);
}

static int page_new(struct z3fold *z, uint32_t *page, struct meter *m)
{
	int ret = arena_new(&z->pages, page);

	if (!ret)
		pool_pages_add(&z->base, 1, m);
	return ret;
}

static void release(struct z3fold *z, uint32_t page, struct meter *m)
{
	arena_drop(&z->pages, page);
	pool_pages_sub(&z->base, 1, m);
}

static int z3fold_alloc(struct pool *p, uint32_t bytes, uint32_t *handle,
			struct meter *m)
{
	struct z3fold *z = (struct z3fold *)p;
	uint32_t n = chunks(bytes), page = find(z, n), h = 0;
	int ret = pool_object_new(p, &h);

	if (ret)
		return ret;
	if (page) {
		take(z, page);
		lru_remove(z, page);
	} else {
		ret = page_new(z, &page, m);
		if (ret) {
			pool_object_drop(p, h);
			return ret;
		}
		z->headless += n == CHUNKS_ALL;
	}
	settle(z, page, free_buddy(page_at(z, page), n), h, n);
	pool_stored(p, h, bytes, m);
	z->taken += n;
	put(z, page);
	list_push_front(&z->lru, &z->pages, AGE, page);
	*handle = h;
	return 0;
}

static void forget(struct z3fold *z, uint32_t handle)
{
	struct pool_object *o = pool_object_at(&z->base, handle);
	struct z3fold_page *pg = page_at(z, o->home);
	unsigned buddy = o->at & BUDDY_MASK;

	z->headless -= is_headless(pg);
	z->taken -= pg->chunks[buddy];
	pg->buddy[buddy] = 0;
	pg->chunks[buddy] = 0;
	if (o->at & FOREIGN) {
		pg->middle--;
		z->foreign--;
		if (!foreign(pg))
			z->skip = 0; /* one of those behind it, perhaps */
	}
	pool_object_drop(&z->base, handle);
}

/* ---- tidying ---- */

/* The only object of @page goes elsewhere, if there is room. */
static bool move_out(struct z3fold *z, uint32_t page, struct meter *m)
{
	struct z3fold_page *pg = page_at(z, page);
	uint32_t h = pg->buddy[FIRST] | pg->buddy[MIDDLE] | pg->buddy[LAST];
	uint32_t n = chunks(pool_bytes(&z->base, h)), to = find(z, n);

	/* Not the page itself: it is on no list now. */
	if (!to)
		return false;
	take(z, to);
	settle(z, to, free_buddy(page_at(z, to), n), h, n);
	pool_object_at(&z->base, h)->at |= FOREIGN;
	page_at(z, to)->middle++;
	z->foreign++;
	put(z, to);
	pool_moved(&z->base, n * CHUNK, m);
	for (unsigned b = 0; b < BUDDIES; b++)
		pg->buddy[b] = 0;
	lru_remove(z, page);
	release(z, page, m);
	return true;
}

/*
 * 1. alone: the middle becomes first
 * 2. beside a first: down to it      3. beside a last: up to it
 * and 2 and 3 only if that gains a few chunks.
 */
static void slide(struct z3fold *z, uint32_t page, struct meter *m)
{
	struct z3fold_page *pg = page_at(z, page);
	uint32_t h = pg->buddy[MIDDLE], n = pg->chunks[MIDDLE];
	uint32_t at = middle_at(pg), to = at;
	struct pool_object *o = pool_object_at(&z->base, h);

	if (!h)
		return;
	if (!pg->buddy[FIRST] && !pg->buddy[LAST]) {
		pg->buddy[MIDDLE] = 0;
		pg->chunks[MIDDLE] = 0;
		pg->buddy[FIRST] = h;
		pg->chunks[FIRST] = (uint8_t)n;
		o->at = (uint16_t)(FIRST | (o->at & FOREIGN));
		pool_moved(&z->base, n * CHUNK, m);
		return;
	}
	if (!pg->buddy[LAST])
		to = HEADER_CHUNKS + pg->chunks[FIRST];
	else if (!pg->buddy[FIRST])
		to = CHUNKS_ALL - pg->chunks[LAST] - n;
	if ((to < at ? at - to : to - at) < SLIDE_CHUNKS)
		return;
	set_middle(pg, to);
	pool_moved(&z->base, n * CHUNK, m);
}

static void z3fold_free(struct pool *p, uint32_t handle, struct meter *m)
{
	struct z3fold *z = (struct z3fold *)p;
	uint32_t page = pool_object_at(p, handle)->home;
	struct z3fold_page *pg = page_at(z, page);

	take(z, page);
	forget(z, handle);
	if (!objects_in(pg)) {
		lru_remove(z, page);
		release(z, page, m);
		return;
	}
	if (objects_in(pg) == 1 && !foreign(pg) && move_out(z, page, m))
		return;
	slide(z, page, m);
	put(z, page);
}

/* ---- reclaim ---- */

/* Until one is refused. */
static void evict(struct z3fold *z, uint32_t page,
		  const struct pool_owner *owner, struct meter *m)
{
	static const uint8_t order[BUDDIES] = {MIDDLE, FIRST, LAST};

	for (unsigned i = 0; i < BUDDIES; i++) {
		uint32_t h = page_at(z, page)->buddy[order[i]];

		if (!h)
			continue;
		if (!pool_ask(&z->base, h, owner, m))
			return;
		forget(z, h);
	}
}

static uint32_t victim(struct z3fold *z)
{
	uint32_t page = z->lru.last;

	if (z->skip)
		page = page_at(z, z->skip)->age.prev;
	for (; page && foreign(page_at(z, page));
	     page = page_at(z, page)->age.prev)
		z->skip = page;
	return page;
}

static int z3fold_reclaim(struct pool *p, uint64_t goal,
			  const struct pool_owner *owner, struct meter *m)
{
	struct z3fold *z = (struct z3fold *)p;
	unsigned refused = 0;

	while (p->totals.freed_pages < goal && refused < POOL_RETRIES) {
		uint32_t page = victim(z);

		if (!page)
			break;
		take(z, page);
		lru_remove(z, page);
		evict(z, page, owner, m);
		if (!objects_in(page_at(z, page))) {
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

/* ---- figures ---- */

static void z3fold_where(const struct pool *p, uint32_t handle,
			 struct pool_place *place)
{
	const struct z3fold *z = (const struct z3fold *)p;
	const struct pool_object *o = pool_object(p, handle);
	const struct z3fold_page *pg = page_at(z, o->home);
	uint32_t at = HEADER_CHUNKS;

	if (is_headless(pg))
		at = 0;
	else if ((o->at & BUDDY_MASK) == MIDDLE)
		at = middle_at(pg);
	else if ((o->at & BUDDY_MASK) == LAST)
		at = CHUNKS_ALL - chunks(o->bytes);
	pool_place_one(place, o->home, at * CHUNK, o->bytes);
}

static void z3fold_lost(const struct pool *p, uint64_t lost[POOL_LOSS_COUNT])
{
	const struct z3fold *z = (const struct z3fold *)p;

	lost[LOST_HEADER] = (p->pages - z->headless) * HEADER_CHUNKS * CHUNK;
	lost[LOST_ROUND] = z->taken * CHUNK - p->asked_bytes;
}

/* A block of slots stays with the handles of the page it was made for. */
static uint64_t z3fold_metadata_bytes(const struct pool *p)
{
	const struct z3fold *z = (const struct z3fold *)p;

	return (p->pages - z->headless + z->foreign) * SLOTS_BYTES;
}

static void z3fold_report(const struct pool *p, struct rows *out)
{
	const struct z3fold *z = (const struct z3fold *)p;
	int64_t pages[BUDDIES + 1] = {0};

	for (uint32_t i = z->lru.first; i; i = page_at(z, i)->age.next)
		pages[objects_in(page_at(z, i))]++;
	for (int32_t n = 1; n <= BUDDIES; n++)
		rows_add_at(out, "z3fold", "pages_with_objects", n, "pages",
			    pages[n]);
	rows_add(out, "z3fold", "headless_pages", "pages",
		 (int64_t)z->headless);
	rows_add(out, "z3fold", "foreign_objects", "objects",
		 (int64_t)z->foreign);
}

/* ---- check ---- */

static int check_page(const struct z3fold *z, uint32_t page)
{
	const struct z3fold_page *pg = page_at(z, page);
	uint32_t used = 0, moved = 0, end = middle_at(pg) + pg->chunks[MIDDLE];

	for (unsigned b = 0; b < BUDDIES; b++) {
		const struct pool_object *o;

		used += pg->chunks[b];
		if (!pg->buddy[b] && !pg->chunks[b])
			continue;
		o = pool_object(&z->base, pg->buddy[b]);
		if (!pg->buddy[b] || o->home != page ||
		    (o->at & BUDDY_MASK) != b ||
		    pg->chunks[b] != chunks(o->bytes))
			return -EINVAL;
		moved += (o->at & FOREIGN) != 0;
	}
	if (is_headless(pg))
		return used == CHUNKS_ALL ? 0 : -EINVAL;
	if (moved != foreign(pg) || !used || used > CHUNKS)
		return -EINVAL;
	if (pg->buddy[MIDDLE] &&
	    (middle_at(pg) < HEADER_CHUNKS + pg->chunks[FIRST] ||
	     end + pg->chunks[LAST] > CHUNKS_ALL))
		return -EINVAL;
	return 0;
}

static int z3fold_check(const struct pool *p, FILE *why)
{
	const struct z3fold *z = (const struct z3fold *)p;
	uint64_t pages = 0, listed = 0, found = 0, moved = 0, objects = 0;

	for (uint32_t i = z->lru.first; i && pages <= p->pages; pages++) {
		const struct z3fold_page *pg = page_at(z, i);

		if (check_page(z, i))
			return pool_wrong(p, why, "page %" PRIu32 " is wrong",
					  i);
		moved += foreign(pg);
		objects += objects_in(pg);
		listed += is_listed(pg);
		i = pg->age.next;
	}
	for (uint32_t i = z->skip; i; i = page_at(z, i)->age.next)
		if (!foreign(page_at(z, i)))
			return pool_wrong(p, why, "page %" PRIu32 " is skipped",
					  i);
	for (uint32_t n = 0; n <= CHUNKS; n++) {
		if ((z->filled >> n & 1) != (z->free[n].first != 0))
			return pool_wrong(p, why,
					  "list %" PRIu32 " is not marked", n);
		for (uint32_t i = z->free[n].first; i && found <= p->pages;
		     found++) {
			if (!is_listed(page_at(z, i)) ||
			    free_chunks(page_at(z, i)) != n)
				return pool_wrong(p, why,
						  "page %" PRIu32
						  " is on list %" PRIu32,
						  i, n);
			i = page_at(z, i)->place.next;
		}
	}
	if (pages != p->pages || found != listed || moved != z->foreign ||
	    objects != p->objects.count)
		return pool_wrong(p, why,
				  "%" PRIu64 " pages, %" PRIu64 " of %" PRIu64
				  " listed, %" PRIu64 " objects",
				  pages, found, listed, objects);
	return 0;
}

static void z3fold_destroy(struct pool *p)
{
	struct z3fold *z = (struct z3fold *)p;

	arena_fini(&z->pages);
	arena_fini(&p->objects);
	free(z);
}

static int z3fold_create(struct pool **out, const void *opts, struct err *err)
{
	struct z3fold *z = mem_zalloc(1, sizeof(*z));

	(void)opts;
	(void)err;
	if (!z)
		return -ENOMEM;
	z->base.ops = &pool_z3fold;
	z->base.bytes_max = PAGE_BYTES;
	z->base.huge_bytes = LONGEST_SHARED + 1;
	arena_init(&z->base.objects, sizeof(struct pool_object));
	arena_init(&z->pages, sizeof(struct z3fold_page));
	*out = &z->base;
	return 0;
}

const struct pool_ops pool_z3fold = {
	.name = "z3fold",
	.summary = "at most three objects to a page; evicts the oldest page",
	.source = "[linux-6.1] mm/z3fold.c",
	.evicts = true,
	.create = z3fold_create,
	.alloc = z3fold_alloc,
	.free = z3fold_free,
	.reclaim = z3fold_reclaim,
	.where = z3fold_where,
	.lost = z3fold_lost,
	.metadata_bytes = z3fold_metadata_bytes,
	.report = z3fold_report,
	.check = z3fold_check,
	.destroy = z3fold_destroy,
};
