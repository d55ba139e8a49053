/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What zcache, frontswap and RAMster decide, beyond the vectors. */
#include "sim/pool/zcache.h"
#include "tests/support/main.h"
#include "tests/support/poolrig.h"

static int evict(void *ctx, uint32_t handle, uint32_t bytes)
{
	uint64_t *sum = ctx;

	(void)handle;
	*sum += bytes;
	return 0;
}

START_TEST(the_first_version_stops_at_three_quarters_of_memory)
{
	struct zcache_admission a;

	zcache_admission_init(&a, 100);
	ck_assert_uint_eq(a.pages_max, 75);
	for (int i = 0; i < 76; i++)
		ck_assert_int_eq(zcache_admit(&a, 100), ZCACHE_TAKEN);
	/* More than that many are stored. */
	ck_assert_int_eq(zcache_admit(&a, 100), ZCACHE_TOO_MANY);
	zcache_leave(&a, 100);
	ck_assert_int_eq(zcache_admit(&a, 100), ZCACHE_TAKEN);
	zcache_admission_init(&a, 0);
	for (int i = 0; i < 1000; i++)
		ck_assert_int_eq(zcache_admit(&a, 2560), ZCACHE_TAKEN);
	ck_assert_int_eq(zcache_admit(&a, 3584), ZCACHE_TAKEN);
	ck_assert_int_eq(zcache_admit(&a, 3585), ZCACHE_POOR);
}
END_TEST

START_TEST(the_mean_is_of_what_is_stored_now)
{
	struct zcache_admission a;

	zcache_admission_init(&a, 0);
	ck_assert_int_eq(zcache_admit(&a, 3500), ZCACHE_TAKEN);
	ck_assert_int_eq(zcache_admit(&a, 2561), ZCACHE_MEAN);
	zcache_leave(&a, 3500);
	ck_assert_int_eq(zcache_admit(&a, 2561), ZCACHE_TAKEN);
	ck_assert_uint_eq(a.bytes, 2561);
}
END_TEST

START_TEST(the_rewrites_shrinker_looks_at_the_kernels_list)
{
	uint64_t sum = 0;
	const struct pool_owner owner = {evict, &sum};
	struct pool_reclaimed got;
	struct poolrig r;

	poolrig_init(&r, "zcache-zbud", NULL);
	for (uint32_t i = 0; i < 10; i++)
		poolrig_store(&r, 3000 + i);
	ck_assert_int_eq(zcache_shrink_to(r.pool, 10, &owner, &got, &r.meter),
			 0);
	ck_assert_uint_eq(got.frames, 0);
	ck_assert_int_eq(zcache_shrink_to(r.pool, 7, &owner, &got, &r.meter),
			 0);
	ck_assert_uint_eq(got.frames, 3);
	ck_assert_uint_eq(sum, 3000 + 3001 + 3002);
	ck_assert_uint_eq(r.pool->pages, 7);
	ck_assert_int_eq(pool_check(r.pool, stderr), 0);
	poolrig_fini(&r);
}
END_TEST

START_TEST(frontswap_waits_for_three_ticks_without_growth)
{
	struct frontswap_shrink f = {0};
	uint64_t keep = 7;

	ck_assert(!frontswap_shrink_tick(&f, 0, &keep));
	ck_assert(!frontswap_shrink_tick(&f, 1000, &keep));
	ck_assert(!frontswap_shrink_tick(&f, 900, &keep));
	ck_assert(!frontswap_shrink_tick(&f, 900, &keep));
	ck_assert(frontswap_shrink_tick(&f, 900, &keep));
	ck_assert_uint_eq(keep, 855);
	/* Somebody swaps again: from the beginning. */
	ck_assert(!frontswap_shrink_tick(&f, 856, &keep) || keep < 856);
	ck_assert(!frontswap_shrink_tick(&f, 901, &keep));
	ck_assert(!frontswap_shrink_tick(&f, 901, &keep));
	ck_assert(!frontswap_shrink_tick(&f, 901, &keep));
	ck_assert(frontswap_shrink_tick(&f, 901, &keep));
}
END_TEST

START_TEST(handles_come_back_and_others_are_told_apart)
{
	struct ramster_page back;

	for (unsigned rewrite = 0; rewrite < 2; rewrite++)
		for (unsigned node = 0; node < 8; node++)
			for (unsigned bytes = 0; bytes < 4096; bytes += 65) {
				struct ramster_page p = {
					.node = (uint8_t)node,
					.sum = (uint8_t)(bytes * 7),
					.bytes = (uint16_t)bytes,
					.in_transit = bytes & 1,
				};
				uint32_t h = ramster_handle(&p, rewrite);

				ck_assert(ramster_page_of(h, rewrite, &back));
				ck_assert_uint_eq(back.node, p.node);
				ck_assert_uint_eq(back.sum, p.sum);
				ck_assert_uint_eq(back.bytes, p.bytes);
				ck_assert_int_eq(back.in_transit, p.in_transit);
			}
	/* Bit 0 tells tenants of a frame apart; a local page is not remote. */
	ck_assert(!ramster_page_of(0xAB1F400D, true, &back));
	ck_assert(!ramster_page_of(0xAB1F4008, true, &back));
	ck_assert(!ramster_page_of(UINT32_C(1) << 31 | 2, false, &back));
	ck_assert(!ramster_page_of(0, false, &back));
}
END_TEST

static Suite *zcache_suite(void)
{
	Suite *s = suite_create("zcache");
	TCase *t = tcase_create("decisions");

	tcase_add_test(t, the_first_version_stops_at_three_quarters_of_memory);
	tcase_add_test(t, the_mean_is_of_what_is_stored_now);
	tcase_add_test(t, the_rewrites_shrinker_looks_at_the_kernels_list);
	tcase_add_test(t, frontswap_waits_for_three_ticks_without_growth);
	tcase_add_test(t, handles_come_back_and_others_are_told_apart);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(zcache_suite());
}
