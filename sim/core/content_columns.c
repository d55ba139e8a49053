/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/base/hash.h"
#include "sim/base/par.h"
#include "sim/core/content_impl.h"

/* A multiple of 64: no two pieces share a word of the bitmap. */
#define COLUMN_GRAIN 1024u

static_assert(COLUMN_GRAIN % 64 == 0, "pieces would share words of same_set");

/* KSM's start value for jhash2. */
#define JHASH2_START 17u

uint32_t content_checksum(const uint8_t *page, enum checksum c, bool big_endian)
{
	assert(c < CHECKSUM_COUNT);
	switch (c) {
	case CHECKSUM_XXH64:
		return (uint32_t)hash_xxh64(page, PAGE_BYTES);
	case CHECKSUM_XXH32:
		return hash_xxh32(page, PAGE_BYTES);
	case CHECKSUM_JHASH2:
		return hash_jhash2(page, PAGE_BYTES, JHASH2_START, big_endian);
	case CHECKSUM_CRC32C:
		return hash_crc32c(0, page, PAGE_BYTES);
	case CHECKSUM_COUNT:
		break;
	}
	return 0;
}

static uint16_t column_length(const uint8_t *page)
{
	for (unsigned w = PAGE_WORDS; w--;) {
		uint64_t x = load_le64(page + 8 * w);

		if (x)
			return (uint16_t)(8 * w + log2_64(x) / 8 + 1);
	}
	return 0;
}

static void column_same(struct content_set *s, uint32_t id, const uint8_t *page)
{
	/* Equal to itself one word further on: all words are the first. */
	if (memcmp(page, page + 8, PAGE_BYTES - 8))
		return;
	s->same[id] = load_le64(page);
	s->same_set[id / 64] |= UINT64_C(1) << (id % 64);
}

static int column_span(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	const struct content_job *job = ctx;
	struct content_set *s = job->s;

	for (uint32_t id = (uint32_t)lo; id < hi; id++) {
		const uint8_t *page;

		page = content_job_page(job, id, worker, BUF_PAGE);
		if (s->head)
			s->head[id] = load_be64(page);
		if (s->length)
			s->length[id] = column_length(page);
		if (s->same)
			column_same(s, id, page);
		for (unsigned c = 0; c < CHECKSUM_COUNT; c++)
			if (s->checksum[c])
				s->checksum[c][id] = content_checksum(
					page, c, s->source.big_endian);
	}
	return 0;
}

int content_columns(struct content_job *job)
{
	const struct content_set *s = job->s;

	if (!(s->have & ~NEED_BYTES))
		return 0;
	return par_for(job->threads, s->count, COLUMN_GRAIN, column_span, job);
}
