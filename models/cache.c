/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/mem.h"
#include "models/cache_impl.h"

/* ---- life ---- */

static uint32_t instances_of(const struct cache_conf *conf, uint64_t per)
{
	return (uint32_t)((conf->cpus + per - 1) / per);
}

static int level_init(struct cache *c, unsigned n)
{
	const struct cache_level_conf *lc = &c->conf.level[n];
	struct level *l = &c->level[n];
	uint32_t sets = (uint32_t)(lc->bytes / lc->ways / lc->line_bytes);
	size_t slots;
	int ret;

	l->per = (uint32_t)cache_conf_per(&c->conf, n);
	l->line_shift = log2_64(lc->line_bytes);
	l->latency = (uint32_t)lc->latency;
	l->inclusive = lc->inclusive;
	l->through = lc->write == CACHE_THROUGH;
	ret = sets_init(&l->s, sets, (uint32_t)lc->ways,
			instances_of(&c->conf, l->per),
			(uint32_t)lc->replacement);
	if (ret)
		return ret;
	slots = sets_slots(&l->s);
	l->dirty = mem_zalloc(slots, sizeof(*l->dirty));
	if (n < 2)
		l->vpn = mem_zalloc(slots, sizeof(*l->vpn));
	return l->dirty && (l->vpn || n >= 2) ? 0 : -ENOMEM;
}

static int tlb_init(struct cache *c, struct tlb *t, uint64_t entries,
		    uint64_t ways)
{
	if (!entries)
		return 0;
	t->shift = c->page_shift + log2_64(c->conf.tlb_pages);
	return sets_init(&t->s, (uint32_t)(entries / ways), (uint32_t)ways,
			 (uint32_t)c->conf.cpus, CACHE_LRU);
}

static void cpu_init(struct cache *c, uint32_t id)
{
	struct cpu *cpu = &c->cpu[id];

	memset(cpu, 0, sizeof(*cpu));
	cpu->id = id;
	for (unsigned n = 0; n < c->levels; n++)
		cpu->first[n] = id / c->level[n].per * c->level[n].s.sets;
	cpu->tlb = id * c->tlb.s.sets;
	cpu->tlb2 = id * c->tlb2.s.sets;
}

/* What accesses want to know of the configuration, made handy. */
static void derive(struct cache *c)
{
	const struct cache_conf *conf = &c->conf;

	c->page_shift = log2_64(conf->page_bytes);
	c->levels = cache_conf_levels(conf);
	c->virt = conf->level[0].index == CACHE_VIRTUAL;
	c->colours = (uint32_t)cache_conf_colours(conf);
	c->vpn_check = (uint32_t)conf->vcolour_check;
	c->dir_mask = (uint32_t)conf->dir_colours - 1;
	c->hit_cost = (uint32_t)(conf->hit_cost ? conf->hit_cost
						: conf->level[0].latency);
	c->stream = conf->stream;
	c->stream_cost =
		(uint32_t)(conf->stream_cost ? conf->stream_cost : c->hit_cost);
	c->once = conf->straddle == CACHE_ONCE;
}

static int allocate(struct cache *c)
{
	const struct cache_conf *conf = &c->conf;
	int ret = 0;

	for (unsigned n = 0; n < c->levels && !ret; n++)
		ret = level_init(c, n);
	if (!ret)
		ret = tlb_init(c, &c->tlb, conf->tlb_entries, conf->tlb_ways);
	if (!ret)
		ret = tlb_init(c, &c->tlb2, conf->tlb2_entries,
			       conf->tlb2_ways);
	if (ret)
		return ret;
	c->cpu = mem_zalloc(conf->cpus, sizeof(*c->cpu));
	if (conf->frames)
		c->frames = mem_zalloc((conf->frames + 63) / 64,
				       sizeof(*c->frames));
	return c->cpu && (c->frames || !conf->frames) ? 0 : -ENOMEM;
}

int cache_new(struct cache **out, const struct cache_conf *conf,
	      struct err *err)
{
	struct cache *c;
	int ret = cache_conf_check(conf, err);

	if (ret)
		return ret;
	c = mem_zalloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->conf = *conf;
	derive(c);
	ret = allocate(c);
	if (ret) {
		cache_free(c);
		return ret;
	}
	cache_reset(c);
	*out = c;
	return 0;
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	for (unsigned n = 0; n < CACHE_LEVELS; n++) {
		sets_fini(&c->level[n].s);
		free(c->level[n].dirty);
		free(c->level[n].vpn);
	}
	sets_fini(&c->tlb.s);
	sets_fini(&c->tlb2.s);
	free(c->cpu);
	free(c->frames);
	free(c);
}

