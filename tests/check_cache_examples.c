/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole scans whose counts follow from the model by hand: a sequential read of
 * 4 MiB, and what the cost of a line does as the array grows.
 */
#include "tests/support/main.h"
#include "tests/support/scan.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)

/* ---- 4 MiB, pass by pass ---- */

struct pass {
	enum scan_case how;
	int pass;
	uint64_t hits[4], memory, syn, vce, cycles;
};

static void passes_are(const char *preset, const char *set,
		       const struct pass *want, size_t n)
{
	struct cache *c = scan_cache(preset, set);

	for (size_t i = 0; i < n; i++) {
		struct cache_counts got = {0};

		cache_reset(c);
		for (int k = 0; k < want[i].pass; k++)
			got = scan_once(c, want[i].how, 4 * MIB);
		ck_assert_uint_eq(got.parts,
				  4 * MIB /
					  cache_config(c)->level[0].line_bytes);
		for (unsigned l = 0; l < 4; l++)
			ck_assert_msg(got.hits[l] == want[i].hits[l],
				      "row %zu: L%u hits %" PRIu64
				      ", not %" PRIu64,
				      i, l + 1, got.hits[l], want[i].hits[l]);
		ck_assert_uint_eq(got.memory, want[i].memory);
		ck_assert_uint_eq(got.syn, want[i].syn);
		ck_assert_uint_eq(got.vce, want[i].vce);
		ck_assert_uint_eq(cache_counts_cycles(&got), want[i].cycles);
	}
	ck_assert_int_eq(cache_check(c, stdout), 0);
	cache_free(c);
}

#define PASSES_ARE(preset, set, rows)                                          \
	passes_are(preset, set, rows, sizeof(rows) / sizeof(*(rows)))

START_TEST(r4400sc_reads_4_MiB_as_worked_out)
{
	static const struct pass rows[] = {
		{SCAN_PRIV, 1, {0, 65536}, 65536, 0, 0, 16056320},
		{SCAN_PRIV, 2, {0, 65536}, 65536, 0, 0, 16056320},
		{SCAN_KSM, 1, {0, 65536}, 65536, 0, 65472, 18675200},
		{SCAN_KSM, 2, {0, 65536}, 65536, 0, 65536, 18677760},
		{SCAN_ZCOL, 1, {0, 130560}, 512, 0, 0, 2076160},
		{SCAN_ZCOL, 2, {0, 131072}, 0, 0, 0, 1966080},
	};
	static const struct pass hsv[] = {
		{SCAN_KSM, 2, {0, 131072}, 0, 0, 65536, 4587520},
	};

	PASSES_ARE("r4400sc", "", rows);
	PASSES_ARE("r4400sc", "policy=trap-hsv", hsv);
}
END_TEST

START_TEST(each_pass_of_r4400sc_refills_the_TLB_512_times)
{
	struct cache *c = scan_cache("r4400sc", "");
	const enum scan_case all[] = {SCAN_PRIV, SCAN_KSM, SCAN_ZCOL};

	for (unsigned i = 0; i < 3; i++) {
		cache_reset(c);
		for (int k = 0; k < 2; k++) {
			struct cache_counts n = scan_once(c, all[i], 4 * MIB);

			ck_assert_uint_eq(n.tlb_misses, 512);
			ck_assert_uint_eq(n.cycles[CACHE_CYC_TLB], 512 * 30);
		}
	}
	cache_free(c);
}
END_TEST

START_TEST(z13_reads_4_MiB_as_worked_out)
{
	static const struct pass rows[] = {
		{SCAN_PRIV, 1, {0}, 16384, 0, 0, 12288000},
		{SCAN_PRIV, 2, {0, 0, 16384}, 0, 0, 0, 655360},
		{SCAN_KSM, 1, {0, 0, 16368}, 16, 16368, 0, 748560},
		{SCAN_KSM, 2, {0, 0, 16384}, 0, 16384, 0, 737280},
		{SCAN_ZCOL, 1, {0, 14336}, 2048, 0, 0, 1679360},
		{SCAN_ZCOL, 2, {0, 16384}, 0, 0, 0, 163840},
		{SCAN_KSM256, 1, {0, 0, 16320}, 64, 16320, 0, 782400},
		{SCAN_KSM256, 2, {0, 0, 16384}, 0, 16384, 0, 737280},
	};
	static const struct pass by_l2[] = {
		{SCAN_KSM, 1, {0, 16368}, 16, 16368, 0, 257520},
		{SCAN_KSM, 2, {0, 16384}, 0, 16384, 0, 245760},
	};

	PASSES_ARE("z13", "", rows);
	PASSES_ARE("z13", "syn_source=2", by_l2);
}
END_TEST

