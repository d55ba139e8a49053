/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check.c - everything once more, by walking it
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sim/base/rbtree.h"
#include "sim/engine/tmem/impl.h"

/* What a walk over everything counts. */
struct census {
	const struct tmem *t;
	FILE *why;
	uint32_t *refs; /* by pcd: pages that were found to share it */
	uint64_t pages, eph, objects, nodes, pcds, frames;
	uint64_t tze_bytes, packed_bytes, records, parts;
};

static int wrong(const struct census *c, const char *what, uint64_t found,
		 uint64_t counted)
{
	return err_why(c->why, "tmem",
		       "%s: %" PRIu64 " found, %" PRIu64 " counted", what,
		       found, counted);
}

static void count_block(struct census *c, uint32_t block)
{
	const struct tmem_block *b = block_at(c->t, block);

	if (b->data)
		c->parts += b->bytes + TMEM_HEADER;
	else
		c->records += b->bytes + TMEM_HEADER;
}

/* ---- pages ---- */

static int check_page(struct census *c, uint32_t page, bool persistent)
{
	const struct tmem *t = c->t;
	const struct tmem_page *pg = tmem_page_at(t, page);

	c->pages++;
	count_block(c, pg->block);
	if (!pg->data || !(pg->flags & TMEM_LISTED) != persistent)
		return err_why(c->why, "tmem",
			       "page %" PRIu32 " holds nothing, or is on a "
			       "wrong list",
			       page);
	c->eph += !persistent;
	if (pg->flags & TMEM_IN_PCD) {
		const struct tmem_pcd *y = tmem_pcd_at(t, pg->data);

		if (persistent || y->content != pg->content ||
		    y->shard != pg->shard ||
		    !(pg->flags & TMEM_PACKED) != (y->kind == TMEM_KIND_RAW))
			return err_why(c->why, "tmem",
				       "page %" PRIu32
				       " shares what it does not hold",
				       page);
		c->refs[pg->data]++;
	} else if (pg->flags & TMEM_PACKED) {
		count_block(c, pg->data);
	} else {
		c->frames++;
		if (t->frames.content[pg->data - 1] != pg->content)
			return err_why(c->why, "tmem",
				       "page %" PRIu32
				       " is not what its frame holds",
				       page);
	}
	return 0;
}

static int check_object(struct census *c, uint32_t object, bool persistent,
			uint32_t *pages, uint32_t *nodes)
{
	const struct tmem_object *o = tmem_object_at(c->t, object);

	*nodes = tmem_radix_count(c->t, object, pages);
	if (*nodes != o->nodes || *pages != o->pages || !*pages)
		return wrong(c, "pages of an object", *pages, o->pages);
	c->nodes += *nodes;
	c->objects++;
	count_block(c, o->block);
	(void)persistent;
	return 0;
}

static int check_pool(struct census *c, uint32_t pool)
{
	const struct tmem_pool *p = tmem_pool_at(c->t, pool);
	uint64_t objects = 0, all = 0, all_nodes = 0;
	uint32_t prev = 0, pages, nodes;

	for (uint32_t i = p->objects.next; i;
	     i = tmem_object_at(c->t, i)->in.next) {
		struct meter m;
		int ret;

		meter_init(&m, NULL);
		if (tmem_object_at(c->t, i)->pool != pool ||
		    tmem_object_at(c->t, i)->in.prev != prev ||
		    tmem_object_find(c->t, pool, tmem_object_at(c->t, i)->oid,
				     &m) != i ||
		    objects > c->t->object.count)
			return err_why(c->why, "tmem",
				       "object %" PRIu32
				       " is not found by its name",
				       i);
		ret = check_object(c, i, p->persistent, &pages, &nodes);
		if (ret)
			return ret;
		objects++;
		all += pages;
		all_nodes += nodes;
		prev = i;
	}
	if (objects != p->stats.objects.now)
		return wrong(c, "objects of a pool", objects,
			     p->stats.objects.now);
	if (all != p->stats.pages.now)
		return wrong(c, "pages of a pool", all, p->stats.pages.now);
	if (all_nodes != p->stats.nodes.now)
		return wrong(c, "nodes of a pool", all_nodes,
			     p->stats.nodes.now);
	return 0;
}

