/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "tests/support/bare.h"
#include "tests/support/main.h"

/* ---- huge pages ---- */

START_TEST(a_huge_page_comes_whole_aligned_and_full_of_zeros)
{
	struct bare *b = bare_new(NULL);

	bare_do(b, ev_space(0), 1);
	bare_do(b, ev_map(0, 0, 1, 0), 0);
	bare_do(b, ev_write(0, 0, 1), 1);
	bare_do(b, ev_map(0, 500, 1100, EVF_HUGE), 0);
	/* [500, 512) and [1536, 1600) are no whole huge pages. */
	bare_do(b, ev_write(0, 505, 2), 1);
	bare_do(b, ev_write(0, 1599, 3), 1);
	bare_do(b, ev_write(0, 700, 9), 513);
	for (uint32_t i = 0; i < 512; i++)
		bare_saw(&b->fx[i], 0, 512 + i, FXF_CONTENT, CONTENT_NONE, 0);
	bare_saw(&b->fx[512], 0, 700, FXF_CONTENT, 0, 9);
	ck_assert_uint_eq(bare_frame(b, 0, 512) % HUGE_PAGES, 0);
	for (uint32_t i = 0; i < 512; i++) {
		ck_assert_uint_eq(bare_frame(b, 0, 512 + i),
				  bare_frame(b, 0, 512) + i);
		ck_assert(bare_pte(b, 0, 512 + i)->flags & PTE_HUGE);
	}
	ck_assert(!(bare_pte(b, 0, 505)->flags & PTE_HUGE));
	ck_assert_uint_eq(machine_frames(b->m), 515);
	/* Where a page is already, or the zero page, small ones follow. */
	bare_do(b, ev_range(EV_READ, 0, 1024, 1), 1);
	bare_do(b, ev_write(0, 1030, 4), 1);
	ck_assert(!(bare_pte(b, 0, 1030)->flags & PTE_HUGE));
	bare_free(b);
}
END_TEST

START_TEST(taking_a_part_away_leaves_the_rest_of_a_huge_page_huge)
{
	struct bare *b = bare_new(NULL);

	bare_do(b, ev_space(0), 1);
	bare_do(b, ev_map(0, 0, 1024, EVF_HUGE), 0);
	bare_do(b, ev_write(0, 0, 1), 513);
	bare_do(b, ev_write(0, 600, 1), 513);
	bare_do(b, ev_range(EV_UNMAP, 0, 1000, 24), 24);
	ck_assert(bare_pte(b, 0, 512)->flags & PTE_HUGE);
	ck_assert(bare_pte(b, 0, 999)->flags & PTE_HUGE);
	bare_do(b, ev_range(EV_FREE, 0, 0, 10), 10);
	ck_assert(bare_pte(b, 0, 511)->flags & PTE_HUGE);
	/* What was freed comes back as a small page. */
	bare_do(b, ev_write(0, 3, 1), 1);
	ck_assert(!(bare_pte(b, 0, 3)->flags & PTE_HUGE));
	ck_assert_uint_eq(machine_frames(b->m), 1024 - 24 - 10 + 1);
	/* All of it gone, the next touch fills a huge page again. */
	bare_do(b, ev_range(EV_FREE, 0, 0, 512), 503);
	bare_do(b, ev_write(0, 0, 1), 513);
	ck_assert_uint_eq(b->m->huge_splits, 0);
	ck_assert_uint_eq(b->m->split_zero_pages, 0);
	bare_do(b, ev_exit(0), 512 + 488 + 1);
	ck_assert_uint_eq(b->m->huge_splits, 0);
	ck_assert_uint_eq(machine_frames(b->m), 0);
	bare_free(b);
}
END_TEST

START_TEST(copying_one_page_of_a_huge_page_does_not_split_it)
{
	struct bare *b = bare_new(NULL);

	bare_huge(b);
	bare_do(b, ev_fork(1, 0), 513);
	bare_do(b, ev_write(1, 7, 5), 1);
	ck_assert_uint_eq(b->m->cow_copies, 1);
	ck_assert(!(bare_pte(b, 1, 7)->flags & PTE_HUGE));
	ck_assert(bare_pte(b, 1, 6)->flags & PTE_HUGE);
	ck_assert(bare_pte(b, 1, 8)->flags & PTE_HUGE);
	ck_assert(bare_pte(b, 0, 7)->flags & PTE_HUGE);
	ck_assert_uint_eq(machine_frames(b->m), 513);
	/* The other one is alone with this frame, which is still a part. */
	bare_do(b, ev_write(0, 7, 6), 1);
	ck_assert(bare_pte(b, 0, 7)->flags & PTE_HUGE);
	ck_assert_uint_eq(machine_frames(b->m), 513);
	ck_assert_uint_eq(b->m->huge_splits, 0);
	ck_assert_uint_eq(b->m->split_zero_pages, 0);
	bare_free(b);
}
END_TEST

