/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ksm against a full pairwise comparison.
 *
 * When nothing changes any more, what ksm has merged follows from the sizes of
 * the classes of equal pages alone.  With L = max_page_sharing and N pages in a
 * class, nodes fill to L one after the other: N = q L + r gives q full nodes and
 * one of r, except that a single one left over finds no partner.
 *
 * This is exact when all pages were there before the first scan, none is pinned,
 * and no frame is mapped twice.  Forks are exact in two cases: without a limit
 * that is reached, where a class is merged as soon as it has two frames; and
 * after the fixpoint, when mappings of merged frames join whatever the limit.
 *
 * Zeros of huge pages are no such pages: where there are two in one, each visit
 * of either leads to the other or to another page of zeros, so the huge page is
 * split, and they end as ordinary mappings of the zero page.
 */
#include <errno.h>
#include <string.h>

#include "tests/support/main.h"
#include "tests/support/rig.h"

#define SPACES 4u
#define PAGES 1100u /* two huge pages and some */
#define BASE (UINT64_C(5) << 30)
#define CONTENTS 40u
#define SCANS 8u /* enough for every page to have met its equals */

struct page {
	uint32_t content;
	uint32_t frame;
	uint32_t class;
};

/* All pages that ksm may merge, in classes of equal bytes. */
struct picture {
	struct page page[3 * SPACES * PAGES];
	size_t n;
	uint32_t classes;
	int64_t zeros; /* of huge pages: no pages of this picture */
};

static void classify(const struct rig *r, struct picture *pic)
{
	uint8_t a[PAGE_BYTES], b[PAGE_BYTES];
	uint32_t class[CONTENTS];

	/* Pairs of contents; those of pages follow. */
	pic->classes = 0;
	for (uint32_t i = 0; i < CONTENTS; i++) {
		const uint8_t *pa = content_bytes(r->contents, i, a);

		class[i] = pic->classes;
		for (uint32_t k = 0; k < i; k++)
			if (!memcmp(pa, content_bytes(r->contents, k, b),
				    PAGE_BYTES))
				class[i] = class[k];
		pic->classes += class[i] == pic->classes;
	}
	for (size_t i = 0; i < pic->n; i++)
		pic->page[i].class = class[pic->page[i].content];
}

/* A huge page is split for certain: it holds zeros twice. */
static void two_zeros(const struct machine *m, uint32_t pte)
{
	uint32_t base = pte & ~(CHUNK_PAGES - 1), n = 0;

	for (uint32_t i = 0; i < CHUNK_PAGES; i++) {
		const struct pte *p = &m->pte[base + i];

		n += p->flags & PTE_HUGE && !p->content;
	}
	ck_assert_uint_ge(n, 2);
}

static void take_picture(const struct rig *r, struct picture *pic)
{
	const struct machine *m = r->machine;

	pic->n = 0;
	pic->zeros = 0;
	for (uint32_t s = 0; s < m->nspace; s++)
		for (uint64_t v = 0; v < PAGES; v++) {
			uint32_t i = machine_find(m, s, BASE + v);
			const struct pte *p = i ? &m->pte[i] : NULL;

			if (!p || !pte_mergeable_page(p))
				continue;
			if (p->flags & PTE_HUGE) {
				two_zeros(m, i);
				if (!p->content) {
					pic->zeros++;
					continue;
				}
			}
			pic->page[pic->n++] = (struct page){
				.content = p->content,
				.frame = pte_owner(p) == OWNER_SHARED
						 ? machine_share(m, p->ref)
							   ->frame
						 : p->ref,
			};
		}
	classify(r, pic);
}

struct expected {
	int64_t shared, sharing, unshared, items, zero, split;
};

/* Pages and distinct frames of one class. */
static void count_class(const struct picture *pic, uint32_t class,
			int64_t *pages, int64_t *frames, bool *zero)
{
	*pages = *frames = 0;
	*zero = false;
	for (size_t i = 0; i < pic->n; i++) {
		bool first = true;

		if (pic->page[i].class != class)
			continue;
		for (size_t k = 0; first && k < i; k++)
			first = pic->page[k].class != class ||
				pic->page[k].frame != pic->page[i].frame;
		++*pages;
		*frames += first;
		*zero = pic->page[i].content == 0;
	}
}

static struct expected expect(const struct picture *pic, int64_t limit,
			      bool zero_pages)
{
	struct expected x = {.split = pic->zeros};

	for (uint32_t c = 0; c < pic->classes; c++) {
		int64_t pages, frames, nodes, rest;
		bool zero;

		count_class(pic, c, &pages, &frames, &zero);
		if (zero && zero_pages) {
			x.zero += pages;
			continue;
		}
		x.items += pages;
		if (frames < 2) {
			x.unshared += frames;
			continue;
		}
		nodes = pages / limit;
		rest = pages % limit;
		x.shared += nodes + (rest >= 2);
		x.sharing += pages - nodes - (rest >= 1);
		x.unshared += rest == 1;
	}
	return x;
}

