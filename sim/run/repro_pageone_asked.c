/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was asked for when PageONE was posted, and never answered [pone-mail]:
 * one function per question, each on a small copy of the benchmark or on a set
 * made for it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/prng.h"
#include "sim/run/repro_pageone.h"

#define SMALL_SCALE 1024u /* 49,152 pages, at least */

static uint64_t small(const struct pone_job *j)
{
	return j->scale > SMALL_SCALE ? j->scale : SMALL_SCALE;
}

static int64_t cycles_per_page(const struct pone_job *j,
			       const struct pone_outcome *o)
{
	return repro_value(pone_cycles(j, pone_ns(j, &o->meter, COST_MID)),
			   o->pages);
}

static void row(const struct pone_job *j, const char *variant,
		const char *quantity, const char *unit, uint64_t num,
		uint64_t den)
{
	pone_row(j, variant, quantity, unit, NULL, NULL, repro_value(num, den));
}

/* KSM as of 2017, as fast as it goes. */
#define KSM_2017                                                               \
	"version", "4.4", "pages_to_scan", "1000000", "sleep_millisecs", "0"
/* The first kernels with a bound on sharers, and with use_zero_pages. */
#define KSM_4_13                                                               \
	"version", "4.13", "pages_to_scan", "1000000", "sleep_millisecs", "0"

/* ---- twelve threads against one ---- */

static int cpu_per_gib(const struct pone_job *j)
{
	static const struct {
		const char *engine, *workers, *name;
	} of[] = {
		{"ksm", "1", "KSM 1 thread"},
		{"ksm", "2", "KSM 2 threads"},
		{"ksm", "4", "KSM 4 threads"},
		{"ksm", "12", "KSM 12 threads"},
		{"pageone", "1", "PageONE 1 worker"},
		{"pageone", "2", "PageONE 2 workers"},
		{"pageone", "4", "PageONE 4 workers"},
		{"pageone", "12", "PageONE 12 workers"},
	};
	const uint64_t gib = UINT64_C(1) << 30;
	char words[64];
	int ret = 0;

	snprintf(words, sizeof(words), "pageone-hard:scale=%" PRIu64, small(j));
	for (size_t i = 0; !ret && i < sizeof(of) / sizeof(of[0]); i++) {
		bool ksm = of[i].engine[0] == 'k';
		const char *const of_ksm[] = {KSM_2017, "threads",
					      of[i].workers, NULL};
		const char *const of_pone[] = {"workers", of[i].workers, NULL};
		struct pone_outcome o;
		uint64_t ns;

		ret = pone_run(j, of[i].engine, words, ksm ? 2 : 0,
			       ksm ? of_ksm : of_pone, &o);
		if (ret)
			break;
		ns = pone_ns(j, &o.meter, COST_MID);
		pone_row(j, of[i].name, "cpu_time_per_gib_saved", "s", NULL,
			 NULL,
			 repro_value(ns / 1000 * (gib / PAGE_BYTES),
				     o.saved * (NS_PER_SEC / 1000)));
		row(j, of[i].name, "false_merges", "pages",
		    o.saved > o.possible ? o.saved - o.possible : 0, 1);
		pone_outcome_fini(&o);
	}
	return ret;
}

/* ---- pages of zeros ---- */

