/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pageone.h - the parts of the pageone engine (private to this folder)
 *
 *	sdtree.c    the set of stored contents, each with a count
 *	frame.c     the state of each page frame, and what may happen to it
 *	notice.c    what guests do: faults, copies, forks, unmapping
 *	scan.c      the daemon: base scans and merge scans over all frames
 *	work.c      the work threads: protect, insert, replace
 *	sdcount.c   what the original's tree would have looked at
 *	store.c     both as the engine sees them
 *	play.c      the work threads on virtual CPUs, in simulated time
 *	queue.c     queues of frames
 *	report.c    counters, invariants
 *	pageone.c   options, start, stop
 *
 * PageONE keeps no list of spaces and no record of a page, but a few bits for
 * each page frame:
 *
 *	state  3 bits, see below        v  how often it was found volatile, 0 … 7
 *	                                s  merge scans since the last protection
 *
 *	 fault            merge scan          queue             merge scan
 *	NULL ──► VOLATILE ──────────► ENQUE ──────────► WATCH ──────────► WATCH_QUE
 *	            ▲  s = v, else s + 1        protected │ write              │
 *	            └────────────── v + 1 ────────────────┴──── refused ───────┤
 *	                                       FIX ◄── new in the tree ────────┤
 *	                                       IDLE, NULL ◄── replaced by FIX ─┘
 *
 * The page of a FIX frame is stored in the SD tree, which holds the frame as
 * long as anything refers to it.  A mapping lost or gained while the frame is in
 * a queue makes it CHG; a frame that goes away while it is in a queue is IDLE,
 * and the allocator gets it when the queue does.
 *
 * Invariants (pageone_check): a frame in FIX is one held share record, its
 * count in the tree is the number of its mappings and of replacements on their
 * way; every other tracked frame belongs to the page that owner[] names; IDLE
 * frames are held; WATCH_QUE pages are copied when written.
 *
 * Source: [pone] mm/pone, include/pone of virt_release.
 */
#ifndef DEDUPSIM_ENGINE_PAGEONE_PAGEONE_H
#define DEDUPSIM_ENGINE_PAGEONE_PAGEONE_H

#include "sim/base/mem.h"
#include "sim/core/vcpu.h"
#include "sim/engine/engine.h"
#include "sim/engine/pageone/queue.h"
#include "sim/engine/pageone/sdcount.h"
#include "sim/engine/pageone/sdtree.h"

/* The daemon is the run's worker 0, work thread i is worker i + 1. */
#define PONE_WORKERS_MAX SD_THREADS

struct pageone_opts {
	uint64_t workers;
	uint64_t base_period, merge_period, timer_period;
	uint64_t insert_batch;
	uint64_t debug_counters;
	uint64_t clusters; /* enum sd_clusters */
	uint64_t exact_objects, sample;
	/* Ours. */
	uint64_t slice;
};

extern const struct opt pageone_options[];

/* ---- frames ---- */

enum pone_state {
	PONE_NULL,
	PONE_IDLE,
	PONE_ENQUE,
	PONE_WATCH,
	PONE_WATCH_QUE,
	PONE_CHG,
	PONE_FIX,
	PONE_VOLATILE,
	PONE_STATES
};

#define PONE_COUNT_MAX 7u /* v and s have three bits */

/* 21 frames to a 64-bit word, in each of three maps. */
#define PONE_MAP_FRAMES 21u
#define PONE_MAPS 3u

struct pone_frame {
	uint8_t state; /* enum pone_state */
	uint8_t v, s;
	uint8_t readonly; /* a write faults */
};

/* ---- replacements that another thread must do ---- */

struct pone_worker {
	struct queue protect; /* frames */
	struct queue replace; /* frame, frame that replaces it, in turn */
	uint64_t batch;	      /* entries of the insert queue left to take */
	bool busy;	      /* has a script to play */
	uint64_t owned;	      /* page-table operations, for the balance */
};

/* ---- time that guests lose ---- */

#define PONE_DELAYS 256u /* four bins to each power of two */

struct pone_delays {
	uint64_t count[PONE_DELAYS];
	uint64_t writes, delayed;
	ns_t sum, max;
};

/* ---- compare-and-swaps that meet ---- */

#define PONE_RECENT 4096u

struct pone_recent {
	uint64_t word;	 /* which word, 0: none */
	uint64_t at;	 /* ns */
	uint32_t worker; /* workers: a guest */
};

struct pageone {
	struct engine base;
	struct pageone_opts opt;
	struct machine *machine;
	const struct content_set *contents;
	const struct clock *clock;
	ns_t *wake;
	uint64_t salt; /* where the kernel has put its spaces */

	struct pone_frame *frame; /* by number */
	size_t frame_cap;
	uint32_t *owner; /* by frame: its PTE; FIX: its share record */
	size_t owner_cap;
	uint32_t frames; /* behind the last that was ever tracked */
	uint64_t states[PONE_STATES];

