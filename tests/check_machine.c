/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/bare.h"
#include "tests/support/main.h"

/* ---- spaces ---- */

START_TEST(a_space_is_born_and_dies)
{
	struct bare *b = bare_new(NULL);

	bare_do(b, ev_space(0), 1);
	ck_assert_int_eq(b->fx[0].kind, FX_SPACE);
	bare_do(b, ev_map(0, 10, 3, 0), 0);
	bare_do(b, ev_write(0, 10, 5), 1);
	bare_do(b, ev_write(0, 12, 6), 1);
	bare_do(b, ev_exit(0), 3);
	bare_saw(&b->fx[0], 0, 10, FXF_GONE, 5, CONTENT_NONE);
	bare_saw(&b->fx[1], 0, 12, FXF_GONE, 6, CONTENT_NONE);
	ck_assert_int_eq(b->fx[2].kind, FX_EXIT);
	ck_assert_uint_eq(b->fx[2].space, 0);
	ck_assert_uint_eq(machine_frames(b->m), 0);
	ck_assert_uint_eq(machine_frames_peak(b->m), 2);
	ck_assert_uint_eq(machine_find(b->m, 0, 10), 0);
	bare_free(b);
}
END_TEST

START_TEST(words_outlive_the_space_when_they_are_kept)
{
	struct machine_config cfg = {.keep_words = true};
	struct bare *b = bare_new(&cfg);
	struct space_cursor c = {.space = 0};
	struct scan_steps steps = {0};
	uint32_t pte;

	bare_space(b, 3, EVF_MERGEABLE);
	pte = machine_find(b->m, 0, 1);
	machine_set_word(b->m, pte, 77);
	bare_do(b, ev_exit(0), 4);
	ck_assert_uint_eq(machine_find(b->m, 0, 1), pte);
	ck_assert_uint_eq(b->m->pte[pte].word, 77);
	/* A scan still finds the word, at its address. */
	ck_assert_uint_eq(machine_scan(b->m, &c, &steps), pte);
	ck_assert_uint_eq(machine_scan(b->m, &c, &steps), 0);
	machine_set_word(b->m, pte, 0);
	machine_space_release(b->m, 0);
	ck_assert_uint_eq(machine_find(b->m, 0, 1), 0);
	/* Its part of the page tables serves the next space. */
	bare_do(b, ev_space(1), 1);
	bare_do(b, ev_map(1, 1, 1, 0), 0);
	bare_do(b, ev_write(1, 1, 3), 1);
	ck_assert_uint_eq(machine_find(b->m, 1, 1), pte);
	ck_assert_uint_eq(b->m->pte[pte].word, 0);
	bare_free(b);
}
END_TEST

START_TEST(a_fork_shares_all_anonymous_pages)
{
	struct bare *b = bare_new(NULL);

	bare_do(b, ev_space(0), 1);
	bare_do(b, ev_map(0, 0, 2, EVF_MERGEABLE), 1);
	bare_do(b, ev_map(0, 2, 1, EVF_FILE), 0);
	bare_do(b, ev_map(0, 3, 1, EVF_SHARED), 0);
	for (uint32_t i = 0; i < 4; i++)
		bare_do(b, ev_write(0, i, i + 1), 1);
	bare_do(b, ev_fork(1, 0), 3);
	ck_assert_int_eq(b->fx[0].kind, FX_FORK);
	ck_assert_uint_eq(b->fx[0].space, 1);
	ck_assert_uint_eq(b->fx[0].from, 0);
	for (uint32_t i = 0; i < 2; i++) {
		bare_saw(&b->fx[i + 1], 1, i, FXF_CONTENT | FXF_SHARED,
			 CONTENT_NONE, i + 1);
		ck_assert_uint_eq(bare_frame(b, 0, i), bare_frame(b, 1, i));
		ck_assert(pte_mergeable_page(bare_pte(b, 1, i)));
	}
	/* Files and shared memory are faulted in anew; their ranges are there. */
	ck_assert(!bare_present(b, 1, 2) && !bare_present(b, 1, 3));
	bare_do(b, ev_write(1, 2, 9), 1);
	bare_do(b, ev_write(1, 3, 9), 1);
	ck_assert_uint_eq(b->m->mapped, 8);
	ck_assert_uint_eq(machine_frames(b->m), 6);
	bare_free(b);
}
END_TEST

