/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "sim/base/prng.h"
#include "tests/support/main.h"

START_TEST(splitmix64_knows_the_published_numbers)
{
	const uint64_t golden = UINT64_C(0x9E3779B97F4A7C15);

	/* seed 0: the reference generator's first outputs */
	ck_assert_uint_eq(splitmix64(0), 0xe220a8397b1dcdaf);
	ck_assert_uint_eq(splitmix64(golden), 0x6e789e6aa1b965f4);
	ck_assert_uint_eq(splitmix64(2 * golden), 0x06c45d188009454f);
	/* seed 1234567 */
	ck_assert_uint_eq(splitmix64(1234567), 6457827717110365317u);
}
END_TEST

START_TEST(the_generator_is_xoshiro256_starstar)
{
	static const uint64_t known[] = {
		11520u,
		0u,
		1509978240u,
		1215971899390074240u,
		1216172134540287360u,
		607988272756665600u,
	};
	struct prng r = {{1, 2, 3, 4}};

	for (unsigned i = 0; i < 6; i++)
		ck_assert_uint_eq(prng_next(&r), known[i]);
}
END_TEST

START_TEST(a_stream_depends_on_seed_and_name_alone)
{
	struct prng a = prng_fork(1, "ksm"), b = prng_fork(1, "ksm");
	struct prng c = prng_fork(2, "ksm"), d = prng_fork(1, "ksl");
	struct prng e = prng_fork(1, ""), f = prng_fork(1, "ksm.scan");

	ck_assert_mem_eq(&a, &b, sizeof(a));
	ck_assert_mem_ne(&a, &c, sizeof(a));
	ck_assert_mem_ne(&a, &d, sizeof(a));
	ck_assert_mem_ne(&a, &e, sizeof(a));
	ck_assert_mem_ne(&a, &f, sizeof(a));
	/* two streams do not run along each other */
	for (int i = 0; i < 1000; i++)
		ck_assert_uint_ne(prng_next(&a), prng_next(&c));
}
END_TEST

START_TEST(below_stays_below_and_reaches_everything_evenly)
{
	struct prng r = prng_fork(1, "below");
	unsigned hits[7] = {0};

	for (int i = 0; i < 70000; i++)
		hits[prng_below(&r, 7)]++;
	/* 10000 expected, standard deviation 93 */
	for (int i = 0; i < 7; i++) {
		ck_assert_uint_gt(hits[i], 9400);
		ck_assert_uint_lt(hits[i], 10600);
	}
	ck_assert_uint_eq(prng_below(&r, 1), 0);
}
END_TEST

START_TEST(below_has_no_bias_where_the_range_does_not_divide)
{
	const uint64_t n = UINT64_C(3) << 62; /* 3/4 of all numbers */
	struct prng r = prng_fork(1, "bias");
	unsigned low = 0;

	/* x % n would put two thirds of the numbers into the first third */
	for (int i = 0; i < 30000; i++) {
		uint64_t x = prng_below(&r, n);

		ck_assert_uint_lt(x, n);
		low += x < n / 3;
	}
	ck_assert_uint_gt(low, 9500);
	ck_assert_uint_lt(low, 10500);
}
END_TEST

static Suite *prng_suite(void)
{
	Suite *s = suite_create("prng");
	TCase *t = tcase_create("numbers");

	tcase_add_test(t, splitmix64_knows_the_published_numbers);
	tcase_add_test(t, the_generator_is_xoshiro256_starstar);
	tcase_add_test(t, a_stream_depends_on_seed_and_name_alone);
	tcase_add_test(t, below_stays_below_and_reaches_everything_evenly);
	tcase_add_test(t, below_has_no_bias_where_the_range_does_not_divide);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(prng_suite());
}
