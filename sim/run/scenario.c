/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/run/scenario_impl.h"

static int check(struct scenario *sc, int line)
{
	int ret;

	if (!sc->opts->paranoid)
		return 0;
	ret = machine_check(sc->machine, stderr);
	if (!ret)
		ret = sc->ops->check(sc->engine, stderr);
	if (ret == -EINVAL)
		err_set(sc->err, EINVAL, "%s:%d: %s: an invariant is broken",
			sc->file, line, sc->id);
	return ret;
}

/* Let ksmd have the turns that are due. */
static int turns(struct scenario *sc)
{
	int ret = 0;

	while (!ret && sc->engine->wake[0].v <= sc->clock.now.v)
		ret = sc->ops->work(sc->engine, 0, &sc->meter);
	return ret;
}

static int happen(struct scenario *sc, const struct op *op,
		  const struct event *ev)
{
	struct effect fx;
	int ret = machine_begin(sc->machine, ev, sc->err);

	if (ret)
		return err_prefix(sc->err, ret, "%s:%d", sc->file, op->line);
	while ((ret = machine_next(sc->machine, &fx)) > 0) {
		ret = sc->ops->notice(sc->engine, &fx, &sc->meter);
		if (ret)
			return ret;
	}
	if (ret == -ENOMEM && machine_full(sc->machine))
		return scenario_say(sc, op->line,
				    "more pages touched than a scenario may",
				    NULL);
	return ret ? ret : turns(sc);
}

static uint64_t vpn_of(const struct scenario *sc, uint32_t w, uint64_t page)
{
	return VPN_BASE + sc->home[w] * PAGES_MAX + page;
}

static int need_worker(struct scenario *sc, const struct op *op, uint32_t w,
		       bool running)
{
	if (!sc->space[w] == !running)
		return 0;
	return err_set(sc->err, EINVAL, "%s:%d: process %" PRIu32 " %s",
		       sc->file, op->line, w,
		       running ? "is not there" : "runs already");
}

static int do_range(struct scenario *sc, const struct op *op, uint8_t event,
		    uint8_t flags)
{
	struct event ev = {
		.op = event,
		.flags = flags,
		.space = sc->space[op->w] - 1,
		.vpn = vpn_of(sc, op->w, op->lo),
		.count = op->hi - op->lo,
	};

	if (op->kind == DO_UNPIN) {
		ev.vpn = vpn_of(sc, op->w, 0);
		ev.count = PAGES_MAX;
	}
	return happen(sc, op, &ev);
}

static int do_fill(struct scenario *sc, const struct op *op)
{
	int ret = 0;

	for (uint64_t p = op->lo; !ret && p < op->hi; p++) {
		struct event ev = {
			.op = EV_WRITE,
			.space = sc->space[op->w] - 1,
			.vpn = vpn_of(sc, op->w, p),
			.count = 1,
			.content = sc->ids[op->pages + (p - op->lo)],
		};

		ret = happen(sc, op, &ev);
	}
	return ret;
}

static int do_process(struct scenario *sc, const struct op *op)
{
	uint32_t w = op->kind == DO_FORK ? (uint32_t)op->lo : op->w;
	struct event ev = {.op = EV_SPACE, .space = sc->next_space};
	int ret;

	if (op->kind == DO_EXIT) {
		ev = (struct event){.op = EV_EXIT, .space = sc->space[w] - 1};
		sc->space[w] = 0;
		return happen(sc, op, &ev);
	}
	ret = need_worker(sc, op, w, false);
	if (ret)
		return ret;
	sc->home[w] = w;
	if (op->kind == DO_FORK) {
		ev.op = EV_FORK;
		ev.count = sc->space[op->w] - 1;
		sc->home[w] = sc->home[op->w];
	}
	sc->space[w] = ++sc->next_space;
	return happen(sc, op, &ev);
}

static int write_knob(struct scenario *sc, const char *key, const char *value)
{
	int ret = sc->ops->set(sc->engine, key, value, &sc->meter);

	return ret == -EBUSY || ret == -EINVAL ? 0 : ret;
}

static uint64_t full_scans(struct scenario *sc)
{
	rows_clear(&sc->rows);
	sc->ops->report(sc->engine, &sc->rows);
	return (uint64_t)rows_get(&sc->rows, "ksm", "full_scans", 0);
}

/*
 * End the sleep between two batches by changing its length a little.  Kernels
 * that sleep on are waited for, and sleep as short as can be from then on; the
 * first time is before anything is merged that could grow old meanwhile.
 */