START_TEST(merging_a_part_splits_a_huge_page_and_lets_its_zeros_go)
{
	struct machine_config cfg = {.zero_pages = 4};
	struct bare *b = bare_new(&cfg);
	unsigned split = 0;
	uint32_t share;

	bare_huge(b);
	bare_do(b, ev_write(0, 3, 7), 1);
	bare_do(b, ev_write(0, 4, 7), 1);
	bare_do(b, ev_write(0, 511, 8), 1);
	ck_assert_int_eq(bare_make_merged(b, 0, 3, &share, &split), 0);
	ck_assert_uint_eq(split, 1);
	ck_assert_int_eq(bare_make_merged(b, 0, 4, &share, &split), 0);
	ck_assert_uint_eq(split, 1);
	ck_assert_uint_eq(b->m->huge_splits, 1);
	/* 0, 3, 4 and 511 hold something. */
	ck_assert_uint_eq(machine_frames(b->m), 4);
	ck_assert_uint_eq(b->m->split_zero_pages, 508);
	ck_assert_uint_eq(b->m->zero_mapped, 508);
	for (uint64_t v = 0; v < 512; v++) {
		const struct pte *p = bare_pte(b, 0, v);

		ck_assert(!(p->flags & (PTE_HUGE | PTE_PLACED)));
		ck_assert_int_eq(pte_owner(p) == OWNER_ZERO, !p->content);
		if (!p->content)
			ck_assert_uint_eq(p->ref, v % 4);
	}
	/* No engine merged them: a write brings a page and breaks nothing. */
	ck_assert_uint_eq(b->m->zero_merged, 0);
	ck_assert_uint_eq(b->m->merged_zero_pages, 0);
	bare_do(b, ev_write(0, 9, 2), 1);
	bare_saw(&b->fx[0], 0, 9, FXF_CONTENT, 0, 2);
	ck_assert_uint_eq(b->m->split_zero_pages, 508);
	ck_assert_uint_eq(b->m->cow_copies, 0);
	bare_free(b);
}
END_TEST

START_TEST(a_part_of_zeros_is_split_away_instead_of_merged)
{
	struct bare *b = bare_new(NULL);
	unsigned freed = 9, split = 0;
	uint32_t share, word = 9, pte;

	bare_huge(b);
	pte = machine_find(b->m, 0, 5);
	ck_assert_int_eq(machine_merge_zero(b->m, pte, &freed, &word, &split),
			 -EBUSY);
	ck_assert_uint_eq(split, 1);
	ck_assert_uint_eq(freed, 0);
	ck_assert_uint_eq(word, 0);
	ck_assert_int_eq(pte_owner(&b->m->pte[pte]), OWNER_ZERO);
	ck_assert_uint_eq(b->m->zero_merged, 0);
	ck_assert_uint_eq(b->m->split_zero_pages, 511);
	/* The same for the page that shall found a merged frame … */
	bare_do(b, ev_exit(0), 513);
	bare_do(b, ev_space(1), 1);
	bare_do(b, ev_map(1, 0, 513, EVF_HUGE | EVF_MERGEABLE), 1);
	bare_do(b, ev_write(1, 0, 1), 513);
	ck_assert_int_eq(bare_make_merged(b, 1, 5, &share, &split), -EBUSY);
	ck_assert_uint_eq(split, 2);
	ck_assert_uint_eq(b->m->split_zero_pages, 2 * 511);
	/* … and for one that shall join it. */
	bare_do(b, ev_range(EV_FREE, 1, 0, 512), 512);
	bare_do(b, ev_write(1, 0, 1), 513);
	bare_do(b, ev_write(1, 512, 0), 1);
	ck_assert_int_eq(bare_make_merged(b, 1, 512, &share, &split), 0);
	pte = machine_find(b->m, 1, 5);
	ck_assert_int_eq(machine_merge(b->m, pte, share, &freed, &word, &split),
			 -EBUSY);
	ck_assert_uint_eq(split, 3);
	ck_assert_int_eq(pte_owner(&b->m->pte[pte]), OWNER_ZERO);
	ck_assert_uint_eq(b->m->merged_pages, 1);
	ck_assert_uint_eq(machine_frames(b->m), 2);
	bare_free(b);
}
END_TEST

