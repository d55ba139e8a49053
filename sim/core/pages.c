/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/prng.h"
#include "sim/core/pages.h"

#define SLOTS_MIN 64u

bool page_is_zero(const void *page)
{
	const uint8_t *p = page;

	return !load_le64(p) && !memcmp(p, p + 8, PAGE_BYTES - 8);
}

void intern_init(struct intern *in, uint32_t max)
{
	assert(max && max < UINT32_MAX);
	*in = (struct intern){.count = 1, .max = max};
}

void intern_fini(struct intern *in)
{
	mem_release(in->digest, in->digest_cap, sizeof(*in->digest));
	free(in->slot);
	intern_init(in, in->max);
}

static bool digest_equal(const struct digest *a, const struct digest *b)
{
	return a->lo == b->lo && a->hi == b->hi;
}

/* The slot that holds the content, or the empty one where it belongs. */
static size_t intern_find(const struct intern *in, const void *page,
			  const struct digest *d, intern_bytes_fn *bytes,
			  void *ctx)
{
	size_t mask = in->slots - 1, i = (size_t)d->lo & mask;
	uint8_t buf[PAGE_BYTES];
	uint32_t id;

	for (; (id = in->slot[i]) != 0; i = (i + 1) & mask) {
		if (!digest_equal(&in->digest[id], d))
			continue;
		/* Different bytes may have one digest: then look on. */
		if (!memcmp(bytes(ctx, id, buf), page, PAGE_BYTES))
			break;
	}
	return i;
}

/* The first empty slot where a content with this digest is looked for. */
static size_t intern_slot(const struct intern *in, const struct digest *d)
{
	size_t mask = in->slots - 1, i = (size_t)d->lo & mask;

	while (in->slot[i])
		i = (i + 1) & mask;
	return i;
}

/* A quarter of the slots stays empty, the next content included. */
static bool intern_is_full(const struct intern *in)
{
	return (uint64_t)in->count * 4 > (uint64_t)in->slots * 3;
}

static int intern_grow(struct intern *in)
{
	size_t slots = in->slots ? 2 * in->slots : SLOTS_MIN;
	uint32_t *slot = mem_zalloc(slots, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	free(in->slot);
	in->slot = slot;
	in->slots = slots;
	for (uint32_t id = 1; id < in->count; id++)
		in->slot[intern_slot(in, &in->digest[id])] = id;
	return 0;
}

int intern_page(struct intern *in, const void *page,
		const struct digest *digest, intern_bytes_fn *bytes, void *ctx,
		uint32_t *id)
{
	struct digest d;
	size_t i = 0;

	if (page_is_zero(page)) {
		*id = 0;
		return 0;
	}
	d = digest ? *digest : hash_digest(page, PAGE_BYTES);
	if (in->slots) {
		i = intern_find(in, page, &d, bytes, ctx);
		if (in->slot[i]) {
			*id = in->slot[i];
			return 0;
		}
	}
	if (in->count >= in->max)
		return -ENOSPC;
	if (mem_reserve(&in->digest, &in->digest_cap, (size_t)in->count + 1,
			sizeof(*in->digest)))
		return -ENOMEM;
	if (intern_is_full(in)) {
		if (intern_grow(in))
			return -ENOMEM;
		i = intern_slot(in, &d);
	}
	in->digest[in->count] = d;
	in->slot[i] = in->count;
	*id = in->count++;
	return 1;
}

void page_store_init(struct page_store *ps, uint32_t max)
{
	*ps = (struct page_store){0};
	intern_init(&ps->in, max);
}

void page_store_fini(struct page_store *ps)
{
	mem_release(ps->bytes, ps->cap, PAGE_BYTES);
	intern_fini(&ps->in);
	ps->bytes = NULL;
	ps->cap = 0;
}

static const uint8_t *store_bytes(void *self, uint32_t id, uint8_t *buf)
{
	const struct page_store *ps = self;

	(void)buf;
	return page_store_bytes(ps, id);
}

int page_store_add(struct page_store *ps, const void *page, uint32_t *id)
{
	int ret;

	/* Room for one more first: an id without bytes could not be undone. */
	if (ps->in.count < ps->in.max &&
	    mem_reserve(&ps->bytes, &ps->cap, ps->in.count, PAGE_BYTES))
		return -ENOMEM;
	ret = intern_page(&ps->in, page, NULL, store_bytes, ps, id);
	if (ret == 1)
		memcpy(ps->bytes + (size_t)(*id - 1) * PAGE_BYTES, page,
		       PAGE_BYTES);
	return ret;
}

const uint8_t *page_store_bytes(const struct page_store *ps, uint32_t id)
{
	assert(id < ps->in.count);
	return id ? ps->bytes + (size_t)(id - 1) * PAGE_BYTES : content_zero;
}

struct content_source page_store_source(struct page_store *ps)
{
	return (struct content_source){
		.self = ps, .count = ps->in.count, .bytes = store_bytes};
}

const char *page_rule_name(unsigned rule)
{
	static const char *const names[] = {
#define X(sym, name) name,
		PAGE_RULES(X)
#undef X
	};

	return rule < PAGE_RULE_COUNT ? names[rule] : NULL;
}

void page_fill(uint8_t *page, enum page_rule rule, uint64_t v)
{
	assert(rule < PAGE_RULE_COUNT);
	memset(page, rule == RULE_LAST1 ? 0xA5 : 0, PAGE_BYTES);
	switch (rule) {
	case RULE_ID:
		for (uint32_t i = 0; v && i < PAGE_WORDS; i++)
			store_le64(page + 8 * i,
				   splitmix64(PAGE_WORDS * v + i));
		break;
	case RULE_LAST1:
		page[PAGE_BYTES - 1] = (uint8_t)v;
		break;
	case RULE_LAST8:
		store_le64(page + PAGE_BYTES - 8, v);
		break;
	case RULE_KEY:
		store_be64(page, v);
		break;
	case RULE_ZERO:
	case PAGE_RULE_COUNT:
		break;
	}
}
