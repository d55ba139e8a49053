/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/hash.h"
#include "sim/core/pages.h"
#include "traces/import.h"
#include "traces/zin.h"
#include "tests/support/box.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

/*
 * A small container: two guests of four pages, four samples, three of them
 * kept.  Content k is the page of RULE_KEY k.
 *
 *	sample	tl		ll
 *	0	0 1 2 1		2 0 0 3
 *	2	4 1 0 1		2 5 0 3
 *	3	4 6 0 1		2 5 0 0
 */
#define GUESTS 2
#define PAGES 4
#define SAMPLES 4
#define CONTENTS 6

static const char samples_text[] = "0\t0\t130.1\t1\n"
				   "1\t1000\t9.7\t0\n"
				   "2\t2003\t10\t1\n"
				   "3\t3001\t9.5\t1\n";
static const char index_text[] = "0\ttl\t1\t3\t1 2 1\n"
				 "0\tll\t0\t1\t2\n"
				 "0\tll\t3\t1\t3\n"
				 "2\ttl\t0\t1\t4\n"
				 "2\ttl\t2\t1\t0\n"
				 "2\tll\t1\t1\t5\n"
				 "3\ttl\t1\t1\t6\n"
				 "3\tll\t3\t1\t0\n";
static const uint8_t held[SAMPLES][GUESTS][PAGES] = {
	{{0, 1, 2, 1}, {2, 0, 0, 3}},
	{{9, 9, 0, 1}, {0, 0, 9, 9}}, /* not kept: anything */
	{{4, 1, 0, 1}, {2, 5, 0, 3}},
	{{4, 6, 0, 1}, {2, 5, 0, 0}},
};

static const char whole[] = "0 space 0\n"
			    "0 space 1\n"
			    "0 map 0 10000000 + 4\n"
			    "0 write 0 10000000 = 0\n"
			    "0 write 0 10000001 = 1\n"
			    "0 write 0 10000002 = 2\n"
			    "0 write 0 10000003 = 1\n"
			    "0 map 1 20000000 + 4\n"
			    "0 write 1 20000000 = 2\n"
			    "0 write 1 20000001 = 0\n"
			    "0 write 1 20000002 = 0\n"
			    "0 write 1 20000003 = 3\n"
			    "0 mark\n"
			    "2003 write 0 10000000 = 4\n"
			    "2003 write 0 10000002 = 0\n"
			    "2003 write 1 20000001 = 5\n"
			    "2003 mark\n"
			    "3001 write 0 10000001 = 6\n"
			    "3001 write 1 20000003 = 0\n"
			    "3001 mark\n";

static struct box box;
static struct err err;
static uint8_t pages[CONTENTS * PAGE_BYTES];
static uint8_t hashes[SAMPLES * GUESTS * PAGES * 8];

static void write_all(const char *samples, const char *index)
{
	box_write(&box, "samples.tsv", samples, strlen(samples));
	box_write(&box, "index.tsv", index, strlen(index));
	box_write(&box, "pages.bin", pages, sizeof(pages));
	box_write(&box, "hashes.bin", hashes, sizeof(hashes));
}

static void setup(void)
{
	const uint8_t *v = &held[0][0][0];
	uint8_t page[PAGE_BYTES];

	box_init(&box);
	for (uint32_t k = 0; k < CONTENTS; k++)
		page_fill(pages + k * PAGE_BYTES, RULE_KEY, k + 1);
	for (size_t i = 0; i < sizeof(hashes) / 8; i++) {
		page_fill(page, RULE_KEY, v[i]);
		store_le64(hashes + 8 * i,
			   v[i] ? hash_xxh3(page, PAGE_BYTES) | 1 : 0);
	}
	write_all(samples_text, index_text);
}

static void teardown(void)
{
	box_fini(&box);
}

static int import_box(struct import_job job)
{
	struct box_path dir = box_path(&box, ""), out = box_path(&box, "t");
	const char *input = dir.text;

	dir.text[strlen(dir.text) - 1] = 0;
	job.inputs = &input;
	job.ninputs = 1;
	job.out = out.text;
	job.base = IMPORT_BASE;
	job.threads = 1;
	err = (struct err){0};
	remove(out.text);
	return import_run(&job, NULL, &err);
}

static void works(struct import_job job, const char *events)
{
	int ret = import_box(job);
	char *is;

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	is = box_events(&box, "t");
	ck_assert_str_eq(is, events);
	free(is);
}

