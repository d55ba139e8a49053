/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/mem.h"
#include "traces/rules.h"

void event_rules_init(struct event_rules *r)
{
	*r = (struct event_rules){.contents = 1};
}

void event_rules_fini(struct event_rules *r)
{
	mem_release(r->gone, r->gone_cap, sizeof(*r->gone));
	event_rules_init(r);
}

uint8_t event_flags(unsigned op)
{
	switch (op) {
	case EV_MAP:
		return EVF_FILE | EVF_SHARED | EVF_MERGEABLE | EVF_HUGE;
	case EV_ADVISE:
		return EVF_MERGEABLE;
	case EV_POOL:
		return EVF_PERSISTENT | EVF_POOL_SHARED;
	}
	return 0;
}

static struct event event_blank(const struct event *ev)
{
	struct event e;

	memset(&e, 0, sizeof(e));
	e.time = ev->time;
	e.op = ev->op;
	e.flags = ev->flags;
	e.space = ev->space;
	return e;
}

struct event event_tidy(const struct event *ev)
{
	struct event e = event_blank(ev);

	switch ((enum event_op)ev->op) {
	case EV_SPACE:
	case EV_EXIT:
		break;
	case EV_FORK:
		e.count = ev->count;
		break;
	case EV_MAP:
	case EV_UNMAP:
	case EV_ADVISE:
	case EV_READ:
	case EV_FREE:
	case EV_PIN:
	case EV_UNPIN:
		e.vpn = ev->vpn;
		e.count = ev->count;
		break;
	case EV_WRITE:
		e.vpn = ev->vpn;
		e.count = 1;
		e.content = ev->content;
		break;
	case EV_MARK:
		e.space = 0;
		break;
	case EV_OBJECT:
		memcpy(e.oid, ev->oid, sizeof(e.oid));
		break;
	case EV_PUT:
		e.stored = ev->stored;
		e.index = ev->index;
		e.object = ev->object;
		e.pool = ev->pool;
		break;
	case EV_GET:
	case EV_FLUSH_PAGE:
		e.index = ev->index;
		e.object = ev->object;
		e.pool = ev->pool;
		break;
	case EV_FLUSH_OBJECT:
		e.object = ev->object;
		e.pool = ev->pool;
		break;
	case EV_POOL:
	case EV_POOL_END:
		e.pool = ev->pool;
		break;
	case EVENT_OP_COUNT:
		break;
	}
	return e;
}

static int rules_live(const struct event_rules *r, uint64_t space,
		      struct err *err)
{
	if (space >= r->spaces)
		return err_set(err, EINVAL, "space %" PRIu64 " was not created",
			       space);
	if (!event_rules_live(r, (uint32_t)space))
		return err_set(err, EINVAL, "space %" PRIu64 " has exited",
			       space);
	return 0;
}

static int rules_range(const struct event *ev, struct err *err)
{
	if (!ev->count)
		return err_set(err, EINVAL, "a range of no pages");
	if (ev->vpn > VPN_MAX || ev->count > VPN_MAX + 1 - ev->vpn)
		return err_set(err, EINVAL,
			       "pages %" PRIu64 " + %" PRIu64
			       " are beyond the last page number %" PRIu64,
			       ev->vpn, ev->count, VPN_MAX);
	return 0;
}

static int rules_content(const struct event_rules *r, uint32_t content,
			 struct err *err)
{
	if (content >= r->contents)
		return err_set(err, EINVAL,
			       "content %" PRIu32 " is not defined", content);
	return 0;
}

static int rules_object(const struct event_rules *r, uint32_t object,
			struct err *err)
{
	if (object >= r->objects)
		return err_set(err, EINVAL, "object %" PRIu32 " was not named",
			       object);
	return 0;
}

/* A space is born: numbers are dense. */
static int rules_birth(struct event_rules *r, uint32_t space, struct err *err)
{
	if (space != r->spaces)
		return err_set(err, EINVAL,
			       "space %" PRIu32 ", the next one is %" PRIu32,
			       space, r->spaces);
	if (space >= SPACE_MAX)
		return err_set(err, EINVAL, "more than %" PRIu32 " spaces",
			       SPACE_MAX);
	return mem_reserve(&r->gone, &r->gone_cap, space / 64 + 1,
			   sizeof(*r->gone));
}

/* What every operation has: time, a known operation, its flags. */
static int rules_common(const struct event_rules *r, const struct event *ev,
			struct err *err)
{
	if (ev->op >= EVENT_OP_COUNT)
		return err_set(err, EINVAL, "unknown operation %u", ev->op);
	if (ev->flags & ~event_flags(ev->op))
		return err_set(err, EINVAL, "flags 0x%x do not go with %s",
			       ev->flags, event_word(ev->op));
	if (ev->time.v < r->time.v)
		return err_set(err, EINVAL,
			       "time goes back from %" PRIu64 " to %" PRIu64
			       " ns",
			       r->time.v, ev->time.v);
	if (ns_is_never(ev->time))
		return err_set(err, EINVAL, "time out of range");
	return 0;
}

static int rules_op(struct event_rules *r, const struct event *ev,
		    struct err *err)
{
	int ret = 0;

	if (ev->op == EV_SPACE)
		return rules_birth(r, ev->space, err);
	if (ev->op == EV_FORK) {
		ret = rules_live(r, ev->count, err);
		return ret ? ret : rules_birth(r, ev->space, err);
	}
	if (ev->op == EV_MARK)
		return 0;
	/* What refers to a page may outlive its space. */
	if (ev->op == EV_UNPIN && ev->space < r->spaces)
		return rules_range(ev, err);
	ret = rules_live(r, ev->space, err);
	if (ret)
		return ret;
	switch ((enum event_op)ev->op) {
	case EV_MAP:
	case EV_UNMAP:
	case EV_ADVISE:
	case EV_READ:
	case EV_FREE:
	case EV_PIN:
	case EV_UNPIN:
		return rules_range(ev, err);
	case EV_WRITE:
		if (ev->vpn > VPN_MAX)
			return err_set(err, EINVAL,
				       "page %" PRIu64
				       " is beyond the last page number",
				       ev->vpn);
		return rules_content(r, ev->content, err);
	case EV_OBJECT:
		return r->objects == UINT32_MAX
			       ? err_set(err, EINVAL, "too many objects")
			       : 0;
	case EV_PUT:
		ret = rules_content(r, ev->stored, err);
		return ret ? ret : rules_object(r, ev->object, err);
	case EV_GET:
	case EV_FLUSH_PAGE:
	case EV_FLUSH_OBJECT:
		return rules_object(r, ev->object, err);
	case EV_SPACE:
	case EV_FORK:
	case EV_EXIT:
	case EV_MARK:
	case EV_POOL:
	case EV_POOL_END:
	case EVENT_OP_COUNT:
		break;
	}
	return 0;
}

int event_rules_apply(struct event_rules *r, const struct event *ev,
		      struct err *err)
{
	int ret = rules_common(r, ev, err);

	if (!ret)
		ret = rules_op(r, ev, err);
	if (ret)
		return ret;
	r->time = ev->time;
	if (ev->op == EV_SPACE || ev->op == EV_FORK)
		r->spaces++;
	else if (ev->op == EV_EXIT)
		r->gone[ev->space / 64] |= UINT64_C(1) << (ev->space % 64);
	else if (ev->op == EV_OBJECT)
		r->objects++;
	return 0;
}
