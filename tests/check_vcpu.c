/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "sim/core/vcpu.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

static const enum vlock_kind two[] = {VLOCK_SPIN, VLOCK_RW};

/* run @before, take @lock, run @under, let go */
static struct vscript one(uint64_t before, uint32_t lock, enum vlock_mode mode,
			  uint64_t under)
{
	struct vscript s = {0};

	vscript_run(&s, NS(before));
	vscript_lock(&s, lock, mode);
	vscript_run(&s, NS(under));
	vscript_unlock(&s, lock);
	return s;
}

static void submit(struct vsched *s, uint32_t cpu, uint64_t earliest,
		   struct vscript op)
{
	ck_assert_int_eq(vsched_submit(s, cpu, NS(earliest), &op), 0);
	vscript_fini(&op);
}

static struct vsched *sched(uint32_t cpus)
{
	struct vsched *s;

	ck_assert_int_eq(vsched_new(&s, cpus, 2, two), 0);
	return s;
}

static void drain(struct vsched *s)
{
	ck_assert_int_eq(vsched_check(s, stderr), 0);
	ck_assert_int_eq(vsched_drain(s), 0);
	ck_assert_int_eq(vsched_check(s, stderr), 0);
}

START_TEST(one_cpu_never_waits)
{
	struct vsched *s = sched(1);

	submit(s, 0, 100, one(10, 0, VLOCK_WRITE, 20));
	submit(s, 0, 100, one(1, 1, VLOCK_READ, 2));
	drain(s);
	ck_assert_uint_eq(s->cpu[0].ops, 2);
	ck_assert_uint_eq(s->cpu[0].busy.v, 33);
	ck_assert_uint_eq(s->cpu[0].waited.v, 0);
	ck_assert_uint_eq(s->cpu[0].end.v, 133);
	/* the second was asked for at 100 and ended at 133 */
	ck_assert_uint_eq(s->cpu[0].latency.v, 30 + 33);
	ck_assert_uint_eq(s->cpu[0].latency_max.v, 33);
	ck_assert_uint_eq(s->lock[0].acquired, 1);
	ck_assert_uint_eq(s->lock[0].contended, 0);
	ck_assert_uint_eq(s->lock[0].held.v, 20);
	vsched_free(s);
}
END_TEST

START_TEST(a_spin_lock_is_given_in_the_order_of_asking)
{
	struct vsched *s = sched(3);

	submit(s, 0, 0, one(0, 0, VLOCK_WRITE, 100));
	submit(s, 1, 0, one(20, 0, VLOCK_WRITE, 100));
	submit(s, 2, 0, one(10, 0, VLOCK_WRITE, 100));
	drain(s);
	ck_assert_uint_eq(s->cpu[0].end.v, 100);
	ck_assert_uint_eq(s->cpu[2].end.v, 200);
	ck_assert_uint_eq(s->cpu[1].end.v, 300);
	ck_assert_uint_eq(s->cpu[2].waited.v, 90);
	ck_assert_uint_eq(s->cpu[1].waited.v, 180);
	ck_assert_uint_eq(s->lock[0].waited.v, 270);
	ck_assert_uint_eq(s->lock[0].contended, 2);
	ck_assert_uint_eq(s->lock[0].acquired, 3);
	ck_assert_uint_eq(s->lock[0].held.v, 300);
	vsched_free(s);
}
END_TEST

START_TEST(an_earlier_wish_is_served_first_whoever_submitted_it_later)
{
	struct vsched *s = sched(2);

	submit(s, 0, 0, one(500, 0, VLOCK_WRITE, 100));
	submit(s, 1, 100, one(0, 0, VLOCK_WRITE, 300));
	drain(s);
	ck_assert_uint_eq(s->cpu[1].end.v, 400);
	ck_assert_uint_eq(s->cpu[1].waited.v, 0);
	ck_assert_uint_eq(s->cpu[0].end.v, 600);
	ck_assert_uint_eq(s->cpu[0].waited.v, 0);
	vsched_free(s);
}
END_TEST

START_TEST(readers_share_and_do_not_pass_a_waiting_writer)
{
	struct vsched *s = sched(4);

	submit(s, 0, 0, one(0, 1, VLOCK_READ, 100));
	submit(s, 1, 0, one(10, 1, VLOCK_READ, 100)); /* shares: 10..110 */
	submit(s, 2, 0, one(20, 1, VLOCK_WRITE, 50)); /* 110..160 */
	submit(s, 3, 0, one(30, 1, VLOCK_READ, 100)); /* 160..260 */
	drain(s);
	ck_assert_uint_eq(s->cpu[0].end.v, 100);
	ck_assert_uint_eq(s->cpu[1].end.v, 110);
	ck_assert_uint_eq(s->cpu[2].end.v, 160);
	ck_assert_uint_eq(s->cpu[3].end.v, 260);
	ck_assert_uint_eq(s->lock[1].held.v, 260);
	ck_assert_uint_eq(s->lock[1].waited.v, 90 + 130);
	vsched_free(s);
}
END_TEST

START_TEST(readers_behind_one_another_go_together)
{
	struct vsched *s = sched(4);

	submit(s, 0, 0, one(0, 1, VLOCK_WRITE, 100));
	submit(s, 1, 0, one(10, 1, VLOCK_READ, 30));
	submit(s, 2, 0, one(20, 1, VLOCK_READ, 40));
	submit(s, 3, 0, one(30, 1, VLOCK_WRITE, 5));
	drain(s);
	ck_assert_uint_eq(s->cpu[1].end.v, 130);
	ck_assert_uint_eq(s->cpu[2].end.v, 140);
	ck_assert_uint_eq(s->cpu[3].end.v, 145);
	vsched_free(s);
}
END_TEST

