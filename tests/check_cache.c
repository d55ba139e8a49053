/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small cases that can be worked out by hand.  The toy is r4400sc with another
 * policy: L1 of 512 lines of 32 bytes, direct mapped, four colours; L2 of 16384
 * lines of 64 bytes; 2, 15 and 230 cycles; an exception 40, a synonym 6.
 */
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

/* alternate - ten times one line through @a, then through @b */
static struct cache_counts alternate(struct cache *c, uint64_t a, uint64_t b)
{
	for (int i = 0; i < 10; i++) {
		scan_read(c, 0, a, F);
		scan_read(c, 0, b, F);
	}
	return all(c);
}

#define CYCLES(n, want) ck_assert_uint_eq(cache_counts_cycles(&(n)), want)
#define IS(a, b) ck_assert_uint_eq(a, b)

/* ---- synonyms ---- */

START_TEST(copies_at_two_colours_both_hit)
{
	struct cache *c = scan_cache("r4400sc", DUP);
	struct cache_counts n = alternate(c, VA, VA + PAGE);

	IS(n.misses[0], 2);
	IS(n.memory, 1);
	IS(n.hits[1], 1);
	IS(n.hits[0], 18);
	IS(n.dup, 1);
	CYCLES(n, 281);
	done(c);
}
END_TEST

START_TEST(a_line_that_moves_misses_each_time)
{
	struct cache *c = scan_cache("r4400sc", MOVE);
	struct cache_counts n = alternate(c, VA, VA + PAGE);

	IS(n.misses[0], 20);
	IS(n.syn, 19);
	IS(n.cycles[CACHE_CYC_SYN], 19 * 6);
	CYCLES(n, 629);
	done(c);
}
END_TEST

START_TEST(a_trap_costs_the_exception_and_memory)
{
	struct cache *c = scan_cache("r4400sc", TRAP);
	struct cache_counts n = alternate(c, VA, VA + PAGE);

	IS(n.vce, 19);
	IS(n.memory, 20);
	IS(n.cycles[CACHE_CYC_VCE], 19 * 40);
	CYCLES(n, 5360);
	done(c);
}
END_TEST

START_TEST(a_handler_that_rewrites_the_colour_keeps_L2)
{
	struct cache *c = scan_cache("r4400sc", HSV);
	struct cache_counts n = alternate(c, VA, VA + PAGE);

	IS(n.vce, 19);
	IS(n.memory, 1);
	CYCLES(n, 1275);
	done(c);
}
END_TEST

START_TEST(hardware_that_knows_the_colour_moves_the_line)
{
	struct cache *c = scan_cache("r4400sc", PIDX);
	struct cache_counts n = alternate(c, VA, VA + PAGE);

	IS(n.syn, 19);
	IS(n.vce, 0);
	CYCLES(n, 629);
	done(c);
}
END_TEST

START_TEST(a_hit_does_not_look_at_the_directory)
{
	struct cache *c = scan_cache("r4400sc", TRAP);
	struct cache_counts n = alternate(c, VA, VA + 4 * PAGE);

	IS(n.misses[0], 1);
	IS(n.hits[0], 19);
	IS(n.vce, 0);
	CYCLES(n, 268);
	done(c);
}
END_TEST

START_TEST(the_directory_remembers_a_colour_after_L1_lost_the_line)
{
	struct cache *c = scan_cache("r4400sc", TRAP);

	IS(scan_read(c, 0, VA, F), 230);
	/* the same set of L1, another of L2 */
	IS(scan_read(c, 0, VA + 16 * KIB, F + 16 * KIB), 230);
	IS(scan_read(c, 0, VA + 4 * PAGE, F), 270);
	IS(all(c).vce, 1);
	done(c);
}
END_TEST

