/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Time that work takes: of turns, as the advisor sees it, in results.
 */
#include <errno.h>
#include <string.h>

#include "sim/run/pace.h"
#include "sim/run/run.h"
#include "tests/support/box.h"
#include "tests/support/main.h"

#define MS UINT64_C(1000000)
#define SLEEP_NS (24 * MS) /* 20 ms in ticks of 4 ms, and the one begun */
#define PAGES 500u

static struct box box;
static struct cost cost;
static struct run_result res;

static union {
	max_align_t align;
	char bytes[512];
} opts;

static void setup(void)
{
	box_init(&box);
	memset(&res, 0, sizeof(res));
	ck_assert_int_eq(cost_load(&cost, COST_DEFAULT, NULL), 0);
}

static void teardown(void)
{
	run_result_fini(&res);
	box_fini(&box);
}

static struct run_config config(void)
{
	opt_defaults(engine_ksm.opts, &opts);
	return (struct run_config){
		.ops = &engine_ksm,
		.opts = &opts,
		.cost = &cost,
		.threads = 1,
		.seed = 1,
		.until = UNTIL_SCANS,
		.until_value = 3,
	};
}

static void set(const char *key, const char *value)
{
	ck_assert_int_eq(opt_set(engine_ksm.opts, &opts, key, value, NULL), 0);
}

/* PAGES pages: every fifth content again and again, the others once, with a
 * head of zeros; all at once. */
static void play(const struct run_config *cfg)
{
	struct err err = {0};
	struct trace *t;
	char *text;
	size_t n;
	FILE *f = open_memstream(&text, &n);
	int ret;

	ck_assert_ptr_nonnull(f);
	fputs("dedupsim-trace 1.0\n", f);
	for (unsigned i = 1; i <= PAGES; i++)
		fprintf(f, "content %u rule %s %u\n", i, i % 2 ? "last8" : "id",
			i);
	fprintf(f, "0 space 0\n0 map 0 512 %u mergeable\n", PAGES);
	for (unsigned i = 1; i <= PAGES; i++)
		fprintf(f, "0 write 0 %u %u\n", 511 + i, i % 5 ? i : 5);
	fclose(f);
	box_write(&box, "t.txt", text, n);
	free(text);
	run_result_fini(&res);
	ret = trace_open(&t, box_path(&box, "t.txt").text, &err);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ret = run_trace(t, cfg, &res, &err);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	trace_close(t);
}

static int64_t got(const char *scope, const char *name)
{
	ck_assert_msg(rows_has(&res.results, scope, name), "%s.%s", scope,
		      name);
	return rows_get(&res.results, scope, name, -1);
}

/* A processor on which finding the next page takes @ms ms and nothing else
 * counts. */
static void slow_cpu(unsigned ms)
{
	struct err err = {0};
	char text[512];
	int n = snprintf(text, sizeof(text),
			 "summary slow\nclock 3GHz [doc] x\n"
			 "l1_bytes 32KiB [doc] x\nl2_bytes 1MiB [doc] x\n"
			 "l3_bytes 8MiB [doc] x\npte_next %u000us [doc] x\n",
			 ms);

	ck_assert_msg(!cost_parse(&cost, "slow.conf", text, (size_t)n, &err),
		      "%s", err.text);
}

START_TEST(a_turn_ends_when_its_work_is_done)
{
	struct run_config cfg = config();

	set("pages_to_scan", "1000");
	play(&cfg);
	ck_assert_int_gt(got("cpu", "workers_ns"), 0);
	ck_assert_uint_eq((uint64_t)got("run", "end_ns"),
			  2 * SLEEP_NS + (uint64_t)got("cpu", "workers_ns"));
	cfg.cost = NULL;
	play(&cfg);
	ck_assert_uint_eq((uint64_t)got("run", "end_ns"), 2 * SLEEP_NS);
	ck_assert(!rows_has(&res.results, "cpu", "workers_ns"));
	ck_assert(!rows_has(&res.results, "cost", "ns"));
}
END_TEST

START_TEST(batches_of_one_scan_sleep_in_between)
{
	struct run_config cfg = config();

	cfg.until_value = 1;
	play(&cfg); /* 100 pages five times, and one batch that finds the end */
	ck_assert_uint_eq((uint64_t)got("run", "end_ns"),
			  5 * SLEEP_NS + (uint64_t)got("cpu", "workers_ns"));
}
END_TEST

START_TEST(without_a_sleep_ksmd_has_a_cpu_to_itself)
{
	struct run_config cfg = config();

	set("sleep_millisecs", "0");
	cfg.until = UNTIL_TIME;
	cfg.until_value = 100 * MS;
	play(&cfg);
	ck_assert_int_ge(got("cpu", "workers_ppm"), 1000000);
	ck_assert_int_lt(got("cpu", "workers_ppm"), 1010000);
	ck_assert_int_gt(got("run", "scans"), 50);
}
END_TEST

