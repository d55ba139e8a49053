/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scenario.h - small programs for one engine, answered row by row
 *
 * The language of KSM scenarios; one file may hold many:
 *	scenario ID		a new one begins: everything as after boot, run = 2
 *	set NAME VALUE		a tunable; what the kernel refuses is refused,
 *				as one that its version does not have yet
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
 * The language of tmem; a statement is a call, a state, or a line of words:
 *	page NAME RUN…		a content: BYTES or BYTES*COUNT in hex, one after
 *				the other, then zeros; random N: noise; at the end
 *				may stand packed LENGTH FIRST, what the compressor
 *				makes of it (otherwise codec lzo is asked)
 *	vector NAME		a new one begins; nothing of the last is left
 *	host R0…R4 WORD…	fresh: as_shipped or repaired, DEFECT=either,
 *				alone (nothing is shared), tze, compress, frames=N,
 *				weight=N, room=N (frames of each guest)
 *	N(c[,p][,s,U0,U1][,v,VERSION][,k,SIZE])	new pool: p persistent, s shared
 *	P(c,p,o,i,NAME) G(c,p,o,i) F(c,p,o,i) O(c,p,o) D(c,p)
 *				put, get, flush page, flush object, destroy
 *	E(c) R() K(kib) X(c)	evict (0: for nobody), relinquish, flush to the
 *				host, the guest is gone
 *	[Ec,Oc,Nc,Pc,Fc,Sc|Ep,Gd]	the state; [] only prints it
 *	lru [C] [= c/o:i[a1] …]	pages from the oldest on; a1: was tried
 *	order S [= NAME…], tree S [= SHAPE]	of a shard; * marks red nodes
 *	stat|time|client C|pool C P|shared N KEY[=V]…	figures by the old tool's
 *				keys
 *	list			all its lines
 *	freeze C, thaw C, migrate C 0|1, weight C N, guest C MAX NOW, auth C 0|1,
 *	allow C U0 U1, compress C 0|1, logged C
 *	fail RECORD N		the N-th allocation from now fails: object, page,
 *				node, pcd, bytes, frame or any
 * and those of scenario_zcache.c.  What stands behind = is what the answer should
 * be.  Each answer is a row: vector, line, statement, got, told, result.
 *
 * A file tells its language by its first line: ksm by `scenario ID`, before
 * which may be comments; the others by a comment that begins with `# zram`, `# tmem`.
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

/* scenario_tmem - the same for the language of tmem; a row per statement.  -EINVAL
 * also when an answer is not what the text tells: all rows are printed then. */
int scenario_tmem(const char *name, char *text, size_t n,
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
