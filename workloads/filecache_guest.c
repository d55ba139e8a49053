/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filecache_guest.c - one guest: its page cache, and what its store hears of it
 *
 *	a read meets no page      room is made, then `get`
 *	a page must go            written back if dirty, then `put`
 *	a page is written over    nothing; an old copy may stay in the store
 *	truncate, unlink          `flush object`, each cached page dropped: `put`
 *	                          if it is on disk, `flush page` if it is not yet;
 *	                          `flush object`; or one `flush object` alone
 *	last page of a file goes  nothing, or `flush object` (drop_inode)
 *
 * What the store answers to a get does not change what a guest does next.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "workloads/filecache.h"

#define ROOM_MIN 16u
#define BALLOON_NS (5 * NS_PER_SEC)
#define BALLOON_SHRINK 8u /* a goal below is approached by an eighth */
#define BALLOON_MIB_PAGES ((1u << 20) / PAGE_BYTES)
#define ACCESSES_MAX (UINT64_C(1) << 36)

int guest_init(struct guest *g, const struct filecache *fc)
{
	const struct filetree *t = &fc->tree;
	int ret = pagecache_init(&g->cache, t->pages, fc->opt.lists != 0);

	g->size = mem_zalloc(t->nfile, sizeof(*g->size));
	g->cached = mem_zalloc(t->nfile, sizeof(*g->cached));
	if (ret || !g->size || !g->cached)
		return -ENOMEM;
	if (!fc->opt.list)
		return build_init(&g->build, fc);
	g->holds = mem_zalloc(t->pages, sizeof(*g->holds));
	return g->holds ? 0 : -ENOMEM;
}

void guest_fini(struct guest *g)
{
	pagecache_fini(&g->cache);
	build_fini(&g->build);
	free(g->size);
	free(g->cached);
	free(g->holds);
	*g = (struct guest){0};
}

void guest_rewind(struct guest *g, const struct filecache *fc, uint32_t number)
{
	const struct filetree *t = &fc->tree;
	struct prng r =
		prng_fork(splitmix64(fc->seed) + number, "filecache.start");

	g->number = number;
	pagecache_clear(&g->cache);
	for (uint32_t f = 0; f < t->nfile; f++) {
		g->size[f] = f < t->tree_files		    ? t->file[f].stored
			     : t->file[f].kind == FILE_TOOL ? t->file[f].pages
							    : 0;
		g->cached[f] = 0;
	}
	g->phase = PHASE_NEXT;
	g->flush = FILE_NONE;
	g->now = g->accesses = g->committed = 0;
	g->memory = fc->opt.memory / PAGE_BYTES;
	g->tick = BALLOON_NS;
	g->item.next = 0;
	if (fc->opt.list) {
		memcpy(g->holds, t->content,
		       fc->tree_pages * sizeof(*g->holds));
		g->item.next = fc->list.first[number];
	} else {
		build_rewind(&g->build, fc, number);
		if (fc->opt.stagger)
			g->now = prng_below(&r, fc->opt.stagger);
	}
}

/* What a page holds for this guest. */
static uint32_t content_of(const struct guest *g, const struct filecache *fc,
			   uint32_t page)
{
	uint32_t own, version;

	if (g->holds)
		return g->holds[page];
	if (page < fc->tree_pages)
		return fc->tree.content[page];
	page -= fc->tree_pages;
	own = fc->own_index[page];
	version = g->build.wrote * (uint32_t)fc->opt.guests + g->number;
	if (own == FILE_NONE || !version)
		return fc->first_code + page;
	return fc->first_own +
	       own * (uint32_t)(fc->opt.guests * fc->opt.builds - 1) + version -
	       1;
}

/* ---- the balloon ---- */

/*
 * Goal: what programs have asked for, and a reserve; not less than what the
 * kernel needs to live.  A goal below is approached slowly, one above at once.
 */
