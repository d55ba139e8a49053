/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/pool/zsmalloc.h"
#include "tests/support/main.h"
#include "tests/support/poolrig.h"

static const struct zsmalloc *zs_of(const struct poolrig *r)
{
	return (const struct zsmalloc *)r->pool;
}

static const struct zs_class *class_of(const struct poolrig *r, uint32_t bytes)
{
	return &zs_of(r)->class[zs_class_for(zs_of(r), bytes)];
}

struct shape {
	char generation[8];
	uint32_t chain, size, pages, objects, wasted;
};

static bool next_shape(FILE *f, struct shape *s)
{
	char line[256];

	while (fgets(line, sizeof(line), f))
		if (sscanf(line,
			   "%7s %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32
			   " %" SCNu32,
			   s->generation, &s->chain, &s->size, &s->pages,
			   &s->objects, &s->wasted) == 6)
			return true;
	return false;
}

static void check_table(const char *generation, const char *set,
			uint32_t classes, uint32_t huge)
{
	FILE *f = fopen("tests/vectors/zsmalloc-classes.tsv", "r");
	const struct zsmalloc *zs;
	uint32_t n = 0, step = 0;
	struct poolrig r;
	struct shape s;

	ck_assert_ptr_nonnull(f);
	poolrig_init(&r, "zsmalloc", set);
	zs = zs_of(&r);
	ck_assert_uint_eq(zs->classes, classes);
	ck_assert_uint_eq(r.pool->huge_bytes, huge);
	while (next_shape(f, &s)) {
		const struct zs_class *c = &zs->class[n];

		if (strcmp(s.generation, generation) ||
		    s.chain != zs->opt.chain)
			continue;
		n++;
		ck_assert_uint_eq(c->size, s.size);
		ck_assert_uint_eq(c->pages, s.pages);
		ck_assert_uint_eq(c->objects, s.objects);
		ck_assert_uint_eq(c->pages * 4096 - c->objects * c->size,
				  s.wasted);
		/* Each length up to here, the handle included, is its own. */
		for (; step < s.size; step++)
			ck_assert_uint_eq(zs_class_at(zs, step + 1), n - 1);
	}
	ck_assert_uint_eq(n, classes);
	ck_assert_uint_eq(step, 4096);
	fclose(f);
	poolrig_fini(&r);
}

START_TEST(every_class_of_chain_4_by_the_rule_of_6_1)
{
	check_table("6.1", "generation=6.1", 69, 3257);
}
END_TEST

START_TEST(every_class_of_chain_4_by_the_rule_of_6_3)
{
	check_table("6.3", "generation=6.3 chain=4", 69, 3257);
}
END_TEST

START_TEST(every_class_of_chain_8_by_the_rule_of_6_3)
{
	check_table("6.15", "generation=6.15", 119, 3625);
}
END_TEST

START_TEST(longer_chains_take_longer_objects)
{
	static const struct {
		const char *set;
		uint32_t huge, classes; /* classes 0: not known */
	} known[] = {
		{"chain=5", 3401, 0},	 {"chain=6", 3497, 0},
		{"chain=10", 3705, 0},	 {"chain=12", 3769, 0},
		{"chain=16", 3833, 192},
	};
	struct poolrig r;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		poolrig_init(&r, "zsmalloc", known[i].set);
		ck_assert_uint_eq(r.pool->huge_bytes, known[i].huge);
		if (known[i].classes)
			ck_assert_uint_eq(zs_of(&r)->classes, known[i].classes);
		poolrig_fini(&r);
	}
}
END_TEST

START_TEST(a_chain_that_the_generation_has_not_is_refused)
{
	struct poolrig r;

	ck_assert_int_eq(poolrig_new(&r, "zsmalloc", "generation=6.1 chain=8"),
			 -EINVAL);
	ck_assert_str_eq(r.err.text, "zsmalloc: chain: 8 pages, but generation "
				     "6.1 has 4 … 4");
	poolrig_fini(&r);
	ck_assert_int_eq(poolrig_new(&r, "zsmalloc", "chain=3"), -EINVAL);
	ck_assert_str_eq(r.err.text, "zsmalloc: chain: 3 pages, but generation "
				     "6.15 has 4 … 16");
	poolrig_fini(&r);
}
END_TEST

/* What lengths 256 … 4096 take beyond themselves, as their share of a zspage:
 * mean of the percentages, in tenths. */
