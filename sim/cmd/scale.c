/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/os.h"
#include "sim/base/par.h"
#include "sim/base/text.h"
#include "sim/cmd/cmd.h"
#include "sim/core/vcpu.h"
#include "sim/report/table.h"
#include "sim/run/scale.h"

#define SCHEMA "dedupsim.scale/1"
#define LIST_MAX 32u
#define DEFAULT_CPUS "1,2,4,8,16"
#define DEFAULT_SKEW "4,135,200,290,400,600,1000"

struct scale_opts {
	const char *cpus, *skew, *workload, *revision, *cpu, *json, *tsv;
	uint64_t ops, think, seed, threads, quiet;
};

/* clang-format off */
static const struct opt scale_options[] = {
	{ OPT_STRING, OPT_FIELD(scale_opts, cpus, const char *),
	  .letter = 'c', .arg = "N,...",
	  .help = "processors; " DEFAULT_CPUS " when not given" },
	{ OPT_STRING, OPT_FIELD(scale_opts, skew, const char *),
	  .letter = 's', .arg = "N,...",
	  .help = "pages of a thousand that begin with one and the same byte; "
		  DEFAULT_SKEW " when not given" },
	{ OPT_STRING, OPT_FIELD(scale_opts, workload, const char *),
	  .letter = 'w', .arg = "NAME[:KEY=VALUE,...]",
	  .help = "calls of this workload instead of first-byte, with the skew "
		  "that they have" },
	{ OPT_STRING, OPT_FIELD(scale_opts, revision, const char *),
	  .arg = "REVISION", .help = "of tmem; R1 when not given" },
	{ OPT_STRING, OPT_FIELD(scale_opts, cpu, const char *), .arg = "NAME",
	  .help = "processor whose prices count; " COST_DEFAULT
		  " when not given" },
	{ OPT_U64, OPT_FIELD(scale_opts, ops, uint64_t),
	  .letter = 'n', .def = 30000, .min = 100, .max = 100000000,
	  .help = "calls, without --workload" },
	{ OPT_TIME, OPT_FIELD(scale_opts, think, uint64_t), .max = NS_PER_SEC,
	  .help = "time of a processor between two calls" },
	{ OPT_U64, OPT_FIELD(scale_opts, seed, uint64_t), .def = 1,
	  .max = UINT64_MAX, .help = "seed of the workload" },
	{ OPT_U64, OPT_FIELD(scale_opts, threads, uint64_t), .max = PAR_MAX,
	  .letter = 'j', .unit = "threads",
	  .help = "threads that prepare the contents; 0: one per processor; "
		  "results do not depend on it" },
	{ OPT_STRING, OPT_FIELD(scale_opts, json, const char *), .arg = "FILE",
	  .help = "write all rows as JSON; - is standard output" },
	{ OPT_STRING, OPT_FIELD(scale_opts, tsv, const char *), .arg = "FILE",
	  .help = "write all rows as TSV; - is standard output" },
	{ OPT_BOOL, OPT_FIELD(scale_opts, quiet, uint64_t), .max = 1,
	  .letter = 'q', .help = "no table" },
	{ .type = OPT_END },
};

enum { SEEN = 1 };
#define WORD(n, v, h)                                                          \
	{ .name = n, .kind = TABLE_WORD, .view = v, .heading = h }
#define COUNT(n, u, v, h)                                                      \
	{ .name = n, .unit = u, .kind = TABLE_COUNT, .view = v, .heading = h }
#define VALUE(n, h)                                                            \
	{ .name = n, .kind = TABLE_MILLIONTHS, .view = SEEN, .heading = h,     \
	  .digits = 3 }
