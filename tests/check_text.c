/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdbool.h>
#include <string.h>

#include "sim/base/prng.h"
#include "sim/base/text.h"
#include "tests/support/main.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)
#define SEC UINT64_C(1000000000)

struct number {
	const char *text;
	uint64_t value;
};

typedef bool parse_fn(const char *s, uint64_t *out);

static void good(parse_fn *parse, const struct number *n, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t v = 12345;

		ck_assert_msg(parse(n[i].text, &v), "%s", n[i].text);
		ck_assert_msg(v == n[i].value, "%s: %" PRIu64, n[i].text, v);
	}
}

static void bad(parse_fn *parse, const char *const *text, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint64_t v = 12345;

		ck_assert_msg(!parse(text[i], &v), "\"%s\"", text[i]);
		ck_assert_uint_eq(v, 12345);
	}
}

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

START_TEST(numbers_are_decimal_or_hex_and_whole)
{
	static const struct number ok[] = {
		{"0", 0},
		{"7", 7},
		{"007", 7},
		{"4294967296", UINT64_C(1) << 32},
		{"18446744073709551615", UINT64_MAX},
		{"0x0", 0},
		{"0xfF", 255},
		{"0XA5", 0xa5},
		{"0xffffffffffffffff", UINT64_MAX},
	};
	static const char *const no[] = {
		"",	"-1",	 "+1",	  " 1",
		"1 ",	"1k",	 "0x",	  "0xg",
		"1.0",	"x10",	 "ten",	  "18446744073709551616",
		"1e3",	"--1",	 "1\n",	  "99999999999999999999999",
		"0x1 ", "0x-1",	 "1_000", "0x10000000000000000",
		"a",	"0b101", "1,000", "\xef\xbc\x91",
	};

	good(text_u64, ok, COUNT(ok));
	bad(text_u64, no, COUNT(no));
}
END_TEST

START_TEST(sizes_take_binary_units_and_exact_fractions)
{
	static const struct number ok[] = {
		{"0", 0},
		{"4096", 4096},
		{"0x1000", 4096},
		{"4KiB", 4 * KIB},
		{"3MiB", 3 * MIB},
		{"2GiB", 2 * GIB},
		{"1TiB", TIB},
		{"1.5KiB", 1536},
		{"0.5MiB", 512 * KIB},
		{"2.50GiB", 2560 * MIB},
		{"4.0", 4},
		{"4.000000000000000000000000KiB", 4 * KIB},
		{"0.0009765625MiB", KIB},
		{"0.99609375TiB", 1020 * GIB},
		{"16777215.5TiB", UINT64_MAX - TIB / 2 + 1},
	};
	static const char *const no[] = {
		"",
		"4KB",
		"4K",
		"4k",
		"4 KiB",
		"KiB",
		"-4KiB",
		"4kib",
		"4KiBs",
		"0x4KiB",
		"1.5",
		"0.3KiB",
		".5KiB",
		"1.KiB",
		"1..5KiB",
		"1.5.KiB",
		"16777216TiB",
		"1e3",
		"99999999999TiB",
		"4PiB",
		"0.1234567890123456789KiB",
	};

	good(text_size, ok, COUNT(ok));
	bad(text_size, no, COUNT(no));
}
END_TEST

START_TEST(times_want_a_unit_unless_they_are_nothing)
{
	static const struct number ok[] = {
		{"0", 0},
		{"00", 0},
		{"0s", 0},
		{"17ns", 17},
		{"250us", 250000},
		{"20ms", 20000000},
		{"1.5s", 3 * SEC / 2},
		{"0.000000001s", 1},
		{"18446744073.709551615s", UINT64_MAX},
		{"1.25us", 1250},
	};
	static const char *const no[] = {
		"",	  "20",		  "20m",
		"20 ms",  "ms",		  "-1ms",
		"1.5ns",  "20MS",	  "0.0000000001s",
		"1.5",	  "0x10ms",	  "1h",
		"20msms", "18446744074s", "18446744073.709551616s",
	};

	good(text_time, ok, COUNT(ok));
	bad(text_time, no, COUNT(no));
}
END_TEST

