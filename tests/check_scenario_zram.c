/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The language of zram steps: what it gives, and how its mistakes are told. */
#include <errno.h>
#include <string.h>

#include "sim/run/scenario.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

#define HEADER                                                                 \
	"vector\tstep\top\tslots\tsizes\tresult\torig_data_size\t"             \
	"compr_data_size\tmem_used_total\tmem_limit\tmem_used_max\t"           \
	"same_pages\tpages_compacted\thuge_pages\thuge_pages_since\n"
#define INIT "v 0 init - -\n"

static struct err err;

static int run_bytes(const char *text, size_t n, char **rows)
{
	struct scenario_opts opts = {.paranoid = 1};
	char *copy = malloc(n + 1);
	size_t len;
	FILE *out = open_memstream(rows, &len);
	int ret;

	ck_assert_ptr_nonnull(copy);
	ck_assert_ptr_nonnull(out);
	memcpy(copy, text, n);
	err.text[0] = '\0';
	ret = scenario_zram("t.txt", copy, n, &opts, out, &err);
	ck_assert_int_eq(fclose(out), 0);
	free(copy);
	return ret;
}

/* Only the last row is compared, from its result on. */
static void expect(const char *text, const char *want)
{
	char *rows, *at;
	int ret = run_bytes(text, strlen(text), &rows);

	ck_assert_msg(!ret, "%s: %s", text, err_text(&err, ret));
	ck_assert_int_eq(strncmp(rows, HEADER, strlen(HEADER)), 0);
	at = rows + strlen(rows) - 1;
	*at = '\0';
	at = strrchr(rows, '\n') + 1;
	for (int i = 0; i < 5; i++)
		at = strchr(at, '\t') + 1;
	ck_assert_str_eq(at, want);
	free(rows);
}

static void refuse(const char *text, const char *message)
{
	char *rows;

	ck_assert_int_eq(run_bytes(text, strlen(text), &rows), -EINVAL);
	ck_assert_str_eq(err.text, message);
	free(rows);
}

START_TEST(lists_are_runs_in_order)
{
	/* 3 pages of 2000 bytes fit two to a page; one is raw, one is same. */
	expect(INIT "v 1 write 3,5-6,10-14/4 0,2000*3,4096\n",
	       "ok\t20480\t10096\t12288\t0\t12288\t1\t0\t1\t1");
	expect(INIT "v 1 write 0-4 4096*5\nv 2 discard 4,0-3/2 -\n",
	       "ok\t8192\t8192\t8192\t0\t20480\t0\t0\t2\t5");
	expect(INIT "v 1 write - -\n", "ok\t0\t0\t0\t0\t0\t0\t0\t0\t0");
	expect(INIT "v 1 zeroout 65535 -\n", "ok\t0\t0\t0\t0\t0\t0\t0\t0\t0");
}
END_TEST

START_TEST(a_length_from_the_huge_limit_on_is_raw)
{
	expect(INIT "v 1 write 0,1 3624,3625\n",
	       "ok\t8192\t7720\t36864\t0\t36864\t0\t0\t1\t1");
}
END_TEST

START_TEST(a_limit_below_what_is_stored_refuses_what_needs_an_object)
{
	expect(INIT "v 1 write 0-1 4096*2\nv 2 limit - 4097\n"
		    "v 3 write 2 4096\n",
	       "EIO\t8192\t8192\t8192\t8192\t12288\t0\t0\t2\t2");
	expect(INIT "v 1 write 0-1 4096*2\nv 2 limit - 1\n"
		    "v 3 write 0,2,3 4096,4096,0\n",
	       "EIO\t12288\t8192\t8192\t4096\t12288\t1\t0\t2\t2");
	/* None: 0. */
	expect(INIT "v 1 limit - 1\nv 2 limit - 0\nv 3 write 0-1 4096*2\n",
	       "ok\t8192\t8192\t8192\t0\t8192\t0\t0\t2\t2");
}
END_TEST

START_TEST(each_init_is_a_fresh_device)
{
	expect(INIT "v 1 limit - 1\nw 0 init - -\nw 1 write 0 4096\n",
	       "ok\t4096\t4096\t4096\t0\t4096\t0\t0\t1\t1");
}
END_TEST

START_TEST(headers_comments_and_answers_are_passed_over)
{
	expect("# zram\n\nvector\tstep\top\n" INIT
	       "v 1 write 0 4096 EIO 9 9 9 9 9 9 9 9 9 # so it was\n",
	       "ok\t4096\t4096\t4096\t0\t4096\t0\t0\t1\t1");
}
END_TEST

