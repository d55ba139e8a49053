/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sdshape_impl.h - what the parts of the shape share; private to them
 *
 *	sdshape.c         search, and what it costs
 *	sdshape_change.c  insert and remove
 *	sdshape_test.c    the tree by definition, printing, order
 */
#ifndef DEDUPSIM_ENGINE_PAGEONE_SDSHAPE_IMPL_H
#define DEDUPSIM_ENGINE_PAGEONE_SDSHAPE_IMPL_H

#include "sim/engine/pageone/sdshape.h"

/* A side: 0 none, KEY | rank, or the number of a vector. */
#define KEY (UINT32_C(1) << 31)

struct sdvec {
	uint32_t right, down;
	uint32_t split; /* with both sides: the first rank on the right */
	uint32_t bit;
};

static inline bool is_key(uint32_t side)
{
	return side & KEY;
}

static inline uint32_t rank_of(uint32_t side)
{
	return side & ~KEY;
}

static inline struct sdvec *vec_at(const struct sdshape *s, uint32_t i)
{
	return arena_at(&s->vecs, i);
}

#endif
