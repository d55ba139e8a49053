/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "sim/machine/space.h"
#include "sim/machine/page.h"

/* The share has lost a mapping or a pin: free it when nothing holds it. */
static bool share_settle(struct machine *m, uint32_t i, uint32_t *word)
{
	struct share *s = machine_share(m, i);

	if (s->maps || s->pins & (SHARE_PINS | SHARE_HELD))
		return false;
	*word = 0;
	if (s->pins & SHARE_MERGED)
		*word = s->word;
	frame_give(m->frames, s->frame);
	arena_drop(&m->share, i);
	return true;
}

bool share_drop_pin(struct machine *m, uint32_t share, uint32_t *word)
{
	assert(machine_share(m, share)->pins & SHARE_PINS);
	machine_share(m, share)->pins--;
	return share_settle(m, share, word);
}

/* A merged frame is counted while it is mapped: what only an extra reference
 * keeps saves nothing, and costs nothing that it would not cost anyway. */
static void count_merged(struct machine *m, uint32_t share, int by)
{
	m->merged_frames += (uint64_t)by;
	if (machine_share(m, share)->pins & SHARE_ZERO)
		m->merged_zero_frames += (uint64_t)by;
}

bool page_leave(struct machine *m, uint32_t pte, struct effect *fx)
{
	struct pte *p = &m->pte[pte];
	bool freed = false;

	if (pte_owner(p) == OWNER_PRIVATE || pte_owner(p) == OWNER_SHARED)
		fx->left = machine_frame_of(m, p) + 1;
	switch (pte_owner(p)) {
	case OWNER_PRIVATE:
		frame_give(m->frames, p->ref);
		freed = true;
		break;
	case OWNER_SHARED:
		if (machine_merged(m, p)) {
			fx->flags |= FXF_BROKE;
			m->merged_pages--;
			m->merged_zero_pages -= p->content == 0;
		}
		if (!--machine_share(m, p->ref)->maps && machine_merged(m, p))
			count_merged(m, p->ref, -1);
		freed = share_settle(m, p->ref, &fx->freed);
		if (freed && fx->flags & FXF_BROKE)
			fx->flags |= FXF_FREED;
		break;
	case OWNER_ZERO:
		m->zero_mapped--;
		if (p->flags & PTE_PLACED) {
			m->zero_merged--;
			fx->flags |= FXF_BROKE_ZERO;
		}
		break;
	case OWNER_STORE:
		break;
	}
	fx->left_free = freed;
	return freed;
}

void page_keep(struct machine *m, uint32_t pte, struct effect *fx)
{
	struct pte *p = &m->pte[pte];
	uint32_t i = p->ref;
	struct share *s = machine_share(m, i);

	if (s->pins & SHARE_MERGED) {
		count_merged(m, i, -1);
		m->merged_pages--;
		m->merged_zero_pages -= p->content == 0;
		fx->flags |= FXF_BROKE | FXF_FREED | FXF_REUSED;
		fx->freed = s->word;
	}
	pte_set_owner(p, OWNER_PRIVATE, s->frame);
	arena_drop(&m->share, i);
}

void page_own(struct machine *m, uint32_t pte, enum pte_owner owner,
	      uint32_t ref)
{
	struct pte *p = &m->pte[pte];

	pte_set_owner(p, owner, ref);
	switch (owner) {
	case OWNER_SHARED:
		machine_share(m, ref)->maps++;
		if (!machine_merged(m, p))
			break;
		if (machine_share(m, ref)->maps == 1)
			count_merged(m, ref, 1);
		m->merged_pages++;
		m->merged_zero_pages += p->content == 0;
		break;
	case OWNER_ZERO:
		m->zero_mapped++;
		break;
	case OWNER_PRIVATE:
	case OWNER_STORE:
		break;
	}
}

void page_fault(struct machine *m, uint32_t pte, uint32_t content,
		enum pte_owner owner, uint32_t ref, uint32_t flags)
{
	struct chunk *c = machine_chunk(m, pte);
	struct pte *p = &m->pte[pte];

	p->content = content;
	p->flags = flags | PTE_PRESENT;
	page_own(m, pte, owner, ref);
	c->present++;
	m->space[c->space].present++;
	if (++m->mapped > m->mapped_peak)
		m->mapped_peak = m->mapped;
}

