/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine_opts.h - options that say which hardware, and which kernel on it
 */
#ifndef DEDUPSIM_CMD_MACHINE_OPTS_H
#define DEDUPSIM_CMD_MACHINE_OPTS_H

#include "models/cache.h"

enum machine_placement { PLACEMENT_SEQUENTIAL, PLACEMENT_RANDOM };
extern const char *const machine_placements[];

/* Rows of --kernel and --memory; the struct has kernel and memory. */
#define MACHINE_KERNEL_ROWS(s)                                                 \
	{.type = OPT_STRING,                                                   \
	 OPT_FIELD(s, kernel, const char *),                                   \
	 .arg = "VERSION",                                                     \
	 .help = "kernel whose number of zero pages counts, as 3.12 or "       \
		 "6.18; without it, and without --memory, what the machine "   \
		 "says"},                                                      \
	{                                                                      \
		.type = OPT_SIZE, OPT_FIELD(s, memory, uint64_t),              \
		.max = UINT64_C(1) << 50,                                      \
		.help = "usable memory, on which the number of zero pages of " \
			"s390 depends",                                        \
	}

/*
 * machine_opts_conf - a machine by name, with fields set
 * @set: @n words KEY=VALUE
 * Returns 0; -EINVAL; an error of reading; -ENOMEM.
 */
int machine_opts_conf(struct cache_conf *conf, const char *name,
		      const char *const *set, size_t n, struct err *err);

/*
 * machine_opts_order - two to the power of what zero pages are there?
 * @kernel: "6.18" or "2.6.37"; NULL: 6.18 if @memory, else what @conf says
 * @memory: 0: plenty
 * Returns 0; -EINVAL.
 */
int machine_opts_order(const struct cache_conf *conf, const char *kernel,
		       uint64_t memory, unsigned *order, struct err *err);

#endif
