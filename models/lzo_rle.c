/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "models/codec.h"
#include "models/parse.h"

#define SEARCH_END (PAGE_BYTES - 20)
#define SKIP_SHIFT 5 /* literals for which the step grows by one */
#define ZEROS_MIN 4u
#define ZEROS_MAX 2051u /* 11 bits say how many more than the least */
#define NEAR_BYTES 8u	/* the short form of a copy … */
#define NEAR_BACK 2048u
#define COPY_BYTES 33u /* … and the most that the long one says at once */
#define SPARE_MAX 3u   /* literals whose number rides in the step before */
#define SHORT_MAX 18u  /* literals whose number is one byte */
#define END_BYTES 3u

/* ---- lengths ---- */

/* Bytes for a count in the run-on form: a zero byte for each 255. */
static uint32_t run_on(uint32_t n)
{
	return 1 + (n - 1) / 255;
}

static uint32_t literal_bytes(uint32_t n)
{
	if (n <= SPARE_MAX)
		return n;
	return n + 1 + (n <= SHORT_MAX ? 0 : run_on(n - SHORT_MAX));
}

static uint32_t copy_bytes(uint32_t n, uint32_t back)
{
	if (n <= NEAR_BYTES && back <= NEAR_BACK)
		return 2;
	return 3 + (n <= COPY_BYTES ? 0 : run_on(n - COPY_BYTES));
}

/* Four zeros stand at @ip; how many do in all, as far as one step takes them */
static uint32_t zeros(const uint8_t *page, uint32_t ip)
{
	uint32_t end = ip + ZEROS_MAX, at = ip + ZEROS_MIN;

	if (end > SEARCH_END)
		end = SEARCH_END;
	if (end < at)
		end = at;
	for (; at < end; at += 8) {
		uint64_t x = load_le64(page + at);

		if (x) {
			at += ctz64(x) / 8;
			break;
		}
	}
	return (at < end ? at : end) - ip;
}

/*
 * Four bytes are equal at @ip and @m; how many are.  They are compared by eight;
 * a copy that is still equal where searches end stops there, even in between.
 */
static uint32_t equal(const uint8_t *page, uint32_t ip, uint32_t m)
{
	uint32_t n = 4;
	uint64_t x;

	do {
		x = load_le64(page + ip + n) ^ load_le64(page + m + n);
		if (x)
			return n + ctz64(x) / 8;
		n += 8;
	} while (ip + n < SEARCH_END);
	return n;
}

/* The step that begins with @literals before @ip: bytes that it takes from
 * there, 0: nothing matches. */
static uint32_t step(struct parse *p, const uint8_t *page, uint32_t ip,
		     uint32_t literals, bool rle, uint32_t *out)
{
	uint32_t word = load_le32(page + ip), n, m;
	uint16_t *slot;

	if (rle && !word) {
		n = zeros(page, ip);
		parse_step(p, literals, 0, n);
		*out += literal_bytes(literals) + 4;
		return n;
	}
	slot = &p->table[word * UINT32_C(0x1824429d) >> 19];
	m = *slot;
	*slot = (uint16_t)ip;
	if (load_le32(page + m) != word)
		return 0;
	n = equal(page, ip, m);
	parse_step(p, literals, ip - m, n);
	*out += literal_bytes(literals) + copy_bytes(n, ip - m);
	return n;
}

unsigned parse_lzo(struct parse *p, const uint8_t *page, bool rle)
{
	uint32_t ip = 4, done = 0, n, out = rle ? 2 : 0;

	p->steps = 0;
	memset(p->table, 0, sizeof(p->table));
	for (;;) {
		ip += 1 + ((ip - done) >> SKIP_SHIFT);
		/* A step is tried at once where another one ended. */
		while (ip < SEARCH_END &&
		       (n = step(p, page, ip, ip - done, rle, &out)))
			done = ip += n;
		if (ip >= SEARCH_END)
			break;
	}
	return out + literal_bytes(PAGE_BYTES - done) + END_BYTES;
}

/* ---- the stream ---- */

struct writer {
	uint8_t *at;
	uint8_t *spare; /* the byte that has two bits left */
};

static void put_run_on(struct writer *w, uint32_t n)
{
	for (; n > 255; n -= 255)
		*w->at++ = 0;
	*w->at++ = (uint8_t)n;
}

