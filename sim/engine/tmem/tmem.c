/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tmem.c - a host begins and ends; calls, gets, flushes
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/engine/tmem/impl.h"

#define RESERVE_SHIFT 7u /* 1/128 of memory is not given to single pages */

/* ---- life ---- */

static void config(struct tmem *t, const struct tmem_config *cfg)
{
	static const struct {
		enum tmem_revision first, last;
	} had[] = {
#define X(sym, name, first, last, help) {TMEM_##first, TMEM_##last},
		TMEM_DEFECTS(X)
#undef X
	};

	t->cfg = *cfg;
	for (unsigned d = 0; d < TMEM_DEFECT_COUNT; d++)
		t->bad[d] = cfg->shipped[d] && cfg->revision >= had[d].first &&
			    cfg->revision <= had[d].last;
	t->dedup = cfg->dedup && cfg->revision < TMEM_R4;
	/* R0 has none; with compression it is switched off. */
	t->tze = t->dedup && cfg->tze && !cfg->compress &&
		 cfg->revision > TMEM_R0;
	t->frames.host_free = cfg->frames ? cfg->frames : UINT64_MAX;
	t->frames.reserve = cfg->frames >> RESERVE_SHIFT;
}

int tmem_new(struct tmem **out, const struct tmem_config *cfg)
{
	struct tmem *t = mem_zalloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	config(t, cfg);
	arena_init(&t->page, sizeof(struct tmem_page));
	arena_init(&t->pcd, sizeof(struct tmem_pcd));
	arena_init(&t->object, sizeof(struct tmem_object));
	arena_init(&t->node, sizeof(struct tmem_node));
	arena_init(&t->pool, sizeof(struct tmem_pool));
	arena_init(&t->client, sizeof(struct tmem_client));
	arena_init(&t->block, sizeof(struct tmem_block));
	t->blocks = mem_zalloc(1, sizeof(*t->blocks));
	if (!t->blocks || arena_new(&t->page, &t->head)) {
		tmem_free(t);
		return -ENOMEM;
	}
	tmem_list_init(t, t->head);
	*out = t;
	return 0;
}

void tmem_free(struct tmem *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->client_cap; i++) {
		struct tmem_client *c = tmem_client_at(t, t->client_of[i]);

		if (!t->client_of[i])
			continue;
		mem_release(c->log, c->log_cap, sizeof(*c->log));
		free(c->blocks);
	}
	for (uint32_t i = 1; i <= t->pool.used; i++) {
		struct tmem_pool *p = tmem_pool_at(t, i);

		if (p->used)
			mem_release(p->sharer, p->sharer_cap,
				    sizeof(*p->sharer));
	}
	mem_release(t->client_of, t->client_cap, sizeof(*t->client_of));
	mem_release(t->frames.list, t->frames.list_cap, sizeof(uint32_t));
	mem_release(t->frames.back, t->frames.back_cap, sizeof(uint32_t));
	mem_release(t->frames.content, t->frames.content_cap, sizeof(uint32_t));
	arena_fini(&t->page);
	arena_fini(&t->pcd);
	arena_fini(&t->object);
	arena_fini(&t->node);
	arena_fini(&t->pool);
	arena_fini(&t->client);
	arena_fini(&t->block);
	free(t->bucket);
	free(t->blocks);
	free(t);
}

/* ---- gets and flushes ---- */

/* What a get reads, under the lock of the shard if the page has one. */
static void copy_out(struct tmem *t, const struct tmem_page *pg,
		     struct meter *m)
{
	bool shared = pg->flags & TMEM_IN_PCD, packed = pg->flags & TMEM_PACKED;
	uint64_t from = tmem_time_begin(t, m);

	if (shared)
		hold(t, TMEM_LOCK_SHARD, pg->shard, false);
	meter_add(m, packed ? OP_EXPAND : OP_PAGE_COPY, 1);
	if (shared)
		drop(t, TMEM_LOCK_SHARD, pg->shard);
	tmem_time_end(t, packed ? TMEM_T_UNPACK : TMEM_T_COPY, from, m);
}

static int get(struct tmem *t, uint32_t client, uint32_t pool,
	       struct tmem_call *c, struct meter *m)
{
	struct tmem_pool *p = tmem_pool_at(t, pool);
	struct tmem_client *own = tmem_client_at(t, p->owner);
	uint32_t object, page;

