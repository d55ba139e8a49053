/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_sdtree.c - the set of page contents beside what else could hold it
 *
 *	sdtree   the lock-free crit-bit tree, reclaimed by liburcu
 *	one      one red-black tree under one mutex
 *	many     256 of them, by the first byte of the page, a mutex each
 *	hash     a hash table, 256 mutexes: XXH3 of the page finds the chain, a
 *	         compare of the page confirms
 *
 * N pages are stored, copies of them counted up in another order, then all is
 * deleted twice.  "random" pages differ in their first bytes, "last8" in their
 * last eight.  Figures are CPU nanoseconds per operation, the least of some
 * rounds, and how many times that the others take; "speed-up" is wall-clock time
 * of one thread over that of two.  Each round checks what is stored.
 *
 *	bench_sdtree [log2 of N [rounds]]
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/hash.h"
#include "sim/base/os.h"
#include "sim/base/prng.h"
#include "sim/base/rbtree.h"
#include "sim/core/pages.h"
#include "sim/engine/pageone/rcu.h"
#include "sim/engine/pageone/sdtree.h"

#define THREADS 2u
#define LOCKS 256u

enum phase { NEW, DUP, KEPT, LAST, PHASES };
static const char *const phase_name[] = {"new", "copy", "delete",
					 "delete last"};

/* One stored page in a tree or a chain; its number is that of its page + 1. */
struct node {
	struct rb_links links; /* hash: left is the next in the chain */
	uint32_t refs;
	const uint8_t *page;
};

struct locked {
	pthread_mutex_t lock;
	struct rb_tree tree;
};

struct bench {
	uint32_t n;
	uint8_t *page;	 /* n pages, then copies of them */
	uint32_t *order; /* of the copies */
	/* sdtree */
	struct sd_rcu rcu;
	struct sdtree *tree;
	/* the others */
	struct node *node;
	struct locked at[LOCKS];
	uint32_t *chain, chains; /* chains: a power of two */
};

struct set {
	const char *name;
	void (*open)(struct bench *b);
	void (*close)(struct bench *b);
	/* 1: new, or the last one is gone; 0: not; < 0: wrong */
	int (*insert)(struct bench *b, struct sd_thread *th, uint32_t i);
	int (*delete)(struct bench *b, struct sd_thread *th, uint32_t i);
	double (*bytes)(struct bench *b); /* per stored page */
};

static void die(const char *what)
{
	fprintf(stderr, "bench_sdtree: %s\n", what);
	exit(EXIT_FAILURE);
}

static const uint8_t *page_at(const struct bench *b, uint32_t i)
{
	return b->page + (size_t)i * PAGE_BYTES;
}

/* ---- sdtree ---- */

static void sd_open(struct bench *b)
{
	struct sdtree_conf conf = {.key_bits = PAGE_BITS,
				   .max_objects = b->n,
				   .reclaim = &b->rcu.reclaim};

	sd_rcu_init(&b->rcu);
	if (sdtree_new(&b->tree, &conf))
		die("no memory");
}

static void sd_close(struct bench *b)
{
	if (sdtree_check(b->tree, stderr))
		die("the tree is wrong");
	sdtree_free(b->tree);
}

static int sd_insert(struct bench *b, struct sd_thread *th, uint32_t i)
{
	return sdtree_insert(th, (struct sd_key){.bytes = page_at(b, i)}, i,
			     NULL);
}

static int sd_delete(struct bench *b, struct sd_thread *th, uint32_t i)
{
	return sdtree_delete(th, (struct sd_key){.bytes = page_at(b, i)}, NULL);
}

static double sd_bytes(struct bench *b)
{
	return (double)sdtree_bytes(b->tree) / b->n;
}

/* ---- red-black trees ---- */

static void rb_open(struct bench *b)
{
	b->node = calloc(b->n + 1u, sizeof(*b->node));
	if (!b->node)
		die("no memory");
	for (unsigned i = 0; i < LOCKS; i++) {
		pthread_mutex_init(&b->at[i].lock, NULL);
		b->at[i].tree = (struct rb_tree){
			.base = (unsigned char *)&b->node[0].links,
			.stride = sizeof(*b->node)};
	}
}

