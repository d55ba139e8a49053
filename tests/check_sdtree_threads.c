/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several real threads on one tree.  Every page that is inserted is a copy of
 * its own, freed as soon as the tree lets go of it (or at once, if the content
 * was there), so that a read too late is a read of freed memory.
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

#define THREADS_MAX 4u
#define KEYS_MAX 4096u
#define KEY_BYTES 16u

/* What one thread saw happen to one key. */
struct seen {
	uint32_t news, dups, kept, lasts;
};

struct crew;

struct hand {
	struct crew *crew;
	struct prng r;
	unsigned number;
	uint32_t bad;
	struct seen seen[KEYS_MAX];
	struct sdtree_stats stats;
};

struct crew {
	struct sdtree *tree;
	unsigned threads;
	uint32_t keys, steps;
	void (*work)(struct hand *h, struct sd_thread *th);
	pthread_barrier_t start;
	atomic_uint released, made, pauses;
	struct hand hand[THREADS_MAX];
};

/* A key whose bits are all over its bytes. */
static void key_fill(uint8_t *key, uint32_t k)
{
	for (uint32_t i = 0; i < KEY_BYTES; i++)
		key[i] = (uint8_t)(k % 7 == i ? k >> 3 : 0);
	key[KEY_BYTES - 2] = (uint8_t)(k >> 8);
	key[KEY_BYTES - 1] = (uint8_t)k;
}

static void release(void *ctx, struct sd_key key, uint32_t value)
{
	struct crew *c = ctx;
	uint8_t *page = (uint8_t *)(uintptr_t)key.bytes;

	(void)value;
	atomic_fetch_add(&c->released, 1);
	memset(page, 0xdb, KEY_BYTES);
	free(page);
}

/* Let others in now and then; on a busy machine it takes long to come back. */
static void stop_for_others(void *ctx)
{
	struct crew *c = ctx;
	unsigned n =
		atomic_fetch_add_explicit(&c->pauses, 1, memory_order_relaxed);

	if (splitmix64(n) % 8 == 0)
		sched_yield();
}

static void insert(struct hand *h, struct sd_thread *th, uint32_t k)
{
	uint8_t *page = malloc(KEY_BYTES);
	uint32_t stored = UINT32_MAX;
	int ret;

	if (!page) {
		h->bad++;
		return;
	}
	key_fill(page, k);
	ret = sdtree_insert(th, (struct sd_key){.bytes = page}, k, &stored);
	h->bad += ret < 0 || stored != k;
	if (ret == SD_NEW) {
		h->seen[k].news++;
		atomic_fetch_add_explicit(&h->crew->made, 1,
					  memory_order_relaxed);
	} else {
		h->seen[k].dups++;
		free(page);
	}
}

static int delete (struct hand *h, struct sd_thread *th, uint32_t k)
{
	uint8_t page[KEY_BYTES];
	uint32_t stored = k;
	int ret;

	key_fill(page, k);
	ret = sdtree_delete(th, (struct sd_key){.bytes = page}, &stored);
	h->seen[k].kept += ret == SD_KEPT;
	h->seen[k].lasts += ret == SD_LAST;
	h->bad += (ret < 0 && ret != -ENOENT) || stored != k;
	return ret;
}

static void *run(void *arg)
{
	struct hand *h = arg;
	struct sd_thread *th;

	if (sdtree_join(h->crew->tree, &th)) {
		h->bad++;
		return NULL;
	}
	pthread_barrier_wait(&h->crew->start);
	h->crew->work(h, th);
	h->stats = *sdtree_stats(th);
	sdtree_part(th);
	return NULL;
}

/* ---- reclaimers ---- */

static struct sd_rcu rcu;
static struct lock_reclaim lock;

static struct sd_reclaim *reclaimer(int which)
{
	if (which) {
		lock_reclaim_init(&lock);
		return &lock.reclaim;
	}
	sd_rcu_init(&rcu);
	return &rcu.reclaim;
}

