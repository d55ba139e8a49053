/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pools.c - clients, their pools, pools that they share
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/engine/tmem/impl.h"

/* ---- clients ---- */

uint32_t tmem_client(const struct tmem *t, uint32_t client)
{
	return client < t->client_cap ? t->client_of[client] : 0;
}

int tmem_client_get(struct tmem *t, uint32_t client, uint32_t *index)
{
	struct tmem_client *c;
	uint32_t head;

	assert(client < TMEM_CLIENT_MAX);
	*index = tmem_client(t, client);
	if (*index)
		return 0;
	if (mem_reserve(&t->client_of, &t->client_cap, (size_t)client + 1,
			sizeof(*t->client_of)) ||
	    arena_new(&t->client, index))
		return -ENOMEM;
	if (arena_new(&t->page, &head)) {
		arena_drop(&t->client, *index);
		return -ENOMEM;
	}
	t->client_of[client] = *index;
	c = tmem_client_at(t, *index);
	c->id = client;
	c->head = head;
	c->compress = t->cfg.compress;
	c->weight = t->cfg.weight;
	c->max_pages = t->cfg.guest_room;
	t->weights += c->weight;
	tmem_list_init(t, head);
	return 0;
}

void tmem_set_weight(struct tmem *t, uint32_t client, uint32_t weight)
{
	struct tmem_client *c = tmem_client_at(t, client);

	t->weights = t->weights - c->weight + weight;
	c->weight = weight;
}

int tmem_set_compress(struct tmem *t, uint32_t client, bool on)
{
	if (t->dedup || (on && !t->cfg.columns.packed_bytes))
		return TMEM_EPERM;
	tmem_client_at(t, client)->compress = on;
	return 0;
}

static void client_free(struct tmem *t, uint32_t client)
{
	struct tmem_client *c = tmem_client_at(t, client);
	uint32_t p;

	/* Pages of others that a change of owners has put here: home again. */
	while ((p = tmem_page_at(t, c->head)->link[TMEM_OWN].next) != c->head) {
		uint32_t object = tmem_page_at(t, p)->object;
		uint32_t pool = tmem_object_at(t, object)->pool;
		uint32_t owner = tmem_pool_at(t, pool)->owner;

		tmem_list_del(t, TMEM_OWN, p);
		tmem_list_add(t, TMEM_OWN, tmem_client_at(t, owner)->head, p);
	}
	t->weights -= c->weight;
	mem_release(c->log, c->log_cap, sizeof(*c->log));
	free(c->blocks);
	arena_drop(&t->page, c->head);
	t->client_of[c->id] = 0;
	arena_drop(&t->client, client);
}

int tmem_client_end(struct tmem *t, uint32_t client, struct meter *m)
{
	uint32_t i = tmem_client(t, client);

	if (!i)
		return 0;
	tmem_client_at(t, i)->migrating = false; /* nobody reads its log */
	for (uint32_t id = 0; id < TMEM_POOLS; id++)
		tmem_destroy_pool(t, i, id, m);
	/* Its allocator's first frame goes with it. */
	if (tmem_client_at(t, i)->blocks)
		tmem_blocks_end(t, i, m);
	client_free(t, i);
	return 0;
}

/* ---- new pools ---- */

/* Longer names of objects came with a new version of the interface. */
static uint8_t tmem_version(const struct tmem *t)
{
	return t->cfg.revision <= TMEM_R1 ? 1 : 2;
}

static bool all_ones(const uint64_t uuid[2])
{
	return uuid[0] == UINT64_MAX && uuid[1] == UINT64_MAX;
}

static bool same_uuid(const uint64_t a[2], const uint64_t b[2])
{
	return a[0] == b[0] && a[1] == b[1];
}

/* May it join pools of that name, or any when nobody checks? */
static bool may_share(const struct tmem_client *c, const uint64_t uuid[2])
{
	if (all_ones(uuid))
		return false;
	for (unsigned i = 0; i < c->uuids; i++)
		if (same_uuid(c->uuid[i], uuid))
			return true;
	return !c->auth;
}

static uint32_t shared_pool(const struct tmem *t, const uint64_t uuid[2])
{
	for (unsigned i = 0; i < TMEM_POOLS; i++) {
		uint32_t pool = t->shared_pool[i];

		if (pool && same_uuid(tmem_pool_at(t, pool)->uuid, uuid))
			return pool;
	}
	return 0;
}

/* @was in the list of shared pools becomes @is; 0: none. */
static void list_shared(struct tmem *t, uint32_t was, uint32_t is)
{
	unsigned i = 0;

	while (t->shared_pool[i] != was)
		i++;
	t->shared_pool[i] = is;
}

static int join(struct tmem *t, uint32_t pool, uint32_t client, uint32_t id)
{
	struct tmem_pool *p = tmem_pool_at(t, pool);

	if (mem_reserve(&p->sharer, &p->sharer_cap, p->sharers + 1,
			sizeof(*p->sharer)))
		return -ENOMEM;
	p->sharer[p->sharers++] = (struct tmem_sharer){client, id};
	tmem_client_at(t, client)->pool[id] = pool;
	return 0;
}

