/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "tests/support/main.h"
#include "tests/support/poolrig.h"

static struct pool_place place(const struct poolrig *r, uint32_t h)
{
	struct pool_place p;

	pool_where(r->pool, h, &p);
	ck_assert_uint_eq(p.parts, 1);
	return p;
}

START_TEST(objects_lie_one_behind_the_other_with_headers)
{
	struct poolrig r;
	uint32_t a, b;

	poolrig_init(&r, "xvmalloc", NULL);
	a = poolrig_store(&r, 1001);
	b = poolrig_store(&r, 998);
	ck_assert_uint_eq(r.pool->pages, 1);
	ck_assert_uint_eq(place(&r, a).part[0].offset, 4);
	ck_assert_uint_eq(place(&r, b).part[0].offset, 4 + 1004 + 4);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_WORD), 8);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_ROUND), 3 + 2);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_HOLE), 4096 - 1008 - 1004);
	ck_assert_int_eq(poolrig_row(&r, "pool", "metadata_bytes"), 12288);
	poolrig_check(&r);
	poolrig_drop(&r, a);
	poolrig_drop(&r, b);
	ck_assert_uint_eq(r.pool->pages, 0);
	poolrig_fini(&r);
}
END_TEST

/* Do two objects of these lengths share a page? */
static bool share(uint32_t a, uint32_t b)
{
	struct poolrig r;
	bool one;

	poolrig_init(&r, "xvmalloc", NULL);
	poolrig_store(&r, a);
	poolrig_store(&r, b);
	poolrig_check(&r);
	one = r.pool->pages == 1;
	poolrig_fini(&r);
	return one;
}

START_TEST(two_objects_share_a_page_when_the_lists_find_the_rest)
{
	/* 4088 in all, less what the second loses by whole steps of 8. */
	ck_assert(share(2048, 2040));
	ck_assert(!share(2048, 2044));
	ck_assert(share(2040, 2048));
	ck_assert(!share(2044, 2044)); /* the hole of 2044 is on list 2040 */
	ck_assert(share(2044, 2040));
	ck_assert(share(4000, 88));
	ck_assert(!share(4000, 89));
	/* A hole of less than 32 bytes is on no list. */
	ck_assert(share(4056, 32));
	ck_assert(!share(4060, 4));
}
END_TEST

START_TEST(the_longest_object_has_4088_bytes_and_longer_ones_cost_a_page)
{
	struct poolrig r;
	uint32_t h;

	poolrig_init(&r, "xvmalloc", NULL);
	h = poolrig_store(&r, 4088);
	ck_assert_uint_eq(r.pool->pages, 1);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_SLIVER), 4);
	poolrig_drop(&r, h);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_int_eq(
			pool_alloc(r.pool, 4089 + i, &h, &r.meter, NULL),
			-ENOSPC);
		ck_assert_uint_eq(r.pool->pages, i + 1);
		poolrig_check(&r);
	}
	ck_assert_int_eq(pool_alloc(r.pool, 4093, &h, &r.meter, &r.err),
			 -ENOSPC);
	ck_assert_str_eq(r.err.text, "xvmalloc: an object of 4093 bytes; the "
				     "longest it takes has 4092");
	ck_assert_uint_eq(r.pool->pages, 4);
	/* The useless pages are found by others. */
	poolrig_store(&r, 3000);
	ck_assert_uint_eq(r.pool->pages, 4);
	poolrig_fini(&r);
}
END_TEST

START_TEST(holes_merge_on_both_sides)
{
	struct poolrig r;
	uint32_t h[4];

	poolrig_init(&r, "xvmalloc", NULL);
	for (int i = 0; i < 4; i++)
		h[i] = poolrig_store(&r, 1016); /* and 16 bytes remain */
	ck_assert_uint_eq(r.pool->pages, 1);
	ck_assert_int_eq(poolrig_row(&r, "xvmalloc", "holes"), 1);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_SLIVER), 16);
	poolrig_drop(&r, h[0]);
	poolrig_drop(&r, h[2]);
	ck_assert_int_eq(poolrig_row(&r, "xvmalloc", "holes"), 3);
	poolrig_check(&r);
	poolrig_drop(&r, h[1]);
	ck_assert_int_eq(poolrig_row(&r, "xvmalloc", "holes"), 2);
	poolrig_check(&r);
	h[0] = poolrig_store(&r, 3 * 1020 - 4);
	ck_assert_uint_eq(r.pool->pages, 1);
	ck_assert_uint_eq(place(&r, h[0]).part[0].offset, 4);
	poolrig_drop(&r, h[3]); /* with the sliver behind it */
	ck_assert_uint_eq(poolrig_lost(&r, LOST_SLIVER), 0);
	poolrig_drop(&r, h[0]);
	ck_assert_uint_eq(r.pool->pages, 0);
	poolrig_check(&r);
	poolrig_fini(&r);
}
END_TEST

START_TEST(the_newest_hole_of_the_first_list_that_fits_is_taken)
{
	struct poolrig r;
	uint32_t a, b, c;

	poolrig_init(&r, "xvmalloc", NULL);
	poolrig_store(&r, 2000);     /* leaves 2088 */
	a = poolrig_store(&r, 3000); /* leaves 1088 */
	b = poolrig_store(&r, 3000);
	c = poolrig_store(&r, 1000);
	ck_assert_uint_eq(place(&r, c).part[0].frame,
			  place(&r, b).part[0].frame);
	c = poolrig_store(&r, 1000);
	ck_assert_uint_eq(place(&r, c).part[0].frame,
			  place(&r, a).part[0].frame);
	poolrig_fini(&r);
}
END_TEST

START_TEST(it_never_gives_a_frame_back_by_itself)
{
	struct pool_reclaimed got;
	struct poolrig r;

	poolrig_init(&r, "xvmalloc", NULL);
	poolrig_store(&r, 2000);
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), -EOPNOTSUPP);
	ck_assert_uint_eq(pool_compact(r.pool, &r.meter), 0);
	ck_assert_uint_eq(r.pool->pages, 1);
	poolrig_fini(&r);
}
END_TEST

static Suite *xvmalloc_suite(void)
{
	Suite *s = suite_create("xvmalloc");
	TCase *t = tcase_create("xvmalloc");

	tcase_add_test(t, objects_lie_one_behind_the_other_with_headers);
	tcase_add_test(t,
		       two_objects_share_a_page_when_the_lists_find_the_rest);
	tcase_add_test(
		t,
		the_longest_object_has_4088_bytes_and_longer_ones_cost_a_page);
	tcase_add_test(t, holes_merge_on_both_sides);
	tcase_add_test(t, the_newest_hole_of_the_first_list_that_fits_is_taken);
	tcase_add_test(t, it_never_gives_a_frame_back_by_itself);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(xvmalloc_suite());
}
