/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fixed scenarios: smart scan, batches, and knobs that refuse a value. */
#include <stddef.h>

#include "tests/fidelity/verbs.h"

#include "tests/fidelity/probe.h"

static void s20(struct probe *p)
{
	map(p, 0, 100);
	distinct(p, 0, 100, 1);
	op_snap(p, "100 distinct pages, smart_scan 1");
	scans(p, 1, 40);
}

static void s21(struct probe *p)
{
	map(p, 0, 2);
	distinct(p, 0, 2, 1);
	op_scan(p, 14);
	op_snap(p, "2 distinct pages, after 14 scans");
	equal(p, 1, 2, 1);
	op_snap(p, "page 1 gets the content of page 0");
	scans(p, 15, 34);
}

static void s22(struct probe *p)
{
	map(p, 0, 20);
	distinct(p, 0, 10, 1);
	op_scan(p, 4);
	op_snap(p, "10 distinct pages after 4 scans");
	distinct(p, 10, 20, 1);
	op_snap(p, "10 new pages equal to them appear");
	scans(p, 5, 12);
}

static void s26(struct probe *p)
{
	smart(p, false);
	map(p, 0, 250);
	distinct(p, 0, 250, 1);
	op_snap(p, "250 distinct pages, batches of 100");
	batches(p, 7, 100);
}

/* Where the batch divides the pages, each scan ends with an empty batch. */
static void s27(struct probe *p)
{
	smart(p, false);
	map(p, 0, 200);
	distinct(p, 0, 200, 1);
	op_snap(p, "200 distinct pages, batches of 100");
	batches(p, 6, 100);
}

static void s30(struct probe *p)
{
	int mps300, mps1, nodes, run, mps256;

	map(p, 0, 10);
	equal(p, 0, 10, 1);
	op_scan(p, 2);
	mps300 = op_set(p, "max_page_sharing", 300);
	mps1 = op_set(p, "max_page_sharing", 1);
	nodes = op_set(p, "merge_across_nodes", 0);
	run = op_set(p, "run", 3);
	mps256 = op_set(p, "max_page_sharing", 256);
	op_snap(p,
		"errno: mps 300 %d, mps 1 %d, mergenodes 0 %d, run 3 %d, "
		"mps 256 %d",
		-mps300, -mps1, -nodes, -run, -mps256);
	op_set(p, "run", 2);
	mps300 = op_set(p, "max_page_sharing", 300);
	nodes = op_set(p, "merge_across_nodes", 0);
	op_snap(p, "after run=2, errno: mps 300 %d, mergenodes 0 %d", -mps300,
		-nodes);
}

/* The age that smart scan goes by stands still while a page is merged. */
static void s35(struct probe *p)
{
	map(p, 0, 2);
	equal(p, 0, 2, 1);
	op_scan(p, 20);
	op_snap(p, "2 equal pages after 20 scans");
	equal(p, 1, 2, 2);
	op_snap(p, "page 1 gets id 2");
	scans(p, 21, 29);
}

static void s38(struct probe *p)
{
	map(p, 0, 250);
	distinct(p, 0, 250, 1);
	op_scan(p, 4);
	op_snap(p, "250 distinct pages after 4 scans; now batches of 100");
	batches(p, 5, 100);
}

const struct scenario scenarios_pace[] = {
	{"S20", "smart scan pattern, 40 scans", s20},
	{"S21", "smart scan delays a merge", s21},
	{"S22", "smart scan with two ages", s22},
	{"S26", "250 pages in batches of 100", s26},
	{"S27", "200 pages in batches of 100", s27},
	{"S30", "values refused while pages are merged", s30},
	{"S35", "smart scan: merged pages do not age", s35},
	{"S38", "skipped pages take nothing from a batch", s38},
	{NULL, NULL, NULL},
};
