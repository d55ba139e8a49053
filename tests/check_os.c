/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/os.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

static char dir[64], path[128], part[160];

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/dedupsim-os-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
	snprintf(part, sizeof(part), "%s.part", path);
}

static void teardown(void)
{
	unlink(part);
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static bool exists(const char *name)
{
	struct stat st;

	return !stat(name, &st);
}

static void put(const void *buf, size_t n)
{
	FILE *f = fopen(path, "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(buf, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

static void holds(const char *text)
{
	struct err err = {0};
	char *s = NULL;
	size_t n = 0;

	ck_assert_int_eq(os_read_all(path, 4096, &s, &n, &err), 0);
	ck_assert_uint_eq(n, strlen(text));
	ck_assert_str_eq(s, text);
	free(s);
}

/* ---- writing ---- */

START_TEST(nothing_is_under_the_final_name_before_commit)
{
	struct err err = {0};
	struct os_out o;

	ck_assert_int_eq(os_out_open(&o, path, &err), 0);
	ck_assert_int_eq(os_out_write(&o, "hello ", 6), 0);
	ck_assert_int_eq(os_out_write(&o, "world", 5), 0);
	ck_assert(!exists(path));
	ck_assert(exists(part));
	ck_assert_int_eq(os_out_commit(&o, &err), 0);
	ck_assert(!exists(part));
	holds("hello world");
	os_out_abort(&o);
	holds("hello world");
}
END_TEST

START_TEST(an_older_file_stays_until_commit_and_after_abort)
{
	struct err err = {0};
	struct os_out o;

	put("old", 3);
	ck_assert_int_eq(os_out_open(&o, path, &err), 0);
	ck_assert_int_eq(os_out_write(&o, "new", 3), 0);
	fflush(o.f);
	holds("old");
	os_out_abort(&o);
	ck_assert(!exists(part));
	holds("old");
	ck_assert_int_eq(os_out_open(&o, path, &err), 0);
	ck_assert_int_eq(os_out_write(&o, "new", 3), 0);
	ck_assert_int_eq(os_out_commit(&o, &err), 0);
	holds("new");
}
END_TEST

START_TEST(a_full_disk_is_told)
{
	static const char block[70000];
	struct err err = {0};
	struct os_out o;
	int ret;

	if (!exists("/dev/full"))
		return;
	/* a write that reaches the device at once */
	ck_assert_int_eq(os_out_open(&o, "/dev/full", &err), 0);
	ret = os_out_write(&o, block, sizeof(block));
	ck_assert_int_eq(ret, -ENOSPC);
	ck_assert_int_eq(os_out_write(&o, "x", 1), -ENOSPC);
	ck_assert_int_eq(os_out_commit(&o, &err), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, "/dev/full: "));
	/* and one that waits in the buffer until commit */
	err.text[0] = 0;
	ck_assert_int_eq(os_out_open(&o, "/dev/full", &err), 0);
	ck_assert_int_eq(os_out_write(&o, "x", 1), 0);
	ck_assert_int_eq(os_out_commit(&o, &err), -ENOSPC);
	ck_assert_ptr_nonnull(strstr(err.text, strerror(ENOSPC)));
	/* printed behind the back of os_out_write() */
	err.text[0] = 0;
	ck_assert_int_eq(os_out_open(&o, "/dev/full", &err), 0);
	for (int i = 0; i < 100000; i++)
		fputc('x', o.f);
	ck_assert_int_lt(os_out_commit(&o, &err), 0);
	ck_assert_str_ne(err.text, "");
	ck_assert(exists("/dev/full"));
}
END_TEST

START_TEST(a_failed_write_leaves_no_file)
{
	struct err err = {0};
	struct os_out o;

	ck_assert_int_eq(os_out_open(&o, path, &err), 0);
	o.error = ENOSPC;
	ck_assert_int_eq(os_out_commit(&o, &err), -ENOSPC);
	ck_assert(!exists(path));
	ck_assert(!exists(part));
	ck_assert_ptr_nonnull(strstr(err.text, path));
}
END_TEST

START_TEST(a_place_that_cannot_be_written_is_refused_by_name)
{
	struct err err = {0};
	struct os_out o;
	char name[160];

	snprintf(name, sizeof(name), "%s/none/file", dir);
	ck_assert_int_eq(os_out_open(&o, name, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, name));
	err.text[0] = 0;
	ck_assert_int_eq(os_out_open(&o, dir, &err), -EISDIR);
	ck_assert_ptr_nonnull(strstr(err.text, dir));
	os_out_abort(&o);
}
END_TEST

static int write_out(void *ctx)
{
	struct err err = {0};
	struct os_out o;
	int ret = os_out_open(&o, ctx, &err);

	if (ret)
		return ret;
	ret = os_out_write(&o, "x", 1);
	return ret ? ret : os_out_commit(&o, &err);
}

START_TEST(writing_survives_each_failed_allocation)
{
	ck_assert_uint_eq(fail_mem_walk(write_out, path), 2);
	holds("x");
}
END_TEST

/* ---- reading ---- */

START_TEST(bytes_are_read_where_they_are)
{
	struct err err = {0};
	struct os_file f;
	char buf[8] = "";

	put("0123456789", 10);
	ck_assert_int_eq(os_open(&f, path, &err), 0);
	ck_assert_uint_eq(f.bytes, 10);
	ck_assert_str_eq(f.path, path);
	ck_assert_int_eq(os_read_at(&f, 3, buf, 4, &err), 0);
	ck_assert_str_eq(buf, "3456");
	ck_assert_int_eq(os_read_at(&f, 10, buf, 0, &err), 0);
	ck_assert_int_eq(os_read_at(&f, 8, buf, 4, &err), -EIO);
	ck_assert_ptr_nonnull(strstr(err.text, "offset 10"));
	ck_assert_ptr_nonnull(strstr(err.text, path));
	os_close(&f);
	os_close(&f);
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused)
{
	struct err err = {0};
	struct os_file f;

	ck_assert_int_eq(os_open(&f, path, &err), -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, path));
	os_close(&f);
	err.text[0] = 0;
	ck_assert_int_eq(os_open(&f, dir, &err), -EISDIR);
	ck_assert_ptr_nonnull(strstr(err.text, "not a regular file"));
	err.text[0] = 0;
	ck_assert_int_eq(os_open(&f, "/dev/null", &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "not a regular file"));
}
END_TEST

START_TEST(a_whole_file_is_bounded)
{
	struct err err = {0};
	char *s = NULL;
	size_t n = 99;

	put("ab\0cd", 5);
	ck_assert_int_eq(os_read_all(path, 5, &s, &n, &err), 0);
	ck_assert_uint_eq(n, 5);
	ck_assert_mem_eq(s, "ab\0cd", 6);
	free(s);
	s = NULL;
	ck_assert_int_eq(os_read_all(path, 4, &s, &n, &err), -EFBIG);
	ck_assert_ptr_null(s);
	ck_assert_ptr_nonnull(strstr(err.text, "larger than 4 bytes"));
	put("", 0);
	ck_assert_int_eq(os_read_all(path, 0, &s, &n, &err), 0);
	ck_assert_uint_eq(n, 0);
	ck_assert_str_eq(s, "");
	free(s);
}
END_TEST

static int read_whole(void *ctx)
{
	struct err err = {0};
	char *s = NULL;
	size_t n;
	int ret = os_read_all(ctx, 100, &s, &n, &err);

	if (ret)
		ck_assert_ptr_null(s);
	free(s);
	return ret;
}

START_TEST(reading_survives_each_failed_allocation)
{
	put("abc", 3);
	ck_assert_uint_eq(fail_mem_walk(read_whole, path), 2);
}
END_TEST

#define MIB ((off_t)1 << 20)

static bool within(off_t at, uint64_t lo, uint64_t hi)
{
	return lo <= (uint64_t)at && (uint64_t)at < hi;
}

START_TEST(data_is_found_between_holes)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	uint64_t lo, hi, off = 0, covered = 0, holes = 0;
	struct err err = {0};
	struct os_file f;
	char c;

	/* 16 MiB with a byte at 3 MiB and one at 9 MiB */
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, 16 * MIB), 0);
	ck_assert_int_eq(pwrite(fd, "a", 1, 3 * MIB), 1);
	ck_assert_int_eq(pwrite(fd, "b", 1, 9 * MIB), 1);
	ck_assert_int_eq(fsync(fd), 0);
	close(fd);
	ck_assert_int_eq(os_open(&f, path, &err), 0);
	for (;;) {
		ck_assert_int_eq(os_extent(&f, off, &lo, &hi, &err), 0);
		ck_assert_uint_ge(lo, off);
		ck_assert_uint_le(hi, f.bytes);
		holes += lo - off;
		if (lo == f.bytes)
			break;
		ck_assert_uint_lt(lo, hi);
		covered += within(3 * MIB, lo, hi);
		covered += within(9 * MIB, lo, hi);
		off = hi;
	}
	/* both bytes lie in data; a file system that cannot tell has no holes
	 */
	ck_assert_uint_eq(covered, 2);
	ck_assert(holes == 0 || holes > (uint64_t)(10 * MIB));
	ck_assert_int_eq(os_read_at(&f, (uint64_t)(9 * MIB), &c, 1, &err), 0);
	ck_assert_int_eq(c, 'b');
	ck_assert_int_eq(os_extent(&f, f.bytes + 5, &lo, &hi, &err), 0);
	ck_assert_uint_eq(lo, f.bytes);
	os_close(&f);
}
END_TEST