static int kick(struct scenario *sc)
{
	const ns_t *wake = &sc->engine->wake[0];
	char value[16];
	int ret;

	sc->sleep_ms =
		sc->sleep_ms == sc->base_ms ? sc->base_ms + 1 : sc->base_ms;
	snprintf(value, sizeof(value), "%" PRIu32, sc->sleep_ms);
	ret = write_knob(sc, "sleep_millisecs", value);
	if (!ret && sc->started && sc->clock.now.v < wake->v &&
	    !ns_is_never(*wake)) {
		sc->base_ms = 0;
		sc->clock.now = *wake;
	}
	return ret;
}

static int do_set(struct scenario *sc, const struct op *op)
{
	int ret;

	if (!opt_find(sc->ops->opts, op->key))
		return scenario_say(sc, op->line, "no such tunable:", op->key);
	ret = sc->ops->set(sc->engine, op->key, op->value, &sc->meter);
	if (ret == -EBUSY || ret == -EINVAL || ret == -ENOENT)
		return 0;
	if (!ret && !strcmp(op->key, "run") && strcmp(op->value, "1")) {
		/* ksmd leaves its sleep, finds nothing to do and parks. */
		ret = kick(sc);
		if (!ret)
			ret = turns(sc);
		sc->started = false;
		sc->scans_done = full_scans(sc);
	}
	return ret ? ret : turns(sc);
}

static int batch(struct scenario *sc, const struct op *op, const char *pages)
{
	uint64_t before = sc->meter.count[OP_TURN];
	int ret = write_knob(sc, "pages_to_scan", pages);

	if (!ret && !sc->started)
		ret = write_knob(sc, "run", "1");
	else if (!ret)
		ret = kick(sc);
	sc->started = true;
	if (!ret)
		ret = turns(sc);
	if (!ret && sc->meter.count[OP_TURN] == before)
		return scenario_say(sc, op->line,
				    "no process is registered: ksmd waits",
				    NULL);
	return ret;
}

static int do_batch(struct scenario *sc, const struct op *op)
{
	char pages[24];
	int ret;

	snprintf(pages, sizeof(pages), "%" PRIu64, op->lo);
	ret = batch(sc, op, pages);
	sc->scans_done = full_scans(sc);
	return ret;
}

static int do_scan(struct scenario *sc, const struct op *op)
{
	uint64_t before = full_scans(sc), walked;
	int ret;

	do {
		walked = sc->meter.count[OP_PTE_WALK];
		ret = batch(sc, op, BIG_BATCH);
		/* The advisor may have been told to let it scan nothing. */
		if (!ret && full_scans(sc) == before &&
		    sc->meter.count[OP_PTE_WALK] == walked)
			ret = scenario_say(sc, op->line,
					   "ksmd has batches of no pages",
					   NULL);
	} while (!ret && full_scans(sc) == before);
	sc->scans_done++;
	return ret;
}

static const char *const columns[] = {
	"pages_shared",	    "pages_sharing",	  "pages_unshared",
	"pages_volatile",   "stable_node_chains", "stable_node_dups",
	"ksm_zero_pages",   "full_scans",	  "general_profit",
	"d_pages_scanned",  "d_pages_skipped",	  "d_cow_ksm",
	"max_page_sharing", "use_zero_pages",	  "smart_scan",
};
#define NCOLUMNS (sizeof(columns) / sizeof(columns[0]))

static void do_snap(struct scenario *sc, const struct op *op)
{
	rows_clear(&sc->rows);
	sc->ops->report(sc->engine, &sc->rows);
	fprintf(sc->out, "%s\t%" PRIu64 "\t%" PRIu64, sc->id, op->lo,
		sc->scans_done);
	for (size_t i = 0; i < NCOLUMNS; i++) {
		const char *name = columns[i];
		uint64_t knob;

		/* "d_": since boot on a real kernel, which started before us */
		name += strncmp(name, "d_", 2) ? 0 : 2;
		if (!sc->ops->get(sc->engine, name, &knob))
			fprintf(sc->out, "\t%" PRIu64, knob);
		else if (rows_has(&sc->rows, "ksm", name))
			fprintf(sc->out, "\t%" PRId64,
				rows_get(&sc->rows, "ksm", name, 0));
		else
			fputs("\t-", sc->out);
	}
	fputc('\n', sc->out);
}

