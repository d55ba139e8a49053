/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>

#include "models/cache_impl.h"

struct walk {
	const struct cache *c;
	FILE *why;
	unsigned faults;
};

static void fault(struct walk *w, unsigned level, uint64_t tag,
		  const char *what)
{
	w->faults++;
	if (w->why)
		fprintf(w->why, "L%u: line %" PRIu64 " %s\n", level + 1,
			tag - 1, what);
}

static bool in_right_set(const struct cache *c, unsigned n, uint32_t slot)
{
	const struct level *l = &c->level[n];
	uint64_t pa = level_pa(l, l->s.tag[slot]);
	uint32_t set = slot / l->s.ways;
	uint32_t first = set / l->s.sets * l->s.sets;

	if (n)
		return set == level_set(l, first, pa);
	return set == l1_set(c, first, l->vpn[slot], pa);
}

static bool twice_in_set(const struct level *l, uint32_t slot)
{
	uint32_t end = (slot / l->s.ways + 1) * l->s.ways;

	for (uint32_t i = slot + 1; i < end; i++)
		if (l->s.tag[i] == l->s.tag[slot])
			return true;
	return false;
}

/* Each inclusive level below, for each CPU above. */
static void check_inclusion(struct walk *w, unsigned n, uint32_t slot)
{
	const struct cache *c = w->c;
	const struct level *l = &c->level[n];
	uint64_t tag = l->s.tag[slot], pa = level_pa(l, tag);
	const struct cpu *cpu = &c->cpu[slot / l->s.ways / l->s.sets * l->per];

	for (unsigned m = n + 1; m < c->levels && !c->once; m++)
		if (c->level[m].inclusive &&
		    level_find(&c->level[m], cpu->first[m], pa) == NO_SLOT)
			fault(w, n, tag, "is not in an inclusive level below");
}

static void check_colour(struct walk *w, uint32_t slot)
{
	const struct cache *c = w->c;
	const struct level *l1 = &c->level[0], *l2 = &c->level[1];
	uint32_t id = slot / l1->s.ways / l1->s.sets * l1->per, below;
	uint64_t tag = l1->s.tag[slot], pa = level_pa(l1, tag);

	switch ((enum cache_policy)c->conf.policy) {
	case CACHE_MOVE:
		if (cache_resident_copies(c, id, pa) > 1)
			fault(w, 0, tag, "is in L1 twice");
		break;
	case CACHE_PIDX_HW:
	case CACHE_TRAP:
	case CACHE_TRAP_HSV:
		below = level_find(l2, c->cpu[id].first[1], pa);
		if (below != NO_SLOT && l1_set(c, 0, l2->vpn[below], pa) !=
						l1_set(c, 0, l1->vpn[slot], pa))
			fault(w, 0, tag, "is where L2 does not know of it");
		break;
	case CACHE_NONE:
	case CACHE_DUP:
		break;
	}
}

static void check_level(struct walk *w, unsigned n)
{
	const struct level *l = &w->c->level[n];

	for (uint32_t i = 0; i < sets_slots(&l->s); i++) {
		if (!l->s.tag[i]) {
			if (l->dirty[i])
				fault(w, n, 1, "dirty and empty");
			continue;
		}
		if (!in_right_set(w->c, n, i))
			fault(w, n, l->s.tag[i], "is in a wrong set");
		if (twice_in_set(l, i))
			fault(w, n, l->s.tag[i], "is in its set twice");
		if (l->through && l->dirty[i])
			fault(w, n, l->s.tag[i], "is dirty");
		check_inclusion(w, n, i);
		if (!n)
			check_colour(w, i);
	}
}

static void check_counts(struct walk *w)
{
	const struct cache *c = w->c;
	struct cache_counts n = cache_counts(c, CACHE_ALL_CPUS);

	for (unsigned i = 0; i < c->levels; i++) {
		uint64_t next = i + 1 < c->levels
					? n.hits[i + 1] + n.misses[i + 1]
					: n.memory;

		if (n.misses[i] == next)
			continue;
		w->faults++;
		if (w->why)
			fprintf(w->why,
				"L%u: %" PRIu64 " misses, but %" PRIu64
				" accesses below\n",
				i + 1, n.misses[i], next);
	}
}

int cache_check(const struct cache *c, FILE *why)
{
	struct walk w = {c, why, 0};

	for (unsigned n = 0; n < c->levels; n++)
		check_level(&w, n);
	check_counts(&w);
	return w.faults ? -EINVAL : 0;
}