static int zero_pages(const struct pone_job *j)
{
	static const struct {
		const char *engine, *use, *zero, *name;
	} of[] = {
		{"ksm", "0", "0", "KSM use_zero_pages=0, 0 % zeros"},
		{"ksm", "0", "20", "KSM use_zero_pages=0, 20 % zeros"},
		{"ksm", "0", "40", "KSM use_zero_pages=0, 40 % zeros"},
		{"ksm", "0", "60", "KSM use_zero_pages=0, 60 % zeros"},
		{"ksm", "1", "0", "KSM use_zero_pages=1, 0 % zeros"},
		{"ksm", "1", "20", "KSM use_zero_pages=1, 20 % zeros"},
		{"ksm", "1", "40", "KSM use_zero_pages=1, 40 % zeros"},
		{"ksm", "1", "60", "KSM use_zero_pages=1, 60 % zeros"},
		{"pageone", NULL, "0", "PageONE, 0 % zeros"},
		{"pageone", NULL, "20", "PageONE, 20 % zeros"},
		{"pageone", NULL, "40", "PageONE, 40 % zeros"},
		{"pageone", NULL, "60", "PageONE, 60 % zeros"},
	};
	char words[64];
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(of) / sizeof(of[0]); i++) {
		const char *const set[] = {KSM_4_13, "use_zero_pages",
					   of[i].use, NULL};
		struct pone_outcome o;

		snprintf(words, sizeof(words),
			 "pageone-easy:scale=%" PRIu64 ",zero=%s", small(j),
			 of[i].zero);
		ret = pone_run(j, of[i].engine, words, of[i].use ? 2 : 0,
			       of[i].use ? set : NULL, &o);
		if (ret)
			break;
		pone_row(j, of[i].name, "cycles_per_page", "cycles", NULL, NULL,
			 cycles_per_page(j, &o));
		row(j, of[i].name, "saved_of_mapped", "ratio", o.saved,
		    o.pages);
		if (!of[i].use) {
			row(j, of[i].name, "tree_visits_per_page", "vectors",
			    o.meter.count[OP_SD_VISIT] +
				    o.meter.count[OP_SD_REP_VISIT],
			    o.pages);
			row(j, of[i].name, "swaps_lost", "per million",
			    o.meter.count[OP_SD_CAS_FAIL] * 1000000,
			    o.meter.count[OP_SD_SEARCH]);
		}
		pone_outcome_fini(&o);
	}
	return ret;
}

/* ---- a million equal pages ---- */

static int equal_million(const struct pone_job *j)
{
	static const struct {
		const char *name, *engine;
		const char *const set[PONE_SETS];
	} of[] = {
		{"KSM 4.4, a million equal pages", "ksm", {KSM_2017, NULL}},
		{"KSM 4.13, a million equal pages", "ksm", {KSM_4_13, NULL}},
		{"PageONE, a million equal pages", "pageone", {NULL}},
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(of) / sizeof(of[0]); i++) {
		bool ksm = of[i].engine[0] == 'k';
		struct pone_outcome still, gone;
		uint64_t frames, longest;

		ret = pone_run(j, of[i].engine, "equal-million", ksm ? 2 : 0,
			       of[i].set, &still);
		if (ret)
			break;
		ret = pone_run(j, of[i].engine, "equal-million:exit=300s", 0,
			       of[i].set, &gone);
		if (ret) {
			pone_outcome_fini(&still);
			break;
		}
		/* All pages of KSM have one content: its lists are as long as
		 * pages are spread over its nodes. */
		frames = still.frames;
		longest =
			ksm ? (still.pages + frames - 1) / frames
			    : pone_got(&still, "pageone", "longest_rmap_walk");
		row(j, of[i].name, "longest_rmap_walk", "mappings", longest, 1);
		row(j, of[i].name, "frames", "frames", frames, 1);
		row(j, of[i].name, "immovable", "frames",
		    pone_got(&still, "pageone", "immovable_frames"), 1);
		row(j, of[i].name, "immovable_mappings", "pages",
		    ksm ? 0 : still.pages, 1);
		pone_row(j, of[i].name, "cycles_per_page", "cycles", NULL, NULL,
			 cycles_per_page(j, &still));
		row(j, of[i].name, "unmap_all_in_guest", "s", gone.guests_ns,
		    NS_PER_SEC);
		row(j, of[i].name, "tree_deletes_in_guest", "operations",
		    pone_got(&gone, "pageone", "sd_ops_in_fault"), 1);
		pone_outcome_fini(&still);
		pone_outcome_fini(&gone);
	}
	return ret;
}

/* ---- which thread owns which space ---- */

#define PLACEMENTS 100u
#define OWNERS 12u

/* Balls in bins, 100 times. */
static void placements(const struct pone_job *j)
{
	static const char name[] = "PageONE, 12 spaces on 12 threads";
	struct prng r = prng_fork(j->o->seed, "placements");
	struct repro_band busy = pone_band(2.5, 3.3),
			  idle = pone_band(3.8, 4.6);
	uint64_t most = 0, none = 0;

	for (unsigned i = 0; i < PLACEMENTS; i++) {
		unsigned owns[OWNERS] = {0}, top = 0;

		for (unsigned s = 0; s < OWNERS; s++)
			owns[prng_below(&r, OWNERS)]++;
		for (unsigned w = 0; w < OWNERS; w++) {
			top = owns[w] > top ? owns[w] : top;
			none += !owns[w];
		}
		most += top;
	}
	pone_row(j, name, "spaces_of_busiest_thread", "spaces", NULL, &busy,
		 repro_value(most, PLACEMENTS));
	pone_row(j, name, "threads_without_space", "threads", NULL, &idle,
		 repro_value(none, PLACEMENTS));
}

