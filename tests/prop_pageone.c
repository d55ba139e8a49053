/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pageone against a model of its table of states that knows nothing else.
 *
 * A frame is a record with its content, its state and how many pages map it; a
 * page is the number of its frame.  Every write, unmapping, fork and exit is one
 * line of the table; a merge scan looks at all frames, and then everything that
 * waits in a queue is done.  After each step every page must be in the state, and
 * have the counts, that the model says, and share its frame with just the pages
 * that it shares it with there.
 */
#include <string.h>

#include "sim/engine/pageone/pageone.h"
#include "tests/support/main.h"
#include "tests/support/rig.h"

#define SPACES 6u
#define PAGES 24u
#define ALL (SPACES * PAGES)
#define FRAMES (4 * ALL)
#define CONTENTS 6u
#define BASE UINT64_C(512)

struct mframe {
	bool used;
	enum pone_state state;
	unsigned v, s, maps;
	uint32_t content;
	bool record; /* a fork has given it a record of its sharers */
	bool copied; /* queued with such a record: its page is read-only */
};

struct model {
	struct mframe frame[FRAMES];
	int page[ALL]; /* its frame; -1: none */
	unsigned spaces;
	bool live[SPACES];
};

static int fresh(struct model *m, uint32_t content)
{
	int f = 0;

	while (m->frame[f].used)
		ck_assert_int_lt(++f, FRAMES);
	m->frame[f] = (struct mframe){.used = true,
				      .state = PONE_VOLATILE,
				      .v = 1,
				      .maps = 1,
				      .content = content};
	return f;
}

static void again(struct mframe *f)
{
	f->state = PONE_VOLATILE;
	f->v += f->v < 7;
}

static bool queued(const struct mframe *f)
{
	return f->state == PONE_ENQUE || f->state == PONE_WATCH_QUE ||
	       f->state == PONE_CHG;
}

static void lose(struct model *m, unsigned page)
{
	struct mframe *f = &m->frame[m->page[page]];

	m->page[page] = -1;
	f->maps--;
	if (queued(f))
		f->state = f->maps ? PONE_CHG : PONE_IDLE;
	else if (!f->maps)
		f->used = false;
	else if (f->state == PONE_WATCH)
		again(f);
}

static bool in_place(const struct mframe *f)
{
	if (f->maps > 1 || f->copied)
		return false;
	return f->state == PONE_VOLATILE || f->state == PONE_WATCH ||
	       f->state == PONE_ENQUE;
}

static void model_write(struct model *m, unsigned page, uint32_t content)
{
	struct mframe *f;

	if (m->page[page] < 0) {
		m->page[page] = fresh(m, content);
		return;
	}
	f = &m->frame[m->page[page]];
	if (!in_place(f)) {
		lose(m, page);
		m->page[page] = fresh(m, content);
		return;
	}
	f->content = content;
	f->record = false; /* whoever writes alone has it alone */
	if (f->state == PONE_WATCH)
		again(f);
}

static void model_fork(struct model *m, unsigned child, unsigned parent)
{
	m->live[child] = true;
	m->spaces++;
	for (unsigned i = 0; i < PAGES; i++) {
		int at = m->page[parent * PAGES + i];
		struct mframe *f;

		m->page[child * PAGES + i] = at;
		if (at < 0)
			continue;
		f = &m->frame[at];
		f->maps++;
		f->record = true;
		if (f->state == PONE_WATCH)
			again(f);
		else if (f->state == PONE_ENQUE || f->state == PONE_WATCH_QUE)
			f->state = PONE_CHG;
	}
}

static void model_scan(struct model *m)
{
	for (struct mframe *f = m->frame; f < m->frame + FRAMES; f++) {
		if (!f->used)
			continue;
		if (f->state == PONE_WATCH) {
			f->state = PONE_WATCH_QUE;
		} else if (f->state == PONE_VOLATILE && f->s < f->v) {
			f->s++;
		} else if (f->state == PONE_VOLATILE) {
			f->s = 0;
			f->state = PONE_ENQUE;
			f->copied = f->record;
		}
	}
}

static void store(struct model *m, int at)
{
	struct mframe *f = &m->frame[at];

	for (int k = 0; k < (int)FRAMES; k++) {
		struct mframe *to = &m->frame[k];

		if (!to->used || to->state != PONE_FIX ||
		    to->content != f->content)
			continue;
		to->maps++;
		for (unsigned i = 0; i < ALL; i++)
			if (m->page[i] == at)
				m->page[i] = k;
		f->used = false;
		return;
	}
	f->state = PONE_FIX;
}

static void model_work(struct model *m)
{
	for (int i = 0; i < (int)FRAMES; i++) {
		struct mframe *f = &m->frame[i];

		if (!f->used)
			continue;
		if (f->state == PONE_IDLE)
			f->used = false;
		if (queued(f))
			f->copied = false;
		if (f->state == PONE_CHG)
			f->state = PONE_VOLATILE;
		else if (f->state == PONE_WATCH_QUE)
			store(m, i);
		if (f->state != PONE_ENQUE)
			continue;
		again(f);
		if (f->maps == 1)
			f->state = PONE_WATCH;
	}
}

/* ---- side by side ---- */

