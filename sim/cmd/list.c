/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/text.h"
#include "models/cache.h"
#include "models/codec.h"
#include "models/cost.h"
#include "sim/cmd/cmd.h"
#include "sim/cmd/figure.h"
#include "sim/engine/engine.h"
#include "sim/pool/pool.h"
#include "traces/import.h"
#include "traces/trace.h"
#include "workloads/workload.h"

static void list_engines(void)
{
	for (size_t i = 0; engines[i]; i++) {
		printf("  %-10s %s\n", engines[i]->name, engines[i]->summary);
		if (engines[i]->source)
			printf("  %-10s source: %s\n", "", engines[i]->source);
	}
}

static void list_readers(void)
{
	for (size_t i = 0; trace_readers[i]; i++)
		printf("  %-10s %s\n", trace_readers[i]->name,
		       trace_readers[i]->summary);
}

static void list_importers(void)
{
	for (size_t i = 0; importers[i]; i++)
		printf("  %-10s %s\n", importers[i]->name,
		       importers[i]->summary);
}

/* The summary is a line of what the preset's file holds. */
static void list_preset(const char *name, const char *text, int width)
{
	static const char word[] = "\nsummary";
	const char *s = strstr(text, word);
	size_t n;

	s += s ? strlen(word) : 0;
	s += s ? strspn(s, " \t") : 0;
	n = s ? strcspn(s, "\n") : 0;
	printf("  %-*s %.*s\n", width, name, (int)n, s ? s : "");
}

static void list_machines(void)
{
	for (const struct cache_preset *p = cache_presets; p->name; p++)
		list_preset(p->name, p->text, 12);
}

static void list_cpus(void)
{
	for (const struct cost_preset *p = cost_presets; p->name; p++)
		list_preset(p->name, p->text, 22);
}

static void list_figures(void)
{
	for (const struct figure_preset *p = figure_presets; p->name; p++) {
		const char *plot, *data;
		int n = (int)figure_says(p->text, "plot", &plot);
		int m = (int)figure_says(p->text, "data", &data);

		if (!figure_is_style(p))
			printf("  %-12s %.*s\n  %-12s data: %.*s\n",
			       strchr(p->name, '_') + 1, n, plot, "", m, data);
	}
}

/* The file that was built in: to be changed and given to --cpu. */
static int list_cpu(const char *name, struct err *err)
{
	const struct cost_preset *p = cost_preset_find(name, err);

	if (!p)
		return EXIT_USAGE;
	fputs(p->text, stdout);
	return EXIT_OK;
}

static void list_commands(void)
{
	for (size_t i = 0; cmds[i]; i++) {
		printf("  %-16s %s\n", cmds[i]->name, cmds[i]->summary);
		for (const struct cmd *s = cmds[i]->subs; s && s->name; s++)
			printf("  %s %-*s %s\n", cmds[i]->name,
			       15 - (int)strlen(cmds[i]->name), s->name,
			       s->summary);
	}
}

/* A tunable takes two or three lines: what it may be, what it does, whence. */
static void list_option(const struct opt *o)
{
	char def[64], range[256];

	cmd_opt_default(o, def, sizeof(def));
	cmd_opt_range(o, range, sizeof(range));
	printf("  %-32s default %s", o->name, def[0] ? def : "(none)");
	if (o->unit && o->type == OPT_U64)
		printf(" %s", o->unit);
	printf("%s%s\n", range[0] ? "; " : "", range);
	printf("      %s\n", o->help);
	if (o->source)
		printf("      source: %s\n", o->source);
}

static void list_workloads(void)
{
	for (size_t i = 0; workloads[i]; i++) {
		printf("%s: %s\n", workloads[i]->name, workloads[i]->summary);
		for (const struct opt *o = workloads[i]->opts;
		     o->type != OPT_END; o++)
			list_option(o);
	}
}

