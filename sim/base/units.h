/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * units.h - the quantities that must not be mixed
 *
 * Time in nanoseconds and cost in cycles are one-member structs, so that adding
 * one to the other does not compile.  Ids, ranks, page numbers and frames stay
 * plain integers: they index arrays.
 */
#ifndef DEDUPSIM_BASE_UNITS_H
#define DEDUPSIM_BASE_UNITS_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_BYTES 4096u
#define PAGE_BITS (PAGE_BYTES * 8u)
#define PAGE_WORDS (PAGE_BYTES / 8u)
/* Pages of a transparent huge page, and of a page-table chunk. */
#define HUGE_SHIFT 9
#define HUGE_PAGES 512u

static_assert(PAGE_BYTES == 1u << PAGE_SHIFT, "page size and shift disagree");
static_assert(HUGE_PAGES == 1u << HUGE_SHIFT, "huge size and shift disagree");

typedef struct {
	uint64_t v;
} ns_t; /* nanoseconds since the start of the trace */
typedef struct {
	uint64_t v;
} cyc_t; /* processor cycles */

#define NS(x) ((ns_t){(uint64_t)(x)})
#define NS_NEVER ((ns_t){UINT64_MAX})
#define NS_PER_SEC UINT64_C(1000000000)
#define NS_PER_MSEC UINT64_C(1000000)

/* ns_add - later by @by; sticks at NS_NEVER instead of wrapping */
static inline ns_t ns_add(ns_t a, ns_t by)
{
	return a.v > UINT64_MAX - by.v ? NS_NEVER : NS(a.v + by.v);
}

static inline bool ns_before(ns_t a, ns_t b)
{
	return a.v < b.v;
}

static inline bool ns_is_never(ns_t a)
{
	return a.v == UINT64_MAX;
}

/*
 * Checks inside per-level and decode loops: on in test, sanitizer and paranoid
 * builds only.  Everywhere else plain assert() is meant, and stays on.
 */
#ifdef DEDUPSIM_PARANOID
#define dbg_assert(x) assert(x)
#else
#define dbg_assert(x) ((void)0)
#endif

#endif
