/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <zstd.h>

#include "sim/base/hash.h"
#include "sim/base/prng.h"
#include "traces/events.h"
#include "traces/format.h"
#include "traces/recover.h"
#include "tests/support/box.h"
#include "tests/support/main.h"
#include "tests/support/tracegen.h"

static struct box box;
static struct recording rec;
static struct err err;

static void setup(void)
{
	box_init(&box);
	rec = (struct recording){.contents = 1};
	err = (struct err){0};
}

static void teardown(void)
{
	recording_fini(&rec);
	box_fini(&box);
}

/* Open and read everything: 0, or the error. */
static int verify(const char *name)
{
	struct box_path p = box_path(&box, name);
	struct trace *t = NULL;
	int ret;

	err = (struct err){0};
	ret = trace_open(&t, p.text, &err);
	if (!ret)
		ret = trace_verify(t, 1, &err);
	trace_close(t);
	return ret;
}

static void refused(const char *name, const char *why)
{
	struct box_path p = box_path(&box, name);

	ck_assert_int_eq(verify(name), -EINVAL);
	ck_assert_msg(strstr(err.text, p.text), "%s", err.text);
	ck_assert_msg(strstr(err.text, why), "%s", err.text);
}

static char *small(size_t *n)
{
	struct box_path p = box_path(&box, "t");
	char *bytes;

	recording_every(&rec);
	rec.rule = RULE_KEY;
	recording_write(&rec, p.text, 0, 1);
	*n = box_read(&box, "t", &bytes);
	return bytes;
}

/* Recover @from; @head: is its header whole? */
static struct trace_recovered recover(const char *from, bool head)
{
	struct box_path in = box_path(&box, from), out = box_path(&box, "r");
	struct trace_recovered res;
	int ret;

	err = (struct err){0};
	ret = trace_recover(in.text, out.text, 1, 1, &res, &err);
	ck_assert_msg(ret == (head ? 0 : -EINVAL), "%s", err_text(&err, ret));
	ck_assert(box_has(&box, "r") == head);
	ck_assert(!box_has(&box, "r.part"));
	if (head)
		ck_assert_msg(!verify("r"), "%s", err.text);
	return res;
}

START_TEST(a_file_cut_anywhere_is_refused_and_can_be_recovered)
{
	struct trace_recovered r;
	uint64_t events = 0;
	size_t n;
	char *all = small(&n);

	for (size_t cut = 0; cut < n; cut++) {
		struct box_path out = box_path(&box, "r");

		box_write(&box, "cut", all, cut);
		ck_assert_int_eq(verify("cut"), -EINVAL);
		if (cut > FMT_HEADER_BYTES)
			ck_assert_msg(strstr(err.text, "trace recover"), "%s",
				      err.text);
		remove(out.text);
		if (cut < FMT_MAGIC_BYTES || (cut % 23 && cut != n - 1))
			continue;
		r = recover("cut", cut >= FMT_HEADER_BYTES);
		ck_assert(!r.whole);
		ck_assert_uint_le(r.offset, cut);
		ck_assert_uint_ge(r.kept.events, events);
		events = r.kept.events;
	}
	ck_assert_uint_eq(events, rec.n);
	free(all);
}
END_TEST

START_TEST(a_cut_between_sections_keeps_what_stands_before)
{
	struct box_path p = box_path(&box, "t"), q = box_path(&box, "r");
	struct trace_header h = {0};
	struct trace_recovered r;
	struct fmt_entry *index;
	struct os_file f;
	uint64_t pages = 0, events = 0;
	size_t n;
	char *all;

	recording_random(&rec, 4, 100000, 700);
	recording_write(&rec, p.text, 1, 1);
	box_read(&box, "t", &all);
	ck_assert(!os_open(&f, p.text, &err));
	ck_assert(!fmt_footer_get(&f, &h, FMT_HEADER_BYTES, &index, &n, &err));
	os_close(&f);
	for (size_t i = 0; i <= n; i++) {
		box_write(&box, "cut", all, index[i].offset);
		remove(q.text);
		r = recover("cut", true);
		ck_assert(!r.whole);
		ck_assert_uint_eq(r.offset, index[i].offset);
		ck_assert_uint_eq(r.kept.events, events);
		ck_assert_uint_eq(r.kept.contents, pages + 1);
		if (i < n && index[i].tag == FMT_PAGE)
			pages += index[i].items;
		else if (i < n && index[i].tag == FMT_EVNT)
			events += index[i].items;
	}
	ck_assert_uint_gt(n, 6);
	ck_assert_uint_eq(events, rec.n);
	free(index);
	free(all);
}
END_TEST

