/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random inserts and deletes, held against an array of counts in order of keys.
 * The tree of bytes and the tree of ranks go side by side: the same answers, the
 * same branches.
 */
#include <errno.h>

#include "sim/engine/pageone/sdtree.h"
#include "tests/support/keyfamily.h"
#include "tests/support/main.h"

#define KEYS_MAX 3000u

struct pair {
	struct keyfamily k;
	struct sdtree *bytes, *ranks;
	struct sd_thread *tb, *tr;
	uint32_t refs[KEYS_MAX]; /* by rank */
	uint32_t value[KEYS_MAX];
	uint32_t released; /* values given back by both trees */
	uint32_t next;
};

static void note_release(void *ctx, struct sd_key key, uint32_t value)
{
	struct pair *p = ctx;

	(void)key;
	(void)value;
	p->released++;
}

static struct pair *pair_new(const struct keyfamily_kind *f, struct prng *r)
{
	struct pair *p = calloc(1, sizeof(*p));
	struct sdtree_conf conf;

	ck_assert_ptr_nonnull(p);
	keyfamily_init(&p->k, f, f->keys, r);
	conf = (struct sdtree_conf){.key_bits = f->bits,
				    .max_objects = KEYS_MAX,
				    .release = note_release,
				    .ctx = p,
				    .poison = true};
	ck_assert_int_eq(sdtree_new(&p->bytes, &conf), 0);
	conf.contents = p->k.set;
	ck_assert_int_eq(sdtree_new(&p->ranks, &conf), 0);
	ck_assert_int_eq(sdtree_join(p->bytes, &p->tb), 0);
	ck_assert_int_eq(sdtree_join(p->ranks, &p->tr), 0);
	return p;
}

/* How often something was released in all. */
static uint32_t pair_free(struct pair *p)
{
	uint32_t released;

	sdtree_part(p->tb);
	sdtree_part(p->tr);
	sdtree_free(p->bytes);
	sdtree_free(p->ranks);
	released = p->released;
	keyfamily_fini(&p->k);
	free(p);
	return released;
}

static struct sd_key by_bytes(const struct pair *p, uint32_t rank)
{
	return (struct sd_key){.bytes = keyfamily_bytes(&p->k, rank)};
}

static struct sd_key by_rank(uint32_t rank)
{
	return (struct sd_key){.rank = rank};
}

static void insert(struct pair *p, uint32_t rank)
{
	uint32_t v = ++p->next, a = 0, b = 0;
	int want = p->refs[rank] ? SD_DUP : SD_NEW;

	if (!p->refs[rank]++)
		p->value[rank] = v;
	ck_assert_int_eq(sdtree_insert(p->tb, by_bytes(p, rank), v, &a), want);
	ck_assert_int_eq(sdtree_insert(p->tr, by_rank(rank), v, &b), want);
	ck_assert_uint_eq(a, p->value[rank]);
	ck_assert_uint_eq(b, p->value[rank]);
}

static void delete (struct pair *p, uint32_t rank)
{
	int want = p->refs[rank] > 1 ? SD_KEPT
		   : p->refs[rank]   ? SD_LAST
				     : -ENOENT;
	uint32_t a = p->value[rank], b = a;

	p->refs[rank] -= want != -ENOENT;
	ck_assert_int_eq(sdtree_delete(p->tb, by_bytes(p, rank), &a), want);
	ck_assert_int_eq(sdtree_delete(p->tr, by_rank(rank), &b), want);
	ck_assert_uint_eq(a, p->value[rank]);
	ck_assert_uint_eq(b, p->value[rank]);
}

static void find(struct pair *p, uint32_t rank)
{
	uint32_t v = p->value[rank];

	ck_assert_uint_eq(sdtree_find(p->tb, by_bytes(p, rank), &v),
			  p->refs[rank]);
	ck_assert_uint_eq(sdtree_find(p->tr, by_rank(rank), &v), p->refs[rank]);
	ck_assert_uint_eq(v, p->value[rank]);
}

