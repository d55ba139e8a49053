/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * evq.h - what happens next: a queue ordered by (time, sequence number)
 *
 * A binary heap alone would pop equal times in no useful order; the sequence
 * number of the push breaks ties, so equal times come out first in, first out.
 */
#ifndef DEDUPSIM_CORE_EVQ_H
#define DEDUPSIM_CORE_EVQ_H

#include <stddef.h>
#include <stdio.h>

#include "sim/base/units.h"

struct evq_entry {
	ns_t time;
	uint64_t seq;
	uint32_t kind, arg; /* the owner's */
};

struct evq {
	struct evq_entry *v; /* heap, root at 0 */
	size_t n, cap;
	uint64_t seq; /* of the next push */
};

void evq_init(struct evq *q);
void evq_fini(struct evq *q);
/* evq_push - returns 0, or -ENOMEM with @q unchanged */
int evq_push(struct evq *q, ns_t time, uint32_t kind, uint32_t arg);
/* evq_peek - the earliest entry; NULL: empty.  Valid until the next change. */
const struct evq_entry *evq_peek(const struct evq *q);
void evq_pop(struct evq *q); /* @q must not be empty */
int evq_check(const struct evq *q, FILE *why);

/* The virtual clock of a run: whoever is not the run loop only reads it. */
struct clock {
	ns_t now;
};

#endif
