/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The run loop: what comes before what, and when it is over.  Traces are texts;
 * ksmd at its defaults has a turn at 0, 24, 48 … ms (20 ms of sleep and the
 * tick after, at 250 Hz), each of them a full scan of what is so small.
 */
#include <errno.h>
#include <string.h>

#include "sim/run/run.h"
#include "tests/support/box.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

#define TURN_NS UINT64_C(24000000)
#define MS UINT64_C(1000000)
#define SAMPLES 16

#define HEAD "dedupsim-trace 1.0\ncontent 1 rule id 1\ncontent 2 rule id 2\n"
/* Two equal pages and a third one, at once. */
#define THREE                                                                  \
	HEAD "0 space 0\n"                                                     \
	     "0 map 0 512 8 mergeable\n"                                       \
	     "0 write 0 512 1\n"                                               \
	     "0 write 0 513 1\n"                                               \
	     "0 write 0 514 2\n"

static struct box box;
static struct err err;
static struct run_result res;

/* The options of the engine that runs. */
static union {
	max_align_t align;
	char bytes[512];
} opts;

/* Samples as they came; the run ends with an error at sample fail_at. */
static struct {
	unsigned n, fail_at;
	uint64_t ns[SAMPLES];
	int64_t sharing[SAMPLES], pages[SAMPLES];
} samples;

static void setup(void)
{
	box_init(&box);
	memset(&samples, 0, sizeof(samples));
	memset(&res, 0, sizeof(res));
}

static void teardown(void)
{
	run_result_fini(&res);
	box_fini(&box);
}

static int note_sample(void *ctx, ns_t now, const struct rows *rows)
{
	ck_assert_ptr_eq(ctx, &samples);
	ck_assert_uint_lt(samples.n, SAMPLES);
	samples.ns[samples.n] = now.v;
	samples.sharing[samples.n] = rows_get(rows, "ksm", "pages_sharing", -1);
	samples.pages[samples.n] =
		rows_get(rows, "machine", "mapped_pages", -1);
	return ++samples.n == samples.fail_at ? -EIO : 0;
}

static struct run_config config(const char *engine)
{
	const struct engine_ops *ops = engine_find(engine, NULL);

	ck_assert_ptr_nonnull(ops);
	ck_assert_uint_le(ops->opts_size, sizeof(opts));
	opt_defaults(ops->opts, &opts);
	return (struct run_config){
		.ops = ops,
		.opts = &opts,
		.threads = 1,
		.seed = 1,
		.paranoid = 1,
	};
}

static void set(const char *key, const char *value)
{
	ck_assert_int_eq(opt_set(engine_ksm.opts, &opts, key, value, NULL), 0);
}

/* A run of a text; its return value. */
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
	ck_assert_str_eq(err.text, "");
}

static int64_t got(const char *scope, const char *name)
{
	ck_assert_msg(rows_has(&res.results, scope, name), "%s.%s", scope,
		      name);
	return rows_get(&res.results, scope, name, -1);
}

/* ---- when it ends ---- */

START_TEST(the_words_of_until_are_read)
{
	enum until u;
	uint64_t v;

	ck_assert_int_eq(run_until("end", &u, &v, NULL), 0);
	ck_assert_int_eq(u, UNTIL_END);
	ck_assert_int_eq(run_until("fixpoint", &u, &v, NULL), 0);
	ck_assert_int_eq(u, UNTIL_FIXPOINT);
	ck_assert_int_eq(run_until("scans=12", &u, &v, NULL), 0);
	ck_assert_int_eq(u, UNTIL_SCANS);
	ck_assert_uint_eq(v, 12);
	ck_assert_int_eq(run_until("1.5s", &u, &v, NULL), 0);
	ck_assert_int_eq(u, UNTIL_TIME);
	ck_assert_uint_eq(v, 1500 * MS);
}
END_TEST

START_TEST(other_words_of_until_are_refused)
{
	static const char *const bad[] = {
		"",	    "END",	"fix", "scans", "scans=", "scans=0",
		"scans=-1", "scans=1x", "12",  "-1s",	"5 s",	  "endless",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		enum until u;
		uint64_t v;
		char want[80];

		err.text[0] = '\0';
		ck_assert_int_eq(run_until(bad[i], &u, &v, &err), -EINVAL);
		snprintf(want, sizeof(want), "--until: \"%s\" is none of ",
			 bad[i]);
		ck_assert_int_eq(strncmp(err.text, want, strlen(want)), 0);
	}
}
END_TEST

