/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * merge.c - scans and merges: the downward calls of engines
 */
#include <errno.h>

#include "sim/base/bits.h"
#include "sim/machine/page.h"
#include "sim/machine/space.h"

static bool interesting(const struct pte *p)
{
	return p->word || pte_mergeable_page(p);
}

uint32_t machine_scan(const struct machine *m, struct space_cursor *c,
		      struct scan_steps *steps)
{
	const struct space *s = &m->space[c->space];

	if (c->gen != s->gen + 1) {
		c->at = chunk_lower(s, c->vpn >> CHUNK_SHIFT);
		c->gen = s->gen + 1;
	}
	for (; c->at < s->nchunk; c->at++) {
		uint64_t first = s->chunk[c->at].key << CHUNK_SHIFT;
		uint32_t base = s->chunk[c->at].chunk << CHUNK_SHIFT;
		const struct chunk *k = machine_chunk(m, base);
		uint32_t i = c->vpn > first ? (uint32_t)(c->vpn - first) : 0;

		if (!k->present && !k->words)
			continue;
		for (; i < CHUNK_PAGES; i++) {
			const struct pte *p = &m->pte[base + i];

			if (interesting(p))
				break;
			if (p->flags & PTE_PRESENT)
				steps->pages++;
			else
				steps->holes++;
		}
		if (i < CHUNK_PAGES) {
			steps->pages++;
			c->vpn = first + i + 1;
			if (i + 1 == CHUNK_PAGES)
				c->at++;
			return base + i;
		}
	}
	c->vpn = VPN_MAX + 1;
	return 0;
}

void machine_copy_on_write(struct machine *m, uint32_t pte, bool copy)
{
	struct pte *p = &m->pte[pte];

	assert(p->flags & PTE_PRESENT);
	p->flags = copy ? p->flags | PTE_COPY : p->flags & ~PTE_COPY;
}

bool machine_pinned(const struct machine *m, const struct pte *p)
{
	return pte_owner(p) == OWNER_SHARED &&
	       machine_share(m, p->ref)->pins & SHARE_PINS;
}

int machine_split(struct machine *m, uint32_t pte, unsigned *split)
{
	if (!(m->pte[pte].flags & PTE_HUGE))
		return 0;
	if (page_split(m, pte))
		return -EBUSY;
	++*split;
	return 0;
}

/* Split if huge, refuse if pinned: what must hold before a page is replaced. */
static int prepare(struct machine *m, uint32_t pte, unsigned *split)
{
	int ret = machine_split(m, pte, split);

	if (ret)
		return ret;
	/* A split may have put the page away: there is nothing to replace. */
	return machine_pinned(m, &m->pte[pte]) || pte_owner(&m->pte[pte]) == OWNER_ZERO
		       ? -EBUSY
		       : 0;
}

int machine_make_merged(struct machine *m, uint32_t pte, uint32_t *share,
			unsigned *split)
{
	struct pte *p = &m->pte[pte];
	int ret = prepare(m, pte, split);
	struct share *s;

	if (ret)
		return ret;
	if (page_share(m, pte))
		return -ENOMEM;
	p->flags &= ~PTE_COPY;
	s = machine_share(m, p->ref);
	*share = p->ref;
	if (s->pins & SHARE_MERGED)
		return 0;
	s->pins |= SHARE_MERGED;
	m->merged_frames++;
	m->merged_pages += s->maps;
	if (p->content == 0) {
		s->pins |= SHARE_ZERO;
		m->merged_zero_frames++;
		m->merged_zero_pages += s->maps;
	}
	return 0;
}

int machine_merge(struct machine *m, uint32_t pte, uint32_t share,
		  unsigned *freed, uint32_t *word, unsigned *split)
{
	struct effect fx = {0};
	int ret = prepare(m, pte, split);

	*freed = 0;
	*word = 0;
	if (ret)
		return ret;
	assert(machine_share(m, share)->pins & SHARE_MERGED);
	if (pte_owner(&m->pte[pte]) == OWNER_SHARED && m->pte[pte].ref == share)
		return 0;
	*freed = page_leave(m, pte, &fx);
	*word = fx.freed;
	page_own(m, pte, OWNER_SHARED, share);
	m->pte[pte].flags &= ~PTE_COPY;
	return 0;
}

int machine_merge_zero(struct machine *m, uint32_t pte, unsigned *freed,
		       uint32_t *word, unsigned *split)
{
	struct effect fx = {0};
	int ret = prepare(m, pte, split);

	*freed = 0;
	*word = 0;
	if (ret)
		return ret;
	assert(m->pte[pte].content == 0);
	*freed = page_leave(m, pte, &fx);
	*word = fx.freed;
	page_own(m, pte, OWNER_ZERO, zero_page_of(m, machine_pte_vpn(m, pte)));
	m->pte[pte].flags |= PTE_PLACED;
	m->zero_merged++;
	return 0;
}

int machine_unmerge(struct machine *m, uint32_t pte, struct effect *fx)
{
	struct pte *p = &m->pte[pte];
	uint32_t frame;

	if (frame_take(m->frames, &frame))
		return -ENOMEM;
	*fx = (struct effect){
		.kind = FX_PAGE,
		.space = machine_pte_space(m, pte),
		.vpn = machine_pte_vpn(m, pte),
		.pte = pte,
		.content = p->content,
		.before = p->content,
	};
	m->cow_copies += pte_owner(p) == OWNER_SHARED;
	page_leave(m, pte, fx);
	page_own(m, pte, OWNER_PRIVATE, frame);
	return 0;
}
