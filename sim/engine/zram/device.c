/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/engine/zram/device.h"

void zram_device_init(struct zram_device *d, struct pool *pool)
{
	*d = (struct zram_device){
		.pool = pool,
		.huge_bytes =
			pool->huge_bytes ? pool->huge_bytes : ZRAM_OLD_HUGE,
		.pack = {OP_COMPRESS, OP_COMPRESS},
		.unpack = {OP_EXPAND, OP_EXPAND},
	};
}

void zram_device_fini(struct zram_device *d)
{
	pool_destroy(d->pool);
	mem_release(d->slot, d->slot_cap, sizeof(*d->slot));
	*d = (struct zram_device){0};
}

/* ---- one slot ---- */

static bool raw_outside(const struct zram_device *d, bool huge)
{
	return huge && d->pool->bytes_max < PAGE_BYTES;
}

static void unstore(struct zram_device *d, uint32_t handle, struct meter *m)
{
	if (handle)
		pool_free(d->pool, handle, m);
	else
		d->raw_pages--;
}

int zram_store(struct zram_device *d, uint32_t bytes, bool huge,
	       uint32_t *handle, struct meter *m)
{
	int ret = 0;

	*handle = 0;
	if (raw_outside(d, huge))
		d->raw_pages++;
	else
		ret = pool_alloc(d->pool, bytes, handle, m, NULL);
	if (ret)
		return ret == -ENOSPC ? -EIO : ret;
	/* The peak remembers what is refused, too. */
	if (zram_used_pages(d) > d->stats.max_used_pages)
		d->stats.max_used_pages = zram_used_pages(d);
	if (d->limit_pages && zram_used_pages(d) > d->limit_pages) {
		unstore(d, *handle, m);
		return -EIO;
	}
	if (*handle)
		pool_reach(d->pool, *handle, POOL_WRITE, m);
	return 0;
}

void zram_drop(struct zram_device *d, uint32_t slot, struct meter *m)
{
	struct zram_slot *s = &d->slot[slot];

	if (!(s->flags & ZRAM_FILLED))
		return;
	if (s->flags & ZRAM_SAME)
		d->stats.same_pages--;
	else if (s->flags & ZRAM_WRITTEN)
		d->stats.bd_count--;
	else
		unstore(d, s->handle, m);
	d->stats.compr_data_size -= s->bytes;
	d->stats.huge_pages -= (s->flags & ZRAM_HUGE) != 0;
	d->stats.idle -= (s->flags & ZRAM_IDLE) != 0;
	d->stats.incompressible -= (s->flags & ZRAM_INCOMPRESSIBLE) != 0;
	d->stats.recompressed -= s->codec > 0;
	d->stats.pages_stored--;
	*s = (struct zram_slot){0};
}

static void touch(struct zram_device *d, struct zram_slot *s)
{
	s->touched = d->now;
	d->stats.idle -= (s->flags & ZRAM_IDLE) != 0;
	s->flags &= (uint8_t)~ZRAM_IDLE;
}

static int write_object(struct zram_device *d, uint32_t slot, uint32_t bytes,
			struct meter *m)
{
	bool huge = bytes >= d->huge_bytes;
	uint32_t handle;
	int ret;

	if (huge)
		bytes = PAGE_BYTES;
	ret = zram_store(d, bytes, huge, &handle, m);
	if (ret) {
		d->stats.failed_writes += ret == -EIO;
		return ret;
	}
	zram_drop(d, slot, m);
	d->slot[slot] = (struct zram_slot){
		.handle = handle,
		.bytes = (uint16_t)bytes,
		.flags = huge ? ZRAM_FILLED | ZRAM_HUGE : ZRAM_FILLED,
	};
	d->stats.compr_data_size += bytes;
	d->stats.huge_pages += huge;
	d->stats.huge_pages_since += huge;
	return 0;
}

int zram_write(struct zram_device *d, uint32_t slot, uint32_t bytes,
	       struct meter *m)
{
	int ret;

	if (mem_reserve(&d->slot, &d->slot_cap, (size_t)slot + 1,
			sizeof(*d->slot)))
		return -ENOMEM;
	if (slot >= d->slots)
		d->slots = slot + 1;
	meter_add(m, OP_FILL_CHECK, 1);
	meter_add(m, bytes ? d->pack[0] : OP_FILL_SAME, 1);
	if (bytes) {
		ret = write_object(d, slot, bytes, m);
		if (ret)
			return ret;
	} else {
		zram_drop(d, slot, m);
		d->slot[slot].flags = ZRAM_FILLED | ZRAM_SAME;
		d->stats.same_pages++;
	}
	d->stats.pages_stored++;
	touch(d, &d->slot[slot]);
	return 0;
}

void zram_open(struct zram_device *d, const struct zram_slot *s,
	       struct meter *m)
{
	if (!s->handle)
		return;
	pool_reach(d->pool, s->handle, POOL_READ, m);
	meter_add(m, s->flags & ZRAM_HUGE ? OP_PAGE_COPY : d->unpack[s->codec],
		  1);
}

void zram_read(struct zram_device *d, uint32_t slot, struct meter *m)
{
	struct zram_slot *s;

	if (slot >= d->slots || !(d->slot[slot].flags & ZRAM_FILLED))
		return;
	s = &d->slot[slot];
	if (s->flags & ZRAM_WRITTEN)
		d->stats.bd_reads++;
	else
		zram_open(d, s, m);
	touch(d, s);
}

void zram_discard(struct zram_device *d, uint32_t slot, struct meter *m)
{
	d->stats.notify_free++;
	if (slot < d->slots)
		zram_drop(d, slot, m);
}

/* ---- the attributes ---- */

