/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine.h - what an engine is: one table of operations, one line in engines.def
 *
 * An engine sees effects (what happened to which page), does background work in
 * turns, asks the machine for merges by downward calls, counts what it does on a
 * meter, and reports counters under their kernel names.  It never reads a
 * price, prints, exits, allocates per event or looks at another engine.
 * README.md beside this file shows how to add one.
 */
#ifndef DEDUPSIM_ENGINE_ENGINE_H
#define DEDUPSIM_ENGINE_ENGINE_H

#include <stdio.h>

#include "sim/base/opt.h"
#include "sim/core/content.h"
#include "sim/core/effect.h"
#include "sim/core/evq.h"
#include "sim/core/meter.h"
#include "sim/core/rows.h"
#include "sim/machine/machine.h"

/*
 * Who wants to know which memory an engine reads: compares and checksums go
 * through the kernel's direct map, page by page from the start.
 */
struct engine_sink {
	/* the first @bytes bytes at @place, see sim/machine/place.h */
	void (*read)(void *ctx, uint64_t place, uint32_t bytes);
	void *ctx;
};

struct engine_env {
	struct machine *machine;
	struct content_set *contents;
	const struct clock *clock; /* virtual; the start of the present turn */
	uint64_t seed; /* of the run; fork streams from it by name */
	const struct engine_sink *sink; /* outlives the engine; NULL: nobody */
};

/*
 * The public part of every engine, first member of its own struct.
 * wake[w] is when worker w wants its next turn: the engine changes it in any
 * call, the run loop reads it after each call; NS_NEVER: parked.
 */
struct engine {
	const struct engine_ops *ops;
	unsigned workers; /* background threads; 0: none */
	ns_t *wake;	  /* [workers], the engine's */
	/* [workers], the run's, there before the first event: for an engine
	 * that plays several workers in one turn */
	struct meter *meter;
};

/* How far background work has come; for `--until` and the summary. */
struct engine_progress {
	uint64_t scans;	  /* full passes finished */
	uint64_t round;	  /* full passes within which every page is visited */
	uint64_t changes; /* merges, breaks and new item states, ever; skips by
			     smart scan do not count */
};

struct engine_ops {
	const char *name, *summary; /* "ksm"; one line for `dedupsim list` */
	const char *source;	    /* "[linux-6.18] mm/ksm.c"; NULL: ours */
	const struct opt *opts;	    /* tunables; NULL: none */
	size_t opts_size;
	bool keeps_words; /* uses PTE words: see machine_config.keep_words */

	/* Does the tunable exist with these options?  0, or -EINVAL with @err
	 * saying why not; NULL: all of them always do. */
	int (*has)(const void *opts, const struct opt *row, struct err *err);
	/* Content columns it needs with these options; NULL: none. */
	uint64_t (*needs)(const void *opts);
	/* Returns 0, -EINVAL with @err set, or -ENOMEM; @opts is borrowed for
	 * the call only. */
	int (*start)(struct engine **out, const struct engine_env *env,
		     const void *opts, struct err *err);
	/* Something happened to a page or a space; @m: in the context of whoever
	 * caused it, never a worker's. */
	int (*notice)(struct engine *e, const struct effect *fx,
		      struct meter *m);
	/* One turn of @worker, until its batch ends or meter_done(m); @m: that
	 * worker's alone. */
	int (*work)(struct engine *e, unsigned worker, struct meter *m);
	/* When is its last turn over?  NULL: when what its meter spent in it has
	 * gone by. */
	ns_t (*turned)(const struct engine *e, unsigned worker);
	/* The clock has come to @now and something is about to happen: workers
	 * that the engine plays by itself do what they do before.  NULL: there
	 * are none. */
	int (*play)(struct engine *e, ns_t now);
	/* A tunable written during the run; -EBUSY and -EINVAL as the kernel. */
	int (*set)(struct engine *e, const char *key, const char *value,
		   struct meter *m);
	/* The tunable's present value; -ENOENT: no such key. */
	int (*get)(const struct engine *e, const char *key, uint64_t *value);
	void (*progress)(const struct engine *e, struct engine_progress *p);
	/* Counters, kernel names.  Must call engine_report_saved() first. */
	void (*report)(const struct engine *e, struct rows *out);
	/* Rows per space, scope "space"; NULL: none. */
	void (*report_space)(const struct engine *e, uint32_t space,
			     struct rows *out);
	int (*check)(const struct engine *e, FILE *why); /* invariants */
	void (*stop)(struct engine *e);			 /* NULL is fine */
};

/*
 * What every engine's report() says first, so that summaries and comparisons
 * need not know the engine (scope "saved"):
 *	saved_pages     pages that need no frame of their own thanks to it
 *	zero_pages      … of these, pages that hold zeros
 *	metadata_bytes  what the modelled kernel's records for it take
 * An engine whose pages are copies in a store, and mapped nowhere, adds
 *	stored_pages    what saved_pages is a part of
 */
void engine_report_saved(struct rows *out, uint64_t saved_pages,
			 uint64_t zero_pages, uint64_t metadata_bytes);

#define ENGINE(name) extern const struct engine_ops engine_##name;
#include "sim/engine/engines.def"
#undef ENGINE

extern const struct engine_ops *const engines[]; /* NULL ends it */

/* engine_find - by name; NULL with the nearest name in @err */
const struct engine_ops *engine_find(const char *name, struct err *err);

/*
 * engine_rows - the tunables that exist with these options, for results
 * @out: allocated, the caller's; the rows' strings are the engine's.  NULL when
 *       the engine has no tunables at all.
 * Returns 0 or -ENOMEM.
 */
int engine_rows(const struct engine_ops *ops, const void *opts,
		struct opt **out);

/* engine_check_ops - -EINVAL names a hook that the table must have and lacks */
int engine_check_ops(const struct engine_ops *ops, struct err *err);

#endif
