/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vectors of tests/vectors/tmem.txt, one test each: the text names what every
 * call answers, what is counted and in which order pages and trees are.
 */
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/run/scenario.h"
#include "tests/support/main.h"

#define VECTORS "tests/vectors/tmem.txt"
#define VECTORS_MAX 100

static char *text; /* with a NUL behind it */
static size_t size;
static char *pages; /* what comes before the first vector */
static char *vector[VECTORS_MAX];
static int vectors;

static void load(void)
{
	FILE *f = fopen(VECTORS, "r");
	char *at;

	if (!f)
		return;
	text = mem_zalloc(1 << 20, 1);
	if (text)
		size = fread(text, 1, (1 << 20) - 1, f);
	fclose(f);
	pages = text;
	for (at = text; at && (at = strstr(at, "\nvector ")); at++)
		if (vectors < VECTORS_MAX)
			vector[vectors++] = at + 1;
}

/* The pages, and one vector up to the next. */
static int run(int i, char **rows, struct err *err)
{
	struct scenario_opts opts = {.paranoid = 1};
	const char *end = i + 1 < vectors ? vector[i + 1] : text + size;
	size_t head = (size_t)(vector[0] - pages);
	size_t body = (size_t)(end - vector[i]), len;
	char *part = malloc(head + body + 1);
	FILE *out = open_memstream(rows, &len);
	int ret;

	ck_assert_ptr_nonnull(part);
	ck_assert_ptr_nonnull(out);
	memcpy(part, pages, head);
	memcpy(part + head, vector[i], body);
	ret = scenario_tmem(VECTORS, part, head + body, &opts, out, err);
	fclose(out);
	free(part);
	return ret;
}

START_TEST(a_vector_is_answered_as_it_is_told)
{
	struct err err = {.text = ""};
	char *rows;
	int ret = run(_i, &rows, &err);

	ck_assert_msg(!ret, "%s\n%s", err_text(&err, ret), rows);
	ck_assert_ptr_nonnull(strstr(rows, "\tsame\n"));
	ck_assert_ptr_null(strstr(rows, "\tdiffers\n"));
	free(rows);
}
END_TEST

START_TEST(all_of_them_are_there)
{
	/* V1 to V23, most as shipped and as repaired */
	ck_assert_int_ge(vectors, 49);
	for (int v = 1; v <= 23; v++) {
		bool found = false;
		char name[16];

		snprintf(name, sizeof(name), "vector V%d", v);
		for (int i = 0; i < vectors; i++)
			found = found ||
				(!strncmp(vector[i], name, strlen(name)) &&
				 strchr("-\nabc", vector[i][strlen(name)]));
		ck_assert_msg(found, "%s is missing", name);
	}
}
END_TEST

/* What is told wrongly is found: a vector that could not fail says nothing. */
START_TEST(a_vector_with_another_answer_fails)
{
	char *equals = strstr(vector[0], ")=1"), *rows;
	struct err err = {.text = ""};

	ck_assert_ptr_nonnull(equals);
	equals[2] = '7';
	ck_assert_int_lt(run(0, &rows, &err), 0);
	equals[2] = '1';
	ck_assert_ptr_nonnull(strstr(rows, "\tdiffers\n"));
	ck_assert_ptr_nonnull(strstr(err.text, "answers are not what is told"));
	free(rows);
}
END_TEST

static Suite *vectors_suite(void)
{
	Suite *s = suite_create("vectors of tmem");
	TCase *t = tcase_create("vectors");

	tcase_add_loop_test(t, a_vector_is_answered_as_it_is_told, 0, vectors);
	tcase_add_test(t, all_of_them_are_there);
	tcase_add_test(t, a_vector_with_another_answer_fails);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	int ret;

	load();
	ret = check_main(vectors_suite());
	free(text);
	return ret;
}
