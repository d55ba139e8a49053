/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pool_impl.h - what the pools share: object records, page counts, lists of
 * pages, the eviction of one object
 */
#ifndef DEDUPSIM_POOL_POOL_IMPL_H
#define DEDUPSIM_POOL_POOL_IMPL_H

#include <assert.h>
#include <inttypes.h>

#include "sim/pool/pool.h"

/* Refused pages after which zbud, z3fold and their kin give up. */
#define POOL_RETRIES 8

static inline struct pool_object *pool_object_at(struct pool *p,
						 uint32_t handle)
{
	return (struct pool_object *)(void *)arena_at(&p->objects, handle);
}

/* pool_object_new - a record; 0 or -ENOMEM.  Counted by pool_stored(). */
static inline int pool_object_new(struct pool *p, uint32_t *handle)
{
	return arena_new(&p->objects, handle);
}

static inline void pool_stored(struct pool *p, uint32_t handle, uint32_t bytes,
			       struct meter *m)
{
	pool_object_at(p, handle)->bytes = (uint16_t)bytes;
	p->asked_bytes += bytes;
	p->totals.stored++;
	meter_add(m, OP_OBJ_STORE, 1);
}

/* pool_object_drop - of a stored object, or of one that never became one */
static inline void pool_object_drop(struct pool *p, uint32_t handle)
{
	struct pool_object *o = pool_object_at(p, handle);

	p->asked_bytes -= o->bytes;
	o->bytes = 0;
	arena_drop(&p->objects, handle);
}

static inline void pool_pages_add(struct pool *p, uint32_t n, struct meter *m)
{
	p->pages += n;
	if (p->pages > p->pages_peak)
		p->pages_peak = p->pages;
	meter_add(m, OP_POOL_PAGE, n);
}

static inline void pool_pages_sub(struct pool *p, uint32_t n, struct meter *m)
{
	p->pages -= n;
	p->totals.freed_pages += n;
	meter_add(m, OP_FRAME_FREE, n);
}

static inline void pool_moved(struct pool *p, uint32_t bytes, struct meter *m)
{
	p->totals.moved++;
	p->totals.moved_bytes += bytes;
	meter_add(m, OP_OBJ_MOVE, 1);
	meter_add(m, OP_OBJ_MOVE_BYTES, bytes);
}

/* pool_ask - may this object go?  If so it is counted as evicted, and the
 * caller frees it. */
static inline bool pool_ask(struct pool *p, uint32_t handle,
			    const struct pool_owner *owner, struct meter *m)
{
	uint32_t bytes = pool_object_at(p, handle)->bytes;

	if (!owner || owner->evict(owner->ctx, handle, bytes))
		return false;
	p->totals.evicted++;
	p->totals.evicted_bytes += bytes;
	meter_add(m, OP_OBJ_EVICT, 1);
	return true;
}

/*
 * Lists of arena elements.  Each element has a struct link at the same @off;
 * an element is on at most one list through it.
 */
struct link {
	uint32_t prev, next; /* 0: none */
};

struct list {
	uint32_t first, last; /* 0: empty */
};

static inline struct link *link_at(const struct arena *a, size_t off,
				   uint32_t i)
{
	return (struct link *)(void *)((unsigned char *)arena_at(a, i) + off);
}

/* list_insert - behind @prev, 0: at the front */
static inline void list_insert(struct list *l, const struct arena *a,
			       size_t off, uint32_t prev, uint32_t i)
{
	uint32_t next = prev ? link_at(a, off, prev)->next : l->first;

	*link_at(a, off, i) = (struct link){.prev = prev, .next = next};
	if (prev)
		link_at(a, off, prev)->next = i;
	else
		l->first = i;
	if (next)
		link_at(a, off, next)->prev = i;
	else
		l->last = i;
}

static inline void list_push_front(struct list *l, const struct arena *a,
				   size_t off, uint32_t i)
{
	list_insert(l, a, off, 0, i);
}

static inline void list_push_back(struct list *l, const struct arena *a,
				  size_t off, uint32_t i)
{
	list_insert(l, a, off, l->last, i);
}

static inline void list_remove(struct list *l, const struct arena *a,
			       size_t off, uint32_t i)
{
	struct link k = *link_at(a, off, i);

	if (k.prev)
		link_at(a, off, k.prev)->next = k.next;
	else
		l->first = k.next;
	if (k.next)
		link_at(a, off, k.next)->prev = k.prev;
	else
		l->last = k.prev;
}

/* pool_wrong - print "NAME: …" to @why unless it is NULL; returns -EINVAL */
int pool_wrong(const struct pool *p, FILE *why, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* pool_place_one - all of @bytes in one run */
static inline void pool_place_one(struct pool_place *place, uint64_t frame,
				  uint32_t offset, uint32_t bytes)
{
	*place = (struct pool_place){
		.parts = 1,
		.part = {{.frame = frame, .offset = offset, .bytes = bytes}},
	};
}

#endif
