/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events.c - events a second through the whole pipeline: file, checksums,
 * decoding, machine, effects, an engine
 *
 * The recording is made once per seed and kept: WRITES writes, each to a page
 * drawn from all PAGES, of a content drawn from all CONTENTS; a thousand happen
 * at one time, a millisecond apart.  What memory must hold in the end is known
 * from the draw alone.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/base/prng.h"
#include "sim/core/pages.h"
#include "sim/run/run.h"
#include "traces/writer.h"
#include "bench/bench.h"
#include "bench/files.h"

#define AT_ONCE 1000u

struct events_opts {
	uint64_t writes, pages, contents, limit;
};

/* clang-format off */
static const struct opt events_options[] = {
	{ OPT_U64, OPT_FIELD(events_opts, writes, uint64_t),
	  .def = 40000000, .min = 1, .max = 1000000000, .unit = "writes",
	  .help = "events of the recording" },
	{ OPT_U64, OPT_FIELD(events_opts, pages, uint64_t),
	  .def = 262144, .min = 1, .max = 1 << 24, .unit = "pages",
	  .help = "pages that are written to" },
	{ OPT_U64, OPT_FIELD(events_opts, contents, uint64_t),
	  .def = 4096, .min = 2, .max = 1 << 20, .unit = "contents",
	  .help = "contents they are drawn from, the page of zeros included" },
	{ OPT_U64, OPT_FIELD(events_opts, limit, uint64_t), .max = 100000,
	  .unit = "ns", .help = "most CPU time of an event; 0: any" },
	{ .type = OPT_END },
};
/* clang-format on */

static void events_label(const void *opts, char *buf, size_t n)
{
	const struct events_opts *o = opts;

	snprintf(buf, n, "%" PRIu64 "/%" PRIu64 "/%" PRIu64, o->writes,
		 o->pages, o->contents);
}

/* ---- the recording ---- */

struct draw {
	struct prng r;
	const struct events_opts *o;
};

static struct draw draw_start(const struct bench *b,
			      const struct events_opts *o)
{
	return (struct draw){prng_fork(b->seed, "events.trace"), o};
}

static void draw_next(struct draw *d, uint64_t *page, uint32_t *content)
{
	*page = prng_below(&d->r, d->o->pages);
	*content = (uint32_t)prng_below(&d->r, d->o->contents);
}

static int write_events(struct trace_writer *w, struct draw *d, struct err *err)
{
	struct event ev = {.op = EV_SPACE};
	int ret = trace_writer_event(w, &ev, err);

	ev = (struct event){
		.op = EV_MAP, .flags = EVF_MERGEABLE, .count = d->o->pages};
	if (!ret)
		ret = trace_writer_event(w, &ev, err);
	for (uint64_t i = 0; i < d->o->writes && !ret; i++) {
		ev = (struct event){.op = EV_WRITE, .count = 1};
		ev.time = NS(i / AT_ONCE * NS_PER_MSEC);
		draw_next(d, &ev.vpn, &ev.content);
		ret = trace_writer_event(w, &ev, err);
	}
	return ret;
}

static int make_trace(const struct bench *b, const struct events_opts *o,
		      const char *path, struct err *err)
{
	const struct trace_writer_opts opts = {.threads = os_cpus()};
	struct draw d = draw_start(b, o);
	uint8_t page[PAGE_BYTES];
	struct trace_writer *w;
	int ret = trace_writer_new(&w, path, &opts, err);

	if (ret)
		return ret;
	ret = trace_writer_meta(w, "bench", b->label, err);
	for (uint32_t id = 1; id < o->contents && !ret; id++) {
		page_fill(page, RULE_ID, id);
		ret = trace_writer_page(w, page, err);
	}
	if (!ret)
		ret = write_events(w, &d, err);
	if (!ret)
		return trace_writer_commit(w, NULL, err);
	trace_writer_abort(w);
	return ret;
}

/* Is the file there, and the one that would be made? */
static bool have_trace(const char *path, const struct events_opts *o)
{
	const struct trace_header *h;
	struct trace *t;
	bool ok;

	if (trace_open(&t, path, NULL))
		return false;
	h = t->ops->header(t);
	ok = h->events == o->writes + 2 && h->contents == o->contents;
	trace_close(t);
	return ok;
}

