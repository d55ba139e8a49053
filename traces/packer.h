/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * packer.h - sections compressed by several threads, written in order
 *
 *	packer_get() ─► fill raw ─► packer_put() ─► worker ─► file, in put order
 *
 * The bytes written do not depend on the number of threads.  With one thread
 * everything happens in packer_put().
 */
#ifndef DEDUPSIM_TRACES_PACKER_H
#define DEDUPSIM_TRACES_PACKER_H

#include "traces/format.h"

#define PACKER_THREADS_MAX 32u

struct pack {
	uint8_t *raw;	      /* FMT_RAW_MAX + FMT_SLACK */
	struct fmt_section s; /* tag, raw and items are the filler's */
	uint8_t *out;	      /* the section as it goes to the file */
	bool done;
	int ret;
};

struct packer;

/* @out: borrowed; sections start at offset @off of it */
int packer_new(struct packer **p, struct os_out *out, uint64_t off, int level,
	       unsigned threads);
void packer_free(
	struct packer *p); /* drops what is not written; NULL is fine */

/* packer_get - a buffer to fill; there are two at least, besides those put */
int packer_get(struct packer *p, struct pack **pack);
void packer_put(struct packer *p, struct pack *pack);
/*
 * packer_drain - wait for everything and write it
 * @index, @n: out: sections written so far, the packer's
 */
int packer_drain(struct packer *p, const struct fmt_entry **index, size_t *n,
		 uint64_t *end);

#endif