START_TEST(zec12_and_z196_read_4_MiB_as_worked_out)
{
	static const struct pass zec12[] = {
		{SCAN_PRIV, 1, {0}, 16384, 0, 0, 12288000},
		{SCAN_PRIV, 2, {0, 0, 16384}, 0, 0, 0, 655360},
		{SCAN_KSM, 2, {0, 0, 16384}, 0, 16384, 0, 737280},
		{SCAN_ZCOL, 1, {0, 15872}, 512, 0, 0, 542720},
		{SCAN_ZCOL, 2, {0, 16384}, 0, 0, 0, 163840},
	};
	static const struct pass z196[] = {
		{SCAN_KSM, 1, {0, 16368}, 16, 16368, 0, 257520},
		{SCAN_KSM, 2, {0, 16384}, 0, 16384, 0, 245760},
		{SCAN_ZCOL, 1, {16320}, 64, 0, 0, 113280},
		{SCAN_ZCOL, 2, {16384}, 0, 0, 0, 65536},
	};

	PASSES_ARE("zec12", "", zec12);
	PASSES_ARE("z196", "", z196);
}
END_TEST

/* Several loads in each line: the others hit. */
static uint64_t words_steady(const char *preset, enum scan_case how,
			     unsigned words, uint64_t per)
{
	struct cache *c = scan_cache(preset, "");
	unsigned order = (unsigned)cache_config(c)->zero_order;
	uint64_t before = 0, n = 4 * MIB / (8 * words);

	for (int pass = 0; pass < 2; pass++) {
		before = scan_cycles(c);
		for (uint64_t o = 0; o < 4 * MIB; o += 8)
			cache_access(c, 0, SCAN_VA + o,
				     scan_pa(c, how, order, o / 4096) +
					     o % 4096,
				     8, CACHE_READ);
	}
	before = scan_cycles(c) - before;
	cache_free(c);
	ck_assert_uint_eq(before * per % n, 0);
	return before * per / n;
}

START_TEST(more_loads_per_line_shrink_the_difference)
{
	/* twice the cycles per line, to stay with whole numbers */
	ck_assert_uint_eq(words_steady("r4400sc", SCAN_PRIV, 4, 2), 257);
	ck_assert_uint_eq(words_steady("r4400sc", SCAN_KSM, 4, 2), 297);
	ck_assert_uint_eq(words_steady("r4400sc", SCAN_ZCOL, 4, 2), 42);
	ck_assert_uint_eq(words_steady("z13", SCAN_PRIV, 32, 1), 164);
	ck_assert_uint_eq(words_steady("z13", SCAN_KSM, 32, 1), 169);
	ck_assert_uint_eq(words_steady("z13", SCAN_ZCOL, 32, 1), 134);
}
END_TEST

/* ---- cost of a line by size ---- */

/* steady8 - eight times the cycles per line, a whole number in all tables */
static uint64_t steady8(struct cache *c, enum scan_case how, uint64_t bytes)
{
	uint64_t lines = bytes / cache_config(c)->level[0].line_bytes;
	uint64_t cycles = scan_steady(c, how, bytes);

	ck_assert_uint_eq(cycles * 8 % lines, 0);
	return cycles * 8 / lines;
}

struct size_row {
	uint64_t from, to; /* each power of two between */
	double priv, ksm, zcol;
};

static void sizes_are(const char *preset, const struct size_row *row, size_t n)
{
	struct cache *c = scan_cache(preset, "");

	for (; n; n--, row++)
		for (uint64_t a = row->from; a <= row->to; a *= 2) {
			ck_assert_uint_eq(steady8(c, SCAN_PRIV, a),
					  (uint64_t)(row->priv * 8));
			ck_assert_uint_eq(steady8(c, SCAN_KSM, a),
					  (uint64_t)(row->ksm * 8));
			ck_assert_uint_eq(steady8(c, SCAN_ZCOL, a),
					  (uint64_t)(row->zcol * 8));
		}
	cache_free(c);
}

#define SIZES_ARE(preset, rows)                                                \
	sizes_are(preset, rows, sizeof(rows) / sizeof(*(rows)))

START_TEST(one_page_is_slower_than_private_and_coloured_pages_on_z13)
{
	struct cache *c = scan_cache("z13", "");

	for (uint64_t a = 8 * KIB; a <= 2 * MIB; a *= 2) {
		uint64_t priv = steady8(c, SCAN_PRIV, a);

		ck_assert_uint_eq(priv, steady8(c, SCAN_ZCOL, a));
		ck_assert_uint_lt(priv, steady8(c, SCAN_KSM, a));
	}
	cache_free(c);
}
END_TEST

