/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sizes.h - how long the objects are that a pool is filled with
 *
 *	normal:MEAN,SD      a bell; what falls outside 32 … 4096 is set there
 *	uniform:LO,HI       each length from LO to HI equally often
 *	fixed:N             all the same
 *	trace:FILE[:CODEC]  as the pages written in a recording compress (with
 *	                    lzo-rle, when no codec is named); pages of one
 *	                    repeated 64-bit word are not stored, so they do not
 *	                    count; a page that does not get shorter has 4096
 *
 * The bell is the sum of twelve uniform numbers of 32 bits, less its middle:
 * variance 1 when a number counts 2^-32, never beyond six deviations.  All of
 * it is integer arithmetic, so a seed gives the same lengths on every machine;
 * where it differs from the true bell (beyond three deviations) is less than
 * one object in a thousand.
 */
#ifndef DEDUPSIM_RUN_SIZES_H
#define DEDUPSIM_RUN_SIZES_H

#include "sim/base/err.h"
#include "sim/base/prng.h"
#include "sim/base/units.h"
#include "models/codec.h"

/* No codec makes a page shorter than that and still needs an object for it. */
#define SIZES_LEAST 32u

enum sizes_kind { SIZES_NORMAL, SIZES_UNIFORM, SIZES_FIXED, SIZES_TRACE };

struct sizes {
	enum sizes_kind kind;
	uint32_t a, b;	      /* mean, deviation; low, high; length, same */
	uint32_t least, most; /* that can come */
	/* SIZES_TRACE */
	char *path;
	const struct codec_ops *codec;
	uint64_t *up_to; /* [PAGE_BYTES + 1] objects so long or shorter */
	uint64_t total;
};

/*
 * sizes_parse - from the words above
 * Returns 0; -EINVAL for words that are no distribution, lengths beyond a page
 * or unknown codecs; -ENOMEM.  After a failure nothing is held.
 */
int sizes_parse(struct sizes *s, const char *words, struct err *err);

/*
 * sizes_load - read the trace and compress its pages; nothing for other kinds
 * @threads: the result is the same for every number
 * Returns 0; -EINVAL for a trace without pages to store; errors of the trace;
 * -ENOMEM.
 */
int sizes_load(struct sizes *s, unsigned threads, struct err *err);
void sizes_fini(struct sizes *s);

/* sizes_draw - the next length, s->least … s->most */
uint32_t sizes_draw(const struct sizes *s, struct prng *r);

#endif
