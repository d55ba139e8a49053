/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include <jansson.h>

#include "sim/base/version.h"
#include "sim/report/report.h"
#include "tests/support/main.h"

struct toy_opts {
	uint64_t pages, smart, mode, nap, huge;
	const char *file;
};

static const char *const modes[] = {"slow", "fast", NULL};

static const struct opt toy_options[] = {
	{OPT_U64, OPT_FIELD(toy_opts, pages, uint64_t), .def = 100,
	 .unit = "pages", .help = "pages per batch"},
	{OPT_BOOL, OPT_FIELD(toy_opts, smart, uint64_t), .def = 1,
	 .help = "skip what never merges"},
	{OPT_CHOICE, OPT_FIELD(toy_opts, mode, uint64_t), .choices = modes,
	 .help = "how"},
	{OPT_TIME, OPT_FIELD(toy_opts, nap, uint64_t), .def = 20000000,
	 .help = "pause between batches"},
	{OPT_U64, OPT_FIELD(toy_opts, huge, uint64_t), .def = UINT64_MAX,
	 .help = "more than JSON can count"},
	{OPT_STRING, OPT_FIELD(toy_opts, file, const char *), .help = "none"},
	{.type = OPT_END},
};

static const struct report_fact facts[] = {
	{"until", "end of the trace"},
	{"seed", "1"},
};

/* One report with everything in it. */
static struct rows results, spaces;
static struct meter meter;
static struct toy_opts opts;
static struct report report;

static void setup(void)
{
	rows_init(&results);
	rows_init(&spaces);
	rows_add(&results, "saved", "saved_pages", "pages", 12);
	rows_add(&results, "toy", "pages_shared", "pages", 3);
	rows_add(&results, "toy", "general_profit", "bytes", -64);
	rows_add_at(&results, "toy", "waits", 0, "turns", 7);
	rows_add_at(&results, "toy", "waits", 2, "turns", 9);
	rows_add_at(&spaces, "space", "merged", 0, "pages", 5);
	rows_add_at(&spaces, "space", "items", 0, "items", 6);
	rows_add_at(&spaces, "space", "merged", 4, "pages", 7);
	rows_add_at(&spaces, "space", "items", 4, "items", 8);
	meter_init(&meter, NULL);
	meter_add(&meter, OP_CMP, 4);
	meter_walk(&meter, TREE_STABLE, 2);
	meter_walk(&meter, TREE_STABLE, 1);
	opt_defaults(toy_options, &opts);
	report = (struct report){
		.engine = "toy",
		.trace = "vm.trace",
		.digest = {.lo = 0xab, .hi = 0x1234},
		.facts = facts,
		.nfacts = 2,
		.opt_rows = toy_options,
		.opts = &opts,
		.results = &results,
		.spaces = &spaces,
		.meter = &meter,
	};
}

static void teardown(void)
{
	rows_fini(&results);
	rows_fini(&spaces);
}

/* What a reporter writes; the caller frees it. */
static char *written(const char *form, int expect)
{
	const struct reporter_ops *ops = reporter_find(form, NULL);
	struct err err = {0};
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(ops);
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(ops->write(&report, f, &err), expect);
	ck_assert_int_eq(!err.text[0], !expect);
	fclose(f);
	return text;
}

/* Rows of operations that were never counted are there with a 0. */
static void drop_lines_with(char *text, const char *word)
{
	char *from = text, *to = text;

	while (*from) {
		size_t n = strcspn(from, "\n") + 1;
		char *hit = strstr(from, word);

		if (!hit || hit >= from + n) {
			memmove(to, from, n);
			to += n;
		}
		from += n;
	}
	*to = '\0';
}

