/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ahead.c - fetching what the next visits will need
 *
 * A walk down a large tree is a chain of cache misses, each waiting for the one
 * before.  Walking for sixteen pages at once, one level each in turn, lets the
 * misses of sixteen walks overlap; the visits that follow, in order, then find
 * their nodes in the cache.  Read-only: a tree that changes in between makes a
 * later visit slower, never wrong.
 */
#include "sim/engine/ksm/ksm.h"

#define PAGES 16u
/* Nodes that fit into a second-level cache: below, misses are cheap. */
#define TREE_SMALL 16384u

struct look {
	uint64_t head;
	uint32_t pte, at;
};

/* Pages ahead that will need a walk; the cursor itself does not move. */
static uint32_t gather(struct ksm *k, struct look *look, uint32_t *visits)
{
	const struct machine *mc = k->machine;
	struct space_cursor c = k->cursor;
	struct scan_steps steps = {0};
	uint32_t n = 0, pte;

	for (*visits = 0; *visits < PAGES; ++*visits) {
		const struct pte *p;

		pte = k->at ? machine_scan(mc, &c, &steps) : 0;
		if (!pte)
			break;
		p = &mc->pte[pte];
		if (!pte_mergeable_page(p) || pte_owner(p) == OWNER_SHARED ||
		    (k->opt.smart_scan && p->word & WORD_SKIPS))
			continue;
		prefetch(&k->contents->head[p->content]);
		prefetch(&k->contents->rank[p->content]);
		prefetch(&k->checksum[p->content]);
		if (p->word)
			prefetch(ksm_item(k, pte));
		look[n++].pte = pte;
	}
	return n;
}

static void walk_unstable(const struct ksm *k, struct look *look, uint32_t n)
{
	uint32_t busy = k->unstable.root ? n : 0;

	for (uint32_t i = 0; i < n; i++)
		look[i].at = k->unstable.root;
	while (busy) {
		busy = 0;
		for (uint32_t i = 0; i < n; i++) {
			const struct item *it = ksm_item(k, look[i].at);
			uint32_t next;

			if (!look[i].at)
				continue;
			next = ksm_child(&it->rb, look[i].head < it->head);
			prefetch(ksm_item(k, next));
			look[i].at = next;
			busy += next != 0;
		}
	}
}

static void walk_stable(const struct ksm *k, struct look *look, uint32_t n)
{
	uint32_t busy = k->stable.root ? n : 0;

	for (uint32_t i = 0; i < n; i++)
		look[i].at = k->stable.root;
	while (busy) {
		busy = 0;
		for (uint32_t i = 0; i < n; i++) {
			const struct node *nd = ksm_node(k, look[i].at);
			uint32_t next;

			if (!look[i].at)
				continue;
			next = ksm_child(&nd->rb, look[i].head < nd->head);
			prefetch(ksm_node(k, next));
			look[i].at = next;
			busy += next != 0;
		}
	}
}

void ksm_look_ahead(struct ksm *k)
{
	struct look look[PAGES];
	uint32_t n;

	if (k->ahead) {
		k->ahead--;
		return;
	}
	if (k->nodes.count + k->pages_unshared < TREE_SMALL)
		return;
	n = gather(k, look, &k->ahead);
	for (uint32_t i = 0; i < n; i++)
		look[i].head =
			k->contents->head[k->machine->pte[look[i].pte].content];
	walk_stable(k, look, n);
	walk_unstable(k, look, n);
	if (k->ahead)
		k->ahead--;
}
