/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe - ground truth for simulators of KSM, from the running kernel
 *
 *	probe [-r RUNS] [SCENARIO...]   measure (root); TSV on stdout
 *	probe -t [SCENARIO...]          only tell the operations (anybody)
 *	probe -l                        list the fixed scenarios
 *
 * A scenario is S01 … S42, or R and a seed; without any, all fixed ones.  The
 * column identical_runs says how many of the RUNS gave the very same rows.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/text.h"
#include "bench/kernel.h"

#include "tests/fidelity/probe.h"

#define FIXED 42
#define OVERRUNS 5 /* ksmd did too much: so often, then give up */
#define RUNS_MAX 1000

struct job {
	struct probe probe;
	struct table first; /* rows of the first run */
	int runs;
	char **ids;
	int n;
};

static const struct scenario *fixed(const char *id)
{
	static const struct scenario *const groups[] = {
		scenarios_merge, scenarios_change, scenarios_pace};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		for (const struct scenario *s = groups[i]; s->id; s++)
			if (!strcmp(s->id, id))
				return s;
	return NULL;
}

static bool seed_of(const char *id, uint64_t *seed)
{
	return id[0] == 'R' && text_u64(id + 1, seed);
}

static bool is_scenario(const char *id)
{
	uint64_t seed;

	return fixed(id) || seed_of(id, &seed);
}

static void play(struct probe *p, const char *id)
{
	const struct scenario *s = fixed(id);
	uint64_t seed = 0;

	if (p->tell)
		printf("scenario %s\n", id);
	probe_begin(p);
	if (s)
		s->play(p);
	else if (seed_of(id, &seed))
		probe_random(p, seed);
	probe_end(p);
}

static bool same_rows(const struct table *a, const struct table *b)
{
	return a->n == b->n &&
	       !memcmp(a->row, b->row, (size_t)a->n * sizeof(a->row[0]));
}

/* All runs of one scenario; a run in which ksmd did too much does not count. */
static int measure(struct job *j, const char *id)
{
	struct probe *p = &j->probe;
	int same = 0, overruns = 0;

	for (int run = 0; run < j->runs;) {
		play(p, id);
		if (p->failed)
			return err_prefix(&p->err, p->failed, "%s", id);
		if (p->ksm.overrun) {
			if (++overruns <= OVERRUNS)
				continue;
			return err_set(&p->err, EIO,
				       "%s: ksmd cannot be stepped", id);
		}
		if (!run++)
			j->first = p->table;
		same += same_rows(&p->table, &j->first);
	}
	table_print(&j->first, id, same, j->runs);
	return 0;
}

/* In the order of the numbers, then as given on the command line. */
static int each(struct job *j, int (*act)(struct job *j, const char *id))
{
	char id[8];
	int ret = 0;

	for (int i = 1; !ret && j->n == 0 && i <= FIXED; i++) {
		snprintf(id, sizeof(id), "S%02d", i);
		ret = act(j, id);
	}
	for (int i = 0; !ret && i < j->n; i++)
		ret = act(j, j->ids[i]);
	return ret;
}

static int tell(struct job *j, const char *id)
{
	play(&j->probe, id);
	return j->probe.failed;
}

static int list(struct job *j, const char *id)
{
	const struct scenario *s = fixed(id);

	(void)j;
	if (s)
		printf("%s\t%s\n", id, s->title);
	return 0;
}

static int measure_all(void *ctx, struct err *err)
{
	struct job *j = ctx;

	int ret;

	step_init(&j->probe.ksm);
	table_header();
	ret = each(j, measure);
	*err = j->probe.err;
	return ret == -EBUSY ? EXIT_IN_USE : ret != 0;
}

static int usage(const char *why, const char *what)
{
	fprintf(stderr,
		"probe: %s%s\n"
		"usage: probe [-l | -t | -r RUNS] [S01 … S42 | R<seed>]...\n",
		why, what);
	return 2;
}

static int go(struct job *j, bool listing)
{
	struct err err = {0};
	int status;

	if (listing)
		return each(j, list) != 0;
	if (j->probe.tell) {
		status = each(j, tell) != 0;
		err = j->probe.err;
	} else {
		status = ksm_guard(measure_all, j, &err);
	}
	if (err.text[0])
		fprintf(stderr, "probe: %s\n", err.text);
	if (fflush(stdout) && !status)
		status = 1;
	return status;
}

int main(int argc, char **argv)
{
	struct job *j = calloc(1, sizeof(*j));
	bool listing = false;
	uint64_t runs = 1;
	int opt, status;

	if (!j)
		return 1;
	while ((opt = getopt(argc, argv, "ltr:")) != -1) {
		if (opt == 'l')
			listing = true;
		else if (opt == 't')
			j->probe.tell = true;
		else if (opt != 'r' || !text_u64(optarg, &runs) || !runs ||
			 runs > RUNS_MAX)
			return usage("not understood: ",
				     opt == 'r' ? optarg : "option");
	}
	j->runs = (int)runs;
	j->ids = argv + optind;
	j->n = argc - optind;
	for (int i = 0; i < j->n; i++)
		if (!is_scenario(j->ids[i]))
			return usage("no such scenario: ", j->ids[i]);
	status = go(j, listing);
	free(j);
	return status;
}
