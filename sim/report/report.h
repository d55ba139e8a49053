/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.h - the results of one run, and the forms they can be written in
 *
 *	struct report ──► text   for people
 *	              ──► tsv    one row per result
 *	              ──► json   "schema": REPORT_SCHEMA
 *
 * The run loop fills a report once it is over; a reporter writes it and knows
 * nothing else.  Everything in it is borrowed.  Same report, same bytes:
 * nothing is added that could differ between two equal runs (no date, no path,
 * no number of threads).  Values are integers; ratios are the text's only.
 *
 * TSV: `# key<TAB>value` lines, the header line, then one row each of results,
 * meter and spaces; the index is "-" where a row is not one of many.
 *
 * JSON: results[scope][name] is an integer, or an object of index: integer where
 * a row is one of many; units[scope][name] is the unit; spaces is an array of
 * objects with the number of the space under "space".
 */
#ifndef DEDUPSIM_REPORT_REPORT_H
#define DEDUPSIM_REPORT_REPORT_H

#include <stdio.h>

#include "sim/base/err.h"
#include "sim/base/hash.h"
#include "sim/base/opt.h"
#include "sim/core/meter.h"
#include "sim/core/rows.h"

#define REPORT_SCHEMA "dedupsim.run/1"

/* A fact of the run in words: "until" "end of the trace". */
struct report_fact {
	const char *key, *value;
};

struct report {
	const char *engine;
	const char *trace; /* name of the file, without its directory */
	struct digest digest;
	const struct report_fact *facts;
	size_t nfacts;
	const struct opt *opt_rows; /* of the engine; NULL: it has none */
	const void *opts;	    /* their effective values */
	const struct rows *results; /* machine and engine */
	const struct rows *spaces;  /* index is the space; in groups; or NULL */
	const struct meter *meter;  /* NULL: nothing was counted */
};

struct reporter_ops {
	const char *name, *summary;
	/* Returns 0, -ENOMEM, -EINVAL for rows that contradict each other (two
	 * of one name and index), or -EIO when @out takes no more. */
	int (*write)(const struct report *r, FILE *out, struct err *err);
};

extern const struct reporter_ops *const reporters[]; /* NULL ends it */

/* reporter_find - by name; NULL with the nearest name in @err */
const struct reporter_ops *reporter_find(const char *name, struct err *err);

/*
 * report_meter_rows - the counts that are not zero as rows: scope "meter" for
 * operations, the name of each tree that was walked for its walks (walks, steps,
 * steps_at_depth by depth as far down as anyone went, and the lines compared
 * behind the first: lines_at_depth, or bytewise_ and scattered_lines_at_depth)
 */
void report_meter_rows(const struct meter *m, struct rows *out);

/* report_digest - 32 hex digits, high half first; @buf has room for 33 */
const char *report_digest(struct digest d, char *buf);

/*
 * report_string - @s without what a result file cannot hold: control characters
 * and what is not UTF-8 become '?'
 * @buf: room for @n bytes; longer text is cut
 */
const char *report_string(const char *s, char *buf, size_t n);
#define REPORT_STRING_MAX 1024u

#endif
