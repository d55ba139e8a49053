/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "sim/engine/pageone/sdtree_impl.h"

static uint32_t edge_load(const _Atomic uint32_t *e)
{
	return atomic_load_explicit(e, memory_order_acquire);
}

static void pause_here(const struct sd_thread *th)
{
	if (unlikely(th->t->conf.pause))
		th->t->conf.pause(th->t->conf.ctx);
}

static bool edge_cas(struct sd_thread *th, _Atomic uint32_t *e, uint32_t *was,
		     uint32_t to)
{
	bool ok;

	pause_here(th);
	ok = atomic_compare_exchange_strong_explicit(
		e, was, to, memory_order_acq_rel, memory_order_acquire);

	th->stats.cas_ok += ok;
	th->stats.cas_fail += !ok;
	return ok;
}

/* ---- the two questions that the kinds of keys answer differently ---- */

static inline unsigned bit_of(const uint8_t *bytes, int32_t bit)
{
	if (unlikely(bit < 0))
		return 0;
	return (unsigned)bytes[bit >> 3] >> (7 - (bit & 7)) & 1u;
}

static unsigned side_of(const struct sd_thread *th, const struct node *n)
{
	return th->key.bytes ? bit_of(th->key.bytes, n->bit)
			     : th->key.rank >= n->split;
}

/* The library's compare is the fastest way past what is equal. */
#define STRETCH 512u

static uint32_t first_diff(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	uint32_t n = bits / 8, i = 0;

	/* Most pages differ in the first word, or not at all. */
	if (n >= 8 && load_be64(a) != load_be64(b))
		return clz64(load_be64(a) ^ load_be64(b));
	while (i + STRETCH <= n && !memcmp(a + i, b + i, STRETCH))
		i += STRETCH;
	for (; i + 8 <= n; i += 8) {
		uint64_t x = load_be64(a + i) ^ load_be64(b + i);

		if (x)
			return 8 * i + clz64(x);
	}
	for (; i < n; i++)
		if (a[i] != b[i])
			return 8 * i + clz64((uint64_t)(a[i] ^ b[i]) << 56);
	return bits;
}

/* The first bit where the key and a leaf part; key_bits: nowhere; BIT_REAL: the
 * leaf is D. */
static int32_t parts_at(struct sd_thread *th, uint32_t cell)
{
	const struct sdtree *t = th->t;
	const struct leaf *l = leaf_at(t, cell);

	if (cell == CELL_D)
		return BIT_REAL;
	th->stats.compares++;
	if (th->key.bytes)
		return (int32_t)first_diff(th->key.bytes, l->key.bytes,
					   t->key_bits);
	if (th->key.rank == l->key.rank)
		return (int32_t)t->key_bits;
	return (int32_t)content_prefix_bits(t->conf.contents, th->key.rank,
					    (uint32_t)l->key.rank);
}

/* The two loops differ in how the side is found, and in nothing else. */
static inline void seek_by(struct sd_thread *th, const uint8_t *bytes)
{
	const struct sdtree *t = th->t;
	uint32_t depth = 0, cell = CELL_R, edge;

	for (;;) {
		const struct node *n = node_at(t, cell);
		unsigned side = bytes ? bit_of(bytes, n->bit)
				      : th->key.rank >= n->split;

		th->path[depth] = (struct step){cell, n->bit};
		edge = edge_load(&n->child[side]);
		if (edge & LEAF)
			break;
		cell = cell_of(edge);
		depth++;
	}
	th->depth = depth;
	th->edge = edge;
	th->stats.nodes += depth + 1;
}

/* Go down to a leaf, noting the way. */
static void seek(struct sd_thread *th)
{
	if (th->key.bytes)
		seek_by(th, th->key.bytes);
	else
		seek_by(th, NULL);
}

static void seek_again(struct sd_thread *th)
{
	th->stats.restarts++;
	seek(th);
}

/* ---- cutting out ---- */

static unsigned side_at(const struct sd_thread *th, uint32_t i)
{
	return side_of(th, node_at(th->t, th->path[i].node));
}

/* The edge that leaves path[@i] on the way of the search. */
static _Atomic uint32_t *edge_at(const struct sd_thread *th, uint32_t i)
{
	return &node_at(th->t, th->path[i].node)->child[side_at(th, i)];
}

/*
 * The lowest path[j] above path[@i] whose edge has no TAG; everything between
 * the two is frozen and goes out together.  @i itself: the way has changed.
 */
static uint32_t uncut_above(const struct sd_thread *th, uint32_t i)
{
	for (uint32_t j = i; j--;) {
		uint32_t e = edge_load(edge_at(th, j));

		if ((e & ~TAG) != edge_to(th->path[j + 1].node))
			return i;
		if (!(e & TAG))
			return j;
	}
	return i;
}

static void put(struct sd_thread *th, uint32_t word)
{
	sd_stock_put(&th->t->cells, &th->stock, word & ~MARKS);
}

