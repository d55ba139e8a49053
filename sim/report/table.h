/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * table.h - results that are many rows of the same columns
 *
 *	static const struct table_column column[] = {
 *		{"pool", NULL, TABLE_WORD, .view = 3, .heading = "pool"},
 *		{"pages", "pages", TABLE_COUNT},
 *		{"objects", "objects", TABLE_COUNT},
 *		{NULL, NULL, TABLE_RATIO, .view = 1, .num = 2, .den = 1,
 *		 .digits = 2, .heading = "objects/page"},
 *		{.kind = TABLE_END},
 *	};
 *
 * TSV and JSON hold all words and counts; text holds views, which are picked
 * columns, and ratios, which are formed of two counts only there.  Nothing is
 * added that could differ between two equal runs.
 */
#ifndef DEDUPSIM_REPORT_TABLE_H
#define DEDUPSIM_REPORT_TABLE_H

#include <stdio.h>

#include "sim/report/report.h"

enum table_kind {
	TABLE_END,
	TABLE_WORD,
	TABLE_COUNT,
	TABLE_MILLIONTHS, /* a count, written as a decimal fraction */
	TABLE_RATIO
};

struct table_column {
	const char *name; /* in files; NULL for a ratio */
	const char *unit; /* of a count: "pages" */
	enum table_kind kind;
	unsigned view;	     /* bit per view of the text; 0: files only */
	const char *heading; /* in the text */
	unsigned num, den;   /* of a ratio: columns, which are counts */
	unsigned digits;     /* … behind the point, at most 6; in the text also
				of millionths */
	unsigned percent;    /* … 1: as a percentage */
};

/* A word or a count; text NULL and count TABLE_NONE: there is none. */
struct table_cell {
	const char *text; /* borrowed */
	int64_t count;
};
#define TABLE_NONE INT64_MIN

#define TABLE_COLUMNS_MAX 64u

struct table {
	const struct table_column *column; /* static */
	size_t columns;
	struct table_cell *cell; /* row by row */
	size_t n, cap;		 /* cells */
	bool failed;		 /* out of memory: cells are missing */
};

void table_init(struct table *t, const struct table_column *column);
void table_fini(struct table *t);
/* Cells of the next row, column by column, ratios left out.  Adding never fails
 * at the call: the writers say so. */
void table_word(struct table *t, const char *text);
void table_count(struct table *t, int64_t count);

/*
 * The writers; @schema and @facts as for a report.  A row that would look the
 * same as the one before it is left out of a view.  All return 0, -ENOMEM, or
 * -EIO when @out takes no more.
 */
int table_write_tsv(const struct table *t, const char *schema,
		    const struct report_fact *facts, size_t nfacts, FILE *out,
		    struct err *err);
int table_write_json(const struct table *t, const char *schema,
		     const struct report_fact *facts, size_t nfacts, FILE *out,
		     struct err *err);
/* @view: one bit */
int table_write_text(const struct table *t, unsigned view, FILE *out,
		     struct err *err);

#endif
