/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.c - counters as the kernel defines them, and all of them counted again
 */
#include <errno.h>
#include <inttypes.h>

#include "sim/engine/ksm/ksm.h"

static uint64_t pages_volatile(const struct ksm *k)
{
	uint64_t placed =
		k->pages_shared + k->pages_sharing + k->pages_unshared;

	return k->rmap_items > placed ? k->rmap_items - placed : 0;
}

static int64_t profit(uint64_t pages, uint64_t items)
{
	return (int64_t)(pages * PAGE_BYTES) -
	       (int64_t)(items * KSM_ITEM_BYTES);
}

static uint64_t metadata_bytes(const struct ksm *k)
{
	return k->rmap_items * KSM_ITEM_BYTES +
	       k->nodes.count * k->rules.node_bytes + k->slots * KSM_SLOT_BYTES;
}

/* What is saved now, by the page tables: the kernel's counters lag behind. */
static void report_saved(const struct ksm *k, struct rows *out)
{
	const struct machine *m = k->machine;

	engine_report_saved(
		out, m->merged_pages - m->merged_frames + m->zero_merged,
		m->merged_zero_pages - m->merged_zero_frames + m->zero_merged,
		metadata_bytes(k));
}

struct ksm_row {
	const char *name, *unit;
	int64_t value;
};

/* Those counters that the kernel has. */
static void add_rows(const struct ksm *k, struct rows *out,
		     const struct ksm_row *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (ksm_has_counter(&k->rules, row[i].name))
			rows_add(out, "ksm", row[i].name, row[i].unit,
				 row[i].value);
}

void ksm_report(const struct engine *e, struct rows *out)
{
	const struct ksm *k = (const struct ksm *)e;
	uint64_t zero = k->machine->zero_merged;
	uint64_t counted = k->rules.zero_tracked ? zero : 0;
	const struct ksm_row row[] = {
		{"pages_shared", "pages", (int64_t)k->pages_shared},
		{"pages_sharing", "pages", (int64_t)k->pages_sharing},
		{"pages_unshared", "pages", (int64_t)k->pages_unshared},
		{"pages_volatile", "pages", (int64_t)pages_volatile(k)},
		{"stable_node_chains", "nodes", (int64_t)k->stable_node_chains},
		{"stable_node_dups", "nodes", (int64_t)k->stable_node_dups},
		{"ksm_zero_pages", "pages", (int64_t)zero},
		{"full_scans", "scans", (int64_t)k->full_scans},
		{"general_profit", "bytes",
		 profit(k->pages_sharing + counted, k->rmap_items)},
		{"pages_scanned", "pages", (int64_t)k->pages_scanned},
		{"pages_skipped", "pages", (int64_t)k->pages_skipped},
		{"cow_ksm", "pages", (int64_t)k->cow_ksm},
		{"ksm_swpin_copy", "pages", 0}, /* nothing is swapped yet */
	};
	const struct ksm_row model[] = {
		{"pages_to_scan", "pages", (int64_t)k->opt.pages_to_scan},
		{"ksm_rmap_items", "items", (int64_t)k->rmap_items},
		{"zero_pages_shared", "pages", (int64_t)k->zero_shared},
		{"zero_pages_sharing", "pages", (int64_t)k->zero_sharing},
		{"stable_nodes", "nodes", (int64_t)k->nodes.count},
		/* what moving or swapping one merged frame had to look up */
		{"longest_rmap_walk", "mappings", (int64_t)k->longest_rmap},
	};

	report_saved(k, out);
	add_rows(k, out, row, sizeof(row) / sizeof(row[0]));
	/* Tunables in force, and what no kernel counter tells of all processes. */
	for (size_t i = 0; i < sizeof(model) / sizeof(model[0]); i++)
		rows_add(out, "ksm_model", model[i].name, model[i].unit,
			 model[i].value);
	if (k->threads)
		threads_report(k, out);
	if (k->colours > 1)
		colour_report(k, out);
}

