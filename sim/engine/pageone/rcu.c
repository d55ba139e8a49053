/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <stddef.h>
#include <urcu.h>

#include "sim/engine/pageone/rcu.h"

/* What lies in sd_waiting.room. */
struct rcu_room {
	struct rcu_head head;
	_Atomic(struct sd_rcu *) r;
};

static_assert(sizeof(struct rcu_room) <= sizeof(((struct sd_waiting *)0)->room),
	      "no room for what liburcu keeps");

static struct sd_rcu *rcu_of(struct sd_reclaim *r)
{
	return (struct sd_rcu *)(void *)r;
}

static void rcu_join(struct sd_reclaim *r, unsigned thread)
{
	(void)r;
	(void)thread;
	rcu_register_thread();
}

static void rcu_part(struct sd_reclaim *r, unsigned thread)
{
	(void)r;
	(void)thread;
	rcu_unregister_thread();
}

static void rcu_enter(struct sd_reclaim *r, unsigned thread)
{
	(void)r;
	(void)thread;
	rcu_read_lock();
}

static void rcu_leave(struct sd_reclaim *r, unsigned thread)
{
	atomic_uint *left = &rcu_of(r)->thread[thread].left;
	unsigned n = atomic_load_explicit(left, memory_order_relaxed);

	atomic_store_explicit(left, n + 1, memory_order_release);
	rcu_read_unlock();
}

static void rcu_over(struct rcu_head *head)
{
	struct rcu_room *room = (struct rcu_room *)(void *)head;
	struct sd_waiting *w =
		(struct sd_waiting *)(void *)((char *)room -
					      offsetof(struct sd_waiting,
						       room));
	struct sd_rcu *r = atomic_load_explicit(&room->r, memory_order_acquire);

	for (unsigned i = 0; i < SD_THREADS; i++)
		(void)atomic_load_explicit(&r->thread[i].left,
					   memory_order_acquire);
	w->done(w);
}

static void rcu_after(struct sd_reclaim *r, unsigned thread,
		      struct sd_waiting *w)
{
	struct rcu_room *room = (struct rcu_room *)(void *)w->room;

	(void)thread;
	atomic_store_explicit(&room->r, rcu_of(r), memory_order_release);
	call_rcu(&room->head, rcu_over);
}

static void rcu_drain(struct sd_reclaim *r)
{
	(void)r;
	rcu_barrier();
}

static const struct sd_reclaim_ops rcu_ops = {
	.join = rcu_join,
	.part = rcu_part,
	.enter = rcu_enter,
	.leave = rcu_leave,
	.after = rcu_after,
	.drain = rcu_drain,
};

void sd_rcu_init(struct sd_rcu *r)
{
	*r = (struct sd_rcu){.reclaim.ops = &rcu_ops};
}
