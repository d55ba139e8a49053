/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * impl.h - what the parts of tmem share; private to them
 *
 * Memory of the simulator is reserved at the beginning of a call
 * (tmem_room()), so that a call either does nothing or everything.  Memory of
 * the modelled host can run out at any allocation; those functions return 0 or
 * TMEM_ENOMEM, and tmem_fail_next() makes any of them fail.
 */
#ifndef DEDUPSIM_ENGINE_TMEM_IMPL_H
#define DEDUPSIM_ENGINE_TMEM_IMPL_H

#include "sim/engine/tmem/tmem.h"

/* Who pays: a client with persistent pages, or nobody in particular. */
#define TMEM_HOST 0u

/* ---- locks, as whoever listens hears them ---- */

static inline void hold(const struct tmem *t, enum tmem_lock lock,
			uint32_t which, bool write)
{
	if (t->trace)
		t->trace->lock(t->trace->ctx, lock, which, write);
}

static inline void drop(const struct tmem *t, enum tmem_lock lock,
			uint32_t which)
{
	if (t->trace)
		t->trace->unlock(t->trace->ctx, lock, which);
}

static inline void most_add(struct tmem_most *m, uint64_t n)
{
	m->now += n;
	if (m->now > m->max)
		m->max = m->now;
}

static inline void most_sub(struct tmem_most *m, uint64_t n)
{
	m->now -= n;
}

/* ---- frames.c ---- */

/* The most that one call allocates, in blocks; see tmem_room(). */
#define TMEM_CALL_NODES 12u
#define TMEM_CALL_BLOCKS (TMEM_CALL_NODES + 5u)

/*
 * A two-level segregated fit: free blocks by size class, one frame at a time.
 *	frame:	| header 16 | block | header 16 | block … |	payload 4064
 */
#define TMEM_BLOCK_MAX 4064u
#define TMEM_HEADER 16u
#define BLOCK_FIRST 6u
#define BLOCK_SECOND 32u

struct tmem_block {
	uint32_t frame;
	uint32_t before, behind; /* neighbours in the frame; 0: none */
	uint32_t next, prev;	 /* in its class, while free */
	uint16_t bytes;		 /* payload */
	uint8_t is_free, data;	 /* … for contents, not for a record */
};

struct tmem_blocks {
	uint32_t owner; /* client index, or TMEM_HOST */
	uint32_t head[BLOCK_FIRST][BLOCK_SECOND];
	uint32_t map[BLOCK_FIRST]; /* classes that have free blocks */
	uint64_t frames;
	uint32_t first; /* frame + 1 that is never given up; 0: none yet */
	uint64_t used;	/* blocks */
};

static inline struct tmem_block *block_at(const struct tmem *t, uint32_t i)
{
	return (struct tmem_block *)arena_at(&t->block, i);
}

/* What a record takes in this revision, without header. */
uint32_t tmem_record_bytes(const struct tmem *t, enum tmem_record r);
/* Is the next allocation of this kind to fail? */
bool tmem_fails(struct tmem *t, enum tmem_record r);

/* A frame for @client's persistent pages or for all; 0 or TMEM_ENOMEM. */
int tmem_frame_get(struct tmem *t, uint32_t client, uint32_t *frame,
		   struct meter *m);
void tmem_frame_put(struct tmem *t, uint32_t client, uint32_t frame,
		    struct meter *m);
/* The same for contents, counted in Fc. */
int tmem_data_frame_get(struct tmem *t, uint32_t client, uint32_t *frame,
			struct meter *m);
void tmem_data_frame_put(struct tmem *t, uint32_t client, uint32_t frame,
			 struct meter *m);
/* May the host give one more? */
bool tmem_host_has(const struct tmem *t);

int tmem_block_new(struct tmem *t, uint32_t client, enum tmem_record r,
		   uint32_t bytes, uint32_t *block, struct meter *m);
void tmem_block_free(struct tmem *t, uint32_t client, uint32_t block,
		     struct meter *m);
/* An empty allocator of a client gives its last frame back. */
void tmem_blocks_end(struct tmem *t, uint32_t client, struct meter *m);
/* tmem_room - memory of the simulator for one more call; -ENOMEM */
int tmem_room(struct tmem *t);
int tmem_blocks_check(const struct tmem *t, const struct tmem_blocks *b,
		      FILE *why);

/* ---- objects.c ---- */

/* Memory of the simulator for one more object; -ENOMEM. */
int tmem_buckets_room(struct tmem *t);

