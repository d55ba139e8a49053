/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the vectors of tmem do not say: room, blocks, quotas, text, order, traps. */
#include <string.h>

#include "sim/engine/tmem/impl.h"
#include "tests/support/main.h"
#include "tests/support/tmemrig.h"

static struct tmemrig r;

static void set_up(void)
{
	tmemrig_init(&r);
}

static void tear_down(void)
{
	tmemrig_fini(&r);
}

static void start(enum tmem_revision revision, bool as_shipped)
{
	ck_assert_int_eq(tmemrig_start(&r, revision, as_shipped), 0);
}

static struct tmem_client *client(uint32_t id)
{
	uint32_t i = tmem_client(r.t, id);

	ck_assert_uint_ne(i, 0);
	return tmem_client_at(r.t, i);
}

/* ---- blocks ---- */

/* How many records of this kind a frame takes, as the frames grow. */
static uint64_t per_frame(uint64_t bytes, uint64_t header)
{
	return (4064 + 16) / (bytes + header);
}

START_TEST(records_take_what_the_allocator_makes_of_them)
{
	/* 88 -> 96, 80, 528 and 56 -> 64 bytes, 16 of header each */
	start(TMEM_R1, false);
	tmemrig_pool(&r, 1, 0);
	tmemrig_put(&r, 1, 0, 1, 0, 1);
	ck_assert_uint_eq(r.t->stats.meta_bytes, 96 + 112 + 80);
	tmemrig_put(&r, 1, 0, 1, 1, 1);
	ck_assert_uint_eq(r.t->stats.meta_bytes, 96 + 2 * 112 + 80 + 544);
	ck_assert_uint_eq(per_frame(96, 16), 36);
	ck_assert_uint_eq(per_frame(64, 16), 51);
	ck_assert_uint_eq(per_frame(80, 16), 42);
	ck_assert_uint_eq(per_frame(528, 16), 7);
	tmemrig_check(&r);
}
END_TEST

START_TEST(a_frame_holds_as_many_objects_as_were_counted)
{
	/* An object 96, its page 112 and, for the first, a pcd of 80. */
	start(TMEM_R1, false);
	tmemrig_pool(&r, 1, 0);
	for (uint64_t o = 0; r.t->blocks->frames < 2; o++)
		tmemrig_put(&r, 1, 0, o, 0, 1);
	/* 19 * 208 + 80 = 4032 of 4080; the 20th begins a frame. */
	ck_assert_uint_eq(r.t->stats.objects.now, 20);
	tmemrig_check(&r);
	for (uint64_t o = 0; o < 20; o++)
		ck_assert_int_eq(tmemrig_flush(&r, 1, 0, o, 0), 1);
	/* The first frame is never given up.  The second is on the list, with
	 * the content's and the one that the last match left. */
	ck_assert_uint_eq(r.t->blocks->frames, 1);
	ck_assert_uint_eq(r.t->frames.listed, 3);
	tmemrig_check(&r);
}
END_TEST

START_TEST(later_releases_have_longer_objects_and_shorter_pages)
{
	start(TMEM_R3, false);
	tmemrig_pool(&r, 1, 0);
	tmemrig_put(&r, 1, 0, 1, 0, 1);
	ck_assert_uint_eq(r.t->stats.meta_bytes, 144 + 112 + 80);
	tmemrig_stop(&r);
	start(TMEM_R4, false);
	tmemrig_pool(&r, 1, 0);
	tmemrig_put(&r, 1, 0, 1, 0, 1);
	tmemrig_put(&r, 1, 0, 2, 0, 1);
	ck_assert_uint_eq(r.t->stats.meta_bytes, 2 * (144 + 96));
	ck_assert_uint_eq(r.t->stats.pcds.now, 0);
	ck_assert_uint_eq(r.t->stats.frames.now, 2);
	tmemrig_check(&r);
}
END_TEST

/* ---- room ---- */

