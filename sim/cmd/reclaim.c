/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/os.h"
#include "sim/cmd/cmd.h"
#include "sim/cmd/reclaim.h"

#define SCHEMA "dedupsim.reclaim/1"

/* clang-format off */
enum { DENSITY = 1, COST = 2 };
enum column {
	SIZES, POOL, POLICY, COMPACTED, FREE, FRESH_PAGES, FRESH_OBJECTS, PAGES,
	OBJECTS, BYTES, SPLIT, REFUSED, COMPACTABLE, FIRST_PAGES, FIRST_BYTES,
	START_PAGES, WANTED, FREED, REACHED, GAINS, EVICTED, EVICTED_BYTES,
	MOVED, MOVED_BYTES, FIRST, AGE
};

#define WORD(n, v, h)                                                          \
	{ .name = n, .kind = TABLE_WORD, .view = v, .heading = h }
#define COUNT(n, u, v, h)                                                      \
	{ .name = n, .unit = u, .kind = TABLE_COUNT, .view = v, .heading = h }
static const struct table_column columns[] = {
	[SIZES] = WORD("sizes", DENSITY | COST, "sizes"),
	[POOL] = WORD("pool", DENSITY | COST, "pool"),
	[POLICY] = WORD("policy", COST, "evicted"),
	[COMPACTED] = WORD("compaction", COST, "compaction"),
	[FREE] = WORD("share", COST, "share"),
	[FRESH_PAGES] = COUNT("fresh_pages", "pages", 0, NULL),
	[FRESH_OBJECTS] = COUNT("fresh_objects", "objects", 0, NULL),
	[PAGES] = COUNT("churned_pages", "pages", DENSITY, "frames"),
	[OBJECTS] = COUNT("churned_objects", "objects", 0, NULL),
	[BYTES] = COUNT("churned_bytes", "bytes", 0, NULL),
	[SPLIT] = COUNT("split_objects", "objects", 0, NULL),
	[REFUSED] = COUNT("refused_objects", "objects", DENSITY, "refused"),
	[COMPACTABLE] = COUNT("compactable_pages", "pages", 0, NULL),
	[FIRST_PAGES] = COUNT("first_compaction_pages", "pages", 0, NULL),
	[FIRST_BYTES] = COUNT("first_compaction_bytes", "bytes", 0, NULL),
	[START_PAGES] = COUNT("start_pages", "pages", 0, NULL),
	[WANTED] = COUNT("wanted_pages", "pages", 0, NULL),
	[FREED] = COUNT("freed_pages", "pages", COST, "frames"),
	[REACHED] = WORD("reached", 0, NULL),
	[GAINS] = COUNT("steps_that_freed", "steps", 0, NULL),
	[EVICTED] = COUNT("evicted_objects", "objects", 0, NULL),
	[EVICTED_BYTES] = COUNT("evicted_bytes", "bytes", 0, NULL),
	[MOVED] = COUNT("moved_objects", "objects", 0, NULL),
	[MOVED_BYTES] = COUNT("moved_bytes", "bytes", 0, NULL),
	[FIRST] = COUNT("evicted_before_first", "objects", COST, "first after"),
	[AGE] = COUNT("age_error", "places", 0, NULL),
	{ .kind = TABLE_RATIO, .view = DENSITY, .heading = "objects/frame",
	  .num = FRESH_OBJECTS, .den = FRESH_PAGES, .digits = 3 },
	{ .kind = TABLE_RATIO, .view = DENSITY, .heading = "after churn",
	  .num = OBJECTS, .den = PAGES, .digits = 3 },
	{ .kind = TABLE_RATIO, .view = DENSITY, .heading = "bytes/frame",
	  .num = BYTES, .den = PAGES },
	{ .kind = TABLE_RATIO, .view = DENSITY, .heading = "on two frames",
	  .num = SPLIT, .den = OBJECTS, .digits = 1, .percent = 1 },
	{ .kind = TABLE_RATIO, .view = DENSITY, .heading = "compaction frees",
	  .num = COMPACTABLE, .den = PAGES, .digits = 1, .percent = 1 },
	{ .kind = TABLE_RATIO, .view = COST, .heading = "objects/frame",
	  .num = EVICTED, .den = FREED, .digits = 2 },
	{ .kind = TABLE_RATIO, .view = COST, .heading = "bytes/frame",
	  .num = EVICTED_BYTES, .den = FREED },
	{ .kind = TABLE_RATIO, .view = COST, .heading = "copied/frame",
	  .num = MOVED_BYTES, .den = FREED },
	{ .kind = TABLE_RATIO, .view = COST, .heading = "frames/step",
	  .num = FREED, .den = GAINS, .digits = 2 },
	{ .kind = TABLE_RATIO, .view = COST, .heading = "age error",
	  .num = AGE, .den = EVICTED },
	{ .kind = TABLE_END },
};
/* clang-format on */

