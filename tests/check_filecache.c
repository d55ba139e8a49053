/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The workload filecache: trees and what they include, builds, lists of
 * accesses, balloons, and that its events are what traces promise.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/run/workload_trace.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "workloads/filecache.h"

#define SMALL "filecache:units=8,headers=12,tools=64KiB,cache=128KiB"

static char dir[64];

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/dedupsim-filecache-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static const char *in_dir(const char *path)
{
	static char full[256];

	snprintf(full, sizeof(full), "%s/%s", dir, path);
	return full;
}

static void put_bytes(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(in_dir(path), "wb");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

static void put(const char *path, const char *text)
{
	put_bytes(path, text, strlen(text));
}

static struct workload *start(const char *words, uint64_t seed)
{
	struct workload *w;
	struct err err = {0};
	int ret = workload_start(&w, words, seed, &err);

	ck_assert_msg(!ret, "%s: %s", words, err_text(&err, ret));
	return w;
}

static struct event *all(struct workload *w, size_t max)
{
	struct event *ev = mem_zalloc(w->events + max, sizeof(*ev));
	size_t n = 0, got;

	ck_assert_ptr_nonnull(ev);
	while ((got = w->ops->next(w, ev + n, max))) {
		n += got;
		ck_assert_uint_le(n, w->events);
	}
	ck_assert_uint_eq(n, w->events);
	return ev;
}

static void refuse(const char *words, const char *says)
{
	struct workload *w;
	struct err err = {0};
	int ret = workload_start(&w, words, 1, &err);

	ck_assert_msg(ret < 0, "%s: taken", words);
	ck_assert_msg(strstr(err.text, says), "%s: %s", words, err.text);
	ck_assert_ptr_null(strchr(err.text, '\n'));
}

/* ---- trees ---- */

static void includes(const struct filetree *t, const char *path,
		     const char *const *want)
{
	uint32_t f = filetree_find(t, path);
	uint32_t n = 0;

	ck_assert_uint_ne(f, FILE_NONE);
	for (uint32_t i = 0; i < t->file[f].nincs; i++, n++) {
		uint32_t inc = t->include[t->file[f].inc + i].file;

		ck_assert_ptr_nonnull(want[n]);
		ck_assert_str_eq(inc == FILE_NONE ? "-" : filetree_path(t, inc),
				 want[n]);
	}
	ck_assert_ptr_null(want[n]);
}

static void add(struct filetree *t, const char *path, const char *text)
{
	ck_assert_int_eq(filetree_add(t, path, (const uint8_t *)text,
				      strlen(text), NULL),
			 0);
}

START_TEST(include_lines_name_the_file_that_a_compiler_would_read)
{
	struct filetree t;

	filetree_init(&t);
	add(&t, "a/x.c",
	    "#include \"x.h\"\n"	 /* beside it */
	    "  #  include <lib/y.h> \n"	 /* in include/ */
	    "#include \"../b/z.h\"\n"	 /* up and down */
	    "#include <deep.h>\n"	 /* anywhere */
	    "#include <none.h>\n"	 /* nowhere */
	    "#include \"../../out.h\"\n" /* out of the tree */
	    "// #include \"x.h\"\n"
	    "#include x.h\n"
	    "#include \"\"\n"
	    "#include <open.h\n"
	    "#include <b/z.h>"); /* from the top; no newline at the end */
	add(&t, "a/x.h", "");
	add(&t, "b/x.h", "#include <x.h>\n");
	add(&t, "b/z.h", "");
	add(&t, "include/lib/y.h", "#include \"y.h\"\n#include \"./w.h\"\n");
	add(&t, "include/lib/w.h", "");
	add(&t, "q/r/deep.h", "");
	add(&t, "q/r/data", "#include \"x.h\"\n");
	ck_assert_int_eq(filetree_end(&t), 0);
	includes(&t, "a/x.c",
		 (const char *[]){"a/x.h", "include/lib/y.h", "b/z.h",
				  "q/r/deep.h", "-", "-", "b/z.h", NULL});
	/* The first in the order of paths. */
	includes(&t, "b/x.h", (const char *[]){"a/x.h", NULL});
	includes(&t, "include/lib/y.h",
		 (const char *[]){"include/lib/y.h", "include/lib/w.h", NULL});
	includes(&t, "q/r/data", (const char *[]){NULL});
	filetree_fini(&t);
}
END_TEST

START_TEST(a_directory_is_read_in_one_order_and_links_are_passed_over)
{
	uint8_t page[2 * PAGE_BYTES] = {0};
	struct err err = {0};
	struct filetree t;

	ck_assert_int_eq(mkdir(in_dir("b"), 0700), 0);
	ck_assert_int_eq(mkdir(in_dir("empty"), 0700), 0);
	put("b/two", "2");
	put("b.c", "int x;\n");
	put("a", "");
	ck_assert_int_eq(symlink("/etc/passwd", in_dir("link")), 0);
	page[0] = 1;
	page[PAGE_BYTES + 5] = 7;
	put_bytes("c", page, PAGE_BYTES + 6);
	filetree_init(&t);
	ck_assert_int_eq(filetree_read(&t, dir, 1 << 20, &err), 0);
	ck_assert_uint_eq(t.tree_files, 4);
	ck_assert_str_eq(filetree_path(&t, 0), "a");
	ck_assert_str_eq(filetree_path(&t, 1), "b/two");
	ck_assert_str_eq(filetree_path(&t, 2), "b.c");
	ck_assert_str_eq(filetree_path(&t, 3), "c");
	ck_assert_uint_eq(t.file[0].pages, 0);
	ck_assert_uint_eq(t.file[3].pages, 2);
	ck_assert_uint_eq(t.pages, 4);
	/* The tail is zeros. */
	ck_assert_mem_eq(page_store_bytes(&t.store, t.content[3]),
			 page + PAGE_BYTES, PAGE_BYTES);
	filetree_fini(&t);

	filetree_init(&t);
	ck_assert_int_eq(filetree_read(&t, dir, PAGE_BYTES, &err), -EFBIG);
	ck_assert_msg(strstr(err.text, "up to c"), "%s", err.text);
	filetree_fini(&t);
}
END_TEST

/* ---- events ---- */

START_TEST(events_do_not_depend_on_blocks_nor_on_when_they_are_asked_for)
{
	struct workload *w = start(SMALL, 5), *v = start(SMALL, 5);
	struct event *a = all(w, 1000), *b = all(v, 1), *c;

	ck_assert_mem_eq(a, b, w->events * sizeof(*a));
	w->ops->rewind(w);
	c = all(w, 7);
	ck_assert_mem_eq(a, c, w->events * sizeof(*a));
	free(a);
	free(b);
	free(c);
	workload_stop(w);
	workload_stop(v);
}
END_TEST

START_TEST(a_recording_of_it_is_a_sound_trace_that_says_the_same)
{
	static const char *const words[] = {
		SMALL,
		SMALL ",lists=two,truncate=once,drop_inode=flush,guests=3",
		SMALL ",balloon=1,memory=8MiB,base=4MiB,reserve=256KiB",
		SMALL ",own=100,builds=1,guests=1",
		SMALL ",order=sorted,stagger=0s,own=0",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct err err = {0};
		struct trace *t;
		int ret = workload_trace_open(&t, words[i], 3, &err);

		ck_assert_msg(!ret, "%s", err.text);
		ret = trace_verify(t, 1, &err);
		ck_assert_msg(!ret, "%s: %s", words[i], err.text);
		trace_close(t);
	}
}
END_TEST

static bool same_events(const char *words, uint64_t seed, const char *words2,
			uint64_t seed2)
{
	struct workload *a = start(words, seed), *b = start(words2, seed2);
	struct event *x = all(a, 64), *y = all(b, 64);
	bool same =
		a->events == b->events && !memcmp(x, y, a->events * sizeof(*x));

	free(x);
	free(y);
	workload_stop(a);
	workload_stop(b);
	return same;
}

START_TEST(the_seed_is_the_order_and_the_tree_has_its_own)
{
	struct workload *a = start(SMALL, 1), *b = start(SMALL, 2);
	uint8_t x[PAGE_BYTES], y[PAGE_BYTES];

	ck_assert_uint_eq(a->contents, b->contents);
	for (uint32_t id = 1; id < a->contents; id++)
		ck_assert_mem_eq(a->ops->bytes(a, id, x),
				 b->ops->bytes(b, id, y), PAGE_BYTES);
	workload_stop(a);
	workload_stop(b);
	ck_assert(!same_events(SMALL ",units=30", 1, SMALL ",units=30", 2));
	ck_assert(same_events(SMALL ",order=sorted,stagger=0s", 1,
			      SMALL ",order=sorted,stagger=0s", 2));
	ck_assert(!same_events(SMALL, 1, SMALL ",tree_seed=2", 1));
}
END_TEST

static uint64_t count(const struct workload *w, const struct event *ev,
		      unsigned op)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < w->events; i++)
		n += ev[i].op == op;
	return n;
}

