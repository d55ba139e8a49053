/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sim/base/prng.h"
#include "sim/engine/pageone/pageone.h"

/* clang-format off */
const struct opt pageone_options[] = {
	{ OPT_U64, OPT_FIELD(pageone_opts, workers, uint64_t),
	  .def = 12, .min = 1, .max = PONE_WORKERS_MAX, .unit = "threads",
	  .help = "work threads", .source = "[pone] splitter_adp.c" },
	{ OPT_TIME, OPT_FIELD(pageone_opts, base_period, uint64_t),
	  .def = 5 * NS_PER_SEC, .min = NS_PER_MSEC, .max = 3600 * NS_PER_SEC,
	  .help = "from one walk of the daemon over all frames to the next",
	  .source = "[pone] slice_state_deamon.c" },
	{ OPT_TIME, OPT_FIELD(pageone_opts, merge_period, uint64_t),
	  .def = 20 * NS_PER_SEC, .min = NS_PER_MSEC, .max = 36000 * NS_PER_SEC,
	  .help = "from one walk that moves quiet pages on to the next",
	  .source = "[pone] slice_state_deamon.c" },
	{ OPT_TIME, OPT_FIELD(pageone_opts, timer_period, uint64_t),
	  .def = 50 * NS_PER_MSEC, .min = NS_PER_MSEC, .max = NS_PER_SEC,
	  .help = "how often sleeping threads are looked after",
	  .source = "[pone] slice_state_adpter.c" },
	{ OPT_U64, OPT_FIELD(pageone_opts, insert_batch, uint64_t),
	  .def = 10000, .min = 1, .max = UINT32_MAX, .unit = "pages",
	  .help = "entries of the shared queue that a thread takes before it "
		  "looks at its own queues again",
	  .source = "[pone] splitter_adp.c" },
	{ OPT_BOOL, OPT_FIELD(pageone_opts, debug_counters, uint64_t),
	  .def = 0, .max = 1,
	  .help = "the tree counts what it does in words that all threads "
		  "write, as in the release",
	  .source = "[pone] splitter.c" },
	{ OPT_CHOICE, OPT_FIELD(pageone_opts, clusters, uint64_t),
	  .choices = sd_clusters_name, .def = SD_CLUSTERS_BALANCED,
	  .help = "how pages are spread over the trees: 257 equal parts, by "
		  "the first byte with room for 1.6 million in each as in the "
		  "release, or one tree",
	  .source = "[pone] splitter.c" },
	{ OPT_U64, OPT_FIELD(pageone_opts, exact_objects, uint64_t),
	  .def = SD_EXACT_OBJECTS, .max = UINT32_MAX, .unit = "pages",
	  .help = "pages that are stored until searches of the tree are "
		  "sampled instead of being counted one by one" },
	{ OPT_U64, OPT_FIELD(pageone_opts, sample, uint64_t),
	  .def = SD_SAMPLE, .min = 1, .max = UINT32_MAX, .unit = "searches",
	  .help = "of so many searches one is looked at then" },
	{ OPT_U64, OPT_FIELD(pageone_opts, slice, uint64_t),
	  .def = 32, .min = 1, .max = 4096, .unit = "entries",
	  .help = "grain of simulated time: what a thread takes at once" },
	{ .type = OPT_END },
};
/* clang-format on */

static uint64_t pone_needs(const void *opts)
{
	(void)opts;
	return NEED_PREFIX | NEED_BYTES;
}

static int check_opts(const struct pageone_opts *o, struct err *err)
{
	if (o->merge_period % o->base_period)
		return err_set(err, EINVAL,
			       "pageone: merge_period must be a multiple of "
			       "base_period, %" PRIu64 " ms",
			       o->base_period / NS_PER_MSEC);
	return 0;
}

static int open_parts(struct pageone *p, uint64_t seed)
{
	int ret;

	p->wake = mem_zalloc(p->base.workers, sizeof(*p->wake));
	p->worker = mem_zalloc(p->opt.workers, sizeof(*p->worker));
	p->recent = mem_zalloc(PONE_RECENT, sizeof(*p->recent));
	if (!p->wake || !p->worker || !p->recent)
		return -ENOMEM;
	p->base.wake = p->wake;
	for (unsigned w = 1; w < p->base.workers; w++)
		p->wake[w] = NS_NEVER; /* played, never woken by the run */
	ret = pone_store_open(p, seed);
	return ret ? ret : pone_play_open(p);
}

