/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <jansson.h>

#include "sim/base/version.h"
#include "sim/report/report.h"

/*
 * All of the below return 0 or a negative errno.  jansson's *_new() functions
 * take the value even when they fail and answer a NULL value with an error, so
 * running out of memory anywhere ends up in their return.
 */

static int put(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) ? -ENOMEM : 0;
}

static int put_string(json_t *object, const char *key, const char *s)
{
	char buf[REPORT_STRING_MAX];

	return put(object, key,
		   json_string(report_string(s, buf, sizeof(buf))));
}

/* child - the object under @key, made when it is not there; borrowed */
static json_t *child(json_t *object, const char *key)
{
	json_t *c = json_object_get(object, key);

	if (!c && !put(object, key, json_object()))
		c = json_object_get(object, key);
	return c;
}

static int put_option(json_t *options, const struct opt *o, const void *opts)
{
	char buf[REPORT_STRING_MAX];
	uint64_t v;

	if (o->type != OPT_STRING && o->type != OPT_CHOICE) {
		v = opt_get(o, opts);
		if (v <= INT64_MAX)
			return put(options, o->name,
				   json_integer((json_int_t)v));
	}
	return put_string(options, o->name,
			  opt_format(o, opts, buf, sizeof(buf)));
}

static int twice(const struct row *w, struct err *err)
{
	return err_set(err, EINVAL, "result %s.%s[%" PRId32 "] is there twice",
		       w->scope, w->name, w->index);
}

/* put_row - value under @names, which are the names of one scope */
static int put_row(json_t *names, const struct row *w, struct err *err)
{
	json_t *old = json_object_get(names, w->name);
	char index[16];

	if (w->index < 0) {
		if (old)
			return twice(w, err);
		return put(names, w->name, json_integer(w->value));
	}
	if (old && !json_is_object(old))
		return twice(w, err);
	old = child(names, w->name);
	if (!old)
		return -ENOMEM;
	snprintf(index, sizeof(index), "%" PRId32, w->index);
	if (json_object_get(old, index))
		return twice(w, err);
	return put(old, index, json_integer(w->value));
}

static int put_results(json_t *results, json_t *units, const struct rows *rows,
		       struct err *err)
{
	int ret = rows->failed ? -ENOMEM : 0;

	for (size_t i = 0; !ret && i < rows->n; i++) {
		const struct row *w = &rows->v[i];
		json_t *names = child(results, w->scope);
		json_t *unit = child(units, w->scope);

		if (!names || !unit)
			return -ENOMEM;
		ret = put_row(names, w, err);
		if (!ret)
			ret = put(unit, w->name, json_string(w->unit));
	}
	return ret;
}

/* Rows of one space stand together: a new index begins a new object. */
static int put_spaces(json_t *spaces, json_t *units, const struct rows *rows,
		      struct err *err)
{
	json_t *space = NULL, *unit;
	int32_t index = -1;
	int ret = rows->failed ? -ENOMEM : 0;

	for (size_t i = 0; !ret && i < rows->n; i++) {
		struct row w = rows->v[i];

		unit = child(units, w.scope);
		if (!unit)
			return -ENOMEM;
		if (!space || w.index != index) {
			index = w.index;
			space = json_object();
			if (json_array_append_new(spaces, space) ||
			    put(space, "space", json_integer(index)))
				return -ENOMEM;
		}
		if (json_object_get(space, w.name))
			return twice(&w, err);
		ret = put(space, w.name, json_integer(w.value));
		if (!ret)
			ret = put(unit, w.name, json_string(w.unit));
	}
	return ret;
}

static int put_head(json_t *root, const struct report *r)
{
	json_t *trace, *run, *options;
	char digest[33];
	int ret;

	if (put_string(root, "schema", REPORT_SCHEMA) ||
	    put_string(root, "dedupsim", DEDUPSIM_VERSION) ||
	    put_string(root, "engine", r->engine))
		return -ENOMEM;
	trace = child(root, "trace");
	run = child(root, "run");
	options = child(root, "options");
	if (!trace || !run || !options)
		return -ENOMEM;
	ret = put_string(trace, "name", r->trace);
	if (!ret)
		ret = put_string(trace, "digest",
				 report_digest(r->digest, digest));
	for (size_t i = 0; !ret && i < r->nfacts; i++)
		ret = put_string(run, r->facts[i].key, r->facts[i].value);
	for (const struct opt *o = r->opt_rows; !ret && o && o->type != OPT_END;
	     o++)
		ret = put_option(options, o, r->opts);
	return ret;
}

static int put_all(json_t *root, const struct report *r,
		   const struct rows *meter, struct err *err)
{
	json_t *results, *units, *spaces = NULL;
	int ret = put_head(root, r);

	if (ret)
		return ret;
	results = child(root, "results");
	if (r->spaces) {
		spaces = json_array();
		ret = put(root, "spaces", spaces);
	}
	units = child(root, "units");
	if (ret || !results || !units)
		return -ENOMEM;
	ret = put_results(results, units, r->results, err);
	if (!ret)
		ret = put_results(results, units, meter, err);
	if (!ret && spaces)
		ret = put_spaces(spaces, units, r->spaces, err);
	return ret;
}

static int json_write(const struct report *r, FILE *out, struct err *err)
{
	json_t *root = json_object();
	struct rows meter;
	int ret;

	rows_init(&meter);
	if (r->meter)
		report_meter_rows(r->meter, &meter);
	ret = root ? put_all(root, r, &meter, err) : -ENOMEM;
	rows_fini(&meter);
	if (!ret && json_dumpf(root, out, JSON_INDENT(2)))
		ret = -ENOMEM; /* unless the file is to blame */
	if (!ret)
		putc('\n', out);
	if (ferror(out))
		ret = -EIO;
	else if (ret == -ENOMEM)
		err_set(err, ENOMEM, "results: out of memory");
	json_decref(root);
	return ret;
}

const struct reporter_ops reporter_json = {
	.name = "json",
	.summary = "schema " REPORT_SCHEMA,
	.write = json_write,
};
