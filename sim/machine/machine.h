/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine.h - the simulated machine: spaces, page tables, frames with identity
 *
 *	space ──► ranges (VMAs)         what may be mapped: kind, mergeable, huge
 *	      ──► chunks of 512 PTEs    what is mapped
 *
 *	PTE { content, ref, flags, word }            16 bytes
 *	       owner PRIVATE: ref is the frame       nobody else maps it
 *	       owner SHARED:  ref is a share record  { frame, maps, pins, word }
 *	       owner ZERO:    ref is a zero page     the kernel's, by address colour
 *	       owner STORE:   ref is the store's     swapped out (with reclaim)
 *
 * A frame that only one PTE maps needs no record at all; one that is forked,
 * merged or pinned has a share record of 16 bytes.  Frames are numbered, lowest
 * free first; they carry identity, never bytes: what a page holds is a content
 * id in each PTE that maps it.
 *
 * Who calls whom: the run loop applies events and hands the effects to engines;
 * engines make the downward calls of the second half.  The machine calls nobody.
 *
 * PTE indices are stable: chunk << 9 | slot, never 0.  PTE slots outlive the
 * page: the engine's word stays when the page is unmapped, until the engine
 * clears it, so that an engine can keep its record of an address as the kernels
 * do, and finds it again in address order without a list of its own.
 *
 * Invariants (machine_check): each used frame has exactly one owner, a private
 * PTE or a share record; a share's maps is the number of PTEs that name it; a
 * PTE of a range carries the range's flags; counters equal what a walk counts.
 */
#ifndef DEDUPSIM_MACHINE_MACHINE_H
#define DEDUPSIM_MACHINE_MACHINE_H

#include <stdio.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/core/effect.h"
#include "sim/core/event.h"
#include "sim/core/rows.h"

/* PTE flags. */
#define PTE_PRESENT 1u
#define PTE_ANON 2u /* anonymous page (not of a file, not of shared memory) */
#define PTE_OWNER_SHIFT 2 /* two bits */
#define PTE_OWNER_MASK (3u << PTE_OWNER_SHIFT)
#define PTE_MERGEABLE 16u /* copy of the range's flag, for scans */
#define PTE_PLACED 32u	  /* owner ZERO: an engine pointed it there */
#define PTE_HUGE 64u	  /* part of an unsplit huge page */
#define PTE_COPY 128u	  /* an engine wants a write to get a copy */

enum pte_owner { OWNER_PRIVATE, OWNER_SHARED, OWNER_ZERO, OWNER_STORE };

struct pte {
	uint32_t content; /* valid when present */
	uint32_t ref; /* frame, share, zero page or store handle, by owner */
	uint32_t flags;
	uint32_t word; /* the engine's; 0: none */
};
static_assert(sizeof(struct pte) == 16, "budget: 16 bytes per mapped page");

static inline enum pte_owner pte_owner(const struct pte *p)
{
	return (enum pte_owner)((p->flags & PTE_OWNER_MASK) >> PTE_OWNER_SHIFT);
}

/* A frame with several mappings, or merged, or pinned. */
struct share {
	uint32_t frame;
	uint32_t maps;
	uint32_t pins; /* extra references, and SHARE_ flags */
	uint32_t word; /* the engine's handle for a merged frame */
};
#define SHARE_MERGED (UINT32_C(1) << 31)
#define SHARE_FORKED (UINT32_C(1) << 30) /* had several mappings by a fork */
#define SHARE_ZERO (UINT32_C(1) << 29)	 /* merged, and holds zeros */
#define SHARE_HELD (UINT32_C(1) << 28)	 /* an engine keeps the frame */
#define SHARE_PINS (SHARE_HELD - 1)

/* One extra reference: who took it, on what. */
struct pin {
	uint64_t vpn;
	uint32_t space, share;
};

#define CHUNK_SHIFT HUGE_SHIFT
#define CHUNK_PAGES HUGE_PAGES

/* 512 neighbouring PTEs of one space, 2 MiB-aligned. */
struct chunk {
	uint64_t key; /* vpn >> CHUNK_SHIFT */
	uint32_t space;
	uint16_t present; /* PTEs with PTE_PRESENT */
	uint16_t words;	  /* PTEs with a word */
};

struct chunk_ref {
	uint64_t key;
	uint32_t chunk;
};

/* A range of pages that may be touched; ranges of a space do not overlap. */
struct range {
	uint64_t lo, hi; /* vpn, [lo, hi) */
	uint32_t flags;	 /* EVF_FILE, EVF_SHARED, EVF_MERGEABLE, EVF_HUGE */
};

