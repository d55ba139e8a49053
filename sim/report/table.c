/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "sim/base/mem.h"
#include "sim/base/version.h"
#include "sim/report/table.h"

#define CELL_MAX 80

void table_init(struct table *t, const struct table_column *column)
{
	*t = (struct table){.column = column};
	while (column[t->columns].kind != TABLE_END)
		t->columns++;
	assert(t->columns <= TABLE_COLUMNS_MAX);
}

void table_fini(struct table *t)
{
	mem_release(t->cell, t->cap, sizeof(*t->cell));
	*t = (struct table){0};
}

static void push(struct table *t, struct table_cell cell)
{
	if (t->failed)
		return;
	if (mem_reserve(&t->cell, &t->cap, t->n + 1, sizeof(*t->cell)))
		t->failed = true;
	else
		t->cell[t->n++] = cell;
}

/* Ratios have no cell of their own, but keep the numbers of columns simple. */
static void add(struct table *t, enum table_kind kind, struct table_cell cell)
{
	while (t->column[t->n % t->columns].kind == TABLE_RATIO && !t->failed)
		push(t, (struct table_cell){NULL, TABLE_NONE});
	assert(t->failed || t->column[t->n % t->columns].kind == kind ||
	       (kind == TABLE_COUNT && t->column[t->n % t->columns].kind ==
					       TABLE_MILLIONTHS));
	push(t, cell);
}

void table_word(struct table *t, const char *text)
{
	add(t, TABLE_WORD, (struct table_cell){text, TABLE_NONE});
}

void table_count(struct table *t, int64_t count)
{
	add(t, TABLE_COUNT, (struct table_cell){NULL, count});
}

#define MILLION 1000000u

/* "1.08": @v millionths with at most @digits behind the point, halves up. */
static const char *millionths(int64_t v, unsigned digits, char *buf, size_t n)
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v, unit = 1;
	unsigned cut = 6 - digits;

	for (unsigned i = 0; i < cut; i++)
		unit *= 10;
	u = (u + unit / 2) / unit;
	for (; digits && u % 10 == 0; digits--, unit *= 10)
		u /= 10;
	if (digits)
		snprintf(buf, n, "%s%" PRIu64 ".%0*" PRIu64, v < 0 ? "-" : "",
			 u / (MILLION / unit), (int)digits,
			 u % (MILLION / unit));
	else
		snprintf(buf, n, "%s%" PRIu64, v < 0 ? "-" : "", u);
	return buf;
}

/* The last row may still lack the ratios at its end. */
static size_t rows_of(const struct table *t)
{
	return (t->n + t->columns - 1) / t->columns;
}

static struct table_cell cell_at(const struct table *t, size_t row, size_t col)
{
	size_t i = row * t->columns + col;

	return i < t->n ? t->cell[i] : (struct table_cell){NULL, TABLE_NONE};
}

static int ready(const struct table *t, struct err *err)
{
	return t->failed ? err_set(err, ENOMEM, "results: out of memory") : 0;
}

/* ---- TSV ---- */

static void tsv_header(const struct table *t, FILE *out)
{
	const char *sep = "";

	for (size_t c = 0; c < t->columns; c++) {
		if (t->column[c].kind == TABLE_RATIO)
			continue;
		fprintf(out, "%s%s", sep, t->column[c].name);
		sep = "\t";
	}
	fputc('\n', out);
}

static void tsv_row(const struct table *t, size_t row, FILE *out)
{
	char buf[REPORT_STRING_MAX];
	const char *sep = "";

	for (size_t c = 0; c < t->columns; c++) {
		struct table_cell cell = cell_at(t, row, c);

		if (t->column[c].kind == TABLE_RATIO)
			continue;
		fputs(sep, out);
		sep = "\t";
		if (cell.text)
			fputs(report_string(cell.text, buf, sizeof(buf)), out);
		else if (cell.count == TABLE_NONE)
			fputc('-', out);
		else if (t->column[c].kind == TABLE_MILLIONTHS)
			fputs(millionths(cell.count, 6, buf,
					 sizeof(buf)),
			      out);
		else
			fprintf(out, "%" PRId64, cell.count);
	}
	fputc('\n', out);
}

