/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The language of scenarios: what it gives, and how its mistakes are told. */
#include <errno.h>
#include <string.h>

#include "sim/run/scenario.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

#define HEADER                                                                 \
	"scenario\tstep\tfull_scans_done\tpages_shared\tpages_sharing\t"       \
	"pages_unshared\tpages_volatile\tstable_node_chains\t"                 \
	"stable_node_dups\tksm_zero_pages\tfull_scans\tgeneral_profit\t"       \
	"d_pages_scanned\td_pages_skipped\td_cow_ksm\tmax_page_sharing\t"      \
	"use_zero_pages\tsmart_scan\n"

static struct err err;
static struct meter sum;

/* The return value; what was printed goes to *@rows, malloc()ed. */
static int run_bytes(const char *text, size_t n, char **rows)
{
	struct scenario_opts opts = {.paranoid = 1, .sum = &sum};
	char *copy = malloc(n + 1);
	size_t len;
	FILE *out = open_memstream(rows, &len);
	int ret;

	ck_assert_ptr_nonnull(copy);
	ck_assert_ptr_nonnull(out);
	memcpy(copy, text, n);
	err.text[0] = '\0';
	meter_init(&sum, NULL);
	ret = scenario_run("t.txt", copy, n, &opts, out, &err);
	ck_assert_int_eq(fclose(out), 0);
	free(copy);
	return ret;
}

/* Rows without the header line; malloc()ed, starts at *@free_it. */
static const char *rows_of(const char *text, char **free_it)
{
	int ret = run_bytes(text, strlen(text), free_it);

	ck_assert_msg(!ret, "%s: %s", text, err_text(&err, ret));
	ck_assert_str_eq(err.text, "");
	ck_assert_int_eq(strncmp(*free_it, HEADER, strlen(HEADER)), 0);
	return *free_it + strlen(HEADER);
}

static void expect(const char *text, const char *want)
{
	char *all;

	ck_assert_str_eq(rows_of(text, &all), want);
	free(all);
}

static void refuse(const char *text, const char *message)
{
	char *rows;

	ck_assert_int_eq(run_bytes(text, strlen(text), &rows), -EINVAL);
	ck_assert_str_eq(err.text, message);
	free(rows);
}

/* Two equal pages merge in the second scan. */
#define PAIR                                                                   \
	"start 0\n"                                                            \
	"map 0 0 2\n"                                                          \
	"fill 0 0 2 id 7 0 0\n"                                                \
	"scan\n"                                                               \
	"snap 1\n"                                                             \
	"scan\n"                                                               \
	"snap 2\n"
#define PAIR_ROWS(id)                                                          \
	id "\t1\t1\t0\t0\t0\t2\t0\t0\t0\t1\t-128\t2\t0\t0\t256\t0\t1\n" id     \
	   "\t2\t2\t1\t1\t0\t0\t0\t0\t0\t2\t3968\t4\t0\t0\t256\t0\t1\n"

START_TEST(one_scenario_gives_its_rows)
{
	expect("scenario A\n" PAIR, PAIR_ROWS("A"));
	ck_assert_uint_eq(sum.count[OP_PAGE_VISIT], 4);
	ck_assert_uint_eq(sum.count[OP_CHECKSUM], 4);
	ck_assert_uint_eq(sum.count[OP_FRAME_FREE], 1);
	ck_assert_uint_eq(sum.count[OP_TURN], 2);
}
END_TEST

START_TEST(many_scenarios_do_not_meet)
{
	expect("scenario A\n" PAIR "scenario B\nscenario C\n" PAIR,
	       PAIR_ROWS("A") PAIR_ROWS("C"));
	ck_assert_uint_eq(sum.count[OP_PAGE_VISIT], 8);
	/* a tunable of the first is not one of the second */
	expect("scenario A\nset max_page_sharing 2\nset smart_scan 0\nsnap 1\n"
	       "scenario B\nsnap 1\n",
	       "A\t1\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t2\t0\t0\n"
	       "B\t1\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t256\t0\t1\n");
}
END_TEST

