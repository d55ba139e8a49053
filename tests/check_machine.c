/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/machine/frame.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/rig.h"

#define FX_MOST 2000

/* A machine and what the last event did to it. */
struct box {
	struct machine *m;
	struct effect fx[FX_MOST];
	size_t n;
	struct err err;
};

static struct box *box_new(const struct machine_config *cfg)
{
	static const struct machine_config plain = {0};
	struct box *b = mem_zalloc(1, sizeof(*b));

	ck_assert_ptr_nonnull(b);
	ck_assert_int_eq(machine_new(&b->m, cfg ? cfg : &plain), 0);
	return b;
}

static void box_free(struct box *b)
{
	ck_assert_int_eq(machine_check(b->m, stderr), 0);
	machine_free(b->m);
	free(b);
}

static int happen(struct box *b, struct event ev)
{
	int ret;

	b->n = 0;
	b->err.text[0] = '\0';
	ret = machine_begin(b->m, &ev, &b->err);
	while (!ret && (ret = machine_next(b->m, &b->fx[b->n])) > 0) {
		ck_assert_uint_lt(++b->n, FX_MOST);
		ret = 0;
	}
	return ret;
}

/* Carried out with @effects effects. */
static void doing(struct box *b, struct event ev, size_t effects)
{
	int ret = happen(b, ev);

	ck_assert_msg(!ret, "%s: %s", event_word(ev.op), b->err.text);
	ck_assert_uint_eq(b->n, effects);
	ck_assert_int_eq(machine_check(b->m, stderr), 0);
}

static struct pte *at(const struct box *b, uint32_t space, uint64_t vpn)
{
	uint32_t i = machine_find(b->m, space, vpn);

	ck_assert_uint_ne(i, 0);
	return &b->m->pte[i];
}

static bool present(const struct box *b, uint32_t space, uint64_t vpn)
{
	uint32_t i = machine_find(b->m, space, vpn);

	return i && b->m->pte[i].flags & PTE_PRESENT;
}

static uint32_t frame_of(const struct box *b, uint32_t space, uint64_t vpn)
{
	const struct pte *p = at(b, space, vpn);

	ck_assert(p->flags & PTE_PRESENT);
	if (pte_owner(p) == OWNER_PRIVATE)
		return p->ref;
	ck_assert_int_eq(pte_owner(p), OWNER_SHARED);
	return machine_share(b->m, p->ref)->frame;
}

/* The effect is of this page and says this. */
static void fx_is(const struct effect *fx, uint32_t space, uint64_t vpn,
		  uint32_t flags, uint32_t before, uint32_t content)
{
	ck_assert_int_eq(fx->kind, FX_PAGE);
	ck_assert_uint_eq(fx->space, space);
	ck_assert_uint_eq(fx->vpn, vpn);
	ck_assert_uint_eq(fx->flags, flags);
	ck_assert_uint_eq(fx->before, before);
	ck_assert_uint_eq(fx->content, content);
}

/* One space, [0, @n) mapped, page i holds i + 1. */
static void one_space(struct box *b, uint64_t n, unsigned flags)
{
	doing(b, ev_space(0), 1);
	doing(b, ev_map(0, 0, n, flags), flags & EVF_MERGEABLE && 1);
	for (uint32_t i = 0; i < n; i++)
		doing(b, ev_write(0, i, i + 1), 1);
}

/* Pages become one merged frame: a of space s first, its share is returned. */
static uint32_t merge_two(struct box *b, uint32_t s, uint64_t a, uint64_t c,
			  uint32_t word)
{
	uint32_t pa = machine_find(b->m, s, a), pc = machine_find(b->m, s, c);
	uint32_t share, left;
	unsigned freed, split = 0;

	ck_assert_int_eq(machine_make_merged(b->m, pa, &share, &split), 0);
	machine_share(b->m, share)->word = word;
	ck_assert_int_eq(machine_merge(b->m, pc, share, &freed, &left, &split),
			 0);
	ck_assert_uint_eq(freed, 1);
	ck_assert_uint_eq(left, 0);
	return share;
}

/* ---- spaces ---- */

START_TEST(a_space_is_born_and_dies)
{
	struct box *b = box_new(NULL);

	doing(b, ev_space(0), 1);
	ck_assert_int_eq(b->fx[0].kind, FX_SPACE);
	doing(b, ev_map(0, 10, 3, 0), 0);
	doing(b, ev_write(0, 10, 5), 1);
	doing(b, ev_write(0, 12, 6), 1);
	doing(b, ev_exit(0), 3);
	fx_is(&b->fx[0], 0, 10, FXF_GONE, 5, CONTENT_NONE);
	fx_is(&b->fx[1], 0, 12, FXF_GONE, 6, CONTENT_NONE);
	ck_assert_int_eq(b->fx[2].kind, FX_EXIT);
	ck_assert_uint_eq(b->fx[2].space, 0);
	ck_assert_uint_eq(machine_frames(b->m), 0);
	ck_assert_uint_eq(machine_frames_peak(b->m), 2);
	ck_assert_uint_eq(machine_find(b->m, 0, 10), 0);
	box_free(b);
}
END_TEST

START_TEST(words_outlive_the_space_when_they_are_kept)
{
	struct machine_config cfg = {.keep_words = true};
	struct box *b = box_new(&cfg);
	struct space_cursor c = {.space = 0};
	uint64_t walked = 0;
	uint32_t pte;

	one_space(b, 3, EVF_MERGEABLE);
	pte = machine_find(b->m, 0, 1);
	machine_set_word(b->m, pte, 77);
	doing(b, ev_exit(0), 4);
	ck_assert_uint_eq(machine_find(b->m, 0, 1), pte);
	ck_assert_uint_eq(b->m->pte[pte].word, 77);
	/* A scan still finds the word, at its address. */
	ck_assert_uint_eq(machine_scan(b->m, &c, &walked), pte);
	ck_assert_uint_eq(machine_scan(b->m, &c, &walked), 0);
	machine_set_word(b->m, pte, 0);
	machine_space_release(b->m, 0);
	ck_assert_uint_eq(machine_find(b->m, 0, 1), 0);
	/* Its part of the page tables serves the next space. */
	doing(b, ev_space(1), 1);
	doing(b, ev_map(1, 1, 1, 0), 0);
	doing(b, ev_write(1, 1, 3), 1);
	ck_assert_uint_eq(machine_find(b->m, 1, 1), pte);
	ck_assert_uint_eq(b->m->pte[pte].word, 0);
	box_free(b);
}
END_TEST

