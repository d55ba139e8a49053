/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * visits.c - what a page visit of the ksm engine costs, by what pages hold
 *
 * Three full scans without smart scan: the first takes checksums, the second
 * merges or files everything, the third finds everything as it was.  With ksmd=1
 * the kernel's own ksmd does the same to the same pages, in turns with us, and
 * there are ratios only when its counters are ours.
 *
 * "whole" is all that we do once the bytes are there: sorting and hashing
 * contents by several threads, every page's write as an event, three scans.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "models/cost.h"
#include "sim/engine/engine.h"
#include "bench/bench.h"
#include "bench/ksmd.h"

struct visits_opts {
	uint64_t kind, pages, limit, ksmd, floor, rounds;
};

/* clang-format off */
static const struct opt visits_options[] = {
	{ OPT_CHOICE, OPT_FIELD(visits_opts, kind, uint64_t),
	  .choices = pages_kind_name, .help = "what the pages hold" },
	{ OPT_U64, OPT_FIELD(visits_opts, pages, uint64_t),
	  .def = 65536, .min = 4, .max = 1 << 22, .unit = "pages",
	  .help = "how many" },
	{ OPT_U64, OPT_FIELD(visits_opts, limit, uint64_t),
	  .max = 1000000, .unit = "ns",
	  .help = "most that a visit of the third scan may take; 0: any" },
	{ OPT_BOOL, OPT_FIELD(visits_opts, ksmd, uint64_t), .max = 1,
	  .help = "the kernel does the same, where root allows" },
	{ OPT_U64, OPT_FIELD(visits_opts, floor, uint64_t), .max = 1000,
	  .help = "how many times as fast as ksmd the second scan must be" },
	{ OPT_U64, OPT_FIELD(visits_opts, rounds, uint64_t), .max = STATS_MAX,
	  .help = "rounds, when they take long; 0: as asked for" },
	{ .type = OPT_END },
};
/* clang-format on */

#define KEPT_MAX (UINT32_C(1) << 18) /* contents whose bytes are kept, 1 GiB */

struct visits {
	struct bench *b;
	const struct visits_opts *o;
	struct pages_counts expect;
	struct content_set *contents;
	struct machine *machine;
	struct engine *engine;
	struct clock clock;
	struct meter meter;
	struct err *err;
	uint8_t *bytes;	     /* of all contents; NULL: made when asked for */
	uint64_t prepare_ns; /* what columns of contents cost */
};

static void visits_label(const void *opts, char *buf, size_t n)
{
	const struct visits_opts *o = opts;

	snprintf(buf, n, "%s/%" PRIu64, pages_kind_name[o->kind], o->pages);
}

static int visits_check(const void *opts, struct err *err)
{
	const struct visits_opts *o = opts;

	if (o->kind == PAGES_CROWDED && o->pages % 4)
		return err_set(err, EINVAL,
			       "crowded: pages must be a multiple of 4");
	if (o->floor && !o->ksmd)
		return err_set(err, EINVAL, "floor needs ksmd=1");
	return 0;
}

static const uint8_t *make_page(void *self, uint32_t id, uint8_t *buf)
{
	const struct visits *v = self;

	if (v->bytes)
		return v->bytes + (size_t)(id - 1) * PAGE_BYTES;
	pages_fill((enum pages_kind)v->o->kind, id, buf);
	return buf;
}

/* Three scans, and everything together. */
#define WHOLE KSMD_SCANS
#define PARTS (KSMD_SCANS + 1)

/* ---- one round ---- */

static int happen(struct visits *v, const struct event *ev)
{
	struct effect fx;
	int ret = machine_begin(v->machine, ev, v->err);

	while (!ret && (ret = machine_next(v->machine, &fx)) > 0)
		ret = v->engine->ops->notice(v->engine, &fx, &v->meter);
	return ret;
}

static int write_pages(struct visits *v)
{
	int ret = happen(v, &(struct event){.op = EV_SPACE});

	if (!ret)
		ret = happen(v, &(struct event){.op = EV_MAP,
						.flags = EVF_MERGEABLE,
						.count = v->o->pages});
	for (uint64_t i = 0; i < v->o->pages && !ret; i++)
		ret = happen(
			v, &(struct event){.op = EV_WRITE,
					   .vpn = i,
					   .count = 1,
					   .content = pages_content(
						   (enum pages_kind)v->o->kind,
						   v->o->pages, i)});
	return ret;
}

static int scan(void *ctx)
{
	struct visits *v = ctx;

	v->clock.now = v->engine->wake[0];
	return v->engine->ops->work(v->engine, 0, &v->meter);
}