static struct crew *crew_new(int which, unsigned threads, uint32_t keys)
{
	struct crew *c = calloc(1, sizeof(*c));
	uint64_t seed = test_seed(1);
	struct sdtree_conf conf = {.key_bits = 8 * KEY_BYTES,
				   .max_objects = KEYS_MAX,
				   .reclaim = reclaimer(which),
				   .release = release,
				   .ctx = c,
				   .poison = true,
				   .pause = stop_for_others};

	ck_assert_ptr_nonnull(c);
	c->threads = threads;
	c->keys = keys;
	ck_assert_int_eq(sdtree_new(&c->tree, &conf), 0);
	for (unsigned i = 0; i < threads; i++) {
		c->hand[i].crew = c;
		c->hand[i].number = i;
		c->hand[i].r = prng_fork(seed + i, "threads");
	}
	return c;
}

static void crew_run(struct crew *c,
		     void (*work)(struct hand *h, struct sd_thread *th),
		     uint32_t steps)
{
	pthread_t t[THREADS_MAX];

	c->work = work;
	c->steps = steps;
	pthread_barrier_init(&c->start, NULL, c->threads);
	for (unsigned i = 0; i < c->threads; i++)
		ck_assert_int_eq(pthread_create(&t[i], NULL, run, &c->hand[i]),
				 0);
	for (unsigned i = 0; i < c->threads; i++)
		pthread_join(t[i], NULL);
	pthread_barrier_destroy(&c->start);
	for (unsigned i = 0; i < c->threads; i++)
		ck_assert_uint_eq(c->hand[i].bad, 0);
	ck_assert_int_eq(sdtree_check(c->tree, stderr), 0);
}

static struct seen total(const struct crew *c, uint32_t k)
{
	struct seen sum = {0};

	for (unsigned i = 0; i < c->threads; i++) {
		const struct seen *s = &c->hand[i].seen[k];

		sum.news += s->news;
		sum.dups += s->dups;
		sum.kept += s->kept;
		sum.lasts += s->lasts;
	}
	return sum;
}

struct left {
	struct crew *c;
	uint32_t refs[KEYS_MAX];
};

static int see(void *ctx, struct sd_key key, uint32_t refs, uint32_t value,
	       int branch)
{
	struct left *l = ctx;
	uint8_t want[KEY_BYTES];

	(void)branch;
	key_fill(want, value);
	ck_assert_mem_eq(key.bytes, want, KEY_BYTES);
	ck_assert_uint_eq(l->refs[value], 0);
	l->refs[value] = refs;
	return 0;
}

/* What is stored is what the answers of all threads add up to. */
static void check_left(struct crew *c)
{
	struct left *l = calloc(1, sizeof(*l));

	ck_assert_ptr_nonnull(l);
	l->c = c;
	ck_assert_int_eq(sdtree_walk(c->tree, see, l), 0);
	for (uint32_t k = 0; k < c->keys; k++) {
		struct seen s = total(c, k);

		ck_assert_uint_eq(s.news + s.dups - s.kept - s.lasts,
				  l->refs[k]);
		ck_assert_uint_eq(s.news - s.lasts, l->refs[k] > 0);
	}
	free(l);
}

static void crew_free(struct crew *c, int which)
{
	uint64_t fails = 0, helps = 0;

	for (unsigned i = 0; i < c->threads; i++) {
		fails += c->hand[i].stats.cas_fail;
		helps += c->hand[i].stats.helps;
	}
	printf("%u threads, %u keys: %u stored in all, %" PRIu64
	       " lost swaps, %" PRIu64 " cuts\n",
	       c->threads, c->keys, (unsigned)c->made, fails, helps);
	sdtree_free(c->tree);
	ck_assert_uint_eq(c->released, c->made);
	if (which)
		lock_reclaim_fini(&lock);
	free(c);
}

/* ---- what they do ---- */

static void insert_own(struct hand *h, struct sd_thread *th)
{
	uint32_t n = h->crew->threads;

	for (uint32_t k = h->number; k < h->crew->keys; k += n)
		insert(h, th, k);
}

