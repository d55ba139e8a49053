/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pages.h - memory of a known make, given to the simulator and to a kernel
 *
 *	unique    random pages, all different
 *	half      every second page repeats the one before
 *	last8     zeros, only the last 8 bytes differ: compares go to the end
 *	same      one random page over and over
 *	share256  runs of 256 equal pages
 *	crowded   half of the pages unique, and beside them contents that are
 *	          there twice: each visit of the first walks both trees
 *
 * Page i holds content pages_content(), a number from 1; what that number looks
 * like is pages_fill()'s.
 */
#ifndef DEDUPSIM_BENCH_PAGES_H
#define DEDUPSIM_BENCH_PAGES_H

#include <stdint.h>

enum pages_kind {
	PAGES_UNIQUE,
	PAGES_HALF,
	PAGES_LAST8,
	PAGES_SAME,
	PAGES_SHARE256,
	PAGES_CROWDED,
	PAGES_KINDS
};
extern const char *const pages_kind_name[]; /* NULL ends it */

#define PAGES_SHARERS 256u /* max_page_sharing of a kernel */

/* What KSM must come to: max_page_sharing 256, use_zero_pages 0. */
struct pages_counts {
	uint64_t contents; /* distinct */
	uint64_t shared, sharing, unshared;
};

struct pages_counts pages_expect(enum pages_kind kind, uint64_t pages);
uint32_t pages_content(enum pages_kind kind, uint64_t pages, uint64_t i);
/* pages_fill - PAGE_BYTES of content @id, at least 1 */
void pages_fill(enum pages_kind kind, uint32_t id, uint8_t *page);

#endif
