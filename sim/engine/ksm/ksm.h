/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ksm.h - the parts of the ksm engine (private to this folder)
 *
 *	scan.c      the batch: which page is next, what is done with it
 *	items.c     per-page records and their states
 *	stable.c    the stable tree: nodes, chains, pruning
 *	unstable.c  the unstable tree, pairing two pages
 *	ahead.c     fetching what the next visits will need
 *	control.c   run, unmerging, tunables written during the run
 *	advisor.c   scan-time advisor
 *	colour.c    copies of a content for mappings of different colours
 *	report.c    counters, invariants
 *	threads.c   several threads that share the trees
 *	version.c   which rules, tunables and counters a kernel has
 *	ksm.c       options, start, what happens to pages and spaces, stop
 *
 * A page's record ("rmap item") is split: its state lives in the PTE's word,
 * where a scan finds it in passing, the rest in an array with the PTE's index.
 *
 *	PTE word:  | scan 31..24 | skips 23..16 | age 15..8 | … state 2..1 | 1 |
 *	item[pte]: head, rank (of what the page holds now), links, checksum
 *
 * A walk down either tree touches nodes only: notice() keeps head and rank of
 * each item in the unstable tree equal to the page's live content, RANK_NONE
 * when no mergeable page is there any more.
 *
 * A node belongs to a class of colours: with colour_copies=single there is one
 * class, otherwise pages of one content and different classes are kept apart as
 * if their contents differed.
 *
 * Invariants (ksm_check): counters equal what a walk over all items and nodes
 * counts; every STABLE item is on the list of its node, and the frame of a node
 * that is not stale knows it; every item inserted in the current scan is in the
 * unstable tree; trees are red-black; the stable tree is ordered by content and
 * class, live or stale; a chain knows how many dups can take another item.
 */
#ifndef DEDUPSIM_ENGINE_KSM_KSM_H
#define DEDUPSIM_ENGINE_KSM_KSM_H

#include "sim/base/mem.h"
#include "sim/base/rbtree.h"
#include "sim/engine/engine.h"
#include "sim/machine/place.h"

#define RANK_NONE UINT32_MAX

/* Sizes of the modelled kernel's records, x86-64 with NUMA; those of stable
 * nodes have changed. [linux-6.18] */
#define KSM_ITEM_BYTES 64
#define KSM_SLOT_BYTES 48

enum ksm_run { KSM_RUN_STOP, KSM_RUN_MERGE, KSM_RUN_UNMERGE };
enum ksm_copies {
	KSM_COPIES_SINGLE,
	KSM_COPIES_COLOUR,
	KSM_COPIES_THETA,
	KSM_COPIES_GROUPS,
	KSM_COPIES_LIMIT,
};
enum ksm_checksum { KSM_XXHASH, KSM_JHASH2, KSM_CRC32C, KSM_CHECKSUM_AUTO };
enum ksm_memcmp { KSM_LINEAR, KSM_SCATTERED };
enum ksm_advisor { KSM_ADVISOR_NONE, KSM_ADVISOR_SCAN_TIME };

struct ksm_opts { /* the kernel's names */
	uint64_t version;
	uint64_t run;
	uint64_t pages_to_scan;
	uint64_t sleep_millisecs;
	uint64_t merge_across_nodes;
	uint64_t max_page_sharing;
	uint64_t stable_node_chains_prune_millisecs;
	uint64_t use_zero_pages;
	uint64_t smart_scan;
	uint64_t advisor_mode;
	uint64_t advisor_max_cpu;
	uint64_t advisor_min_pages_to_scan;
	uint64_t advisor_max_pages_to_scan;
	uint64_t advisor_target_scan_time;
	uint64_t checksum; /* enum ksm_checksum */
	uint64_t memcmp;   /* enum ksm_memcmp */
	uint64_t
		hz; /* of the modelled kernel: sleeps and pruning go by ticks */
	/* Ours. */
	uint64_t threads;
	uint64_t colour_copies; /* enum ksm_copies */
	uint64_t colours;
	uint64_t colour_groups;
	uint64_t colour_theta;
};

extern const struct opt ksm_options[];

/* ---- version.c ---- */

