/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filecache.c - guests read and write files through page caches of limited size
 *
 * What a guest's page cache gives up is put into a store, what it misses is
 * asked for there first: the events of a guest with cleancache, for tmem and
 * its relatives.  Guests work on one tree, each in its own order, and some of
 * what they build is their own, so that a store finds pages to share.
 *
 * Contents: those of the tree, in the order of files; then tools and outputs
 * (or what a list writes), page by page; then what differs from guest to guest
 * and build to build.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "workloads/filecache.h"

#define FIRST_INODE 12u /* of an ext3: the first that is a user's */
#define GUESTS_MAX 256u
#define ENTRIES_MAX (UINT64_C(1) << 26) /* pages of files, of all guests */
#define CONTENTS_MAX (UINT64_C(1) << 26)

/* clang-format off */
static const char *const orders[] = {"shuffled", "sorted", NULL};
static const char *const list_names[] = {"one", "two", NULL};
static const char *const truncates[] = {"twice", "once", NULL};
static const char *const inodes[] = {"stay", "flush", NULL};

static const struct opt filecache_options[] = {
	{ OPT_STRING, OPT_FIELD(filecache_opts, tree, const char *),
	  .arg = "DIR",
	  .help = "directory whose files the guests work on; a small one is "
		  "made up when not given" },
	{ OPT_SIZE, OPT_FIELD(filecache_opts, max_tree, uint64_t),
	  .def = UINT64_C(2) << 30, .min = PAGE_BYTES,
	  .max = UINT64_C(32) << 30,
	  .help = "refuse directories with more bytes of files" },
	{ OPT_U64, OPT_FIELD(filecache_opts, units, uint64_t),
	  .def = 64, .min = 1, .max = 100000,
	  .help = "sources of the tree that is made up" },
	{ OPT_U64, OPT_FIELD(filecache_opts, headers, uint64_t),
	  .def = 96, .max = 100000,
	  .help = "headers of the tree that is made up" },
	{ OPT_U64, OPT_FIELD(filecache_opts, tree_seed, uint64_t),
	  .def = 1, .max = UINT64_MAX,
	  .help = "seed of the tree that is made up and of what is built" },
	{ OPT_SIZE, OPT_FIELD(filecache_opts, tools, uint64_t),
	  .def = 2 << 20, .max = UINT64_C(1) << 30,
	  .help = "bytes of compiler, assembler and linker, which every step "
		  "reads" },
	{ OPT_U64, OPT_FIELD(filecache_opts, guests, uint64_t),
	  .def = 2, .min = 1, .max = GUESTS_MAX, .help = "guests" },
	{ OPT_U64, OPT_FIELD(filecache_opts, builds, uint64_t),
	  .def = 2, .min = 1, .max = 10000,
	  .help = "times that each guest builds everything" },
	{ OPT_CHOICE, OPT_FIELD(filecache_opts, order, uint64_t),
	  .choices = orders,
	  .help = "directories in an order of its own for each guest and "
		  "build, or all in the same" },
	{ OPT_U64, OPT_FIELD(filecache_opts, own, uint64_t),
	  .def = 2, .max = 100, .unit = "%",
	  .help = "pages of outputs that differ from guest to guest and "
		  "build to build" },
	{ OPT_TIME, OPT_FIELD(filecache_opts, think, uint64_t),
	  .def = 100000, .min = 1, .max = NS_PER_SEC,
	  .help = "from one access to a page to the next" },
	{ OPT_TIME, OPT_FIELD(filecache_opts, stagger, uint64_t),
	  .def = NS_PER_SEC, .max = 86400 * NS_PER_SEC,
	  .help = "guests start at random within this time" },
	{ OPT_STRING, OPT_FIELD(filecache_opts, list, const char *),
	  .arg = "FILE",
	  .help = "recorded accesses instead of builds; one per line: TIME "
		  "GUEST read|write|truncate|unlink PATH [FIRST [COUNT]]" },
	{ OPT_SIZE, OPT_FIELD(filecache_opts, cache, uint64_t),
	  .def = 4 << 20, .max = UINT64_C(1) << 44,
	  .help = "page cache of a guest (16 pages at least)" },
	{ OPT_CHOICE, OPT_FIELD(filecache_opts, lists, uint64_t),
	  .choices = list_names,
	  .help = "one: the least recently used page goes; two: an active "
		  "and an inactive list" },
	{ OPT_TIME, OPT_FIELD(filecache_opts, dirty_expire, uint64_t),
	  .def = 30 * NS_PER_SEC, .max = 3600 * NS_PER_SEC,
	  .help = "written pages are on disk after this time",
	  .source = "[linux-6.1] vm.dirty_expire_centisecs" },
	{ OPT_CHOICE, OPT_FIELD(filecache_opts, truncate, uint64_t),
	  .choices = truncates,
	  .help = "twice: an unlinked file is flushed, its cached pages are "
		  "put, and it is flushed again; once: flushed, no more" },
	{ OPT_CHOICE, OPT_FIELD(filecache_opts, drop_inode, uint64_t),
	  .choices = inodes,
	  .help = "what the store keeps of a file when its last page has left "
		  "the page cache" },
	{ OPT_BOOL, OPT_FIELD(filecache_opts, balloon, uint64_t), .max = 1,
	  .help = "self-ballooning: the page cache has what is left of the "
		  "balloon's goal, not `cache`" },
	{ OPT_SIZE, OPT_FIELD(filecache_opts, memory, uint64_t),
	  .def = 64 << 20, .min = 1 << 20, .max = UINT64_C(1) << 44,
	  .help = "memory of a guest, with a balloon" },
	{ OPT_SIZE, OPT_FIELD(filecache_opts, base, uint64_t),
	  .def = 24 << 20, .max = UINT64_C(1) << 44,
	  .help = "memory that programs have asked for, always" },
	{ OPT_SIZE, OPT_FIELD(filecache_opts, reserve, uint64_t),
	  .def = 4 << 20, .max = UINT64_C(1) << 44,
	  .help = "what the balloon leaves beyond that" },
	{ OPT_U64, OPT_FIELD(filecache_opts, job, uint64_t),
	  .def = 4, .max = 1000,
	  .help = "bytes that a compiler asks for, by byte that it reads; a "
		  "linker asks for as many as it reads" },
	{ .type = OPT_END },
};
/* clang-format on */

