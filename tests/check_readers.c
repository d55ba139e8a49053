/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guests that read through caches while an engine merges.  Traces are texts; on
 * z13 a line of 256 bytes costs 4 from L1, 10 from L2, 40 from L3, 750 from
 * memory, and 45 when it met another colour; a page has 16.
 */
#include <errno.h>
#include <string.h>

#include "sim/engine/ksm/ksm.h"
#include "sim/run/run.h"
#include "tests/support/box.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/rig.h"
#include "tests/support/scan.h"

#define HEAD "dedupsim-trace 1.0\ncontent 1 rule id 1\ncontent 2 rule id 2\n"
/* Two equal pages at neighbouring addresses, merged at 24 ms. */
#define PAIR                                                                   \
	HEAD "0 space 0\n"                                                     \
	     "0 map 0 512 8 mergeable\n"                                       \
	     "0 write 0 512 1\n"                                               \
	     "0 write 0 513 1\n"
/* Two pages of zeros. */
#define ZEROS                                                                  \
	"dedupsim-trace 1.0\n0 space 0\n0 map 0 512 8 mergeable\n"             \
	"0 write 0 512 0\n0 write 0 513 0\n"

static struct box box;
static struct err err;
static struct run_result res;
static struct cache_conf conf;
static struct ksm_opts opts;

static void setup(void)
{
	box_init(&box);
	memset(&res, 0, sizeof(res));
}

static void teardown(void)
{
	run_result_fini(&res);
	box_fini(&box);
}

static struct run_config config(const char *machine, const char *set,
				enum readers_order order)
{
	conf = scan_conf(machine, set);
	opt_defaults(ksm_options, &opts);
	return (struct run_config){
		.ops = &engine_ksm,
		.opts = &opts,
		.threads = 1,
		.seed = 1,
		.paranoid = 1,
		.machine = {.zero_pages = UINT32_C(1) << conf.zero_order},
		.readers = {.conf = &conf, .order = order, .seed = 1},
	};
}

static int try(const char *text, const struct run_config *cfg)
{
	struct trace *t;
	int ret;

	run_result_fini(&res);
	err.text[0] = '\0';
	box_write(&box, "t.txt", text, strlen(text));
	ret = trace_open(&t, box_path(&box, "t.txt").text, &err);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ret = run_trace(t, cfg, &res, &err);
	trace_close(t);
	return ret;
}

static void play(const char *text, const struct run_config *cfg)
{
	int ret = try(text, cfg);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
}

static int64_t got(const char *name)
{
	ck_assert_msg(rows_has(&res.results, "cache", name), "no row %s", name);
	return rows_get(&res.results, "cache", name, -1);
}

/* ---- reads of the trace ---- */

START_TEST(reads_of_a_merged_pair_meet_another_colour_each_time)
{
	struct run_config cfg = config("z13", "", READERS_AUTO);

	play("dedupsim-trace 1.0\nreads\ncontent 1 rule id 1\n"
	     "0 space 0\n0 map 0 512 8 mergeable\n"
	     "0 write 0 512 1\n0 write 0 513 1\n"
	     "50ms read 0 512 2\n60ms read 0 512 2\n70ms read 0 512 2\n",
	     &cfg);
	ck_assert_str_eq(res.readers, "of the trace");
	ck_assert_int_eq(got("merged_lines"), 3 * 32);
	ck_assert_int_eq(got("read_lines"), 3 * 32);
	ck_assert_int_eq(got("merged_cycles"),
			 16 * 750 + 16 * 45 + 2 * 32 * 45);
	ck_assert_int_eq(got("merged_cycles_apart"), 32 * 750 + 2 * 32 * 4);
	ck_assert_int_eq(got("syn"), 16 + 2 * 32);
	ck_assert_int_eq(got("memory"), 16);
	ck_assert(!rows_has(&res.results, "cache", "merged_cold_cycles"));
	ck_assert(!rows_has(&res.results, "cache", "scan_lines"));
}
END_TEST

START_TEST(reads_before_a_merge_are_of_pages_apart)
{
	struct run_config cfg = config("z13", "", READERS_TRACE);

	play(PAIR "1ms read 0 512 2\n2ms read 0 512 2\n50ms mark\n", &cfg);
	ck_assert_int_eq(got("merged_lines"), 0);
	ck_assert_int_eq(got("read_lines"), 64);
	ck_assert_int_eq(got("cycles"), 32 * 750 + 32 * 4);
	ck_assert_int_eq(got("syn"), 0);
}
END_TEST

