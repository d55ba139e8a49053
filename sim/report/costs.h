/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * costs.h - the part of the summary that is about CPU time
 */
#ifndef DEDUPSIM_REPORT_COSTS_H
#define DEDUPSIM_REPORT_COSTS_H

#include <stdio.h>

#include "sim/core/rows.h"

/*
 * report_costs - CPU time, its share of a CPU, by what it was spent on, per MiB
 * saved; with its two ends
 * @cpu: the processor, in words
 * Prints nothing when there are no rows of scope "cost", or nothing was done.
 */
void report_costs(const struct rows *results, const char *cpu, FILE *out);

#endif