START_TEST(a_whole_file_is_recovered_as_it_is)
{
	struct box_path q = box_path(&box, "r");
	struct trace_recovered r;
	size_t n;

	free(small(&n));
	r = recover("t", true);
	ck_assert(r.whole);
	ck_assert_uint_eq(r.offset, n);
	recording_same(&rec, q.text, 1);
}
END_TEST

START_TEST(every_flipped_bit_is_found)
{
	struct box_path p = box_path(&box, "t"), q = box_path(&box, "r");
	struct trace_recovered r;
	size_t n;
	char *all;

	/* a trace as small as can be with all kinds of sections */
	recording_random(&rec, 1, 12, 3);
	rec.rule = RULE_KEY;
	recording_write(&rec, p.text, 0, 1);
	n = box_read(&box, "t", &all);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		all[bit / 8] = (char)(all[bit / 8] ^ 1 << bit % 8);
		box_write(&box, "bad", all, n);
		ck_assert_msg(verify("bad") == -EINVAL,
			      "bit %zu of byte %zu: %s", bit % 8, bit / 8,
			      err.text);
		ck_assert(strlen(err.text));
		if (bit % 101 == 0 && bit >= 64) {
			remove(q.text);
			r = recover("bad", bit / 8 >= FMT_HEADER_BYTES);
			ck_assert(!r.whole);
		}
		all[bit / 8] = (char)(all[bit / 8] ^ 1 << bit % 8);
	}
	free(all);
}
END_TEST

START_TEST(bytes_behind_the_end_are_refused)
{
	size_t n;
	char *all = small(&n);

	all = realloc(all, n + 1);
	ck_assert_ptr_nonnull(all);
	all[n] = 0;
	box_write(&box, "long", all, n + 1);
	refused("long", "no footer");
	free(all);
}
END_TEST

/* ---- files with right checksums and wrong claims ---- */

#define CRAFT_MAX 4u

struct craft {
	uint8_t *bytes;
	size_t n;
	struct fmt_entry index[CRAFT_MAX];
	size_t sections;
	struct trace_header h;
};

static void craft_start(struct craft *c)
{
	*c = (struct craft){.bytes = malloc(4u << 20), .n = FMT_HEADER_BYTES};
	ck_assert_ptr_nonnull(c->bytes);
	fmt_header_put(c->bytes, 0);
	c->h.contents = 1;
}

/* A section with this payload; what its header claims is up to @s. */
static void craft_section(struct craft *c, struct fmt_section s,
			  const void *payload, size_t n)
{
	uint8_t *p = c->bytes + c->n;
	uint64_t claim = s.stored;

	memcpy(p + FMT_SECTION_BYTES, payload, n);
	s.stored = n;
	fmt_section_put(p, &s);
	if (claim) {
		store_le64(p + 16, claim);
		store_le64(p, hash_xxh3(p + 8, FMT_SECTION_BYTES - 8 + n));
	}
	c->index[c->sections++] = (struct fmt_entry){
		.offset = c->n,
		.tag = s.tag,
		.flags = s.flags,
		.items = s.items,
	};
	c->n += FMT_SECTION_BYTES + n;
}

static void craft_end(struct craft *c, const char *name)
{
	uint8_t *foot;
	size_t bytes;

	ck_assert(!fmt_footer_put(&c->h, c->index, c->sections, c->n, &foot,
				  &bytes));
	memcpy(c->bytes + c->n, foot, bytes);
	box_write(&box, name, c->bytes, c->n + bytes);
	free(foot);
	free(c->bytes);
}

/* One section of zeros, compressed, in a trace that claims it as @s says. */
static void zeros(struct fmt_section s, size_t unpacked, const char *why)
{
	size_t room = ZSTD_compressBound(unpacked), n;
	void *raw = calloc(1, unpacked), *zip = malloc(room);
	struct craft c;

	ck_assert(raw && zip);
	n = ZSTD_compress(zip, room, raw, unpacked, 1);
	ck_assert(!ZSTD_isError(n));
	craft_start(&c);
	if (s.tag == FMT_PAGE)
		c.h.contents += (uint32_t)s.items;
	else if (s.tag == FMT_EVNT)
		c.h.events = s.items;
	craft_section(&c, s, zip, n);
	craft_end(&c, "bad");
	refused("bad", why);
	free(raw);
	free(zip);
}