/* ---- the rest ---- */

START_TEST(mapped_memory_is_zero_and_keeps_its_contents_when_it_grows)
{
	unsigned char *p = os_map(10000), *q;

	ck_assert_ptr_nonnull(p);
	for (int i = 0; i < 10000; i++)
		ck_assert_uint_eq(p[i], 0);
	memset(p, 7, 10000);
	q = os_remap(p, 10000, 5000000);
	ck_assert_ptr_nonnull(q);
	for (int i = 0; i < 5000000; i++)
		if (q[i] != (i < 10000 ? 7 : 0))
			ck_abort_msg("byte %d is %u", i, q[i]);
	os_unmap(q, 5000000);
	os_unmap(NULL, 1);
	ck_assert_ptr_null(os_map(SIZE_MAX / 2));
}
END_TEST

START_TEST(clocks_do_not_run_backwards)
{
	uint64_t wall = os_wall_ns(), cpu = os_thread_cpu_ns(), now;
	volatile unsigned x = 0;

	for (int i = 0; i < 100; i++) {
		now = os_wall_ns();
		ck_assert_uint_ge(now, wall);
		wall = now;
	}
	for (int i = 0; i < 1000000; i++)
		x = x + 1;
	ck_assert_uint_gt(os_thread_cpu_ns(), cpu);
	ck_assert_uint_ge(os_cpus(), 1);
}
END_TEST

