/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * passes.c - recompression and write-back: many slots, longest objects first
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/engine/zram/device.h"
#include "sim/pool/zsmalloc.h"

#define BUCKET_BYTES 64u
#define BUCKETS (PAGE_BYTES / BUCKET_BYTES + 1)

/* Slots by length, the highest first in each bucket; slot + 1, 0: none. */
struct targets {
	uint32_t head[BUCKETS];
	uint32_t *next; /* by slot */
};

static bool wanted(const struct zram_slot *s, enum zram_mode mode)
{
	uint8_t must = ZRAM_FILLED;

	if (mode == ZRAM_MODE_IDLE || mode == ZRAM_MODE_HUGE_IDLE)
		must |= ZRAM_IDLE;
	if (mode == ZRAM_MODE_HUGE || mode == ZRAM_MODE_HUGE_IDLE)
		must |= ZRAM_HUGE;
	if (mode == ZRAM_MODE_INCOMPRESSIBLE)
		must |= ZRAM_INCOMPRESSIBLE;
	return mode != ZRAM_MODE_NONE && (s->flags & must) == must &&
	       !(s->flags & (ZRAM_SAME | ZRAM_WRITTEN));
}

/* @unfit: flags that no target has; @codec: nor was it made by this one */
static int find(const struct zram_device *d, enum zram_mode mode, uint8_t unfit,
		uint8_t codec, struct targets *t)
{
	*t = (struct targets){
		.next = mem_zalloc((size_t)d->slots + 1, sizeof(*t->next))};
	if (!t->next)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->slots; i++) {
		const struct zram_slot *s = &d->slot[i];
		uint32_t *head = &t->head[s->bytes / BUCKET_BYTES];

		if (!wanted(s, mode) || s->flags & unfit || s->codec >= codec)
			continue;
		t->next[i] = *head;
		*head = i + 1;
	}
	return 0;
}

/* What the kernel compares: which class would an object of this length have? */
static uint32_t class_of(const struct zram_device *d, uint32_t bytes)
{
	const struct pool *p = d->pool;

	if (p->ops != &pool_zsmalloc)
		return bytes;
	return zs_class_at((const struct zsmalloc *)p, bytes);
}

static int recompress(struct zram_device *d, uint32_t slot,
		      const struct zram_recompress *how, uint64_t *done,
		      struct meter *m)
{
	struct zram_slot *s = &d->slot[slot];
	ns_t touched = s->touched;
	uint32_t bytes, handle;
	int ret;

	if (s->bytes < how->threshold)
		return 0;
	/* Looked at, so no longer idle; but nobody has used it. */
	zram_open(d, s, m);
	meter_add(m, d->pack[1], 1);
	d->stats.idle -= (s->flags & ZRAM_IDLE) != 0;
	s->flags &= (uint8_t)~ZRAM_IDLE;
	bytes = how->length(how->ctx, slot);
	/* Not worth it: no smaller class, or not below what was asked for. */
	if (bytes > PAGE_BYTES || class_of(d, bytes) >= class_of(d, s->bytes) ||
	    (how->threshold && bytes >= how->threshold)) {
		s->flags |= ZRAM_INCOMPRESSIBLE;
		d->stats.incompressible++;
		return 0;
	}
	/* Neither mem_limit nor mem_used_max know of it: only writes do. */
	ret = pool_alloc(d->pool, bytes, &handle, m, NULL);
	if (ret)
		return ret == -ENOSPC ? 0 : ret;
	pool_reach(d->pool, handle, POOL_WRITE, m);
	zram_drop(d, slot, m);
	*s = (struct zram_slot){
		.handle = handle,
		.bytes = (uint16_t)bytes,
		.flags = ZRAM_FILLED,
		.codec = 1,
		.touched = touched,
	};
	d->stats.compr_data_size += bytes;
	d->stats.pages_stored++;
	d->stats.recompressed++;
	++*done;
	return 0;
}

int zram_recompress(struct zram_device *d, const struct zram_recompress *how,
		    uint64_t *done, struct meter *m)
{
	struct targets t;
	int ret = find(d, how->mode, ZRAM_INCOMPRESSIBLE, 1, &t);

	*done = 0;
	for (unsigned b = BUCKETS; !ret && b-- > 0;)
		for (uint32_t i = t.head[b]; !ret && i; i = t.next[i - 1])
			ret = recompress(d, i - 1, how, done, m);
	free(t.next);
	return ret;
}

int zram_write_back(struct zram_device *d, enum zram_mode mode, uint64_t *done,
		    struct meter *m)
{
	struct targets t;
	int ret = find(d, mode, 0, UINT8_MAX, &t);

	*done = 0;
	for (unsigned b = BUCKETS; !ret && b-- > 0;)
		for (uint32_t i = t.head[b]; i; i = t.next[i - 1]) {
			struct zram_slot *s = &d->slot[i - 1];
			ns_t touched = s->touched;

			if (d->stats.bd_count >= d->backing_pages)
				break;
			zram_open(d, s, m);
			zram_drop(d, i - 1, m);
			*s = (struct zram_slot){
				.flags = ZRAM_FILLED | ZRAM_WRITTEN,
				.touched = touched,
			};
			d->stats.pages_stored++;
			d->stats.bd_count++;
			d->stats.bd_writes++;
			++*done;
		}
	free(t.next);
	return ret;
}
