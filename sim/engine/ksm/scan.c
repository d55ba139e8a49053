/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scan.c - one batch of ksmd
 */
#include <errno.h>

#include "sim/engine/ksm/ksm.h"

/* ---- smart scan ---- */

/* How many scans a page of this age sits out. */
static uint32_t skips_for(uint32_t age)
{
	return age <= 3 ? 1 : age <= 5 ? 2 : age <= 8 ? 4 : SKIPS_MAX;
}

/* Is the page passed over this time?  Ages it; merged pages do not age. */
static bool skip(struct ksm *k, uint32_t pte, struct meter *m)
{
	struct machine *mc = k->machine;
	uint32_t word = mc->pte[pte].word;
	uint32_t age = (word & WORD_AGE) >> WORD_AGE_SHIFT;
	uint32_t skips = (word & WORD_SKIPS) >> WORD_SKIPS_SHIFT;

	if (!k->opt.smart_scan || machine_merged(mc, &mc->pte[pte]))
		return false;
	if (age < 255)
		word += 1u << WORD_AGE_SHIFT;
	if (age >= 3 && !skips)
		word |= skips_for(age) << WORD_SKIPS_SHIFT;
	machine_set_word(mc, pte, word);
	if (age < 3 || !skips)
		return false;
	machine_set_word(mc, pte, word - (1u << WORD_SKIPS_SHIFT));
	k->pages_skipped++;
	meter_add(m, OP_PAGE_SKIP, 1);
	item_leave(k, pte, m);
	return true;
}

/* ---- which page is next ---- */

static void enter_slot(struct ksm *k, uint32_t slot)
{
	k->at = slot;
	k->walked_here = 0;
	k->cursor = (struct space_cursor){.space = slot ? slot - 1 : 0};
}

/* Addresses in the ranges of @slot that the pass has not come by yet. */
static uint64_t holes(const struct ksm *k, uint32_t slot,
		      const struct scan_steps *steps)
{
	uint64_t all = k->machine->space[slot - 1].mergeable;
	uint64_t walked = k->walked_here + steps->pages + steps->holes;

	return k->rules.walk_holes && all > walked ? all - walked : 0;
}

/* Holes cost a look each, or next to nothing when ranges are walked. */
static void count_steps(struct ksm *k, struct scan_steps *steps,
			struct meter *m)
{
	k->walked_here += steps->pages + steps->holes;
	meter_add(m, OP_PTE_WALK, steps->pages);
	meter_add(m, k->rules.walk_holes ? OP_PTE_WALK : OP_PTE_HOLE,
		  steps->holes);
	*steps = (struct scan_steps){0};
}

static void end_scan(struct ksm *k, const struct meter *m)
{
	struct advisor_scan scan = {
		.seconds = (ksm_now(k, m).v - k->scan_start.v) / NS_PER_SEC,
		.cpu_ms = meter_spent(m).v / NS_PER_MSEC,
	};

	if (k->threads) /* all of them; one that waits spins */
		scan.cpu_ms += threads_waited(k).v / NS_PER_MSEC;

	k->unstable.root = 0; /* forgotten; its items keep their state */
	k->seq++;
	k->full_scans++;
	k->scans_ever++;
	advisor_step(k, &scan);
}

/*
 * The next page to process, with its item; 0: the full scan has ended (or an
 * item could not be made: *@ret).
 */
