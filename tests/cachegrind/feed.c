/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.c - give the model a trace of Valgrind's lackey, count as Cachegrind does
 *
 *	feed D1SIZE,WAYS,LINE/LLSIZE,WAYS,LINE... <TRACE
 *
 * One line per geometry: reads, D1 and LL misses of them, the same of writes.
 * CPU 1 stands for the instruction side, whose misses go to the same last level.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/cache.h"

#define GEOMETRIES 16

struct side {
	uint64_t refs, d1, ll;
};

struct run {
	struct cache *c;
	struct side read, write;
};

static void die(const char *what, const struct err *err)
{
	fprintf(stderr, "feed: %s: %s\n", what, err->text);
	exit(EXIT_FAILURE);
}

static void set(struct cache_conf *conf, const char *key, const char *value)
{
	struct err err = {0};

	if (cache_conf_set(conf, key, value, &err))
		die(key, &err);
}

static void set_number(struct cache_conf *conf, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	set(conf, key, text);
}

static struct cache *make(const char *geometry)
{
	static const char *const key[] = {"l1_size", "l1_ways", "l1_line",
					  "l2_size", "l2_ways", "l2_line"};
	uint64_t v[6];
	struct cache_conf conf;
	struct err err = {0};
	struct cache *c;

	if (sscanf(geometry,
		   "%" SCNu64 ",%" SCNu64 ",%" SCNu64 "/%" SCNu64 ",%" SCNu64
		   ",%" SCNu64,
		   &v[0], &v[1], &v[2], &v[3], &v[4], &v[5]) != 6) {
		err_set(&err, 1, "not D1/LL");
		die(geometry, &err);
	}
	if (cache_conf_find(&conf, "arm64-2020", NULL, &err))
		die(geometry, &err);
	for (int i = 0; i < 6; i++)
		set_number(&conf, key[i], v[i]);
	set(&conf, "l1_index", "physical");
	set(&conf, "l2_inclusive", "no");
	set(&conf, "l2_scope", "system");
	set(&conf, "straddle", "once");
	set(&conf, "cpus", "2");
	if (cache_new(&c, &conf, &err))
		die(geometry, &err);
	return c;
}

static void feed(struct run *r, char what, uint64_t at, uint64_t size)
{
	unsigned cpu = what == 'I';
	struct cache_counts before = cache_counts(r->c, cpu), after;
	/* what reads and then writes is a read */
	struct side *s = what == 'S' ? &r->write : &r->read;

	cache_access(r->c, cpu, at, at, size,
		     what == 'S' ? CACHE_WRITE : CACHE_READ);
	if (cpu)
		return;
	after = cache_counts(r->c, cpu);
	s->refs++;
	s->d1 += after.misses[0] - before.misses[0];
	s->ll += after.misses[1] - before.misses[1];
}

int main(int argc, char **argv)
{
	struct run run[GEOMETRIES] = {{0}};
	uint64_t at, size;
	char line[256], what;

	if (argc < 2 || argc - 1 > GEOMETRIES)
		return EXIT_FAILURE;
	for (int i = 1; i < argc; i++)
		run[i - 1].c = make(argv[i]);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, " %c %" SCNx64 ",%" SCNu64, &what, &at,
			   &size) != 3 ||
		    !strchr("ILSM", what) || !size)
			continue;
		for (int i = 1; i < argc; i++)
			feed(&run[i - 1], what, at, size);
	}
	for (int i = 1; i < argc; i++) {
		const struct run *r = &run[i - 1];

		printf("%" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64
		       " %" PRIu64 " %" PRIu64 "\n",
		       r->read.refs, r->read.d1, r->read.ll, r->write.refs,
		       r->write.d1, r->write.ll);
		cache_free(r->c);
	}
	return EXIT_SUCCESS;
}