static void agrees(struct rig *r, const struct expected *x)
{
	uint64_t smart;

	ck_assert_int_eq(r->ops->get(r->engine, "smart_scan", &smart), 0);
	ck_assert_int_eq(rig_row(r, "ksm", "pages_shared"), x->shared);
	ck_assert_int_eq(rig_row(r, "ksm", "pages_sharing"), x->sharing);
	ck_assert_int_eq(rig_row(r, "ksm", "ksm_zero_pages"), x->zero);
	ck_assert_int_eq(rig_row(r, "ksm_model", "ksm_rmap_items"), x->items);
	ck_assert_int_eq(
		rig_row(r, "ksm", "pages_unshared") +
			(smart ? rig_row(r, "ksm", "pages_volatile") : 0),
		smart ? x->items - x->shared - x->sharing : x->unshared);
	ck_assert_int_eq(rig_row(r, "saved", "saved_pages"),
			 x->sharing + x->zero);
	ck_assert_int_eq(rig_row(r, "machine", "zero_pages_by_split"),
			 x->split);
	rig_check(r);
}

/* ---- random memories ---- */

static void map_some(struct rig *r, struct prng *rnd, uint32_t space)
{
	static const uint8_t kinds[] = {EVF_MERGEABLE, EVF_MERGEABLE | EVF_HUGE,
					EVF_MERGEABLE, 0,
					EVF_MERGEABLE | EVF_FILE};
	uint64_t at = prng_below(rnd, 30);

	while (at < PAGES) {
		uint64_t n = 1 + prng_below(rnd, PAGES - at);

		rig_do(r, ev_map(space, BASE + at, n,
				 kinds[prng_below(rnd, sizeof(kinds))]));
		at += n + prng_below(rnd, 100);
	}
}

/* Pages with few contents; the lower the number the more there are. */
static void fill_some(struct rig *r, struct prng *rnd, uint32_t space)
{
	const struct space *s = &r->machine->space[space];

	for (size_t i = 0; i < s->nrange; i++)
		for (uint64_t v = s->range[i].lo; v < s->range[i].hi; v++) {
			uint64_t most = 1 + prng_below(rnd, CONTENTS);

			if (prng_below(rnd, 6) == 0)
				rig_do(r, ev_write(space, v,
						   (uint32_t)prng_below(rnd,
									most)));
			else if (prng_below(rnd, 20) == 0)
				rig_do(r, ev_range(EV_READ, space, v, 1));
		}
}

static const char *const limits[] = {"2", "3", "8", "256"};
#define UNLIMITED "100000"

static void memory(struct rig *r, struct prng *rnd, const char *limit,
		   bool *zero_pages, bool smart)
{
	uint32_t spaces = 1 + (uint32_t)prng_below(rnd, SPACES);

	*zero_pages = prng_below(rnd, 2);
	rig_init(
		r, "ksm", prng_below(rnd, 2) ? RULE_ID : RULE_LAST1, CONTENTS,
		(const char *const[]){
			"max_page_sharing", limit, "use_zero_pages",
			*zero_pages ? "1" : "0", "smart_scan",
			smart ? "1" : "0", "stable_node_chains_prune_millisecs",
			prng_below(rnd, 2) ? "0" : "2000", "pages_to_scan",
			prng_below(rnd, 2) ? "100" : "7777", "run", "0", NULL});
	for (uint32_t s = 0; s < spaces; s++) {
		rig_do(r, ev_space(s));
		map_some(r, rnd, s);
		fill_some(r, rnd, s);
	}
}

static struct picture *picture_new(void)
{
	struct picture *pic = mem_zalloc(1, sizeof(*pic));

	ck_assert_ptr_nonnull(pic);
	return pic;
}

static void settle(struct rig *r)
{
	uint64_t before = rig_pages(r);

	if (!r->machine->space[0].mergeable)
		rig_do(r, ev_map(0, BASE + PAGES, 1, EVF_MERGEABLE));
	ck_assert_int_eq(rig_set(r, "run", "1"), 0);
	rig_scans(r, SCANS);
	ck_assert_uint_eq(rig_pages(r), before);
}

