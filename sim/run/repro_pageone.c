/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The comparison of PageONE with KSM that was published in September 2017
 * [pone-mail], and what the list asked for and never got.
 *
 * Twelve guests fill 16 GiB each with pages of two kinds; the host is that of
 * the mail.  A smaller copy of the benchmark keeps three draws of each number;
 * its sizes and times are multiplied by the scale to be compared, while cycles
 * per page need no such help.
 *
 * Prices stand in models/cpu/e5-2650v4.conf and were there before the first run.
 * Where simulated and published times differ, the difference is said, and what
 * each primitive took of it; nothing is adjusted.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/text.h"
#include "sim/run/repro_pageone.h"

#define SCALE_MAX UINT64_C(4096)
#define SIDE_SCALE 64u /* of runs that are not published ones, at least */

static const char *const rows[] = {"all", "published", "asked", "speedup",
				   NULL};

/* clang-format off */
const struct opt repro_pageone_2017_options[] = {
	{ OPT_STRING, OPT_FIELD(pageone_2017_opts, scale, const char *),
	  .arg = "1/N",
	  .help = "size of the copy of the benchmark, 1/64 if not said; 1 is "
		  "its full size, which takes minutes and 5 GiB" },
	{ OPT_STRING, OPT_FIELD(pageone_2017_opts, cpu, const char *),
	  .arg = "NAME",
	  .help = "processor whose prices are used, e5-2650v4 if not said" },
	{ OPT_U64, OPT_FIELD(pageone_2017_opts, seed, uint64_t),
	  .def = 1, .help = "of what the guests draw, and of where their "
			    "spaces lie" },
	{ OPT_CHOICE, OPT_FIELD(pageone_2017_opts, rows, uint64_t),
	  .choices = rows,
	  .help = "which rows: those that were published and those that were "
		  "asked for, one of the two, or both engines with 1 to 24 "
		  "threads" },
	REPRO_ROWS(pageone_2017_opts),
	{ .type = OPT_END },
};
/* clang-format on */

const char repro_pageone_2017_about[] =
	"Runs the two fills of PageONE's benchmark of September 2017 through "
	"KSM as it was in Linux 4.4 and through PageONE, and sets what comes "
	"out beside what was published: memory, time, cycles per page.  KSM "
	"with other checksums is one run with other prices.  Rows called "
	"residual say what is left of the published cycles, and what each "
	"count of work took of the simulated ones.\n"
	"Then come the questions of the list that nobody answered: threads "
	"for KSM, worst cases of both, a million equal pages, what guests "
	"wait for.";

/* ---- the published figures ---- */

enum { TESTS = 2 };

struct published {
	double used_start, used_end, seconds, kilocycles;
};

static const struct published ksm_2017[TESTS] = {
	{216.8, 79.0, 796, 34.8},
	{216.8, 78.7, 1189, 52.0},
};
static const struct published pageone_2017[TESTS] = {
	{207.3, 70.5, 58, 30.4},
	{210.3, 72.0, 69, 36.2},
};

/* Names of what ran, by test. */
struct names {
	const char *of[TESTS];
};

#define NAMES(x)                                                               \
	{                                                                      \
		{                                                              \
			x ", test 1", x ", test 2"                             \
		}                                                              \
	}
static const struct names ksm_jhash2 = NAMES("KSM 4.4 jhash2");
static const struct names ksm_xxhash = NAMES("KSM 4.4 xxhash");
static const struct names ksm_crc32c = NAMES("KSM 4.4 crc32c");
static const struct names ksm_threads = NAMES("KSM 12 threads");
static const struct names pageone_12 = NAMES("PageONE 12 workers");
static const struct names pageone_1 = NAMES("PageONE 1 worker");
static const struct names ksm_left = NAMES("KSM 4.4 jhash2 residual");
static const struct names pageone_left = NAMES("PageONE 12 workers residual");

static const char *const fills[TESTS] = {"pageone-easy", "pageone-hard"};

