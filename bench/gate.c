/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "bench/gate.h"

struct gate {
	const struct metrics *ms;
	json_t *known; /* metric names: index into ms->v */
	json_t *ran;   /* labels of experiments that gave metrics */
	bool counted[METRIC_NOISY]; /* were metrics of that kind measured? */
	FILE *out;
	struct gate_result *res;
};

static void finding(struct gate *g, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void finding(struct gate *g, const char *fmt, ...)
{
	va_list ap;

	g->res->findings++;
	if (!g->out)
		return;
	va_start(ap, fmt);
	vfprintf(g->out, fmt, ap);
	va_end(ap);
	fputc('\n', g->out);
}

/* The label is all before the last '/'. */
static size_t label_bytes(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash ? (size_t)(slash - name) : strlen(name);
}

static int remember(struct gate *g)
{
	for (size_t i = 0; i < g->ms->n; i++) {
		const struct metric *m = &g->ms->v[i];
		char label[BENCH_NAME_MAX] = "";

		if (m->kind == METRIC_NOISY)
			continue;
		g->counted[m->kind] = true;
		memcpy(label, m->name, label_bytes(m->name));
		if (json_object_set_new(g->known, m->name,
					json_integer((json_int_t)i)) ||
		    json_object_set_new(g->ran, label, json_true()))
			return -ENOMEM;
	}
	return 0;
}

/* A control character of a hostile name must not reach a terminal. */
static const char *printable(const char *s, char buf[BENCH_NAME_MAX])
{
	size_t n = 0;

	for (; s[n] && n < BENCH_NAME_MAX - 1; n++)
		buf[n] = s[n] < ' ' || s[n] == 127 ? '?' : s[n];
	buf[n] = 0;
	return buf;
}

static bool differs(enum metric_kind kind, int64_t was, int64_t is)
{
	double by = (double)is - (double)was;

	if (kind == METRIC_EXACT)
		return was != is;
	by = by < 0 ? -by : by;
	return by * 1000 > GATE_STABLE_PERMILLE * (double)was;
}

static void judge(struct gate *g, const struct metric *m, int64_t was,
		  const char *with)
{
	double percent;

	if (strcmp(with, m->with) != 0) {
		g->res->other_version++;
		return;
	}
	g->res->compared++;
	if (!differs(m->kind, was, m->value))
		return;
	percent =
		was ? ((double)m->value - (double)was) * 100 / (double)was : 0;
	finding(g, "%s %s: %" PRId64 ", was %" PRId64 " %s (%+.2f %%)",
		metric_kind_name[m->kind], m->name, m->value, was, m->unit,
		percent);
}

static void missing(struct gate *g, enum metric_kind kind, const char *name)
{
	char buf[BENCH_NAME_MAX];
	char label[BENCH_NAME_MAX] = "";
	size_t n = label_bytes(name);

	memcpy(label, name, n < sizeof(label) ? n : sizeof(label) - 1);
	if (g->counted[kind] && json_object_get(g->ran, label))
		finding(g, "%s: is in the baseline and was not measured",
			printable(name, buf));
	else
		g->res->not_run++;
}

static int compare_one(struct gate *g, enum metric_kind kind, const char *name,
		       const json_t *entry, struct err *err)
{
	const json_t *value = entry, *at;
	const char *with = "";
	char buf[BENCH_NAME_MAX];

	if (json_is_array(entry)) {
		value = json_array_get(entry, 0);
		with = json_string_value(json_array_get(entry, 1));
	}
	if (!json_is_integer(value) || !with)
		return err_set(err, EINVAL,
			       "%s: neither a number nor [number, version]",
			       printable(name, buf));
	at = json_object_get(g->known, name);
	if (at && g->ms->v[json_integer_value(at)].kind == kind)
		judge(g, &g->ms->v[json_integer_value(at)],
		      json_integer_value(value), with);
	else
		missing(g, kind, name);
	return 0;
}

static int compare_kind(struct gate *g, enum metric_kind kind, json_t *of,
			struct err *err)
{
	const char *name;
	json_t *entry;
	int ret = 0;

	if (!json_is_object(of))
		return err_set(err, EINVAL, "\"%s\" is not an object",
			       metric_kind_name[kind]);
	json_object_foreach(of, name, entry)
	{
		ret = compare_one(g, kind, name, entry, err);
		if (ret)
			return ret;
	}
	for (size_t i = 0; i < g->ms->n; i++)
		if (g->ms->v[i].kind == kind &&
		    !json_object_get(of, g->ms->v[i].name))
			g->res->fresh++;
	return 0;
}

static int compare(struct gate *g, json_t *base, struct err *err)
{
	const char *schema = json_string_value(json_object_get(base, "schema"));
	int ret;

	if (!schema || strcmp(schema, METRIC_SCHEMA) != 0)
		return err_set(err, EINVAL, "no baseline of schema %s",
			       METRIC_SCHEMA);
	ret = remember(g);
	for (unsigned k = METRIC_EXACT; k <= METRIC_STABLE && !ret; k++)
		ret = compare_kind(g, (enum metric_kind)k,
				   json_object_get(base, metric_kind_name[k]),
				   err);
	return ret;
}

int gate_compare(const struct metrics *ms, const char *name, const char *text,
		 size_t n, FILE *out, struct gate_result *res, struct err *err)
{
	struct gate g = {.ms = ms, .out = out, .res = res};
	json_error_t why;
	json_t *base;
	int ret;

	*res = (struct gate_result){0};
	if (n > GATE_BYTES_MAX)
		return err_set(err, EFBIG, "%s: too long", name);
	base = json_loadb(text, n, JSON_REJECT_DUPLICATES, &why);
	if (!base)
		return err_set(err, EINVAL, "%s:%d: %s", name, why.line,
			       why.text);
	g.known = json_object();
	g.ran = json_object();
	ret = g.known && g.ran ? compare(&g, base, err) : -ENOMEM;
	err_prefix(err, ret, "%s", name);
	json_decref(g.known);
	json_decref(g.ran);
	json_decref(base);
	return ret;
}