START_TEST(a_split_reaches_the_twins_of_a_fork_at_their_address)
{
	struct bare *b = bare_new(NULL);
	unsigned split = 0;
	uint32_t share;

	bare_huge(b);
	bare_do(b, ev_fork(1, 0), 513);
	bare_do(b, ev_fork(2, 1), 513);
	bare_do(b, ev_write(2, 6, 0), 1); /* a copy: no part any more */
	bare_do(b, ev_write(1, 8, 4), 1);
	ck_assert_uint_eq(machine_frames(b->m), 514);
	ck_assert_int_eq(bare_make_merged(b, 1, 0, &share, &split), 0);
	ck_assert_uint_eq(split, 1);
	ck_assert_uint_eq(b->m->huge_splits, 1);
	for (uint32_t s = 0; s < 3; s++)
		for (uint64_t v = 0; v < 512; v++)
			ck_assert(!(bare_pte(b, s, v)->flags & PTE_HUGE));
	/* Small pages keep their frames, zeros or not. */
	ck_assert_int_eq(pte_owner(bare_pte(b, 2, 6)), OWNER_PRIVATE);
	ck_assert_int_eq(pte_owner(bare_pte(b, 1, 8)), OWNER_PRIVATE);
	ck_assert_uint_eq(b->m->split_zero_pages, 3 * 511 - 2);
	ck_assert_uint_eq(machine_frames(b->m), 3);
	ck_assert_uint_eq(b->m->merged_pages, 3);
	/* Nothing is left to split in any of them. */
	ck_assert_int_eq(bare_split(b, 0, 0, &split), 0);
	ck_assert_int_eq(bare_split(b, 2, 0, &split), 0);
	ck_assert_uint_eq(split, 1);
	ck_assert_int_eq(machine_check(b->m, stderr), 0);
	bare_free(b);
}
END_TEST

START_TEST(a_split_leaves_other_huge_pages_alone)
{
	struct bare *b = bare_new(NULL);
	unsigned split = 0;

	bare_huge(b);
	bare_do(b, ev_map(0, 512, 512, EVF_HUGE | EVF_MERGEABLE), 1);
	bare_do(b, ev_write(0, 512, 1), 513);
	/* Another one at the same address, of the same parent. */
	bare_do(b, ev_fork(1, 0), 1025);
	bare_do(b, ev_range(EV_FREE, 1, 0, 512), 512);
	bare_do(b, ev_write(1, 0, 1), 513);
	ck_assert(
		!machine_same_huge(b->m, bare_pte(b, 0, 0), bare_pte(b, 1, 0)));
	ck_assert(!machine_same_huge(b->m, bare_pte(b, 0, 0),
				     bare_pte(b, 0, 512)));
	ck_assert(machine_same_huge(b->m, bare_pte(b, 0, 512),
				    bare_pte(b, 1, 1023)));
	ck_assert_int_eq(bare_split(b, 0, 9, &split), 0);
	ck_assert_uint_eq(split, 1);
	ck_assert(!(bare_pte(b, 0, 0)->flags & PTE_HUGE));
	ck_assert(bare_pte(b, 0, 512)->flags & PTE_HUGE);
	ck_assert(bare_pte(b, 1, 0)->flags & PTE_HUGE);
	ck_assert(bare_pte(b, 1, 9)->flags & PTE_HUGE);
	ck_assert_uint_eq(b->m->split_zero_pages, 511);
	ck_assert_uint_eq(machine_frames(b->m), 1 + 512 + 512);
	bare_free(b);
}
END_TEST

/* ---- extra references ---- */

