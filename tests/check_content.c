/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <xxhash.h>

#include "sim/base/hash.h"
#include "sim/core/content.h"
#include "sim/core/pages.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

#define NEED_COLUMNS                                                           \
	(NEED_RANK | NEED_PREFIX | NEED_LENGTH | NEED_SAME | NEED_WORD_RANK |  \
	 NEED_CHECKSUM(CHECKSUM_XXH64) | NEED_CHECKSUM(CHECKSUM_XXH32) |       \
	 NEED_CHECKSUM(CHECKSUM_JHASH2) | NEED_CHECKSUM(CHECKSUM_CRC32C))

/* Pages by hand; page 0 is content 1. */
struct book {
	uint8_t page[300][PAGE_BYTES];
	uint32_t told_a, told_b; /* by blame */
};

static const uint8_t *book_bytes(void *self, uint32_t id, uint8_t *buf)
{
	const struct book *b = self;

	(void)buf;
	assert(id); /* Check's own are not for several threads */
	return b->page[id - 1];
}

static void book_blame(void *self, uint32_t a, uint32_t b, struct err *err)
{
	struct book *book = self;

	book->told_a = a;
	book->told_b = b;
	err_set(err, EINVAL, "book: page %u again as page %u", a, b);
}

static struct book *book_new(void)
{
	struct book *b = calloc(1, sizeof(*b));

	ck_assert_ptr_nonnull(b);
	return b;
}

static struct content_source book_source(struct book *b, uint32_t pages)
{
	return (struct content_source){
		.self = b, .count = pages + 1, .bytes = book_bytes};
}