struct space {
	struct range *range; /* ascending */
	size_t nrange, range_cap;
	struct chunk_ref *chunk; /* ascending by key */
	size_t nchunk, chunk_cap;
	uint64_t mergeable; /* pages in ranges with EVF_MERGEABLE */
	uint32_t gen;	    /* grows whenever chunk[] changes */
	uint64_t present;   /* pages mapped */
	uint32_t *pool;	    /* numbers of its store pools, as they came */
	size_t npool, pool_cap;
	bool live; /* created and not exited */
};

struct machine_config {
	uint32_t zero_pages; /* a power of two; by address colour; 0: 1 */
	bool keep_words; /* an engine uses PTE words: exited spaces keep their
				chunks until machine_space_release() */
	uint64_t max_pages; /* page-table entries in all, against hostile
				traces; 0: MACHINE_MAX_PAGES */
};
/* In what a kernel that is not the latest deals with pages; an engine that
 * follows such a one sets them when it starts. */
struct machine_rules {
	bool split_keeps_zeros;	  /* before 6.12: splitting a huge page leaves
				     its parts of zeros as they are */
	bool unmerge_keeps_zeros; /* before 6.6: pages that an engine pointed to
				     the zero page stay there */
	bool write_reuses_merged; /* 5.1 to 5.8: the last mapping of a merged
				     frame is written without a copy */
};

#define MACHINE_MAX_PAGES (UINT64_C(1) << 26)  /* 256 GiB of guests */
#define MACHINE_MAX_RANGES (UINT64_C(1) << 22) /* of all spaces together */
#define MACHINE_MAX_POOLS 1024u		       /* store pools of one space */
#define MACHINE_MAX_PINS (UINT64_C(1) << 20)

struct machine {
	struct machine_config cfg;
	struct machine_rules rules;
	struct space *space;
	size_t space_cap;
	uint32_t nspace;  /* numbers given out */
	uint32_t objects; /* of stores, numbered so far */

	struct pte *pte; /* by PTE index; chunk 0 is not used */
	size_t pte_cap;
	struct chunk *chunk;
	size_t chunk_cap;
	uint32_t nchunk;     /* highest chunk in use + 1, >= 1 */
	uint32_t free_chunk; /* chained through key; 0: none */
	bool full;	     /* max_pages was the last reason of -ENOMEM */

	struct arena share;
	struct frame_map *frames;
	uint32_t held_frames; /* nobody's, kept by an engine */
	uint32_t held_shares; /* records with SHARE_HELD */
	struct pin *pin; /* ascending by space and vpn */
	size_t npin, pin_cap;

	/* Kept at every step. */
	uint64_t mapped; /* PTEs present */
	uint64_t mapped_peak;
	uint64_t
		zero_mapped; /* … that map a zero page, by read fault or engine */
	uint64_t zero_merged;  /* … that an engine pointed there */
	uint64_t merged_pages; /* PTEs that map a merged frame */
	uint64_t merged_frames;
	uint64_t merged_zero_pages;  /* … of merged_pages, that hold zeros */
	uint64_t merged_zero_frames; /* … of merged_frames */
	uint64_t split_zero_pages;   /* zeros that a split gave the zero page */
	uint64_t ranges;	     /* of all spaces */
	uint64_t huge_splits;
	uint64_t cow_copies; /* pages copied because a frame was shared */

	struct machine_op *op; /* the event being carried out */
};

/* Frames in use; the peak; bytes follow by PAGE_BYTES. */
uint64_t machine_frames(const struct machine *m);
uint64_t machine_frames_peak(const struct machine *m);

int machine_new(struct machine **out, const struct machine_config *cfg);
void machine_free(struct machine *m);

/* The chunk of @key; 0: none.  Mappings are mostly dense: then its position
 * follows from the key. */
uint32_t chunk_search(const struct space *s, uint64_t key);
static inline uint32_t chunk_find(const struct space *s, uint64_t key)
{
	uint64_t guess = s->nchunk ? key - s->chunk[0].key : 0;

	if (guess < s->nchunk && s->chunk[guess].key == key)
		return s->chunk[guess].chunk;
	return chunk_search(s, key);
}

/* The PTE of an address; 0: that chunk has none. */
static inline uint32_t machine_find(const struct machine *m, uint32_t space,
				    uint64_t vpn)
{
	uint32_t c = chunk_find(&m->space[space], vpn >> CHUNK_SHIFT);

	return c ? c << CHUNK_SHIFT | (uint32_t)(vpn & (CHUNK_PAGES - 1)) : 0;
}

