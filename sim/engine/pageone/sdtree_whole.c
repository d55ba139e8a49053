/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/engine/pageone/sdtree_impl.h"

/* Cells to spare for what waits, and for the stocks of threads. */
#define SLACK_TIMES 2u
#define SLACK_CELLS (UINT64_C(1) << 16)

#define POISON 0xdb

static struct sd_key key_of(const struct sdtree *t, const struct leaf *l)
{
	return t->conf.contents ? (struct sd_key){.rank = (uint32_t)l->key.rank}
				: (struct sd_key){.bytes = l->key.bytes};
}

static void release(const struct sdtree *t, uint32_t cell)
{
	const struct leaf *l = leaf_at(t, cell);

	if (t->conf.release)
		t->conf.release(t->conf.ctx, key_of(t, l), l->value);
}

/* Nobody can see what the word names any more. */
static void gone(struct sd_cells *c, uint32_t word)
{
	const struct sdtree *t = (struct sdtree *)(void *)c;

	if (word & LEAF)
		release(t, cell_of(word));
	if (t->conf.poison)
		memset(sd_cell(c, cell_of(word)), POISON, SD_CELL_BYTES);
}

static void set_node(struct sdtree *t, uint32_t cell, uint32_t child)
{
	struct node *n = node_at(t, cell);

	n->bit = BIT_TOP;
	n->split = SPLIT_TOP;
	atomic_store_explicit(&n->child[0], child, memory_order_relaxed);
	atomic_store_explicit(&n->child[1], 0, memory_order_relaxed);
}

int sdtree_new(struct sdtree **out, const struct sdtree_conf *conf)
{
	struct sdtree *t = mem_zalloc(1, sizeof(*t));
	uint64_t cells = (uint64_t)conf->max_objects * 2 * SLACK_TIMES;
	int ret;

	if (!t)
		return -ENOMEM;
	t->conf = *conf;
	t->key_bits = conf->contents ? PAGE_BITS : conf->key_bits;
	assert(t->key_bits && t->key_bits <= PAGE_BITS && t->key_bits % 8 == 0);
	if (!t->conf.reclaim)
		t->conf.reclaim = &sd_reclaim_now;
	/* A walk holds a node per bit, a check that goes both ways two. */
	t->stack = mem_zalloc(2 * (t->key_bits + 4u), sizeof(*t->stack));
	ret = t->stack ? sd_cells_init(&t->cells, cells + SLACK_CELLS)
		       : -ENOMEM;
	if (ret) {
		free(t->stack);
		free(t);
		return ret;
	}
	t->cells.gone = t->conf.release || t->conf.poison ? gone : NULL;
	set_node(t, CELL_R, edge_to(CELL_S));
	set_node(t, CELL_S, edge_to(CELL_D) | LEAF);
	atomic_store(&t->cells.used, CELL_D + 1);
	*out = t;
	return 0;
}

static int release_one(void *ctx, struct sd_key key, uint32_t refs,
		       uint32_t value, int branch)
{
	const struct sdtree *t = ctx;

	(void)refs;
	(void)branch;
	t->conf.release(t->conf.ctx, key, value);
	return 0;
}

void sdtree_free(struct sdtree *t)
{
	if (!t)
		return;
	assert(!atomic_load(&t->joined));
	if (t->conf.reclaim->ops->drain)
		t->conf.reclaim->ops->drain(t->conf.reclaim);
	if (t->conf.release)
		sdtree_walk(t, release_one, t);
	sd_cells_fini(&t->cells);
	free(t->stack);
	free(t);
}

int sdtree_join(struct sdtree *t, struct sd_thread **out)
{
	uint64_t joined = atomic_load(&t->joined);
	struct sd_thread *th;
	unsigned i;

	/* Bits strictly grow along a path, below the three at the top. */
	th = mem_zalloc(1,
			sizeof(*th) + (t->key_bits + 4) * sizeof(th->path[0]));
	if (!th)
		return -ENOMEM;
	do {
		if (joined == UINT64_MAX) {
			free(th);
			return -ENOSPC;
		}
		i = ctz64(~joined);
	} while (!atomic_compare_exchange_weak(&t->joined, &joined,
					       joined | UINT64_C(1) << i));
	th->t = t;
	th->number = i;
	if (t->conf.reclaim->ops->join)
		t->conf.reclaim->ops->join(t->conf.reclaim, i);
	*out = th;
	return 0;
}

