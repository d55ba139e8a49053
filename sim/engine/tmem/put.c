/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * put.c - pages come, are replaced, and go
 */
#include <errno.h>
#include <string.h>

#include "sim/engine/tmem/impl.h"

/* There was no pcd for a page whose frame was filled already. */
#define NO_PCD (-2)

static struct tmem_client *payer(const struct tmem *t, uint32_t pool)
{
	return tmem_client_at(t, tmem_pool_at(t, pool)->owner);
}

static uint32_t pool_of(const struct tmem *t, uint32_t page)
{
	return tmem_object_at(t, tmem_page_at(t, page)->object)->pool;
}

/* ---- pages go ---- */

bool tmem_page_drop_data(struct tmem *t, uint32_t page, bool evicted,
			 struct meter *m)
{
	struct tmem_page *pg = tmem_page_at(t, page);
	uint32_t pool = pool_of(t, page), who = tmem_payer(t, pool);
	bool shared = pg->flags & TMEM_IN_PCD, freed = false;
	struct tmem_client *c = payer(t, pool);

	if (!pg->data)
		return false;
	if (shared) {
		freed = tmem_disassociate(t, page, m);
	} else if (pg->flags & TMEM_PACKED) {
		tmem_block_free(t, who, pg->data, m);
	} else {
		tmem_data_frame_put(t, who, pg->data - 1, m);
		freed = true;
	}
	if (pg->flags & TMEM_PACKED &&
	    !(evicted && shared && t->bad[TMEM_BAD_COUNTS])) {
		c->packed--;
		c->packed_bytes -= pg->bytes;
	}
	pg->flags &= (uint8_t)~TMEM_PACKED;
	pg->bytes = 0;
	pg->data = 0;
	pg->content = CONTENT_NONE;
	return freed;
}

/* A migrated guest's new host must hear of it. */
static void log_invalidated(struct tmem *t, const struct tmem_page *pg)
{
	const struct tmem_object *o = tmem_object_at(t, pg->object);
	const struct tmem_pool *p = tmem_pool_at(t, o->pool);
	struct tmem_client *c = tmem_client_at(t, p->owner);
	struct tmem_invalidated *x;

	if (!c->migrating || !p->persistent)
		return;
	x = &c->log[c->logged++]; /* tmem_call() has made room */
	x->pool = p->id;
	x->index = pg->index;
	memcpy(x->oid, o->oid, sizeof(x->oid));
}

void tmem_page_remove(struct tmem *t, uint32_t page, struct meter *m)
{
	struct tmem_page *pg = tmem_page_at(t, page);
	uint32_t pool = pool_of(t, page);

	assert(!pg->data && !(pg->flags & TMEM_LISTED));
	log_invalidated(t, pg);
	tmem_radix_remove(t, pg->object, pg->index, m);
	tmem_block_free(t, tmem_payer(t, pool), pg->block, m);
	most_sub(&tmem_pool_at(t, pool)->stats.pages, 1);
	most_sub(&t->stats.pages, 1);
	arena_drop(&t->page, page);
}

void tmem_page_delete(struct tmem *t, uint32_t page, struct meter *m)
{
	if (tmem_page_at(t, page)->flags & TMEM_LISTED)
		tmem_list_leave(t, page, m);
	tmem_page_drop_data(t, page, false, m);
	tmem_page_remove(t, page, m);
}

/* ---- pages come ---- */

/* 1; 0: it does not pay; TMEM_ENOMEM */
static int fill_packed(struct tmem *t, uint32_t page, uint32_t content,
		       struct meter *m)
{
	uint32_t bytes = t->cfg.columns.packed_bytes[content];
	uint32_t pool = pool_of(t, page), data;
	struct tmem_page *pg = tmem_page_at(t, page);
	struct tmem_client *c = payer(t, pool);
	uint64_t from = tmem_time_begin(t, m);

	meter_add(m, OP_COMPRESS, 1);
	tmem_time_end(t, TMEM_T_PACK, from, m);
	if (tmem_is_poor(t, content)) {
		c->poor++;
		return 0;
	}
	pg->content = content;
	if (t->dedup && !tmem_pool_at(t, pool)->persistent &&
	    t->cfg.revision >= TMEM_R1) {
		if (tmem_associate(t, page, true, m))
			goto no_mem;
	} else {
		if (tmem_block_new(t, tmem_payer(t, pool), TMEM_REC_BYTES,
				   bytes, &data, m))
			goto no_mem;
		meter_add(m, OP_PART_COPY_BYTES, bytes);
		pg->data = data;
	}
	pg->flags |= TMEM_PACKED;
	pg->bytes = (uint16_t)bytes;
	c->packed++;
	c->packed_bytes += (int64_t)bytes;
	return 1;
no_mem:
	pg->content = CONTENT_NONE;
	c->no_mem++;
	return TMEM_ENOMEM;
}

/* The frame of a page that found no pcd. */
static void frame_without_pcd(struct tmem *t, uint32_t page, struct meter *m)
{
	struct tmem_page *pg = tmem_page_at(t, page);

	if (t->bad[TMEM_BAD_RESULT] && t->cfg.revision <= TMEM_R1)
		t->stats.lost_frames++; /* freed as what it is not */
	else
		tmem_data_frame_put(t, TMEM_HOST, pg->data - 1, m);
	pg->data = 0;
	pg->content = CONTENT_NONE;
}

/* 1; TMEM_ENOMEM, NO_PCD: nothing is held */
static int fill_raw(struct tmem *t, uint32_t page, uint32_t content,
		    struct meter *m)
{
	uint32_t pool = pool_of(t, page), frame;
	struct tmem_page *pg = tmem_page_at(t, page);
	uint64_t from;