static double slack(const char *set)
{
	double sum = 0;
	struct poolrig r;

	poolrig_init(&r, "zsmalloc", set);
	for (uint32_t len = 256; len <= 4096; len++) {
		const struct zs_class *c = class_of(&r, len);

		sum += c->pages * 4096.0 / c->objects / len - 1;
	}
	poolrig_fini(&r);
	return sum / (4096 - 256 + 1) * 1000;
}

START_TEST(slack_is_six_percent_with_chain_4_and_three_with_chain_8)
{
	ck_assert_double_eq_tol(slack("generation=6.1"), 66, 0.5);
	ck_assert_double_eq_tol(slack("generation=6.3 chain=4"), 66, 0.5);
	ck_assert_double_eq_tol(slack("chain=8"), 29, 0.5);
}
END_TEST

START_TEST(the_bytes_of_a_pool_add_up)
{
	struct poolrig r;

	poolrig_init(&r, "zsmalloc", NULL);
	poolrig_store(&r, 3624); /* 3632: 8 pages, 9 objects, 80 left */
	poolrig_store(&r, 3620);
	poolrig_store(&r, 3625); /* a page of its own */
	ck_assert_uint_eq(r.pool->pages, 9);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_HEADER), 0);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_WORD), 16);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_ROUND), 4 + 4096 - 3625);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_SLIVER), 80);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_HOLE), 7 * 3632);
	ck_assert_int_eq(poolrig_row(&r, "pool", "metadata_bytes"),
			 3 * 8 + 2 * 56);
	ck_assert_int_eq(poolrig_row(&r, "zsmalloc", "nr_zspages"), 2);
	poolrig_check(&r);
	poolrig_fini(&r);
}
END_TEST

START_TEST(without_handles_an_object_may_fill_its_class)
{
	struct poolrig r;

	poolrig_init(&r, "zsmalloc", "generation=3.3");
	ck_assert_uint_eq(zs_of(&r)->classes, 255);
	ck_assert_uint_eq(r.pool->huge_bytes, 0);
	for (int i = 0; i < 8; i++)
		poolrig_store(&r, 512);
	ck_assert_uint_eq(r.pool->pages, 1);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_ROUND), 0);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_WORD), 0);
	poolrig_fini(&r);
	poolrig_init(&r, "zsmalloc", "generation=6.1");
	for (int i = 0; i < 8; i++)
		poolrig_store(&r, 512);
	ck_assert_uint_eq(r.pool->pages, 4); /* 528: 4 pages hold 31 */
	poolrig_fini(&r);
}
END_TEST

/* The third object of 3264 bytes in 4 pages begins at 6528: it crosses. */
static struct meter reach_third(const char *set, enum pool_access how)
{
	uint32_t h = 0;
	struct poolrig r;
	struct meter m;

	poolrig_init(&r, "zsmalloc", set);
	for (int i = 0; i < 3; i++)
		h = poolrig_store(&r, 3256);
	pool_reach(r.pool, 1, how, &r.meter);
	ck_assert_uint_eq(r.meter.count[OP_OBJ_SPLIT], 0);
	pool_reach(r.pool, h, how, &r.meter);
	m = r.meter;
	ck_assert_uint_eq(m.count[OP_OBJ_REACH], 2);
	ck_assert_uint_eq(m.count[OP_OBJ_SPLIT], 1);
	poolrig_fini(&r);
	return m;
}

START_TEST(a_straddling_object_costs_two_mappings_or_a_copy)
{
	struct meter m = reach_third("generation=3.3", POOL_READ);

	ck_assert_uint_eq(m.count[OP_OBJ_MAP], 2);
	ck_assert_uint_eq(m.count[OP_TLB_LOCAL], 2);
	ck_assert_uint_eq(m.count[OP_OBJ_COPY_BYTES], 0);
	m = reach_third("generation=6.1", POOL_READ);
	ck_assert_uint_eq(m.count[OP_OBJ_MAP], 0);
	ck_assert_uint_eq(m.count[OP_OBJ_COPY_BYTES], 3264);
	m = reach_third("generation=6.4 chain=4", POOL_READ_WRITE);
	ck_assert_uint_eq(m.count[OP_OBJ_COPY_BYTES], 2 * 3264);
	m = reach_third("generation=6.15 chain=4", POOL_WRITE);
	ck_assert_uint_eq(m.count[OP_OBJ_COPY_BYTES], 3256);
}
END_TEST

