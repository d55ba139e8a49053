/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * number_crunch.c - large tables, mostly never initialised or zero, read again
 * and again
 *
 * Processes allocate tables that would hold every result that there could be,
 * clear a part of them, fill in a few results, and from then on read all of
 * them, pass after pass.  It is the use for which KSM got use_zero_pages.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/base/prng.h"
#include "sim/core/pages.h"
#include "workloads/workload.h"

/* First page of the first table: a multiple of every colour period. */
#define BASE_VPN UINT64_C(0x700000000)
#define PAGES_MAX (UINT64_C(1) << 24)
#define READS_MAX (UINT64_C(1) << 24)
#define NAMES_MASK ((UINT64_C(1) << 20) - 1)

struct crunch_opts {
	uint64_t processes, tables, table_size, zero, data, passes, interval,
		mergeable;
};

/* clang-format off */
static const struct opt crunch_options[] = {
	{ OPT_U64, OPT_FIELD(crunch_opts, processes, uint64_t),
	  .def = 2, .min = 1, .max = 1024, .help = "processes" },
	{ OPT_U64, OPT_FIELD(crunch_opts, tables, uint64_t),
	  .def = 4, .min = 1, .max = 1024, .help = "tables of each process" },
	{ OPT_SIZE, OPT_FIELD(crunch_opts, table_size, uint64_t),
	  .def = 4 << 20, .min = PAGE_BYTES, .max = UINT64_C(1) << 36,
	  .help = "bytes of a table, whole pages" },
	{ OPT_U64, OPT_FIELD(crunch_opts, zero, uint64_t),
	  .def = 60, .max = 100, .unit = "%",
	  .help = "pages that are written with zeros at the start" },
	{ OPT_U64, OPT_FIELD(crunch_opts, data, uint64_t),
	  .def = 10, .max = 100, .unit = "%",
	  .help = "pages that are written with results; the rest is never "
		  "initialised" },
	{ OPT_U64, OPT_FIELD(crunch_opts, passes, uint64_t),
	  .def = 10, .max = 100000, .help = "times that all tables are read" },
	{ OPT_TIME, OPT_FIELD(crunch_opts, interval, uint64_t),
	  .def = NS_PER_SEC, .min = 1000000, .max = 3600 * NS_PER_SEC,
	  .help = "from one pass to the next" },
	{ OPT_BOOL, OPT_FIELD(crunch_opts, mergeable, uint64_t),
	  .def = 1, .max = 1, .help = "tables are given to KSM" },
	{ .type = OPT_END },
};
/* clang-format on */

enum step { STEP_SPACE, STEP_MAP, STEP_WRITE, STEP_READ, STEP_END };

struct at {
	enum step step;
	uint64_t process, table, page, pass;
	uint32_t content; /* of the next page of results */
};

struct crunch {
	struct workload base;
	struct crunch_opts opt;
	uint64_t pages; /* of a table */
	uint64_t seed, names;
	struct at at;
};

enum kind { NEVER_TOUCHED, ZEROED, RESULTS };

static enum kind kind_of(const struct crunch *c, const struct at *at)
{
	uint64_t number =
		(at->process * c->opt.tables + at->table) * c->pages + at->page;
	uint64_t dice = splitmix64(c->seed ^ number) % 100;

	if (dice < c->opt.zero)
		return ZEROED;
	return dice < c->opt.zero + c->opt.data ? RESULTS : NEVER_TOUCHED;
}

static uint64_t table_vpn(const struct crunch *c, uint64_t table)
{
	/* A page between two tables, so that ranges stay apart; they begin
	 * wherever malloc() leaves them. */
	return BASE_VPN + table * (c->pages + 1);
}

/* ---- one event after the other ---- */

static void next_table(const struct crunch *c, struct at *at)
{
	at->page = 0;
	at->step = STEP_MAP;
	if (++at->table < c->opt.tables)
		return;
	at->table = 0;
	at->step = STEP_SPACE;
	if (++at->process < c->opt.processes)
		return;
	at->process = 0;
	at->step = c->opt.passes ? STEP_READ : STEP_END;
}

static void next_read(const struct crunch *c, struct at *at)
{
	if (++at->table < c->opt.tables)
		return;
	at->table = 0;
	if (++at->process < c->opt.processes)
		return;
	at->process = 0;
	if (++at->pass == c->opt.passes)
		at->step = STEP_END;
}

/* The next page of the table that is written; false: there is none. */
static bool find_written(const struct crunch *c, struct at *at, enum kind *kind)
{
	for (; at->page < c->pages; at->page++) {
		*kind = kind_of(c, at);
		if (*kind != NEVER_TOUCHED)
			return true;
	}
	return false;
}

