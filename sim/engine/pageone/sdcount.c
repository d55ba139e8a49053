/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "sim/base/prng.h"
#include "sim/engine/pageone/sdcount_impl.h"

const char *const sd_clusters_name[] = {
#define X(sym, name) [SD_CLUSTERS_##sym] = name,
	SD_CLUSTERS(X)
#undef X
	[SD_CLUSTERS_COUNT] = NULL,
};

int sdcount_new(struct sdcount **out, const struct sdcount_conf *conf)
{
	struct sdcount *c = mem_zalloc(1, sizeof(*c));
	int ret;

	if (!c)
		return -ENOMEM;
	c->conf = *conf;
	c->conf.sample = conf->sample ? conf->sample : 1;
	c->conf.refuse = conf->refuse ? conf->refuse : SD_P1_REFUSE;
	c->conf.divide = conf->divide ? conf->divide : SD_P1_DIVIDE;
	c->conf.move = conf->move ? conf->move : SD_P1_MOVE;
	ret = sdshape_init(&c->lower, conf->contents, PAGE_BITS);
	if (!ret)
		ret = sd_clusters_make(c);
	if (ret) {
		sdcount_free(c);
		return ret;
	}
	*out = c;
	return 0;
}

void sdcount_free(struct sdcount *c)
{
	if (!c)
		return;
	sdshape_fini(&c->lower);
	sdshape_fini(&c->upper);
	mem_release(c->cluster, c->cluster_cap, sizeof(*c->cluster));
	free(c);
}

/* ---- which operations are looked at ---- */

/* One in each stretch of `sample`, at a place drawn for it. */
static bool drawn(struct sdcount *c, enum sd_op op)
{
	struct sd_sample *s = &c->sample[op];
	uint64_t at = s->turn++ % c->conf.sample;

	if (!at)
		s->place = splitmix64(c->conf.seed ^ splitmix64(s->turn) ^
				      (uint64_t)op << 56) %
			   c->conf.sample;
	return at == s->place;
}

static bool look(struct sdcount *c, enum sd_op op)
{
	if (c->conf.sample == 1 || c->objects <= c->conf.exact_objects)
		return true;
	return drawn(c, op) || !c->sample[op].held.searches;
}

/* What a search touched becomes what the next ones are taken to touch. */
static void hold(struct sdcount *c, enum sd_op op, const struct sd_counts *n)
{
	struct sd_sample *s = &c->sample[op];
	uint64_t x = n->visits + n->rep_visits;

	s->held = *n;
	if (c->conf.sample == 1 || c->objects <= c->conf.exact_objects)
		return;
	s->looked++;
	s->sum += x;
	s->squares += x * x;
}

/* ---- operations ---- */

void sd_counts_add(struct sd_counts *to, const struct sd_counts *n)
{
	to->searches += n->searches;
	to->visits += n->visits;
	to->rep_visits += n->rep_visits;
	to->pages += n->pages;
	to->cmp_bits += n->cmp_bits;
	to->scan_bits += n->scan_bits;
	to->map_loads += n->map_loads;
	to->cas += n->cas;
	to->vec_new += n->vec_new;
	to->vec_free += n->vec_free;
	to->hdr_new += n->hdr_new;
	to->hdr_free += n->hdr_free;
}

/* The search for the cluster. */
static void cost_upper(struct sdcount *c, uint32_t rank, struct sd_counts *n)
{
	const struct content_set *set = c->conf.contents;
	struct sd_counts s = {0};

	if (c->conf.clusters == SD_CLUSTERS_SINGLE)
		return;
	if (c->conf.clusters == SD_CLUSTERS_P1) {
		sd_counts_add(n, &c->p1[set->head[set->by_rank[rank]] >> 56]);
		return;
	}
	sdshape_find(&c->upper, c->upper_root, rank);
	sdshape_cost(&c->upper, &s);
	s.map_loads = s.visits + s.rep_visits; /* it is small */
	sd_counts_add(n, &s);
}

/* The search in it, for what sdshape_find() has just looked for. */
static void cost_lower(struct sdcount *c, const struct cluster *k,
		       struct sd_counts *n)
{
	struct sd_counts s = {0};
	uint64_t pages = sd_cluster_pages(k), loads;

	sdshape_cost(&c->lower, &s);
	loads = pages + (pages > SD_DIRECT ? pages - SD_DIRECT : 0) +
		(pages > SD_INDIRECT ? pages - SD_INDIRECT : 0);
	s.map_loads = ((s.visits + s.rep_visits) * loads + pages / 2) / pages;
	sd_counts_add(n, &s);
}

void sd_cluster_resize(struct cluster *k, const struct sd_counts *n)
{
	k->vectors += (uint32_t)(n->vec_new - n->vec_free);
	k->objects += (uint32_t)(n->hdr_new - n->hdr_free);
	if (k->vectors > k->vectors_peak)
		k->vectors_peak = k->vectors;
	if (k->objects > k->objects_peak)
		k->objects_peak = k->objects;
}

