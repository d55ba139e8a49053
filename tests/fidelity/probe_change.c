/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixed scenarios: pages written, unmapped, forked, and processes that end. */
#include <stddef.h>

#include "tests/fidelity/verbs.h"

#include "tests/fidelity/probe.h"

/* One page of each pair keeps changing. */
static void s12(struct probe *p)
{
	smart(p, false);
	map(p, 0, 200);
	cycle(p, 0, 200, 1, 100);
	op_snap(p, "200 pages, ids 1..100 twice; before each scan page 0..99 "
		   "rewritten");
	for (int i = 1; i <= 4; i++) {
		distinct(p, 0, 100, 1000 * (uint64_t)i);
		op_scan(p, 1);
		op_snap(p, "0..99 get ids %d.., full scan %d", 1000 * i, i);
	}
	cycle(p, 0, 100, 1, 100);
	op_snap(p, "0..99 back to ids 1..100");
	scans(p, 5, 7);
}

static void s13(struct probe *p)
{
	smart(p, false);
	map(p, 0, 10);
	equal(p, 0, 10, 1);
	scans(p, 1, 2);
	equal(p, 3, 4, 2);
	op_snap(p, "page 3 gets id 2");
	scans(p, 3, 5);
	equal(p, 3, 4, 1);
	op_snap(p, "page 3 gets id 1 again");
	scans(p, 6, 7);
	equal(p, 5, 6, 1);
	op_snap(p, "page 5 rewritten with its own content");
	scans(p, 8, 8);
}

static void s14(struct probe *p)
{
	smart(p, false);
	map(p, 0, 10);
	equal(p, 0, 10, 1);
	scans(p, 1, 2);
	distinct(p, 0, 10, 100);
	op_snap(p, "all 10 pages get distinct new ids");
	scans(p, 3, 5);
	equal(p, 0, 10, 9);
	op_snap(p, "all 10 pages get id 9");
	scans(p, 6, 8);
	equal(p, 0, 9, 10);
	op_snap(p, "pages 0..8 get id 10, page 9 is the last sharer of id 9");
	scans(p, 9, 11);
	equal(p, 9, 10, 9);
	op_snap(p, "page 9 rewritten with its own content");
	scans(p, 12, 13);
}

static void s15(struct probe *p)
{
	map(p, 0, 100);
	op_start(p, 1);
	op_pages(p, 1, OP_MAP, 0, 100);
	cycle(p, 0, 100, 1, 50);
	op_fill(p, 1, 0, 100, RULE_ID, 1, 1, 50);
	op_snap(p, "two processes, each 100 pages, ids 1..50 twice");
	scans(p, 1, 3);
	op_exit(p, 1);
	op_snap(p, "process 1 exited");
	scans(p, 4, 5);
	op_exit(p, 0);
	op_snap(p, "process 0 exited");
	scans(p, 6, 6);
}

static void s16(struct probe *p)
{
	smart(p, false);
	map(p, 0, 400);
	equal(p, 0, 200, 1);
	distinct(p, 200, 400, 10);
	scans(p, 1, 3);
	unmap(p, 100, 300);
	op_snap(p, "pages 100..299 unmapped (half of each kind)");
	scans(p, 4, 5);
	op_pages(p, 0, OP_DONTNEED, 0, 20);
	op_snap(p, "pages 0..19 MADV_DONTNEED");
	scans(p, 6, 6);
	op_pages(p, 0, OP_UNMERGEABLE, 20, 60);
	op_snap(p, "pages 20..59 MADV_UNMERGEABLE");
	scans(p, 7, 7);
	op_pages(p, 0, OP_MERGEABLE, 20, 60);
	op_snap(p, "pages 20..59 MADV_MERGEABLE again");
	scans(p, 8, 9);
}

static void s17(struct probe *p)
{
	map(p, 0, 300);
	equal(p, 0, 200, 1);
	distinct(p, 200, 300, 10);
	scans(p, 1, 3);
	op_set(p, "run", 2);
	op_snap(p, "run=2");
	op_set(p, "run", 0);
	op_snap(p, "run=0");
	scans(p, 1, 3);
}

/* The child keeps the addresses of its parent, so the same page numbers. */
static void s23(struct probe *p)
{
	smart(p, false);
	limit(p, 8);
	map(p, 0, 40);
	equal(p, 0, 20, 1);
	distinct(p, 20, 40, 100);
	scans(p, 1, 3);
	op_fork(p, 0, 1);
	op_snap(p, "fork");
	scans(p, 4, 6);
	op_fill(p, 1, 20, 30, RULE_ID, 100, 0, 0);
	op_snap(p, "child writes id 100 to pages 20..29");
	scans(p, 7, 9);
	op_exit(p, 1);
	op_snap(p, "child exited");
	scans(p, 10, 11);
}