static int do_op(struct scenario *sc, const struct op *op)
{
	switch ((enum op_kind)op->kind) {
	case DO_SET:
		return do_set(sc, op);
	case DO_START:
	case DO_EXIT:
	case DO_FORK:
		return do_process(sc, op);
	case DO_MAP:
		return do_range(sc, op, EV_MAP, EVF_MERGEABLE);
	case DO_MAPHUGE:
		return do_range(sc, op, EV_MAP, EVF_MERGEABLE | EVF_HUGE);
	case DO_MAPSHARED:
		return do_range(sc, op, EV_MAP, EVF_MERGEABLE | EVF_SHARED);
	case DO_UNMAP:
		return do_range(sc, op, EV_UNMAP, 0);
	case DO_DONTNEED:
		return do_range(sc, op, EV_FREE, 0);
	case DO_MERGEABLE:
		return do_range(sc, op, EV_ADVISE, EVF_MERGEABLE);
	case DO_UNMERGEABLE:
		return do_range(sc, op, EV_ADVISE, 0);
	case DO_READ:
		return do_range(sc, op, EV_READ, 0);
	case DO_READONLY:
		return 0; /* protection does not change what KSM does */
	case DO_PIN:
		return do_range(sc, op, EV_PIN, 0);
	case DO_UNPIN:
		return do_range(sc, op, EV_UNPIN, 0);
	case DO_FILL:
		return do_fill(sc, op);
	case DO_SCAN:
		return do_scan(sc, op);
	case DO_BATCH:
		return do_batch(sc, op);
	case DO_SNAP:
		do_snap(sc, op);
		return 0;
	case DO_COUNT:
		break;
	}
	return -EINVAL;
}

static bool uses_worker(uint8_t kind)
{
	return kind != DO_SET && kind != DO_START && kind != DO_SCAN &&
	       kind != DO_BATCH && kind != DO_SNAP;
}

/* ---- one scenario ---- */

static int set_up(struct scenario *sc)
{
	struct content_source src = page_store_source(&sc->store);
	union {
		max_align_t align;
		char bytes[512];
	} opts = {.bytes = {0}};
	struct engine_env env = {.clock = &sc->clock};
	int ret;

	assert(sc->ops->opts_size <= sizeof(opts));
	opt_defaults(sc->ops->opts, &opts);
	ret = opt_set(sc->ops->opts, &opts, "run", "2", sc->err);
	for (const char *const *s = sc->opts->set; !ret && s && *s; s += 2)
		ret = opt_set(sc->ops->opts, &opts, s[0], s[1], sc->err);
	if (!ret)
		ret = content_set_new(&sc->contents, &src,
				      sc->ops->needs(&opts), 1, sc->err);
	if (!ret)
		ret = machine_new(&sc->machine, &(struct machine_config){
							.keep_words = true,
							.max_pages = PTES_MAX});
	if (ret)
		return ret;
	env.machine = sc->machine;
	env.contents = sc->contents;
	sc->sleep_ms = sc->base_ms = HOUR_MS;
	meter_init(&sc->meter, NULL);
	ret = sc->ops->start(&sc->engine, &env, &opts, sc->err);
	if (ret)
		return ret;
	/* The first report makes the room for all later ones. */
	full_scans(sc);
	return sc->rows.failed ? -ENOMEM : kick(sc);
}

static int run_one(struct scenario *sc)
{
	int ret = set_up(sc);

	for (size_t i = 0; !ret && i < sc->nop; i++) {
		const struct op *op = &sc->op[i];

		if (uses_worker(op->kind))
			ret = need_worker(sc, op, op->w, true);
		if (!ret)
			ret = do_op(sc, op);
		if (!ret)
			ret = check(sc, op->line);
	}
	if (sc->opts->sum)
		meter_sum(sc->opts->sum, &sc->meter);
	return ret;
}

static void tear_down(struct scenario *sc)
{
	if (sc->engine)
		sc->ops->stop(sc->engine);
	machine_free(sc->machine);
	content_set_free(sc->contents);
	page_store_fini(&sc->store);
	mem_release(sc->op, sc->op_cap, sizeof(*sc->op));
	mem_release(sc->ids, sc->ids_cap, sizeof(*sc->ids));
	rows_fini(&sc->rows);
}

int scenario_run(const char *name, char *text, size_t n,
		 const struct scenario_opts *opts, FILE *out, struct err *err)
{
	char *p = text, *end = text + n, *id = NULL, *next = NULL;
	int line = 0, ret = 0;

	fputs("scenario\tstep\tfull_scans_done", out);
	for (size_t i = 0; i < NCOLUMNS; i++)
		fprintf(out, "\t%s", columns[i]);
	fputc('\n', out);
	do {
		struct scenario sc = {
			.file = name,
			.id = id,
			.opts = opts,
			.out = out,
			.err = err,
			.ops = &engine_ksm,
		};

		page_store_init(&sc.store, CONTENTS_MAX);
		rows_init(&sc.rows);
		ret = scenario_read(&sc, &p, end, &line, &next);
		if (!ret && id)
			ret = run_one(&sc);
		else if (!ret && !next)
			ret = scenario_say(&sc, line,
					   "no scenario in this file", NULL);
		tear_down(&sc);
		id = next;
	} while (!ret && next);
	return ret;
}
