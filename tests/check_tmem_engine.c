/* SPDX-License-Identifier: GPL-2.0-or-later */
/* tmem as an engine: store events of a trace become calls of its host. */
#include <errno.h>

#include "sim/engine/tmem/engine.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/rig.h"

static struct rig r;

static const struct tmem *host(void)
{
	return ((const struct tmem_engine *)r.engine)->host;
}

static struct event store(unsigned op, uint32_t space, uint32_t pool,
			  uint32_t object, uint32_t index, uint32_t stored)
{
	return (struct event){.op = (uint8_t)op,
			      .space = space,
			      .pool = pool,
			      .object = object,
			      .index = index,
			      .stored = stored};
}

static struct event object(uint32_t space, uint64_t key)
{
	struct event ev = {.op = EV_OBJECT, .space = space};

	ev.oid[0] = key;
	return ev;
}

static struct event pool(uint32_t space, uint32_t number, unsigned flags)
{
	struct event ev = store(EV_POOL, space, number, 0, 0, 0);

	ev.flags = (uint8_t)flags;
	return ev;
}

static void tear_down(void)
{
	rig_fini(&r);
}

static void start(const char *const *set)
{
	rig_init(&r, "tmem", RULE_ID, 10, set);
}

START_TEST(events_of_two_guests_share_their_pages)
{
	start(NULL);
	for (uint32_t s = 0; s < 2; s++) {
		rig_do(&r, ev_space(s));
		rig_do(&r, pool(s, 5, 0));
		rig_do(&r, object(s, 9));
		for (uint32_t i = 0; i < 4; i++)
			rig_do(&r, store(EV_PUT, s, 5, s, i, 1 + i));
	}
	ck_assert_int_eq(rig_row(&r, "tmem", "eph_pages"), 8);
	ck_assert_int_eq(rig_row(&r, "tmem", "pcds"), 4);
	ck_assert_int_eq(rig_row(&r, "tmem", "deduped_puts"), 4);
	ck_assert_int_eq(rig_row(&r, "saved", "saved_pages"), 4);
	rig_do(&r, store(EV_GET, 0, 5, 0, 2, 0));
	rig_do(&r, store(EV_GET, 0, 5, 0, 2, 0));
	ck_assert_int_eq(rig_row(&r, "tmem", "gets_found"), 1);
	rig_do(&r, store(EV_FLUSH_PAGE, 1, 5, 1, 0, 0));
	rig_do(&r, store(EV_FLUSH_OBJECT, 1, 5, 1, 0, 0));
	ck_assert_int_eq(rig_row(&r, "tmem", "eph_pages"), 3);
	rig_do(&r, store(EV_POOL_END, 0, 5, 0, 0, 0));
	ck_assert_int_eq(rig_row(&r, "tmem", "pages"), 0);
	ck_assert_int_eq(rig_row(&r, "tmem", "errors"), 0);
	rig_check(&r);
}
END_TEST

START_TEST(what_the_host_refuses_is_no_error_of_the_run)
{
	start(NULL);
	rig_do(&r, ev_space(0));
	rig_do(&r, object(0, 1));
	for (uint32_t i = 0; i < 18; i++)
		rig_do(&r, pool(0, i, 0));
	/* 16 pools are all that a client has. */
	ck_assert_int_eq(rig_row(&r, "tmem", "errors"), 2);
	rig_do(&r, store(EV_PUT, 0, 17, 0, 0, 1));
	rig_do(&r, store(EV_PUT, 0, 15, 0, 0, 1));
	ck_assert_int_eq(rig_row(&r, "tmem", "errors"), 3);
	ck_assert_int_eq(rig_row(&r, "tmem", "puts_stored"), 1);
	rig_do(&r, store(EV_POOL_END, 0, 17, 0, 0, 0));
	/* A pool that ends makes room for another. */
	rig_do(&r, store(EV_POOL_END, 0, 15, 0, 0, 0));
	rig_do(&r, pool(0, 99, 0));
	rig_do(&r, store(EV_PUT, 0, 99, 0, 0, 1));
	ck_assert_int_eq(rig_row(&r, "tmem", "puts_stored"), 2);
	rig_check(&r);
}
END_TEST

START_TEST(shared_pools_of_one_number_are_one)
{
	start(NULL);
	for (uint32_t s = 0; s < 3; s++) {
		rig_do(&r, ev_space(s));
		rig_do(&r, pool(s, s == 2 ? 8 : 7, EVF_POOL_SHARED));
		rig_do(&r, object(s, 4));
	}
	rig_do(&r, store(EV_PUT, 0, 7, 0, 3, 2));
	rig_do(&r, store(EV_GET, 1, 7, 1, 3, 0));
	rig_do(&r, store(EV_GET, 2, 8, 2, 3, 0));
	ck_assert_int_eq(rig_row(&r, "tmem", "gets_found"), 1);
	ck_assert_int_eq(rig_row(&r, "tmem", "eph_pages"), 1);
	/* The owner exits; the other has read it last. */
	rig_do(&r, ev_exit(0));
	ck_assert_int_eq(rig_row(&r, "tmem", "eph_pages"), 1);
	rig_do(&r, store(EV_GET, 1, 7, 1, 3, 0));
	ck_assert_int_eq(rig_row(&r, "tmem", "gets_found"), 2);
	rig_check(&r);
	rig_do(&r, ev_exit(1));
	ck_assert_int_eq(rig_row(&r, "tmem", "pages"), 0);
	rig_check(&r);
}
END_TEST