void cache_reset(struct cache *c)
{
	static const char *const stream[] = {"cache.l1", "cache.l2", "cache.l3",
					     "cache.l4"};

	for (unsigned n = 0; n < c->levels; n++) {
		struct level *l = &c->level[n];

		sets_reset(&l->s, c->conf.seed, stream[n]);
		memset(l->dirty, 0, sets_slots(&l->s) * sizeof(*l->dirty));
	}
	sets_reset(&c->tlb.s, c->conf.seed, "cache.tlb");
	sets_reset(&c->tlb2.s, c->conf.seed, "cache.tlb2");
	for (uint32_t i = 0; i < c->conf.cpus; i++)
		cpu_init(c, i);
	if (c->frames)
		memset(c->frames, 0,
		       (c->conf.frames + 63) / 64 * sizeof(*c->frames));
}

const struct cache_conf *cache_config(const struct cache *c)
{
	return &c->conf;
}

/* ---- pages that change ---- */

static void tlb_forget(struct tlb *t, uint32_t first, uint64_t va)
{
	uint64_t page = va >> t->shift;
	uint32_t set = first + ((uint32_t)page & (t->s.sets - 1)), slot;

	if (!t->s.tag)
		return;
	slot = sets_find(&t->s, set, page + 1);
	if (slot != NO_SLOT)
		t->s.tag[slot] = 0;
}

static void forget_page(struct cache *c, uint64_t va)
{
	for (uint32_t i = 0; i < c->conf.cpus; i++) {
		struct cpu *cpu = &c->cpu[i];

		cpu->page = 0;
		tlb_forget(&c->tlb, cpu->tlb, va);
		tlb_forget(&c->tlb2, cpu->tlb2, va);
	}
}

static void flush_page(struct cache *c, struct cpu *cpu, uint64_t va,
		       uint64_t pa)
{
	struct level *l = &c->level[0];
	uint64_t step = UINT64_C(1) << l->line_shift;

	pa &= ~(c->conf.page_bytes - 1);
	for (uint32_t i = 0; i < c->conf.cpus; i += l->per)
		for (uint64_t o = 0; o < c->conf.page_bytes; o += step) {
			uint32_t set = l1_set(c, c->cpu[i].first[0],
					      va >> c->page_shift, pa + o);
			uint32_t slot =
				sets_find(&l->s, set, level_tag(l, pa + o));

			if (slot != NO_SLOT)
				cache_drop(c, cpu, 0, slot);
		}
}

cyc_t cache_remap(struct cache *c, unsigned cpu, uint64_t va, uint64_t old_pa)
{
	struct cpu *u = &c->cpu[cpu];

	assert(cpu < c->conf.cpus);
	forget_page(c, va);
	if (!c->conf.page_flush)
		return (cyc_t){0};
	flush_page(c, u, va, old_pa);
	u->n.flushes++;
	u->n.cycles[CACHE_CYC_FAULT] += c->conf.page_flush;
	return (cyc_t){c->conf.page_flush};
}

cyc_t cache_cow(struct cache *c, unsigned cpu, uint64_t va, uint64_t old_pa,
		uint64_t fresh_pa)
{
	uint64_t page = c->conf.page_bytes, cost = c->conf.cow_fault;
	uint64_t step = c->conf.level[0].line_bytes;

	assert(cpu < c->conf.cpus);
	c->cpu[cpu].n.cow_faults++;
	c->cpu[cpu].n.cycles[CACHE_CYC_FAULT] += cost;
	old_pa &= ~(page - 1);
	fresh_pa &= ~(page - 1);
	for (uint64_t o = 0; o < page; o += step) {
		cost += cache_access(c, cpu, old_pa + o, old_pa + o, step,
				     CACHE_READ | CACHE_DIRECT)
				.v;
		cost += cache_access(c, cpu, fresh_pa + o, fresh_pa + o, step,
				     CACHE_WRITE | CACHE_DIRECT)
				.v;
	}
	return (cyc_t){cost + cache_remap(c, cpu, va, old_pa).v};
}

/* ---- counters ---- */

/* The plain sum: struct cache_counts is nothing but uint64_t. */
static void counts_add(struct cache_counts *to, const struct cache_counts *n,
		       uint64_t factor)
{
	uint64_t *a = (uint64_t *)to;
	const uint64_t *b = (const uint64_t *)n;

	static_assert(sizeof(*to) % sizeof(*a) == 0, "counts are uint64_t");
	for (size_t i = 0; i < sizeof(*to) / sizeof(*a); i++)
		a[i] += b[i] * factor;
}

