/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "sim/engine/pageone/sdshape_impl.h"

/* An insert makes two at most: the one that parts, and one for a 0-edge. */
struct pieces {
	uint32_t part, zero;
};

static struct sdvec *vec_set(struct sdshape *s, uint32_t i, uint32_t bit,
			     uint32_t right)
{
	struct sdvec *v = vec_at(s, i);

	*v = (struct sdvec){.right = right, .bit = bit};
	return v;
}

static int take(struct sdshape *s, struct pieces *p, bool part, bool zero)
{
	if (part && arena_new(&s->vecs, &p->part))
		return -ENOMEM;
	if (!zero || !arena_new(&s->vecs, &p->zero))
		return 0;
	if (part)
		arena_drop(&s->vecs, p->part);
	return -ENOMEM;
}

/* The key becomes the other side of a vector that is there. */
static int fill_side(struct sdshape *s, uint32_t at, struct pieces *p)
{
	uint32_t split = 0, one = 0, f = 0;

	if (s->met) {
		split = content_split(s->set, s->key, rank_of(s->met));
		one = s->key >= split;
	} else {
		one = sdshape_first_one(s, s->key, 0) == 0;
	}
	if (!one) {
		f = sdshape_first_one(s, s->key, vec_at(s, at)->bit + 1);
		if (take(s, p, false, true))
			return -ENOMEM;
		vec_set(s, p->zero, f, KEY | s->key);
		vec_at(s, at)->down = p->zero;
	} else {
		vec_at(s, at)->right = KEY | s->key;
	}
	vec_at(s, at)->split = split;
	return 0;
}

/* The key leaves the 0-edge below @at with a 1. */
static int part_down(struct sdshape *s, uint32_t at, struct pieces *p)
{
	struct sdvec *x;

	if (take(s, p, true, false))
		return -ENOMEM;
	x = vec_set(s, p->part, s->differ, KEY | s->key);
	x->down = vec_at(s, at)->down;
	x->split = content_split(s->set, s->key, rank_of(s->met));
	vec_at(s, at)->down = p->part;
	return 0;
}

/* The key leaves the 1-edge right of @at; those behind it agree there. */
static int part_right(struct sdshape *s, uint32_t at, struct pieces *p)
{
	uint32_t to = vec_at(s, at)->right, group = rank_of(s->met);
	uint32_t split = content_split(s->set, s->key, group);
	bool one = s->key >= split, zero = true;
	uint32_t f = sdshape_first_one(s, one ? group : s->key, s->differ + 1);
	struct sdvec *x;

	/* What they skip may be zeros up to where they part. */
	if (one && !is_key(to))
		zero = f < vec_at(s, to)->bit;
	if (take(s, p, true, zero))
		return -ENOMEM;
	if (zero)
		vec_set(s, p->zero, f, one ? to : KEY | s->key);
	x = vec_set(s, p->part, s->differ, one ? KEY | s->key : to);
	x->down = zero ? p->zero : to;
	x->split = split;
	vec_at(s, at)->right = p->part;
	return 0;
}

int sdshape_insert(struct sdshape *s, struct sd_counts *c, uint32_t *word)
{
	uint32_t i = s->steps - 1, at, to;
	struct pieces p = {0, 0};
	int ret;

	assert(s->differ < s->bits);
	while (vec_at(s, s->path[i])->bit > s->differ)
		i--;
	at = s->path[i];
	to = i + 1 < s->steps ? s->path[i + 1] : s->met;
	if (vec_at(s, at)->bit == s->differ)
		ret = fill_side(s, at, &p);
	else if (vec_at(s, at)->right == to)
		ret = part_right(s, at, &p);
	else
		ret = part_down(s, at, &p);
	if (ret)
		return ret;
	*word = at;
	c->cas++;
	c->vec_new += (p.part ? 1u : 0u) + (p.zero ? 1u : 0u);
	c->hdr_new++;
	return 0;
}

/* ---- remove ---- */

static void drop(struct sdshape *s, uint32_t i, struct sd_counts *c)
{
	arena_drop(&s->vecs, i);
	c->vec_free++;
	c->cas += 2; /* made invalid, then skipped by whoever leads to it */
}

/* Step @i has only its right side left and is reached from the left: whatever
 * it leads to takes its place. */
static void skip(struct sdshape *s, uint32_t i, struct sd_counts *c)
{
	uint32_t at = s->path[i];

	vec_at(s, s->path[i - 1])->right = vec_at(s, at)->right;
	drop(s, at, c);
}

void sdshape_remove(struct sdshape *s, struct sd_counts *c, uint32_t *word)
{
	uint32_t i = s->steps - 1, at = s->path[i], down, up;
	struct sdvec *v = vec_at(s, at), *u;
	uint64_t cas = c->cas;

	assert(v->right == (KEY | s->key));
	*word = at;
	c->hdr_free++;
	v->right = 0;
	if (i) {
		down = v->down;
		up = s->path[i - 1];
		u = vec_at(s, up);
		if (u->down == at) {
			u->down = down;
			/* it may be left with its right side alone */
			if (!down && i > 1 &&
			    vec_at(s, s->path[i - 2])->right == up)
				skip(s, i - 1, c);
		} else if (vec_at(s, down)->down) {
			u->right = down;
		} else {
			u->right = vec_at(s, down)->right;
			drop(s, down, c);
		}
		drop(s, at, c);
	}
	if (c->cas == cas)
		c->cas++; /* the root stays, emptied on that side */
	c->cas++;	  /* the count */
}
