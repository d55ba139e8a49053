/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "sim/engine/pageone/sdshape_impl.h"

int sdshape_init(struct sdshape *s, const struct content_set *set,
		 uint32_t bits)
{
	assert(bits && bits <= PAGE_BITS && set->have & NEED_PREFIX &&
	       set->count < KEY);
	*s = (struct sdshape){.set = set, .bits = bits};
	arena_init(&s->vecs, sizeof(struct sdvec));
	/* Bits strictly grow along a path; the last vector is behind them. */
	s->path = mem_zalloc(bits + 2u, sizeof(*s->path));
	s->page = mem_zalloc(1, PAGE_BYTES);
	if (s->path && s->page)
		return 0;
	sdshape_fini(s);
	return -ENOMEM;
}

void sdshape_fini(struct sdshape *s)
{
	if (s->vecs.size)
		arena_fini(&s->vecs);
	free(s->path);
	free(s->page);
	s->path = NULL;
	s->page = NULL;
}

int sdshape_root(struct sdshape *s, uint32_t *root)
{
	return arena_new(&s->vecs, root);
}

/* ---- bits of contents ---- */

static uint32_t first_one_sparse(const struct content_sparse *few,
				 uint32_t from)
{
	for (unsigned i = 0; i < few->n; i++) {
		uint32_t at = 64u * few->at[i];
		uint64_t word = few->word[i];

		if (at + 64 <= from)
			continue;
		if (at < from)
			word &= UINT64_MAX >> (from - at);
		if (word)
			return at + clz64(word);
	}
	return PAGE_BITS;
}

static uint32_t first_one_bytes(const uint8_t *page, uint32_t from)
{
	uint32_t w = from / 64;
	uint64_t word;

	if (from >= PAGE_BITS)
		return PAGE_BITS;
	word = load_be64(page + 8 * w) & UINT64_MAX >> from % 64;
	while (!word && ++w < PAGE_WORDS)
		word = load_be64(page + 8 * w);
	return word ? 64 * w + clz64(word) : PAGE_BITS;
}

uint32_t sdshape_first_one(struct sdshape *s, uint32_t rank, uint32_t from)
{
	const struct content_source *src = &s->set->source;
	uint32_t id = s->set->by_rank[rank], bit = PAGE_BITS;
	struct content_sparse few;

	if (!id)
		return s->bits;
	/* Most answers are in the first word. */
	if (from < 64 && s->set->head[id] & UINT64_MAX >> from)
		bit = clz64(s->set->head[id] & UINT64_MAX >> from);
	else if (src->sparse) {
		src->sparse(src->self, id, &few);
		bit = first_one_sparse(&few, from);
	} else {
		bit = first_one_bytes(src->bytes(src->self, id, s->page), from);
	}
	return bit < s->bits ? bit : s->bits;
}

/* ---- search ---- */

/* Where a search goes from here: where there are two sides, the rank tells. */
static uint32_t next_side(const struct sdvec *v, uint32_t rank)
{
	if (v->right && v->down)
		return rank >= v->split ? v->right : v->down;
	return v->right ? v->right : v->down;
}

void sdshape_warm(const struct sdshape *s, const uint32_t *root,
		  const uint32_t *rank, unsigned n)
{
	uint32_t to[SDSHAPE_WARM], on;

	assert(n <= SDSHAPE_WARM);
	for (unsigned i = 0; i < n; i++)
		to[i] = root[i];
	do {
		on = 0;
		for (unsigned i = 0; i < n; i++) {
			if (!to[i] || is_key(to[i]))
				continue;
			to[i] = next_side(vec_at(s, to[i]), rank[i]);
			if (to[i] && !is_key(to[i]))
				prefetch(vec_at(s, to[i]));
			on++;
		}
	} while (on);
}

/*
 * Down to some key that has at least as much in common with the one sought as
 * any stored key: where there are two sides, the rank tells which; where there
 * is one, it is taken.
 */
static uint32_t descend(struct sdshape *s, uint32_t root, uint32_t rank)
{
	uint32_t n = 0, to = root;

	do {
		s->path[n++] = to;
		to = next_side(vec_at(s, to), rank);
	} while (to && !is_key(to));
	s->steps = n;
	return to;
}

