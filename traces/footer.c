/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "traces/format.h"

static const uint8_t trailer_magic[FMT_MAGIC_BYTES] = {
	0x8e, 'D', 'D', 'S', 'e', 'n', 'd', '\n',
};

static int trailer_missing(const struct os_file *f, uint64_t off,
			   struct err *err)
{
	return err_set(err, EINVAL,
		       "%s: offset %" PRIu64
		       ": no footer, the recording is cut or damaged; "
		       "`dedupsim trace recover` saves what is whole",
		       f->path, off);
}

/* The footer's offset, from the last bytes of the file. */
static int trailer_get(const struct os_file *f, uint64_t first, uint64_t *foot,
		       struct err *err)
{
	uint8_t buf[FMT_TRAILER_BYTES];
	uint64_t at;
	int ret;

	if (f->bytes < first + FMT_SECTION_BYTES + FMT_TRAILER_BYTES)
		return trailer_missing(f, f->bytes, err);
	at = f->bytes - FMT_TRAILER_BYTES;
	ret = os_read_at(f, at, buf, sizeof(buf), err);
	if (ret)
		return ret;
	*foot = load_le64(buf + 8);
	if (memcmp(buf, trailer_magic, FMT_MAGIC_BYTES) ||
	    load_le64(buf + 24) != hash_xxh3(buf, 24) ||
	    load_le64(buf + 16) != f->bytes || *foot < first ||
	    *foot > at - FMT_SECTION_BYTES)
		return trailer_missing(f, at, err);
	return 0;
}

static int footer_bad(const struct os_file *f, uint64_t off, const char *what,
		      struct err *err)
{
	return err_set(err, EINVAL, "%s: offset %" PRIu64 ": the footer %s",
		       f->path, off, what);
}

/* Sections stand without gaps, and their items add up to the totals. */
static int index_check(const struct os_file *f, const struct trace_header *h,
		       uint64_t contents, uint64_t first, uint64_t foot,
		       const struct fmt_entry *e, size_t n, struct err *err)
{
	uint64_t pages = 0, events = 0, at = first;

	for (size_t i = 0; i < n; i++) {
		if ((i ? e[i].offset < at : e[i].offset != at) ||
		    e[i].offset > foot ||
		    foot - e[i].offset < FMT_SECTION_BYTES)
			return footer_bad(f, foot, "lists sections badly", err);
		at = e[i].offset + FMT_SECTION_BYTES;
		if (e[i].items > UINT32_MAX)
			return footer_bad(f, foot, "claims too many items",
					  err);
		if (e[i].tag == FMT_PAGE)
			pages += e[i].items;
		else if (e[i].tag == FMT_EVNT)
			events += e[i].items;
	}
	if (!n && first != foot)
		return footer_bad(f, foot, "lists no sections", err);
	if (contents != pages + 1 || contents >= UINT32_MAX ||
	    events != h->events || h->spaces > SPACE_MAX)
		return footer_bad(f, foot, "has totals that do not add up",
				  err);
	return 0;
}

static void entries_get(struct fmt_entry *e, const uint8_t *p, size_t n,
			uint64_t foot)
{
	for (size_t i = 0; i < n; i++, p += FMT_ENTRY_BYTES)
		e[i] = (struct fmt_entry){
			.offset = load_le64(p),
			.tag = load_le32(p + 8),
			.flags = load_le32(p + 12),
			.items = load_le64(p + 16),
		};
	e[n] = (struct fmt_entry){.offset = foot, .tag = FMT_FOOT};
}

static int footer_parse(const struct os_file *f, struct trace_header *h,
			uint64_t first, uint64_t foot, const uint8_t *p,
			size_t bytes, struct fmt_entry **index, size_t *n,
			struct err *err)
{
	uint64_t contents = load_le64(p), spaces = load_le64(p + 8);
	struct fmt_entry *e;
	int ret;

