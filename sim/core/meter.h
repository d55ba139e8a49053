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
 * meter_steps() gives the visits made at each depth.  Of pages compared on a
 * walk, the first line belongs to the step; meter_lines() notes how many further
 * lines of 64 bytes were read, by depth too.
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
	X(PTE_HOLE, "pte_holes", "entries",                                    \
	  "empty one that a scan of ranges passed over")                       \
	X(MERGED_REVISIT, "merged_revisits", "pages",                          \
	  "merged page met again, nothing to do")                              \
	X(CHECKSUM, "checksums", "pages", "checksum over a whole page")        \
	X(XXH64, "xxh64_checksums", "pages", "of these, by XXH64")             \
	X(XXH32, "xxh32_checksums", "pages", "of these, by XXH32")             \
	X(JHASH2, "jhash2_checksums", "pages", "of these, by jhash2")          \
	X(CRC32C, "crc32c_checksums", "pages", "of these, by CRC32C")          \
	X(CMP, "compares", "compares", "comparison of two pages")              \
	X(CMP_BYTES, "cmp_bytes", "bytes",                                     \
	  "first differing byte + 1, or a page, per comparison")               \
	X(CMP_AGAIN, "compares_again", "compares",                             \
	  "of these, of equal pages that are both at hand, by words")          \
	X(CMP_AGAIN_BYTES, "compares_again_bytes", "compares",                 \
	  "the same, byte by byte")                                            \
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
	X(FRAME_SCAN, "frames_scanned", "frames",                              \
	  "page frame whose state a daemon looked at")                         \
	X(STATE_CHANGE, "state_changes", "frames",                             \
	  "bits of a page frame swapped in a shared word")                     \
	X(QUEUE, "queue_ops", "entries",                                       \
	  "frame put into or taken out of a queue of several threads")         \
	X(RMAP_STEP, "rmap_steps", "mappings",                                 \
	  "mapping of a page found by its reverse map")                        \
	X(WP_FAULT, "wp_faults", "faults",                                     \
	  "write to a page that was only made read-only")                      \
	X(SD_SEARCH, "sd_searches", "searches",                                \
	  "search of an SD tree, the page in question being read")             \
	X(SD_VISIT, "sd_visits", "vectors",                                    \
	  "vector of an SD tree on the way of a search")                       \
	X(SD_REP_VISIT, "sd_rep_visits", "vectors",                            \
	  "vector looked at to find a representative")                         \
	X(SD_PAGE, "sd_pages", "pages",                                        \
	  "stored page mapped to be compared with")                            \
	X(SD_BYTES, "sd_bytes", "bytes", "of a key, compared or scanned")      \
	X(SD_CAS, "sd_swaps", "swaps", "compare-and-swap in an SD tree")       \
	X(SD_CAS_FAIL, "sd_swaps_lost", "swaps",                               \
	  "compare-and-swap that another thread was faster at")                \
	X(SD_SHARED, "sd_shared_swaps", "swaps",                               \
	  "atomic change of a word that all threads change")                   \
	X(SD_PIECE, "sd_pieces", "pieces",                                     \
	  "vector or header taken or given back")                              \
	X(LRU_DRAIN, "lru_drains", "scans",                                    \
	  "batches of fresh pages drained on all CPUs")                        \
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
	X(POOL_PAGE, "pool_page_allocs", "pages", "frame taken for a pool")    \
	X(HYPERCALL, "hypercalls", "calls", "operation a guest asks its host") \
	X(LOOKUP, "object_lookups", "objects", "object of a store looked up")  \
	X(PAGE_COPY, "page_copies", "pages", "page copied to or from a guest") \
	X(PART_COPY_BYTES, "part_copy_bytes", "bytes",                         \
	  "copied of a page that is kept shorter")                             \
	X(CMP_WORD, "cmp_words", "words",                                      \
	  "first differing word + 1, or a page of them, per comparison")       \
	X(TAIL_WORD, "tail_words", "words",                                    \
	  "word of a page looked at from its end, for zeros")                  \
	X(COMPRESS, "compressions", "pages", "page compressed by LZO")         \
	X(COMPRESS_LZ4, "lz4_compressions", "pages", "by LZ4")                 \
	X(COMPRESS_ZSTD, "zstd_compressions", "pages", "by zstd")              \
	X(EXPAND, "expansions", "pages", "page decompressed by LZO")           \
	X(EXPAND_LZ4, "lz4_expansions", "pages", "by LZ4")                     \
	X(EXPAND_ZSTD, "zstd_expansions", "pages", "by zstd")                  \
	X(FILL_CHECK, "fill_checks", "pages",                                  \
	  "page looked at: is it one word over and over?")                     \
	X(FILL_SAME, "fill_same", "pages", "of these, that are, to the end")   \
	X(BLOCK, "block_ops", "blocks", "part of a frame allocated or freed")  \
	X(FRAME_LIST, "frame_list_ops", "frames",                              \
	  "frame taken from or put on a list of free ones")                    \
	X(LIST, "list_ops", "pages", "page put on, off or along a list")

