/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stable.c - the stable tree
 *
 * A content that is shared once has a plain node in the tree.  When its page is
 * full (max_page_sharing) and the content is merged again into a second page, a
 * chain takes the node's place and both pages hang in it as dups.
 */
#include "sim/engine/ksm/ksm.h"

/* Without a limit even a node that lists nobody is joined. */
static bool candidate(const struct ksm *k, const struct node *n)
{
	return (n->count > 0 || !k->rules.limit) &&
	       n->count < k->opt.max_page_sharing && !n->stale;
}

bool stable_candidate(const struct ksm *k, const struct node *n)
{
	return candidate(k, n);
}

void stable_count(struct ksm *k, struct node *n, int by)
{
	bool was = candidate(k, n), zero = n->rank == 0;
	uint32_t from = n->count;
	uint64_t *counter, *zeros;

	n->count = by > 0 ? from + 1 : from - 1;
	/* The first item of a node is "shared", the others are "sharing". */
	counter = from + (by > 0) > 1 ? &k->pages_sharing : &k->pages_shared;
	zeros = counter == &k->pages_shared ? &k->zero_shared
					    : &k->zero_sharing;
	*counter += (uint64_t)by;
	if (zero)
		*zeros += (uint64_t)by;
	if (n->kind == NODE_DUP) {
		struct node *c = ksm_node(k, n->chain);

		c->candidates += (uint32_t)candidate(k, n) - (uint32_t)was;
	}
}

void stable_mark_stale(struct ksm *k, uint32_t node)
{
	struct node *n = ksm_node(k, node), *c;

	assert(!n->stale);
	if (n->kind == NODE_DUP) {
		c = ksm_node(k, n->chain);
		c->candidates -= candidate(k, n);
		c->stales++;
	}
	n->stale = 1;
	n->share = 0;
}

/* ---- dups of a chain ---- */

static void dup_push(struct ksm *k, uint32_t chain, uint32_t dup)
{
	struct node *c = ksm_node(k, chain), *d = ksm_node(k, dup);

	d->kind = NODE_DUP;
	d->chain = chain;
	d->prev = 0;
	d->next = c->first;
	if (c->first)
		ksm_node(k, c->first)->prev = dup;
	c->first = dup;
}

static void dup_add(struct ksm *k, uint32_t chain, uint32_t dup)
{
	dup_push(k, chain, dup);
	ksm_node(k, chain)->dups++;
	ksm_node(k, chain)->candidates += candidate(k, ksm_node(k, dup));
	k->stable_node_dups++;
}

static void dup_unlink(struct ksm *k, uint32_t dup)
{
	struct node *d = ksm_node(k, dup), *c = ksm_node(k, d->chain);

	if (d->prev)
		ksm_node(k, d->prev)->next = d->next;
	else
		c->first = d->next;
	if (d->next)
		ksm_node(k, d->next)->prev = d->prev;
}

static void dup_remove(struct ksm *k, uint32_t dup)
{
	struct node *d = ksm_node(k, dup), *c = ksm_node(k, d->chain);

	dup_unlink(k, dup);
	c->dups--;
	c->candidates -= candidate(k, d);
	c->stales -= d->stale;
	k->stable_node_dups--;
}

static void node_free(struct ksm *k, uint32_t node, struct meter *m)
{
	arena_drop(&k->nodes, node);
	k->stable.base = k->nodes.base + offsetof(struct node, rb);
	meter_add(m, OP_NODE_FREE, 1);
}

static uint32_t node_new(struct ksm *k, struct meter *m)
{
	uint32_t i;

	if (arena_new(&k->nodes, &i))
		return 0;
	k->stable.base = k->nodes.base + offsetof(struct node, rb);
	meter_add(m, OP_NODE_NEW, 1);
	return i;
}

static void tree_erase(struct ksm *k, uint32_t node, struct meter *m)
{
	rb_erase(&k->stable, node);
	meter_add(m, OP_RB_ERASE, 1);
}

static void items_to_none(struct ksm *k, struct node *n)
{
	uint32_t it, next;

	for (it = n->items; it; it = next) {
		next = ksm_item(k, it)->item_next;
		item_set_state(k, it, ITEM_NONE);
		ksm_slot_of(k, it)->merging--;
	}
	if (!n->count)
		return;
	k->pages_shared--;
	k->pages_sharing -= n->count - 1;
	if (n->rank == 0) {
		k->zero_shared--;
		k->zero_sharing -= n->count - 1;
	}
	k->changes++;
}

void stable_drop(struct ksm *k, uint32_t node, struct meter *m)
{
	struct node *n = ksm_node(k, node);

	items_to_none(k, n);
	if (n->kind == NODE_DUP)
		dup_remove(k, node);
	else
		tree_erase(k, node, m);
	node_free(k, node, m);
}