int table_write_tsv(const struct table *t, const char *schema,
		    const struct report_fact *facts, size_t nfacts, FILE *out,
		    struct err *err)
{
	char k[REPORT_STRING_MAX], v[REPORT_STRING_MAX];
	int ret = ready(t, err);

	if (ret)
		return ret;
	fprintf(out, "# schema\t%s\n# dedupsim\t%s\n", schema,
		DEDUPSIM_VERSION);
	for (size_t i = 0; i < nfacts; i++)
		fprintf(out, "# run.%s\t%s\n",
			report_string(facts[i].key, k, sizeof(k)),
			report_string(facts[i].value, v, sizeof(v)));
	for (size_t c = 0; c < t->columns; c++)
		if (t->column[c].unit)
			fprintf(out, "# unit.%s\t%s\n", t->column[c].name,
				t->column[c].unit);
	tsv_header(t, out);
	for (size_t i = 0; i < rows_of(t); i++)
		tsv_row(t, i, out);
	return ferror(out) ? -EIO : 0;
}

/* ---- JSON ---- */

/* jansson's *_new() functions take the value even when they fail, and answer a
 * NULL value with an error. */
static int put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) ? -ENOMEM : 0;
}

static json_t *string(const char *s)
{
	char buf[REPORT_STRING_MAX];

	return json_string(report_string(s, buf, sizeof(buf)));
}

static int put_row(const struct table *t, size_t row, json_t *list)
{
	json_t *object = json_object();
	int ret = object ? 0 : -ENOMEM;

	for (size_t c = 0; !ret && c < t->columns; c++) {
		struct table_cell cell = cell_at(t, row, c);

		if (t->column[c].kind == TABLE_RATIO)
			continue;
		ret = put(object, t->column[c].name,
			  cell.text ? string(cell.text)
			  : cell.count == TABLE_NONE
				  ? json_null()
			  : t->column[c].kind == TABLE_MILLIONTHS
				  ? json_real((double)cell.count / MILLION)
				  : json_integer((json_int_t)cell.count));
	}
	if (ret) {
		json_decref(object);
		return ret;
	}
	return json_array_append_new(list, object) ? -ENOMEM : 0;
}

static int put_all(const struct table *t, const char *schema,
		   const struct report_fact *facts, size_t nfacts, json_t *top)
{
	json_t *run = json_object(), *units = json_object(),
	       *list = json_array();
	int ret = put(top, "schema", json_string(schema));

	/* From here on the three belong to @top, whatever happens. */
	ret = put(top, "run", run) || ret ? -ENOMEM : 0;
	ret = put(top, "units", units) || ret ? -ENOMEM : 0;
	ret = put(top, "rows", list) || ret ? -ENOMEM : 0;
	if (!ret)
		ret = put(top, "dedupsim", json_string(DEDUPSIM_VERSION));
	for (size_t i = 0; !ret && i < nfacts; i++)
		ret = put(run, facts[i].key, string(facts[i].value));
	for (size_t c = 0; !ret && c < t->columns; c++)
		if (t->column[c].unit)
			ret = put(units, t->column[c].name,
				  json_string(t->column[c].unit));
	for (size_t i = 0; !ret && i < rows_of(t); i++)
		ret = put_row(t, i, list);
	return ret;
}

int table_write_json(const struct table *t, const char *schema,
		     const struct report_fact *facts, size_t nfacts, FILE *out,
		     struct err *err)
{
	int ret = ready(t, err);
	json_t *top;

	if (ret)
		return ret;
	top = json_object();
	ret = top ? put_all(t, schema, facts, nfacts, top) : -ENOMEM;
	if (!ret && json_dumpf(top, out, JSON_INDENT(2) | JSON_SORT_KEYS |
						 JSON_REAL_PRECISION(15)))
		ret = -ENOMEM; /* unless the file is to blame */
	if (!ret)
		fputc('\n', out);
	json_decref(top);
	return ferror(out) ? -EIO : ret;
}

