/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the command `dedupsim colour` computes: costs of a line by the size of an
 * array, and where ksm puts its pages.  Expected numbers follow from the
 * latencies of a preset, or are worked out beside them.
 */
#include <errno.h>
#include <string.h>

#include "sim/machine/place.h"
#include "sim/run/colour.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/scan.h"

#define KIB UINT64_C(1024)
#define MIB (1024 * KIB)

static struct colour_config sizes(uint64_t from, uint64_t to)
{
	return (struct colour_config){
		.from = from,
		.to = to,
		.limit = 256,
		.check = -1,
		.syn_level = -1,
		.seed = 1,
		.threads = 2,
	};
}

static struct colour_table run(const char *preset, const char *set,
			       const struct colour_config *cfg)
{
	struct cache_conf conf = scan_conf(preset, set);
	unsigned order = (unsigned)conf.zero_order;
	struct colour_table t;
	struct err err = {0};
	int ret = colour_run(&conf, &order, 1, cfg, &t, &err);

	ck_assert_msg(!ret, "%s: %s", preset, err_text(&err, ret));
	return t;
}

/* Eight times the cycles of a line: whole in all tables. */
static uint64_t steady8(const struct colour_row *row, enum colour_case c)
{
	uint64_t cycles = colour_steady(row, c);

	ck_assert_uint_eq(cycles * 8 % row->lines, 0);
	return cycles * 8 / row->lines;
}

/* ---- words ---- */

START_TEST(sizes_are_read)
{
	uint64_t from, to;

	ck_assert_int_eq(colour_sizes("4KiB..128MiB", &from, &to, NULL), 0);
	ck_assert_uint_eq(from, 4 * KIB);
	ck_assert_uint_eq(to, 128 * MIB);
	ck_assert_int_eq(colour_sizes("12KiB", &from, &to, NULL), 0);
	ck_assert_uint_eq(from, 12 * KIB);
	ck_assert_uint_eq(to, 12 * KIB);
}
END_TEST

START_TEST(sizes_that_are_not_sane_are_refused)
{
	static const char *const bad[] = {
		"",
		"..",
		"4KiB..",
		"..4KiB",
		"8KiB..4KiB",
		"0..4KiB",
		"4KiB..2GiB",
		"4KiB-8KiB",
		"-4KiB",
		"4KiB...8KiB",
		"4KiB..8KiB..16KiB",
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {0};
		uint64_t from, to;

		ck_assert_int_eq(colour_sizes(bad[i], &from, &to, &err),
				 -EINVAL);
		ck_assert_ptr_nonnull(strstr(err.text, "--size: \""));
	}
}
END_TEST

