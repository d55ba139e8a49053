/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "sim/base/text.h"
#include "models/cost.h"
#include "sim/report/costs.h"

#define LABEL "  %-18s"

static uint64_t get(const struct rows *rows, const char *scope,
		    const char *name)
{
	int64_t v = rows_get(rows, scope, name, 0);

	return v > 0 ? (uint64_t)v : 0;
}

/* "762.0 ms  (512.3 ms … 1.1 s)" */
static void line(FILE *out, const char *label, const uint64_t ns[COST_ENDS],
		 const char *what)
{
	char low[32], mid[32], high[32];

	fprintf(out, LABEL " %11s  (%s … %s)%s%s\n", label,
		text_ns(mid, sizeof(mid), ns[COST_MID]),
		text_ns(low, sizeof(low), ns[COST_LOW]),
		text_ns(high, sizeof(high), ns[COST_HIGH]), *what ? "  " : "",
		what);
}

/* Percent with two digits that count. */
static const char *share(char *buf, size_t n, uint64_t ppm)
{
	if (ppm < 10000)
		snprintf(buf, n, "%" PRIu64 ".%02" PRIu64, ppm / 10000,
			 ppm % 10000 / 100);
	else if (ppm < 100000)
		snprintf(buf, n, "%" PRIu64 ".%" PRIu64, ppm / 10000,
			 ppm % 10000 / 1000);
	else
		snprintf(buf, n, "%" PRIu64, (ppm + 5000) / 10000);
	return buf;
}

/* @part of @all, which it is not above, in millionths. */
static uint64_t per_million(uint64_t part, uint64_t all)
{
	return all > UINT64_MAX / 1000000 ? part / (all / 1000000)
					  : part * 1000000 / all;
}

static void shares(const struct rows *r, FILE *out)
{
	char low[32], mid[32], high[32], text[40];

	if (rows_get(r, "cpu", "workers_ppm", -1) < 0 ||
	    !get(r, "cpu", "workers_ns"))
		return;
	snprintf(text, sizeof(text), "%s %%",
		 share(mid, sizeof(mid), get(r, "cpu", "workers_ppm")));
	fprintf(out, LABEL " %11s  (%s … %s)  of one CPU while it ran\n",
		"  its threads take", text,
		share(low, sizeof(low), get(r, "cpu", "workers_low_ppm")),
		share(high, sizeof(high), get(r, "cpu", "workers_high_ppm")));
}

/* What whoever wrote to memory waited for the engine. */
static void guests(const struct rows *r, FILE *out)
{
	uint64_t ns[COST_ENDS] = {
		get(r, "cpu", "guests_low_ns"),
		get(r, "cpu", "guests_ns"),
		get(r, "cpu", "guests_high_ns"),
	};

	if (ns[COST_MID])
		line(out, "  paid by guests", ns, "part of it");
}

static void groups(const struct rows *r, uint64_t all, FILE *out)
{
	char name[3][64], label[64], text[64], part[32];

	for (unsigned g = 0; g < COST_GROUPS; g++) {
		uint64_t ns[COST_ENDS];

		snprintf(name[COST_LOW], sizeof(name[0]), "%s_low_ns",
			 cost_group_name[g]);
		snprintf(name[COST_MID], sizeof(name[0]), "%s_ns",
			 cost_group_name[g]);
		snprintf(name[COST_HIGH], sizeof(name[0]), "%s_high_ns",
			 cost_group_name[g]);
		for (unsigned e = 0; e < COST_ENDS; e++)
			ns[e] = get(r, "cost", name[e]);
		if (ns[COST_MID] * 200 < all) /* half a percent */
			continue;
		snprintf(label, sizeof(label), "  %s", cost_group_words[g]);
		snprintf(text, sizeof(text), "%s %%",
			 share(part, sizeof(part),
			       per_million(ns[COST_MID], all)));
		line(out, label, ns, text);
	}
}

void report_costs(const struct rows *results, const char *cpu, FILE *out)
{
	uint64_t ns[COST_ENDS] = {
		get(results, "cost", "low_ns"),
		get(results, "cost", "ns"),
		get(results, "cost", "high_ns"),
	};
	uint64_t mib[COST_ENDS] = {
		get(results, "cost", "per_mib_low_ns"),
		get(results, "cost", "per_mib_ns"),
		get(results, "cost", "per_mib_high_ns"),
	};
	char text[160];

	if (!ns[COST_MID])
		return;
	snprintf(text, sizeof(text), "of CPU time on %s", cpu);
	fputc('\n', out);
	line(out, "cost", ns, text);
	shares(results, out);
	guests(results, out);
	if (rows_get(results, "cost", "per_mib_ns", -1) >= 0)
		line(out, "  per MiB saved", mib, "");
	groups(results, ns[COST_MID], out);
}