START_TEST(oversized_claims_are_refused)
{
	zeros((struct fmt_section){FMT_PAGE, 0, 0, 4096, 2}, 4096,
	      "2 pages in 4096 bytes");
	zeros((struct fmt_section){FMT_PAGE, 0, 0, 257 * 4096, 257}, 257 * 4096,
	      "a section of 257 pages");
	zeros((struct fmt_section){FMT_PAGE, 0, 0, 0, 0}, 1, "0 pages");
	zeros((struct fmt_section){FMT_PAGE, 0, 0, 0, UINT32_MAX - 2}, 1,
	      "section of 4294967293 pages");
	zeros((struct fmt_section){FMT_PAGE, 0, 0, 0, UINT32_MAX - 1}, 1,
	      "do not add up");
	zeros((struct fmt_section){FMT_PAGE, 0, UINT64_C(1) << 60, 4096, 1},
	      4096, "length");
	zeros((struct fmt_section){FMT_PAGE, 4, 0, 4096, 1}, 4096, "flags 0x4");
	zeros((struct fmt_section){FMT_PAGE, FMT_PLAIN, 0, 4096, 1}, 4096,
	      "does not unpack");
	zeros((struct fmt_section){FMT_EVNT, 0, 0, 100000, 99984}, 100000,
	      "a section of 99984 events");
	zeros((struct fmt_section){FMT_EVNT, 0, 0, 24, 7}, 24,
	      "event 1 (section at offset 32): space 0, the next one is 1");
	zeros((struct fmt_section){FMT_EVNT, 0, 0, 24, 0}, 24,
	      "a section of 0 events");
	zeros((struct fmt_section){FMT_META, 0, 0, 16, 3}, 16, "a key must");
	zeros((struct fmt_section){FMT_META, 0, 0, 7, 1}, 7,
	      "does not fill its section");
	zeros((struct fmt_section){FMT_META, 0, 0, UINT64_C(1) << 40, 1}, 64,
	      "not allowed");
}
END_TEST

START_TEST(a_small_file_cannot_unpack_to_a_large_one)
{
	zeros((struct fmt_section){FMT_PAGE, 0, 0, 1u << 20, 256}, 64u << 20,
	      "does not unpack to its 1048576 bytes");
	zeros((struct fmt_section){FMT_PAGE, 0, 0, 64u << 20, 256}, 64u << 20,
	      "256 pages in 67108864 bytes");
	zeros((struct fmt_section){FMT_EVNT, 0, 0, 64u << 20, 100}, 64u << 20,
	      "not allowed");
}
END_TEST

START_TEST(totals_must_add_up)
{
	static const uint8_t one[EVENTS_PREFIX + 1] = {[8] = 0};
	struct fmt_section s = {FMT_EVNT, FMT_PLAIN, 0, sizeof(one), 1};
	struct craft c;

	for (int i = 0; i < 5; i++) {
		static const char *const why[] = {
			"digest",
			"do not add up",
			"do not add up",
			"the footer says 2 spaces",
			"the footer says 1 spaces",
		};
		craft_start(&c);
		c.h.spaces = i == 3 ? 2 : 1;
		c.h.events = i == 1 ? UINT64_MAX : 1;
		c.h.contents = i == 2 ? UINT32_MAX : 1;
		c.h.end = NS(i == 4);
		craft_section(&c, s, one, sizeof(one));
		craft_end(&c, "bad");
		refused("bad", why[i]);
	}
}
END_TEST

START_TEST(an_index_that_lies_is_refused)
{
	static const uint8_t one[EVENTS_PREFIX + 1] = {0};
	struct fmt_section s = {FMT_EVNT, FMT_PLAIN, 0, sizeof(one), 1};
	struct craft c;

	for (int i = 0; i < 6; i++) {
		static const char *const why[] = {
			"lists sections badly",
			"lists sections badly",
			"not what the index says",
			"checksum is wrong",
			"cannot be read by this version",
			"lists no sections",
		};
		craft_start(&c);
		c.h.events = c.h.spaces = 1;
		craft_section(&c, s, one, sizeof(one));
		if (i == 0)
			c.index[0].offset++;
		if (i == 1)
			c.index[c.sections++].offset = UINT64_MAX;
		if (i == 2)
			c.index[0].flags = 0;
		if (i == 3)
			c.bytes[FMT_HEADER_BYTES]++;
		if (i == 4)
			c.index[0].tag = FMT_FOOT;
		if (i == 4)
			c.h.events = 0;
		if (i == 5)
			c.h.events = c.sections = 0;
		craft_end(&c, "bad");
		refused("bad", why[i]);
	}
}
END_TEST

