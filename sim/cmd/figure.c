/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/base/text.h"
#include "sim/cmd/figure.h"

#define PREFIX "fig_"
#define NAMES_MAX 64u
#define FIGURE_BYTES_MAX (UINT64_C(1) << 20)
#define DATA_BYTES_MAX (UINT64_C(1) << 30)

/* ---- the scripts ---- */

bool figure_is_style(const struct figure_preset *p)
{
	return strncmp(p->name, PREFIX, strlen(PREFIX)) != 0;
}

static int from_file(struct figure *f, const char *path, struct err *err)
{
	size_t n;
	int ret = os_read_all(path, FIGURE_BYTES_MAX, &f->own, &n, err);

	if (ret)
		return ret;
	if (strlen(f->own) != n)
		return err_set(err, EINVAL, "%s: not a text file", path);
	f->name = path;
	f->text = f->own;
	return 0;
}

int figure_find(struct figure *f, const char *name, struct err *err)
{
	size_t len = strlen(name), n = 0;
	const char *names[NAMES_MAX], *near;

	*f = (struct figure){0};
	if (strchr(name, '/') || (len > 3 && !strcmp(name + len - 3, ".gp")))
		return from_file(f, name, err);
	for (const struct figure_preset *p = figure_presets; p->name; p++) {
		if (figure_is_style(p) || n == NAMES_MAX)
			continue;
		names[n] = p->name + strlen(PREFIX);
		if (!strcmp(names[n], name)) {
			f->name = names[n];
			f->text = p->text;
			return 0;
		}
		n++;
	}
	near = text_nearest(name, names, n);
	return err_set(err, EINVAL,
		       near ? "no figure \"%s\"; did you mean \"%s\"?"
			    : "no figure \"%s\"; `dedupsim list figures` names "
			      "them all",
		       name, near);
}

void figure_fini(struct figure *f)
{
	free(f->own);
	*f = (struct figure){0};
}

size_t figure_says(const char *text, const char *key, const char **value)
{
	size_t n = strlen(key);

	for (const char *p = text; *p == '#'; p += *p == '\n') {
		const char *s = p + 1 + strspn(p + 1, " ");

		p += strcspn(p, "\n");
		if (strncmp(s, key, n) || s[n] != ':')
			continue;
		s += n + 1;
		s += strspn(s, " \t");
		*value = s;
		return strcspn(s, "\n");
	}
	*value = "";
	return 0;
}

/* The next of the words that are left, NUL-terminated into @word. */
static bool next_word(const char **p, size_t *left, char *word, size_t room)
{
	size_t skip = strspn(*p, " \t"), n;

	if (skip >= *left)
		return false;
	*p += skip;
	*left -= skip;
	n = strcspn(*p, " \t\n");
	snprintf(word, room, "%.*s", (int)n, *p);
	*p += n;
	*left -= n;
	return true;
}

/* ---- the data ---- */

static int read_grid(struct grid *g, const char *path, struct err *err)
{
	size_t n;
	char *text;
	int ret = os_read_all(path, DATA_BYTES_MAX, &text, &n, err);

	*g = (struct grid){0};
	return ret ? ret : grid_parse(g, path, text, n, err);
}

/* Every column that the figure needs. */
static int check_needs(const struct figure *f, const struct grid *g,
		       const char *path, struct err *err)
{
	const char *p, *from;
	size_t left = figure_says(f->text, "needs", &p);
	char word[128];

	while (next_word(&p, &left, word, sizeof(word))) {
		if (grid_column(g, word) != GRID_NONE)
			continue;
		left = figure_says(f->text, "data", &from);
		return err_set(err, EINVAL,
			       "%s: no \"%s\" in it; figure %s wants %.*s",
			       path, word, f->name, left ? (int)left : 14,
			       left ? from : "other results");
	}
	return 0;
}

/* Is the row one of results that go into a column?  Those that are one of many
 * do not. */