START_TEST(a_write_after_fork_copies_and_the_last_mapper_writes_in_place)
{
	struct bare *b = bare_new(NULL);
	uint32_t frame;

	bare_space(b, 1, 0);
	frame = bare_frame(b, 0, 0);
	bare_do(b, ev_fork(1, 0), 2);
	bare_do(b, ev_write(1, 0, 7), 1);
	bare_saw(&b->fx[0], 1, 0, FXF_CONTENT, 1, 7);
	ck_assert_uint_eq(b->m->cow_copies, 1);
	ck_assert_uint_eq(bare_frame(b, 0, 0), frame);
	ck_assert_uint_ne(bare_frame(b, 1, 0), frame);
	ck_assert_uint_eq(bare_pte(b, 0, 0)->content, 1);
	bare_do(b, ev_write(0, 0, 8), 1);
	ck_assert_uint_eq(bare_frame(b, 0, 0), frame);
	ck_assert_int_eq(pte_owner(bare_pte(b, 0, 0)), OWNER_PRIVATE);
	ck_assert_uint_eq(b->m->cow_copies, 1);
	ck_assert_uint_eq(machine_frames(b->m), 2);
	ck_assert_uint_eq(b->m->share.count, 0);
	bare_free(b);
}
END_TEST

START_TEST(a_fork_takes_zero_pages_along)
{
	struct bare *b = bare_new(NULL);
	unsigned freed, split = 0;
	uint32_t word;

	bare_space(b, 3, EVF_MERGEABLE);
	bare_do(b, ev_write(0, 0, 0), 1);
	bare_do(b, ev_range(EV_FREE, 0, 1, 1), 1);
	bare_do(b, ev_range(EV_READ, 0, 1, 1), 1);
	ck_assert_int_eq(machine_merge_zero(b->m, machine_find(b->m, 0, 0),
					    &freed, &word, &split),
			 0);
	ck_assert_uint_eq(freed, 1);
	ck_assert_uint_eq(b->m->zero_merged, 1);
	bare_do(b, ev_fork(1, 0), 4);
	/* One that an engine had put there, one of a read fault, one page. */
	bare_saw(&b->fx[1], 1, 0, FXF_CONTENT | FXF_ZEROED, CONTENT_NONE, 0);
	bare_saw(&b->fx[2], 1, 1, FXF_CONTENT, CONTENT_NONE, 0);
	bare_saw(&b->fx[3], 1, 2, FXF_CONTENT | FXF_SHARED, CONTENT_NONE, 3);
	ck_assert_uint_eq(b->m->zero_merged, 2);
	ck_assert_uint_eq(b->m->zero_mapped, 4);
	bare_do(b, ev_write(1, 0, 4), 1);
	bare_saw(&b->fx[0], 1, 0, FXF_CONTENT | FXF_BROKE_ZERO, 0, 4);
	bare_do(b, ev_write(1, 1, 4), 1);
	bare_saw(&b->fx[0], 1, 1, FXF_CONTENT, 0, 4);
	ck_assert_uint_eq(b->m->cow_copies, 0);
	bare_do(b, ev_exit(0), 4);
	bare_saw(&b->fx[0], 0, 0, FXF_GONE | FXF_BROKE_ZERO, 0, CONTENT_NONE);
	ck_assert_uint_eq(b->m->zero_merged, 0);
	ck_assert_uint_eq(b->m->zero_mapped, 0);
	bare_free(b);
}
END_TEST

/* ---- ranges ---- */

