/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/core/evq.h"
#include "models/codec.h"
#include "sim/run/pace.h"
#include "sim/run/possible.h"
#include "sim/run/run.h"

#define QUIET_ROUNDS 3u	  /* without a change: a fixpoint */
#define SCANS_MAX 100000u /* a fixpoint that does not come */
#define IDLE_MAX 1000u	  /* turns in a row that did nothing: none will */
#define GAP_MAX (86400 * NS_PER_SEC) /* between two events: no recording */
#define SAMPLES_MAX 10000000u
#define PROGRESS_EVERY 65536u
#define EXPECT_AHEAD 8u /* events: as long as memory takes to answer */
#define MOST_PERCENT 95u

/* What was saved when a full scan ended. */
struct milestone {
	ns_t time;
	uint64_t scans, saved;
};

struct run {
	const struct run_config *cfg;
	struct trace *trace;
	struct err *err;
	struct content_set *contents;
	struct machine *machine;
	struct engine *engine;
	struct readers *readers; /* NULL: no caches */
	struct clock clock;
	struct evq queue; /* turns: arg is the worker */
	ns_t *queued;	  /* by worker: the wake time in the queue */
	struct meter *meter; /* [workers], one per virtual CPU */
	struct meter guests; /* what is done in the context of who wrote */
	struct pace pace;
	ns_t turned; /* when the last turn is over */
	struct rows rows;

	enum until until;
	uint64_t until_value;
	ns_t next_sample;
	uint64_t samples;
	uint64_t events;
	bool over; /* the trace has no more events */
	bool done; /* the run has reached its end */
	const char *ended;
	uint64_t scans, changes; /* at the last full scan */
	uint64_t quiet;		 /* full scans since the last change */
	uint64_t round; /* full scans within which every page is visited */
	uint64_t idle;	/* turns since the last that did something */
	struct milestone *mile;
	size_t nmile, mile_cap;
};

int run_until(const char *word, enum until *until, uint64_t *value,
	      struct err *err)
{
	*value = 0;
	if (!strcmp(word, "end"))
		*until = UNTIL_END;
	else if (!strcmp(word, "fixpoint"))
		*until = UNTIL_FIXPOINT;
	else if (!strncmp(word, "scans=", 6) && text_u64(word + 6, value) &&
		 *value)
		*until = UNTIL_SCANS;
	else if (text_time(word, value))
		*until = UNTIL_TIME;
	else
		return err_set(err, EINVAL,
			       "--until: \"%s\" is none of end, fixpoint, "
			       "scans=N, or a time as 20s",
			       word);
	return 0;
}

/* ---- what the engine says ---- */

static void state(struct run *r)
{
	rows_clear(&r->rows);
	r->cfg->ops->report(r->engine, &r->rows);
	machine_report(r->machine, &r->rows);
}

static const struct meter_prices *prices(const struct run *r)
{
	return r->cfg->cost ? &r->cfg->cost->price[COST_MID] : NULL;
}

static int queue_turns(struct run *r)
{
	for (unsigned w = 0; w < r->engine->workers; w++) {
		ns_t wake = r->engine->wake[w];

		if (wake.v == r->queued[w].v)
			continue;
		/* An entry that is queued for another time is out of date. */
		r->queued[w] = wake;
		if (!ns_is_never(wake) && evq_push(&r->queue, wake, 0, w))
			return -ENOMEM;
	}
	return 0;
}

static int milestone(struct run *r)
{
	struct engine_progress p;
	uint64_t saved;

	r->cfg->ops->progress(r->engine, &p);
	if (p.scans == r->scans)
		return 0;
	r->quiet =
		p.changes == r->changes ? r->quiet + (p.scans - r->scans) : 0;
	r->round = p.round;
	r->scans = p.scans;
	r->changes = p.changes;
	rows_clear(&r->rows);
	r->cfg->ops->report(r->engine, &r->rows);
	if (r->rows.failed)
		return -ENOMEM;
	saved = (uint64_t)rows_get(&r->rows, "saved", "saved_pages", 0);
	if (r->nmile && r->mile[r->nmile - 1].saved == saved)
		return 0; /* only changes are kept */
	if (mem_reserve(&r->mile, &r->mile_cap, r->nmile + 1, sizeof(*r->mile)))
		return -ENOMEM;
	r->mile[r->nmile++] = (struct milestone){r->turned, p.scans, saved};
	return 0;
}