/* ---- contents ---- */

static const uint8_t *filecache_bytes(void *w, uint32_t id, uint8_t *buf)
{
	const struct filecache *fc = w;
	uint32_t page;
	bool start;

	if (id < fc->first_code)
		return page_store_bytes(&fc->tree.store, id);
	if (fc->opt.list) {
		start = false;
	} else if (id < fc->first_own) {
		page = fc->tree_pages + (id - fc->first_code);
		start = page == fc->tree.file[fc->file_of[page]].first;
	} else {
		page = fc->own_page[(id - fc->first_own) /
				    (fc->opt.guests * fc->opt.builds - 1)];
		start = page == fc->tree.file[fc->file_of[page]].first;
	}
	filetree_code(buf, fc->names | id, start);
	return buf;
}

/* ---- events ---- */

/* A space and a pool for each guest, then the files, which all have. */
static bool prelude(struct filecache *fc, struct event *ev)
{
	uint32_t i = fc->prelude, guests = (uint32_t)fc->opt.guests;

	if (i >= 2 * guests + fc->tree.nfile)
		return false;
	fc->prelude++;
	memset(ev, 0, sizeof(*ev));
	ev->op = EV_OBJECT;
	if (i < 2 * guests) {
		ev->op = i % 2 ? EV_POOL : EV_SPACE;
		ev->space = i / 2;
	} else {
		ev->oid[0] = FIRST_INODE + i - 2 * guests;
	}
	return true;
}

