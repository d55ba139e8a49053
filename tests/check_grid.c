/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "models/cost.h"
#include "sim/cmd/figure.h"
#include "sim/cmd/gnuplot.h"
#include "tests/support/box.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

static struct err err;
static struct box box;

static void setup(void)
{
	err = (struct err){0};
	box_init(&box);
}

static void teardown(void)
{
	box_fini(&box);
}

/* ---- grids ---- */

static int parse(struct grid *g, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	return grid_parse(g, "f", copy, strlen(text), &err);
}

START_TEST(facts_names_and_cells_are_read)
{
	struct grid g;

	ck_assert_int_eq(parse(&g, "# engine\tksm\n# no fact\n#run.at\t-\n"
				   "a\tb.c\n1\t\n\t-2.5\r\n"),
			 0);
	ck_assert_uint_eq(g.facts, 2);
	ck_assert_str_eq(grid_fact(&g, "engine"), "ksm");
	ck_assert_str_eq(grid_fact(&g, "run.at"), "-");
	ck_assert_ptr_null(grid_fact(&g, "no fact"));
	ck_assert_uint_eq(g.columns, 2);
	ck_assert_uint_eq(g.rows, 2);
	ck_assert_uint_eq(grid_column(&g, "b.c"), 1);
	ck_assert_uint_eq(grid_column(&g, "b"), GRID_NONE);
	ck_assert_str_eq(grid_cell(&g, 0, 0), "1");
	ck_assert_str_eq(grid_cell(&g, 0, 1), "");
	ck_assert_str_eq(grid_cell(&g, 1, 1), "-2.5");
	grid_fini(&g);
}
END_TEST

START_TEST(what_is_no_grid_is_refused_with_its_line)
{
	static const char *const bad[][2] = {
		{"", "f: no names"},
		{"# only\tfacts\n", "f: no names"},
		{"a\tb\n1\n", "f:2: fewer cells than columns"},
		{"a\tb\n1\t2\t3\n", "f:2: more cells than columns"},
		{"a\t\n", "f:1: a column without a name"},
		{"# x\ty\na\tb\ta\n", "f:2: column \"a\" is there twice"},
		{"a\n\n1\n", "f:2: an empty line"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct grid g;

		err = (struct err){0};
		ck_assert_int_eq(parse(&g, bad[i][0]), -EINVAL);
		ck_assert_msg(!strncmp(err.text, bad[i][1], strlen(bad[i][1])),
			      "\"%s\", not \"%s\"", err.text, bad[i][1]);
		grid_fini(&g);
	}
}
END_TEST

START_TEST(a_nul_or_too_many_columns_are_refused)
{
	size_t n = 2 * (GRID_COLUMNS_MAX + 1);
	char *text = malloc(n + 1);
	struct grid g;

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i < n; i++)
		text[i] = i % 2 ? '\t' : 'a';
	text[n] = '\0';
	ck_assert_int_eq(grid_parse(&g, "f", text, n, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "f:1: too many columns"));
	grid_fini(&g);
	err = (struct err){0};
	text = calloc(1, 4);
	ck_assert_ptr_nonnull(text);
	text[0] = 'a';
	text[2] = 'b';
	ck_assert_int_eq(grid_parse(&g, "f", text, 3, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "not a text file"));
	grid_fini(&g);
}
END_TEST