static int engine_opts(const struct engine_ops *ops, void **out,
		       struct err *err)
{
	static const char *const set[][2] = {{"smart_scan", "0"},
					     {"use_zero_pages", "0"},
					     {"max_page_sharing", "256"},
					     {"pages_to_scan", "4000000000"}};
	void *opts = mem_zalloc(1, ops->opts_size);
	int ret = opts ? 0 : -ENOMEM;

	if (!ret)
		opt_defaults(ops->opts, opts);
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]) && !ret; i++)
		ret = opt_set(ops->opts, opts, set[i][0], set[i][1], err);
	*out = opts;
	return ret;
}

static int set_up(struct visits *v)
{
	const struct engine_ops *ops = &engine_ksm;
	struct engine_env env = {.clock = &v->clock, .contents = v->contents};
	void *opts;
	int ret = engine_opts(ops, &opts, v->err);

	if (!ret)
		ret = machine_new(&v->machine,
				  &(struct machine_config){.keep_words = true});
	env.machine = v->machine;
	meter_init(&v->meter, NULL);
	if (!ret)
		ret = ops->start(&v->engine, &env, opts, v->err);
	free(opts);
	return ret ? ret : write_pages(v);
}

static void tear_down(struct visits *v)
{
	if (v->engine)
		v->engine->ops->stop(v->engine);
	machine_free(v->machine);
	v->engine = NULL;
	v->machine = NULL;
	v->clock = (struct clock){0};
}

static bool right(struct visits *v, const struct rows *rows)
{
	const struct {
		const char *name;
		uint64_t is;
	} must[] = {{"pages_shared", v->expect.shared},
		    {"pages_sharing", v->expect.sharing},
		    {"pages_unshared", v->expect.unshared}};

	for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++) {
		int64_t got = rows_get(rows, "ksm", must[i].name, -1);

		if (got != (int64_t)must[i].is) {
			bench_wrong(v->b, "%s is %" PRId64 ", not %" PRIu64,
				    must[i].name, got, must[i].is);
			return false;
		}
	}
	return true;
}

/* Counters, and what they cost on the default processor. */
static int exact(struct visits *v, const struct rows *rows)
{
	struct rows costs;
	struct cost cost;
	int ret = cost_load(&cost, COST_DEFAULT, v->err);

	if (ret)
		return ret;
	bench_rows(v->b, rows, NULL);
	bench_meter(v->b, &v->meter);
	rows_init(&costs);
	cost_report(&cost, &v->meter, &costs);
	bench_rows(v->b, &costs, NULL);
	rows_fini(&costs);
	return 0;
}

/* One round of ours; *@rows: the counters at its end. */
static int round_of(struct visits *v, double ns[PARTS], struct rows *rows)
{
	uint64_t set_up_ns = os_thread_cpu_ns();
	int ret = set_up(v);

	set_up_ns = os_thread_cpu_ns() - set_up_ns + v->prepare_ns;
	ns[WHOLE] = (double)set_up_ns / (double)v->o->pages;

	for (unsigned s = 0; s < KSMD_SCANS && !ret; s++) {
		uint64_t t;

		ret = bench_hot(v->b, scan, v, false, &t);
		ns[s] = (double)t / (double)v->o->pages;
		ns[WHOLE] += ns[s];
	}
	rows_clear(rows);
	if (!ret)
		v->engine->ops->report(v->engine, rows);
	if (!ret && rows->failed)
		ret = -ENOMEM;
	if (!ret && v->b->mode == BENCH_EXACT)
		ret = exact(v, rows);
	tear_down(v);
	return ret;
}

/* ---- many ---- */

struct samples {
	double ours[PARTS][STATS_MAX], theirs[PARTS][STATS_MAX];
	bool ksmd;
};

/* The same to the kernel; counters other than ours: no ratios. */
static int kernel_round(struct visits *v, struct samples *s, unsigned round,
			const struct rows *ours)
{
	struct ksmd_result k;
	struct err err = {0};
	int ret =
		ksmd_round((enum pages_kind)v->o->kind, v->o->pages, &k, &err);

	if (ret == -ENOMEM || ret == -EINTR)
		return err_set(v->err, -ret, "%s", err_text(&err, ret));
	if (ret) {
		bench_note(v->b, "ksmd skipped: %s", err_text(&err, ret));
		s->ksmd = false;
		return 0;
	}
	for (unsigned i = 0; i < KSMD_COUNTERS; i++) {
		int64_t got = rows_get(ours, "ksm", ksmd_counter[i], -1);

		if (got == k.counter[i])
			continue;
		bench_wrong(v->b, "%s: ksmd says %" PRId64 ", we %" PRId64,
			    ksmd_counter[i], k.counter[i], got);
		s->ksmd = false;
	}
	s->theirs[WHOLE][round] = 0;
	for (unsigned i = 0; i < KSMD_SCANS; i++) {
		s->theirs[i][round] = (double)k.ns[i] / (double)v->o->pages;
		s->theirs[WHOLE][round] += s->theirs[i][round];
	}
	return 0;
}

