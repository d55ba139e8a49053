/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_cache.c - how many accesses a second the cache model takes, on one core
 *
 * The stream is a sequential read of 8-byte words of an array that L1 holds,
 * again and again; then of arrays that only lower levels hold, a word per line.
 * Cachegrind is given the first stream, by this same program ("--touch N"),
 * where valgrind is installed; what a run without loads takes is subtracted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/os.h"
#include "models/cache.h"

#define HOT_BYTES 8192u /* L1 of every preset holds it */
#define FLOOR 60.0	/* M accesses/s on L1 hits */
#define RUNS 5
#define TOUCHES 20000000u

static uint64_t hot[HOT_BYTES / 8];

static struct cache *open_cache(const char *preset)
{
	struct cache_conf conf;
	struct err err = {0};
	struct cache *c;
	int ret = cache_conf_find(&conf, preset, NULL, &err);

	if (!ret)
		ret = cache_new(&c, &conf, &err);
	if (ret) {
		fprintf(stderr, "bench: %s: %s\n", preset, err_text(&err, ret));
		exit(EXIT_FAILURE);
	}
	return c;
}

static void scan(struct cache *c, uint64_t bytes, uint64_t step, uint64_t count)
{
	uint64_t at = 0;

	while (count--) {
		cache_access(c, 0, at, at, 8, CACHE_READ);
		at += step;
		if (at >= bytes)
			at = 0;
	}
}

/* rate - M accesses/s; the first scan of all fills the caches */
static double rate(struct cache *c, uint64_t bytes, uint64_t step,
		   uint64_t count)
{
	uint64_t best = UINT64_MAX;

	scan(c, bytes, step, bytes / step);
	for (int i = 0; i < RUNS; i++) {
		uint64_t t = os_thread_cpu_ns();

		scan(c, bytes, step, count);
		t = os_thread_cpu_ns() - t;
		best = t < best ? t : best;
	}
	return (double)count * 1e3 / (double)best;
}

static int bench_hits(const char *preset)
{
	struct cache *c = open_cache(preset);
	struct cache_counts before, n;
	double r;

	scan(c, HOT_BYTES, 8, HOT_BYTES / 8);
	before = cache_counts(c, 0);
	r = rate(c, HOT_BYTES, 8, 5000000);
	n = cache_counts(c, 0);
	if (n.misses[0] != before.misses[0]) {
		fprintf(stderr, "bench: %s: not all were L1 hits\n", preset);
		exit(EXIT_FAILURE);
	}
	printf("%-12s L1 hits      %7.1f M accesses/s (floor %.0f, %.2fx)\n",
	       preset, r, FLOOR, r / FLOOR);
	cache_free(c);
	return r < FLOOR;
}

static void bench_misses(const char *preset, uint64_t bytes)
{
	struct cache *c = open_cache(preset);
	uint64_t line = cache_config(c)->level[0].line_bytes;

	printf("%-12s %4" PRIu64 " MiB     %7.1f M lines/s\n", preset,
	       bytes >> 20, rate(c, bytes, line, 2000000));
	cache_free(c);
}

/* ---- the same loads under Cachegrind ---- */

static void touch(uint64_t n)
{
	volatile uint64_t *p = hot;

	while (n--)
		(void)p[n % (HOT_BYTES / 8)];
}

/* cachegrind_ns - CPU time of a run with @touches loads; 0: it cannot be run */
static uint64_t cachegrind_ns(const char *self, const char *touches)
{
	uint64_t t = os_wall_ns();
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(127);
		execlp("valgrind", "valgrind", "--tool=cachegrind",
		       "--cache-sim=yes", "--cachegrind-out-file=/dev/null",
		       "--D1=16384,8,64", "--I1=32768,8,64",
		       "--LL=1048576,16,64", self, "--touch", touches,
		       (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return 0;
	return os_wall_ns() - t;
}

static void bench_cachegrind(const char *self)
{
	char count[32];
	uint64_t some, none;

	snprintf(count, sizeof(count), "%u", TOUCHES);
	none = cachegrind_ns(self, "0");
	some = none ? cachegrind_ns(self, count) : 0;
	if (some <= none) {
		printf("%-12s skipped: valgrind does not run here\n",
		       "cachegrind");
		return;
	}
	printf("%-12s L1 hits      %7.1f M accesses/s, the program's own "
	       "instructions included\n",
	       "cachegrind", TOUCHES * 1e3 / (double)(some - none));
}

int main(int argc, char **argv)
{
	static const char *const presets[] = {"r4400sc", "z13", "zen5",
					      "octeon2"};
	int slow = 0;

	if (argc == 3 && !strcmp(argv[1], "--touch")) {
		touch(strtoull(argv[2], NULL, 10));
		return EXIT_SUCCESS;
	}
	for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++)
		slow |= bench_hits(presets[i]);
	bench_misses("r4400sc", UINT64_C(4) << 20);
	bench_misses("z13", UINT64_C(4) << 20);
	bench_misses("z13", UINT64_C(64) << 20);
	bench_cachegrind(argv[0]);
	return slow ? EXIT_FAILURE : EXIT_SUCCESS;
}
