/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/prng.h"
#include "sim/cmd/cmd.h"
#include "sim/core/pages.h"
#include "traces/import.h"
#include "tests/support/box.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

#define OPERANDS 8

static struct box box;
static struct err err;

static void setup(void)
{
	box_init(&box);
	err = (struct err){0};
}

static void teardown(void)
{
	box_fini(&box);
}

/* Import operands (names within the box, NULL ends them) with @job's options
 * into box file "t". */
static int import_with(struct import_job job, const char *const *operands)
{
	struct box_path path[OPERANDS], out = box_path(&box, "t");
	const char *inputs[OPERANDS];

	for (; operands[job.ninputs]; job.ninputs++) {
		ck_assert_uint_lt(job.ninputs, OPERANDS);
		path[job.ninputs] = box_path(&box, operands[job.ninputs]);
		inputs[job.ninputs] = path[job.ninputs].text;
	}
	job.inputs = inputs;
	job.out = out.text;
	if (!job.base)
		job.base = IMPORT_BASE;
	if (!job.threads)
		job.threads = 1;
	err = (struct err){0};
	return import_run(&job, NULL, &err);
}

#define OPS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void works(const struct import_job *job, const char *const *operands,
		  const char *events)
{
	int ret = import_with(job ? *job : (struct import_job){0}, operands);
	char *is;

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	is = box_events(&box, "t");
	ck_assert_str_eq(is, events);
	free(is);
}

static void fails(const struct import_job *job, const char *const *operands,
		  const char *says)
{
	int ret;

	remove(box_path(&box, "t").text);
	ret = import_with(job ? *job : (struct import_job){0}, operands);
	ck_assert_int_lt(ret, 0);
	ck_assert_msg(strstr(err.text, says), "\"%s\" lacks \"%s\"", err.text,
		      says);
	ck_assert(!strchr(err.text, '\n'));
	ck_assert(!box_has(&box, "t") && !box_has(&box, "t.part"));
}

START_TEST(a_hole_is_not_there_and_zeros_are_content_0)
{
	box_image(&box, "a", "7 . 0 7 9 .");
	works(NULL, OPS("a"),
	      "0 space 0\n"
	      "0 map 0 10000000 + 6\n"
	      "0 write 0 10000000 = 7\n"
	      "0 write 0 10000002 = 0\n"
	      "0 write 0 10000003 = 7\n"
	      "0 write 0 10000004 = 9\n"
	      "0 mark\n");
}
END_TEST

START_TEST(a_later_image_is_its_changes)
{
	box_image(&box, "one", "1 2 3 . . 4 4 0 5 6");
	box_image(&box, "two", ". . 3 7 . 8 4 . . 1");
	works(NULL, OPS("g=one@1s", "g=two@2500ms"),
	      "1000 space 0\n"
	      "1000 map 0 10000000 + 10\n"
	      "1000 write 0 10000000 = 1\n"
	      "1000 write 0 10000001 = 2\n"
	      "1000 write 0 10000002 = 3\n"
	      "1000 write 0 10000005 = 4\n"
	      "1000 write 0 10000006 = 4\n"
	      "1000 write 0 10000007 = 0\n"
	      "1000 write 0 10000008 = 5\n"
	      "1000 write 0 10000009 = 6\n"
	      "1000 mark\n"
	      "2500 free 0 10000000 + 2\n"
	      "2500 write 0 10000003 = 7\n"
	      "2500 write 0 10000005 = 8\n"
	      "2500 free 0 10000007 + 2\n"
	      "2500 write 0 10000009 = 1\n"
	      "2500 mark\n");
}
END_TEST

START_TEST(guests_are_slots_in_the_order_they_are_named)
{
	box_image(&box, "x1", "1");
	box_image(&box, "y0", "2 1");
	box_image(&box, "y1", "2 3");
	works(NULL, OPS("x=x1@1s", "y=y1@1s", "y=y0"),
	      "0 space 0\n"
	      "0 space 1\n"
	      "0 map 1 20000000 + 2\n"
	      "0 write 1 20000000 = 2\n"
	      "0 write 1 20000001 = 1\n"
	      "0 mark\n"
	      "1000 map 0 10000000 + 1\n"
	      "1000 write 0 10000000 = 1\n"
	      "1000 write 1 20000001 = 3\n"
	      "1000 mark\n");
}
END_TEST

START_TEST(the_base_moves_every_slot)
{
	const struct import_job job = {.base = UINT64_C(0x200000)};

	box_image(&box, "a", "1");
	box_image(&box, "b", ".");
	works(&job, OPS("a", "b"),
	      "0 space 0\n"
	      "0 space 1\n"
	      "0 map 0 200 + 1\n"
	      "0 write 0 200 = 1\n"
	      "0 map 1 10000200 + 1\n"
	      "0 mark\n");
	fails(&(struct import_job){.base = 0x1000}, OPS("a"),
	      "base 0x1000: not a multiple of 2 MiB");
	fails(&(struct import_job){.base = UINT64_C(0xffffffffffe00000)},
	      OPS("a"), "no address left");
}
END_TEST