START_TEST(a_cache_that_holds_everything_gives_nothing_up)
{
	struct workload *w = start(SMALL ",cache=1GiB,guests=1,builds=1", 1);
	struct event *ev = all(w, 64);

	ck_assert_uint_eq(count(w, ev, EV_PUT), 0);
	ck_assert_uint_eq(count(w, ev, EV_FLUSH_OBJECT), 0);
	ck_assert_uint_gt(count(w, ev, EV_GET), 0);
	/* Each page is read from disk once. */
	for (uint64_t i = 0; i < w->events; i++)
		for (uint64_t k = i + 1; k < w->events && ev[i].op == EV_GET;
		     k++)
			ck_assert(ev[k].op != EV_GET ||
				  ev[k].object != ev[i].object ||
				  ev[k].index != ev[i].index);
	free(ev);
	workload_stop(w);
}
END_TEST

START_TEST(guests_offer_the_same_pages_of_a_tree_and_own_ones_differ)
{
	struct workload *w = start(SMALL ",own=100,cache=0,builds=1", 1);
	struct event *ev = all(w, 64);
	struct filecache *fc = (struct filecache *)w;
	uint64_t tree = 0, own = 0;

	for (uint64_t i = 0; i < w->events; i++) {
		if (ev[i].op != EV_PUT)
			continue;
		if (ev[i].object < fc->tree.tree_files) {
			const struct file *f = &fc->tree.file[ev[i].object];

			ck_assert_uint_eq(
				ev[i].stored,
				fc->tree.content[f->first + ev[i].index]);
			tree++;
			continue;
		}
		for (uint64_t k = 0; k < i; k++)
			if (ev[k].op == EV_PUT && ev[k].space != ev[i].space &&
			    fc->tree.file[ev[i].object].kind != FILE_TOOL)
				ck_assert_uint_ne(ev[k].stored, ev[i].stored);
		own++;
	}
	ck_assert_uint_gt(tree, 10);
	ck_assert_uint_gt(own, 10);
	free(ev);
	workload_stop(w);
}
END_TEST

