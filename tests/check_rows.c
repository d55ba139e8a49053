/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/core/rows.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

START_TEST(rows_come_out_in_the_order_they_were_added)
{
	struct rows r;

	rows_init(&r);
	for (int32_t i = 0; i < 1000; i++)
		rows_add_at(&r, "meter", "tree_steps", i, "nodes", -i);
	rows_add(&r, "ksm", "pages_shared", "pages", INT64_MIN);
	ck_assert(!r.failed);
	ck_assert_uint_eq(r.n, 1001);
	for (int32_t i = 0; i < 1000; i++) {
		ck_assert_int_eq(r.v[i].index, i);
		ck_assert_int_eq(r.v[i].value, -i);
	}
	ck_assert_int_eq(r.v[1000].index, -1);
	ck_assert_str_eq(r.v[1000].scope, "ksm");
	ck_assert_str_eq(r.v[1000].name, "pages_shared");
	ck_assert_str_eq(r.v[1000].unit, "pages");
	ck_assert_int_eq(r.v[1000].value, INT64_MIN);
	rows_fini(&r);
}
END_TEST

START_TEST(the_first_row_of_a_scope_and_name_is_found)
{
	struct rows r;

	rows_init(&r);
	ck_assert_int_eq(rows_get(&r, NULL, "n", 42), 42);
	rows_add(&r, "a", "n", "pages", 1);
	rows_add(&r, "b", "n", "pages", 2);
	rows_add(&r, "b", "n", "pages", 3);
	ck_assert_int_eq(rows_get(&r, NULL, "n", 42), 1);
	ck_assert_int_eq(rows_get(&r, "b", "n", 42), 2);
	ck_assert_int_eq(rows_get(&r, "c", "n", 42), 42);
	ck_assert_int_eq(rows_get(&r, "a", "m", 42), 42);
	ck_assert(rows_has(&r, "a", "n"));
	ck_assert(rows_has(&r, NULL, "n"));
	ck_assert(!rows_has(&r, "c", "n"));
	rows_fini(&r);
}
END_TEST

START_TEST(cleared_rows_are_gone_and_their_memory_is_used_again)
{
	struct rows r;

	rows_init(&r);
	for (int i = 0; i < 100; i++)
		rows_add(&r, "a", "n", "pages", i);
	rows_clear(&r);
	ck_assert(!rows_has(&r, "a", "n"));
	fail_mem_after(1);
	for (int i = 0; i < 100; i++)
		rows_add(&r, "a", "n", "pages", i);
	fail_mem_off();
	ck_assert(!r.failed);
	ck_assert_uint_eq(r.n, 100);
	rows_fini(&r);
	rows_fini(&r);
}
END_TEST

START_TEST(a_missing_row_is_remembered)
{
	struct rows r;

	rows_init(&r);
	fail_mem_after(1);
	rows_add(&r, "a", "lost", "pages", 1);
	fail_mem_off();
	ck_assert(r.failed);
	rows_add(&r, "a", "kept", "pages", 2);
	ck_assert(r.failed);
	ck_assert(!rows_has(&r, "a", "lost"));
	ck_assert_int_eq(rows_get(&r, "a", "kept", 0), 2);
	rows_clear(&r);
	ck_assert(!r.failed);
	rows_fini(&r);
}
END_TEST

static Suite *rows_suite(void)
{
	Suite *s = suite_create("rows");
	TCase *t = tcase_create("results");

	tcase_add_test(t, rows_come_out_in_the_order_they_were_added);
	tcase_add_test(t, the_first_row_of_a_scope_and_name_is_found);
	tcase_add_test(t, cleared_rows_are_gone_and_their_memory_is_used_again);
	tcase_add_test(t, a_missing_row_is_remembered);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(rows_suite());
}