START_TEST(tsv_is_facts_then_one_row_per_result)
{
	char *text = written("tsv", 0);

	drop_lines_with(text, "\t0\n");
	ck_assert_str_eq(text, "# schema\tdedupsim.run/1\n"
			       "# dedupsim\t" DEDUPSIM_VERSION "\n"
			       "# engine\ttoy\n"
			       "# trace\tvm.trace\n"
			       "# digest\t000000000000123400000000000000ab\n"
			       "# run.until\tend of the trace\n"
			       "# run.seed\t1\n"
			       "# option.pages\t100\n"
			       "# option.smart\t1\n"
			       "# option.mode\tslow\n"
			       "# option.nap\t20ms\n"
			       "# option.huge\t18446744073709551615\n"
			       "# option.file\t\n"
			       "scope\tname\tindex\tunit\tvalue\n"
			       "saved\tsaved_pages\t-\tpages\t12\n"
			       "toy\tpages_shared\t-\tpages\t3\n"
			       "toy\tgeneral_profit\t-\tbytes\t-64\n"
			       "toy\twaits\t0\tturns\t7\n"
			       "toy\twaits\t2\tturns\t9\n"
			       "meter\tcompares\t-\tcompares\t4\n"
			       "stable\twalks\t-\twalks\t2\n"
			       "stable\tsteps\t-\tnodes\t3\n"
			       "stable\tsteps_at_depth\t0\tnodes\t2\n"
			       "stable\tsteps_at_depth\t1\tnodes\t1\n"
			       "space\tmerged\t0\tpages\t5\n"
			       "space\titems\t0\titems\t6\n"
			       "space\tmerged\t4\tpages\t7\n"
			       "space\titems\t4\titems\t8\n");
	free(text);
}
END_TEST

START_TEST(json_nests_results_by_scope_and_name)
{
	char *text;

	report.meter = NULL;
	text = written("json", 0);
	ck_assert_str_eq(
		text,
		"{\n"
		"  \"schema\": \"dedupsim.run/1\",\n"
		"  \"dedupsim\": \"" DEDUPSIM_VERSION "\",\n"
		"  \"engine\": \"toy\",\n"
		"  \"trace\": {\n"
		"    \"name\": \"vm.trace\",\n"
		"    \"digest\": \"000000000000123400000000000000ab\"\n"
		"  },\n"
		"  \"run\": {\n"
		"    \"until\": \"end of the trace\",\n"
		"    \"seed\": \"1\"\n"
		"  },\n"
		"  \"options\": {\n"
		"    \"pages\": 100,\n"
		"    \"smart\": 1,\n"
		"    \"mode\": \"slow\",\n"
		"    \"nap\": 20000000,\n"
		"    \"huge\": \"18446744073709551615\",\n"
		"    \"file\": \"\"\n"
		"  },\n"
		"  \"results\": {\n"
		"    \"saved\": {\n"
		"      \"saved_pages\": 12\n"
		"    },\n"
		"    \"toy\": {\n"
		"      \"pages_shared\": 3,\n"
		"      \"general_profit\": -64,\n"
		"      \"waits\": {\n"
		"        \"0\": 7,\n"
		"        \"2\": 9\n"
		"      }\n"
		"    }\n"
		"  },\n"
		"  \"spaces\": [\n"
		"    {\n"
		"      \"space\": 0,\n"
		"      \"merged\": 5,\n"
		"      \"items\": 6\n"
		"    },\n"
		"    {\n"
		"      \"space\": 4,\n"
		"      \"merged\": 7,\n"
		"      \"items\": 8\n"
		"    }\n"
		"  ],\n"
		"  \"units\": {\n"
		"    \"saved\": {\n"
		"      \"saved_pages\": \"pages\"\n"
		"    },\n"
		"    \"toy\": {\n"
		"      \"pages_shared\": \"pages\",\n"
		"      \"general_profit\": \"bytes\",\n"
		"      \"waits\": \"turns\"\n"
		"    },\n"
		"    \"space\": {\n"
		"      \"merged\": \"pages\",\n"
		"      \"items\": \"items\"\n"
		"    }\n"
		"  }\n"
		"}\n");
	free(text);
}
END_TEST

