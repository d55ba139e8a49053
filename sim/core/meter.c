/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/base/bits.h"
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

ns_t meter_spent_at(const struct meter *m, const struct meter_prices *p)
{
	struct u128 fs = {0};
	uint64_t steps[METER_DEPTHS];

	if (!p)
		return NS(0);
	for (unsigned op = 0; op < METER_OP_COUNT; op++)
		u128_muladd(&fs, m->count[op], p->op_fs[op]);
	for (unsigned t = 0; t < METER_TREE_COUNT; t++) {
		if (!meter_steps(m, (enum meter_tree)t, steps))
			continue; /* nor were there lines to compare */
		for (unsigned d = 0; d < METER_DEPTHS && steps[d]; d++) {
			u128_muladd(&fs, steps[d], p->step_fs[t][d]);
			for (unsigned o = 0; o < METER_ORDER_COUNT; o++)
				u128_muladd(&fs, m->line[o][t][d],
					    p->line_fs[o][t][d]);
		}
	}
	return NS(u128_div(fs, FS_PER_NS));
}

ns_t meter_spent(const struct meter *m)
{
	return meter_spent_at(m, m->prices);
}

void meter_sum(struct meter *sum, const struct meter *m)
{
	for (int i = 0; i < METER_OP_COUNT; i++)
		sum->count[i] += m->count[i];
	for (int t = 0; t < METER_TREE_COUNT; t++) {
		sum->deeper[t] += m->deeper[t];
		for (unsigned d = 0; d <= METER_DEPTHS; d++)
			sum->walk[t][d] += m->walk[t][d];
		for (unsigned d = 0; d < METER_DEPTHS; d++)
			for (unsigned o = 0; o < METER_ORDER_COUNT; o++)
				sum->line[o][t][d] += m->line[o][t][d];
	}
}
