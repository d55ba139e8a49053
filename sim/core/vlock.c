/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "sim/core/vlock.h"

void vlock_init(struct vlock *l, enum vlock_kind kind)
{
	*l = (struct vlock){
		.kind = (uint8_t)kind, .first = VCPU_NONE, .last = VCPU_NONE};
}

static void hold(struct vlock *l, enum vlock_mode mode, ns_t now)
{
	if (vlock_is_free(l))
		l->since = now;
	if (mode == VLOCK_WRITE)
		l->written = true;
	else
		l->readers++;
	l->acquired++;
}

bool vlock_take(struct vlock *l, struct vlock_wait *wait, uint32_t cpu,
		enum vlock_mode mode, ns_t now)
{
	assert(l->kind == VLOCK_RW || mode == VLOCK_WRITE);
	if (l->first == VCPU_NONE && !l->written &&
	    (mode == VLOCK_READ || !l->readers)) {
		hold(l, mode, now);
		return true;
	}
	wait[cpu] = (struct vlock_wait){VCPU_NONE, (uint8_t)mode, now};
	if (l->first == VCPU_NONE)
		l->first = cpu;
	else
		wait[l->last].next = cpu;
	l->last = cpu;
	return false;
}

/* The first in the queue gets the lock; returns the CPU behind it. */
static uint32_t grant(struct vlock *l, const struct vlock_wait *w, ns_t now)
{
	hold(l, (enum vlock_mode)w->mode, now);
	l->contended++;
	l->waited = ns_add(l->waited, NS(now.v - w->since.v));
	return w->next;
}

uint32_t vlock_drop(struct vlock *l, struct vlock_wait *wait, ns_t now)
{
	uint32_t first = l->first, last = VCPU_NONE, cpu = first;

	assert(l->written || l->readers);
	if (l->written)
		l->written = false;
	else
		l->readers--;
	if (!vlock_is_free(l))
		return VCPU_NONE;
	l->held = ns_add(l->held, NS(now.v - l->since.v));
	if (first == VCPU_NONE)
		return VCPU_NONE;
	do {
		last = cpu;
		cpu = grant(l, &wait[cpu], now);
	} while (cpu != VCPU_NONE && !l->written &&
		 wait[cpu].mode == VLOCK_READ);
	wait[last].next = VCPU_NONE;
	l->first = cpu;
	if (cpu == VCPU_NONE)
		l->last = VCPU_NONE;
	return first;
}

int vlock_check(const struct vlock *l, FILE *why)
{
	const char *what;

	if (l->written && l->readers)
		what = "is held by a writer and by readers";
	else if (vlock_is_free(l) && l->first != VCPU_NONE)
		what = "is free and waited for";
	else if (l->kind == VLOCK_SPIN && l->readers)
		what = "spins and is held for reading";
	else if ((l->first == VCPU_NONE) != (l->last == VCPU_NONE))
		what = "has a queue with one end";
	else
		return 0;
	if (why)
		fprintf(why, "vlock: a lock %s\n", what);
	return -EINVAL;
}