/* Looking ahead tells what is there, and changes nothing. */
static void warm(struct pair *p, struct prng *r)
{
	struct sd_key ranks[SD_WARM], bytes[SD_WARM];
	struct sdtree_stats before = *sdtree_stats(p->tr);
	unsigned n = (unsigned)prng_below(r, SD_WARM + 1);
	uint32_t want = 0;

	for (unsigned i = 0; i < n; i++) {
		uint32_t rank = (uint32_t)prng_below(r, p->k.set->count);

		ranks[i] = by_rank(rank);
		bytes[i] = by_bytes(p, rank);
		want |= (uint32_t)(p->refs[rank] > 0) << i;
	}
	ck_assert_uint_eq(sdtree_warm(p->tr, ranks, n), want);
	ck_assert_uint_eq(sdtree_warm(p->tb, bytes, n), 0);
	ck_assert_mem_eq(&before, sdtree_stats(p->tr), sizeof(before));
}

/* Where a walk is in the array. */
struct at {
	struct pair *p;
	uint32_t rank; /* next */
	int last;
};

static int see(void *ctx, struct sd_key key, uint32_t refs, uint32_t value,
	       int branch)
{
	struct at *at = ctx;
	struct pair *p = at->p;

	while (at->rank < p->k.set->count && !p->refs[at->rank])
		at->rank++;
	ck_assert_uint_lt(at->rank, p->k.set->count);
	if (key.bytes)
		ck_assert_ptr_eq(key.bytes, by_bytes(p, at->rank).bytes);
	else
		ck_assert_uint_eq(key.rank, at->rank);
	ck_assert_uint_eq(refs, p->refs[at->rank]);
	ck_assert_uint_eq(value, p->value[at->rank]);
	if (at->last < 0)
		ck_assert_int_eq(branch, -1);
	else
		ck_assert_int_eq(branch, (int)content_prefix_bits(
						 p->k.set, (uint32_t)at->last,
						 at->rank));
	at->last = (int)at->rank++;
	return 0;
}

static void compare(struct pair *p)
{
	const struct sdtree *trees[] = {p->bytes, p->ranks};

	for (int i = 0; i < 2; i++) {
		struct at at = {.p = p, .last = -1};

		ck_assert_int_eq(sdtree_check(trees[i], stderr), 0);
		ck_assert_int_eq(sdtree_walk(trees[i], see, &at), 0);
		while (at.rank < p->k.set->count)
			ck_assert_uint_eq(p->refs[at.rank++], 0);
	}
}

START_TEST(both_trees_are_the_sorted_array)
{
	const struct keyfamily_kind *f = &keyfamilies[_i];
	struct prng r = prng_fork(test_seed(1), f->name);
	struct pair *p = pair_new(f, &r);
	uint32_t n = p->k.set->count;

	for (uint32_t step = 0; step < 12 * n; step++) {
		uint32_t rank = (uint32_t)prng_below(&r, n);
		/* waves: mostly growing, then mostly shrinking */
		bool grow = prng_below(&r, 8) < (step / n % 2 ? 2 : 6);

		if (grow)
			insert(p, rank);
		else
			delete (p, rank);
		find(p, (uint32_t)prng_below(&r, n));
		if (step % 16 == 0)
			warm(p, &r);
		if (step % (n / 3 + 1) == 0)
			compare(p);
	}
	compare(p);
	ck_assert_uint_gt(p->next, 0);
	pair_free(p);
}
END_TEST

START_TEST(what_was_stored_is_released_once)
{
	struct prng r = prng_fork(test_seed(2), "release");
	struct pair *p = pair_new(&keyfamilies[4], &r);
	uint32_t n = p->k.set->count, news = 0;

	for (uint32_t i = 0; i < 3 * n; i++) {
		uint32_t rank = (uint32_t)prng_below(&r, n);

		if (p->refs[rank]) {
			delete (p, rank);
		} else {
			insert(p, rank);
			news++;
		}
	}
	ck_assert_uint_eq(pair_free(p), 2 * news);
}
END_TEST

static Suite *sdtree_suite(void)
{
	Suite *s = suite_create("sdtree, properties");
	TCase *tc = tcase_create("array");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, both_trees_are_the_sorted_array, 0,
			    (int)keyfamily_count);
	tcase_add_test(tc, what_was_stored_is_released_once);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_main(sdtree_suite());
}
