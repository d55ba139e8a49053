/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * objects.c - objects by name, and the radix tree of each
 *
 *	height 0: root is page 0 itself		height 2:	node
 *	height 1: root is a node of 64 slots		      / … \
 *							  node    node
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine/tmem/impl.h"

#define RADIX_BITS 6u
#define RADIX_HEIGHT_MAX 6u /* of a 32-bit index */
#define BUCKETS_LEAST 64u

static_assert(TMEM_SLOTS == 1u << RADIX_BITS, "slots and bits disagree");
static_assert(RADIX_HEIGHT_MAX * RADIX_BITS >= 32, "an index does not fit");
static_assert(2 * RADIX_HEIGHT_MAX <= TMEM_CALL_NODES,
	      "a put makes more nodes");

/* ---- by name ---- */

static uint32_t bucket_of(const struct tmem *t, uint32_t pool,
			  const uint64_t oid[3])
{
	uint64_t h = oid[0] ^ (oid[1] * UINT64_C(0x9e3779b97f4a7c15)) ^
		     (oid[2] * UINT64_C(0xc2b2ae3d27d4eb4f)) ^
		     ((uint64_t)pool << 40);

	h *= UINT64_C(0xff51afd7ed558ccd);
	h ^= h >> 32;
	return (uint32_t)h & (t->buckets - 1);
}

uint32_t tmem_object_find(const struct tmem *t, uint32_t pool,
			  const uint64_t oid[3], struct meter *m)
{
	uint32_t i;

	meter_add(m, OP_LOOKUP, 1);
	if (!t->buckets)
		return 0;
	for (i = t->bucket[bucket_of(t, pool, oid)]; i;) {
		const struct tmem_object *o = tmem_object_at(t, i);

		if (o->pool == pool && !memcmp(o->oid, oid, sizeof(o->oid)))
			break;
		i = o->chain;
	}
	return i;
}

uint32_t tmem_object_lock(struct tmem *t, uint32_t pool, const uint64_t oid[3],
			  struct meter *m)
{
	uint32_t object;

	hold(t, TMEM_LOCK_POOL, pool, false);
	object = tmem_object_find(t, pool, oid, m);
	if (object)
		hold(t, TMEM_LOCK_OBJECT, object, true);
	drop(t, TMEM_LOCK_POOL, pool);
	return object;
}

int tmem_buckets_room(struct tmem *t)
{
	uint32_t want = t->buckets ? 2 * t->buckets : BUCKETS_LEAST;
	uint32_t *was = t->bucket, old = t->buckets;

	if (t->object.count < t->buckets || want > UINT32_C(1) << 30)
		return 0;
	t->bucket = mem_zalloc(want, sizeof(*t->bucket));
	if (!t->bucket) {
		t->bucket = was;
		return -ENOMEM;
	}
	t->buckets = want;
	for (uint32_t b = 0; b < old; b++)
		for (uint32_t i = was[b], next; i; i = next) {
			struct tmem_object *o = tmem_object_at(t, i);
			uint32_t to = bucket_of(t, o->pool, o->oid);

			next = o->chain;
			o->chain = t->bucket[to];
			t->bucket[to] = i;
		}
	free(was);
	return 0;
}

int tmem_object_new(struct tmem *t, uint32_t pool, const uint64_t oid[3],
		    uint32_t *object, struct meter *m)
{
	struct tmem_pool *p = tmem_pool_at(t, pool);
	struct tmem_object *o;
	uint32_t block, b;
	int ret;

	if (tmem_block_new(t, tmem_payer(t, pool), TMEM_REC_OBJECT,
			   tmem_record_bytes(t, TMEM_REC_OBJECT), &block, m))
		return TMEM_ENOMEM;
	ret = arena_new(&t->object, object);
	assert(!ret);
	(void)ret;
	o = tmem_object_at(t, *object);
	memcpy(o->oid, oid, sizeof(o->oid));
	o->pool = pool;
	o->block = block;
	o->last_client = TMEM_NO_CLIENT;
	b = bucket_of(t, pool, oid);
	o->chain = t->bucket[b];
	t->bucket[b] = *object;
	o->in.prev = p->objects.prev;
	if (o->in.prev)
		tmem_object_at(t, o->in.prev)->in.next = *object;
	else
		p->objects.next = *object;
	p->objects.prev = *object;
	most_add(&p->stats.objects, 1);
	most_add(&t->stats.objects, 1);
	return 0;
}