static void fails(const char *says)
{
	int ret = import_box((struct import_job){0});

	ck_assert_int_lt(ret, 0);
	ck_assert_msg(strstr(err.text, says), "\"%s\" lacks \"%s\"", err.text,
		      says);
	ck_assert(!strchr(err.text, '\n'));
	ck_assert(!box_has(&box, "t") && !box_has(&box, "t.part"));
}

START_TEST(kept_samples_become_instants)
{
	char *meta;

	works((struct import_job){0}, whole);
	meta = box_meta(&box, "t", "guest.1");
	ck_assert_str_eq(meta, "ll");
	free(meta);
	meta = box_meta(&box, "t", "samples");
	ck_assert_str_eq(meta, "4, contents of 3");
	free(meta);
}
END_TEST

START_TEST(packed_files_are_the_same)
{
	box_pack(&box, "pages.bin", 0);
	box_pack(&box, "index.tsv", 27);
	box_pack(&box, "hashes.bin", 0);
	box_pack(&box, "samples.tsv", 0);
	works((struct import_job){0}, whole);
}
END_TEST

START_TEST(a_window_numbers_its_contents_anew)
{
	/* Content 2 appears outside first; 1, 3, 5 and 6 are not needed. */
	works((struct import_job){.first = 0, .count = 1},
	      "0 space 0\n"
	      "0 space 1\n"
	      "0 map 0 10000000 + 1\n"
	      "0 write 0 10000000 = 0\n"
	      "0 map 1 20000000 + 1\n"
	      "0 write 1 20000000 = 2\n"
	      "0 mark\n"
	      "2003 write 0 10000000 = 4\n"
	      "2003 mark\n"
	      "3001 mark\n");
	works((struct import_job){.first = 0, .count = 4}, whole);
}
END_TEST

START_TEST(a_window_outside_a_guest_is_refused)
{
	ck_assert_int_eq(
		import_box((struct import_job){.first = 3, .count = 2}),
		-EINVAL);
	ck_assert_ptr_nonnull(
		strstr(err.text, "pages 3+2: guest tl has only 4"));
}
END_TEST

/* Each line of samples.tsv and index.tsv in turn is replaced by a bad one. */
static const struct {
	const char *from, *to, *says;
} bad_samples[] =
	{
		{"1\t1000", "1\tsoon",
		 "/samples.tsv:2: t_ms: expected a number"},
		{"1\t1000", "1 1000", "/samples.tsv:2: sample: expected a tab"},
		{"1\t1000", "4\t1000", "/samples.tsv:2: sample 4, expected 1"},
		{"2003", "900",
		 "/samples.tsv:3: t_ms 900 is before that of the line"},
		{"2003", "99999999999999999999",
		 "/samples.tsv:3: t_ms: greater than"},
		{"9.5\t1\n", "9.5\t2\n",
		 "/samples.tsv:4: kept: greater than 1"},
		{"9.5\t1\n", "x\t1\n",
		 "/samples.tsv:4: pause_ms: expected a number"},
		{"9.5\t1\n", "9.5\t1",
		 "/samples.tsv:4: kept: the file ends inside"},
		{"9.5\t1\n", "9.5\t1 \n", "kept: expected the end of the line"},
		{samples_text, "", "/samples.tsv: no sample was kept"},
		{samples_text, "0\t0\t0\t0\n",
		 "/samples.tsv: no sample was kept"},
},
  bad_index[] = {
	  {"2\ttl\t0", "1\ttl\t0", "/index.tsv:4: sample 1 is not a kept one"},
	  {"2\ttl\t0", "9\ttl\t0", "/index.tsv:4: sample 9 is not a kept one"},
	  {"3\ttl\t1", "0\ttl\t1",
	   "/index.tsv:7: sample 0 comes behind sample 2"},
	  {"2\tll\t1\t1\t5\n3\ttl", "2\tll\t1\t1\t5\n2\ttl",
	   "/index.tsv:7: guest tl comes behind guest ll"},
	  {"0\tll\t3", "0\tll\t0", "/index.tsv:3: page 0 comes behind page 0"},
	  {"2\ttl\t2", "2\ttl\t0", "/index.tsv:5: page 0 comes behind page 0"},
	  {"1\t3\t1 2 1", "1\t3\t1 2", "/index.tsv:1: id: expected a space"},
	  {"1\t3\t1 2 1", "1\t3\t1 2 1 1", "id: expected the end of the line"},
	  {"1\t3\t1 2 1", "1\t3\t1  1", "/index.tsv:1: id: expected a number"},
	  {"1\t3\t1 2 1", "1\t0\t", "/index.tsv:1: count: 0 pages"},
	  {"1\t3\t1 2 1", "1\t3\t1 3 1", "id 3: ids must be in order of first"},
	  {"1\t3\t1", "1\t268435456\t1", "/index.tsv:1: count: greater than"},
	  {"1\t3\t1", "268435456\t3\t1", "first_pfn: greater than 268435455"},
	  {"0\ttl\t1", "0\t\t1", "/index.tsv:1: guest: expected a name"},
	  {"0\ttl\t1", "0\tt l\t1", "/index.tsv:1: guest: expected a tab"},
	  {"3\t1\t0\n", "3\t1\t", "/index.tsv:8: id: expected a number"},
	  {"3\t1\t0\n", "3\t1\t0", "/index.tsv:8: id: the file ends inside"},
	  {"3\t1\t0\n", "4\t1\t0\n",
	   "/hashes.bin: guests of 4 pages, but the index names page 4"},
	  {"3\t1\t0\n", "3\t1\t0\n3\tnew\t1\t1\t1\n",
	   "/hashes.bin: 256 bytes, expected a multiple of 96 "},
	  {"3\t1\t0\n", "3\t1\t1\n",
	   "/hashes.bin: offset 248: sample 3, guest ll, page 3: hash 0000"},
	  {"6", "1", "/pages.bin: holds more than 20480 bytes"},
	  {index_text, "", "/index.tsv: names no guest"},
};

