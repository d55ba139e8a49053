/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Laws that every registered pool keeps, with each of its choices of options.
 */
#include <errno.h>
#include <string.h>

#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/poolmap.h"
#include "tests/support/poolrig.h"

static const struct {
	const char *pool, *set;
} kinds[] = {
	{"zsmalloc", NULL},
	{"zsmalloc", "generation=3.3"},
	{"zsmalloc", "generation=6.1"},
	{"zsmalloc", "generation=6.3 chain=5 victim=oldest"},
	{"zsmalloc", "generation=6.4 chain=16 victim=emptiest"},
	{"zbud", NULL},
	{"z3fold", NULL},
	{"xvmalloc", NULL},
	{"zcache-zbud", "version=zcache"},
	{"zcache-zbud", "version=rewrite"},
};
#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

static void start(struct poolrig *r, int kind)
{
	poolrig_init(r, kinds[kind].pool, kinds[kind].set);
}

START_TEST(every_pool_is_tried_here)
{
	for (size_t i = 0; pools[i]; i++) {
		int k = 0;

		while (k < KINDS && strcmp(kinds[k].pool, pools[i]->name))
			k++;
		ck_assert_msg(k < KINDS, "%s is not", pools[i]->name);
	}
}
END_TEST

START_TEST(every_table_of_operations_is_whole)
{
	for (size_t i = 0; pools[i]; i++) {
		struct err err = {0};
		struct pool_ops broken = *pools[i];
		int ret = pool_check_ops(pools[i], &err);

		ck_assert_msg(!ret, "%s", err.text);
		ck_assert_ptr_eq(pool_find(pools[i]->name, &err), pools[i]);
		broken.free = NULL;
		ck_assert_int_eq(pool_check_ops(&broken, &err), -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.text, "lacks free"));
	}
}
END_TEST

START_TEST(an_unknown_pool_is_refused_with_the_nearest_name)
{
	struct err err = {0};

	ck_assert_ptr_null(pool_find("zsmaloc", &err));
	ck_assert_str_eq(err.text,
			 "no pool \"zsmaloc\"; did you mean \"zsmalloc\"?");
	err.text[0] = '\0';
	ck_assert_ptr_null(pool_find("heap of stones", &err));
	ck_assert_str_eq(err.text, "no pool \"heap of stones\"; `dedupsim "
				   "list pools` names them all");
}
END_TEST

START_TEST(destroying_nothing_is_fine)
{
	pool_destroy(NULL);
}
END_TEST

START_TEST(lengths_of_0_and_of_more_than_a_page_are_refused)
{
	static const uint32_t wrong[] = {0, 4097, UINT32_MAX};
	struct poolrig r;
	char want[256];
	uint32_t h;

	start(&r, _i);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		r.err.text[0] = '\0';
		ck_assert_int_eq(
			pool_alloc(r.pool, wrong[i], &h, &r.meter, &r.err),
			-EINVAL);
		if (wrong[i])
			snprintf(want, sizeof(want),
				 "%s: an object of %" PRIu32
				 " bytes is longer than a page",
				 kinds[_i].pool, wrong[i]);
		else
			snprintf(want, sizeof(want), "%s: an object of 0 bytes",
				 kinds[_i].pool);
		ck_assert_str_eq(r.err.text, want);
	}
	ck_assert_uint_eq(r.pool->pages, 0);
	ck_assert_uint_eq(r.pool->objects.count, 0);
	poolrig_check(&r);
	poolrig_fini(&r);
}
END_TEST

START_TEST(each_length_is_stored_alone_and_given_back)
{
	struct poolrig r;

	start(&r, _i);
	for (uint32_t len = 1; len <= r.pool->bytes_max; len++) {
		uint32_t h = 0, frames;
		struct pool_place place;
		int ret = pool_alloc(r.pool, len, &h, &r.meter, NULL);

		if (ret == -ENOSPC && !strcmp(kinds[_i].pool, "xvmalloc")) {
			ck_assert_uint_gt(len, 4088);
			continue;
		}
		ck_assert_int_eq(ret, 0);
		ck_assert_uint_eq(pool_bytes(r.pool, h), len);
		pool_where(r.pool, h, &place);
		for (frames = 0; frames < place.parts; frames++)
			len -= place.part[frames].bytes;
		ck_assert_uint_eq(len, 0);
		len = pool_bytes(r.pool, h);
		pool_free(r.pool, h, &r.meter);
		ck_assert_uint_eq(pool_bytes(r.pool, h), 0);
	}
	ck_assert_uint_eq(r.pool->objects.count, 0);
	ck_assert_uint_eq(r.pool->asked_bytes, 0);
	poolrig_check(&r);
	poolrig_fini(&r);
}
END_TEST

