/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/base/par.h"
#include "sim/base/text.h"
#include "sim/cmd/cmd.h"
#include "sim/cmd/machine_opts.h"
#include "sim/report/report.h"
#include "sim/report/timeline.h"
#include "sim/run/run.h"
#include "sim/run/workload_trace.h"
#include "bench/counters.h"

struct run_opts {
	const char *engine, *trace, *until, *json, *tsv, *timeline, *at;
	const char *counters;
	const char *pool, *codec, *workload, *machine, *kernel, *cpu;
	uint64_t memory, readers, placement, scan_cache, read_pages;
	uint64_t interval, threads, seed, zero_pages, max_pages, paranoid,
		quiet;
};

static const char *const reader_orders[] = {"auto",    "trace",	 "sequential",
					    "strided", "random", NULL};

/* clang-format off */
static const struct opt run_options[] = {
	{ OPT_STRING, OPT_FIELD(run_opts, engine, const char *),
	  .letter = 'e', .arg = "NAME",
	  .help = "engine to run the trace through (ksm when not given)" },
	{ OPT_STRING, OPT_FIELD(run_opts, trace, const char *),
	  .letter = 't', .arg = "FILE",
	  .help = "recording to replay" },
	{ OPT_STRING, OPT_FIELD(run_opts, workload, const char *),
	  .letter = 'w', .arg = "NAME[:KEY=VALUE,…]",
	  .help = "made-up input instead of a recording; `dedupsim list "
		  "workloads` names them and their keys" },
	{ OPT_STRING, .name = "set", .offset = OPT_MULTI,
	  .letter = 's', .arg = "KEY=VALUE",
	  .help = "a tunable of the engine; may be repeated; `dedupsim list "
		  "options ENGINE` names them; machine.KEY is a field of the "
		  "machine" },
	{ OPT_STRING, OPT_FIELD(run_opts, pool, const char *), .arg = "NAME",
	  .help = "allocator of an engine that compresses pages: its tunable "
		  "`pool`" },
	{ OPT_STRING, OPT_FIELD(run_opts, codec, const char *), .arg = "NAME",
	  .help = "compressor of such an engine: its tunable `codec`" },
	{ OPT_STRING, OPT_FIELD(run_opts, until, const char *),
	  .letter = 'u', .arg = "WHEN",
	  .help = "when to stop: end (of the trace), fixpoint (every page is "
		  "visited three times and nothing changes), scans=N, or a time as 20s; by default end, "
		  "or fixpoint when the trace is of one instant" },
	{ OPT_STRING, OPT_FIELD(run_opts, at, const char *), .arg = "TIME",
	  .help = "take the memory as it was at TIME as a still picture: all "
		  "events up to then happen at once, later ones not at all" },
	{ OPT_STRING, OPT_FIELD(run_opts, json, const char *), .arg = "FILE",
	  .help = "write all results as JSON; - is standard output" },
	{ OPT_STRING, OPT_FIELD(run_opts, tsv, const char *), .arg = "FILE",
	  .help = "write all results as TSV; - is standard output" },
	{ OPT_STRING, OPT_FIELD(run_opts, timeline, const char *), .arg = "FILE",
	  .help = "write the counters over simulated time as TSV" },
	{ OPT_TIME, OPT_FIELD(run_opts, interval, uint64_t),
	  .def = NS_PER_SEC, .min = 1000000, .max = UINT64_MAX,
	  .help = "simulated time between two lines of the timeline" },
	{ OPT_U64, OPT_FIELD(run_opts, threads, uint64_t), .max = PAR_MAX,
	  .help = "threads that prepare the contents; 0: one per processor; "
		  "results do not depend on it" },
	{ OPT_U64, OPT_FIELD(run_opts, seed, uint64_t), .def = 1,
	  .max = UINT64_MAX,
	  .help = "seed of everything random in an engine" },
	{ OPT_U64, OPT_FIELD(run_opts, zero_pages, uint64_t),
	  .max = 4096, .unit = "pages",
	  .help = "zero pages of the kernel, chosen by address: a power of "
		  "two; 0: as many as its machine needs, 1 without a machine" },
	{ OPT_STRING, OPT_FIELD(run_opts, machine, const char *),
	  .letter = 'm', .arg = "NAME",
	  .help = "machine whose caches the guests' reads go through: one of "
		  "`dedupsim list machines`, or a file of that form" },
	MACHINE_KERNEL_ROWS(run_opts),
	{ OPT_STRING, OPT_FIELD(run_opts, cpu, const char *), .arg = "NAME",
	  .help = "processor whose prices the engine's work has, by which its "
		  "threads take time: one of `dedupsim list cpus` "
		  "(" COST_DEFAULT " when not given), a file of that form, or "
		  "none: work is free" },
	{ OPT_CHOICE, OPT_FIELD(run_opts, readers, uint64_t),
	  .choices = reader_orders,
	  .help = "what is read: the reads of the trace, or twice all merged "
		  "pages at the end; auto: the trace's if it has any, else "
		  "sequential" },
	{ OPT_CHOICE, OPT_FIELD(run_opts, placement, uint64_t),
	  .choices = machine_placements,
	  .help = "frames in physical memory, for caches" },
	{ OPT_BOOL, OPT_FIELD(run_opts, scan_cache, uint64_t), .max = 1,
	  .help = "the engine's compares and checksums go through the caches, "
		  "too" },
	{ OPT_U64, OPT_FIELD(run_opts, read_pages, uint64_t),
	  .def = 64, .max = UINT32_MAX, .unit = "pages",
	  .help = "with --scan-cache, unless the trace is read: pages that "
		  "guests read after each turn of the engine" },
	{ OPT_U64, OPT_FIELD(run_opts, max_pages, uint64_t),
	  .def = MACHINE_MAX_PAGES, .min = 1024, .max = UINT32_MAX,
	  .unit = "pages",
	  .help = "refuse traces that need more page-table entries" },
	{ OPT_U64, OPT_FIELD(run_opts, paranoid, uint64_t),
	  .max = UINT64_MAX, .unit = "events",
	  .help = "check every invariant each N events; 0: never" },
	{ OPT_STRING, OPT_FIELD(run_opts, counters, const char *),
	  .arg = "NAME,…",
	  .help = "events that libpfm4 knows (cycles, instructions, …), counted "
		  "around the engine's turns and told on standard error, with "
		  "the reason where one is refused" },
	{ OPT_BOOL, OPT_FIELD(run_opts, quiet, uint64_t), .max = 1,
	  .letter = 'q', .help = "no summary" },
	{ .type = OPT_END },
};
/* clang-format on */