START_TEST(one_exception_serves_all_lines_of_a_line_of_L2)
{
	struct cache *c = scan_cache("r4400sc", TRAP);

	IS(scan_read(c, 0, VA, F), 230);
	IS(scan_read(c, 0, VA + 32, F + 32), 15);
	IS(scan_read(c, 0, VA + PAGE, F), 270);
	IS(scan_read(c, 0, VA + PAGE + 32, F + 32), 15);
	IS(all(c).vce, 1);
	IS(scan_cycles(c), 530);
	done(c);
}
END_TEST

START_TEST(four_copies_of_a_page_fill_L1_and_stay)
{
	struct cache *c = scan_cache("r4400sc", DUP);
	struct cache_counts n = scan_once(c, SCAN_KSM, 16 * KIB);

	IS(n.memory, 64);
	IS(n.hits[1], 448);
	IS(n.dup, 384);
	n = scan_once(c, SCAN_KSM, 16 * KIB);
	IS(n.hits[0], 512);
	IS(scan_cycles(c), 22464);
	done(c);
}
END_TEST

static struct cache_counts two_scans(struct cache *c, unsigned order)
{
	scan_with(c, SCAN_ZCOL, order, VA, 32 * KIB);
	scan_with(c, SCAN_ZCOL, order, VA, 32 * KIB);
	return all(c);
}

START_TEST(eight_zero_pages_never_trap)
{
	struct cache *c = scan_cache("r4400sc", TRAP);
	struct cache_counts n = two_scans(c, 3);

	IS(n.misses[0], 2048);
	IS(n.memory, 512);
	IS(n.vce, 0);
	CYCLES(n, 140800);
	done(c);
}
END_TEST

START_TEST(four_zero_pages_flatter_themselves_when_alone)
{
	struct cache *c = scan_cache("r4400sc", TRAP);
	struct cache_counts n = two_scans(c, 2);

	IS(n.misses[0], 512);
	IS(n.memory, 256);
	IS(n.hits[0], 1536);
	IS(n.vce, 0);
	CYCLES(n, 65792);
	done(c);
}
END_TEST

START_TEST(pages_in_the_middle_survive_the_wrap)
{
	struct cache *c = scan_cache("r4400sc", TRAP);

	/* 4 of 12 pages hit: (4 * 2 + 8 * 15) / 12 per line of 128 a page */
	IS(scan_steady(c, SCAN_ZCOL, 48 * KIB), (4 * 2 + 8 * 15) * 128);
	done(c);
}
END_TEST

START_TEST(eight_ways_hold_eight_lines_and_never_nine)
{
	for (uint64_t lines = 8; lines <= 9; lines++) {
		struct cache *c = scan_cache("arm64-2020", "");

		for (int round = 0; round < 1000000; round++)
			for (uint64_t i = 0; i < lines; i++)
				cache_access(c, 0, VA + i * PAGE, F + i * PAGE,
					     8, CACHE_READ);
		IS(all(c).misses[0], lines == 8 ? 8 : 9000000);
		done(c);
	}
}
END_TEST

static uint64_t eight_pages_of_16K(const char *set, struct cache_counts *n)
{
	struct cache *c = scan_cache("z13", set);

	for (int scan = 0; scan < 2; scan++)
		for (uint64_t page = 0; page < 8; page++)
			for (uint64_t o = 0; o < PAGE; o += 256)
				scan_read(c, 0, VA + page * 16 * KIB + o,
					  F + o);
	*n = all(c);
	done(c);
	return cache_counts_cycles(n);
}

START_TEST(colours_beyond_the_index_count_only_when_they_are_checked)
{
	struct cache_counts n;

	IS(eight_pages_of_16K("vcolour_check=127", &n), 22800);
	IS(n.memory, 16);
	IS(n.syn, 240);
	IS(eight_pages_of_16K("vcolour_check=0", &n), 12960);
	IS(n.memory, 16);
	IS(n.hits[0], 240);
}
END_TEST

