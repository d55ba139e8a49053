/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stats.c - the figures, as the old tool printed them and as rows
 */
#include <inttypes.h>

#include "sim/engine/tmem/impl.h"

/* ---- time ---- */

uint64_t tmem_time_begin(const struct tmem *t, const struct meter *m)
{
	return t->cfg.timings ? meter_spent(m).v : 0;
}

void tmem_time_end(struct tmem *t, enum tmem_timed what, uint64_t from,
		   const struct meter *m)
{
	struct tmem_time *x = &t->time[what];
	uint64_t ns = t->cfg.timings ? meter_spent(m).v - from : 0;

	if (!x->n || ns < x->min)
		x->min = ns;
	if (ns > x->max)
		x->max = ns;
	x->sum += ns;
	x->n++;
}

/* ---- what is used ---- */

uint64_t tmem_frames_used(const struct tmem *t)
{
	uint64_t frames = t->stats.frames.now + t->blocks->frames;

	for (size_t i = 0; i < t->client_cap; i++) {
		const struct tmem_client *c;

		if (!t->client_of[i])
			continue;
		c = tmem_client_at(t, t->client_of[i]);
		frames += c->blocks ? c->blocks->frames : 0;
	}
	return frames;
}

static uint64_t arena_bytes(const struct arena *a)
{
	return (uint64_t)a->used * a->size;
}

uint64_t tmem_own_bytes(const struct tmem *t)
{
	return sizeof(*t) + arena_bytes(&t->page) + arena_bytes(&t->pcd) +
	       arena_bytes(&t->object) + arena_bytes(&t->node) +
	       arena_bytes(&t->pool) + arena_bytes(&t->client) +
	       arena_bytes(&t->block) +
	       (uint64_t)t->frames.next * 3 * sizeof(uint32_t) +
	       (uint64_t)t->buckets * sizeof(uint32_t);
}

/* ---- lines ---- */

#define U ":%" PRIu64

static void print_global(const struct tmem *t, FILE *out)
{
	const struct tmem_stats *s = &t->stats;

	fprintf(out, "G=Tt" U ",Te" U ",Cf" U ",Af" U ",Pf" U ",Ta" U, s->ops,
		s->errors, s->failed_copies, s->failed_blocks, s->failed_frames,
		(uint64_t)t->frames.listed);
	/* Lm and Fp were printed and never counted. */
	fprintf(out, ",Lm:0,Et" U ",Ea" U ",Rt" U ",Ra" U ",Rx" U ",Fp:0",
		s->evicted, s->evict_calls, s->relinquished,
		s->relinquish_calls, s->relinquish_most);
	fprintf(out, ",Ec" U ",Em" U ",Oc" U ",Om" U ",Nc" U ",Nm" U,
		s->eph.now, s->eph.max, s->objects.now, s->objects.max,
		s->nodes.now, s->nodes.max);
	fprintf(out, ",Pc" U ",Pm" U, s->pages.now, s->pages.max);
	if (t->cfg.revision < TMEM_R4) {
		fprintf(out, ",Fc" U ",Fm" U ",Sc" U ",Sm" U, s->frames.now,
			s->frames.max, s->pcds.now, s->pcds.max);
		fprintf(out, ",Ep" U ",Gd" U ",Zt" U ",Gz" U, s->good_eph_puts,
			s->matched, s->tze_bytes, s->packed_bytes);
	}
	fputc('\n', out);
}

static void print_times(const struct tmem *t, FILE *out)
{
	static const char letter[TMEM_T_COUNT] = {'G', 'P', 'g', 'p', 'F',
						  'O', 'C', 'c', 'd'};

	fputs("T=", out);
	for (unsigned i = 0; i < TMEM_T_COUNT; i++) {
		const struct tmem_time *x = &t->time[i];
		char c = letter[i];

		fprintf(out, "%s%cn" U ",%ct" U ",%cx" U ",%cm" U, i ? "," : "",
			c, x->n, c, x->sum, c, x->max, c, x->min);
	}
	fputc('\n', out);
}

static void print_client(const struct tmem_client *c, FILE *out)
{
	fprintf(out,
		"C=CI:%" PRIu32 ",ww:%" PRIu32 ",ca:%" PRIu32
		",co:%d,fr:%d,Tc" U,
		c->id, c->weight, c->cap, c->compress, c->frozen, c->spent);
	fprintf(out, ",Ge" U ",Pp" U ",Gp" U ",Ec" U ",Em" U, c->eph_gets,
		c->pers_puts, c->pers_gets, c->eph.now, c->eph.max);
	fprintf(out, ",cp:%" PRId64 ",cb:%" PRId64 ",cn" U ",cm" U "\n",
		c->packed, c->packed_bytes, c->poor, c->no_mem);
}