static uint64_t ticks(const struct ksm *k)
{
	return k->clock->now.v / (NS_PER_SEC / k->opt.hz);
}

static bool prune_due(const struct ksm *k, const struct node *chain)
{
	uint64_t delay =
		(k->opt.stable_node_chains_prune_millisecs * k->opt.hz + 999) /
		1000;

	return ticks(k) >= chain->last_prune + delay;
}

/* Walk the dups: which one stands for the chain?  0: nothing live is left. */
static uint32_t choose_dup(struct ksm *k, uint32_t chain, bool prune,
			   struct meter *m)
{
	struct node *c = ksm_node(k, chain), *n;
	uint32_t d, next, chosen = 0, walked = 0;

	/* All full and alive: the first stands, and all of them were seen. */
	if (!c->candidates && !c->stales && c->dups > 1) {
		meter_add(m, OP_DUP_CHECK, c->dups);
		return c->first;
	}
	for (d = c->first; d; d = next) {
		n = ksm_node(k, d);
		next = n->next;
		walked++;
		if (n->stale) {
			stable_drop(k, d, m);
			continue;
		}
		if (!chosen || (candidate(k, n) &&
				(!candidate(k, ksm_node(k, chosen)) ||
				 ksm_node(k, chosen)->count < n->count)))
			chosen = d;
		if (!prune && candidate(k, ksm_node(k, chosen)))
			break;
	}
	meter_add(m, OP_DUP_CHECK, walked);
	return chosen;
}

/*
 * The node that stands for tree node @x in comparisons; *@x may become a plain
 * node when its chain collapses.  0: @x was stale, or a chain of stale nodes,
 * and is gone from the tree.
 */
static uint32_t representative(struct ksm *k, uint32_t *x, bool prune,
			       struct meter *m)
{
	uint32_t chain = *x, d;
	struct node *n = ksm_node(k, chain);

	if (n->kind == NODE_PLAIN) {
		if (!n->stale)
			return chain;
		stable_drop(k, chain, m);
		return 0;
	}
	prune = prune && prune_due(k, n);
	if (prune)
		n->last_prune = ticks(k);
	d = choose_dup(k, chain, prune, m);
	n = ksm_node(k, chain);
	if (!d) {
		tree_erase(k, chain, m);
		node_free(k, chain, m);
		k->stable_node_chains--;
		return 0;
	}
	if (n->dups == 1 && (!k->rules.keep_chains ||
			     (prune && candidate(k, ksm_node(k, d))))) {
		/* the chain collapses: the dup takes its place */
		dup_remove(k, d);
		ksm_node(k, d)->kind = NODE_PLAIN;
		rb_replace(&k->stable, chain, d);
		node_free(k, chain, m);
		k->stable_node_chains--;
		*x = d;
	} else if (d != n->first &&
		   ksm_node(k, d)->count + 1 < k->opt.max_page_sharing) {
		dup_unlink(k, d);
		dup_push(k, chain, d);
	}
	return d;
}

/* The page of @node was compared with the one that is visited. */
static void tell(const struct ksm *k, uint32_t node, uint32_t bytes)
{
	uint32_t share = ksm_node(k, node)->share;

	ksm_tell_compare(k, machine_share(k->machine, share)->frame, bytes);
}

/* Which way from a node of equal content? */
static int by_class(const struct key *key, const struct node *n)
{
	if (key->class == CLASS_ANY)
		return 0;
	return key->class < n->class ? -1 : key->class > n->class;
}

/* Where a walk through the stable tree ended. */
struct walk {
	uint32_t found;	 /* tree node of equal content; 0: none */
	uint32_t dup;	 /* its representative */
	uint32_t parent; /* none found: where a new node would hang */
	bool left;
};