/* ---- what must come out ---- */

struct outcome {
	uint64_t mapped, possible;
};

static int expect(const struct bench *b, const struct events_opts *o,
		  struct outcome *out)
{
	uint32_t *held = mem_zalloc(o->pages, sizeof(*held)); /* content + 1 */
	uint8_t *seen = mem_zalloc(o->contents, 1);
	struct draw d = draw_start(b, o);
	int ret = held && seen ? 0 : -ENOMEM;

	*out = (struct outcome){0};
	for (uint64_t i = 0; i < o->writes && !ret; i++) {
		uint64_t page;
		uint32_t content;

		draw_next(&d, &page, &content);
		held[page] = content + 1;
	}
	for (uint64_t i = 0; i < o->pages && !ret; i++) {
		if (!held[i])
			continue;
		out->mapped++;
		out->possible += seen[held[i] - 1];
		seen[held[i] - 1] = 1;
	}
	free(held);
	free(seen);
	return ret;
}

static bool right(struct bench *b, const struct events_opts *o,
		  const struct outcome *want, const struct run_result *res)
{
	const struct {
		const char *scope, *name;
		uint64_t is;
	} must[] = {{"run", "trace_events", o->writes + 2},
		    {"machine", "mapped_pages", want->mapped},
		    {"run", "possible_pages", want->possible}};

	for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++) {
		int64_t got = rows_get(&res->results, must[i].scope,
				       must[i].name, -1);

		if (got == (int64_t)must[i].is)
			continue;
		bench_wrong(b, "%s is %" PRId64 ", not %" PRIu64, must[i].name,
			    got, must[i].is);
		return false;
	}
	return true;
}

/* ---- the measurement ---- */

struct events_run {
	const char *path;
	struct run_config cfg;
	struct run_result res;
	struct err *err;
};

static int replay(void *ctx)
{
	struct events_run *r = ctx;
	struct trace *t;
	int ret = trace_open(&t, r->path, r->err);

	if (ret)
		return ret;
	ret = run_trace(t, &r->cfg, &r->res, r->err);
	trace_close(t);
	return ret;
}

static int measure(struct bench *b, const struct events_opts *o,
		   const char *path, struct err *err)
{
	struct events_run r = {.path = path, .err = err};
	double ns[STATS_MAX];
	struct outcome want;
	struct metric m = {.kind = METRIC_NOISY,
			   .unit = "ns/event",
			   .limit = (double)o->limit};
	unsigned rounds = b->mode == BENCH_TIMED ? b->rounds : 1;
	int ret = expect(b, o, &want);

	r.cfg = (struct run_config){.ops = &engine_none,
				    .threads = 1,
				    .seed = b->seed,
				    .until = UNTIL_END,
				    .interval = NS(NS_PER_SEC)};
	for (unsigned i = 0; i < rounds && !ret; i++) {
		uint64_t t;

		files_forget(path);
		ret = bench_hot(b, replay, &r, true, &t);
		if (ret)
			return ret;
		ns[i] = (double)t / (double)o->writes;
		if (!right(b, o, &want, &r.res)) {
			run_result_fini(&r.res);
			return 0;
		}
		run_result_fini(&r.res);
	}
	if (ret || b->mode != BENCH_TIMED)
		return ret;
	m.ns = stats_interval(ns, rounds, b->seed);
	snprintf(m.name, sizeof(m.name), "%s/replay", b->label);
	metrics_add(&b->metrics, &m);
	return 0;
}

static int events_run(struct bench *b, const void *opts, struct err *err)
{
	const struct events_opts *o = opts;
	char path[FILES_PATH_MAX];
	int ret = files_path(b, b->label, ".trace", path, err);

	if (!ret && !have_trace(path, o))
		ret = make_trace(b, o, path, err);
	if (!ret)
		bench_exact(b, "trace_bytes", "bytes", files_bytes(path),
			    files_zstd_version());
	return ret ? ret : measure(b, o, path, err);
}

const struct experiment_ops experiment_events = {
	.name = "events",
	.summary = "events from disk through an engine that does nothing",
	.opts = events_options,
	.opts_size = sizeof(struct events_opts),
	.label = events_label,
	.exact = true,
	.hot = true,
	.run = events_run,
};