START_TEST(pages_must_be_whole)
{
	struct cache_conf conf = scan_conf("z13", "");
	struct colour_config cfg = sizes(6 * KIB, 6 * KIB);
	unsigned order = 7;
	struct colour_table t;
	struct err err = {0};

	ck_assert_int_eq(colour_run(&conf, &order, 1, &cfg, &t, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "--size: 6144 bytes are no whole pages of z13");
}
END_TEST

START_TEST(a_level_that_is_not_there_cannot_serve_synonyms)
{
	struct cache_conf conf = scan_conf("z13", "l4_size=0 l3_size=0 "
						  "syn_source=2");
	struct colour_config cfg = sizes(4 * KIB, 4 * KIB);
	unsigned order = 7;
	struct colour_table t;
	struct err err = {0};

	cfg.syn_level = 3;
	ck_assert_int_eq(colour_run(&conf, &order, 1, &cfg, &t, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "syn_source"));
}
END_TEST

/* ---- where ksm puts pages ---- */

START_TEST(use_zero_pages_gives_each_page_the_zero_page_of_its_colour)
{
	enum { PAGES = 700 };
	static const uint64_t first[] = {0x700000000, 0x700000005, 3, 511};

	for (unsigned order = 0; order <= 7; order++)
		for (size_t i = 0; i < 4; i++) {
			uint64_t place[PAGES];

			ck_assert_int_eq(colour_ksm_places(UINT32_C(1) << order,
							   true, first[i],
							   PAGES, place, NULL),
					 0);
			for (uint64_t p = 0; p < PAGES; p++)
				ck_assert_uint_eq(
					place[p],
					PLACE_ZERO +
						(first[i] + p) % (1u << order));
		}
}
END_TEST

START_TEST(without_it_each_256_neighbours_share_a_frame)
{
	enum { PAGES = 1024 };
	uint64_t place[PAGES];

	ck_assert_int_eq(
		colour_ksm_places(128, false, 0x700000000, PAGES, place, NULL),
		0);
	for (unsigned p = 0; p < PAGES; p++) {
		ck_assert_uint_lt(place[p], PLACE_ZERO);
		ck_assert_uint_eq(place[p], place[p / 256 * 256]);
	}
	for (unsigned q = 0; q < 4; q++)
		for (unsigned s = 0; s < q; s++)
			ck_assert_uint_ne(place[q * 256], place[s * 256]);
}
END_TEST

START_TEST(places_run_out_of_memory_cleanly)
{
	uint64_t place[8];
	uint64_t n = 0;
	int ret;

	do {
		fail_mem_after(++n);
		ret = colour_ksm_places(4, true, 512, 8, place, NULL);
		fail_mem_off();
		ck_assert(!ret || ret == -ENOMEM);
	} while (ret);
	ck_assert_uint_gt(n, 5);
}
END_TEST

/* ---- the table ---- */

struct expected {
	uint64_t from, to;
	double priv, ksm, zcol;
};

static void is_table(const char *preset, const struct expected *e, size_t n)
{
	struct colour_config cfg = sizes(e[0].from, e[n - 1].to);
	struct colour_table t = run(preset, "", &cfg);
	const struct colour_machine *m = &t.machine[0];

	for (size_t i = 0; i < m->rows; i++) {
		const struct colour_row *row = &m->row[i];

		while (row->bytes > e->to)
			e++;
		ck_assert_uint_ge(row->bytes, e->from);
		ck_assert_uint_eq(steady8(row, COLOUR_PRIVATE),
				  (uint64_t)(e->priv * 8));
		ck_assert_uint_eq(steady8(row, COLOUR_KSM),
				  (uint64_t)(e->ksm * 8));
		ck_assert_uint_eq(steady8(row, COLOUR_ZCOL),
				  (uint64_t)(e->zcol * 8));
		/* ksm's frames are others in name only */
		ck_assert_mem_eq(&row->cell[COLOUR_UZP].cold,
				 &row->cell[COLOUR_ZCOL].cold,
				 sizeof(struct cache_counts));
		ck_assert_mem_eq(&row->cell[COLOUR_UZP].steady,
				 &row->cell[COLOUR_ZCOL].steady,
				 sizeof(struct cache_counts));
		for (unsigned c = 0; c < COLOUR_CASES; c++)
			ck_assert(row->cell[c].settled);
	}
	colour_table_fini(&t);
}

START_TEST(the_table_of_z13)
{
	static const struct expected e[] = {
		{4 * KIB, 4 * KIB, 4, 4, 4},
		{8 * KIB, 128 * KIB, 4, 45, 4},
		{256 * KIB, 2 * MIB, 10, 45, 10},
		{4 * MIB, 64 * MIB, 40, 45, 10},
		{128 * MIB, 128 * MIB, 160, 45, 10},
	};

	is_table("z13", e, sizeof(e) / sizeof(e[0]));
}
END_TEST

START_TEST(the_table_of_r4400sc)
{
	static const struct expected e[] = {
		{4 * KIB, 4 * KIB, 2, 2, 2},
		{8 * KIB, 16 * KIB, 2, 142.5, 2},
		{32 * KIB, 1 * MIB, 15, 142.5, 15},
		{2 * MIB, 8 * MIB, 122.5, 142.5, 15},
	};

	is_table("r4400sc", e, sizeof(e) / sizeof(e[0]));
}
END_TEST

START_TEST(four_MiB_on_z13_are_the_worked_example)
{
	struct colour_config cfg = sizes(4 * MIB, 4 * MIB);
	struct colour_table t = run("z13", "", &cfg);
	const struct colour_row *row = &t.machine[0].row[0];
	static const uint64_t cold[COLOUR_CASES] = {
		[COLOUR_PRIVATE] = 12288000, [COLOUR_KSM] = 748560,
		[COLOUR_LIMIT] = 782400,     [COLOUR_ZCOL] = 1679360,
		[COLOUR_ZONE] = 748560,	     [COLOUR_UZP] = 1679360,
	};
	static const uint64_t frames[COLOUR_CASES] = {1024, 1, 4, 128, 1, 128};

	ck_assert_uint_eq(row->lines, 16384);
	for (unsigned c = 0; c < COLOUR_CASES; c++) {
		ck_assert_uint_eq(cache_counts_cycles(&row->cell[c].cold),
				  cold[c]);
		ck_assert_uint_eq(row->cell[c].frames, frames[c]);
	}
	ck_assert_uint_eq(row->cell[COLOUR_KSM].steady.syn, 16384);
	ck_assert_uint_eq(row->cell[COLOUR_ZCOL].steady.syn, 0);
	colour_table_fini(&t);
}
END_TEST

START_TEST(use_zero_pages_is_as_fast_as_private_pages_up_to_2_MiB_on_z13)
{
	struct colour_config cfg = sizes(8 * KIB, 2 * MIB);
	struct colour_table t = run("z13", "", &cfg);

	for (size_t i = 0; i < t.machine[0].rows; i++) {
		const struct colour_row *row = &t.machine[0].row[i];
		uint64_t priv = colour_steady(row, COLOUR_PRIVATE);

		ck_assert_uint_eq(priv, colour_steady(row, COLOUR_UZP));
		ck_assert_uint_eq(priv, colour_steady(row, COLOUR_ZCOL));
		ck_assert_uint_lt(priv, colour_steady(row, COLOUR_KSM));
		ck_assert_uint_lt(priv, colour_steady(row, COLOUR_ZONE));
	}
	colour_table_fini(&t);
}
END_TEST

static uint64_t crossing(const char *preset, const char *set, int syn_level)
{
	struct colour_config cfg = sizes(8 * KIB, 8 * MIB);
	struct colour_table t;
	uint64_t at;

	cfg.syn_level = syn_level;
	t = run(preset, set, &cfg);
	at = colour_crossover(&t.machine[0], COLOUR_KSM, COLOUR_PRIVATE);
	colour_table_fini(&t);
	return at;
}

START_TEST(one_page_wins_where_memory_is_dearer_than_synonyms)
{
	ck_assert_uint_eq(crossing("z13", "", -1), 0); /* above 64 MiB */
	ck_assert_uint_eq(crossing("z13", "", 2), 4 * MIB);
	ck_assert_uint_eq(crossing("r4400sc", "", -1), 0);
	ck_assert_uint_eq(crossing("r4400sc", "policy=trap-hsv", -1), 2 * MIB);
}
END_TEST

START_TEST(few_zero_pages_stay_in_the_first_level)
{
	static const char *const preset[] = {"z10", "z196", "zec12"};
	static const uint64_t cost[] = {4, 4, 10};

	for (unsigned i = 0; i < 3; i++) {
		struct colour_config cfg = sizes(1 * MIB, 1 * MIB);
		struct colour_table t = run(preset[i], "", &cfg);

		ck_assert_uint_eq(steady8(&t.machine[0].row[0], COLOUR_ZCOL),
				  cost[i] * 8);
		colour_table_fini(&t);
	}
}
END_TEST

START_TEST(without_colours_one_page_is_best)
{
	static const char *const preset[] = {"skylake", "zen5", "neoverse-n1",
					     "24k-ar", "octeon2"};

	for (unsigned i = 0; i < 5; i++) {
		struct colour_config cfg = sizes(4 * KIB, 4 * MIB);
		struct colour_table t = run(preset[i], "", &cfg);
		const struct colour_machine *m = &t.machine[0];
		uint64_t hit = m->conf.level[0].latency * 8;

		for (size_t k = 0; k < m->rows; k++) {
			ck_assert_uint_eq(steady8(&m->row[k], COLOUR_KSM), hit);
			ck_assert_uint_eq(steady8(&m->row[k], COLOUR_ZONE),
					  hit);
			ck_assert_uint_ge(steady8(&m->row[k], COLOUR_PRIVATE),
					  hit);
		}
		ck_assert_uint_gt(
			colour_crossover(m, COLOUR_KSM, COLOUR_PRIVATE),
			4 * KIB);
		ck_assert_uint_eq(m->variants, 1);
		colour_table_fini(&t);
	}
}
END_TEST

START_TEST(r10000_and_24k_pay_as_worked_out)
{
	struct colour_config cfg = sizes(4 * MIB, 4 * MIB);
	struct colour_table t = run("r10000", "", &cfg);
	const struct colour_row *row = &t.machine[0].row[0];

	/* 6 cycles for each 128 bytes, and 11 for each line of 32 */
	ck_assert_uint_eq(steady8(row, COLOUR_KSM), 100);
	ck_assert_uint_eq(steady8(row, COLOUR_ZONE), 100);
	colour_table_fini(&t);
	t = run("r10000", "zero_order=2", &cfg);
	ck_assert_uint_eq(steady8(&t.machine[0].row[0], COLOUR_UZP), 16);
	colour_table_fini(&t);
	t = run("24k", "", &cfg);
	ck_assert_uint_eq(steady8(&t.machine[0].row[0], COLOUR_KSM), 16);
	ck_assert_uint_eq(t.machine[0].row[0].cell[COLOUR_KSM].cold.dup, 128);
	colour_table_fini(&t);
}
END_TEST

/* ---- what is not known ---- */

START_TEST(the_range_covers_who_serves_a_synonym)
{
	struct colour_config cfg = sizes(64 * KIB, 64 * KIB);
	struct colour_table t = run("z13", "", &cfg);
	const struct colour_cell *c = &t.machine[0].row[0].cell[COLOUR_KSM];
	uint64_t lines = t.machine[0].row[0].lines;

	ck_assert_uint_eq(t.machine[0].variants, 4);
	ck_assert_uint_eq(c->low, lines * 15);
	ck_assert_uint_eq(c->high, lines * 45);
	colour_table_fini(&t);
	cfg.syn_level = 2;
	t = run("z13", "", &cfg);
	c = &t.machine[0].row[0].cell[COLOUR_KSM];
	ck_assert_uint_eq(t.machine[0].variants, 2);
	ck_assert_uint_eq(c->low, lines * 15);
	ck_assert_uint_eq(c->high, lines * 15);
	colour_table_fini(&t);
	cfg.check = 0;
	t = run("z13", "", &cfg);
	ck_assert_uint_eq(t.machine[0].variants, 1);
	ck_assert_uint_eq(t.machine[0].conf.vcolour_check, 0);
	colour_table_fini(&t);
}
END_TEST

START_TEST(random_replacement_is_not_called_settled)
{
	struct colour_config cfg = sizes(128 * KIB, 128 * KIB);
	struct colour_table t = run("loongson3a", "", &cfg);

	ck_assert(!t.machine[0].row[0].cell[COLOUR_PRIVATE].settled);
	colour_table_fini(&t);
}
END_TEST

START_TEST(random_frames_collide_in_a_direct_mapped_cache)
{
	struct colour_config cfg = sizes(1 * MIB, 1 * MIB);
	struct colour_table in_order = run("r4400sc", "", &cfg), t;

	cfg.random = true;
	t = run("r4400sc", "", &cfg);
	ck_assert_uint_gt(
		colour_steady(&t.machine[0].row[0], COLOUR_PRIVATE),
		colour_steady(&in_order.machine[0].row[0], COLOUR_PRIVATE));
	/* Zero pages are a block wherever they are. */
	ck_assert_uint_eq(
		colour_steady(&t.machine[0].row[0], COLOUR_UZP),
		colour_steady(&in_order.machine[0].row[0], COLOUR_UZP));
	colour_table_fini(&t);
	colour_table_fini(&in_order);
}
END_TEST

/* ---- threads and memory ---- */

START_TEST(threads_change_nothing)
{
	struct colour_config cfg = sizes(4 * KIB, 256 * KIB);
	struct colour_table one, many;

	cfg.threads = 1;
	one = run("z13", "", &cfg);
	cfg.threads = 5;
	many = run("z13", "", &cfg);
	ck_assert_uint_eq(one.machine[0].rows, 7);
	ck_assert_mem_eq(one.machine[0].row, many.machine[0].row,
			 7 * sizeof(struct colour_row));
	colour_table_fini(&one);
	colour_table_fini(&many);
}
END_TEST

static int small_table(void *ctx)
{
	struct colour_config cfg = sizes(4 * KIB, 8 * KIB);
	struct cache_conf *conf = ctx;
	unsigned order = 0;
	struct colour_table t;
	char *text = NULL;
	size_t n;
	FILE *f;
	int ret;

	cfg.threads = 1;
	ret = colour_run(conf, &order, 1, &cfg, &t, NULL);
	if (ret)
		return ret;
	f = open_memstream(&text, &n);
	ck_assert_ptr_nonnull(f);
	ret = colour_write_text(&t, f, NULL);
	if (!ret)
		ret = colour_write_tsv(&t, f, NULL);
	colour_table_fini(&t);
	fclose(f);
	free(text);
	return ret;
}

START_TEST(each_allocation_may_fail)
{
	struct cache_conf conf = scan_conf("arm64-2020", "");

	fail_mem_walk(small_table, &conf);
}
END_TEST

static char *written(const struct colour_table *t,
		     int (*fn)(const struct colour_table *, FILE *,
			       struct err *))
{
	char *text = NULL;
	size_t n;
	FILE *f = open_memstream(&text, &n);

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fn(t, f, NULL), 0);
	ck_assert_int_eq(fclose(f), 0);
	return text;
}

