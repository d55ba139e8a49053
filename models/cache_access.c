/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>

#include "sim/base/bits.h"
#include "models/cache_impl.h"

/* What one line's access is about. */
struct part {
	struct cpu *cpu;
	uint64_t va, pa;
	uint32_t vpn, set; /* of L1 */
};

/* ---- translation ---- */

static uint32_t tlb_set(const struct tlb *t, uint32_t first, uint64_t page)
{
	return first + ((uint32_t)page & (t->s.sets - 1));
}

static bool tlb_hit(struct tlb *t, uint32_t slot, uint64_t page)
{
	if (slot == NO_SLOT || t->s.tag[slot] != page + 1)
		return false;
	sets_touch(&t->s, slot);
	return true;
}

static uint32_t tlb_fill(struct tlb *t, uint32_t set, uint64_t page)
{
	uint32_t slot = sets_room(&t->s, set);

	sets_put(&t->s, slot, page + 1);
	return slot;
}

static uint64_t tlb_refill(struct cache *c, struct cpu *cpu, uint64_t page)
{
	uint32_t set;

	cpu->n.tlb_misses++;
	if (c->tlb2.s.tag) {
		set = tlb_set(&c->tlb2, cpu->tlb2, page);
		if (tlb_hit(&c->tlb2, sets_find(&c->tlb2.s, set, page + 1),
			    page)) {
			cpu->n.tlb2_hits++;
			return c->conf.tlb2_latency;
		}
		tlb_fill(&c->tlb2, set, page);
	}
	cpu->n.tlb_walks++;
	return c->conf.tlb_walk;
}

/*
 * translate - cost of the translation
 *
 * The page of the access before has the newest stamp already.  Wide sets are
 * searched only when the hint is wrong.
 */
static uint64_t translate(struct cache *c, struct cpu *cpu, uint64_t va)
{
	struct tlb *t = &c->tlb;
	uint64_t page = va >> t->shift, cost = 0;
	uint32_t *hint = &cpu->hint[page % TLB_HINTS], set, slot;

	if (likely(page + 1 == cpu->page)) {
		cpu->n.tlb_hits++;
		return 0;
	}
	cpu->page = page + 1;
	if (tlb_hit(t, *hint, page)) {
		cpu->n.tlb_hits++;
		return 0;
	}
	set = tlb_set(t, cpu->tlb, page);
	slot = sets_find(&t->s, set, page + 1);
	if (tlb_hit(t, slot, page)) {
		cpu->n.tlb_hits++;
	} else {
		cost = tlb_refill(c, cpu, page);
		cpu->n.cycles[CACHE_CYC_TLB] += cost;
		slot = tlb_fill(t, set, page);
	}
	*hint = slot;
	return cost;
}

/* ---- below L1 ---- */

static void note_frame(struct cache *c, uint64_t pa)
{
	uint64_t frame = pa >> c->page_shift;

	if (frame < c->conf.frames)
		c->frames[frame / 64] |= UINT64_C(1) << frame % 64;
}

/* look_down - first level from @n that has the line; c->levels is memory */
static unsigned look_down(struct cache *c, const struct part *p, unsigned n)
{
	struct cpu *cpu = p->cpu;

	for (; n < c->levels; n++) {
		struct level *l = &c->level[n];
		uint32_t slot = level_find(l, cpu->first[n], p->pa);

		if (slot != NO_SLOT) {
			sets_touch(&l->s, slot);
			cpu->n.hits[n]++;
			return n;
		}
		cpu->n.misses[n]++;
	}
	cpu->n.memory++;
	if (c->frames)
		note_frame(c, p->pa);
	return n;
}

/*
 * look_directory - the same where L2 knows at which colour L1 got the line
 *
 * L1 holds lines of an L2 line at that colour only, so when those are dropped
 * none is left.
 */
static unsigned look_directory(struct cache *c, const struct part *p,
			       uint64_t *syn, uint64_t *vce)
{
	struct level *l = &c->level[1];
	struct cpu *cpu = p->cpu;
	uint32_t slot = level_find(l, cpu->first[1], p->pa);
	uint32_t pidx = p->vpn & c->dir_mask, old;

	if (slot == NO_SLOT || l->vpn[slot] == pidx)
		return look_down(c, p, 1);
	old = l->vpn[slot];
	l->vpn[slot] = pidx;
	cache_drop_colour(c, cpu, old, p->pa);
	if (c->conf.policy == CACHE_PIDX_HW) {
		cpu->n.syn++;
		*syn = c->conf.syn_extra;
		return look_down(c, p, 1);
	}
	cpu->n.vce++;
	*vce = c->conf.trap_cost;
	if (c->conf.policy == CACHE_TRAP)
		cache_drop(c, cpu, 1, slot);
	return look_down(c, p, 1);
}

/* ---- other colours ---- */

