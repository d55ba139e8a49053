/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/cmd/cmd.h"
#include "bench/bench.h"
#include "bench/callgrind.h"
#include "bench/counters.h"
#include "bench/gate.h"
#include "bench/suite.h"

struct bench_opts {
	const char *baseline, *format, *output, *dir, *counters, *only;
	uint64_t exact, stable, count, strict, rounds, seed;
};

/* clang-format off */
static const struct opt bench_options[] = {
	{ OPT_BOOL, OPT_FIELD(bench_opts, exact, uint64_t), .max = 1,
	  .help = "exact metrics only: counters and bytes, no time" },
	{ OPT_BOOL, OPT_FIELD(bench_opts, stable, uint64_t), .max = 1,
	  .help = "instructions of the hot parts under callgrind, too" },
	{ OPT_STRING, OPT_FIELD(bench_opts, baseline, const char *),
	  .arg = "FILE",
	  .help = "compare exact and stable metrics with this file; a line for "
		  "each that differs, and exit status 1" },
	{ OPT_STRING, OPT_FIELD(bench_opts, format, const char *),
	  .letter = 'f', .arg = "NAME",
	  .help = "table, json, baseline, action (customSmallerIsBetter of "
		  "github-action-benchmark) or bmf (Bencher)" },
	{ OPT_STRING, OPT_FIELD(bench_opts, output, const char *),
	  .letter = 'o', .arg = "FILE",
	  .help = "where to; standard output when not given" },
	{ OPT_STRING, OPT_FIELD(bench_opts, only, const char *),
	  .arg = "LABEL",
	  .help = "only experiments whose label begins so, as visits/unique" },
	{ OPT_STRING, OPT_FIELD(bench_opts, dir, const char *), .arg = "DIR",
	  .help = "where large inputs are made and kept; TMPDIR, or /tmp, when "
		  "not given" },
	{ OPT_STRING, OPT_FIELD(bench_opts, counters, const char *),
	  .arg = "NAME,…",
	  .help = "events that libpfm4 knows, counted around what is measured "
		  "and told on standard error" },
	{ OPT_U64, OPT_FIELD(bench_opts, rounds, uint64_t),
	  .def = 5, .min = 1, .max = STATS_MAX,
	  .help = "times that each pair is measured" },
	{ OPT_U64, OPT_FIELD(bench_opts, seed, uint64_t), .def = 1,
	  .max = UINT64_MAX, .help = "seed of everything that is made up" },
	{ OPT_BOOL, OPT_FIELD(bench_opts, strict, uint64_t), .max = 1,
	  .help = "exit status 1 when a floor is missed" },
	{ OPT_BOOL, OPT_FIELD(bench_opts, count, uint64_t), .max = 1,
	  .help = "what --stable runs under callgrind: hot parts once, no "
		  "results" },
	{ .type = OPT_END },
};
/* clang-format on */

static bool wanted(const struct bench *b, const struct bench_opts *o,
		   const struct suite_line *l)
{
	if (o->only && strncmp(l->label, o->only, strlen(o->only)) != 0)
		return false;
	if (b->mode == BENCH_EXACT)
		return l->ops->exact;
	return b->mode == BENCH_TIMED || l->ops->hot;
}

static void add_stable(struct bench *b, const char *suite,
		       const struct suite_line *l)
{
	struct metric m = {.kind = METRIC_STABLE, .unit = "instructions"};
	struct err why = {0};

	if (callgrind_count(b, suite, l->label, &m.value, &why)) {
		bench_note(b, "instructions not counted: %s", why.text);
		return;
	}
	snprintf(m.name, sizeof(m.name), "%s/instructions", l->label);
	snprintf(m.with, sizeof(m.with), "%s", callgrind_with());
	metrics_add(&b->metrics, &m);
}

static int run_suite(struct bench *b, const struct bench_opts *o,
		     const char *name, struct err *err)
{
	struct suite s;
	int ret = suite_find(&s, name, err);

	if (ret)
		return err_usage(err, ret);
	for (size_t i = 0; i < s.n && !ret; i++) {
		const struct suite_line *l = &s.line[i];

		if (!wanted(b, o, l))
			continue;
		b->label = l->label;
		if (os_is_terminal(stderr))
			fprintf(stderr, "\r%s\033[K", l->label);
		ret = l->ops->run(b, l->opts, err);
		err_prefix(err, ret, "%s", l->label);
		if (!ret && o->stable && l->ops->hot && l->ops->exact)
			add_stable(b, name, l);
	}
	if (os_is_terminal(stderr))
		fputs("\r\033[K", stderr);
	b->label = "";
	suite_fini(&s);
	return ret;
}

static int run_suites(struct bench *b, const struct bench_opts *o,
		      const char *const *name, int n, struct err *err)
{
	int ret = 0;

	for (int i = 0; i < n && !ret; i++)
		ret = run_suite(b, o, name[i], err);
	/* Exact metrics have a suite of their own, too small to be timed. */
	for (size_t i = 0; !n && bench_presets[i].name && !ret; i++)
		if (!strcmp(bench_presets[i].name, "gate") ==
		    (b->mode != BENCH_TIMED))
			ret = run_suite(b, o, bench_presets[i].name, err);
	if (!ret && b->metrics.failed)
		ret = -ENOMEM;
	return ret;
}