static const struct table_column columns[] = {
	WORD("workload", 0, NULL),
	WORD("pages", SEEN, "pages"),
	COUNT("cpus", "CPUs", SEEN, "CPUs"),
	VALUE("heaviest_shard", "heaviest shard"),
	COUNT("calls", "calls", 0, NULL),
	COUNT("work_ns", "ns", 0, NULL),
	COUNT("played_ns", "ns", 0, NULL),
	COUNT("waited_ns", "ns", 0, NULL),
	COUNT("shard_ns", "ns", 0, NULL),
	COUNT("allocator_ns", "ns", 0, NULL),
	COUNT("free_list_ns", "ns", 0, NULL),
	COUNT("lists_ns", "ns", 0, NULL),
	COUNT("object_ns", "ns", 0, NULL),
	VALUE("speedup", "speed-up"),
	VALUE("bound", "at most"),
	VALUE("bound_mean", "simple form"),
	{ .kind = TABLE_END },
};
/* clang-format on */

struct job {
	struct scale_opts o;
	uint64_t cpus[LIST_MAX], skew[LIST_MAX];
	size_t ncpus, nskew;
	char words[LIST_MAX][96]; /* workloads, by skew */
	struct cost cost;
	struct table table;
};

static int numbers(const char *name, const char *list, uint64_t min,
		   uint64_t max, uint64_t *v, size_t *n, struct err *err)
{
	char word[24];

	for (*n = 0;; list++) {
		size_t len = strcspn(list, ",");

		snprintf(word, sizeof(word), "%.*s", (int)len, list);
		if (*n == LIST_MAX)
			return err_set(err, EINVAL, "--%s: more than %u", name,
				       LIST_MAX);
		if (len >= sizeof(word) || !text_u64(word, &v[*n]) ||
		    v[*n] < min || v[*n] > max)
			return err_set(err, EINVAL,
				       "--%s: \"%s\" is none of %" PRIu64
				       " to %" PRIu64,
				       name, word, min, max);
		++*n;
		list += len;
		if (!*list)
			return 0;
	}
}

static int configure(struct job *j, struct err *err)
{
	int ret = numbers("cpus", j->o.cpus ? j->o.cpus : DEFAULT_CPUS, 1,
			  VCPUS_MAX, j->cpus, &j->ncpus, err);

	if (!ret && j->o.workload && j->o.skew)
		return err_set(err, EINVAL,
			       "--workload and --skew: which of them?");
	if (!ret)
		ret = numbers("skew", j->o.skew ? j->o.skew : DEFAULT_SKEW, 0,
			      1000, j->skew, &j->nskew, err);
	if (j->o.workload)
		j->nskew = 1;
	for (size_t i = 0; i < j->nskew; i++)
		snprintf(j->words[i], sizeof(j->words[i]),
			 "first-byte:skew=%" PRIu64 ",ops=%" PRIu64
			 ",keys=512,contents=4096",
			 j->skew[i], j->o.ops);
	return ret ? ret
		   : cost_load(&j->cost, j->o.cpu ? j->o.cpu : COST_DEFAULT,
			       err);
}

static int run_one(struct job *j, const char *words, bool compress,
		   uint64_t cpus, struct err *err)
{
	const struct scale_config cfg = {
		.workload = words,
		.revision = j->o.revision ? j->o.revision : "R1",
		.compress = compress,
		.cpus = (uint32_t)cpus,
		.think_ns = j->o.think,
		.seed = j->o.seed,
		.threads = j->o.threads ? (unsigned)j->o.threads : os_cpus(),
		.cost = &j->cost,
	};
	struct table *t = &j->table;
	struct scale_result r;
	int ret = scale_run(&cfg, &r, err);

	if (ret)
		return ret;
	table_word(t, words);
	table_word(t, compress ? "compressed" : "raw");
	table_count(t, (int64_t)cpus);
	table_count(t, (int64_t)r.heaviest_shard);
	table_count(t, (int64_t)r.calls);
	table_count(t, (int64_t)r.work_ns);
	table_count(t, (int64_t)r.played_ns);
	table_count(t, (int64_t)r.waited_ns);
	table_count(t, (int64_t)r.shard_ns);
	table_count(t, (int64_t)r.allocator_ns);
	table_count(t, (int64_t)r.free_list_ns);
	table_count(t, (int64_t)r.lists_ns);
	table_count(t, (int64_t)r.object_ns);
	table_count(t, (int64_t)r.speedup);
	table_count(t, (int64_t)r.bound);
	table_count(t, (int64_t)r.bound_mean);
	return 0;
}

