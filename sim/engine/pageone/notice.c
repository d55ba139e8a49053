/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What guests do reaches PageONE as faults and as mappings lost and gained.  All
 * of it is done in the context of whoever caused it, searches of the tree for a
 * FIX page that was left included.
 */
#include <errno.h>

#include "sim/engine/pageone/pageone.h"

/* A frame that a fork has shared keeps its page numbers: is it still mapped at
 * this one by another space? */
static uint32_t twin(const struct pageone *p, uint64_t vpn, uint32_t f)
{
	for (uint32_t s = 0; s < p->machine->nspace; s++) {
		uint32_t pte = machine_find(p->machine, s, vpn);
		const struct pte *q = pone_pte(p, pte);

		if (pte && q->flags & PTE_PRESENT &&
		    pte_owner(q) == OWNER_SHARED &&
		    machine_frame_of(p->machine, q) == f)
			return pte;
	}
	return 0;
}

/* The page at @fx left frame @f, which is not FIX. */
static void lost_own(struct pageone *p, const struct effect *fx, uint32_t f,
		     struct meter *m)
{
	bool queued = false;

	if (!fx->left_free && p->owner[f] == fx->pte)
		p->owner[f] = twin(p, fx->vpn, f);
	switch (pone_state(p, f)) {
	case PONE_WATCH:
		pone_volatile(p, f, m);
		break;
	case PONE_ENQUE:
	case PONE_WATCH_QUE:
	case PONE_CHG:
		queued = true;
		break;
	case PONE_NULL:
	case PONE_IDLE:
	case PONE_FIX:
	case PONE_VOLATILE:
	case PONE_STATES:
		break;
	}
	if (!fx->left_free) {
		if (queued)
			pone_set(p, f, PONE_CHG, m);
	} else if (queued) {
		machine_hold_frame(p->machine, f);
		pone_set(p, f, PONE_IDLE, m);
	} else {
		pone_forget(p, f);
	}
}

static int lost(struct pageone *p, const struct effect *fx, struct meter *m)
{
	uint32_t f = fx->left - 1;

	if (f >= p->frames || pone_state(p, f) == PONE_NULL)
		return 0;
	if (pone_state(p, f) != PONE_FIX) {
		lost_own(p, fx, f, m);
		return 0;
	}
	p->sd_in_fault++;
	p->changes++;
	return pone_store_delete(p, fx->before, (uint32_t)p->opt.workers,
				 p->clock->now, m);
}

/* A fork made the page at @fx map the parent's frame. */
static int gained(struct pageone *p, const struct effect *fx, struct meter *m)
{
	uint32_t f = machine_frame_of(p->machine, pone_pte(p, fx->pte));
	uint32_t stored;
	int ret;

	if (f >= p->frames)
		return 0;
	switch (pone_state(p, f)) {
	case PONE_FIX:
		p->sd_in_fault++;
		ret = pone_store_insert(p, fx->content, f,
					(uint32_t)p->opt.workers, p->clock->now,
					&stored, m);
		return ret < 0 ? ret : 0;
	case PONE_WATCH:
		pone_volatile(p, f, m);
		break;
	case PONE_ENQUE:
	case PONE_WATCH_QUE:
		pone_set(p, f, PONE_CHG, m);
		break;
	case PONE_NULL:
	case PONE_IDLE:
	case PONE_CHG:
	case PONE_VOLATILE:
	case PONE_STATES:
		break;
	}
	return 0;
}

/* The page is written where it is; it may have been read-only. */
static void rewritten(struct pageone *p, uint32_t f, struct meter *m)
{
	struct pone_frame *x = &p->frame[f];

	if (pone_state(p, f) == PONE_WATCH) {
		pone_volatile(p, f, m);
		p->reused_in_place++;
		p->changes++;
	}
	if (x->readonly)
		meter_add(m, OP_WP_FAULT, 1);
	x->readonly = 0;
}

/* The page holds something new, in its old frame or in another one. */
static int written(struct pageone *p, const struct effect *fx, struct meter *m)
{
	const struct pte *pte = pone_pte(p, fx->pte);
	uint32_t f;

	if (fx->left) {
		p->copied++;
		meter_add(m, OP_COW_BREAK, 1);
	}
	if (pte_owner(pte) == OWNER_ZERO)
		return 0;
	f = machine_frame_of(p->machine, pte);
	if (f < p->frames && p->owner[f] == fx->pte && !fx->left &&
	    fx->before != CONTENT_NONE && pone_state(p, f) != PONE_NULL) {
		rewritten(p, f, m);
		return 0;
	}
	return pone_wanted(pte) ? pone_track(p, f, fx->pte, m) : 0;
}

/* Its range is a guest's from now on, or is no longer. */
static int advised(struct pageone *p, const struct effect *fx, struct meter *m)
{
	const struct pte *pte = pone_pte(p, fx->pte);
	uint32_t f;

	if (!(pte->flags & PTE_PRESENT) || pte_owner(pte) == OWNER_ZERO)
		return 0;
	f = machine_frame_of(p->machine, pte);
	if (pone_wanted(pte))
		return f < p->frames && pone_state(p, f) != PONE_NULL
			       ? 0
			       : pone_track(p, f, fx->pte, m);
	if (f >= p->frames)
		return 0;
	if (pone_state(p, f) == PONE_WATCH)
		pone_volatile(p, f, m);
	else if (pone_state(p, f) == PONE_ENQUE ||
		 pone_state(p, f) == PONE_WATCH_QUE)
		pone_set(p, f, PONE_CHG, m);
	return 0;
}

static int page(struct pageone *p, const struct effect *fx, struct meter *m)
{
	int ret = 0;

	if (fx->left)
		ret = lost(p, fx, m);
	if (ret || fx->flags & FXF_GONE || !fx->pte)
		return ret;
	if (fx->flags & FXF_SHARED)
		return gained(p, fx, m);
	if (fx->flags & FXF_ADVICE)
		return advised(p, fx, m);
	if (fx->flags & FXF_CONTENT)
		return written(p, fx, m);
	return 0;
}

/* May this write wait for anything?  It left a frame, or met one read-only. */
static bool may_wait(const struct pageone *p, const struct effect *fx)
{
	const struct pte *pte = pone_pte(p, fx->pte);
	uint32_t f;

	if (fx->left || pte_owner(pte) == OWNER_ZERO)
		return fx->left;
	f = machine_frame_of(p->machine, pte);
	return f < p->frames && p->frame[f].readonly;
}

int pone_notice(struct engine *e, const struct effect *fx, struct meter *m)
{
	struct pageone *p = (struct pageone *)e;
	bool write = fx->kind == FX_PAGE && fx->flags & FXF_CONTENT &&
		     !(fx->flags & FXF_SHARED);
	bool waits = write && may_wait(p, fx);
	ns_t before = waits ? meter_spent(m) : NS(0);
	int ret;

	if (fx->kind != FX_PAGE)
		return 0;
	ret = page(p, fx, m);
	p->delays.writes += write;
	if (waits)
		pone_delay(&p->delays, NS(meter_spent(m).v - before.v));
	return ret;
}