static void pone_stop(struct engine *e)
{
	struct pageone *p = (struct pageone *)e;

	if (!p)
		return;
	pone_play_close(p);
	pone_store_close(p);
	for (uint32_t w = 0; p->worker && w < p->opt.workers; w++) {
		queue_fini(&p->worker[w].protect);
		queue_fini(&p->worker[w].replace);
	}
	queue_fini(&p->insert);
	mem_release(p->frame, p->frame_cap, sizeof(*p->frame));
	mem_release(p->owner, p->owner_cap, sizeof(*p->owner));
	free(p->recent);
	free(p->worker);
	free(p->wake);
	free(p);
}

static int pone_start(struct engine **out, const struct engine_env *env,
		      const void *opts, struct err *err)
{
	struct prng r = prng_fork(env->seed, "pageone spaces");
	struct pageone *p;
	int ret = check_opts(opts, err);

	if (ret)
		return ret;
	p = mem_zalloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->base.ops = &engine_pageone;
	p->opt = *(const struct pageone_opts *)opts;
	p->base.workers = (unsigned)p->opt.workers + 1;
	p->machine = env->machine;
	p->contents = env->contents;
	p->clock = env->clock;
	p->salt = prng_next(&r);
	p->next_base = ns_add(env->clock->now, NS(p->opt.base_period));
	p->next_tick = NS_NEVER;
	ret = open_parts(p, prng_next(&r));
	if (ret) {
		pone_stop(&p->base);
		return ret;
	}
	p->wake[0] = p->next_base;
	*out = &p->base;
	return 0;
}

/* Is there anything that the timer has to look after? */
static bool waits(const struct pageone *p)
{
	if (p->insert.n || pone_playing(p))
		return true;
	for (uint32_t w = 0; w < p->opt.workers; w++)
		if (p->worker[w].protect.n || p->worker[w].replace.n)
			return true;
	return false;
}

#define DIVIDE_PERIOD (10 * NS_PER_SEC) /* [pone] */

/* Another thread looks for clusters that are too full, now and then. */
static int divide(struct pageone *p, struct meter *m)
{
	ns_t now = p->clock->now;

	if (p->opt.clusters != SD_CLUSTERS_P1 ||
	    ns_before(now, ns_add(p->divided, NS(DIVIDE_PERIOD))))
		return 0;
	p->divided = now;
	return pone_store_divide(p, m);
}

/* The daemon walks, then sleeps what is left of its period. */
static int walk(struct pageone *p, struct meter *m)
{
	ns_t now = p->clock->now, before = meter_spent(m), period;
	int ret = pone_walk(p, m);

	if (!ret)
		ret = divide(p, m);
	period = NS(p->opt.base_period);
	if (meter_spent(m).v - before.v > period.v)
		period = NS(meter_spent(m).v - before.v);
	p->next_base = ns_add(now, period);
	return ret;
}

static int pone_until(struct engine *e, ns_t now)
{
	return pone_play((struct pageone *)e, now);
}

/* The only turns are the daemon's and the timer's; threads are played. */
static int pone_work(struct engine *e, unsigned worker, struct meter *m)
{
	struct pageone *p = (struct pageone *)e;
	ns_t now = p->clock->now;
	int ret = pone_play(p, now);

	(void)worker;
	if (!ret && !ns_before(now, p->next_base))
		ret = walk(p, m);
	if (!ret && !ns_before(now, p->next_tick))
		ret = pone_tick(p, now);
	if (ret)
		return ret;
	if (!waits(p))
		p->next_tick = NS_NEVER;
	else if (ns_is_never(p->next_tick) || !ns_before(now, p->next_tick))
		p->next_tick = ns_add(now, NS(p->opt.timer_period));
	p->wake[0] = ns_before(p->next_tick, p->next_base) ? p->next_tick
							   : p->next_base;
	return 0;
}

static void pone_progress(const struct engine *e, struct engine_progress *out)
{
	const struct pageone *p = (const struct pageone *)e;

	/* A page waits up to v + 1 merge scans, is watched for one, and gets
	 * its turn in the queues. */
	*out = (struct engine_progress){
		.scans = p->merge_scans,
		.round = PONE_COUNT_MAX + 3,
		.changes = p->changes,
	};
}

const struct engine_ops engine_pageone = {
	.name = "pageone",
	.summary = "PageONE: quiet pages, write-protected, into an SD tree",
	.source = "[pone] virt_release, 2017",
	.opts = pageone_options,
	.opts_size = sizeof(struct pageone_opts),
	.needs = pone_needs,
	.start = pone_start,
	.notice = pone_notice,
	.work = pone_work,
	.play = pone_until,
	.progress = pone_progress,
	.report = pone_report,
	.check = pone_check,
	.stop = pone_stop,
};