/* @text with the first @from replaced by @to; malloc()ed */
static char *replace(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	size_t n = strlen(text) + strlen(to) + 1;
	char *out = malloc(n);

	ck_assert(at && out);
	snprintf(out, n, "%.*s%s%s", (int)(at - text), text, to,
		 at + strlen(from));
	return out;
}

START_TEST(a_bad_line_is_named)
{
	for (size_t i = 0; i < sizeof(bad_samples) / sizeof(*bad_samples);
	     i++) {
		char *text = replace(samples_text, bad_samples[i].from,
				     bad_samples[i].to);

		write_all(text, index_text);
		fails(bad_samples[i].says);
		free(text);
	}
	for (size_t i = 0; i < sizeof(bad_index) / sizeof(*bad_index); i++) {
		char *text =
			replace(index_text, bad_index[i].from, bad_index[i].to);

		write_all(samples_text, text);
		fails(bad_index[i].says);
		free(text);
	}
}
END_TEST

START_TEST(a_long_name_is_refused)
{
	char text[256];

	snprintf(text, sizeof(text), "0\t%0100d\t0\t1\t1\n", 7);
	write_all(samples_text, text);
	fails("/index.tsv:1: guest: name longer than 63 bytes");
}
END_TEST

START_TEST(contents_and_hashes_must_agree)
{
	const size_t of_page = 2 * GUESTS * PAGES * 8 + (PAGES + 1) * 8;

	hashes[of_page] ^= 2;
	write_all(samples_text, index_text);
	fails("/hashes.bin: offset 168: sample 2, guest ll, page 1: hash ");
	hashes[of_page] ^= 2;
	pages[4 * PAGE_BYTES + 100] ^= 1;
	write_all(samples_text, index_text);
	fails("/hashes.bin: offset 168: sample 2, guest ll, page 1: hash ");
}
END_TEST

START_TEST(a_hash_of_a_sample_without_contents_has_the_right_shape)
{
	const size_t of_page = 1 * GUESTS * PAGES * 8 + 2 * 8;

	store_le64(hashes + of_page, 4);
	write_all(samples_text, index_text);
	fails("/hashes.bin: offset 80: sample 1, guest tl, page 2: hash "
	      "0000000000000004 is even");
	store_le64(hashes + of_page, 5);
	write_all(samples_text, index_text);
	works((struct import_job){0}, whole);
}
END_TEST

START_TEST(equal_contents_are_refused)
{
	memcpy(pages + 3 * PAGE_BYTES, pages + PAGE_BYTES, PAGE_BYTES);
	write_all(samples_text, index_text);
	fails("/pages.bin: offset 12288: content 4 is equal to content 2");
	memset(pages + 3 * PAGE_BYTES, 0, PAGE_BYTES);
	write_all(samples_text, index_text);
	fails("/pages.bin: offset 12288: content 4 is all zeros");
}
END_TEST

