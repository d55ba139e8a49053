/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ksm.c - Linux KSM: options, life, what happens to pages and spaces
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/base/hash.h"
#include "sim/core/vcpu.h"
#include "sim/engine/ksm/ksm.h"

#define SYSFS "[linux-6.18] /sys/kernel/mm/ksm"

static const char *const advisors[] = {"none", "scan-time", NULL};
static const char *const checksums[] = {"xxhash", "jhash2", "crc32c", "auto",
					NULL};
static const char *const compares[] = {"linear", "scattered", NULL};
static const char *const copies[] = {"single", "per-colour",  "theta",
				     "per-K",  "share-limit", NULL};

/* clang-format off */
const struct opt ksm_options[] = {
	{ OPT_CHOICE, OPT_FIELD(ksm_opts, version, uint64_t),
	  .choices = ksm_versions,
	  .help = "kernel whose rules are followed, with the tunables and "
		  "counters that it has; one that is not in the list behaves "
		  "as the nearest before it",
	  .source = "[linux-6.18] mm/ksm.c" },
	{ OPT_U64, OPT_FIELD(ksm_opts, run, uint64_t),
	  .def = KSM_RUN_MERGE, .max = KSM_RUN_UNMERGE,
	  .help = "0 stop and keep merged pages, 1 run (the kernel's own "
		  "default is 0), 2 stop and unmerge", .source = SYSFS },
	{ OPT_U64, OPT_FIELD(ksm_opts, pages_to_scan, uint64_t),
	  .def = 100, .max = UINT32_MAX, .unit = "pages",
	  .help = "pages visited per batch", .source = SYSFS },
	{ OPT_U64, OPT_FIELD(ksm_opts, sleep_millisecs, uint64_t),
	  .def = 20, .max = UINT32_MAX, .unit = "ms",
	  .help = "sleep between two batches", .source = SYSFS },
	{ OPT_BOOL, OPT_FIELD(ksm_opts, merge_across_nodes, uint64_t),
	  .def = 1, .max = 1,
	  .help = "merge pages of different NUMA nodes; one node is modelled",
	  .source = SYSFS },
	{ OPT_U64, OPT_FIELD(ksm_opts, max_page_sharing, uint64_t),
	  .def = 256, .min = 2, .max = INT32_MAX, .unit = "pages",
	  .help = "mappings of one merged page before a second copy is kept",
	  .source = SYSFS },
	{ OPT_U64, OPT_FIELD(ksm_opts, stable_node_chains_prune_millisecs,
			     uint64_t),
	  .def = 2000, .max = UINT32_MAX, .unit = "ms",
	  .help = "how often a chain of copies is searched for stale ones",
	  .source = SYSFS },
	{ OPT_BOOL, OPT_FIELD(ksm_opts, use_zero_pages, uint64_t),
	  .max = 1,
	  .help = "map pages of zeros to the kernel's zero page",
	  .source = SYSFS },
	{ OPT_BOOL, OPT_FIELD(ksm_opts, smart_scan, uint64_t),
	  .def = 1, .max = 1,
	  .help = "skip pages that did not merge in earlier scans",
	  .source = SYSFS },
	{ OPT_CHOICE, OPT_FIELD(ksm_opts, advisor_mode, uint64_t),
	  .choices = advisors,
	  .help = "who sets pages_to_scan", .source = SYSFS },
	{ OPT_U64, OPT_FIELD(ksm_opts, advisor_max_cpu, uint64_t),
	  .def = 70, .max = UINT32_MAX, .unit = "%",
	  .help = "most CPU the advisor lets ksmd take", .source = SYSFS },
	{ OPT_U64, OPT_FIELD(ksm_opts, advisor_min_pages_to_scan, uint64_t),
	  .def = 500, .max = UINT32_MAX, .unit = "pages",
	  .help = "pages_to_scan when the advisor is switched on",
	  .source = SYSFS },
	{ OPT_U64, OPT_FIELD(ksm_opts, advisor_max_pages_to_scan, uint64_t),
	  .def = 30000, .max = UINT32_MAX, .unit = "pages",
	  .help = "most pages_to_scan the advisor sets", .source = SYSFS },
	{ OPT_U64, OPT_FIELD(ksm_opts, advisor_target_scan_time, uint64_t),
	  .def = 200, .min = 1, .max = UINT32_MAX, .unit = "s",
	  .help = "how long a full scan should take", .source = SYSFS },
	{ OPT_CHOICE, OPT_FIELD(ksm_opts, checksum, uint64_t),
	  .choices = checksums, .def = KSM_CHECKSUM_AUTO,
	  .help = "hash that tells changed pages: xxhash since 5.0, jhash2 "
		  "before, crc32c was proposed; auto: that of the version; "
		  "counters change only where one collides",
	  .source = "[linux-6.18] calc_checksum(); [ksm-xxhash]" },
	{ OPT_CHOICE, OPT_FIELD(ksm_opts, memcmp, uint64_t),
	  .choices = compares,
	  .help = "order in which the cache lines of two pages are compared: "
		  "linear, as every kernel; scattered, one drawn at boot (from "
		  "the seed), so that pages with a common head differ early" },
	{ OPT_U64, OPT_FIELD(ksm_opts, hz, uint64_t),
	  .def = 250, .min = 100, .max = 1000, .unit = "Hz",
	  .help = "timer ticks per second of the modelled kernel",
	  .source = "[linux-6.18] CONFIG_HZ" },
	{ OPT_U64, OPT_FIELD(ksm_opts, threads, uint64_t),
	  .def = 1, .min = 1, .max = VCPUS_MAX, .unit = "threads",
	  .help = "threads of ksmd that share its trees under one lock, as was "
		  "asked for in 2017; the counters are those of one",
	  .source = "[pone-mail]" },
	{ OPT_CHOICE, OPT_FIELD(ksm_opts, colour_copies, uint64_t),
	  .choices = copies,
	  .help = "copies of a content for mappings of different colours: "
		  "single, as every kernel; one per-colour; theta, for a colour "
		  "with colour_theta mappings; per-K, for each of colour_groups "
		  "colours; share-limit, the copies of max_page_sharing sorted "
		  "by colour" },
	{ OPT_U64, OPT_FIELD(ksm_opts, colours, uint64_t),
	  .max = 4096, .unit = "colours",
	  .help = "colours of addresses, a power of two; 0: as many as the "
		  "machine has zero pages" },
	{ OPT_U64, OPT_FIELD(ksm_opts, colour_groups, uint64_t),
	  .def = 4, .min = 1, .max = 4096, .unit = "colours",
	  .help = "colours that per-K tells apart, a power of two" },
	{ OPT_U64, OPT_FIELD(ksm_opts, colour_theta, uint64_t),
	  .def = 16, .min = 2, .max = UINT32_MAX, .unit = "pages",
	  .help = "mappings of one colour that are worth a frame: what a frame "
		  "is worth in cycles per second, by what the synonyms of a "
		  "mapping cost in that time" },
	{ .type = OPT_END },
};
/* clang-format on */

