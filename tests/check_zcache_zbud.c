/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "tests/support/main.h"
#include "tests/support/poolrig.h"

static struct pool_place place(const struct poolrig *r, uint32_t h)
{
	struct pool_place p;

	pool_where(r->pool, h, &p);
	return p;
}

static uint64_t frame(const struct poolrig *r, uint32_t h)
{
	return place(r, h).part[0].frame;
}

/* Do two objects of these lengths share a page? */
static bool share(const char *set, uint32_t a, uint32_t b)
{
	struct poolrig r;
	bool one;

	poolrig_init(&r, "zcache-zbud", set);
	poolrig_store(&r, a);
	poolrig_store(&r, b);
	one = r.pool->pages == 1;
	poolrig_check(&r);
	poolrig_fini(&r);
	return one;
}

START_TEST(the_first_version_shares_62_chunks)
{
	struct poolrig r;
	uint32_t a, b;

	ck_assert(share("version=zcache", 31 * 64, 31 * 64));
	ck_assert(!share("version=zcache", 31 * 64, 31 * 64 + 1));
	poolrig_init(&r, "zcache-zbud", "version=zcache");
	ck_assert_uint_eq(r.pool->bytes_max, 3904);
	a = poolrig_store(&r, 1000);
	b = poolrig_store(&r, 2000);
	ck_assert_uint_eq(place(&r, a).part[0].offset, 128);
	ck_assert_uint_eq(place(&r, b).part[0].offset, 2048);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_HEADER), 128);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_WORD), 0);
	poolrig_fini(&r);
}
END_TEST

START_TEST(the_rewrite_shares_64_chunks_with_a_key_in_each_object)
{
	struct poolrig r;
	uint32_t a, b;

	ck_assert(share("version=rewrite", 32 * 64 - 32, 32 * 64 - 32));
	ck_assert(!share("version=rewrite", 32 * 64 - 32, 32 * 64 - 31));
	poolrig_init(&r, "zcache-zbud", NULL);
	ck_assert_uint_eq(r.pool->bytes_max, 4000);
	a = poolrig_store(&r, 1000); /* 1032: 17 chunks */
	b = poolrig_store(&r, 2000); /* 2032: 32 */
	ck_assert_uint_eq(place(&r, a).part[0].offset, 32);
	ck_assert_uint_eq(place(&r, b).part[0].offset, 2048 + 32);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_HEADER), 0);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_WORD), 64);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_ROUND), 56 + 16);
	poolrig_fini(&r);
}
END_TEST

START_TEST(the_oldest_page_with_the_largest_fitting_object_is_taken)
{
	struct poolrig r;
	uint32_t a, b, c;

	poolrig_init(&r, "zcache-zbud", "version=zcache");
	poolrig_store(&r, 40 * 64);
	a = poolrig_store(&r, 42 * 64);
	b = poolrig_store(&r, 42 * 64);
	c = poolrig_store(&r, 20 * 64);
	ck_assert_uint_eq(frame(&r, c), frame(&r, a));
	c = poolrig_store(&r, 20 * 64);
	ck_assert_uint_eq(frame(&r, c), frame(&r, b));
	poolrig_fini(&r);
}
END_TEST

START_TEST(the_first_version_keeps_empty_pages_until_it_is_asked)
{
	struct pool_reclaimed got;
	struct poolrig r;
	uint32_t a;

	poolrig_init(&r, "zcache-zbud", "version=zcache");
	a = poolrig_store(&r, 3000);
	poolrig_store(&r, 3000);
	poolrig_drop(&r, a);
	ck_assert_uint_eq(r.pool->pages, 2);
	ck_assert_int_eq(poolrig_row(&r, "zcache-zbud", "unused_pages"), 1);
	poolrig_store(&r, 2000);
	ck_assert_int_eq(poolrig_row(&r, "zcache-zbud", "unused_pages"), 0);
	ck_assert_uint_eq(r.pool->pages, 2);
	poolrig_drop(&r, 1);
	poolrig_check(&r);
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), 0);
	ck_assert_uint_eq(got.evicted, 0);
	ck_assert_uint_eq(r.pool->pages, 1);
	poolrig_fini(&r);
}
END_TEST

START_TEST(the_first_version_evicts_short_lone_objects_then_pairs)
{
	struct pool_reclaimed got;
	struct poolrig r;
	uint32_t p, q, lone, longest, shortest;

	poolrig_init(&r, "zcache-zbud", "version=zcache");
	p = poolrig_store(&r, 1984);
	q = poolrig_store(&r, 1984);
	longest = poolrig_store(&r, 3904); /* 61 chunks: never looked at */
	lone = poolrig_store(&r, 3800);
	shortest = poolrig_store(&r, 3000);
	ck_assert_uint_eq(r.pool->pages, 4);
	ck_assert_int_eq(poolrig_reclaim(&r, 3, &got), 0);
	ck_assert_uint_eq(got.evicted, 4);
	ck_assert_uint_eq(r.evicted[0], shortest);
	ck_assert_uint_eq(r.evicted[1], lone);
	ck_assert_uint_eq(r.evicted[2], p);
	ck_assert_uint_eq(r.evicted[3], q);
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), -EAGAIN);
	ck_assert_uint_eq(pool_bytes(r.pool, longest), 3904);
	poolrig_check(&r);
	poolrig_fini(&r);
}
END_TEST

START_TEST(the_rewrite_evicts_by_last_addition)
{
	struct pool_reclaimed got;
	struct poolrig r;
	uint32_t a, b;

	poolrig_init(&r, "zcache-zbud", NULL);
	a = poolrig_store(&r, 1900);
	b = poolrig_store(&r, 3000);
	poolrig_store(&r, 2000); /* beside a, whose page is younger now */
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), 0);
	ck_assert_uint_eq(got.evicted, 1);
	ck_assert_uint_eq(r.evicted[0], b);
	ck_assert_uint_eq(pool_bytes(r.pool, a), 1900);
	r.refuse_from = 1;
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), -EAGAIN);
	ck_assert_uint_eq(r.pool->pages, 1);
	poolrig_check(&r);
	poolrig_drop(&r, a);
	poolrig_drop(&r, 3);
	ck_assert_uint_eq(r.pool->pages, 0);
	poolrig_fini(&r);
}
END_TEST

static Suite *zcache_suite(void)
{
	Suite *s = suite_create("zcache_zbud");
	TCase *t = tcase_create("zcache_zbud");

	tcase_add_test(t, the_first_version_shares_62_chunks);
	tcase_add_test(t,
		       the_rewrite_shares_64_chunks_with_a_key_in_each_object);
	tcase_add_test(
		t, the_oldest_page_with_the_largest_fitting_object_is_taken);
	tcase_add_test(t,
		       the_first_version_keeps_empty_pages_until_it_is_asked);
	tcase_add_test(t,
		       the_first_version_evicts_short_lone_objects_then_pairs);
	tcase_add_test(t, the_rewrite_evicts_by_last_addition);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(zcache_suite());
}
