/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache_impl.h - what the files of the cache model share
 *
 *	cache_conf.c, cache_conf_check.c   configurations
 *	cache_set.c       sets of lines, and which line makes room
 *	cache_drop.c      lines that leave: inclusion, dirty data, stores
 *	cache_access.c    one access: TLB, levels, synonyms
 *	cache.c           life, counters, invariants
 *
 * A *slot* is the place of a line: (set * ways + way) in the flat arrays of its
 * level, over all instances; 32 bits are enough for CACHE_LINES_MAX.  A *tag*
 * is the number of a physical line, plus one: 0 is an empty slot.
 */
#ifndef DEDUPSIM_MODELS_CACHE_IMPL_H
#define DEDUPSIM_MODELS_CACHE_IMPL_H

#include "sim/base/prng.h"
#include "models/cache.h"

#define NO_SLOT UINT32_MAX

/* Sets of tags with a replacement: a level of cache, or of TLB. */
struct sets {
	uint32_t sets, ways; /* sets: of one instance, a power of two */
	uint32_t instances;
	uint32_t replacement; /* enum cache_replacement */
	uint64_t *tag;	      /* per slot */
	uint64_t *stamp;      /* per slot: when it was used, or filled */
	uint64_t *tree;	      /* per set, plru: 1: the older half is above */
	uint64_t now;
	struct prng random;
};

/* sets_init - 0 or -ENOMEM, then sets_fini() is harmless, as on zeros */
int sets_init(struct sets *s, uint32_t sets, uint32_t ways, uint32_t instances,
	      uint32_t replacement);
void sets_fini(struct sets *s);
void sets_reset(struct sets *s, uint64_t seed, const char *stream);
uint64_t sets_slots(const struct sets *s);
/* sets_find - the slot in set @set that holds @tag, or NO_SLOT */
uint32_t sets_find(const struct sets *s, uint32_t set, uint64_t tag);
/* sets_touch - the slot was used, not filled */
void sets_touch(struct sets *s, uint32_t slot);
/* sets_room - the slot to fill next: an empty one, or else the victim */
uint32_t sets_room(struct sets *s, uint32_t set);
/* sets_put - fill a slot */
void sets_put(struct sets *s, uint32_t slot, uint64_t tag);

struct level {
	struct sets s;
	uint32_t line_shift;
	uint32_t per; /* CPUs per instance */
	uint32_t latency;
	bool inclusive, through;
	/* L1 and L2, per slot: virtual page of the fill; for L2 only the bits
	 * of the directory (PIdx) */
	uint32_t *vpn;
	uint8_t *dirty;
};

struct tlb {
	struct sets s; /* an instance per CPU */
	uint32_t shift;
};

/* Where to look first for a TLB entry, by the low bits of its page. */
#define TLB_HINTS 256u

struct cpu {
	uint32_t id;
	uint32_t first[CACHE_LEVELS]; /* set of its instance */
	uint32_t tlb, tlb2;	      /* the same */
	uint64_t page;		      /* last one translated, plus one */
	uint64_t line;		      /* last one accessed, virtual, plus one */
	uint32_t hint[TLB_HINTS];     /* slots; may be wrong */
	struct cache_counts n;
};

struct cache {
	struct cache_conf conf;
	struct level level[CACHE_LEVELS];
	unsigned levels;
	struct tlb tlb, tlb2;
	struct cpu *cpu;
	bool virt;	   /* L1 has colours: a line may be in several sets */
	bool stream, once; /* conf.stream, conf.straddle */
	uint32_t page_shift;
	uint32_t colours;     /* places in L1 for a physical line */
	uint32_t colour_step; /* from one to the next, in sets */
	uint32_t vpn_check;   /* conf.vcolour_check */
	uint32_t dir_mask;    /* conf.dir_colours - 1 */
	uint32_t hit_cost, stream_cost;
	uint64_t *frames; /* bits; NULL: not counted */
};

/* ---- of configurations ---- */

/* cache_conf_complete - are all fields that a file owes there, and right? */
int cache_conf_complete(const struct cache_conf *conf, struct err *err);
/* cache_conf_per - CPUs that share an instance of a level */
uint64_t cache_conf_per(const struct cache_conf *conf, unsigned level);

/* ---- places ---- */

static inline uint64_t level_tag(const struct level *l, uint64_t pa)
{
	return (pa >> l->line_shift) + 1;
}

static inline uint64_t level_pa(const struct level *l, uint64_t tag)
{
	return (tag - 1) << l->line_shift;
}

/* level_set - the set for a physical address (L1: for the address that its
 * index is taken from), in the instance whose first set this is */
static inline uint32_t level_set(const struct level *l, uint32_t first,
				 uint64_t addr)
{
	return first + ((uint32_t)(addr >> l->line_shift) & (l->s.sets - 1));
}

static inline uint32_t level_find(const struct level *l, uint32_t first,
				  uint64_t pa)
{
	return sets_find(&l->s, level_set(l, first, pa), level_tag(l, pa));
}

/* l1_set - the set for the colour of page @vpn */
static inline uint32_t l1_set(const struct cache *c, uint32_t first,
			      uint64_t vpn, uint64_t pa)
{
	uint64_t offset = pa & ((UINT64_C(1) << c->page_shift) - 1);

	return level_set(&c->level[0], first,
			 c->virt ? vpn << c->page_shift | offset : pa);
}

/* ---- lines that leave (cache_drop.c) ---- */

/*
 * cache_make_room - the slot to fill in set @set of level @n; its old line is
 * dropped with all that inclusion demands
 */
uint32_t cache_make_room(struct cache *c, struct cpu *cpu, unsigned n,
			 uint32_t set);
/* cache_drop - empty a slot; what is dirty goes down, lines above stay */
void cache_drop(struct cache *c, struct cpu *cpu, unsigned n, uint32_t slot);
/* cache_hand_down - level @n no longer keeps dirty data of the line at @pa:
 * who of @cpu's levels below has it? */
void cache_hand_down(struct cache *c, struct cpu *cpu, unsigned n, uint64_t pa);
/* cache_drop_colour - empty L1, in each CPU that shares @cpu's L2, of the lines
 * of the L2 line at @pa that were filled as colour @pidx */
void cache_drop_colour(struct cache *c, struct cpu *cpu, uint32_t pidx,
		       uint64_t pa);
/* cache_store - L1's @slot was stored to: who else must know? */
void cache_store(struct cache *c, struct cpu *cpu, uint32_t slot, uint64_t pa);

#endif
