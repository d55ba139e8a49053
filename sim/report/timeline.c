/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "sim/report/timeline.h"

static size_t columns(const struct rows *rows)
{
	size_t n = 0;

	for (size_t i = 0; i < rows->n; i++)
		n += rows->v[i].index < 0;
	return n;
}

static void header(struct timeline *t, const struct rows *rows)
{
	fputs("time_ns", t->out->f);
	for (size_t i = 0; i < rows->n; i++)
		if (rows->v[i].index < 0)
			fprintf(t->out->f, "\t%s.%s", rows->v[i].scope,
				rows->v[i].name);
	fputc('\n', t->out->f);
	t->columns = columns(rows);
}

int timeline_sample(void *ctx, ns_t now, const struct rows *rows)
{
	struct timeline *t = ctx;

	if (!t->columns)
		header(t, rows);
	else if (t->last.v == now.v)
		return 0;
	assert(t->columns == columns(rows));
	t->last = now;
	fprintf(t->out->f, "%" PRIu64, now.v);
	for (size_t i = 0; i < rows->n; i++)
		if (rows->v[i].index < 0)
			fprintf(t->out->f, "\t%" PRId64, rows->v[i].value);
	fputc('\n', t->out->f);
	return ferror(t->out->f) ? -EIO : 0;
}