/* other_copies - DUP: sets that hold the line, too; they are clean afterwards */
static bool other_copies(struct cache *c, const struct part *p)
{
	struct level *l = &c->level[0];
	bool found = false;

	for (uint32_t k = 0; k < c->colours; k++) {
		uint32_t set = l1_set(c, p->cpu->first[0], k, p->pa);
		uint32_t slot = sets_find(&l->s, set, level_tag(l, p->pa));

		if (slot == NO_SLOT)
			continue;
		found = true;
		if (!l->dirty[slot])
			continue;
		l->dirty[slot] = 0;
		p->cpu->n.dup_writes++;
		p->cpu->n.writebacks++;
		cache_hand_down(c, p->cpu, 0, p->pa);
	}
	return found;
}

/* take_away - MOVE: drop the copy at another colour; was there one? */
static bool take_away(struct cache *c, const struct part *p)
{
	struct level *l = &c->level[0];

	for (uint32_t k = 0; k < c->colours; k++) {
		uint32_t set = l1_set(c, p->cpu->first[0], k, p->pa);
		uint32_t slot = sets_find(&l->s, set, level_tag(l, p->pa));

		if (slot == NO_SLOT)
			continue;
		cache_drop(c, p->cpu, 0, slot);
		return true;
	}
	return false;
}

/* look_past - the line moves: levels above the one that serves it are used,
 * but do not serve */
static unsigned look_past(struct cache *c, const struct part *p)
{
	unsigned source = (unsigned)c->conf.syn_source - 1;

	for (unsigned n = 1; n < source; n++) {
		struct level *l = &c->level[n];
		uint32_t slot = level_find(l, p->cpu->first[n], p->pa);

		if (slot != NO_SLOT)
			sets_touch(&l->s, slot);
		p->cpu->n.misses[n]++;
	}
	return look_down(c, p, source);
}

/* find_source - where the line comes from, and what it costs besides */
static unsigned find_source(struct cache *c, const struct part *p,
			    uint64_t *syn, uint64_t *vce)
{
	switch ((enum cache_policy)c->conf.policy) {
	case CACHE_NONE:
		break;
	case CACHE_DUP:
		if (c->colours > 1)
			p->cpu->n.dup += other_copies(c, p);
		break;
	case CACHE_MOVE:
		if ((c->colours == 1 && !c->vpn_check) || !take_away(c, p))
			break;
		p->cpu->n.syn++;
		*syn = c->conf.syn_extra;
		return look_past(c, p);
	case CACHE_PIDX_HW:
	case CACHE_TRAP:
	case CACHE_TRAP_HSV:
		return look_directory(c, p, syn, vce);
	}
	return look_down(c, p, 1);
}

/* ---- a miss ---- */

static uint32_t put(struct cache *c, const struct part *p, unsigned n,
		    uint32_t set)
{
	struct level *l = &c->level[n];
	uint32_t slot = cache_make_room(c, p->cpu, n, set);

	sets_put(&l->s, slot, level_tag(l, p->pa));
	return slot;
}

/* From the lowest level up: what an eviction there drops makes room above. */
static uint32_t fill(struct cache *c, const struct part *p, unsigned source)
{
	uint32_t slot;

	for (unsigned n = source - 1; n >= 1; n--) {
		struct level *l = &c->level[n];
		uint32_t set = level_set(l, p->cpu->first[n], p->pa);

		/* a line that moves may have stayed in between */
		if (c->conf.policy == CACHE_MOVE &&
		    sets_find(&l->s, set, level_tag(l, p->pa)) != NO_SLOT)
			continue;
		slot = put(c, p, n, set);
		if (l->vpn)
			l->vpn[slot] = p->vpn & c->dir_mask;
	}
	slot = put(c, p, 0, p->set);
	c->level[0].vpn[slot] = p->vpn;
	return slot;
}

/* follows - is it the next line, in the same page, after the last access's? */
static bool follows(const struct cache *c, const struct part *p)
{
	uint64_t line = p->va >> c->level[0].line_shift;
	uint64_t page_lines = UINT64_C(1)
			      << (c->page_shift - c->level[0].line_shift);

	return p->cpu->line == line && line % page_lines;
}

static uint64_t miss(struct cache *c, const struct part *p, uint32_t *slot)
{
	struct cpu *cpu = p->cpu;
	uint64_t syn = 0, vce = 0, cost, odd = cpu->n.syn + cpu->n.vce;
	unsigned source;

	cpu->n.misses[0]++;
	source = find_source(c, p, &syn, &vce);
	odd = cpu->n.syn + cpu->n.vce - odd;
	*slot = fill(c, p, source);
	cost = source < c->levels ? c->level[source].latency
				  : c->conf.memory_latency;
	if (c->stream && !odd && follows(c, p)) {
		cpu->n.streamed++;
		cost = c->stream_cost;
	}
	cpu->n.cycles[CACHE_CYC_FILL] += cost;
	cpu->n.cycles[CACHE_CYC_SYN] += syn;
	cpu->n.cycles[CACHE_CYC_VCE] += vce;
	return cost + syn + vce;
}

