/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * meter.h - engines count, models price
 *
 * A meter holds the counts of one virtual CPU, an opaque price per count filled
 * by models/cost, and the limit of the present turn.  An engine only ever adds.
 * What was spent is a sum over the counts, formed when somebody asks.
 *
 * Tree walks are counted by depth, so that the cost model can tell hot levels
 * from cold ones: meter_walk() notes how many nodes one walk looked at, and
 * meter_steps() gives the visits made at each depth.
 */
#ifndef DEDUPSIM_CORE_METER_H
#define DEDUPSIM_CORE_METER_H

#include "sim/base/units.h"

/* X(symbol, name in results, unit, what one of it is) */
#define METER_OPS(X)                                                           \
	X(PAGE_VISIT, "page_visits", "pages", "page handed to the engine")     \
	X(PAGE_SKIP, "page_skips", "pages", "page passed over by smart scan")  \
	X(PTE_WALK, "pte_walks", "entries",                                    \
	  "page-table entry looked at by a scan")                              \
	X(MERGED_REVISIT, "merged_revisits", "pages",                          \
	  "merged page met again, nothing to do")                              \
	X(CHECKSUM, "checksums", "pages", "checksum over a whole page")        \
	X(CMP, "compares", "compares", "comparison of two pages")              \
	X(CMP_BYTES, "cmp_bytes", "bytes",                                     \
	  "first differing byte + 1, or a page, per comparison")               \
	X(RB_INSERT, "rb_inserts", "nodes", "node linked into a tree")         \
	X(RB_ERASE, "rb_erases", "nodes", "node taken out of a tree")          \
	X(RB_ROTATE, "rb_rotations", "rotations",                              \
	  "rotation while rebalancing")                                        \
	X(DUP_CHECK, "dup_checks", "nodes",                                    \
	  "copy looked at while walking a chain")                              \
	X(WRITE_PROTECT, "write_protects", "pages",                            \
	  "PTE made read-only, with TLB flush")                                \
	X(PTE_REPLACE, "pte_replaces", "pages",                                \
	  "PTE pointed at another frame, with TLB flush")                      \
	X(FRAME_FREE, "frame_frees", "frames", "frame given back")             \
	X(COW_BREAK, "cow_breaks", "pages", "page copied to undo a merge")     \
	X(HUGE_SPLIT, "huge_splits", "huge pages", "huge page split")          \
	X(ITEM_NEW, "item_allocs", "items", "per-page record made")            \
	X(ITEM_FREE, "item_frees", "items", "per-page record dropped")         \
	X(NODE_NEW, "node_allocs", "nodes", "record of a shared frame made")   \
	X(NODE_FREE, "node_frees", "nodes",                                    \
	  "record of a shared frame dropped")                                  \
	X(TURN, "turns", "turns", "batch begun by the background thread")      \
	X(OBJ_STORE, "objects_stored", "objects", "object put into a pool")    \
	X(OBJ_DROP, "objects_dropped", "objects",                              \
	  "object taken out of a pool by its owner")                           \
	X(OBJ_EVICT, "objects_evicted", "objects",                             \
	  "object that a pool made its owner give up")                         \
	X(OBJ_REACH, "objects_reached", "objects",                             \
	  "stored object opened to be read or written")                        \
	X(OBJ_SPLIT, "split_reaches", "objects",                               \
	  "opened object that lies across two pages")                          \
	X(OBJ_MAP, "split_maps", "pages",                                      \
	  "page mapped to open such an object")                                \
	X(TLB_LOCAL, "local_tlb_flushes", "entries",                           \
	  "TLB entry of this CPU flushed to close it")                         \
	X(OBJ_COPY_BYTES, "split_copy_bytes", "bytes",                         \
	  "copied to or from a buffer to open or close it")                    \
	X(OBJ_MOVE, "objects_moved", "objects",                                \
	  "object copied to another place of its pool")                        \
	X(OBJ_MOVE_BYTES, "move_bytes", "bytes", "copied to move objects")     \
	X(POOL_PAGE, "pool_page_allocs", "pages", "frame taken for a pool")

enum meter_op {
#define X(sym, name, unit, help) OP_##sym,
	METER_OPS(X)
#undef X
		METER_OP_COUNT
};

/* Trees whose walks are counted by depth. */
#define METER_TREES(X)                                                         \
	X(STABLE, "stable")                                                    \
	X(UNSTABLE, "unstable")

enum meter_tree {
#define X(sym, name) TREE_##sym,
	METER_TREES(X)
#undef X
		METER_TREE_COUNT
};

#define METER_DEPTHS 32u /* the last bin holds everything deeper */

/* Opaque to engines; in femtoseconds, so that fractions of a cycle add up. */
struct meter_prices {
	uint64_t op_fs[METER_OP_COUNT];
	uint64_t step_fs[METER_TREE_COUNT][METER_DEPTHS];
};

struct meter {
	uint64_t count[METER_OP_COUNT];
	/* walks that looked at exactly i nodes; last bin: that many or more */
	uint64_t walk[METER_TREE_COUNT][METER_DEPTHS + 1];
	uint64_t deeper[METER_TREE_COUNT]; /* steps beyond the last bin */
	const struct meter_prices *prices; /* NULL: everything is free */
	ns_t limit; /* spent in all when the turn must end */
};

static inline void meter_add(struct meter *m, enum meter_op op, uint64_t n)
{
	m->count[op] += n;
}

/* meter_walk - one walk looked at @nodes nodes of @tree */
static inline void meter_walk(struct meter *m, enum meter_tree tree,
			      uint32_t nodes)
{
	if (nodes > METER_DEPTHS) {
		m->deeper[tree] += nodes - METER_DEPTHS;
		nodes = METER_DEPTHS;
	}
	m->walk[tree][nodes]++;
}

void meter_init(struct meter *m, const struct meter_prices *prices);
/* meter_steps - nodes looked at by depth, root first; returns their sum */
uint64_t meter_steps(const struct meter *m, enum meter_tree tree,
		     uint64_t steps[METER_DEPTHS]);
uint64_t meter_walks(const struct meter *m, enum meter_tree tree);
ns_t meter_spent(const struct meter *m);
/* meter_sum - add all counts of @m to @sum */
void meter_sum(struct meter *sum, const struct meter *m);

/* meter_done - has the turn used up its limit?  Asked once per visited page. */
static inline bool meter_done(const struct meter *m)
{
	return m->limit.v != UINT64_MAX && meter_spent(m).v >= m->limit.v;
}

extern const char *const meter_op_name[METER_OP_COUNT];
extern const char *const meter_op_unit[METER_OP_COUNT];
extern const char *const meter_op_help[METER_OP_COUNT];
extern const char *const meter_tree_name[METER_TREE_COUNT];

#endif