enum meter_op {
#define X(sym, name, unit, help) OP_##sym,
	METER_OPS(X)
#undef X
		METER_OP_COUNT
};

/* Trees whose walks are counted by depth; a walk for the same content as the
 * one before, which finds everything as warm as that left it, is one of a tree
 * of its own. */
#define METER_TREES(X)                                                         \
	X(STABLE, "stable")                                                    \
	X(UNSTABLE, "unstable")                                                \
	X(STABLE_AGAIN, "stable_again")                                        \
	X(UNSTABLE_AGAIN, "unstable_again")                                    \
	X(SHARD, "shard")

enum meter_tree {
#define X(sym, name) TREE_##sym,
	METER_TREES(X)
#undef X
		METER_TREE_COUNT
};

/* How a compare reads the lines of a page. */
enum meter_order {
	ORDER_WORDS,	 /* in order, word by word */
	ORDER_BYTES,	 /* in order, byte by byte */
	ORDER_SCATTERED, /* lines in no order, word by word */
	METER_ORDER_COUNT
};

#define METER_DEPTHS 32u /* the last bin holds everything deeper */
#define METER_LINE 64u

/* Opaque to engines; in femtoseconds, so that fractions of a cycle add up. */
struct meter_prices {
	uint64_t op_fs[METER_OP_COUNT];
	uint64_t step_fs[METER_TREE_COUNT][METER_DEPTHS];
	uint64_t line_fs[METER_ORDER_COUNT][METER_TREE_COUNT][METER_DEPTHS];
};

struct meter {
	uint64_t count[METER_OP_COUNT];
	/* walks that looked at exactly i nodes; last bin: that many or more */
	uint64_t walk[METER_TREE_COUNT][METER_DEPTHS + 1];
	uint64_t deeper[METER_TREE_COUNT]; /* steps beyond the last bin */
	/* lines read behind the first, of pages at each depth */
	uint64_t line[METER_ORDER_COUNT][METER_TREE_COUNT][METER_DEPTHS];
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

/* meter_lines - a compare at @depth (root: 0) read @bytes >= 1 of each page */
static inline void meter_lines(struct meter *m, enum meter_order order,
			       enum meter_tree tree, uint32_t depth,
			       uint32_t bytes)
{
	if (depth >= METER_DEPTHS)
		depth = METER_DEPTHS - 1;
	m->line[order][tree][depth] += (bytes - 1) / METER_LINE;
}

void meter_init(struct meter *m, const struct meter_prices *prices);
/* meter_steps - nodes looked at by depth, root first; returns their sum */
uint64_t meter_steps(const struct meter *m, enum meter_tree tree,
		     uint64_t steps[METER_DEPTHS]);
uint64_t meter_walks(const struct meter *m, enum meter_tree tree);
/* meter_spent - what the counts cost so far; exact, formed anew at each call */
ns_t meter_spent(const struct meter *m);
/* meter_spent_at - the same by other prices; NULL: 0 */
ns_t meter_spent_at(const struct meter *m, const struct meter_prices *prices);
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
