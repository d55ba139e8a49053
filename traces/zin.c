/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "traces/zin.h"

#define ZIN_RAW_BYTES ((size_t)128 << 10)
#define ZIN_BUF_BYTES ((size_t)128 << 10)

static bool zin_exists(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (f)
		fclose(f);
	return f || errno != ENOENT;
}

/* DIR/NAME.zst, or DIR/NAME when there is no such file; @packed says which. */
static char *zin_path(const char *dir, const char *name, bool *packed)
{
	size_t n = strlen(dir) + strlen(name) + sizeof("/.zst");
	char *path = malloc(n);

	if (!path)
		return NULL;
	snprintf(path, n, "%s/%s.zst", dir, name);
	*packed = zin_exists(path);
	if (!*packed)
		snprintf(path, n, "%s/%s", dir, name);
	return path;
}

static int zin_prepare(struct zin *z, bool packed)
{
	z->own = malloc(ZIN_BUF_BYTES);
	if (!z->own)
		return -ENOMEM;
	z->buf = z->own;
	if (!packed)
		return 0;
	z->raw = malloc(ZIN_RAW_BYTES);
	z->zstd = ZSTD_createDStream();
	if (!z->raw || !z->zstd ||
	    ZSTD_isError(ZSTD_DCtx_setParameter(z->zstd, ZSTD_d_windowLogMax,
						ZIN_WINDOW_LOG)))
		return -ENOMEM;
	return 0;
}

int zin_open(struct zin *z, const char *dir, const char *name, uint64_t max,
	     struct err *err)
{
	bool packed;
	char *path = zin_path(dir, name, &packed);
	int ret;

	*z = (struct zin){.max = max, .file.fd = -1};
	if (!path)
		return -ENOMEM;
	ret = os_open(&z->file, path, err);
	free(path);
	if (ret) {
		z->file.path = NULL;
		return ret;
	}
	z->name = z->file.path;
	z->bytes = z->file.bytes;
	ret = zin_prepare(z, packed);
	if (ret)
		zin_close(z);
	return ret;
}

void zin_memory(struct zin *z, const char *name, const void *p, size_t n)
{
	*z = (struct zin){
		.name = name, .file.fd = -1, .buf = p, .to = n, .max = n};
}

void zin_close(struct zin *z)
{
	if (z->file.path) {
		os_close(&z->file);
		free(z->raw);
		free(z->own);
		ZSTD_freeDStream(z->zstd);
	}
	*z = (struct zin){.file.fd = -1};
}

/* Read the next piece of the file; 1, 0 at its end, or a negative errno. */
static int zin_raw(struct zin *z, uint8_t *into, size_t room, size_t *n,
		   struct err *err)
{
	uint64_t left = z->bytes - z->at;
	int ret;

	*n = left < room ? (size_t)left : room;
	if (!*n)
		return 0;
	ret = os_read_at(&z->file, z->at, into, *n, err);
	if (ret)
		return ret;
	z->at += *n;
	return 1;
}

/* Refuse a frame that says at its start that it is too large. */
static int zin_claim(const struct zin *z, struct err *err)
{
	unsigned long long says = ZSTD_getFrameContentSize(
		z->raw + z->raw_at, z->raw_n - z->raw_at);

	if (says == ZSTD_CONTENTSIZE_UNKNOWN ||
	    says == ZSTD_CONTENTSIZE_ERROR || says <= z->max)
		return 0;
	return err_set(err, EFBIG,
		       "%s: claims %llu bytes, more than the %" PRIu64
		       " that make sense here",
		       z->name, says, z->max);
}

/* Unpack until something comes out; 1, 0 at the end, or a negative errno. */
static int zin_unpack(struct zin *z, struct err *err)
{
	ZSTD_outBuffer out = {.dst = z->own, .size = ZIN_BUF_BYTES};

	while (!out.pos) {
		ZSTD_inBuffer in = {z->raw, z->raw_n, z->raw_at};
		bool ended = false;
		size_t hint;
		int ret;

		if (z->raw_at == z->raw_n) {
			z->raw_at = z->raw_n = in.pos = 0;
			ret = zin_raw(z, z->raw, ZIN_RAW_BYTES, &z->raw_n, err);
			if (ret < 0)
				return ret;
			in.size = z->raw_n;
			ended = !ret;
		}
		if (ended && !z->hint)
			return 0;
		ret = z->hint ? 0 : zin_claim(z, err);
		if (ret)
			return ret;
		hint = ZSTD_decompressStream(z->zstd, &out, &in);
		if (ZSTD_isError(hint))
			return err_set(err, EINVAL,
				       "%s: behind offset %" PRIu64
				       ": zstd: %s",
				       z->name, z->at - (z->raw_n - in.pos),
				       ZSTD_getErrorName(hint));
		if (ended && !out.pos)
			return err_set(err, EINVAL,
				       "%s: offset %" PRIu64
				       ": ends inside a zstd frame",
				       z->name, z->bytes);
		z->raw_at = in.pos;
		z->hint = hint;
	}
	z->to = out.pos;
	return 1;
}

int zin_fill(struct zin *z, struct err *err)
{
	int ret;

	if (z->from < z->to)
		return 1;
	if (!z->file.path)
		return 0;
	z->before += z->to;
	z->from = z->to = 0;
	ret = z->zstd ? zin_unpack(z, err)
		      : zin_raw(z, z->own, ZIN_BUF_BYTES, &z->to, err);
	if (ret <= 0)
		return ret;
	if (z->to > z->max - z->before)
		return err_set(err, EFBIG,
			       "%s: holds more than %" PRIu64
			       " bytes, the most that makes sense here",
			       z->name, z->max);
	return 1;
}

int zin_read(struct zin *z, void *out, size_t n, struct err *err)
{
	uint8_t *p = out;

	while (n) {
		size_t got = z->to - z->from;
		int ret;

		if (!got) {
			ret = zin_fill(z, err);
			if (ret < 0)
				return ret;
			if (!ret)
				return err_set(err, EIO,
					       "%s: offset %" PRIu64
					       ": the data ends here",
					       z->name, zin_tell(z));
			continue;
		}
		if (got > n)
			got = n;
		if (p) {
			memcpy(p, z->buf + z->from, got);
			p += got;
		}
		z->from += got;
		n -= got;
	}
	return 0;
}