/* path[@from] … path[@to] are out, and a leaf beside each. */
static void put_chain(struct sd_thread *th, uint32_t from, uint32_t to,
		      unsigned kept)
{
	for (uint32_t m = from; m <= to; m++) {
		const struct node *n = node_at(th->t, th->path[m].node);
		unsigned stays = m < to ? side_of(th, n) : kept;
		uint32_t leaf = edge_load(&n->child[!stays]);

		assert((leaf & (LEAF | FLAG)) == (LEAF | FLAG));
		put(th, leaf);
		put(th, edge_to(th->path[m].node));
	}
}

/*
 * One of the edges of path[@i] has FLAG: cut the node and that leaf out.
 * Returns whether this call did it; if not, the way has to be sought again.
 */
static bool cut(struct sd_thread *th, uint32_t i)
{
	struct node *n = node_at(th->t, th->path[i].node);
	unsigned kept = side_of(th, n);
	uint32_t j, was, stays;

	th->stats.helps++;
	pause_here(th);
	if (edge_load(&n->child[kept]) & FLAG)
		kept = !kept;
	stays = atomic_fetch_or_explicit(&n->child[kept], TAG,
					 memory_order_acq_rel) &
		~TAG;
	th->stats.cas_ok++;
	j = uncut_above(th, i);
	if (j == i)
		return false;
	was = edge_to(th->path[j + 1].node);
	if (!edge_cas(th, edge_at(th, j), &was, stays))
		return false;
	put_chain(th, j + 1, i, kept);
	return true;
}

/* The leaf that the search ended at is dying: one step towards its end. */
static bool bury(struct sd_thread *th)
{
	_Atomic uint32_t *e = edge_at(th, th->depth);
	uint32_t clean = th->edge & ~MARKS, was = clean;

	if (edge_cas(th, e, &was, clean | FLAG))
		return cut(th, th->depth);
	/* Somebody else's mark is on the edge, or it leads elsewhere now. */
	if ((was & ~MARKS) != clean)
		return false;
	return cut(th, th->depth) && was & FLAG;
}

/* ---- operations ---- */

/* @links: something may be linked in */
static int enter(struct sd_thread *th, struct sd_key key, bool links)
{
	struct sd_reclaim *r = th->t->conf.reclaim;

	dbg_assert(!key.bytes == !!th->t->conf.contents);
	if (sd_stock_ready(&th->t->cells, &th->stock, links))
		return -ENOMEM;
	th->key = key;
	if (r->ops->enter)
		r->ops->enter(r, th->number);
	return 0;
}

static void leave(struct sd_thread *th)
{
	struct sd_reclaim *r = th->t->conf.reclaim;

	if (r->ops->leave)
		r->ops->leave(r, th->number);
	if (th->stock.into->count == SD_BAG_CELLS)
		sd_stock_hand(&th->t->cells, &th->stock, r, th->number, false);
}

/* Count one more, unless it is dying. */
static bool count_up(const struct sd_thread *th, struct leaf *l)
{
	uint32_t n = atomic_load_explicit(&l->refs, memory_order_acquire);

	pause_here(th);
	while (n)
		if (atomic_compare_exchange_weak_explicit(&l->refs, &n, n + 1,
							  memory_order_acq_rel,
							  memory_order_acquire))
			return true;
	return false;
}

/* Returns what is left, or UINT32_MAX: it was dying before. */
static uint32_t count_down(const struct sd_thread *th, struct leaf *l)
{
	uint32_t n = atomic_load_explicit(&l->refs, memory_order_acquire);

	pause_here(th);
	while (n)
		if (atomic_compare_exchange_weak_explicit(&l->refs, &n, n - 1,
							  memory_order_acq_rel,
							  memory_order_acquire))
			return n - 1;
	return UINT32_MAX;
}

/* The first rank on side 1 of a node where the key and a leaf part. */
static uint32_t split_of(const struct sd_thread *th, uint32_t cell)
{
	const struct sdtree *t = th->t;

	if (th->key.bytes)
		return 0;
	if (cell == CELL_D)
		return SPLIT_TOP;
	return content_split(t->conf.contents, th->key.rank,
			     (uint32_t)leaf_at(t, cell)->key.rank);
}

static unsigned side_in_new(const struct sd_thread *th, uint32_t cell,
			    int32_t bit)
{
	if (cell == CELL_D)
		return 0;
	return th->key.bytes ? bit_of(th->key.bytes, bit)
			     : th->key.rank > leaf_at(th->t, cell)->key.rank;
}

