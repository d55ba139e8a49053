/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Behaviours that the recorded answers of real kernels do not pin down. */
#include <errno.h>
#include <string.h>

#include "sim/engine/ksm/ksm.h"
#include "tests/support/main.h"
#include "tests/support/rig.h"

#define BASE (UINT64_C(1) << 20)
#define TICK (NS_PER_SEC / 250)

static const char *const no_smart_scan[] = {"smart_scan", "0", NULL};

static struct ksm *ksm(const struct rig *r)
{
	return (struct ksm *)r->engine;
}

/* Space @space with [BASE, BASE + @n) mergeable. */
static void space_of(struct rig *r, uint32_t space, uint64_t n)
{
	rig_do(r, ev_space(space));
	rig_do(r, ev_map(space, BASE, n, EVF_MERGEABLE));
}

/* Page i of @n holds content 1 + i % @mod. */
static void fill(struct rig *r, uint32_t space, uint32_t n, uint32_t mod)
{
	for (uint32_t i = 0; i < n; i++)
		rig_do(r, ev_write(space, BASE + i, 1 + i % mod));
}

static int64_t row(struct rig *r, const char *name)
{
	return rig_row(r, NULL, name); /* of the kernel, or beyond */
}

/* shared, sharing, unshared, volatile */
static void pages_are(struct rig *r, int64_t sh, int64_t sg, int64_t un,
		      int64_t vo)
{
	ck_assert_int_eq(row(r, "pages_shared"), sh);
	ck_assert_int_eq(row(r, "pages_sharing"), sg);
	ck_assert_int_eq(row(r, "pages_unshared"), un);
	ck_assert_int_eq(row(r, "pages_volatile"), vo);
	rig_check(r);
}

/* ---- pace ---- */

START_TEST(a_sleep_of_20_ms_takes_six_ticks)
{
	struct rig r;
	ns_t before;

	rig_init(&r, "ksm", RULE_KEY, 1001, NULL);
	space_of(&r, 0, 1000);
	fill(&r, 0, 1000, 1000);
	ck_assert_int_eq(rig_turn(&r), 0);
	for (unsigned i = 0; i < 5; i++) {
		before = r.clock.now;
		ck_assert_uint_eq(r.engine->wake[0].v - before.v,
				  24 * NS_PER_MSEC);
		ck_assert_int_eq(rig_turn(&r), 0);
	}
	ck_assert_int_eq(rig_set(&r, "sleep_millisecs", "21"), 0);
	/* A change ends the sleep that is under way. */
	ck_assert_uint_eq(r.engine->wake[0].v, r.clock.now.v);
	ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert_uint_eq(r.engine->wake[0].v - r.clock.now.v, 7 * TICK);
	ck_assert_int_eq(rig_set(&r, "sleep_millisecs", "0"), 0);
	ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert_uint_eq(r.engine->wake[0].v - r.clock.now.v, TICK);
	rig_fini(&r);
}
END_TEST

START_TEST(the_time_of_the_work_itself_comes_before_the_sleep)
{
	struct meter_prices prices = {.op_fs = {0}};
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 1001, NULL);
	prices.op_fs[OP_PAGE_VISIT] = UINT64_C(7000) * 1000000;
	meter_init(&r.meter, &prices);
	space_of(&r, 0, 1000);
	fill(&r, 0, 1000, 1000);
	ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert_uint_eq(r.engine->wake[0].v - r.clock.now.v,
			  6 * TICK + 100 * 7000);
	rig_fini(&r);
}
END_TEST

START_TEST(a_thousand_pages_take_eleven_batches_of_a_hundred)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 1001, no_smart_scan);
	space_of(&r, 0, 1000);
	fill(&r, 0, 1000, 1000);
	for (unsigned scan = 0; scan < 3; scan++) {
		for (unsigned batch = 1; batch <= 10; batch++) {
			ck_assert_int_eq(rig_turn(&r), 0);
			ck_assert_int_eq(row(&r, "pages_scanned"),
					 1000 * scan + 100 * batch);
			ck_assert_int_eq(row(&r, "full_scans"), scan);
		}
		/* The last one finds nothing and ends the scan. */
		ck_assert_int_eq(rig_turn(&r), 0);
		ck_assert_int_eq(row(&r, "pages_scanned"), 1000 * (scan + 1));
		ck_assert_int_eq(row(&r, "full_scans"), scan + 1);
	}
	rig_fini(&r);
}
END_TEST

