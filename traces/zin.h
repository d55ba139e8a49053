/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zin.h - a hostile file read front to back, through zstd or as it is
 *
 * Memory is bounded by the largest window allowed (2^ZIN_WINDOW_LOG bytes),
 * never by what a frame claims; a file that holds more than the caller says can
 * make sense is refused.  Messages name the file and an offset: of the bytes in
 * the file for a damaged frame, of the unpacked bytes for everything else.
 */
#ifndef DEDUPSIM_TRACES_ZIN_H
#define DEDUPSIM_TRACES_ZIN_H

#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/os.h"

#define ZIN_WINDOW_LOG 27 /* as `zstd --long=27` writes */

struct zin {
	const char *name;    /* for messages: the file's path, or as given */
	struct os_file file; /* path NULL: the bytes are in memory */
	uint64_t at, bytes;  /* of the file: handed to zstd, in all */
	uint8_t *raw;	     /* a piece of the file, packed */
	void *zstd;	     /* ZSTD_DStream; NULL: the file is not packed */
	size_t raw_at, raw_n;
	size_t hint;	    /* 0: zstd stands between two frames */
	uint8_t *own;	    /* NULL: the bytes are the caller's */
	const uint8_t *buf; /* unpacked and not yet read: [from, to) */
	size_t from, to;
	uint64_t before; /* unpacked bytes in front of buf */
	uint64_t max;	 /* most unpacked bytes that make sense */
};

/*
 * zin_open - DIR/NAME.zst if it is there, else DIR/NAME unpacked
 * @max: unpacked bytes beyond which reading fails with -EFBIG
 * Returns 0, or a negative errno with @z closed.
 */
int zin_open(struct zin *z, const char *dir, const char *name, uint64_t max,
	     struct err *err);
/* zin_memory - read @n plain bytes, borrowed; @name is for messages */
void zin_memory(struct zin *z, const char *name, const void *p, size_t n);
void zin_close(struct zin *z); /* harmless after a failed open, and twice */

/* zin_fill - is there another byte?  1, 0 at the end, or a negative errno; the
 * bytes are z->buf[z->from] up to z->to. */
int zin_fill(struct zin *z, struct err *err);

/* zin_peek - the next byte without taking it; -1 at the end, as @c */
static inline int zin_peek(struct zin *z, int *c, struct err *err)
{
	int ret = z->from < z->to ? 1 : zin_fill(z, err);

	*c = ret > 0 ? z->buf[z->from] : -1;
	return ret < 0 ? ret : 0;
}

/* zin_read - exactly @n bytes (NULL @out: passed over); -EIO with the offset
 * when the file ends before */
int zin_read(struct zin *z, void *out, size_t n, struct err *err);

/* zin_tell - offset of the next unpacked byte */
static inline uint64_t zin_tell(const struct zin *z)
{
	return z->before + z->from;
}

#endif
