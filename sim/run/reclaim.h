/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reclaim.h - what it costs to get whole page frames back from a pool
 *
 *	fill ──► churn ──► [compact] ──► evict … until 1 % of the frames are free
 *	                                       … until 5 % …
 *	  density after each step              objects, bytes, copies, age
 *
 * A frame is of use to the rest of the system only as a whole, and an allocator
 * that packs well spreads objects of every age over every frame.  So the price
 * of a frame is what must be evicted until some frame is empty:
 *
 *	oldest-object    the owner drops its objects in the order in which they
 *	                 were stored, and waits for frames to become empty
 *	oldest-zspage    the pool is asked for frames and empties the page, or
 *	                 chain of pages, whose last store is longest ago
 *	emptiest-zspage  … that with the fewest bytes to lose for each page
 *
 * Pools other than zsmalloc have an order of their own when they are asked,
 * which then stands for both of the latter; xvmalloc cannot be asked.
 *
 * Churn replaces an object, chosen at random, by one of a fresh length, which is
 * the youngest then; it is stored before the other is freed, as zram and zswap
 * do it.  With compaction the pool is compacted before anything is evicted and
 * after every eviction; the frames which the first compaction gives back are
 * counted apart, and shares are of the frames that are left.
 *
 * Lengths which a pool does not take are refused, counted, and drawn again:
 * such pages go to disk at once.  A pool that evicts by itself keeps a word of
 * 8 bytes in front of each object (zswap); lengths here are without it.
 */
#ifndef DEDUPSIM_RUN_RECLAIM_H
#define DEDUPSIM_RUN_RECLAIM_H

#include "sim/pool/pool.h"
#include "sim/run/sizes.h"

#define RECLAIM_WORD_BYTES 8u
#define RECLAIM_OBJECTS_MAX 50000000u
#define RECLAIM_CHURN_MAX 1000u
/* Shares of the frames are in thousandths of a percent. */
#define RECLAIM_WHOLE 100000u

#define RECLAIM_POLICIES(X)                                                    \
	X(OLDEST_OBJECT, "oldest-object")                                      \
	X(OLDEST_ZSPAGE, "oldest-zspage")                                      \
	X(EMPTIEST_ZSPAGE, "emptiest-zspage")

enum reclaim_policy {
#define X(sym, name) RECLAIM_##sym,
	RECLAIM_POLICIES(X)
#undef X
		RECLAIM_POLICY_COUNT
};
extern const char *const reclaim_policy_name[]; /* NULL ends it */

/* How a pool follows a policy. */
enum reclaim_way {
	RECLAIM_CANNOT,
	RECLAIM_BY_OBJECT, /* objects are dropped from outside */
	RECLAIM_BY_VICTIM, /* it is asked, and told which victims to choose */
	RECLAIM_BY_POOL	   /* it is asked, and has an order of its own */
};

struct reclaim_config {
	const struct pool_ops *ops;
	const void *opts; /* NULL: the defaults */
	const struct sizes *sizes;
	uint64_t objects; /* 1 … RECLAIM_OBJECTS_MAX */
	uint64_t churn;	  /* replacements for each object */
	uint64_t limit;	  /* bytes the pool may take; 0: any */
	enum reclaim_policy policy;
	bool compact;
	const uint32_t *share; /* of the frames, ascending, each 1 … WHOLE */
	size_t nshares;
	uint64_t seed;
	bool paranoid; /* pool_check() after each step */
};

/* A pool at one moment. */
struct reclaim_state {
	uint64_t pages, objects;
	uint64_t bytes;	      /* lengths of the objects, without the word */
	uint64_t split;	      /* objects that lie on two frames */
	uint64_t compactable; /* pages that compaction would give back */
};

/* What was done until a share of the frames was free. */
struct reclaim_point {
	uint64_t wanted_pages, freed_pages; /* equal or more, unless it ended */
	uint64_t evicted, evicted_bytes;
	uint64_t moved, moved_bytes; /* copied by the pool */
	uint64_t first;		     /* evictions until the first frame came */
	uint64_t gains;		     /* steps that brought frames */
	/* Sum over evicted objects of their places in the order of age, less
	 * what it is when just as many of the oldest go. */
	uint64_t age_error;
	bool reached; /* false: nothing more could be evicted */
};

struct reclaim_result {
	struct reclaim_state fresh, churned, start; /* start: of eviction */
	uint64_t refused;			   /* lengths it did not take */
	uint64_t compacted_pages, compacted_bytes; /* by the first compaction */
	struct reclaim_point *point;		   /* [nshares] */
};

/* reclaim_way - by which way can such a pool follow the policy? */
enum reclaim_way reclaim_way(const struct pool_ops *ops,
			     enum reclaim_policy policy);
/* reclaim_compacts - would compaction change anything? */
bool reclaim_compacts(const struct pool_ops *ops);

/*
 * reclaim_run - fill, churn, evict
 *
 * Objects and their ages depend on @cfg->seed, sizes and numbers alone, so two
 * pools that refuse nothing are given the same.
 *
 * Returns 0; -EINVAL with @err set when the sizes never fit, the limit is below
 * what is stored, or the pool cannot follow the policy; -ENOMEM.  After a
 * failure nothing is held.
 */
int reclaim_run(const struct reclaim_config *cfg, struct reclaim_result *res,
		struct err *err);
void reclaim_result_fini(struct reclaim_result *res);

#endif