START_TEST(all_three_forms_say_the_same)
{
	struct colour_config cfg = sizes(8 * KIB, 8 * KIB);
	struct colour_table t = run("r4400sc", "", &cfg);
	char *text = written(&t, colour_write_text);
	char *tsv = written(&t, colour_write_tsv);
	char *json = written(&t, colour_write_json);

	ck_assert_ptr_nonnull(
		strstr(text, "8 KiB         2     142.5     142.5         2"));
	ck_assert_ptr_nonnull(strstr(text, "71.25"));
	ck_assert_ptr_nonnull(
		strstr(tsv, "r4400sc\t8192\tksm\t256\t1\t33920\t36480\t"));
	ck_assert_ptr_nonnull(strstr(tsv, "\t142.500\t0\t128\t0\t128\n"));
	ck_assert_ptr_nonnull(
		strstr(json, "\"schema\": \"dedupsim.colour/1\""));
	ck_assert_ptr_nonnull(strstr(json, "\"cycles\": 36480"));
	free(text);
	free(tsv);
	free(json);
	colour_table_fini(&t);
}
END_TEST

static Suite *colour_suite(void)
{
	Suite *s = suite_create("colour");
	TCase *t = tcase_create("colour");

	tcase_set_timeout(t, 300);
	tcase_add_test(t, sizes_are_read);
	tcase_add_test(t, sizes_that_are_not_sane_are_refused);
	tcase_add_test(t, pages_must_be_whole);
	tcase_add_test(t, a_level_that_is_not_there_cannot_serve_synonyms);
	tcase_add_test(
		t, use_zero_pages_gives_each_page_the_zero_page_of_its_colour);
	tcase_add_test(t, without_it_each_256_neighbours_share_a_frame);
	tcase_add_test(t, places_run_out_of_memory_cleanly);
	tcase_add_test(t, the_table_of_z13);
	tcase_add_test(t, the_table_of_r4400sc);
	tcase_add_test(t, four_MiB_on_z13_are_the_worked_example);
	tcase_add_test(
		t,
		use_zero_pages_is_as_fast_as_private_pages_up_to_2_MiB_on_z13);
	tcase_add_test(t, one_page_wins_where_memory_is_dearer_than_synonyms);
	tcase_add_test(t, few_zero_pages_stay_in_the_first_level);
	tcase_add_test(t, without_colours_one_page_is_best);
	tcase_add_test(t, r10000_and_24k_pay_as_worked_out);
	tcase_add_test(t, the_range_covers_who_serves_a_synonym);
	tcase_add_test(t, random_replacement_is_not_called_settled);
	tcase_add_test(t, random_frames_collide_in_a_direct_mapped_cache);
	tcase_add_test(t, threads_change_nothing);
	tcase_add_test(t, each_allocation_may_fail);
	tcase_add_test(t, all_three_forms_say_the_same);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(colour_suite());
}