void sdtree_part(struct sd_thread *th)
{
	struct sd_reclaim *r;
	struct sdtree *t;

	if (!th)
		return;
	t = th->t;
	r = t->conf.reclaim;
	sd_stock_hand(&t->cells, &th->stock, r, th->number, true);
	if (r->ops->part)
		r->ops->part(r, th->number);
	sd_stock_return(&t->cells, &th->stock);
	atomic_fetch_and(&t->joined, ~(UINT64_C(1) << th->number));
	free(th);
}

const struct sdtree_stats *sdtree_stats(const struct sd_thread *th)
{
	return &th->stats;
}

uint64_t sdtree_bytes(const struct sdtree *t)
{
	return (uint64_t)atomic_load(&t->cells.used) * SD_CELL_BYTES;
}

/* ---- while nothing runs ---- */

/* On the way back up: nodes whose side 1 is still to be seen. */
struct walk {
	const struct sdtree *t;
	uint32_t *stack; /* nodes */
	uint32_t depth;
};

static uint32_t leftmost(struct walk *w, uint32_t edge)
{
	while (!(edge & LEAF)) {
		uint32_t cell = cell_of(edge);

		w->stack[w->depth++] = cell;
		edge = atomic_load(&node_at(w->t, cell)->child[0]);
	}
	return cell_of(edge);
}

int sdtree_walk(const struct sdtree *t, sdtree_walk_fn *fn, void *ctx)
{
	struct walk w = {.t = t, .stack = t->stack};
	uint32_t cell;
	int ret = 0, branch = -1;

	cell = leftmost(&w, atomic_load(&node_at(t, CELL_S)->child[0]));
	while (cell != CELL_D) {
		const struct leaf *l = leaf_at(t, cell);
		const struct node *n;

		ret = fn(ctx, key_of(t, l), atomic_load(&l->refs), l->value,
			 branch);
		if (ret)
			break;
		n = node_at(t, w.stack[--w.depth]);
		branch = n->bit;
		cell = leftmost(&w, atomic_load(&n->child[1]));
	}
	return ret;
}

struct check {
	const struct sdtree *t;
	FILE *why;
	struct sd_key last;
};

static int bits_in_common(const struct sdtree *t, struct sd_key a,
			  struct sd_key b)
{
	uint32_t bit = 0;

	if (t->conf.contents)
		return a.rank < b.rank
			       ? (int)content_prefix_bits(t->conf.contents,
							  a.rank, b.rank)
			       : -1;
	while (bit < t->key_bits &&
	       !((a.bytes[bit / 8] ^ b.bytes[bit / 8]) >> (7 - bit % 8) & 1))
		bit++;
	if (bit == t->key_bits || a.bytes[bit / 8] > b.bytes[bit / 8])
		return -1;
	return (int)bit;
}

static int check_leaf(void *ctx, struct sd_key key, uint32_t refs,
		      uint32_t value, int branch)
{
	struct check *c = ctx;
	int bit;

	(void)value;
	if (!refs)
		return err_why(c->why, "sdtree", "a stored key has no count");
	if (branch >= 0) {
		bit = bits_in_common(c->t, c->last, key);
		if (bit < 0)
			return err_why(c->why, "sdtree",
				       "keys are not in order");
		if (bit != branch)
			return err_why(c->why, "sdtree",
				       "keys part at bit %d, the node says %d",
				       bit, branch);
	}
	c->last = key;
	return 0;
}

/* Marks, and bits that do not grow. */
static int check_nodes(const struct sdtree *t, FILE *why)
{
	struct walk w = {.t = t, .stack = t->stack};
	int ret = 0;

	w.stack[w.depth++] = CELL_S;
	while (w.depth && !ret) {
		const struct node *n = node_at(t, w.stack[--w.depth]);

		for (unsigned side = 0; side < 2 && !ret; side++) {
			uint32_t e = atomic_load(&n->child[side]);

			if (!e && n->bit == BIT_TOP && side)
				continue;
			if (e & MARKS)
				ret = err_why(why, "sdtree",
					      "a mark was left at bit %d",
					      n->bit);
			else if (!cell_of(e))
				ret = err_why(why, "sdtree",
					      "an edge at bit %d leads nowhere",
					      n->bit);
			else if (!(e & LEAF) &&
				 node_at(t, cell_of(e))->bit <= n->bit)
				ret = err_why(why, "sdtree",
					      "bit %d is above bit %d", n->bit,
					      node_at(t, cell_of(e))->bit);
			else if (!(e & LEAF))
				w.stack[w.depth++] = cell_of(e);
		}
	}
	return ret;
}

int sdtree_check(const struct sdtree *t, FILE *why)
{
	struct check c = {.t = t, .why = why};
	int ret = check_nodes(t, why);

	return ret ? ret : sdtree_walk(t, check_leaf, &c);
}
