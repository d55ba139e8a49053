/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * run.h - one run: a trace through an engine, until it is over
 *
 *	trace ─ event ─► machine ─ effect ─► engine ─► meter
 *	                                        │ wake
 *	          clock ◄── queue of turns ◄────┘
 *
 * At equal times: trace events first, in their order; then turns of background
 * workers, in the order in which they were asked for; then timeline samples.
 *
 * When a run ends (`until`):
 *	end        with the last event of the trace
 *	fixpoint   events are over, and nothing changed while every page was
 *	           visited three times: three full scans, or 27 where smart scan
 *	           lets a page sit out up to eight
 *	scans=N    after N full scans, events or not
 *	TIME       at that time, even if events are left
 * Default: end; fixpoint when everything in the trace happens at one instant.
 */
#ifndef DEDUPSIM_RUN_RUN_H
#define DEDUPSIM_RUN_RUN_H

#include <stdbool.h>
#include <stdio.h>

#include "models/cost.h"
#include "sim/core/meter.h"
#include "sim/engine/engine.h"
#include "sim/run/readers.h"
#include "traces/trace.h"

enum until {
	UNTIL_DEFAULT,
	UNTIL_END,
	UNTIL_FIXPOINT,
	UNTIL_SCANS,
	UNTIL_TIME
};

struct run_config {
	const struct engine_ops *ops;
	const void *opts; /* the engine's, complete */
	enum until until;
	uint64_t until_value; /* scans, or ns */
	bool still;	      /* everything up to @at happens at once, at 0 */
	ns_t at;
	unsigned threads; /* of the prepare pass */
	uint64_t seed;
	uint64_t
		paranoid; /* check all invariants every so many events; 0: not */
	/* What counts cost, by which turns take time; NULL: nothing */
	const struct cost *cost;
	struct machine_config machine;
	struct readers_config readers;
	/* Called with the state at each multiple of @interval, and at the end;
	 * NULL: never.  Non-zero ends the run with that error. */
	int (*sample)(void *ctx, ns_t now, const struct rows *rows);
	void *sample_ctx;
	ns_t interval;
	/* Called now and then with how far the trace has come; NULL: never. */
	void (*progress)(void *ctx, uint64_t events, uint64_t total);
	void *progress_ctx;
	/* Called before and after each turn of the engine, for whoever measures
	 * it; the run itself knows nothing of real time.  NULL: never. */
	void (*watch)(void *ctx, bool begins);
	void *watch_ctx;
};

/*
 * Rows that the run itself adds, scope "run":
 *	end_ns, trace_events, scans, spaces_live
 *	settled        1: nothing changed while every page was visited three times
 *	possible_pages what could be saved in the end if each content of the
 *	               mergeable pages had one frame
 *	growing        1: it rose in each of the last full scans that changed it
 *	most_saved_ns, most_saved_scans
 *	               when 95 % of what is saved at the end was first there and
 *	               stayed; -1: nothing was saved
 * and with prices the scopes "cpu" and "cost" of sim/run/pace.h.
 *
 * A turn happens at one instant, at its beginning; what it costs goes by before
 * the next turn of the same worker.  A full scan ends with the cost up to there.
 */
struct run_result {
	struct rows results; /* scopes "run", "saved", engine, "machine",
				and "cache" with readers */
	struct rows spaces;  /* scope "space", by space */
	struct meter meter;
	const char *ended;   /* why it ended, in words; static */
	const char *readers; /* what read through caches; static */
};

void run_result_fini(struct run_result *r);

/*
 * run_trace - carry out a run
 * @trace: open, at its beginning; its contents are loaded and dropped here
 * Returns 0; -EINVAL with file and place in @err; -ENOMEM.
 */
int run_trace(struct trace *trace, const struct run_config *cfg,
	      struct run_result *out, struct err *err);

/*
 * run_until - parse the value of --until
 * Returns 0, or -EINVAL with what is allowed in @err.
 */
int run_until(const char *word, enum until *until, uint64_t *value,
	      struct err *err);

#endif