START_TEST(a_trace_of_one_instant_runs_to_the_fixpoint)
{
	struct run_config cfg = config("ksm");

	play(THREE, &cfg);
	ck_assert_str_eq(res.ended,
			 "at the fixpoint: every page was visited three "
			 "times, nothing changed");
	ck_assert_int_eq(got("run", "settled"), 1);
	ck_assert_int_eq(got("ksm", "pages_shared"), 1);
	ck_assert_int_eq(got("ksm", "pages_sharing"), 1);
	ck_assert_int_eq(got("run", "trace_events"), 5);
	ck_assert_int_eq(got("run", "most_saved_scans"), 2);
	ck_assert_int_eq(got("run", "most_saved_ns"), (int64_t)TURN_NS);
	ck_assert_int_eq(got("run", "spaces_live"), 1);
	ck_assert_int_eq(got("run", "scans"), got("ksm", "full_scans"));
	ck_assert_int_eq(got("run", "end_ns"),
			 (got("run", "scans") - 1) * (int64_t)TURN_NS);
}
END_TEST

START_TEST(a_longer_trace_ends_with_its_last_event)
{
	struct run_config cfg = config("ksm");

	play(THREE "50ms mark\n", &cfg);
	ck_assert_str_eq(res.ended, "with the trace");
	ck_assert_int_eq(got("run", "end_ns"), 50 * (int64_t)MS);
	ck_assert_int_eq(got("run", "scans"), 3); /* at 0, 24, 48 ms */
	ck_assert_int_eq(got("run", "settled"), 0);
	ck_assert_int_eq(got("ksm", "pages_sharing"), 1);
	cfg.until = UNTIL_END;
	play(THREE, &cfg);
	ck_assert_int_eq(got("run", "end_ns"), 0);
	ck_assert_int_eq(got("run", "scans"), 1); /* the turn of that time */
	ck_assert_int_eq(got("run", "most_saved_ns"), -1);
	ck_assert_int_eq(got("run", "most_saved_scans"), -1);
}
END_TEST

START_TEST(the_fixpoint_is_after_the_last_event)
{
	struct run_config cfg = config("ksm");

	/* All has long been quiet when the third page becomes equal. */
	set("smart_scan", "0");
	cfg.until = UNTIL_FIXPOINT;
	play(THREE "10s write 0 514 1\n", &cfg);
	ck_assert_int_eq(got("run", "settled"), 1);
	ck_assert_int_eq(got("ksm", "pages_sharing"), 2);
	ck_assert_int_gt(got("run", "end_ns"), 10000 * (int64_t)MS);
	/* Nor is a run settled whose trace ends with a change. */
	cfg.until = UNTIL_END;
	play(THREE "10s write 0 514 1\n", &cfg);
	ck_assert_int_eq(got("run", "settled"), 0);
	play(THREE "10s mark\n", &cfg);
	ck_assert_int_eq(got("run", "settled"), 1);
}
END_TEST

START_TEST(a_number_of_scans_ends_it_events_or_not)
{
	struct run_config cfg = config("ksm");

	cfg.until = UNTIL_SCANS;
	cfg.until_value = 4;
	play(THREE "60ms write 0 515 1\n1s write 0 516 1\n", &cfg);
	ck_assert_str_eq(res.ended, "after the number of full scans asked for");
	ck_assert_int_eq(got("run", "scans"), 4);
	ck_assert_int_eq(got("run", "end_ns"), 3 * (int64_t)TURN_NS);
	ck_assert_int_eq(got("run", "trace_events"), 6);
	play(THREE, &cfg);
	ck_assert_int_eq(got("run", "scans"), 4);
	ck_assert_int_eq(got("run", "end_ns"), 3 * (int64_t)TURN_NS);
}
END_TEST

