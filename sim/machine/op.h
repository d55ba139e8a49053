/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * op.h - one event being carried out (private to the machine)
 *
 * begin checks the event and changes what concerns whole ranges; step goes
 * through the pages, one effect at a time, and returns 1 (one effect), 0
 * (nothing left) or -ENOMEM.
 *
 *	op.c        helpers
 *	op_space.c  space, fork, exit
 *	op_range.c  map, unmap, advise, free
 *	op_page.c   write, read
 *	op_pin.c    pin, unpin
 *	op_store.c  pools of stores, what is put there and asked for
 */
#ifndef DEDUPSIM_MACHINE_OP_H
#define DEDUPSIM_MACHINE_OP_H

#include "sim/machine/machine.h"

struct machine_op {
	struct event ev;
	int (*step)(struct machine *m, struct machine_op *op,
		    struct effect *fx); /* NULL: nothing left */
	uint64_t vpn, hi;		/* pages still to go through */
	size_t at;	/* position in the chunks of the space */
	uint64_t count; /* EV_PIN: pages to pin */
	uint32_t pte;	/* EV_WRITE: the slot, 0: not there yet */
	uint8_t last;	/* effect that ends the event, FX_NONE: none */
	uint8_t first;	/* effect that begins it */
	struct store_effect store;
};

typedef int begin_fn(struct machine *m, struct machine_op *op, struct err *err);

begin_fn op_begin_space, op_begin_fork, op_begin_exit, op_begin_map,
	op_begin_unmap, op_begin_advise, op_begin_write, op_begin_read,
	op_begin_pin, op_begin_unpin, op_begin_pool, op_begin_pool_end,
	op_begin_object, op_begin_store;

int op_step_unmap(struct machine *m, struct machine_op *op, struct effect *fx);
/* The last page of an exit has gone. */
void op_end_exit(struct machine *m, uint32_t space);

/* Is there such a space, such a range, are all its pages mapped?  -EINVAL. */
int op_check_space(const struct machine *m, uint32_t space, struct err *err);
int op_check_range(const struct event *ev, struct err *err);
int op_check_mapped(const struct machine *m, const struct event *ev,
		    struct err *err);

/* May the spaces together have this many ranges more?  -EINVAL. */
int op_check_ranges(const struct machine *m, uint64_t more, struct err *err);

/* The pages of the event are what is to be gone through. */
void op_pages_of(struct machine *m, struct machine_op *op);
/* The next present PTE in [op->vpn, op->hi) of @space; 0: none. */
uint32_t op_next_present(const struct machine *m, uint32_t space,
			 struct machine_op *op);
/* An FX_PAGE that says what the page holds, before and now. */
void op_fx_page(const struct machine *m, uint32_t pte, struct effect *fx);
/* Flags of a PTE that is faulted in there. */
uint32_t op_fault_flags(const struct range *r);

#endif
