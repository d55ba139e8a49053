/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The shape of the original's tree, and what its search touches, on the vectors
 * that its own code gave; and on random pages in bulk.
 */
#include <errno.h>
#include <string.h>

#include "sim/base/os.h"
#include "sim/base/prng.h"
#include "sim/core/pages.h"
#include "sim/engine/pageone/sdshape.h"
#include "sim/engine/pageone/sdtree.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/shortkeys.h"

#define SHAPES "tests/vectors/sdtree-shapes.tsv"
#define COUNTS "tests/vectors/sdtree-counts.tsv"
#define ROWS 17

struct row {
	unsigned number, from, bits, vectors;
	char operations[100], shape[200], branches[40];
};

static struct row rows[ROWS + 1];

/* The set and the shape go along with each other, as in the engine. */
struct both {
	struct shortkeys keys;
	struct sdshape shape;
	uint32_t root;
	struct sdtree *tree;
	struct sd_thread *th;
	struct sd_counts n;
};

static void both_init(struct both *b, uint32_t bits)
{
	struct sdtree_conf conf = {.max_objects = 1000};

	memset(b, 0, sizeof(*b));
	shortkeys_init(&b->keys, bits);
	conf.contents = b->keys.set;
	ck_assert_int_eq(sdshape_init(&b->shape, b->keys.set, bits), 0);
	ck_assert_int_eq(sdshape_root(&b->shape, &b->root), 0);
	ck_assert_int_eq(sdtree_new(&b->tree, &conf), 0);
	ck_assert_int_eq(sdtree_join(b->tree, &b->th), 0);
}

static void both_fini(struct both *b)
{
	sdtree_part(b->th);
	sdtree_free(b->tree);
	sdshape_fini(&b->shape);
	shortkeys_fini(&b->keys);
}

static void insert(struct both *b, uint32_t rank)
{
	uint32_t word, stored = 0;
	int what = sdtree_insert(b->th, (struct sd_key){.rank = rank}, rank,
				 &stored);
	bool found = sdshape_find(&b->shape, b->root, rank);

	ck_assert_uint_eq(stored, rank);
	ck_assert_int_eq(what, found ? SD_DUP : SD_NEW);
	if (!found)
		ck_assert_int_eq(sdshape_insert(&b->shape, &b->n, &word), 0);
}

static void delete (struct both *b, uint32_t rank)
{
	uint32_t word;
	int what = sdtree_delete(b->th, (struct sd_key){.rank = rank}, NULL);

	ck_assert(sdshape_find(&b->shape, b->root, rank));
	ck_assert(what == SD_KEPT || what == SD_LAST);
	if (what == SD_LAST)
		sdshape_remove(&b->shape, &b->n, &word);
}

static uint32_t key_of(const char *digits, unsigned bits)
{
	return (uint32_t)strtoul(digits, NULL, bits == 8 ? 2 : 16);
}

static void operate(struct both *b, const struct row *r)
{
	char words[100], *p = NULL, *word;

	if (r->from)
		operate(b, &rows[r->from]);
	strcpy(words, r->operations);
	for (word = strtok_r(words, " ", &p); word;
	     word = strtok_r(NULL, " ", &p)) {
		uint32_t rank = key_of(word + 1, r->bits);
		const char *count = strchr(word, '=');

		if (word[0] == '+')
			insert(b, rank);
		else
			delete (b, rank);
		if (count)
			ck_assert_uint_eq(
				sdtree_find(b->th,
					    (struct sd_key){.rank = rank},
					    NULL),
				strtoul(count + 1, NULL, 10));
	}
}

static void read_rows(void)
{
	FILE *f = fopen(SHAPES, "r");
	char line[400];
	unsigned n = 0;

	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f)) {
		struct row r = {0};
		char from[10];

		if (sscanf(line, "%u\t%9s\t%u\t%99[^\t]\t%199s\t%u\t%39s",
			   &r.number, from, &r.bits, r.operations, r.shape,
			   &r.vectors, r.branches) != 7)
			continue;
		r.from = (unsigned)strtoul(from, NULL, 10);
		ck_assert_uint_eq(r.number, ++n);
		rows[n] = r;
	}
	ck_assert_uint_eq(n, ROWS);
	fclose(f);
}

static int see_branch(void *ctx, struct sd_key key, uint32_t refs,
		      uint32_t value, int branch)
{
	bool *there = ctx;

	(void)key;
	(void)refs;
	(void)value;
	if (branch >= 0)
		there[branch] = true;
	return 0;
}

/* Where keys of the set part, "0,3,5"; the set's own order of nodes is another
 * story. */
static void branches_of(struct both *b, char *text)
{
	bool there[16] = {false};
	size_t n = 0;

	ck_assert_int_eq(sdtree_walk(b->tree, see_branch, there), 0);
	for (unsigned i = 0; i < 16; i++)
		if (there[i])
			n += (size_t)sprintf(text + n, n ? ",%u" : "%u", i);
	if (!n)
		strcpy(text, "-");
}

START_TEST(shapes_are_those_of_the_original)
{
	struct row *r = &rows[_i];
	struct both b;
	char *shape, branches[60];
	size_t len;
	FILE *f = open_memstream(&shape, &len);

	ck_assert_ptr_nonnull(f);
	read_rows();
	both_init(&b, r->bits);
	operate(&b, r);
	sdshape_print(&b.shape, b.root, f);
	fclose(f);
	ck_assert_str_eq(shape, r->shape);
	ck_assert_uint_eq(b.shape.vecs.count, r->vectors);
	ck_assert_uint_eq(1 + b.n.vec_new - b.n.vec_free, r->vectors);
	branches_of(&b, branches);
	ck_assert_str_eq(branches, r->branches);
	free(shape);
	both_fini(&b);
}
END_TEST

