/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "tests/support/main.h"
#include "tests/support/rig.h"

#define CONTENTS 20u

/* What the oracle must say, counted page by page over all pairs. */
struct truth {
	int64_t pages, zero, distinct, frames, zero_frames;
};

static uint32_t frame_of(const struct rig *r, const struct pte *p)
{
	return pte_owner(p) == OWNER_SHARED
		       ? machine_share(r->machine, p->ref)->frame
		       : p->ref;
}

static struct truth look(const struct rig *r, bool all)
{
	const struct machine *m = r->machine;
	const struct pte *seen[CHAOS_SPACES * CHAOS_PAGES];
	struct truth t = {0};
	size_t n = 0;

	for (uint32_t s = 0; s < m->nspace; s++)
		for (uint64_t v = 0; v < CHAOS_PAGES; v++) {
			uint32_t i = machine_find(m, s, CHAOS_BASE + v);
			const struct pte *p = i ? &m->pte[i] : NULL;
			bool content = true, frame = true;

			if (!p || !(p->flags & PTE_PRESENT) ||
			    !(p->flags & PTE_ANON) ||
			    pte_owner(p) == OWNER_ZERO ||
			    !(all || p->flags & PTE_MERGEABLE))
				continue;
			for (size_t k = 0; k < n; k++) {
				content &= seen[k]->content != p->content;
				frame &= frame_of(r, seen[k]) != frame_of(r, p);
			}
			t.pages++;
			t.zero += p->content == 0;
			t.distinct += content;
			t.frames += frame;
			t.zero_frames += frame && p->content == 0;
			seen[n++] = p;
		}
	return t;
}

static void agrees(struct rig *r, bool all)
{
	struct truth t = look(r, all);
	int64_t nonzero = t.distinct - (t.zero > 0);

	ck_assert_int_eq(rig_row(r, "saved", "saved_pages"),
			 t.frames - t.distinct);
	ck_assert_int_eq(rig_row(r, "saved", "zero_pages"),
			 t.zero_frames ? t.zero_frames - 1 : 0);
	ck_assert_int_eq(rig_row(r, "saved", "metadata_bytes"), 0);
	ck_assert_int_eq(rig_row(r, "oracle", "pages"), t.pages);
	ck_assert_int_eq(rig_row(r, "oracle", "zero_pages"), t.zero);
	ck_assert_int_eq(rig_row(r, "oracle", "distinct_nonzero_contents"),
			 nonzero);
	ck_assert_int_eq(rig_row(r, "oracle", "repeated_nonzero_pages"),
			 t.pages - t.zero - nonzero);
	rig_check(r);
}

static const char *const everything[] = {"scope", "all", NULL};

START_TEST(random_events_give_what_all_pairs_give)
{
	struct prng rnd = prng_fork(test_seed(1) + (uint64_t)_i, "oracle");
	struct rig r;

	rig_init(&r, "oracle", RULE_ID, CONTENTS, _i % 2 ? everything : NULL);
	for (unsigned step = 0; step < 400; step++) {
		struct event ev = chaos_event(&rnd, r.machine, CONTENTS);
		int ret = rig_event(&r, &ev);

		ck_assert(ret == 0 || ret == -EINVAL);
		if (step % 20 == 0)
			agrees(&r, _i % 2);
	}
	agrees(&r, _i % 2);
	rig_fini(&r);
}
END_TEST

START_TEST(pages_of_zeros_are_shown_apart)
{
	struct rig r;

	rig_init(&r, "oracle", RULE_ID, CONTENTS, NULL);
	rig_do(&r, ev_space(0));
	rig_do(&r, ev_map(0, CHAOS_BASE, 20, EVF_MERGEABLE));
	for (uint32_t i = 0; i < 10; i++)
		rig_do(&r, ev_write(0, CHAOS_BASE + i, i < 4 ? 0 : i % 3 + 1));
	/* The kernel's zero page takes no frame: nothing to save. */
	rig_do(&r, ev_range(EV_READ, 0, CHAOS_BASE, 20));
	ck_assert_int_eq(rig_row(&r, "saved", "saved_pages"), 3 + 3);
	ck_assert_int_eq(rig_row(&r, "saved", "zero_pages"), 3);
	ck_assert_int_eq(rig_row(&r, "oracle", "pages"), 10);
	agrees(&r, false);
	rig_fini(&r);
}
END_TEST

START_TEST(what_a_fork_shares_is_no_merit_of_the_oracle)
{
	struct rig r;

	rig_init(&r, "oracle", RULE_ID, CONTENTS, NULL);
	rig_do(&r, ev_space(0));
	rig_do(&r, ev_map(0, CHAOS_BASE, 10, EVF_MERGEABLE));
	/* Not in scope, and shared by the fork as well. */
	rig_do(&r, ev_map(0, CHAOS_BASE + 100, 10, 0));
	for (uint32_t i = 0; i < 10; i++) {
		rig_do(&r, ev_write(0, CHAOS_BASE + i, 1));
		rig_do(&r, ev_write(0, CHAOS_BASE + 100 + i, 2));
	}
	ck_assert_int_eq(rig_row(&r, "saved", "saved_pages"), 9);
	rig_do(&r, ev_fork(1, 0));
	ck_assert_int_eq(rig_row(&r, "saved", "saved_pages"), 9);
	ck_assert_int_eq(rig_row(&r, "oracle", "pages"), 20);
	rig_do(&r, ev_write(1, CHAOS_BASE, 1));
	ck_assert_int_eq(rig_row(&r, "saved", "saved_pages"), 10);
	rig_do(&r, ev_exit(0));
	ck_assert_int_eq(rig_row(&r, "saved", "saved_pages"), 9);
	agrees(&r, false);
	rig_fini(&r);
}
END_TEST

START_TEST(advice_moves_pages_in_and_out_of_scope)
{
	struct rig r, all;

	rig_init(&r, "oracle", RULE_ID, CONTENTS, NULL);
	rig_init(&all, "oracle", RULE_ID, CONTENTS, everything);
	for (unsigned step = 0; step < 5; step++) {
		struct event ev[] = {
			ev_space(0),
			ev_map(0, CHAOS_BASE, 4, 0),
			ev_write(0, CHAOS_BASE, 1),
			ev_write(0, CHAOS_BASE + 1, 1),
			ev_advise(0, CHAOS_BASE, 2, true),
		};

		ck_assert_int_eq(rig_row(&r, "saved", "saved_pages"), 0);
		ck_assert_int_eq(rig_row(&all, "saved", "saved_pages"),
				 step > 3);
		rig_do(&r, ev[step]);
		rig_do(&all, ev[step]);
	}
	ck_assert_int_eq(rig_row(&r, "saved", "saved_pages"), 1);
	rig_do(&r, ev_advise(0, CHAOS_BASE, 4, false));
	ck_assert_int_eq(rig_row(&r, "saved", "saved_pages"), 0);
	agrees(&r, false);
	agrees(&all, true);
	rig_fini(&r);
	rig_fini(&all);
}
END_TEST

static Suite *oracle_suite(void)
{
	Suite *s = suite_create("oracle");
	TCase *t = tcase_create("oracle");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, random_events_give_what_all_pairs_give, 0, 8);
	tcase_add_test(t, pages_of_zeros_are_shown_apart);
	tcase_add_test(t, what_a_fork_shares_is_no_merit_of_the_oracle);
	tcase_add_test(t, advice_moves_pages_in_and_out_of_scope);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(oracle_suite());
}