/* The host has 300 frames, and withholds 2 of them. */
static void fill_host(enum tmem_revision revision, bool as_shipped)
{
	r.cfg.frames = 300;
	start(revision, as_shipped);
	tmemrig_pool(&r, 1, 0);
}

START_TEST(a_put_makes_room_while_less_than_256_frames_are_free)
{
	fill_host(TMEM_R1, false);
	/* Frames that are listed count as free: some 40 pages fit. */
	for (uint32_t i = 0; i < 200; i++)
		ck_assert_int_eq(tmemrig_put(&r, 1, 0, 1, i, 1 + i % 19), 1);
	ck_assert_uint_eq(r.t->stats.evicted, 0); /* they share 19 frames */
	r.cfg.dedup = false;
	tmemrig_stop(&r);
	fill_host(TMEM_R1, false);
	for (uint32_t i = 0; i < 200; i++)
		ck_assert_int_eq(tmemrig_put(&r, 1, 0, 1, i, 1 + i % 19), 1);
	ck_assert_uint_gt(r.t->stats.evicted, 150);
	ck_assert_uint_le(r.t->frames.next, 300 - 2);
	/* 298 are to be had; before each put 256 are free. */
	ck_assert_uint_le(tmem_frames_used(r.t), 298 - 256 + 2);
	/* First put, first gone. */
	ck_assert_int_eq(tmemrig_get(&r, 1, 0, 1, 0), 0);
	ck_assert_int_eq(tmemrig_get(&r, 1, 0, 1, 199), 1);
	tmemrig_check(&r);
}
END_TEST

START_TEST(without_victims_the_first_releases_put_all_the_same)
{
	fill_host(TMEM_R1, false);
	/* Persistent pages are no victims. */
	client(1)->max_pages = 10000;
	tmemrig_pool(&r, 1, TMEM_PERSISTENT);
	for (uint32_t i = 0; i < 100; i++)
		ck_assert_int_eq(tmemrig_put(&r, 1, 1, 1, i, 1), 1);
	ck_assert_uint_eq(r.t->stats.evict_calls % 11, 0);
	ck_assert_uint_gt(r.t->stats.evict_calls, 0);
	tmemrig_stop(&r);
	fill_host(TMEM_R3, false);
	client(1)->max_pages = 10000;
	tmemrig_pool(&r, 1, TMEM_PERSISTENT);
	for (uint32_t i = 0; i < 100; i++)
		if (tmemrig_put(&r, 1, 1, 1, i, 1) != 1) {
			const struct tmem_pool *p =
				tmem_pool_at(r.t, client(1)->pool[1]);

			ck_assert_uint_eq(r.t->stats.evict_calls, 10);
			ck_assert_uint_eq(p->stats.puts, i);
			ck_assert_uint_eq(p->stats.no_mem, 0);
			return;
		}
	ck_abort_msg("R3 gives up");
}
END_TEST

/* Ten shared pages at the old end: R3's walk gives each a second chance, and
 * ends. */
START_TEST(ten_second_chances_make_a_put_of_R3_fail)
{
	for (int shipped = 0; shipped < 2; shipped++) {
		fill_host(TMEM_R3, shipped);
		for (uint32_t i = 0; i < 40; i++)
			tmemrig_put(&r, 1, 0, 1, i, 1);
		r.t->frames.host_free = 100;
		ck_assert_int_eq(tmemrig_put(&r, 1, 0, 1, 99, 2), TMEM_ENOMEM);
		ck_assert_uint_eq(r.t->stats.evicted, shipped ? 0 : 40);
		tmemrig_check(&r);
		tmemrig_stop(&r);
	}
}
END_TEST