START_TEST(a_balloon_that_leaves_more_makes_fewer_puts)
{
	struct workload *small = start(SMALL ",balloon=1,memory=8MiB,base=4MiB,"
					     "reserve=128KiB,think=100ms",
				       1),
			*large = start(SMALL ",balloon=1,memory=8MiB,base=4MiB,"
					     "reserve=4MiB,think=100ms",
				       1);
	struct event *a = all(small, 64), *b = all(large, 64);

	ck_assert_uint_gt(count(small, a, EV_PUT),
			  2 * count(large, b, EV_PUT) + 10);
	free(a);
	free(b);
	workload_stop(small);
	workload_stop(large);
}
END_TEST

/* ---- lists ---- */

static const char *list_words(const char *text)
{
	static char words[512];

	put("list", text);
	put("a.c", "int a;\n");
	ck_assert(mkdir(in_dir("d"), 0700) == 0 || errno == EEXIST);
	snprintf(words, sizeof(words),
		 "filecache:list=%s/list,tree=%s,guests=2,think=1ms,"
		 "cache=0",
		 dir, dir);
	return words;
}

START_TEST(a_list_is_carried_out_line_by_line)
{
	static const struct {
		uint64_t ms;
		unsigned op, space, object, index;
	} want[] = {
		{0, EV_GET, 0, 0, 0},		  /* a.c */
		{1000, EV_GET, 1, 0, 0},	  /* by the other guest */
		{2004, EV_FLUSH_OBJECT, 0, 2, 0}, /* new, three pages */
		{2004, EV_FLUSH_PAGE, 0, 2, 0},
		{2004, EV_FLUSH_PAGE, 0, 2, 1},
		{2004, EV_FLUSH_PAGE, 0, 2, 2},
		{2004, EV_FLUSH_OBJECT, 0, 2, 0},
		{40000, EV_FLUSH_OBJECT, 0, 0,
		 0}, /* a.c was written long ago */
		{40000, EV_PUT, 0, 0, 0},
		{40000, EV_FLUSH_OBJECT, 0, 0, 0},
	};
	struct workload *w = start(list_words("# TIME GUEST OP PATH\n"
					      "0s 0 read a.c\n"
					      "1s 1 read a.c 0 1\n"
					      "2s 0 write new 0 3\n"
					      "2s 0 read a.c # a hit\n"
					      "2s 0 truncate new\n"
					      "3s 0 write a.c 0 1\n"
					      "40s 0 unlink a.c\n"),
				   1);
	struct event *ev = all(w, 64);
	uint64_t at = 0;

	/* Files: a.c, list, then new. */
	while (ev[at].op == EV_SPACE || ev[at].op == EV_POOL ||
	       ev[at].op == EV_OBJECT)
		at++;
	ck_assert_uint_eq(at, 2 + 2 + 3);
	ck_assert_uint_eq(w->events - at, sizeof(want) / sizeof(want[0]));
	for (size_t i = 0; at < w->events; at++, i++) {
		/* Three writes and a hit take a think time each. */
		ck_assert_uint_eq(ev[at].op, want[i].op);
		ck_assert_uint_eq(ev[at].time.v / 1000000, want[i].ms);
		ck_assert_uint_eq(ev[at].space, want[i].space);
		ck_assert_uint_eq(ev[at].object, want[i].object);
		ck_assert_uint_eq(ev[at].index, want[i].index);
	}
	free(ev);
	workload_stop(w);
}
END_TEST

