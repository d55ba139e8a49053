/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "workloads/pagecache.h"

enum { CACHED = 1, ACTIVE = 2, TOUCHED = 4, DIRTY = 8 };

static uint32_t inactive_head(const struct pagecache *c)
{
	return c->pages;
}

static uint32_t active_head(const struct pagecache *c)
{
	return c->pages + 1;
}

static void empty(struct pagecache *c, uint32_t head)
{
	c->e[head] = (struct pagecache_entry){.prev = head, .next = head};
}

int pagecache_init(struct pagecache *c, uint32_t pages, bool two_lists)
{
	*c = (struct pagecache){.pages = pages, .two_lists = two_lists};
	c->e = mem_zalloc((size_t)pages + 2, sizeof(*c->e));
	if (!c->e)
		return -ENOMEM;
	empty(c, inactive_head(c));
	empty(c, active_head(c));
	return 0;
}

void pagecache_fini(struct pagecache *c)
{
	free(c->e);
	*c = (struct pagecache){0};
}

static void unlink_page(struct pagecache *c, uint32_t page)
{
	struct pagecache_entry *e = &c->e[page];

	c->e[e->prev].next = e->next;
	c->e[e->next].prev = e->prev;
}

/* The newest of a list is behind its head. */
static void link_page(struct pagecache *c, uint32_t head, uint32_t page)
{
	uint32_t next = c->e[head].next;

	c->e[page].prev = head;
	c->e[page].next = next;
	c->e[next].prev = page;
	c->e[head].next = page;
}

bool pagecache_has(const struct pagecache *c, uint32_t page)
{
	return c->e[page].flags & CACHED;
}

void pagecache_add(struct pagecache *c, uint32_t page)
{
	assert(page < c->pages && !pagecache_has(c, page));
	c->e[page].flags = CACHED;
	link_page(c, inactive_head(c), page);
	c->n++;
}

void pagecache_touch(struct pagecache *c, uint32_t page)
{
	struct pagecache_entry *e = &c->e[page];

	assert(page < c->pages && pagecache_has(c, page));
	if (!c->two_lists) {
		unlink_page(c, page);
		link_page(c, inactive_head(c), page);
	} else if (!(e->flags & ACTIVE) && e->flags & TOUCHED) {
		unlink_page(c, page);
		link_page(c, active_head(c), page);
		e->flags = (e->flags | ACTIVE) & ~(uint32_t)TOUCHED;
		c->active++;
	} else {
		e->flags |= TOUCHED;
	}
}

void pagecache_drop(struct pagecache *c, uint32_t page)
{
	assert(page < c->pages && pagecache_has(c, page));
	unlink_page(c, page);
	c->active -= (c->e[page].flags & ACTIVE) != 0;
	c->n--;
	c->e[page].flags = 0;
}

void pagecache_clear(struct pagecache *c)
{
	while (c->n)
		pagecache_drop(c, pagecache_victim(c));
}

uint32_t pagecache_victim(struct pagecache *c)
{
	while (c->active > c->n - c->active) {
		uint32_t page = c->e[active_head(c)].prev;

		unlink_page(c, page);
		link_page(c, inactive_head(c), page);
		c->e[page].flags &= ~(uint32_t)(ACTIVE | TOUCHED);
		c->active--;
	}
	return c->n ? c->e[inactive_head(c)].prev : PAGE_NONE;
}

void pagecache_dirty(struct pagecache *c, uint32_t page, uint32_t ms)
{
	struct pagecache_entry *e = &c->e[page];

	assert(page < c->pages && pagecache_has(c, page));
	e->flags |= DIRTY;
	e->dirty_ms = ms;
}

bool pagecache_is_dirty(const struct pagecache *c, uint32_t page, uint32_t ms,
			uint32_t expire_ms)
{
	const struct pagecache_entry *e = &c->e[page];

	return e->flags & DIRTY && ms - e->dirty_ms < expire_ms;
}

static int check_list(const struct pagecache *c, uint32_t head, uint32_t want,
		      uint32_t active, FILE *why)
{
	uint32_t n = 0, at = head;

	do {
		uint32_t next = c->e[at].next;

		if (next > c->pages + 1 || c->e[next].prev != at)
			return err_why(why, "page cache", "page %u: links",
				       (unsigned)at);
		at = next;
		if (at != head &&
		    (c->e[at].flags & (CACHED | ACTIVE)) != (CACHED | active))
			return err_why(why, "page cache", "page %u: flags",
				       (unsigned)at);
		n += at != head;
	} while (at != head && n <= want);
	return n == want ? 0
			 : err_why(why, "page cache",
				   "%u pages on a list, not %u", (unsigned)n,
				   (unsigned)want);
}

int pagecache_check(const struct pagecache *c, FILE *why)
{
	int ret = check_list(c, active_head(c), c->active, ACTIVE, why);

	return ret ? ret
		   : check_list(c, inactive_head(c), c->n - c->active, 0, why);
}
