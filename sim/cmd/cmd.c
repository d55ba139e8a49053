/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/os.h"
#include "sim/base/text.h"
#include "sim/base/units.h"
#include "sim/base/version.h"
#include "sim/cmd/cmd.h"

#define COMMAND(name) extern const struct cmd cmd_##name;
#include "sim/cmd/commands.def"
#undef COMMAND

const struct cmd *const cmds[] = {
#define COMMAND(name) &cmd_##name,
#include "sim/cmd/commands.def"
#undef COMMAND
	NULL,
};

#define NAMES_MAX 32u

/* unknown - say that there is no such name, and which one is near */
static void unknown(const char *kind, const char *name,
		    const char *const *names, size_t n, struct err *err)
{
	const char *near = text_nearest(name, names, n);

	if (near)
		err_set(err, EINVAL, "no %s \"%s\"; did you mean \"%s\"?", kind,
			name, near);
	else
		err_set(err, EINVAL,
			"no %s \"%s\"; `dedupsim --help` names them all", kind,
			name);
}

static const struct cmd *find(const char *name, struct err *err)
{
	const char *names[NAMES_MAX];
	size_t n = 0;

	for (; cmds[n] && n < NAMES_MAX; n++) {
		if (!strcmp(cmds[n]->name, name))
			return cmds[n];
		names[n] = cmds[n]->name;
	}
	unknown("command", name, names, n, err);
	return NULL;
}

/* find_sub - NULL without a message when @c is to take the word itself */
static const struct cmd *find_sub(const struct cmd *c, const char *name,
				  struct err *err)
{
	const char *names[NAMES_MAX];
	char kind[32];
	size_t n = 0;

	for (; c->subs[n].name && n < NAMES_MAX; n++) {
		if (!strcmp(c->subs[n].name, name))
			return &c->subs[n];
		names[n] = c->subs[n].name;
	}
	if (!c->run) {
		snprintf(kind, sizeof(kind), "%s command", c->name);
		unknown(kind, name, names, n, err);
	}
	return NULL;
}

