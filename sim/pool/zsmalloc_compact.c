/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "sim/pool/zsmalloc.h"

/* Move objects, lowest slot first, until @src is empty or @dst is full. */
static void migrate(struct zsmalloc *zs, struct zs_class *c, uint32_t src,
		    uint32_t dst, struct meter *m)
{
	struct zs_zspage *s = zs_zspage(c, src), *d = zs_zspage(c, dst);

	for (uint32_t i = 0; s->used && d->used < c->objects; i++) {
		struct pool_object *o;
		uint32_t handle = s->slot[i];

		if (handle & ZS_FREE)
			continue;
		o = pool_object_at(&zs->base, handle);
		o->home = dst;
		o->at = (uint16_t)zs_slot_pop(d);
		d->slot[o->at] = handle;
		zs_slot_free(s, i);
		pool_moved(&zs->base, c->size, m);
	}
}

/* Back on a list, or given back when nothing is left in it. */
static void settle(struct zsmalloc *zs, struct zs_class *c, uint32_t z,
		   struct meter *m)
{
	if (zs_zspage(c, z)->used) {
		zs_put(zs, c, z);
		return;
	}
	zs->base.totals.compacted_pages += c->pages;
	zs_release(zs, c, z, m);
}

/* Take the head of the first of the groups @from … @to that has one. */
static uint32_t take_head(struct zs_class *c, uint32_t from, uint32_t to)
{
	for (uint32_t g = from;; g = from < to ? g + 1 : g - 1) {
		uint32_t z = c->list[g].first;

		if (z) {
			zs_take(c, z);
			return z;
		}
		if (g == to)
			return 0;
	}
}

/* Since 6.4: the emptiest into the fullest, one destination until it is full,
 * while there is a zspage's worth of holes. */
static void compact_twelve(struct zsmalloc *zs, struct zs_class *c,
			   struct meter *m)
{
	const uint32_t top = zs->traits->groups - 2u;
	uint32_t dst = 0, src;

	while (zs_spare(c)) {
		if (!dst)
			dst = take_head(c, top, 1);
		src = dst ? take_head(c, 1, top) : 0;
		if (!src)
			break;
		migrate(zs, c, src, dst, m);
		settle(zs, c, src, m);
		if (zs_zspage(c, dst)->used == c->objects) {
			zs_put(zs, c, dst);
			dst = 0;
		}
	}
	if (dst)
		zs_put(zs, c, dst);
}

/* Before: a source is emptied into as many destinations as that takes, each of
 * them back on its list in between. */
static void compact_four(struct zsmalloc *zs, struct zs_class *c,
			 struct meter *m)
{
	uint32_t src, dst = 0;

	while ((src = take_head(c, 1, 2))) {
		if (!zs_spare(c)) {
			zs_put(zs, c, src);
			return;
		}
		while (zs_zspage(c, src)->used && (dst = take_head(c, 2, 1))) {
			migrate(zs, c, src, dst, m);
			zs_put(zs, c, dst);
		}
		settle(zs, c, src, m);
		if (!dst)
			return;
	}
}

void zs_compact(struct pool *p, struct meter *m)
{
	struct zsmalloc *zs = (struct zsmalloc *)p;

	if (!zs->traits->handles)
		return;
	for (uint32_t i = zs->classes; i-- > 0;) {
		struct zs_class *c = &zs->class[i];

		if (c->objects == 1)
			continue;
		if (zs->traits->groups == ZS_GROUPS_MAX)
			compact_twelve(zs, c, m);
		else
			compact_four(zs, c, m);
	}
}

uint64_t zs_compactable(const struct pool *p)
{
	const struct zsmalloc *zs = (const struct zsmalloc *)p;
	uint64_t n = 0;

	for (uint32_t i = 0; zs->traits->handles && i < zs->classes; i++)
		n += zs_spare(&zs->class[i]) * zs->class[i].pages;
	return n;
}

/* ---- reclaim ---- */

static uint32_t oldest(const struct zs_class *c, uint64_t *best)
{
	uint32_t z = c->age.last;
	const struct zs_stamp *s;

	if (!z)
		return 0;
	s = (const struct zs_stamp *)(const void *)arena_at(&c->stamps, z);
	if (s->stored >= *best)
		return 0;
	*best = s->stored;
	return z;
}

/* Fewest bytes to lose for a page: the head of the emptiest group stands for
 * the class. */
static uint32_t emptiest(const struct zsmalloc *zs, struct zs_class *c,
			 uint64_t *best)
{
	for (uint32_t g = 1; g < zs->traits->groups; g++) {
		uint32_t z = c->list[g].first;
		uint64_t cost;

		if (!z)
			continue;
		cost = (uint64_t)zs_zspage(c, z)->used * c->size * 5040 /
		       c->pages;
		if (cost >= *best)
			return 0;
		*best = cost;
		return z;
	}
	return 0;
}

static uint32_t victim(struct zsmalloc *zs, struct zs_class **where)
{
	uint64_t best = UINT64_MAX;
	uint32_t found = 0;

	for (uint32_t i = 0; i < zs->classes; i++) {
		struct zs_class *c = &zs->class[i];
		uint32_t z = zs->opt.victim == ZS_VICTIM_OLDEST
				     ? oldest(c, &best)
				     : emptiest(zs, c, &best);

		if (z) {
			found = z;
			*where = c;
		}
	}
	return found;
}

/* Lowest slot first; false: the owner wants to keep something. */
static bool evict(struct zsmalloc *zs, struct zs_class *c, uint32_t z,
		  const struct pool_owner *owner, struct meter *m)
{
	struct zs_zspage *zp = zs_zspage(c, z);

	zs_take(c, z);
	for (uint32_t i = 0; zp->used; i++) {
		uint32_t handle = zp->slot[i];

		if (handle & ZS_FREE)
			continue;
		if (!pool_ask(&zs->base, handle, owner, m)) {
			zs_put(zs, c, z);
			zs_touch(zs, c, z);
			return false;
		}
		zs_slot_free(zp, i);
		c->used--;
		pool_object_drop(&zs->base, handle);
	}
	zs_release(zs, c, z, m);
	return true;
}

int zs_reclaim(struct pool *p, uint64_t goal, const struct pool_owner *owner,
	       struct meter *m)
{
	struct zsmalloc *zs = (struct zsmalloc *)p;
	unsigned refused = 0;

	if (zs->opt.victim == ZS_VICTIM_NONE) {
		if (!zs->traits->handles)
			return -EOPNOTSUPP;
		zs_compact(p, m);
		return p->totals.freed_pages >= goal ? 0 : -EAGAIN;
	}
	while (p->totals.freed_pages < goal && refused < POOL_RETRIES) {
		struct zs_class *c;
		uint32_t z = victim(zs, &c);

		if (!z)
			break;
		refused = evict(zs, c, z, owner, m) ? 0 : refused + 1;
	}
	return p->totals.freed_pages >= goal ? 0 : -EAGAIN;
}
