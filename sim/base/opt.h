/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opt.h - options declared once
 *
 * One row per option feeds the default, the range check, the parser, --help,
 * `dedupsim list`, the manual and the record of effective values in results.
 *
 *	struct ksm_opts { uint64_t pages_to_scan; };
 *	static const struct opt ksm_options[] = {
 *		{ OPT_U64, OPT_FIELD(ksm_opts, pages_to_scan, uint64_t),
 *		  .def = 100, .max = UINT32_MAX, .unit = "pages",
 *		  .help = "pages visited per batch", .source = "[linux-6.18] ..." },
 *		{ .type = OPT_END },
 *	};
 *
 * Values: integers in decimal or 0x hex; sizes take KiB, MiB, GiB, TiB; times
 * take ns, us, ms, s; booleans 0, 1, no, yes, off, on; choices by name.  In
 * names '-' and '_' are the same.
 */
#ifndef DEDUPSIM_BASE_OPT_H
#define DEDUPSIM_BASE_OPT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/err.h"

enum opt_type {
	OPT_END,    /* last row */
	OPT_BOOL,   /* uint64_t 0 or 1 */
	OPT_U64,    /* uint64_t */
	OPT_SIZE,   /* uint64_t bytes */
	OPT_TIME,   /* uint64_t nanoseconds */
	OPT_CHOICE, /* uint64_t: index into .choices */
	OPT_STRING, /* const char *, borrowed from the argument; NULL default */
};

struct opt {
	enum opt_type type;
	const char *name;
	size_t offset; /* of the field in the options struct */
	uint64_t def, min;
	uint64_t max; /* 0: no limit */
	const char *const *choices; /* NULL-terminated; OPT_CHOICE */
	const char *unit;	    /* "pages", "ms"; NULL: none */
	const char *arg;	    /* "FILE", for help; NULL: from the type */
	const char *help;	    /* one sentence, no full stop */
	const char *source;	    /* "[linux-6.18] mm/ksm.c"; NULL: ours */
	char letter;		    /* short option; 0: none */
};

/* Name and offset; the field's type is checked by the compiler. */
#define OPT_FIELD(s, f, t)                                                     \
	.name = #f,                                                            \
	.offset = offsetof(struct s, f) +                                      \
		  0 * sizeof(1 ? &((struct s *)0)->f : (t *)0)

/* opt_defaults - fill @opts (zeroed by the caller's choice) from the rows */
void opt_defaults(const struct opt *rows, void *opts);

/* opt_find - the row of that name; NULL: none */
const struct opt *opt_find(const struct opt *rows, const char *name);

/* opt_nearest - the known name closest to @name, for messages; NULL: none near */
const char *opt_nearest(const struct opt *rows, const char *name);

/*
 * opt_set - parse and store one value
 * Returns 0; -EINVAL with the key, the value, what is wrong and what is allowed
 * in @err, and @opts unchanged.
 */
int opt_set(const struct opt *rows, void *opts, const char *name,
	    const char *value, struct err *err);

/* opt_get - the number stored (not for strings) */
uint64_t opt_get(const struct opt *row, const void *opts);

/* opt_format - the value as opt_set() would take it: in @buf, or the string that
 * is stored; "" for a NULL string */
const char *opt_format(const struct opt *row, const void *opts, char *buf,
		       size_t n);

/* opt_check_rows - is the table itself sane? -EINVAL names the bad row. */
int opt_check_rows(const struct opt *rows, size_t opts_size, struct err *err);

/*
 * opt_parse - GNU long options, in any order with the operands
 *
 *	--name value, --name=value, -x value, -xvalue
 *	--flag, --no-flag, --flag=0, -x, -xyz	flags take no value of their own
 *	--					what follows is an operand
 *
 * @argc, @argv: as for main, without the command's name
 * @rest:        out: operands in order, room for @argc pointers; NULL: refused
 * @nrest:       out: how many; may be NULL
 * Repeated strings: the last wins, except through @multi.
 * @multi:       called for each OPT_STRING whose row has offset OPT_MULTI
 *
 * Returns 0; -EINVAL with @err set, options before the bad one being stored
 * already; or what @multi returned.
 */
#define OPT_MULTI SIZE_MAX
typedef int opt_multi_fn(void *ctx, const struct opt *row, const char *value,
			 struct err *err);
int opt_parse(const struct opt *rows, void *opts, int argc, char **argv,
	      const char **rest, int *nrest, opt_multi_fn *multi, void *ctx,
	      struct err *err);

/* opt_help - the rows as aligned --help text */
void opt_help(const struct opt *rows, FILE *out);

#endif
