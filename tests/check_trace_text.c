/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "tests/support/box.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/tracegen.h"

#define HEAD "dedupsim-trace 1.0\n"

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

static int open_text(const char *text, struct trace **t)
{
	struct box_path p = box_path(&box, "t.txt");

	box_write(&box, "t.txt", text, strlen(text));
	err = (struct err){0};
	*t = NULL;
	return trace_open(t, p.text, &err);
}

static struct trace *good(const char *text)
{
	struct trace *t;
	int ret = open_text(text, &t);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	return t;
}

/* Refused with exactly "FILE:@line: @why". */
static void bad(const char *text, unsigned line, const char *why)
{
	struct box_path p = box_path(&box, "t.txt");
	char want[ERR_TEXT_MAX];
	struct trace *t;

	ck_assert_int_eq(open_text(text, &t), -EINVAL);
	snprintf(want, sizeof(want), "%s:%u: %s", p.text, line, why);
	ck_assert_str_eq(err.text, want);
}

static struct event one_event(const char *line)
{
	char text[512];
	const struct event *ev;
	struct event last = {0};
	struct trace *t;
	size_t n;

	snprintf(text, sizeof(text), HEAD "content 1 rule key 5\n0 space 0\n%s",
		 line);
	t = good(text);
	while (t->ops->next(t, &ev, &n, &err) == 1)
		last = ev[n - 1];
	ck_assert_str_eq(err.text, "");
	trace_close(t);
	return last;
}

START_TEST(a_line_is_an_event)
{
	struct event ev = one_event("1.5ms write 0 0x10 1 # why");

	ck_assert_uint_eq(ev.time.v, 1500000);
	ck_assert_uint_eq(ev.op, EV_WRITE);
	ck_assert_uint_eq(ev.vpn, 16);
	ck_assert_uint_eq(ev.count, 1);
	ck_assert_uint_eq(ev.content, 1);
	ev = one_event("7 map 0 512 16 huge shared mergeable\r\n");
	ck_assert_uint_eq(ev.time.v, 7);
	ck_assert_uint_eq(ev.flags, EVF_HUGE | EVF_SHARED | EVF_MERGEABLE);
	ck_assert_uint_eq(ev.vpn, 512);
	ck_assert_uint_eq(ev.count, 16);
	ev = one_event("0 pool 0 3 persistent shared");
	ck_assert_uint_eq(ev.flags, EVF_PERSISTENT | EVF_POOL_SHARED);
	ck_assert_uint_eq(ev.pool, 3);
	ev = one_event("0 advise 0 1 2 mergeable");
	ck_assert_uint_eq(ev.flags, EVF_MERGEABLE);
	ev = one_event("0 advise 0 1 2 unmergeable");
	ck_assert_uint_eq(ev.flags, 0);
	ev = one_event("0 fork 1 0");
	ck_assert_uint_eq(ev.space, 1);
	ck_assert_uint_eq(ev.count, 0);
	ev = one_event("0 object 0 0x1 0xffffffffffffffff 3\n");
	ck_assert_uint_eq(ev.oid[1], UINT64_MAX);
}
END_TEST

START_TEST(contents_are_hex_repeats_or_rules)
{
	uint8_t buf[PAGE_BYTES], want[PAGE_BYTES] = {1, 2, 0xab};
	struct content_source src;
	struct trace *t;

	t = good(HEAD "content 1 0102aB 00*4093 # three bytes\n"
		      "content 2 rule last1 7\n"
		      "content 3 00010203*0x400\n");
	ck_assert(!t->ops->contents(t, 1, &src, &err));
	ck_assert_uint_eq(src.count, 4);
	ck_assert(!memcmp(src.bytes(src.self, 1, buf), want, PAGE_BYTES));
	page_fill(want, RULE_LAST1, 7);
	ck_assert(!memcmp(src.bytes(src.self, 2, buf), want, PAGE_BYTES));
	for (unsigned i = 0; i < PAGE_BYTES; i++)
		want[i] = i % 4;
	ck_assert(!memcmp(src.bytes(src.self, 3, buf), want, PAGE_BYTES));
	trace_close(t);
}
END_TEST