START_TEST(searches_touch_what_the_original_touches)
{
	FILE *f = fopen(COUNTS, "r");
	char line[200];
	unsigned n = 0;

	ck_assert_ptr_nonnull(f);
	read_rows();
	while (fgets(line, sizeof(line), f)) {
		unsigned tree, visits, rep, pages, bits;
		struct sd_counts c = {0};
		struct both b;
		char key[20];

		if (sscanf(line, "%u\t%19s\t%u\t%u\t%u\t%u", &tree, key,
			   &visits, &rep, &pages, &bits) != 6)
			continue;
		both_init(&b, rows[tree].bits);
		operate(&b, &rows[tree]);
		ck_assert(sdshape_find(&b.shape, b.root,
				       key_of(key, rows[tree].bits)));
		sdshape_cost(&b.shape, &c);
		ck_assert_uint_eq(c.visits, visits);
		ck_assert_uint_eq(c.rep_visits, rep);
		ck_assert_uint_eq(c.pages, pages);
		ck_assert_uint_eq(c.cmp_bits, bits);
		ck_assert_uint_eq(c.searches, 1);
		both_fini(&b);
		n++;
	}
	ck_assert_uint_eq(n, 6);
	fclose(f);
}
END_TEST

/* ---- in bulk ---- */

static const uint8_t *random_page(void *self, uint32_t id, uint8_t *buf)
{
	(void)self;
	page_fill(buf, RULE_ID, id);
	return buf;
}

START_TEST(random_pages_give_the_measured_means)
{
	enum { N = 65536 };
	struct content_source src = {.count = N + 1, .bytes = random_page};
	struct content_set *set;
	struct sdshape s;
	struct sd_counts c = {0}, change = {0};
	uint32_t root, word;

	ck_assert_int_eq(content_set_new(&set, &src, NEED_PREFIX | NEED_BYTES,
					 os_cpus(), NULL),
			 0);
	ck_assert_int_eq(sdshape_init(&s, set, PAGE_BITS), 0);
	ck_assert_int_eq(sdshape_root(&s, &root), 0);
	for (uint32_t id = 1; id <= N; id++) {
		ck_assert(!sdshape_find(&s, root, set->rank[id]));
		ck_assert_int_eq(sdshape_insert(&s, &change, &word), 0);
	}
	for (uint32_t id = 1; id <= N; id++) {
		ck_assert(sdshape_find(&s, root, set->rank[id]));
		sdshape_cost(&s, &c);
	}
	printf("%u pages: %.4f vectors, %.2f + %.2f visits, %.3f pages, "
	       "%.1f + %.1f bits\n",
	       N, (double)s.vecs.count / N, (double)c.visits / N,
	       (double)c.rep_visits / N, (double)c.pages / N,
	       (double)c.cmp_bits / N, (double)c.scan_bits / N);
	ck_assert_double_eq_tol((double)s.vecs.count / N, 1.578, 0.003);
	ck_assert_double_eq_tol((double)c.visits / N, 17, 0.5);
	ck_assert_double_eq_tol((double)c.rep_visits / N, 54, 2);
	ck_assert_double_eq_tol((double)c.pages / N, 5.25, 0.1);
	for (uint32_t id = 1; id <= N; id++) {
		ck_assert(sdshape_find(&s, root, set->rank[id]));
		sdshape_remove(&s, &change, &word);
	}
	ck_assert_uint_eq(s.vecs.count, 1);
	ck_assert_uint_eq(change.vec_new, change.vec_free);
	/* a swap and a count, and twice the vectors, per object */
	ck_assert_double_eq_tol((double)change.cas / N, 1 + 1 + 2 * 1.578,
				0.01);
	sdshape_fini(&s);
	content_set_free(set);
}
END_TEST

/* ---- memory ---- */

static int fill_tree(void *ctx)
{
	struct shortkeys *k = ctx;
	struct sdshape s;
	struct sd_counts c = {0};
	uint32_t root, word, low[100], build;
	int ret = sdshape_init(&s, k->set, 8);

	if (ret)
		return ret;
	ret = sdshape_root(&s, &root);
	for (uint32_t i = 0; !ret && i < 100; i++)
		if (!sdshape_find(&s, root, i * 7 % 256))
			ret = sdshape_insert(&s, &c, &word);
	if (!ret) {
		int64_t n = sdshape_lowest(&s, root, low, 100);

		ret = n < 0 ? (int)n : 0;
	}
	if (!ret)
		ret = sdshape_build(&s, low, 100, &build);
	if (!ret)
		ck_assert(sdshape_equal(&s, root, build));
	sdshape_fini(&s);
	return ret;
}

START_TEST(each_allocation_may_fail)
{
	struct shortkeys k;

	shortkeys_init(&k, 8);
	ck_assert_uint_gt(fail_mem_walk(fill_tree, &k), 3);
	shortkeys_fini(&k);
}
END_TEST

static Suite *sdshape_suite(void)
{
	Suite *s = suite_create("sdshape");
	TCase *tc = tcase_create("shape");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, shapes_are_those_of_the_original, 1, ROWS + 1);
	tcase_add_test(tc, searches_touch_what_the_original_touches);
	tcase_add_test(tc, random_pages_give_the_measured_means);
	tcase_add_test(tc, each_allocation_may_fail);
	suite_add_tcase(s, tc);
	return s;
}

int main(void)
{
	return check_main(sdshape_suite());
}
