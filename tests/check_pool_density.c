/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Objects to a frame, and objects to lose for a frame, of pools that hold 20000
 * objects with lengths of a bell curve, fresh and after 100000 replacements.
 * The figures to meet come from another program with the same rules and other
 * random numbers.
 */
#include <errno.h>

#include "tests/support/main.h"
#include "tests/support/poolrig.h"

#define OBJECTS 20000u
#define REPLACED 100000u
#define WORD 8u /* of zswap, where a pool evicts by itself */

struct load {
	struct poolrig r;
	struct prng rng;
	double mean, sd;
	uint32_t *handle; /* [OBJECTS] */
	uint64_t *born;	  /* [OBJECTS] count of stores before it */
	uint32_t *order;  /* [OBJECTS] indices, oldest first; after churn */
	uint64_t stores;
};

static void store(struct load *l, uint32_t k)
{
	uint32_t word = l->r.pool->ops->evicts ? WORD : 0;
	uint32_t most = l->r.pool->bytes_max;

	/* What xvmalloc never finds room for. */
	if (l->r.pool->ops == &pool_xvmalloc)
		most = 4088;
	l->handle[k] =
		poolrig_store(&l->r, word + poolrig_normal(&l->rng, l->mean,
							   l->sd, most - word));
	l->born[k] = l->stores++;
}

static void load_init(struct load *l, const char *pool, const char *set,
		      double mean, double sd)
{
	*l = (struct load){.mean = mean, .sd = sd};
	l->rng = prng_fork(1, "density");
	l->handle = calloc(OBJECTS, sizeof(*l->handle));
	l->born = calloc(OBJECTS, sizeof(*l->born));
	l->order = calloc(OBJECTS, sizeof(*l->order));
	ck_assert(l->handle && l->born && l->order);
	poolrig_init(&l->r, pool, set);
	for (uint32_t i = 0; i < OBJECTS; i++)
		store(l, i);
}

static void load_fini(struct load *l)
{
	poolrig_fini(&l->r);
	free(l->handle);
	free(l->born);
	free(l->order);
}

/* No two are born at once, so the place is the number of older ones. */
static void sort_by_age(struct load *l)
{
	uint32_t *at = calloc(l->stores, sizeof(*at)), n = 0;

	ck_assert_ptr_nonnull(at);
	for (uint32_t i = 0; i < OBJECTS; i++)
		at[l->born[i]] = i + 1;
	for (uint64_t t = 0; t < l->stores; t++)
		if (at[t])
			l->order[n++] = at[t] - 1;
	ck_assert_uint_eq(n, OBJECTS);
	free(at);
}

/* Random ones go, each before its successor comes. */
static void load_churn(struct load *l)
{
	for (uint32_t i = 0; i < REPLACED; i++) {
		uint32_t k = (uint32_t)prng_below(&l->rng, OBJECTS);

		poolrig_drop(&l->r, l->handle[k]);
		store(l, k);
	}
	sort_by_age(l);
	poolrig_check(&l->r);
}

static double density(const struct load *l)
{
	return (double)l->r.pool->objects.count / (double)l->r.pool->pages;
}

static const struct {
	const char *pool, *set;
} kinds[] = {
	{"zbud", NULL},		 {"z3fold", NULL},
	{"xvmalloc", NULL},	 {"zsmalloc", "generation=6.1"},
	{"zsmalloc", "chain=8"},
};
#define KINDS 5

static const struct {
	double mean, sd;
	struct {
		double fresh, churned;
	} want[KINDS];
} rows[] = {
	{2048,
	 50,
	 {{1.09, 1.09},
	  {1.04, 1.04},
	  {1.78, 1.76},
	  {1.85, 1.84},
	  {1.92, 1.90}}},
	{2048,
	 200,
	 {{1.56, 1.58},
	  {1.44, 1.45},
	  {1.90, 1.91},
	  {1.87, 1.85},
	  {1.93, 1.87}}},
	{2048,
	 500,
	 {{1.77, 1.79},
	  {1.70, 1.72},
	  {1.92, 1.93},
	  {1.87, 1.82},
	  {1.90, 1.81}}},
	{1900,
	 50,
	 {{2.00, 2.00},
	  {2.00, 2.00},
	  {2.00, 2.00},
	  {2.00, 2.00},
	  {2.09, 2.05}}},
	{1300,
	 500,
	 {{2.00, 2.00},
	  {2.82, 2.90},
	  {3.03, 3.04},
	  {2.93, 2.84},
	  {2.93, 2.75}}},
	{2900,
	 400,
	 {{1.01, 1.01},
	  {1.01, 1.01},
	  {1.02, 1.02},
	  {1.30, 1.29},
	  {1.37, 1.33}}},
};
#define ROWS ((int)(sizeof(rows) / sizeof(rows[0])))