static void rb_close(struct bench *b)
{
	for (unsigned i = 0; i < LOCKS; i++) {
		if (b->at[i].tree.root)
			die("something is left in a tree");
		pthread_mutex_destroy(&b->at[i].lock);
	}
	free(b->node);
}

/* The page's node, or 0 and the place where it would go. */
static uint32_t rb_find(struct bench *b, struct rb_tree *t, const uint8_t *page,
			uint32_t *parent, uint32_t **link)
{
	*parent = 0;
	*link = &t->root;
	while (**link) {
		uint32_t i = **link;
		int cmp = memcmp(page, b->node[i].page, PAGE_BYTES);

		if (!cmp)
			return i;
		*parent = i;
		*link = cmp < 0 ? &rb_at(t, i)->left : &rb_at(t, i)->right;
	}
	return 0;
}

static int rb_insert_in(struct bench *b, struct locked *l, uint32_t i)
{
	uint32_t parent, *link, found;

	pthread_mutex_lock(&l->lock);
	found = rb_find(b, &l->tree, page_at(b, i), &parent, &link);
	if (found) {
		b->node[found].refs++;
	} else {
		b->node[i + 1].page = page_at(b, i);
		b->node[i + 1].refs = 1;
		rb_insert(&l->tree, i + 1, parent, link);
	}
	pthread_mutex_unlock(&l->lock);
	return !found;
}

static int rb_delete_in(struct bench *b, struct locked *l, uint32_t i)
{
	uint32_t parent, *link, found;
	int ret = -ENOENT;

	pthread_mutex_lock(&l->lock);
	found = rb_find(b, &l->tree, page_at(b, i), &parent, &link);
	if (found) {
		ret = !--b->node[found].refs;
		if (ret)
			rb_erase(&l->tree, found);
	}
	pthread_mutex_unlock(&l->lock);
	return ret;
}

static int one_insert(struct bench *b, struct sd_thread *th, uint32_t i)
{
	(void)th;
	return rb_insert_in(b, &b->at[0], i);
}

static int one_delete(struct bench *b, struct sd_thread *th, uint32_t i)
{
	(void)th;
	return rb_delete_in(b, &b->at[0], i);
}

static double one_bytes(struct bench *b)
{
	(void)b;
	return sizeof(struct node);
}

static int many_insert(struct bench *b, struct sd_thread *th, uint32_t i)
{
	(void)th;
	return rb_insert_in(b, &b->at[page_at(b, i)[0]], i);
}

static int many_delete(struct bench *b, struct sd_thread *th, uint32_t i)
{
	(void)th;
	return rb_delete_in(b, &b->at[page_at(b, i)[0]], i);
}

static double many_bytes(struct bench *b)
{
	return sizeof(struct node) + (double)sizeof(b->at) / b->n;
}

/* ---- a hash table ---- */

static void hash_open(struct bench *b)
{
	rb_open(b);
	for (b->chains = LOCKS; b->chains < b->n; b->chains *= 2)
		;
	b->chain = calloc(b->chains, sizeof(*b->chain));
	if (!b->chain)
		die("no memory");
}

static void hash_close(struct bench *b)
{
	for (uint32_t i = 0; i < b->chains; i++)
		if (b->chain[i])
			die("something is left in the table");
	free(b->chain);
	rb_close(b);
}

/* Where the page hangs or would hang; the chain's lock is held. */
static uint32_t *hash_find(struct bench *b, const uint8_t *page,
			   pthread_mutex_t **lock)
{
	struct digest d = hash_digest(page, PAGE_BYTES);
	uint32_t at = (uint32_t)d.lo & (b->chains - 1), *link = &b->chain[at];

	*lock = &b->at[at % LOCKS].lock;
	pthread_mutex_lock(*lock);
	while (*link && memcmp(b->node[*link].page, page, PAGE_BYTES) != 0)
		link = &b->node[*link].links.left;
	return link;
}