/* Has every page been visited several times since anything changed? */
static bool settled(const struct run *r)
{
	return r->round && r->quiet >= QUIET_ROUNDS * r->round;
}

/* Has the run come to its end, as far as full scans tell? */
static void check_end(struct run *r)
{
	if (r->until == UNTIL_SCANS && r->scans >= r->until_value) {
		r->ended = "after the number of full scans asked for";
		r->done = true;
	} else if (r->until == UNTIL_FIXPOINT && r->over && settled(r)) {
		r->ended = "at the fixpoint: every page was visited three "
			   "times, nothing changed";
		r->done = true;
	} else if (r->until == UNTIL_FIXPOINT && r->scans >= SCANS_MAX) {
		r->ended = "unsettled: 100,000 full scans, still changing";
		r->done = true;
	} else if ((r->until == UNTIL_FIXPOINT || r->until == UNTIL_SCANS) &&
		   r->over && r->idle >= IDLE_MAX) {
		r->ended = "unsettled: the background work does nothing";
		r->done = true;
	}
}

/* What has been done so far, turns themselves left out. */
static uint64_t work_done(const struct run *r)
{
	const struct meter *m = r->meter;
	uint64_t sum = 0;

	for (unsigned w = 0; w < r->engine->workers; w++, m++)
		for (int op = 0; op < METER_OP_COUNT; op++)
			if (op != OP_TURN)
				sum += m->count[op];
	return sum;
}

static int turn(struct run *r)
{
	struct evq_entry e = *evq_peek(&r->queue);
	uint64_t done = work_done(r), scans = r->scans;
	struct meter *m = &r->meter[e.arg];
	ns_t before = meter_spent(m);
	int ret;

	evq_pop(&r->queue);
	if (r->engine->wake[e.arg].v != e.time.v)
		return 0; /* it has changed its mind since */
	r->clock.now = e.time;
	r->queued[e.arg] = NS_NEVER;
	readers_turn(r->readers);
	if (r->cfg->watch)
		r->cfg->watch(r->cfg->watch_ctx, true);
	ret = r->cfg->ops->work(r->engine, e.arg, m);
	if (r->cfg->watch)
		r->cfg->watch(r->cfg->watch_ctx, false);
	readers_turned(r->readers);
	r->turned = r->cfg->ops->turned
			    ? r->cfg->ops->turned(r->engine, e.arg)
			    : ns_add(e.time, NS(meter_spent(m).v - before.v));
	if (!ret)
		ret = milestone(r);
	if (!ret)
		ret = queue_turns(r);
	r->idle = work_done(r) == done && r->scans == scans ? r->idle + 1 : 0;
	check_end(r);
	return ret;
}

/* ---- events ---- */

static int paranoid(struct run *r)
{
	int ret = machine_check(r->machine, stderr);

	if (!ret)
		ret = r->cfg->ops->check(r->engine, stderr);
	if (ret == -EINVAL)
		err_set(r->err, EINVAL, "an invariant is broken");
	return ret;
}

static int out_of_memory(struct run *r)
{
	if (!machine_full(r->machine))
		return -ENOMEM;
	return err_set(r->err, ENOMEM,
		       "the trace needs more than %" PRIu64
		       " page-table entries (--max-pages allows more)",
		       r->machine->cfg.max_pages);
}

/* All of the event's effects, one by one. */
static int effects(struct run *r, const struct event *ev)
{
	const struct engine_ops *ops = r->cfg->ops;
	struct effect fx;
	int ret;

	if (machine_write(r->machine, ev, &fx)) {
		r->quiet = 0; /* scans before it do not know of it */
		return ops->notice(r->engine, &fx, &r->guests);
	}
	ret = machine_begin(r->machine, ev, r->err);
	if (ret)
		return ret;
	while ((ret = machine_next(r->machine, &fx)) > 0) {
		r->quiet = 0;
		ret = ops->notice(r->engine, &fx, &r->guests);
		if (ret)
			return ret;
	}
	return ret == -ENOMEM ? out_of_memory(r) : ret;
}