/* ---- rows ---- */

static void absolute(const struct pone_job *j, const char *variant,
		     const char *quantity, const char *unit,
		     const double *published, uint64_t num, uint64_t den)
{
	struct repro_band band =
		published ? pone_band(*published, *published) : REPRO_NO_BAND;

	pone_row(j, variant, quantity, unit, &band, NULL,
		 repro_value(num * j->scale, den));
}

static void memory_rows(const struct pone_job *j, const char *variant,
			const struct pone_outcome *o, const struct published *p)
{
	const uint64_t gib = UINT64_C(1) << 30;
	struct repro_band saved = REPRO_NO_BAND, derived;
	uint64_t saved_bytes = o->saved * PAGE_BYTES;

	/* Every page that repeats another: 34.39 M of 50.33 M. [pone] */
	derived = pone_band(131.2 - 0.4, 131.2 + 0.4);
	if (p)
		saved = pone_band(p->used_start - p->used_end,
				  p->used_start - p->used_end);
	absolute(j, variant, "used_start", "GiB", p ? &p->used_start : NULL,
		 o->pages * PAGE_BYTES, gib);
	absolute(j, variant, "used_end", "GiB", p ? &p->used_end : NULL,
		 o->frames * PAGE_BYTES + o->metadata, gib);
	pone_row(j, variant, "saved", "GiB", &saved, &derived,
		 repro_value(saved_bytes * j->scale, gib));
	absolute(j, variant, "metadata", "GiB", NULL, o->metadata, gib);
	pone_row(j, variant, "metadata_per_page", "bytes", NULL, NULL,
		 repro_value(o->metadata, o->pages));
}

/* @m: as it was done, or repriced */
static void time_rows(const struct pone_job *j, const char *variant,
		      const struct pone_outcome *o, const struct meter *m,
		      uint64_t wall_ns, const struct published *p)
{
	static const char *const cycles[COST_ENDS] = {"cycles_per_page_low",
						      "cycles_per_page",
						      "cycles_per_page_high"};
	struct repro_band seconds = REPRO_NO_BAND, kilo = REPRO_NO_BAND;

	if (p) {
		seconds = pone_band(p->seconds, p->seconds);
		kilo = pone_band(p->kilocycles * 1000, p->kilocycles * 1000);
	}
	pone_row(j, variant, "time", "s", &seconds, NULL,
		 repro_value(wall_ns * j->scale, NS_PER_SEC));
	pone_row(j, variant, "cpu_time", "s", NULL, NULL,
		 repro_value(pone_ns(j, m, COST_MID) * j->scale, NS_PER_SEC));
	for (int e = 0; e < COST_ENDS; e++)
		pone_row(j, variant, cycles[e], "cycles",
			 e == COST_MID ? &kilo : NULL, NULL,
			 repro_value(pone_cycles(j, pone_ns(j, m,
							    (enum cost_end)e)),
				     o->pages));
	pone_row(j, variant, "bytes_compared_per_page", "bytes", NULL, NULL,
		 repro_value(m->count[OP_CMP_BYTES] + m->count[OP_SD_BYTES],
			     o->pages));
}

/* The part of a page's cycles that one kind of count took. */
static int64_t per_page(const struct pone_job *j, const struct meter *m,
			uint64_t pages)
{
	return repro_value(pone_cycles(j, pone_ns(j, m, COST_MID)), pages);
}