static int hash_insert(struct bench *b, struct sd_thread *th, uint32_t i)
{
	pthread_mutex_t *lock;
	uint32_t *link = hash_find(b, page_at(b, i), &lock), found = *link;

	(void)th;
	if (found) {
		b->node[found].refs++;
	} else {
		b->node[i + 1] =
			(struct node){.refs = 1, .page = page_at(b, i)};
		*link = i + 1;
	}
	pthread_mutex_unlock(lock);
	return !found;
}

static int hash_delete(struct bench *b, struct sd_thread *th, uint32_t i)
{
	pthread_mutex_t *lock;
	uint32_t *link = hash_find(b, page_at(b, i), &lock), found = *link;
	int ret = -ENOENT;

	(void)th;
	if (found) {
		ret = !--b->node[found].refs;
		if (ret)
			*link = b->node[found].links.left;
	}
	pthread_mutex_unlock(lock);
	return ret;
}

static double hash_bytes(struct bench *b)
{
	return sizeof(struct node) + ((double)b->chains * sizeof(*b->chain) +
				      LOCKS * (double)sizeof(pthread_mutex_t)) /
					     b->n;
}

static const struct set sets[] = {
	{"sdtree", sd_open, sd_close, sd_insert, sd_delete, sd_bytes},
	{"one", rb_open, rb_close, one_insert, one_delete, one_bytes},
	{"many", rb_open, rb_close, many_insert, many_delete, many_bytes},
	{"hash", hash_open, hash_close, hash_insert, hash_delete, hash_bytes},
};

#define SETS (sizeof(sets) / sizeof(sets[0]))

/* ---- runs ---- */

struct hand {
	struct bench *b;
	const struct set *set;
	enum phase phase;
	unsigned number, threads;
	pthread_barrier_t *gate;
	uint64_t cpu_ns, from, to; /* from, to: on the wall */
	uint32_t ones;		   /* answers that were 1 */
	bool bad;
};

static void *work(void *arg)
{
	struct hand *h = arg;
	struct bench *b = h->b;
	struct sd_thread *th = NULL;
	uint64_t t;

	if (h->set == &sets[0] && sdtree_join(b->tree, &th))
		die("no memory");
	pthread_barrier_wait(h->gate);
	h->from = os_wall_ns();
	t = os_thread_cpu_ns();
	for (uint32_t i = h->number; i < b->n; i += h->threads) {
		uint32_t at = h->phase == NEW ? i : b->n + b->order[i];
		int ret = h->phase <= DUP ? h->set->insert(b, th, at)
					  : h->set->delete (b, th, at);

		h->bad |= ret < 0;
		h->ones += ret == 1;
	}
	h->cpu_ns = os_thread_cpu_ns() - t;
	h->to = os_wall_ns();
	sdtree_part(th);
	return NULL;
}

struct times {
	uint64_t cpu, wall; /* ns */
};

static struct times run_phase(struct bench *b, const struct set *set,
			      enum phase phase, unsigned threads)
{
	static const bool want[PHASES] = {true, false, false, true};
	pthread_barrier_t gate;
	struct hand h[THREADS];
	pthread_t t[THREADS];
	struct times sum = {0, 0};
	uint64_t from = UINT64_MAX, to = 0;
	uint32_t ones = 0;

	pthread_barrier_init(&gate, NULL, threads);
	for (unsigned i = 0; i < threads; i++) {
		h[i] = (struct hand){.b = b,
				     .set = set,
				     .phase = phase,
				     .number = i,
				     .threads = threads,
				     .gate = &gate};
		if (pthread_create(&t[i], NULL, work, &h[i]))
			die("no thread");
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(t[i], NULL);
		sum.cpu += h[i].cpu_ns;
		from = h[i].from < from ? h[i].from : from;
		to = h[i].to > to ? h[i].to : to;
		ones += h[i].ones;
		if (h[i].bad)
			die("an operation failed");
	}
	pthread_barrier_destroy(&gate);
	sum.wall = to - from;
	if (ones != (want[phase] ? b->n : 0))
		die("a set counts wrong");
	return sum;
}