static int make(struct tmem *t, uint32_t client, uint32_t id, bool persistent,
		bool shared, const uint64_t uuid[2])
{
	struct tmem_client *c = tmem_client_at(t, client);
	struct tmem_pool *p;
	uint32_t pool;

	if (persistent && !c->blocks) {
		c->blocks = mem_zalloc(1, sizeof(*c->blocks));
		if (!c->blocks)
			return -ENOMEM;
		c->blocks->owner = client;
	}
	if (arena_new(&t->pool, &pool))
		return -ENOMEM;
	p = tmem_pool_at(t, pool);
	p->owner = client;
	p->id = id;
	p->persistent = persistent;
	if (shared && join(t, pool, client, id)) {
		arena_drop(&t->pool, pool);
		return -ENOMEM;
	}
	p->shared = shared;
	p->used = true;
	p->uuid[0] = shared ? uuid[0] : 0;
	p->uuid[1] = shared ? uuid[1] : 0;
	c->pool[id] = pool;
	t->shared += shared;
	if (shared)
		list_shared(t, 0, pool);
	return 0;
}

int tmem_new_pool(struct tmem *t, uint32_t client, struct tmem_call *call)
{
	const struct tmem_client *c = tmem_client_at(t, client);
	bool persistent = call->flags & TMEM_PERSISTENT;
	bool shared = call->flags & TMEM_SHARED;
	uint32_t id = 0, pool;
	int ret;

	call->result = TMEM_EPERM;
	if (call->page_code ||
	    (call->version && call->version != tmem_version(t)))
		return 0;
	if (shared && persistent && t->cfg.revision >= TMEM_R3)
		return 0;
	while (id < TMEM_POOLS && c->pool[id])
		id++;
	if (id == TMEM_POOLS)
		return 0;
	shared = shared && may_share(c, call->uuid);
	pool = shared ? shared_pool(t, call->uuid) : 0;
	if (shared && !pool && t->shared == TMEM_POOLS)
		return 0;
	if (pool && tmem_pool_at(t, pool)->sharers == TMEM_SHARERS_MAX)
		return 0;
	ret = pool ? join(t, pool, client, id)
		   : make(t, client, id, persistent, shared, call->uuid);
	if (!ret)
		call->result = (int)id;
	return ret;
}

/* ---- pools go ---- */

uint64_t tmem_object_flush(struct tmem *t, uint32_t object, struct meter *m)
{
	uint64_t pages = 0;

	while (tmem_object_at(t, object)->pages) {
		tmem_page_delete(t, tmem_radix_first(t, object), m);
		pages++;
	}
	tmem_object_free(t, object, m);
	return pages;
}

/* Objects of a pool; with @last only those that this client used last. */
static void flush_objects(struct tmem *t, uint32_t pool, uint32_t last,
			  struct meter *m)
{
	uint32_t i = tmem_pool_at(t, pool)->objects.next, next;

	for (; i; i = next) {
		const struct tmem_object *o = tmem_object_at(t, i);

		next = o->in.next;
		if (last == TMEM_NO_CLIENT || o->last_client == last)
			tmem_object_flush(t, i, m);
	}
}

/*
 * As shipped all ephemeral pages of the old owner go before those of the new
 * one; only the pool's are counted there.
 */
static void move_pages(struct tmem *t, uint32_t pool, uint32_t from,
		       uint32_t to)
{
	uint32_t old = tmem_client_at(t, from)->head;
	uint32_t head = tmem_client_at(t, to)->head;
	uint32_t at = tmem_page_at(t, head)->link[TMEM_OWN].next;
	uint32_t p = tmem_page_at(t, old)->link[TMEM_OWN].next, next;

	for (; p != old; p = next) {
		uint32_t object = tmem_page_at(t, p)->object;

		next = tmem_page_at(t, p)->link[TMEM_OWN].next;
		if (!t->bad[TMEM_BAD_OWNER] &&
		    tmem_object_at(t, object)->pool != pool)
			continue;
		tmem_list_del(t, TMEM_OWN, p);
		tmem_list_add(t, TMEM_OWN, at, p); /* in front of @at */
	}
}

static void change_owner(struct tmem *t, uint32_t pool)
{
	struct tmem_pool *p = tmem_pool_at(t, pool);
	struct tmem_client *was = tmem_client_at(t, p->owner), *is;
	uint64_t pages = p->persistent ? 0 : p->stats.pages.now;

	if (p->owner != p->sharer[0].client)
		move_pages(t, pool, p->owner, p->sharer[0].client);
	p->owner = p->sharer[0].client;
	p->id = p->sharer[0].pool;
	is = tmem_client_at(t, p->owner);
	most_sub(&was->eph, pages);
	most_add(&is->eph, pages);
}

static void leave(struct tmem_pool *p, uint32_t client, uint32_t id)
{
	size_t i = 0;

	while (p->sharer[i].client != client || p->sharer[i].pool != id)
		i++;
	for (p->sharers--; i < p->sharers; i++)
		p->sharer[i] = p->sharer[i + 1];
}

int tmem_destroy_pool(struct tmem *t, uint32_t client, uint32_t id,
		      struct meter *m)
{
	struct tmem_client *c = tmem_client_at(t, client);
	uint32_t pool = id < TMEM_POOLS ? c->pool[id] : 0;
	struct tmem_pool *p;

	if (!pool)
		return 0;
	p = tmem_pool_at(t, pool);
	c->pool[id] = 0;
	if (p->shared)
		leave(p, client, id);
	if (p->sharers) {
		flush_objects(t, pool, client, m);
		if (p->owner == client && p->id == id)
			change_owner(t, pool);
		return 1;
	}
	flush_objects(t, pool, TMEM_NO_CLIENT, m);
	t->shared -= p->shared;
	if (p->shared)
		list_shared(t, pool, 0);
	mem_release(p->sharer, p->sharer_cap, sizeof(*p->sharer));
	p->used = false;
	arena_drop(&t->pool, pool);
	return 1;
}