/* By enum ksm_checksum. */
static const struct {
	enum checksum column;
	enum meter_op op;
} hashes[] = {
	[KSM_XXHASH] = {CHECKSUM_XXH64, OP_XXH64},
	[KSM_JHASH2] = {CHECKSUM_JHASH2, OP_JHASH2},
	[KSM_CRC32C] = {CHECKSUM_CRC32C, OP_CRC32C},
};

static enum ksm_checksum hash_of(const struct ksm_opts *o)
{
	if (o->checksum != KSM_CHECKSUM_AUTO)
		return (enum ksm_checksum)o->checksum;
	return ksm_rules_of(o->version).checksum;
}

static uint64_t ksm_needs(const void *opts)
{
	const struct ksm_opts *o = opts;
	uint64_t needs = NEED_RANK | NEED_PREFIX |
			 NEED_CHECKSUM(hashes[hash_of(o)].column);

	if (o->memcmp == KSM_SCATTERED)
		needs |= NEED_SCATTERED;
#ifdef DEDUPSIM_COMPARE_BYTES
	needs |= NEED_BYTES;
#endif
	return needs;
}

#ifdef DEDUPSIM_COMPARE_BYTES
int ksm_compare_bytes(const struct ksm *k, uint32_t a, uint32_t b,
		      uint64_t *bytes)
{
	struct content_set *s = (struct content_set *)(uintptr_t)k->contents;
	uint8_t bufs[4][PAGE_BYTES];
	const uint8_t *pa =
		content_scatter(s, content_bytes(s, a, bufs[0]), bufs[2]);
	const uint8_t *pb =
		content_scatter(s, content_bytes(s, b, bufs[1]), bufs[3]);
	unsigned i = 0;

	while (i < PAGE_BYTES && pa[i] == pb[i])
		i++;
	*bytes += i < PAGE_BYTES ? i + 1 : PAGE_BYTES;
	return i == PAGE_BYTES ? 0 : pa[i] < pb[i] ? -1 : 1;
}
#endif