START_TEST(cycles_per_line_by_size_on_z13_are_the_table)
{
	static const struct size_row rows[] = {
		{4 * KIB, 4 * KIB, 4, 4, 4},
		{8 * KIB, 128 * KIB, 4, 45, 4},
		{256 * KIB, 2 * MIB, 10, 45, 10},
		{4 * MIB, 64 * MIB, 40, 45, 10},
		{128 * MIB, 128 * MIB, 160, 45, 10},
	};

	SIZES_ARE("z13", rows);
}
END_TEST

START_TEST(cycles_per_line_by_size_on_r4400sc_are_the_table)
{
	static const struct size_row rows[] = {
		{4 * KIB, 4 * KIB, 2, 2, 2},
		{8 * KIB, 16 * KIB, 2, 142.5, 2},
		{32 * KIB, 1 * MIB, 15, 142.5, 15},
		{2 * MIB, 128 * MIB, 122.5, 142.5, 15},
	};

	SIZES_ARE("r4400sc", rows);
}
END_TEST

/* crossover - smallest power of two at which one page beats private ones */
static uint64_t crossover(const char *preset, const char *set, uint64_t most)
{
	struct cache *c = scan_cache(preset, set);
	uint64_t a = 8 * KIB;

	while (a <= most && steady8(c, SCAN_KSM, a) >= steady8(c, SCAN_PRIV, a))
		a *= 2;
	cache_free(c);
	return a;
}

START_TEST(one_page_beats_private_pages_only_where_memory_is_dearer)
{
	ck_assert_uint_eq(crossover("z13", "", 128 * MIB), 128 * MIB);
	ck_assert_uint_eq(crossover("z13", "syn_source=2", 128 * MIB), 4 * MIB);
	ck_assert_uint_gt(crossover("r4400sc", "", 16 * MIB), 16 * MIB);
	ck_assert_uint_eq(crossover("r4400sc", "policy=trap-hsv", 16 * MIB),
			  2 * MIB);
}
END_TEST

START_TEST(four_zero_pages_stay_in_L1_and_32_do_not_fit_zec12)
{
	static const char *const preset[] = {"z10", "z196", "zec12"};
	static const uint64_t cost[] = {4, 4, 10};

	for (unsigned i = 0; i < 3; i++) {
		struct cache *c = scan_cache(preset[i], "");

		for (uint64_t a = 256 * KIB; a <= 4 * MIB; a *= 4)
			ck_assert_uint_eq(steady8(c, SCAN_ZCOL, a),
					  cost[i] * 8);
		ck_assert_uint_eq(steady8(c, SCAN_ZCOL, 16 * KIB), 32);
		cache_free(c);
	}
}
END_TEST

START_TEST(without_aliases_colours_change_nothing)
{
	static const char *const preset[] = {
		"skylake", "zen4",    "zen5",	    "neoverse-n1",
		"24k-ar",  "octeon2", "arm64-2020",
	};

	for (unsigned i = 0; i < 7; i++) {
		struct cache *c = scan_cache(preset[i], "");
		uint64_t hit = cache_config(c)->level[0].latency * 8, last = 0;

		for (uint64_t a = 4 * KIB; a <= 4 * MIB; a *= 4) {
			uint64_t priv = steady8(c, SCAN_PRIV, a);

			ck_assert_uint_eq(steady8(c, SCAN_KSM, a), hit);
			ck_assert_uint_eq(steady8(c, SCAN_ZCOL, a), hit);
			ck_assert_uint_ge(priv, last);
			last = priv;
		}
		ck_assert_uint_gt(last, hit);
		cache_free(c);
	}
}
END_TEST

START_TEST(r10000_pays_six_cycles_once_per_line_of_L2)
{
	struct cache *c = scan_cache("r10000", "");
	struct cache_counts n;

	ck_assert_uint_eq(steady8(c, SCAN_KSM, 4 * MIB), 100); /* 12.5 */
	ck_assert_uint_eq(steady8(c, SCAN_ZCOL, 4 * MIB), 100);
	cache_reset(c);
	scan_with(c, SCAN_ZCOL, 2, SCAN_VA, 4 * MIB);
	n = scan_with(c, SCAN_ZCOL, 2, SCAN_VA, 4 * MIB);
	ck_assert_uint_eq(cache_counts_cycles(&n), 2 * 131072);
	cache_free(c);
}
END_TEST

START_TEST(the_24k_keeps_two_copies_and_loses_no_time)
{
	struct cache *c = scan_cache("24k", "");

	ck_assert_uint_eq(steady8(c, SCAN_KSM, 4 * MIB), 16);
	ck_assert_uint_eq(cache_resident(c, 0) * 32, 8 * KIB);
	ck_assert_uint_eq(cache_resident_copies(c, 0, SCAN_MERGED), 2);
	cache_free(c);
}
END_TEST