/* The guest that is furthest behind; NULL: all are done. */
static struct guest *next_guest(const struct filecache *fc)
{
	struct guest *g = &fc->guest[0];

	for (uint32_t i = 1; i < fc->opt.guests; i++)
		if (fc->guest[i].now < g->now)
			g = &fc->guest[i];
	return g->now == UINT64_MAX ? NULL : g;
}

/* 1: an event; 0: there is no more */
static int make(struct filecache *fc, struct event *ev, struct err *err)
{
	struct guest *g;
	int ret;

	if (prelude(fc, ev))
		return 1;
	while ((g = next_guest(fc))) {
		ret = guest_step(g, fc, ev, err);
		if (ret)
			return ret;
	}
	return 0;
}

static size_t filecache_next(struct workload *w, struct event *ev, size_t max)
{
	struct filecache *fc = (struct filecache *)w;
	size_t n = 0;

	while (n < max && make(fc, &ev[n], NULL) > 0)
		n++;
	return n;
}

static void filecache_rewind(struct workload *w)
{
	struct filecache *fc = (struct filecache *)w;

	fc->prelude = 0;
	for (uint32_t i = 0; i < fc->opt.guests; i++)
		guest_rewind(&fc->guest[i], fc, i);
}

/* ---- life ---- */

static int load_tree(struct filecache *fc, struct err *err)
{
	const struct filecache_opts *o = &fc->opt;
	int ret;

	if (o->tree)
		ret = filetree_read(&fc->tree, o->tree, o->max_tree, err);
	else
		ret = filetree_make(&fc->tree, (uint32_t)o->units,
				    (uint32_t)o->headers, o->tree_seed);
	if (ret)
		return ret;
	if (o->list) {
		ret = access_list_read(&fc->list, &fc->tree, o->list,
				       (uint32_t)o->guests, err);
		for (uint32_t f = 0; f < fc->tree.tree_files; f++)
			fc->tree_pages += fc->tree.file[f].pages;
		return ret;
	}
	fc->tree_pages = fc->tree.pages;
	ret = filetree_add_build(&fc->tree, o->tools, err);
	return err_prefix(err, ret, "%s", o->tree ? o->tree : "made-up tree");
}

/* Which pages of outputs are not the same everywhere? */
static int choose_own(struct filecache *fc)
{
	const struct filetree *t = &fc->tree;
	uint32_t pages = t->pages - fc->tree_pages;

	fc->own_index = mem_zalloc(pages, sizeof(*fc->own_index));
	fc->own_page = mem_zalloc(pages, sizeof(*fc->own_page));
	if (!fc->own_index || !fc->own_page)
		return -ENOMEM;
	for (uint32_t i = 0; i < pages; i++) {
		uint32_t page = fc->tree_pages + i;
		uint64_t dice =
			splitmix64(splitmix64(fc->opt.tree_seed) ^ page);

		fc->own_index[i] = FILE_NONE;
		if (t->file[fc->file_of[page]].kind == FILE_TOOL ||
		    dice % 100 >= fc->opt.own)
			continue;
		fc->own_index[i] = fc->nown;
		fc->own_page[fc->nown++] = page;
	}
	return 0;
}

static int number_contents(struct filecache *fc, struct err *err)
{
	const struct filetree *t = &fc->tree;
	uint64_t versions = fc->opt.guests * fc->opt.builds - 1, n;
	int ret = 0;

	fc->first_code = t->store.in.count;
	if (fc->opt.list) {
		for (size_t i = 0; i < fc->list.n; i++)
			fc->list.item[i].content += fc->first_code;
		n = fc->first_code + fc->list.writes;
	} else {
		ret = choose_own(fc);
		fc->first_own = fc->first_code + (t->pages - fc->tree_pages);
		n = fc->first_own + fc->nown * versions;
	}
	if (!ret && n > CONTENTS_MAX)
		return err_set(err, EINVAL,
			       "workload filecache: more than %" PRIu64
			       " different pages: fewer builds, guests, or own",
			       CONTENTS_MAX);
	fc->base.contents = (uint32_t)n;
	return ret;
}

