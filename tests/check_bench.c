/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suites, medians, forms of results, and what the gate lets through.
 */
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "sim/base/prng.h"
#include "bench/bench.h"
#include "bench/gate.h"
#include "bench/pages.h"
#include "bench/suite.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

/* ---- medians ---- */

START_TEST(the_median_of_an_even_number_lies_between_the_middle_two)
{
	double odd[] = {5, 1, 3}, even[] = {4, 1, 3, 100};

	ck_assert_double_eq(stats_median(odd, 3), 3);
	ck_assert_double_eq(stats_median(even, 4), 3.5);
}
END_TEST

START_TEST(an_interval_holds_the_median_and_equal_values_leave_none)
{
	const double v[] = {10, 11, 9, 10.5, 30};
	const double same[] = {7, 7, 7};
	struct interval a = stats_interval(v, 5, 1);
	struct interval b = stats_interval(v, 5, 1);

	ck_assert_double_eq(a.median, 10.5);
	ck_assert(a.low >= 9 && a.low <= 10.5);
	ck_assert(a.high >= 10.5 && a.high <= 30);
	ck_assert(a.low < a.high);
	ck_assert_mem_eq(&a, &b, sizeof(a));
	a = stats_interval(same, 3, 1);
	ck_assert_double_eq(a.low, 7);
	ck_assert_double_eq(a.high, 7);
}
END_TEST

START_TEST(about_95_of_100_intervals_hold_the_true_median)
{
	struct prng r = prng_fork(test_seed(4), "interval");
	unsigned held = 0;

	for (unsigned i = 0; i < 400; i++) {
		double v[15];
		struct interval in;

		for (unsigned k = 0; k < 15; k++)
			v[k] = (double)prng_below(&r, 1000001);
		in = stats_interval(v, 15, i);
		held += in.low <= 500000 && in.high >= 500000;
	}
	ck_assert_uint_ge(held, 360);
	ck_assert_uint_le(held, 399);
}
END_TEST

START_TEST(what_slows_both_of_a_pair_does_not_change_the_ratio)
{
	const double ours[] = {1, 10, 100}, theirs[] = {20, 200, 2000};
	struct interval in = stats_ratio(theirs, ours, 3, 1);

	ck_assert_double_eq_tol(in.low, 20, 1e-9);
	ck_assert_double_eq_tol(in.high, 20, 1e-9);
}
END_TEST

/* ---- suites ---- */

static int parse(const char *text, struct suite *s, struct err *err)
{
	*err = (struct err){0};
	return suite_parse(s, "t.run", text, strlen(text), err);
}

START_TEST(a_line_is_a_kind_and_its_options)
{
	struct suite s;
	struct err err;

	ck_assert_int_eq(parse("# c\n\nvisits kind=last8 pages=0x1000 # x\n"
			       "  visits",
			       &s, &err),
			 0);
	ck_assert_uint_eq(s.n, 2);
	ck_assert_str_eq(s.line[0].label, "visits/last8/4096");
	ck_assert_str_eq(s.line[1].label, "visits/unique/65536");
	suite_fini(&s);
}
END_TEST

static const struct {
	const char *text, *said;
} bad[] = {
	{"visitz",
	 "t.run:1: no experiment \"visitz\"; did you mean \"visits\"?"},
	{"visits\nvisits kind=lost8", "t.run:2: "},
	{"visits\n\nvisits pages=3", "t.run:3: "},
	{"visits pages", "t.run:1: \"pages\": expected KEY=VALUE"},
	{"visits =3", "t.run:1: \"=3\": expected KEY=VALUE"},
	{"visits page=3", "t.run:1: "},
	{"visits kind=crowded pages=6", "t.run:1: crowded: "},
	{"visits floor=3", "t.run:1: floor needs ksmd=1"},
	{"visits\nvisits", "t.run:2: visits/unique/65536 is there twice"},
	{"replay", "t.run:1: one of trace= and workload="},
	{"replay trace=a engine=kms", "t.run:1: "},
	{"replay trace=a until=never", "t.run:1: --until"},
};

