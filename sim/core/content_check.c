/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything once more from the bytes, by other and slower means: byte by byte
 * and bit by bit, in one thread, each neighbour in rank against the next.
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/core/content_impl.h"

#define BLOCK (1u << CONTENT_BLOCK_SHIFT)

static const uint8_t *source_page(const struct content_set *s, uint32_t id,
				  uint8_t *buf)
{
	return id ? s->source.bytes(s->source.self, id, buf) : content_zero;
}

static uint32_t common_bits(const uint8_t *a, const uint8_t *b)
{
	uint32_t byte = 0, bit = 0x80, n = 0;

	while (byte < PAGE_BYTES && a[byte] == b[byte])
		byte++;
	if (byte == PAGE_BYTES)
		return PAGE_BITS;
	for (; !((a[byte] ^ b[byte]) & bit); bit >>= 1)
		n++;
	return 8 * byte + n;
}

static int check_head(const struct content_set *s, uint32_t id,
		      const uint8_t *page, struct err *err)
{
	uint64_t head = 0;

	for (unsigned i = 0; i < 8; i++)
		head = head << 8 | page[i];
	if (s->head[id] != head)
		return err_set(err, EINVAL, "content %u: wrong head", id);
	return 0;
}

static int check_length(const struct content_set *s, uint32_t id,
			const uint8_t *page, struct err *err)
{
	uint32_t n = PAGE_BYTES;

	while (n && !page[n - 1])
		n--;
	if (s->length[id] != n)
		return err_set(err, EINVAL, "content %u: length %u, not %u", id,
			       s->length[id], n);
	return 0;
}

static int check_same(const struct content_set *s, uint32_t id,
		      const uint8_t *page, struct err *err)
{
	uint64_t have, word = load_le64(page);
	bool same = true;

	for (uint32_t i = 0; i < PAGE_BYTES; i++)
		same = same && page[i] == (uint8_t)(word >> i % 8 * 8);
	if (content_is_same(s, id, &have) != same)
		return err_set(err, EINVAL, "content %u is%s one word repeated",
			       id, same ? "" : " not");
	if (same && have != word)
		return err_set(err, EINVAL, "content %u: wrong word", id);
	return 0;
}

static int check_checksums(const struct content_set *s, uint32_t id,
			   const uint8_t *page, struct err *err)
{
	for (unsigned c = 0; c < CHECKSUM_COUNT; c++) {
		if (!(s->have & NEED_CHECKSUM(c)))
			continue;
		if (s->checksum[c][id] !=
		    content_checksum(page, c, s->source.big_endian))
			return err_set(err, EINVAL, "content %u: wrong %s", id,
				       need_name(NEED_CHECKSUM(c)));
	}
	return 0;
}

static int check_content(const struct content_set *s, uint32_t id,
			 struct err *err)
{
	uint8_t buf[PAGE_BYTES], lines[PAGE_BYTES];
	const uint8_t *page = source_page(s, id, buf);
	int ret = check_checksums(s, id, page, err);

	if (!ret && s->have & NEED_RANK)
		ret = check_head(s, id, content_scatter(s, page, lines), err);
	if (!ret && s->have & NEED_LENGTH)
		ret = check_length(s, id, page, err);
	if (!ret && s->have & NEED_SAME)
		ret = check_same(s, id, page, err);
	return ret;
}

/* Ranks @r and @r + 1. */
static int check_neighbours(const struct content_set *s, uint32_t r,
			    struct err *err)
{
	uint8_t abuf[PAGE_BYTES], bbuf[PAGE_BYTES];
	uint8_t alines[PAGE_BYTES], blines[PAGE_BYTES];
	uint32_t a = s->by_rank[r], b = s->by_rank[r + 1], bits;
	const uint8_t *pa, *pb;

	if (b >= s->count || s->rank[b] != r + 1)
		return err_set(err, EINVAL, "rank %u: no content has it",
			       r + 1);
	pa = content_scatter(s, source_page(s, a, abuf), alines);
	pb = content_scatter(s, source_page(s, b, bbuf), blines);
	if (memcmp(pa, pb, PAGE_BYTES) >= 0)
		return err_set(err, EINVAL,
			       "contents %u and %u are not in order", a, b);
	bits = common_bits(pa, pb);
	if (s->have & NEED_PREFIX && s->prefix[r] != bits)
		return err_set(err, EINVAL, "rank %u: prefix %u, not %u", r,
			       s->prefix[r], bits);
	return 0;
}

static uint16_t low_of(const uint16_t *v, uint32_t lo, uint32_t hi)
{
	uint16_t low = UINT16_MAX;

	for (uint32_t i = lo; i < hi; i++)
		low = v[i] < low ? v[i] : low;
	return low;
}

static int check_block(const struct content_set *s, uint32_t b, struct err *err)
{
	uint32_t lo = b * BLOCK, hi = lo;

	while (hi < s->count && hi - lo < BLOCK)
		hi++;
	for (uint32_t r = lo; r < hi; r++)
		if (s->prefix_l[r] != low_of(s->prefix, lo, r + 1) ||
		    s->prefix_r[r] != low_of(s->prefix, r, hi))
			return err_set(err, EINVAL,
				       "rank %u: wrong minimum in its block",
				       r);
	if (s->sparse[b] != low_of(s->prefix, lo, hi))
		return err_set(err, EINVAL, "block %u: wrong minimum", b);
	return 0;
}

