/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/hash.h"
#include "sim/base/prng.h"
#include "tests/support/main.h"

#define PAGE 4096

static void fill(unsigned char *p, size_t n, const char *name)
{
	struct prng r = prng_fork(7, name);

	for (size_t i = 0; i < n; i++)
		p[i] = (unsigned char)prng_next(&r);
}

START_TEST(xxh64_of_known_pages_is_known)
{
	unsigned char page[PAGE];

	memset(page, 0, PAGE);
	ck_assert_uint_eq(hash_xxh64(page, PAGE), 0xac869b6f32d8bbdb);
	memset(page, 0xa5, PAGE);
	ck_assert_uint_eq(hash_xxh64(page, PAGE), 0x60674ff51501e8d0);
	for (unsigned i = 0; i < PAGE; i++)
		page[i] = (unsigned char)i;
	ck_assert_uint_eq(hash_xxh64(page, PAGE), 0x0f6e64be186af6a4);
	ck_assert_uint_eq(hash_xxh64("", 0), 0xef46db3751d8e999);
}
END_TEST

START_TEST(the_other_xxh_forms_know_the_published_answers)
{
	struct digest d = hash_digest("", 0);

	ck_assert_uint_eq(hash_xxh32("", 0), 0x02cc5d05);
	ck_assert_uint_eq(hash_xxh3("", 0), 0x2d06800538d394c2);
	ck_assert_uint_eq(d.hi, 0x99aa06d3014798d8);
	ck_assert_uint_eq(d.lo, 0x6001c324468d497f);
}
END_TEST

