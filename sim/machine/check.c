/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * check.c - what the machine counts, reported and counted again
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sim/machine/page.h"
#include "sim/machine/space.h"

void machine_report(const struct machine *m, struct rows *out)
{
	const struct {
		const char *name, *unit;
		uint64_t value;
	} row[] = {
		{"mapped_pages", "pages", m->mapped},
		{"mapped_pages_peak", "pages", m->mapped_peak},
		{"frames", "frames", m->frames->used},
		{"frames_peak", "frames", m->frames->peak},
		{"merged_frames", "frames", m->merged_frames},
		{"merged_mappings", "pages", m->merged_pages},
		{"zero_page_mappings", "pages", m->zero_mapped},
		{"zero_page_mappings_placed", "pages", m->zero_merged},
		{"cow_copies", "pages", m->cow_copies},
		{"thp_split_page", "huge pages", m->huge_splits},
		{"zero_pages_by_split", "pages", m->split_zero_pages},
		{"spaces", "spaces", m->nspace},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		rows_add(out, "machine", row[i].name, row[i].unit,
			 (int64_t)row[i].value);
}

struct count {
	uint64_t mapped, zero, placed, merged, private;
	uint32_t *maps; /* by share */
};

static int check_pte(const struct machine *m, uint32_t pte, struct count *n,
		     FILE *why)
{
	const struct pte *p = &m->pte[pte];
	const struct range *r;
	uint32_t flags = p->flags;

	if (!(flags & PTE_PRESENT))
		return flags || p->ref || p->content
			       ? err_why(why, "machine",
					 "pte %" PRIu32 " absent, not empty",
					 pte)
			       : 0;
	r = range_of(&m->space[machine_pte_space(m, pte)],
		     machine_pte_vpn(m, pte));
	if (!r)
		return err_why(why, "machine",
			       "pte %" PRIu32 " outside of any range", pte);
	if (!(flags & PTE_MERGEABLE) != !(r->flags & EVF_MERGEABLE) ||
	    !(flags & PTE_ANON) != !!(r->flags & (EVF_FILE | EVF_SHARED)))
		return err_why(why, "machine",
			       "pte %" PRIu32 " unlike its range", pte);
	n->mapped++;
	switch (pte_owner(p)) {
	case OWNER_PRIVATE:
		n->private ++;
		break;
	case OWNER_SHARED:
		n->maps[p->ref]++;
		n->merged += machine_merged(m, p);
		break;
	case OWNER_ZERO:
		n->zero++;
		n->placed += !!(flags & PTE_PLACED);
		if (p->content)
			return err_why(why, "machine",
				       "pte %" PRIu32 " zero page with content",
				       pte);
		break;
	case OWNER_STORE:
		break;
	}
	return 0;
}

static int check_chunk(const struct machine *m, uint32_t space, size_t at,
		       struct count *n, FILE *why)
{
	const struct chunk_ref *ref = &m->space[space].chunk[at];
	const struct chunk *c = &m->chunk[ref->chunk];
	uint32_t present = 0, words = 0;
	int ret;

	if (c->key != ref->key || c->space != space)
		return err_why(why, "machine",
			       "chunk %" PRIu32 " has lost its place",
			       ref->chunk);
	if (at && ref[-1].key >= ref->key)
		return err_why(why, "machine",
			       "chunks of space %" PRIu32 " out of order",
			       space);
	for (uint32_t i = 0; i < CHUNK_PAGES; i++) {
		uint32_t pte = ref->chunk << CHUNK_SHIFT | i;

		present += m->pte[pte].flags & PTE_PRESENT;
		words += !!m->pte[pte].word;
		ret = check_pte(m, pte, n, why);
		if (ret)
			return ret;
	}
	if (present != c->present || words != c->words)
		return err_why(why, "machine", "chunk %" PRIu32 " miscounts",
			       ref->chunk);
	return 0;
}

static int check_ranges(const struct space *s, FILE *why)
{
	uint64_t mergeable = 0;

	for (size_t i = 0; i < s->nrange; i++) {
		if (s->range[i].lo >= s->range[i].hi ||
		    (i && s->range[i - 1].hi > s->range[i].lo))
			return err_why(why, "machine", "ranges overlap");
		if (s->range[i].flags & EVF_MERGEABLE)
			mergeable += s->range[i].hi - s->range[i].lo;
	}
	return mergeable == s->mergeable
		       ? 0
		       : err_why(why, "machine",
				 "mergeable ranges are miscounted");
}

static int check_frames(const struct machine *m, const struct count *n,
			FILE *why)
{
	uint32_t shares = 0, lingering = 0;

	for (uint32_t i = 1; i <= m->share.used; i++) {
		if (n->maps[i] && n->maps[i] != machine_share(m, i)->maps)
			return err_why(why, "machine",
				       "share %" PRIu32 " has %" PRIu32
				       " mappings, not %" PRIu32,
				       i, n->maps[i],
				       machine_share(m, i)->maps);
		shares += n->maps[i] > 0;
	}
	/* Frames that only an extra reference keeps alive. */
	lingering = m->share.count - shares;
	if (lingering > m->npin + m->held_shares)
		return err_why(why, "machine", "share records leak");
	if (n->private + m->share.count + m->held_frames != m->frames->used)
		return err_why(why, "machine",
			       "%" PRIu64 " frames owned, %" PRIu32 " used",
			       n->private + m->share.count + m->held_frames,
			       m->frames->used);
	return 0;
}

int machine_check(const struct machine *m, FILE *why)
{
	struct count n = {
		.maps = mem_zalloc((size_t)m->share.used + 1, sizeof(*n.maps))};
	int ret = n.maps ? 0 : -ENOMEM;

	for (uint32_t s = 0; !ret && s < m->nspace; s++) {
		ret = check_ranges(&m->space[s], why);
		for (size_t at = 0; !ret && at < m->space[s].nchunk; at++)
			ret = check_chunk(m, s, at, &n, why);
	}
	if (!ret && (n.mapped != m->mapped || n.zero != m->zero_mapped ||
		     n.placed != m->zero_merged || n.merged != m->merged_pages))
		ret = err_why(why, "machine",
			      "counters and page tables disagree");
	if (!ret)
		ret = check_frames(m, &n, why);
	free(n.maps);
	return ret;
}
