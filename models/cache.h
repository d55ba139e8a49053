/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cache.h - what a memory access costs: caches whose index may be virtual
 *
 *	cpu 0   cpu 1   cpu 2   cpu 3
 *	 TLB     TLB     TLB     TLB      by virtual page
 *	 L1      L1      L1      L1       set from the virtual or physical
 *	 L2      L2      L2      L2       address; all others physical
 *	  \  L3  /        \  L3  /        one per chip
 *	   \-------- L4 --------/         one per book
 *	          memory
 *
 * The caller translates: each access comes with its virtual and its physical
 * address.  Tags are physical, so a *synonym* is a physical line that L1 holds
 * in a set chosen by other bits of the page number than those of the present
 * access: one of its other *colours*.  What then happens is the policy.
 *
 *	struct cache_conf conf;
 *	struct cache *c;
 *
 *	cache_conf_find(&conf, "z13", NULL, &err);
 *	cache_conf_set(&conf, "syn_source", "2", &err);
 *	cache_new(&c, &conf, &err);
 *	cache_access(c, 0, va, pa, 8, CACHE_READ);
 *	cache_report(c, &rows);
 *	cache_free(c);
 *
 * Instances share nothing.  Equal configurations, seeds and accesses give equal
 * counts, whatever the host.
 *
 * Invariants: an inclusive level holds every line that the levels above it
 * hold, in each of its CPUs; misses of a level = hits + misses of the next, and
 * misses of the last = memory; without the policies DUP and NONE, L1 holds a
 * line once.  cache_check() walks all that.
 *
 * Sources of the rules: REFERENCES.md, "Caches".
 */
#ifndef DEDUPSIM_MODELS_CACHE_H
#define DEDUPSIM_MODELS_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/err.h"
#include "sim/base/opt.h"
#include "sim/base/units.h"
#include "sim/core/rows.h"

#define CACHE_LEVELS 4
/* More lines than this, over all instances of all levels, are refused. */
#define CACHE_LINES_MAX (UINT64_C(1) << 26)

/* ---- the configuration ---- */

enum cache_index {
	CACHE_PHYSICAL,
	CACHE_VIRTUAL, /* L1 only */
};

enum cache_replacement {
	CACHE_LRU,
	CACHE_PLRU, /* binary tree; ways are a power of two, at most 64 */
	CACHE_FIFO,
	CACHE_RANDOM,
};

/* Whose CPUs share one instance of a level. */
enum cache_scope {
	CACHE_CPU,
	CACHE_CHIP,
	CACHE_BOOK,
	CACHE_SYSTEM,
};

enum cache_write {
	CACHE_BACK,
	CACHE_THROUGH, /* never dirty: the next level gets each store */
};

enum cache_policy {
	CACHE_NONE,	/* no synonyms, or nobody looks */
	CACHE_DUP,	/* clean copies live in several sets of L1 */
	CACHE_MOVE,	/* found in another set of L1: the line moves */
	CACHE_PIDX_HW,	/* L2 knows the colour; hardware moves the line */
	CACHE_TRAP,	/* the same raises an exception, which drops it */
	CACHE_TRAP_HSV, /* the handler only rewrites the colour in L2 */
};

/* What takes a reference that crosses a line border. */
enum cache_straddle {
	CACHE_PARTS, /* each line is an access of its own */
	CACHE_ONCE,  /* one hit or miss in all, as Cachegrind counts */
};

/*
 * struct cache_conf - one machine; see cache_conf_rows for names and meanings
 *
 * Plain: may be copied.  All fields are uint64_t for the sake of the rows.
 * Latencies are whole cycles from the load to its use.
 */
struct cache_level_conf {
	uint64_t bytes; /* 0: the level is not there */
	uint64_t ways, line_bytes, index, replacement, latency, scope,
		inclusive, write;
};

#define CACHE_FIELDS_MAX 80
#define CACHE_NAME_MAX 128