static uint32_t next_page(struct ksm *k, struct meter *m, int *ret)
{
	struct machine *mc = k->machine;
	struct scan_steps steps = {0};
	uint32_t pte, slot;
	bool whole;

	*ret = 0;
	if (!k->at) {
		k->scan_start = ksm_now(k, m);
		meter_add(m, OP_LRU_DRAIN, 1);
		enter_slot(k, k->slot[0].next);
	}
	for (;;) {
		/* Of a space that exited under the cursor all items go, those
		 * behind the cursor too. */
		if (k->slot[k->at].exited)
			enter_slot(k, k->at);
		whole = !k->cursor.vpn;
		while ((pte = machine_scan(mc, &k->cursor, &steps))) {
			if (!pte_mergeable_page(&mc->pte[pte])) {
				item_drop(k, pte, m);
				continue;
			}
			*ret = item_get(k, pte, m);
			if (*ret || !skip(k, pte, m))
				goto out;
		}
		slot = k->at;
		steps.holes += holes(k, slot, &steps);
		count_steps(k, &steps, m);
		enter_slot(k, k->slot[slot].next);
		/* A pass that met no mergeable range takes the space out. */
		if (k->slot[slot].exited ||
		    (whole && !mc->space[slot - 1].mergeable))
			slot_remove(k, slot);
		if (!k->at) {
			end_scan(k, m);
			break;
		}
	}
out:
	count_steps(k, &steps, m);
	return *ret ? 0 : pte;
}

/* ---- what is done with it ---- */

#define GO_ON 1 /* the page needs something else */

static int merge_zero(struct ksm *k, uint32_t pte, struct meter *m)
{
	unsigned freed, split = 0;
	uint32_t word;
	int ret = -EBUSY;

	if (ksm_orphan(k, pte))
		return ret;
	ret = machine_merge_zero(k->machine, pte, &freed, &word, &split);
	ksm_after_split(k, pte, split, m);
	ksm_count_replace(k, ret, freed, word, m);
	if (ret)
		return ret;
	if (unlikely(k->sink))
		ksm_tell_compare(k, ksm_place(k, pte), PAGE_BYTES);
	ksm_slot_of(k, pte)->zero++;
	k->changes++;
	return 0;
}

/* Checksum of zeros, other content: write-protected and compared for nothing. */
static void zero_collision(struct ksm *k, const struct key *key,
			   struct meter *m)
{
	uint32_t bytes = content_cmp_bytes(k->contents, key->rank, 0);

	meter_add(m, OP_WRITE_PROTECT, 1);
	meter_add(m, OP_CMP, 1);
	meter_add(m, OP_CMP_BYTES, bytes);
	if (unlikely(k->sink))
		ksm_tell_compare(k, PLACE_ZERO, bytes);
}

static int merge_into(struct ksm *k, uint32_t pte, uint32_t node,
		      struct meter *m)
{
	int ret = ksm_merge(k, pte, ksm_node(k, node)->share, m);

	if (ret)
		return ret == -EBUSY ? 0 : ret;
	ksm_lock(k);
	item_append(k, pte, node);
	ksm_unlock(k);
	k->changes++;
	return 0;
}

/* A mapping of a merged frame that the tree knows as @node. */
static int process_merged(struct ksm *k, uint32_t pte, uint32_t node,
			  struct meter *m)
{
	if (word_state(k->machine->pte[pte].word) == ITEM_STABLE &&
	    ksm_item(k, pte)->node == node) {
		meter_add(m, OP_MERGED_REVISIT, 1);
		return likely(!k->opt.colour_copies)
			       ? 0
			       : colour_move(k, pte, node, m);
	}
	/* Forked: it maps the frame already, however many others do. */
	ksm_lock(k);
	item_leave(k, pte, m);
	item_append(k, pte, node);
	ksm_unlock(k);
	k->changes++;
	return 0;
}

/* Has the page changed since its checksum was last taken?  Takes it. */
static inline bool changed(struct ksm *k, uint32_t pte, struct meter *m)
{
	uint32_t sum = k->checksum[k->machine->pte[pte].content];
	struct item *it = ksm_item(k, pte);
	bool same = it->checksum == sum;

	meter_add(m, OP_CHECKSUM, 1);
	meter_add(m, k->checksum_op, 1);
	if (unlikely(k->sink))
		k->sink->read(k->sink->ctx, k->visited, PAGE_BYTES);
	it->checksum = sum;
	return !same;
}

/* The page looks like zeros. */
static int to_zero(struct ksm *k, uint32_t pte, const struct key *key,
		   struct meter *m)
{
	int ret;

	if (key->content) {
		zero_collision(k, key, m);
		return GO_ON;
	}
	ret = merge_zero(k, pte, m);
	return ret == -EBUSY ? GO_ON : ret;
}

