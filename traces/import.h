/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * import.h - memory that something else recorded, made into a trace
 *
 *	operands ─► importer (importers.def) ─► struct import ─► traces/writer.h
 *	            reads pages, interns them    spaces, windows,
 *	                                         only changes
 *
 * Each guest becomes one space, in the order of the operands or of the
 * container: anonymous, mergeable, slot s at IMPORT_BASE + s * IMPORT_STRIDE
 * (`base` moves them all), its pages at their guest-physical offsets.  All
 * spaces are created at the first instant, a guest is mapped at its own first
 * instant, and each instant ends with a mark.  At one instant the guests follow
 * each other in order, their pages ascend, and only what changed is an event.
 *
 * Same inputs and options, same bytes: nothing of the machine that imports gets
 * into the trace, and names of files go in without their directories.
 */
#ifndef DEDUPSIM_TRACES_IMPORT_H
#define DEDUPSIM_TRACES_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "traces/trace.h"
#include "traces/writer.h"

#define IMPORT_STRIDE (UINT64_C(1) << 40) /* bytes: most of one guest */
#define IMPORT_BASE IMPORT_STRIDE
#define IMPORT_ALIGN ((uint64_t)HUGE_PAGES * PAGE_BYTES) /* of a base */
#define IMPORT_PAGES_MAX (IMPORT_STRIDE >> PAGE_SHIFT)

struct import_totals {
	struct trace_header header; /* no meta */
	size_t guests, instants;
	uint64_t pages; /* of all guests together, within the window */
	uint32_t contents; /* distinct, the page of zeros included */
};

struct import_job {
	const char *out; /* NULL: read, intern and count, write nothing */
	const char *const *inputs; /* [NAME=]FILE[@TIME], or one directory */
	size_t ninputs;
	uint64_t base; /* address of slot 0; 2 MiB-aligned */
	uint64_t first,
		count; /* window of pages of every guest; count 0: all */
	const struct trace_meta *meta; /* provenance of the user's */
	size_t nmeta;
	int level;	  /* of zstd, 1 … 19 */
	unsigned threads; /* at least 1; nothing depends on it */
	/* Told now and then how much memory was looked at; may be NULL. */
	void (*progress)(void *ctx, uint64_t bytes, uint64_t of);
	void *ctx;
};

/*
 * import_run - do it; @job->out appears only when all is well
 * Returns 0; -EINVAL (-EFBIG, -EIO, …) with file and place in @err; -ENOMEM.
 */
int import_run(const struct import_job *job, struct import_totals *totals,
	       struct err *err);

/* --- for importers ------------------------------------------------------- */

struct import_guest {
	const char *name; /* borrowed from the importer */
	uint64_t pages;	  /* of the whole guest */
	uint64_t vpn;	  /* of its page 0 */
	bool mapped;
	uint32_t *held; /* by page of the window: content + 1, 0 not present */
	uint64_t held_end; /* no page from here on was ever present */
};

struct import {
	const struct import_job *job;
	struct import_guest *guests;
	size_t nguests, guests_cap;
	uint64_t first, count; /* the window, in pages of any guest; 0: all */
	struct trace_writer *w; /* NULL: nothing is written */
	uint32_t contents;	/* distinct so far, the page of zeros included */
	ns_t now;
	size_t instants;
	uint32_t space;	     /* guest whose pages are being given */
	uint64_t done, todo; /* bytes, for progress */
};

struct importer_ops {
	const char *name; /* "raw" */
	const char *summary;
	/* Is this one's operand?  Asked of the first. */
	bool (*claims)(const char *operand);
	int (*run)(struct import *im, struct err *err);
};

extern const struct importer_ops *const importers[]; /* NULL ends it */

/* First all guests … (@name must live as long as the importer runs) */
int import_guest(struct import *im, const char *name, uint64_t pages,
		 struct err *err);
/* … then provenance: importer, guests, window, the user's … */
int import_begin(struct import *im, const char *importer, struct err *err);
int import_meta(struct import *im, struct err *err, const char *value,
		const char *key, ...) __attribute__((format(printf, 4, 5)));

/* … then, for each instant, begin, for some guests enter and their pages in
 * ascending order, end. */
int import_instant(struct import *im, ns_t time, struct err *err);
int import_enter(struct import *im, size_t guest, struct err *err);
int import_instant_end(struct import *im, struct err *err);

/* import_window - pages [*@lo, *@hi) of guest @g are wanted */
void import_window(const struct import *im, size_t g, uint64_t *lo,
		   uint64_t *hi);

/* import_page - the next content, as trace_writer_page() */
int import_page(struct import *im, const void *page, struct err *err);
/* import_write - page @page of the entered guest, within the window, holds
 * content @id; nothing is written when it did before */
int import_write(struct import *im, uint64_t page, uint32_t id,
		 struct err *err);
/* import_absent - pages [@lo, @hi) are not there (any more) */
int import_absent(struct import *im, uint64_t lo, uint64_t hi, struct err *err);

/* import_progress - @bytes more of memory were looked at */
void import_progress(struct import *im, uint64_t bytes);

#endif
