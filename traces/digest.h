/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * digest.h - the digest of a trace: what it says, not how it is stored
 *
 * XXH3-128 over two digests: that of the bytes of all contents in the order of
 * their ids, and that of all events, 40 bytes each (FORMAT.md).  Compression,
 * the size of sections and where contents stand between events do not matter.
 */
#ifndef DEDUPSIM_TRACES_DIGEST_H
#define DEDUPSIM_TRACES_DIGEST_H

#include "sim/base/hash.h"
#include "sim/core/event.h"

#define DIGEST_EVENT_BYTES 40u
#define DIGEST_BATCH 64u

struct trace_digest {
	void *pages, *events; /* XXH3_state_t */
	uint8_t buf[DIGEST_BATCH * DIGEST_EVENT_BYTES];
	unsigned n; /* events in buf */
};

int trace_digest_init(struct trace_digest *d); /* 0 or -ENOMEM */
void trace_digest_fini(struct trace_digest *d);
/* The next content; not the page of zeros. */
void trace_digest_page(struct trace_digest *d, const void *page);
void trace_digest_event(struct trace_digest *d, const struct event *tidy);
struct digest trace_digest_get(struct trace_digest *d);

#endif