static void balloon_tick(struct guest *g, const struct filecache *fc)
{
	uint64_t whole = fc->opt.memory / PAGE_BYTES;
	uint64_t reserve = fc->opt.reserve / PAGE_BYTES, floor = reserve;
	uint64_t goal = g->committed + fc->opt.base / PAGE_BYTES + reserve;

	if (whole >= 512 * BALLOON_MIB_PAGES) {
		floor += 99 * BALLOON_MIB_PAGES;
		floor += whole > floor ? (whole - floor) / 32 : 0;
	}
	if (goal < floor)
		goal = floor;
	if (goal > whole)
		goal = whole;
	if (g->memory > goal)
		g->memory -= (g->memory - goal) / BALLOON_SHRINK;
	else
		g->memory = goal;
}

static void make_room(struct guest *g, const struct filecache *fc)
{
	uint64_t used = g->committed + fc->opt.base / PAGE_BYTES, room;

	if (!fc->opt.balloon) {
		room = fc->opt.cache / PAGE_BYTES;
	} else {
		for (; g->tick <= g->now; g->tick += BALLOON_NS)
			balloon_tick(g, fc);
		room = g->memory > used ? g->memory - used : 0;
	}
	if (room < ROOM_MIN)
		room = ROOM_MIN;
	g->room = room < PAGE_NONE ? (uint32_t)room : PAGE_NONE - 1;
}

/* ---- events ---- */

static int event(const struct guest *g, enum event_op op, uint32_t file,
		 struct event *ev)
{
	memset(ev, 0, sizeof(*ev)); /* equal events are equal bytes */
	ev->time = NS(g->now);
	ev->op = (uint8_t)op;
	ev->space = g->number;
	ev->object = file;
	return 1;
}

static int page_event(const struct guest *g, const struct filecache *fc,
		      enum event_op op, uint32_t page, struct event *ev)
{
	uint32_t file = fc->file_of[page];

	event(g, op, file, ev);
	ev->index = page - fc->tree.file[file].first;
	if (op == EV_PUT)
		ev->stored = content_of(g, fc, page);
	return 1;
}

static uint32_t ms(const struct guest *g)
{
	return (uint32_t)(g->now / 1000000);
}

static bool is_dirty(const struct guest *g, const struct filecache *fc,
		     uint32_t page)
{
	return pagecache_is_dirty(&g->cache, page, ms(g),
				  (uint32_t)(fc->opt.dirty_expire / 1000000));
}

static void drop(struct guest *g, const struct filecache *fc, uint32_t page)
{
	uint32_t file = fc->file_of[page];

	pagecache_drop(&g->cache, page);
	if (!--g->cached[file] && fc->opt.drop_inode == INODE_FLUSH &&
	    g->phase == PHASE_PAGES)
		g->flush = file;
}

static void add(struct guest *g, const struct filecache *fc, uint32_t page)
{
	pagecache_add(&g->cache, page);
	g->cached[fc->file_of[page]]++;
}

/* ---- items ---- */

static int list_error(const struct guest *g, const struct filecache *fc,
		      struct err *err, const char *what)
{
	const struct item *it = &g->item;

	return err_set(err, EINVAL,
		       "%s:%" PRIu32 ": %s: guest %" PRIu32 " has %" PRIu32
		       " pages of it: %s",
		       fc->opt.list, it->line,
		       filetree_path(&fc->tree, it->file), g->number,
		       g->size[it->file], what);
}

/* Which pages, and are they there? */
static int begin_item(struct guest *g, const struct filecache *fc,
		      struct err *err)
{
	struct item *it = &g->item;
	uint32_t *size = &g->size[it->file];

	switch ((enum item_op)it->op) {
	case ITEM_READ:
		if (it->count == ITEM_ALL)
			it->count = *size > it->first ? *size - it->first : 0;
		if (!*size && it->file >= fc->tree.tree_files)
			return list_error(g, fc, err, "nothing to read");
		if (it->first > *size || it->count > *size - it->first)
			return list_error(g, fc, err, "the read ends beyond");
		break;
	case ITEM_WRITE:
		if (it->count == ITEM_ALL)
			it->count = fc->tree.file[it->file].pages;
		if (it->first > *size)
			return list_error(g, fc, err,
					  "the write leaves a hole");
		if (*size < it->first + it->count)
			*size = it->first + it->count;
		break;
	case ITEM_TRUNCATE:
	case ITEM_UNLINK:
		it->first = 0;
		it->count = *size;
		*size = 0;
		/* An unlink of what is not there is no event. */
		g->phase = it->count ? PHASE_FLUSH : PHASE_NEXT;
		g->at = 0;
		return 0;
	}
	g->at = it->first;
	g->phase = it->count ? PHASE_PAGES : PHASE_NEXT;
	return 0;
}