START_TEST(a_window_keeps_addresses_and_drops_other_contents)
{
	const struct import_job job = {.first = 2, .count = 3};
	char *pages;

	box_image(&box, "a", "1 2 3 . 4 5");
	box_image(&box, "b", "1 2 3 6 . 5");
	works(&job, OPS("g=a", "g=b@1s"),
	      "0 space 0\n"
	      "0 map 0 10000002 + 3\n"
	      "0 write 0 10000002 = 3\n"
	      "0 write 0 10000004 = 4\n"
	      "0 mark\n"
	      "1000 write 0 10000003 = 6\n"
	      "1000 free 0 10000004 + 1\n"
	      "1000 mark\n");
	pages = box_meta(&box, "t", "pages");
	ck_assert_str_eq(pages, "2+3");
	free(pages);
	fails(&(struct import_job){.first = 4, .count = 3}, OPS("a"),
	      "pages 4+3: guest a has only 6");
	fails(&(struct import_job){.first = UINT64_MAX, .count = 3}, OPS("a"),
	      "out of range");
}
END_TEST

START_TEST(provenance_has_names_but_no_directories)
{
	const struct trace_meta meta[] = {{"kernel", "6.1"}};
	static const char *const want[][2] = {
		{"importer", "raw"},	    {"guest.0", "vm"},
		{"guest.1", "b.raw"},	    {"image.0", "vm=a.raw@2s"},
		{"image.1", "b.raw=b.raw"}, {"kernel", "6.1"},
		{"pages", "(none)"}};
	const struct import_job job = {.meta = meta, .nmeta = 1};
	char *bytes;
	size_t n;

	box_image(&box, "a.raw", "1");
	box_image(&box, "b.raw", "2");
	ck_assert_int_eq(import_with(job, OPS("vm=a.raw@2s", "b.raw")), 0);
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		char *is = box_meta(&box, "t", want[i][0]);

		ck_assert_str_eq(is, want[i][1]);
		free(is);
	}
	n = box_read(&box, "t", &bytes);
	for (size_t i = 0; i + 5 < n; i++)
		ck_assert(memcmp(bytes + i, "/box-", 5));
	free(bytes);
}
END_TEST

START_TEST(the_users_provenance_cannot_pass_for_ours)
{
	static const char *const keys[] = {"importer", "guest.0", "image.7",
					   "pages", "samples"};

	box_image(&box, "a", "1");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		char key[16];
		struct trace_meta m = {key, key};

		snprintf(key, sizeof(key), "%s", keys[i]);
		fails(&(struct import_job){.meta = &m, .nmeta = 1}, OPS("a"),
		      "import says this itself");
	}
}
END_TEST

START_TEST(bad_images_are_named)
{
	uint8_t odd[PAGE_BYTES + 1] = {0};

	box_write(&box, "odd", odd, sizeof(odd));
	box_write(&box, "empty", odd, 0);
	box_image(&box, "one", "1");
	box_image(&box, "two", "1 2");
	fails(NULL, OPS("odd"),
	      "/odd: 4097 bytes are no whole number of 4096-");
	fails(NULL, OPS("one", "empty"), "/empty: empty");
	fails(NULL, OPS("none"), "/none: No such file");
	fails(NULL, OPS("one", "."), ": not a regular file");
	fails(NULL, OPS("g=one", "g=two@1s"),
	      "/two: 8192 bytes, but guest g has 4096 bytes in ");
	fails(NULL, OPS("g=one@1s", "g=one@1000ms"), "of the same time");
	fails(NULL, OPS("one", "one"), "tell them apart with NAME= or @TIME");
	fails(NULL, OPS("one@10"), "/one@10: No such file");
	ck_assert_int_eq(truncate(box_path(&box, "one").text,
				  (off_t)(IMPORT_STRIDE + PAGE_BYTES)),
			 0);
	fails(NULL, OPS("one"), "/one: larger than 1 TiB");
}
END_TEST

START_TEST(an_image_is_not_overwritten)
{
	char *bytes;

	box_image(&box, "t", "1");
	ck_assert_int_eq(import_with((struct import_job){0}, OPS("g=t@1s")),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "would be overwritten"));
	ck_assert_uint_eq(box_read(&box, "t", &bytes), PAGE_BYTES);
	free(bytes);
}
END_TEST

