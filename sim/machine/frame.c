/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>

#include "sim/base/bits.h"
#include "sim/base/mem.h"
#include "sim/base/units.h"
#include "sim/machine/frame.h"

void frame_map_init(struct frame_map *f)
{
	*f = (struct frame_map){0};
}

void frame_map_fini(struct frame_map *f)
{
	for (unsigned l = 0; l < FRAME_LEVELS; l++)
		mem_release(f->level[l].free, f->level[l].cap,
			    sizeof(uint64_t));
	frame_map_init(f);
}

/* Mark @frame free on every level: stops where the bit above is set already. */
static void mark_free(struct frame_map *f, uint64_t i)
{
	for (unsigned l = 0; l < FRAME_LEVELS; l++, i /= 64) {
		uint64_t old = f->level[l].free[i / 64];

		f->level[l].free[i / 64] = old | UINT64_C(1) << (i % 64);
		if (old)
			return;
	}
}

static void mark_used(struct frame_map *f, uint64_t i)
{
	for (unsigned l = 0; l < FRAME_LEVELS; l++, i /= 64) {
		uint64_t *w = &f->level[l].free[i / 64];

		*w &= ~(UINT64_C(1) << (i % 64));
		if (*w)
			return;
	}
}

/* Make the maps cover frames [0, @n); those that are new to them are free. */
static int cover(struct frame_map *f, uint64_t n)
{
	uint64_t bits = n;

	if (n > UINT32_MAX)
		return -ENOMEM;
	for (unsigned l = 0; l < FRAME_LEVELS; l++) {
		struct frame_level *lv = &f->level[l];

		bits = (bits + 63) / 64;
		if (mem_reserve(&lv->free, &lv->cap, (size_t)bits,
				sizeof(uint64_t)))
			return -ENOMEM;
	}
	for (uint64_t i = f->known; i < n; i++)
		mark_free(f, i);
	if (f->known < n)
		f->known = (uint32_t)n;
	return 0;
}

static void count(struct frame_map *f, uint32_t n)
{
	f->used += n;
	if (f->peak < f->used)
		f->peak = f->used;
}

int frame_take(struct frame_map *f, uint32_t *frame)
{
	uint64_t i = 0;

	if (f->used == f->known && cover(f, (uint64_t)f->known + HUGE_PAGES))
		return -ENOMEM;
	for (unsigned l = FRAME_LEVELS; l-- > 0;)
		i = i * 64 + ctz64(f->level[l].free[i]);
	mark_used(f, i);
	count(f, 1);
	*frame = (uint32_t)i;
	return 0;
}

static bool all_free(const struct frame_map *f, uint64_t group)
{
	const uint64_t *w = &f->level[0].free[group * (HUGE_PAGES / 64)];

	for (unsigned i = 0; i < HUGE_PAGES / 64; i++)
		if (~w[i])
			return false;
	return true;
}

int frame_take_huge(struct frame_map *f, uint32_t *frame)
{
	uint64_t groups = f->known / HUGE_PAGES, g;

	for (g = f->huge_from; g < groups && !all_free(f, g); g++)
		;
	if (g == groups && cover(f, (g + 1) * HUGE_PAGES))
		return -ENOMEM;
	for (unsigned i = 0; i < HUGE_PAGES; i++)
		mark_used(f, g * HUGE_PAGES + i);
	count(f, HUGE_PAGES);
	f->huge_from = (uint32_t)g + 1;
	*frame = (uint32_t)(g * HUGE_PAGES);
	return 0;
}

void frame_keep(struct frame_map *f, uint32_t frame)
{
	assert(frame < f->known);
	assert(f->level[0].free[frame / 64] >> (frame % 64) & 1);
	mark_used(f, frame);
	count(f, 1);
}

void frame_give(struct frame_map *f, uint32_t frame)
{
	assert(frame < f->known && f->used);
	assert(!(f->level[0].free[frame / 64] >> (frame % 64) & 1));
	mark_free(f, frame);
	f->used--;
	if (f->huge_from > frame / HUGE_PAGES)
		f->huge_from = frame / HUGE_PAGES;
}
