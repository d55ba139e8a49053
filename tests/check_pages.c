/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/base/prng.h"
#include "sim/core/pages.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

#define MANY 3000u

START_TEST(zeros_are_zeros_and_nothing_else_is)
{
	uint8_t page[PAGE_BYTES] = {0};

	ck_assert(page_is_zero(page));
	for (uint32_t i = 0; i < PAGE_BYTES; i++) {
		page[i] = 1;
		ck_assert(!page_is_zero(page));
		page[i] = 0;
	}
}
END_TEST

START_TEST(pages_are_numbered_by_first_appearance)
{
	struct page_store ps;
	uint8_t page[PAGE_BYTES];
	uint32_t id;

	page_store_init(&ps, UINT32_MAX - 1);
	ck_assert_uint_eq(ps.in.count, 1);
	for (uint32_t i = 1; i < MANY; i++) {
		page_fill(page, RULE_ID, i * 7919u);
		ck_assert_int_eq(page_store_add(&ps, page, &id), 1);
		ck_assert_uint_eq(id, i);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		page_fill(page, RULE_ID, i * 7919u);
		ck_assert_int_eq(page_store_add(&ps, page, &id), 0);
		ck_assert_uint_eq(id, i);
		ck_assert_mem_eq(page_store_bytes(&ps, i), page, PAGE_BYTES);
	}
	ck_assert_uint_eq(ps.in.count, MANY);
	page_store_fini(&ps);
	ck_assert_uint_eq(ps.in.count, 1);
	page_store_fini(&ps);
}
END_TEST

START_TEST(a_store_is_a_source_of_contents)
{
	struct page_store ps;
	struct content_source src;
	struct content_set *s;
	uint8_t page[PAGE_BYTES], buf[PAGE_BYTES];
	uint32_t id;

	page_store_init(&ps, UINT32_MAX - 1);
	for (uint32_t i = 10; i; i--) {
		page_fill(page, RULE_KEY, i);
		ck_assert_int_eq(page_store_add(&ps, page, &id), 1);
	}
	src = page_store_source(&ps);
	ck_assert_uint_eq(src.count, 11);
	ck_assert_int_eq(
		content_set_new(&s, &src, NEED_RANK | NEED_BYTES, 1, NULL), 0);
	for (uint32_t i = 1; i <= 10; i++) {
		ck_assert_uint_eq(s->rank[i], 11 - i);
		ck_assert_ptr_eq(content_bytes(s, i, buf),
				 page_store_bytes(&ps, i));
	}
	content_set_free(s);
	page_store_fini(&ps);
}
END_TEST

START_TEST(a_full_store_still_knows_what_it_holds)
{
	struct page_store ps;
	uint8_t page[PAGE_BYTES];
	uint32_t id = 99;

	page_store_init(&ps, 3);
	for (uint32_t i = 1; i < 3; i++) {
		page_fill(page, RULE_LAST1, i);
		ck_assert_int_eq(page_store_add(&ps, page, &id), 1);
	}
	page_fill(page, RULE_LAST1, 3);
	ck_assert_int_eq(page_store_add(&ps, page, &id), -ENOSPC);
	ck_assert_uint_eq(id, 2);
	ck_assert_uint_eq(ps.in.count, 3);
	page_fill(page, RULE_LAST1, 1);
	ck_assert_int_eq(page_store_add(&ps, page, &id), 0);
	ck_assert_uint_eq(id, 1);
	page_fill(page, RULE_ZERO, 1);
	ck_assert_int_eq(page_store_add(&ps, page, &id), 0);
	ck_assert_uint_eq(id, 0);
	page_store_fini(&ps);
}
END_TEST

/* Pages made again from their ids, into the buffer that is offered. */
static const uint8_t *made_again(void *ctx, uint32_t id, uint8_t *buf)
{
	uint32_t *asked = ctx;

	++*asked;
	page_fill(buf, RULE_LAST8, id);
	return buf;
}

START_TEST(different_pages_with_one_digest_are_kept_apart)
{
	const struct digest same = {UINT64_C(0xfffffffffffffff0), 5};
	struct intern in;
	uint8_t page[PAGE_BYTES];
	uint32_t id, asked = 0;

	intern_init(&in, 1000);
	for (uint32_t i = 1; i < 500; i++) {
		page_fill(page, RULE_LAST8, i);
		ck_assert_int_eq(
			intern_page(&in, page, &same, made_again, &asked, &id),
			1);
		ck_assert_uint_eq(id, i);
	}
	ck_assert_uint_gt(asked, 0);
	for (uint32_t i = 499; i < 500; i--) {
		page_fill(page, RULE_LAST8, i);
		ck_assert_int_eq(
			intern_page(&in, page, &same, made_again, &asked, &id),
			0);
		ck_assert_uint_eq(id, i);
	}
	intern_fini(&in);
}
END_TEST

START_TEST(half_a_digest_is_not_a_match)
{
	struct digest d = {7, 0};
	struct intern in;
	uint8_t page[PAGE_BYTES];
	uint32_t id, asked = 0;

	intern_init(&in, 1000);
	for (uint32_t i = 1; i < 200; i++) {
		page_fill(page, RULE_LAST8, i);
		d.hi = i;
		ck_assert_int_eq(
			intern_page(&in, page, &d, made_again, &asked, &id), 1);
	}
	/* The bytes were not even looked at. */
	ck_assert_uint_eq(asked, 0);
	d.hi = 77;
	page_fill(page, RULE_LAST8, 77);
	ck_assert_int_eq(intern_page(&in, page, &d, made_again, &asked, &id),
			 0);
	ck_assert_uint_eq(id, 77);
	ck_assert_uint_eq(asked, 1);
	intern_fini(&in);
}
END_TEST

