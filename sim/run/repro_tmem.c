/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was published of tmem with deduplication: two self-ballooned guests build
 * Linux again and again [tmem-2010].
 *
 * The guests of then are gone; in their place are two trees of fixed sizes that
 * are made up alike everywhere, or a tree of the user's.  A kernel's build has
 * some 2,400 units; tree A is half of that, tree B a sixth.  Guests have what a
 * compiler needs and little more, as a balloon leaves it to them; tmem has what
 * both balloons have given up.  All of this was chosen before the first run with
 * pages shared.
 *
 * An access to a page of a file takes as long as makes the calls of tree A
 * without sharing 0.1 % of what the guests' processors do; that is the one
 * published figure that goes in, and what comes out is compared with it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "models/cost.h"
#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/run/repro.h"
#include "sim/run/run.h"
#include "sim/run/workload_trace.h"

#define MIB (UINT64_C(1) << 20)
#define GUESTS 2u
#define BUILDS 3u
/* Runs of tree A without sharing: 0.33 % at 60 us, 0.129 % at 200 us, 0.093 % at
 * 250 us; in between. */
#define THINK_US 240u
#define SAMPLE_NS (5 * NS_PER_SEC)
#define SCALE_MAX 100u

struct tmem_2010_opts {
	struct repro_common common;
	const char *tree, *cpu;
	uint64_t seed, scale;
};

/* clang-format off */
const struct opt repro_tmem_2010_options[] = {
	{ OPT_STRING, OPT_FIELD(tmem_2010_opts, tree, const char *),
	  .arg = "DIR",
	  .help = "sources to build instead of those that are made up" },
	{ OPT_STRING, OPT_FIELD(tmem_2010_opts, cpu, const char *),
	  .arg = "NAME",
	  .help = "processor whose prices are used; " COST_DEFAULT
		  " if not said" },
	{ OPT_U64, OPT_FIELD(tmem_2010_opts, seed, uint64_t), .def = 2010,
	  .max = UINT64_MAX, .help = "of the order in which guests build" },
	{ OPT_U64, OPT_FIELD(tmem_2010_opts, scale, uint64_t), .def = 1,
	  .min = 1, .max = SCALE_MAX,
	  .help = "trees, caches and tmem's memory by N, to try things" },
	REPRO_ROWS(tmem_2010_opts),
	{ .type = OPT_END },
};
/* clang-format on */

const char repro_tmem_2010_about[] =
	"Two guests build a tree of sources three times, each through a page\n"
	"cache that its balloon keeps small; what the caches give up goes to\n"
	"tmem, and what they miss is asked for there.  Ratios are of samples\n"
	"each five seconds in the second half of the run.  R0 is the patch as\n"
	"it was posted, R1 what Xen 4.1 had with its faults repaired.\n";

/* ---- inputs ---- */

struct tree {
	const char *name;
	uint64_t units, headers, seed, reserve_mib;
};

static const struct tree trees[] = {
	{"tree A", 1200, 1000, 2010, 16},
	{"tree B", 400, 500, 1903, 8},
};
static const struct tree given = {"given tree", 0, 0, 0, 16};

#define TOOLS_MIB 4u
#define BASE_MIB 48u
#define MEMORY_MIB 128u

struct version {
	const char *name, *revision, *defects;
};

static const struct version versions[] = {
	{"R0 as posted", "R0", "as_shipped"},
	{"R1 repaired", "R1", "repaired"},
};
#define VERSIONS (sizeof(versions) / sizeof(versions[0]))

enum mode { PLAIN, DEDUP, PACKED, MODES };

static const struct {
	const char *dedup, *compress;
} modes[MODES] = {
	[PLAIN] = {"0", "0"},
	[DEDUP] = {"1", "0"},
	[PACKED] = {"0", "1"},
};

static size_t tree_count(const struct tmem_2010_opts *o)
{
	return o->tree ? 1 : sizeof(trees) / sizeof(trees[0]);
}