START_TEST(pages_never_written_are_the_zero_pages_of_their_colours)
{
	struct run_config cfg = config("z13", "", READERS_TRACE);

	play("dedupsim-trace 1.0\n0 space 0\n0 map 0 512 8\n"
	     "1ms read 0 512 8\n2ms read 0 512 8\n",
	     &cfg);
	ck_assert_int_eq(got("syn"), 0);
	ck_assert_int_eq(got("cycles"), 8 * 16 * 750 + 8 * 16 * 4);
	cfg.machine.zero_pages = 1;
	play("dedupsim-trace 1.0\n0 space 0\n0 map 0 512 8\n"
	     "1ms read 0 512 8\n2ms read 0 512 8\n",
	     &cfg);
	ck_assert_int_eq(got("syn"), 15 * 16);
}
END_TEST

START_TEST(a_write_to_a_merged_page_is_a_fault_and_a_copy)
{
	struct run_config cfg = config("z13", "cow_fault=1000", READERS_TRACE);

	play(PAIR "50ms write 0 513 2\n60ms write 0 513 1\n61ms mark\n", &cfg);
	ck_assert_int_eq(got("cow_faults"), 1);
	ck_assert_int_eq(got("cycles_fault"), 1000);
	/* each line read from the one frame, written to the other */
	ck_assert_int_eq(got("accesses"), 32);
}
END_TEST

START_TEST(two_cpus_do_not_see_the_colours_of_each_other)
{
	static const char text[] =
		HEAD "0 space 0\n0 map 0 512 2 mergeable\n0 write 0 512 1\n"
		     "0 space 1\n0 map 1 513 2 mergeable\n0 write 1 513 1\n"
		     "50ms read 0 512 1\n51ms read 1 513 1\n"
		     "52ms read 0 512 1\n53ms read 1 513 1\n";
	struct run_config cfg = config("z13", "", READERS_TRACE);

	play(text, &cfg);
	ck_assert_int_eq(got("syn"), 3 * 16);
	cfg = config("z13", "cpus=2", READERS_TRACE);
	play(text, &cfg);
	ck_assert_int_eq(got("syn"), 0);
	ck_assert_int_eq(got("merged_cycles"), 16 * (750 + 40 + 4 + 4));
}
END_TEST

/* ---- generated readers ---- */

START_TEST(without_reads_in_the_trace_merged_pages_are_read_twice)
{
	struct run_config cfg = config("z13", "", READERS_AUTO);

	play(PAIR "0 write 0 514 2\n", &cfg);
	ck_assert_str_eq(res.readers, "sequential");
	ck_assert_int_eq(got("merged_lines"), 32);
	ck_assert_int_eq(got("read_lines"), 64);
	ck_assert_int_eq(got("merged_cold_cycles"), 16 * 750 + 16 * 45);
	ck_assert_int_eq(got("merged_cold_cycles_apart"), 32 * 750);
	ck_assert_int_eq(got("merged_cycles"), 32 * 45);
	ck_assert_int_eq(got("merged_cycles_apart"), 32 * 4);
}
END_TEST

START_TEST(strided_readers_change_the_colour_at_each_line)
{
	struct run_config cfg = config("r4400sc", "", READERS_STRIDED);

	/* 64 bytes of L2 hold two lines of L1; each exception drops both */
	play(PAIR, &cfg);
	ck_assert_str_eq(res.readers, "strided");
	ck_assert_int_eq(got("merged_lines"), 256);
	ck_assert_int_eq(got("merged_cycles"), 256 * 270);
	cfg.readers.order = READERS_SEQUENTIAL;
	play(PAIR, &cfg);
	ck_assert_int_eq(got("merged_cycles"), 128 * (270 + 15));
	ck_assert_int_eq(got("merged_cycles_apart"), 256 * 2);
}
END_TEST

START_TEST(random_readers_depend_on_the_seed_alone)
{
	struct run_config cfg = config("z13", "", READERS_RANDOM);
	int64_t cycles;

	play(PAIR, &cfg);
	cycles = got("merged_cycles");
	ck_assert_int_eq(got("merged_lines"), 32);
	ck_assert_int_gt(cycles, 32 * 4);
	ck_assert_int_lt(cycles, 32 * 45);
	play(PAIR, &cfg);
	ck_assert_int_eq(got("merged_cycles"), cycles);
	cfg.readers.seed = 2;
	play(PAIR, &cfg);
	ck_assert_int_ne(got("merged_cycles"), cycles);
}
END_TEST

