/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zcache_zbud.c - the two pairing allocators of zcache, before mainline's zbud
 *
 *	in zcache, from 2.6.39:		| header | first ->   ...   <- last |
 *	in the rewrite and RAMster:	| key, first ->   ...  <- key, last |
 *
 * Both look for the page whose one object is largest and still leaves room,
 * and of these take the one that has waited longest.  The first version keeps
 * empty pages for itself and evicts by size: lone objects, small ones first,
 * then pairs; an evicted page reaches the system one call later.  The second
 * has an order by last addition.  Swap pages and file pages had pools of their
 * own: make two.
 *
 * Source: [linux-2.6.39] drivers/staging/zcache, [linux-3.6]
 * drivers/staging/ramster/zbud.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/pool/pool_impl.h"
#include "sim/pool/zcache.h"

#define CHUNK 64u
#define CHUNKS_MAX (PAGE_BYTES / CHUNK)

enum version { ZCACHE, REWRITE };
enum { FIRST, LAST, BUDDIES };

/* What differs between the two. */
struct traits {
	uint32_t header; /* bytes at the start of a page */
	uint32_t chunks; /* behind it */
	uint32_t key;	 /* bytes in front of each object */
	bool keeps;	 /* empty pages, and evicts by size */
};

static const struct traits traits[] = {
	[ZCACHE] = {.header = 2 * CHUNK, .chunks = 62, .keeps = true},
	[REWRITE] = {.chunks = 64, .key = 32},
};

struct zcache_opts {
	uint64_t version;
};

static const char *const versions[] = {"zcache", "rewrite", NULL};

/* clang-format off */
static const struct opt zcache_options[] = {
	{ OPT_CHOICE, OPT_FIELD(zcache_opts, version, uint64_t),
	  .choices = versions, .def = REWRITE,
	  .help = "of the first zcache, or of its rewrite and RAMster" },
	{ .type = OPT_END },
};
/* clang-format on */

struct zcache_page {
	struct link place; /* on lone[], buddied or unused */
	struct link age;   /* rewrite only */
	uint32_t buddy[BUDDIES];
};

struct zcache {
	struct pool base;
	const struct traits *t;
	struct arena pages;
	struct list lone[CHUNKS_MAX + 1]; /* by chunks used, oldest first */
	struct list buddied;		  /* oldest first */
	struct list unused;		  /* last emptied first */
	struct list lru;		  /* latest addition last */
	uint64_t pairs, empty;		  /* pages on buddied and on unused */
	uint64_t taken;			  /* chunks of all objects */
};

#define PLACE offsetof(struct zcache_page, place)
#define AGE offsetof(struct zcache_page, age)

static struct zcache_page *page_at(const struct zcache *z, uint32_t page)
{
	return (struct zcache_page *)(void *)arena_at(&z->pages, page);
}

/* Of an object; 0: none there. */
static uint32_t chunks(const struct zcache *z, uint32_t bytes)
{
	return bytes ? (bytes + z->t->key + CHUNK - 1) / CHUNK : 0;
}

static uint32_t used_chunks(const struct zcache *z, uint32_t page)
{
	uint32_t n = 0;

	for (unsigned b = 0; b < BUDDIES; b++)
		n += chunks(z,
			    pool_bytes(&z->base, page_at(z, page)->buddy[b]));
	return n;
}

static unsigned objects_in(const struct zcache *z, uint32_t page)
{
	const struct zcache_page *pg = page_at(z, page);

	return pg->buddy[FIRST] && pg->buddy[LAST]   ? 2
	       : pg->buddy[FIRST] || pg->buddy[LAST] ? 1
						     : 0;
}

static struct list *list_of(struct zcache *z, uint32_t page)
{
	return objects_in(z, page) == 2 ? &z->buddied
					: &z->lone[used_chunks(z, page)];
}

static void put(struct zcache *z, uint32_t page)
{
	z->pairs += objects_in(z, page) == 2;
	list_push_back(list_of(z, page), &z->pages, PLACE, page);
}

static void take(struct zcache *z, uint32_t page)
{
	z->pairs -= objects_in(z, page) == 2;
	list_remove(list_of(z, page), &z->pages, PLACE, page);
}

/* ---- pages come and go ---- */

static void give_back(struct zcache *z, uint32_t page, struct meter *m)
{
	arena_drop(&z->pages, page);
	pool_pages_sub(&z->base, 1, m);
}