static int change(struct sdcount *c, enum sd_op op, struct cluster *k,
		  struct sd_done *out)
{
	struct sd_counts n = {0};
	uint32_t word = 0;
	int ret = 0;

	if (op == SD_OP_NEW)
		ret = sdshape_insert(&c->lower, &n, &word);
	else
		sdshape_remove(&c->lower, &n, &word);
	if (ret)
		return ret;
	sd_cluster_resize(k, &n);
	c->objects += n.hdr_new;
	c->objects -= n.hdr_free;
	out->word = word;
	sd_counts_add(&out->n, &n);
	return 0;
}

/* Both levels, for a key that is to be looked for in cluster @k. */
static void cost(struct sdcount *c, const struct cluster *k, uint32_t rank,
		 struct sd_counts *n)
{
	cost_upper(c, rank, n);
	cost_lower(c, k, n);
}

int sd_cluster_op(struct sdcount *c, enum sd_op op, struct cluster *k,
		  uint32_t rank, struct sd_counts *search, struct sd_done *out)
{
	bool changes = op == SD_OP_NEW || op == SD_OP_LAST, found;
	int ret = 0;

	if (search || changes) {
		found = sdshape_find(&c->lower, k->root, rank);
		assert(found == (op != SD_OP_NEW));
	}
	if (search)
		cost(c, k, rank, search);
	if (changes) {
		ret = change(c, op, k, out);
	} else {
		out->word = SD_WORD_COUNT | rank;
		out->n.cas++;
	}
	if (search && op == SD_OP_LAST) {
		/* Once more, to clear away what is invalid. */
		sdshape_find(&c->lower, k->root, rank);
		cost(c, k, rank, search);
	}
	return ret;
}

bool sdcount_refuses(const struct sdcount *c, uint32_t id)
{
	return c->conf.clusters == SD_CLUSTERS_P1 &&
	       sd_cluster_of(c, c->conf.contents->rank[id])->objects >=
		       c->conf.refuse;
}

int sdcount_op(struct sdcount *c, enum sd_op op, uint32_t id,
	       struct sd_done *out)
{
	uint32_t rank = c->conf.contents->rank[id];
	struct cluster *k = sd_cluster_of(c, rank);
	struct sd_counts search = {0};
	int ret;

	*out = (struct sd_done){.word = 0};
	if (op == SD_OP_NEW && sdcount_refuses(c, id)) {
		cost_upper(c, rank, &out->n);
		out->sampled = true;
		return -ENOSPC;
	}
	out->sampled = look(c, op);
	ret = sd_cluster_op(c, op, k, rank, out->sampled ? &search : NULL, out);
	if (ret)
		return ret;
	if (out->sampled)
		hold(c, op, &search);
	sd_counts_add(&out->n, &c->sample[op].held);
	return 0;
}

void sdcount_warm(const struct sdcount *c, const uint32_t *id, unsigned n)
{
	uint32_t root[SDSHAPE_WARM], rank[SDSHAPE_WARM];

	for (unsigned i = 0; i < n; i++) {
		rank[i] = c->conf.contents->rank[id[i]];
		root[i] = sd_cluster_of(c, rank[i])->root;
	}
	sdshape_warm(&c->lower, root, rank, n);
}

void sdcount_meter(struct sdcount *c, struct meter *m,
		   const struct sd_counts *n)
{
	uint64_t bits = c->spare_bits + n->cmp_bits + n->scan_bits;

	c->spare_bits = (uint32_t)(bits % 8);
	meter_add(m, OP_SD_SEARCH, n->searches);
	meter_add(m, OP_SD_VISIT, n->visits);
	meter_add(m, OP_SD_REP_VISIT, n->rep_visits);
	meter_add(m, OP_SD_PAGE, n->pages);
	meter_add(m, OP_SD_BYTES, bits / 8);
	meter_add(m, OP_SD_CAS, n->cas);
	meter_add(m, OP_SD_PIECE,
		  n->vec_new + n->vec_free + n->hdr_new + n->hdr_free);
}

/* ---- how far off ---- */

static double root_of(double x)
{
	double r = x > 1 ? x : 1;

	for (int i = 0; i < 200; i++)
		r = (r + x / r) / 2;
	return r;
}

/*
 * Of n values each stands for g operations, g being `sample` on average and
 * drawn with variance (sample^2 - 1) / 6: the variance of the sum is that of
 * the values times n times the mean of g^2.
 */
uint32_t sdcount_error(const struct sdcount *c)
{
	double s = c->conf.sample, sum = 0, variance = 0;
	double square = s * s + (s * s - 1) / 6;

	for (int op = 0; op < SD_OP_COUNT; op++) {
		const struct sd_sample *x = &c->sample[op];
		double n = (double)x->looked, mean;

		if (x->looked < 2)
			continue;
		mean = (double)x->sum / n;
		variance += square * n *
			    ((double)x->squares / n - mean * mean) * n /
			    (n - 1);
		sum += s * (double)x->sum;
	}
	if (sum <= 0 || variance <= 0)
		return 0;
	return (uint32_t)(root_of(variance) / sum * 1e6 + 0.5);
}
