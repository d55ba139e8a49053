/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "sim/engine/tmem/play.h"

/* Locks that there is no end of share so many. */
#define POOL_LOCKS 1024u
#define OBJECT_LOCKS 16384u
#define BLOCK_LOCKS 64u /* 0: ephemeral pages of all clients */
#define HELD_MAX 16u

#define MILLION 1000000u

static const struct {
	const char *work, *acquired, *contended, *waited, *held;
	enum vlock_kind kind;
	uint32_t locks;
} kinds[TMEM_LOCK_KINDS] = {
#define KIND(sym, name, rw, n)                                                 \
	[TMEM_LOCK_##sym] = {name "_work_ns",                                  \
			     name "_acquired",                                 \
			     name "_contended",                                \
			     name "_waited_ns",                                \
			     name "_held_ns",                                  \
			     rw,                                               \
			     n}
	KIND(HOST, "host", VLOCK_RW, 1),
	KIND(POOL, "pool", VLOCK_RW, POOL_LOCKS),
	KIND(OBJECT, "object", VLOCK_SPIN, OBJECT_LOCKS),
	KIND(SHARD, "shard", VLOCK_RW, TMEM_SHARDS),
	KIND(LISTS, "lists", VLOCK_SPIN, 1),
	KIND(BLOCKS, "allocator", VLOCK_SPIN, BLOCK_LOCKS),
	KIND(FRAMES, "free_list", VLOCK_SPIN, 1),
#undef KIND
};

/* A lock that the present call holds. */
struct held {
	uint8_t kind; /* enum tmem_lock */
	bool write;
	uint32_t which, lock;
};

struct tmem_play {
	struct tmem_play_config cfg;
	struct tmem_trace trace;
	struct vsched *sched;
	struct vscript script;
	uint32_t first[TMEM_LOCK_KINDS]; /* number of the first such lock */
	ns_t now;
	const struct meter *meter;
	/* The present call. */
	uint64_t spent; /* up to the last step */
	uint64_t began;
	struct held held[HELD_MAX];
	uint32_t nheld;
	uint32_t client;
	bool calling; /* locks outside of calls are the toolstack's */
	bool written; /* a script waits to be handed in */
	/* Processors that are free, in order; when. */
	uint32_t *free_cpu;
	ns_t *free_at;
	uint32_t free_from, nfree;
	uint64_t *doing; /* by processor: work of the call it is at, 0: none */
	struct tmem_work work;
};

/* ---- a call becomes a script ---- */

/* Work up to here, under what is held. */
static void worked(struct tmem_play *p)
{
	uint64_t now = meter_spent(p->meter).v, ns = now - p->spent;

	p->spent = now;
	if (!ns)
		return;
	vscript_run(&p->script, NS(ns));
	p->work.ns += ns;
	for (uint32_t i = 0; i < p->nheld; i++) {
		const struct held *h = &p->held[i];

		p->work.held[h->kind] += ns;
		if (h->kind == TMEM_LOCK_BLOCKS && !h->which)
			p->work.blocks += ns;
		if (h->kind == TMEM_LOCK_HOST && h->write)
			p->work.host_write += ns;
		if (h->kind != TMEM_LOCK_SHARD)
			continue;
		p->work.shard_ns[h->which] += ns;
		p->work.shard_read_ns[h->which] += h->write ? 0 : ns;
	}
}

static void let_go(struct tmem_play *p, uint32_t i)
{
	vscript_unlock(&p->script, p->held[i].lock);
	p->nheld--;
	for (; i < p->nheld; i++)
		p->held[i] = p->held[i + 1];
}

static bool holds(const struct tmem_play *p, enum tmem_lock kind)
{
	for (uint32_t i = 0; i < p->nheld; i++)
		if (p->held[i].kind == kind)
			return true;
	return false;
}

static bool writes(const struct tmem_play *p, enum tmem_lock kind)
{
	for (uint32_t i = 0; i < p->nheld; i++)
		if (p->held[i].kind == kind)
			return p->held[i].write;
	return false;
}

