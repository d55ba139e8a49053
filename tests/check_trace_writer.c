/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/prng.h"
#include "traces/recover.h"
#include "tests/support/box.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/tracegen.h"

static struct box box;
static struct recording rec;
static struct err err;

static void setup(void)
{
	box_init(&box);
	rec = (struct recording){.contents = 1};
	err = (struct err){0};
}

static void teardown(void)
{
	recording_fini(&rec);
	box_fini(&box);
}

static struct trace_writer *new_writer(const char *name, unsigned threads)
{
	struct trace_writer_opts o = {.level = 1, .threads = threads};
	struct box_path p = box_path(&box, name);
	struct trace_writer *w = NULL;
	int ret = trace_writer_new(&w, p.text, &o, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	return w;
}

START_TEST(the_bytes_do_not_depend_on_the_threads)
{
	static const unsigned threads[] = {2, 4, 64};
	struct box_path p = box_path(&box, "one");
	char *one, *more;
	size_t n;

	recording_random(&rec, test_seed(2), 250000, 3000);
	recording_write(&rec, p.text, 3, 1);
	n = box_read(&box, "one", &one);
	for (unsigned i = 0; i < 3; i++) {
		p = box_path(&box, "more");
		recording_write(&rec, p.text, 3, threads[i]);
		ck_assert_uint_eq(box_read(&box, "more", &more), n);
		ck_assert(!memcmp(one, more, n));
		free(more);
	}
	p = box_path(&box, "more");
	fail_threads_after(1);
	recording_write(&rec, p.text, 3, 4);
	fail_threads_after(0);
	recording_write(&rec, p.text, 3, 4);
	fail_threads_after(-1);
	ck_assert_uint_eq(box_read(&box, "more", &more), n);
	ck_assert(!memcmp(one, more, n));
	free(more);
	free(one);
}
END_TEST

START_TEST(the_name_appears_when_the_trace_is_complete)
{
	struct trace_writer *w = new_writer("t", 2);
	struct event ev = {.op = EV_MARK};

	ck_assert(!trace_writer_event(w, &ev, &err));
	ck_assert(!box_has(&box, "t"));
	ck_assert(box_has(&box, "t.part"));
	ck_assert(!trace_writer_commit(w, NULL, &err));
	ck_assert(box_has(&box, "t"));
	ck_assert(!box_has(&box, "t.part"));
	w = new_writer("u", 1);
	ck_assert(!trace_writer_event(w, &ev, &err));
	trace_writer_abort(w);
	ck_assert(!box_has(&box, "u"));
	ck_assert(!box_has(&box, "u.part"));
	trace_writer_abort(NULL);
}
END_TEST

START_TEST(a_refused_event_leaves_the_writer_as_it_was)
{
	struct trace_writer *w = new_writer("t", 1);
	struct event birth = {.op = EV_SPACE};
	struct event ev = {.op = EV_WRITE, .vpn = 1, .content = 1};
	struct box_path p = box_path(&box, "t");
	uint8_t page[PAGE_BYTES];
	struct trace_header h;

	/* the first event of a section, then one within it */
	ck_assert_int_eq(trace_writer_event(w, &ev, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "/t: event 0: space 0 was not"));
	err = (struct err){0};
	ck_assert(!trace_writer_event(w, &birth, &err));
	ck_assert_int_eq(trace_writer_event(w, &ev, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "event 1: content 1 is not"));
	err = (struct err){0};
	page_fill(page, RULE_ID, 1);
	ck_assert(!trace_writer_page(w, page, &err));
	ck_assert(!trace_writer_event(w, &ev, &err));
	ck_assert(!trace_writer_commit(w, &h, &err));
	ck_assert_uint_eq(h.events, 2);
	rec.contents = 2;
	recording_fini(&rec);
	recording_random(&rec, 1, 0, 2);
	ck_assert_uint_ge(rec.n, 2);
	rec.n = 2;
	rec.big_endian = false;
	rec.ev[0] = birth;
	ev.count = 1;
	rec.ev[1] = ev;
	recording_same(&rec, p.text, 1);
}
END_TEST

START_TEST(a_trace_of_only_refused_events_is_empty)
{
	struct trace_writer *w = new_writer("t", 1);
	struct event ev = {.op = EV_EXIT};
	struct box_path p = box_path(&box, "t");

	ck_assert_int_eq(trace_writer_event(w, &ev, NULL), -EINVAL);
	ck_assert(!trace_writer_commit(w, NULL, &err));
	recording_same(&rec, p.text, 1);
}
END_TEST

START_TEST(bad_provenance_is_refused)
{
	static const char *const bad[][2] = {
		{"", "v"},	   {"two words", "v"},
		{"#k", "v"},	   {"k\n", "v"},
		{"k", "a\nb"},	   {"k", "\x7f"},
		{"k", "\xc0\x80"}, {"k", "\xed\xa0\x80"},
		{"k", "\xc2\x85"}, {"k", "\xf4\x90\x80\x80"},
		{"k", "\xe2\x82"},
	};
	struct trace_writer *w = new_writer("t", 1);
	struct event ev = {.op = EV_MARK};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_int_eq(
			trace_writer_meta(w, bad[i][0], bad[i][1], NULL),
			-EINVAL);
	ck_assert(!trace_writer_meta(w, "k\xc3\xa9", "\xf0\x9f\x92\xbe", &err));
	ck_assert(!trace_writer_event(w, &ev, &err));
	ck_assert_int_eq(trace_writer_meta(w, "k", "v", &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "/t: provenance after"));
	trace_writer_abort(w);
}
END_TEST

START_TEST(a_bad_level_is_refused)
{
	struct trace_writer_opts o = {.level = 20};
	struct box_path p = box_path(&box, "t");
	struct trace_writer *w;

	ck_assert_int_eq(trace_writer_new(&w, p.text, &o, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "1 to 19"));
	ck_assert(!box_has(&box, "t.part"));
}
END_TEST

/* ---- full disks ---- */

/* Write the recording; the error of whichever call reports it. */
static int write_to(const char *path, unsigned threads)
{
	struct trace_writer_opts o = {.level = 1, .threads = threads};
	struct trace_writer *w;
	int ret;

	err = (struct err){0};
	ret = trace_writer_new(&w, path, &o, &err);
	if (ret)
		return ret;
	ret = recording_feed(&rec, w, false, &err);
	if (!ret)
		return trace_writer_commit(w, NULL, &err);
	trace_writer_abort(w);
	return ret;
}

START_TEST(a_full_device_is_an_error)
{
	recording_every(&rec);
	ck_assert_int_eq(write_to("/dev/full", 1), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "/dev/full: No space left"));
	recording_fini(&rec);
	recording_random(&rec, 1, 200000, 2000);
	ck_assert_int_eq(write_to("/dev/full", 1), -ENOSPC);
	ck_assert_int_eq(write_to("/dev/full", 2), -ENOSPC);
}
END_TEST