/*
 * machine_begin - check an event and start carrying it out
 * Returns 0; -EINVAL with the reason (without a place: the caller knows it) and
 * nothing changed; -ENOMEM.  Every effect must be fetched before the next event.
 */
int machine_begin(struct machine *m, const struct event *ev, struct err *err);

/*
 * machine_next - the next effect of the event
 * Returns 1 with *@fx filled, 0 when the event is done, -ENOMEM (the machine
 * stays consistent, the rest of the event is lost).
 */
int machine_next(struct machine *m, struct effect *fx);

/*
 * machine_write - a write to a page that has a frame of its own, at once
 * @fx: out: the event's one effect
 * Returns true when it is done, as machine_begin() and machine_next() would have;
 * false when nothing happened: they are to be asked.
 */
static inline bool machine_write(struct machine *m, const struct event *ev,
				 struct effect *fx)
{
	struct pte *p;
	uint32_t pte;

	if (ev->op != EV_WRITE || ev->space >= m->nspace ||
	    !m->space[ev->space].live)
		return false;
	pte = machine_find(m, ev->space, ev->vpn);
	p = &m->pte[pte];
	if (!pte || (p->flags & (PTE_PRESENT | PTE_OWNER_MASK | PTE_COPY)) !=
			    (PTE_PRESENT | OWNER_PRIVATE << PTE_OWNER_SHIFT))
		return false;
	*fx = (struct effect){
		.kind = FX_PAGE,
		.flags = FXF_CONTENT,
		.space = ev->space,
		.pte = pte,
		.content = ev->content,
		.before = p->content,
		.vpn = ev->vpn,
	};
	p->content = ev->content;
	return true;
}

/* machine_expect - @ev will be begun a little later: its page-table entry is
 * fetched into the cache meanwhile.  Nothing else happens; @ev may be wrong. */
void machine_expect(const struct machine *m, const struct event *ev);

/* machine_full - was max_pages the reason of the -ENOMEM just returned? */
bool machine_full(const struct machine *m);

/* machine_apply - for tests: the whole event, effects thrown away */
int machine_apply(struct machine *m, const struct event *ev, struct err *err);

static inline struct chunk *machine_chunk(const struct machine *m, uint32_t pte)
{
	return &m->chunk[pte >> CHUNK_SHIFT];
}

static inline uint32_t machine_pte_space(const struct machine *m, uint32_t pte)
{
	return machine_chunk(m, pte)->space;
}

static inline uint64_t machine_pte_vpn(const struct machine *m, uint32_t pte)
{
	return machine_chunk(m, pte)->key << CHUNK_SHIFT |
	       (pte & (CHUNK_PAGES - 1));
}

static inline struct share *machine_share(const struct machine *m, uint32_t i)
{
	return arena_at(&m->share, i);
}

/* machine_merged - does this present PTE map a merged frame? */
static inline bool machine_merged(const struct machine *m, const struct pte *p)
{
	return pte_owner(p) == OWNER_SHARED &&
	       machine_share(m, p->ref)->pins & SHARE_MERGED;
}

/* machine_unmergeable - is this page one that unmerging gives a frame? */
static inline bool machine_unmergeable(const struct machine *m, uint32_t pte)
{
	const struct pte *p = &m->pte[pte];

	if (!(p->flags & PTE_PRESENT))
		return false;
	return machine_merged(m, p) ||
	       (p->flags & PTE_PLACED && !m->rules.unmerge_keeps_zeros);
}

/* machine_same_huge - are both present PTEs part of one unsplit huge page? */
bool machine_same_huge(const struct machine *m, const struct pte *a,
		       const struct pte *b);

/* machine_set_word - the only way to change a PTE's word */
static inline void machine_set_word(struct machine *m, uint32_t pte,
				    uint32_t word)
{
	struct pte *p = &m->pte[pte];

	if (!p->word != !word) {
		if (word)
			machine_chunk(m, pte)->words++;
		else
			machine_chunk(m, pte)->words--;
	}
	p->word = word;
}

/* PTEs that a scan looked at. */
struct scan_steps {
	uint64_t pages; /* with a page, or the one that was found */
	uint64_t holes; /* without */
};

/*
 * A scan over one space in address order.  The cursor survives every change of
 * the space between two calls.
 */
