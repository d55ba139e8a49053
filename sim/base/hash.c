/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <xxhash.h>

#include "sim/base/bits.h"
#include "sim/base/hash.h"

struct digest hash_digest(const void *p, size_t n)
{
	XXH128_hash_t h = XXH3_128bits(p, n);

	return (struct digest){.lo = h.low64, .hi = h.high64};
}

uint64_t hash_xxh3(const void *p, size_t n)
{
	return XXH3_64bits(p, n);
}

uint64_t hash_xxh64(const void *p, size_t n)
{
	return XXH64(p, n, 0);
}

uint32_t hash_xxh32(const void *p, size_t n)
{
	return XXH32(p, n, 0);
}

/*
 * CRC is linear: the entry for a byte is the sum (exclusive or) of the entries
 * for its bits.  The entries for single bits are the successive states of the
 * shift register with polynomial 0x82f63b78: bit 7 of table 0 is the first,
 * bit 0 of table 7 the 64th.  Eight tables let eight bytes be taken at once.
 */
/* clang-format off */
#define BIT(i, n, x) ((i) >> (n) & 1 ? UINT32_C(x) : 0)
#define ENTRY(i, b0, b1, b2, b3, b4, b5, b6, b7)                               \
	(BIT(i, 0, b0) ^ BIT(i, 1, b1) ^ BIT(i, 2, b2) ^ BIT(i, 3, b3) ^       \
	 BIT(i, 4, b4) ^ BIT(i, 5, b5) ^ BIT(i, 6, b6) ^ BIT(i, 7, b7))
#define ENTRY4(i, ...)                                                         \
	ENTRY((i), __VA_ARGS__), ENTRY((i) + 1, __VA_ARGS__),                  \
	ENTRY((i) + 2, __VA_ARGS__), ENTRY((i) + 3, __VA_ARGS__)
#define ENTRY16(i, ...)                                                        \
	ENTRY4((i), __VA_ARGS__), ENTRY4((i) + 4, __VA_ARGS__),                \
	ENTRY4((i) + 8, __VA_ARGS__), ENTRY4((i) + 12, __VA_ARGS__)
#define ENTRY64(i, ...)                                                        \
	ENTRY16((i), __VA_ARGS__), ENTRY16((i) + 16, __VA_ARGS__),             \
	ENTRY16((i) + 32, __VA_ARGS__), ENTRY16((i) + 48, __VA_ARGS__)
#define TABLE(...)                                                             \
	{ENTRY64(0, __VA_ARGS__), ENTRY64(64, __VA_ARGS__),                    \
	 ENTRY64(128, __VA_ARGS__), ENTRY64(192, __VA_ARGS__)}

static const uint32_t crc_table[8][256] = {
	TABLE(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf,
	      0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78),
	TABLE(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8,
	      0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9),
	TABLE(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5,
	      0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743),
	TABLE(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6,
	      0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f),
	TABLE(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91,
	      0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c),
	TABLE(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f,
	      0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6),
	TABLE(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53,
	      0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4),
	TABLE(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da,
	      0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664),
};
/* clang-format on */

uint32_t hash_crc32c(uint32_t crc, const void *p, size_t n)
{
	const unsigned char *b = p;

	crc = ~crc;
	for (; n >= 8; n -= 8, b += 8) {
		uint32_t lo = crc ^ load_le32(b), hi = load_le32(b + 4);

		crc = crc_table[7][lo & 255] ^ crc_table[6][lo >> 8 & 255] ^
		      crc_table[5][lo >> 16 & 255] ^ crc_table[4][lo >> 24] ^
		      crc_table[3][hi & 255] ^ crc_table[2][hi >> 8 & 255] ^
		      crc_table[1][hi >> 16 & 255] ^ crc_table[0][hi >> 24];
	}
	for (; n; n--, b++)
		crc = crc >> 8 ^ crc_table[0][(crc ^ *b) & 255];
	return ~crc;
}

/* ---- lookup3 ---- */

static uint32_t rol(uint32_t x, unsigned k)
{
	return x << k | x >> (32 - k);
}

/* step - x -= z, x ^= z turned left by k, z += y */
static void step(uint32_t *x, const uint32_t *y, uint32_t *z, unsigned k)
{
	*x = (*x - *z) ^ rol(*z, k);
	*z += *y;
}

static void mix(uint32_t v[3])
{
	step(&v[0], &v[1], &v[2], 4);
	step(&v[1], &v[2], &v[0], 6);
	step(&v[2], &v[0], &v[1], 8);
	step(&v[0], &v[1], &v[2], 16);
	step(&v[1], &v[2], &v[0], 19);
	step(&v[2], &v[0], &v[1], 4);
}

static void last_mix(uint32_t v[3])
{
	static const unsigned char turn[] = {14, 11, 25, 16, 4, 14, 24};

	for (unsigned i = 0; i < 7; i++) {
		uint32_t *x = &v[(i + 2) % 3], y = v[(i + 1) % 3];

		*x = (*x ^ y) - rol(y, turn[i]);
	}
}

static void add_words(uint32_t v[3], const unsigned char *b, size_t words,
		      bool big_endian)
{
	for (size_t i = 0; i < words; i++, b += 4)
		v[i] += big_endian ? load_be32(b) : load_le32(b);
}

uint32_t hash_jhash2(const void *p, size_t n, uint32_t initval, bool big_endian)
{
	const unsigned char *b = p;
	uint32_t v[3];

	assert(n % 4 == 0);
	v[0] = v[1] = v[2] = UINT32_C(0xdeadbeef) + (uint32_t)n + initval;
	for (; n > 12; n -= 12, b += 12) {
		add_words(v, b, 3, big_endian);
		mix(v);
	}
	if (n) {
		add_words(v, b, n / 4, big_endian);
		last_mix(v);
	}
	return v[2];
}
