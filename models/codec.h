/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * codec.h - how many bytes a page has when a kernel's compressor is through
 *
 *	page ──► length()   the kernel's number: a column of the content set
 *	     ──► encode()   a stream of just that many bytes
 *	     ──► compress() what measuring runs: the library's own compressor
 *	     ◄── expand()   … and its decompressor
 *
 * An allocator sees lengths, and a length that is off by one byte moves an
 * object into another size class.  So the lengths are those of the kernel's
 * encoders on x86-64:
 *
 *	lzo          liblzo2's lzo1x_1_15, which is byte for byte the kernel's;
 *	             the usual lzo1x_1 has a larger table and other lengths
 *	lzo-rle      own encoder, no library has it
 *	lz4          own encoder; liblz4 looks one position further at the end
 *	             of a page, which changes the length of one page in seventy
 *	zstd         libzstd, told that there are 4096 bytes (zram since 6.12)
 *	zstd-crypto  libzstd, with the parameters of level 3 for an unknown size
 *	             (crypto interface: zswap; zram before 6.12)
 *	zstd-acomp   the same for 256 KiB (the interface's newer form: zswap)
 *
 * The first three were compared with a running kernel.  zstd's lengths depend
 * on the version of the library, and the kernel has a copy of its own.
 *
 * A length may be more than a page; what is then stored is the caller's matter.
 * Lengths do not depend on the host's byte order or on threads (where libzstd
 * is too old for that, open() refuses).  lz4 hashes words in the byte order of
 * the machine it runs on, so a recording of a big-endian machine gets the
 * lengths that such a machine has.
 */
#ifndef DEDUPSIM_MODELS_CODEC_H
#define DEDUPSIM_MODELS_CODEC_H

#include "sim/core/content.h"

/* Room for a compressed page; no codec needs more. */
#define CODEC_BYTES_MAX (2 * PAGE_BYTES)

/*
 * The public part of an encoder at work, first member of each codec's own
 * struct.  One belongs to one thread at a time.
 */
struct codec {
	const struct codec_ops *ops;
	unsigned level;
};

struct codec_ops {
	const char *name;    /* "lzo-rle", as the kernel says */
	const char *summary; /* one line for `dedupsim list` */
	const char *source;
	/* Levels, both ends included; all 0: it has none.  The kernel's own
	 * choice is @level. */
	unsigned level_min, level_max, level;

	/* @big_endian: byte order of the machine whose kernel is modelled.
	 * Returns 0, -ENOMEM, or -ENOTSUP with @err set. */
	int (*open)(struct codec **out, unsigned level, bool big_endian,
		    struct err *err);
	/* The length of @page, 1 … CODEC_BYTES_MAX, or -ENOMEM. */
	int (*length)(struct codec *c, const uint8_t *page);
	/* Fills @out, of CODEC_BYTES_MAX bytes; returns as length() does. */
	int (*encode)(struct codec *c, const uint8_t *page, uint8_t *out);
	/* The same page through the library's compressor at this level; the
	 * length may be another.  Where no library has the codec: encode(). */
	int (*compress)(struct codec *c, const uint8_t *page, uint8_t *out);
	/* Back to a page, from either stream; -EINVAL when @in holds not just
	 * one page to its last byte, and what is in @page is of no use. */
	int (*expand)(struct codec *c, const uint8_t *in, size_t n,
		      uint8_t *page);
	void (*close)(struct codec *c);
};

#define CODEC(name) extern const struct codec_ops codec_##name;
#include "models/codecs.def"
#undef CODEC

extern const struct codec_ops *const codecs[]; /* NULL ends it */

/* codec_find - by name; NULL with the nearest name in @err */
const struct codec_ops *codec_find(const char *name, struct err *err);

/* codec_check_level - is there such a level?  -EINVAL says which there are. */
int codec_check_level(const struct codec_ops *ops, unsigned level,
		      struct err *err);

/* codec_open - an encoder; as ops->open(), and -EINVAL for a wrong level */
int codec_open(struct codec **out, const struct codec_ops *ops, unsigned level,
	       bool big_endian, struct err *err);
void codec_close(struct codec *c); /* NULL is fine */

/*
 * Lengths as columns of a content set: one column per codec and level.
 *
 *	needs |= codec_need(&codec_lz4, 1);              an engine's needs()
 *	codec_columns(contents, needs, threads, err);    the prepare pass
 *	codec_lengths(contents, &codec_lz4, 1)[id]       during the run
 */

/* codec_column - number of the column; the level must exist */
unsigned codec_column(const struct codec_ops *ops, unsigned level);
/* codec_need - the bit that asks for it */
uint64_t codec_need(const struct codec_ops *ops, unsigned level);

/*
 * codec_columns - make those columns that @needs asks for and @s has not
 *
 * Bits outside NEED_ABOVE are passed over.  The source of @s must still be
 * there.  Returns 0; -ENOTSUP with the name of a column that cannot be made;
 * -ENOMEM.  After a failure the columns made so far stay.
 */
int codec_columns(struct content_set *s, uint64_t needs, unsigned threads,
		  struct err *err);

/*
 * codec_streams - the columns of NEED_STREAM, of this codec; not made before
 *
 * codec_columns() makes them with codec lzo, the one that sharing compressed
 * pages was written for.  Returns as codec_columns().
 */
int codec_streams(struct content_set *s, const struct codec_ops *ops,
		  unsigned level, unsigned threads, struct err *err);

/* codec_lengths - by content id; the column must be there */
const uint16_t *codec_lengths(const struct content_set *s,
			      const struct codec_ops *ops, unsigned level);

#endif
