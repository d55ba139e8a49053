/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sim/base/os.h"
#include "sim/report/report.h"
#include "bench/bench.h"
#include "bench/counters.h"

void bench_init(struct bench *b)
{
	*b = (struct bench){.seed = 1, .rounds = 5, .dir = ".", .label = ""};
}

void bench_fini(struct bench *b)
{
	metrics_fini(&b->metrics);
}

static uint64_t process_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* A function that is not inlined: `callgrind --toggle-collect=bench_call`. */
int bench_call(bench_hot_fn *fn, void *ctx);
int bench_call(bench_hot_fn *fn, void *ctx)
{
	return fn(ctx);
}

static int (*volatile const call)(bench_hot_fn *fn, void *ctx) = bench_call;

int bench_hot(struct bench *b, bench_hot_fn *fn, void *ctx, bool process,
	      uint64_t *ns)
{
	uint64_t t;
	int ret;

	counters_start(b->counters);
	t = process ? process_ns() : os_thread_cpu_ns();
	ret = call(fn, ctx);
	t = (process ? process_ns() : os_thread_cpu_ns()) - t;
	counters_stop(b->counters);
	if (ns)
		*ns = t;
	return ret;
}

/* What is less the better: the cost of the engine, and its records. */
static bool is_cost(const char *name)
{
	const char *end = strrchr(name, '_');

	return !strncmp(name, "cost.", 5) || (end && !strcmp(end, "_bytes"));
}

void bench_exact(struct bench *b, const char *name, const char *unit,
		 int64_t value, const char *with)
{
	struct metric m = {
		.unit = unit,
		.kind = METRIC_EXACT,
		.value = value,
		.cost = is_cost(name),
	};

	snprintf(m.name, sizeof(m.name), "%s/%s", b->label, name);
	snprintf(m.with, sizeof(m.with), "%s", with ? with : "");
	metrics_add(&b->metrics, &m);
}

void bench_rows(struct bench *b, const struct rows *rows, const char *with)
{
	char name[BENCH_NAME_MAX];

	if (rows->failed)
		b->metrics.failed = true;
	for (size_t i = 0; i < rows->n; i++) {
		const struct row *r = &rows->v[i];

		if (r->index < 0)
			snprintf(name, sizeof(name), "%s.%s", r->scope,
				 r->name);
		else
			snprintf(name, sizeof(name), "%s.%s.%d", r->scope,
				 r->name, (int)r->index);
		bench_exact(b, name, r->unit, r->value, with);
	}
}

void bench_meter(struct bench *b, const struct meter *m)
{
	struct rows rows;

	rows_init(&rows);
	report_meter_rows(m, &rows);
	bench_rows(b, &rows, NULL);
	rows_fini(&rows);
}

static void note(struct bench *b, const char *what, const char *fmt, va_list ap)
{
	char text[512], line[768];

	vsnprintf(text, sizeof(text), fmt, ap);
	snprintf(line, sizeof(line), "%s%s: %s", what, b->label, text);
	metrics_note(&b->metrics, line);
}

void bench_note(struct bench *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(b, "", fmt, ap);
	va_end(ap);
}

void bench_wrong(struct bench *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(b, "WRONG ", fmt, ap);
	va_end(ap);
	b->wrong = true;
}
