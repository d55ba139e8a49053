/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Published results put to the test: values, ratios, verdicts, and how a table
 * writes fractions.
 */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/table.h"
#include "sim/run/repro.h"
#include "tests/support/main.h"

START_TEST(values_are_millionths_and_halves_go_up)
{
	static const struct {
		uint64_t num, den;
		int64_t want;
	} cases[] = {
		{0, 7, 0},
		{3, 2, 1500000},
		{1, 3, 333333},
		{2, 3, 666667},
		{1, 2000000, 1},
		{1, 2000001, 0},
		{5, 0, REPRO_NONE},
		{UINT64_MAX, 1, REPRO_NONE},
		{UINT64_MAX, UINT64_MAX, 1000000},
		{UINT64_MAX / 2, UINT64_MAX, 500000},
		{UINT64_MAX - 1, UINT64_C(1) << 62, 4000000},
		{9000000000000, 1, 9000000000000 * REPRO_ONE},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_int_eq(repro_value(cases[i].num, cases[i].den),
				 cases[i].want);
}
END_TEST

START_TEST(a_ratio_is_by_the_nearer_end_of_what_was_published)
{
	struct repro_row row = {.published = {1080000, 1520000},
				.expected = {1000000, 2000000}};

	row.got = 1300000;
	ck_assert_int_eq(repro_ratio(&row), 1000000);
	ck_assert_str_eq(repro_verdict(&row), "within");
	row.got = 3040000;
	ck_assert_int_eq(repro_ratio(&row), 2000000);
	ck_assert_str_eq(repro_verdict(&row), "above");
	row.got = 540000;
	ck_assert_int_eq(repro_ratio(&row), 500000);
	ck_assert_str_eq(repro_verdict(&row), "below");
	row.published = (struct repro_band){0, 0};
	ck_assert_int_eq(repro_ratio(&row), REPRO_NONE);
	row.published = REPRO_NO_BAND;
	row.expected = REPRO_NO_BAND;
	ck_assert_int_eq(repro_ratio(&row), REPRO_NONE);
	ck_assert_str_eq(repro_verdict(&row), "-");
	row.got = REPRO_NONE;
	ck_assert_int_eq(repro_ratio(&row), REPRO_NONE);
}
END_TEST

START_TEST(facts_and_rows_are_kept_in_order_and_cut_to_fit)
{
	char longer[2 * REPRO_FACT_MAX];
	struct repro r;

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	repro_init(&r);
	repro_fact(&r, "seed", "%d", 7);
	repro_fact(&r, "tree", "%s", longer);
	for (int64_t i = 0; i < 100; i++)
		repro_add(&r, &(struct repro_row){.quantity = "n", .got = i});
	ck_assert(!r.failed);
	ck_assert_uint_eq(r.nfact, 2);
	ck_assert_str_eq(r.fact[0].value, "7");
	ck_assert_uint_eq(strlen(r.fact[1].value), REPRO_FACT_MAX - 1);
	ck_assert_uint_eq(r.nrow, 100);
	for (int64_t i = 0; i < 100; i++)
		ck_assert_int_eq(r.row[i].got, i);
	repro_fini(&r);
}
END_TEST

START_TEST(there_is_no_reproduction_of_any_name)
{
	ck_assert_ptr_null(repro_find("xyzzy"));
	ck_assert_ptr_null(repro_find(""));
#define REPRO(sym, name, summary)                                              \
	ck_assert_ptr_eq(repro_find(name), &repro_##sym);                      \
	ck_assert_int_eq(opt_check_rows(repro_##sym##_options,                 \
					repro_##sym.opts_size, NULL),          \
			 0);                                                   \
	ck_assert_ptr_nonnull(repro_##sym.source);                             \
	ck_assert_uint_gt(strlen(repro_##sym##_about), 0);
#include "sim/run/repros.def"
#undef REPRO
}
END_TEST

/* ---- fractions in tables ---- */

static const struct table_column fractions[] = {
	{.name = "word", .kind = TABLE_WORD, .view = 1, .heading = "word"},
	{.name = "v",
	 .kind = TABLE_MILLIONTHS,
	 .view = 1,
	 .digits = 2,
	 .heading = "v"},
	{.kind = TABLE_END},
};

typedef int writer(const struct table *t, FILE *out);

static int text(const struct table *t, FILE *out)
{
	return table_write_text(t, 1, out, NULL);
}

static int tsv(const struct table *t, FILE *out)
{
	return table_write_tsv(t, "s", NULL, 0, out, NULL);
}

static int json(const struct table *t, FILE *out)
{
	return table_write_json(t, "s", NULL, 0, out, NULL);
}

static bool holds(writer *write, int64_t v, const char *want)
{
	struct table t;
	char *buf = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&buf, &n);
	bool found;

	ck_assert_ptr_nonnull(out);
	table_init(&t, fractions);
	table_word(&t, "w");
	table_count(&t, v);
	ck_assert_int_eq(write(&t, out), 0);
	fclose(out);
	found = strstr(buf, want) != NULL;
	if (!found)
		fprintf(stderr, "%" PRId64 " is\n%s\n", v, buf);
	table_fini(&t);
	free(buf);
	return found;
}

START_TEST(tables_write_millionths_as_decimal_fractions)
{
	ck_assert(holds(tsv, 1080000, "w\t1.08\n"));
	ck_assert(holds(tsv, 1, "w\t0.000001\n"));
	ck_assert(holds(tsv, -1500000, "w\t-1.5\n"));
	ck_assert(holds(tsv, 100000000, "w\t100\n"));
	ck_assert(holds(tsv, 0, "w\t0\n"));
	ck_assert(holds(tsv, TABLE_NONE, "w\t-\n"));
	ck_assert(holds(text, 1085000, " 1.09\n"));
	ck_assert(holds(text, 1084999, " 1.08\n"));
	ck_assert(holds(text, 1999999, " 2\n"));
	ck_assert(holds(text, 1100000, " 1.1\n"));
	ck_assert(holds(text, TABLE_NONE, " -\n"));
	ck_assert(holds(json, 1080000, "\"v\": 1.08,"));
	ck_assert(holds(json, 333333, "\"v\": 0.333333,"));
	ck_assert(holds(json, TABLE_NONE, "\"v\": null,"));
}
END_TEST

static Suite *repro_suite(void)
{
	Suite *s = suite_create("repro");
	TCase *t = tcase_create("repro");

	tcase_add_test(t, values_are_millionths_and_halves_go_up);
	tcase_add_test(t, a_ratio_is_by_the_nearer_end_of_what_was_published);
	tcase_add_test(t, facts_and_rows_are_kept_in_order_and_cut_to_fit);
	tcase_add_test(t, there_is_no_reproduction_of_any_name);
	tcase_add_test(t, tables_write_millionths_as_decimal_fractions);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(repro_suite());
}
