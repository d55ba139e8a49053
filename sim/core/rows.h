/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rows.h - named results with units, in the order they were added
 *
 * The one form in which results leave an engine, a machine or a meter; reporters
 * decide how they look.  Values are integers all the way: ratios are formed by
 * the reporter, from integers that are also printed.
 */
#ifndef DEDUPSIM_CORE_ROWS_H
#define DEDUPSIM_CORE_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct row {
	const char *scope; /* "ksm", "meter", "machine"; borrowed, static */
	const char *name;  /* "pages_shared"; borrowed, static */
	const char *unit;  /* "pages", "bytes"; borrowed, static */
	int32_t index; /* of a space, a depth, …; -1: the row is not one of many */
	int64_t value;
};

struct rows {
	struct row *v;
	size_t n, cap;
	bool failed; /* out of memory: rows are missing */
};

void rows_init(struct rows *r);
void rows_fini(struct rows *r);
void rows_clear(struct rows *r); /* keeps the memory */
/* Adding never fails at the call: check r->failed once at the end. */
void rows_add(struct rows *r, const char *scope, const char *name,
	      const char *unit, int64_t value);
void rows_add_at(struct rows *r, const char *scope, const char *name,
		 int32_t index, const char *unit, int64_t value);
/* rows_get - value of the first row of that scope (NULL: any) and name, else
 * @otherwise */
int64_t rows_get(const struct rows *r, const char *scope, const char *name,
		 int64_t otherwise);
bool rows_has(const struct rows *r, const char *scope, const char *name);

#endif