	if (!p->stats.pages.now)
		return TMEM_EEMPTY;
	p->stats.gets++;
	object = tmem_object_lock(t, pool, c->oid, m);
	page = object ? tmem_radix_find(t, object, c->index) : 0;
	if (!page) {
		if (object)
			drop(t, TMEM_LOCK_OBJECT, object);
		return 0;
	}
	c->content = tmem_page_at(t, page)->content;
	copy_out(t, tmem_page_at(t, page), m);
	if (p->persistent) {
		own->pers_gets++;
	} else if (p->shared) {
		hold(t, TMEM_LOCK_LISTS, 0, true);
		tmem_list_rotate(t, page, m);
		drop(t, TMEM_LOCK_LISTS, 0);
		tmem_object_at(t, object)->last_client = client;
		own->eph_gets++;
	} else {
		tmem_page_delete(t, page, m);
		own->eph_gets++;
	}
	tmem_object_done(t, object, m);
	p->stats.gets_found++;
	return 1;
}

static int flush_page(struct tmem *t, uint32_t pool, const struct tmem_call *c,
		      struct meter *m)
{
	struct tmem_pool *p = tmem_pool_at(t, pool);
	uint32_t object, page;

	p->stats.flushes++;
	object = tmem_object_lock(t, pool, c->oid, m);
	page = object ? tmem_radix_find(t, object, c->index) : 0;
	if (page) {
		tmem_page_delete(t, page, m);
		p->stats.flushes_found++;
	}
	if (object)
		tmem_object_done(t, object, m);
	return tmem_client_at(t, p->owner)->frozen ? TMEM_EFROZEN : 1;
}

static int flush_object(struct tmem *t, uint32_t pool,
			const struct tmem_call *c, struct meter *m)
{
	struct tmem_pool *p = tmem_pool_at(t, pool);
	uint32_t object;

	p->stats.object_flushes++;
	hold(t, TMEM_LOCK_POOL, pool, true);
	object = tmem_object_find(t, pool, c->oid, m);
	if (object) {
		tmem_object_flush(t, object, m);
		p->stats.objects_found++;
	}
	drop(t, TMEM_LOCK_POOL, pool);
	return tmem_client_at(t, p->owner)->frozen ? TMEM_EFROZEN : 1;
}

/* ---- locks that nobody drops ---- */

/* Does any page of this pool (and object) wait for a dead shard? */
static bool any_stuck(const struct tmem *t, uint32_t pool,
		      const struct tmem_call *c)
{
	for (uint32_t i = tmem_page_at(t, t->head)->link[TMEM_ALL].next;
	     i != t->head; i = tmem_page_at(t, i)->link[TMEM_ALL].next) {
		const struct tmem_page *pg = tmem_page_at(t, i);
		const struct tmem_object *o = tmem_object_at(t, pg->object);

		if (pg->flags & TMEM_IN_PCD && t->dead[pg->shard] &&
		    o->pool == pool &&
		    (c->op == TMEM_DESTROY_POOL ||
		     !memcmp(o->oid, c->oid, sizeof(o->oid))))
			return true;
	}
	return false;
}

static bool hangs(const struct tmem *t, uint32_t pool,
		  const struct tmem_call *c)
{
	uint32_t page;

	if (likely(!t->stuck))
		return false;
	if (c->op == TMEM_FLUSH_OBJECT || c->op == TMEM_DESTROY_POOL)
		return any_stuck(t, pool, c);
	if (c->op == TMEM_PUT && !tmem_pool_at(t, pool)->persistent &&
	    t->dead[tmem_shard(t, c->content, false)])
		return true;
	page = tmem_find(t, pool, c->oid, c->index);
	return page && tmem_page_at(t, page)->flags & TMEM_IN_PCD &&
	       t->dead[tmem_page_at(t, page)->shard];
}

/* ---- calls ---- */

/* Room in the log of a client that is being migrated. */
static int log_room(struct tmem *t, uint32_t client, uint32_t pool,
		    const struct tmem_call *c)
{
	struct tmem_client *own;
	uint64_t pages = 1;
	uint32_t object;
	struct meter m;

	(void)client;
	if (!pool)
		return 0;
	own = tmem_client_at(t, tmem_pool_at(t, pool)->owner);
	if (likely(!own->migrating))
		return 0;
	meter_init(&m, NULL);
	object = tmem_object_find(t, pool, c->oid, &m);
	if (c->op == TMEM_DESTROY_POOL)
		pages = tmem_pool_at(t, pool)->stats.pages.now;
	else if (c->op == TMEM_FLUSH_OBJECT && object)
		pages = tmem_object_at(t, object)->pages;
	return mem_reserve(&own->log, &own->log_cap, own->logged + pages,
			   sizeof(*own->log));
}

