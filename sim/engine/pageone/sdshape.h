/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sdshape.h - the original's SD tree as it would look, and what it costs to use
 *
 * sdtree.h stores contents; this keeps the shape that the original's tree would
 * have for the same contents, and counts what its search and its updates touch.
 * One thread; keys are ranks of a content set.
 *
 * A vector sits at a bit.  Its right side leads to the keys that have a 1 there,
 * its down side to those that have a 0:
 *
 *	right  one key: the key itself; more: a vector at the next bit where
 *	       they part (what is skipped must be compared with a stored page)
 *	down   a vector at the first bit where any of them has a 1, or behind
 *	       the last bit (what is skipped is zeros: no page is needed)
 *
 *	build(S, b):   right = the key, or build(S1, bit where S1 parts)
 *	               down  = build(S0, first 1 behind b in any key of S0)
 *
 * The root is at bit 0.  Between updates the shape depends on the keys alone.
 * A vector reached from the left has both sides; one reached from above may lack
 * its down side.
 *
 * Counted as in the original: a visit is a vector looked up; a search that
 * follows 1-edges holds a representative, the rightmost key below, which costs a
 * walk to find and a second one to make sure of before it is let go; a page is a
 * stored page mapped to be compared with.
 *
 * Source: [pone]; shape and counts agree with runs of test_sd_tree.
 */
#ifndef DEDUPSIM_ENGINE_PAGEONE_SDSHAPE_H
#define DEDUPSIM_ENGINE_PAGEONE_SDSHAPE_H

#include <stdio.h>

#include "sim/base/mem.h"
#include "sim/core/content.h"

/* What operations touched, in the original's units. */
struct sd_counts {
	uint64_t searches;
	uint64_t visits;     /* vectors on the way down, the root included */
	uint64_t rep_visits; /* vectors on the way to representatives */
	uint64_t pages;	     /* stored pages mapped */
	uint64_t cmp_bits;   /* bits of the key compared with stored pages */
	uint64_t scan_bits;  /* bits of the key scanned for its next 1 */
	uint64_t map_loads;  /* to turn numbers of vectors into addresses */
	uint64_t cas;	     /* compare-and-swaps, all successful */
	uint64_t vec_new, vec_free; /* vectors */
	uint64_t hdr_new, hdr_free; /* headers of stored objects */
};

struct sdvec; /* 16 bytes */

struct sdshape {
	const struct content_set *set;
	uint32_t bits;	   /* of a key: PAGE_BITS, in tests fewer */
	struct arena vecs; /* of all trees */
	uint8_t *page;	   /* where a source may make a page */
	/* The last search: vectors from the root, the key it ended at, and the
	 * first bit where that differs from the key sought (bits: nowhere). */
	uint32_t *path, steps;
	uint32_t key, met, differ;
};

/*
 * sdshape_init - @set has prefixes, and bytes unless its source is sparse
 * @bits: 8 … PAGE_BITS; every content is zero behind them
 * 0 or -ENOMEM
 */
int sdshape_init(struct sdshape *s, const struct content_set *set,
		 uint32_t bits);
void sdshape_fini(struct sdshape *s); /* harmless on zeros */

/* sdshape_root - an empty tree; 0 or -ENOMEM */
int sdshape_root(struct sdshape *s, uint32_t *root);

/*
 * sdshape_find - search for the content with this rank; true: it is stored
 * sdshape_cost - what the original's search for it would have touched, added
 *                to @c; after sdshape_find(), before a change
 */
bool sdshape_find(struct sdshape *s, uint32_t root, uint32_t rank);
void sdshape_cost(struct sdshape *s, struct sd_counts *c);

/* sdshape_warm - bring into the caches what searches for up to SDSHAPE_WARM
 * contents, each in its tree, will look at on their way down */
#define SDSHAPE_WARM 16u
void sdshape_warm(const struct sdshape *s, const uint32_t *root,
		  const uint32_t *rank, unsigned n);

/*
 * sdshape_insert - store the content that sdshape_find() has just not found;
 * sdshape_remove - take out the one that it has just found
 *
 * Both add what the update takes to @c: vectors, headers, compare-and-swaps.
 * @word: out: the vector that the update swaps
 * Insert returns 0, or -ENOMEM with nothing changed.
 */
int sdshape_insert(struct sdshape *s, struct sd_counts *c, uint32_t *word);
void sdshape_remove(struct sdshape *s, struct sd_counts *c, uint32_t *word);

/* sdshape_first_one - the first bit from @from on that is 1; s->bits: none */
uint32_t sdshape_first_one(struct sdshape *s, uint32_t rank, uint32_t from);

/* sdshape_lowest - up to @max of the lowest ranks stored, in order; returns how
 * many, or -ENOMEM */
int64_t sdshape_lowest(struct sdshape *s, uint32_t root, uint32_t *rank,
		       uint32_t max);

/*
 * sdshape_build - make the tree of these ranks (ascending) from the definition,
 * slowly; sdshape_equal - are two trees the same?  For tests.
 */
int sdshape_build(struct sdshape *s, const uint32_t *rank, uint32_t n,
		  uint32_t *root);
bool sdshape_equal(const struct sdshape *s, uint32_t a, uint32_t b);

/* sdshape_print - "@0(1010…|@3(…|-))", keys as @bits digits up to 8, else as
 * hexadecimal digits */
void sdshape_print(struct sdshape *s, uint32_t root, FILE *f);

#endif
