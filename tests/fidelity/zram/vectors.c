/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vectors.c - which steps there are, and what each vector would catch
 */
#include <stdio.h>

#include "tests/fidelity/zram/probe.h"

#define LONGEST 3624u /* stored compressed, with chains of 8 pages */
#define LENGTH_LEAST 40u

/* ---- short words ---- */

static void write_all(struct probe *p, uint32_t from, uint32_t to,
		      uint32_t length)
{
	list_range(p, &p->slots, from, to, 1);
	for (uint32_t i = from; i <= to; i++)
		list_add(p, &p->sizes, length);
	step_write(p);
}

static void write_one(struct probe *p, uint32_t slot, uint32_t length)
{
	write_all(p, slot, slot, length);
}

static void discard(struct probe *p, uint32_t from, uint32_t to,
		    uint32_t stride)
{
	list_range(p, &p->slots, from, to, stride);
	step_discard(p);
}

/* ---- single rules ---- */

/* What is same-filled, and what becomes of it. */
static void same_filled(struct probe *p)
{
	step_begin(p, "same-filled");
	write_all(p, 0, 9, 0);
	write_one(p, 0, 0);
	write_one(p, 1, probe_near(p, 500));
	write_one(p, 1, 0);
	discard(p, 0, 4, 1);
	discard(p, 0, 4, 1);
	list_range(p, &p->slots, 4, 7, 1);
	step_zeroout(p);
}

/* From which length on a page is raw, one byte at a time. */
static void huge_limit(struct probe *p)
{
	uint32_t slot = 0;

	step_begin(p, "huge-limit");
	for (uint32_t s = p->huge - 4; s < p->huge; s++)
		if (p->recipe[s].random)
			write_one(p, slot++, s);
	write_one(p, 100, PAGE_BYTES);
	write_all(p, 101, 110, PAGE_BYTES);
	discard(p, 101, 105, 1);
	write_one(p, 106, probe_near(p, 100));
	write_one(p, 106, PAGE_BYTES);
	step_compact(p);
}

/* Is the new object there before the old one goes? */
static void overwrite(struct probe *p)
{
	step_begin(p, "overwrite-same-size");
	write_one(p, 0, probe_near(p, 2000));
	write_one(p, 0, probe_near(p, 2000));
	write_one(p, 0, PAGE_BYTES);
	write_one(p, 0, PAGE_BYTES);
	write_one(p, 0, 0);
	step_begin(p, "overwrite-full-zspage");
	write_all(p, 0, 8, probe_near(p, LONGEST));
	write_one(p, 3, probe_near(p, LONGEST));
	write_one(p, 4, probe_near(p, LONGEST));
	step_compact(p);
}

static void mem_limit(struct probe *p)
{
	step_begin(p, "mem-limit");
	step_limit(p, 16 * PAGE_BYTES);
	write_all(p, 0, 15, PAGE_BYTES);
	write_one(p, 16, PAGE_BYTES);
	write_one(p, 17, probe_near(p, LONGEST));
	write_one(p, 18, 0);
	write_one(p, 3, PAGE_BYTES);
	write_one(p, 3, 0);
	step_reset_max(p);
	write_one(p, 19, PAGE_BYTES);
	write_one(p, 20, PAGE_BYTES);
}

/* Three full zspages of nine, a hole in each: the last hole is filled. */
static void choose_most_recent(struct probe *p)
{
	step_begin(p, "choose-most-recent");
	write_all(p, 0, 26, probe_near(p, LONGEST));
	discard(p, 0, 0, 1);
	discard(p, 9, 9, 1);
	discard(p, 18, 18, 1);
	write_one(p, 30, probe_near(p, LONGEST));
	discard(p, 1, 8, 1);
	discard(p, 10, 17, 1);
	discard(p, 19, 26, 1);
	discard(p, 30, 30, 1);
}

/* Zspages with 8, 2 and 5 objects of 9. */
static void choose_fullest(struct probe *p)
{
	step_begin(p, "choose-fullest");
	write_all(p, 0, 26, probe_near(p, LONGEST));
	discard(p, 18, 21, 1);
	discard(p, 9, 15, 1);
	discard(p, 0, 0, 1);
	write_all(p, 40, 44, probe_near(p, LONGEST));
	discard(p, 1, 8, 1);
	discard(p, 16, 17, 1);
	discard(p, 22, 26, 1);
	discard(p, 40, 40, 1);
	discard(p, 41, 44, 1);
}

/* 17 and 16 objects of 32 are in the same group of fullness. */
static void choose_boundary(struct probe *p)
{
	step_begin(p, "choose-group-boundary");
	write_all(p, 0, 63, probe_near(p, 630));
	discard(p, 0, 14, 1);
	discard(p, 32, 47, 1);
	write_one(p, 70, probe_near(p, 630));
	discard(p, 48, 63, 1);
	discard(p, 15, 31, 1);
	discard(p, 70, 70, 1);
}

/* ---- fragmentation ---- */

static void every_other(struct probe *p, const char *name, uint32_t length)
{
	uint32_t n = 5000;

	step_begin(p, name);
	write_all(p, 0, n - 1, length);
	discard(p, 1, n - 1, 2);
	step_compact(p);
	step_compact(p);
	write_all(p, n, n + n / 4, length);
	discard(p, 0, n + n / 4, 1);
}

