/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random inserts and deletes: the shape is that of the definition, each search
 * touches what a search that reads the bits of pages would touch.
 */
#include "sim/base/prng.h"
#include "sim/core/pages.h"
#include "sim/engine/pageone/sdshape_impl.h"
#include "tests/support/keyfamily.h"
#include "tests/support/main.h"

#define KEYS_MAX 700u

struct rig {
	struct keyfamily k;
	struct sdshape s;
	uint32_t root, bits;
	bool in[KEYS_MAX]; /* by rank */
	struct sd_counts change;
};

/* ---- the search, from its definition ---- */

/* Bits of a key as the original sees them: from the bytes of the page. */
static bool bit_of(const struct rig *g, uint32_t rank, uint32_t bit)
{
	const uint8_t *p = keyfamily_bytes(&g->k, rank);

	return p[bit / 8] >> (7 - bit % 8) & 1;
}

/* Compare bits [from, to) with a stored key; false: they differ. */
static bool compare(const struct rig *g, uint32_t rank, uint32_t with,
		    uint32_t from, uint32_t to, struct sd_counts *c)
{
	for (uint32_t b = from; b < to; b++) {
		c->cmp_bits++;
		if (bit_of(g, rank, b) != bit_of(g, with, b))
			return false;
	}
	return true;
}

static uint32_t rightmost(const struct rig *g, uint32_t at, struct sd_counts *c)
{
	uint32_t to = vec_at(&g->s, at)->right;

	for (; !is_key(to); to = vec_at(&g->s, to)->right)
		c->rep_visits++;
	return rank_of(to);
}

static bool slow_search(const struct rig *g, uint32_t rank, struct sd_counts *c)
{
	const struct sdshape *s = &g->s;
	const struct sdvec *v = vec_at(s, g->root), *next;
	uint32_t b = 0, f, rep = 0, at = g->root;
	bool held = false;

	c->visits++;
	while (b < g->bits) {
		if (bit_of(g, rank, b)) {
			if (!v->right)
				return false;
			if (is_key(v->right)) {
				c->pages++;
				return compare(g, rank, rank_of(v->right), b,
					       g->bits, c);
			}
			next = vec_at(s, v->right);
			c->visits++;
			if (!held) {
				rep = rightmost(g, v->right, c);
				c->pages++;
				held = true;
			}
			if (!compare(g, rank, rep, b, next->bit, c))
				return false;
			at = v->right;
			v = next;
			b = v->bit;
			continue;
		}
		if (held)
			rightmost(g, at, c);
		held = false;
		f = b;
		while (f < g->bits && !bit_of(g, rank, f)) {
			f++;
			c->scan_bits++;
		}
		c->scan_bits += f < g->bits;
		while (b != f) {
			if (!v->down)
				return false;
			next = vec_at(s, v->down);
			c->visits++;
			if (f < next->bit)
				return false;
			at = v->down;
			v = next;
			b = v->bit;
		}
	}
	return true;
}

static void search(struct rig *g, uint32_t rank)
{
	struct sd_counts slow = {0}, fast = {0};
	bool found = sdshape_find(&g->s, g->root, rank);

	sdshape_cost(&g->s, &fast);
	ck_assert_int_eq(slow_search(g, rank, &slow), g->in[rank]);
	ck_assert_int_eq(found, g->in[rank]);
	ck_assert_uint_eq(fast.visits, slow.visits);
	ck_assert_uint_eq(fast.rep_visits, slow.rep_visits);
	ck_assert_uint_eq(fast.pages, slow.pages);
	ck_assert_uint_eq(fast.cmp_bits, slow.cmp_bits);
	ck_assert_uint_eq(fast.scan_bits, slow.scan_bits);
}

/* ---- the shape ---- */

static void toggle(struct rig *g, uint32_t rank)
{
	struct sd_counts c = {0};
	uint32_t word = 0, before = g->s.vecs.count;

	search(g, rank);
	sdshape_find(&g->s, g->root, rank);
	if (g->in[rank]) {
		sdshape_remove(&g->s, &c, &word);
		ck_assert_uint_eq(c.hdr_free, 1);
		ck_assert_uint_le(c.vec_free, 2);
		ck_assert_uint_eq(c.cas, 1 + (c.vec_free ? 2 * c.vec_free : 1));
	} else {
		ck_assert_int_eq(sdshape_insert(&g->s, &c, &word), 0);
		ck_assert_uint_eq(c.hdr_new, 1);
		ck_assert_uint_le(c.vec_new, 2);
		ck_assert_uint_eq(c.cas, 1);
	}
	ck_assert_uint_ne(word, 0);
	ck_assert_uint_eq(before + c.vec_new - c.vec_free, g->s.vecs.count);
	g->in[rank] = !g->in[rank];
}

