/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "bench/metric.h"

const char *const metric_kind_name[] = {"exact", "stable", "noisy"};

void metrics_add(struct metrics *ms, const struct metric *m)
{
	if (mem_reserve(&ms->v, &ms->cap, ms->n + 1, sizeof(*ms->v))) {
		ms->failed = true;
		return;
	}
	ms->v[ms->n++] = *m;
}

void metrics_note(struct metrics *ms, const char *line)
{
	size_t n = strlen(line);

	if (mem_reserve(&ms->notes, &ms->notes_cap, ms->notes_n + n + 2, 1)) {
		ms->failed = true;
		return;
	}
	memcpy(ms->notes + ms->notes_n, line, n);
	ms->notes_n += n;
	ms->notes[ms->notes_n++] = '\n';
	ms->notes[ms->notes_n] = 0;
}

void metrics_fini(struct metrics *ms)
{
	mem_release(ms->v, ms->cap, sizeof(*ms->v));
	mem_release(ms->notes, ms->notes_cap, 1);
	*ms = (struct metrics){0};
}

bool metric_missed(const struct metric *m)
{
	return m->kind == METRIC_NOISY &&
	       ((m->limit > 0 && m->ns.median > m->limit) ||
		(m->floor > 0 && m->ratio.median < m->floor));
}

/* ---- for people ---- */

static const char *verdict(const struct metric *m)
{
	if (m->limit <= 0 && m->floor <= 0)
		return "";
	return metric_missed(m) ? "FAIL" : "pass";
}

static void table_row(const struct metric *m, FILE *out)
{
	char name[BENCH_NAME_MAX + 32], bound[32] = "";

	snprintf(name, sizeof(name), "%s", m->name);
	fprintf(out, "%-36s %9.1f %-9s [%.1f, %.1f]", name, m->ns.median,
		m->unit, m->ns.low, m->ns.high);
	if (m->peer)
		fprintf(out, "  %s %.1f: %.2fx [%.2f, %.2f]", m->peer,
			m->peer_ns.median, m->ratio.median, m->ratio.low,
			m->ratio.high);
	if (m->floor > 0)
		snprintf(bound, sizeof(bound), "at least %.2fx", m->floor);
	else if (m->limit > 0)
		snprintf(bound, sizeof(bound), "at most %.1f", m->limit);
	if (bound[0])
		fprintf(out, "  %s: %s", bound, verdict(m));
	fputc('\n', out);
}

static int write_table(const struct metrics *ms, FILE *out)
{
	size_t exact = 0, stable = 0, noisy = 0, missed = 0;
	char text[32];

	for (size_t i = 0; i < ms->n; i++) {
		exact += ms->v[i].kind == METRIC_EXACT;
		noisy += ms->v[i].kind == METRIC_NOISY;
		missed += metric_missed(&ms->v[i]);
	}
	if (noisy)
		fputs("medians [bootstrap, 95 %]; ratio: the other's time to "
		      "ours, of pairs\n",
		      out);
	for (size_t i = 0; i < ms->n; i++)
		if (ms->v[i].kind == METRIC_NOISY)
			table_row(&ms->v[i], out);
	for (size_t i = 0; i < ms->n; i++)
		if (ms->v[i].kind == METRIC_STABLE) {
			fprintf(out, "%-36s %13" PRId64 " %s\n", ms->v[i].name,
				ms->v[i].value, ms->v[i].unit);
			stable++;
		}
	fprintf(out, "%s exact metrics, ",
		text_count(text, sizeof(text), exact));
	fprintf(out, "%zu stable, %zu noisy, %zu below their floor\n", stable,
		noisy, missed);
	if (ms->notes_n)
		fwrite(ms->notes, 1, ms->notes_n, out);
	return 0;
}

/* ---- for programs ---- */

static int put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) ? -ENOMEM : 0;
}

static int dump(json_t *j, int ret, FILE *out)
{
	if (!ret && json_dumpf(j, out, JSON_INDENT(1) | JSON_REAL_PRECISION(6)))
		ret = -EIO;
	if (!ret)
		fputc('\n', out);
	json_decref(j);
	return ret;
}

static json_t *interval(const struct interval *in)
{
	return json_pack("{s:f, s:f, s:f}", "median", in->median, "low",
			 in->low, "high", in->high);
}

static json_t *metric_json(const struct metric *m)
{
	json_t *j = json_pack("{s:s, s:s, s:s}", "name", m->name, "kind",
			      metric_kind_name[m->kind], "unit", m->unit);
	int ret = 0;

	if (m->with[0])
		ret |= put(j, "with", json_string(m->with));
	if (m->kind != METRIC_NOISY) {
		ret |= put(j, "value", json_integer(m->value));
	} else {
		ret |= put(j, "value", interval(&m->ns));
		if (m->limit > 0)
			ret |= put(j, "at_most", json_real(m->limit));
		if (m->peer) {
			ret |= put(j, "peer", json_string(m->peer));
			ret |= put(j, "peer_value", interval(&m->peer_ns));
			ret |= put(j, "ratio", interval(&m->ratio));
		}
		if (m->floor > 0)
			ret |= put(j, "ratio_at_least", json_real(m->floor));
		if (m->limit > 0 || m->floor > 0)
			ret |= put(j, "pass", json_boolean(!metric_missed(m)));
	}
	if (!ret)
		return j;
	json_decref(j);
	return NULL;
}