/* In what the modelled kernel differs from the latest. */
struct ksm_rules {
	uint32_t release;   /* 418 for 4.18 */
	bool search_first;  /* the stable tree before the checksum */
	bool limit;	    /* max_page_sharing: several copies of a content */
	bool keep_chains;   /* a chain of one copy ends only when it is pruned
			       and the copy has room */
	bool count_batches; /* pages_scanned: whole batches, of P + 1 pages;
			       nothing for one that ends with the scan */
	bool walk_holes;    /* every address of a range is looked up, those
			       that nothing is mapped at, too */
	bool wakes;	    /* writing sleep_millisecs ends the sleep */
	bool zero_tracked;  /* zero pages that KSM mapped are counted */
	bool words;	    /* memcmp() compares words, not bytes */
	uint8_t node_bytes;
	enum ksm_checksum checksum;
	struct machine_rules machine;
};

/* Names of the versions, as the choices of an option. */
extern const char *const ksm_versions[];
struct ksm_rules ksm_rules_of(uint64_t version);
bool ksm_has_tunable(const struct ksm_rules *rules, const char *name);
bool ksm_has_counter(const struct ksm_rules *rules, const char *name);
int ksm_has(const void *opts, const struct opt *row, struct err *err);
struct ksm_opts;
/* Refuses values that the version cannot have, and switches off what it lacks. */
int ksm_check_opts(struct ksm_opts *opts, struct err *err);

/* Most full scans in a row that smart scan lets a page sit out. */
#define SKIPS_MAX 8

/* ---- items ---- */

enum item_state { ITEM_NONE, ITEM_UNSTABLE, ITEM_STABLE };

#define WORD_ITEM 1u /* an item exists */
#define WORD_STATE_SHIFT 1
#define WORD_STATE (3u << WORD_STATE_SHIFT)
#define WORD_SETTLED_SHIFT 3 /* state after the last visit, for progress */
#define WORD_SETTLED (3u << WORD_SETTLED_SHIFT)
#define WORD_AGE_SHIFT 8
#define WORD_AGE (255u << WORD_AGE_SHIFT)
#define WORD_SKIPS_SHIFT 16
#define WORD_SKIPS (255u << WORD_SKIPS_SHIFT)
#define WORD_SEQ_SHIFT 24
#define WORD_SEQ (255u << WORD_SEQ_SHIFT)

static inline enum item_state word_state(uint32_t word)
{
	return (enum item_state)((word & WORD_STATE) >> WORD_STATE_SHIFT);
}

struct item {
	uint64_t head;	    /* in the unstable tree: of the live content */
	struct rb_links rb; /* UNSTABLE: tree links; STABLE: see below */
	uint32_t rank;	    /* RANK_NONE: no mergeable page there */
	uint32_t checksum;  /* of the last visit that took one */
	uint32_t node;	    /* STABLE: the stable node it is listed at */
};
static_assert(sizeof(struct item) == 32, "budget: 32 bytes per mapped page");

/* A STABLE item is on its node's list, newest first, through the tree links. */
#define item_prev rb.left
#define item_next rb.right

/* ---- stable nodes ---- */

enum node_kind { NODE_PLAIN, NODE_DUP, NODE_CHAIN };

struct node {
	uint64_t head;
	struct rb_links rb; /* PLAIN and CHAIN: in the stable tree */
	uint32_t rank;
	uint8_t kind;
	uint8_t stale;	/* its frame is free; items and place go when met */
	uint16_t class; /* of colours */
	uint32_t home;	/* share-limit: place in the order of copies */
	uint32_t pad;	/* a cache line each */
	union {
		struct {		/* PLAIN, DUP */
			uint32_t share; /* the merged frame, 0 when stale */
			uint32_t items; /* first of the list, 0: none */
			uint32_t count; /* items on the list */
			uint32_t chain; /* DUP: its chain */
			uint32_t prev, next; /* DUP: neighbours there */
		};
		struct {		/* CHAIN */
			uint32_t first; /* dups, first to last */
			uint32_t dups;
			uint32_t candidates; /* … that can take another item */
			uint32_t stales;
			uint64_t last_prune; /* ticks */
		};
	};
};
static_assert(sizeof(struct node) == 64, "budget: 64 bytes per content");

/* ---- spaces ("mm slots") ---- */

struct slot {
	uint32_t next,
		prev; /* circular list; slot of space s is s + 1, 0 head */
	bool listed;  /* registered */
	bool exited;
	uint64_t items, merging, zero;
};

