/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ksmd with several threads: its counters, and how time is played. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/engine/ksm/ksm.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/rig.h"

#define BASE (UINT64_C(1) << 20)
#define FS UINT64_C(1000000) /* in a nanosecond */
#define PAGES 1200u
#define CONTENTS 900u

/* What a visit costs: outside of the lock, in it per node looked at. */
static void price(struct meter_prices *p, uint64_t outside, uint64_t per_step)
{
	*p = (struct meter_prices){.op_fs = {0}};
	p->op_fs[OP_CHECKSUM] = outside * FS;
	for (unsigned t = 0; t < METER_TREE_COUNT; t++)
		for (unsigned d = 0; d < METER_DEPTHS; d++)
			p->step_fs[t][d] = per_step * FS;
}

static void begin(struct rig *r, const struct meter_prices *p,
		  const char *threads, const char *smart)
{
	rig_init(r, "ksm", RULE_ID, CONTENTS,
		 (const char *const[]){"threads", threads, "smart_scan", smart,
				       "pages_to_scan", "500", NULL});
	meter_init(&r->meter, p);
}

static void fill(struct rig *r)
{
	rig_do(r, ev_space(0));
	rig_do(r, ev_map(0, BASE, PAGES, EVF_MERGEABLE));
	for (uint32_t i = 0; i < PAGES; i++)
		rig_do(r, ev_write(0, BASE + i, 1 + i % (CONTENTS - 1)));
}

static int64_t thread_row(struct rig *r, const char *name)
{
	return rig_row(r, "ksm_threads", name);
}

/* ---- what does not depend on threads ---- */

static void same_counters(struct rig *a, struct rig *b)
{
	a->ops->report(a->engine, &a->rows);
	b->ops->report(b->engine, &b->rows);
	for (size_t i = 0; i < a->rows.n; i++) {
		const struct row *row = &a->rows.v[i];

		ck_assert_int_eq(rows_get(&b->rows, row->scope, row->name, -1),
				 row->value);
	}
	rows_clear(&a->rows);
	rows_clear(&b->rows);
	ck_assert(!memcmp(a->meter.count, b->meter.count,
			  sizeof(a->meter.count)));
	ck_assert(!memcmp(a->meter.walk, b->meter.walk, sizeof(a->meter.walk)));
}

static const char *const counts[] = {"2", "3", "8", "64"};

START_TEST(counters_and_work_are_those_of_one_thread)
{
	struct prng rnd = prng_fork(test_seed(1) + (uint64_t)_i, "threads");
	struct meter_prices p;
	struct rig one, many;

	price(&p, 500, 100);
	begin(&one, &p, "1", _i & 1 ? "1" : "0");
	begin(&many, &p, counts[_i / 2], _i & 1 ? "1" : "0");
	/* Other times must not move the pruning of chains. */
	ck_assert_int_eq(rig_set(&one, "max_page_sharing", "3"), 0);
	ck_assert_int_eq(rig_set(&many, "max_page_sharing", "3"), 0);
	ck_assert_int_eq(
		rig_set(&one, "stable_node_chains_prune_millisecs", "0"), 0);
	ck_assert_int_eq(
		rig_set(&many, "stable_node_chains_prune_millisecs", "0"), 0);
	for (unsigned step = 0; step < 1500; step++) {
		struct event ev = chaos_event(&rnd, one.machine, 40);
		int ret = rig_event(&one, &ev);

		ck_assert_int_eq(rig_event(&many, &ev), ret);
		if (prng_below(&rnd, 4))
			continue;
		ck_assert_int_eq(rig_turn(&one), 0);
		ck_assert_int_eq(rig_turn(&many), 0);
		rig_check(&many);
	}
	same_counters(&one, &many);
	rig_fini(&one);
	rig_fini(&many);
}
END_TEST

START_TEST(versions_that_search_first_are_played_too)
{
	struct meter_prices p;
	struct rig r[2];

	price(&p, 5000, 100);
	for (unsigned i = 0; i < 2; i++) {
		rig_init(&r[i], "ksm", RULE_ID, CONTENTS,
			 (const char *const[]){"threads", i ? "4" : "1",
					       "version", "4.4", NULL});
		meter_init(&r[i].meter, &p);
		fill(&r[i]);
		rig_scans(&r[i], 4);
	}
	same_counters(&r[0], &r[1]);
	ck_assert_int_eq(thread_row(&r[1], "busy_ns"),
			 (int64_t)meter_spent(&r[0].meter).v);
	ck_assert_int_gt(thread_row(&r[1], "speedup_milli"), 1500);
	rig_fini(&r[0]);
	rig_fini(&r[1]);
}
END_TEST

START_TEST(one_thread_has_no_rows_of_threads)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_ID, 3, NULL);
	r.ops->report(r.engine, &r.rows);
	ck_assert(!rows_has(&r.rows, "ksm_threads", "threads"));
	ck_assert_ptr_null(((struct ksm *)r.engine)->threads);
	rig_fini(&r);
}
END_TEST

