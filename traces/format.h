/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * format.h - the frame of a binary trace: header, sections, footer, trailer
 *
 *	header | META | PAGE … EVNT … PAGE … EVNT | FOOT | trailer
 *
 * FORMAT.md has every byte.  Each section is read as a whole, checked against
 * its checksum and only then unpacked, into a buffer that is as large as the
 * format allows and never as large as a header claims.
 */
#ifndef DEDUPSIM_TRACES_FORMAT_H
#define DEDUPSIM_TRACES_FORMAT_H

#include "sim/base/bits.h"
#include "sim/base/os.h"
#include "traces/trace.h"

#define FMT_MAGIC_BYTES 8u
#define FMT_HEADER_BYTES 32u
#define FMT_HEADER_MAX 4096u /* a later minor version may add fields */
#define FMT_SECTION_BYTES 40u
#define FMT_TRAILER_BYTES 32u
#define FMT_FOOT_BYTES 56u /* before its index */
#define FMT_ENTRY_BYTES 24u

#define FMT_PAGES_MAX 256u		 /* per PAGE section */
#define FMT_EVENTS_MAX 65536u		 /* per EVNT section */
#define FMT_RAW_MAX ((1u << 20) + 4096u) /* unpacked bytes of a section */
/* zstd's worst case for FMT_RAW_MAX bytes, rounded up. */
#define FMT_STORED_MAX (FMT_RAW_MAX + FMT_RAW_MAX / 128 + 1024u)
/* Readable bytes that unpacked payloads have behind them. */
#define FMT_SLACK 128u

#define FMT_TAG(a, b, c, d)                                                    \
	((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 |            \
	 (uint32_t)(d) << 24)
#define FMT_META FMT_TAG('M', 'E', 'T', 'A')
#define FMT_PAGE FMT_TAG('P', 'A', 'G', 'E')
#define FMT_EVNT FMT_TAG('E', 'V', 'N', 'T')
#define FMT_FOOT FMT_TAG('F', 'O', 'O', 'T')

/* Flags of the header. */
#define FMT_BIG_ENDIAN 1u
#define FMT_READS 2u
/* Flags of a section. */
#define FMT_OPTIONAL 1u /* readers that do not know the tag pass over it */
#define FMT_PLAIN 2u	/* the payload is not compressed */

struct fmt_section {
	uint32_t tag, flags;
	uint64_t stored, raw,
		items; /* bytes, bytes, pages or events or pairs */
};

/* One section in the footer's index. */
struct fmt_entry {
	uint64_t offset;
	uint32_t tag, flags;
	uint64_t items;
};

/* What unpacking needs; one per thread. */
struct fmt_unpacker {
	uint8_t *stored; /* section header and payload, as in the file */
	size_t cap;
	void *dctx; /* ZSTD_DCtx */
};

bool fmt_magic(const uint8_t *start, size_t n);
/* fmt_tag_name - the tag as text, for messages; @buf of 5 bytes */
const char *fmt_tag_name(uint32_t tag, char *buf);

void fmt_header_put(uint8_t buf[FMT_HEADER_BYTES], uint32_t flags);
/*
 * fmt_header_get - read and check the header
 * @h:     major, minor, byte order and has_reads are set
 * @bytes: out: its length, where the first section starts
 */
int fmt_header_get(const struct os_file *f, struct trace_header *h,
		   uint64_t *bytes, struct err *err);

/*
 * fmt_section_put - fill in the header of a section whose payload stands at
 * @p + FMT_SECTION_BYTES already
 */
void fmt_section_put(uint8_t *p, const struct fmt_section *s);

void fmt_unpacker_init(struct fmt_unpacker *u);
void fmt_unpacker_fini(struct fmt_unpacker *u);

/*
 * fmt_section_peek - the header of the section at @off, checked for bounds
 * @end: offset at which the section must have ended
 */
int fmt_section_peek(const struct os_file *f, uint64_t off, uint64_t end,
		     struct fmt_section *s, struct err *err);
/* fmt_section_load - read the section [@off, @end) whole and check its sum */
int fmt_section_load(struct fmt_unpacker *u, const struct os_file *f,
		     uint64_t off, uint64_t end, struct fmt_section *s,
		     struct err *err);
/* fmt_section_sum - check the sum of a section of any size */
int fmt_section_sum(const struct os_file *f, uint64_t off, uint64_t end,
		    struct err *err);
/*
 * fmt_section_unpack - the payload loaded last, exactly @s->raw bytes
 * @dst: room for @s->raw, which is at most FMT_RAW_MAX
 */
int fmt_section_unpack(struct fmt_unpacker *u, const struct os_file *f,
		       uint64_t off, const struct fmt_section *s, uint8_t *dst,
		       struct err *err);

/*
 * fmt_footer_get - trailer, footer and index
 * @h:     totals and digest are set
 * @first: where the first section starts
 * @index: out: malloc()ed; entry *@n is a sentinel with the footer's offset
 */
int fmt_footer_get(const struct os_file *f, struct trace_header *h,
		   uint64_t first, struct fmt_entry **index, size_t *n,
		   struct err *err);
/* fmt_footer_put - bytes of the footer section and trailer, malloc()ed
 * @off: where the footer will stand */
int fmt_footer_put(const struct trace_header *h, const struct fmt_entry *index,
		   size_t n, uint64_t off, uint8_t **out, size_t *bytes);

#endif
