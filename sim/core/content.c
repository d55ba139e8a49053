/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/par.h"
#include "sim/base/prng.h"
#include "sim/core/content_impl.h"

#define BLOCK (1u << CONTENT_BLOCK_SHIFT)

const uint8_t content_zero[PAGE_BYTES];

/* clang-format off */
static const struct {
	uint64_t bit;
	const char *name;
} columns[] = {
	{NEED_RANK, "rank"},
	{NEED_PREFIX, "prefix"},
	{NEED_LENGTH, "length"},
	{NEED_SAME, "same-filled word"},
	{NEED_BYTES, "bytes"},
	{NEED_WORD_RANK, "word rank"},
	{NEED_SCATTERED, "scattered lines"},
#define X(sym, name) {NEED_CHECKSUM(CHECKSUM_##sym), "checksum " name},
	CHECKSUMS(X)
#undef X
};
/* clang-format on */

#define COLUMN_COUNT (sizeof(columns) / sizeof(columns[0]))

const char *need_name(uint64_t needs)
{
	for (unsigned i = 0; i < COLUMN_COUNT; i++)
		if (columns[i].bit == (needs & (~needs + 1)))
			return columns[i].name;
	return "unknown";
}

static int check_needs(const struct content_source *src, uint64_t needs,
		       struct err *err)
{
	uint64_t odd = needs;

	for (unsigned i = 0; i < COLUMN_COUNT; i++)
		odd &= ~columns[i].bit;
	if (odd)
		return err_set(err, ENOTSUP,
			       "no column of the contents is number %u",
			       ctz64(odd));
	if (needs && !src->bytes)
		return err_set(err, ENOTSUP,
			       "column %s: the input holds no page contents",
			       need_name(needs));
	return 0;
}

static int alloc_ranks(struct content_set *s)
{
	s->rank = mem_zalloc(s->count, sizeof(*s->rank));
	s->head = mem_zalloc(s->count, sizeof(*s->head));
	s->by_rank = mem_zalloc(s->count, sizeof(*s->by_rank));
	if (!s->rank || !s->head || !s->by_rank)
		return -ENOMEM;
	if (s->have & NEED_WORD_RANK) {
		s->word_rank = mem_zalloc(s->count, sizeof(*s->word_rank));
		if (!s->word_rank)
			return -ENOMEM;
	}
	if (!(s->have & NEED_PREFIX))
		return 0;
	s->prefix = mem_zalloc(s->count, sizeof(*s->prefix));
	return s->prefix ? 0 : -ENOMEM;
}

static int alloc_columns(struct content_set *s)
{
	size_t n = s->count;

	if (s->have & NEED_RANK && alloc_ranks(s))
		return -ENOMEM;
	if (s->have & NEED_LENGTH) {
		s->length = mem_zalloc(n, sizeof(*s->length));
		if (!s->length)
			return -ENOMEM;
	}
	if (s->have & NEED_SAME) {
		s->same = mem_zalloc(n, sizeof(*s->same));
		s->same_set = mem_zalloc(n / 64 + 1, sizeof(*s->same_set));
		if (!s->same || !s->same_set)
			return -ENOMEM;
	}
	for (unsigned c = 0; c < CHECKSUM_COUNT; c++) {
		if (!(s->have & NEED_CHECKSUM(c)))
			continue;
		s->checksum[c] = mem_zalloc(n, sizeof(*s->checksum[c]));
		if (!s->checksum[c])
			return -ENOMEM;
	}
	return 0;
}

static uint16_t min16(uint16_t a, uint16_t b)
{
	return a < b ? a : b;
}

