/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pcd.c - pages that hold the same, found by comparing whole contents
 *
 * One number is the order within a tree:
 *	kind (compressed before raw) | bytes stored | rank of the content
 * where the rank is that of words as little-endian numbers (R0, R1) or of
 * memcmp (from R2 on), or for compressed pages that of their streams as signed
 * bytes.  Two of the comparers that shipped are no order, and have a way of
 * their own: new pages are always right of truncated ones (R1 to R3), and R0
 * goes on comparing behind the ends of equal pages.
 *
 * Both ranks of a page tell where it differs first from another one, so words
 * are counted exactly, without looking at them.
 */
#include <errno.h>

#include "sim/base/bits.h"
#include "sim/base/rbtree.h"
#include "sim/engine/tmem/impl.h"

#define WORD 8u
/* Less than a 64th of a page is not worth cutting off. */
#define TZE_MAX (PAGE_BYTES - PAGE_BYTES / 64)
#define POOR_BYTES TMEM_BLOCK_MAX
/* Equal pages side by side that R0 compares before it is off mapped memory. */
#define RUN_MAX 1024u

static_assert(offsetof(struct tmem_pcd, left) == 0 &&
		      offsetof(struct tmem_pcd, up) ==
			      offsetof(struct rb_links, up),
	      "a pcd begins with its links");

/* A page on its way to a tree. */
struct fresh {
	uint64_t key, head;
	uint32_t rank; /* memcmp */
	uint32_t content;
	uint32_t frame; /* raw */
	uint16_t bytes;
	uint8_t kind, shard;
};

uint8_t tmem_shard(const struct tmem *t, uint32_t content, bool packed)
{
	const struct tmem_columns *c = &t->cfg.columns;

	return packed ? c->packed_first[content]
		      : (uint8_t)(c->set->head[content] >> 56);
}

bool tmem_is_poor(const struct tmem *t, uint32_t content)
{
	uint32_t bytes = t->cfg.columns.packed_bytes[content];

	return !bytes || bytes >= POOR_BYTES;
}

static uint64_t key_of(const struct tmem *t, uint32_t content, uint8_t kind,
		       uint32_t bytes)
{
	const struct tmem_columns *c = &t->cfg.columns;
	uint32_t rank = kind == TMEM_KIND_PACKED ? c->packed_order[content]
						 : c->order[content];

	return (uint64_t)kind << 48 | (uint64_t)bytes << 32 | rank;
}

/* What is kept of a raw page; the scan from its end is counted. */
static uint16_t tail_scan(const struct tmem *t, uint32_t content,
			  struct meter *m)
{
	uint32_t words = (t->cfg.columns.length[content] + WORD - 1u) / WORD;
	uint32_t bytes = words * WORD;

	/* It stops at the last word that is not zero. */
	meter_add(m, OP_TAIL_WORD, PAGE_WORDS - words + (words > 0));
	return (uint16_t)(bytes > TZE_MAX ? PAGE_BYTES : bytes);
}

/* ---- compares ---- */

/* Where two contents differ first, as whole words up to there. */
static uint32_t words_read(const struct tmem *t, uint32_t ra, uint32_t rb,
			   uint32_t bytes)
{
	return ra == rb ? bytes / WORD
			: content_prefix_bits(t->cfg.columns.set, ra, rb) / 64 +
				  1;
}

/* The same for bytes; nearly always the first word tells. */
static uint32_t bytes_read(const struct tmem *t, const struct fresh *x,
			   const struct tmem_pcd *y)
{
	if (x->key == y->key)
		return x->bytes;
	/* Where two streams differ is not known: taken for early. */
	if (x->kind == TMEM_KIND_PACKED)
		return 1;
	if (x->head != y->head)
		return clz64(x->head ^ y->head) / 8 + 1;
	return content_cmp_bytes(t->cfg.columns.set, x->rank, y->rank);
}

/* What comparing two pages reads; @depth: of the node in its tree. */
static void count_read(const struct tmem *t, const struct fresh *x,
		       const struct tmem_pcd *y, uint32_t depth,
		       struct meter *m)
{
	uint32_t bytes;

