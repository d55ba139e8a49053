/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our encoders against the libraries': with the one difference between Linux
 * and liblz4 switched off, the streams are the same to the byte; so they are of
 * lzo without runs of zeros.  Then with the difference: what was written decodes
 * and is as long as told.  On made pages and on those of a real recording.
 */
#include <lz4.h>
#include <lzo/lzo1x.h>
#include <string.h>

#include "sim/base/prng.h"
#include "models/codec.h"
#include "models/parse.h"
#include "traces/trace.h"
#include "tests/support/main.h"
#include "tests/support/spec.h"

#define SAMPLE "traces/samples/guests.trace"
#define PAGES 3000u

struct judge {
	struct parse dirty; /* whatever the last page left behind */
	struct codec *rle, *lz4;
	_Alignas(16) uint8_t work[LZO1X_1_15_MEM_COMPRESS];
	uint64_t pages, lz4_other, rle_gains;
};

static struct judge *judge_new(void)
{
	struct judge *j = calloc(1, sizeof(*j));

	ck_assert_ptr_nonnull(j);
	ck_assert_int_eq(lzo_init(), LZO_E_OK);
	ck_assert_int_eq(codec_open(&j->rle, &codec_lzo_rle, 0, false, NULL),
			 0);
	ck_assert_int_eq(codec_open(&j->lz4, &codec_lz4, 1, false, NULL), 0);
	return j;
}

static void judge_free(struct judge *j)
{
	codec_close(j->rle);
	codec_close(j->lz4);
	free(j);
}

static unsigned as_liblzo2(struct judge *j, const uint8_t *page)
{
	uint8_t ours[CODEC_BYTES_MAX], theirs[CODEC_BYTES_MAX];
	lzo_uint n = sizeof(theirs);
	unsigned told;

	j->dirty.keep = true;
	told = parse_lzo(&j->dirty, page, false);
	ck_assert_uint_eq(parse_lzo_write(&j->dirty, page, false, ours), told);
	lzo1x_1_15_compress(page, PAGE_BYTES, theirs, &n, j->work);
	ck_assert_uint_eq(told, n);
	ck_assert_mem_eq(ours, theirs, n);
	j->dirty.keep = false;
	ck_assert_uint_eq(parse_lzo(&j->dirty, page, false), told);
	return told;
}

static void as_liblz4(struct judge *j, const uint8_t *page,
		      unsigned acceleration)
{
	/* Before 1.10 the library hashes in the host's order. */
	struct parse_lz4 how = {acceleration, LZ4_LAST_LIBRARY,
				HOST_BIG_ENDIAN && LZ4_versionNumber() < 11000};
	uint8_t ours[CODEC_BYTES_MAX], theirs[CODEC_BYTES_MAX];
	unsigned told;
	int n;

	j->dirty.keep = true;
	told = parse_lz4(&j->dirty, page, &how);
	ck_assert_uint_eq(parse_lz4_write(&j->dirty, page, ours), told);
	n = LZ4_compress_fast((const char *)page, (char *)theirs,
			      (int)PAGE_BYTES, (int)sizeof(theirs),
			      (int)acceleration);
	ck_assert_int_eq((int)told, n);
	ck_assert_mem_eq(ours, theirs, told);
	j->dirty.keep = false;
	ck_assert_uint_eq(parse_lz4(&j->dirty, page, &how), told);
}

static unsigned written(struct codec *c, const uint8_t *page)
{
	uint8_t out[CODEC_BYTES_MAX], back[PAGE_BYTES];
	int n = c->ops->length(c, page);

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(c->ops->encode(c, page, out), n);
	ck_assert_int_eq(c->ops->expand(c, out, (size_t)n, back), 0);
	ck_assert_mem_eq(back, page, PAGE_BYTES);
	return (unsigned)n;
}

static bool has_zero_words(const uint8_t *page)
{
	for (unsigned i = 0; i + 4 <= PAGE_BYTES; i++)
		if (!load_le32(page + i))
			return true;
	return false;
}

