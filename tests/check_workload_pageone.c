/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fills of PageONE's benchmark and the worst cases: what is in their pages,
 * and that few words say the same as whole pages do.
 */
#include <errno.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/run/run.h"
#include "sim/run/workload_trace.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

static const char *const small[] = {
	"pageone-easy:vms=3,scale=16384,rounds=2,change=30",
	"pageone-hard:vms=3,scale=16384,zero=10",
	"pageone-hard:vms=3,scale=16384,rounds=3,change=50,same=1",
	"ksm-worst:contents=500,pages=3,vms=2,exit=1s",
	"sd-worst:contents=700,vms=3",
	"sd-worst:shape=single-bit,contents=300",
	"sd-worst:shape=thermometer,contents=300,exit=2s",
	"equal-million:pages=1000,vms=3",
};
#define SMALL ((int)(sizeof(small) / sizeof(small[0])))

static struct workload *start(const char *words, uint64_t seed)
{
	struct workload *w;
	struct err err = {.text = ""};
	int ret = workload_start(&w, words, seed, &err);

	ck_assert_msg(!ret, "%s: %s", words, err_text(&err, ret));
	return w;
}

START_TEST(the_traces_are_whole_and_depend_on_the_seed_alone)
{
	struct trace *a, *b;

	ck_assert_int_eq(workload_trace_open(&a, small[_i], 3, NULL), 0);
	ck_assert_int_eq(trace_verify(a, 2, NULL), 0);
	ck_assert_int_eq(workload_trace_open(&b, small[_i], 3, NULL), 0);
	ck_assert_uint_eq(a->ops->header(a)->digest.lo,
			  b->ops->header(b)->digest.lo);
	trace_close(a);
	trace_close(b);
}
END_TEST

/* Contents appear in the order of their numbers, and all of them appear. */
START_TEST(contents_are_numbered_as_they_appear)
{
	struct workload *w = start(small[_i], 3);
	uint32_t seen = 1;
	struct event ev;
	uint64_t n = 0, last = 0;

	for (; w->ops->next(w, &ev, 1); n++) {
		ck_assert_uint_ge(ev.time.v, last);
		last = ev.time.v;
		if (ev.op != EV_WRITE)
			continue;
		ck_assert_uint_le(ev.content, seen);
		seen += ev.content == seen;
	}
	ck_assert_uint_eq(n, w->events);
	ck_assert_uint_eq(last, w->end.v);
	ck_assert_uint_eq(seen, w->contents);
	workload_stop(w);
}
END_TEST

START_TEST(few_words_say_what_the_page_says)
{
	struct workload *w = start(small[_i], 3);
	uint8_t buf[PAGE_BYTES], made[PAGE_BYTES];
	struct content_sparse few;

	for (uint32_t id = 1; w->ops->sparse && id < w->contents; id++) {
		memset(made, 0, PAGE_BYTES);
		w->ops->sparse(w, id, &few);
		ck_assert_uint_le(few.n, SPARSE_WORDS);
		for (unsigned i = 0; i < few.n; i++) {
			ck_assert_uint_ne(few.word[i], 0);
			ck_assert(!i || few.at[i - 1] < few.at[i]);
			store_be64(made + 8 * few.at[i], few.word[i]);
		}
		ck_assert_mem_eq(w->ops->bytes(w, id, buf), made, PAGE_BYTES);
	}
	workload_stop(w);
}
END_TEST

START_TEST(columns_are_the_same_from_words_and_from_pages)
{
	struct workload *w = start(small[_i], 3);
	struct content_source src = workload_source(w), bytes = src;
	uint64_t needs = NEED_PREFIX | NEED_LENGTH | NEED_SAME |
			 NEED_CHECKSUM(CHECKSUM_XXH64) |
			 NEED_CHECKSUM(CHECKSUM_JHASH2);
	struct content_set *a, *b, *c;
	size_t n = w->contents;

	bytes.sparse = NULL;
	ck_assert_int_eq(content_set_new(&a, &src, needs, 2, NULL), 0);
	ck_assert_int_eq(content_set_new(&b, &bytes, needs, 1, NULL), 0);
	ck_assert_int_eq(content_set_new(&c, &src, NEED_PREFIX, 1, NULL), 0);
	ck_assert_int_eq(content_set_check(a, NULL), 0);
	ck_assert_mem_eq(a->rank, b->rank, n * sizeof(*a->rank));
	ck_assert_mem_eq(a->head, b->head, n * sizeof(*a->head));
	ck_assert_mem_eq(a->prefix, b->prefix, n * sizeof(*a->prefix));
	ck_assert_mem_eq(a->length, b->length, n * sizeof(*a->length));
	ck_assert_mem_eq(a->checksum[CHECKSUM_JHASH2],
			 b->checksum[CHECKSUM_JHASH2], n * sizeof(uint32_t));
	ck_assert_mem_eq(a->head, c->head, n * sizeof(*a->head));
	ck_assert_mem_eq(a->rank, c->rank, n * sizeof(*a->rank));
	content_set_free(a);
	content_set_free(b);
	content_set_free(c);
	workload_stop(w);
}
END_TEST

