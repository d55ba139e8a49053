/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/keyfamily.h"
#include "tests/support/main.h"

static void set_bit(uint8_t *page, uint64_t bit)
{
	page[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

static void random_keys(uint8_t *page, struct prng *r, uint32_t i)
{
	(void)i;
	page_fill(page, RULE_ID, prng_next(r));
}

static void one_byte(uint8_t *page, struct prng *r, uint32_t i)
{
	(void)r;
	memset(page, 0, PAGE_BYTES);
	page[0] = (uint8_t)i;
}

static void two_bytes(uint8_t *page, struct prng *r, uint32_t i)
{
	(void)i;
	memset(page, 0, PAGE_BYTES);
	page[0] = (uint8_t)prng_below(r, 256);
	page[1] = (uint8_t)prng_below(r, 256);
}

static void last_bytes(uint8_t *page, struct prng *r, uint32_t i)
{
	(void)i;
	page_fill(page, RULE_LAST8, prng_below(r, 5000));
}

static void numbers(uint8_t *page, struct prng *r, uint32_t i)
{
	(void)i;
	page_fill(page, RULE_KEY, prng_next(r) >> prng_below(r, 64));
}

static void single_bit(uint8_t *page, struct prng *r, uint32_t i)
{
	(void)i;
	memset(page, 0, PAGE_BYTES);
	set_bit(page, prng_below(r, PAGE_BITS));
}

/* i leading ones */
static void thermometer(uint8_t *page, struct prng *r, uint32_t i)
{
	uint64_t n = prng_below(r, i % 2 ? PAGE_BITS : 1000);

	memset(page, 0, PAGE_BYTES);
	for (uint64_t b = 0; b < n; b++)
		set_bit(page, b);
}

/* (01)^a 1^j, then zeros */
static void staircase(uint8_t *page, struct prng *r, uint32_t i)
{
	uint64_t a = prng_below(r, 60), j = prng_below(r, 60);

	(void)i;
	memset(page, 0, PAGE_BYTES);
	for (uint64_t b = 0; b < 2 * a + j; b++)
		if (b >= 2 * a || b % 2)
			set_bit(page, b);
}

/* A few bits anywhere, the same few places again and again. */
static void few_bits(uint8_t *page, struct prng *r, uint32_t i)
{
	(void)i;
	memset(page, 0, PAGE_BYTES);
	for (uint64_t n = prng_below(r, 6); n; n--)
		set_bit(page, prng_below(r, 40) * 819);
}

const struct keyfamily_kind keyfamilies[] = {
	{"random", random_keys, 1000, PAGE_BITS},
	{"one byte", one_byte, 256, 8},
	{"two bytes", two_bytes, 2000, 16},
	{"last bytes", last_bytes, 2000, PAGE_BITS},
	{"numbers", numbers, 3000, PAGE_BITS},
	{"single bit", single_bit, 800, PAGE_BITS},
	{"thermometer", thermometer, 800, PAGE_BITS},
	{"staircase", staircase, 1500, PAGE_BITS},
	{"few bits", few_bits, 1500, PAGE_BITS},
	{"few", one_byte, 4, 8},
};

const unsigned keyfamily_count = sizeof(keyfamilies) / sizeof(keyfamilies[0]);

void keyfamily_init(struct keyfamily *k, const struct keyfamily_kind *f,
		    uint32_t keys, struct prng *r)
{
	uint8_t page[PAGE_BYTES];
	uint32_t id;

	page_store_init(&k->ps, UINT32_MAX - 1);
	for (uint32_t i = 0; i < keys - 1; i++) {
		f->fill(page, r, i);
		ck_assert_int_ge(page_store_add(&k->ps, page, &id), 0);
	}
	k->src = page_store_source(&k->ps);
	ck_assert_int_eq(content_set_new(&k->set, &k->src,
					 NEED_PREFIX | NEED_BYTES, 1, NULL),
			 0);
}

void keyfamily_fini(struct keyfamily *k)
{
	content_set_free(k->set);
	page_store_fini(&k->ps);
}
