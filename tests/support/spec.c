/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/prng.h"
#include "sim/base/units.h"
#include "tests/support/spec.h"

#define SEED 1u

struct dice {
	uint64_t at;
	uint64_t seed; /* S of the specification */
};

static uint64_t roll(struct dice *d)
{
	uint64_t x = splitmix64(d->at);

	d->at += UINT64_C(0x9e3779b97f4a7c15);
	return x;
}

static uint32_t roll_below(struct dice *d, uint32_t n)
{
	return (uint32_t)((roll(d) >> 32) * n >> 32);
}

static void roll_bytes(struct dice *d, uint8_t *p, uint64_t n)
{
	while (n--)
		*p++ = (uint8_t)(roll(d) >> 56);
}

static void zeros_random(uint8_t *page, uint64_t k, struct dice *d)
{
	roll_bytes(d, page + PAGE_BYTES - k, k);
}

static void zeros_byte_random(uint8_t *page, uint64_t k, struct dice *d)
{
	page[64] = 0xa5;
	zeros_random(page, k, d);
}

static void random_zeros(uint8_t *page, uint64_t k, struct dice *d)
{
	roll_bytes(d, page, k);
}

static void repeated(uint8_t *page, uint64_t k, struct dice *d)
{
	roll_bytes(d, page, k);
	for (uint64_t i = k; i < PAGE_BYTES; i++)
		page[i] = page[i - k];
}

static void sprinkled(uint8_t *page, uint64_t k, struct dice *d)
{
	while (k--) {
		uint8_t byte = (uint8_t)(1 + roll_below(d, 255));

		page[roll_below(d, PAGE_BYTES)] = byte;
	}
}

/* A word is the seed of its letters, so the same number gives the same word. */
static void words(uint8_t *page, uint64_t k, struct dice *d)
{
	uint32_t at = 0;

	while (at < PAGE_BYTES) {
		struct dice w = {.at = d->seed +
				       UINT64_C(7919) *
					       roll_below(d, (uint32_t)k)};

		for (uint32_t n = 2 + roll_below(&w, 8); n && at < PAGE_BYTES;
		     n--)
			page[at++] = (uint8_t)('a' + roll_below(&w, 26));
		if (at < PAGE_BYTES)
			page[at++] = ' ';
	}
}

static void pointers(uint8_t *page, uint64_t k, struct dice *d)
{
	uint64_t heap = UINT64_C(0x00005581a0000000) + (roll(d) & 0xfff0000);

	for (uint32_t i = 0; i < PAGE_BYTES; i += 8) {
		uint64_t to = heap + UINT64_C(16) * roll_below(d, 65536);

		store_le64(page + i, roll_below(d, 100) < k ? 0 : to);
	}
}

static void counters(uint8_t *page, uint64_t k, struct dice *d)
{
	uint32_t v = (uint32_t)roll(d);

	for (uint32_t i = 0; i < PAGE_BYTES; i += 4, v += (uint32_t)k)
		store_le32(page + i, v);
}

static const struct {
	const char *name;
	uint64_t min, max;
	void (*fill)(uint8_t *page, uint64_t k, struct dice *d);
} kinds[] = {
	{"zr", 0, PAGE_BYTES, zeros_random},
	{"zbr", 0, PAGE_BYTES - 65, zeros_byte_random},
	{"rz", 0, PAGE_BYTES, random_zeros},
	{"rep", 1, PAGE_BYTES, repeated},
	{"spr", 0, UINT32_MAX, sprinkled},
	{"txt", 1, UINT32_MAX, words},
	{"ptr", 0, UINT32_MAX, pointers},
	{"ctr", 0, UINT32_MAX, counters},
};

static bool number(const char **s, int base, uint64_t *out)
{
	char *end;

	*out = strtoull(*s, &end, base);
	if (end == *s || (*end && *end != ':'))
		return false;
	*s = *end ? end + 1 : end;
	return true;
}

static bool two_words(const char *args, bool both, uint8_t *page)
{
	uint64_t a, b;

	if (!number(&args, 16, &a))
		return false;
	b = a;
	if (both && !number(&args, 16, &b))
		return false;
	for (uint32_t i = 0; i < PAGE_BYTES; i += 16) {
		store_le64(page + i, a);
		store_le64(page + i + 8, b);
	}
	return !*args;
}

bool spec_page(const char *spec, uint8_t *page)
{
	const char *args = strchr(spec, ':');
	size_t n = args ? (size_t)(args - spec) : 0;
	struct dice d;
	uint64_t k, s;

	if (!args++)
		return false;
	if (n == 4 && !memcmp(spec, "same", n))
		return two_words(args, false, page);
	if (n == 3 && !memcmp(spec, "alt", n))
		return two_words(args, true, page);
	if (!number(&args, 10, &k) || !number(&args, 10, &s) || *args)
		return false;
	d = (struct dice){s * UINT64_C(0x100000001b3) + k + SEED, s};
	memset(page, 0, PAGE_BYTES);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strlen(kinds[i].name) != n ||
		    memcmp(kinds[i].name, spec, n) || k < kinds[i].min ||
		    k > kinds[i].max)
			continue;
		kinds[i].fill(page, k, &d);
		return true;
	}
	return false;
}