static void print_pool_stats(const struct tmem_pool *p, FILE *out)
{
	const struct tmem_pool_stats *s = &p->stats;

	fprintf(out, ",Pc" U ",Pm" U ",Oc" U ",Om" U ",Nc" U ",Nm" U,
		s->pages.now, s->pages.max, s->objects.now, s->objects.max,
		s->nodes.now, s->nodes.max);
	fprintf(out, ",ps" U ",pt" U ",pd" U ",pr" U ",px" U ",gs" U ",gt" U,
		s->puts_good, s->puts, s->dup_flushed, s->dup_replaced,
		s->no_mem, s->gets_found, s->gets);
	fprintf(out, ",fs" U ",ft" U ",os" U ",ot" U "\n", s->flushes_found,
		s->flushes, s->objects_found, s->object_flushes);
}

static void print_type(const struct tmem_pool *p, FILE *out)
{
	fprintf(out, ",PT:%c%c,U0:%" PRIx64 ",U1:%" PRIx64,
		p->persistent ? 'P' : 'E', p->shared ? 'S' : 'P', p->uuid[0],
		p->uuid[1]);
}

/* A client and its own pools; the shared ones have lines of their own. */
static void print_client_lines(const struct tmem *t, uint32_t client, FILE *out)
{
	const struct tmem_client *c = tmem_client_at(t, client);

	print_client(c, out);
	for (uint32_t id = 0; id < TMEM_POOLS; id++) {
		const struct tmem_pool *p = tmem_pool_at(t, c->pool[id]);

		if (!c->pool[id] || p->shared)
			continue;
		fprintf(out, "P=CI:%" PRIu32 ",PI:%" PRIu32, c->id, id);
		print_type(p, out);
		print_pool_stats(p, out);
	}
}

static void print_shared(const struct tmem *t, uint32_t number,
			 const struct tmem_pool *p, FILE *out)
{
	fprintf(out, "S=SI:%" PRIu32, number);
	print_type(p, out);
	for (size_t i = 0; i < p->sharers; i++)
		fprintf(out, ",SC:%" PRIu32,
			tmem_client_at(t, p->sharer[i].client)->id);
	print_pool_stats(p, out);
}

void tmem_list(const struct tmem *t, FILE *out)
{
	uint32_t number = 0;

	print_global(t, out);
	print_times(t, out);
	for (size_t i = 0; i < t->client_cap; i++)
		if (t->client_of[i])
			print_client_lines(t, t->client_of[i], out);
	for (uint32_t i = 1; i <= t->pool.used; i++) {
		const struct tmem_pool *p = tmem_pool_at(t, i);

		if (p->used && p->shared)
			print_shared(t, number++, p, out);
	}
}

/* ---- rows ---- */

static void row(struct rows *out, const char *name, const char *unit,
		uint64_t value)
{
	rows_add(out, "tmem", name, unit, (int64_t)value);
}

static void report_most(struct rows *out, const char *name, const char *peak,
			const char *unit, const struct tmem_most *m)
{
	row(out, name, unit, m->now);
	row(out, peak, unit, m->max);
}

static void report_contents(const struct tmem *t, struct rows *out)
{
	const struct tmem_stats *s = &t->stats;

	row(out, "good_eph_puts", "pages", s->good_eph_puts);
	row(out, "deduped_puts", "pages", s->matched);
	row(out, "tze_bytes", "bytes", s->tze_bytes);
	row(out, "compressed_bytes", "bytes", s->packed_bytes);
	row(out, "record_bytes", "bytes", s->meta_bytes);
	row(out, "part_bytes", "bytes", s->data_bytes);
	row(out, "frames_used", "frames", tmem_frames_used(t));
	row(out, "frames_listed", "frames", t->frames.listed);
	row(out, "frames_lost", "frames", s->lost_frames);
}

void tmem_report(const struct tmem *t, struct rows *out)
{
	const struct tmem_stats *s = &t->stats;

	row(out, "operations", "calls", s->ops);
	row(out, "errors", "calls", s->errors);
	row(out, "puts", "pages", s->puts);
	row(out, "puts_stored", "pages", s->puts_stored);
	row(out, "gets", "pages", s->gets);
	row(out, "gets_found", "pages", s->gets_found);
	report_most(out, "eph_pages", "eph_pages_peak", "pages", &s->eph);
	report_most(out, "pages", "pages_peak", "pages", &s->pages);
	report_most(out, "objects", "objects_peak", "objects", &s->objects);
	report_most(out, "radix_nodes", "radix_nodes_peak", "nodes", &s->nodes);
	report_most(out, "frames", "frames_peak", "frames", &s->frames);
	report_most(out, "pcds", "pcds_peak", "pages", &s->pcds);
	report_contents(t, out);
	row(out, "evict_calls", "calls", s->evict_calls);
	row(out, "evicted", "pages", s->evicted);
	row(out, "evicted_last", "pages", s->freeing_evictions);
	row(out, "failed_frames", "frames", s->failed_frames);
	row(out, "failed_blocks", "blocks", s->failed_blocks);
	row(out, "relinquished", "frames", s->relinquished);
}
