/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/prng.h"
#include "tests/support/poolmap.h"

#define FRAMES (1u << 16) /* in the table, at most half of it in use */

void poolmap_init(struct poolmap *m)
{
	*m = (struct poolmap){0};
	m->frame = calloc(FRAMES, sizeof(*m->frame));
	ck_assert_ptr_nonnull(m->frame);
}

void poolmap_fini(struct poolmap *m)
{
	for (size_t i = 0; i < FRAMES; i++)
		free(m->frame[i].owner);
	free(m->frame);
	mem_release(m->at, m->handles, sizeof(*m->at));
}

/* Entries are never removed, only emptied, so a chain has no holes. */
static struct poolmap_frame *find(const struct poolmap *m, uint64_t name)
{
	size_t i = splitmix64(name) % FRAMES, n = 0;

	while (m->frame[i].owner && m->frame[i].name != name) {
		i = (i + 1) % FRAMES;
		if (++n > FRAMES / 2)
			ck_abort_msg("too many frames for the map");
	}
	return &m->frame[i];
}

/* Bytes that are @from's become @to's. */
static void mark(struct poolmap *m, const struct pool_place *at, uint32_t from,
		 uint32_t to)
{
	for (unsigned k = 0; k < at->parts; k++) {
		struct poolmap_frame *f = find(m, at->part[k].frame);
		uint32_t i = at->part[k].offset, bytes = at->part[k].bytes;

		ck_assert_uint_le(i + bytes, PAGE_BYTES);
		if (!f->owner) {
			f->owner = calloc(PAGE_BYTES, sizeof(*f->owner));
			ck_assert_ptr_nonnull(f->owner);
			f->name = at->part[k].frame;
		}
		for (uint32_t n = 0; n < bytes; n++, i++) {
			if (f->owner[i] != from)
				ck_abort_msg("frame %" PRIu64 " byte %" PRIu32
					     " belongs to %" PRIu32
					     ", not to %" PRIu32,
					     f->name, i, f->owner[i], from);
			f->owner[i] = to;
		}
		m->used -= f->bytes != 0;
		f->bytes += to ? bytes : -bytes;
		m->used += f->bytes != 0;
	}
}

void poolmap_add(struct poolmap *m, const struct pool *p, uint32_t handle)
{
	ck_assert_int_eq(mem_reserve(&m->at, &m->handles, (size_t)handle + 1,
				     sizeof(*m->at)),
			 0);
	ck_assert_uint_eq(m->at[handle].parts, 0);
	pool_where(p, handle, &m->at[handle]);
	mark(m, &m->at[handle], 0, handle);
	ck_assert_uint_le(m->used, p->pages);
}

void poolmap_remove(struct poolmap *m, uint32_t handle)
{
	ck_assert_uint_gt(m->at[handle].parts, 0);
	mark(m, &m->at[handle], handle, 0);
	m->at[handle].parts = 0;
}

static bool same_place(const struct pool_place *a, const struct pool_place *b)
{
	bool same = a->parts == b->parts;

	for (unsigned i = 0; same && i < a->parts; i++)
		same = a->part[i].frame == b->part[i].frame &&
		       a->part[i].offset == b->part[i].offset &&
		       a->part[i].bytes == b->part[i].bytes;
	return same;
}

static bool is_there(const struct poolmap *m, const struct pool *p,
		     uint32_t handle)
{
	struct pool_place now = {0};

	if (pool_bytes(p, handle))
		pool_where(p, handle, &now);
	return same_place(&now, &m->at[handle]);
}

void poolmap_follow(struct poolmap *m, const struct pool *p)
{
	for (uint32_t h = 1; h < m->handles; h++)
		if (m->at[h].parts && !is_there(m, p, h))
			poolmap_remove(m, h);
	for (uint32_t h = 0; (h = pool_next(p, h));)
		if (h >= m->handles || !m->at[h].parts)
			poolmap_add(m, p, h);
}

void poolmap_verify(const struct poolmap *m, const struct pool *p)
{
	uint64_t marked = 0;

	for (uint32_t h = 1; h < m->handles || h <= p->objects.used; h++) {
		if (h >= m->handles ? pool_bytes(p, h) : !is_there(m, p, h))
			ck_abort_msg("object %" PRIu32 " is elsewhere", h);
		if (h >= m->handles)
			continue;
		for (unsigned k = 0; k < m->at[h].parts; k++) {
			const uint32_t *o =
				find(m, m->at[h].part[k].frame)->owner +
				m->at[h].part[k].offset;

			for (uint32_t b = 0; b < m->at[h].part[k].bytes; b++)
				marked += o[b] == h;
		}
	}
	ck_assert_uint_eq(marked, p->asked_bytes);
	ck_assert_uint_le(m->used, p->pages);
}
