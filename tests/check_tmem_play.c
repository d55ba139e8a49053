/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of tmem on several processors: speed-up against its closed form, what
 * does not depend on processors, and that nobody waits for ever.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "models/cost.h"
#include "sim/base/mem.h"
#include "sim/engine/tmem/play.h"
#include "sim/run/run.h"
#include "sim/run/workload_trace.h"
#include "tests/support/main.h"

#define MILLION 1000000

/* @set: "cpus=4 loop=closed" */
static struct run_result run(const char *words, const char *set)
{
	struct run_config cfg = {.ops = &engine_tmem, .threads = 1};
	void *opts = mem_zalloc(1, engine_tmem.opts_size);
	static struct cost cost;
	struct run_result res;
	struct err err = {0};
	struct trace *t;
	char copy[256];
	int ret;

	ck_assert_ptr_nonnull(opts);
	opt_defaults(engine_tmem.opts, opts);
	snprintf(copy, sizeof(copy), "%s", set);
	for (char *w = strtok(copy, " "); w; w = strtok(NULL, " ")) {
		char *eq = strchr(w, '=');

		*eq = '\0';
		ck_assert_msg(!opt_set(engine_tmem.opts, opts, w, eq + 1, &err),
			      "%s", err.text);
	}
	if (!cost.name[0])
		ck_assert_int_eq(cost_load(&cost, COST_DEFAULT, &err), 0);
	cfg.opts = opts;
	cfg.cost = &cost;
	ret = workload_trace_open(&t, words, 1, &err);
	ck_assert_msg(!ret, "%s", err.text);
	ret = run_trace(t, &cfg, &res, &err);
	ck_assert_msg(!ret, "%s: %s", words, err_text(&err, ret));
	trace_close(t);
	free(opts);
	return res;
}

static int64_t get(const struct run_result *r, const char *scope,
		   const char *name)
{
	ck_assert_msg(rows_has(&r->results, scope, name), "no %s", name);
	return rows_get(&r->results, scope, name, -1);
}

START_TEST(speed_up_is_at_most_the_closed_form_and_near_it_on_few_processors)
{
	static const unsigned skews[] = {4, 135, 290, 600, 1000};
	static const unsigned cpus[] = {1, 2, 4, 8, 16};

	for (unsigned i = 0; i < 5 * 5 * 2; i++) {
		unsigned skew = skews[i % 5], t = cpus[i / 5 % 5], lzo = i / 25;
		char words[96], set[64];
		struct run_result r;
		int64_t got, bound;

		snprintf(words, sizeof(words),
			 "first-byte:skew=%u,ops=12000,contents=4096,keys=512",
			 skew);
		snprintf(set, sizeof(set), "loop=closed cpus=%u compress=%u", t,
			 lzo);
		r = run(words, set);
		got = get(&r, "tmem_work", "speedup");
		bound = get(&r, "tmem_work", "speedup_bound");
		/* Calls that have not ended count for the bound alone. */
		ck_assert_msg(got <= bound + bound / 500,
			      "skew %u, %u CPUs: %" PRId64 " above %" PRId64,
			      skew, t, got, bound);
		if (t <= 4 && skew <= 600)
			ck_assert_msg(got * 10 >= bound * 8,
				      "skew %u, %u CPUs: %" PRId64
				      " far below %" PRId64,
				      skew, t, got, bound);
		if (t == 1)
			ck_assert_int_ge(got, MILLION - MILLION / 100);
		run_result_fini(&r);
	}
}
END_TEST

START_TEST(the_simple_closed_form_holds_where_shards_are_alike)
{
	/* By hand, the closed form: 1/256 in the heaviest shard leaves the
	 * allocator as the limit. */
	struct run_result r = run("first-byte:skew=0,contents=4096,keys=256,"
				  "ops=10000",
				  "loop=closed cpus=16");
	int64_t bound = get(&r, "tmem_work", "speedup_bound_mean");
	int64_t work = get(&r, "tmem_work", "work_ns");
	int64_t alloc = get(&r, "tmem_work", "allocator_work_ns");

	ck_assert_int_eq(bound,
			 (int64_t)((uint64_t)work * MILLION / (uint64_t)alloc));
	ck_assert_int_eq(bound, get(&r, "tmem_work", "speedup_bound"));
	ck_assert_int_le(get(&r, "tmem_work", "speedup"), bound);
	run_result_fini(&r);
}
END_TEST

/* Everything that is counted, not timed. */
static void same_counts(const struct run_result *a, const struct run_result *b)
{
	size_t counted = 0;

	for (size_t i = 0; i < a->results.n; i++) {
		const struct row *r = &a->results.v[i];

		if (strcmp(r->scope, "tmem") && !strstr(r->name, "acquired") &&
		    !strstr(r->name, "work_ns") && strcmp(r->name, "calls"))
			continue;
		ck_assert_msg(r->value == b->results.v[i].value, "%s %s",
			      r->scope, r->name);
		counted++;
	}
	ck_assert_uint_gt(counted, 50);
}

START_TEST(what_is_counted_does_not_depend_on_processors)
{
	const char *words = "filecache:units=16,cache=1MiB,think=1us,guests=4";
	struct run_result one = run(words, "cpus=1 memory=4MiB"),
			  many = run(words, "cpus=7 memory=4MiB");

	same_counts(&one, &many);
	ck_assert_int_gt(get(&one, "vcpu", "waited_ns") +
				 get(&one, "vcpu", "latency_ns"),
			 get(&many, "vcpu", "waited_ns"));
	run_result_fini(&one);
	run_result_fini(&many);
}
END_TEST

