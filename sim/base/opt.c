/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/base/opt_impl.h"

/* ---- rows and fields ---- */

bool opt_has_field(const struct opt *row)
{
	return row->offset != OPT_MULTI;
}

static void *field(const struct opt *row, void *opts)
{
	return (unsigned char *)opts + row->offset;
}

static const void *field_const(const struct opt *row, const void *opts)
{
	return (const unsigned char *)opts + row->offset;
}

static uint64_t row_max(const struct opt *row)
{
	return row->max ? row->max : UINT64_MAX;
}

static size_t choice_count(const struct opt *row)
{
	size_t n = 0;

	while (row->choices[n])
		n++;
	return n;
}

void opt_defaults(const struct opt *rows, void *opts)
{
	const char *none = NULL;

	for (; rows->type != OPT_END; rows++) {
		if (!opt_has_field(rows))
			continue;
		if (rows->type == OPT_STRING)
			memcpy(field(rows, opts), &none, sizeof(none));
		else
			memcpy(field(rows, opts), &rows->def,
			       sizeof(rows->def));
	}
}

uint64_t opt_get(const struct opt *row, const void *opts)
{
	uint64_t v;

	assert(row->type != OPT_STRING && row->type != OPT_END);
	memcpy(&v, field_const(row, opts), sizeof(v));
	return v;
}

/* ---- names ---- */

static bool same_letter(char a, char b)
{
	return (a == '-' ? '_' : a) == (b == '-' ? '_' : b);
}

const struct opt *opt_find_n(const struct opt *rows, const char *name, size_t n)
{
	for (; rows->type != OPT_END; rows++) {
		size_t i = 0;

		while (i < n && rows->name[i] &&
		       same_letter(rows->name[i], name[i]))
			i++;
		if (i == n && !rows->name[i])
			return rows;
	}
	return NULL;
}

const struct opt *opt_find(const struct opt *rows, const char *name)
{
	return opt_find_n(rows, name, strlen(name));
}

const struct opt *opt_find_letter(const struct opt *rows, char letter)
{
	for (; rows->type != OPT_END; rows++)
		if (rows->letter == letter)
			return rows;
	return NULL;
}

const struct opt *opt_negated(const struct opt *rows, const char *name,
			      size_t n)
{
	const struct opt *row;

	if (n < 4 || (strncmp(name, "no-", 3) && strncmp(name, "no_", 3)))
		return NULL;
	row = opt_find_n(rows, name + 3, n - 3);
	return row && row->type == OPT_BOOL ? row : NULL;
}

const char *opt_label(char buf[OPT_LABEL_MAX], const struct opt *row,
		      const char *dashes)
{
	size_t n;

	snprintf(buf, OPT_LABEL_MAX, "%s%s", dashes, row->name);
	n = strlen(dashes);
	for (char *p = buf + n; n && *p; p++)
		if (*p == '_')
			*p = '-';
	return buf;
}

const char *opt_nearest_n(const struct opt *rows, const char *name, size_t n)
{
	char wanted[TEXT_NAME_MAX + 1];
	const char *best = NULL;

	if (n > TEXT_NAME_MAX)
		return NULL;
	memcpy(wanted, name, n);
	wanted[n] = 0;
	/* each against the best so far: no list of names has to be made */
	for (; rows->type != OPT_END; rows++) {
		const char *pair[2] = {best, rows->name};

		best = best ? text_nearest(wanted, pair, 2)
			    : text_nearest(wanted, pair + 1, 1);
	}
	return best;
}

const char *opt_nearest(const struct opt *rows, const char *name)
{
	return opt_nearest_n(rows, name, strlen(name));
}

/* ---- what is allowed, in words ---- */

static void size_text(char *buf, size_t n, uint64_t v)
{
	static const char *const unit[] = {"", "KiB", "MiB", "GiB", "TiB"};
	unsigned i = 0;

	for (; v && i < 4 && v % 1024 == 0; i++)
		v /= 1024;
	snprintf(buf, n, "%" PRIu64 "%s", v, unit[i]);
}

static void time_text(char *buf, size_t n, uint64_t v)
{
	static const char *const unit[] = {"ns", "us", "ms", "s"};
	unsigned i = 0;

	for (; v && i < 3 && v % 1000 == 0; i++)
		v /= 1000;
	snprintf(buf, n, "%" PRIu64 "%s", v, v ? unit[i] : "");
}

const char *opt_value_text(const struct opt *row, uint64_t v, char *buf,
			   size_t n)
{
	switch (row->type) {
	case OPT_SIZE:
		size_text(buf, n, v);
		break;
	case OPT_TIME:
		time_text(buf, n, v);
		break;
	case OPT_CHOICE:
		snprintf(buf, n, "%s", row->choices[v]);
		break;
	case OPT_BOOL:
	case OPT_U64:
		snprintf(buf, n, "%" PRIu64, v);
		break;
	case OPT_STRING:
	case OPT_END:
		snprintf(buf, n, "%s", "");
		break;
	}
	return buf;
}

