/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "sim/base/version.h"
#include "sim/report/colour_table.h"

#define COLOUR_SCHEMA "dedupsim.colour/1"

const char *const colour_case_name[COLOUR_CASES] = {
#define X(sym, name, head, what) name,
	COLOUR_CASE_LIST(X)
#undef X
};

static const char *const headings[COLOUR_CASES] = {
#define X(sym, name, head, what) head,
	COLOUR_CASE_LIST(X)
#undef X
};

static const char *const meanings[COLOUR_CASES] = {
#define X(sym, name, head, what) what,
	COLOUR_CASE_LIST(X)
#undef X
};

uint64_t colour_steady(const struct colour_row *row, enum colour_case c)
{
	return cache_counts_cycles(&row->cell[c].steady);
}

uint64_t colour_crossover(const struct colour_machine *m, enum colour_case a,
			  enum colour_case b)
{
	uint64_t from = 0;

	for (size_t i = m->rows; i-- > 0;) {
		if (colour_steady(&m->row[i], a) >=
		    colour_steady(&m->row[i], b))
			break;
		from = m->row[i].bytes;
	}
	return from;
}

/* ---- text ---- */

/* "45", "142.5", "15.84": @n / @of, rounded to hundredths. */
static int ratio(char *buf, size_t room, uint64_t n, uint64_t of)
{
	uint64_t h = of ? (n * 200 / of + 1) / 2 : 0;

	if (h % 100 == 0)
		return snprintf(buf, room, "%" PRIu64, h / 100);
	if (h % 10 == 0)
		return snprintf(buf, room, "%" PRIu64 ".%" PRIu64, h / 100,
				h / 10 % 10);
	return snprintf(buf, room, "%" PRIu64 ".%02" PRIu64, h / 100, h % 100);
}

/* "4 KiB", "128 MiB": whole, as they were asked for. */
static const char *size_text(char *buf, size_t room, uint64_t bytes)
{
	if (bytes % (1 << 20) == 0)
		snprintf(buf, room, "%" PRIu64 " MiB", bytes >> 20);
	else if (bytes % 1024 == 0)
		snprintf(buf, room, "%" PRIu64 " KiB", bytes >> 10);
	else
		snprintf(buf, room, "%" PRIu64, bytes);
	return buf;
}

static void print_headings(FILE *out, const char *first)
{
	fprintf(out, "  %9s", first);
	for (unsigned c = 0; c < COLOUR_CASES; c++)
		fprintf(out, " %9s", headings[c]);
}

static void print_cycles(FILE *out, const struct colour_row *row, bool cold)
{
	char buf[48];

	fprintf(out, "  %9s", size_text(buf, sizeof(buf), row->bytes));
	for (unsigned c = 0; c < COLOUR_CASES; c++) {
		const struct colour_cell *cell = &row->cell[c];

		ratio(buf, sizeof(buf),
		      cache_counts_cycles(cold ? &cell->cold : &cell->steady),
		      row->lines);
		fprintf(out, "%c%9s", !cold && !cell->settled ? '~' : ' ', buf);
	}
}

static void print_ratio(FILE *out, const struct colour_row *row,
			enum colour_case a, enum colour_case b)
{
	char buf[48];

	ratio(buf, sizeof(buf), colour_steady(row, a), colour_steady(row, b));
	fprintf(out, " %8s", buf);
}

/* What hardware that nobody documents may make of it: "15 .. 45". */
static void print_range(FILE *out, const struct colour_row *row)
{
	const struct colour_cell *cell = &row->cell[COLOUR_KSM];
	char low[48], high[48];

	ratio(low, sizeof(low), cell->low, row->lines);
	ratio(high, sizeof(high), cell->high, row->lines);
	if (cell->low == cell->high)
		fprintf(out, " %12s", low);
	else
		fprintf(out, " %5s..%s", low, high);
}

static void print_from(FILE *out, const char *what, uint64_t bytes,
		       const char *otherwise)
{
	char buf[32];

	if (bytes)
		fprintf(out, "  %s from %s on\n", what,
			size_text(buf, sizeof(buf), bytes));
	else if (otherwise)
		fprintf(out, "  %s\n", otherwise);
}

static void print_crossovers(const struct colour_machine *m, FILE *out)
{
	uint64_t slower = 0;

	for (size_t i = m->rows; i-- > 0;)
		if (colour_steady(&m->row[i], COLOUR_KSM) >
		    colour_steady(&m->row[i], COLOUR_PRIVATE))
			slower = m->row[i].bytes;
	print_from(out, "one page is slower than private pages", slower,
		   "one page is at no size slower than private pages");
	print_from(out, "one page is faster than private pages",
		   colour_crossover(m, COLOUR_KSM, COLOUR_PRIVATE),
		   "one page is at no size faster than private pages");
	print_from(out, "coloured zero pages are faster than one page",
		   colour_crossover(m, COLOUR_ZCOL, COLOUR_KSM),
		   "coloured zero pages are not faster than one page");
	print_from(out, "coloured zero pages are faster than private pages",
		   colour_crossover(m, COLOUR_ZCOL, COLOUR_PRIVATE), NULL);
}

