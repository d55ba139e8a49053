/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine.c - events in, effects out: life, and the event as a whole
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/base/bits.h"
#include "sim/machine/page.h"
#include "sim/machine/space.h"
#include "sim/machine/op.h"

static void announce(struct machine_op *op, uint8_t kind, struct effect *fx)
{
	*fx = (struct effect){
		.kind = kind,
		.space = op->ev.space,
		.content = CONTENT_NONE,
		.before = CONTENT_NONE,
	};
	if (kind == FX_FORK)
		fx->from = (uint32_t)op->ev.count;
}

bool machine_full(const struct machine *m)
{
	return m->full;
}

void machine_expect(const struct machine *m, const struct event *ev)
{
	if (ev->op == EV_WRITE && ev->space < m->nspace)
		prefetch(&m->pte[machine_find(m, ev->space, ev->vpn)]);
}

static int begin_nothing(struct machine *m, struct machine_op *op,
			 struct err *err)
{
	(void)m;
	(void)op;
	(void)err;
	return 0;
}

static begin_fn *const begin[EVENT_OP_COUNT] = {
	[EV_SPACE] = op_begin_space,
	[EV_FORK] = op_begin_fork,
	[EV_EXIT] = op_begin_exit,
	[EV_MAP] = op_begin_map,
	[EV_UNMAP] = op_begin_unmap,
	[EV_ADVISE] = op_begin_advise,
	[EV_WRITE] = op_begin_write,
	[EV_READ] = op_begin_read,
	[EV_FREE] = op_begin_unmap,
	[EV_PIN] = op_begin_pin,
	[EV_UNPIN] = op_begin_unpin,
	/* Samples do nothing to memory. */
	[EV_MARK] = begin_nothing,
	[EV_POOL] = op_begin_pool,
	[EV_POOL_END] = op_begin_pool_end,
	[EV_OBJECT] = op_begin_object,
	[EV_PUT] = op_begin_store,
	[EV_GET] = op_begin_store,
	[EV_FLUSH_PAGE] = op_begin_store,
	[EV_FLUSH_OBJECT] = op_begin_store,
};

int machine_begin(struct machine *m, const struct event *ev, struct err *err)
{
	struct machine_op *op = m->op;
	int ret;

	assert(!op->step && op->first == FX_NONE && op->last == FX_NONE);
	if (ev->op >= EVENT_OP_COUNT)
		return err_set(err, EINVAL, "no such event: %u", ev->op);
	op->ev = *ev;
	op->at = 0;
	ret = begin[ev->op](m, op, err);
	if (ret) { /* nothing of it is left for the next event */
		op->step = NULL;
		op->first = op->last = FX_NONE;
	}
	return ret;
}

int machine_next(struct machine *m, struct effect *fx)
{
	struct machine_op *op = m->op;
	int ret;

	if (op->first != FX_NONE) {
		announce(op, op->first, fx);
		op->first = FX_NONE;
		return 1;
	}
	if (op->step) {
		ret = op->step(m, op, fx);
		if (ret > 0)
			return ret;
		op->step = NULL;
		if (ret < 0) {
			op->last = FX_NONE;
			return ret;
		}
	}
	if (op->last == FX_NONE)
		return 0;
	announce(op, op->last, fx);
	if (op->last == FX_EXIT)
		op_end_exit(m, op->ev.space);
	op->last = FX_NONE;
	return 1;
}

int machine_apply(struct machine *m, const struct event *ev, struct err *err)
{
	struct effect fx;
	int ret = machine_begin(m, ev, err);

	while (!ret && (ret = machine_next(m, &fx)) > 0)
		ret = 0;
	return ret;
}

uint64_t machine_frames(const struct machine *m)
{
	return m->frames->used;
}

uint64_t machine_frames_peak(const struct machine *m)
{
	return m->frames->peak;
}

int machine_new(struct machine **out, const struct machine_config *cfg)
{
	struct machine *m = mem_zalloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->op = mem_zalloc(1, sizeof(*m->op));
	m->frames = mem_zalloc(1, sizeof(*m->frames));
	if (!m->op || !m->frames) {
		free(m->op);
		free(m->frames);
		free(m);
		return -ENOMEM;
	}
	m->cfg = *cfg;
	if (!m->cfg.zero_pages)
		m->cfg.zero_pages = 1;
	assert(is_pow2(m->cfg.zero_pages));
	if (!m->cfg.max_pages)
		m->cfg.max_pages = MACHINE_MAX_PAGES;
	m->nchunk = 1;
	arena_init(&m->share, sizeof(struct share));
	frame_map_init(m->frames);
	*out = m;
	return 0;
}

void machine_free(struct machine *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; i < m->nspace; i++) {
		mem_release(m->space[i].range, m->space[i].range_cap,
			    sizeof(struct range));
		mem_release(m->space[i].chunk, m->space[i].chunk_cap,
			    sizeof(struct chunk_ref));
		mem_release(m->space[i].pool, m->space[i].pool_cap,
			    sizeof(*m->space[i].pool));
	}
	mem_release(m->space, m->space_cap, sizeof(*m->space));
	mem_release(m->pte, m->pte_cap, sizeof(*m->pte));
	mem_release(m->chunk, m->chunk_cap, sizeof(*m->chunk));
	mem_release(m->pin, m->pin_cap, sizeof(*m->pin));
	arena_fini(&m->share);
	frame_map_fini(m->frames);
	free(m->frames);
	free(m->op);
	free(m);
}
