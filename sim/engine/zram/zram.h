/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zram.h - every anonymous page as if it were swapped out to zram
 *
 * A still picture: the machine stays as it is, and each frame with anonymous
 * pages has a slot, which is written again when what the frame holds changes.
 *
 *	PTE ──► frame ──► slot ──► object       a fork's pages: one frame, one slot
 *
 * Kernel zero pages have no frame of their own and are never swapped out.  A
 * page that the device refuses stays in memory until it is written the next
 * time.  A worker does now and then what a daemon does through sysfs: mark what
 * is idle, recompress, write back, compact.
 *
 * Files: options, life and passes (zram.c), what happens to pages (follow.c),
 * figures and checks (report.c); the device itself (device.c, passes.c), which
 * knows nothing of all this.
 */
#ifndef DEDUPSIM_ENGINE_ZRAM_ZRAM_H
#define DEDUPSIM_ENGINE_ZRAM_ZRAM_H

#include "sim/engine/engine.h"
#include "sim/engine/zram/device.h"

struct zram_opts {
	uint64_t version, pool, chain, codec, level, mem_limit, disksize;
	uint64_t interval, idle_age, compact;
	uint64_t recomp_codec, recomp_level, recomp_type, recomp_threshold;
	uint64_t writeback, backing;
};

/* Element of zram->slots by slot + 1; only filled slots have one. */
struct page_slot {
	uint32_t content;
};

/* A frame with anonymous pages. */
struct frame {
	uint32_t maps; /* pages that map it */
	uint32_t slot; /* + 1; 0: refused, it stays in memory */
};

struct zram {
	struct engine base;
	struct zram_opts opt;
	struct zram_device dev;
	const struct machine *machine;
	const struct content_set *contents;
	const struct clock *clock;
	const uint16_t *bytes, *recomp_bytes; /* by content */
	uint32_t *frame_of; /* by PTE index: frame + 1 if it has anonymous */
	size_t frame_of_cap;
	struct frame *frame;
	size_t frame_cap;
	struct arena slots;
	uint64_t frames; /* that have a page */
	uint64_t zero;	 /* slots that hold zeros */
	ns_t wake;
	uint64_t passes, changes;
};

static inline struct page_slot *zram_slot_at(const struct zram *z, uint32_t i)
{
	return (struct page_slot *)(void *)arena_at(&z->slots, i);
}

/* zram_in_scope - is this an anonymous page that could be swapped out? */
static inline bool zram_in_scope(const struct pte *p)
{
	return (p->flags & (PTE_PRESENT | PTE_ANON)) ==
		       (PTE_PRESENT | PTE_ANON) &&
	       pte_owner(p) != OWNER_ZERO;
}

static inline uint32_t zram_frame_of(const struct machine *m,
				     const struct pte *p)
{
	return pte_owner(p) == OWNER_SHARED ? machine_share(m, p->ref)->frame
					    : p->ref;
}

/* zram_bytes_of - as for zram_write(); @bytes: by content */
static inline uint32_t zram_bytes_of(const struct zram *z,
				     const uint16_t *bytes, uint32_t content)
{
	uint64_t word;

	return content_is_same(z->contents, content, &word) ? 0
							    : bytes[content];
}

/* zram_disk_pages - how many pages fit, whatever the limit */
static inline uint64_t zram_disk_pages(const struct zram *z)
{
	return z->opt.disksize ? z->opt.disksize / PAGE_BYTES : UINT32_MAX;
}

int zram_notice(struct engine *e, const struct effect *fx, struct meter *m);
void zram_report_engine(const struct engine *e, struct rows *out);
int zram_check(const struct engine *e, FILE *why);

#endif