/* @told: tell the sink of each compare; the usual walk has no time to ask. */
static inline struct walk walk_down(struct ksm *k, const struct key *key,
				    bool prune, bool told, struct meter *m)
{
	struct walk w = {0};
	enum meter_tree tree = ksm_walk_of(k, TREE_STABLE, key->rank);
	uint64_t bytes = 0, compares = 0;
	uint32_t x, depth = 0;

again:
	w.parent = 0;
	for (x = k->stable.root; x;) {
		const struct node *n = ksm_node(k, x);
		uint32_t d;
		int r;

		depth++;
		if (likely(n->kind == NODE_PLAIN && !n->stale &&
			   ksm_heads_decide(key->head, n->head))) {
			bytes += ksm_head_bytes(key->head, n->head);
			r = key->head < n->head ? -1 : 1;
			if (told)
				tell(k, x, ksm_head_bytes(key->head, n->head));
		} else {
			uint64_t before = bytes;

			d = representative(k, &x, prune, m);
			if (!d) { /* the tree may have been rebalanced */
				meter_walk(m, tree, depth);
				depth = 0;
				goto again;
			}
			n = ksm_node(k, x);
			r = ksm_compare(
				k, key, n->head, n->rank,
				k->contents->by_rank[ksm_node(k, d)->rank],
				&bytes);
			meter_lines(m, k->order, tree, depth - 1,
				    (uint32_t)(bytes - before));
			if (told)
				tell(k, d, (uint32_t)(bytes - before));
			if (!r)
				r = by_class(key, n);
			if (!r) {
				w.found = x;
				w.dup = d;
				compares++;
				break;
			}
		}
		compares++;
		w.parent = x;
		w.left = r < 0;
		x = ksm_child(&n->rb, w.left);
	}
	meter_walk(m, tree, depth);
	meter_add(m, OP_CMP, compares);
	meter_add(m, OP_CMP_BYTES, bytes);
	return w;
}

static struct walk descend_told(struct ksm *k, const struct key *key,
				bool prune, struct meter *m)
{
	return walk_down(k, key, prune, true, m);
}

static struct walk descend(struct ksm *k, const struct key *key, bool prune,
			   struct meter *m)
{
	if (unlikely(k->sink))
		return descend_told(k, key, prune, m);
	return walk_down(k, key, prune, false, m);
}

uint32_t stable_search(struct ksm *k, const struct key *key, struct meter *m)
{
	struct walk w = descend(k, key, true, m);

	return w.found && candidate(k, ksm_node(k, w.dup)) ? w.dup : 0;
}

/* A chain takes the place of plain node @x and holds it. */
static uint32_t make_chain(struct ksm *k, uint32_t x, struct meter *m)
{
	uint32_t chain = node_new(k, m);
	struct node *c, *n;

	if (!chain)
		return 0;
	c = ksm_node(k, chain);
	n = ksm_node(k, x);
	c->kind = NODE_CHAIN;
	c->head = n->head;
	c->rank = n->rank;
	c->class = n->class;
	c->last_prune = ticks(k);
	rb_replace(&k->stable, x, chain);
	k->stable_node_chains++;
	dup_add(k, chain, x);
	return chain;
}

static void link_plain(struct ksm *k, uint32_t node, const struct walk *w,
		       struct meter *m)
{
	uint64_t before = k->stable.rotations;
	struct rb_links *p;
	uint32_t *link = &k->stable.root;

	if (w->parent) {
		p = rb_at(&k->stable, w->parent);
		link = w->left ? &p->left : &p->right;
	}
	rb_insert(&k->stable, node, w->parent, link);
	meter_add(m, OP_RB_INSERT, 1);
	meter_add(m, OP_RB_ROTATE, k->stable.rotations - before);
}

uint32_t stable_insert(struct ksm *k, const struct key *key, uint32_t share,
		       struct meter *m)
{
	struct walk w = descend(k, key, false, m);
	uint32_t node = node_new(k, m), chain = w.found;
	struct node *n;

	if (!node)
		return 0;
	if (chain && ksm_node(k, chain)->kind == NODE_PLAIN) {
		chain = make_chain(k, chain, m);
		if (!chain) {
			node_free(k, node, m);
			return 0;
		}
	}
	n = ksm_node(k, node);
	n->head = key->head;
	n->rank = key->rank;
	n->class = (uint16_t)key->class;
	n->share = share;
	n->home = chain ? ksm_node(k, chain)->dups : 0;
	if (chain)
		dup_add(k, chain, node);
	else
		link_plain(k, node, &w, m);
	machine_share(k->machine, share)->word = node;
	return node;
}

/* Drop a node, unless its frame is still mapped: false.  Extra references to the
 * frame do not matter: it just is no node's any more. */
static bool drop_unmapped(struct ksm *k, uint32_t node, struct meter *m)
{
	struct node *n = ksm_node(k, node);
	struct share *s;

	if (!n->stale) {
		s = machine_share(k->machine, n->share);
		if (s->maps)
			return false;
		s->word = 0;
	}
	stable_drop(k, node, m);
	return true;
}

bool stable_drop_all(struct ksm *k, struct meter *m)
{
	while (k->stable.root) {
		uint32_t x = k->stable.root, d, next;

		if (ksm_node(k, x)->kind == NODE_PLAIN) {
			if (!drop_unmapped(k, x, m))
				return false;
			continue;
		}
		for (d = ksm_node(k, x)->first; d; d = next) {
			next = ksm_node(k, d)->next;
			if (!drop_unmapped(k, d, m))
				return false;
		}
		tree_erase(k, x, m);
		node_free(k, x, m);
		k->stable_node_chains--;
	}
	return true;
}