struct ksm {
	struct engine base;
	struct ksm_opts opt;
	struct ksm_rules rules;
	struct machine *machine;
	const struct content_set *contents;
	const struct clock *clock;
	ns_t wake;

	struct item *item; /* by PTE index */
	size_t item_cap;
	struct arena nodes;
	struct rb_tree stable,
		unstable;  /* one of each per NUMA node, one node */
	struct slot *slot; /* [0] is the head of the list */
	size_t slot_cap;

	/* Where the scan is. */
	uint32_t at;	      /* slot; 0: between two scans */
	uint64_t walked_here; /* addresses, in this pass over it */
	struct space_cursor cursor;
	uint64_t seq; /* of the present scan; low bits go into the words */
	ns_t scan_start;
	ns_t begun;	/* spent when the present turn began */
	ns_t turned;	/* when the last turn ended */
	bool parked;	/* ksmd waits for run = 1 and a registered space */
	uint32_t ahead; /* visits that have been looked ahead for */

	/* Counters under their kernel names. */
	uint64_t pages_shared, pages_sharing, pages_unshared;
	uint64_t full_scans, pages_scanned, pages_skipped;
	uint64_t stable_node_chains, stable_node_dups;
	uint64_t cow_ksm;
	uint64_t rmap_items, slots;
	uint64_t scans_ever;   /* full scans, not reset by run = 2 */
	uint64_t changes;      /* for engine_progress */
	uint32_t longest_rmap; /* most mappings of one merged frame, ever */
	/* Pages with zeros among pages_shared and pages_sharing. */
	uint64_t zero_shared, zero_sharing;
	const uint32_t *checksum; /* by content */
	enum meter_op checksum_op;
	enum meter_order order; /* in which a compare reads lines */
	uint32_t walked[2];	/* rank that each tree was walked for last */

	/* Advisor. */
	uint64_t prev_scan_time, change, prev_cpu_ms;

	/* Colours. */
	uint32_t colours;    /* a power of two */
	uint32_t class_mask; /* of page numbers; 0: no classes */
	uint32_t *count;     /* twice colours: scratch of reports */

	struct ksm_threads *threads; /* NULL: one, as every kernel has */

	const struct engine_sink *sink;
	uint64_t visited; /* place of the visited page when its visit began */
};

/* What a page is compared by. */
struct key {
	uint64_t head;
	uint32_t rank;
	uint32_t content;
	uint32_t class;
};

/* Classes of theta are colours; for it a key can be of any class. */
#define CLASS_ANY UINT32_MAX

static inline struct item *ksm_item(const struct ksm *k, uint32_t pte)
{
	return &k->item[pte];
}

static inline struct node *ksm_node(const struct ksm *k, uint32_t i)
{
	return arena_at(&k->nodes, i);
}

static inline struct slot *ksm_slot_of(const struct ksm *k, uint32_t pte)
{
	return &k->slot[machine_pte_space(k->machine, pte) + 1];
}

static inline uint32_t ksm_colour(const struct ksm *k, uint32_t pte)
{
	return (uint32_t)machine_pte_vpn(k->machine, pte) & (k->colours - 1);
}

/* The class that keeps pages of one content apart. */
static inline uint32_t ksm_class(const struct ksm *k, uint32_t pte)
{
	if (likely(!k->class_mask))
		return 0;
	return (uint32_t)machine_pte_vpn(k->machine, pte) & k->class_mask;
}

static inline struct key ksm_key(const struct ksm *k, uint32_t pte)
{
	uint32_t c = k->machine->pte[pte].content;

	return (struct key){k->contents->head[c], k->contents->rank[c], c,
			    ksm_class(k, pte)};
}

/*
 * A mapping of a merged frame that no node knows: its twin of a fork was made
 * mergeable, but the merge failed.  It cannot be write-protected again.
 */
static inline bool ksm_orphan(const struct ksm *k, uint32_t pte)
{
	const struct pte *p = &k->machine->pte[pte];

	return machine_merged(k->machine, p) &&
	       !machine_share(k->machine, p->ref)->word;
}

static inline uint64_t ksm_place(const struct ksm *k, uint32_t pte)
{
	return place_of(k->machine, &k->machine->pte[pte]);
}

/* The visited page and the one at @place are compared. */
static inline void ksm_tell_compare(const struct ksm *k, uint64_t place,
				    uint32_t bytes)
{
	k->sink->read(k->sink->ctx, k->visited, bytes);
	k->sink->read(k->sink->ctx, place, bytes);
}