static int page_op(struct tmem *t, uint32_t client, uint32_t pool,
		   struct tmem_call *c, struct meter *m)
{
	if (!pool)
		return TMEM_ENODEV;
	if (hangs(t, pool, c))
		return TMEM_HANGS;
	switch (c->op) {
	case TMEM_PUT:
		return tmem_put(t, client, pool, c, m);
	case TMEM_GET:
		return get(t, client, pool, c, m);
	case TMEM_FLUSH_PAGE:
		return flush_page(t, pool, c, m);
	default:
		return flush_object(t, pool, c, m);
	}
}

static void count_time(struct tmem *t, const struct tmem_call *c, uint64_t from,
		       const struct meter *m)
{
	static const uint8_t good[TMEM_OP_COUNT] = {
		[TMEM_PUT] = TMEM_T_PUT,
		[TMEM_GET] = TMEM_T_GET,
		[TMEM_FLUSH_PAGE] = TMEM_T_FLUSH,
		[TMEM_FLUSH_OBJECT] = TMEM_T_FLUSH_OBJECT,
	};
	uint8_t what = good[c->op];

	if (c->op == TMEM_NEW_POOL || c->op == TMEM_DESTROY_POOL)
		return;
	if (c->result != 1 && c->op == TMEM_PUT)
		what = TMEM_T_NO_PUT;
	else if (c->result != 1 && c->op == TMEM_GET)
		what = TMEM_T_NO_GET;
	tmem_time_end(t, (enum tmem_timed)what, from, m);
}

static void count_result(struct tmem *t, const struct tmem_call *c)
{
	struct tmem_stats *s = &t->stats;

	s->errors += c->result < 0;
	s->puts += c->op == TMEM_PUT;
	s->puts_stored += c->op == TMEM_PUT && c->result == 1;
	s->gets += c->op == TMEM_GET;
	s->gets_found += c->op == TMEM_GET && c->result == 1;
}

static int carry_out(struct tmem *t, uint32_t client, uint32_t pool,
		     struct tmem_call *c, struct meter *m)
{
	bool whole = c->op == TMEM_NEW_POOL || c->op == TMEM_DESTROY_POOL;
	int ret = 0;

	/* Whoever waits for all others to end also keeps them from beginning. */
	if (t->bad[TMEM_BAD_SERIAL] && !whole) {
		hold(t, TMEM_LOCK_HOST, 0, true);
		drop(t, TMEM_LOCK_HOST, 0);
	}
	hold(t, TMEM_LOCK_HOST, 0, whole);
	if (c->op == TMEM_NEW_POOL)
		ret = tmem_new_pool(t, client, c);
	else if (c->op != TMEM_DESTROY_POOL)
		c->result = page_op(t, client, pool, c, m);
	else if (pool && hangs(t, pool, c))
		c->result = TMEM_HANGS;
	else
		c->result = tmem_destroy_pool(t, client, c->pool, m);
	drop(t, TMEM_LOCK_HOST, 0);
	return ret;
}

int tmem_room_for_control(struct tmem *t)
{
	return tmem_room(t);
}

int tmem_call(struct tmem *t, struct tmem_call *c, struct meter *m)
{
	uint32_t client, pool = 0;
	uint64_t from;
	int ret = tmem_client_get(t, c->client, &client);

	if (ret || tmem_room(t))
		return -ENOMEM;
	if (c->op != TMEM_NEW_POOL && c->pool < TMEM_POOLS)
		pool = tmem_client_at(t, client)->pool[c->pool];
	if (log_room(t, client, pool, c))
		return -ENOMEM;
	if (t->trace)
		t->trace->begin(t->trace->ctx, c);
	from = tmem_time_begin(t, m);
	meter_add(m, OP_HYPERCALL, 1);
	ret = carry_out(t, client, pool, c, m);
	t->stats.ops += !ret;
	if (!ret) {
		count_result(t, c);
		count_time(t, c, from, m);
		if (t->cfg.timings)
			tmem_client_at(t, client)->spent +=
				meter_spent(m).v - from;
	}
	if (t->trace)
		t->trace->end(t->trace->ctx, c);
	return ret;
}