static void compare(const struct rig *r, const struct model *m)
{
	const struct pageone *p = (const struct pageone *)r->engine;
	uint64_t used = 0, fix = 0;
	uint32_t frame[ALL];

	for (unsigned i = 0; i < ALL; i++) {
		const struct mframe *f;
		uint32_t pte = i / PAGES < m->spaces
				       ? machine_find(r->machine, i / PAGES,
						      BASE + i % PAGES)
				       : 0;
		const struct pte *q = &r->machine->pte[pte];

		if (m->page[i] < 0) {
			ck_assert(!pte || !(q->flags & PTE_PRESENT));
			continue;
		}
		ck_assert(pte && q->flags & PTE_PRESENT);
		f = &m->frame[m->page[i]];
		frame[i] = machine_frame_of(r->machine, q);
		ck_assert_int_eq(pone_state(p, frame[i]), f->state);
		ck_assert_uint_eq(p->frame[frame[i]].v,
				  f->state == PONE_FIX ? p->frame[frame[i]].v
						       : f->v);
		if (f->state != PONE_FIX)
			ck_assert_uint_eq(p->frame[frame[i]].s, f->s);
		for (unsigned k = 0; k < i; k++)
			if (m->page[k] >= 0)
				ck_assert_int_eq(frame[k] == frame[i],
						 m->page[k] == m->page[i]);
	}
	for (unsigned i = 0; i < FRAMES; i++) {
		used += m->frame[i].used;
		fix += m->frame[i].used && m->frame[i].state == PONE_FIX;
	}
	ck_assert_uint_eq(machine_frames(r->machine), used);
	ck_assert_uint_eq(p->objects, fix);
}

static void guest(struct rig *r, struct model *m, unsigned space)
{
	rig_do(r, ev_space(space));
	rig_do(r, ev_map(space, BASE, PAGES, EVF_MERGEABLE));
	m->live[space] = true;
	m->spaces++;
}

static void happen(struct rig *r, struct model *m, struct prng *rnd)
{
	unsigned space = (unsigned)prng_below(rnd, m->spaces);
	unsigned i = (unsigned)prng_below(rnd, PAGES);
	unsigned page = space * PAGES + i;
	uint64_t dice = prng_below(rnd, 100);
	uint32_t content;

	if (!m->live[space])
		return;
	if (dice < 80) {
		content = (uint32_t)prng_below(rnd, CONTENTS);
		rig_do(r, ev_write(space, BASE + i, content));
		model_write(m, page, content);
	} else if (dice < 96) {
		rig_do(r, ev_range(EV_FREE, space, BASE + i, 1));
		if (m->page[page] >= 0)
			lose(m, page);
	} else if (m->spaces < SPACES) {
		rig_do(r, ev_fork(m->spaces, space));
		model_fork(m, m->spaces, space);
	} else if (space && dice == 99) {
		rig_do(r, ev_exit(space));
		m->live[space] = false;
		for (i = 0; i < PAGES; i++)
			if (m->page[space * PAGES + i] >= 0)
				lose(m, space * PAGES + i);
	}
}

static void walk(struct rig *r)
{
	struct pageone *p = (struct pageone *)r->engine;
	uint64_t walks = p->walks;

	while (p->walks == walks)
		ck_assert_int_eq(rig_turn(r), 0);
}

/* The timer, if there is anything for it to do. */
static void work(struct rig *r)
{
	const struct pageone *p = (const struct pageone *)r->engine;

	if (!ns_is_never(p->next_tick))
		ck_assert_int_eq(rig_turn(r), 0);
	ck_assert_uint_eq(p->insert.n, 0);
}

static void play(uint64_t seed, const char *workers, unsigned busy)
{
	const char *const set[] = {
		"base_period", "1s",	  "merge_period", "1s", "timer_period",
		"500ms",       "workers", workers,	  NULL};
	struct prng rnd = prng_fork(seed, "pageone");
	struct model m = {.spaces = 0};
	struct rig r;

	for (unsigned i = 0; i < ALL; i++)
		m.page[i] = -1;
	rig_init(&r, "pageone", RULE_KEY, CONTENTS, set);
	guest(&r, &m, 0);
	guest(&r, &m, 1);
	for (unsigned scan = 0; scan < 60; scan++) {
		for (uint64_t n = prng_below(&rnd, busy); n--;)
			happen(&r, &m, &rnd);
		walk(&r);
		model_scan(&m);
		compare(&r, &m);
		for (uint64_t n = prng_below(&rnd, busy); n--;)
			happen(&r, &m, &rnd);
		compare(&r, &m);
		work(&r);
		model_work(&m);
		compare(&r, &m);
		rig_check(&r);
	}
	rig_fini(&r);
}

START_TEST(every_page_is_in_the_state_that_the_table_says)
{
	static const char *const workers[] = {"1", "3"};
	uint64_t seed = test_seed(1);

	for (uint64_t k = 0; k < 60; k++)
		play(seed + k, workers[k % 2], 2 + 9 * (unsigned)(k % 5));
}
END_TEST

static Suite *pageone_suite(void)
{
	Suite *s = suite_create("pageone by its table");
	TCase *t = tcase_create("table");

	tcase_set_timeout(t, 300);
	tcase_add_test(t, every_page_is_in_the_state_that_the_table_says);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(pageone_suite());
}
