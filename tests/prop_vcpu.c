/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "sim/base/prng.h"
#include "sim/core/vcpu.h"
#include "tests/support/main.h"

#define CPUS 5u
#define LOCKS 4u
#define OPS 60u
#define STEPS 16u

/*
 * The dumb scheduler: nobody has a queue of events.  Time goes on nanosecond by
 * nanosecond; in each, every CPU does what it can, in the order in which it came
 * to that moment.
 */
struct dumb_op {
	struct vstep v[STEPS];
	size_t n;
	uint64_t earliest, end;
};

struct dumb_cpu {
	struct dumb_op op[OPS];
	size_t at, step;
	uint64_t ready, came; /* when it can go on; order of coming there */
	int wants;	      /* lock it waits for, -1 */
	uint64_t asked;
	uint64_t busy, waited;
};

struct dumb {
	struct dumb_cpu cpu[CPUS];
	int writer[LOCKS], readers[LOCKS];
	uint64_t waited[LOCKS];
	uint64_t came;
};

static int is_write(const struct dumb_cpu *c)
{
	return c->op[c->at].v[c->step].kind == VSTEP_WRITE;
}

static void take(struct dumb *d, struct dumb_cpu *c, int lock)
{
	if (is_write(c))
		d->writer[lock] = 1;
	else
		d->readers[lock]++;
	c->step++;
}

/* The CPU that has waited longest for @lock; NULL: none. */
static struct dumb_cpu *longest(struct dumb *d, int lock)
{
	struct dumb_cpu *best = NULL;

	for (unsigned i = 0; i < CPUS; i++) {
		struct dumb_cpu *c = &d->cpu[i];

		if (c->wants == lock && (!best || c->asked < best->asked))
			best = c;
	}
	return best;
}

static void dumb_drop(struct dumb *d, int lock, uint64_t now)
{
	struct dumb_cpu *c;

	if (d->writer[lock])
		d->writer[lock] = 0;
	else
		d->readers[lock]--;
	while ((c = longest(d, lock)) && !d->writer[lock] &&
	       (!is_write(c) || !d->readers[lock])) {
		take(d, c, lock);
		c->wants = -1;
		d->waited[lock] += now - c->ready;
		c->waited += now - c->ready;
		c->ready = now;
		c->came = d->came++;
	}
}

/* One step of @c at @now; false: it cannot go on at @now. */
static bool dumb_step(struct dumb *d, struct dumb_cpu *c, uint64_t now)
{
	struct dumb_op *op = &c->op[c->at];
	struct vstep *v = &op->v[c->step];
	int lock = (int)v->value;

	if (c->step == op->n) {
		op->end = now;
		c->at++;
		c->step = 0;
		if (c->at < OPS && c->op[c->at].earliest > now) {
			c->ready = c->op[c->at].earliest;
			c->came = d->came++;
			return false;
		}
		return c->at < OPS;
	}
	if (v->kind == VSTEP_RUN) {
		c->busy += v->value;
		c->ready = now + v->value;
		c->came = d->came++;
		c->step++;
		return false;
	}
	if (v->kind == VSTEP_DROP) {
		c->step++;
		dumb_drop(d, lock, now);
		return true;
	}
	if (!longest(d, lock) && !d->writer[lock] &&
	    (!is_write(c) || !d->readers[lock])) {
		take(d, c, lock);
		return true;
	}
	c->wants = lock;
	c->asked = d->came++;
	return false;
}

static void dumb_play(struct dumb *d)
{
	for (uint64_t now = 0;; now++) {
		bool left = false;

		for (;;) {
			struct dumb_cpu *next = NULL;

			for (unsigned i = 0; i < CPUS; i++) {
				struct dumb_cpu *c = &d->cpu[i];

				left |= c->at < OPS;
				if (c->at < OPS && c->wants < 0 &&
				    c->ready == now &&
				    (!next || c->came < next->came))
					next = c;
			}
			if (!next)
				break;
			while (dumb_step(d, next, now))
				;
		}
		if (!left)
			return;
	}
}

/* An operation that takes locks upwards, some inside others. */
static void random_op(struct prng *r, const enum vlock_kind *kind,
		      struct dumb_op *op, struct vscript *s)
{
	uint32_t held[LOCKS], n = 0;

	vscript_clear(s);
	vscript_run(s, NS(prng_below(r, 40)));
	for (uint32_t lock = 0; lock < LOCKS; lock++) {
		if (prng_below(r, 2))
			continue;
		vscript_lock(s, lock,
			     kind[lock] == VLOCK_RW && prng_below(r, 3)
				     ? VLOCK_READ
				     : VLOCK_WRITE);
		vscript_run(s, NS(prng_below(r, 30)));
		if (prng_below(r, 2))
			vscript_unlock(s, lock);
		else
			held[n++] = lock;
	}
	while (n)
		vscript_unlock(s, held[--n]);
	ck_assert_uint_le(s->n, STEPS);
	memcpy(op->v, s->v, s->n * sizeof(*s->v));
	op->n = s->n;
}

START_TEST(times_are_those_of_a_scheduler_that_looks_at_each_nanosecond)
{
	struct prng r = prng_fork(test_seed(1) + (uint64_t)_i, "vcpu");
	enum vlock_kind kind[LOCKS];
	struct vscript script = {0};
	static struct dumb d;
	struct vsched *s;
	uint64_t wait = 0;

	memset(&d, 0, sizeof(d));
	for (unsigned i = 0; i < LOCKS; i++)
		kind[i] = prng_below(&r, 2) ? VLOCK_RW : VLOCK_SPIN;
	ck_assert_int_eq(vsched_new(&s, CPUS, LOCKS, kind), 0);
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		struct dumb_cpu *c = &d.cpu[cpu];
		uint64_t time = 0;

		c->wants = -1;
		for (unsigned i = 0; i < OPS; i++) {
			time += prng_below(&r, 100);
			c->op[i].earliest = time;
			random_op(&r, kind, &c->op[i], &script);
			ck_assert_int_eq(
				vsched_submit(s, cpu, NS(time), &script), 0);
		}
		c->ready = c->op[0].earliest;
		c->came = d.came++;
	}
	dumb_play(&d);
	for (uint64_t t = 0; t < 3000; t += 1 + prng_below(&r, 400)) {
		ck_assert_int_eq(vsched_advance(s, NS(t)), 0);
		ck_assert_int_eq(vsched_check(s, stderr), 0);
	}
	ck_assert_int_eq(vsched_drain(s), 0);
	for (uint32_t cpu = 0; cpu < CPUS; cpu++) {
		ck_assert_uint_eq(s->cpu[cpu].ops, OPS);
		ck_assert_uint_eq(s->cpu[cpu].end.v,
				  d.cpu[cpu].op[OPS - 1].end);
		ck_assert_uint_eq(s->cpu[cpu].busy.v, d.cpu[cpu].busy);
		ck_assert_uint_eq(s->cpu[cpu].waited.v, d.cpu[cpu].waited);
	}
	for (uint32_t i = 0; i < LOCKS; i++) {
		ck_assert_uint_eq(s->lock[i].waited.v, d.waited[i]);
		wait += d.waited[i];
	}
	ck_assert_uint_gt(wait, 0); /* the locks were fought for */
	vscript_fini(&script);
	vsched_free(s);
}
END_TEST

static Suite *vcpu_suite(void)
{
	Suite *s = suite_create("vcpu");
	TCase *t = tcase_create("properties");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(
		t, times_are_those_of_a_scheduler_that_looks_at_each_nanosecond,
		0, 40);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(vcpu_suite());
}
