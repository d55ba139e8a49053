/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <string.h>

#include "tests/support/lock_reclaim.h"

/* What lies in sd_waiting.room. */
struct lock_room {
	struct sd_waiting *next;
	uint64_t since;
};

static_assert(sizeof(struct lock_room) <=
		      sizeof(((struct sd_waiting *)0)->room),
	      "no room");

static struct lock_room *room_of(struct sd_waiting *w)
{
	return (struct lock_room *)(void *)w->room;
}

static struct lock_reclaim *lock_of(struct sd_reclaim *r)
{
	return (struct lock_reclaim *)(void *)r;
}

static void lock_enter(struct sd_reclaim *reclaim, unsigned thread)
{
	struct lock_reclaim *r = lock_of(reclaim);

	pthread_mutex_lock(&r->lock);
	assert(!r->entered[thread]);
	r->entered[thread] = ++r->clock;
	pthread_mutex_unlock(&r->lock);
}

/* Those that wait since before anybody here came in; a list. */
static struct sd_waiting *take_over(struct lock_reclaim *r)
{
	struct sd_waiting *out = r->first, **end = &out;
	uint64_t oldest = UINT64_MAX;

	for (unsigned i = 0; i < SD_THREADS; i++)
		if (r->entered[i] && r->entered[i] < oldest)
			oldest = r->entered[i];
	while (*end && room_of(*end)->since < oldest) {
		end = &room_of(*end)->next;
		r->done++;
	}
	r->first = *end;
	*end = NULL;
	return out;
}

static void finish(struct sd_waiting *w)
{
	while (w) {
		struct sd_waiting *next = room_of(w)->next;

		w->done(w);
		w = next;
	}
}

static void lock_leave(struct sd_reclaim *reclaim, unsigned thread)
{
	struct lock_reclaim *r = lock_of(reclaim);
	struct sd_waiting *over;

	pthread_mutex_lock(&r->lock);
	assert(r->entered[thread]);
	r->entered[thread] = 0;
	over = take_over(r);
	pthread_mutex_unlock(&r->lock);
	finish(over);
}

static void lock_after(struct sd_reclaim *reclaim, unsigned thread,
		       struct sd_waiting *w)
{
	struct lock_reclaim *r = lock_of(reclaim);

	(void)thread;
	pthread_mutex_lock(&r->lock);
	*room_of(w) = (struct lock_room){.since = ++r->clock};
	if (r->first)
		room_of(r->last)->next = w;
	else
		r->first = w;
	r->last = w;
	pthread_mutex_unlock(&r->lock);
}

static void lock_drain(struct sd_reclaim *reclaim)
{
	struct lock_reclaim *r = lock_of(reclaim);
	struct sd_waiting *over;

	pthread_mutex_lock(&r->lock);
	over = take_over(r);
	assert(!r->first);
	pthread_mutex_unlock(&r->lock);
	finish(over);
}

static const struct sd_reclaim_ops lock_ops = {
	.enter = lock_enter,
	.leave = lock_leave,
	.after = lock_after,
	.drain = lock_drain,
};

void lock_reclaim_init(struct lock_reclaim *r)
{
	memset(r, 0, sizeof(*r));
	r->reclaim.ops = &lock_ops;
	pthread_mutex_init(&r->lock, NULL);
}

void lock_reclaim_fini(struct lock_reclaim *r)
{
	assert(!r->first);
	pthread_mutex_destroy(&r->lock);
}