START_TEST(ranges_that_touch_and_are_alike_join)
{
	struct bare *b = bare_new(NULL);
	const struct space *s;

	bare_do(b, ev_space(0), 1);
	s = &b->m->space[0];
	bare_do(b, ev_map(0, 10, 10, EVF_MERGEABLE), 1);
	bare_do(b, ev_map(0, 30, 10, EVF_MERGEABLE), 1);
	ck_assert_uint_eq(s->nrange, 2);
	ck_assert_uint_eq(s->mergeable, 20);
	bare_do(b, ev_map(0, 20, 10, EVF_MERGEABLE), 1);
	ck_assert_uint_eq(s->nrange, 1);
	ck_assert_uint_eq(s->range[0].lo, 10);
	ck_assert_uint_eq(s->range[0].hi, 40);
	bare_do(b, ev_map(0, 40, 10, 0), 0);
	ck_assert_uint_eq(s->nrange, 2);
	ck_assert_uint_eq(s->mergeable, 30);
	bare_do(b, ev_map(0, 0, 10, EVF_MERGEABLE | EVF_FILE), 1);
	ck_assert_uint_eq(s->nrange, 3);
	ck_assert_uint_eq(s->mergeable, 40);
	bare_free(b);
}
END_TEST

START_TEST(unmapping_splits_ranges_and_passes_over_holes)
{
	struct bare *b = bare_new(NULL);
	const struct space *s;

	bare_space(b, 40, EVF_MERGEABLE);
	s = &b->m->space[0];
	bare_do(b, ev_range(EV_UNMAP, 0, 10, 5), 5);
	bare_saw(&b->fx[0], 0, 10, FXF_GONE, 11, CONTENT_NONE);
	bare_saw(&b->fx[4], 0, 14, FXF_GONE, 15, CONTENT_NONE);
	ck_assert_uint_eq(s->nrange, 2);
	ck_assert_uint_eq(s->range[0].hi, 10);
	ck_assert_uint_eq(s->range[1].lo, 15);
	bare_do(b, ev_range(EV_UNMAP, 0, 20, 5), 5);
	ck_assert_uint_eq(s->nrange, 3);
	/* Two holes, a whole range and parts of two others. */
	bare_do(b, ev_range(EV_UNMAP, 0, 8, 20), 10);
	ck_assert_uint_eq(s->nrange, 2);
	ck_assert_uint_eq(s->range[0].hi, 8);
	ck_assert_uint_eq(s->range[1].lo, 28);
	bare_do(b, ev_range(EV_UNMAP, 0, 8, 20), 0);
	ck_assert_uint_eq(s->nrange, 2);
	ck_assert_uint_eq(machine_frames(b->m), 20);
	bare_free(b);
}
END_TEST

START_TEST(advice_splits_and_joins_and_reaches_the_pages)
{
	struct bare *b = bare_new(NULL);
	const struct space *s;

	bare_space(b, 40, 0);
	s = &b->m->space[0];
	bare_do(b, ev_advise(0, 10, 10, true), 11);
	bare_saw(&b->fx[0], 0, 10, FXF_ADVICE, 11, 11);
	bare_saw(&b->fx[9], 0, 19, FXF_ADVICE, 20, 20);
	ck_assert_int_eq(b->fx[10].kind, FX_MERGEABLE);
	ck_assert_uint_eq(s->nrange, 3);
	ck_assert_uint_eq(s->mergeable, 10);
	ck_assert(pte_mergeable_page(bare_pte(b, 0, 10)));
	ck_assert(!pte_mergeable_page(bare_pte(b, 0, 20)));
	bare_do(b, ev_advise(0, 30, 10, true), 11);
	ck_assert_uint_eq(s->nrange, 4);
	ck_assert_uint_eq(s->mergeable, 20);
	/* Pages that knew already have no effect; borders vanish. */
	bare_do(b, ev_advise(0, 5, 30, true), 16);
	ck_assert_uint_eq(s->nrange, 2);
	ck_assert_uint_eq(s->range[1].lo, 5);
	ck_assert_uint_eq(s->mergeable, 35);
	bare_do(b, ev_advise(0, 5, 35, true), 0);
	ck_assert_uint_eq(s->nrange, 2);
	bare_do(b, ev_advise(0, 0, 40, false), 35);
	ck_assert_uint_eq(s->nrange, 1);
	ck_assert_uint_eq(s->mergeable, 0);
	/* Holes are passed over. */
	bare_do(b, ev_range(EV_UNMAP, 0, 10, 10), 10);
	bare_do(b, ev_advise(0, 5, 20, true), 11);
	ck_assert_uint_eq(s->nrange, 4);
	ck_assert_uint_eq(s->mergeable, 10);
	bare_free(b);
}
END_TEST

