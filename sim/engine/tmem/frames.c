/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frames.c - frames of the host, and blocks of frames
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sim/base/bits.h"
#include "sim/engine/tmem/impl.h"

uint32_t tmem_record_bytes(const struct tmem *t, enum tmem_record r)
{
	enum tmem_revision rev = t->cfg.revision;

	switch (r) {
	case TMEM_REC_PAGE:
		return rev == TMEM_R4 ? 72 : 88;
	case TMEM_REC_OBJECT: /* longer names of objects came after 4.1 */
		return rev <= TMEM_R1 ? 80 : 128;
	case TMEM_REC_NODE:
		return 528;
	case TMEM_REC_PCD:
		return 56;
	case TMEM_REC_BYTES:
	case TMEM_REC_FRAME:
	case TMEM_REC_ANY:
	case TMEM_REC_COUNT:
		break;
	}
	return 0;
}

void tmem_fail_next(struct tmem *t, enum tmem_record record, uint32_t n)
{
	t->fail[record] = n;
}

bool tmem_fails(struct tmem *t, enum tmem_record r)
{
	bool fails = t->fail[r] && --t->fail[r] == 0;

	return (t->fail[TMEM_REC_ANY] && --t->fail[TMEM_REC_ANY] == 0) || fails;
}

/* ---- frames ---- */

bool tmem_host_has(const struct tmem *t)
{
	return t->frames.host_free > t->frames.reserve;
}

static uint32_t from_host(struct tmem_frames *f)
{
	if (f->host_free != UINT64_MAX)
		f->host_free--;
	return f->returned ? f->back[--f->returned] : f->next++;
}

int tmem_frame_get(struct tmem *t, uint32_t client, uint32_t *frame,
		   struct meter *m)
{
	struct tmem_client *c = client ? tmem_client_at(t, client) : NULL;
	struct tmem_frames *f = &t->frames;
	bool there;

	if (c && c->ram + c->frames >= c->max_pages)
		return TMEM_ENOMEM;
	hold(t, TMEM_LOCK_FRAMES, 0, true);
	meter_add(m, OP_FRAME_LIST, 1);
	there = f->listed || tmem_host_has(t);
	if (there)
		*frame = f->listed ? f->list[--f->listed] : from_host(f);
	drop(t, TMEM_LOCK_FRAMES, 0);
	if (!there)
		return TMEM_ENOMEM;
	if (c)
		c->frames++;
	f->content[*frame] = CONTENT_NONE;
	return 0;
}

void tmem_frame_put(struct tmem *t, uint32_t client, uint32_t frame,
		    struct meter *m)
{
	hold(t, TMEM_LOCK_FRAMES, 0, true);
	meter_add(m, OP_FRAME_LIST, 1);
	t->frames.list[t->frames.listed++] = frame;
	drop(t, TMEM_LOCK_FRAMES, 0);
	if (client)
		tmem_client_at(t, client)->frames--;
}

int tmem_data_frame_get(struct tmem *t, uint32_t client, uint32_t *frame,
			struct meter *m)
{
	if (tmem_fails(t, TMEM_REC_FRAME) ||
	    tmem_frame_get(t, client, frame, m)) {
		t->stats.failed_frames++;
		return TMEM_ENOMEM;
	}
	most_add(&t->stats.frames, 1);
	return 0;
}

void tmem_data_frame_put(struct tmem *t, uint32_t client, uint32_t frame,
			 struct meter *m)
{
	most_sub(&t->stats.frames, 1);
	tmem_frame_put(t, client, frame, m);
}

/* ---- blocks ---- */

/* The class a block of @bytes is kept in. */
static void class_of(uint32_t bytes, uint32_t *first, uint32_t *second)
{
	uint32_t log = log2_64(bytes);

	if (bytes < 128) {
		*first = 0;
		*second = bytes / 4;
		return;
	}
	*first = log - 6;
	*second = (bytes >> (log - 5)) - BLOCK_SECOND;
}

/* What is really asked for: every block of its class is long enough. */
static uint32_t round_up(uint32_t bytes)
{
	uint32_t step;

	bytes = bytes < 16 ? 16 : (bytes + 15) & ~15u;
	if (bytes < 128)
		return bytes;
	step = (1u << (log2_64(bytes) - 5)) - 1;
	return (bytes + step) & ~step;
}

