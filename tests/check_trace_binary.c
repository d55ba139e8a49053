/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/hash.h"
#include "sim/base/prng.h"
#include "traces/events.h"
#include "traces/format.h"
#include "tests/support/box.h"
#include "tests/support/fail_mem.h"
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

static struct trace *open_trace(const char *name)
{
	struct box_path p = box_path(&box, name);
	struct trace *t = NULL;
	int ret = trace_open(&t, p.text, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	return t;
}

static struct trace_header write_rec(const char *name, int level,
				     unsigned threads)
{
	struct box_path p = box_path(&box, name);

	return recording_write(&rec, p.text, level, threads);
}

static void same(const char *name, unsigned threads)
{
	struct box_path p = box_path(&box, name);

	recording_same(&rec, p.text, threads);
}

START_TEST(every_operation_comes_back_as_it_was_written)
{
	recording_every(&rec);
	write_rec("t", 0, 1);
	same("t", 1);
}
END_TEST

START_TEST(a_trace_without_events_or_contents_is_a_trace)
{
	write_rec("t", 0, 1);
	same("t", 1);
}
END_TEST

START_TEST(random_events_over_many_sections_come_back)
{
	recording_random(&rec, test_seed(1), 200000, 1500);
	write_rec("t", 1, 2);
	same("t", 1);
	same("t", 4);
}
END_TEST

/* A short recording, so that many different ones are tried. */
START_TEST(short_random_recordings_come_back)
{
	uint64_t seed = test_seed(100);

	for (uint64_t i = 0; i < 60; i++) {
		recording_fini(&rec);
		recording_random(&rec, seed + i, 300, 5);
		write_rec("t", 1, 1);
		same("t", 1);
	}
}
END_TEST

START_TEST(blocks_work_without_a_thread)
{
	recording_random(&rec, 7, 100000, 20);
	write_rec("t", 1, 1);
	fail_threads_after(0);
	same("t", 2);
	fail_threads_after(-1);
}
END_TEST

START_TEST(the_digest_does_not_depend_on_level_or_sections)
{
	struct trace_header a, b, c;
	struct trace_writer_opts o = {.level = 1, .threads = 1};
	struct box_path p = box_path(&box, "c");
	struct trace_writer *w;

	recording_random(&rec, 3, 5000, 600);
	rec.big_endian = false;
	a = write_rec("a", 1, 1);
	b = write_rec("b", 19, 2);
	ck_assert(!trace_writer_new(&w, p.text, &o, &err));
	ck_assert(!recording_feed(&rec, w, true, &err));
	ck_assert(!trace_writer_commit(w, &c, &err));
	ck_assert(!memcmp(&a.digest, &b.digest, sizeof(a.digest)));
	ck_assert(!memcmp(&a.digest, &c.digest, sizeof(a.digest)));
	same("c", 1);
	rec.ev[rec.n - 1].time.v++;
	b = write_rec("b", 1, 1);
	ck_assert(memcmp(&a.digest, &b.digest, sizeof(a.digest)));
}
END_TEST

START_TEST(rewind_and_close_work_at_any_moment)
{
	const struct event *ev;
	struct trace *t;
	size_t n;

	recording_random(&rec, 5, 300000, 3);
	write_rec("t", 1, 1);
	for (int blocks = 0; blocks < 5; blocks++) {
		t = open_trace("t");
		for (int i = 0; i < blocks; i++)
			ck_assert_int_eq(t->ops->next(t, &ev, &n, &err), 1);
		ck_assert(!t->ops->rewind(t, &err));
		ck_assert_int_eq(t->ops->next(t, &ev, &n, &err), 1);
		ck_assert_uint_eq(ev[0].op, EV_SPACE);
		trace_close(t);
	}
}
END_TEST

START_TEST(provenance_comes_back_in_order)
{
	const struct trace_header *h;
	struct trace *t;

	write_rec("t", 0, 1);
	t = open_trace("t");
	h = t->ops->header(t);
	ck_assert_uint_eq(h->nmeta, 2);
	ck_assert_str_eq(h->meta[0].key, "made.by");
	ck_assert_str_eq(h->meta[0].value, "tests, \xc3\xa0 la carte # 1");
	ck_assert_str_eq(h->meta[1].key, "empty");
	ck_assert_str_eq(h->meta[1].value, "");
	trace_close(t);
}
END_TEST

START_TEST(an_event_is_named_by_number_and_section)
{
	const struct event *ev;
	struct trace *t;
	char buf[512];
	size_t n;

	recording_every(&rec);
	write_rec("t", 0, 1);
	t = open_trace("t");
	t->ops->where(t, 0, buf, sizeof(buf));
	ck_assert_ptr_nonnull(strstr(buf, "/t: before the first event"));
	ck_assert_int_eq(t->ops->next(t, &ev, &n, &err), 1);
	t->ops->where(t, 12, buf, sizeof(buf));
	ck_assert_ptr_nonnull(strstr(buf, "/t: event 12 (section at offset"));
	trace_close(t);
}
END_TEST

/* ---- versions and unknown parts ---- */

static void patch_header(const char *from, const char *to, size_t at,
			 uint8_t value)
{
	char *p;
	size_t n = box_read(&box, from, &p);

	p[at] = (char)value;
	store_le64(p + 24, hash_xxh3(p, 24));
	box_write(&box, to, p, n);
	free(p);
}

static void refused(const char *name, const char *why)
{
	struct box_path p = box_path(&box, name);
	struct trace *t = NULL;

	err = (struct err){0};
	ck_assert_int_eq(trace_open(&t, p.text, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, why), "%s", err.text);
	ck_assert_ptr_nonnull(strstr(err.text, p.text));
}

START_TEST(versions_and_page_sizes_are_told_apart)
{
	recording_every(&rec);
	write_rec("t", 0, 1);
	patch_header("t", "major", 8, 2);
	refused("major", "format 2.0; this program reads 1.x");
	patch_header("t", "minor", 10, 7);
	same("minor", 1);
	patch_header("t", "page", 17, 0x40);
	refused("page", "pages of 16384 bytes");
	patch_header("t", "flags", 20, 4);
	refused("flags", "unknown flags");
}
END_TEST

START_TEST(other_files_are_refused_by_name)
{
	box_write(&box, "empty", "", 0);
	refused("empty", "the file is empty");
	box_write(&box, "other",
		  "\x7f"
		  "ELF",
		  4);
	refused("other", "not a trace");
	box_write(&box, "short",
		  "\x8e"
		  "DDS\r\n\x1a\n",
		  8);
	refused("short", "offset 8: the file ends inside the header");
}
END_TEST

/* Put a section of this tag before the footer and write the footer anew. */
static void add_section(const char *from, const char *to, uint32_t tag,
			uint32_t flags)
{
	static const uint8_t body[] = "what a later program knows";
	struct box_path p = box_path(&box, from);
	struct trace_header h = {0};
	struct fmt_section s = {tag, flags | FMT_PLAIN, sizeof(body),
				sizeof(body), 1};
	struct fmt_entry *index, more[8];
	uint8_t *foot, sec[FMT_SECTION_BYTES + sizeof(body)];
	struct os_file f;
	size_t n, bytes;
	char *all;

	ck_assert(!os_open(&f, p.text, &err));
	ck_assert(!fmt_footer_get(&f, &h, FMT_HEADER_BYTES, &index, &n, &err));
	os_close(&f);
	ck_assert_uint_lt(n, 8);
	memcpy(more, index, (n + 1) * sizeof(*index));
	free(index);
	more[n].tag = tag;
	more[n].flags = s.flags;
	more[n].items = 1;
	memcpy(sec + FMT_SECTION_BYTES, body, sizeof(body));
	fmt_section_put(sec, &s);
	ck_assert(!fmt_footer_put(&h, more, n + 1, more[n].offset + sizeof(sec),
				  &foot, &bytes));
	box_read(&box, from, &all);
	all = realloc(all, more[n].offset + sizeof(sec) + bytes);
	ck_assert_ptr_nonnull(all);
	memcpy(all + more[n].offset, sec, sizeof(sec));
	memcpy(all + more[n].offset + sizeof(sec), foot, bytes);
	box_write(&box, to, all, more[n].offset + sizeof(sec) + bytes);
	free(all);
	free(foot);
}

START_TEST(unknown_sections_are_passed_over_or_refused)
{
	recording_every(&rec);
	write_rec("t", 0, 1);
	add_section("t", "opt", FMT_TAG('C', 'O', 'L', 'S'), FMT_OPTIONAL);
	same("opt", 1);
	add_section("t", "req", FMT_TAG('C', 'O', 'L', 'S'), 0);
	refused("req", "section COLS cannot be read by this version");
	add_section("t", "meta", FMT_META, 0);
	refused("meta", "META is not the first section");
}
END_TEST

START_TEST(damage_in_an_optional_section_is_found)
{
	struct trace *t;
	char *p;
	size_t n;

	recording_every(&rec);
	write_rec("t", 0, 1);
	add_section("t", "opt", FMT_TAG('C', 'O', 'L', 'S'), FMT_OPTIONAL);
	n = box_read(&box, "opt", &p);
	for (size_t i = 0; i < n - 10; i++)
		if (!memcmp(p + i, "later", 5))
			p[i] ^= 1;
	box_write(&box, "opt", p, n);
	free(p);
	t = open_trace("opt");
	ck_assert_int_eq(trace_verify(t, 1, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "checksum is wrong"));
	trace_close(t);
}
END_TEST

/* ---- the code of events by itself ---- */

START_TEST(a_run_takes_three_bytes)
{
	uint8_t buf[4096] = {0};
	struct event_rules r;
	struct events_coder c;
	struct event ev = {.op = EV_WRITE, .count = 1};

	event_rules_init(&r);
	events_start(&c, buf, &r, 1);
	for (uint32_t i = 0; i < 1000; i++) {
		ev.vpn = i;
		ev.content = i + 1;
		events_put(&c, &ev);
	}
	/* head and content of the first, then the run */
	ck_assert_uint_eq(events_end(&c), EVENTS_PREFIX + 2 + 3);
	event_rules_fini(&r);
}
END_TEST

static void bad_block(const char *code, size_t n, size_t items, const char *why)
{
	uint8_t raw[512] = {0};
	struct event ev[8];
	struct event_rules r;
	size_t bad;

	event_rules_init(&r);
	r.contents = 10;
	err = (struct err){0};
	memcpy(raw + EVENTS_PREFIX, code, n);
	ck_assert_int_eq(
		events_get(raw, EVENTS_PREFIX + n, items, &r, ev, &bad, &err),
		-EINVAL);
	ck_assert_msg(strstr(err.text, why), "%s", err.text);
	event_rules_fini(&r);
}

START_TEST(broken_blocks_are_refused)
{
	bad_block("", 0, 1, "cut in the middle");
	bad_block("\x00\x00", 2, 1, "bytes are left over");
	bad_block("\x1d", 1, 1, "unknown head byte 0x1d");
	bad_block("\x80", 1, 1, "unknown head byte 0x80");
	bad_block("\x00\x4b\x00", 3, 2, "unknown head byte 0x4b");
	bad_block("\x1f\x00", 2, 1, "unknown head byte 0x1f");
	bad_block("\x00\x1f\x00", 3, 2, "a run of 0x1f after space");
	bad_block("\x00\x86\x00\x1f\x00", 5, 2, "bytes are left over");
	bad_block("\x00\x86\x00\x1f\x02", 5, 3, "a run longer than");
	bad_block("\x00\x86\x28\x00", 4, 2, "content 10 is not defined");
	bad_block("\x00\x86\x20\x9f\x0a", 5, 8, "content 10 is not defined");
	bad_block("\x00\x9e", 2, 3, "cut in the middle");
	bad_block("\x00\x86\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11, 2,
		  "a number is out of range");
	bad_block("\x40\xff\x00\x00\x00\x00\x01\x00\x00\x00", 10, 1,
		  "a number is out of range");
	bad_block("\x00\x04\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, 2,
		  "a number is out of range");
	bad_block("\x02", 1, 1, "space 0 was not created");
	bad_block("\x00\x02\x02", 3, 3, "space 0 has exited");
	bad_block("\x40\x02", 2, 1, "space 1, the next one is 0");
	bad_block("\x00\x05\x10\x00\x00", 5, 2, "flags 0x10 do not go");
	bad_block("\x00\x04\x02\x00", 4, 2, "beyond the last page number");
	bad_block("\x00\x1e\x02", 3, 2, "beyond the last page number");
	bad_block("\x00\x10\x00\x00\x00", 5, 2, "object 0 was not named");
	bad_block("\x20\xff\xff\xff\xff\xff\xff\xff\xff\xff", 10, 1,
		  "time out of range");
}
END_TEST

static int read_all(void *ctx)
{
	struct box_path p = box_path(&box, "t");
	struct trace *t = NULL;
	int ret;

	(void)ctx;
	err = (struct err){0};
	ret = trace_open(&t, p.text, &err);
	if (!ret)
		ret = trace_verify(t, 1, &err);
	trace_close(t);
	return ret;
}

START_TEST(every_allocation_of_reading_may_fail)
{
	recording_random(&rec, 9, 3000, 300);
	write_rec("t", 1, 1);
	fail_mem_walk(read_all, NULL);
}
END_TEST

static Suite *trace_binary_suite(void)
{
	Suite *s = suite_create("trace_binary");
	TCase *c = tcase_create("all");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, every_operation_comes_back_as_it_was_written);
	tcase_add_test(c, a_trace_without_events_or_contents_is_a_trace);
	tcase_add_test(c, random_events_over_many_sections_come_back);
	tcase_add_test(c, short_random_recordings_come_back);
	tcase_add_test(c, blocks_work_without_a_thread);
	tcase_add_test(c, the_digest_does_not_depend_on_level_or_sections);
	tcase_add_test(c, rewind_and_close_work_at_any_moment);
	tcase_add_test(c, provenance_comes_back_in_order);
	tcase_add_test(c, an_event_is_named_by_number_and_section);
	tcase_add_test(c, versions_and_page_sizes_are_told_apart);
	tcase_add_test(c, other_files_are_refused_by_name);
	tcase_add_test(c, unknown_sections_are_passed_over_or_refused);
	tcase_add_test(c, damage_in_an_optional_section_is_found);
	tcase_add_test(c, a_run_takes_three_bytes);
	tcase_add_test(c, broken_blocks_are_refused);
	tcase_add_test(c, every_allocation_of_reading_may_fail);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return check_main(trace_binary_suite());
}