static void heard_begin(void *ctx, const struct tmem_call *call)
{
	struct tmem_play *p = ctx;

	p->calling = true;
	vscript_clear(&p->script);
	p->nheld = 0;
	p->client = call->client;
	p->spent = p->began = meter_spent(p->meter).v;
}

static void heard_lock(void *ctx, enum tmem_lock kind, uint32_t which,
		       bool write)
{
	struct tmem_play *p = ctx;
	uint32_t lock = p->first[kind] + which % kinds[kind].locks;

	if (!p->calling)
		return;
	worked(p);
	/* Eviction only tries these. */
	if (holds(p, TMEM_LOCK_LISTS) &&
	    (kind == TMEM_LOCK_POOL || kind == TMEM_LOCK_OBJECT ||
	     kind == TMEM_LOCK_SHARD))
		return;
	for (uint32_t i = p->nheld; i-- > 0;) {
		/* Two of a call may have one number. */
		if (p->held[i].lock == lock)
			return;
		if (kind == TMEM_LOCK_OBJECT &&
		    p->held[i].kind == TMEM_LOCK_POOL)
			let_go(p, i);
	}
	assert(p->nheld < HELD_MAX);
	if (kind == TMEM_LOCK_SHARD)
		p->work.shard_calls[which % TMEM_SHARDS]++;
	p->held[p->nheld++] = (struct held){(uint8_t)kind, write, which, lock};
	vscript_lock(&p->script, lock,
		     write || kinds[kind].kind == VLOCK_SPIN ? VLOCK_WRITE
							     : VLOCK_READ);
}

static void heard_unlock(void *ctx, enum tmem_lock kind, uint32_t which)
{
	struct tmem_play *p = ctx;

	if (!p->calling)
		return;
	worked(p);
	/* Whoever enters by the host's lock for writing keeps it to the end. */
	if (kind == TMEM_LOCK_HOST && writes(p, kind))
		return;
	for (uint32_t i = p->nheld; i-- > 0;)
		if (p->held[i].kind == kind && p->held[i].which == which) {
			let_go(p, i);
			return;
		}
}

static void heard_end(void *ctx, const struct tmem_call *call)
{
	struct tmem_play *p = ctx;

	(void)call;
	worked(p);
	while (p->nheld) /* a shard whose lock is never dropped is dead */
		let_go(p, p->nheld - 1);
	p->work.calls++;
	p->calling = false;
	p->written = true;
}

/* ---- processors ---- */

static int give(struct tmem_play *p, uint32_t cpu, ns_t now)
{
	int ret = vsched_submit(p->sched, cpu, ns_add(now, p->cfg.think),
				&p->script);

	if (ret)
		return ret;
	p->written = false;
	p->doing[cpu] = p->spent - p->began;
	return 0;
}

/* A processor has nothing to do: it gets the call that waits, or waits for one. */
static int is_free(void *ctx, uint32_t cpu, ns_t now)
{
	struct tmem_play *p = ctx;
	uint32_t at;

	p->doing[cpu] = 0;
	if (p->written)
		return give(p, cpu, now);
	at = (p->free_from + p->nfree++) % p->cfg.cpus;
	p->free_cpu[at] = cpu;
	p->free_at[at] = now;
	return 0;
}

static int hand_in_closed(struct tmem_play *p)
{
	uint32_t at = p->free_from;
	int ret = 0;

	if (p->nfree) {
		p->free_from = (at + 1) % p->cfg.cpus;
		p->nfree--;
		return give(p, p->free_cpu[at], p->free_at[at]);
	}
	while (!ret && p->written) {
		const struct evq_entry *e = evq_peek(&p->sched->queue);

		/* Somebody is at work, or all wait for each other. */
		if (!e)
			return -EDEADLK;
		ret = vsched_advance(p->sched, ns_add(e->time, NS(1)));
	}
	return ret;
}

int tmem_play_called(struct tmem_play *p)
{
	if (!p->written)
		return 0;
	if (p->cfg.closed)
		return hand_in_closed(p);
	p->written = false;
	return vsched_submit(p->sched, p->client % p->cfg.cpus, p->now,
			     &p->script);
}

