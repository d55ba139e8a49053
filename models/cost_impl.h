/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cost_impl.h - between the parts of the cost model (private to models)
 */
#ifndef DEDUPSIM_MODELS_COST_IMPL_H
#define DEDUPSIM_MODELS_COST_IMPL_H

#include "models/cost.h"

/* A time in a file is at most this: 10 ms. */
#define COST_FS_MAX UINT64_C(10000000000000)

/* cost_compose - the prices from the values */
void cost_compose(struct cost *c);

#endif