START_TEST(no_pages_to_scan_is_no_scan_and_no_end)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 11, NULL);
	ck_assert_int_eq(rig_set(&r, "pages_to_scan", "0"), 0);
	space_of(&r, 0, 10);
	fill(&r, 0, 10, 1);
	for (unsigned i = 0; i < 100; i++) {
		ns_t before = r.clock.now;

		ck_assert_int_eq(rig_turn(&r), 0);
		ck_assert(i == 0 || ns_before(before, r.clock.now));
	}
	ck_assert_int_eq(row(&r, "full_scans"), 0);
	ck_assert_int_eq(row(&r, "pages_scanned"), 0);
	pages_are(&r, 0, 0, 0, 0);
	ck_assert_int_eq(rig_set(&r, "pages_to_scan", "1"), 0);
	rig_scans(&r, 2);
	pages_are(&r, 1, 9, 0, 0);
	rig_fini(&r);
}
END_TEST

START_TEST(ksmd_parks_without_work_and_wakes_at_once)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 11, NULL);
	ck_assert(ns_is_never(r.engine->wake[0]));
	rig_do(&r, ev_space(0));
	ck_assert(ns_is_never(r.engine->wake[0]));
	rig_do(&r, ev_map(0, BASE, 10, EVF_MERGEABLE));
	ck_assert_uint_eq(r.engine->wake[0].v, r.clock.now.v);
	ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert_int_eq(row(&r, "full_scans"), 1);
	ck_assert_int_eq(rig_set(&r, "run", "0"), 0);
	ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert(ns_is_never(r.engine->wake[0]));
	ck_assert_int_eq(row(&r, "full_scans"), 1);
	ck_assert_int_eq(rig_set(&r, "run", "1"), 0);
	ck_assert_uint_eq(r.engine->wake[0].v, r.clock.now.v);
	/* Without a space it parks again. */
	rig_do(&r, ev_exit(0));
	ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert(ns_is_never(r.engine->wake[0]));
	rig_fini(&r);
}
END_TEST

START_TEST(a_turn_ends_when_its_time_is_used_up)
{
	struct meter_prices prices = {.op_fs = {0}};
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 1001, NULL);
	prices.op_fs[OP_PAGE_VISIT] = UINT64_C(1000) * 1000000;
	meter_init(&r.meter, &prices);
	r.meter.limit = NS(5000);
	space_of(&r, 0, 1000);
	fill(&r, 0, 1000, 1000);
	ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert_int_eq(row(&r, "pages_scanned"), 5);
	rig_fini(&r);
}
END_TEST

/* ---- advisor ---- */

START_TEST(the_advisor_goes_the_measured_way)
{
	static const int64_t measured[] = {10,	  100,	 1000, 10000,
					   30000, 30000, 30000};
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 2, NULL);
	ck_assert_int_eq(rig_set(&r, "advisor_mode", "scan-time"), 0);
	ck_assert_int_eq(row(&r, "pages_to_scan"), 500);
	for (size_t i = 0; i < 7; i++) {
		/* 2,000 pages are scanned in no time; 32 s were spent before. */
		struct advisor_scan scan = {.seconds = 0, .cpu_ms = 32000 + i};

		advisor_step(ksm(&r), &scan);
		ck_assert_int_eq(row(&r, "pages_to_scan"), measured[i]);
	}
	rig_fini(&r);
}
END_TEST

START_TEST(full_scans_take_the_advisor_that_way)
{
	static const int64_t measured[] = {10,	  100,	 1000, 10000,
					   30000, 30000, 30000};
	struct meter_prices prices = {.op_fs = {0}};
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 2001, NULL);
	/* ksmd has 32 s of CPU time behind it. */
	prices.op_fs[OP_FRAME_FREE] = NS_PER_SEC * 1000000;
	meter_init(&r.meter, &prices);
	meter_add(&r.meter, OP_FRAME_FREE, 32);
	ck_assert_int_eq(rig_set(&r, "sleep_millisecs", "0"), 0);
	ck_assert_int_eq(rig_set(&r, "advisor_mode", "scan-time"), 0);
	space_of(&r, 0, 2000);
	fill(&r, 0, 2000, 2000);
	for (size_t i = 0; i < 7; i++) {
		rig_scan(&r);
		ck_assert_int_eq(row(&r, "pages_to_scan"), measured[i]);
	}
	rig_fini(&r);
}
END_TEST

