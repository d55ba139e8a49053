/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "models/zero_page.h"
#include "tests/support/box.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/scan.h"

/* A whole configuration, a line each; line 1 is the summary. */
static const char *const good[] = {
	"summary        a toy",		     /* 1 */
	"page_bytes     4KiB     [A] usual", /* 2 */
	"l1_size        16KiB    [W]",	     /* 3 */
	"l1_ways        1        [U, K] manual",
	"l1_line        32       [LI]", /* 5 */
	"l1_index       virtual  [A]",
	"l1_replacement lru      [A]",
	"l1_latency     2        [A] # remark",
	"l1_scope       cpu      [A]",
	"# a remark", /* 10 */
	"",
	"l2-size        1MiB     [A]",
	"l2-ways        1        [A]",
	"l2-line        64       [A]",
	"l2-replacement fifo     [A]", /* 15 */
	"l2-latency     15       [A]",
	"l2-scope       chip     [A]",
	"memory_latency 230      [A]",
	"policy         trap     [A]",
	"trap_cost      40       [A]", /* 20 */
	"dir_colours    8        [U]",
	"zero_order     3        [K]",
	"zero_machine   mips-vce [K]",
	"tlb_entries    48       [U]",
	"tlb_ways       48       [U]", /* 25 */
	"tlb_pages      2        [U]",
	"\ttlb_walk 30 [A]\r",
};
#define GOOD (sizeof(good) / sizeof(good[0]))

/* build - the lines, of which line @at (from 1; 0: none) is another: NULL
 * leaves it out.  malloc()ed. */
static char *build(unsigned at, const char *other)
{
	size_t room = 4096 + (other ? strlen(other) : 0);
	char *text = malloc(room), *p = text;

	ck_assert_ptr_nonnull(text);
	*p = 0;
	for (unsigned i = 0; i < GOOD; i++) {
		const char *line = i + 1 == at ? other : good[i];

		if (line)
			p += sprintf(p, "%s\n", line);
	}
	return text;
}

static int parse(struct cache_conf *conf, unsigned at, const char *other,
		 struct err *err)
{
	char *text = build(at, other);
	int ret = cache_conf_parse(conf, "toy.conf", text, strlen(text), err);

	free(text);
	return ret;
}

START_TEST(a_file_is_read_field_by_field)
{
	struct cache_conf conf;
	struct err err = {0};

	ck_assert_msg(!parse(&conf, 0, NULL, &err), "%s", err.text);
	ck_assert_str_eq(conf.summary, "a toy");
	ck_assert_str_eq(conf.name, "toy.conf");
	ck_assert_uint_eq(cache_conf_levels(&conf), 2);
	ck_assert_uint_eq(cache_conf_colours(&conf), 4);
	ck_assert_uint_eq(conf.level[1].replacement, CACHE_FIFO);
	ck_assert_uint_eq(conf.level[1].scope, CACHE_CHIP);
	ck_assert_uint_eq(conf.level[1].inclusive, 1);
	ck_assert_uint_eq(conf.policy, CACHE_TRAP);
	ck_assert_uint_eq(conf.tlb_walk, 30);
	ck_assert_uint_eq(conf.zero_machine, ZERO_MIPS_VCE);
}
END_TEST

static const struct opt *row(const char *name)
{
	const struct opt *r = opt_find(cache_conf_rows, name);

	ck_assert_ptr_nonnull(r);
	return r;
}

START_TEST(what_is_assumed_is_known_and_forgotten_when_overridden)
{
	struct cache_conf conf;

	ck_assert(!parse(&conf, 0, NULL, NULL));
	ck_assert(cache_conf_assumed(&conf, row("l1_latency")));
	ck_assert(!cache_conf_assumed(&conf, row("l1_ways")));
	ck_assert(!cache_conf_assumed(&conf, row("stream")));
	ck_assert(!cache_conf_set(&conf, "l1-latency", "3", NULL));
	ck_assert_uint_eq(conf.level[0].latency, 3);
	ck_assert(!cache_conf_assumed(&conf, row("l1_latency")));
}
END_TEST

/* ---- files that are refused ---- */

