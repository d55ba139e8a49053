/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/machine/space.h"

size_t range_at(const struct space *s, uint64_t vpn)
{
	size_t lo = 0, hi = s->nrange;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->range[mid].hi <= vpn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct range *range_of(const struct space *s, uint64_t vpn)
{
	size_t i = range_at(s, vpn);

	return i < s->nrange && s->range[i].lo <= vpn ? &s->range[i] : NULL;
}

bool range_covers(const struct space *s, uint64_t lo, uint64_t hi,
		  uint64_t *gap)
{
	for (size_t i = range_at(s, lo); lo < hi; i++) {
		if (i == s->nrange || s->range[i].lo > lo) {
			*gap = lo;
			return false;
		}
		lo = s->range[i].hi;
	}
	return true;
}

/* Join neighbours from position @i - 1 to @i + 1 that touch and are alike. */
static void join_around(struct space *s, size_t i)
{
	size_t from = i ? i - 1 : 0, to = i + 1;

	for (size_t k = from; k < to && k + 1 < s->nrange;) {
		struct range *r = &s->range[k];

		if (r[0].hi != r[1].lo || r[0].flags != r[1].flags) {
			k++;
			continue;
		}
		r[0].hi = r[1].hi;
		memmove(&r[1], &r[2], (s->nrange - k - 2) * sizeof(*r));
		s->nrange--;
		to--;
	}
}

static int reserve_ranges(struct space *s, size_t more)
{
	return mem_reserve(&s->range, &s->range_cap, s->nrange + more,
			   sizeof(*s->range));
}

int range_add(struct space *s, uint64_t lo, uint64_t hi, uint32_t flags)
{
	size_t i = range_at(s, lo);

	if (reserve_ranges(s, 1))
		return -ENOMEM;
	memmove(&s->range[i + 1], &s->range[i],
		(s->nrange - i) * sizeof(*s->range));
	s->range[i] = (struct range){lo, hi, flags};
	s->nrange++;
	if (flags & EVF_MERGEABLE)
		s->mergeable += hi - lo;
	join_around(s, i);
	return 0;
}

/* Make @at a border between two ranges; room for one more must be there. */
static void cut(struct space *s, uint64_t at)
{
	size_t i = range_at(s, at);
	struct range *r = &s->range[i];

	if (i == s->nrange || r->lo >= at)
		return;
	memmove(r + 1, r, (s->nrange - i) * sizeof(*r));
	s->nrange++;
	r[0].hi = at;
	r[1].lo = at;
}

int range_remove(struct space *s, uint64_t lo, uint64_t hi)
{
	size_t from, to;

	if (reserve_ranges(s, 2))
		return -ENOMEM;
	cut(s, lo);
	cut(s, hi);
	from = range_at(s, lo);
	for (to = from; to < s->nrange && s->range[to].lo < hi; to++)
		if (s->range[to].flags & EVF_MERGEABLE)
			s->mergeable -= s->range[to].hi - s->range[to].lo;
	memmove(&s->range[from], &s->range[to],
		(s->nrange - to) * sizeof(*s->range));
	s->nrange -= to - from;
	return 0;
}

int range_advise(struct space *s, uint64_t lo, uint64_t hi, bool mergeable,
		 bool *changed)
{
	uint32_t want = mergeable ? EVF_MERGEABLE : 0;
	size_t i;

	*changed = false;
	if (reserve_ranges(s, 2))
		return -ENOMEM;
	cut(s, lo);
	cut(s, hi);
	for (i = range_at(s, lo); i < s->nrange && s->range[i].lo < hi; i++) {
		struct range *r = &s->range[i];

		/* Advice on a shared mapping is accepted and has no effect. */
		if (r->flags & EVF_SHARED || (r->flags & EVF_MERGEABLE) == want)
			continue;
		r->flags ^= EVF_MERGEABLE;
		s->mergeable += mergeable ? r->hi - r->lo : r->lo - r->hi;
		*changed = true;
	}
	while (i-- > 0 && s->range[i].hi >= lo)
		join_around(s, i);
	return 0;
}

size_t chunk_lower(const struct space *s, uint64_t key)
{
	size_t lo = 0, hi = s->nchunk;
	uint64_t guess;

	if (!hi || key <= s->chunk[0].key)
		return 0;
	/* Mappings are mostly dense: then the position follows from the key. */
	guess = key - s->chunk[0].key;
	if (guess < hi && s->chunk[guess].key == key)
		return (size_t)guess;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->chunk[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

uint32_t chunk_search(const struct space *s, uint64_t key)
{
	size_t i = chunk_lower(s, key);

	return i < s->nchunk && s->chunk[i].key == key ? s->chunk[i].chunk : 0;
}

static uint32_t chunk_new(struct machine *m)
{
	uint32_t c = m->free_chunk;

	if (c) {
		m->free_chunk = (uint32_t)m->chunk[c].key;
		return c;
	}
	c = m->nchunk;
	m->full = c > m->cfg.max_pages >> CHUNK_SHIFT;
	if (m->full ||
	    mem_reserve(&m->chunk, &m->chunk_cap, (size_t)c + 1,
			sizeof(*m->chunk)) ||
	    mem_reserve(&m->pte, &m->pte_cap, ((size_t)c + 1) << CHUNK_SHIFT,
			sizeof(*m->pte)))
		return 0;
	m->nchunk++;
	return c;
}

uint32_t chunk_get(struct machine *m, uint32_t space, uint64_t key)
{
	struct space *s = &m->space[space];
	size_t i = chunk_lower(s, key);
	uint32_t c;

	m->full = false;
	if (i < s->nchunk && s->chunk[i].key == key)
		return s->chunk[i].chunk;
	if (mem_reserve(&s->chunk, &s->chunk_cap, s->nchunk + 1,
			sizeof(*s->chunk)))
		return 0;
	c = chunk_new(m);
	if (!c)
		return 0;
	memmove(&s->chunk[i + 1], &s->chunk[i],
		(s->nchunk - i) * sizeof(*s->chunk));
	s->chunk[i] = (struct chunk_ref){key, c};
	s->nchunk++;
	s->gen++;
	m->chunk[c] = (struct chunk){.key = key, .space = space};
	return c;
}

void chunk_drop_all(struct machine *m, uint32_t space)
{
	struct space *s = &m->space[space];

	for (size_t i = 0; i < s->nchunk; i++) {
		struct chunk *c = &m->chunk[s->chunk[i].chunk];

		assert(!c->present && !c->words);
		*c = (struct chunk){.key = m->free_chunk};
		m->free_chunk = s->chunk[i].chunk;
	}
	mem_release(s->chunk, s->chunk_cap, sizeof(*s->chunk));
	s->chunk = NULL;
	s->nchunk = s->chunk_cap = 0;
	s->gen++;
}