/* An empty page, on no list. */
static void retire(struct zcache *z, uint32_t page, struct meter *m)
{
	if (!z->t->keeps) {
		give_back(z, page, m);
		return;
	}
	list_push_front(&z->unused, &z->pages, PLACE, page);
	z->empty++;
}

static uint32_t unused_take(struct zcache *z)
{
	uint32_t page = z->unused.first;

	if (page) {
		list_remove(&z->unused, &z->pages, PLACE, page);
		z->empty--;
	}
	return page;
}

static void age_add(struct zcache *z, uint32_t page)
{
	if (!z->t->keeps)
		list_push_back(&z->lru, &z->pages, AGE, page);
}

static void age_remove(struct zcache *z, uint32_t page)
{
	if (!z->t->keeps)
		list_remove(&z->lru, &z->pages, AGE, page);
}

/* ---- objects ---- */

static uint32_t find(const struct zcache *z, uint32_t n)
{
	for (uint32_t used = z->t->chunks - n; used > 0; used--)
		if (z->lone[used].first)
			return z->lone[used].first;
	return 0;
}

static int zcache_alloc(struct pool *p, uint32_t bytes, uint32_t *handle,
			struct meter *m)
{
	struct zcache *z = (struct zcache *)p;
	uint32_t page = find(z, chunks(z, bytes)), h = 0;
	struct pool_object *o;
	int ret = pool_object_new(p, &h);

	if (ret)
		return ret;
	if (page) {
		take(z, page);
		age_remove(z, page);
	} else if (!(page = unused_take(z))) {
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
	z->taken += chunks(z, bytes);
	put(z, page);
	age_add(z, page);
	*handle = h;
	return 0;
}

static void forget(struct zcache *z, uint32_t handle)
{
	struct pool_object *o = pool_object_at(&z->base, handle);

	page_at(z, o->home)->buddy[o->at] = 0;
	z->taken -= chunks(z, o->bytes);
	pool_object_drop(&z->base, handle);
}

static void zcache_free(struct pool *p, uint32_t handle, struct meter *m)
{
	struct zcache *z = (struct zcache *)p;
	uint32_t page = pool_object_at(p, handle)->home;

	take(z, page);
	forget(z, handle);
	if (objects_in(z, page)) {
		put(z, page);
		return;
	}
	age_remove(z, page);
	retire(z, page, m);
}

/* ---- reclaim ---- */

/* Both objects, unless one is refused; then the page is the youngest. */
static bool evict(struct zcache *z, uint32_t page,
		  const struct pool_owner *owner, struct meter *m)
{
	take(z, page);
	age_remove(z, page);
	for (unsigned b = 0; b < BUDDIES; b++) {
		uint32_t h = page_at(z, page)->buddy[b];

		if (!h)
			continue;
		if (!pool_ask(&z->base, h, owner, m)) {
			put(z, page);
			age_add(z, page);
			return false;
		}
		forget(z, h);
	}
	retire(z, page, m);
	return true;
}

/* The first version's order; the list of the longest lone objects is never
 * looked at, so such a page is never found. */
static uint32_t victim_by_size(const struct zcache *z)
{
	for (uint32_t used = 0; used < z->t->chunks - 1; used++)
		if (z->lone[used].first)
			return z->lone[used].first;
	return z->buddied.first;
}

static int zcache_reclaim(struct pool *p, uint64_t goal,
			  const struct pool_owner *owner, struct meter *m)
{
	struct zcache *z = (struct zcache *)p;
	unsigned refused = 0;

	while (p->totals.freed_pages < goal && refused < POOL_RETRIES) {
		uint32_t page = unused_take(z);

		if (page) {
			give_back(z, page, m);
			continue;
		}
		page = z->t->keeps ? victim_by_size(z) : z->lru.first;
		if (!page)
			break;
		refused = evict(z, page, owner, m) ? 0 : refused + 1;
	}
	return p->totals.freed_pages >= goal ? 0 : -EAGAIN;
}

uint64_t zcache_shrink(struct pool *p, uint64_t frames,
		       const struct pool_owner *owner, struct meter *m)
{
	struct zcache *z = (struct zcache *)p;
	uint64_t given = 0;
	unsigned refused = 0;

	assert(p->ops == &pool_zcache_zbud && z->t->keeps);
	for (; frames; frames--) {
		uint32_t page = unused_take(z);

		if (!page)
			break;
		give_back(z, page, m);
		given++;
	}
	while (frames && refused < POOL_RETRIES) {
		uint32_t page = victim_by_size(z);

		if (!page)
			break;
		if (evict(z, page, owner, m))
			frames--;
		else
			refused++;
	}
	return given;
}

/* ---- figures ---- */

static void zcache_where(const struct pool *p, uint32_t handle,
			 struct pool_place *place)
{
	const struct zcache *z = (const struct zcache *)p;
	const struct pool_object *o = pool_object(p, handle);
	uint32_t at = z->t->header;