bool sdshape_find(struct sdshape *s, uint32_t root, uint32_t rank)
{
	uint32_t to = descend(s, root, rank);

	s->key = rank;
	s->met = to;
	if (!to)
		s->differ = 0; /* nothing is stored */
	else if (rank_of(to) == rank)
		s->differ = s->bits;
	else
		s->differ = content_prefix_bits(s->set, rank, rank_of(to));
	return to && s->differ == s->bits;
}

/* Where step @i of the last search leads, and by which side. */
static bool goes_right(const struct sdshape *s, uint32_t i)
{
	uint32_t to = i + 1 < s->steps ? s->path[i + 1] : s->met;

	return to && vec_at(s, s->path[i])->right == to;
}

/* The last step that the key sought agrees with. */
static uint32_t last_step(const struct sdshape *s)
{
	uint32_t i = s->steps - 1;

	while (vec_at(s, s->path[i])->bit > s->differ)
		i--;
	return i;
}

/* Vectors on the way from @at, not counted, to the rightmost key below. */
static uint32_t spine(const struct sdshape *s, uint32_t at)
{
	uint32_t n = 0, to = vec_at(s, at)->right;

	for (; !is_key(to); n++)
		to = vec_at(s, to)->right;
	return n;
}

/* A run of 1-edges from step @i: returns the step behind it; @end: out, the
 * search is over. */
static uint32_t run_right(struct sdshape *s, uint32_t i, uint32_t last,
			  struct sd_counts *c, bool *end)
{
	uint32_t first = i, n;

	for (;; i++) {
		const struct sdvec *v = vec_at(s, s->path[i]), *next;

		if (i > first &&
		    (i > last || !goes_right(s, i) || v->bit == s->differ))
			break;
		if (is_key(v->right)) {
			/* the rightmost key of all that was visited */
			if (i > first) {
				c->pages++;
				c->rep_visits += i - first - 1;
			}
			c->pages++;
			c->cmp_bits += (s->differ < s->bits ? s->differ + 1
							    : s->bits) -
				       v->bit;
			*end = true;
			return i;
		}
		next = vec_at(s, v->right);
		c->visits++;
		c->cmp_bits +=
			(next->bit <= s->differ ? next->bit : s->differ + 1) -
			v->bit;
		if (next->bit > s->differ) {
			c->pages++;
			c->rep_visits += i - first + spine(s, v->right);
			*end = true;
			return i;
		}
	}
	/* Held until here, and looked for once more before it is let go. */
	n = spine(s, s->path[i]);
	c->pages++;
	c->rep_visits += i - first - 1 + 2 * n;
	return i;
}

/* A run of 0-edges from step @i, likewise. */
static uint32_t run_down(struct sdshape *s, uint32_t i, uint32_t last,
			 struct sd_counts *c, bool *end)
{
	uint32_t from = vec_at(s, s->path[i])->bit, f;

	for (; i <= last; i++) {
		const struct sdvec *v = vec_at(s, s->path[i]);

		if (v->bit == s->bits ||
		    (goes_right(s, i) && v->bit != s->differ))
			break; /* the key has its 1 here, or no more */
		if (!v->down) {
			f = sdshape_first_one(s, s->key, v->bit);
			goto over;
		}
		c->visits++;
	}
	if (i > last) {
		f = s->differ; /* what was visited last lies behind it */
		goto over;
	}
	f = vec_at(s, s->path[i])->bit;
	c->scan_bits += f - from + (f < s->bits);
	*end = f == s->bits;
	return i;
over:
	c->scan_bits += f - from + (f < s->bits);
	*end = true;
	return i;
}

void sdshape_cost(struct sdshape *s, struct sd_counts *c)
{
	uint32_t last = last_step(s), i = 0;
	const struct sdvec *v = vec_at(s, s->path[last]);
	bool end = false;

	c->searches++;
	c->visits++;
	/* The root alone may lack its right side. */
	if (v->bit == s->differ && !v->right &&
	    sdshape_first_one(s, s->key, 0) == 0)
		return;
	while (!end) {
		v = vec_at(s, s->path[i]);
		if (goes_right(s, i) && v->bit != s->differ)
			i = run_right(s, i, last, c, &end);
		else
			i = run_down(s, i, last, c, &end);
	}
}