static bool wanted(const struct figure *f, const struct grid *g, size_t row,
		   const size_t col[4])
{
	const char *p;
	size_t left = figure_says(f->text, "rows", &p);
	char word[128];

	if (strcmp(grid_cell(g, row, col[2]), "-"))
		return false;
	while (next_word(&p, &left, word, sizeof(word)))
		if (!strcmp(word, grid_cell(g, row, col[0])))
			return true;
	return false;
}

static bool find_columns(const struct grid *g, size_t col[4])
{
	static const char *const name[] = {"scope", "name", "index", "value"};
	bool all = true;

	for (unsigned i = 0; i < 4; i++) {
		col[i] = grid_column(g, name[i]);
		all &= col[i] != GRID_NONE;
	}
	return all;
}

/* A result, by scope and name; borrowed from its file. */
struct result {
	const char *scope, *name;
};

struct pivot {
	struct grid *grid; /* by file */
	size_t n;
	struct result *result; /* columns, in order of first appearance */
	size_t results, cap;
};

static bool same(const struct result *r, const char *scope, const char *name)
{
	return !strcmp(r->name, name) && !strcmp(r->scope, scope);
}

static int add_results(struct pivot *v, const struct figure *f,
		       const struct grid *g, const char *path, struct err *err)
{
	size_t col[4];

	if (!find_columns(g, col))
		return err_set(err, EINVAL,
			       "%s: no results of a run, as --tsv writes them",
			       path);
	for (size_t i = 0; i < g->rows; i++) {
		const char *scope = grid_cell(g, i, col[0]);
		const char *name = grid_cell(g, i, col[1]);
		size_t k = 0;
		int ret;

		if (!wanted(f, g, i, col))
			continue;
		while (k < v->results && !same(&v->result[k], scope, name))
			k++;
		if (k < v->results)
			continue;
		if (k == GRID_COLUMNS_MAX - 1)
			return err_set(err, EINVAL, "%s: too many results",
				       path);
		ret = mem_reserve(&v->result, &v->cap, k + 1,
				  sizeof(*v->result));
		if (ret)
			return ret;
		v->result[v->results++] = (struct result){scope, name};
	}
	return 0;
}

/* What a run does not speak of, it has none of. */
static const char *value_of(const struct grid *g, const struct result *r)
{
	size_t col[4];

	find_columns(g, col);
	for (size_t i = 0; i < g->rows; i++)
		if (!strcmp(grid_cell(g, i, col[2]), "-") &&
		    same(r, grid_cell(g, i, col[0]), grid_cell(g, i, col[1])))
			return grid_cell(g, i, col[3]);
	return "0";
}

static void put_label(const struct figure_input *in, FILE *out)
{
	const char *s = in->label, *dot;

	if (!s) {
		s = strrchr(in->path, '/');
		s = s ? s + 1 : in->path;
	}
	dot = in->label ? NULL : strrchr(s, '.');
	for (; *s && s != dot; s++)
		fputc((unsigned char)*s < ' ' || *s == 127 ? '?' : *s, out);
}

static bool has_result(const struct pivot *v, const char *column)
{
	for (size_t k = 0; k < v->results; k++) {
		size_t n = strlen(v->result[k].scope);

		if (!strncmp(column, v->result[k].scope, n) &&
		    column[n] == '.' &&
		    !strcmp(column + n + 1, v->result[k].name))
			return true;
	}
	return false;
}

/* Put @cell, or when NULL the column's name, for what no run speaks of. */
static void put_also(const struct pivot *v, const struct figure *f,
		     const char *cell, FILE *out)
{
	const char *p;
	size_t left = figure_says(f->text, "also", &p);
	char word[128];

	while (next_word(&p, &left, word, sizeof(word)))
		if (!has_result(v, word))
			fprintf(out, "\t%s", cell ? cell : word);
}

static void put_pivot(const struct pivot *v, const struct figure *f,
		      const struct figure_input *in, FILE *out)
{
	fputs("run", out);
	for (size_t k = 0; k < v->results; k++)
		fprintf(out, "\t%s.%s", v->result[k].scope, v->result[k].name);
	put_also(v, f, NULL, out);
	fputc('\n', out);
	for (size_t i = 0; i < v->n; i++) {
		put_label(&in[i], out);
		for (size_t k = 0; k < v->results; k++)
			fprintf(out, "\t%s",
				value_of(&v->grid[i], &v->result[k]));
		put_also(v, f, "0", out);
		fputc('\n', out);
	}
}

