/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
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

/* Is it a page that an extra reference can be taken of? */
static bool can_pin(const struct machine *m, uint32_t pte)
{
	return pte_owner(&m->pte[pte]) != OWNER_ZERO;
}

static bool pin_before(const struct pin *a, const struct pin *b)
{
	return a->space != b->space ? a->space < b->space : a->vpn < b->vpn;
}

/* Merge @n pins, ascending, into the list, from the back; there is room. */
static void merge_pins(struct machine *m, const struct pin *fresh, size_t n)
{
	size_t old = m->npin, to = m->npin + n;

	m->npin = to;
	while (n) {
		if (old && pin_before(&fresh[n - 1], &m->pin[old - 1]))
			m->pin[--to] = m->pin[--old];
		else
			m->pin[--to] = fresh[--n];
	}
}

static int step_pin(struct machine *m, struct machine_op *op, struct effect *fx)
{
	struct pin *fresh = mem_zalloc((size_t)op->count, sizeof(*fresh));
	uint32_t pte;
	size_t n = 0;
	int ret = fresh ? 0 : -ENOMEM;

	(void)fx;
	while (!ret && (pte = op_next_present(m, op->ev.space, op))) {
		if (!can_pin(m, pte))
			continue;
		ret = page_share(m, pte);
		if (ret)
			break;
		fresh[n++] = (struct pin){machine_pte_vpn(m, pte), op->ev.space,
					  m->pte[pte].ref};
		machine_share(m, m->pte[pte].ref)->pins++;
	}
	merge_pins(m, fresh, n);
	free(fresh);
	return ret;
}

int op_begin_pin(struct machine *m, struct machine_op *op, struct err *err)
{
	int ret = op_check_mapped(m, &op->ev, err);
	uint32_t pte;

	if (ret)
		return ret;
	op_pages_of(m, op);
	op->count = 0;
	while ((pte = op_next_present(m, op->ev.space, op)))
		op->count += can_pin(m, pte);
	if (m->npin + op->count > MACHINE_MAX_PINS)
		return err_set(err, EINVAL,
			       "more than %" PRIu64 " extra references",
			       MACHINE_MAX_PINS);
	if (mem_reserve(&m->pin, &m->pin_cap, m->npin + (size_t)op->count,
			sizeof(*m->pin)))
		return -ENOMEM;
	op_pages_of(m, op);
	op->step = step_pin;
	return 0;
}

/* The pins to drop stand behind the list, at [op->at, op->hi). */
static int step_unpin(struct machine *m, struct machine_op *op,
		      struct effect *fx)
{
	while (op->at < op->hi) {
		struct pin p = m->pin[op->at++];

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

int op_begin_unpin(struct machine *m, struct machine_op *op, struct err *err)
{
	int ret = op_check_range(&op->ev, err);
	size_t first, last, keep, n = 0;
	struct pin *gone;

	if (ret)
		return ret;
	first = pin_lower(m, op->ev.space, op->ev.vpn);
	last = pin_lower(m, op->ev.space, op->ev.vpn + op->ev.count);
	gone = mem_zalloc(last - first, sizeof(*gone));
	if (!gone)
		return -ENOMEM;
	/* Of each page the first goes, the others stay. */
	op->step = step_unpin;
	op->at = op->hi = 0;
	if (first == last) {
		free(gone);
		return 0;
	}
	keep = first;
	for (size_t i = first; i < last; i++) {
		if (n && gone[n - 1].vpn == m->pin[i].vpn)
			m->pin[keep++] = m->pin[i];
		else
			gone[n++] = m->pin[i];
	}
	memmove(&m->pin[keep], &m->pin[last],
		(m->npin - last) * sizeof(*m->pin));
	m->npin -= n;
	memcpy(&m->pin[m->npin], gone, n * sizeof(*gone));
	free(gone);
	op->at = m->npin;
	op->hi = m->npin + n;
	return 0;
}
