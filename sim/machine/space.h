/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * space.h - ranges and page-table chunks of one space (private to the machine)
 */
#ifndef DEDUPSIM_MACHINE_SPACE_H
#define DEDUPSIM_MACHINE_SPACE_H

#include "sim/machine/machine.h"

/* Index of the first range that ends behind @vpn; nrange: none. */
size_t range_at(const struct space *s, uint64_t vpn);
/* The range that holds @vpn; NULL: not mapped. */
const struct range *range_of(const struct space *s, uint64_t vpn);
/* Is all of [lo, hi) mapped?  If not, *@gap is the first page that is not. */
bool range_covers(const struct space *s, uint64_t lo, uint64_t hi,
		  uint64_t *gap);

/* Both leave the space unchanged on -ENOMEM. */
int range_add(struct space *s, uint64_t lo, uint64_t hi, uint32_t flags);
int range_remove(struct space *s, uint64_t lo, uint64_t hi);
/*
 * range_advise - set or clear EVF_MERGEABLE on the private parts of [lo, hi)
 * @changed: out: did any part change?
 */
int range_advise(struct space *s, uint64_t lo, uint64_t hi, bool mergeable,
		 bool *changed);

/* Position of the first chunk at or after @key in s->chunk[]. */
size_t chunk_lower(const struct space *s, uint64_t key);
/* The chunk of @key, made when it is missing; 0: out of memory or of pages. */
uint32_t chunk_get(struct machine *m, uint32_t space, uint64_t key);
/* Forget all chunks of @space; they hold neither pages nor words. */
void chunk_drop_all(struct machine *m, uint32_t space);

#endif
