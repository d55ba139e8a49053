/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * workload.h - input that is made up: the events and contents of a trace
 *
 *	"number-crunch:processes=4,zero=80" ──► workload ──► events
 *	                                                 ──► contents by number
 *
 * One table of operations and one line in workloads.def each.  Contents are
 * numbered before the first event, their bytes made when somebody asks; events
 * obey what traces/trace.h promises.  The same words and the same seed give the
 * same events and the same bytes.
 */
#ifndef DEDUPSIM_WORKLOADS_WORKLOAD_H
#define DEDUPSIM_WORKLOADS_WORKLOAD_H

#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/opt.h"
#include "sim/core/content.h"
#include "sim/core/event.h"

/* The public part of every workload, first member of its own struct. */
struct workload {
	const struct workload_ops *ops;
	uint32_t contents; /* distinct, the page of zeros included */
	uint32_t spaces;
	uint64_t events;
	ns_t end; /* time of the last event */
	bool has_reads;
};

struct workload_ops {
	const char *name, *summary;
	const struct opt *opts;
	size_t opts_size;
	/*
	 * Count everything; no event has been made.  Returns 0, -EINVAL with
	 * @err set, or -ENOMEM; @opts is borrowed for the call only.
	 */
	int (*start)(struct workload **out, const void *opts, uint64_t seed,
		     struct err *err);
	/* The next events, at most @max; returns how many, 0 at the end. */
	size_t (*next)(struct workload *w, struct event *ev, size_t max);
	void (*rewind)(struct workload *w);
	/* As struct content_source says; thread-safe, valid until stop(). */
	const uint8_t *(*bytes)(void *w, uint32_t id, uint8_t *buf);
	/* As struct content_source says; NULL: pages are not nearly empty. */
	void (*sparse)(void *w, uint32_t id, struct content_sparse *out);
	void (*stop)(struct workload *w); /* NULL is fine */
};

#define WORKLOAD(name) extern const struct workload_ops workload_##name;
#include "workloads/workloads.def"
#undef WORKLOAD

extern const struct workload_ops *const workloads[]; /* NULL ends it */

/*
 * workload_start - "NAME" or "NAME:KEY=VALUE,…"
 * Returns 0; -EINVAL with the nearest name, or what is wrong with a value, in
 * @err; -ENOMEM.
 */
int workload_start(struct workload **out, const char *words, uint64_t seed,
		   struct err *err);
void workload_stop(struct workload *w); /* NULL is fine */
/* workload_source - of its contents */
struct content_source workload_source(struct workload *w);

#endif