/* Look for a node to join; where this is done first, the item is still where
 * the last scan has left it, and counts there.  GO_ON: the lock is held. */
static inline int join(struct ksm *k, uint32_t pte, const struct key *key,
		       struct meter *m)
{
	uint32_t node;

	ksm_lock(k);
	if (likely(!k->opt.colour_copies))
		node = stable_search(k, key, m);
	else
		node = colour_search(k, pte, key, m);
	if (unlikely(k->rules.search_first))
		item_leave(k, pte, m);
	if (!node)
		return GO_ON;
	ksm_unlock(k);
	if (unlikely(colour_own_due(k, pte, node)))
		return colour_found(k, pte, m);
	return merge_into(k, pte, node, m);
}

/* Up to 6.10 only a page that joins no node has its checksum looked at. */
static int process_searched(struct ksm *k, uint32_t pte, struct meter *m)
{
	struct key key = ksm_key(k, pte);
	int ret = join(k, pte, &key, m);

	if (ret != GO_ON)
		return ret;
	ksm_unlock(k);
	if (changed(k, pte, m))
		return 0;
	if (k->opt.use_zero_pages &&
	    ksm_item(k, pte)->checksum == k->checksum[0]) {
		ret = to_zero(k, pte, &key, m);
		if (ret != GO_ON)
			return ret;
	}
	ksm_lock(k);
	return unstable_step(k, pte, &key, m);
}

static int process(struct ksm *k, uint32_t pte, struct meter *m)
{
	const struct pte *p = &k->machine->pte[pte];
	struct key key;
	uint32_t node;
	int ret;

	if (unlikely(k->sink))
		k->visited = ksm_place(k, pte);
	if (machine_merged(k->machine, p)) {
		node = machine_share(k->machine, p->ref)->word;
		if (node)
			return process_merged(k, pte, node, m);
	}
	if (unlikely(k->rules.search_first))
		return process_searched(k, pte, m);
	item_leave(k, pte, m);
	if (changed(k, pte, m))
		return 0;
	key = ksm_key(k, pte);
	if (k->opt.use_zero_pages &&
	    ksm_item(k, pte)->checksum == k->checksum[0]) {
		ret = to_zero(k, pte, &key, m);
		if (ret != GO_ON)
			return ret;
	}
	ret = join(k, pte, &key, m);
	return ret == GO_ON ? unstable_step(k, pte, &key, m) : ret;
}

/* Note a new state of the item; states that smart scan took away and a later
 * visit restored are none. */
static void settle(struct ksm *k, uint32_t pte)
{
	uint32_t word = k->machine->pte[pte].word;
	uint32_t state = (uint32_t)word_state(word) << WORD_SETTLED_SHIFT;

	if ((word & WORD_SETTLED) == state)
		return;
	machine_set_word(k->machine, pte, (word & ~WORD_SETTLED) | state);
	k->changes++;
}

static inline int visit(struct ksm *k, struct meter *m)
{
	uint32_t pte;
	int ret;

	ksm_look_ahead(k);
	pte = next_page(k, m, &ret);
	if (!pte)
		return ret;
	ret = process(k, pte, m);
	if (ret)
		return ret;
	settle(k, pte);
	k->pages_scanned += !k->rules.count_batches;
	meter_add(m, OP_PAGE_VISIT, 1);
	return 1;
}

int ksm_visit(struct ksm *k, struct meter *m)
{
	return visit(k, m);
}

int ksm_batch(struct ksm *k, struct meter *m)
{
	uint64_t left = k->opt.pages_to_scan;
	int ret = 1;

	meter_add(m, OP_TURN, 1);
	if (unlikely(k->threads))
		ret = threads_batch(k, m, &left);
	else
		for (; left && !meter_done(m) && ret > 0; left -= ret > 0)
			ret = visit(k, m);
	if (ret < 0)
		return ret;
	if (unlikely(k->rules.count_batches) && !left)
		k->pages_scanned += k->opt.pages_to_scan + 1;
	return 0;
}
