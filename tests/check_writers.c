/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check_writers.c - whatever a command writes is there as a whole, or not at all
 *
 * Each command that writes files is run as main() would: every step of writing
 * fails in turn, or is the last that the process does.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/prng.h"
#include "sim/cmd/cmd.h"
#include "traces/import.h"
#include "traces/recover.h"
#include "tests/support/box.h"
#include "tests/support/fail_io.h"
#include "tests/support/main.h"

#define WORDS 16
#define OLD "what was there before\n"

/*
 * The words that make file "t"; "@NAME" is NAME within the box.  Those that
 * write a trace leave a .part which can be recovered.
 */
static const struct writer {
	bool trace;
	const char *word[WORDS];
} writers[] = {
	{false,
	 {"run", "-q", "-t", "@in", "--until", "scans=2", "--json", "@t"}},
	{false,
	 {"run", "-q", "-t", "@in", "--until", "scans=2", "--tsv", "@t"}},
	{false,
	 {"run", "-q", "-t", "@in", "--until", "3s", "--interval", "10ms",
	  "--timeline", "@t"}},
	{false,
	 {"colour", "-q", "-m", "r4400sc", "--size", "4KiB..64KiB", "--json",
	  "@t"}},
	{false,
	 {"colour", "-q", "-m", "r4400sc", "--size", "4KiB..64KiB", "--tsv",
	  "@t"}},
	{false, {"reclaim", "-q", "-n", "50", "-c", "--json", "@t"}},
	{false, {"reclaim", "-q", "-n", "50", "-c", "--tsv", "@t"}},
	{false, {"scenario", "@steps", "-o", "@t"}},
	{false, {"plot", "cost", "@runs", "-f", "tsv", "-o", "@t"}},
	{false, {"plot", "cost", "@runs", "-f", "booktabs", "-o", "@t"}},
	{false, {"trace", "cat", "@in", "-o", "@t"}},
	{false,
	 {"bench", "--exact", "--format", "json", "-o", "@t", "@suite.run"}},
	{false,
	 {"bench", "--exact", "--format", "bmf", "-o", "@t", "@suite.run"}},
	{true, {"trace", "pack", "@in", "@t"}},
	{true,
	 {"trace", "make", "number-crunch:tables=2,table_size=256KiB,passes=2",
	  "@t"}},
	{true, {"trace", "recover", "@cut", "@t"}},
	{true, {"import", "--threads", "1", "-o", "@t", "@a", "@b"}},
	{true, {"import", "--threads", "2", "-o", "@t", "a=@a", "a=@b@1s"}},
};
#define WRITERS (int)(sizeof(writers) / sizeof(writers[0]))

static struct box box;
static size_t others; /* files of the box that are not written */

