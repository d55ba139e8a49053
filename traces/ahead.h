/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ahead.h - blocks of events made by a thread that runs ahead of the reader
 *
 *	thread:  fill ──► [slot] [slot] [slot] ──► ahead_next()
 *
 * A block is the reader's until its next call.  An error takes its turn behind
 * the blocks made before it.  Without a thread (none can be made) blocks are
 * filled in the call itself: the same blocks, later.
 */
#ifndef DEDUPSIM_TRACES_AHEAD_H
#define DEDUPSIM_TRACES_AHEAD_H

#include <stddef.h>

#include "sim/base/err.h"
#include "sim/core/event.h"

struct event_block {
	struct event *ev;
	size_t cap, n;
	uint64_t first;	 /* number of ev[0] in the trace */
	uint64_t offset; /* in the file, of what it was made from */
	int ret;	 /* 1: events; 0: the end; else a negative errno */
	struct err err;
};

/* Fill @b (n, first, offset; ev grown when needed).  Returns what b->ret says. */
typedef int ahead_fill_fn(void *ctx, struct event_block *b, struct err *err);

struct ahead;

/* ahead_new - start; @fill is called from one thread at a time until
 * ahead_free() has returned */
int ahead_new(struct ahead **out, ahead_fill_fn *fill, void *ctx);
/* ahead_next - 1 with the next block, 0 at the end, or the error of its turn;
 * the last two again at each further call */
int ahead_next(struct ahead *a, const struct event_block **b, struct err *err);
void ahead_free(struct ahead *a); /* stops the thread; NULL is fine */

/* event_block_reserve - room for @n events; 0 or -ENOMEM */
int event_block_reserve(struct event_block *b, size_t n);

#endif
