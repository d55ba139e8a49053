/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernels before the latest: their rules, tunables and counters.  Rows that the
 * rules change are derived in tests/vectors/ksm-6.10-predicted.tsv; where a rule
 * is not under test, versions must agree with one another.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/os.h"
#include "sim/engine/ksm/ksm.h"
#include "tests/support/main.h"
#include "tests/support/rig.h"
#include "tests/support/told.h"

#define MEASURED "tests/vectors/ksm-6.18.tsv"
#define MEASURED_6_1 "tests/vectors/ksm-6.1.tsv"
#define ROWS_6_1 989u
#define PREDICTED "tests/vectors/ksm-6.10-predicted.tsv"
#define PREDICTIONS 38u
#define CELLS 64u
#define BASE (UINT64_C(1) << 20)

/* ---- answers of a version to the fixed scenarios ---- */

/* All lines but those that begin with one of these words. */
static char *without(char *text, const char *const *word)
{
	char *to = text, *line = text, *end;

	while (word && *line) {
		size_t n;
		bool drop = false;

		end = strchr(line, '\n');
		ck_assert_ptr_nonnull(end);
		n = (size_t)(end + 1 - line);
		for (size_t i = 0; word[i]; i++)
			drop |= !strncmp(line, word[i], strlen(word[i]));
		if (!drop) {
			memmove(to, line, n);
			to += n;
		}
		line = end + 1;
	}
	if (word)
		*to = '\0';
	return text;
}

static char *rows_of(const char *const *set, const char *const *drop)
{
	struct scenario_opts opts = {.paranoid = 1, .set = set};
	size_t n;
	char *text = without(told_scenarios(0, &n), drop);

	return told_answer(text, strlen(text), &opts);
}

static bool is(const char *name, const char *const *list)
{
	for (; list && *list; list++)
		if (!strcmp(name, *list))
			return true;
	return false;
}

/* Every cell that both have is equal; returns how many were compared. */
static unsigned agree(char *a, char *b, const char *const *but)
{
	char *pa = a, *pb = b, *name[TOLD_COLUMNS], *x[TOLD_COLUMNS],
	     *y[TOLD_COLUMNS];
	unsigned n, cells = 0;

	n = told_row(&pa, name);
	ck_assert_uint_eq(told_row(&pb, y), n);
	while (told_row(&pa, x)) {
		ck_assert_uint_eq(told_row(&pb, y), n);
		for (unsigned i = 0; i < n; i++) {
			if (is(name[i], but) || !strcmp(x[i], "-") ||
			    !strcmp(y[i], "-"))
				continue;
			ck_assert_msg(!strcmp(x[i], y[i]),
				      "%s step %s: %s is %s and %s", x[0], x[1],
				      name[i], x[i], y[i]);
			cells++;
		}
	}
	ck_assert_uint_eq(told_row(&pb, y), 0);
	free(a);
	free(b);
	return cells;
}

struct cell {
	const char *scenario, *step, *column, *value;
	bool met;
};

static size_t read_cells(char *text, struct cell *cell)
{
	char *c[TOLD_COLUMNS];
	size_t n = 0;

	while (*text == '#')
		text = strchr(text, '\n') + 1;
	ck_assert_uint_eq(told_row(&text, c), 4);
	while (told_row(&text, c)) {
		ck_assert_uint_lt(n, CELLS);
		cell[n++] = (struct cell){c[0], c[1], c[2], c[3], false};
	}
	return n;
}

static struct cell *cell_of(struct cell *cell, size_t n, char **row,
			    const char *column)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(cell[i].scenario, row[0]) &&
		    !strcmp(cell[i].step, row[1]) &&
		    !strcmp(cell[i].column, column))
			return &cell[i];
	return NULL;
}

static int64_t number(char **row, char **name, const char *column)
{
	for (unsigned i = 0; i < TOLD_COLUMNS - 2; i++)
		if (!strcmp(name[i], column))
			return strtoll(row[i], NULL, 10);
	ck_abort_msg("no column %s", column);
}

