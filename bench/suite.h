/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * suite.h - named experiments: the files bench/suite/NAME.run
 *
 *	# page visits, beside the kernel where root allows
 *	visits  kind=unique  pages=65536   limit=250
 *	visits  kind=last8   pages=262144  ksmd=1
 *
 * One experiment a line: its kind, then KEY=VALUE words, which are rows of that
 * kind's options (sim/base/opt.h).  '#' at the start of a word begins a comment.
 * The label, KIND/… with what tells it from its neighbours, names it in results;
 * two of one label are refused.  Text is hostile: bounded, and each error names
 * the line.
 */
#ifndef DEDUPSIM_BENCH_SUITE_H
#define DEDUPSIM_BENCH_SUITE_H

#include "bench/bench.h"

#define SUITE_BYTES_MAX ((size_t)64 << 10)
#define SUITE_LINES_MAX 256u
#define SUITE_WORDS_MAX 32

struct suite_line {
	const struct experiment_ops *ops;
	void *opts;
	char label[BENCH_LABEL_MAX];
};

struct suite {
	char *text; /* a copy that string options point into */
	struct suite_line *line;
	size_t n, cap;
};

/* A suite that is part of the program. */
struct bench_preset {
	const char *name, *text;
};
extern const struct bench_preset bench_presets[]; /* {NULL} ends it */

/*
 * suite_parse - @name is for messages; @text need not end in a newline
 * Returns 0; -EINVAL with the line in @err; -ENOMEM.  @s is empty after both.
 */
int suite_parse(struct suite *s, const char *name, const char *text, size_t n,
		struct err *err);
/* suite_find - a suite of the program by name, or else a file of that path */
int suite_find(struct suite *s, const char *name, struct err *err);
void suite_fini(struct suite *s); /* all zeros is fine */

#endif