static void overview(FILE *out)
{
	fputs("dedupsim - replay recordings of memory contents through the\n"
	      "memory-saving engines that kernels have had\n"
	      "\n"
	      "Usage: dedupsim --engine NAME --trace FILE [options]\n"
	      "       dedupsim COMMAND [options] [operands]\n"
	      "\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; cmds[i]; i++)
		fprintf(out, "  %-10s %s%s\n", cmds[i]->name, cmds[i]->summary,
			i ? "" : " (the default)");
	fputs("\n"
	      "`dedupsim help COMMAND` says more about one, `dedupsim list`\n"
	      "names the engines, `dedupsim --version` the version.\n",
	      out);
}

static void help(const struct cmd *parent, const struct cmd *c, FILE *out)
{
	const char *gap = parent ? " " : "", *up = parent ? parent->name : "";

	fprintf(out, "Usage: dedupsim %s%s%s%s%s%s%s\n", up, gap, c->name,
		c->opts ? " [options]" : "", c->subs ? " COMMAND" : "",
		c->args && c->args[0] ? " " : "", c->args ? c->args : "");
	fprintf(out, "\n%s.\n", c->summary);
	if (c->about && c->about[0])
		fprintf(out, "\n%s%s", c->about,
			c->about[strlen(c->about) - 1] == '\n' ? "" : "\n");
	if (c->subs) {
		fputs("\nCommands:\n", out);
		for (size_t i = 0; c->subs[i].name; i++)
			fprintf(out, "  %-10s %s\n", c->subs[i].name,
				c->subs[i].summary);
	}
	if (c->opts) {
		fputs("\nOptions:\n", out);
		opt_help(c->opts, out);
	}
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return true;
	return false;
}

/* call - @c or the one of its subcommands that is meant */
static int call(const struct cmd *c, int argc, char **argv, struct err *err)
{
	const struct cmd *parent = NULL, *sub;

	if (c->subs && argc && argv[0][0] != '-') {
		sub = find_sub(c, argv[0], err);
		if (sub) {
			parent = c;
			c = sub;
			argc--;
			argv++;
		} else if (!c->run) {
			return EXIT_USAGE;
		}
	}
	if (wants_help(argc, argv)) {
		help(parent, c, stdout);
		return EXIT_OK;
	}
	if (!c->run) {
		err_set(err, EINVAL, "%s: which? `dedupsim %s --help` tells",
			c->name, c->name);
		return EXIT_USAGE;
	}
	return c->run(c, argc, argv, err);
}

static int call_help(int argc, char **argv, struct err *err)
{
	const struct cmd *parent = NULL, *c;

	if (!argc) {
		overview(stdout);
		return EXIT_OK;
	}
	c = find(argv[0], err);
	if (c && argc > 1 && c->subs) {
		parent = c;
		c = find_sub(parent, argv[1], err);
		if (!c && parent->run)
			err_set(err, EINVAL, "no %s command \"%s\"",
				parent->name, argv[1]);
	}
	if (!c)
		return EXIT_USAGE;
	help(parent, c, stdout);
	return EXIT_OK;
}

static int command(int argc, char **argv, struct err *err)
{
	const struct cmd *c;

	if (!argc) {
		err_set(err, EINVAL,
			"nothing to do: try `dedupsim --engine ksm --trace "
			"FILE`, or `dedupsim --help`");
		return EXIT_USAGE;
	}
	if (!strcmp(argv[0], "--version") || !strcmp(argv[0], "-V")) {
		puts("dedupsim " DEDUPSIM_VERSION);
		return EXIT_OK;
	}
	if (!strcmp(argv[0], "--help") || !strcmp(argv[0], "-h"))
		return call_help(0, NULL, err);
	if (!strcmp(argv[0], "help"))
		return call_help(argc - 1, argv + 1, err);
	if (argv[0][0] == '-')
		return call(cmds[0], argc, argv, err);
	c = find(argv[0], err);
	return c ? call(c, argc - 1, argv + 1, err) : EXIT_USAGE;
}

int cmd_main(int argc, char **argv, struct err *err)
{
	int status = command(argc, argv, err);

	return status == EXIT_FAILED && err->usage ? EXIT_USAGE : status;
}

/* number - @v as opt_format() would show it for this row */
static const char *number(const struct opt *row, uint64_t v, char *buf,
			  size_t n)
{
	struct opt one = *row;

	one.offset = 0;
	return opt_format(&one, &v, buf, n);
}

const char *cmd_opt_default(const struct opt *row, char *buf, size_t n)
{
	if (row->type != OPT_STRING)
		return number(row, row->def, buf, n);
	snprintf(buf, n, "%s", "");
	return buf;
}

const char *cmd_opt_range(const struct opt *row, char *buf, size_t n)
{
	char lo[32], hi[32];
	size_t at = 0;

	snprintf(buf, n, "%s", "");
	switch (row->type) {
	case OPT_BOOL:
		snprintf(buf, n, "0, 1");
		break;
	case OPT_CHOICE:
		for (size_t i = 0; row->choices[i] && at < n; i++)
			at += (size_t)snprintf(buf + at, n - at, "%s%s",
					       i ? ", " : "", row->choices[i]);
		break;
	case OPT_U64:
	case OPT_SIZE:
	case OPT_TIME:
		number(row, row->min, lo, sizeof(lo));
		number(row, row->max, hi, sizeof(hi));
		if (row->max && row->max != UINT64_MAX)
			snprintf(buf, n, "%s .. %s", lo, hi);
		else if (row->min)
			snprintf(buf, n, "%s or more", lo);
		break;
	case OPT_STRING:
	case OPT_END:
		break;
	}
	return buf;
}

int cmd_write(const char *path, cmd_write_fn *write, const void *what,
	      struct err *err)
{
	struct os_out out;
	int ret;

	if (!path)
		return 0;
	ret = os_out_open(&out, path, err);
	if (ret)
		return ret;
	ret = write(what, out.f, err);
	if (ret && !out.error)
		err_prefix(err, ret, "%s", path);
	return os_out_end(&out, ret, err);
}
