/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Recorded histories of real threads are linearizable: for each, there is an
 * order of the operations, each at some moment between its call and its return,
 * in which a plain count per key gives the answers that the tree gave.
 *
 * Operations on different keys commute, so each key has a history of its own.
 * The search is Wing and Gong's, remembering where it has been: the next in the
 * order is one that was called before any other, still to come, had returned.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "sim/base/prng.h"
#include "sim/engine/pageone/rcu.h"
#include "sim/engine/pageone/sdtree.h"
#include "tests/support/lock_reclaim.h"
#include "tests/support/main.h"

#define THREADS 4u
#define OPS 24u /* of one thread in one round; positions fit in a byte */
#define KEYS 6u
#define SEEN (1u << 16)

enum what { INSERT, DELETE, FIND };

struct op {
	enum what what;
	uint32_t key, value; /* value: to be stored */
	int ret;	     /* the answer; FIND: the count */
	uint32_t stored;     /* UINT32_MAX: none was given */
	uint64_t called, returned;
};

/* ---- the checker ---- */

struct history {
	struct op op[THREADS][OPS];
	unsigned n[THREADS];
};

struct state {
	uint32_t refs, value;
};

struct checker {
	const struct history *h;
	uint64_t seen[SEEN]; /* positions and values; 0: empty */
	uint32_t used;
	bool full;
};

/* Is this the answer there?  The state after it, in @s. */
static bool answers(const struct op *o, struct state *s)
{
	bool there = s->refs > 0;
	uint32_t stored = there ? s->value : UINT32_MAX;
	int ret;

	switch (o->what) {
	case INSERT:
		ret = there ? SD_DUP : SD_NEW;
		if (!there)
			s->value = stored = o->value;
		s->refs++;
		break;
	case DELETE:
		ret = s->refs > 1 ? SD_KEPT : there ? SD_LAST : -ENOENT;
		s->refs -= there;
		break;
	case FIND:
	default:
		ret = (int)s->refs;
		break;
	}
	return o->ret == ret && o->stored == stored;
}

/* Was the search here before?  It is now. */
static bool been(struct checker *c, const unsigned *at, uint32_t value)
{
	uint64_t x = 0, i;

	for (unsigned t = 0; t < THREADS; t++)
		x = x << 8 | at[t];
	x = (x << 32 | value) + 1;
	for (i = splitmix64(x) % SEEN; c->seen[i]; i = (i + 1) % SEEN)
		if (c->seen[i] == x)
			return true;
	c->full = ++c->used > SEEN - 2;
	c->seen[i] = x;
	return false;
}

static bool order_from(struct checker *c, unsigned *at, struct state s)
{
	uint64_t first = UINT64_MAX;
	bool left = false;

	if (c->full || been(c, at, s.value))
		return false;
	for (unsigned t = 0; t < THREADS; t++)
		if (at[t] < c->h->n[t]) {
			uint64_t r = c->h->op[t][at[t]].returned;

			first = r < first ? r : first;
			left = true;
		}
	if (!left)
		return true;
	for (unsigned t = 0; t < THREADS; t++) {
		const struct op *o = &c->h->op[t][at[t]];
		struct state next = s;
		bool ok;

		if (at[t] == c->h->n[t] || o->called > first ||
		    !answers(o, &next))
			continue;
		at[t]++;
		ok = order_from(c, at, next);
		at[t]--;
		if (ok)
			return true;
	}
	return false;
}

static bool linearizable(const struct history *h, struct state before)
{
	struct checker *c = calloc(1, sizeof(*c));
	unsigned at[THREADS] = {0};
	bool ok;

	ck_assert_ptr_nonnull(c);
	c->h = h;
	ok = order_from(c, at, before);
	ck_assert(!c->full);
	free(c);
	return ok;
}

/* ---- the checker checked ---- */

#define NONE UINT32_MAX