START_TEST(a_fork_shares_all_anonymous_pages)
{
	struct box *b = box_new(NULL);

	doing(b, ev_space(0), 1);
	doing(b, ev_map(0, 0, 2, EVF_MERGEABLE), 1);
	doing(b, ev_map(0, 2, 1, EVF_FILE), 0);
	doing(b, ev_map(0, 3, 1, EVF_SHARED), 0);
	for (uint32_t i = 0; i < 4; i++)
		doing(b, ev_write(0, i, i + 1), 1);
	doing(b, ev_fork(1, 0), 3);
	ck_assert_int_eq(b->fx[0].kind, FX_FORK);
	ck_assert_uint_eq(b->fx[0].space, 1);
	ck_assert_uint_eq(b->fx[0].from, 0);
	for (uint32_t i = 0; i < 2; i++) {
		fx_is(&b->fx[i + 1], 1, i, FXF_CONTENT | FXF_SHARED,
		      CONTENT_NONE, i + 1);
		ck_assert_uint_eq(frame_of(b, 0, i), frame_of(b, 1, i));
		ck_assert(pte_mergeable_page(at(b, 1, i)));
	}
	/* Files and shared memory are faulted in anew; their ranges are there. */
	ck_assert(!present(b, 1, 2) && !present(b, 1, 3));
	doing(b, ev_write(1, 2, 9), 1);
	doing(b, ev_write(1, 3, 9), 1);
	ck_assert_uint_eq(b->m->mapped, 8);
	ck_assert_uint_eq(machine_frames(b->m), 6);
	box_free(b);
}
END_TEST

START_TEST(a_write_after_fork_copies_and_the_last_mapper_writes_in_place)
{
	struct box *b = box_new(NULL);
	uint32_t frame;

	one_space(b, 1, 0);
	frame = frame_of(b, 0, 0);
	doing(b, ev_fork(1, 0), 2);
	doing(b, ev_write(1, 0, 7), 1);
	fx_is(&b->fx[0], 1, 0, FXF_CONTENT, 1, 7);
	ck_assert_uint_eq(b->m->cow_copies, 1);
	ck_assert_uint_eq(frame_of(b, 0, 0), frame);
	ck_assert_uint_ne(frame_of(b, 1, 0), frame);
	ck_assert_uint_eq(at(b, 0, 0)->content, 1);
	doing(b, ev_write(0, 0, 8), 1);
	ck_assert_uint_eq(frame_of(b, 0, 0), frame);
	ck_assert_int_eq(pte_owner(at(b, 0, 0)), OWNER_PRIVATE);
	ck_assert_uint_eq(b->m->cow_copies, 1);
	ck_assert_uint_eq(machine_frames(b->m), 2);
	ck_assert_uint_eq(b->m->share.count, 0);
	box_free(b);
}
END_TEST

START_TEST(a_fork_takes_zero_pages_along)
{
	struct box *b = box_new(NULL);
	unsigned freed, split = 0;
	uint32_t word;

	one_space(b, 3, EVF_MERGEABLE);
	doing(b, ev_write(0, 0, 0), 1);
	doing(b, ev_range(EV_FREE, 0, 1, 1), 1);
	doing(b, ev_range(EV_READ, 0, 1, 1), 1);
	ck_assert_int_eq(machine_merge_zero(b->m, machine_find(b->m, 0, 0),
					    &freed, &word, &split),
			 0);
	ck_assert_uint_eq(freed, 1);
	ck_assert_uint_eq(b->m->zero_merged, 1);
	doing(b, ev_fork(1, 0), 4);
	/* One that an engine had put there, one of a read fault, one page. */
	fx_is(&b->fx[1], 1, 0, FXF_CONTENT | FXF_ZEROED, CONTENT_NONE, 0);
	fx_is(&b->fx[2], 1, 1, FXF_CONTENT, CONTENT_NONE, 0);
	fx_is(&b->fx[3], 1, 2, FXF_CONTENT | FXF_SHARED, CONTENT_NONE, 3);
	ck_assert_uint_eq(b->m->zero_merged, 2);
	ck_assert_uint_eq(b->m->zero_mapped, 4);
	doing(b, ev_write(1, 0, 4), 1);
	fx_is(&b->fx[0], 1, 0, FXF_CONTENT | FXF_BROKE_ZERO, 0, 4);
	doing(b, ev_write(1, 1, 4), 1);
	fx_is(&b->fx[0], 1, 1, FXF_CONTENT, 0, 4);
	ck_assert_uint_eq(b->m->cow_copies, 0);
	doing(b, ev_exit(0), 4);
	fx_is(&b->fx[0], 0, 0, FXF_GONE | FXF_BROKE_ZERO, 0, CONTENT_NONE);
	ck_assert_uint_eq(b->m->zero_merged, 0);
	ck_assert_uint_eq(b->m->zero_mapped, 0);
	box_free(b);
}
END_TEST

/* ---- ranges ---- */

START_TEST(ranges_that_touch_and_are_alike_join)
{
	struct box *b = box_new(NULL);
	const struct space *s;

	doing(b, ev_space(0), 1);
	s = &b->m->space[0];
	doing(b, ev_map(0, 10, 10, EVF_MERGEABLE), 1);
	doing(b, ev_map(0, 30, 10, EVF_MERGEABLE), 1);
	ck_assert_uint_eq(s->nrange, 2);
	ck_assert_uint_eq(s->mergeable, 2);
	doing(b, ev_map(0, 20, 10, EVF_MERGEABLE), 1);
	ck_assert_uint_eq(s->nrange, 1);
	ck_assert_uint_eq(s->range[0].lo, 10);
	ck_assert_uint_eq(s->range[0].hi, 40);
	doing(b, ev_map(0, 40, 10, 0), 0);
	ck_assert_uint_eq(s->nrange, 2);
	ck_assert_uint_eq(s->mergeable, 1);
	doing(b, ev_map(0, 0, 10, EVF_MERGEABLE | EVF_FILE), 1);
	ck_assert_uint_eq(s->nrange, 3);
	box_free(b);
}
END_TEST