START_TEST(the_host_gets_frames_back_when_it_asks)
{
	fill_host(TMEM_R1, false);
	for (uint32_t i = 0; i < 12; i++)
		tmemrig_put(&r, 1, 0, 1, i, 1 + i);
	ck_assert(tmem_relinquish(r.t, &r.meter));
	ck_assert_uint_eq(r.t->stats.evicted, 1);
	ck_assert_uint_eq(r.t->stats.relinquished, 1);
	ck_assert_uint_eq(r.t->frames.listed, 0);
	tmemrig_flush(&r, 1, 0, 1, 11);
	ck_assert_uint_eq(r.t->frames.listed, 1);
	/* 6 KiB are two frames, one of which is there. */
	ck_assert_uint_eq(tmem_flush(r.t, 6, &r.meter), 8);
	ck_assert_uint_eq(r.t->stats.evicted, 2);
	ck_assert_uint_eq(r.t->frames.listed, 0);
	ck_assert_uint_eq(tmem_flush(r.t, 0, &r.meter), 0);
	tmemrig_check(&r);
}
END_TEST

START_TEST(relinquishing_ends_after_ten_pages)
{
	start(TMEM_R1, false);
	tmemrig_pool(&r, 1, 0);
	for (uint32_t i = 0; i < 30; i++)
		tmemrig_put(&r, 1, 0, 1, i, 1); /* one frame in all */
	tmem_flush(r.t, 0, &r.meter); /* what matching puts left on the list */
	ck_assert(!tmem_relinquish(r.t, &r.meter));
	ck_assert_uint_eq(r.t->stats.relinquish_most, 10);
	ck_assert_uint_eq(r.t->stats.relinquish_calls, 1);
	ck_assert_uint_eq(r.t->stats.evicted, 10);
	tmemrig_check(&r);
}
END_TEST

/* ---- quotas ---- */

START_TEST(nobody_is_over_a_quota_without_weights)
{
	start(TMEM_R1, true);
	tmemrig_pool(&r, 1, 0);
	tmemrig_pool(&r, 2, 0);
	tmemrig_put(&r, 1, 0, 1, 0, 1);
	tmemrig_put(&r, 2, 0, 1, 0, 2);
	tmemrig_put(&r, 2, 0, 1, 1, 3);
	ck_assert(!tmem_over_quota(r.t, tmem_client(r.t, 1)));
	tmem_set_weight(r.t, tmem_client(r.t, 2), 50);
	ck_assert(!tmem_over_quota(r.t, tmem_client(r.t, 1)));
	tmem_set_weight(r.t, tmem_client(r.t, 1), 50);
	/* 3 * 100 / 1 > 100 * 100 / 50, and 3 * 100 / 2 < that */
	ck_assert(tmem_over_quota(r.t, tmem_client(r.t, 1)));
	ck_assert(!tmem_over_quota(r.t, tmem_client(r.t, 2)));
	r.t->bad[TMEM_BAD_QUOTA] = false;
	ck_assert(!tmem_over_quota(r.t, tmem_client(r.t, 1)));
	ck_assert(tmem_over_quota(r.t, tmem_client(r.t, 2)));
}
END_TEST

/* ---- R0 ---- */

/* Each copy lies at the end of all frames: what is behind it is not tmem's. */
START_TEST(R0_finds_duplicates_while_different_pages_stand_behind)
{
	for (int shipped = 0; shipped < 2; shipped++) {
		start(TMEM_R0, shipped);
		tmemrig_pool(&r, 1, 0);
		for (uint32_t i = 0; i < 6; i++)
			tmemrig_put(&r, 1, 0, 1, i, 1 + i % 3);
		ck_assert_uint_eq(r.t->stats.matched, 3);
		tmemrig_check(&r);
		tmemrig_stop(&r);
	}
}
END_TEST

/* Frames by number: pages 5 6 | 5 6 with the first of the second pair put last
 * compare on behind their ends, where 6 stands both times. */
