/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Clusters, refusals, division, memory and sampling of the accounting.
 */
#include <errno.h>

#include "sim/base/os.h"
#include "sim/base/prng.h"
#include "sim/core/pages.h"
#include "sim/engine/pageone/sdcount.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

struct rig {
	enum page_rule rule;
	struct content_set *set;
	struct sdcount *c;
	struct sd_counts sum;
	uint64_t sampled;
};

static const uint8_t *rule_page(void *self, uint32_t id, uint8_t *buf)
{
	const struct rig *g = self;

	page_fill(buf, g->rule, id);
	return buf;
}

static void contents(struct rig *g, enum page_rule rule, uint32_t n)
{
	struct content_source src = {.self = g, .count = n, .bytes = rule_page};

	*g = (struct rig){.rule = rule};
	ck_assert_int_eq(content_set_new(&g->set, &src,
					 NEED_PREFIX | NEED_BYTES, os_cpus(),
					 NULL),
			 0);
}

static void open_count(struct rig *g, struct sdcount_conf conf)
{
	conf.contents = g->set;
	ck_assert_int_eq(sdcount_new(&g->c, &conf), 0);
}

static void rig_fini(struct rig *g)
{
	sdcount_free(g->c);
	content_set_free(g->set);
}

static struct sd_done op(struct rig *g, enum sd_op what, uint32_t id)
{
	struct sd_done d;

	ck_assert_int_eq(sdcount_op(g->c, what, id, &d), 0);
	sd_counts_add(&g->sum, &d.n);
	g->sampled += d.sampled;
	return d;
}

/* The next eight of 5000. */
static const uint32_t *ahead(uint32_t id)
{
	static uint32_t next[8];

	for (uint32_t i = 0; i < 8; i++)
		next[i] = (id + i) % 5000;
	return next;
}

static struct sd_memory memory(const struct rig *g)
{
	struct sd_memory m;

	sdcount_memory(g->c, &m);
	return m;
}

START_TEST(what_is_stored_and_deleted_leaves_nothing)
{
	struct rig g;
	struct sd_memory m;

	contents(&g, RULE_ID, 5000);
	open_count(&g, (struct sdcount_conf){.clusters = (enum sd_clusters)_i});
	for (uint32_t id = 0; id < 5000; id++) {
		if (id % 8 == 0)
			sdcount_warm(g.c, ahead(id), 8);
		op(&g, SD_OP_NEW, id);
	}
	m = memory(&g);
	ck_assert_uint_eq(m.objects, 5000);
	ck_assert_uint_eq(g.sum.hdr_new, 5000);
	ck_assert_uint_eq(m.vectors, m.clusters + g.sum.vec_new);
	ck_assert_uint_ge(m.bytes, 8 * m.vectors + 16 * m.objects);
	ck_assert_uint_ge(m.block_bytes, 8 * m.vectors + 16 * m.objects);
	ck_assert_uint_ge(m.page_bytes, m.block_bytes);
	ck_assert_uint_eq(m.page_bytes % PAGE_BYTES, 0);
	for (uint32_t id = 0; id < 5000; id++) {
		op(&g, SD_OP_DUP, id);
		op(&g, SD_OP_KEPT, id);
	}
	for (uint32_t id = 0; id < 5000; id++)
		op(&g, SD_OP_LAST, id);
	ck_assert_uint_eq(memory(&g).objects, 0);
	ck_assert_uint_eq(memory(&g).vectors, m.clusters);
	ck_assert_uint_eq(g.sum.vec_new, g.sum.vec_free);
	/* one per insert, count up, count down; to delete: the count, and two
	 * per vector, or one for a root that is emptied */
	ck_assert_uint_ge(g.sum.cas, 4 * 5000 + 2 * g.sum.vec_free);
	ck_assert_uint_le(g.sum.cas, 5 * 5000 + 2 * g.sum.vec_free);
	ck_assert_uint_eq(sdcount_error(g.c), 0);
	rig_fini(&g);
}
END_TEST