START_TEST(mistakes_have_their_line)
{
	refuse("", "t.txt:0: no vector in this file");
	refuse("# zram\n", "t.txt:1: no vector in this file");
	refuse("v 0 init -\n",
	       "t.txt:1: 4 columns; expected vector, step, op, slots, sizes, "
	       "and maybe what a kernel answered");
	refuse("v 0 write 0 1\n",
	       "t.txt:1: init must be the first step of vector \"v\"");
	refuse(INIT "w 1 write 0 1\n",
	       "t.txt:2: init must be the first step of vector \"w\"");
	refuse(INIT "v 1 wrote 0 1\n",
	       "t.txt:2: no operation \"wrote\"; did you mean \"write\"?");
	refuse(INIT "v 1 page 0 1\n", "t.txt:2: no operation \"page\"");
	refuse(INIT "v 1 compact 1 -\n",
	       "t.txt:2: this operation takes none: \"1\"");
	refuse(INIT "v 1 discard 1 5\n",
	       "t.txt:2: this operation takes none: \"5\"");
	refuse(INIT "v 1 limit - 1x\n",
	       "t.txt:2: not a number of bytes: \"1x\"");
	refuse(INIT "v 1 resetmax - 1\n",
	       "t.txt:2: mem_used_max can only be set to 0, not \"1\"");
}
END_TEST

START_TEST(bad_lists_are_refused)
{
	static const char *const slots[] = {
		"x",	   "1,",
		"1,,2",	   ",1",
		"2-1",	   "1-",
		"1-2/0",   "1-2/",
		"65536",   "0-65536",
		"1/2",	   "1-2-3",
		"1-2/3/4", "99999999999999999999",
		"1*2",	   "-1",
		"0x1",
	};
	static const char *const sizes[] = {
		"x",
		"4097",
		"5*",
		"5*0",
		"5-6",
		"5*2,",
		"1 *",
		"99999999999999999999",
		"5*99999999999",
	};
	char text[200], *rows;

	for (size_t i = 0; i < sizeof(slots) / sizeof(slots[0]); i++) {
		snprintf(text, sizeof(text), INIT "v 1 discard %s -\n",
			 slots[i]);
		ck_assert_msg(run_bytes(text, strlen(text), &rows) == -EINVAL,
			      "%s", text);
		ck_assert_ptr_nonnull(strstr(err.text, "t.txt:2: "));
		free(rows);
	}
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		snprintf(text, sizeof(text), INIT "v 1 write 0-1 %s\n",
			 sizes[i]);
		ck_assert_msg(run_bytes(text, strlen(text), &rows) == -EINVAL,
			      "%s", text);
		ck_assert_ptr_nonnull(strstr(err.text, "t.txt:2: "));
		free(rows);
	}
	refuse(INIT "v 1 write 0-2 5*2\n",
	       "t.txt:2: not a size for each slot: \"5*2\"");
	refuse(INIT "v 1 write 0 5*2\n",
	       "t.txt:2: not a slot for each size: \"5*2\"");
	refuse(INIT "v 1 write 0 5000\n",
	       "t.txt:2: not a list of sizes up to a page: \"5000\"");
}
END_TEST

START_TEST(the_first_line_tells_the_language)
{
	static const struct {
		const char *text, *name;
	} v[] = {
		{"scenario A\n", "ksm"},
		{"\n  \n# hello\n scenario A\n", "ksm"},
		{"# zram\n", "zram"},
		{"\n\n  # zram vectors, told\nv 0 init - -\n", "zram"},
		{"# zram, of some kernel\n", "zram"},
		{"# zram", "zram"},
		{"# zrams\n", NULL},
		{"# hello\n# zram\n", NULL},
		{"scenarios\n", NULL},
		{"", NULL},
		{"# ", NULL},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		const struct scenario_language *l =
			scenario_language_of(v[i].text);

		ck_assert_msg(!l == !v[i].name, "%s", v[i].text);
		if (l)
			ck_assert_str_eq(l->name, v[i].name);
	}
	for (const struct scenario_language *l = scenario_languages; l->name;
	     l++)
		ck_assert_ptr_eq(scenario_language_named(l->name), l);
	ck_assert_ptr_null(scenario_language_named("xen"));
}
END_TEST

START_TEST(bytes_that_are_no_text_are_refused)
{
	char *rows;

	ck_assert_int_eq(run_bytes("\xff\xfe\0\1", 4, &rows), -EINVAL);
	ck_assert_int_eq(strncmp(err.text, "t.txt:1: ", 9), 0);
	free(rows);
}
END_TEST

static int whole(void *ctx)
{
	struct scenario_opts opts = {.paranoid = 1};
	char text[] = INIT "v 1 write 0-40 100*20,4096,0*20\n"
			   "v 2 write 9,3,8-30/2 700*14\nv 3 compact - -\n"
			   "v 4 discard 0-40/2 -\nw 0 init - -\n"
			   "w 1 write 65535 2000\n";

	return scenario_zram("t.txt", text, sizeof(text) - 1, &opts, ctx, NULL);
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
	Suite *s = suite_create("zram scenario");
	TCase *t = tcase_create("language");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, lists_are_runs_in_order);
	tcase_add_test(t, a_length_from_the_huge_limit_on_is_raw);
	tcase_add_test(
		t, a_limit_below_what_is_stored_refuses_what_needs_an_object);
	tcase_add_test(t, each_init_is_a_fresh_device);
	tcase_add_test(t, headers_comments_and_answers_are_passed_over);
	tcase_add_test(t, the_first_line_tells_the_language);
	tcase_add_test(t, mistakes_have_their_line);
	tcase_add_test(t, bad_lists_are_refused);
	tcase_add_test(t, bytes_that_are_no_text_are_refused);
	tcase_add_test(t, running_out_of_memory_is_survived_anywhere);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(scenario_suite());
}
