/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xvmalloc.c - blocks of any length inside single pages, best of 508 lists
 *
 *	| h | object      | h | hole      | h | object   | h | hole         |
 *	0   4                                                            4096
 *
 * Every block has a header of 4 bytes and is a multiple of 4 long; a hole next
 * to a hole is one hole; a page that is one hole is given back.  Holes of 32
 * bytes and more are on lists by length, newest first.  A search rounds up and
 * a list rounds down, so the head of the first list always fits, and objects
 * longer than 4088 bytes never find one: each attempt adds a page.
 *
 * Blocks are records of two kinds, objects and holes, that name the blocks
 * before and after them in the page.
 *
 * Source: [linux-2.6.35] drivers/staging/ramzswap/xvmalloc.c.
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/base/bits.h"
#include "sim/pool/pool_impl.h"

#define HEADER 4u
#define LONGEST (PAGE_BYTES - HEADER)
#define LIST_MIN 32u
#define LIST_STEP 8u
#define LISTS 508u
#define WORDS ((LISTS + 63) / 64)
#define POOL_PAGES 3u /* lists and bitmaps of the original, in no figure */

/* Reference to a block: index << 1, and 1 for a hole; 0: none.  Before the
 * first block there is the page. */
#define HOLE 1u
#define PAGE (UINT32_C(1) << 31)

struct xv_object {
	struct pool_object o; /* home: the block before; at: of the header */
	uint32_t next;
};

struct xv_hole {
	struct link link; /* when bytes >= LIST_MIN */
	uint32_t prev, next;
	uint16_t at;	/* of its header */
	uint16_t bytes; /* behind the header */
};

struct xv_page {
	uint32_t unused; /* of records on the arena's free list */
	uint32_t first;	 /* block; 0: this record is free */
};

struct xvmalloc {
	struct pool base;
	struct arena holes, pages;
	struct list list[LISTS];
	uint64_t filled[WORDS]; /* lists that are not empty */
	uint64_t taken;		/* bytes of all objects, rounded */
	uint64_t slivers;	/* bytes of holes too short for a list */
};

#define LINK offsetof(struct xv_hole, link)

static struct xv_object *object_at(const struct xvmalloc *x, uint32_t i)
{
	return (struct xv_object *)(void *)arena_at(&x->base.objects, i);
}

static struct xv_hole *hole_at(const struct xvmalloc *x, uint32_t i)
{
	return (struct xv_hole *)(void *)arena_at(&x->holes, i);
}

static struct xv_page *page_at(const struct xvmalloc *x, uint32_t i)
{
	return (struct xv_page *)(void *)arena_at(&x->pages, i);
}

static uint32_t object_ref(uint32_t handle)
{
	return handle << 1;
}

static uint32_t hole_ref(uint32_t hole)
{
	return hole << 1 | HOLE;
}

static bool is_hole(uint32_t ref)
{
	return !(ref & PAGE) && ref & HOLE;
}

static uint32_t align(uint32_t bytes, uint32_t to)
{
	return (bytes + to - 1) / to * to;
}

/* What comes before @ref is now @prev. */
static void set_prev(struct xvmalloc *x, uint32_t ref, uint32_t prev)
{
	if (!ref)
		return;
	if (is_hole(ref))
		hole_at(x, ref >> 1)->prev = prev;
	else
		object_at(x, ref >> 1)->o.home = prev;
}

/* What comes after @ref, a block or the start of a page, is now @next. */
static void set_next(struct xvmalloc *x, uint32_t ref, uint32_t next)
{
	if (ref & PAGE)
		page_at(x, ref & ~PAGE)->first = next;
	else if (is_hole(ref))
		hole_at(x, ref >> 1)->next = next;
	else
		object_at(x, ref >> 1)->next = next;
}

/* ---- lists ---- */

static uint32_t list_index(uint32_t bytes)
{
	return (bytes - LIST_MIN) / LIST_STEP < LISTS
		       ? (bytes - LIST_MIN) / LIST_STEP
		       : LISTS - 1;
}

static void list_hole(struct xvmalloc *x, uint32_t hole)
{
	uint32_t bytes = hole_at(x, hole)->bytes, i;

	if (bytes < LIST_MIN) {
		x->slivers += bytes + HEADER;
		return;
	}
	i = list_index(bytes);
	list_push_front(&x->list[i], &x->holes, LINK, hole);
	x->filled[i / 64] |= UINT64_C(1) << i % 64;
}

static void unlist_hole(struct xvmalloc *x, uint32_t hole)
{
	uint32_t bytes = hole_at(x, hole)->bytes, i;

	if (bytes < LIST_MIN) {
		x->slivers -= bytes + HEADER;
		return;
	}
	i = list_index(bytes);
	list_remove(&x->list[i], &x->holes, LINK, hole);
	if (!x->list[i].first)
		x->filled[i / 64] &= ~(UINT64_C(1) << i % 64);
}

