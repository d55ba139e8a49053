/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/base/opt_impl.h"

/* ---- the command line ---- */

struct parse {
	const struct opt *rows;
	void *opts;
	char **argv;
	int argc, at; /* next argument */
	opt_multi_fn *multi;
	void *ctx;
	struct err *err;
};

static int unknown_option(const struct parse *p, const char *dashes,
			  const char *name, size_t n)
{
	const char *near = opt_nearest_n(p->rows, name, n);
	char buf[OPT_LABEL_MAX];

	if (near)
		return err_set(
			p->err, EINVAL,
			"unknown option \"%s%.*s\"; did you mean \"%s\"?",
			dashes, (int)n, name,
			opt_label(buf, opt_find(p->rows, near), "--"));
	return err_set(p->err, EINVAL, "unknown option \"%s%.*s\"", dashes,
		       (int)n, name);
}

static int take_option(struct parse *p, const struct opt *row,
		       const char *label, const char *value)
{
	if (p->multi && !opt_has_field(row))
		return p->multi(p->ctx, row, value, p->err);
	return opt_store(row, p->opts, label, value, p->err);
}

/* The value is the next argument. */
static int take_next(struct parse *p, const struct opt *row, const char *label)
{
	char buf[OPT_ALLOWED_MAX];

	if (p->at < p->argc)
		return take_option(p, row, label, p->argv[p->at++]);
	if (row->type == OPT_STRING)
		return err_set(p->err, EINVAL, "%s: a value is missing", label);
	return err_set(p->err, EINVAL, "%s: a value is missing (%s)", label,
		       opt_allowed(row, buf));
}

static int parse_long(struct parse *p, const char *name)
{
	size_t n = strcspn(name, "=");
	const char *value = name[n] ? name + n + 1 : NULL;
	const struct opt *row = opt_find_n(p->rows, name, n);
	const char *flag = "1";
	char buf[OPT_LABEL_MAX];

	if (!row) {
		row = opt_negated(p->rows, name, n);
		flag = "0";
	}
	if (!row)
		return unknown_option(p, "--", name, n);
	opt_label(buf, row, "--");
	if (value && flag[0] == '0')
		return err_set(p->err, EINVAL,
			       "--%.*s takes no value; say %s=0 or %s=1",
			       (int)n, name, buf, buf);
	if (value)
		return take_option(p, row, buf, value);
	if (row->type == OPT_BOOL)
		return take_option(p, row, buf, flag);
	return take_next(p, row, buf);
}

/* "-abVALUE": flags, and at the end perhaps one that takes a value */
static int parse_letters(struct parse *p, const char *letters)
{
	int ret = 0;

	while (*letters && !ret) {
		const struct opt *row = opt_find_letter(p->rows, *letters);
		char label[3] = {'-', *letters, 0};

		if (!row)
			return unknown_option(p, "-", letters, strlen(letters));
		letters++;
		if (row->type == OPT_BOOL)
			ret = take_option(p, row, label, "1");
		else if (*letters)
			return take_option(p, row, label, letters);
		else
			return take_next(p, row, label);
	}
	return ret;
}

int opt_parse(const struct opt *rows, void *opts, int argc, char **argv,
	      const char **rest, int *nrest, opt_multi_fn *multi, void *ctx,
	      struct err *err)
{
	struct parse p = {rows, opts, argv, argc, 0, multi, ctx, err};
	bool options = true;
	int ret = 0, n = 0;

	while (p.at < argc && !ret) {
		char *arg = argv[p.at++];

		if (options && !strcmp(arg, "--"))
			options = false;
		else if (options && !strncmp(arg, "--", 2))
			ret = parse_long(&p, arg + 2);
		else if (options && arg[0] == '-' && arg[1])
			ret = parse_letters(&p, arg + 1);
		else if (rest)
			rest[n++] = arg;
		else
			ret = err_set(err, EINVAL, "\"%s\" is not an option",
				      arg);
	}
	if (nrest)
		*nrest = n;
	return ret;
}

