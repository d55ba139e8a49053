/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <lz4.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "models/codec.h"
#include "models/parse.h"

#define COPY_MIN 4u
#define COPY_END (PAGE_BYTES - 5)   /* the last bytes are always literals */
#define LAST_COPY (PAGE_BYTES - 12) /* no copy begins behind it */
#define SKIP_SHIFT 6  /* failures before the step grows, as a power of two */
#define TOKEN_MAX 15u /* what half a token can say */

static uint32_t slot(const uint8_t *p, bool big_endian)
{
	uint32_t word = big_endian ? load_be32(p) : load_le32(p);

	return word * UINT32_C(2654435761) >> 19;
}

static bool same4(const uint8_t *page, uint32_t a, uint32_t b)
{
	return load_le32(page + a) == load_le32(page + b);
}

/* Bytes equal from @a and @b (below it) on. */
static uint32_t common(const uint8_t *page, uint32_t a, uint32_t b)
{
	uint32_t from = a;

	for (; a + 8 <= COPY_END; a += 8, b += 8) {
		uint64_t x = load_le64(page + a) ^ load_le64(page + b);

		if (x)
			return a - from + ctz64(x) / 8;
	}
	while (a < COPY_END && page[a] == page[b]) {
		a++;
		b++;
	}
	return a - from;
}

/* Bytes by which a count overflows its half of the token. */
static uint32_t extra(uint32_t n)
{
	return n < TOKEN_MAX ? 0 : (n - TOKEN_MAX) / 255 + 1;
}

/* From *@ip on, a place whose four bytes stand at *@m too. */
static bool search(struct parse *p, const uint8_t *page,
		   const struct parse_lz4 *how, uint32_t *ip, uint32_t *m)
{
	uint32_t tries = how->acceleration << SKIP_SHIFT;
	uint32_t at, ahead = *ip, step = 1;
	uint32_t next = slot(page + ahead, how->big_endian);

	do {
		uint32_t h = next;

		at = ahead;
		ahead += step;
		step = tries++ >> SKIP_SHIFT;
		if (ahead > how->last)
			return false;
		*m = p->table[h];
		next = slot(page + ahead, how->big_endian);
		p->table[h] = (uint16_t)at;
	} while (!same4(page, *m, at));
	*ip = at;
	return true;
}

/* Copies from *@ip on, one behind the other; false: no more can begin. */
static bool copies(struct parse *p, const uint8_t *page,
		   const struct parse_lz4 *how, uint32_t *ip, uint32_t m,
		   uint32_t literals, uint32_t *out)
{
	uint32_t at = *ip, h;

	do {
		uint32_t more = common(page, at + COPY_MIN, m + COPY_MIN);

		*out += 1 + literals + extra(literals) + 2 + extra(more);
		parse_step(p, literals, at - m, COPY_MIN + more);
		at += COPY_MIN + more;
		*ip = at;
		literals = 0;
		if (at > LAST_COPY)
			return false;
		p->table[slot(page + at - 2, how->big_endian)] =
			(uint16_t)(at - 2);
		h = slot(page + at, how->big_endian);
		m = p->table[h];
		p->table[h] = (uint16_t)at;
	} while (same4(page, m, at));
	return true;
}

unsigned parse_lz4(struct parse *p, const uint8_t *page,
		   const struct parse_lz4 *how)
{
	uint32_t out = 0, ip = 1, m, anchor = 0;
	bool more = true;

	p->steps = 0;
	memset(p->table, 0, sizeof(p->table));
	while (more && search(p, page, how, &ip, &m)) {
		/* What lies before may be equal too. */
		while (ip > anchor && m && page[ip - 1] == page[m - 1]) {
			ip--;
			m--;
		}
		more = copies(p, page, how, &ip, m, ip - anchor, &out);
		anchor = ip++;
	}
	return out + 1 + PAGE_BYTES - anchor + extra(PAGE_BYTES - anchor);
}

/* ---- the stream ---- */

