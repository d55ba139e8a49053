/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The work threads: each empties its own queue of frames to protect, then its
 * own queue of replacements, then takes a batch from the queue that all share.
 */
#include <errno.h>

#include "sim/engine/pageone/pageone.h"

/* Is the page's frame mapped by nothing else, and nobody else's? */
static bool alone(const struct pageone *p, uint32_t pte)
{
	const struct pte *q = pone_pte(p, pte);

	return !machine_pinned(p->machine, q) &&
	       (pte_owner(q) == OWNER_PRIVATE ||
		machine_share(p->machine, q->ref)->maps == 1);
}

static void protect(struct pageone *p, uint32_t w, uint32_t f, struct meter *m)
{
	uint32_t pte;

	meter_add(m, OP_QUEUE, 1);
	if (pone_settle(p, f, m) || pone_state(p, f) != PONE_ENQUE)
		return;
	pte = pone_page(p, f);
	assert(pte);
	p->worker[w].owned++;
	meter_add(m, OP_RMAP_STEP, 1);
	machine_copy_on_write(p->machine, pte, false);
	if (!alone(p, pte)) {
		p->protect_fails++;
		pone_volatile(p, f, m);
		return;
	}
	meter_add(m, OP_WRITE_PROTECT, 1);
	pone_watch(p, f, m);
}

/* The page of @f is the first of its content: it is stored as it is. */
static int found(struct pageone *p, uint32_t f, uint32_t pte, ns_t now,
		 struct meter *m)
{
	uint32_t share, content = pone_pte(p, pte)->content;
	unsigned split = 0;
	int ret = machine_make_merged(p->machine, pte, &share, &split);

	if (ret) {
		int undo = pone_store_delete(p, content,
					     (uint32_t)p->opt.workers, now, m);

		return undo ? undo : ret;
	}
	machine_hold_share(p->machine, share);
	p->owner[f] = share;
	pone_set(p, f, PONE_FIX, m);
	p->stored_new++;
	p->changes++;
	p->last_store = now;
	return 0;
}

/* What the tree holds for a page that is not replaced after all. */
static int undo(struct pageone *p, uint32_t content, uint32_t w, ns_t now,
		struct meter *m)
{
	p->undone++;
	return pone_store_delete(p, content, w, now, m);
}

/* Point the page of @f at the stored frame @to. */
static int replace(struct pageone *p, uint32_t w, uint32_t f, uint32_t to,
		   uint32_t content, ns_t now, struct meter *m)
{
	uint32_t pte, word;
	unsigned freed, split = 0;
	int ret;

	p->worker[w].owned++;
	if (pone_settle(p, f, m) || pone_state(p, f) != PONE_WATCH_QUE)
		return undo(p, content, w, now, m);
	pte = pone_page(p, f);
	assert(pte && pone_pte(p, pte)->content == content);
	assert(pone_state(p, to) == PONE_FIX);
	meter_add(m, OP_RMAP_STEP, 1);
	if (alone(p, pte))
		ret = machine_merge(p->machine, pte, p->owner[to], &freed,
				    &word, &split);
	else
		ret = -EBUSY;
	if (ret) {
		p->replace_fails++;
		pone_volatile(p, f, m);
		ret = undo(p, content, w, now, m);
		return ret;
	}
	meter_add(m, OP_PTE_REPLACE, 1);
	meter_add(m, OP_FRAME_FREE, freed);
	meter_add(m, OP_STATE_CHANGE, 2);
	pone_forget(p, f);
	p->merged++;
	p->changes++;
	p->last_merge = now;
	return 0;
}

static int insert(struct pageone *p, uint32_t w, uint32_t f, ns_t now,
		  struct meter *m)
{
	uint32_t pte, content, owner, stored;
	struct queue *q;
	int ret;

	meter_add(m, OP_QUEUE, 1);
	if (pone_settle(p, f, m) || pone_state(p, f) != PONE_WATCH_QUE)
		return 0;
	pte = pone_page(p, f);
	assert(pte);
	if (!alone(p, pte)) {
		p->insert_refusals++;
		pone_volatile(p, f, m);
		return 0;
	}
	if (!p->stored_new)
		p->first_insert = now;
	content = pone_pte(p, pte)->content;
	ret = pone_store_insert(p, content, f, w, now, &stored, m);
	if (ret == -ENOSPC) {
		p->insert_refusals++;
		pone_volatile(p, f, m);
		return 0;
	}
	if (ret < 0)
		return ret;
	if (ret == SD_NEW)
		return found(p, f, pte, now, m);
	owner = pone_owner(p, pte);
	if (owner == w)
		return replace(p, w, f, stored, content, now, m);
	meter_add(m, OP_QUEUE, 1);
	q = &p->worker[owner].replace;
	if (queue_push(q, f) || queue_push(q, stored) || queue_push(q, content))
		return -ENOMEM;
	return 0;
}

bool pone_has_work(const struct pageone *p, uint32_t w)
{
	const struct pone_worker *x = &p->worker[w];

	return x->protect.n || x->replace.n || p->insert.n;
}

static uint32_t slice_protect(struct pageone *p, uint32_t w, uint32_t max,
			      struct meter *m)
{
	struct queue *q = &p->worker[w].protect;
	uint32_t n = 0;

	for (; n < max && q->n; n++)
		protect(p, w, queue_pop(q), m);
	return n;
}

static int slice_replace(struct pageone *p, uint32_t w, uint32_t max, ns_t now,
			 struct meter *m)
{
	struct queue *q = &p->worker[w].replace;
	uint32_t n = 0;

	for (; n < max && q->n >= 3; n++) {
		uint32_t f = queue_pop(q), to = queue_pop(q);
		int ret = replace(p, w, f, to, queue_pop(q), now, m);

		meter_add(m, OP_QUEUE, 1);
		if (ret)
			return ret;
	}
	return (int)n;
}

/* What the next entries will want of the tree.  A guess, to have it in the
 * caches by then; nothing depends on it. */
static void look_ahead(struct pageone *p, uint32_t max)
{
	uint32_t content[SD_WARM];
	unsigned n = 0;

	for (size_t i = 0; i < p->insert.n && i < max && i < SD_WARM; i++) {
		uint32_t f = queue_at(&p->insert, i), pte = 0;

		if (pone_state(p, f) == PONE_WATCH_QUE)
			pte = pone_page(p, f);
		if (pte)
			content[n++] = pone_pte(p, pte)->content;
	}
	pone_store_warm(p, content, n);
}

static int slice_insert(struct pageone *p, uint32_t w, uint32_t max, ns_t now,
			struct meter *m)
{
	uint32_t n = 0;

	for (; n < max && p->insert.n && p->worker[w].batch; n++) {
		int ret;

		if (n % SD_WARM == 0)
			look_ahead(p, max - n);
		ret = insert(p, w, queue_pop(&p->insert), now, m);
		if (ret)
			return ret;
		p->worker[w].batch--;
	}
	return (int)n;
}

int pone_slice(struct pageone *p, uint32_t w, uint32_t max, ns_t now,
	       uint32_t *tree, struct meter *m)
{
	struct pone_worker *x = &p->worker[w];
	int ret;

	*tree = 0;
	if (!x->batch || !p->insert.n) {
		if (x->protect.n)
			return (int)slice_protect(p, w, max, m);
		if (x->replace.n)
			return slice_replace(p, w, max, now, m);
		x->batch = p->opt.insert_batch;
	}
	ret = slice_insert(p, w, max, now, m);
	if (ret > 0)
		*tree = (uint32_t)ret;
	return ret;
}
