/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scenario_impl.h - one scenario, read and carried out (private to the two files)
 */
#ifndef DEDUPSIM_RUN_SCENARIO_IMPL_H
#define DEDUPSIM_RUN_SCENARIO_IMPL_H

#include "sim/core/pages.h"
#include "sim/engine/engine.h"
#include "sim/run/scenario.h"

#define WORKERS 64u
#define PAGES_MAX (UINT64_C(1) << 28)  /* of one process: 1 TiB of addresses */
#define FILLED_MAX (UINT64_C(1) << 20) /* by all fills of one scenario */
#define CONTENTS_MAX (UINT32_C(1) << 16) /* distinct, of one scenario */
#define PTES_MAX (UINT64_C(1) << 22)	 /* page-table entries in all */
#define VPN_BASE UINT64_C(0x700000000)
#define BIG_BATCH "10000000"
#define HOUR_MS 3600000u

/* X(symbol, word, operands) */
#define OPS(X)                                                                 \
	X(SET, "set", 2)                                                       \
	X(START, "start", 1)                                                   \
	X(EXIT, "exit", 1)                                                     \
	X(FORK, "fork", 2)                                                     \
	X(MAP, "map", 3)                                                       \
	X(MAPHUGE, "maphuge", 3)                                               \
	X(MAPSHARED, "mapshared", 3)                                           \
	X(UNMAP, "unmap", 3)                                                   \
	X(DONTNEED, "dontneed", 3)                                             \
	X(MERGEABLE, "mergeable", 3)                                           \
	X(UNMERGEABLE, "unmergeable", 3)                                       \
	X(READ, "read", 3)                                                     \
	X(READONLY, "readonly", 3)                                             \
	X(PIN, "pin", 3)                                                       \
	X(UNPIN, "unpin", 3)                                                   \
	X(FILL, "fill", 7)                                                     \
	X(SCAN, "scan", 0)                                                     \
	X(BATCH, "batch", 1)                                                   \
	X(SNAP, "snap", 1)

enum op_kind {
#define X(sym, word, n) DO_##sym,
	OPS(X)
#undef X
		DO_COUNT
};

struct op {
	uint8_t kind;
	uint8_t rule; /* DO_FILL */
	uint32_t w;
	int line;
	uint64_t lo, hi;	 /* also CHILD, N, STEP */
	uint64_t v0, step, mod;	 /* DO_FILL */
	const char *key, *value; /* DO_SET */
	size_t pages;		 /* DO_FILL: first of its contents in sc.ids */
};

struct scenario {
	const char *file, *id;
	const struct scenario_opts *opts;
	FILE *out;
	struct err *err;

	struct op *op;
	size_t nop, op_cap;
	struct page_store store;
	uint32_t *ids; /* contents of filled pages, fill after fill */
	size_t nids, ids_cap;

	struct content_set *contents;
	struct machine *machine;
	struct engine *engine;
	const struct engine_ops *ops;
	struct clock clock;
	struct meter meter;
	struct rows rows;

	uint32_t space[WORKERS]; /* number + 1; 0: not running */
	uint32_t home[WORKERS];	 /* whose addresses it uses (fork keeps them) */
	uint32_t next_space;
	uint32_t sleep_ms; /* the sleep that was written last */
	uint32_t base_ms;  /* it, or one more */
	bool started;	   /* ksmd sleeps between two batches */
	uint64_t scans_done;
};

/* scenario_say - "FILE:LINE: what "word"" into sc->err; @word may be NULL */
int scenario_say(const struct scenario *sc, int line, const char *what,
		 const char *word);

/*
 * scenario_read - operations and contents up to the next "scenario" line
 * @p, @end: what is left of the text
 * @line:    of the file, counted on
 * @next:    out: name of the scenario that follows; NULL: the text is over
 */
int scenario_read(struct scenario *sc, char **p, char *end, int *line,
		  char **next);

#endif
