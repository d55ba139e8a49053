/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cost_conf.c - reading models/cpu/NAME.conf
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/os.h"
#include "sim/base/text.h"
#include "models/cost_impl.h"

/* Files of this size hold any processor many times. */
#define CONF_BYTES_MAX ((size_t)64 << 10)

/* Cycles of processors that do not say, in thousandths. */
static const struct {
	uint32_t end[COST_ENDS];
} assumed[COST_FIELDS] = {
#define PRIM(sym, name, low, mid, high, what)                                  \
	[PRIM_##sym] = {{(uint32_t)((low)*1000 + 0.5),                         \
			 (uint32_t)((mid)*1000 + 0.5),                         \
			 (uint32_t)((high)*1000 + 0.5)}},
#include "models/tables/primitives.def"
#undef PRIM
};

/* What a number may be followed by; scale is in the thousandths it is kept in. */
enum kind { KIND_CLOCK, KIND_SIZE, KIND_TIME };

struct unit {
	const char *name;
	enum kind kind;
	bool cycles;	/* of the clock; kept as thousandths of one */
	uint64_t scale; /* of a thousandth, in kHz / 1000, bytes / 1000, fs */
	uint64_t max;	/* of the whole number before the unit */
};

static const struct unit units[] = {
	{"MHz", KIND_CLOCK, false, 1, 100000},
	{"GHz", KIND_CLOCK, false, 1000, 100},
	{"KiB", KIND_SIZE, false, 1024, 1 << 20},
	{"MiB", KIND_SIZE, false, 1 << 20, 1 << 14},
	{"ns", KIND_TIME, false, 1000, 10000000},
	{"us", KIND_TIME, false, 1000000, 10000},
	{"cyc", KIND_TIME, true, 1, 1000000},
};

static enum kind kind_of(enum cost_field f)
{
	if (f == COST_SIZE_CLOCK)
		return KIND_CLOCK;
	return f <= COST_SIZE_L3 ? KIND_SIZE : KIND_TIME;
}

struct reader {
	struct cost *cost;
	bool cycles[COST_FIELDS][COST_ENDS];
	unsigned line;
	struct err *err;
};

static int complain(const struct reader *r, const char *key, const char *what)
{
	return err_set(r->err, EINVAL, "%s:%u: %s: %s", r->cost->name, r->line,
		       key, what);
}

/* ---- numbers ---- */

/* digits[.up to three digits]: in thousandths; the rest of the word, or NULL */
static const char *thousandths(const char *s, uint64_t *out)
{
	uint64_t v = 0;
	int places = -1;

	if (*s < '0' || *s > '9')
		return NULL;
	for (; (*s >= '0' && *s <= '9') || (*s == '.' && places < 0); s++) {
		if (*s == '.') {
			places = 0;
			continue;
		}
		if (places == 3 || v > UINT32_MAX)
			return NULL;
		v = v * 10 + (uint64_t)(*s - '0');
		places += places >= 0;
	}
	if (!places)
		return NULL; /* "1." */
	for (; places < 3; places += places < 0 ? 2 : 1)
		v *= 10;
	*out = v;
	return s;
}

static bool number(const char *s, enum kind kind, uint64_t *out, bool *cycles)
{
	uint64_t v;

	s = thousandths(s, &v);
	for (size_t i = 0; s && i < sizeof(units) / sizeof(units[0]); i++) {
		const struct unit *u = &units[i];

		if (u->kind != kind || strcmp(s, u->name))
			continue;
		if (!v || v > u->max * 1000)
			return false;
		*cycles = u->cycles;
		*out = kind == KIND_TIME    ? v * u->scale
		       : kind == KIND_CLOCK ? v * u->scale
					    : v * u->scale / 1000;
		return *out != 0;
	}
	return false;
}

static const char *wanted(enum kind kind)
{
	switch (kind) {
	case KIND_CLOCK:
		return "expected a clock as 2596MHz or 3.1GHz";
	case KIND_SIZE:
		return "expected a size as 48KiB or 1.5MiB";
	case KIND_TIME:
		break;
	}
	return "expected a time as 3.7ns, 1.2us or 14cyc, above 0 and at most "
	       "10 ms";
}

/* ---- words ---- */

static char *cut(char *s)
{
	s += strcspn(s, " \t");
	if (*s)
		*s++ = 0;
	return s + strspn(s, " \t");
}

static int take_summary(struct reader *r, const char *rest)
{
	size_t n = strlen(rest);

	if (r->cost->summary[0])
		return complain(r, "summary", "is there twice");
	if (!n)
		return complain(r, "summary", "a text is missing");
	if (n >= sizeof(r->cost->summary))
		return complain(r, "summary", "the text is too long");
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)rest[i] < ' ' || rest[i] == 127)
			return complain(r, "summary",
					"there is a control character");
	memcpy(r->cost->summary, rest, n + 1);
	return 0;
}

