/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/run/run.h"
#include "sim/run/scale.h"
#include "sim/run/workload_trace.h"

static int set_number(void *opts, const char *key, uint64_t value,
		      struct err *err)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return opt_set(engine_tmem.opts, opts, key, text, err);
}

static int options(const struct scale_config *cfg, void *opts, struct err *err)
{
	char think[32];
	int ret;

	opt_defaults(engine_tmem.opts, opts);
	snprintf(think, sizeof(think), "%" PRIu64 "ns", cfg->think_ns);
	ret = opt_set(engine_tmem.opts, opts, "loop", "closed", err);
	if (!ret)
		ret = opt_set(engine_tmem.opts, opts, "think", think, err);
	if (!ret)
		ret = opt_set(engine_tmem.opts, opts, "revision", cfg->revision,
			      err);
	if (!ret)
		ret = set_number(opts, "cpus", cfg->cpus, err);
	if (!ret)
		ret = set_number(opts, "compress", cfg->compress, err);
	return err_usage(err, ret);
}

static uint64_t get(const struct run_result *r, const char *scope,
		    const char *name)
{
	return (uint64_t)rows_get(&r->results, scope, name, 0);
}

static void fill(const struct run_result *r, struct scale_result *out)
{
	static const char work[] = "tmem_work";

	*out = (struct scale_result){
		.calls = get(r, work, "calls"),
		.work_ns = get(r, work, "work_ns"),
		.played_ns = get(r, "vcpu", "played_ns"),
		.waited_ns = get(r, "vcpu", "waited_ns"),
		.shard_ns = get(r, work, "shard_work_ns"),
		.allocator_ns = get(r, work, "allocator_work_ns"),
		.free_list_ns = get(r, work, "free_list_work_ns"),
		.lists_ns = get(r, work, "lists_work_ns"),
		.object_ns = get(r, work, "object_work_ns"),
		.heaviest_shard = get(r, work, "heaviest_shard"),
		.speedup = get(r, work, "speedup"),
		.bound = get(r, work, "speedup_bound"),
		.bound_mean = get(r, work, "speedup_bound_mean"),
	};
}

int scale_run(const struct scale_config *cfg, struct scale_result *out,
	      struct err *err)
{
	struct run_config run = {
		.ops = &engine_tmem,
		.until = UNTIL_END,
		.threads = cfg->threads,
		.seed = cfg->seed,
		.cost = cfg->cost,
	};
	void *opts = mem_zalloc(1, engine_tmem.opts_size);
	struct run_result res;
	struct trace *t = NULL;
	int ret;

	if (!opts)
		return -ENOMEM;
	ret = options(cfg, opts, err);
	if (!ret)
		ret = workload_trace_open(&t, cfg->workload, cfg->seed, err);
	run.opts = opts;
	if (!ret)
		ret = run_trace(t, &run, &res, err);
	if (!ret) {
		fill(&res, out);
		run_result_fini(&res);
	}
	trace_close(t);
	free(opts);
	return ret;
}
