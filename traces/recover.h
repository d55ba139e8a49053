/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * recover.h - what is whole in a binary trace that is cut or damaged
 */
#ifndef DEDUPSIM_TRACES_RECOVER_H
#define DEDUPSIM_TRACES_RECOVER_H

#include "traces/writer.h"

struct trace_recovered {
	bool whole;		  /* nothing was missing */
	uint64_t offset;	  /* first byte that was not used */
	uint64_t bytes;		  /* of the damaged file */
	struct err why;		  /* what is wrong there; "" when whole */
	struct trace_header kept; /* totals and digest, no meta */
};

/*
 * trace_recover - copy the sections up to the first damage into a new trace
 * @level, @threads: as for the writer
 *
 * Sections are taken whole or not at all.  Returns 0 whether or not there was
 * damage; -EINVAL when not even the header can be read, or what writing says.
 */
int trace_recover(const char *in, const char *out, int level, unsigned threads,
		  struct trace_recovered *res, struct err *err);

#endif
