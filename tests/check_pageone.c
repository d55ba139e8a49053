/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * PageONE: each line of its table of states, and what follows from them.
 */
#include <errno.h>
#include <string.h>

#include "sim/engine/pageone/pageone.h"
#include "sim/run/run.h"
#include "sim/run/workload_trace.h"
#include "tests/support/main.h"
#include "tests/support/rig.h"

#define BASE UINT64_C(512)

/* Every walk is a merge scan; the timer follows half a period later. */
static const char *const plain[] = {"base_period",
				    "1s",
				    "merge_period",
				    "1s",
				    "timer_period",
				    "500ms",
				    "workers",
				    "1",
				    NULL};
static const char *const two_threads[] = {"base_period",
					  "1s",
					  "merge_period",
					  "1s",
					  "timer_period",
					  "500ms",
					  "workers",
					  "2",
					  NULL};

static struct pageone *pone(const struct rig *r)
{
	return (struct pageone *)r->engine;
}

static uint32_t frame_at(const struct rig *r, uint32_t space, uint64_t vpn)
{
	return machine_frame_of(r->machine, rig_pte(r, space, vpn));
}

static const struct pone_frame *at(const struct rig *r, uint32_t space,
				   uint64_t vpn)
{
	return &pone(r)->frame[frame_at(r, space, vpn)];
}

static enum pone_state state(const struct rig *r, uint32_t space, uint64_t vpn)
{
	return (enum pone_state)at(r, space, vpn)->state;
}

#define ck_state(space, vpn, is) ck_assert_int_eq(state(&r, space, vpn), is)

/* Turns until the daemon has walked once more: queues are not looked at yet. */
static void walk(struct rig *r)
{
	uint64_t walks = pone(r)->walks;

	while (pone(r)->walks == walks)
		ck_assert_int_eq(rig_turn(r), 0);
	rig_check(r);
}

/* The timer fires: everything in the queues is done. */
static void work(struct rig *r)
{
	ck_assert_int_eq(rig_turn(r), 0);
	ck_assert_uint_eq(pone(r)->insert.n, 0);
	rig_check(r);
}

static void guest(struct rig *r, uint32_t space, uint64_t pages)
{
	rig_do(r, ev_space(space));
	rig_do(r, ev_map(space, BASE, pages, EVF_MERGEABLE));
}

/* One guest of 8 pages; pages 0 … n - 1 hold contents 1 … n. */
static void begin(struct rig *r, const char *const *set, unsigned n)
{
	rig_init(r, "pageone", RULE_KEY, 20, set);
	guest(r, 0, 8);
	for (unsigned i = 0; i < n; i++)
		rig_do(r, ev_write(0, BASE + i, i + 1));
}

/* Walks until a page that is written now and then left alone is in @is. */
static void walk_to(struct rig *r, uint64_t vpn, enum pone_state is)
{
	for (unsigned i = 0; i < 40 && state(r, 0, vpn) != is; i++)
		ck_assert_int_eq(rig_turn(r), 0);
	ck_assert_int_eq(state(r, 0, vpn), is);
}

