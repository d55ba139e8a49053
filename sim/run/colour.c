/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/par.h"
#include "sim/base/text.h"
#include "models/zero_page.h"
#include "sim/engine/engine.h"
#include "sim/machine/place.h"
#include "sim/run/colour.h"

/* A multiple of every colour period, whatever the size of pages. */
#define ARRAY_VA (UINT64_C(3) << 30)
/* Places: private frames from here on, merged ones from there. */
#define PRIVATE_PLACE (UINT64_C(1) << 28)
#define MERGED_PLACE (UINT64_C(2) << 28)
#define VARIANTS 4u
#define MERGE_SCANS 4u

int colour_sizes(const char *word, uint64_t *from, uint64_t *to,
		 struct err *err)
{
	const char *dots = strstr(word, "..");
	size_t n = dots ? (size_t)(dots - word) : strlen(word);
	char first[32];
	bool good = n < sizeof(first);

	if (good) {
		memcpy(first, word, n);
		first[n] = 0;
		good = text_size(first, from) &&
		       text_size(dots ? dots + 2 : first, to);
	}
	if (!good)
		return err_set(err, EINVAL,
			       "--size: \"%s\" is no size as 4MiB, nor a range "
			       "as 4KiB..128MiB",
			       word);
	if (!*from || *from > *to || *to > COLOUR_SIZE_MAX)
		return err_set(err, EINVAL,
			       "--size: \"%s\": expected 4KiB <= FROM <= TO <= "
			       "1GiB",
			       word);
	return 0;
}

/* ---- where ksm puts the pages ---- */

struct rig {
	struct content_set *contents;
	struct machine *machine;
	struct engine *engine;
	struct clock clock;
	struct meter meter;
};

static const uint8_t *no_bytes(void *self, uint32_t id, uint8_t *buf)
{
	(void)self;
	(void)id;
	return buf; /* zeros alone: never asked */
}

static int rig_start(struct rig *r, uint32_t zero_pages, bool use_zero_pages,
		     struct err *err)
{
	const struct content_source src = {.count = 1, .bytes = no_bytes};
	const struct machine_config mc = {.zero_pages = zero_pages,
					  .keep_words = true};
	struct engine_env env = {.clock = &r->clock, .seed = 1};
	void *opts = mem_zalloc(1, engine_ksm.opts_size);
	int ret = opts ? 0 : -ENOMEM;

	meter_init(&r->meter, NULL);
	if (!ret) {
		opt_defaults(engine_ksm.opts, opts);
		ret = opt_set(engine_ksm.opts, opts, "use_zero_pages",
			      use_zero_pages ? "1" : "0", err);
	}
	if (!ret)
		ret = opt_set(engine_ksm.opts, opts, "pages_to_scan",
			      "4294967295", err);
	if (!ret)
		ret = content_set_new(&r->contents, &src,
				      engine_ksm.needs(opts), 1, err);
	if (!ret)
		ret = machine_new(&r->machine, &mc);
	env.machine = r->machine;
	env.contents = r->contents;
	if (!ret)
		ret = engine_ksm.start(&r->engine, &env, opts, err);
	free(opts);
	return ret;
}

static void rig_stop(struct rig *r)
{
	engine_ksm.stop(r->engine);
	machine_free(r->machine);
	content_set_free(r->contents);
}

static int happen(struct rig *r, const struct event *ev, struct err *err)
{
	struct effect fx;
	int ret = machine_begin(r->machine, ev, err);

	while (!ret && (ret = machine_next(r->machine, &fx)) > 0)
		ret = engine_ksm.notice(r->engine, &fx, &r->meter);
	return ret;
}

/* The pages are mapped and written, one after the other. */
static int fill(struct rig *r, uint64_t vpn, uint64_t pages, struct err *err)
{
	struct event ev = {.op = EV_SPACE};
	int ret = happen(r, &ev, err);

	ev = (struct event){.op = EV_MAP,
			    .flags = EVF_MERGEABLE,
			    .vpn = vpn,
			    .count = pages};
	if (!ret)
		ret = happen(r, &ev, err);
	for (uint64_t i = 0; !ret && i < pages; i++) {
		ev = (struct event){.op = EV_WRITE, .vpn = vpn + i, .count = 1};
		ret = happen(r, &ev, err);
	}
	return ret;
}

/* Until every page was met twice and then once more. */
static int scan(struct rig *r)
{
	struct engine_progress p = {0};
	int ret = 0;

	while (!ret && p.scans < MERGE_SCANS) {
		if (ns_is_never(*r->engine->wake))
			break;
		r->clock.now = *r->engine->wake;
		ret = engine_ksm.work(r->engine, 0, &r->meter);
		engine_ksm.progress(r->engine, &p);
	}
	return ret;
}

int colour_ksm_places(uint32_t zero_pages, bool use_zero_pages, uint64_t vpn,
		      uint64_t pages, uint64_t *place, struct err *err)
{
	struct rig r = {0};
	int ret = rig_start(&r, zero_pages, use_zero_pages, err);

	if (!ret)
		ret = fill(&r, vpn, pages, err);
	if (!ret)
		ret = scan(&r);
	for (uint64_t i = 0; !ret && i < pages; i++) {
		uint32_t pte = machine_find(r.machine, 0, vpn + i);

		place[i] = place_of(r.machine, &r.machine->pte[pte]);
	}
	rig_stop(&r);
	return ret;
}