START_TEST(a_pinned_page_refuses_to_merge_until_it_is_released)
{
	struct bare *b = bare_new(NULL);
	unsigned freed, split = 0;
	uint32_t share, word, p0, p1;

	bare_space(b, 2, EVF_MERGEABLE);
	bare_do(b, ev_write(0, 1, 1), 1);
	p0 = machine_find(b->m, 0, 0);
	p1 = machine_find(b->m, 0, 1);
	bare_do(b, ev_range(EV_PIN, 0, 0, 1), 0);
	bare_do(b, ev_range(EV_PIN, 0, 0, 1), 0);
	ck_assert_int_eq(machine_make_merged(b->m, p0, &share, &split), -EBUSY);
	ck_assert_int_eq(machine_make_merged(b->m, p1, &share, &split), 0);
	ck_assert_int_eq(machine_merge(b->m, p0, share, &freed, &word, &split),
			 -EBUSY);
	ck_assert_int_eq(machine_merge_zero(b->m, p0, &freed, &word, &split),
			 -EBUSY);
	/* Its only mapper writes where it is. */
	bare_do(b, ev_write(0, 0, 1), 1);
	ck_assert_uint_eq(bare_frame(b, 0, 0), 0);
	/* An unpin takes one of the two. */
	bare_do(b, ev_range(EV_UNPIN, 0, 0, 2), 0);
	ck_assert_int_eq(machine_merge(b->m, p0, share, &freed, &word, &split),
			 -EBUSY);
	bare_do(b, ev_range(EV_UNPIN, 0, 0, 2), 0);
	ck_assert_int_eq(machine_merge(b->m, p0, share, &freed, &word, &split),
			 0);
	ck_assert_uint_eq(freed, 1);
	bare_do(b, ev_range(EV_UNPIN, 0, 0, 2), 0);
	ck_assert_uint_eq(machine_frames(b->m), 1);
	ck_assert_uint_eq(split, 0);
	bare_free(b);
}
END_TEST

START_TEST(a_pin_keeps_the_frame_when_the_page_is_gone)
{
	struct bare *b = bare_new(NULL);

	bare_space(b, 4, EVF_MERGEABLE);
	bare_do(b, ev_write(0, 3, 3), 1);
	bare_do(b, ev_range(EV_PIN, 0, 0, 2), 0);
	bare_do(b, ev_range(EV_UNMAP, 0, 0, 1), 1);
	bare_saw(&b->fx[0], 0, 0, FXF_GONE, 1, CONTENT_NONE);
	ck_assert_uint_eq(machine_frames(b->m), 4);
	bare_merge(b, 0, 2, 3, 66);
	bare_do(b, ev_range(EV_PIN, 0, 3, 1), 0);
	bare_do(b, ev_exit(0), 4);
	for (size_t i = 0; i < 3; i++)
		ck_assert_uint_eq(b->fx[i].freed, 0);
	ck_assert_uint_eq(machine_frames(b->m), 3);
	/* It is merged still, but saves nothing. */
	ck_assert_uint_eq(b->m->merged_frames, 0);
	/* Frames 0, 1 and 2 are not given to others meanwhile. */
	bare_do(b, ev_space(1), 1);
	bare_do(b, ev_map(1, 0, 1, 0), 0);
	bare_do(b, ev_write(1, 0, 1), 1);
	ck_assert_uint_eq(bare_frame(b, 1, 0), 3);
	/* Only a merged frame is told when it goes. */
	bare_do(b, ev_range(EV_UNPIN, 0, 0, 2), 0);
	ck_assert_uint_eq(machine_frames(b->m), 2);
	bare_do(b, ev_range(EV_UNPIN, 0, 0, 10), 1);
	ck_assert_uint_eq(b->fx[0].freed, 66);
	ck_assert_uint_eq(b->fx[0].flags, FXF_FREED);
	ck_assert_uint_eq(b->fx[0].pte, 0);
	ck_assert_uint_eq(machine_frames(b->m), 1);
	ck_assert_uint_eq(b->m->merged_frames, 0);
	ck_assert_uint_eq(b->m->npin, 0);
	bare_free(b);
}
END_TEST

START_TEST(a_pinned_huge_page_refuses_a_split)
{
	struct bare *b = bare_new(NULL);
	unsigned freed, split = 0;
	uint32_t share, word;

	bare_do(b, ev_space(0), 1);
	bare_do(b, ev_map(0, 0, 513, EVF_HUGE | EVF_MERGEABLE), 1);
	bare_do(b, ev_write(0, 0, 1), 513);
	bare_do(b, ev_write(0, 512, 1), 1);
	bare_do(b, ev_range(EV_PIN, 0, 100, 1), 0);
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
	ck_assert(bare_pte(b, 0, 0)->flags & PTE_HUGE);
	ck_assert_uint_eq(b->m->split_zero_pages, 0);
	bare_do(b, ev_range(EV_UNPIN, 0, 100, 1), 0);
	ck_assert_int_eq(machine_merge(b->m, machine_find(b->m, 0, 0), share,
				       &freed, &word, &split),
			 0);
	ck_assert_uint_eq(split, 1);
	ck_assert_uint_eq(freed, 1);
	ck_assert_uint_eq(b->m->split_zero_pages, 511);
	ck_assert_uint_eq(machine_frames(b->m), 1);
	bare_free(b);
}
END_TEST

