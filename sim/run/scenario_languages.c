/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "sim/run/scenario.h"

const struct scenario_language scenario_languages[] = {
	{"ksm", "scenario", scenario_run},
	{"zram", "# zram", scenario_zram},
	{"tmem", "# tmem", scenario_tmem},
	{NULL, NULL, NULL},
};

const struct scenario_language *scenario_language_named(const char *name)
{
	const struct scenario_language *l = scenario_languages;

	while (l->name && strcmp(l->name, name))
		l++;
	return l->name ? l : NULL;
}

/* Where the first line is that @p's language could tell itself by. */
static const char *first_line(const char *p, bool comments_count)
{
	p += strspn(p, " \t\r\n");
	while (!comments_count && *p == '#') {
		p += strcspn(p, "\n");
		p += strspn(p, " \t\r\n");
	}
	return p;
}

const struct scenario_language *scenario_language_of(const char *text)
{
	const struct scenario_language *l = scenario_languages;

	for (; l->name; l++) {
		const char *p = first_line(text, l->first[0] == '#');
		size_t n = strlen(l->first);

		if (!strncmp(p, l->first, n) &&
		    (!p[n] || strchr(" \t\r\n,", p[n])))
			return l;
	}
	return NULL;
}