static const struct tree *tree_at(const struct tmem_2010_opts *o, size_t i)
{
	return o->tree ? &given : &trees[i];
}

/* Bytes of tmem: what both balloons have given up. */
static uint64_t tmem_bytes(const struct tmem_2010_opts *o, const struct tree *t)
{
	return GUESTS * (MEMORY_MIB - BASE_MIB - t->reserve_mib) * MIB /
	       o->scale;
}

/* The words of the workload; @n bytes of @buf. */
static int words_of(const struct tmem_2010_opts *o, const struct tree *t,
		    char *buf, size_t n, struct err *err)
{
	uint64_t memory =
		BASE_MIB * MIB + (MEMORY_MIB - BASE_MIB) * MIB / o->scale;
	int len = snprintf(
		buf, n,
		"filecache:guests=%u,builds=%u,stagger=60s,think=%uus,own=2,"
		"tools=%" PRIu64 ",balloon=1,memory=%" PRIu64
		",base=%uMiB,reserve=%" PRIu64 ",job=%u,",
		GUESTS, BUILDS, THINK_US, TOOLS_MIB * MIB / o->scale, memory,
		BASE_MIB, t->reserve_mib * MIB / o->scale,
		100 / (unsigned)o->scale);

	if (o->tree)
		len += snprintf(buf + len, n - (size_t)len, "tree=%s", o->tree);
	else
		len += snprintf(buf + len, n - (size_t)len,
				"units=%" PRIu64 ",headers=%" PRIu64
				",tree_seed=%" PRIu64,
				(t->units + o->scale - 1) / o->scale,
				(t->headers + o->scale - 1) / o->scale,
				t->seed);
	if ((size_t)len >= n)
		return err_set(err, EINVAL, "--tree: the path is too long");
	return 0;
}

static int tmem_2010_inputs(const void *opts, struct repro *r, struct err *err)
{
	const struct tmem_2010_opts *o = opts;
	char words[1024];
	struct cost cost;
	int ret = cost_load(&cost, o->cpu ? o->cpu : COST_DEFAULT, err);

	if (ret)
		return err_usage(err, ret);
	for (size_t i = 0; !ret && i < tree_count(o); i++) {
		const struct tree *t = tree_at(o, i);

		ret = words_of(o, t, words, sizeof(words), err);
		repro_fact(r, t->name, "%s", words);
		repro_fact(r, "tmem memory", "%" PRIu64 " MiB",
			   tmem_bytes(o, t) / MIB);
	}
	repro_fact(r, "seed", "%" PRIu64, o->seed);
	repro_fact(r, "prices", "%s", cost.name);
	repro_fact(r, "scale", "1/%" PRIu64, o->scale);
	repro_fact(r, "samples", "each 5 s, second half of the run");
	return err_usage(err, ret);
}

/* ---- one run ---- */

struct outcome {
	uint64_t calls_ns; /* time of calls, waiting included */
	uint64_t cpu_ns;   /* what the guests' processors had */
	/* Of samples: pages, pcds, summed up; lowest and highest ratio. */
	uint64_t pages, pcds;
	int64_t lowest, highest, last;
	uint64_t from;			/* samples count from here on */
	uint64_t pages_end, frames_end; /* stored, and what they take */
	uint64_t parts_end; /* bytes of what is kept shorter than a page */
};

static uint64_t get(const struct rows *r, const char *scope, const char *name)
{
	return (uint64_t)rows_get(r, scope, name, 0);
}

static int sample(void *ctx, ns_t now, const struct rows *rows)
{
	struct outcome *out = ctx;
	uint64_t pages = get(rows, "tmem", "eph_pages");
	uint64_t pcds = get(rows, "tmem", "pcds");
	int64_t ratio = repro_value(pages, pcds);

	if (now.v < out->from || ratio == REPRO_NONE)
		return 0;
	out->pages += pages;
	out->pcds += pcds;
	out->last = ratio;
	if (out->lowest == REPRO_NONE || ratio < out->lowest)
		out->lowest = ratio;
	if (out->highest == REPRO_NONE || ratio > out->highest)
		out->highest = ratio;
	return 0;
}