uint64_t zram_compact(struct zram_device *d, struct meter *m)
{
	return pool_compact(d->pool, m);
}

void zram_set_limit(struct zram_device *d, uint64_t bytes)
{
	d->limit_pages = bytes / PAGE_BYTES + (bytes % PAGE_BYTES > 0);
}

void zram_reset_max(struct zram_device *d)
{
	d->stats.max_used_pages = zram_used_pages(d);
}

uint64_t zram_mark_idle(struct zram_device *d, ns_t age)
{
	uint64_t marked = 0;

	for (uint32_t i = 0; i < d->slots; i++) {
		struct zram_slot *s = &d->slot[i];

		if (!(s->flags & ZRAM_FILLED) ||
		    s->flags & (ZRAM_SAME | ZRAM_WRITTEN | ZRAM_IDLE) ||
		    ns_before(d->now, ns_add(s->touched, age)))
			continue;
		s->flags |= ZRAM_IDLE;
		marked++;
	}
	d->stats.idle += marked;
	return marked;
}

/* ---- figures ---- */

struct zram_mm_stat zram_mm_stat(const struct zram_device *d)
{
	return (struct zram_mm_stat){
		.orig_data_size = d->stats.pages_stored * PAGE_BYTES,
		.compr_data_size = d->stats.compr_data_size,
		.mem_used_total = zram_used_pages(d) * PAGE_BYTES,
		.mem_limit = d->limit_pages * PAGE_BYTES,
		.mem_used_max = d->stats.max_used_pages * PAGE_BYTES,
		.same_pages = d->stats.same_pages,
		.pages_compacted = d->pool->totals.compacted_pages,
		.huge_pages = d->stats.huge_pages,
		.huge_pages_since = d->stats.huge_pages_since,
	};
}

void zram_report(const struct zram_device *d, struct rows *out)
{
	struct zram_mm_stat mm = zram_mm_stat(d);
	const struct {
		const char *name, *unit;
		uint64_t value;
	} row[] = {
#define X(name, unit) {#name, unit, mm.name},
		ZRAM_MM_STAT(X)
#undef X
			{"bd_count", "pages", d->stats.bd_count},
		{"bd_reads", "pages", d->stats.bd_reads},
		{"bd_writes", "pages", d->stats.bd_writes},
		{"failed_writes", "writes", d->stats.failed_writes},
		{"notify_free", "pages", d->stats.notify_free},
		{"idle", "pages", d->stats.idle},
		{"incompressible", "pages", d->stats.incompressible},
		{"recompressed", "pages", d->stats.recompressed},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		rows_add(out, "zram", row[i].name, row[i].unit,
			 (int64_t)row[i].value);
	pool_report(d->pool, out);
}

uint64_t zram_metadata_bytes(const struct zram_device *d, uint64_t slots)
{
	const struct pool_ops *ops = d->pool->ops;

	return slots * ZRAM_SLOT_BYTES +
	       (ops->metadata_bytes ? ops->metadata_bytes(d->pool) : 0);
}

/* ---- check ---- */

/* A slot into the sums; what is wrong with it, or NULL. */
static const char *check_slot(const struct zram_device *d,
			      const struct zram_slot *s, struct zram_stats *sum,
			      uint64_t *objects)
{
	static const struct zram_slot empty;
	bool raw = !(s->flags & (ZRAM_SAME | ZRAM_WRITTEN));

	if (!(s->flags & ZRAM_FILLED))
		return memcmp(s, &empty, sizeof(empty)) ? "is half empty"
							: NULL;
	sum->pages_stored++;
	sum->same_pages += (s->flags & ZRAM_SAME) != 0;
	sum->bd_count += (s->flags & ZRAM_WRITTEN) != 0;
	sum->huge_pages += (s->flags & ZRAM_HUGE) != 0;
	sum->idle += (s->flags & ZRAM_IDLE) != 0;
	sum->incompressible += (s->flags & ZRAM_INCOMPRESSIBLE) != 0;
	sum->recompressed += s->codec > 0;
	sum->compr_data_size += s->bytes;
	*objects += s->handle > 0;
	if (raw != (s->bytes > 0) || (s->handle && !raw))
		return "has an object it should not have, or lacks one";
	if (s->handle && pool_bytes(d->pool, s->handle) != s->bytes)
		return "has an object of another length";
	if (raw && !s->handle && !raw_outside(d, (s->flags & ZRAM_HUGE) != 0))
		return "is raw and nowhere";
	return NULL;
}

int zram_device_check(const struct zram_device *d, FILE *why)
{
	struct zram_stats sum = d->stats;
	uint64_t objects = 0;
	int ret = pool_check(d->pool, why);

	if (ret)
		return ret;
	sum.pages_stored = sum.same_pages = sum.bd_count = sum.huge_pages = 0;
	sum.idle = sum.incompressible = sum.recompressed = 0;
	sum.compr_data_size = 0;
	for (uint32_t i = 0; i < d->slots; i++) {
		const char *bad = check_slot(d, &d->slot[i], &sum, &objects);

		if (bad)
			return err_why(why, "zram", "slot %" PRIu32 " %s", i,
				       bad);
	}
	if (memcmp(&sum, &d->stats, sizeof(sum)))
		return err_why(why, "zram",
			       "%" PRIu64 " pages found, %" PRIu64
			       " counted, or other counts differ",
			       sum.pages_stored, d->stats.pages_stored);
	if (objects != d->pool->objects.count ||
	    sum.pages_stored !=
		    objects + d->raw_pages + sum.same_pages + sum.bd_count)
		return err_why(why, "zram",
			       "%" PRIu64 " objects and %" PRIu64
			       " raw pages for %" PRIu64 " slots",
			       objects, d->raw_pages, sum.pages_stored);
	return 0;
}