START_TEST(the_fixpoint_follows_from_the_sizes_of_classes)
{
	struct prng rnd = prng_fork(test_seed(1) + (uint64_t)_i, "fixpoint");
	struct picture *pic = picture_new();
	const char *limit = limits[_i % 4];
	struct expected x;
	bool zero_pages;
	struct rig r;

	memory(&r, &rnd, limit, &zero_pages, _i / 4 % 2);
	take_picture(&r, pic);
	x = expect(pic, strtol(limit, NULL, 10), zero_pages);
	settle(&r);
	agrees(&r, &x);
	/* Nothing moves once it is reached. */
	rig_scans(&r, 3);
	agrees(&r, &x);
	rig_fini(&r);
	free(pic);
}
END_TEST

START_TEST(forks_before_the_first_scan_merge_where_two_frames_are_equal)
{
	struct prng rnd = prng_fork(test_seed(1) + (uint64_t)_i, "forks");
	struct picture *pic = picture_new();
	struct expected x;
	bool zero_pages;
	struct rig r;

	memory(&r, &rnd, UNLIMITED, &zero_pages, false);
	for (unsigned k = 0; k < 3; k++) {
		uint32_t child = r.machine->nspace;

		rig_do(&r, ev_fork(child, (uint32_t)prng_below(&rnd, child)));
		for (unsigned w = 0; w < 20; w++) {
			struct event ev = ev_write(
				child, BASE + prng_below(&rnd, PAGES), w);
			int ret = rig_event(&r, &ev);

			ck_assert(ret == 0 || ret == -EINVAL);
		}
	}
	take_picture(&r, pic);
	x = expect(pic, 100000, zero_pages);
	settle(&r);
	agrees(&r, &x);
	rig_fini(&r);
	free(pic);
}
END_TEST