/* Pages below a node, which radix_count() has found to be a tree. */
static int check_pages_below(struct census *c, uint32_t x, uint32_t level,
			     bool persistent)
{
	const struct tmem_node *n;
	int ret = 0;

	if (!level)
		return check_page(c, x, persistent);
	n = tmem_node_at(c->t, x);
	count_block(c, n->block);
	for (uint32_t i = 0; !ret && i < TMEM_SLOTS; i++)
		if (n->slot[i])
			ret = check_pages_below(c, n->slot[i], level - 1,
						persistent);
	return ret;
}

static int check_pools(struct census *c)
{
	const struct tmem *t = c->t;
	uint64_t pools = 0;

	for (uint32_t i = 1; i <= t->pool.used; i++) {
		const struct tmem_pool *p = tmem_pool_at(t, i);
		int ret;

		if (!p->used)
			continue;
		pools++;
		ret = check_pool(c, i);
		for (uint32_t o = p->objects.next; !ret && o;
		     o = tmem_object_at(t, o)->in.next)
			ret = check_pages_below(c, tmem_object_at(t, o)->root,
						tmem_object_at(t, o)->height,
						p->persistent);
		if (ret)
			return ret;
	}
	return pools == t->pool.count ? 0
				      : wrong(c, "pools", pools, t->pool.count);
}

/* ---- lists ---- */

static uint64_t list_length(const struct tmem *t, enum tmem_list l,
			    uint32_t head)
{
	uint64_t n = 0;
	uint32_t p = head;

	do {
		uint32_t next = tmem_page_at(t, p)->link[l].next;

		if (tmem_page_at(t, next)->link[l].prev != p ||
		    n > t->page.count)
			return UINT64_MAX;
		p = next;
		n++;
	} while (p != head);
	return n - 1;
}

static int check_clients(struct census *c)
{
	const struct tmem *t = c->t;
	uint64_t listed = 0, eph = 0, weights = 0;

	for (size_t i = 0; i < t->client_cap; i++) {
		const struct tmem_client *x;
		uint64_t n;

		if (!t->client_of[i])
			continue;
		x = tmem_client_at(t, t->client_of[i]);
		n = list_length(t, TMEM_OWN, x->head);
		if (n == UINT64_MAX ||
		    (!t->bad[TMEM_BAD_OWNER] && n != x->eph.now))
			return wrong(c, "pages on a client's list", n,
				     x->eph.now);
		listed += n;
		eph += x->eph.now;
		weights += x->weight;
		if (x->blocks && tmem_blocks_check(t, x->blocks, c->why))
			return -EINVAL;
	}
	if (listed != c->eph || eph != c->eph)
		return wrong(c, "pages on clients' lists", listed, eph);
	if (weights != t->weights)
		return wrong(c, "weights", weights, t->weights);
	if (list_length(t, TMEM_ALL, t->head) != c->eph)
		return wrong(c, "pages on the list of all",
			     list_length(t, TMEM_ALL, t->head), c->eph);
	return 0;
}

/* ---- trees ---- */

