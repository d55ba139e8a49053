/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "tests/support/fail_io.h"

#define FDS 1024
#define WHOLE 256u

/* As in fail_mem.c: what is interposed has no place to hang state from. */
static atomic_bool counting, killing, interrupted;
static atomic_uint_least64_t count, fail_at, most;
static atomic_int fail_code;
static atomic_uint kill_after;
static atomic_bool ours[FDS]; /* descriptors opened for writing */

int __real_open(const char *path, int flags, ...);
ssize_t __real_write(int fd, const void *buf, size_t n);
int __real_fsync(int fd);
int __real_close(int fd);
int __real_rename(const char *from, const char *to);

int __wrap_open(const char *path, int flags, ...);
ssize_t __wrap_write(int fd, const void *buf, size_t n);
int __wrap_fsync(int fd);
int __wrap_close(int fd);
int __wrap_rename(const char *from, const char *to);

static bool is_ours(int fd)
{
	return fd >= 0 && fd < FDS && atomic_load(&ours[fd]);
}

/* What is to become of the step that begins. */
static bool hit(void)
{
	return atomic_load(&counting) &&
	       atomic_fetch_add(&count, 1) + 1 == atomic_load(&fail_at);
}

static bool fails(bool is_hit)
{
	if (!is_hit)
		return false;
	if (atomic_load(&killing)) {
		if (!atomic_load(&kill_after))
			raise(SIGKILL);
		return false;
	}
	errno = atomic_load(&fail_code);
	return true;
}

static void done(bool is_hit)
{
	if (is_hit && atomic_load(&killing))
		raise(SIGKILL);
}

int __wrap_open(const char *path, int flags, ...)
{
	bool now, out = (flags & O_ACCMODE) != O_RDONLY;
	mode_t mode = 0;
	va_list ap;
	int fd;

	if (flags & O_CREAT) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (!out)
		return __real_open(path, flags, mode);
	now = hit();
	if (fails(now))
		return -1;
	fd = __real_open(path, flags, mode);
	if (fd >= 0 && fd < FDS)
		atomic_store(&ours[fd], true);
	done(now);
	return fd;
}

ssize_t __wrap_write(int fd, const void *buf, size_t n)
{
	uint64_t limit = atomic_load(&most);
	ssize_t did;
	bool now;

	if (!is_ours(fd))
		return __real_write(fd, buf, n);
	if (limit &&
	    atomic_exchange(&interrupted, !atomic_load(&interrupted))) {
		errno = EINTR;
		return -1;
	}
	if (limit && n > limit)
		n = (size_t)limit;
	now = hit();
	if (fails(now))
		return -1;
	if (now)
		n = n * atomic_load(&kill_after) / WHOLE;
	did = __real_write(fd, buf, n);
	done(now);
	return did;
}

int __wrap_fsync(int fd)
{
	bool now = is_ours(fd) && hit();
	int ret;

	if (fails(now))
		return -1;
	ret = __real_fsync(fd);
	done(now);
	return ret;
}

/* A descriptor is gone even when closing it says that something was lost. */
int __wrap_close(int fd)
{
	bool now = is_ours(fd) && hit(), failed = fails(now);
	int code = errno, ret;

	if (is_ours(fd))
		atomic_store(&ours[fd], false);
	ret = __real_close(fd);
	done(now);
	if (!failed)
		return ret;
	errno = code;
	return -1;
}

int __wrap_rename(const char *from, const char *to)
{
	bool now = hit();
	int ret;

	if (fails(now))
		return -1;
	ret = __real_rename(from, to);
	done(now);
	return ret;
}

static void start(uint64_t n, bool deadly)
{
	atomic_store(&count, 0);
	atomic_store(&fail_at, n);
	atomic_store(&killing, deadly);
	atomic_store(&counting, true);
}

void fail_io_after(uint64_t n, int code)
{
	atomic_store(&fail_code, code);
	start(n, false);
}

void fail_io_kill(uint64_t n, unsigned did)
{
	atomic_store(&kill_after, did);
	start(n, true);
}

void fail_io_short(uint64_t bytes)
{
	atomic_store(&most, bytes);
}

void fail_io_off(void)
{
	atomic_store(&counting, false);
}

uint64_t fail_io_count(void)
{
	return atomic_load(&count);
}

uint64_t fail_io_walk(fail_io_fn *fn, void *ctx, int code)
{
	uint64_t steps;

	fail_io_after(0, 0);
	fn(ctx, 0);
	fail_io_off();
	steps = fail_io_count();
	ck_assert_msg(steps, "nothing was written");
	ck_assert_msg(steps <= FAIL_IO_SITES, "more than %u steps",
		      FAIL_IO_SITES);
	for (uint64_t n = 1; n <= steps; n++) {
		fail_io_after(n, code);
		fn(ctx, code);
		fail_io_off();
	}
	return steps;
}
