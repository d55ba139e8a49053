/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/base/prng.h"
#include "sim/run/readers.h"

/* Frames of pages that would be apart begin above all that there are. */
#define APART_PAGE (UINT64_C(1) << 33)
/* Spaces differ in address bits that no index and no colour looks at. */
#define SPACE_SHIFT 44

struct amount {
	uint64_t misses, cycles;
};

struct readers {
	struct readers_config cfg;
	const struct machine *machine;
	struct placement placement;
	struct engine_sink sink;
	struct cache *now, *apart, *quiet; /* quiet: with cfg.scan */
	uint64_t line_bytes, lines;	   /* of a page */
	unsigned cpus;

	uint64_t read_lines, merged_lines;
	struct amount merged, merged_apart;
	struct amount cold, cold_apart;
	/* scan */
	uint64_t scan_lines, scan_pages;
	struct amount scan_start, scanned; /* in now */
	struct amount guest, guest_quiet;
	/* a write that will break sharing */
	uint64_t old_pa;
	bool breaks;
};

static struct amount amount_of(const struct cache *c)
{
	struct cache_counts n = cache_counts(c, CACHE_ALL_CPUS);

	return (struct amount){n.misses[0], cache_counts_cycles(&n)};
}

static void add_since(struct amount *to, const struct cache *c,
		      struct amount before)
{
	struct amount now = amount_of(c);

	to->misses += now.misses - before.misses;
	to->cycles += now.cycles - before.cycles;
}

/* ---- addresses ---- */

static uint64_t page_va(const struct readers *r, uint32_t pte)
{
	return machine_pte_vpn(r->machine, pte) << PAGE_SHIFT ^
	       (uint64_t)machine_pte_space(r->machine, pte) << SPACE_SHIFT;
}

static uint64_t page_pa(const struct readers *r, uint32_t pte)
{
	uint64_t place = place_of(r->machine, &r->machine->pte[pte]);

	return placement_page(&r->placement, place) << PAGE_SHIFT;
}

/* Did an engine merge this page? */
static bool merged(const struct readers *r, uint32_t pte)
{
	const struct pte *p = &r->machine->pte[pte];

	return p->flags & PTE_PLACED || machine_merged(r->machine, p);
}

static uint64_t page_pa_apart(const struct readers *r, uint32_t pte)
{
	if (!merged(r, pte))
		return page_pa(r, pte);
	return (APART_PAGE + placement_page(&r->placement, pte)) << PAGE_SHIFT;
}

static unsigned cpu_of(const struct readers *r, uint32_t pte)
{
	return machine_pte_space(r->machine, pte) % r->cpus;
}

/* ---- reading ---- */

static void read_line(struct readers *r, uint32_t pte, uint64_t line)
{
	uint64_t o = line * r->line_bytes, va = page_va(r, pte) + o;
	uint64_t n = r->line_bytes < 8 ? r->line_bytes : 8;
	unsigned cpu = cpu_of(r, pte);

	cache_access(r->now, cpu, va, page_pa(r, pte) + o, n, CACHE_READ);
	cache_access(r->apart, cpu, va, page_pa_apart(r, pte) + o, n,
		     CACHE_READ);
	if (r->quiet)
		cache_access(r->quiet, cpu, va, page_pa(r, pte) + o, n,
			     CACHE_READ);
	r->read_lines++;
}

static void read_page(struct readers *r, uint32_t pte)
{
	struct amount now, apart;
	bool count = merged(r, pte);

	if (count) {
		now = amount_of(r->now);
		apart = amount_of(r->apart);
	}
	for (uint64_t l = 0; l < r->lines; l++)
		read_line(r, pte, l);
	if (!count)
		return;
	r->merged_lines += r->lines;
	add_since(&r->merged, r->now, now);
	add_since(&r->merged_apart, r->apart, apart);
}

static bool readable(const struct pte *p)
{
	return p->flags & PTE_PRESENT && pte_owner(p) != OWNER_STORE;
}

/* ---- what the trace says ---- */

void readers_before(struct readers *r, const struct event *ev)
{
	uint32_t pte;

	if (!r)
		return;
	r->breaks = false;
	if (ev->op != EV_WRITE || ev->space >= r->machine->nspace ||
	    !r->machine->space[ev->space].live)
		return;
	pte = machine_find(r->machine, ev->space, ev->vpn);
	if (!pte || !readable(&r->machine->pte[pte]) || !merged(r, pte))
		return;
	r->breaks = true;
	r->old_pa = page_pa(r, pte);
}

