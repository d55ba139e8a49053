/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "sim/engine/pageone/sdcount_impl.h"

#define BLOCK_BYTES 32u
#define BLOCK_VECTORS (BLOCK_BYTES / SD_VEC_BYTES)
#define BLOCK_HEADERS (BLOCK_BYTES / SD_HDR_BYTES)
#define PAGE_BLOCKS (PAGE_BYTES / BLOCK_BYTES)
/* A boundary's header also names its cluster, a vector and its key. */
#define BOUNDARY_BYTES (SD_HDR_BYTES + 24u)

static int add_cluster(struct sdcount *c, uint32_t at, uint32_t end)
{
	struct cluster k = {.end = end, .vectors = 1, .vectors_peak = 1};
	int ret = mem_reserve(&c->cluster, &c->cluster_cap, c->clusters + 1u,
			      sizeof(k));

	if (!ret)
		ret = sdshape_root(&c->lower, &k.root);
	if (ret)
		return ret;
	memmove(c->cluster + at + 1, c->cluster + at,
		(c->clusters - at) * sizeof(k));
	c->cluster[at] = k;
	c->clusters++;
	return 0;
}

struct cluster *sd_cluster_of(const struct sdcount *c, uint32_t rank)
{
	uint32_t lo = 0, hi = c->clusters - 1;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (rank < c->cluster[mid].end)
			hi = mid;
		else
			lo = mid + 1;
	}
	return &c->cluster[lo];
}

/* ---- balanced: boundaries are contents, at equal distances ---- */

static int make_balanced(struct sdcount *c)
{
	uint32_t count = c->conf.contents->count, word;
	uint32_t n = count < SD_P1_CLUSTERS ? count : SD_P1_CLUSTERS;
	struct sd_counts unused = {0};
	int ret = sdshape_init(&c->upper, c->conf.contents, PAGE_BITS);

	if (!ret)
		ret = sdshape_root(&c->upper, &c->upper_root);
	for (uint64_t i = 1; !ret && i <= n; i++) {
		uint32_t end = (uint32_t)(i * count / n);

		ret = add_cluster(c, c->clusters, end);
		if (!ret && !sdshape_find(&c->upper, c->upper_root, end - 1))
			ret = sdshape_insert(&c->upper, &unused, &word);
	}
	return ret;
}

/* ---- p1: boundaries are 0, a first byte and zeros, and all ones ---- */

/* Contents 1 … 255: byte and zeros; 256: ones; from 257 on, for each byte, a
 * key that begins with it and is no boundary. */
static const uint8_t *p1_bytes(void *self, uint32_t id, uint8_t *buf)
{
	(void)self;
	memset(buf, id == 256 ? 0xff : 0, PAGE_BYTES);
	if (id < 256)
		buf[0] = (uint8_t)id;
	if (id > 256) {
		buf[0] = (uint8_t)(id - 257);
		buf[1] = 0x80;
	}
	return buf;
}

static int p1_upper(struct sdcount *c, const struct content_set *set,
		    struct sdshape *s)
{
	struct sd_counts unused = {0};
	uint32_t root, word;
	int ret = sdshape_root(s, &root);

	for (uint32_t id = 0; !ret && id < SD_P1_CLUSTERS; id++)
		if (!sdshape_find(s, root, set->rank[id]))
			ret = sdshape_insert(s, &unused, &word);
	for (uint32_t b = 0; !ret && b < 256; b++) {
		struct sd_counts *n = &c->p1[b];

		sdshape_find(s, root, set->rank[257 + b]);
		sdshape_cost(s, n);
		n->map_loads = n->visits + n->rep_visits;
	}
	return ret;
}

/* How many contents are not greater than the byte and zeros. */
static uint32_t p1_end(struct sdcount *c, uint32_t byte)
{
	const struct content_set *set = c->conf.contents;
	uint64_t head = (uint64_t)byte << 56;
	uint32_t lo = 0, hi = set->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (set->head[set->by_rank[mid]] >= head)
			hi = mid;
		else
			lo = mid + 1;
	}
	if (lo < set->count && set->head[set->by_rank[lo]] == head &&
	    sdshape_first_one(&c->lower, lo, 8) == PAGE_BITS)
		lo++;
	return lo;
}