static size_t files(void)
{
	DIR *d = opendir(box.dir);
	size_t n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Enough contents and events for several sections. */
static void make_image(const char *name, unsigned first, unsigned pages)
{
	static char text[10000];
	size_t at = 0;

	for (unsigned i = 0; i < pages; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%u",
				       i ? " " : "", first + i % 700);
	box_image(&box, name, text);
}

static void setup(void)
{
	static const char steps[] = "scenario S1\nstart 0\n"
				    "map 0 0 8\nfill 0 0 8 id 1 1 0\n"
				    "scan\nscan\nsnap 1\n";
	struct box_path path[3];
	const struct import_job job = {
		.inputs = (const char *const[]){path[0].text, path[1].text},
		.ninputs = 2,
		.base = IMPORT_BASE,
		.threads = 1,
		.level = 1,
		.out = path[2].text,
	};
	struct err err = {0};
	static const char runs[] = "scope\tname\tindex\tunit\tvalue\n"
				   "cost\tns\t-\tns\t2\n"
				   "cost\tlow_ns\t-\tns\t1\n"
				   "cost\thigh_ns\t-\tns\t3\n"
				   "saved\tsaved_pages\t-\tpages\t4\n";
	static const char suite[] = "visits kind=last8 pages=64\n";
	size_t n;
	char *all;

	box_init(&box);
	make_image("a", 1, 900);
	make_image("b", 300, 900);
	path[0] = box_path(&box, "g=a");
	path[1] = box_path(&box, "g=b@1s");
	path[2] = box_path(&box, "in");
	ck_assert_msg(!import_run(&job, NULL, &err), "%s", err.text);
	n = box_read(&box, "in", &all);
	box_write(&box, "cut", all, n - 1);
	free(all);
	box_write(&box, "steps", steps, sizeof(steps) - 1);
	box_write(&box, "runs", runs, sizeof(runs) - 1);
	box_write(&box, "suite.run", suite, sizeof(suite) - 1);
	others = files();
}

static void teardown(void)
{
	box_fini(&box);
}

/* As main() does it; the paths of words live in @path. */
static int command(const struct writer *w, struct err *err)
{
	static struct box_path path[WORDS];
	char *argv[WORDS + 1];
	int argc = 0;

	for (; argc < WORDS && w->word[argc]; argc++) {
		const char *at = strchr(w->word[argc], '@');
		int n = at ? (int)(at - w->word[argc]) : 0;

		snprintf(path[argc].text, sizeof(path[argc].text), "%s",
			 w->word[argc]);
		if (at)
			snprintf(path[argc].text, sizeof(path[argc].text),
				 "%.*s%s/%s", n, w->word[argc], box.dir,
				 at + 1);
		argv[argc] = path[argc].text;
	}
	argv[argc] = NULL;
	*err = (struct err){0};
	return cmd_main(argc, argv, err);
}

static void holds(const char *name, const char *bytes, size_t n)
{
	char *is;
	size_t got = box_read(&box, name, &is);

	ck_assert_uint_eq(got, n);
	ck_assert(!memcmp(is, bytes, n));
	free(is);
}

/* The complete file, as it is when nothing goes wrong. */
static size_t complete(const struct writer *w, char **bytes)
{
	struct err err;
	size_t n;

	ck_assert_msg(command(w, &err) == EXIT_OK, "%s: %s", w->word[0],
		      err.text);
	n = box_read(&box, "t", bytes);
	ck_assert_uint_gt(n, 100);
	remove(box_path(&box, "t").text);
	return n;
}

/* ---- a step fails ---- */

struct walk {
	const struct writer *writer;
	char *whole;
	size_t n;
	bool old; /* something is there under the name */
};

static void one_step_fails(void *ctx, int code)
{
	struct box_path t = box_path(&box, "t");
	struct walk *w = ctx;
	struct err err;
	int status;

	if (w->old)
		box_write(&box, "t", OLD, sizeof(OLD) - 1);
	status = command(w->writer, &err);
	if (!code) {
		ck_assert_msg(status == EXIT_OK, "%s", err.text);
		holds("t", w->whole, w->n);
		remove(t.text);
		return;
	}
	ck_assert_msg(status == EXIT_FAILED, "step %" PRIu64 ": status %d",
		      fail_io_count(), status);
	ck_assert_msg(strstr(err.text, t.text) &&
			      strstr(err.text, strerror(code)) &&
			      !strchr(err.text, '\n'),
		      "%s: \"%s\"", strerror(code), err.text);
	if (w->old)
		holds("t", OLD, sizeof(OLD) - 1);
	ck_assert_uint_eq(files(), others + w->old);
	remove(t.text);
}

START_TEST(when_any_step_of_writing_fails_the_old_file_stays)
{
	struct walk w = {.writer = &writers[_i]};
	const int codes[] = {ENOSPC, EIO};

	w.n = complete(w.writer, &w.whole);
	for (unsigned i = 0; i < 4; i++) {
		w.old = i & 1;
		/* open, write, fsync, close, rename */
		ck_assert_uint_ge(
			fail_io_walk(one_step_fails, &w, codes[i / 2]), 5);
	}
	free(w.whole);
}
END_TEST

START_TEST(a_file_that_takes_a_few_bytes_at_a_time_gets_them_all)
{
	struct walk w = {.writer = &writers[_i]};

	w.n = complete(w.writer, &w.whole);
	fail_io_short(97);
	one_step_fails(&w, 0);
	fail_io_short(0);
	free(w.whole);
}
END_TEST

/* ---- the process is killed ---- */

/* The .part of a trace is refused in one line, or gives a beginning. */
static void recovers(const char *events)
{
	struct box_path part = box_path(&box, "t.part"),
			r = box_path(&box, "r");
	struct trace_recovered res;
	struct err err = {0};
	int ret = trace_recover(part.text, r.text, 1, 1, &res, &err);
	char *is;

	if (ret) { /* not even the header was there */
		ck_assert_int_eq(ret, -EINVAL);
		ck_assert(err.text[0] && !strchr(err.text, '\n'));
		ck_assert(!box_has(&box, "r"));
		return;
	}
	is = box_events(&box, "r");
	ck_assert(!strncmp(is, events, strlen(is)));
	free(is);
	remove(r.text);
}

static void after_a_kill(struct walk *w, const char *events)
{
	char *is;
	size_t n;

	if (box_has(&box, "t")) {
		n = box_read(&box, "t", &is);
		if (n != sizeof(OLD) - 1 || memcmp(is, OLD, n))
			holds("t", w->whole, w->n);
		free(is);
	} else {
		ck_assert(!w->old);
	}
	if (box_has(&box, "t.part") && events)
		recovers(events);
	remove(box_path(&box, "t").text);
	remove(box_path(&box, "t.part").text);
	ck_assert_uint_eq(files(), others);
}

/* Returns whether the child came to its end; @us 0: at step @n, else then. */
static bool kill_one(const struct walk *w, uint64_t n, unsigned did, long us)
{
	struct timespec ts = {.tv_nsec = us * 1000};
	struct err err;
	int status;
	pid_t pid;

	if (w->old)
		box_write(&box, "t", OLD, sizeof(OLD) - 1);
	fflush(NULL);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		if (n)
			fail_io_kill(n, did);
		_exit(command(w->writer, &err) == EXIT_OK ? 0 : 99);
	}
	if (us) {
		nanosleep(&ts, NULL);
		kill(pid, SIGKILL);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status)) {
		ck_assert_int_eq(WTERMSIG(status), SIGKILL);
		return false;
	}
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	return true;
}

