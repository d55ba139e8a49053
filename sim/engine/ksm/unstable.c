/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unstable.c - the unstable tree: pages that have met no equal yet
 *
 * Built anew in each full scan.  Its pages are not protected: a page that is
 * written after it was inserted stays where it is, so later walks may be
 * misdirected, and a page that vanished stops every walk that meets it.
 */
#include <errno.h>

#include "sim/engine/ksm/ksm.h"

void ksm_after_split(struct ksm *k, uint32_t pte, unsigned split,
		     struct meter *m)
{
	uint64_t vpn =
		machine_pte_vpn(k->machine, pte) & ~(uint64_t)(HUGE_PAGES - 1);

	meter_add(m, OP_HUGE_SPLIT, split);
	/* Parts that held zeros have left, in the twins of a fork too. */
	for (uint32_t s = 0; split && s < k->machine->nspace; s++) {
		uint32_t base = machine_find(k->machine, s, vpn);

		for (uint32_t i = 0; base && i < HUGE_PAGES; i++)
			if (word_state(k->machine->pte[base + i].word) ==
			    ITEM_UNSTABLE)
				item_refresh(k, base + i);
	}
}

void ksm_count_replace(struct ksm *k, int ret, unsigned freed, uint32_t left,
		       struct meter *m)
{
	meter_add(m, OP_WRITE_PROTECT, 1);
	if (ret)
		return;
	/* Compared once more now that nobody can write to it. */
	meter_add(m, OP_CMP, 1);
	meter_add(m, k->rules.words ? OP_CMP_AGAIN : OP_CMP_AGAIN_BYTES, 1);
	meter_add(m, OP_CMP_BYTES, PAGE_BYTES);
	meter_add(m, OP_PTE_REPLACE, 1);
	meter_add(m, OP_FRAME_FREE, freed);
	if (left)
		stable_mark_stale(k, left);
}

int ksm_merge(struct ksm *k, uint32_t pte, uint32_t share, struct meter *m)
{
	unsigned freed, split = 0;
	uint64_t place;
	uint32_t word;
	int ret;

	if (k->machine->pte[pte].ref == share &&
	    pte_owner(&k->machine->pte[pte]) == OWNER_SHARED)
		return 0;
	if (ksm_orphan(k, pte))
		return -EBUSY;
	place = ksm_place(k, pte);
	ret = machine_merge(k->machine, pte, share, &freed, &word, &split);
	ksm_after_split(k, pte, split, m);
	ksm_count_replace(k, ret, freed, word, m);
	if (unlikely(k->sink) && !ret) {
		k->sink->read(k->sink->ctx, place, PAGE_BYTES);
		k->sink->read(k->sink->ctx,
			      machine_share(k->machine, share)->frame,
			      PAGE_BYTES);
	}
	return ret;
}

int ksm_break(struct ksm *k, uint32_t pte, struct meter *m)
{
	struct effect fx;
	int ret = machine_unmerge(k->machine, pte, &fx);

	if (ret)
		return ret;
	if (fx.flags & FXF_FREED && fx.freed)
		stable_mark_stale(k, fx.freed);
	k->cow_ksm++;
	meter_add(m, OP_COW_BREAK, 1);
	return 0;
}

/*
 * Page @pte equals the page of tree item @other: @pte's frame becomes the
 * merged one, the other's is freed.
 */
static int pair(struct ksm *k, uint32_t pte, uint32_t other,
		const struct key *key, struct meter *m)
{
	struct key founder = *key;
	unsigned split = 0;
	uint32_t share, node;
	int ret;

	if (ksm_orphan(k, pte))
		return 0;
	if (machine_same_huge(k->machine, &k->machine->pte[pte],
			      &k->machine->pte[other])) {
		/* Each needs the other's reference gone: only the split works. */
		ret = machine_split(k->machine, pte, &split);
		ksm_after_split(k, pte, split, m);
		return ret == -EBUSY ? 0 : ret;
	}
	ret = machine_make_merged(k->machine, pte, &share, &split);
	ksm_after_split(k, pte, split, m);
	meter_add(m, OP_WRITE_PROTECT, 1);
	if (ret)
		return ret == -EBUSY ? 0 : ret;
	ret = ksm_merge(k, other, share, m);
	if (ret)
		return ret == -EBUSY ? ksm_break(k, pte, m) : ret;
	ksm_lock(k);
	item_leave(k, other, m);
	founder.class = colour_class(k, pte);
	node = stable_insert(k, &founder, share, m);
	if (node) {
		item_append(k, other, node);
		item_append(k, pte, node);
		k->changes++;
	}
	ksm_unlock(k);
	return node ? 0 : -ENOMEM;
}

