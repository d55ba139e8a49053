/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * colour.h - an array is read, again and again: what does a line cost?
 *
 * Its pages hold zeros and got their frames in each of the ways of
 * colour_table.h.  The pages of "use_zero_pages" are put where they are by the
 * ksm engine on a machine with so many zero pages: mapped, written with zeros,
 * merged.  The array begins at a multiple of every colour period; one load per
 * line of the first-level cache, in the order of addresses, three times.
 */
#ifndef DEDUPSIM_RUN_COLOUR_H
#define DEDUPSIM_RUN_COLOUR_H

#include "sim/base/err.h"
#include "sim/report/colour_table.h"

#define COLOUR_SIZE_MAX (UINT64_C(1) << 30)

struct colour_config {
	uint64_t from, to; /* bytes: from, twice that, … up to at most to */
	uint64_t limit;	   /* mappings of one merged page */
	/*
	 * Of machines whose lines move between colours (policy move): which
	 * bits beyond the index of L1 a hit must match, and which level serves
	 * a line that moves.  Neither is documented.  -1: as the machine's
	 * configuration says, and a range over what else it could be.
	 */
	int check;     /* 0: none; 1: those of the directory */
	int syn_level; /* 2, 3 */
	bool random;   /* placement of private and merged frames */
	uint64_t seed;
	unsigned threads;
};

/*
 * colour_sizes - parse "4MiB" or "4KiB..128MiB"
 * Returns 0; -EINVAL with what is wrong in @err.
 */
int colour_sizes(const char *word, uint64_t *from, uint64_t *to,
		 struct err *err);

/*
 * colour_run - all sizes, all cases, all of @n machines
 * @order: of the zero pages, per machine
 * Returns 0 with a table for colour_table_fini(); -EINVAL; -ENOMEM.
 */
int colour_run(const struct cache_conf *conf, const unsigned *order, size_t n,
	       const struct colour_config *cfg, struct colour_table *out,
	       struct err *err);
void colour_table_fini(struct colour_table *t);

/*
 * colour_ksm_places - where ksm puts pages of zeros
 * @zero_pages, @use_zero_pages: of the kernel
 * @vpn:   of the first of @pages pages
 * @place: out: of each page, as in sim/machine/place.h
 * Returns 0 or -ENOMEM.
 */
int colour_ksm_places(uint32_t zero_pages, bool use_zero_pages, uint64_t vpn,
		      uint64_t pages, uint64_t *place, struct err *err);

#endif