START_TEST(a_disk_that_fills_up_anywhere_leaves_nothing)
{
	struct box_path p = box_path(&box, "t");
	struct rlimit keep, lim;
	size_t whole;
	char *all;

	recording_random(&rec, 1, 20000, 300);
	ck_assert(!write_to(p.text, 1));
	whole = box_read(&box, "t", &all);
	free(all);
	remove(p.text);
	ck_assert(!getrlimit(RLIMIT_FSIZE, &keep));
	signal(SIGXFSZ, SIG_IGN);
	lim = keep;
	for (size_t at = 0; at < whole; at += 1 + whole / 37) {
		lim.rlim_cur = at == 0 ? whole - 1 : at;
		ck_assert(!setrlimit(RLIMIT_FSIZE, &lim));
		ck_assert_int_eq(write_to(p.text, 1 + (unsigned)(at % 2)),
				 -EFBIG);
		ck_assert_ptr_nonnull(strstr(err.text, p.text));
		ck_assert(!box_has(&box, "t"));
		ck_assert(!box_has(&box, "t.part"));
	}
	ck_assert(!setrlimit(RLIMIT_FSIZE, &keep));
	ck_assert(!write_to(p.text, 1));
}
END_TEST

START_TEST(a_directory_that_is_not_there_is_an_error)
{
	ck_assert_int_eq(write_to("/nonexistent/t", 1), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "/nonexistent/t.part"));
}
END_TEST

/* ---- killed ---- */

static void kill_after(pid_t pid, uint64_t us)
{
	struct timespec ts = {.tv_nsec = (long)us * 1000};
	int status;

	nanosleep(&ts, NULL);
	ck_assert(!kill(pid, SIGKILL));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}

