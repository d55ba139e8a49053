/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/support/fail_mem.h"

/*
 * Interposed functions have no place to hang state from: these are the only
 * variables of their kind.  Zero-initialised they do nothing.
 */
static atomic_bool counting;
static atomic_uint_least64_t count, fail_at;
static atomic_int threads_left;
static atomic_bool threads_limited;
/* Inside of Check, which allocates for itself and may be linked statically. */
static _Thread_local bool in_check;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
char *__real_strdup(const char *s);
void *__real_os_map(size_t bytes);
void *__real_os_remap(void *p, size_t from, size_t to);
int __real_pthread_create(pthread_t *t, const pthread_attr_t *attr,
			  void *(*fn)(void *), void *arg);
void __real__mark_point(const char *file, int line);
void __real__ck_assert_failed(const char *file, int line, const char *expr,
			      const char *msg, ...);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
char *__wrap_strdup(const char *s);
void *__wrap_os_map(size_t bytes);
void *__wrap_os_remap(void *p, size_t from, size_t to);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr,
			  void *(*fn)(void *), void *arg);
void __wrap__mark_point(const char *file, int line);
void __wrap__ck_assert_failed(const char *file, int line, const char *expr,
			      const char *msg, ...)
	__attribute__((noreturn, format(printf, 4, 5)));

static bool fails(void)
{
	if (!atomic_load(&counting) || in_check)
		return false;
	if (atomic_fetch_add(&count, 1) + 1 != atomic_load(&fail_at))
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t n)
{
	return fails() ? NULL : __real_malloc(n);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t n)
{
	return fails() ? NULL : __real_realloc(p, n);
}

char *__wrap_strdup(const char *s)
{
	return fails() ? NULL : __real_strdup(s);
}

void *__wrap_os_map(size_t bytes)
{
	return fails() ? NULL : __real_os_map(bytes);
}

void *__wrap_os_remap(void *p, size_t from, size_t to)
{
	return fails() ? NULL : __real_os_remap(p, from, to);
}

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr,
			  void *(*fn)(void *), void *arg)
{
	if (atomic_load(&threads_limited) &&
	    atomic_fetch_sub(&threads_left, 1) <= 0)
		return EAGAIN;
	return __real_pthread_create(t, attr, fn, arg);
}

void __wrap__mark_point(const char *file, int line)
{
	in_check = true;
	__real__mark_point(file, line);
	in_check = false;
}

void __wrap__ck_assert_failed(const char *file, int line, const char *expr,
			      const char *msg, ...)
{
	char text[1024];
	va_list ap;

	fail_mem_off();
	if (msg) {
		va_start(ap, msg);
		vsnprintf(text, sizeof(text), msg, ap);
		va_end(ap);
	}
	__real__ck_assert_failed(file, line, expr, msg ? "%s" : NULL, text);
	abort(); /* not reached: the real one leaves the test */
}

void fail_mem_after(uint64_t n)
{
	atomic_store(&count, 0);
	atomic_store(&fail_at, n);
	atomic_store(&counting, true);
}

void fail_mem_off(void)
{
	atomic_store(&counting, false);
}

uint64_t fail_mem_count(void)
{
	return atomic_load(&count);
}

void fail_threads_after(int n)
{
	atomic_store(&threads_left, n);
	atomic_store(&threads_limited, n >= 0);
}

uint64_t fail_mem_walk(fail_mem_fn *fn, void *ctx)
{
	for (uint64_t n = 1; n <= FAIL_MEM_SITES; n++) {
		int ret;

		fail_mem_after(n);
		ret = fn(ctx);
		fail_mem_off();
		if (fail_mem_count() >= n) {
			ck_assert_msg(ret == -ENOMEM,
				      "allocation %" PRIu64 " failed and %d "
				      "was returned, not -ENOMEM",
				      n, ret);
			continue;
		}
		ck_assert_msg(!ret, "no allocation failed and %d was returned",
			      ret);
		ck_assert_msg(n > 1, "nothing was allocated");
		return n - 1;
	}
	ck_abort_msg("more than %u allocations", FAIL_MEM_SITES);
	return 0;
}
