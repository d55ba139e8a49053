/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sdtree.h - a lock-free set of page contents with a count on each
 *
 * A crit-bit tree: one node for each bit position where stored keys part, in
 * order of bits from the root down, so a search looks at one bit per node and
 * compares with one stored page at the end.  An edge is one 32-bit word; every
 * change is one compare-and-swap on an edge or a count.
 *
 *	edge word   cell number << 3 | TAG | FLAG | LEAF
 *	node  16 B  two edges, bit, split
 *	leaf  16 B  key, count, value
 *
 *	     R(-2) ──► S(-2) ──► (-1) ──► D        R, S, D are there for ever;
 *	                          │0               every key is on side 0 of them
 *	                         (5)
 *	                        0/ \1              bits grow along each path
 *	                      key   (9) …
 *
 * A key is either the bytes of a page or a rank in the closed content set; a
 * tree knows one kind.  With ranks a node keeps in `split` the first rank of its
 * 1-side, so the side of a key is told without a byte being read, and the first
 * differing bit of two keys is a range minimum.  The code is the same but for
 * these two questions.
 *
 * Removing: whoever takes a count to 0 puts FLAG on the edge to the leaf, TAG on
 * the edge beside it, and swings the nearest edge above that has no TAG to what
 * lies beside the leaf.  FLAG and TAG never go away again, so nothing can be
 * linked to what is being cut out; everybody who meets them can finish the cut.
 * Inserts and deletes are lock-free; how soon memory is reused depends on the
 * reclaimer and its slowest reader.
 *
 * All keys under a node agree on every bit below its own, as long as the node
 * exists; so what a search found out about an edge holds while the edge names
 * the same cell, and no cell is used again during an operation that saw it.
 *
 * Keys given as bytes are not copied: they must neither change nor go away until
 * release() has been called for them.
 *
 * Sources: [nm14] for the marks on edges, [patricia] for the tree, [pone] for
 * order, counts and what insert and delete mean.
 */
#ifndef DEDUPSIM_ENGINE_PAGEONE_SDTREE_H
#define DEDUPSIM_ENGINE_PAGEONE_SDTREE_H

#include <stdio.h>

#include "sim/core/content.h"
#include "sim/engine/pageone/reclaim.h"

struct sdtree;
struct sd_thread;

struct sd_key {
	const uint8_t *bytes; /* in trees without contents */
	uint32_t rank;	      /* in trees with contents */
};

struct sdtree_conf {
	/* Its ranks and prefixes are the keys; NULL: keys are bytes. */
	const struct content_set *contents;
	uint32_t key_bits;    /* of byte keys: 8 … PAGE_BITS, whole bytes */
	uint32_t max_objects; /* stored at a time, no limit but a size */
	struct sd_reclaim *reclaim; /* NULL: sd_reclaim_now */
	/* A leaf that nobody can reach or read any more; NULL: nothing. */
	void (*release)(void *ctx, struct sd_key key, uint32_t value);
	void *ctx;
	/* For tests: overwrite cells that became free; give others a chance
	 * before each compare-and-swap (NULL: do not). */
	bool poison;
	void (*pause)(void *ctx);
};

/* What one thread did; read by others only when it does nothing. */
struct sdtree_stats {
	uint64_t nodes;	   /* looked at on the way down */
	uint64_t compares; /* with a stored key */
	uint64_t cas_ok, cas_fail;
	uint64_t restarts; /* searches that had to be done again */
	uint64_t helps;	   /* cuts begun or finished for others, own ones too */
};

/* Both return 0 or -ENOMEM. */
int sdtree_new(struct sdtree **out, const struct sdtree_conf *conf);
/* sdtree_free - every thread has parted; what is stored is released */
void sdtree_free(struct sdtree *t);

/* sdtree_join - by the thread that will use it; -ENOSPC: SD_THREADS have */
int sdtree_join(struct sdtree *t, struct sd_thread **out);
/* sdtree_part - by the same thread */
void sdtree_part(struct sd_thread *th);
const struct sdtree_stats *sdtree_stats(const struct sd_thread *th);

enum sd_insert { SD_DUP, SD_NEW };
enum sd_delete { SD_KEPT, SD_LAST };

/*
 * sdtree_insert - store a key, or count one more of it
 * @value:  stored with the key if it is new
 * @stored: out: the value that is stored; may be NULL
 *
 * Returns SD_NEW, SD_DUP, or -ENOMEM with nothing changed.
 */
int sdtree_insert(struct sd_thread *th, struct sd_key key, uint32_t value,
		  uint32_t *stored);

/*
 * sdtree_delete - count one less; the last one takes the key out
 *
 * Returns SD_KEPT, SD_LAST, -ENOENT, or -ENOMEM with nothing changed.
 */
int sdtree_delete(struct sd_thread *th, struct sd_key key, uint32_t *stored);

/* sdtree_find - the count of a key, 0: not stored */
uint32_t sdtree_find(struct sd_thread *th, struct sd_key key, uint32_t *stored);

/*
 * sdtree_warm - look ahead: bring into the caches what operations on up to
 * SD_WARM keys will look at.  The walks go side by side, so that their misses
 * overlap.  Changes nothing, counts nothing.
 * Returns a bitmap, in trees of ranks: key i was there.
 */
#define SD_WARM 16u
uint32_t sdtree_warm(struct sd_thread *th, const struct sd_key *key,
		     unsigned n);

/* ---- while no operation runs, one call at a time ---- */

/*
 * sdtree_walk - all keys in order
 * @branch: bits that the key has in common with the one before, -1 for the first
 * Stops when @fn returns other than 0 and returns that.
 */
typedef int sdtree_walk_fn(void *ctx, struct sd_key key, uint32_t refs,
			   uint32_t value, int branch);
int sdtree_walk(const struct sdtree *t, sdtree_walk_fn *fn, void *ctx);

/* sdtree_check - invariants, and marks that should be gone; 0 or -EINVAL with
 * what is wrong printed to @why (may be NULL) */
int sdtree_check(const struct sdtree *t, FILE *why);

/* Bytes that an object takes in this tree: a node and a leaf. */
#define SDTREE_OBJECT_BYTES 32u

/* sdtree_bytes - of all cells that were ever in use, waiting ones included */
uint64_t sdtree_bytes(const struct sdtree *t);

#endif
