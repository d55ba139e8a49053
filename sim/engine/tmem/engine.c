/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine.c - tmem for the guests of a trace
 *
 * Store events of a space are calls of the client with its number.  Shared pools
 * of the same number are one.  What a guest does to a pool that the host did not
 * give it is answered as for a pool that is not there.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "models/codec.h"
#include "sim/engine/engine.h"
#include "sim/engine/tmem/engine.h"

static const char *const revisions[] = {"R0", "R1", "R2", "R3", "R4", NULL};
static const char *const states[] = {"repaired", "as_shipped", NULL};
enum { FOLLOW, SHIPPED, REPAIRED };
static const char *const switches[] = {"follow", "as_shipped", "repaired",
				       NULL};

enum { LOOP_OPEN, LOOP_CLOSED };
static const char *const loops[] = {"open", "closed", NULL};

struct tmem_opts {
	uint64_t revision, dedup, tze, compress, memory, guest_room, weight;
	uint64_t defects, cpus, loop, think;
#define X(sym, name, first, last, help) uint64_t name;
	TMEM_DEFECTS(X)
#undef X
};

/* clang-format off */
static const struct opt tmem_options[] = {
	{ OPT_CHOICE, OPT_FIELD(tmem_opts, revision, uint64_t),
	  .choices = revisions, .def = TMEM_R1,
	  .help = "R0: as posted in 2010; R1: Xen 4.1 to 4.3; R2: 4.4; R3: 4.5 "
		  "to 4.7; R4: 4.8 to 4.12, which shares nothing",
	  .source = "[xen-4.1] xen/common/tmem.c" },
	{ OPT_BOOL, OPT_FIELD(tmem_opts, dedup, uint64_t), .def = 1, .max = 1,
	  .help = "equal pages of ephemeral pools are kept once",
	  .source = "[xen-4.1] tmem_dedup" },
	{ OPT_BOOL, OPT_FIELD(tmem_opts, tze, uint64_t), .max = 1,
	  .help = "zeros at the end of pages are cut off, while pages are "
		  "shared and not compressed",
	  .source = "[xen-4.1] tmem_tze" },
	{ OPT_BOOL, OPT_FIELD(tmem_opts, compress, uint64_t), .max = 1,
	  .help = "pages are compressed; lengths are those of codec lzo",
	  .source = "[xen-4.1] tmem_compress" },
	{ OPT_SIZE, OPT_FIELD(tmem_opts, memory, uint64_t),
	  .max = UINT64_C(1) << 43,
	  .help = "that the host has free for tmem; 0: as much as it takes" },
	{ OPT_SIZE, OPT_FIELD(tmem_opts, guest_room, uint64_t),
	  .max = UINT64_C(1) << 43,
	  .help = "that each guest has given up and may fill with pages of "
		  "persistent pools" },
	{ OPT_U64, OPT_FIELD(tmem_opts, weight, uint64_t), .max = UINT32_MAX,
	  .help = "of each guest; 0: no guest is asked for its own pages first" },
	{ OPT_U64, OPT_FIELD(tmem_opts, cpus, uint64_t), .def = 4, .min = 1,
	  .max = VCPUS_MAX, .unit = "CPUs",
	  .help = "processors of the host that carry out calls, side by side "
		  "but for locks" },
	{ OPT_CHOICE, OPT_FIELD(tmem_opts, loop, uint64_t), .choices = loops,
	  .help = "open: calls come at the times of the trace, those of a guest "
		  "to one processor; closed: each processor takes the next call "
		  "as soon as it is free" },
	{ OPT_TIME, OPT_FIELD(tmem_opts, think, uint64_t), .max = NS_PER_SEC,
	  .help = "closed loop: a processor's time from one call to the next" },
	{ OPT_CHOICE, OPT_FIELD(tmem_opts, defects, uint64_t), .choices = states,
	  .help = "faults that the revision shipped with, but for those named "
		  "one by one" },
#define X(sym, nm, first, last, text)                                         \
	{ OPT_CHOICE, OPT_FIELD(tmem_opts, nm, uint64_t),                     \
	  .choices = switches, .help = #first " to " #last ": " text },
	TMEM_DEFECTS(X)
#undef X
	{ .type = OPT_END },
};
/* clang-format on */

static uint32_t frames_of(uint64_t bytes)
{
	uint64_t frames = (bytes + PAGE_BYTES - 1) / PAGE_BYTES;

	return frames < UINT32_MAX ? (uint32_t)frames : UINT32_MAX;
}

static struct tmem_config config_of(const struct tmem_opts *o)
{
	const uint64_t say[TMEM_DEFECT_COUNT] = {
#define X(sym, name, first, last, help) o->name,
		TMEM_DEFECTS(X)
#undef X
	};
	struct tmem_config cfg = {
		.revision = (enum tmem_revision)o->revision,
		.dedup = o->dedup,
		.tze = o->tze,
		.compress = o->compress,
		.frames = frames_of(o->memory),
		.guest_room = frames_of(o->guest_room),
		.weight = (uint32_t)o->weight,
	};

	for (unsigned d = 0; d < TMEM_DEFECT_COUNT; d++)
		cfg.shipped[d] =
			say[d] == SHIPPED || (say[d] == FOLLOW && o->defects);
	return cfg;
}

static uint64_t tmem_needs(const void *opts)
{
	const struct tmem_config cfg = config_of(opts);

	return tmem_order_need(&cfg) |
	       (cfg.compress
			? NEED_STREAM | codec_need(&codec_lzo, codec_lzo.level)
			: 0);
}

void tmem_columns_of(struct tmem_config *cfg, const struct content_set *s)
{
	struct tmem_columns *c = &cfg->columns;

	c->set = s;
	c->order = s->have & NEED_WORD_RANK && cfg->revision < TMEM_R2
			   ? s->word_rank
			   : s->rank;
	c->length = s->length;
	if (!cfg->compress)
		return;
	c->packed_bytes = codec_lengths(s, &codec_lzo, codec_lzo.level);
	c->packed_first = s->stream_first;
	c->packed_order = s->stream_rank;
}

/* ---- life ---- */

static void engine_stop(struct engine *base)
{
	struct tmem_engine *e = (struct tmem_engine *)base;

	if (!e)
		return;
	tmem_free(e->host);
	tmem_play_free(e->play);
	mem_release(e->oid, e->oid_cap, sizeof(*e->oid));
	mem_release(e->names, e->names_cap, sizeof(*e->names));
	free(e);
}

static int engine_start(struct engine **out, const struct engine_env *env,
			const void *opts, struct err *err)
{
	struct tmem_engine *e = mem_zalloc(1, sizeof(*e));
	struct tmem_config cfg = config_of(opts);
	const struct tmem_opts *o = opts;
	const struct tmem_play_config play = {
		.cpus = (uint32_t)o->cpus,
		.closed = o->loop == LOOP_CLOSED,
		.think = NS(o->think),
	};

	(void)err;
	if (!e)
		return -ENOMEM;
	e->base.ops = &engine_tmem;
	e->clock = env->clock;
	tmem_columns_of(&cfg, env->contents);
	if (tmem_new(&e->host, &cfg) || tmem_play_new(&e->play, &play)) {
		engine_stop(&e->base);
		return -ENOMEM;
	}
	e->host->trace = tmem_play_trace(e->play);
	*out = &e->base;
	return 0;
}

/* ---- events ---- */

static int keep_oid(struct tmem_engine *e, const struct store_effect *s)
{
	if (mem_reserve(&e->oid, &e->oid_cap, (size_t)s->object + 1,
			sizeof(*e->oid)))
		return -ENOMEM;
	memcpy(e->oid[s->object].word, s->oid, sizeof(s->oid));
	return 0;
}

/* The host's number of the client's pool; TMEM_POOLS: it has given none. */
static uint32_t pool_id(const struct tmem_engine *e,
			const struct store_effect *s)
{
	const struct tmem_names *n;
	uint32_t id = 0;

	if (s->client >= e->names_cap)
		return TMEM_POOLS;
	n = &e->names[s->client];
	while (id < TMEM_POOLS &&
	       !(n->given >> id & 1 && n->number[id] == s->pool))
		id++;
	return id;
}

static int new_pool(struct tmem_engine *e, const struct store_effect *s,
		    struct meter *m)
{
	struct tmem_call c = {
		.op = TMEM_NEW_POOL,
		.client = s->client,
		.uuid = {s->pool, 0},
	};
	int ret;

	if (s->flags & EVF_PERSISTENT)
		c.flags |= TMEM_PERSISTENT;
	if (s->flags & EVF_POOL_SHARED)
		c.flags |= TMEM_SHARED;
	if (mem_reserve(&e->names, &e->names_cap, (size_t)s->client + 1,
			sizeof(*e->names)))
		return -ENOMEM;
	ret = tmem_call(e->host, &c, m);
	if (!ret && c.result >= 0) {
		e->names[s->client].number[c.result] = s->pool;
		e->names[s->client].given |= 1u << c.result;
	}
	return ret;
}

static int pool_end(struct tmem_engine *e, const struct store_effect *s,
		    struct meter *m)
{
	struct tmem_call c = {
		.op = TMEM_DESTROY_POOL,
		.client = s->client,
		.pool = pool_id(e, s),
	};
	int ret = tmem_call(e->host, &c, m);

	if (!ret && c.result == 1)
		e->names[s->client].given &= ~(1u << c.pool);
	return ret;
}

static int page_call(struct tmem_engine *e, const struct store_effect *s,
		     enum tmem_op op, struct meter *m)
{
	struct tmem_call c = {
		.op = (uint8_t)op,
		.client = s->client,
		.pool = pool_id(e, s),
		.index = s->index,
		.content = s->content,
	};

	if (s->object >= e->oid_cap)
		return 0; /* its name was never told */
	memcpy(c.oid, e->oid[s->object].word, sizeof(c.oid));
	return tmem_call(e->host, &c, m);
}

static int store(struct tmem_engine *e, const struct store_effect *s,
		 struct meter *m)
{
	switch (s->op) {
	case EV_POOL:
		return new_pool(e, s, m);
	case EV_POOL_END:
		return pool_end(e, s, m);
	case EV_OBJECT:
		return keep_oid(e, s);
	case EV_PUT:
		return page_call(e, s, TMEM_PUT, m);
	case EV_GET:
		return page_call(e, s, TMEM_GET, m);
	case EV_FLUSH_PAGE:
		return page_call(e, s, TMEM_FLUSH_PAGE, m);
	case EV_FLUSH_OBJECT:
		return page_call(e, s, TMEM_FLUSH_OBJECT, m);
	}
	return 0;
}

static int guest_gone(struct tmem_engine *e, uint32_t space, struct meter *m)
{
	if (space < e->names_cap)
		e->names[space].given = 0;
	return tmem_client_end(e->host, space, m);
}

static int engine_notice(struct engine *base, const struct effect *fx,
			 struct meter *m)
{
	struct tmem_engine *e = (struct tmem_engine *)base;
	int ret;

	if (fx->kind == FX_STORE) {
		ret = tmem_play_at(e->play, e->clock->now, m);
		if (!ret)
			ret = store(e, fx->store, m);
		return ret ? ret : tmem_play_called(e->play);
	}
	if (fx->kind == FX_EXIT)
		return guest_gone(e, fx->space, m);
	return 0;
}

static void engine_progress_of(const struct engine *e,
			       struct engine_progress *p)
{
	(void)e;
	*p = (struct engine_progress){.round = 1};
}

/* ---- results ---- */

/* Stored pages less the frames that what they hold takes. */
static void engine_report(const struct engine *base, struct rows *out)
{
	const struct tmem_engine *e = (const struct tmem_engine *)base;
	const struct tmem_stats *s = &e->host->stats;
	uint64_t parts = (s->data_bytes + PAGE_BYTES - 1) / PAGE_BYTES;
	uint64_t takes = s->frames.now + parts;

	engine_report_saved(out,
			    s->pages.now > takes ? s->pages.now - takes : 0, 0,
			    s->meta_bytes);
	rows_add(out, "saved", "stored_pages", "pages",
		 (int64_t)s->pages.now);
	tmem_report(e->host, out);
	tmem_play_report(e->play, out);
}

static void report_space(const struct engine *base, uint32_t space,
			 struct rows *out)
{
	const struct tmem_engine *e = (const struct tmem_engine *)base;
	uint32_t client = tmem_client(e->host, space);
	const struct tmem_client *c;

	if (!client)
		return;
	c = tmem_client_at(e->host, client);
	rows_add_at(out, "space", "tmem_eph_pages", (int32_t)space, "pages",
		    (int64_t)c->eph.now);
	rows_add_at(out, "space", "tmem_eph_gets", (int32_t)space, "pages",
		    (int64_t)c->eph_gets);
	rows_add_at(out, "space", "tmem_pers_puts", (int32_t)space, "pages",
		    (int64_t)c->pers_puts);
	rows_add_at(out, "space", "tmem_pers_gets", (int32_t)space, "pages",
		    (int64_t)c->pers_gets);
	rows_add_at(out, "space", "tmem_pers_frames", (int32_t)space, "frames",
		    (int64_t)c->frames);
}

static int engine_check(const struct engine *base, FILE *why)
{
	const struct tmem_engine *e = (const struct tmem_engine *)base;
	int ret = tmem_check(e->host, why);

	return ret ? ret : tmem_play_check(e->play, why);
}

const struct engine_ops engine_tmem = {
	.name = "tmem",
	.summary =
		"Xen's transcendent memory, which shared pages while it could",
	.source = "[xen-4.1] xen/common/tmem.c",
	.opts = tmem_options,
	.opts_size = sizeof(struct tmem_opts),
	.needs = tmem_needs,
	.start = engine_start,
	.notice = engine_notice,
	.progress = engine_progress_of,
	.report = engine_report,
	.report_space = report_space,
	.check = engine_check,
	.stop = engine_stop,
};