START_TEST(unmapping_splits_ranges_and_passes_over_holes)
{
	struct box *b = box_new(NULL);
	const struct space *s;

	one_space(b, 40, EVF_MERGEABLE);
	s = &b->m->space[0];
	doing(b, ev_range(EV_UNMAP, 0, 10, 5), 5);
	fx_is(&b->fx[0], 0, 10, FXF_GONE, 11, CONTENT_NONE);
	fx_is(&b->fx[4], 0, 14, FXF_GONE, 15, CONTENT_NONE);
	ck_assert_uint_eq(s->nrange, 2);
	ck_assert_uint_eq(s->range[0].hi, 10);
	ck_assert_uint_eq(s->range[1].lo, 15);
	doing(b, ev_range(EV_UNMAP, 0, 20, 5), 5);
	ck_assert_uint_eq(s->nrange, 3);
	/* Two holes, a whole range and parts of two others. */
	doing(b, ev_range(EV_UNMAP, 0, 8, 20), 10);
	ck_assert_uint_eq(s->nrange, 2);
	ck_assert_uint_eq(s->range[0].hi, 8);
	ck_assert_uint_eq(s->range[1].lo, 28);
	doing(b, ev_range(EV_UNMAP, 0, 8, 20), 0);
	ck_assert_uint_eq(s->nrange, 2);
	ck_assert_uint_eq(machine_frames(b->m), 20);
	box_free(b);
}
END_TEST

START_TEST(advice_splits_and_joins_and_reaches_the_pages)
{
	struct box *b = box_new(NULL);
	const struct space *s;

	one_space(b, 40, 0);
	s = &b->m->space[0];
	doing(b, ev_advise(0, 10, 10, true), 11);
	fx_is(&b->fx[0], 0, 10, FXF_ADVICE, 11, 11);
	fx_is(&b->fx[9], 0, 19, FXF_ADVICE, 20, 20);
	ck_assert_int_eq(b->fx[10].kind, FX_MERGEABLE);
	ck_assert_uint_eq(s->nrange, 3);
	ck_assert_uint_eq(s->mergeable, 1);
	ck_assert(pte_mergeable_page(at(b, 0, 10)));
	ck_assert(!pte_mergeable_page(at(b, 0, 20)));
	doing(b, ev_advise(0, 30, 10, true), 11);
	ck_assert_uint_eq(s->nrange, 4);
	ck_assert_uint_eq(s->mergeable, 2);
	/* Pages that knew already have no effect; borders vanish. */
	doing(b, ev_advise(0, 5, 30, true), 16);
	ck_assert_uint_eq(s->nrange, 2);
	ck_assert_uint_eq(s->range[1].lo, 5);
	doing(b, ev_advise(0, 5, 35, true), 0);
	ck_assert_uint_eq(s->nrange, 2);
	doing(b, ev_advise(0, 0, 40, false), 35);
	ck_assert_uint_eq(s->nrange, 1);
	ck_assert_uint_eq(s->mergeable, 0);
	/* Holes are passed over. */
	doing(b, ev_range(EV_UNMAP, 0, 10, 10), 10);
	doing(b, ev_advise(0, 5, 20, true), 11);
	ck_assert_uint_eq(s->nrange, 4);
	box_free(b);
}
END_TEST

START_TEST(advice_on_a_shared_mapping_has_no_effect)
{
	struct box *b = box_new(NULL);

	doing(b, ev_space(0), 1);
	doing(b, ev_map(0, 0, 4, EVF_SHARED | EVF_MERGEABLE), 0);
	doing(b, ev_write(0, 0, 1), 1);
	ck_assert_uint_eq(b->m->space[0].mergeable, 0);
	doing(b, ev_advise(0, 0, 4, true), 0);
	ck_assert_uint_eq(b->m->space[0].mergeable, 0);
	ck_assert(!(at(b, 0, 0)->flags & (PTE_MERGEABLE | PTE_ANON)));
	box_free(b);
}
END_TEST

START_TEST(advice_withdrawn_copies_merged_pages)
{
	struct box *b = box_new(NULL);
	unsigned freed, split = 0;
	uint32_t word;

	one_space(b, 4, EVF_MERGEABLE);
	doing(b, ev_write(0, 1, 1), 1);
	doing(b, ev_write(0, 2, 0), 1);
	merge_two(b, 0, 0, 1, 55);
	ck_assert_int_eq(machine_merge_zero(b->m, machine_find(b->m, 0, 2),
					    &freed, &word, &split),
			 0);
	ck_assert_uint_eq(machine_frames(b->m), 2);
	doing(b, ev_advise(0, 0, 4, false), 4);
	fx_is(&b->fx[0], 0, 0, FXF_ADVICE | FXF_BROKE, 1, 1);
	ck_assert_uint_eq(b->fx[0].freed, 0);
	fx_is(&b->fx[1], 0, 1, FXF_ADVICE | FXF_BROKE | FXF_FREED, 1, 1);
	ck_assert_uint_eq(b->fx[1].freed, 55);
	fx_is(&b->fx[2], 0, 2, FXF_ADVICE | FXF_BROKE_ZERO, 0, 0);
	fx_is(&b->fx[3], 0, 3, FXF_ADVICE, 4, 4);
	ck_assert_uint_eq(machine_frames(b->m), 4);
	ck_assert_uint_eq(b->m->merged_frames, 0);
	/* The page of zeros was filled, not copied. */
	ck_assert_uint_eq(b->m->cow_copies, 2);
	box_free(b);
}
END_TEST

/* ---- pages ---- */

START_TEST(reads_map_the_zero_page_where_nothing_was)
{
	struct box *b = box_new(NULL);

	doing(b, ev_space(0), 1);
	doing(b, ev_map(0, 0, 10, EVF_MERGEABLE), 1);
	doing(b, ev_map(0, 10, 10, EVF_FILE), 0);
	doing(b, ev_map(0, 20, 1000, 0), 0);
	doing(b, ev_write(0, 3, 7), 1);
	/* 3 is there, files bring their own contents. */
	doing(b, ev_range(EV_READ, 0, 2, 21), 10);
	fx_is(&b->fx[0], 0, 2, FXF_CONTENT, CONTENT_NONE, 0);
	fx_is(&b->fx[1], 0, 4, FXF_CONTENT, CONTENT_NONE, 0);
	fx_is(&b->fx[9], 0, 22, FXF_CONTENT, CONTENT_NONE, 0);
	ck_assert_int_eq(pte_owner(at(b, 0, 2)), OWNER_ZERO);
	ck_assert(!pte_mergeable_page(at(b, 0, 2)));
	ck_assert_uint_eq(b->m->zero_mapped, 10);
	ck_assert_uint_eq(b->m->zero_merged, 0);
	ck_assert_uint_eq(machine_frames(b->m), 1);
	doing(b, ev_range(EV_READ, 0, 2, 21), 0);
	doing(b, ev_write(0, 2, 0), 1);
	ck_assert_uint_eq(b->m->zero_mapped, 9);
	ck_assert_uint_eq(machine_frames(b->m), 2);
	doing(b, ev_range(EV_FREE, 0, 0, 30), 11);
	ck_assert_uint_eq(b->m->zero_mapped, 0);
	ck_assert_uint_eq(machine_frames(b->m), 0);
	/* Freed is not unmapped. */
	doing(b, ev_write(0, 2, 1), 1);
	box_free(b);
}
END_TEST