START_TEST(a_fault_of_a_guest_makes_a_page_volatile)
{
	struct rig r;

	begin(&r, plain, 1);
	ck_state(0, BASE, PONE_VOLATILE);
	ck_assert_uint_eq(at(&r, 0, BASE)->v, 1);
	ck_assert_uint_eq(at(&r, 0, BASE)->s, 0);
	/* a second write changes nothing */
	rig_do(&r, ev_write(0, BASE, 7));
	ck_assert_uint_eq(at(&r, 0, BASE)->v, 1);
	/* files, shared memory and other processes are not looked at */
	rig_do(&r, ev_map(0, BASE + 100, 1, EVF_FILE | EVF_MERGEABLE));
	rig_do(&r, ev_write(0, BASE + 100, 3));
	rig_do(&r, ev_map(0, BASE + 200, 1, 0));
	rig_do(&r, ev_write(0, BASE + 200, 3));
	ck_assert_uint_eq(pone(&r)->states[PONE_VOLATILE], 1);
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(a_quiet_page_is_counted_protected_and_inserted_scan_by_scan)
{
	struct rig r;

	begin(&r, plain, 1);
	walk(&r);
	ck_state(0, BASE, PONE_VOLATILE);
	ck_assert_uint_eq(at(&r, 0, BASE)->s, 1);
	walk(&r);
	ck_state(0, BASE, PONE_ENQUE);
	ck_assert_uint_eq(at(&r, 0, BASE)->s, 0);
	work(&r);
	ck_state(0, BASE, PONE_WATCH);
	ck_assert_uint_eq(at(&r, 0, BASE)->v, 2);
	walk(&r);
	ck_state(0, BASE, PONE_WATCH_QUE);
	work(&r);
	ck_state(0, BASE, PONE_FIX);
	ck_assert_uint_eq(pone(&r)->objects, 1);
	ck_assert_uint_eq(r.machine->merged_frames, 1);
	rig_fini(&r);
}
END_TEST

START_TEST(a_page_without_a_count_is_queued_at_once)
{
	struct rig r;

	begin(&r, plain, 1);
	pone(&r)->frame[frame_at(&r, 0, BASE)].v = 0;
	walk(&r);
	ck_state(0, BASE, PONE_ENQUE);
	rig_fini(&r);
}
END_TEST

START_TEST(an_equal_page_is_replaced_by_the_one_that_is_stored)
{
	struct rig r;
	uint32_t first;

	begin(&r, plain, 1);
	rig_do(&r, ev_write(0, BASE + 1, 1));
	first = frame_at(&r, 0, BASE);
	walk_to(&r, BASE, PONE_FIX);
	ck_assert_uint_eq(frame_at(&r, 0, BASE), first);
	ck_assert_uint_eq(frame_at(&r, 0, BASE + 1), first);
	ck_assert_uint_eq(pone(&r)->merged, 1);
	ck_assert_uint_eq(pone(&r)->refs, 2);
	ck_assert_uint_eq(pone(&r)->objects, 1);
	ck_assert_uint_eq(machine_frames(r.machine), 1);
	ck_assert_int_eq(rig_row(&r, "saved", "saved_pages"), 1);
	ck_assert_int_eq(rig_row(&r, "pageone", "longest_rmap_walk"), 1);
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(another_threads_space_is_replaced_by_that_thread)
{
	unsigned passed = 0;
	struct rig r;

	rig_init(&r, "pageone", RULE_KEY, 20, two_threads);
	for (uint32_t s = 0; s < 6; s++) {
		guest(&r, s, 1);
		rig_do(&r, ev_write(s, BASE, 1));
	}
	walk_to(&r, BASE, PONE_FIX);
	while (pone(&r)->merged < 5)
		ck_assert_int_eq(rig_turn(&r), 0);
	for (unsigned w = 0; w < 2; w++)
		passed += pone(&r)->worker[w].replace.longest > 0;
	/* six spaces, two threads, one queue of pages to insert */
	ck_assert_uint_gt(passed, 0);
	ck_assert_uint_gt(pone(&r)->worker[0].owned, 0);
	ck_assert_uint_gt(pone(&r)->worker[1].owned, 0);
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(a_write_to_a_watched_page_stays_in_place)
{
	struct rig r;
	uint32_t f;

	begin(&r, plain, 1);
	walk_to(&r, BASE, PONE_WATCH);
	f = frame_at(&r, 0, BASE);
	rig_do(&r, ev_write(0, BASE, 5));
	ck_assert_uint_eq(frame_at(&r, 0, BASE), f);
	ck_state(0, BASE, PONE_VOLATILE);
	ck_assert_uint_eq(at(&r, 0, BASE)->v, 3);
	ck_assert_uint_eq(r.meter.count[OP_WP_FAULT], 1);
	ck_assert_uint_eq(r.meter.count[OP_COW_BREAK], 0);
	ck_assert_uint_eq(pone(&r)->reused_in_place, 1);
	/* it can be written now */
	rig_do(&r, ev_write(0, BASE, 6));
	ck_assert_uint_eq(r.meter.count[OP_WP_FAULT], 1);
	rig_fini(&r);
}
END_TEST

START_TEST(a_write_to_a_queued_page_is_copied_if_it_is_protected)
{
	struct rig r;
	uint32_t f;

	begin(&r, plain, 1);
	walk_to(&r, BASE, PONE_ENQUE);
	f = frame_at(&r, 0, BASE);
	/* not protected yet: nobody sees the write */
	rig_do(&r, ev_write(0, BASE, 5));
	ck_assert_uint_eq(frame_at(&r, 0, BASE), f);
	ck_state(0, BASE, PONE_ENQUE);
	walk_to(&r, BASE, PONE_WATCH_QUE);
	rig_do(&r, ev_write(0, BASE, 6));
	ck_assert_uint_ne(frame_at(&r, 0, BASE), f);
	ck_state(0, BASE, PONE_VOLATILE);
	ck_assert_uint_eq(at(&r, 0, BASE)->v, 1);
	ck_assert_uint_eq(r.meter.count[OP_COW_BREAK], 1);
	/* the old frame is kept until the queue has been there */
	ck_assert_int_eq(pone_state(pone(&r), f), PONE_IDLE);
	ck_assert_uint_eq(machine_frames(r.machine), 2);
	rig_check(&r);
	work(&r);
	ck_assert_int_eq(pone_state(pone(&r), f), PONE_NULL);
	ck_assert_uint_eq(machine_frames(r.machine), 1);
	ck_assert_uint_eq(pone(&r)->objects, 0);
	rig_fini(&r);
}
END_TEST

START_TEST(a_write_to_a_stored_page_is_copied_and_deletes_one_reference)
{
	struct rig r;
	uint32_t f;

	begin(&r, plain, 1);
	rig_do(&r, ev_write(0, BASE + 1, 1));
	walk_to(&r, BASE, PONE_FIX);
	f = frame_at(&r, 0, BASE);
	rig_do(&r, ev_write(0, BASE + 1, 9));
	ck_assert_uint_eq(pone(&r)->refs, 1);
	ck_assert_int_eq(pone_state(pone(&r), f), PONE_FIX);
	ck_state(0, BASE + 1, PONE_VOLATILE);
	ck_assert_uint_eq(pone(&r)->sd_in_fault, 1);
	/* not in place, though one mapping is left */
	rig_do(&r, ev_write(0, BASE, 9));
	ck_assert_uint_ne(frame_at(&r, 0, BASE), f);
	ck_assert_uint_eq(pone(&r)->objects, 0);
	ck_assert_uint_eq(pone(&r)->refs, 0);
	ck_assert_int_eq(pone_state(pone(&r), f), PONE_NULL);
	ck_assert_uint_eq(machine_frames(r.machine), 2);
	ck_assert_uint_gt(r.meter.count[OP_SD_SEARCH], 1);
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(unmapping_frees_at_once_or_when_the_queue_was_there)
{
	static const struct {
		enum pone_state state;
		bool idle;
	} of[] = {
		{PONE_VOLATILE, false}, {PONE_ENQUE, true}, {PONE_WATCH, false},
		{PONE_WATCH_QUE, true}, {PONE_FIX, false},
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		struct rig r;
		uint32_t f;

		begin(&r, plain, 1);
		walk_to(&r, BASE, of[i].state);
		f = frame_at(&r, 0, BASE);
		rig_do(&r, ev_range(EV_FREE, 0, BASE, 1));
		ck_assert_int_eq(pone_state(pone(&r), f),
				 of[i].idle ? PONE_IDLE : PONE_NULL);
		ck_assert_uint_eq(machine_frames(r.machine), of[i].idle);
		rig_check(&r);
		/* the allocator does not hand out an idle frame */
		rig_do(&r, ev_write(0, BASE + 1, 2));
		ck_assert_int_eq(frame_at(&r, 0, BASE + 1) != f, of[i].idle);
		walk(&r);
		walk(&r);
		walk(&r);
		ck_assert_uint_eq(pone(&r)->states[PONE_IDLE], 0);
		ck_assert_uint_eq(machine_frames(r.machine), 1);
		rig_fini(&r);
	}
}
END_TEST

START_TEST(a_fork_is_a_mapping_gained)
{
	static const struct {
		enum pone_state before, after;
		unsigned v; /* more than before */
	} of[] = {
		{PONE_VOLATILE, PONE_VOLATILE, 0},
		{PONE_ENQUE, PONE_CHG, 0},
		{PONE_WATCH, PONE_VOLATILE, 1},
		{PONE_WATCH_QUE, PONE_CHG, 0},
		{PONE_FIX, PONE_FIX, 0},
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		struct rig r;
		unsigned v;

		begin(&r, plain, 1);
		walk_to(&r, BASE, of[i].before);
		v = at(&r, 0, BASE)->v;
		rig_do(&r, ev_fork(1, 0));
		ck_state(1, BASE, of[i].after);
		ck_assert_uint_eq(at(&r, 0, BASE)->v, v + of[i].v);
		rig_check(&r);
		if (of[i].after == PONE_FIX)
			ck_assert_uint_eq(pone(&r)->refs, 2);
		if (of[i].after != PONE_CHG) {
			rig_fini(&r);
			continue;
		}
		/* volatile again once the queue has been there, v as it was */
		work(&r);
		ck_state(1, BASE, PONE_VOLATILE);
		ck_assert_uint_eq(at(&r, 0, BASE)->v, v);
		rig_fini(&r);
	}
}
END_TEST

START_TEST(pages_that_are_mapped_twice_or_pinned_are_not_protected)
{
	struct rig r;
	unsigned v;

	begin(&r, plain, 2);
	rig_do(&r, ev_fork(1, 0));
	walk_to(&r, BASE, PONE_ENQUE);
	v = at(&r, 0, BASE)->v;
	work(&r);
	ck_state(0, BASE, PONE_VOLATILE);
	ck_assert_uint_eq(at(&r, 0, BASE)->v, v + 1);
	ck_assert_uint_eq(pone(&r)->protect_fails, 2);
	/* alone again, wherever the page is */
	rig_do(&r, ev_exit(0));
	for (unsigned i = 0; i < 30; i++)
		ck_assert_int_eq(rig_turn(&r), 0);
	ck_state(1, BASE, PONE_FIX);
	rig_check(&r);
	rig_fini(&r);

	begin(&r, plain, 1);
	rig_do(&r, ev_range(EV_PIN, 0, BASE, 1));
	walk_to(&r, BASE, PONE_ENQUE);
	work(&r);
	ck_state(0, BASE, PONE_VOLATILE);
	ck_assert_uint_eq(pone(&r)->protect_fails, 1);
	rig_check(&r);
	rig_fini(&r);

	/* pinned while it waits for the tree */
	begin(&r, plain, 1);
	walk_to(&r, BASE, PONE_WATCH_QUE);
	rig_do(&r, ev_range(EV_PIN, 0, BASE, 1));
	work(&r);
	ck_state(0, BASE, PONE_VOLATILE);
	ck_assert_uint_eq(pone(&r)->insert_refusals, 1);
	rig_fini(&r);
}
END_TEST

/* Dirtied whenever it is watched: v + 1 merge scans until it is queued again,
 * and no more than eight. */
START_TEST(a_page_that_keeps_being_written_waits_longer_and_longer)
{
	unsigned wait[12];
	struct rig r;

	begin(&r, plain, 1);
	for (unsigned i = 0; i < 12; i++) {
		wait[i] = 0;
		do {
			walk(&r);
			wait[i]++;
		} while (state(&r, 0, BASE) != PONE_ENQUE);
		work(&r);
		rig_do(&r, ev_write(0, BASE, 1 + i % 2));
		ck_state(0, BASE, PONE_VOLATILE);
	}
	/* v goes up by the protection and by the fault */
	ck_assert_uint_eq(wait[0], 2);
	ck_assert_uint_eq(wait[1], 4);
	ck_assert_uint_eq(wait[2], 6);
	for (unsigned i = 3; i < 12; i++)
		ck_assert_uint_eq(wait[i], 8);
	ck_assert_uint_eq(pone(&r)->merged, 0);
	rig_fini(&r);
}
END_TEST

START_TEST(periods_are_kept)
{
	struct rig r;

	begin(&r, NULL, 3);
	rig_do(&r, ev_write(0, BASE + 3, 1));
	/* the clock starts at 1 s; walks at 6, 11, 16, 21 s, … */
	while (pone(&r)->merge_scans < 3)
		ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert_uint_eq(r.clock.now.v, 61 * NS_PER_SEC);
	ck_assert_uint_eq(pone(&r)->walks, 12);
	ck_assert_uint_eq(pone(&r)->objects, 0);
	ck_assert_uint_eq(pone(&r)->merged, 0);
	ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert_uint_eq(r.clock.now.v, 61 * NS_PER_SEC + 50 * NS_PER_MSEC);
	ck_assert_uint_eq(pone(&r)->objects, 3);
	ck_assert_uint_eq(pone(&r)->merged, 1);
	rig_fini(&r);
}
END_TEST

START_TEST(nine_bits_for_each_frame_are_counted)
{
	struct rig r;
	int64_t before;

	begin(&r, plain, 0);
	before = rig_row(&r, "saved", "metadata_bytes");
	rig_do(&r, ev_map(0, BASE + 1000, 1000, EVF_MERGEABLE));
	for (unsigned i = 0; i < 1000; i++)
		rig_do(&r, ev_write(0, BASE + 1000 + i, 1));
	/* three maps, 21 frames to a word; beside them only empty trees */
	ck_assert_int_eq(rig_row(&r, "saved", "metadata_bytes") - before,
			 3 * 8 * ((1000 + 20) / 21));
	rig_fini(&r);
}
END_TEST

/* ---- whole runs ---- */

static struct cost xeon;

/* @paranoid: events from one check of everything to the next; 0: never */
static void run_checked(const char *engine, const char *words, uint64_t seed,
			const char *const *set, uint64_t paranoid,
			struct run_result *res)
{
	struct err err = {.text = ""};
	struct run_config cfg = {
		.ops = engine_find(engine, &err),
		.threads = 2,
		.seed = seed,
		.cost = paranoid ? &xeon : NULL,
		.paranoid = paranoid,
	};
	void *opts = mem_zalloc(1, cfg.ops->opts_size);
	struct trace *t;
	int ret;

	ck_assert_ptr_nonnull(opts);
	opt_defaults(cfg.ops->opts, opts);
	for (; set && *set; set += 2)
		ck_assert_int_eq(
			opt_set(cfg.ops->opts, opts, set[0], set[1], &err), 0);
	cfg.opts = opts;
	ck_assert_int_eq(workload_trace_open(&t, words, seed, &err), 0);
	ret = run_trace(t, &cfg, res, &err);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	trace_close(t);
	free(opts);
}

static void run_of(const char *engine, const char *words, uint64_t seed,
		   const char *const *set, struct run_result *res)
{
	run_checked(engine, words, seed, set, 0, res);
}

static int64_t got(const struct run_result *r, const char *scope,
		   const char *name)
{
	ck_assert_msg(rows_has(&r->results, scope, name), "%s", name);
	return rows_get(&r->results, scope, name, -1);
}

/* Still pages: in the end both engines share the same. */
START_TEST(on_still_pages_all_is_shared_that_ksm_shares)
{
	static const char *const words[] = {
		"pageone-easy:scale=1024,zero=20",
		"pageone-hard:scale=1024",
		"ksm-worst:contents=3000,pages=3,vms=2",
		"sd-worst:contents=900,pages=3",
		"equal-million:pages=20000,vms=3",
	};
	static const char *const ksm[] = {"pages_to_scan", "100000",
					  "max_page_sharing", "1000000", NULL};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct run_result a, b;

		run_of("ksm", words[i], 1, ksm, &a);
		run_of("pageone", words[i], 1, NULL, &b);
		ck_assert_int_eq(got(&b, "saved", "saved_pages"),
				 got(&a, "saved", "saved_pages"));
		ck_assert_int_eq(got(&b, "machine", "merged_frames"),
				 got(&b, "pageone", "objects"));
		ck_assert_int_eq(got(&b, "saved", "saved_pages"),
				 got(&b, "run", "possible_pages"));
		run_result_fini(&a);
		run_result_fini(&b);
	}
}
END_TEST

START_TEST(any_number_of_threads_shares_the_same)
{
	static const char *const workers[] = {"1", "2", "7", "24", "64"};

	for (size_t i = 0; i < 5; i++) {
		const char *const set[] = {"workers", workers[i], NULL};
		struct run_result r;

		run_of("pageone", "pageone-hard:scale=4096", 1, set, &r);
		ck_assert_int_eq(got(&r, "saved", "saved_pages"),
				 got(&r, "run", "possible_pages"));
		ck_assert_int_ge(got(&r, "pageone", "first_insert_ns"),
				 (int64_t)(60 * NS_PER_SEC));
		run_result_fini(&r);
	}
}
END_TEST

/* Guests write while threads are busy, and everything stays true. */
START_TEST(guests_and_threads_get_along)
{
	static const char *const words[] = {
		"pageone-hard:scale=4096,rounds=12,change=40",
		"pageone-easy:scale=4096,rounds=12,change=40,period=50ms",
		"pageone-hard:scale=4096,rounds=12,change=30,same=1,period=60s",
	};
	static const char *const often[] = {
		"base_period", "50ms", "merge_period", "100ms", "timer_period",
		"10ms",	       NULL};

	ck_assert_int_eq(cost_load(&xeon, "e5-2650v4", NULL), 0);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct run_result r;

		run_checked("pageone", words[i], i, i == 1 ? often : NULL, 200,
			    &r);
		ck_assert_int_gt(got(&r, "pageone", "cow_copies"), 100);
		ck_assert_int_gt(got(&r, "pageone", "guest_delay_ns"), 0);
		ck_assert_int_ge(got(&r, "pageone", "guest_delay_max_ns"),
				 got(&r, "pageone", "guest_delay_999_ns"));
		ck_assert_int_gt(got(&r, "vcpu", "busy_ns"), 0);
		run_result_fini(&r);
	}
}
END_TEST

/* What CPUs do for each other can only take time. */
START_TEST(threads_help_and_shared_words_hinder)
{
	static const char *const one[] = {"workers", "1", NULL};
	static const char *const many[] = {"workers", "12", NULL};
	static const char *const counting[] = {"workers", "12",
					       "debug_counters", "1", NULL};
	static const char words[] = "pageone-hard:vms=48,size=4GiB,scale=256";
	struct run_result a, b, c;

	ck_assert_int_eq(cost_load(&xeon, "e5-2650v4", NULL), 0);
	run_checked("pageone", words, 1, one, 10000000, &a);
	run_checked("pageone", words, 1, many, 10000000, &b);
	run_checked("pageone", words, 1, counting, 10000000, &c);
#define TIME(r)                                                                \
	(got(&r, "pageone", "last_merge_ns") -                                 \
	 got(&r, "pageone", "first_insert_ns"))
	ck_assert_int_lt(4 * TIME(b), TIME(a));
	ck_assert_int_gt(13 * TIME(b), TIME(a));
	ck_assert_int_gt(TIME(c), TIME(b));
	ck_assert_int_gt(got(&c, "vcpu", "waited_ns"),
			 got(&b, "vcpu", "waited_ns"));
	ck_assert_int_eq(got(&a, "vcpu", "waited_ns"), 0);
#undef TIME
	run_result_fini(&a);
	run_result_fini(&b);
	run_result_fini(&c);
}
END_TEST

START_TEST(a_bad_value_is_one_clear_line)
{
	static const struct {
		const char *key, *value, *says;
	} bad[] = {
		{"workers", "0", "workers"},
		{"workers", "1000000", "1 … 64"},
		{"base_period", "0", "base_period"},
		{"merge_period", "0", "merge_period"},
		{"timer_period", "0", "timer_period"},
		{"merge_period", "7s", "multiple of base_period"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *const set[] = {bad[i].key, bad[i].value, NULL};
		struct rig_config cfg = {.engine = "pageone", .set = set};
		struct rig r;

		rig_contents(&r, RULE_KEY, 3);
		ck_assert_int_eq(rig_start(&r, &cfg), -EINVAL);
		ck_assert_msg(strstr(r.err.text, bad[i].says), "%s",
			      r.err.text);
		ck_assert_ptr_null(strchr(r.err.text, '\n'));
		r.machine = NULL;
		rig_fini(&r);
	}
}
END_TEST

static Suite *pageone_suite(void)
{
	Suite *s = suite_create("pageone");
	TCase *t = tcase_create("states"), *runs = tcase_create("runs");

	tcase_add_test(t, a_fault_of_a_guest_makes_a_page_volatile);
	tcase_add_test(
		t, a_quiet_page_is_counted_protected_and_inserted_scan_by_scan);
	tcase_add_test(t, a_page_without_a_count_is_queued_at_once);
	tcase_add_test(t, an_equal_page_is_replaced_by_the_one_that_is_stored);
	tcase_add_test(t, another_threads_space_is_replaced_by_that_thread);
	tcase_add_test(t, a_write_to_a_watched_page_stays_in_place);
	tcase_add_test(t,
		       a_write_to_a_queued_page_is_copied_if_it_is_protected);
	tcase_add_test(
		t,
		a_write_to_a_stored_page_is_copied_and_deletes_one_reference);
	tcase_add_test(t, unmapping_frees_at_once_or_when_the_queue_was_there);
	tcase_add_test(t, a_fork_is_a_mapping_gained);
	tcase_add_test(t,
		       pages_that_are_mapped_twice_or_pinned_are_not_protected);
	tcase_add_test(t,
		       a_page_that_keeps_being_written_waits_longer_and_longer);
	tcase_add_test(t, periods_are_kept);
	tcase_add_test(t, nine_bits_for_each_frame_are_counted);
	tcase_add_test(t, a_bad_value_is_one_clear_line);
	suite_add_tcase(s, t);
	tcase_set_timeout(runs, 300);
	tcase_add_test(runs, on_still_pages_all_is_shared_that_ksm_shares);
	tcase_add_test(runs, any_number_of_threads_shares_the_same);
	tcase_add_test(runs, guests_and_threads_get_along);
	tcase_add_test(runs, threads_help_and_shared_words_hinder);
	suite_add_tcase(s, runs);
	return s;
}

int main(void)
{
	return check_main(pageone_suite());
}
