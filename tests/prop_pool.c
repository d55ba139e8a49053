/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A million operations on pools, with few objects or with many, against a map
 * of every byte and what the owner remembers.
 */
#include <errno.h>
#include <string.h>

#include "tests/support/main.h"
#include "tests/support/poolmap.h"
#include "tests/support/poolrig.h"

#define STEPS 100000 /* for each of the kinds: a million in all */
#define HANDLES 4096u
#define CHECK_EVERY 1000

static const struct {
	const char *pool, *set;
} kinds[] = {
	{"zsmalloc", NULL},
	{"zsmalloc", "generation=3.3"},
	{"zsmalloc", "generation=6.1 victim=oldest"},
	{"zsmalloc", "generation=6.3 chain=16 victim=emptiest"},
	{"zsmalloc", "generation=6.4 chain=5 victim=oldest"},
	{"zbud", NULL},
	{"z3fold", NULL},
	{"xvmalloc", NULL},
	{"zcache-zbud", "version=zcache"},
	{"zcache-zbud", "version=rewrite"},
};
#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

struct churn {
	struct poolrig r;
	int kind;
	struct prng rng;
	struct poolmap map;
	uint16_t bytes[HANDLES]; /* by handle, as the owner remembers */
	uint32_t live, goal;
	uint64_t asked, moved;
};

static uint32_t below(struct churn *c, uint32_t n)
{
	return (uint32_t)prng_below(&c->rng, n);
}

static uint32_t random_length(struct churn *c)
{
	uint32_t max = c->r.pool->bytes_max;

	switch (below(c, 4)) {
	case 0:
		return 1 + below(c, max);
	case 1:
		return max - below(c, max / 2);
	case 2:
		return 1 + below(c, 300);
	default:
		return 1900 + below(c, 200);
	}
}

static void remember(struct churn *c, uint32_t handle, uint32_t bytes)
{
	ck_assert_uint_lt(handle, HANDLES);
	ck_assert((c->bytes[handle] == 0) == (bytes != 0));
	c->asked += bytes;
	c->asked -= c->bytes[handle];
	c->bytes[handle] = (uint16_t)bytes;
	c->live += bytes ? 1 : UINT32_MAX;
}

static void follow(struct churn *c)
{
	if (c->moved != c->r.pool->totals.moved)
		poolmap_follow(&c->map, c->r.pool);
	c->moved = c->r.pool->totals.moved;
}

static void store(struct churn *c)
{
	uint32_t len = random_length(c), h = 0;
	int ret = pool_alloc(c->r.pool, len, &h, &c->r.meter, NULL);

	if (ret == -ENOSPC) {
		ck_assert_str_eq(kinds[c->kind].pool, "xvmalloc");
		ck_assert_uint_gt(len, 4088);
		return;
	}
	ck_assert_int_eq(ret, 0);
	remember(c, h, len);
	poolmap_add(&c->map, c->r.pool, h);
}

static void drop(struct churn *c)
{
	uint32_t h = 0;

	if (c->live)
		h = pool_next(c->r.pool, below(c, c->r.pool->objects.used));
	if (!h)
		return;
	ck_assert_uint_eq(pool_bytes(c->r.pool, h), c->bytes[h]);
	poolmap_remove(&c->map, h);
	remember(c, h, 0);
	poolrig_drop(&c->r, h);
	follow(c);
}

static int evict(void *ctx, uint32_t handle, uint32_t bytes)
{
	struct churn *c = ctx;

	if (!below(c, 4))
		return -EBUSY;
	ck_assert_uint_eq(c->bytes[handle], bytes);
	poolmap_remove(&c->map, handle);
	remember(c, handle, 0);
	return 0;
}

static void reclaim(struct churn *c)
{
	struct pool_owner owner = {.evict = evict, .ctx = c};
	struct pool *p = c->r.pool;
	struct pool_reclaimed got;
	uint64_t pages = p->pages;
	int ret = pool_reclaim(p, 1 + below(c, 4), &owner, &got, &c->r.meter);

	ck_assert(!ret || ret == -EAGAIN || ret == -EOPNOTSUPP);
	ck_assert_uint_eq(p->pages, pages - got.frames);
	follow(c);
}

static void compact(struct churn *c)
{
	uint64_t may = pool_compactable(c->r.pool);

	ck_assert_uint_eq(pool_compact(c->r.pool, &c->r.meter), may);
	ck_assert_uint_eq(pool_compactable(c->r.pool), 0);
	follow(c);
}

static void step(struct churn *c, int i)
{
	if (i % 5000 == 0)
		c->goal = below(c, i % 3 ? 60 : 600);
	if (i % 499 == 0)
		compact(c);
	else if (i % 97 == 0)
		reclaim(c);
	else if (below(c, 8) < (c->live < c->goal ? 5u : 3u))
		store(c);
	else
		drop(c);
}

static void check(const struct churn *c)
{
	poolrig_check(&c->r);
	poolmap_verify(&c->map, c->r.pool);
	ck_assert_uint_eq(c->r.pool->objects.count, c->live);
	ck_assert_uint_eq(c->r.pool->asked_bytes, c->asked);
}

START_TEST(a_million_operations_keep_objects_apart)
{
	struct churn *c = calloc(1, sizeof(*c));

	ck_assert_ptr_nonnull(c);
	c->kind = _i;
	c->rng = prng_fork(test_seed(1) + (uint64_t)_i, "churn");
	poolrig_init(&c->r, kinds[_i].pool, kinds[_i].set);
	poolmap_init(&c->map);
	for (int i = 0; i < STEPS; i++) {
		step(c, i);
		if (i % CHECK_EVERY == 0)
			check(c);
	}
	while (c->live)
		drop(c);
	check(c);
	ck_assert_uint_gt(c->r.pool->totals.stored, STEPS / 4);
	poolmap_fini(&c->map);
	poolrig_fini(&c->r);
	free(c);
}
END_TEST

static Suite *prop_pool_suite(void)
{
	Suite *s = suite_create("prop_pool");
	TCase *t = tcase_create("prop_pool");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, a_million_operations_keep_objects_apart, 0,
			    KINDS);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(prop_pool_suite());
}
