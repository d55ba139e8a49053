/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * parse.h - own encoders for one page, without a stream
 *
 * An encoder cuts the page into steps, each some literals and then a copy of
 * earlier bytes or a run of zeros; what no step takes are the last literals.
 * The length of the stream is added up on the way and no byte is written.  When
 * asked to, it keeps the steps, and the stream can be written from them: that is
 * how the lengths are checked.
 *
 *	page   abcdefghabcdefghXabcd…
 *	steps  {8 literals, copy 8 from 8 back}, {1 literal, copy 4 from 9 back} …
 *
 * The searches are those of Linux, because what they miss decides the length:
 * a table of 8192 positions by a hash of four bytes, only the last position
 * kept, empty places standing for position 0, steps growing where nothing
 * matches.
 */
#ifndef DEDUPSIM_MODELS_PARSE_H
#define DEDUPSIM_MODELS_PARSE_H

#include <stddef.h>

#include "sim/base/bits.h"
#include "sim/base/units.h"

#define PARSE_SLOTS 8192u
#define PARSE_STEPS (PAGE_BYTES / 4) /* none is shorter than 4 bytes */

struct parse_step {
	uint16_t literals; /* bytes before the copy, as they are */
	uint16_t back;	   /* distance of the copy; 0: a run of zeros */
	uint16_t bytes;	   /* of the copy or run */
};

struct parse {
	bool keep; /* note the steps */
	unsigned steps;
	uint16_t table[PARSE_SLOTS];
	struct parse_step step[PARSE_STEPS];
};

/* parse_step - for the encoders: @literals, then @bytes from @back */
static inline void parse_step(struct parse *p, uint32_t literals, uint32_t back,
			      uint32_t bytes)
{
	if (!p->keep)
		return;
	assert(p->steps < PARSE_STEPS);
	p->step[p->steps++] = (struct parse_step){
		(uint16_t)literals, (uint16_t)back, (uint16_t)bytes};
}

/*
 * parse_lzo - the length with Linux's lzo1x_1 [linux-6.18]
 * @rle: with runs of zeros ("lzo-rle"); without, it is lzo1x_1_15 of liblzo2
 */
unsigned parse_lzo(struct parse *p, const uint8_t *page, bool rle);
/* parse_lzo_write - the stream of the steps kept; returns its length */
unsigned parse_lzo_write(const struct parse *p, const uint8_t *page, bool rle,
			 uint8_t *out);

/* lzo_rle_read - does the stream hold just one page, to its last byte?  Streams
 * may be hostile. */
bool lzo_rle_read(const uint8_t *in, size_t n, uint8_t *page);

/* Where searches end.  Linux passes a position over that liblz4 still tries. */
#define LZ4_LAST_LINUX (PAGE_BYTES - 12)
#define LZ4_LAST_LIBRARY (PAGE_BYTES - 11)

struct parse_lz4 {
	unsigned acceleration; /* at least 1 */
	uint32_t last;	       /* LZ4_LAST_… */
	bool big_endian;       /* the order in which four bytes are hashed */
};

/* parse_lz4 - the length with LZ4_compress_fast() */
unsigned parse_lz4(struct parse *p, const uint8_t *page,
		   const struct parse_lz4 *how);
unsigned parse_lz4_write(const struct parse *p, const uint8_t *page,
			 uint8_t *out);

#endif
