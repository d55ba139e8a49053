/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * control.c - what ksmd is told to do: registration, run, tunables
 */
#include <errno.h>

#include "sim/engine/ksm/ksm.h"

/* ---- the list of spaces ---- */

static void list_before(struct ksm *k, uint32_t slot, uint32_t next)
{
	uint32_t prev = k->slot[next].prev;

	k->slot[slot].prev = prev;
	k->slot[slot].next = next;
	k->slot[prev].next = slot;
	k->slot[next].prev = slot;
}

static void list_remove(struct ksm *k, uint32_t slot)
{
	struct slot *s = &k->slot[slot];

	k->slot[s->prev].next = s->next;
	k->slot[s->next].prev = s->prev;
}

/* A space is registered: it waits for the next full scan, right before the one
 * under the cursor; at the tail between scans and while unmerging. */
void slot_insert(struct ksm *k, uint32_t slot)
{
	bool first = k->slot[0].next == 0;

	assert(!k->slot[slot].listed);
	k->slot[slot].listed = true;
	list_before(k, slot, k->opt.run == KSM_RUN_UNMERGE ? 0 : k->at);
	k->slots++;
	if (first && k->parked && k->opt.run == KSM_RUN_MERGE)
		ksm_wake(k);
}

void slot_remove(struct ksm *k, uint32_t slot)
{
	assert(k->slot[slot].listed && k->at != slot);
	list_remove(k, slot);
	k->slot[slot].listed = false;
	k->slots--;
	if (k->slot[slot].exited)
		machine_space_release(k->machine, slot - 1);
}

void slot_move_next(struct ksm *k, uint32_t slot)
{
	list_remove(k, slot);
	list_before(k, slot, k->slot[k->at].next);
}

bool ksm_should_run(const struct ksm *k)
{
	return k->opt.run == KSM_RUN_MERGE && k->slot[0].next != 0;
}

void ksm_wake(struct ksm *k)
{
	k->parked = false;
	k->wake = k->clock->now;
}

/* ---- run = 2 ---- */

/* Merged pages of mergeable ranges get copies, then all items go. */
static int unmerge_space(struct ksm *k, uint32_t space, struct meter *m)
{
	struct machine *mc = k->machine;
	struct space_cursor c = {.space = space};
	struct scan_steps steps = {0};
	struct effect fx;
	uint32_t pte;
	int ret;

	/* Zero pages placed by us have no item: look at every page. */
	for (size_t at = 0; at < mc->space[space].nchunk; at++) {
		pte = mc->space[space].chunk[at].chunk << CHUNK_SHIFT;
		for (unsigned i = 0; i < CHUNK_PAGES; i++, pte++) {
			if (!(mc->pte[pte].flags & PTE_MERGEABLE) ||
			    !machine_unmergeable(mc, pte))
				continue;
			ret = machine_unmerge(mc, pte, &fx);
			if (!ret)
				ret = ksm_notice(&k->base, &fx, m);
			if (ret)
				return ret;
		}
	}
	while ((pte = machine_scan(mc, &c, &steps)))
		if (mc->pte[pte].word)
			item_drop(k, pte, m);
	return 0;
}

static int unmerge_all(struct ksm *k, struct meter *m)
{
	uint32_t slot, next;
	int ret;

	for (slot = k->slot[0].next; slot; slot = next) {
		next = k->slot[slot].next;
		ret = unmerge_space(k, slot - 1, m);
		if (ret)
			return ret;
		k->at = 0;
		if (k->slot[slot].exited)
			slot_remove(k, slot);
	}
	k->at = 0;
	stable_drop_all(k, m);
	k->seq = 0;
	k->full_scans = 0;
	k->unstable.root = 0;
	return 0;
}

static int set_run(struct ksm *k, uint64_t run, struct meter *m)
{
	uint64_t was = k->opt.run;

	if (run == was)
		return 0;
	k->opt.run = run;
	if (run == KSM_RUN_UNMERGE)
		return unmerge_all(k, m);
	if (run == KSM_RUN_MERGE && k->parked)
		ksm_wake(k);
	return 0;
}

/* ---- tunables ---- */

/* Knobs that must not change under merged pages. */
static int refuse_if_shared(struct ksm *k, struct meter *m)
{
	return k->pages_shared || !stable_drop_all(k, m) ? -EBUSY : 0;
}

static int set_advisor(struct ksm *k, uint64_t mode)
{
	if (mode == k->opt.advisor_mode)
		return 0;
	k->opt.advisor_mode = mode;
	if (mode == KSM_ADVISOR_NONE)
		k->opt.pages_to_scan =
			opt_find(ksm_options, "pages_to_scan")->def;
	else
		advisor_start(k);
	return 0;
}

int ksm_set(struct engine *e, const char *key, const char *value,
	    struct meter *m)
{
	struct ksm *k = (struct ksm *)e;
	const struct opt *row = opt_find(ksm_options, key);
	struct ksm_opts fresh = k->opt;
	uint64_t want;
	int ret = 0;

	if (!row || !ksm_has_tunable(&k->rules, key))
		return -ENOENT;
	if (opt_set(ksm_options, &fresh, key, value, NULL))
		return -EINVAL;
	want = opt_get(row, &fresh);
	switch (row->offset) {
	case offsetof(struct ksm_opts, run):
		return set_run(k, want, m);
	case offsetof(struct ksm_opts, advisor_mode):
		return set_advisor(k, want);
	case offsetof(struct ksm_opts, pages_to_scan):
		if (k->opt.advisor_mode != KSM_ADVISOR_NONE)
			return -EINVAL;
		break;
	case offsetof(struct ksm_opts, max_page_sharing):
	case offsetof(struct ksm_opts, merge_across_nodes):
		if (want != opt_get(row, &k->opt))
			ret = refuse_if_shared(k, m);
		break;
	case offsetof(struct ksm_opts, sleep_millisecs):
		if (want != k->opt.sleep_millisecs && !k->parked &&
		    k->rules.wakes)
			k->wake = k->clock->now; /* a running sleep ends */
		break;
	case offsetof(struct ksm_opts, version):
	case offsetof(struct ksm_opts, hz):
	case offsetof(struct ksm_opts, threads):
	case offsetof(struct ksm_opts, checksum):
	case offsetof(struct ksm_opts, memcmp):
	case offsetof(struct ksm_opts, colour_copies):
	case offsetof(struct ksm_opts, colours):
	case offsetof(struct ksm_opts, colour_groups):
	case offsetof(struct ksm_opts, colour_theta):
		return -EINVAL; /* of the kernel itself */
	default:
		break;
	}
	if (!ret)
		k->opt = fresh;
	return ret;
}

int ksm_get(const struct engine *e, const char *key, uint64_t *value)
{
	const struct opt *row = opt_find(ksm_options, key);

	if (!row || !ksm_has_tunable(&((const struct ksm *)e)->rules, key))
		return -ENOENT;
	*value = opt_get(row, &((const struct ksm *)e)->opt);
	return 0;
}