static int check_pcd(struct census *c, uint32_t pcd, uint64_t shard)
{
	const struct tmem *t = c->t;
	const struct tmem_pcd *y = tmem_pcd_at(t, pcd);
	bool whole = y->kind == TMEM_KIND_RAW && y->bytes == PAGE_BYTES;

	if (!y->refs || y->refs != c->refs[pcd] || y->shard != shard)
		return wrong(c, "pages that share a content", c->refs[pcd],
			     y->refs);
	if (tmem_shard(t, y->content, y->kind == TMEM_KIND_PACKED) != shard)
		return err_why(c->why, "tmem",
			       "pcd %" PRIu32 " of another shard", pcd);
	c->pcds++;
	c->frames += whole;
	count_block(c, y->block);
	if (!whole && y->data)
		count_block(c, y->data);
	if (t->tze)
		c->tze_bytes += y->bytes;
	else if (t->cfg.compress)
		c->packed_bytes += y->bytes;
	if (whole && t->frames.content[y->data - 1] != y->content)
		return err_why(c->why, "tmem",
			       "pcd %" PRIu32 " is not what its frame holds",
			       pcd);
	return 0;
}

static int check_tree(struct census *c, uint32_t shard)
{
	const struct tmem *t = c->t;
	const struct rb_tree tree = {.base = t->pcd.base,
				     .stride = t->pcd.size,
				     .root = t->root[shard]};
	bool ordered = !t->bad[TMEM_BAD_COMPARE] && !t->bad[TMEM_BAD_TZE];
	uint32_t prev = 0;
	int ret = rb_check(&tree, c->why);

	for (uint32_t i = rb_first(&tree); !ret && i; i = rb_next(&tree, i)) {
		ret = check_pcd(c, i, shard);
		if (!ret && ordered && prev &&
		    tmem_pcd_at(t, prev)->key >= tmem_pcd_at(t, i)->key)
			ret = err_why(c->why, "tmem",
				      "tree %" PRIu32 " is out of order",
				      shard);
		prev = i;
	}
	return ret;
}

static int check_trees(struct census *c)
{
	int ret = 0;

	for (uint32_t s = 0; !ret && s < TMEM_SHARDS; s++)
		ret = check_tree(c, s);
	return ret;
}

/* ---- sums ---- */

static int check_frames(struct census *c)
{
	const struct tmem *t = c->t;
	const struct tmem_frames *f = &t->frames;
	uint64_t known =
		tmem_frames_used(t) + f->listed + f->returned + f->away;

	if (known != f->next)
		return wrong(c, "frames anywhere", known, f->next);
	for (uint32_t i = 0; i < f->listed; i++)
		if (f->list[i] >= f->next)
			return wrong(c, "number of a frame", f->list[i],
				     f->next);
	return tmem_blocks_check(t, t->blocks, c->why);
}

static int check_sums(struct census *c)
{
	const struct tmem_stats *s = &c->t->stats;
	const struct {
		const char *what;
		uint64_t found, counted;
	} sums[] = {
		{"pages", c->pages, s->pages.now},
		{"ephemeral pages", c->eph, s->eph.now},
		{"objects", c->objects, s->objects.now},
		{"radix nodes", c->nodes, s->nodes.now},
		{"pcds", c->pcds, s->pcds.now},
		{"frames", c->frames + s->lost_frames, s->frames.now},
		{"bytes under TZE", c->tze_bytes, s->tze_bytes},
		{"bytes under compression", c->packed_bytes, s->packed_bytes},
		{"bytes of records", c->records, s->meta_bytes},
		{"bytes of parts", c->parts, s->data_bytes},
	};

	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++)
		if (sums[i].found != sums[i].counted)
			return wrong(c, sums[i].what, sums[i].found,
				     sums[i].counted);
	return 0;
}

int tmem_check(const struct tmem *t, FILE *why)
{
	struct census c = {.t = t, .why = why};
	int ret = -ENOMEM;

	c.refs = mem_zalloc((size_t)t->pcd.used + 1, sizeof(*c.refs));
	if (!c.refs)
		return ret;
	ret = check_pools(&c);
	if (!ret)
		ret = check_clients(&c);
	if (!ret)
		ret = check_trees(&c);
	if (!ret)
		ret = check_sums(&c);
	if (!ret)
		ret = check_frames(&c);
	free(c.refs);
	return ret;
}
