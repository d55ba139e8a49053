/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>

#include "sim/engine/zram/zram.h"

void zram_report_engine(const struct engine *e, struct rows *out)
{
	const struct zram *z = (const struct zram *)e;
	uint64_t stored = z->dev.stats.pages_stored;
	uint64_t used = zram_used_pages(&z->dev);
	uint64_t saved = stored > used ? stored - used : 0;
	uint64_t slots = z->opt.disksize ? zram_disk_pages(z) : z->slots.used;

	engine_report_saved(out, saved, z->zero < saved ? z->zero : saved,
			    zram_metadata_bytes(&z->dev, slots));
	zram_report(&z->dev, out);
	rows_add(out, "zram", "pages_stored", "pages", (int64_t)stored);
	rows_add(out, "zram", "pages_refused", "pages",
		 (int64_t)(z->frames - stored));
	rows_add(out, "zram", "zero_pages", "pages", (int64_t)z->zero);
}

/* ---- check ---- */

/* Is the object of this slot as long as the page of that content has it? */
static bool fits(const struct zram *z, uint32_t slot, uint32_t content)
{
	const struct zram_slot *s = &z->dev.slot[slot - 1];
	const uint16_t *column = s->codec ? z->recomp_bytes : z->bytes;
	uint32_t bytes = zram_bytes_of(z, column, content);

	if (!(s->flags & ZRAM_FILLED) ||
	    zram_slot_at(z, slot)->content != content)
		return false;
	if (s->flags & ZRAM_WRITTEN)
		return true;
	if (bytes >= z->dev.huge_bytes && !s->codec)
		bytes = PAGE_BYTES;
	return s->bytes == bytes && !bytes == !!(s->flags & ZRAM_SAME);
}

/* Does the slot of this page hold what the page holds? */
static bool kept(const struct zram *z, uint32_t pte)
{
	const struct pte *p = &z->machine->pte[pte];
	uint32_t is = pte < z->frame_of_cap ? z->frame_of[pte] : 0;
	const struct frame *f;

	if (!zram_in_scope(p))
		return is == 0;
	if (is != zram_frame_of(z->machine, p) + 1)
		return false;
	f = &z->frame[is - 1];
	return f->maps && (!f->slot || fits(z, f->slot, p->content));
}

static int check_pages(const struct zram *z, FILE *why)
{
	const struct machine *m = z->machine;

	for (uint32_t s = 0; s < m->nspace; s++)
		for (size_t at = 0; at < m->space[s].nchunk; at++) {
			uint32_t pte = m->space[s].chunk[at].chunk
				       << CHUNK_SHIFT;

			for (uint32_t i = 0; i < CHUNK_PAGES; i++)
				if (!kept(z, pte + i))
					return err_why(
						why, "zram",
						"space %" PRIu32
						" page %" PRIx64
						" is not what its slot holds",
						s, machine_pte_vpn(m, pte + i));
		}
	return 0;
}

int zram_check(const struct engine *e, FILE *why)
{
	const struct zram *z = (const struct zram *)e;
	uint64_t frames = 0, zero = 0, slots = 0, maps = 0;
	int ret = zram_device_check(&z->dev, why);

	if (!ret)
		ret = check_pages(z, why);
	if (ret)
		return ret;
	for (size_t i = 0; i < z->frame_of_cap; i++)
		maps += z->frame_of[i] > 0;
	for (size_t i = 0; i < z->frame_cap; i++) {
		const struct frame *f = &z->frame[i];

		maps -= f->maps;
		frames += f->maps > 0;
		slots += f->slot > 0;
		zero += f->slot && !zram_slot_at(z, f->slot)->content;
	}
	if (maps || frames != z->frames || zero != z->zero ||
	    slots != z->slots.count || slots != z->dev.stats.pages_stored)
		return err_why(why, "zram",
			       "%" PRIu64 " frames and %" PRIu64
			       " slots found, %" PRIu64 " and %" PRIu64
			       " counted, or other counts differ",
			       frames, slots, z->frames,
			       z->dev.stats.pages_stored);
	return 0;
}