void ksm_report_space(const struct engine *e, uint32_t space, struct rows *out)
{
	const struct ksm *k = (const struct ksm *)e;
	const struct slot *s = &k->slot[space + 1];
	uint64_t counted = k->rules.zero_tracked ? s->zero : 0;
	const struct ksm_row row[] = {
		{"ksm_rmap_items", "items", (int64_t)s->items},
		{"ksm_zero_pages", "pages", (int64_t)s->zero},
		{"ksm_merging_pages", "pages", (int64_t)s->merging},
		{"ksm_process_profit", "bytes",
		 profit(s->merging + counted, s->items)},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (ksm_has_counter(&k->rules, row[i].name))
			rows_add_at(out, "space", row[i].name, (int32_t)space,
				    row[i].unit, row[i].value);
}

/* ---- invariants ---- */

struct sum {
	uint64_t items, unshared, stable, in_tree, zero;
};

static int check_item(const struct ksm *k, uint32_t pte, struct sum *sum,
		      FILE *why)
{
	const struct pte *p = &k->machine->pte[pte];
	const struct item *it = ksm_item(k, pte);
	const struct node *n;

	sum->items++;
	switch (word_state(p->word)) {
	case ITEM_NONE:
		return 0;
	case ITEM_UNSTABLE:
		sum->unshared++;
		sum->in_tree += p->word >> WORD_SEQ_SHIFT == (k->seq & 255);
		if (!pte_mergeable_page(p))
			return it->rank == RANK_NONE
				       ? 0
				       : err_why(why, "ksm",
						 "item %" PRIu32
						 " has a rank, its page none",
						 pte);
		return it->rank == k->contents->rank[p->content] &&
				       it->head == k->contents->head[p->content]
			       ? 0
			       : err_why(why, "ksm",
					 "item %" PRIu32 " is out of date",
					 pte);
	case ITEM_STABLE:
		sum->stable++;
		n = ksm_node(k, it->node);
		if (n->kind == NODE_CHAIN || !n->count)
			return err_why(why, "ksm",
				       "item %" PRIu32 " at no node", pte);
		return 0;
	}
	return err_why(why, "ksm", "item %" PRIu32 " in no state", pte);
}

static int check_items(const struct ksm *k, struct sum *sum, FILE *why)
{
	const struct machine *mc = k->machine;

	for (uint32_t s = 0; s < mc->nspace; s++) {
		uint64_t items = sum->items, zero = 0;

		for (size_t at = 0; at < mc->space[s].nchunk; at++) {
			uint32_t pte = mc->space[s].chunk[at].chunk
				       << CHUNK_SHIFT;

			for (unsigned i = 0; i < CHUNK_PAGES; i++, pte++) {
				zero += !!(mc->pte[pte].flags & PTE_PLACED);
				if (mc->pte[pte].word &&
				    check_item(k, pte, sum, why))
					return -EINVAL;
			}
		}
		if (sum->items - items != k->slot[s + 1].items ||
		    zero != k->slot[s + 1].zero)
			return err_why(why, "ksm",
				       "space %" PRIu32 " is miscounted", s);
	}
	return 0;
}

static bool before(const struct node *a, const struct node *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->class < b->class;
}

/* Is the page at @pte of another class than the tree node that lists it? */
static bool odd(const struct ksm *k, uint32_t pte, const struct node *n)
{
	return k->class_mask && ksm_class(k, pte) != n->class;
}

/* What the stable nodes hold, counted again. */
struct nodes {
	uint64_t chains, dups, shared, sharing, listed, zero_shared,
		zero_sharing;
};

/* One frame's node: its list is as long as it says, and all on it know it. */
static int check_node(const struct ksm *k, uint32_t d, const struct node *top,
		      struct nodes *sum, FILE *why)
{
	const struct node *n = ksm_node(k, d);
	uint32_t count = 0, prev = 0;

	for (uint32_t i = n->items; i; i = ksm_item(k, i)->item_next) {
		const struct item *it = ksm_item(k, i);

		if (it->node != d || it->item_prev != prev || odd(k, i, top) ||
		    word_state(k->machine->pte[i].word) != ITEM_STABLE)
			return err_why(why, "ksm",
				       "node %" PRIu32 " lists a stranger", d);
		prev = i;
		count++;
	}
	if (count != n->count)
		return err_why(why, "ksm",
			       "node %" PRIu32 " of %" PRIu32
			       " items has %" PRIu32,
			       d, n->count, count);
	if (!n->stale && machine_share(k->machine, n->share)->word != d)
		return err_why(why, "ksm",
			       "frame of node %" PRIu32 " knows another", d);
	sum->listed += count;
	sum->shared += count > 0;
	sum->sharing += count ? count - 1 : 0;
	if (n->rank == 0) {
		sum->zero_shared += count > 0;
		sum->zero_sharing += count ? count - 1 : 0;
	}
	return 0;
}

static int check_chain(const struct ksm *k, uint32_t x, struct nodes *sum,
		       FILE *why)
{
	const struct node *c = ksm_node(k, x);
	uint32_t dups = 0, candidates = 0, stales = 0;

	for (uint32_t d = c->first; d; d = ksm_node(k, d)->next) {
		const struct node *n = ksm_node(k, d);

		if (n->kind != NODE_DUP || n->chain != x)
			return err_why(why, "ksm",
				       "chain %" PRIu32 " holds a stranger", x);
		if (check_node(k, d, c, sum, why))
			return -EINVAL;
		dups++;
		candidates += stable_candidate(k, n);
		stales += n->stale;
	}
	sum->chains++;
	sum->dups += dups;
	return dups == c->dups && candidates == c->candidates &&
			       stales == c->stales
		       ? 0
		       : err_why(why, "ksm", "chain %" PRIu32 " miscounts", x);
}

/* Nodes in tree order: contents ascend, chains hold what they say. */
static int check_stable(const struct ksm *k, uint64_t *listed, FILE *why)
{
	struct nodes sum = {0};
	uint32_t x, last = 0;
	int ret = 0;

	for (x = rb_first(&k->stable); !ret && x; x = rb_next(&k->stable, x)) {
		const struct node *n = ksm_node(k, x);

		if (last && !before(ksm_node(k, last), n))
			return err_why(why, "ksm",
				       "stable tree is out of order");
		last = x;
		ret = n->kind == NODE_CHAIN ? check_chain(k, x, &sum, why)
					    : check_node(k, x, n, &sum, why);
	}
	if (ret)
		return ret;
	*listed = sum.listed;
	if (sum.chains != k->stable_node_chains ||
	    sum.dups != k->stable_node_dups || sum.shared != k->pages_shared ||
	    sum.sharing != k->pages_sharing ||
	    sum.zero_shared != k->zero_shared ||
	    sum.zero_sharing != k->zero_sharing)
		return err_why(why, "ksm", "stable nodes are miscounted");
	return 0;
}

int ksm_check(const struct engine *e, FILE *why)
{
	const struct ksm *k = (const struct ksm *)e;
	struct sum sum = {0};
	uint64_t listed = 0, in_tree = 0;
	int ret = check_items(k, &sum, why);

	if (!ret)
		ret = check_stable(k, &listed, why);
	if (!ret)
		ret = rb_check(&k->stable, why);
	if (!ret)
		ret = rb_check(&k->unstable, why);
	if (ret)
		return ret;
	for (uint32_t x = rb_first(&k->unstable); x;
	     x = rb_next(&k->unstable, x))
		in_tree++;
	if (sum.items != k->rmap_items || sum.unshared != k->pages_unshared ||
	    sum.stable != listed || in_tree != sum.in_tree)
		return err_why(why, "ksm", "items are miscounted");
	return 0;
}