/* The key parts from the leaf that was found at @bit: link it in there. */
static bool link_new(struct sd_thread *th, int32_t bit, uint32_t value)
{
	const struct sdtree *t = th->t;
	uint32_t *pair = th->stock.pair, found = cell_of(th->edge);
	uint32_t i = th->depth, clean, was;
	struct leaf *l = leaf_at(t, pair[1]);
	struct node *n = node_at(t, pair[0]);
	unsigned side = side_in_new(th, found, bit);

	while (th->path[i].bit > bit)
		i--;
	clean = i == th->depth ? th->edge & ~MARKS
			       : edge_to(th->path[i + 1].node);
	if (th->key.bytes)
		l->key.bytes = th->key.bytes;
	else
		l->key.rank = th->key.rank;
	l->value = value;
	atomic_store_explicit(&l->refs, 1, memory_order_relaxed);
	n->bit = bit;
	n->split = split_of(th, found);
	atomic_store_explicit(&n->child[side], edge_to(pair[1]) | LEAF,
			      memory_order_relaxed);
	atomic_store_explicit(&n->child[!side], clean, memory_order_relaxed);
	was = clean;
	if (edge_cas(th, edge_at(th, i), &was, edge_to(pair[0]))) {
		pair[0] = pair[1] = 0;
		return true;
	}
	if ((was & ~MARKS) == clean)
		cut(th, i);
	return false;
}

int sdtree_insert(struct sd_thread *th, struct sd_key key, uint32_t value,
		  uint32_t *stored)
{
	const struct sdtree *t = th->t;
	int ret = enter(th, key, true);

	if (ret)
		return ret;
	for (seek(th);; seek_again(th)) {
		uint32_t found = cell_of(th->edge);
		int32_t bit = parts_at(th, found);

		if (bit < (int32_t)t->key_bits) {
			if (!link_new(th, bit, value))
				continue;
			ret = SD_NEW;
			break;
		}
		if (count_up(th, leaf_at(t, found))) {
			value = leaf_at(t, found)->value;
			ret = SD_DUP;
			break;
		}
		bury(th);
	}
	leave(th);
	if (stored)
		*stored = value;
	return ret;
}

int sdtree_delete(struct sd_thread *th, struct sd_key key, uint32_t *stored)
{
	const struct sdtree *t = th->t;
	uint32_t mine, left;
	int ret = enter(th, key, false);

	if (ret)
		return ret;
	seek(th);
	mine = cell_of(th->edge);
	ret = -ENOENT;
	if (parts_at(th, mine) == (int32_t)t->key_bits) {
		uint32_t value = leaf_at(t, mine)->value;

		left = count_down(th, leaf_at(t, mine));
		if (left != UINT32_MAX) {
			ret = left ? SD_KEPT : SD_LAST;
			if (stored)
				*stored = value;
		}
	}
	if (ret == SD_LAST)
		while (!bury(th)) {
			seek_again(th);
			if (cell_of(th->edge) != mine)
				break; /* others have */
		}
	leave(th);
	return ret;
}

uint32_t sdtree_find(struct sd_thread *th, struct sd_key key, uint32_t *stored)
{
	const struct sdtree *t = th->t;
	struct sd_reclaim *r = t->conf.reclaim;
	uint32_t found, refs = 0;

	th->key = key;
	if (r->ops->enter)
		r->ops->enter(r, th->number);
	seek(th);
	found = cell_of(th->edge);
	if (parts_at(th, found) == (int32_t)t->key_bits) {
		refs = atomic_load_explicit(&leaf_at(t, found)->refs,
					    memory_order_acquire);
		if (refs && stored)
			*stored = leaf_at(t, found)->value;
	}
	if (r->ops->leave)
		r->ops->leave(r, th->number);
	return refs;
}

uint32_t sdtree_warm(struct sd_thread *th, const struct sd_key *key, unsigned n)
{
	const struct sdtree *t = th->t;
	struct sd_reclaim *r = t->conf.reclaim;
	uint32_t edge[SD_WARM], stored = 0, on;

	assert(n <= SD_WARM);
	for (unsigned i = 0; i < n; i++)
		edge[i] = edge_to(CELL_S);
	if (r->ops->enter)
		r->ops->enter(r, th->number);
	do {
		on = 0;
		for (unsigned i = 0; i < n; i++) {
			const struct node *node;
			unsigned side;

			if (edge[i] & LEAF)
				continue;
			node = node_at(t, cell_of(edge[i]));
			side = key[i].bytes ? bit_of(key[i].bytes, node->bit)
					    : key[i].rank >= node->split;
			edge[i] = edge_load(&node->child[side]);
			prefetch(node_at(t, cell_of(edge[i])));
			on++;
		}
	} while (on);
	for (unsigned i = 0; i < n; i++) {
		const struct leaf *l = leaf_at(t, cell_of(edge[i]));

		if (cell_of(edge[i]) == CELL_D)
			continue;
		if (key[i].bytes)
			prefetch(l->key.bytes);
		else
			stored |= (uint32_t)(l->key.rank == key[i].rank) << i;
	}
	if (r->ops->leave)
		r->ops->leave(r, th->number);
	return stored;
}