START_TEST(blanks_comments_and_line_ends_do_not_matter)
{
	expect("\n# a comment\nscenario A # so is this\n\n  start\t0\n" /**/
	       "map 0 0 2\nfill 0 0 2 id 7 0 0\nscan\nsnap 1\nscan\nsnap 2",
	       PAIR_ROWS("A"));
	expect("scenario A\r\nstart 0\r\nmap 0 0 2\r\nfill 0 0 2 id 7 0 0\r\n"
	       "scan\r\nsnap 1\r\n\r\nscan\r\nsnap 2\r\n",
	       PAIR_ROWS("A"));
	expect("scenario A\nstart 0x0\nmap 0 0 0x2\nfill 0 0 2 id 0x7 0 0\n"
	       "scan\nsnap 1\nscan\nsnap 2\n",
	       PAIR_ROWS("A"));
}
END_TEST

START_TEST(a_file_without_a_scenario_is_refused)
{
	refuse("", "t.txt:0: no scenario in this file");
	refuse("\n# nothing\n", "t.txt:2: no scenario in this file");
	refuse("start 0\nscenario A\n",
	       "t.txt:1: expected: scenario ID, not \"start\"");
	refuse("scenario\n", "t.txt:1: scenario takes a name");
	refuse("scenario A\nsnap 1\nscenario B C\n",
	       "t.txt:3: scenario takes a name");
}
END_TEST

START_TEST(an_unknown_operation_is_named_with_the_nearest)
{
	refuse("scenario A\nstart 0\nmapp 0 0 2\n",
	       "t.txt:3: no operation \"mapp\"; did you mean \"map\"?");
	refuse("scenario A\n\nunmergable 0 0 2\n",
	       "t.txt:3: no operation \"unmergable\"; did you mean "
	       "\"unmergeable\"?");
	refuse("scenario A\nxyzzyxyzzy\n",
	       "t.txt:2: no operation \"xyzzyxyzzy\"");
}
END_TEST