static int make_p1(struct sdcount *c)
{
	struct content_source src = {.count = 257 + 256, .bytes = p1_bytes};
	struct content_set *set;
	struct sdshape s;
	int ret =
		content_set_new(&set, &src, NEED_PREFIX | NEED_BYTES, 1, NULL);

	if (ret)
		return ret;
	ret = sdshape_init(&s, set, PAGE_BITS);
	if (!ret) {
		ret = p1_upper(c, set, &s);
		sdshape_fini(&s);
	}
	content_set_free(set);
	for (uint32_t b = 0; !ret && b < 256; b++)
		ret = add_cluster(c, b, p1_end(c, b));
	if (!ret)
		ret = add_cluster(c, 256, c->conf.contents->count);
	return ret;
}

int sd_clusters_make(struct sdcount *c)
{
	if (c->conf.clusters == SD_CLUSTERS_BALANCED)
		return make_balanced(c);
	if (c->conf.clusters == SD_CLUSTERS_P1)
		return make_p1(c);
	return add_cluster(c, 0, c->conf.contents->count);
}

/* ---- division ---- */

/* Move one key; both operations are those that anybody would do. */
static int move_one(struct sdcount *c, uint32_t rank, uint32_t from,
		    uint32_t to, struct sd_counts *n)
{
	struct sd_done out = {.word = 0}, in = {.word = 0};
	int ret = sd_cluster_op(c, SD_OP_NEW, &c->cluster[to], rank, n, &in);

	if (!ret)
		ret = sd_cluster_op(c, SD_OP_LAST, &c->cluster[from], rank, n,
				    &out);
	sd_counts_add(n, &in.n);
	sd_counts_add(n, &out.n);
	return ret;
}

static int divide(struct sdcount *c, uint32_t at, const uint32_t *rank,
		  uint32_t n, struct sd_counts *cost)
{
	int ret = add_cluster(c, at, at ? c->cluster[at - 1].end : 0);

	for (uint32_t i = 0; !ret && i < n; i++) {
		ret = move_one(c, rank[i], at + 1, at, cost);
		if (!ret)
			c->cluster[at].end = rank[i] + 1;
	}
	return ret;
}

int sdcount_divide(struct sdcount *c, struct sd_counts *n)
{
	uint32_t at = 0, *rank;
	int64_t found;
	int ret;

	while (at < c->clusters && c->cluster[at].objects < c->conf.divide)
		at++;
	if (at == c->clusters)
		return 0;
	rank = mem_zalloc(c->conf.move, sizeof(*rank));
	if (!rank)
		return -ENOMEM;
	found = sdshape_lowest(&c->lower, c->cluster[at].root, rank,
			       c->conf.move);
	ret = found < 0 ? (int)found : divide(c, at, rank, (uint32_t)found, n);
	free(rank);
	return ret ? ret : 1;
}

/* ---- memory ---- */

static uint64_t blocks_of(const struct cluster *k)
{
	return (k->vectors_peak + BLOCK_VECTORS - 1) / BLOCK_VECTORS +
	       (k->objects_peak + BLOCK_HEADERS - 1) / BLOCK_HEADERS;
}

uint64_t sd_cluster_pages(const struct cluster *k)
{
	return (blocks_of(k) + PAGE_BLOCKS - 1) / PAGE_BLOCKS;
}

static uint64_t table_pages(uint64_t pages)
{
	uint64_t n = pages > SD_DIRECT;

	if (pages > SD_INDIRECT)
		n += 1 + (pages - SD_INDIRECT + SD_TABLE - 1) / SD_TABLE;
	return n;
}

void sdcount_memory(const struct sdcount *c, struct sd_memory *m)
{
	*m = (struct sd_memory){.clusters = c->clusters};
	for (uint32_t i = 0; i < c->clusters; i++) {
		const struct cluster *k = &c->cluster[i];
		uint64_t pages = sd_cluster_pages(k);

		m->objects += k->objects;
		m->vectors += k->vectors;
		m->block_bytes += blocks_of(k) * BLOCK_BYTES;
		m->page_bytes += (pages + table_pages(pages)) * PAGE_BYTES;
		if (k->objects > m->fullest)
			m->fullest = k->objects;
	}
	m->bytes = m->vectors * SD_VEC_BYTES + m->objects * SD_HDR_BYTES;
	if (c->conf.clusters != SD_CLUSTERS_SINGLE)
		m->bytes += (uint64_t)c->clusters * BOUNDARY_BYTES;
}
