/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/base/units.h"
#include "models/cache_impl.h"

/* The CPUs of an instance; @hi is the first one behind. */
static void cpus_of(const struct cache *c, unsigned n, uint32_t instance,
		    uint32_t *lo, uint32_t *hi)
{
	uint64_t end = (uint64_t)(instance + 1) * c->level[n].per;

	*lo = instance * c->level[n].per;
	*hi = end < c->conf.cpus ? (uint32_t)end : (uint32_t)c->conf.cpus;
}

static uint32_t instance_of(const struct level *l, uint32_t slot)
{
	return slot / l->s.ways / l->s.sets;
}

static struct cpu *owner_of(const struct cache *c, unsigned n, uint32_t slot)
{
	const struct level *l = &c->level[n];

	return &c->cpu[instance_of(l, slot) * l->per];
}

void cache_hand_down(struct cache *c, struct cpu *owner, unsigned n,
		     uint64_t pa)
{
	for (n++; n < c->levels; n++) {
		struct level *l = &c->level[n];
		uint32_t slot = level_find(l, owner->first[n], pa);

		if (slot == NO_SLOT || l->through)
			continue;
		l->dirty[slot] = 1;
		return;
	}
}

/* empty - forget a line; was it dirty? */
static bool empty(struct level *l, uint32_t slot)
{
	bool dirty = l->dirty[slot];

	l->s.tag[slot] = 0;
	l->dirty[slot] = 0;
	return dirty;
}

void cache_drop(struct cache *c, struct cpu *cpu, unsigned n, uint32_t slot)
{
	struct level *l = &c->level[n];
	uint64_t pa = level_pa(l, l->s.tag[slot]);

	if (!empty(l, slot))
		return;
	cpu->n.writebacks++;
	cache_hand_down(c, owner_of(c, n, slot), n, pa);
}

/* ---- inclusion ---- */

struct above {
	struct cpu *cpu;
	uint64_t dropped;
	bool dirty;
};

/* In one set; with vcolour_check a line is still there at most once. */
static void drop_in_set(struct level *l, uint32_t set, uint64_t tag,
			struct above *a)
{
	uint32_t slot = sets_find(&l->s, set, tag);

	if (slot == NO_SLOT)
		return;
	a->dropped++;
	if (empty(l, slot)) {
		a->cpu->n.writebacks++;
		a->dirty = true;
	}
}

static void drop_line(struct cache *c, unsigned n, const struct cpu *owner,
		      uint64_t pa, struct above *a)
{
	struct level *l = &c->level[n];
	uint64_t tag = level_tag(l, pa);

	if (n) {
		drop_in_set(l, level_set(l, owner->first[n], pa), tag, a);
		return;
	}
	for (uint32_t k = 0; k < c->colours; k++)
		drop_in_set(l, l1_set(c, owner->first[0], k, pa), tag, a);
}

/*
 * drop_above - empty all levels above of what is in the line of level @n at
 * @pa; their dirty data is now that line's
 */
static void drop_above(struct cache *c, unsigned n, uint32_t instance,
		       uint64_t pa, struct above *a)
{
	uint64_t bytes = UINT64_C(1) << c->level[n].line_shift;
	uint32_t lo, hi;

	cpus_of(c, n, instance, &lo, &hi);
	pa &= ~(bytes - 1);
	for (unsigned m = 0; m < n; m++) {
		uint64_t step = UINT64_C(1) << c->level[m].line_shift;

		for (uint32_t i = lo; i < hi; i += c->level[m].per)
			for (uint64_t at = 0; at < bytes; at += step)
				drop_line(c, m, &c->cpu[i], pa + at, a);
	}
}

uint32_t cache_make_room(struct cache *c, struct cpu *cpu, unsigned n,
			 uint32_t set)
{
	struct level *l = &c->level[n];
	uint32_t slot = sets_room(&l->s, set);
	struct above a = {.cpu = cpu};

	if (!l->s.tag[slot])
		return slot;
	if (n && l->inclusive) {
		drop_above(c, n, instance_of(l, slot),
			   level_pa(l, l->s.tag[slot]), &a);
		cpu->n.back_invals += a.dropped;
		l->dirty[slot] |= a.dirty;
	}
	cache_drop(c, cpu, n, slot);
	return slot;
}

void cache_drop_colour(struct cache *c, struct cpu *cpu, uint32_t pidx,
		       uint64_t pa)
{
	struct level *l1 = &c->level[0];
	uint64_t bytes = UINT64_C(1) << c->level[1].line_shift;
	uint64_t step = UINT64_C(1) << l1->line_shift;
	uint32_t lo, hi, slot;

	cpus_of(c, 1, cpu->id / c->level[1].per, &lo, &hi);
	pa &= ~(bytes - 1);
	for (uint32_t i = lo; i < hi; i += l1->per)
		for (uint64_t at = pa; at - pa < bytes; at += step) {
			slot = sets_find(
				&l1->s, l1_set(c, c->cpu[i].first[0], pidx, at),
				level_tag(l1, at));
			if (slot != NO_SLOT)
				cache_drop(c, cpu, 0, slot);
		}
}

/* ---- stores ---- */

/* Other copies in the same L1. */
static void drop_copies(struct cache *c, struct cpu *cpu, uint32_t slot,
			uint64_t pa)
{
	struct level *l = &c->level[0];

	for (uint32_t k = 0; k < c->colours; k++) {
		uint32_t other =
			sets_find(&l->s, l1_set(c, cpu->first[0], k, pa),
				  level_tag(l, pa));

		if (other == NO_SLOT || other == slot)
			continue;
		cache_drop(c, cpu, 0, other);
		cpu->n.dup_writes++;
	}
}

/* The line at @pa, and all above it, in one instance that is not the CPU's. */
static void take_from(struct cache *c, struct cpu *cpu, unsigned n,
		      uint32_t instance, uint64_t pa)
{
	struct level *l = &c->level[n];
	struct cpu *owner = &c->cpu[instance * l->per];
	struct above a = {.cpu = cpu};

	drop_above(c, n, instance, pa, &a);
	drop_line(c, n, owner, pa, &a);
	cpu->n.invals += a.dropped;
	if (a.dirty)
		cache_hand_down(c, owner, n, pa);
}

static void take_from_others(struct cache *c, struct cpu *cpu, uint64_t pa)
{
	for (unsigned n = c->levels; n-- > 0;)
		for (uint32_t i = 0; i < c->level[n].s.instances; i++)
			if (i != cpu->id / c->level[n].per)
				take_from(c, cpu, n, i, pa);
}

void cache_store(struct cache *c, struct cpu *cpu, uint32_t slot, uint64_t pa)
{
	struct level *l = &c->level[0];

	if (c->colours > 1 && c->conf.policy == CACHE_DUP)
		drop_copies(c, cpu, slot, pa);
	if (c->conf.cpus > 1)
		take_from_others(c, cpu, pa);
	if (l->through)
		cache_hand_down(c, cpu, 0, pa);
	else
		l->dirty[slot] = 1;
}