/* ---- text ---- */

/* "1.93", halves up; "-" when there is nothing to divide by. */
static void ratio(const struct table *t, size_t row,
		  const struct table_column *col, char *buf, size_t n)
{
	int64_t a = cell_at(t, row, col->num).count;
	int64_t b = cell_at(t, row, col->den).count;
	uint64_t scale = 1, x;

	if (a < 0 || b <= 0) {
		snprintf(buf, n, "-");
		return;
	}
	for (unsigned i = 0; i < col->digits; i++)
		scale *= 10;
	x = (uint64_t)a * (col->percent ? 100 : 1);
	x = x / (uint64_t)b * scale +
	    (x % (uint64_t)b * scale + (uint64_t)b / 2) / (uint64_t)b;
	if (col->digits)
		snprintf(buf, n, "%" PRIu64 ".%0*" PRIu64 "%s", x / scale,
			 (int)col->digits, x % scale, col->percent ? " %" : "");
	else
		snprintf(buf, n, "%" PRIu64 "%s", x, col->percent ? " %" : "");
}

static void text_cell(const struct table *t, size_t row, size_t c, char *buf,
		      size_t n)
{
	const struct table_column *col = &t->column[c];
	struct table_cell cell = cell_at(t, row, c);

	if (col->kind == TABLE_RATIO)
		ratio(t, row, col, buf, n);
	else if (cell.text)
		report_string(cell.text, buf, n);
	else if (cell.count == TABLE_NONE)
		snprintf(buf, n, "-");
	else if (col->kind == TABLE_MILLIONTHS)
		millionths(cell.count, col->digits, buf, n);
	else
		snprintf(buf, n, "%" PRId64, cell.count);
}

/* Would it look as the row before it? */
static bool is_repeated(const struct table *t, size_t row, unsigned view)
{
	char a[CELL_MAX], b[CELL_MAX];

	for (size_t c = 0; row && c < t->columns; c++) {
		if (!(t->column[c].view & view))
			continue;
		text_cell(t, row, c, a, sizeof(a));
		text_cell(t, row - 1, c, b, sizeof(b));
		if (strcmp(a, b))
			return false;
	}
	return row != 0;
}

/* Characters, not bytes: continuation bytes of UTF-8 take no room. */
static int width_of(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static int column_width(const struct table *t, size_t c)
{
	int width = width_of(t->column[c].heading);
	char buf[CELL_MAX];

	for (size_t i = 0; i < rows_of(t); i++) {
		text_cell(t, i, c, buf, sizeof(buf));
		if (width_of(buf) > width)
			width = width_of(buf);
	}
	return width;
}

/* Words to the left, numbers to the right; no blanks at the end of a line. */
static void text_line(const struct table *t, unsigned view, size_t row,
		      bool heading, const int *width, FILE *out)
{
	char buf[CELL_MAX];
	int owed = 0;

	for (size_t c = 0; c < t->columns; c++) {
		int pad;

		if (!(t->column[c].view & view))
			continue;
		if (heading)
			snprintf(buf, sizeof(buf), "%s", t->column[c].heading);
		else
			text_cell(t, row, c, buf, sizeof(buf));
		pad = width[c] - width_of(buf);
		if (t->column[c].kind == TABLE_WORD) {
			fprintf(out, "%*s%s", owed, "", buf);
			owed = pad + 2;
		} else {
			fprintf(out, "%*s%s", owed + pad, "", buf);
			owed = 2;
		}
	}
	fputc('\n', out);
}

int table_write_text(const struct table *t, unsigned view, FILE *out,
		     struct err *err)
{
	int width[TABLE_COLUMNS_MAX] = {0}, ret = ready(t, err);

	if (ret)
		return ret;
	for (size_t c = 0; c < t->columns; c++)
		if (t->column[c].view & view)
			width[c] = column_width(t, c);
	text_line(t, view, 0, true, width, out);
	for (size_t i = 0; i < rows_of(t); i++)
		if (!is_repeated(t, i, view))
			text_line(t, view, i, false, width, out);
	return ferror(out) ? -EIO : 0;
}
