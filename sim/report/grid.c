/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/report/grid.h"

struct source {
	const char *name;
	size_t line;
};

static int wrong(const struct source *src, const char *what, struct err *err)
{
	return err_set(err, EINVAL, "%s:%zu: %s", src->name, src->line, what);
}

static void tame(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			*s = '?';
}

/* "# key<TAB>value"; a comment without a value is no fact. */
static int add_fact(struct grid *g, char *line)
{
	char *tab = strchr(line, '\t');
	int ret;

	if (!tab)
		return 0;
	ret = mem_reserve(&g->fact, &g->fact_cap, 2 * g->facts + 2,
			  sizeof(*g->fact));
	if (ret)
		return ret;
	*tab = '\0';
	tame(line);
	tame(tab + 1);
	g->fact[2 * g->facts] = line + 1 + strspn(line + 1, " ");
	g->fact[2 * g->facts++ + 1] = tab + 1;
	return 0;
}

/* The cells of one line, @columns of them or, when 0, as many as there are. */
static int add_row(struct grid *g, const struct source *src, char *line,
		   struct err *err)
{
	size_t first = (g->rows + 1) * g->columns, n = 0;
	int ret;

	for (char *next; line; line = next, n++) {
		next = strchr(line, '\t');
		if (next)
			*next++ = '\0';
		if (n == GRID_COLUMNS_MAX)
			return wrong(src, "too many columns", err);
		if (g->columns && n == g->columns)
			return wrong(src, "more cells than columns", err);
		ret = mem_reserve(&g->cell, &g->cell_cap, first + n + 1,
				  sizeof(*g->cell));
		if (ret)
			return ret;
		tame(line);
		g->cell[first + n] = line;
	}
	if (g->columns && n < g->columns)
		return wrong(src, "fewer cells than columns", err);
	g->rows += g->columns != 0;
	g->columns = n;
	return 0;
}

static int check_names(const struct grid *g, const struct source *src,
		       struct err *err)
{
	for (size_t i = 0; i < g->columns; i++) {
		if (!g->cell[i][0])
			return wrong(src, "a column without a name", err);
		if (grid_column(g, g->cell[i]) != i)
			return err_set(err, EINVAL,
				       "%s:%zu: column \"%s\" is there twice",
				       src->name, src->line, g->cell[i]);
	}
	return 0;
}

int grid_parse(struct grid *g, const char *name, char *text, size_t n,
	       struct err *err)
{
	struct source src = {.name = name};
	char *p = text, *line;
	int ret = 0;

	*g = (struct grid){.text = text};
	if (memchr(text, '\0', n))
		return err_set(err, EINVAL, "%s: not a text file", name);
	while (!ret && (line = text_line(&p, text + n))) {
		src.line++;
		if (!g->columns && line[0] == '#') {
			ret = add_fact(g, line);
			continue;
		}
		if (!*line) {
			ret = wrong(&src, "an empty line", err);
			continue;
		}
		ret = add_row(g, &src, line, err);
		if (!ret && !g->rows)
			ret = check_names(g, &src, err);
	}
	if (!ret && !g->columns)
		ret = err_set(err, EINVAL, "%s: no names of columns", name);
	return ret;
}

void grid_fini(struct grid *g)
{
	mem_release(g->fact, g->fact_cap, sizeof(*g->fact));
	mem_release(g->cell, g->cell_cap, sizeof(*g->cell));
	free(g->text);
	*g = (struct grid){0};
}

size_t grid_column(const struct grid *g, const char *name)
{
	for (size_t i = 0; i < g->columns; i++)
		if (!strcmp(g->cell[i], name))
			return i;
	return GRID_NONE;
}

const char *grid_cell(const struct grid *g, size_t row, size_t column)
{
	assert(row < g->rows && column < g->columns);
	return g->cell[(row + 1) * g->columns + column];
}

const char *grid_fact(const struct grid *g, const char *key)
{
	for (size_t i = 0; i < g->facts; i++)
		if (!strcmp(g->fact[2 * i], key))
			return g->fact[2 * i + 1];
	return NULL;
}

static size_t digits(const char *s)
{
	return strspn(s, "0123456789");
}

bool grid_is_number(const char *cell)
{
	const char *s = cell + (*cell == '-');
	size_t n = digits(s);

	s += n;
	if (!n || *s != '.')
		return n && !*s;
	n = digits(s + 1);
	return n && !s[1 + n];
}

/* ---- LaTeX ---- */

void grid_latex(const char *s, FILE *out)
{
	for (; *s; s++) {
		switch (*s) {
		case '&':
		case '%':
		case '$':
		case '#':
		case '_':
		case '{':
		case '}':
			fprintf(out, "\\%c", *s);
			break;
		case '\\':
			fputs("\\textbackslash{}", out);
			break;
		case '~':
			fputs("\\textasciitilde{}", out);
			break;
		case '^':
			fputs("\\textasciicircum{}", out);
			break;
		case '<':
			fputs("\\textless{}", out);
			break;
		case '>':
			fputs("\\textgreater{}", out);
			break;
		default:
			fputc(*s, out);
		}
	}
}

/* "-12345.6": "$-$12\,345.6" */
static void latex_number(const char *s, FILE *out)
{
	size_t n;

	if (*s == '-') {
		fputs("$-$", out);
		s++;
	}
	n = digits(s);
	for (size_t i = 0; i < n; i++) {
		if (i && n > 4 && (n - i) % 3 == 0)
			fputs("\\,", out);
		fputc(s[i], out);
	}
	fputs(s + n, out);
}

static bool all_numbers(const struct grid *g, size_t column)
{
	for (size_t i = 0; i < g->rows; i++) {
		const char *cell = grid_cell(g, i, column);

		if (strcmp(cell, "-") && !grid_is_number(cell))
			return false;
	}
	return g->rows != 0;
}

static void latex_cell(const char *cell, FILE *out)
{
	if (grid_is_number(cell))
		latex_number(cell, out);
	else
		grid_latex(cell, out);
}

int grid_write_latex(const struct grid *g, FILE *out, struct err *err)
{
	(void)err;
	for (size_t i = 0; i < g->facts; i++)
		fprintf(out, "%% %s: %s\n", g->fact[2 * i], g->fact[2 * i + 1]);
	fputs("\\begin{tabular}{", out);
	for (size_t c = 0; c < g->columns; c++)
		fputc(all_numbers(g, c) ? 'r' : 'l', out);
	fputs("}\n\\toprule\n", out);
	for (size_t i = 0; i <= g->rows; i++) {
		for (size_t c = 0; c < g->columns; c++) {
			fputs(c ? " & " : "", out);
			latex_cell(g->cell[i * g->columns + c], out);
		}
		fputs(i ? " \\\\\n" : " \\\\\n\\midrule\n", out);
	}
	fputs("\\bottomrule\n\\end{tabular}\n", out);
	return ferror(out) ? -EIO : 0;
}