/* ---- one cell ---- */

/* What a cell is computed from. */
struct plan {
	const struct colour_config *cfg;
	struct colour_table *table;
	uint64_t **uzp; /* per machine: places of the pages of the array */
	struct err *err;
};

static uint64_t page_place(const struct plan *p, size_t machine,
			   enum colour_case c, uint64_t vpn, uint64_t i)
{
	const struct colour_machine *m = &p->table->machine[machine];

	switch (c) {
	case COLOUR_PRIVATE:
		return PRIVATE_PLACE + i;
	case COLOUR_KSM:
		return MERGED_PLACE;
	case COLOUR_LIMIT:
		return MERGED_PLACE + i / m->limit;
	case COLOUR_ZCOL:
		return PLACE_ZERO + zero_page_of(vpn + i, 1, m->zero_order);
	case COLOUR_UZP:
		return p->uzp[machine][i];
	case COLOUR_ZONE:
	case COLOUR_CASES:
		break;
	}
	return PLACE_ZERO;
}

static uint64_t count_frames(const struct colour_machine *m, enum colour_case c,
			     uint64_t pages)
{
	uint64_t zero = UINT64_C(1) << m->zero_order;

	switch (c) {
	case COLOUR_PRIVATE:
		return pages;
	case COLOUR_LIMIT:
		return (pages - 1) / m->limit + 1;
	case COLOUR_ZCOL:
	case COLOUR_UZP:
		return pages < zero ? pages : zero;
	case COLOUR_KSM:
	case COLOUR_ZONE:
	case COLOUR_CASES:
		break;
	}
	return 1;
}

struct array {
	uint64_t *pa; /* by page */
	uint64_t pages, page_bytes;
};

static struct cache_counts read_once(struct cache *c, const struct array *a)
{
	struct cache_counts before = cache_counts(c, CACHE_ALL_CPUS), after;
	uint64_t step = cache_config(c)->level[0].line_bytes;

	for (uint64_t i = 0; i < a->pages; i++) {
		uint64_t va = ARRAY_VA + i * a->page_bytes;

		for (uint64_t o = 0; o < a->page_bytes; o += step)
			cache_access(c, 0, va + o, a->pa[i] + o,
				     step < 8 ? step : 8, CACHE_READ);
	}
	after = cache_counts(c, CACHE_ALL_CPUS);
	return cache_counts_since(&after, &before);
}

static void three_passes(struct cache *c, const struct array *a,
			 struct colour_cell *cell)
{
	struct cache_counts again;

	cell->cold = read_once(c, a);
	cell->steady = read_once(c, a);
	again = read_once(c, a);
	cell->settled = !memcmp(&again, &cell->steady, sizeof(again));
}

/*
 * Variant @v of hardware that is not documented; 0: @conf itself.  False: there
 * is no such variant, or it is the same.
 */
static bool vary(struct cache_conf *conf, const struct colour_config *cfg,
		 unsigned v)
{
	uint64_t check = v & 1 ? conf->dir_colours - 1 : 0;
	uint64_t source = v & 2 ? 3 : 2;

	if (conf->policy != CACHE_MOVE || source > cache_conf_levels(conf) ||
	    (cfg->check >= 0 && check != conf->vcolour_check) ||
	    (cfg->syn_level >= 0 && source != conf->syn_source))
		return false;
	if (check == conf->vcolour_check && source == conf->syn_source)
		return false;
	conf->vcolour_check = check;
	conf->syn_source = source;
	return true;
}

static int run_variants(const struct plan *p, const struct colour_machine *m,
			const struct array *a, struct colour_cell *cell)
{
	cell->low = cell->high = cache_counts_cycles(&cell->steady);
	for (unsigned v = 0; v < VARIANTS; v++) {
		struct cache_conf conf = m->conf;
		struct colour_cell other;
		struct cache *c;
		uint64_t cycles;
		int ret;

		if (!vary(&conf, p->cfg, v))
			continue;
		ret = cache_new(&c, &conf, p->err);
		if (ret)
			return ret;
		three_passes(c, a, &other);
		cache_free(c);
		cycles = cache_counts_cycles(&other.steady);
		if (cell->low > cycles)
			cell->low = cycles;
		if (cell->high < cycles)
			cell->high = cycles;
	}
	return 0;
}

static int run_cell(const struct plan *p, size_t machine, size_t row,
		    enum colour_case c)
{
	const struct colour_machine *m = &p->table->machine[machine];
	struct colour_cell *cell = &m->row[row].cell[c];
	struct placement where = placement_make(p->cfg->random, p->cfg->seed);
	struct array a = {.pages = m->row[row].pages,
			  .page_bytes = m->conf.page_bytes};
	uint64_t vpn = ARRAY_VA / a.page_bytes;
	struct cache *cache = NULL;
	int ret = -ENOMEM;

