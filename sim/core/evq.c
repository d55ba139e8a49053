/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "sim/base/mem.h"
#include "sim/core/evq.h"

static bool earlier(const struct evq_entry *a, const struct evq_entry *b)
{
	return a->time.v != b->time.v ? a->time.v < b->time.v : a->seq < b->seq;
}

void evq_init(struct evq *q)
{
	*q = (struct evq){0};
}

void evq_fini(struct evq *q)
{
	mem_release(q->v, q->cap, sizeof(*q->v));
	evq_init(q);
}

int evq_push(struct evq *q, ns_t time, uint32_t kind, uint32_t arg)
{
	struct evq_entry e = {time, q->seq, kind, arg};
	size_t i = q->n;

	if (mem_reserve(&q->v, &q->cap, q->n + 1, sizeof(*q->v)))
		return -ENOMEM;
	q->seq++;
	q->n++;
	for (; i && earlier(&e, &q->v[(i - 1) / 2]); i = (i - 1) / 2)
		q->v[i] = q->v[(i - 1) / 2];
	q->v[i] = e;
	return 0;
}

const struct evq_entry *evq_peek(const struct evq *q)
{
	return q->n ? &q->v[0] : NULL;
}

void evq_pop(struct evq *q)
{
	struct evq_entry e;
	size_t i = 0, child;

	assert(q->n);
	e = q->v[--q->n];
	while ((child = 2 * i + 1) < q->n) {
		if (child + 1 < q->n && earlier(&q->v[child + 1], &q->v[child]))
			child++;
		if (!earlier(&q->v[child], &e))
			break;
		q->v[i] = q->v[child];
		i = child;
	}
	q->v[i] = e;
}

int evq_check(const struct evq *q, FILE *why)
{
	for (size_t i = 1; i < q->n; i++) {
		if (!earlier(&q->v[i], &q->v[(i - 1) / 2]))
			continue;
		if (why)
			fprintf(why,
				"evq: entry %zu is earlier than its parent\n",
				i);
		return -EINVAL;
	}
	return 0;
}