START_TEST(R0_walks_into_what_follows_two_equal_pages)
{
	for (int shipped = 0; shipped < 2; shipped++) {
		start(TMEM_R0, shipped);
		tmemrig_pool(&r, 1, 0);
		tmemrig_put(&r, 1, 0, 1, 0, 5); /* frame 1 */
		tmemrig_put(&r, 1, 0, 1, 1, 6); /* frame 2 */
		tmemrig_put(&r, 1, 0, 1, 2, 7); /* frame 3 */
		tmemrig_put(&r, 1, 0, 1, 3, 1); /* frame 4 */
		/* Frame 4 is free, and keeps what it held; its number is given
		 * out again before that of frame 3. */
		tmemrig_flush(&r, 1, 0, 1, 2);
		tmemrig_flush(&r, 1, 0, 1, 3);
		tmemrig_put(&r, 1, 0, 1, 4, 6); /* in frame 4, then freed */
		ck_assert_uint_eq(r.t->stats.matched, 1);
		tmemrig_put(&r, 1, 0, 1, 5, 1); /* frame 4 */
		tmemrig_flush(&r, 1, 0, 1, 5);
		r.t->frames.content[4] = 6;
		/* Frame 3 goes first now, with 6 behind it. */
		r.t->frames.list[r.t->frames.listed - 1] = 3;
		r.t->frames.list[r.t->frames.listed - 2] = 4;
		tmemrig_put(&r, 1, 0, 1, 6, 5);
		ck_assert_uint_eq(r.t->stats.matched, shipped ? 1 : 2);
		ck_assert_uint_eq(r.t->stats.pcds.now, shipped ? 3 : 2);
		tmemrig_check(&r);
		tmemrig_stop(&r);
	}
}
END_TEST

START_TEST(compressed_pages_of_R0_stay_for_ever)
{
	for (int shipped = 0; shipped < 2; shipped++) {
		r.cfg.compress = true;
		start(TMEM_R0, shipped);
		tmemrig_pool(&r, 1, 0);
		tmemrig_put(&r, 1, 0, 1, 0, 9);
		tmemrig_put(&r, 1, 0, 1, 1, 9);
		ck_assert_uint_eq(r.t->stats.pcds.now, 0);
		ck_assert_int_eq(client(1)->packed, 2);
		ck_assert_int_eq(tmem_evict(r.t, 0, &r.meter), !shipped);
		tmemrig_put(&r, 1, 0, 1, 2, 19); /* noise is evicted */
		ck_assert_uint_eq(r.t->stats.pcds.now, 1);
		ck_assert_int_eq(tmem_evict(r.t, 0, &r.meter), 1);
		tmemrig_check(&r);
		tmemrig_stop(&r);
	}
}
END_TEST

/* ---- what is counted ---- */

START_TEST(words_are_counted_up_to_the_first_that_differs)
{
	/* Contents 1 and 2 differ in the last word. */
	start(TMEM_R1, false);
	tmemrig_pool(&r, 1, 0);
	tmemrig_put(&r, 1, 0, 1, 0, 1);
	ck_assert_uint_eq(r.meter.count[OP_CMP], 0);
	tmemrig_put(&r, 1, 0, 1, 1, 2);
	ck_assert_uint_eq(r.meter.count[OP_CMP], 1);
	ck_assert_uint_eq(r.meter.count[OP_CMP_WORD], 512);
	tmemrig_put(&r, 1, 0, 1, 2, 13);
	tmemrig_put(&r, 1, 0, 1, 3, 15);
	/* 13 and 15 are noise of one first byte: the first word differs. */
	ck_assert_uint_eq(r.meter.count[OP_CMP], 2);
	ck_assert_uint_eq(r.meter.count[OP_CMP_WORD], 513);
	tmemrig_put(&r, 1, 0, 1, 4, 13);
	ck_assert_uint_eq(r.meter.count[OP_CMP_WORD], 513 + 512);
	ck_assert_uint_eq(r.meter.count[OP_PAGE_COPY], 5);
	ck_assert_uint_eq(r.meter.count[OP_HYPERCALL], 6);
	tmemrig_stop(&r);
	/* R2 compares bytes. */
	start(TMEM_R2, false);
	tmemrig_pool(&r, 1, 0);
	tmemrig_put(&r, 1, 0, 1, 0, 1);
	tmemrig_put(&r, 1, 0, 1, 1, 2);
	ck_assert_uint_eq(r.meter.count[OP_CMP_WORD], 0);
	ck_assert_uint_eq(r.meter.count[OP_CMP_BYTES], 4089);
}
END_TEST