static struct content_set *set_of(const struct content_source *src,
				  uint64_t needs)
{
	struct content_set *s = NULL;
	struct err err = {0};
	int ret = content_set_new(&s, src, needs, 2, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ret = content_set_check(s, &err);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	return s;
}

START_TEST(numbers_are_ranked_as_memcmp_ranks_them)
{
	static const uint64_t key[] = {256, 1, UINT64_MAX, 255, 2};
	static const uint32_t rank[] = {0, 4, 1, 5, 3, 2};
	/* between 0 1 2 255 256 ~0 */
	static const uint16_t prefix[] = {63, 62, 56, 55, 0, 0};
	struct book *b = book_new();
	struct content_source src = book_source(b, 5);
	struct content_set *s;

	for (uint32_t i = 0; i < 5; i++)
		page_fill(b->page[i], RULE_KEY, key[i]);
	s = set_of(&src, NEED_RANK | NEED_PREFIX);
	ck_assert_mem_eq(s->rank, rank, sizeof(rank));
	ck_assert_mem_eq(s->prefix, prefix, sizeof(prefix));
	for (uint32_t i = 0; i < 5; i++) {
		ck_assert_uint_eq(s->head[i + 1], key[i]);
		ck_assert_uint_eq(s->by_rank[rank[i + 1]], i + 1);
	}
	ck_assert_uint_eq(content_prefix_bits(s, 0, 4), 55);
	ck_assert_uint_eq(content_prefix_bits(s, 3, 1), 56);
	ck_assert_uint_eq(content_cmp_bytes(s, 0, 1), 8);
	ck_assert_uint_eq(content_cmp_bytes(s, 4, 0), 7);
	ck_assert_uint_eq(content_cmp_bytes(s, 5, 0), 1);
	ck_assert_uint_eq(content_cmp_bytes(s, 2, 2), PAGE_BYTES);
	content_set_free(s);
	free(b);
}
END_TEST

START_TEST(the_last_bit_of_a_page_decides)
{
	struct book *b = book_new();
	struct content_source src = book_source(b, 3);
	struct content_set *s;

	memset(b->page, 0xff, 3 * PAGE_BYTES);
	b->page[0][PAGE_BYTES - 1] = 0xfe;
	b->page[2][PAGE_BYTES - 2] = 0xfe;
	s = set_of(&src, NEED_PREFIX);
	ck_assert_uint_eq(s->rank[3], 1);
	ck_assert_uint_eq(s->rank[1], 2);
	ck_assert_uint_eq(s->rank[2], 3);
	ck_assert_uint_eq(s->prefix[2], PAGE_BITS - 1);
	ck_assert_uint_eq(s->prefix[1], PAGE_BITS - 9);
	ck_assert_uint_eq(content_cmp_bytes(s, 2, 3), PAGE_BYTES);
	content_set_free(s);
	free(b);
}
END_TEST

START_TEST(a_set_may_hold_nothing_but_zeros)
{
	struct content_source src = {.count = 1, .bytes = book_bytes};
	struct content_set *s = set_of(&src, NEED_COLUMNS | NEED_BYTES);
	uint8_t buf[PAGE_BYTES];
	uint64_t word = 1;

	ck_assert_uint_eq(s->rank[0], 0);
	ck_assert_uint_eq(s->by_rank[0], 0);
	ck_assert_uint_eq(s->prefix[0], 0);
	ck_assert_uint_eq(s->length[0], 0);
	ck_assert(content_is_same(s, 0, &word));
	ck_assert_uint_eq(word, 0);
	ck_assert(page_is_zero(content_bytes(s, 0, buf)));
	content_set_free(s);
	content_set_free(NULL);
}
END_TEST

/* The words of a page that are not zero. */
static void book_few(void *self, uint32_t id, struct content_sparse *out)
{
	const struct book *b = self;

	out->n = 0;
	for (uint16_t w = 0; w < PAGE_WORDS; w++)
		if (load_be64(b->page[id - 1] + 8 * w)) {
			out->word[out->n] = load_be64(b->page[id - 1] + 8 * w);
			out->at[out->n++] = w;
		}
}

/* content_set_check() compares the pages themselves, in the other order. */
START_TEST(scattered_lines_have_ranks_and_prefixes_of_their_own)
{
	struct book *b = book_new();
	struct content_source src = book_source(b, 300);
	uint64_t needs = NEED_COLUMNS | NEED_SCATTERED;
	struct content_set *linear, *s, *few;

	for (uint32_t i = 0; i < 300; i++) {
		store_be64(b->page[i] + 8 * (i * 37 % PAGE_WORDS), i / 7 + 1);
		store_be64(b->page[i] + 4088, i + 1);
	}
	linear = set_of(&src, NEED_COLUMNS);
	src.seed = 7;
	s = set_of(&src, needs);
	ck_assert_uint_eq(s->rank[0], 0);
	ck_assert_mem_ne(s->rank, linear->rank, 301 * sizeof(*s->rank));
	ck_assert_mem_ne(s->prefix, linear->prefix, 301 * sizeof(*s->prefix));
	for (unsigned c = 0; c < CHECKSUM_COUNT; c++)
		ck_assert_mem_eq(s->checksum[c], linear->checksum[c],
				 301 * sizeof(uint32_t));
	ck_assert_mem_eq(s->length, linear->length, 301 * sizeof(*s->length));
	/* the same from a few words */
	src.sparse = book_few;
	few = set_of(&src, needs);
	ck_assert_mem_eq(few->rank, s->rank, 301 * sizeof(*s->rank));
	ck_assert_mem_eq(few->prefix, s->prefix, 301 * sizeof(*s->prefix));
	ck_assert_mem_eq(few->head, s->head, 301 * sizeof(*s->head));
	content_set_free(few);
	few = set_of(&src, NEED_PREFIX | NEED_SCATTERED);
	ck_assert_mem_eq(few->head, s->head, 301 * sizeof(*s->head));
	content_set_free(few);
	/* and another seed is another order */
	src.seed = 8;
	few = set_of(&src, needs);
	ck_assert_mem_ne(few->line, s->line, sizeof(s->line));
	content_set_free(few);
	content_set_free(s);
	content_set_free(linear);
	free(b);
}
END_TEST

START_TEST(only_what_is_asked_for_is_made)
{
	struct book *b = book_new();
	struct content_source src = book_source(b, 1);
	struct content_set *s;

	b->page[0][0] = 1;
	s = set_of(&src, NEED_PREFIX);
	ck_assert_uint_eq(s->have, NEED_RANK | NEED_PREFIX);
	ck_assert(s->rank && s->head && s->by_rank && s->sparse);
	ck_assert(!s->length && !s->same && !s->same_set);
	content_set_free(s);
	s = set_of(&src, NEED_CHECKSUM(CHECKSUM_CRC32C) | NEED_RANK);
	ck_assert(s->rank && !s->prefix && !s->prefix_l && !s->sparse);
	ck_assert_ptr_nonnull(s->checksum[CHECKSUM_CRC32C]);
	ck_assert_ptr_null(s->checksum[CHECKSUM_XXH64]);
	content_set_free(s);
	s = set_of(&src, 0);
	ck_assert_uint_eq(s->have, 0);
	ck_assert(!s->rank && !s->head);
	content_set_free(s);
	free(b);
}
END_TEST

START_TEST(checksums_are_those_of_the_libraries)
{
	struct book *b = book_new();
	struct content_source src = book_source(b, 200);
	struct content_set *s;

	for (uint32_t i = 0; i < 200; i++)
		page_fill(b->page[i], RULE_ID, i + 1);
	s = set_of(&src, NEED_COLUMNS);
	for (uint32_t id = 0; id < s->count; id++) {
		const uint8_t *p = id ? b->page[id - 1] : content_zero;

		ck_assert_uint_eq(s->checksum[CHECKSUM_XXH64][id],
				  (uint32_t)XXH64(p, PAGE_BYTES, 0));
		ck_assert_uint_eq(s->checksum[CHECKSUM_XXH32][id],
				  XXH32(p, PAGE_BYTES, 0));
		ck_assert_uint_eq(s->checksum[CHECKSUM_JHASH2][id],
				  hash_jhash2(p, PAGE_BYTES, 17, false));
		ck_assert_uint_eq(s->checksum[CHECKSUM_CRC32C][id],
				  hash_crc32c(0, p, PAGE_BYTES));
	}
	content_set_free(s);
	src.big_endian = true;
	s = set_of(&src, NEED_CHECKSUM(CHECKSUM_JHASH2));
	ck_assert_uint_eq(s->checksum[CHECKSUM_JHASH2][7],
			  hash_jhash2(b->page[6], PAGE_BYTES, 17, true));
	ck_assert_uint_ne(s->checksum[CHECKSUM_JHASH2][7],
			  hash_jhash2(b->page[6], PAGE_BYTES, 17, false));
	content_set_free(s);
	free(b);
}
END_TEST

/* Zeros but for: a: 41 02, b: 41 00 01, c: 41 and 01 in byte 7. */
START_TEST(words_have_an_order_of_their_own)
{
	static const uint8_t at[] = {1, 2, 7}, value[] = {2, 1, 1};
	struct book *b = book_new();
	struct content_source src = book_source(b, 3);
	struct content_set *s;

	for (unsigned i = 0; i < 3; i++) {
		memset(b->page[i], 0, PAGE_BYTES);
		b->page[i][0] = 0x41;
		b->page[i][at[i]] = value[i];
	}
	s = set_of(&src, NEED_WORD_RANK);
	for (uint32_t i = 0; i < 4; i++) {
		ck_assert_uint_eq(s->word_rank[i], i);
		ck_assert_uint_eq(s->rank[i], i ? 4 - i : 0);
	}
	content_set_free(s);
	/* A big-endian machine reads the first byte first. */
	src.big_endian = true;
	s = set_of(&src, NEED_WORD_RANK);
	ck_assert_mem_eq(s->word_rank, s->rank, 4 * sizeof(*s->rank));
	ck_assert_int_eq(content_set_check(s, NULL), 0);
	content_set_free(s);
	free(b);
}
END_TEST

START_TEST(the_length_ends_with_the_last_byte_that_is_not_zero)
{
	static const uint16_t at[] = {0, 1, 7, 8, 9, 2047, 2048, 4088, 4095};
	struct book *b = book_new();
	struct content_source src = book_source(b, 18);
	struct content_set *s;

	for (uint32_t i = 0; i < 9; i++) {
		b->page[i][at[i]] = 1;
		memset(b->page[9 + i], 0x80, at[i] + 1u);
	}
	s = set_of(&src, NEED_LENGTH | NEED_RANK);
	ck_assert_uint_eq(s->length[0], 0);
	for (uint32_t i = 0; i < 18; i++)
		ck_assert_uint_eq(s->length[i + 1], at[i % 9] + 1);
	content_set_free(s);
	free(b);
}
END_TEST

START_TEST(a_page_filled_with_one_word_is_told_from_all_others)
{
	struct book *b = book_new();
	struct content_source src = book_source(b, 4);
	struct content_set *s;
	uint64_t word = 1;

	for (uint32_t i = 0; i < PAGE_BYTES; i++) {
		b->page[0][i] = (uint8_t)(i % 8 + 1);
		b->page[1][i] = (uint8_t)(i % 16);
		b->page[2][i] = 0x5a;
		b->page[3][i] = i == PAGE_BYTES - 1 ? 0x5b : 0x5a;
	}
	s = set_of(&src, NEED_SAME);
	ck_assert(content_is_same(s, 0, &word));
	ck_assert_uint_eq(word, 0);
	ck_assert(content_is_same(s, 1, &word));
	ck_assert_uint_eq(word, UINT64_C(0x0807060504030201));
	ck_assert(!content_is_same(s, 2, &word));
	ck_assert(content_is_same(s, 3, &word));
	ck_assert_uint_eq(word, UINT64_C(0x5a5a5a5a5a5a5a5a));
	ck_assert(!content_is_same(s, 4, &word));
	content_set_free(s);
	free(b);
}
END_TEST

static void refused(struct book *b, const struct content_source *src,
		    const char *text)
{
	for (unsigned threads = 1; threads < 5; threads++) {
		struct content_set *s = NULL;
		struct err err = {0};

		b->told_a = b->told_b = 0;
		ck_assert_int_eq(
			content_set_new(&s, src, NEED_RANK, threads, &err),
			-EINVAL);
		ck_assert_str_eq(err.text, text);
		ck_assert_ptr_null(s);
	}
}

START_TEST(equal_contents_are_refused_and_the_first_repeat_is_named)
{
	struct book *b = book_new();
	struct content_source src = book_source(b, 300);

	for (uint32_t i = 0; i < 300; i++)
		page_fill(b->page[i], i % 2 ? RULE_ID : RULE_LAST8, i + 1);
	memcpy(b->page[29], b->page[9], PAGE_BYTES);  /* 30 is 10 */
	memcpy(b->page[199], b->page[9], PAGE_BYTES); /* 200 is 10 */
	memcpy(b->page[18], b->page[4], PAGE_BYTES);  /* 19 is 5 */
	memcpy(b->page[298], b->page[199], PAGE_BYTES);
	refused(b, &src, "contents 5 and 19 are equal");
	src.blame = book_blame;
	refused(b, &src, "book: page 5 again as page 19");
	ck_assert_uint_eq(b->told_a, 5);
	ck_assert_uint_eq(b->told_b, 19);
	/* They differ in their first words already. */
	memcpy(b->page[3], b->page[1], PAGE_BYTES);
	refused(b, &src, "book: page 2 again as page 4");
	free(b);
}
END_TEST

START_TEST(zeros_under_a_number_of_their_own_are_refused)
{
	struct book *b = book_new();
	struct content_source src = book_source(b, 300);

	for (uint32_t i = 0; i < 300; i++)
		page_fill(b->page[i], RULE_LAST8, i);
	refused(b, &src, "contents 0 and 1 are equal");
	page_fill(b->page[0], RULE_KEY, 77);
	page_fill(b->page[299], RULE_ZERO, 0);
	refused(b, &src, "contents 0 and 300 are equal");
	free(b);
}
END_TEST

START_TEST(a_column_that_cannot_be_made_is_refused_by_name)
{
	struct content_source src = {.count = 1};
	struct content_set *s = NULL;
	struct err err = {0};

	ck_assert_int_eq(content_set_new(&s, &src,
					 NEED_CHECKSUM(CHECKSUM_JHASH2), 1,
					 &err),
			 -ENOTSUP);
	ck_assert_str_eq(err.text, "column checksum jhash2: the input holds no "
				   "page contents");
	err.text[0] = 0;
	src.bytes = book_bytes;
	ck_assert_int_eq(content_set_new(&s, &src, UINT64_C(1) << 40, 1, &err),
			 -ENOTSUP);
	ck_assert_ptr_nonnull(strstr(err.text, "number 40"));
	ck_assert_ptr_null(s);
}
END_TEST

START_TEST(needs_have_names)
{
	ck_assert_str_eq(need_name(NEED_RANK), "rank");
	ck_assert_str_eq(need_name(NEED_PREFIX | NEED_BYTES), "prefix");
	ck_assert_str_eq(need_name(NEED_CHECKSUM(CHECKSUM_XXH32)),
			 "checksum xxh32");
	ck_assert_str_eq(need_name(UINT64_C(1) << 63), "unknown");
	ck_assert_str_eq(need_name(0), "unknown");
}
END_TEST

START_TEST(bytes_are_handed_out_and_counted)
{
	struct book *b = book_new();
	struct content_source src = book_source(b, 2);
	struct content_set *s;
	uint8_t buf[PAGE_BYTES];

	page_fill(b->page[0], RULE_ID, 1);
	page_fill(b->page[1], RULE_ID, 2);
	s = set_of(&src, NEED_BYTES);
	ck_assert_mem_eq(content_bytes(s, 2, buf), b->page[1], PAGE_BYTES);
	ck_assert_mem_eq(content_bytes(s, 1, buf), b->page[0], PAGE_BYTES);
	ck_assert(page_is_zero(content_bytes(s, 0, buf)));
	ck_assert_uint_eq(s->bytes_asked, 3);
	content_set_free(s);
	free(b);
}
END_TEST

/* Numbers with random gaps: prefixes rise and fall. */
START_TEST(the_minimum_of_any_range_is_that_of_its_prefixes)
{
	struct book *b = book_new();

	for (uint32_t i = 0; i < 300; i++)
		page_fill(b->page[i], RULE_KEY, (i + 1u) * (i + 7u) * 977u);
	for (uint32_t n = 1; n <= 300; n += n < 70 ? 1 : 46) {
		struct content_source src = book_source(b, n);
		struct content_set *s = set_of(&src, NEED_PREFIX);

		for (uint32_t lo = 0; lo < s->count; lo++) {
			uint32_t low = PAGE_BITS;

			for (uint32_t hi = lo + 1; hi < s->count; hi++) {
				if (s->prefix[hi - 1] < low)
					low = s->prefix[hi - 1];
				ck_assert_uint_eq(
					content_prefix_bits(s, lo, hi), low);
				ck_assert_uint_eq(
					content_prefix_bits(s, hi, lo), low);
			}
		}
		content_set_free(s);
	}
	free(b);
}
END_TEST

static void damage(struct content_set *s, void *p)
{
	struct err err = {0};
	uint8_t *byte = p;

	*byte ^= 1;
	ck_assert_int_eq(content_set_check(s, &err), -EINVAL);
	ck_assert_str_ne(err.text, "");
	*byte ^= 1;
	ck_assert_int_eq(content_set_check(s, NULL), 0);
}

START_TEST(the_check_sees_damage_in_every_column)
{
	struct book *b = book_new();
	struct content_source src = book_source(b, 100);
	struct content_set *s;

	for (uint32_t i = 0; i < 100; i++)
		page_fill(b->page[i], i % 3 ? RULE_ID : RULE_LAST8, i + 1);
	memset(b->page[50], 7, PAGE_BYTES);
	s = set_of(&src, NEED_COLUMNS);
	damage(s, &s->rank[33]);
	damage(s, &s->rank[0]);
	damage(s, &s->by_rank[100]);
	damage(s, &s->head[5]);
	damage(s, &s->prefix[0]);
	damage(s, &s->prefix[99]);
	damage(s, &s->prefix[100]);
	damage(s, &s->prefix_l[40]);
	damage(s, &s->prefix_r[100]);
	for (uint32_t k = 0; k < 3; k++)
		damage(s, &s->sparse[k * s->blocks + 1]);
	damage(s, &s->length[100]);
	damage(s, &s->word_rank[0]);
	damage(s, &s->word_rank[77]);
	damage(s, &s->same[51]);
	damage(s, &s->same_set[0]);
	for (unsigned c = 0; c < CHECKSUM_COUNT; c++)
		damage(s, &s->checksum[c][99]);
	content_set_free(s);
	free(b);
}
END_TEST

static int make_all_columns(void *ctx)
{
	struct content_set *s = NULL;
	int ret = content_set_new(&s, ctx, NEED_COLUMNS | NEED_BYTES, 2, NULL);

	fail_mem_off();
	if (ret) {
		ck_assert_ptr_null(s);
		return ret;
	}
	ck_assert_int_eq(content_set_check(s, NULL), 0);
	content_set_free(s);
	return 0;
}

START_TEST(running_out_of_memory_anywhere_leaves_nothing_behind)
{
	struct book *b = book_new();
	struct content_source src = book_source(b, 300);

	for (uint32_t i = 0; i < 300; i++)
		page_fill(b->page[i], i % 2 ? RULE_ID : RULE_LAST8, i + 1);
	ck_assert_uint_gt(fail_mem_walk(make_all_columns, &src), 15);
	free(b);
}
END_TEST

static Suite *content_suite(void)
{
	Suite *s = suite_create("content");
	TCase *tc = tcase_create("columns");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, numbers_are_ranked_as_memcmp_ranks_them);
	tcase_add_test(tc, the_last_bit_of_a_page_decides);
	tcase_add_test(tc, a_set_may_hold_nothing_but_zeros);
	tcase_add_test(tc,
		       scattered_lines_have_ranks_and_prefixes_of_their_own);
	tcase_add_test(tc, only_what_is_asked_for_is_made);
	tcase_add_test(tc, checksums_are_those_of_the_libraries);
	tcase_add_test(tc, words_have_an_order_of_their_own);
	tcase_add_test(tc, the_length_ends_with_the_last_byte_that_is_not_zero);
	tcase_add_test(tc, a_page_filled_with_one_word_is_told_from_all_others);
	tcase_add_test(
		tc, equal_contents_are_refused_and_the_first_repeat_is_named);
	tcase_add_test(tc, zeros_under_a_number_of_their_own_are_refused);
	tcase_add_test(tc, a_column_that_cannot_be_made_is_refused_by_name);
	tcase_add_test(tc, needs_have_names);
	tcase_add_test(tc, bytes_are_handed_out_and_counted);
	tcase_add_test(tc, the_minimum_of_any_range_is_that_of_its_prefixes);
	tcase_add_test(tc, the_check_sees_damage_in_every_column);
	tcase_add_test(tc,
		       running_out_of_memory_anywhere_leaves_nothing_behind);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_main(content_suite());
}