static void written(struct readers *r, const struct event *ev)
{
	uint32_t pte = machine_find(r->machine, ev->space, ev->vpn);
	uint64_t va = page_va(r, pte), pa = page_pa(r, pte);
	unsigned cpu = cpu_of(r, pte);

	cache_cow(r->now, cpu, va, r->old_pa, pa);
	if (r->quiet)
		cache_cow(r->quiet, cpu, va, r->old_pa, pa);
}

void readers_after(struct readers *r, const struct event *ev)
{
	if (!r)
		return;
	if (ev->op == EV_WRITE && r->breaks)
		written(r, ev);
	if (ev->op != EV_READ || r->cfg.order != READERS_TRACE)
		return;
	for (uint64_t v = ev->vpn; v < ev->vpn + ev->count; v++) {
		uint32_t pte = machine_find(r->machine, ev->space, v);

		if (pte && readable(&r->machine->pte[pte]))
			read_page(r, pte);
	}
}

/* ---- the engine ---- */

static void engine_reads(void *ctx, uint64_t place, uint32_t bytes)
{
	struct readers *r = ctx;
	uint64_t pa = placement_page(&r->placement, place) << PAGE_SHIFT;
	uint64_t n = r->line_bytes < 8 ? r->line_bytes : 8;

	for (uint64_t o = 0; o < bytes; o += r->line_bytes) {
		cache_access(r->now, 0, pa + o, pa + o, n,
			     CACHE_READ | CACHE_DIRECT);
		r->scan_lines++;
	}
}

const struct engine_sink *readers_sink(struct readers *r)
{
	return r && r->cfg.scan ? &r->sink : NULL;
}

/* Calls @fn for present pages by space and address; it says when to stop. */
typedef bool page_fn(struct readers *r, uint32_t pte, void *ctx);

static void each_page(struct readers *r, page_fn *fn, void *ctx)
{
	const struct machine *m = r->machine;

	for (uint32_t s = 0; s < m->nspace; s++)
		for (size_t at = 0; at < m->space[s].nchunk; at++) {
			uint32_t pte = m->space[s].chunk[at].chunk
				       << CHUNK_SHIFT;

			for (unsigned i = 0; i < CHUNK_PAGES; i++, pte++)
				if (readable(&m->pte[pte]) && !fn(r, pte, ctx))
					return;
		}
}

static bool read_some(struct readers *r, uint32_t pte, void *ctx)
{
	uint64_t *left = ctx;

	if (!*left)
		return false;
	--*left;
	read_page(r, pte);
	return true;
}

void readers_turn(struct readers *r)
{
	if (!r || !r->cfg.scan)
		return;
	r->scan_start = amount_of(r->now);
}

void readers_turned(struct readers *r)
{
	uint64_t left;

	if (!r || !r->cfg.scan)
		return;
	add_since(&r->scanned, r->now, r->scan_start);
	left = r->cfg.pages;
	if (r->cfg.order != READERS_TRACE)
		each_page(r, read_some, &left);
}

/* ---- generated readers ---- */

struct list {
	uint32_t *pte;
	size_t n, cap;
	bool failed;
};

static bool note_merged(struct readers *r, uint32_t pte, void *ctx)
{
	struct list *l = ctx;

	if (!merged(r, pte))
		return true;
	if (mem_reserve(&l->pte, &l->cap, l->n + 1, sizeof(*l->pte))) {
		l->failed = true;
		return false;
	}
	l->pte[l->n++] = pte;
	return true;
}

static void pass(struct readers *r, const struct list *l)
{
	struct prng random = prng_fork(r->cfg.seed, "readers");
	uint64_t n = (uint64_t)l->n * r->lines;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t page = i / r->lines, line = i % r->lines;

		if (r->cfg.order == READERS_STRIDED) {
			page = i % l->n;
			line = i / l->n;
		} else if (r->cfg.order == READERS_RANDOM) {
			page = prng_below(&random, l->n);
			line = prng_below(&random, r->lines);
		}
		read_line(r, l->pte[page], line);
	}
}

/* Nothing that was read before counts, nor is in a cache. */
static void start_anew(struct readers *r)
{
	cache_reset(r->now);
	cache_reset(r->apart);
	cache_free(r->quiet);
	r->quiet = NULL;
	r->read_lines = 0;
	r->merged = r->merged_apart = (struct amount){0};
}