START_TEST(forks_after_the_fixpoint_join_whatever_the_limit)
{
	struct prng rnd = prng_fork(test_seed(1) + (uint64_t)_i, "late forks");
	const char *limit = limits[_i % 4];
	int64_t merged, zero, twins;
	bool zero_pages;
	struct rig r;

	memory(&r, &rnd, limit, &zero_pages, false);
	settle(&r);
	merged = (int64_t)r.machine->merged_pages;
	zero = rig_row(&r, "ksm", "ksm_zero_pages");
	twins = rig_row(&r, "ksm", "pages_unshared");
	for (uint32_t s = r.machine->nspace; s-- > 0;)
		rig_do(&r, ev_fork(r.machine->nspace, s));
	ck_assert_int_eq(rig_row(&r, "ksm", "ksm_zero_pages"), 2 * zero);
	rig_scans(&r, 3);
	ck_assert_int_eq(rig_row(&r, "ksm", "pages_shared") +
				 rig_row(&r, "ksm", "pages_sharing"),
			 2 * merged);
	/* Of two that share a frame anyway one waits, the other gives up. */
	ck_assert_int_eq(rig_row(&r, "ksm", "pages_unshared"), twins);
	ck_assert_int_eq(rig_row(&r, "ksm", "pages_volatile"), twins);
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(unmerging_brings_every_frame_back_but_the_zeros_of_huge_pages)
{
	struct prng rnd = prng_fork(test_seed(1) + (uint64_t)_i, "unmerge");
	struct picture *pic = picture_new();
	bool zero_pages;
	int64_t frames;
	uint64_t before;
	struct expected x;
	struct rig r;

	memory(&r, &rnd, limits[_i % 4], &zero_pages, true);
	take_picture(&r, pic);
	x = expect(pic, strtol(limits[_i % 4], NULL, 10), zero_pages);
	frames = (int64_t)machine_frames(r.machine);
	before = rig_pages(&r);
	settle(&r);
	frames -= x.split;
	ck_assert_int_eq((int64_t)machine_frames(r.machine),
			 frames - x.sharing - x.zero);
	ck_assert_int_eq(rig_set(&r, "run", "2"), 0);
	ck_assert_int_eq((int64_t)machine_frames(r.machine), frames);
	ck_assert_uint_eq(rig_pages(&r), before);
	x = (struct expected){.split = x.split};
	agrees(&r, &x);
	ck_assert_int_eq(rig_row(&r, "ksm_model", "stable_nodes"), 0);
	ck_assert_int_eq(rig_row(&r, "ksm", "cow_ksm"),
			 (int64_t)r.machine->cow_copies);
	rig_fini(&r);
	free(pic);
}
END_TEST

START_TEST(rows_that_the_kernel_has_not_stand_in_a_scope_of_their_own)
{
	static const char *const names[] = {
		"pages_to_scan", "ksm_rmap_items", "zero_pages_shared",
		"zero_pages_sharing", "stable_nodes"};
	struct rig r;

	rig_init(&r, "ksm", RULE_ID, CONTENTS, NULL);
	ck_assert_int_eq(rig_row(&r, "ksm", "pages_shared"), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert(rows_has(&r.rows, "ksm_model", names[i]));
		ck_assert(!rows_has(&r.rows, "ksm", names[i]));
	}
	rig_fini(&r);
}
END_TEST

/* ---- while things change ---- */

static const struct {
	const char *key, *values[3];
} knobs[] = {
	{"use_zero_pages", {"0", "1", "1"}},
	{"smart_scan", {"0", "1", "0"}},
	{"pages_to_scan", {"1", "20", "5000"}},
	{"max_page_sharing", {"2", "3", "300"}},
	{"stable_node_chains_prune_millisecs", {"0", "50", "100000"}},
	{"advisor_mode", {"none", "none", "scan-time"}},
	{"run", {"1", "2", "1"}},
};

static void turn_a_knob(struct rig *r, struct prng *rnd)
{
	size_t i = prng_below(rnd, sizeof(knobs) / sizeof(knobs[0]));
	int ret = rig_set(r, knobs[i].key, knobs[i].values[prng_below(rnd, 3)]);

	ck_assert(ret == 0 || ret == -EBUSY || ret == -EINVAL);
	if (prng_below(rnd, 2))
		ck_assert_int_eq(rig_set(r, "run", "1"), 0);
}

/* Merged pages of one node hold one content, other pages have their own. */
static void same_content(const struct rig *r)
{
	const struct machine *m = r->machine;
	size_t n = m->share.used + 1;
	uint32_t *content = mem_zalloc(n, sizeof(*content));
	bool wrong = false;

	ck_assert_ptr_nonnull(content);
	for (uint32_t s = 0; s < m->nspace; s++)
		for (uint64_t v = 0; v < CHAOS_PAGES; v++) {
			uint32_t i = machine_find(m, s, CHAOS_BASE + v);
			const struct pte *p = i ? &m->pte[i] : NULL;

			if (!p || !(p->flags & PTE_PRESENT) ||
			    pte_owner(p) != OWNER_SHARED)
				continue;
			wrong |= content[p->ref] &&
				 content[p->ref] != p->content + 1;
			content[p->ref] = p->content + 1;
		}
	ck_assert(!wrong);
	free(content);
}

/* The page tables say what is saved: never more than is mapped. */
static void saves_what_is_mapped(struct rig *r)
{
	int64_t saved = rig_row(r, "saved", "saved_pages");
	int64_t zero = rig_row(r, "saved", "zero_pages");

	ck_assert_int_le(saved, (int64_t)r->machine->mapped);
	ck_assert(0 <= zero && zero <= saved);
}

START_TEST(invariants_hold_and_contents_stay_while_all_changes)
{
	struct prng rnd = prng_fork(test_seed(1) + (uint64_t)_i, "dynamic");
	struct rig r;

	rig_init(&r, "ksm", _i % 2 ? RULE_ID : RULE_LAST8, CONTENTS,
		 (const char *const[]){"max_page_sharing", limits[_i / 2 % 4],
				       "pages_to_scan", "30", NULL});
	for (unsigned step = 0; step < 1500; step++) {
		struct event ev = chaos_event(&rnd, r.machine, CONTENTS / 2);
		int ret = rig_event(&r, &ev);
		uint64_t before = rig_pages(&r);

		ck_assert(ret == 0 || ret == -EINVAL);
		r.clock.now = ns_add(r.clock.now, NS(NS_PER_MSEC));
		if (prng_below(&rnd, 50) == 0)
			turn_a_knob(&r, &rnd);
		if (prng_below(&rnd, 3) == 0)
			ck_assert_int_eq(rig_turn(&r), 0);
		ck_assert_uint_eq(rig_pages(&r), before);
		rig_check(&r);
		saves_what_is_mapped(&r);
		if (step % 50 == 0)
			same_content(&r);
	}
	rig_fini(&r);
}
END_TEST

static Suite *ksm_suite(void)
{
	Suite *s = suite_create("ksm properties");
	TCase *t = tcase_create("properties");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, the_fixpoint_follows_from_the_sizes_of_classes,
			    0, 32);
	tcase_add_loop_test(
		t, forks_before_the_first_scan_merge_where_two_frames_are_equal,
		0, 12);
	tcase_add_loop_test(t, forks_after_the_fixpoint_join_whatever_the_limit,
			    0, 12);
	tcase_add_loop_test(
		t,
		unmerging_brings_every_frame_back_but_the_zeros_of_huge_pages,
		0, 8);
	tcase_add_loop_test(
		t, invariants_hold_and_contents_stay_while_all_changes, 0, 8);
	tcase_add_test(
		t, rows_that_the_kernel_has_not_stand_in_a_scope_of_their_own);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(ksm_suite());
}
