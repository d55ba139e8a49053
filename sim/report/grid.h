/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * grid.h - a TSV read back, for figures and for tables in papers
 *
 *	# key<TAB>value		facts, before all else
 *	name<TAB>name…		of the columns
 *	cell<TAB>cell…		rows, all as long as the names
 *
 * That is what --tsv and --timeline write.  Files may be anybody's: cells are
 * text until somebody asks, memory is bounded by the file.
 */
#ifndef DEDUPSIM_REPORT_GRID_H
#define DEDUPSIM_REPORT_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/err.h"

#define GRID_COLUMNS_MAX 1024u
#define GRID_NONE SIZE_MAX

struct grid {
	char *text;	   /* all strings lie in it */
	const char **fact; /* key, value, key, value … */
	const char **cell; /* names first, then row by row */
	size_t facts, columns, rows;
	size_t fact_cap, cell_cap;
};

/*
 * grid_parse - read @n bytes
 * @text: malloc()ed, with a NUL behind; belongs to @g from now on, whatever
 *        happens; control characters in it become '?'
 * @name: for messages: "FILE:LINE: what"
 * Returns 0; -EINVAL; -ENOMEM; grid_fini() in any case.
 */
int grid_parse(struct grid *g, const char *name, char *text, size_t n,
	       struct err *err);
void grid_fini(struct grid *g);

/* grid_column - its number, or GRID_NONE */
size_t grid_column(const struct grid *g, const char *name);
/* grid_cell - row 0 is the first below the names */
const char *grid_cell(const struct grid *g, size_t row, size_t column);
/* grid_fact - its value, or NULL */
const char *grid_fact(const struct grid *g, const char *key);
/* grid_is_number - an integer or a decimal fraction? */
bool grid_is_number(const char *cell);

/*
 * grid_write_latex - as a table of LaTeX's package booktabs
 * Columns of numbers (or "-") stand to the right, in groups of three digits.
 * Returns 0 or -EIO.
 */
int grid_write_latex(const struct grid *g, FILE *out, struct err *err);

/* grid_latex - put text as LaTeX would take it */
void grid_latex(const char *s, FILE *out);

#endif