	if (o->at == LAST)
		at = PAGE_BYTES - chunks(z, o->bytes) * CHUNK;
	pool_place_one(place, o->home, at + z->t->key, o->bytes);
}

static void zcache_lost(const struct pool *p, uint64_t lost[POOL_LOSS_COUNT])
{
	const struct zcache *z = (const struct zcache *)p;

	lost[LOST_HEADER] = p->pages * z->t->header;
	lost[LOST_WORD] = (uint64_t)p->objects.count * z->t->key;
	lost[LOST_ROUND] = z->taken * CHUNK - p->asked_bytes - lost[LOST_WORD];
}

static void zcache_report(const struct pool *p, struct rows *out)
{
	const struct zcache *z = (const struct zcache *)p;

	rows_add(out, "zcache-zbud", "buddied_pages", "pages",
		 (int64_t)z->pairs);
	rows_add(out, "zcache-zbud", "unbuddied_pages", "pages",
		 (int64_t)(p->pages - z->pairs - z->empty));
	rows_add(out, "zcache-zbud", "unused_pages", "pages",
		 (int64_t)z->empty);
}

/* Pages on @l, which must hold @objects; lone ones of @used chunks. */
static uint64_t check_list(const struct zcache *z, const struct list *l,
			   unsigned objects, uint32_t used)
{
	uint64_t pages = 0;

	for (uint32_t i = l->first; i; i = page_at(z, i)->place.next) {
		if (objects_in(z, i) != objects ||
		    used_chunks(z, i) > z->t->chunks ||
		    (objects == 1 && used_chunks(z, i) != used) ||
		    pages++ > z->pages.count)
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

static int zcache_check(const struct pool *p, FILE *why)
{
	const struct zcache *z = (const struct zcache *)p;
	uint64_t pairs = check_list(z, &z->buddied, 2, 0);
	uint64_t empty = check_list(z, &z->unused, 0, 0), lone = 0, aged = 0;

	for (uint32_t n = 0; n <= CHUNKS_MAX; n++)
		lone += check_list(z, &z->lone[n], 1, n);
	for (uint32_t i = z->lru.first; i && aged <= p->pages; aged++)
		i = page_at(z, i)->age.next;
	if (pairs != z->pairs || empty != z->empty ||
	    pairs + lone + empty != p->pages ||
	    p->objects.count != 2 * pairs + lone ||
	    aged != (z->t->keeps ? 0 : p->pages))
		return pool_wrong(p, why,
				  "%" PRIu64 " pairs, %" PRIu64
				  " lone pages, %" PRIu64 " empty, %" PRIu64
				  " by age",
				  pairs, lone, empty, aged);
	return 0;
}

static void zcache_destroy(struct pool *p)
{
	struct zcache *z = (struct zcache *)p;

	arena_fini(&z->pages);
	arena_fini(&p->objects);
	free(z);
}

static int zcache_create(struct pool **out, const void *opts, struct err *err)
{
	const struct zcache_opts *o = opts;
	struct zcache *z = mem_zalloc(1, sizeof(*z));

	(void)err;
	if (!z)
		return -ENOMEM;
	z->t = &traits[o->version];
	z->base.ops = &pool_zcache_zbud;
	z->base.bytes_max = (z->t->chunks - 1) * CHUNK - z->t->key;
	arena_init(&z->base.objects, sizeof(struct pool_object));
	arena_init(&z->pages, sizeof(struct zcache_page));
	*out = &z->base;
	return 0;
}

const struct pool_ops pool_zcache_zbud = {
	.name = "zcache-zbud",
	.summary = "zcache's two allocators of pairs; the oldest fitting page",
	.source = "[linux-2.6.39] drivers/staging/zcache/zcache.c",
	.opts = zcache_options,
	.opts_size = sizeof(struct zcache_opts),
	.create = zcache_create,
	.alloc = zcache_alloc,
	.free = zcache_free,
	.reclaim = zcache_reclaim,
	.where = zcache_where,
	.lost = zcache_lost,
	.report = zcache_report,
	.check = zcache_check,
	.destroy = zcache_destroy,
};
