/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Configurations of caches.  What is accepted must make a model that keeps its
 * invariants, unless it is large.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/base/prng.h"
#include "models/cache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Larger ones are right, too, but slow. */
#define BYTES_MAX (UINT64_C(4) << 20)
#define ACCESSES 400

static bool small(const struct cache_conf *f)
{
	uint64_t bytes = 0;

	for (unsigned n = 0; n < CACHE_LEVELS; n++)
		bytes += f->level[n].bytes;
	return bytes * f->cpus <= BYTES_MAX &&
	       (f->tlb_entries + f->tlb2_entries) * f->cpus < 100000 &&
	       f->frames <= BYTES_MAX;
}

static void drive(const struct cache_conf *f)
{
	struct prng r = prng_fork(1, "fuzz");
	struct cache_counts n;
	struct cache *c;

	if (cache_new(&c, f, NULL))
		abort();
	for (int i = 0; i < ACCESSES; i++) {
		uint64_t at = prng_below(&r, f->page_bytes - 8);
		uint64_t va = prng_below(&r, 40) * f->page_bytes + at;
		uint64_t pa = prng_below(&r, 20) * f->page_bytes + at;
		uint64_t size = 1 + prng_below(&r, 8);
		unsigned cpu = (unsigned)prng_below(&r, f->cpus);

		cache_access(c, cpu, va, pa, size, (unsigned)i % 4);
	}
	n = cache_counts(c, CACHE_ALL_CPUS);
	if (n.accesses != ACCESSES || cache_check(c, stderr))
		abort();
	cache_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cache_conf conf;
	struct err err = {0};
	char *text = malloc(size + 1);
	int ret;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	ret = cache_conf_parse(&conf, "fuzz", text, size, &err);
	free(text);
	if (!ret != !err.text[0] || strchr(err.text, '\n'))
		abort();
	if (!ret && small(&conf))
		drive(&conf);
	return 0;
}