START_TEST(coloured_zero_pages_follow_the_address)
{
	struct machine_config cfg = {.zero_pages = 8};
	struct box *b = box_new(&cfg);
	unsigned freed, split = 0;
	uint32_t word;

	doing(b, ev_space(0), 1);
	doing(b, ev_map(0, 100, 64, EVF_MERGEABLE), 1);
	doing(b, ev_range(EV_READ, 0, 100, 32), 32);
	for (uint64_t v = 132; v < 164; v++) {
		doing(b, ev_write(0, v, 0), 1);
		ck_assert_int_eq(machine_merge_zero(b->m,
						    machine_find(b->m, 0, v),
						    &freed, &word, &split),
				 0);
	}
	doing(b, ev_fork(1, 0), 65);
	for (uint64_t v = 100; v < 164; v++)
		for (uint32_t s = 0; s < 2; s++) {
			ck_assert_int_eq(pte_owner(at(b, s, v)), OWNER_ZERO);
			ck_assert_uint_eq(at(b, s, v)->ref, v % 8);
		}
	ck_assert_uint_eq(b->m->zero_mapped, 128);
	ck_assert_uint_eq(b->m->zero_merged, 64);
	box_free(b);
}
END_TEST

START_TEST(the_lowest_free_frame_is_taken_first)
{
	struct box *b = box_new(NULL);

	one_space(b, 20, 0);
	for (uint32_t i = 0; i < 20; i++)
		ck_assert_uint_eq(frame_of(b, 0, i), i);
	doing(b, ev_range(EV_FREE, 0, 15, 1), 1);
	doing(b, ev_range(EV_FREE, 0, 4, 2), 2);
	doing(b, ev_write(0, 15, 1), 1);
	doing(b, ev_write(0, 5, 1), 1);
	doing(b, ev_write(0, 4, 1), 1);
	ck_assert_uint_eq(frame_of(b, 0, 15), 4);
	ck_assert_uint_eq(frame_of(b, 0, 5), 5);
	ck_assert_uint_eq(frame_of(b, 0, 4), 15);
	box_free(b);
}
END_TEST

/* ---- huge pages ---- */

START_TEST(a_huge_page_comes_whole_aligned_and_full_of_zeros)
{
	struct box *b = box_new(NULL);

	doing(b, ev_space(0), 1);
	doing(b, ev_map(0, 0, 1, 0), 0);
	doing(b, ev_write(0, 0, 1), 1);
	doing(b, ev_map(0, 500, 1100, EVF_HUGE), 0);
	/* [500, 512) and [1536, 1600) are no whole huge pages. */
	doing(b, ev_write(0, 505, 2), 1);
	doing(b, ev_write(0, 1599, 3), 1);
	doing(b, ev_write(0, 700, 9), 513);
	for (uint32_t i = 0; i < 512; i++)
		fx_is(&b->fx[i], 0, 512 + i, FXF_CONTENT, CONTENT_NONE, 0);
	fx_is(&b->fx[512], 0, 700, FXF_CONTENT, 0, 9);
	ck_assert_uint_eq(frame_of(b, 0, 512) % HUGE_PAGES, 0);
	for (uint32_t i = 0; i < 512; i++) {
		ck_assert_uint_eq(frame_of(b, 0, 512 + i),
				  frame_of(b, 0, 512) + i);
		ck_assert(at(b, 0, 512 + i)->flags & PTE_HUGE);
	}
	ck_assert(!(at(b, 0, 505)->flags & PTE_HUGE));
	ck_assert_uint_eq(machine_frames(b->m), 515);
	/* Where a page is already, or the zero page, small ones follow. */
	doing(b, ev_range(EV_READ, 0, 1024, 1), 1);
	doing(b, ev_write(0, 1030, 4), 1);
	ck_assert(!(at(b, 0, 1030)->flags & PTE_HUGE));
	box_free(b);
}
END_TEST

START_TEST(taking_a_part_away_splits_a_huge_page)
{
	struct box *b = box_new(NULL);

	doing(b, ev_space(0), 1);
	doing(b, ev_map(0, 0, 1024, EVF_HUGE), 0);
	doing(b, ev_write(0, 0, 1), 513);
	doing(b, ev_write(0, 600, 1), 513);
	/* All of it at once needs no split. */
	doing(b, ev_range(EV_FREE, 0, 0, 512), 512);
	ck_assert_uint_eq(b->m->huge_splits, 0);
	ck_assert_uint_eq(machine_frames(b->m), 512);
	doing(b, ev_range(EV_UNMAP, 0, 1000, 24), 24);
	ck_assert_uint_eq(b->m->huge_splits, 1);
	ck_assert(!(at(b, 0, 512)->flags & PTE_HUGE));
	ck_assert_uint_eq(machine_frames(b->m), 488);
	/* Its head alone as well. */
	doing(b, ev_write(0, 0, 1), 513);
	doing(b, ev_range(EV_FREE, 0, 0, 10), 10);
	ck_assert_uint_eq(b->m->huge_splits, 2);
	ck_assert(!(at(b, 0, 511)->flags & PTE_HUGE));
	/* Nothing is left to split; an exit does not split either. */
	doing(b, ev_range(EV_FREE, 0, 0, 512), 502);
	doing(b, ev_write(0, 0, 1), 513);
	doing(b, ev_exit(0), 512 + 488 + 1);
	ck_assert_uint_eq(b->m->huge_splits, 2);
	ck_assert_uint_eq(machine_frames(b->m), 0);
	box_free(b);
}
END_TEST