static int two_passes(struct readers *r)
{
	struct list l = {0};

	each_page(r, note_merged, &l);
	if (!l.failed) {
		start_anew(r);
		pass(r, &l);
		add_since(&r->cold, r->now, (struct amount){0});
		add_since(&r->cold_apart, r->apart, (struct amount){0});
		pass(r, &l);
		add_since(&r->merged, r->now, r->cold);
		add_since(&r->merged_apart, r->apart, r->cold_apart);
		r->merged_lines = (uint64_t)l.n * r->lines;
	}
	mem_release(l.pte, l.cap, sizeof(*l.pte));
	return l.failed ? -ENOMEM : 0;
}

int readers_end(struct readers *r, const struct meter *m)
{
	if (!r)
		return 0;
	if (r->cfg.scan) {
		r->scan_pages = m->count[OP_PAGE_VISIT];
		r->guest = amount_of(r->now);
		r->guest.misses -= r->scanned.misses;
		r->guest.cycles -= r->scanned.cycles;
		r->guest_quiet = amount_of(r->quiet);
	}
	return r->cfg.order == READERS_TRACE ? 0 : two_passes(r);
}

/* ---- life ---- */

static int check_config(const struct cache_conf *conf, struct err *err)
{
	if (conf->page_bytes == PAGE_BYTES)
		return 0;
	return err_set(err, EINVAL,
		       "machine %s has pages of %" PRIu64
		       " bytes; recordings have %u",
		       conf->name, conf->page_bytes, PAGE_BYTES);
}

static int make_caches(struct readers *r, struct err *err)
{
	int ret = cache_new(&r->now, r->cfg.conf, err);

	if (!ret)
		ret = cache_new(&r->apart, r->cfg.conf, err);
	if (!ret && r->cfg.scan)
		ret = cache_new(&r->quiet, r->cfg.conf, err);
	return ret;
}

int readers_new(struct readers **out, const struct readers_config *cfg,
		const struct machine *m, bool has_reads, struct err *err)
{
	struct readers *r;
	int ret;

	*out = NULL;
	if (!cfg->conf)
		return 0;
	ret = check_config(cfg->conf, err);
	if (ret)
		return ret;
	r = mem_zalloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->cfg = *cfg;
	if (cfg->order == READERS_AUTO)
		r->cfg.order = has_reads ? READERS_TRACE : READERS_SEQUENTIAL;
	r->machine = m;
	r->placement = placement_make(cfg->random_placement, cfg->seed);
	r->sink = (struct engine_sink){engine_reads, r};
	r->line_bytes = cfg->conf->level[0].line_bytes;
	r->lines = PAGE_BYTES / r->line_bytes;
	r->cpus = (unsigned)cfg->conf->cpus;
	ret = make_caches(r, err);
	if (ret) {
		readers_free(r);
		return ret;
	}
	*out = r;
	return 0;
}

void readers_free(struct readers *r)
{
	if (!r)
		return;
	cache_free(r->now);
	cache_free(r->apart);
	cache_free(r->quiet);
	free(r);
}

const char *readers_what(const struct readers *r)
{
	static const char *const what[] = {
		[READERS_AUTO] = "none",
		[READERS_TRACE] = "of the trace",
		[READERS_SEQUENTIAL] = "sequential",
		[READERS_STRIDED] = "strided",
		[READERS_RANDOM] = "random",
	};

	return what[r ? r->cfg.order : READERS_AUTO];
}

static void add(struct rows *out, const char *name, const char *unit,
		uint64_t v)
{
	rows_add(out, "cache", name, unit, (int64_t)v);
}

void readers_report(const struct readers *r, struct rows *out)
{
	if (!r)
		return;
	add(out, "line_bytes", "bytes", r->line_bytes);
	add(out, "read_lines", "lines", r->read_lines);
	add(out, "merged_lines", "lines", r->merged_lines);
	add(out, "merged_cycles", "cycles", r->merged.cycles);
	add(out, "merged_cycles_apart", "cycles", r->merged_apart.cycles);
	if (r->cfg.order != READERS_TRACE) {
		add(out, "merged_cold_cycles", "cycles", r->cold.cycles);
		add(out, "merged_cold_cycles_apart", "cycles",
		    r->cold_apart.cycles);
	}
	if (r->cfg.scan) {
		add(out, "scan_pages", "pages", r->scan_pages);
		add(out, "scan_lines", "lines", r->scan_lines);
		add(out, "scan_cycles", "cycles", r->scanned.cycles);
		add(out, "guest_misses", "lines", r->guest.misses);
		add(out, "guest_misses_quiet", "lines", r->guest_quiet.misses);
		add(out, "guest_cycles", "cycles", r->guest.cycles);
		add(out, "guest_cycles_quiet", "cycles", r->guest_quiet.cycles);
	}
	cache_report(r->now, out);
}
