/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sdcount.h - the original's tree of stored pages, as far as it can be counted
 *
 * Whoever stores contents in the set of sdtree.h says here, operation by
 * operation, what happened, and learns what the original would have touched:
 * the search in the upper tree that names the cluster, the one in the cluster,
 * and the update.
 *
 *	clusters   boundaries                          limits
 *	balanced   257, equal shares of all contents   none
 *	p1         257, by the first byte of the page  refuses from 1.6 M objects;
 *	                                               divided at 1.0 M, if asked
 *	single     one                                 none
 *
 * Counts of searches are exact while at most exact_objects are stored.  Above,
 * one operation in `sample` is looked at, drawn at random, and the others of the
 * same kind are taken to have cost the same; everything that updates change
 * (vectors, headers, compare-and-swaps, memory) stays exact.
 * sdcount_error() says how far off the sums may be.
 *
 * Simplified: no vectors are spent on deferred lists; debris is not met by other
 * searches; a boundary that a division makes is not searched for.
 *
 * Source: [pone]
 */
#ifndef DEDUPSIM_ENGINE_PAGEONE_SDCOUNT_H
#define DEDUPSIM_ENGINE_PAGEONE_SDCOUNT_H

#include "sim/core/meter.h"
#include "sim/engine/pageone/sdshape.h"

/* X(symbol, name) - how contents are spread over clusters */
#define SD_CLUSTERS(X)                                                         \
	X(BALANCED, "balanced")                                                \
	X(P1, "p1")                                                            \
	X(SINGLE, "single")

enum sd_clusters {
#define X(sym, name) SD_CLUSTERS_##sym,
	SD_CLUSTERS(X)
#undef X
		SD_CLUSTERS_COUNT
};

extern const char *const sd_clusters_name[]; /* NULL ends it */

#define SD_P1_CLUSTERS 257u
#define SD_P1_REFUSE 1600000u /* objects in a cluster that takes no more */
#define SD_P1_DIVIDE 1000000u /* … that is divided, at most one in 10 s */
#define SD_P1_MOVE 500000u    /* objects that a division moves */

#define SD_VEC_BYTES 8u
#define SD_HDR_BYTES 16u
#define SD_EXACT_OBJECTS (UINT64_C(1) << 20)
#define SD_SAMPLE 16u

struct sdcount;

struct sdcount_conf {
	const struct content_set *contents; /* as for sdshape_init() */
	enum sd_clusters clusters;
	uint64_t exact_objects; /* as SD_EXACT_OBJECTS */
	uint32_t sample;	/* as SD_SAMPLE; 0, 1: everything is exact */
	uint64_t seed;		/* of the draw */
	/* p1; 0: as the original */
	uint32_t refuse, divide, move;
};

enum sd_op {
	SD_OP_NEW,  /* insert of a content that was not stored */
	SD_OP_DUP,  /* insert of one that was */
	SD_OP_KEPT, /* delete, others refer to it still */
	SD_OP_LAST, /* delete of the last reference */
	SD_OP_COUNT
};

/* What one operation was. */
struct sd_done {
	struct sd_counts n;
	/* The word that its compare-and-swap went to: equal numbers, equal
	 * words.  Two operations whose intervals overlap here are a lost one
	 * and a restart. */
	uint64_t word;
	bool sampled; /* its own search was looked at */
};

/* Returns 0 or -ENOMEM. */
int sdcount_new(struct sdcount **out, const struct sdcount_conf *conf);
void sdcount_free(struct sdcount *c);

/*
 * sdcount_op - what an operation on content @id costs
 *
 * The caller keeps the set; SD_OP_NEW and SD_OP_LAST change the shape, so they
 * must be told exactly once each.  Returns 0; -ENOSPC: the cluster of a NEW
 * content takes no more, @out says what finding that out cost, nothing is
 * stored; -ENOMEM, nothing changed.
 */
int sdcount_op(struct sdcount *c, enum sd_op op, uint32_t id,
	       struct sd_done *out);

/* sdcount_refuses - would a NEW of this content be refused? */
bool sdcount_refuses(const struct sdcount *c, uint32_t id);

/* sdcount_warm - bring into the caches what operations on up to SDSHAPE_WARM
 * contents will look at; worth it for those that are new */
void sdcount_warm(const struct sdcount *c, const uint32_t *id, unsigned n);

void sd_counts_add(struct sd_counts *to, const struct sd_counts *n);

/*
 * sdcount_meter - add to the meter's SD_… rows; bits looked at become bytes,
 * what is left of one goes to the next call
 */
void sdcount_meter(struct sdcount *c, struct meter *m,
		   const struct sd_counts *n);

/*
 * sdcount_divide - one turn of the divide thread: a cluster of at least
 * SD_P1_DIVIDE objects gives its SD_P1_MOVE lowest to a new one
 * Returns 1 when there was one, its cost in @n; 0; -ENOMEM with some moved to
 * where they belong as well.
 */
int sdcount_divide(struct sdcount *c, struct sd_counts *n);

/* Memory of the modelled tree, now. */
struct sd_memory {
	uint64_t objects, vectors; /* stored */
	uint64_t bytes;		   /* 8 per vector, 16 per object */
	uint64_t block_bytes;	   /* blocks of 32 ever in use */
	uint64_t page_bytes; /* their pages, pages of cluster page tables */
	uint32_t clusters, fullest; /* objects of the fullest cluster */
};
void sdcount_memory(const struct sdcount *c, struct sd_memory *m);

/*
 * sdcount_error - standard error of the sum of what searches touched (visits of
 * both kinds), relative to it, in millionths; 0: everything was looked at
 */
uint32_t sdcount_error(const struct sdcount *c);

#endif
