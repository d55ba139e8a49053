/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * queue.h - first in, first out, of 32-bit numbers
 *
 * A ring that grows by doubling; what was read is room again, so memory is the
 * longest that the queue ever was.
 */
#ifndef DEDUPSIM_ENGINE_PAGEONE_QUEUE_H
#define DEDUPSIM_ENGINE_PAGEONE_QUEUE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

struct queue {
	uint32_t *ring;
	size_t cap; /* 0 or a power of two */
	size_t head, n;
	size_t longest;
};

/* queue_push - 0, or -ENOMEM with the queue unchanged */
int queue_push(struct queue *q, uint32_t value);
void queue_fini(struct queue *q);

/* queue_pop - the oldest number; there must be one */
static inline uint32_t queue_pop(struct queue *q)
{
	uint32_t value;

	assert(q->n);
	value = q->ring[q->head];
	q->head = (q->head + 1) & (q->cap - 1);
	q->n--;
	return value;
}

/* queue_at - the @i-th number from the oldest on */
static inline uint32_t queue_at(const struct queue *q, size_t i)
{
	assert(i < q->n);
	return q->ring[(q->head + i) & (q->cap - 1)];
}

#endif