START_TEST(persistent_pages_need_room_that_the_guest_gave_up)
{
	const char *const set[] = {"guest_room", "12KiB", NULL};

	start(NULL);
	rig_do(&r, ev_space(0));
	rig_do(&r, pool(0, 0, EVF_PERSISTENT));
	rig_do(&r, object(0, 1));
	rig_do(&r, store(EV_PUT, 0, 0, 0, 0, 1));
	ck_assert_int_eq(rig_row(&r, "tmem", "puts_stored"), 0);
	rig_fini(&r);
	start(set);
	rig_do(&r, ev_space(0));
	rig_do(&r, pool(0, 0, EVF_PERSISTENT));
	rig_do(&r, object(0, 1));
	/* One frame is for what the host keeps of them. */
	for (uint32_t i = 0; i < 5; i++)
		rig_do(&r, store(EV_PUT, 0, 0, 0, i, 1));
	ck_assert_int_eq(rig_row(&r, "tmem", "puts_stored"), 2);
	ck_assert_int_eq(rig_space_row(&r, 0, "tmem_pers_frames"), 3);
	rig_check(&r);
}
END_TEST

START_TEST(memory_is_kept_free_by_eviction)
{
	const char *const set[] = {"memory", "1200KiB", "dedup", "0", NULL};

	start(set);
	rig_do(&r, ev_space(0));
	rig_do(&r, pool(0, 0, 0));
	rig_do(&r, object(0, 1));
	for (uint32_t i = 0; i < 200; i++)
		rig_do(&r, store(EV_PUT, 0, 0, 0, i, 1 + i % 9));
	ck_assert_int_gt(rig_row(&r, "tmem", "evicted"), 140);
	ck_assert_int_eq(rig_row(&r, "tmem", "eph_pages") +
				 rig_row(&r, "tmem", "evicted"),
			 200);
	ck_assert_int_le(rig_row(&r, "tmem", "frames_used"), 298 - 256 + 2);
	rig_check(&r);
}
END_TEST

START_TEST(needs_follow_the_options)
{
	static const struct {
		const char *key, *value;
		uint64_t has, lacks;
	} rows[] = {
		{"revision", "R1", NEED_WORD_RANK | NEED_PREFIX, NEED_STREAM},
		{"revision", "R2", NEED_PREFIX, NEED_WORD_RANK},
		{"revision", "R4", NEED_RANK, NEED_PREFIX},
		{"dedup", "0", NEED_RANK, NEED_WORD_RANK | NEED_PREFIX},
		{"tze", "1", NEED_LENGTH, NEED_STREAM},
		{"compress", "1", NEED_STREAM, NEED_LENGTH},
	};
	const struct engine_ops *ops = engine_find("tmem", NULL);
	uint64_t opts[64];

	start(NULL);
	ck_assert_uint_le(ops->opts_size, sizeof(opts));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t needs;

		opt_defaults(ops->opts, opts);
		ck_assert_int_eq(opt_set(ops->opts, opts, rows[i].key,
					 rows[i].value, NULL),
				 0);
		needs = ops->needs(opts);
		ck_assert_uint_eq(needs & rows[i].has, rows[i].has);
		ck_assert_uint_eq(needs & rows[i].lacks, 0);
	}
}
END_TEST

/* ---- memory ---- */

static int run_shortly(void *ctx)
{
	const struct rig_config *cfg = ctx;
	int ret = rig_start(&r, cfg);
	struct event ev;

	if (ret)
		return ret;
	for (uint32_t i = 0; !ret && i < 120; i++) {
		uint32_t s = i % 2;

		switch (i < 2 ? 0 : i < 4 ? 1 : i < 6 ? 2 : 3 + i % 5) {
		case 0:
			ev = ev_space(s);
			break;
		case 1:
			ev = pool(s, 3, i == 3 ? EVF_PERSISTENT : 0);
			break;
		case 2:
			ev = object(s, i);
			break;
		case 3:
			ev = store(EV_GET, s, 3, s, i * 50, 0);
			break;
		case 4:
			ev = store(EV_FLUSH_OBJECT, s, 3, 1 - s, 0, 0);
			break;
		default:
			ev = store(EV_PUT, s, 3, i % 3 % 2, i * 50, i % 9);
			break;
		}
		ret = rig_event(&r, &ev);
	}
	if (!ret) {
		ev = ev_exit(0);
		ret = rig_event(&r, &ev);
	}
	if (ret) {
		fail_mem_off();
		ck_assert_int_eq(tmem_check(host(), stderr), 0);
	}
	rig_stop(&r);
	return ret;
}

START_TEST(without_memory_a_run_with_stores_ends)
{
	const char *const set[] = {"guest_room", "1MiB", NULL};
	struct rig_config cfg = {.engine = "tmem", .set = set};

	rig_contents(&r, RULE_ID, 10);
	ck_assert_uint_gt(fail_mem_walk(run_shortly, &cfg), 10);
}
END_TEST

static Suite *engine_suite(void)
{
	Suite *s = suite_create("tmem, the engine");
	TCase *t = tcase_create("engine");

	tcase_add_checked_fixture(t, NULL, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, events_of_two_guests_share_their_pages);
	tcase_add_test(t, what_the_host_refuses_is_no_error_of_the_run);
	tcase_add_test(t, shared_pools_of_one_number_are_one);
	tcase_add_test(t, persistent_pages_need_room_that_the_guest_gave_up);
	tcase_add_test(t, memory_is_kept_free_by_eviction);
	tcase_add_test(t, needs_follow_the_options);
	tcase_add_test(t, without_memory_a_run_with_stores_ends);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(engine_suite());
}
