/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * colour.c - copies of a content for mappings of different colours
 *
 * A merged page that is read at addresses of different colours meets synonyms in
 * virtually indexed caches; copies trade frames against them.
 *
 * per-colour and per-K need nothing but the class in the trees.  With theta a
 * content has nodes for some colours; pages of the others join the first one
 * that a walk meets, until enough of one colour have come together for a node
 * of their own.  With share-limit the copies that max_page_sharing makes anyway
 * stand for neighbouring colours, and pages move to theirs when there is room.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/engine/ksm/ksm.h"

static int check_power(const char *name, uint64_t v, struct err *err)
{
	return is_pow2(v) ? 0
			  : err_set(err, EINVAL,
				    "%s: %" PRIu64 " is not a power of two",
				    name, v);
}

int colour_start(struct ksm *k, struct err *err)
{
	uint64_t colours = k->opt.colours, groups = k->opt.colour_groups;
	int ret;

	if (!colours)
		colours = k->machine->cfg.zero_pages;
	ret = check_power("colours", colours, err);
	if (!ret)
		ret = check_power("colour_groups", groups, err);
	if (ret)
		return ret;
	k->colours = (uint32_t)colours;
	if (k->opt.colour_copies == KSM_COPIES_COLOUR)
		k->class_mask = k->colours - 1;
	if (k->opt.colour_copies == KSM_COPIES_GROUPS)
		k->class_mask =
			(uint32_t)(groups < colours ? groups : colours) - 1;
	k->count = mem_zalloc(2 * (size_t)k->colours, sizeof(*k->count));
	return k->count ? 0 : -ENOMEM;
}

/* ---- theta ---- */

static uint32_t theta_search(struct ksm *k, uint32_t pte, const struct key *key,
			     struct meter *m)
{
	struct key own = *key;
	uint32_t node;

	own.class = ksm_colour(k, pte);
	node = stable_search(k, &own, m);
	if (node)
		return node;
	own.class = CLASS_ANY;
	return stable_search(k, &own, m);
}

/* Pages of this colour at the node; never more than max_page_sharing. */
static uint64_t count_colour(const struct ksm *k, uint32_t node,
			     uint32_t colour)
{
	uint64_t n = 0;

	for (uint32_t i = ksm_node(k, node)->items; i;
	     i = ksm_item(k, i)->item_next)
		n += ksm_colour(k, i) == colour;
	return n;
}

bool colour_own_due(const struct ksm *k, uint32_t pte, uint32_t node)
{
	uint32_t colour;

	if (likely(k->opt.colour_copies != KSM_COPIES_THETA))
		return false;
	colour = ksm_colour(k, pte);
	return ksm_node(k, node)->class != colour &&
	       count_colour(k, node, colour) + 1 >= k->opt.colour_theta;
}

uint32_t colour_class(const struct ksm *k, uint32_t pte)
{
	return k->opt.colour_copies == KSM_COPIES_THETA ? ksm_colour(k, pte)
							: ksm_class(k, pte);
}

int colour_found(struct ksm *k, uint32_t pte, struct meter *m)
{
	struct key key = ksm_key(k, pte);
	unsigned split = 0;
	uint32_t share, node;
	int ret;

	if (ksm_orphan(k, pte))
		return 0;
	ret = machine_make_merged(k->machine, pte, &share, &split);
	ksm_after_split(k, pte, split, m);
	meter_add(m, OP_WRITE_PROTECT, 1);
	if (ret)
		return ret == -EBUSY ? 0 : ret;
	key.class = ksm_colour(k, pte);
	node = stable_insert(k, &key, share, m);
	if (!node)
		return -ENOMEM;
	item_append(k, pte, node);
	k->changes++;
	return 0;
}

/* ---- share-limit ---- */

static uint32_t distance(uint32_t a, uint32_t b)
{
	return a > b ? a - b : b - a;
}

/*
 * Which of the copies should a page of this colour map?  Colours are dealt out
 * to them in the order in which they were made.
 */
static uint32_t home_of(const struct ksm *k, const struct node *chain,
			uint32_t colour)
{
	uint32_t last = 0;

	for (uint32_t d = chain->first; d; d = ksm_node(k, d)->next)
		if (!ksm_node(k, d)->stale && ksm_node(k, d)->home > last)
			last = ksm_node(k, d)->home;
	return (uint32_t)((uint64_t)colour * (last + 1) / k->colours);
}

/* The copy with room for another page that is nearest to @home; 0: none. */
static uint32_t nearest(const struct ksm *k, const struct node *chain,
			uint32_t home)
{
	uint32_t best = 0, away = UINT32_MAX;

	for (uint32_t d = chain->first; d; d = ksm_node(k, d)->next) {
		const struct node *n = ksm_node(k, d);

		if (!stable_candidate(k, n) || distance(n->home, home) >= away)
			continue;
		best = d;
		away = distance(n->home, home);
	}
	return best;
}

static uint32_t limit_search(struct ksm *k, uint32_t pte, const struct key *key,
			     struct meter *m)
{
	uint32_t node = stable_search(k, key, m);
	const struct node *chain;

	if (!node || ksm_node(k, node)->kind != NODE_DUP)
		return node;
	chain = ksm_node(k, ksm_node(k, node)->chain);
	meter_add(m, OP_DUP_CHECK, chain->dups);
	return nearest(k, chain, home_of(k, chain, ksm_colour(k, pte)));
}