static void list_pools(void)
{
	for (size_t i = 0; pools[i]; i++) {
		printf("%s: %s\n", pools[i]->name, pools[i]->summary);
		for (const struct opt *o = pools[i]->opts;
		     o && o->type != OPT_END; o++)
			list_option(o);
	}
}

static void list_codecs(void)
{
	for (size_t i = 0; codecs[i]; i++)
		printf("  %-12s %s\n", codecs[i]->name, codecs[i]->summary);
}

static void list_options(const struct engine_ops *e)
{
	printf("Options of engine %s, --set NAME=VALUE:\n", e->name);
	if (!e->opts || e->opts->type == OPT_END)
		puts("  none");
	for (const struct opt *o = e->opts; o && o->type != OPT_END; o++)
		list_option(o);
}

static int list_options_of(const char *name, struct err *err)
{
	const struct engine_ops *e;

	if (name) {
		e = engine_find(name, err);
		if (!e)
			return EXIT_USAGE;
		list_options(e);
		return EXIT_OK;
	}
	for (size_t i = 0; engines[i]; i++) {
		if (i)
			putchar('\n');
		list_options(engines[i]);
	}
	return EXIT_OK;
}

static void list_all(void)
{
	puts("Engines, --engine NAME (`dedupsim list options NAME`: "
	     "tunables):");
	list_engines();
	puts("\nTrace formats that are read, told by their first bytes:");
	list_readers();
	puts("\nWhat `dedupsim import` makes a trace of:");
	list_importers();
	puts("\nCommands (`dedupsim help COMMAND`):");
	list_commands();
}

static int list_one(const char *what, struct err *err)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} lists[] = {
		{"engines", list_engines},     {"readers", list_readers},
		{"importers", list_importers}, {"machines", list_machines},
		{"workloads", list_workloads}, {"pools", list_pools},
		{"codecs", list_codecs},       {"commands", list_commands},
		{"cpus", list_cpus},	       {"figures", list_figures},
	};
	const char *names[] = {"engines",   "options",	"readers",
			       "importers", "machines", "workloads",
			       "pools",	    "codecs",	"commands",
			       "cpus",	    "figures"};
	const char *near;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (!strcmp(lists[i].name, what)) {
			lists[i].print();
			return EXIT_OK;
		}
	near = text_nearest(what, names, sizeof(names) / sizeof(names[0]));
	err_set(err, EINVAL, "list: no list \"%s\"; %s%s%s", what,
		near ? "did you mean \"" : "there are ",
		near ? near
		     : "engines, options, readers, importers, "
		       "machines, cpus, workloads, pools, codecs, figures, "
		       "commands",
		near ? "\"?" : "");
	return EXIT_USAGE;
}

static int list_run(const struct cmd *self, int argc, char **argv,
		    struct err *err)
{
	(void)self;
	if (argc && argv[0][0] == '-') {
		err_set(err, EINVAL, "list: no option \"%s\"", argv[0]);
		return EXIT_USAGE;
	}
	if (!argc) {
		list_all();
		return EXIT_OK;
	}
	if (argc > (strcmp(argv[0], "options") && strcmp(argv[0], "cpus") ? 1
									 : 2)) {
		err_set(err, EINVAL, "list: \"%s\" is one word too many",
			argv[argc - 1]);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[0], "options"))
		return list_options_of(argc > 1 ? argv[1] : NULL, err);
	if (argc > 1)
		return list_cpu(argv[1], err);
	return list_one(argv[0], err);
}

const struct cmd cmd_list = {
	.name = "list",
	.args = "[engines | options [ENGINE] | readers | importers | "
		"machines | cpus [NAME] | workloads | pools | codecs | figures | "
		"commands]",
	.summary = "name the engines, their tunables, the trace formats",
	.about = "Without an operand: everything but the tunables.\n"
		 "`list options ksm` shows each tunable of an engine with its\n"
		 "default, range, unit and where these come from.\n"
		 "`list cpus NAME` prints the file of a processor, each number\n"
		 "with its source; changed, it can be given to --cpu.\n",
	.run = list_run,
};
