/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cache model against dumber ones: a list of lines that is searched from
 * end to end, distances in an LRU stack; and what must not change a result.
 */
#include <string.h>

#include "sim/base/prng.h"
#include "models/zero_page.h"
#include "tests/support/dumb_cache.h"
#include "tests/support/main.h"
#include "tests/support/scan.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * 1024)

/* ---- random machines ---- */

static uint64_t pick(struct prng *r, uint64_t lo, uint64_t hi)
{
	return lo + prng_below(r, hi - lo + 1);
}

static void random_conf(struct prng *r, struct cache_conf *f,
			enum cache_policy policy)
{
	uint64_t levels = pick(r, policy == CACHE_NONE ? 1 : 2, 4);

	*f = scan_conf("r4400sc", "tlb_entries=0 memory_latency=1000");
	f->page_bytes = UINT64_C(256) << pick(r, 0, 2);
	f->policy = policy;
	f->cpus_per_chip = UINT64_C(1) << pick(r, 0, 1);
	f->chips_per_book = UINT64_C(1) << pick(r, 0, 1);
	f->cpus = f->cpus_per_chip * f->chips_per_book * pick(r, 1, 2);
	f->syn_source = levels > 1 ? pick(r, 2, levels) : 2;
	f->syn_extra = pick(r, 0, 9);
	f->trap_cost = pick(r, 0, 99);
	for (unsigned n = 0; n < CACHE_LEVELS; n++) {
		struct cache_level_conf *l = &f->level[n], *up = l - 1;

		l->line_bytes = n ? up->line_bytes << pick(r, 0, 1)
				  : UINT64_C(16) << pick(r, 0, 1);
		l->ways = pick(r, 1, 3);
		l->bytes = n < levels
				   ? l->ways * (f->page_bytes << pick(r, 0, 2))
				   : 0;
		l->latency = pick(r, 1, 9) * (n + 1);
		l->index =
			n || !prng_below(r, 4) ? CACHE_PHYSICAL : CACHE_VIRTUAL;
		l->replacement = prng_below(r, 2) ? CACHE_LRU : CACHE_FIFO;
		l->scope = n < 1 ? CACHE_CPU : pick(r, up->scope, CACHE_SYSTEM);
		l->inclusive =
			(n == 1 && policy >= CACHE_PIDX_HW) || prng_below(r, 3);
		l->write = prng_below(r, 2);
	}
	f->dir_colours = cache_conf_colours(f) << pick(r, 0, 1);
	f->vcolour_check = policy == CACHE_MOVE && prng_below(r, 2) ? 7 : 0;
}

static void counts_equal(const struct cache *c, const struct dumb *d)
{
	struct cache_counts n = cache_counts(c, CACHE_ALL_CPUS);

#define SAME(name) ck_assert_uint_eq(n.name, d->n.name)
	SAME(accesses);
	SAME(memory);
	SAME(syn);
	SAME(vce);
	SAME(dup);
	SAME(dup_writes);
	SAME(back_invals);
	SAME(invals);
	SAME(writebacks);
#undef SAME
	ck_assert_mem_eq(n.hits, d->n.hits, sizeof(n.hits));
	ck_assert_mem_eq(n.misses, d->n.misses, sizeof(n.misses));
	for (unsigned i = 0; i < d->levels; i++)
		ck_assert_uint_eq(cache_resident(c, i), d->level[i].n);
}

#define MACHINES 40
#define ACCESSES 1500

static void same_as_dumb(struct prng *r, enum cache_policy policy)
{
	struct dumb *d = calloc(1, sizeof(*d));
	struct err err = {0};
	uint64_t synonyms = 0;
	struct cache *c;

	ck_assert_ptr_nonnull(d);
	for (int m = 0; m < MACHINES; m++) {
		memset(d, 0, sizeof(*d));
		random_conf(r, &d->conf, policy);
		d->levels = cache_conf_levels(&d->conf);
		ck_assert_msg(!cache_new(&c, &d->conf, &err), "%s", err.text);
		for (int i = 0; i < ACCESSES; i++) {
			uint64_t page = d->conf.page_bytes;
			uint64_t at = prng_below(r, page / 8) * 8;
			uint64_t va = prng_below(r, 16) * page + at;
			uint64_t pa = prng_below(r, 12) * page + at;
			uint64_t cpu = prng_below(r, d->conf.cpus);
			bool write = !prng_below(r, 4);

			ck_assert_uint_eq(
				cache_access(c, (unsigned)cpu, va, pa, 8,
					     write ? CACHE_WRITE : CACHE_READ)
					.v,
				dumb_access(d, cpu, va, pa, write));
		}
		counts_equal(c, d);
		ck_assert_int_eq(cache_check(c, stdout), 0);
		synonyms += d->n.dup + d->n.syn + d->n.vce;
		cache_free(c);
	}
	ck_assert(policy == CACHE_NONE || synonyms > 100);
	free(d);
}

