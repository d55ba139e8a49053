/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mem.h - arrays that grow, and arenas indexed by 32-bit numbers
 *
 * Everything is addressed by index, because growing may move the array: a
 * pointer from an earlier call is stale after the next reserve.  New elements
 * are zero.  Large arrays are grown by remapping, without copying and without
 * touching pages that nobody used yet, so peak memory is what is in use.
 */
#ifndef DEDUPSIM_BASE_MEM_H
#define DEDUPSIM_BASE_MEM_H

#include <stddef.h>
#include <stdint.h>

/* mem_zalloc - @n zeroed elements; NULL when out of memory or n*size overflows */
void *mem_zalloc(size_t n, size_t size);

/*
 * mem_reserve - make room for at least @need elements
 * @pp:   address of the array pointer (NULL array: empty)
 * @cap:  in and out: elements there is room for
 *
 * Grows by half, at least to @need; never shrinks; new elements are zero.
 * Returns 0, or -ENOMEM with the array unchanged.
 */
int mem_reserve(void *pp, size_t *cap, size_t need, size_t size);

/* mem_release - free what mem_reserve() made; NULL is fine */
void mem_release(void *p, size_t cap, size_t size);

/*
 * struct arena - equal-sized things by index; index 0 is never handed out and
 * stands for "none".  Freed indices are used again, last freed first.
 */
struct arena {
	unsigned char *base;
	size_t cap;	/* elements there is room for */
	uint32_t size;	/* bytes per element, at least 4 */
	uint32_t used;	/* highest index ever handed out */
	uint32_t free;	/* first free index, chained through the elements */
	uint32_t count; /* elements in use */
};

void arena_init(struct arena *a, size_t size);
void arena_fini(struct arena *a);

/* arena_new - a zeroed element; returns 0, or -ENOMEM with @a unchanged */
int arena_new(struct arena *a, uint32_t *index);
void arena_drop(struct arena *a, uint32_t index);

static inline void *arena_at(const struct arena *a, uint32_t index)
{
	return a->base + (size_t)index * a->size;
}

#endif