/* ---- help ---- */

#define HELP_WIDTH 79
#define HELP_LEFT 30 /* columns that names may take */
#define LEFT_MAX (2 * OPT_LABEL_MAX)

/* Columns a string takes: bytes that do not continue a character. */
static size_t columns(const char *s, size_t n)
{
	size_t c = 0;

	for (size_t i = 0; i < n; i++)
		c += ((unsigned char)s[i] & 0xc0) != 0x80;
	return c;
}

static const char *argument(const struct opt *row)
{
	switch (row->type) {
	case OPT_U64:
		return row->arg ? row->arg : "N";
	case OPT_SIZE:
		return row->arg ? row->arg : "SIZE";
	case OPT_TIME:
		return row->arg ? row->arg : "TIME";
	case OPT_CHOICE:
		return row->arg ? row->arg : "NAME";
	case OPT_STRING:
		return row->arg ? row->arg : "TEXT";
	case OPT_BOOL:
	case OPT_END:
		break;
	}
	return NULL;
}

/* "  -t, --threads N" */
static size_t left_side(const struct opt *row, char buf[LEFT_MAX])
{
	const char *arg = argument(row);
	char label[OPT_LABEL_MAX], letter[] = "    ";

	if (row->letter)
		memcpy(letter, (char[]){'-', row->letter, ','}, 3);
	/* a flag that is on is there to be turned off */
	opt_label(label, row,
		  row->type == OPT_BOOL && row->def ? "--no-" : "--");
	snprintf(buf, LEFT_MAX, "  %s%s%s%s", letter, label, arg ? " " : "",
		 arg ? arg : "");
	return columns(buf, strlen(buf));
}

/* "(2 … 4294967295 pages; default 256)" */
static void notes(const struct opt *row, char *buf, size_t n)
{
	char range[OPT_ALLOWED_MAX] = "", def[64] = "";
	const char *unit = row->unit && row->type == OPT_U64 ? row->unit : "";

	if (row->type == OPT_CHOICE)
		opt_choices_text(row, range, sizeof(range));
	else if (argument(row) && row->type != OPT_STRING)
		opt_range_text(row, range, sizeof(range));
	if (argument(row) && row->type != OPT_STRING)
		opt_value_text(row, row->def, def, sizeof(def));
	buf[0] = 0;
	if (range[0])
		snprintf(buf, n, " (%s; default %s)", range, def);
	else if (def[0])
		snprintf(buf, n, " (default %s%s%s)", def, *unit ? " " : "",
			 unit);
}

/* wrap - @s word by word, beginning at column @left, and so on each line */
static void wrap(FILE *out, const char *s, size_t left)
{
	size_t at = left;

	while (*s) {
		size_t n = strcspn(s, " "), c = columns(s, n);

		if (at > left && at + 1 + c > HELP_WIDTH) {
			fprintf(out, "\n%*s", (int)left, "");
			at = left;
		} else if (at > left) {
			fputc(' ', out);
			at++;
		}
		fwrite(s, 1, n, out);
		at += c;
		s += n;
		s += strspn(s, " ");
	}
	fputc('\n', out);
}

void opt_help(const struct opt *rows, FILE *out)
{
	char left[LEFT_MAX], text[1024], note[OPT_ALLOWED_MAX + 96];
	const struct opt *row;
	size_t width = 0, w;

	for (row = rows; row->type != OPT_END; row++) {
		w = left_side(row, left);
		if (w > width && w <= HELP_LEFT)
			width = w;
	}
	width += 2;
	for (row = rows; row->type != OPT_END; row++) {
		w = left_side(row, left);
		notes(row, note, sizeof(note));
		snprintf(text, sizeof(text), "%s%s", row->help, note);
		fputs(left, out);
		if (w + 2 > width) {
			fputc('\n', out);
			w = 0;
		}
		fprintf(out, "%*s", (int)(width - w), "");
		wrap(out, text, width);
	}
}