/* The formula step by step, by hand: T = 100 s, 30 s of CPU, target 200 s. */
START_TEST(the_advisor_weighs_time_and_cpu)
{
	struct advisor_scan scan = {.seconds = 100, .cpu_ms = 30000};
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 2, NULL);
	ck_assert_int_eq(rig_set(&r, "advisor_mode", "scan-time"), 0);
	/* cpu 30, factor 200, change 30: 500 * 100 / 200 * 30 / 100 = 75;
	 * unit 16: not under 160 */
	advisor_step(ksm(&r), &scan);
	ck_assert_int_eq(row(&r, "pages_to_scan"), 160);
	/* T 400: cpu 5, factor 50, change (70 * 30 + 30 * 400) / 100 = 141:
	 * 160 * 100 / 50 * 141 / 100 = 451; unit 32: 320 to 2240 */
	scan = (struct advisor_scan){.seconds = 400, .cpu_ms = 50000};
	advisor_step(ksm(&r), &scan);
	ck_assert_int_eq(row(&r, "pages_to_scan"), 451);
	/* All of the CPU: cpu 90, factor 100, change
	 * (70 * 141 + 30 * 50) / 100 = 113: 451 * 113 / 100 = 509; unit 5:
	 * not over 350 */
	scan = (struct advisor_scan){.seconds = 200, .cpu_ms = 230000};
	advisor_step(ksm(&r), &scan);
	ck_assert_int_eq(row(&r, "pages_to_scan"), 350);
	rig_fini(&r);
}
END_TEST

START_TEST(the_advisor_keeps_pages_to_scan_to_itself)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 2, NULL);
	ck_assert_int_eq(rig_set(&r, "pages_to_scan", "77"), 0);
	ck_assert_int_eq(rig_set(&r, "advisor_min_pages_to_scan", "700"), 0);
	ck_assert_int_eq(rig_set(&r, "advisor_mode", "scan-time"), 0);
	ck_assert_int_eq(row(&r, "pages_to_scan"), 700);
	ck_assert_int_eq(rig_set(&r, "pages_to_scan", "5"), -EINVAL);
	ck_assert_int_eq(rig_set(&r, "pages_to_scan", "700"), -EINVAL);
	ck_assert_int_eq(row(&r, "pages_to_scan"), 700);
	/* Writing the mode that is on starts nothing anew. */
	ck_assert_int_eq(rig_set(&r, "advisor_min_pages_to_scan", "800"), 0);
	ck_assert_int_eq(rig_set(&r, "advisor_mode", "scan-time"), 0);
	ck_assert_int_eq(row(&r, "pages_to_scan"), 700);
	ck_assert_int_eq(rig_set(&r, "advisor_target_scan_time", "0"), -EINVAL);
	ck_assert_int_eq(rig_set(&r, "advisor_mode", "none"), 0);
	ck_assert_int_eq(row(&r, "pages_to_scan"), 100);
	ck_assert_int_eq(rig_set(&r, "pages_to_scan", "5"), 0);
	rig_fini(&r);
	rig_init(&r, "ksm", RULE_KEY, 2,
		 (const char *const[]){"advisor_mode", "scan-time", NULL});
	ck_assert_int_eq(row(&r, "pages_to_scan"), 500);
	rig_fini(&r);
}
END_TEST

/* ---- run = 2 ---- */

START_TEST(knobs_of_the_trees_are_busy_while_pages_are_shared)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 11, no_smart_scan);
	space_of(&r, 0, 4);
	fill(&r, 0, 4, 2);
	ck_assert_int_eq(rig_set(&r, "max_page_sharing", "255"), 0);
	rig_scans(&r, 2);
	pages_are(&r, 2, 2, 0, 0);
	ck_assert_int_eq(rig_set(&r, "max_page_sharing", "100"), -EBUSY);
	ck_assert_int_eq(rig_set(&r, "merge_across_nodes", "0"), -EBUSY);
	/* What it is already, and what it can never be. */
	ck_assert_int_eq(rig_set(&r, "max_page_sharing", "255"), 0);
	ck_assert_int_eq(rig_set(&r, "merge_across_nodes", "1"), 0);
	ck_assert_int_eq(rig_set(&r, "max_page_sharing", "1"), -EINVAL);
	ck_assert_int_eq(rig_set(&r, "run", "3"), -EINVAL);
	ck_assert_int_eq(rig_set(&r, "run", "2"), 0);
	pages_are(&r, 0, 0, 0, 0);
	ck_assert_int_eq(row(&r, "full_scans"), 0);
	ck_assert_int_eq(row(&r, "cow_ksm"), 4);
	ck_assert_int_eq(row(&r, "stable_nodes"), 0);
	ck_assert_int_eq(rig_set(&r, "max_page_sharing", "100"), 0);
	ck_assert_int_eq(rig_set(&r, "merge_across_nodes", "0"), 0);
	rig_fini(&r);
}
END_TEST

