/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "sim/engine/ksm/ksm.h"

void item_set_state(struct ksm *k, uint32_t pte, enum item_state state)
{
	uint32_t word = k->machine->pte[pte].word;

	word = (word & ~WORD_STATE) | (uint32_t)state << WORD_STATE_SHIFT;
	if (state == ITEM_UNSTABLE)
		word = (word & ~WORD_SEQ) | (uint32_t)k->seq << WORD_SEQ_SHIFT;
	machine_set_word(k->machine, pte, word);
}

int item_get(struct ksm *k, uint32_t pte, struct meter *m)
{
	if (k->machine->pte[pte].word)
		return 0;
	if (mem_reserve(&k->item, &k->item_cap, (size_t)pte + 1,
			sizeof(*k->item)))
		return -ENOMEM;
	k->unstable.base = (unsigned char *)k->item + offsetof(struct item, rb);
	k->item[pte] = (struct item){0};
	machine_set_word(k->machine, pte, WORD_ITEM);
	k->rmap_items++;
	k->changes++;
	ksm_slot_of(k, pte)->items++;
	meter_add(m, OP_ITEM_NEW, 1);
	return 0;
}

void item_drop(struct ksm *k, uint32_t pte, struct meter *m)
{
	item_leave(k, pte, m);
	machine_set_word(k->machine, pte, 0);
	k->rmap_items--;
	k->changes++;
	ksm_slot_of(k, pte)->items--;
	meter_add(m, OP_ITEM_FREE, 1);
}

/* Called with the lock. */
static void leave_node(struct ksm *k, uint32_t pte, struct meter *m)
{
	struct item *it = ksm_item(k, pte);
	struct node *n = ksm_node(k, it->node);

	if (n->stale) {
		stable_drop(k, it->node, m);
		return;
	}
	if (it->item_prev)
		ksm_item(k, it->item_prev)->item_next = it->item_next;
	else
		n->items = it->item_next;
	if (it->item_next)
		ksm_item(k, it->item_next)->item_prev = it->item_prev;
	stable_count(k, n, -1);
	item_set_state(k, pte, ITEM_NONE);
	ksm_slot_of(k, pte)->merging--;
}

void item_leave(struct ksm *k, uint32_t pte, struct meter *m)
{
	uint32_t word = k->machine->pte[pte].word;

	switch (word_state(word)) {
	case ITEM_NONE:
		break;
	case ITEM_STABLE:
		ksm_lock(k);
		leave_node(k, pte, m);
		ksm_unlock(k);
		break;
	case ITEM_UNSTABLE:
		/* Trees of earlier scans are forgotten as a whole. */
		if (word >> WORD_SEQ_SHIFT == (k->seq & 255)) {
			ksm_lock(k);
			rb_erase(&k->unstable, pte);
			meter_add(m, OP_RB_ERASE, 1);
			ksm_unlock(k);
		}
		k->pages_unshared--;
		item_set_state(k, pte, ITEM_NONE);
		break;
	}
}

void item_append(struct ksm *k, uint32_t pte, uint32_t node)
{
	struct item *it = ksm_item(k, pte);
	struct node *n = ksm_node(k, node);
	uint32_t maps = machine_share(k->machine, n->share)->maps;

	if (k->longest_rmap < maps)
		k->longest_rmap = maps;
	it->node = node;
	it->item_prev = 0;
	it->item_next = n->items;
	if (n->items)
		ksm_item(k, n->items)->item_prev = pte;
	n->items = pte;
	stable_count(k, n, 1);
	item_set_state(k, pte, ITEM_STABLE);
	ksm_slot_of(k, pte)->merging++;
}

void item_refresh(struct ksm *k, uint32_t pte)
{
	const struct pte *p = &k->machine->pte[pte];
	struct item *it = ksm_item(k, pte);

	if (!pte_mergeable_page(p)) {
		it->rank = RANK_NONE;
		return;
	}
	it->rank = k->contents->rank[p->content];
	it->head = k->contents->head[p->content];
}