START_TEST(the_scan_for_zeros_stops_at_the_last_word_that_is_not)
{
	r.cfg.tze = true;
	start(TMEM_R1, false);
	tmemrig_pool(&r, 1, 0);
	tmemrig_put(&r, 1, 0, 1, 0, 5); /* 100 bytes: 13 words */
	ck_assert_uint_eq(r.meter.count[OP_TAIL_WORD], 512 - 13 + 1);
	tmemrig_put(&r, 1, 0, 1, 1, 0);
	ck_assert_uint_eq(r.meter.count[OP_TAIL_WORD], 512 - 13 + 1 + 512);
}
END_TEST

START_TEST(a_flushed_page_is_logged_while_its_guest_moves)
{
	start(TMEM_R1, false);
	tmemrig_pool(&r, 1, TMEM_PERSISTENT);
	client(1)->max_pages = 99;
	tmemrig_put(&r, 1, 0, 5, 0, 1);
	tmemrig_put(&r, 1, 0, 5, 70, 2);
	client(1)->migrating = true;
	/* A page that is there is not replaced, but dropped. */
	ck_assert_int_eq(tmemrig_put(&r, 1, 0, 5, 0, 2), TMEM_ENOSPC);
	ck_assert_int_eq(tmemrig_flush(&r, 1, 0, 5, 70), 1);
	ck_assert_uint_eq(client(1)->logged, 2);
	ck_assert_uint_eq(client(1)->log[0].index, 0);
	ck_assert_uint_eq(client(1)->log[1].index, 70);
	ck_assert_uint_eq(client(1)->log[1].oid[0], 5);
	tmemrig_check(&r);
}
END_TEST

START_TEST(an_owner_change_takes_all_pages_along_or_only_the_pools)
{
	for (int shipped = 0; shipped < 2; shipped++) {
		start(TMEM_R1, shipped);
		tmemrig_pool(&r, 1, TMEM_SHARED);
		tmemrig_pool(&r, 1, 0);
		tmemrig_pool(&r, 2, TMEM_SHARED);
		tmemrig_put(&r, 1, 1, 1, 0, 1); /* private */
		tmemrig_put(&r, 1, 0, 1, 0, 2); /* shared */
		tmemrig_get(&r, 2, 0, 1, 0);	/* last used by 2 */
		ck_assert_int_eq(
			tmemrig_call(
				&r, &(struct tmem_call){.op = TMEM_DESTROY_POOL,
							.client = 1}),
			1);
		ck_assert_uint_eq(client(2)->eph.now, 1);
		ck_assert_uint_eq(client(1)->eph.now, 1);
		/* Whose list is the private page on? */
		ck_assert_int_eq(tmem_page_at(r.t, client(1)->head)
						 ->link[TMEM_OWN]
						 .next == client(1)->head,
				 shipped);
		tmemrig_check(&r);
		ck_assert_int_eq(tmem_client_end(r.t, 2, &r.meter), 0);
		tmemrig_check(&r);
		ck_assert_int_eq(tmemrig_get(&r, 1, 1, 1, 0), 1);
		tmemrig_stop(&r);
	}
}
END_TEST

/* Repaired, the putter is the last user: its leaving takes the object along. */
START_TEST(a_put_counts_as_the_owners_as_shipped)
{
	for (int shipped = 0; shipped < 2; shipped++) {
		start(TMEM_R1, shipped);
		tmemrig_pool(&r, 1, TMEM_SHARED);
		tmemrig_pool(&r, 2, TMEM_SHARED);
		tmemrig_put(&r, 2, 0, 1, 0, 2);
		ck_assert_int_eq(
			tmemrig_call(
				&r, &(struct tmem_call){.op = TMEM_DESTROY_POOL,
							.client = 2}),
			1);
		ck_assert_int_eq(tmemrig_get(&r, 1, 0, 1, 0),
				 shipped ? 1 : TMEM_EEMPTY);
		tmemrig_stop(&r);
	}
}
END_TEST