START_TEST(an_operand_without_a_name_or_a_file_is_refused)
{
	static const char *const bad[] = {"=x", "x=", "", "@1s", "a=@1s"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct import_job job = {.inputs = &bad[i],
					 .ninputs = 1,
					 .threads = 1,
					 .out = "/dev/null",
					 .base = IMPORT_BASE};

		err = (struct err){0};
		ck_assert_int_eq(import_run(&job, NULL, &err), -EINVAL);
		ck_assert_ptr_nonnull(
			strstr(err.text, "expected [NAME=]FILE[@TIME]"));
	}
}
END_TEST

START_TEST(a_terabyte_of_hole_costs_nothing)
{
	box_image(&box, "a", "1 2");
	ck_assert_int_eq(
		truncate(box_path(&box, "a").text, (off_t)IMPORT_STRIDE), 0);
	works(NULL, OPS("a"),
	      "0 space 0\n"
	      "0 map 0 10000000 + 268435456\n"
	      "0 write 0 10000000 = 1\n"
	      "0 write 0 10000001 = 2\n"
	      "0 mark\n");
}
END_TEST

#define PAGES 700
#define TIMES 3

/* Several images of two guests, written from what they should say. */
static void random_images(struct prng *r, int32_t pic[2][TIMES][PAGES])
{
	static char text[PAGES * 8];

	for (int g = 0; g < 2; g++) {
		for (int t = 0; t < TIMES; t++) {
			char name[] = {(char)('a' + g), (char)('0' + t), 0};
			size_t at = 0;

			for (int p = 0; p < PAGES; p++) {
				bool keep = t && prng_below(r, 4);
				int32_t v = (int32_t)prng_below(r, 200) - 1;

				if (keep)
					v = pic[g][t - 1][p];
				pic[g][t][p] = v;
				at += (size_t)snprintf(text + at,
						       sizeof(text) - at,
						       v < 0 ? ". " : "%d ", v);
			}
			text[at - 1] = 0;
			box_image(&box, name, text);
		}
	}
}

/* Walk the events; at each mark the pages must be those of the images. */
static void compare(const char *events, int32_t pic[2][TIMES][PAGES])
{
	static int32_t now[2][PAGES];
	int marks = 0;

	for (int p = 0; p < PAGES; p++)
		now[0][p] = now[1][p] = -1;
	for (const char *s = events; *s; s = strchr(s, '\n') + 1) {
		unsigned long long ms, vpn, n;
		unsigned g, at;

		if (sscanf(s, "%llu write %u %llx = %llu", &ms, &g, &vpn, &n) ==
		    4) {
			at = (unsigned)(vpn & 0xfffffff);
			ck_assert_int_ne(now[g][at], (int32_t)n);
			now[g][at] = (int32_t)n;
		} else if (sscanf(s, "%llu free %u %llx + %llu", &ms, &g, &vpn,
				  &n) == 4) {
			for (at = (unsigned)(vpn & 0xfffffff); n--; at++) {
				ck_assert_int_ge(now[g][at], 0);
				now[g][at] = -1;
			}
		} else if (strstr(s, "mark") == strchr(s, ' ') + 1) {
			for (g = 0; g < 2; g++)
				ck_assert_mem_eq(now[g], pic[g][marks],
						 sizeof(now[g]));
			marks++;
		}
	}
	ck_assert_int_eq(marks, TIMES);
}

START_TEST(random_images_come_back_with_any_number_of_threads)
{
	static int32_t pic[2][TIMES][PAGES];
	struct prng r = prng_fork(test_seed(1), "import");
	char *events, *one, *four;
	size_t n;

	random_images(&r, pic);
	for (unsigned threads = 1; threads <= 4; threads += 3) {
		struct import_job job = {.threads = threads};
		int ret =
			import_with(job, OPS("a=a0", "b=b0", "a=a1@1s",
					     "b=b1@1s", "a=a2@2s", "b=b2@2s"));

		ck_assert_msg(!ret, "%s", err_text(&err, ret));
		if (threads == 1)
			n = box_read(&box, "t", &one);
	}
	ck_assert_uint_eq(box_read(&box, "t", &four), n);
	ck_assert_mem_eq(one, four, n);
	events = box_events(&box, "t");
	compare(events, pic);
	free(events);
	free(one);
	free(four);
}
END_TEST

START_TEST(without_a_file_to_write_contents_are_only_counted)
{
	struct box_path path;
	struct import_job job = {.threads = 1, .base = IMPORT_BASE};
	struct import_totals n;
	const char *input;

	box_image(&box, "a", "7 . 0 7 9 7 0 8");
	path = box_path(&box, "a");
	input = path.text;
	job.inputs = &input;
	job.ninputs = 1;
	ck_assert_int_eq(import_run(&job, &n, &err), 0);
	ck_assert_uint_eq(n.contents, 4);
	ck_assert_uint_eq(n.pages, 8);
	ck_assert_uint_eq(n.guests, 1);
	ck_assert_uint_eq(n.instants, 1);
	works(NULL, OPS("a"),
	      "0 space 0\n"
	      "0 map 0 10000000 + 8\n"
	      "0 write 0 10000000 = 7\n"
	      "0 write 0 10000002 = 0\n"
	      "0 write 0 10000003 = 7\n"
	      "0 write 0 10000004 = 9\n"
	      "0 write 0 10000005 = 7\n"
	      "0 write 0 10000006 = 0\n"
	      "0 write 0 10000007 = 8\n"
	      "0 mark\n");
}
END_TEST