/* What general_profit must be by its definition. */
static void profit_follows(char **row, char **name)
{
	int64_t items = number(row, name, "pages_shared") +
			number(row, name, "pages_sharing") +
			number(row, name, "pages_unshared") +
			number(row, name, "pages_volatile");

	ck_assert_int_eq(number(row, name, "general_profit"),
			 (number(row, name, "pages_sharing") +
			  number(row, name, "ksm_zero_pages")) *
					 PAGE_BYTES -
				 items * KSM_ITEM_BYTES);
}

START_TEST(rows_of_6_10_differ_from_measured_ones_as_its_rules_say)
{
	struct err err = {0};
	struct cell cell[CELLS];
	char *measured, *predicted, *got, *p, *g, *want[TOLD_COLUMNS],
		*name[TOLD_COLUMNS], *row[TOLD_COLUMNS];
	size_t n, ncell, met = 0;

	ck_assert_int_eq(os_read_all(MEASURED, 1 << 20, &measured, &n, &err),
			 0);
	ck_assert_int_eq(os_read_all(PREDICTED, 1 << 20, &predicted, &n, &err),
			 0);
	ncell = read_cells(predicted, cell);
	ck_assert_uint_eq(ncell, PREDICTIONS);
	got = rows_of((const char *const[]){"version", "6.10", NULL}, NULL);
	p = measured;
	while (*p == '#')
		p = strchr(p, '\n') + 1;
	told_row(&p, want);
	g = got;
	told_row(&g, name);
	while (told_row(&g, row)) {
		bool changed = false;

		ck_assert_uint_eq(told_row(&p, want), TOLD_COLUMNS);
		for (unsigned i = 0, k = 0; i < TOLD_COLUMNS - 1; i++) {
			struct cell *c;

			if (i == 2) /* what was done, in words */
				continue;
			c = cell_of(cell, ncell, row, name[k]);
			changed |= c != NULL;
			if (strcmp(name[k], "general_profit"))
				ck_assert_msg(
					!strcmp(row[k], c ? c->value : want[i]),
					"%s step %s: %s is %s, not %s", row[0],
					row[1], name[k], row[k],
					c ? c->value : want[i]);
			else if (!changed)
				ck_assert_str_eq(row[k], want[i]);
			if (c && !c->met) {
				c->met = true;
				met++;
			}
			k++;
		}
		if (changed)
			profit_follows(row, name);
	}
	ck_assert_uint_eq(met, ncell);
	free(got);
	free(measured);
	free(predicted);
}
END_TEST

/* The ids of a file of rows, each once, with blanks between. */
static char *ids_of(const char *rows)
{
	char *ids = NULL, last[16] = "", id[16];
	size_t n;
	FILE *f = open_memstream(&ids, &n);

	ck_assert_ptr_nonnull(f);
	for (const char *p = rows; *p; p = strchr(p, '\n') + 1) {
		if ((*p != 'S' && *p != 'R') || p[1] < '0' || p[1] > '9')
			continue;
		ck_assert_int_eq(sscanf(p, "%15[^\t]", id), 1);
		if (strcmp(id, last))
			fprintf(f, " %s", id);
		snprintf(last, sizeof(last), "%s", id);
	}
	ck_assert_int_eq(fclose(f), 0);
	return ids;
}