static int set(void *opts, const char *key, const char *value, struct err *err)
{
	return opt_set(engine_tmem.opts, opts, key, value, err);
}

static int options(const struct version *v, enum mode mode, uint64_t bytes,
		   void *opts, struct err *err)
{
	char memory[24];
	int ret;

	opt_defaults(engine_tmem.opts, opts);
	snprintf(memory, sizeof(memory), "%" PRIu64, bytes);
	ret = set(opts, "revision", v->revision, err);
	if (!ret)
		ret = set(opts, "defects", v->defects, err);
	if (!ret)
		ret = set(opts, "dedup", modes[mode].dedup, err);
	if (!ret)
		ret = set(opts, "compress", modes[mode].compress, err);
	return ret ? ret : set(opts, "memory", memory, err);
}

struct job {
	const struct tmem_2010_opts *o;
	struct cost cost;
	struct trace *trace;
	const struct tree *tree;
};

static int run_one(struct job *j, const struct version *v, enum mode mode,
		   struct outcome *out, struct err *err)
{
	uint64_t end = j->trace->ops->header(j->trace)->end.v;
	void *opts = mem_zalloc(1, engine_tmem.opts_size);
	struct run_config cfg = {
		.ops = &engine_tmem,
		.opts = opts,
		.until = UNTIL_END,
		.threads = j->o->common.threads ? (unsigned)j->o->common.threads
						: os_cpus(),
		.seed = j->o->seed,
		.cost = &j->cost,
		.sample = sample,
		.sample_ctx = out,
		.interval = NS(SAMPLE_NS),
	};
	struct run_result res;
	int ret;

	if (!opts)
		return -ENOMEM;
	*out = (struct outcome){.lowest = REPRO_NONE,
				.highest = REPRO_NONE,
				.last = REPRO_NONE,
				.from = end / 2,
				.cpu_ns = GUESTS * end};
	ret = options(v, mode, tmem_bytes(j->o, j->tree), opts, err);
	if (!ret)
		ret = j->trace->ops->rewind(j->trace, err);
	if (!ret)
		ret = run_trace(j->trace, &cfg, &res, err);
	if (!ret) {
		out->calls_ns = get(&res.results, "tmem_work", "work_ns") +
				get(&res.results, "vcpu", "waited_ns");
		out->pages_end = get(&res.results, "tmem", "pages");
		out->frames_end = get(&res.results, "tmem", "frames_used");
		out->parts_end =
			get(&res.results, "tmem", "part_bytes") +
			get(&res.results, "tmem", "frames") * PAGE_BYTES;
		run_result_fini(&res);
	}
	free(opts);
	return ret;
}

/* ---- rows ---- */

static struct repro_band band(double lo, double hi)
{
	return (struct repro_band){(int64_t)(lo * REPRO_ONE + 0.5),
				   (int64_t)(hi * REPRO_ONE + 0.5)};
}

static void row(struct repro *r, const char *variant, const char *quantity,
		const char *unit, struct repro_band published,
		struct repro_band expected, int64_t got)
{
	repro_add(r, &(struct repro_row){variant, quantity, unit, published,
					 expected, got});
}

/* 1 - 1/ratio in millionths of a percent */
static int64_t saved(int64_t ratio)
{
	int64_t part = repro_value(REPRO_ONE, (uint64_t)ratio);

	return ratio == REPRO_NONE ? ratio : 100 * (REPRO_ONE - part);
}

/* The ratio of two times is what is compared; the first was set to 0.1 %. */
static int64_t percent(uint64_t ns, uint64_t plain)
{
	int64_t tenfold = repro_value(ns, plain);

	return tenfold == REPRO_NONE ? tenfold : (tenfold + 5) / 10;
}

