/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool.h - where compressed objects live: one table of operations, one line in
 * pools.def
 *
 * A pool places objects of known lengths in page frames as one of the kernel's
 * allocators would, and gives frames back in that allocator's own way.  Frames
 * and bytes are counted, never kept.
 *
 *	struct pool *p;
 *	pool_new(&p, pool_find("zsmalloc", &err), NULL, &err);
 *	pool_alloc(p, 1700, &handle, m, &err);
 *	pool_reach(p, handle, POOL_READ, m);
 *	pool_free(p, handle, m);
 *	pool_destroy(p);
 *
 * Handles are small numbers from 1 upwards, used again, last freed first: an
 * owner keeps what it must know of an object in an array by handle.  They stay
 * valid when the pool moves objects.
 *
 * Invariants (pool_check): pages, objects and asked_bytes are what a walk over
 * everything finds; each object lies in frames that the pool holds and on
 * nothing else; pages * 4096 = asked_bytes + the sum of what pool_lost() says.
 */
#ifndef DEDUPSIM_POOL_POOL_H
#define DEDUPSIM_POOL_POOL_H

#include <stdbool.h>
#include <stdio.h>

#include "sim/base/mem.h"
#include "sim/base/opt.h"
#include "sim/base/units.h"
#include "sim/core/meter.h"
#include "sim/core/rows.h"

/* X(symbol, name in results, what the bytes are) */
#define POOL_LOSSES(X)                                                         \
	X(HEADER, "header_bytes", "headers at the start of pages")             \
	X(WORD, "word_bytes", "handles, keys and headers beside objects")      \
	X(ROUND, "rounding_bytes", "objects made longer to fit the grid")      \
	X(SLIVER, "sliver_bytes", "left over, too small for any object")       \
	X(HOLE, "hole_bytes", "room for objects that is empty now")

enum pool_loss {
#define X(sym, name, help) LOST_##sym,
	POOL_LOSSES(X)
#undef X
		POOL_LOSS_COUNT
};
extern const char *const pool_loss_name[POOL_LOSS_COUNT];

enum pool_access { POOL_READ, POOL_WRITE, POOL_READ_WRITE };

/*
 * The head of every object's record, elements of pool->objects by handle.  A
 * pool may have longer ones.
 */
struct pool_object {
	uint32_t home;	/* the pool's: usually which page; garbage when free */
	uint16_t bytes; /* asked for; 0: the handle is free */
	uint16_t at;	/* the pool's: where in its home */
};

/* Counts since the pool was made; none of them ever falls. */
struct pool_totals {
	uint64_t stored;	     /* objects */
	uint64_t moved, moved_bytes; /* objects, bytes copied */
	uint64_t evicted, evicted_bytes;
	uint64_t freed_pages;	  /* given back for whatever reason */
	uint64_t compacted_pages; /* … of these, by pool_compact() */
};

/* The public part of every pool, first member of its own struct. */
struct pool {
	const struct pool_ops *ops;
	uint64_t pages, pages_peak; /* frames held, and the most ever */
	uint64_t asked_bytes;	    /* sum of the lengths of stored objects */
	uint32_t bytes_max;	    /* longest object it takes */
	/* Objects of so many bytes or more fill a page of their own, so their
	 * owner may as well store them raw; 0: no such limit. */
	uint32_t huge_bytes;
	struct pool_totals totals;
	struct arena objects; /* objects.count: how many are stored */
};

/* Where an object's own bytes are: one or two runs, in order. */
struct pool_place {
	unsigned parts;
	struct {
		uint64_t frame; /* a name, unique while the pool holds it */
		uint32_t offset, bytes;
	} part[2];
};

/*
 * Whoever can do without objects.
 * @evict: 0: the object is written elsewhere or forgotten, the pool frees the
 *         handle when this returns; negative: it must stay.  Must not call the
 *         pool.
 */
struct pool_owner {
	int (*evict)(void *ctx, uint32_t handle, uint32_t bytes);
	void *ctx;
};

/* What one pool_reclaim() did. */
struct pool_reclaimed {
	uint64_t frames;		 /* given back */
	uint64_t evicted, evicted_bytes; /* objects lost */
	uint64_t moved, moved_bytes;	 /* objects copied */
};

struct pool_ops {
	const char *name, *summary; /* "zbud"; one line for `dedupsim list` */
	const char *source;	    /* "[linux-6.1] mm/zbud.c" */
	const struct opt *opts;	    /* NULL: none */
	size_t opts_size;
	/* It can evict by itself, so a store like zswap puts a word of 8 bytes
	 * in front of each object, within the length it asks for. */
	bool evicts;