/* 5.10 was asked as well; it has no cow_ksm, all else was the same. */
START_TEST(every_row_that_6_1_and_5_10_gave_comes_out)
{
	const char *const set[] = {"version", _i ? "5.9" : "6.1", NULL};
	struct scenario_opts opts = {.paranoid = 1, .set = set};
	char *want, *got, *ids, *w[TOLD_COLUMNS], *g[TOLD_COLUMNS],
		*name[TOLD_COLUMNS], *p, *q;
	struct err err = {0};
	unsigned rows = 0;
	size_t n;
	int ret = os_read_all(MEASURED_6_1, 1 << 20, &want, &n, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ids = ids_of(want);
	p = told_ids(ids, &n);
	got = q = told_answer(p, n, &opts);
	for (p = want; *p == '#';)
		p = strchr(p, '\n') + 1;
	ck_assert_uint_eq(told_row(&p, name), TOLD_COLUMNS);
	ck_assert_uint_eq(told_row(&q, g), TOLD_COLUMNS - 2);
	for (; told_row(&p, w) == TOLD_COLUMNS; rows++) {
		ck_assert_uint_eq(told_row(&q, g), TOLD_COLUMNS - 2);
		for (unsigned i = 0, k = 0; i < TOLD_COLUMNS - 1; i++) {
			if (i == 2) /* what was done, in words */
				continue;
			if (_i && !strcmp(name[i], "d_cow_ksm"))
				ck_assert_str_eq(g[k], "-");
			else
				ck_assert_msg(!strcmp(w[i], g[k]),
					      "%s step %s (%s): %s is %s, not "
					      "%s",
					      w[0], w[1], w[2], name[i], g[k],
					      w[i]);
			k++;
		}
	}
	ck_assert_uint_eq(told_row(&q, g), 0);
	ck_assert_uint_eq(rows, ROWS_6_1);
	free(ids);
	free(got);
	free(want);
}
END_TEST

static const char *const no_smart_scan[] = {"set smart_scan", NULL};

/* A real 6.12.94 was asked: all 1,761 rows of ksm-6.18.tsv. */
START_TEST(kernels_from_6_11_on_give_the_same_rows)
{
	ck_assert_uint_gt(
		agree(rows_of(NULL, NULL),
		      rows_of((const char *const[]){"version",
						    _i ? "6.12" : "6.11", NULL},
			      NULL),
		      NULL),
		5000);
}
END_TEST

START_TEST(kernels_6_7_to_6_9_differ_from_6_10_by_pages_scanned_alone)
{
	ck_assert_uint_gt(
		agree(rows_of((const char *const[]){"version", "6.10", NULL},
			      NULL),
		      rows_of((const char *const[]){"version",
						    _i ? "6.7" : "6.8", NULL},
			      NULL),
		      (const char *const[]){"d_pages_scanned", NULL}),
		5000);
}
END_TEST

static const char *const plain[] = {"6.6", "6.4", "6.1", "5.19", "5.18",
				    "5.9", "5.1", "5.0", "4.13"};
#define PLAIN ((int)(sizeof(plain) / sizeof(plain[0])))

START_TEST(kernels_before_smart_scan_are_6_10_without_it)
{
	ck_assert_uint_gt(
		agree(rows_of((const char *const[]){"version", "6.10",
						    "smart_scan", "0", NULL},
			      no_smart_scan),
		      rows_of((const char *const[]){"version", plain[_i], NULL},
			      no_smart_scan),
		      (const char *const[]){"d_pages_scanned", "general_profit",
					    NULL}),
		3000);
}
END_TEST

static const char *const of_later_kernels[] = {
	"set smart_scan", "set max_page_sharing", "set stable_node",
	"set use_zero_pages",
	/* S42 is the case below: nobody at a node. */
	NULL};

/* All of a text before scenario @id. */
static char *up_to(char *text, const char *id)
{
	for (char *p = strchr(text, '\n'); p; p = strchr(p + 1, '\n'))
		if (!strncmp(p + 1, id, strlen(id))) {
			p[1] = '\0';
			break;
		}
	return text;
}

START_TEST(kernels_before_4_13_are_those_after_it_without_a_limit)
{
	ck_assert_uint_gt(
		agree(up_to(rows_of((const char *const[]){"version", "6.1",
							  "max_page_sharing",
							  "1000000", NULL},
				    of_later_kernels),
			    "S42"),
		      up_to(rows_of((const char *const[]){"version",
							  _i ? "4.4" : "4.11",
							  NULL},
				    of_later_kernels),
			    "S42"),
		      NULL),
		2000);
}
END_TEST

/* ---- single rules ---- */

static int64_t row(struct rig *r, const char *name)
{
	return rig_row(r, NULL, name);
}

static void fill(struct rig *r, uint64_t n, uint32_t mod)
{
	rig_do(r, ev_space(0));
	rig_do(r, ev_map(0, BASE, n, EVF_MERGEABLE));
	for (uint32_t i = 0; i < n; i++)
		rig_do(r, ev_write(0, BASE + i, 1 + i % mod));
}

START_TEST(a_guest_of_debian_12_gets_the_counters_that_it_got)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_ID, 11,
		 (const char *const[]){"version", "6.1", "pages_to_scan",
				       "1000", "sleep_millisecs", "0", NULL});
	fill(&r, 8000, 10);
	rig_scans(&r, 4);
	ck_assert_int_eq(row(&r, "pages_shared"), 40);
	ck_assert_int_eq(row(&r, "pages_sharing"), 7960);
	ck_assert_int_eq(row(&r, "pages_unshared"), 0);
	ck_assert_int_eq(row(&r, "pages_volatile"), 0);
	ck_assert_int_eq(row(&r, "stable_node_chains"), 10);
	ck_assert_int_eq(row(&r, "stable_node_dups"), 40);
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(without_a_limit_a_content_has_one_node_of_48_bytes)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_ID, 11,
		 (const char *const[]){"version", "4.4", NULL});
	fill(&r, 8000, 10);
	rig_scans(&r, 3);
	ck_assert_int_eq(row(&r, "pages_shared"), 10);
	ck_assert_int_eq(row(&r, "pages_sharing"), 7990);
	ck_assert_int_eq(row(&r, "metadata_bytes"), 8000 * 64 + 10 * 48 + 48);
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(checksums_are_jhash2_until_5_0)
{
	struct ksm_opts o;

	opt_defaults(ksm_options, &o);
	ck_assert_int_eq(
		opt_set(ksm_options, &o, "version", _i ? "5.0" : "4.13", NULL),
		0);
	ck_assert(engine_ksm.needs(&o) &
		  NEED_CHECKSUM(_i ? CHECKSUM_XXH64 : CHECKSUM_JHASH2));
	ck_assert(!(engine_ksm.needs(&o) &
		    NEED_CHECKSUM(_i ? CHECKSUM_JHASH2 : CHECKSUM_XXH64)));
}
END_TEST