START_TEST(the_head_says_byte_order_reads_and_provenance)
{
	const struct trace_header *h;
	struct trace *t = good("dedupsim-trace 1.3 # of later\n\n# remark\n"
			       "reads\nmeta host  two  blanks # kept\n"
			       "big-endian\nmeta none\n0 mark");

	h = t->ops->header(t);
	ck_assert_uint_eq(h->minor, 3);
	ck_assert(h->big_endian && h->has_reads);
	ck_assert_uint_eq(h->nmeta, 2);
	ck_assert_str_eq(h->meta[0].key, "host");
	ck_assert_str_eq(h->meta[0].value, " two  blanks # kept");
	ck_assert_str_eq(h->meta[1].value, "");
	ck_assert_uint_eq(h->events, 1);
	trace_close(t);
}
END_TEST

START_TEST(mistakes_are_named_by_line)
{
	bad("dedupsim-trace 2.0\n", 1, "format 2.0; this program reads 1.x");
	bad("dedupsim-trace one\n", 1, "\"dedupsim-trace 1.0\" is expected");
	bad("dedupsim-trace \n", 1, "\"dedupsim-trace 1.0\" is expected");
	bad(HEAD "\n\nspace 0\n", 4,
	    "a line starts with a time, content, meta, reads or big-endian; "
	    "the last three stand first");
	bad(HEAD "0 mark\nreads\n", 3,
	    "a line starts with a time, content, meta, reads or big-endian; "
	    "the last three stand first");
	bad(HEAD "meta\n", 2, "the key is missing");
	bad(HEAD "meta k \x01\n", 2,
	    "the value of k is not UTF-8 without control characters");
	bad(HEAD "meta \xff v\n", 2,
	    "a key must be one word of UTF-8 that does not start with #");
	bad(HEAD "reads now\n", 2, "\"now\" is too much on this line");
	bad(HEAD "0 spice 0\n", 2, "there is no operation \"spice\"");
	bad(HEAD "0\n", 2, "the operation is missing");
	bad(HEAD "0x mark\n", 2,
	    "\"0x\" is neither nanoseconds nor a time with a unit");
	bad(HEAD "0 space\n", 2, "space is missing");
	bad(HEAD "0 space 0 1\n", 2, "\"1\" is too much on this line");
	bad(HEAD "0 space -1\n", 2,
	    "\"-1\" is not a space (a number up to 4294967295)");
	bad(HEAD "0 space 4294967296\n", 2,
	    "\"4294967296\" is not a space (a number up to 4294967295)");
	bad(HEAD "0 space 1\n", 2, "space 1, the next one is 0");
	bad(HEAD "0 space 0\n0 write 0 5 1\n", 3, "content 1 is not defined");
	bad(HEAD "5 space 0\n4 mark\n", 3, "time goes back from 5 to 4 ns");
	bad(HEAD "0 space 0\n0 exit 0\n0 map 0 1 1\n", 4, "space 0 has exited");
	bad(HEAD "0 space 0\n0 map 0 1 0\n", 3, "a range of no pages");
	bad(HEAD "0 space 0\n0 map 0 1 1 persistent\n", 3,
	    "map takes no flag \"persistent\"");
	bad(HEAD "0 space 0\n0 advise 0 1 1\n", 3,
	    "mergeable or unmergeable is expected");
	bad(HEAD "0 space 0\n0 map 0 4503599627370495 2\n", 3,
	    "pages 4503599627370495 + 2 are beyond the last page number "
	    "4503599627370495");
	bad(HEAD "18446744073709551615 mark\n", 2, "time out of range");
}
END_TEST

