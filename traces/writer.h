/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * writer.h - a binary trace written as a stream
 *
 * Contents and events are given in the order in which they happened; full
 * sections are compressed by worker threads and written in order, so the bytes
 * do not depend on the number of threads.  The file grows beside its final name
 * (".part") and is renamed by trace_writer_commit(): a writer that is killed
 * leaves a ".part" that `dedupsim trace recover` reads up to its last whole
 * section.
 */
#ifndef DEDUPSIM_TRACES_WRITER_H
#define DEDUPSIM_TRACES_WRITER_H

#include "sim/base/err.h"
#include "sim/core/event.h"
#include "traces/trace.h"

struct trace_writer;

struct trace_writer_opts {
	int level;	  /* zstd, 1 … 19; 0: 3 */
	unsigned threads; /* compressing; 0: one */
	bool big_endian, has_reads;
};

int trace_writer_new(struct trace_writer **out, const char *path,
		     const struct trace_writer_opts *opts, struct err *err);

/* Before the first content or event; -EINVAL for a bad key or value. */
int trace_writer_meta(struct trace_writer *w, const char *key,
		      const char *value, struct err *err);

/*
 * trace_writer_page - define the next content: id 1, 2, 3 … in call order
 * The caller interns (sim/core/pages.h): @page must differ from all before.
 */
int trace_writer_page(struct trace_writer *w, const void *page,
		      struct err *err);

/* trace_writer_event - must obey what trace.h promises of events, else -EINVAL */
int trace_writer_event(struct trace_writer *w, const struct event *ev,
		       struct err *err);

/* trace_writer_commit - finish, check, rename; frees @w in every case.
 * @header: out, may be NULL: totals and digest of what was written (no meta). */
int trace_writer_commit(struct trace_writer *w, struct trace_header *header,
			struct err *err);
/* trace_writer_abort - remove the ".part"; NULL is fine */
void trace_writer_abort(struct trace_writer *w);

#endif