	if (x->bytes != y->bytes || x->kind != y->kind)
		return; /* decided by lengths or kinds */
	if (x->kind == TMEM_KIND_RAW && t->cfg.revision < TMEM_R2) {
		meter_add(m, OP_CMP_WORD,
			  x->head != y->head
				  ? 1
				  : words_read(t, x->rank, y->rank, x->bytes));
		return;
	}
	bytes = bytes_read(t, x, y);
	meter_add(m, OP_CMP_BYTES, bytes);
	if (bytes)
		meter_lines(m, ORDER_BYTES, TREE_SHARD, depth, bytes);
}

static int sign(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* Of frames side by side: CONTENT_NONE for what is not a page of tmem's. */
static uint32_t content_of_frame(const struct tmem *t, uint32_t frame)
{
	return frame < t->frames.next ? t->frames.content[frame] : CONTENT_NONE;
}

/*
 * R0 stops at the first word that differs, wherever it is, and calls two pages
 * equal when that was the one behind them.  What is not tmem's differs at once.
 */
static int unbounded(const struct tmem *t, const struct fresh *x,
		     const struct tmem_pcd *y, uint32_t depth, struct meter *m)
{
	const struct tmem_columns *c = &t->cfg.columns;
	uint32_t a = x->frame, b = y->data - 1;

	if (x->content != y->content) {
		count_read(t, x, y, depth, m);
		return sign(x->key, y->key);
	}
	meter_add(m, OP_CMP_WORD, PAGE_WORDS + 1);
	for (uint32_t page = 1;; page++) {
		uint32_t ca = content_of_frame(t, ++a);
		uint32_t cb = content_of_frame(t, ++b);

		if (ca == CONTENT_NONE || cb == CONTENT_NONE || page == RUN_MAX)
			return page == 1 ? 0 : sign(a, b);
		if (ca == cb) {
			meter_add(m, OP_CMP_WORD, PAGE_WORDS);
			continue;
		}
		if (page == 1 && c->set->head[ca] != c->set->head[cb])
			return 0;
		meter_add(m, OP_CMP_WORD,
			  words_read(t, c->set->rank[ca], c->set->rank[cb],
				     PAGE_BYTES));
		return sign(c->order[ca], c->order[cb]);
	}
}

static int compare(const struct tmem *t, const struct fresh *x,
		   const struct tmem_pcd *y, uint32_t depth, struct meter *m)
{
	if (t->bad[TMEM_BAD_COMPARE] && y->kind == TMEM_KIND_RAW)
		return unbounded(t, x, y, depth, m);
	if (t->bad[TMEM_BAD_TZE] && x->kind == TMEM_KIND_RAW &&
	    y->kind == TMEM_KIND_RAW && y->bytes < PAGE_BYTES)
		return 1;
	count_read(t, x, y, depth, m);
	return sign(x->key, y->key);
}

/* ---- trees ---- */

static struct rb_tree tree_of(const struct tmem *t, uint8_t shard)
{
	return (struct rb_tree){
		.base = t->pcd.base,
		.stride = t->pcd.size,
		.root = t->root[shard],
	};
}

/* The pcd that holds the same; 0: none, and where a new one is to hang. */
static uint32_t descend(const struct tmem *t, const struct fresh *x,
			uint32_t *parent, bool *right, struct meter *m)
{
	uint32_t i = t->root[x->shard], nodes = 0;
	int cmp = 0;

	*parent = 0;
	while (i) {
		const struct tmem_pcd *y = tmem_pcd_at(t, i);

		prefetch(tmem_pcd_at(t, y->left));
		prefetch(tmem_pcd_at(t, y->right));
		cmp = compare(t, x, y, nodes++, m);
		if (!cmp)
			break;
		*parent = i;
		i = cmp < 0 ? y->left : y->right;
	}
	*right = cmp > 0;
	meter_add(m, OP_CMP, nodes);
	meter_walk(m, TREE_SHARD, nodes);
	return i;
}

static void link_pcd(struct tmem *t, uint32_t pcd, uint32_t parent, bool right,
		     struct meter *m)
{
	uint8_t shard = tmem_pcd_at(t, pcd)->shard;
	struct rb_tree tree = tree_of(t, shard);
	uint32_t *link = &tree.root;

	if (parent)
		link = right ? &rb_at(&tree, parent)->right
			     : &rb_at(&tree, parent)->left;
	rb_insert(&tree, pcd, parent, link);
	t->root[shard] = tree.root;
	meter_add(m, OP_RB_INSERT, 1);
	meter_add(m, OP_RB_ROTATE, tree.rotations);
}

static void unlink_pcd(struct tmem *t, uint32_t pcd, struct meter *m)
{
	uint8_t shard = tmem_pcd_at(t, pcd)->shard;
	struct rb_tree tree = tree_of(t, shard);

	rb_erase(&tree, pcd);
	t->root[shard] = tree.root;
	meter_add(m, OP_RB_ERASE, 1);
	meter_add(m, OP_RB_ROTATE, tree.rotations);
}

/* ---- what is kept of a content ---- */

static int store_packed(struct tmem *t, struct fresh *x, uint32_t *data,
			struct meter *m)
{
	if (tmem_block_new(t, TMEM_HOST, TMEM_REC_BYTES, x->bytes, data, m))
		return TMEM_ENOMEM;
	meter_add(m, OP_PART_COPY_BYTES, x->bytes);
	t->stats.packed_bytes += x->bytes;
	return 0;
}

/* A page that ends in zeros: the rest of it, and its frame is free. */
static void store_truncated(struct tmem *t, struct fresh *x, uint32_t *data,
			    struct meter *m)
{
	*data = x->frame + 1;
	if (x->bytes == PAGE_BYTES) {
		t->stats.tze_bytes += PAGE_BYTES;
		return;
	}
	if (!x->bytes) {
		*data = 0;
		if (t->bad[TMEM_BAD_TZE])
			t->stats.lost_frames++;
		else
			tmem_data_frame_put(t, TMEM_HOST, x->frame, m);
		return;
	}
	if (tmem_block_new(t, TMEM_HOST, TMEM_REC_BYTES, x->bytes, data, m)) {
		x->bytes = PAGE_BYTES;
		*data = x->frame + 1;
		t->stats.tze_bytes += PAGE_BYTES;
		return;
	}
	meter_add(m, OP_PART_COPY_BYTES, x->bytes);
	t->stats.tze_bytes += x->bytes;
	tmem_data_frame_put(t, TMEM_HOST, x->frame, m);
}

static int store(struct tmem *t, struct fresh *x, uint32_t *data,
		 struct meter *m)
{
	if (x->kind == TMEM_KIND_PACKED)
		return store_packed(t, x, data, m);
	*data = x->frame + 1;
	if (t->tze)
		store_truncated(t, x, data, m);
	else if (t->cfg.compress)
		t->stats.packed_bytes += PAGE_BYTES;
	return 0;
}

/* ---- associate ---- */

static int pcd_new(struct tmem *t, struct fresh *x, uint32_t *pcd,
		   struct meter *m)
{
	uint32_t block, data;
	struct tmem_pcd *y;
	int ret;

	if (tmem_block_new(t, TMEM_HOST, TMEM_REC_PCD,
			   tmem_record_bytes(t, TMEM_REC_PCD), &block, m))
		return TMEM_ENOMEM;
	if (store(t, x, &data, m)) {
		tmem_block_free(t, TMEM_HOST, block, m);
		return TMEM_ENOMEM;
	}
	ret = arena_new(&t->pcd, pcd);
	assert(!ret);
	(void)ret;
	y = tmem_pcd_at(t, *pcd);
	y->rank = x->rank;
	y->head = x->head;
	y->key = key_of(t, x->content, x->kind, x->bytes);
	y->content = x->content;
	y->data = data;
	y->block = block;
	y->bytes = x->bytes;
	y->kind = x->kind;
	y->shard = x->shard;
	most_add(&t->stats.pcds, 1);
	return 0;
}

static struct fresh fresh_of(struct tmem *t, uint32_t page, bool packed,
			     struct meter *m)
{
	const struct tmem_page *pg = tmem_page_at(t, page);
	const struct tmem_columns *c = &t->cfg.columns;
	struct fresh x = {
		.head = c->set->head[pg->content],
		.rank = c->set->rank[pg->content],
		.content = pg->content,
		.kind = packed ? TMEM_KIND_PACKED : TMEM_KIND_RAW,
		.bytes = PAGE_BYTES,
		.shard = tmem_shard(t, pg->content, packed),
	};

	if (packed) {
		x.bytes = c->packed_bytes[x.content];
	} else {
		x.frame = pg->data - 1;
		if (t->tze)
			x.bytes = tail_scan(t, x.content, m);
	}
	x.key = key_of(t, x.content, x.kind, x.bytes);
	return x;
}

/* What a pcd that is in no tree holds, and itself; was it a whole frame? */
static bool pcd_drop(struct tmem *t, uint32_t pcd, struct meter *m)
{
	struct tmem_pcd y = *tmem_pcd_at(t, pcd);
	bool whole = y.kind == TMEM_KIND_RAW && y.bytes == PAGE_BYTES;

	if (whole)
		tmem_data_frame_put(t, TMEM_HOST, y.data - 1, m);
	else if (y.data)
		tmem_block_free(t, TMEM_HOST, y.data, m);
	if (t->tze)
		t->stats.tze_bytes -= y.bytes;
	else if (t->cfg.compress)
		t->stats.packed_bytes -= y.bytes;
	tmem_block_free(t, TMEM_HOST, y.block, m);
	arena_drop(&t->pcd, pcd);
	most_sub(&t->stats.pcds, 1);
	return whole;
}

/*
 * A new pcd goes where its page belongs.  One that could not be cut off is kept
 * whole, which is another place, where the same page may be already; as shipped
 * it stays where its shorter self would have been.
 */
static uint32_t link_where_it_belongs(struct tmem *t, const struct fresh *x,
				      uint32_t pcd, uint32_t parent, bool right,
				      struct meter *m)
{
	struct fresh whole = *x;
	uint32_t same;

	whole.key = tmem_pcd_at(t, pcd)->key;
	if (whole.key != x->key && !t->bad[TMEM_BAD_TZE]) {
		whole.bytes = PAGE_BYTES;
		same = descend(t, &whole, &parent, &right, m);
		if (same) {
			pcd_drop(t, pcd, m);
			t->stats.matched++;
			return same;
		}
	}
	link_pcd(t, pcd, parent, right, m);
	return pcd;
}

int tmem_associate(struct tmem *t, uint32_t page, bool packed, struct meter *m)
{
	struct fresh x = fresh_of(t, page, packed, m), stored = x;
	struct tmem_page *pg = tmem_page_at(t, page);
	uint32_t pcd, parent;
	bool right;

	hold(t, TMEM_LOCK_SHARD, x.shard, true);
	pcd = descend(t, &x, &parent, &right, m);
	if (pcd) {
		if (!packed)
			tmem_data_frame_put(t, TMEM_HOST, x.frame, m);
		t->stats.matched++;
	} else if (pcd_new(t, &stored, &pcd, m)) {
		t->dead[x.shard] |= t->bad[TMEM_BAD_LOCK];
		t->stuck |= t->bad[TMEM_BAD_LOCK];
		drop(t, TMEM_LOCK_SHARD, x.shard);
		return TMEM_ENOMEM;
	} else {
		pcd = link_where_it_belongs(t, &x, pcd, parent, right, m);
	}
	tmem_pcd_at(t, pcd)->refs++;
	pg->data = pcd;
	pg->shard = x.shard;
	pg->flags = (uint8_t)((pg->flags | TMEM_IN_PCD) & ~TMEM_TRIED);
	drop(t, TMEM_LOCK_SHARD, x.shard);
	return 0;
}

bool tmem_disassociate(struct tmem *t, uint32_t page, struct meter *m)
{
	struct tmem_page *pg = tmem_page_at(t, page);
	uint8_t shard = pg->shard;
	uint32_t pcd = pg->data;
	bool freed = false;

	hold(t, TMEM_LOCK_SHARD, shard, true);
	meter_add(m, OP_LIST, 1);
	pg->data = 0;
	pg->flags &= (uint8_t)~TMEM_IN_PCD;
	if (--tmem_pcd_at(t, pcd)->refs == 0) {
		unlink_pcd(t, pcd, m);
		freed = pcd_drop(t, pcd, m);
	}
	drop(t, TMEM_LOCK_SHARD, shard);
	return freed;
}

/* ---- needs ---- */

uint64_t tmem_order_need(const struct tmem_config *cfg)
{
	uint64_t need = NEED_RANK;

	if (cfg->dedup && cfg->revision < TMEM_R4) {
		need |= NEED_PREFIX;
		if (cfg->revision < TMEM_R2)
			need |= NEED_WORD_RANK;
		if (cfg->tze)
			need |= NEED_LENGTH;
	}
	return need;
}
