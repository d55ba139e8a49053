/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/told.h"

const char *told_build_dir(void)
{
	const char *b = getenv("B");

	return b ? b : "build";
}

char *told_scenarios(int randoms, size_t *n)
{
	char *ids = NULL, *text;
	size_t len;
	FILE *f = open_memstream(&ids, &len);

	ck_assert_ptr_nonnull(f);
	for (int i = 1; i <= TOLD_FIXED; i++)
		fprintf(f, " S%02d", i);
	for (int i = 1; i <= randoms; i++)
		fprintf(f, " R%d", i);
	ck_assert_int_eq(fclose(f), 0);
	text = told_ids(ids, n);
	free(ids);
	return text;
}

char *told_ids(const char *ids, size_t *n)
{
	char *command = NULL, *text = NULL;
	size_t len;
	FILE *f = open_memstream(&command, &len);
	int c;

	ck_assert_ptr_nonnull(f);
	fprintf(f, "'%s/tests/fidelity/probe' -t %s", told_build_dir(), ids);
	ck_assert_int_eq(fclose(f), 0);
	f = popen(command, "r");
	ck_assert_ptr_nonnull(f);
	free(command);
	{
		FILE *all = open_memstream(&text, n);

		ck_assert_ptr_nonnull(all);
		while ((c = getc(f)) != EOF)
			putc(c, all);
		ck_assert_int_eq(fclose(all), 0);
	}
	ck_assert_msg(pclose(f) == 0, "%s/tests/fidelity/probe: cannot run",
		      told_build_dir());
	return text;
}

char *told_answer(char *text, size_t n, const struct scenario_opts *opts)
{
	struct err err = {0};
	char *rows = NULL;
	size_t nrows;
	FILE *out = open_memstream(&rows, &nrows);
	int ret;

	ck_assert_ptr_nonnull(out);
	ret = scenario_run("scenarios", text, n, opts, out, &err);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	ck_assert_int_eq(fclose(out), 0);
	free(text);
	return rows;
}

unsigned told_row(char **p, char *column[TOLD_COLUMNS])
{
	char *line = *p, *end = strchr(line, '\n');
	unsigned n = 0;

	if (!*line)
		return 0;
	ck_assert_ptr_nonnull(end);
	*end = '\0';
	*p = end + 1;
	while (line) {
		char *tab = strchr(line, '\t');

		ck_assert_uint_lt(n, TOLD_COLUMNS);
		column[n++] = line;
		if (tab)
			*tab++ = '\0';
		line = tab;
	}
	return n;
}