struct cache_conf {
	char name[CACHE_NAME_MAX];    /* file or preset, for messages */
	char summary[CACHE_NAME_MAX]; /* one line for lists */
	struct cache_level_conf level[CACHE_LEVELS];
	uint64_t page_bytes, memory_latency, hit_cost;
	uint64_t policy, trap_cost, syn_source, syn_extra, dir_colours,
		vcolour_check;
	uint64_t tlb_entries, tlb_ways, tlb_pages, tlb_walk, tlb2_entries,
		tlb2_ways, tlb2_latency;
	uint64_t zero_order, zero_machine;
	uint64_t cpus, cpus_per_chip, chips_per_book;
	uint64_t stream, stream_cost, bandwidth, cow_fault, page_flush;
	uint64_t straddle, seed, frames;
	/* per row: line of the file, 0: not from a file; evidence, a bit for
	 * each letter of CACHE_EVIDENCE */
	uint32_t line[CACHE_FIELDS_MAX];
	uint16_t evidence[CACHE_FIELDS_MAX];
};

/*
 * How a number of a preset is known: K kernel source, E told by the machine
 * itself, U vendor's manual, P patent, L lmbench's table, W other published
 * page, X measured for this model, M commonly known and not checked again,
 * A assumed, I inferred from others.
 */
#define CACHE_EVIDENCE "KEUPLWXMAI"

/* The fields by name, without the summary. */
extern const struct opt cache_conf_rows[];

/*
 * cache_conf_parse - read a configuration
 * @name: for messages: "FILE:LINE: what"
 * @text: @n bytes and one more that may be written; is cut into words
 *
 * One field per line: name, value, [evidence], source in free words; '#' begins
 * a comment where a word may begin.  "summary" takes the rest of its line.
 *
 * Returns 0 with a configuration that cache_new() accepts unless it needs too
 * much memory; -EINVAL with @conf undefined.
 */
int cache_conf_parse(struct cache_conf *conf, const char *name, char *text,
		     size_t n, struct err *err);

/*
 * cache_conf_find - a configuration by name
 * @name: a preset; or a file, if there is a '/' in it or it ends in ".conf"
 * @dir:  where NAME.conf is looked for before the presets that are built in;
 *        NULL: nowhere
 *
 * Returns 0; -EINVAL; an error of reading; -ENOMEM.
 */
int cache_conf_find(struct cache_conf *conf, const char *name, const char *dir,
		    struct err *err);

/* cache_conf_set - override one field; its evidence is forgotten.  What belongs
 * together is checked later: by cache_conf_check() or cache_new(). */
int cache_conf_set(struct cache_conf *conf, const char *key, const char *value,
		   struct err *err);

/* cache_conf_check - do the fields belong together?  -EINVAL names the field. */
int cache_conf_check(const struct cache_conf *conf, struct err *err);

/* cache_conf_assumed - does the field rest on an assumption, or on what nobody
 * checked?  False when it was overridden, or never given. */
bool cache_conf_assumed(const struct cache_conf *conf, const struct opt *row);

unsigned cache_conf_levels(const struct cache_conf *conf);
/* cache_conf_colours - places in L1 that bits of the page number choose */
uint64_t cache_conf_colours(const struct cache_conf *conf);

/* The presets that are built in, by name; text is what the file holds. */
struct cache_preset {
	const char *name, *text;
};
extern const struct cache_preset cache_presets[]; /* name NULL ends */

/* ---- the model ---- */

struct cache;

/* cache_new - empty caches; 0, -EINVAL or -ENOMEM.  @conf is copied. */
int cache_new(struct cache **out, const struct cache_conf *conf,
	      struct err *err);
void cache_free(struct cache *c); /* NULL is fine */
/* cache_reset - empty again, counts are 0, random choices start anew */
void cache_reset(struct cache *c);
const struct cache_conf *cache_config(const struct cache *c);

enum cache_kind {
	CACHE_READ = 0,
	CACHE_WRITE = 1,
	CACHE_DIRECT = 2, /* bit: through the kernel's direct map: no TLB */
};

/*
 * cache_access - one load or store
 * @cpu:  below conf.cpus
 * @va, @pa: of the first byte, equal within the page; a reference that goes on
 *        into the next page finds its bytes behind @pa
 * @size: at least 1
 * @kind: enum cache_kind
 *
 * Allocates nothing.  Returns its cost, TLB included.
 */
cyc_t cache_access(struct cache *c, unsigned cpu, uint64_t va, uint64_t pa,
		   uint64_t size, unsigned kind);

/*
 * cache_cow - a write broke the sharing of a page
 * The fault is charged, then the page is read and written line by line through
 * the direct map, where va = pa.  The TLB entry of @va is dropped in each CPU.
 */