START_TEST(uuids_can_be_checked)
{
	struct tmem_call c = {
		.op = TMEM_NEW_POOL, .client = 1, .flags = TMEM_SHARED};

	start(TMEM_R1, false);
	tmemrig_pool(&r, 1, 0);
	client(1)->auth = true;
	ck_assert_int_eq(tmemrig_call(&r, &c), 1);
	ck_assert_uint_eq(r.t->shared, 0); /* a private one, silently */
	client(1)->uuids = 1;
	ck_assert_int_eq(tmemrig_call(&r, &c), 2);
	ck_assert_uint_eq(r.t->shared, 1);
	/* 16 shared ones are all that a host has. */
	client(1)->auth = false;
	for (uint32_t i = 1; i < 16; i++) {
		c.client = 10 + i;
		c.uuid[1] = i;
		ck_assert_int_eq(tmemrig_call(&r, &c), 0);
	}
	c.client = 99;
	c.uuid[1] = 99;
	ck_assert_int_eq(tmemrig_call(&r, &c), TMEM_EPERM);
	c.uuid[1] = 5;
	ck_assert_int_eq(tmemrig_call(&r, &c), 0);
	/* From 4.5 on a shared pool cannot be persistent. */
	tmemrig_stop(&r);
	c.flags = TMEM_SHARED | TMEM_PERSISTENT;
	start(TMEM_R1, false);
	ck_assert_int_eq(tmemrig_call(&r, &c), 0);
	tmemrig_stop(&r);
	start(TMEM_R3, false);
	ck_assert_int_eq(tmemrig_call(&r, &c), TMEM_EPERM);
}
END_TEST

/* ---- times ---- */

START_TEST(times_are_counted_by_what_came_of_a_call)
{
	struct meter_prices prices = {.op_fs = {0}};

	prices.op_fs[OP_HYPERCALL] = UINT64_C(500) * 1000000;
	prices.op_fs[OP_PAGE_COPY] = UINT64_C(230) * 1000000;
	r.cfg.timings = true;
	start(TMEM_R1, false);
	meter_init(&r.meter, &prices);
	tmemrig_pool(&r, 1, 0);
	tmemrig_put(&r, 1, 0, 1, 0, 1);
	tmemrig_put(&r, 1, 0, 1, 1, 1);
	tmemrig_get(&r, 1, 0, 1, 0);
	tmemrig_get(&r, 1, 0, 1, 0);
	tmemrig_flush(&r, 1, 0, 1, 1);
	ck_assert_uint_eq(r.t->time[TMEM_T_PUT].n, 2);
	ck_assert_uint_eq(r.t->time[TMEM_T_PUT].sum, 1460);
	ck_assert_uint_eq(r.t->time[TMEM_T_GET].max, 730);
	ck_assert_uint_eq(r.t->time[TMEM_T_NO_GET].min, 500);
	ck_assert_uint_eq(r.t->time[TMEM_T_FLUSH].sum, 500);
	ck_assert_uint_eq(r.t->time[TMEM_T_COPY].n, 3);
	ck_assert_uint_eq(r.t->time[TMEM_T_COPY].sum, 690);
	ck_assert_uint_eq(client(1)->spent, 500 + 1460 + 730 + 500 + 500);
}
END_TEST

/* ---- text ---- */