static void insert(struct ksm *k, uint32_t pte, const struct key *key,
		   uint32_t parent, bool left, struct meter *m)
{
	uint64_t before = k->unstable.rotations;
	struct item *it = ksm_item(k, pte);
	uint32_t *link = &k->unstable.root;

	if (parent)
		link = left ? &ksm_item(k, parent)->rb.left
			    : &ksm_item(k, parent)->rb.right;
	it->head = key->head;
	it->rank = key->rank;
	rb_insert(&k->unstable, pte, parent, link);
	meter_add(m, OP_RB_INSERT, 1);
	meter_add(m, OP_RB_ROTATE, k->unstable.rotations - before);
	item_set_state(k, pte, ITEM_UNSTABLE);
	k->pages_unshared++;
	/* A huge page was split under it: it is the zero page by now. */
	if (unlikely(pte_owner(&k->machine->pte[pte]) == OWNER_ZERO))
		item_refresh(k, pte);
}

/* Where a walk through the unstable tree ended. */
struct walk {
	uint32_t at;	 /* node of equal content, or that stops the walk; 0 */
	uint32_t parent; /* last node that differed: where to insert */
	bool left;
	bool stopped; /* its page vanished, or is the very same page (fork) */
};

/* Meets a node whose head is the same, or whose page vanished: 0 go on. */
static int look_closely(const struct ksm *k, uint32_t x, uint32_t pte,
			const struct key *key, struct walk *w, uint64_t *bytes)
{
	const struct machine *mc = k->machine;
	const struct item *it = ksm_item(k, x);
	uint32_t class;
	int r;

	if (it->rank == RANK_NONE ||
	    (it->rank == key->rank &&
	     machine_same_frame(&mc->pte[x], &mc->pte[pte]))) {
		w->stopped = true;
		return 0;
	}
	r = ksm_compare(k, key, it->head, it->rank, mc->pte[x].content, bytes);
	if (r)
		return r;
	class = ksm_class(k, x);
	return key->class < class ? -1 : key->class > class;
}

/* The walk once more, for who wants to know what it read: descend() itself has
 * no time for that. */
static void tell_walk(const struct ksm *k, uint32_t pte, const struct key *key)
{
	struct walk w = {.at = k->unstable.root};

	while (w.at) {
		const struct item *it = ksm_item(k, w.at);
		uint64_t bytes = 0;
		int r;

		if (ksm_heads_decide(key->head, it->head) &&
		    it->rank != RANK_NONE) {
			bytes = ksm_head_bytes(key->head, it->head);
			r = key->head < it->head ? -1 : 1;
		} else {
			r = look_closely(k, w.at, pte, key, &w, &bytes);
		}
		if (w.stopped)
			return;
		ksm_tell_compare(k, ksm_place(k, w.at), (uint32_t)bytes);
		if (!r)
			return;
		w.at = ksm_child(&it->rb, r < 0);
	}
}

static struct walk descend(struct ksm *k, uint32_t pte, const struct key *key,
			   struct meter *m)
{
	enum meter_tree tree = ksm_walk_of(k, TREE_UNSTABLE, key->rank);
	struct walk w = {.at = k->unstable.root};
	uint32_t depth = 0;
	uint64_t bytes = 0;
	int r;

	while (w.at) {
		const struct item *it = ksm_item(k, w.at);

		depth++;
		if (likely(ksm_heads_decide(key->head, it->head) &&
			   it->rank != RANK_NONE)) {
			bytes += ksm_head_bytes(key->head, it->head);
			r = key->head < it->head ? -1 : 1;
		} else {
			uint64_t before = bytes;

			/* How far they are alike takes longer to find out than
			 * where to go: fetch the next node meanwhile. */
			prefetch(ksm_item(
				k, ksm_child(&it->rb, key->rank < it->rank)));
			r = look_closely(k, w.at, pte, key, &w, &bytes);
			if (!w.stopped)
				meter_lines(m, k->order, tree, depth - 1,
					    (uint32_t)(bytes - before));
			if (!r)
				break;
		}
		w.parent = w.at;
		w.left = r < 0;
		w.at = ksm_child(&it->rb, w.left);
	}
	if (unlikely(k->sink))
		tell_walk(k, pte, key);
	meter_walk(m, tree, depth);
	meter_add(m, OP_CMP, depth - w.stopped);
	meter_add(m, OP_CMP_BYTES, bytes);
	return w;
}

int unstable_step(struct ksm *k, uint32_t pte, const struct key *key,
		  struct meter *m)
{
	struct walk w = descend(k, pte, key, m);

	if (!w.stopped && !w.at)
		insert(k, pte, key, w.parent, w.left, m);
	ksm_unlock(k);
	return !w.stopped && w.at ? pair(k, pte, w.at, key, m) : 0;
}
