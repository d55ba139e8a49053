/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/run/reclaim.h"

/* Refusals in a row after which a length that fits will not come. */
#define REFUSALS_MAX 1000u

const char *const reclaim_policy_name[] = {
#define X(sym, name) name,
	RECLAIM_POLICIES(X)
#undef X
		NULL,
};

struct job {
	const struct reclaim_config *cfg;
	struct reclaim_result *res;
	struct pool *pool;
	struct meter meter;
	struct prng lengths, victims;
	uint32_t word;	 /* bytes in front of each object */
	uint32_t *slot;	 /* [objects] handles, in no order */
	uint32_t *age;	 /* by handle: count of stores; later: place by age */
	size_t age_cap;	 /* of age[] */
	uint32_t *order; /* by age: handle, 0 when it is gone */
	uint64_t stores;
	/* eviction */
	struct reclaim_point now;
	uint64_t next;	/* of order[], for oldest-object */
	uint64_t ranks; /* sum over evicted objects */
	bool failed;
};

/* ---- how a pool follows a policy ---- */

static const struct opt *victim_option(const struct pool_ops *ops)
{
	return ops->opts ? opt_find(ops->opts, "victim") : NULL;
}

enum reclaim_way reclaim_way(const struct pool_ops *ops,
			     enum reclaim_policy policy)
{
	if (policy == RECLAIM_OLDEST_OBJECT)
		return RECLAIM_BY_OBJECT;
	if (!ops->reclaim)
		return RECLAIM_CANNOT;
	return victim_option(ops) ? RECLAIM_BY_VICTIM : RECLAIM_BY_POOL;
}

bool reclaim_compacts(const struct pool_ops *ops)
{
	return ops->compact;
}

/* The pool with the victims that the policy wants. */
static int open_pool(struct job *j, struct err *err)
{
	const struct reclaim_config *cfg = j->cfg;
	const struct pool_ops *ops = cfg->ops;
	static const char *const victim[] = {"none", "oldest", "emptiest"};
	void *opts;
	int ret = 0;

	if (reclaim_way(ops, cfg->policy) == RECLAIM_CANNOT)
		return err_set(err, EINVAL,
			       "%s gives no pages back by itself: of the "
			       "policies it has oldest-object only",
			       ops->name);
	if (!victim_option(ops))
		return pool_new(&j->pool, ops, cfg->opts, err);
	opts = mem_zalloc(1, ops->opts_size);
	if (!opts)
		return -ENOMEM;
	if (cfg->opts)
		memcpy(opts, cfg->opts, ops->opts_size);
	else
		opt_defaults(ops->opts, opts);
	ret = opt_set(ops->opts, opts, "victim", victim[cfg->policy], err);
	if (!ret)
		ret = pool_new(&j->pool, ops, opts, err);
	free(opts);
	return ret;
}

/* ---- filling ---- */

static int store(struct job *j, uint32_t *handle, struct err *err)
{
	uint32_t bytes = 0, h;
	int ret = -ENOSPC;

	for (unsigned i = 0; ret == -ENOSPC && i < REFUSALS_MAX; i++) {
		bytes = sizes_draw(j->cfg->sizes, &j->lengths);
		if (bytes + j->word <= j->pool->bytes_max)
			ret = pool_alloc(j->pool, bytes + j->word, &h,
					 &j->meter, NULL);
		j->res->refused += ret == -ENOSPC;
	}
	if (ret == -ENOSPC)
		return err_set(err, EINVAL,
			       "%s: hardly an object fits; the last that did "
			       "not has %" PRIu32 " bytes",
			       j->cfg->ops->name, bytes);
	if (!ret)
		ret = mem_reserve(&j->age, &j->age_cap, (size_t)h + 1,
				  sizeof(*j->age));
	if (ret)
		return ret;
	j->age[h] = (uint32_t)j->stores;
	j->order[j->stores++] = h;
	*handle = h;
	return 0;
}

