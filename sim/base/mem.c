/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/os.h"
#include "sim/base/mem.h"

/* From here on arrays live in mappings of their own. */
#define MAP_FROM (UINT64_C(1) << 20)

void *mem_zalloc(size_t n, size_t size)
{
	return calloc(n ? n : 1, size);
}

static void *grow(void *old, size_t from, size_t to)
{
	unsigned char *p;

	if (from >= MAP_FROM)
		return os_remap(old, from, to);
	if (to < MAP_FROM) {
		p = realloc(old, to);
		if (p)
			memset(p + from, 0, to - from);
		return p;
	}
	p = os_map(to);
	if (p && from) {
		memcpy(p, old, from);
		free(old);
	}
	return p;
}

int mem_reserve(void *pp, size_t *cap, size_t need, size_t size)
{
	size_t n = *cap + *cap / 2;
	void *p;

	if (need <= *cap)
		return 0;
	if (n < need)
		n = need;
	if (n < 16)
		n = 16;
	if (n > SIZE_MAX / 2 / size)
		return -ENOMEM;
	memcpy(&p, pp, sizeof(p));
	p = grow(p, *cap * size, n * size);
	if (!p)
		return -ENOMEM;
	memcpy(pp, &p, sizeof(p));
	*cap = n;
	return 0;
}

void mem_release(void *p, size_t cap, size_t size)
{
	if (cap * size >= MAP_FROM)
		os_unmap(p, cap * size);
	else
		free(p);
}

void arena_init(struct arena *a, size_t size)
{
	assert(size >= sizeof(uint32_t) && size <= UINT32_MAX);
	*a = (struct arena){.size = (uint32_t)size};
}

void arena_fini(struct arena *a)
{
	mem_release(a->base, a->cap, a->size);
	arena_init(a, a->size);
}

int arena_new(struct arena *a, uint32_t *index)
{
	uint32_t i = a->free;

	if (i) {
		memcpy(&a->free, arena_at(a, i), sizeof(a->free));
		memset(arena_at(a, i), 0, a->size);
	} else {
		if (a->used == UINT32_MAX - 1 ||
		    mem_reserve(&a->base, &a->cap, (size_t)a->used + 2, a->size))
			return -ENOMEM;
		i = ++a->used;
	}
	a->count++;
	*index = i;
	return 0;
}

void arena_drop(struct arena *a, uint32_t index)
{
	assert(index && index <= a->used && a->count);
	memcpy(arena_at(a, index), &a->free, sizeof(a->free));
	a->free = index;
	a->count--;
}