	/* Returns 0, -EINVAL with @err set, or -ENOMEM. */
	int (*create)(struct pool **out, const void *opts, struct err *err);
	/* @bytes is 1 … bytes_max; see pool_alloc() */
	int (*alloc)(struct pool *p, uint32_t bytes, uint32_t *handle,
		     struct meter *m);
	void (*free)(struct pool *p, uint32_t handle, struct meter *m);
	/* What opening this object costs beside arithmetic; NULL: nothing. */
	void (*reach)(const struct pool *p, uint32_t handle,
		      enum pool_access how, struct meter *m);
	void (*compact)(struct pool *p, struct meter *m); /* NULL: cannot */
	/* Pages that compaction would free; NULL: none. */
	uint64_t (*compactable)(const struct pool *p);
	/* Give back frames until @goal frames were given back since the pool
	 * was made; NULL: cannot. */
	int (*reclaim)(struct pool *p, uint64_t goal,
		       const struct pool_owner *owner, struct meter *m);
	void (*where)(const struct pool *p, uint32_t handle,
		      struct pool_place *place);
	/* All but LOST_HOLE, which is what remains. */
	void (*lost)(const struct pool *p, uint64_t lost[POOL_LOSS_COUNT]);
	/* Memory of the modelled kernel that is not in its pages. */
	uint64_t (*metadata_bytes)(const struct pool *p); /* NULL: none */
	/* Rows of its own, kernel names; NULL: none. */
	void (*report)(const struct pool *p, struct rows *out);
	int (*check)(const struct pool *p, FILE *why); /* its structures */
	void (*destroy)(struct pool *p);
};

#define POOL(name) extern const struct pool_ops pool_##name;
#include "sim/pool/pools.def"
#undef POOL

extern const struct pool_ops *const pools[]; /* NULL ends it */

/* pool_find - by name; NULL with the nearest name in @err */
const struct pool_ops *pool_find(const char *name, struct err *err);
/* pool_check_ops - -EINVAL names a hook that the table must have and lacks */
int pool_check_ops(const struct pool_ops *ops, struct err *err);

/*
 * pool_new - an empty pool
 * @opts: borrowed for the call; NULL: the defaults
 * Returns 0; -EINVAL with @err set; -ENOMEM.
 */
int pool_new(struct pool **out, const struct pool_ops *ops, const void *opts,
	     struct err *err);
void pool_destroy(struct pool *p); /* with all objects; NULL is fine */

/*
 * pool_alloc - find room for an object of @bytes
 *
 * Returns 0; -EINVAL for 0 bytes or more than a page, -ENOSPC for less that
 * this pool never takes, both with @err set; -ENOMEM when the simulator has no
 * memory.  After a failure nothing has changed, but for xvmalloc, which may
 * hold a page more after -ENOSPC, as the original does.
 */
int pool_alloc(struct pool *p, uint32_t bytes, uint32_t *handle,
	       struct meter *m, struct err *err);
void pool_free(struct pool *p, uint32_t handle, struct meter *m);
/* pool_reach - count what it costs to open and close a stored object */
void pool_reach(const struct pool *p, uint32_t handle, enum pool_access how,
		struct meter *m);
/* pool_compact - returns pages given back; 0 for pools that cannot */
uint64_t pool_compact(struct pool *p, struct meter *m);
uint64_t pool_compactable(const struct pool *p);

/*
 * pool_reclaim - give @frames frames back, in the pool's own way
 * @got: out, in any case: what was done
 *
 * May give back more, where frames come in groups.  Returns 0; -EAGAIN when
 * fewer could be given back; -EOPNOTSUPP for pools that never do.
 */
int pool_reclaim(struct pool *p, uint64_t frames,
		 const struct pool_owner *owner, struct pool_reclaimed *got,
		 struct meter *m);

/* pool_where - @handle is stored */
void pool_where(const struct pool *p, uint32_t handle,
		struct pool_place *place);
/* pool_next - the first stored handle above @handle; 0: no more */
uint32_t pool_next(const struct pool *p, uint32_t handle);
/* pool_lost - why pages * 4096 is more than asked_bytes */
void pool_lost(const struct pool *p, uint64_t lost[POOL_LOSS_COUNT]);
/* pool_report - rows of scope "pool", then the pool's own under its name */
void pool_report(const struct pool *p, struct rows *out);
/* pool_check - 0, or -EINVAL with what is wrong printed to @why (may be NULL) */
int pool_check(const struct pool *p, FILE *why);

static inline const struct pool_object *pool_object(const struct pool *p,
						    uint32_t handle)
{
	return (const struct pool_object *)(const void *)arena_at(&p->objects,
								  handle);
}

/* pool_bytes - length of a stored object; 0: nothing is stored there */
static inline uint32_t pool_bytes(const struct pool *p, uint32_t handle)
{
	return handle && handle <= p->objects.used
		       ? pool_object(p, handle)->bytes
		       : 0;
}

#endif