START_TEST(a_digest_left_out_is_computed)
{
	struct intern in;
	struct digest d;
	uint8_t page[PAGE_BYTES];
	uint32_t id, asked = 0;

	intern_init(&in, 10);
	page_fill(page, RULE_LAST8, 1);
	d = hash_digest(page, PAGE_BYTES);
	ck_assert_int_eq(intern_page(&in, page, NULL, made_again, &asked, &id),
			 1);
	ck_assert_int_eq(intern_page(&in, page, &d, made_again, &asked, &id),
			 0);
	ck_assert_uint_eq(id, 1);
	intern_fini(&in);
}
END_TEST

/* Where memory runs out the store stays as it was, and can be filled on.
 * Check allocates too, so its asserts must wait for the end. */
static int fill_store(void *ctx)
{
	struct page_store ps;
	uint8_t page[PAGE_BYTES];
	uint32_t id, i, bad = 0;
	int failed = 0;

	(void)ctx;
	page_store_init(&ps, UINT32_MAX - 1);
	for (i = 1; i < 600; i++) {
		int ret;

		page_fill(page, RULE_KEY, i);
		id = 4711;
		ret = page_store_add(&ps, page, &id);
		if (ret < 0) {
			bad += id != 4711 || ps.in.count != i;
			failed = ret;
			ret = page_store_add(&ps, page, &id);
		}
		bad += ret != 1 || id != i;
	}
	fail_mem_off();
	ck_assert_uint_eq(bad, 0);
	while (i--) {
		page_fill(page, RULE_KEY, i);
		ck_assert_int_eq(page_store_add(&ps, page, &id), 0);
		ck_assert_uint_eq(id, i);
	}
	page_store_fini(&ps);
	return failed;
}

START_TEST(running_out_of_memory_changes_nothing)
{
	ck_assert_uint_gt(fail_mem_walk(fill_store, NULL), 10);
}
END_TEST

START_TEST(rules_have_names)
{
	ck_assert_str_eq(page_rule_name(RULE_ID), "id");
	ck_assert_str_eq(page_rule_name(RULE_ZERO), "zero");
	ck_assert_str_eq(page_rule_name(RULE_LAST1), "last1");
	ck_assert_str_eq(page_rule_name(RULE_LAST8), "last8");
	ck_assert_str_eq(page_rule_name(RULE_KEY), "key");
	ck_assert_ptr_null(page_rule_name(PAGE_RULE_COUNT));
}
END_TEST

START_TEST(rules_make_the_bytes_they_promise)
{
	const uint64_t v = UINT64_C(0x0102030405060708);
	static const uint8_t up[] = {1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t down[] = {8, 7, 6, 5, 4, 3, 2, 1};
	uint8_t page[PAGE_BYTES];

	/* The answer of splitmix64 to 512 and to 1023. */
	page_fill(page, RULE_ID, 1);
	ck_assert_uint_eq(page[0], splitmix64(512) & 0xff);
	ck_assert_uint_eq(page[1], splitmix64(512) >> 8 & 0xff);
	ck_assert_uint_eq(page[PAGE_BYTES - 1], splitmix64(1023) >> 56);
	page_fill(page, RULE_ID, 0);
	ck_assert(page_is_zero(page));
	page_fill(page, RULE_ZERO, v);
	ck_assert(page_is_zero(page));
	page_fill(page, RULE_KEY, v);
	ck_assert_mem_eq(page, up, 8);
	memset(page, 0, 8);
	ck_assert(page_is_zero(page));
	page_fill(page, RULE_LAST8, v);
	ck_assert_mem_eq(page + PAGE_BYTES - 8, down, 8);
	memset(page + PAGE_BYTES - 8, 0, 8);
	ck_assert(page_is_zero(page));
	page_fill(page, RULE_LAST1, 0x1ff);
	ck_assert_uint_eq(page[PAGE_BYTES - 1], 0xff);
	for (uint32_t i = 0; i < PAGE_BYTES - 1; i++)
		ck_assert_uint_eq(page[i], 0xa5);
}
END_TEST

static Suite *pages_suite(void)
{
	Suite *s = suite_create("pages");
	TCase *tc = tcase_create("pages");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, zeros_are_zeros_and_nothing_else_is);
	tcase_add_test(tc, pages_are_numbered_by_first_appearance);
	tcase_add_test(tc, a_store_is_a_source_of_contents);
	tcase_add_test(tc, a_full_store_still_knows_what_it_holds);
	tcase_add_test(tc, different_pages_with_one_digest_are_kept_apart);
	tcase_add_test(tc, half_a_digest_is_not_a_match);
	tcase_add_test(tc, a_digest_left_out_is_computed);
	tcase_add_test(tc, running_out_of_memory_changes_nothing);
	tcase_add_test(tc, rules_have_names);
	tcase_add_test(tc, rules_make_the_bytes_they_promise);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_main(pages_suite());
}
