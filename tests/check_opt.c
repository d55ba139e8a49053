/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/base/opt.h"
#include "tests/support/main.h"

struct opts {
	uint64_t threads, quiet, smart_scan, ram, sleep, until, sharing;
	const char *trace, *json;
};

static const char *const untils[] = {"end", "fixpoint", NULL};

static const struct opt rows[] = {
	{OPT_U64, OPT_FIELD(opts, threads, uint64_t), .def = 4, .min = 1,
	 .max = 256, .help = "threads to work with", .letter = 't'},
	{OPT_BOOL, OPT_FIELD(opts, quiet, uint64_t), .help = "say nothing",
	 .letter = 'q'},
	{OPT_BOOL, OPT_FIELD(opts, smart_scan, uint64_t), .def = 1,
	 .help = "skip pages that did not change", .letter = 's'},
	{OPT_SIZE, OPT_FIELD(opts, ram, uint64_t), .def = 1 << 30, .min = 4096,
	 .help = "memory of the machine"},
	{OPT_TIME, OPT_FIELD(opts, sleep, uint64_t), .def = 20000000,
	 .max = 1000000000, .help = "pause between batches"},
	{OPT_CHOICE, OPT_FIELD(opts, until, uint64_t), .def = 1,
	 .choices = untils, .help = "when the run ends"},
	{OPT_U64, .name = "max_page_sharing",
	 .offset = offsetof(struct opts, sharing), .def = 256, .min = 2,
	 .max = UINT32_MAX, .unit = "pages", .arg = "NUMBER",
	 .help = "pages that may share one frame"},
	{OPT_STRING, OPT_FIELD(opts, trace, const char *), .arg = "FILE",
	 .help = "the recording to replay", .letter = 'f'},
	{OPT_STRING, OPT_FIELD(opts, json, const char *), .arg = "FILE",
	 .help = "result file"},
	{OPT_STRING, .name = "set", .offset = OPT_MULTI, .arg = "KEY=VALUE",
	 .help = "tunable of the engine"},
	{.type = OPT_END},
};

static struct opts defaults(void)
{
	struct opts o;

	memset(&o, 0xff, sizeof(o));
	opt_defaults(rows, &o);
	return o;
}

START_TEST(defaults_come_from_the_rows)
{
	struct opts o = defaults();

	ck_assert_uint_eq(o.threads, 4);
	ck_assert_uint_eq(o.quiet, 0);
	ck_assert_uint_eq(o.smart_scan, 1);
	ck_assert_uint_eq(o.ram, 1 << 30);
	ck_assert_uint_eq(o.sleep, 20000000);
	ck_assert_uint_eq(o.until, 1);
	ck_assert_uint_eq(o.sharing, 256);
	ck_assert_ptr_null(o.trace);
	ck_assert_ptr_null(o.json);
}
END_TEST

START_TEST(names_are_found_with_either_dash)
{
	ck_assert_ptr_eq(opt_find(rows, "max-page-sharing"), &rows[6]);
	ck_assert_ptr_eq(opt_find(rows, "max_page_sharing"), &rows[6]);
	ck_assert_ptr_null(opt_find(rows, "max_page"));
	ck_assert_ptr_null(opt_find(rows, "max_page_sharings"));
	ck_assert_ptr_null(opt_find(rows, ""));
	ck_assert_str_eq(opt_nearest(rows, "treads"), "threads");
	ck_assert_str_eq(opt_nearest(rows, "max-page-shairng"),
			 "max_page_sharing");
	ck_assert_str_eq(opt_nearest(rows, "max"), "max_page_sharing");
	ck_assert_ptr_null(opt_nearest(rows, "zzzz"));
}
END_TEST