/* ---- one pool, one policy ---- */

static void add_state(struct table *t, const struct reclaim_result *r)
{
	table_count(t, (int64_t)r->fresh.pages);
	table_count(t, (int64_t)r->fresh.objects);
	table_count(t, (int64_t)r->churned.pages);
	table_count(t, (int64_t)r->churned.objects);
	table_count(t, (int64_t)r->churned.bytes);
	table_count(t, (int64_t)r->churned.split);
	table_count(t, (int64_t)r->refused);
	table_count(t, (int64_t)r->churned.compactable);
	table_count(t, (int64_t)r->compacted_pages);
	table_count(t, (int64_t)r->compacted_bytes);
	table_count(t, (int64_t)r->start.pages);
}

static void add_point(struct table *t, const struct reclaim_point *p)
{
	table_count(t, (int64_t)p->wanted_pages);
	table_count(t, (int64_t)p->freed_pages);
	table_word(t, p->reached ? "yes" : "no");
	table_count(t, (int64_t)p->gains);
	table_count(t, (int64_t)p->evicted);
	table_count(t, (int64_t)p->evicted_bytes);
	table_count(t, (int64_t)p->moved);
	table_count(t, (int64_t)p->moved_bytes);
	table_count(t, p->freed_pages ? (int64_t)p->first : TABLE_NONE);
	table_count(t, (int64_t)p->age_error);
}

static int run_one(struct reclaim_job *j, const struct sizes_choice *sizes,
		   const struct pool_choice *pool, enum reclaim_policy policy,
		   bool compact, struct err *err)
{
	const struct reclaim_config cfg = {
		.ops = pool->ops,
		.opts = pool->opts,
		.sizes = &sizes->sizes,
		.objects = j->o.objects,
		.churn = j->o.churn,
		.limit = j->o.limit,
		.policy = policy,
		.compact = compact,
		.share = j->share,
		.nshares = j->nshares,
		.seed = j->o.seed,
		.paranoid = j->o.paranoid != 0,
	};
	bool own = reclaim_way(pool->ops, policy) == RECLAIM_BY_POOL;
	struct reclaim_result res;
	int ret = reclaim_run(&cfg, &res, err);

	if (ret)
		return err_prefix(err, ret, "sizes %s", sizes->label);
	for (size_t i = 0; i < j->nshares; i++) {
		table_word(&j->table, sizes->label);
		table_word(&j->table, pool->label);
		table_word(&j->table,
			   own ? "own-order" : reclaim_policy_name[policy]);
		table_word(&j->table, compact ? "yes" : "no");
		table_word(&j->table, j->share_text[i]);
		add_state(&j->table, &res);
		add_point(&j->table, &res.point[i]);
	}
	reclaim_result_fini(&res);
	return 0;
}

/* A policy that a pool cannot follow is left out unless there is no other; an
 * order of its own is the same for several. */
static int run_pool(struct reclaim_job *j, const struct sizes_choice *sizes,
		    const struct pool_choice *pool, struct err *err)
{
	bool own = false, any = false;
	int ret = 0;

	for (unsigned i = 0; i < RECLAIM_POLICY_COUNT; i++)
		any |= j->policy[i] &&
		       reclaim_way(pool->ops, i) != RECLAIM_CANNOT;
	for (unsigned i = 0; !ret && i < RECLAIM_POLICY_COUNT; i++) {
		enum reclaim_way way = reclaim_way(pool->ops, i);

		if (!j->policy[i] || (own && way == RECLAIM_BY_POOL) ||
		    (any && way == RECLAIM_CANNOT))
			continue;
		own |= way == RECLAIM_BY_POOL;
		ret = run_one(j, sizes, pool, i, false, err);
		if (!ret && j->o.compact && reclaim_compacts(pool->ops))
			ret = run_one(j, sizes, pool, i, true, err);
	}
	return ret;
}

/* ---- results ---- */

