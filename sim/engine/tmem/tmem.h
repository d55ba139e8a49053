/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tmem.h - a host with transcendent memory, operation by operation
 *
 *	client ─► pool ─► object ─► page ─┬► frame, or compressed bytes
 *	  │                 (radix tree)  └► pcd ─► frame, bytes, or nothing
 *	  └► list of its ephemeral pages      in one of 256 trees, by first byte
 *
 * Pages of ephemeral pools that hold the same share one pcd ("page content
 * descriptor").  A call is one operation of a guest, with the answer that the
 * host gives; calls happen one after the other.  Bytes are never looked at:
 * struct tmem_columns says what must be known of contents.
 *
 * What the host knows of its revision and of the faults that it shipped with is
 * struct tmem_config.  All work is counted on the meter; whoever wants to play
 * the time of operations on several processors listens to the locks through
 * struct tmem_trace.
 *
 * Files: tmem.c (life, calls), put.c, pools.c (clients, pools), objects.c
 * (objects and their radix trees), pcd.c (compares, sharing), evict.c (lists,
 * victims, room), frames.c (frames and blocks of them), stats.c (the text of
 * the old tool, rows), check.c; engine.c makes an engine of it.
 *
 * Source: [xen-4.1] xen/common/tmem.c, tmem_xen.c, xmalloc_tlsf.c; what later
 * releases changed: [xen-4.4], [xen-4.7], [xen-4.11].
 */
#ifndef DEDUPSIM_ENGINE_TMEM_TMEM_H
#define DEDUPSIM_ENGINE_TMEM_TMEM_H

#include <stdio.h>

#include "sim/base/mem.h"
#include "sim/core/content.h"
#include "sim/core/event.h"
#include "sim/core/meter.h"
#include "sim/core/rows.h"

#define TMEM_POOLS 16u /* of a client; and shared ones of a host */
#define TMEM_SHARDS 256u
#define TMEM_NO_CLIENT UINT32_MAX
#define TMEM_CLIENT_MAX (UINT32_C(1) << 20)
#define TMEM_SHARERS_MAX 32752u /* of a pool: so many domains Xen can have */

/* What guests are answered, beside 0 and 1. */
#define TMEM_EPERM (-1)
#define TMEM_ENOMEM (-12)
#define TMEM_ENODEV (-19)
#define TMEM_ENOSPC (-28)
#define TMEM_EFROZEN (-1000)
#define TMEM_EEMPTY (-1001)
/* The processor never returns: it waits for a lock that nobody will drop. */
#define TMEM_HANGS (-9999)

/*
 * R0: as posted in March 2010; R1: Xen 4.1 to 4.3; R2: 4.4, compares bytes; R3:
 * 4.5 to 4.7, another walk for victims; R4: 4.8 to 4.12, nothing is shared.
 */
enum tmem_revision { TMEM_R0, TMEM_R1, TMEM_R2, TMEM_R3, TMEM_R4 };

/* X(symbol, name, first and last revision that have it, what it does) */
#define TMEM_DEFECTS(X)                                                        \
	X(COMPARE, unbounded_compare, R0, R0,                                  \
	  "equal pages are compared beyond their ends")                        \
	X(LOCK, kept_lock, R0, R0,                                             \
	  "a shard stays locked when there is no memory for its tree")         \
	X(RESULT, failed_put_result, R0, R2,                                   \
	  "a put that fails for want of a pcd says 1; R0 and R1 lose its "     \
	  "frame")                                                             \
	X(UNLOCK, stray_unlock, R0, R2,                                        \
	  "eviction drops a lock it has not taken; needs processors that "     \
	  "race, "                                                             \
	  "here it changes nothing")                                           \
	X(STUCK, compressed_stuck, R0, R0,                                     \
	  "compressed pages are never evicted while pages are shared")         \
	X(TZE, truncated_apart, R1, R3,                                        \
	  "truncated pages match no other; frames of zero pages are lost")     \
	X(WALK, walk_ends, R3, R3,                                             \
	  "the walk for a victim ends at the first second chance")             \
	X(QUOTA, quota_sense, R0, R4,                                          \
	  "who holds less than its share evicts from its own pages")           \
	X(COUNTS, stale_counts, R1, R3,                                        \
	  "evicted compressed pages stay in the sums of the client")           \
	X(SERIAL, global_lock, R3, R4,                                         \
	  "an operation waits until no other runs")                            \
	X(RACE, object_race, R0, R2,                                           \
	  "two processors make one object twice; here it changes nothing")     \
	X(OWNER, owner_change, R0, R4,                                         \
	  "the next owner of a shared pool gets all pages of the last; a put " \
	  "counts as the owner's")

enum tmem_defect {
#define X(sym, name, first, last, help) TMEM_BAD_##sym,
	TMEM_DEFECTS(X)
#undef X
		TMEM_DEFECT_COUNT
};

/* Of contents, by id; columns of the content set and what models add. */
struct tmem_columns {
	const struct content_set *set; /* head, rank and prefix are there */
	const uint32_t *order;	       /* rank in the order of the revision */
	const uint16_t *length;	       /* bytes up to the last that is not 0 */
	/* Only with compression. */
	const uint16_t *packed_bytes;
	const uint8_t *packed_first;  /* first byte of the stream */
	const uint32_t *packed_order; /* rank by (length, signed bytes) */
};

struct tmem_config {
	enum tmem_revision revision;
	bool dedup, tze, compress;
	bool shipped
		[TMEM_DEFECT_COUNT]; /* those its revision has not: ignored */
	uint32_t frames;     /* the host can give; 0: as many as it takes */
	uint32_t guest_room; /* frames each guest has ballooned away */
	uint32_t weight;     /* of each client */
	bool timings;	     /* T lines: asks the meter twice per call */
	struct tmem_columns columns;
};

/* tmem_order_need - the NEED_ bits that struct tmem_columns asks for */
uint64_t tmem_order_need(const struct tmem_config *cfg);

/* ---- calls ---- */

enum tmem_op {
	TMEM_NEW_POOL,
	TMEM_PUT,
	TMEM_GET,
	TMEM_FLUSH_PAGE,
	TMEM_FLUSH_OBJECT,
	TMEM_DESTROY_POOL,
	TMEM_OP_COUNT,
};

#define TMEM_PERSISTENT 1u
#define TMEM_SHARED 2u

struct tmem_call {
	uint8_t op;    /* enum tmem_op */
	uint8_t flags; /* TMEM_PERSISTENT, TMEM_SHARED: new pool */
	/* new pool: 1 + version of the interface, 0: the host's own; 4 KiB is
	 * page size 0 */
	uint8_t version, page_code;
	uint32_t client;
	uint32_t pool; /* the client's number of it */
	uint32_t index;
	uint32_t content; /* put: what; get: out, what was found */
	uint64_t oid[3];
	uint64_t uuid[2]; /* new shared pool */
	int result;	  /* out: 0, 1, the pool's number, or negative */
};

/* ---- what there is ---- */

struct tmem_link {
	uint32_t next, prev;
};
enum tmem_list { TMEM_ALL, TMEM_OWN, TMEM_LISTS };

#define TMEM_TRIED 1u  /* eviction was attempted: next time it goes */
#define TMEM_IN_PCD 2u /* data is a pcd */
#define TMEM_PACKED 4u /* compressed */
#define TMEM_LISTED 8u /* ephemeral and stored */

/* A stored page; the heads of lists are elements of the same arena. */
struct tmem_page {
	struct tmem_link
		link[TMEM_LISTS]; /* by age; the head's victim is next */
	uint32_t object, index;
	uint32_t data;	  /* frame + 1, block, or pcd; 0: none */
	uint32_t content; /* CONTENT_NONE: no data */
	uint32_t block;	  /* of its record */
	uint16_t bytes;	  /* compressed; 0: a whole page */
	uint8_t flags;
	uint8_t shard;
};

enum tmem_kind { TMEM_KIND_PACKED, TMEM_KIND_RAW }; /* order of the kinds */

struct tmem_pcd {
	uint32_t left, right, up; /* struct rb_links */
	uint32_t rank; /* memcmp order: tells where two pages differ */
	uint64_t head; /* first eight bytes, the first on top */
	uint64_t key;  /* kind, bytes, rank: the order in its tree */
	uint32_t refs; /* pages that share it */
	uint32_t content;
	uint32_t data;	/* frame + 1, or block; 0: all zeros under TZE */
	uint32_t block; /* of its record */
	uint16_t bytes; /* stored: a whole page, truncated or compressed */
	uint8_t kind;
	uint8_t shard;
};

struct tmem_object {
	uint64_t oid[3];
	uint32_t chain;	     /* of its hash bucket */
	struct tmem_link in; /* of its pool */
	uint32_t pool, root, pages, nodes;
	uint32_t last_client; /* shared pools */
	uint32_t block;
	uint8_t height; /* 0: root is page 0 itself */
};

#define TMEM_SLOTS 64u
struct tmem_node {
	uint32_t slot[TMEM_SLOTS];
	uint32_t count, block;
};

struct tmem_most {
	uint64_t now, max;
};

struct tmem_pool_stats {
	struct tmem_most pages, objects, nodes;
	uint64_t puts_good, puts, dup_flushed, dup_replaced, no_mem;
	uint64_t gets_found, gets, flushes_found, flushes;
	uint64_t objects_found, object_flushes;
};

struct tmem_sharer {
	uint32_t client, pool;
};

struct tmem_pool {
	uint32_t owner; /* client */
	uint32_t id;	/* the owner's number of it */
	bool persistent, shared, used;
	uint64_t uuid[2];
	struct tmem_link objects;   /* first and last object */
	struct tmem_sharer *sharer; /* in the order they joined */
	size_t sharers, sharer_cap;
	struct tmem_pool_stats stats;
};

struct tmem_invalidated {
	uint32_t pool, index;
	uint64_t oid[3];
};

struct tmem_time {
	uint64_t n, sum, max, min; /* ns of the model */
};

struct tmem_client {
	uint32_t pool[TMEM_POOLS]; /* in the arena of pools; 0: none */
	uint32_t head;		   /* of the list of its ephemeral pages */
	uint32_t id;
	uint32_t weight, cap;
	bool compress, frozen, migrating, auth;
	uint64_t max_pages,
		ram;	 /* the guest's maximum, what it has as memory */
	uint64_t frames; /* that its persistent pages take */
	struct tmem_blocks
		*blocks; /* of its persistent pages; NULL: none yet */
	uint64_t uuid[TMEM_POOLS][2]; /* shared pools that it may join */
	unsigned uuids;
	struct tmem_invalidated *log; /* flushed since migrating */
	size_t logged, log_cap;
	/* Tc Ge Pp Gp Ec Em cp cb cn cm */
	uint64_t spent, eph_gets, pers_puts, pers_gets;
	struct tmem_most eph;
	int64_t packed, packed_bytes;
	uint64_t poor, no_mem;
};

struct tmem_stats {
	uint64_t ops, errors;					  /* Tt Te */
	uint64_t failed_copies, failed_blocks, failed_frames;	  /* Cf Af Pf */
	uint64_t evicted, evict_calls;				  /* Et Ea */
	uint64_t relinquished, relinquish_calls, relinquish_most; /* Rt Ra Rx */
	struct tmem_most eph, objects, nodes, pages, frames, pcds;
	uint64_t good_eph_puts, matched;  /* Ep Gd */
	uint64_t tze_bytes, packed_bytes; /* Zt Gz */
	/* ours */
	uint64_t puts, puts_stored, gets, gets_found;
	uint64_t lost_frames;	    /* that defects leak */
	uint64_t meta_bytes;	    /* blocks of records, headers included */
	uint64_t data_bytes;	    /* blocks of contents, headers included */
	uint64_t freeing_evictions; /* that gave a frame back */
};

/* What a record of the modelled host takes. */
enum tmem_record {
	TMEM_REC_OBJECT,
	TMEM_REC_PAGE,
	TMEM_REC_NODE,
	TMEM_REC_PCD,
	TMEM_REC_BYTES, /* contents shorter than a page */
	TMEM_REC_FRAME, /* a whole frame for contents */
	TMEM_REC_ANY,	/* for tmem_fail_next() */
	TMEM_REC_COUNT,
};

/* Operations that T lines have. */
enum tmem_timed {
	TMEM_T_GET,
	TMEM_T_PUT,
	TMEM_T_NO_GET,
	TMEM_T_NO_PUT,
	TMEM_T_FLUSH,
	TMEM_T_FLUSH_OBJECT,
	TMEM_T_COPY,
	TMEM_T_PACK,
	TMEM_T_UNPACK,
	TMEM_T_COUNT,
};

/* Locks in the order in which they are taken. */
enum tmem_lock {
	TMEM_LOCK_HOST,	  /* reader-writer; one */
	TMEM_LOCK_POOL,	  /* reader-writer; by index of the pool */
	TMEM_LOCK_OBJECT, /* spin; by index of the object */
	TMEM_LOCK_SHARD,  /* reader-writer; 0 … 255 */
	TMEM_LOCK_LISTS,  /* spin; one.  Eviction takes it first */
	TMEM_LOCK_BLOCKS, /* spin; of the allocator: 0, or client + 1 */
	TMEM_LOCK_FRAMES, /* spin; one */
};

/*
 * Who wants to play the time of calls: what is metered between two of these
 * happens with the locks held that were taken.  All of them come in pairs
 * within one call.  Indices of pools and objects are used again.
 */
struct tmem_trace {
	void (*begin)(void *ctx, const struct tmem_call *call);
	void (*lock)(void *ctx, enum tmem_lock lock, uint32_t which,
		     bool write);
	void (*unlock)(void *ctx, enum tmem_lock lock, uint32_t which);
	void (*end)(void *ctx, const struct tmem_call *call);
	void *ctx;
};

struct tmem_blocks;

struct tmem_frames {
	uint32_t *list; /* tmem's own, last freed last */
	size_t list_cap;
	uint32_t listed;
	uint32_t *back; /* given back to the host, last last */
	size_t back_cap;
	uint32_t returned;
	uint32_t next;	    /* frames ever seen */
	uint64_t away;	    /* relinquished: the host uses them */
	uint64_t host_free; /* UINT64_MAX: no end of them */
	uint64_t reserve;   /* that single pages do not get */
	uint32_t *content;  /* by frame: last copied there, CONTENT_NONE */
	size_t content_cap;
};

struct tmem {
	struct tmem_config cfg;
	bool bad[TMEM_DEFECT_COUNT];	/* shipped, and the revision has it */
	bool stuck;			/* some shard is dead */
	bool dedup, tze;		/* in effect */
	const struct tmem_trace *trace; /* NULL: nobody listens */
	struct arena page, pcd, object, node, pool, client, block;
	uint32_t root[TMEM_SHARDS]; /* of the trees of pcds */
	bool dead[TMEM_SHARDS];	    /* its lock was never dropped */
	uint32_t *bucket;	    /* hash of objects */
	uint32_t buckets;
	uint32_t *client_of; /* by the client's number; 0: none */
	size_t client_cap;
	uint32_t shared_pool[TMEM_POOLS]; /* in the arena; 0: none */
	uint64_t shared;		  /* how many there are */
	uint64_t weights;
	uint32_t head; /* of the list of all ephemeral pages */
	struct tmem_frames frames;
	struct tmem_blocks *blocks;    /* of ephemeral pages */
	uint32_t fail[TMEM_REC_COUNT]; /* see tmem_fail_next() */
	struct tmem_stats stats;
	struct tmem_time time[TMEM_T_COUNT];
};

/*
 * tmem_new - a host without clients
 * @cfg: copied; what its columns point to is borrowed
 * Returns 0 or -ENOMEM.
 */
int tmem_new(struct tmem **out, const struct tmem_config *cfg);
void tmem_free(struct tmem *t); /* NULL is fine */

/*
 * tmem_call - one operation of a guest, with its answer in @c
 * Returns 0, or -ENOMEM when the simulator has no memory: then nothing has
 * happened.
 */
int tmem_call(struct tmem *t, struct tmem_call *c, struct meter *m);

/* tmem_client - the record of a client; 0: it has done nothing yet */
uint32_t tmem_client(const struct tmem *t, uint32_t client);
/* tmem_client_get - the same, made when it is missing; -ENOMEM */
int tmem_client_get(struct tmem *t, uint32_t client, uint32_t *index);
/* tmem_client_end - the guest is gone, with all its pools */
int tmem_client_end(struct tmem *t, uint32_t client, struct meter *m);

/* What the toolstack can do; @client is the index that tmem_client() gives. */
void tmem_set_weight(struct tmem *t, uint32_t client, uint32_t weight);
/* -EPERM while pages are shared */
int tmem_set_compress(struct tmem *t, uint32_t client, bool on);

/* tmem_over_quota - does a victim for this client come from its own pages? */
bool tmem_over_quota(const struct tmem *t, uint32_t client);

/* tmem_room_for_control - before one of the next three, when no call came before
 * it; -ENOMEM */
int tmem_room_for_control(struct tmem *t);

/* tmem_evict - one call for a victim, on behalf of a client's index, 0: nobody;
 * returns pages removed, 0 or 1 */
int tmem_evict(struct tmem *t, uint32_t client, struct meter *m);
/* tmem_relinquish - the host wants a frame; did it get one? */
bool tmem_relinquish(struct tmem *t, struct meter *m);
/* tmem_flush - evict until @kib are on the list, give the list to the host;
 * returns KiB given */
uint64_t tmem_flush(struct tmem *t, uint64_t kib, struct meter *m);

/* tmem_fail_next - the @n-th allocation of this kind from now fails; 0: none */
void tmem_fail_next(struct tmem *t, enum tmem_record record, uint32_t n);

/* tmem_list - what the old tool printed: G, T, C, P and S lines */
void tmem_list(const struct tmem *t, FILE *out);
/* tmem_report - the same as rows of scope "tmem", clients and pools summed up */
void tmem_report(const struct tmem *t, struct rows *out);
/* tmem_check - 0, or -EINVAL with what is wrong printed to @why */
int tmem_check(const struct tmem *t, FILE *why);

/* tmem_frames_used - whole frames of contents and those cut into blocks */
uint64_t tmem_frames_used(const struct tmem *t);
/* tmem_own_bytes - memory of the simulator for all this */
uint64_t tmem_own_bytes(const struct tmem *t);

/* tmem_find - the stored page; 0: none.  @pool: index in the arena */
uint32_t tmem_find(const struct tmem *t, uint32_t pool, const uint64_t oid[3],
		   uint32_t index);

static inline struct tmem_page *tmem_page_at(const struct tmem *t, uint32_t i)
{
	return (struct tmem_page *)arena_at(&t->page, i);
}
static inline struct tmem_pcd *tmem_pcd_at(const struct tmem *t, uint32_t i)
{
	return (struct tmem_pcd *)arena_at(&t->pcd, i);
}
static inline struct tmem_object *tmem_object_at(const struct tmem *t,
						 uint32_t i)
{
	return (struct tmem_object *)arena_at(&t->object, i);
}
static inline struct tmem_node *tmem_node_at(const struct tmem *t, uint32_t i)
{
	return (struct tmem_node *)arena_at(&t->node, i);
}
static inline struct tmem_pool *tmem_pool_at(const struct tmem *t, uint32_t i)
{
	return (struct tmem_pool *)arena_at(&t->pool, i);
}
static inline struct tmem_client *tmem_client_at(const struct tmem *t,
						 uint32_t i)
{
	return (struct tmem_client *)arena_at(&t->client, i);
}

#endif
