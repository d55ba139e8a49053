/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_ksm.c - how many pages a second the ksm engine visits, on one core
 *
 * Distinct random pages, smart_scan=0, steady state (the third full scan and
 * later).  "empty": nothing is shared, so each visit walks the unstable tree.
 * "half": besides the N pages there are N/2 shared contents, so each visit of
 * one of the N walks a stable tree of N/2 nodes too; only visits of the N count.
 * A line is printed only when the counters are right.  Each case runs in a
 * process of its own, which tells its peak resident memory.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/os.h"
#include "sim/core/pages.h"
#include "sim/engine/engine.h"

#define SCANS 5

struct bench {
	uint64_t unique, shared; /* pages seen once; contents seen twice */
	struct machine *machine;
	struct content_set *contents;
	struct engine *engine;
	struct clock clock;
	struct meter meter;
};

static void die(const char *what, int ret, const struct err *err)
{
	fprintf(stderr, "bench: %s: %s\n", what, err_text(err, ret));
	exit(EXIT_FAILURE);
}

static const uint8_t *make_page(void *self, uint32_t id, uint8_t *buf)
{
	(void)self;
	page_fill(buf, RULE_ID, id);
	return buf;
}

static void happen(struct bench *b, const struct event *ev)
{
	struct effect fx;
	struct err err = {0};
	int ret = machine_begin(b->machine, ev, &err);

	while (!ret && (ret = machine_next(b->machine, &fx)) > 0)
		ret = b->engine->ops->notice(b->engine, &fx, &b->meter);
	if (ret)
		die("event", ret, &err);
}

static void write_pages(struct bench *b)
{
	uint64_t vpn = 0, n = b->unique + 2 * b->shared;

	happen(b, &(struct event){.op = EV_SPACE});
	happen(b, &(struct event){
			  .op = EV_MAP, .flags = EVF_MERGEABLE, .count = n});
	for (uint64_t i = 0; i < n; i++, vpn++) {
		uint64_t c = i < b->unique
				     ? i
				     : b->unique + (i - b->unique) % b->shared;

		happen(b, &(struct event){.op = EV_WRITE,
					  .vpn = vpn,
					  .count = 1,
					  .content = (uint32_t)c + 1});
	}
}

static void scan(struct bench *b)
{
	int ret;

	b->clock.now = b->engine->wake[0];
	ret = b->engine->ops->work(b->engine, 0, &b->meter);
	if (ret)
		die("scan", ret, NULL);
}

static void set_up(struct bench *b)
{
	struct content_source src = {
		.count = (uint32_t)(b->unique + b->shared) + 1,
		.bytes = make_page,
	};
	const struct engine_ops *ops = &engine_ksm;
	void *opts = calloc(1, ops->opts_size);
	struct engine_env env = {.clock = &b->clock};
	struct err err = {0};
	int ret = opts ? 0 : -ENOMEM;

	if (!ret) {
		opt_defaults(ops->opts, opts);
		ret = opt_set(ops->opts, opts, "smart_scan", "0", &err);
	}
	if (!ret)
		ret = opt_set(ops->opts, opts, "pages_to_scan", "4000000000",
			      &err);
	if (!ret)
		ret = content_set_new(&b->contents, &src, ops->needs(opts),
				      os_cpus(), &err);
	if (!ret)
		ret = machine_new(&b->machine,
				  &(struct machine_config){.keep_words = true});
	env.machine = b->machine;
	env.contents = b->contents;
	meter_init(&b->meter, NULL);
	if (!ret)
		ret = ops->start(&b->engine, &env, opts, &err);
	if (ret)
		die("set up", ret, &err);
	free(opts);
}

static bool right(struct bench *b)
{
	struct rows rows;
	bool ok;

	rows_init(&rows);
	b->engine->ops->report(b->engine, &rows);
	ok = rows_get(&rows, "ksm", "pages_unshared", -1) ==
		     (int64_t)b->unique &&
	     rows_get(&rows, "ksm", "pages_shared", -1) == (int64_t)b->shared &&
	     rows_get(&rows, "ksm", "pages_sharing", -1) == (int64_t)b->shared;
	rows_fini(&rows);
	return ok;
}

static void tear_down(struct bench *b)
{
	b->engine->ops->stop(b->engine);
	machine_free(b->machine);
	content_set_free(b->contents);
}

static void run_case(const char *name, uint64_t unique, uint64_t shared,
		     double floor)
{
	struct bench b = {.unique = unique, .shared = shared};
	uint64_t best = UINT64_MAX, t;
	struct rusage ru;
	double rate;

	set_up(&b);
	write_pages(&b);
	scan(&b);
	scan(&b);
	for (int i = 0; i < SCANS; i++) {
		t = os_thread_cpu_ns();
		scan(&b);
		t = os_thread_cpu_ns() - t;
		best = t < best ? t : best;
	}
	getrusage(RUSAGE_SELF, &ru);
	if (!right(&b)) {
		fprintf(stderr, "bench: %s: the counters are wrong\n", name);
		exit(EXIT_FAILURE);
	}
	rate = (double)unique * 1e3 / (double)best;
	printf("%-6s %8" PRIu64 "  %6.2f M visits/s (floor %.1f, %.2fx)  "
	       "%5.1f B/page, peak %ld KiB\n",
	       name, unique, rate, floor, rate / floor,
	       (double)ru.ru_maxrss * 1024.0 / (double)(unique + 2 * shared),
	       ru.ru_maxrss);
	tear_down(&b);
	fflush(stdout);
	exit(EXIT_SUCCESS);
}

int main(void)
{
	static const struct {
		const char *name;
		uint64_t unique, shared;
		double floor; /* M visits/s */
	} cases[] = {
		{"empty", 1 << 16, 0, 4.0},
		{"empty", 1 << 18, 0, 3.2},
		{"empty", 1 << 20, 0, 1.2},
		{"half", 1 << 16, 1 << 15, 2.0},
		{"half", 1 << 18, 1 << 17, 1.5},
		{"half", 1 << 20, 1 << 19, 0.8},
	};
	int failed = 0, status;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		pid_t pid;

		fflush(stdout);
		pid = fork();
		if (!pid)
			run_case(cases[i].name, cases[i].unique,
				 cases[i].shared, cases[i].floor);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			failed = 1;
	}
	return failed;
}