struct settings {
	const char **word;
	size_t n;
};

static int add_setting(void *ctx, const struct opt *row, const char *value,
		       struct err *err)
{
	struct settings *s = ctx;

	(void)row;
	if (!strchr(value, '='))
		return err_set(err, EINVAL, "--set %s: expected KEY=VALUE",
			       value);
	s->word[s->n++] = value;
	return 0;
}

static bool for_machine(const char *word)
{
	return !strncmp(word, "machine.", 8);
}

/* KEY=VALUE or ENGINE.KEY=VALUE into the engine's options; @check: it is there,
 * is its key one that exists with all the others? */
static int apply_setting(const struct engine_ops *ops, void *opts,
			 const char *word, bool check, struct err *err)
{
	const char *eq = strchr(word, '=');
	size_t n = strlen(ops->name);
	char key[TEXT_NAME_MAX];

	if (!strncmp(word, ops->name, n) && word[n] == '.')
		word += n + 1;
	if (!ops->opts || ops->opts->type == OPT_END)
		return err_set(err, EINVAL, "engine %s has no tunables: %s",
			       ops->name, word);
	if ((size_t)(eq - word) >= sizeof(key))
		return err_set(err, EINVAL, "no tunable has so long a name: %s",
			       word);
	memcpy(key, word, (size_t)(eq - word));
	key[eq - word] = 0;
	if (check)
		return ops->has ? ops->has(opts, opt_find(ops->opts, key), err)
				: 0;
	return opt_set(ops->opts, opts, key, eq + 1, err);
}