static void fragment(struct probe *p)
{
	static const struct {
		const char *name;
		uint32_t length;
	} v[] = {
		{"frag-every-other-100", 100},
		{"frag-every-other-500", 500},
		{"frag-every-other-1000", 1000},
		{"frag-every-other-2000", 2000},
		{"frag-every-other-2700", 2700},
		{"frag-every-other-3000", 3000},
		{"frag-every-other-3624", LONGEST},
	};

	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		every_other(p, v[i].name, probe_near(p, v[i].length));
	every_other(p, "frag-every-other-huge", PAGE_BYTES);
}

/* One survivor in each zspage, each time in another place. */
static void one_in_nine(struct probe *p)
{
	step_begin(p, "frag-one-in-nine");
	write_all(p, 0, 899, probe_near(p, LONGEST));
	for (uint32_t i = 0; i < 900; i++)
		if (i % 9 != i / 9 % 9)
			list_add(p, &p->slots, i);
	step_discard(p);
	step_compact(p);
	discard(p, 0, 899, 1);
}

/* ---- random ---- */

static void uniform_sizes(struct probe *p, uint32_t n, struct dice *d)
{
	uint32_t span = p->huge - LENGTH_LEAST;

	while (n--)
		list_add(p, &p->sizes,
			 probe_near(p, LENGTH_LEAST + dice_below(d, span)));
}

static void bell_sizes(struct probe *p, uint32_t n, double mean,
		       double deviation, struct dice *d)
{
	while (!p->failed && p->sizes.n < n) {
		double v = mean + deviation * dice_bell(d);

		if (v >= LENGTH_LEAST && v < p->huge)
			list_add(p, &p->sizes, probe_near(p, (uint32_t)v));
	}
}

static void shuffle(struct list *l, struct dice *d)
{
	for (uint32_t i = l->n; i > 1; i--) {
		uint32_t j = dice_below(d, i), v = l->v[i - 1];

		l->v[i - 1] = l->v[j];
		l->v[j] = v;
	}
}

static void mixed(struct probe *p, const char *name, double mean,
		  double deviation, struct dice *d)
{
	static const uint32_t part[2][2] = {{0, 5000}, {6000, 1500}};

	step_begin(p, name);
	for (int i = 0; i < 2; i++) {
		uint32_t from = part[i][0], n = part[i][1];

		if (deviation > 0)
			bell_sizes(p, n, mean, deviation, d);
		else
			uniform_sizes(p, n, d);
		list_range(p, &p->slots, from, from + n - 1, 1);
		step_write(p);
		if (i == 0) {
			discard(p, 0, 4999, 2);
			step_compact(p);
		}
	}
	list_range(p, &p->slots, 1, 7499, 1);
	shuffle(&p->slots, d);
	p->slots.n = 4000;
	step_discard(p);
	step_compact(p);
	discard(p, 0, 7499, 1);
}

/* In the order of age, so whole zspages go. */
static void oldest_first(struct probe *p, struct dice *d)
{
	step_begin(p, "drop-oldest-first");
	bell_sizes(p, 3000, 2048, 500, d);
	list_range(p, &p->slots, 0, 2999, 1);
	step_write(p);
	for (uint32_t i = 0; i < 3000; i += 500)
		discard(p, i, i + 499, 1);
}

static void churn(struct probe *p, struct dice *d)
{
	step_begin(p, "churn");
	for (int step = 0; step < 30; step++) {
		for (int i = 0; i < 300; i++) {
			uint32_t kind = dice_below(d, 100), size = 0;

			list_add(p, &p->slots, dice_below(d, 1500));
			if (kind >= 14)
				size = probe_near(
					p, 60 + dice_below(d, p->huge - 61));
			else if (kind >= 8)
				size = PAGE_BYTES;
			list_add(p, &p->sizes, size);
		}
		step_write(p);
		for (int i = 0; i < 120; i++)
			list_add(p, &p->slots, dice_below(d, 1500));
		step_discard(p);
		if (step % 5 == 4)
			step_compact(p);
	}
}

/* ---- every length ---- */

static void ladder(struct probe *p)
{
	uint32_t slot = 0;

	step_begin(p, "ladder");
	for (uint32_t s = 1; s < p->huge;) {
		for (; s < p->huge && p->slots.n < 64; s++) {
			if (!p->recipe[s].random)
				continue;
			list_add(p, &p->slots, slot++);
			list_add(p, &p->sizes, s);
		}
		step_write(p);
	}
}

/* One length of each 16 that may be a class: first object, the rest, one more. */
static void classes(struct probe *p)
{
	char name[32];

	for (uint32_t s = 1; s < p->huge; s = (s + 23) / 16 * 16 - 7) {
		uint32_t pages, objects;

		while (s < p->huge && !p->recipe[s].random)
			s++;
		if (s >= p->huge)
			return;
		probe_shape(p, s, &pages, &objects);
		snprintf(name, sizeof(name), "class-%u", s);
		step_begin(p, name);
		write_one(p, 0, s);
		if (objects > 1)
			write_all(p, 1, objects - 1, s);
		write_one(p, objects, s);
	}
}

void probe_vectors(struct probe *p)
{
	struct dice d = {p->seed};

	same_filled(p);
	huge_limit(p);
	overwrite(p);
	mem_limit(p);
	choose_most_recent(p);
	choose_fullest(p);
	choose_boundary(p);
	fragment(p);
	one_in_nine(p);
	mixed(p, "mixed-uniform", 0, 0, &d);
	mixed(p, "mixed-bell-half", 2048, 500, &d);
	mixed(p, "mixed-over-half", 2900, 400, &d);
	oldest_first(p, &d);
	churn(p, &d);
	ladder(p);
	classes(p);
}
