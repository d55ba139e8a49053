/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * place.h - where in physical memory a page is
 *
 *	page-table entry ──► place     frame number; zero pages beside them
 *	place ──► placement ──► physical address
 *
 * The machine hands out frames lowest first, which is the best case for a
 * physically indexed cache; a random placement stands for memory that has been
 * in use for long.  Either is one to one.  The kernel's zero pages are a block
 * aligned to its size, so that the physical colour of each is its virtual one.
 */
#ifndef DEDUPSIM_MACHINE_PLACE_H
#define DEDUPSIM_MACHINE_PLACE_H

#include "sim/machine/machine.h"

/* Place of zero page 0; the others follow. */
#define PLACE_ZERO (UINT64_C(1) << 32)

/* place_of - of a present page that is not swapped out */
static inline uint64_t place_of(const struct machine *m, const struct pte *p)
{
	switch (pte_owner(p)) {
	case OWNER_SHARED:
		return machine_share(m, p->ref)->frame;
	case OWNER_ZERO:
		return PLACE_ZERO + p->ref;
	case OWNER_PRIVATE:
	case OWNER_STORE:
		break;
	}
	return p->ref;
}

struct placement {
	bool random;
	uint64_t key;
};

struct placement placement_make(bool random, uint64_t seed);
/* placement_page - number of the physical page at @place, below 2^34 */
uint64_t placement_page(const struct placement *p, uint64_t place);

#endif
