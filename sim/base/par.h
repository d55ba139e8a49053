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

/*
 * par_for - call @fn for pieces of [0, @n)
 * @threads: 0 counts as 1, more than PAR_MAX as PAR_MAX
 * @grain:   indices per piece, not 0; the last piece may be shorter
 *
 * @worker < @threads tells scratch memory apart; the caller is worker 0.
 * Falls back to fewer threads when none can be made.  After an error no new
 * piece is begun, but each piece before the failing one is finished.
 */
int par_for(unsigned threads, uint64_t n, uint64_t grain, par_fn *fn, void *ctx);

#endif