static int apply_settings(const struct engine_ops *ops, void *opts,
			  const struct settings *set, bool check,
			  struct err *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < set->n; i++)
		if (!for_machine(set->word[i]))
			ret = apply_setting(ops, opts, set->word[i], check,
					    err);
	return ret;
}

/* --pool and --codec: tunables that some engines have. */
static int apply_named(const struct engine_ops *ops, void *opts,
		       const char *key, const char *value, struct err *err)
{
	int ret;

	if (!value)
		return 0;
	if (!ops->opts || !opt_find(ops->opts, key))
		return err_set(err, EINVAL, "--%s: engine %s has no %s", key,
			       ops->name, key);
	ret = opt_set(ops->opts, opts, key, value, err);
	return err_prefix(err, ret, "engine %s", ops->name);
}

/* Everything the command line says, in the form the run wants. */
struct job {
	struct run_opts o;
	struct settings set;
	struct run_config cfg;
	void *opts; /* of the engine */
	struct cache_conf conf;
	struct cost cost;
	struct counters *counters; /* NULL: none */
};

static const char *cpu_name(const struct run_opts *o)
{
	return o->cpu ? o->cpu : COST_DEFAULT;
}

/* Caches, and the zero pages that go with them. */
static int configure_machine(struct job *j, struct err *err)
{
	const char **set;
	size_t n = 0;
	unsigned order = 0;
	int ret;

	if (!j->o.machine) {
		if (j->o.kernel || j->o.memory || j->o.scan_cache ||
		    j->o.readers || j->o.placement)
			return err_set(err, EINVAL,
				       "--kernel, --memory, --readers, "
				       "--placement and "
				       "--scan-cache need --machine");
		for (size_t i = 0; i < j->set.n; i++)
			if (for_machine(j->set.word[i]))
				return err_set(err, EINVAL,
					       "--set %s needs --machine",
					       j->set.word[i]);
		return 0;
	}
	set = mem_zalloc(j->set.n + 1, sizeof(*set));
	if (!set)
		return -ENOMEM;
	for (size_t i = 0; i < j->set.n; i++)
		if (for_machine(j->set.word[i]))
			set[n++] = j->set.word[i] + 8;
	ret = machine_opts_conf(&j->conf, j->o.machine, set, n, err);
	free(set);
	if (!ret)
		ret = machine_opts_order(&j->conf, j->o.kernel, j->o.memory,
					 &order, err);
	if (ret)
		return ret;
	if (!j->o.zero_pages)
		j->cfg.machine.zero_pages = UINT32_C(1) << order;
	j->conf.seed = j->o.seed;
	j->cfg.readers = (struct readers_config){
		.conf = &j->conf,
		.order = (enum readers_order)j->o.readers,
		.random_placement = j->o.placement == PLACEMENT_RANDOM,
		.scan = j->o.scan_cache,
		.pages = j->o.read_pages,
		.seed = j->o.seed,
	};
	return 0;
}

