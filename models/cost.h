/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cost.h - what the counts of a meter cost on a processor
 *
 *	models/cpu/NAME.conf      how long a primitive takes on this processor
 *	models/tables             which primitives a count stands for, on any
 *	            │
 *	            ▼
 *	   struct meter_prices    low, mid, high  ──► meter ──► clock, results
 *
 * A number of a processor is known, or it is assumed and has two ends; so does
 * every price, and so does what a run cost.  The clock uses the middle.
 *
 *	struct cost cost;
 *
 *	cost_load(&cost, "epyc-zen5-vm", &err);
 *	meter_init(&m, &cost.price[COST_MID]);
 *	meter_spent_at(&m, &cost.price[COST_HIGH]);
 *	cost_report(&cost, &m, &rows);
 *
 * How warm is a node?  A walk looks at one node of each depth d, of which a full
 * tree has 2^d.  Between two looks at one node so many visits pass, each taking
 * lines of the caches: a cache of K visits' worth still has the node with the
 * probability 1 - (1 - 2^-d)^K, which is Che's approximation of LRU [che].  So
 * the top of a tree costs code, its bottom misses, and nothing need be known of
 * the size of the tree.  Lines behind the first of a page that is compared come
 * in order; they cost the comparing, and waiting where the page is not near.
 *
 * To add a count: a row in METER_OPS and one or more in models/tables/ops.def.
 * To add a primitive: a row in models/tables/primitives.def, with two ends for
 * processors that do not know better.  To add a processor: models/cpu/NAME.conf.
 */
#ifndef DEDUPSIM_MODELS_COST_H
#define DEDUPSIM_MODELS_COST_H

#include <stddef.h>

#include "sim/base/err.h"
#include "sim/core/meter.h"
#include "sim/core/rows.h"

enum cost_end { COST_LOW, COST_MID, COST_HIGH, COST_ENDS };

enum cost_group {
#define GROUP(sym, name, words) COST_##sym,
#include "models/tables/groups.def"
#undef GROUP
	COST_GROUPS,
	COST_ALL = COST_GROUPS
};

/* X(symbol, name, unit, what) - of a processor, beside its primitives */
#define COST_SIZES(X)                                                          \
	X(CLOCK, "clock", "kHz", "cycles per second while ksmd works")         \
	X(L1, "l1_bytes", "bytes", "first-level cache for data")               \
	X(L2, "l2_bytes", "bytes", "second-level cache")                       \
	X(L3, "l3_bytes", "bytes",                                             \
	  "third-level cache, as much as one thread finds to itself")

enum cost_field {
#define X(sym, name, unit, what) COST_SIZE_##sym,
	COST_SIZES(X)
#undef X
#define PRIM(sym, name, low, mid, high, what) PRIM_##sym,
#include "models/tables/primitives.def"
#undef PRIM
		COST_FIELDS
};

/*
 * How a number is known, in the order of trust
 *	meas        measured on such a machine
 *	fit         solved for from measured sums that the source names
 *	doc         the vendor's manual
 *	pub         published by others
 *	derived     from other numbers, as the source says
 *	assumption  nobody measured it; has two ends
 */
#define COST_EVIDENCE(X)                                                       \
	X(MEAS, "meas")                                                        \
	X(FIT, "fit")                                                          \
	X(DOC, "doc")                                                          \
	X(PUB, "pub")                                                          \
	X(DERIVED, "derived")                                                  \
	X(ASSUMPTION, "assumption")

enum cost_evidence {
#define X(sym, name) EVIDENCE_##sym,
	COST_EVIDENCE(X)
#undef X
		EVIDENCE_COUNT
};

struct cost_value {
	/* femtoseconds of a primitive, kHz, bytes */
	uint64_t end[COST_ENDS];
	uint32_t line; /* of the file; 0: not there, so assumed */
	uint32_t evidence;
};

#define COST_NAME_MAX 128

/* Plain: may be copied. */
struct cost {
	char name[COST_NAME_MAX];
	char summary[COST_NAME_MAX];
	struct cost_value value[COST_FIELDS];
	struct meter_prices price[COST_ENDS];
};

/*
 * cost_load - the prices of a processor
 * @name: a preset; or a file, if there is a '/' in it or it ends in ".conf"
 * Returns 0; -EINVAL with file and line; an error of reading; -ENOMEM.
 */
int cost_load(struct cost *cost, const char *name, struct err *err);

/* cost_preset_find - by name; NULL with the nearest name in @err */
struct cost_preset;
const struct cost_preset *cost_preset_find(const char *name, struct err *err);

/* What runs use when nothing is said. */
#define COST_DEFAULT "epyc-zen5-vm"

/*
 * cost_parse - read a processor
 * @name: for messages: "FILE:LINE: what"
 * @text: @n bytes and one more that may be written; is cut into words
 *
 * One number per line: name, value, its two ends LOW..HIGH (they must be there
 * with [fit] and [assumption]), [evidence], source in free words; '#' begins a
 * comment where a word may begin.  "summary" takes the rest of its line.  Times
 * are ns, us or cyc, with up to three decimals; sizes KiB, MiB; clocks MHz, GHz.
 * clock, l1_bytes, l2_bytes and l3_bytes must be there; a primitive that is not
 * has the cycles of primitives.def.
 *
 * Returns 0; -EINVAL with @cost undefined.
 */
int cost_parse(struct cost *cost, const char *name, char *text, size_t n,
	       struct err *err);

/* cost_cycles - of a time, at the middle of the clock */
cyc_t cost_cycles(const struct cost *cost, ns_t time);

/* cost_spent - what @m cost for one group, or for all of them */
ns_t cost_spent(const struct cost *cost, const struct meter *m,
		enum cost_group group, enum cost_end end);

/*
 * cost_report - scope "cost": cycles, ns, low_ns, high_ns, and for each group
 * that cost anything GROUP_ns, GROUP_low_ns, GROUP_high_ns
 */
void cost_report(const struct cost *cost, const struct meter *m,
		 struct rows *out);

/* cost_timeline - the same for a timeline: GROUP_ns of all groups, always */
void cost_timeline(const struct cost *cost, const struct meter *m,
		   struct rows *out);

/* cost_covers - has the count a row in models/tables/ops.def? */
bool cost_covers(enum meter_op op);
bool cost_covers_tree(enum meter_tree tree);

extern const char *const cost_group_name[COST_GROUPS];
extern const char *const cost_group_words[COST_GROUPS];
extern const char *const cost_field_name[COST_FIELDS];
extern const char *const cost_field_what[COST_FIELDS];
extern const char *const cost_evidence_name[EVIDENCE_COUNT];

/* The presets that are built in, by name; text is what the file holds. */
struct cost_preset {
	const char *name, *text;
};
extern const struct cost_preset cost_presets[]; /* name NULL ends */

#endif