struct form {
	const struct reclaim_job *job;
	const char *format;
};

static int write_table(const void *what, FILE *out, struct err *err)
{
	const struct form *form = what;
	const struct reclaim_job *j = form->job;
	char objects[24], churn[24], limit[24], seed[24];
	const struct report_fact facts[] = {
		{"objects", objects},
		{"churn", churn},
		{"limit", limit},
		{"seed", seed},
	};
	const size_t n = sizeof(facts) / sizeof(facts[0]);
	int ret;

	snprintf(objects, sizeof(objects), "%" PRIu64, j->o.objects);
	snprintf(churn, sizeof(churn), "%" PRIu64, j->o.churn);
	snprintf(limit, sizeof(limit), "%" PRIu64, j->o.limit);
	snprintf(seed, sizeof(seed), "%" PRIu64, j->o.seed);
	if (!strcmp(form->format, "tsv"))
		return table_write_tsv(&j->table, SCHEMA, facts, n, out, err);
	if (!strcmp(form->format, "json"))
		return table_write_json(&j->table, SCHEMA, facts, n, out, err);
	fprintf(out,
		"%s objects, each replaced %s times on average, seed %s\n\n",
		objects, churn, seed);
	ret = table_write_text(&j->table, DENSITY, out, err);
	if (ret)
		return ret;
	fputs("\nTo get a share of the frames back, for each frame:\n\n", out);
	return table_write_text(&j->table, COST, out, err);
}

static int write_file(const struct reclaim_job *j, const char *format,
		      const char *path, struct err *err)
{
	return cmd_write(path, write_table, &(struct form){j, format}, err);
}

static int run(struct reclaim_job *j, struct err *err)
{
	unsigned threads = j->o.threads ? (unsigned)j->o.threads : os_cpus();
	bool to_stdout = (j->o.json && !strcmp(j->o.json, "-")) ||
			 (j->o.tsv && !strcmp(j->o.tsv, "-"));
	int ret = 0;

	for (size_t i = 0; !ret && i < j->nsizes; i++) {
		ret = sizes_load(&j->sizes[i].sizes, threads, err);
		for (size_t p = 0; !ret && p < j->npools; p++)
			ret = run_pool(j, &j->sizes[i], &j->pool[p], err);
	}
	if (!ret)
		ret = write_file(j, "json", j->o.json, err);
	if (!ret)
		ret = write_file(j, "tsv", j->o.tsv, err);
	if (!ret && !j->o.quiet && !to_stdout)
		ret = write_file(j, "text", "-", err);
	return ret;
}

static int reclaim_main(const struct cmd *self, int argc, char **argv,
			struct err *err)
{
	int ret, status = EXIT_USAGE;
	struct reclaim_job j = {0};

	(void)self;
	table_init(&j.table, columns);
	ret = reclaim_words(&j, argc, argv, err);
	if (!ret) {
		ret = run(&j, err);
		status = EXIT_FAILED;
	}
	if (ret && !err->text[0])
		err_set(err, -ret, "reclaim: %s", strerror(-ret));
	reclaim_job_fini(&j);
	return ret ? status : EXIT_OK;
}

const struct cmd cmd_reclaim = {
	.name = "reclaim",
	.args = "",
	.summary = "Ask what it costs to get page frames back from a pool",
	.about =
		"Fills pools of compressed objects, replaces objects at "
		"random, and\n"
		"then evicts until a share of the page frames is free: "
		"objects and\n"
		"bytes lost and bytes copied for each frame, evictions until "
		"the first\n"
		"frame came, and how far the evicted objects were from the "
		"oldest.\n"
		"\n"
		"  oldest-object    objects go in the order they were stored "
		"in\n"
		"  oldest-zspage    the page whose last store is longest ago "
		"is emptied\n"
		"  emptiest-zspage  the page with the fewest bytes to lose "
		"is emptied\n"
		"\n"
		"Pools other than zsmalloc have an order of their own for "
		"the latter two,\n"
		"shown as own-order; xvmalloc has none.\n"
		"\n"
		"  dedupsim reclaim --sizes normal:2048,500 --compact\n"
		"  dedupsim reclaim -p zsmalloc:generation=6.1,zbud -f 1%\n"
		"  dedupsim reclaim --sizes trace:vm.trace:lz4 --tsv out.tsv\n",
	.opts = reclaim_options,
	.run = reclaim_main,
};
