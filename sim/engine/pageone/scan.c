/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: every base period it looks at the state of every frame; every so
 * often that is a merge scan, which moves quiet pages one step on.
 */
#include <errno.h>

#include "sim/engine/pageone/pageone.h"

/* A quiet page: wait for its turn, then have it write-protected. */
static int quiet(struct pageone *p, uint32_t f, struct meter *m)
{
	struct pone_frame *x = &p->frame[f];
	uint32_t pte;

	if (x->v && x->s < x->v) {
		x->s++;
		meter_add(m, OP_STATE_CHANGE, 1);
		return 0;
	}
	pte = pone_page(p, f);
	if (!pte || !pone_wanted(pone_pte(p, pte))) {
		pone_forget(p, f);
		return 0;
	}
	x->s = 0;
	meter_add(m, OP_STATE_CHANGE, 1);
	meter_add(m, OP_RMAP_STEP, 1);
	meter_add(m, OP_QUEUE, 1);
	if (queue_push(&p->worker[pone_owner(p, pte)].protect, f))
		return -ENOMEM;
	pone_set(p, f, PONE_ENQUE, m);
	/* A write through a mapping that a fork made read-only faults. */
	if (pte_owner(pone_pte(p, pte)) == OWNER_SHARED)
		machine_copy_on_write(p->machine, pte, true);
	return 0;
}

static int merge_scan(struct pageone *p, struct meter *m)
{
	int ret = 0;

	for (uint32_t f = 0; f < p->frames && !ret; f++) {
		if (pone_state(p, f) == PONE_VOLATILE) {
			ret = quiet(p, f, m);
		} else if (pone_state(p, f) == PONE_WATCH) {
			meter_add(m, OP_QUEUE, 1);
			ret = queue_push(&p->insert, f);
			if (!ret)
				pone_set(p, f, PONE_WATCH_QUE, m);
		}
	}
	return ret;
}

int pone_walk(struct pageone *p, struct meter *m)
{
	uint64_t every = p->opt.merge_period / p->opt.base_period;
	int ret = 0;

	meter_add(m, OP_TURN, 1);
	meter_add(m, OP_FRAME_SCAN, p->frames);
	if (++p->walks % every)
		return 0;
	if (p->states[PONE_VOLATILE] || p->states[PONE_WATCH])
		ret = merge_scan(p, m);
	p->merge_scans++;
	return ret;
}
