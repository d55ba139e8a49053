/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The set of page contents in one thread: what each call answers, what happens
 * when memory, cells or threads run out.
 */
#include <errno.h>

#include "sim/engine/pageone/cells.h"
#include "sim/engine/pageone/rcu.h"
#include "sim/engine/pageone/sdtree.h"
#include "tests/support/fail_mem.h"
#include "tests/support/lock_reclaim.h"
#include "tests/support/main.h"

#define KEY_BYTES 4u

struct keys {
	uint8_t bytes[200000][KEY_BYTES];
	uint32_t released;
};

static struct keys *keys_new(void)
{
	struct keys *k = calloc(1, sizeof(*k));

	ck_assert_ptr_nonnull(k);
	for (uint32_t i = 0; i < 200000; i++)
		for (uint32_t j = 0; j < KEY_BYTES; j++)
			k->bytes[i][j] = (uint8_t)(i >> 8 * j);
	return k;
}

static struct sd_key key(const struct keys *k, uint32_t i)
{
	return (struct sd_key){.bytes = k->bytes[i]};
}

static void release(void *ctx, struct sd_key gone, uint32_t value)
{
	struct keys *k = ctx;

	ck_assert_ptr_eq(gone.bytes, k->bytes[value]);
	k->released++;
}

static struct sdtree *tree_new(struct keys *k, uint32_t max,
			       struct sd_reclaim *reclaim)
{
	struct sdtree_conf conf = {.key_bits = 8 * KEY_BYTES,
				   .max_objects = max,
				   .reclaim = reclaim,
				   .release = release,
				   .ctx = k,
				   .poison = true};
	struct sdtree *t;

	ck_assert_int_eq(sdtree_new(&t, &conf), 0);
	return t;
}

START_TEST(a_key_is_new_once_and_gone_after_its_last_delete)
{
	struct keys *k = keys_new();
	struct sdtree *t = tree_new(k, 10, NULL);
	struct sd_thread *th;
	uint32_t stored = 99;

	ck_assert_int_eq(sdtree_join(t, &th), 0);
	ck_assert_int_eq(sdtree_delete(th, key(k, 5), &stored), -ENOENT);
	ck_assert_uint_eq(sdtree_find(th, key(k, 5), &stored), 0);
	ck_assert_uint_eq(stored, 99);
	ck_assert_int_eq(sdtree_insert(th, key(k, 5), 5, &stored), SD_NEW);
	ck_assert_uint_eq(stored, 5);
	ck_assert_int_eq(sdtree_insert(th, key(k, 5), 77, &stored), SD_DUP);
	ck_assert_uint_eq(stored, 5);
	ck_assert_int_eq(sdtree_insert(th, key(k, 6), 6, NULL), SD_NEW);
	ck_assert_uint_eq(sdtree_find(th, key(k, 5), &stored), 2);
	ck_assert_int_eq(sdtree_delete(th, key(k, 5), &stored), SD_KEPT);
	ck_assert_int_eq(sdtree_delete(th, key(k, 5), &stored), SD_LAST);
	ck_assert_uint_eq(stored, 5);
	ck_assert_int_eq(sdtree_delete(th, key(k, 5), NULL), -ENOENT);
	ck_assert_uint_eq(sdtree_find(th, key(k, 6), NULL), 1);
	ck_assert_int_eq(sdtree_check(t, stderr), 0);
	ck_assert_uint_eq(sdtree_stats(th)->cas_fail, 0);
	ck_assert_uint_eq(sdtree_stats(th)->restarts, 0);
	sdtree_part(th);
	ck_assert_uint_eq(k->released, 1);
	sdtree_free(t);
	ck_assert_uint_eq(k->released, 2);
	free(k);
}
END_TEST

