/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * repro_pageone.h - what the parts of the reproduction of PageONE's comparison
 * share; private to them
 *
 *	repro_pageone.c        options, the published comparison
 *	repro_pageone_run.c    one run, and what is made of its counts
 *	repro_pageone_asked.c  what was asked for on the list and never answered
 */
#ifndef DEDUPSIM_RUN_REPRO_PAGEONE_H
#define DEDUPSIM_RUN_REPRO_PAGEONE_H

#include "models/cost.h"
#include "sim/run/repro.h"
#include "sim/run/run.h"

enum pone_rows { PONE_ALL, PONE_PUBLISHED, PONE_ASKED, PONE_SPEEDUP };

struct pageone_2017_opts {
	struct repro_common common;
	const char *scale, *cpu;
	uint64_t seed, rows; /* enum pone_rows */
};

struct pone_job {
	const struct pageone_2017_opts *o;
	struct cost cost;
	uint64_t scale; /* pages are divided by this */
	uint64_t side;	/* … those of runs beside the published ones */
	struct repro *r;
	struct err *err;
};

/* What one run came to. */
struct pone_outcome {
	struct run_result res;
	uint64_t pages, saved, possible, frames, metadata;
	uint64_t wall_ns;   /* until the last page was shared, idle scans before
			     the first one left out */
	struct meter meter; /* all that was done until then */
	uint64_t guests_ns;
};

#define PONE_SETS 8u /* names and values in turn, of tunables */

/*
 * pone_run - one workload through one engine
 * @until: UNTIL_FIXPOINT, or UNTIL_SCANS with @scans
 * @set:   NULL ends it
 * Returns 0, -EINVAL with @err set, -ENOMEM; pone_outcome_fini() after 0 only.
 */
int pone_run(const struct pone_job *j, const char *engine, const char *words,
	     uint64_t scans, const char *const *set, struct pone_outcome *out);
void pone_outcome_fini(struct pone_outcome *out);

/* pone_got - a row of the results; 0: not there */
uint64_t pone_got(const struct pone_outcome *out, const char *scope,
		  const char *name);
/* pone_ns - what a meter costs */
uint64_t pone_ns(const struct pone_job *j, const struct meter *m,
		 enum cost_end end);
/* pone_reprice - the same meter, all checksums by @op */
struct meter pone_reprice(const struct meter *m, enum meter_op op);
/* pone_cycles - of that many ns */
uint64_t pone_cycles(const struct pone_job *j, uint64_t ns);

/* One row; NULL band: nothing was published, or expected. */
void pone_row(const struct pone_job *j, const char *variant,
	      const char *quantity, const char *unit,
	      const struct repro_band *published,
	      const struct repro_band *expected, int64_t got);
static inline struct repro_band pone_band(double lo, double hi)
{
	return (struct repro_band){(int64_t)(lo * REPRO_ONE + 0.5),
				   (int64_t)(hi * REPRO_ONE + 0.5)};
}

/* What was asked for on the list, one after the other. */
int pone_asked(const struct pone_job *j);
/* Workers 1 … 24 on both engines. */
int pone_speedup(const struct pone_job *j);

#endif