START_TEST(json_has_every_count_that_is_not_zero)
{
	char *text, want[128];

	for (unsigned op = 0; op < METER_OP_COUNT; op += 2)
		meter.count[op] = op + 1;
	text = written("json", 0);
	for (unsigned op = 0; op < METER_OP_COUNT; op++) {
		snprintf(want, sizeof(want), "\"%s\": %" PRIu64,
			 meter_op_name[op], meter.count[op]);
		ck_assert_msg(!strstr(text, want) == !meter.count[op],
			      "%s in\n%s", want, text);
	}
	ck_assert_ptr_nonnull(strstr(text, "\"steps_at_depth\": {\n"
					   "        \"0\": 2,\n"
					   "        \"1\": 1\n"));
	free(text);
}
END_TEST

START_TEST(a_report_without_options_or_spaces_is_complete)
{
	static const char *const forms[] = {"tsv", "json"};

	report.opt_rows = NULL;
	report.opts = NULL;
	report.spaces = NULL;
	report.nfacts = 0;
	for (int i = 0; i < 2; i++) {
		char *text = written(forms[i], 0);

		ck_assert_ptr_null(strstr(text, "space"));
		ck_assert_ptr_null(strstr(text, "smart"));
		ck_assert_ptr_nonnull(strstr(text, "pages_shared"));
		free(text);
	}
}
END_TEST

START_TEST(deep_walks_end_in_the_last_depth)
{
	struct rows rows;

	rows_init(&rows);
	meter_walk(&meter, TREE_UNSTABLE, METER_DEPTHS + 5);
	report_meter_rows(&meter, &rows);
	ck_assert(!rows.failed);
	ck_assert_int_eq(rows_get(&rows, "unstable", "steps", -1),
			 METER_DEPTHS + 5);
	ck_assert_int_eq(rows.v[rows.n - 1].index, METER_DEPTHS - 1);
	ck_assert_int_eq(rows.v[rows.n - 1].value, 6);
	rows_fini(&rows);
}
END_TEST

START_TEST(names_that_no_file_can_hold_are_made_harmless)
{
	char buf[32], *text;

	ck_assert_str_eq(report_string("a\tb\nc\x7f", buf, sizeof(buf)),
			 "a?b?c?");
	ck_assert_str_eq(report_string("gr\xc3\xbc\xc3\x9f", buf, sizeof(buf)),
			 "gr\xc3\xbc\xc3\x9f");
	/* stray, cut, overlong, surrogate, beyond the last character */
	ck_assert_str_eq(report_string("\x80 \xc3", buf, sizeof(buf)), "? ?");
	ck_assert_str_eq(report_string("\xc0\xaf", buf, sizeof(buf)), "??");
	ck_assert_str_eq(report_string("\xe0\x80\xaf", buf, sizeof(buf)),
			 "???");
	ck_assert_str_eq(report_string("\xed\xa0\x80", buf, sizeof(buf)),
			 "???");
	ck_assert_str_eq(report_string("\xf4\x90\x80\x80", buf, sizeof(buf)),
			 "????");
	/* too long: cut, and not within a character */
	ck_assert_str_eq(report_string("ab\xc3\xbc", buf, 4), "ab");
	report.trace = "vm\xff\t\"\\.trace";
	text = written("json", 0);
	ck_assert_ptr_nonnull(strstr(text, "\"vm??\\\"\\\\.trace\""));
	free(text);
	text = written("tsv", 0);
	ck_assert_ptr_nonnull(strstr(text, "# trace\tvm??\"\\.trace\n"));
	free(text);
}
END_TEST

/* Rows, each of which contradicts one that is there. */
static const struct row contradictions[] = {
	{"toy", "pages_shared", "pages", -1, 3},
	{"toy", "pages_shared", "pages", 0, 3},
	{"toy", "waits", "turns", -1, 1},
	{"toy", "waits", "turns", 2, 1},
};

START_TEST(json_refuses_two_results_of_one_name)
{
	const struct row *w = &contradictions[_i];

	rows_add_at(&results, w->scope, w->name, w->index, w->unit, w->value);
	free(written("json", -EINVAL));
}
END_TEST

