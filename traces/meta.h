/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * meta.h - provenance: pairs of key and value in the order they were given
 */
#ifndef DEDUPSIM_TRACES_META_H
#define DEDUPSIM_TRACES_META_H

#include "traces/trace.h"

/* What all pairs together may take in a META section. */
#define META_BYTES_MAX (1u << 20)
#define META_PAIRS_MAX 1024u

/*
 * meta_add - append a pair; both are copied
 * Returns 0; -EINVAL for an empty key, a blank in the key, a control character,
 * broken UTF-8 or too much of it; -ENOMEM.  On error @h is unchanged.
 */
int meta_add(struct trace_header *h, const char *key, size_t nkey,
	     const char *value, size_t nvalue, struct err *err);
void meta_free(struct trace_header *h);

size_t meta_bytes(const struct trace_header *h); /* of the payload */
void meta_put(const struct trace_header *h, uint8_t *p);
/* meta_get - pairs of a payload of @n bytes, added to @h; -EINVAL, -ENOMEM */
int meta_get(struct trace_header *h, const uint8_t *p, size_t n, uint64_t items,
	     struct err *err);

#endif