static char *events_of(struct walk *w)
{
	char *events;

	if (!w->writer->trace)
		return NULL;
	box_write(&box, "t", w->whole, w->n);
	events = box_events(&box, "t");
	remove(box_path(&box, "t").text);
	return events;
}

START_TEST(a_writer_that_is_killed_at_any_step_leaves_all_or_nothing)
{
	struct walk w = {.writer = &writers[_i]};
	struct prng p = prng_fork(test_seed(1), "step");
	unsigned kept = 0;
	uint64_t n = 1;
	char *events;

	w.n = complete(w.writer, &w.whole);
	events = events_of(&w);
	for (bool end = false; !end; n++) {
		/* before it, in the middle of a write, behind it */
		const unsigned did[] = {0, 1 + (unsigned)prng_below(&p, 255),
					256};

		for (unsigned i = 0; i < 3 && !end; i++) {
			w.old = prng_below(&p, 2);
			end = kill_one(&w, n, did[i], 0);
			kept += box_has(&box, "t.part");
			after_a_kill(&w, events);
		}
		ck_assert_uint_lt(n, FAIL_IO_SITES);
	}
	ck_assert_uint_gt(n, 5);
	ck_assert_uint_gt(kept, 5);
	free(events);
	free(w.whole);
}
END_TEST

START_TEST(an_import_that_is_killed_at_any_time_leaves_all_or_nothing)
{
	struct walk w = {.writer = &writers[WRITERS - 1 - _i]};
	struct prng p = prng_fork(test_seed(1), "time");
	char *events;

	w.n = complete(w.writer, &w.whole);
	events = events_of(&w);
	for (unsigned i = 0; i < 20; i++) {
		w.old = prng_below(&p, 2);
		kill_one(&w, 0, 0, 500 + (long)prng_below(&p, 20000));
		after_a_kill(&w, events);
	}
	free(events);
	free(w.whole);
}
END_TEST

static Suite *writers_suite(void)
{
	Suite *s = suite_create("writers");
	TCase *c = tcase_create("all");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 120);
	tcase_add_loop_test(c,
			    when_any_step_of_writing_fails_the_old_file_stays,
			    0, WRITERS);
	tcase_add_loop_test(
		c, a_file_that_takes_a_few_bytes_at_a_time_gets_them_all, 0,
		WRITERS);
	tcase_add_loop_test(
		c, a_writer_that_is_killed_at_any_step_leaves_all_or_nothing, 0,
		WRITERS);
	tcase_add_loop_test(
		c, an_import_that_is_killed_at_any_time_leaves_all_or_nothing,
		0, 2);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	/* Hundreds of files are synced: in memory that costs nothing. */
	if (!access("/dev/shm", W_OK))
		setenv("TMPDIR", "/dev/shm", 0);
	return check_main(writers_suite());
}
