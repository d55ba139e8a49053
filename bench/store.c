/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * store.c - puts and gets of tmem, beside a plain hash table on the same stream
 *
 * Every content has two pages.  All are put once; then pages drawn at random are
 * put and got in turn, gets taking them away.  The other way to do it is a hash
 * table from the name of a page to its content, and a count of pages by content:
 * it knows neither order, nor age, nor memory.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/bits.h"
#include "sim/base/mem.h"
#include "sim/base/prng.h"
#include "sim/core/pages.h"
#include "sim/engine/tmem/tmem.h"
#include "bench/bench.h"

#define OBJECT_SHIFT 8u /* pages of a file */
#define CALLS_PER_PAGE 2u

struct store_opts {
	uint64_t revision, pages, limit;
};

static const char *const revisions[] = {"R0", "R1", "R2", "R3", "R4", NULL};

/* clang-format off */
static const struct opt store_options[] = {
	{ OPT_CHOICE, OPT_FIELD(store_opts, revision, uint64_t),
	  .choices = revisions, .def = TMEM_R1, .help = "of tmem" },
	{ OPT_U64, OPT_FIELD(store_opts, pages, uint64_t),
	  .def = 65536, .min = 256, .max = 1 << 22, .unit = "pages",
	  .help = "that are stored at most; half as many contents" },
	{ OPT_U64, OPT_FIELD(store_opts, limit, uint64_t),
	  .max = 1000000, .unit = "ns",
	  .help = "most time per call; 0: any" },
	{ .type = OPT_END },
};
/* clang-format on */

/* Names and contents of a plain table: open addressing, linear. */
struct table {
	uint64_t *key; /* + 1; 0: empty */
	uint32_t *content, *refs;
	uint64_t slots;
	uint64_t pages, different;
};

struct work {
	struct bench *b;
	const struct store_opts *o;
	struct content_set *set;
	struct tmem *host;
	struct table table;
	struct meter meter;
	uint64_t hits, table_hits;
	uint64_t seed;
};

static const uint8_t *noise(void *self, uint32_t id, uint8_t *buf)
{
	(void)self;
	page_fill(buf, RULE_ID, id);
	return buf;
}

static uint32_t content_of(const struct work *w, uint64_t page)
{
	return 1 + (uint32_t)(page % (w->o->pages / 2));
}

/* The @i-th call: which page, and is it a put? */
static uint64_t call_of(const struct work *w, struct prng *r, uint64_t i,
			bool *put)
{
	*put = i < w->o->pages || i % 2;
	return i < w->o->pages ? i : prng_below(r, w->o->pages);
}

static uint64_t calls(const struct work *w)
{
	return w->o->pages * (1 + CALLS_PER_PAGE);
}

/* ---- ours ---- */

static int one_call(struct work *w, uint64_t page, bool put)
{
	struct tmem_call c = {
		.op = put ? TMEM_PUT : TMEM_GET,
		.client = 1,
		.oid = {page >> OBJECT_SHIFT},
		.index = (uint32_t)(page & ((1u << OBJECT_SHIFT) - 1)),
		.content = put ? content_of(w, page) : CONTENT_NONE,
	};
	int ret = tmem_call(w->host, &c, &w->meter);

	w->hits += !put && c.result == 1;
	return ret;
}

static int ours(void *ctx)
{
	struct work *w = ctx;
	struct prng r = prng_fork(w->seed, "store");
	int ret = 0;

	for (uint64_t i = 0; !ret && i < calls(w); i++) {
		bool put;
		uint64_t page = call_of(w, &r, i, &put);

		ret = one_call(w, page, put);
	}
	return ret;
}

static int host_new(struct work *w)
{
	struct tmem_config cfg = {
		.revision = (enum tmem_revision)w->o->revision,
		.dedup = true,
		.columns = {.set = w->set, .order = w->set->rank},
	};
	struct tmem_call c = {.op = TMEM_NEW_POOL, .client = 1};
	int ret;

	if (cfg.revision < TMEM_R2)
		cfg.columns.order = w->set->word_rank;
	w->hits = 0;
	meter_init(&w->meter, NULL);
	tmem_free(w->host);
	w->host = NULL;
	ret = tmem_new(&w->host, &cfg);
	return ret ? ret : tmem_call(w->host, &c, &w->meter);
}

/* ---- theirs ---- */

static uint64_t *slot_of(struct table *t, uint64_t page)
{
	uint64_t i = splitmix64(page) & (t->slots - 1);

	while (t->key[i] && t->key[i] != page + 1)
		i = (i + 1) & (t->slots - 1);
	return &t->key[i];
}

/* What follows a slot that becomes empty moves up. */
static void close_gap(struct table *t, uint64_t hole)
{
	uint64_t mask = t->slots - 1, i = hole;

	for (;;) {
		uint64_t home;

		i = (i + 1) & mask;
		if (!t->key[i])
			break;
		home = splitmix64(t->key[i] - 1) & mask;
		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->key[hole] = t->key[i];
		t->content[hole] = t->content[i];
		hole = i;
	}
	t->key[hole] = 0;
}

static void table_drop(struct table *t, uint64_t i)
{
	t->different -= --t->refs[t->content[i]] == 0;
	t->pages--;
}

