/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * par.h - one loop, several threads
 *
 * The range is cut into pieces of @grain indices; threads take pieces as they
 * come, so nothing may depend on which thread does which.  The first error in
 * piece order is returned.  With one thread the loop runs in the caller.
 */
#ifndef DEDUPSIM_BASE_PAR_H
#define DEDUPSIM_BASE_PAR_H

#include <stdint.h>

#define PAR_MAX 256u

typedef int par_fn(void *ctx, uint64_t lo, uint64_t hi, unsigned worker);

/* par_for - call @fn for pieces of [0, @n); @worker < @threads tells scratch
 * memory apart.  Falls back to fewer threads when none can be made. */
int par_for(unsigned threads, uint64_t n, uint64_t grain, par_fn *fn, void *ctx);

#endif