START_TEST(a_time_ends_it_before_and_behind_the_trace)
{
	struct run_config cfg = config("ksm");

	cfg.until = UNTIL_TIME;
	cfg.until_value = 30 * MS;
	play(THREE "30ms write 0 515 1\n31ms write 0 516 1\n", &cfg);
	ck_assert_str_eq(res.ended, "at the time asked for");
	ck_assert_int_eq(got("run", "end_ns"), 30 * (int64_t)MS);
	ck_assert_int_eq(got("run", "trace_events"), 6);
	ck_assert_int_eq(got("run", "scans"), 2);
	cfg.until_value = 10 * TURN_NS;
	play(THREE, &cfg);
	ck_assert_int_eq(got("run", "end_ns"), 10 * (int64_t)TURN_NS);
	ck_assert_int_eq(got("run", "scans"), 11); /* that turn too */
	cfg.until_value = 0;
	play(THREE "1 write 0 515 1\n", &cfg);
	ck_assert_int_eq(got("run", "trace_events"), 5);
	ck_assert_int_eq(got("run", "scans"), 1);
}
END_TEST

START_TEST(it_ends_when_nothing_will_be_done_any_more)
{
	struct run_config cfg = config("ksm");

	cfg.until = UNTIL_FIXPOINT;
	set("run", "0");
	play(THREE, &cfg);
	ck_assert_str_eq(res.ended, "when nothing was left to do");
	ck_assert_int_eq(got("run", "settled"), 0);
	/* ksmd has its turns but may not look at a page */
	set("run", "1");
	set("pages_to_scan", "0");
	play(THREE, &cfg);
	ck_assert_str_eq(res.ended,
			 "unsettled: the background work does nothing");
	ck_assert_int_eq(got("run", "settled"), 0);
	cfg.until = UNTIL_SCANS;
	cfg.until_value = 1;
	play(THREE, &cfg);
	ck_assert_int_eq(got("run", "scans"), 0);
}
END_TEST

START_TEST(a_still_picture_has_everything_at_once)
{
	struct run_config cfg = config("ksm");

	cfg.still = true;
	cfg.at = NS(2000 * MS);
	play(THREE "2s write 0 514 1\n2s exit 0\n", &cfg);
	ck_assert_int_eq(got("run", "trace_events"), 7);
	ck_assert_int_eq(got("run", "end_ns"), 0);
	cfg.at = NS(2000 * MS - 1);
	play(THREE "1s write 0 514 1\n2s write 0 512 2\n", &cfg);
	ck_assert_str_eq(res.ended,
			 "at the fixpoint: every page was visited three "
			 "times, nothing changed");
	ck_assert_int_eq(got("run", "trace_events"), 6);
	ck_assert_int_eq(got("ksm", "pages_sharing"), 2);
	ck_assert_int_eq(got("run", "most_saved_ns"), (int64_t)TURN_NS);
}
END_TEST

START_TEST(a_trace_of_nothing_is_a_run)
{
	static const char *const names[] = {"none", "oracle", "ksm"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct run_config cfg = config(names[i]);

		play("dedupsim-trace 1.0\n", &cfg);
		ck_assert_int_eq(got("run", "end_ns"), 0);
		ck_assert_int_eq(got("run", "trace_events"), 0);
		ck_assert_int_eq(got("saved", "saved_pages"), 0);
		ck_assert_int_eq(got("run", "most_saved_ns"), -1);
	}
}
END_TEST

/* ---- what comes first ---- */

START_TEST(at_equal_times_events_come_before_turns)
{
	struct run_config cfg = config("ksm");

	/* The turn at 24 ms would merge pages 512 and 513. */
	play(THREE "24ms write 0 513 2\n25ms mark\n", &cfg);
	ck_assert_int_eq(got("ksm", "pages_sharing"), 0);
	ck_assert_int_eq(got("ksm", "cow_ksm"), 0);
	play(THREE "24000001 write 0 513 2\n25ms mark\n", &cfg);
	ck_assert_int_eq(got("ksm", "cow_ksm"), 1);
}
END_TEST

START_TEST(at_equal_times_samples_come_last)
{
	struct run_config cfg = config("ksm");

	cfg.sample = note_sample;
	cfg.sample_ctx = &samples;
	cfg.interval = NS(TURN_NS);
	play(THREE "48ms write 0 515 2\n48ms unmap 0 512 1\n72ms mark\n", &cfg);
	ck_assert_uint_ge(samples.n, 4);
	ck_assert_uint_eq(samples.ns[0], 0);
	ck_assert_int_eq(samples.pages[0], 3);
	ck_assert_uint_eq(samples.ns[1], 24 * MS);
	ck_assert_int_eq(samples.sharing[1], 1); /* after the turn */
	ck_assert_uint_eq(samples.ns[2], 48 * MS);
	ck_assert_int_eq(samples.pages[2], 3); /* after both events */
}
END_TEST