struct space_cursor {
	uint64_t vpn; /* next address to look at; 0 at the start */
	uint32_t space;
	uint32_t gen; /* of the space when at was found; 0: never */
	size_t at;    /* chunk[at] is the first with pages at or after vpn */
};

/*
 * machine_scan - the next PTE at or after the cursor that is of interest:
 * an anonymous page other than a zero page in a mergeable range, or a PTE that
 * has an engine's word
 * @steps: PTEs looked at are added
 * Returns its index, the cursor behind it; 0 at the end of the space.
 */
uint32_t machine_scan(const struct machine *m, struct space_cursor *c,
		      struct scan_steps *steps);

/* Is this PTE's page one that a scan may hand to the engine? */
static inline bool pte_mergeable_page(const struct pte *p)
{
	return (p->flags & (PTE_PRESENT | PTE_ANON | PTE_MERGEABLE)) ==
		       (PTE_PRESENT | PTE_ANON | PTE_MERGEABLE) &&
	       pte_owner(p) != OWNER_ZERO;
}

/* Do two present PTEs map the same frame? */
static inline bool machine_same_frame(const struct pte *a, const struct pte *b)
{
	return pte_owner(a) == pte_owner(b) && a->ref == b->ref;
}

/* ---- what engines want done (downward calls) ---- */

/*
 * machine_make_merged - turn the frame that @pte maps into a merged one
 * All its mappings become read-only; a huge page is split.  A frame that is
 * merged already stays as it is.
 * @share: out: its share record
 * @split: 1 is added if a huge page had to be split
 * Returns 0; -EBUSY when an extra reference forbids it (unchanged, but for the
 * split); -ENOMEM (unchanged).
 */
int machine_make_merged(struct machine *m, uint32_t pte, uint32_t *share,
			unsigned *split);

/*
 * machine_merge - point @pte at a merged frame that holds the same content
 * @freed: out: 1 if the frame it left is free now
 * @word:  out: the word of that frame when it was a merged one, else 0
 * Returns 0; -EBUSY as above.
 */
int machine_merge(struct machine *m, uint32_t pte, uint32_t share,
		  unsigned *freed, uint32_t *word, unsigned *split);

/* machine_merge_zero - point @pte, which holds zeros, at the zero page */
int machine_merge_zero(struct machine *m, uint32_t pte, unsigned *freed,
		       uint32_t *word, unsigned *split);

/*
 * machine_unmerge - give @pte a private copy of the merged frame or of the zero
 * page that an engine put there
 * @fx: out: an FX_PAGE as a write would have made it
 * Returns 0, or -ENOMEM (unchanged).
 */
int machine_unmerge(struct machine *m, uint32_t pte, struct effect *fx);

/*
 * machine_split - split the huge page that @pte is part of, if it is one
 * @split: 1 is added when there was one
 *
 * Its parts that hold zeros are mapped to the zero page then (not as PTE_PLACED:
 * it is the kernel that does so, since 6.12), in all spaces that share it by a
 * fork; @pte may be one of them.  The engine must look at the whole group anew.
 * Returns 0, or -EBUSY: pinned, unchanged.
 */
int machine_split(struct machine *m, uint32_t pte, unsigned *split);

/*
 * machine_copy_on_write - shall a write to this present page get a copy, though
 * the page is its own?  Holds until the page is copied, merged or gone.
 */
void machine_copy_on_write(struct machine *m, uint32_t pte, bool copy);

/*
 * machine_hold_share - the merged frame stays, even when nothing maps it
 * machine_release_share - … no longer; returns true when that freed it
 */
void machine_hold_share(struct machine *m, uint32_t share);
bool machine_release_share(struct machine *m, uint32_t share);

/*
 * machine_hold_frame - a frame that the last effect said is free is not
 * machine_release_frame - now it is
 * The engine calls the first before it does anything else with the machine.
 */
void machine_hold_frame(struct machine *m, uint32_t frame);
void machine_release_frame(struct machine *m, uint32_t frame);

/* machine_pinned - has the frame of this present page an extra reference? */
bool machine_pinned(const struct machine *m, const struct pte *p);

/* machine_frame_of - of a present page that has one: private or shared */
static inline uint32_t machine_frame_of(const struct machine *m,
					const struct pte *p)
{
	return pte_owner(p) == OWNER_SHARED ? machine_share(m, p->ref)->frame
					    : p->ref;
}

/* machine_space_release - the engine holds no word in this exited space */
void machine_space_release(struct machine *m, uint32_t space);

void machine_report(const struct machine *m, struct rows *out);
int machine_check(const struct machine *m, FILE *why);

#endif