START_TEST(each_policy_does_what_lists_do)
{
	struct prng r = prng_fork(test_seed(1), "lists");

	same_as_dumb(&r, (enum cache_policy)_i);
}
END_TEST

/* ---- LRU by stack distance ---- */

/*
 * distance - different keys in the same of @sets sets since @key was last seen
 * @seen: most recent first; the key is put in front
 */
static unsigned distance(uint64_t *seen, unsigned *n, uint64_t key,
			 uint64_t sets)
{
	unsigned i, d = 0;

	for (i = 0; i < *n && seen[i] != key; i++)
		d += seen[i] % sets == key % sets;
	if (i == *n) {
		++*n;
		d = UINT32_MAX;
	}
	memmove(seen + 1, seen, i * sizeof(*seen));
	seen[0] = key;
	return d;
}

START_TEST(lru_hits_when_the_stack_distance_is_below_the_ways)
{
	struct prng r = prng_fork(test_seed(2), "stack");
	struct cache *c = scan_cache("arm64-2020",
				     "l1_size=4KiB tlb_entries=32 tlb_ways=8");
	uint64_t lines[1024], pages[1024], hits = 0, tlb_hits = 0;
	unsigned nlines = 0, npages = 0;
	struct cache_counts n;

	for (int i = 0; i < 50000; i++) {
		uint64_t at = prng_below(&r, 8) ? prng_below(&r, 80) * 64
						: prng_below(&r, 800) * 64 * 64;

		at = at % (64 * 4096);
		scan_read(c, 0, at, at);
		hits += distance(lines, &nlines, at / 64, 8) < 8;
		tlb_hits += distance(pages, &npages, at / 4096, 4) < 8;
	}
	n = cache_counts(c, CACHE_ALL_CPUS);
	ck_assert_uint_eq(n.hits[0], hits);
	ck_assert_uint_eq(n.tlb_hits, tlb_hits);
	ck_assert_uint_gt(n.misses[0], 1000);
	ck_assert_uint_gt(n.tlb_misses, 1000);
	cache_free(c);
}
END_TEST

/* The tree as halves of halves: which half of [lo, lo + n) is older? */
struct halves {
	bool upper[17][17]; /* by lo and n */
	uint64_t key[16];
};

static void halves_touch(struct halves *h, unsigned lo, unsigned n,
			 unsigned way)
{
	if (n == 1)
		return;
	h->upper[lo][n] = way < lo + n / 2;
	halves_touch(h, h->upper[lo][n] ? lo : lo + n / 2, n / 2, way);
}

static unsigned halves_oldest(const struct halves *h, unsigned lo, unsigned n)
{
	if (n == 1)
		return lo;
	return halves_oldest(h, h->upper[lo][n] ? lo + n / 2 : lo, n / 2);
}

static bool halves_hit(struct halves *h, unsigned ways, uint64_t key)
{
	unsigned way = 0;
	bool hit;

	while (way < ways && h->key[way] != key)
		way++;
	hit = way < ways;
	if (!hit) /* empty ones in order */
		for (way = 0; way < ways && h->key[way]; way++)
			;
	if (way == ways)
		way = halves_oldest(h, 0, ways);
	h->key[way] = key;
	halves_touch(h, 0, ways, way);
	return hit;
}

START_TEST(a_tree_of_bits_replaces_as_halves_of_halves)
{
	static const char *const set[] = {
		"l1_size=256 l1_ways=4 l1_replacement=plru",
		"l1_size=512 l1_ways=8 l1_replacement=plru",
		"l1_size=1KiB l1_ways=16 l1_replacement=plru",
	};

	for (unsigned i = 0; i < 3; i++) {
		struct prng r = prng_fork(test_seed(5), "halves");
		struct cache *c = scan_cache("arm64-2020", set[i]);
		struct halves h = {0};

		for (int k = 0; k < 20000; k++) {
			uint64_t n = prng_below(&r, 6u << i) + 1;
			bool hit = halves_hit(&h, 4u << i, n);

			ck_assert_uint_eq(scan_read(c, 0, n * 64, n * 64),
					  hit ? 4 : 12);
		}
		cache_free(c);
	}
}
END_TEST