START_TEST(the_old_tools_lines_are_as_kept)
{
	char *text, kept[8192] = "";
	size_t n;
	FILE *out = open_memstream(&text, &n), *f;

	start(TMEM_R1, true);
	tmemrig_pool(&r, 1, 0);
	tmemrig_pool(&r, 1, TMEM_PERSISTENT);
	tmemrig_pool(&r, 2, TMEM_SHARED);
	tmemrig_pool(&r, 3, TMEM_SHARED);
	client(1)->max_pages = 4;
	tmem_set_weight(r.t, tmem_client(r.t, 2), 30);
	for (uint32_t i = 0; i < 5; i++)
		for (uint32_t c = 1; c < 4; c++)
			for (uint32_t p = 0; p < 2; p++)
				tmemrig_put(&r, c, p, c, 40 * i, i % 3);
	tmemrig_get(&r, 1, 0, 1, 0);
	tmemrig_get(&r, 1, 1, 1, 0);
	tmemrig_get(&r, 3, 0, 2, 40);
	tmemrig_flush(&r, 2, 0, 3, 80);
	tmem_evict(r.t, 0, &r.meter);
	tmem_list(r.t, out);
	fclose(out);
	f = fopen("tests/golden/tmem.list", "r");
	ck_assert_msg(f != NULL, "%s", text);
	kept[fread(kept, 1, sizeof(kept) - 1, f)] = '\0';
	fclose(f);
	ck_assert_str_eq(text, kept);
	free(text);
	tmemrig_check(&r);
}
END_TEST

/* ---- the check itself ---- */

static void damage(uint64_t *what)
{
	ck_assert_int_eq(tmem_check(r.t, NULL), 0);
	++*what;
	ck_assert_int_ne(tmem_check(r.t, NULL), 0);
	--*what;
}

START_TEST(the_check_sees_every_wrong_count)
{
	struct tmem_stats *s;

	r.cfg.tze = true;
	start(TMEM_R1, false);
	s = &r.t->stats;
	tmemrig_pool(&r, 1, 0);
	for (uint32_t i = 0; i < 30; i++)
		tmemrig_put(&r, 1, 0, i / 10, i, i % 12);
	damage(&s->pages.now);
	damage(&s->eph.now);
	damage(&s->objects.now);
	damage(&s->nodes.now);
	damage(&s->pcds.now);
	damage(&s->frames.now);
	damage(&s->tze_bytes);
	damage(&s->packed_bytes);
	damage(&s->meta_bytes);
	damage(&s->data_bytes);
	damage(&r.t->weights);
	damage(&client(1)->eph.now);
	damage(&tmem_pool_at(r.t, 1)->stats.pages.now);
	damage(&tmem_pool_at(r.t, 1)->stats.objects.now);
	damage(&tmem_pool_at(r.t, 1)->stats.nodes.now);
	damage(&r.t->frames.away);
}
END_TEST

static Suite *tmem_suite(void)
{
	Suite *s = suite_create("tmem");
	TCase *t = tcase_create("host");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, records_take_what_the_allocator_makes_of_them);
	tcase_add_test(t, a_frame_holds_as_many_objects_as_were_counted);
	tcase_add_test(t, later_releases_have_longer_objects_and_shorter_pages);
	tcase_add_test(t, a_put_makes_room_while_less_than_256_frames_are_free);
	tcase_add_test(t, without_victims_the_first_releases_put_all_the_same);
	tcase_add_test(t, ten_second_chances_make_a_put_of_R3_fail);
	tcase_add_test(t, the_host_gets_frames_back_when_it_asks);
	tcase_add_test(t, relinquishing_ends_after_ten_pages);
	tcase_add_test(t, nobody_is_over_a_quota_without_weights);
	tcase_add_test(t,
		       R0_finds_duplicates_while_different_pages_stand_behind);
	tcase_add_test(t, R0_walks_into_what_follows_two_equal_pages);
	tcase_add_test(t, compressed_pages_of_R0_stay_for_ever);
	tcase_add_test(t, words_are_counted_up_to_the_first_that_differs);
	tcase_add_test(t,
		       the_scan_for_zeros_stops_at_the_last_word_that_is_not);
	tcase_add_test(t, a_flushed_page_is_logged_while_its_guest_moves);
	tcase_add_test(t,
		       an_owner_change_takes_all_pages_along_or_only_the_pools);
	tcase_add_test(t, a_put_counts_as_the_owners_as_shipped);
	tcase_add_test(t, uuids_can_be_checked);
	tcase_add_test(t, times_are_counted_by_what_came_of_a_call);
	tcase_add_test(t, the_old_tools_lines_are_as_kept);
	tcase_add_test(t, the_check_sees_every_wrong_count);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(tmem_suite());
}