static uint64_t steady_with(unsigned order)
{
	struct cache *c = scan_cache("z13", "");
	struct cache_counts n;

	scan_with(c, SCAN_ZCOL, order, VA, 4 * MIB);
	n = scan_with(c, SCAN_ZCOL, order, VA, 4 * MIB);
	done(c);
	return cache_counts_cycles(&n);
}

START_TEST(too_few_zero_pages_are_as_bad_as_one_on_z13)
{
	IS(steady_with(2), 737280);
	IS(steady_with(5), 737280);
	IS(steady_with(6), 163840);
	IS(steady_with(7), 163840);
}
END_TEST

/* ---- several CPUs ---- */

START_TEST(two_CPUs_at_two_colours_are_no_synonyms)
{
	static const char *const set[] = {MOVE " cpus=2", TRAP " cpus=2",
					  PIDX " cpus=2"};

	for (unsigned i = 0; i < 3; i++) {
		struct cache *c = scan_cache("r4400sc", set[i]);

		for (int k = 0; k < 10; k++)
			for (unsigned cpu = 0; cpu < 2; cpu++)
				scan_read(c, cpu, VA + cpu * PAGE, F);
		IS(all(c).syn, 0);
		IS(all(c).vce, 0);
		IS(cache_counts(c, 1).hits[0], 9);
		done(c);
	}
}
END_TEST

static uint64_t page_by(struct cache *c, unsigned cpu)
{
	uint64_t cycles = 0;

	for (uint64_t o = 0; o < PAGE; o += 256)
		cycles += scan_read(c, cpu, VA + o, F + o);
	return cycles;
}

START_TEST(the_first_CPU_pays_for_its_chip_and_its_book)
{
	static const uint64_t cold[] = {12000, 640, 2560, 640};
	struct cache *c = scan_cache("z13", "cpus=4 cpus_per_chip=2");

	for (unsigned cpu = 0; cpu < 4; cpu++)
		IS(page_by(c, cpu), cold[cpu]);
	IS(scan_cycles(c), 15840);
	for (unsigned cpu = 0; cpu < 4; cpu++)
		IS(page_by(c, cpu), 64);
	IS(cache_resident(c, 2), 32);
	IS(cache_resident(c, 3), 16);
	done(c);
}
END_TEST

START_TEST(synonyms_saturate_the_shared_level_with_eleven_CPUs)
{
	struct cache_conf z13 = scan_conf("z13", "");

	IS(cache_saturating_cpus(&z13, 45 * 16384, 16384), 11);
	IS(cache_saturating_cpus(&z13, 45, 0), UINT64_MAX);
	z13.bandwidth = 0;
	IS(cache_saturating_cpus(&z13, 45, 1), UINT64_MAX);
}
END_TEST

/* ---- inclusion, TLB, replacement, parts ---- */

START_TEST(what_leaves_L2_leaves_L1)
{
	struct cache *c = scan_cache("r4400sc", "");

	IS(scan_read(c, 0, VA, F), 230);
	IS(scan_read(c, 0, VA + 32, F + MIB + 32), 230);
	IS(scan_read(c, 0, VA, F), 230);
	IS(all(c).memory, 3);
	IS(all(c).back_invals, 2);
	done(c);
	c = scan_cache("r4400sc", "policy=none l2_inclusive=0");
	scan_read(c, 0, VA, F);
	scan_read(c, 0, VA + 32, F + MIB + 32);
	IS(scan_read(c, 0, VA, F), 2);
	IS(all(c).back_invals, 0);
	done(c);
}
END_TEST

START_TEST(a_level_shared_by_CPUs_takes_lines_from_all_of_them)
{
	struct cache *c = scan_cache("z13", "cpus=2 l3_size=64KiB l3_ways=1 "
					    "l4_size=0 l2_size=64KiB "
					    "l1_size=32KiB");

	scan_read(c, 0, VA, F);
	scan_read(c, 1, VA, F);
	IS(scan_read(c, 1, VA + 64 * KIB, F + 64 * KIB), 750);
	IS(all(c).back_invals, 4); /* L1 and L2 of both */
	IS(scan_read(c, 0, VA, F), 750);
	done(c);
}
END_TEST