static int find_field(const struct reader *r, const char *key,
		      enum cost_field *f)
{
	const char *near;

	for (unsigned i = 0; i < COST_FIELDS; i++)
		if (!strcmp(cost_field_name[i], key)) {
			*f = (enum cost_field)i;
			return 0;
		}
	near = text_nearest(key, cost_field_name, COST_FIELDS);
	if (near)
		return err_set(r->err, EINVAL,
			       "%s:%u: unknown number \"%s\"; did you mean "
			       "\"%s\"?",
			       r->cost->name, r->line, key, near);
	return err_set(r->err, EINVAL, "%s:%u: unknown number \"%s\"",
		       r->cost->name, r->line, key);
}

/* "[fit]": what follows it, or NULL */
static char *take_evidence(char *s, uint32_t *evidence)
{
	for (uint32_t i = 0; i < EVIDENCE_COUNT; i++) {
		size_t n = strlen(cost_evidence_name[i]);

		if (s[0] == '[' && !strncmp(s + 1, cost_evidence_name[i], n) &&
		    s[n + 1] == ']') {
			*evidence = i;
			s += n + 2;
			return s + strspn(s, " \t");
		}
	}
	return NULL;
}

static int take_value(struct reader *r, enum cost_field f, unsigned end,
		      const char *word)
{
	if (!number(word, kind_of(f), &r->cost->value[f].end[end],
		    &r->cycles[f][end]))
		return complain(r, cost_field_name[f], wanted(kind_of(f)));
	return 0;
}

/* "LOW..HIGH" */
static int take_ends(struct reader *r, enum cost_field f, char *word)
{
	char *dots = strstr(word, "..");
	int ret;

	if (!dots)
		return complain(r, cost_field_name[f],
				"expected LOW..HIGH or the [evidence]");
	*dots = 0;
	ret = take_value(r, f, COST_LOW, word);
	return ret ? ret : take_value(r, f, COST_HIGH, dots + 2);
}

static int take_field(struct reader *r, const char *key, char *word)
{
	char *rest = cut(word), *source;
	struct cost_value *v;
	enum cost_field f = COST_SIZE_CLOCK;
	bool ends = false;
	int ret = find_field(r, key, &f);

	if (ret)
		return ret;
	v = &r->cost->value[f];
	if (v->line)
		return err_set(r->err, EINVAL,
			       "%s:%u: %s: is there twice, first in line "
			       "%" PRIu32,
			       r->cost->name, r->line, key, v->line);
	ret = take_value(r, f, COST_MID, word);
	if (!ret && *rest && *rest != '[') {
		word = rest;
		rest = cut(word);
		ends = true;
		ret = take_ends(r, f, word);
	}
	if (ret)
		return ret;
	for (unsigned e = 0; !ends && e < COST_ENDS; e++) {
		v->end[e] = v->end[COST_MID];
		r->cycles[f][e] = r->cycles[f][COST_MID];
	}
	source = take_evidence(rest, &v->evidence);
	if (!source)
		return complain(r, key,
				"the evidence is missing: [meas], [fit], "
				"[doc], [pub], [derived] or [assumption]");
	if (!*source)
		return complain(r, key, "the source is missing");
	if (!ends &&
	    (v->evidence == EVIDENCE_ASSUMPTION || v->evidence == EVIDENCE_FIT))
		return complain(r, key,
				"two ends LOW..HIGH are missing: what is "
				"fitted or assumed has them");
	v->line = r->line;
	return 0;
}

static int take_line(struct reader *r, char *line)
{
	char *key = line + strspn(line, " \t"), *rest;

	if (!*key || *key == '#')
		return 0;
	rest = cut(key);
	if (!strcmp(key, "summary"))
		return take_summary(r, rest);
	return take_field(r, key, rest);
}

static int refuse_nul(const struct reader *r, const char *text, size_t n)
{
	const char *nul = memchr(text, 0, n), *p = text;
	unsigned line = 1;

	if (!nul)
		return 0;
	for (; p < nul; p++)
		line += *p == '\n';
	return err_set(r->err, EINVAL, "%s:%u: there is a NUL byte",
		       r->cost->name, line);
}

/* ---- the whole ---- */

/* Thousandths of a cycle in femtoseconds. */
static uint64_t cycles_fs(const struct cost *c, uint64_t thousandths_of_one)
{
	return thousandths_of_one * UINT64_C(1000000000) /
	       c->value[COST_SIZE_CLOCK].end[COST_MID];
}

static int wrong(const struct reader *r, enum cost_field f, const char *what)
{
	const struct cost *c = r->cost;

	if (c->value[f].line)
		return err_set(r->err, EINVAL, "%s:%" PRIu32 ": %s: %s",
			       c->name, c->value[f].line, cost_field_name[f],
			       what);
	return err_set(r->err, EINVAL, "%s: %s: %s", c->name,
		       cost_field_name[f], what);
}

