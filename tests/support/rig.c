/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "models/codec.h"
#include "tests/support/main.h"
#include "tests/support/rig.h"

void rig_contents(struct rig *r, enum page_rule rule, uint32_t contents)
{
	struct content_source src;
	uint8_t page[PAGE_BYTES];
	uint32_t id;
	int ret;

	*r = (struct rig){.clock = {NS(NS_PER_SEC)}};
	page_store_init(&r->store, contents + 1);
	for (uint32_t i = 1; i < contents; i++) {
		page_fill(page, rule, i);
		ck_assert_int_eq(page_store_add(&r->store, page, &id), 1);
		ck_assert_uint_eq(id, i);
	}
	src = page_store_source(&r->store);
	ret = content_set_new(&r->contents, &src,
			      NEED_RANK | NEED_PREFIX | NEED_SAME | NEED_BYTES |
				      NEED_WORD_RANK | NEED_LENGTH |
				      NEED_CHECKSUM(CHECKSUM_XXH64) |
				      NEED_CHECKSUM(CHECKSUM_JHASH2),
			      1, &r->err);
	for (size_t i = 0; !ret && codecs[i]; i++)
		ret = codec_columns(r->contents,
				    codec_need(codecs[i], codecs[i]->level), 1,
				    &r->err);
	if (!ret)
		ret = codec_columns(r->contents, NEED_STREAM, 1, &r->err);
	ck_assert_msg(!ret, "%s", err_text(&r->err, ret));
	meter_init(&r->meter, NULL);
	rows_init(&r->rows);
}

static int start_engine(struct rig *r, const struct rig_config *cfg)
{
	const struct engine_env env = {
		.machine = r->machine,
		.contents = r->contents,
		.clock = &r->clock,
		.seed = 1,
	};
	void *opts = mem_zalloc(1, r->ops->opts_size);
	int ret = opts ? 0 : -ENOMEM;

	if (!ret && r->ops->opts)
		opt_defaults(r->ops->opts, opts);
	for (const char *const *s = cfg->set; !ret && s && *s; s += 2)
		ret = opt_set(r->ops->opts, opts, s[0], s[1], &r->err);
	if (!ret)
		ret = r->ops->start(&r->engine, &env, opts, &r->err);
	free(opts);
	if (ret)
		return ret;
	r->meters = mem_zalloc(r->engine->workers, sizeof(*r->meters));
	if (!r->meters)
		return -ENOMEM;
	for (unsigned w = 0; w < r->engine->workers; w++)
		meter_init(&r->meters[w], NULL);
	r->engine->meter = r->meters;
	return 0;
}

int rig_start(struct rig *r, const struct rig_config *cfg)
{
	struct machine_config mc = {.zero_pages = cfg->zero_pages};
	int ret;

	r->ops = engine_find(cfg->engine, &r->err);
	if (!r->ops)
		return -EINVAL;
	mc.keep_words = r->ops->keeps_words;
	r->clock.now = NS(NS_PER_SEC);
	r->engine = NULL;
	r->meters = NULL;
	meter_init(&r->meter, NULL);
	ret = machine_new(&r->machine, &mc);
	if (ret)
		return ret;
	ret = start_engine(r, cfg);
	if (ret)
		rig_stop(r);
	return ret;
}

void rig_stop(struct rig *r)
{
	r->ops->stop(r->engine);
	machine_free(r->machine);
	free(r->meters);
	r->meters = NULL;
	r->engine = NULL;
	r->machine = NULL;
}

void rig_init(struct rig *r, const char *engine, enum page_rule rule,
	      uint32_t contents, const char *const *set)
{
	struct rig_config cfg = {.engine = engine, .set = set};
	int ret;

	rig_contents(r, rule, contents);
	ret = rig_start(r, &cfg);
	ck_assert_msg(!ret, "%s", err_text(&r->err, ret));
}

void rig_fini(struct rig *r)
{
	if (r->machine)
		rig_stop(r);
	content_set_free(r->contents);
	page_store_fini(&r->store);
	rows_fini(&r->rows);
}

int rig_event(struct rig *r, const struct event *ev)
{
	struct effect fx;
	int ret;

	r->err.text[0] = '\0';
	ret = r->ops->play ? r->ops->play(r->engine, r->clock.now) : 0;
	if (!ret)
		ret = machine_begin(r->machine, ev, &r->err);
	while (!ret && (ret = machine_next(r->machine, &fx)) > 0)
		ret = r->ops->notice(r->engine, &fx, &r->meter);
	return ret;
}