static void table_call(struct work *w, uint64_t page, bool put)
{
	struct table *t = &w->table;
	uint64_t *slot = slot_of(t, page), i = (uint64_t)(slot - t->key);

	if (*slot)
		table_drop(t, i);
	if (!put) {
		w->table_hits += *slot != 0;
		if (*slot)
			close_gap(t, i);
		return;
	}
	*slot = page + 1;
	t->content[i] = content_of(w, page);
	t->different += t->refs[t->content[i]]++ == 0;
	t->pages++;
}

static int theirs(void *ctx)
{
	struct work *w = ctx;
	struct prng r = prng_fork(w->seed, "store");

	for (uint64_t i = 0; i < calls(w); i++) {
		bool put;
		uint64_t page = call_of(w, &r, i, &put);

		table_call(w, page, put);
	}
	return 0;
}

static void table_free(struct table *t)
{
	free(t->key);
	free(t->content);
	free(t->refs);
	*t = (struct table){0};
}

static int table_new(struct work *w)
{
	struct table *t = &w->table;

	table_free(t);
	t->slots = UINT64_C(2) << log2_64(w->o->pages);
	t->key = mem_zalloc(t->slots, sizeof(*t->key));
	t->content = mem_zalloc(t->slots, sizeof(*t->content));
	t->refs = mem_zalloc(w->o->pages, sizeof(*t->refs));
	w->table_hits = 0;
	return t->key && t->content && t->refs ? 0 : -ENOMEM;
}

/* ---- both ---- */

static bool right(struct work *w)
{
	const struct tmem_stats *s = &w->host->stats;
	uint64_t different =
		w->o->revision == TMEM_R4 ? s->frames.now : w->table.different;

	if (w->hits == w->table_hits && s->eph.now == w->table.pages &&
	    s->frames.now == different && !tmem_check(w->host, stderr))
		return true;
	bench_wrong(w->b,
		    "%" PRIu64 " gets found, %" PRIu64 " pages in %" PRIu64
		    " frames; the table has %" PRIu64 ", %" PRIu64
		    " and %" PRIu64,
		    w->hits, s->eph.now, s->frames.now, w->table_hits,
		    w->table.pages, w->table.different);
	return false;
}

static void add_metrics(struct work *w, const double *a, const double *b)
{
	unsigned n = w->b->rounds;
	struct metric m = {
		.kind = METRIC_NOISY,
		.unit = "ns/call",
		.cost = true,
		.ns = stats_interval(a, n, w->b->seed),
		.peer = "hash table",
		.peer_ns = stats_interval(b, n, w->b->seed),
		.ratio = stats_ratio(b, a, n, w->b->seed),
		.limit = (double)w->o->limit,
	};

	snprintf(m.name, sizeof(m.name), "%s/cpu", w->b->label);
	metrics_add(&w->b->metrics, &m);
}

/* What the host takes of our memory when all pages are in. */
static void add_bytes(struct work *w)
{
	const struct tmem_stats *s = &w->host->stats;

	bench_exact(w->b, "own_bytes_per_page", "bytes",
		    (int64_t)(tmem_own_bytes(w->host) / s->eph.max), NULL);
	bench_exact(w->b, "compares", "compares",
		    (int64_t)w->meter.count[OP_CMP], NULL);
}

static int pair(struct work *w, double *a, double *b)
{
	uint64_t t;
	int ret = host_new(w);

	if (!ret)
		ret = table_new(w);
	if (!ret)
		ret = bench_hot(w->b, ours, w, false, &t);
	if (ret)
		return ret;
	*a = (double)t / (double)calls(w);
	if (w->b->mode == BENCH_COUNT)
		return 0;
	ret = bench_hot(w->b, theirs, w, false, &t);
	*b = (double)t / (double)calls(w);
	return ret;
}

static int measure(struct work *w)
{
	unsigned rounds = w->b->mode == BENCH_TIMED ? w->b->rounds : 1;
	double a[STATS_MAX], b[STATS_MAX];
	int ret = 0;

	for (unsigned i = 0; !ret && i < rounds; i++) {
		ret = pair(w, &a[i], &b[i]);
		if (!ret && w->b->mode != BENCH_COUNT && !right(w))
			return 0;
	}
	if (!ret && w->b->mode != BENCH_COUNT)
		add_bytes(w);
	if (!ret && w->b->mode == BENCH_TIMED)
		add_metrics(w, a, b);
	return ret;
}

static int store_run(struct bench *b, const void *opts, struct err *err)
{
	struct work w = {.b = b, .o = opts, .seed = b->seed};
	struct content_source src = {
		.count = (uint32_t)(w.o->pages / 2 + 1),
		.bytes = noise,
	};
	int ret = content_set_new(&w.set, &src, NEED_PREFIX | NEED_WORD_RANK, 1,
				  err);

	if (!ret)
		ret = measure(&w);
	tmem_free(w.host);
	table_free(&w.table);
	content_set_free(w.set);
	return ret;
}

static void store_label(const void *opts, char *buf, size_t n)
{
	const struct store_opts *o = opts;

	snprintf(buf, n, "%s/%" PRIu64, revisions[o->revision], o->pages);
}

const struct experiment_ops experiment_store = {
	.name = "store",
	.summary = "puts and gets of tmem, beside a plain hash table",
	.opts = store_options,
	.opts_size = sizeof(struct store_opts),
	.label = store_label,
	.exact = true,
	.hot = true,
	.run = store_run,
};
