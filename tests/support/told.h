/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * told.h - the scenarios that the fidelity probe tells, and rows of TSV
 *
 * Everything here fails the Check test that calls it when it cannot do its work.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_TOLD_H
#define DEDUPSIM_TESTS_SUPPORT_TOLD_H

#include <stddef.h>

#include "sim/run/scenario.h"

#define TOLD_FIXED 42 /* scenarios S01 … */
#define TOLD_COLUMNS 20u

/* $B, or "build" */
const char *told_build_dir(void);

/* told_scenarios - what the probe would do in S01 … S42 and R1 … R@randoms;
 * malloc()ed */
char *told_scenarios(int randoms, size_t *n);

/* told_ids - the same for a list of ids with blanks between them */
char *told_ids(const char *ids, size_t *n);

/* told_answer - all rows that scenario_run() gives for a text, which is changed
 * and freed; malloc()ed */
char *told_answer(char *text, size_t n, const struct scenario_opts *opts);

/* told_row - the next line of *@p, cut at its tabs; returns the number of
 * columns, 0 at the end */
unsigned told_row(char **p, char *column[TOLD_COLUMNS]);

#endif
