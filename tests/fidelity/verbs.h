/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verbs.h - short words for what scenarios do all the time, to worker 0 unless
 * the word ends in _in
 */
#ifndef DEDUPSIM_TESTS_FIDELITY_VERBS_H
#define DEDUPSIM_TESTS_FIDELITY_VERBS_H

#include "tests/fidelity/probe.h"

static inline void map(struct probe *p, long lo, long hi)
{
	op_pages(p, 0, OP_MAP, lo, hi);
}

static inline void unmap(struct probe *p, long lo, long hi)
{
	op_pages(p, 0, OP_UNMAP, lo, hi);
}

/* All pages hold content @id. */
static inline void equal(struct probe *p, long lo, long hi, uint64_t id)
{
	op_fill(p, 0, lo, hi, RULE_ID, id, 0, 0);
}

/* Contents @id, @id + 1, … */
static inline void distinct(struct probe *p, long lo, long hi, uint64_t id)
{
	op_fill(p, 0, lo, hi, RULE_ID, id, 1, 0);
}

/* @n contents from @id on, over and over. */
static inline void cycle(struct probe *p, long lo, long hi, uint64_t id,
			 uint64_t n)
{
	op_fill(p, 0, lo, hi, RULE_ID, id, 1, n);
}

static inline void zeros(struct probe *p, long lo, long hi)
{
	op_fill(p, 0, lo, hi, RULE_ZERO, 0, 0, 0);
}

/* Pages that sort as @v, @v + @step, … */
static inline void keys(struct probe *p, long lo, long hi, uint64_t v,
			uint64_t step)
{
	op_fill(p, 0, lo, hi, RULE_KEY, v, step, 0);
}

static inline void smart(struct probe *p, bool on)
{
	op_set(p, "smart_scan", on);
}

static inline void limit(struct probe *p, long sharing)
{
	op_set(p, "max_page_sharing", sharing);
}

static inline void prune_delay(struct probe *p, long ms)
{
	op_set(p, "stable_node_chains_prune_millisecs", ms);
}

/* Full scans number @from … @to, a row after each. */
static inline void scans(struct probe *p, int from, int to)
{
	for (int i = from; i <= to; i++) {
		op_scan(p, 1);
		op_snap(p, "full scan %d", i);
	}
}

/* @n batches of @pages pages, a row after each. */
static inline void batches(struct probe *p, int n, long pages)
{
	for (int i = 1; i <= n; i++) {
		long visited = op_batch(p, pages);

		op_snap(p, "batch %d visited %ld", i, visited);
	}
}

/* A row that tells what the kernel says of one process. */
static inline void stat_row(struct probe *p, int w, const char *what)
{
	struct answer a = op_stat(p, w);

	op_snap(p,
		"%s: ksm_stat rmap_items=%ld zero=%ld merging=%ld profit=%ld",
		what, a.rmap_items, a.zero_pages, a.merging_pages, a.profit);
}

#endif
