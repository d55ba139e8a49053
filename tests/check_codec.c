/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "sim/base/os.h"
#include "sim/base/text.h"
#include "sim/core/pages.h"
#include "models/codec.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/spec.h"

#define VECTORS "tests/vectors/zram-codec-6.18.tsv"
#define HUGE_LIMIT 3625u /* of the recorded kernel: from here on, kept raw */

static struct codec *encoder(const struct codec_ops *ops, unsigned level)
{
	struct codec *c = NULL;
	struct err err = {0};
	int ret = codec_open(&c, ops, level, false, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ck_assert_ptr_eq(c->ops, ops);
	ck_assert_uint_eq(c->level, level);
	return c;
}

/* The length, after the stream was written, measured and read back. */
static unsigned length(struct codec *c, const uint8_t *page)
{
	uint8_t out[CODEC_BYTES_MAX + 1], back[PAGE_BYTES];
	int n = c->ops->length(c, page);

	out[CODEC_BYTES_MAX] = 0xee;
	memset(back, 0xdb, PAGE_BYTES);
	ck_assert_int_gt(n, 0);
	ck_assert_int_le(n, (int)CODEC_BYTES_MAX);
	ck_assert_int_eq(c->ops->encode(c, page, out), n);
	ck_assert_uint_eq(out[CODEC_BYTES_MAX], 0xee);
	ck_assert_int_eq(c->ops->expand(c, out, (size_t)n, back), 0);
	ck_assert_mem_eq(back, page, PAGE_BYTES);
	/* Encoders keep nothing from page to page. */
	ck_assert_int_eq(c->ops->length(c, page), n);
	return (unsigned)n;
}

static bool is_same(const uint8_t *page)
{
	return !memcmp(page, page + 8, PAGE_BYTES - 8);
}

/* What zram says it stored. */
static unsigned stored(struct codec *c, const uint8_t *page)
{
	unsigned n;

	if (is_same(page))
		return 0;
	n = length(c, page);
	return n < HUGE_LIMIT ? n : PAGE_BYTES;
}

START_TEST(lengths_of_recorded_pages_are_the_kernels)
{
	struct codec *c[] = {encoder(&codec_lzo, 0), encoder(&codec_lzo_rle, 0),
			     encoder(&codec_lz4, 1)};
	uint8_t page[PAGE_BYTES];
	char *text, *p, *line, *word[5];
	unsigned rows = 0, kept = 0;
	size_t n;

	ck_assert_int_eq(os_read_all(VECTORS, 1 << 20, &text, &n, NULL), 0);
	p = text;
	while ((line = text_line(&p, text + n))) {
		uint64_t want;

		if (text_words(line, word, 5) != 4 || !strcmp(word[0], "page"))
			continue;
		ck_assert_msg(spec_page(word[0], page), "%s", word[0]);
		for (unsigned i = 0; i < 3; i++) {
			unsigned got = stored(c[i], page);

			ck_assert(text_u64(word[1 + i], &want));
			ck_assert_msg(got == want,
				      "%s, page %s: %u, not %" PRIu64,
				      c[i]->ops->name, word[0], got, want);
			kept += got && got < PAGE_BYTES;
		}
		rows++;
	}
	ck_assert_uint_eq(rows, 528);
	ck_assert_uint_gt(kept, 1000);
	for (unsigned i = 0; i < 3; i++)
		codec_close(c[i]);
	free(text);
}
END_TEST

/* The recording found these lengths one by one, page by page; see VECTORS. */
START_TEST(the_ladder_of_lzo_has_the_rungs_it_had)
{
	static const char *const family[] = {"zr", "zbr"};
	struct codec *c = encoder(&codec_lzo, 0);
	bool met[PAGE_BYTES] = {false};
	uint8_t page[PAGE_BYTES];
	char spec[32];

	for (unsigned f = 0; f < 2; f++)
		for (unsigned k = 1, n = 0; k < PAGE_BYTES - 71; k++) {
			snprintf(spec, sizeof(spec), "%s:%u:7", family[f], k);
			ck_assert(spec_page(spec, page));
			n = stored(c, page);
			if (n == PAGE_BYTES)
				break;
			met[n] = true;
		}
	for (unsigned n = 1; n < PAGE_BYTES; n++)
		ck_assert_msg(met[n] == (n >= 44 && n != 48 && n < HUGE_LIMIT),
			      "length %u", n);
	codec_close(c);
}
END_TEST

/* ---- pages at the edges ---- */

static void all_codecs(void (*fn)(struct codec *c))
{
	for (size_t i = 0; codecs[i]; i++)
		for (unsigned l = codecs[i]->level_min;
		     l <= codecs[i]->level_max; l++) {
			struct codec *c = encoder(codecs[i], l);

			fn(c);
			codec_close(c);
		}
}

/* Counted by hand, from the formats. */
START_TEST(pages_of_one_byte_have_the_lengths_of_the_formats)
{
	struct codec *lz4 = encoder(&codec_lz4, 1);
	struct codec *lzo = encoder(&codec_lzo, 0);
	struct codec *rle = encoder(&codec_lzo_rle, 0);
	uint8_t page[PAGE_BYTES];

	for (unsigned byte = 0; byte < 256; byte += 85) {
		memset(page, (int)byte, PAGE_BYTES);
		/* token, 1 literal, offset; the copy is 4090 long, 19 of it
		 * in the token; token, 5 literals */
		ck_assert_uint_eq(length(lz4, page),
				  1 + 1 + 2 + (4090 - 4 - 15) / 255 + 1 + 6);
		/* 5 literals; 4 + 8 n up to 4076: a copy of 4076, 33 of it in
		 * the instruction; 15 literals; the end */
		ck_assert_uint_eq(length(lzo, page),
				  6 + 3 + (4076 - 33) / 255 + 1 + 16 + 3);
	}
	memset(page, 0, PAGE_BYTES);
	/* mark; 5 literals; runs of 2051 and 2020, up to 20 before the end;
	 * 20 literals; the end */
	ck_assert_uint_eq(length(rle, page), 2 + 6 + 4 + 4 + 22 + 3);
	codec_close(lz4);
	codec_close(lzo);
	codec_close(rle);
}
END_TEST

START_TEST(incompressible_pages_grow_by_what_the_formats_need)
{
	static const struct {
		const struct codec_ops *ops;
		unsigned level, more;
	} know[] = {
		{&codec_lzo, 0, 20},	     {&codec_lzo_rle, 0, 22},
		{&codec_lz4, 1, 18},	     {&codec_zstd, 3, 10},
		{&codec_zstd_crypto, 3, 10}, {&codec_zstd, 19, 10},
		{&codec_lz4, 16, 18},	     {&codec_zstd_acomp, 3, 10},
	};
	uint8_t page[PAGE_BYTES];

	page_fill(page, RULE_ID, 4711);
	for (size_t i = 0; i < sizeof(know) / sizeof(know[0]); i++) {
		struct codec *c = encoder(know[i].ops, know[i].level);

		ck_assert_msg(length(c, page) == PAGE_BYTES + know[i].more,
			      "%s: %u", c->ops->name, length(c, page));
		codec_close(c);
	}
}
END_TEST

static void fill_edge(uint8_t *page, unsigned kind, unsigned at)
{
	static const uint8_t motif[] = "abcdefghijklmnopqrstuvwxyz0123456789";

	page_fill(page, RULE_ID, kind + 1);
	switch (kind) {
	case 0: /* a copy that would reach the end */
		for (unsigned i = at; i < PAGE_BYTES; i++)
			page[i] = page[i - at];
		break;
	case 1: /* zeros to the end */
		memset(page + at, 0, PAGE_BYTES - at);
		break;
	case 2: /* zeros from the start */
		memset(page, 0, at);
		break;
	case 3: /* one odd byte in zeros */
		memset(page, 0, PAGE_BYTES);
		page[at] = 1;
		break;
	case 4: /* one odd byte in a repeated motif */
		for (unsigned i = 0; i < PAGE_BYTES; i++)
			page[i] = motif[i % (sizeof(motif) - 1)];
		page[at] ^= 0x80;
		break;
	case 5: /* alternating words, then noise */
		for (unsigned i = 0; i < at; i++)
			page[i] = i / 8 % 2 ? 0xff : (uint8_t)(i % 8);
		break;
	case 6: /* runs that grow */
		for (unsigned i = 0, run = 1, left = 1; i < PAGE_BYTES; i++) {
			page[i] = (uint8_t)(run * (at | 1));
			if (!--left)
				left = ++run;
		}
		break;
	case 7: /* one copy alone, of some bytes from far away */
		for (unsigned i = at; i < PAGE_BYTES && i < at + 300; i++)
			page[i] = page[i - at + (at > 400 ? 40 : 0)];
		break;
	}
}

static void edges(struct codec *c)
{
	/* All places near the ends, some between. */
	unsigned step = c->ops == &codec_zstd ? 509 : 61;
	uint8_t page[PAGE_BYTES];

	for (unsigned kind = 0; kind < 8; kind++)
		for (unsigned at = 0; at < PAGE_BYTES;
		     at += at < 40 || at > PAGE_BYTES - 110 ? 1 : step) {
			if (c->ops == &codec_zstd && at % 4)
				continue; /* there are many levels */
			fill_edge(page, kind, at < 1 ? 1 : at);
			length(c, page);
		}
}

START_TEST(streams_of_edge_pages_have_the_length_told_and_decode)
{
	all_codecs(edges);
}
END_TEST

/* ---- zstd ---- */

/* By way of a whole set of parameters, made for @hint bytes. */
static size_t plain_zstd(const uint8_t *page, unsigned level, unsigned hint)
{
	ZSTD_CCtx *cctx = ZSTD_createCCtx();
	ZSTD_CCtx_params *p = ZSTD_createCCtxParams();
	uint8_t out[CODEC_BYTES_MAX];
	size_t n;

	n = ZSTD_CCtxParams_init_advanced(p,
					  ZSTD_getParams((int)level, hint, 0));
	ck_assert(!ZSTD_isError(n));
	n = ZSTD_CCtx_setParametersUsingCCtxParams(cctx, p);
	ck_assert(!ZSTD_isError(n));
	n = ZSTD_compress2(cctx, out, sizeof(out), page, PAGE_BYTES);
	ck_assert(!ZSTD_isError(n));
	ZSTD_freeCCtxParams(p);
	ZSTD_freeCCtx(cctx);
	return n;
}

START_TEST(zstd_is_called_with_the_parameters_that_kernels_use)
{
	struct codec *crypto = encoder(&codec_zstd_crypto, 3);
	struct codec *acomp = encoder(&codec_zstd_acomp, 3);
	uint8_t page[PAGE_BYTES], out[CODEC_BYTES_MAX];
	unsigned other = 0;
	char spec[32];

	for (unsigned l = 1; l <= 22; l++) {
		struct codec *c = encoder(&codec_zstd, l);

		for (unsigned k = 7; k < 600; k += 97) {
			unsigned n;

			snprintf(spec, sizeof(spec), "txt:%u:1", k);
			ck_assert(spec_page(spec, page));
			n = length(c, page);
			ck_assert_uint_eq(n, plain_zstd(page, l, PAGE_BYTES));
			ck_assert_uint_eq(n,
					  ZSTD_compress(out, sizeof(out), page,
							PAGE_BYTES, (int)l));
			if (l != 3)
				continue;
			ck_assert_uint_eq(length(crypto, page),
					  plain_zstd(page, 3, 0));
			ck_assert_uint_eq(length(acomp, page),
					  plain_zstd(page, 3, 1 << 18));
			other += n != length(crypto, page);
		}
		codec_close(c);
	}
	ck_assert_uint_gt(other, 0);
	codec_close(crypto);
	codec_close(acomp);
}
END_TEST

/* ---- names and levels ---- */

START_TEST(unknown_codecs_are_refused_with_the_nearest_name)
{
	struct err err = {0};

	ck_assert_ptr_eq(codec_find("lzo", &err), &codec_lzo);
	ck_assert_ptr_eq(codec_find("lzo-rle", &err), &codec_lzo_rle);
	ck_assert_ptr_eq(codec_find("zstd-crypto", &err), &codec_zstd_crypto);
	ck_assert_str_eq(err.text, "");
	ck_assert_ptr_null(codec_find("lzo_rle", &err));
	ck_assert_str_eq(err.text,
			 "no codec \"lzo_rle\"; did you mean \"lzo-rle\"?");
	err.text[0] = 0;
	ck_assert_ptr_null(codec_find("brotli", &err));
	ck_assert_str_eq(err.text,
			 "no codec \"brotli\"; `dedupsim list codecs` "
			 "names them all");
}
END_TEST

static void bad_level(const struct codec_ops *ops, unsigned level,
		      const char *text)
{
	struct err err = {0};
	struct codec *c;

	ck_assert_int_eq(codec_open(&c, ops, level, false, &err), -EINVAL);
	ck_assert_str_eq(err.text, text);
}

START_TEST(levels_that_do_not_exist_are_refused)
{
	bad_level(&codec_lzo, 1, "codec lzo has no levels");
	bad_level(&codec_lz4, 0, "codec lz4: level 0 is not in 1 … 16");
	bad_level(&codec_zstd, 23, "codec zstd: level 23 is not in 1 … 22");
	bad_level(&codec_zstd_crypto, 4, "codec zstd-crypto has level 3 only");
}
END_TEST

START_TEST(every_codec_is_complete_and_every_level_has_a_column)
{
	uint64_t seen = 0;

	for (size_t i = 0; codecs[i]; i++) {
		const struct codec_ops *o = codecs[i];

		ck_assert(o->name && o->summary && o->source && o->open &&
			  o->length && o->encode && o->compress && o->expand &&
			  o->close);
		ck_assert_int_eq(codec_check_level(o, o->level, NULL), 0);
		for (unsigned l = o->level_min; l <= o->level_max; l++) {
			uint64_t bit = codec_need(o, l);

			ck_assert(!(bit & seen) && !(bit & ~NEED_EXTRAS));
			ck_assert_uint_eq(bit, NEED_EXTRA(codec_column(o, l)));
			seen |= bit;
		}
	}
}
END_TEST

START_TEST(compressors_for_measuring_are_real)
{
	uint8_t page[PAGE_BYTES], out[CODEC_BYTES_MAX], back[PAGE_BYTES];

	for (size_t i = 0; codecs[i]; i++) {
		struct codec *c = encoder(codecs[i], codecs[i]->level);
		int n;

		for (unsigned k = 0; k < 8; k++) {
			fill_edge(page, k, 1000 + k);
			n = c->ops->compress(c, page, out);
			ck_assert_int_gt(n, 0);
			memset(back, 0xdb, PAGE_BYTES);
			ck_assert_int_eq(
				c->ops->expand(c, out, (size_t)n, back), 0);
			ck_assert_mem_eq(back, page, PAGE_BYTES);
			/* Too little, too much, nothing. */
			ck_assert_int_eq(
				c->ops->expand(c, out, (size_t)n - 1, back),
				-EINVAL);
			out[n] = 0x55;
			ck_assert_int_eq(
				c->ops->expand(c, out, (size_t)n + 1, back),
				-EINVAL);
			ck_assert_int_eq(c->ops->expand(c, out, 0, back),
					 -EINVAL);
		}
		codec_close(c);
	}
}
END_TEST

/* ---- columns ---- */

#define COUNT 300u
#define NEEDS                                                                  \
	(codec_need(&codec_lzo, 0) | codec_need(&codec_lzo_rle, 0) |           \
	 codec_need(&codec_lz4, 1) | codec_need(&codec_lz4, 16) |              \
	 codec_need(&codec_zstd, 3) | codec_need(&codec_zstd_crypto, 3) |      \
	 codec_need(&codec_zstd_acomp, 3))

static const uint8_t *made(void *self, uint32_t id, uint8_t *buf)
{
	char spec[32];

	(void)self;
	snprintf(spec, sizeof(spec), "txt:%u:%u", id, id);
	if (id % 2)
		fill_edge(buf, id % 8, id * 13 % PAGE_BYTES);
	else if (!spec_page(spec, buf))
		abort();
	store_le32(buf + 100, id);
	return buf;
}

static struct content_set *set_new(bool big_endian)
{
	struct content_source src = {
		.count = COUNT, .bytes = made, .big_endian = big_endian};
	struct content_set *s = NULL;