START_TEST(values_are_stored_in_their_units)
{
	struct opts o = defaults();
	struct err err = {0};

	ck_assert_int_eq(opt_set(rows, &o, "threads", "0x10", &err), 0);
	ck_assert_int_eq(opt_set(rows, &o, "quiet", "yes", &err), 0);
	ck_assert_int_eq(opt_set(rows, &o, "smart-scan", "off", &err), 0);
	ck_assert_int_eq(opt_set(rows, &o, "ram", "1.5GiB", &err), 0);
	ck_assert_int_eq(opt_set(rows, &o, "sleep", "250us", &err), 0);
	ck_assert_int_eq(opt_set(rows, &o, "until", "end", &err), 0);
	ck_assert_int_eq(opt_set(rows, &o, "trace", "vm.trace", &err), 0);
	ck_assert_int_eq(opt_set(rows, &o, "json", "", &err), 0);
	ck_assert_str_eq(err.text, "");
	ck_assert_uint_eq(o.threads, 16);
	ck_assert_uint_eq(o.quiet, 1);
	ck_assert_uint_eq(o.smart_scan, 0);
	ck_assert_uint_eq(o.ram, UINT64_C(3) << 29);
	ck_assert_uint_eq(o.sleep, 250000);
	ck_assert_uint_eq(o.until, 0);
	ck_assert_str_eq(o.trace, "vm.trace");
	ck_assert_str_eq(o.json, "");
	ck_assert_uint_eq(opt_get(&rows[0], &o), 16);
	ck_assert_uint_eq(opt_get(&rows[5], &o), 0);
}
END_TEST

START_TEST(every_word_for_yes_and_no_is_known)
{
	static const char *const word[] = {"0", "1", "no", "yes", "off", "on"};
	struct opts o = defaults();

	for (unsigned i = 0; i < 6; i++) {
		o.quiet = 7;
		ck_assert_int_eq(opt_set(rows, &o, "quiet", word[i], NULL), 0);
		ck_assert_uint_eq(o.quiet, i % 2);
	}
}
END_TEST

static const struct {
	const char *key, *value, *text;
} bad_values[] = {
	{"max_page_sharing", "1",
	 "max_page_sharing: 1 is out of range (2 … 4294967295 pages)"},
	{"max-page-sharing", "4294967296",
	 "max_page_sharing: 4294967296 is out of range "
	 "(2 … 4294967295 pages)"},
	{"max_page_sharing", "18446744073709551616",
	 "max_page_sharing: 18446744073709551616 is out of range "
	 "(2 … 4294967295 pages)"},
	{"max_page_sharing", "0xfffffffffffffffff",
	 "max_page_sharing: 0xfffffffffffffffff is out of range "
	 "(2 … 4294967295 pages)"},
	{"max_page_sharing", "many",
	 "max_page_sharing: \"many\" is not a number "
	 "(2 … 4294967295 pages)"},
	{"threads", "", "threads: \"\" is not a number (1 … 256)"},
	{"threads", "-1", "threads: \"-1\" is not a number (1 … 256)"},
	{"threads", "4x", "threads: \"4x\" is not a number (1 … 256)"},
	{"ram", "4KB", "ram: \"4KB\" is not a size (at least 4KiB)"},
	{"ram", "1KiB", "ram: 1KiB is out of range (at least 4KiB)"},
	{"ram", "99999999999TiB", "ram: 99999999999TiB is too large"},
	{"sleep", "20", "sleep: \"20\" is not a time (0 … 1s)"},
	{"sleep", "2s", "sleep: 2s is out of range (0 … 1s)"},
	{"quiet", "maybe",
	 "quiet: \"maybe\" is neither yes nor no (0, 1, no, yes, off, on)"},
	{"quiet", "2",
	 "quiet: \"2\" is neither yes nor no (0, 1, no, yes, off, on)"},
	{"until", "fixpiont",
	 "until: \"fixpiont\" is not one of end, fixpoint; did you mean "
	 "\"fixpoint\"?"},
	{"until", "never", "until: \"never\" is not one of end, fixpoint"},
	{"thread", "1", "unknown key \"thread\"; did you mean \"threads\"?"},
	{"color", "1", "unknown key \"color\""},
	{"set", "a=b", "set cannot be set here"},
};