static void class_add(const struct tmem *t, struct tmem_blocks *b,
		      uint32_t block)
{
	struct tmem_block *x = block_at(t, block);
	uint32_t i, k;

	class_of(x->bytes, &i, &k);
	x->is_free = true;
	x->prev = 0;
	x->next = b->head[i][k];
	if (x->next)
		block_at(t, x->next)->prev = block;
	b->head[i][k] = block;
	b->map[i] |= UINT32_C(1) << k;
}

static void class_remove(const struct tmem *t, struct tmem_blocks *b,
			 uint32_t block)
{
	struct tmem_block *x = block_at(t, block);
	uint32_t i, k;

	class_of(x->bytes, &i, &k);
	if (x->next)
		block_at(t, x->next)->prev = x->prev;
	if (x->prev)
		block_at(t, x->prev)->next = x->next;
	else
		b->head[i][k] = x->next;
	if (!b->head[i][k])
		b->map[i] &= ~(UINT32_C(1) << k);
	x->is_free = false;
}

static uint32_t class_find(const struct tmem_blocks *b, uint32_t bytes)
{
	uint32_t i, k, map;

	class_of(bytes, &i, &k);
	if (i >= BLOCK_FIRST)
		return 0;
	map = b->map[i] & (UINT32_MAX << k);
	while (!map && ++i < BLOCK_FIRST)
		map = b->map[i];
	return map ? b->head[i][ctz64(map)] : 0;
}

static uint32_t block_record(struct tmem *t)
{
	uint32_t i;
	int ret = arena_new(&t->block, &i);

	assert(!ret); /* tmem_room() has made room */
	(void)ret;
	return i;
}

static int grow(struct tmem *t, struct tmem_blocks *b, struct meter *m)
{
	uint32_t frame, i;

	if (tmem_frame_get(t, b->owner, &frame, m))
		return TMEM_ENOMEM;
	i = block_record(t);
	*block_at(t, i) =
		(struct tmem_block){.frame = frame, .bytes = TMEM_BLOCK_MAX};
	if (!b->first)
		b->first = frame + 1;
	b->frames++;
	class_add(t, b, i);
	return 0;
}

static void split(struct tmem *t, struct tmem_blocks *b, uint32_t block,
		  uint32_t bytes)
{
	uint32_t left = block_at(t, block)->bytes - bytes, rest;
	struct tmem_block *x, *y;

	if (left < TMEM_HEADER + 16)
		return;
	rest = block_record(t);
	x = block_at(t, block);
	y = block_at(t, rest);
	*y = (struct tmem_block){
		.frame = x->frame,
		.before = block,
		.behind = x->behind,
		.bytes = (uint16_t)(left - TMEM_HEADER),
	};
	if (y->behind)
		block_at(t, y->behind)->before = rest;
	x->behind = rest;
	x->bytes = (uint16_t)bytes;
	class_add(t, b, rest);
}

static struct tmem_blocks *blocks_of(const struct tmem *t, uint32_t client)
{
	return client ? tmem_client_at(t, client)->blocks : t->blocks;
}

static int take(struct tmem *t, struct tmem_blocks *b, uint32_t bytes,
		uint32_t *block, struct meter *m)
{
	bytes = round_up(bytes);
	if (bytes > TMEM_BLOCK_MAX)
		return TMEM_ENOMEM;
	*block = class_find(b, bytes);
	if (!*block) {
		if (grow(t, b, m))
			return TMEM_ENOMEM;
		*block = class_find(b, bytes);
	}
	class_remove(t, b, *block);
	split(t, b, *block, bytes);
	b->used++;
	return 0;
}

int tmem_block_new(struct tmem *t, uint32_t client, enum tmem_record r,
		   uint32_t bytes, uint32_t *block, struct meter *m)
{
	struct tmem_blocks *b = blocks_of(t, client);
	uint64_t takes;
	int ret = TMEM_ENOMEM;

	hold(t, TMEM_LOCK_BLOCKS, client, true);
	meter_add(m, OP_BLOCK, 1);
	if (!tmem_fails(t, r))
		ret = take(t, b, bytes, block, m);
	drop(t, TMEM_LOCK_BLOCKS, client);
	if (ret) {
		t->stats.failed_blocks++;
		return ret;
	}
	block_at(t, *block)->data = r == TMEM_REC_BYTES;
	takes = block_at(t, *block)->bytes + TMEM_HEADER;
	if (r == TMEM_REC_BYTES)
		t->stats.data_bytes += takes;
	else
		t->stats.meta_bytes += takes;
	return 0;
}