START_TEST(files_of_the_wrong_length_are_refused)
{
	box_write(&box, "pages.bin", pages, sizeof(pages) - 1);
	fails("/pages.bin: offset 24575: the data ends here");
	write_all(samples_text, index_text);
	box_write(&box, "hashes.bin", hashes, sizeof(hashes) - 8);
	fails("/hashes.bin: 248 bytes, expected a multiple of 64 (4 samples");
	box_write(&box, "hashes.bin", hashes, 0);
	fails("/hashes.bin: 0 bytes, expected a multiple of 64");
	remove(box_path(&box, "hashes.bin").text);
	fails("/hashes.bin: No such file");
}
END_TEST

START_TEST(a_damaged_frame_is_named_with_its_offset)
{
	char *bytes;
	size_t n;

	box_pack(&box, "pages.bin", 0);
	n = box_read(&box, "pages.bin.zst", &bytes);
	box_write(&box, "pages.bin.zst", bytes, n - 3);
	fails("/pages.bin.zst: offset ");
	ck_assert_ptr_nonnull(strstr(err.text, "ends inside a zstd frame"));
	bytes[7] |= 6; /* the first block gets a type that there is not */
	box_write(&box, "pages.bin.zst", bytes, n);
	fails("/pages.bin.zst: behind offset 0: zstd: ");
	box_write(&box, "pages.bin.zst", "no frame at all", 15);
	fails("/pages.bin.zst: behind offset 0: zstd: ");
	free(bytes);
}
END_TEST

START_TEST(a_frame_that_is_too_large_is_refused)
{
	static uint8_t more[sizeof(pages) * 100];

	memcpy(more, pages, sizeof(pages));
	box_write(&box, "pages.bin", more, sizeof(more));
	box_pack(&box, "pages.bin", 0);
	fails("/pages.bin.zst: claims 2457600 bytes, more than the 24576");
	box_write(&box, "pages.bin", more, sizeof(more));
	box_pack(&box, "pages.bin", 17);
	fails("/pages.bin.zst: holds more than 24576 bytes");
	box_write(&box, "pages.bin", pages, sizeof(pages));
	box_pack(&box, "pages.bin", 28);
	fails("/pages.bin.zst: behind offset 0: zstd: Frame requires too much");
	box_write(&box, "pages.bin", pages, sizeof(pages));
	box_pack(&box, "pages.bin", 27);
	works((struct import_job){0}, whole);
}
END_TEST

START_TEST(a_capture_is_imported_alone)
{
	const char *inputs[] = {box.dir, box.dir};
	struct import_job job = {.inputs = inputs,
				 .ninputs = 2,
				 .threads = 1,
				 .out = "/dev/null",
				 .base = IMPORT_BASE};

	err = (struct err){0};
	ck_assert_int_eq(import_run(&job, NULL, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "is imported alone"));
}
END_TEST

static int import_part(void *ctx)
{
	(void)ctx;
	return import_box((struct import_job){.first = 1, .count = 2});
}

START_TEST(every_allocation_may_fail)
{
	box_pack(&box, "pages.bin", 0);
	fail_mem_walk(import_part, NULL);
	ck_assert(box_has(&box, "t") && !box_has(&box, "t.part"));
}
END_TEST

static Suite *capture_suite(void)
{
	Suite *s = suite_create("capture");
	TCase *c = tcase_create("container");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, kept_samples_become_instants);
	tcase_add_test(c, packed_files_are_the_same);
	tcase_add_test(c, a_window_numbers_its_contents_anew);
	tcase_add_test(c, a_window_outside_a_guest_is_refused);
	tcase_add_test(c, a_bad_line_is_named);
	tcase_add_test(c, a_long_name_is_refused);
	tcase_add_test(c, contents_and_hashes_must_agree);
	tcase_add_test(c,
		       a_hash_of_a_sample_without_contents_has_the_right_shape);
	tcase_add_test(c, equal_contents_are_refused);
	tcase_add_test(c, files_of_the_wrong_length_are_refused);
	tcase_add_test(c, a_damaged_frame_is_named_with_its_offset);
	tcase_add_test(c, a_frame_that_is_too_large_is_refused);
	tcase_add_test(c, a_capture_is_imported_alone);
	tcase_add_test(c, every_allocation_may_fail);
	tcase_set_timeout(c, 60);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return check_main(capture_suite());
}
