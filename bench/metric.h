/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * metric.h - what a bench found out, and the forms it can be written in
 *
 *	metrics ──► table     for people: times, ratios, pass or fail
 *	        ──► json      everything; "schema": METRIC_SCHEMA
 *	        ──► baseline  what bench/gate.h compares with: exact and stable
 *	        ──► action    customSmallerIsBetter of github-action-benchmark
 *	        ──► bmf       Bencher Metric Format
 */
#ifndef DEDUPSIM_BENCH_METRIC_H
#define DEDUPSIM_BENCH_METRIC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/err.h"
#include "bench/stats.h"

#define METRIC_SCHEMA "dedupsim.bench/1"
#define BENCH_LABEL_MAX 128u
#define BENCH_NAME_MAX 192u

enum metric_kind { METRIC_EXACT, METRIC_STABLE, METRIC_NOISY };
extern const char *const metric_kind_name[];

/*
 * A noisy metric is a cost: less is better.  With @peer it stands beside
 * another way to do the same; ratio is what that cost divided by ours, of pairs
 * measured in turns: above 1 we are faster.
 */
struct metric {
	char name[BENCH_NAME_MAX];
	const char *unit; /* static */
	enum metric_kind kind;
	bool cost;     /* less is better, so it may be plotted as such */
	int64_t value; /* exact, stable */
	/* Version of what an exact value depends on beside this program, the
	 * compiler for a stable one: other versions are not compared.  "" */
	char with[64];
	struct interval ns; /* noisy */
	const char *peer;   /* static; NULL: none */
	struct interval peer_ns, ratio;
	double limit; /* most that ns.median may be; 0: none */
	double floor; /* least that ratio.median may be; 0: none */
};

struct metrics {
	struct metric *v;
	size_t n, cap;
	char *notes; /* lines */
	size_t notes_n, notes_cap;
	bool failed; /* out of memory: something is missing */
};

/* Adding never fails at the call: look at @ms->failed once at the end. */
void metrics_add(struct metrics *ms, const struct metric *m);
void metrics_note(struct metrics *ms, const char *line);
void metrics_fini(struct metrics *ms);

/* metric_missed - does it miss its limit or its floor? */
bool metric_missed(const struct metric *m);

struct metric_form {
	const char *name, *summary;
	int (*write)(const struct metrics *ms, FILE *out);
};
extern const struct metric_form metric_forms[]; /* {NULL} ends it */
/* metric_form_find - NULL with the nearest name in @err */
const struct metric_form *metric_form_find(const char *name, struct err *err);

#endif
