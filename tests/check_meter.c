/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "sim/base/prng.h"
#include "sim/core/meter.h"
#include "tests/support/main.h"

#define NS_FS UINT64_C(1000000) /* femtoseconds per nanosecond */

START_TEST(a_new_meter_is_empty_and_never_done)
{
	static const struct meter_prices free_of_charge;
	uint64_t steps[METER_DEPTHS];
	struct meter m;

	memset(&m, 0xff, sizeof(m));
	meter_init(&m, &free_of_charge);
	for (unsigned i = 0; i < METER_OP_COUNT; i++)
		ck_assert_uint_eq(m.count[i], 0);
	ck_assert_uint_eq(meter_steps(&m, TREE_STABLE, steps), 0);
	ck_assert_uint_eq(meter_walks(&m, TREE_UNSTABLE), 0);
	ck_assert_uint_eq(meter_spent(&m).v, 0);
	ck_assert(!meter_done(&m));
}
END_TEST

START_TEST(counts_add_up_each_on_its_own)
{
	struct meter m;

	meter_init(&m, NULL);
	for (unsigned i = 0; i < METER_OP_COUNT; i++) {
		meter_add(&m, (enum meter_op)i, i + 1);
		meter_add(&m, (enum meter_op)i, 100);
	}
	for (unsigned i = 0; i < METER_OP_COUNT; i++)
		ck_assert_uint_eq(m.count[i], i + 101);
	/* without prices all is free */
	ck_assert_uint_eq(meter_spent(&m).v, 0);
}
END_TEST

/* Walks of random lengths against steps counted one by one. */
START_TEST(steps_by_depth_are_those_of_the_walks)
{
	struct prng r = prng_fork(test_seed(1), "walks");
	uint64_t want[METER_DEPTHS] = {0}, got[METER_DEPTHS], sum = 0;
	struct meter m;

	meter_init(&m, NULL);
	for (unsigned walk = 0; walk < 1000; walk++) {
		uint32_t nodes = (uint32_t)prng_below(&r, 60);

		meter_walk(&m, TREE_UNSTABLE, nodes);
		for (uint32_t d = 0; d < nodes; d++)
			want[d < METER_DEPTHS ? d : METER_DEPTHS - 1]++;
		sum += nodes;
	}
	ck_assert_uint_eq(meter_steps(&m, TREE_UNSTABLE, got), sum);
	ck_assert_mem_eq(got, want, sizeof(want));
	ck_assert_uint_eq(meter_walks(&m, TREE_UNSTABLE), 1000);
	ck_assert_uint_eq(meter_walks(&m, TREE_STABLE), 0);
	ck_assert_uint_eq(meter_steps(&m, TREE_STABLE, got), 0);
}
END_TEST

START_TEST(a_walk_fills_the_last_bin_exactly)
{
	uint64_t steps[METER_DEPTHS];
	struct meter m;

	meter_init(&m, NULL);
	meter_walk(&m, TREE_STABLE, METER_DEPTHS);
	ck_assert_uint_eq(meter_steps(&m, TREE_STABLE, steps), METER_DEPTHS);
	ck_assert_uint_eq(steps[METER_DEPTHS - 1], 1);
	meter_walk(&m, TREE_STABLE, METER_DEPTHS + 1);
	ck_assert_uint_eq(meter_steps(&m, TREE_STABLE, steps),
			  2 * METER_DEPTHS + 1);
	ck_assert_uint_eq(steps[METER_DEPTHS - 1], 3);
	ck_assert_uint_eq(steps[0], 2);
}
END_TEST

START_TEST(fractions_of_a_nanosecond_add_up)
{
	struct meter_prices p = {.op_fs = {0}};
	struct meter m;

	p.op_fs[OP_CMP] = NS_FS / 3; /* 333333 fs */
	p.op_fs[OP_CHECKSUM] = 2 * NS_FS + NS_FS / 2;
	p.step_fs[TREE_STABLE][1] = NS_FS / 4;
	meter_init(&m, &p);
	meter_add(&m, OP_CMP, 3); /* one fs short of 1 ns */
	ck_assert_uint_eq(meter_spent(&m).v, 0);
	meter_add(&m, OP_CHECKSUM, 2); /* 5 ns */
	ck_assert_uint_eq(meter_spent(&m).v, 5);
	for (int i = 0; i < 6; i++) /* 1.5 ns at depth 1, nothing at 0 */
		meter_walk(&m, TREE_STABLE, 2);
	ck_assert_uint_eq(meter_spent(&m).v, 7);
	meter_walk(&m, TREE_UNSTABLE, 20);
	ck_assert_uint_eq(meter_spent(&m).v, 7);
}
END_TEST

START_TEST(a_long_run_does_not_overflow)
{
	struct meter_prices p;
	struct meter m;

	/* each count 10^12, each price 1000.999999 ns: the products in fs do
	 * not fit in 64 bits, the sum in ns does */
	for (unsigned i = 0; i < METER_OP_COUNT; i++)
		p.op_fs[i] = 1001 * NS_FS - 1;
	for (unsigned t = 0; t < METER_TREE_COUNT; t++)
		for (unsigned d = 0; d < METER_DEPTHS; d++)
			p.step_fs[t][d] = 0;
	meter_init(&m, &p);
	for (unsigned i = 0; i < METER_OP_COUNT; i++)
		meter_add(&m, (enum meter_op)i, UINT64_C(1000000000000));
	ck_assert_uint_eq(meter_spent(&m).v,
			  METER_OP_COUNT *
				  (UINT64_C(1001000000000000) - 1000000));
}
END_TEST

