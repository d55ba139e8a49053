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
 *	snap STEP		prints a row: all counters and three tunables
 * ksmd is stepped: it sleeps between two batches until the next scan or batch.
 */
#ifndef DEDUPSIM_RUN_SCENARIO_H
#define DEDUPSIM_RUN_SCENARIO_H

#include <stdio.h>

#include "sim/base/err.h"
#include "sim/core/meter.h"

struct scenario_opts {
	unsigned paranoid; /* check every invariant after every operation */
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

#endif
