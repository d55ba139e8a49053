/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opt_impl.h - what the files of opt share: rows and values (opt.c), the
 * command line and its help (opt_line.c)
 */
#ifndef DEDUPSIM_BASE_OPT_IMPL_H
#define DEDUPSIM_BASE_OPT_IMPL_H

#include <stdbool.h>

#include "sim/base/opt.h"

/* Names of which only the first @n bytes count. */
const struct opt *opt_find_n(const struct opt *rows, const char *name,
			     size_t n);
const char *opt_nearest_n(const struct opt *rows, const char *name, size_t n);
/* opt_negated - the flag that "no-NAME" turns off; NULL: no such flag */
const struct opt *opt_negated(const struct opt *rows, const char *name,
			      size_t n);
const struct opt *opt_find_letter(const struct opt *rows, char letter);

/* opt_label - a name as users see it: "--max-page-sharing", or as in the row
 * when @dashes is "" */
#define OPT_LABEL_MAX 80
const char *opt_label(char buf[OPT_LABEL_MAX], const struct opt *row,
		      const char *dashes);

/* opt_has_field - false: each value goes to the caller's opt_multi_fn */
bool opt_has_field(const struct opt *row);

/* Room for a range, or for the names of a choice. */
#define OPT_ALLOWED_MAX 256
const char *opt_value_text(const struct opt *row, uint64_t v, char *buf,
			   size_t n);
/* opt_range_text - "2 … 4294967295 pages", "at least 4KiB", "": anything */
void opt_range_text(const struct opt *row, char *buf, size_t n);
void opt_choices_text(const struct opt *row, char *buf, size_t n);
/* opt_allowed - for messages; never "" but for strings */
const char *opt_allowed(const struct opt *row, char buf[OPT_ALLOWED_MAX]);

/* opt_store - parse and store a value; @label names the option in messages */
int opt_store(const struct opt *row, void *opts, const char *label,
	      const char *value, struct err *err);

#endif
