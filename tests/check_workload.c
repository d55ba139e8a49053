/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Made-up input: what any workload promises, and what number-crunch is.
 */
#include <errno.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/core/pages.h"
#include "sim/run/run.h"
#include "sim/run/workload_trace.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

#define SMALL "number-crunch:processes=3,tables=2,table_size=256KiB,passes=4"

static struct workload *start(const char *words, uint64_t seed)
{
	struct workload *w;
	struct err err = {0};
	int ret = workload_start(&w, words, seed, &err);

	ck_assert_msg(!ret, "%s: %s", words, err_text(&err, ret));
	return w;
}

/* All events, in blocks of @max. */
static struct event *all(struct workload *w, size_t max)
{
	struct event *ev = mem_zalloc(w->events + max, sizeof(*ev));
	size_t n = 0, got;

	ck_assert_ptr_nonnull(ev);
	while ((got = w->ops->next(w, ev + n, max))) {
		ck_assert_uint_le(got, max);
		n += got;
		ck_assert_uint_le(n, w->events);
	}
	ck_assert_uint_eq(n, w->events);
	ck_assert_uint_eq(w->ops->next(w, ev + n, max), 0);
	return ev;
}

START_TEST(every_workload_is_sane)
{
	for (size_t i = 0; workloads[i]; i++) {
		struct err err = {0};

		ck_assert_int_eq(opt_check_rows(workloads[i]->opts,
						workloads[i]->opts_size, &err),
				 0);
		ck_assert_ptr_nonnull(workloads[i]->summary);
	}
}
END_TEST

START_TEST(events_do_not_depend_on_blocks_nor_on_when_they_are_asked_for)
{
	struct workload *w = start(SMALL, 5), *v = start(SMALL, 5);
	struct event *a = all(w, 1000), *b = all(v, 1), *c;

	ck_assert_mem_eq(a, b, w->events * sizeof(*a));
	w->ops->rewind(w);
	c = all(w, 7);
	ck_assert_mem_eq(a, c, w->events * sizeof(*a));
	free(a);
	free(b);
	free(c);
	workload_stop(w);
	workload_stop(v);
}
END_TEST

/* The rules of traces: order, bounds, contents before they are used. */
START_TEST(events_obey_what_traces_promise)
{
	struct workload *w = start(SMALL, 5);
	struct event *ev = all(w, 64);
	uint32_t seen = 1;
	uint64_t last = 0;

	for (uint64_t i = 0; i < w->events; i++) {
		ck_assert_uint_ge(ev[i].time.v, last);
		last = ev[i].time.v;
		ck_assert_uint_lt(ev[i].space, w->spaces);
		if (ev[i].op != EV_WRITE)
			continue;
		/* in order of first appearance */
		ck_assert_uint_le(ev[i].content, seen);
		seen += ev[i].content == seen;
	}
	ck_assert_uint_eq(seen, w->contents);
	ck_assert_uint_eq(last, w->end.v);
	free(ev);
	workload_stop(w);
}
END_TEST

START_TEST(contents_are_distinct_and_come_back_the_same)
{
	struct workload *w = start(SMALL, 5), *other = start(SMALL, 6);
	uint8_t buf[PAGE_BYTES], again[PAGE_BYTES];
	struct page_store ps;
	uint32_t id;

	page_store_init(&ps, 100000);
	for (uint32_t i = 1; i < w->contents; i++) {
		const uint8_t *page = w->ops->bytes(w, i, buf);

		ck_assert_int_eq(page_store_add(&ps, page, &id), 1);
		ck_assert_mem_eq(page, w->ops->bytes(w, i, again), PAGE_BYTES);
	}
	/* None of them is one of another seed. */
	for (uint32_t i = 1; i < other->contents; i++)
		ck_assert_int_eq(
			page_store_add(&ps, other->ops->bytes(other, i, buf),
				       &id),
			1);
	page_store_fini(&ps);
	workload_stop(w);
	workload_stop(other);
}
END_TEST

static struct digest digest_of(const char *words, uint64_t seed)
{
	struct digest d;
	struct trace *t;

	ck_assert_int_eq(workload_trace_open(&t, words, seed, NULL), 0);
	d = t->ops->header(t)->digest;
	ck_assert_int_eq(trace_verify(t, 2, NULL), 0);
	trace_close(t);
	return d;
}

START_TEST(equal_words_and_seeds_make_equal_traces)
{
	struct digest a = digest_of(SMALL, 1), b = digest_of(SMALL, 1);
	struct digest c = digest_of(SMALL, 2);
	struct digest d = digest_of(SMALL ",zero=61", 1);

	ck_assert(a.hi == b.hi && a.lo == b.lo);
	ck_assert(a.hi != c.hi || a.lo != c.lo);
	ck_assert(a.hi != d.hi || a.lo != d.lo);
}
END_TEST

