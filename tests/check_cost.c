/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "models/cost.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

/* A whole processor; line 1 is the summary. */
static const char *const good[] = {
	"summary   a toy",
	"clock     2GHz               [doc] manual",
	"l1_bytes  32KiB              [doc] manual",
	"l2_bytes  1MiB               [doc] manual",
	"l3_bytes  8MiB  4MiB..16MiB  [assumption] shared", /* 5 */
	"l1_load   4cyc               [meas] ring",
	"l2_load   7.5ns              [meas] ring",
	"l3_load   20ns  15ns..30ns   [fit] sums",
	"dram_load 0.1us 90ns..200ns  [assumption] guess # remark",
	"# a remark", /* 10 */
	"",
	"\tatomic  10.125ns [pub] somebody\r",
};
#define GOOD (sizeof(good) / sizeof(good[0]))

/* The lines, of which line @at (from 1; 0: none) is another, or is left out. */
static int parse(struct cost *c, unsigned at, const char *other,
		 struct err *err)
{
	char text[4096], *p = text;

	for (unsigned i = 0; i < GOOD; i++) {
		const char *line = i + 1 == at ? other : good[i];

		if (line)
			p += sprintf(p, "%s\n", line);
	}
	if (!at && other)
		p += sprintf(p, "%s\n", other);
	return cost_parse(c, "toy.conf", text, (size_t)(p - text), err);
}

START_TEST(every_count_and_tree_has_a_price_row)
{
	for (unsigned op = 0; op < METER_OP_COUNT; op++)
		ck_assert_msg(cost_covers((enum meter_op)op),
			      "%s has no row in models/tables/ops.def",
			      meter_op_name[op]);
	for (unsigned t = 0; t < METER_TREE_COUNT; t++)
		ck_assert_msg(cost_covers_tree((enum meter_tree)t),
			      "tree %s has no row in models/tables/ops.def",
			      meter_tree_name[t]);
}
END_TEST

START_TEST(numbers_are_read_with_their_units_and_ends)
{
	const struct cost_value *v;
	struct cost c;
	struct err err = {0};

	ck_assert_msg(!parse(&c, 0, NULL, &err), "%s", err.text);
	v = c.value;
	ck_assert_str_eq(c.summary, "a toy");
	ck_assert_uint_eq(v[COST_SIZE_CLOCK].end[COST_MID], 2000000);
	ck_assert_uint_eq(v[COST_SIZE_L1].end[COST_LOW], 32768);
	ck_assert_uint_eq(v[COST_SIZE_L3].end[COST_LOW], 4 << 20);
	ck_assert_uint_eq(v[COST_SIZE_L3].end[COST_HIGH], 16 << 20);
	ck_assert_uint_eq(v[PRIM_L1_LOAD].end[COST_MID], 2000000); /* 2 ns */
	ck_assert_uint_eq(v[PRIM_L2_LOAD].end[COST_HIGH], 7500000);
	ck_assert_uint_eq(v[PRIM_L3_LOAD].end[COST_LOW], 15000000);
	ck_assert_uint_eq(v[PRIM_L3_LOAD].evidence, EVIDENCE_FIT);
	ck_assert_uint_eq(v[PRIM_DRAM_LOAD].end[COST_MID], 100000000);
	ck_assert_uint_eq(v[PRIM_ATOMIC].end[COST_MID], 10125000);
	ck_assert_uint_eq(v[PRIM_ATOMIC].line, 12);
	/* what is not there is assumed, in cycles: 30 … 50 … 100 at 2 GHz */
	ck_assert_uint_eq(v[PRIM_LOCK].line, 0);
	ck_assert_uint_eq(v[PRIM_LOCK].evidence, EVIDENCE_ASSUMPTION);
	ck_assert_uint_eq(v[PRIM_LOCK].end[COST_LOW], 15000000);
	ck_assert_uint_eq(v[PRIM_LOCK].end[COST_MID], 25000000);
	ck_assert_uint_eq(v[PRIM_LOCK].end[COST_HIGH], 50000000);
	ck_assert_uint_eq(cost_cycles(&c, NS(1500)).v, 3000);
}
END_TEST

