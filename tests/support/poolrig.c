/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/poolrig.h"

/* "name=value name=value" into @opts. */
static int set_all(const struct pool_ops *ops, void *opts, const char *set,
		   struct err *err)
{
	char words[256], *save = NULL;
	int ret = 0;

	ck_assert_uint_lt(strlen(set), sizeof(words));
	strcpy(words, set);
	for (char *w = strtok_r(words, " ", &save); w && !ret;
	     w = strtok_r(NULL, " ", &save)) {
		char *value = strchr(w, '=');

		ck_assert_ptr_nonnull(value);
		*value++ = '\0';
		ret = opt_set(ops->opts, opts, w, value, err);
	}
	return ret;
}

int poolrig_new(struct poolrig *r, const char *pool, const char *set)
{
	const struct pool_ops *ops;
	void *opts = NULL;
	int ret = 0;

	*r = (struct poolrig){.refuse_from = UINT64_MAX};
	meter_init(&r->meter, NULL);
	rows_init(&r->rows);
	ops = pool_find(pool, &r->err);
	ck_assert_ptr_nonnull(ops);
	if (set) {
		opts = calloc(1, ops->opts_size);
		if (!opts)
			return -ENOMEM;
		opt_defaults(ops->opts, opts);
		ret = set_all(ops, opts, set, &r->err);
	}
	if (!ret)
		ret = pool_new(&r->pool, ops, opts, &r->err);
	free(opts);
	return ret;
}

void poolrig_init(struct poolrig *r, const char *pool, const char *set)
{
	int ret = poolrig_new(r, pool, set);

	ck_assert_msg(!ret, "%s", err_text(&r->err, ret));
}

void poolrig_fini(struct poolrig *r)
{
	pool_destroy(r->pool);
	rows_fini(&r->rows);
	mem_release(r->evicted, r->evicted_cap, sizeof(*r->evicted));
}

uint32_t poolrig_store(struct poolrig *r, uint32_t bytes)
{
	uint32_t h = 0;
	int ret = pool_alloc(r->pool, bytes, &h, &r->meter, &r->err);

	ck_assert_msg(!ret && h, "%s", err_text(&r->err, ret));
	return h;
}

void poolrig_drop(struct poolrig *r, uint32_t handle)
{
	pool_free(r->pool, handle, &r->meter);
}

void poolrig_check(const struct poolrig *r)
{
	ck_assert_int_eq(pool_check(r->pool, stdout), 0);
}

int64_t poolrig_row(struct poolrig *r, const char *scope, const char *name)
{
	rows_clear(&r->rows);
	pool_report(r->pool, &r->rows);
	ck_assert(!r->rows.failed);
	ck_assert_msg(rows_has(&r->rows, scope, name), "no row %s %s", scope,
		      name);
	return rows_get(&r->rows, scope, name, -1);
}

uint64_t poolrig_lost(const struct poolrig *r, enum pool_loss why)
{
	uint64_t lost[POOL_LOSS_COUNT];

	pool_lost(r->pool, lost);
	return lost[why];
}

static int give_up(void *ctx, uint32_t handle, uint32_t bytes)
{
	struct poolrig *r = ctx;

	ck_assert_uint_eq(pool_bytes(r->pool, handle), bytes);
	if (r->nevicted >= r->refuse_from)
		return -EBUSY;
	ck_assert_int_eq(mem_reserve(&r->evicted, &r->evicted_cap,
				     r->nevicted + 1, sizeof(*r->evicted)),
			 0);
	r->evicted[r->nevicted++] = handle;
	return 0;
}

struct pool_owner poolrig_owner(struct poolrig *r)
{
	return (struct pool_owner){.evict = give_up, .ctx = r};
}

int poolrig_reclaim(struct poolrig *r, uint64_t frames,
		    struct pool_reclaimed *got)
{
	struct pool_owner owner = poolrig_owner(r);

	return pool_reclaim(r->pool, frames, &owner, got, &r->meter);
}

uint32_t poolrig_normal(struct prng *r, double mean, double sd, uint32_t most)
{
	double x, s = -6.0;

	for (int i = 0; i < 12; i++)
		s += (double)(prng_next(r) >> 11) * 0x1.0p-53;
	x = mean + sd * s;
	return x < 64 ? 64 : x > most ? most : (uint32_t)x;
}