void page_unmap(struct machine *m, uint32_t pte, struct effect *fx)
{
	struct chunk *c = machine_chunk(m, pte);
	struct pte *p = &m->pte[pte];

	page_leave(m, pte, fx);
	p->content = p->ref = p->flags = 0;
	c->present--;
	m->space[c->space].present--;
	m->mapped--;
}

/* The 2 MiB of frames that a huge page has: frames of one never mix with
 * another's while its PTEs say PTE_HUGE. */
static uint32_t huge_frame(const struct machine *m, const struct pte *p)
{
	uint32_t frame = pte_owner(p) == OWNER_SHARED
				 ? machine_share(m, p->ref)->frame
				 : p->ref;

	return frame / HUGE_PAGES;
}

bool machine_same_huge(const struct machine *m, const struct pte *a,
		       const struct pte *b)
{
	return a->flags & b->flags & PTE_HUGE &&
	       huge_frame(m, a) == huge_frame(m, b);
}

/* The parts of a huge page that one chunk maps become small. */
static void split_chunk(struct machine *m, uint32_t base, uint32_t huge)
{
	struct effect fx = {0};

	for (uint32_t pte = base; pte < base + CHUNK_PAGES; pte++) {
		struct pte *p = &m->pte[pte];

		if (!(p->flags & PTE_HUGE) || huge_frame(m, p) != huge)
			continue;
		p->flags &= ~PTE_HUGE;
		if (p->content || m->rules.split_keeps_zeros)
			continue;
		page_leave(m, pte, &fx);
		page_own(m, pte, OWNER_ZERO,
			 zero_page_of(m, machine_pte_vpn(m, pte)));
		m->split_zero_pages++;
	}
}

/* Is one of the parts that this chunk maps pinned? */
static bool chunk_pinned(const struct machine *m, uint32_t base, uint32_t huge)
{
	for (uint32_t pte = base; pte < base + CHUNK_PAGES; pte++) {
		const struct pte *p = &m->pte[pte];

		if (p->flags & PTE_HUGE && pte_owner(p) == OWNER_SHARED &&
		    huge_frame(m, p) == huge &&
		    machine_share(m, p->ref)->pins & SHARE_PINS)
			return true;
	}
	return false;
}

/* The next chunk from space *@s on at this address: forks have a huge page at
 * the same one.  0: none is left. */
static uint32_t next_twin(const struct machine *m, uint32_t *s, uint64_t key)
{
	while (*s < m->nspace) {
		uint32_t c = chunk_find(&m->space[(*s)++], key);

		if (c && m->chunk[c].present)
			return c << CHUNK_SHIFT;
	}
	return 0;
}

int page_split(struct machine *m, uint32_t pte)
{
	uint32_t huge = huge_frame(m, &m->pte[pte]), base;
	uint64_t key = machine_chunk(m, pte)->key;

	for (uint32_t s = 0; (base = next_twin(m, &s, key));)
		if (chunk_pinned(m, base, huge))
			return -EBUSY;
	for (uint32_t s = 0; (base = next_twin(m, &s, key));)
		split_chunk(m, base, huge);
	m->huge_splits++;
	return 0;
}

void machine_hold_share(struct machine *m, uint32_t share)
{
	assert(!(machine_share(m, share)->pins & SHARE_HELD));
	machine_share(m, share)->pins |= SHARE_HELD;
	m->held_shares++;
}

bool machine_release_share(struct machine *m, uint32_t share)
{
	uint32_t word;

	assert(machine_share(m, share)->pins & SHARE_HELD);
	machine_share(m, share)->pins &= ~SHARE_HELD;
	m->held_shares--;
	return share_settle(m, share, &word);
}

void machine_hold_frame(struct machine *m, uint32_t frame)
{
	frame_keep(m->frames, frame);
	m->held_frames++;
}

void machine_release_frame(struct machine *m, uint32_t frame)
{
	assert(m->held_frames);
	frame_give(m->frames, frame);
	m->held_frames--;
}

int page_share(struct machine *m, uint32_t pte)
{
	struct pte *p = &m->pte[pte];
	uint32_t i;

	if (pte_owner(p) != OWNER_PRIVATE)
		return 0;
	if (arena_new(&m->share, &i))
		return -ENOMEM;
	*machine_share(m, i) = (struct share){.frame = p->ref, .maps = 1};
	pte_set_owner(p, OWNER_SHARED, i);
	return 0;
}
