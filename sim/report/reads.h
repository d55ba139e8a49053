/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reads.h - the part of the summary that is about caches and colours
 */
#ifndef DEDUPSIM_REPORT_READS_H
#define DEDUPSIM_REPORT_READS_H

#include <stdio.h>

#include "sim/core/rows.h"

/*
 * report_reads - what guests pay for reading merged pages, and what the
 * engine's own reads cost them
 * @machine, @readers: in words
 * Prints nothing when there are no rows of scope "cache", or "colour".
 */
void report_reads(const struct rows *results, const char *machine,
		  const char *readers, FILE *out);

#endif