static const struct known {
	bool ok;
	const char *why;
	struct op op[4]; /* each of a thread of its own */
	unsigned n;
} known[] = {
	{true,
	 "one after the other",
	 {{INSERT, 0, 7, SD_NEW, 7, 1, 2},
	  {DELETE, 0, 0, SD_LAST, 7, 3, 4},
	  {FIND, 0, 0, 0, NONE, 5, 6}},
	 3},
	{false,
	 "new twice, nothing deleted",
	 {{INSERT, 0, 7, SD_NEW, 7, 1, 2}, {INSERT, 0, 8, SD_NEW, 8, 3, 4}},
	 2},
	{false,
	 "new twice, at the same time",
	 {{INSERT, 0, 7, SD_NEW, 7, 1, 3}, {INSERT, 0, 8, SD_NEW, 8, 2, 4}},
	 2},
	{true,
	 "new twice, a delete overlaps both",
	 {{INSERT, 0, 7, SD_NEW, 7, 1, 4},
	  {INSERT, 0, 8, SD_NEW, 8, 2, 6},
	  {DELETE, 0, 0, SD_LAST, 7, 3, 5}},
	 3},
	{false,
	 "the delete took what was stored later",
	 {{INSERT, 0, 7, SD_NEW, 7, 1, 2},
	  {INSERT, 0, 8, SD_NEW, 8, 5, 6},
	  {DELETE, 0, 0, SD_LAST, 8, 3, 4}},
	 3},
	{false,
	 "gone after it was found by who came later",
	 {{INSERT, 0, 7, SD_NEW, 7, 1, 8},
	  {FIND, 0, 0, 1, 7, 2, 3},
	  {FIND, 0, 0, 0, NONE, 4, 5}},
	 3},
	{false,
	 "the value of somebody else",
	 {{INSERT, 0, 7, SD_NEW, 7, 1, 2}, {INSERT, 0, 8, SD_DUP, 8, 3, 4}},
	 2},
	{false,
	 "a count too low",
	 {{INSERT, 0, 7, SD_NEW, 7, 1, 2},
	  {INSERT, 0, 8, SD_DUP, 7, 3, 4},
	  {DELETE, 0, 0, SD_LAST, 7, 5, 6}},
	 3},
};

#define KNOWN (int)(sizeof(known) / sizeof(known[0]))

START_TEST(histories_that_are_known_are_told_apart)
{
	const struct known *k = &known[_i];
	struct history h = {0};

	for (unsigned i = 0; i < k->n; i++) {
		h.op[i][0] = k->op[i];
		h.n[i] = 1;
	}
	ck_assert_msg(linearizable(&h, (struct state){0, 0}) == k->ok, "%s",
		      k->why);
}
END_TEST

/* ---- histories of the tree ---- */

struct crew;

struct hand {
	struct crew *crew;
	struct prng r;
	unsigned number;
	struct op op[OPS];
};

struct crew {
	struct sdtree *tree;
	unsigned threads;
	uint32_t keys, rounds;
	uint8_t key[KEYS][2];
	pthread_barrier_t gate;
	_Atomic uint64_t time;
	atomic_uint pauses;
	struct hand hand[THREADS];
	struct state state[KEYS]; /* before the round */
	uint64_t overlaps;
	char wrong[100];
};

static void stop_for_others(void *ctx)
{
	struct crew *c = ctx;
	unsigned n =
		atomic_fetch_add_explicit(&c->pauses, 1, memory_order_relaxed);

	if (splitmix64(n) % 4 == 0)
		sched_yield();
}

static void operate(struct crew *c, struct sd_thread *th, struct op *o)
{
	struct sd_key key = {.bytes = c->key[o->key]};

	o->stored = UINT32_MAX;
	o->called = atomic_fetch_add(&c->time, 1);
	if (o->what == INSERT)
		o->ret = sdtree_insert(th, key, o->value, &o->stored);
	else if (o->what == DELETE)
		o->ret = sdtree_delete(th, key, &o->stored);
	else
		o->ret = (int)sdtree_find(th, key, &o->stored);
	o->returned = atomic_fetch_add(&c->time, 1);
}

/* Each key's part of the round. */
static void judge(struct crew *c, struct sd_thread *th, uint32_t round)
{
	for (uint32_t k = 0; k < c->keys; k++) {
		struct history h = {0};
		uint32_t value = 0;

		for (unsigned t = 0; t < c->threads; t++)
			for (unsigned i = 0; i < OPS; i++)
				if (c->hand[t].op[i].key == k)
					h.op[t][h.n[t]++] = c->hand[t].op[i];
		if (!linearizable(&h, c->state[k]))
			snprintf(c->wrong, sizeof(c->wrong),
				 "no order for key %u of round %u", k, round);
		c->state[k].refs = sdtree_find(
			th, (struct sd_key){.bytes = c->key[k]}, &value);
		c->state[k].value = value;
	}
	for (unsigned i = 0; i < OPS; i++)
		for (unsigned j = 0; j < OPS; j++)
			c->overlaps += c->hand[0].op[i].called <
					       c->hand[1].op[j].returned &&
				       c->hand[1].op[j].called <
					       c->hand[0].op[i].returned;
}