/* Ranks that are in, ascending. */
static uint32_t stored(const struct rig *g, uint32_t *rank)
{
	uint32_t n = 0;

	for (uint32_t r = 0; r < g->k.set->count; r++)
		if (g->in[r])
			rank[n++] = r;
	return n;
}

/*
 * Vectors by counting: one per place where keys part, one per 0-edge to a key,
 * one per 0-edge that skips a 1, one for a root where nothing parts.
 */
static void check_shape(struct rig *g)
{
	uint32_t want[KEYS_MAX], low[KEYS_MAX], n = stored(g, want), build;
	uint32_t vectors = g->s.vecs.count;

	ck_assert_int_eq(sdshape_lowest(&g->s, g->root, low, KEYS_MAX), n);
	ck_assert_mem_eq(low, want, n * sizeof(*low));
	ck_assert_int_eq(sdshape_build(&g->s, want, n, &build), 0);
	ck_assert(sdshape_equal(&g->s, g->root, build));
	ck_assert(sdshape_equal(&g->s, build, g->root));
	ck_assert_uint_eq(g->s.vecs.count, 2 * vectors);
	if (n > 1)
		ck_assert_uint_le(vectors, 2 * n);
	/* what build() made goes */
	sdshape_fini(&g->s);
}

static void rig_init(struct rig *g, const struct keyfamily_kind *f,
		     struct prng *r)
{
	memset(g, 0, sizeof(*g));
	keyfamily_init(&g->k, f, f->keys < KEYS_MAX ? f->keys : KEYS_MAX, r);
	g->bits = f->bits;
	ck_assert_int_eq(sdshape_init(&g->s, g->k.set, g->bits), 0);
	ck_assert_int_eq(sdshape_root(&g->s, &g->root), 0);
}

START_TEST(random_changes_keep_the_shape_of_the_definition)
{
	const struct keyfamily_kind *f =
		&keyfamilies[(unsigned)_i % keyfamily_count];
	struct prng r = prng_fork(test_seed(1) + (uint64_t)_i, f->name);
	struct rig *g = malloc(sizeof(*g));
	uint32_t steps, n;

	ck_assert_ptr_nonnull(g);
	rig_init(g, f, &r);
	n = g->k.set->count;
	steps = (uint32_t)prng_below(&r, 3 * n) + n / 2;
	for (uint32_t i = 0; i < steps; i++) {
		toggle(g, (uint32_t)prng_below(&r, n));
		search(g, (uint32_t)prng_below(&r, n));
	}
	for (uint32_t rank = 0; rank < n; rank++)
		search(g, rank);
	check_shape(g);
	keyfamily_fini(&g->k);
	free(g);
}
END_TEST

/* In small sets every change is followed by the comparison. */
START_TEST(small_sets_are_checked_after_each_change)
{
	const struct keyfamily_kind *f = &keyfamilies[_i];
	struct prng r = prng_fork(test_seed(2), f->name);

	for (uint32_t round = 0; round < 60; round++) {
		struct rig *g = malloc(sizeof(*g));
		uint32_t n;

		ck_assert_ptr_nonnull(g);
		rig_init(g, f, &r);
		n = g->k.set->count < 12 ? g->k.set->count : 12;
		for (uint32_t i = 0; i < round; i++)
			toggle(g, (uint32_t)prng_below(&r, n));
		check_shape(g);
		keyfamily_fini(&g->k);
		free(g);
	}
}
END_TEST

static Suite *sdshape_suite(void)
{
	Suite *s = suite_create("sdshape, properties");
	TCase *tc = tcase_create("definition");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, random_changes_keep_the_shape_of_the_definition,
			    0, 4 * (int)keyfamily_count);
	tcase_add_loop_test(tc, small_sets_are_checked_after_each_change, 0,
			    (int)keyfamily_count);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_main(sdshape_suite());
}