/* Page 0 of the child comes second: it is the one that becomes merged. */
START_TEST(the_parents_mapping_goes_along_with_the_childs_and_stays)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 11, no_smart_scan);
	space_of(&r, 0, 4);
	rig_do(&r, ev_write(0, BASE + 3, 1));
	rig_do(&r, ev_fork(1, 0));
	rig_do(&r, ev_advise(0, BASE, 4, false));
	rig_do(&r, ev_write(1, BASE, 1));
	rig_scans(&r, 2);
	ck_assert_int_eq(row(&r, "pages_sharing"), 1);
	ck_assert(machine_merged(r.machine, rig_pte(&r, 0, BASE + 3)));
	ck_assert_int_eq(rig_set(&r, "run", "2"), 0);
	ck_assert(machine_merged(r.machine, rig_pte(&r, 0, BASE + 3)));
	ck_assert(!machine_merged(r.machine, rig_pte(&r, 1, BASE + 3)));
	ck_assert_int_eq(row(&r, "stable_nodes"), 1);
	pages_are(&r, 0, 0, 0, 0);
	ck_assert_int_eq(rig_set(&r, "max_page_sharing", "100"), -EBUSY);
	ck_assert_int_eq(rig_set(&r, "merge_across_nodes", "0"), -EBUSY);
	rig_do(&r, ev_write(0, BASE + 3, 9));
	ck_assert_int_eq(rig_set(&r, "max_page_sharing", "100"), 0);
	ck_assert_int_eq(rig_set(&r, "merge_across_nodes", "0"), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(unmerging_in_the_middle_of_a_scan_starts_from_the_head)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 101, no_smart_scan);
	for (uint32_t s = 0; s < 3; s++) {
		space_of(&r, s, 60);
		fill(&r, s, 60, 30);
	}
	rig_scans(&r, 2);
	pages_are(&r, 30, 150, 0, 0);
	ck_assert_int_eq(rig_turn(&r), 0); /* the cursor is in space 1 */
	rig_do(&r, ev_exit(1));
	ck_assert_int_eq(rig_set(&r, "run", "2"), 0);
	pages_are(&r, 0, 0, 0, 0);
	ck_assert_int_eq(row(&r, "cow_ksm"), 120);
	ck_assert_uint_eq(ksm(&r)->slots, 2);
	ck_assert_int_eq(rig_set(&r, "run", "1"), 0);
	rig_scans(&r, 2);
	pages_are(&r, 30, 90, 0, 0);
	ck_assert_int_eq(row(&r, "full_scans"), 2);
	rig_fini(&r);
}
END_TEST

/* ---- huge pages ---- */

START_TEST(equal_pages_of_one_huge_page_first_only_split_it)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 601, no_smart_scan);
	rig_do(&r, ev_space(0));
	rig_do(&r, ev_map(0, BASE, 512, EVF_MERGEABLE | EVF_HUGE));
	for (uint32_t i = 0; i < 512; i++)
		rig_do(&r, ev_write(0, BASE + i, 1 + i));
	rig_do(&r, ev_write(0, BASE + 400, 8));
	ck_assert_uint_eq(r.machine->huge_splits, 0);
	rig_scan(&r);
	pages_are(&r, 0, 0, 0, 512);
	rig_scan(&r);
	pages_are(&r, 0, 0, 511, 1);
	ck_assert_uint_eq(r.machine->huge_splits, 1);
	rig_scan(&r);
	pages_are(&r, 1, 1, 510, 0);
	ck_assert_uint_eq(r.machine->huge_splits, 1);
	ck_assert_uint_eq(machine_frames(r.machine), 511);
	ck_assert_uint_eq(r.meter.count[OP_HUGE_SPLIT], 1);
	rig_fini(&r);
}
END_TEST

START_TEST(a_pinned_huge_page_does_not_merge)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 601, no_smart_scan);
	rig_do(&r, ev_space(0));
	rig_do(&r, ev_map(0, BASE, 513, EVF_MERGEABLE | EVF_HUGE));
	for (uint32_t i = 0; i < 512; i++)
		rig_do(&r, ev_write(0, BASE + i, 1 + i));
	rig_do(&r, ev_write(0, BASE + 512, 1));
	rig_do(&r, ev_write(0, BASE + 9, 8));
	rig_do(&r, ev_range(EV_PIN, 0, BASE + 100, 1));
	rig_scans(&r, 3);
	/* Page 9 met page 7; page 512 met page 0, and was copied back twice. */
	pages_are(&r, 0, 0, 511, 2);
	ck_assert_int_eq(row(&r, "cow_ksm"), 2);
	ck_assert_uint_eq(r.machine->huge_splits, 0);
	rig_do(&r, ev_range(EV_UNPIN, 0, BASE + 100, 1));
	rig_scans(&r, 2);
	pages_are(&r, 2, 2, 509, 0);
	ck_assert_uint_eq(r.machine->huge_splits, 1);
	rig_fini(&r);
}
END_TEST