	a.pa = mem_zalloc(a.pages, sizeof(*a.pa));
	if (!a.pa)
		return ret;
	for (uint64_t i = 0; i < a.pages; i++)
		a.pa[i] = placement_page(&where,
					 page_place(p, machine, c, vpn, i)) *
			  a.page_bytes;
	cell->frames = count_frames(m, c, a.pages);
	ret = cache_new(&cache, &m->conf, p->err);
	if (!ret) {
		three_passes(cache, &a, cell);
		cache_free(cache);
		ret = run_variants(p, m, &a, cell);
	}
	free(a.pa);
	return ret;
}

/* Cells by number, the largest arrays of all machines first. */
static int run_piece(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	const struct plan *p = ctx;
	const struct colour_table *t = p->table;
	size_t rows = t->machine[0].rows;

	(void)worker;
	for (; lo < hi; lo++) {
		uint64_t cell = lo % (t->machines * COLOUR_CASES);
		size_t row =
			rows - 1 - (size_t)(lo / (t->machines * COLOUR_CASES));
		int ret = run_cell(p, (size_t)(cell / COLOUR_CASES), row,
				   (enum colour_case)(cell % COLOUR_CASES));

		if (ret)
			return ret;
	}
	return 0;
}

/* ---- all of them ---- */

static int apply_choice(struct cache_conf *conf,
			const struct colour_config *cfg, struct err *err)
{
	if (conf->policy != CACHE_MOVE)
		return 0;
	if (cfg->check >= 0)
		conf->vcolour_check = cfg->check ? conf->dir_colours - 1 : 0;
	if (cfg->syn_level >= 0)
		conf->syn_source = (uint64_t)cfg->syn_level;
	return cache_conf_check(conf, err);
}

static int machine_init(struct colour_machine *m, const struct cache_conf *conf,
			unsigned order, const struct colour_config *cfg,
			struct err *err)
{
	uint64_t bytes = cfg->from;
	int ret;

	m->conf = *conf;
	m->zero_order = order;
	m->limit = cfg->limit;
	ret = apply_choice(&m->conf, cfg, err);
	if (ret)
		return ret;
	if (cfg->from % conf->page_bytes)
		return err_set(err, EINVAL,
			       "--size: %" PRIu64 " bytes are no whole pages "
			       "of %s",
			       cfg->from, conf->name);
	for (m->variants = 1, bytes = 0; bytes < VARIANTS; bytes++) {
		struct cache_conf other = m->conf;

		m->variants += vary(&other, cfg, (unsigned)bytes);
	}
	for (bytes = cfg->from; bytes <= cfg->to; bytes *= 2)
		m->rows++;
	m->row = mem_zalloc(m->rows, sizeof(*m->row));
	if (!m->row)
		return -ENOMEM;
	bytes = cfg->from;
	for (size_t i = 0; i < m->rows; i++, bytes *= 2)
		m->row[i] = (struct colour_row){
			.bytes = bytes,
			.pages = bytes / conf->page_bytes,
			.lines = bytes / conf->level[0].line_bytes,
		};
	return 0;
}

/* Places by ksm, for the largest array: smaller ones are its beginning. */
static int ask_ksm(struct plan *p, size_t machine)
{
	const struct colour_machine *m = &p->table->machine[machine];
	uint64_t pages = m->row[m->rows - 1].pages;

	p->uzp[machine] = mem_zalloc(pages, sizeof(**p->uzp));
	if (!p->uzp[machine])
		return -ENOMEM;
	return colour_ksm_places(UINT32_C(1) << m->zero_order, true,
				 ARRAY_VA / m->conf.page_bytes, pages,
				 p->uzp[machine], p->err);
}

void colour_table_fini(struct colour_table *t)
{
	for (size_t i = 0; i < t->machines; i++)
		free(t->machine[i].row);
	free(t->machine);
	*t = (struct colour_table){0};
}

int colour_run(const struct cache_conf *conf, const unsigned *order, size_t n,
	       const struct colour_config *cfg, struct colour_table *out,
	       struct err *err)
{
	struct plan p = {.cfg = cfg, .table = out, .err = err};
	int ret = 0;

	*out = (struct colour_table){.machines = n};
	out->machine = mem_zalloc(n, sizeof(*out->machine));
	p.uzp = mem_zalloc(n, sizeof(*p.uzp));
	if (!out->machine || !p.uzp) {
		out->machines = 0;
		ret = -ENOMEM;
	}
	for (size_t i = 0; !ret && i < n; i++)
		ret = machine_init(&out->machine[i], &conf[i], order[i], cfg,
				   err);
	for (size_t i = 0; !ret && i < n; i++)
		ret = ask_ksm(&p, i);
	if (!ret)
		ret = par_for(cfg->threads,
			      n * COLOUR_CASES * out->machine[0].rows, 1,
			      run_piece, &p);
	for (size_t i = 0; p.uzp && i < n; i++)
		free(p.uzp[i]);
	free(p.uzp);
	if (ret)
		colour_table_fini(out);
	return ret;
}
