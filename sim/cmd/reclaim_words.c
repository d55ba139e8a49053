/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/par.h"
#include "sim/base/text.h"
#include "sim/cmd/reclaim.h"

#define DEFAULT_SIZES "normal:2048,500"

/* clang-format off */
const struct opt reclaim_options[] = {
	{ OPT_STRING, OPT_FIELD(reclaim_opts, pool, const char *),
	  .letter = 'p', .arg = "POOL,...",
	  .help = "pools to compare, each as NAME or NAME:KEY=VALUE:...; "
		  "zsmalloc,zbud,z3fold when not given" },
	{ OPT_STRING, .name = "sizes", .offset = OPT_MULTI,
	  .letter = 's', .arg = "SIZES",
	  .help = "lengths of the objects: normal:MEAN,SD, uniform:LO,HI, "
		  "fixed:N or trace:FILE[:CODEC]; may be repeated; "
		  DEFAULT_SIZES " when not given" },
	{ OPT_U64, OPT_FIELD(reclaim_opts, objects, uint64_t),
	  .letter = 'n', .def = 20000, .min = 1, .max = RECLAIM_OBJECTS_MAX,
	  .unit = "objects", .help = "objects to fill each pool with" },
	{ OPT_U64, OPT_FIELD(reclaim_opts, churn, uint64_t),
	  .def = 5, .max = RECLAIM_CHURN_MAX,
	  .help = "how often an object is replaced, on average, before "
		  "frames are wanted" },
	{ OPT_STRING, OPT_FIELD(reclaim_opts, free, const char *),
	  .letter = 'f', .arg = "SHARE,...",
	  .help = "shares of the frames to get back; 1%,5%,25% when not "
		  "given" },
	{ OPT_STRING, OPT_FIELD(reclaim_opts, policy, const char *),
	  .arg = "POLICY,...",
	  .help = "what is evicted: oldest-object, oldest-zspage, "
		  "emptiest-zspage; all of them when not given" },
	{ OPT_BOOL, OPT_FIELD(reclaim_opts, compact, uint64_t), .max = 1,
	  .letter = 'c',
	  .help = "with compaction, too: before the first eviction and after "
		  "each" },
	{ OPT_SIZE, OPT_FIELD(reclaim_opts, limit, uint64_t),
	  .help = "memory that a pool may take, or it is an error; 0: any" },
	{ OPT_U64, OPT_FIELD(reclaim_opts, seed, uint64_t), .def = 1,
	  .max = UINT64_MAX, .help = "seed of lengths and of churn" },
	{ OPT_U64, OPT_FIELD(reclaim_opts, threads, uint64_t), .max = PAR_MAX,
	  .letter = 'j', .unit = "threads",
	  .help = "threads that compress the pages of a trace; 0: one per "
		  "processor; results do not depend on it" },
	{ OPT_STRING, OPT_FIELD(reclaim_opts, json, const char *), .arg = "FILE",
	  .help = "write all counts as JSON; - is standard output" },
	{ OPT_STRING, OPT_FIELD(reclaim_opts, tsv, const char *), .arg = "FILE",
	  .help = "write all counts as TSV; - is standard output" },
	{ OPT_BOOL, OPT_FIELD(reclaim_opts, paranoid, uint64_t), .max = 1,
	  .help = "check every invariant of the pools after each step" },
	{ OPT_BOOL, OPT_FIELD(reclaim_opts, quiet, uint64_t), .max = 1,
	  .letter = 'q', .help = "no summary" },
	{ .type = OPT_END },
};
/* clang-format on */

static char *copy(const char *s, size_t n)
{
	char *p = malloc(n + 1);

	if (p) {
		memcpy(p, s, n);
		p[n] = '\0';
	}
	return p;
}

/* Calls @add for each of the words between commas. */
static int each_word(struct reclaim_job *j, const char *list,
		     int (*add)(struct reclaim_job *j, char *word,
				struct err *err),
		     struct err *err)
{
	int ret = 0;

	for (const char *p = list; !ret; p++) {
		size_t n = strcspn(p, ",");
		char *word = copy(p, n);

		ret = word ? add(j, word, err) : -ENOMEM;
		free(word);
		p += n;
		if (!*p)
			break;
	}
	return ret;
}

/* KEY=VALUE:... of a pool */
static int set_options(struct pool_choice *c, char *key, struct err *err)
{
	int ret = 0;

	for (char *next; !ret && key; key = next) {
		char *value = strchr(key, '=');

		next = strchr(key, ':');
		if (next)
			*next++ = '\0';
		if (!value || (next && value >= next))
			ret = err_set(err, EINVAL, "\"%s\" is not KEY=VALUE",
				      key);
		else if (!c->opts)
			ret = err_set(err, EINVAL, "no options: %s", key);
		else if (!strncmp(key, "victim=", 7))
			ret = err_set(err, EINVAL,
				      "victim: that is what --policy says");
		if (ret)
			break;
		*value++ = '\0';
		ret = opt_set(c->ops->opts, c->opts, key, value, err);
	}
	return err_prefix(err, ret, "--pool %s", c->ops->name);
}

static int add_pool(struct reclaim_job *j, char *word, struct err *err)
{
	struct pool_choice *c = &j->pool[j->npools];
	char *colon;

	if (j->npools == RECLAIM_POOLS_MAX)
		return err_set(err, EINVAL, "--pool: more than %u pools",
			       RECLAIM_POOLS_MAX);
	j->npools++;
	c->label = copy(word, strlen(word));
	if (!c->label)
		return -ENOMEM;
	colon = strchr(word, ':');
	if (colon)
		*colon++ = '\0';
	c->ops = pool_find(word, err);
	if (!c->ops)
		return err_prefix(err, -EINVAL, "--pool");
	if (c->ops->opts) {
		c->opts = mem_zalloc(1, c->ops->opts_size);
		if (!c->opts)
			return -ENOMEM;
		opt_defaults(c->ops->opts, c->opts);
	}
	return set_options(c, colon, err);
}