static int write_json(const struct metrics *ms, FILE *out)
{
	json_t *j = json_object(), *list = json_array();
	int ret = put(j, "schema", json_string(METRIC_SCHEMA));

	for (size_t i = 0; !ret && i < ms->n; i++)
		if (json_array_append_new(list, metric_json(&ms->v[i])))
			ret = -ENOMEM;
	if (put(j, "metrics", list))
		ret = -ENOMEM;
	return dump(j, ret, out);
}

/* One line per metric, by name, so that a change of the file reads well. */
static int write_baseline(const struct metrics *ms, FILE *out)
{
	json_t *j = json_object();
	int ret = put(j, "schema", json_string(METRIC_SCHEMA));

	for (unsigned k = METRIC_EXACT; !ret && k <= METRIC_STABLE; k++) {
		json_t *of = json_object();

		for (size_t i = 0; !ret && i < ms->n; i++) {
			const struct metric *m = &ms->v[i];

			if (m->kind != k)
				continue;
			ret = put(of, m->name,
				  m->with[0] ? json_pack("[I,s]",
							 (json_int_t)m->value,
							 m->with)
					     : json_integer(m->value));
		}
		if (put(j, metric_kind_name[k], of))
			ret = -ENOMEM;
	}
	return dump(j, ret, out);
}

/* What can be plotted as "less is better". */
static double cost_of(const struct metric *m)
{
	return m->kind == METRIC_NOISY ? m->ns.median : (double)m->value;
}

static bool is_cost(const struct metric *m)
{
	return m->kind != METRIC_EXACT || m->cost;
}

static json_t *action_json(const struct metric *m)
{
	json_t *j = json_pack("{s:s, s:s, s:f}", "name", m->name, "unit",
			      m->unit, "value", cost_of(m));
	char text[96];
	int ret = 0;

	if (m->kind == METRIC_NOISY) {
		snprintf(text, sizeof(text), "%.3f .. %.3f", m->ns.low,
			 m->ns.high);
		ret |= put(j, "range", json_string(text));
	}
	if (m->peer) {
		snprintf(text, sizeof(text), "%s takes %.2f times as long",
			 m->peer, m->ratio.median);
		ret |= put(j, "extra", json_string(text));
	}
	if (!ret)
		return j;
	json_decref(j);
	return NULL;
}

static int write_action(const struct metrics *ms, FILE *out)
{
	json_t *list = json_array();
	int ret = list ? 0 : -ENOMEM;

	for (size_t i = 0; !ret && i < ms->n; i++)
		if (is_cost(&ms->v[i]) &&
		    json_array_append_new(list, action_json(&ms->v[i])))
			ret = -ENOMEM;
	return dump(list, ret, out);
}

/* {"name": {"measure": {"value": …, "lower_value": …, "upper_value": …}}} */
static json_t *bmf_json(const struct metric *m)
{
	char measure[32];
	size_t n = 0;

	for (; m->unit[n] && n < sizeof(measure) - 1; n++)
		measure[n] = m->unit[n] == '/' || m->unit[n] == ' '
				     ? '-'
				     : m->unit[n];
	measure[n] = 0;
	if (m->kind != METRIC_NOISY)
		return json_pack("{s:{s:f}}", measure, "value", cost_of(m));
	return json_pack("{s:{s:f, s:f, s:f}}", measure, "value", m->ns.median,
			 "lower_value", m->ns.low, "upper_value", m->ns.high);
}

static int write_bmf(const struct metrics *ms, FILE *out)
{
	json_t *j = json_object();
	int ret = j ? 0 : -ENOMEM;

	for (size_t i = 0; !ret && i < ms->n; i++)
		if (is_cost(&ms->v[i]))
			ret = put(j, ms->v[i].name, bmf_json(&ms->v[i]));
	return dump(j, ret, out);
}

const struct metric_form metric_forms[] = {
	{"table", "for people", write_table},
	{"json", "everything", write_json},
	{"baseline", "what --baseline compares with", write_baseline},
	{"action", "customSmallerIsBetter of github-action-benchmark",
	 write_action},
	{"bmf", "Bencher Metric Format", write_bmf},
	{NULL, NULL, NULL},
};

const struct metric_form *metric_form_find(const char *name, struct err *err)
{
	const char *names[sizeof(metric_forms) / sizeof(metric_forms[0])];
	const char *near;
	size_t n = 0;

	for (; metric_forms[n].name; n++) {
		if (!strcmp(metric_forms[n].name, name))
			return &metric_forms[n];
		names[n] = metric_forms[n].name;
	}
	near = text_nearest(name, names, n);
	err_set(err, EINVAL, "no form \"%s\"; %s \"%s\"%s", name,
		near ? "did you mean" : "there is", near ? near : names[0],
		near ? "?" : "");
	return NULL;
}
