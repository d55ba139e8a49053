/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/report/reads.h"

static int64_t get(const struct rows *r, const char *name)
{
	return rows_get(r, "cache", name, 0);
}

static int64_t colour(const struct rows *r, const char *name)
{
	return rows_get(r, "colour", name, 0);
}

/* "45", "15.84"; "-" when there is nothing to divide by; at most @n / @of. */
static const char *ratio(char *buf, size_t room, int64_t n, int64_t of)
{
	int64_t h = of > 0 ? (n * 200 / of + (n < 0 ? -1 : 1)) / 2 : 0;

	if (of <= 0)
		snprintf(buf, room, "-");
	else
		snprintf(buf, room, "%s%" PRId64 ".%02" PRId64,
			 h < 0 ? "-" : "", (h < 0 ? -h : h) / 100,
			 (h < 0 ? -h : h) % 100);
	return buf;
}

static void cost(const struct rows *r, const char *label, const char *cycles,
		 const char *cold, FILE *out)
{
	char buf[32], first[32];
	int64_t lines = get(r, "merged_lines");

	fprintf(out, "  %-18s %11s cycles per line", label,
		ratio(buf, sizeof(buf), get(r, cycles), lines));
	if (rows_has(r, "cache", cold))
		fprintf(out, "; %s when read first",
			ratio(first, sizeof(first), get(r, cold), lines));
	fputc('\n', out);
}

static void reads(const struct rows *r, const char *machine,
		  const char *readers, FILE *out)
{
	int64_t lines = get(r, "merged_lines"), bytes = get(r, "line_bytes");
	int64_t per = bytes ? PAGE_BYTES / bytes : 1;
	char pages[32], all[32], buf[32];

	if (!lines) {
		fprintf(out,
			"\n  reads on %s, %s: no merged page was read; "
			"--readers "
			"sequential reads\n  them at the end\n",
			machine, readers);
		return;
	}
	fprintf(out,
		"\n  reads of merged pages on %s, %s: %s pages, lines of "
		"%" PRId64 " bytes\n",
		machine, readers,
		text_count(pages, sizeof(pages), (uint64_t)(lines / per)),
		bytes);
	cost(r, "as they are", "merged_cycles", "merged_cold_cycles", out);
	cost(r, "if kept apart", "merged_cycles_apart",
	     "merged_cold_cycles_apart", out);
	fprintf(out,
		"  %-18s %11s of %s lines read met another colour, %s raised "
		"an exception\n",
		"synonyms",
		text_count(buf, sizeof(buf), (uint64_t)get(r, "syn")),
		text_count(all, sizeof(all), (uint64_t)get(r, "parts")),
		text_count(pages, sizeof(pages), (uint64_t)get(r, "vce")));
}

static void scan(const struct rows *r, FILE *out)
{
	int64_t pages = get(r, "scan_pages");
	int64_t misses = get(r, "guest_misses") - get(r, "guest_misses_quiet");
	int64_t cycles = get(r, "guest_cycles") - get(r, "guest_cycles_quiet");
	char lines[32], spent[32], extra[32], lost[32];

	fprintf(out,
		"  %-18s %11s lines and %s cycles per scanned page; guests "
		"have %s misses\n  %-18s %11s and %s cycles more\n",
		"the scan reads",
		ratio(lines, sizeof(lines), get(r, "scan_lines"), pages),
		ratio(spent, sizeof(spent), get(r, "scan_cycles"), pages),
		ratio(extra, sizeof(extra), misses, pages), "", "",
		ratio(lost, sizeof(lost), cycles, pages));
}

static void colours(const struct rows *r, FILE *out)
{
	int64_t mappings = colour(r, "mappings");
	int64_t contents = colour(r, "contents");
	int64_t extra = colour(r, "frames") - contents;
	int64_t avoided =
		colour(r, "mixed_single_milli") - colour(r, "mixed_milli");
	char same[32], lost[32], per[32];

	fprintf(out,
		"\n  colours: %" PRId64 " frames for %" PRId64
		" contents and %" PRId64 " mappings in %" PRId64 " colours\n"
		"  %-18s %11s %% of the mappings, in the commonest of each "
		"content\n",
		colour(r, "frames"), contents, mappings, colour(r, "colours"),
		"the same colour",
		ratio(same, sizeof(same), colour(r, "same_colour") * 100,
		      mappings));
	fprintf(out, "  %-18s %11s %% of what merging saves\n",
		"frames beyond one",
		ratio(lost, sizeof(lost), extra * 100, mappings - contents));
	fprintf(out,
		"  %-18s %11s pages whose random reads meet no synonym, by "
		"each such frame\n",
		"avoided", ratio(per, sizeof(per), avoided, extra * 1000));
}

void report_reads(const struct rows *r, const char *machine,
		  const char *readers, FILE *out)
{
	if (rows_has(r, "cache", "read_lines"))
		reads(r, machine, readers, out);
	if (rows_has(r, "cache", "scan_pages"))
		scan(r, out);
	if (colour(r, "mappings"))
		colours(r, out);
}
