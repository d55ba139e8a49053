/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * follow.c - what happens to pages happens to their slots
 */
#include <errno.h>

#include "sim/engine/zram/zram.h"

/* The first page that maps this frame, or one that was refused before. */
static int fill(struct zram *z, struct frame *f, uint32_t content,
		struct meter *m)
{
	uint32_t slot;
	int ret;

	if (z->slots.count >= zram_disk_pages(z))
		return 0;
	ret = arena_new(&z->slots, &slot);
	if (ret)
		return ret;
	ret = zram_write(&z->dev, slot - 1, zram_bytes_of(z, z->bytes, content),
			 m);
	if (ret) {
		arena_drop(&z->slots, slot);
		return ret == -EIO ? 0 : ret;
	}
	zram_slot_at(z, slot)->content = content;
	z->zero += !content;
	f->slot = slot;
	return 0;
}

static void empty(struct zram *z, struct frame *f, struct meter *m)
{
	if (!f->slot)
		return;
	z->zero -= !zram_slot_at(z, f->slot)->content;
	zram_discard(&z->dev, f->slot - 1, m);
	arena_drop(&z->slots, f->slot);
	f->slot = 0;
}

/*
 * What the frame holds has changed: it was read for that, and is written anew.
 * When the device refuses, what it keeps is out of date, and swap lets it go.
 */
static int rewrite(struct zram *z, struct frame *f, uint32_t content,
		   struct meter *m)
{
	struct page_slot *s = zram_slot_at(z, f->slot);
	int ret;

	if (s->content == content)
		return 0;
	zram_read(&z->dev, f->slot - 1, m);
	ret = zram_write(&z->dev, f->slot - 1,
			 zram_bytes_of(z, z->bytes, content), m);
	if (ret == -EIO) {
		empty(z, f, m);
		return 0;
	}
	if (ret)
		return ret;
	z->zero -= !s->content;
	z->zero += !content;
	s->content = content;
	return 0;
}

static int hold(struct zram *z, struct frame *f, const struct effect *fx,
		struct meter *m)
{
	if (f->slot)
		return rewrite(z, f, fx->content, m);
	if (f->maps && !(fx->flags & FXF_CONTENT))
		return 0;
	return fill(z, f, fx->content, m);
}

static int page(struct zram *z, const struct effect *fx, struct meter *m)
{
	const struct pte *p = &z->machine->pte[fx->pte];
	uint32_t now = zram_in_scope(p) ? zram_frame_of(z->machine, p) + 1 : 0;
	uint32_t was;
	struct frame *f;
	int ret;

	if (mem_reserve(&z->frame_of, &z->frame_of_cap, (size_t)fx->pte + 1,
			sizeof(*z->frame_of)) ||
	    mem_reserve(&z->frame, &z->frame_cap, (size_t)now + 1,
			sizeof(*z->frame)))
		return -ENOMEM;
	was = z->frame_of[fx->pte];
	if (was && was != now) {
		f = &z->frame[was - 1];
		z->frame_of[fx->pte] = was = 0;
		if (--f->maps == 0) {
			z->frames--;
			empty(z, f, m);
		}
	}
	if (!now)
		return 0;
	f = &z->frame[now - 1];
	ret = hold(z, f, fx, m);
	if (ret)
		return ret;
	z->frames += f->maps == 0;
	f->maps += !was;
	z->frame_of[fx->pte] = now;
	return 0;
}

int zram_notice(struct engine *e, const struct effect *fx, struct meter *m)
{
	struct zram *z = (struct zram *)e;

	if (fx->kind != FX_PAGE || !fx->pte)
		return 0;
	z->dev.now = z->clock->now;
	return page(z, fx, m);
}
