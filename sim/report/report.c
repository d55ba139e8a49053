/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/report/report.h"

#define REPORTER(name) extern const struct reporter_ops reporter_##name;
#include "sim/report/reporters.def"
#undef REPORTER

const struct reporter_ops *const reporters[] = {
#define REPORTER(name) &reporter_##name,
#include "sim/report/reporters.def"
#undef REPORTER
	NULL,
};

const struct reporter_ops *reporter_find(const char *name, struct err *err)
{
	const char *names[sizeof(reporters) / sizeof(reporters[0])], *near;
	size_t n = 0;

	for (; reporters[n]; n++) {
		if (!strcmp(reporters[n]->name, name))
			return reporters[n];
		names[n] = reporters[n]->name;
	}
	near = text_nearest(name, names, n);
	err_set(err, EINVAL, "no report format \"%s\"; did you mean \"%s\"?",
		name, near ? near : names[0]);
	return NULL;
}

static const char *const line_rows[METER_ORDER_COUNT] = {
	[ORDER_WORDS] = "lines_at_depth",
	[ORDER_BYTES] = "bytewise_lines_at_depth",
	[ORDER_SCATTERED] = "scattered_lines_at_depth",
};

static void tree_rows(const struct meter *m, enum meter_tree tree,
		      struct rows *out)
{
	const char *scope = meter_tree_name[tree];
	uint64_t steps[METER_DEPTHS];
	uint64_t sum = meter_steps(m, tree, steps);
	int32_t depth = 0;

	if (!meter_walks(m, tree))
		return;
	rows_add(out, scope, "walks", "walks", (int64_t)meter_walks(m, tree));
	rows_add(out, scope, "steps", "nodes", (int64_t)sum);
	for (; depth < (int32_t)METER_DEPTHS && steps[depth]; depth++)
		rows_add_at(out, scope, "steps_at_depth", depth, "nodes",
			    (int64_t)steps[depth]);
	for (unsigned o = 0; o < METER_ORDER_COUNT; o++)
		for (depth = 0; depth < (int32_t)METER_DEPTHS; depth++)
			if (m->line[o][tree][depth])
				rows_add_at(out, scope, line_rows[o], depth,
					    "lines",
					    (int64_t)m->line[o][tree][depth]);
}

void report_meter_rows(const struct meter *m, struct rows *out)
{
	for (unsigned op = 0; op < METER_OP_COUNT; op++)
		if (m->count[op])
			rows_add(out, "meter", meter_op_name[op],
				 meter_op_unit[op], (int64_t)m->count[op]);
	for (unsigned t = 0; t < METER_TREE_COUNT; t++)
		tree_rows(m, (enum meter_tree)t, out);
}

const char *report_digest(struct digest d, char *buf)
{
	snprintf(buf, 33, "%016" PRIx64 "%016" PRIx64, d.hi, d.lo);
	return buf;
}

/* Bytes of the UTF-8 character at @s; 0: it is none. */
static size_t utf8_length(const unsigned char *s)
{
	size_t n = s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

	if (s[0] < 0x80)
		return 1;
	if (!n || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	/* Too long a form, a surrogate, or beyond U+10FFFF. */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

const char *report_string(const char *s, char *buf, size_t n)
{
	size_t at = 0;

	while (*s) {
		const unsigned char *u = (const unsigned char *)s;
		size_t k = utf8_length(u);
		bool plain = k && u[0] >= 0x20 && u[0] != 0x7f;

		if (at + (plain ? k : 1) >= n)
			break;
		if (plain)
			memcpy(buf + at, s, k);
		else
			buf[at] = '?';
		at += plain ? k : 1;
		s += plain ? k : 1;
	}
	buf[at] = '\0';
	return buf;
}