/* ---- checksums ---- */

START_TEST(a_page_with_the_checksum_of_zeros_is_not_taken_for_zeros)
{
	struct rig r;
	uint32_t *sum;
	uint64_t protects;

	rig_init(&r, "ksm", RULE_KEY, 11,
		 (const char *const[]){"use_zero_pages", "1", "smart_scan", "0",
				       NULL});
	sum = r.contents->checksum[CHECKSUM_XXH64];
	sum[3] = sum[0];
	sum[4] = sum[0];
	space_of(&r, 0, 5);
	for (uint32_t i = 0; i < 4; i++)
		rig_do(&r, ev_write(0, BASE + i, (uint32_t[]){3, 4, 3, 0}[i]));
	rig_scan(&r);
	pages_are(&r, 0, 0, 0, 4);
	protects = r.meter.count[OP_WRITE_PROTECT];
	rig_scan(&r);
	/* Two are equal, one stays alone, the zeros are told from them. */
	pages_are(&r, 1, 1, 1, 1);
	ck_assert_int_eq(row(&r, "ksm_zero_pages"), 1);
	/* Each was protected and compared, then merged the usual way. */
	ck_assert_uint_eq(r.meter.count[OP_WRITE_PROTECT] - protects, 4 + 2);
	rig_scans(&r, 2);
	pages_are(&r, 1, 1, 1, 0);
	/* A change that the checksum does not show is no change. */
	rig_do(&r, ev_write(0, BASE + 1, 3));
	rig_scan(&r);
	pages_are(&r, 1, 2, 0, 0);
	rig_fini(&r);
}
END_TEST

START_TEST(a_new_item_whose_checksum_is_0_merges_in_its_first_visit)
{
	struct rig r;

	/* The old checksum of a new item is 0, so such a page seems settled. */
	rig_init(&r, "ksm", RULE_KEY, 11, no_smart_scan);
	r.contents->checksum[CHECKSUM_XXH64][2] = 0;
	space_of(&r, 0, 4);
	fill(&r, 0, 4, 2);
	rig_scan(&r);
	pages_are(&r, 1, 1, 0, 2);
	rig_fini(&r);
}
END_TEST

/* ---- chains ---- */

START_TEST(a_chain_of_thousands_grows_and_goes)
{
	const uint32_t n = 6001;
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 3,
		 (const char *const[]){"max_page_sharing", "2", "smart_scan",
				       "0", "pages_to_scan", "100000", NULL});
	space_of(&r, 0, n);
	fill(&r, 0, n, 1);
	rig_scans(&r, 3);
	pages_are(&r, 3000, 3000, 1, 0);
	ck_assert_int_eq(row(&r, "stable_node_chains"), 1);
	ck_assert_int_eq(row(&r, "stable_node_dups"), 3000);
	ck_assert_int_eq(row(&r, "stable_nodes"), 3001);
	/* One of each leaves: the one that was left over finds a place. */
	for (uint32_t i = 0; i < n - 1; i += 2)
		rig_do(&r, ev_write(0, BASE + i, 2));
	rig_scan(&r);
	ck_assert_int_eq(row(&r, "stable_node_dups"), 3000);
	pages_are(&r, 3000, 1, 0, 3000);
	rig_scans(&r, 2);
	ck_assert_int_eq(row(&r, "stable_node_chains"), 2);
	pages_are(&r, 4500, 1501, 0, 0);
	/* All go: nodes are dropped as their items are met. */
	rig_do(&r, ev_range(EV_FREE, 0, BASE, n));
	ck_assert_uint_eq(machine_frames(r.machine), 0);
	ck_assert_int_eq(row(&r, "pages_shared"), 4500);
	rig_scan(&r);
	pages_are(&r, 0, 0, 0, 0);
	ck_assert_int_eq(row(&r, "stable_node_dups"), 0);
	/* Empty chains wait for a search to pass. */
	ck_assert_int_eq(row(&r, "stable_node_chains"), 2);
	rig_do(&r, ev_write(0, BASE, 1));
	rig_scans(&r, 2);
	ck_assert_int_eq(row(&r, "stable_node_chains"), 0);
	ck_assert_int_eq(row(&r, "stable_nodes"), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(a_chain_left_with_stale_copies_only_is_gone_after_a_search)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 3,
		 (const char *const[]){"max_page_sharing", "2", "smart_scan",
				       "0", NULL});
	space_of(&r, 0, 40);
	fill(&r, 0, 40, 1);
	rig_scans(&r, 2);
	ck_assert_int_eq(row(&r, "stable_node_dups"), 20);
	/* Other pages come first in the next scan: the search meets 19 stale
	 * dups, the one that is left takes the chain's place. */
	rig_do(&r, ev_map(0, BASE - 2, 2, EVF_MERGEABLE));
	rig_do(&r, ev_write(0, BASE - 2, 1));
	rig_scan(&r);
	rig_do(&r, ev_range(EV_FREE, 0, BASE, 38));
	ck_assert_int_eq(rig_set(&r, "pages_to_scan", "1"), 0);
	ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert_int_eq(row(&r, "stable_node_chains"), 0);
	ck_assert_int_eq(row(&r, "stable_node_dups"), 0);
	ck_assert_int_eq(row(&r, "stable_nodes"), 1);
	pages_are(&r, 1, 1, 1, 38);
	rig_scan(&r);
	pages_are(&r, 1, 1, 1, 0);
	rig_fini(&r);
}
END_TEST