START_TEST(copy_on_write_splits_the_writers_huge_page)
{
	struct box *b = box_new(NULL);

	doing(b, ev_space(0), 1);
	doing(b, ev_map(0, 0, 512, EVF_HUGE), 0);
	doing(b, ev_write(0, 0, 1), 513);
	doing(b, ev_fork(1, 0), 513);
	doing(b, ev_write(1, 7, 5), 1);
	ck_assert_uint_eq(b->m->huge_splits, 1);
	ck_assert(!(at(b, 1, 0)->flags & PTE_HUGE));
	ck_assert(at(b, 0, 0)->flags & PTE_HUGE);
	ck_assert_uint_eq(machine_frames(b->m), 513);
	/* The other one is alone with this frame and stays huge. */
	doing(b, ev_write(0, 7, 6), 1);
	ck_assert_uint_eq(b->m->huge_splits, 1);
	ck_assert(at(b, 0, 7)->flags & PTE_HUGE);
	ck_assert_uint_eq(machine_frames(b->m), 513);
	box_free(b);
}
END_TEST

START_TEST(merging_splits_a_huge_page_once)
{
	struct box *b = box_new(NULL);
	unsigned split = 0;
	uint32_t share;

	doing(b, ev_space(0), 1);
	doing(b, ev_map(0, 0, 512, EVF_HUGE | EVF_MERGEABLE), 1);
	doing(b, ev_write(0, 0, 1), 513);
	for (uint64_t v = 3; v < 5; v++)
		ck_assert_int_eq(machine_make_merged(b->m,
						     machine_find(b->m, 0, v),
						     &share, &split),
				 0);
	ck_assert_uint_eq(split, 1);
	ck_assert_uint_eq(b->m->huge_splits, 1);
	ck_assert_int_eq(machine_split(b->m, machine_find(b->m, 0, 8), &split),
			 0);
	ck_assert_uint_eq(split, 1);
	box_free(b);
}
END_TEST

/* ---- extra references ---- */

START_TEST(a_pinned_page_refuses_to_merge_until_it_is_released)
{
	struct box *b = box_new(NULL);
	unsigned freed, split = 0;
	uint32_t share, word, p0, p1;

	one_space(b, 2, EVF_MERGEABLE);
	doing(b, ev_write(0, 1, 1), 1);
	p0 = machine_find(b->m, 0, 0);
	p1 = machine_find(b->m, 0, 1);
	doing(b, ev_range(EV_PIN, 0, 0, 1), 0);
	doing(b, ev_range(EV_PIN, 0, 0, 1), 0);
	ck_assert_int_eq(machine_make_merged(b->m, p0, &share, &split), -EBUSY);
	ck_assert_int_eq(machine_make_merged(b->m, p1, &share, &split), 0);
	ck_assert_int_eq(machine_merge(b->m, p0, share, &freed, &word, &split),
			 -EBUSY);
	ck_assert_int_eq(machine_merge_zero(b->m, p0, &freed, &word, &split),
			 -EBUSY);
	/* Its only mapper writes where it is. */
	doing(b, ev_write(0, 0, 1), 1);
	ck_assert_uint_eq(frame_of(b, 0, 0), 0);
	/* An unpin takes one of the two. */
	doing(b, ev_range(EV_UNPIN, 0, 0, 2), 0);
	ck_assert_int_eq(machine_merge(b->m, p0, share, &freed, &word, &split),
			 -EBUSY);
	doing(b, ev_range(EV_UNPIN, 0, 0, 2), 0);
	ck_assert_int_eq(machine_merge(b->m, p0, share, &freed, &word, &split),
			 0);
	ck_assert_uint_eq(freed, 1);
	doing(b, ev_range(EV_UNPIN, 0, 0, 2), 0);
	ck_assert_uint_eq(machine_frames(b->m), 1);
	ck_assert_uint_eq(split, 0);
	box_free(b);
}
END_TEST

START_TEST(a_pin_keeps_the_frame_when_the_page_is_gone)
{
	struct box *b = box_new(NULL);

	one_space(b, 4, EVF_MERGEABLE);
	doing(b, ev_write(0, 3, 3), 1);
	doing(b, ev_range(EV_PIN, 0, 0, 2), 0);
	doing(b, ev_range(EV_UNMAP, 0, 0, 1), 1);
	fx_is(&b->fx[0], 0, 0, FXF_GONE, 1, CONTENT_NONE);
	ck_assert_uint_eq(machine_frames(b->m), 4);
	merge_two(b, 0, 2, 3, 66);
	doing(b, ev_range(EV_PIN, 0, 3, 1), 0);
	doing(b, ev_exit(0), 4);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(b->fx[i].freed, 0);
	ck_assert_uint_eq(machine_frames(b->m), 3);
	ck_assert_uint_eq(b->m->merged_frames, 1);
	/* Frames 0, 1 and 2 are not given to others meanwhile. */
	doing(b, ev_space(1), 1);
	doing(b, ev_map(1, 0, 1, 0), 0);
	doing(b, ev_write(1, 0, 1), 1);
	ck_assert_uint_eq(frame_of(b, 1, 0), 3);
	/* Only a merged frame is told when it goes. */
	doing(b, ev_range(EV_UNPIN, 0, 0, 2), 0);
	ck_assert_uint_eq(machine_frames(b->m), 2);
	doing(b, ev_range(EV_UNPIN, 0, 0, 10), 1);
	ck_assert_uint_eq(b->fx[0].freed, 66);
	ck_assert_uint_eq(b->fx[0].flags, FXF_FREED);
	ck_assert_uint_eq(b->fx[0].pte, 0);
	ck_assert_uint_eq(machine_frames(b->m), 1);
	ck_assert_uint_eq(b->m->merged_frames, 0);
	ck_assert_uint_eq(b->m->npin, 0);
	box_free(b);
}
END_TEST

START_TEST(a_pinned_huge_page_refuses_a_split)
{
	struct box *b = box_new(NULL);
	unsigned freed, split = 0;
	uint32_t share, word;

	doing(b, ev_space(0), 1);
	doing(b, ev_map(0, 0, 513, EVF_HUGE | EVF_MERGEABLE), 1);
	doing(b, ev_write(0, 0, 1), 513);
	doing(b, ev_write(0, 512, 1), 1);
	doing(b, ev_range(EV_PIN, 0, 100, 1), 0);
	/* Also through a page of it that is not pinned itself. */
	ck_assert_int_eq(machine_make_merged(b->m, machine_find(b->m, 0, 512),
					     &share, &split),
			 0);
	ck_assert_int_eq(machine_merge(b->m, machine_find(b->m, 0, 0), share,
				       &freed, &word, &split),
			 -EBUSY);
	ck_assert_int_eq(machine_split(b->m, machine_find(b->m, 0, 0), &split),
			 -EBUSY);
	ck_assert_uint_eq(split, 0);
	ck_assert(at(b, 0, 0)->flags & PTE_HUGE);
	doing(b, ev_range(EV_UNPIN, 0, 100, 1), 0);
	ck_assert_int_eq(machine_merge(b->m, machine_find(b->m, 0, 0), share,
				       &freed, &word, &split),
			 0);
	ck_assert_uint_eq(split, 1);
	ck_assert_uint_eq(freed, 1);
	box_free(b);
}
END_TEST