static const struct bad {
	unsigned at; /* line that is another one; 0: one is added */
	const char *line, *says;
} bad[] = {
	{1, NULL, "toy.conf: summary is missing"},
	{1, "summary", "toy.conf:1: summary: a text is missing"},
	{1, "summary a\tb", "toy.conf:1: summary: there is a control"},
	{0, "summary b", "toy.conf:13: summary: is there twice"},
	{2, NULL, "toy.conf: clock: is missing"},
	{5, NULL, "toy.conf: l3_bytes: is missing"},
	{0, "clock 2GHz [doc] x",
	 "toy.conf:13: clock: is there twice, first "
	 "in line 2"},
	{0, "atomik 2ns [doc] x",
	 "unknown number \"atomik\"; did you mean "
	 "\"atomic\"?"},
	{12, "atomic 2 [doc] x", "toy.conf:12: atomic: expected a time as"},
	{12, "atomic 2KiB [doc] x", "expected a time as"},
	{12, "atomic ns [doc] x", "expected a time as"},
	{12, "atomic -2ns [doc] x", "expected a time as"},
	{12, "atomic 1e3ns [doc] x", "expected a time as"},
	{12, "atomic 2.ns [doc] x", "expected a time as"},
	{12, "atomic 2.1234ns [doc] x", "expected a time as"},
	{12, "atomic 0ns [doc] x", "expected a time as"},
	{12, "atomic 10001us [doc] x", "expected a time as"},
	{12, "atomic 99999999999999999999ns [doc] x", "expected a time as"},
	{12, "atomic 2ns 1ns [doc] x", "atomic: expected LOW..HIGH or"},
	{12, "atomic 2ns 1ns..KiB [doc] x", "expected a time as"},
	{12, "atomic 2ns 3ns..4ns [fit] x",
	 "toy.conf:12: atomic: is not between its two ends"},
	{12, "atomic 2ns 1ns..1cyc [fit] x", "is not between its two ends"},
	{12, "atomic 2ns", "atomic: the evidence is missing"},
	{12, "atomic 2ns [hearsay] x", "atomic: the evidence is missing"},
	{12, "atomic 2ns [doc]", "atomic: the source is missing"},
	{12, "atomic 2ns [assumption] x", "two ends LOW..HIGH are missing"},
	{12, "atomic 2ns [fit] x", "two ends LOW..HIGH are missing"},
	{2, "clock 2596 [doc] x", "clock: expected a clock as"},
	{3, "l1_bytes 32 [doc] x", "l1_bytes: expected a size as"},
	{3, "l1_bytes 2MiB [doc] x", "l2_bytes: is less than of the level"},
	{7, "l2_load 1ns [doc] x", "l2_load: is less than of the level before"},
	{9, "dram_load 25ns [doc] x", "dram_load: is less than of the level"},
};

START_TEST(what_is_wrong_is_said_with_its_line)
{
	const struct bad *b = &bad[_i];
	struct err err = {0};
	struct cost c;
	int ret = parse(&c, b->at, b->line, &err);

	ck_assert_int_eq(ret, -EINVAL);
	ck_assert_msg(strstr(err.text, b->says), "\"%s\" does not say \"%s\"",
		      err.text, b->says);
}
END_TEST

START_TEST(a_nul_byte_is_found_in_its_line)
{
	char text[] = "summary a\nclock 2\0GHz\n";
	struct err err = {0};
	struct cost c;

	ck_assert_int_eq(
		cost_parse(&c, "toy.conf", text, sizeof(text) - 1, &err),
		-EINVAL);
	ck_assert_str_eq(err.text, "toy.conf:2: there is a NUL byte");
}
END_TEST

/* The deeper, the colder; the end of a tree waits for memory. */
START_TEST(nodes_cost_more_the_deeper_they_are)
{
	const uint64_t *v[COST_ENDS];
	struct cost c;

	ck_assert_int_eq(parse(&c, 0, NULL, NULL), 0);
	for (unsigned e = 0; e < COST_ENDS; e++) {
		v[e] = c.price[e].step_fs[TREE_UNSTABLE];
		for (unsigned d = 1; d < METER_DEPTHS; d++)
			ck_assert_uint_ge(v[e][d], v[e][d - 1]);
		/* all in L1, all in memory: three loads wait for each other */
		ck_assert_uint_eq(v[e][0],
				  c.value[PRIM_ITEM_PAGE].end[e] +
					  3 * c.value[PRIM_L1_LOAD].end[e]);
		ck_assert_uint_ge(v[e][31] + 100,
				  c.value[PRIM_ITEM_PAGE].end[e] +
					  3 * c.value[PRIM_DRAM_LOAD].end[e]);
	}
	/* 8 MiB are a thousand visits: depth 8 is there, depth 13 is not */
	ck_assert_uint_lt(v[COST_MID][8] -
				  c.value[PRIM_ITEM_PAGE].end[COST_MID],
			  3 * 21 * UINT64_C(1000000));
	ck_assert_uint_gt(v[COST_MID][13] -
				  c.value[PRIM_ITEM_PAGE].end[COST_MID],
			  3 * 80 * UINT64_C(1000000));
	/* walked just before: warm everywhere */
	ck_assert_uint_eq(c.price[COST_MID].step_fs[TREE_STABLE_AGAIN][20],
			  c.price[COST_MID].step_fs[TREE_STABLE_AGAIN][0]);
}
END_TEST

