/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bare.h - a machine without an engine, driven by hand
 *
 *	struct bare *b = bare_new(NULL);
 *	bare_space(b, 4, EVF_MERGEABLE);  pages 0 … 3 of space 0 hold 1 … 4
 *	bare_do(b, ev_write(0, 0, 7), 1);  one effect
 *	bare_saw(&b->fx[0], 0, 0, FXF_CONTENT, 1, 7);
 *	bare_free(b);
 *
 * Everything but bare_try() fails the Check test when it cannot do what it is
 * asked for; the machine is checked after each event and at the end.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_BARE_H
#define DEDUPSIM_TESTS_SUPPORT_BARE_H

#include "tests/support/rig.h"

#define BARE_EFFECTS 2000

struct bare {
	struct machine *m;
	struct effect fx[BARE_EFFECTS]; /* of the last event */
	size_t n;
	struct err err;
};

struct bare *bare_new(const struct machine_config *cfg); /* NULL: defaults */
void bare_free(struct bare *b);

/* bare_try - what the machine says of it; 0 or -errno */
int bare_try(struct bare *b, struct event ev);
/* bare_do - carried out, with that many effects */
void bare_do(struct bare *b, struct event ev, size_t effects);

struct pte *bare_pte(const struct bare *b, uint32_t space, uint64_t vpn);
bool bare_present(const struct bare *b, uint32_t space, uint64_t vpn);
uint32_t bare_frame(const struct bare *b, uint32_t space, uint64_t vpn);

/* bare_saw - the effect is of this page and says this */
void bare_saw(const struct effect *fx, uint32_t space, uint64_t vpn,
	      uint32_t flags, uint32_t before, uint32_t content);

/* bare_space - space 0, pages [0, @n) mapped, page i holds i + 1 */
void bare_space(struct bare *b, uint64_t n, unsigned flags);
/* bare_huge - space 0 with one huge page at 0, mergeable, that holds 1 at 0 and
 * zeros elsewhere */
void bare_huge(struct bare *b);
/* bare_merge - page @c joins page @a in one frame, with this word; its share */
uint32_t bare_merge(struct bare *b, uint32_t space, uint64_t a, uint64_t c,
		    uint32_t word);

/* What machine_make_merged(), …_merge_zero() and …_split() answer. */
int bare_make_merged(struct bare *b, uint32_t space, uint64_t vpn,
		     uint32_t *share, unsigned *split);
int bare_merge_zero(struct bare *b, uint32_t space, uint64_t vpn,
		    unsigned *split);
int bare_split(struct bare *b, uint32_t space, uint64_t vpn, unsigned *split);

#endif
