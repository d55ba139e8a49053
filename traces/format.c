/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>

#include "sim/base/mem.h"
#include "traces/format.h"

/* The first byte is no text, the line ends show a transfer that mends them. */
static const uint8_t file_magic[FMT_MAGIC_BYTES] = {
	0x8e, 'D', 'D', 'S', '\r', '\n', 0x1a, '\n',
};

bool fmt_magic(const uint8_t *start, size_t n)
{
	return n >= FMT_MAGIC_BYTES &&
	       !memcmp(start, file_magic, FMT_MAGIC_BYTES);
}

const char *fmt_tag_name(uint32_t tag, char *buf)
{
	for (int i = 0; i < 4; i++) {
		char c = (char)(tag >> (8 * i) & 0x7f);

		buf[i] = c > ' ' && c < 0x7f ? c : '?';
	}
	buf[4] = 0;
	return buf;
}

void fmt_header_put(uint8_t buf[FMT_HEADER_BYTES], uint32_t flags)
{
	memcpy(buf, file_magic, FMT_MAGIC_BYTES);
	store_le16(buf + 8, TRACE_MAJOR);
	store_le16(buf + 10, TRACE_MINOR);
	store_le32(buf + 12, FMT_HEADER_BYTES);
	store_le32(buf + 16, PAGE_BYTES);
	store_le32(buf + 20, flags);
	store_le64(buf + 24, hash_xxh3(buf, 24));
}

static int header_check(const struct os_file *f, const uint8_t *buf,
			uint32_t bytes, struct err *err)
{
	uint32_t flags = load_le32(buf + 20);

	if (load_le64(buf + bytes - 8) != hash_xxh3(buf, bytes - 8))
		return err_set(err, EINVAL,
			       "%s: offset 0: the header is damaged", f->path);
	if (load_le32(buf + 16) != PAGE_BYTES)
		return err_set(err, EINVAL,
			       "%s: offset 16: pages of %" PRIu32
			       " bytes; only %u can be read",
			       f->path, load_le32(buf + 16), PAGE_BYTES);
	if (flags & ~(FMT_BIG_ENDIAN | FMT_READS))
		return err_set(err, EINVAL,
			       "%s: offset 20: unknown flags 0x%" PRIx32,
			       f->path, flags);
	return 0;
}

int fmt_header_get(const struct os_file *f, struct trace_header *h,
		   uint64_t *bytes, struct err *err)
{
	uint8_t buf[FMT_HEADER_MAX];
	uint32_t n;
	int ret;

	if (f->bytes < FMT_HEADER_BYTES)
		return err_set(err, EINVAL,
			       "%s: offset %" PRIu64
			       ": the file ends inside the header",
			       f->path, f->bytes);
	ret = os_read_at(f, 0, buf, FMT_HEADER_BYTES, err);
	if (ret)
		return ret;
	if (!fmt_magic(buf, FMT_HEADER_BYTES))
		return err_set(err, EINVAL, "%s: not a binary trace", f->path);
	h->major = load_le16(buf + 8);
	h->minor = load_le16(buf + 10);
	if (h->major != TRACE_MAJOR)
		return err_set(err, EINVAL,
			       "%s: format %u.%u; this program reads %u.x",
			       f->path, h->major, h->minor, TRACE_MAJOR);
	n = load_le32(buf + 12);
	if (n < FMT_HEADER_BYTES || n > FMT_HEADER_MAX || n > f->bytes)
		return err_set(err, EINVAL,
			       "%s: offset 12: a header of %" PRIu32 " bytes",
			       f->path, n);
	ret = os_read_at(f, 0, buf, n, err);
	if (!ret)
		ret = header_check(f, buf, n, err);
	if (ret)
		return ret;
	h->big_endian = load_le32(buf + 20) & FMT_BIG_ENDIAN;
	h->has_reads = load_le32(buf + 20) & FMT_READS;
	*bytes = n;
	return 0;
}

void fmt_section_put(uint8_t *p, const struct fmt_section *s)
{
	store_le32(p + 8, s->tag);
	store_le32(p + 12, s->flags);
	store_le64(p + 16, s->stored);
	store_le64(p + 24, s->raw);
	store_le64(p + 32, s->items);
	store_le64(p,
		   hash_xxh3(p + 8, FMT_SECTION_BYTES - 8 + (size_t)s->stored));
}

static void section_get(const uint8_t *p, struct fmt_section *s)
{
	*s = (struct fmt_section){
		.tag = load_le32(p + 8),
		.flags = load_le32(p + 12),
		.stored = load_le64(p + 16),
		.raw = load_le64(p + 24),
		.items = load_le64(p + 32),
	};
}

void fmt_unpacker_init(struct fmt_unpacker *u)
{
	*u = (struct fmt_unpacker){0};
}