START_TEST(pins_leave_zero_pages_alone)
{
	struct box *b = box_new(NULL);

	doing(b, ev_space(0), 1);
	doing(b, ev_map(0, 0, 4, EVF_MERGEABLE), 1);
	doing(b, ev_range(EV_READ, 0, 0, 2), 2);
	doing(b, ev_write(0, 2, 1), 1);
	doing(b, ev_range(EV_PIN, 0, 0, 4), 0);
	ck_assert_uint_eq(b->m->npin, 1);
	box_free(b);
}
END_TEST

/* ---- downward calls ---- */

START_TEST(a_merged_frame_is_copied_even_for_its_last_mapper)
{
	struct box *b = box_new(NULL);
	uint32_t share;

	one_space(b, 3, EVF_MERGEABLE);
	doing(b, ev_write(0, 1, 1), 1);
	share = merge_two(b, 0, 0, 1, 44);
	ck_assert_uint_eq(b->m->merged_frames, 1);
	ck_assert_uint_eq(b->m->merged_pages, 2);
	ck_assert_uint_eq(machine_share(b->m, share)->maps, 2);
	ck_assert(machine_same_frame(at(b, 0, 0), at(b, 0, 1)));
	doing(b, ev_write(0, 0, 1), 1);
	fx_is(&b->fx[0], 0, 0, FXF_CONTENT | FXF_BROKE, 1, 1);
	ck_assert_uint_eq(b->m->merged_pages, 1);
	doing(b, ev_write(0, 1, 9), 1);
	fx_is(&b->fx[0], 0, 1, FXF_CONTENT | FXF_BROKE | FXF_FREED, 1, 9);
	ck_assert_uint_eq(b->fx[0].freed, 44);
	ck_assert_uint_eq(b->m->merged_frames, 0);
	ck_assert_uint_eq(b->m->cow_copies, 2);
	box_free(b);
}
END_TEST

START_TEST(leaving_a_merged_frame_for_another_tells_its_word)
{
	struct box *b = box_new(NULL);
	unsigned freed, split = 0;
	uint32_t one, word, share;

	one_space(b, 2, EVF_MERGEABLE);
	doing(b, ev_write(0, 1, 1), 1);
	ck_assert_int_eq(machine_make_merged(b->m, machine_find(b->m, 0, 0),
					     &one, &split),
			 0);
	machine_share(b->m, one)->word = 12;
	ck_assert_int_eq(machine_make_merged(b->m, machine_find(b->m, 0, 1),
					     &share, &split),
			 0);
	/* Merged once more, and into itself: nothing to do. */
	ck_assert_int_eq(machine_make_merged(b->m, machine_find(b->m, 0, 1),
					     &share, &split),
			 0);
	ck_assert_int_eq(machine_merge(b->m, machine_find(b->m, 0, 1), share,
				       &freed, &word, &split),
			 0);
	ck_assert_uint_eq(freed, 0);
	ck_assert_uint_eq(b->m->merged_frames, 2);
	ck_assert_int_eq(machine_merge(b->m, machine_find(b->m, 0, 0), share,
				       &freed, &word, &split),
			 0);
	ck_assert_uint_eq(freed, 1);
	ck_assert_uint_eq(word, 12);
	ck_assert_uint_eq(b->m->merged_frames, 1);
	ck_assert_uint_eq(b->m->merged_pages, 2);
	box_free(b);
}
END_TEST

START_TEST(a_frame_shared_by_fork_is_merged_for_all_its_mappings)
{
	struct box *b = box_new(NULL);
	unsigned split = 0;
	uint32_t share;
	struct effect fx;

	one_space(b, 1, EVF_MERGEABLE);
	doing(b, ev_fork(1, 0), 2);
	ck_assert_int_eq(machine_make_merged(b->m, machine_find(b->m, 0, 0),
					     &share, &split),
			 0);
	ck_assert_uint_eq(b->m->merged_pages, 2);
	ck_assert_int_eq(machine_unmerge(b->m, machine_find(b->m, 0, 0), &fx),
			 0);
	fx_is(&fx, 0, 0, FXF_BROKE, 1, 1);
	ck_assert_uint_eq(b->m->merged_pages, 1);
	ck_assert_int_eq(machine_check(b->m, stderr), 0);
	ck_assert_int_eq(machine_unmerge(b->m, machine_find(b->m, 1, 0), &fx),
			 0);
	fx_is(&fx, 1, 0, FXF_BROKE | FXF_FREED, 1, 1);
	box_free(b);
}
END_TEST

/* ---- scans ---- */

START_TEST(a_scan_goes_by_address_and_survives_changes)
{
	struct box *b = box_new(NULL);
	struct space_cursor c = {.space = 0};
	static const uint64_t vpn[] = {5, 511, 512, 5000, VPN_MAX};
	uint64_t walked = 0;

	doing(b, ev_space(0), 1);
	doing(b, ev_map(0, 0, VPN_MAX + 1, EVF_MERGEABLE), 1);
	for (size_t i = 5; i-- > 0;)
		doing(b, ev_write(0, vpn[i], 1), 1);
	doing(b, ev_range(EV_READ, 0, 6, 1), 1);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_uint_eq(machine_scan(b->m, &c, &walked),
				  machine_find(b->m, 0, vpn[i]));
		/* New tables before and behind the cursor, pages as well. */
		doing(b, ev_write(0, 1000000 + 1000 * i, 1), 1);
		doing(b, ev_write(0, 4, 1), 1);
		doing(b, ev_range(EV_FREE, 0, 4, 1), 1);
		doing(b, ev_range(EV_FREE, 0, 1000000 + 1000 * i, 1), 1);
	}
	ck_assert_uint_eq(machine_scan(b->m, &c, &walked), 0);
	ck_assert_uint_eq(machine_scan(b->m, &c, &walked), 0);
	ck_assert_uint_eq(c.vpn, VPN_MAX + 1);
	box_free(b);
}
END_TEST

