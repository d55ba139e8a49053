/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_pool.c - how many objects a second each pool stores, on one core
 *
 * A million live objects; one operation drops a random one and stores another
 * of known length in its place.  Lengths: "wide" is uniform in 64 … 3900,
 * "half" is around 2000; with "long" ones, around 2900, all but zsmalloc hold
 * one object per page, whose record it pays alone.  A line is printed only when
 * the counters are right; the program fails when a pool is slower than the
 * floor or needs more of our memory per object than allowed.  Each case runs in
 * a process of its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/os.h"
#include "sim/base/prng.h"
#include "sim/pool/pool.h"

#define LIVE (1u << 20)
#define LENGTHS (1u << 16) /* drawn beforehand, used in turn */
#define ROUNDS 3

struct bench_case {
	const char *name;
	uint32_t from, to; /* lengths, uniform */
	double floor;	   /* M stores/s */
	double bytes_max;  /* of ours, per object */
};

struct bench {
	struct pool *pool;
	struct meter meter;
	struct prng rng;
	uint16_t length[LENGTHS];
	uint32_t turn;
	uint64_t asked, stores;
};

static void die(const char *what, int ret, const struct err *err)
{
	fprintf(stderr, "bench: %s: %s\n", what, err_text(err, ret));
	exit(EXIT_FAILURE);
}

static void store(struct bench *b)
{
	uint32_t len = b->length[b->turn++ % LENGTHS], h;
	int ret = pool_alloc(b->pool, len, &h, &b->meter, NULL);

	if (ret)
		die("store", ret, NULL);
	b->asked += len;
	b->stores++;
}

/* Handles are dense: dropping one and storing one leaves 1 … LIVE in use. */
static void replace(struct bench *b)
{
	uint32_t h = 1 + (uint32_t)(prng_next(&b->rng) % LIVE);

	b->asked -= pool_bytes(b->pool, h);
	pool_free(b->pool, h, &b->meter);
	store(b);
}

static uint16_t draw(struct prng *r, uint32_t from, uint32_t to)
{
	return (uint16_t)(from + prng_below(r, to - from + 1));
}

static bool right(const struct bench *b)
{
	uint64_t lost[POOL_LOSS_COUNT], sum = b->asked;

	pool_lost(b->pool, lost);
	for (unsigned i = 0; i < POOL_LOSS_COUNT; i++)
		sum += lost[i];
	return b->pool->objects.count == LIVE &&
	       b->pool->asked_bytes == b->asked &&
	       sum == b->pool->pages * PAGE_BYTES &&
	       b->meter.count[OP_OBJ_STORE] == b->stores &&
	       !pool_check(b->pool, stderr);
}

static uint64_t resident_kib(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (uint64_t)ru.ru_maxrss;
}

static void run_case(const struct pool_ops *ops, const struct bench_case *c)
{
	struct bench *b = calloc(1, sizeof(*b));
	uint64_t best = UINT64_MAX, before, t;
	double rate, bytes;
	struct err err = {0};
	int ret;

	if (!b)
		die("set up", -ENOMEM, NULL);
	meter_init(&b->meter, NULL);
	b->rng = prng_fork(1, "bench");
	for (uint32_t i = 0; i < LENGTHS; i++)
		b->length[i] = draw(&b->rng, c->from, c->to);
	before = resident_kib();
	ret = pool_new(&b->pool, ops, NULL, &err);
	if (ret)
		die(ops->name, ret, &err);
	for (uint32_t i = 0; i < LIVE; i++)
		store(b);
	for (int i = 0; i < ROUNDS; i++) {
		t = os_thread_cpu_ns();
		for (uint32_t n = 0; n < LIVE; n++)
			replace(b);
		t = os_thread_cpu_ns() - t;
		best = t < best ? t : best;
	}
	bytes = (double)(resident_kib() - before) * 1024.0 / LIVE;
	if (!right(b)) {
		fprintf(stderr, "bench: %s: the counters are wrong\n",
			ops->name);
		exit(EXIT_FAILURE);
	}
	rate = LIVE * 1e3 / (double)best;
	printf("%-11s %-5s %6.2f M stores/s (floor %.1f, %.2fx)  %5.1f "
	       "B/object (most %.0f)  %" PRIu64 " pages\n",
	       ops->name, c->name, rate, c->floor, rate / c->floor, bytes,
	       c->bytes_max, b->pool->pages);
	pool_destroy(b->pool);
	free(b);
	fflush(stdout);
	exit(rate < c->floor || bytes > c->bytes_max);
}

int main(void)
{
	static const struct bench_case cases[] = {
		{"wide", 64, 3900, 3.0, 32},
		{"half", 1700, 2300, 3.0, 32},
		{"long", 2300, 3500, 2.0, 44},
	};
	int failed = 0, status;

	for (size_t k = 0; pools[k]; k++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
			pid_t pid;

			fflush(stdout);
			pid = fork();
			if (!pid)
				run_case(pools[k], &cases[i]);
			if (pid < 0 || waitpid(pid, &status, 0) != pid ||
			    status)
				failed = 1;
		}
	return failed;
}