static int check_ranges(const struct content_set *s, struct err *err)
{
	uint64_t blocks = s->blocks;

	if (s->prefix[s->count - 1])
		return err_set(err, EINVAL, "the last rank has a prefix");
	if (blocks != ((uint64_t)s->count + BLOCK - 1) / BLOCK)
		return err_set(err, EINVAL, "wrong number of blocks");
	for (uint32_t b = 0; b < blocks; b++) {
		int ret = check_block(s, b, err);

		if (ret)
			return ret;
	}
	/* A level is right when the one below is and each entry joins two. */
	for (uint64_t n = 2, at = blocks; n <= blocks; n *= 2, at += blocks)
		for (uint64_t b = 0; b + n <= blocks; b++) {
			uint16_t x = s->sparse[at - blocks + b];
			uint16_t y = s->sparse[at - blocks + b + n / 2];

			if (s->sparse[at + b] != (x < y ? x : y))
				return err_set(err, EINVAL,
					       "block %u: wrong minimum of %u",
					       (unsigned)b, (unsigned)n);
		}
	return 0;
}

/* One column once more, in one thread. */
static int check_extra(const struct content_set *s, unsigned extra,
		       struct err *err)
{
	const struct content_column *how = &s->extra[extra].how;
	uint8_t buf[PAGE_BYTES];
	void *worker;
	int ret = how->open(how, s->source.big_endian, &worker, err);

	if (ret)
		return ret;
	for (uint32_t id = 0; !ret && id < s->count; id++) {
		uint16_t value = 0;

		ret = how->value(worker, source_page(s, id, buf), &value);
		if (!ret && value != s->extra[extra].value[id])
			ret = err_set(err, EINVAL, "content %u: %s %u, not %u",
				      id, how->name, s->extra[extra].value[id],
				      value);
	}
	how->close(worker);
	return ret;
}

static uint64_t machine_word(const struct content_set *s, const uint8_t *p)
{
	uint64_t x = 0;

	for (unsigned i = 0; i < 8; i++)
		x |= (uint64_t)p[i] << 8 * (s->source.big_endian ? 7 - i : i);
	return x;
}

/* Is content @a before @b, as numbers of the recorded machine? */
static bool words_before(const struct content_set *s, uint32_t a, uint32_t b)
{
	uint8_t abuf[PAGE_BYTES], bbuf[PAGE_BYTES];
	uint8_t alines[PAGE_BYTES], blines[PAGE_BYTES];
	const uint8_t *pa = source_page(s, a, abuf);
	const uint8_t *pb = source_page(s, b, bbuf);

	pa = content_scatter(s, pa, alines);
	pb = content_scatter(s, pb, blines);
	for (uint32_t i = 0; i < PAGE_BYTES; i += 8) {
		uint64_t x = machine_word(s, pa + i);
		uint64_t y = machine_word(s, pb + i);

		if (x != y)
			return x < y;
	}
	return false;
}

static int check_words(const struct content_set *s, struct err *err)
{
	uint32_t *by_rank = mem_zalloc(s->count, sizeof(*by_rank));
	int ret = 0;

	if (!by_rank)
		return -ENOMEM;
	for (uint32_t r = 0; r < s->count; r++)
		by_rank[r] = UINT32_MAX;
	for (uint32_t id = 0; !ret && id < s->count; id++) {
		uint32_t r = s->word_rank[id];

		if (r >= s->count || by_rank[r] != UINT32_MAX)
			ret = err_set(err, EINVAL,
				      "content %u: wrong word rank %u", id, r);
		else
			by_rank[r] = id;
	}
	for (uint32_t r = 0; !ret && r + 1 < s->count; r++)
		if (!words_before(s, by_rank[r], by_rank[r + 1]))
			ret = err_set(err, EINVAL,
				      "contents %u and %u are not in order of "
				      "words",
				      by_rank[r], by_rank[r + 1]);
	free(by_rank);
	return ret;
}

int content_set_check(const struct content_set *s, struct err *err)
{
	int ret = 0;

	for (uint32_t id = 0; !ret && id < s->count; id++)
		ret = check_content(s, id, err);
	for (unsigned i = 0; !ret && i < CONTENT_EXTRAS; i++)
		if (s->extra[i].value)
			ret = check_extra(s, i, err);
	if (ret || !(s->have & NEED_RANK))
		return ret;
	/* The page of zeros is the least of all. */
	if (s->by_rank[0] || s->rank[0])
		return err_set(err, EINVAL, "content 0 is not the first");
	for (uint32_t r = 0; !ret && r + 1 < s->count; r++)
		ret = check_neighbours(s, r, err);
	if (!ret && s->have & NEED_PREFIX)
		ret = check_ranges(s, err);
	if (!ret && s->have & NEED_WORD_RANK)
		ret = check_words(s, err);
	return ret;
}