static int pivot(const struct figure *f, const struct figure_input *in,
		 size_t n, FILE *out, struct err *err)
{
	struct pivot v = {.grid = mem_zalloc(n, sizeof(*v.grid)), .n = n};
	int ret = v.grid ? 0 : -ENOMEM;

	for (size_t i = 0; !ret && i < n; i++) {
		ret = read_grid(&v.grid[i], in[i].path, err);
		if (!ret)
			ret = add_results(&v, f, &v.grid[i], in[i].path, err);
	}
	if (!ret)
		put_pivot(&v, f, in, out);
	for (size_t i = 0; v.grid && i < n; i++)
		grid_fini(&v.grid[i]);
	mem_release(v.result, v.cap, sizeof(*v.result));
	free(v.grid);
	return ret;
}

/* One file, as it is, once it is known to be a TSV. */
static int plain(const struct figure *f, const struct figure_input *in,
		 size_t n, FILE *out, struct err *err)
{
	struct grid g;
	size_t bytes;
	char *text;
	int ret;

	if (n != 1)
		return err_set(err, EINVAL, "figure %s is drawn from one file",
			       f->name);
	ret = os_read_all(in->path, DATA_BYTES_MAX, &text, &bytes, err);
	if (ret)
		return ret;
	fwrite(text, 1, bytes, out);
	ret = grid_parse(&g, in->path, text, bytes, err);
	grid_fini(&g);
	return ret;
}

int figure_data(const struct figure *f, const struct figure_input *in, size_t n,
		char **text, size_t *bytes, struct err *err)
{
	struct grid g = {0};
	const char *value;
	FILE *out = open_memstream(text, bytes);
	bool lost;
	char *copy;
	int ret;

	if (!out)
		return -ENOMEM;
	if (figure_says(f->text, "rows", &value))
		ret = pivot(f, in, n, out, err);
	else
		ret = plain(f, in, n, out, err);
	lost = ferror(out);
	if ((fclose(out) || lost) && !ret)
		ret = -ENOMEM;
	copy = ret ? NULL : strdup(*text);
	if (!ret)
		ret = copy ? grid_parse(&g, in->path, copy, *bytes, err)
			   : -ENOMEM;
	if (!ret)
		ret = check_needs(f, &g, in->path, err);
	grid_fini(&g);
	if (ret) {
		free(*text);
		*text = NULL;
	}
	return ret;
}

/* ---- the table ---- */

#define DIGITS_MAX 3u
#define DIVISOR_MAX UINT64_C(1000000000000)

/* "COLUMN DIVISOR HEADING", the divisor with as many zeros behind its point as
 * there are to be digits. */
struct column {
	size_t at;
	uint64_t divisor;
	unsigned digits;
	const char *heading;
	size_t heading_len;
};

static int parse_column(struct column *c, const struct grid *g,
			const struct figure *f, const char *p, size_t left,
			struct err *err)
{
	char name[128] = "", divisor[32] = "", *point;
	bool good = next_word(&p, &left, name, sizeof(name)) &&
		    next_word(&p, &left, divisor, sizeof(divisor));

	*c = (struct column){.at = grid_column(g, name)};
	point = strchr(divisor, '.');
	if (point) {
		*point++ = '\0';
		c->digits = (unsigned)strspn(point, "0");
		good &= c->digits && !point[c->digits];
	}
	good = good && text_u64(divisor, &c->divisor) && c->divisor &&
	       c->divisor <= DIVISOR_MAX && c->digits <= DIGITS_MAX;
	c->heading = p + strspn(p, " \t");
	c->heading_len = (size_t)(p + left - c->heading);
	if (!good || c->heading >= p + left)
		return err_set(err, EINVAL,
			       "figure %s: column %s: expected COLUMN DIVISOR "
			       "HEADING",
			       f->name, name);
	if (c->at == GRID_NONE)
		return err_set(err, EINVAL, "figure %s: no column \"%s\"",
			       f->name, name);
	return 0;
}

