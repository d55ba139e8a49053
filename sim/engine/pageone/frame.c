/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "sim/base/prng.h"
#include "sim/engine/pageone/pageone.h"

int pone_cover(struct pageone *p, uint32_t f)
{
	if (f < p->frames)
		return 0;
	if (mem_reserve(&p->frame, &p->frame_cap, (size_t)f + 1,
			sizeof(*p->frame)) ||
	    mem_reserve(&p->owner, &p->owner_cap, (size_t)f + 1,
			sizeof(*p->owner)))
		return -ENOMEM;
	p->states[PONE_NULL] += f + 1 - p->frames;
	p->frames = f + 1;
	return 0;
}

bool pone_wanted(const struct pte *p)
{
	return pte_mergeable_page(p) && !(p->flags & PTE_HUGE) &&
	       pte_owner(p) != OWNER_STORE;
}

uint32_t pone_page(const struct pageone *p, uint32_t f)
{
	uint32_t pte = p->owner[f];
	const struct pte *q = pone_pte(p, pte);

	if (!pte || !(q->flags & PTE_PRESENT) || pte_owner(q) == OWNER_ZERO ||
	    machine_frame_of(p->machine, q) != f)
		return 0;
	return pte;
}

uint32_t pone_owner(const struct pageone *p, uint32_t pte)
{
	uint32_t space = machine_pte_space(p->machine, pte);

	/* The kernel hashes the address of the space's record. */
	return (uint32_t)(splitmix64(p->salt ^ space) % p->opt.workers);
}

/* The kernel copies pages in these states when they are written. */
static bool is_copied(enum pone_state state)
{
	return state == PONE_WATCH_QUE || state == PONE_CHG;
}

void pone_set(struct pageone *p, uint32_t f, enum pone_state state,
	      struct meter *m)
{
	enum pone_state was = pone_state(p, f);
	uint32_t pte;

	p->states[was]--;
	p->states[state]++;
	p->frame[f].state = (uint8_t)state;
	meter_add(m, OP_STATE_CHANGE, 1);
	if (state == PONE_FIX || is_copied(was) == is_copied(state))
		return;
	pte = pone_page(p, f);
	if (pte)
		machine_copy_on_write(p->machine, pte, is_copied(state));
}

static void more_volatile(struct pageone *p, uint32_t f, struct meter *m)
{
	if (p->frame[f].v < PONE_COUNT_MAX)
		p->frame[f].v++;
	meter_add(m, OP_STATE_CHANGE, 1);
}

void pone_volatile(struct pageone *p, uint32_t f, struct meter *m)
{
	pone_set(p, f, PONE_VOLATILE, m);
	more_volatile(p, f, m);
}

void pone_watch(struct pageone *p, uint32_t f, struct meter *m)
{
	pone_set(p, f, PONE_WATCH, m);
	more_volatile(p, f, m);
	p->frame[f].readonly = 1;
}

int pone_track(struct pageone *p, uint32_t f, uint32_t pte, struct meter *m)
{
	int ret = pone_cover(p, f);

	if (ret)
		return ret;
	/* A frame that only an extra reference kept may have come back while
	 * a queue still names it; what the queue finds is then ignored. */
	pone_forget(p, f);
	p->owner[f] = pte;
	pone_volatile(p, f, m);
	return 0;
}

void pone_forget(struct pageone *p, uint32_t f)
{
	p->states[pone_state(p, f)]--;
	p->states[PONE_NULL]++;
	p->frame[f] = (struct pone_frame){0};
	p->owner[f] = 0;
}

void pone_free_idle(struct pageone *p, uint32_t f, struct meter *m)
{
	assert(pone_state(p, f) == PONE_IDLE);
	machine_release_frame(p->machine, f);
	meter_add(m, OP_FRAME_FREE, 1);
	pone_forget(p, f);
}

bool pone_settle(struct pageone *p, uint32_t f, struct meter *m)
{
	switch (pone_state(p, f)) {
	case PONE_IDLE:
		pone_free_idle(p, f, m);
		return true;
	case PONE_CHG:
		pone_set(p, f, PONE_VOLATILE, m);
		if (!pone_page(p, f))
			pone_forget(p, f);
		return true;
	case PONE_NULL:
	case PONE_FIX:
	case PONE_VOLATILE:
	case PONE_ENQUE:
	case PONE_WATCH:
	case PONE_WATCH_QUE:
	case PONE_STATES:
		break;
	}
	return false;
}