/* Head of the first list that cannot hold anything too short; 0: none. */
static uint32_t find(const struct xvmalloc *x, uint32_t bytes)
{
	uint32_t least = bytes < LIST_MIN ? LIST_MIN : bytes;
	uint32_t i = (align(least, LIST_STEP) - LIST_MIN) / LIST_STEP;
	uint32_t w = i / 64;
	uint64_t word;

	if (i >= LISTS)
		return 0;
	word = x->filled[w] >> i % 64 << i % 64;
	while (!word) {
		if (++w == WORDS)
			return 0;
		word = x->filled[w];
	}
	return x->list[w * 64 + ctz64(word)].first;
}

/* ---- objects ---- */

/* One more page, which is one hole. */
static int grow(struct xvmalloc *x, uint32_t *hole, struct meter *m)
{
	uint32_t page;
	int ret = arena_new(&x->pages, &page);

	if (ret)
		return ret;
	ret = arena_new(&x->holes, hole);
	if (ret) {
		arena_drop(&x->pages, page);
		return ret;
	}
	hole_at(x, *hole)->prev = PAGE | page;
	hole_at(x, *hole)->bytes = LONGEST;
	set_next(x, PAGE | page, hole_ref(*hole));
	list_hole(x, *hole);
	pool_pages_add(&x->base, 1, m);
	return 0;
}

/* The object takes the start of the hole, whose record becomes what remains. */
static void carve(struct xvmalloc *x, uint32_t hole, uint32_t handle,
		  uint32_t bytes)
{
	struct xv_hole *f = hole_at(x, hole);
	struct xv_object *b = object_at(x, handle);
	uint32_t rest = f->bytes - bytes;

	unlist_hole(x, hole);
	b->o.home = f->prev;
	b->o.at = f->at;
	set_next(x, f->prev, object_ref(handle));
	if (!rest) {
		b->next = f->next;
		set_prev(x, f->next, object_ref(handle));
		arena_drop(&x->holes, hole);
		return;
	}
	b->next = hole_ref(hole);
	f->prev = object_ref(handle);
	f->at = (uint16_t)(f->at + HEADER + bytes);
	f->bytes = (uint16_t)(rest - HEADER);
	list_hole(x, hole);
}

/* Freeing must not fail: so there is always room for as many holes as there
 * could be, one after each object and one at the start of each page. */
static int reserve(struct xvmalloc *x)
{
	size_t most = (size_t)x->base.objects.count + x->pages.count + 3;

	return mem_reserve(&x->holes.base, &x->holes.cap, most, x->holes.size);
}

static int xv_alloc(struct pool *p, uint32_t bytes, uint32_t *handle,
		    struct meter *m)
{
	struct xvmalloc *x = (struct xvmalloc *)p;
	uint32_t room = align(bytes, HEADER), hole = find(x, room), h = 0;
	int ret = pool_object_new(p, &h);

	if (ret)
		return ret;
	if (h >= PAGE >> 1)
		ret = -ENOMEM;
	if (!ret)
		ret = reserve(x);
	if (!ret && !hole) {
		ret = grow(x, &hole, m);
		/* What was just added is not looked for by its length. */
		if (!ret && !(hole = find(x, room)))
			ret = -ENOSPC;
	}
	if (ret) {
		pool_object_drop(p, h);
		return ret;
	}
	carve(x, hole, h, room);
	pool_stored(p, h, bytes, m);
	x->taken += room;
	*handle = h;
	return 0;
}

/* The hole at the place of a block that goes, merged with those beside it. */
static uint32_t make_hole(struct xvmalloc *x, const struct xv_object *b)
{
	uint32_t bytes = align(b->o.bytes, HEADER), next = b->next, hole;
	int ret = 0;

	if (is_hole(next)) {
		hole = next >> 1;
		unlist_hole(x, hole);
		bytes += HEADER + hole_at(x, hole)->bytes;
		next = hole_at(x, hole)->next;
		arena_drop(&x->holes, hole);
	}
	if (is_hole(b->o.home)) {
		hole = b->o.home >> 1;
		unlist_hole(x, hole);
		bytes += HEADER + hole_at(x, hole)->bytes;
	} else {
		ret = arena_new(&x->holes, &hole);
		assert(!ret);
		hole_at(x, hole)->prev = b->o.home;
		hole_at(x, hole)->at = b->o.at;
		set_next(x, b->o.home, hole_ref(hole));
	}
	hole_at(x, hole)->bytes = (uint16_t)bytes;
	hole_at(x, hole)->next = next;
	set_prev(x, next, hole_ref(hole));
	return hole;
}

static void xv_free(struct pool *p, uint32_t handle, struct meter *m)
{
	struct xvmalloc *x = (struct xvmalloc *)p;
	struct xv_object b = *object_at(x, handle);
	uint32_t hole = make_hole(x, &b);

	x->taken -= align(b.o.bytes, HEADER);
	pool_object_drop(p, handle);
	if (hole_at(x, hole)->bytes == LONGEST) {
		set_next(x, hole_at(x, hole)->prev, 0);
		arena_drop(&x->pages, hole_at(x, hole)->prev & ~PAGE);
		arena_drop(&x->holes, hole);
		pool_pages_sub(p, 1, m);
	} else {
		list_hole(x, hole);
	}
}

/* ---- figures ---- */