START_TEST(a_walk_from_a_frame_is_as_long_as_its_mappings)
{
	static const struct {
		const char *version;
		int64_t longest;
	} want[] = {{"4.4", 5000}, {"4.13", 256}, {"6.18", 256}};
	struct rig r;

	rig_init(&r, "ksm", RULE_ID, 3,
		 (const char *const[]){"version", want[_i].version, NULL});
	fill(&r, 5000, 1);
	ck_assert_int_eq(row(&r, "longest_rmap_walk"), 0);
	rig_scans(&r, 3);
	ck_assert_int_eq(row(&r, "longest_rmap_walk"), want[_i].longest);
	/* Forks share whatever the limit is. */
	rig_do(&r, ev_fork(1, 0));
	rig_scans(&r, 2);
	ck_assert_int_eq(row(&r, "longest_rmap_walk"), 2 * want[_i].longest);
	/* It is the longest ever. */
	rig_do(&r, ev_exit(1));
	rig_scan(&r);
	ck_assert_int_eq(row(&r, "longest_rmap_walk"), 2 * want[_i].longest);
	rig_fini(&r);
}
END_TEST

/* A merged frame that is mapped only where nothing is merged any more. */
static void node_of_nobody(struct rig *r, const char *version)
{
	rig_init(r, "ksm", RULE_ID, 3,
		 (const char *const[]){"version", version, NULL});
	rig_do(r, ev_space(0));
	rig_do(r, ev_map(0, BASE, 20, EVF_MERGEABLE));
	rig_do(r, ev_write(0, BASE + 10, 1));
	rig_do(r, ev_fork(1, 0));
	rig_do(r, ev_advise(0, BASE, 20, false));
	rig_do(r, ev_write(1, BASE, 1));
	rig_scans(r, 2);
	ck_assert_uint_eq(r->machine->merged_pages, 3);
	ck_assert_int_eq(rig_set(r, "run", "2"), 0);
	rig_do(r, ev_exit(1));
	ck_assert_int_eq(rig_set(r, "run", "1"), 0);
	ck_assert_uint_eq(r->machine->merged_pages, 1);
	ck_assert_int_eq(rig_row(r, "ksm_model", "stable_nodes"), 1);
}

