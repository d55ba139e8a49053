/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tracegen.h - traces to test readers and writers with
 *
 * Everything here fails the Check test that calls it when it cannot do its
 * work.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_TRACEGEN_H
#define DEDUPSIM_TESTS_SUPPORT_TRACEGEN_H

#include "sim/core/pages.h"
#include "traces/writer.h"

struct recording {
	struct event *ev; /* tidy */
	size_t n, cap;
	uint32_t contents;
	enum page_rule rule; /* of page k, with value k */
	bool big_endian, has_reads;
};

/* recording_every - each operation, each flag, the largest numbers */
void recording_every(struct recording *r);
/* recording_random - @events events of all kinds over @contents contents */
void recording_random(struct recording *r, uint64_t seed, size_t events,
		      uint32_t contents);
void recording_fini(struct recording *r);

/*
 * recording_feed - give everything to a writer
 * @early: all contents first; otherwise each right before it is needed
 * Returns what the writer says.
 */
int recording_feed(const struct recording *r, struct trace_writer *w,
		   bool early, struct err *err);
/* recording_write - a binary trace; the totals are returned */
struct trace_header recording_write(const struct recording *r, const char *path,
				    int level, unsigned threads);
/* recording_text - the canonical text of a trace, into a file */
void recording_text(const char *trace, const char *path);

/* recording_same - read @path and compare everything, byte for byte */
void recording_same(const struct recording *r, const char *path,
		    unsigned threads);

#endif
