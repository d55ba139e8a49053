/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of stored contents.  What an operation changes is done by the set of
 * sdtree.h, at once; what the original's tree would have looked at and swapped
 * is added to the meter.
 */
#include <errno.h>

#include "sim/base/prng.h"
#include "sim/engine/pageone/pageone.h"

int pone_store_open(struct pageone *p, uint64_t seed)
{
	const struct sdtree_conf set = {
		.contents = p->contents,
		.max_objects = p->contents->count,
	};
	const struct sdcount_conf count = {
		.contents = p->contents,
		.clusters = (enum sd_clusters)p->opt.clusters,
		.exact_objects = p->opt.exact_objects,
		.sample = (uint32_t)p->opt.sample,
		.seed = seed,
	};
	int ret = sdtree_new(&p->tree, &set);

	if (!ret)
		ret = sdtree_join(p->tree, &p->thread);
	return ret ? ret : sdcount_new(&p->count, &count);
}

void pone_store_close(struct pageone *p)
{
	if (p->thread)
		sdtree_part(p->thread);
	sdtree_free(p->tree);
	sdcount_free(p->count);
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

/*
 * What the operation looked at.  It is done once more when another thread has
 * swapped the same word meanwhile: an edge was read when the search passed it, a
 * count only at its end.
 */
static int count(struct pageone *p, enum sd_op op, uint32_t content,
		 uint32_t worker, ns_t now, struct meter *m)
{
	struct sd_done done;
	struct sd_counts again;
	uint64_t window = p->op_ns;
	int ret = sdcount_op(p->count, op, content, &done);

	if (ret && ret != -ENOSPC)
		return ret;
	sdcount_meter(p->count, m, &done.n);
	if (op != SD_OP_NEW && op != SD_OP_LAST)
		window /= done.n.visits + 1;
	if (ret || !met(p, done.word, worker, now.v, window))
		return ret;
	again = done.n;
	again.cas = again.vec_new = again.vec_free = again.hdr_new =
		again.hdr_free = 0;
	sdcount_meter(p->count, m, &again);
	meter_add(m, OP_SD_CAS_FAIL, 1);
	return 0;
}

void pone_store_warm(struct pageone *p, const uint32_t *content, unsigned n)
{
	struct sd_key key[SD_WARM] = {{0}};
	uint32_t id[SD_WARM], stored;
	unsigned news = 0;

	for (unsigned i = 0; i < n; i++)
		key[i] = (struct sd_key){.rank = p->contents->rank[content[i]]};
	stored = sdtree_warm(p->thread, key, n);
	for (unsigned i = 0; i < n; i++)
		if (!(stored >> i & 1))
			id[news++] = content[i];
	sdcount_warm(p->count, id, news);
}

int pone_store_insert(struct pageone *p, uint32_t content, uint32_t f,
		      uint32_t worker, ns_t now, uint32_t *stored,
		      struct meter *m)
{
	struct sd_key key = {.rank = p->contents->rank[content]};
	int what = sdtree_insert(p->thread, key, f, stored), ret;

	if (what < 0)
		return what;
	ret = count(p, what == SD_NEW ? SD_OP_NEW : SD_OP_DUP, content, worker,
		    now, m);
	if (ret) {
		sdtree_delete(p->thread, key, stored);
		return ret;
	}
	p->refs++;
	if (what == SD_NEW && ++p->objects > p->objects_peak)
		p->objects_peak = p->objects;
	return what;
}

int pone_store_delete(struct pageone *p, uint32_t content, uint32_t worker,
		      ns_t now, struct meter *m)
{
	struct sd_key key = {.rank = p->contents->rank[content]};
	uint32_t f, share;
	int what = sdtree_delete(p->thread, key, &f), ret;

	if (what < 0)
		return what;
	p->refs--;
	p->objects -= what == SD_LAST;
	ret = count(p, what == SD_LAST ? SD_OP_LAST : SD_OP_KEPT, content,
		    worker, now, m);
	if (what != SD_LAST || pone_state(p, f) != PONE_FIX)
		return ret;
	share = p->owner[f];
	pone_forget(p, f);
	meter_add(m, OP_STATE_CHANGE, 1);
	if (machine_release_share(p->machine, share))
		meter_add(m, OP_FRAME_FREE, 1);
	return ret;
}

int pone_store_divide(struct pageone *p, struct meter *m)
{
	struct sd_counts n = {0};
	int ret = sdcount_divide(p->count, &n);

	sdcount_meter(p->count, m, &n);
	return ret < 0 ? ret : 0;
}

uint64_t pone_store_bytes(const struct pageone *p)
{
	uint64_t words = (p->frames + PONE_MAP_FRAMES - 1) / PONE_MAP_FRAMES;
	struct sd_memory tree;

	sdcount_memory(p->count, &tree);
	return PONE_MAPS * words * 8 + tree.bytes;
}