struct form {
	const struct metric_form *form;
	const struct metrics *ms;
};

static int write_form(const void *what, FILE *out, struct err *err)
{
	const struct form *f = what;

	(void)err;
	return f->form->write(f->ms, out);
}

/* 0: as it was; 1: findings */
static int gate(const struct bench *b, const char *path, struct err *err)
{
	struct gate_result res;
	char *text;
	size_t n;
	int ret = os_read_all(path, GATE_BYTES_MAX, &text, &n, err);

	if (ret)
		return ret;
	ret = gate_compare(&b->metrics, path, text, n, stdout, &res, err);
	free(text);
	if (ret)
		return ret;
	printf("baseline: %zu compared, %zu findings", res.compared,
	       res.findings);
	if (res.fresh)
		printf(", %zu new", res.fresh);
	if (res.other_version)
		printf(", %zu of other versions left out", res.other_version);
	if (res.not_run)
		printf(", %zu not run", res.not_run);
	fputc('\n', stdout);
	return res.findings > 0;
}

static bool floors_missed(const struct metrics *ms)
{
	for (size_t i = 0; i < ms->n; i++)
		if (metric_missed(&ms->v[i]))
			return true;
	return false;
}

/* Results, then what the gate has to say; returns an exit status. */
static int finish(struct bench *b, const struct bench_opts *o,
		  const struct metric_form *form, struct err *err)
{
	const char *out = o->output ? o->output : "-";
	int ret = 0, status = EXIT_OK;

	if (b->counters)
		counters_print(b->counters, "measured parts", stderr);
	if (b->mode == BENCH_COUNT)
		return EXIT_OK;
	if (!o->baseline || o->format || o->output)
		ret = cmd_write(out, write_form,
				&(struct form){form, &b->metrics}, err);
	if (ret)
		return EXIT_FAILED;
	if (b->metrics.notes_n && (b->wrong || strcmp(form->name, "table")))
		fwrite(b->metrics.notes, 1, b->metrics.notes_n, stderr);
	if (o->baseline && gate(b, o->baseline, err))
		status = EXIT_FAILED;
	if (b->wrong || (o->strict && floors_missed(&b->metrics)))
		status = EXIT_FAILED;
	return status;
}

static int bench_with(const struct bench_opts *o, const char *const *name,
		      int n, struct err *err)
{
	const struct metric_form *form =
		metric_form_find(o->format ? o->format : "table", err);
	struct bench b;
	int ret = form ? 0 : err_usage(err, -EINVAL), status = EXIT_FAILED;

	bench_init(&b);
	b.mode = o->count ? BENCH_COUNT : o->exact ? BENCH_EXACT : BENCH_TIMED;
	b.seed = o->seed;
	b.rounds = (unsigned)o->rounds;
	b.dir = o->dir ? o->dir : getenv("TMPDIR");
	if (!b.dir)
		b.dir = "/tmp";
	if (!ret && o->counters)
		ret = err_usage(err,
				counters_new(&b.counters, o->counters, err));
	if (!ret)
		ret = run_suites(&b, o, name, n, err);
	if (!ret)
		status = finish(&b, o, form, err);
	else if (err->usage)
		status = EXIT_USAGE;
	if (ret && !err->text[0])
		err_set(err, -ret, "bench: %s", err_text(NULL, ret));
	counters_free(b.counters);
	bench_fini(&b);
	return status;
}

static int bench_run(const struct cmd *self, int argc, char **argv,
		     struct err *err)
{
	const char **rest =
		mem_zalloc(argc > 0 ? (size_t)argc : 1, sizeof(*rest));
	struct bench_opts o;
	int n = 0, status = EXIT_USAGE, ret = rest ? 0 : -ENOMEM;

	opt_defaults(self->opts, &o);
	if (!ret)
		ret = opt_parse(self->opts, &o, argc, argv, rest, &n, NULL,
				NULL, err);
	if (!ret && o.exact + o.count > 1)
		ret = err_set(err, EINVAL, "--exact and --count: which?");
	if (!ret)
		status = bench_with(&o, rest, n, err);
	else if (!err->text[0])
		err_set(err, -ret, "bench: %s", err_text(NULL, ret));
	free(rest);
	return status;
}

const struct cmd cmd_bench = {
	.name = "bench",
	.args = "[SUITE]...",
	.summary = "Measure the simulator, beside what else could do the work",
	.about =
		"SUITE is one of the program (gate, visits, events, import, store) or "
		"a\n"
		"file of that form: a line per experiment, its kind and\n"
		"KEY=VALUE words. Without one: gate with --exact, else the "
		"rest.\n"
		"\n"
		"Metrics are of three kinds, never mixed: exact (counters,\n"
		"bytes; any difference from the baseline is a finding), "
		"stable\n"
		"(instructions under callgrind, within 0.5 %) and noisy (CPU\n"
		"time: medians and ratios of pairs; printed, never compared).\n"
		"Nothing is timed whose counters are wrong.\n"
		"\n"
		"  dedupsim bench --exact --baseline bench/baseline.json\n"
		"  dedupsim bench --only visits/last8\n"
		"  dedupsim bench --format bmf --output bench.json\n",
	.opts = bench_options,
	.run = bench_run,
};