/* ---- walking ---- */

struct seen {
	char text[256];
	int stop;
};

static int note(void *ctx, const char *name, uint64_t bytes, struct err *err)
{
	struct seen *s = ctx;
	size_t n = strlen(s->text);

	(void)err;
	snprintf(s->text + n, sizeof(s->text) - n, "%s:%d ", name, (int)bytes);
	return s->stop;
}

static int walk_dir(void *ctx)
{
	struct seen s = {.text = ""};

	(void)ctx;
	return os_walk(dir, note, &s, NULL);
}

START_TEST(a_walk_sees_regular_files_in_the_order_of_their_names)
{
	struct seen s = {.text = ""};
	struct err err = {0};
	char sub[160], leaf[200], link[160];

	snprintf(sub, sizeof(sub), "%s/a.d", dir);
	snprintf(leaf, sizeof(leaf), "%s/leaf", sub);
	snprintf(link, sizeof(link), "%s/link", dir);
	put("12345", 5);
	ck_assert_int_eq(mkdir(sub, 0700), 0);
	ck_assert_int_eq(symlink(sub, link), 0);
	ck_assert_int_eq(close(open(leaf, O_CREAT | O_WRONLY, 0600)), 0);
	ck_assert_int_eq(os_walk(dir, note, &s, &err), 0);
	ck_assert_str_eq(s.text, "a.d/leaf:0 file:5 ");
	s = (struct seen){.stop = 7};
	ck_assert_int_eq(os_walk(dir, note, &s, &err), 7);
	ck_assert_str_eq(s.text, "a.d/leaf:0 ");
	ck_assert_int_eq(os_walk(path, note, &s, &err), -ENOTDIR);
	ck_assert_ptr_nonnull(strstr(err.text, "/file: Not a directory"));
	err = (struct err){0};
	ck_assert_int_eq(os_walk(leaf + strlen(leaf), note, &s, &err), -ENOENT);
	fail_mem_walk(walk_dir, NULL);
	unlink(link);
	unlink(leaf);
	rmdir(sub);
}
END_TEST

static Suite *os_suite(void)
{
	Suite *s = suite_create("os");
	TCase *t = tcase_create("files");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, nothing_is_under_the_final_name_before_commit);
	tcase_add_test(t, an_older_file_stays_until_commit_and_after_abort);
	tcase_add_test(t, a_full_disk_is_told);
	tcase_add_test(t, a_failed_write_leaves_no_file);
	tcase_add_test(t, a_place_that_cannot_be_written_is_refused_by_name);
	tcase_add_test(t, writing_survives_each_failed_allocation);
	tcase_add_test(t, bytes_are_read_where_they_are);
	tcase_add_test(t, what_is_no_regular_file_is_refused);
	tcase_add_test(t, a_whole_file_is_bounded);
	tcase_add_test(t, reading_survives_each_failed_allocation);
	tcase_add_test(t, data_is_found_between_holes);
	tcase_add_test(t,
		       a_walk_sees_regular_files_in_the_order_of_their_names);
	suite_add_tcase(s, t);
	t = tcase_create("rest");
	tcase_add_test(
		t, mapped_memory_is_zero_and_keeps_its_contents_when_it_grows);
	tcase_add_test(t, clocks_do_not_run_backwards);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(os_suite());
}