static void sweep_block(struct content_set *s, uint32_t b)
{
	uint32_t lo = b << CONTENT_BLOCK_SHIFT;
	uint32_t hi = s->count - lo < BLOCK ? s->count : lo + BLOCK;
	uint16_t low = UINT16_MAX;

	for (uint32_t i = lo; i < hi; i++)
		s->prefix_l[i] = low = min16(low, s->prefix[i]);
	s->sparse[b] = low;
	low = UINT16_MAX;
	for (uint32_t i = hi; i-- > lo;)
		s->prefix_r[i] = low = min16(low, s->prefix[i]);
}

/*
 * Range minimum: any run of whole blocks is covered by two runs of 2^k blocks
 * that may overlap.  Level k of the table has the minimum of the 2^k blocks
 * from b on at [k * blocks + b]; where they would not fit it stays unused.
 */
static int build_ranges(struct content_set *s)
{
	uint32_t blocks = ((s->count - 1) >> CONTENT_BLOCK_SHIFT) + 1;
	unsigned levels = log2_64(blocks) + 1;

	s->prefix_l = mem_zalloc(s->count, sizeof(*s->prefix_l));
	s->prefix_r = mem_zalloc(s->count, sizeof(*s->prefix_r));
	s->sparse = mem_zalloc((size_t)blocks * levels, sizeof(*s->sparse));
	if (!s->prefix_l || !s->prefix_r || !s->sparse)
		return -ENOMEM;
	s->blocks = blocks;
	for (uint32_t b = 0; b < blocks; b++)
		sweep_block(s, b);
	for (unsigned k = 1; k < levels; k++) {
		const uint16_t *from = s->sparse + (size_t)(k - 1) * blocks;
		uint16_t *to = s->sparse + (size_t)k * blocks;
		uint32_t half = UINT32_C(1) << (k - 1);

		for (uint32_t b = 0; b <= blocks - 2 * half; b++)
			to[b] = min16(from[b], from[b + half]);
	}
	return 0;
}

static int told_twins(const struct content_job *job, struct err *err)
{
	const struct content_source *src = &job->s->source;

	if (src->blame)
		src->blame(src->self, job->twin_a, job->twin_b, err);
	return err_set(err, EINVAL, "contents %u and %u are equal", job->twin_a,
		       job->twin_b);
}

static int compute(struct content_set *s, unsigned threads, struct err *err)
{
	struct content_job job = {.s = s, .threads = threads};
	int ret;

	job.buf = mem_zalloc((size_t)threads * BUF_COUNT, PAGE_BYTES);
	if (!job.buf)
		return -ENOMEM;
	ret = content_columns(&job);
	if (!ret && s->have & NEED_RANK)
		ret = content_sort(&job);
	if (!ret && job.twin_b)
		ret = told_twins(&job, err);
	if (!ret && s->have & NEED_WORD_RANK) {
		job.words = true;
		ret = content_sort(&job);
	}
	free(job.buf);
	if (!ret && s->have & NEED_PREFIX)
		ret = build_ranges(s);
	return ret;
}

/* All orders are equally likely. */
static void draw_lines(struct content_set *s)
{
	struct prng r = prng_fork(s->source.seed, "content.lines");

	for (unsigned i = 0; i < CONTENT_LINES; i++)
		s->line[i] = (uint8_t)i;
	for (unsigned i = CONTENT_LINES - 1;
	     s->have & NEED_SCATTERED && i; i--) {
		unsigned j = (unsigned)prng_below(&r, i + 1);
		uint8_t line = s->line[i];

		s->line[i] = s->line[j];
		s->line[j] = line;
	}
}

int content_set_new(struct content_set **out, const struct content_source *src,
		    uint64_t needs, unsigned threads, struct err *err)
{
	struct content_set *s;
	int ret = check_needs(src, needs, err);

	assert(src->count && threads);
	if (ret)
		return ret;
	s = mem_zalloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->count = src->count;
	s->source = *src;
	s->have = needs;
	if (needs & (NEED_PREFIX | NEED_WORD_RANK))
		s->have |= NEED_RANK;
	draw_lines(s);
	ret = alloc_columns(s);
	if (!ret)
		ret = compute(s, threads < PAR_MAX ? threads : PAR_MAX, err);
	if (ret) {
		content_set_free(s);
		return ret;
	}
	*out = s;
	return 0;
}

