/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>

#include "sim/machine/page.h"
#include "sim/machine/space.h"
#include "sim/machine/op.h"

/* Does a fault at @vpn fill a huge page?  Only where nothing is yet. */
static bool huge_fault(const struct machine *m, const struct range *r,
		       uint64_t vpn, uint32_t chunk)
{
	uint64_t first = vpn & ~(uint64_t)(HUGE_PAGES - 1);

	return r->flags & EVF_HUGE && !(r->flags & (EVF_FILE | EVF_SHARED)) &&
	       r->lo <= first && first + HUGE_PAGES <= r->hi &&
	       !m->chunk[chunk].present;
}

static int fill_huge(struct machine *m, uint32_t base, uint32_t flags)
{
	uint32_t frame;

	if (frame_take_huge(m->frames, &frame))
		return -ENOMEM;
	for (uint32_t i = 0; i < HUGE_PAGES; i++)
		page_fault(m, base + i, 0, OWNER_PRIVATE, frame + i,
			   flags | PTE_HUGE);
	return 0;
}

/* Bring in the page that is written; 1: an effect was made on the way. */
static int fault_in(struct machine *m, struct machine_op *op)
{
	const struct event *ev = &op->ev;
	const struct range *r = range_of(&m->space[ev->space], ev->vpn);
	uint32_t chunk = chunk_get(m, ev->space, ev->vpn >> CHUNK_SHIFT);
	uint32_t frame, flags = op_fault_flags(r);

	if (!chunk)
		return -ENOMEM;
	op->pte =
		chunk << CHUNK_SHIFT | (uint32_t)(ev->vpn & (CHUNK_PAGES - 1));
	if (huge_fault(m, r, ev->vpn, chunk)) {
		if (fill_huge(m, chunk << CHUNK_SHIFT, flags))
			return -ENOMEM;
		op->vpn = ev->vpn & ~(uint64_t)(HUGE_PAGES - 1);
		op->hi = op->vpn + HUGE_PAGES;
		return 1;
	}
	if (frame_take(m->frames, &frame))
		return -ENOMEM;
	page_fault(m, op->pte, ev->content, OWNER_PRIVATE, frame, flags);
	return 0;
}

/*
 * May the last mapping write to the frame itself?  Not when a fork made it
 * shared and an extra reference is left: the kernel cannot tell whose it is.
 */
static bool may_reuse(const struct machine *m, const struct share *s)
{
	if (s->maps != 1)
		return false;
	if (s->pins & SHARE_MERGED)
		return m->rules.write_reuses_merged && !(s->pins & SHARE_PINS);
	return !(s->pins & SHARE_PINS) || !(s->pins & SHARE_FORKED);
}

/* Copy-on-write: @pte gets a frame that nobody else maps. */
static int own_frame(struct machine *m, uint32_t pte, struct effect *fx)
{
	struct pte *p = &m->pte[pte];
	struct share *s;
	uint32_t frame;

	if (pte_owner(p) == OWNER_SHARED) {
		s = machine_share(m, p->ref);
		if (!(p->flags & PTE_COPY) && may_reuse(m, s)) {
			if (!(s->pins & SHARE_PINS)) /* its own again */
				page_keep(m, pte, fx);
			return 0;
		}
	}
	if (frame_take(m->frames, &frame))
		return -ENOMEM;
	m->cow_copies += pte_owner(p) == OWNER_SHARED ||
			 pte_owner(p) == OWNER_PRIVATE;
	page_leave(m, pte, fx);
	page_own(m, pte, OWNER_PRIVATE, frame);
	/* the copy is no part of it */
	p->flags &= ~(PTE_HUGE | PTE_COPY);
	return 0;
}

static int step_write(struct machine *m, struct machine_op *op,
		      struct effect *fx)
{
	bool fresh = false;
	struct pte *p;
	int ret;

	if (!op->pte || !(m->pte[op->pte].flags & PTE_PRESENT)) {
		ret = fault_in(m, op);
		if (ret < 0)
			return ret;
		fresh = !ret;
	}
	p = &m->pte[op->pte];
	if (op->vpn < op->hi) { /* the rest of a huge page that came in */
		uint64_t slot = op->vpn++ & (HUGE_PAGES - 1);

		op_fx_page(m, (op->pte & ~(CHUNK_PAGES - 1)) + (uint32_t)slot,
			   fx);
		fx->before = CONTENT_NONE;
		fx->flags = FXF_CONTENT;
		return 1;
	}
	op_fx_page(m, op->pte, fx);
	if (fresh)
		fx->before = CONTENT_NONE;
	else if ((pte_owner(p) != OWNER_PRIVATE || p->flags & PTE_COPY) &&
		 own_frame(m, op->pte, fx))
		return -ENOMEM;
	p->content = op->ev.content;
	fx->content = op->ev.content;
	fx->flags |= FXF_CONTENT;
	op->step = NULL;
	return 1;
}

int op_begin_write(struct machine *m, struct machine_op *op, struct err *err)
{
	const struct event *ev = &op->ev;
	int ret = op_check_space(m, ev->space, err);

	if (ret)
		return ret;
	if (ev->vpn > VPN_MAX)
		return err_set(err, EINVAL, "vpn %" PRIu64 " is no address",
			       ev->vpn);
	op->pte = machine_find(m, ev->space, ev->vpn);
	op->vpn = op->hi = 0;
	op->step = step_write;
	if (op->pte && m->pte[op->pte].flags & PTE_PRESENT)
		return 0;
	if (!range_of(&m->space[ev->space], ev->vpn))
		return err_set(err, EINVAL, "vpn %" PRIu64 " is not mapped",
			       ev->vpn);
	return 0;
}

/* The next page of the event that a read would fault in; NULL: none is left. */
static const struct range *read_next(const struct machine *m,
				     struct machine_op *op)
{
	const struct space *s = &m->space[op->ev.space];

	for (; op->vpn < op->hi; op->vpn++) {
		uint32_t pte = machine_find(m, op->ev.space, op->vpn);
		const struct range *r;

		if (pte && m->pte[pte].flags & PTE_PRESENT)
			continue;
		r = range_of(s, op->vpn);
		if (op_fault_flags(r) & PTE_ANON)
			return r;
		op->vpn = r->hi - 1;
	}
	return NULL;
}

/* Reading an anonymous page that was never written maps the zero page. */
static int step_read(struct machine *m, struct machine_op *op,
		     struct effect *fx)
{
	const struct range *r = read_next(m, op);
	uint32_t chunk, pte;
	uint64_t vpn;

	if (!r)
		return 0;
	vpn = op->vpn++;
	chunk = chunk_get(m, op->ev.space, vpn >> CHUNK_SHIFT);
	if (!chunk)
		return -ENOMEM;
	pte = chunk << CHUNK_SHIFT | (uint32_t)(vpn & (CHUNK_PAGES - 1));
	page_fault(m, pte, 0, OWNER_ZERO, zero_page_of(m, vpn),
		   op_fault_flags(r));
	op_fx_page(m, pte, fx);
	fx->before = CONTENT_NONE;
	fx->flags = FXF_CONTENT;
	return 1;
}

int op_begin_read(struct machine *m, struct machine_op *op, struct err *err)
{
	int ret = op_check_mapped(m, &op->ev, err);

	if (ret)
		return ret;
	op->vpn = op->ev.vpn;
	op->hi = op->ev.vpn + op->ev.count;
	op->step = step_read;
	return 0;
}