/* ---- spaces that end ---- */

/* Three spaces of 50 pages, merged, the cursor after @turns batches of 20. */
static void three(struct rig *r, unsigned turns)
{
	rig_init(r, "ksm", RULE_KEY, 101,
		 (const char *const[]){"smart_scan", "0", "pages_to_scan", "20",
				       NULL});
	for (uint32_t s = 0; s < 3; s++) {
		space_of(r, s, 50);
		fill(r, s, 50, 50);
	}
	rig_scans(r, 3);
	pages_are(r, 50, 100, 0, 0);
	while (turns--)
		ck_assert_int_eq(rig_turn(r), 0);
}

START_TEST(a_space_that_exits_under_the_cursor_is_finished_first)
{
	struct rig r;

	three(&r, 4); /* 80 visits: in the middle of space 1 */
	ck_assert_uint_eq(ksm(&r)->at, 1 + 1);
	rig_do(&r, ev_exit(1));
	pages_are(&r, 50, 100, 0, 0);
	ck_assert_uint_eq(ksm(&r)->slots, 3);
	ck_assert_int_eq(rig_turn(&r), 0);
	/* All its items went, also those before the cursor. */
	pages_are(&r, 50, 50, 0, 0);
	ck_assert_uint_eq(ksm(&r)->slots, 2);
	ck_assert_uint_eq(ksm(&r)->at, 2 + 1);
	ck_assert_int_eq(row(&r, "full_scans"), 3);
	ck_assert_uint_eq(machine_find(r.machine, 1, BASE), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(a_space_that_exits_elsewhere_is_visited_next)
{
	struct rig r;

	/* Space 0 was visited already, and comes again. */
	three(&r, 4);
	rig_do(&r, ev_exit(0));
	pages_are(&r, 50, 100, 0, 0);
	ck_assert_uint_eq(ksm(&r)->slot[1 + 1].next, 0 + 1);
	ck_assert_int_eq(rig_turn(&r), 0); /* 100: space 1 is through */
	pages_are(&r, 50, 100, 0, 0);
	ck_assert_int_eq(rig_turn(&r), 0);
	pages_are(&r, 50, 50, 0, 0);
	ck_assert_uint_eq(ksm(&r)->slots, 2);
	ck_assert_uint_eq(ksm(&r)->at, 2 + 1);
	rig_fini(&r);
	/* Between two scans, the next scan begins with it. */
	three(&r, 0);
	rig_do(&r, ev_exit(2));
	ck_assert_uint_eq(ksm(&r)->slot[0].next, 2 + 1);
	ck_assert_int_eq(rig_turn(&r), 0);
	pages_are(&r, 50, 50, 0, 0);
	ck_assert_uint_eq(ksm(&r)->at, 0 + 1);
	rig_fini(&r);
}
END_TEST

START_TEST(a_space_without_items_goes_at_once)
{
	struct rig r;

	three(&r, 4);
	space_of(&r, 3, 10);
	ck_assert_uint_eq(ksm(&r)->slots, 4);
	/* It had been put right before the cursor. */
	ck_assert_uint_eq(ksm(&r)->slot[0 + 1].next, 3 + 1);
	rig_do(&r, ev_exit(3));
	ck_assert_uint_eq(ksm(&r)->slots, 3);
	rig_check(&r);
	/* One that was never registered leaves nothing either. */
	rig_do(&r, ev_space(4));
	rig_do(&r, ev_map(4, BASE, 1, 0));
	rig_do(&r, ev_write(4, BASE, 1));
	rig_do(&r, ev_exit(4));
	ck_assert_uint_eq(machine_find(r.machine, 4, BASE), 0);
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(with_run_0_an_exited_space_keeps_its_counters)
{
	struct rig r;

	three(&r, 0);
	ck_assert_int_eq(rig_set(&r, "run", "0"), 0);
	rig_do(&r, ev_exit(0));
	rig_do(&r, ev_exit(1));
	rig_do(&r, ev_exit(2));
	ck_assert_uint_eq(machine_frames(r.machine), 0);
	for (unsigned i = 0; i < 5; i++)
		ck_assert_int_eq(rig_turn(&r), 0);
	pages_are(&r, 50, 100, 0, 0);
	ck_assert_int_eq(rig_set(&r, "run", "1"), 0);
	ck_assert_int_eq(rig_turn(&r), 0);
	pages_are(&r, 0, 0, 0, 0);
	ck_assert_uint_eq(ksm(&r)->slots, 0);
	ck_assert_int_eq(row(&r, "stable_nodes"), 0);
	ck_assert_int_eq(rig_row(&r, "saved", "metadata_bytes"), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(a_space_without_mergeable_ranges_leaves_the_list)
{
	struct rig r;

	three(&r, 0);
	rig_do(&r, ev_advise(1, BASE, 50, false));
	ck_assert_uint_eq(ksm(&r)->slots, 3);
	rig_scan(&r);
	ck_assert_uint_eq(ksm(&r)->slots, 2);
	pages_are(&r, 50, 50, 0, 0);
	/* Registered again it is visited after the others. */
	rig_do(&r, ev_advise(1, BASE, 50, true));
	ck_assert_uint_eq(ksm(&r)->slots, 3);
	ck_assert_uint_eq(ksm(&r)->slot[0].prev, 1 + 1);
	rig_scans(&r, 2);
	pages_are(&r, 50, 100, 0, 0);
	rig_fini(&r);
}
END_TEST

/* ---- rows per space ---- */

static void space_is(struct rig *r, uint32_t space, int64_t items,
		     int64_t merging, int64_t zero)
{
	ck_assert_int_eq(rig_space_row(r, space, "ksm_rmap_items"), items);
	ck_assert_int_eq(rig_space_row(r, space, "ksm_merging_pages"), merging);
	ck_assert_int_eq(rig_space_row(r, space, "ksm_zero_pages"), zero);
	ck_assert_int_eq(rig_space_row(r, space, "ksm_process_profit"),
			 (merging + zero) * PAGE_BYTES - 64 * items);
}

START_TEST(rows_per_space_say_what_each_has)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 301,
		 (const char *const[]){"use_zero_pages", "1", "smart_scan", "0",
				       NULL});
	space_of(&r, 0, 120);
	space_of(&r, 1, 120);
	rig_do(&r, ev_space(2));
	for (uint32_t i = 0; i < 100; i++) {
		rig_do(&r, ev_write(0, BASE + i, 1 + i));
		rig_do(&r, ev_write(1, BASE + i, 51 + i));
	}
	for (uint32_t i = 100; i < 110; i++)
		rig_do(&r, ev_write(0, BASE + i, 0));
	space_is(&r, 0, 0, 0, 0);
	rig_scan(&r);
	space_is(&r, 0, 110, 0, 0);
	space_is(&r, 1, 100, 0, 0);
	rig_scan(&r);
	space_is(&r, 0, 110, 50, 10);
	rig_scan(&r);
	/* 50 contents are in both; items of zero pages are gone. */
	space_is(&r, 0, 100, 50, 10);
	space_is(&r, 1, 100, 50, 0);
	space_is(&r, 2, 0, 0, 0);
	ck_assert_int_eq(row(&r, "general_profit"),
			 (50 + 10) * (int64_t)PAGE_BYTES - 64 * 200);
	rig_do(&r, ev_fork(3, 0));
	space_is(&r, 3, 0, 0, 10);
	rig_scan(&r);
	space_is(&r, 3, 100, 50, 10);
	rig_do(&r, ev_write(3, BASE + 105, 200));
	space_is(&r, 3, 100, 50, 9);
	rig_do(&r, ev_write(3, BASE + 60, 200));
	space_is(&r, 3, 100, 50, 9);
	rig_scan(&r);
	space_is(&r, 3, 101, 49, 9);
	rig_do(&r, ev_exit(0));
	space_is(&r, 0, 100, 50, 0);
	rig_scan(&r);
	space_is(&r, 0, 0, 0, 0);
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(metadata_is_counted_with_the_kernels_sizes)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 101, no_smart_scan);
	ck_assert_int_eq(rig_row(&r, "saved", "metadata_bytes"), 0);
	space_of(&r, 0, 100);
	ck_assert_int_eq(rig_row(&r, "saved", "metadata_bytes"), 48);
	fill(&r, 0, 100, 50);
	rig_scan(&r);
	ck_assert_int_eq(rig_row(&r, "saved", "metadata_bytes"), 48 + 100 * 64);
	rig_scan(&r);
	ck_assert_int_eq(rig_row(&r, "saved", "metadata_bytes"),
			 48 + 100 * 64 + 50 * 64);
	rig_fini(&r);
}
END_TEST

START_TEST(merged_zeros_are_told_apart)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_KEY, 11,
		 (const char *const[]){"max_page_sharing", "3", "smart_scan",
				       "0", NULL});
	space_of(&r, 0, 20);
	for (uint32_t i = 0; i < 20; i++)
		rig_do(&r, ev_write(0, BASE + i, i % 2));
	rig_scans(&r, 3);
	/* 10 of each: 3 full nodes and one left over */
	pages_are(&r, 6, 12, 2, 0);
	ck_assert_int_eq(row(&r, "zero_pages_shared"), 3);
	ck_assert_int_eq(row(&r, "zero_pages_sharing"), 6);
	ck_assert_int_eq(rig_row(&r, "saved", "zero_pages"), 6);
	ck_assert_int_eq(rig_row(&r, "saved", "saved_pages"), 12);
	rig_do(&r, ev_range(EV_FREE, 0, BASE, 20));
	rig_scan(&r);
	ck_assert_int_eq(row(&r, "zero_pages_shared"), 0);
	ck_assert_int_eq(row(&r, "zero_pages_sharing"), 0);
	rig_fini(&r);
}
END_TEST