START_TEST(streaming_hides_all_but_synonyms)
{
	struct cache *c = scan_cache("z13", "stream=1");

	/* per page: 40 + 15 * 4, 16 * 45, 10 + 15 * 4 */
	ck_assert_uint_eq(scan_steady(c, SCAN_PRIV, 4 * MIB), 1024 * 100);
	ck_assert_uint_eq(scan_steady(c, SCAN_KSM, 4 * MIB), 1024 * 720);
	ck_assert_uint_eq(scan_steady(c, SCAN_ZCOL, 4 * MIB), 1024 * 70);
	cache_free(c);
}
END_TEST

START_TEST(other_mips_boards_are_as_worked_out)
{
	struct cache *c = scan_cache("r4400sc-sgi", "");

	ck_assert_uint_eq(steady8(c, SCAN_PRIV, 4 * MIB), 335); /* 41.875 */
	ck_assert_uint_eq(steady8(c, SCAN_KSM, 4 * MIB), 375);	/* 46.875 */
	ck_assert_uint_eq(steady8(c, SCAN_ZCOL, 4 * MIB), 120);
	cache_free(c);
	c = scan_cache("r4000sc", "");
	ck_assert_uint_eq(steady8(c, SCAN_PRIV, 4 * MIB), 230 * 8);
	ck_assert_uint_eq(steady8(c, SCAN_KSM, 4 * MIB), 270 * 8);
	ck_assert_uint_eq(steady8(c, SCAN_ZCOL, 4 * MIB), 120);
	cache_free(c);
}
END_TEST

/* A load in each line of the last level: no level above has part of it. */
static void plateaus_are(const char *preset, uint64_t l1, uint64_t l2,
			 uint64_t memory)
{
	const struct {
		uint64_t bytes, cycles;
	} row[] = {{8 * KIB, l1}, {512 * KIB, l2}, {16 * MIB, memory}};
	struct cache *c = scan_cache(preset, "");
	uint64_t step = cache_config(c)->level[1].line_bytes, before = 0;

	for (unsigned i = 0; i < 3; i++) {
		for (int pass = 0; pass < 2; pass++) {
			before = scan_cycles(c);
			for (uint64_t o = 0; o < row[i].bytes; o += step)
				scan_read(c, 0, SCAN_VA + o, SCAN_PRIVATE + o);
		}
		ck_assert_uint_eq(scan_cycles(c) - before,
				  row[i].bytes / step * row[i].cycles);
	}
	cache_free(c);
}

START_TEST(a_strided_chain_shows_the_published_latencies)
{
	/* 10, 75 and 1150 ns at 200 MHz; 8, 58 and 1134 ns at 195 MHz */
	plateaus_are("r4400sc", 2, 15, 230);
	plateaus_are("r4400sc-sgi", 2, 15, 230);
	plateaus_are("r4400sc-dec", 2, 15, 230);
	plateaus_are("r4000sc", 2, 15, 230);
	plateaus_are("r10000", 2, 11, 221);
}
END_TEST

static Suite *cache_examples_suite(void)
{
	Suite *s = suite_create("cache_examples");
	TCase *t = tcase_create("scans");

	tcase_set_timeout(t, 300);
	tcase_add_test(t, r4400sc_reads_4_MiB_as_worked_out);
	tcase_add_test(t, each_pass_of_r4400sc_refills_the_TLB_512_times);
	tcase_add_test(t, z13_reads_4_MiB_as_worked_out);
	tcase_add_test(t, zec12_and_z196_read_4_MiB_as_worked_out);
	tcase_add_test(t, more_loads_per_line_shrink_the_difference);
	tcase_add_test(
		t, one_page_is_slower_than_private_and_coloured_pages_on_z13);
	tcase_add_test(t, cycles_per_line_by_size_on_z13_are_the_table);
	tcase_add_test(t, cycles_per_line_by_size_on_r4400sc_are_the_table);
	tcase_add_test(
		t, one_page_beats_private_pages_only_where_memory_is_dearer);
	tcase_add_test(t, four_zero_pages_stay_in_L1_and_32_do_not_fit_zec12);
	tcase_add_test(t, without_aliases_colours_change_nothing);
	tcase_add_test(t, r10000_pays_six_cycles_once_per_line_of_L2);
	tcase_add_test(t, the_24k_keeps_two_copies_and_loses_no_time);
	tcase_add_test(t, streaming_hides_all_but_synonyms);
	tcase_add_test(t, other_mips_boards_are_as_worked_out);
	tcase_add_test(t, a_strided_chain_shows_the_published_latencies);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(cache_examples_suite());
}
