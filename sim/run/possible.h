/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * possible.h - what could be saved at this moment
 *
 * If each content that mergeable pages hold had just one frame.  What an engine
 * saved beside what it could have saved tells whether to look further.
 */
#ifndef DEDUPSIM_RUN_POSSIBLE_H
#define DEDUPSIM_RUN_POSSIBLE_H

#include "sim/machine/machine.h"

/*
 * possible_pages - pages that need no frame of their own
 * @contents: distinct contents of the run
 * Counts anonymous pages of mergeable ranges, those that an engine mapped to the
 * zero page among them; what a fork shares counts once, because it takes one
 * frame without any engine.  Returns 0 or -ENOMEM.
 */
int possible_pages(const struct machine *m, uint32_t contents, uint64_t *pages);

#endif
