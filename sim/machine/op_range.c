/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>

#include "sim/machine/page.h"
#include "sim/machine/space.h"
#include "sim/machine/op.h"

int op_step_unmap(struct machine *m, struct machine_op *op, struct effect *fx)
{
	uint32_t pte = op_next_present(m, op->ev.space, op);

	if (!pte)
		return 0;
	op_fx_page(m, pte, fx);
	fx->content = CONTENT_NONE;
	fx->flags = FXF_GONE;
	page_unmap(m, pte, fx);
	return 1;
}

int op_begin_map(struct machine *m, struct machine_op *op, struct err *err)
{
	const struct event *ev = &op->ev;
	uint32_t flags = ev->flags;
	struct space *s;
	size_t i, before;
	int ret = op_check_space(m, ev->space, err);

	if (!ret)
		ret = op_check_range(ev, err);
	if (ret)
		return ret;
	s = &m->space[ev->space];
	i = range_at(s, ev->vpn);
	if (i < s->nrange && s->range[i].lo < ev->vpn + ev->count)
		return err_set(err, EINVAL, "vpn %" PRIu64 " is mapped already",
			       s->range[i].lo > ev->vpn ? s->range[i].lo
							: ev->vpn);
	if (flags & EVF_SHARED) /* the kernel ignores such advice silently */
		flags &= ~EVF_MERGEABLE;
	ret = op_check_ranges(m, 1, err);
	before = s->nrange;
	if (!ret)
		ret = range_add(s, ev->vpn, ev->vpn + ev->count, flags);
	m->ranges += s->nrange - before;
	if (!ret && flags & EVF_MERGEABLE)
		op->last = FX_MERGEABLE;
	return ret;
}

static int unmap_ranges(struct machine *m, const struct event *ev,
			struct err *err)
{
	struct space *s = &m->space[ev->space];
	size_t before = s->nrange;
	int ret = op_check_ranges(m, 1, err);

	if (!ret)
		ret = range_remove(s, ev->vpn, ev->vpn + ev->count);
	m->ranges += s->nrange - before;
	return ret;
}

int op_begin_unmap(struct machine *m, struct machine_op *op, struct err *err)
{
	const struct event *ev = &op->ev;
	int ret = op_check_space(m, ev->space, err);

	if (!ret)
		ret = op_check_range(ev, err);
	if (!ret && ev->op == EV_UNMAP)
		ret = unmap_ranges(m, ev, err);
	if (ret)
		return ret;
	op_pages_of(m, op);
	op->step = op_step_unmap;
	return 0;
}

/* The next page that is unlike its range now takes its flag; 0: none. */
static uint32_t advise_next(struct machine *m, struct machine_op *op)
{
	const struct space *s = &m->space[op->ev.space];
	const struct range *r;
	uint32_t pte, want;

	while ((pte = op_next_present(m, op->ev.space, op))) {
		r = range_of(s, machine_pte_vpn(m, pte));
		want = r && r->flags & EVF_MERGEABLE ? PTE_MERGEABLE : 0;
		if ((m->pte[pte].flags & PTE_MERGEABLE) == want)
			continue;
		m->pte[pte].flags ^= PTE_MERGEABLE;
		return pte;
	}
	return 0;
}

/* Advice reaches the pages: flags in the PTEs, unmerging when it is withdrawn.
 */
static int step_advise(struct machine *m, struct machine_op *op,
		       struct effect *fx)
{
	uint32_t pte = advise_next(m, op);

	if (!pte)
		return 0;
	op_fx_page(m, pte, fx);
	if (!(m->pte[pte].flags & PTE_MERGEABLE) &&
	    machine_unmergeable(m, pte) && machine_unmerge(m, pte, fx)) {
		/* Without memory they stay merged, but go with their range. */
		while (advise_next(m, op))
			;
		return -ENOMEM;
	}
	fx->flags |= FXF_ADVICE;
	return 1;
}

int op_begin_advise(struct machine *m, struct machine_op *op, struct err *err)
{
	const struct event *ev = &op->ev;
	bool on = ev->flags & EVF_MERGEABLE, changed;
	int ret = op_check_space(m, ev->space, err);
	struct space *s;
	size_t before;

	if (!ret)
		ret = op_check_range(ev, err);
	if (!ret)
		ret = op_check_ranges(m, 2, err);
	if (ret)
		return ret;
	s = &m->space[ev->space];
	before = s->nrange;
	ret = range_advise(s, ev->vpn, ev->vpn + ev->count, on, &changed);
	m->ranges += s->nrange - before;
	if (ret)
		return ret;
	op_pages_of(m, op);
	if (changed)
		op->step = step_advise;
	if (changed && on)
		op->last = FX_MERGEABLE;
	return 0;
}
