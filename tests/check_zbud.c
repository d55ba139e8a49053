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

static uint64_t frame(const struct poolrig *r, uint32_t h)
{
	return place(r, h).part[0].frame;
}

START_TEST(two_objects_share_a_page_from_both_ends)
{
	struct poolrig r;
	uint32_t a, b;

	poolrig_init(&r, "zbud", NULL);
	a = poolrig_store(&r, 1000);
	b = poolrig_store(&r, 2000);
	ck_assert_uint_eq(r.pool->pages, 1);
	ck_assert_uint_eq(place(&r, a).part[0].offset, 64);
	ck_assert_uint_eq(place(&r, b).part[0].offset, 4096 - 2048);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_HEADER), 64);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_ROUND), 24 + 48);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_HOLE), 4096 - 64 - 1024 - 2048);
	ck_assert_int_eq(poolrig_row(&r, "zbud", "buddied_pages"), 1);
	poolrig_check(&r);
	poolrig_fini(&r);
}
END_TEST

START_TEST(sixty_three_chunks_are_shared_and_no_more)
{
	struct poolrig r;

	poolrig_init(&r, "zbud", NULL);
	poolrig_store(&r, 32 * 64);
	poolrig_store(&r, 31 * 64);
	ck_assert_uint_eq(r.pool->pages, 1);
	poolrig_store(&r, 31 * 64 + 1);
	poolrig_store(&r, 31 * 64 + 1);
	ck_assert_uint_eq(r.pool->pages, 3);
	poolrig_check(&r);
	poolrig_fini(&r);
}
END_TEST

START_TEST(the_longest_object_has_3968_bytes)
{
	struct poolrig r;
	uint32_t h;

	poolrig_init(&r, "zbud", NULL);
	poolrig_store(&r, 3968);
	ck_assert_int_eq(pool_alloc(r.pool, 3969, &h, &r.meter, &r.err),
			 -ENOSPC);
	ck_assert_str_eq(r.err.text, "zbud: an object of 3969 bytes; the "
				     "longest it takes has 3968");
	poolrig_fini(&r);
}
END_TEST

START_TEST(the_newest_page_of_the_tightest_list_is_taken)
{
	struct poolrig r;
	uint32_t a, b, c;

	poolrig_init(&r, "zbud", NULL);
	poolrig_store(&r, 40 * 64);	/* 23 free */
	a = poolrig_store(&r, 42 * 64); /* 21 free */
	b = poolrig_store(&r, 42 * 64);
	c = poolrig_store(&r, 20 * 64); /* fits all: 21 is tighter, b newer */
	ck_assert_uint_eq(frame(&r, c), frame(&r, b));
	c = poolrig_store(&r, 20 * 64);
	ck_assert_uint_eq(frame(&r, c), frame(&r, a));
	poolrig_fini(&r);
}
END_TEST

START_TEST(a_freed_first_place_is_used_again)
{
	struct poolrig r;
	uint32_t a, b;

	poolrig_init(&r, "zbud", NULL);
	a = poolrig_store(&r, 1000);
	b = poolrig_store(&r, 1000);
	poolrig_drop(&r, a);
	a = poolrig_store(&r, 500);
	ck_assert_uint_eq(place(&r, a).part[0].offset, 64);
	ck_assert_uint_eq(frame(&r, a), frame(&r, b));
	poolrig_drop(&r, a);
	poolrig_drop(&r, b);
	ck_assert_uint_eq(r.pool->pages, 0);
	poolrig_check(&r);
	poolrig_fini(&r);
}
END_TEST

START_TEST(reclaim_takes_the_page_that_was_added_to_longest_ago)
{
	struct pool_reclaimed got;
	struct poolrig r;
	uint32_t a, b, c;

	poolrig_init(&r, "zbud", NULL);
	a = poolrig_store(&r, 2000);
	b = poolrig_store(&r, 3000);
	c = poolrig_store(&r, 1000); /* beside b */
	poolrig_store(&r, 1900);     /* beside a: now a's page is younger */
	ck_assert_uint_eq(frame(&r, b), frame(&r, c));
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), 0);
	ck_assert_uint_eq(got.frames, 1);
	ck_assert_uint_eq(got.evicted, 2);
	ck_assert_uint_eq(got.evicted_bytes, 4000);
	ck_assert_uint_eq(r.evicted[0], b);
	ck_assert_uint_eq(r.evicted[1], c);
	ck_assert_uint_eq(pool_bytes(r.pool, a), 2000);
	ck_assert_uint_eq(r.meter.count[OP_OBJ_EVICT], 2);
	poolrig_check(&r);
	ck_assert_int_eq(poolrig_reclaim(&r, 2, &got), -EAGAIN);
	ck_assert_uint_eq(got.frames, 1);
	poolrig_fini(&r);
}
END_TEST

START_TEST(a_refused_page_becomes_the_youngest)
{
	struct pool_reclaimed got;
	struct poolrig r;
	uint32_t a, b;

	poolrig_init(&r, "zbud", NULL);
	a = poolrig_store(&r, 2000);
	b = poolrig_store(&r, 1900);
	poolrig_store(&r, 3900);
	r.refuse_from = 1;
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), -EAGAIN);
	ck_assert_uint_eq(got.evicted, 1);
	ck_assert_uint_eq(got.frames, 0);
	ck_assert_uint_eq(pool_bytes(r.pool, a), 0);
	ck_assert_uint_eq(pool_bytes(r.pool, b), 1900);
	poolrig_check(&r);
	/* Eight refusals, two pages in turn: the order is as it was before. */
	r.refuse_from = UINT64_MAX;
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), 0);
	ck_assert_uint_eq(r.evicted[1], b);
	poolrig_fini(&r);
}
END_TEST

static Suite *zbud_suite(void)
{
	Suite *s = suite_create("zbud");
	TCase *t = tcase_create("zbud");

	tcase_add_test(t, two_objects_share_a_page_from_both_ends);
	tcase_add_test(t, sixty_three_chunks_are_shared_and_no_more);
	tcase_add_test(t, the_longest_object_has_3968_bytes);
	tcase_add_test(t, the_newest_page_of_the_tightest_list_is_taken);
	tcase_add_test(t, a_freed_first_place_is_used_again);
	tcase_add_test(t, reclaim_takes_the_page_that_was_added_to_longest_ago);
	tcase_add_test(t, a_refused_page_becomes_the_youngest);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(zbud_suite());
}