START_TEST(a_bad_line_is_named)
{
	struct suite s;
	struct err err;

	ck_assert_int_eq(parse(bad[_i].text, &s, &err), -EINVAL);
	ck_assert_msg(!strncmp(err.text, bad[_i].said, strlen(bad[_i].said)),
		      "said: %s", err.text);
	ck_assert_ptr_null(s.text);
}
END_TEST

START_TEST(a_suite_is_bounded)
{
	static char text[SUITE_BYTES_MAX + 2];
	struct suite s;
	struct err err;
	char *p = text;

	memset(text, '#', sizeof(text) - 1);
	ck_assert_int_eq(parse(text, &s, &err), -EFBIG);
	for (unsigned i = 0; i <= SUITE_LINES_MAX; i++)
		p += sprintf(p, "visits pages=%u\n", i + 8);
	ck_assert_int_eq(parse(text, &s, &err), -E2BIG);
	p = text + sprintf(text, "visits");
	for (unsigned i = 0; i < SUITE_WORDS_MAX; i++)
		p += sprintf(p, " pages=8");
	ck_assert_int_eq(parse(text, &s, &err), -E2BIG);
}
END_TEST

START_TEST(every_suite_of_the_program_parses)
{
	size_t n = 0;

	for (; bench_presets[n].name; n++) {
		struct err err = {0};
		struct suite s;

		ck_assert_msg(!suite_find(&s, bench_presets[n].name, &err),
			      "%s", err.text);
		ck_assert_uint_gt(s.n, 0);
		suite_fini(&s);
	}
	ck_assert_uint_ge(n, 2);
}
END_TEST

static int parse_some(void *ctx)
{
	struct suite s;
	int ret = suite_parse(&s, "t", ctx, strlen(ctx), NULL);

	if (!ret)
		suite_fini(&s);
	return ret;
}

START_TEST(a_failed_allocation_leaves_no_suite)
{
	char text[] = "visits\nvisits kind=same\nreplay trace=x";

	fail_mem_walk(parse_some, text);
}
END_TEST

/* ---- experiments ---- */

static int run_exact(void *ctx)
{
	struct suite s;
	struct bench b;
	int ret = suite_parse(&s, "t", ctx, strlen(ctx), NULL);

	if (ret)
		return ret;
	bench_init(&b);
	b.mode = BENCH_EXACT;
	for (size_t i = 0; i < s.n && !ret; i++) {
		b.label = s.line[i].label;
		ret = s.line[i].ops->run(&b, s.line[i].opts, NULL);
	}
	if (!ret && b.metrics.failed)
		ret = -ENOMEM;
	ck_assert(!b.wrong);
	bench_fini(&b);
	suite_fini(&s);
	return ret;
}

START_TEST(experiments_survive_each_failed_allocation)
{
	static const char *const text[] = {
		"visits kind=crowded pages=16",
		"replay workload=number-crunch:processes=1,tables=1,"
		"table_size=16KiB,passes=1 until=scans=2",
	};
	char copy[128];

	snprintf(copy, sizeof(copy), "%s", text[_i]);
	fail_mem_walk(run_exact, copy);
}
END_TEST

START_TEST(a_wrong_counter_is_told_and_gives_no_figure)
{
	struct bench b;

	bench_init(&b);
	b.label = "visits/x";
	bench_wrong(&b, "%s is %d, not %d", "pages_shared", 1, 2);
	ck_assert(b.wrong);
	ck_assert_str_eq(b.metrics.notes,
			 "WRONG visits/x: pages_shared is 1, not 2\n");
	ck_assert_uint_eq(b.metrics.n, 0);
	bench_fini(&b);
}
END_TEST

/* ---- pages ---- */

START_TEST(what_is_expected_of_pages_is_what_counting_them_gives)
{
	for (unsigned kind = 0; kind < PAGES_KINDS; kind++)
		for (uint64_t n = 4; n < 1400; n += 4) {
			uint32_t seen[1400] = {0};
			struct pages_counts c =
				pages_expect((enum pages_kind)kind, n);
			struct pages_counts is = {0};

			for (uint64_t i = 0; i < n; i++)
				seen[pages_content((enum pages_kind)kind, n,
						   i)]++;
			ck_assert_uint_eq(seen[0], 0);
			for (unsigned id = 1; id < 1400; id++) {
				uint32_t k = seen[id];
				uint32_t copies = (k + 255) / 256;

				is.contents += k > 0;
				is.unshared += k == 1;
				is.shared += k > 1 ? copies : 0;
				is.sharing += k > 1 ? k - copies : 0;
			}
			ck_assert_msg(!memcmp(&c, &is, sizeof(c)), "%s, %d",
				      pages_kind_name[kind], (int)n);
		}
}
END_TEST