static void some_work(struct meter *m)
{
	meter_init(m, NULL);
	for (unsigned op = 0; op < METER_OP_COUNT; op++)
		meter_add(m, (enum meter_op)op, 1000 + op);
	for (unsigned t = 0; t < METER_TREE_COUNT; t++)
		for (uint32_t n = 1; n < 40; n++) {
			meter_walk(m, (enum meter_tree)t, n);
			meter_lines(m, n % 2 ? ORDER_WORDS : ORDER_SCATTERED,
				    (enum meter_tree)t, n - 1, 64 * n);
		}
}

START_TEST(groups_add_up_to_the_whole)
{
	struct meter m;
	struct cost c;

	ck_assert_int_eq(cost_load(&c, COST_DEFAULT, NULL), 0);
	some_work(&m);
	for (unsigned e = 0; e < COST_ENDS; e++) {
		uint64_t sum = 0,
			 all = cost_spent(&c, &m, COST_ALL, (enum cost_end)e).v;

		for (unsigned g = 0; g < COST_GROUPS; g++) {
			ns_t ns = cost_spent(&c, &m, (enum cost_group)g,
					     (enum cost_end)e);

			ck_assert_uint_gt(ns.v, 0);
			sum += ns.v;
		}
		ck_assert_uint_le(sum, all); /* each rounds down */
		ck_assert_uint_ge(sum + COST_GROUPS, all);
	}
}
END_TEST

START_TEST(results_hold_both_ends_of_each_group)
{
	struct rows rows;
	struct meter m;
	struct cost c;

	ck_assert_int_eq(cost_load(&c, COST_DEFAULT, NULL), 0);
	meter_init(&m, NULL);
	meter_add(&m, OP_FRAME_FREE, 10); /* 60 … 100 … 150 ns each */
	rows_init(&rows);
	cost_report(&c, &m, &rows);
	ck_assert_int_eq(rows_get(&rows, "cost", "ns", -1), 1000);
	ck_assert_int_eq(rows_get(&rows, "cost", "low_ns", -1), 600);
	ck_assert_int_eq(rows_get(&rows, "cost", "high_ns", -1), 1500);
	ck_assert_int_eq(rows_get(&rows, "cost", "allocation_ns", -1), 1000);
	ck_assert_int_eq(rows_get(&rows, "cost", "allocation_low_ns", -1), 600);
	ck_assert_int_eq(rows_get(&rows, "cost", "cycles", -1), 2596);
	ck_assert(!rows_has(&rows, "cost", "checksum_ns"));
	ck_assert(!rows.failed);
	rows_fini(&rows);
}
END_TEST

START_TEST(all_presets_are_sound)
{
	bool have_default = false;
	struct cost c;
	struct err err = {0};

	for (const struct cost_preset *p = cost_presets; p->name; p++) {
		ck_assert_msg(!cost_load(&c, p->name, &err), "%s", err.text);
		have_default |= !strcmp(p->name, COST_DEFAULT);
		for (unsigned f = 0; f < COST_FIELDS; f++)
			ck_assert_uint_gt(c.value[f].end[COST_LOW], 0);
	}
	ck_assert(have_default);
}
END_TEST

START_TEST(unknown_processors_are_named)
{
	struct err err = {0};
	struct cost c;

	ck_assert_int_eq(cost_load(&c, "epyc-zen5-wm", &err), -EINVAL);
	ck_assert_str_eq(err.text, "unknown processor \"epyc-zen5-wm\"; did "
				   "you mean \"epyc-zen5-vm\"?");
	err.text[0] = 0;
	ck_assert_int_lt(cost_load(&c, "/nowhere/x.conf", &err), 0);
	ck_assert(err.text[0]);
}
END_TEST

static int load(void *ctx)
{
	return cost_load(ctx, COST_DEFAULT, NULL);
}

START_TEST(running_out_of_memory_is_survived)
{
	struct cost c;

	fail_mem_walk(load, &c);
}
END_TEST

static Suite *cost_suite(void)
{
	Suite *s = suite_create("cost");
	TCase *t = tcase_create("cost");

	tcase_add_test(t, every_count_and_tree_has_a_price_row);
	tcase_add_test(t, numbers_are_read_with_their_units_and_ends);
	tcase_add_loop_test(t, what_is_wrong_is_said_with_its_line, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, a_nul_byte_is_found_in_its_line);
	tcase_add_test(t, nodes_cost_more_the_deeper_they_are);
	tcase_add_test(t, groups_add_up_to_the_whole);
	tcase_add_test(t, results_hold_both_ends_of_each_group);
	tcase_add_test(t, all_presets_are_sound);
	tcase_add_test(t, unknown_processors_are_named);
	tcase_add_test(t, running_out_of_memory_is_survived);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(cost_suite());
}
