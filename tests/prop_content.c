/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Families of pages that are hard to sort, against qsort() with memcmp(), at
 * several numbers of threads, which must agree to the byte.
 */
#include <string.h>

#include "sim/base/prng.h"
#include "sim/core/content.h"
#include "sim/core/pages.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

#define NEEDS                                                                  \
	(NEED_PREFIX | NEED_LENGTH | NEED_SAME | NEED_WORD_RANK |              \
	 NEED_CHECKSUM(0))

static const unsigned threads[] = {1, 2, 3, 8};

static void set_bit(uint8_t *page, uint64_t bit)
{
	page[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

static void add(struct page_store *ps, const uint8_t *page)
{
	uint32_t id;

	ck_assert_int_ge(page_store_add(ps, page, &id), 0);
}

static void add_by_rule(struct page_store *ps, struct prng *r,
			enum page_rule rule)
{
	uint8_t page[PAGE_BYTES];

	for (uint32_t i = 0; i < 1500; i++) {
		page_fill(page, rule, prng_next(r) >> prng_below(r, 64));
		add(ps, page);
	}
}

static void make_random(struct page_store *ps, struct prng *r)
{
	add_by_rule(ps, r, RULE_ID);
}

static void make_last8(struct page_store *ps, struct prng *r)
{
	add_by_rule(ps, r, RULE_LAST8);
}

static void make_last1(struct page_store *ps, struct prng *r)
{
	add_by_rule(ps, r, RULE_LAST1);
}

static void make_key(struct page_store *ps, struct prng *r)
{
	add_by_rule(ps, r, RULE_KEY);
}

/* Zeros but for one bit. */
static void make_thermometer(struct page_store *ps, struct prng *r)
{
	for (uint32_t i = 0; i < 2000; i++) {
		uint8_t page[PAGE_BYTES] = {0};

		set_bit(page, prng_below(r, PAGE_BITS));
		add(ps, page);
	}
}

/* Ones up to some bit, zeros behind it. */
static void make_staircase(struct page_store *ps, struct prng *r)
{
	for (uint32_t i = 0; i < 2000; i++) {
		uint8_t page[PAGE_BYTES] = {0};
		uint64_t n = prng_below(r, PAGE_BITS + 1);

		memset(page, 0xff, n / 8);
		for (uint64_t bit = n & ~UINT64_C(7); bit < n; bit++)
			set_bit(page, bit);
		add(ps, page);
	}
}

/* Few values in few words: groups within groups, all with long prefixes. */
static void make_digits(struct page_store *ps, struct prng *r)
{
	uint8_t page[PAGE_BYTES];

	page_fill(page, RULE_ID, prng_next(r));
	for (uint32_t i = 0; i < 2500; i++) {
		for (uint32_t at = 3; at < PAGE_BYTES; at += 409)
			page[at] = (uint8_t)(prng_below(r, 4) * 85);
		add(ps, page);
	}
}

/* Each page is an earlier one with a few of its later bits changed. */
static void make_family_tree(struct page_store *ps, struct prng *r)
{
	uint8_t page[PAGE_BYTES];

	page_fill(page, RULE_ID, prng_next(r));
	add(ps, page);
	for (uint32_t i = 0; i < 2500; i++) {
		uint32_t id = (uint32_t)prng_below(r, ps->in.count);
		uint64_t from = prng_below(r, PAGE_BITS);
		uint64_t n = prng_below(r, 8);

		memcpy(page, page_store_bytes(ps, id), PAGE_BYTES);
		for (; n; n--) {
			uint64_t bit = from + prng_below(r, PAGE_BITS - from);

			page[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
		}
		add(ps, page);
	}
}

/* Each page agrees with the one before in one word more, so that a badly
 * chosen pivot takes only one page off the group. */
static void make_ladder(struct page_store *ps, struct prng *r)
{
	uint8_t page[PAGE_BYTES];

	memset(page, 0x11, sizeof(page));
	for (uint32_t w = 0; w < PAGE_WORDS; w++) {
		for (uint32_t i = 0; i < 4; i++) {
			store_be64(page + 8 * w, prng_below(r, 3));
			if (w + 1 < PAGE_WORDS)
				store_be64(page + 8 * w + 8, prng_next(r));
			add(ps, page);
		}
		memset(page + 8 * w, 0x11, PAGE_BYTES - 8 * w);
	}
}

static const struct family {
	const char *name;
	void (*make)(struct page_store *ps, struct prng *r);
} families[] = {
	{"random", make_random},
	{"last8", make_last8},
	{"last1", make_last1},
	{"key", make_key},
	{"thermometer", make_thermometer},
	{"staircase", make_staircase},
	{"digits", make_digits},
	{"family tree", make_family_tree},
	{"ladder", make_ladder},
};

#define FAMILIES (int)(sizeof(families) / sizeof(families[0]))

static int by_bytes(const void *a, const void *b)
{
	const uint8_t *const *pa = a, *const *pb = b;

	return memcmp(*pa, *pb, PAGE_BYTES);
}

static void check_ranks(const struct content_set *s,
			const struct page_store *ps)
{
	const uint8_t **page = calloc(s->count, sizeof(*page));

	ck_assert_ptr_nonnull(page);
	for (uint32_t id = 0; id < s->count; id++)
		page[id] = page_store_bytes(ps, id);
	qsort(page, s->count, sizeof(*page), by_bytes);
	for (uint32_t r = 0; r < s->count; r++) {
		uint32_t id = s->by_rank[r];

		ck_assert_ptr_eq(page[r], page_store_bytes(ps, id));
		ck_assert_uint_eq(s->rank[id], r);
	}
	free(page);
}

static void check_pairs(const struct content_set *s,
			const struct page_store *ps, struct prng *rnd)
{
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t ra = (uint32_t)prng_below(rnd, s->count);
		uint32_t far = 1u << prng_below(rnd, 12);
		uint32_t rb =
			(uint32_t)((ra + prng_below(rnd, far)) % s->count);
		const uint8_t *a = page_store_bytes(ps, s->by_rank[ra]);
		const uint8_t *b = page_store_bytes(ps, s->by_rank[rb]);
		uint32_t byte = 0, bit = 0;

		while (byte < PAGE_BYTES && a[byte] == b[byte])
			byte++;
		ck_assert_uint_eq(content_cmp_bytes(s, ra, rb),
				  byte == PAGE_BYTES ? PAGE_BYTES : byte + 1);
		if (ra == rb)
			continue;
		while (!((a[byte] ^ b[byte]) << bit & 0x80))
			bit++;
		ck_assert_uint_eq(content_prefix_bits(s, ra, rb),
				  8 * byte + bit);
	}
}

static void same_columns(const struct content_set *a,
			 const struct content_set *b)
{
	size_t n = a->count;

	ck_assert_uint_eq(n, b->count);
	ck_assert_uint_eq(a->blocks, b->blocks);
	ck_assert_mem_eq(a->rank, b->rank, n * sizeof(*a->rank));
	ck_assert_mem_eq(a->by_rank, b->by_rank, n * sizeof(*a->by_rank));
	ck_assert_mem_eq(a->head, b->head, n * sizeof(*a->head));
	ck_assert_mem_eq(a->prefix, b->prefix, n * sizeof(*a->prefix));
	ck_assert_mem_eq(a->prefix_l, b->prefix_l, n * sizeof(*a->prefix));
	ck_assert_mem_eq(a->prefix_r, b->prefix_r, n * sizeof(*a->prefix));
	ck_assert_mem_eq(a->sparse, b->sparse,
			 a->blocks * (log2_64(a->blocks) + 1) *
				 sizeof(*a->sparse));
	ck_assert_mem_eq(a->checksum[0], b->checksum[0],
			 n * sizeof(*a->checksum[0]));
	ck_assert_mem_eq(a->length, b->length, n * sizeof(*a->length));
	ck_assert_mem_eq(a->same, b->same, n * sizeof(*a->same));
	ck_assert_mem_eq(a->same_set, b->same_set,
			 (n / 64 + 1) * sizeof(*a->same_set));
}

/* The set at one thread, after the others were found to agree. */
static struct content_set *set_of(const struct content_source *src)
{
	struct content_set *one = NULL, *s;
	struct err err = {0};

	for (unsigned i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		int ret = content_set_new(&s, src, NEEDS, threads[i], &err);

		ck_assert_msg(!ret, "%s", err_text(&err, ret));
		if (!one) {
			one = s;
			continue;
		}
		same_columns(one, s);
		content_set_free(s);
	}
	ck_assert_msg(!content_set_check(one, &err), "%s", err.text);
	return one;
}

START_TEST(ranks_and_prefixes_are_those_of_memcmp)
{
	const struct family *f = &families[_i];
	struct prng r = prng_fork(test_seed(1), f->name);
	struct page_store ps;
	struct content_source src;
	struct content_set *s;

	page_store_init(&ps, UINT32_MAX - 1);
	f->make(&ps, &r);
	src = page_store_source(&ps);
	s = set_of(&src);
	check_ranks(s, &ps);
	check_pairs(s, &ps, &r);
	content_set_free(s);
	page_store_fini(&ps);
}
END_TEST

START_TEST(families_mixed_are_ranked_like_one)
{
	struct prng r = prng_fork(test_seed(2), "mixed");
	struct page_store ps;
	struct content_source src;
	struct content_set *s;

	page_store_init(&ps, UINT32_MAX - 1);
	for (int i = 0; i < FAMILIES; i++)
		families[i].make(&ps, &r);
	src = page_store_source(&ps);
	s = set_of(&src);
	check_ranks(s, &ps);
	check_pairs(s, &ps, &r);
	content_set_free(s);
	page_store_fini(&ps);
}
END_TEST

/*
 * So many that groups are split by all threads at once, made on demand: words
 * @coarse and 511 decide, the first with few values, the second with a number
 * of its own for each page.
 */
#define CROWD 60000u

struct crowd {
	uint64_t seed;
	unsigned coarse, values;
	uint32_t twin, of; /* content @twin is the same as @of; 0: none */
};

static const uint8_t *crowd_bytes(void *self, uint32_t id, uint8_t *buf)
{
	const struct crowd *c = self;
	uint64_t x;

	if (id == c->twin)
		id = c->of;
	x = splitmix64(c->seed + id);
	memset(buf, 0, PAGE_BYTES);
	store_be64(buf + 8 * c->coarse, x % c->values);
	store_be64(buf + PAGE_BYTES - 8, x | 1);
	return buf;
}

START_TEST(large_groups_are_split_alike_by_any_number_of_threads)
{
	struct crowd c = {.seed = test_seed(3), .coarse = 40, .values = 2};
	struct content_source src = {
		.self = &c, .count = CROWD, .bytes = crowd_bytes};

	content_set_free(set_of(&src));
	c.coarse = 0;
	content_set_free(set_of(&src));
	c.coarse = 510;
	c.values = 1000;
	content_set_free(set_of(&src));
}
END_TEST

START_TEST(threads_that_cannot_be_made_are_done_without)
{
	struct crowd c = {.seed = test_seed(5), .coarse = 3, .values = 2};
	struct content_source src = {
		.self = &c, .count = CROWD, .bytes = crowd_bytes};
	struct content_set *s, *alone;

	ck_assert_int_eq(content_set_new(&s, &src, NEEDS, 8, NULL), 0);
	fail_threads_after(3);
	ck_assert_int_eq(content_set_new(&alone, &src, NEEDS, 8, NULL), 0);
	fail_threads_after(-1);
	same_columns(s, alone);
	content_set_free(alone);
	content_set_free(s);
}
END_TEST

START_TEST(equal_pages_in_a_large_group_are_named_alike)
{
	struct crowd c = {
		.seed = test_seed(4), .coarse = 9, .values = 2, .of = 1234};
	struct content_source src = {
		.self = &c, .count = CROWD, .bytes = crowd_bytes};
	struct prng r = prng_fork(c.seed, "twin");

	for (unsigned i = 0; i < sizeof(threads) / sizeof(threads[0]); i++) {
		struct content_set *s;
		struct err err = {0};
		char text[ERR_TEXT_MAX];

		c.twin = (uint32_t)(1235 + prng_below(&r, CROWD - 1235));
		snprintf(text, sizeof(text), "contents 1234 and %u are equal",
			 c.twin);
		ck_assert_int_lt(
			content_set_new(&s, &src, NEED_RANK, threads[i], &err),
			0);
		ck_assert_str_eq(err.text, text);
	}
}
END_TEST

static Suite *content_suite(void)
{
	Suite *s = suite_create("content, properties");
	TCase *tc = tcase_create("families");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, ranks_and_prefixes_are_those_of_memcmp, 0,
			    FAMILIES);
	tcase_add_test(tc, families_mixed_are_ranked_like_one);
	tcase_add_test(tc,
		       large_groups_are_split_alike_by_any_number_of_threads);
	tcase_add_test(tc, threads_that_cannot_be_made_are_done_without);
	tcase_add_test(tc, equal_pages_in_a_large_group_are_named_alike);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_main(content_suite());
}
