/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ksm with copies of a content by the colours of its mappings.  Pages are at
 * vpn 512 and following of one space, so that colour = vpn modulo colours.
 */
#include <errno.h>
#include <string.h>

#include "sim/engine/ksm/ksm.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/rig.h"

#define BASE 512u

static struct rig r;

/* @copies with four colours, and up to two more options. */
static void start(const char *copies, const char *key, const char *value)
{
	const char *set[] = {
		"colour_copies", copies, "colours", "4", "smart_scan", "0", key,
		value,		 NULL};

	rig_init(&r, "ksm", RULE_ID, 60, set);
	rig_do(&r, ev_space(0));
	rig_do(&r, ev_map(0, BASE, 1024, EVF_MERGEABLE));
}

/* Content @content at colour @colour, @n times, from page @at on. */
static void put(unsigned at, unsigned colour, unsigned n, uint32_t content)
{
	for (unsigned i = 0; i < n; i++)
		rig_do(&r, ev_write(0, BASE + 4 * (at + i) + colour, content));
}

static void settle(void)
{
	struct engine_progress p;
	uint64_t changes = UINT64_MAX;

	for (int i = 0; i < 100; i++) {
		rig_scan(&r);
		rig_check(&r);
		r.ops->progress(r.engine, &p);
		if (p.changes == changes)
			return;
		changes = p.changes;
	}
	ck_abort_msg("it does not settle");
}

static int64_t colour(const char *name)
{
	return rig_row(&r, "colour", name);
}

static uint32_t frame(unsigned at, unsigned col)
{
	const struct pte *p = rig_pte(&r, 0, BASE + 4 * at + col);

	return (uint32_t)place_of(r.machine, p);
}

START_TEST(single_has_one_frame_whatever_the_colours)
{
	start("single", NULL, NULL);
	for (unsigned c = 0; c < 4; c++)
		put(0, c, 4, 7);
	settle();
	ck_assert_int_eq(rig_row(&r, "ksm", "pages_shared"), 1);
	ck_assert_int_eq(rig_row(&r, "ksm", "pages_sharing"), 15);
	ck_assert_int_eq(colour("frames"), 1);
	ck_assert_int_eq(colour("contents"), 1);
	ck_assert_int_eq(colour("mappings"), 16);
	ck_assert_int_eq(colour("same_colour"), 4);
	/* 16 pages, three reads of four come from another colour */
	ck_assert_int_eq(colour("mixed_milli"), 12000);
	ck_assert_int_eq(colour("mixed_single_milli"), 12000);
	rig_fini(&r);
}
END_TEST

START_TEST(per_colour_has_a_frame_for_each_and_no_synonyms)
{
	start("per-colour", NULL, NULL);
	for (unsigned c = 0; c < 4; c++)
		put(0, c, 4, 7);
	put(20, 1, 3, 9);
	put(30, 0, 1, 9);
	settle();
	/* content 7: four frames; 9: one, and a page alone in its colour */
	ck_assert_int_eq(rig_row(&r, "ksm", "pages_shared"), 5);
	ck_assert_int_eq(rig_row(&r, "ksm", "pages_sharing"), 14);
	ck_assert_int_eq(rig_row(&r, "ksm", "pages_unshared"), 1);
	ck_assert_int_eq(colour("contents"), 2);
	ck_assert_int_eq(colour("frames"), 5);
	ck_assert_int_eq(colour("same_colour"), 4 + 3);
	ck_assert_int_eq(colour("mixed_milli"), 0);
	ck_assert_int_eq(colour("mixed_single_milli"), 12000);
	for (unsigned c = 0; c < 4; c++)
		for (unsigned i = 1; i < 4; i++)
			ck_assert_uint_eq(frame(i, c), frame(0, c));
	ck_assert_uint_ne(frame(0, 0), frame(0, 1));
	rig_fini(&r);
}
END_TEST

START_TEST(per_K_tells_so_many_colours_apart)
{
	start("per-K", "colour_groups", "2");
	for (unsigned c = 0; c < 4; c++)
		put(0, c, 4, 7);
	settle();
	ck_assert_int_eq(colour("frames"), 2);
	ck_assert_uint_eq(frame(0, 0), frame(0, 2));
	ck_assert_uint_eq(frame(0, 1), frame(0, 3));
	ck_assert_uint_ne(frame(0, 0), frame(0, 1));
	/* half of what a frame's two colours read comes from the other */
	ck_assert_int_eq(colour("mixed_milli"), 8000);
	rig_fini(&r);
	start("per-K", "colour_groups", "1");
	for (unsigned c = 0; c < 4; c++)
		put(0, c, 4, 7);
	settle();
	ck_assert_int_eq(colour("frames"), 1);
	rig_fini(&r);
}
END_TEST

