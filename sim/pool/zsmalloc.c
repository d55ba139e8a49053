/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "sim/pool/zsmalloc.h"

#define LINK offsetof(struct zs_zspage, link)
#define AGE offsetof(struct zs_stamp, link)

/* Group of a zspage with @used of its objects stored. */
static uint32_t group_of(const struct zsmalloc *zs, const struct zs_class *c,
			 uint32_t used)
{
	if (!used)
		return 0;
	if (used == c->objects)
		return zs->traits->groups - 1u;
	if (zs->traits->groups == ZS_GROUPS_MAX)
		return used * 100 / c->objects / 10 + 1;
	if (zs->traits->handles)
		return used <= c->objects * 3 / 4 ? 1 : 2;
	return used <= c->objects / 4 ? 1 : 2;
}

/* ---- zspages ---- */

void zs_take(struct zs_class *c, uint32_t z)
{
	struct zs_zspage *zp = zs_zspage(c, z);

	list_remove(&c->list[zp->group], &c->zspages, LINK, z);
	zp->group = ZS_APART;
}

void zs_put(struct zsmalloc *zs, struct zs_class *c, uint32_t z)
{
	struct zs_zspage *zp = zs_zspage(c, z);
	struct list *l;
	uint32_t head, behind = 0;

	zp->group = (uint8_t)group_of(zs, c, zp->used);
	l = &c->list[zp->group];
	head = l->first;
	if (zs->traits->second && head && zs_zspage(c, head)->used > zp->used)
		behind = head;
	list_insert(l, &c->zspages, LINK, behind, z);
}

/* Only a change of group moves a zspage to the head of a list. */
static void regroup(struct zsmalloc *zs, struct zs_class *c, uint32_t z)
{
	struct zs_zspage *zp = zs_zspage(c, z);

	if (zp->group == group_of(zs, c, zp->used))
		return;
	if (zp->group != ZS_APART)
		zs_take(c, z);
	zs_put(zs, c, z);
}

static struct zs_stamp *stamp_at(const struct zs_class *c, uint32_t z)
{
	return (struct zs_stamp *)(void *)arena_at(&c->stamps, z);
}

void zs_touch(struct zsmalloc *zs, struct zs_class *c, uint32_t z)
{
	if (zs->opt.victim != ZS_VICTIM_OLDEST)
		return;
	list_remove(&c->age, &c->stamps, AGE, z);
	list_push_front(&c->age, &c->stamps, AGE, z);
	stamp_at(c, z)->stored = ++zs->stores;
}

static int zspage_new(struct zsmalloc *zs, struct zs_class *c, uint32_t *out,
		      struct meter *m)
{
	struct zs_zspage *zp;
	uint32_t z;
	int ret = arena_new(&c->zspages, &z);

	if (ret)
		return ret;
	if (zs->opt.victim == ZS_VICTIM_OLDEST) {
		ret = mem_reserve(&c->stamps.base, &c->stamps.cap,
				  (size_t)z + 1, c->stamps.size);
		if (ret) {
			arena_drop(&c->zspages, z);
			return ret;
		}
		list_push_front(&c->age, &c->stamps, AGE, z);
	}
	zp = zs_zspage(c, z);
	zp->group = ZS_APART;
	for (uint32_t i = 0; i < c->objects; i++)
		zp->slot[i] = ZS_FREE | (i + 1);
	zp->slot[c->objects - 1] = ZS_FREE | ZS_NO_SLOT;
	c->allocated += c->objects;
	pool_pages_add(&zs->base, c->pages, m);
	*out = z;
	return 0;
}

void zs_release(struct zsmalloc *zs, struct zs_class *c, uint32_t z,
		struct meter *m)
{
	assert(!zs_zspage(c, z)->used && zs_zspage(c, z)->group == ZS_APART);
	if (zs->opt.victim == ZS_VICTIM_OLDEST)
		list_remove(&c->age, &c->stamps, AGE, z);
	c->allocated -= c->objects;
	pool_pages_sub(&zs->base, c->pages, m);
	arena_drop(&c->zspages, z);
}

uint32_t zs_slot_pop(struct zs_zspage *z)
{
	uint32_t at = z->free;

	z->free = (uint16_t)(z->slot[at] & ~ZS_FREE);
	z->used++;
	return at;
}

