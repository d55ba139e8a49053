/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * disk.h - a zram device of our own, added for the measurement
 *
 * It is never used as swap, and no other device is touched.  disk_add() and
 * disk_remove() belong into the parent of the measuring process (child.h), so
 * that the device goes whatever happens.
 */
#ifndef DEDUPSIM_TESTS_FIDELITY_ZRAM_DISK_H
#define DEDUPSIM_TESTS_FIDELITY_ZRAM_DISK_H

#include <stdint.h>

#include "sim/base/err.h"

#define EXIT_NO_ZRAM 77 /* not root, or a kernel without zram */

struct disk {
	int id, fd;   /* -1: none */
	char dir[64]; /* holds the node; "": there is none */
	char node[80];
	uint8_t *page; /* aligned, for direct I/O */
};

/* mm_stat, in its order. */
#define DISK_STATS 9
enum { DISK_COMPR = 1, DISK_USED = 2 };
struct disk_stat {
	uint64_t v[DISK_STATS];
};

/* disk_possible - 0 or an exit status with the reason in @err */
int disk_possible(struct err *err);
/* disk_add - 0 or an exit status with @err set and nothing left behind */
int disk_add(struct disk *d, struct err *err);
/* disk_remove - 0, or a negative errno when the device is still there */
int disk_remove(struct disk *d, struct err *err);

/* The following return 0 or a negative errno with @err set. */

/* disk_setup - empty, as fresh, with lzo and room for @pages */
int disk_setup(struct disk *d, uint32_t pages, struct err *err);
/* disk_set - write an attribute */
int disk_set(const struct disk *d, const char *name, const char *value,
	     struct err *err);
int disk_stat(const struct disk *d, struct disk_stat *st, struct err *err);

/* These answer as the kernel does: 0 or a negative errno. */
int disk_write(struct disk *d, uint32_t slot, const uint8_t *page);
int disk_discard(struct disk *d, uint32_t slot);
int disk_zeroout(struct disk *d, uint32_t slot);

#endif