START_TEST(samples_are_at_the_multiples_and_at_the_end)
{
	static const uint64_t want[] = {0, 10 * MS, 20 * MS, 30 * MS, 35 * MS};
	struct run_config cfg = config("ksm");

	cfg.sample = note_sample;
	cfg.sample_ctx = &samples;
	cfg.interval = NS(10 * MS);
	play(THREE "35ms mark\n", &cfg);
	ck_assert_uint_eq(samples.n, sizeof(want) / sizeof(want[0]));
	for (unsigned i = 0; i < samples.n; i++) {
		ck_assert_uint_eq(samples.ns[i], want[i]);
		ck_assert_int_eq(samples.sharing[i], want[i] >= TURN_NS);
	}
}
END_TEST

START_TEST(samples_go_on_without_anything_happening)
{
	struct run_config cfg = config("none");

	cfg.sample = note_sample;
	cfg.sample_ctx = &samples;
	cfg.interval = NS(1000 * MS);
	cfg.until = UNTIL_TIME;
	cfg.until_value = 2500 * MS;
	play(THREE, &cfg);
	ck_assert_uint_eq(samples.n, 4);
	ck_assert_uint_eq(samples.ns[2], 2000 * MS);
	ck_assert_uint_eq(samples.ns[3], 2500 * MS);
}
END_TEST

START_TEST(a_sample_that_cannot_be_written_ends_the_run)
{
	struct run_config cfg = config("ksm");

	cfg.sample = note_sample;
	cfg.sample_ctx = &samples;
	cfg.interval = NS(10 * MS);
	samples.fail_at = 2;
	ck_assert_int_eq(try(THREE "35ms mark\n", &cfg), -EIO);
	ck_assert_uint_eq(samples.n, 2);
	ck_assert_uint_eq(res.results.n, 0);
}
END_TEST

/* ---- what it says ---- */

START_TEST(every_engine_says_what_was_saved)
{
	struct run_config cfg = config("none");

	play(THREE, &cfg);
	ck_assert_int_eq(got("saved", "saved_pages"), 0);
	ck_assert_int_eq(got("none", "effects"), 5);
	ck_assert_int_eq(got("run", "scans"), 0);
	cfg = config("oracle");
	play(THREE "0 write 0 515 0\n0 write 0 516 0\n0 write 0 517 1\n", &cfg);
	ck_assert_int_eq(got("saved", "saved_pages"), 3);
	ck_assert_int_eq(got("saved", "zero_pages"), 1);
	ck_assert_int_eq(got("oracle", "distinct_nonzero_contents"), 2);
	cfg = config("ksm");
	play(THREE "0 write 0 515 0\n0 write 0 516 0\n0 write 0 517 1\n", &cfg);
	ck_assert_int_eq(got("saved", "saved_pages"), 3);
	ck_assert_int_eq(got("saved", "zero_pages"), 1);
	ck_assert_int_eq(got("run", "possible_pages"), 3);
}
END_TEST

START_TEST(spaces_have_rows_and_the_living_are_counted)
{
	struct run_config cfg = config("ksm");

	play(THREE "0 fork 1 0\n0 space 2\n0 exit 0\n", &cfg);
	ck_assert_int_eq(got("run", "spaces_live"), 2);
	ck_assert_uint_eq(res.spaces.n % 3, 0);
	ck_assert_uint_gt(res.spaces.n, 0);
	ck_assert_int_eq(res.spaces.v[0].index, 0);
	ck_assert_int_eq(res.spaces.v[res.spaces.n - 1].index, 2);
}
END_TEST

START_TEST(most_is_saved_when_it_was_there_to_stay)
{
	struct run_config cfg = config("ksm");

	/* Merged at 24 ms, broken at 200 ms, merged again after that. */
	cfg.until = UNTIL_FIXPOINT;
	set("smart_scan", "0");
	play(THREE "200ms write 0 513 2\n300ms write 0 513 1\n", &cfg);
	ck_assert_int_eq(got("ksm", "pages_sharing"), 1);
	ck_assert_int_gt(got("run", "most_saved_ns"), 300 * (int64_t)MS);
	ck_assert_int_le(got("run", "most_saved_ns"), 400 * (int64_t)MS);
}
END_TEST