START_TEST(theta_gives_a_frame_to_colours_with_enough_mappings)
{
	start("theta", "colour_theta", "4");
	put(0, 0, 8, 7);
	put(0, 1, 5, 7);
	put(0, 2, 3, 7);
	put(0, 3, 1, 7);
	settle();
	ck_assert_int_eq(rig_row(&r, "ksm", "pages_shared") +
				 rig_row(&r, "ksm", "pages_sharing"),
			 17);
	ck_assert_int_eq(colour("frames"), 2);
	for (unsigned i = 1; i < 8; i++)
		ck_assert_uint_eq(frame(i, 0), frame(0, 0));
	for (unsigned i = 1; i < 5; i++)
		ck_assert_uint_eq(frame(i, 1), frame(0, 1));
	ck_assert_uint_ne(frame(0, 0), frame(0, 1));
	ck_assert_int_lt(colour("mixed_milli"), colour("mixed_single_milli"));
	/* A fourth page of colour 2 is worth a frame. */
	put(3, 2, 1, 7);
	settle();
	ck_assert_int_eq(colour("frames"), 3);
	for (unsigned i = 1; i < 4; i++)
		ck_assert_uint_eq(frame(i, 2), frame(0, 2));
	rig_fini(&r);
}
END_TEST

START_TEST(theta_that_nobody_reaches_is_single)
{
	start("theta", "colour_theta", "100");
	for (unsigned c = 0; c < 4; c++)
		put(0, c, 20, 7);
	settle();
	ck_assert_int_eq(colour("frames"), 1);
	rig_fini(&r);
}
END_TEST

START_TEST(share_limit_sorts_the_copies_that_are_there)
{
	int64_t mixed, frames;

	start("single", "max_page_sharing", "5");
	for (unsigned i = 0; i < 4; i++)
		for (unsigned c = 0; c < 4; c++)
			put(i, c, 1, 7);
	put(4, 0, 1, 7);
	put(4, 1, 1, 7);
	settle();
	mixed = colour("mixed_milli");
	frames = colour("frames");
	ck_assert_int_eq(frames, 4);
	rig_fini(&r);
	start("share-limit", "max_page_sharing", "5");
	for (unsigned i = 0; i < 4; i++)
		for (unsigned c = 0; c < 4; c++)
			put(i, c, 1, 7);
	put(4, 0, 1, 7);
	put(4, 1, 1, 7);
	settle();
	ck_assert_int_eq(colour("frames"), frames);
	ck_assert_int_eq(colour("mappings"), 18);
	ck_assert_int_lt(colour("mixed_milli"), mixed / 2);
	rig_fini(&r);
}
END_TEST

