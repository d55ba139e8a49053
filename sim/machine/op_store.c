/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * op_store.c - events of stores: memory stays as it is, one effect says what
 * the guest did
 *
 * Which pools a space has is kept, so that an engine is never asked for one
 * that the recorded guest did not have.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/machine/op.h"

static int step_store(struct machine *m, struct machine_op *op,
		      struct effect *fx)
{
	const struct event *ev = &op->ev;

	*fx = (struct effect){
		.kind = FX_STORE,
		.space = ev->space,
		.content = CONTENT_NONE,
		.before = CONTENT_NONE,
		.store = &op->store,
	};
	(void)m;
	op->step = NULL;
	return 1;
}

/* One effect, of what the event says. */
static void say(struct machine_op *op)
{
	const struct event *ev = &op->ev;
	struct store_effect *s = &op->store;

	*s = (struct store_effect){
		.op = ev->op,
		.flags = ev->flags,
		.client = ev->space,
		.content = CONTENT_NONE,
	};
	op->step = step_store;
}

/* Where the pool stands in its space's list; npool: not there. */
static size_t pool_at(const struct space *s, uint32_t pool)
{
	size_t i = 0;

	while (i < s->npool && s->pool[i] != pool)
		i++;
	return i;
}

static int check_pool(const struct machine *m, const struct event *ev,
		      struct err *err)
{
	const struct space *s = &m->space[ev->space];

	if (pool_at(s, ev->pool) == s->npool)
		return err_set(err, EINVAL,
			       "space %" PRIu32 " has no pool %" PRIu32,
			       ev->space, ev->pool);
	return 0;
}

int op_begin_pool(struct machine *m, struct machine_op *op, struct err *err)
{
	const struct event *ev = &op->ev;
	int ret = op_check_space(m, ev->space, err);
	struct space *s;

	if (ret)
		return ret;
	s = &m->space[ev->space];
	if (pool_at(s, ev->pool) < s->npool)
		return err_set(err, EINVAL,
			       "space %" PRIu32 " has a pool %" PRIu32
			       " already",
			       ev->space, ev->pool);
	if (s->npool == MACHINE_MAX_POOLS)
		return err_set(err, EINVAL,
			       "more than %u pools in space %" PRIu32,
			       MACHINE_MAX_POOLS, ev->space);
	if (mem_reserve(&s->pool, &s->pool_cap, s->npool + 1, sizeof(*s->pool)))
		return -ENOMEM;
	s->pool[s->npool++] = ev->pool;
	say(op);
	op->store.pool = ev->pool;
	return 0;
}

int op_begin_pool_end(struct machine *m, struct machine_op *op, struct err *err)
{
	const struct event *ev = &op->ev;
	int ret = op_check_space(m, ev->space, err);
	struct space *s;

	if (!ret)
		ret = check_pool(m, ev, err);
	if (ret)
		return ret;
	s = &m->space[ev->space];
	s->pool[pool_at(s, ev->pool)] = s->pool[s->npool - 1];
	s->npool--;
	say(op);
	op->store.pool = ev->pool;
	return 0;
}

int op_begin_object(struct machine *m, struct machine_op *op, struct err *err)
{
	int ret = op_check_space(m, op->ev.space, err);

	if (!ret && m->objects == UINT32_MAX)
		ret = err_set(err, EINVAL, "too many objects");
	if (ret)
		return ret;
	say(op);
	op->store.object = m->objects++;
	memcpy(op->store.oid, op->ev.oid, sizeof(op->store.oid));
	return 0;
}

/* Put, get, flush. */
int op_begin_store(struct machine *m, struct machine_op *op, struct err *err)
{
	const struct event *ev = &op->ev;
	int ret = op_check_space(m, ev->space, err);

	if (!ret)
		ret = check_pool(m, ev, err);
	if (!ret && ev->object >= m->objects)
		ret = err_set(err, EINVAL,
			      "object %" PRIu32 " has no key: %" PRIu32
			      " objects so far",
			      ev->object, m->objects);
	if (!ret && ev->op == EV_PUT && ev->stored == CONTENT_NONE)
		ret = err_set(err, EINVAL, "a put without content");
	if (ret)
		return ret;
	say(op);
	op->store.pool = ev->pool;
	op->store.object = ev->object;
	if (ev->op != EV_FLUSH_OBJECT)
		op->store.index = ev->index;
	if (ev->op == EV_PUT)
		op->store.content = ev->stored;
	return 0;
}