START_TEST(mistakes_in_contents_are_named_by_line)
{
	bad(HEAD "content 2 00*4096\n", 2, "content 2, the next one is 1");
	bad(HEAD "content\n", 2, "content is missing");
	bad(HEAD "content 1\n", 2, "0 bytes of content instead of 4096");
	bad(HEAD "content 1 00*4095\n", 2,
	    "4095 bytes of content instead of 4096");
	bad(HEAD "content 1 01*4097\n", 2,
	    "more than 4096 bytes at "
	    "\"01*4097\"");
	bad(HEAD "content 1 01*4096 02\n", 2, "more than 4096 bytes at \"02\"");
	bad(HEAD "content 1 0102*18446744073709551615\n", 2,
	    "more than 4096 bytes at \"0102*18446744073709551615\"");
	bad(HEAD "content 1 0g\n", 2, "\"0g\" is neither HEX nor HEX*COUNT");
	bad(HEAD "content 1 012\n", 2, "\"012\" is neither HEX nor HEX*COUNT");
	bad(HEAD "content 1 01*\n", 2, "\"01*\" is neither HEX nor HEX*COUNT");
	bad(HEAD "content 1 01*0\n", 2,
	    "\"01*0\" is neither HEX nor HEX*COUNT");
	bad(HEAD "content 1 rule\n", 2, "the name of a rule is missing");
	bad(HEAD "content 1 rule x 1\n", 2, "there is no rule \"x\"");
	bad(HEAD "content 1 rule id\n", 2, "value is missing");
	bad(HEAD "content 1 rule id 1 2\n", 2,
	    "\"2\" is too much on this line");
}
END_TEST

START_TEST(an_event_is_named_by_its_line)
{
	struct trace *t = good(HEAD "# a\n0 space 0\n\n0 map 0 1 1\n");
	const struct event *ev;
	char buf[512];
	size_t n;

	ck_assert_int_eq(t->ops->next(t, &ev, &n, &err), 1);
	ck_assert_uint_eq(n, 2);
	t->ops->where(t, 1, buf, sizeof(buf));
	ck_assert_ptr_nonnull(strstr(buf, "t.txt:5"));
	trace_close(t);
}
END_TEST

static void verify_says(const char *text, const char *why)
{
	struct trace *t = good(text);

	ck_assert_int_eq(trace_verify(t, 1, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, why), "%s", err.text);
	trace_close(t);
}

START_TEST(verify_finds_contents_that_are_there_twice)
{
	verify_says(HEAD "content 1 01*4096\n\ncontent 2 02*4096\n"
			 "content 3 0101*2048\n",
		    "t.txt:5: content 3 is the same as content 1 of line 2");
	verify_says(HEAD "content 1 00*4096\n",
		    "t.txt:2: content 1 is the page of zeros, which is "
		    "content 0");
}
END_TEST

/* ---- both ways ---- */

static char *file_text(const char *name)
{
	char *p;

	box_read(&box, name, &p);
	return p;
}

/* Through the writer, as `trace pack` does it. */
static int to_page(void *w, uint32_t id, const uint8_t *page, struct err *e)
{
	(void)id;
	return trace_writer_page(w, page, e);
}

static int to_event(void *w, const struct event *ev, struct err *e)
{
	return trace_writer_event(w, ev, e);
}