/* Everything that was kept must be the beginning of the recording. */
static void is_beginning(const char *path, const struct trace_header *h)
{
	struct recording part = rec;

	ck_assert_uint_le(h->events, rec.n);
	part.n = (size_t)h->events;
	part.contents = h->contents;
	recording_same(&part, path, 1);
}

START_TEST(a_killed_writer_leaves_what_can_be_recovered)
{
	struct box_path t = box_path(&box, "t"),
			part = box_path(&box, "t.part");
	struct box_path r = box_path(&box, "r");
	struct prng p = prng_fork(test_seed(1), "kill");
	struct trace_recovered res;
	unsigned kept = 0;
	int ret;

	recording_random(&rec, 1, 200000, 2000);
	rec.big_endian = false;
	for (int i = 0; i < 25; i++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (!pid) {
			write_to(t.text, (unsigned)i % 3 + 1);
			_exit(0);
		}
		kill_after(pid, 500 + prng_below(&p, 40000));
		err = (struct err){0};
		if (box_has(&box, "t")) { /* it was done already */
			recording_same(&rec, t.text, 1);
			remove(t.text);
			continue;
		}
		if (!box_has(&box, "t.part"))
			continue;
		ret = trace_recover(part.text, r.text, 1, 1, &res, &err);
		if (ret) { /* not even the header was there */
			ck_assert_int_eq(ret, -EINVAL);
			ck_assert(!box_has(&box, "r"));
			continue;
		}
		ck_assert_uint_le(res.offset, res.bytes);
		is_beginning(r.text, &res.kept);
		kept += res.kept.contents > 1;
		remove(r.text);
	}
	ck_assert_uint_gt(kept, 0);
}
END_TEST

/* ---- memory ---- */

static int write_all(void *ctx)
{
	struct box_path p = box_path(&box, "t");
	int ret = write_to(p.text, *(const unsigned *)ctx);

	ck_assert(box_has(&box, "t") == !ret);
	ck_assert(!box_has(&box, "t.part"));
	remove(p.text);
	return ret;
}

START_TEST(every_allocation_of_writing_may_fail)
{
	unsigned threads = 1;

	recording_random(&rec, 1, 2000, 30);
	fail_mem_walk(write_all, &threads);
	threads = 2;
	fail_mem_walk(write_all, &threads);
}
END_TEST

static int recover_all(void *ctx)
{
	struct box_path p = box_path(&box, "t"), q = box_path(&box, "r");
	struct trace_recovered res;
	int ret;

	(void)ctx;
	err = (struct err){0};
	ret = trace_recover(p.text, q.text, 1, 1, &res, &err);
	ck_assert(box_has(&box, "r") == !ret);
	remove(q.text);
	return ret;
}

START_TEST(every_allocation_of_recovering_may_fail)
{
	struct box_path p = box_path(&box, "t");
	size_t n;
	char *all;

	recording_random(&rec, 1, 2000, 30);
	recording_write(&rec, p.text, 1, 1);
	n = box_read(&box, "t", &all);
	box_write(&box, "t", all, n - 1);
	free(all);
	fail_mem_walk(recover_all, NULL);
}
END_TEST

static Suite *trace_writer_suite(void)
{
	Suite *s = suite_create("trace_writer");
	TCase *c = tcase_create("all");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 300);
	tcase_add_test(c, the_bytes_do_not_depend_on_the_threads);
	tcase_add_test(c, the_name_appears_when_the_trace_is_complete);
	tcase_add_test(c, a_refused_event_leaves_the_writer_as_it_was);
	tcase_add_test(c, a_trace_of_only_refused_events_is_empty);
	tcase_add_test(c, bad_provenance_is_refused);
	tcase_add_test(c, a_bad_level_is_refused);
	tcase_add_test(c, a_full_device_is_an_error);
	tcase_add_test(c, a_disk_that_fills_up_anywhere_leaves_nothing);
	tcase_add_test(c, a_directory_that_is_not_there_is_an_error);
	tcase_add_test(c, a_killed_writer_leaves_what_can_be_recovered);
	tcase_add_test(c, every_allocation_of_writing_may_fail);
	tcase_add_test(c, every_allocation_of_recovering_may_fail);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return check_main(trace_writer_suite());
}