static int one_large_guest(const struct pone_job *j)
{
	static const struct {
		const char *shape, *name;
	} of[] = {
		{"vms=12,size=16GiB", "PageONE, 12 guests of 16 GiB"},
		{"vms=1,size=192GiB", "PageONE, one guest of 192 GiB"},
	};
	char words[96];
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(of) / sizeof(of[0]); i++) {
		struct pone_outcome o;

		snprintf(words, sizeof(words), "pageone-hard:%s,scale=%" PRIu64,
			 of[i].shape, j->side);
		ret = pone_run(j, "pageone", words, 0, NULL, &o);
		if (ret)
			break;
		pone_row(j, of[i].name, "time", "s", NULL, NULL,
			 repro_value(o.wall_ns * j->side, NS_PER_SEC));
		row(j, of[i].name, "share_of_busiest_thread", "ratio",
		    pone_got(&o, "pageone", "page_table_ops_most"),
		    o.pages + pone_got(&o, "pageone", "pages_merged"));
		pone_outcome_fini(&o);
	}
	return ret;
}

/* ---- the worst case of each ---- */

static int worst_cases(const struct pone_job *j)
{
	static const struct {
		const char *words, *ksm, *pageone;
	} of[] = {
#define SET(words, name) {words, "KSM, " name, "PageONE in one tree, " name}
		SET("ksm-worst:contents=1024", "equal up to the end, 1024"),
		SET("ksm-worst:contents=4096", "equal up to the end, 4096"),
		SET("ksm-worst:contents=16384", "equal up to the end, 16384"),
		SET("sd-worst:contents=1024", "staircase, 1024"),
		SET("sd-worst:contents=4096", "staircase, 4096"),
		SET("sd-worst:contents=16384", "staircase, 16384"),
		SET("sd-worst:shape=single-bit,contents=1024",
		    "single bits, 1024"),
		SET("sd-worst:shape=single-bit,contents=4096",
		    "single bits, 4096"),
		SET("sd-worst:shape=single-bit,contents=16384",
		    "single bits, 16384"),
		SET("sd-worst:shape=thermometer,contents=4096",
		    "thermometer, 4096"),
#undef SET
	};
	static const char *const ksm[] = {KSM_2017, NULL};
	/* 257 trees hide how deep one can be. */
	static const char *const one_tree[] = {"clusters", "single", NULL};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(of) / sizeof(of[0]); i++) {
		struct pone_outcome o;

		ret = pone_run(j, "ksm", of[i].words, 2, ksm, &o);
		if (ret)
			break;
		pone_row(j, of[i].ksm, "cycles_per_page", "cycles", NULL, NULL,
			 cycles_per_page(j, &o));
		row(j, of[i].ksm, "bytes_compared_per_page", "bytes",
		    o.meter.count[OP_CMP_BYTES], o.pages);
		pone_outcome_fini(&o);
		ret = pone_run(j, "pageone", of[i].words, 0, one_tree, &o);
		if (ret)
			break;
		pone_row(j, of[i].pageone, "cycles_per_page", "cycles", NULL,
			 NULL, cycles_per_page(j, &o));
		row(j, of[i].pageone, "tree_visits_per_page", "vectors",
		    o.meter.count[OP_SD_VISIT] + o.meter.count[OP_SD_REP_VISIT],
		    o.pages);
		pone_outcome_fini(&o);
	}
	return ret;
}

/* ---- compares that begin elsewhere ---- */

/* KSM that reads the lines of two pages in an order drawn once. */
static int scattered(const struct pone_job *j)
{
	static const struct {
		const char *words, *order, *name;
	} of[] = {
		{"pageone-hard", "linear", "KSM, lines in order, test 2"},
		{"pageone-hard", "scattered",
		 "KSM, lines in a drawn order, test 2"},
		{"ksm-worst", "linear",
		 "KSM, lines in order, equal to the end"},
		{"ksm-worst", "scattered",
		 "KSM, lines in a drawn order, equal to the end"},
	};
	char words[64];
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(of) / sizeof(of[0]); i++) {
		const char *const ksm[] = {KSM_2017, "memcmp", of[i].order,
					   NULL};
		struct pone_outcome o;

		if (of[i].words[0] == 'p')
			snprintf(words, sizeof(words), "%s:scale=%" PRIu64,
				 of[i].words, small(j));
		else
			snprintf(words, sizeof(words), "%s", of[i].words);
		ret = pone_run(j, "ksm", words, 2, ksm, &o);
		if (ret)
			break;
		/* equal pages, which are read as a whole, included */
		row(j, of[i].name, "bytes_per_compare", "bytes",
		    o.meter.count[OP_CMP_BYTES], o.meter.count[OP_CMP]);
		pone_row(j, of[i].name, "cycles_per_page", "cycles", NULL, NULL,
			 cycles_per_page(j, &o));
		pone_outcome_fini(&o);
	}
	return ret;
}