START_TEST(copies_go_when_their_pages_are_written)
{
	start("per-colour", NULL, NULL);
	for (unsigned c = 0; c < 4; c++)
		put(0, c, 4, 7);
	settle();
	put(0, 2, 4, 0);
	settle();
	ck_assert_int_eq(colour("contents"), 2);
	ck_assert_int_eq(colour("frames"), 4);
	for (unsigned c = 0; c < 4; c++)
		put(0, c, 4, 20 + c);
	settle();
	ck_assert_int_eq(colour("contents"), 4);
	ck_assert_int_eq(colour("mixed_single_milli"), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(colours_come_from_the_zero_pages_of_the_machine)
{
	struct rig_config cfg = {
		.engine = "ksm",
		.set = (const char *[]){"colour_copies", "per-colour", NULL},
		.zero_pages = 8,
	};

	rig_contents(&r, RULE_ID, 10);
	ck_assert_int_eq(rig_start(&r, &cfg), 0);
	ck_assert_int_eq(colour("colours"), 8);
	rig_stop(&r);
	/* One colour: there is nothing to say. */
	cfg.zero_pages = 1;
	ck_assert_int_eq(rig_start(&r, &cfg), 0);
	rows_clear(&r.rows);
	r.ops->report(r.engine, &r.rows);
	ck_assert(!rows_has(&r.rows, "colour", "colours"));
	rig_fini(&r);
}
END_TEST

START_TEST(numbers_that_are_no_powers_of_two_are_refused)
{
	static const char *const bad[][2] = {{"colours", "3"},
					     {"colour_groups", "6"}};

	rig_contents(&r, RULE_ID, 4);
	for (int i = 0; i < 2; i++) {
		struct rig_config cfg = {
			.engine = "ksm",
			.set = (const char *[]){bad[i][0], bad[i][1], NULL},
		};
		char want[80];

		r.err.text[0] = 0;
		ck_assert_int_eq(rig_start(&r, &cfg), -EINVAL);
		snprintf(want, sizeof(want), "%s: %s is not a power of two",
			 bad[i][0], bad[i][1]);
		ck_assert_str_eq(r.err.text, want);
	}
	rig_fini(&r);
}
END_TEST

START_TEST(they_cannot_change_during_a_run)
{
	start("single", NULL, NULL);
	ck_assert_int_eq(rig_set(&r, "colour_copies", "theta"), -EINVAL);
	ck_assert_int_eq(rig_set(&r, "colours", "8"), -EINVAL);
	ck_assert_int_eq(rig_set(&r, "colour_groups", "2"), -EINVAL);
	ck_assert_int_eq(rig_set(&r, "colour_theta", "9"), -EINVAL);
	rig_fini(&r);
}
END_TEST

/* Whatever happens, the records hold and pages keep what they held. */
static void anything(const char *copies, uint64_t seed)
{
	const char *set[] = {"colour_copies",
			     copies,
			     "colours",
			     "8",
			     "max_page_sharing",
			     "4",
			     "colour_theta",
			     "3",
			     "stable_node_chains_prune_millisecs",
			     "0",
			     "pages_to_scan",
			     "300",
			     NULL};
	struct prng p = prng_fork(seed, copies);
	uint64_t pages;

	rig_init(&r, "ksm", RULE_KEY, 12, set);
	for (int i = 0; i < 2500; i++) {
		struct event ev = chaos_event(&p, r.machine, 12);
		int ret = rig_event(&r, &ev);

		ck_assert(!ret || ret == -EINVAL);
		if (i % 4)
			continue;
		pages = rig_pages(&r);
		ck_assert_int_eq(rig_turn(&r), 0);
		ck_assert_uint_eq(rig_pages(&r), pages);
		if (i % 16 == 0)
			rig_check(&r);
	}
	rig_check(&r);
	ck_assert_int_eq(rig_set(&r, "run", "2"), 0);
	rig_check(&r);
	ck_assert_int_eq(rig_row(&r, "ksm", "pages_shared"), 0);
	rig_fini(&r);
}

START_TEST(every_policy_stands_anything)
{
	static const char *const copies[] = {"single", "per-colour", "theta",
					     "per-K", "share-limit"};
	uint64_t seed = test_seed(1);

	for (uint64_t k = 0; k < 4; k++)
		anything(copies[_i], seed + k);
}
END_TEST

static int out_of_memory(void *ctx)
{
	struct rig_config cfg = {.engine = "ksm", .set = ctx};
	int ret = rig_start(&r, &cfg);

	if (!ret)
		rig_stop(&r);
	return ret;
}

START_TEST(a_start_without_memory_fails_cleanly)
{
	const char *set[] = {"colour_copies", "per-colour", "colours", "128",
			     NULL};

	rig_contents(&r, RULE_ID, 4);
	fail_mem_walk(out_of_memory, set);
	rig_fini(&r);
}
END_TEST

static Suite *copies_suite(void)
{
	Suite *s = suite_create("colour_copies");
	TCase *t = tcase_create("copies");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, single_has_one_frame_whatever_the_colours);
	tcase_add_test(t, per_colour_has_a_frame_for_each_and_no_synonyms);
	tcase_add_test(t, per_K_tells_so_many_colours_apart);
	tcase_add_test(t, theta_gives_a_frame_to_colours_with_enough_mappings);
	tcase_add_test(t, theta_that_nobody_reaches_is_single);
	tcase_add_test(t, share_limit_sorts_the_copies_that_are_there);
	tcase_add_test(t, copies_go_when_their_pages_are_written);
	tcase_add_test(t, colours_come_from_the_zero_pages_of_the_machine);
	tcase_add_test(t, numbers_that_are_no_powers_of_two_are_refused);
	tcase_add_test(t, they_cannot_change_during_a_run);
	tcase_add_loop_test(t, every_policy_stands_anything, 0, 5);
	tcase_add_test(t, a_start_without_memory_fails_cleanly);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(copies_suite());
}
