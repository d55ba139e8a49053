/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/run/pace.h"

#define MILLION UINT64_C(1000000)
#define PAGES_PER_MIB ((UINT64_C(1) << 20) / PAGE_BYTES)

static uint64_t workers_ns(const struct pace *p, enum cost_end end)
{
	uint64_t sum = 0;

	for (unsigned w = 0; w < p->nworkers; w++)
		sum += meter_spent_at(&p->workers[w], &p->cost->price[end]).v;
	return sum;
}

static void all_work(const struct pace *p, struct meter *sum)
{
	meter_init(sum, NULL);
	meter_sum(sum, p->guests);
	for (unsigned w = 0; w < p->nworkers; w++)
		meter_sum(sum, &p->workers[w]);
}

/* @part of @whole, in millionths; -1: of nothing */
static int64_t ppm(uint64_t part, uint64_t whole)
{
	if (!whole)
		return -1;
	if (part > UINT64_MAX / MILLION)
		return (int64_t)(part / (whole / MILLION + 1));
	return (int64_t)(part * MILLION / whole);
}

void pace_sample(struct pace *p, ns_t now, struct rows *out)
{
	struct meter sum;
	uint64_t ns;

	if (!p->cost)
		return;
	ns = workers_ns(p, COST_MID);
	rows_add(out, "cpu", "workers_ns", "ns", (int64_t)ns);
	rows_add(out, "cpu", "guests_ns", "ns",
		 (int64_t)meter_spent_at(p->guests, &p->cost->price[COST_MID])
			 .v);
	rows_add(out, "cpu", "workers_ppm", "ppm",
		 now.v > p->last.v ? ppm(ns - p->last_ns, now.v - p->last.v)
				   : 0);
	p->last = now;
	p->last_ns = ns;
	all_work(p, &sum);
	cost_timeline(p->cost, &sum, out);
}

void pace_report(const struct pace *p, ns_t end, uint64_t saved_pages,
		 struct rows *out)
{
	static const struct {
		enum cost_end end;
		const char *workers, *guests, *share, *mib;
	} row[] = {
		{COST_MID, "workers_ns", "guests_ns", "workers_ppm",
		 "per_mib_ns"},
		{COST_LOW, "workers_low_ns", "guests_low_ns", "workers_low_ppm",
		 "per_mib_low_ns"},
		{COST_HIGH, "workers_high_ns", "guests_high_ns",
		 "workers_high_ppm", "per_mib_high_ns"},
	};
	struct meter sum;
	uint64_t mid, idle;

	if (!p->cost)
		return;
	all_work(p, &sum);
	mid = workers_ns(p, COST_MID);
	idle = end.v > mid ? end.v - mid : 0;
	for (unsigned i = 0; i < 3; i++) {
		enum cost_end e = row[i].end;
		uint64_t ns = workers_ns(p, e);

		rows_add(out, "cpu", row[i].workers, "ns", (int64_t)ns);
		rows_add(out, "cpu", row[i].guests, "ns",
			 (int64_t)meter_spent_at(p->guests, &p->cost->price[e])
				 .v);
		rows_add(out, "cpu", row[i].share, "ppm",
			 ppm(ns, e == COST_MID ? end.v : idle + ns));
	}
	cost_report(p->cost, &sum, out);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t ns = cost_spent(p->cost, &sum, COST_ALL, row[i].end).v;

		rows_add(out, "cost", row[i].mib, "ns",
			 !saved_pages
				 ? -1
				 : (int64_t)(ns / saved_pages * PAGES_PER_MIB +
					     ns % saved_pages * PAGES_PER_MIB /
						     saved_pages));
	}
}