START_TEST(json_refuses_a_space_that_says_a_thing_twice)
{
	rows_add_at(&spaces, "space", "items", 4, "items", 1);
	free(written("json", -EINVAL));
}
END_TEST

START_TEST(lost_rows_are_an_error_not_a_shorter_file)
{
	static const char *const forms[] = {"tsv", "json"};
	struct rows *const lost[] = {&results, &spaces};

	for (int i = 0; i < 4; i++) {
		char *text;

		lost[i / 2]->failed = true;
		text = written(forms[i % 2], -ENOMEM);
		ck_assert_str_eq(text, "");
		free(text);
		lost[i / 2]->failed = false;
	}
}
END_TEST

static int allocations_left;

static void *failing_malloc(size_t n)
{
	return allocations_left-- > 0 ? malloc(n) : NULL;
}

START_TEST(json_survives_the_failure_of_any_allocation)
{
	const struct reporter_ops *json = reporter_find("json", NULL);
	int n = 0, ret = -ENOMEM;

	json_set_alloc_funcs(failing_malloc, free);
	for (; ret && n < 5000; n++) {
		FILE *f = fopen("/dev/null", "w");
		struct err err = {0};

		ck_assert_ptr_nonnull(f);
		allocations_left = n;
		ret = json->write(&report, f, &err);
		ck_assert(!ret || (ret == -ENOMEM && err.text[0]));
		fclose(f);
	}
	json_set_alloc_funcs(malloc, free);
	ck_assert_int_eq(ret, 0);
	ck_assert_int_gt(n, 50);
}
END_TEST

START_TEST(a_full_disk_is_an_error)
{
	static const char *const forms[] = {"tsv", "json"};

	for (int i = 0; i < 2; i++) {
		FILE *f = fopen("/dev/full", "w");
		struct err err = {0};

		ck_assert_ptr_nonnull(f);
		setvbuf(f, NULL, _IONBF, 0);
		ck_assert_int_eq(reporter_find(forms[i], NULL)
					 ->write(&report, f, &err),
				 -EIO);
		/* Whoever opened the file knows its name and the errno. */
		ck_assert_str_eq(err.text, "");
		fclose(f);
	}
}
END_TEST

START_TEST(unknown_forms_are_answered_with_the_nearest)
{
	struct err err = {0};

	ck_assert_ptr_null(reporter_find("jsn", &err));
	ck_assert_str_eq(err.text,
			 "no report format \"jsn\"; did you mean \"json\"?");
}
END_TEST

START_TEST(every_registered_form_is_whole)
{
	for (size_t i = 0; reporters[i]; i++) {
		ck_assert_str_ne(reporters[i]->name, "");
		ck_assert_str_ne(reporters[i]->summary, "");
		ck_assert(reporters[i]->write != NULL);
		ck_assert_ptr_eq(reporter_find(reporters[i]->name, NULL),
				 reporters[i]);
	}
}
END_TEST

static Suite *report_suite(void)
{
	Suite *s = suite_create("report");
	TCase *t = tcase_create("forms");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, tsv_is_facts_then_one_row_per_result);
	tcase_add_test(t, json_nests_results_by_scope_and_name);
	tcase_add_test(t, json_has_every_count_that_is_not_zero);
	tcase_add_test(t, a_report_without_options_or_spaces_is_complete);
	tcase_add_test(t, deep_walks_end_in_the_last_depth);
	tcase_add_test(t, names_that_no_file_can_hold_are_made_harmless);
	tcase_add_loop_test(t, json_refuses_two_results_of_one_name, 0, 4);
	tcase_add_test(t, json_refuses_a_space_that_says_a_thing_twice);
	tcase_add_test(t, lost_rows_are_an_error_not_a_shorter_file);
	tcase_add_test(t, json_survives_the_failure_of_any_allocation);
	tcase_add_test(t, a_full_disk_is_an_error);
	tcase_add_test(t, unknown_forms_are_answered_with_the_nearest);
	tcase_add_test(t, every_registered_form_is_whole);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(report_suite());
}