/* One sample of lengths against another's: within 1.5 %. */
static void check_density(const struct load *l, double want, const char *when)
{
	double is = density(l);

	ck_assert_msg(is > want * 0.985 && is < want * 1.015,
		      "%s, mean %g, sd %g, %s: %.3f objects a frame, not %.2f",
		      l->r.pool->ops->name, l->mean, l->sd, when, is, want);
}

START_TEST(density_against_the_lengths)
{
	struct load l;

	for (int k = 0; k < KINDS; k++) {
		load_init(&l, kinds[k].pool, kinds[k].set, rows[_i].mean,
			  rows[_i].sd);
		check_density(&l, rows[_i].want[k].fresh, "fresh");
		load_churn(&l);
		check_density(&l, rows[_i].want[k].churned, "churned");
		load_fini(&l);
	}
}
END_TEST

/* ---- what a frame costs ---- */

struct cost {
	double objects, bytes; /* evicted per frame freed */
	double moved;	       /* bytes copied per frame freed */
};

static uint64_t frames_of(const struct load *l, double share)
{
	return (uint64_t)((double)l->r.pool->pages * share);
}

/* The pool chooses. */
static struct cost by_pool(struct load *l, double share)
{
	struct pool_reclaimed got;
	int ret = poolrig_reclaim(&l->r, frames_of(l, share), &got);

	ck_assert_int_eq(ret, 0);
	poolrig_check(&l->r);
	return (struct cost){
		(double)got.evicted / (double)got.frames,
		(double)got.evicted_bytes / (double)got.frames,
		(double)got.moved_bytes / (double)got.frames,
	};
}

/* The owner drops its oldest; @compacts: and compacts each time. */
static struct cost oldest_first(struct load *l, double share, bool compacts)
{
	const struct pool *p = l->r.pool;
	uint64_t from, goal, moved, bytes = p->asked_bytes;
	uint32_t n = 0;
	double frames;

	if (compacts)
		pool_compact(l->r.pool, &l->r.meter);
	from = p->totals.freed_pages;
	moved = p->totals.moved_bytes;
	goal = frames_of(l, share);
	while (p->totals.freed_pages - from < goal) {
		ck_assert_uint_lt(n, OBJECTS);
		poolrig_drop(&l->r, l->handle[l->order[n++]]);
		if (compacts)
			pool_compact(l->r.pool, &l->r.meter);
	}
	poolrig_check(&l->r);
	frames = (double)(p->totals.freed_pages - from);
	return (struct cost){
		n / frames,
		(double)(bytes - p->asked_bytes) / frames,
		(double)(p->totals.moved_bytes - moved) / frames,
	};
}

enum how { POOL_CHOOSES, OLDEST, OLDEST_COMPACTED };

static const struct bell {
	double mean, sd;
} bells[] = {{2048, 500}, {2900, 400}, {1300, 500}};

/* Shares of all frames, and what one of them costs, by bell. */
static const struct {
	const char *pool, *set;
	enum how how;
	double share, within;
	struct cost want[3];
} costs[] = {
	{"zbud",
	 NULL,
	 POOL_CHOOSES,
	 0.01,
	 0.05,
	 {{1.06, 2741, 0}, {1.00, 2937, 0}, {2.00, 2548, 0}}},
	{"zbud",
	 NULL,
	 POOL_CHOOSES,
	 0.05,
	 0.05,
	 {{1.26, 3009, 0}, {1.00, 2921, 0}, {2.00, 2573, 0}}},
	{"zbud",
	 NULL,
	 POOL_CHOOSES,
	 0.20,
	 0.05,
	 {{1.51, 3318, 0}, {1.00, 2906, 0}, {2.00, 2592, 0}}},
	{"zsmalloc",
	 "chain=8",
	 OLDEST,
	 0.05,
	 0.10,
	 {{14.5, 29790, 0}, {11.3, 32639, 0}, {20.0, 26046, 0}}},
	{"zsmalloc",
	 "chain=8",
	 OLDEST,
	 0.20,
	 0.05,
	 {{6.8, 13898, 0}, {4.9, 14098, 0}, {10.8, 14114, 0}}},
	{"zsmalloc",
	 "generation=6.1",
	 OLDEST,
	 0.05,
	 0.10,
	 {{12.2, 25012, 0}, {4.6, 13185, 0}, {21.8, 28298, 0}}},
	{"zsmalloc",
	 "generation=6.1",
	 OLDEST,
	 0.20,
	 0.05,
	 {{5.9, 12034, 0}, {3.4, 9786, 0}, {10.0, 13101, 0}}},
	{"zsmalloc",
	 "chain=8",
	 OLDEST_COMPACTED,
	 0.20,
	 0.05,
	 {{1.94, 3987, 0}, {1.39, 4010, 0}, {3.08, 4011, 0}}},
	{"zsmalloc",
	 "chain=8 victim=oldest",
	 POOL_CHOOSES,
	 0.20,
	 0.05,
	 {{1.46, 3120, 0}, {1.17, 3476, 0}, {1.84, 2687, 0}}},
};
#define COSTS ((int)(sizeof(costs) / sizeof(costs[0])))