/* The upper tree costs a little, the lower trees are lower. */
START_TEST(balanced_clusters_are_shorter_to_search)
{
	uint64_t visits[2];

	for (int i = 0; i < 2; i++) {
		struct rig g;

		contents(&g, RULE_ID, 60000);
		open_count(&g, (struct sdcount_conf){
				       .clusters = i ? SD_CLUSTERS_BALANCED
						     : SD_CLUSTERS_SINGLE});
		for (uint32_t id = 0; id < 60000; id++)
			op(&g, SD_OP_NEW, id);
		g.sum = (struct sd_counts){0};
		for (uint32_t id = 0; id < 60000; id++)
			op(&g, SD_OP_DUP, id);
		ck_assert_uint_eq(g.sum.searches, i ? 120000 : 60000);
		visits[i] = g.sum.visits + g.sum.rep_visits;
		ck_assert_uint_eq(memory(&g).clusters, i ? 257 : 1);
		ck_assert_uint_le(memory(&g).fullest, i ? 234 : 60000);
		rig_fini(&g);
	}
	printf("visits per hit: %.1f in one cluster, %.1f in 257\n",
	       (double)visits[0] / 60000, (double)visits[1] / 60000);
	ck_assert_uint_lt(visits[1], visits[0]);
}
END_TEST

/* Small numbers begin with zeros: all but page 0 are of one cluster. */
START_TEST(p1_sends_pages_that_begin_with_zero_to_one_cluster)
{
	struct rig g;
	struct sd_done d;

	contents(&g, RULE_KEY, 3000);
	open_count(&g, (struct sdcount_conf){.clusters = SD_CLUSTERS_P1,
					     .refuse = 1000});
	op(&g, SD_OP_NEW, 0);
	for (uint32_t id = 1; id <= 1000; id++) {
		ck_assert(!sdcount_refuses(g.c, id));
		op(&g, SD_OP_NEW, id);
	}
	ck_assert_uint_eq(memory(&g).fullest, 1000);
	ck_assert(sdcount_refuses(g.c, 1001));
	ck_assert_int_eq(sdcount_op(g.c, SD_OP_NEW, 1001, &d), -ENOSPC);
	ck_assert_uint_gt(d.n.visits, 0);
	ck_assert_uint_eq(d.n.cas, 0);
	ck_assert_uint_eq(memory(&g).objects, 1001);
	op(&g, SD_OP_DUP, 1000);
	op(&g, SD_OP_LAST, 7);
	op(&g, SD_OP_NEW, 1001);
	ck_assert(sdcount_refuses(g.c, 7));
	rig_fini(&g);
}
END_TEST

START_TEST(a_division_moves_the_lowest)
{
	struct rig g;
	struct sd_counts n = {0};

	contents(&g, RULE_KEY, 3000);
	open_count(&g, (struct sdcount_conf){.clusters = SD_CLUSTERS_P1,
					     .refuse = 1600,
					     .divide = 1000,
					     .move = 400});
	for (uint32_t id = 1; id < 1000; id++)
		op(&g, SD_OP_NEW, id);
	ck_assert_int_eq(sdcount_divide(g.c, &n), 0);
	op(&g, SD_OP_NEW, 2999);
	ck_assert_int_eq(sdcount_divide(g.c, &n), 1);
	ck_assert_uint_eq(n.hdr_new, 400);
	ck_assert_uint_eq(n.hdr_free, 400);
	ck_assert_uint_eq(memory(&g).objects, 1000);
	ck_assert_uint_eq(memory(&g).clusters, 258);
	ck_assert_uint_eq(memory(&g).fullest, 600);
	ck_assert_int_eq(sdcount_divide(g.c, &n), 0);
	/* all are found where they are now */
	for (uint32_t id = 1; id < 1000; id++)
		op(&g, SD_OP_LAST, id);
	ck_assert_uint_eq(memory(&g).objects, 1);
	rig_fini(&g);
}
END_TEST

/* Pages that were not looked at cost what the last one did; sums come out right
 * within a few of the errors that are stated, updates exactly. */