START_TEST(a_bad_value_is_told_with_what_is_allowed)
{
	struct opts o = defaults(), before = o;
	struct err err = {0};

	ck_assert_int_eq(opt_set(rows, &o, bad_values[_i].key,
				 bad_values[_i].value, &err),
			 -EINVAL);
	ck_assert_str_eq(err.text, bad_values[_i].text);
	ck_assert_mem_eq(&o, &before, sizeof(o));
}
END_TEST

START_TEST(what_is_formatted_can_be_set_again)
{
	static const char *const value[][2] = {
		{"threads", "200"},    {"quiet", "1"},	       {"ram", "4097"},
		{"ram", "4KiB"},       {"ram", "1536MiB"},     {"ram", "3TiB"},
		{"ram", "1025TiB"},    {"sleep", "0"},	       {"sleep", "1ns"},
		{"sleep", "1500us"},   {"sleep", "20ms"},      {"sleep", "1s"},
		{"until", "fixpoint"}, {"trace", "a b.trace"}, {"json", ""},
	};
	char buf[64];

	for (size_t i = 0; i < sizeof(value) / sizeof(value[0]); i++) {
		const struct opt *row = opt_find(rows, value[i][0]);
		struct opts o = defaults();

		ck_assert_int_eq(
			opt_set(rows, &o, value[i][0], value[i][1], NULL), 0);
		ck_assert_str_eq(opt_format(row, &o, buf, sizeof(buf)),
				 value[i][1]);
	}
	for (const struct opt *row = rows; row->type != OPT_END; row++) {
		struct opts o = defaults(), copy = o;
		const char *s = opt_format(row, &o, buf, sizeof(buf));

		if (row->type == OPT_STRING) {
			ck_assert_str_eq(s, "");
			continue;
		}
		ck_assert_int_eq(opt_set(rows, &o, row->name, s, NULL), 0);
		ck_assert_mem_eq(&o, &copy, sizeof(o));
	}
}
END_TEST

/* ---- the table itself ---- */

START_TEST(a_sane_table_is_accepted)
{
	struct err err = {0};

	ck_assert_int_eq(opt_check_rows(rows, sizeof(struct opts), &err), 0);
	ck_assert_str_eq(err.text, "");
}
END_TEST

static const char *const nothing[] = {NULL};

static const struct {
	struct opt row; /* put in the place of "json", after the others */
	const char *text;
} bad_rows[] = {
	{{OPT_U64, NULL, 0, .help = "x"}, "option 8 () has no proper name"},
	{{OPT_U64, "", 0, .help = "x"}, "option 8 () has no proper name"},
	{{OPT_U64, "Big", 0, .help = "x"}, "option 8 (Big) has no proper name"},
	{{OPT_U64, "a=b", 0, .help = "x"}, "option 8 (a=b) has no proper name"},
	{{OPT_U64, "x", 4, .help = "x"}, "option x has a misaligned field"},
	{{OPT_U64, "x", sizeof(struct opts), .help = "x"},
	 "option x has a field outside the options"},
	{{OPT_U64, "x", OPT_MULTI, .help = "x"},
	 "option x is no string and may be repeated"},
	{{OPT_U64, "x", 0, .def = 3, .max = 2, .help = "x"},
	 "option x has a default out of its range"},
	{{OPT_SIZE, "x", 0, .def = 3, .min = 4, .help = "x"},
	 "option x has a default out of its range"},
	{{OPT_TIME, "x", 0, .def = 3, .min = 4, .max = 2, .help = "x"},
	 "option x has a minimum above its maximum"},
	{{OPT_BOOL, "x", 0, .def = 2, .help = "x"},
	 "option x has a default that is neither 0 nor 1"},
	{{OPT_CHOICE, "x", 0, .help = "x"}, "option x has no choices"},
	{{OPT_CHOICE, "x", 0, .choices = nothing, .help = "x"},
	 "option x has no choices"},
	{{OPT_CHOICE, "x", 0, .def = 2, .choices = untils, .help = "x"},
	 "option x has a default that is no choice"},
	{{OPT_U64, "x", 0, .choices = untils, .help = "x"},
	 "option x is no choice and has choices"},
	{{OPT_STRING, "x", 0, .def = 1, .help = "x"},
	 "option x is a string and has a default"},
	{{OPT_U64, "x", 0, .help = NULL}, "option x has no help"},
	{{OPT_U64, "x", 0, .help = ""}, "option x has no help"},
	{{OPT_U64, "x", 0, .help = "A sentence."},
	 "option x has a help text with a full stop"},
	{{OPT_U64, "x", 0, .help = "x", .letter = '-'},
	 "option x has a short option that is no letter"},
	{{OPT_U64, "x", 0, .help = "x", .letter = 'q'},
	 "option x has the letter of another"},
	{{OPT_U64, "smart-scan", 0, .help = "x"},
	 "option smart-scan is there twice"},
	{{OPT_BOOL, "no_quiet", 0, .help = "x"},
	 "option no_quiet reads as the negation of another"},
	{{(enum opt_type)99, "x", 0, .help = "x"},
	 "option x has an unknown type"},
};

