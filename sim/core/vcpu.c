/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/core/vcpu.h"

#define VALUE_MAX ((UINT64_C(1) << 61) - 1)
#define RING_MIN 64u

/* ---- scripts ---- */

static void add_step(struct vscript *s, enum vstep_kind kind, uint64_t value)
{
	assert(value <= VALUE_MAX);
	if (s->failed || mem_reserve(&s->v, &s->cap, s->n + 1, sizeof(*s->v))) {
		s->failed = true;
		return;
	}
	s->v[s->n++] = (struct vstep){kind, value & VALUE_MAX};
}

void vscript_run(struct vscript *s, ns_t spent)
{
	struct vstep *last = s->n ? &s->v[s->n - 1] : NULL;

	if (!spent.v)
		return;
	if (last && last->kind == VSTEP_RUN)
		last->value = (last->value + spent.v) & VALUE_MAX;
	else
		add_step(s, VSTEP_RUN, spent.v);
}

void vscript_lock(struct vscript *s, uint32_t lock, enum vlock_mode mode)
{
	add_step(s, mode == VLOCK_READ ? VSTEP_READ : VSTEP_WRITE, lock);
}

void vscript_unlock(struct vscript *s, uint32_t lock)
{
	add_step(s, VSTEP_DROP, lock);
}

void vscript_clear(struct vscript *s)
{
	s->n = 0;
	s->failed = false;
}

void vscript_fini(struct vscript *s)
{
	mem_release(s->v, s->cap, sizeof(*s->v));
	*s = (struct vscript){0};
}

/* ---- life ---- */

int vsched_new(struct vsched **out, uint32_t cpus, uint32_t locks,
	       const enum vlock_kind *kind)
{
	struct vsched *s;

	if (!cpus || cpus > VCPUS_MAX)
		return -EINVAL;
	s = mem_zalloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->cpus = cpus;
	s->locks = locks;
	evq_init(&s->queue);
	s->cpu = mem_zalloc(cpus, sizeof(*s->cpu));
	s->wait = mem_zalloc(cpus, sizeof(*s->wait));
	s->lock = mem_zalloc(locks, sizeof(*s->lock));
	if (!s->cpu || !s->wait || (locks && !s->lock)) {
		vsched_free(s);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < locks; i++)
		vlock_init(&s->lock[i], kind[i]);
	*out = s;
	return 0;
}

void vsched_free(struct vsched *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; s->cpu && i < s->cpus; i++)
		free(s->cpu[i].ring);
	free(s->cpu);
	free(s->wait);
	free(s->lock);
	evq_fini(&s->queue);
	free(s);
}

/* ---- what a CPU has to do ---- */

static struct vstep *ring_at(const struct vcpu *c, size_t i)
{
	return &c->ring[(c->head + i) & (c->cap - 1)];
}

/* Room for @more steps; on failure the ring is as it was. */
static int ring_reserve(struct vcpu *c, size_t more)
{
	size_t cap = c->cap ? c->cap : RING_MIN;
	struct vstep *ring;

	while (cap - c->n < more)
		cap *= 2;
	if (cap == c->cap)
		return 0;
	ring = mem_zalloc(cap, sizeof(*ring));
	if (!ring)
		return -ENOMEM;
	for (size_t i = 0; i < c->n; i++)
		ring[i] = *ring_at(c, i);
	free(c->ring);
	c->ring = ring;
	c->cap = cap;
	c->head = 0;
	return 0;
}

static void ring_add(struct vcpu *c, struct vstep step)
{
	c->n++;
	*ring_at(c, c->n - 1) = step;
}

static int due(struct vsched *s, uint32_t cpu, ns_t time)
{
	return evq_push(&s->queue, time, 0, cpu);
}

int vsched_submit(struct vsched *s, uint32_t cpu, ns_t earliest,
		  const struct vscript *op)
{
	struct vcpu *c = &s->cpu[cpu];
	ns_t when = ns_before(earliest, s->now) ? s->now : earliest;

	assert(cpu < s->cpus && earliest.v <= VALUE_MAX);
	if (op->failed || ring_reserve(c, op->n + 2))
		return -ENOMEM;
	if (!c->playing && due(s, cpu, when))
		return -ENOMEM;
	c->playing = true;
	ring_add(c, (struct vstep){VSTEP_BEGIN, earliest.v & VALUE_MAX});
	for (size_t i = 0; i < op->n; i++)
		ring_add(c, op->v[i]);
	ring_add(c, (struct vstep){VSTEP_END, 0});
	return 0;
}

/* ---- playing ---- */

static void end_operation(struct vcpu *c, ns_t now)
{
	ns_t took = NS(now.v - c->asked.v);

	c->ops++;
	c->latency = ns_add(c->latency, took);
	if (ns_before(c->latency_max, took))
		c->latency_max = took;
	c->end = now;
}

