/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * poolmap.h - which byte of which frame belongs to which object
 *
 * The dumb picture of a pool: an array of handles per frame, one for each byte.
 * Everything here fails the Check test when two objects want one byte, when
 * there are more frames than the pool says it holds, or when an object is not
 * where it was put.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_POOLMAP_H
#define DEDUPSIM_TESTS_SUPPORT_POOLMAP_H

#include "sim/base/units.h"
#include "sim/pool/pool.h"

struct poolmap_frame {
	uint64_t name;
	uint32_t bytes;	 /* that belong to somebody */
	uint32_t *owner; /* [PAGE_BYTES] handles, 0: nobody's; NULL: no entry */
};

struct poolmap {
	struct poolmap_frame *frame; /* hash table, linear probing */
	uint64_t used;		     /* frames with at least a byte in use */
	struct pool_place *at;	     /* by handle; no parts: not there */
	size_t handles;
};

void poolmap_init(struct poolmap *m);
void poolmap_fini(struct poolmap *m);
/* poolmap_add - @handle was stored just now */
void poolmap_add(struct poolmap *m, const struct pool *p, uint32_t handle);
/* poolmap_remove - @handle is stored no more */
void poolmap_remove(struct poolmap *m, uint32_t handle);
/* poolmap_follow - some were stored, some freed, some moved */
void poolmap_follow(struct poolmap *m, const struct pool *p);
/* poolmap_verify - each object is where the map has it, and nothing else is */
void poolmap_verify(const struct poolmap *m, const struct pool *p);

#endif