static int index_pages(struct filecache *fc)
{
	const struct filetree *t = &fc->tree;

	fc->file_of = mem_zalloc(t->pages, sizeof(*fc->file_of));
	if (!fc->file_of)
		return -ENOMEM;
	for (uint32_t f = 0; f < t->nfile; f++)
		for (uint32_t i = 0; i < t->file[f].pages; i++)
			fc->file_of[t->file[f].first + i] = f;
	return 0;
}

static int start_guests(struct filecache *fc, struct err *err)
{
	uint32_t guests = (uint32_t)fc->opt.guests;
	int ret = 0;

	if ((fc->tree.pages + (uint64_t)fc->tree.nfile) * guests > ENTRIES_MAX)
		return err_set(err, EINVAL,
			       "workload filecache: more than %" PRIu64
			       " pages of files, times guests",
			       ENTRIES_MAX);
	fc->guest = mem_zalloc(guests, sizeof(*fc->guest));
	if (!fc->guest)
		return -ENOMEM;
	for (uint32_t i = 0; !ret && i < guests; i++)
		ret = guest_init(&fc->guest[i], fc);
	return ret;
}

/* One walk through everything: what is wrong with a list is found here. */
static int count_events(struct filecache *fc, struct err *err)
{
	struct event ev;
	int ret;

	filecache_rewind(&fc->base);
	while ((ret = make(fc, &ev, err)) > 0) {
		fc->base.events++;
		fc->base.end = ev.time;
	}
	filecache_rewind(&fc->base);
	return ret;
}

static void filecache_stop(struct workload *w)
{
	struct filecache *fc = (struct filecache *)w;

	if (!fc)
		return;
	for (uint32_t i = 0; fc->guest && i < fc->opt.guests; i++)
		guest_fini(&fc->guest[i]);
	free(fc->guest);
	access_list_fini(&fc->list);
	filetree_fini(&fc->tree);
	free(fc->file_of);
	free(fc->own_index);
	free(fc->own_page);
	free(fc);
}

static int filecache_start(struct workload **out, const void *opts,
			   uint64_t seed, struct err *err)
{
	struct filecache *fc = mem_zalloc(1, sizeof(*fc));
	struct prng r = prng_fork(seed, "filecache");
	int ret;

	if (!fc)
		return -ENOMEM;
	fc->base.ops = &workload_filecache;
	fc->opt = *(const struct filecache_opts *)opts;
	fc->base.spaces = (uint32_t)fc->opt.guests;
	fc->seed = prng_next(&r);
	/* High bits for the tree, low bits for the page. */
	fc->names = splitmix64(fc->opt.tree_seed) & ~(uint64_t)UINT32_MAX;
	filetree_init(&fc->tree);
	ret = load_tree(fc, err);
	if (!ret)
		ret = index_pages(fc);
	if (!ret)
		ret = number_contents(fc, err);
	if (!ret)
		ret = start_guests(fc, err);
	if (!ret)
		ret = count_events(fc, err);
	/* Borrowed for the call only; whether there is a list still counts. */
	fc->opt.tree = NULL;
	fc->opt.list = fc->opt.list ? "list" : NULL;
	if (ret) {
		filecache_stop(&fc->base);
		return ret;
	}
	*out = &fc->base;
	return 0;
}

const struct workload_ops workload_filecache = {
	.name = "filecache",
	.summary = "guests build a tree of sources through page caches of "
		   "limited size; what these give up and miss goes to a store",
	.opts = filecache_options,
	.opts_size = sizeof(struct filecache_opts),
	.start = filecache_start,
	.next = filecache_next,
	.rewind = filecache_rewind,
	.bytes = filecache_bytes,
	.stop = filecache_stop,
};
