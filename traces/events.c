/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "traces/events.h"

/*
 * Variable-length numbers: the ones at the low end of the first byte say how
 * many bytes follow, so that a number is read with one load and two shifts.
 * Eight ones: the next eight bytes are the number.
 */
static inline uint64_t get_var(const uint8_t **pp)
{
	const uint8_t *p = *pp;
	uint64_t x = load_le64(p);
	unsigned n = ctz64(~x | 0x100) + 1;

	*pp = p + n;
	if (unlikely(n == 9))
		return load_le64(p + 1);
	return x << (64 - 8 * n) >> (64 - 7 * n);
}

static inline uint8_t *put_var(uint8_t *p, uint64_t v)
{
	unsigned n = log2_64(v | 1) / 7;

	if (n >= 8) {
		*p = 0xff;
		store_le64(p + 1, v);
		return p + 9;
	}
	store_le64(p, v << (n + 1) | ((UINT64_C(1) << n) - 1));
	return p + n + 1;
}

/* Small differences of either sign become small numbers. */
static inline uint64_t zigzag(uint64_t d)
{
	return d << 1 ^ (0 - (d >> 63));
}

static inline uint64_t unzigzag(uint64_t z)
{
	return z >> 1 ^ (0 - (z & 1));
}

static inline uint8_t *put_vpn(struct events_coder *c, uint8_t *p, uint64_t vpn)
{
	return put_var(p, zigzag(vpn - c->vpn));
}

void events_start(struct events_coder *c, uint8_t *buf,
		  const struct event_rules *r, uint32_t content)
{
	*c = (struct events_coder){
		.start = buf,
		.p = buf + EVENTS_PREFIX,
		.last.op = EVENT_OP_COUNT,
		.time = r->time.v,
		.content = content,
	};
	store_le64(buf, r->time.v);
	store_le32(buf + 8, r->spaces);
	store_le32(buf + 12, content);
}

static void flush_run(struct events_coder *c)
{
	if (!c->run)
		return;
	*c->p++ = (uint8_t)(EVENTS_RUN | (c->step ? EVENTS_RUN_STEP : 0));
	c->p = put_var(c->p, c->run - 1);
	c->run = 0;
}

/* Does this write carry on from the last, with the content of the run's kind? */
static bool take_run(struct events_coder *c, const struct event *ev)
{
	uint32_t step = ev->content - c->last.content;

	if (ev->op != EV_WRITE || c->last.op != EV_WRITE ||
	    ev->time.v != c->last.time.v || ev->space != c->last.space ||
	    ev->vpn != c->last.vpn + 1 || step > 1)
		return false;
	if (c->run && step != c->step)
		flush_run(c);
	c->step = step;
	c->run++;
	return true;
}

static uint8_t *put_write(struct events_coder *c, uint8_t *p,
			  const struct event *ev)
{
	if (ev->vpn != c->vpn)
		p = put_vpn(c, p, ev->vpn);
	if (ev->content)
		p = put_var(p, zigzag((uint64_t)ev->content - c->content));
	return p;
}

static uint8_t *put_range(struct events_coder *c, uint8_t *p,
			  const struct event *ev)
{
	if (event_flags(ev->op))
		*p++ = ev->flags;
	p = put_vpn(c, p, ev->vpn);
	return put_var(p, ev->count - 1);
}

static uint8_t *put_store(uint8_t *p, const struct event *ev)
{
	if (ev->op == EV_POOL)
		*p++ = ev->flags;
	p = put_var(p, ev->pool);
	if (ev->op == EV_POOL || ev->op == EV_POOL_END)
		return p;
	p = put_var(p, ev->object);
	if (ev->op == EV_FLUSH_OBJECT)
		return p;
	p = put_var(p, ev->index);
	return ev->op == EV_PUT ? put_var(p, ev->stored) : p;
}

static uint8_t *put_fields(struct events_coder *c, uint8_t *p,
			   const struct event *ev)
{
	switch ((enum event_op)ev->op) {
	case EV_FORK:
		return put_var(p, ev->count);
	case EV_MAP:
	case EV_UNMAP:
	case EV_ADVISE:
	case EV_READ:
	case EV_FREE:
	case EV_PIN:
	case EV_UNPIN:
		return put_range(c, p, ev);
	case EV_WRITE:
		return put_write(c, p, ev);
	case EV_OBJECT:
		for (int i = 0; i < 3; i++)
			p = put_var(p, ev->oid[i]);
		return p;
	case EV_POOL:
	case EV_POOL_END:
	case EV_PUT:
	case EV_GET:
	case EV_FLUSH_PAGE:
	case EV_FLUSH_OBJECT:
		return put_store(p, ev);
	case EV_SPACE:
	case EV_EXIT:
	case EV_MARK:
	case EVENT_OP_COUNT:
		break;
	}
	return p;
}

