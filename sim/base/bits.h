/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bits.h - the few operations that need the compiler's help
 *
 * The only header with GNU syntax.  Loads and stores name their byte order, so
 * that nothing else depends on the host's.
 */
#ifndef DEDUPSIM_BASE_BITS_H
#define DEDUPSIM_BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define prefetch(p) __builtin_prefetch((p), 0, 3)

/* Leading / trailing zero bits; the argument must not be 0. */
static inline unsigned clz64(uint64_t x)
{
	return (unsigned)__builtin_clzll(x);
}

static inline unsigned ctz64(uint64_t x)
{
	return (unsigned)__builtin_ctzll(x);
}

/* Floor of the binary logarithm; @x must not be 0. */
static inline unsigned log2_64(uint64_t x)
{
	return 63u - clz64(x);
}

static inline bool is_pow2(uint64_t x)
{
	return x && !(x & (x - 1));
}

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define HOST_BIG_ENDIAN 1
#else
#define HOST_BIG_ENDIAN 0
#endif

static inline uint64_t load_le64(const void *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return HOST_BIG_ENDIAN ? __builtin_bswap64(x) : x;
}

static inline uint64_t load_be64(const void *p)
{
	uint64_t x;

	memcpy(&x, p, sizeof(x));
	return HOST_BIG_ENDIAN ? x : __builtin_bswap64(x);
}

static inline uint32_t load_le32(const void *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return HOST_BIG_ENDIAN ? __builtin_bswap32(x) : x;
}

static inline uint32_t load_be32(const void *p)
{
	uint32_t x;

	memcpy(&x, p, sizeof(x));
	return HOST_BIG_ENDIAN ? x : __builtin_bswap32(x);
}

static inline uint16_t load_le16(const void *p)
{
	uint16_t x;

	memcpy(&x, p, sizeof(x));
	return HOST_BIG_ENDIAN ? __builtin_bswap16(x) : x;
}

static inline void store_le64(void *p, uint64_t x)
{
	if (HOST_BIG_ENDIAN)
		x = __builtin_bswap64(x);
	memcpy(p, &x, sizeof(x));
}

static inline void store_be64(void *p, uint64_t x)
{
	if (!HOST_BIG_ENDIAN)
		x = __builtin_bswap64(x);
	memcpy(p, &x, sizeof(x));
}

static inline void store_le32(void *p, uint32_t x)
{
	if (HOST_BIG_ENDIAN)
		x = __builtin_bswap32(x);
	memcpy(p, &x, sizeof(x));
}

static inline void store_le16(void *p, uint16_t x)
{
	if (HOST_BIG_ENDIAN)
		x = __builtin_bswap16(x);
	memcpy(p, &x, sizeof(x));
}

/*
 * Sums of products that 64 bits cannot hold.
 * u128_div() sticks at UINT64_MAX.
 */
struct u128 {
	uint64_t lo, hi;
};

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 bits_u128;

static inline void u128_muladd(struct u128 *sum, uint64_t a, uint64_t b)
{
	bits_u128 x = (bits_u128)sum->hi << 64 | sum->lo;

	x += (bits_u128)a * b;
	sum->lo = (uint64_t)x;
	sum->hi = (uint64_t)(x >> 64);
}

static inline uint64_t u128_div(struct u128 x, uint64_t by)
{
	if (x.hi >= by)
		return UINT64_MAX;
	return (uint64_t)(((bits_u128)x.hi << 64 | x.lo) / by);
}
#else
static inline void u128_muladd(struct u128 *sum, uint64_t a, uint64_t b)
{
	uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
	uint64_t mid = ah * bl + (al * bl >> 32), low = a * b;

	sum->hi += ah * bh + (mid >> 32) +
		   (((uint32_t)mid + al * bh) >> 32);
	sum->lo += low;
	sum->hi += sum->lo < low;
}

static inline uint64_t u128_div(struct u128 x, uint64_t by)
{
	uint64_t q = 0, rest = x.hi;

	if (rest >= by)
		return UINT64_MAX;
	for (int bit = 63; bit >= 0; bit--) {
		bool over = rest >> 63;

		rest = rest << 1 | (x.lo >> bit & 1);
		if (over || rest >= by) {
			rest -= by;
			q |= UINT64_C(1) << bit;
		}
	}
	return q;
}
#endif

#endif