static void check_cost(int i, int j, double is, double want, const char *unit)
{
	double within = costs[i].within;

	ck_assert_msg(is > want * (1 - within) && is < want * (1 + within),
		      "%s %s, mean %g, %g of all: %.2f %s a frame, not %.2f",
		      costs[i].pool, costs[i].set ? costs[i].set : "",
		      bells[j].mean, costs[i].share, is, unit, want);
}

START_TEST(what_a_frame_costs_by_pool_and_victim)
{
	struct load l;
	struct cost c;

	for (int j = 0; j < 3; j++) {
		load_init(&l, costs[_i].pool, costs[_i].set, bells[j].mean,
			  bells[j].sd);
		load_churn(&l);
		if (costs[_i].how == POOL_CHOOSES)
			c = by_pool(&l, costs[_i].share);
		else
			c = oldest_first(&l, costs[_i].share,
					 costs[_i].how == OLDEST_COMPACTED);
		check_cost(_i, j, c.objects, costs[_i].want[j].objects,
			   "objects");
		check_cost(_i, j, c.bytes, costs[_i].want[j].bytes, "bytes");
		if (costs[_i].how == OLDEST_COMPACTED)
			ck_assert(c.moved > 2300 * 0.9 && c.moved < 3100 * 1.1);
		else
			ck_assert(c.moved == 0);
		load_fini(&l);
	}
}
END_TEST

/* Known: 455 … 513 frames and 196 … 271, of one sample each; what is left over
 * in each class makes them vary. */
START_TEST(compaction_alone_frees_some_percent_of_a_churned_pool)
{
	static const struct {
		const char *set;
		uint64_t least, most;
	} known[] = {{"chain=8", 400, 560}, {"generation=6.1", 100, 310}};

	for (int i = 0; i < 2; i++)
		for (int j = 0; j < 3; j++) {
			const struct pool_totals *t;
			struct load l;
			uint64_t pages;

			load_init(&l, "zsmalloc", known[i].set, bells[j].mean,
				  bells[j].sd);
			load_churn(&l);
			pages = pool_compact(l.r.pool, &l.r.meter);
			t = &l.r.pool->totals;
			ck_assert_uint_ge(pages, known[i].least);
			ck_assert_uint_le(pages, known[i].most);
			ck_assert_uint_gt(t->moved_bytes, 0);
			ck_assert_uint_lt(t->moved_bytes / pages, 3200);
			ck_assert_uint_eq(pool_compactable(l.r.pool), 0);
			load_fini(&l);
		}
}
END_TEST

/* Of two lengths only those of at most 1976 bytes share, by zswap's word. */
START_TEST(zbud_is_worst_at_half_a_page)
{
	struct load l;

	load_init(&l, "zbud", NULL, 1900, 50);
	ck_assert(density(&l) > 1.99);
	load_fini(&l);
	load_init(&l, "zbud", NULL, 2048, 50);
	ck_assert(density(&l) < 1.1);
	load_fini(&l);
}
END_TEST

static Suite *density_suite(void)
{
	Suite *s = suite_create("pool_density");
	TCase *t = tcase_create("pool_density");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, density_against_the_lengths, 0, ROWS);
	tcase_add_loop_test(t, what_a_frame_costs_by_pool_and_victim, 0, COSTS);
	tcase_add_test(t,
		       compaction_alone_frees_some_percent_of_a_churned_pool);
	tcase_add_test(t, zbud_is_worst_at_half_a_page);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(density_suite());
}