static int let_go(struct vsched *s, struct vlock *l)
{
	uint32_t cpu = vlock_drop(l, s->wait, s->now), next;
	int ret = 0;

	for (; cpu != VCPU_NONE && !ret; cpu = next) {
		struct vcpu *c = &s->cpu[cpu];

		next = s->wait[cpu].next;
		c->waiting = false;
		c->waited =
			ns_add(c->waited, NS(s->now.v - s->wait[cpu].since.v));
		ret = due(s, cpu, s->now);
	}
	return ret;
}

/*
 * One step.  Returns 0: go on with the next; 1: the CPU comes back by itself or
 * by a lock; or an error.
 */
static int step(struct vsched *s, uint32_t cpu)
{
	struct vcpu *c = &s->cpu[cpu];
	struct vstep v = *ring_at(c, 0);
	int ret;

	if (v.kind == VSTEP_BEGIN && s->now.v < v.value) {
		ret = due(s, cpu, NS(v.value));
		return ret ? ret : 1;
	}
	c->head = (c->head + 1) & (c->cap - 1);
	c->n--;
	switch ((enum vstep_kind)v.kind) {
	case VSTEP_BEGIN:
		c->asked = NS(v.value);
		return 0;
	case VSTEP_RUN:
		c->busy = ns_add(c->busy, NS(v.value));
		ret = due(s, cpu, ns_add(s->now, NS(v.value)));
		return ret ? ret : 1;
	case VSTEP_READ:
	case VSTEP_WRITE:
		assert(v.value < s->locks);
		c->waiting = !vlock_take(&s->lock[v.value], s->wait, cpu,
					 v.kind == VSTEP_READ ? VLOCK_READ
							      : VLOCK_WRITE,
					 s->now);
		return c->waiting;
	case VSTEP_DROP:
		assert(v.value < s->locks);
		return let_go(s, &s->lock[v.value]);
	case VSTEP_END:
		end_operation(c, s->now);
		return 0;
	}
	return 0;
}

static int play(struct vsched *s, uint32_t cpu)
{
	struct vcpu *c = &s->cpu[cpu];
	int ret = 0;

	while (!ret && c->n)
		ret = step(s, cpu);
	if (ret)
		return ret < 0 ? ret : 0;
	c->playing = false;
	return s->idle ? s->idle(s->ctx, cpu, s->now) : 0;
}

/* Due before @until, or at any time when @until is NS_NEVER. */
static int play_until(struct vsched *s, ns_t until)
{
	const struct evq_entry *e;
	int ret = 0;

	while (!ret && (e = evq_peek(&s->queue)) && ns_before(e->time, until)) {
		uint32_t cpu = e->arg;

		s->now = e->time;
		evq_pop(&s->queue);
		ret = play(s, cpu);
	}
	return ret;
}

int vsched_advance(struct vsched *s, ns_t until)
{
	int ret = play_until(s, until);

	if (!ret && ns_before(s->now, until) && !ns_is_never(until))
		s->now = until;
	return ret;
}

int vsched_drain(struct vsched *s)
{
	int ret = play_until(s, NS_NEVER);

	for (uint32_t i = 0; !ret && i < s->cpus; i++)
		if (s->cpu[i].waiting)
			ret = -EDEADLK;
	return ret;
}

/* ---- results ---- */

void vsched_report(const struct vsched *s, struct rows *out)
{
	struct vcpu sum = {0};

	for (uint32_t i = 0; i < s->cpus; i++) {
		const struct vcpu *c = &s->cpu[i];

		sum.ops += c->ops;
		sum.busy = ns_add(sum.busy, c->busy);
		sum.waited = ns_add(sum.waited, c->waited);
		sum.latency = ns_add(sum.latency, c->latency);
		if (ns_before(sum.latency_max, c->latency_max))
			sum.latency_max = c->latency_max;
		if (ns_before(sum.end, c->end))
			sum.end = c->end;
	}
	rows_add(out, "vcpu", "cpus", "CPUs", s->cpus);
	rows_add(out, "vcpu", "operations", "operations", (int64_t)sum.ops);
	rows_add(out, "vcpu", "busy_ns", "ns", (int64_t)sum.busy.v);
	rows_add(out, "vcpu", "waited_ns", "ns", (int64_t)sum.waited.v);
	rows_add(out, "vcpu", "latency_ns", "ns", (int64_t)sum.latency.v);
	rows_add(out, "vcpu", "latency_max_ns", "ns",
		 (int64_t)sum.latency_max.v);
	rows_add(out, "vcpu", "end_ns", "ns", (int64_t)sum.end.v);
}

int vsched_check(const struct vsched *s, FILE *why)
{
	for (uint32_t i = 0; i < s->locks; i++)
		if (vlock_check(&s->lock[i], why))
			return -EINVAL;
	for (uint32_t i = 0; i < s->cpus; i++)
		if (s->cpu[i].waiting && !s->cpu[i].playing) {
			if (why)
				fprintf(why, "vcpu: %u waits and is idle\n", i);
			return -EINVAL;
		}
	return evq_check(&s->queue, why);
}