const char *opt_format(const struct opt *row, const void *opts, char *buf,
		       size_t n)
{
	const char *s = NULL;

	if (row->type != OPT_STRING)
		return opt_value_text(row, opt_get(row, opts), buf, n);
	if (opt_has_field(row))
		memcpy(&s, field_const(row, opts), sizeof(s));
	return s ? s : "";
}

void opt_range_text(const struct opt *row, char *buf, size_t n)
{
	char lo[32], hi[32];
	const char *gap = row->unit ? " " : "", *unit = row->unit;

	if (!unit || row->type != OPT_U64)
		gap = unit = "";
	opt_value_text(row, row->min, lo, sizeof(lo));
	opt_value_text(row, row_max(row), hi, sizeof(hi));
	if (row_max(row) != UINT64_MAX)
		snprintf(buf, n, "%s … %s%s%s", lo, hi, gap, unit);
	else if (row->min)
		snprintf(buf, n, "at least %s%s%s", lo, gap, unit);
	else
		snprintf(buf, n, "%s", "");
}

void opt_choices_text(const struct opt *row, char *buf, size_t n)
{
	size_t used = 0;

	buf[0] = 0;
	for (size_t i = 0; row->choices[i] && used < n; i++) {
		snprintf(buf + used, n - used, "%s%s", i ? ", " : "",
			 row->choices[i]);
		used += strlen(buf + used);
	}
}

const char *opt_allowed(const struct opt *row, char buf[OPT_ALLOWED_MAX])
{
	buf[0] = 0;
	switch (row->type) {
	case OPT_BOOL:
		return "0, 1, no, yes, off, on";
	case OPT_CHOICE:
		opt_choices_text(row, buf, OPT_ALLOWED_MAX);
		break;
	case OPT_U64:
	case OPT_SIZE:
	case OPT_TIME:
		opt_range_text(row, buf, OPT_ALLOWED_MAX);
		break;
	case OPT_STRING:
	case OPT_END:
		break;
	}
	if (buf[0])
		return buf;
	return row->type == OPT_SIZE   ? "such as 4096, 4KiB, 3MiB, 2GiB"
	       : row->type == OPT_TIME ? "such as 0, 250us, 20ms, 1.5s"
				       : "a whole number";
}

/* ---- is the table sane? ---- */

static bool good_name(const char *s)
{
	return s && s[0] >= 'a' && s[0] <= 'z' && strlen(s) <= TEXT_NAME_MAX &&
	       !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-")];
}

static const char *bad_value(const struct opt *row)
{
	if (row->type != OPT_CHOICE && row->choices)
		return "is no choice and has choices";
	switch (row->type) {
	case OPT_BOOL:
		return row->def > 1 ? "has a default that is neither 0 nor 1"
				    : NULL;
	case OPT_CHOICE:
		if (!row->choices || !row->choices[0])
			return "has no choices";
		return row->def >= choice_count(row)
			       ? "has a default that is no choice"
			       : NULL;
	case OPT_U64:
	case OPT_SIZE:
	case OPT_TIME:
		if (row->min > row_max(row))
			return "has a minimum above its maximum";
		return row->def < row->min || row->def > row_max(row)
			       ? "has a default out of its range"
			       : NULL;
	case OPT_STRING:
		return row->def ? "is a string and has a default" : NULL;
	case OPT_END:
		break;
	}
	return "has an unknown type";
}

static const char *bad_field(const struct opt *row, size_t opts_size)
{
	size_t size =
		row->type == OPT_STRING ? sizeof(char *) : sizeof(uint64_t);

	if (!opt_has_field(row))
		return row->type == OPT_STRING
			       ? NULL
			       : "is no string and may be repeated";
	if (row->offset % size)
		return "has a misaligned field";
	if (row->offset > opts_size || opts_size - row->offset < size)
		return "has a field outside the options";
	return NULL;
}

static const char *bad_text(const struct opt *row)
{
	size_t n = row->help ? strlen(row->help) : 0;

	if (!n)
		return "has no help";
	if (row->help[n - 1] == '.')
		return "has a help text with a full stop";
	if (row->letter && !isalnum((unsigned char)row->letter))
		return "has a short option that is no letter";
	return NULL;
}

static const char *bad_company(const struct opt *rows, const struct opt *row)
{
	if (opt_find(rows, row->name) != row)
		return "is there twice";
	if (row->letter && opt_find_letter(rows, row->letter) != row)
		return "has the letter of another";
	if (opt_negated(rows, row->name, strlen(row->name)))
		return "reads as the negation of another";
	return NULL;
}

int opt_check_rows(const struct opt *rows, size_t opts_size, struct err *err)
{
	const struct opt *row;
	const char *what;

	for (row = rows; row->type != OPT_END; row++)
		if (!good_name(row->name))
			return err_set(err, EINVAL,
				       "option %td (%s) has no proper name",
				       row - rows, row->name ? row->name : "");
	for (row = rows; row->type != OPT_END; row++) {
		what = bad_value(row);
		if (!what)
			what = bad_field(row, opts_size);
		if (!what)
			what = bad_text(row);
		if (!what)
			what = bad_company(rows, row);
		if (what)
			return err_set(err, EINVAL, "option %s %s", row->name,
				       what);
	}
	return 0;
}