/* Fields that somebody who has the machine should measure. */
static void print_assumed(const struct colour_machine *m, FILE *out)
{
	int column = 0;

	for (const struct opt *o = cache_conf_rows; o->type != OPT_END; o++) {
		if (!cache_conf_assumed(&m->conf, o))
			continue;
		if (!column)
			column = fprintf(out, "  assumed:");
		if (column + (int)strlen(o->name) > 76)
			column = fprintf(out, "\n          ") - 1;
		column += fprintf(out, " %s", o->name);
	}
	if (column)
		fputc('\n', out);
}

static void print_machine(const struct colour_machine *m, FILE *out)
{
	bool settled = true;

	fprintf(out,
		"%s: %s\n\n  cycles per line of %" PRIu64
		" bytes, one load each, when all was read before\n",
		m->conf.name, m->conf.summary, m->conf.level[0].line_bytes);
	print_headings(out, "size");
	fprintf(out, " %8s %8s%s\n", "one/priv", "one/col",
		m->variants > 1 ? "  one, range" : "");
	for (size_t i = 0; i < m->rows; i++) {
		const struct colour_row *row = &m->row[i];

		print_cycles(out, row, false);
		print_ratio(out, row, COLOUR_KSM, COLOUR_PRIVATE);
		print_ratio(out, row, COLOUR_KSM, COLOUR_ZCOL);
		if (m->variants > 1)
			print_range(out, row);
		fputc('\n', out);
		for (unsigned c = 0; c < COLOUR_CASES; c++)
			settled = settled && row->cell[c].settled;
	}
	fputs("\n  the same, read for the first time\n", out);
	print_headings(out, "size");
	fputc('\n', out);
	for (size_t i = 0; i < m->rows; i++) {
		print_cycles(out, &m->row[i], true);
		fputc('\n', out);
	}
	fputc('\n', out);
	print_crossovers(m, out);
	if (!settled)
		fputs("  ~ the next pass would differ\n", out);
	print_assumed(m, out);
}

static void print_legend(const struct colour_table *t, FILE *out)
{
	fputc('\n', out);
	for (unsigned c = 0; c < COLOUR_CASES; c++) {
		fprintf(out, "  %-9s %s", headings[c], meanings[c]);
		if (c == COLOUR_LIMIT)
			fprintf(out, " (%" PRIu64 ")", t->machine[0].limit);
		fputc('\n', out);
	}
}

int colour_write_text(const struct colour_table *t, FILE *out, struct err *err)
{
	(void)err;
	for (size_t i = 0; i < t->machines; i++) {
		if (i)
			fputc('\n', out);
		print_machine(&t->machine[i], out);
	}
	print_legend(t, out);
	return ferror(out) ? -EIO : 0;
}

/* ---- TSV ---- */

/* Exact to three places, as a number that every program reads. */
static void tsv_per_line(FILE *out, uint64_t cycles, uint64_t lines)
{
	uint64_t m = (cycles * 2000 / lines + 1) / 2;

	fprintf(out, "\t%" PRIu64 ".%03" PRIu64, m / 1000, m % 1000);
}

static void tsv_cell(const struct colour_machine *m,
		     const struct colour_row *row, unsigned c, FILE *out)
{
	const struct colour_cell *cell = &row->cell[c];
	uint64_t cold = cache_counts_cycles(&cell->cold);
	uint64_t steady = cache_counts_cycles(&cell->steady);

	fprintf(out,
		"%s\t%" PRIu64 "\t%s\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64
		"\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%d",
		m->conf.name, row->bytes, colour_case_name[c], row->lines,
		cell->frames, cold, steady, cell->low, cell->high,
		cell->settled);
	tsv_per_line(out, cold, row->lines);
	tsv_per_line(out, steady, row->lines);
	fprintf(out, "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
		cell->steady.hits[0], cell->steady.memory, cell->steady.syn,
		cell->steady.vce);
}

int colour_write_tsv(const struct colour_table *t, FILE *out, struct err *err)
{
	(void)err;
	fprintf(out, "# schema\t" COLOUR_SCHEMA "\n# dedupsim\t%s\n",
		DEDUPSIM_VERSION);
	fputs("machine\tbytes\tcase\tlines\tframes\tcold_cycles\t"
	      "steady_cycles\tsteady_low\tsteady_high\tsettled\t"
	      "cold_per_line\tsteady_per_line\tl1_hits\tmemory\tsyn\tvce\n",
	      out);
	for (size_t i = 0; i < t->machines; i++)
		for (size_t k = 0; k < t->machine[i].rows; k++)
			for (unsigned c = 0; c < COLOUR_CASES; c++)
				tsv_cell(&t->machine[i], &t->machine[i].row[k],
					 c, out);
	return ferror(out) ? -EIO : 0;
}

