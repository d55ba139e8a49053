/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixed scenarios: which pages merge, sharing limits and chains, zero pages. */
#include <stddef.h>

#include "bench/kernel.h"
#include "tests/fidelity/verbs.h"

#include "tests/fidelity/probe.h"

#define HOUR_MS 3600000

static void s01(struct probe *p)
{
	smart(p, false);
	map(p, 0, 100);
	distinct(p, 0, 100, 1);
	op_snap(p, "100 distinct pages written");
	scans(p, 1, 5);
	stat_row(p, 0, "after 5");
}

static void s02(struct probe *p)
{
	map(p, 0, 1000);
	cycle(p, 0, 1000, 1, 10);
	op_snap(p, "1000 pages, page p has id 1 + p %% 10");
	scans(p, 1, 4);
	stat_row(p, 0, "after 4");
}

static void all_equal(struct probe *p, long pages, long sharing)
{
	limit(p, sharing);
	map(p, 0, pages);
	equal(p, 0, pages, 7);
	op_snap(p, "%ld equal pages, max_page_sharing %ld", pages, sharing);
	scans(p, 1, 4);
}

static void s03(struct probe *p)
{
	all_equal(p, 600, 256);
}

static void s04(struct probe *p)
{
	all_equal(p, 600, 2);
}

static void s05(struct probe *p)
{
	all_equal(p, 513, 256);
}

static void s06(struct probe *p)
{
	all_equal(p, 5, 2);
}

static void s07(struct probe *p)
{
	map(p, 0, 300);
	zeros(p, 0, 300);
	op_snap(p, "300 zero-filled (written) pages, use_zero_pages 0");
	scans(p, 1, 3);
}

static void s08(struct probe *p)
{
	op_set(p, "use_zero_pages", 1);
	map(p, 0, 300);
	zeros(p, 0, 300);
	op_snap(p, "300 zero-filled (written) pages, use_zero_pages 1");
	scans(p, 1, 4);
	stat_row(p, 0, "after 4");
	distinct(p, 0, 10, 1);
	op_snap(p, "pages 0..9 rewritten with ids 1..10");
	scans(p, 5, 6);
	op_pages(p, 0, OP_READ, 10, 300);
	op_snap(p, "pages 10..299 read");
	unmap(p, 200, 300);
	op_snap(p, "pages 200..299 unmapped");
	zeros(p, 10, 20);
	op_snap(p, "pages 10..19 overwritten with zeroes");
	scans(p, 7, 9);
	op_set(p, "run", 2);
	op_snap(p, "run=2");
}

/* The knob works forward only: pages merged before stay as they are. */
static void s09(struct probe *p)
{
	map(p, 0, 300);
	zeros(p, 0, 100);
	scans(p, 1, 2);
	op_set(p, "use_zero_pages", 1);
	zeros(p, 100, 300);
	op_snap(p, "use_zero_pages 1, pages 100..299 zero-filled too");
	scans(p, 3, 5);
	op_set(p, "use_zero_pages", 0);
	scans(p, 6, 7);
}

static void s10(struct probe *p)
{
	map(p, 0, 300);
	op_pages(p, 0, OP_READ, 100, 200);
	zeros(p, 200, 300);
	op_snap(p, "0..99 untouched, 100..199 only read, 200..299 zero-filled");
	scans(p, 1, 2);
}

static void s11(struct probe *p)
{
	map(p, 0, 512);
	op_fill(p, 0, 0, 512, RULE_LAST1, 0, 1, 256);
	op_snap(p, "512 pages, last byte p %% 256");
	scans(p, 1, 3);
}

static void s18(struct probe *p)
{
	op_start(p, 1);
	map(p, 0, 100);
	op_pages(p, 1, OP_MAP, 0, 100);
	distinct(p, 0, 100, 1);
	op_fill(p, 1, 0, 100, RULE_ID, 51, 1, 0);
	op_snap(p, "A: ids 1..100, B: ids 51..150");
	scans(p, 1, 3);
	stat_row(p, 0, "A after 3");
	stat_row(p, 1, "B after 3");
}

static void s19(struct probe *p)
{
	map(p, 0, 100);
	cycle(p, 0, 100, 1, 50);
	scans(p, 1, 2);
	op_start(p, 1);
	op_pages(p, 1, OP_MAP, 0, 50);
	op_fill(p, 1, 0, 50, RULE_ID, 1, 1, 0);
	op_snap(p, "late process: 50 pages, ids 1..50");
	scans(p, 3, 4);
}

static void s24(struct probe *p)
{
	smart(p, false);
	limit(p, 4);
	prune_delay(p, 0);
	map(p, 0, 20);
	equal(p, 0, 20, 1);
	scans(p, 1, 2);
	unmap(p, 0, 16);
	op_snap(p, "pages 0..15 unmapped (max_page_sharing 4, prune delay 0)");
	scans(p, 3, 3);
	map(p, 0, 2);
	equal(p, 0, 2, 1);
	op_snap(p, "2 new equal pages");
	scans(p, 4, 6);
}

static void s25(struct probe *p)
{
	smart(p, false);
	limit(p, 4);
	prune_delay(p, HOUR_MS);
	map(p, 0, 20);
	equal(p, 0, 20, 1);
	scans(p, 1, 2);
	distinct(p, 0, 14, 100);
	op_snap(p,
		"pages 0..13 rewritten (max_page_sharing 4, prune delay 1 h)");
	scans(p, 3, 3);
	equal(p, 0, 3, 1);
	op_snap(p, "pages 0..2 get id 1 again");
	scans(p, 4, 5);
	prune_delay(p, 0);
	equal(p, 3, 6, 1);
	op_snap(p, "prune delay 0; pages 3..5 get id 1 again");
	scans(p, 6, 7);
}

