/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every encoder on any page.  The input is the page, said again and again until
 * it is full; or, after a first byte of 'p', small orders that make it:
 *	0nnnnnnn bytes    n literals
 *	10nnnnnn n d d    n * 17 + n bytes from d back
 *	11nnnnnn n        n * 17 + n zeros
 */
#include <lz4.h>
#include <lzo/lzo1x.h>
#include <stdlib.h>
#include <string.h>

#include "models/codec.h"
#include "models/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void by_orders(uint8_t *page, const uint8_t *data, size_t n)
{
	uint32_t at = 0;

	for (size_t i = 0; i + 3 < n && at < PAGE_BYTES;) {
		uint32_t op = data[i++], len = op & 63, back = 0;
		const uint8_t *from = data + i;

		if (op < 128) {
			len = n - i < op ? (uint32_t)(n - i) : op;
			i += len;
		} else {
			len += data[i++] * 17u;
			back = at;
		}
		if (op >= 128 && op < 192) {
			back = 1u + data[i] + data[i + 1] * 256u;
			i += 2;
		}
		for (uint32_t k = 0; k < len && at < PAGE_BYTES; k++, at++) {
			if (op < 128)
				page[at] = from[k];
			else if (op < 192 && back <= at)
				page[at] = page[at - back];
		}
	}
}

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void as_the_libraries(const uint8_t *page)
{
	/* Before 1.10 the library hashes in the host's order. */
	const struct parse_lz4 how = {1, LZ4_LAST_LIBRARY,
				      HOST_BIG_ENDIAN &&
					      LZ4_versionNumber() < 11000};
	_Alignas(16) uint8_t work[LZO1X_1_15_MEM_COMPRESS];
	uint8_t out[CODEC_BYTES_MAX];
	lzo_uint n = sizeof(out);
	struct parse p;

	p.keep = false;
	must(lzo_init() == LZO_E_OK);
	lzo1x_1_15_compress(page, PAGE_BYTES, out, &n, work);
	must(parse_lzo(&p, page, false) == n);
	must((int)parse_lz4(&p, page, &how) ==
	     LZ4_compress_default((const char *)page, (char *)out,
				  (int)PAGE_BYTES, (int)sizeof(out)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t page[PAGE_BYTES] = {0}, back[PAGE_BYTES];
	uint8_t out[CODEC_BYTES_MAX];

	if (n && data[0] == 'p')
		by_orders(page, data + 1, n - 1);
	else
		for (size_t i = 0; n && i < PAGE_BYTES; i++)
			page[i] = data[i % n];
	as_the_libraries(page);
	for (size_t i = 0; codecs[i]; i++) {
		struct codec *c;
		int told, got;

		if (codec_open(&c, codecs[i], codecs[i]->level, n & 1, NULL))
			continue; /* zstd is not the same everywhere */
		told = c->ops->length(c, page);
		got = c->ops->encode(c, page, out);
		must(told > 0 && told <= (int)CODEC_BYTES_MAX && told == got);
		must(!c->ops->expand(c, out, (size_t)got, back));
		must(!memcmp(page, back, PAGE_BYTES));
		/* What is no stream at all is refused, or a page. */
		c->ops->expand(c, data, n, back);
		codec_close(c);
	}
	return 0;
}