static void put_literals(struct writer *w, const uint8_t *from, uint32_t n)
{
	if (n <= SPARE_MAX && w->spare) {
		*w->spare |= (uint8_t)n;
	} else if (n <= SHORT_MAX) {
		*w->at++ = (uint8_t)(n - 3);
	} else {
		*w->at++ = 0;
		put_run_on(w, n - SHORT_MAX);
	}
	memcpy(w->at, from, n);
	w->at += n;
}

static void put_zeros(struct writer *w, uint32_t n)
{
	n -= ZEROS_MIN;
	*w->at++ = (uint8_t)(0x18 | (n & 7));
	w->spare = w->at;
	store_le16(w->at, 0xfffc);
	w->at[2] = (uint8_t)(n >> 3);
	w->at += 3;
}

static void put_copy(struct writer *w, uint32_t n, uint32_t back)
{
	back--;
	if (n <= NEAR_BYTES && back < NEAR_BACK) {
		w->spare = w->at;
		w->at[0] = (uint8_t)((n - 1) << 5 | (back & 7) << 2);
		w->at[1] = (uint8_t)(back >> 3);
		w->at += 2;
		return;
	}
	*w->at++ = (uint8_t)(0x20 | (n <= COPY_BYTES ? n - 2 : 0));
	if (n > COPY_BYTES)
		put_run_on(w, n - COPY_BYTES);
	w->spare = w->at;
	store_le16(w->at, (uint16_t)(back << 2));
	w->at += 2;
}

unsigned parse_lzo_write(const struct parse *p, const uint8_t *page, bool rle,
			 uint8_t *out)
{
	static const uint8_t head[] = {0x11, 1}, end[END_BYTES] = {0x11, 0, 0};
	struct writer w = {out, NULL};
	uint32_t ip = 0;

	if (rle) {
		memcpy(out, head, sizeof(head));
		w.at += sizeof(head);
	}
	for (unsigned i = 0; i < p->steps; i++) {
		const struct parse_step *s = &p->step[i];

		put_literals(&w, page + ip, s->literals);
		if (s->back)
			put_copy(&w, s->bytes, s->back);
		else
			put_zeros(&w, s->bytes);
		ip += s->literals + (uint32_t)s->bytes;
	}
	put_literals(&w, page + ip, PAGE_BYTES - ip);
	memcpy(w.at, end, END_BYTES);
	return (unsigned)(w.at - out) + END_BYTES;
}

/* ---- the codec ---- */

struct lzo_rle {
	struct codec codec;
	struct parse parse;
};

static int lzo_rle_length(struct codec *c, const uint8_t *page)
{
	struct lzo_rle *z = (struct lzo_rle *)c;

	z->parse.keep = false;
	return (int)parse_lzo(&z->parse, page, true);
}

static int lzo_rle_encode(struct codec *c, const uint8_t *page, uint8_t *out)
{
	struct lzo_rle *z = (struct lzo_rle *)c;

	z->parse.keep = true;
	parse_lzo(&z->parse, page, true);
	return (int)parse_lzo_write(&z->parse, page, true, out);
}

static int lzo_rle_expand(struct codec *c, const uint8_t *in, size_t n,
			  uint8_t *page)
{
	(void)c;
	return lzo_rle_read(in, n, page) ? 0 : -EINVAL;
}

static void lzo_rle_close(struct codec *c)
{
	free(c);
}

static int lzo_rle_open(struct codec **out, unsigned level, bool big_endian,
			struct err *err)
{
	struct lzo_rle *z = mem_zalloc(1, sizeof(*z));

	(void)big_endian; /* hashed in little-endian order everywhere */
	(void)err;
	if (!z)
		return -ENOMEM;
	z->codec = (struct codec){&codec_lzo_rle, level};
	*out = &z->codec;
	return 0;
}

const struct codec_ops codec_lzo_rle = {
	.name = "lzo-rle",
	.summary = "LZO with runs of zeros, zram's default since 5.1",
	.source = "[linux-6.18] lib/lzo/lzo1x_compress.c, "
		  "Documentation/staging/lzo.rst",
	.open = lzo_rle_open,
	.length = lzo_rle_length,
	.encode = lzo_rle_encode,
	.compress = lzo_rle_encode,
	.expand = lzo_rle_expand,
	.close = lzo_rle_close,
};
