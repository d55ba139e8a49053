/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * plant.h - a regression to be caught: each walk of a tree goes one level deeper
 *
 * Included before everything else (-include) when the trees of the ksm engine
 * are compiled once more for tests/check_gate.sh.
 */
#ifndef DEDUPSIM_TESTS_GATE_PLANT_H
#define DEDUPSIM_TESTS_GATE_PLANT_H

#include "sim/core/meter.h"

static inline void planted_walk(struct meter *m, enum meter_tree tree,
				uint32_t nodes)
{
	meter_walk(m, tree, nodes + 1);
}
#define meter_walk planted_walk

#endif
