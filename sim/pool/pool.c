/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/pool/pool_impl.h"
#include "sim/pool/pool.h"

const struct pool_ops *const pools[] = {
#define POOL(name) &pool_##name,
#include "sim/pool/pools.def"
#undef POOL
	NULL,
};

const char *const pool_loss_name[POOL_LOSS_COUNT] = {
#define X(sym, name, help) [LOST_##sym] = name,
	POOL_LOSSES(X)
#undef X
};

const struct pool_ops *pool_find(const char *name, struct err *err)
{
	const char *names[sizeof(pools) / sizeof(pools[0])], *near;
	size_t n = 0;

	for (; pools[n]; n++) {
		if (!strcmp(pools[n]->name, name))
			return pools[n];
		names[n] = pools[n]->name;
	}
	near = text_nearest(name, names, n);
	if (near)
		err_set(err, EINVAL, "no pool \"%s\"; did you mean \"%s\"?",
			name, near);
	else
		err_set(err, EINVAL,
			"no pool \"%s\"; `dedupsim list pools` names them all",
			name);
	return NULL;
}

int pool_check_ops(const struct pool_ops *ops, struct err *err)
{
	const struct {
		bool there;
		const char *name;
	} must[] = {
		{ops->name, "name"},	   {ops->summary, "summary"},
		{ops->create, "create"},   {ops->alloc, "alloc"},
		{ops->free, "free"},	   {ops->where, "where"},
		{ops->lost, "lost"},	   {ops->check, "check"},
		{ops->destroy, "destroy"},
	};

	for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++)
		if (!must[i].there)
			return err_set(err, EINVAL, "pool %s lacks %s",
				       ops->name ? ops->name : "(unnamed)",
				       must[i].name);
	if (ops->opts)
		return opt_check_rows(ops->opts, ops->opts_size, err);
	return 0;
}

int pool_new(struct pool **out, const struct pool_ops *ops, const void *opts,
	     struct err *err)
{
	void *own = NULL;
	int ret;

	if (!opts && ops->opts) {
		own = mem_zalloc(1, ops->opts_size);
		if (!own)
			return -ENOMEM;
		opt_defaults(ops->opts, own);
		opts = own;
	}
	ret = ops->create(out, opts, err);
	free(own);
	return ret;
}

void pool_destroy(struct pool *p)
{
	if (p)
		p->ops->destroy(p);
}

static int refuse(const struct pool *p, uint32_t bytes, struct err *err)
{
	if (!bytes)
		return err_set(err, EINVAL, "%s: an object of 0 bytes",
			       p->ops->name);
	if (bytes > PAGE_BYTES)
		return err_set(err, EINVAL,
			       "%s: an object of %" PRIu32
			       " bytes is longer than a page",
			       p->ops->name, bytes);
	return err_set(err, ENOSPC,
		       "%s: an object of %" PRIu32
		       " bytes; the longest it takes has %" PRIu32,
		       p->ops->name, bytes, p->bytes_max);
}

int pool_alloc(struct pool *p, uint32_t bytes, uint32_t *handle,
	       struct meter *m, struct err *err)
{
	int ret;

	if (!bytes || bytes > p->bytes_max)
		return refuse(p, bytes, err);
	ret = p->ops->alloc(p, bytes, handle, m);
	return ret == -ENOSPC ? err_set(err, ENOSPC,
					"%s: never finds room for an object of "
					"%" PRIu32 " bytes",
					p->ops->name, bytes)
			      : ret;
}

void pool_free(struct pool *p, uint32_t handle, struct meter *m)
{
	assert(pool_bytes(p, handle));
	meter_add(m, OP_OBJ_DROP, 1);
	p->ops->free(p, handle, m);
}

void pool_reach(const struct pool *p, uint32_t handle, enum pool_access how,
		struct meter *m)
{
	assert(pool_bytes(p, handle));
	meter_add(m, OP_OBJ_REACH, 1);
	if (p->ops->reach)
		p->ops->reach(p, handle, how, m);
}

uint64_t pool_compact(struct pool *p, struct meter *m)
{
	uint64_t before = p->totals.compacted_pages;

	if (p->ops->compact)
		p->ops->compact(p, m);
	return p->totals.compacted_pages - before;
}

uint64_t pool_compactable(const struct pool *p)
{
	return p->ops->compactable ? p->ops->compactable(p) : 0;
}

int pool_reclaim(struct pool *p, uint64_t frames,
		 const struct pool_owner *owner, struct pool_reclaimed *got,
		 struct meter *m)
{
	const struct pool_totals was = p->totals, *now = &p->totals;
	int ret = -EOPNOTSUPP;

