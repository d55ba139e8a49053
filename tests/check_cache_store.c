/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stores, pages that are remapped, counters, and the life of a model.  The toy
 * is r4400sc with another policy, as in check_cache.c.
 */
#include <errno.h>

#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/scan.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)
#define VA SCAN_VA
#define F SCAN_MERGED
#define PAGE UINT64_C(4096)

#define DUP "policy=dup"
#define MOVE "policy=move syn_source=2 syn_extra=6"
#define TRAP "policy=trap"
#define HSV "policy=trap-hsv"
#define PIDX "policy=pidx-hw syn_extra=6 dir_colours=4"

static struct cache_counts all(const struct cache *c)
{
	return cache_counts(c, CACHE_ALL_CPUS);
}

static void done(struct cache *c)
{
	ck_assert_int_eq(cache_check(c, stdout), 0);
	cache_free(c);
}

#define IS(a, b) ck_assert_uint_eq(a, b)

/* ---- stores, and pages that change ---- */

static void store(struct cache *c, unsigned cpu, uint64_t va, uint64_t pa)
{
	cache_access(c, cpu, va, pa, 8, CACHE_WRITE);
}

START_TEST(a_store_leaves_no_other_copy)
{
	struct cache *c = scan_cache("r4400sc", DUP);

	for (uint64_t k = 0; k < 4; k++)
		scan_read(c, 0, VA + k * PAGE, F);
	IS(cache_resident_copies(c, 0, F), 4);
	store(c, 0, VA, F);
	IS(cache_resident_copies(c, 0, F), 1);
	IS(all(c).dup_writes, 3);
	/* a reader at another colour sees what was written */
	scan_read(c, 0, VA + PAGE, F);
	IS(all(c).dup_writes, 4);
	IS(all(c).writebacks, 1);
	done(c);
}
END_TEST

START_TEST(a_dirty_line_that_moves_is_written_back)
{
	static const char *const set[] = {MOVE, TRAP, HSV, PIDX};
	static const uint64_t writebacks[] = {1, 2, 1, 1};

	for (unsigned i = 0; i < 4; i++) {
		struct cache *c = scan_cache("r4400sc", set[i]);

		store(c, 0, VA, F);
		IS(all(c).writebacks, 0);
		scan_read(c, 0, VA + PAGE, F);
		IS(all(c).writebacks, writebacks[i]);
		done(c);
	}
}
END_TEST

START_TEST(a_dirty_victim_goes_down_level_by_level)
{
	struct cache *c = scan_cache("r4400sc", "");

	store(c, 0, VA, F);
	scan_read(c, 0, VA + 16 * KIB, F + 16 * KIB); /* same set of L1 */
	IS(all(c).writebacks, 1);
	scan_read(c, 0, VA + MIB, F + MIB); /* same set of L2 */
	IS(all(c).writebacks, 2);
	scan_read(c, 0, VA, F);
	scan_read(c, 0, VA + MIB, F + MIB);
	IS(all(c).writebacks, 2);
	done(c);
}
END_TEST

START_TEST(store_through_levels_are_never_dirty)
{
	struct cache *c = scan_cache("z13", "");

	store(c, 0, VA, F);
	/* moves to another colour: nothing in L1 is to be written back */
	scan_read(c, 0, VA + PAGE, F);
	IS(all(c).writebacks, 0);
	done(c);
}
END_TEST

START_TEST(a_store_takes_the_line_from_other_CPUs)
{
	struct cache *c = scan_cache("z13", "cpus=4 cpus_per_chip=2");

	for (unsigned cpu = 0; cpu < 4; cpu++)
		scan_read(c, cpu, VA, F);
	store(c, 0, VA, F);
	/* L1 and L2 of three CPUs, L3 of the other chip */
	IS(all(c).invals, 7);
	IS(scan_read(c, 1, VA, F), 40);
	IS(scan_read(c, 2, VA, F), 160);
	IS(scan_read(c, 0, VA, F), 4);
	done(c);
}
END_TEST

START_TEST(breaking_a_share_copies_a_page_through_the_direct_map)
{
	struct cache *c = scan_cache("r4400sc", "cow_fault=1000");
	uint64_t fresh = SCAN_PRIVATE + 5 * PAGE, cost;
	struct cache_counts n;

	scan_read(c, 0, VA, F);
	cost = cache_cow(c, 0, VA, F + 40, fresh + 40).v;
	n = all(c);
	IS(n.cow_faults, 1);
	IS(n.accesses, 1 + 2 * 128);
	IS(n.tlb_misses, 1);
	IS(n.cycles[CACHE_CYC_FAULT], 1000);
	/* one L2 line of the old page was there, and the colours agree */
	IS(n.memory, 1 + 63 + 64);
	IS(n.vce, 0);
	IS(cost + 230, cache_counts_cycles(&n));
	/* the translation was forgotten */
	IS(cache_access(c, 0, VA, fresh, 8, CACHE_READ).v, 30 + 270);
	done(c);
}
END_TEST