static int apply(struct run *r, const struct event *ev)
{
	int ret;

	readers_before(r->readers, ev);
	ret = effects(r, ev);
	if (ret)
		return ret;
	readers_after(r->readers, ev);
	r->events++;
	if (r->cfg->paranoid && r->events % r->cfg->paranoid == 0)
		ret = paranoid(r);
	if (r->cfg->progress && r->events % PROGRESS_EVERY == 0)
		r->cfg->progress(r->cfg->progress_ctx, r->events,
				 r->trace->ops->header(r->trace)->events);
	return ret ? ret : queue_turns(r);
}

/* ---- time ---- */

static int sample(struct run *r, ns_t now)
{
	if (r->samples++ == SAMPLES_MAX)
		return err_set(r->err, EINVAL,
			       "more than %u samples: lengthen --interval",
			       SAMPLES_MAX);
	state(r);
	pace_sample(&r->pace, now, &r->rows);
	if (r->rows.failed)
		return -ENOMEM;
	return r->cfg->sample(r->cfg->sample_ctx, now, &r->rows);
}

/* Samples that are due before anything happens at @next. */
static int samples_before(struct run *r, ns_t next)
{
	int ret = 0;

	if (!r->cfg->sample)
		return 0;
	while (!ret && r->next_sample.v < next.v) {
		ret = sample(r, r->next_sample);
		r->next_sample = ns_add(r->next_sample, r->cfg->interval);
	}
	return ret;
}

static ns_t next_turn(const struct run *r)
{
	const struct evq_entry *e = evq_peek(&r->queue);

	return e ? e->time : NS_NEVER;
}

/* Turns that come before an event at @before (at the same time, after it). */
static int turns_before(struct run *r, ns_t before)
{
	int ret = 0;

	while (!ret && !r->done && ns_before(next_turn(r), before)) {
		ret = samples_before(r, next_turn(r));
		if (!ret)
			ret = turn(r);
	}
	return ret;
}

/* The clock goes to @time, the time of the next event. */
static int advance(struct run *r, ns_t time)
{
	int ret;

	if (!ns_before(r->clock.now, time))
		return 0;
	if (time.v - r->clock.now.v > GAP_MAX)
		return err_set(r->err, EINVAL,
			       "more than a day after what was before it");
	ret = turns_before(r, time);
	if (!ret && !r->done)
		ret = samples_before(r, time);
	if (ret || r->done)
		return ret;
	r->clock.now = time;
	return r->cfg->ops->play ? r->cfg->ops->play(r->engine, time) : 0;
}

/* 0: go on; 1: what follows is not part of the run */
static int block(struct run *r, const struct event *ev, size_t n)
{
	char where[256];
	int ret = 0;

	for (size_t i = 0; i < n && !ret && !r->done; i++) {
		ns_t time = ev[i].time;

		if (n - i > EXPECT_AHEAD)
			machine_expect(r->machine, &ev[i + EXPECT_AHEAD]);
		if (r->cfg->still) {
			if (ns_before(r->cfg->at, time))
				return 1;
			time = NS(0);
		}
		if (r->until == UNTIL_TIME && time.v > r->until_value)
			return 1;
		ret = advance(r, time);
		if (!ret && r->done)
			break;
		if (!ret)
			ret = apply(r, &ev[i]);
		if (ret) {
			r->trace->ops->where(r->trace, i, where, sizeof(where));
			err_prefix(r->err, ret, "%s", where);
		}
	}
	return ret;
}

static int all_events(struct run *r)
{
	const struct event *ev;
	size_t n;
	int ret = 0;

	while (!r->done &&
	       (ret = r->trace->ops->next(r->trace, &ev, &n, r->err)) > 0) {
		ret = block(r, ev, n);
		if (ret)
			break;
	}
	r->over = true;
	return ret < 0 ? ret : 0;
}