	struct pone_worker *worker;
	struct queue insert; /* frames, shared by all workers */
	struct sdtree *tree;
	struct sd_thread *thread;
	struct sdcount *count;
	ns_t divided; /* when a cluster was last looked for that is too full */

	/* Time. */
	struct vsched *sched;
	struct vscript script;
	ns_t next_base, next_tick;
	uint64_t walks; /* base scans, merge scans included */
	struct pone_recent *recent;
	uint64_t op_ns; /* length of an operation of late */
	struct pone_delays delays;

	/* Counters. */
	uint64_t merge_scans, changes;
	uint64_t merged, stored_new, undone;
	uint64_t protect_fails, insert_refusals, replace_fails;
	uint64_t reused_in_place, copied, sd_in_fault;
	uint64_t rmap_longest;
	uint64_t objects, objects_peak, refs;
	ns_t first_insert, last_merge, last_store;
};

static inline enum pone_state pone_state(const struct pageone *p, uint32_t f)
{
	return (enum pone_state)p->frame[f].state;
}

static inline struct pte *pone_pte(const struct pageone *p, uint32_t pte)
{
	return &p->machine->pte[pte];
}

/* ---- frame.c ---- */

/* Make room for frame @f; 0 or -ENOMEM. */
int pone_cover(struct pageone *p, uint32_t f);
void pone_set(struct pageone *p, uint32_t f, enum pone_state state,
	      struct meter *m);
/* VOLATILE, found so once more */
void pone_volatile(struct pageone *p, uint32_t f, struct meter *m);
/* write-protected: WATCH, and v one up */
void pone_watch(struct pageone *p, uint32_t f, struct meter *m);
/* a new page at @pte has this frame: VOLATILE; 0 or -ENOMEM */
int pone_track(struct pageone *p, uint32_t f, uint32_t pte, struct meter *m);
/* nobody tracks it any more */
void pone_forget(struct pageone *p, uint32_t f);
/* Is it a page that PageONE looks after? */
bool pone_wanted(const struct pte *p);
/* The page that has the frame for itself; 0: there is no one page. */
uint32_t pone_page(const struct pageone *p, uint32_t f);
/* The thread that does page-table work for the space of this page. */
uint32_t pone_owner(const struct pageone *p, uint32_t pte);
/* an IDLE frame goes to the allocator */
void pone_free_idle(struct pageone *p, uint32_t f, struct meter *m);
/* CHG or IDLE, met in a queue: true when that was it */
bool pone_settle(struct pageone *p, uint32_t f, struct meter *m);

/* ---- notice.c ---- */

int pone_notice(struct engine *e, const struct effect *fx, struct meter *m);

/* ---- scan.c ---- */

/* One walk of the daemon over all frames. */
int pone_walk(struct pageone *p, struct meter *m);

/* ---- work.c ---- */

bool pone_has_work(const struct pageone *p, uint32_t w);
/*
 * Up to @max entries of one queue, as worker @w takes them.
 * @tree: out: operations on the tree among them
 * Returns how many, or -ENOMEM.
 */
int pone_slice(struct pageone *p, uint32_t w, uint32_t max, ns_t now,
	       uint32_t *tree, struct meter *m);

/* ---- store.c ---- */

int pone_store_open(struct pageone *p, uint64_t seed);
void pone_store_close(struct pageone *p);
/*
 * One reference more to @content, stored as frame @f if it is new.
 * @worker: the thread that does it; opt.workers: a guest
 * @stored: out: the frame that is stored
 * Returns SD_NEW, SD_DUP, -ENOSPC (its cluster takes no more), or -ENOMEM.
 */
int pone_store_insert(struct pageone *p, uint32_t content, uint32_t f,
		      uint32_t worker, ns_t now, uint32_t *stored,
		      struct meter *m);
/* One less; the last one lets go of the frame. */
int pone_store_delete(struct pageone *p, uint32_t content, uint32_t worker,
		      ns_t now, struct meter *m);
/* Look ahead: up to SD_WARM contents are about to be inserted, or not. */
void pone_store_warm(struct pageone *p, const uint32_t *content, unsigned n);
/* A cluster that is too full gives some of its objects to a new one. */
int pone_store_divide(struct pageone *p, struct meter *m);
uint64_t pone_store_bytes(const struct pageone *p);

/* ---- play.c ---- */

int pone_play_open(struct pageone *p);
void pone_play_close(struct pageone *p);
/* everything that the threads do before @until */
int pone_play(struct pageone *p, ns_t until);
/* the timer: threads that sleep and have work begin it */
int pone_tick(struct pageone *p, ns_t now);
bool pone_playing(const struct pageone *p);

/* ---- report.c ---- */

void pone_report(const struct engine *e, struct rows *out);
int pone_check(const struct engine *e, FILE *why);
void pone_delay(struct pone_delays *d, ns_t ns);

#endif