static void ksm_stop(struct engine *e)
{
	struct ksm *k = (struct ksm *)e;

	if (!k)
		return;
	threads_stop(k);
	free(k->count);
	mem_release(k->item, k->item_cap, sizeof(*k->item));
	mem_release(k->slot, k->slot_cap, sizeof(*k->slot));
	arena_fini(&k->nodes);
	free(k);
}

static int ksm_start(struct engine **out, const struct engine_env *env,
		     const void *opts, struct err *err)
{
	struct ksm *k = mem_zalloc(1, sizeof(*k));
	int ret;

	if (!k)
		return -ENOMEM;
	k->base = (struct engine){
		.ops = &engine_ksm, .workers = 1, .wake = &k->wake};
	k->opt = *(const struct ksm_opts *)opts;
	k->rules = ksm_rules_of(k->opt.version);
	k->machine = env->machine;
	k->contents = env->contents;
	k->clock = env->clock;
	k->sink = env->sink;
	k->wake = NS_NEVER;
	k->parked = true;
	k->walked[TREE_STABLE] = k->walked[TREE_UNSTABLE] = RANK_NONE;
	k->checksum = env->contents->checksum[hashes[hash_of(&k->opt)].column];
	k->order = k->opt.memcmp == KSM_SCATTERED ? ORDER_SCATTERED
		   : k->rules.words		  ? ORDER_WORDS
						  : ORDER_BYTES;
	k->checksum_op = hashes[hash_of(&k->opt)].op;
	arena_init(&k->nodes, sizeof(struct node));
	k->stable.stride = sizeof(struct node);
	k->unstable.stride = sizeof(struct item);
	if (k->opt.advisor_mode != KSM_ADVISOR_NONE)
		advisor_start(k);
	ret = ksm_check_opts(&k->opt, err);
	if (!ret)
		ret = colour_start(k, err);
	if (!ret)
		ret = threads_start(k, err);
	if (!ret && mem_reserve(&k->slot, &k->slot_cap, 1, sizeof(*k->slot)))
		ret = -ENOMEM;
	if (ret) {
		ksm_stop(&k->base);
		return ret;
	}
	k->machine->rules = k->rules.machine;
	*out = &k->base;
	return 0;
}

/* ---- what happens to spaces ---- */

static int notice_space(struct ksm *k, uint32_t space)
{
	return mem_reserve(&k->slot, &k->slot_cap, (size_t)space + 2,
			   sizeof(*k->slot));
}

static void notice_fork(struct ksm *k, uint32_t child, uint32_t parent)
{
	if (k->slot[parent + 1].listed)
		slot_insert(k, child + 1);
}

/*
 * The pages are gone, the items are left.  Without items, and elsewhere than
 * under the cursor, the space goes at once; otherwise it is visited next.
 */
static void notice_exit(struct ksm *k, uint32_t space)
{
	uint32_t slot = space + 1;

	k->slot[slot].exited = true;
	if (!k->slot[slot].listed)
		machine_space_release(k->machine, space);
	else if (k->at == slot)
		return;
	else if (!k->slot[slot].items)
		slot_remove(k, slot);
	else
		slot_move_next(k, slot);
}

