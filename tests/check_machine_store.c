/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of stores: what is refused, what effect the others have. */
#include <errno.h>

#include "sim/machine/machine.h"
#include "tests/support/main.h"

static struct machine *m;
static struct err err;
static struct store_effect got; /* of the last event; op 0: none */

static void set_up(void)
{
	struct machine_config cfg = {.max_pages = 64};

	ck_assert_int_eq(machine_new(&m, &cfg), 0);
}

static void tear_down(void)
{
	machine_free(m);
}

static int apply(struct event ev)
{
	struct effect fx;
	int ret, n = 0;

	err.text[0] = '\0';
	got.op = 0;
	ret = machine_begin(m, &ev, &err);
	if (ret)
		return ret;
	while ((ret = machine_next(m, &fx)) > 0)
		if (fx.kind == FX_STORE) {
			ck_assert_uint_eq(fx.space, ev.space);
			ck_assert_uint_eq(fx.content, CONTENT_NONE);
			got = *fx.store;
			n++;
		}
	ck_assert_int_le(n, 1);
	return ret;
}

static struct event ev(unsigned op, uint32_t space, uint32_t pool,
		       uint32_t object, uint32_t index, uint32_t stored)
{
	return (struct event){.op = (uint8_t)op,
			      .space = space,
			      .pool = pool,
			      .object = object,
			      .index = index,
			      .stored = stored};
}

static void one_pool(void)
{
	struct event object = {.op = EV_OBJECT, .oid = {5, 6, 7}};

	ck_assert_int_eq(apply(ev(EV_SPACE, 0, 0, 0, 0, 0)), 0);
	ck_assert_int_eq(apply(ev(EV_POOL, 0, 3, 0, 0, 0)), 0);
	ck_assert_int_eq(apply(object), 0);
}

static void refused(struct event e, const char *why)
{
	ck_assert_int_eq(apply(e), -EINVAL);
	ck_assert_str_eq(err.text, why);
	ck_assert_uint_eq(got.op, 0);
}

START_TEST(each_event_has_one_effect_that_says_all_of_it)
{
	struct event object = {.op = EV_OBJECT, .oid = {5, 6, UINT64_MAX}};
	struct event pool = ev(EV_POOL, 0, 8, 0, 0, 0);

	one_pool();
	ck_assert_int_eq(apply(object), 0);
	ck_assert_uint_eq(got.op, EV_OBJECT);
	ck_assert_uint_eq(got.object, 1);
	ck_assert_uint_eq(got.oid[2], UINT64_MAX);
	pool.flags = EVF_PERSISTENT | EVF_POOL_SHARED;
	ck_assert_int_eq(apply(pool), 0);
	ck_assert_uint_eq(got.flags, EVF_PERSISTENT | EVF_POOL_SHARED);
	ck_assert_uint_eq(got.pool, 8);
	ck_assert_int_eq(apply(ev(EV_PUT, 0, 3, 1, UINT32_MAX, 9)), 0);
	ck_assert_uint_eq(got.op, EV_PUT);
	ck_assert_uint_eq(got.client, 0);
	ck_assert_uint_eq(got.pool, 3);
	ck_assert_uint_eq(got.object, 1);
	ck_assert_uint_eq(got.index, UINT32_MAX);
	ck_assert_uint_eq(got.content, 9);
	ck_assert_int_eq(apply(ev(EV_FLUSH_OBJECT, 0, 3, 1, 77, 0)), 0);
	ck_assert_uint_eq(got.index, 0);
	ck_assert_uint_eq(got.content, CONTENT_NONE);
	ck_assert_int_eq(apply(ev(EV_GET, 0, 3, 0, 5, 4)), 0);
	ck_assert_uint_eq(got.index, 5);
	ck_assert_uint_eq(got.content, CONTENT_NONE);
	ck_assert_uint_eq(machine_frames(m), 0);
}
END_TEST

START_TEST(what_the_guest_did_not_make_is_refused)
{
	one_pool();
	refused(ev(EV_PUT, 0, 4, 0, 0, 1), "space 0 has no pool 4");
	refused(ev(EV_POOL_END, 0, 4, 0, 0, 1), "space 0 has no pool 4");
	refused(ev(EV_POOL, 0, 3, 0, 0, 0), "space 0 has a pool 3 already");
	refused(ev(EV_GET, 0, 3, 1, 0, 0),
		"object 1 has no key: 1 objects so far");
	refused(ev(EV_PUT, 0, 3, 0, 0, CONTENT_NONE), "a put without content");
	refused(ev(EV_PUT, 1, 3, 0, 0, 1), "space 1 was not created");
	refused(ev(EV_POOL, 1, 3, 0, 0, 1), "space 1 was not created");
	refused(ev(EV_OBJECT, 1, 3, 0, 0, 1), "space 1 was not created");
}
END_TEST

START_TEST(pools_end_one_by_one_or_with_their_space)
{
	one_pool();
	ck_assert_int_eq(apply(ev(EV_POOL, 0, 4, 0, 0, 0)), 0);
	ck_assert_int_eq(apply(ev(EV_POOL_END, 0, 3, 0, 0, 0)), 0);
	ck_assert_uint_eq(got.op, EV_POOL_END);
	ck_assert_uint_eq(got.pool, 3);
	refused(ev(EV_PUT, 0, 3, 0, 0, 1), "space 0 has no pool 3");
	ck_assert_int_eq(apply(ev(EV_PUT, 0, 4, 0, 0, 1)), 0);
	ck_assert_int_eq(apply(ev(EV_EXIT, 0, 0, 0, 0, 0)), 0);
	refused(ev(EV_PUT, 0, 4, 0, 0, 1), "space 0 has exited");
}
END_TEST

START_TEST(a_space_has_so_many_pools_and_no_more)
{
	one_pool();
	for (uint32_t i = 0; i < MACHINE_MAX_POOLS - 1; i++)
		ck_assert_int_eq(apply(ev(EV_POOL, 0, 10 + i, 0, 0, 0)), 0);
	refused(ev(EV_POOL, 0, 9, 0, 0, 0), "more than 1024 pools in space 0");
}
END_TEST

static Suite *store_suite(void)
{
	Suite *s = suite_create("store events");
	TCase *t = tcase_create("machine");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, each_event_has_one_effect_that_says_all_of_it);
	tcase_add_test(t, what_the_guest_did_not_make_is_refused);
	tcase_add_test(t, pools_end_one_by_one_or_with_their_space);
	tcase_add_test(t, a_space_has_so_many_pools_and_no_more);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(store_suite());
}
