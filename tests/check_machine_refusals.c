/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/machine/frame.h"
#include "tests/support/bare.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

/* ---- refusals ---- */

/* A machine with everything in it, for events that must not change it. */
static struct bare *furnished(void)
{
	struct bare *b = bare_new(NULL);

	bare_space(b, 10, EVF_MERGEABLE);
	bare_do(b, ev_map(0, 20, 10, 0), 0);
	bare_do(b, ev_fork(1, 0), 11);
	bare_do(b, ev_exit(1), 11);
	return b;
}

/* With more in it than any test below can make it. */
struct state {
	struct machine m;
	struct range range[4];
	struct frame_map frames;
};

static struct state state_of(const struct bare *b)
{
	struct state s = {.m = *b->m, .frames = *b->m->frames};

	memcpy(s.range, b->m->space[0].range,
	       b->m->space[0].nrange * sizeof(struct range));
	return s;
}

static void same_state(const struct bare *b, const struct state *s)
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
	struct bare *b = furnished();
	struct state s = state_of(b);

	ck_assert_int_eq(bare_try(b, refused[_i].ev), -EINVAL);
	ck_assert_str_eq(b->err.text, refused[_i].says);
	ck_assert_uint_eq(b->n, 0);
	same_state(b, &s);
	/* Nothing of it comes up with the next event. */
	bare_do(b, (struct event){.op = EV_MARK}, 0);
	bare_do(b, ev_write(0, 20, 1), 1);
	bare_saw(&b->fx[0], 0, 20, FXF_CONTENT, CONTENT_NONE, 1);
	bare_free(b);
}
END_TEST

START_TEST(marks_and_store_operations_are_nothing_to_the_machine)
{
	struct bare *b = furnished();
	struct state s = state_of(b);
	struct event store = ev_range(EV_POOL, 0, 99, 99);

	bare_do(b, ev_range(EV_MARK, 99, 99, 99), 0);
	bare_do(b, store, 1);
	store.op = EV_OBJECT;
	bare_do(b, store, 1);
	store = ev_range(EV_POOL, 0, 99, 99);
	store.object = 0;
	for (unsigned op = EV_PUT; op < EVENT_OP_COUNT; op++) {
		store.op = (uint8_t)op;
		bare_do(b, store, 1);
	}
	store.op = EV_POOL_END;
	bare_do(b, store, 1);
	same_state(b, &s);
	bare_free(b);
}
END_TEST

/* ---- limits ---- */

START_TEST(more_pages_than_the_limit_are_refused)
{
	struct machine_config cfg = {.max_pages = 1024};
	struct bare *b = bare_new(&cfg);

	bare_do(b, ev_space(0), 1);
	bare_do(b, ev_map(0, 0, VPN_MAX + 1, 0), 0);
	bare_do(b, ev_write(0, 0, 1), 1);
	bare_do(b, ev_write(0, 1000000, 1), 1);
	bare_do(b, ev_write(0, 1000001, 1), 1);
	/* All of it is in use, but nobody asked for more. */
	ck_assert(!machine_full(b->m));
	ck_assert_int_eq(bare_try(b, ev_write(0, 5000, 1)), -ENOMEM);
	ck_assert(machine_full(b->m));
	ck_assert_int_eq(bare_try(b, ev_range(EV_READ, 0, 5000, 1)), -ENOMEM);
	ck_assert(machine_full(b->m));
	ck_assert_int_eq(bare_try(b, ev_fork(1, 0)), -ENOMEM);
	ck_assert(machine_full(b->m));
	ck_assert_int_eq(machine_check(b->m, stderr), 0);
	ck_assert_uint_eq(machine_frames(b->m), 3);
	/* An exit makes room again. */
	bare_do(b, ev_exit(1), 1);
	bare_do(b, ev_exit(0), 4);
	bare_do(b, ev_space(2), 1);
	bare_do(b, ev_map(2, 5000, 1, 0), 0);
	bare_do(b, ev_write(2, 5000, 1), 1);
	bare_free(b);
}
END_TEST

/* A machine of one page table, while allocations fail; more does not fit. */
static int one_table(void *ctx)
{
	struct machine_config cfg = {.max_pages = CHUNK_PAGES};
	struct event ev[] = {ev_space(0), ev_map(0, 0, 5000, 0),
			     ev_write(0, 0, 1)};
	struct machine *m = NULL;
	struct err err = {.text = ""};
	int ret = machine_new(&m, &cfg);

	for (size_t i = 0; !ret && i < sizeof(ev) / sizeof(ev[0]); i++)
		ret = machine_apply(m, &ev[i], &err);
	*(unsigned *)ctx += m && ret == -ENOMEM && !machine_full(m);
	if (m && ret)
		ck_assert(!machine_full(m));
	if (!ret) {
		fail_mem_off();
		ev[2] = ev_write(0, 4000, 1);
		ck_assert_int_eq(machine_apply(m, &ev[2], &err), -ENOMEM);
		ck_assert(machine_full(m));
	}
	machine_free(m);
	return ret;
}

START_TEST(lack_of_memory_is_not_a_full_machine)
{
	unsigned other = 0;

	ck_assert_uint_gt(fail_mem_walk(one_table, &other), 5);
	ck_assert_uint_ge(other, 3);
}
END_TEST

static void tells(struct bare *b, struct event ev, const char *says)
{
	struct machine was = *b->m;

	ck_assert_int_eq(bare_try(b, ev), -EINVAL);
	ck_assert_str_eq(b->err.text, says);
	ck_assert_uint_eq(b->n, 0);
	ck_assert_uint_eq(b->m->nspace, was.nspace);
	ck_assert_uint_eq(b->m->mapped, was.mapped);
	ck_assert_uint_eq(b->m->npin, was.npin);
	ck_assert_uint_eq(b->m->ranges, was.ranges);
	ck_assert_uint_eq(b->m->share.count, was.share.count);
}