/* Cycles become times, what is missing is assumed. */
static int complete(struct reader *r)
{
	struct cost *c = r->cost;

	for (unsigned f = 0; f < COST_FIELDS; f++) {
		struct cost_value *v = &c->value[f];

		if (!v->line && kind_of((enum cost_field)f) != KIND_TIME)
			return wrong(r, (enum cost_field)f, "is missing");
		for (unsigned e = 0; e < COST_ENDS; e++) {
			if (!v->line)
				v->end[e] = cycles_fs(c, assumed[f].end[e]);
			else if (r->cycles[f][e])
				v->end[e] = cycles_fs(c, v->end[e]);
			if (kind_of((enum cost_field)f) == KIND_TIME &&
			    v->end[e] > COST_FS_MAX)
				return wrong(r, (enum cost_field)f,
					     wanted(KIND_TIME));
		}
		if (!v->line)
			v->evidence = EVIDENCE_ASSUMPTION;
		if (v->end[COST_LOW] > v->end[COST_MID] ||
		    v->end[COST_MID] > v->end[COST_HIGH])
			return wrong(r, (enum cost_field)f,
				     "is not between its two ends");
	}
	return 0;
}

/* Caches and loads that grow from level to level. */
static int ascending(const struct reader *r)
{
	static const enum cost_field chain[][2] = {
		{COST_SIZE_L1, COST_SIZE_L2},	{COST_SIZE_L2, COST_SIZE_L3},
		{PRIM_L1_LOAD, PRIM_L2_LOAD},	{PRIM_L2_LOAD, PRIM_L3_LOAD},
		{PRIM_L3_LOAD, PRIM_DRAM_LOAD},
	};

	for (size_t i = 0; i < sizeof(chain) / sizeof(chain[0]); i++)
		for (unsigned e = 0; e < COST_ENDS; e++)
			if (r->cost->value[chain[i][0]].end[e] >
			    r->cost->value[chain[i][1]].end[e])
				return wrong(
					r, chain[i][1],
					"is less than of the level before");
	return 0;
}

int cost_parse(struct cost *cost, const char *name, char *text, size_t n,
	       struct err *err)
{
	struct reader r = {.cost = cost, .err = err};
	char *p = text, *line;
	int ret;

	memset(cost, 0, sizeof(*cost));
	/* of a long path the end tells more */
	if (strlen(name) >= sizeof(cost->name))
		name += strlen(name) - sizeof(cost->name) + 1;
	memcpy(cost->name, name, strlen(name) + 1);
	ret = refuse_nul(&r, text, n);
	while (!ret && (line = text_line(&p, text + n))) {
		r.line++;
		ret = take_line(&r, line);
	}
	if (!ret && !cost->summary[0])
		ret = err_set(err, EINVAL, "%s: summary is missing",
			      cost->name);
	if (!ret)
		ret = complete(&r);
	if (!ret)
		ret = ascending(&r);
	if (!ret)
		cost_compose(cost);
	return ret;
}

/* ---- finding ---- */

static int parse_copy(struct cost *cost, const struct cost_preset *p,
		      struct err *err)
{
	size_t n = strlen(p->text);
	char *text = malloc(n + 1);
	int ret;

	if (!text)
		return -ENOMEM;
	memcpy(text, p->text, n + 1);
	ret = cost_parse(cost, p->name, text, n, err);
	free(text);
	return ret;
}

static int parse_file(struct cost *cost, const char *path, struct err *err)
{
	char *text;
	size_t n;
	int ret = os_read_all(path, CONF_BYTES_MAX, &text, &n, err);

	if (ret)
		return ret;
	ret = cost_parse(cost, path, text, n, err);
	free(text);
	return ret;
}

static void unknown(const char *name, struct err *err)
{
	const char *best = NULL;

	for (const struct cost_preset *p = cost_presets; p->name; p++) {
		const char *pair[2] = {best, p->name};

		best = best ? text_nearest(name, pair, 2)
			    : text_nearest(name, pair + 1, 1);
	}
	if (best)
		err_set(err, EINVAL,
			"unknown processor \"%s\"; did you mean "
			"\"%s\"?",
			name, best);
	else
		err_set(err, EINVAL,
			"unknown processor \"%s\": `dedupsim list cpus` names "
			"those that are built in",
			name);
}

const struct cost_preset *cost_preset_find(const char *name, struct err *err)
{
	for (const struct cost_preset *p = cost_presets; p->name; p++)
		if (!strcmp(p->name, name))
			return p;
	unknown(name, err);
	return NULL;
}

int cost_load(struct cost *cost, const char *name, struct err *err)
{
	const struct cost_preset *p;
	size_t n = strlen(name);

	if (strchr(name, '/') || (n > 5 && !strcmp(name + n - 5, ".conf")))
		return parse_file(cost, name, err);
	p = cost_preset_find(name, err);
	return p ? parse_copy(cost, p, err) : -EINVAL;
}