void rig_do(struct rig *r, struct event ev)
{
	int ret = rig_event(r, &ev);

	ck_assert_msg(!ret, "%s: %s", event_word(ev.op),
		      err_text(&r->err, ret));
}

int rig_turn(struct rig *r)
{
	if (!r->engine->workers || ns_is_never(r->engine->wake[0]))
		return 0;
	if (ns_before(r->clock.now, r->engine->wake[0]))
		r->clock.now = r->engine->wake[0];
	return r->ops->work(r->engine, 0, &r->meter);
}

void rig_scan(struct rig *r)
{
	struct engine_progress was, is;
	unsigned turns = 0;

	r->ops->progress(r->engine, &was);
	do {
		ck_assert_msg(turns++ < 1000000, "the full scan does not end");
		ck_assert_int_eq(rig_turn(r), 0);
		r->ops->progress(r->engine, &is);
	} while (is.scans == was.scans);
}

void rig_scans(struct rig *r, unsigned n)
{
	while (n--)
		rig_scan(r);
}

int rig_set(struct rig *r, const char *key, const char *value)
{
	return r->ops->set(r->engine, key, value, &r->meter);
}

void rig_check(const struct rig *r)
{
	ck_assert_int_eq(machine_check(r->machine, stderr), 0);
	ck_assert_int_eq(r->ops->check(r->engine, stderr), 0);
}

int64_t rig_row(struct rig *r, const char *scope, const char *name)
{
	rows_clear(&r->rows);
	r->ops->report(r->engine, &r->rows);
	machine_report(r->machine, &r->rows);
	ck_assert_msg(rows_has(&r->rows, scope, name), "no row %s", name);
	return rows_get(&r->rows, scope, name, 0);
}

int64_t rig_space_row(struct rig *r, uint32_t space, const char *name)
{
	rows_clear(&r->rows);
	r->ops->report_space(r->engine, space, &r->rows);
	ck_assert_msg(rows_has(&r->rows, "space", name), "no row %s", name);
	for (size_t i = 0; i < r->rows.n; i++)
		ck_assert_int_eq(r->rows.v[i].index, (int)space);
	return rows_get(&r->rows, "space", name, 0);
}

uint64_t rig_pages(const struct rig *r)
{
	const struct machine *m = r->machine;
	uint64_t sum = 0;

	for (uint32_t s = 0; s < m->nspace; s++)
		for (size_t at = 0; at < m->space[s].nchunk; at++) {
			uint32_t pte = m->space[s].chunk[at].chunk
				       << CHUNK_SHIFT;

			for (unsigned i = 0; i < CHUNK_PAGES; i++, pte++)
				if (m->pte[pte].flags & PTE_PRESENT)
					sum = splitmix64(
						sum ^ s ^
						machine_pte_vpn(m, pte) << 8 ^
						(uint64_t)m->pte[pte].content
							<< 40);
		}
	return sum;
}

struct pte *rig_pte(const struct rig *r, uint32_t space, uint64_t vpn)
{
	uint32_t i = machine_find(r->machine, space, vpn);

	ck_assert_uint_ne(i, 0);
	return &r->machine->pte[i];
}

/* ---- events ---- */

struct event ev_range(unsigned op, uint32_t space, uint64_t vpn, uint64_t n)
{
	return (struct event){
		.op = (uint8_t)op,
		.space = space,
		.vpn = vpn,
		.count = n,
	};
}

struct event ev_space(uint32_t space)
{
	return ev_range(EV_SPACE, space, 0, 0);
}

struct event ev_fork(uint32_t child, uint32_t parent)
{
	return ev_range(EV_FORK, child, 0, parent);
}

struct event ev_exit(uint32_t space)
{
	return ev_range(EV_EXIT, space, 0, 0);
}

struct event ev_map(uint32_t space, uint64_t vpn, uint64_t n, unsigned flags)
{
	struct event ev = ev_range(EV_MAP, space, vpn, n);

	ev.flags = (uint8_t)flags;
	return ev;
}

struct event ev_advise(uint32_t space, uint64_t vpn, uint64_t n, bool on)
{
	struct event ev = ev_range(EV_ADVISE, space, vpn, n);