START_TEST(a_scan_that_has_ended_stays_at_the_end)
{
	struct box *b = box_new(NULL);
	struct space_cursor c = {.space = 0};
	uint64_t walked = 0;

	doing(b, ev_space(0), 1);
	doing(b, ev_map(0, 0, 10000, EVF_MERGEABLE), 1);
	doing(b, ev_write(0, 5, 1), 1);
	ck_assert_uint_ne(machine_scan(b->m, &c, &walked), 0);
	ck_assert_uint_eq(walked, 6);
	ck_assert_uint_eq(machine_scan(b->m, &c, &walked), 0);
	ck_assert_uint_eq(walked, CHUNK_PAGES);
	doing(b, ev_write(0, 6, 1), 1);
	doing(b, ev_write(0, 9000, 1), 1);
	ck_assert_uint_eq(machine_scan(b->m, &c, &walked), 0);
	ck_assert_uint_eq(walked, CHUNK_PAGES);
	box_free(b);
}
END_TEST

/* ---- refusals ---- */

/* A machine with everything in it, for events that must not change it. */
static struct box *furnished(void)
{
	struct box *b = box_new(NULL);

	one_space(b, 10, EVF_MERGEABLE);
	doing(b, ev_map(0, 20, 10, 0), 0);
	doing(b, ev_fork(1, 0), 11);
	doing(b, ev_exit(1), 11);
	return b;
}

/* With more in it than any test below can make it. */
struct state {
	struct machine m;
	struct range range[4];
	struct frame_map frames;
};

static struct state state_of(const struct box *b)
{
	struct state s = {.m = *b->m, .frames = *b->m->frames};

	memcpy(s.range, b->m->space[0].range,
	       b->m->space[0].nrange * sizeof(struct range));
	return s;
}

static void same_state(const struct box *b, const struct state *s)
{
	ck_assert_mem_eq(s->range, b->m->space[0].range,
			 b->m->space[0].nrange * sizeof(struct range));
	ck_assert_uint_eq(s->m.nspace, b->m->nspace);
	ck_assert_uint_eq(s->m.mapped, b->m->mapped);
	ck_assert_uint_eq(s->m.nchunk, b->m->nchunk);
	ck_assert_uint_eq(s->m.npin, b->m->npin);
	ck_assert_uint_eq(s->m.share.count, b->m->share.count);
	ck_assert_uint_eq(s->frames.used, b->m->frames->used);
	ck_assert_int_eq(machine_check(b->m, stderr), 0);
}

static const struct {
	struct event ev;
	const char *says;
} refused[] = {
	{{.op = EVENT_OP_COUNT}, "no such event: 19"},
	{{.op = EV_SPACE, .space = 1}, "space 1 is out of turn: 2 is next"},
	{{.op = EV_SPACE, .space = 3}, "space 3 is out of turn: 2 is next"},
	{{.op = EV_FORK, .space = 1}, "space 1 is out of turn: 2 is next"},
	{{.op = EV_FORK, .space = 2, .count = 1}, "space 1 has exited"},
	{{.op = EV_FORK, .space = 2, .count = 2}, "space 2 was not created"},
	{{.op = EV_FORK, .space = 2, .count = UINT64_MAX},
	 "no such space to fork"},
	{{.op = EV_EXIT, .space = 1}, "space 1 has exited"},
	{{.op = EV_EXIT, .space = 7}, "space 7 was not created"},
	{{.op = EV_MAP, .space = 1, .count = 1}, "space 1 has exited"},
	{{.op = EV_MAP, .vpn = 40}, "pages 40+0 are not a range of addresses"},
	{{.op = EV_MAP, .vpn = VPN_MAX, .count = 2},
	 "pages 4503599627370495+2 are not a range of addresses"},
	{{.op = EV_MAP, .vpn = UINT64_MAX, .count = UINT64_MAX},
	 "pages 18446744073709551615+18446744073709551615 are not a range of "
	 "addresses"},
	{{.op = EV_MAP, .vpn = 5, .count = 1}, "vpn 5 is mapped already"},
	{{.op = EV_MAP, .vpn = 15, .count = 10}, "vpn 20 is mapped already"},
	{{.op = EV_MAP, .vpn = 9, .count = 20, .flags = EVF_MERGEABLE},
	 "vpn 9 is mapped already"},
	{{.op = EV_UNMAP, .space = 9, .count = 1}, "space 9 was not created"},
	{{.op = EV_UNMAP}, "pages 0+0 are not a range of addresses"},
	{{.op = EV_FREE, .space = 1, .count = 1}, "space 1 has exited"},
	{{.op = EV_FREE, .vpn = VPN_MAX + 1, .count = 1},
	 "pages 4503599627370496+1 are not a range of addresses"},
	{{.op = EV_ADVISE, .space = 1, .count = 1}, "space 1 has exited"},
	{{.op = EV_ADVISE}, "pages 0+0 are not a range of addresses"},
	{{.op = EV_WRITE, .space = 1}, "space 1 has exited"},
	{{.op = EV_WRITE, .vpn = 10}, "vpn 10 is not mapped"},
	{{.op = EV_WRITE, .vpn = 1000}, "vpn 1000 is not mapped"},
	{{.op = EV_WRITE, .vpn = VPN_MAX + 1},
	 "vpn 4503599627370496 is no address"},
	{{.op = EV_READ, .space = 1, .count = 1}, "space 1 has exited"},
	{{.op = EV_READ}, "pages 0+0 are not a range of addresses"},
	{{.op = EV_READ, .vpn = 5, .count = 6}, "vpn 10 is not mapped"},
	{{.op = EV_READ, .vpn = 12, .count = 10}, "vpn 12 is not mapped"},
	{{.op = EV_PIN, .space = 1, .count = 1}, "space 1 has exited"},
	{{.op = EV_PIN, .vpn = 25, .count = 6}, "vpn 30 is not mapped"},
	{{.op = EV_UNPIN}, "pages 0+0 are not a range of addresses"},
};

START_TEST(a_refused_event_says_why_and_changes_nothing)
{
	struct box *b = furnished();
	struct state s = state_of(b);

	ck_assert_int_eq(happen(b, refused[_i].ev), -EINVAL);
	ck_assert_str_eq(b->err.text, refused[_i].says);
	ck_assert_uint_eq(b->n, 0);
	same_state(b, &s);
	/* Nothing of it comes up with the next event. */
	doing(b, (struct event){.op = EV_MARK}, 0);
	doing(b, ev_write(0, 20, 1), 1);
	fx_is(&b->fx[0], 0, 20, FXF_CONTENT, CONTENT_NONE, 1);
	box_free(b);
}
END_TEST