START_TEST(one_processor_waits_for_no_lock)
{
	struct run_result r = run("first-byte:ops=5000,contents=1024,keys=128",
				  "loop=closed cpus=1");

	ck_assert_int_eq(get(&r, "vcpu", "waited_ns"), 0);
	for (size_t i = 0; i < r.results.n; i++)
		if (strstr(r.results.v[i].name, "contended"))
			ck_assert_int_eq(r.results.v[i].value, 0);
	ck_assert_int_eq(get(&r, "tmem_work", "calls"), 5000 + 16);
	run_result_fini(&r);
}
END_TEST

START_TEST(an_open_loop_at_leisure_takes_what_the_work_takes)
{
	struct run_result r = run("first-byte:ops=5000,interval=1ms", "cpus=4");

	ck_assert_int_eq(get(&r, "vcpu", "waited_ns"), 0);
	/* Pools are made all at once. */
	ck_assert_int_ge(get(&r, "vcpu", "latency_ns") + 10000,
			 get(&r, "vcpu", "busy_ns"));
	ck_assert_int_le(get(&r, "vcpu", "latency_ns"),
			 get(&r, "vcpu", "busy_ns") + 50000);
	ck_assert_int_ge(get(&r, "vcpu", "operations") + 1,
			 get(&r, "tmem_work", "calls"));
	run_result_fini(&r);
	/* More than four processors can do: it piles up. */
	r = run("first-byte:ops=5000,interval=10ns", "cpus=4");
	ck_assert_int_gt(get(&r, "vcpu", "latency_ns"),
			 10 * get(&r, "vcpu", "busy_ns"));
	run_result_fini(&r);
}
END_TEST

START_TEST(think_time_leaves_locks_free)
{
	struct run_result busy = run("first-byte:skew=600,ops=5000",
				     "loop=closed cpus=8"),
			  idle = run("first-byte:skew=600,ops=5000",
				     "loop=closed cpus=8 think=200us");

	ck_assert_int_lt(20 * get(&idle, "vcpu", "waited_ns"),
			 get(&busy, "vcpu", "waited_ns"));
	run_result_fini(&busy);
	run_result_fini(&idle);
}
END_TEST

/* From R3 on one call waits for all others, unless that is repaired. */
START_TEST(a_global_lock_makes_one_server_of_many_processors)
{
	const char *words = "first-byte:ops=5000,contents=1024,keys=128";
	struct run_result r =
		run(words, "loop=closed cpus=8 revision=R3 defects=as_shipped");
	int64_t got, bound;

	got = get(&r, "tmem_work", "speedup");
	bound = get(&r, "tmem_work", "speedup_bound");
	/* Entering the host is all that goes side by side. */
	ck_assert_int_eq(
		bound,
		(int64_t)((uint64_t)get(&r, "tmem_work", "work_ns") * MILLION /
			  (uint64_t)get(&r, "tmem_work", "host_work_ns")));
	ck_assert_int_lt(bound, 2 * MILLION);
	ck_assert_int_le(got, bound + bound / 500);
	ck_assert_int_ge(got * 10, bound * 9);
	run_result_fini(&r);
	r = run(words, "loop=closed cpus=8 revision=R3 defects=repaired");
	ck_assert_int_gt(get(&r, "tmem_work", "speedup"), 3 * MILLION);
	run_result_fini(&r);
}
END_TEST

START_TEST(nobody_waits_for_ever_in_any_revision)
{
	for (unsigned i = 0; i < 5 * 2 * 2; i++) {
		char set[160];
		struct run_result r;

		snprintf(set, sizeof(set),
			 "loop=closed cpus=%u revision=R%u defects=%s "
			 "compress=%u memory=3MiB",
			 3 + i, i % 5, i / 5 % 2 ? "as_shipped" : "repaired",
			 i / 10);
		r = run("filecache:units=12,cache=512KiB,guests=5,think=1us",
			set);
		ck_assert_int_gt(get(&r, "tmem", "evicted"),
				 i % 5 == 0 ? -1 : 0);
		/* All but what the processors are still at. */
		ck_assert_int_ge(get(&r, "vcpu", "operations") +
					 get(&r, "vcpu", "cpus"),
				 get(&r, "tmem_work", "calls"));
		run_result_fini(&r);
	}
}
END_TEST

static Suite *play_suite(void)
{
	Suite *s = suite_create("tmem play");
	TCase *t = tcase_create("tmem play");

	tcase_set_timeout(t, 300);
	tcase_add_test(
		t,
		speed_up_is_at_most_the_closed_form_and_near_it_on_few_processors);
	tcase_add_test(t, the_simple_closed_form_holds_where_shards_are_alike);
	tcase_add_test(t, what_is_counted_does_not_depend_on_processors);
	tcase_add_test(t, one_processor_waits_for_no_lock);
	tcase_add_test(t, an_open_loop_at_leisure_takes_what_the_work_takes);
	tcase_add_test(t, think_time_leaves_locks_free);
	tcase_add_test(t, a_global_lock_makes_one_server_of_many_processors);
	tcase_add_test(t, nobody_waits_for_ever_in_any_revision);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(play_suite());
}
