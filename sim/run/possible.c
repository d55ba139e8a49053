/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "sim/run/possible.h"

static bool counts(const struct pte *p)
{
	return pte_mergeable_page(p) || p->flags & PTE_PLACED;
}

int possible_pages(const struct machine *m, uint32_t contents, uint64_t *pages)
{
	uint64_t *seen = mem_zalloc((size_t)contents / 64 + 1, sizeof(*seen));

	if (!seen)
		return -ENOMEM;
	*pages = 0;
	for (uint32_t s = 0; s < m->nspace; s++) {
		const struct space *sp = &m->space[s];

		for (size_t at = 0; at < sp->nchunk; at++) {
			const struct pte *p =
				&m->pte[sp->chunk[at].chunk << CHUNK_SHIFT];

			for (uint32_t i = 0; i < CHUNK_PAGES; i++, p++) {
				uint64_t bit = UINT64_C(1) << p->content % 64;

				if (!counts(p))
					continue;
				*pages += (seen[p->content / 64] & bit) != 0;
				seen[p->content / 64] |= bit;
			}
		}
	}
	free(seen);
	return 0;
}