/* How many of @n objects of that length straddle. */
static uint32_t straddling(const char *set, uint32_t len, uint32_t n)
{
	struct poolrig r;
	uint32_t split;

	poolrig_init(&r, "zsmalloc", set);
	for (uint32_t i = 0; i < n; i++)
		poolrig_store(&r, len);
	for (uint32_t h = 1; h <= n; h++)
		pool_reach(r.pool, h, POOL_READ, &r.meter);
	split = (uint32_t)r.meter.count[OP_OBJ_SPLIT];
	poolrig_fini(&r);
	return split;
}

START_TEST(objects_straddle_where_their_slot_crosses_a_page)
{
	/* 1632, 2 pages, 5 objects: object 2 begins at 3264 with 832 left. */
	ck_assert_uint_eq(straddling("generation=6.4 chain=4", 1537, 5), 1);
	ck_assert_uint_eq(straddling("generation=6.15 chain=4", 1537, 5), 1);
	/* 3264, 4 pages, 5 objects: 1, 2, 3 begin at 3264, 6528, 9792; 4 begins
	 * at 13056, 768 into the last page. */
	ck_assert_uint_eq(straddling("generation=6.4 chain=4", 3065, 5), 3);
	/* 2048 ends with the page; 1360 and 4096 have one page each. */
	ck_assert_uint_eq(straddling("generation=6.4 chain=4", 2040, 8), 0);
	ck_assert_uint_eq(straddling("generation=6.1", 1352, 30), 0);
	ck_assert_uint_eq(straddling("generation=6.1", 4096, 30), 0);
	/* 848, 4 pages, 19 objects: 4 begins at 3392 with 704 left, 9 at 7632
	 * with 560, 14 at 11872 with 416. */
	ck_assert_uint_eq(straddling("generation=6.1", 840, 19), 3);
	/* 2448, 3 pages, 5 objects: 1 begins at 2448 with 1648 left, 2 at 4896
	 * with 3296, 3 at 7344 with 848, 4 at 9792 with 2496. */
	ck_assert_uint_eq(straddling("generation=6.1", 2440, 5), 2);
}
END_TEST

/* Then "does the slot cross" and "does the object cross" are one question. */
static void check_short(const struct zsmalloc *zs)
{
	uint32_t shortest = 1;

	for (uint32_t k = 0; k < zs->classes; k++) {
		const struct zs_class *c = &zs->class[k];

		for (uint32_t i = 0; i < c->objects; i++) {
			uint32_t left = 4096 - i * c->size % 4096;

			ck_assert(left >= c->size || left < shortest);
		}
		shortest = c->size + 1;
	}
}

START_TEST(no_object_fits_where_its_class_crosses_a_page)
{
	struct poolrig r;
	char set[32];

	poolrig_init(&r, "zsmalloc", "generation=6.1");
	check_short(zs_of(&r));
	poolrig_fini(&r);
	for (int chain = 4; chain <= 16; chain++) {
		snprintf(set, sizeof(set), "chain=%d", chain);
		poolrig_init(&r, "zsmalloc", set);
		check_short(zs_of(&r));
		poolrig_fini(&r);
	}
}
END_TEST

START_TEST(the_last_zspage_to_become_so_full_is_used_next)
{
	struct poolrig r;
	struct pool_place a, b;
	uint32_t h;

	poolrig_init(&r, "zsmalloc", NULL);
	for (int i = 0; i < 27; i++)
		poolrig_store(&r, 3624); /* three zspages of nine */
	poolrig_drop(&r, 1);
	poolrig_drop(&r, 10);
	pool_where(r.pool, 11, &a);
	h = poolrig_store(&r, 3624);
	pool_where(r.pool, h, &b);
	ck_assert_uint_eq(a.part[0].frame / ZS_CHAIN_MAX,
			  b.part[0].frame / ZS_CHAIN_MAX);
	poolrig_fini(&r);
}
END_TEST

/* 624: 2 pages, 13 objects.  Two zspages of one group, 9 and 8 used; whichever
 * is put back: which is the head then? */