/* Through the list, as main() finds it. */
static const struct cmd *import_cmd(void)
{
	size_t i = 0;

	while (cmds[i] && strcmp(cmds[i]->name, "import"))
		i++;
	ck_assert_ptr_nonnull(cmds[i]);
	return cmds[i];
}

static int command(char **argv)
{
	int argc = 0;

	while (argv[argc])
		argc++;
	err = (struct err){0};
	return import_cmd()->run(import_cmd(), argc, argv, &err);
}

START_TEST(the_command_takes_options_and_names_bad_ones)
{
	struct box_path out = box_path(&box, "t"), in = box_path(&box, "a");
	static const struct {
		const char *option, *value, *says;
	} bad[] = {
		{"--pages", "3", "--pages 3: expected FIRST+COUNT"},
		{"--pages", "3+0", "--pages 3+0: expected FIRST+COUNT"},
		{"--pages", "+1", "--pages +1: expected FIRST+COUNT"},
		{"--meta", "key", "--meta key: expected KEY=VALUE"},
		{"--meta", "=value", "--meta =value: expected KEY=VALUE"},
		{"--base", "4096", "--base 0x1000: not a multiple of 2 MiB"},
		{"--level", "20", "--level"},
		{"--lvel", "1", "did you mean \"--level\"?"},
	};
	char *good[] = {"--meta=a=b=c", "--meta", "d=",	   "--pages", "0x1+1",
			"--out",	out.text, in.text, NULL};
	char *is;

	box_image(&box, "a", "1 2 3");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char option[16], value[16];
		char *argv[] = {option,	  value,   "--out",
				out.text, in.text, NULL};

		snprintf(option, sizeof(option), "%s", bad[i].option);
		snprintf(value, sizeof(value), "%s", bad[i].value);
		ck_assert_int_eq(command(argv), EXIT_USAGE);
		ck_assert_msg(strstr(err.text, bad[i].says), "%s", err.text);
	}
	ck_assert_int_eq(command(good + 7), EXIT_USAGE);
	ck_assert_ptr_nonnull(strstr(err.text, "--out FILE is missing"));
	ck_assert(!box_has(&box, "t"));
	ck_assert_int_eq(command(good), EXIT_OK);
	is = box_meta(&box, "t", "a");
	ck_assert_str_eq(is, "b=c");
	free(is);
	is = box_meta(&box, "t", "pages");
	ck_assert_str_eq(is, "1+1");
	free(is);
	box_write(&box, "a", "x", 1);
	ck_assert_int_eq(command(good), EXIT_FAILED);
}
END_TEST

static int import_two(void *ctx)
{
	(void)ctx;
	return import_with((struct import_job){0},
			   OPS("a=one", "b=one", "a=two@1s"));
}

START_TEST(every_allocation_may_fail)
{
	box_image(&box, "one", "1 2 3 0 4");
	box_image(&box, "two", "1 5 . 0 .");
	fail_mem_walk(import_two, NULL);
	ck_assert(box_has(&box, "t") && !box_has(&box, "t.part"));
}
END_TEST

static Suite *import_suite(void)
{
	Suite *s = suite_create("import");
	TCase *c = tcase_create("raw");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_hole_is_not_there_and_zeros_are_content_0);
	tcase_add_test(c, a_later_image_is_its_changes);
	tcase_add_test(c, guests_are_slots_in_the_order_they_are_named);
	tcase_add_test(c, the_base_moves_every_slot);
	tcase_add_test(c, a_window_keeps_addresses_and_drops_other_contents);
	tcase_add_test(c, provenance_has_names_but_no_directories);
	tcase_add_test(c, the_users_provenance_cannot_pass_for_ours);
	tcase_add_test(c, bad_images_are_named);
	tcase_add_test(c, an_image_is_not_overwritten);
	tcase_add_test(c, an_operand_without_a_name_or_a_file_is_refused);
	tcase_add_test(c, a_terabyte_of_hole_costs_nothing);
	tcase_add_test(c, random_images_come_back_with_any_number_of_threads);
	tcase_add_test(c, without_a_file_to_write_contents_are_only_counted);
	tcase_add_test(c, the_command_takes_options_and_names_bad_ones);
	tcase_add_test(c, every_allocation_may_fail);
	tcase_set_timeout(c, 60);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return check_main(import_suite());
}
