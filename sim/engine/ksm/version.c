/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * version.c - which rules, tunables and counters each kernel has
 *
 * A version stands for all that follow until the next one in the list, as first
 * released: fixes that stable updates brought back are with the release that
 * had them first.  Sources: mm/ksm.c and the changelogs of [linux-6.18] and its
 * predecessors, [linux-6.1].
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/engine/ksm/ksm.h"

#define RELEASE(major, minor) ((major)*100u + (minor))

/* X(release, name), newest first */
#define VERSIONS(X)                                                            \
	X(RELEASE(6, 18), "6.18")                                              \
	X(RELEASE(6, 12), "6.12")                                              \
	X(RELEASE(6, 11), "6.11")                                              \
	X(RELEASE(6, 10), "6.10")                                              \
	X(RELEASE(6, 8), "6.8")                                                \
	X(RELEASE(6, 7), "6.7")                                                \
	X(RELEASE(6, 6), "6.6")                                                \
	X(RELEASE(6, 4), "6.4")                                                \
	X(RELEASE(6, 1), "6.1")                                                \
	X(RELEASE(5, 19), "5.19")                                              \
	X(RELEASE(5, 18), "5.18")                                              \
	X(RELEASE(5, 9), "5.9")                                                \
	X(RELEASE(5, 1), "5.1")                                                \
	X(RELEASE(5, 0), "5.0")                                                \
	X(RELEASE(4, 13), "4.13")                                              \
	X(RELEASE(4, 11), "4.11")                                              \
	X(RELEASE(4, 4), "4.4")

const char *const ksm_versions[] = {
#define X(release, name) name,
	VERSIONS(X)
#undef X
		NULL};

static const uint32_t releases[] = {
#define X(release, name) release,
	VERSIONS(X)
#undef X
};

struct ksm_rules ksm_rules_of(uint64_t version)
{
	uint32_t r = releases[version];

	return (struct ksm_rules){
		.release = r,
		.search_first = r < RELEASE(6, 11),
		.limit = r >= RELEASE(4, 13),
		.keep_chains = r < RELEASE(6, 11),
		.count_batches = r < RELEASE(6, 10),
		.walk_holes = r < RELEASE(6, 18),
		.wakes = r >= RELEASE(5, 0),
		.zero_tracked = r >= RELEASE(6, 6),
		.words = r >= RELEASE(5, 15),
		.node_bytes = r >= RELEASE(4, 13) ? 64 : 48,
		.checksum = r >= RELEASE(5, 0) ? KSM_XXHASH : KSM_JHASH2,
		.machine = {.split_keeps_zeros = r < RELEASE(6, 12),
			    .unmerge_keeps_zeros = r < RELEASE(6, 6),
			    .write_reuses_merged =
				    r >= RELEASE(5, 1) && r < RELEASE(5, 9)},
	};
}

/* ---- what came when ---- */

struct since {
	const char *name;
	uint32_t release;
};

static const struct since tunables[] = {
	{"use_zero_pages", RELEASE(4, 11)},
	{"max_page_sharing", RELEASE(4, 13)},
	{"stable_node_chains_prune_millisecs", RELEASE(4, 13)},
	{"smart_scan", RELEASE(6, 7)},
	{"advisor_mode", RELEASE(6, 8)},
	{"advisor_max_cpu", RELEASE(6, 8)},
	{"advisor_min_pages_to_scan", RELEASE(6, 8)},
	{"advisor_max_pages_to_scan", RELEASE(6, 8)},
	{"advisor_target_scan_time", RELEASE(6, 8)},
	{NULL, 0},
};

static const struct since counters[] = {
	{"stable_node_chains", RELEASE(4, 13)},
	{"stable_node_dups", RELEASE(4, 13)},
	{"ksm_swpin_copy", RELEASE(5, 18)},
	{"cow_ksm", RELEASE(5, 19)},
	{"ksm_merging_pages", RELEASE(5, 19)},
	{"ksm_rmap_items", RELEASE(6, 1)},
	{"general_profit", RELEASE(6, 4)},
	{"ksm_process_profit", RELEASE(6, 4)},
	{"pages_scanned", RELEASE(6, 6)},
	{"ksm_zero_pages", RELEASE(6, 6)},
	{"pages_skipped", RELEASE(6, 7)},
	{NULL, 0},
};

static uint32_t since(const struct since *s, const char *name)
{
	for (; s->name; s++)
		if (!strcmp(s->name, name))
			return s->release;
	return 0;
}

bool ksm_has_counter(const struct ksm_rules *rules, const char *name)
{
	return rules->release >= since(counters, name);
}

bool ksm_has_tunable(const struct ksm_rules *rules, const char *name)
{
	return rules->release >= since(tunables, name);
}

int ksm_has(const void *opts, const struct opt *row, struct err *err)
{
	const struct ksm_opts *o = opts;
	struct ksm_rules rules = ksm_rules_of(o->version);
	uint32_t came = since(tunables, row->name);

	if (rules.release >= came)
		return 0;
	return err_set(err, EINVAL,
		       "%s: Linux %s has no such tunable, it came with %" PRIu32
		       ".%" PRIu32,
		       row->name, ksm_versions[o->version], came / 100,
		       came % 100);
}

int ksm_check_opts(struct ksm_opts *o, struct err *err)
{
	struct ksm_rules rules = ksm_rules_of(o->version);

	for (const struct opt *row = ksm_options; row->type != OPT_END; row++)
		if (opt_get(row, o) != row->def && ksm_has(o, row, err))
			return -EINVAL;
	if (!rules.limit && o->colour_copies == KSM_COPIES_LIMIT)
		return err_set(err, EINVAL,
			       "colour_copies: share-limit sorts the copies of "
			       "max_page_sharing, which Linux %s does not make",
			       ksm_versions[o->version]);
	/* What the tunable stands for does not exist either. */
	if (!rules.limit)
		o->max_page_sharing = UINT32_MAX;
	if (!ksm_has_tunable(&rules, "smart_scan"))
		o->smart_scan = 0;
	return 0;
}