static struct cache_counts touch_pages(struct cache *c, uint64_t pages)
{
	struct cache_counts before = all(c), after;

	for (uint64_t i = 0; i < pages; i++)
		scan_read(c, 0, VA + i * PAGE, F);
	after = all(c);
	return cache_counts_since(&after, &before);
}

START_TEST(an_entry_of_the_TLB_holds_two_pages)
{
	struct cache *c = scan_cache("r4400sc", "");

	IS(touch_pages(c, 1024).tlb_misses, 512);
	IS(touch_pages(c, 1024).tlb_misses, 512);
	cache_reset(c);
	IS(touch_pages(c, 64).tlb_misses, 32);
	IS(touch_pages(c, 64).tlb_misses, 0);
	IS(all(c).tlb_hits, 96);
	done(c);
}
END_TEST

START_TEST(a_second_TLB_saves_walks)
{
	struct cache *c = scan_cache("z13", "");
	struct cache_counts n = touch_pages(c, 1024);

	IS(n.tlb_walks, 1024);
	IS(n.cycles[CACHE_CYC_TLB], 1024 * 40);
	n = touch_pages(c, 1024);
	IS(n.tlb_misses, 1024);
	IS(n.tlb2_hits, 1024);
	IS(n.cycles[CACHE_CYC_TLB], 1024 * 10);
	done(c);
}
END_TEST

/* misses_of - letters, each a line of its own in one set */
static uint64_t misses_of(const char *set, const char *letters)
{
	struct cache *c = scan_cache("arm64-2020", set);
	uint64_t n;

	for (; *letters; letters++)
		scan_read(c, 0, VA + (uint64_t)*letters * PAGE,
			  F + (uint64_t)*letters * PAGE);
	n = all(c).misses[0];
	done(c);
	return n;
}

START_TEST(replacements_differ_as_worked_out)
{
	IS(misses_of("l1_size=128 l1_ways=2", "ABACA"), 3);
	IS(misses_of("l1_size=128 l1_ways=2 l1_replacement=fifo", "ABACA"), 4);
	IS(misses_of("l1_size=256 l1_ways=4", "ABCDAEB"), 6);
	IS(misses_of("l1_size=256 l1_ways=4 l1_replacement=plru", "ABCDAEB"),
	   5);
}
END_TEST

START_TEST(random_replacement_follows_the_seed)
{
	const char *text = "ABCDEFGHABCDEFGHAHBGCFDEACEGBDFHABCDEFGH";
	char one[] = "l1_size=256 l1_ways=4 l1_replacement=random seed=1";
	struct cache *c = scan_cache("arm64-2020", one);
	uint64_t seen[2] = {0}, differ = 0;

	for (int k = 0; k < 2; k++) {
		cache_reset(c);
		for (const char *p = text; *p; p++)
			seen[k] = seen[k] * 31 +
				  scan_read(c, 0, VA + (uint64_t)*p * PAGE,
					    F + (uint64_t)*p * PAGE);
	}
	IS(seen[0], seen[1]);
	done(c);
	for (char seed = '2'; seed <= '9'; seed++) {
		one[sizeof(one) - 2] = seed;
		c = scan_cache("arm64-2020", one);
		seen[1] = 0;
		for (const char *p = text; *p; p++)
			seen[1] = seen[1] * 31 +
				  scan_read(c, 0, VA + (uint64_t)*p * PAGE,
					    F + (uint64_t)*p * PAGE);
		differ += seen[1] != seen[0];
		done(c);
	}
	ck_assert_uint_gt(differ, 0);
}
END_TEST

