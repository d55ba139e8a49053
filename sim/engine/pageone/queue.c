/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/engine/pageone/queue.h"

#define RING_MIN 1024u

/* Behind the old end follow the numbers that had wrapped around to the start. */
static int grow(struct queue *q)
{
	size_t old = q->cap, want = old ? 2 * old : RING_MIN, cap = old;
	uint32_t *ring = q->ring;

	if (want < old || mem_reserve(&ring, &cap, want, sizeof(*ring)))
		return -ENOMEM;
	if (q->head + q->n > old)
		memcpy(ring + old, ring,
		       (q->head + q->n - old) * sizeof(*ring));
	q->ring = ring;
	q->cap = want;
	return 0;
}

int queue_push(struct queue *q, uint32_t value)
{
	if (q->n == q->cap && grow(q))
		return -ENOMEM;
	q->ring[(q->head + q->n++) & (q->cap - 1)] = value;
	if (q->longest < q->n)
		q->longest = q->n;
	return 0;
}

void queue_fini(struct queue *q)
{
	mem_release(q->ring, q->cap, sizeof(*q->ring));
	*q = (struct queue){0};
}
