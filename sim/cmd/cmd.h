/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd.h - one subcommand: its rows say everything that help and manual print
 *
 * `dedupsim --engine …` without a command is `dedupsim run`.  A command prints
 * results to stdout and nothing else; progress goes to stderr and only to a
 * terminal.  What went wrong is put into @err and printed once by main().
 */
#ifndef DEDUPSIM_CMD_CMD_H
#define DEDUPSIM_CMD_CMD_H

#include "sim/base/err.h"
#include "sim/base/opt.h"

/* Exit status. */
#define EXIT_OK 0
#define EXIT_FAILED 1 /* bad input file, full disk, out of memory, … */
#define EXIT_USAGE 2  /* unknown command, engine, option, key; value out of range */

struct cmd {
	const char *name;	/* "import"; NULL ends a list of subcommands */
	const char *args;	/* operands in the synopsis, "FILE..."; "" none */
	const char *summary;	/* one line, no full stop */
	const char *about;	/* paragraphs for --help and the manual */
	const struct opt *opts; /* NULL: none */
	const struct cmd *subs; /* "trace info", …; NULL: none */
	/* @argv: what follows the name.  Returns an exit status. */
	int (*run)(const struct cmd *self, int argc, char **argv,
		   struct err *err);
};

extern const struct cmd *const cmds[]; /* from commands.def; NULL ends it */

#endif