START_TEST(a_bad_row_is_refused_by_name)
{
	struct opt table[sizeof(rows) / sizeof(rows[0])];
	struct err err = {0};

	memcpy(table, rows, sizeof(table));
	table[8] = bad_rows[_i].row;
	ck_assert_int_eq(opt_check_rows(table, sizeof(struct opts), &err),
			 -EINVAL);
	ck_assert_str_eq(err.text, bad_rows[_i].text);
}
END_TEST

/* ---- the command line ---- */

struct line {
	struct opts o;
	struct err err;
	const char *rest[16];
	int nrest, ret;
	char sets[200]; /* what @multi was given, a semicolon behind each */
};

static int note(void *ctx, const struct opt *row, const char *value,
		struct err *err)
{
	struct line *l = ctx;

	ck_assert_str_eq(row->name, "set");
	if (!strcmp(value, "bad"))
		return err_set(err, ERANGE, "refused");
	strcat(strcat(l->sets, value), ";");
	return 0;
}

/* Words are separated by single blanks; "" is no word. */
static struct line parse(const char *words)
{
	static char copy[512];
	char *argv[17], *p = copy;
	struct line l = {.o = defaults(), .nrest = -1};
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", words);
	while (*p) {
		argv[argc++] = p;
		p += strcspn(p, " ");
		if (*p)
			*p++ = 0;
	}
	argv[argc] = NULL;
	l.ret = opt_parse(rows, &l.o, argc, argv, l.rest, &l.nrest, note, &l,
			  &l.err);
	return l;
}

START_TEST(values_follow_a_blank_an_equals_sign_or_a_letter)
{
	struct line l = parse("--threads 8 --ram=2MiB -f x --json=a=b");

	ck_assert_int_eq(l.ret, 0);
	ck_assert_uint_eq(l.o.threads, 8);
	ck_assert_uint_eq(l.o.ram, 2 << 20);
	ck_assert_str_eq(l.o.trace, "x");
	ck_assert_str_eq(l.o.json, "a=b");
	l = parse("-t9 --max-page-sharing 7 -fy --json=");
	ck_assert_int_eq(l.ret, 0);
	ck_assert_uint_eq(l.o.threads, 9);
	ck_assert_uint_eq(l.o.sharing, 7);
	ck_assert_str_eq(l.o.trace, "y");
	ck_assert_str_eq(l.o.json, "");
	l = parse("--trace --json");
	ck_assert_int_eq(l.ret, 0);
	ck_assert_str_eq(l.o.trace, "--json");
	l = parse("");
	ck_assert_int_eq(l.ret, 0);
	ck_assert_int_eq(l.nrest, 0);
}
END_TEST