static void residual_rows(const struct pone_job *j, const char *variant,
			  const struct pone_outcome *o, double kilocycles)
{
	int64_t got = per_page(j, &o->meter, o->pages);
	struct meter one;

	pone_row(j, variant, "not explained", "cycles/page", NULL, NULL,
		 (int64_t)(kilocycles * 1000 * REPRO_ONE) - got);
	for (int op = 0; op < METER_OP_COUNT; op++) {
		meter_init(&one, NULL);
		one.count[op] = o->meter.count[op];
		if (pone_ns(j, &one, COST_MID))
			pone_row(j, variant, meter_op_name[op], "cycles/page",
				 NULL, NULL, per_page(j, &one, o->pages));
	}
	for (int t = 0; t < METER_TREE_COUNT; t++) {
		meter_init(&one, NULL);
		memcpy(one.walk[t], o->meter.walk[t], sizeof(one.walk[t]));
		one.deeper[t] = o->meter.deeper[t];
		for (int k = 0; k < METER_ORDER_COUNT; k++)
			memcpy(one.line[k][t], o->meter.line[k][t],
			       sizeof(one.line[k][t]));
		if (pone_ns(j, &one, COST_MID))
			pone_row(j, variant, meter_tree_name[t], "cycles/page",
				 NULL, NULL, per_page(j, &one, o->pages));
	}
}

/* ---- the runs ---- */

static void words_of(char *buf, size_t n, const char *fill, uint64_t scale)
{
	snprintf(buf, n, "%s:scale=%" PRIu64, fill, scale);
}

/* One run of KSM; other checksums are the same counts at other prices. */
static int ksm_rows(const struct pone_job *j, int test, uint64_t *cycles,
		    uint64_t *saved)
{
	static const char *const set[] = {
		"version", "4.4", "pages_to_scan", "1000000", "sleep_millisecs",
		"0",	   NULL};
	struct pone_outcome o;
	struct meter m;
	uint64_t base;
	char words[64];
	int ret;

	words_of(words, sizeof(words), fills[test], j->scale);
	/* Checksums in the first scan; in the second all is found. */
	ret = pone_run(j, "ksm", words, 2, set, &o);
	if (ret)
		return ret;
	base = pone_ns(j, &o.meter, COST_MID);
	memory_rows(j, ksm_jhash2.of[test], &o, &ksm_2017[test]);
	time_rows(j, ksm_jhash2.of[test], &o, &o.meter, o.wall_ns,
		  &ksm_2017[test]);
	pone_row(j, ksm_jhash2.of[test], "checksums_per_page", "checksums",
		 NULL, NULL, repro_value(o.meter.count[OP_CHECKSUM], o.pages));
	m = pone_reprice(&o.meter, OP_XXH64);
	time_rows(j, ksm_xxhash.of[test], &o, &m,
		  o.wall_ns + pone_ns(j, &m, COST_MID) - base, NULL);
	m = pone_reprice(&o.meter, OP_CRC32C);
	time_rows(j, ksm_crc32c.of[test], &o, &m,
		  o.wall_ns + pone_ns(j, &m, COST_MID) - base, NULL);
	residual_rows(j, ksm_left.of[test], &o, ksm_2017[test].kilocycles);
	*cycles = pone_cycles(j, base) / o.pages;
	*saved = o.saved;
	pone_outcome_fini(&o);
	return 0;
}

static int ksm_threads_rows(const struct pone_job *j, int test)
{
	static const char *const set[] = {"version",
					  "4.4",
					  "pages_to_scan",
					  "1000000",
					  "sleep_millisecs",
					  "0",
					  "threads",
					  "12",
					  NULL};
	struct pone_job side = *j;
	struct pone_outcome o;
	char words[64];
	int ret;

	side.scale = j->side;
	words_of(words, sizeof(words), fills[test], side.scale);
	ret = pone_run(&side, "ksm", words, 2, set, &o);
	if (ret)
		return ret;
	memory_rows(&side, ksm_threads.of[test], &o, NULL);
	time_rows(&side, ksm_threads.of[test], &o, &o.meter, o.wall_ns, NULL);
	pone_row(j, ksm_threads.of[test], "speed_up", "times", NULL, NULL,
		 repro_value(pone_got(&o, "ksm_threads", "speedup_milli"),
			     1000));
	pone_row(j, ksm_threads.of[test], "speed_up_limit", "times", NULL, NULL,
		 repro_value(pone_got(&o, "ksm_threads", "limit_milli"), 1000));
	pone_outcome_fini(&o);
	return 0;
}

