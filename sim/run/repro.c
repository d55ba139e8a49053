/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/run/repro.h"

void repro_init(struct repro *r)
{
	*r = (struct repro){0};
}

void repro_fini(struct repro *r)
{
	mem_release(r->fact, r->fact_cap, sizeof(*r->fact));
	mem_release(r->row, r->row_cap, sizeof(*r->row));
	repro_init(r);
}

void repro_fact(struct repro *r, const char *key, const char *fmt, ...)
{
	struct repro_fact *f;
	va_list ap;

	if (mem_reserve(&r->fact, &r->fact_cap, r->nfact + 1, sizeof(*f))) {
		r->failed = true;
		return;
	}
	f = &r->fact[r->nfact++];
	f->key = key;
	va_start(ap, fmt);
	vsnprintf(f->value, sizeof(f->value), fmt, ap);
	va_end(ap);
}

void repro_add(struct repro *r, const struct repro_row *row)
{
	if (mem_reserve(&r->row, &r->row_cap, r->nrow + 1, sizeof(*row)))
		r->failed = true;
	else
		r->row[r->nrow++] = *row;
}

int64_t repro_value(uint64_t num, uint64_t den)
{
	const uint64_t most = (uint64_t)INT64_MAX / REPRO_ONE - 1;
	uint64_t whole, rest;

	/* Bits that a millionth does not depend on. */
	while (den > UINT64_MAX / REPRO_ONE / 2) {
		den >>= 1;
		num >>= 1;
	}
	if (!den || num / den > most)
		return REPRO_NONE;
	whole = num / den;
	rest = num % den;
	return (int64_t)(whole * REPRO_ONE +
			 (rest * REPRO_ONE + den / 2) / den);
}

int64_t repro_ratio(const struct repro_row *row)
{
	const struct repro_band *p = &row->published;
	int64_t by;

	if (row->got == REPRO_NONE || row->got < 0 || p->lo == REPRO_NONE)
		return REPRO_NONE;
	if (row->got >= p->lo && row->got <= p->hi)
		return REPRO_ONE;
	by = row->got < p->lo ? p->lo : p->hi;
	return by > 0 ? repro_value((uint64_t)row->got, (uint64_t)by)
		      : REPRO_NONE;
}

const char *repro_verdict(const struct repro_row *row)
{
	if (row->got == REPRO_NONE || row->expected.lo == REPRO_NONE)
		return "-";
	if (row->got < row->expected.lo)
		return "below";
	return row->got > row->expected.hi ? "above" : "within";
}

static const struct {
	const char *name;
	const struct repro_ops *ops;
} repros[] = {
#define REPRO(sym, name, summary) {name, &repro_##sym},
#include "sim/run/repros.def"
#undef REPRO
	{NULL, NULL},
};

const struct repro_ops *repro_find(const char *name)
{
	for (size_t i = 0; repros[i].name; i++)
		if (!strcmp(repros[i].name, name))
			return repros[i].ops;
	return NULL;
}