/* ---- what guests wait for, and what changing pages cost ---- */

static int interference(const struct pone_job *j)
{
	static const struct {
		const char *change, *name;
	} of[] = {
		{"0", "PageONE, no writes"},
		{"1", "PageONE, 1 % written per period"},
		{"5", "PageONE, 5 % written per period"},
		{"20", "PageONE, 20 % written per period"},
		{"50", "PageONE, 50 % written per period"},
	};
	char words[96];
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(of) / sizeof(of[0]); i++) {
		struct pone_outcome o;
		uint64_t later;

		snprintf(words, sizeof(words),
			 "pageone-hard:scale=%" PRIu64 ",rounds=20,change=%s",
			 small(j), of[i].change);
		ret = pone_run(j, "pageone", words, 0, NULL, &o);
		if (ret)
			break;
		/* The first write of each page only brings it in. */
		later = pone_got(&o, "pageone", "guest_writes") - o.pages;
		row(j, of[i].name, "delay_per_write", "ns",
		    pone_got(&o, "pageone", "guest_delay_ns"),
		    later ? later : 1);
		row(j, of[i].name, "delay_999_of_1000", "ns",
		    pone_got(&o, "pageone", "guest_delay_999_ns"), 1);
		row(j, of[i].name, "delay_longest", "ns",
		    pone_got(&o, "pageone", "guest_delay_max_ns"), 1);
		row(j, of[i].name, "copies", "pages",
		    pone_got(&o, "pageone", "cow_copies"), 1);
		row(j, of[i].name, "tree_deletes_in_guest", "operations",
		    pone_got(&o, "pageone", "sd_ops_in_fault"), 1);
		pone_outcome_fini(&o);
	}
	return ret;
}

/* KSM scans all pages in some 20 s, the time of PageONE's merge period. */
#define KSM_SLOWLY                                                             \
	"version", "4.4", "pages_to_scan", "250", "sleep_millisecs", "100"

static int interference_of_ksm(const struct pone_job *j)
{
	static const char *const set[] = {KSM_SLOWLY, NULL};
	static const struct {
		const char *change, *name;
	} of[] = {
		{"1", "KSM, 1 % written per period"},
		{"5", "KSM, 5 % written per period"},
		{"20", "KSM, 20 % written per period"},
		{"50", "KSM, 50 % written per period"},
	};
	char words[96];
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(of) / sizeof(of[0]); i++) {
		struct pone_outcome o;
		uint64_t events;

		snprintf(words, sizeof(words),
			 "pageone-hard:scale=%" PRIu64 ",rounds=20,change=%s",
			 small(j), of[i].change);
		ret = pone_run(j, "ksm", words, 0, set, &o);
		if (ret)
			break;
		/* 12 spaces, 12 ranges, and a first write of each page */
		events = pone_got(&o, "run", "trace_events") - 24 - o.pages;
		row(j, of[i].name, "delay_per_write", "ns", o.guests_ns,
		    events ? events : 1);
		row(j, of[i].name, "copies", "pages",
		    o.meter.count[OP_COW_BREAK], 1);
		pone_outcome_fini(&o);
	}
	return ret;
}

