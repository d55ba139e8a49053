/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * keyfamily.h - sets of page contents that are hard on trees, each in its way
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_KEYFAMILY_H
#define DEDUPSIM_TESTS_SUPPORT_KEYFAMILY_H

#include "sim/base/prng.h"
#include "sim/core/pages.h"

struct keyfamily_kind {
	const char *name;
	void (*fill)(uint8_t *page, struct prng *r, uint32_t i);
	uint32_t keys, bits; /* page of zeros included; zeros behind bits */
};

extern const struct keyfamily_kind keyfamilies[];
extern const unsigned keyfamily_count;

struct keyfamily {
	struct page_store ps;
	struct content_source src;
	struct content_set *set; /* with prefixes and bytes */
};

/* keyfamily_init - about @keys of them; a Check test fails if that fails */
void keyfamily_init(struct keyfamily *k, const struct keyfamily_kind *f,
		    uint32_t keys, struct prng *r);
void keyfamily_fini(struct keyfamily *k);

static inline const uint8_t *keyfamily_bytes(const struct keyfamily *k,
					     uint32_t rank)
{
	return page_store_bytes(&k->ps, k->set->by_rank[rank]);
}

#endif
