/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine.c - events in, effects out
 *
 * machine_begin() checks an event and changes what concerns whole ranges;
 * machine_next() then goes through the pages, one effect at a time.  A step
 * function returns 1 (one effect), 0 (nothing left) or -ENOMEM.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/machine/page.h"
#include "sim/machine/space.h"

struct machine_op {
	struct event ev;
	int (*step)(struct machine *m, struct machine_op *op,
		    struct effect *fx); /* NULL: nothing left */
	uint64_t vpn, hi; /* pages still to go through */
	size_t at;	  /* position in the chunks of the space */
	uint32_t pte;	  /* EV_WRITE: the slot, 0: not there yet */
	uint8_t last;	  /* effect that ends the event, FX_NONE: none */
	uint8_t first;	  /* effect that begins it */
};

typedef int begin_fn(struct machine *m, struct machine_op *op, struct err *err);

/* ---- helpers ---- */

static int check_space(const struct machine *m, uint32_t space, struct err *err)
{
	if (space >= m->nspace || !m->space[space].live)
		return err_set(err, EINVAL, "space %" PRIu32 " %s", space,
			       space < m->nspace ? "has exited"
						 : "was not created");
	return 0;
}

static int check_range(const struct event *ev, struct err *err)
{
	if (!ev->count || ev->vpn > VPN_MAX || ev->count > VPN_MAX + 1 - ev->vpn)
		return err_set(err, EINVAL,
			       "pages %" PRIu64 "+%" PRIu64
			       " are not a range of addresses",
			       ev->vpn, ev->count);
	return 0;
}

static int check_mapped(const struct machine *m, const struct event *ev,
			struct err *err)
{
	uint64_t gap;
	int ret = check_space(m, ev->space, err);

	if (!ret)
		ret = check_range(ev, err);
	if (!ret && !range_covers(&m->space[ev->space], ev->vpn,
				  ev->vpn + ev->count, &gap))
		ret = err_set(err, EINVAL, "vpn %" PRIu64 " is not mapped", gap);
	return ret;
}

bool machine_full(const struct machine *m)
{
	return m->nchunk > m->cfg.max_pages >> CHUNK_SHIFT && !m->free_chunk;
}

static void pages_of(struct machine *m, struct machine_op *op)
{
	op->vpn = op->ev.vpn;
	op->hi = op->ev.vpn + op->ev.count;
	op->at = chunk_lower(&m->space[op->ev.space], op->vpn >> CHUNK_SHIFT);
}

/* The next present PTE in [op->vpn, op->hi) of @space; 0: none. */
static uint32_t next_present(const struct machine *m, uint32_t space,
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

static void fx_page(const struct machine *m, uint32_t pte, struct effect *fx)
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

static uint32_t fault_flags(const struct range *r)
{
	uint32_t flags = 0;

	if (!(r->flags & (EVF_FILE | EVF_SHARED)))
		flags |= PTE_ANON;
	if (r->flags & EVF_MERGEABLE)
		flags |= PTE_MERGEABLE;
	return flags;
}

static void announce(struct machine_op *op, uint8_t kind, struct effect *fx)
{
	*fx = (struct effect){
		.kind = kind,
		.space = op->ev.space,
		.content = CONTENT_NONE,
		.before = CONTENT_NONE,
	};
	if (kind == FX_FORK)
		fx->from = (uint32_t)op->ev.count;
}

/* ---- spaces ---- */

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
	m->space[number] = (struct space){.live = true, .created = true};
	m->nspace++;
	return 0;
}

static int begin_space(struct machine *m, struct machine_op *op,
		       struct err *err)
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
		from = next_present(m, parent, op);
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
	fx_page(m, to, fx);
	fx->before = CONTENT_NONE;
	fx->flags = FXF_CONTENT;
	if (pte_owner(&m->pte[to]) == OWNER_SHARED)
		fx->flags |= FXF_SHARED;
	if (flags & PTE_PLACED) {
		m->pte[to].flags |= PTE_PLACED;
		m->zero_merged++;
		fx->flags |= FXF_ZEROED;
	}
	return 1;
}

static int begin_fork(struct machine *m, struct machine_op *op,
		      struct err *err)
{
	uint32_t parent = (uint32_t)op->ev.count;
	struct range *copy = NULL;
	size_t cap = 0, n;
	int ret;

	if (op->ev.count > UINT32_MAX)
		return err_set(err, EINVAL, "no such space to fork");
	ret = check_space(m, parent, err);
	if (ret)
		return ret;
	n = m->space[parent].nrange;
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
	m->space[op->ev.space].mergeable = m->space[parent].mergeable;
	op->vpn = 0;
	op->hi = VPN_MAX + 1;
	op->first = FX_FORK;
	op->step = step_fork;
	return 0;
}

