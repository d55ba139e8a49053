/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * repro.h - a published result, put to the test by one command
 *
 *	inputs()  names everything that decides the outcome, before the run
 *	run()     one row per figure: published, expected, got
 *
 * A reproduction is one .c in sim/run, repro_NAME.c, and one line in repros.def.
 * Beside its table of operations it has its options, which begin with
 * REPRO_ROWS(), and what --help says of it:
 *
 *	struct mine_opts { struct repro_common common; uint64_t scale; };
 *	const struct opt repro_mine_options[] = {
 *		REPRO_ROWS(mine_opts), ..., { .type = OPT_END } };
 *	const char repro_mine_about[] = "...";
 *	const struct repro_ops repro_mine = {
 *		.source = "[key]", .opts_size = sizeof(struct mine_opts), ... };
 *
 * Rules: inputs are chosen by reasoning, never until the figures fit.  What is
 * published is what the source says.  The expected band is what the model is
 * held to, said before the run; it may be wider or narrower than the published
 * one, or absent.  A row outside its band is a result, not a failure.
 *
 * Values are integers in millionths of their unit (repro_value()), so that a
 * ratio and a count look alike and equal runs give equal bytes.
 */
#ifndef DEDUPSIM_RUN_REPRO_H
#define DEDUPSIM_RUN_REPRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/err.h"
#include "sim/base/opt.h"
#include "sim/base/par.h"

#define REPRO_ONE 1000000
#define REPRO_NONE INT64_MIN

/* First member of the options of every reproduction. */
struct repro_common {
	const char *json, *tsv;
	uint64_t threads, quiet;
};

#define REPRO_ROWS(s)                                                          \
	{.type = OPT_STRING,                                                   \
	 .name = "json",                                                       \
	 .offset = offsetof(struct s, common.json),                            \
	 .arg = "FILE",                                                        \
	 .help = "write all rows as JSON; - is standard output"},              \
		{.type = OPT_STRING,                                           \
		 .name = "tsv",                                                \
		 .offset = offsetof(struct s, common.tsv),                     \
		 .arg = "FILE",                                                \
		 .help = "write all rows as TSV; - is standard output"},       \
		{.type = OPT_U64,                                              \
		 .name = "threads",                                            \
		 .offset = offsetof(struct s, common.threads),                 \
		 .max = PAR_MAX,                                               \
		 .letter = 'j',                                                \
		 .unit = "threads",                                            \
		 .help = "threads that prepare the contents; 0: one per "      \
			 "processor; "                                         \
			 "results do not depend on it"},                       \
	{                                                                      \
		.type = OPT_BOOL, .name = "quiet",                             \
		.offset = offsetof(struct s, common.quiet), .max = 1,          \
		.letter = 'q', .help = "no table"                              \
	}

/* Both ends of a band; equal ends: one value; lo REPRO_NONE: there is none. */
struct repro_band {
	int64_t lo, hi;
};
#define REPRO_NO_BAND                                                          \
	(struct repro_band)                                                    \
	{                                                                      \
		REPRO_NONE, REPRO_NONE                                         \
	}

struct repro_row {
	const char *variant;  /* what ran: "R1 repaired"; static */
	const char *quantity; /* "dedup_ratio"; static */
	const char *unit;     /* "ratio", "%", "s"; static */
	struct repro_band published, expected;
	int64_t got; /* REPRO_NONE: it did not come about */
};

#define REPRO_FACT_MAX 256u

struct repro_fact {
	const char *key;	    /* static */
	char value[REPRO_FACT_MAX]; /* longer text is cut */
};

struct repro {
	struct repro_fact *fact;
	size_t nfact, fact_cap;
	struct repro_row *row;
	size_t nrow, row_cap;
	bool failed; /* out of memory: something is missing */
};

void repro_init(struct repro *r);
void repro_fini(struct repro *r);
/* Adding never fails at the call: check r->failed once at the end. */
void repro_fact(struct repro *r, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void repro_add(struct repro *r, const struct repro_row *row);

/* repro_value - @num / @den in millionths, halves up; REPRO_NONE when @den is 0
 * or the value has no room */
int64_t repro_value(uint64_t num, uint64_t den);

/* repro_ratio - got by published in millionths: by the nearest end of a band
 * that @row lies outside of, 1 inside; REPRO_NONE: one of them is missing, or 0 */
int64_t repro_ratio(const struct repro_row *row);

/* repro_verdict - "within", "below" or "above" what was expected; "-": nothing
 * was, or nothing came about */
const char *repro_verdict(const struct repro_row *row);

struct repro_ops {
	const char *source; /* "[tmem-2010]"; a key of REFERENCES.md */
	size_t opts_size;
	/* Names what goes in, as facts, and checks it.  Returns 0, -EINVAL with
	 * @err set, or -ENOMEM. */
	int (*inputs)(const void *opts, struct repro *r, struct err *err);
	/* Rows.  Called once, after inputs(). */
	int (*run)(const void *opts, struct repro *r, struct err *err);
};

#define REPRO(sym, name, summary)                                              \
	extern const struct repro_ops repro_##sym;                             \
	extern const struct opt repro_##sym##_options[];                       \
	extern const char repro_##sym##_about[];
#include "sim/run/repros.def"
#undef REPRO

/* repro_find - by name; NULL: none */
const struct repro_ops *repro_find(const char *name);

#endif