static uint8_t *put_extra(uint8_t *out, uint32_t n)
{
	if (n < TOKEN_MAX)
		return out;
	for (n -= TOKEN_MAX; n >= 255; n -= 255)
		*out++ = 255;
	*out++ = (uint8_t)n;
	return out;
}

static uint32_t half(uint32_t n)
{
	return n < TOKEN_MAX ? n : TOKEN_MAX;
}

static uint8_t *put_literals(uint8_t *out, const uint8_t *from, uint32_t n)
{
	*out++ = (uint8_t)(half(n) << 4);
	out = put_extra(out, n);
	memcpy(out, from, n);
	return out + n;
}

unsigned parse_lz4_write(const struct parse *p, const uint8_t *page,
			 uint8_t *out)
{
	uint8_t *at = out, *token;
	uint32_t ip = 0;

	for (unsigned i = 0; i < p->steps; i++) {
		const struct parse_step *s = &p->step[i];
		uint32_t more = s->bytes - COPY_MIN;

		token = at;
		at = put_literals(at, page + ip, s->literals);
		*token |= (uint8_t)half(more);
		store_le16(at, s->back);
		at = put_extra(at + 2, more);
		ip += s->literals + (uint32_t)s->bytes;
	}
	at = put_literals(at, page + ip, PAGE_BYTES - ip);
	return (unsigned)(at - out);
}

/* ---- the codec ---- */

struct lz4 {
	struct codec codec;
	struct parse_lz4 how;
	LZ4_stream_t *state; /* the library's */
	struct parse parse;
};

static int lz4_length(struct codec *c, const uint8_t *page)
{
	struct lz4 *z = (struct lz4 *)c;

	z->parse.keep = false;
	return (int)parse_lz4(&z->parse, page, &z->how);
}

static int lz4_encode(struct codec *c, const uint8_t *page, uint8_t *out)
{
	struct lz4 *z = (struct lz4 *)c;

	z->parse.keep = true;
	parse_lz4(&z->parse, page, &z->how);
	return (int)parse_lz4_write(&z->parse, page, out);
}

static int lz4_compress(struct codec *c, const uint8_t *page, uint8_t *out)
{
	struct lz4 *z = (struct lz4 *)c;

	return LZ4_compress_fast_extState(z->state, (const char *)page,
					  (char *)out, (int)PAGE_BYTES,
					  (int)CODEC_BYTES_MAX, (int)c->level);
}

static int lz4_expand(struct codec *c, const uint8_t *in, size_t n,
		      uint8_t *page)
{
	int got = -1;

	(void)c;
	if (n <= CODEC_BYTES_MAX)
		got = LZ4_decompress_safe((const char *)in, (char *)page,
					  (int)n, (int)PAGE_BYTES);
	return got == (int)PAGE_BYTES ? 0 : -EINVAL;
}

static void lz4_close(struct codec *c)
{
	struct lz4 *z = (struct lz4 *)c;

	free(z->state);
	free(z);
}

static int lz4_open(struct codec **out, unsigned level, bool big_endian,
		    struct err *err)
{
	struct lz4 *z = mem_zalloc(1, sizeof(*z));

	(void)err;
	if (!z)
		return -ENOMEM;
	z->state = malloc((size_t)LZ4_sizeofState());
	if (!z->state) {
		free(z);
		return -ENOMEM;
	}
	z->codec = (struct codec){&codec_lz4, level};
	z->how = (struct parse_lz4){level, LZ4_LAST_LINUX, big_endian};
	*out = &z->codec;
	return 0;
}

const struct codec_ops codec_lz4 = {
	.name = "lz4",
	.summary = "LZ4, its level is the acceleration",
	.source = "[linux-6.18] lib/lz4/lz4_compress.c",
	.level_min = 1,
	.level_max = 16,
	.level = 1,
	.open = lz4_open,
	.length = lz4_length,
	.encode = lz4_encode,
	.compress = lz4_compress,
	.expand = lz4_expand,
	.close = lz4_close,
};
