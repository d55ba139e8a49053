/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gate.h - do exact and stable metrics come out as they did?
 *
 * The baseline is JSON, written by --format baseline:
 *	{"schema": …,
 *	 "exact":  {"LABEL/NAME": value, …},     any difference is a finding
 *	 "stable": {"LABEL/NAME": [value, "gcc 12.2.0"], …}}  beyond 0.5 %
 * A value with a version beside it is compared only with the same version.
 * Metrics that the baseline has and an experiment that ran no longer gives are
 * findings, too; those that are new are not.  Time is never compared.  The file
 * may be hostile.
 */
#ifndef DEDUPSIM_BENCH_GATE_H
#define DEDUPSIM_BENCH_GATE_H

#include <stdio.h>

#include "sim/base/err.h"
#include "bench/metric.h"

#define GATE_BYTES_MAX ((size_t)16 << 20)
#define GATE_STABLE_PERMILLE 5

struct gate_result {
	size_t findings; /* a line each was printed */
	size_t compared, fresh, other_version;
	size_t not_run; /* of the baseline, of experiments that did not run */
};

/*
 * gate_compare - @text: the baseline, @n bytes; @name: for messages
 * @out: a line per finding; NULL: none is wanted
 * Returns 0, findings or not; -EINVAL for a broken baseline; -ENOMEM.
 */
int gate_compare(const struct metrics *ms, const char *name, const char *text,
		 size_t n, FILE *out, struct gate_result *res, struct err *err);

#endif
