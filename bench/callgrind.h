/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * callgrind.h - how many instructions the hot part of an experiment takes
 *
 * The program runs itself under valgrind with the one experiment in
 * BENCH_COUNT; callgrind collects in bench_call() only.
 */
#ifndef DEDUPSIM_BENCH_CALLGRIND_H
#define DEDUPSIM_BENCH_CALLGRIND_H

#include "bench/bench.h"

/* callgrind_with - what a count depends on beside this program's text */
const char *callgrind_with(void);

/*
 * callgrind_count - instructions of @label of the suite called @suite
 * Returns 0; -ENOTSUP when valgrind is not there or does not work, in words.
 */
int callgrind_count(const struct bench *b, const char *suite, const char *label,
		    int64_t *instructions, struct err *err);

#endif
