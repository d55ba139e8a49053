/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filecache.h - parts of the workload filecache
 *
 *	filetree ──► items (read this file, write that one) ──► page cache ──► events
 *	             filecache_build.c: a model of make          filecache_guest.c
 *	             filecache_list.c:  a recorded list
 *
 * Each guest carries out its own items in its own time; filecache.c merges their
 * events by time.  Nothing is allocated once events are made, and everything
 * that can be wrong with a list is found when the events are counted.
 */
#ifndef DEDUPSIM_WORKLOADS_FILECACHE_H
#define DEDUPSIM_WORKLOADS_FILECACHE_H

#include "sim/base/prng.h"
#include "workloads/filetree.h"
#include "workloads/pagecache.h"
#include "workloads/workload.h"

struct filecache_opts {
	const char *tree, *list;
	uint64_t max_tree, units, headers, tree_seed, tools;
	uint64_t guests, builds, order, own, think, stagger;
	uint64_t cache, lists, dirty_expire, truncate, drop_inode;
	uint64_t balloon, memory, base, reserve, job;
};

enum { ORDER_SHUFFLED, ORDER_SORTED };
enum { TRUNCATE_TWICE, TRUNCATE_ONCE };
enum { INODE_STAY, INODE_FLUSH };

enum item_op { ITEM_READ, ITEM_WRITE, ITEM_TRUNCATE, ITEM_UNLINK };

/* Pages [first, first + count) of a file; count ITEM_ALL: what it has now. */
#define ITEM_ALL UINT32_MAX
struct item {
	uint32_t op; /* enum item_op */
	uint32_t file, first, count;
	uint32_t content; /* of a list's write: of its first page */
	uint32_t line;	  /* of a list */
	uint32_t next;	  /* of a list: the guest's next item + 1; 0: none */
	uint64_t time;	  /* of a list: not before */
};

/* A recorded list of accesses. */
struct access_list {
	struct item *item;
	size_t n, cap;
	uint32_t *first; /* by guest: its first item + 1; 0: none */
	uint64_t writes; /* pages, in all */
};

/* Where a guest is in its build: items of the present step. */
struct build {
	struct prng r;
	uint32_t number;    /* of the build */
	uint32_t wrote;	    /* the build whose outputs are there */
	uint32_t dir, unit; /* next step: archive in order, unit in it */
	uint32_t *dirs;	    /* archives in the order of this build */
	struct item *item;  /* of the step */
	uint32_t nitem, at;
	uint32_t *stack, *seen; /* for following #include lines */
	uint32_t stamp;
	bool cleaned;
};

enum phase { PHASE_NEXT, PHASE_PAGES, PHASE_FLUSH, PHASE_DROP, PHASE_FLUSHED };

struct guest {
	uint32_t number;
	struct pagecache cache;
	struct build build;
	struct item item;
	enum phase phase;
	uint32_t at;	  /* page of the item's file */
	uint32_t flush;	  /* file whose inode goes, FILE_NONE */
	uint64_t now;	  /* ns; UINT64_MAX: it has nothing more to do */
	uint32_t *size;	  /* pages of each file, as this guest sees it */
	uint32_t *cached; /* pages of each file in the cache */
	uint32_t *holds;  /* with a list: content of each page; or NULL */
	uint64_t memory, committed; /* pages; with a balloon */
	uint64_t tick;		    /* ns: the balloon's next */
	uint32_t room;		    /* pages that the cache may have */
	uint64_t accesses;
};

struct filecache {
	struct workload base;
	struct filecache_opts opt;
	uint64_t seed, names;
	struct filetree tree;
	struct access_list list;
	uint32_t *file_of;   /* by page */
	uint32_t tree_pages; /* the first so many pages have stored contents */
	uint32_t first_code, first_own; /* contents */
	uint32_t *
		own_index; /* by page - tree_pages: which of own_page, or none */
	uint32_t *own_page;
	uint32_t nown;
	struct guest *guest;
	uint32_t prelude; /* events before the first access made so far */
};

/* ---- filecache_build.c ---- */

int build_init(struct build *b, const struct filecache *fc);
void build_fini(struct build *b);
void build_rewind(struct build *b, const struct filecache *fc, uint32_t guest);
/* build_next - false: all builds are over.  @job: out: pages that what runs
 * takes beside the cache. */
bool build_next(struct build *b, const struct filecache *fc, struct item *item,
		uint64_t *job);

/* ---- filecache_list.c ---- */

/*
 * access_list_read - add the files it names to @t
 *
 * One access per line, times not decreasing:
 *
 *	TIME GUEST read PATH [FIRST [COUNT]]
 *	TIME GUEST write PATH FIRST COUNT
 *	TIME GUEST truncate PATH
 *	TIME GUEST unlink PATH
 *
 * TIME as in 20ms, FIRST and COUNT in pages, PATH as from the top of the tree.
 * Each written page has a content of its own.  '#' begins a comment.
 * Returns 0; -EINVAL with file and line in @err; -ENOMEM.
 */
int access_list_read(struct access_list *l, struct filetree *t,
		     const char *path, uint32_t guests, struct err *err);
int access_list_parse(struct access_list *l, struct filetree *t,
		      const char *name, char *text, size_t n, uint32_t guests,
		      struct err *err);
void access_list_fini(struct access_list *l);

/* ---- filecache_guest.c ---- */

int guest_init(struct guest *g, const struct filecache *fc);
void guest_fini(struct guest *g);
void guest_rewind(struct guest *g, const struct filecache *fc, uint32_t number);
/*
 * guest_step - the next small step; g->now is its time and never decreases
 * Returns 1 when it made an event, 0 when not; -EINVAL when a list asks for
 * what is not there.
 */
int guest_step(struct guest *g, const struct filecache *fc, struct event *ev,
	       struct err *err);

#endif
