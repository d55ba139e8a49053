/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * figure.h - plots/fig_NAME.gp, and the data that it is drawn from
 *
 *	results.tsv … ──► one TSV ──► gnuplot ──► SVG, PDF, PNG, LaTeX
 *	                          ──► a table for LaTeX
 *
 * The .gp files are part of the program.  Comments at the head of each say what
 * it wants:
 *
 *	# plot: SUMMARY			one line, no full stop
 *	# data: WORDS			where such a TSV comes from
 *	# needs: COLUMN…		that must be there
 *	# rows: SCOPE…			the TSV is made of results (--tsv of a run):
 *					a line per file, a column SCOPE.NAME per
 *					result, and first a column "run"
 *	# also: COLUMN…			of such results; 0 when no file has them
 *	# column: COLUMN DIVISOR HEADING
 *					of the table, in their order, integers
 *					divided; a DIVISOR of 256.0 gives one
 *					digit behind the point; all columns as
 *					they are when none is named
 *	# turned: yes			columns of the table are its lines
 *
 * The script is loaded with these defined: `data`, the TSV; `format`, one of
 * svg, pdf, png, tex; `out`, what is written, without its suffix.  It says how
 * wide and high it is (in cm), loads plots/style.gp, and plots.
 */
#ifndef DEDUPSIM_CMD_FIGURE_H
#define DEDUPSIM_CMD_FIGURE_H

#include "sim/report/grid.h"

/* What is built in, by name; text is what the file holds. */
struct figure_preset {
	const char *name, *text;
};
extern const struct figure_preset figure_presets[]; /* name NULL ends it */

struct figure {
	const char *name; /* of a preset, without "fig_" */
	const char *text;
	char *own; /* text of a file; NULL: of a preset */
};

struct figure_input {
	const char *path;
	char *label; /* NULL: its name, without directory and suffix; owned */
};

/* figure_is_style - is the preset no figure, but how all figures look? */
bool figure_is_style(const struct figure_preset *p);

/*
 * figure_find - by name, or the file if there is a '/' in it or it ends in ".gp"
 * Returns 0; -EINVAL with the nearest name; errors of the file; -ENOMEM.
 */
int figure_find(struct figure *f, const char *name, struct err *err);
void figure_fini(struct figure *f);

/* figure_says - what follows the first "# KEY: " in its head, up to the end of
 * the line; returns how long it is, or 0 */
size_t figure_says(const char *text, const char *key, const char **value);

/*
 * figure_data - the TSV that the figure is drawn from
 * @in:   @n files
 * @text: out: malloc()ed, *@bytes long, with a NUL behind
 * Returns 0; -EINVAL for files that are not what the figure wants; errors of
 * reading; -ENOMEM.
 */
int figure_data(const struct figure *f, const struct figure_input *in, size_t n,
		char **text, size_t *bytes, struct err *err);

/* figure_table - @text from figure_data() as a table for LaTeX */
int figure_table(const struct figure *f, const char *text, FILE *out,
		 struct err *err);

#endif