static void pageone_own_rows(const struct pone_job *j, const char *variant,
			     const struct pone_outcome *o)
{
	struct repro_band third = pone_band(3, 1000);

	pone_row(j, variant, "merge_scans_before_first_insert", "scans", NULL,
		 &third,
		 repro_value(pone_got(o, "pageone", "first_insert_ns") /
				     (20 * NS_PER_SEC),
			     1));
	pone_row(j, variant, "longest_rmap_walk", "mappings", NULL, NULL,
		 repro_value(pone_got(o, "pageone", "longest_rmap_walk"), 1));
	pone_row(j, variant, "tree_visits_per_page", "vectors", NULL, NULL,
		 repro_value(o->meter.count[OP_SD_VISIT] +
				     o->meter.count[OP_SD_REP_VISIT],
			     o->pages));
	pone_row(j, variant, "swaps_lost", "per million", NULL, NULL,
		 repro_value(o->meter.count[OP_SD_CAS_FAIL] * 1000000,
			     o->meter.count[OP_SD_SEARCH]));
}

static int pageone_rows(const struct pone_job *j, int test, uint64_t *cycles,
			uint64_t *saved)
{
	struct pone_outcome o;
	char words[64];
	int ret;

	words_of(words, sizeof(words), fills[test], j->scale);
	ret = pone_run(j, "pageone", words, 0, NULL, &o);
	if (ret)
		return ret;
	memory_rows(j, pageone_12.of[test], &o, &pageone_2017[test]);
	time_rows(j, pageone_12.of[test], &o, &o.meter, o.wall_ns,
		  &pageone_2017[test]);
	pageone_own_rows(j, pageone_12.of[test], &o);
	residual_rows(j, pageone_left.of[test], &o,
		      pageone_2017[test].kilocycles);
	*cycles = pone_cycles(j, pone_ns(j, &o.meter, COST_MID)) / o.pages;
	*saved = o.saved;
	pone_outcome_fini(&o);
	return 0;
}

static int pageone_1_rows(const struct pone_job *j, int test)
{
	static const char *const set[] = {"workers", "1", NULL};
	struct pone_job side = *j;
	struct pone_outcome o;
	char words[64];
	int ret;

	side.scale = j->side;
	words_of(words, sizeof(words), fills[test], side.scale);
	ret = pone_run(&side, "pageone", words, 0, set, &o);
	if (ret)
		return ret;
	memory_rows(&side, pageone_1.of[test], &o, NULL);
	time_rows(&side, pageone_1.of[test], &o, &o.meter, o.wall_ns, NULL);
	pageone_own_rows(&side, pageone_1.of[test], &o);
	pone_outcome_fini(&o);
	return 0;
}

static void ratio(const struct pone_job *j, const char *quantity, double was,
		  double lo, double hi, uint64_t num, uint64_t den)
{
	struct repro_band published = pone_band(was, was);
	struct repro_band expected = pone_band(lo, hi);

	pone_row(j, "both", quantity, "ratio", &published, &expected,
		 repro_value(num, den));
}

/* What the model is held to; said in the facts that it was modelled from. */
static void both_rows(const struct pone_job *j, const uint64_t *ksm,
		      const uint64_t *pageone, const uint64_t *ksm_saved,
		      const uint64_t *pageone_saved)
{
	ratio(j, "KSM cycles / PageONE cycles, test 1", 1.14, 0.9, 1.2, ksm[0],
	      pageone[0]);
	ratio(j, "KSM cycles / PageONE cycles, test 2", 1.44, 1.3, 1.6, ksm[1],
	      pageone[1]);
	ratio(j, "KSM test 2 / test 1", 1.49, 1.35, 1.65, ksm[1], ksm[0]);
	ratio(j, "PageONE test 2 / test 1", 1.19, 1.1, 1.3, pageone[1],
	      pageone[0]);
	for (int t = 0; t < TESTS; t++) {
		struct repro_band same = pone_band(1, 1);

		pone_row(j, "both",
			 t ? "PageONE saved / KSM saved, test 2"
			   : "PageONE saved / KSM saved, test 1",
			 "ratio", NULL, &same,
			 repro_value(pageone_saved[t], ksm_saved[t]));
	}
}