/* Integers divided and rounded, halves up; anything else as it is. */
static void put_scaled(const char *cell, const struct column *c, FILE *out)
{
	const char *s = cell + (*cell == '-');
	uint64_t v, scale = 1, whole, part;

	if ((c->divisor == 1 && !c->digits) || !grid_is_number(cell) ||
	    !text_u64(s, &v)) {
		fputs(cell, out);
		return;
	}
	for (unsigned i = 0; i < c->digits; i++)
		scale *= 10;
	whole = v / c->divisor;
	part = (v % c->divisor * scale + c->divisor / 2) / c->divisor;
	whole += part / scale;
	part %= scale;
	fprintf(out, "%s%" PRIu64, s > cell && (whole || part) ? "-" : "",
		whole);
	if (c->digits)
		fprintf(out, ".%0*" PRIu64, (int)c->digits, part);
}

/* Row 0 holds the headings. */
static void put_cell(const struct grid *g, const struct column *c, size_t row,
		     FILE *out)
{
	if (row)
		put_scaled(grid_cell(g, row - 1, c->at), c, out);
	else
		fwrite(c->heading, 1, c->heading_len, out);
}

static void put_columns(const struct grid *g, const struct column *c, size_t n,
			bool turned, FILE *out)
{
	size_t lines = turned ? n : g->rows + 1;
	size_t cells = turned ? g->rows + 1 : n;

	for (size_t i = 0; i < g->facts; i++)
		fprintf(out, "# %s\t%s\n", g->fact[2 * i], g->fact[2 * i + 1]);
	for (size_t i = 0; i < lines; i++) {
		for (size_t k = 0; k < cells; k++) {
			fputs(k ? "\t" : "", out);
			put_cell(g, &c[turned ? i : k], turned ? k : i, out);
		}
		fputc('\n', out);
	}
}

/* The columns of the table, with what they are called and divided by, as a TSV
 * again; all of them as they are when the figure names none. */
static int choose_columns(const struct figure *f, const struct grid *g,
			  FILE *out, struct err *err)
{
	struct column *c = NULL;
	size_t n = 0, cap = 0, len;
	const char *p = f->text, *turned;
	int ret = 0;

	while (!ret && (len = figure_says(p, "column", &p))) {
		ret = mem_reserve(&c, &cap, n + 1, sizeof(*c));
		if (!ret)
			ret = parse_column(&c[n++], g, f, p, len, err);
		p += len + (p[len] == '\n');
	}
	for (size_t i = 0; !ret && !n && i < g->columns; i++) {
		ret = mem_reserve(&c, &cap, i + 1, sizeof(*c));
		if (!ret)
			c[i] = (struct column){.at = i,
					       .divisor = 1,
					       .heading = g->cell[i],
					       .heading_len =
						       strlen(g->cell[i])};
	}
	if (!ret)
		put_columns(g, c, n ? n : g->columns,
			    figure_says(f->text, "turned", &turned), out);
	mem_release(c, cap, sizeof(*c));
	return ret;
}

static int read_text(struct grid *g, const struct figure *f, const char *text,
		     struct err *err)
{
	char *copy = strdup(text);

	*g = (struct grid){0};
	return copy ? grid_parse(g, f->name, copy, strlen(text), err) : -ENOMEM;
}

int figure_table(const struct figure *f, const char *text, FILE *out,
		 struct err *err)
{
	struct grid g, table = {0};
	char *chosen = NULL;
	size_t bytes;
	FILE *mem = NULL;
	int ret = read_text(&g, f, text, err);

	if (!ret) {
		mem = open_memstream(&chosen, &bytes);
		ret = mem ? choose_columns(f, &g, mem, err) : -ENOMEM;
	}
	if (mem && fclose(mem) && !ret)
		ret = -ENOMEM;
	if (!ret)
		ret = read_text(&table, f, chosen, err);
	if (!ret)
		ret = grid_write_latex(&table, out, err);
	grid_fini(&table);
	grid_fini(&g);
	free(chosen);
	return ret;
}
