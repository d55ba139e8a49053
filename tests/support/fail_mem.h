/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fail_mem.h - make the n-th allocation fail
 *
 * The linker sends the program's calls of malloc(), calloc(), realloc(),
 * strdup(), os_map(), os_remap() and pthread_create() through here (one
 * -Wl,--wrap=NAME for each __wrap_NAME in fail_mem.c); what libraries allocate
 * for themselves is not seen, nor what ck_assert() does.  Nothing fails and
 * nothing is counted until somebody asks for it.  Calls of several threads are
 * counted together.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_FAIL_MEM_H
#define DEDUPSIM_TESTS_SUPPORT_FAIL_MEM_H

#include <stdint.h>

/* Most allocations that fail_mem_walk() lets a function make. */
#define FAIL_MEM_SITES 5000u

/* fail_mem_after - count from 0; the @n-th allocation fails (1: the next one),
 * those after it do not; @n 0: only count */
void fail_mem_after(uint64_t n);
/* fail_mem_off - stop counting and failing; fail_mem_count() stays */
void fail_mem_off(void);
/* fail_mem_count - allocations asked for since fail_mem_after() */
uint64_t fail_mem_count(void);

/* fail_threads_after - @n more threads can be made, then no more; -1: any */
void fail_threads_after(int n);

/*
 * fail_mem_walk - fail each allocation of @fn in turn, until it needs no more
 * @fn: starts anew at each call, frees what it made; -ENOMEM or 0
 *
 * A Check test fails when a call whose allocation failed does not return
 * -ENOMEM, when the first one without failure does not return 0, when @fn
 * makes more than FAIL_MEM_SITES allocations, or none at all.  Returns how many
 * it makes.
 */
typedef int fail_mem_fn(void *ctx);
uint64_t fail_mem_walk(fail_mem_fn *fn, void *ctx);

#endif