static const struct bad {
	unsigned at; /* line that is another one; 0: one is added */
	const char *line, *says;
} bad[] = {
	/* shapes */
	{3, "l1_size 24KiB [A]", "toy.conf:3: l1_size: 24576 bytes in 1 ways "},
	{3, "l1_size 24KiB [A]", "number of sets is not a power of two"},
	{3, "l1_size 16 [A]", "toy.conf:3: l1_size: 16 bytes"},
	{3, "l1_size 0 [A]", "toy.conf:3: l1_size: there is no L1"},
	{3, "l1_size 16PiB [A]",
	 "toy.conf:3: l1_size: \"16PiB\" is not a size"},
	{3, "l1_size 16TiB [A]", "toy.conf:3: l1_size: 16TiB is out of range"},
	{3, "l1_size 99999999999999999999 [A]", "toy.conf:3: l1_size: "},
	{12, "l2_size 8GiB [A]",
	 "toy.conf:12: l2_size: the caches of 1 CPUs have"},
	{12, "l2_size 8GiB [A]", "more than 67108864 lines"},
	{4, "l1_ways 0 [A]", "toy.conf:4: l1_ways: 0 is out of range (1 …"},
	{4, "l1_ways 3 [A]", "toy.conf:3: l1_size: 16384 bytes in 3 ways"},
	{4, "l1_ways -1 [A]", "toy.conf:4: l1_ways: \"-1\" is not a number"},
	{5, "l1_line 48 [A]", "toy.conf:5: l1_line: 48 is not a power of two"},
	{5, "l1_line 8KiB [A]", "toy.conf:5: l1_line: a line is larger than"},
	{5, "l1_line 128 [A]", "toy.conf:14: l2_line: lines are shorter than"},
	{6, "l1_index sideways [A]",
	 "toy.conf:6: l1_index: \"sideways\" is not"},
	{9, "l1_scope system [A]",
	 "toy.conf:17: l2_scope: fewer CPUs share it"},
	{2, "page_bytes 5000 [A]",
	 "toy.conf:2: page_bytes: 5000 is not a power"},
	{0, "l2_index virtual [A]", "toy.conf:28: l2_index: only L1 may be"},
	{0, "l4_size 1MiB [A]", "toy.conf: l4_ways is missing"},
	{0, "l3_ways 4 [A]", "toy.conf:28: l3_ways: l3_size is missing"},
	{4, "l1_ways 128 [A]", NULL},
	{7, "l1_replacement plru [A]", NULL},
	{15, "l2_replacement belady [A]", "toy.conf:15: l2_replacement: \"bel"},
	{25, "tlb_ways 9 [A]", "toy.conf:25: tlb_ways: 48 entries in 9 ways"},
	{25, "tlb_ways 16 [A]", "sets is not a power of two"},
	{26, "tlb_pages 3 [A]", "toy.conf:26: tlb_pages: 3 is not a power"},
	/* policies */
	{19, "policy hope [A]", "toy.conf:19: policy: \"hope\" is not one of "},
	{19, "policy trpa [A]", "did you mean \"trap\"?"},
	{19, "policy move [A]", "toy.conf: syn_source is missing"},
	{19, "policy pidx-hw [A]", "toy.conf: syn_extra is missing"},
	{20, NULL, "toy.conf: trap_cost is missing"},
	{21, "dir_colours 2 [A]", "toy.conf:21: dir_colours: L1 has 4 colours"},
	{21, "dir_colours 6 [A]", "toy.conf:21: dir_colours: 6 is not a power"},
	{0, "l2_inclusive no [A]", "toy.conf:28: l2_inclusive: L2 must hold"},
	{0, "vcolour_check 7 [A]", "toy.conf:28: vcolour_check: only policy"},
	{0, "vcolour_check 5 [A]", "toy.conf:28: vcolour_check: 5 is not"},
	{0, "straddle once [A]", "toy.conf:28: straddle: \"once\" goes with"},
	/* fields */
	{1, NULL, "toy.conf: summary is missing"},
	{1, "summary", "toy.conf:1: summary: a text is missing"},
	{0, "summary again", "toy.conf:28: summary: is there twice"},
	{1, "summary \x1b[31m", "toy.conf:1: summary: there is a control"},
	{0, "l1_ways 1 [A]",
	 "toy.conf:28: l1_ways: is there twice, first in "
	 "line 4"},
	{0, "colour red [A]", "toy.conf:28: unknown key \"colour\""},
	{0, "tlb_wakl 3 [A]", "did you mean \"tlb_walk\"?"},
	{8, "l1_latency 2", "toy.conf:8: l1_latency: the evidence is missing"},
	{8, "l1_latency 2 []", "toy.conf:8: l1_latency: the evidence is"},
	{8, "l1_latency 2 [A", "toy.conf:8: l1_latency: the evidence is"},
	{8, "l1_latency 2 [Q]", "toy.conf:8: l1_latency: the evidence is"},
	{8, "l1_latency", "toy.conf:8: l1_latency: \"\" is not a number"},
	{0, "cpus 0 [A]", "toy.conf:28: cpus: 0 is out of range"},
	{0, "cpus 1000000 [A]", "toy.conf:28: cpus: 1000000 is out of range"},
};