int tmem_play_at(struct tmem_play *p, ns_t now, const struct meter *m)
{
	p->meter = m;
	if (p->cfg.closed || !ns_before(p->now, now))
		return 0;
	p->now = now;
	return vsched_advance(p->sched, now);
}

int tmem_play_drain(struct tmem_play *p)
{
	return vsched_drain(p->sched);
}

/* ---- life ---- */

static int make_sched(struct tmem_play *p)
{
	enum vlock_kind *kind;
	uint32_t n = 0;
	int ret;

	for (unsigned k = 0; k < TMEM_LOCK_KINDS; k++) {
		p->first[k] = n;
		n += kinds[k].locks;
	}
	kind = mem_zalloc(n, sizeof(*kind));
	if (!kind)
		return -ENOMEM;
	n = 0;
	for (unsigned k = 0; k < TMEM_LOCK_KINDS; k++)
		for (uint32_t i = 0; i < kinds[k].locks; i++)
			kind[n++] = kinds[k].kind;
	ret = vsched_new(&p->sched, p->cfg.cpus, n, kind);
	free(kind);
	return ret;
}

int tmem_play_new(struct tmem_play **out, const struct tmem_play_config *cfg)
{
	struct tmem_play *p = mem_zalloc(1, sizeof(*p));
	int ret;

	if (!p)
		return -ENOMEM;
	p->cfg = *cfg;
	p->trace = (struct tmem_trace){
		.begin = heard_begin,
		.lock = heard_lock,
		.unlock = heard_unlock,
		.end = heard_end,
		.ctx = p,
	};
	p->free_cpu = mem_zalloc(cfg->cpus, sizeof(*p->free_cpu));
	p->free_at = mem_zalloc(cfg->cpus, sizeof(*p->free_at));
	p->doing = mem_zalloc(cfg->cpus, sizeof(*p->doing));
	ret = p->free_cpu && p->free_at && p->doing ? make_sched(p) : -ENOMEM;
	if (ret) {
		tmem_play_free(p);
		return ret;
	}
	if (cfg->closed) {
		p->sched->idle = is_free;
		p->sched->ctx = p;
		for (uint32_t i = 0; i < cfg->cpus; i++)
			is_free(p, i, NS(0));
	}
	*out = p;
	return 0;
}

void tmem_play_free(struct tmem_play *p)
{
	if (!p)
		return;
	vsched_free(p->sched);
	vscript_fini(&p->script);
	free(p->free_cpu);
	free(p->free_at);
	free(p->doing);
	free(p);
}

const struct tmem_trace *tmem_play_trace(const struct tmem_play *p)
{
	return &p->trace;
}

/* ---- results ---- */

const struct tmem_work *tmem_play_work(const struct tmem_play *p)
{
	return &p->work;
}

/* @a / @b in millionths; 0 when @b is. */
static uint64_t millionths(uint64_t a, uint64_t b)
{
	while (a > UINT64_MAX / MILLION) {
		a >>= 1;
		b >>= 1;
	}
	return b ? a * MILLION / b : 0;
}

uint64_t tmem_play_speedup(const struct tmem_play *p)
{
	uint64_t done = p->work.ns;

	for (uint32_t i = 0; i < p->cfg.cpus; i++)
		done -= p->doing[i];
	return millionths(done, p->sched->now.v);
}

/* @shard: work that only one processor can do at a time */
static uint64_t bound(const struct tmem_play *p, uint64_t shard)
{
	const struct tmem_work *w = &p->work;
	const uint64_t at[] = {(w->ns + p->cfg.cpus - 1) / p->cfg.cpus,
			       w->blocks,
			       w->held[TMEM_LOCK_FRAMES],
			       w->held[TMEM_LOCK_LISTS],
			       w->host_write,
			       shard};
	uint64_t most = 0;

	for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		if (at[i] > most)
			most = at[i];
	return millionths(w->ns, most);
}

uint64_t tmem_play_bound(const struct tmem_play *p)
{
	uint64_t most = 0;

	for (unsigned b = 0; b < TMEM_SHARDS; b++) {
		uint64_t read = p->work.shard_read_ns[b];
		uint64_t ns = p->work.shard_ns[b] - read + read / p->cfg.cpus;

		if (ns > most)
			most = ns;
	}
	return bound(p, most);
}