/* ---- time ---- */

/* Three full scans by @threads; the meter tells what one of them spends. */
static void run(struct rig *r, struct meter_prices *p, const char *threads)
{
	begin(r, p, threads, "0");
	fill(r);
	rig_scans(r, 3);
	rig_check(r);
	ck_assert_int_eq(thread_row(r, "busy_ns"),
			 (int64_t)meter_spent(&r->meter).v);
}

/* Rates of the scans after the first, which has no use for the lock. */
struct rates {
	int64_t busy, elapsed, held;
};

static struct rates rates(struct rig *r)
{
	return (struct rates){thread_row(r, "busy_ns"),
			      thread_row(r, "elapsed_ns"),
			      thread_row(r, "lock_held_ns")};
}

static struct rates later_scans(uint64_t outside, uint64_t step,
				unsigned threads)
{
	struct meter_prices p;
	struct rates first, all;
	struct rig r;
	char n[8];

	price(&p, outside, step);
	snprintf(n, sizeof(n), "%u", threads);
	begin(&r, &p, n, "0");
	fill(&r);
	rig_scan(&r);
	first = rates(&r);
	rig_scans(&r, 4);
	all = rates(&r);
	ck_assert_int_le(thread_row(&r, "speedup_milli"),
			 thread_row(&r, "limit_milli"));
	rig_fini(&r);
	return (struct rates){all.busy - first.busy,
			      all.elapsed - first.elapsed,
			      all.held - first.held};
}

START_TEST(speed_up_is_bounded_by_the_share_of_locked_work)
{
	static const struct {
		uint64_t outside, step;
	} mix[] = {{100000, 10}, {2000, 50}, {1000, 300}, {100, 1000}};
	static const unsigned threads[] = {2, 3, 4, 6, 12, 24};

	for (size_t i = 0; i < sizeof(mix) / sizeof(mix[0]); i++)
		for (size_t t = 0; t < sizeof(threads) / sizeof(threads[0]);
		     t++) {
			int64_t n = threads[t], shared;
			struct rates x = later_scans(mix[i].outside,
						     mix[i].step, threads[t]);

			/* Never below what is locked, nor below an even share;
			 * what is missing is waiting at the ends of batches. */
			shared = x.busy / n > x.held ? x.busy / n : x.held;
			ck_assert_int_ge(x.elapsed, shared);
			ck_assert_int_le(x.elapsed, x.busy);
			if (n * x.held * 2 <= x.busy ||
			    n * x.held >= 3 * x.busy)
				ck_assert_msg(x.elapsed * 100 <= shared * 108,
					      "mix %zu, %u threads: %" PRId64
					      " ns, not %" PRId64,
					      i, threads[t], x.elapsed, shared);
		}
}
END_TEST

START_TEST(work_without_the_lock_is_shared_evenly)
{
	struct meter_prices p;
	int64_t lost, thread[4] = {0};
	struct rig r;

	price(&p, 1000, 0);
	run(&r, &p, "4");
	/* At the end of a batch up to three have nothing to do. */
	lost = 4 * thread_row(&r, "elapsed_ns") - thread_row(&r, "busy_ns");
	ck_assert_int_ge(lost, 0);
	ck_assert_int_le(lost, (int64_t)r.meter.count[OP_TURN] * 3 * 1000);
	ck_assert_int_ge(thread_row(&r, "speedup_milli"), 3900);
	ck_assert_int_eq(thread_row(&r, "lock_held_ns"), 0);
	for (size_t k = 0; k < r.rows.n; k++)
		if (!strcmp(r.rows.v[k].scope, "ksm_thread"))
			thread[r.rows.v[k].index] += r.rows.v[k].value;
	for (unsigned i = 0; i < 4; i++)
		ck_assert_int_ge(thread[i] * 4 * 100,
				 thread_row(&r, "busy_ns") * 95);
	rig_fini(&r);
}
END_TEST