/* @block takes in the block behind it; neither is in a class. */
static void absorb(struct tmem *t, uint32_t block)
{
	struct tmem_block *x = block_at(t, block);
	uint32_t next = x->behind;
	struct tmem_block *y = block_at(t, next);

	x->bytes = (uint16_t)(x->bytes + TMEM_HEADER + y->bytes);
	x->behind = y->behind;
	if (x->behind)
		block_at(t, x->behind)->before = block;
	arena_drop(&t->block, next);
}

/* With its free neighbours; returns the block that has all. */
static uint32_t join(struct tmem *t, struct tmem_blocks *b, uint32_t block)
{
	uint32_t behind = block_at(t, block)->behind;
	uint32_t before = block_at(t, block)->before;

	if (behind && block_at(t, behind)->is_free) {
		class_remove(t, b, behind);
		absorb(t, block);
	}
	if (!before || !block_at(t, before)->is_free)
		return block;
	class_remove(t, b, before);
	absorb(t, before);
	return before;
}

void tmem_block_free(struct tmem *t, uint32_t client, uint32_t block,
		     struct meter *m)
{
	struct tmem_blocks *b = blocks_of(t, client);
	struct tmem_block *x = block_at(t, block);
	uint64_t takes = x->bytes + TMEM_HEADER;

	if (x->data)
		t->stats.data_bytes -= takes;
	else
		t->stats.meta_bytes -= takes;
	hold(t, TMEM_LOCK_BLOCKS, client, true);
	meter_add(m, OP_BLOCK, 1);
	b->used--;
	block = join(t, b, block);
	x = block_at(t, block);
	if (x->bytes == TMEM_BLOCK_MAX && x->frame + 1 != b->first) {
		uint32_t frame = x->frame;

		arena_drop(&t->block, block);
		b->frames--;
		tmem_frame_put(t, client, frame, m);
	} else {
		class_add(t, b, block);
	}
	drop(t, TMEM_LOCK_BLOCKS, client);
}

void tmem_blocks_end(struct tmem *t, uint32_t client, struct meter *m)
{
	struct tmem_blocks *b = blocks_of(t, client);
	uint32_t block = class_find(b, TMEM_BLOCK_MAX);

	assert(!b->used && b->frames <= 1);
	if (!b->first)
		return;
	class_remove(t, b, block);
	arena_drop(&t->block, block);
	tmem_frame_put(t, client, b->first - 1, m);
	b->first = 0;
	b->frames = 0;
}

/* ---- room ---- */

static int more(struct arena *a, uint32_t n)
{
	size_t need = (size_t)a->used + n + 2;

	if (likely(need <= a->cap))
		return 0;
	return mem_reserve(&a->base, &a->cap, need, a->size);
}

int tmem_room(struct tmem *t)
{
	struct tmem_frames *f = &t->frames;
	size_t frames = (size_t)f->next + TMEM_CALL_BLOCKS + 1;

	if (more(&t->page, 1) || more(&t->pcd, 1) || more(&t->object, 1) ||
	    more(&t->node, TMEM_CALL_NODES) ||
	    more(&t->block, 2 * TMEM_CALL_BLOCKS) || tmem_buckets_room(t))
		return -ENOMEM;
	if (unlikely(frames > f->content_cap) &&
	    mem_reserve(&f->content, &f->content_cap, frames,
			sizeof(*f->content)))
		return -ENOMEM;
	if (unlikely(frames > f->list_cap) &&
	    mem_reserve(&f->list, &f->list_cap, frames, sizeof(*f->list)))
		return -ENOMEM;
	if (unlikely(frames > f->back_cap) &&
	    mem_reserve(&f->back, &f->back_cap, frames, sizeof(*f->back)))
		return -ENOMEM;
	return 0;
}

int tmem_blocks_check(const struct tmem *t, const struct tmem_blocks *b,
		      FILE *why)
{
	for (uint32_t i = 0; i < BLOCK_FIRST; i++)
		for (uint32_t k = 0; k < BLOCK_SECOND; k++) {
			uint32_t x = b->head[i][k], n = 0;

			if (!x != !(b->map[i] >> k & 1))
				return err_why(why, "tmem",
					       "class %u.%u is mapped wrongly",
					       i, k);
			for (; x && n <= t->block.used; n++) {
				const struct tmem_block *y = block_at(t, x);
				uint32_t ci, ck;

				class_of(y->bytes, &ci, &ck);
				if (!y->is_free || ci != i || ck != k ||
				    (y->next &&
				     block_at(t, y->next)->prev != x))
					return err_why(why, "tmem",
						       "free block %" PRIu32
						       " is in a wrong class",
						       x);
				x = y->next;
			}
		}
	return 0;
}