/* Where work is free, time goes on with the ticks. */
START_TEST(free_work_without_a_sleep_comes_to_an_end)
{
	struct run_config cfg = config();

	set("sleep_millisecs", "0");
	cfg.cost = NULL;
	play(&cfg);
	ck_assert_int_eq(got("run", "scans"), 3);
	ck_assert_int_gt(got("run", "end_ns"), 0);
}
END_TEST

/* Half a second of CPU in a second: a batch may have 10 to 70 % of 1000 pages. */
START_TEST(the_advisor_sees_the_time_ksmd_took)
{
	struct run_config cfg = config();

	set("advisor_mode", "scan-time");
	cfg.until_value = 1;
	slow_cpu(1);
	play(&cfg);
	ck_assert_int_eq(got("ksm_model", "pages_to_scan"), 100);
	cfg.cost = NULL;
	play(&cfg);
	ck_assert_int_eq(got("ksm_model", "pages_to_scan"), 5000);
}
END_TEST

/* Four seconds of CPU in four seconds, all of them inside one batch. */
START_TEST(the_time_of_a_scan_goes_on_inside_a_batch)
{
	struct run_config cfg = config();

	set("advisor_mode", "scan-time");
	set("advisor_min_pages_to_scan", "1000");
	cfg.until_value = 1;
	slow_cpu(8);
	play(&cfg);
	ck_assert_uint_eq((uint64_t)got("run", "end_ns"),
			  (uint64_t)got("cpu", "workers_ns"));
	ck_assert_int_ge(got("run", "end_ns"), 4000 * (int64_t)MS);
	ck_assert_int_eq(got("ksm_model", "pages_to_scan"), 100);
}
END_TEST

/* Rows that a processor's prices may change. */
static bool of_time(const struct row *r)
{
	return !strcmp(r->scope, "cost") || !strcmp(r->scope, "cpu") ||
	       !strcmp(r->name, "end_ns") || !strcmp(r->name, "most_saved_ns");
}

static struct rows keep(void)
{
	struct rows kept;

	rows_init(&kept);
	for (size_t i = 0; i < res.results.n; i++) {
		const struct row *r = &res.results.v[i];

		if (!of_time(r))
			rows_add_at(&kept, r->scope, r->name, r->index, r->unit,
				    r->value);
	}
	ck_assert(!kept.failed);
	return kept;
}