START_TEST(flags_stand_alone_and_can_be_turned_off)
{
	struct line l = parse("--quiet --no-smart-scan");

	ck_assert_int_eq(l.ret, 0);
	ck_assert_uint_eq(l.o.quiet, 1);
	ck_assert_uint_eq(l.o.smart_scan, 0);
	l = parse("--quiet=0 --smart_scan=no --no_quiet");
	ck_assert_int_eq(l.ret, 0);
	ck_assert_uint_eq(l.o.quiet, 0);
	ck_assert_uint_eq(l.o.smart_scan, 0);
	l = parse("--no-smart-scan -sqt3");
	ck_assert_int_eq(l.ret, 0);
	ck_assert_uint_eq(l.o.smart_scan, 1);
	ck_assert_uint_eq(l.o.quiet, 1);
	ck_assert_uint_eq(l.o.threads, 3);
	/* a flag does not take the next word */
	l = parse("--quiet 0");
	ck_assert_int_eq(l.ret, 0);
	ck_assert_uint_eq(l.o.quiet, 1);
	ck_assert_int_eq(l.nrest, 1);
	ck_assert_str_eq(l.rest[0], "0");
}
END_TEST

START_TEST(the_last_of_repeated_options_wins)
{
	struct line l = parse("--trace a -t1 --trace=b --quiet -t 2 "
			      "--no-quiet");

	ck_assert_int_eq(l.ret, 0);
	ck_assert_str_eq(l.o.trace, "b");
	ck_assert_uint_eq(l.o.threads, 2);
	ck_assert_uint_eq(l.o.quiet, 0);
}
END_TEST

START_TEST(operands_come_in_order_and_after_two_dashes_all_are)
{
	struct line l = parse("a --quiet - b -- --threads -x -- c");

	ck_assert_int_eq(l.ret, 0);
	ck_assert_uint_eq(l.o.quiet, 1);
	ck_assert_int_eq(l.nrest, 7);
	ck_assert_str_eq(l.rest[0], "a");
	ck_assert_str_eq(l.rest[1], "-");
	ck_assert_str_eq(l.rest[2], "b");
	ck_assert_str_eq(l.rest[3], "--threads");
	ck_assert_str_eq(l.rest[4], "-x");
	ck_assert_str_eq(l.rest[5], "--");
	ck_assert_str_eq(l.rest[6], "c");
}
END_TEST

START_TEST(operands_are_refused_where_none_are_wanted)
{
	struct opts o = defaults();
	struct err err = {0};
	char quiet[] = "--quiet", word[] = "file";
	char *argv[] = {quiet, word};

	ck_assert_int_eq(
		opt_parse(rows, &o, 1, argv, NULL, NULL, NULL, NULL, &err), 0);
	ck_assert_int_eq(
		opt_parse(rows, &o, 2, argv, NULL, NULL, NULL, NULL, &err),
		-EINVAL);
	ck_assert_str_eq(err.text, "\"file\" is not an option");
}
END_TEST

START_TEST(each_repeated_string_is_handed_on)
{
	struct line l = parse("--set a=1 x --set=b=2 --set c");

	ck_assert_int_eq(l.ret, 0);
	ck_assert_str_eq(l.sets, "a=1;b=2;c;");
	l = parse("--set a=1 --set bad --set b=2");
	ck_assert_int_eq(l.ret, -ERANGE);
	ck_assert_str_eq(l.err.text, "refused");
	ck_assert_str_eq(l.sets, "a=1;");
}
END_TEST