void tmem_object_free(struct tmem *t, uint32_t object, struct meter *m)
{
	struct tmem_object *o = tmem_object_at(t, object);
	struct tmem_pool *p = tmem_pool_at(t, o->pool);
	uint32_t *at = &t->bucket[bucket_of(t, o->pool, o->oid)];

	assert(!o->pages && !o->nodes && !o->root);
	while (*at != object)
		at = &tmem_object_at(t, *at)->chain;
	*at = o->chain;
	if (o->in.next)
		tmem_object_at(t, o->in.next)->in.prev = o->in.prev;
	else
		p->objects.prev = o->in.prev;
	if (o->in.prev)
		tmem_object_at(t, o->in.prev)->in.next = o->in.next;
	else
		p->objects.next = o->in.next;
	tmem_block_free(t, tmem_payer(t, o->pool), o->block, m);
	most_sub(&p->stats.objects, 1);
	most_sub(&t->stats.objects, 1);
	arena_drop(&t->object, object);
}

void tmem_object_done(struct tmem *t, uint32_t object, struct meter *m)
{
	const struct tmem_object *o = tmem_object_at(t, object);
	uint32_t pool = o->pool;

	if (o->pages) {
		drop(t, TMEM_LOCK_OBJECT, object);
		return;
	}
	hold(t, TMEM_LOCK_POOL, pool, true);
	tmem_object_free(t, object, m);
	drop(t, TMEM_LOCK_OBJECT, object);
	drop(t, TMEM_LOCK_POOL, pool);
}

/* ---- radix tree ---- */

/* Levels of nodes that this index needs. */
static uint32_t height_of(uint32_t index)
{
	uint32_t h = 0;

	while (index) {
		index >>= RADIX_BITS;
		h++;
	}
	return h;
}

static uint32_t slot_of(uint32_t index, uint32_t level)
{
	return index >> (level * RADIX_BITS) & (TMEM_SLOTS - 1);
}

uint32_t tmem_radix_find(const struct tmem *t, uint32_t object, uint32_t index)
{
	const struct tmem_object *o = tmem_object_at(t, object);
	uint32_t x = o->root;

	if (height_of(index) > o->height)
		return 0;
	for (uint32_t level = o->height; x && level--;)
		x = tmem_node_at(t, x)->slot[slot_of(index, level)];
	return x;
}

static int node_new(struct tmem *t, uint32_t object, uint32_t *node,
		    struct meter *m)
{
	struct tmem_object *o = tmem_object_at(t, object);
	uint32_t block;
	int ret;

	if (tmem_block_new(t, tmem_payer(t, o->pool), TMEM_REC_NODE,
			   tmem_record_bytes(t, TMEM_REC_NODE), &block, m))
		return TMEM_ENOMEM;
	ret = arena_new(&t->node, node);
	assert(!ret);
	(void)ret;
	tmem_node_at(t, *node)->block = block;
	o->nodes++;
	most_add(&tmem_pool_at(t, o->pool)->stats.nodes, 1);
	most_add(&t->stats.nodes, 1);
	return 0;
}

static void node_free(struct tmem *t, uint32_t object, uint32_t node,
		      struct meter *m)
{
	struct tmem_object *o = tmem_object_at(t, object);

	tmem_block_free(t, tmem_payer(t, o->pool), tmem_node_at(t, node)->block,
			m);
	arena_drop(&t->node, node);
	o->nodes--;
	most_sub(&tmem_pool_at(t, o->pool)->stats.nodes, 1);
	most_sub(&t->stats.nodes, 1);
}

/* How many nodes are missing on the way to @index. */
static uint32_t nodes_missing(const struct tmem *t, const struct tmem_object *o,
			      uint32_t index)
{
	uint32_t need = height_of(index), x = o->root;

	if (!x)
		return need;
	if (need > o->height) /* nodes above the root, and a path beside it */
		return need - o->height + need - 1;
	for (uint32_t level = o->height; level-- > 1;) {
		x = tmem_node_at(t, x)->slot[slot_of(index, level)];
		if (!x)
			return level;
	}
	return 0;
}

static void node_set(const struct tmem *t, uint32_t node, uint32_t slot,
		     uint32_t to)
{
	struct tmem_node *n = tmem_node_at(t, node);

	dbg_assert(!n->slot[slot]);
	n->slot[slot] = to;
	n->count++;
}