START_TEST(the_rows_are_what_the_owner_knows)
{
	struct prng rng = prng_fork(3, "rows");
	uint64_t bytes = 0, sum = 0, lost[POOL_LOSS_COUNT];
	struct poolrig r;

	start(&r, _i);
	for (int i = 0; i < 500; i++) {
		uint32_t len = 1 + (uint32_t)prng_below(&rng, 3900);

		poolrig_store(&r, len);
		bytes += len;
	}
	ck_assert_int_eq(poolrig_row(&r, "pool", "objects"), 500);
	ck_assert_int_eq(poolrig_row(&r, "pool", "asked_bytes"),
			 (int64_t)bytes);
	ck_assert_int_eq(poolrig_row(&r, "pool", "pages"),
			 (int64_t)r.pool->pages);
	ck_assert_uint_eq(r.pool->pages, r.pool->pages_peak);
	pool_lost(r.pool, lost);
	for (unsigned i = 0; i < POOL_LOSS_COUNT; i++) {
		sum += lost[i];
		ck_assert_int_eq(poolrig_row(&r, "pool", pool_loss_name[i]),
				 (int64_t)lost[i]);
	}
	ck_assert_uint_eq(sum + bytes, r.pool->pages * 4096);
	ck_assert_uint_eq(r.meter.count[OP_OBJ_STORE], 500);
	ck_assert_uint_eq(r.meter.count[OP_POOL_PAGE], r.pool->pages);
	poolrig_fini(&r);
}
END_TEST

START_TEST(handles_are_met_once_each_in_order)
{
	struct poolrig r;
	uint32_t last = 0, n = 0;

	start(&r, _i);
	for (int i = 0; i < 300; i++)
		poolrig_store(&r, 700);
	for (uint32_t h = 1; h <= 300; h += 3)
		poolrig_drop(&r, h);
	for (uint32_t h = 0; (h = pool_next(r.pool, h)); n++) {
		ck_assert_uint_gt(h, last);
		ck_assert_uint_ne(h % 3, 1);
		last = h;
	}
	ck_assert_uint_eq(n, 200);
	ck_assert_uint_eq(last, 300);
	poolrig_fini(&r);
}
END_TEST

START_TEST(opening_an_object_is_counted)
{
	struct poolrig r;

	start(&r, _i);
	for (int i = 0; i < 50; i++)
		poolrig_store(&r, 3000);
	for (uint32_t h = 1; h <= 50; h++)
		pool_reach(r.pool, h, POOL_READ, &r.meter);
	ck_assert_uint_eq(r.meter.count[OP_OBJ_REACH], 50);
	if (strcmp(kinds[_i].pool, "zsmalloc"))
		ck_assert_uint_eq(r.meter.count[OP_OBJ_SPLIT], 0);
	else
		ck_assert_uint_gt(r.meter.count[OP_OBJ_SPLIT], 10);
	poolrig_fini(&r);
}
END_TEST

/* Owner's copy of who is stored, to compare with what reclaim says. */
START_TEST(reclaim_gives_back_what_it_says)
{
	struct prng rng = prng_fork(4, "reclaim");
	uint64_t pages, objects, bytes;
	struct pool_reclaimed got;
	struct poolrig r;
	int ret;

	start(&r, _i);
	for (int i = 0; i < 2000; i++)
		poolrig_store(&r, 1 + (uint32_t)prng_below(&rng, 3900));
	for (uint32_t h = 1; h <= 2000; h += 2)
		poolrig_drop(&r, h);
	for (int step = 0; step < 20; step++) {
		pages = r.pool->pages;
		objects = r.pool->objects.count;
		bytes = r.pool->asked_bytes;
		ret = poolrig_reclaim(&r, 10, &got);
		ck_assert_uint_eq(r.pool->pages, pages - got.frames);
		ck_assert_uint_eq(r.pool->objects.count, objects - got.evicted);
		ck_assert_uint_eq(r.pool->asked_bytes,
				  bytes - got.evicted_bytes);
		ck_assert_int_eq(ret == 0, got.frames >= 10);
		poolrig_check(&r);
	}
	ck_assert_uint_eq(r.nevicted, r.pool->totals.evicted);
	ck_assert_uint_eq(r.meter.count[OP_OBJ_EVICT], r.nevicted);
	poolrig_fini(&r);
}
END_TEST

START_TEST(a_pool_whose_owner_refuses_all_stays_as_it_is)
{
	struct pool_reclaimed got;
	uint64_t objects, bytes;
	struct poolrig r;
	int ret;

	start(&r, _i);
	for (int i = 0; i < 100; i++)
		poolrig_store(&r, 1500);
	objects = r.pool->objects.count;
	bytes = r.pool->asked_bytes;
	r.refuse_from = 0;
	ret = poolrig_reclaim(&r, 1, &got);
	ck_assert(ret == -EAGAIN || ret == -EOPNOTSUPP);
	ck_assert_uint_eq(got.frames, 0);
	ck_assert_uint_eq(r.pool->objects.count, objects);
	ck_assert_uint_eq(r.pool->asked_bytes, bytes);
	poolrig_check(&r);
	ret = pool_reclaim(r.pool, 1, NULL, &got, &r.meter);
	ck_assert_int_ne(ret, 0);
	poolrig_check(&r);
	poolrig_fini(&r);
}
END_TEST