static int next_item(struct guest *g, const struct filecache *fc,
		     struct err *err)
{
	uint64_t job = g->committed;
	bool more;

	if (fc->opt.list) {
		more = g->item.next;
		if (more)
			g->item = fc->list.item[g->item.next - 1];
		if (more && g->item.time > g->now)
			g->now = g->item.time;
	} else {
		more = build_next(&g->build, fc, &g->item, &job);
		g->committed = job;
	}
	if (!more) {
		g->now = UINT64_MAX;
		return 0;
	}
	make_room(g, fc);
	return begin_item(g, fc, err);
}

/* The access is over; the next one comes after some thought. */
static int accessed(struct guest *g, const struct filecache *fc,
		    struct err *err)
{
	g->now += fc->opt.think;
	if (++g->accesses > ACCESSES_MAX || g->now > UINT64_MAX / 2)
		return err_set(err, EINVAL,
			       "workload filecache: more accesses than can be "
			       "counted");
	if (++g->at == g->item.first + g->item.count)
		g->phase = PHASE_NEXT;
	else
		make_room(g, fc);
	return 0;
}

static int evict(struct guest *g, const struct filecache *fc, struct event *ev)
{
	uint32_t page = pagecache_victim(&g->cache);

	drop(g, fc, page);
	return page_event(g, fc, EV_PUT, page, ev);
}

static int access_page(struct guest *g, const struct filecache *fc,
		       struct event *ev, struct err *err)
{
	bool write = g->item.op == ITEM_WRITE, hit;
	uint32_t page = fc->tree.file[g->item.file].first + g->at;
	int ret;

	hit = pagecache_has(&g->cache, page);
	if (g->cache.n + !hit > g->room)
		return evict(g, fc, ev);
	if (hit)
		pagecache_touch(&g->cache, page);
	else
		add(g, fc, page);
	if (write) {
		pagecache_dirty(&g->cache, page, ms(g));
		if (g->holds)
			g->holds[page] =
				g->item.content + (g->at - g->item.first);
	} else if (!hit) {
		page_event(g, fc, EV_GET, page, ev);
	}
	ret = accessed(g, fc, err);
	return ret ? ret : !write && !hit;
}

/* A file that is cut to nothing: the pages of it that are cached. */
static int drop_page(struct guest *g, const struct filecache *fc,
		     struct event *ev)
{
	uint32_t page = fc->tree.file[g->item.file].first + g->at;
	bool dirty;

	if (g->at == g->item.count || !g->cached[g->item.file]) {
		g->phase = PHASE_FLUSHED;
		return 0;
	}
	g->at++;
	if (!pagecache_has(&g->cache, page))
		return 0;
	dirty = is_dirty(g, fc, page);
	drop(g, fc, page);
	if (fc->opt.truncate == TRUNCATE_ONCE)
		return 0;
	return page_event(g, fc, dirty ? EV_FLUSH_PAGE : EV_PUT, page, ev);
}

int guest_step(struct guest *g, const struct filecache *fc, struct event *ev,
	       struct err *err)
{
	uint32_t file = g->flush;

	if (file != FILE_NONE) {
		g->flush = FILE_NONE;
		return event(g, EV_FLUSH_OBJECT, file, ev);
	}
	switch (g->phase) {
	case PHASE_NEXT:
		return next_item(g, fc, err);
	case PHASE_PAGES:
		return access_page(g, fc, ev, err);
	case PHASE_FLUSH:
		g->phase = PHASE_DROP;
		return event(g, EV_FLUSH_OBJECT, g->item.file, ev);
	case PHASE_DROP:
		return drop_page(g, fc, ev);
	case PHASE_FLUSHED:
		g->phase = PHASE_NEXT;
		event(g, EV_FLUSH_OBJECT, g->item.file, ev);
		g->now += fc->opt.think;
		return fc->opt.truncate == TRUNCATE_TWICE;
	}
	return 0;
}