/* A huge page is split when one page of it merges, not before. */
static void s28(struct probe *p)
{
	static const char vmstat[] = "/proc/vmstat";
	long faults = kernel_stat(vmstat, "thp_fault_alloc");
	long splits = kernel_stat(vmstat, "thp_split_page");

	smart(p, false);
	op_pages(p, 0, OP_MAPHUGE, 0, 1024);
	distinct(p, 0, 512, 1);
	distinct(p, 512, 1023, 10000);
	equal(p, 1023, 1024, 5);
	op_snap(p, "2 huge pages (%ld), one 4K subpage of B equals page 4 of A",
		kernel_stat(vmstat, "thp_fault_alloc") - faults);
	scans(p, 1, 2);
	op_snap(p, "thp_split_page +%ld",
		kernel_stat(vmstat, "thp_split_page") - splits);
	scans(p, 3, 4);
	equal(p, 7, 9, 77);
	op_snap(p, "pages 7 and 8 (same former huge page) made equal");
	scans(p, 5, 6);
}

static void s31(struct probe *p)
{
	smart(p, false);
	limit(p, 3);
	map(p, 0, 7);
	equal(p, 0, 7, 1);
	scans(p, 1, 2);
	equal(p, 0, 1, 2);
	op_snap(p, "7 equal pages, max_page_sharing 3; page 0 leaves");
	scans(p, 3, 4);
	equal(p, 3, 4, 2);
	op_snap(p, "page 3 gets the same id 2");
	scans(p, 5, 6);
	equal(p, 0, 1, 1);
	op_snap(p, "page 0 gets id 1 again");
	scans(p, 7, 8);
}

/* Two copies, one of them emptier: which one does a newcomer join? */
static void choice_of_copy(struct probe *p, long delay)
{
	smart(p, false);
	limit(p, 4);
	prune_delay(p, delay);
	map(p, 0, 9);
	equal(p, 0, 8, 1);
	distinct(p, 8, 9, 50);
	scans(p, 1, 2);
	equal(p, 0, 1, 60);
	distinct(p, 4, 6, 70);
	equal(p, 8, 9, 1);
	op_snap(p, "limit 4, prune delay %ld ms; 0, 4, 5 leave, 8 gets id 1",
		delay);
	scans(p, 3, 4);
	distinct(p, 6, 8, 80);
	op_snap(p, "pages 6 and 7 leave too");
	scans(p, 5, 6);
}

static void s33(struct probe *p)
{
	choice_of_copy(p, HOUR_MS);
}

static void s34(struct probe *p)
{
	choice_of_copy(p, 0);
}

/* One page that cannot be merged holds up all that equal it, if it is first. */
static void s36(struct probe *p)
{
	smart(p, false);
	map(p, 0, 10);
	equal(p, 0, 10, 1);
	op_pages(p, 0, OP_PIN, 5, 6);
	op_snap(p, "10 equal pages, page 5 has an extra reference");
	scans(p, 1, 3);
	op_pages(p, 0, OP_UNPIN, 0, 0);
	op_snap(p, "reference dropped");
	scans(p, 4, 4);
	unmap(p, 0, 10);
	op_scan(p, 1);
	map(p, 0, 10);
	equal(p, 0, 10, 1);
	op_pages(p, 0, OP_PIN, 0, 1);
	op_snap(p,
		"new mapping, 10 equal pages, page 0 has an extra reference");
	scans(p, 6, 8);
	op_pages(p, 0, OP_UNPIN, 0, 0);
	op_snap(p, "reference dropped");
	scans(p, 9, 10);
}

static void s37(struct probe *p)
{
	map(p, 0, 10);
	equal(p, 0, 10, 1);
	op_pages(p, 0, OP_READONLY, 0, 10);
	op_pages(p, 0, OP_MAPSHARED, 20, 30);
	equal(p, 20, 30, 1);
	op_snap(p, "10 equal pages made PROT_READ, 10 equal MAP_SHARED pages");
	scans(p, 1, 2);
}

const struct scenario scenarios_merge[] = {
	{"S01", "100 distinct pages, smart_scan 0", s01},
	{"S02", "1000 pages, 10 contents", s02},
	{"S03", "600 equal pages, max_page_sharing 256", s03},
	{"S04", "600 equal pages, max_page_sharing 2", s04},
	{"S05", "513 equal pages, max_page_sharing 256", s05},
	{"S06", "5 equal pages, max_page_sharing 2", s06},
	{"S07", "300 zero pages, use_zero_pages 0", s07},
	{"S08", "300 zero pages, use_zero_pages 1", s08},
	{"S09", "use_zero_pages switched between scans", s09},
	{"S10", "untouched, only-read and written pages", s10},
	{"S11", "512 pages differing only in the last byte", s11},
	{"S18", "two processes with common contents", s18},
	{"S19", "late process meets a stable tree", s19},
	{"S24", "chain shrinks, prune delay 0", s24},
	{"S25", "chain refilled, prune delay 1 h", s25},
	{"S28", "transparent huge pages", s28},
	{"S31", "leaving and joining, max_page_sharing 3", s31},
	{"S33", "choice of the copy, prune delay 1 h", s33},
	{"S34", "choice of the copy, prune delay 0", s34},
	{"S36", "pages with an extra reference", s36},
	{"S37", "read-only and shared mappings", s37},
	{NULL, NULL, NULL},
};
