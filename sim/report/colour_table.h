/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * colour_table.h - what reads of an array cost, by how its pages got frames
 *
 *	machine ──► row per size of the array ──► cell per case
 *
 * Filled by sim/run/colour.h, written by the functions below: the text is for
 * people, TSV has one line per cell and is what the figure is drawn from, JSON
 * holds every counter.  Cycles leave the TLB out: it is the same in all cases.
 */
#ifndef DEDUPSIM_REPORT_COLOUR_TABLE_H
#define DEDUPSIM_REPORT_COLOUR_TABLE_H

#include "models/cache.h"

/* X(symbol, name in results, heading, what it is) */
#define COLOUR_CASE_LIST(X)                                                    \
	X(PRIVATE, "private", "private", "each page has its own frame")        \
	X(KSM, "ksm", "one page", "all pages merged into one")                 \
	X(LIMIT, "ksm_limit", "limited",                                       \
	  "the same, a further copy for so many mappings")                     \
	X(ZCOL, "coloured", "coloured", "the zero page of each address")       \
	X(ZONE, "zero_one", "one zero", "a kernel with one zero page")         \
	X(UZP, "ksm_uzp", "use_zero",                                          \
	  "where KSM with use_zero_pages=1 puts them")

enum colour_case {
#define X(sym, name, head, what) COLOUR_##sym,
	COLOUR_CASE_LIST(X)
#undef X
		COLOUR_CASES
};

extern const char *const colour_case_name[COLOUR_CASES];

struct colour_cell {
	struct cache_counts cold, steady; /* first and second pass */
	bool settled;			  /* the third pass was as the second */
	uint64_t frames;		  /* that the array maps */
	uint64_t low, high; /* steady cycles, over what hardware may do */
};

struct colour_row {
	uint64_t bytes, pages, lines;
	struct colour_cell cell[COLOUR_CASES];
};

struct colour_machine {
	struct cache_conf conf; /* as it was run */
	unsigned zero_order;
	unsigned variants; /* of the hardware that low and high are over */
	uint64_t limit;	   /* mappings of one page, in the case of a limit */
	struct colour_row *row; /* ascending sizes */
	size_t rows;
};

struct colour_table {
	struct colour_machine *machine;
	size_t machines;
};

/* colour_steady - cycles of the second pass */
uint64_t colour_steady(const struct colour_row *row, enum colour_case c);

/*
 * colour_crossover - smallest size at which @a is faster than @b, and at every
 * larger one
 * Returns its bytes, or 0 when there is none.
 */
uint64_t colour_crossover(const struct colour_machine *m, enum colour_case a,
			  enum colour_case b);

/* Each returns 0, -ENOMEM, or -EIO when @out takes no more. */
int colour_write_text(const struct colour_table *t, FILE *out, struct err *err);
int colour_write_tsv(const struct colour_table *t, FILE *out, struct err *err);
int colour_write_json(const struct colour_table *t, FILE *out, struct err *err);

#endif