START_TEST(words_are_split_at_blanks_up_to_a_comment)
{
	char line[] = "  map 0\t17  x#y  # the rest";
	char empty[] = " \t ", comment[] = "# map", four[] = "a b c d";
	char *w[4] = {NULL, NULL, NULL, NULL};

	ck_assert_int_eq(text_words(line, w, 4), 4);
	ck_assert_str_eq(w[0], "map");
	ck_assert_str_eq(w[1], "0");
	ck_assert_str_eq(w[2], "17");
	ck_assert_str_eq(w[3], "x#y");
	ck_assert_int_eq(text_words(empty, w, 4), 0);
	ck_assert_int_eq(text_words(comment, w, 4), 0);
	w[3] = NULL;
	ck_assert_int_eq(text_words(four, w, 3), 4);
	ck_assert_str_eq(w[2], "c");
	ck_assert_ptr_null(w[3]);
}
END_TEST

START_TEST(lines_end_at_newlines_and_at_the_end)
{
	char text[] = "one\ntwo\r\n\n\r\nx\ry\nlast";
	static const char *const want[] = {"one", "two",  "",
					   "",	  "x\ry", "last"};
	char *p = text, *end = text + strlen(text), *line;

	for (unsigned i = 0; i < COUNT(want); i++) {
		line = text_line(&p, end);
		ck_assert_ptr_nonnull(line);
		ck_assert_str_eq(line, want[i]);
	}
	ck_assert_ptr_null(text_line(&p, end));
	ck_assert_ptr_null(text_line(&p, end));
}
END_TEST

START_TEST(a_final_newline_begins_no_line)
{
	char text[] = "a\n", none[] = "";
	char *p = text;

	ck_assert_str_eq(text_line(&p, text + 2), "a");
	ck_assert_ptr_null(text_line(&p, text + 2));
	p = none;
	ck_assert_ptr_null(text_line(&p, none));
}
END_TEST

/* ---- near names ---- */

/* The definition, by recursion. */
static unsigned slow_distance(const char *a, const char *b)
{
	unsigned best, d;

	if (!*a || !*b)
		return (unsigned)(strlen(a) + strlen(b));
	best = slow_distance(a + 1, b + 1) + (*a != *b);
	d = slow_distance(a + 1, b) + 1;
	best = d < best ? d : best;
	d = slow_distance(a, b + 1) + 1;
	best = d < best ? d : best;
	if (a[1] && b[1] && a[0] == b[1] && a[1] == b[0]) {
		d = slow_distance(a + 2, b + 2) + 1;
		best = d < best ? d : best;
	}
	return best;
}

START_TEST(distance_is_the_fewest_edits)
{
	struct prng r = prng_fork(test_seed(1), "distance");
	char a[7], b[7];

	ck_assert_uint_eq(text_distance("", ""), 0);
	ck_assert_uint_eq(text_distance("", "abc"), 3);
	ck_assert_uint_eq(text_distance("treads", "threads"), 1);
	ck_assert_uint_eq(text_distance("thraeds", "threads"), 1);
	ck_assert_uint_eq(text_distance("pages-to-scan", "pages_to_scan"), 0);
	for (int i = 0; i < 3000; i++) {
		size_t na = prng_below(&r, 7), nb = prng_below(&r, 7);

		for (size_t k = 0; k < na; k++)
			a[k] = (char)('a' + prng_below(&r, 3));
		for (size_t k = 0; k < nb; k++)
			b[k] = (char)('a' + prng_below(&r, 3));
		a[na] = b[nb] = 0;
		ck_assert_msg(text_distance(a, b) == slow_distance(a, b),
			      "\"%s\" \"%s\"", a, b);
	}
}
END_TEST

START_TEST(names_too_long_to_compare_are_far_apart)
{
	char a[200], b[200];

	memset(a, 'a', sizeof(a));
	memset(b, 'a', sizeof(b));
	a[TEXT_NAME_MAX] = b[TEXT_NAME_MAX - 1] = 0;
	ck_assert_uint_eq(text_distance(a, b), 1);
	a[TEXT_NAME_MAX] = 'a';
	a[TEXT_NAME_MAX + 1] = 0;
	ck_assert_uint_eq(text_distance(a, b), TEXT_NAME_MAX);
	ck_assert_uint_eq(text_distance(b, a), TEXT_NAME_MAX);
	ck_assert_uint_eq(text_distance(a, a), 0);
}
END_TEST