void fmt_unpacker_fini(struct fmt_unpacker *u)
{
	ZSTD_freeDCtx(u->dctx);
	free(u->stored);
	fmt_unpacker_init(u);
}

int fmt_section_peek(const struct os_file *f, uint64_t off, uint64_t end,
		     struct fmt_section *s, struct err *err)
{
	uint8_t buf[FMT_SECTION_BYTES];
	int ret;

	if (end < off || end - off < FMT_SECTION_BYTES)
		return err_set(err, EINVAL,
			       "%s: offset %" PRIu64
			       ": no room for a section header",
			       f->path, off);
	ret = os_read_at(f, off, buf, sizeof(buf), err);
	if (ret)
		return ret;
	section_get(buf, s);
	if (s->stored > end - off - FMT_SECTION_BYTES)
		return err_set(err, EINVAL,
			       "%s: offset %" PRIu64 ": a section of %" PRIu64
			       " bytes, longer than what follows",
			       f->path, off, s->stored);
	return 0;
}

static int section_bad_sum(const struct os_file *f, uint64_t off,
			   struct err *err)
{
	return err_set(err, EINVAL,
		       "%s: offset %" PRIu64
		       ": the section's checksum is wrong",
		       f->path, off);
}

int fmt_section_load(struct fmt_unpacker *u, const struct os_file *f,
		     uint64_t off, uint64_t end, struct fmt_section *s,
		     struct err *err)
{
	uint64_t n = end - off;
	uint8_t *p;
	int ret;

	if (n < FMT_SECTION_BYTES || n - FMT_SECTION_BYTES > FMT_STORED_MAX)
		return err_set(err, EINVAL,
			       "%s: offset %" PRIu64 ": a section of %" PRIu64
			       " bytes; at most %u are allowed",
			       f->path, off, n, FMT_STORED_MAX);
	if (n > u->cap) {
		p = realloc(u->stored, (size_t)n);
		if (!p)
			return -ENOMEM;
		u->stored = p;
		u->cap = (size_t)n;
	}
	ret = os_read_at(f, off, u->stored, (size_t)n, err);
	if (ret)
		return ret;
	section_get(u->stored, s);
	if (s->stored != n - FMT_SECTION_BYTES)
		return err_set(err, EINVAL,
			       "%s: offset %" PRIu64 ": the section's length "
			       "does not agree with the index",
			       f->path, off);
	if (load_le64(u->stored) != hash_xxh3(u->stored + 8, (size_t)n - 8))
		return section_bad_sum(f, off, err);
	return 0;
}

int fmt_section_sum(const struct os_file *f, uint64_t off, uint64_t end,
		    struct err *err)
{
	XXH3_state_t *x = XXH3_createState();
	uint8_t buf[8192];
	uint64_t want = 0, at = off, n;
	int ret = x ? 0 : -ENOMEM;

	if (!ret)
		XXH3_64bits_reset(x);
	for (; !ret && at < end; at += n) {
		size_t skip = at == off ? 8 : 0;

		n = end - at < sizeof(buf) ? end - at : sizeof(buf);
		ret = os_read_at(f, at, buf, (size_t)n, err);
		if (ret)
			break;
		if (skip)
			want = load_le64(buf);
		XXH3_64bits_update(x, buf + skip, (size_t)n - skip);
	}
	if (!ret && XXH3_64bits_digest(x) != want)
		ret = section_bad_sum(f, off, err);
	XXH3_freeState(x);
	return ret;
}

int fmt_section_unpack(struct fmt_unpacker *u, const struct os_file *f,
		       uint64_t off, const struct fmt_section *s, uint8_t *dst,
		       struct err *err)
{
	const uint8_t *src = u->stored + FMT_SECTION_BYTES;
	size_t got;

	if (s->flags & ~(FMT_OPTIONAL | FMT_PLAIN) || s->raw > FMT_RAW_MAX)
		return err_set(err, EINVAL,
			       "%s: offset %" PRIu64 ": flags 0x%" PRIx32
			       " with %" PRIu64 " bytes unpacked: not allowed",
			       f->path, off, s->flags, s->raw);
	if (s->flags & FMT_PLAIN) {
		if (s->stored != s->raw)
			goto bad;
		memcpy(dst, src, (size_t)s->raw);
		return 0;
	}
	if (!u->dctx)
		u->dctx = ZSTD_createDCtx();
	if (!u->dctx)
		return -ENOMEM;
	got = ZSTD_decompressDCtx(u->dctx, dst, (size_t)s->raw, src,
				  (size_t)s->stored);
	if (got == s->raw)
		return 0;
bad:
	return err_set(err, EINVAL,
		       "%s: offset %" PRIu64
		       ": the section does not unpack to its %" PRIu64 " bytes",
		       f->path, off, s->raw);
}
