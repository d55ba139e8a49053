/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "sim/base/mem.h"
#include "sim/core/rows.h"

void rows_init(struct rows *r)
{
	*r = (struct rows){0};
}

void rows_fini(struct rows *r)
{
	mem_release(r->v, r->cap, sizeof(*r->v));
	rows_init(r);
}

void rows_clear(struct rows *r)
{
	r->n = 0;
	r->failed = false;
}

void rows_add_at(struct rows *r, const char *scope, const char *name,
		 int32_t index, const char *unit, int64_t value)
{
	if (mem_reserve(&r->v, &r->cap, r->n + 1, sizeof(*r->v))) {
		r->failed = true;
		return;
	}
	r->v[r->n++] = (struct row){scope, name, unit, index, value};
}

void rows_add(struct rows *r, const char *scope, const char *name,
	      const char *unit, int64_t value)
{
	rows_add_at(r, scope, name, -1, unit, value);
}

static const struct row *find(const struct rows *r, const char *scope,
			      const char *name)
{
	for (size_t i = 0; i < r->n; i++)
		if ((!scope || !strcmp(r->v[i].scope, scope)) &&
		    !strcmp(r->v[i].name, name))
			return &r->v[i];
	return NULL;
}

int64_t rows_get(const struct rows *r, const char *scope, const char *name,
		 int64_t otherwise)
{
	const struct row *row = find(r, scope, name);

	return row ? row->value : otherwise;
}

bool rows_has(const struct rows *r, const char *scope, const char *name)
{
	return find(r, scope, name) != NULL;
}