struct result {
	struct times best[SETS][THREADS][PHASES];
	double bytes[SETS];
};

static void run_set(struct bench *b, unsigned s, unsigned threads,
		    struct result *r)
{
	const struct set *set = &sets[s];

	set->open(b);
	for (unsigned p = 0; p < PHASES; p++) {
		struct times *best = &r->best[s][threads - 1][p];
		struct times t = run_phase(b, set, (enum phase)p, threads);

		if (p == NEW)
			r->bytes[s] = set->bytes(b);
		if (!best->cpu || t.cpu < best->cpu)
			best->cpu = t.cpu;
		if (!best->wall || t.wall < best->wall)
			best->wall = t.wall;
	}
	set->close(b);
}

static void print(const struct bench *b, const char *keys,
		  const struct result *r)
{
	for (unsigned t = 0; t < THREADS; t++)
		for (unsigned p = 0; p < PHASES; p++) {
			double own = (double)r->best[0][t][p].cpu;

			printf("%-7s %u  %-11s %8.0f", keys, t + 1,
			       phase_name[p], own / b->n);
			for (unsigned s = 1; s < SETS; s++)
				printf(" %6.2f",
				       (double)r->best[s][t][p].cpu / own);
			for (unsigned s = 0; t && s < SETS; s++)
				printf(" %6.2f",
				       (double)r->best[s][0][p].wall /
					       (double)r->best[s][t][p].wall);
			printf("\n");
		}
	printf("%-7s bytes per stored page:", keys);
	for (unsigned s = 0; s < SETS; s++)
		printf("  %s %.1f", sets[s].name, r->bytes[s]);
	printf("\n");
	fflush(stdout);
}

static void make_pages(struct bench *b, enum page_rule rule)
{
	struct prng r = prng_fork(1, "bench");

	for (uint32_t i = 0; i < b->n; i++) {
		page_fill(b->page + (size_t)i * PAGE_BYTES, rule,
			  rule == RULE_ID ? i : splitmix64(i));
		b->order[i] = i;
	}
	memcpy(b->page + (size_t)b->n * PAGE_BYTES, b->page,
	       (size_t)b->n * PAGE_BYTES);
	for (uint32_t i = b->n; i > 1; i--) {
		uint32_t j = (uint32_t)prng_below(&r, i), x = b->order[j];

		b->order[j] = b->order[i - 1];
		b->order[i - 1] = x;
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		enum page_rule rule;
	} keys[] = {{"random", RULE_ID}, {"last8", RULE_LAST8}};
	static struct bench b;
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : 5;
	int bits = argc > 1 ? atoi(argv[1]) : 14;

	if (bits < 1 || bits > 20 || !rounds)
		die("usage: bench_sdtree [log2 of pages, 1 to 20 [rounds]]");
	b.n = 1u << bits;
	b.page = malloc((size_t)2 * b.n * PAGE_BYTES);
	b.order = malloc(b.n * sizeof(*b.order));
	if (!b.page || !b.order)
		die("no memory");
	printf("%u pages; CPU ns of sdtree, how many times that of others, "
	       "speed-up by a second thread\n",
	       b.n);
	printf("keys    thr operation     sdtree    one   many   hash | "
	       "sdtree   one   many   hash\n");
	for (unsigned k = 0; k < 2; k++) {
		struct result r = {0};

		make_pages(&b, keys[k].rule);
		for (unsigned i = 0; i < rounds; i++)
			for (unsigned s = 0; s < SETS; s++)
				for (unsigned t = 1; t <= THREADS; t++)
					run_set(&b, s, t, &r);
		print(&b, keys[k].name, &r);
	}
	free(b.page);
	free(b.order);
	return 0;
}