/* Locks of the heaviest shard of a million that were taken. */
static uint64_t heaviest(const struct tmem_play *p)
{
	uint64_t all = 0, most = 0;

	for (unsigned b = 0; b < TMEM_SHARDS; b++) {
		all += p->work.shard_calls[b];
		if (p->work.shard_calls[b] > most)
			most = p->work.shard_calls[b];
	}
	return millionths(most, all);
}

uint64_t tmem_play_bound_mean(const struct tmem_play *p)
{
	uint64_t ns = p->work.held[TMEM_LOCK_SHARD], share = heaviest(p);

	return bound(p, ns / MILLION * share + ns % MILLION * share / MILLION);
}

struct lock_sum {
	uint64_t acquired, contended, waited, held;
};

static struct lock_sum sum_locks(const struct tmem_play *p, uint32_t first,
				 uint32_t n)
{
	struct lock_sum s = {0};

	for (uint32_t i = first; i < first + n; i++) {
		const struct vlock *l = &p->sched->lock[i];

		s.acquired += l->acquired;
		s.contended += l->contended;
		s.waited += l->waited.v;
		s.held += l->held.v;
	}
	return s;
}

static void report_kind(const struct tmem_play *p, unsigned k, struct rows *out)
{
	struct lock_sum s = sum_locks(p, p->first[k], kinds[k].locks);

	rows_add(out, "tmem_work", kinds[k].work, "ns",
		 (int64_t)p->work.held[k]);
	rows_add(out, "tmem_work", kinds[k].acquired, "times",
		 (int64_t)s.acquired);
	rows_add(out, "tmem_work", kinds[k].contended, "times",
		 (int64_t)s.contended);
	rows_add(out, "tmem_work", kinds[k].waited, "ns", (int64_t)s.waited);
	rows_add(out, "tmem_work", kinds[k].held, "ns", (int64_t)s.held);
}

static void report_shard(const struct tmem_play *p, unsigned b,
			 struct rows *out)
{
	struct lock_sum s = sum_locks(p, p->first[TMEM_LOCK_SHARD] + b, 1);
	int32_t i = (int32_t)b;

	if (!p->work.shard_calls[b])
		return;
	rows_add_at(out, "tmem_shard", "work_ns", i, "ns",
		    (int64_t)p->work.shard_ns[b]);
	rows_add_at(out, "tmem_shard", "acquired", i, "times",
		    (int64_t)s.acquired);
	rows_add_at(out, "tmem_shard", "contended", i, "times",
		    (int64_t)s.contended);
	rows_add_at(out, "tmem_shard", "waited_ns", i, "ns", (int64_t)s.waited);
	rows_add_at(out, "tmem_shard", "held_ns", i, "ns", (int64_t)s.held);
}

void tmem_play_report(const struct tmem_play *p, struct rows *out)
{
	vsched_report(p->sched, out);
	rows_add(out, "vcpu", "played_ns", "ns", (int64_t)p->sched->now.v);
	rows_add(out, "tmem_work", "calls", "calls", (int64_t)p->work.calls);
	rows_add(out, "tmem_work", "work_ns", "ns", (int64_t)p->work.ns);
	for (unsigned k = 0; k < TMEM_LOCK_KINDS; k++)
		report_kind(p, k, out);
	if (p->cfg.closed) {
		rows_add(out, "tmem_work", "speedup", "1/1000000",
			 (int64_t)tmem_play_speedup(p));
		rows_add(out, "tmem_work", "speedup_bound", "1/1000000",
			 (int64_t)tmem_play_bound(p));
		rows_add(out, "tmem_work", "speedup_bound_mean", "1/1000000",
			 (int64_t)tmem_play_bound_mean(p));
		rows_add(out, "tmem_work", "heaviest_shard", "1/1000000",
			 (int64_t)heaviest(p));
	}
	for (unsigned b = 0; b < TMEM_SHARDS; b++)
		report_shard(p, b, out);
}

int tmem_play_check(const struct tmem_play *p, FILE *why)
{
	return vsched_check(p->sched, why);
}