START_TEST(the_turn_ends_when_the_limit_is_reached)
{
	struct meter_prices p = {.op_fs = {0}};
	struct meter m;

	p.op_fs[OP_PAGE_VISIT] = 10 * NS_FS;
	meter_init(&m, &p);
	m.limit = NS(25);
	meter_add(&m, OP_PAGE_VISIT, 2);
	ck_assert(!meter_done(&m));
	meter_add(&m, OP_PAGE_VISIT, 1);
	ck_assert(meter_done(&m));
	m.limit = NS(30);
	ck_assert(meter_done(&m));
	m.limit = NS_NEVER;
	ck_assert(!meter_done(&m));
}
END_TEST

START_TEST(each_count_has_a_name_of_its_own_a_unit_and_help)
{
	for (unsigned i = 0; i < METER_OP_COUNT; i++) {
		ck_assert_str_ne(meter_op_name[i], "");
		ck_assert_str_ne(meter_op_unit[i], "");
		ck_assert_str_ne(meter_op_help[i], "");
		for (unsigned j = 0; j < i; j++)
			ck_assert_str_ne(meter_op_name[i], meter_op_name[j]);
	}
	ck_assert_str_eq(meter_op_name[OP_CMP_BYTES], "cmp_bytes");
	ck_assert_str_eq(meter_tree_name[TREE_UNSTABLE], "unstable");
}
END_TEST

START_TEST(sums_hold_all_counts_of_both)
{
	struct meter a, b;

	meter_init(&a, NULL);
	meter_init(&b, NULL);
	meter_add(&a, OP_CMP, 3);
	meter_add(&b, OP_CMP, 4);
	meter_add(&b, METER_OP_COUNT - 1, 5);
	meter_walk(&a, TREE_STABLE, 2);
	meter_walk(&b, TREE_STABLE, 2);
	meter_walk(&b, TREE_UNSTABLE, METER_DEPTHS + 7);
	meter_sum(&a, &b);
	ck_assert_uint_eq(a.count[OP_CMP], 7);
	ck_assert_uint_eq(a.count[METER_OP_COUNT - 1], 5);
	ck_assert_uint_eq(a.walk[TREE_STABLE][2], 2);
	ck_assert_uint_eq(a.walk[TREE_UNSTABLE][METER_DEPTHS], 1);
	ck_assert_uint_eq(a.deeper[TREE_UNSTABLE], 7);
	ck_assert_uint_eq(b.count[OP_CMP], 4);
}
END_TEST

/* Depth 0 and 40 of a tree, in two orders; prices are told apart by digits. */
START_TEST(lines_behind_the_first_are_priced_by_depth_and_order)
{
	static struct meter_prices p;
	struct meter m, sum;

	for (unsigned o = 0; o < METER_ORDER_COUNT; o++)
		for (unsigned d = 0; d < METER_DEPTHS; d++)
			p.line_fs[o][TREE_STABLE][d] =
				(o + 1) * (d ? 1000 : 1) * NS_FS;
	meter_init(&m, &p);
	meter_walk(&m, TREE_STABLE, 41);
	meter_lines(&m, ORDER_WORDS, TREE_STABLE, 0, 64); /* the first alone */
	ck_assert_uint_eq(meter_spent(&m).v, 0);
	meter_lines(&m, ORDER_WORDS, TREE_STABLE, 0, 65);
	meter_lines(&m, ORDER_WORDS, TREE_STABLE, 40, 4096);
	meter_lines(&m, ORDER_SCATTERED, TREE_STABLE, 0, 129);
	ck_assert_uint_eq(m.line[ORDER_WORDS][TREE_STABLE][METER_DEPTHS - 1],
			  63);
	ck_assert_uint_eq(meter_spent(&m).v, 1 + 63000 + 2 * 3);
	meter_init(&sum, &p);
	meter_sum(&sum, &m);
	meter_sum(&sum, &m);
	ck_assert_uint_eq(meter_spent(&sum).v, 2 * meter_spent(&m).v);
	ck_assert_uint_eq(meter_spent_at(&m, NULL).v, 0);
}
END_TEST

static Suite *meter_suite(void)
{
	Suite *s = suite_create("meter");
	TCase *t = tcase_create("counts");

	tcase_add_test(t, a_new_meter_is_empty_and_never_done);
	tcase_add_test(t, counts_add_up_each_on_its_own);
	tcase_add_test(t, steps_by_depth_are_those_of_the_walks);
	tcase_add_test(t, a_walk_fills_the_last_bin_exactly);
	tcase_add_test(t, fractions_of_a_nanosecond_add_up);
	tcase_add_test(t, a_long_run_does_not_overflow);
	tcase_add_test(t, the_turn_ends_when_the_limit_is_reached);
	tcase_add_test(t, each_count_has_a_name_of_its_own_a_unit_and_help);
	tcase_add_test(t, sums_hold_all_counts_of_both);
	tcase_add_test(t, lines_behind_the_first_are_priced_by_depth_and_order);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(meter_suite());
}