/* ---- the gate ---- */

#define SCHEMA "{\"schema\":\"dedupsim.bench/1\","

static const struct {
	const char *text;
	size_t findings, compared, fresh, other, not_run;
	const char *said;
} gates[] = {
	{SCHEMA
	 "\"exact\":{\"a/b/c\":7},\"stable\":{\"a/b/d\":[1000,\"gcc\"]}}",
	 0, 2, 0, 0, 0, ""},
	{SCHEMA "\"exact\":{\"a/b/c\":6},\"stable\":{}}", 1, 1, 1, 0, 0,
	 "exact a/b/c: 7, was 6 pages (+16.67 %)\n"},
	{SCHEMA "\"exact\":{\"a/b/c\":0},\"stable\":{}}", 1, 1, 1, 0, 0,
	 "exact a/b/c: 7, was 0 pages (+0.00 %)\n"},
	{SCHEMA "\"exact\":{},\"stable\":{\"a/b/d\":[1005,\"gcc\"]}}", 0, 1, 1,
	 0, 0, ""},
	{SCHEMA "\"exact\":{},\"stable\":{\"a/b/d\":[1006,\"gcc\"]}}", 1, 1, 1,
	 0, 0, "stable a/b/d: 1000, was 1006 instructions (-0.60 %)\n"},
	{SCHEMA "\"exact\":{},\"stable\":{\"a/b/d\":[994,\"gcc\"]}}", 1, 1, 1,
	 0, 0, "stable a/b/d: 1000, was 994 instructions (+0.60 %)\n"},
	{SCHEMA "\"exact\":{},\"stable\":{\"a/b/d\":[1,\"clang\"]}}", 0, 0, 1,
	 1, 0, ""},
	{SCHEMA "\"exact\":{\"a/b/x\":7},\"stable\":{}}", 1, 0, 2, 0, 0,
	 "a/b/x: is in the baseline and was not measured\n"},
	{SCHEMA "\"exact\":{\"z/b/x\":7},\"stable\":{}}", 0, 0, 2, 0, 1, ""},
};

static struct metric two[] = {
	{.name = "a/b/c", .unit = "pages", .value = 7},
	{.name = "a/b/d",
	 .unit = "instructions",
	 .kind = METRIC_STABLE,
	 .value = 1000,
	 .with = "gcc"},
	{.name = "a/b/t",
	 .unit = "ns/page",
	 .kind = METRIC_NOISY,
	 .ns = {50, 40, 60},
	 .peer = "ksmd",
	 .peer_ns = {1000, 900, 1100},
	 .ratio = {20, 19, 21},
	 .limit = 60,
	 .floor = 20},
};
static const struct metrics three = {.v = two, .n = 3};

START_TEST(the_gate_finds_what_differs_and_nothing_else)
{
	struct gate_result res;
	struct err err = {0};
	char *said;
	size_t n;
	FILE *f = open_memstream(&said, &n);

	ck_assert_msg(!gate_compare(&three, "b", gates[_i].text,
				    strlen(gates[_i].text), f, &res, &err),
		      "%s", err.text);
	fclose(f);
	ck_assert_str_eq(said, gates[_i].said);
	free(said);
	ck_assert_uint_eq(res.findings, gates[_i].findings);
	ck_assert_uint_eq(res.compared, gates[_i].compared);
	ck_assert_uint_eq(res.fresh, gates[_i].fresh);
	ck_assert_uint_eq(res.other_version, gates[_i].other);
	ck_assert_uint_eq(res.not_run, gates[_i].not_run);
}
END_TEST

/* ---- forms ---- */

