/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/core/meter.h"

#define FS_PER_NS UINT64_C(1000000)

const char *const meter_op_name[METER_OP_COUNT] = {
#define X(sym, name, unit, help) [OP_##sym] = name,
	METER_OPS(X)
#undef X
};
const char *const meter_op_unit[METER_OP_COUNT] = {
#define X(sym, name, unit, help) [OP_##sym] = unit,
	METER_OPS(X)
#undef X
};
const char *const meter_op_help[METER_OP_COUNT] = {
#define X(sym, name, unit, help) [OP_##sym] = help,
	METER_OPS(X)
#undef X
};
const char *const meter_tree_name[METER_TREE_COUNT] = {
#define X(sym, name) [TREE_##sym] = name,
	METER_TREES(X)
#undef X
};

void meter_init(struct meter *m, const struct meter_prices *prices)
{
	*m = (struct meter){.prices = prices, .limit = NS_NEVER};
}

uint64_t meter_walks(const struct meter *m, enum meter_tree tree)
{
	uint64_t n = 0;

	for (unsigned i = 0; i <= METER_DEPTHS; i++)
		n += m->walk[tree][i];
	return n;
}

uint64_t meter_steps(const struct meter *m, enum meter_tree tree,
		     uint64_t steps[METER_DEPTHS])
{
	uint64_t reach = 0, sum = 0;

	/* A walk of i nodes made one step at each depth below i. */
	for (unsigned d = METER_DEPTHS; d-- > 0;) {
		reach += m->walk[tree][d + 1];
		steps[d] = reach;
		sum += reach;
	}
	steps[METER_DEPTHS - 1] += m->deeper[tree];
	return sum + m->deeper[tree];
}

ns_t meter_spent(const struct meter *m)
{
	const struct meter_prices *p = m->prices;
	uint64_t steps[METER_DEPTHS];
	uint64_t ns = 0, fs = 0;

	if (!p)
		return NS(0);
	/* Whole nanoseconds and the rest apart: no sum of products overflows. */
	for (unsigned op = 0; op < METER_OP_COUNT; op++) {
		ns += m->count[op] * (p->op_fs[op] / FS_PER_NS);
		fs += m->count[op] % FS_PER_NS * (p->op_fs[op] % FS_PER_NS);
		ns += m->count[op] / FS_PER_NS * (p->op_fs[op] % FS_PER_NS);
	}
	for (unsigned t = 0; t < METER_TREE_COUNT; t++) {
		meter_steps(m, (enum meter_tree)t, steps);
		for (unsigned d = 0; d < METER_DEPTHS; d++) {
			uint64_t price = p->step_fs[t][d];

			ns += steps[d] * (price / FS_PER_NS);
			fs += steps[d] % FS_PER_NS * (price % FS_PER_NS);
			ns += steps[d] / FS_PER_NS * (price % FS_PER_NS);
		}
	}
	return NS(ns + fs / FS_PER_NS);
}

void meter_sum(struct meter *sum, const struct meter *m)
{
	for (int i = 0; i < METER_OP_COUNT; i++)
		sum->count[i] += m->count[i];
	for (int t = 0; t < METER_TREE_COUNT; t++) {
		sum->deeper[t] += m->deeper[t];
		for (unsigned d = 0; d <= METER_DEPTHS; d++)
			sum->walk[t][d] += m->walk[t][d];
	}
}