static int configure(struct job *j, struct err *err)
{
	const struct engine_ops *ops;
	uint64_t at = 0;
	int ret = 0;

	if (!j->o.trace && !j->o.workload)
		return err_set(err, EINVAL,
			       "no --trace FILE given; `dedupsim help run` "
			       "says more");
	if (j->o.trace && j->o.workload)
		return err_set(err, EINVAL,
			       "--trace and --workload: which of them?");
	ops = engine_find(j->o.engine ? j->o.engine : "ksm", err);
	if (!ops)
		return -EINVAL;
	j->opts = mem_zalloc(1, ops->opts_size ? ops->opts_size : 1);
	if (!j->opts)
		return -ENOMEM;
	if (ops->opts)
		opt_defaults(ops->opts, j->opts);
	ret = apply_settings(ops, j->opts, &j->set, false, err);
	if (!ret)
		ret = apply_settings(ops, j->opts, &j->set, true, err);
	if (!ret)
		ret = apply_named(ops, j->opts, "pool", j->o.pool, err);
	if (!ret)
		ret = apply_named(ops, j->opts, "codec", j->o.codec, err);
	if (!ret && j->o.until)
		ret = run_until(j->o.until, &j->cfg.until, &j->cfg.until_value,
				err);
	if (!ret && j->o.at && !text_time(j->o.at, &at))
		ret = err_set(err, EINVAL, "--at: \"%s\" is not a time as 24s",
			      j->o.at);
	j->cfg.machine.zero_pages = (uint32_t)j->o.zero_pages;
	if (!ret)
		ret = configure_machine(j, err);
	if (!ret && strcmp(cpu_name(&j->o), "none")) {
		ret = cost_load(&j->cost, cpu_name(&j->o), err);
		j->cfg.cost = &j->cost;
	}
	if (!ret && (j->o.zero_pages & (j->o.zero_pages - 1)))
		ret = err_set(err, EINVAL,
			      "--zero-pages: %" PRIu64 " is not a power of two",
			      j->o.zero_pages);
	if (ret)
		return ret;
	j->cfg.ops = ops;
	j->cfg.opts = j->opts;
	j->cfg.still = j->o.at != NULL;
	j->cfg.at = NS(at);
	j->cfg.threads = j->o.threads ? (unsigned)j->o.threads : os_cpus();
	j->cfg.seed = j->o.seed;
	j->cfg.paranoid = j->o.paranoid;
	j->cfg.interval = NS(j->o.interval);
	j->cfg.machine.max_pages = j->o.max_pages;
	return 0;
}

static void show_progress(void *ctx, uint64_t events, uint64_t total)
{
	(void)ctx;
	fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " events\033[K", events,
		total);
	fflush(stderr);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

struct form {
	const struct report *report;
	const char *format;
};

static int write_form(const void *what, FILE *out, struct err *err)
{
	const struct form *f = what;

	return reporter_find(f->format, err)->write(f->report, out, err);
}

static int write_file(const struct report *rep, const char *format,
		      const char *path, struct err *err)
{
	return cmd_write(path, write_form, &(struct form){rep, format}, err);
}

static int report(struct job *j, struct trace *t, const struct run_result *res,
		  struct err *err)
{
	char seed[24];
	struct report_fact facts[] = {
		{"ended", res->ended},
		{"until", j->o.until ? j->o.until : "default"},
		{"at", j->o.at ? j->o.at : "-"},
		{"seed", seed},
		{"cpu", j->cfg.cost ? base_name(j->cost.name) : "none"},
		{"machine", j->conf.name},
		{"placement", machine_placements[j->o.placement]},
		{"readers", res->readers},
	};
	struct opt *rows;
	struct report rep = {
		.engine = j->cfg.ops->name,
		.trace = j->o.trace ? base_name(j->o.trace) : j->o.workload,
		.digest = t->ops->header(t)->digest,
		.facts = facts,
		/* Of caches nothing is said when there are none. */
		.nfacts = sizeof(facts) / sizeof(facts[0]) -
			  (j->o.machine ? 0 : 3),
		.opts = j->opts,
		.results = &res->results,
		.spaces = &res->spaces,
		.meter = &res->meter,
	};
	bool to_stdout = (j->o.json && !strcmp(j->o.json, "-")) ||
			 (j->o.tsv && !strcmp(j->o.tsv, "-"));
	int ret = engine_rows(j->cfg.ops, j->opts, &rows);

