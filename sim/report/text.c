/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.c - the summary that a person reads
 *
 * What was saved and of what kind, when it was there, what it is worth after
 * the records it needs, the kernel's own counters, and one hint when something
 * is off.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/report/costs.h"
#include "sim/report/reads.h"
#include "sim/report/report.h"

#define LABEL "  %-18s"
/* From then on smart scan skips a page in most scans. */
#define SKIPPING_SCANS 9

static int64_t get(const struct report *r, const char *scope, const char *name)
{
	return rows_get(r->results, scope, name, 0);
}

static uint64_t option(const struct report *r, const char *name)
{
	const struct opt *row =
		r->opt_rows ? opt_find(r->opt_rows, name) : NULL;

	return row ? opt_get(row, r->opts) : 0;
}

static const char *fact(const struct report *r, const char *key)
{
	for (size_t i = 0; i < r->nfacts; i++)
		if (!strcmp(r->facts[i].key, key))
			return r->facts[i].value;
	return "";
}

/* "37 %", "0.4 %": @part of @of. */
static const char *percent(char *buf, size_t n, int64_t part, int64_t of)
{
	int64_t tenths = of > 0 ? part * 1000 / of : 0;

	if (tenths < 100)
		snprintf(buf, n, "%" PRId64 ".%" PRId64 " %%", tenths / 10,
			 tenths % 10);
	else
		snprintf(buf, n, "%" PRId64 " %%", (tenths + 5) / 10);
	return buf;
}

static void amount(FILE *out, const char *label, int64_t bytes,
		   const char *what)
{
	char buf[32];

	fprintf(out, LABEL " %11s%s%s\n", label,
		text_signed_bytes(buf, sizeof(buf), bytes), what[0] ? "  " : "",
		what);
}

static void changed_options(const struct report *r, FILE *out)
{
	char buf[64];
	bool any = false;

	if (!r->opt_rows || r->opt_rows->type == OPT_END)
		return;
	fputs("  ", out);
	if (!strcmp(r->engine, "ksm"))
		fprintf(out, "run=%" PRIu64 " (the kernel starts with 0), ",
			option(r, "run"));
	for (const struct opt *o = r->opt_rows; o && o->type != OPT_END; o++) {
		if (o->type == OPT_STRING || !strcmp(o->name, "run") ||
		    opt_get(o, r->opts) == o->def)
			continue;
		fprintf(out, "%s%s=%s", any ? " " : "", o->name,
			opt_format(o, r->opts, buf, sizeof(buf)));
		any = true;
	}
	fputs(any ? ", other tunables as by default\n"
		  : "all tunables as by default\n",
	      out);
}

static void head(const struct report *r, FILE *out)
{
	char time[32], mapped[32], name[REPORT_STRING_MAX];

	fprintf(out, "%s on %s: %" PRId64 " spaces, %s mapped, %s\n", r->engine,
		report_string(r->trace, name, sizeof(name)),
		get(r, "run", "spaces_live"),
		text_bytes(mapped, sizeof(mapped),
			   (uint64_t)get(r, "machine", "mapped_pages") *
				   PAGE_BYTES),
		text_ns(time, sizeof(time), (uint64_t)get(r, "run", "end_ns")));
	changed_options(r, out);
	fprintf(out, "  ended %s", fact(r, "ended"));
	if (get(r, "run", "scans"))
		fprintf(out, ", full scans: %" PRId64, get(r, "run", "scans"));
	fputs("\n\n", out);
}

static void saved(const struct report *r, FILE *out)
{
	int64_t mapped = get(r, "machine", "mapped_pages");
	int64_t pages = get(r, "saved", "saved_pages");
	int64_t zero = get(r, "saved", "zero_pages");
	int64_t meta = get(r, "saved", "metadata_bytes");
	char share[32], text[96];

	snprintf(text, sizeof(text), "%s of what is mapped",
		 percent(share, sizeof(share), pages, mapped));
	amount(out, "saved", pages * PAGE_BYTES, text);
	amount(out, "  zero pages", zero * PAGE_BYTES,
	       "pages that hold nothing but zeros");
	amount(out, "  real sharing", (pages - zero) * PAGE_BYTES,
	       "pages whose contents others have too");
	if (strcmp(r->engine, "oracle"))
		amount(out, "possible",
		       get(r, "run", "possible_pages") * PAGE_BYTES,
		       "if every equal page were shared at once");
	amount(out, "metadata", -meta, "records that a kernel keeps for it");
	amount(out, "net", pages * PAGE_BYTES - meta, "");
}

/* Copies of pages that guests gave away, mapped nowhere. */
static void in_store(const struct report *r, FILE *out)
{
	int64_t stored = get(r, "saved", "stored_pages");
	int64_t pages = get(r, "saved", "saved_pages");
	int64_t meta = get(r, "saved", "metadata_bytes");
	char share[32], text[96];

	amount(out, "stored", stored * PAGE_BYTES, "pages that guests put");
	snprintf(text, sizeof(text), "%s of what is stored",
		 percent(share, sizeof(share), pages, stored));
	amount(out, "saved", pages * PAGE_BYTES, text);
	amount(out, "metadata", -meta, "records that the store keeps for it");
	amount(out, "net", pages * PAGE_BYTES - meta, "");
}

