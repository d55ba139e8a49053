/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A string of operations on the set of page contents, by bytes and by ranks, and
 * on the shape of the original's tree: two bytes name what to do with which of
 * some hundred contents.  All three must agree with an array of counts.
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/core/pages.h"
#include "sim/engine/pageone/sdshape.h"
#include "sim/engine/pageone/sdtree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEYS 1024u
#define OPS_MAX 4000u

/* Made once; the contents are the same for all inputs. */
static struct page_store store;
static struct content_source source;
static struct content_set *set;

static void set_bit(uint8_t *page, uint32_t bit)
{
	page[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

/* Neighbours, one bit, leading ones, staircases. */
static void make_page(uint8_t *page, uint32_t i)
{
	uint32_t n = i / 4;

	memset(page, 0, PAGE_BYTES);
	if (i % 4 == 0)
		page[0] = (uint8_t)n;
	else if (i % 4 == 1)
		set_bit(page, n * 128);
	else if (i % 4 == 2)
		for (uint32_t b = 0; b < n * 3; b++)
			set_bit(page, b);
	else
		for (uint32_t b = 0; b < n % 16 * 2 + n / 16; b++)
			if (b >= n % 16 * 2 || b % 2)
				set_bit(page, b);
}

static void make_set(void)
{
	uint8_t page[PAGE_BYTES];
	uint32_t id;

	page_store_init(&store, KEYS + 1);
	for (uint32_t i = 0; i < KEYS; i++) {
		make_page(page, i);
		if (page_store_add(&store, page, &id) < 0)
			abort();
	}
	source = page_store_source(&store);
	if (content_set_new(&set, &source, NEED_PREFIX | NEED_BYTES, 1, NULL))
		abort();
}

struct three {
	struct sdtree *tree[2]; /* by ranks, by bytes */
	struct sd_thread *th[2];
	struct sdshape shape;
	uint32_t root, refs[KEYS + 1], stored, released;
};

static void count_release(void *ctx, struct sd_key key, uint32_t value)
{
	struct three *t = ctx;

	(void)key;
	(void)value;
	t->released++;
}

static void open_three(struct three *t)
{
	for (int i = 0; i < 2; i++) {
		struct sdtree_conf conf = {.contents = i ? NULL : set,
					   .key_bits = PAGE_BITS,
					   .max_objects = KEYS,
					   .release = count_release,
					   .ctx = t,
					   .poison = true};

		if (sdtree_new(&t->tree[i], &conf) ||
		    sdtree_join(t->tree[i], &t->th[i]))
			abort();
	}
	if (sdshape_init(&t->shape, set, PAGE_BITS) ||
	    sdshape_root(&t->shape, &t->root))
		abort();
}

static void operate(struct three *t, unsigned what, uint32_t rank)
{
	uint32_t *refs = &t->refs[rank], word;
	struct sd_counts c = {0};

	if (sdshape_find(&t->shape, t->root, rank) != (*refs > 0))
		abort();
	sdshape_cost(&t->shape, &c);
	if (!c.visits || c.cmp_bits + c.scan_bits > 2 * PAGE_BITS)
		abort();
	if (what == 0 && !*refs && sdshape_insert(&t->shape, &c, &word))
		abort();
	if (what == 1 && *refs == 1)
		sdshape_remove(&t->shape, &c, &word);
	for (int i = 0; i < 2; i++) {
		const uint8_t *page =
			page_store_bytes(&store, set->by_rank[rank]);
		struct sd_key key = {i ? page : NULL, rank};
		int ret, want;

		if (what == 0) {
			ret = sdtree_insert(t->th[i], key, rank, NULL);
			want = *refs ? SD_DUP : SD_NEW;
		} else if (what == 1) {
			ret = sdtree_delete(t->th[i], key, NULL);
			want = *refs > 1    ? SD_KEPT
			       : *refs == 1 ? SD_LAST
					    : -ENOENT;
		} else {
			ret = (int)sdtree_find(t->th[i], key, NULL);
			want = (int)*refs;
		}
		if (ret != want)
			abort();
	}
	t->stored += what == 0 && !*refs;
	*refs += what == 0;
	*refs -= what == 1 && *refs;
}

static void check_three(struct three *t)
{
	uint32_t rank[KEYS + 1], n = 0, build;

	for (uint32_t r = 0; r < set->count; r++)
		if (t->refs[r])
			rank[n++] = r;
	if (sdtree_check(t->tree[0], stderr) ||
	    sdtree_check(t->tree[1], stderr) ||
	    sdshape_build(&t->shape, rank, n, &build) ||
	    !sdshape_equal(&t->shape, t->root, build))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct three *t = calloc(1, sizeof(*t));

	if (!t)
		return 0;
	if (!set)
		make_set();
	open_three(t);
	for (size_t i = 0; i + 2 <= size && i < 2 * OPS_MAX; i += 2)
		operate(t, data[i] >> 6 & 3,
			((data[i] & 3u) << 8 | data[i + 1]) % set->count);
	check_three(t);
	for (int i = 0; i < 2; i++) {
		sdtree_part(t->th[i]);
		sdtree_free(t->tree[i]);
	}
	sdshape_fini(&t->shape);
	if (t->released != 2 * t->stored)
		abort();
	free(t);
	return 0;
}