START_TEST(a_wrong_number_of_operands_is_told)
{
	static const struct {
		const char *line, *what;
	} bad[] = {
		{"set run", "set takes 2 operands, not 1"},
		{"start", "start takes 1 operands, not 0"},
		{"start 0 1", "start takes 1 operands, not 2"},
		{"exit", "exit takes 1 operands, not 0"},
		{"fork 0", "fork takes 2 operands, not 1"},
		{"map 0 0", "map takes 3 operands, not 2"},
		{"maphuge 0 0 1 2", "maphuge takes 3 operands, not 4"},
		{"unpin 0", "unpin takes 3 operands, not 1"},
		{"fill 0 0 1 id 1 2", "fill takes 7 operands, not 6"},
		{"fill 0 0 1 id 1 2 3 4", "fill takes 7 operands, not 8"},
		{"fill 0 0 1 id 1 2 3 4 5", "fill takes 7 operands, not 9"},
		{"scan 1", "scan takes 0 operands, not 1"},
		{"batch", "batch takes 1 operands, not 0"},
		{"snap", "snap takes 1 operands, not 0"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[80], want[80];

		snprintf(text, sizeof(text), "scenario A\n%s\n", bad[i].line);
		snprintf(want, sizeof(want), "t.txt:2: %s", bad[i].what);
		refuse(text, want);
	}
}
END_TEST

START_TEST(numbers_out_of_range_are_refused)
{
	refuse("scenario A\nstart x\n",
	       "t.txt:2: not a number in range: \"x\"");
	refuse("scenario A\nstart -1\n",
	       "t.txt:2: not a number in range: \"-1\"");
	refuse("scenario A\nstart 64\n",
	       "t.txt:2: not a number in range: \"64\"");
	refuse("scenario A\nstart 0\nfork 0 64\n",
	       "t.txt:3: not a number in range: \"64\"");
	refuse("scenario A\nstart 0\nmap 0 0 268435457\n",
	       "t.txt:3: not a number in range: \"268435457\"");
	refuse("scenario A\nstart 0\nmap 0 18446744073709551616 1\n",
	       "t.txt:3: not a number in range: \"18446744073709551616\"");
	refuse("scenario A\nbatch 4294967296\n",
	       "t.txt:2: not a number in range: \"4294967296\"");
	refuse("scenario A\nsnap 1.5\n",
	       "t.txt:2: not a number in range: \"1.5\"");
	refuse("scenario A\nstart 0\nmap 0 0 2\nfill 0 0 2 id one 0 0\n",
	       "t.txt:4: not a number in range: \"one\"");
	refuse("scenario A\nstart 0\nmap 0 0 2\nfill 0 0 2 ids 1 0 0\n",
	       "t.txt:4: no such rule: \"ids\"");
}
END_TEST

START_TEST(a_range_must_hold_pages)
{
	refuse("scenario A\nstart 0\nmap 0 2 2\n",
	       "t.txt:3: an empty range of pages");
	refuse("scenario A\nstart 0\nmap 0 3 2\n",
	       "t.txt:3: an empty range of pages");
	refuse("scenario A\nstart 0\nmap 0 0 2\nfill 0 2 2 id 1 0 0\n",
	       "t.txt:4: an empty range of pages");
	/* unpin takes no notice of its range */
	expect("scenario A\nstart 0\nmap 0 0 2\nunpin 0 0 0\n", "");
}
END_TEST

START_TEST(too_many_pages_are_refused)
{
	refuse("scenario A\nstart 0\nmap 0 0 1048577\n"
	       "fill 0 0 1048577 zero 0 0 0\n",
	       "t.txt:4: more pages filled than a scenario may");
	refuse("scenario A\nstart 0\nmap 0 0 9\nfill 0 0 9 zero 0 0 0\n"
	       "fill 0 0 1048570 zero 0 0 0\n",
	       "t.txt:5: more pages filled than a scenario may");
	refuse("scenario A\nstart 0\nmap 0 0 70000\nfill 0 0 70000 key 1 1 0\n",
	       "t.txt:4: more contents than a scenario may have");
}
END_TEST

START_TEST(a_process_must_be_there)
{
	refuse("scenario A\nmap 1 0 2\n", "t.txt:2: process 1 is not there");
	refuse("scenario A\nexit 0\n", "t.txt:2: process 0 is not there");
	refuse("scenario A\nstart 0\nexit 0\nread 0 0 1\n",
	       "t.txt:4: process 0 is not there");
	refuse("scenario A\nstart 0\nstart 0\n",
	       "t.txt:3: process 0 runs already");
	refuse("scenario A\nstart 0\nfork 0 0\n",
	       "t.txt:3: process 0 runs already");
	refuse("scenario A\nstart 0\nfork 1 2\n",
	       "t.txt:3: process 1 is not there");
	expect("scenario A\nstart 0\nexit 0\nstart 0\nfork 0 1\nexit 0\n", "");
}
END_TEST

START_TEST(what_the_machine_refuses_has_its_line)
{
	char *rows;

	ck_assert_int_eq(run_bytes("scenario A\nstart 0\nfill 0 3 4 id 1 0 0\n",
				   40, &rows),
			 -EINVAL);
	free(rows);
	ck_assert_int_eq(strncmp(err.text, "t.txt:3: vpn ", 13), 0);
	ck_assert_ptr_nonnull(strstr(err.text, " is not mapped"));
	ck_assert_ptr_null(strchr(err.text, '\n'));
}
END_TEST

START_TEST(ksmd_needs_somebody_to_scan)
{
	refuse("scenario A\nscan\n",
	       "t.txt:2: no process is registered: ksmd waits");
	refuse("scenario A\nbatch 10\n",
	       "t.txt:2: no process is registered: ksmd waits");
	refuse("scenario A\nstart 0\nscan\n",
	       "t.txt:3: no process is registered: ksmd waits");
	refuse("scenario A\nstart 0\nmap 0 0 2\nscan\nexit 0\nscan\nscan\n",
	       "t.txt:6: no process is registered: ksmd waits");
	refuse("scenario A\nset advisor_min_pages_to_scan 0\n"
	       "set advisor_mode scan-time\nstart 0\nmap 0 0 2\n"
	       "fill 0 0 2 id 1 0 0\nscan\n",
	       "t.txt:7: ksmd has batches of no pages");
}
END_TEST

START_TEST(an_unknown_tunable_is_refused_a_bad_value_is_not)
{
	refuse("scenario A\nset pages_to_scn 1\n",
	       "t.txt:2: no such tunable: \"pages_to_scn\"");
	/* as a write to sysfs that fails: everything stays */
	expect("scenario A\nset smart_scan 2\nset max_page_sharing 1\n"
	       "set use_zero_pages x\nset run 3\nsnap 9\n",
	       "A\t9\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t0\t256\t0\t1\n");
}
END_TEST

START_TEST(a_mistake_is_met_before_its_scenario_starts)
{
	char *rows;
	static const char text[] =
		"scenario A\nsnap 1\nscenario B\nsnap 1\nsnap\n";

	/* rows of the scenarios before are there, of this one none */
	ck_assert_int_eq(run_bytes(text, sizeof(text) - 1, &rows), -EINVAL);
	ck_assert_str_eq(err.text, "t.txt:5: snap takes 1 operands, not 0");
	ck_assert_ptr_nonnull(strstr(rows, "\nA\t1\t"));
	ck_assert_ptr_null(strstr(rows, "\nB\t1\t"));
	free(rows);
}
END_TEST

START_TEST(bytes_that_are_no_text_are_refused)
{
	static const char nul[] = "scenario A\nst\0art 0\n";
	char *rows;

	ck_assert_int_eq(run_bytes(nul, sizeof(nul) - 1, &rows), -EINVAL);
	ck_assert_int_eq(strncmp(err.text, "t.txt:2: ", 9), 0);
	free(rows);
	ck_assert_int_eq(run_bytes("\xff\xfe\0\1", 4, &rows), -EINVAL);
	ck_assert_int_eq(strncmp(err.text, "t.txt:1: ", 9), 0);
	free(rows);
}
END_TEST

static int whole(void *ctx)
{
	struct scenario_opts opts = {.paranoid = 1, .sum = &sum};
	char text[] = "scenario A\nset max_page_sharing 2\n"
		      "start 0\nmap 0 0 9\nfill 0 0 9 id 7 1 2\n"
		      "scan\nscan\nfork 0 1\nscan\nsnap 1\n"
		      "fill 1 0 2 key 9 0 0\nexit 0\nscan\nset run 2\n"
		      "scenario B\nsnap 1\n";

	(void)ctx;
	meter_init(&sum, NULL);
	return scenario_run("t.txt", text, sizeof(text) - 1, &opts, ctx, NULL);
}

START_TEST(running_out_of_memory_is_survived_anywhere)
{
	FILE *null = fopen("/dev/null", "w");

	ck_assert_ptr_nonnull(null);
	fail_mem_walk(whole, null);
	fclose(null);
}
END_TEST

static Suite *scenario_suite(void)
{
	Suite *s = suite_create("scenario");
	TCase *t = tcase_create("language");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, one_scenario_gives_its_rows);
	tcase_add_test(t, many_scenarios_do_not_meet);
	tcase_add_test(t, blanks_comments_and_line_ends_do_not_matter);
	suite_add_tcase(s, t);
	t = tcase_create("mistakes");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_file_without_a_scenario_is_refused);
	tcase_add_test(t, an_unknown_operation_is_named_with_the_nearest);
	tcase_add_test(t, a_wrong_number_of_operands_is_told);
	tcase_add_test(t, numbers_out_of_range_are_refused);
	tcase_add_test(t, a_range_must_hold_pages);
	tcase_add_test(t, too_many_pages_are_refused);
	tcase_add_test(t, a_process_must_be_there);
	tcase_add_test(t, what_the_machine_refuses_has_its_line);
	tcase_add_test(t, ksmd_needs_somebody_to_scan);
	tcase_add_test(t, an_unknown_tunable_is_refused_a_bad_value_is_not);
	tcase_add_test(t, a_mistake_is_met_before_its_scenario_starts);
	tcase_add_test(t, bytes_that_are_no_text_are_refused);
	tcase_add_test(t, running_out_of_memory_is_survived_anywhere);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(scenario_suite());
}
