/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/base/prng.h"
#include "sim/core/evq.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

#define MOST 300

/* The dumb queue: a list kept in order, later pushes behind equal times. */
struct list {
	struct evq_entry v[MOST];
	size_t n;
};

static void list_push(struct list *l, ns_t time, uint32_t kind, uint32_t arg)
{
	size_t at = l->n++;

	for (; at && l->v[at - 1].time.v > time.v; at--)
		l->v[at] = l->v[at - 1];
	l->v[at] = (struct evq_entry){time, 0, kind, arg};
}

static void list_pop(struct list *l)
{
	l->n--;
	memmove(l->v, l->v + 1, l->n * sizeof(l->v[0]));
}

static void same_head(const struct evq *q, const struct list *l)
{
	const struct evq_entry *e = evq_peek(q);

	ck_assert_uint_eq(q->n, l->n);
	ck_assert_int_eq(e != NULL, l->n != 0);
	if (!e)
		return;
	ck_assert_uint_eq(e->time.v, l->v[0].time.v);
	ck_assert_uint_eq(e->kind, l->v[0].kind);
	ck_assert_uint_eq(e->arg, l->v[0].arg);
}

START_TEST(random_use_pops_as_a_sorted_list)
{
	static const uint64_t span[] = {1, 3, 20, UINT64_MAX};
	struct prng r = prng_fork(test_seed(1) + (uint64_t)_i, "evq");
	struct list l = {.n = 0};
	struct evq q;

	evq_init(&q);
	for (uint32_t step = 0; step < 20000; step++) {
		/* waves up to MOST entries and down to none */
		uint64_t up = step / 500 % 2 ? 3 : 7;

		if (l.n < MOST && prng_below(&r, 10) < up) {
			ns_t t = NS(prng_below(&r, span[_i]));

			ck_assert_int_eq(evq_push(&q, t, step % 5, step), 0);
			list_push(&l, t, step % 5, step);
		} else if (l.n) {
			evq_pop(&q);
			list_pop(&l);
		}
		same_head(&q, &l);
		ck_assert_int_eq(evq_check(&q, stderr), 0);
	}
	while (l.n) {
		same_head(&q, &l);
		evq_pop(&q);
		list_pop(&l);
	}
	same_head(&q, &l);
	evq_fini(&q);
}
END_TEST

START_TEST(equal_times_come_out_first_in_first_out)
{
	struct evq q;

	evq_init(&q);
	for (uint32_t i = 0; i < 100; i++)
		ck_assert_int_eq(evq_push(&q, NS_NEVER, 0, i), 0);
	for (uint32_t i = 0; i < 100; i++) {
		ck_assert_uint_eq(evq_peek(&q)->arg, i);
		evq_pop(&q);
		/* the one pushed meanwhile waits behind the others */
		ck_assert_int_eq(evq_push(&q, NS_NEVER, 0, 100 + i), 0);
	}
	ck_assert_uint_eq(evq_peek(&q)->arg, 100);
	evq_fini(&q);
}
END_TEST

static int push_many(void *ctx)
{
	struct evq q;
	int ret = 0;
	uint32_t n = 0;

	(void)ctx;
	evq_init(&q);
	while (!ret && n < 1000) {
		ret = evq_push(&q, NS(1000 - n), 0, n);
		n += !ret;
	}
	/* a push that failed is not there, all others are */
	ck_assert_uint_eq(q.n, n);
	ck_assert_uint_eq(q.seq, n);
	ck_assert_int_eq(evq_check(&q, stderr), 0);
	evq_fini(&q);
	return ret;
}

START_TEST(a_push_without_memory_changes_nothing)
{
	ck_assert_uint_gt(fail_mem_walk(push_many, NULL), 3);
}
END_TEST

START_TEST(a_broken_heap_is_told)
{
	struct evq q;
	char text[100] = "";
	FILE *why = fmemopen(text, sizeof(text), "w");

	ck_assert_ptr_nonnull(why);
	evq_init(&q);
	for (uint32_t i = 0; i < 10; i++)
		ck_assert_int_eq(evq_push(&q, NS(i), 0, i), 0);
	q.v[7].time = NS(0);
	q.v[7].seq = 0;
	ck_assert_int_eq(evq_check(&q, why), -EINVAL);
	ck_assert_int_eq(evq_check(&q, NULL), -EINVAL);
	fclose(why);
	ck_assert_str_eq(text, "evq: entry 7 is earlier than its parent\n");
	evq_fini(&q);
}
END_TEST

static Suite *evq_suite(void)
{
	Suite *s = suite_create("evq");
	TCase *t = tcase_create("properties");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, random_use_pops_as_a_sorted_list, 0, 4);
	tcase_add_test(t, equal_times_come_out_first_in_first_out);
	tcase_add_test(t, a_push_without_memory_changes_nothing);
	tcase_add_test(t, a_broken_heap_is_told);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(evq_suite());
}
