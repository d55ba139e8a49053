/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trace.h - recorded input: open, contents, events, close
 *
 * A trace is one file: a header, the distinct page contents in order of first
 * appearance, and events in time order.  The format is found by its first
 * bytes, never by its name; readers.def lists the formats.  FORMAT.md specifies
 * the binary form byte by byte and the text form line by line.
 *
 * Every reader treats the file as hostile: memory stays bounded by what the
 * file holds, never by what it claims; each error names file and offset (or
 * line).  Events handed out obey: time does not decrease; op, flags, ids and
 * ranges are in bounds; a content was defined before it is used; spaces are
 * created before use, numbered 0, 1, 2 … and not used after exit.  Whether a
 * written page is mapped is the machine's to check.
 */
#ifndef DEDUPSIM_TRACES_TRACE_H
#define DEDUPSIM_TRACES_TRACE_H

#include <stddef.h>
#include <stdio.h>

#include "sim/base/err.h"
#include "sim/base/hash.h"
#include "sim/core/content.h"
#include "sim/core/event.h"

#define TRACE_MAJOR 1u
#define TRACE_MINOR 0u

/* Provenance: where the recording came from, in free words. */
struct trace_meta {
	char *key,
		*value; /* UTF-8 without control characters; key has no blank */
};

struct trace_header {
	uint16_t major, minor;
	bool big_endian; /* byte order of the recorded machine */
	bool has_reads;	 /* read events were recorded */
	struct trace_meta *meta;
	size_t nmeta;
	/* Totals, from the footer. */
	uint32_t contents; /* distinct, the page of zeros included */
	uint32_t spaces;
	uint64_t events;
	ns_t end; /* time of the last event */
	struct digest
		digest; /* of contents and events: equal traces, equal digests */
};

struct trace; /* private to its reader */

struct trace_reader_ops {
	const char *name;    /* "binary" */
	const char *summary; /* for `dedupsim list` */
	/* Does a file that starts with these @n bytes belong to this reader? */
	bool (*magic)(const uint8_t *start, size_t n);
	int (*open)(struct trace **out, const char *path, struct err *err);
	const struct trace_header *(*header)(const struct trace *t);
	/*
	 * Read all contents into memory, with @threads threads.  The source
	 * stays valid until drop() or close().
	 */
	int (*contents)(struct trace *t, unsigned threads,
			struct content_source *src, struct err *err);
	void (*drop)(struct trace *t); /* free the bytes of the contents */
	/*
	 * The next events, in a block that stays valid until the next call.
	 * Returns 1, or 0 at the end (and again at each further call).
	 */
	int (*next)(struct trace *t, const struct event **ev, size_t *n,
		    struct err *err);
	int (*rewind)(struct trace *t, struct err *err);
	/* Where event @i of the present block stands: "vm.trace: event 12 (…)". */
	void (*where)(const struct trace *t, size_t i, char *buf, size_t n);
	/* Check what contents() and next() do not read. */
	int (*check)(struct trace *t, struct err *err);
	void (*close)(struct trace *t); /* NULL is fine */
};

struct trace {
	const struct trace_reader_ops *ops;
	const char *path; /* as given to open(), for messages */
};

#define READER(name) extern const struct trace_reader_ops reader_##name;
#include "traces/readers.def"
#undef READER

extern const struct trace_reader_ops *const trace_readers[]; /* NULL ends it */

/* trace_open - by magic; -EINVAL names the file and what was expected */
int trace_open(struct trace **out, const char *path, struct err *err);
void trace_close(struct trace *t); /* NULL is fine */

/*
 * trace_verify - read everything: checksums, order, bounds, every content
 * distinct (by bytes), totals and digest equal to the footer
 */
int trace_verify(struct trace *t, unsigned threads, struct err *err);

/*
 * trace_each - hand out contents and events in one canonical order: each
 * content right before the first event that needs it or a later one, those that
 * no event needs at the end
 * @page, @event: return 0 to go on; a negative errno ends the walk
 */
struct trace_visitor {
	int (*page)(void *ctx, uint32_t id, const uint8_t *page,
		    struct err *err);
	int (*event)(void *ctx, const struct event *ev, struct err *err);
	void *ctx;
};
int trace_each(struct trace *t, unsigned threads, const struct trace_visitor *v,
	       struct err *err);

#endif