struct cache_counts cache_counts(const struct cache *c, unsigned cpu)
{
	struct cache_counts n = {0};

	assert(cpu == CACHE_ALL_CPUS || cpu < c->conf.cpus);
	if (cpu != CACHE_ALL_CPUS)
		n = c->cpu[cpu].n;
	for (uint32_t i = 0; cpu == CACHE_ALL_CPUS && i < c->conf.cpus; i++)
		counts_add(&n, &c->cpu[i].n, 1);
	n.parts = n.hits[0] + n.misses[0];
	n.cycles[CACHE_CYC_HIT] = n.hits[0] * c->hit_cost;
	return n;
}

uint64_t cache_counts_cycles(const struct cache_counts *n)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < CACHE_CAUSES; i++)
		if (i != CACHE_CYC_TLB)
			sum += n->cycles[i];
	return sum;
}

struct cache_counts cache_counts_since(const struct cache_counts *now,
				       const struct cache_counts *before)
{
	struct cache_counts n = *now;

	counts_add(&n, before, UINT64_MAX); /* times -1 */
	return n;
}

uint64_t cache_resident(const struct cache *c, unsigned level)
{
	const struct sets *s = &c->level[level].s;
	uint64_t n = 0;

	for (uint64_t i = 0; level < c->levels && i < sets_slots(s); i++)
		n += s->tag[i] != 0;
	return n;
}

unsigned cache_resident_copies(const struct cache *c, unsigned cpu, uint64_t pa)
{
	const struct level *l = &c->level[0];
	unsigned n = 0;

	for (uint32_t k = 0; k < c->colours; k++)
		n += sets_find(&l->s, l1_set(c, c->cpu[cpu].first[0], k, pa),
			       level_tag(l, pa)) != NO_SLOT;
	return n;
}

uint64_t cache_frames(const struct cache *c)
{
	uint64_t n = 0;

	for (uint64_t i = 0; c->frames && i < c->conf.frames; i++)
		n += c->frames[i / 64] >> i % 64 & 1;
	return n;
}

static void report_levels(const struct cache *c, const struct cache_counts *n,
			  struct rows *out)
{
	static const char *const hits[] = {"l1_hits", "l2_hits", "l3_hits",
					   "l4_hits"};
	static const char *const misses[] = {"l1_misses", "l2_misses",
					     "l3_misses", "l4_misses"};
	static const char *const resident[] = {"l1_resident", "l2_resident",
					       "l3_resident", "l4_resident"};

	for (unsigned i = 0; i < c->levels; i++) {
		rows_add(out, "cache", hits[i], "lines", (int64_t)n->hits[i]);
		rows_add(out, "cache", misses[i], "lines",
			 (int64_t)n->misses[i]);
		rows_add(out, "cache", resident[i], "lines",
			 (int64_t)cache_resident(c, i));
	}
}

void cache_report(const struct cache *c, struct rows *out)
{
	static const char *const cycles[CACHE_CAUSES] = {
		[CACHE_CYC_HIT] = "cycles_hit",
		[CACHE_CYC_FILL] = "cycles_fill",
		[CACHE_CYC_SYN] = "cycles_syn",
		[CACHE_CYC_VCE] = "cycles_vce",
		[CACHE_CYC_TLB] = "cycles_tlb",
		[CACHE_CYC_FAULT] = "cycles_fault",
	};
	struct cache_counts n = cache_counts(c, CACHE_ALL_CPUS);

#define ROW(name, unit, what)                                                  \
	rows_add(out, "cache", #name, unit, (int64_t)n.name);
	CACHE_COUNTS(ROW)
#undef ROW
	report_levels(c, &n, out);
	for (unsigned i = 0; i < CACHE_CAUSES; i++)
		rows_add(out, "cache", cycles[i], "cycles",
			 (int64_t)n.cycles[i]);
	rows_add(out, "cache", "cycles", "cycles",
		 (int64_t)cache_counts_cycles(&n));
	if (c->frames)
		rows_add(out, "cache", "frames", "frames",
			 (int64_t)cache_frames(c));
}

uint64_t cache_saturating_cpus(const struct cache_conf *conf, uint64_t cycles,
			       uint64_t lines)
{
	if (!conf->bandwidth || !lines)
		return UINT64_MAX;
	return cycles / lines / conf->bandwidth;
}
