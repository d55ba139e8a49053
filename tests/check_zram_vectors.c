/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every row that a zram device of a real kernel gave, all nine numbers of
 * mm_stat; and whether the probe would still ask the kernel the same.
 */
#include <string.h>

#include "sim/base/os.h"
#include "sim/run/scenario.h"
#include "tests/support/main.h"

#define VECTORS "tests/vectors/zram-6.18.tsv"
#define ROWS 1183u
#define COLUMNS_TOLD 5

static char *slurp(void)
{
	struct err err = {0};
	char *text;
	size_t n;
	int ret = os_read_all(VECTORS, 1 << 20, &text, &n, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	return text;
}

static char *answer(const char *given)
{
	struct scenario_opts opts = {.paranoid = 1};
	struct err err = {0};
	char *rows = NULL, *text = strdup(given);
	size_t n;
	FILE *out = open_memstream(&rows, &n);
	int ret;

	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(out);
	ret = scenario_zram("vectors", text, strlen(text), &opts, out, &err);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ck_assert_int_eq(fclose(out), 0);
	free(text);
	return rows;
}

/* The next line that is no comment, without its newline; NULL: no more. */
static char *next_line(char **p)
{
	char *line;

	do {
		if (!**p)
			return NULL;
		line = *p;
		*p += strcspn(*p, "\n");
		if (**p)
			*(*p)++ = '\0';
	} while (*line == '#');
	return line;
}

START_TEST(every_row_that_a_kernel_gave_comes_out)
{
	char *want = slurp(), *got = answer(want), *w = want, *g = got, *line;
	unsigned rows = 0;

	while ((line = next_line(&w))) {
		const char *is = next_line(&g);

		ck_assert_ptr_nonnull(is);
		ck_assert_str_eq(is, line);
		rows++;
	}
	ck_assert_ptr_null(next_line(&g));
	ck_assert_uint_eq(rows, ROWS + 1);
	free(got);
	free(want);
}
END_TEST

static void cut(char *line, int columns)
{
	while (columns-- && (line = strchr(line, '\t')))
		if (!columns)
			*line = '\0';
		else
			line++;
}

/* Without what the kernel answered nothing else may come out. */
START_TEST(the_answers_of_the_kernel_are_not_looked_at)
{
	char *want = slurp(), *p = want, *line, *told = NULL, *with, *without;
	size_t n;
	FILE *f = open_memstream(&told, &n);

	ck_assert_ptr_nonnull(f);
	with = answer(want);
	while ((line = next_line(&p))) {
		cut(line, COLUMNS_TOLD);
		fprintf(f, "%s\n", line);
	}
	ck_assert_int_eq(fclose(f), 0);
	without = answer(told);
	ck_assert_str_eq(with, without);
	free(with);
	free(without);
	free(told);
	free(want);
}
END_TEST

START_TEST(the_probe_would_ask_the_same)
{
	const char *b = getenv("B");
	char command[4096], *want = slurp(), *p = want, *line;
	char *told = malloc(1 << 20);
	FILE *f;

	ck_assert_ptr_nonnull(told);
	snprintf(command, sizeof(command), "'%s/tests/fidelity/zram_probe' -t",
		 b ? b : "build");
	f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	while ((line = next_line(&p))) {
		cut(line, COLUMNS_TOLD);
		do {
			ck_assert_msg(fgets(told, 1 << 20, f) != NULL,
				      "nothing told, but %s", line);
		} while (*told == '#');
		told[strcspn(told, "\n")] = '\0';
		ck_assert_str_eq(told, line);
	}
	ck_assert_ptr_null(fgets(told, 1 << 20, f));
	ck_assert_int_eq(pclose(f), 0);
	free(told);
	free(want);
}
END_TEST

static Suite *vectors_suite(void)
{
	Suite *s = suite_create("zram vectors");
	TCase *t = tcase_create("kernel");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, every_row_that_a_kernel_gave_comes_out);
	tcase_add_test(t, the_answers_of_the_kernel_are_not_looked_at);
	tcase_add_test(t, the_probe_would_ask_the_same);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(vectors_suite());
}