START_TEST(mergeable_memory_is_counted_in_pages)
{
	struct bare *b = bare_new(NULL);

	bare_do(b, ev_space(0), 1);
	bare_do(b, ev_map(0, 100, 50, EVF_MERGEABLE), 1);
	bare_do(b, ev_map(0, 200, 50, 0), 0);
	ck_assert_uint_eq(b->m->space[0].mergeable, 50);
	/* Touched or not; the middle goes, then an end, then all. */
	bare_do(b, ev_write(0, 120, 1), 1);
	bare_do(b, ev_range(EV_UNMAP, 0, 110, 20), 1);
	ck_assert_uint_eq(b->m->space[0].mergeable, 30);
	bare_do(b, ev_range(EV_FREE, 0, 100, 10), 0);
	bare_do(b, ev_range(EV_UNMAP, 0, 145, 60), 0);
	ck_assert_uint_eq(b->m->space[0].mergeable, 25);
	/* A fork has as much; each goes its own way. */
	bare_do(b, ev_fork(1, 0), 1);
	bare_do(b, ev_advise(1, 0, 300, true), 1);
	ck_assert_uint_eq(b->m->space[0].mergeable, 25);
	ck_assert_uint_eq(b->m->space[1].mergeable, 70);
	bare_do(b, ev_exit(0), 1);
	ck_assert_uint_eq(b->m->space[0].mergeable, 0);
	bare_do(b, ev_range(EV_UNMAP, 1, 0, VPN_MAX + 1), 0);
	ck_assert_uint_eq(b->m->space[1].mergeable, 0);
	bare_free(b);
}
END_TEST

START_TEST(advice_on_a_shared_mapping_has_no_effect)
{
	struct bare *b = bare_new(NULL);

	bare_do(b, ev_space(0), 1);
	bare_do(b, ev_map(0, 0, 4, EVF_SHARED | EVF_MERGEABLE), 0);
	bare_do(b, ev_write(0, 0, 1), 1);
	ck_assert_uint_eq(b->m->space[0].mergeable, 0);
	bare_do(b, ev_advise(0, 0, 4, true), 0);
	ck_assert_uint_eq(b->m->space[0].mergeable, 0);
	ck_assert(!(bare_pte(b, 0, 0)->flags & (PTE_MERGEABLE | PTE_ANON)));
	bare_free(b);
}
END_TEST

START_TEST(advice_withdrawn_copies_merged_pages)
{
	struct bare *b = bare_new(NULL);
	unsigned freed, split = 0;
	uint32_t word;

	bare_space(b, 4, EVF_MERGEABLE);
	bare_do(b, ev_write(0, 1, 1), 1);
	bare_do(b, ev_write(0, 2, 0), 1);
	bare_merge(b, 0, 0, 1, 55);
	ck_assert_int_eq(machine_merge_zero(b->m, machine_find(b->m, 0, 2),
					    &freed, &word, &split),
			 0);
	ck_assert_uint_eq(machine_frames(b->m), 2);
	bare_do(b, ev_advise(0, 0, 4, false), 4);
	bare_saw(&b->fx[0], 0, 0, FXF_ADVICE | FXF_BROKE, 1, 1);
	ck_assert_uint_eq(b->fx[0].freed, 0);
	bare_saw(&b->fx[1], 0, 1, FXF_ADVICE | FXF_BROKE | FXF_FREED, 1, 1);
	ck_assert_uint_eq(b->fx[1].freed, 55);
	bare_saw(&b->fx[2], 0, 2, FXF_ADVICE | FXF_BROKE_ZERO, 0, 0);
	bare_saw(&b->fx[3], 0, 3, FXF_ADVICE, 4, 4);
	ck_assert_uint_eq(machine_frames(b->m), 4);
	ck_assert_uint_eq(b->m->merged_frames, 0);
	/* The page of zeros was filled, not copied. */
	ck_assert_uint_eq(b->m->cow_copies, 2);
	bare_free(b);
}
END_TEST