START_TEST(samples_are_near_to_all)
{
	enum { N = 60000 };
	struct sd_counts sum[2];
	uint64_t all[2];
	double err = 0;

	for (int i = 0; i < 2; i++) {
		struct rig g;

		contents(&g, RULE_ID, N);
		open_count(&g, (struct sdcount_conf){.exact_objects = 1000,
						     .sample = i ? 16 : 1,
						     .seed = test_seed(1)});
		for (uint32_t id = 0; id < N; id++) {
			op(&g, SD_OP_NEW, id);
			op(&g, SD_OP_DUP, (uint32_t)splitmix64(id) % (id + 1));
		}
		sum[i] = g.sum;
		all[i] = g.sum.visits + g.sum.rep_visits;
		if (i) {
			err = sdcount_error(g.c) / 1e6;
			ck_assert_uint_lt(g.sampled, N / 6);
			ck_assert_uint_gt(g.sampled, N / 7);
		} else {
			ck_assert_uint_eq(g.sampled, 2 * N);
			ck_assert_uint_eq(sdcount_error(g.c), 0);
		}
		rig_fini(&g);
	}
	printf("sampled / exact - 1 = %.5f, error stated %.5f\n",
	       (double)all[1] / (double)all[0] - 1, err);
	ck_assert_double_gt(err, 0);
	ck_assert_double_lt(err, 0.01);
	ck_assert_double_eq_tol((double)all[1] / (double)all[0], 1, 4 * err);
	ck_assert_uint_eq(sum[0].vec_new, sum[1].vec_new);
	ck_assert_uint_eq(sum[0].cas, sum[1].cas);
	ck_assert_uint_eq(sum[0].searches, sum[1].searches);
}
END_TEST

START_TEST(the_meter_gets_what_was_counted)
{
	struct rig g;
	struct meter m;
	uint64_t bits;

	contents(&g, RULE_ID, 1000);
	open_count(&g, (struct sdcount_conf){.sample = 1});
	meter_init(&m, NULL);
	for (uint32_t i = 0; i < 2000; i++) {
		struct sd_done d =
			op(&g, i < 1000 ? SD_OP_NEW : SD_OP_LAST, i % 1000);

		sdcount_meter(g.c, &m, &d.n);
	}
	bits = g.sum.cmp_bits + g.sum.scan_bits;
	ck_assert_uint_eq(m.count[OP_SD_SEARCH], g.sum.searches);
	ck_assert_uint_eq(m.count[OP_SD_SEARCH], 2 * 1000 + 4 * 1000);
	ck_assert_uint_eq(m.count[OP_SD_VISIT], g.sum.visits);
	ck_assert_uint_eq(m.count[OP_SD_REP_VISIT], g.sum.rep_visits);
	ck_assert_uint_eq(m.count[OP_SD_PAGE], g.sum.pages);
	ck_assert_uint_eq(m.count[OP_SD_BYTES], bits / 8);
	ck_assert_uint_eq(m.count[OP_SD_CAS], g.sum.cas);
	ck_assert_uint_eq(m.count[OP_SD_PIECE],
			  2 * (g.sum.vec_new + g.sum.hdr_new));
	rig_fini(&g);
}
END_TEST

static int use(void *ctx)
{
	struct rig *g = ctx;
	struct sd_done d;
	struct sd_counts n = {0};
	int ret;

	for (int v = 0; v < SD_CLUSTERS_COUNT; v++) {
		struct sdcount_conf conf = {.contents = g->set,
					    .clusters = (enum sd_clusters)v,
					    .divide = 50,
					    .move = 20};

		ret = sdcount_new(&g->c, &conf);
		for (uint32_t id = 0; !ret && id < 100; id++)
			ret = sdcount_op(g->c, SD_OP_NEW, id, &d);
		if (!ret)
			ret = sdcount_divide(g->c, &n);
		if (ret >= 0)
			ret = 0;
		sdcount_free(g->c);
		g->c = NULL;
		if (ret)
			return ret;
	}
	return 0;
}

START_TEST(each_allocation_may_fail)
{
	struct rig g;

	contents(&g, RULE_KEY, 200);
	ck_assert_uint_gt(fail_mem_walk(use, &g), 10);
	rig_fini(&g);
}
END_TEST

static Suite *sdcount_suite(void)
{
	Suite *s = suite_create("sdcount");
	TCase *tc = tcase_create("accounting");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, what_is_stored_and_deleted_leaves_nothing, 0,
			    SD_CLUSTERS_COUNT);
	tcase_add_test(tc, balanced_clusters_are_shorter_to_search);
	tcase_add_test(tc, p1_sends_pages_that_begin_with_zero_to_one_cluster);
	tcase_add_test(tc, a_division_moves_the_lowest);
	tcase_add_test(tc, samples_are_near_to_all);
	tcase_add_test(tc, the_meter_gets_what_was_counted);
	tcase_add_test(tc, each_allocation_may_fail);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_main(sdcount_suite());
}
