/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of stored contents.  What an operation changes is done by the set of
 * sdtree.h, at once; what the original's tree would have looked at and swapped
 * is added to the meter.
 */
#include <errno.h>

#include "sim/base/prng.h"
#include "sim/engine/pageone/pageone.h"

int pone_store_open(struct pageone *p)
{
	struct sdtree_conf conf = {
		.contents = p->contents,
		.max_objects = p->contents->count,
	};
	int ret = sdtree_new(&p->tree, &conf);

	if (!ret)
		ret = sdtree_join(p->tree, &p->thread);
	return ret;
}

void pone_store_close(struct pageone *p)
{
	if (p->thread)
		sdtree_part(p->thread);
	sdtree_free(p->tree);
}

/*
 * Has another thread swapped the same word while this operation was on its way?
 * Operations of one slice follow one another at the pace of late.
 */
static bool met(struct pageone *p, uint64_t word, uint32_t worker, uint64_t at,
		uint64_t window)
{
	struct pone_recent *r = &p->recent[splitmix64(word) % PONE_RECENT];
	bool was = r->word == word && r->worker != worker && r->at <= at &&
		   at - r->at < window;

	*r = (struct pone_recent){word, at, worker};
	return was;
}

/* The edge that a key hangs on, told from its place among those stored. */
static uint64_t edge(const struct pageone *p, uint32_t content)
{
	return 1 + (uint64_t)p->contents->rank[content] * p->objects /
			   p->contents->count;
}

static uint64_t word_of_count(uint32_t content)
{
	return UINT64_C(1) << 40 | content;
}

/* What the operation of @what looked at, and whether it had to be repeated. */
static void count(struct pageone *p, enum sd_what what, uint32_t content,
		  uint32_t worker, ns_t now, struct meter *m)
{
	uint64_t word =
		what == SD_DOES_NEW ? edge(p, content) : word_of_count(content);
	struct sdtree_stats now_at = *sdtree_stats(p->thread);
	uint64_t visits = now_at.nodes - p->stats.nodes, window, times = 1;

	/* Only the last step of a search is open to others who swap a count;
	 * an edge was read when the search passed it. */
	window = what == SD_DOES_NEW ? p->op_ns : p->op_ns / (visits + 1);
	if (met(p, word, worker, now.v, window)) {
		meter_add(m, OP_SD_CAS_FAIL, 1);
		times++;
	}
	meter_add(m, OP_SD_SEARCH, times);
	meter_add(m, OP_SD_VISIT, times * visits);
	meter_add(m, OP_SD_PAGE, times * (now_at.compares - p->stats.compares));
	meter_add(m, OP_SD_CAS, now_at.cas_ok - p->stats.cas_ok);
	p->stats = now_at;
}

int pone_store_insert(struct pageone *p, uint32_t content, uint32_t f,
		      uint32_t worker, ns_t now, uint32_t *stored,
		      struct meter *m)
{
	struct sd_key key = {.rank = p->contents->rank[content]};
	int ret = sdtree_insert(p->thread, key, f, stored);

	if (ret < 0)
		return ret;
	p->refs++;
	if (ret == SD_NEW && ++p->objects > p->objects_peak)
		p->objects_peak = p->objects;
	count(p, ret == SD_NEW ? SD_DOES_NEW : SD_DOES_DUP, content, worker,
	      now, m);
	return ret;
}

int pone_store_delete(struct pageone *p, uint32_t content, uint32_t worker,
		      ns_t now, struct meter *m)
{
	struct sd_key key = {.rank = p->contents->rank[content]};
	uint32_t f, share;
	int ret = sdtree_delete(p->thread, key, &f);

	if (ret < 0)
		return ret;
	p->refs--;
	p->objects -= ret == SD_LAST;
	count(p, ret == SD_LAST ? SD_DOES_LAST : SD_DOES_LESS, content, worker,
	      now, m);
	if (ret != SD_LAST || pone_state(p, f) != PONE_FIX)
		return 0;
	share = p->owner[f];
	pone_forget(p, f);
	meter_add(m, OP_STATE_CHANGE, 1);
	if (machine_release_share(p->machine, share))
		meter_add(m, OP_FRAME_FREE, 1);
	return 0;
}

uint64_t pone_store_bytes(const struct pageone *p)
{
	uint64_t words = (p->frames + PONE_MAP_FRAMES - 1) / PONE_MAP_FRAMES;

	/* 28.6 bytes per object is what random pages take; until the shape is
	 * counted. */
	return PONE_MAPS * words * 8 + p->objects * 29;
}
