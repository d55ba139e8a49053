/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.h - what reader and writer of the text form share
 */
#ifndef DEDUPSIM_TRACES_TEXT_H
#define DEDUPSIM_TRACES_TEXT_H

#include "sim/base/os.h"
#include "traces/trace.h"

#define TEXT_MAGIC "dedupsim-trace "

/*
 * Operands of each operation, one letter each, in line order:
 *	s space      f space that is copied   v page number   n count
 *	c content    p pool   o object   i index   d content of a put
 *	0 1 2 parts of an object's key        F words for flags
 *	A mergeable or unmergeable
 */
extern const char *const text_operands[EVENT_OP_COUNT];

/* Words for flags; { 0, NULL } ends the list. */
struct text_flag {
	uint8_t flag;
	const char *word;
};
extern const struct text_flag text_flags[];

/*
 * text_from_trace - the canonical text of a trace
 * Equal traces with equal provenance give equal bytes.
 */
int text_from_trace(struct trace *t, unsigned threads, struct os_out *out,
		    struct err *err);

#endif