/* Where the replacements cannot differ. */
START_TEST(two_ways_make_a_tree_lru_and_one_way_makes_all_equal)
{
	static const char *const set[] = {
		"l1_ways=2 l1_size=8KiB l1_replacement=lru",
		"l1_ways=2 l1_size=8KiB l1_replacement=plru",
		"l1_ways=1 l1_size=8KiB l1_replacement=lru",
		"l1_ways=1 l1_size=8KiB l1_replacement=plru",
		"l1_ways=1 l1_size=8KiB l1_replacement=fifo",
		"l1_ways=1 l1_size=8KiB l1_replacement=random",
	};
	uint64_t misses[6];

	for (unsigned i = 0; i < 6; i++) {
		struct prng r = prng_fork(test_seed(3), "ways");
		struct cache *c = scan_cache("arm64-2020", set[i]);

		for (int k = 0; k < 20000; k++) {
			uint64_t at = prng_below(&r, 200) * 64;

			scan_read(c, 0, at, at);
		}
		misses[i] = cache_counts(c, 0).misses[0];
		ck_assert_int_eq(cache_check(c, stdout), 0);
		cache_free(c);
	}
	ck_assert_uint_eq(misses[0], misses[1]);
	for (unsigned i = 3; i < 6; i++)
		ck_assert_uint_eq(misses[i], misses[2]);
	ck_assert_uint_lt(misses[0], 20000);
}
END_TEST

/* ---- what must not matter ---- */

static struct cache_counts steady_at(struct cache *c, enum scan_case how,
				     uint64_t va, int passes)
{
	unsigned order = (unsigned)cache_config(c)->zero_order;
	struct cache_counts n = {0};

	cache_reset(c);
	for (int i = 0; i < passes; i++)
		n = scan_with(c, how, order, va, MIB);
	return n;
}

static bool random_replacement(const struct cache *c)
{
	return cache_config(c)->level[0].replacement == CACHE_RANDOM;
}

START_TEST(a_shift_by_the_colour_period_or_more_passes_change_nothing)
{
	static const enum scan_case cases[] = {SCAN_PRIV, SCAN_KSM, SCAN_ZCOL};
	const struct cache_preset *p = &cache_presets[_i];
	struct cache *c = scan_cache(p->name, "");

	for (unsigned i = 0; i < 3 && !random_replacement(c); i++) {
		struct cache_counts n = steady_at(c, cases[i], SCAN_VA, 3), m;

		m = steady_at(c, cases[i], SCAN_VA + 7 * 512 * KIB, 3);
		ck_assert_mem_eq(&n, &m, sizeof(n));
		m = steady_at(c, cases[i], SCAN_VA, 6);
		ck_assert_mem_eq(&n, &m, sizeof(n));
	}
	cache_free(c);
}
END_TEST

/* Frames that L2 and below put into the same sets as before. */
START_TEST(frames_with_the_same_sets_are_as_good)
{
	static const char *const preset[] = {"r4400sc", "z13", "zen5"};
	struct prng r = prng_fork(test_seed(4), "frames");

	for (unsigned i = 0; i < 3; i++) {
		struct cache *c = scan_cache(preset[i], "");
		struct cache_counts n = steady_at(c, SCAN_PRIV, SCAN_VA, 2);
		struct cache_counts m = {0}, now;
		uint64_t step = cache_config(c)->level[0].line_bytes;
		uint64_t high[256];

		for (unsigned k = 0; k < 256; k++) /* above all ways: 16 MiB */
			high[k] = (k + prng_below(&r, 1000) * 256) << 28;
		cache_reset(c);
		for (int pass = 0; pass < 2; pass++) {
			m = cache_counts(c, 0);
			for (uint64_t o = 0; o < MIB; o += step)
				cache_access(c, 0, SCAN_VA + o,
					     high[o / 4096] + o, 8, CACHE_READ);
		}
		now = cache_counts(c, 0);
		m = cache_counts_since(&now, &m);
		ck_assert_mem_eq(&n, &m, sizeof(n));
		cache_free(c);
	}
}
END_TEST

/* What a kernel with coloured zero pages merges into is what a fault gives. */
START_TEST(merged_zero_pages_are_read_as_untouched_ones)
{
	for (uint64_t va = 0; va < 4 * MIB; va += 4096)
		for (unsigned order = 0; order <= 7; order++) {
			uint64_t page = zero_page_of(va, 4096, order);

			ck_assert_uint_lt(page, UINT64_C(1) << order);
			ck_assert_uint_eq(page, (va >> 12) % (1u << order));
		}
}
END_TEST

static Suite *cache_suite(void)
{
	Suite *s = suite_create("cache");
	TCase *t = tcase_create("properties");
	int presets = 0;

	while (cache_presets[presets].name)
		presets++;
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, each_policy_does_what_lists_do, CACHE_NONE,
			    CACHE_TRAP_HSV + 1);
	tcase_add_test(t, lru_hits_when_the_stack_distance_is_below_the_ways);
	tcase_add_test(t, a_tree_of_bits_replaces_as_halves_of_halves);
	tcase_add_test(t, two_ways_make_a_tree_lru_and_one_way_makes_all_equal);
	tcase_add_loop_test(
		t, a_shift_by_the_colour_period_or_more_passes_change_nothing,
		0, presets);
	tcase_add_test(t, frames_with_the_same_sets_are_as_good);
	tcase_add_test(t, merged_zero_pages_are_read_as_untouched_ones);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(cache_suite());
}
