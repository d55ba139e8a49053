/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vcpu.h - virtual CPUs that carry out operations under locks
 *
 * What an operation does is computed at once, in the order of issue, by whoever
 * owns the data; when it happens is played afterwards.  The owner writes down
 * how the operation goes as a script
 *
 *	run 300 ns │ lock object │ run 230 ns │ lock shard │ run 900 ns │ …
 *
 * (times between steps are what its meter grew by), hands it to a CPU, and the
 * scheduler plays the scripts of all CPUs in one order of time, with locks that
 * queue (vlock.h).  A CPU plays its scripts one after the other and spins while
 * it waits.  Equal times are played in the order in which they were asked for,
 * so two runs give the same times.
 *
 * Two ways to feed it: hand in scripts with the time from which they may begin
 * and advance now and then (open loop: arrivals do not wait), or set idle() and
 * give each CPU its next script when it has none (closed loop).
 */
#ifndef DEDUPSIM_CORE_VCPU_H
#define DEDUPSIM_CORE_VCPU_H

#include "sim/core/evq.h"
#include "sim/core/rows.h"
#include "sim/core/vlock.h"

#define VCPUS_MAX 1024u

enum vstep_kind {
	VSTEP_BEGIN, /* value: earliest time of the operation */
	VSTEP_RUN,   /* value: ns of work */
	VSTEP_READ,  /* value: lock to take for reading */
	VSTEP_WRITE, /* value: lock to take for writing */
	VSTEP_DROP,  /* value: lock to let go */
	VSTEP_END,
};

struct vstep {
	uint64_t kind : 3; /* enum vstep_kind */
	uint64_t value : 61;
};

struct vscript {
	struct vstep *v;
	size_t n, cap;
	bool failed; /* out of memory: steps are missing */
};

/* Adding never fails at the call: vsched_submit() says -ENOMEM. */
void vscript_run(struct vscript *s, ns_t spent); /* adjoining runs add up */
void vscript_lock(struct vscript *s, uint32_t lock, enum vlock_mode mode);
void vscript_unlock(struct vscript *s, uint32_t lock);
void vscript_clear(struct vscript *s); /* keeps the memory */
void vscript_fini(struct vscript *s);

struct vcpu {
	struct vstep *ring; /* what it still has to play; cap: a power of two */
	size_t head, n, cap;
	bool playing; /* it has an entry in the queue, or waits for a lock */
	bool waiting;
	ns_t asked;   /* the earliest time of the present operation */
	uint64_t ops; /* operations ended */
	ns_t busy;    /* at work, waiting left out */
	ns_t waited;  /* spinning */
	ns_t latency, latency_max; /* from earliest time to end: sum, longest */
	ns_t end;		   /* when it ended its last operation */
};

struct vsched {
	struct vcpu *cpu;
	struct vlock *lock;
	struct vlock_wait *wait;
	uint32_t cpus, locks;
	struct evq queue; /* arg: the CPU whose next step is due */
	ns_t now;
	/*
	 * @cpu has nothing left at @now: may submit its next operation.
	 * Returns 0 or an error, which ends the playing.  NULL: nothing.
	 */
	int (*idle)(void *ctx, uint32_t cpu, ns_t now);
	void *ctx;
};

/*
 * vsched_new - @cpus virtual CPUs, all idle at time 0, and @locks locks
 * @kind: of each lock, in the order of their numbers; read, not kept
 * Returns 0, -EINVAL (no CPU, or more than VCPUS_MAX), -ENOMEM.
 */
int vsched_new(struct vsched **out, uint32_t cpus, uint32_t locks,
	       const enum vlock_kind *kind);
void vsched_free(struct vsched *s); /* NULL is fine */

/*
 * vsched_submit - @cpu shall carry out @op, not before @earliest
 * The script is copied.  It must let go of each lock that it takes, take no lock
 * twice, and take locks in one order with all others.
 * Returns 0, or -ENOMEM with nothing submitted.
 */
int vsched_submit(struct vsched *s, uint32_t cpu, ns_t earliest,
		  const struct vscript *op);

/*
 * vsched_advance - play every step that is due before @until
 * vsched_drain - play until nothing is left
 * Return 0; -ENOMEM; -EDEADLK (drain only): CPUs wait for one another; or what
 * idle() returned.
 */
int vsched_advance(struct vsched *s, ns_t until);
int vsched_drain(struct vsched *s);

/* All CPUs together: scope "vcpu": operations, busy_ns, waited_ns, latency_ns,
 * latency_max_ns, end_ns (when the last of them was done). */
void vsched_report(const struct vsched *s, struct rows *out);

/* Invariants: the locks', and that nobody waits for a lock and runs. */
int vsched_check(const struct vsched *s, FILE *why);

#endif