START_TEST(more_extra_references_than_the_limit_are_refused)
{
	static const char says[] = "more than 1048576 extra references";
	struct bare *b = bare_new(NULL);
	struct event ev = ev_map(0, 0, MACHINE_MAX_PINS + HUGE_PAGES, EVF_HUGE);

	bare_do(b, ev_space(0), 1);
	bare_do(b, ev, 0);
	for (uint64_t v = 0; v < MACHINE_MAX_PINS; v += HUGE_PAGES) {
		ev = ev_write(0, v, 1);
		ck_assert_int_eq(machine_apply(b->m, &ev, &b->err), 0);
	}
	bare_do(b, ev_range(EV_PIN, 0, 0, 1), 0);
	/* All of them, or none. */
	tells(b, ev_range(EV_PIN, 0, 0, MACHINE_MAX_PINS), says);
	bare_do(b, ev_range(EV_PIN, 0, 1, MACHINE_MAX_PINS - 1), 0);
	ck_assert_uint_eq(b->m->npin, MACHINE_MAX_PINS);
	tells(b, ev_range(EV_PIN, 0, 7, 1), says);
	/* Pages that are not there count for nothing. */
	bare_do(b, ev_range(EV_PIN, 0, MACHINE_MAX_PINS, 9), 0);
	bare_do(b, ev_range(EV_UNPIN, 0, 7, 1), 0);
	bare_do(b, ev_range(EV_PIN, 0, 9, 1), 0);
	tells(b, ev_range(EV_PIN, 0, 7, 1), says);
	bare_free(b);
}
END_TEST

START_TEST(more_ranges_than_the_limit_are_refused)
{
	static const char says[] =
		"more than 4194304 mapped ranges in all spaces";
	const uint64_t each = 4096;
	const uint32_t spaces = (uint32_t)(MACHINE_MAX_RANGES / each);
	struct bare *b = bare_new(NULL);
	struct event ev;

	bare_do(b, ev_space(0), 1);
	for (uint64_t i = 0; i < each; i++) {
		ev = ev_map(0, 4 * i, 3, 0);
		ck_assert_int_eq(machine_apply(b->m, &ev, &b->err), 0);
	}
	for (uint32_t s = 1; s < spaces; s++) {
		ev = ev_fork(s, 0);
		ck_assert_int_eq(machine_apply(b->m, &ev, &b->err), 0);
	}
	ck_assert_uint_eq(b->m->ranges, MACHINE_MAX_RANGES);
	tells(b, ev_map(1, 4 * each, 1, 0), says);
	tells(b, ev_fork(spaces, 0), says);
	/* A hole and advice in the middle of a range would make more of it. */
	tells(b, ev_range(EV_UNMAP, 1, 1, 1), says);
	tells(b, ev_advise(1, 1, 1, true), says);
	ck_assert_uint_eq(b->m->space[1].nrange, each);
	ck_assert_uint_eq(b->m->space[1].mergeable, 0);
	/* What makes no range goes on; an exit gives back what it had. */
	bare_do(b, ev_space(spaces), 1);
	bare_do(b, ev_write(1, 1, 1), 1);
	bare_do(b, ev_exit(2), 1);
	ck_assert_uint_eq(b->m->ranges, MACHINE_MAX_RANGES - each);
	bare_do(b, ev_advise(1, 1, 1, true), 2);
	bare_do(b, ev_range(EV_UNMAP, 1, 1, 1), 1);
	ck_assert_uint_eq(b->m->ranges, MACHINE_MAX_RANGES - each + 1);
	tells(b, ev_fork(spaces + 1, 1), says);
	bare_do(b, ev_range(EV_UNMAP, 1, 0, 8), 0);
	ck_assert_uint_eq(b->m->ranges, MACHINE_MAX_RANGES - each - 2);
	bare_do(b, ev_fork(spaces + 1, 1), 1);
	bare_free(b);
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
	struct bare *b = furnished();
	char text[200] = "";
	FILE *why = fmemopen(text, sizeof(text), "w");

	ck_assert_ptr_nonnull(why);
	b->m->mapped++;
	ck_assert_int_eq(machine_check(b->m, why), -EINVAL);
	b->m->mapped--;
	bare_pte(b, 0, 3)->flags ^= PTE_MERGEABLE;
	ck_assert_int_eq(machine_check(b->m, why), -EINVAL);
	bare_pte(b, 0, 3)->flags ^= PTE_MERGEABLE;
	b->m->frames->used++;
	ck_assert_int_eq(machine_check(b->m, NULL), -EINVAL);
	b->m->frames->used--;
	fclose(why);
	ck_assert_str_eq(text, "machine: counters and page tables disagree\n"
			       "machine: pte 515 unlike its range\n");
	bare_free(b);
}
END_TEST

static Suite *machine_suite(void)
{
	Suite *s = suite_create("machine refusals");
	TCase *t = tcase_create("refusals");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, a_refused_event_says_why_and_changes_nothing, 0,
			    sizeof(refused) / sizeof(refused[0]));
	tcase_add_test(t,
		       marks_and_store_operations_are_nothing_to_the_machine);
	tcase_add_test(t, more_pages_than_the_limit_are_refused);
	tcase_add_test(t, lack_of_memory_is_not_a_full_machine);
	tcase_add_test(t, more_extra_references_than_the_limit_are_refused);
	tcase_add_test(t, more_ranges_than_the_limit_are_refused);
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
