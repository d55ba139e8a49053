/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ways in which kernels call zstd.  They differ in what the parameters of a
 * level are made for: a page, something whose size nobody knows yet, or 256 KiB.
 * All then tell the compressor that 4096 bytes come, which cuts tables down but
 * leaves the strategy and the shortest match as they were.
 */
#include <errno.h>
#include <stdlib.h>
/* For the parameters of a level; the rest of the interface is the stable one. */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "sim/base/mem.h"
#include "models/codec.h"

/* The first version whose search hashes words in little-endian order on every
 * host. */
#define ZSTD_SAME_EVERYWHERE 10504u

#define ACOMP_BYTES (1u << 18)

struct zstd {
	struct codec codec;
	ZSTD_CCtx *cctx;
	ZSTD_DCtx *dctx;
	uint8_t out[CODEC_BYTES_MAX]; /* of length() */
};

static int zstd_compress(struct codec *c, const uint8_t *page, uint8_t *out)
{
	struct zstd *z = (struct zstd *)c;
	size_t n =
		ZSTD_compress2(z->cctx, out, CODEC_BYTES_MAX, page, PAGE_BYTES);

	/* There is room for every page, so only memory can be short. */
	return ZSTD_isError(n) ? -ENOMEM : (int)n;
}

static int zstd_length(struct codec *c, const uint8_t *page)
{
	struct zstd *z = (struct zstd *)c;

	return zstd_compress(c, page, z->out);
}

static int zstd_expand(struct codec *c, const uint8_t *in, size_t n,
		       uint8_t *page)
{
	struct zstd *z = (struct zstd *)c;

	return ZSTD_decompressDCtx(z->dctx, page, PAGE_BYTES, in, n) ==
			       PAGE_BYTES
		       ? 0
		       : -EINVAL;
}

static void zstd_close(struct codec *c)
{
	struct zstd *z = (struct zstd *)c;

	ZSTD_freeCCtx(z->cctx);
	ZSTD_freeDCtx(z->dctx);
	free(z);
}

static int set_params(ZSTD_CCtx *cctx, unsigned level,
		      unsigned long long page_bytes)
{
	ZSTD_compressionParameters p =
		ZSTD_getCParams((int)level, page_bytes, 0);
	const struct {
		ZSTD_cParameter key;
		int value;
	} set[] = {
		{ZSTD_c_windowLog, (int)p.windowLog},
		{ZSTD_c_chainLog, (int)p.chainLog},
		{ZSTD_c_hashLog, (int)p.hashLog},
		{ZSTD_c_searchLog, (int)p.searchLog},
		{ZSTD_c_minMatch, (int)p.minMatch},
		{ZSTD_c_targetLength, (int)p.targetLength},
		{ZSTD_c_strategy, (int)p.strategy},
	};

	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		if (ZSTD_isError(ZSTD_CCtx_setParameter(cctx, set[i].key,
							set[i].value)))
			return -ENOTSUP;
	return 0;
}

static int open_for(struct codec **out, const struct codec_ops *ops,
		    unsigned level, unsigned long long page_bytes,
		    struct err *err)
{
	struct zstd *z;

	if (HOST_BIG_ENDIAN && ZSTD_versionNumber() < ZSTD_SAME_EVERYWHERE)
		return err_set(err, ENOTSUP,
			       "codec %s: libzstd %s gives other lengths on "
			       "big-endian machines; 1.5.4 does not",
			       ops->name, ZSTD_versionString());
	z = mem_zalloc(1, sizeof(*z));
	if (!z)
		return -ENOMEM;
	z->codec = (struct codec){ops, level};
	z->cctx = ZSTD_createCCtx();
	z->dctx = ZSTD_createDCtx();
	if (!z->cctx || !z->dctx) {
		zstd_close(&z->codec);
		return -ENOMEM;
	}
	if (set_params(z->cctx, level, page_bytes)) {
		zstd_close(&z->codec);
		return err_set(err, ENOTSUP,
			       "codec %s: libzstd %s lacks level %u", ops->name,
			       ZSTD_versionString(), level);
	}
	*out = &z->codec;
	return 0;
}

static int zstd_open(struct codec **out, unsigned level, bool big_endian,
		     struct err *err)
{
	(void)big_endian;
	return open_for(out, &codec_zstd, level, PAGE_BYTES, err);
}

static int zstd_crypto_open(struct codec **out, unsigned level, bool big_endian,
			    struct err *err)
{
	(void)big_endian;
	return open_for(out, &codec_zstd_crypto, level, 0, err);
}

static int zstd_acomp_open(struct codec **out, unsigned level, bool big_endian,
			   struct err *err)
{
	(void)big_endian;
	return open_for(out, &codec_zstd_acomp, level, ACOMP_BYTES, err);
}

const struct codec_ops codec_zstd = {
	.name = "zstd",
	.summary = "Zstandard, as zram calls it since 6.12",
	.source = "[linux-6.18] drivers/block/zram/backend_zstd.c",
	.level_min = 1,
	.level_max = 22,
	.level = 3,
	.open = zstd_open,
	.length = zstd_length,
	.encode = zstd_compress,
	.compress = zstd_compress,
	.expand = zstd_expand,
	.close = zstd_close,
};

const struct codec_ops codec_zstd_crypto = {
	.name = "zstd-crypto",
	.summary = "Zstandard through the crypto interface: older zswap, zram",
	.source = "[linux-6.1] crypto/zstd.c",
	.level_min = 3,
	.level_max = 3,
	.level = 3,
	.open = zstd_crypto_open,
	.length = zstd_length,
	.encode = zstd_compress,
	.compress = zstd_compress,
	.expand = zstd_expand,
	.close = zstd_close,
};

const struct codec_ops codec_zstd_acomp = {
	.name = "zstd-acomp",
	.summary = "Zstandard through the newer crypto interface: zswap",
	.source = "[linux-6.18] crypto/zstd.c",
	.level_min = 3,
	.level_max = 3,
	.level = 3,
	.open = zstd_acomp_open,
	.length = zstd_length,
	.encode = zstd_compress,
	.compress = zstd_compress,
	.expand = zstd_expand,
	.close = zstd_close,
};