/*
 * ksm_compare - memcmp of two pages by numbers
 * @content: what the other page holds (used by the build that compares bytes)
 * @bytes:   what memcmp would read is added
 */
#ifdef DEDUPSIM_COMPARE_BYTES
int ksm_compare_bytes(const struct ksm *k, uint32_t a, uint32_t b,
		      uint64_t *bytes);
#endif
static inline int ksm_compare(const struct ksm *k, const struct key *key,
			      uint64_t head, uint32_t rank, uint32_t content,
			      uint64_t *bytes)
{
#ifdef DEDUPSIM_COMPARE_BYTES
	(void)head;
	(void)rank;
	return ksm_compare_bytes(k, key->content, content, bytes);
#else
	(void)content;
	if (likely(key->head != head)) {
		*bytes += clz64(key->head ^ head) / 8 + 1;
		return key->head < head ? -1 : 1;
	}
	*bytes += content_cmp_bytes(k->contents, key->rank, rank);
	return key->rank < rank ? -1 : key->rank > rank;
#endif
}

/*
 * Most walks are settled by the first eight bytes.  The build that compares
 * bytes never takes this short cut.
 */
static inline bool ksm_heads_decide(uint64_t a, uint64_t b)
{
#ifdef DEDUPSIM_COMPARE_BYTES
	(void)a;
	(void)b;
	return false;
#else
	return a != b;
#endif
}

/* What memcmp reads of two pages whose heads differ. */
static inline uint32_t ksm_head_bytes(uint64_t a, uint64_t b)
{
	return clz64(a ^ b) / 8 + 1;
}

ns_t threads_now(const struct ksm *k);

/* The time in the middle of a turn. */
static inline ns_t ksm_now(const struct ksm *k, const struct meter *m)
{
	if (k->threads)
		return threads_now(k);
	return ns_add(k->clock->now, NS(meter_spent(m).v - k->begun.v));
}

/* Is the walk down @tree for the same content as the one before it? */
static inline enum meter_tree ksm_walk_of(struct ksm *k, enum meter_tree tree,
					  uint32_t rank)
{
	bool again = k->walked[tree] == rank;

	k->walked[tree] = rank;
	if (!again)
		return tree;
	return tree == TREE_STABLE ? TREE_STABLE_AGAIN : TREE_UNSTABLE_AGAIN;
}

/* The child to go to, without a branch: it is taken one time in two. */
static inline uint32_t ksm_child(const struct rb_links *l, bool left)
{
	return l->right ^ ((l->left ^ l->right) & -(uint32_t)left);
}

/* ---- items.c ---- */

/* The item of a page, made if there is none; 0 or -ENOMEM. */
int item_get(struct ksm *k, uint32_t pte, struct meter *m);
void item_drop(struct ksm *k, uint32_t pte, struct meter *m);
/* remove from its tree or list: state NONE */
void item_leave(struct ksm *k, uint32_t pte, struct meter *m);
void item_append(struct ksm *k, uint32_t pte, uint32_t node);
void item_set_state(struct ksm *k, uint32_t pte, enum item_state state);
/* the live content of the page of an UNSTABLE item changed */
void item_refresh(struct ksm *k, uint32_t pte);

/* ---- stable.c ---- */

/* The node whose page equals @key and has room; 0: none. */
uint32_t stable_search(struct ksm *k, const struct key *key, struct meter *m);
/* Is the node one that another page may join? */
bool stable_candidate(const struct ksm *k, const struct node *n);
/* A new node for the merged frame @share; 0: out of memory. */
uint32_t stable_insert(struct ksm *k, const struct key *key, uint32_t share,
		       struct meter *m);
/* The frame of @node is free. */
void stable_mark_stale(struct ksm *k, uint32_t node);
/* A stale node goes, and all its items become NONE. */
void stable_drop(struct ksm *k, uint32_t node, struct meter *m);
/* Remove all nodes, root first; false: stopped at one that is still mapped. */
bool stable_drop_all(struct ksm *k, struct meter *m);
/* Node gained or lost an item: keep the count of candidates of its chain. */
void stable_count(struct ksm *k, struct node *n, int by);

/* ---- unstable.c ---- */