/* What an engine that compresses pages keeps, and in how many frames. */
static void compressed(const struct report *r, FILE *out)
{
	int64_t stored = get(r, r->engine, "pages_stored");
	int64_t same = get(r, r->engine, "same_pages");
	int64_t raw = get(r, r->engine, "huge_pages");
	int64_t refused = get(r, r->engine, "pages_refused");
	int64_t written = get(r, r->engine, "bd_count");
	int64_t used = get(r, r->engine, "mem_used_total");
	int64_t meta = get(r, "saved", "metadata_bytes");
	int64_t saved_bytes = get(r, "saved", "saved_pages") * PAGE_BYTES;
	char share[32], text[128];

	snprintf(text, sizeof(text),
		 "%" PRId64 " pages: %" PRId64 " of one word over and over, "
		 "%" PRId64 " raw",
		 stored, same, raw);
	amount(out, "stored", stored * PAGE_BYTES, text);
	text[0] = '\0';
	if (used)
		snprintf(text, sizeof(text),
			 "%" PRId64 " pages of the pool: %" PRId64 ".%02" PRId64
			 " stored pages in each",
			 used / PAGE_BYTES, stored * PAGE_BYTES / used,
			 stored * PAGE_BYTES % used * 100 / used);
	amount(out, "kept in", used, text);
	if (written)
		amount(out, "written back", written * PAGE_BYTES,
		       "on the backing device");
	if (refused)
		amount(out, "refused", refused * PAGE_BYTES,
		       "no room within mem_limit or disksize: stays in memory");
	snprintf(text, sizeof(text), "%s of what is mapped",
		 percent(share, sizeof(share), get(r, "saved", "saved_pages"),
			 get(r, "machine", "mapped_pages")));
	amount(out, "saved", saved_bytes, text);
	amount(out, "metadata", -meta, "records that a kernel keeps for it");
	amount(out, "net", saved_bytes - meta, "");
}

static void converged(const struct report *r, FILE *out)
{
	int64_t scans = get(r, "run", "most_saved_scans");
	char time[32];

	if (!get(r, "run", "scans"))
		return;
	fprintf(out, LABEL " ", "converged");
	if (scans < 0)
		fputs("nothing was saved", out);
	else
		fprintf(out, "95 %% of it after full scan %" PRId64 ", at %s",
			scans,
			text_ns(time, sizeof(time),
				(uint64_t)get(r, "run", "most_saved_ns")));
	if (get(r, "run", "settled"))
		fputs("; now settled", out);
	fputs("\n", out);
}

/* Rows of one scope, three to a line. */
static void counters(const struct report *r, const char *scope, FILE *out)
{
	int column = 0;

	for (size_t i = 0; i < r->results->n; i++) {
		const struct row *w = &r->results->v[i];

		if (strcmp(w->scope, scope) || w->index >= 0)
			continue;
		fprintf(out, "%s%-19s %11" PRId64, column ? "   " : "\n  ",
			w->name, w->value);
		column = (column + 1) % 3;
	}
	fputc('\n', out);
}

static void work(const struct report *r, FILE *out)
{
	const struct meter *m = r->meter;
	uint64_t walks = 0;
	char bytes[32];

	if (!m || !m->count[OP_PAGE_VISIT])
		return;
	for (unsigned t = 0; t < METER_TREE_COUNT; t++)
		walks += meter_walks(m, (enum meter_tree)t);
	fprintf(out,
		"\n  work, as counts: %" PRIu64 " page visits, %" PRIu64
		" checksums, %" PRIu64
		" page compares\n  (%s of each page), %" PRIu64
		" tree walks, %" PRIu64 " merges, %" PRIu64
		" copy-on-write breaks\n",
		m->count[OP_PAGE_VISIT], m->count[OP_CHECKSUM],
		m->count[OP_CMP],
		text_bytes(bytes, sizeof(bytes), m->count[OP_CMP_BYTES]), walks,
		m->count[OP_PTE_REPLACE], m->count[OP_COW_BREAK]);
}

/* What several threads of ksmd were good for; nothing without prices. */
static void threads(const struct report *r, FILE *out)
{
	static const char scope[] = "ksm_threads";
	int64_t fast = get(r, scope, "speedup_milli");
	int64_t limit = get(r, scope, "limit_milli");
	char wait[32];

	if (!fast)
		return;
	fprintf(out,
		LABEL " %7" PRId64 ".%02" PRId64
		      "x  as fast as one, at most %" PRId64 ".%02" PRId64
		      ": the trees are locked; %s waited\n",
		"threads", fast / 1000, fast % 1000 / 10, limit / 1000,
		limit % 1000 / 10,
		text_ns(wait, sizeof(wait),
			(uint64_t)get(r, scope, "lock_waited_ns")));
}

/* ---- the hint ---- */