/* The same quarter of all pages changes in every period. */
static int rate_of_change(const struct pone_job *j)
{
	static const struct {
		const char *period, *ksm, *pageone;
		unsigned rounds;
	} of[] = {
#define EVERY(p, n)                                                            \
	{p, "KSM, a quarter changes every " p,                                 \
	 "PageONE, a quarter changes every " p, n}
		EVERY("10s", 40),
		EVERY("20s", 20),
		EVERY("60s", 7),
		EVERY("200s", 2),
#undef EVERY
	};
	static const char *const ksm[] = {KSM_SLOWLY, NULL};
	char words[96];
	int ret = 0;

	for (size_t i = 0; !ret && i < 2 * sizeof(of) / sizeof(of[0]); i++) {
		bool is_ksm = i % 2 == 0;
		const char *name = is_ksm ? of[i / 2].ksm : of[i / 2].pageone;
		struct pone_outcome o;

		snprintf(words, sizeof(words),
			 "pageone-hard:scale=%" PRIu64
			 ",rounds=%u,change=25,same=1,period=%s",
			 small(j), of[i / 2].rounds, of[i / 2].period);
		ret = pone_run(j, is_ksm ? "ksm" : "pageone", words, 0,
			       is_ksm ? ksm : NULL, &o);
		if (ret)
			break;
		pone_row(j, name, "cycles_per_page", "cycles", NULL, NULL,
			 cycles_per_page(j, &o));
		row(j, name, "checksums_per_page", "checksums",
		    o.meter.count[OP_CHECKSUM], o.pages);
		row(j, name, "protections_per_page", "pages",
		    o.meter.count[OP_WRITE_PROTECT], o.pages);
		row(j, name, "protections_undone", "faults",
		    o.meter.count[OP_WP_FAULT], 1);
		pone_outcome_fini(&o);
	}
	return ret;
}

int pone_asked(const struct pone_job *j)
{
	int ret = cpu_per_gib(j);

	if (!ret)
		ret = zero_pages(j);
	if (!ret)
		ret = equal_million(j);
	if (!ret)
		ret = one_large_guest(j);
	if (!ret)
		ret = worst_cases(j);
	if (!ret)
		ret = scattered(j);
	if (!ret)
		ret = interference(j);
	if (!ret)
		ret = interference_of_ksm(j);
	if (!ret)
		ret = rate_of_change(j);
	if (!ret)
		placements(j);
	return ret;
}

/* ---- one to 24 threads ---- */

/* @guests: how the 192 GiB are divided */
static int speedup_of(const struct pone_job *j, const char *engine,
		      const char *name, const char *guests, bool statistics)
{
	static const struct {
		const char *n, *speed_up, *lost;
	} of[] = {
#define THREADS(n) {n, "speed_up " n, "swaps_lost " n}
		THREADS("1"),  THREADS("2"),  THREADS("3"),  THREADS("4"),
		THREADS("6"),  THREADS("8"),  THREADS("10"), THREADS("12"),
		THREADS("16"), THREADS("20"), THREADS("24"),
#undef THREADS
	};
	bool ksm = engine[0] == 'k';
	uint64_t first = 0;
	char words[64];
	int ret = 0;

	snprintf(words, sizeof(words), "pageone-hard:%s,scale=%" PRIu64, guests,
		 j->side);
	for (size_t i = 0; !ret && i < sizeof(of) / sizeof(of[0]); i++) {
		const char *const of_ksm[] = {KSM_2017, "threads", of[i].n,
					      NULL};
		const char *const of_pone[] = {"workers", of[i].n,
					       "debug_counters",
					       statistics ? "1" : "0", NULL};
		struct pone_outcome o;

		ret = pone_run(j, engine, words, ksm ? 2 : 0,
			       ksm ? of_ksm : of_pone, &o);
		if (ret)
			break;
		first = i ? first : o.wall_ns;
		row(j, name, of[i].speed_up, "times", first, o.wall_ns);
		if (!ksm)
			row(j, name, of[i].lost, "per million",
			    o.meter.count[OP_SD_CAS_FAIL] * 1000000,
			    o.meter.count[OP_SD_SEARCH]);
		pone_outcome_fini(&o);
	}
	return ret;
}

int pone_speedup(const struct pone_job *j)
{
	static const struct {
		const char *engine, *name, *guests;
		bool statistics;
	} of[] = {
		{"pageone", "PageONE", "vms=48,size=4GiB", false},
		{"pageone", "PageONE counting for all", "vms=48,size=4GiB",
		 true},
		{"pageone", "PageONE 12 guests", "vms=12,size=16GiB", false},
		{"ksm", "KSM with one lock", "vms=12,size=16GiB", false},
	};
	int ret = 0;

	for (size_t i = 0; !ret && i < sizeof(of) / sizeof(of[0]); i++)
		ret = speedup_of(j, of[i].engine, of[i].name, of[i].guests,
				 of[i].statistics);
	return ret;
}