static void insert_all(struct hand *h, struct sd_thread *th)
{
	uint32_t n = h->crew->keys, from = (uint32_t)prng_below(&h->r, n);

	for (uint32_t i = 0; i < n; i++)
		insert(h, th, (from + i) % n);
}

static void delete_all(struct hand *h, struct sd_thread *th)
{
	for (uint32_t k = 0; k < h->crew->keys; k++)
		if (delete (h, th, k) == -ENOENT)
			h->bad++;
}

static void delete_own(struct hand *h, struct sd_thread *th)
{
	uint32_t n = h->crew->threads, k = (h->number + 1) % n;

	for (; k < h->crew->keys; k += n)
		if (delete (h, th, k) != SD_LAST)
			h->bad++;
}

static void mix(struct hand *h, struct sd_thread *th)
{
	for (uint32_t i = 0; i < h->crew->steps; i++) {
		uint32_t k = (uint32_t)prng_below(&h->r, h->crew->keys);

		/* counts stay near 0, where things happen */
		if (prng_below(&h->r, 5) < 2)
			insert(h, th, k);
		else
			delete (h, th, k);
	}
}

START_TEST(disjoint_keys_are_all_stored_and_all_taken_out)
{
	struct crew *c = crew_new(_i, 4, KEYS_MAX);

	crew_run(c, insert_own, 0);
	check_left(c);
	for (uint32_t k = 0; k < c->keys; k++)
		ck_assert_uint_eq(total(c, k).news, 1);
	crew_run(c, delete_own, 0);
	check_left(c);
	for (uint32_t k = 0; k < c->keys; k++)
		ck_assert_uint_eq(total(c, k).lasts, 1);
	crew_free(c, _i);
}
END_TEST

START_TEST(of_identical_keys_one_insert_each_is_new)
{
	struct crew *c = crew_new(_i, 4, 1000);

	for (uint32_t round = 1; round < 6; round++) {
		crew_run(c, insert_all, 0);
		for (uint32_t k = 0; k < c->keys; k++) {
			ck_assert_uint_eq(total(c, k).news, round);
			ck_assert_uint_eq(total(c, k).dups, 3 * round);
		}
		check_left(c);
		crew_run(c, delete_all, 0);
		for (uint32_t k = 0; k < c->keys; k++)
			ck_assert_uint_eq(total(c, k).lasts, round);
		check_left(c);
	}
	crew_free(c, _i);
}
END_TEST

static const struct {
	unsigned threads;
	uint32_t keys;
} mixes[] = {{2, 1}, {2, 2}, {4, 3}, {3, 8}, {4, 64}, {4, KEYS_MAX}};

#define MIXES (int)(sizeof(mixes) / sizeof(mixes[0]))

START_TEST(overlapping_inserts_and_deletes_add_up)
{
	int which = _i / MIXES;
	struct crew *c = crew_new(which, mixes[_i % MIXES].threads,
				  mixes[_i % MIXES].keys);

	crew_run(c, mix, which ? 6000 : 15000);
	check_left(c);
	crew_free(c, which);
}
END_TEST

/* The same under both; `make tsan` runs the second without suppressions. */
static TCase *case_of(const char *name, int which)
{
	TCase *tc = tcase_create(name);

	tcase_set_timeout(tc, 240);
	tcase_add_loop_test(tc, disjoint_keys_are_all_stored_and_all_taken_out,
			    which, which + 1);
	tcase_add_loop_test(tc, of_identical_keys_one_insert_each_is_new, which,
			    which + 1);
	tcase_add_loop_test(tc, overlapping_inserts_and_deletes_add_up,
			    which * MIXES, (which + 1) * MIXES);
	return tc;
}

static Suite *threads_suite(void)
{
	Suite *s = suite_create("sdtree, threads");

	suite_add_tcase(s, case_of("liburcu", 0));
	suite_add_tcase(s, case_of("mutex", 1));
	return s;
}

int main(void)
{
	return check_main(threads_suite());
}
