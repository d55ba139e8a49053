/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/prng.h"
#include "tests/fidelity/zram/probe.h"

#define GOLDEN UINT64_C(0x9e3779b97f4a7c15)
#define SPOT_AT 64u
#define RANDOM_MAX (PAGE_BYTES - 72) /* the spot and its neighbours stay */
#define PAGE_SEED 7u
#define RAW_SEED 99u /* and the slot: raw pages differ */

uint64_t dice_roll(struct dice *d)
{
	uint64_t v = splitmix64(d->state);

	d->state += GOLDEN;
	return v;
}

uint32_t dice_below(struct dice *d, uint32_t n)
{
	return (uint32_t)((dice_roll(d) >> 32) * n >> 32);
}

double dice_bell(struct dice *d)
{
	double sum = 0;

	for (int i = 0; i < 12; i++)
		sum += (double)(dice_roll(d) >> 11) * 0x1.0p-53;
	return sum - 6.0;
}

/* ---- pages ---- */

static void make_page(const struct probe *p, const struct recipe *r,
		      uint32_t seed, uint8_t *page)
{
	struct dice d = {seed * UINT64_C(0x100000001b3) + r->random + p->seed};

	memset(page, 0, PAGE_BYTES);
	if (r->spot)
		page[SPOT_AT] = 0xa5;
	for (uint32_t i = PAGE_BYTES - r->random; i < PAGE_BYTES; i++)
		page[i] = (uint8_t)(dice_roll(&d) >> 56);
}

void probe_page(struct probe *p, uint32_t length, uint32_t slot, uint8_t *page)
{
	const struct recipe raw = {.random = PAGE_BYTES};
	uint32_t word = slot * UINT32_C(0x01010101);

	if (!length)
		for (uint32_t i = 0; i < PAGE_WORDS; i++)
			store_le64(page + i * 8, word);
	else if (length >= p->huge)
		make_page(p, &raw, slot + RAW_SEED, page);
	else
		make_page(p, &p->recipe[length], PAGE_SEED, page);
}

/* ---- what the kernel, or its models, say ---- */

static void fail(struct probe *p, int ret)
{
	if (ret && !p->failed)
		p->failed = ret;
}

static bool same_filled(const uint8_t *page)
{
	return !memcmp(page, page + 8, PAGE_BYTES - 8);
}

/* Length as stored on its own, or a negative errno. */
static int measure_length(struct probe *p, const uint8_t *page)
{
	struct disk_stat a, b;
	int ret = disk_discard(&p->disk, 0);

	if (ret)
		return err_set(&p->err, -ret, "discarding a page: %s",
			       strerror(-ret));
	ret = disk_stat(&p->disk, &a, &p->err);
	if (!ret)
		ret = disk_write(&p->disk, 0, page);
	if (ret)
		return err_set(&p->err, -ret, "writing a page: %s",
			       strerror(-ret));
	ret = disk_stat(&p->disk, &b, &p->err);
	return ret ? ret : (int)(b.v[DISK_COMPR] - a.v[DISK_COMPR]);
}

static int model_length(struct probe *p, const uint8_t *page)
{
	int n;

	if (same_filled(page))
		return 0;
	n = p->codec->ops->length(p->codec, page);
	return n >= 0 && (uint32_t)n >= p->huge ? (int)PAGE_BYTES : n;
}

/* All pages of one kind, until one of them is stored raw. */
static void calibrate(struct probe *p, bool spot)
{
	uint8_t page[PAGE_BYTES];

	for (uint16_t k = 1; !p->failed && k <= RANDOM_MAX; k++) {
		struct recipe r = {.random = k, .spot = spot};
		int n;

		make_page(p, &r, PAGE_SEED, page);
		n = p->tell ? model_length(p, page) : measure_length(p, page);
		if (n < 0)
			fail(p, n);
		if (n < 0 || (uint32_t)n >= PAGE_BYTES)
			return;
		if (n && !p->recipe[n].random)
			p->recipe[n] = r;
		if (!p->tell && (uint32_t)n >= p->huge)
			p->huge = (uint32_t)n + 1;
	}
}

static int model_huge(struct probe *p)
{
	struct pool *pool;
	int ret = pool_new(&pool, &pool_zsmalloc, NULL, &p->err);

	if (ret)
		return ret;
	p->huge = pool->huge_bytes;
	pool_destroy(pool);
	return 0;
}

void probe_calibrate(struct probe *p)
{
	if (p->tell)
		fail(p, model_huge(p));
	else
		fail(p, disk_setup(&p->disk, 4, &p->err));
	calibrate(p, false);
	calibrate(p, true);
}

uint32_t probe_near(struct probe *p, uint32_t length)
{
	for (uint32_t d = 0; d < PAGE_BYTES; d++) {
		if (length + d < p->huge && p->recipe[length + d].random)
			return length + d;
		if (d < length && p->recipe[length - d].random)
			return length - d;
	}
	fail(p,
	     err_set(&p->err, EINVAL, "no page has a length near %u", length));
	return 1;
}

/* Fill an empty device with one length until it grows. */
static int measure_shape(struct probe *p, uint32_t length, uint32_t *pages,
			 uint32_t *objects)
{
	uint8_t page[PAGE_BYTES];
	struct disk_stat one = {{0}}, st;
	int ret = disk_setup(&p->disk, SLOTS, &p->err);

	probe_page(p, length, 0, page);
	if (!ret)
		ret = disk_write(&p->disk, 0, page);
	if (!ret)
		ret = disk_stat(&p->disk, &one, &p->err);
	st = one;
	for (*objects = 0; !ret && st.v[DISK_USED] == one.v[DISK_USED];) {
		++*objects;
		ret = disk_write(&p->disk, *objects, page);
		if (!ret)
			ret = disk_stat(&p->disk, &st, &p->err);
	}
	if (ret)
		return err_set(&p->err, -ret, "filling the device: %s",
			       strerror(-ret));
	*pages = (uint32_t)(one.v[DISK_USED] / PAGE_BYTES);
	return 0;
}

static int model_shape(struct probe *p, uint32_t length, uint32_t *pages,
		       uint32_t *objects)
{
	struct pool *pool;
	uint32_t handle;
	int ret = pool_new(&pool, &pool_zsmalloc, NULL, &p->err);

	if (ret)
		return ret;
	ret = pool_alloc(pool, length, &handle, &p->meter, &p->err);
	*pages = (uint32_t)pool->pages;
	for (*objects = 0; !ret && pool->pages == *pages; ++*objects)
		ret = pool_alloc(pool, length, &handle, &p->meter, &p->err);
	pool_destroy(pool);
	return ret;
}

void probe_shape(struct probe *p, uint32_t length, uint32_t *pages,
		 uint32_t *objects)
{
	*pages = *objects = 1;
	if (p->failed)
		return;
	fail(p, (p->tell ? model_shape : measure_shape)(p, length, pages,
							objects));
}
