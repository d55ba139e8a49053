/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "sim/base/par.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

#define N_MAX 1000

/* What a loop did, and where it shall fail. */
struct seen {
	uint64_t n, grain;
	unsigned threads;
	atomic_uint times[N_MAX]; /* each index was visited */
	atomic_uint bad_calls;	  /* calls outside the contract */
	atomic_bool busy[PAR_MAX];
	atomic_uint top; /* highest worker + 1 */
	uint64_t fail_from;
};

static int visit(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	struct seen *s = ctx;
	unsigned top = atomic_load(&s->top);

	if (lo >= hi || hi > s->n || lo % s->grain || hi - lo > s->grain ||
	    (hi - lo < s->grain && hi != s->n) || worker >= PAR_MAX ||
	    worker >= (s->threads ? s->threads : 1)) {
		atomic_fetch_add(&s->bad_calls, 1);
		return 0;
	}
	/* the scratch memory of a worker is its own */
	if (atomic_exchange(&s->busy[worker], true))
		atomic_fetch_add(&s->bad_calls, 1);
	while (top < worker + 1 &&
	       !atomic_compare_exchange_weak(&s->top, &top, worker + 1))
		;
	for (uint64_t i = lo; i < hi; i++)
		atomic_fetch_add(&s->times[i], 1);
	atomic_store(&s->busy[worker], false);
	return lo >= s->fail_from ? -(int)(lo / s->grain) - 1 : 0;
}

static struct seen *seen_new(uint64_t n, uint64_t grain, unsigned threads)
{
	struct seen *s = calloc(1, sizeof(*s));

	ck_assert_ptr_nonnull(s);
	s->n = n;
	s->grain = grain;
	s->threads = threads;
	s->fail_from = UINT64_MAX;
	return s;
}

START_TEST(each_index_is_visited_exactly_once)
{
	static const unsigned threads[] = {0, 1, 2, 3, 8, 300};
	static const uint64_t sizes[] = {0, 1, 2, 7, 64, 999, 1000};
	static const uint64_t grains[] = {1, 3, 64, 1000, UINT64_MAX};

	for (unsigned t = 0; t < 6; t++)
		for (unsigned n = 0; n < 7; n++)
			for (unsigned g = 0; g < 5; g++) {
				struct seen *s = seen_new(sizes[n], grains[g],
							  threads[t]);

				ck_assert_int_eq(par_for(s->threads, s->n,
							 s->grain, visit, s),
						 0);
				ck_assert_uint_eq(s->bad_calls, 0);
				for (uint64_t i = 0; i < N_MAX; i++)
					ck_assert_uint_eq(s->times[i],
							  i < s->n);
				free(s);
			}
}
END_TEST

START_TEST(the_first_error_in_piece_order_is_returned)
{
	for (unsigned threads = 1; threads <= 5; threads += 2)
		for (uint64_t from = 0; from < 1000; from += 90) {
			struct seen *s = seen_new(1000, 10, threads);
			uint64_t piece = from / 10 + (from % 10 != 0);

			s->fail_from = from;
			ck_assert_int_eq(par_for(threads, 1000, 10, visit, s),
					 -(int)piece - 1);
			/* what lies before it was done, and nothing twice */
			for (uint64_t i = 0; i < 1000; i++) {
				if (i < piece * 10 + 10)
					ck_assert_uint_eq(s->times[i], 1);
				ck_assert_uint_le(s->times[i], 1);
			}
			free(s);
		}
}
END_TEST

START_TEST(one_thread_stops_at_the_first_error)
{
	struct seen *s = seen_new(1000, 10, 1);

	s->fail_from = 500;
	ck_assert_int_eq(par_for(1, 1000, 10, visit, s), -51);
	for (uint64_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(s->times[i], i < 510);
	free(s);
}
END_TEST

START_TEST(too_few_threads_do_the_whole_work)
{
	for (int made = 0; made < 3; made++) {
		struct seen *s = seen_new(1000, 1, 8);

		fail_threads_after(made);
		ck_assert_int_eq(par_for(8, 1000, 1, visit, s), 0);
		fail_threads_after(-1);
		ck_assert_uint_eq(s->bad_calls, 0);
		ck_assert_uint_le(s->top, (unsigned)made + 1);
		for (uint64_t i = 0; i < 1000; i++)
			ck_assert_uint_eq(s->times[i], 1);
		free(s);
	}
}
END_TEST

/* Worker 0 waits for another one: two pieces, two threads, both at work. */
struct meeting {
	atomic_uint present;
};

static int meet(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	struct meeting *m = ctx;

	(void)lo;
	(void)hi;
	(void)worker;
	atomic_fetch_add(&m->present, 1);
	while (atomic_load(&m->present) < 2)
		;
	return 0;
}

START_TEST(two_threads_work_at_the_same_time)
{
	struct meeting m = {0};

	ck_assert_int_eq(par_for(2, 2, 1, meet, &m), 0);
	ck_assert_uint_eq(m.present, 2);
}
END_TEST

static Suite *par_suite(void)
{
	Suite *s = suite_create("par");
	TCase *t = tcase_create("loops");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, each_index_is_visited_exactly_once);
	tcase_add_test(t, the_first_error_in_piece_order_is_returned);
	tcase_add_test(t, one_thread_stops_at_the_first_error);
	tcase_add_test(t, too_few_threads_do_the_whole_work);
	tcase_add_test(t, two_threads_work_at_the_same_time);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(par_suite());
}