static uint8_t head_of(const struct events_coder *c, const struct event *ev)
{
	unsigned head = ev->op;

	if (ev->op == EV_WRITE && !ev->content)
		head = EVENTS_WRITE_ZERO;
	if (ev->op == EV_WRITE && ev->vpn == c->vpn)
		head |= EVENTS_NEXT;
	if (ev->time.v != c->time)
		head |= EVENTS_TIME;
	if (ev->op != EV_MARK && ev->space != c->space)
		head |= EVENTS_SPACE;
	return (uint8_t)head;
}

/* Which operations move the page number that the next one is relative to. */
static bool has_range(unsigned op)
{
	return op >= EV_MAP && op <= EV_UNPIN;
}

void events_put(struct events_coder *c, const struct event *ev)
{
	uint8_t head, *p;

	if (!take_run(c, ev)) {
		flush_run(c);
		head = head_of(c, ev);
		p = c->p;
		*p++ = head;
		if (head & EVENTS_TIME)
			p = put_var(p, ev->time.v - c->time);
		if (head & EVENTS_SPACE)
			p = put_var(p, ev->space);
		c->p = put_fields(c, p, ev);
	}
	c->last = *ev;
	c->time = ev->time.v;
	if (ev->op != EV_MARK)
		c->space = ev->space;
	if (has_range(ev->op))
		c->vpn = ev->vpn + ev->count;
	if (ev->op == EV_WRITE && ev->content)
		c->content = ev->content + 1;
}

size_t events_end(struct events_coder *c)
{
	flush_run(c);
	return events_bytes(c);
}

/* ---- the way back ---- */

struct decoder {
	const uint8_t *p, *end;
	struct event_rules *r;
	uint64_t time, vpn;
	uint32_t space, content;
};

/* A 32-bit field; what does not fit is out of bounds everywhere. */
static inline uint32_t narrow(uint64_t v, bool *wide)
{
	*wide |= v > UINT32_MAX;
	return (uint32_t)v;
}

static bool get_store(struct decoder *d, struct event *ev)
{
	const uint8_t **p = &d->p;
	bool wide = false;

	if (ev->op == EV_POOL)
		ev->flags = *d->p++;
	ev->pool = narrow(get_var(p), &wide);
	if (ev->op == EV_POOL || ev->op == EV_POOL_END)
		return !wide;
	ev->object = narrow(get_var(p), &wide);
	if (ev->op == EV_FLUSH_OBJECT)
		return !wide;
	ev->index = narrow(get_var(p), &wide);
	if (ev->op == EV_PUT)
		ev->stored = narrow(get_var(p), &wide);
	return !wide;
}

static bool get_range(struct decoder *d, struct event *ev)
{
	uint64_t n;

	if (event_flags(ev->op))
		ev->flags = *d->p++;
	ev->vpn = d->vpn + unzigzag(get_var(&d->p));
	n = get_var(&d->p);
	ev->count = n + 1;
	d->vpn = ev->vpn + ev->count;
	return n != UINT64_MAX;
}

/* The fields behind head, time and space; false: a number out of range. */
static bool get_fields(struct decoder *d, struct event *ev)
{
	switch ((enum event_op)ev->op) {
	case EV_FORK:
		ev->count = get_var(&d->p);
		return true;
	case EV_MAP:
	case EV_UNMAP:
	case EV_ADVISE:
	case EV_READ:
	case EV_FREE:
	case EV_PIN:
	case EV_UNPIN:
		return get_range(d, ev);
	case EV_OBJECT:
		for (int i = 0; i < 3; i++)
			ev->oid[i] = get_var(&d->p);
		return true;
	case EV_POOL:
	case EV_POOL_END:
	case EV_PUT:
	case EV_GET:
	case EV_FLUSH_PAGE:
	case EV_FLUSH_OBJECT:
		return get_store(d, ev);
	case EV_MARK:
		ev->space = 0;
		return true;
	case EV_WRITE: /* has its own way */
	case EV_SPACE:
	case EV_EXIT:
	case EVENT_OP_COUNT:
		break;
	}
	return true;
}

static inline bool get_head(struct decoder *d, unsigned head, struct event *ev)
{
	bool wide = false;

	memset(ev, 0, sizeof(*ev));
	if (head & EVENTS_TIME)
		d->time += get_var(&d->p);
	if (head & EVENTS_SPACE)
		d->space = narrow(get_var(&d->p), &wide);
	ev->time.v = d->time;
	ev->space = d->space;
	return !wide;
}

