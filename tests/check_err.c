/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/base/err.h"
#include "tests/support/main.h"

START_TEST(the_code_comes_back_negative)
{
	struct err e = {0};

	ck_assert_int_eq(err_set(&e, EINVAL, "%s:%d: no", "a.txt", 17),
			 -EINVAL);
	ck_assert_str_eq(e.text, "a.txt:17: no");
	ck_assert_int_eq(err_set(NULL, ENOMEM, "nobody listens"), -ENOMEM);
}
END_TEST

START_TEST(the_first_cause_wins)
{
	struct err e = {0};

	err_set(&e, EIO, "first");
	ck_assert_int_eq(err_set(&e, EINVAL, "second"), -EINVAL);
	ck_assert_str_eq(e.text, "first");
}
END_TEST

START_TEST(a_prefix_says_where)
{
	struct err e = {0};

	ck_assert_int_eq(err_prefix(&e, -EIO, "run %d", 1), -EIO);
	ck_assert_str_eq(e.text, "");
	err_set(&e, EIO, "cause");
	ck_assert_int_eq(err_prefix(&e, -EIO, "run %d", 2), -EIO);
	ck_assert_str_eq(e.text, "run 2: cause");
	ck_assert_int_eq(err_prefix(NULL, -EIO, "run"), -EIO);
}
END_TEST

START_TEST(long_text_is_cut_never_overrun)
{
	struct {
		struct err e;
		char guard[8];
	} s = {.guard = "guard"};
	char longer[2 * ERR_TEXT_MAX];

	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	err_set(&s.e, EINVAL, "%s", longer);
	ck_assert_uint_eq(strlen(s.e.text), ERR_TEXT_MAX - 1);
	err_prefix(&s.e, -EINVAL, "%s", "where");
	ck_assert_uint_eq(strlen(s.e.text), ERR_TEXT_MAX - 1);
	ck_assert_int_eq(strncmp(s.e.text, "where: xxx", 10), 0);
	err_prefix(&s.e, -EINVAL, "%s", longer);
	ck_assert_uint_eq(strlen(s.e.text), ERR_TEXT_MAX - 1);
	ck_assert_str_eq(s.guard, "guard");
}
END_TEST

START_TEST(an_error_without_text_has_words)
{
	struct err e = {0};

	ck_assert_str_eq(err_text(&e, -ENOMEM), strerror(ENOMEM));
	ck_assert_str_eq(err_text(NULL, -EIO), strerror(EIO));
	err_set(&e, EIO, "mine");
	ck_assert_str_eq(err_text(&e, -EIO), "mine");
}
END_TEST

START_TEST(only_wrong_words_are_usage)
{
	struct err e = {0};

	ck_assert_int_eq(err_usage(&e, 0), 0);
	ck_assert_int_eq(err_usage(&e, -ENOENT), -ENOENT);
	ck_assert(!e.usage);
	ck_assert_int_eq(err_usage(&e, -EINVAL), -EINVAL);
	ck_assert(e.usage);
	ck_assert_int_eq(err_usage(NULL, -EINVAL), -EINVAL);
}
END_TEST

static Suite *err_suite(void)
{
	Suite *s = suite_create("err");
	TCase *t = tcase_create("messages");

	tcase_add_test(t, the_code_comes_back_negative);
	tcase_add_test(t, the_first_cause_wins);
	tcase_add_test(t, a_prefix_says_where);
	tcase_add_test(t, long_text_is_cut_never_overrun);
	tcase_add_test(t, an_error_without_text_has_words);
	tcase_add_test(t, only_wrong_words_are_usage);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(err_suite());
}
