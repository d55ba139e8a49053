/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/text.h"
#include "models/cache_impl.h"

unsigned cache_conf_levels(const struct cache_conf *conf)
{
	unsigned n = 0;

	while (n < CACHE_LEVELS && conf->level[n].bytes)
		n++;
	return n;
}

static uint64_t sets_of(const struct cache_level_conf *l)
{
	return l->bytes / l->ways / l->line_bytes;
}

uint64_t cache_conf_colours(const struct cache_conf *conf)
{
	const struct cache_level_conf *l = &conf->level[0];
	uint64_t way = sets_of(l) * l->line_bytes;

	if (l->index != CACHE_VIRTUAL || way <= conf->page_bytes)
		return 1;
	return way / conf->page_bytes;
}

/* wrong - "FILE:LINE: FIELD: …", the line when the field has one */
static int wrong(const struct cache_conf *conf, struct err *err,
		 const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static int wrong(const struct cache_conf *conf, struct err *err,
		 const char *field, const char *fmt, ...)
{
	const struct opt *row = opt_find(cache_conf_rows, field);
	uint32_t line = row ? conf->line[row - cache_conf_rows] : 0;
	char what[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (line)
		return err_set(err, EINVAL, "%s:%" PRIu32 ": %s: %s",
			       conf->name, line, field, what);
	return err_set(err, EINVAL, "%s: %s: %s", conf->name, field, what);
}

/* name_of - "l3_size" */
struct name {
	char text[24];
};

static struct name name_of(unsigned level, const char *field)
{
	struct name n;

	snprintf(n.text, sizeof(n.text), "l%u_%s", level + 1, field);
	return n;
}

/* ---- is everything there? ---- */

static bool given(const struct cache_conf *conf, const char *field)
{
	const struct opt *row = opt_find(cache_conf_rows, field);

	return row && conf->line[row - cache_conf_rows];
}

static int need(const struct cache_conf *conf, struct err *err,
		const char *field, const char *why)
{
	if (given(conf, field))
		return 0;
	return err_set(err, EINVAL, "%s: %s is missing%s%s", conf->name, field,
		       *why ? ": " : "", why);
}

static int level_complete(const struct cache_conf *conf, unsigned n,
			  struct err *err)
{
	static const char *const fields[] = {
		"size", "ways", "line", "replacement", "latency", "scope",
	};
	static const char *const rest[] = {"index", "inclusive", "write"};
	int ret = 0;

	if (conf->level[n].bytes || !n) {
		for (unsigned i = 0; i < 6 && !ret; i++)
			ret = need(conf, err, name_of(n, fields[i]).text, "");
		if (!n && !ret)
			ret = need(conf, err, "l1_index", "");
		return ret;
	}
	/* a field of a level without a size: the size was forgotten */
	for (unsigned i = 1; i < 9 && !ret; i++) {
		struct name f = name_of(n, i < 6 ? fields[i] : rest[i - 6]);

		if (given(conf, f.text) &&
		    !given(conf, name_of(n, "size").text))
			ret = wrong(conf, err, f.text, "l%u_size is missing",
				    n + 1);
	}
	return ret;
}

static int policy_complete(const struct cache_conf *conf, struct err *err)
{
	int ret = 0;

	switch ((enum cache_policy)conf->policy) {
	case CACHE_MOVE:
		ret = need(conf, err, "syn_source", "policy move has one");
		return ret ? ret : need(conf, err, "syn_extra", "");
	case CACHE_PIDX_HW:
		return need(conf, err, "syn_extra", "policy pidx-hw has one");
	case CACHE_TRAP:
	case CACHE_TRAP_HSV:
		return need(conf, err, "trap_cost", "traps cost something");
	case CACHE_NONE:
	case CACHE_DUP:
		break;
	}
	return 0;
}

int cache_conf_complete(const struct cache_conf *conf, struct err *err)
{
	static const char *const always[] = {
		"page_bytes", "memory_latency", "policy",      "dir_colours",
		"zero_order", "zero_machine",	"tlb_entries",
	};
	static const char *const tlb[] = {"tlb_ways", "tlb_pages", "tlb_walk"};
	static const char *const tlb2[] = {"tlb2_ways", "tlb2_latency"};
	int ret = 0;

	for (unsigned i = 0; i < 7 && !ret; i++)
		ret = need(conf, err, always[i], "");
	for (unsigned n = 0; n < CACHE_LEVELS && !ret; n++)
		ret = level_complete(conf, n, err);
	for (unsigned i = 0; i < 3 && conf->tlb_entries && !ret; i++)
		ret = need(conf, err, tlb[i], "there is a TLB");
	for (unsigned i = 0; i < 2 && conf->tlb2_entries && !ret; i++)
		ret = need(conf, err, tlb2[i], "there is a second TLB");
	if (!ret)
		ret = policy_complete(conf, err);
	return ret ? ret : cache_conf_check(conf, err);
}

/* ---- does it fit together? ---- */

static int check_shape(const struct cache_conf *conf, unsigned n,
		       struct err *err)
{
	const struct cache_level_conf *l = &conf->level[n];
	uint64_t sets = sets_of(l);

	if (!is_pow2(l->line_bytes))
		return wrong(conf, err, name_of(n, "line").text,
			     "%" PRIu64 " is not a power of two",
			     l->line_bytes);
	if (l->line_bytes > conf->page_bytes)
		return wrong(conf, err, name_of(n, "line").text,
			     "a line is larger than a page");
	if (sets * l->ways * l->line_bytes != l->bytes || !is_pow2(sets))
		return wrong(conf, err, name_of(n, "size").text,
			     "%" PRIu64 " bytes in %" PRIu64
			     " ways of lines of %" PRIu64
			     " bytes: the number of sets is not a power of two",
			     l->bytes, l->ways, l->line_bytes);
	if (l->replacement == CACHE_PLRU && (!is_pow2(l->ways) || l->ways > 64))
		return wrong(conf, err, name_of(n, "replacement").text,
			     "plru wants a power of two of at most 64 ways, "
			     "not %" PRIu64,
			     l->ways);
	if (n && l->index == CACHE_VIRTUAL)
		return wrong(conf, err, name_of(n, "index").text,
			     "only L1 may be virtually indexed");
	return 0;
}

static int check_below(const struct cache_conf *conf, unsigned n,
		       struct err *err)
{
	const struct cache_level_conf *l = &conf->level[n], *up = l - 1;

	if (l->line_bytes < up->line_bytes)
		return wrong(conf, err, name_of(n, "line").text,
			     "lines are shorter than those of L%u", n);
	if (l->scope < up->scope)
		return wrong(conf, err, name_of(n, "scope").text,
			     "fewer CPUs share it than share L%u", n);
	return 0;
}

static int check_levels(const struct cache_conf *conf, struct err *err)
{
	unsigned levels = cache_conf_levels(conf);
	int ret = 0;

	if (!levels)
		return wrong(conf, err, "l1_size", "there is no L1");
	if (!is_pow2(conf->page_bytes))
		return wrong(conf, err, "page_bytes",
			     "%" PRIu64 " is not a power of two",
			     conf->page_bytes);
	for (unsigned n = 0; n < levels && !ret; n++) {
		ret = check_shape(conf, n, err);
		if (n && !ret)
			ret = check_below(conf, n, err);
	}
	for (unsigned n = levels; n < CACHE_LEVELS && !ret; n++)
		if (conf->level[n].bytes)
			ret = wrong(conf, err, name_of(n, "size").text,
				    "there is no L%u", levels + 1);
	return ret;
}

static int check_directory(const struct cache_conf *conf, struct err *err)
{
	if (cache_conf_levels(conf) < 2)
		return wrong(conf, err, "policy",
			     "the colour of a line is kept in L2, and there "
			     "is none");
	if (!conf->level[1].inclusive)
		return wrong(conf, err, "l2_inclusive",
			     "L2 must hold all that L1 holds to know its "
			     "colours");
	if (conf->dir_colours < cache_conf_colours(conf))
		return wrong(conf, err, "dir_colours",
			     "L1 has %" PRIu64 " colours, more than %" PRIu64,
			     cache_conf_colours(conf), conf->dir_colours);
	return 0;
}

static int check_policy(const struct cache_conf *conf, struct err *err)
{
	if (!is_pow2(conf->dir_colours))
		return wrong(conf, err, "dir_colours",
			     "%" PRIu64 " is not a power of two",
			     conf->dir_colours);
	if (conf->vcolour_check & (conf->vcolour_check + 1))
		return wrong(conf, err, "vcolour_check",
			     "%" PRIu64 " is not a power of two less one",
			     conf->vcolour_check);
	if (conf->vcolour_check && conf->policy != CACHE_MOVE)
		return wrong(conf, err, "vcolour_check",
			     "only policy move can resolve what it finds");
	if (conf->straddle == CACHE_ONCE && conf->policy != CACHE_NONE)
		return wrong(conf, err, "straddle",
			     "\"once\" goes with policy none only");
	switch ((enum cache_policy)conf->policy) {
	case CACHE_MOVE:
		if (conf->syn_source > cache_conf_levels(conf))
			return wrong(conf, err, "syn_source",
				     "there is no L%" PRIu64, conf->syn_source);
		break;
	case CACHE_PIDX_HW:
	case CACHE_TRAP:
	case CACHE_TRAP_HSV:
		return check_directory(conf, err);
	case CACHE_NONE:
	case CACHE_DUP:
		break;
	}
	return 0;
}

static int check_tlb(const struct cache_conf *conf, struct err *err)
{
	uint64_t n = conf->tlb_entries, n2 = conf->tlb2_entries;

	if (n && (n % conf->tlb_ways || !is_pow2(n / conf->tlb_ways)))
		return wrong(conf, err, "tlb_ways",
			     "%" PRIu64 " entries in %" PRIu64
			     " ways: the number of sets is not a power of two",
			     n, conf->tlb_ways);
	if (n2 && (n2 % conf->tlb2_ways || !is_pow2(n2 / conf->tlb2_ways)))
		return wrong(conf, err, "tlb2_ways",
			     "%" PRIu64 " entries in %" PRIu64
			     " ways: the number of sets is not a power of two",
			     n2, conf->tlb2_ways);
	if (n2 && !n)
		return wrong(conf, err, "tlb2_entries",
			     "a second TLB without a first one");
	if (!is_pow2(conf->tlb_pages))
		return wrong(conf, err, "tlb_pages",
			     "%" PRIu64 " is not a power of two",
			     conf->tlb_pages);
	return 0;
}

uint64_t cache_conf_per(const struct cache_conf *conf, unsigned level)
{
	uint64_t chip = conf->cpus_per_chip, n = 1;

	switch ((enum cache_scope)conf->level[level].scope) {
	case CACHE_CPU:
		break;
	case CACHE_CHIP:
		n = chip;
		break;
	case CACHE_BOOK:
		n = chip * conf->chips_per_book;
		break;
	case CACHE_SYSTEM:
		n = conf->cpus;
		break;
	}
	return n < conf->cpus ? n : conf->cpus;
}

static int check_room(const struct cache_conf *conf, struct err *err)
{
	uint64_t lines = 0;

	for (unsigned n = 0; n < cache_conf_levels(conf); n++) {
		const struct cache_level_conf *l = &conf->level[n];
		uint64_t per = cache_conf_per(conf, n);

		/* at most 2^31 lines in 1024 instances */
		lines += l->bytes / l->line_bytes *
			 ((conf->cpus + per - 1) / per);
		if (lines > CACHE_LINES_MAX)
			return wrong(conf, err, name_of(n, "size").text,
				     "the caches of %" PRIu64
				     " CPUs have more than %" PRIu64 " lines",
				     conf->cpus, CACHE_LINES_MAX);
	}
	if ((conf->tlb_entries + conf->tlb2_entries) * conf->cpus >
	    CACHE_LINES_MAX)
		return wrong(conf, err, "tlb_entries",
			     "the TLBs have more than %" PRIu64 " entries",
			     CACHE_LINES_MAX);
	return 0;
}

int cache_conf_check(const struct cache_conf *conf, struct err *err)
{
	int ret = check_levels(conf, err);

	if (!ret)
		ret = check_policy(conf, err);
	if (!ret)
		ret = check_tlb(conf, err);
	return ret ? ret : check_room(conf, err);
}