static bool hint_scans(const struct report *r, FILE *out)
{
	int64_t scans = get(r, "run", "scans");
	int64_t best = get(r, "run", "most_saved_scans");

	if (option(r, "run") != 1) {
		fputs("ksmd is switched off: --set run=1", out);
		return true;
	}
	if (!get(r, "machine", "mapped_pages")) {
		fputs("nothing is mapped at the end of this trace", out);
		return true;
	}
	if (scans < 2) {
		fputs("the run ended before the second full scan, the first in "
		      "which\n  anything can merge: raise pages_to_scan, lower "
		      "sleep_millisecs, or\n  let it go on with --until "
		      "fixpoint",
		      out);
		return true;
	}
	if (!get(r, "run", "settled") && get(r, "run", "growing") &&
	    best == scans) {
		fputs("the saving was still growing when the run ended: let it "
		      "go on with\n  --until fixpoint, or raise pages_to_scan",
		      out);
		return true;
	}
	return false;
}

/* Pages that smart scan visits in different scans never meet: while they sit out
 * they count as volatile. */
static bool hint_apart(const struct report *r, FILE *out)
{
	int64_t possible = get(r, "run", "possible_pages");
	int64_t apart = possible - get(r, "saved", "saved_pages");
	char a[32];

	if (!option(r, "smart_scan") || apart * 20 < possible ||
	    get(r, "ksm", "pages_volatile") < apart ||
	    get(r, "run", "scans") < SKIPPING_SCANS)
		return false;
	fprintf(out,
		"%s of equal pages are still apart.  With smart scan pages are "
		"skipped in\n  most scans, and equal ones may never be visited "
		"in "
		"the same one: see what\n  --set smart_scan=0 gives",
		text_bytes(a, sizeof(a), (uint64_t)apart * PAGE_BYTES));
	return true;
}

static bool hint_memory(const struct report *r, FILE *out)
{
	int64_t sharing = get(r, "ksm", "pages_sharing");
	int64_t zeros = get(r, "ksm_model", "zero_pages_sharing");
	int64_t copies = get(r, "ksm", "stable_node_dups") -
			 get(r, "ksm", "stable_node_chains");
	int64_t profit = get(r, "saved", "saved_pages") * PAGE_BYTES -
			 get(r, "saved", "metadata_bytes");
	char a[32], b[32];

	if (profit < 0) {
		fputs("the records cost more than is saved: switch KSM off for "
		      "these guests",
		      out);
		return true;
	}
	if (opt_find(r->opt_rows, "use_zero_pages") &&
	    !option(r, "use_zero_pages") && zeros * 2 > sharing) {
		fprintf(out,
			"%s of the merged pages hold zeros: with --set "
			"use_zero_pages=1 they need\n  no records (%s less "
			"metadata) and no copies per max_page_sharing",
			percent(a, sizeof(a), zeros, sharing),
			text_bytes(b, sizeof(b), (uint64_t)zeros * 64));
		return true;
	}
	if (copies * 20 > sharing && copies > 16) {
		fprintf(out,
			"max_page_sharing=%" PRIu64 " keeps %" PRId64
			" further copies (%s): raise it",
			option(r, "max_page_sharing"), copies,
			text_bytes(a, sizeof(a),
				   (uint64_t)copies * PAGE_BYTES));
		return true;
	}
	return false;
}

static void hint(const struct report *r, FILE *out)
{
	char text[512] = "";
	FILE *f;

	if (!strcmp(r->engine, "pageone") && get(r, "run", "scans") < 3 &&
	    !get(r, "saved", "saved_pages"))
		fputs("\n  hint: PageONE inserts nothing before its third merge "
		      "scan, and this run ended before\n  it: lower "
		      "merge_period, or let it go on with --until scans=4\n",
		      out);
	if (strcmp(r->engine, "ksm"))
		return;
	f = fmemopen(text, sizeof(text), "w");
	if (!f)
		return; /* no hint is no error */
	if (!hint_scans(r, f) && !hint_apart(r, f))
		hint_memory(r, f);
	fclose(f);
	if (text[0])
		fprintf(out, "\n  hint: %s\n", text);
}

static bool has_scope(const struct report *r, const char *scope)
{
	for (size_t i = 0; i < r->results->n; i++)
		if (!strcmp(r->results->v[i].scope, scope))
			return true;
	return false;
}

static int text_write(const struct report *r, FILE *out, struct err *err)
{
	char model[64];

	(void)err;
	if (r->results->failed)
		return -ENOMEM;
	head(r, out);
	if (rows_has(r->results, r->engine, "mem_used_total"))
		compressed(r, out);
	else if (rows_has(r->results, "saved", "stored_pages"))
		in_store(r, out);
	else
		saved(r, out);
	converged(r, out);
	counters(r, r->engine, out);
	snprintf(model, sizeof(model), "%s_model", r->engine);
	if (has_scope(r, model)) {
		fputs("\n  beyond the kernel's own counters:", out);
		counters(r, model, out);
	}
	work(r, out);
	report_costs(r->results, fact(r, "cpu"), out);
	threads(r, out);
	report_reads(r->results, fact(r, "machine"), fact(r, "readers"), out);
	hint(r, out);
	return ferror(out) ? -EIO : 0;
}

const struct reporter_ops reporter_text = {
	.name = "text",
	.summary = "a summary for people",
	.write = text_write,
};
