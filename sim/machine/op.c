/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>

#include "sim/machine/space.h"
#include "sim/machine/op.h"

int op_check_space(const struct machine *m, uint32_t space, struct err *err)
{
	if (space >= m->nspace || !m->space[space].live)
		return err_set(err, EINVAL, "space %" PRIu32 " %s", space,
			       space < m->nspace ? "has exited"
						 : "was not created");
	return 0;
}

int op_check_range(const struct event *ev, struct err *err)
{
	if (!ev->count || ev->vpn > VPN_MAX ||
	    ev->count > VPN_MAX + 1 - ev->vpn)
		return err_set(err, EINVAL,
			       "pages %" PRIu64 "+%" PRIu64
			       " are not a range of addresses",
			       ev->vpn, ev->count);
	return 0;
}

int op_check_mapped(const struct machine *m, const struct event *ev,
		    struct err *err)
{
	uint64_t gap;
	int ret = op_check_space(m, ev->space, err);

	if (!ret)
		ret = op_check_range(ev, err);
	if (!ret && !range_covers(&m->space[ev->space], ev->vpn,
				  ev->vpn + ev->count, &gap))
		ret = err_set(err, EINVAL, "vpn %" PRIu64 " is not mapped",
			      gap);
	return ret;
}

int op_check_ranges(const struct machine *m, uint64_t more, struct err *err)
{
	if (m->ranges + more > MACHINE_MAX_RANGES)
		return err_set(err, EINVAL,
			       "more than %" PRIu64
			       " mapped ranges in all spaces",
			       MACHINE_MAX_RANGES);
	return 0;
}

void op_pages_of(struct machine *m, struct machine_op *op)
{
	op->vpn = op->ev.vpn;
	op->hi = op->ev.vpn + op->ev.count;
	op->at = chunk_lower(&m->space[op->ev.space], op->vpn >> CHUNK_SHIFT);
}

uint32_t op_next_present(const struct machine *m, uint32_t space,
			 struct machine_op *op)
{
	const struct space *s = &m->space[space];

	for (; op->at < s->nchunk; op->at++) {
		uint64_t first = s->chunk[op->at].key << CHUNK_SHIFT;
		uint64_t end = first + CHUNK_PAGES;
		uint32_t base = s->chunk[op->at].chunk << CHUNK_SHIFT;

		if (first >= op->hi)
			return 0;
		if (end > op->hi)
			end = op->hi;
		if (op->vpn < first)
			op->vpn = first;
		if (!machine_chunk(m, base)->present)
			continue;
		while (op->vpn < end) {
			uint32_t pte = base + (uint32_t)(op->vpn++ - first);

			if (m->pte[pte].flags & PTE_PRESENT)
				return pte;
		}
	}
	return 0;
}

void op_fx_page(const struct machine *m, uint32_t pte, struct effect *fx)
{
	const struct pte *p = &m->pte[pte];
	bool present = p->flags & PTE_PRESENT;

	*fx = (struct effect){
		.kind = FX_PAGE,
		.space = machine_pte_space(m, pte),
		.vpn = machine_pte_vpn(m, pte),
		.pte = pte,
		.content = present ? p->content : CONTENT_NONE,
		.before = present ? p->content : CONTENT_NONE,
	};
}

uint32_t op_fault_flags(const struct range *r)
{
	uint32_t flags = 0;

	if (!(r->flags & (EVF_FILE | EVF_SHARED)))
		flags |= PTE_ANON;
	if (r->flags & EVF_MERGEABLE)
		flags |= PTE_MERGEABLE;
	return flags;
}