static void *run(void *arg)
{
	struct hand *h = arg;
	struct crew *c = h->crew;
	struct sd_thread *th;

	if (sdtree_join(c->tree, &th))
		abort();
	for (uint32_t round = 0; round < c->rounds; round++) {
		for (unsigned i = 0; i < OPS; i++) {
			uint64_t x = prng_below(&h->r, 16);

			h->op[i] = (struct op){
				.what = x < 6	 ? INSERT
					: x < 14 ? DELETE
						 : FIND,
				.key = (uint32_t)prng_below(&h->r, c->keys),
				.value = round << 8 | h->number << 5 | i};
		}
		pthread_barrier_wait(&c->gate);
		for (unsigned i = 0; i < OPS; i++)
			operate(c, th, &h->op[i]);
		pthread_barrier_wait(&c->gate);
		if (!h->number)
			judge(c, th, round);
		pthread_barrier_wait(&c->gate);
	}
	sdtree_part(th);
	return NULL;
}

static struct sd_rcu rcu;
static struct lock_reclaim lock;

static const struct {
	unsigned threads;
	uint32_t keys;
} shapes[] = {{2, 1}, {2, 2}, {3, 2}, {4, 2}, {4, 3}, {3, KEYS}};

#define SHAPES (int)(sizeof(shapes) / sizeof(shapes[0]))

START_TEST(every_recorded_history_has_an_order)
{
	struct crew *c = calloc(1, sizeof(*c));
	struct sdtree_conf conf = {.key_bits = 16,
				   .max_objects = 100,
				   .ctx = c,
				   .poison = true,
				   .pause = stop_for_others};
	uint64_t seed = test_seed(1);
	pthread_t t[THREADS];

	ck_assert_ptr_nonnull(c);
	if (_i < SHAPES) {
		sd_rcu_init(&rcu);
		conf.reclaim = &rcu.reclaim;
	} else {
		lock_reclaim_init(&lock);
		conf.reclaim = &lock.reclaim;
	}
	c->threads = shapes[_i % SHAPES].threads;
	c->keys = shapes[_i % SHAPES].keys;
	c->rounds = 120;
	ck_assert_int_eq(sdtree_new(&c->tree, &conf), 0);
	/* near and far from each other */
	for (uint32_t k = 0; k < KEYS; k++) {
		c->key[k][0] = (uint8_t)(k & 1 ? 0x80 : 0);
		c->key[k][1] = (uint8_t)(k / 2 * 3);
	}
	pthread_barrier_init(&c->gate, NULL, c->threads);
	for (unsigned i = 0; i < c->threads; i++) {
		c->hand[i] = (struct hand){.crew = c,
					   .number = i,
					   .r = prng_fork(seed + i, "history")};
		ck_assert_int_eq(pthread_create(&t[i], NULL, run, &c->hand[i]),
				 0);
	}
	for (unsigned i = 0; i < c->threads; i++)
		pthread_join(t[i], NULL);
	pthread_barrier_destroy(&c->gate);
	ck_assert_str_eq(c->wrong, "");
	printf("%u threads, %u keys: %" PRIu64 " pairs overlapped\n",
	       c->threads, c->keys, c->overlaps);
	ck_assert_uint_gt(c->overlaps, 0);
	ck_assert_int_eq(sdtree_check(c->tree, stderr), 0);
	sdtree_free(c->tree);
	if (_i >= SHAPES)
		lock_reclaim_fini(&lock);
	free(c);
}
END_TEST

static TCase *case_of(const char *name, int from)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 240);
	tcase_add_loop_test(tc, every_recorded_history_has_an_order, from,
			    from + SHAPES);
	return tc;
}

static Suite *history_suite(void)
{
	Suite *s = suite_create("sdtree, histories");
	TCase *tc = tcase_create("checker");

	tcase_add_loop_test(tc, histories_that_are_known_are_told_apart, 0,
			    KNOWN);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, case_of("liburcu", 0));
	suite_add_tcase(s, case_of("mutex", SHAPES));
	return s;
}

int main(void)
{
	return check_main(history_suite());
}