/* ---- a line ---- */

static inline uint32_t l1_find(const struct cache *c, const struct part *p)
{
	const struct level *l = &c->level[0];
	uint32_t first = p->set * l->s.ways, ways = l->s.ways;
	const uint64_t *tag = l->s.tag + first;
	uint64_t want = level_tag(l, p->pa);

	for (uint32_t w = 0; w < ways; w++)
		if (tag[w] == want &&
		    (!c->vpn_check ||
		     !((l->vpn[first + w] ^ p->vpn) & c->vpn_check)))
			return first + w;
	return NO_SLOT;
}

static uint64_t line(struct cache *c, struct cpu *cpu, uint64_t va, uint64_t pa,
		     unsigned kind)
{
	struct level *l = &c->level[0];
	struct part p = {
		.cpu = cpu,
		.va = va,
		.pa = pa,
		.vpn = (uint32_t)(va >> c->page_shift),
		.set = level_set(l, cpu->first[0], c->virt ? va : pa),
	};
	uint32_t slot;
	uint64_t cost = 0;

	if (c->tlb.s.tag && !(kind & CACHE_DIRECT))
		cost = translate(c, cpu, va);
	slot = l1_find(c, &p);
	if (likely(slot != NO_SLOT)) {
		cpu->n.hits[0]++;
		if (l->s.replacement == CACHE_LRU)
			l->s.stamp[slot] = ++l->s.now;
		else
			sets_touch(&l->s, slot);
		cost += c->hit_cost;
	} else {
		cost += miss(c, &p, &slot);
	}
	if (kind & CACHE_WRITE)
		cache_store(c, cpu, slot, pa);
	if (c->stream)
		cpu->line = (va >> l->line_shift) + 1;
	return cost;
}

/* ---- as Cachegrind counts ---- */

/* touch_lines - all lines of the reference, in order; were all there? */
static bool touch_lines(struct cache *c, const struct part *p, unsigned n,
			uint64_t size)
{
	struct level *l = &c->level[n];
	uint64_t step = UINT64_C(1) << l->line_shift;
	uint64_t lines = ((p->pa & (step - 1)) + size - 1) / step + 1;
	struct part at = *p;
	bool all = true;

	while (lines--) {
		uint64_t index = !n && c->virt ? at.va : at.pa;
		uint32_t set = level_set(l, p->cpu->first[n], index);
		uint32_t slot = sets_find(&l->s, set, level_tag(l, at.pa));

		if (slot != NO_SLOT) {
			sets_touch(&l->s, slot);
		} else {
			slot = put(c, &at, n, set);
			if (l->vpn)
				l->vpn[slot] =
					(uint32_t)(at.va >> c->page_shift);
			all = false;
		}
		at.va += step;
		at.pa += step;
	}
	return all;
}

static uint64_t once(struct cache *c, struct cpu *cpu, uint64_t va, uint64_t pa,
		     uint64_t size, unsigned kind)
{
	struct part p = {.cpu = cpu, .va = va, .pa = pa};
	uint64_t cost = 0, lat = c->conf.memory_latency;
	unsigned n;

	if (c->tlb.s.tag && !(kind & CACHE_DIRECT))
		cost = translate(c, cpu, va);
	for (n = 0; n < c->levels; n++) {
		if (touch_lines(c, &p, n, size))
			break;
		cpu->n.misses[n]++;
	}
	if (n < c->levels) {
		cpu->n.hits[n]++;
		lat = c->level[n].latency;
	} else {
		cpu->n.memory++;
		if (c->frames)
			note_frame(c, pa);
	}
	if (!n)
		return cost + c->hit_cost;
	cpu->n.cycles[CACHE_CYC_FILL] += lat;
	return cost + lat;
}

cyc_t cache_access(struct cache *c, unsigned cpu, uint64_t va, uint64_t pa,
		   uint64_t size, unsigned kind)
{
	struct cpu *u = &c->cpu[cpu];
	unsigned shift = c->level[0].line_shift;
	uint64_t last = va + size - 1, cost, step;

	assert(cpu < c->conf.cpus && size && last >= va);
	u->n.accesses++;
	if (unlikely(c->once))
		return (cyc_t){once(c, u, va, pa, size, kind)};
	cost = line(c, u, va, pa, kind);
	while (unlikely((va ^ last) >> shift)) {
		step = (UINT64_C(1) << shift) -
		       (va & ((UINT64_C(1) << shift) - 1));
		va += step;
		pa += step;
		cost += line(c, u, va, pa, kind);
	}
	return (cyc_t){cost};
}