START_TEST(a_period_of_512_KiB_is_no_change_of_colour_on_z13)
{
	struct cache *c = scan_cache("z13", "");
	struct cache_counts n = alternate(c, VA, VA + 512 * KIB);

	CYCLES(n, 826);
	cache_reset(c);
	n = alternate(c, VA, VA + PAGE);
	CYCLES(n, 1605);
	done(c);
}
END_TEST

START_TEST(a_read_across_a_line_border_has_two_parts)
{
	struct cache *c = scan_cache("r4400sc", "");
	struct cache_counts n;

	IS(scan_read(c, 0, VA + 28, F + 28), 245);
	n = all(c);
	IS(n.accesses, 1);
	IS(n.parts, 2);
	done(c);
	c = scan_cache("r4400sc", "policy=none straddle=once l2_inclusive=0");
	scan_read(c, 0, VA + 28, F + 28);
	n = all(c);
	IS(n.accesses, 1);
	IS(n.misses[0], 1);
	done(c);
}
END_TEST

START_TEST(a_cost_has_the_walk_and_throughput_mode_has_no_latency)
{
	struct cache *c = scan_cache("r4400sc", "hit_cost=1");

	IS(cache_access(c, 0, VA, F, 8, CACHE_READ).v, 260);
	IS(cache_access(c, 0, VA, F, 8, CACHE_READ).v, 1);
	IS(scan_cycles(c), 231);
	done(c);
}
END_TEST

static void add_synonyms(TCase *t)
{
	tcase_add_test(t, copies_at_two_colours_both_hit);
	tcase_add_test(t, a_line_that_moves_misses_each_time);
	tcase_add_test(t, a_trap_costs_the_exception_and_memory);
	tcase_add_test(t, a_handler_that_rewrites_the_colour_keeps_L2);
	tcase_add_test(t, hardware_that_knows_the_colour_moves_the_line);
	tcase_add_test(t, a_hit_does_not_look_at_the_directory);
	tcase_add_test(t,
		       the_directory_remembers_a_colour_after_L1_lost_the_line);
	tcase_add_test(t, one_exception_serves_all_lines_of_a_line_of_L2);
	tcase_add_test(t, four_copies_of_a_page_fill_L1_and_stay);
	tcase_add_test(t, eight_zero_pages_never_trap);
	tcase_add_test(t, four_zero_pages_flatter_themselves_when_alone);
	tcase_add_test(t, pages_in_the_middle_survive_the_wrap);
	tcase_add_test(t, eight_ways_hold_eight_lines_and_never_nine);
	tcase_add_test(
		t, colours_beyond_the_index_count_only_when_they_are_checked);
	tcase_add_test(t, too_few_zero_pages_are_as_bad_as_one_on_z13);
	tcase_add_test(t, a_period_of_512_KiB_is_no_change_of_colour_on_z13);
}

static void add_machines(TCase *t)
{
	tcase_add_test(t, two_CPUs_at_two_colours_are_no_synonyms);
	tcase_add_test(t, the_first_CPU_pays_for_its_chip_and_its_book);
	tcase_add_test(t, synonyms_saturate_the_shared_level_with_eleven_CPUs);
	tcase_add_test(t, what_leaves_L2_leaves_L1);
	tcase_add_test(t, a_level_shared_by_CPUs_takes_lines_from_all_of_them);
	tcase_add_test(t, an_entry_of_the_TLB_holds_two_pages);
	tcase_add_test(t, a_second_TLB_saves_walks);
	tcase_add_test(t, replacements_differ_as_worked_out);
	tcase_add_test(t, random_replacement_follows_the_seed);
	tcase_add_test(t, a_read_across_a_line_border_has_two_parts);
	tcase_add_test(t,
		       a_cost_has_the_walk_and_throughput_mode_has_no_latency);
}

static Suite *cache_suite(void)
{
	Suite *s = suite_create("cache");
	TCase *t = tcase_create("model");

	tcase_set_timeout(t, 120);
	add_synonyms(t);
	add_machines(t);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(cache_suite());
}