START_TEST(every_rule_holds_its_invariants_while_all_changes)
{
	struct prng rnd = prng_fork(test_seed(1) + (uint64_t)_i, "versions");
	struct ksm_rules rules = ksm_rules_of((uint64_t)_i);
	struct rig r;

	rig_init(&r, "ksm", RULE_ID, 40,
		 (const char *const[]){"version", ksm_versions[_i],
				       "pages_to_scan", "30", NULL});
	if (rules.limit)
		ck_assert_int_eq(rig_set(&r, "max_page_sharing", "3"), 0);
	for (unsigned step = 0; step < 1200; step++) {
		struct event ev = chaos_event(&rnd, r.machine, 20);
		int ret = rig_event(&r, &ev);
		uint64_t before = rig_pages(&r);

		ck_assert(ret == 0 || ret == -EINVAL);
		r.clock.now = ns_add(r.clock.now, NS(NS_PER_MSEC));
		if (step % 100 == 50 &&
		    ksm_has_tunable(&rules, "use_zero_pages"))
			ck_assert_int_eq(rig_set(&r, "use_zero_pages",
						 step % 200 == 50 ? "1" : "0"),
					 0);
		if (step % 400 == 399) {
			ck_assert_int_eq(rig_set(&r, "run", "2"), 0);
			ck_assert_int_eq(rig_set(&r, "run", "1"), 0);
		}
		if (prng_below(&rnd, 3) == 0)
			ck_assert_int_eq(rig_turn(&r), 0);
		ck_assert_uint_eq(rig_pages(&r), before);
		rig_check(&r);
	}
	rig_fini(&r);
}
END_TEST

START_TEST(a_page_that_comes_back_merges_at_once_when_it_is_searched_first)
{
	static const char *const version[] = {"6.10", "6.11"};
	struct rig r;

	rig_init(&r, "ksm", RULE_ID, 3,
		 (const char *const[]){"version", version[_i], NULL});
	fill(&r, 4, 1);
	rig_scans(&r, 2);
	ck_assert_int_eq(row(&r, "pages_sharing"), 3);
	rig_do(&r, ev_map(0, BASE + 100, 1, EVF_MERGEABLE));
	rig_do(&r, ev_write(0, BASE + 100, 1));
	rig_scan(&r);
	ck_assert_int_eq(row(&r, "pages_sharing"), _i ? 3 : 4);
	rig_fini(&r);
}
END_TEST

START_TEST(pages_scanned_of_6_6_counts_whole_batches_and_one_more_each)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_ID, 251,
		 (const char *const[]){"version", "6.6", NULL});
	fill(&r, 250, 250);
	ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert_int_eq(row(&r, "pages_scanned"), 101);
	ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert_int_eq(row(&r, "pages_scanned"), 202);
	/* The rest of the scan is lost. */
	ck_assert_int_eq(rig_turn(&r), 0);
	ck_assert_int_eq(row(&r, "full_scans"), 1);
	ck_assert_int_eq(row(&r, "pages_scanned"), 202);
	rig_fini(&r);
}
END_TEST

START_TEST(before_5_0_a_sleep_goes_on_whatever_is_written)
{
	struct rig r;
	ns_t wake;

	rig_init(&r, "ksm", RULE_ID, 3,
		 (const char *const[]){"version", _i ? "5.0" : "4.13", NULL});
	fill(&r, 4, 1);
	ck_assert_int_eq(rig_turn(&r), 0);
	wake = r.engine->wake[0];
	ck_assert(ns_before(r.clock.now, wake));
	ck_assert_int_eq(rig_set(&r, "sleep_millisecs", "1000"), 0);
	ck_assert_uint_eq(r.engine->wake[0].v, _i ? r.clock.now.v : wake.v);
	rig_fini(&r);
}
END_TEST

