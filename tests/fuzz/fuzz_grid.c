/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_grid.c - anybody's TSV: it is a grid whose table closes what it opens, or
 * it is refused in one line
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report/grid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct grid *g)
{
	for (size_t c = 0; c < g->columns; c++)
		assert(grid_column(g, g->cell[c]) == c);
	for (size_t r = 0; r < g->rows; r++)
		for (size_t c = 0; c < g->columns; c++)
			assert(!strpbrk(grid_cell(g, r, c), "\t\n"));
}

/* One line per row, and braces in pairs. */
static void check_table(const struct grid *g, const char *text)
{
	size_t lines = 0, depth = 0;

	for (const char *p = text; *p; p++) {
		lines += *p == '\n';
		if (*p == '\\' && strchr("{}\\", p[1]))
			p++;
		else if (*p == '{' && ++depth > 1)
			assert(0);
		else if (*p == '}')
			assert(depth--);
	}
	assert(lines == g->rows + 6 && !depth);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *table = NULL;
	struct err err = {0};
	struct grid g;
	size_t n;
	FILE *out;
	int ret;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	ret = grid_parse(&g, "f", text, size, &err);
	assert(!ret || ret == -EINVAL);
	assert(!ret == !err.text[0] && !strchr(err.text, '\n'));
	if (!ret) {
		check(&g);
		g.facts = 0; /* comments of LaTeX may hold anything */
		out = open_memstream(&table, &n);
		if (!out || grid_write_latex(&g, out, &err))
			abort();
		fclose(out);
		check_table(&g, table);
		free(table);
	}
	grid_fini(&g);
	return 0;
}