START_TEST(an_index_larger_than_its_file_is_refused)
{
	struct craft c;
	uint8_t *foot;
	size_t bytes;

	craft_start(&c);
	ck_assert(!fmt_footer_put(&c.h, c.index, 0, c.n, &foot, &bytes));
	store_le64(foot + FMT_SECTION_BYTES + 48, UINT64_C(1) << 58);
	store_le64(foot,
		   hash_xxh3(foot + 8, FMT_SECTION_BYTES - 8 + FMT_FOOT_BYTES));
	memcpy(c.bytes + c.n, foot, bytes);
	box_write(&box, "bad", c.bytes, c.n + bytes);
	refused("bad", "is of the wrong size");
	store_le64(foot + FMT_SECTION_BYTES + 48, 0);
	store_le64(foot + 32, 1);
	store_le64(foot,
		   hash_xxh3(foot + 8, FMT_SECTION_BYTES - 8 + FMT_FOOT_BYTES));
	memcpy(c.bytes + c.n, foot, bytes);
	box_write(&box, "bad", c.bytes, c.n + bytes);
	refused("bad", "the footer is damaged");
	free(foot);
	free(c.bytes);
}
END_TEST

START_TEST(equal_contents_are_refused)
{
	uint8_t page[2 * PAGE_BYTES];
	struct fmt_section s = {FMT_PAGE, FMT_PLAIN, 0, sizeof(page), 2};
	struct craft c;

	memset(page, 7, sizeof(page));
	craft_start(&c);
	c.h.contents = 3;
	craft_section(&c, s, page, sizeof(page));
	craft_end(&c, "bad");
	/* the digest of the crafted trace is wrong too, so ask for contents */
	{
		struct box_path p = box_path(&box, "bad");
		struct content_source src;
		struct content_set *set;
		struct trace *t;

		err = (struct err){0};
		ck_assert(!trace_open(&t, p.text, &err));
		ck_assert(!t->ops->contents(t, 1, &src, &err));
		ck_assert_int_eq(
			content_set_new(&set, &src, NEED_RANK, 1, &err),
			-EINVAL);
		ck_assert_ptr_nonnull(strstr(err.text, "are equal"));
		ck_assert_ptr_nonnull(strstr(err.text, p.text));
		trace_close(t);
	}
}
END_TEST

START_TEST(random_bytes_behind_a_good_header_do_no_harm)
{
	struct prng r = prng_fork(test_seed(1), "damage");
	size_t n;
	char *all = small(&n);

	for (int i = 0; i < 500; i++) {
		size_t at = 32 + (size_t)prng_below(&r, n - 32);
		size_t len = (size_t)prng_below(&r, 64);
		char keep[64];

		if (len > n - at)
			len = n - at;
		memcpy(keep, all + at, len);
		for (size_t k = 0; k < len; k++)
			all[at + k] = (char)prng_next(&r);
		box_write(&box, "bad", all, n);
		ck_assert(!memcmp(keep, all + at, len) ||
			  verify("bad") == -EINVAL);
		memcpy(all + at, keep, len);
	}
	free(all);
}
END_TEST

static Suite *trace_damage_suite(void)
{
	Suite *s = suite_create("trace_damage");
	TCase *c = tcase_create("all");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 300);
	tcase_add_test(c, a_file_cut_anywhere_is_refused_and_can_be_recovered);
	tcase_add_test(c, a_cut_between_sections_keeps_what_stands_before);
	tcase_add_test(c, a_whole_file_is_recovered_as_it_is);
	tcase_add_test(c, every_flipped_bit_is_found);
	tcase_add_test(c, bytes_behind_the_end_are_refused);
	tcase_add_test(c, oversized_claims_are_refused);
	tcase_add_test(c, a_small_file_cannot_unpack_to_a_large_one);
	tcase_add_test(c, totals_must_add_up);
	tcase_add_test(c, an_index_that_lies_is_refused);
	tcase_add_test(c, an_index_larger_than_its_file_is_refused);
	tcase_add_test(c, equal_contents_are_refused);
	tcase_add_test(c, random_bytes_behind_a_good_header_do_no_harm);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return check_main(trace_damage_suite());
}