START_TEST(mistakes_in_a_list_name_file_and_line)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{"", "list: no accesses"},
		{"# nothing\n\n", "list: no accesses"},
		{"0s 0 read\n", "list:1: 0s: expected TIME GUEST OP PATH"},
		{"\n5 0 read a.c\n", "list:2: 5: not a time as 20ms"},
		{"2s 0 read a.c\n1s 0 read a.c\n", "list:2: 1s: earlier"},
		{"0s 2 read a.c\n", "list:1: 2: there are guests 0 to 1"},
		{"0s x read a.c\n", "list:1: x: there are guests 0 to 1"},
		{"0s 0 raed a.c\n", "list:1: raed: neither read"},
		{"0s 0 read a.c 1 2 3\n", "list:1: read takes 4 to 6 words"},
		{"0s 0 write a.c\n", "list:1: write takes 6 to 6 words"},
		{"0s 0 unlink a.c 3\n", "list:1: unlink takes 4 to 4 words"},
		{"0s 0 read a.c x\n", "list:1: x: not a page number"},
		{"0s 0 read a.c 0 0\n", "list:1: 0: not a number of pages"},
		{"0s 0 read a.c 99999999999\n",
		 "list:1: 99999999999: no file has so many"},
		{"0s 0 write a.c 0 99999999\n", "no file has so many pages"},
		{"0s 0 write a.c 0 1048577\n",
		 "list:1: more than 1048576 pages are written"},
		{"0s 0 read a.c 0 2\n", "list:1: a.c: guest 0 has 1 pages"},
		{"0s 0 write new 1 1\n", "list:1: the write leaves a hole"},
		{"0s 0 write new 0 2\n0s 1 write new 1 1\n",
		 "list:2: new: guest 1 has 0 pages of it: the write leaves"},
		{"0s 0 read none\n", "list:1: none: guest 0 has 0 pages"},
		{"0s 0 unlink a.c\n0s 0 read a.c 0 1\n",
		 "list:2: a.c: guest 0 has 0 pages of it: the read ends"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refuse(list_words(bad[i].text), bad[i].says);
}
END_TEST