/*
 * N draws from D numbers hold D * (1 - (1 - 1/D)^N) different ones; with N/D = 3
 * that is D * (1 - e^-3), and its variance D * (e^-3 - 4 e^-6). [pone]
 */
START_TEST(as_many_contents_as_draws_of_a_number_give)
{
	static const struct {
		const char *words;
		uint32_t distinct, deviation;
	} fill[] = {
		{"pageone-easy:scale=256", 62273, 51},
		{"pageone-hard:scale=256", 62273, 51},
		{"pageone-easy:scale=64", 249093, 102},
		{"pageone-hard:scale=64", 249093, 102},
		{"pageone-hard:scale=16", 996371, 204},
	};

	for (size_t i = 0; i < sizeof(fill) / sizeof(fill[0]); i++)
		for (uint64_t seed = 1; seed < 4; seed++) {
			struct workload *w = start(fill[i].words, seed);
			/* the number 0 is the page of zeros, drawn as well */
			uint32_t n = w->contents;

			ck_assert_uint_ge(n, fill[i].distinct -
						     3 * fill[i].deviation);
			ck_assert_uint_le(n, fill[i].distinct +
						     3 * fill[i].deviation);
			workload_stop(w);
		}
}
END_TEST

START_TEST(the_number_is_where_the_fill_programs_wrote_it)
{
	struct workload *easy = start("pageone-easy:scale=1024", 1);
	struct workload *hard = start("pageone-hard:scale=1024", 1);
	uint8_t buf[PAGE_BYTES];
	uint64_t sum = 0;

	for (uint32_t id = 1; id < easy->contents; id++) {
		const uint8_t *p = easy->ops->bytes(easy, id, buf);

		ck_assert_uint_lt(load_le64(p), 1 << 14);
		ck_assert_uint_ne(load_le64(p), 0);
	}
	for (uint32_t id = 1; id < hard->contents; id++) {
		const uint8_t *p = hard->ops->bytes(hard, id, buf);
		uint32_t at = 0;

		while (!load_le32(p + at))
			at += 4;
		ck_assert_uint_lt(at, 256);
		ck_assert_uint_eq(load_le32(p + at) % 64, at / 4);
		sum += at;
	}
	/* places 0 to 252, the mean 126 */
	sum /= hard->contents - 1;
	ck_assert_uint_ge(sum, 123);
	ck_assert_uint_le(sum, 129);
	workload_stop(easy);
	workload_stop(hard);
}
END_TEST

/* Rank by rank, how many bits are shared with the next page. */
START_TEST(the_worst_sets_have_their_shapes)
{
	struct workload *w = start("sd-worst:shape=thermometer,contents=99", 1);
	struct content_source src = workload_source(w);
	struct content_set *s;

	ck_assert_int_eq(content_set_new(&s, &src, NEED_PREFIX, 1, NULL), 0);
	for (uint32_t r = 0; r + 1 < s->count; r++) {
		ck_assert_uint_eq(s->by_rank[r], r);
		ck_assert_uint_eq(s->prefix[r], r);
	}
	content_set_free(s);
	workload_stop(w);
	w = start("sd-worst:shape=single-bit,contents=99", 1);
	src = workload_source(w);
	ck_assert_int_eq(content_set_new(&s, &src, NEED_PREFIX, 1, NULL), 0);
	/* bit 0 is the greatest, and the page of zeros the least */
	for (uint32_t r = 1; r + 1 < s->count; r++) {
		ck_assert_uint_eq(s->by_rank[r], 100 - r);
		ck_assert_uint_eq(s->prefix[r], 99 - r - 1);
	}
	content_set_free(s);
	workload_stop(w);
	w = start("sd-worst:contents=99", 1);
	src = workload_source(w);
	ck_assert_int_eq(content_set_new(&s, &src, NEED_PREFIX, 1, NULL), 0);
	/* ten steps down, ten across: 0101…, then ones */
	for (uint32_t a = 0; a < 10; a++)
		for (uint32_t b = 0; b < 9; b++) {
			uint32_t less = 10 * a + b, more = less + 1;

			ck_assert_uint_lt(s->rank[less], s->rank[more]);
			ck_assert_uint_eq(content_prefix_bits(s, s->rank[less],
							      s->rank[more]),
					  b == 0 && a < 9 ? 2 * a : 2 * a + b);
		}
	content_set_free(s);
	workload_stop(w);
	w = start("ksm-worst:contents=99", 1);
	src = workload_source(w);
	ck_assert_int_eq(content_set_new(&s, &src, NEED_PREFIX, 1, NULL), 0);
	for (uint32_t r = 1; r + 1 < s->count; r++)
		ck_assert_uint_ge(s->prefix[r], PAGE_BITS - 64);
	content_set_free(s);
	workload_stop(w);
}
END_TEST