START_TEST(the_nearest_name_is_close_or_none)
{
	static const char *const names[] = {"run",	     "sweep",
					    "list",	     "trace",
					    "pages_to_scan", "pages_shared"};
	const size_t n = COUNT(names);

	ck_assert_str_eq(text_nearest("rnu", names, n), "run");
	ck_assert_str_eq(text_nearest("swep", names, n), "sweep");
	ck_assert_str_eq(text_nearest("list", names, n), "list");
	ck_assert_str_eq(text_nearest("page-to-scan", names, n),
			 "pages_to_scan");
	/* a beginning, the first that has it */
	ck_assert_str_eq(text_nearest("pages", names, n), "pages_to_scan");
	ck_assert_ptr_null(text_nearest("zswap", names, n));
	ck_assert_ptr_null(text_nearest("x", names, n));
	ck_assert_ptr_null(text_nearest("", names, n));
	ck_assert_ptr_null(text_nearest("run", names, 0));
	/* the first of two equally near */
	ck_assert_str_eq(
		text_nearest("lost", (const char *const[]){"lest", "list"}, 2),
		"lest");
}
END_TEST

/* ---- for people ---- */

START_TEST(bytes_are_shown_in_binary_units)
{
	static const struct number is[] = {
		{"0 B", 0},
		{"1023 B", 1023},
		{"1.0 KiB", 1024},
		{"1.5 MiB", 3 * MIB / 2},
		{"1023.9 KiB", MIB - 103},
		{"1.0 MiB", MIB - 1},
		{"1.0 GiB", GIB - 1},
		{"2.0 TiB", 2 * TIB},
		{"16384.0 PiB", UINT64_MAX},
	};
	char buf[32];

	for (size_t i = 0; i < COUNT(is); i++)
		ck_assert_str_eq(text_bytes(buf, sizeof(buf), is[i].value),
				 is[i].text);
	ck_assert_str_eq(text_signed_bytes(buf, sizeof(buf), -1536),
			 "-1.5 KiB");
	ck_assert_str_eq(text_signed_bytes(buf, sizeof(buf), 5), "5 B");
	ck_assert_str_eq(text_signed_bytes(buf, sizeof(buf), INT64_MIN),
			 "-8192.0 PiB");
	ck_assert_str_eq(text_signed_bytes(buf, sizeof(buf), INT64_MAX),
			 "8192.0 PiB");
}
END_TEST

START_TEST(times_are_shown_in_decimal_units)
{
	static const struct number is[] = {
		{"0 ns", 0},
		{"999 ns", 999},
		{"1.0 us", 1000},
		{"20.1 ms", 20100000},
		{"1.0 ms", 999950},
		{"999.9 us", 999949},
		{"3600.0 s", 3600 * SEC},
		{"18446744073.7 s", UINT64_MAX},
	};
	char buf[32];

	for (size_t i = 0; i < COUNT(is); i++)
		ck_assert_str_eq(text_ns(buf, sizeof(buf), is[i].value),
				 is[i].text);
}
END_TEST

START_TEST(counts_are_grouped_by_thousands)
{
	char buf[32], tiny[4];

	ck_assert_str_eq(text_count(buf, sizeof(buf), 0), "0");
	ck_assert_str_eq(text_count(buf, sizeof(buf), 999), "999");
	ck_assert_str_eq(text_count(buf, sizeof(buf), 1000), "1 000");
	ck_assert_str_eq(text_count(buf, sizeof(buf), 12345), "12 345");
	ck_assert_str_eq(text_count(buf, sizeof(buf), UINT64_MAX),
			 "18 446 744 073 709 551 615");
	ck_assert_str_eq(text_count(tiny, sizeof(tiny), 12345), "12 ");
}
END_TEST

static Suite *text_suite(void)
{
	Suite *s = suite_create("text");
	TCase *t = tcase_create("text");

	tcase_add_test(t, numbers_are_decimal_or_hex_and_whole);
	tcase_add_test(t, sizes_take_binary_units_and_exact_fractions);
	tcase_add_test(t, times_want_a_unit_unless_they_are_nothing);
	tcase_add_test(t, words_are_split_at_blanks_up_to_a_comment);
	tcase_add_test(t, lines_end_at_newlines_and_at_the_end);
	tcase_add_test(t, a_final_newline_begins_no_line);
	tcase_add_test(t, distance_is_the_fewest_edits);
	tcase_add_test(t, names_too_long_to_compare_are_far_apart);
	tcase_add_test(t, the_nearest_name_is_close_or_none);
	tcase_add_test(t, bytes_are_shown_in_binary_units);
	tcase_add_test(t, times_are_shown_in_decimal_units);
	tcase_add_test(t, counts_are_grouped_by_thousands);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(text_suite());
}
