/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <xxhash.h>

#include "sim/base/bits.h"
#include "traces/digest.h"

int trace_digest_init(struct trace_digest *d)
{
	d->n = 0;
	d->pages = XXH3_createState();
	d->events = XXH3_createState();
	if (!d->pages || !d->events) {
		trace_digest_fini(d);
		return -ENOMEM;
	}
	XXH3_128bits_reset(d->pages);
	XXH3_128bits_reset(d->events);
	return 0;
}

void trace_digest_fini(struct trace_digest *d)
{
	XXH3_freeState(d->pages);
	XXH3_freeState(d->events);
	d->pages = d->events = NULL;
}

void trace_digest_page(struct trace_digest *d, const void *page)
{
	XXH3_128bits_update(d->pages, page, PAGE_BYTES);
}

static void flush(struct trace_digest *d)
{
	XXH3_128bits_update(d->events, d->buf, d->n * DIGEST_EVENT_BYTES);
	d->n = 0;
}

/* Three words behind the common ones, whatever the operation. */
static void put_fields(uint8_t *p, const struct event *ev)
{
	if (ev->op == EV_OBJECT) {
		for (int i = 0; i < 3; i++)
			store_le64(p + 8 * i, ev->oid[i]);
	} else if (ev->op >= EV_POOL) {
		store_le32(p, ev->pool);
		store_le32(p + 4, ev->object);
		store_le32(p + 8, ev->index);
		store_le32(p + 12, ev->stored);
		store_le64(p + 16, 0);
	} else {
		store_le64(p, ev->vpn);
		store_le64(p + 8, ev->count);
		store_le64(p + 16, ev->content);
	}
}

void trace_digest_event(struct trace_digest *d, const struct event *tidy)
{
	uint8_t *p = d->buf + d->n * DIGEST_EVENT_BYTES;

	store_le64(p, tidy->time.v);
	store_le32(p + 8, tidy->op | (uint32_t)tidy->flags << 8);
	store_le32(p + 12, tidy->space);
	put_fields(p + 16, tidy);
	if (++d->n == DIGEST_BATCH)
		flush(d);
}

struct digest trace_digest_get(struct trace_digest *d)
{
	XXH128_hash_t part[2];
	uint8_t buf[32];

	flush(d);
	part[0] = XXH3_128bits_digest(d->pages);
	part[1] = XXH3_128bits_digest(d->events);
	for (int i = 0; i < 2; i++) {
		store_le64(buf + 16 * i, part[i].low64);
		store_le64(buf + 16 * i + 8, part[i].high64);
	}
	return hash_digest(buf, sizeof(buf));
}