static int get_other(struct decoder *d, unsigned head, struct event *ev,
		     struct err *err)
{
	unsigned code = head & EVENTS_CODE;
	bool ok;

	if (code >= EVENT_OP_COUNT || head & EVENTS_NEXT ||
	    (code == EV_MARK && head & EVENTS_SPACE))
		return err_set(err, EINVAL, "unknown head byte 0x%02x", head);
	ok = get_head(d, head, ev);
	ev->op = (uint8_t)code;
	ok &= get_fields(d, ev);
	if (d->p > d->end)
		return err_set(err, EINVAL, "cut in the middle");
	if (!ok)
		return err_set(err, EINVAL, "a number is out of range");
	return event_rules_apply(d->r, ev, err);
}

/* A broken event found on a fast way: let the rules say what is wrong. */
static int refuse(struct decoder *d, const struct event *ev, bool ok,
		  struct err *err)
{
	int ret;

	if (d->p > d->end)
		return err_set(err, EINVAL, "cut in the middle");
	ret = ok ? event_rules_apply(d->r, ev, err) : 0;
	return ret ? ret : err_set(err, EINVAL, "a number is out of range");
}

static inline int get_write(struct decoder *d, unsigned head, struct event *ev,
			    struct err *err)
{
	bool ok = get_head(d, head, ev);
	uint64_t c = 0;

	ev->op = EV_WRITE;
	if (!(head & EVENTS_NEXT))
		d->vpn += unzigzag(get_var(&d->p));
	if ((head & EVENTS_CODE) == EV_WRITE) {
		c = d->content + unzigzag(get_var(&d->p));
		ok &= c <= UINT32_MAX;
		d->content = (uint32_t)c + 1;
	}
	ev->vpn = d->vpn++;
	ev->count = 1;
	ev->content = (uint32_t)c;
	if (likely(ok && d->p <= d->end && event_rules_write(d->r, ev)))
		return 0;
	return refuse(d, ev, ok, err);
}

/* @ev: where the run's events go; the write to repeat stands before it. */
static int get_run(struct decoder *d, unsigned head, struct event *ev,
		   size_t room, size_t *n, struct err *err)
{
	uint32_t step = head & EVENTS_RUN_STEP ? 1 : 0;
	uint64_t more = get_var(&d->p);
	struct event e = ev[-1];

	*n = 0;
	if (d->p > d->end)
		return err_set(err, EINVAL, "cut in the middle");
	if (head & (EVENTS_TIME | EVENTS_SPACE) || e.op != EV_WRITE)
		return err_set(err, EINVAL, "a run of 0x%02x after %s", head,
			       event_word(e.op));
	if (more >= room)
		return err_set(err, EINVAL, "a run longer than the section");
	for (; *n <= more; ++*n) {
		e.vpn++;
		e.content += step;
		if (unlikely(!event_rules_write(d->r, &e)))
			return refuse(d, &e, true, err);
		ev[*n] = e;
	}
	d->vpn = e.vpn + 1;
	if (e.content)
		d->content = e.content + 1;
	return 0;
}

static int start(struct decoder *d, const uint8_t *raw, size_t n,
		 struct event_rules *r, struct err *err)
{
	if (n < EVENTS_PREFIX)
		return err_set(err, EINVAL, "cut in the middle");
	*d = (struct decoder){
		.p = raw + EVENTS_PREFIX,
		.end = raw + n,
		.r = r,
		.time = load_le64(raw),
		.content = load_le32(raw + 12),
	};
	if (d->time != r->time.v || load_le32(raw + 8) != r->spaces)
		return err_set(err, EINVAL,
			       "the section does not follow the one before");
	return 0;
}

int events_get(const uint8_t *raw, size_t n, size_t items,
	       struct event_rules *r, struct event *ev, size_t *bad,
	       struct err *err)
{
	struct decoder d;
	size_t i = 0, run = 1;
	int ret = start(&d, raw, n, r, err);

	for (; !ret && i < items; i += run) {
		unsigned head = *d.p++, code = head & EVENTS_CODE;

		run = 1;
		if (likely(code == EV_WRITE || code == EVENTS_WRITE_ZERO))
			ret = get_write(&d, head, ev + i, err);
		else if (code == EVENTS_RUN && i)
			ret = get_run(&d, head, ev + i, items - i, &run, err);
		else
			ret = get_other(&d, head, ev + i, err);
		if (ret)
			break;
	}
	if (!ret && d.p != d.end)
		ret = err_set(err, EINVAL, "bytes are left over");
	*bad = i + (ret && run > 1 ? run : 0);
	return ret;
}
