/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small scenarios against the answers of a real kernel, counter by counter, and
 * the work they took against what it was before.  The scenarios are told by
 * the fidelity probe, which is built into $B beside this test.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/hash.h"
#include "sim/base/os.h"
#include "tests/support/main.h"
#include "tests/support/told.h"

#define VECTORS "tests/vectors/ksm-6.18.tsv"
#define METER "tests/golden/ksm-meter.tsv"
#define ROWS 1761u
#define MEASURED 60 /* random scenarios that a kernel was asked about */
#define COUNTED 100 /* … whose work is held */

#define COLUMN_ACTION 2u
#define COLUMN_RUNS 19u

/* All rows of the scenarios; malloc()ed. */
static char *answer(int randoms, const struct scenario_opts *opts, size_t *n)
{
	char *text = told_scenarios(randoms, n);
	char *rows = told_answer(text, *n, opts);

	*n = strlen(rows);
	return rows;
}

static void compare_rows(char *want, char *got)
{
	char *w[TOLD_COLUMNS], *g[TOLD_COLUMNS], *name[TOLD_COLUMNS];
	unsigned rows = 0;

	while (*want == '#')
		want = strchr(want, '\n') + 1;
	ck_assert_uint_eq(told_row(&want, name), TOLD_COLUMNS);
	ck_assert_str_eq(name[COLUMN_ACTION], "action");
	ck_assert_str_eq(name[COLUMN_RUNS], "identical_runs");
	ck_assert_uint_eq(told_row(&got, g), TOLD_COLUMNS - 2);
	for (unsigned i = 0, k = 0; i < TOLD_COLUMNS; i++)
		if (i != COLUMN_ACTION && i != COLUMN_RUNS)
			ck_assert_str_eq(name[i], g[k++]);
	for (; told_row(&want, w) == TOLD_COLUMNS; rows++) {
		ck_assert_uint_eq(told_row(&got, g), TOLD_COLUMNS - 2);
		for (unsigned i = 0, k = 0; i < TOLD_COLUMNS; i++) {
			if (i == COLUMN_ACTION || i == COLUMN_RUNS)
				continue;
			ck_assert_msg(!strcmp(w[i], g[k]),
				      "%s step %s (%s): %s is %s, not %s", w[0],
				      w[1], w[COLUMN_ACTION], name[i], g[k],
				      w[i]);
			k++;
		}
	}
	ck_assert_str_eq(want, "");
	ck_assert_str_eq(got, "");
	ck_assert_uint_eq(rows, ROWS);
}

START_TEST(every_row_that_a_kernel_gave_comes_out)
{
	struct scenario_opts opts = {.paranoid = 1};
	struct err err = {0};
	char *want, *got;
	size_t n;
	int ret = os_read_all(VECTORS, 1 << 20, &want, &n, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	got = answer(MEASURED, &opts, &n);
	compare_rows(want, got);
	free(got);
	free(want);
}
END_TEST

static void print_meter(FILE *out, const struct meter *m, const char *rows,
			size_t n)
{
	struct digest d = hash_digest(rows, n);

	fprintf(out,
		"# source: the engine's own counts; a change must be "
		"explained\n"
		"# how: make golden, over scenarios S01 to S%d and R1 to R%d\n"
		"what\tnodes\tcount\n",
		TOLD_FIXED, COUNTED);
	for (unsigned op = 0; op < METER_OP_COUNT; op++)
		if (m->count[op])
			fprintf(out, "%s\t-\t%" PRIu64 "\n", meter_op_name[op],
				m->count[op]);
	for (unsigned t = 0; t < METER_TREE_COUNT; t++)
		for (unsigned i = 0; i <= METER_DEPTHS; i++)
			if (m->walk[t][i])
				fprintf(out, "%s_walks\t%u\t%" PRIu64 "\n",
					meter_tree_name[t], i, m->walk[t][i]);
	for (unsigned t = 0; t < METER_TREE_COUNT; t++)
		for (unsigned i = 0; i < METER_DEPTHS; i++)
			if (m->line[ORDER_WORDS][t][i])
				fprintf(out, "%s_lines\t%u\t%" PRIu64 "\n",
					meter_tree_name[t], i,
					m->line[ORDER_WORDS][t][i]);
	fprintf(out, "rows_xxh3\t-\t%016" PRIx64 "%016" PRIx64 "\n", d.hi,
		d.lo);
}

/* Where `make golden` looks for what it is now. */
static void keep(const char *text)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/golden", told_build_dir());
	ck_assert(!mkdir(path, 0777) || errno == EEXIST);
	snprintf(path, sizeof(path), "%s/golden/ksm-meter.tsv",
		 told_build_dir());
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

/* The build that compares bytes is held to the same file. */
START_TEST(the_work_of_the_scenarios_is_what_it_was)
{
	struct meter sum;
	struct scenario_opts opts = {.sum = &sum};
	struct err err = {0};
	char *rows, *want, *got = NULL;
	size_t n;
	FILE *out = open_memstream(&got, &n);
	int ret;

	ck_assert_ptr_nonnull(out);
	meter_init(&sum, NULL);
	rows = answer(COUNTED, &opts, &n);
	print_meter(out, &sum, rows, n);
	ck_assert_int_eq(fclose(out), 0);
	ck_assert_uint_gt(sum.count[OP_CMP_BYTES], sum.count[OP_CMP]);
	keep(got);
	ret = os_read_all(METER, 1 << 20, &want, &n, &err);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ck_assert_msg(!strcmp(got, want),
		      "%s/golden/ksm-meter.tsv differs from "
		      "%s: make golden",
		      told_build_dir(), METER);
	free(want);
	free(got);
	free(rows);
}
END_TEST

static Suite *vectors_suite(void)
{
	Suite *s = suite_create("vectors");
	TCase *t = tcase_create("kernel");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, every_row_that_a_kernel_gave_comes_out);
	suite_add_tcase(s, t);
	t = tcase_create("meter");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, the_work_of_the_scenarios_is_what_it_was);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(vectors_suite());
}