void zs_slot_free(struct zs_zspage *z, uint32_t at)
{
	z->slot[at] = ZS_FREE | z->free;
	z->free = (uint16_t)at;
	z->used--;
}

/* ---- objects ---- */

/* The fullest zspage with room, of those the last that became so full. */
static uint32_t find_zspage(const struct zsmalloc *zs, const struct zs_class *c)
{
	for (uint32_t g = zs->traits->groups - 1u; g-- > 0;)
		if (c->list[g].first)
			return c->list[g].first;
	return 0;
}

static int zs_alloc(struct pool *p, uint32_t bytes, uint32_t *handle,
		    struct meter *m)
{
	struct zsmalloc *zs = (struct zsmalloc *)p;
	struct zs_class *c = &zs->class[zs_class_for(zs, bytes)];
	uint32_t z = find_zspage(zs, c), h = 0;
	struct pool_object *o;
	int ret = pool_object_new(p, &h);

	if (!ret && h >= ZS_FREE)
		ret = -ENOMEM;
	if (!ret && !z)
		ret = zspage_new(zs, c, &z, m);
	if (ret) {
		if (h)
			pool_object_drop(p, h);
		return ret;
	}
	o = pool_object_at(p, h);
	o->home = z;
	o->at = (uint16_t)zs_slot_pop(zs_zspage(c, z));
	zs_zspage(c, z)->slot[o->at] = h;
	c->used++;
	regroup(zs, c, z);
	zs_touch(zs, c, z);
	pool_stored(p, h, bytes, m);
	*handle = h;
	return 0;
}

static void zs_free(struct pool *p, uint32_t handle, struct meter *m)
{
	struct zsmalloc *zs = (struct zsmalloc *)p;
	struct pool_object *o = pool_object_at(p, handle);
	struct zs_class *c = &zs->class[zs_class_for(zs, o->bytes)];
	struct zs_zspage *z = zs_zspage(c, o->home);
	uint32_t home = o->home;

	zs_slot_free(z, o->at);
	c->used--;
	pool_object_drop(p, handle);
	if (z->used) {
		regroup(zs, c, home);
	} else {
		zs_take(c, home);
		zs_release(zs, c, home, m);
	}
}

/* First byte of the object in its zspage, handle included. */
static uint32_t offset_of(const struct zs_class *c, const struct pool_object *o)
{
	return o->at * c->size;
}

static void zs_reach(const struct pool *p, uint32_t handle,
		     enum pool_access how, struct meter *m)
{
	const struct zsmalloc *zs = (const struct zsmalloc *)p;
	const struct pool_object *o = pool_object(p, handle);
	const struct zs_class *c = &zs->class[zs_class_for(zs, o->bytes)];
	uint32_t bytes = zs->traits->copies_class ? c->size : o->bytes;

	/* Late kernels ask whether this very object crosses.  But no class of
	 * any chain has an object so much shorter than the class. */
	if (offset_of(c, o) % PAGE_BYTES + c->size <= PAGE_BYTES)
		return;
	meter_add(m, OP_OBJ_SPLIT, 1);
	if (zs->traits->maps) {
		meter_add(m, OP_OBJ_MAP, 2);
		meter_add(m, OP_TLB_LOCAL, 2);
		return;
	}
	meter_add(m, OP_OBJ_COPY_BYTES,
		  (uint64_t)bytes * (how == POOL_READ_WRITE ? 2 : 1));
}

static void zs_where(const struct pool *p, uint32_t handle,
		     struct pool_place *place)
{
	const struct zsmalloc *zs = (const struct zsmalloc *)p;
	const struct pool_object *o = pool_object(p, handle);
	uint32_t word = zs->traits->handles ? ZS_HANDLE_BYTES : 0;
	uint32_t k = zs_class_for(zs, o->bytes);
	const struct zs_class *c = &zs->class[k];
	uint32_t from = offset_of(c, o) + (zs_is_huge(zs, c) ? 0 : word);
	uint64_t frame = ((uint64_t)k << 32 | o->home) * ZS_CHAIN_MAX;
	uint32_t here = PAGE_BYTES - from % PAGE_BYTES;

	frame += from / PAGE_BYTES;
	if (here > o->bytes)
		here = o->bytes;
	pool_place_one(place, frame, from % PAGE_BYTES, here);
	if (here == o->bytes)
		return;
	place->parts = 2;
	place->part[1].frame = frame + 1;
	place->part[1].bytes = o->bytes - here;
}

