/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rules.h - what trace.h promises of events, checked one event at a time
 *
 * Readers and the writer share it, so whatever was written can be read.  What
 * is kept between events: the time, how many spaces, objects and contents there
 * are, and one bit per space that has exited.
 */
#ifndef DEDUPSIM_TRACES_RULES_H
#define DEDUPSIM_TRACES_RULES_H

#include <stddef.h>

#include "sim/base/bits.h"
#include "sim/base/err.h"
#include "sim/core/event.h"

struct event_rules {
	ns_t time;	   /* of the last event */
	uint32_t spaces;   /* created so far */
	uint32_t objects;  /* of stores, numbered so far */
	uint32_t contents; /* defined so far, the page of zeros included */
	uint64_t *gone;	   /* bitmap of spaces that have exited */
	size_t gone_cap;   /* words */
};

void event_rules_init(struct event_rules *r);
void event_rules_fini(struct event_rules *r);

/* event_flags - the flags that this operation may have */
uint8_t event_flags(unsigned op);

/*
 * event_tidy - the event with the fields that its operation does not use
 * zeroed; the count of EV_WRITE is 1
 */
struct event event_tidy(const struct event *ev);

/*
 * event_rules_apply - check the next event and take it into account
 * Returns 0; -EINVAL with the reason (the caller knows the place), -ENOMEM; on
 * error @r is unchanged.
 */
int event_rules_apply(struct event_rules *r, const struct event *ev,
		      struct err *err);

static inline bool event_rules_live(const struct event_rules *r, uint32_t space)
{
	return space < r->spaces && !(r->gone[space / 64] >> (space % 64) & 1);
}

/* event_rules_write - the same for a tidy EV_WRITE; false: apply() says why */
static inline bool event_rules_write(struct event_rules *r,
				     const struct event *ev)
{
	if (unlikely(ev->time.v < r->time.v || ns_is_never(ev->time) ||
		     ev->flags || ev->vpn > VPN_MAX ||
		     ev->content >= r->contents ||
		     !event_rules_live(r, ev->space)))
		return false;
	r->time = ev->time;
	return true;
}

#endif