static bool make_write(const struct crunch *c, struct at *at, struct event *ev)
{
	enum kind kind;

	if (!find_written(c, at, &kind)) {
		next_table(c, at);
		return false;
	}
	ev->op = EV_WRITE;
	ev->vpn += at->page++;
	ev->count = 1;
	ev->content = kind == ZEROED ? 0 : at->content++;
	return true;
}

/* false: nothing comes of this step, go on with the next one */
static bool make(const struct crunch *c, struct at *at, struct event *ev)
{
	*ev = (struct event){
		.space = (uint32_t)at->process,
		.vpn = table_vpn(c, at->table),
		.count = c->pages,
	};
	switch (at->step) {
	case STEP_SPACE:
		ev->op = EV_SPACE;
		ev->vpn = ev->count = 0;
		at->step = STEP_MAP;
		return true;
	case STEP_MAP:
		ev->op = EV_MAP;
		ev->flags = c->opt.mergeable ? EVF_MERGEABLE : 0;
		at->step = STEP_WRITE;
		return true;
	case STEP_WRITE:
		return make_write(c, at, ev);
	case STEP_READ:
		ev->op = EV_READ;
		ev->time = NS((at->pass + 1) * c->opt.interval);
		next_read(c, at);
		return true;
	case STEP_END:
		break;
	}
	return false;
}

static size_t crunch_next(struct workload *w, struct event *ev, size_t max)
{
	struct crunch *c = (struct crunch *)w;
	size_t n = 0;

	while (n < max && c->at.step != STEP_END)
		n += make(c, &c->at, &ev[n]);
	return n;
}

static void crunch_rewind(struct workload *w)
{
	((struct crunch *)w)->at = (struct at){.content = 1};
}

static const uint8_t *crunch_bytes(void *w, uint32_t id, uint8_t *buf)
{
	const struct crunch *c = w;

	/* Pages of another seed are others. */
	page_fill(buf, RULE_ID, c->names << 32 | id);
	return buf;
}

/* ---- life ---- */

static int check(const struct crunch_opts *o, struct err *err)
{
	uint64_t pages = o->table_size / PAGE_BYTES;

	if (o->table_size % PAGE_BYTES)
		return err_set(err, EINVAL,
			       "workload number-crunch: table_size: %" PRIu64
			       " bytes are no whole pages",
			       o->table_size);
	if (o->zero + o->data > 100)
		return err_set(
			err, EINVAL,
			"workload number-crunch: zero and data are %" PRIu64
			" %% together",
			o->zero + o->data);
	if (o->processes * o->tables > PAGES_MAX / pages)
		return err_set(err, EINVAL,
			       "workload number-crunch: more than %" PRIu64
			       " pages in all",
			       PAGES_MAX);
	if (o->processes * o->tables > READS_MAX / (o->passes ? o->passes : 1))
		return err_set(err, EINVAL,
			       "workload number-crunch: more than %" PRIu64
			       " reads of tables in all",
			       READS_MAX);
	return 0;
}

static int crunch_start(struct workload **out, const void *opts, uint64_t seed,
			struct err *err)
{
	const struct crunch_opts *o = opts;
	struct prng r = prng_fork(seed, "number-crunch");
	int ret = check(o, err);
	struct crunch *c;
	struct event ev;

	if (ret)
		return ret;
	c = mem_zalloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->base.ops = &workload_number_crunch;
	c->base.spaces = (uint32_t)o->processes;
	c->base.has_reads = true;
	c->opt = *o;
	c->pages = o->table_size / PAGE_BYTES;
	c->seed = prng_next(&r);
	c->names = prng_next(&r) & NAMES_MASK;
	crunch_rewind(&c->base);
	while (crunch_next(&c->base, &ev, 1)) {
		c->base.events++;
		c->base.end = ev.time;
	}
	c->base.contents = c->at.content;
	crunch_rewind(&c->base);
	*out = &c->base;
	return 0;
}

static void crunch_stop(struct workload *w)
{
	free(w);
}

const struct workload_ops workload_number_crunch = {
	.name = "number-crunch",
	.summary = "large tables, mostly zero or never initialised, read again "
		   "and again",
	.opts = crunch_options,
	.opts_size = sizeof(struct crunch_opts),
	.start = crunch_start,
	.next = crunch_next,
	.rewind = crunch_rewind,
	.bytes = crunch_bytes,
	.stop = crunch_stop,
};