static uint32_t head_after(const char *set, uint32_t back)
{
	struct poolrig r;
	struct zsmalloc *zs;
	struct zs_class *c;
	uint32_t head, group;

	poolrig_init(&r, "zsmalloc", set);
	zs = (struct zsmalloc *)r.pool;
	c = &zs->class[zs_class_for(zs, 616)];
	for (int i = 0; i < 26; i++)
		poolrig_store(&r, 616);
	for (uint32_t h = 1; h <= 4; h++)
		poolrig_drop(&r, h);
	for (uint32_t h = 14; h <= 18; h++)
		poolrig_drop(&r, h);
	ck_assert_uint_eq(zs_zspage(c, 1)->used, 9);
	ck_assert_uint_eq(zs_zspage(c, 2)->used, 8);
	group = zs_zspage(c, 1)->group;
	ck_assert_uint_eq(zs_zspage(c, 2)->group, group);
	zs_take(c, back);
	zs_put(zs, c, back);
	head = c->list[group].first;
	ck_assert_uint_eq(c->list[group].last, 3 - head);
	poolrig_check(&r);
	poolrig_fini(&r);
	return head;
}

START_TEST(a_head_that_is_fuller_stays_head_before_6_4)
{
	ck_assert_uint_eq(head_after("generation=6.1", 1), 1);
	ck_assert_uint_eq(head_after("generation=6.1", 2), 1);
	ck_assert_uint_eq(head_after("generation=6.3", 2), 1);
	ck_assert_uint_eq(head_after("generation=6.4", 1), 1);
	ck_assert_uint_eq(head_after("generation=6.4", 2), 2);
}
END_TEST

START_TEST(compaction_leaves_less_than_a_zspage_of_holes)
{
	static const char *const sets[] = {"generation=6.1", "generation=6.3",
					   "generation=6.15", "chain=16"};
	struct prng rng = prng_fork(1, "compaction");

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		struct poolrig r;
		uint64_t freeable, pages;

		poolrig_init(&r, "zsmalloc", sets[i]);
		for (int n = 0; n < 5000; n++)
			poolrig_store(&r,
				      32 + (uint32_t)prng_below(&rng, 4065));
		for (uint32_t h = 1; h <= 5000; h++)
			if (prng_below(&rng, 2))
				poolrig_drop(&r, h);
		freeable = pool_compactable(r.pool);
		pages = r.pool->pages;
		ck_assert_uint_gt(freeable, 500);
		ck_assert_uint_eq(pool_compact(r.pool, &r.meter), freeable);
		ck_assert_uint_eq(r.pool->pages, pages - freeable);
		ck_assert_uint_eq(r.pool->totals.compacted_pages, freeable);
		ck_assert_uint_eq(pool_compactable(r.pool), 0);
		ck_assert_uint_eq(r.meter.count[OP_OBJ_MOVE],
				  r.pool->totals.moved);
		poolrig_check(&r);
		ck_assert_uint_eq(pool_compact(r.pool, &r.meter), 0);
		poolrig_fini(&r);
	}
}
END_TEST

START_TEST(nothing_moves_without_handles)
{
	struct pool_reclaimed got;
	struct poolrig r;

	poolrig_init(&r, "zsmalloc", "generation=3.3");
	for (int n = 0; n < 100; n++)
		poolrig_store(&r, 3000);
	for (uint32_t h = 1; h <= 100; h++)
		if (h % 4)
			poolrig_drop(&r, h);
	ck_assert_uint_eq(pool_compactable(r.pool), 0);
	ck_assert_uint_eq(pool_compact(r.pool, &r.meter), 0);
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), -EOPNOTSUPP);
	ck_assert_uint_eq(got.frames, 0);
	poolrig_fini(&r);
}
END_TEST

START_TEST(reclaim_empties_the_oldest_zspage)
{
	struct pool_reclaimed got;
	struct poolrig r;

	poolrig_init(&r, "zsmalloc", "victim=oldest");
	for (int i = 0; i < 8; i++)
		poolrig_store(&r, 3000); /* handles 1 … 4 and 5 … 8 */
	poolrig_store(&r, 4096);
	poolrig_drop(&r, 2);
	poolrig_store(&r, 3000); /* into the first zspage, now the youngest */
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), 0);
	ck_assert_uint_eq(got.frames, 3);
	ck_assert_uint_eq(got.evicted, 4);
	ck_assert_uint_eq(got.evicted_bytes, 4 * 3000);
	for (uint32_t i = 0; i < 4; i++)
		ck_assert_uint_eq(r.evicted[i], 5 + i);
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), 0);
	ck_assert_uint_eq(got.frames, 1);
	ck_assert_uint_eq(r.evicted[4], 9);
	poolrig_check(&r);
	ck_assert_int_eq(poolrig_reclaim(&r, 9, &got), -EAGAIN);
	ck_assert_uint_eq(got.frames, 3);
	ck_assert_uint_eq(r.pool->pages, 0);
	poolrig_fini(&r);
}
END_TEST