START_TEST(numbers_are_integers_and_fractions)
{
	static const char *const yes[] = {"0", "-1", "12.50", "-0.3"};
	static const char *const no[] = {"",	"-",  ".5", "5.",
					 "1e3", "+1", "1 ", "--1"};

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		ck_assert_msg(grid_is_number(yes[i]), "%s", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		ck_assert_msg(!grid_is_number(no[i]), "%s", no[i]);
}
END_TEST

static char *latex(const char *text)
{
	struct grid g;
	char *out = NULL;
	size_t bytes;
	FILE *f = open_memstream(&out, &bytes);

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(parse(&g, text), 0);
	ck_assert_int_eq(grid_write_latex(&g, f, &err), 0);
	fclose(f);
	grid_fini(&g);
	return out;
}

START_TEST(a_table_for_latex_groups_digits_and_escapes_words)
{
	char *t = latex("# a_fact\tv%\nrun\tcost.scan_ns\tx\n"
			"50 % & \\x{}\t-1234567.5\t-\n"
			"#1_~^<$>\t1234\t99999\n");

	ck_assert_str_eq(t, "% a_fact: v%\n"
			    "\\begin{tabular}{lrr}\n"
			    "\\toprule\n"
			    "run & cost.scan\\_ns & x \\\\\n"
			    "\\midrule\n"
			    "50 \\% \\& \\textbackslash{}x\\{\\} & "
			    "$-$1\\,234\\,567.5 & - \\\\\n"
			    "\\#1\\_\\textasciitilde{}\\textasciicircum{}"
			    "\\textless{}\\$\\textgreater{} & 1234 & "
			    "99\\,999 \\\\\n"
			    "\\bottomrule\n"
			    "\\end{tabular}\n");
	free(t);
}
END_TEST

/* ---- figures ---- */

START_TEST(every_figure_says_what_it_shows_and_wants)
{
	static const char *const keys[] = {"plot", "data", "needs"};
	size_t figures = 0, styles = 0;

	for (const struct figure_preset *p = figure_presets; p->name; p++) {
		const char *value;

		if (figure_is_style(p)) {
			styles++;
			continue;
		}
		figures++;
		for (unsigned i = 0; i < 3; i++)
			ck_assert_msg(figure_says(p->text, keys[i], &value),
				      "%s: no %s", p->name, keys[i]);
		ck_assert_ptr_nonnull(
			strstr(p->text, "\nload \"plots/style.gp\"\n"));
	}
	ck_assert_uint_ge(figures, 4);
	ck_assert_uint_eq(styles, 1);
}
END_TEST

START_TEST(the_figure_of_costs_has_all_groups)
{
	const char *also;
	struct figure f;

	ck_assert_int_eq(figure_find(&f, "cost", &err), 0);
	figure_says(f.text, "also", &also);
	for (unsigned i = 0; i < COST_GROUPS; i++) {
		char column[64];

		snprintf(column, sizeof(column), "\n# column: cost.%s_ns ",
			 cost_group_name[i]);
		ck_assert_msg(strstr(f.text, column), "not there:%s", column);
		snprintf(column, sizeof(column), " cost.%s_ns ",
			 cost_group_name[i]);
		column[strlen(column) - 1] = '\0';
		ck_assert_msg(strstr(also, column + 1), "not there:%s", column);
		ck_assert_msg(
			strstr(strstr(f.text, "groups = "), cost_group_name[i]),
			"not drawn: %s", cost_group_name[i]);
	}
	figure_fini(&f);
}
END_TEST

/* A figure of one's own. */
static struct figure own(const char *text)
{
	return (struct figure){.name = "own", .text = text};
}

static struct figure_input input(const char *name, const char *text)
{
	static struct box_path path[4];
	static unsigned n;
	struct box_path *p = &path[n++ % 4];

	box_write(&box, name, text, strlen(text));
	*p = box_path(&box, name);
	return (struct figure_input){.path = p->text};
}

START_TEST(results_of_runs_become_a_line_each)
{
	const struct figure f = own("# licence\n# rows: cost saved\n"
				    "# needs: cost.ns\n# also: cost.b cost.z\n"
				    "plot\n");
	struct figure_input in[2] = {
		input("one.tsv", "# engine\tksm\nscope\tname\tindex\tunit\t"
				 "value\ncost\tns\t-\tns\t7\ncost\tb\t-\tns\t"
				 "3\ncost\tb\t1\tns\t8\nmeter\tx\t-\t-\t1\n"),
		input("two.x.tsv", "scope\tname\tindex\tunit\tvalue\n"
				   "saved\tp\t-\tp\t-5\ncost\tns\t-\tns\t9\n"),
	};
	char label[] = "a label", *text;
	size_t n;

	in[1].label = label;
	ck_assert_msg(!figure_data(&f, in, 2, &text, &n, &err), "%s", err.text);
	ck_assert_str_eq(text, "run\tcost.ns\tcost.b\tsaved.p\tcost.z\n"
			       "one\t7\t3\t0\t0\n"
			       "a label\t9\t0\t-5\t0\n");
	ck_assert_uint_eq(n, strlen(text));
	free(text);
}
END_TEST

START_TEST(files_that_are_not_what_a_figure_wants_are_named)
{
	const struct figure runs = own("# rows: cost\n# needs: cost.ns\n"
				       "# data: what FILE has\n");
	const struct figure plain = own("# needs: time_ns\n");
	struct figure_input in[2] = {input("t.tsv", "time\tx\n1\t2\n"),
				     input("c.tsv", "scope\tname\tindex\tunit\t"
						    "value\n")};
	char *text;
	size_t n;

	ck_assert_int_eq(figure_data(&runs, in, 1, &text, &n, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "/t.tsv: no results of a run"));
	err = (struct err){0};
	ck_assert_int_eq(figure_data(&runs, in + 1, 1, &text, &n, &err),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(
		err.text, "/c.tsv: no \"cost.ns\" in it; figure own wants what "
			  "FILE has"));
	err = (struct err){0};
	ck_assert_int_eq(figure_data(&plain, in, 1, &text, &n, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "no \"time_ns\" in it"));
	err = (struct err){0};
	ck_assert_int_eq(figure_data(&plain, in, 2, &text, &n, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "is drawn from one file"));
}
END_TEST

static int data_and_table(void *ctx)
{
	const struct figure f = own("# rows: cost\n# column: run 1 a b\n"
				    "# column: cost.ns 2.0 c\n");
	char *text, *out = NULL;
	size_t n, bytes;
	FILE *file;
	int ret;

	err = (struct err){0};
	ret = figure_data(&f, ctx, 2, &text, &n, &err);
	if (ret)
		return ret;
	file = open_memstream(&out, &bytes);
	ck_assert_ptr_nonnull(file);
	ret = figure_table(&f, text, file, &err);
	fclose(file);
	free(out);
	free(text);
	return ret;
}

static char *table_of(const struct figure *f, const char *data, int ret)
{
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(out);
	err = (struct err){0};
	ck_assert_msg(figure_table(f, data, out, &err) == ret, "%s", err.text);
	fclose(out);
	return text;
}

START_TEST(a_table_has_the_columns_that_are_named_divided)
{
	static const char data[] = "# k\tv\na\tb\tc\nx\t12345678\t-6\n"
				   "y\t99950000\t-\nz\t0.5\t9\n";
	const struct figure f = own("# column: c 4.00 of c, %\n"
				    "# column: a 1 a\n"
				    "# column: b 1000000.0 M b\n"
				    "plot\n# column: b 1 not in the head\n");
	const struct figure turned = own("# column: a 1 run\n# turned: yes\n"
					 "# column: b 10 b\n");
	char *t = table_of(&f, data, 0);

	ck_assert_str_eq(t, "% k: v\n\\begin{tabular}{rlr}\n\\toprule\n"
			    "of c, \\% & a & M b \\\\\n\\midrule\n"
			    "$-$1.50 & x & 12.3 \\\\\n"
			    "- & y & 100.0 \\\\\n"
			    "2.25 & z & 0.5 \\\\\n"
			    "\\bottomrule\n\\end{tabular}\n");
	free(t);
	t = table_of(&turned, data, 0);
	ck_assert_str_eq(t, "% k: v\n\\begin{tabular}{lrrr}\n\\toprule\n"
			    "run & x & y & z \\\\\n\\midrule\n"
			    "b & 1\\,234\\,568 & 9\\,995\\,000 & 0.5 \\\\\n"
			    "\\bottomrule\n\\end{tabular}\n");
	free(t);
}
END_TEST

START_TEST(columns_of_a_table_that_make_no_sense_are_refused)
{
	static const char *const bad[] = {"a",
					  "a 1",
					  "a 0 x",
					  "a 1.5 x",
					  "a 1. x",
					  "a 1.0000 x",
					  "a 9999999999999 x",
					  "a -1 x",
					  "none 1 x"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[64];
		struct figure f;

		snprintf(text, sizeof(text), "# column: %s\n", bad[i]);
		f = own(text);
		free(table_of(&f, "a\n1\n", -EINVAL));
		ck_assert_ptr_nonnull(strstr(err.text, "figure own: "));
	}
}
END_TEST

START_TEST(every_allocation_may_fail)
{
	static const char text[] = "# a\tb\nscope\tname\tindex\tunit\tvalue\n"
				   "cost\tns\t-\tns\t7\n";
	struct figure_input in[2] = {input("a", text), input("b", text)};

	ck_assert_uint_gt(fail_mem_walk(data_and_table, in), 8);
}
END_TEST

START_TEST(a_pdf_forgets_when_it_was_made)
{
	char pdf[] = "x /CreationDate (D:20261120132949Z)\n/ModDate "
		     "(D:20261120132949+01'00)\n(D:20261120) Date (D:2026";

	gnuplot_undate(pdf, sizeof(pdf) - 1);
	ck_assert_str_eq(pdf, "x /CreationDate (D:19700101000000Z)\n/ModDate "
			      "(D:19700101000000+01'00)\n(D:20261120) Date "
			      "(D:1970");
}
END_TEST

static Suite *grid_suite(void)
{
	Suite *s = suite_create("grid");
	TCase *c = tcase_create("all");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, facts_names_and_cells_are_read);
	tcase_add_test(c, what_is_no_grid_is_refused_with_its_line);
	tcase_add_test(c, a_nul_or_too_many_columns_are_refused);
	tcase_add_test(c, numbers_are_integers_and_fractions);
	tcase_add_test(c, a_table_for_latex_groups_digits_and_escapes_words);
	tcase_add_test(c, every_figure_says_what_it_shows_and_wants);
	tcase_add_test(c, the_figure_of_costs_has_all_groups);
	tcase_add_test(c, results_of_runs_become_a_line_each);
	tcase_add_test(c, files_that_are_not_what_a_figure_wants_are_named);
	tcase_add_test(c, a_table_has_the_columns_that_are_named_divided);
	tcase_add_test(c, columns_of_a_table_that_make_no_sense_are_refused);
	tcase_add_test(c, every_allocation_may_fail);
	tcase_add_test(c, a_pdf_forgets_when_it_was_made);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return check_main(grid_suite());
}