static int run_all(struct job *j, struct err *err)
{
	int ret = 0;

	for (unsigned lzo = 0; lzo < 2; lzo++)
		for (size_t c = 0; c < j->ncpus; c++)
			for (size_t s = 0; !ret && s < j->nskew; s++)
				ret = run_one(j,
					      j->o.workload ? j->o.workload
							    : j->words[s],
					      lzo, j->cpus[c], err);
	return ret;
}

/* ---- results ---- */

struct form {
	struct job *job;
	const char *format;
};

static int write_form(const void *what, FILE *out, struct err *err)
{
	const struct form *f = what;
	char seed[24], think[24];
	const struct report_fact facts[] = {
		{"revision", f->job->o.revision ? f->job->o.revision : "R1"},
		{"cpu", f->job->cost.name},
		{"seed", seed},
		{"think_ns", think},
	};
	const size_t n = sizeof(facts) / sizeof(facts[0]);

	snprintf(seed, sizeof(seed), "%" PRIu64, f->job->o.seed);
	snprintf(think, sizeof(think), "%" PRIu64, f->job->o.think);
	if (!strcmp(f->format, "text"))
		return table_write_text(&f->job->table, SEEN, out, err);
	return (!strcmp(f->format, "tsv") ? table_write_tsv : table_write_json)(
		&f->job->table, SCHEMA, facts, n, out, err);
}

static bool is_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

static int write_all(struct job *j, struct err *err)
{
	bool talk =
		!j->o.quiet && !is_stdout(j->o.json) && !is_stdout(j->o.tsv);
	int ret = cmd_write(j->o.json, write_form, &(struct form){j, "json"},
			    err);

	if (!ret)
		ret = cmd_write(j->o.tsv, write_form, &(struct form){j, "tsv"},
				err);
	if (!ret && talk)
		ret = cmd_write("-", write_form, &(struct form){j, "text"},
				err);
	return ret;
}

static int scale_main(const struct cmd *self, int argc, char **argv,
		      struct err *err)
{
	struct job j = {0};
	int ret, status = EXIT_USAGE;

	table_init(&j.table, columns);
	opt_defaults(self->opts, &j.o);
	ret = opt_parse(self->opts, &j.o, argc, argv, NULL, NULL, NULL, NULL,
			err);
	if (!ret)
		ret = configure(&j, err);
	if (!ret) {
		status = EXIT_FAILED;
		ret = run_all(&j, err);
	}
	if (!ret)
		ret = write_all(&j, err);
	table_fini(&j.table);
	if (ret && !err->text[0])
		err_set(err, -ret, "scale: %s", err_text(NULL, ret));
	return ret ? status : EXIT_OK;
}

const struct cmd cmd_scale = {
	.name = "scale",
	.args = "",
	.summary = "Ask how calls of tmem scale with processors",
	.about = "Each processor takes the next call as soon as it is free; "
		 "what "
		 "it\n"
		 "waits for are the locks of tmem.  Speed-up is work done by "
		 "time, to\n"
		 "be held against what locks and processors allow at most:\n"
		 "\n"
		 "  t / max(t/T, a, f, e, max over b (w_b + r_b / T))\n"
		 "\n"
		 "of a call's mean times: t in all; a, f, e under the locks of "
		 "allocator,\n"
		 "free list and lists of pages; w_b and r_b under the lock of "
		 "shard b, for\n"
		 "writing and reading.  The simple form has s p instead: the "
		 "time s under\n"
		 "any shard's lock, the share p of the heaviest.\n",
	.opts = scale_options,
	.run = scale_main,
};
