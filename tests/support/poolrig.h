/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * poolrig.h - a pool with what its owner knows, driven by hand
 *
 *	struct poolrig r;
 *	poolrig_init(&r, "zsmalloc", "generation=6.1 chain=4");
 *	uint32_t h = poolrig_store(&r, 1700);
 *	poolrig_drop(&r, h);
 *	poolrig_fini(&r);
 *
 * Functions fail the Check test when they cannot do what they are asked for.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_POOLRIG_H
#define DEDUPSIM_TESTS_SUPPORT_POOLRIG_H

#include "sim/base/prng.h"
#include "sim/pool/pool.h"

struct poolrig {
	struct pool *pool;
	struct meter meter;
	struct rows rows;
	struct err err;
	/* evicted by poolrig_owner(), in order */
	uint32_t *evicted;
	size_t nevicted, evicted_cap;
	uint64_t refuse_from; /* refuses when so many were evicted */
};

/* poolrig_new - @set: "name=value …", NULL: defaults; 0 or -errno */
int poolrig_new(struct poolrig *r, const char *pool, const char *set);
void poolrig_init(struct poolrig *r, const char *pool, const char *set);
void poolrig_fini(struct poolrig *r);

uint32_t poolrig_store(struct poolrig *r, uint32_t bytes);
void poolrig_drop(struct poolrig *r, uint32_t handle);
/* poolrig_check - pool_check(), its complaint shown */
void poolrig_check(const struct poolrig *r);
int64_t poolrig_row(struct poolrig *r, const char *scope, const char *name);
uint64_t poolrig_lost(const struct poolrig *r, enum pool_loss why);
/* poolrig_owner - gives everything up, and notes it */
struct pool_owner poolrig_owner(struct poolrig *r);
/* poolrig_reclaim - with that owner */
int poolrig_reclaim(struct poolrig *r, uint64_t frames,
		    struct pool_reclaimed *got);

/* poolrig_normal - sum of twelve uniform numbers; kept in 64 … @most */
uint32_t poolrig_normal(struct prng *r, double mean, double sd, uint32_t most);

#endif