/* What is left to do when the events are over. */
static int after_events(struct run *r)
{
	ns_t end = r->clock.now;
	int ret;

	switch (r->until) {
	case UNTIL_DEFAULT:
	case UNTIL_END:
		r->ended = "with the trace";
		break;
	case UNTIL_TIME:
		r->ended = "at the time asked for";
		end = NS(r->until_value);
		break;
	case UNTIL_FIXPOINT:
	case UNTIL_SCANS:
		r->ended = "when nothing was left to do";
		end = NS_NEVER;
		check_end(r);
		break;
	}
	ret = turns_before(r, ns_add(end, NS(1)));
	if (!ret && !ns_is_never(end)) {
		ret = samples_before(r, end);
		if (!r->done)
			r->clock.now = end;
	}
	return ret;
}

/* ---- results ---- */

/* Did the saving rise in each of the last scans that changed it? */
static bool growing(const struct run *r)
{
	size_t n = r->nmile, look = n < 3 ? n : 3;

	for (size_t i = 1; i < look; i++)
		if (r->mile[n - i].saved < r->mile[n - i - 1].saved)
			return false;
	return n > 0;
}

static void report_most(const struct run *r, struct rows *out)
{
	int64_t time = -1, scans = -1;
	uint64_t final = r->nmile ? r->mile[r->nmile - 1].saved : 0;

	for (size_t i = r->nmile; final && i-- > 0;) {
		if (r->mile[i].saved * 100 < final * MOST_PERCENT)
			break;
		time = (int64_t)r->mile[i].time.v;
		scans = (int64_t)r->mile[i].scans;
	}
	rows_add(out, "run", "growing", "boolean", growing(r));
	rows_add(out, "run", "most_saved_ns", "ns", time);
	rows_add(out, "run", "most_saved_scans", "scans", scans);
}

static void all_work(const struct run *r, struct meter *sum)
{
	meter_init(sum, NULL);
	meter_sum(sum, &r->guests);
	for (unsigned w = 0; w < r->engine->workers; w++)
		meter_sum(sum, &r->meter[w]);
}

static int results(struct run *r, struct run_result *out)
{
	uint64_t live = 0, possible;
	int ret = possible_pages(r->machine, r->contents->count, &possible);

	if (ret)
		return ret;
	for (uint32_t s = 0; s < r->machine->nspace; s++)
		live += r->machine->space[s].live;
	rows_add(&out->results, "run", "end_ns", "ns", (int64_t)r->clock.now.v);
	rows_add(&out->results, "run", "trace_events", "events",
		 (int64_t)r->events);
	rows_add(&out->results, "run", "scans", "scans", (int64_t)r->scans);
	rows_add(&out->results, "run", "spaces_live", "spaces", (int64_t)live);
	rows_add(&out->results, "run", "settled", "boolean", settled(r));
	rows_add(&out->results, "run", "possible_pages", "pages",
		 (int64_t)possible);
	report_most(r, &out->results);
	r->cfg->ops->report(r->engine, &out->results);
	machine_report(r->machine, &out->results);
	readers_report(r->readers, &out->results);
	pace_report(&r->pace, r->clock.now,
		    (uint64_t)rows_get(&out->results, "saved", "saved_pages",
				       0),
		    &out->results);
	for (uint32_t s = 0;
	     r->cfg->ops->report_space && s < r->machine->nspace; s++)
		r->cfg->ops->report_space(r->engine, s, &out->spaces);
	out->ended = r->ended;
	out->readers = readers_what(r->readers);
	return out->results.failed || out->spaces.failed ? -ENOMEM : 0;
}

void run_result_fini(struct run_result *out)
{
	rows_fini(&out->results);
	rows_fini(&out->spaces);
}

/* ---- preparing ---- */

/* Contents are looked at once, before the run; then their bytes are dropped. */
static int prepare(struct run *r)
{
	const struct engine_ops *ops = r->cfg->ops;
	uint64_t needs = ops->needs ? ops->needs(r->cfg->opts) : 0;
	struct content_source src;
	int ret = r->trace->ops->contents(r->trace, r->cfg->threads, &src,
					  r->err);

	if (ret)
		return ret;
	src.seed = r->cfg->seed;
	ret = content_set_new(&r->contents, &src, needs & ~NEED_ABOVE,
			      r->cfg->threads, r->err);
	if (!ret)
		ret = codec_columns(r->contents, needs, r->cfg->threads,
				    r->err);
	if (!(needs & NEED_BYTES))
		r->trace->ops->drop(r->trace);
	return ret;
}