	*n = (bytes - FMT_FOOT_BYTES) / FMT_ENTRY_BYTES;
	if (load_le64(p + 48) != *n ||
	    bytes != FMT_FOOT_BYTES + *n * FMT_ENTRY_BYTES)
		return footer_bad(f, foot, "is of the wrong size", err);
	h->contents = (uint32_t)contents;
	h->spaces = spaces > SPACE_MAX ? SPACE_MAX + 1 : (uint32_t)spaces;
	h->events = load_le64(p + 16);
	h->end = NS(load_le64(p + 24));
	h->digest.lo = load_le64(p + 32);
	h->digest.hi = load_le64(p + 40);
	e = malloc((*n + 1) * sizeof(*e));
	if (!e)
		return -ENOMEM;
	entries_get(e, p + FMT_FOOT_BYTES, *n, foot);
	ret = index_check(f, h, contents, first, foot, e, *n, err);
	if (ret) {
		free(e);
		return ret;
	}
	*index = e;
	return 0;
}

int fmt_footer_get(const struct os_file *f, struct trace_header *h,
		   uint64_t first, struct fmt_entry **index, size_t *n,
		   struct err *err)
{
	struct fmt_section s;
	uint64_t foot = 0, end;
	uint8_t *buf;
	int ret = trailer_get(f, first, &foot, err);

	if (ret)
		return ret;
	end = f->bytes - FMT_TRAILER_BYTES;
	ret = fmt_section_peek(f, foot, end, &s, err);
	if (ret)
		return ret;
	if (s.tag != FMT_FOOT || s.flags != FMT_PLAIN || s.raw != s.stored ||
	    s.stored != end - foot - FMT_SECTION_BYTES ||
	    s.raw < FMT_FOOT_BYTES ||
	    s.items != (s.raw - FMT_FOOT_BYTES) / FMT_ENTRY_BYTES)
		return footer_bad(f, foot, "is damaged", err);
	/* As large as the file holds it: it cannot claim more. */
	buf = malloc((size_t)(end - foot));
	if (!buf)
		return -ENOMEM;
	ret = os_read_at(f, foot, buf, (size_t)(end - foot), err);
	if (!ret &&
	    load_le64(buf) != hash_xxh3(buf + 8, (size_t)(end - foot) - 8))
		ret = footer_bad(f, foot, "is damaged", err);
	if (!ret)
		ret = footer_parse(f, h, first, foot, buf + FMT_SECTION_BYTES,
				   (size_t)s.raw, index, n, err);
	free(buf);
	return ret;
}

static void trailer_put(uint8_t *p, uint64_t foot, uint64_t bytes)
{
	memcpy(p, trailer_magic, FMT_MAGIC_BYTES);
	store_le64(p + 8, foot);
	store_le64(p + 16, bytes);
	store_le64(p + 24, hash_xxh3(p, 24));
}

int fmt_footer_put(const struct trace_header *h, const struct fmt_entry *index,
		   size_t n, uint64_t off, uint8_t **out, size_t *bytes)
{
	size_t raw = FMT_FOOT_BYTES + n * FMT_ENTRY_BYTES;
	struct fmt_section s = {FMT_FOOT, FMT_PLAIN, raw, raw, n};
	uint8_t *buf, *p;

	*bytes = FMT_SECTION_BYTES + raw + FMT_TRAILER_BYTES;
	buf = malloc(*bytes);
	if (!buf)
		return -ENOMEM;
	p = buf + FMT_SECTION_BYTES;
	store_le64(p, h->contents);
	store_le64(p + 8, h->spaces);
	store_le64(p + 16, h->events);
	store_le64(p + 24, h->end.v);
	store_le64(p + 32, h->digest.lo);
	store_le64(p + 40, h->digest.hi);
	store_le64(p + 48, n);
	p += FMT_FOOT_BYTES;
	for (size_t i = 0; i < n; i++, p += FMT_ENTRY_BYTES) {
		store_le64(p, index[i].offset);
		store_le32(p + 8, index[i].tag);
		store_le32(p + 12, index[i].flags);
		store_le64(p + 16, index[i].items);
	}
	fmt_section_put(buf, &s);
	trailer_put(p, off, off + *bytes);
	*out = buf;
	return 0;
}