START_TEST(use_zero_pages_makes_reads_of_zeros_as_fast_as_apart)
{
	struct run_config cfg = config("z13", "", READERS_SEQUENTIAL);

	play(ZEROS, &cfg);
	ck_assert_int_eq(got("merged_cycles"), 32 * 45);
	opts.use_zero_pages = 1;
	play(ZEROS, &cfg);
	ck_assert_int_eq(got("merged_lines"), 32);
	ck_assert_int_eq(got("merged_cycles"), 32 * 4);
	ck_assert_int_eq(got("merged_cycles_apart"), 32 * 4);
	/* Where the kernel has one zero page it buys nothing. */
	cfg.machine.zero_pages = 1;
	play(ZEROS, &cfg);
	ck_assert_int_eq(got("merged_cycles"), 32 * 45);
}
END_TEST

START_TEST(nothing_merged_is_nothing_read)
{
	struct run_config cfg = config("z13", "", READERS_RANDOM);

	play("dedupsim-trace 1.0\n", &cfg);
	ck_assert_int_eq(got("merged_lines"), 0);
	ck_assert_int_eq(got("accesses"), 0);
}
END_TEST

START_TEST(without_a_machine_there_are_no_rows)
{
	struct run_config cfg = config("z13", "", READERS_AUTO);

	cfg.readers.conf = NULL;
	play(PAIR "50ms read 0 512 2\n", &cfg);
	ck_assert(!rows_has(&res.results, "cache", "accesses"));
	ck_assert_str_eq(res.readers, "none");
}
END_TEST

START_TEST(other_page_sizes_are_refused)
{
	struct run_config cfg = config("z13", "page_bytes=16KiB", READERS_AUTO);

	ck_assert_int_eq(try(PAIR, &cfg), -EINVAL);
	ck_assert_str_eq(err.text, "machine z13 has pages of 16384 bytes; "
				   "recordings have 4096");
}
END_TEST

/* ---- placement ---- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

START_TEST(a_random_placement_is_one_to_one)
{
	struct placement p = placement_make(true, test_seed(7));
	static uint64_t seen[1 << 16];
	uint64_t moved = 0;

	for (uint64_t i = 0; i < 1 << 16; i++) {
		seen[i] = placement_page(&p, i);
		ck_assert_uint_lt(seen[i], PLACE_ZERO);
		moved += seen[i] != i;
	}
	qsort(seen, 1 << 16, sizeof(seen[0]), by_number);
	for (uint64_t i = 1; i < 1 << 16; i++)
		ck_assert_uint_lt(seen[i - 1], seen[i]);
	ck_assert_uint_gt(moved, 65000);
	ck_assert_uint_eq(placement_page(&p, PLACE_ZERO + 5), PLACE_ZERO + 5);
	p = placement_make(false, 7);
	ck_assert_uint_eq(placement_page(&p, 12345), 12345);
}
END_TEST

/* ---- the engine's own reads ---- */

struct told {
	uint64_t bytes, calls;
};

static void tell(void *ctx, uint64_t place, uint32_t bytes)
{
	struct told *t = ctx;

	ck_assert_uint_gt(bytes, 0);
	ck_assert_uint_le(bytes, PAGE_BYTES);
	ck_assert_uint_lt(place, PLACE_ZERO + 4096);
	t->bytes += bytes;
	t->calls++;
}

static void reads_are_counted(const char *zero, uint64_t seed)
{
	const char *set[] = {"use_zero_pages",
			     zero,
			     "max_page_sharing",
			     "3",
			     "pages_to_scan",
			     "50",
			     NULL};
	struct told told = {0};
	const struct engine_sink sink = {tell, &told};
	struct prng p = prng_fork(seed, "sink");
	const uint64_t *n;
	struct rig r;

	rig_init(&r, "ksm", RULE_LAST1, 40, set);
	((struct ksm *)r.engine)->sink = &sink;
	n = r.meter.count;
	for (int i = 0; i < 3000; i++) {
		struct event ev = chaos_event(&p, r.machine, 40);
		int ret = rig_event(&r, &ev);

		ck_assert(!ret || ret == -EINVAL);
		if (i % 5 == 0)
			ck_assert_int_eq(rig_turn(&r), 0);
		ck_assert_uint_eq(told.bytes, n[OP_CHECKSUM] * PAGE_BYTES +
						      2 * n[OP_CMP_BYTES]);
		ck_assert_uint_eq(told.calls, n[OP_CHECKSUM] + 2 * n[OP_CMP]);
	}
	ck_assert_uint_gt(n[OP_PTE_REPLACE], 20);
	rig_fini(&r);
}

START_TEST(what_an_engine_reads_is_what_it_counts)
{
	uint64_t seed = test_seed(1);

	reads_are_counted("0", seed);
	reads_are_counted("1", seed + 1);
}
END_TEST