/* Does everything happen at one time?  1, 0, or an error. */
static int one_instant(struct trace *t, struct err *err)
{
	const struct event *ev;
	size_t n;
	int ret = t->ops->next(t, &ev, &n, err), rewound;

	if (ret > 0)
		ret = ev[0].time.v == t->ops->header(t)->end.v;
	else if (!ret)
		ret = 1;
	rewound = t->ops->rewind(t, err);
	return rewound ? rewound : ret;
}

static int choose_end(struct run *r)
{
	int still = r->cfg->still;

	if (r->until != UNTIL_DEFAULT)
		return 0;
	if (!still)
		still = one_instant(r->trace, r->err);
	r->until = still ? UNTIL_FIXPOINT : UNTIL_END;
	return still < 0 ? still : 0;
}

static int start(struct run *r)
{
	struct engine_env env;
	struct machine_config machine = r->cfg->machine;
	int ret = prepare(r);

	if (ret)
		return ret;
	machine.keep_words = r->cfg->ops->keeps_words;
	ret = machine_new(&r->machine, &machine);
	if (ret)
		return ret;
	ret = readers_new(&r->readers, &r->cfg->readers, r->machine,
			  r->trace->ops->header(r->trace)->has_reads, r->err);
	if (ret)
		return ret;
	env = (struct engine_env){
		.machine = r->machine,
		.contents = r->contents,
		.clock = &r->clock,
		.seed = r->cfg->seed,
		.sink = readers_sink(r->readers),
	};
	ret = err_usage(r->err, r->cfg->ops->start(&r->engine, &env,
						   r->cfg->opts, r->err));
	if (ret)
		return ret;
	r->queued = mem_zalloc(r->engine->workers, sizeof(*r->queued));
	r->meter = mem_zalloc(r->engine->workers, sizeof(*r->meter));
	if (!r->queued || !r->meter)
		return -ENOMEM;
	for (unsigned w = 0; w < r->engine->workers; w++) {
		r->queued[w] = NS_NEVER;
		meter_init(&r->meter[w], prices(r));
	}
	r->engine->meter = r->meter;
	r->pace = (struct pace){
		.cost = r->cfg->cost,
		.workers = r->meter,
		.nworkers = r->engine->workers,
		.guests = &r->guests,
	};
	return queue_turns(r);
}

int run_trace(struct trace *trace, const struct run_config *cfg,
	      struct run_result *out, struct err *err)
{
	struct run r = {
		.cfg = cfg,
		.trace = trace,
		.err = err,
		.until = cfg->until,
		.until_value = cfg->until_value,
	};
	uint64_t asked = 0;
	int ret;

	*out = (struct run_result){0};
	meter_init(&r.guests, prices(&r));
	ret = choose_end(&r);
	if (!ret)
		ret = start(&r);
	if (!ret)
		asked = r.contents->bytes_asked;
	if (!ret)
		ret = all_events(&r);
	if (!ret)
		ret = after_events(&r);
	/* A run that full scans ended goes on to the end of the last. */
	if (!ret && r.done && ns_before(r.clock.now, r.turned))
		r.clock.now = r.turned;
	if (!ret && cfg->sample)
		ret = sample(&r, r.clock.now);
	if (!ret && cfg->paranoid)
		ret = paranoid(&r);
	/* The promise of closed contents: nobody looks at bytes in a run. */
	assert(ret || r.contents->have & NEED_BYTES ||
	       r.contents->bytes_asked == asked);
	if (!ret)
		all_work(&r, &out->meter);
	if (!ret)
		ret = readers_end(r.readers, &out->meter);
	if (!ret)
		ret = results(&r, out);
	if (r.engine)
		cfg->ops->stop(r.engine);
	readers_free(r.readers);
	machine_free(r.machine);
	content_set_free(r.contents);
	evq_fini(&r.queue);
	rows_fini(&r.rows);
	mem_release(r.mile, r.mile_cap, sizeof(*r.mile));
	free(r.queued);
	free(r.meter);
	if (ret)
		run_result_fini(out);
	return ret;
}