/* One swap stores a key, three and a count take it out. */
START_TEST(swaps_are_as_few_as_they_say)
{
	struct keys *k = keys_new();
	struct sdtree *t = tree_new(k, 1000, NULL);
	struct sd_thread *th;

	ck_assert_int_eq(sdtree_join(t, &th), 0);
	for (uint32_t i = 0; i < 1000; i++)
		sdtree_insert(th, key(k, i), i, NULL);
	ck_assert_uint_eq(sdtree_stats(th)->cas_ok, 1000);
	ck_assert_uint_le(sdtree_stats(th)->compares, 1000);
	for (uint32_t i = 0; i < 1000; i++)
		sdtree_delete(th, key(k, i), NULL);
	ck_assert_uint_eq(sdtree_stats(th)->cas_ok, 1000 + 3 * 1000);
	sdtree_part(th);
	sdtree_free(t);
	free(k);
}
END_TEST

/* Cells come back: many more are stored in turn than there is room for. */
START_TEST(cells_are_used_again)
{
	static struct sd_rcu rcu;
	static struct lock_reclaim lock;
	struct keys *k = keys_new();
	struct sd_reclaim *r[] = {NULL, &rcu.reclaim, &lock.reclaim};
	struct sd_thread *th;
	struct sdtree *t;
	uint64_t bytes;

	sd_rcu_init(&rcu);
	lock_reclaim_init(&lock);
	t = tree_new(k, 1000, r[_i]);
	ck_assert_int_eq(sdtree_join(t, &th), 0);
	for (uint32_t i = 0; i < 200000; i++) {
		int ret = sdtree_insert(th, key(k, i), i, NULL);

		/* a grace period may take longer than this loop */
		if (ret == -ENOMEM && _i == 1)
			rcu.reclaim.ops->drain(&rcu.reclaim);
		if (ret == -ENOMEM)
			ret = sdtree_insert(th, key(k, i), i, NULL);
		ck_assert_int_eq(ret, SD_NEW);
		if (i >= 100)
			ck_assert_int_eq(
				sdtree_delete(th, key(k, i - 100), NULL),
				SD_LAST);
	}
	bytes = sdtree_bytes(t);
	ck_assert_uint_le(bytes, _i == 1 ? 70000 * SD_CELL_BYTES
					 : 2000 * SD_CELL_BYTES);
	sdtree_part(th);
	sdtree_free(t);
	ck_assert_uint_eq(k->released, 200000);
	lock_reclaim_fini(&lock);
	free(k);
}
END_TEST

START_TEST(a_full_tree_says_so_and_goes_on)
{
	struct keys *k = keys_new();
	struct sdtree *t = tree_new(k, 1, NULL);
	struct sd_thread *th;
	uint32_t n = 0;

	ck_assert_int_eq(sdtree_join(t, &th), 0);
	while (n < 200000 && sdtree_insert(th, key(k, n), n, NULL) == SD_NEW)
		n++;
	ck_assert_uint_gt(n, 30000);
	ck_assert_uint_lt(n, 40000);
	ck_assert_int_eq(sdtree_insert(th, key(k, n), n, NULL), -ENOMEM);
	ck_assert_int_eq(sdtree_check(t, stderr), 0);
	ck_assert_uint_eq(sdtree_find(th, key(k, n), NULL), 0);
	for (uint32_t i = 0; i < n; i++)
		ck_assert_int_eq(sdtree_delete(th, key(k, i), NULL), SD_LAST);
	ck_assert_int_eq(sdtree_insert(th, key(k, n), n, NULL), SD_NEW);
	sdtree_part(th);
	sdtree_free(t);
	ck_assert_uint_eq(k->released, n + 1);
	free(k);
}
END_TEST

START_TEST(threads_beyond_the_last_are_refused)
{
	struct keys *k = keys_new();
	struct sdtree *t = tree_new(k, 10, NULL);
	struct sd_thread *th[SD_THREADS], *more;

	for (unsigned i = 0; i < SD_THREADS; i++)
		ck_assert_int_eq(sdtree_join(t, &th[i]), 0);
	ck_assert_int_eq(sdtree_join(t, &more), -ENOSPC);
	sdtree_part(th[7]);
	ck_assert_int_eq(sdtree_join(t, &th[7]), 0);
	for (unsigned i = 0; i < SD_THREADS; i++)
		sdtree_part(th[i]);
	sdtree_part(NULL);
	sdtree_free(t);
	sdtree_free(NULL);
	free(k);
}
END_TEST

