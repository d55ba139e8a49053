/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * events.h - the delta code of EVNT sections
 *
 * A block starts from values of its own and can be decoded alone.  Each event
 * is a head byte and a few variable-length numbers; the common case, the next
 * page of the same space with the next content, is part of a run.  FORMAT.md
 * has the table.
 */
#ifndef DEDUPSIM_TRACES_EVENTS_H
#define DEDUPSIM_TRACES_EVENTS_H

#include "traces/rules.h"

/* Start values of a block. */
#define EVENTS_PREFIX 16u
/* No event takes more, a run before it included. */
#define EVENTS_BYTES_MAX 80u

/* Codes of the head byte beside enum event_op. */
#define EVENTS_CODE 0x1fu     /* mask */
#define EVENTS_TIME 0x20u     /* time is later: difference follows */
#define EVENTS_SPACE 0x40u    /* another space: number follows */
#define EVENTS_NEXT 0x80u     /* EV_WRITE: the page after the last one */
#define EVENTS_WRITE_ZERO 30u /* EV_WRITE of the page of zeros */
#define EVENTS_RUN 31u	      /* the last write again, page by page */
#define EVENTS_RUN_STEP 0x80u /* … with the next content each time */

struct events_coder {
	uint8_t *start, *p;
	struct event last;  /* EV_WRITE to continue; op EVENT_OP_COUNT: none */
	uint64_t time, vpn; /* vpn: behind the last range */
	uint32_t space, content; /* content: expected next */
	uint32_t run, step;
};

/*
 * events_start - begin a block in @buf
 * @r:       as after the event before the block
 * @content: expected next; any number, the coder's from the block before is good
 */
void events_start(struct events_coder *c, uint8_t *buf,
		  const struct event_rules *r, uint32_t content);
/* events_put - code a tidy event; needs room for EVENTS_BYTES_MAX */
void events_put(struct events_coder *c, const struct event *ev);
/* events_end - bytes of the block, 8 more behind it may have been written */
size_t events_end(struct events_coder *c);

static inline size_t events_bytes(const struct events_coder *c)
{
	return (size_t)(c->p - c->start);
}

/*
 * events_get - decode a block of @items events, checking each
 * @raw: @n bytes, FMT_SLACK readable behind them
 * @ev:  out: room for @items
 * @bad: out: number of the event that an error is about
 */
int events_get(const uint8_t *raw, size_t n, size_t items,
	       struct event_rules *r, struct event *ev, size_t *bad,
	       struct err *err);

#endif
