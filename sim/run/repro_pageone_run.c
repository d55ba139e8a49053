/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/run/repro_pageone.h"
#include "sim/run/workload_trace.h"

uint64_t pone_got(const struct pone_outcome *out, const char *scope,
		  const char *name)
{
	int64_t v = rows_get(&out->res.results, scope, name, 0);

	return v > 0 ? (uint64_t)v : 0;
}

uint64_t pone_ns(const struct pone_job *j, const struct meter *m,
		 enum cost_end end)
{
	return cost_spent(&j->cost, m, COST_ALL, end).v;
}

uint64_t pone_cycles(const struct pone_job *j, uint64_t ns)
{
	return cost_cycles(&j->cost, NS(ns)).v;
}

struct meter pone_reprice(const struct meter *m, enum meter_op op)
{
	struct meter to = *m;

	to.count[OP_XXH64] = to.count[OP_XXH32] = to.count[OP_JHASH2] =
		to.count[OP_CRC32C] = 0;
	to.count[op] = m->count[OP_CHECKSUM];
	return to;
}

void pone_row(const struct pone_job *j, const char *variant,
	      const char *quantity, const char *unit,
	      const struct repro_band *published,
	      const struct repro_band *expected, int64_t got)
{
	struct repro_row row = {
		.variant = variant,
		.quantity = quantity,
		.unit = unit,
		.published = published ? *published : REPRO_NO_BAND,
		.expected = expected ? *expected : REPRO_NO_BAND,
		.got = got,
	};

	repro_add(j->r, &row);
}

/* PageONE's daemon walks on when there is nothing left to do. */
static void idle_walks_out(struct pone_outcome *out)
{
	uint64_t walks = pone_got(out, "pageone", "base_scans");
	uint64_t end = pone_got(out, "run", "end_ns");
	uint64_t last = pone_got(out, "pageone", "last_merge_ns");
	uint64_t stored = pone_got(out, "pageone", "last_store_ns");
	uint64_t *scanned = &out->meter.count[OP_FRAME_SCAN];

	last = stored > last ? stored : last;
	out->wall_ns = last - pone_got(out, "pageone", "first_insert_ns");
	if (walks && end > last)
		*scanned = *scanned / 1000 * (last / NS_PER_MSEC) /
			   (end / NS_PER_MSEC) * 1000;
}

static int fill_opts(const struct engine_ops *ops, const char *const *set,
		     void **opts, struct err *err)
{
	int ret = 0;

	*opts = mem_zalloc(1, ops->opts_size);
	if (!*opts)
		return -ENOMEM;
	opt_defaults(ops->opts, *opts);
	for (; !ret && set && *set; set += 2)
		ret = opt_set(ops->opts, *opts, set[0], set[1], err);
	return ret;
}

static void outcome(struct pone_outcome *out)
{
	out->pages = pone_got(out, "machine", "mapped_pages_peak");
	out->frames = pone_got(out, "machine", "frames");
	out->saved = pone_got(out, "saved", "saved_pages");
	out->metadata = pone_got(out, "saved", "metadata_bytes");
	out->possible = pone_got(out, "run", "possible_pages");
	out->guests_ns = pone_got(out, "cpu", "guests_ns");
	out->meter = out->res.meter;
	out->wall_ns = pone_got(out, "run", "end_ns");
	if (rows_has(&out->res.results, "pageone", "base_scans"))
		idle_walks_out(out);
}

int pone_run(const struct pone_job *j, const char *engine, const char *words,
	     uint64_t scans, const char *const *set, struct pone_outcome *out)
{
	uint64_t threads = j->o->common.threads;
	struct run_config cfg = {
		.ops = engine_find(engine, j->err),
		.until = scans ? UNTIL_SCANS : UNTIL_FIXPOINT,
		.until_value = scans,
		.threads = threads ? (unsigned)threads : os_cpus(),
		.seed = j->o->seed,
		.cost = &j->cost,
	};
	struct trace *t = NULL;
	void *opts = NULL;
	int ret;

	assert(cfg.ops);
	ret = fill_opts(cfg.ops, set, &opts, j->err);
	cfg.opts = opts;
	if (!ret)
		ret = workload_trace_open(&t, words, j->o->seed, j->err);
	if (!ret)
		ret = run_trace(t, &cfg, &out->res, j->err);
	if (t)
		trace_close(t);
	free(opts);
	if (!ret)
		outcome(out);
	return ret;
}

void pone_outcome_fini(struct pone_outcome *out)
{
	run_result_fini(&out->res);
}