/* ---- memory ---- */

struct use {
	struct keys *k;
	struct sd_reclaim *reclaim;
};

/* Whatever fails, the tree is whole and holds what it said it holds. */
static int use_tree(void *ctx)
{
	const struct use *u = ctx;
	struct sdtree_conf conf = {.key_bits = 8 * KEY_BYTES,
				   .max_objects = 100,
				   .reclaim = u->reclaim,
				   .release = release,
				   .ctx = u->k};
	struct sd_thread *th;
	struct sdtree *t;
	uint32_t in = 0, out = 0, released = u->k->released;
	int ret = sdtree_new(&t, &conf);

	if (ret)
		return ret;
	ret = sdtree_join(t, &th);
	if (ret)
		goto free_tree;
	for (; ret >= 0 && in < 700; in += ret == SD_NEW)
		ret = sdtree_insert(th, key(u->k, in), in, NULL);
	while (ret >= 0 && out < in) {
		ret = sdtree_delete(th, key(u->k, out), NULL);
		out += ret == SD_LAST;
	}
	ck_assert_int_eq(sdtree_check(t, stderr), 0);
	if (ret > 0)
		ret = 0;
	for (uint32_t i = 0; i < 700; i++)
		ck_assert_uint_eq(sdtree_find(th, key(u->k, i), NULL),
				  i >= out && i < in);
	sdtree_part(th);
free_tree:
	sdtree_free(t);
	ck_assert_uint_eq(u->k->released - released, in);
	return ret;
}

START_TEST(each_allocation_may_fail)
{
	static struct lock_reclaim lock;
	struct use u = {.k = keys_new()};

	lock_reclaim_init(&lock);
	u.reclaim = _i ? &lock.reclaim : NULL;
	ck_assert_uint_gt(fail_mem_walk(use_tree, &u), 6);
	lock_reclaim_fini(&lock);
	free(u.k);
}
END_TEST

/* Bags that cannot be had while cells are put away cost cells, nothing else. */
START_TEST(cells_that_find_no_bag_are_lost_and_counted)
{
	struct sd_cells c;
	struct sd_stock s = {0};
	uint32_t n = 3 * SD_BAG_CELLS;

	ck_assert_int_eq(sd_cells_init(&c, 10000), 0);
	ck_assert_int_eq(sd_stock_ready(&c, &s, true), 0);
	fail_mem_after(1);
	for (uint32_t i = 1; i <= n; i++) {
		if (i == 2 * SD_BAG_CELLS + 2)
			fail_mem_off();
		sd_stock_put(&c, &s, i << SD_CELL_SHIFT);
	}
	ck_assert_uint_eq(s.lost, 1);
	sd_stock_hand(&c, &s, &sd_reclaim_now, 0, true);
	sd_stock_return(&c, &s);
	ck_assert_uint_eq(s.lost, 1);
	sd_cells_fini(&c);
}
END_TEST

static Suite *sdtree_suite(void)
{
	Suite *s = suite_create("sdtree");
	TCase *tc = tcase_create("one thread");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, a_key_is_new_once_and_gone_after_its_last_delete);
	tcase_add_test(tc, swaps_are_as_few_as_they_say);
	tcase_add_loop_test(tc, cells_are_used_again, 0, 3);
	tcase_add_test(tc, a_full_tree_says_so_and_goes_on);
	tcase_add_test(tc, threads_beyond_the_last_are_refused);
	tcase_add_loop_test(tc, each_allocation_may_fail, 0, 2);
	tcase_add_test(tc, cells_that_find_no_bag_are_lost_and_counted);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_main(sdtree_suite());
}