	ev.flags = on ? EVF_MERGEABLE : 0;
	return ev;
}

struct event ev_write(uint32_t space, uint64_t vpn, uint32_t content)
{
	struct event ev = ev_range(EV_WRITE, space, vpn, 1);

	ev.content = content;
	return ev;
}

/* ---- chaos ---- */

static unsigned chaos_op(struct prng *r)
{
	static const struct {
		uint8_t op;
		uint8_t weight;
	} w[] = {
		{EV_WRITE, 100}, {EV_MAP, 20},	  {EV_UNMAP, 5}, {EV_FREE, 5},
		{EV_READ, 10},	 {EV_ADVISE, 12}, {EV_PIN, 3},	 {EV_UNPIN, 5},
		{EV_SPACE, 2},	 {EV_FORK, 4},	  {EV_EXIT, 2},
	};
	uint64_t sum = 0, at;
	size_t i = 0;

	for (size_t k = 0; k < sizeof(w) / sizeof(w[0]); k++)
		sum += w[k].weight;
	for (at = prng_below(r, sum); at >= w[i].weight; i++)
		at -= w[i].weight;
	return w[i].op;
}

/* Mostly few pages; now and then whole huge pages, on their borders or not. */
static void chaos_range(struct prng *r, struct event *ev)
{
	uint64_t lo = prng_below(r, CHAOS_PAGES), n = 1 + prng_below(r, 30);
	bool map = ev->op == EV_MAP;

	if (map && prng_below(r, 3) == 0)
		n = 1 + prng_below(r, CHAOS_PAGES);
	if (prng_below(r, map ? 2 : 12) == 0) {
		lo -= lo % HUGE_PAGES;
		n = HUGE_PAGES * (1 + prng_below(r, 2));
	}
	if (n > CHAOS_PAGES - lo)
		n = CHAOS_PAGES - lo;
	ev->vpn = CHAOS_BASE + lo;
	ev->count = n;
}

/* Go to where something is mapped, most of the time. */
static void chaos_aim(struct prng *r, const struct machine *m, struct event *ev)
{
	const struct space *s;
	const struct range *range;

	for (unsigned tries = 0; tries < 4; tries++)
		if (!m->space[ev->space].live)
			ev->space = (uint32_t)prng_below(r, m->nspace);
	s = &m->space[ev->space];
	if (ev->op == EV_MAP || !s->nrange || prng_below(r, 20) == 0)
		return;
	range = &s->range[prng_below(r, s->nrange)];
	ev->vpn = range->lo + prng_below(r, range->hi - range->lo);
	if (ev->count > range->hi - ev->vpn)
		ev->count = range->hi - ev->vpn;
}

static const uint8_t chaos_kinds[] = {
	0,	  EVF_HUGE,   0,
	EVF_HUGE, EVF_FILE,   EVF_HUGE,
	0,	  EVF_SHARED, EVF_FILE | EVF_SHARED};

struct event chaos_event(struct prng *r, const struct machine *m,
			 uint32_t contents)
{
	struct event ev = {.op = (uint8_t)chaos_op(r)};
	bool room = m->nspace < CHAOS_SPACES;

	if (m->nspace == 0 || (ev.op == EV_SPACE && room))
		return ev_space(m->nspace);
	ev.space = (uint32_t)prng_below(r, m->nspace);
	if (ev.op == EV_FORK && room)
		return ev_fork(m->nspace, ev.space);
	/* The last numbers must stay in use for a while. */
	if (ev.op == EV_FORK || ev.op == EV_SPACE ||
	    (ev.op == EV_EXIT && prng_below(r, room ? 4 : 16)))
		ev.op = EV_WRITE;
	chaos_range(r, &ev);
	chaos_aim(r, m, &ev);
	if (ev.op == EV_WRITE)
		ev.content = (uint32_t)prng_below(r, contents);
	if (ev.op == EV_ADVISE && prng_below(r, 3))
		ev.flags = EVF_MERGEABLE;
	if (ev.op == EV_MAP) {
		ev.flags = chaos_kinds[prng_below(r, sizeof(chaos_kinds))];
		if (prng_below(r, 3))
			ev.flags |= EVF_MERGEABLE;
	}
	if (ev.op == EV_PIN && ev.count > 8)
		ev.count = 8;
	return ev;
}
