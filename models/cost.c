/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cost.c - from primitives to prices, and from prices to results
 */
#include "sim/base/bits.h"
#include "models/cost_impl.h"

/* What the visits of a scan take of a cache between two looks at one node: the
 * page that is read, and some sixteen nodes of four lines. */
#define VISIT_BYTES 8192u
/* The same when each of them is compared to its end. */
#define VISIT_STREAM_BYTES 65536u

struct term {
	enum cost_group group;
	enum cost_field prim;
	uint16_t op;
	uint16_t n;
};

struct step {
	enum cost_field prim;
	unsigned serial;
	bool known, warm;
};

#define COLD(op, group, n) COST(op, group, n, DRAM_LOAD)
static const struct term terms[] = {
#define COST(op, group, n, prim) {COST_##group, PRIM_##prim, OP_##op, n},
#define STEP(tree, prim, serial)
#define WARM(tree, prim, serial)
#include "models/tables/ops.def"
#undef COST
#undef STEP
#undef WARM
};
static const struct step trees[METER_TREE_COUNT] = {
#define COST(op, group, n, prim)
#define STEP(tree, prim, serial)                                               \
	[TREE_##tree] = {PRIM_##prim, serial, true, false},
#define WARM(tree, prim, serial)                                               \
	[TREE_##tree] = {PRIM_##prim, serial, true, true},
#include "models/tables/ops.def"
#undef COST
#undef STEP
#undef WARM
};
#define NTERMS (sizeof(terms) / sizeof(terms[0]))

const char *const cost_group_name[COST_GROUPS] = {
#define GROUP(sym, name, words) [COST_##sym] = #name,
#include "models/tables/groups.def"
#undef GROUP
};
const char *const cost_group_words[COST_GROUPS] = {
#define GROUP(sym, name, words) [COST_##sym] = words,
#include "models/tables/groups.def"
#undef GROUP
};
const char *const cost_field_name[COST_FIELDS] = {
#define X(sym, name, unit, what) [COST_SIZE_##sym] = name,
	COST_SIZES(X)
#undef X
#define PRIM(sym, name, low, mid, high, what) [PRIM_##sym] = #name,
#include "models/tables/primitives.def"
#undef PRIM
};
const char *const cost_field_what[COST_FIELDS] = {
#define X(sym, name, unit, what) [COST_SIZE_##sym] = what,
	COST_SIZES(X)
#undef X
#define PRIM(sym, name, low, mid, high, what) [PRIM_##sym] = what,
#include "models/tables/primitives.def"
#undef PRIM
};
const char *const cost_evidence_name[EVIDENCE_COUNT] = {
#define X(sym, name) [EVIDENCE_##sym] = name,
	COST_EVIDENCE(X)
#undef X
};

bool cost_covers(enum meter_op op)
{
	for (size_t i = 0; i < NTERMS; i++)
		if (terms[i].op == op)
			return true;
	return false;
}

bool cost_covers_tree(enum meter_tree tree)
{
	return trees[tree].known;
}

/* ---- temperature ---- */

/*
 * Probability in 1/65536 that a cache still has a node of depth @depth, when a
 * visit takes @visit of its bytes.  Integers, so that it is the same everywhere.
 */
static uint64_t hits(uint64_t bytes, unsigned depth, uint64_t visit)
{
	uint64_t k = bytes / visit ? bytes / visit : 1;
	uint64_t base = (UINT64_C(1) << 32) - (UINT64_C(1) << (32 - depth));
	uint64_t miss = UINT64_C(1) << 32; /* (1 - 2^-depth)^k, as 32.32 */

	for (; k; k >>= 1) {
		if (k & 1)
			miss = miss * base >> 32;
		base = base * base >> 32;
	}
	return ((UINT64_C(1) << 32) - miss) >> 16;
}

/* The sizes for an end: what is cheap has large caches. */
static uint64_t size_at(const struct cost *c, enum cost_field f,
			enum cost_end end)
{
	return c->value[f].end[COST_HIGH - end];
}

static uint64_t prim_at(const struct cost *c, enum cost_field f,
			enum cost_end end)
{
	return c->value[f].end[end];
}

/* A load of a line of a node at @depth. */
static uint64_t load_fs(const struct cost *c, bool warm, unsigned depth,
			enum cost_end e)
{
	uint64_t h1 = hits(size_at(c, COST_SIZE_L1, e), depth, VISIT_BYTES);
	uint64_t h2 = hits(size_at(c, COST_SIZE_L2, e), depth, VISIT_BYTES);
	uint64_t h3 = hits(size_at(c, COST_SIZE_L3, e), depth, VISIT_BYTES);

	if (warm)
		return prim_at(c, PRIM_L2_LOAD, e);
	return (h1 * prim_at(c, PRIM_L1_LOAD, e) +
		(h2 - h1) * prim_at(c, PRIM_L2_LOAD, e) +
		(h3 - h2) * prim_at(c, PRIM_L3_LOAD, e) +
		(65536 - h3) * prim_at(c, PRIM_DRAM_LOAD, e)) >>
	       16;
}

/* A further line of a page at @depth that is compared. */
static uint64_t line_fs(const struct cost *c, bool warm, unsigned depth,
			enum meter_order order, enum cost_end e)
{
	uint64_t h2 =
		hits(size_at(c, COST_SIZE_L2, e), depth, VISIT_STREAM_BYTES);
	uint64_t line = prim_at(c, PRIM_MEMCMP_LINE, e);
	uint64_t wait = prim_at(c, PRIM_LINE_STREAM, e);

	switch (order) {
	case ORDER_BYTES: /* slower than lines come */
		line = prim_at(c, PRIM_BYTECMP_LINE, e);
		wait = 0;
		break;
	case ORDER_SCATTERED:
		wait = prim_at(c, PRIM_LINE_SCATTER, e);
		break;
	case ORDER_WORDS:
	case METER_ORDER_COUNT:
		break;
	}
	if (warm)
		h2 = 65536;
	return line + ((65536 - h2) * wait >> 16);
}

/* ---- prices ---- */

static void compose(const struct cost *c, enum cost_group group,
		    enum cost_end e, struct meter_prices *p)
{
	*p = (struct meter_prices){0};
	for (size_t i = 0; i < NTERMS; i++)
		if (group == COST_ALL || group == terms[i].group)
			p->op_fs[terms[i].op] +=
				terms[i].n * prim_at(c, terms[i].prim, e);
	for (unsigned t = 0; t < METER_TREE_COUNT; t++) {
		const struct step *s = &trees[t];

		for (unsigned d = 0; d < METER_DEPTHS; d++) {
			if (group == COST_ALL || group == COST_WALK)
				p->step_fs[t][d] =
					prim_at(c, s->prim, e) +
					s->serial * load_fs(c, s->warm, d, e);
			if (group != COST_ALL && group != COST_COMPARE)
				continue;
			for (unsigned o = 0; o < METER_ORDER_COUNT; o++)
				p->line_fs[o][t][d] = line_fs(
					c, s->warm, d, (enum meter_order)o, e);
		}
	}
}

void cost_compose(struct cost *c)
{
	for (unsigned e = 0; e < COST_ENDS; e++)
		compose(c, COST_ALL, (enum cost_end)e, &c->price[e]);
}

/* ---- results ---- */

ns_t cost_spent(const struct cost *cost, const struct meter *m,
		enum cost_group group, enum cost_end end)
{
	struct meter_prices p;

	if (group == COST_ALL)
		return meter_spent_at(m, &cost->price[end]);
	compose(cost, group, end, &p);
	return meter_spent_at(m, &p);
}

cyc_t cost_cycles(const struct cost *cost, ns_t time)
{
	struct u128 x = {0};

	u128_muladd(&x, time.v, cost->value[COST_SIZE_CLOCK].end[COST_MID]);
	return (cyc_t){u128_div(x, 1000000)};
}

static const char *const group_rows[COST_GROUPS][COST_ENDS] = {
#define GROUP(sym, name, words)                                                \
	[COST_##sym] = {#name "_low_ns", #name "_ns", #name "_high_ns"},
#include "models/tables/groups.def"
#undef GROUP
};

void cost_report(const struct cost *cost, const struct meter *m,
		 struct rows *out)
{
	ns_t all = cost_spent(cost, m, COST_ALL, COST_MID);
	static const enum cost_end order[] = {COST_MID, COST_LOW, COST_HIGH};

	rows_add(out, "cost", "cycles", "cycles",
		 (int64_t)cost_cycles(cost, all).v);
	rows_add(out, "cost", "ns", "ns", (int64_t)all.v);
	rows_add(out, "cost", "low_ns", "ns",
		 (int64_t)cost_spent(cost, m, COST_ALL, COST_LOW).v);
	rows_add(out, "cost", "high_ns", "ns",
		 (int64_t)cost_spent(cost, m, COST_ALL, COST_HIGH).v);
	for (unsigned g = 0; g < COST_GROUPS; g++) {
		if (!cost_spent(cost, m, (enum cost_group)g, COST_HIGH).v)
			continue;
		for (unsigned e = 0; e < COST_ENDS; e++)
			rows_add(out, "cost", group_rows[g][order[e]], "ns",
				 (int64_t)cost_spent(
					 cost, m, (enum cost_group)g, order[e])
					 .v);
	}
}

void cost_timeline(const struct cost *cost, const struct meter *m,
		   struct rows *out)
{
	for (unsigned g = 0; g < COST_GROUPS; g++)
		rows_add(out, "cost", group_rows[g][COST_MID], "ns",
			 (int64_t)cost_spent(cost, m, (enum cost_group)g,
					     COST_MID)
				 .v);
}
