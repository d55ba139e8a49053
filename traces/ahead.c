/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "traces/ahead.h"

/* One in the reader's hands, one ready, one being filled. */
#define SLOTS 3u

struct ahead {
	ahead_fill_fn *fill;
	void *ctx;
	pthread_t thread;
	bool threaded, stop;
	pthread_mutex_t lock;
	pthread_cond_t more, room;
	/* Blocks filled and blocks handed out, ever; slot is the number modulo
	 * SLOTS.  The one handed out last is still in use. */
	uint64_t made, taken;
	struct event_block slot[SLOTS];
};

int event_block_reserve(struct event_block *b, size_t n)
{
	struct event *ev;

	if (n <= b->cap)
		return 0;
	ev = realloc(b->ev, n * sizeof(*ev));
	if (!ev)
		return -ENOMEM;
	b->ev = ev;
	b->cap = n;
	return 0;
}

static void fill(struct ahead *a, struct event_block *b)
{
	b->n = 0;
	b->err.text[0] = 0;
	b->ret = a->fill(a->ctx, b, &b->err);
}

static void *run(void *arg)
{
	struct ahead *a = arg;
	struct event_block *b;
	bool over = false;

	pthread_mutex_lock(&a->lock);
	while (!over) {
		/* the one in use is number taken - 1 */
		while (!a->stop && a->made + 1 >= a->taken + SLOTS)
			pthread_cond_wait(&a->room, &a->lock);
		if (a->stop)
			break;
		b = &a->slot[a->made % SLOTS];
		pthread_mutex_unlock(&a->lock);
		fill(a, b);
		over = b->ret != 1;
		pthread_mutex_lock(&a->lock);
		a->made++;
		pthread_cond_signal(&a->more);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

int ahead_new(struct ahead **out, ahead_fill_fn *fn, void *ctx)
{
	struct ahead *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->fill = fn;
	a->ctx = ctx;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->more, NULL);
	pthread_cond_init(&a->room, NULL);
	a->threaded = !pthread_create(&a->thread, NULL, run, a);
	*out = a;
	return 0;
}

/* Wait for block number @taken; it stays where it is when it is the last. */
static struct event_block *wait_block(struct ahead *a)
{
	struct event_block *b = &a->slot[a->taken % SLOTS];

	if (!a->threaded) {
		if (a->made == a->taken) {
			fill(a, b);
			a->made++;
		}
		return b;
	}
	pthread_mutex_lock(&a->lock);
	while (a->made == a->taken)
		pthread_cond_wait(&a->more, &a->lock);
	pthread_mutex_unlock(&a->lock);
	return b;
}

int ahead_next(struct ahead *a, const struct event_block **out, struct err *err)
{
	struct event_block *b = wait_block(a);

	if (b->ret != 1) {
		if (b->ret < 0 && b->err.text[0])
			err_set(err, -b->ret, "%s", b->err.text);
		return b->ret;
	}
	*out = b;
	pthread_mutex_lock(&a->lock);
	a->taken++;
	pthread_cond_signal(&a->room);
	pthread_mutex_unlock(&a->lock);
	return 1;
}

void ahead_free(struct ahead *a)
{
	if (!a)
		return;
	if (a->threaded) {
		pthread_mutex_lock(&a->lock);
		a->stop = true;
		pthread_cond_signal(&a->room);
		pthread_mutex_unlock(&a->lock);
		pthread_join(a->thread, NULL);
	}
	pthread_cond_destroy(&a->room);
	pthread_cond_destroy(&a->more);
	pthread_mutex_destroy(&a->lock);
	for (unsigned i = 0; i < SLOTS; i++)
		free(a->slot[i].ev);
	free(a);
}