static int step_unmap(struct machine *m, struct machine_op *op,
		      struct effect *fx)
{
	uint32_t pte = next_present(m, op->ev.space, op);

	if (!pte)
		return 0;
	/* Taking part of a huge page away splits it; the last one does not. */
	if (m->pte[pte].flags & PTE_HUGE && op->ev.op != EV_EXIT) {
		uint64_t first = machine_chunk(m, pte)->key << CHUNK_SHIFT;

		if (first < op->ev.vpn ||
		    first + CHUNK_PAGES > op->ev.vpn + op->ev.count)
			page_split(m, pte);
	}
	fx_page(m, pte, fx);
	fx->content = CONTENT_NONE;
	fx->flags = FXF_GONE;
	page_unmap(m, pte, fx);
	return 1;
}

static int begin_exit(struct machine *m, struct machine_op *op,
		      struct err *err)
{
	int ret = check_space(m, op->ev.space, err);

	if (ret)
		return ret;
	op->vpn = 0;
	op->hi = VPN_MAX + 1;
	op->step = step_unmap;
	op->last = FX_EXIT;
	return 0;
}

static void end_exit(struct machine *m, uint32_t space)
{
	struct space *s = &m->space[space];

	mem_release(s->range, s->range_cap, sizeof(*s->range));
	s->range = NULL;
	s->nrange = s->range_cap = 0;
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

/* ---- ranges ---- */

static int begin_map(struct machine *m, struct machine_op *op, struct err *err)
{
	const struct event *ev = &op->ev;
	uint32_t flags = ev->flags;
	struct space *s;
	size_t i;
	int ret = check_space(m, ev->space, err);

	if (!ret)
		ret = check_range(ev, err);
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
	if (flags & EVF_MERGEABLE)
		op->last = FX_MERGEABLE;
	return range_add(s, ev->vpn, ev->vpn + ev->count, flags);
}

static int begin_unmap(struct machine *m, struct machine_op *op,
		       struct err *err)
{
	const struct event *ev = &op->ev;
	int ret = check_space(m, ev->space, err);

	if (!ret)
		ret = check_range(ev, err);
	if (!ret && ev->op == EV_UNMAP)
		ret = range_remove(&m->space[ev->space], ev->vpn,
				   ev->vpn + ev->count);
	if (ret)
		return ret;
	pages_of(m, op);
	op->step = step_unmap;
	return 0;
}

/* Advice reaches the pages: flags in the PTEs, unmerging when it is withdrawn. */
static int step_advise(struct machine *m, struct machine_op *op,
		       struct effect *fx)
{
	const struct space *s = &m->space[op->ev.space];
	const struct range *r;
	uint32_t pte, want;
	struct pte *p;
	int ret = 0;

	for (;;) {
		pte = next_present(m, op->ev.space, op);
		if (!pte)
			return 0;
		p = &m->pte[pte];
		r = range_of(s, machine_pte_vpn(m, pte));
		want = r && r->flags & EVF_MERGEABLE ? PTE_MERGEABLE : 0;
		if ((p->flags & PTE_MERGEABLE) != want)
			break;
	}
	p->flags ^= PTE_MERGEABLE;
	fx_page(m, pte, fx);
	if (!want && (p->flags & PTE_PLACED || machine_merged(m, p)))
		ret = machine_unmerge(m, pte, fx);
	fx->flags |= FXF_ADVICE;
	return ret ? ret : 1;
}

static int begin_advise(struct machine *m, struct machine_op *op,
			struct err *err)
{
	const struct event *ev = &op->ev;
	bool on = ev->flags & EVF_MERGEABLE, changed;
	int ret = check_space(m, ev->space, err);

	if (!ret)
		ret = check_range(ev, err);
	if (!ret)
		ret = range_advise(&m->space[ev->space], ev->vpn,
				   ev->vpn + ev->count, on, &changed);
	if (ret)
		return ret;
	pages_of(m, op);
	if (changed)
		op->step = step_advise;
	if (changed && on)
		op->last = FX_MERGEABLE;
	return 0;
}

/* ---- pages ---- */

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
	uint32_t frame, flags = fault_flags(r);

	if (!chunk)
		return -ENOMEM;
	op->pte = chunk << CHUNK_SHIFT | (uint32_t)(ev->vpn & (CHUNK_PAGES - 1));
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

/* Copy-on-write: @pte gets a frame that nobody else maps. */
static int own_frame(struct machine *m, uint32_t pte, struct effect *fx)
{
	struct pte *p = &m->pte[pte];
	struct share *s;
	uint32_t frame;

	if (pte_owner(p) == OWNER_SHARED) {
		s = machine_share(m, p->ref);
		if (s->maps == 1 && !(s->pins & SHARE_MERGED)) {
			if (!s->pins) { /* the last of a fork: its own again */
				frame = s->frame;
				arena_drop(&m->share, p->ref);
				pte_set_owner(p, OWNER_PRIVATE, frame);
			}
			return 0;
		}
	}
	if (frame_take(m->frames, &frame))
		return -ENOMEM;
	if (p->flags & PTE_HUGE)
		page_split(m, pte);
	m->cow_copies += pte_owner(p) == OWNER_SHARED;
	page_leave(m, pte, fx);
	page_own(m, pte, OWNER_PRIVATE, frame);
	return 0;
}

static int step_write(struct machine *m, struct machine_op *op,
		      struct effect *fx)
{
	struct pte *p = &m->pte[op->pte];
	uint32_t fresh = 0;
	int ret;

	if (!op->pte || !(p->flags & PTE_PRESENT)) {
		ret = fault_in(m, op);
		if (ret < 0)
			return ret;
		p = &m->pte[op->pte];
		fresh = !ret;
	}
	if (op->vpn < op->hi) { /* the rest of a huge page that came in */
		uint64_t slot = op->vpn++ & (HUGE_PAGES - 1);

		fx_page(m, (op->pte & ~(CHUNK_PAGES - 1)) + (uint32_t)slot, fx);
		fx->before = CONTENT_NONE;
		fx->flags = FXF_CONTENT;
		return 1;
	}
	fx_page(m, op->pte, fx);
	if (fresh)
		fx->before = CONTENT_NONE;
	else if (pte_owner(p) != OWNER_PRIVATE && own_frame(m, op->pte, fx))
		return -ENOMEM;
	p->content = op->ev.content;
	fx->content = op->ev.content;
	fx->flags |= FXF_CONTENT;
	op->step = NULL;
	return 1;
}

uint32_t machine_find(const struct machine *m, uint32_t space, uint64_t vpn)
{
	uint32_t c = chunk_find(&m->space[space], vpn >> CHUNK_SHIFT);

	return c ? c << CHUNK_SHIFT | (uint32_t)(vpn & (CHUNK_PAGES - 1)) : 0;
}

static int begin_write(struct machine *m, struct machine_op *op,
		       struct err *err)
{
	const struct event *ev = &op->ev;
	int ret = check_space(m, ev->space, err);

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

/* Reading an anonymous page that was never written maps the zero page. */
static int step_read(struct machine *m, struct machine_op *op,
		     struct effect *fx)
{
	const struct space *s = &m->space[op->ev.space];
	const struct range *r;
	uint32_t chunk, pte;
	uint64_t vpn;

	for (; op->vpn < op->hi; op->vpn++) {
		vpn = op->vpn;
		pte = machine_find(m, op->ev.space, vpn);
		if (pte && m->pte[pte].flags & PTE_PRESENT)
			continue;
		r = range_of(s, vpn);
		if (fault_flags(r) & PTE_ANON)
			break;
		op->vpn = r->hi - 1;
	}
	if (op->vpn >= op->hi)
		return 0;
	op->vpn++;
	chunk = chunk_get(m, op->ev.space, vpn >> CHUNK_SHIFT);
	if (!chunk)
		return -ENOMEM;
	pte = chunk << CHUNK_SHIFT | (uint32_t)(vpn & (CHUNK_PAGES - 1));
	page_fault(m, pte, 0, OWNER_ZERO, zero_page_of(m, vpn), fault_flags(r));
	fx_page(m, pte, fx);
	fx->before = CONTENT_NONE;
	fx->flags = FXF_CONTENT;
	return 1;
}

static int begin_read(struct machine *m, struct machine_op *op,
		      struct err *err)
{
	int ret = check_mapped(m, &op->ev, err);

	if (ret)
		return ret;
	op->vpn = op->ev.vpn;
	op->hi = op->ev.vpn + op->ev.count;
	op->step = step_read;
	return 0;
}

/* ---- extra references ---- */

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
	while ((pte = next_present(m, op->ev.space, op))) {
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

static int begin_pin(struct machine *m, struct machine_op *op, struct err *err)
{
	int ret = check_mapped(m, &op->ev, err);

	if (ret)
		return ret;
	pages_of(m, op);
	op->step = step_pin;
	return 0;
}

static int begin_unpin(struct machine *m, struct machine_op *op,
		       struct err *err)
{
	int ret = check_range(&op->ev, err);

	if (ret)
		return ret;
	op->vpn = op->ev.vpn;
	op->hi = op->ev.vpn + op->ev.count;
	op->at = pin_lower(m, op->ev.space, op->vpn);
	op->step = step_unpin;
	return 0;
}

/* ---- the event as a whole ---- */

static int begin_nothing(struct machine *m, struct machine_op *op,
			 struct err *err)
{
	(void)m;
	(void)op;
	(void)err;
	return 0;
}

static begin_fn *const begin[EVENT_OP_COUNT] = {
	[EV_SPACE] = begin_space,
	[EV_FORK] = begin_fork,
	[EV_EXIT] = begin_exit,
	[EV_MAP] = begin_map,
	[EV_UNMAP] = begin_unmap,
	[EV_ADVISE] = begin_advise,
	[EV_WRITE] = begin_write,
	[EV_READ] = begin_read,
	[EV_FREE] = begin_unmap,
	[EV_PIN] = begin_pin,
	[EV_UNPIN] = begin_unpin,
	/* Samples and store operations do nothing to memory. */
	[EV_MARK] = begin_nothing,
	[EV_POOL] = begin_nothing,
	[EV_POOL_END] = begin_nothing,
	[EV_OBJECT] = begin_nothing,
	[EV_PUT] = begin_nothing,
	[EV_GET] = begin_nothing,
	[EV_FLUSH_PAGE] = begin_nothing,
	[EV_FLUSH_OBJECT] = begin_nothing,
};

int machine_begin(struct machine *m, const struct event *ev, struct err *err)
{
	struct machine_op *op = m->op;

	assert(!op->step && op->first == FX_NONE && op->last == FX_NONE);
	if (ev->op >= EVENT_OP_COUNT)
		return err_set(err, EINVAL, "no such event: %u", ev->op);
	op->ev = *ev;
	op->at = 0;
	return begin[ev->op](m, op, err);
}

int machine_next(struct machine *m, struct effect *fx)
{
	struct machine_op *op = m->op;
	int ret;

	if (op->first != FX_NONE) {
		announce(op, op->first, fx);
		op->first = FX_NONE;
		return 1;
	}
	if (op->step) {
		ret = op->step(m, op, fx);
		if (ret > 0)
			return ret;
		op->step = NULL;
		if (ret < 0) {
			op->last = FX_NONE;
			return ret;
		}
	}
	if (op->last == FX_NONE)
		return 0;
	announce(op, op->last, fx);
	if (op->last == FX_EXIT)
		end_exit(m, op->ev.space);
	op->last = FX_NONE;
	return 1;
}

int machine_apply(struct machine *m, const struct event *ev, struct err *err)
{
	struct effect fx;
	int ret = machine_begin(m, ev, err);

	while (!ret && (ret = machine_next(m, &fx)) > 0)
		ret = 0;
	return ret;
}

uint64_t machine_frames(const struct machine *m)
{
	return m->frames->used;
}

uint64_t machine_frames_peak(const struct machine *m)
{
	return m->frames->peak;
}

int machine_new(struct machine **out, const struct machine_config *cfg)
{
	struct machine *m = mem_zalloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->op = mem_zalloc(1, sizeof(*m->op));
	m->frames = mem_zalloc(1, sizeof(*m->frames));
	if (!m->op || !m->frames) {
		free(m->op);
		free(m->frames);
		free(m);
		return -ENOMEM;
	}
	m->cfg = *cfg;
	if (!m->cfg.zero_pages)
		m->cfg.zero_pages = 1;
	assert(is_pow2(m->cfg.zero_pages));
	if (!m->cfg.max_pages)
		m->cfg.max_pages = MACHINE_MAX_PAGES;
	m->nchunk = 1;
	arena_init(&m->share, sizeof(struct share));
	frame_map_init(m->frames);
	*out = m;
	return 0;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; i < m->nspace; i++) {
		mem_release(m->space[i].range, m->space[i].range_cap,
			    sizeof(struct range));
		mem_release(m->space[i].chunk, m->space[i].chunk_cap,
			    sizeof(struct chunk_ref));
	}
	mem_release(m->space, m->space_cap, sizeof(*m->space));
	mem_release(m->pte, m->pte_cap, sizeof(*m->pte));
	mem_release(m->chunk, m->chunk_cap, sizeof(*m->chunk));
	mem_release(m->pin, m->pin_cap, sizeof(*m->pin));
	arena_fini(&m->share);
	frame_map_fini(m->frames);
	free(m->frames);
	free(m->op);
	free(m);
}