START_TEST(holes_are_looked_up_one_by_one_until_6_18)
{
	static const char *const version[] = {"6.12", "6.18"};
	struct rig r;

	rig_init(&r, "ksm", RULE_ID, 3,
		 (const char *const[]){"version", version[_i], "pages_to_scan",
				       "3", NULL});
	rig_do(&r, ev_space(0));
	rig_do(&r, ev_map(0, BASE, 100000, EVF_MERGEABLE));
	rig_do(&r, ev_map(0, BASE + 200000, 5, EVF_MERGEABLE));
	rig_do(&r, ev_map(0, BASE + 300000, 100, 0));
	for (uint64_t i = 0; i < 4; i++)
		rig_do(&r, ev_write(0, BASE + 50000 + i, 1));
	rig_do(&r, ev_write(0, BASE + 200000, 1));
	rig_scan(&r);
	if (_i)
		ck_assert_uint_le(r.meter.count[OP_PTE_WALK], 2 * 512);
	else
		ck_assert_uint_eq(r.meter.count[OP_PTE_WALK], 100005);
	rig_scan(&r);
	if (!_i)
		ck_assert_uint_eq(r.meter.count[OP_PTE_WALK], 2 * 100005);
	rig_fini(&r);
}
END_TEST

START_TEST(the_last_mapping_writes_in_place_from_5_1_to_5_8)
{
	static const char *const version[] = {"5.0", "5.1", "5.9"};
	bool reuses = _i == 1;
	uint32_t frame;
	struct rig r;

	rig_init(&r, "ksm", RULE_ID, 4,
		 (const char *const[]){"version", version[_i], NULL});
	fill(&r, 2, 1);
	rig_scans(&r, 2);
	rig_do(&r, ev_write(0, BASE, 2));
	ck_assert_uint_eq(r.meter.count[OP_COW_BREAK], 1);
	frame = machine_share(r.machine, rig_pte(&r, 0, BASE + 1)->ref)->frame;
	rig_do(&r, ev_write(0, BASE + 1, 3));
	ck_assert_uint_eq(r.meter.count[OP_COW_BREAK], reuses ? 1 : 2);
	ck_assert_int_eq(pte_owner(rig_pte(&r, 0, BASE + 1)), OWNER_PRIVATE);
	ck_assert_int_eq(rig_pte(&r, 0, BASE + 1)->ref == frame, reuses);
	ck_assert_uint_eq(r.machine->merged_frames, 0);
	rig_check(&r);
	/* The counters do not know until they are visited. */
	ck_assert_int_eq(row(&r, "pages_shared"), 1);
	rig_scan(&r);
	ck_assert_int_eq(row(&r, "pages_shared"), 0);
	ck_assert_int_eq(row(&r, "stable_nodes"), 0);
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(a_pinned_merged_page_is_copied_even_by_its_last_mapping)
{
	struct rig r;

	rig_init(&r, "ksm", RULE_ID, 4,
		 (const char *const[]){"version", "5.1", NULL});
	fill(&r, 2, 1);
	rig_scans(&r, 2);
	rig_do(&r, ev_write(0, BASE, 2));
	rig_do(&r, ev_range(EV_PIN, 0, BASE + 1, 1));
	rig_do(&r, ev_write(0, BASE + 1, 3));
	ck_assert_uint_eq(r.meter.count[OP_COW_BREAK], 2);
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(before_6_6_unmerging_leaves_zero_pages_where_they_are)
{
	static const char *const version[] = {"6.6", "6.4"};
	int64_t stay = _i ? 10 : 0;
	struct rig r;

	rig_init(&r, "ksm", RULE_ID, 3,
		 (const char *const[]){"version", version[_i], "use_zero_pages",
				       "1", NULL});
	rig_do(&r, ev_space(0));
	rig_do(&r, ev_map(0, BASE, 20, EVF_MERGEABLE));
	for (uint64_t i = 0; i < 20; i++)
		rig_do(&r, ev_write(0, BASE + i, 0));
	rig_scans(&r, 3);
	ck_assert_uint_eq(r.machine->zero_merged, 20);
	rig_do(&r, ev_advise(0, BASE, 10, false));
	ck_assert_uint_eq(r.machine->zero_merged, 10 + (uint64_t)stay);
	rig_check(&r);
	ck_assert_int_eq(rig_set(&r, "run", "2"), 0);
	ck_assert_uint_eq(r.machine->zero_merged, 2 * (uint64_t)stay);
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(a_node_that_lists_nobody_is_joined_only_before_4_13)
{
	struct rig r;

	node_of_nobody(&r, _i ? "4.4" : "4.13");
	ck_assert_int_eq(row(&r, "pages_shared"), 0);
	rig_do(&r, ev_space(2));
	rig_do(&r, ev_map(2, BASE, 1, EVF_MERGEABLE));
	rig_do(&r, ev_write(2, BASE, 1));
	rig_scan(&r);
	ck_assert_int_eq(row(&r, "pages_shared"), _i);
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

/* ---- what exists ---- */

static int has(const char *version, const char *tunable, struct err *err)
{
	struct ksm_opts o;

	opt_defaults(ksm_options, &o);
	ck_assert_int_eq(opt_set(ksm_options, &o, "version", version, err), 0);
	return engine_ksm.has(&o, opt_find(ksm_options, tunable), err);
}

START_TEST(a_tunable_that_the_version_lacks_is_refused_by_name)
{
	struct err err = {0};
	struct rig r;
	uint64_t v;

	ck_assert_int_eq(has("4.4", "max_page_sharing", &err), -EINVAL);
	ck_assert_str_eq(err.text, "max_page_sharing: Linux 4.4 has no such "
				   "tunable, it came with 4.13");
	ck_assert_int_eq(has("4.13", "max_page_sharing", &err), 0);
	ck_assert_int_eq(has("4.4", "use_zero_pages", &err), -EINVAL);
	ck_assert_int_eq(has("6.6", "smart_scan", &err), -EINVAL);
	ck_assert_int_eq(has("6.7", "smart_scan", &err), 0);
	ck_assert_int_eq(has("6.7", "advisor_mode", &err), -EINVAL);
	ck_assert_int_eq(has("6.8", "advisor_target_scan_time", &err), 0);
	ck_assert_int_eq(has("4.4", "pages_to_scan", &err), 0);
	ck_assert_int_eq(has("4.4", "hz", &err), 0);

	rig_init(&r, "ksm", RULE_ID, 3,
		 (const char *const[]){"version", "6.1", NULL});
	ck_assert_int_eq(rig_set(&r, "smart_scan", "0"), -ENOENT);
	ck_assert_int_eq(engine_ksm.get(r.engine, "smart_scan", &v), -ENOENT);
	ck_assert_int_eq(rig_set(&r, "max_page_sharing", "7"), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(starting_with_a_value_that_the_version_cannot_have_fails)
{
	static const struct {
		const char *set[5], *word;
	} bad[] = {
		{{"version", "6.1", "advisor_mode", "scan-time", NULL},
		 "advisor_mode"},
		{{"version", "4.4", "use_zero_pages", "1", NULL},
		 "use_zero_pages"},
		{{"version", "4.11", "colour_copies", "share-limit", NULL},
		 "share-limit"},
	};
	struct rig r = {0};

	rig_contents(&r, RULE_ID, 3);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_int_eq(
			rig_start(&r, &(struct rig_config){.engine = "ksm",
							   .set = bad[i].set}),
			-EINVAL);
		ck_assert_msg(strstr(r.err.text, bad[i].word), "%s: %s",
			      bad[i].word, r.err.text);
		r.err.text[0] = '\0';
	}
	rig_fini(&r);
}
END_TEST

static const struct {
	const char *counter, *absent, *there;
} came[] = {
	{"stable_node_chains", "4.11", "4.13"},
	{"stable_node_dups", "4.11", "4.13"},
	{"ksm_swpin_copy", "5.9", "5.18"},
	{"cow_ksm", "5.18", "5.19"},
	{"general_profit", "6.1", "6.4"},
	{"pages_scanned", "6.4", "6.6"},
	{"ksm_zero_pages", "6.4", "6.6"},
	{"pages_skipped", "6.6", "6.7"},
	{"ksm_process_profit", "6.1", "6.4"},
	{"ksm_merging_pages", "5.18", "5.19"},
};
#define CAME ((int)(sizeof(came) / sizeof(came[0])))

static bool reports(const char *version, const char *counter)
{
	struct rig r;
	struct rows rows;
	bool there;

	rig_init(&r, "ksm", RULE_ID, 3,
		 (const char *const[]){"version", version, NULL});
	fill(&r, 4, 1);
	rows_init(&rows);
	r.ops->report(r.engine, &rows);
	r.ops->report_space(r.engine, 0, &rows);
	there = rows_has(&rows, "ksm", counter) ||
		rows_has(&rows, "space", counter);
	rows_fini(&rows);
	rig_fini(&r);
	return there;
}

START_TEST(a_counter_that_the_version_lacks_is_not_reported)
{
	ck_assert(!reports(came[_i].absent, came[_i].counter));
	ck_assert(reports(came[_i].there, came[_i].counter));
	ck_assert(reports("4.4", "pages_volatile"));
}
END_TEST

static Suite *versions_suite(void)
{
	Suite *s = suite_create("versions of ksm");
	TCase *t = tcase_create("scenarios");
	int n = 0;

	while (ksm_versions[n])
		n++;
	tcase_set_timeout(t, 120);
	tcase_add_test(t,
		       rows_of_6_10_differ_from_measured_ones_as_its_rules_say);
	tcase_add_loop_test(t, every_row_that_6_1_and_5_10_gave_comes_out, 0,
			    2);
	tcase_add_loop_test(t, kernels_from_6_11_on_give_the_same_rows, 0, 2);
	tcase_add_loop_test(
		t, kernels_6_7_to_6_9_differ_from_6_10_by_pages_scanned_alone,
		0, 2);
	tcase_add_loop_test(t, kernels_before_smart_scan_are_6_10_without_it, 0,
			    PLAIN);
	tcase_add_loop_test(
		t, kernels_before_4_13_are_those_after_it_without_a_limit, 0,
		2);
	suite_add_tcase(s, t);
	t = tcase_create("rules");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, a_guest_of_debian_12_gets_the_counters_that_it_got);
	tcase_add_loop_test(t, a_walk_from_a_frame_is_as_long_as_its_mappings,
			    0, 3);
	tcase_add_test(t, without_a_limit_a_content_has_one_node_of_48_bytes);
	tcase_add_loop_test(
		t,
		a_page_that_comes_back_merges_at_once_when_it_is_searched_first,
		0, 2);
	tcase_add_test(
		t, pages_scanned_of_6_6_counts_whole_batches_and_one_more_each);
	tcase_add_loop_test(t, checksums_are_jhash2_until_5_0, 0, 2);
	tcase_add_loop_test(t, before_5_0_a_sleep_goes_on_whatever_is_written,
			    0, 2);
	tcase_add_loop_test(t, holes_are_looked_up_one_by_one_until_6_18, 0, 2);
	tcase_add_loop_test(t, the_last_mapping_writes_in_place_from_5_1_to_5_8,
			    0, 3);
	tcase_add_test(t,
		       a_pinned_merged_page_is_copied_even_by_its_last_mapping);
	tcase_add_loop_test(
		t, before_6_6_unmerging_leaves_zero_pages_where_they_are, 0, 2);
	tcase_add_loop_test(
		t, a_node_that_lists_nobody_is_joined_only_before_4_13, 0, 2);
	tcase_add_loop_test(
		t, every_rule_holds_its_invariants_while_all_changes, 0, n);
	suite_add_tcase(s, t);
	t = tcase_create("what exists");
	tcase_add_test(t, a_tunable_that_the_version_lacks_is_refused_by_name);
	tcase_add_test(
		t, starting_with_a_value_that_the_version_cannot_have_fails);
	tcase_add_loop_test(t, a_counter_that_the_version_lacks_is_not_reported,
			    0, CAME);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(versions_suite());
}
