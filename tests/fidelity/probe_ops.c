/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bench/kernel.h"

#include "tests/fidelity/probe.h"

/* Columns of a row behind scans: plain counters, then differences against the
 * start of the scenario, then knobs. */
static const char *const counters[] = {
	"pages_shared",	  "pages_sharing",	"pages_unshared",
	"pages_volatile", "stable_node_chains", "stable_node_dups",
	"ksm_zero_pages", "full_scans",		"general_profit",
};
static_assert(sizeof(counters) / sizeof(counters[0]) == ROW_COUNTERS,
	      "a column for each counter");

static const char *op_word(enum op op)
{
	static const char *const words[] = {
#define X(sym, word) word,
		PAGE_OPS(X)
#undef X
	};

	return op < OP_FILL ? words[op] : "?";
}

static void fail(struct probe *p, int error, const char *what, int w)
{
	p->failed = err_set(&p->err, error, "worker %d: %s: %s", w, what,
			    error == EPIPE ? "it died" : strerror(error));
}

static struct answer ask(struct probe *p, int w, const struct order *o,
			 const char *what, int *child)
{
	struct answer a = {0};
	int ret;

	*child = -1;
	if (p->failed)
		return a;
	if (p->socket[w] < 0)
		ret = -EPIPE;
	else
		ret = worker_ask(p->socket[w], o, &a, child);
	if (ret)
		fail(p, -ret, what, w);
	return a;
}

void op_start(struct probe *p, int w)
{
	int ret;

	if (p->tell)
		printf("start %d\n", w);
	if (p->tell || p->failed)
		return;
	ret = worker_start(w, &p->socket[w]);
	if (ret)
		fail(p, -ret, "start", w);
}

void op_exit(struct probe *p, int w)
{
	if (p->tell)
		printf("exit %d\n", w);
	if (p->tell || p->socket[w] < 0)
		return;
	worker_stop(p->socket[w]);
	p->socket[w] = -1;
}

void op_fork(struct probe *p, int w, int child)
{
	struct order o = {.op = OP_FORK};

	if (p->tell)
		printf("fork %d %d\n", w, child);
	else
		ask(p, w, &o, "fork", &p->socket[child]);
}

/* The first mapping of all wakes a parked ksmd: let it finish its round. */
void op_pages(struct probe *p, int w, enum op op, long lo, long hi)
{
	struct order o = {.op = op, .lo = lo, .hi = hi};
	int none;

	if (p->tell) {
		printf("%s %d %ld %ld\n", op_word(op), w, lo, hi);
		return;
	}
	ask(p, w, &o, op_word(op), &none);
	if (op <= OP_MERGEABLE)
		step_settle(&p->ksm);
}

void op_fill(struct probe *p, int w, long lo, long hi, enum page_rule rule,
	     uint64_t v0, uint64_t step, uint64_t mod)
{
	struct order o = {.op = OP_FILL,
			  .lo = lo,
			  .hi = hi,
			  .rule = rule,
			  .v0 = v0,
			  .step = step,
			  .mod = mod};
	int none;

	if (p->tell)
		printf("fill %d %ld %ld %s %" PRIu64 " %" PRIu64 " %" PRIu64
		       "\n",
		       w, lo, hi, page_rule_name(rule), v0, step, mod);
	else
		ask(p, w, &o, "fill", &none);
}

int op_set(struct probe *p, const char *name, long value)
{
	if (p->tell)
		printf("set %s %ld\n", name, value);
	if (p->tell || p->failed)
		return 0;
	return step_set(&p->ksm, name, value);
}

void op_scan(struct probe *p, int n)
{
	while (n--) {
		if (p->tell)
			puts("scan");
		else if (!p->failed)
			p->failed = step_scan(&p->ksm, &p->err);
	}
}

long op_batch(struct probe *p, long pages)
{
	long visited = 0;

	if (p->tell)
		printf("batch %ld\n", pages);
	else if (!p->failed)
		p->failed = step_batch(&p->ksm, pages, &visited, &p->err);
	return visited;
}

struct answer op_stat(struct probe *p, int w)
{
	struct order o = {.op = OP_STAT};
	int none;

	return p->tell ? (struct answer){0} : ask(p, w, &o, "stat", &none);
}

/* No counter is -1: general_profit is a multiple of 64. */
static long there(long value)
{
	return value == -1 ? ROW_ABSENT : value;
}

static long since(long now, long then)
{
	return now == -1 ? ROW_ABSENT : now - then;
}

void op_snap(struct probe *p, const char *fmt, ...)
{
	struct row_taken *r = &p->table.row[p->table.n];
	long *v = r->value;
	va_list ap;

	if (p->tell)
		printf("snap %d\n", p->table.n);
	if (!p->failed && p->table.n == ROWS_MAX - 1)
		p->failed = err_set(&p->err, E2BIG, "too many rows");
	if (p->failed)
		return;
	p->table.n++;
	if (p->tell)
		return;
	memset(r, 0, sizeof(*r)); /* rows are compared by bytes */
	va_start(ap, fmt);
	vsnprintf(r->action, sizeof(r->action), fmt, ap);
	va_end(ap);
	r->scans = p->ksm.scans;
	for (int i = 0; i < ROW_COUNTERS; i++)
		*v++ = there(ksm_read(counters[i]));
	*v++ = since(ksm_read("pages_scanned"), p->scanned);
	*v++ = since(ksm_read("pages_skipped"), p->skipped);
	*v++ = since(kernel_stat("/proc/vmstat", "cow_ksm"), p->cow);
	*v++ = there(ksm_read("max_page_sharing"));
	*v++ = there(ksm_read("use_zero_pages"));
	*v = there(ksm_read("smart_scan"));
}

void probe_begin(struct probe *p)
{
	p->table.n = 0;
	for (int w = 0; w < WORKERS; w++)
		p->socket[w] = -1;
	if (!p->tell) {
		p->failed = step_reset(&p->ksm, &p->err);
		p->scanned = ksm_read("pages_scanned");
		p->skipped = ksm_read("pages_skipped");
		p->cow = kernel_stat("/proc/vmstat", "cow_ksm");
	}
	op_start(p, 0);
}

void probe_end(struct probe *p)
{
	if (p->tell)
		return;
	if (!p->failed)
		p->failed = ksm_alone(&p->err);
	for (int w = 0; w < WORKERS; w++)
		op_exit(p, w);
}

void table_header(void)
{
	printf("scenario\tstep\taction\tfull_scans_done");
	for (int i = 0; i < ROW_COUNTERS; i++)
		printf("\t%s", counters[i]);
	printf("\td_pages_scanned\td_pages_skipped\td_cow_ksm"
	       "\tmax_page_sharing\tuse_zero_pages\tsmart_scan"
	       "\tidentical_runs\n");
}

void table_print(const struct table *t, const char *id, int same, int runs)
{
	for (int i = 0; i < t->n; i++) {
		const struct row_taken *r = &t->row[i];

		printf("%s\t%d\t%s\t%ld", id, i, r->action, r->scans);
		for (int k = 0; k < ROW_VALUES; k++)
			if (r->value[k] == ROW_ABSENT)
				printf("\t-");
			else
				printf("\t%ld", r->value[k]);
		printf("\t%d/%d\n", same, runs);
	}
	fflush(stdout);
}
