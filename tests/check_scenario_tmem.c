/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The language of tmem: what it gives, and how its mistakes are told. */
#include <errno.h>
#include <string.h>

#include "sim/run/scenario.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

#define HEAD "page A 41*4096\npage B 42\nvector v\nhost R1\nN(1)\n"

static struct err err;

static int run(const char *text, char **rows)
{
	struct scenario_opts opts = {.paranoid = 1};
	size_t n = strlen(text), len;
	char *copy = malloc(n + 1);
	FILE *out = open_memstream(rows, &len);
	int ret;

	ck_assert_ptr_nonnull(copy);
	ck_assert_ptr_nonnull(out);
	memcpy(copy, text, n + 1);
	err.text[0] = '\0';
	ret = scenario_tmem("t.txt", copy, n, &opts, out, &err);
	ck_assert_int_eq(fclose(out), 0);
	free(copy);
	return ret;
}

static void last_row(const char *text, const char *want)
{
	char *rows, *at;
	int ret = run(text, &rows);

	ck_assert_msg(!ret, "%s: %s", text, err_text(&err, ret));
	rows[strlen(rows) - 1] = '\0';
	at = strrchr(rows, '\n');
	ck_assert_ptr_nonnull(at);
	ck_assert_str_eq(at + 1, want);
	free(rows);
}

static void refused(const char *text, const char *why)
{
	char *rows;

	ck_assert_int_eq(run(text, &rows), -EINVAL);
	ck_assert_str_eq(err.text, why);
	free(rows);
}

START_TEST(statements_are_answered_by_rows)
{
	last_row(HEAD "P(1,0,5,0,A)", "v\t6\tP(1,0,5,0,A)\t1\t-\t-");
	last_row(HEAD "P(1,0,5,0,A)=1", "v\t6\tP(1,0,5,0,A)\t1\t1\tsame");
	last_row(HEAD "P(1,0,5,0,A) G(1,0,5,0)", "v\t6\tG(1,0,5,0)\t1:A\t-\t-");
	last_row(HEAD "P(1,0,5,0,A) []",
		 "v\t6\tstate\t[1,1,0,1,1,1|1,0]\t-\t-");
	last_row(HEAD "P(1,0,5,0,A) P(1,0,5,1,B)\nlru",
		 "v\t7\tlru\t1/5:0 1/5:1\t-\t-");
	last_row(HEAD "P(1,0,5,0,A)\norder 65 = A",
		 "v\t7\torder 65\tA\tA\tsame");
	last_row(HEAD "P(1,0,5,0,A)\ntree 65", "v\t7\ttree 65\tA\t-\t-");
	last_row(HEAD "stat Ec Tt", "v\t6\tstat\tEc=0 Tt=1\t-\t-");
	last_row(HEAD "pool 1 0 PT=EP", "v\t6\tpool 1 0\tPT=EP\tPT=EP\tsame");
	last_row("tick 0 = none\n", "-\t1\ttick 0\tnone\tnone\tsame");
}
END_TEST

START_TEST(an_answer_that_differs_fails_after_all_rows)
{
	char *rows;

	ck_assert_int_eq(
		run(HEAD "P(1,0,5,0,A)=0\n[0,0,0,0,0,0|0,0]\n[]", &rows),
		-EINVAL);
	ck_assert_str_eq(err.text,
			 "t.txt: 2 of 2 answers are not what is told");
	ck_assert_ptr_nonnull(strstr(rows,
				     "\t[1,1,0,1,1,1|1,0]\t[0,0,0,0,0,0|0,0]"
				     "\tdiffers\n"));
	free(rows);
}
END_TEST

START_TEST(mistakes_are_told_with_their_line)
{
	static const char *const rows[][2] = {
		{"P(1,0,5,0,A)\n",
		 "t.txt:1: a host must come before \"P(1,0,5,0,A)\""},
		{"host R9\n", "t.txt:1: expected R0 to R4, not \"R9\""},
		{"host R1 fast\n",
		 "t.txt:1: not a property of a host: \"fast\""},
		{HEAD "P(1,0,5,0,C)", "t.txt:6: no such page: \"C\""},
		{HEAD "P(1,0,5,0)", "t.txt:6: no such page: \"\""},
		{HEAD "G(1,0,5)", "t.txt:6: too little in brackets of \"G\""},
		{HEAD "G(1,0,5,4294967296)",
		 "t.txt:6: not such a number: \"4294967296\""},
		{HEAD "G(1,0,5,0,A)", "t.txt:6: too much in brackets: \"A\""},
		{HEAD "Q(1)", "t.txt:6: no operation \"Q(1)\""},
		{HEAD "G(1", "t.txt:6: not OPERATION(…)[=ANSWER]: \"G(1\""},
		{HEAD "frobnicate 1", "t.txt:6: no statement \"frobnicate\""},
		{HEAD "stat XY", "t.txt:6: no such key: \"XY\""},
		{HEAD "pool 2 0 Pc",
		 "t.txt:6: there is no line \"P=CI:2,PI:0,\""},
		{HEAD "lru 9", "t.txt:6: no such client: \"9\""},
		{HEAD "fail moon 1", "t.txt:6: no record \"moon\""},
		{"page A 4\n", "t.txt:1: not BYTES or BYTES*COUNT: \"4\""},
		{"page A 41*4097\n",
		 "t.txt:1: more than a page at \"41*4097\""},
		{"page A 41\npage A 42\n",
		 "t.txt:2: there is already a page \"A\""},
		{"page A,B 41\n", "t.txt:1: not the name of a page: \"A,B\""},
		{"store 10\n", "t.txt:1: zbud must come before \"store\""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		refused(rows[i][0], rows[i][1]);
}
END_TEST

START_TEST(the_first_line_tells_the_language)
{
	const struct scenario_language *l =
		scenario_language_of("\n# tmem, vectors\n");

	ck_assert_ptr_nonnull(l);
	ck_assert_str_eq(l->name, "tmem");
	ck_assert_ptr_eq(scenario_language_named("tmem"), l);
}
END_TEST

static int run_whole(void *ctx)
{
	struct scenario_opts opts = {.paranoid = 1};
	char text[] = HEAD "P(1,0,5,0,A) P(1,0,5,70,B) lru\nlist\nzbud first\n"
			   "store 9 = 1\nstat Ec=2\n";
	FILE *out = ctx;

	err.text[0] = '\0';
	return scenario_tmem("t", text, strlen(text), &opts, out, &err);
}

START_TEST(without_memory_nothing_is_left)
{
	FILE *out = fopen("/dev/null", "w");

	ck_assert_ptr_nonnull(out);
	ck_assert_uint_gt(fail_mem_walk(run_whole, out), 20);
	fclose(out);
}
END_TEST

static Suite *language_suite(void)
{
	Suite *s = suite_create("scenarios of tmem");
	TCase *t = tcase_create("language");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, statements_are_answered_by_rows);
	tcase_add_test(t, an_answer_that_differs_fails_after_all_rows);
	tcase_add_test(t, mistakes_are_told_with_their_line);
	tcase_add_test(t, the_first_line_tells_the_language);
	tcase_add_test(t, without_memory_nothing_is_left);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(language_suite());
}