/* Everything that allocates; each failure leaves a sound pool behind. */
static int some_stores(void *ctx)
{
	const int *kind = ctx;
	struct poolrig r;
	int ret = poolrig_new(&r, kinds[*kind].pool, kinds[*kind].set);
	uint32_t h;

	for (uint32_t i = 0; i < 400 && !ret; i++) {
		uint64_t pages = r.pool->pages;
		uint32_t n = r.pool->objects.count;

		ret = pool_alloc(r.pool, 1 + i * 9, &h, &r.meter, &r.err);
		if (ret) {
			ck_assert_uint_eq(r.pool->pages, pages);
			ck_assert_uint_eq(r.pool->objects.count, n);
			ck_assert_int_eq(pool_check(r.pool, stdout), 0);
		} else if (i % 3 == 2) {
			pool_free(r.pool, h, &r.meter);
		}
	}
	poolrig_fini(&r);
	return ret;
}

START_TEST(the_nth_allocation_fails)
{
	uint64_t n = fail_mem_walk(some_stores, &_i);

	ck_assert_uint_gt(n, 3);
}
END_TEST

/* Same operations, same places: 2000 random ones, twice. */
static uint64_t fingerprint(int kind, uint64_t seed)
{
	struct prng rng = prng_fork(seed, "twice");
	struct pool_reclaimed got;
	struct pool_place p;
	struct poolrig r;
	uint64_t sum = 0;

	start(&r, kind);
	for (int i = 0; i < 2000; i++) {
		uint32_t h = 1 + (uint32_t)prng_below(&rng, 600);

		if (pool_bytes(r.pool, h)) {
			poolrig_drop(&r, h);
			continue;
		}
		h = poolrig_store(&r, 1 + (uint32_t)prng_below(&rng, 3900));
		pool_where(r.pool, h, &p);
		sum = splitmix64(sum ^ h ^ p.part[0].frame << 12 ^
				 p.part[0].offset);
		if (i % 500 == 0)
			poolrig_reclaim(&r, 3, &got);
	}
	poolrig_fini(&r);
	return sum;
}

START_TEST(equal_operations_give_equal_places)
{
	ck_assert_uint_eq(fingerprint(_i, 1), fingerprint(_i, 1));
	ck_assert_uint_ne(fingerprint(_i, 1), fingerprint(_i, 2));
}
END_TEST

START_TEST(no_two_objects_overlap)
{
	struct prng rng = prng_fork(6, "apart");
	struct poolmap map;
	struct poolrig r;

	start(&r, _i);
	poolmap_init(&map);
	for (int i = 0; i < 3000; i++) {
		uint32_t h = 1 + (uint32_t)prng_below(&rng, 500);

		if (pool_bytes(r.pool, h))
			poolrig_drop(&r, h);
		else
			poolrig_store(&r, 1 + (uint32_t)prng_below(&rng, 3900));
		if (i % 100 == 0) {
			poolmap_follow(&map, r.pool);
			pool_compact(r.pool, &r.meter);
			poolmap_follow(&map, r.pool);
			poolmap_verify(&map, r.pool);
			poolrig_check(&r);
		}
	}
	poolmap_fini(&map);
	poolrig_fini(&r);
}
END_TEST

static Suite *contract_pool_suite(void)
{
	Suite *s = suite_create("contract_pool");
	TCase *t = tcase_create("contract_pool");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, every_pool_is_tried_here);
	tcase_add_test(t, every_table_of_operations_is_whole);
	tcase_add_test(t, an_unknown_pool_is_refused_with_the_nearest_name);
	tcase_add_test(t, destroying_nothing_is_fine);
	tcase_add_loop_test(t, lengths_of_0_and_of_more_than_a_page_are_refused,
			    0, KINDS);
	tcase_add_loop_test(t, each_length_is_stored_alone_and_given_back, 0,
			    KINDS);
	tcase_add_loop_test(t, the_rows_are_what_the_owner_knows, 0, KINDS);
	tcase_add_loop_test(t, handles_are_met_once_each_in_order, 0, KINDS);
	tcase_add_loop_test(t, opening_an_object_is_counted, 0, KINDS);
	tcase_add_loop_test(t, reclaim_gives_back_what_it_says, 0, KINDS);
	tcase_add_loop_test(t, a_pool_whose_owner_refuses_all_stays_as_it_is, 0,
			    KINDS);
	tcase_add_loop_test(t, the_nth_allocation_fails, 0, KINDS);
	tcase_add_loop_test(t, equal_operations_give_equal_places, 0, KINDS);
	tcase_add_loop_test(t, no_two_objects_overlap, 0, KINDS);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(contract_pool_suite());
}
