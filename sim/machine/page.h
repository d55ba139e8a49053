/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * page.h - what can happen to one page (private to the machine)
 *
 * Everything that changes a PTE's owner goes through these, so that the counters
 * of struct machine are kept in one place.
 */
#ifndef DEDUPSIM_MACHINE_PAGE_H
#define DEDUPSIM_MACHINE_PAGE_H

#include "sim/machine/frame.h"
#include "sim/machine/machine.h"

/*
 * page_leave - @pte lets go of the frame or zero page it maps; it stays present
 * with nothing behind it until page_own()
 * @fx: FXF_BROKE, FXF_BROKE_ZERO, FXF_FREED and freed are added
 * Returns true when the frame is free now.
 */
bool page_leave(struct machine *m, uint32_t pte, struct effect *fx);
/* page_own - @pte, which maps nothing, maps this */
void page_own(struct machine *m, uint32_t pte, enum pte_owner owner,
	      uint32_t ref);
/* page_keep - the last mapping of a frame without pins has it for itself; what
 * that means for a merged one is added to @fx: FXF_REUSED */
void page_keep(struct machine *m, uint32_t pte, struct effect *fx);
/* page_fault - a slot that was not present becomes so, with these flags */
void page_fault(struct machine *m, uint32_t pte, uint32_t content,
		enum pte_owner owner, uint32_t ref, uint32_t flags);
/* page_unmap - not present any more; the word stays */
void page_unmap(struct machine *m, uint32_t pte, struct effect *fx);
/* page_split - the huge page that @pte is part of, wherever it is mapped; its
 * parts of zeros go to the zero page.  0, -EBUSY: pinned */
int page_split(struct machine *m, uint32_t pte);
/* share_drop_pin - one reference less; true when that freed the frame, and its
 * word in *@word */
bool share_drop_pin(struct machine *m, uint32_t share, uint32_t *word);
/* page_share - make sure @pte has a share record; 0 or -ENOMEM */
int page_share(struct machine *m, uint32_t pte);

static inline uint32_t zero_page_of(const struct machine *m, uint64_t vpn)
{
	return (uint32_t)(vpn & (m->cfg.zero_pages - 1));
}

static inline void pte_set_owner(struct pte *p, enum pte_owner owner,
				 uint32_t ref)
{
	p->flags = (p->flags & ~(PTE_OWNER_MASK | PTE_PLACED)) |
		   (uint32_t)owner << PTE_OWNER_SHIFT;
	p->ref = ref;
}

#endif