static struct trace_header pack(const char *from, const char *to)
{
	struct box_path in = box_path(&box, from), out = box_path(&box, to);
	struct trace_writer_opts o = {.level = 1};
	struct trace_visitor v = {to_page, to_event, NULL};
	const struct trace_header *h;
	struct trace_writer *w;
	struct trace_header got;
	struct trace *t;
	int ret = trace_open(&t, in.text, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	h = t->ops->header(t);
	o.big_endian = h->big_endian;
	o.has_reads = h->has_reads;
	ck_assert(!trace_writer_new(&w, out.text, &o, &err));
	for (size_t i = 0; i < h->nmeta; i++)
		ck_assert(!trace_writer_meta(w, h->meta[i].key,
					     h->meta[i].value, &err));
	v.ctx = w;
	ck_assert(!trace_each(t, 1, &v, &err));
	ck_assert(!trace_writer_commit(w, &got, &err));
	ck_assert(!memcmp(&got.digest, &h->digest, sizeof(got.digest)));
	trace_close(t);
	return got;
}

static void round_trip(void)
{
	struct box_path bin = box_path(&box, "a.trace");
	struct box_path txt = box_path(&box, "a.txt");
	struct box_path bin2 = box_path(&box, "b.trace");
	struct box_path txt2 = box_path(&box, "b.txt");
	struct trace_header h = recording_write(&rec, bin.text, 1, 1), g;
	char *a, *b;

	recording_text(bin.text, txt.text);
	recording_same(&rec, txt.text, 2);
	g = pack("a.txt", "b.trace");
	ck_assert(!memcmp(&h.digest, &g.digest, sizeof(g.digest)));
	recording_same(&rec, bin2.text, 1);
	recording_text(bin2.text, txt2.text);
	a = file_text("a.txt");
	b = file_text("b.txt");
	ck_assert_str_eq(a, b);
	free(a);
	free(b);
	recording_text(txt.text, txt2.text);
	a = file_text("a.txt");
	b = file_text("b.txt");
	ck_assert_str_eq(a, b);
	free(a);
	free(b);
}

START_TEST(every_operation_survives_both_ways)
{
	recording_every(&rec);
	round_trip();
}
END_TEST

START_TEST(random_recordings_survive_both_ways)
{
	uint64_t seed = test_seed(40);

	for (uint64_t i = 0; i < 10; i++) {
		recording_fini(&rec);
		recording_random(&rec, seed + i, 3000, 8);
		rec.rule = (enum page_rule)(i % 2 ? RULE_LAST8 : RULE_ID);
		round_trip();
	}
}
END_TEST

START_TEST(the_canonical_text_is_this)
{
	static const char want[] =
		HEAD "big-endian\n"
		     "reads\n"
		     "meta by hand, and foot\n"
		     "0 space 0\n"
		     "0 map 0 512 8 shared mergeable\n"
		     "content 1 a5*4095 01\n"
		     "2000000 write 0 512 1\n"
		     "2000000 write 0 513 0\n"
		     "2000000 advise 0 512 8 unmergeable\n"
		     "2000001 object 0 0x1 0x2 0xff\n"
		     "content 2 00*4088 0200000000000000\n"
		     "content 3 0102030405060708*511 0102030405060709\n"
		     "2000001 put 0 1 0 9 3\n"
		     "2000002 mark\n"
		     "content 4 00*4081 112233445566778899aabbccddeeff\n";
	struct box_path p = box_path(&box, "t.txt"), q = box_path(&box, "q");
	struct trace *t;
	char *got;

	t = good("dedupsim-trace 1.0\nreads\nmeta by hand, and foot\n"
		 "big-endian\ncontent 1 rule last1 1\n"
		 "content 2 rule last8 2\n"
		 "content 3 0102030405060708*511 01020304 05060709\n"
		 "content 4 00*4081 112233445566778899AABBCCDDEEFF\n"
		 "0 space 0\n0 map 0 512 8 mergeable shared\n"
		 "2ms write 0 512 1\n2ms write 0 513 0\n"
		 "2ms advise 0 512 8 unmergeable\n2000001 object 0 1 2 255\n"
		 "2000001 put 0 1 0 9 3\n0x1e8482 mark\n");
	trace_close(t);
	recording_text(p.text, q.text);
	got = file_text("q");
	ck_assert_str_eq(got, want);
	free(got);
}
END_TEST

static int read_all(void *ctx)
{
	struct box_path p = box_path(&box, "a.txt");
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
	struct box_path bin = box_path(&box, "a.trace");
	struct box_path txt = box_path(&box, "a.txt");

	recording_random(&rec, 9, 300, 30);
	recording_write(&rec, bin.text, 1, 1);
	recording_text(bin.text, txt.text);
	fail_mem_walk(read_all, NULL);
}
END_TEST

static Suite *trace_text_suite(void)
{
	Suite *s = suite_create("trace_text");
	TCase *c = tcase_create("all");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, a_line_is_an_event);
	tcase_add_test(c, contents_are_hex_repeats_or_rules);
	tcase_add_test(c, the_head_says_byte_order_reads_and_provenance);
	tcase_add_test(c, mistakes_are_named_by_line);
	tcase_add_test(c, mistakes_in_contents_are_named_by_line);
	tcase_add_test(c, an_event_is_named_by_its_line);
	tcase_add_test(c, verify_finds_contents_that_are_there_twice);
	tcase_add_test(c, every_operation_survives_both_ways);
	tcase_add_test(c, random_recordings_survive_both_ways);
	tcase_add_test(c, the_canonical_text_is_this);
	tcase_add_test(c, every_allocation_of_reading_may_fail);
	suite_add_tcase(s, c);
	return s;
}

int main(void)
{
	return check_main(trace_text_suite());
}