START_TEST(a_bad_file_is_refused_with_its_line)
{
	const struct bad *b = &bad[_i];
	struct cache_conf conf;
	struct err err = {0};
	char *text = build(b->at, b->line), *more;
	int ret;

	if (!b->at) {
		more = malloc(strlen(text) + strlen(b->line) + 1);
		ck_assert_ptr_nonnull(more);
		sprintf(more, "%s%s", text, b->line);
		free(text);
		text = more;
	}
	ret = cache_conf_parse(&conf, "toy.conf", text, strlen(text), &err);
	free(text);
	if (!b->says) {
		ck_assert_msg(!ret, "%s", err.text);
		return;
	}
	ck_assert_int_eq(ret, -EINVAL);
	ck_assert_msg(strstr(err.text, b->says), "\"%s\", not \"%s\"", err.text,
		      b->says);
	ck_assert_ptr_null(strchr(err.text, '\n'));
}
END_TEST

/* Each line but remarks is owed. */
START_TEST(a_missing_field_is_named)
{
	struct cache_conf conf;

	for (unsigned at = 1; at <= GOOD; at++) {
		struct err err = {0};
		const char *key = good[at - 1] + strspn(good[at - 1], "\t");
		char name[32];
		size_t n = strcspn(key, " ");

		memcpy(name, key, n);
		name[n] = 0;
		for (char *p = name; *p; p++)
			*p = *p == '-' ? '_' : *p;
		if (!n || *name == '#') {
			ck_assert(!parse(&conf, at, NULL, &err));
			continue;
		}
		ck_assert_msg(parse(&conf, at, NULL, &err) == -EINVAL,
			      "nobody misses %s", name);
		ck_assert_ptr_nonnull(strstr(err.text, name));
		ck_assert_ptr_nonnull(strstr(err.text, "is missing"));
	}
}
END_TEST

START_TEST(a_NUL_byte_is_refused_with_its_line)
{
	struct cache_conf conf;
	struct err err = {0};
	char *text = build(0, NULL);
	size_t n = strlen(text);

	*strstr(text, "usual") = 0;
	ck_assert_int_eq(cache_conf_parse(&conf, "toy.conf", text, n, &err),
			 -EINVAL);
	ck_assert_str_eq(err.text, "toy.conf:2: there is a NUL byte");
	free(text);
}
END_TEST

