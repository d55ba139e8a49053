/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The laws that every reader of readers.def keeps. */
#include <errno.h>
#include <string.h>

#include "tests/support/box.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/tracegen.h"

static struct box box;
static struct recording rec;
static struct err err;
static struct box_path file; /* in the format of the reader under test */

/* How to make a file of each format from a binary trace. */
static void make_binary(const char *trace, const char *path)
{
	ck_assert(!rename(trace, path));
}

static const struct maker {
	const char *reader;
	void (*make)(const char *trace, const char *path);
} makers[] = {
	{"binary", make_binary},
	{"text", recording_text},
};
#define MAKERS (sizeof(makers) / sizeof(makers[0]))

static void setup(void)
{
	box_init(&box);
	err = (struct err){0};
	recording_random(&rec, 12, 4000, 300);
}

static void teardown(void)
{
	recording_fini(&rec);
	box_fini(&box);
}

/* Reader number @i and a file of its format. */
static const struct trace_reader_ops *prepare(int i)
{
	struct box_path made = box_path(&box, "made");
	const struct trace_reader_ops *ops = trace_readers[i];

	recording_write(&rec, made.text, 1, 1);
	file = box_path(&box, "file");
	for (size_t k = 0; k < MAKERS; k++) {
		if (strcmp(makers[k].reader, ops->name))
			continue;
		makers[k].make(made.text, file.text);
		return ops;
	}
	ck_abort_msg("no maker for reader %s", ops->name);
	return NULL;
}

static struct trace *open_file(const struct trace_reader_ops *ops)
{
	struct trace *t = NULL;
	int ret = ops->open(&t, file.text, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ck_assert_ptr_eq(t->ops, ops);
	return t;
}

START_TEST(the_table_is_complete)
{
	const struct trace_reader_ops *o = trace_readers[_i];

	ck_assert(o->name && o->summary && o->magic && o->open && o->header);
	ck_assert(o->contents && o->drop && o->next && o->rewind && o->where);
	ck_assert(o->check && o->close);
	o->close(NULL);
	trace_close(NULL);
}
END_TEST

START_TEST(the_first_bytes_fit_one_reader_only)
{
	const struct trace_reader_ops *ops = prepare(_i);
	struct trace *t = NULL;
	size_t n;
	char *all;

	n = box_read(&box, "file", &all);
	for (int i = 0; trace_readers[i]; i++) {
		ck_assert(trace_readers[i]->magic((uint8_t *)all, n) ==
			  (i == _i));
		ck_assert(!trace_readers[i]->magic((uint8_t *)all, 0));
		ck_assert(!trace_readers[i]->magic((uint8_t *)all, 1));
	}
	free(all);
	ck_assert(!trace_open(&t, file.text, &err));
	ck_assert_ptr_eq(t->ops, ops);
	ck_assert_str_eq(t->path, file.text);
	trace_close(t);
}
END_TEST

START_TEST(what_was_recorded_is_read)
{
	prepare(_i);
	recording_same(&rec, file.text, 1);
	recording_same(&rec, file.text, 3);
}
END_TEST

START_TEST(the_end_is_said_again_and_rewind_starts_over)
{
	const struct trace_reader_ops *ops = prepare(_i);
	struct trace *t = open_file(ops);
	const struct event *ev;
	char where[512];
	size_t n, sum = 0;

	for (int round = 0; round < 3; round++) {
		sum = 0;
		while (ops->next(t, &ev, &n, &err) == 1) {
			ck_assert_uint_gt(n, 0);
			sum += n;
			ops->where(t, n - 1, where, sizeof(where));
			ck_assert_ptr_nonnull(strstr(where, file.text));
		}
		ck_assert_uint_eq(sum, rec.n);
		ck_assert_int_eq(ops->next(t, &ev, &n, &err), 0);
		ck_assert_int_eq(ops->next(t, &ev, &n, &err), 0);
		ck_assert(!ops->rewind(t, &err));
	}
	ops->close(t);
}
END_TEST

START_TEST(contents_stay_while_events_are_read)
{
	const struct trace_reader_ops *ops = prepare(_i);
	struct trace *t = open_file(ops);
	uint8_t buf[PAGE_BYTES], want[PAGE_BYTES];
	struct content_source src;
	const struct event *ev;
	size_t n;

	ck_assert(!ops->contents(t, 2, &src, &err));
	while (ops->next(t, &ev, &n, &err) == 1) {
		for (uint32_t id = 1; id < src.count; id += 50) {
			page_fill(want, RULE_ID, id);
			ck_assert(!memcmp(src.bytes(src.self, id, buf), want,
					  PAGE_BYTES));
		}
	}
	ops->drop(t);
	ops->drop(t);
	ck_assert(!ops->contents(t, 1, &src, &err));
	ops->close(t);
}
END_TEST

START_TEST(the_header_has_digest_and_provenance)
{
	const struct trace_reader_ops *ops = prepare(_i);
	struct box_path again = box_path(&box, "again");
	struct trace_header want = recording_write(&rec, again.text, 1, 1);
	struct trace *t = open_file(ops);
	const struct trace_header *h = ops->header(t);

	ck_assert(!memcmp(&h->digest, &want.digest, sizeof(h->digest)));
	ck_assert_uint_eq(h->spaces, want.spaces);
	ck_assert_uint_eq(h->nmeta, 2);
	ck_assert_str_eq(h->meta[0].key, "made.by");
	ck_assert_str_eq(h->meta[1].value, "");
	ops->close(t);
}
END_TEST

START_TEST(a_file_that_is_not_there_is_named)
{
	struct trace *t = NULL;

	ck_assert_int_eq(trace_readers[_i]->open(&t, "/nonexistent/x", &err),
			 -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/x"));
	ck_assert_ptr_null(t);
}
END_TEST

static int read_all(void *ctx)
{
	const struct trace_reader_ops *ops = ctx;
	struct content_source src;
	const struct event *ev;
	struct trace *t = NULL;
	size_t n;
	int ret;

	err = (struct err){0};
	ret = ops->open(&t, file.text, &err);
	if (!ret)
		ret = ops->contents(t, 2, &src, &err);
	if (!ret)
		while ((ret = ops->next(t, &ev, &n, &err)) == 1)
			;
	ops->close(t);
	return ret;
}

START_TEST(the_nth_allocation_may_fail)
{
	const struct trace_reader_ops *ops = prepare(_i);
	const void *ctx = ops;

	fail_mem_walk(read_all, (void *)(uintptr_t)ctx);
}
END_TEST

static Suite *reader_suite(void)
{
	Suite *s = suite_create("contract_reader");
	TCase *c = tcase_create("all");
	int n = 0;

	while (trace_readers[n])
		n++;
	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c, the_table_is_complete, 0, n);
	tcase_add_loop_test(c, the_first_bytes_fit_one_reader_only, 0, n);
	tcase_add_loop_test(c, what_was_recorded_is_read, 0, n);
	tcase_add_loop_test(c, the_end_is_said_again_and_rewind_starts_over, 0,
			    n);
	tcase_add_loop_test(c, contents_stay_while_events_are_read, 0, n);
	tcase_add_loop_test(c, the_header_has_digest_and_provenance, 0, n);
	tcase_add_loop_test(c, a_file_that_is_not_there_is_named, 0, n);
	tcase_add_loop_test(c, the_nth_allocation_may_fail, 0, n);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return check_main(reader_suite());
}
