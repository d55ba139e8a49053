/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * effect.h - what an event did to the machine
 *
 * The machine returns these one by one; the run loop hands them to the engines.
 * One event on a range becomes one effect per page that was touched, so that an
 * engine never walks a range itself.
 */
#ifndef DEDUPSIM_CORE_EFFECT_H
#define DEDUPSIM_CORE_EFFECT_H

#include "sim/base/units.h"

enum effect_kind {
	FX_NONE,  /* nothing an engine could care about */
	FX_SPACE, /* @space was created, empty */
	FX_FORK,  /* @space is a copy of @from; an FX_PAGE per page follows */
	FX_EXIT,  /* @space is gone; its pages went before, one by one */
	FX_MERGEABLE, /* @space has a newly mergeable range */
	FX_PAGE,      /* page @vpn changed as @flags say */
	FX_STORE,     /* a store event of client @space; memory is as it was */
};

/* What happened to the page of an FX_PAGE. */
#define FXF_CONTENT 1u	  /* it now holds fx->content (written or faulted in) */
#define FXF_GONE 2u	  /* no longer mapped */
#define FXF_BROKE 4u	  /* it left a merged frame (copy-on-write, unmerge) */
#define FXF_BROKE_ZERO 8u /* it left a zero page that an engine had put there */
#define FXF_FREED 16u	  /* the merged frame it left is free: see @freed */
#define FXF_ZEROED 32u	  /* a copied PTE maps an engine's zero page (fork) */
#define FXF_ADVICE 64u	  /* its range became (un)mergeable */
#define FXF_SHARED 128u	  /* it still shares its frame after a fork */
#define FXF_REUSED 256u	  /* with FREED: that frame is its own now, no copy */

struct store_effect;

struct effect {
	uint8_t kind;
	uint8_t left_free; /* the frame @left is free now */
	uint8_t pad[2];
	uint32_t flags; /* FXF_ */
	uint32_t space;
	uint32_t from;	  /* FX_FORK: the parent */
	uint32_t pte;	  /* index of the page's PTE; 0: it never had one */
	uint32_t content; /* what it holds now; CONTENT_NONE when gone */
	uint32_t before; /* what it held; CONTENT_NONE when it was not mapped */
	uint32_t freed;	 /* word that the engine gave to the frame now free */
	uint32_t left;	 /* frame that it let go of, plus 1; 0: none */
	union {
		uint64_t vpn;
		/* FX_STORE; valid until the next event */
		const struct store_effect *store;
	};
};

/*
 * What an FX_STORE says, which the machine has checked: the pool is there, the
 * object has a number, the content is one.  Numbers of objects are the trace's,
 * from 0, one after the other; EV_OBJECT tells the key of the next.
 */
struct store_effect {
	uint8_t op;	  /* enum event_op, EV_POOL … EV_FLUSH_OBJECT */
	uint8_t flags;	  /* EVF_PERSISTENT, EVF_POOL_SHARED of EV_POOL */
	uint32_t client;  /* the space */
	uint32_t pool;	  /* its number, the client's own */
	uint32_t object;  /* all but EV_POOL and EV_POOL_END */
	uint32_t index;	  /* of the page: put, get, flush page */
	uint32_t content; /* put; otherwise CONTENT_NONE */
	uint64_t oid[3];  /* EV_OBJECT: the key */
};

#endif
