/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay.c - whole runs, for their counters
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/base/text.h"
#include "models/cost.h"
#include "sim/run/run.h"
#include "sim/run/workload_trace.h"
#include "bench/bench.h"

struct replay_opts {
	const char *engine, *trace, *workload, *until, *set, *cpu;
};

/* clang-format off */
static const struct opt replay_options[] = {
	{ OPT_STRING, OPT_FIELD(replay_opts, engine, const char *),
	  .help = "engine; ksm when not given" },
	{ OPT_STRING, OPT_FIELD(replay_opts, trace, const char *),
	  .help = "recording to replay" },
	{ OPT_STRING, OPT_FIELD(replay_opts, workload, const char *),
	  .help = "made-up input instead" },
	{ OPT_STRING, OPT_FIELD(replay_opts, until, const char *),
	  .help = "as --until of run" },
	{ OPT_STRING, OPT_FIELD(replay_opts, set, const char *),
	  .help = "tunables: KEY=VALUE,…" },
	{ OPT_STRING, OPT_FIELD(replay_opts, cpu, const char *),
	  .help = "processor of the costs; " COST_DEFAULT " when not given" },
	{ .type = OPT_END },
};
/* clang-format on */

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void replay_label(const void *opts, char *buf, size_t n)
{
	const struct replay_opts *o = opts;

	snprintf(buf, n, "%s/%s%s%s%s%s", o->engine ? o->engine : "ksm",
		 o->trace      ? base_name(o->trace)
		 : o->workload ? o->workload
			       : "",
		 o->until ? "/" : "", o->until ? o->until : "",
		 o->set ? "/" : "", o->set ? o->set : "");
}

static int replay_check(const void *opts, struct err *err)
{
	const struct replay_opts *o = opts;
	enum until until;
	uint64_t value;

	if (!o->trace == !o->workload)
		return err_set(err, EINVAL, "one of trace= and workload=");
	if (o->until && run_until(o->until, &until, &value, err))
		return -EINVAL;
	return engine_find(o->engine ? o->engine : "ksm", err) ? 0 : -EINVAL;
}

/* "KEY=VALUE,KEY=VALUE" */
static int apply(const struct engine_ops *ops, void *opts, const char *words,
		 struct err *err)
{
	char word[256], *eq;
	int ret = 0;

	while (!ret && words && *words) {
		size_t n = strcspn(words, ",");

		if (n >= sizeof(word))
			return err_set(err, EINVAL, "set: too long");
		memcpy(word, words, n);
		word[n] = 0;
		eq = strchr(word, '=');
		if (!eq || !ops->opts)
			return err_set(err, EINVAL, "set: \"%s\"", word);
		*eq = 0;
		ret = opt_set(ops->opts, opts, word, eq + 1, err);
		words += n + (words[n] == ',');
	}
	return ret;
}

struct replay {
	struct trace *t;
	struct run_config cfg;
	struct run_result res;
	struct err *err;
};

static int replay_hot(void *ctx)
{
	struct replay *r = ctx;

	return run_trace(r->t, &r->cfg, &r->res, r->err);
}

static int replay_with(struct bench *b, const struct replay_opts *o,
		       struct replay *r)
{
	int ret;

	if (o->trace)
		ret = trace_open(&r->t, o->trace, r->err);
	else
		ret = workload_trace_open(&r->t, o->workload, b->seed, r->err);
	if (ret)
		return ret;
	ret = bench_hot(b, replay_hot, r, true, NULL);
	if (!ret) {
		bench_rows(b, &r->res.results, NULL);
		bench_meter(b, &r->res.meter);
		run_result_fini(&r->res);
	}
	trace_close(r->t);
	return ret;
}

static int replay_run(struct bench *b, const void *opts, struct err *err)
{
	const struct replay_opts *o = opts;
	const struct engine_ops *ops =
		engine_find(o->engine ? o->engine : "ksm", err);
	struct replay r = {.err = err};
	struct cost cost;
	void *eopts;
	int ret = 0;

	if (!ops)
		return -EINVAL;
	eopts = mem_zalloc(1, ops->opts_size ? ops->opts_size : 1);
	if (!eopts)
		return -ENOMEM;
	if (ops->opts)
		opt_defaults(ops->opts, eopts);
	ret = apply(ops, eopts, o->set, err);
	if (!ret)
		ret = cost_load(&cost, o->cpu ? o->cpu : COST_DEFAULT, err);
	r.cfg = (struct run_config){
		.ops = ops,
		.opts = eopts,
		.threads = b->mode == BENCH_COUNT ? 1 : os_cpus(),
		.seed = b->seed,
		.cost = &cost,
		.interval = NS(NS_PER_SEC),
	};
	if (!ret && o->until)
		ret = run_until(o->until, &r.cfg.until, &r.cfg.until_value,
				err);
	if (!ret)
		ret = replay_with(b, o, &r);
	free(eopts);
	return ret;
}

const struct experiment_ops experiment_replay = {
	.name = "replay",
	.summary = "a whole run, for its counters",
	.opts = replay_options,
	.opts_size = sizeof(struct replay_opts),
	.label = replay_label,
	.check = replay_check,
	.exact = true,
	.hot = true,
	.run = replay_run,
};