START_TEST(a_period_writes_its_share_of_the_pages)
{
	struct workload *w = start("pageone-easy:vms=2,scale=256,rounds=4,"
				   "change=25,period=20s",
				   1);
	uint64_t written[5] = {0}, pages = 2 * 16384;
	struct event ev;

	while (w->ops->next(w, &ev, 1))
		if (ev.op == EV_WRITE)
			written[ev.time.v ? 1 + (ev.time.v - 1) /
							    (20 * NS_PER_SEC)
					  : 0]++;
	ck_assert_uint_eq(written[0], pages);
	for (int i = 1; i < 5; i++) {
		/* within six deviations */
		ck_assert_uint_gt(written[i], pages / 4 - 480);
		ck_assert_uint_lt(written[i], pages / 4 + 480);
	}
	workload_stop(w);
}
END_TEST

START_TEST(a_bad_value_is_one_clear_line)
{
	static const struct {
		const char *words, *says;
	} bad[] = {
		{"pageone-easy:scale=0", "scale"},
		{"pageone-easy:scale=1048576,size=1GiB", "whole pages"},
		{"pageone-easy:values=64,scale=128", "leaves 0 numbers"},
		{"pageone-easy:vms=4096,size=1GiB", "more than 67108864 pages"},
		{"pageone-easy:rounds=10000", "in all rounds"},
		{"pageone-hard:size=5000", "whole pages"},
		{"sd-worst:shape=thermometer,contents=32769", "32768"},
		{"sd-worst:shape=stairs", "staircase"},
		{"ksm-worst:contents=67108864", "more than 67108864 pages"},
		{"equal-million:pages=0", "pages"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct workload *w;
		struct err err = {.text = ""};

		ck_assert_int_eq(workload_start(&w, bad[i].words, 1, &err),
				 -EINVAL);
		ck_assert_msg(strstr(err.text, bad[i].says), "%s: %s",
			      bad[i].words, err.text);
		ck_assert_ptr_null(strchr(err.text, '\n'));
	}
}
END_TEST

static int open_close(void *ctx)
{
	struct workload *w;
	int ret = workload_start(&w, ctx, 1, NULL);

	if (!ret)
		workload_stop(w);
	return ret;
}

START_TEST(each_allocation_may_fail)
{
	char fill[] = "pageone-easy:scale=16384,vms=2", worst[] = "sd-worst";

	fail_mem_walk(open_close, fill);
	fail_mem_walk(open_close, worst);
}
END_TEST

static Suite *workload_pageone_suite(void)
{
	Suite *s = suite_create("workload_pageone");
	TCase *t = tcase_create("workload_pageone");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(
		t, the_traces_are_whole_and_depend_on_the_seed_alone, 0, SMALL);
	tcase_add_loop_test(t, contents_are_numbered_as_they_appear, 0, SMALL);
	tcase_add_loop_test(t, few_words_say_what_the_page_says, 0, SMALL);
	tcase_add_loop_test(t, columns_are_the_same_from_words_and_from_pages,
			    0, SMALL);
	tcase_add_test(t, as_many_contents_as_draws_of_a_number_give);
	tcase_add_test(t, the_number_is_where_the_fill_programs_wrote_it);
	tcase_add_test(t, the_worst_sets_have_their_shapes);
	tcase_add_test(t, a_period_writes_its_share_of_the_pages);
	tcase_add_test(t, a_bad_value_is_one_clear_line);
	tcase_add_test(t, each_allocation_may_fail);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(workload_pageone_suite());
}