/* ---- pages ---- */

START_TEST(reads_map_the_zero_page_where_nothing_was)
{
	struct bare *b = bare_new(NULL);

	bare_do(b, ev_space(0), 1);
	bare_do(b, ev_map(0, 0, 10, EVF_MERGEABLE), 1);
	bare_do(b, ev_map(0, 10, 10, EVF_FILE), 0);
	bare_do(b, ev_map(0, 20, 1000, 0), 0);
	bare_do(b, ev_write(0, 3, 7), 1);
	/* 3 is there, files bring their own contents. */
	bare_do(b, ev_range(EV_READ, 0, 2, 21), 10);
	bare_saw(&b->fx[0], 0, 2, FXF_CONTENT, CONTENT_NONE, 0);
	bare_saw(&b->fx[1], 0, 4, FXF_CONTENT, CONTENT_NONE, 0);
	bare_saw(&b->fx[9], 0, 22, FXF_CONTENT, CONTENT_NONE, 0);
	ck_assert_int_eq(pte_owner(bare_pte(b, 0, 2)), OWNER_ZERO);
	ck_assert(!pte_mergeable_page(bare_pte(b, 0, 2)));
	ck_assert_uint_eq(b->m->zero_mapped, 10);
	ck_assert_uint_eq(b->m->zero_merged, 0);
	ck_assert_uint_eq(machine_frames(b->m), 1);
	bare_do(b, ev_range(EV_READ, 0, 2, 21), 0);
	bare_do(b, ev_write(0, 2, 0), 1);
	ck_assert_uint_eq(b->m->zero_mapped, 9);
	ck_assert_uint_eq(machine_frames(b->m), 2);
	bare_do(b, ev_range(EV_FREE, 0, 0, 30), 11);
	ck_assert_uint_eq(b->m->zero_mapped, 0);
	ck_assert_uint_eq(machine_frames(b->m), 0);
	/* Freed is not unmapped. */
	bare_do(b, ev_write(0, 2, 1), 1);
	bare_free(b);
}
END_TEST

START_TEST(coloured_zero_pages_follow_the_address)
{
	struct machine_config cfg = {.zero_pages = 8};
	struct bare *b = bare_new(&cfg);
	unsigned freed, split = 0;
	uint32_t word;

	bare_do(b, ev_space(0), 1);
	bare_do(b, ev_map(0, 100, 64, EVF_MERGEABLE), 1);
	bare_do(b, ev_range(EV_READ, 0, 100, 32), 32);
	for (uint64_t v = 132; v < 164; v++) {
		bare_do(b, ev_write(0, v, 0), 1);
		ck_assert_int_eq(machine_merge_zero(b->m,
						    machine_find(b->m, 0, v),
						    &freed, &word, &split),
				 0);
	}
	bare_do(b, ev_fork(1, 0), 65);
	for (uint64_t v = 100; v < 164; v++)
		for (uint32_t s = 0; s < 2; s++) {
			ck_assert_int_eq(pte_owner(bare_pte(b, s, v)),
					 OWNER_ZERO);
			ck_assert_uint_eq(bare_pte(b, s, v)->ref, v % 8);
		}
	ck_assert_uint_eq(b->m->zero_mapped, 128);
	ck_assert_uint_eq(b->m->zero_merged, 64);
	bare_free(b);
}
END_TEST