START_TEST(work_under_the_lock_is_not_shared_at_all)
{
	struct meter_prices p;
	struct rig r;

	price(&p, 0, 50);
	run(&r, &p, "8");
	ck_assert_int_eq(thread_row(&r, "speedup_milli"), 1000);
	ck_assert_int_eq(thread_row(&r, "limit_milli"), 1000);
	ck_assert_int_eq(thread_row(&r, "lock_held_ns"),
			 thread_row(&r, "busy_ns"));
	ck_assert_int_gt(thread_row(&r, "lock_waited_ns"), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(the_sleep_begins_when_the_last_thread_is_done)
{
	struct meter_prices p;
	struct rig r;

	/* 500 checksums by 8 threads: 4 have one more. */
	price(&p, 1000, 0);
	begin(&r, &p, "8", "0");
	fill(&r);
	ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert_uint_eq(r.engine->wake[0].v - r.clock.now.v,
			  63 * 1000 + 24 * NS_PER_MSEC);
	ck_assert_int_eq(thread_row(&r, "elapsed_ns"), 63 * 1000);
	rig_scan(&r);
	ck_assert_int_eq(thread_row(&r, "elapsed_ns"), (63 + 63 + 25) * 1000);
	ck_assert_int_eq(thread_row(&r, "scan_ns"), (63 + 63 + 25) * 1000);
	rig_fini(&r);
}
END_TEST

START_TEST(waking_up_is_done_once_for_all_threads)
{
	struct meter_prices p;
	struct rig r;

	price(&p, 1000, 0);
	p.op_fs[OP_TURN] = 700 * FS;
	begin(&r, &p, "8", "0");
	fill(&r);
	ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert_int_eq(thread_row(&r, "elapsed_ns"), 700 + 63 * 1000);
	ck_assert_int_eq(thread_row(&r, "busy_ns"), 700 + 500 * 1000);
	ck_assert_uint_eq(r.engine->wake[0].v - r.clock.now.v,
			  700 + 63 * 1000 + 24 * NS_PER_MSEC);
	rig_fini(&r);
}
END_TEST

START_TEST(a_meter_without_prices_plays_no_time)
{
	struct rig r;

	begin(&r, NULL, "12", "0");
	fill(&r);
	rig_scans(&r, 3);
	ck_assert_int_eq(thread_row(&r, "speedup_milli"), 0);
	ck_assert_int_eq(thread_row(&r, "elapsed_ns"), 0);
	ck_assert_int_eq(rig_row(&r, "ksm", "pages_sharing"),
			 PAGES - (CONTENTS - 1));
	rig_fini(&r);
}
END_TEST

/* ---- what may be asked for ---- */

START_TEST(numbers_of_threads_that_cannot_be_are_refused)
{
	struct ksm_opts o;
	struct err err = {0};
	struct rig r;

	opt_defaults(ksm_options, &o);
	ck_assert_uint_eq(o.threads, 1);
	ck_assert_int_eq(opt_set(ksm_options, &o, "threads", "0", &err),
			 -EINVAL);
	ck_assert_str_eq(err.text,
			 "threads: 0 is out of range (1 … 1024 threads)");
	err.text[0] = '\0';
	ck_assert_int_eq(opt_set(ksm_options, &o, "threads", "1000000", &err),
			 -EINVAL);
	ck_assert_str_eq(err.text,
			 "threads: 1000000 is out of range (1 … 1024 threads)");
	rig_contents(&r, RULE_ID, 3);
	ck_assert_int_eq(
		rig_start(&r,
			  &(struct rig_config){
				  .engine = "ksm",
				  .set = (const char *const[]){"threads", "2",
							       "colour_copies",
							       "theta", NULL}}),
		-EINVAL);
	ck_assert_str_eq(r.err.text,
			 "threads: more than one needs colour_copies=single");
	r.err.text[0] = '\0';
	ck_assert_int_eq(rig_start(&r, &(struct rig_config){.engine = "ksm"}),
			 0);
	ck_assert_int_eq(rig_set(&r, "threads", "2"), -EINVAL);
	rig_fini(&r);
}
END_TEST

static int run_shortly(void *ctx)
{
	struct rig *r = ctx;
	static const char *const set[] = {"threads", "3", NULL};
	int ret =
		rig_start(r, &(struct rig_config){.engine = "ksm", .set = set});
	struct event ev[] = {ev_space(0), ev_map(0, BASE, 8, EVF_MERGEABLE)};

	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < 2; i++)
		ret = rig_event(r, &ev[i]);
	for (uint32_t i = 0; !ret && i < 8; i++) {
		struct event w = ev_write(0, BASE + i, 1 + i % 2);

		ret = rig_event(r, &w);
	}
	for (unsigned i = 0; !ret && i < 3; i++)
		ret = rig_turn(r);
	rig_stop(r);
	return ret;
}

START_TEST(each_allocation_may_fail)
{
	struct rig r;

	rig_contents(&r, RULE_ID, 3);
	ck_assert_uint_gt(fail_mem_walk(run_shortly, &r), 10);
	rig_fini(&r);
}
END_TEST

static Suite *threads_suite(void)
{
	Suite *s = suite_create("threads of ksmd");
	TCase *t = tcase_create("threads");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, counters_and_work_are_those_of_one_thread, 0, 8);
	tcase_add_test(t, versions_that_search_first_are_played_too);
	tcase_add_test(t, one_thread_has_no_rows_of_threads);
	tcase_add_test(t, speed_up_is_bounded_by_the_share_of_locked_work);
	tcase_add_test(t, work_without_the_lock_is_shared_evenly);
	tcase_add_test(t, work_under_the_lock_is_not_shared_at_all);
	tcase_add_test(t, the_sleep_begins_when_the_last_thread_is_done);
	tcase_add_test(t, waking_up_is_done_once_for_all_threads);
	tcase_add_test(t, a_meter_without_prices_plays_no_time);
	tcase_add_test(t, numbers_of_threads_that_cannot_be_are_refused);
	tcase_add_test(t, each_allocation_may_fail);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(threads_suite());
}