static int add_policy(struct reclaim_job *j, char *word, struct err *err)
{
	const char *near;

	for (unsigned i = 0; i < RECLAIM_POLICY_COUNT; i++) {
		if (strcmp(reclaim_policy_name[i], word))
			continue;
		j->policy[i] = true;
		return 0;
	}
	near = text_nearest(word, reclaim_policy_name, RECLAIM_POLICY_COUNT);
	return err_set(err, EINVAL,
		       "--policy: no policy \"%s\"; did you mean \"%s\"?", word,
		       near ? near : reclaim_policy_name[0]);
}

/* "12.5%" in thousandths of a percent; false: it is no share */
static bool parse_share(const char *word, uint32_t *share)
{
	uint32_t v = 0, scale = 1000;
	const char *p = word;

	for (; *p >= '0' && *p <= '9' && v <= RECLAIM_WHOLE; p++)
		v = v * 10 + (uint32_t)(*p - '0') * 1000;
	if (p == word)
		return false;
	if (*p == '.')
		for (p++; *p >= '0' && *p <= '9' && scale > 1; p++) {
			scale /= 10;
			v += (uint32_t)(*p - '0') * scale;
		}
	if (*p == '%')
		p++;
	*share = v;
	return !*p && v && v <= RECLAIM_WHOLE;
}

/* In their order, each once. */
static int add_share(struct reclaim_job *j, char *word, struct err *err)
{
	size_t at = j->nshares;
	uint32_t share;

	if (!parse_share(word, &share))
		return err_set(err, EINVAL,
			       "--free: \"%s\" is not a share of the frames, "
			       "as 2.5%%: above 0%%, at most 100%%, in "
			       "thousandths of a percent",
			       word);
	for (size_t i = 0; i < j->nshares; i++)
		if (j->share[i] == share)
			return 0;
	if (j->nshares == RECLAIM_SHARES_MAX)
		return err_set(err, EINVAL, "--free: more than %u shares",
			       RECLAIM_SHARES_MAX);
	for (; at && j->share[at - 1] > share; at--)
		j->share[at] = j->share[at - 1];
	j->share[at] = share;
	j->nshares++;
	return 0;
}

/* 2500: "2.5%" */
static void name_shares(struct reclaim_job *j)
{
	for (size_t i = 0; i < j->nshares; i++) {
		char *s = j->share_text[i];
		size_t n;

		n = (size_t)snprintf(s, sizeof(j->share_text[i]),
				     "%" PRIu32 ".%03" PRIu32,
				     j->share[i] / 1000, j->share[i] % 1000);
		while (s[n - 1] == '0')
			n--;
		if (s[n - 1] == '.')
			n--;
		s[n++] = '%';
		s[n] = '\0';
	}
}

static int add_sizes(void *ctx, const struct opt *row, const char *value,
		     struct err *err)
{
	struct reclaim_job *j = ctx;
	struct sizes_choice *c = &j->sizes[j->nsizes];
	int ret = sizes_parse(&c->sizes, value, err);
	const char *slash = strrchr(value, '/');

	(void)row;
	j->nsizes++;
	if (ret)
		return ret;
	if (c->sizes.kind != SIZES_TRACE || !slash) {
		c->label = copy(value, strlen(value));
		return c->label ? 0 : -ENOMEM;
	}
	c->label = malloc(strlen(value) + 1);
	if (!c->label)
		return -ENOMEM;
	sprintf(c->label, "trace:%s", slash + 1);
	return 0;
}

/* Everything that the words say, before anything runs. */
int reclaim_words(struct reclaim_job *j, int argc, char **argv, struct err *err)
{
	int ret;

	opt_defaults(reclaim_options, &j->o);
	j->sizes = mem_zalloc((size_t)argc + 1, sizeof(*j->sizes));
	if (!j->sizes)
		return -ENOMEM;
	ret = opt_parse(reclaim_options, &j->o, argc, argv, NULL, NULL,
			add_sizes, j, err);
	if (!ret && !j->nsizes)
		ret = add_sizes(j, NULL, DEFAULT_SIZES, err);
	if (!ret)
		ret = each_word(j,
				j->o.pool ? j->o.pool : "zsmalloc,zbud,z3fold",
				add_pool, err);
	if (!ret)
		ret = each_word(j, j->o.free ? j->o.free : "1%,5%,25%",
				add_share, err);
	if (!ret && j->o.policy)
		ret = each_word(j, j->o.policy, add_policy, err);
	for (unsigned i = 0; !j->o.policy && i < RECLAIM_POLICY_COUNT; i++)
		j->policy[i] = true;
	name_shares(j);
	if (!ret && j->o.limit && j->o.limit < PAGE_BYTES)
		ret = err_set(err, EINVAL,
			      "--limit: %" PRIu64 " bytes are less than a page",
			      j->o.limit);
	return ret;
}

void reclaim_job_fini(struct reclaim_job *j)
{
	for (size_t i = 0; i < j->nsizes; i++) {
		sizes_fini(&j->sizes[i].sizes);
		free(j->sizes[i].label);
	}
	free(j->sizes);
	for (size_t i = 0; i < j->npools; i++) {
		free(j->pool[i].opts);
		free(j->pool[i].label);
	}
	table_fini(&j->table);
}
