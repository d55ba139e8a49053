/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pagecache.h - which pages of files a guest has in memory, and which goes next
 *
 *	one list      least recently used first
 *	two lists     inactive: first in, first out; a second touch while there
 *	              moves a page to the active list; when that is the longer of
 *	              the two, its oldest pages go back to the inactive one
 *
 * Two lists are the kernel's idea without its details: no referenced bits of
 * page tables, no shadow entries, no batches.  Pages are numbers below the one
 * given at the start; a page that was never there takes no memory of ours.
 */
#ifndef DEDUPSIM_WORKLOADS_PAGECACHE_H
#define DEDUPSIM_WORKLOADS_PAGECACHE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PAGE_NONE UINT32_MAX

struct pagecache_entry {
	uint32_t prev, next;
	uint32_t flags;
	uint32_t dirty_ms; /* when it was written, if it is dirty */
};

struct pagecache {
	struct pagecache_entry *e; /* by page, then the head of each list */
	uint32_t pages;
	uint32_t n, active; /* cached; of these, on the active list */
	bool two_lists;
};

/* pagecache_init - returns 0 or -ENOMEM */
int pagecache_init(struct pagecache *c, uint32_t pages, bool two_lists);
void pagecache_fini(struct pagecache *c);
void pagecache_clear(struct pagecache *c);
bool pagecache_has(const struct pagecache *c, uint32_t page);
void pagecache_add(struct pagecache *c, uint32_t page);	  /* not there yet */
void pagecache_touch(struct pagecache *c, uint32_t page); /* there */
void pagecache_drop(struct pagecache *c, uint32_t page);  /* there */
/* pagecache_victim - the page to give up next, still there; PAGE_NONE: empty */
uint32_t pagecache_victim(struct pagecache *c);
/* Written at @ms, and clean again once it was written back. */
void pagecache_dirty(struct pagecache *c, uint32_t page, uint32_t ms);
bool pagecache_is_dirty(const struct pagecache *c, uint32_t page, uint32_t ms,
			uint32_t expire_ms);
int pagecache_check(const struct pagecache *c, FILE *why);

#endif
