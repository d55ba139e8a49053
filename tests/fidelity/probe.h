/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.h - small scenarios done to the real KSM, or only told (-t)
 *
 * A scenario is a sequence of operations on up to four worker processes, each
 * with a region of memory of its own, mixed with full scans and batches of ksmd
 * and with snapshots of the counters.  Nothing in it depends on what the kernel
 * answers, so telling the operations needs neither root nor KSM, and a
 *simulator that carries out what is told must come to the same snapshots.
 *
 * The language that is told, one operation per line:
 *	scenario ID
 *	start W, exit W, fork W CHILD
 *	map, maphuge, mapshared, mergeable, unmergeable, read, unmap, dontneed,
 *	readonly, pin, unpin  W LO HI      pages [LO, HI) of worker W
 *	fill W LO HI RULE V0 STEP MOD      page p: V0 + ((p - LO) * STEP) [%
 *MOD] set NAME VALUE scan                               a full scan, or the
 *rest of one batch N                            at most N pages snap STEP row
 *STEP of the scenario is taken here
 *
 * An operation that fails puts a message into probe->err; all later ones do
 * nothing, so scenarios are written without a check at each step.
 */
#ifndef DEDUPSIM_TESTS_FIDELITY_PROBE_H
#define DEDUPSIM_TESTS_FIDELITY_PROBE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/core/pages.h"

#include "bench/step.h"

#define WORKERS 4
#define ROWS_MAX 200
#define BATCH_REST 10000000L /* more pages than any scenario has */

/* X(symbol, word) - what a worker does with pages [lo, hi) */
#define PAGE_OPS(X)                                                            \
	X(MAP, "map")                                                          \
	X(MAPHUGE, "maphuge")                                                  \
	X(MAPSHARED, "mapshared")                                              \
	X(MERGEABLE, "mergeable")                                              \
	X(UNMERGEABLE, "unmergeable")                                          \
	X(READ, "read")                                                        \
	X(UNMAP, "unmap")                                                      \
	X(DONTNEED, "dontneed")                                                \
	X(READONLY, "readonly")                                                \
	X(PIN, "pin")                                                          \
	X(UNPIN, "unpin")

enum op {
#define X(sym, word) OP_##sym,
	PAGE_OPS(X)
#undef X
		OP_FILL,
	OP_FORK,
	OP_STAT,
	OP_EXIT
};

/* What the controller sends to a worker … */
struct order {
	enum op op;
	enum page_rule rule;
	long lo, hi;
	uint64_t v0, step, mod;
};

/* … and what comes back, with a socket to the child after OP_FORK. */
struct answer {
	int error; /* errno; 0: done */
	/* OP_STAT: fields of ksm_stat */
	long rmap_items, zero_pages, merging_pages, profit;
};

/* Counters in the columns of a row, after scenario, step, action, scans. */
#define ROW_COUNTERS 9
#define ROW_VALUES (ROW_COUNTERS + 6)
#define ROW_ABSENT LONG_MIN /* the kernel has no such file: "-" */

struct row_taken {
	char action[96];
	long scans;
	long value[ROW_VALUES];
};

struct table {
	struct row_taken row[ROWS_MAX];
	int n;
};

struct probe {
	bool tell; /* print the operations, touch nothing */
	struct stepper ksm;
	int socket[WORKERS];	    /* to the worker; -1: none */
	long scanned, skipped, cow; /* counters at the start of the scenario */
	struct table table;
	struct err err; /* what the first failure was */
	int failed;	/* its negative errno; 0: all is well */
};

struct scenario {
	const char *id, *title;
	void (*play)(struct probe *p);
};

/* Groups of fixed scenarios; an entry without id ends each. */
extern const struct scenario scenarios_merge[];
extern const struct scenario scenarios_change[];
extern const struct scenario scenarios_pace[];

/* probe_random - a scenario drawn from @seed, the same on every machine */
void probe_random(struct probe *p, uint64_t seed);

/* probe_begin, probe_end - around each scenario: worker 0 alive at the start,
 * no worker at the end, whether it failed or not */
void probe_begin(struct probe *p);
void probe_end(struct probe *p);

/* Operations, one for each of the language. */
void op_start(struct probe *p, int w);
void op_exit(struct probe *p, int w);
void op_fork(struct probe *p, int w, int child);
void op_pages(struct probe *p, int w, enum op op, long lo, long hi);
void op_fill(struct probe *p, int w, long lo, long hi, enum page_rule rule,
	     uint64_t v0, uint64_t step, uint64_t mod);
int op_set(struct probe *p, const char *name, long value); /* negative errno */
void op_scan(struct probe *p, int n);
long op_batch(struct probe *p, long pages); /* pages visited; 0 when telling */
void op_snap(struct probe *p, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* op_stat - what ksm_stat says of worker @w */
struct answer op_stat(struct probe *p, int w);

/* table_header, table_print - as TSV on stdout; @same of @runs were equal */
void table_header(void);
void table_print(const struct table *t, const char *id, int same, int runs);

/* worker_start - a process that serves @*to until it closes; -errno */
int worker_start(int w, int *to);
/* worker_ask - order and answer; @*child: out: socket that came with it, -1.
 * Returns 0, -EPIPE when the worker is gone, or the worker's error. */
int worker_ask(int to, const struct order *o, struct answer *a, int *child);
/* worker_stop - make it exit, wait until its memory is gone, close @to */
void worker_stop(int to);

#endif
