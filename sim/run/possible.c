/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "sim/run/possible.h"

/* Bitmaps of what was seen already. */
struct seen {
	uint64_t *content, *share;
};

static bool first(uint64_t *map, uint32_t i)
{
	uint64_t bit = UINT64_C(1) << i % 64;
	bool was = map[i / 64] & bit;

	map[i / 64] |= bit;
	return !was;
}

/* Would the page have a frame of its own if nothing had been merged?  Pages that
 * a fork shares would not: one of them stands for all. */
static bool has_frame(const struct machine *m, const struct pte *p,
		      struct seen *seen)
{
	if (p->flags & PTE_PLACED)
		return true;
	if (!pte_mergeable_page(p))
		return false;
	return pte_owner(p) != OWNER_SHARED || machine_merged(m, p) ||
	       first(seen->share, p->ref);
}

static uint64_t count_space(const struct machine *m, const struct space *s,
			    struct seen *seen)
{
	uint64_t n = 0;

	for (size_t at = 0; at < s->nchunk; at++) {
		const struct pte *p =
			&m->pte[s->chunk[at].chunk << CHUNK_SHIFT];

		for (uint32_t i = 0; i < CHUNK_PAGES; i++, p++)
			n += has_frame(m, p, seen) &&
			     !first(seen->content, p->content);
	}
	return n;
}

int possible_pages(const struct machine *m, uint32_t contents, uint64_t *pages)
{
	struct seen seen = {
		mem_zalloc((size_t)contents / 64 + 1, sizeof(uint64_t)),
		mem_zalloc((size_t)m->share.used / 64 + 1, sizeof(uint64_t)),
	};
	int ret = seen.content && seen.share ? 0 : -ENOMEM;

	*pages = 0;
	for (uint32_t s = 0; !ret && s < m->nspace; s++)
		*pages += count_space(m, &m->space[s], &seen);
	free(seen.content);
	free(seen.share);
	return ret;
}