static void xv_where(const struct pool *p, uint32_t handle,
		     struct pool_place *place)
{
	const struct xvmalloc *x = (const struct xvmalloc *)p;
	const struct pool_object *o = pool_object(p, handle);
	uint32_t ref = o->home;

	while (!(ref & PAGE))
		ref = is_hole(ref) ? hole_at(x, ref >> 1)->prev
				   : object_at(x, ref >> 1)->o.home;
	pool_place_one(place, ref & ~PAGE, o->at + HEADER, o->bytes);
}

static void xv_lost(const struct pool *p, uint64_t lost[POOL_LOSS_COUNT])
{
	const struct xvmalloc *x = (const struct xvmalloc *)p;

	lost[LOST_WORD] = (uint64_t)p->objects.count * HEADER;
	lost[LOST_ROUND] = x->taken - p->asked_bytes;
	lost[LOST_SLIVER] = x->slivers;
}

static uint64_t xv_metadata_bytes(const struct pool *p)
{
	(void)p;
	return POOL_PAGES * PAGE_BYTES;
}

static void xv_report(const struct pool *p, struct rows *out)
{
	const struct xvmalloc *x = (const struct xvmalloc *)p;

	rows_add(out, "xvmalloc", "holes", "blocks", x->holes.count);
}

/* ---- check ---- */

struct walk {
	uint64_t objects, holes, listed, slivers;
};

/* Each block where the one before ends, up to the end of the page. */
static int check_page(const struct xvmalloc *x, uint32_t page, struct walk *w)
{
	uint32_t at = 0, before = PAGE | page;
	bool hole, was_hole = false;

	for (uint32_t ref = page_at(x, page)->first; ref; was_hole = hole) {
		const struct xv_hole *f = hole_at(x, ref >> 1);
		const struct xv_object *b = object_at(x, ref >> 1);

		hole = is_hole(ref);
		if ((hole ? f->at : b->o.at) != at ||
		    (hole ? f->prev : b->o.home) != before ||
		    (hole && was_hole) || at >= PAGE_BYTES)
			return -EINVAL;
		w->objects += !hole;
		w->holes += hole;
		w->listed += hole && f->bytes >= LIST_MIN;
		if (hole && f->bytes < LIST_MIN)
			w->slivers += f->bytes + HEADER;
		at += HEADER + (hole ? f->bytes : align(b->o.bytes, HEADER));
		before = ref;
		ref = hole ? f->next : b->next;
	}
	return at == PAGE_BYTES ? 0 : -EINVAL;
}

static uint64_t check_lists(const struct xvmalloc *x)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < LISTS; i++) {
		bool filled = x->filled[i / 64] >> i % 64 & 1;

		if (filled != (x->list[i].first != 0))
			return UINT64_MAX;
		for (uint32_t h = x->list[i].first; h;
		     h = hole_at(x, h)->link.next)
			if (list_index(hole_at(x, h)->bytes) != i ||
			    n++ > x->holes.count)
				return UINT64_MAX;
	}
	return n;
}

static int xv_check(const struct pool *p, FILE *why)
{
	const struct xvmalloc *x = (const struct xvmalloc *)p;
	struct walk w = {0};
	uint64_t pages = 0;

	for (uint32_t i = 1; i <= x->pages.used; i++) {
		if (!page_at(x, i)->first)
			continue;
		pages++;
		if (check_page(x, i, &w))
			return pool_wrong(
				p, why,
				"the blocks of page %" PRIu32 " are wrong", i);
	}
	if (pages != p->pages || w.objects != p->objects.count ||
	    w.holes != x->holes.count || w.slivers != x->slivers ||
	    check_lists(x) != w.listed)
		return pool_wrong(p, why,
				  "%" PRIu64 " pages, %" PRIu64
				  " objects, %" PRIu64 " holes found",
				  pages, w.objects, w.holes);
	return 0;
}

static void xv_destroy(struct pool *p)
{
	struct xvmalloc *x = (struct xvmalloc *)p;

	arena_fini(&x->holes);
	arena_fini(&x->pages);
	arena_fini(&p->objects);
	free(x);
}

static int xv_create(struct pool **out, const void *opts, struct err *err)
{
	struct xvmalloc *x = mem_zalloc(1, sizeof(*x));

	(void)opts;
	(void)err;
	if (!x)
		return -ENOMEM;
	x->base.ops = &pool_xvmalloc;
	x->base.bytes_max = LONGEST;
	arena_init(&x->base.objects, sizeof(struct xv_object));
	arena_init(&x->holes, sizeof(struct xv_hole));
	arena_init(&x->pages, sizeof(struct xv_page));
	*out = &x->base;
	return 0;
}

const struct pool_ops pool_xvmalloc = {
	.name = "xvmalloc",
	.summary = "blocks of any length inside pages; never evicts",
	.source = "[linux-2.6.35] drivers/staging/ramzswap/xvmalloc.c",
	.create = xv_create,
	.alloc = xv_alloc,
	.free = xv_free,
	.where = xv_where,
	.lost = xv_lost,
	.metadata_bytes = xv_metadata_bytes,
	.report = xv_report,
	.check = xv_check,
	.destroy = xv_destroy,
};