START_TEST(a_file_of_the_tree_may_grow_and_keeps_what_it_held)
{
	struct workload *w =
		start(list_words("0s 0 write a.c 1 40\n0s 0 read a.c\n"), 1);
	struct filecache *fc = (struct filecache *)w;
	struct event *ev = all(w, 64);
	uint64_t puts = 0;

	for (uint64_t i = 0; i < w->events; i++) {
		if (ev[i].op != EV_PUT)
			continue;
		puts++;
		ck_assert_uint_eq(ev[i].object, 0);
		if (ev[i].index)
			ck_assert_uint_eq(ev[i].stored,
					  fc->first_code + ev[i].index - 1);
	}
	ck_assert_uint_gt(puts, 24);
	ck_assert_uint_eq(fc->guest[0].holds[0], fc->tree.content[0]);
	free(ev);
	workload_stop(w);
}
END_TEST

/* ---- mistakes, memory ---- */

START_TEST(mistakes_are_one_clear_line)
{
	char words[256];

	snprintf(words, sizeof(words), "filecache:tree=%s", dir);
	refuse(words, "no sources or headers of C to build");
	snprintf(words, sizeof(words), "filecache:tree=%s/none", dir);
	refuse(words, "/none: No such file");
	put("file", "x");
	snprintf(words, sizeof(words), "filecache:tree=%s/file", dir);
	refuse(words, "/file: Not a directory");
	snprintf(words, sizeof(words), "filecache:list=%s/none", dir);
	refuse(words, "/none: No such file");
	put("x.c", "int x;\n");
	snprintf(words, sizeof(words), "filecache:tree=%s,max_tree=4KiB", dir);
	ck_assert_int_eq(truncate(in_dir("file"), 4096), 0);
	refuse(words, "have more bytes than max_tree allows");
	refuse("filecache:guests=0", "guests");
	refuse("filecache:own=101", "own");
	refuse("filecache:own=100,builds=10000,guests=256", "different pages");
	refuse("filecache:ordr=sorted", "order");
}
END_TEST

static int open_close(void *ctx)
{
	struct trace *t;
	int ret = workload_trace_open(&t, ctx, 1, NULL);

	if (!ret)
		trace_close(t);
	return ret;
}

START_TEST(each_allocation_may_fail)
{
	char words[512];

	fail_mem_walk(open_close, "filecache:units=2,headers=2,tools=0,"
				  "cache=64KiB,builds=1");
	snprintf(words, sizeof(words), "%s",
		 list_words("0s 0 write a.c 1 4\n0s 0 write new 0 4\n"));
	fail_mem_walk(open_close, words);
}
END_TEST

static Suite *filecache_suite(void)
{
	Suite *s = suite_create("filecache");
	TCase *t = tcase_create("filecache");

	tcase_set_timeout(t, 120);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t,
		       include_lines_name_the_file_that_a_compiler_would_read);
	tcase_add_test(
		t, a_directory_is_read_in_one_order_and_links_are_passed_over);
	tcase_add_test(
		t,
		events_do_not_depend_on_blocks_nor_on_when_they_are_asked_for);
	tcase_add_test(t,
		       a_recording_of_it_is_a_sound_trace_that_says_the_same);
	tcase_add_test(t, the_seed_is_the_order_and_the_tree_has_its_own);
	tcase_add_test(t, a_cache_that_holds_everything_gives_nothing_up);
	tcase_add_test(
		t, guests_offer_the_same_pages_of_a_tree_and_own_ones_differ);
	tcase_add_test(t, a_balloon_that_leaves_more_makes_fewer_puts);
	tcase_add_test(t, a_list_is_carried_out_line_by_line);
	tcase_add_test(t, mistakes_in_a_list_name_file_and_line);
	tcase_add_test(t, a_file_of_the_tree_may_grow_and_keeps_what_it_held);
	tcase_add_test(t, mistakes_are_one_clear_line);
	tcase_add_test(t, each_allocation_may_fail);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(filecache_suite());
}
