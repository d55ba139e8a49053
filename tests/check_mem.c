/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/prng.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

START_TEST(a_growing_array_keeps_its_elements_and_gains_zeros)
{
	static const size_t sizes[] = {1, 4, 12, 4096, 70000};
	size_t size = sizes[_i], cap = 0, known = 0;
	unsigned char *a = NULL;

	/* from nothing through malloc() into a mapping, beyond 4 MiB */
	for (size_t need = 1; cap * size < ((size_t)4 << 20);
	     need = cap + 1 + cap / 7) {
		size_t was = cap;

		ck_assert_int_eq(mem_reserve(&a, &cap, need, size), 0);
		ck_assert_uint_ge(cap, need);
		ck_assert_uint_ge(cap, was + was / 2);
		for (size_t i = 0; i < cap * size; i++)
			if (a[i] !=
			    (i < known ? (unsigned char)(i % 251 + 1) : 0))
				ck_abort_msg("byte %zu is %u", i, a[i]);
		for (size_t i = known; i < cap * size; i++)
			a[i] = (unsigned char)(i % 251 + 1);
		known = cap * size;
	}
	mem_release(a, cap, size);
}
END_TEST

START_TEST(enough_room_is_left_alone)
{
	uint32_t *a = NULL, *was;
	size_t cap = 0, before;

	ck_assert_int_eq(mem_reserve(&a, &cap, 5, sizeof(*a)), 0);
	was = a;
	before = cap;
	fail_mem_after(1);
	ck_assert_int_eq(mem_reserve(&a, &cap, cap, sizeof(*a)), 0);
	ck_assert_int_eq(mem_reserve(&a, &cap, 0, sizeof(*a)), 0);
	fail_mem_off();
	ck_assert_ptr_eq(a, was);
	ck_assert_uint_eq(cap, before);
	mem_release(a, cap, sizeof(*a));
	mem_release(NULL, 0, sizeof(*a));
}
END_TEST

START_TEST(a_size_that_overflows_is_no_memory)
{
	uint32_t *a = NULL;
	size_t cap = 0;

	ck_assert_int_eq(mem_reserve(&a, &cap, SIZE_MAX / 2, sizeof(*a)),
			 -ENOMEM);
	ck_assert_int_eq(mem_reserve(&a, &cap, SIZE_MAX, 1), -ENOMEM);
	ck_assert_ptr_null(a);
	ck_assert_uint_eq(cap, 0);
	ck_assert_ptr_null(mem_zalloc(SIZE_MAX / 2, 4));
}
END_TEST

/* Grows step by step; a failure must leave what was there, and usable. */
static int grow_to_4_mib(void *ctx)
{
	uint64_t *a = NULL;
	size_t cap = 0, n = 0;
	int ret = 0;

	(void)ctx;
	while (!ret && n < ((size_t)4 << 17)) {
		ret = mem_reserve(&a, &cap, n + 1, sizeof(*a));
		for (; !ret && n < cap; n++)
			a[n] = n;
	}
	ck_assert_uint_eq(n, cap);
	for (size_t i = 0; i < n; i += 97)
		ck_assert_uint_eq(a[i], i);
	mem_release(a, cap, sizeof(*a));
	return ret;
}

START_TEST(a_failed_growth_changes_nothing)
{
	ck_assert_uint_gt(fail_mem_walk(grow_to_4_mib, NULL), 10);
}
END_TEST

START_TEST(zeroed_memory_is_zero)
{
	unsigned char *p = mem_zalloc(100, 10);

	ck_assert_ptr_nonnull(p);
	for (int i = 0; i < 1000; i++)
		ck_assert_uint_eq(p[i], 0);
	free(p);
	p = mem_zalloc(0, 8);
	ck_assert_ptr_nonnull(p);
	free(p);
}
END_TEST