static int fill(struct job *j, struct err *err)
{
	int ret = 0;

	for (uint64_t i = 0; !ret && i < j->cfg->objects; i++)
		ret = store(j, &j->slot[i], err);
	return ret;
}

static int churn(struct job *j, struct err *err)
{
	uint64_t n = j->cfg->objects * j->cfg->churn;
	int ret = 0;

	for (uint64_t i = 0; !ret && i < n; i++) {
		uint32_t *s =
			&j->slot[prng_below(&j->victims, j->cfg->objects)];
		uint32_t was = *s;

		ret = store(j, s, err);
		if (ret)
			break;
		j->order[j->age[was]] = 0;
		pool_free(j->pool, was, &j->meter);
	}
	return ret;
}

/* After filling and after churn: are the pages fewer than allowed, and is
 * everything in order? */
static int check(const struct job *j, struct err *err)
{
	uint64_t bytes = j->pool->pages_peak * PAGE_BYTES,
		 limit = j->cfg->limit;
	char has[40], may[40];

	if (limit && bytes > limit)
		return err_set(
			err, EINVAL,
			"%s: the limit of %s is below what is stored: "
			"%" PRIu64 " objects take %s",
			j->cfg->ops->name, text_bytes(may, sizeof(may), limit),
			j->cfg->objects, text_bytes(has, sizeof(has), bytes));
	if (j->cfg->paranoid && pool_check(j->pool, stderr))
		return err_set(err, EINVAL, "%s: an invariant is broken",
			       j->cfg->ops->name);
	return 0;
}

/* From counts of stores to places: the oldest object has place 0. */
static void rank_by_age(struct job *j)
{
	uint32_t n = 0;

	for (uint64_t i = 0; i < j->stores; i++) {
		uint32_t h = j->order[i];

		if (!h)
			continue;
		j->age[h] = n;
		j->order[n++] = h;
	}
	assert(n == j->cfg->objects);
}

static void take_state(const struct job *j, struct reclaim_state *s)
{
	struct pool_place place;

	*s = (struct reclaim_state){
		.pages = j->pool->pages,
		.objects = j->pool->objects.count,
		.compactable = pool_compactable(j->pool),
	};
	s->bytes = j->pool->asked_bytes - s->objects * j->word;
	for (uint32_t h = 0; (h = pool_next(j->pool, h));) {
		pool_where(j->pool, h, &place);
		s->split += place.parts > 1;
	}
}

/* ---- eviction ---- */

static void note(struct job *j, uint32_t handle, uint32_t bytes)
{
	j->ranks += j->age[handle];
	j->now.evicted++;
	j->now.evicted_bytes += bytes - j->word;
	j->order[j->age[handle]] = 0;
}

static int give_up(void *ctx, uint32_t handle, uint32_t bytes)
{
	note(ctx, handle, bytes);
	return 0;
}

static int keep(void *ctx, uint32_t handle, uint32_t bytes)
{
	(void)ctx;
	(void)handle;
	(void)bytes;
	return -EBUSY;
}

/* One object; false: none is left. */
static bool drop_oldest(struct job *j)
{
	static const struct pool_owner keeper = {.evict = keep};
	struct pool_reclaimed got;
	uint32_t h;

	if (j->next == j->cfg->objects)
		return false;
	h = j->order[j->next++];
	note(j, h, pool_bytes(j->pool, h));
	pool_free(j->pool, h, &j->meter);
	/* The first zcache holds on to empty pages until it is asked. */
	if (j->pool->ops->reclaim && !j->pool->ops->compact &&
	    !j->pool->ops->evicts)
		pool_reclaim(j->pool, 1, &keeper, &got, &j->meter);
	return true;
}

/* One frame, or as many as come with it. */
static bool ask_pool(struct job *j)
{
	const struct pool_owner owner = {.evict = give_up, .ctx = j};
	struct pool_reclaimed got;
	uint64_t before = j->now.evicted;

	if (!j->pool->objects.count)
		return false;
	pool_reclaim(j->pool, 1, &owner, &got, &j->meter);
	return got.frames || j->now.evicted > before;
}