cyc_t cache_cow(struct cache *c, unsigned cpu, uint64_t va, uint64_t old_pa,
		uint64_t fresh_pa);

/*
 * cache_remap - @va stops to mean the page at @old_pa
 * Drops the TLB entry in each CPU; if conf.page_flush is not 0, also the page's
 * lines at that colour from L1, for this price.
 */
cyc_t cache_remap(struct cache *c, unsigned cpu, uint64_t va, uint64_t old_pa);

/*
 * What was counted.  Name, unit and meaning; per level and per cause in
 * addition: see struct cache_counts.
 */
#define CACHE_COUNTS(X)                                                        \
	X(accesses, "", "loads and stores")                                    \
	X(parts, "", "the same, a line each")                                  \
	X(tlb_hits, "", "parts whose page was in the TLB")                     \
	X(tlb_misses, "", "and was not")                                       \
	X(tlb2_hits, "", "misses that the second TLB answered")                \
	X(tlb_walks, "", "misses that walked page tables")                     \
	X(memory, "lines", "lines from memory")                                \
	X(syn, "lines", "synonyms that hardware resolved")                     \
	X(vce, "", "virtual coherency exceptions")                             \
	X(dup, "lines", "fills of a line that another set of L1 holds")        \
	X(dup_writes, "lines", "other copies lost to a store or cleaned")      \
	X(back_invals, "lines", "lines lost to an eviction below them")        \
	X(invals, "lines", "lines lost to a store of another CPU")             \
	X(writebacks, "lines", "dirty lines handed down")                      \
	X(streamed, "lines", "misses that were hidden by streaming")           \
	X(flushes, "pages", "pages flushed because they were remapped")        \
	X(cow_faults, "", "writes that broke sharing")

enum cache_cause {
	CACHE_CYC_HIT,	 /* L1 hits */
	CACHE_CYC_FILL,	 /* L1 misses, by the level that served them */
	CACHE_CYC_SYN,	 /* what synonyms cost on top */
	CACHE_CYC_VCE,	 /* what exceptions cost on top */
	CACHE_CYC_TLB,	 /* second TLB and walks */
	CACHE_CYC_FAULT, /* copy on write, page flushes */
	CACHE_CAUSES,
};

struct cache_counts {
#define CACHE_COUNT_FIELD(name, unit, what) uint64_t name;
	CACHE_COUNTS(CACHE_COUNT_FIELD)
#undef CACHE_COUNT_FIELD
	uint64_t hits[CACHE_LEVELS], misses[CACHE_LEVELS];
	uint64_t cycles[CACHE_CAUSES];
};

#define CACHE_ALL_CPUS UINT32_MAX
/* cache_counts - of one CPU, or of all together */
struct cache_counts cache_counts(const struct cache *c, unsigned cpu);
/* cache_counts_cycles - all causes but the TLB, which colours do not change */
uint64_t cache_counts_cycles(const struct cache_counts *n);
/* cache_counts_since - what was counted after @before */
struct cache_counts cache_counts_since(const struct cache_counts *now,
				       const struct cache_counts *before);

/* cache_resident - lines that a level (0: L1) holds now, in all instances */
uint64_t cache_resident(const struct cache *c, unsigned level);
/* cache_resident_copies - places of L1 in which CPU @cpu holds the line */
unsigned cache_resident_copies(const struct cache *c, unsigned cpu,
			       uint64_t pa);
/* cache_frames - distinct frames below conf.frames that came from memory */
uint64_t cache_frames(const struct cache *c);

/*
 * cache_report - everything by name, scope "cache"
 * accesses, …, l1_hits, l1_misses, l1_resident, …, cycles_hit, …, cycles (TLB
 * excluded), frames (if conf.frames)
 */
void cache_report(const struct cache *c, struct rows *out);

/*
 * cache_saturating_cpus - how many CPUs fill the shared level
 * Each spends @cycles for @lines; the shared level takes conf.bandwidth cycles
 * per line.  UINT64_MAX: any number, because conf.bandwidth is 0 or lines are.
 */
uint64_t cache_saturating_cpus(const struct cache_conf *conf, uint64_t cycles,
			       uint64_t lines);

/* cache_check - walk everything; -EINVAL with one line per fault in @why */
int cache_check(const struct cache *c, FILE *why);

#endif