START_TEST(a_page_that_is_remapped_can_be_flushed)
{
	struct cache *c = scan_cache("r4400sc", "page_flush=500");

	store(c, 0, VA, F);
	scan_read(c, 0, VA + 32, F + 32);
	IS(cache_remap(c, 0, VA, F).v, 500);
	IS(cache_resident(c, 0), 0);
	IS(cache_resident(c, 1), 1);
	IS(all(c).writebacks, 1);
	IS(all(c).flushes, 1);
	/* 30: the TLB forgot the page, too */
	IS(cache_access(c, 0, VA, F, 8, CACHE_READ).v, 30 + 15);
	done(c);
	c = scan_cache("r4400sc", "");
	scan_read(c, 0, VA, F);
	IS(cache_remap(c, 0, VA, F).v, 0);
	IS(cache_resident(c, 0), 1);
	done(c);
}
END_TEST

/* ---- counters and life ---- */

START_TEST(frames_are_counted_once_when_asked)
{
	struct cache *c = scan_cache("r4400sc", "frames=64");
	struct rows rows;

	for (uint64_t i = 0; i < 300; i++)
		scan_read(c, 0, VA + i * PAGE, i % 10 * PAGE);
	scan_read(c, 0, VA, 64 * PAGE); /* beyond */
	IS(cache_frames(c), 10);
	rows_init(&rows);
	cache_report(c, &rows);
	ck_assert(!rows.failed);
	ck_assert_int_eq(rows_get(&rows, "cache", "frames", -1), 10);
	ck_assert_int_eq(rows_get(&rows, "cache", "accesses", -1), 301);
	ck_assert_int_eq(rows_get(&rows, "cache", "cycles", -1),
			 (int64_t)scan_cycles(c));
	ck_assert_int_eq(rows_get(&rows, "cache", "l2_resident", -1),
			 (int64_t)cache_resident(c, 1));
	ck_assert(!rows_has(&rows, "cache", "l3_hits"));
	rows_fini(&rows);
	done(c);
}
END_TEST

START_TEST(after_a_reset_all_is_as_at_first)
{
	struct cache *c = scan_cache("loongson3a", "cpus=2");
	struct cache_counts first = scan_once(c, SCAN_PRIV, 256 * KIB), again;

	for (unsigned n = 0; n < 2; n++)
		ck_assert_uint_gt(cache_resident(c, n), 0);
	cache_reset(c);
	for (unsigned n = 0; n < 2; n++)
		IS(cache_resident(c, n), 0);
	again = scan_once(c, SCAN_PRIV, 256 * KIB);
	ck_assert_mem_eq(&first, &again, sizeof(first));
	done(c);
}
END_TEST

START_TEST(two_instances_do_not_meet)
{
	struct cache *a = scan_cache("z13", ""), *b = scan_cache("z13", "");

	scan_read(a, 0, VA, F);
	IS(scan_read(b, 0, VA, F), 750);
	IS(all(a).accesses, 1);
	done(a);
	done(b);
	cache_free(NULL);
}
END_TEST

static int make(void *ctx)
{
	const struct cache_conf *conf = ctx;
	struct cache *c;
	int ret = cache_new(&c, conf, NULL);

	if (!ret)
		cache_free(c);
	return ret;
}

START_TEST(each_allocation_may_fail)
{
	struct cache_conf conf = scan_conf("z13", "frames=100");

	ck_assert_uint_gt(fail_mem_walk(make, &conf), 10);
	conf = scan_conf("zen4", "l1_replacement=plru l2_replacement=random "
				 "l3_replacement=fifo");
	ck_assert_uint_gt(fail_mem_walk(make, &conf), 10);
}
END_TEST

static Suite *cache_store_suite(void)
{
	Suite *s = suite_create("cache_store");
	TCase *t = tcase_create("model");

	tcase_add_test(t, a_store_leaves_no_other_copy);
	tcase_add_test(t, a_dirty_line_that_moves_is_written_back);
	tcase_add_test(t, a_dirty_victim_goes_down_level_by_level);
	tcase_add_test(t, store_through_levels_are_never_dirty);
	tcase_add_test(t, a_store_takes_the_line_from_other_CPUs);
	tcase_add_test(t,
		       breaking_a_share_copies_a_page_through_the_direct_map);
	tcase_add_test(t, a_page_that_is_remapped_can_be_flushed);
	tcase_add_test(t, frames_are_counted_once_when_asked);
	tcase_add_test(t, after_a_reset_all_is_as_at_first);
	tcase_add_test(t, two_instances_do_not_meet);
	tcase_add_test(t, each_allocation_may_fail);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(cache_store_suite());
}