static bool evict_step(struct job *j)
{
	uint64_t before = j->pool->pages;
	bool more = j->cfg->policy == RECLAIM_OLDEST_OBJECT ? drop_oldest(j)
							    : ask_pool(j);

	if (j->cfg->compact)
		pool_compact(j->pool, &j->meter);
	if (j->pool->pages < before) {
		j->now.gains++;
		if (!j->now.freed_pages)
			j->now.first = j->now.evicted;
		j->now.freed_pages += before - j->pool->pages;
	}
	return more;
}

static int evict(struct job *j, struct err *err)
{
	const struct pool_totals was = j->pool->totals;
	const uint64_t pages = j->pool->pages;
	int ret = 0;

	for (size_t i = 0; !ret && i < j->cfg->nshares; i++) {
		struct reclaim_point *p = &j->res->point[i];
		bool more = true;

		j->now.wanted_pages =
			(pages * j->cfg->share[i] + RECLAIM_WHOLE - 1) /
			RECLAIM_WHOLE;
		while (more && j->now.freed_pages < j->now.wanted_pages)
			more = evict_step(j);
		*p = j->now;
		p->reached = p->freed_pages >= p->wanted_pages;
		p->moved = j->pool->totals.moved - was.moved;
		p->moved_bytes = j->pool->totals.moved_bytes - was.moved_bytes;
		p->age_error = j->ranks;
		if (p->evicted)
			p->age_error -= p->evicted * (p->evicted - 1) / 2;
		ret = check(j, err);
	}
	return ret;
}

/* ---- all of it ---- */

static int run(struct job *j, struct err *err)
{
	int ret = fill(j, err);

	if (!ret)
		ret = check(j, err);
	if (ret)
		return ret;
	take_state(j, &j->res->fresh);
	ret = churn(j, err);
	if (!ret)
		ret = check(j, err);
	if (ret)
		return ret;
	rank_by_age(j);
	take_state(j, &j->res->churned);
	if (j->cfg->compact) {
		uint64_t was = j->pool->totals.moved_bytes;

		j->res->compacted_pages = pool_compact(j->pool, &j->meter);
		j->res->compacted_bytes = j->pool->totals.moved_bytes - was;
	}
	take_state(j, &j->res->start);
	return evict(j, err);
}

int reclaim_run(const struct reclaim_config *cfg, struct reclaim_result *res,
		struct err *err)
{
	struct job j = {
		.cfg = cfg,
		.res = res,
		.lengths = prng_fork(cfg->seed, "reclaim.sizes"),
		.victims = prng_fork(cfg->seed, "reclaim.churn"),
		.word = cfg->ops->evicts ? RECLAIM_WORD_BYTES : 0,
	};
	uint64_t stores = cfg->objects * (cfg->churn + 1);
	int ret;

	assert(cfg->objects && cfg->objects <= RECLAIM_OBJECTS_MAX);
	*res = (struct reclaim_result){0};
	if (stores > UINT32_MAX)
		return err_set(err, EINVAL,
			       "%" PRIu64 " objects, each replaced %" PRIu64
			       " times, are too many to keep in order of age",
			       cfg->objects, cfg->churn);
	meter_init(&j.meter, NULL);
	j.slot = mem_zalloc(cfg->objects, sizeof(*j.slot));
	j.order = mem_zalloc(stores, sizeof(*j.order));
	res->point = mem_zalloc(cfg->nshares, sizeof(*res->point));
	ret = j.slot && j.order && res->point ? 0 : -ENOMEM;
	if (!ret)
		ret = open_pool(&j, err);
	if (!ret)
		ret = run(&j, err);
	pool_destroy(j.pool);
	mem_release(j.age, j.age_cap, sizeof(*j.age));
	free(j.order);
	free(j.slot);
	if (ret)
		reclaim_result_fini(res);
	return ret;
}

void reclaim_result_fini(struct reclaim_result *res)
{
	free(res->point);
	*res = (struct reclaim_result){0};
}