static int published_rows(const struct pone_job *j)
{
	uint64_t ksm[TESTS], ksm_saved[TESTS];
	uint64_t pageone[TESTS], pageone_saved[TESTS];
	int ret = 0;

	for (int t = 0; t < TESTS && !ret; t++) {
		ret = ksm_rows(j, t, &ksm[t], &ksm_saved[t]);
		if (!ret)
			ret = pageone_rows(j, t, &pageone[t],
					   &pageone_saved[t]);
		if (!ret)
			ret = ksm_threads_rows(j, t);
		if (!ret)
			ret = pageone_1_rows(j, t);
	}
	if (!ret)
		both_rows(j, ksm, pageone, ksm_saved, pageone_saved);
	return ret;
}

/* ---- the reproduction ---- */

static int read_scale(const char *words, uint64_t *scale, struct err *err)
{
	const char *s = words ? words : "1/64";

	if (!strncmp(s, "1/", 2))
		s += 2;
	if (!text_u64(s, scale) || !is_pow2(*scale) || *scale > SCALE_MAX)
		return err_usage(
			err, err_set(err, EINVAL,
				     "--scale: \"%s\" is not 1 or 1/2, 1/4, "
				     "… 1/%" PRIu64,
				     words, SCALE_MAX));
	return 0;
}

static int open_job(const struct pageone_2017_opts *o, struct repro *r,
		    struct pone_job *j, struct err *err)
{
	int ret;

	*j = (struct pone_job){.o = o, .r = r, .err = err};
	ret = read_scale(o->scale, &j->scale, err);
	j->side = j->scale > SIDE_SCALE ? j->scale : SIDE_SCALE;
	return ret ? ret
		   : cost_load(&j->cost, o->cpu ? o->cpu : "e5-2650v4", err);
}

static int inputs(const void *opts, struct repro *r, struct err *err)
{
	struct pone_job j;
	int ret = open_job(opts, r, &j, err);

	if (ret)
		return ret;
	repro_fact(r, "scale", "1/%" PRIu64, j.scale);
	repro_fact(r, "scale of runs that were not published", "1/%" PRIu64,
		   j.side);
	repro_fact(r, "sizes and times", "multiplied by the scale");
	repro_fact(r, "processor", "%s: %s", j.cost.name, j.cost.summary);
	repro_fact(r, "guests", "12 of 16 GiB, 4 Mi pages each");
	repro_fact(r, "numbers drawn from", "%" PRIu64,
		   (UINT64_C(1) << 24) / j.scale);
	repro_fact(r, "KSM",
		   "version=4.4 pages_to_scan=1000000 "
		   "sleep_millisecs=0, two full scans");
	repro_fact(r, "PageONE",
		   "workers=12 merge_period=20s, time from the "
		   "first insert to the last merge");
	repro_fact(r, "seed", "%" PRIu64, j.o->seed);
	return 0;
}

static int run(const void *opts, struct repro *r, struct err *err)
{
	struct pone_job j;
	int ret = open_job(opts, r, &j, err);

	if (!ret && j.o->rows <= PONE_PUBLISHED)
		ret = published_rows(&j);
	if (!ret && (j.o->rows == PONE_ALL || j.o->rows == PONE_ASKED))
		ret = pone_asked(&j);
	if (!ret && j.o->rows == PONE_SPEEDUP)
		ret = pone_speedup(&j);
	return ret;
}

const struct repro_ops repro_pageone_2017 = {
	.source = "[pone-mail]",
	.opts_size = sizeof(struct pageone_2017_opts),
	.inputs = inputs,
	.run = run,
};
