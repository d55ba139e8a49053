/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The workload first-byte: its skew is what it says, of pages and of their LZO
 * streams, and its events are what a store expects.
 */
#include <errno.h>
#include <lzo/lzo1x.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/run/workload_trace.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "workloads/workload.h"

static struct workload *start(const char *words)
{
	struct workload *w;
	struct err err = {0};
	int ret = workload_start(&w, words, 1, &err);

	ck_assert_msg(!ret, "%s: %s", words, err_text(&err, ret));
	return w;
}

/* Thousandths of the contents whose page, or stream, has the commonest byte. */
static void heaviest(struct workload *w, uint32_t *page, uint32_t *stream)
{
	static uint8_t work[LZO1X_1_MEM_COMPRESS], out[2 * PAGE_BYTES];
	uint32_t raw[256] = {0}, lzo[256] = {0}, n = w->contents - 1;
	uint8_t buf[PAGE_BYTES];
	lzo_uint bytes;

	*page = *stream = 0;
	for (uint32_t id = 1; id < w->contents; id++) {
		const uint8_t *p = w->ops->bytes(w, id, buf);

		memset(work, 0, sizeof(work));
		bytes = sizeof(out);
		ck_assert_int_eq(
			lzo1x_1_compress(p, PAGE_BYTES, out, &bytes, work),
			LZO_E_OK);
		ck_assert_uint_lt(bytes, 3000);
		raw[p[0]]++;
		lzo[out[0]]++;
	}
	for (unsigned i = 0; i < 256; i++) {
		if (raw[i] * 1000 / n > *page)
			*page = raw[i] * 1000 / n;
		if (lzo[i] * 1000 / n > *stream)
			*stream = lzo[i] * 1000 / n;
	}
}

START_TEST(the_skew_is_that_of_pages_and_of_their_streams)
{
	static const uint32_t skew[] = {135, 290, 600, 1000};

	for (size_t i = 0; i < sizeof(skew) / sizeof(skew[0]); i++) {
		uint32_t page, stream;
		struct workload *w;
		char words[64];

		snprintf(words, sizeof(words), "first-byte:skew=%u", skew[i]);
		w = start(words);
		heaviest(w, &page, &stream);
		/* 8192 dice: three standard deviations are 17 thousandths */
		ck_assert_uint_le(page, skew[i] + 17);
		ck_assert_uint_ge(page + 17, skew[i]);
		ck_assert_uint_eq(page, stream);
		workload_stop(w);
	}
}
END_TEST

START_TEST(without_skew_pages_begin_with_all_bytes)
{
	struct workload *w = start("first-byte:skew=0,contents=65536");
	uint32_t page, stream;

	heaviest(w, &page, &stream);
	ck_assert_uint_le(page, 6);
	ck_assert_uint_le(stream, 160);
	workload_stop(w);
}
END_TEST

START_TEST(a_recording_of_it_is_a_sound_trace)
{
	static const char *const words[] = {
		"first-byte:ops=3000,contents=300,keys=50",
		"first-byte:ops=0,contents=1,keys=1,guests=1",
		"first-byte:ops=500,skew=1000,again=50,flush=50",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct err err = {0};
		struct trace *t;

		ck_assert_int_eq(workload_trace_open(&t, words[i], 3, &err), 0);
		ck_assert_msg(!trace_verify(t, 1, &err), "%s", err.text);
		trace_close(t);
	}
}
END_TEST

/* A store that keeps everything answers each get. */
START_TEST(only_what_is_stored_is_asked_for_or_flushed)
{
	struct workload *w = start("first-byte:ops=20000,keys=64,guests=4");
	bool stored[4][64] = {{false}};
	unsigned count[EVENT_OP_COUNT] = {0};
	struct event ev;

	while (w->ops->next(w, &ev, 1)) {
		bool *key = &stored[ev.space % 4]
				   [ev.object * 4 % 64 + ev.index % 4];

		count[ev.op]++;
		if (ev.op == EV_PUT) {
			*key = true;
		} else if (ev.op == EV_GET || ev.op == EV_FLUSH_PAGE) {
			ck_assert(*key);
			*key = false;
		}
	}
	ck_assert_uint_eq(count[EV_PUT] + count[EV_GET] + count[EV_FLUSH_PAGE],
			  20000);
	ck_assert_uint_gt(count[EV_GET], 8000);
	ck_assert_uint_gt(count[EV_FLUSH_PAGE], 500);
	workload_stop(w);
}
END_TEST

START_TEST(mistakes_are_one_clear_line)
{
	static const struct {
		const char *words, *says;
	} bad[] = {
		{"first-byte:again=60,flush=60", "are 120 % together"},
		{"first-byte:guests=1024,keys=1000000", "keys in all"},
		{"first-byte:skew=1001", "skew"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {0};
		struct workload *w;

		ck_assert_int_eq(workload_start(&w, bad[i].words, 1, &err),
				 -EINVAL);
		ck_assert_msg(strstr(err.text, bad[i].says), "%s", err.text);
	}
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
	fail_mem_walk(open_close, "first-byte:ops=10,contents=4");
}
END_TEST

static Suite *first_suite(void)
{
	Suite *s = suite_create("first-byte");
	TCase *t = tcase_create("first-byte");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, the_skew_is_that_of_pages_and_of_their_streams);
	tcase_add_test(t, without_skew_pages_begin_with_all_bytes);
	tcase_add_test(t, a_recording_of_it_is_a_sound_trace);
	tcase_add_test(t, only_what_is_stored_is_asked_for_or_flushed);
	tcase_add_test(t, mistakes_are_one_clear_line);
	tcase_add_test(t, each_allocation_may_fail);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(first_suite());
}