/* ---- JSON: a NULL anywhere comes out as a NULL at the end ---- */

static int put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) ? -ENOMEM : 0;
}

static int put_number(json_t *object, const char *key, uint64_t v)
{
	return put(object, key, json_integer((json_int_t)v));
}

static json_t *json_counts(const struct cache_counts *n, unsigned levels)
{
	json_t *o = json_object(), *hits = json_array();
	int ret = o && hits ? 0 : -ENOMEM;

#define ROW(name, unit, what)                                                  \
	if (!ret)                                                              \
		ret = put_number(o, #name, n->name);
	CACHE_COUNTS(ROW)
#undef ROW
	for (unsigned i = 0; !ret && i < levels; i++)
		ret = json_array_append_new(
			hits, json_integer((json_int_t)n->hits[i]));
	if (!ret)
		ret = put_number(o, "cycles", cache_counts_cycles(n));
	if (ret) {
		json_decref(hits);
		json_decref(o);
		return NULL;
	}
	if (put(o, "hits", hits)) {
		json_decref(o);
		return NULL;
	}
	return o;
}

static json_t *json_cell(const struct colour_cell *cell, unsigned levels)
{
	json_t *o = json_object();

	if (o && !put_number(o, "frames", cell->frames) &&
	    !put(o, "cold", json_counts(&cell->cold, levels)) &&
	    !put(o, "steady", json_counts(&cell->steady, levels)) &&
	    !put_number(o, "steady_low", cell->low) &&
	    !put_number(o, "steady_high", cell->high) &&
	    !put(o, "settled", json_boolean(cell->settled)))
		return o;
	json_decref(o);
	return NULL;
}

static json_t *json_row(const struct colour_row *row, unsigned levels)
{
	json_t *o = json_object(), *cases = json_object();
	int ret = o && cases && !put_number(o, "bytes", row->bytes) &&
				  !put_number(o, "lines", row->lines)
			  ? 0
			  : -ENOMEM;

	for (unsigned c = 0; !ret && c < COLOUR_CASES; c++)
		ret = put(cases, colour_case_name[c],
			  json_cell(&row->cell[c], levels));
	if (!ret && !put(o, "cases", cases))
		return o;
	if (ret)
		json_decref(cases);
	json_decref(o);
	return NULL;
}

static json_t *json_machine(const struct colour_machine *m)
{
	json_t *o = json_object(), *sizes = json_array();
	int ret = o && sizes && !put(o, "name", json_string(m->conf.name)) &&
				  !put(o, "summary",
				       json_string(m->conf.summary)) &&
				  !put_number(o, "line_bytes",
					      m->conf.level[0].line_bytes) &&
				  !put_number(o, "zero_pages",
					      UINT64_C(1) << m->zero_order) &&
				  !put_number(o, "share_limit", m->limit) &&
				  !put_number(o, "variants", m->variants) &&
				  !put_number(o, "ksm_faster_from",
					      colour_crossover(m, COLOUR_KSM,
							       COLOUR_PRIVATE))
			  ? 0
			  : -ENOMEM;

	for (size_t i = 0; !ret && i < m->rows; i++)
		ret = json_array_append_new(
			sizes,
			json_row(&m->row[i], cache_conf_levels(&m->conf)));
	if (!ret && !put(o, "sizes", sizes))
		return o;
	if (ret)
		json_decref(sizes);
	json_decref(o);
	return NULL;
}

int colour_write_json(const struct colour_table *t, FILE *out, struct err *err)
{
	json_t *root = json_object(), *list = json_array();
	int ret = root && list ? 0 : -ENOMEM;

	for (size_t i = 0; !ret && i < t->machines; i++)
		if (json_array_append_new(list, json_machine(&t->machine[i])))
			ret = -ENOMEM;
	if (!ret && (put(root, "schema", json_string(COLOUR_SCHEMA)) ||
		     put(root, "dedupsim", json_string(DEDUPSIM_VERSION)) ||
		     put(root, "machines", json_incref(list))))
		ret = -ENOMEM;
	if (!ret && json_dumpf(root, out, JSON_INDENT(2)))
		ret = -ENOMEM;
	if (!ret)
		putc('\n', out);
	json_decref(list);
	json_decref(root);
	if (ferror(out))
		return -EIO;
	return ret ? err_set(err, ENOMEM, "results: out of memory") : 0;
}