static const char *const bad_lines[][2] = {
	{"--treads 4",
	 "unknown option \"--treads\"; did you mean \"--threads\"?"},
	{"--treads=4",
	 "unknown option \"--treads\"; did you mean \"--threads\"?"},
	{"--max-pages-sharing 4", "unknown option \"--max-pages-sharing\"; did "
				  "you mean \"--max-page-sharing\"?"},
	{"--zzzz", "unknown option \"--zzzz\""},
	{"--=x", "unknown option \"--\""},
	{"-x", "unknown option \"-x\""},
	{"-qx", "unknown option \"-x\""},
	{"-ram 4KiB", "unknown option \"-ram\"; did you mean \"--ram\"?"},
	{"--threads", "--threads: a value is missing (1 … 256)"},
	{"-t", "-t: a value is missing (1 … 256)"},
	{"--trace", "--trace: a value is missing"},
	{"--until", "--until: a value is missing (end, fixpoint)"},
	{"--threads 0", "--threads: 0 is out of range (1 … 256)"},
	{"-t0", "-t: 0 is out of range (1 … 256)"},
	{"--max-page-sharing=1",
	 "--max-page-sharing: 1 is out of range (2 … 4294967295 pages)"},
	{"--no-quiet=1",
	 "--no-quiet takes no value; say --quiet=0 or --quiet=1"},
	{"--no-threads", "unknown option \"--no-threads\"; did "
			 "you mean \"--threads\"?"},
	{"--quiet=2",
	 "--quiet: \"2\" is neither yes nor no (0, 1, no, yes, off, on)"},
};

START_TEST(a_bad_line_is_told_in_the_users_words)
{
	struct line l = parse(bad_lines[_i][0]);

	ck_assert_int_eq(l.ret, -EINVAL);
	ck_assert_str_eq(l.err.text, bad_lines[_i][1]);
}
END_TEST

/* ---- help ---- */

START_TEST(help_lists_each_option_in_80_columns)
{
	static const char want[] =
		"  -t, --threads N      threads to work with "
		"(1 … 256; default 4)\n"
		"  -q, --quiet          say nothing\n"
		"  -s, --no-smart-scan  skip pages that did not change\n"
		"      --ram SIZE       memory of the machine "
		"(at least 4KiB; default 1GiB)\n"
		"      --sleep TIME     pause between batches "
		"(0 … 1s; default 20ms)\n"
		"      --until NAME     when the run ends "
		"(end, fixpoint; default fixpoint)\n"
		"      --max-page-sharing NUMBER\n"
		"                       pages that may share one frame "
		"(2 … 4294967295 pages;\n"
		"                       default 256)\n"
		"  -f, --trace FILE     the recording to replay\n"
		"      --json FILE      result file\n"
		"      --set KEY=VALUE  tunable of the engine\n";
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(out);
	opt_help(rows, out);
	fclose(out);
	ck_assert_str_eq(text, want);
	free(text);
}
END_TEST

static Suite *opt_suite(void)
{
	Suite *s = suite_create("opt");
	TCase *t = tcase_create("values");

	tcase_add_test(t, defaults_come_from_the_rows);
	tcase_add_test(t, names_are_found_with_either_dash);
	tcase_add_test(t, values_are_stored_in_their_units);
	tcase_add_test(t, every_word_for_yes_and_no_is_known);
	tcase_add_loop_test(t, a_bad_value_is_told_with_what_is_allowed, 0,
			    sizeof(bad_values) / sizeof(bad_values[0]));
	tcase_add_test(t, what_is_formatted_can_be_set_again);
	suite_add_tcase(s, t);
	t = tcase_create("rows");
	tcase_add_test(t, a_sane_table_is_accepted);
	tcase_add_loop_test(t, a_bad_row_is_refused_by_name, 0,
			    sizeof(bad_rows) / sizeof(bad_rows[0]));
	tcase_add_test(t, help_lists_each_option_in_80_columns);
	suite_add_tcase(s, t);
	t = tcase_create("lines");
	tcase_add_test(t, values_follow_a_blank_an_equals_sign_or_a_letter);
	tcase_add_test(t, flags_stand_alone_and_can_be_turned_off);
	tcase_add_test(t, the_last_of_repeated_options_wins);
	tcase_add_test(t, operands_come_in_order_and_after_two_dashes_all_are);
	tcase_add_test(t, operands_are_refused_where_none_are_wanted);
	tcase_add_test(t, each_repeated_string_is_handed_on);
	tcase_add_loop_test(t, a_bad_line_is_told_in_the_users_words, 0,
			    sizeof(bad_lines) / sizeof(bad_lines[0]));
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(opt_suite());
}