START_TEST(the_lowest_free_frame_is_taken_first)
{
	struct bare *b = bare_new(NULL);

	bare_space(b, 20, 0);
	for (uint32_t i = 0; i < 20; i++)
		ck_assert_uint_eq(bare_frame(b, 0, i), i);
	bare_do(b, ev_range(EV_FREE, 0, 15, 1), 1);
	bare_do(b, ev_range(EV_FREE, 0, 4, 2), 2);
	bare_do(b, ev_write(0, 15, 1), 1);
	bare_do(b, ev_write(0, 5, 1), 1);
	bare_do(b, ev_write(0, 4, 1), 1);
	ck_assert_uint_eq(bare_frame(b, 0, 15), 4);
	ck_assert_uint_eq(bare_frame(b, 0, 5), 5);
	ck_assert_uint_eq(bare_frame(b, 0, 4), 15);
	bare_free(b);
}
END_TEST

/* ---- scans ---- */

START_TEST(a_scan_goes_by_address_and_survives_changes)
{
	struct bare *b = bare_new(NULL);
	struct space_cursor c = {.space = 0};
	static const uint64_t vpn[] = {5, 511, 512, 5000, VPN_MAX};
	struct scan_steps steps = {0};

	bare_do(b, ev_space(0), 1);
	bare_do(b, ev_map(0, 0, VPN_MAX + 1, EVF_MERGEABLE), 1);
	for (size_t i = 5; i-- > 0;)
		bare_do(b, ev_write(0, vpn[i], 1), 1);
	bare_do(b, ev_range(EV_READ, 0, 6, 1), 1);
	for (size_t i = 0; i < 5; i++) {
		ck_assert_uint_eq(machine_scan(b->m, &c, &steps),
				  machine_find(b->m, 0, vpn[i]));
		/* New tables before and behind the cursor, pages as well. */
		bare_do(b, ev_write(0, 1000000 + 1000 * i, 1), 1);
		bare_do(b, ev_write(0, 4, 1), 1);
		bare_do(b, ev_range(EV_FREE, 0, 4, 1), 1);
		bare_do(b, ev_range(EV_FREE, 0, 1000000 + 1000 * i, 1), 1);
	}
	ck_assert_uint_eq(machine_scan(b->m, &c, &steps), 0);
	ck_assert_uint_eq(machine_scan(b->m, &c, &steps), 0);
	ck_assert_uint_eq(c.vpn, VPN_MAX + 1);
	bare_free(b);
}
END_TEST

START_TEST(a_scan_that_has_ended_stays_at_the_end)
{
	struct bare *b = bare_new(NULL);
	struct space_cursor c = {.space = 0};
	struct scan_steps steps = {0};

	bare_do(b, ev_space(0), 1);
	bare_do(b, ev_map(0, 0, 10000, EVF_MERGEABLE), 1);
	bare_do(b, ev_write(0, 5, 1), 1);
	ck_assert_uint_ne(machine_scan(b->m, &c, &steps), 0);
	ck_assert_uint_eq(steps.pages + steps.holes, 6);
	ck_assert_uint_eq(machine_scan(b->m, &c, &steps), 0);
	ck_assert_uint_eq(steps.pages + steps.holes, CHUNK_PAGES);
	bare_do(b, ev_write(0, 6, 1), 1);
	bare_do(b, ev_write(0, 9000, 1), 1);
	ck_assert_uint_eq(machine_scan(b->m, &c, &steps), 0);
	ck_assert_uint_eq(steps.pages + steps.holes, CHUNK_PAGES);
	bare_free(b);
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
	tcase_add_test(t, mergeable_memory_is_counted_in_pages);
	tcase_add_test(t, advice_on_a_shared_mapping_has_no_effect);
	tcase_add_test(t, advice_withdrawn_copies_merged_pages);
	tcase_add_test(t, reads_map_the_zero_page_where_nothing_was);
	tcase_add_test(t, coloured_zero_pages_follow_the_address);
	tcase_add_test(t, the_lowest_free_frame_is_taken_first);
	tcase_add_test(t, a_scan_goes_by_address_and_survives_changes);
	tcase_add_test(t, a_scan_that_has_ended_stays_at_the_end);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(machine_suite());
}