/* Pair the page or insert it; called with the lock, which it lets go of. */
int unstable_step(struct ksm *k, uint32_t pte, const struct key *key,
		  struct meter *m);
/* Count a page replaced, or an attempt that failed with @ret; @left: word of the
 * merged frame that went free by it, 0: none. */
void ksm_count_replace(struct ksm *k, int ret, unsigned freed, uint32_t left,
		       struct meter *m);
/* The huge page that @pte was part of was split (@split: how many were): look
 * at the pages of the group anew. */
void ksm_after_split(struct ksm *k, uint32_t pte, unsigned split,
		     struct meter *m);
/* Give the page at @pte, which is merged, a copy of its own; 0 or -ENOMEM */
int ksm_break(struct ksm *k, uint32_t pte, struct meter *m);
/* Replace the page at @pte by the merged frame @share; 0, -EBUSY, -ENOMEM */
int ksm_merge(struct ksm *k, uint32_t pte, uint32_t share, struct meter *m);

/* ---- ahead.c ---- */

/* Before the page at the cursor is visited: now and then fetches into the cache
 * what the next visits will walk through.  Changes nothing. */
void ksm_look_ahead(struct ksm *k);

/* ---- colour.c ---- */

/* Options to what the scan uses; -EINVAL with @err set, -ENOMEM. */
int colour_start(struct ksm *k, struct err *err);
/* The node that the page at @pte shall join, by colour_copies; 0: none. */
uint32_t colour_search(struct ksm *k, uint32_t pte, const struct key *key,
		       struct meter *m);
/* Instead of joining @node, should the page found one of its own colour? */
bool colour_own_due(const struct ksm *k, uint32_t pte, uint32_t node);
/* The page, merged already, moves to where it should be; it may stay. */
int colour_move(struct ksm *k, uint32_t pte, uint32_t node, struct meter *m);
/* The class of a new node that this page founds. */
uint32_t colour_class(const struct ksm *k, uint32_t pte);
/* The frame of the page becomes a merged one with this mapping alone. */
int colour_found(struct ksm *k, uint32_t pte, struct meter *m);
void colour_report(const struct ksm *k, struct rows *out);

/* ---- scan.c ---- */

int ksm_batch(struct ksm *k, struct meter *m);
/* The next page in the order of the scan: 1, 0 when the scan has ended, or an
 * error. */
int ksm_visit(struct ksm *k, struct meter *m);

/* ---- threads.c ---- */

/* Options to what a batch uses; -EINVAL with @err set, -ENOMEM. */
int threads_start(struct ksm *k, struct err *err);
void threads_stop(struct ksm *k);
/* Up to *@left visits, by all threads; what is left of them. */
int threads_batch(struct ksm *k, struct meter *m, uint64_t *left);
ns_t threads_waited(const struct ksm *k); /* by all of them, spinning */
void threads_report(const struct ksm *k, struct rows *out);

/* What is done between these is done by one thread at a time; they nest. */
void threads_lock(struct ksm *k);
void threads_unlock(struct ksm *k);

static inline void ksm_lock(struct ksm *k)
{
	if (unlikely(k->threads))
		threads_lock(k);
}

static inline void ksm_unlock(struct ksm *k)
{
	if (unlikely(k->threads))
		threads_unlock(k);
}

/* ---- control.c ---- */

void slot_insert(struct ksm *k, uint32_t slot);
void slot_remove(struct ksm *k, uint32_t slot);
/* right behind the cursor: visited next */
void slot_move_next(struct ksm *k, uint32_t slot);
int ksm_set(struct engine *e, const char *key, const char *value,
	    struct meter *m);
int ksm_get(const struct engine *e, const char *key, uint64_t *value);
void ksm_wake(struct ksm *k);
bool ksm_should_run(const struct ksm *k);

/* ---- advisor.c ---- */

struct advisor_scan {
	uint64_t seconds; /* whole seconds of the full scan */
	uint64_t cpu_ms;  /* ksmd CPU time since boot */
};
void advisor_start(struct ksm *k);
void advisor_step(struct ksm *k, const struct advisor_scan *scan);

/* ---- report.c, ksm.c ---- */

int ksm_notice(struct engine *e, const struct effect *fx, struct meter *m);
void ksm_report(const struct engine *e, struct rows *out);
void ksm_report_space(const struct engine *e, uint32_t space, struct rows *out);
int ksm_check(const struct engine *e, FILE *why);

#endif