/* ---- parsing a value ---- */

static bool take_number(enum opt_type type, const char *s, uint64_t *v)
{
	return type == OPT_SIZE	  ? text_size(s, v)
	       : type == OPT_TIME ? text_time(s, v)
				  : text_u64(s, v);
}

/* too_large - is @s a good number but for its size?  It is when its last digit
 * and what follows make one. */
static bool too_large(enum opt_type type, const char *s)
{
	size_t digits = strspn(s, "0123456789");
	uint64_t v;

	if (!strncmp(s, "0x", 2) && type != OPT_TIME)
		return s[2] && !s[2 + strspn(s + 2, "0123456789abcdefABCDEF")];
	if (type == OPT_TIME && !s[digits])
		return false; /* not even small ones are right without unit */
	return digits > 1 && take_number(type, s + digits - 1, &v);
}

static int parse_number(const struct opt *row, const char *label,
			const char *value, uint64_t *out, struct err *err)
{
	const char *kind = row->type == OPT_SIZE   ? "size"
			   : row->type == OPT_TIME ? "time"
						   : "number";
	char buf[OPT_ALLOWED_MAX];
	bool known = take_number(row->type, value, out);

	if (known && *out >= row->min && *out <= row_max(row))
		return 0;
	if (!known && too_large(row->type, value) && row_max(row) == UINT64_MAX)
		return err_set(err, EINVAL, "%s: %s is too large", label,
			       value);
	if (known || too_large(row->type, value))
		return err_set(err, EINVAL, "%s: %s is out of range (%s)",
			       label, value, opt_allowed(row, buf));
	return err_set(err, EINVAL, "%s: \"%s\" is not a %s (%s)", label, value,
		       kind, opt_allowed(row, buf));
}

static int parse_bool(const struct opt *row, const char *label,
		      const char *value, uint64_t *out, struct err *err)
{
	static const char *const word[] = {"0", "1", "no", "yes", "off", "on"};
	char buf[OPT_ALLOWED_MAX];

	for (unsigned i = 0; i < 6; i++) {
		if (strcmp(value, word[i]))
			continue;
		*out = i % 2;
		return 0;
	}
	return err_set(err, EINVAL, "%s: \"%s\" is neither yes nor no (%s)",
		       label, value, opt_allowed(row, buf));
}

static int parse_choice(const struct opt *row, const char *label,
			const char *value, uint64_t *out, struct err *err)
{
	char buf[OPT_ALLOWED_MAX];
	const char *near;
	size_t n = choice_count(row);

	for (size_t i = 0; i < n; i++) {
		if (strcmp(value, row->choices[i]))
			continue;
		*out = i;
		return 0;
	}
	near = text_nearest(value, row->choices, n);
	if (near)
		return err_set(err, EINVAL,
			       "%s: \"%s\" is not one of %s; did you mean "
			       "\"%s\"?",
			       label, value, opt_allowed(row, buf), near);
	return err_set(err, EINVAL, "%s: \"%s\" is not one of %s", label, value,
		       opt_allowed(row, buf));
}

static int parse_value(const struct opt *row, const char *label,
		       const char *value, uint64_t *out, struct err *err)
{
	switch (row->type) {
	case OPT_BOOL:
		return parse_bool(row, label, value, out, err);
	case OPT_CHOICE:
		return parse_choice(row, label, value, out, err);
	case OPT_U64:
	case OPT_SIZE:
	case OPT_TIME:
		return parse_number(row, label, value, out, err);
	case OPT_STRING:
	case OPT_END:
		break;
	}
	assert(row->type == OPT_U64); /* strings are stored as they are */
	return -EINVAL;
}

int opt_store(const struct opt *row, void *opts, const char *label,
	      const char *value, struct err *err)
{
	uint64_t v;
	int ret;

	if (!opt_has_field(row))
		return err_set(err, EINVAL, "%s cannot be set here", label);
	if (row->type == OPT_STRING) {
		memcpy(field(row, opts), &value, sizeof(value));
		return 0;
	}
	ret = parse_value(row, label, value, &v, err);
	if (!ret)
		memcpy(field(row, opts), &v, sizeof(v));
	return ret;
}

int opt_set(const struct opt *rows, void *opts, const char *name,
	    const char *value, struct err *err)
{
	const struct opt *row = opt_find(rows, name);
	const char *near;

	if (row)
		return opt_store(row, opts, row->name, value, err);
	near = opt_nearest(rows, name);
	if (near)
		return err_set(err, EINVAL,
			       "unknown key \"%s\"; did you mean \"%s\"?", name,
			       near);
	return err_set(err, EINVAL, "unknown key \"%s\"", name);
}