	if (p->ops->reclaim)
		ret = p->ops->reclaim(p, was.freed_pages + frames, owner, m);
	*got = (struct pool_reclaimed){
		.frames = now->freed_pages - was.freed_pages,
		.evicted = now->evicted - was.evicted,
		.evicted_bytes = now->evicted_bytes - was.evicted_bytes,
		.moved = now->moved - was.moved,
		.moved_bytes = now->moved_bytes - was.moved_bytes,
	};
	return ret;
}

void pool_where(const struct pool *p, uint32_t handle, struct pool_place *place)
{
	assert(pool_bytes(p, handle));
	p->ops->where(p, handle, place);
}

uint32_t pool_next(const struct pool *p, uint32_t handle)
{
	while (handle < p->objects.used)
		if (pool_object(p, ++handle)->bytes)
			return handle;
	return 0;
}

void pool_lost(const struct pool *p, uint64_t lost[POOL_LOSS_COUNT])
{
	uint64_t rest = p->pages * PAGE_BYTES - p->asked_bytes;

	memset(lost, 0, POOL_LOSS_COUNT * sizeof(*lost));
	p->ops->lost(p, lost);
	for (unsigned i = 0; i < POOL_LOSS_COUNT; i++)
		if (i != LOST_HOLE)
			rest -= lost[i];
	lost[LOST_HOLE] = rest;
}

void pool_report(const struct pool *p, struct rows *out)
{
	uint64_t lost[POOL_LOSS_COUNT];
	const struct {
		const char *name, *unit;
		uint64_t value;
	} row[] = {
		{"pages", "pages", p->pages},
		{"pages_peak", "pages", p->pages_peak},
		{"objects", "objects", p->objects.count},
		{"asked_bytes", "bytes", p->asked_bytes},
		{"objects_moved", "objects", p->totals.moved},
		{"moved_bytes", "bytes", p->totals.moved_bytes},
		{"objects_evicted", "objects", p->totals.evicted},
		{"evicted_bytes", "bytes", p->totals.evicted_bytes},
		{"pages_freed", "pages", p->totals.freed_pages},
		{"pages_compacted", "pages", p->totals.compacted_pages},
		{"pages_compactable", "pages", pool_compactable(p)},
		{"metadata_bytes", "bytes",
		 p->ops->metadata_bytes ? p->ops->metadata_bytes(p) : 0},
	};

	pool_lost(p, lost);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		rows_add(out, "pool", row[i].name, row[i].unit,
			 (int64_t)row[i].value);
	for (unsigned i = 0; i < POOL_LOSS_COUNT; i++)
		rows_add(out, "pool", pool_loss_name[i], "bytes",
			 (int64_t)lost[i]);
	if (p->ops->report)
		p->ops->report(p, out);
}

int pool_wrong(const struct pool *p, FILE *why, const char *fmt, ...)
{
	va_list ap;

	if (!why)
		return -EINVAL;
	fprintf(why, "%s: ", p->ops->name);
	va_start(ap, fmt);
	vfprintf(why, fmt, ap);
	va_end(ap);
	fputc('\n', why);
	return -EINVAL;
}

static int check_objects(const struct pool *p, FILE *why)
{
	uint64_t n = 0, bytes = 0;
	struct pool_place place;

	for (uint32_t h = 0; (h = pool_next(p, h)); n++) {
		uint32_t there = 0, len = pool_object(p, h)->bytes;

		p->ops->where(p, h, &place);
		for (unsigned i = 0; i < place.parts; i++) {
			there += place.part[i].bytes;
			if (place.part[i].offset + place.part[i].bytes >
			    PAGE_BYTES)
				return pool_wrong(p, why,
						  "object %" PRIu32
						  " leaves its page",
						  h);
		}
		if (there != len || len > p->bytes_max)
			return pool_wrong(p, why,
					  "object %" PRIu32 " has %" PRIu32
					  " bytes and takes %" PRIu32,
					  h, len, there);
		bytes += len;
	}
	if (n != p->objects.count || bytes != p->asked_bytes)
		return pool_wrong(p, why,
				  "%" PRIu64 " objects of %" PRIu64
				  " bytes, counted %" PRIu32 " of %" PRIu64,
				  n, bytes, p->objects.count, p->asked_bytes);
	return 0;
}

int pool_check(const struct pool *p, FILE *why)
{
	uint64_t lost[POOL_LOSS_COUNT];
	int ret = p->ops->check(p, why);

	if (!ret)
		ret = check_objects(p, why);
	if (ret)
		return ret;
	/* The rest, taken from what there is, must not wrap. */
	pool_lost(p, lost);
	for (unsigned i = 0; i < POOL_LOSS_COUNT; i++)
		if (lost[i] > p->pages * PAGE_BYTES)
			return pool_wrong(p, why, "%s is %" PRIu64,
					  pool_loss_name[i], lost[i]);
	if (p->pages > p->pages_peak)
		return pool_wrong(p, why, "more pages than ever");
	return 0;
}