static void notice_page(struct ksm *k, const struct effect *fx, struct meter *m)
{
	struct slot *s = &k->slot[fx->space + 1];

	if (fx->flags & FXF_FREED && fx->freed)
		stable_mark_stale(k, fx->freed);
	if ((fx->flags & (FXF_BROKE | FXF_GONE | FXF_REUSED)) == FXF_BROKE) {
		k->cow_ksm++;
		meter_add(m, OP_COW_BREAK, 1);
	}
	if (fx->flags & (FXF_BROKE | FXF_BROKE_ZERO))
		k->changes++;
	if (fx->flags & FXF_BROKE_ZERO)
		s->zero--;
	if (fx->flags & FXF_ZEROED)
		s->zero++;
	if (fx->pte &&
	    word_state(k->machine->pte[fx->pte].word) == ITEM_UNSTABLE)
		item_refresh(k, fx->pte);
}

int ksm_notice(struct engine *e, const struct effect *fx, struct meter *m)
{
	struct ksm *k = (struct ksm *)e;
	int ret;

	switch ((enum effect_kind)fx->kind) {
	case FX_PAGE:
		notice_page(k, fx, m);
		return 0;
	case FX_SPACE:
		return notice_space(k, fx->space);
	case FX_FORK:
		ret = notice_space(k, fx->space);
		if (!ret)
			notice_fork(k, fx->space, fx->from);
		return ret;
	case FX_EXIT:
		notice_exit(k, fx->space);
		return 0;
	case FX_MERGEABLE:
		if (!k->slot[fx->space + 1].listed)
			slot_insert(k, fx->space + 1);
		return 0;
	case FX_STORE:
	case FX_NONE:
		break;
	}
	return 0;
}

/* ---- turns ---- */

/*
 * A sleep ends with the tick after its time is over.  Without one ksmd goes on
 * at once; where work is free, time must go on all the same.
 */
static ns_t sleep_time(const struct ksm *k, ns_t spent)
{
	uint64_t hz = k->opt.hz;
	uint64_t ticks = (k->opt.sleep_millisecs * hz + 999) / 1000;

	if (!k->opt.sleep_millisecs && spent.v)
		return NS(0);
	return NS((ticks + 1) * (NS_PER_SEC / hz));
}

static int ksm_work(struct engine *e, unsigned worker, struct meter *m)
{
	struct ksm *k = (struct ksm *)e;
	ns_t spent;
	int ret = 0;

	(void)worker;
	k->begun = meter_spent(m);
	k->turned = k->clock->now;
	if (ksm_should_run(k)) {
		ret = ksm_batch(k, m);
		k->turned = ksm_now(k, m);
	}
	if (!ksm_should_run(k)) {
		k->parked = true;
		k->wake = NS_NEVER;
		return ret;
	}
	spent = NS(k->turned.v - k->clock->now.v);
	k->wake = ns_add(k->turned, sleep_time(k, spent));
	return ret;
}

static ns_t ksm_turned(const struct engine *e, unsigned worker)
{
	(void)worker;
	return ((const struct ksm *)e)->turned;
}

static void ksm_progress(const struct engine *e, struct engine_progress *p)
{
	const struct ksm *k = (const struct ksm *)e;

	p->scans = k->scans_ever;
	p->round = k->opt.smart_scan ? SKIPS_MAX + 1 : 1;
	p->changes = k->changes;
}

const struct engine_ops engine_ksm = {
	.name = "ksm",
	.summary = "Linux kernel samepage merging",
	.source = "[linux-6.18] mm/ksm.c",
	.opts = ksm_options,
	.opts_size = sizeof(struct ksm_opts),
	.keeps_words = true,
	.has = ksm_has,
	.needs = ksm_needs,
	.start = ksm_start,
	.notice = ksm_notice,
	.work = ksm_work,
	.turned = ksm_turned,
	.set = ksm_set,
	.get = ksm_get,
	.progress = ksm_progress,
	.report = ksm_report,
	.report_space = ksm_report_space,
	.check = ksm_check,
	.stop = ksm_stop,
};