	if (tmem_data_frame_get(t, tmem_payer(t, pool), &frame, m))
		return TMEM_ENOMEM;
	from = tmem_time_begin(t, m);
	meter_add(m, OP_PAGE_COPY, 1);
	tmem_time_end(t, TMEM_T_COPY, from, m);
	t->frames.content[frame] = content;
	pg->data = frame + 1;
	pg->content = content;
	if (!t->dedup || tmem_pool_at(t, pool)->persistent ||
	    !tmem_associate(t, page, false, m))
		return 1;
	frame_without_pcd(t, page, m);
	return NO_PCD;
}

/* The page of a key that is there already is replaced, or goes. */
static int put_again(struct tmem *t, uint32_t client, uint32_t page,
		     const struct tmem_call *c, struct meter *m)
{
	struct tmem_page *pg = tmem_page_at(t, page);
	uint32_t object = pg->object, pool = pool_of(t, page);
	struct tmem_pool *p = tmem_pool_at(t, pool);
	struct tmem_client *own = payer(t, pool);
	bool was_packed = pg->flags & TMEM_PACKED;
	int ret = TMEM_ENOMEM;

	if (own->migrating)
		goto out;
	tmem_page_drop_data(t, page, false, m);
	ret = own->compress && was_packed ? fill_packed(t, page, c->content, m)
					  : 0;
	if (!ret)
		ret = fill_raw(t, page, c->content, m);
out:
	if (ret < 0) {
		tmem_page_delete(t, page, m);
		tmem_object_done(t, object, m);
		p->stats.dup_flushed++;
		return TMEM_ENOSPC;
	}
	if (p->shared)
		tmem_object_at(t, object)->last_client =
			t->bad[TMEM_BAD_OWNER] ? p->owner : client;
	p->stats.dup_replaced++;
	p->stats.puts_good++;
	drop(t, TMEM_LOCK_OBJECT, object);
	return 1;
}

/* A record for the page, in its object's tree. */
static int page_new(struct tmem *t, uint32_t object, uint32_t index,
		    uint32_t *page, struct meter *m)
{
	uint32_t pool = tmem_object_at(t, object)->pool, block;
	uint32_t who = tmem_payer(t, pool);
	struct tmem_page *pg;
	int ret;

	if (tmem_block_new(t, who, TMEM_REC_PAGE,
			   tmem_record_bytes(t, TMEM_REC_PAGE), &block, m))
		return TMEM_ENOMEM;
	ret = arena_new(&t->page, page);
	assert(!ret);
	pg = tmem_page_at(t, *page);
	pg->object = object;
	pg->index = index;
	pg->content = CONTENT_NONE;
	pg->block = block;
	ret = tmem_radix_insert(t, object, index, *page, m);
	if (ret) {
		tmem_block_free(t, who, block, m);
		arena_drop(&t->page, *page);
		return ret;
	}
	most_add(&tmem_pool_at(t, pool)->stats.pages, 1);
	most_add(&t->stats.pages, 1);
	return 0;
}

static int put_fresh(struct tmem *t, uint32_t client, uint32_t object,
		     const struct tmem_call *c, struct meter *m)
{
	uint32_t pool = tmem_object_at(t, object)->pool, page;
	struct tmem_pool *p = tmem_pool_at(t, pool);
	struct tmem_client *own = payer(t, pool);
	int ret = page_new(t, object, c->index, &page, m);

	if (ret)
		return ret;
	if (own->compress)
		ret = fill_packed(t, page, c->content, m);
	if (!ret)
		ret = fill_raw(t, page, c->content, m);
	if (ret < 0) {
		tmem_page_remove(t, page, m);
		return ret;
	}
	if (p->persistent) {
		own->pers_puts++;
	} else {
		tmem_list_enter(t, page, m);
		t->stats.good_eph_puts++;
	}
	if (p->shared)
		tmem_object_at(t, object)->last_client =
			t->bad[TMEM_BAD_OWNER] ? p->owner : client;
	p->stats.puts_good++;
	return 1;
}

/* The object, locked, made when it is missing; 0 or TMEM_ENOMEM. */
static int lock_object(struct tmem *t, uint32_t pool, const uint64_t oid[3],
		       uint32_t *object, struct meter *m)
{
	int ret = 0;

	if (!*object) {
		hold(t, TMEM_LOCK_POOL, pool, true);
		ret = tmem_object_new(t, pool, oid, object, m);
		if (!ret)
			hold(t, TMEM_LOCK_OBJECT, *object, true);
		drop(t, TMEM_LOCK_POOL, pool);
	}
	return ret;
}

int tmem_put(struct tmem *t, uint32_t client, uint32_t pool,
	     const struct tmem_call *c, struct meter *m)
{
	struct tmem_pool *p = tmem_pool_at(t, pool);
	uint32_t object, page;
	int ret = tmem_make_room(t, client, m);

	if (ret)
		return ret;
	p->stats.puts++;
	object = tmem_object_lock(t, pool, c->oid, m);
	page = object ? tmem_radix_find(t, object, c->index) : 0;
	if (page)
		return put_again(t, client, page, c, m);
	if (payer(t, pool)->frozen) {
		if (object)
			drop(t, TMEM_LOCK_OBJECT, object);
		p->stats.no_mem++;
		return TMEM_EFROZEN;
	}
	ret = lock_object(t, pool, c->oid, &object, m);
	if (!ret) {
		ret = put_fresh(t, client, object, c, m);
		tmem_object_done(t, object, m);
	}
	if (ret < 0)
		p->stats.no_mem++;
	if (ret == NO_PCD)
		return t->bad[TMEM_BAD_RESULT] ? 1 : TMEM_ENOMEM;
	return ret;
}
