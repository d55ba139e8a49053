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

static void column_page(struct content_set *s, uint32_t id, const uint8_t *page)
{
	if (s->head)
		s->head[id] = load_be64(page + CONTENT_LINE * s->line[0]);
	if (s->length)
		s->length[id] = column_length(page);
	if (s->same)
		column_same(s, id, page);
	for (unsigned c = 0; c < CHECKSUM_COUNT; c++)
		if (s->checksum[c])
			s->checksum[c][id] =
				content_checksum(page, c, s->source.big_endian);
}

static int column_span(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	const struct content_job *job = ctx;

	for (uint32_t id = (uint32_t)lo; id < hi; id++)
		column_page(job->s, id,
			    content_job_page(job, id, worker, BUF_PAGE));
	return 0;
}

void content_sparse_sorted(const struct content_set *s,
			   struct content_sparse *few)
{
	const unsigned words = CONTENT_LINE / 8;
	struct content_sparse out = {.n = 0};

	if (!(s->have & NEED_SCATTERED))
		return;
	for (unsigned l = 0; l < CONTENT_LINES; l++)
		for (unsigned i = 0; i < few->n; i++)
			if (few->at[i] / words == s->line[l]) {
				out.word[out.n] = few->word[i];
				out.at[out.n++] = (uint16_t)(
					l * words + few->at[i] % words);
			}
	*few = out;
}

/* The thread's page is zeros before and after: only what differs is touched. */
static int column_span_sparse(void *ctx, uint64_t lo, uint64_t hi,
			      unsigned worker)
{
	const struct content_job *job = ctx;
	uint8_t *page =
		job->buf + ((size_t)worker * BUF_COUNT + BUF_PAGE) * PAGE_BYTES;
	const uint64_t only =
		NEED_RANK | NEED_PREFIX | NEED_BYTES | NEED_SCATTERED;
	struct content_set *s = job->s;
	struct content_sparse few;

	for (uint32_t id = (uint32_t)lo; id < hi; id++) {
		content_job_sparse(job, id, &few);
		if (!(s->have & ~only)) {
			content_sparse_sorted(s, &few);
			s->head[id] = few.n && !few.at[0] ? few.word[0] : 0;
			continue;
		}
		for (unsigned i = 0; i < few.n; i++)
			store_be64(page + 8 * few.at[i], few.word[i]);
		column_page(s, id, page);
		for (unsigned i = 0; i < few.n; i++)
			store_be64(page + 8 * few.at[i], 0);
	}
	return 0;
}

int content_columns(struct content_job *job)
{
	const struct content_set *s = job->s;

	if (!(s->have & ~NEED_BYTES))
		return 0;
	return par_for(job->threads, s->count, COLUMN_GRAIN,
		       s->source.sparse ? column_span_sparse : column_span,
		       job);
}
