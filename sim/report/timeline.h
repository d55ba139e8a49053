/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * timeline.h - counters over simulated time, one line per sample, as TSV
 *
 * `# key<TAB>value` lines, a header line `time_ns<TAB>scope.name…`, then rows.
 * Columns are the rows of the first sample that are not one of many (those may
 * come and go); a later sample must have the same.
 */
#ifndef DEDUPSIM_REPORT_TIMELINE_H
#define DEDUPSIM_REPORT_TIMELINE_H

#include "sim/base/os.h"
#include "sim/base/units.h"
#include "sim/core/rows.h"

struct timeline {
	struct os_out *out; /* borrowed */
	size_t columns;	    /* 0: no sample yet */
	ns_t last;
};

/* timeline_sample - for struct run_config; @ctx is a struct timeline.  A second
 * sample at the same time is left out.  Returns 0 or the error of the file. */
int timeline_sample(void *ctx, ns_t now, const struct rows *rows);

#endif
