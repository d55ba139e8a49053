/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <lzo/lzo1x.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "models/codec.h"

struct lzo {
	struct codec codec;
	uint8_t out[CODEC_BYTES_MAX]; /* of length() */
	_Alignas(16) uint8_t work[LZO1X_1_15_MEM_COMPRESS];
};

static int lzo_compress(struct codec *c, const uint8_t *page, uint8_t *out)
{
	struct lzo *z = (struct lzo *)c;
	lzo_uint n = CODEC_BYTES_MAX;

	/* It takes all input and cannot run out of room. */
	lzo1x_1_15_compress(page, PAGE_BYTES, out, &n, z->work);
	return (int)n;
}

static int lzo_length(struct codec *c, const uint8_t *page)
{
	struct lzo *z = (struct lzo *)c;

	return lzo_compress(c, page, z->out);
}

static int lzo_expand(struct codec *c, const uint8_t *in, size_t n,
		      uint8_t *page)
{
	lzo_uint got = PAGE_BYTES;

	(void)c;
	if (lzo1x_decompress_safe(in, n, page, &got, NULL) != LZO_E_OK)
		return -EINVAL;
	return got == PAGE_BYTES ? 0 : -EINVAL;
}

static void lzo_close(struct codec *c)
{
	free(c);
}

static int lzo_open(struct codec **out, unsigned level, bool big_endian,
		    struct err *err)
{
	struct lzo *z;

	(void)big_endian; /* hashed in little-endian order everywhere */
	if (lzo_init() != LZO_E_OK)
		return err_set(err, ENOTSUP,
			       "codec lzo: liblzo2 does not fit this program");
	z = mem_zalloc(1, sizeof(*z));
	if (!z)
		return -ENOMEM;
	z->codec = (struct codec){&codec_lzo, level};
	*out = &z->codec;
	return 0;
}

const struct codec_ops codec_lzo = {
	.name = "lzo",
	.summary = "LZO1X-1 with the kernel's table (lzo1x_1_15)",
	.source = "[linux-6.18] lib/lzo/lzo1x_compress.c",
	.open = lzo_open,
	.length = lzo_length,
	.encode = lzo_compress,
	.compress = lzo_compress,
	.expand = lzo_expand,
	.close = lzo_close,
};
