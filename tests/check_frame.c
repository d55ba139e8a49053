/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/base/prng.h"
#include "sim/base/units.h"
#include "sim/machine/frame.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

static uint32_t take(struct frame_map *f)
{
	uint32_t frame;

	ck_assert_int_eq(frame_take(f, &frame), 0);
	return frame;
}

static uint32_t take_huge(struct frame_map *f)
{
	uint32_t frame;

	ck_assert_int_eq(frame_take_huge(f, &frame), 0);
	return frame;
}

START_TEST(frames_are_handed_out_from_0_upwards)
{
	struct frame_map f;

	frame_map_init(&f);
	for (uint32_t i = 0; i < 70000; i++)
		ck_assert_uint_eq(take(&f), i);
	ck_assert_uint_eq(f.used, 70000);
	ck_assert_uint_eq(f.peak, 70000);
	frame_map_fini(&f);
}
END_TEST

START_TEST(the_lowest_free_frame_is_taken_first)
{
	static const uint32_t hole[] = {69999, 4096, 4095, 64, 63, 1};
	const size_t n = sizeof(hole) / sizeof(hole[0]);
	struct frame_map f;

	frame_map_init(&f);
	for (uint32_t i = 0; i < 70000; i++)
		take(&f);
	for (size_t i = 0; i < n; i++)
		frame_give(&f, hole[i]);
	ck_assert_uint_eq(f.used, 70000 - n);
	for (size_t i = n; i-- > 0;)
		ck_assert_uint_eq(take(&f), hole[i]);
	ck_assert_uint_eq(take(&f), 70000);
	ck_assert_uint_eq(f.peak, 70001);
	frame_map_fini(&f);
}
END_TEST

START_TEST(huge_frames_are_aligned_and_the_lowest_that_are_whole)
{
	struct frame_map f;

	frame_map_init(&f);
	ck_assert_uint_eq(take(&f), 0);
	ck_assert_uint_eq(take_huge(&f), 512);
	ck_assert_uint_eq(take_huge(&f), 1024);
	ck_assert_uint_eq(f.used, 1025);
	/* What lies before and between is for single frames. */
	ck_assert_uint_eq(take(&f), 1);
	frame_give(&f, 700);
	frame_give(&f, 0);
	ck_assert_uint_eq(take_huge(&f), 1536);
	frame_give(&f, 1);
	ck_assert_uint_eq(take_huge(&f), 0);
	ck_assert_uint_eq(take(&f), 700);
	ck_assert_uint_eq(take(&f), 2048);
	frame_map_fini(&f);
}
END_TEST

START_TEST(a_group_freed_one_by_one_is_whole_again)
{
	struct frame_map f;

	frame_map_init(&f);
	for (uint32_t g = 0; g < 3; g++)
		ck_assert_uint_eq(take_huge(&f), g * HUGE_PAGES);
	for (uint32_t i = HUGE_PAGES; i-- > 0;) {
		ck_assert_uint_eq(f.used, 2 * HUGE_PAGES + i + 1);
		frame_give(&f, HUGE_PAGES + i);
	}
	ck_assert_uint_eq(take_huge(&f), HUGE_PAGES);
	ck_assert_uint_eq(take_huge(&f), 3 * HUGE_PAGES);
	ck_assert_uint_eq(f.peak, 4 * HUGE_PAGES);
	frame_map_fini(&f);
}
END_TEST

/* The dumb map: a byte per frame. */
#define MOST 8192u

struct bytes {
	uint8_t used[4 * MOST];
	uint32_t count, peak;
};

static uint32_t dumb_take(struct bytes *b, uint32_t step)
{
	uint32_t i = 0;

	while (memchr(b->used + i, 1, step))
		i += step;
	ck_assert_uint_le(i + step, sizeof(b->used));
	memset(b->used + i, 1, step);
	b->count += step;
	if (b->peak < b->count)
		b->peak = b->count;
	return i;
}

static void give(struct frame_map *f, struct bytes *b, uint32_t i)
{
	if (!b->used[i])
		return;
	frame_give(f, i);
	b->used[i] = 0;
	b->count--;
}

START_TEST(random_use_is_as_a_map_of_bytes)
{
	struct prng r = prng_fork(test_seed(1) + (uint64_t)_i, "frames");
	struct bytes b = {.count = 0};
	struct frame_map f;

	frame_map_init(&f);
	for (uint32_t step = 0; step < 20000; step++) {
		uint64_t what = prng_below(&r, 100);
		uint32_t i = (uint32_t)prng_below(&r, MOST);

		if (what == 0 && b.count < MOST / 4) {
			ck_assert_uint_eq(take_huge(&f), dumb_take(&b, 512));
		} else if (what < 50 && b.count < MOST / 2) {
			ck_assert_uint_eq(take(&f), dumb_take(&b, 1));
		} else if (what == 99) {
			/* a whole group goes, as with a huge page */
			i -= i % HUGE_PAGES;
			for (uint32_t n = 0; n < HUGE_PAGES; n++)
				give(&f, &b, i + n);
		} else {
			give(&f, &b, i);
		}
		ck_assert_uint_eq(f.used, b.count);
		ck_assert_uint_eq(f.peak, b.peak);
	}
	frame_map_fini(&f);
}
END_TEST

static int use_frames(void *ctx)
{
	struct frame_map f;
	uint32_t frame, n = 0;
	int ret = 0;

	(void)ctx;
	frame_map_init(&f);
	while (!ret && n < 40 * HUGE_PAGES) {
		uint32_t used = f.used;
		bool huge = n / HUGE_PAGES % 2;

		ret = huge ? frame_take_huge(&f, &frame)
			   : frame_take(&f, &frame);
		n += huge ? HUGE_PAGES : 1;
		if (!ret)
			continue;
		/* refused once and unchanged: the next call goes well */
		ck_assert_int_eq(ret, -ENOMEM);
		ck_assert_uint_eq(f.used, used);
		ck_assert_int_eq(frame_take(&f, &frame), 0);
		ck_assert_uint_eq(f.used, used + 1);
		break;
	}
	frame_map_fini(&f);
	return ret;
}

START_TEST(without_memory_nothing_is_taken)
{
	ck_assert_uint_gt(fail_mem_walk(use_frames, NULL), 3);
}
END_TEST

static Suite *frame_suite(void)
{
	Suite *s = suite_create("frame");
	TCase *t = tcase_create("frames");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, frames_are_handed_out_from_0_upwards);
	tcase_add_test(t, the_lowest_free_frame_is_taken_first);
	tcase_add_test(t,
		       huge_frames_are_aligned_and_the_lowest_that_are_whole);
	tcase_add_test(t, a_group_freed_one_by_one_is_whole_again);
	tcase_add_loop_test(t, random_use_is_as_a_map_of_bytes, 0, 4);
	tcase_add_test(t, without_memory_nothing_is_taken);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(frame_suite());
}