START_TEST(a_huge_page_is_pinned_and_split_wherever_it_is_mapped)
{
	struct bare *b = bare_new(NULL);
	unsigned split = 0;

	bare_huge(b);
	bare_do(b, ev_fork(1, 0), 513);
	/* The parent has all of it but the head, the child nothing else. */
	bare_do(b, ev_range(EV_FREE, 0, 0, 1), 1);
	bare_do(b, ev_range(EV_FREE, 1, 1, 511), 511);
	bare_do(b, ev_write(1, 0, 2), 1);
	bare_do(b, ev_range(EV_PIN, 0, 7, 1), 0);
	ck_assert_int_eq(bare_split(b, 1, 0, &split), -EBUSY);
	ck_assert(bare_pte(b, 0, 9)->flags & PTE_HUGE);
	bare_do(b, ev_range(EV_UNPIN, 0, 7, 1), 0);
	ck_assert_int_eq(bare_split(b, 1, 0, &split), 0);
	ck_assert(!(bare_pte(b, 0, 9)->flags & PTE_HUGE));
	ck_assert(!(bare_pte(b, 1, 0)->flags & PTE_HUGE));
	ck_assert_uint_eq(b->m->huge_splits, 1);
	ck_assert_uint_eq(b->m->split_zero_pages, 511);
	ck_assert_uint_eq(machine_frames(b->m), 1);
	bare_free(b);
}
END_TEST

START_TEST(pins_leave_zero_pages_alone)
{
	struct bare *b = bare_new(NULL);

	bare_do(b, ev_space(0), 1);
	bare_do(b, ev_map(0, 0, 4, EVF_MERGEABLE), 1);
	bare_do(b, ev_range(EV_READ, 0, 0, 2), 2);
	bare_do(b, ev_write(0, 2, 1), 1);
	bare_do(b, ev_range(EV_PIN, 0, 0, 4), 0);
	ck_assert_uint_eq(b->m->npin, 1);
	bare_free(b);
}
END_TEST

START_TEST(a_forked_frame_with_an_extra_reference_is_copied_by_its_last_mapper)
{
	struct bare *b = bare_new(NULL);
	uint32_t frame;

	bare_space(b, 1, 0);
	frame = bare_frame(b, 0, 0);
	bare_do(b, ev_fork(1, 0), 2);
	bare_do(b, ev_range(EV_PIN, 0, 0, 1), 0);
	bare_do(b, ev_exit(1), 2);
	/* Whose reference it is cannot be told: the frame is left to it. */
	bare_do(b, ev_write(0, 0, 7), 1);
	bare_saw(&b->fx[0], 0, 0, FXF_CONTENT, 1, 7);
	ck_assert_uint_ne(bare_frame(b, 0, 0), frame);
	ck_assert_uint_eq(b->m->cow_copies, 1);
	ck_assert_uint_eq(machine_frames(b->m), 2);
	bare_do(b, ev_range(EV_UNPIN, 0, 0, 1), 0);
	ck_assert_uint_eq(machine_frames(b->m), 1);
	bare_free(b);
}
END_TEST

START_TEST(a_frame_that_was_its_own_again_is_written_in_place_though_pinned)
{
	struct bare *b = bare_new(NULL);
	uint32_t frame;

	bare_space(b, 1, 0);
	frame = bare_frame(b, 0, 0);
	bare_do(b, ev_fork(1, 0), 2);
	bare_do(b, ev_exit(1), 2);
	bare_do(b, ev_write(0, 0, 7), 1);
	bare_do(b, ev_range(EV_PIN, 0, 0, 1), 0);
	bare_do(b, ev_write(0, 0, 8), 1);
	ck_assert_uint_eq(bare_frame(b, 0, 0), frame);
	ck_assert_uint_eq(b->m->cow_copies, 0);
	bare_free(b);
}
END_TEST

/* ---- downward calls ---- */