/* ---- figures ---- */

static void zs_lost(const struct pool *p, uint64_t lost[POOL_LOSS_COUNT])
{
	const struct zsmalloc *zs = (const struct zsmalloc *)p;
	uint64_t used = 0, words = 0, slivers = 0;

	for (uint32_t i = 0; i < zs->classes; i++) {
		const struct zs_class *c = &zs->class[i];

		used += c->used * c->size;
		if (zs->traits->handles && !zs_is_huge(zs, c))
			words += c->used * ZS_HANDLE_BYTES;
		slivers += c->allocated / c->objects *
			   (c->pages * PAGE_BYTES - c->objects * c->size);
	}
	lost[LOST_WORD] = words;
	lost[LOST_ROUND] = used - words - p->asked_bytes;
	lost[LOST_SLIVER] = slivers;
}

static uint64_t zspages(const struct zsmalloc *zs)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < zs->classes; i++)
		n += zs->class[i].zspages.count;
	return n;
}

static uint64_t zs_metadata_bytes(const struct pool *p)
{
	const struct zsmalloc *zs = (const struct zsmalloc *)p;
	uint64_t handles = zs->traits->handles ? p->objects.count : 0;

	/* 3.3 kept its links in the descriptors of pages. */
	return handles * ZS_HANDLE_BYTES +
	       (zs->traits->handles ? zspages(zs) * ZS_ZSPAGE_BYTES : 0);
}

static void zs_report(const struct pool *p, struct rows *out)
{
	const struct zsmalloc *zs = (const struct zsmalloc *)p;
	int64_t group[ZS_GROUPS_MAX] = {0};

	rows_add(out, "zsmalloc", "nr_zspages", "zspages",
		 (int64_t)zspages(zs));
	rows_add(out, "zsmalloc", "huge_class_size", "bytes", p->huge_bytes);
	rows_add(out, "zsmalloc", "size_classes", "classes", zs->classes);
	for (uint32_t i = 0; i < zs->classes; i++) {
		const struct zs_class *c = &zs->class[i];
		int32_t size = (int32_t)c->size;

		if (!c->allocated)
			continue;
		rows_add_at(out, "zsmalloc", "obj_allocated", size, "objects",
			    (int64_t)c->allocated);
		rows_add_at(out, "zsmalloc", "obj_used", size, "objects",
			    (int64_t)c->used);
		rows_add_at(out, "zsmalloc", "pages_used", size, "pages",
			    (int64_t)(c->allocated / c->objects * c->pages));
		rows_add_at(out, "zsmalloc", "freeable", size, "pages",
			    (int64_t)(zs_spare(c) * c->pages));
		for (uint32_t z = 1; z <= c->zspages.used; z++)
			if (zs_zspage(c, z)->used)
				group[zs_zspage(c, z)->group]++;
	}
	for (int32_t g = 1; g < zs->traits->groups; g++)
		rows_add_at(out, "zsmalloc", "zspages_in_group", g, "zspages",
			    group[g]);
}

/* ---- check ---- */

static int check_zspage(const struct zsmalloc *zs, const struct zs_class *c,
			uint32_t z, FILE *why)
{
	const struct zs_zspage *zp = zs_zspage(c, z);
	uint32_t used = 0, free = 0;

	for (uint32_t i = 0; i < c->objects; i++) {
		const struct pool_object *o;

		if (zp->slot[i] & ZS_FREE)
			continue;
		used++;
		o = pool_object(&zs->base, zp->slot[i]);
		if (!o->bytes || o->home != z || o->at != i ||
		    &zs->class[zs_class_for(zs, o->bytes)] != c)
			return pool_wrong(&zs->base, why,
					  "class %" PRIu32 " zspage %" PRIu32
					  ": slot %" PRIu32
					  " is not its object's place",
					  c->size, z, i);
	}
	for (uint32_t i = zp->free; i < c->objects && free < c->objects; free++)
		i = zp->slot[i] & ~ZS_FREE;
	if (used != zp->used || used + free != c->objects ||
	    zp->group != group_of(zs, c, used))
		return pool_wrong(&zs->base, why,
				  "class %" PRIu32 " zspage %" PRIu32
				  ": %" PRIu32 " used and %" PRIu32
				  " free, counted %u, group %u",
				  c->size, z, used, free, zp->used, zp->group);
	return 0;
}

