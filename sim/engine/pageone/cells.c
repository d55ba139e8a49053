/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sim/base/os.h"
#include "sim/engine/pageone/cells.h"

#define FRESH 64u /* cells that a thread takes at a time */

int sd_cells_init(struct sd_cells *c, uint64_t max)
{
	*c = (struct sd_cells){.used = 1};
	c->max = max < SD_CELLS_MAX ? (uint32_t)max : SD_CELLS_MAX;
	c->base = os_map((size_t)c->max * SD_CELL_BYTES);
	return c->base ? 0 : -ENOMEM;
}

static void free_bags(struct sd_bag *b)
{
	while (b) {
		struct sd_bag *next = b->next;

		free(b);
		b = next;
	}
}

void sd_cells_fini(struct sd_cells *c)
{
	free_bags(atomic_load(&c->ready));
	if (c->base)
		os_unmap(c->base, (size_t)c->max * SD_CELL_BYTES);
	*c = (struct sd_cells){0};
}

static struct sd_bag *pop(struct sd_bag **list)
{
	struct sd_bag *b = *list;

	if (b)
		*list = b->next;
	return b;
}

static void push(struct sd_bag **list, struct sd_bag *b)
{
	b->next = *list;
	*list = b;
}

static void push_ready(struct sd_cells *c, struct sd_bag *b)
{
	b->next = atomic_load_explicit(&c->ready, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&c->ready, &b->next, b,
						      memory_order_release,
						      memory_order_relaxed))
		;
}

/* The bag's cells can be read by nobody any more. */
static void bag_over(struct sd_waiting *w)
{
	struct sd_bag *b = (struct sd_bag *)(void *)w;
	struct sd_cells *c = b->owner;

	for (uint32_t i = 0; i < b->count; i++)
		if (c->gone)
			c->gone(c, b->word[i]);
	push_ready(c, b);
}

static struct sd_bag *bag_new(struct sd_cells *c)
{
	struct sd_bag *b = malloc(sizeof(*b));

	if (b) {
		b->waiting.done = bag_over;
		b->owner = c;
		b->count = 0;
	}
	return b;
}

/* Some cells that were never used; nothing when there are no more. */
static void take_fresh(struct sd_cells *c, struct sd_stock *s)
{
	uint32_t at = atomic_load_explicit(&c->used, memory_order_relaxed);
	uint32_t n;

	do {
		n = c->max - at < FRESH ? c->max - at : FRESH;
	} while (n && !atomic_compare_exchange_weak_explicit(
			      &c->used, &at, at + n, memory_order_relaxed,
			      memory_order_relaxed));
	s->fresh = at;
	s->end = at + n;
}

static uint32_t take(struct sd_cells *c, struct sd_stock *s)
{
	struct sd_bag *b;
	uint32_t cell;

	if (!s->from)
		s->from = atomic_exchange_explicit(&c->ready, NULL,
						   memory_order_acquire);
	b = s->from;
	if (b) {
		cell = b->word[--b->count] >> SD_CELL_SHIFT;
		if (!b->count)
			push(&s->empty, pop(&s->from));
		return cell;
	}
	if (s->fresh == s->end)
		take_fresh(c, s);
	return s->fresh < s->end ? s->fresh++ : 0;
}

int sd_stock_fill(struct sd_cells *c, struct sd_stock *s, bool cells)
{
	for (unsigned i = 0; cells && i < 2; i++)
		if (!s->pair[i] && !(s->pair[i] = take(c, s)))
			return -ENOMEM;
	while (!s->into || !s->empty) {
		struct sd_bag *b = s->empty ? pop(&s->empty) : bag_new(c);

		if (!b)
			return -ENOMEM;
		push(s->into ? &s->empty : &s->into, b);
	}
	return 0;
}

void sd_stock_put(struct sd_cells *c, struct sd_stock *s, uint32_t word)
{
	struct sd_bag *b = s->into;

	if (b->count == SD_BAG_CELLS) {
		b = s->empty ? pop(&s->empty) : bag_new(c);
		if (!b) {
			s->lost++;
			return;
		}
		b->next = s->into;
		s->into = b;
	}
	b->word[b->count++] = word;
}

void sd_stock_hand(struct sd_cells *c, struct sd_stock *s, struct sd_reclaim *r,
		   unsigned thread, bool all)
{
	struct sd_bag *b, *keep = NULL;

	(void)c;
	while ((b = s->into)) {
		s->into = b->next;
		if (b->count == SD_BAG_CELLS || (all && b->count))
			r->ops->after(r, thread, &b->waiting);
		else
			push(&keep, b);
	}
	s->into = keep;
}

void sd_stock_return(struct sd_cells *c, struct sd_stock *s)
{
	struct sd_bag *b;

	while ((b = pop(&s->from)))
		push_ready(c, b);
	/* Cells in hand go along in an empty bag, if there is one. */
	b = s->into ? s->into : pop(&s->empty);
	if (b) {
		assert(!b->count);
		for (unsigned i = 0; i < 2; i++)
			if (s->pair[i])
				b->word[b->count++] = s->pair[i]
						      << SD_CELL_SHIFT;
		while (s->fresh < s->end)
			b->word[b->count++] = s->fresh++ << SD_CELL_SHIFT;
		if (b->count)
			push_ready(c, b);
		else
			push(&s->empty, b);
	}
	free_bags(s->empty);
	*s = (struct sd_stock){.lost = s->lost};
}