START_TEST(what_overrides_break_is_refused_without_a_line)
{
	struct cache_conf conf;
	struct err err = {0};
	struct cache *c;

	ck_assert(!parse(&conf, 0, NULL, NULL));
	ck_assert(!cache_conf_set(&conf, "l1_line", "48", NULL));
	ck_assert_int_eq(cache_new(&c, &conf, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "toy.conf: l1_line: 48 is not a power of two");
	ck_assert_int_eq(cache_conf_set(&conf, "l1_lime", "1", NULL), -EINVAL);
	ck_assert_int_eq(cache_conf_set(&conf, "l1_ways", "0", NULL), -EINVAL);
	ck_assert_uint_eq(conf.level[0].ways, 1);
}
END_TEST

START_TEST(absurd_machines_are_refused_before_memory_is_asked_for)
{
	struct cache_conf conf = scan_conf("z15", "cpus=1024 cpus_per_chip=1");
	struct err err = {0};
	struct cache *c;

	ck_assert_int_eq(cache_new(&c, &conf, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "of 1024 CPUs have more than"));
	conf = scan_conf("r4400sc", "cpus=1024 tlb_entries=65536 tlb_ways=1 "
				    "tlb2_entries=65536 l2_size=64KiB");
	err.text[0] = 0;
	ck_assert_int_eq(cache_new(&c, &conf, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, "TLBs have more than"));
}
END_TEST

/* ---- presets ---- */

static const char *const expected[] = {
	"24k",	       "24k-ar",      "74k-64",	 "arm64-2020", "loongson3a",
	"neoverse-n1", "octeon2",     "r10000",	 "r4000sc",    "r4400sc",
	"r4400sc-dec", "r4400sc-sgi", "skylake", "z10",	       "z13",
	"z14",	       "z15",	      "z16",	 "z17",	       "z196",
	"z990",	       "zec12",	      "zen4",	 "zen5",
};
#define EXPECTED (sizeof(expected) / sizeof(expected[0]))

START_TEST(all_machines_are_built_in_in_the_order_of_names)
{
	const struct cache_preset *p = cache_presets;
	unsigned found = 0;

	for (; p->name; p++) {
		ck_assert(p == cache_presets ||
			  strcmp(p[-1].name, p->name) < 0);
		found += found < EXPECTED && !strcmp(p->name, expected[found]);
	}
	ck_assert_uint_eq(found, EXPECTED);
}
END_TEST

START_TEST(each_preset_loads_runs_and_tells_its_evidence)
{
	const char *name = cache_presets[_i].name;
	struct cache_conf conf = scan_conf(name, "");
	struct cache *c = scan_cache(name, "");
	const struct opt *r;

	ck_assert_str_eq(conf.name, name);
	ck_assert_uint_gt(strlen(conf.summary), 10);
	for (r = cache_conf_rows; r->type != OPT_END; r++) {
		size_t i = (size_t)(r - cache_conf_rows);

		ck_assert(!conf.line[i] == !conf.evidence[i]);
	}
	scan_once(c, SCAN_ZCOL, 64 << 10);
	ck_assert_int_eq(cache_check(c, stdout), 0);
	cache_free(c);
}
END_TEST

/* Colours, zero pages: what the kernels know of these machines. */
START_TEST(presets_have_the_colours_that_kernels_reckon_with)
{
	static const struct {
		const char *name;
		uint64_t colours, dir, zero_pages;
		uint32_t kernel;
	} want[] = {
		{"r4400sc", 4, 8, 8, KERNEL(6, 1, 0)},
		{"r4400sc-sgi", 4, 8, 8, KERNEL(6, 1, 0)},
		{"r4400sc-dec", 4, 8, 8, KERNEL(6, 1, 0)},
		{"r4000sc", 2, 8, 8, KERNEL(6, 1, 0)},
		{"r10000", 4, 4, 1, KERNEL(6, 1, 0)},
		{"24k", 2, 1, 1, KERNEL(6, 1, 0)},
		{"24k-ar", 1, 1, 1, KERNEL(6, 1, 0)},
		{"74k-64", 4, 1, 1, KERNEL(6, 1, 0)},
		{"loongson3a", 4, 1, 1, KERNEL(6, 1, 0)},
		{"octeon2", 1, 1, 1, KERNEL(6, 1, 0)},
		{"z10", 4, 4, 4, KERNEL(3, 0, 0)},
		{"z196", 4, 4, 4, KERNEL(4, 3, 0)},
		{"zec12", 4, 32, 32, KERNEL(3, 10, 0)},
		{"z13", 4, 128, 128, KERNEL(6, 1, 0)},
		{"z14", 4, 128, 128, KERNEL(6, 1, 0)},
		{"z15", 4, 128, 128, KERNEL(6, 1, 0)},
		{"z16", 4, 128, 128, KERNEL(6, 1, 0)},
		{"z17", 4, 128, 128, KERNEL(6, 1, 0)},
		{"z990", 16, 16, 1, KERNEL(4, 3, 0)},
		{"skylake", 1, 1, 1, KERNEL(6, 1, 0)},
		{"zen4", 1, 1, 1, KERNEL(6, 1, 0)},
		{"zen5", 1, 1, 1, KERNEL(6, 1, 0)},
		{"neoverse-n1", 1, 1, 1, KERNEL(6, 1, 0)},
		{"arm64-2020", 1, 1, 1, KERNEL(6, 1, 0)},
	};

	ck_assert_uint_eq(sizeof(want) / sizeof(want[0]), EXPECTED);
	for (size_t i = 0; i < EXPECTED; i++) {
		struct cache_conf f = scan_conf(want[i].name, "");
		enum zero_machine m = (enum zero_machine)f.zero_machine;

		ck_assert_uint_eq(cache_conf_colours(&f), want[i].colours);
		ck_assert_uint_eq(f.dir_colours, want[i].dir);
		ck_assert_uint_eq(1u << f.zero_order, want[i].zero_pages);
		ck_assert_uint_eq(
			zero_page_order(m, want[i].kernel, UINT64_C(1) << 40),
			f.zero_order);
	}
}
END_TEST

START_TEST(a_near_name_is_offered)
{
	struct cache_conf conf;
	struct err err = {0};

	ck_assert_int_eq(cache_conf_find(&conf, "z31", NULL, &err), -EINVAL);
	ck_assert_str_eq(err.text,
			 "unknown machine \"z31\"; did you mean \"z13\"?");
	err.text[0] = 0;
	ck_assert_int_eq(cache_conf_find(&conf, "pentium", NULL, &err),
			 -EINVAL);
	ck_assert_str_eq(err.text, "unknown machine \"pentium\"");
}
END_TEST

START_TEST(a_directory_comes_before_what_is_built_in)
{
	struct box b;
	struct cache_conf conf;
	struct err err = {0};
	char *text = build(0, NULL);

	box_init(&b);
	box_write(&b, "z13.conf", text, strlen(text));
	ck_assert(!cache_conf_find(&conf, "z13", b.dir, &err));
	ck_assert_str_eq(conf.summary, "a toy");
	ck_assert(!cache_conf_find(&conf, "z14", b.dir, &err));
	ck_assert_str_eq(conf.name, "z14");
	ck_assert(!cache_conf_find(&conf, box_path(&b, "z13.conf").text, NULL,
				   &err));
	ck_assert_str_eq(conf.summary, "a toy");
	ck_assert(cache_conf_find(&conf, box_path(&b, "none.conf").text, NULL,
				  &err) < 0);
	ck_assert_ptr_nonnull(strstr(err.text, "none.conf"));
	box_write(&b, "z13.conf", "l1_ways 0 [A]\n", 14);
	err.text[0] = 0;
	ck_assert_int_eq(cache_conf_find(&conf, "z13", b.dir, &err), -EINVAL);
	ck_assert_ptr_nonnull(
		strstr(err.text, "z13.conf:1: l1_ways: 0 is out"));
	box_fini(&b);
	free(text);
}
END_TEST

START_TEST(the_table_of_fields_is_sane)
{
	struct err err = {0};

	ck_assert_msg(!opt_check_rows(cache_conf_rows,
				      sizeof(struct cache_conf), &err),
		      "%s", err.text);
}
END_TEST

static int find(void *ctx)
{
	struct cache_conf conf;

	return cache_conf_find(&conf, ctx, NULL, NULL);
}

START_TEST(out_of_memory_is_told)
{
	char name[] = "z13";

	ck_assert_uint_gt(fail_mem_walk(find, name), 0);
}
END_TEST

static Suite *cache_conf_suite(void)
{
	Suite *s = suite_create("cache_conf");
	TCase *t = tcase_create("files");
	int presets = 0;

	while (cache_presets[presets].name)
		presets++;
	tcase_add_test(t, the_table_of_fields_is_sane);
	tcase_add_test(t, a_file_is_read_field_by_field);
	tcase_add_test(t,
		       what_is_assumed_is_known_and_forgotten_when_overridden);
	tcase_add_loop_test(t, a_bad_file_is_refused_with_its_line, 0,
			    (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(t, a_missing_field_is_named);
	tcase_add_test(t, a_NUL_byte_is_refused_with_its_line);
	tcase_add_test(t, what_overrides_break_is_refused_without_a_line);
	tcase_add_test(t,
		       absurd_machines_are_refused_before_memory_is_asked_for);
	tcase_add_test(t, all_machines_are_built_in_in_the_order_of_names);
	tcase_add_loop_test(t, each_preset_loads_runs_and_tells_its_evidence, 0,
			    presets);
	tcase_add_test(t, presets_have_the_colours_that_kernels_reckon_with);
	tcase_add_test(t, a_near_name_is_offered);
	tcase_add_test(t, a_directory_comes_before_what_is_built_in);
	tcase_add_test(t, out_of_memory_is_told);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(cache_conf_suite());
}