static void judge_page(struct judge *j, const uint8_t *page,
		       unsigned acceleration)
{
	static const struct parse_lz4 farther = {1, LZ4_LAST_LIBRARY, false};
	unsigned lzo = as_liblzo2(j, page);
	unsigned rle = written(j->rle, page);

	as_liblz4(j, page, 1);
	as_liblz4(j, page, acceleration);
	if (!has_zero_words(page))
		ck_assert_uint_eq(rle, lzo + 2);
	/* Zeros that are runs are no candidates: it may go either way. */
	j->rle_gains += rle < lzo;
	j->lz4_other +=
		written(j->lz4, page) != parse_lz4(&j->dirty, page, &farther);
	j->pages++;
}

/* ---- made pages ---- */

static uint32_t length_of(struct prng *r)
{
	return 1 + (uint32_t)prng_below(r, UINT64_C(1) << prng_below(r, 13));
}

/* Literals, copies of what came before, zeros and runs, in random turns. */
static void make_page(struct prng *r, uint8_t *page)
{
	uint8_t letters = (uint8_t)(1 + prng_below(r, 255));
	uint32_t at = 0;

	while (at < PAGE_BYTES) {
		uint32_t n = length_of(r), what = (uint32_t)prng_below(r, 4);
		uint32_t back = at ? 1 + length_of(r) % at : 0;
		uint8_t byte = (uint8_t)prng_next(r);

		if (back > at)
			back = at;
		for (; n && at < PAGE_BYTES; n--, at++) {
			if (what == 0 || (what == 1 && !back))
				page[at] = (uint8_t)prng_below(r, letters);
			else if (what == 1)
				page[at] = page[at - back];
			else
				page[at] = what == 2 ? 0 : byte;
		}
	}
}

START_TEST(made_pages_are_encoded_as_the_libraries_do)
{
	struct prng r = prng_fork(test_seed(1), "codec");
	struct judge *j = judge_new();
	uint8_t page[PAGE_BYTES];

	while (j->pages < PAGES) {
		make_page(&r, page);
		judge_page(j, page, 1 + (unsigned)prng_below(&r, 16));
	}
	ck_assert_uint_gt(j->rle_gains, 0);
	ck_assert_uint_lt(j->lz4_other, PAGES / 10);
	judge_free(j);
}
END_TEST

START_TEST(pages_of_specifications_are_encoded_as_the_libraries_do)
{
	static const struct {
		const char *kind;
		unsigned max;
	} kinds[] = {{"zr", 4096},  {"rz", 4096}, {"zbr", 4000}, {"rep", 4096},
		     {"spr", 2000}, {"txt", 999}, {"ptr", 100},	 {"ctr", 300}};
	struct prng r = prng_fork(test_seed(2), "spec");
	struct judge *j = judge_new();
	uint8_t page[PAGE_BYTES];
	char spec[64];

	while (j->pages < PAGES) {
		size_t k = prng_below(&r, 8);

		snprintf(spec, sizeof(spec), "%s:%u:%u", kinds[k].kind,
			 1 + (unsigned)prng_below(&r, kinds[k].max),
			 (unsigned)prng_below(&r, 1 << 30));
		ck_assert_msg(spec_page(spec, page), "%s", spec);
		judge_page(j, page, 1 + (unsigned)prng_below(&r, 16));
	}
	judge_free(j);
}
END_TEST

/* ---- recorded pages ---- */

START_TEST(recorded_pages_are_encoded_as_the_libraries_do)
{
	struct judge *j = judge_new();
	struct content_source src;
	uint8_t buf[PAGE_BYTES];
	struct trace *t = NULL;
	struct err err = {0};
	uint32_t step;

	ck_assert_msg(!trace_open(&t, SAMPLE, &err), "%s", err.text);
	ck_assert_msg(!t->ops->contents(t, 2, &src, &err), "%s", err.text);
	step = src.count / PAGES + 1;
	for (uint32_t id = 1; id < src.count; id += step)
		judge_page(j, src.bytes(src.self, id, buf), 1 + id % 16);
	ck_assert_uint_gt(j->pages, 100);
	ck_assert_uint_lt(j->lz4_other, j->pages / 10);
	trace_close(t);
	judge_free(j);
}
END_TEST

static Suite *codec_suite(void)
{
	Suite *s = suite_create("codec properties");
	TCase *tc = tcase_create("streams");

	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, made_pages_are_encoded_as_the_libraries_do);
	tcase_add_test(tc,
		       pages_of_specifications_are_encoded_as_the_libraries_do);
	tcase_add_test(tc, recorded_pages_are_encoded_as_the_libraries_do);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_main(codec_suite());
}