START_TEST(marks_and_store_operations_are_nothing_to_the_machine)
{
	struct box *b = furnished();
	struct state s = state_of(b);

	for (unsigned op = EV_MARK; op < EVENT_OP_COUNT; op++)
		doing(b, ev_range(op, 99, 99, 99), 0);
	same_state(b, &s);
	box_free(b);
}
END_TEST

START_TEST(more_pages_than_the_limit_are_refused)
{
	struct machine_config cfg = {.max_pages = 1024};
	struct box *b = box_new(&cfg);

	doing(b, ev_space(0), 1);
	doing(b, ev_map(0, 0, VPN_MAX + 1, 0), 0);
	doing(b, ev_write(0, 0, 1), 1);
	doing(b, ev_write(0, 1000000, 1), 1);
	doing(b, ev_write(0, 1000001, 1), 1);
	ck_assert(machine_full(b->m));
	ck_assert_int_eq(happen(b, ev_write(0, 5000, 1)), -ENOMEM);
	ck_assert(machine_full(b->m));
	ck_assert_int_eq(happen(b, ev_range(EV_READ, 0, 5000, 1)), -ENOMEM);
	ck_assert(machine_full(b->m));
	ck_assert_int_eq(happen(b, ev_fork(1, 0)), -ENOMEM);
	ck_assert(machine_full(b->m));
	ck_assert_int_eq(machine_check(b->m, stderr), 0);
	ck_assert_uint_eq(machine_frames(b->m), 3);
	/* An exit makes room again. */
	doing(b, ev_exit(1), 1);
	doing(b, ev_exit(0), 4);
	ck_assert(!machine_full(b->m));
	doing(b, ev_space(2), 1);
	doing(b, ev_map(2, 5000, 1, 0), 0);
	doing(b, ev_write(2, 5000, 1), 1);
	box_free(b);
}
END_TEST

/* ---- memory ---- */

/* Something of everything; consistent at each step, whatever failed. */
static int live(void *ctx)
{
	struct machine_config cfg = {0};
	struct machine *m = NULL;
	struct err err = {.text = ""};
	struct prng r = prng_fork(*(uint64_t *)ctx, "live");
	int ret = machine_new(&m, &cfg), broken = 0;

	for (unsigned i = 0; !ret && i < 300; i++) {
		struct event ev = chaos_event(&r, m, 5);

		ret = machine_apply(m, &ev, &err);
		if (ret == -EINVAL)
			ret = 0;
	}
	if (m) {
		fail_mem_off();
		broken = machine_check(m, stderr);
		ck_assert_int_eq(broken, 0);
	}
	machine_free(m);
	return ret;
}

START_TEST(without_memory_the_machine_stays_consistent)
{
	uint64_t seed = test_seed(1) + (uint64_t)_i;

	ck_assert_uint_gt(fail_mem_walk(live, &seed), 5);
}
END_TEST

START_TEST(a_miscounted_machine_is_told)
{
	struct box *b = furnished();
	char text[200] = "";
	FILE *why = fmemopen(text, sizeof(text), "w");

	ck_assert_ptr_nonnull(why);
	b->m->mapped++;
	ck_assert_int_eq(machine_check(b->m, why), -EINVAL);
	b->m->mapped--;
	at(b, 0, 3)->flags ^= PTE_MERGEABLE;
	ck_assert_int_eq(machine_check(b->m, why), -EINVAL);
	at(b, 0, 3)->flags ^= PTE_MERGEABLE;
	b->m->frames->used++;
	ck_assert_int_eq(machine_check(b->m, NULL), -EINVAL);
	b->m->frames->used--;
	fclose(why);
	ck_assert_str_eq(text, "machine: counters and page tables disagree\n"
			       "machine: pte 515 unlike its range\n");
	box_free(b);
}
END_TEST

static Suite *machine_suite(void)
{
	Suite *s = suite_create("machine");
	TCase *t = tcase_create("events");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, a_space_is_born_and_dies);
	tcase_add_test(t, words_outlive_the_space_when_they_are_kept);
	tcase_add_test(t, a_fork_shares_all_anonymous_pages);
	tcase_add_test(
		t,
		a_write_after_fork_copies_and_the_last_mapper_writes_in_place);
	tcase_add_test(t, a_fork_takes_zero_pages_along);
	tcase_add_test(t, ranges_that_touch_and_are_alike_join);
	tcase_add_test(t, unmapping_splits_ranges_and_passes_over_holes);
	tcase_add_test(t, advice_splits_and_joins_and_reaches_the_pages);
	tcase_add_test(t, advice_on_a_shared_mapping_has_no_effect);
	tcase_add_test(t, advice_withdrawn_copies_merged_pages);
	tcase_add_test(t, reads_map_the_zero_page_where_nothing_was);
	tcase_add_test(t, coloured_zero_pages_follow_the_address);
	tcase_add_test(t, the_lowest_free_frame_is_taken_first);
	tcase_add_test(t, a_huge_page_comes_whole_aligned_and_full_of_zeros);
	tcase_add_test(t, taking_a_part_away_splits_a_huge_page);
	tcase_add_test(t, copy_on_write_splits_the_writers_huge_page);
	tcase_add_test(t, merging_splits_a_huge_page_once);
	tcase_add_test(t, a_pinned_page_refuses_to_merge_until_it_is_released);
	tcase_add_test(t, a_pin_keeps_the_frame_when_the_page_is_gone);
	tcase_add_test(t, a_pinned_huge_page_refuses_a_split);
	tcase_add_test(t, pins_leave_zero_pages_alone);
	tcase_add_test(t, a_merged_frame_is_copied_even_for_its_last_mapper);
	tcase_add_test(t, leaving_a_merged_frame_for_another_tells_its_word);
	tcase_add_test(t,
		       a_frame_shared_by_fork_is_merged_for_all_its_mappings);
	tcase_add_test(t, a_scan_goes_by_address_and_survives_changes);
	tcase_add_test(t, a_scan_that_has_ended_stays_at_the_end);
	tcase_add_loop_test(t, a_refused_event_says_why_and_changes_nothing, 0,
			    sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(t,
		       marks_and_store_operations_are_nothing_to_the_machine);
	tcase_add_test(t, more_pages_than_the_limit_are_refused);
	tcase_add_loop_test(t, without_memory_the_machine_stays_consistent, 0,
			    3);
	tcase_add_test(t, a_miscounted_machine_is_told);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(machine_suite());
}