	ck_assert_int_eq(content_set_new(&s, &src, NEED_RANK, 2, NULL), 0);
	return s;
}

START_TEST(columns_are_the_lengths_at_any_number_of_threads)
{
	static const unsigned threads[] = {1, 2, 3, 8};
	struct codec *lz4 = encoder(&codec_lz4, 16);

	for (unsigned t = 0; t < 4; t++) {
		struct content_set *s = set_new(false);
		uint8_t page[PAGE_BYTES] = {0};
		struct err err = {0};
		const uint16_t *v;

		ck_assert_int_eq(
			codec_columns(s, NEEDS | NEED_RANK, threads[t], &err),
			0);
		ck_assert_uint_eq(s->have, NEEDS | NEED_RANK);
		ck_assert_msg(!content_set_check(s, &err), "%s", err.text);
		v = codec_lengths(s, &codec_lz4, 16);
		for (uint32_t id = 0; id < COUNT; id++) {
			if (id)
				made(NULL, id, page);
			ck_assert_uint_eq(v[id], length(lz4, page));
		}
		/* What is there is not made again. */
		ck_assert_int_eq(codec_columns(s, NEEDS, 1, NULL), 0);
		ck_assert_ptr_eq(codec_lengths(s, &codec_lz4, 16), v);
		content_set_free(s);
	}
	codec_close(lz4);
}
END_TEST

/* Shorter first, then bytes as signed numbers. */
static int stream_order(const uint8_t *a, int na, const uint8_t *b, int nb)
{
	if (na != nb)
		return na < nb ? -1 : 1;
	for (int i = 0; i < na; i++) {
		int x = a[i] < 128 ? a[i] : a[i] - 256;
		int y = b[i] < 128 ? b[i] : b[i] - 256;

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

START_TEST(streams_are_ordered_by_length_and_signed_bytes)
{
	static uint8_t out[2][CODEC_BYTES_MAX];
	struct codec *lzo = encoder(&codec_lzo, 0);
	struct content_set *s[2];
	uint32_t by_rank[COUNT] = {0};
	int n[2] = {0};

	for (unsigned i = 0; i < 2; i++) {
		s[i] = set_new(false);
		ck_assert_int_eq(
			codec_columns(s[i], NEED_STREAM, 1 + 2 * i, NULL), 0);
		ck_assert_uint_eq(s[i]->have, NEED_RANK | NEED_STREAM);
	}
	ck_assert_mem_eq(s[0]->stream_rank, s[1]->stream_rank,
			 COUNT * sizeof(uint32_t));
	for (uint32_t id = 0; id < COUNT; id++)
		by_rank[s[0]->stream_rank[id]] = id;
	for (uint32_t r = 0; r < COUNT; r++) {
		uint8_t page[PAGE_BYTES] = {0};

		if (by_rank[r])
			made(NULL, by_rank[r], page);
		n[r % 2] = lzo->ops->encode(lzo, page, out[r % 2]);
		ck_assert_uint_eq(s[0]->stream_first[by_rank[r]],
				  out[r % 2][0]);
		if (r)
			ck_assert_int_lt(stream_order(out[(r + 1) % 2],
						      n[(r + 1) % 2],
						      out[r % 2], n[r % 2]),
					 0);
	}
	codec_close(lzo);
	content_set_free(s[0]);
	content_set_free(s[1]);
}
END_TEST

static int make_streams(void *ctx)
{
	struct content_set *s = ctx;
	int ret = codec_columns(s, NEED_STREAM, 2, NULL);

	fail_mem_off();
	ck_assert_int_eq(!s->stream_rank, ret != 0);
	free(s->stream_rank);
	free(s->stream_first);
	s->stream_rank = NULL;
	s->stream_first = NULL;
	s->have &= ~NEED_STREAM;
	return ret;
}

START_TEST(streams_without_memory_leave_nothing_behind)
{
	struct content_set *s = set_new(false);

	ck_assert_uint_gt(fail_mem_walk(make_streams, s), 5);
	content_set_free(s);
}
END_TEST

START_TEST(the_check_sees_a_wrong_length)
{
	struct content_set *s = set_new(false);
	unsigned column = codec_column(&codec_lzo_rle, 0);
	struct err err = {0};

	ck_assert_int_eq(codec_columns(s, NEEDS, 2, NULL), 0);
	s->extra[column].value[7] ^= 1;
	ck_assert_int_eq(content_set_check(s, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "content 7: length lzo-rle "));
	content_set_free(s);
}
END_TEST

/* lz4 alone hashes words as its machine reads them. */
START_TEST(a_big_endian_machine_has_lengths_of_its_own_with_lz4)
{
	uint64_t needs = codec_need(&codec_lz4, 1) | codec_need(&codec_lzo, 0) |
			 codec_need(&codec_lzo_rle, 0);
	struct content_set *little = set_new(false), *big = set_new(true);
	size_t bytes = COUNT * sizeof(uint16_t);

	ck_assert_int_eq(codec_columns(little, needs, 2, NULL), 0);
	ck_assert_int_eq(codec_columns(big, needs, 2, NULL), 0);
	ck_assert_mem_eq(codec_lengths(little, &codec_lzo, 0),
			 codec_lengths(big, &codec_lzo, 0), bytes);
	ck_assert_mem_eq(codec_lengths(little, &codec_lzo_rle, 0),
			 codec_lengths(big, &codec_lzo_rle, 0), bytes);
	ck_assert_mem_ne(codec_lengths(little, &codec_lz4, 1),
			 codec_lengths(big, &codec_lz4, 1), bytes);
	ck_assert_int_eq(content_set_check(big, NULL), 0);
	content_set_free(little);
	content_set_free(big);
}
END_TEST

START_TEST(columns_that_cannot_be_made_are_refused_by_name)
{
	struct content_source src = {.count = 1};
	struct content_set *s;
	struct err err = {0};

	ck_assert_int_eq(content_set_new(&s, &src, 0, 1, NULL), 0);
	ck_assert_int_eq(codec_columns(s, codec_need(&codec_zstd, 3), 1, &err),
			 -ENOTSUP);
	ck_assert_str_eq(err.text, "column length zstd level 3: the input "
				   "holds no page contents");
	err.text[0] = 0;
	ck_assert_int_eq(codec_columns(s, UINT64_C(1) << 63, 1, &err),
			 -ENOTSUP);
	ck_assert_str_eq(err.text, "no column of the contents is number 63");
	ck_assert_uint_eq(s->have, 0);
	content_set_free(s);
	err.text[0] = 0;
	ck_assert_int_eq(
		content_set_new(&s, &src, codec_need(&codec_lzo, 0), 1, &err),
		-ENOTSUP);
	ck_assert_str_ne(err.text, "");
}
END_TEST

static int make_columns(void *ctx)
{
	struct content_set *s = ctx;
	uint64_t had = s->have;
	int ret = codec_columns(s, NEEDS, 2, NULL);

	fail_mem_off();
	for (unsigned i = 0; i < CONTENT_EXTRAS; i++)
		ck_assert_int_eq(!s->extra[i].value,
				 !(s->have & NEED_EXTRA(i)));
	ck_assert(ret || s->have == (had | NEEDS));
	/* Begin anew. */
	for (unsigned i = 0; i < CONTENT_EXTRAS; i++) {
		free(s->extra[i].value);
		s->extra[i].value = NULL;
	}
	s->have &= ~NEED_EXTRAS;
	return ret;
}

START_TEST(running_out_of_memory_anywhere_leaves_nothing_behind)
{
	struct content_set *s = set_new(false);

	ck_assert_uint_gt(fail_mem_walk(make_columns, s), 20);
	content_set_free(s);
}
END_TEST

static int refuse(void *worker, const uint8_t *page, uint16_t *value)
{
	*value = 1;
	return worker && page[100] == 200 ? -EIO : 0;
}

static int refuse_open(const struct content_column *col, bool big_endian,
		       void **worker, struct err *err)
{
	unsigned *left = *(unsigned *const *)col->self;

	(void)big_endian;
	if (!*left)
		return err_set(err, ENOTSUP, "no more workers");
	--*left;
	*worker = left;
	return 0;
}

static void refuse_close(void *worker)
{
	++*(unsigned *)worker;
}

START_TEST(a_worker_that_fails_leaves_the_set_as_it_was)
{
	unsigned left = 8, *p = &left;
	struct content_column col = {"odd",	  &p,	  0,
				     refuse_open, refuse, refuse_close};
	struct content_set *s = set_new(false);
	struct err err = {0};

	ck_assert_int_eq(content_set_add(s, 47, &col, 2, &err), -EIO);
	ck_assert_uint_eq(left, 8);
	ck_assert_int_eq(content_set_add(s, 47, &col, 9, &err), -ENOTSUP);
	ck_assert_str_eq(err.text, "no more workers");
	ck_assert_uint_eq(left, 8);
	ck_assert_uint_eq(s->have, NEED_RANK);
	ck_assert_ptr_null(s->extra[47].value);
	content_set_free(s);
}
END_TEST

static Suite *codec_suite(void)
{
	Suite *s = suite_create("codec");
	TCase *tc = tcase_create("lengths");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, lengths_of_recorded_pages_are_the_kernels);
	tcase_add_test(tc, the_ladder_of_lzo_has_the_rungs_it_had);
	tcase_add_test(tc, pages_of_one_byte_have_the_lengths_of_the_formats);
	tcase_add_test(tc, incompressible_pages_grow_by_what_the_formats_need);
	tcase_add_test(tc,
		       streams_of_edge_pages_have_the_length_told_and_decode);
	tcase_add_test(tc, zstd_is_called_with_the_parameters_that_kernels_use);
	tcase_add_test(tc, compressors_for_measuring_are_real);
	suite_add_tcase(s, tc);
	tc = tcase_create("names");
	tcase_add_test(tc, unknown_codecs_are_refused_with_the_nearest_name);
	tcase_add_test(tc, levels_that_do_not_exist_are_refused);
	tcase_add_test(tc,
		       every_codec_is_complete_and_every_level_has_a_column);
	suite_add_tcase(s, tc);
	tc = tcase_create("columns");
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, columns_are_the_lengths_at_any_number_of_threads);
	tcase_add_test(tc, streams_are_ordered_by_length_and_signed_bytes);
	tcase_add_test(tc, streams_without_memory_leave_nothing_behind);
	tcase_add_test(tc, the_check_sees_a_wrong_length);
	tcase_add_test(tc,
		       a_big_endian_machine_has_lengths_of_its_own_with_lz4);
	tcase_add_test(tc, columns_that_cannot_be_made_are_refused_by_name);
	tcase_add_test(tc,
		       running_out_of_memory_anywhere_leaves_nothing_behind);
	tcase_add_test(tc, a_worker_that_fails_leaves_the_set_as_it_was);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_main(codec_suite());
}
