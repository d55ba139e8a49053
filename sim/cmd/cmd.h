/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cmd.h - one subcommand: its rows say everything that help and manual print
 *
 * `dedupsim --engine …` without a command is `dedupsim run`.  A command prints
 * results to stdout and nothing else; progress goes to stderr and only to a
 * terminal.  What went wrong is put into @err and printed once by main().
 *
 * `--help` anywhere, and finding the subcommand, is done before run() is called.
 * A command that has both subs and run() gets what names none of its subs.
 */
#ifndef DEDUPSIM_CMD_CMD_H
#define DEDUPSIM_CMD_CMD_H

#include <stdio.h>

#include "sim/base/err.h"
#include "sim/base/opt.h"

/* Exit status. */
#define EXIT_OK 0
#define EXIT_FAILED 1 /* bad input file, full disk, out of memory, … */
#define EXIT_USAGE                                                             \
	2 /* unknown command, engine, option, key; value out of range */

struct cmd {
	const char *name;    /* "import"; NULL ends a list of subcommands */
	const char *args;    /* operands in the synopsis, "FILE..."; "" none */
	const char *summary; /* one line, no full stop */
	const char *about;   /* paragraphs for --help and the manual */
	const struct opt *opts; /* NULL: none */
	const struct cmd *subs; /* "trace info", …; NULL: none */
	/* @argv: what follows the name.  Returns an exit status. */
	int (*run)(const struct cmd *self, int argc, char **argv,
		   struct err *err);
};

extern const struct cmd *const cmds[]; /* from commands.def; NULL ends it */

/*
 * cmd_main - from the words after the program's name to an exit status
 * Words that begin with an option are the default command's.
 */
int cmd_main(int argc, char **argv, struct err *err);

/*
 * cmd_write - a result file, complete or not at all
 * @path: "-" is standard output; NULL: nothing is written
 * @write: puts it into @out
 * Returns 0, what @write returned, or the error of the file, named in @err.
 */
typedef int cmd_write_fn(const void *what, FILE *out, struct err *err);
int cmd_write(const char *path, cmd_write_fn *write, const void *what,
	      struct err *err);

/*
 * cmd_opt_default - the default of a row as the user would write it
 * cmd_opt_range - what it may be: "0 .. 100", "0, 1", "slow, fast";
 * "" when anything goes
 * Both return @buf.
 */
const char *cmd_opt_default(const struct opt *row, char *buf, size_t n);
const char *cmd_opt_range(const struct opt *row, char *buf, size_t n);

#endif
