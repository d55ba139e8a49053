/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pages.h - distinct pages collected one by one
 *
 * struct intern gives each distinct content an id in order of first appearance:
 * XXH3-128 finds the candidate, memcmp confirms it.  It keeps digests only; the
 * bytes of earlier pages come from a callback, because whoever collects (an
 * image that is still there, a page store) has them anyway.  The page of zeros
 * is id 0 without being added.
 *
 * struct page_store is the simple owner: an interner plus all bytes in memory.
 * It is a content source.
 */
#ifndef DEDUPSIM_CORE_PAGES_H
#define DEDUPSIM_CORE_PAGES_H

#include <stddef.h>

#include "sim/base/hash.h"
#include "sim/core/content.h"

bool page_is_zero(const void *page);

struct intern {
	struct digest *digest; /* by id */
	size_t digest_cap;
	uint32_t *slot; /* open addressing: id, 0 empty; zeros are not filed */
	size_t slots;	/* a power of two, a quarter empty; 0 at first */
	uint32_t count; /* ids given, the zero page included */
	uint32_t max;	/* most ids allowed, 1 … UINT32_MAX - 1 */
};

typedef const uint8_t *intern_bytes_fn(void *ctx, uint32_t id, uint8_t *buf);

void intern_init(struct intern *in, uint32_t max);
void intern_fini(struct intern *in);
/*
 * intern_page - the id of this content
 * @digest: hash_digest() of @page, if the caller has it; NULL: computed here
 * @bytes:  the pages of ids already given; may fill its @buf (PAGE_BYTES)
 *
 * Returns 1 when the content is new (and @id the next number), 0 when it is
 * known, -ENOMEM, or -ENOSPC when @in holds its maximum.  On error unchanged.
 */
int intern_page(struct intern *in, const void *page,
		const struct digest *digest, intern_bytes_fn *bytes, void *ctx,
		uint32_t *id);

struct page_store {
	struct intern in;
	uint8_t *bytes; /* page of id k at (k - 1) * PAGE_BYTES */
	size_t cap;	/* pages there is room for */
};

void page_store_init(struct page_store *ps, uint32_t max);
void page_store_fini(struct page_store *ps);
/* Return as intern_page(). */
int page_store_add(struct page_store *ps, const void *page, uint32_t *id);
/* page_store_bytes - valid until the next page is added */
const uint8_t *page_store_bytes(const struct page_store *ps, uint32_t id);
/* page_store_source - of the pages there are now; add none while it is used */
struct content_source page_store_source(struct page_store *ps);

/*
 * Contents made by rule: how scenarios and workloads name pages.
 *	id v     word i is splitmix64(512 v + i), little-endian; id 0: zeros
 *	zero     zeros, whatever v
 *	last1 v  4095 bytes A5, then the low byte of v
 *	last8 v  4088 zero bytes, then v little-endian
 *	key v    v big-endian (memcmp order is numeric order), then zeros
 */
#define PAGE_RULES(X)                                                          \
	X(ID, "id")                                                            \
	X(ZERO, "zero")                                                        \
	X(LAST1, "last1")                                                      \
	X(LAST8, "last8")                                                      \
	X(KEY, "key")
enum page_rule {
#define X(sym, name) RULE_##sym,
	PAGE_RULES(X)
#undef X
		PAGE_RULE_COUNT
};
const char *page_rule_name(unsigned rule); /* NULL: no such rule */
void page_fill(uint8_t *page, enum page_rule rule, uint64_t v);

#endif