START_TEST(an_event_that_cannot_be_has_its_place)
{
	struct run_config cfg = config("ksm");
	char want[BOX_PATH_MAX + 80];

	ck_assert_int_eq(try(THREE "\n1s write 0 9000 1\n", &cfg), -EINVAL);
	snprintf(want, sizeof(want), "%s:10: vpn 9000 is not mapped",
		 box_path(&box, "t.txt").text);
	ck_assert_str_eq(err.text, want);
	ck_assert_int_eq(try(THREE "1s map 0 513 1\n", &cfg), -EINVAL);
	snprintf(want, sizeof(want), "%s:9: vpn 513 is mapped already",
		 box_path(&box, "t.txt").text);
	ck_assert_str_eq(err.text, want);
	ck_assert_uint_eq(res.results.n, 0);
	ck_assert_uint_eq(res.spaces.n, 0);
}
END_TEST

static void note_progress(void *ctx, uint64_t events, uint64_t total)
{
	uint64_t *calls = ctx;

	ck_assert_uint_eq(events, 65536 * ++*calls);
	ck_assert_uint_eq(total, 140000);
}

START_TEST(progress_is_told_now_and_then)
{
	struct run_config cfg = config("none");
	uint64_t calls = 0;
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(f);
	fputs("dedupsim-trace 1.0\n", f);
	for (int i = 0; i < 140000; i++)
		fputs("0 mark\n", f);
	ck_assert_int_eq(fclose(f), 0);
	cfg.paranoid = 0;
	cfg.progress = note_progress;
	cfg.progress_ctx = &calls;
	play(text, &cfg);
	ck_assert_uint_eq(calls, 2);
	free(text);
}
END_TEST

/* ---- the environment ---- */

static const char busy[] =
	THREE "0 fork 1 0\n1ms write 1 514 1\n30ms pin 0 514 1\n"
	      "60ms unmap 1 513 1\n90ms exit 1\n91ms mark\n";

static int whole(void *ctx)
{
	struct run_result out = {0};
	struct trace *t;
	int ret = trace_open(&t, ctx, NULL);

	if (ret)
		return ret;
	samples.n = 0;
	{
		struct run_config cfg = config("ksm");

		cfg.sample = note_sample;
		cfg.sample_ctx = &samples;
		cfg.interval = NS(50 * MS);
		ret = run_trace(t, &cfg, &out, NULL);
	}
	trace_close(t);
	run_result_fini(&out);
	return ret;
}

START_TEST(running_out_of_memory_is_survived_anywhere)
{
	struct box_path path = box_path(&box, "t.txt");

	box_write(&box, "t.txt", busy, strlen(busy));
	fail_mem_walk(whole, path.text);
}
END_TEST

START_TEST(threads_do_not_change_a_row)
{
	struct run_config cfg = config("ksm");
	struct rows first;

	play(busy, &cfg);
	first = res.results;
	res.results = (struct rows){0};
	cfg.threads = 3;
	play(busy, &cfg);
	ck_assert_uint_eq(first.n, res.results.n);
	for (size_t i = 0; i < first.n; i++) {
		ck_assert_str_eq(first.v[i].name, res.results.v[i].name);
		ck_assert_int_eq(first.v[i].value, res.results.v[i].value);
	}
	rows_fini(&first);
}
END_TEST

static Suite *run_suite(void)
{
	const TTest *const tests[] = {
		the_words_of_until_are_read,
		other_words_of_until_are_refused,
		a_trace_of_one_instant_runs_to_the_fixpoint,
		a_longer_trace_ends_with_its_last_event,
		the_fixpoint_is_after_the_last_event,
		a_number_of_scans_ends_it_events_or_not,
		a_time_ends_it_before_and_behind_the_trace,
		it_ends_when_nothing_will_be_done_any_more,
		a_still_picture_has_everything_at_once,
		a_trace_of_nothing_is_a_run,
		at_equal_times_events_come_before_turns,
		at_equal_times_samples_come_last,
		samples_are_at_the_multiples_and_at_the_end,
		samples_go_on_without_anything_happening,
		a_sample_that_cannot_be_written_ends_the_run,
		every_engine_says_what_was_saved,
		spaces_have_rows_and_the_living_are_counted,
		most_is_saved_when_it_was_there_to_stay,
		an_event_that_cannot_be_has_its_place,
		progress_is_told_now_and_then,
		running_out_of_memory_is_survived_anywhere,
		threads_do_not_change_a_row,
	};
	Suite *s = suite_create("run");
	TCase *t = tcase_create("run");

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(t, tests[i]);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(run_suite());
}