static json_t *written(const char *form)
{
	const struct metric_form *f = metric_form_find(form, NULL);
	json_error_t why;
	char *text;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	json_t *j;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(f->write(&three, out), 0);
	fclose(out);
	j = json_loads(text, 0, &why);
	ck_assert_msg(j != NULL, "%s: %s", form, why.text);
	free(text);
	return j;
}

START_TEST(a_baseline_holds_no_time_and_is_its_own)
{
	json_t *j = written("baseline");
	char *text = json_dumps(j, 0);
	struct gate_result res;

	ck_assert_ptr_null(strstr(text, "a/b/t"));
	ck_assert_int_eq(
		gate_compare(&three, "b", text, strlen(text), NULL, &res, NULL),
		0);
	ck_assert_uint_eq(res.findings + res.fresh, 0);
	ck_assert_uint_eq(res.compared, 2);
	free(text);
	json_decref(j);
}
END_TEST

START_TEST(only_costs_go_where_less_is_better)
{
	json_t *action = written("action"), *bmf = written("bmf"), *one;

	ck_assert_uint_eq(json_array_size(action), 2);
	one = json_array_get(action, 1);
	ck_assert_str_eq(json_string_value(json_object_get(one, "name")),
			 "a/b/t");
	ck_assert_str_eq(json_string_value(json_object_get(one, "unit")),
			 "ns/page");
	ck_assert_double_eq(json_number_value(json_object_get(one, "value")),
			    50);
	ck_assert_uint_eq(json_object_size(bmf), 2);
	one = json_object_get(json_object_get(bmf, "a/b/t"), "ns-page");
	ck_assert_double_eq(
		json_number_value(json_object_get(one, "upper_value")), 60);
	json_decref(action);
	json_decref(bmf);
}
END_TEST

START_TEST(json_says_everything)
{
	json_t *j = written("json"), *t;

	t = json_array_get(json_object_get(j, "metrics"), 2);
	ck_assert_str_eq(json_string_value(json_object_get(t, "kind")),
			 "noisy");
	ck_assert(json_is_true(json_object_get(t, "pass")));
	ck_assert_double_eq(json_number_value(json_object_get(
				    json_object_get(t, "ratio"), "low")),
			    19);
	json_decref(j);
}
END_TEST

START_TEST(a_floor_is_missed_below_it_and_a_limit_above_it)
{
	struct metric m = two[2];

	ck_assert(!metric_missed(&m));
	m.ratio.median = 19.99;
	ck_assert(metric_missed(&m));
	m.floor = 0;
	ck_assert(!metric_missed(&m));
	m.ns.median = 60.01;
	ck_assert(metric_missed(&m));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("bench");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 120);
	tcase_add_test(
		t, the_median_of_an_even_number_lies_between_the_middle_two);
	tcase_add_test(
		t, an_interval_holds_the_median_and_equal_values_leave_none);
	tcase_add_test(t, about_95_of_100_intervals_hold_the_true_median);
	tcase_add_test(t, what_slows_both_of_a_pair_does_not_change_the_ratio);
	tcase_add_test(t, a_line_is_a_kind_and_its_options);
	tcase_add_loop_test(t, a_bad_line_is_named, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(t, a_suite_is_bounded);
	tcase_add_test(t, every_suite_of_the_program_parses);
	tcase_add_test(t, a_failed_allocation_leaves_no_suite);
	tcase_add_loop_test(t, experiments_survive_each_failed_allocation, 0,
			    2);
	tcase_add_test(t, a_wrong_counter_is_told_and_gives_no_figure);
	tcase_add_test(t,
		       what_is_expected_of_pages_is_what_counting_them_gives);
	tcase_add_loop_test(t, the_gate_finds_what_differs_and_nothing_else, 0,
			    sizeof(gates) / sizeof(gates[0]));
	tcase_add_test(t, a_baseline_holds_no_time_and_is_its_own);
	tcase_add_test(t, only_costs_go_where_less_is_better);
	tcase_add_test(t, json_says_everything);
	tcase_add_test(t, a_floor_is_missed_below_it_and_a_limit_above_it);
	suite_add_tcase(s, t);
	return check_main(s);
}