void content_set_free(struct content_set *s)
{
	if (!s)
		return;
	free(s->rank);
	free(s->head);
	free(s->by_rank);
	free(s->word_rank);
	free(s->stream_first);
	free(s->stream_rank);
	free(s->prefix);
	free(s->prefix_l);
	free(s->prefix_r);
	free(s->sparse);
	for (unsigned c = 0; c < CHECKSUM_COUNT; c++)
		free(s->checksum[c]);
	free(s->length);
	free(s->same);
	free(s->same_set);
	for (unsigned i = 0; i < CONTENT_EXTRAS; i++)
		free(s->extra[i].value);
	free(s);
}

const uint8_t *content_scatter(const struct content_set *s, const uint8_t *page,
			       uint8_t *buf)
{
	if (!(s->have & NEED_SCATTERED))
		return page;
	for (unsigned i = 0; i < CONTENT_LINES; i++)
		memcpy(buf + CONTENT_LINE * i,
		       page + CONTENT_LINE * s->line[i], CONTENT_LINE);
	return buf;
}

const uint8_t *content_bytes(struct content_set *s, uint32_t id, uint8_t *buf)
{
	assert(s->have & NEED_BYTES && id < s->count);
	s->bytes_asked++;
	return id ? s->source.bytes(s->source.self, id, buf) : content_zero;
}

uint32_t content_prefix_far(const struct content_set *s, uint32_t lo,
			    uint32_t hi)
{
	uint32_t last = hi - 1;
	uint32_t b = lo >> CONTENT_BLOCK_SHIFT;
	uint32_t e = last >> CONTENT_BLOCK_SHIFT;
	const uint16_t *level;
	uint16_t low;
	unsigned k;

	if (b == e) {
		low = s->prefix[lo];
		for (uint32_t i = lo + 1; i <= last; i++)
			low = min16(low, s->prefix[i]);
		return low;
	}
	low = min16(s->prefix_r[lo], s->prefix_l[last]);
	if (++b == e)
		return low;
	k = log2_64(e - b);
	level = s->sparse + (size_t)k * s->blocks;
	low = min16(low, level[b]);
	return min16(low, level[e - (UINT32_C(1) << k)]);
}

/* The first entry from @at on that is @low. */
static uint32_t find_low(const uint16_t *v, uint32_t at, uint16_t low)
{
	while (v[at] != low)
		at++;
	return at;
}

/*
 * Among contents that agree up to a bit, those with a 0 there come before those
 * with a 1, and the two groups meet once: at the only place between the ranks
 * where the prefix is as short as that.
 */
uint32_t content_split(const struct content_set *s, uint32_t ra, uint32_t rb)
{
	uint32_t lo = ra < rb ? ra : rb, hi = ra < rb ? rb : ra;
	uint16_t low = (uint16_t)content_prefix_bits(s, lo, hi);
	uint32_t last = hi - 1, b, e;
	const uint16_t *level;
	unsigned k;

	b = lo >> CONTENT_BLOCK_SHIFT;
	e = last >> CONTENT_BLOCK_SHIFT;
	if (b == e || s->prefix_r[lo] == low)
		return find_low(s->prefix, lo, low) + 1;
	if (s->prefix_l[last] == low)
		return find_low(s->prefix, e << CONTENT_BLOCK_SHIFT, low) + 1;
	k = log2_64(e - ++b);
	level = s->sparse + (size_t)k * s->blocks;
	if (level[b] != low)
		b = e - (UINT32_C(1) << k);
	while (k--) {
		level -= s->blocks;
		if (level[b] != low)
			b += UINT32_C(1) << k;
	}
	return find_low(s->prefix, b << CONTENT_BLOCK_SHIFT, low) + 1;
}