static const char *const part[PARTS] = {"scan1", "scan2", "scan3", "whole"};

static void add_metrics(struct visits *v, const struct samples *s,
			unsigned rounds)
{
	uint64_t seed = v->b->seed;

	for (unsigned i = 0; i < PARTS; i++) {
		struct metric m = {
			.kind = METRIC_NOISY,
			.unit = "ns/page",
			.ns = stats_interval(s->ours[i], rounds, seed),
		};

		if (i == WHOLE && !v->prepare_ns)
			continue;
		snprintf(m.name, sizeof(m.name), "%s/%s", v->b->label, part[i]);
		if (i == 2)
			m.limit = (double)v->o->limit;
		if (s->ksmd) {
			m.peer = "ksmd";
			m.peer_ns = stats_interval(s->theirs[i], rounds, seed);
			m.ratio = stats_ratio(s->theirs[i], s->ours[i], rounds,
					      seed);
			if (i == 1)
				m.floor = (double)v->o->floor;
		}
		metrics_add(&v->b->metrics, &m);
	}
}

static int rounds_of(struct visits *v, struct samples *s, struct rows *rows)
{
	unsigned rounds = v->b->mode != BENCH_TIMED ? 1
			  : v->o->rounds	    ? (unsigned)v->o->rounds
						    : v->b->rounds;
	double ns[PARTS];
	int ret = 0;

	s->ksmd = v->o->ksmd && v->b->mode == BENCH_TIMED;
	for (unsigned r = 0; r < rounds && !ret; r++) {
		ret = round_of(v, ns, rows);
		if (!ret && !right(v, rows))
			return 0;
		for (unsigned i = 0; i < PARTS; i++)
			s->ours[i][r] = ns[i];
		if (!ret && s->ksmd)
			ret = kernel_round(v, s, r, rows);
	}
	if (!ret && v->b->mode == BENCH_TIMED)
		add_metrics(v, s, rounds);
	return ret;
}

struct columns {
	struct visits *v;
	uint64_t needs;
};

static int make_columns(void *ctx)
{
	struct columns *c = ctx;
	const struct content_source src = {
		.self = c->v,
		.count = (uint32_t)c->v->expect.contents + 1,
		.bytes = make_page,
	};

	return content_set_new(&c->v->contents, &src, c->needs, os_cpus(),
			       c->v->err);
}

/* The columns of the contents, timed when their bytes can be kept. */
static int prepare(struct visits *v, const void *opts)
{
	struct columns c = {v, engine_ksm.needs(opts)};
	size_t n = (size_t)v->expect.contents * PAGE_BYTES;
	int ret;

	if (v->b->mode != BENCH_TIMED || v->expect.contents > KEPT_MAX)
		return make_columns(&c);
	v->bytes = os_map(n);
	for (uint32_t id = 1; v->bytes && id <= v->expect.contents; id++)
		pages_fill((enum pages_kind)v->o->kind, id,
			   v->bytes + (size_t)(id - 1) * PAGE_BYTES);
	ret = bench_hot(v->b, make_columns, &c, true,
			v->bytes ? &v->prepare_ns : NULL);
	os_unmap(v->bytes, n);
	v->bytes = NULL;
	return ret;
}

static int visits_run(struct bench *b, const void *opts, struct err *err)
{
	const struct visits_opts *o = opts;
	struct visits v = {
		.b = b,
		.o = o,
		.expect = pages_expect((enum pages_kind)o->kind, o->pages),
		.err = err,
	};
	struct samples *s = mem_zalloc(1, sizeof(*s));
	struct rows rows;
	int ret = s ? 0 : -ENOMEM;
	void *eopts = NULL;

	rows_init(&rows);
	if (!ret)
		ret = engine_opts(&engine_ksm, &eopts, err);
	if (!ret)
		ret = prepare(&v, eopts);
	if (!ret)
		ret = rounds_of(&v, s, &rows);
	free(eopts);
	content_set_free(v.contents);
	rows_fini(&rows);
	free(s);
	return ret;
}

const struct experiment_ops experiment_visits = {
	.name = "visits",
	.summary = "page visits of ksm by what pages hold, beside ksmd",
	.opts = visits_options,
	.opts_size = sizeof(struct visits_opts),
	.label = visits_label,
	.check = visits_check,
	.exact = true,
	.hot = true,
	.run = visits_run,
};