/* How much less than @of is @n, in millionths of a percent? */
static int64_t less(uint64_t n, uint64_t of)
{
	return n < of ? repro_value(100 * (of - n), of) : 0;
}

static void add_rows(struct repro *r, const char *variant,
		     const struct outcome *x)
{
	const struct repro_band ratio = band(1.08, 1.52);
	const struct outcome *plain = &x[PLAIN], *dedup = &x[DEDUP],
			     *packed = &x[PACKED];
	int64_t mean = repro_value(dedup->pages, dedup->pcds);

	row(r, variant, "dedup_ratio_mean", "pages per frame", ratio, ratio,
	    mean);
	row(r, variant, "dedup_ratio_lowest", "pages per frame", ratio, ratio,
	    dedup->lowest);
	row(r, variant, "dedup_ratio_highest", "pages per frame", ratio, ratio,
	    dedup->highest);
	row(r, variant, "frames_saved_most", "%", band(0, 34.2),
	    band(7.4, 34.2), saved(dedup->highest));
	/* How long an access takes was found for tree A and R1. */
	row(r, variant, "tmem_time_as_set", "% of CPU", band(0.1, 0.1),
	    REPRO_NO_BAND,
	    repro_value(plain->calls_ns / 10 * 1000, plain->cpu_ns));
	row(r, variant, "tmem_time", "% of CPU", band(0.1, 0.1), band(0.1, 0.1),
	    percent(plain->calls_ns, plain->calls_ns));
	row(r, variant, "tmem_time_dedup", "% of CPU", band(0.2, 0.2),
	    band(0.15, 0.25), percent(dedup->calls_ns, plain->calls_ns));
	row(r, variant, "tmem_time_compressed", "% of CPU", band(1, 1),
	    band(0.5, 2), percent(packed->calls_ns, plain->calls_ns));
	row(r, variant, "bytes_saved_compressed", "%", band(50, 50),
	    band(40, 60),
	    less(packed->parts_end, packed->pages_end * PAGE_BYTES));
	row(r, variant, "frames_saved_compressed", "%", band(50, 50),
	    REPRO_NO_BAND, less(packed->frames_end, packed->pages_end));
}

static const char *const variants[][VERSIONS] = {
	{"tree A, R0 as posted", "tree A, R1 repaired"},
	{"tree B, R0 as posted", "tree B, R1 repaired"},
};
static const char *const given_variants[VERSIONS] = {"given tree, R0 as posted",
						     "given tree, R1 repaired"};

static int run_tree(struct job *j, size_t i, struct repro *r, struct err *err)
{
	struct outcome out[MODES];
	char words[1024];
	int ret;

	j->tree = tree_at(j->o, i);
	ret = words_of(j->o, j->tree, words, sizeof(words), err);
	if (!ret)
		ret = workload_trace_open(&j->trace, words, j->o->seed, err);
	if (ret)
		return ret;
	for (size_t v = 0; !ret && v < VERSIONS; v++) {
		for (unsigned m = 0; !ret && m < MODES; m++)
			ret = run_one(j, &versions[v], (enum mode)m, &out[m],
				      err);
		if (!ret)
			add_rows(r,
				 j->o->tree ? given_variants[v]
					    : variants[i][v],
				 out);
	}
	trace_close(j->trace);
	return ret;
}

static int tmem_2010_run(const void *opts, struct repro *r, struct err *err)
{
	struct job j = {.o = opts};
	int ret = cost_load(&j.cost, j.o->cpu ? j.o->cpu : COST_DEFAULT, err);

	for (size_t i = 0; !ret && i < tree_count(j.o); i++)
		ret = run_tree(&j, i, r, err);
	return ret;
}

const struct repro_ops repro_tmem_2010 = {
	.source = "[tmem-2010]",
	.opts_size = sizeof(struct tmem_2010_opts),
	.inputs = tmem_2010_inputs,
	.run = tmem_2010_run,
};