START_TEST(advancing_stops_before_the_time_and_goes_on_later)
{
	struct vsched *s = sched(1);

	submit(s, 0, 50, one(10, 0, VLOCK_WRITE, 20));
	ck_assert_int_eq(vsched_advance(s, NS(60)), 0);
	ck_assert_uint_eq(s->now.v, 60);
	ck_assert(vlock_is_free(&s->lock[0]));
	ck_assert_int_eq(vsched_advance(s, NS(61)), 0);
	ck_assert(!vlock_is_free(&s->lock[0]));
	ck_assert_int_eq(vsched_advance(s, NS(1000)), 0);
	ck_assert_uint_eq(s->cpu[0].end.v, 80);
	/* what is asked for in the past begins now, and counts from then */
	submit(s, 0, 900, one(1, 0, VLOCK_WRITE, 1));
	drain(s);
	ck_assert_uint_eq(s->cpu[0].end.v, 1002);
	ck_assert_uint_eq(s->cpu[0].latency_max.v, 102);
	vsched_free(s);
}
END_TEST

START_TEST(cpus_that_wait_for_one_another_are_named)
{
	struct vscript ab = {0}, ba = {0};
	struct vsched *s = sched(2);

	vscript_lock(&ab, 0, VLOCK_WRITE);
	vscript_run(&ab, NS(10));
	vscript_lock(&ab, 1, VLOCK_WRITE);
	vscript_unlock(&ab, 1);
	vscript_unlock(&ab, 0);
	vscript_lock(&ba, 1, VLOCK_WRITE);
	vscript_run(&ba, NS(10));
	vscript_lock(&ba, 0, VLOCK_WRITE);
	vscript_unlock(&ba, 0);
	vscript_unlock(&ba, 1);
	submit(s, 0, 0, ab);
	submit(s, 1, 0, ba);
	ck_assert_int_eq(vsched_drain(s), -EDEADLK);
	vsched_free(s);
}
END_TEST

struct loop {
	struct vsched *s;
	unsigned left;
};

static int again(void *ctx, uint32_t cpu, ns_t now)
{
	struct loop *l = ctx;

	if (!l->left)
		return 0;
	l->left--;
	submit(l->s, cpu, now.v, one(30, 0, VLOCK_WRITE, 10));
	return 0;
}

/* A closed loop reaches min(T / t, 1 / s): t = 40 in all, s = 10 under lock. */
START_TEST(a_closed_loop_scales_up_to_what_the_lock_allows)
{
	for (uint32_t cpus = 1; cpus <= 16; cpus *= 2) {
		struct vsched *s = sched(cpus);
		struct loop l = {s, 4000 - cpus};
		uint64_t best = cpus < 4 ? 160000 / cpus : 40000;
		uint64_t end = 0;

		s->idle = again;
		s->ctx = &l;
		for (uint32_t i = 0; i < cpus; i++)
			submit(s, i, 0, one(30, 0, VLOCK_WRITE, 10));
		drain(s);
		for (uint32_t i = 0; i < cpus; i++)
			if (s->cpu[i].end.v > end)
				end = s->cpu[i].end.v;
		ck_assert_uint_ge(end, best);
		ck_assert_uint_le(end, best + 1000);
		ck_assert_uint_eq(s->lock[0].acquired, 4000);
		ck_assert_uint_eq(s->lock[0].held.v, 40000);
		vsched_free(s);
	}
}
END_TEST

START_TEST(no_cpu_and_too_many_are_refused)
{
	struct vsched *s;

	ck_assert_int_eq(vsched_new(&s, 0, 2, two), -EINVAL);
	ck_assert_int_eq(vsched_new(&s, VCPUS_MAX + 1, 2, two), -EINVAL);
	vsched_free(NULL);
}
END_TEST

static int much(struct vsched *s)
{
	struct vscript op = {0};
	int ret = 0;

	for (int i = 0; i < 40; i++) {
		vscript_lock(&op, 0, VLOCK_WRITE);
		vscript_run(&op, NS(3));
		vscript_unlock(&op, 0);
	}
	for (uint32_t i = 0; i < 6 && !ret; i++)
		ret = vsched_submit(s, i % 2, NS(0), &op);
	vscript_fini(&op);
	return ret ? ret : vsched_drain(s);
}

static int whole_life(void *ctx)
{
	struct vsched *s;
	int ret = vsched_new(&s, 2, 2, two);

	(void)ctx;
	if (ret)
		return ret;
	ret = much(s);
	vsched_free(s);
	return ret;
}

START_TEST(memory_that_runs_out_is_an_error_each_time)
{
	ck_assert_uint_ge(fail_mem_walk(whole_life, NULL), 7);
}
END_TEST

static Suite *vcpu_suite(void)
{
	Suite *s = suite_create("vcpu");
	TCase *tc = tcase_create("vcpu");

	tcase_add_test(tc, one_cpu_never_waits);
	tcase_add_test(tc, a_spin_lock_is_given_in_the_order_of_asking);
	tcase_add_test(
		tc, an_earlier_wish_is_served_first_whoever_submitted_it_later);
	tcase_add_test(tc, readers_share_and_do_not_pass_a_waiting_writer);
	tcase_add_test(tc, readers_behind_one_another_go_together);
	tcase_add_test(tc, advancing_stops_before_the_time_and_goes_on_later);
	tcase_add_test(tc, cpus_that_wait_for_one_another_are_named);
	tcase_add_test(tc, a_closed_loop_scales_up_to_what_the_lock_allows);
	tcase_add_test(tc, no_cpu_and_too_many_are_refused);
	tcase_add_test(tc, memory_that_runs_out_is_an_error_each_time);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_main(vcpu_suite());
}