START_TEST(an_arena_hands_out_zeroed_things_and_reuses_the_last_first)
{
	struct arena a;
	uint32_t i, x[5];
	const unsigned char *p;

	arena_init(&a, 24);
	for (i = 0; i < 5; i++) {
		ck_assert_int_eq(arena_new(&a, &x[i]), 0);
		ck_assert_uint_eq(x[i], i + 1);
		memset(arena_at(&a, x[i]), 0xff, 24);
	}
	arena_drop(&a, x[1]);
	arena_drop(&a, x[3]);
	ck_assert_uint_eq(a.count, 3);
	ck_assert_int_eq(arena_new(&a, &i), 0);
	ck_assert_uint_eq(i, x[3]);
	p = arena_at(&a, i);
	for (int k = 0; k < 24; k++)
		ck_assert_uint_eq(p[k], 0);
	ck_assert_int_eq(arena_new(&a, &i), 0);
	ck_assert_uint_eq(i, x[1]);
	ck_assert_int_eq(arena_new(&a, &i), 0);
	ck_assert_uint_eq(i, 6);
	ck_assert_uint_eq(a.count, 6);
	arena_fini(&a);
	ck_assert_int_eq(arena_new(&a, &i), 0);
	ck_assert_uint_eq(i, 1);
	arena_fini(&a);
}
END_TEST

#define THINGS 40000

/* Random use against an array that says what each thing should hold. */
START_TEST(an_arena_keeps_what_is_in_it)
{
	uint64_t *should = calloc(THINGS + 1, sizeof(*should));
	struct prng r = prng_fork(test_seed(1), "arena");
	uint32_t live = 0, i;
	struct arena a;

	ck_assert_ptr_nonnull(should);
	arena_init(&a, 40);
	for (int step = 0; step < 3 * THINGS; step++) {
		i = 1 + (uint32_t)prng_below(&r, THINGS);
		if (should[i]) {
			ck_assert_mem_eq(arena_at(&a, i), &should[i], 8);
			arena_drop(&a, i);
			should[i] = 0;
			live--;
		} else if (live < THINGS) {
			ck_assert_int_eq(arena_new(&a, &i), 0);
			ck_assert_uint_le(i, THINGS);
			ck_assert_uint_eq(should[i], 0);
			should[i] = prng_next(&r) | 1;
			memcpy(arena_at(&a, i), &should[i], 8);
			live++;
		}
		ck_assert_uint_eq(a.count, live);
	}
	for (i = 1; i <= THINGS; i++)
		if (should[i])
			ck_assert_mem_eq(arena_at(&a, i), &should[i], 8);
	arena_fini(&a);
	free(should);
}
END_TEST

static int fill_arena(void *ctx)
{
	struct arena a;
	uint32_t i, n = 0;
	int ret = 0;

	(void)ctx;
	arena_init(&a, 64);
	while (!ret && n < 40000) {
		ret = arena_new(&a, &i);
		if (!ret)
			ck_assert_uint_eq(i, ++n);
	}
	ck_assert_uint_eq(a.count, n);
	arena_fini(&a);
	return ret;
}

START_TEST(a_full_arena_stays_as_it_is)
{
	ck_assert_uint_gt(fail_mem_walk(fill_arena, NULL), 10);
}
END_TEST

static Suite *mem_suite(void)
{
	Suite *s = suite_create("mem");
	TCase *t = tcase_create("arrays");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(
		t, a_growing_array_keeps_its_elements_and_gains_zeros, 0, 5);
	tcase_add_test(t, enough_room_is_left_alone);
	tcase_add_test(t, a_size_that_overflows_is_no_memory);
	tcase_add_test(t, a_failed_growth_changes_nothing);
	tcase_add_test(t, zeroed_memory_is_zero);
	suite_add_tcase(s, t);
	t = tcase_create("arenas");
	tcase_set_timeout(t, 60);
	tcase_add_test(
		t, an_arena_hands_out_zeroed_things_and_reuses_the_last_first);
	tcase_add_test(t, an_arena_keeps_what_is_in_it);
	tcase_add_test(t, a_full_arena_stays_as_it_is);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(mem_suite());
}
