/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <string.h>

#include "models/zero_page.h"
#include "tests/support/scan.h"

struct cache_conf scan_conf(const char *preset, const char *set)
{
	struct cache_conf conf;
	struct err err = {0};
	char copy[512], *save, *word, *eq;
	int ret = cache_conf_find(&conf, preset, NULL, &err);

	ck_assert_msg(!ret, "%s: %s", preset, err_text(&err, ret));
	ck_assert_uint_lt(strlen(set), sizeof(copy));
	memcpy(copy, set, strlen(set) + 1);
	for (word = strtok_r(copy, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		eq = strchr(word, '=');
		ck_assert_ptr_nonnull(eq);
		*eq = 0;
		ret = cache_conf_set(&conf, word, eq + 1, &err);
		ck_assert_msg(!ret, "%s: %s", word, err_text(&err, ret));
	}
	return conf;
}

struct cache *scan_cache(const char *preset, const char *set)
{
	struct cache_conf conf = scan_conf(preset, set);
	struct err err = {0};
	struct cache *c;
	int ret = cache_new(&c, &conf, &err);

	ck_assert_msg(!ret, "%s: %s", preset, err_text(&err, ret));
	return c;
}

uint64_t scan_pa(const struct cache *c, enum scan_case how, unsigned order,
		 uint64_t page)
{
	uint64_t bytes = cache_config(c)->page_bytes;

	switch (how) {
	case SCAN_PRIV:
		return SCAN_PRIVATE + page * bytes;
	case SCAN_KSM:
		return SCAN_MERGED;
	case SCAN_KSM256:
		return SCAN_MERGED + page / 256 * bytes;
	case SCAN_ZCOL:
		break;
	}
	return SCAN_ZERO + zero_page_of(page * bytes, bytes, order) * bytes;
}

struct cache_counts scan_with(struct cache *c, enum scan_case how,
			      unsigned order, uint64_t va, uint64_t bytes)
{
	const struct cache_conf *conf = cache_config(c);
	struct cache_counts before = cache_counts(c, CACHE_ALL_CPUS), after;
	uint64_t page = conf->page_bytes;

	for (uint64_t o = 0; o < bytes; o += conf->level[0].line_bytes) {
		uint64_t at = va + o;
		uint64_t n = how == SCAN_ZCOL ? at / page : o / page;

		cache_access(c, 0, at, scan_pa(c, how, order, n) + at % page, 8,
			     CACHE_READ);
	}
	after = cache_counts(c, CACHE_ALL_CPUS);
	return cache_counts_since(&after, &before);
}

struct cache_counts scan_once(struct cache *c, enum scan_case how,
			      uint64_t bytes)
{
	return scan_with(c, how, (unsigned)cache_config(c)->zero_order, SCAN_VA,
			 bytes);
}

uint64_t scan_steady(struct cache *c, enum scan_case how, uint64_t bytes)
{
	struct cache_counts n, again;

	cache_reset(c);
	scan_once(c, how, bytes);
	n = scan_once(c, how, bytes);
	again = scan_once(c, how, bytes);
	ck_assert_mem_eq(&n, &again, sizeof(n));
	return cache_counts_cycles(&n);
}

uint64_t scan_read(struct cache *c, unsigned cpu, uint64_t va, uint64_t pa)
{
	uint64_t before = scan_cycles(c);

	cache_access(c, cpu, va, pa, 8, CACHE_READ);
	return scan_cycles(c) - before;
}

uint64_t scan_cycles(const struct cache *c)
{
	struct cache_counts n = cache_counts(c, CACHE_ALL_CPUS);

	return cache_counts_cycles(&n);
}
