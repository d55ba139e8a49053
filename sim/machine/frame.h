/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.h - which frames are free: lowest first
 *
 * Bitmaps on bitmaps: bit i of a level says that word i of the level below has a
 * free frame.  Taking the lowest free frame is one find-first-set per level.
 */
#ifndef DEDUPSIM_MACHINE_FRAME_H
#define DEDUPSIM_MACHINE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_LEVELS 6u /* 64^6 > 2^32 */

struct frame_level {
	uint64_t *free; /* set bit: free, or free below */
	size_t cap;
	size_t words;
};

struct frame_map {
	struct frame_level level[FRAME_LEVELS];
	uint32_t
		known; /* frames [0, known) are in the maps; all above are free */
	uint32_t used, peak;
	uint32_t huge_from; /* no wholly free group below this one */
};

void frame_map_init(struct frame_map *f);
void frame_map_fini(struct frame_map *f);
/* frame_take - the lowest free frame; 0, or -ENOMEM */
int frame_take(struct frame_map *f, uint32_t *frame);
/* frame_take_huge - HUGE_PAGES aligned free frames, the lowest such group */
int frame_take_huge(struct frame_map *f, uint32_t *frame);
/* frame_keep - take this one, which is free and was in use before */
void frame_keep(struct frame_map *f, uint32_t frame);
void frame_give(struct frame_map *f, uint32_t frame);

#endif