static void same_rows(const struct rows *a, const struct rows *b)
{
	ck_assert_uint_eq(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		ck_assert_msg(!strcmp(a->v[i].name, b->v[i].name) &&
				      a->v[i].value == b->v[i].value,
			      "%s.%s: %" PRId64 ", then %" PRId64,
			      a->v[i].scope, a->v[i].name, a->v[i].value,
			      b->v[i].value);
}

/* On a still picture, everything else is as it was. */
START_TEST(a_processor_changes_cost_and_pace_and_nothing_else)
{
	struct run_config cfg = config();
	struct rows first, now;
	struct meter meter;
	int64_t ns;

	cfg.until = UNTIL_FIXPOINT;
	play(&cfg);
	first = keep();
	meter = res.meter;
	ns = got("cost", "ns");
	for (const struct cost_preset *p = cost_presets; p->name; p++) {
		ck_assert_int_eq(cost_load(&cost, p->name, NULL), 0);
		play(&cfg);
		now = keep();
		same_rows(&first, &now);
		ck_assert_mem_eq(&meter, &res.meter, sizeof(meter));
		ck_assert((got("cost", "ns") == ns) ==
			  !strcmp(p->name, COST_DEFAULT));
		rows_fini(&now);
	}
	cfg.cost = NULL;
	play(&cfg);
	now = keep();
	same_rows(&first, &now);
	rows_fini(&now);
	rows_fini(&first);
}
END_TEST

START_TEST(both_ends_enclose_what_the_clock_used)
{
	struct run_config cfg = config();
	uint64_t sum = 0;

	play(&cfg);
	ck_assert_int_lt(got("cost", "low_ns"), got("cost", "ns"));
	ck_assert_int_gt(got("cost", "high_ns"), got("cost", "ns"));
	ck_assert_int_lt(got("cpu", "workers_low_ppm"),
			 got("cpu", "workers_ppm"));
	ck_assert_int_gt(got("cpu", "workers_high_ppm"),
			 got("cpu", "workers_ppm"));
	for (unsigned g = 0; g < COST_GROUPS; g++) {
		char name[64];

		snprintf(name, sizeof(name), "%s_ns", cost_group_name[g]);
		sum += (uint64_t)rows_get(&res.results, "cost", name, 0);
	}
	ck_assert_uint_le(sum, (uint64_t)got("cost", "ns"));
	ck_assert_uint_ge(sum + COST_GROUPS, (uint64_t)got("cost", "ns"));
	/* 99 of 100 equal pages are saved: 256 pages are a MiB */
	ck_assert_int_eq(got("saved", "saved_pages"), 99);
	ck_assert_int_eq(got("cost", "per_mib_ns"),
			 got("cost", "ns") / 99 * 256 +
				 got("cost", "ns") % 99 * 256 / 99);
}
END_TEST

static struct {
	unsigned n;
	int64_t workers, last_ppm, end;
} seen;

static int note(void *ctx, ns_t now, const struct rows *rows)
{
	int64_t ns = rows_get(rows, "cpu", "workers_ns", -1), sum = 0;
	int64_t all = ns + rows_get(rows, "cpu", "guests_ns", -1);

	(void)ctx;
	for (unsigned g = 0; g < COST_GROUPS; g++) {
		char name[64];

		snprintf(name, sizeof(name), "%s_ns", cost_group_name[g]);
		ck_assert(rows_has(rows, "cost", name));
		sum += rows_get(rows, "cost", name, 0);
	}
	ck_assert_int_le(sum, all);
	ck_assert_int_ge(sum + (int64_t)COST_GROUPS, all);
	ck_assert_int_ge(ns, seen.workers);
	if (now.v > (uint64_t)seen.end)
		ck_assert_int_eq(rows_get(rows, "cpu", "workers_ppm", -1),
				 (ns - seen.workers) * 1000000 /
					 ((int64_t)now.v - seen.end));
	seen.n++;
	seen.workers = ns;
	seen.end = (int64_t)now.v;
	return 0;
}

START_TEST(the_timeline_tells_cpu_time_and_its_share)
{
	struct run_config cfg = config();

	memset(&seen, 0, sizeof(seen));
	cfg.sample = note;
	cfg.interval = NS(50 * MS);
	play(&cfg);
	ck_assert_uint_gt(seen.n, 5);
	ck_assert_int_eq(seen.workers, got("cpu", "workers_ns"));
}
END_TEST

/* What merges does not depend on the hash, nor on the order of compares. */
START_TEST(hash_and_order_of_compares_change_costs_only)
{
	static const char *const other[][2] = {
		{"checksum", "jhash2"},
		{"checksum", "crc32c"},
		{"memcmp", "scattered"},
	};
	static const char *const names[] = {
		"pages_shared",	  "pages_sharing",  "pages_unshared",
		"pages_volatile", "full_scans",	    "pages_scanned",
		"pages_skipped",  "general_profit",
	};
	struct run_config cfg = config();
	int64_t want[8], ns;
	uint64_t bytes;

	cfg.until = UNTIL_FIXPOINT;
	play(&cfg);
	for (unsigned i = 0; i < 8; i++)
		want[i] = got("ksm", names[i]);
	ns = got("cost", "ns");
	bytes = res.meter.count[OP_CMP_BYTES];
	for (unsigned k = 0; k < 3; k++) {
		cfg = config();
		cfg.until = UNTIL_FIXPOINT;
		set(other[k][0], other[k][1]);
		play(&cfg);
		for (unsigned i = 0; i < 8; i++)
			ck_assert_int_eq(got("ksm", names[i]), want[i]);
		ck_assert_int_ne(got("cost", "ns"), ns);
		ck_assert((res.meter.count[OP_CMP_BYTES] == bytes) == (k < 2));
	}
	/* half the pages differ in their last line only: it comes earlier */
	ck_assert_uint_lt(res.meter.count[OP_CMP_BYTES], bytes);
}
END_TEST

START_TEST(another_seed_is_another_order_of_lines)
{
	struct run_config cfg = config();
	uint64_t bytes;

	set("memcmp", "scattered");
	play(&cfg);
	bytes = res.meter.count[OP_CMP_BYTES];
	play(&cfg);
	ck_assert_uint_eq(res.meter.count[OP_CMP_BYTES], bytes);
	cfg.seed = 2;
	play(&cfg);
	ck_assert_uint_ne(res.meter.count[OP_CMP_BYTES], bytes);
}
END_TEST

static Suite *pace_suite(void)
{
	Suite *s = suite_create("pace");
	TCase *t = tcase_create("pace");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, a_turn_ends_when_its_work_is_done);
	tcase_add_test(t, batches_of_one_scan_sleep_in_between);
	tcase_add_test(t, without_a_sleep_ksmd_has_a_cpu_to_itself);
	tcase_add_test(t, free_work_without_a_sleep_comes_to_an_end);
	tcase_add_test(t, the_advisor_sees_the_time_ksmd_took);
	tcase_add_test(t, the_time_of_a_scan_goes_on_inside_a_batch);
	tcase_add_test(t, a_processor_changes_cost_and_pace_and_nothing_else);
	tcase_add_test(t, both_ends_enclose_what_the_clock_used);
	tcase_add_test(t, the_timeline_tells_cpu_time_and_its_share);
	tcase_add_test(t, hash_and_order_of_compares_change_costs_only);
	tcase_add_test(t, another_seed_is_another_order_of_lines);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(pace_suite());
}