static void add_time(Suite *s)
{
	TCase *t = tcase_create("time");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_sleep_of_20_ms_takes_six_ticks);
	tcase_add_test(t, the_time_of_the_work_itself_comes_before_the_sleep);
	tcase_add_test(t, a_thousand_pages_take_eleven_batches_of_a_hundred);
	tcase_add_test(t, no_pages_to_scan_is_no_scan_and_no_end);
	tcase_add_test(t, ksmd_parks_without_work_and_wakes_at_once);
	tcase_add_test(t, a_turn_ends_when_its_time_is_used_up);
	tcase_add_test(t, the_advisor_goes_the_measured_way);
	tcase_add_test(t, full_scans_take_the_advisor_that_way);
	tcase_add_test(t, the_advisor_weighs_time_and_cpu);
	tcase_add_test(t, the_advisor_keeps_pages_to_scan_to_itself);
	suite_add_tcase(s, t);
}

static void add_pages(Suite *s)
{
	TCase *t = tcase_create("pages");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, knobs_of_the_trees_are_busy_while_pages_are_shared);
	tcase_add_test(
		t, the_parents_mapping_goes_along_with_the_childs_and_stays);
	tcase_add_test(t,
		       unmerging_in_the_middle_of_a_scan_starts_from_the_head);
	tcase_add_test(t, equal_pages_of_one_huge_page_first_only_split_it);
	tcase_add_test(t, a_pinned_huge_page_does_not_merge);
	tcase_add_test(
		t, a_page_with_the_checksum_of_zeros_is_not_taken_for_zeros);
	tcase_add_test(
		t, a_new_item_whose_checksum_is_0_merges_in_its_first_visit);
	tcase_add_test(t, a_chain_of_thousands_grows_and_goes);
	tcase_add_test(
		t, a_chain_left_with_stale_copies_only_is_gone_after_a_search);
	suite_add_tcase(s, t);
}

static void add_spaces(Suite *s)
{
	TCase *t = tcase_create("spaces");

	tcase_set_timeout(t, 60);
	tcase_add_test(t,
		       a_space_that_exits_under_the_cursor_is_finished_first);
	tcase_add_test(t, a_space_that_exits_elsewhere_is_visited_next);
	tcase_add_test(t, a_space_without_items_goes_at_once);
	tcase_add_test(t, with_run_0_an_exited_space_keeps_its_counters);
	tcase_add_test(t, a_space_without_mergeable_ranges_leaves_the_list);
	tcase_add_test(t, rows_per_space_say_what_each_has);
	tcase_add_test(t, metadata_is_counted_with_the_kernels_sizes);
	tcase_add_test(t, merged_zeros_are_told_apart);
	suite_add_tcase(s, t);
}

int main(void)
{
	Suite *s = suite_create("ksm");

	add_time(s);
	add_pages(s);
	add_spaces(s);
	return check_main(s);
}
