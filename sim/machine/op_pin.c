/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/machine/page.h"
#include "sim/machine/space.h"
#include "sim/machine/op.h"

/* Position of the first pin at or after (space, vpn). */
static size_t pin_lower(const struct machine *m, uint32_t space, uint64_t vpn)
{
	size_t lo = 0, hi = m->npin;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct pin *p = &m->pin[mid];

		if (p->space < space || (p->space == space && p->vpn < vpn))
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int step_pin(struct machine *m, struct machine_op *op, struct effect *fx)
{
	uint32_t pte;
	uint64_t vpn;
	size_t i;

	(void)fx;
	while ((pte = op_next_present(m, op->ev.space, op))) {
		if (pte_owner(&m->pte[pte]) == OWNER_ZERO)
			continue;
		if (mem_reserve(&m->pin, &m->pin_cap, m->npin + 1,
				sizeof(*m->pin)) ||
		    page_share(m, pte))
			return -ENOMEM;
		vpn = machine_pte_vpn(m, pte);
		i = pin_lower(m, op->ev.space, vpn);
		memmove(&m->pin[i + 1], &m->pin[i],
			(m->npin++ - i) * sizeof(*m->pin));
		m->pin[i] = (struct pin){vpn, op->ev.space, m->pte[pte].ref};
		machine_share(m, m->pte[pte].ref)->pins++;
	}
	return 0;
}

static int step_unpin(struct machine *m, struct machine_op *op,
		      struct effect *fx)
{
	while (op->at < m->npin && m->pin[op->at].space == op->ev.space &&
	       m->pin[op->at].vpn < op->hi) {
		struct pin p = m->pin[op->at];

		if (p.vpn < op->vpn) { /* has lost its one already */
			op->at++;
			continue;
		}
		op->vpn = p.vpn + 1;
		memmove(&m->pin[op->at], &m->pin[op->at + 1],
			(--m->npin - op->at) * sizeof(*m->pin));
		*fx = (struct effect){
			.kind = FX_PAGE,
			.space = p.space,
			.vpn = p.vpn,
			.content = CONTENT_NONE,
			.before = CONTENT_NONE,
		};
		if (share_drop_pin(m, p.share, &fx->freed) && fx->freed) {
			fx->flags = FXF_FREED;
			return 1;
		}
	}
	return 0;
}

int op_begin_pin(struct machine *m, struct machine_op *op, struct err *err)
{
	int ret = op_check_mapped(m, &op->ev, err);

	if (ret)
		return ret;
	op_pages_of(m, op);
	op->step = step_pin;
	return 0;
}

int op_begin_unpin(struct machine *m, struct machine_op *op, struct err *err)
{
	int ret = op_check_range(&op->ev, err);

	if (ret)
		return ret;
	op->vpn = op->ev.vpn;
	op->hi = op->ev.vpn + op->ev.count;
	op->at = pin_lower(m, op->ev.space, op->vpn);
	op->step = step_unpin;
	return 0;
}
