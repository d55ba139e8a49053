/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * event.h - what happened in the recorded machine
 *
 * A trace is a sequence of these in time order; a trace reader, a workload or a
 * scenario makes them, the machine consumes them.  Spaces are numbered by their
 * creator, densely from 0, and a number is not used again after exit.
 */
#ifndef DEDUPSIM_CORE_EVENT_H
#define DEDUPSIM_CORE_EVENT_H

#include "sim/base/units.h"

/* X(symbol, word in the text form) - order is the number in the binary form */
#define EVENT_OPS(X)                                                           \
	X(SPACE, "space")      /* an address space is born */                  \
	X(FORK, "fork")	       /* @space is a copy of space @count */          \
	X(EXIT, "exit")	       /* all of it goes away */                       \
	X(MAP, "map")	       /* pages [vpn, vpn+count) become valid */       \
	X(UNMAP, "unmap")      /* parts never mapped are passed over */        \
	X(ADVISE, "advise")    /* MADV_MERGEABLE or MADV_UNMERGEABLE */        \
	X(WRITE, "write")      /* page @vpn now holds @content */              \
	X(READ, "read")	       /* pages [vpn, vpn+count) are read */           \
	X(FREE, "free")	       /* contents dropped (balloon, MADV_DONTNEED) */ \
	X(PIN, "pin")	       /* each page gets an extra reference (DMA) */   \
	X(UNPIN, "unpin")      /* each pinned page of the range loses one */   \
	X(MARK, "mark")	       /* a sample was taken here */                   \
	X(POOL, "pool")	       /* store: pool @pool of client @space */        \
	X(POOL_END, "poolend") /* store: destroyed with all it holds */        \
	X(OBJECT, "object")    /* store: next object number has key @oid */    \
	X(PUT, "put")	       /* store: page @index of @object is @content */ \
	X(GET, "get")                                                          \
	X(FLUSH_PAGE, "flushpage")                                             \
	X(FLUSH_OBJECT, "flushobject")

enum event_op {
#define X(sym, word) EV_##sym,
	EVENT_OPS(X)
#undef X
		EVENT_OP_COUNT
};

/* Flags of EV_MAP. */
#define EVF_FILE 1u	 /* file pages; otherwise anonymous */
#define EVF_SHARED 2u	 /* shared mapping: KSM leaves it alone */
#define EVF_MERGEABLE 4u /* registered with MADV_MERGEABLE at once */
#define EVF_HUGE 8u	 /* MADV_HUGEPAGE: faults fill 2 MiB where they fit */
/* Flags of EV_ADVISE: EVF_MERGEABLE set or clear. */
/* Flags of EV_POOL. */
#define EVF_PERSISTENT 16u /* frontswap-like; otherwise ephemeral */
#define EVF_POOL_SHARED 32u

#define VPN_MAX ((UINT64_C(1) << 52) - 1) /* 64-bit addresses, 4 KiB pages */
#define SPACE_MAX (UINT32_C(1) << 20)
#define CONTENT_NONE UINT32_MAX

struct event {
	ns_t time;
	uint8_t op;    /* enum event_op */
	uint8_t flags; /* EVF_ */
	uint16_t pad;
	uint32_t space;
	union {
		struct { /* memory: which pages, what they hold */
			uint64_t vpn, count;
			uint32_t content;
		};
		struct { /* store */
			uint32_t pool, object, index;
			uint32_t stored; /* content of EV_PUT */
		};
		uint64_t oid[3]; /* EV_OBJECT */
	};
};

static_assert(sizeof(struct event) == 40,
	      "events are streamed: keep them small");

const char *event_word(unsigned op); /* "write"; NULL: no such op */

#endif