/* A page of the unstable tree changes under the walks through it. */
static void s29(struct probe *p)
{
	smart(p, false);
	map(p, 0, 5);
	keys(p, 0, 1, 20, 0);
	keys(p, 1, 2, 10, 0);
	keys(p, 2, 3, 30, 0);
	keys(p, 3, 4, 10, 0);
	keys(p, 4, 5, 30, 0);
	op_scan(p, 1);
	op_snap(p, "5 pages, keys 20 10 30 10 30; full scan 1");
	op_batch(p, 3);
	op_snap(p, "scan 2, first 3 pages visited");
	keys(p, 0, 1, 5, 0);
	op_snap(p, "page 0 (root of the unstable tree) becomes key 5");
	op_batch(p, BATCH_REST);
	op_snap(p, "rest of scan 2");
	scans(p, 3, 4);
}

static void s32(struct probe *p)
{
	smart(p, false);
	map(p, 0, 20);
	distinct(p, 0, 20, 1);
	scans(p, 1, 2);
	unmap(p, 0, 20);
	map(p, 0, 20);
	distinct(p, 0, 20, 1);
	op_snap(p, "20 pages unmapped, remapped, same contents");
	scans(p, 3, 3);
	unmap(p, 0, 20);
	scans(p, 4, 4);
	map(p, 0, 20);
	distinct(p, 0, 20, 1);
	op_snap(p, "unmapped, scanned, remapped with the same contents");
	scans(p, 5, 6);
}

static void s39(struct probe *p)
{
	smart(p, false);
	map(p, 0, 200);
	distinct(p, 0, 50, 1);
	distinct(p, 100, 150, 101);
	op_batch(p, 75);
	op_snap(p, "0..49 and 100..149 written; batch of 75");
	distinct(p, 50, 100, 51);
	distinct(p, 150, 200, 151);
	op_snap(p, "50..99 (behind) and 150..199 (ahead) written");
	op_batch(p, BATCH_REST);
	op_snap(p, "rest of scan 1");
	scans(p, 2, 3);
}

/* A walk that meets a page that is gone gives up without inserting. */
static void s40(struct probe *p)
{
	smart(p, false);
	map(p, 0, 10);
	keys(p, 0, 1, 50, 0);
	keys(p, 1, 2, 20, 0);
	keys(p, 2, 3, 80, 0);
	keys(p, 3, 8, 10, 3);
	keys(p, 8, 10, 90, 0);
	op_scan(p, 1);
	op_batch(p, 3);
	op_snap(p,
		"keys 50 20 80 10 13 16 19 22 90 90; scan 2, 3 pages visited");
	op_pages(p, 0, OP_DONTNEED, 0, 1);
	op_snap(p, "page 0 (root of the unstable tree) dropped");
	op_batch(p, BATCH_REST);
	op_snap(p, "rest of scan 2");
	scans(p, 3, 3);
}

static void s41(struct probe *p)
{
	smart(p, false);
	op_set(p, "use_zero_pages", 1);
	map(p, 0, 10);
	zeros(p, 0, 10);
	scans(p, 1, 3);
	op_fork(p, 0, 1);
	op_snap(p, "fork");
	op_fill(p, 1, 0, 2, RULE_ID, 1, 1, 0);
	op_snap(p, "child writes pages 0 and 1");
	scans(p, 4, 5);
	op_exit(p, 1);
	op_snap(p, "child exited");
	scans(p, 6, 6);
}

/*
 * Pages that parent and child still share are merged through the child, whose
 * mapping is mergeable; the parent's keeps the merged page when run becomes 2.
 */
static void s42(struct probe *p)
{
	int ret;

	smart(p, false);
	map(p, 0, 4);
	distinct(p, 0, 3, 1);
	equal(p, 3, 4, 1);
	op_fork(p, 0, 1);
	op_pages(p, 0, OP_UNMERGEABLE, 0, 3);
	op_snap(p, "ids 1 2 3 1; fork; parent's pages 0..2 MADV_UNMERGEABLE");
	scans(p, 1, 3);
	op_set(p, "run", 2);
	op_snap(p, "run=2");
	ret = op_set(p, "max_page_sharing", 100);
	op_snap(p, "max_page_sharing 100: errno %d", -ret);
	op_exit(p, 1);
	scans(p, 1, 2);
}

const struct scenario scenarios_change[] = {
	{"S12", "pages rewritten between scans", s12},
	{"S13", "one sharer written", s13},
	{"S14", "all sharers written", s14},
	{"S15", "process exit", s15},
	{"S16", "munmap, MADV_DONTNEED, MADV_UNMERGEABLE", s16},
	{"S17", "run=2 and start again", s17},
	{"S23", "fork, max_page_sharing 8", s23},
	{"S29", "unstable tree misdirected by a write", s29},
	{"S32", "unmapped and mapped again between scans", s32},
	{"S39", "pages appear behind and ahead of the cursor", s39},
	{"S40", "root of the unstable tree disappears", s40},
	{"S41", "fork of pages that map the zero page", s41},
	{"S42", "merged page in a mapping that is not mergeable", s42},
	{NULL, NULL, NULL},
};