static uint64_t check_lists(const struct zsmalloc *zs, const struct zs_class *c)
{
	uint64_t n = 0;

	for (uint32_t g = 1; g < zs->traits->groups; g++)
		for (uint32_t z = c->list[g].first, prev = 0; z;
		     prev = z, z = zs_zspage(c, z)->link.next, n++)
			if (zs_zspage(c, z)->group != g ||
			    zs_zspage(c, z)->link.prev != prev ||
			    n > c->zspages.count)
				return UINT64_MAX;
	return c->list[0].first ? UINT64_MAX : n;
}

static int zs_check(const struct pool *p, FILE *why)
{
	const struct zsmalloc *zs = (const struct zsmalloc *)p;
	uint64_t pages = 0;

	for (uint32_t i = 0; i < zs->classes; i++) {
		const struct zs_class *c = &zs->class[i];
		uint64_t n = 0, used = 0;

		for (uint32_t z = 1; z <= c->zspages.used; z++) {
			if (!zs_zspage(c, z)->used)
				continue;
			if (check_zspage(zs, c, z, why))
				return -EINVAL;
			used += zs_zspage(c, z)->used;
			n++;
		}
		if (n != c->zspages.count || n * c->objects != c->allocated ||
		    used != c->used || check_lists(zs, c) != n)
			return pool_wrong(p, why,
					  "class %" PRIu32 ": %" PRIu64
					  " zspages, %" PRIu64 " objects found",
					  c->size, n, used);
		pages += n * c->pages;
	}
	return pages == p->pages
		       ? 0
		       : pool_wrong(p, why, "%" PRIu64 " pages found", pages);
}

/* ---- start and end ---- */

static void zs_destroy(struct pool *p)
{
	struct zsmalloc *zs = (struct zsmalloc *)p;

	for (uint32_t i = 0; i < zs->classes; i++) {
		struct arena *a = &zs->class[i].stamps;

		mem_release(a->base, a->cap, a->size);
		arena_fini(&zs->class[i].zspages);
	}
	arena_fini(&p->objects);
	free(zs);
}

static int zs_create(struct pool **out, const void *opts, struct err *err)
{
	const struct zs_opts *o = opts;
	const struct zs_traits *t = &zs_traits[o->generation];
	uint64_t chain = o->chain ? o->chain : t->chain;
	struct zsmalloc *zs;

	if (chain < t->chain_min || chain > t->chain_max)
		return err_set(err, EINVAL,
			       "zsmalloc: chain: %" PRIu64 " pages, but "
			       "generation %s has %u … %u",
			       chain, zs_options[0].choices[o->generation],
			       t->chain_min, t->chain_max);
	zs = mem_zalloc(1, sizeof(*zs));
	if (!zs)
		return -ENOMEM;
	zs->base.ops = &pool_zsmalloc;
	zs->base.bytes_max = PAGE_BYTES;
	zs->opt = *o;
	zs->opt.chain = chain;
	zs->traits = t;
	zs_make_classes(zs);
	arena_init(&zs->base.objects, sizeof(struct pool_object));
	for (uint32_t i = 0; i < zs->classes; i++) {
		struct zs_class *c = &zs->class[i];

		arena_init(&c->zspages, sizeof(struct zs_zspage) +
						c->objects * sizeof(uint32_t));
		arena_init(&c->stamps, sizeof(struct zs_stamp));
	}
	*out = &zs->base;
	return 0;
}

const struct pool_ops pool_zsmalloc = {
	.name = "zsmalloc",
	.summary = "chains of pages cut into objects of equal size; compacts",
	.source = "[linux-6.18] mm/zsmalloc.c",
	.opts = zs_options,
	.opts_size = sizeof(struct zs_opts),
	.create = zs_create,
	.alloc = zs_alloc,
	.free = zs_free,
	.reach = zs_reach,
	.compact = zs_compact,
	.compactable = zs_compactable,
	.reclaim = zs_reclaim,
	.where = zs_where,
	.lost = zs_lost,
	.metadata_bytes = zs_metadata_bytes,
	.report = zs_report,
	.check = zs_check,
	.destroy = zs_destroy,
};
