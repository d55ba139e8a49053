/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench.h - how fast the simulator is, and whether it still counts the same
 *
 *	suite ─► experiment ─► metrics ─► table, JSON, …     bench/metric.h
 *	             │             └────► gate (baseline)    bench/gate.h
 *	             └─ notes: skipped because …, wrong …
 *
 * The only floor that looks at a clock.  An experiment first makes sure that
 * what it measured is right; figures of something wrong are never given.  There
 * are three kinds of metric, and they are never mixed:
 *	exact   counters, bytes: the same on every machine; any difference counts
 *	stable  instructions under callgrind: the same within 0.5 %
 *	noisy   time: costs (less is better) with an interval; never gate
 */
#ifndef DEDUPSIM_BENCH_BENCH_H
#define DEDUPSIM_BENCH_BENCH_H

#include <stdbool.h>

#include "sim/base/opt.h"
#include "sim/core/meter.h"
#include "sim/core/rows.h"
#include "bench/metric.h"

struct counters; /* bench/counters.h */

enum bench_mode {
	BENCH_TIMED, /* everything */
	BENCH_EXACT, /* nothing that needs a clock */
	BENCH_COUNT, /* under callgrind: the hot part once, no metrics */
};

struct bench {
	enum bench_mode mode;
	const char *dir;	   /* for files that are made once and kept */
	uint64_t seed;		   /* of everything made up */
	unsigned rounds;	   /* of each paired measurement */
	struct counters *counters; /* around hot parts; NULL: none */
	const char *label;	   /* of the present experiment */
	struct metrics metrics;
	bool wrong; /* a counter was wrong somewhere */
};

/*
 * One kind of experiment: one .c in bench/ and one line in experiments.def.
 */
struct experiment_ops {
	const char *name, *summary;
	const struct opt *opts;
	size_t opts_size;
	/* What tells it from others of its kind: "unique/65536". */
	void (*label)(const void *opts, char *buf, size_t n);
	/* NULL, or -EINVAL for values that do not go together. */
	int (*check)(const void *opts, struct err *err);
	bool exact; /* has exact metrics: runs in BENCH_EXACT */
	bool hot;   /* has a hot part whose instructions can be counted */
	/* Returns 0, also after bench_skip() and bench_wrong(); or an error
	 * that ends the whole bench. */
	int (*run)(struct bench *b, const void *opts, struct err *err);
};

#define EXPERIMENT(name) extern const struct experiment_ops experiment_##name;
#include "bench/experiments.def"
#undef EXPERIMENT

extern const struct experiment_ops *const experiments[]; /* NULL ends it */

void bench_init(struct bench *b);
void bench_fini(struct bench *b);

/*
 * bench_hot - call @fn: the part that is measured
 * @ns: out: CPU time of this thread, or of the whole process with @process;
 *      may be NULL
 * Counters run meanwhile, and callgrind collects in here only.
 */
typedef int bench_hot_fn(void *ctx);
int bench_hot(struct bench *b, bench_hot_fn *fn, void *ctx, bool process,
	      uint64_t *ns);

/* bench_rows - each row as an exact metric "LABEL/scope.name" */
void bench_rows(struct bench *b, const struct rows *rows, const char *with);
/* bench_meter - the counts of a meter that are not zero, likewise */
void bench_meter(struct bench *b, const struct meter *m);
/* bench_exact - one exact metric; @with: version it depends on, or NULL */
void bench_exact(struct bench *b, const char *name, const char *unit,
		 int64_t value, const char *with);

/* bench_note - a line for people below the table */
void bench_note(struct bench *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* bench_wrong - what was counted is wrong: no figures, the bench fails */
void bench_wrong(struct bench *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