/* One bit at a time, from the polynomial alone. */
static uint32_t slow_crc32c(uint32_t crc, const unsigned char *p, size_t n)
{
	crc = ~crc;
	for (size_t i = 0; i < n; i++) {
		crc ^= p[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
	}
	return ~crc;
}

START_TEST(crc32c_knows_the_check_values)
{
	unsigned char b[32] = {0};

	ck_assert_uint_eq(hash_crc32c(0, "123456789", 9), 0xe3069283);
	ck_assert_uint_eq(hash_crc32c(0, "", 0), 0);
	/* the vectors of RFC 3720, B.4 */
	ck_assert_uint_eq(hash_crc32c(0, b, 32), 0x8a9136aa);
	memset(b, 0xff, 32);
	ck_assert_uint_eq(hash_crc32c(0, b, 32), 0x62a8ab43);
	for (unsigned i = 0; i < 32; i++)
		b[i] = (unsigned char)i;
	ck_assert_uint_eq(hash_crc32c(0, b, 32), 0x46dd794e);
	for (unsigned i = 0; i < 32; i++)
		b[i] = (unsigned char)(31 - i);
	ck_assert_uint_eq(hash_crc32c(0, b, 32), 0x113fdb5c);
}
END_TEST

START_TEST(crc32c_equals_bit_by_bit_at_any_length_and_alignment)
{
	unsigned char b[300];

	fill(b, sizeof(b), "crc");
	for (size_t at = 0; at < 9; at++)
		for (size_t n = 0; n < 280; n++)
			ck_assert_uint_eq(hash_crc32c(0, b + at, n),
					  slow_crc32c(0, b + at, n));
	/* each byte alone at each place of eight: every table entry */
	for (unsigned v = 0; v < 256; v++)
		for (unsigned i = 0; i < 8; i++) {
			unsigned char one[8] = {0};

			one[i] = (unsigned char)v;
			ck_assert_uint_eq(hash_crc32c(0, one, 8),
					  slow_crc32c(0, one, 8));
		}
}
END_TEST

START_TEST(crc32c_goes_on_where_it_stopped)
{
	unsigned char b[100];

	fill(b, sizeof(b), "parts");
	for (size_t cut = 0; cut <= sizeof(b); cut++)
		ck_assert_uint_eq(hash_crc32c(hash_crc32c(0, b, cut), b + cut,
					      sizeof(b) - cut),
				  hash_crc32c(0, b, sizeof(b)));
}
END_TEST

#define TURN(x, k) ((x) << (k) | (x) >> (32 - (k)))

/* lookup3's hashword(), line by line as its author describes it. */
static uint32_t hashword(const uint32_t *k, size_t length, uint32_t initval)
{
	uint32_t a, b, c;

	a = b = c = 0xdeadbeef + ((uint32_t)length << 2) + initval;
	while (length > 3) {
		a += k[0];
		b += k[1];
		c += k[2];
		a -= c;
		a ^= TURN(c, 4);
		c += b;
		b -= a;
		b ^= TURN(a, 6);
		a += c;
		c -= b;
		c ^= TURN(b, 8);
		b += a;
		a -= c;
		a ^= TURN(c, 16);
		c += b;
		b -= a;
		b ^= TURN(a, 19);
		a += c;
		c -= b;
		c ^= TURN(b, 4);
		b += a;
		length -= 3;
		k += 3;
	}
	if (!length)
		return c;
	a += k[0];
	b += length > 1 ? k[1] : 0;
	c += length > 2 ? k[2] : 0;
	c ^= b;
	c -= TURN(b, 14);
	a ^= c;
	a -= TURN(c, 11);
	b ^= a;
	b -= TURN(a, 25);
	c ^= b;
	c -= TURN(b, 16);
	a ^= c;
	a -= TURN(c, 4);
	b ^= a;
	b -= TURN(a, 14);
	c ^= b;
	c -= TURN(b, 24);
	return c;
}

START_TEST(jhash2_equals_lookup3_at_any_length)
{
	uint32_t word[64];
	unsigned char le[256], be[256];

	fill(le, sizeof(le), "words");
	for (size_t i = 0; i < 64; i++) {
		word[i] = load_le32(le + 4 * i);
		for (size_t j = 0; j < 4; j++)
			be[4 * i + j] = le[4 * i + 3 - j];
	}
	for (size_t n = 0; n <= 64; n++)
		for (uint32_t init = 0; init < 40; init += 17) {
			uint32_t h = hashword(word, n, init);

			ck_assert_uint_eq(hash_jhash2(le, 4 * n, init, false),
					  h);
			ck_assert_uint_eq(hash_jhash2(be, 4 * n, init, true),
					  h);
		}
}
END_TEST

START_TEST(jhash2_knows_the_published_answers)
{
	unsigned char text[] = "Four score and seven years ago";

	/* driver5() of lookup3.c: hashlittle() and hashword() agree on whole
	 * little-endian words */
	ck_assert_uint_eq(hash_jhash2("", 0, 0, false), 0xdeadbeef);
	ck_assert_uint_eq(hash_jhash2("", 0, 0xdeadbeef, false), 0xbd5b7dde);
	/* its 30 bytes end in two zeros when read as eight words, and the
	 * published length is mixed in through the start value */
	ck_assert_uint_eq(sizeof(text), 31);
	unsigned char padded[32] = {0};
	memcpy(padded, text, 30);
	ck_assert_uint_eq(hash_jhash2(padded, 32, 0u - 2u, false), 0x17770551);
	ck_assert_uint_eq(hash_jhash2(padded, 32, 1u - 2u, false), 0xcd628161);
}
END_TEST

static Suite *hash_suite(void)
{
	Suite *s = suite_create("hash");
	TCase *t = tcase_create("known");

	tcase_add_test(t, xxh64_of_known_pages_is_known);
	tcase_add_test(t, the_other_xxh_forms_know_the_published_answers);
	tcase_add_test(t, crc32c_knows_the_check_values);
	tcase_add_test(t, crc32c_equals_bit_by_bit_at_any_length_and_alignment);
	tcase_add_test(t, crc32c_goes_on_where_it_stopped);
	tcase_add_test(t, jhash2_equals_lookup3_at_any_length);
	tcase_add_test(t, jhash2_knows_the_published_answers);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(hash_suite());
}