uint32_t colour_search(struct ksm *k, uint32_t pte, const struct key *key,
		       struct meter *m)
{
	switch ((enum ksm_copies)k->opt.colour_copies) {
	case KSM_COPIES_THETA:
		return theta_search(k, pte, key, m);
	case KSM_COPIES_LIMIT:
		return limit_search(k, pte, key, m);
	case KSM_COPIES_SINGLE:
	case KSM_COPIES_COLOUR:
	case KSM_COPIES_GROUPS:
		break;
	}
	return stable_search(k, key, m);
}

/* ---- pages that move ---- */

static int move(struct ksm *k, uint32_t pte, uint32_t to, struct meter *m)
{
	int ret = ksm_merge(k, pte, ksm_node(k, to)->share, m);

	if (ret)
		return ret == -EBUSY ? 0 : ret;
	item_leave(k, pte, m);
	item_append(k, pte, to);
	k->changes++;
	return 0;
}

/* Enough of its colour are here: the page gets a frame again, for them all. */
static int leave_for_own(struct ksm *k, uint32_t pte, struct meter *m)
{
	int ret = ksm_break(k, pte, m);

	if (ret)
		return ret;
	item_leave(k, pte, m);
	return colour_found(k, pte, m);
}

static int theta_move(struct ksm *k, uint32_t pte, uint32_t node,
		      struct meter *m)
{
	struct key own = ksm_key(k, pte);
	uint32_t colour = ksm_colour(k, pte), to;

	if (ksm_node(k, node)->class == colour)
		return 0;
	own.class = colour;
	to = stable_search(k, &own, m);
	if (to)
		return move(k, pte, to, m);
	/* It is counted itself. */
	if (count_colour(k, node, colour) < k->opt.colour_theta)
		return 0;
	return leave_for_own(k, pte, m);
}

/* Only nearer to its own: so all moves come to an end. */
static int limit_move(struct ksm *k, uint32_t pte, uint32_t node,
		      struct meter *m)
{
	const struct node *n = ksm_node(k, node), *chain;
	uint32_t home, to;

	if (n->kind != NODE_DUP)
		return 0;
	chain = ksm_node(k, n->chain);
	if (!chain->candidates)
		return 0;
	meter_add(m, OP_DUP_CHECK, chain->dups);
	home = home_of(k, chain, ksm_colour(k, pte));
	to = nearest(k, chain, home);
	if (!to ||
	    distance(ksm_node(k, to)->home, home) >= distance(n->home, home))
		return 0;
	return move(k, pte, to, m);
}

int colour_move(struct ksm *k, uint32_t pte, uint32_t node, struct meter *m)
{
	if (k->opt.colour_copies == KSM_COPIES_THETA)
		return theta_move(k, pte, node, m);
	if (k->opt.colour_copies == KSM_COPIES_LIMIT)
		return limit_move(k, pte, node, m);
	return 0;
}

/* ---- what they are good for ---- */

struct sums {
	uint64_t contents, frames, mappings, same;
	uint64_t mixed, mixed_single; /* in thousandths of a page */
};

/*
 * Of reads of these pages in random order, how many see another colour than the
 * one before?  In thousandths, by page; *@most: pages of the commonest colour.
 */
static uint64_t mixed_pages(const struct ksm *k, const uint32_t *count,
			    uint64_t *most)
{
	uint64_t n = 0, squares = 0;

	*most = 0;
	for (uint32_t c = 0; c < k->colours; c++) {
		n += count[c];
		squares += (uint64_t)count[c] * count[c];
		if (*most < count[c])
			*most = count[c];
	}
	return n ? n * 1000 - squares * 1000 / n : 0;
}

static void clear(const struct ksm *k, uint32_t *count)
{
	memset(count, 0, k->colours * sizeof(*count));
}

/* One frame: what maps it is added to the content's counts. */
static void add_frame(const struct ksm *k, const struct node *n,
		      struct sums *sum)
{
	uint32_t *all = k->count, *one = k->count + k->colours;
	uint64_t most;

	if (n->stale || !n->count)
		return;
	clear(k, one);
	for (uint32_t i = n->items; i; i = ksm_item(k, i)->item_next) {
		uint32_t c = ksm_colour(k, i);

		one[c]++;
		all[c]++;
	}
	sum->frames++;
	sum->mappings += n->count;
	sum->mixed += mixed_pages(k, one, &most);
}

static void add_content(const struct ksm *k, struct sums *sum)
{
	uint64_t most;

	sum->mixed_single += mixed_pages(k, k->count, &most);
	sum->same += most;
	sum->contents += most > 0;
	clear(k, k->count);
}

void colour_report(const struct ksm *k, struct rows *out)
{
	struct sums sum = {0};
	uint32_t x, rank = RANK_NONE, d;

	clear(k, k->count);
	for (x = rb_first(&k->stable); x; x = rb_next(&k->stable, x)) {
		const struct node *n = ksm_node(k, x);

		if (n->rank != rank)
			add_content(k, &sum);
		rank = n->rank;
		if (n->kind == NODE_PLAIN)
			add_frame(k, n, &sum);
		else
			for (d = n->first; d; d = ksm_node(k, d)->next)
				add_frame(k, ksm_node(k, d), &sum);
	}
	add_content(k, &sum);
	rows_add(out, "colour", "colours", "colours", k->colours);
	rows_add(out, "colour", "contents", "contents", (int64_t)sum.contents);
	rows_add(out, "colour", "frames", "frames", (int64_t)sum.frames);
	rows_add(out, "colour", "mappings", "pages", (int64_t)sum.mappings);
	rows_add(out, "colour", "same_colour", "pages", (int64_t)sum.same);
	rows_add(out, "colour", "mixed_milli", "pages/1000",
		 (int64_t)sum.mixed);
	rows_add(out, "colour", "mixed_single_milli", "pages/1000",
		 (int64_t)sum.mixed_single);
}