	if (ret)
		return ret;
	rep.opt_rows = rows;
	snprintf(seed, sizeof(seed), "%" PRIu64, j->o.seed);
	ret = write_file(&rep, "json", j->o.json, err);
	if (!ret)
		ret = write_file(&rep, "tsv", j->o.tsv, err);
	if (!ret && !j->o.quiet && !to_stdout)
		ret = write_file(&rep, "text", "-", err);
	free(rows);
	return ret;
}

static void count(void *ctx, bool begins)
{
	if (begins)
		counters_start(ctx);
	else
		counters_stop(ctx);
}

static int run(struct job *j, struct err *err)
{
	struct timeline line = {0};
	struct os_out out = {0};
	struct run_result res;
	struct trace *t;
	bool ran;
	int ret;

	if (j->o.trace)
		ret = trace_open(&t, j->o.trace, err);
	else
		ret = workload_trace_open(&t, j->o.workload, j->o.seed, err);
	if (ret)
		return ret;
	if (j->o.timeline) {
		ret = os_out_open(&out, j->o.timeline, err);
		if (ret)
			goto close;
		line.out = &out;
		j->cfg.sample = timeline_sample;
		j->cfg.sample_ctx = &line;
	}
	if (os_is_terminal(stderr))
		j->cfg.progress = show_progress;
	if (j->counters)
		j->cfg.watch = count;
	j->cfg.watch_ctx = j->counters;
	ret = run_trace(t, &j->cfg, &res, err);
	if (j->cfg.progress)
		fputs("\r\033[K", stderr);
	if (!ret && j->counters)
		counters_print(j->counters, "engine", stderr);
	ran = !ret;
	if (j->o.timeline)
		ret = os_out_end(&out, ret, err);
	if (!ret)
		ret = report(j, t, &res, err);
	if (ran)
		run_result_fini(&res);
close:
	trace_close(t);
	return ret;
}

static int run_run(const struct cmd *self, int argc, char **argv,
		   struct err *err)
{
	struct job j = {0};
	int ret, status = EXIT_USAGE;

	opt_defaults(self->opts, &j.o);
	j.set.word = mem_zalloc((size_t)argc + 1, sizeof(*j.set.word));
	ret = j.set.word ? 0 : -ENOMEM;
	if (!ret)
		ret = opt_parse(self->opts, &j.o, argc, argv, NULL, NULL,
				add_setting, &j.set, err);
	if (!ret)
		ret = configure(&j, err);
	if (!ret && j.o.counters)
		ret = counters_new(&j.counters, j.o.counters, err);
	if (!ret) {
		ret = run(&j, err);
		status = EXIT_FAILED;
	}
	if (ret && !err->text[0])
		err_set(err, -ret, "%s: %s", j.o.trace ? j.o.trace : "run",
			err_text(NULL, ret));
	counters_free(j.counters);
	free(j.opts);
	free(j.set.word);
	return ret ? status : EXIT_OK;
}

const struct cmd cmd_run = {
	.name = "run",
	.args = "",
	.summary =
		"Replay a recording through one engine and say what it saved",
	.about = "Prints a summary: what was saved, pages of zeros apart from\n"
		 "real sharing, when it was reached, what is left after the\n"
		 "records that a kernel keeps for it, and the engine's "
		 "counters\n"
		 "under their kernel names.\n"
		 "\n"
		 "  dedupsim --engine ksm --trace vm.trace\n"
		 "  dedupsim -t vm.trace --until fixpoint -s use_zero_pages=1\n"
		 "  dedupsim -e oracle -t vm.trace --json oracle.json\n"
		 "  dedupsim -e zram --pool zsmalloc --codec lz4 -t "
		 "vm.trace\n"
		 "  dedupsim -t vm.trace -s use_zero_pages=1 --machine z13 "
		 "--readers random\n",
	.opts = run_options,
	.run = run_run,
};
