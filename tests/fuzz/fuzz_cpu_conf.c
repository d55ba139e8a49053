/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of processors.  What is accepted gives prices that lie between their two
 * ends, and that no count can overflow.
 */
#include <stdlib.h>
#include <string.h>

#include "models/cost.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ordered(const uint64_t *low, const uint64_t *mid,
		    const uint64_t *high, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (low[i] > mid[i] || mid[i] > high[i])
			abort();
}

static void spend(const struct cost *c)
{
	const struct meter_prices *p = c->price;
	struct meter m;

	meter_init(&m, NULL);
	for (unsigned op = 0; op < METER_OP_COUNT; op++)
		meter_add(&m, (enum meter_op)op, UINT64_C(1) << 40);
	meter_walk(&m, TREE_STABLE, 100);
	meter_walk(&m, TREE_UNSTABLE, 3);
	meter_lines(&m, ORDER_SCATTERED, TREE_UNSTABLE, 2, 4096);
	if (meter_spent_at(&m, &p[COST_LOW]).v >
		    meter_spent_at(&m, &p[COST_MID]).v ||
	    meter_spent_at(&m, &p[COST_MID]).v >
		    meter_spent_at(&m, &p[COST_HIGH]).v)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cost c;
	struct err err = {0};
	char *text = malloc(size + 1);
	int ret;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	ret = cost_parse(&c, "fuzz", text, size, &err);
	free(text);
	if (!ret != !err.text[0] || strchr(err.text, '\n'))
		abort();
	if (ret)
		return 0;
	ordered(c.price[0].op_fs, c.price[1].op_fs, c.price[2].op_fs,
		METER_OP_COUNT);
	ordered(&c.price[0].step_fs[0][0], &c.price[1].step_fs[0][0],
		&c.price[2].step_fs[0][0], METER_TREE_COUNT * METER_DEPTHS);
	spend(&c);
	return 0;
}
