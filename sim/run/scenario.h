/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scenario.h - small programs for one engine, answered row by row
 *
 * The language of KSM scenarios; one file may hold many:
 *	scenario ID		a new one begins: everything as after boot, run = 2
 *	set NAME VALUE		a tunable; what the kernel refuses is refused
 *	start W | exit W | fork W CHILD
 *	map|maphuge|mapshared|unmap|dontneed|mergeable|unmergeable|read|readonly|
 *	pin|unpin W LO HI	pages [LO, HI) of process W; unpin: all its pins
 *	fill W LO HI RULE V0 STEP MOD
 *				page p holds RULE of V0 + ((p - LO) * STEP) [% MOD]
 *	scan			one full scan, or the rest of the present one
 *	batch N			one batch of at most N pages
 *	snap STEP		prints a row: all counters and three tunables;
 *				"-" for one that the version does not have
 * ksmd is stepped: it sleeps between two batches until the next scan or batch.
 *
 * The language of zram steps; the columns of a row, with blanks or tabs between:
 *	vector step op slots sizes	what is done; 10 more columns, what a
 *					kernel answered, are passed over
 *	ops:	init		a fresh device of 65536 slots, 6.18's zsmalloc
 *		write		one page per slot, in order; a size for each
 *		discard, zeroout
 *				empty the slots
 *		compact
 *		limit		sizes: bytes of mem_limit, 0: none
 *		resetmax	sizes: 0; mem_used_max begins anew
 *	slots:	list of a | a-b | a-b/stride, both ends included; - is none
 *	sizes:	list of n | n*count: what the codec makes of the page; 0: one
 *		word over and over, 4096: no shorter; - is none
 * Each step is answered by a row: the five columns, the result (ok, or EIO when
 * a write was refused; the rest of the list was tried), and mm_stat.
 *
 * A file tells its language by its first line: ksm by `scenario ID`, before
 * which may be comments; zram by a comment that begins with `# zram`.
 */
#ifndef DEDUPSIM_RUN_SCENARIO_H
#define DEDUPSIM_RUN_SCENARIO_H

#include <stdio.h>

#include "sim/base/err.h"
#include "sim/core/meter.h"

struct scenario_opts {
	unsigned paranoid; /* check every invariant after every operation */
	/* Tunables of ksm from boot on, above all version: names and values in
	 * turn, NULL ends; NULL: none. */
	const char *const *set;
	struct meter
		*sum; /* all counts of all scenarios are added; NULL: not */
};

/*
 * scenario_run - run all scenarios of a text
 * @name: of the text, for messages
 * @text: @n bytes, changed while it is read, one more byte behind for a NUL
 * @out:  TSV, a header line and then a row per snap
 *
 * Returns 0; -EINVAL with name:line in @err; -ENOMEM.
 */
int scenario_run(const char *name, char *text, size_t n,
		 const struct scenario_opts *opts, FILE *out, struct err *err);

/* scenario_zram - the same for the language of zram steps; a row per step */
int scenario_zram(const char *name, char *text, size_t n,
		  const struct scenario_opts *opts, FILE *out, struct err *err);

struct scenario_language {
	const char *name;  /* "ksm", as for --as; NULL ends the table */
	const char *first; /* what its first line begins with */
	int (*run)(const char *name, char *text, size_t n,
		   const struct scenario_opts *opts, FILE *out,
		   struct err *err);
};

extern const struct scenario_language scenario_languages[];
/* Both return NULL when there is none. */
const struct scenario_language *scenario_language_named(const char *name);
/* @text ends with a NUL */
const struct scenario_language *scenario_language_of(const char *text);

#endif
