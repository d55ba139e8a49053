/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fail_io.h - make the n-th step of writing files fail, or be the last
 *
 * Steps are open() for writing, and write(), fsync(), close() and rename() of
 * what was opened so; the linker sends the program's calls of them through here
 * (as fail_mem.h says).  What stdio and other libraries do for themselves is not
 * seen: os_out writes itself.  Nothing fails and nothing is counted until
 * somebody asks for it; threads are counted together.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_FAIL_IO_H
#define DEDUPSIM_TESTS_SUPPORT_FAIL_IO_H

#include <stdint.h>

/* Most steps that fail_io_walk() lets a function make. */
#define FAIL_IO_SITES 1000u

/* fail_io_after - count from 0; the @n-th step fails with errno @code (1: the
 * next one), those after it do not; @n 0: only count */
void fail_io_after(uint64_t n, int code);
/*
 * fail_io_kill - the process is killed at the @n-th step, with no chance to tidy
 * up: before it, or when @did is not 0 after so many 256th parts of a write;
 * 256: after the step, whatever it is
 */
void fail_io_kill(uint64_t n, unsigned did);
/* fail_io_short - write() takes at most @most bytes at a time and every other
 * call is interrupted; 0: no more */
void fail_io_short(uint64_t most);
void fail_io_off(void); /* fail_io_count() stays */
uint64_t fail_io_count(void);

/*
 * fail_io_walk - fail each step of @fn with @code in turn, until it needs no
 * more
 * @fn: starts anew at each call; told the errno that it has to fail with, or 0
 * when nothing fails: then it has to succeed
 *
 * A Check test fails when @fn makes more than FAIL_IO_SITES steps, or none at
 * all.  Returns how many it makes.
 */
typedef void fail_io_fn(void *ctx, int code);
uint64_t fail_io_walk(fail_io_fn *fn, void *ctx, int code);

#endif