START_TEST(number_crunch_is_mostly_zero_or_never_written)
{
	struct workload *w = start("number-crunch:processes=2,tables=2,"
				   "table_size=4MiB,zero=60,data=10,passes=3",
				   1);
	struct event *ev = all(w, 512);
	uint64_t zero = 0, data = 0, reads = 0, maps = 0;

	for (uint64_t i = 0; i < w->events; i++) {
		zero += ev[i].op == EV_WRITE && !ev[i].content;
		data += ev[i].op == EV_WRITE && ev[i].content;
		reads += ev[i].op == EV_READ;
		maps += ev[i].op == EV_MAP;
		if (ev[i].op == EV_READ)
			ck_assert_uint_eq(ev[i].count, 1024);
	}
	ck_assert_uint_eq(maps, 4);
	ck_assert_uint_eq(reads, 3 * 4);
	ck_assert_uint_eq(data + 1, w->contents);
	/* of 4096 pages, within six deviations */
	ck_assert_uint_gt(zero, 4096 * 60 / 100 - 190);
	ck_assert_uint_lt(zero, 4096 * 60 / 100 + 190);
	ck_assert_uint_gt(data, 4096 * 10 / 100 - 116);
	ck_assert_uint_lt(data, 4096 * 10 / 100 + 116);
	free(ev);
	workload_stop(w);
}
END_TEST

START_TEST(use_zero_pages_is_what_number_crunching_wants)
{
	static struct cache_conf conf;
	int64_t cycles[2], apart[2];

	ck_assert_int_eq(cache_conf_find(&conf, "z13", NULL, NULL), 0);
	for (uint64_t use = 0; use < 2; use++) {
		struct ksm {
			char bytes[512];
		} opts;
		struct run_config cfg = {
			.ops = &engine_ksm,
			.opts = &opts,
			.threads = 1,
			.seed = 1,
			.machine = {.zero_pages = 128},
			.readers = {.conf = &conf},
		};
		struct run_result res;
		struct trace *t;

		opt_defaults(engine_ksm.opts, &opts);
		ck_assert_int_eq(opt_set(engine_ksm.opts, &opts,
					 "use_zero_pages", use ? "1" : "0",
					 NULL),
				 0);
		ck_assert_int_eq(workload_trace_open(&t, SMALL "0", 1, NULL),
				 0);
		ck_assert_int_eq(run_trace(t, &cfg, &res, NULL), 0);
		ck_assert_str_eq(res.readers, "of the trace");
		cycles[use] =
			rows_get(&res.results, "cache", "merged_cycles", -1);
		apart[use] = rows_get(&res.results, "cache",
				      "merged_cycles_apart", -1);
		ck_assert_int_gt(apart[use], 0);
		run_result_fini(&res);
		trace_close(t);
	}
	/* Forty passes: filling the caches once no longer counts. */
	ck_assert_int_gt(cycles[0], 2 * cycles[1]);
	ck_assert_int_lt(cycles[1], apart[1]);
}
END_TEST

START_TEST(mistakes_are_one_clear_line)
{
	static const struct {
		const char *words, *says;
	} bad[] = {
		{"number-crnch", "did you mean \"number-crunch\"?"},
		{"xyzzyxyzzy", "there is \"number-crunch\""},
		{"number-crunch:zero", "expected KEY=VALUE"},
		{"number-crunch:zeros=1", "zero"},
		{"number-crunch:zero=101", "zero"},
		{"number-crunch:zero=60,data=50", "110 % together"},
		{"number-crunch:table_size=5000", "no whole pages"},
		{"number-crunch:processes=0", "processes"},
		{"number-crunch:processes=1024,tables=1024,table_size=1MiB",
		 "more than 16777216 pages"},
		{"", "there is \"number-crunch\""},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct workload *w;
		struct err err = {0};

		ck_assert_int_eq(workload_start(&w, bad[i].words, 1, &err),
				 -EINVAL);
		ck_assert_msg(strstr(err.text, bad[i].says), "%s: %s",
			      bad[i].words, err.text);
		ck_assert_ptr_null(strchr(err.text, '\n'));
	}
}
END_TEST

START_TEST(nothing_is_a_workload_too)
{
	struct workload *w =
		start("number-crunch:passes=0,zero=0,data=0,processes=1", 1);

	ck_assert_uint_eq(w->contents, 1);
	ck_assert_uint_eq(w->events, 5);
	ck_assert_uint_eq(w->end.v, 0);
	workload_stop(w);
}
END_TEST

static int open_close(void *ctx)
{
	struct trace *t;
	int ret = workload_trace_open(&t, ctx, 1, NULL);

	if (!ret)
		trace_close(t);
	return ret;
}

START_TEST(each_allocation_may_fail)
{
	char words[] = "number-crunch:table_size=8KiB";

	fail_mem_walk(open_close, words);
}
END_TEST

static Suite *workload_suite(void)
{
	Suite *s = suite_create("workload");
	TCase *t = tcase_create("workload");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, every_workload_is_sane);
	tcase_add_test(
		t,
		events_do_not_depend_on_blocks_nor_on_when_they_are_asked_for);
	tcase_add_test(t, events_obey_what_traces_promise);
	tcase_add_test(t, contents_are_distinct_and_come_back_the_same);
	tcase_add_test(t, equal_words_and_seeds_make_equal_traces);
	tcase_add_test(t, number_crunch_is_mostly_zero_or_never_written);
	tcase_add_test(t, use_zero_pages_is_what_number_crunching_wants);
	tcase_add_test(t, mistakes_are_one_clear_line);
	tcase_add_test(t, nothing_is_a_workload_too);
	tcase_add_test(t, each_allocation_may_fail);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(workload_suite());
}