START_TEST(reclaim_empties_the_emptiest_zspage)
{
	struct pool_reclaimed got;
	struct poolrig r;

	poolrig_init(&r, "zsmalloc", "victim=emptiest");
	for (int i = 0; i < 12; i++)
		poolrig_store(&r, 3000);
	for (uint32_t h = 5; h < 8; h++)
		poolrig_drop(&r, h);
	ck_assert_int_eq(poolrig_reclaim(&r, 3, &got), 0);
	ck_assert_uint_eq(got.evicted, 1);
	ck_assert_uint_eq(r.evicted[0], 8);
	poolrig_check(&r);
	poolrig_fini(&r);
}
END_TEST

START_TEST(reclaim_that_may_not_evict_compacts)
{
	struct pool_reclaimed got;
	struct poolrig r;

	poolrig_init(&r, "zsmalloc", NULL);
	for (int i = 0; i < 8; i++)
		poolrig_store(&r, 3000);
	for (uint32_t h = 1; h < 9; h += 2)
		poolrig_drop(&r, h);
	ck_assert_int_eq(poolrig_reclaim(&r, 2, &got), 0);
	ck_assert_uint_eq(got.frames, 3);
	ck_assert_uint_eq(got.evicted, 0);
	ck_assert_uint_eq(got.moved, 2);
	ck_assert_uint_eq(got.moved_bytes, 2 * 3072);
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), -EAGAIN);
	poolrig_fini(&r);
}
END_TEST

START_TEST(recompression_compares_classes_without_the_handle)
{
	struct poolrig r;

	poolrig_init(&r, "zsmalloc", NULL);
	/* Up to 3584 by length alone; with the handle from 3577 on, 3632. */
	ck_assert_uint_eq(zs_of(&r)->class[zs_class_at(zs_of(&r), 3584)].size,
			  3584);
	ck_assert_uint_eq(class_of(&r, 3584)->size, 3632);
	ck_assert_uint_eq(class_of(&r, 3576)->size, 3584);
	poolrig_fini(&r);
}
END_TEST

static Suite *zsmalloc_suite(void)
{
	Suite *s = suite_create("zsmalloc");
	TCase *t = tcase_create("zsmalloc");

	tcase_add_test(t, every_class_of_chain_4_by_the_rule_of_6_1);
	tcase_add_test(t, every_class_of_chain_4_by_the_rule_of_6_3);
	tcase_add_test(t, every_class_of_chain_8_by_the_rule_of_6_3);
	tcase_add_test(t, longer_chains_take_longer_objects);
	tcase_add_test(t, a_chain_that_the_generation_has_not_is_refused);
	tcase_add_test(
		t, slack_is_six_percent_with_chain_4_and_three_with_chain_8);
	tcase_add_test(t, the_bytes_of_a_pool_add_up);
	tcase_add_test(t, without_handles_an_object_may_fill_its_class);
	tcase_add_test(t, a_straddling_object_costs_two_mappings_or_a_copy);
	tcase_add_test(t, objects_straddle_where_their_slot_crosses_a_page);
	tcase_add_test(t, no_object_fits_where_its_class_crosses_a_page);
	tcase_add_test(t, the_last_zspage_to_become_so_full_is_used_next);
	tcase_add_test(t, a_head_that_is_fuller_stays_head_before_6_4);
	tcase_add_test(t, compaction_leaves_less_than_a_zspage_of_holes);
	tcase_add_test(t, nothing_moves_without_handles);
	tcase_add_test(t, reclaim_empties_the_oldest_zspage);
	tcase_add_test(t, reclaim_empties_the_emptiest_zspage);
	tcase_add_test(t, reclaim_that_may_not_evict_compacts);
	tcase_add_test(t, recompression_compares_classes_without_the_handle);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(zsmalloc_suite());
}