START_TEST(a_scan_takes_the_cache_from_the_guests)
{
	struct run_config cfg = config("z13", "", READERS_TRACE);
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	/* A guest reads one page again and again; 256 others are scanned in
	 * between, 1 MiB through 128 KiB of L1. */
	ck_assert_ptr_nonnull(f);
	fputs("dedupsim-trace 1.0\n0 space 0\n0 map 0 512 600 mergeable\n", f);
	fputs("0 space 1\n0 map 1 5120 1\n0 write 1 5120 0\n", f);
	for (int i = 0; i < 256; i++)
		fprintf(f, "0 write 0 %d 0\n", 512 + 2 * i);
	for (int i = 0; i < 10; i++)
		fprintf(f, "%dms read 1 5120 1\n", 1 + 24 * i);
	ck_assert_int_eq(fclose(f), 0);
	cfg.readers.scan = true;
	opts.smart_scan = 0;
	opts.pages_to_scan = 1000;
	play(text, &cfg);
	/* At 0 and from 24 ms on there is a scan before each read, but the
	 * checksum of merged pages is not taken: two scans read much. */
	ck_assert_int_eq(got("guest_misses_quiet"), 16);
	ck_assert_int_ge(got("guest_misses"), 2 * 16);
	ck_assert_int_eq(got("guest_cycles_quiet"), 16 * 750 + 9 * 16 * 4);
	ck_assert_int_gt(got("guest_cycles"), got("guest_cycles_quiet"));
	ck_assert_int_eq(got("scan_pages"),
			 (int64_t)res.meter.count[OP_PAGE_VISIT]);
	ck_assert_int_gt(got("scan_lines"), 2 * 256 * 16);
	ck_assert_int_gt(got("scan_cycles"), 4 * got("scan_lines"));
	free(text);
}
END_TEST

START_TEST(readers_between_turns_read_their_pages)
{
	struct run_config cfg = config("z13", "", READERS_SEQUENTIAL);

	cfg.readers.scan = true;
	cfg.readers.pages = 2;
	cfg.until = UNTIL_SCANS;
	cfg.until_value = 5;
	play(PAIR "0 write 0 514 2\n", &cfg);
	/* Two pages after each of five turns; then two passes from nothing. */
	ck_assert_int_eq(got("merged_cycles"), 32 * 45);
	ck_assert_int_eq(got("read_lines"), 64);
	/* In the first turn nothing is merged: 32 lines from memory.  Then both
	 * map the frame of the second, which the cache has at its colour. */
	ck_assert_int_eq(got("guest_cycles_quiet"), 32 * 750 + 4 * 32 * 45);
}
END_TEST

/* ---- memory ---- */

static int small(void *ctx)
{
	struct cache_conf c = conf;
	struct readers_config cfg = {.conf = &c, .scan = true};
	struct readers *r;
	int ret = readers_new(&r, &cfg, ctx, false, NULL);

	readers_free(r);
	return ret;
}

START_TEST(each_allocation_may_fail)
{
	struct machine *m;

	conf = scan_conf("arm64-2020", "");
	ck_assert_int_eq(machine_new(&m, &(struct machine_config){0}), 0);
	fail_mem_walk(small, m);
	machine_free(m);
}
END_TEST

static Suite *readers_suite(void)
{
	Suite *s = suite_create("readers");
	TCase *t = tcase_create("readers");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, reads_of_a_merged_pair_meet_another_colour_each_time);
	tcase_add_test(t, reads_before_a_merge_are_of_pages_apart);
	tcase_add_test(t,
		       pages_never_written_are_the_zero_pages_of_their_colours);
	tcase_add_test(t, a_write_to_a_merged_page_is_a_fault_and_a_copy);
	tcase_add_test(t, two_cpus_do_not_see_the_colours_of_each_other);
	tcase_add_test(t,
		       without_reads_in_the_trace_merged_pages_are_read_twice);
	tcase_add_test(t, strided_readers_change_the_colour_at_each_line);
	tcase_add_test(t, random_readers_depend_on_the_seed_alone);
	tcase_add_test(t, use_zero_pages_makes_reads_of_zeros_as_fast_as_apart);
	tcase_add_test(t, nothing_merged_is_nothing_read);
	tcase_add_test(t, without_a_machine_there_are_no_rows);
	tcase_add_test(t, other_page_sizes_are_refused);
	tcase_add_test(t, a_random_placement_is_one_to_one);
	tcase_add_test(t, what_an_engine_reads_is_what_it_counts);
	tcase_add_test(t, a_scan_takes_the_cache_from_the_guests);
	tcase_add_test(t, readers_between_turns_read_their_pages);
	tcase_add_test(t, each_allocation_may_fail);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(readers_suite());
}
