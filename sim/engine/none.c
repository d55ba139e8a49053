/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * none.c - the engine that does nothing
 *
 * It measures the simulator itself, is the baseline of every comparison, and is
 * the skeleton to copy: README.md in this folder goes through it.
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/engine/engine.h"

/* Tunables: one field and one row each.  The row feeds the default, the range
 * check, --set, `dedupsim list` and the manual. */
struct none_opts {
	uint64_t dummy;
};

static const struct opt none_options[] = {
	{.type = OPT_END},
};

/* All state of a run; `struct engine` comes first. */
struct none {
	struct engine base;
	uint64_t effects; /* seen so far */
};

static int none_start(struct engine **out, const struct engine_env *env,
		      const void *opts, struct err *err)
{
	struct none *n = mem_zalloc(1, sizeof(*n));

	/* Keep what you need of @env (machine, contents, clock); copy @opts. */
	(void)env;
	(void)opts;
	(void)err;
	if (!n)
		return -ENOMEM;
	/* No background workers: with one, give it a wake time to look at. */
	n->base = (struct engine){.ops = &engine_none};
	*out = &n->base;
	return 0;
}

/* Called for each thing that happened; must be quick, must not allocate per
 * event in steady state. */
static int none_notice(struct engine *e, const struct effect *fx,
		       struct meter *m)
{
	struct none *n = (struct none *)e;

	(void)fx;
	(void)m; /* meter_add(m, OP_…, 1) for whatever costs something */
	n->effects++;
	return 0;
}

/* No background work: nothing is ever left to do. */
static void none_progress(const struct engine *e, struct engine_progress *p)
{
	(void)e;
	*p = (struct engine_progress){.round = 1};
}

static void none_report(const struct engine *e, struct rows *out)
{
	const struct none *n = (const struct none *)e;

	engine_report_saved(out, 0, 0, 0);
	rows_add(out, "none", "effects", "effects", (int64_t)n->effects);
}

/* Walk everything, compare with the counters, say what is wrong. */
static int none_check(const struct engine *e, FILE *why)
{
	(void)e;
	(void)why;
	return 0;
}

static void none_stop(struct engine *e)
{
	free(e);
}

const struct engine_ops engine_none = {
	.name = "none",
	.summary = "nothing is shared: the baseline",
	.opts = none_options,
	.opts_size = sizeof(struct none_opts),
	.start = none_start,
	.notice = none_notice,
	.progress = none_progress,
	.report = none_report,
	.check = none_check,
	.stop = none_stop,
};