/* The same, locked, on the way of every page operation. */
uint32_t tmem_object_lock(struct tmem *t, uint32_t pool, const uint64_t oid[3],
			  struct meter *m);
uint32_t tmem_object_find(const struct tmem *t, uint32_t pool,
			  const uint64_t oid[3], struct meter *m);
int tmem_object_new(struct tmem *t, uint32_t pool, const uint64_t oid[3],
		    uint32_t *object, struct meter *m);
/* It has no page any more. */
void tmem_object_free(struct tmem *t, uint32_t object, struct meter *m);
/* Who has locked it is through with it: it goes when it is empty. */
void tmem_object_done(struct tmem *t, uint32_t object, struct meter *m);
uint32_t tmem_radix_find(const struct tmem *t, uint32_t object, uint32_t index);
int tmem_radix_insert(struct tmem *t, uint32_t object, uint32_t index,
		      uint32_t page, struct meter *m);
void tmem_radix_remove(struct tmem *t, uint32_t object, uint32_t index,
		       struct meter *m);
/* The page with the lowest index; the object has pages. */
uint32_t tmem_radix_first(const struct tmem *t, uint32_t object);
/* Nodes of the tree by walking it, UINT32_MAX: it is not one; sums its pages. */
uint32_t tmem_radix_count(const struct tmem *t, uint32_t object,
			  uint32_t *pages);

/* ---- pcd.c ---- */

/* Owner of the blocks and frames that pages of a pool have. */
static inline uint32_t tmem_payer(const struct tmem *t, uint32_t pool)
{
	const struct tmem_pool *p = tmem_pool_at(t, pool);

	return p->persistent && !p->shared ? p->owner : TMEM_HOST;
}

uint8_t tmem_shard(const struct tmem *t, uint32_t content, bool packed);
/* Does the stream of this page not pay? */
bool tmem_is_poor(const struct tmem *t, uint32_t content);

/*
 * tmem_associate - the page, whose frame is filled (or which is compressed),
 * finds its pcd or becomes one; 0, or TMEM_ENOMEM with the page as it was
 */
int tmem_associate(struct tmem *t, uint32_t page, bool packed, struct meter *m);
/* It leaves its pcd, which goes with the last; did that give a frame back? */
bool tmem_disassociate(struct tmem *t, uint32_t page, struct meter *m);

/* ---- put.c ---- */

int tmem_put(struct tmem *t, uint32_t client, uint32_t pool,
	     const struct tmem_call *c, struct meter *m);
/* Whatever the page holds goes; @evicted: as eviction does it.  Did that give a
 * frame back? */
bool tmem_page_drop_data(struct tmem *t, uint32_t page, bool evicted,
			 struct meter *m);
/* It leaves its object and is no more; it is on no list and holds nothing. */
void tmem_page_remove(struct tmem *t, uint32_t page, struct meter *m);
/* Lists, data, object. */
void tmem_page_delete(struct tmem *t, uint32_t page, struct meter *m);

/* ---- pools.c ---- */

/* 0 with the answer in @c, or -ENOMEM of the simulator */
int tmem_new_pool(struct tmem *t, uint32_t client, struct tmem_call *c);
int tmem_destroy_pool(struct tmem *t, uint32_t client, uint32_t id,
		      struct meter *m);
/* All pages of it; returns pages. */
uint64_t tmem_object_flush(struct tmem *t, uint32_t object, struct meter *m);

/* ---- evict.c ---- */

void tmem_list_init(struct tmem *t, uint32_t head);
void tmem_list_add(struct tmem *t, enum tmem_list l, uint32_t head,
		   uint32_t page);
void tmem_list_del(struct tmem *t, enum tmem_list l, uint32_t page);
/* At the young end of both lists. */
void tmem_list_enter(struct tmem *t, uint32_t page, struct meter *m);
void tmem_list_leave(struct tmem *t, uint32_t page, struct meter *m);
void tmem_list_rotate(struct tmem *t, uint32_t page, struct meter *m);
/* Before a put; TMEM_ENOMEM: the revision gives up. */
int tmem_make_room(struct tmem *t, uint32_t client, struct meter *m);

/* ---- stats.c ---- */

void tmem_timed(struct tmem *t, enum tmem_timed what, uint64_t ns);
/* Around something that a T line counts. */
uint64_t tmem_time_begin(const struct tmem *t, const struct meter *m);
void tmem_time_end(struct tmem *t, enum tmem_timed what, uint64_t from,
		   const struct meter *m);

#endif