/* With all nodes at hand nothing can fail any more. */
static void link_page(struct tmem *t, struct tmem_object *o, uint32_t index,
		      uint32_t page, const uint32_t *node)
{
	uint32_t need = height_of(index), x;

	if (!o->root) {
		o->height = (uint8_t)need;
		if (need)
			o->root = *node++;
	}
	while (o->height < need) {
		node_set(t, *node, 0, o->root);
		o->root = *node++;
		o->height++;
	}
	if (!o->height) {
		o->root = page;
		return;
	}
	x = o->root;
	for (uint32_t level = o->height; level-- > 1;) {
		uint32_t slot = slot_of(index, level);

		if (!tmem_node_at(t, x)->slot[slot])
			node_set(t, x, slot, *node++);
		x = tmem_node_at(t, x)->slot[slot];
	}
	node_set(t, x, slot_of(index, 0), page);
}

int tmem_radix_insert(struct tmem *t, uint32_t object, uint32_t index,
		      uint32_t page, struct meter *m)
{
	uint32_t need = nodes_missing(t, tmem_object_at(t, object), index);
	uint32_t node[2 * RADIX_HEIGHT_MAX];
	struct tmem_object *o;

	assert(need <= 2 * RADIX_HEIGHT_MAX);
	for (uint32_t i = 0; i < need; i++)
		if (node_new(t, object, &node[i], m)) {
			while (i--)
				node_free(t, object, node[i], m);
			return TMEM_ENOMEM;
		}
	o = tmem_object_at(t, object);
	link_page(t, o, index, page, node);
	o->pages++;
	return 0;
}

static void shrink(struct tmem *t, uint32_t object, struct meter *m)
{
	struct tmem_object *o = tmem_object_at(t, object);

	while (o->height) {
		const struct tmem_node *n = tmem_node_at(t, o->root);
		uint32_t root = o->root;

		if (n->count != 1 || !n->slot[0])
			return;
		o->root = n->slot[0];
		o->height--;
		node_free(t, object, root, m);
	}
}

void tmem_radix_remove(struct tmem *t, uint32_t object, uint32_t index,
		       struct meter *m)
{
	struct tmem_object *o = tmem_object_at(t, object);
	uint32_t path[RADIX_HEIGHT_MAX], x = o->root, level;

	for (level = o->height; level--;) {
		path[level] = x;
		x = tmem_node_at(t, x)->slot[slot_of(index, level)];
	}
	o->pages--;
	for (level = 0; level < o->height; level++) {
		struct tmem_node *n = tmem_node_at(t, path[level]);

		n->slot[slot_of(index, level)] = 0;
		if (--n->count)
			break;
		node_free(t, object, path[level], m);
	}
	if (level == o->height) {
		o->root = 0;
		o->height = 0;
	}
	shrink(t, object, m);
}

uint32_t tmem_radix_first(const struct tmem *t, uint32_t object)
{
	const struct tmem_object *o = tmem_object_at(t, object);
	uint32_t x = o->root;

	for (uint32_t level = o->height; level--;) {
		const struct tmem_node *n = tmem_node_at(t, x);
		uint32_t slot = 0;

		while (!n->slot[slot])
			slot++;
		x = n->slot[slot];
	}
	return x;
}

/* Nodes below and with @node, of @level; pages must know where they are. */
static uint32_t count_nodes(const struct tmem *t, uint32_t object,
			    uint32_t node, uint32_t level, uint32_t index,
			    uint32_t *pages)
{
	const struct tmem_node *n = tmem_node_at(t, node);
	uint32_t sum = 1, used = 0;

	for (uint32_t i = 0; i < TMEM_SLOTS; i++) {
		uint32_t at = index | i << (level * RADIX_BITS), x = n->slot[i];

		used += x > 0;
		if (x && level) {
			uint32_t below =
				count_nodes(t, object, x, level - 1, at, pages);

			if (below == UINT32_MAX)
				return UINT32_MAX;
			sum += below;
		} else if (x) {
			if (tmem_page_at(t, x)->object != object ||
			    tmem_page_at(t, x)->index != at)
				return UINT32_MAX;
			++*pages;
		}
	}
	return used && used == n->count ? sum : UINT32_MAX;
}

uint32_t tmem_radix_count(const struct tmem *t, uint32_t object,
			  uint32_t *pages)
{
	const struct tmem_object *o = tmem_object_at(t, object);

	*pages = 0;
	if (o->height)
		return count_nodes(t, object, o->root, o->height - 1u, 0,
				   pages);
	if (!o->root || tmem_page_at(t, o->root)->object != object ||
	    tmem_page_at(t, o->root)->index)
		return UINT32_MAX;
	*pages = 1;
	return 0;
}

uint32_t tmem_find(const struct tmem *t, uint32_t pool, const uint64_t oid[3],
		   uint32_t index)
{
	struct meter m;
	uint32_t object;

	meter_init(&m, NULL);
	object = tmem_object_find(t, pool, oid, &m);
	return object ? tmem_radix_find(t, object, index) : 0;
}
