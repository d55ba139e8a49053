/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/machine/page.h"
#include "sim/machine/space.h"
#include "sim/machine/op.h"

static int new_space(struct machine *m, uint32_t number, struct err *err)
{
	if (number != m->nspace)
		return err_set(err, EINVAL,
			       "space %" PRIu32 " is out of turn: %" PRIu32
			       " is next",
			       number, m->nspace);
	if (number >= SPACE_MAX)
		return err_set(err, EINVAL, "more than %" PRIu32 " spaces",
			       SPACE_MAX);
	if (mem_reserve(&m->space, &m->space_cap, (size_t)number + 1,
			sizeof(*m->space)))
		return -ENOMEM;
	m->space[number] = (struct space){.live = true};
	m->nspace++;
	return 0;
}

int op_begin_space(struct machine *m, struct machine_op *op, struct err *err)
{
	op->last = FX_SPACE;
	return new_space(m, op->ev.space, err);
}

/* One page of the parent becomes one of the child. */
static int step_fork(struct machine *m, struct machine_op *op,
		     struct effect *fx)
{
	uint32_t parent = (uint32_t)op->ev.count, child = op->ev.space;
	uint32_t from, to, chunk, flags;

	do {
		from = op_next_present(m, parent, op);
		if (!from)
			return 0;
		/* Pages of files and shared memory are faulted in again. */
	} while (!(m->pte[from].flags & PTE_ANON));
	chunk = chunk_get(m, child, machine_pte_vpn(m, from) >> CHUNK_SHIFT);
	if (!chunk || page_share(m, from))
		return -ENOMEM;
	to = chunk << CHUNK_SHIFT | (from & (CHUNK_PAGES - 1));
	flags = m->pte[from].flags;
	page_fault(m, to, m->pte[from].content, pte_owner(&m->pte[from]),
		   m->pte[from].ref,
		   flags & (PTE_ANON | PTE_MERGEABLE | PTE_HUGE));
	op_fx_page(m, to, fx);
	fx->before = CONTENT_NONE;
	fx->flags = FXF_CONTENT;
	if (pte_owner(&m->pte[to]) == OWNER_SHARED) {
		machine_share(m, m->pte[to].ref)->pins |= SHARE_FORKED;
		fx->flags |= FXF_SHARED;
	}
	if (flags & PTE_PLACED) {
		m->pte[to].flags |= PTE_PLACED;
		m->zero_merged++;
		fx->flags |= FXF_ZEROED;
	}
	return 1;
}

int op_begin_fork(struct machine *m, struct machine_op *op, struct err *err)
{
	uint32_t parent = (uint32_t)op->ev.count;
	struct range *copy = NULL;
	size_t cap = 0, n;
	int ret;

	if (op->ev.count > UINT32_MAX)
		return err_set(err, EINVAL, "no such space to fork");
	ret = op_check_space(m, parent, err);
	if (ret)
		return ret;
	n = m->space[parent].nrange;
	ret = op_check_ranges(m, n, err);
	if (ret)
		return ret;
	if (mem_reserve(&copy, &cap, n, sizeof(*copy)))
		return -ENOMEM;
	ret = new_space(m, op->ev.space, err);
	if (ret) {
		mem_release(copy, cap, sizeof(*copy));
		return ret;
	}
	if (n)
		memcpy(copy, m->space[parent].range, n * sizeof(*copy));
	m->space[op->ev.space].range = copy;
	m->space[op->ev.space].range_cap = cap;
	m->space[op->ev.space].nrange = n;
	m->ranges += n;
	m->space[op->ev.space].mergeable = m->space[parent].mergeable;
	op->vpn = 0;
	op->hi = VPN_MAX + 1;
	op->first = FX_FORK;
	op->step = step_fork;
	return 0;
}

int op_begin_exit(struct machine *m, struct machine_op *op, struct err *err)
{
	int ret = op_check_space(m, op->ev.space, err);

	if (ret)
		return ret;
	op->vpn = 0;
	op->hi = VPN_MAX + 1;
	op->step = op_step_unmap;
	op->last = FX_EXIT;
	return 0;
}

void op_end_exit(struct machine *m, uint32_t space)
{
	struct space *s = &m->space[space];

	m->ranges -= s->nrange;
	mem_release(s->range, s->range_cap, sizeof(*s->range));
	s->range = NULL;
	s->nrange = s->range_cap = 0;
	mem_release(s->pool, s->pool_cap, sizeof(*s->pool));
	s->pool = NULL;
	s->npool = s->pool_cap = 0;
	s->mergeable = 0;
	s->live = false;
	if (!m->cfg.keep_words)
		chunk_drop_all(m, space);
}

void machine_space_release(struct machine *m, uint32_t space)
{
	assert(!m->space[space].live);
	chunk_drop_all(m, space);
}
