/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sdtree_impl.h - what the parts of the tree share; private to them
 *
 *	sdtree.c        the operations
 *	sdtree_whole.c  making, freeing, threads; walks while nothing runs
 */
#ifndef DEDUPSIM_ENGINE_PAGEONE_SDTREE_IMPL_H
#define DEDUPSIM_ENGINE_PAGEONE_SDTREE_IMPL_H

#include "sim/engine/pageone/cells.h"
#include "sim/engine/pageone/sdtree.h"

#define LEAF 1u
#define FLAG 2u /* the leaf behind this edge is dying */
#define TAG 4u	/* the node that this edge leaves is being cut out */
#define MARKS (FLAG | TAG)

#define BIT_TOP (-2)  /* of R and S */
#define BIT_REAL (-1) /* 0 for every key, 1 for D */
#define SPLIT_TOP UINT32_MAX

enum { CELL_R = 1, CELL_S, CELL_D };

struct node {
	_Atomic uint32_t child[2];
	int32_t bit;
	uint32_t split; /* trees of ranks: the first rank on side 1 */
};

struct leaf {
	union {
		const uint8_t *bytes;
		uint64_t rank;
	} key;
	_Atomic uint32_t refs;
	uint32_t value;
};

static_assert(sizeof(struct node) == SD_CELL_BYTES &&
		      sizeof(struct leaf) <= SD_CELL_BYTES,
	      "a node or a leaf is not a cell");

/* A node on the way down, and which way it went. */
struct step {
	uint32_t node;
	int32_t bit;
};

struct sdtree {
	struct sd_cells cells; /* first: see gone() */
	struct sdtree_conf conf;
	uint32_t key_bits;
	uint32_t *stack;	 /* of walks: freeing must not need memory */
	_Atomic uint64_t joined; /* bitmap of threads */
};

struct sd_thread {
	struct sdtree *t;
	struct sd_stock stock;
	struct sdtree_stats stats;
	struct sd_key key; /* of the present operation */
	unsigned number;
	/* The search's result: the node last met is path[depth]. */
	uint32_t depth, edge;
	struct step path[];
};

static inline struct node *node_at(const struct sdtree *t, uint32_t cell)
{
	return sd_cell(&t->cells, cell);
}

static inline struct leaf *leaf_at(const struct sdtree *t, uint32_t cell)
{
	return sd_cell(&t->cells, cell);
}

static inline uint32_t cell_of(uint32_t edge)
{
	return edge >> SD_CELL_SHIFT;
}

static inline uint32_t edge_to(uint32_t cell)
{
	return cell << SD_CELL_SHIFT;
}

#endif
