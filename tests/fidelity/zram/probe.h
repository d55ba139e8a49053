/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * probe.h - vectors of small steps done to a real zram device, or only told
 *
 *	main.c      options, the device and its removal
 *	vectors.c   which steps there are
 *	steps.c     one step: do it, print its row
 *	lengths.c   pages that have a wanted length
 *	disk.c      the device
 *
 * The steps do not depend on the codec: before they run, the codec is asked for
 * the length of every page that is used, and only lengths are printed.  Telling
 * (-t) asks the models of dedupsim instead of the kernel, and touches nothing;
 * what is told is what a kernel is asked, when the models are right.
 *
 * A row has the columns of the language in sim/run/scenario.h.  A step that
 * fails puts a message into probe->err; all later ones do nothing.
 */
#ifndef DEDUPSIM_TESTS_FIDELITY_ZRAM_PROBE_H
#define DEDUPSIM_TESTS_FIDELITY_ZRAM_PROBE_H

#include <stdbool.h>

#include "models/codec.h"
#include "sim/base/units.h"
#include "sim/pool/pool.h"
#include "tests/fidelity/zram/disk.h"

#define SLOTS 65536u   /* of the device */
#define LIST_MAX 8192u /* elements of one list */
#define LENGTHS (2 * PAGE_BYTES)

/* splitmix64 from @state on */
struct dice {
	uint64_t state;
};
uint64_t dice_roll(struct dice *d);
uint32_t dice_below(struct dice *d, uint32_t n);
double dice_bell(struct dice *d); /* mean 0, deviation 1 */

struct list {
	uint32_t n;
	uint32_t v[LIST_MAX];
};

/* How a page is made; all of zeros when @random is 0. */
struct recipe {
	uint16_t random; /* so many random bytes at the end, zeros before */
	bool spot;	 /* a byte a5 at offset 64 */
};

struct probe {
	bool tell;
	uint64_t seed;
	struct disk disk;
	struct codec *codec; /* when telling */
	struct meter meter;
	struct recipe recipe[LENGTHS]; /* by length; random 0: not reachable */
	uint32_t huge; /* pages of this length and more are stored raw */
	const char *vector;
	unsigned step;
	struct list slots, sizes; /* of the next step */
	struct err err;
	int failed; /* negative errno of the first failure */
};

/* ---- lengths.c ---- */

/* probe_calibrate - fill p->recipe and p->huge */
void probe_calibrate(struct probe *p);
/* probe_near - the nearest length that some page has; @length if it is one */
uint32_t probe_near(struct probe *p, uint32_t length);
/* probe_page - a page for this slot whose length is @length */
void probe_page(struct probe *p, uint32_t length, uint32_t slot, uint8_t *page);
/* probe_shape - pages and objects of the zspages for this length */
void probe_shape(struct probe *p, uint32_t length, uint32_t *pages,
		 uint32_t *objects);

/* ---- steps.c ---- */

void probe_header(const struct probe *p);
void list_add(struct probe *p, struct list *l, uint32_t v);
void list_range(struct probe *p, struct list *l, uint32_t from, uint32_t to,
		uint32_t stride);

/* Each prints its row; write and discard use up p->slots and p->sizes. */
void step_begin(struct probe *p, const char *vector);
void step_write(struct probe *p);
void step_discard(struct probe *p);
void step_zeroout(struct probe *p);
void step_compact(struct probe *p);
void step_limit(struct probe *p, uint32_t bytes);
void step_reset_max(struct probe *p);

/* ---- vectors.c ---- */

void probe_vectors(struct probe *p);

#endif
