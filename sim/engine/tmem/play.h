/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * play.h - when the calls of tmem happen, on several processors
 *
 *	call ──► locks taken and let go, work between them ──► virtual CPUs
 *	         (struct tmem_trace, the meter)                (sim/core/vcpu.h)
 *
 * What a call does is computed at once, in the order of calls; its time is
 * played.  Two ways to arrive:
 *
 *	open     at the time of the trace, on processor client mod cpus
 *	closed   each processor takes the next call as soon as it is free, after
 *	         @think: how far do operations scale?
 *
 * Locks and their order are those of the original, with four differences.
 * Eviction, which holds the lists, only tries the locks of objects, shards and
 * pools and skips what is busy: here it neither waits for them nor keeps others
 * waiting.  A pool's lock is let go before an object's is waited for, as the
 * original does by looking the object up again; the lookups are not repeated.
 * From R3 on a call enters by the host's lock for writing, and so waits until no
 * other runs: here it keeps that lock, as one server would.
 * Pools, objects and clients share a limited number of locks, by number.
 *
 * Beside what was waited, the work of all scripts is summed up by lock, so that
 * a closed form can be held against what was played.  T processors that take the
 * next call as soon as they are free do work faster than one by no more than
 *
 *	t / max(t/T, a, f, e, max over b (w_b + r_b / T))
 *
 * of a call's mean times: t in all; a, f and e under the locks of allocator, free
 * list and lists (and of the host, where one call excludes all others); w_b and r_b under the lock of shard b, for writing and for
 * reading.  Readers overlap, so it is only their share of T that counts.  The
 * simpler form has s p_b instead, of the mean time s under any shard's lock and
 * the share p_b of locks taken that are b's: it is below what can be reached where
 * a shard is mostly read, and above it where its tree is deeper than others.
 */
#ifndef DEDUPSIM_ENGINE_TMEM_PLAY_H
#define DEDUPSIM_ENGINE_TMEM_PLAY_H

#include "sim/core/vcpu.h"
#include "sim/engine/tmem/tmem.h"

#define TMEM_LOCK_KINDS 7u /* enum tmem_lock */

/* Work under the locks, waiting left out. */
struct tmem_work {
	uint64_t calls;
	uint64_t ns;			/* of all calls */
	uint64_t held[TMEM_LOCK_KINDS]; /* of these, with such a lock held */
	uint64_t host_write;		/* … while no other call can run */
	uint64_t blocks; /* … the allocator that all clients share */
	uint64_t shard_calls[TMEM_SHARDS];   /* that took the shard's lock */
	uint64_t shard_ns[TMEM_SHARDS];	     /* … with it held */
	uint64_t shard_read_ns[TMEM_SHARDS]; /* … of these, for reading */
};

struct tmem_play_config {
	uint32_t cpus;
	bool closed;
	ns_t think; /* closed: between two calls of a processor */
};

struct tmem_play;

int tmem_play_new(struct tmem_play **out, const struct tmem_play_config *cfg);
void tmem_play_free(struct tmem_play *p); /* NULL is fine */
/* tmem_play_trace - what the host is to listen with; lives as long as @p */
const struct tmem_trace *tmem_play_trace(const struct tmem_play *p);

/*
 * tmem_play_at - the calls that follow arrive @now and are metered on @m, until
 * told otherwise
 * Plays what is due before.  Returns 0 or -ENOMEM.
 */
int tmem_play_at(struct tmem_play *p, ns_t now, const struct meter *m);
/* tmem_play_called - after each call: plays as far as it must; 0 or -ENOMEM */
int tmem_play_called(struct tmem_play *p);
/* tmem_play_drain - nothing more arrives: play to the end */
int tmem_play_drain(struct tmem_play *p);

const struct tmem_work *tmem_play_work(const struct tmem_play *p);

/*
 * tmem_play_speedup - work of the calls that have ended, by the time played
 * tmem_play_bound, tmem_play_bound_mean - the closed form above, and the simpler
 * All in millionths; 0: nothing was played.
 */
uint64_t tmem_play_speedup(const struct tmem_play *p);
uint64_t tmem_play_bound(const struct tmem_play *p);
uint64_t tmem_play_bound_mean(const struct tmem_play *p);

/*
 * tmem_play_report - scopes
 *	vcpu          as vsched_report(), and played_ns
 *	tmem_work     calls, work_ns; KIND_work_ns, KIND_acquired, KIND_contended,
 *	              KIND_waited_ns, KIND_held_ns; speedup, speedup_bound,
 *	              speedup_bound_mean in millionths, heaviest_shard (locks of it of
 *	              a million taken), closed loop only
 *	tmem_shard    the same by shard, those that were used
 */
void tmem_play_report(const struct tmem_play *p, struct rows *out);
int tmem_play_check(const struct tmem_play *p, FILE *why);

#endif
