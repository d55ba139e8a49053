/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cells.h - 16-byte cells by number, taken and given back by several threads
 *
 * One mapping, reserved once and touched as it is used, so that a number turns
 * into an address by a shift.  Each thread takes cells from a stock of its own
 * and puts cells that it took out of the structure into a bag; a full bag waits
 * with the reclaimer and comes back as a bag of cells to take.  No list runs
 * through the cells themselves: they stay readable while they wait.
 *
 *	fresh ──► stock ──► in the structure ──► bag ──► reclaimer ──► ready
 *	            ▲                                                    │
 *	            └────────────────── whole list of bags ◄─────────────┘
 *
 * "ready" is a stack that is taken whole, so there is no ABA.
 */
#ifndef DEDUPSIM_ENGINE_PAGEONE_CELLS_H
#define DEDUPSIM_ENGINE_PAGEONE_CELLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "sim/engine/pageone/reclaim.h"

#define SD_CELL_BYTES 16u
#define SD_CELL_BITS 29u
#define SD_CELLS_MAX (UINT32_C(1) << SD_CELL_BITS)
#define SD_BAG_CELLS 240u /* some 1 KiB */

/* A word names a cell; what its low bits say is the user's. */
#define SD_CELL_SHIFT 3u

struct sd_bag {
	struct sd_waiting waiting; /* first */
	struct sd_bag *next;
	struct sd_cells *owner;
	uint32_t count;
	uint32_t word[SD_BAG_CELLS]; /* cell << SD_CELL_SHIFT | user's bits */
};

struct sd_cells {
	unsigned char *base;
	uint32_t max; /* cells; 0 is never handed out */
	_Atomic uint32_t used;
	_Atomic(struct sd_bag *) ready;
	/* @word has become reusable; its cell still holds what it held */
	void (*gone)(struct sd_cells *c, uint32_t word);
};

/* What one thread has; all of it zero at first. */
struct sd_stock {
	uint32_t pair[2];     /* cells to use next; 0: to be taken */
	uint32_t fresh, end;  /* cells never used yet */
	struct sd_bag *from;  /* list of bags with cells to take, none empty */
	struct sd_bag *into;  /* cells that the thread took out */
	struct sd_bag *empty; /* list of empty bags */
	uint64_t lost;	      /* cells that cannot be used again */
};

/* sd_cells_init - room for @max cells; 0 or -ENOMEM */
int sd_cells_init(struct sd_cells *c, uint64_t max);
/* sd_cells_fini - no thread has a stock, nothing waits */
void sd_cells_fini(struct sd_cells *c);

static inline void *sd_cell(const struct sd_cells *c, uint32_t cell)
{
	return c->base + (size_t)cell * SD_CELL_BYTES;
}

/* sd_stock_fill - the general case of sd_stock_ready() */
int sd_stock_fill(struct sd_cells *c, struct sd_stock *s, bool cells);

/*
 * sd_stock_ready - before an operation: see to it that there are bags to put
 * cells into and, if @cells, two cells in pair[].  0 or -ENOMEM.
 */
static inline int sd_stock_ready(struct sd_cells *c, struct sd_stock *s,
				 bool cells)
{
	return s->into && s->empty && (!cells || (s->pair[0] && s->pair[1]))
		       ? 0
		       : sd_stock_fill(c, s, cells);
}

/*
 * sd_stock_put - a cell is out of the structure, others may be reading it
 *
 * Never fails: when two bags are full and there is no memory for a third, the
 * cell is lost until the structure is freed.
 */
void sd_stock_put(struct sd_cells *c, struct sd_stock *s, uint32_t word);

/* sd_stock_hand - after leave(): full bags go to the reclaimer; with @all also
 * the one that is being filled */
void sd_stock_hand(struct sd_cells *c, struct sd_stock *s, struct sd_reclaim *r,
		   unsigned thread, bool all);
/* sd_stock_return - the thread parts: what it could still take goes to the
 * others; after sd_stock_hand() with @all */
void sd_stock_return(struct sd_cells *c, struct sd_stock *s);

#endif