START_TEST(a_merged_frame_is_copied_even_for_its_last_mapper)
{
	struct bare *b = bare_new(NULL);
	uint32_t share;

	bare_space(b, 3, EVF_MERGEABLE);
	bare_do(b, ev_write(0, 1, 1), 1);
	share = bare_merge(b, 0, 0, 1, 44);
	ck_assert_uint_eq(b->m->merged_frames, 1);
	ck_assert_uint_eq(b->m->merged_pages, 2);
	ck_assert_uint_eq(machine_share(b->m, share)->maps, 2);
	ck_assert(machine_same_frame(bare_pte(b, 0, 0), bare_pte(b, 0, 1)));
	bare_do(b, ev_write(0, 0, 1), 1);
	bare_saw(&b->fx[0], 0, 0, FXF_CONTENT | FXF_BROKE, 1, 1);
	ck_assert_uint_eq(b->m->merged_pages, 1);
	bare_do(b, ev_write(0, 1, 9), 1);
	bare_saw(&b->fx[0], 0, 1, FXF_CONTENT | FXF_BROKE | FXF_FREED, 1, 9);
	ck_assert_uint_eq(b->fx[0].freed, 44);
	ck_assert_uint_eq(b->m->merged_frames, 0);
	ck_assert_uint_eq(b->m->cow_copies, 2);
	bare_free(b);
}
END_TEST

START_TEST(leaving_a_merged_frame_for_another_tells_its_word)
{
	struct bare *b = bare_new(NULL);
	unsigned freed, split = 0;
	uint32_t one, word, share;

	bare_space(b, 2, EVF_MERGEABLE);
	bare_do(b, ev_write(0, 1, 1), 1);
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
	bare_free(b);
}
END_TEST

START_TEST(a_frame_shared_by_fork_is_merged_for_all_its_mappings)
{
	struct bare *b = bare_new(NULL);
	unsigned split = 0;
	uint32_t share;
	struct effect fx;

	bare_space(b, 1, EVF_MERGEABLE);
	bare_do(b, ev_fork(1, 0), 2);
	ck_assert_int_eq(machine_make_merged(b->m, machine_find(b->m, 0, 0),
					     &share, &split),
			 0);
	ck_assert_uint_eq(b->m->merged_pages, 2);
	ck_assert_int_eq(machine_unmerge(b->m, machine_find(b->m, 0, 0), &fx),
			 0);
	bare_saw(&fx, 0, 0, FXF_BROKE, 1, 1);
	ck_assert_uint_eq(b->m->merged_pages, 1);
	ck_assert_int_eq(machine_check(b->m, stderr), 0);
	ck_assert_int_eq(machine_unmerge(b->m, machine_find(b->m, 1, 0), &fx),
			 0);
	bare_saw(&fx, 1, 0, FXF_BROKE | FXF_FREED, 1, 1);
	bare_free(b);
}
END_TEST

static Suite *machine_suite(void)
{
	Suite *s = suite_create("machine pages");
	TCase *t = tcase_create("pages");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, a_huge_page_comes_whole_aligned_and_full_of_zeros);
	tcase_add_test(t,
		       taking_a_part_away_leaves_the_rest_of_a_huge_page_huge);
	tcase_add_test(t, copying_one_page_of_a_huge_page_does_not_split_it);
	tcase_add_test(t,
		       merging_a_part_splits_a_huge_page_and_lets_its_zeros_go);
	tcase_add_test(t, a_part_of_zeros_is_split_away_instead_of_merged);
	tcase_add_test(t, a_split_reaches_the_twins_of_a_fork_at_their_address);
	tcase_add_test(t, a_split_leaves_other_huge_pages_alone);
	tcase_add_test(t, a_pinned_page_refuses_to_merge_until_it_is_released);
	tcase_add_test(t, a_pin_keeps_the_frame_when_the_page_is_gone);
	tcase_add_test(t, a_pinned_huge_page_refuses_a_split);
	tcase_add_test(t,
		       a_huge_page_is_pinned_and_split_wherever_it_is_mapped);
	tcase_add_test(t, pins_leave_zero_pages_alone);
	tcase_add_test(
		t,
		a_forked_frame_with_an_extra_reference_is_copied_by_its_last_mapper);
	tcase_add_test(
		t,
		a_frame_that_was_its_own_again_is_written_in_place_though_pinned);
	tcase_add_test(t, a_merged_frame_is_copied_even_for_its_last_mapper);
	tcase_add_test(t, leaving_a_merged_frame_for_another_tells_its_word);
	tcase_add_test(t,
		       a_frame_shared_by_fork_is_merged_for_all_its_mappings);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(machine_suite());
}
