/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/os.h"
#include "sim/base/text.h"
#include "models/zero_page.h"
#include "models/cache_impl.h"

/* ---- the fields ---- */

static const char *const indices[] = {"physical", "virtual", NULL};
static const char *const replacements[] = {"lru", "plru", "fifo", "random",
					   NULL};
static const char *const scopes[] = {"cpu", "chip", "book", "system", NULL};
static const char *const writes[] = {"back", "through", NULL};
static const char *const policies[] = {"none", "dup",	   "move", "pidx-hw",
				       "trap", "trap-hsv", NULL};
static const char *const straddles[] = {"parts", "once", NULL};
static const char *const zero_names[] = {ZERO_NAMES};

#define FIELD(f) OPT_FIELD(cache_conf, f, uint64_t)
#define AT(n, f)                                                               \
	.offset = offsetof(struct cache_conf, level) +                         \
		  (n - 1) * sizeof(struct cache_level_conf) +                  \
		  offsetof(struct cache_level_conf, f)
#define LEVEL(n)                                                               \
	{OPT_SIZE, "l" #n "_size", AT(n, bytes), .max = UINT64_C(16) << 30,    \
	 .help = "bytes of one instance; 0: there is no such level"},          \
		{OPT_U64,                                                      \
		 "l" #n "_ways",                                               \
		 AT(n, ways),                                                  \
		 .def = 1,                                                     \
		 .min = 1,                                                     \
		 .max = 65536,                                                 \
		 .help = "lines per set"},                                     \
		{OPT_SIZE, "l" #n "_line", AT(n, line_bytes),	    .def = 64, \
		 .min = 8, .max = 65536,   .help = "bytes per line"},          \
		{OPT_CHOICE, "l" #n "_index", AT(n, index),                    \
		 .choices = indices,                                           \
		 .help = "address that chooses the set; virtual in L1 only"},  \
		{OPT_CHOICE, "l" #n "_replacement", AT(n, replacement),        \
		 .choices = replacements, .help = "which line makes room"},    \
		{OPT_U64,	   "l" #n "_latency",                          \
		 AT(n, latency),   .max = 1000000,                             \
		 .unit = "cycles", .help = "from a load to its use, in all"},  \
		{OPT_CHOICE, "l" #n "_scope", AT(n, scope), .choices = scopes, \
		 .help = "whose CPUs share one instance"},                     \
		{OPT_BOOL, "l" #n "_inclusive", AT(n, inclusive), .def = 1,    \
		 .help = "holds all that the levels above hold"},              \
	{                                                                      \
		OPT_CHOICE, "l" #n "_write", AT(n, write),                     \
			.choices = writes,                                     \
			.help = "keep stores, or hand them down"               \
	}

/* clang-format off */
const struct opt cache_conf_rows[] = {
	{ OPT_SIZE, FIELD(page_bytes), .def = 4096, .min = 256,
	  .max = 1 << 20, .help = "bytes per page" },
	LEVEL(1), LEVEL(2), LEVEL(3), LEVEL(4),
	{ OPT_U64, FIELD(memory_latency), .max = 1000000, .unit = "cycles",
	  .help = "from a load to its use when no cache has the line" },
	{ OPT_U64, FIELD(hit_cost), .max = 1000000, .unit = "cycles",
	  .help = "of an L1 hit; 0: the latency of L1; 1: throughput mode" },
	{ OPT_CHOICE, FIELD(policy), .choices = policies,
	  .help = "what happens when L1 meets a synonym" },
	{ OPT_U64, FIELD(trap_cost), .max = 1000000, .unit = "cycles",
	  .help = "of an exception, without the memory access" },
	{ OPT_U64, FIELD(syn_source), .def = 2, .min = 2, .max = CACHE_LEVELS,
	  .help = "level that serves a line that moves" },
	{ OPT_U64, FIELD(syn_extra), .max = 1000000, .unit = "cycles",
	  .help = "of a synonym, on top of the level that serves it" },
	{ OPT_U64, FIELD(dir_colours), .def = 1, .min = 1, .max = 65536,
	  .help = "colours that the directory tells apart" },
	{ OPT_U64, FIELD(vcolour_check), .max = 65535,
	  .help = "mask of page-number bits that an L1 hit must match" },
	{ OPT_U64, FIELD(tlb_entries), .max = 65536,
	  .help = "entries of the first TLB; 0: none is modelled" },
	{ OPT_U64, FIELD(tlb_ways), .def = 1, .min = 1, .max = 65536,
	  .help = "entries per set" },
	{ OPT_U64, FIELD(tlb_pages), .def = 1, .min = 1, .max = 65536,
	  .help = "pages per entry" },
	{ OPT_U64, FIELD(tlb_walk), .max = 1000000, .unit = "cycles",
	  .help = "of a walk when no TLB knows the page" },
	{ OPT_U64, FIELD(tlb2_entries), .max = 1 << 20,
	  .help = "entries of the second TLB; 0: there is none" },
	{ OPT_U64, FIELD(tlb2_ways), .def = 1, .min = 1, .max = 65536,
	  .help = "entries per set" },
	{ OPT_U64, FIELD(tlb2_latency), .max = 1000000, .unit = "cycles",
	  .help = "of a translation that only the second TLB knows" },
	{ OPT_U64, FIELD(zero_order), .max = 16,
	  .help = "the kernel has two to the power of this many zero pages" },
	{ OPT_CHOICE, FIELD(zero_machine), .choices = zero_names,
	  .help = "rule by which kernels choose their zero pages" },
	{ OPT_U64, FIELD(cpus), .def = 1, .min = 1, .max = 1024,
	  .help = "CPUs that access memory" },
	{ OPT_U64, FIELD(cpus_per_chip), .def = 1, .min = 1, .max = 1024,
	  .help = "CPUs that share what has the scope chip" },
	{ OPT_U64, FIELD(chips_per_book), .def = 1, .min = 1, .max = 1024,
	  .help = "chips that share what has the scope book" },
	{ OPT_BOOL, FIELD(stream),
	  .help = "hide the latency of lines read in order within a page" },
	{ OPT_U64, FIELD(stream_cost), .max = 1000000, .unit = "cycles",
	  .help = "of a line so hidden; 0: as an L1 hit" },
	{ OPT_U64, FIELD(bandwidth), .max = 1000000, .unit = "cycles",
	  .help = "that the shared level is busy with a line; 0: none" },
	{ OPT_U64, FIELD(cow_fault), .max = 10000000, .unit = "cycles",
	  .help = "of the fault when a write breaks sharing" },
	{ OPT_U64, FIELD(page_flush), .max = 10000000, .unit = "cycles",
	  .help = "of flushing a page that is remapped; 0: not flushed" },
	{ OPT_CHOICE, FIELD(straddle), .choices = straddles,
	  .help = "accesses across a line border: parts, or one as Cachegrind" },
	{ OPT_U64, FIELD(seed), .help = "of random replacement" },
	{ OPT_U64, FIELD(frames), .max = UINT64_C(1) << 30,
	  .help = "number distinct frames below this; 0: not at all" },
	{ .type = OPT_END },
};
/* clang-format on */

static_assert(sizeof(cache_conf_rows) / sizeof(cache_conf_rows[0]) - 1 <=
		      CACHE_FIELDS_MAX,
	      "more fields than struct cache_conf has lines for");

static size_t row_index(const struct opt *row)
{
	return (size_t)(row - cache_conf_rows);
}

/* ---- reading ---- */

struct reader {
	struct cache_conf *conf;
	unsigned line;
	bool summary;
	struct err *err;
};

static int complain(const struct reader *r, const char *key, const char *what)
{
	return err_set(r->err, EINVAL, "%s:%u: %s: %s", r->conf->name, r->line,
		       key, what);
}

/* "[LI]" or "[L, I]": @s is cut behind the bracket; returns what follows. */
static char *take_evidence(char *s, uint16_t *bits)
{
	*bits = 0;
	if (*s++ != '[')
		return NULL;
	for (; *s && *s != ']'; s++) {
		const char *at = strchr(CACHE_EVIDENCE, *s);

		if (at)
			*bits |= (uint16_t)(1u << (at - CACHE_EVIDENCE));
		else if (*s != ',' && *s != ' ')
			return NULL;
	}
	return *s && *bits ? s + 1 : NULL;
}

/* cut - end the word at @s; returns the start of the next one */
static char *cut(char *s)
{
	s += strcspn(s, " \t");
	if (*s)
		*s++ = 0;
	return s + strspn(s, " \t");
}

static int take_summary(struct reader *r, const char *rest)
{
	size_t n = strlen(rest);

	if (r->summary)
		return complain(r, "summary", "is there twice");
	if (!n)
		return complain(r, "summary", "a text is missing");
	if (n >= sizeof(r->conf->summary))
		return complain(r, "summary", "the text is too long");
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)rest[i] < ' ')
			return complain(r, "summary",
					"there is a control character");
	memcpy(r->conf->summary, rest, n + 1);
	r->summary = true;
	return 0;
}

static int take_field(struct reader *r, const char *key, char *value)
{
	const struct opt *row = opt_find(cache_conf_rows, key);
	char *rest = cut(value), *source;
	size_t i;
	int ret = opt_set(cache_conf_rows, r->conf, key, value, r->err);

	if (ret)
		return err_prefix(r->err, ret, "%s:%u", r->conf->name, r->line);
	assert(row); /* or opt_set() would not know it */
	i = row_index(row);
	if (r->conf->line[i])
		return err_set(r->err, EINVAL,
			       "%s:%u: %s: is there twice, first in line "
			       "%" PRIu32,
			       r->conf->name, r->line, row->name,
			       r->conf->line[i]);
	source = take_evidence(rest, &r->conf->evidence[i]);
	if (!source)
		return complain(r, row->name,
				"the evidence is missing: [A] for an "
				"assumption, or letters of " CACHE_EVIDENCE);
	r->conf->line[i] = r->line;
	return 0;
}

static int take_line(struct reader *r, char *line)
{
	char *key = line + strspn(line, " \t"), *rest;

	if (!*key || *key == '#')
		return 0;
	rest = cut(key);
	if (!strcmp(key, "summary"))
		return take_summary(r, rest);
	return take_field(r, key, rest);
}

static int refuse_nul(struct reader *r, const char *text, size_t n)
{
	const char *nul = memchr(text, 0, n), *p = text;
	unsigned line = 1;

	if (!nul)
		return 0;
	for (; p < nul; p++)
		line += *p == '\n';
	return err_set(r->err, EINVAL, "%s:%u: there is a NUL byte",
		       r->conf->name, line);
}

int cache_conf_parse(struct cache_conf *conf, const char *name, char *text,
		     size_t n, struct err *err)
{
	struct reader r = {.conf = conf, .err = err};
	char *p = text, *line;
	int ret;

	memset(conf, 0, sizeof(*conf));
	opt_defaults(cache_conf_rows, conf);
	/* of a long path the end tells more */
	if (strlen(name) >= sizeof(conf->name))
		name += strlen(name) - sizeof(conf->name) + 1;
	memcpy(conf->name, name, strlen(name) + 1);
	ret = refuse_nul(&r, text, n);
	while (!ret && (line = text_line(&p, text + n))) {
		r.line++;
		ret = take_line(&r, line);
	}
	if (ret)
		return ret;
	if (!r.summary)
		return err_set(err, EINVAL, "%s: summary is missing",
			       conf->name);
	return cache_conf_complete(conf, err);
}

/* ---- finding ---- */

/* Files of this size hold any configuration many times. */
#define CONF_BYTES_MAX ((size_t)64 << 10)

static int parse_file(struct cache_conf *conf, const char *path,
		      struct err *err)
{
	size_t n;
	char *text;
	int ret = os_read_all(path, CONF_BYTES_MAX, &text, &n, err);

	if (ret)
		return ret;
	ret = cache_conf_parse(conf, path, text, n, err);
	free(text);
	return ret;
}

static int parse_preset(struct cache_conf *conf, const struct cache_preset *p,
			struct err *err)
{
	size_t n = strlen(p->text);
	char *text = malloc(n + 1);
	int ret;

	if (!text)
		return -ENOMEM;
	memcpy(text, p->text, n + 1);
	ret = cache_conf_parse(conf, p->name, text, n, err);
	free(text);
	return ret;
}

static bool is_file(const char *name)
{
	size_t n = strlen(name);

	return strchr(name, '/') || (n > 5 && !strcmp(name + n - 5, ".conf"));
}

/* In @dir: -ENOENT, with nothing said, when there is no such file. */
static int find_in(struct cache_conf *conf, const char *dir, const char *name,
		   struct err *err)
{
	char path[1024];
	FILE *f;
	int n = snprintf(path, sizeof(path), "%s/%s.conf", dir, name);

	if (n < 0 || (size_t)n >= sizeof(path))
		return err_set(err, ENAMETOOLONG, "%s: the path is too long",
			       dir);
	f = fopen(path, "r");
	if (!f)
		return -ENOENT;
	fclose(f);
	return parse_file(conf, path, err);
}

static int unknown(const char *name, struct err *err)
{
	const struct cache_preset *p;
	const char *best = NULL;

	for (p = cache_presets; p->name; p++) {
		const char *pair[2] = {best, p->name};

		best = best ? text_nearest(name, pair, 2)
			    : text_nearest(name, pair + 1, 1);
	}
	if (best)
		return err_set(err, EINVAL,
			       "unknown machine \"%s\"; did you mean \"%s\"?",
			       name, best);
	return err_set(err, EINVAL, "unknown machine \"%s\"", name);
}

int cache_conf_find(struct cache_conf *conf, const char *name, const char *dir,
		    struct err *err)
{
	const struct cache_preset *p;
	int ret;

	if (is_file(name))
		return parse_file(conf, name, err);
	if (dir) {
		ret = find_in(conf, dir, name, err);
		if (ret != -ENOENT)
			return ret;
	}
	for (p = cache_presets; p->name; p++)
		if (!strcmp(p->name, name))
			return parse_preset(conf, p, err);
	return unknown(name, err);
}

/* ---- afterwards ---- */

int cache_conf_set(struct cache_conf *conf, const char *key, const char *value,
		   struct err *err)
{
	const struct opt *row = opt_find(cache_conf_rows, key);
	int ret = opt_set(cache_conf_rows, conf, key, value, err);

	if (ret)
		return ret;
	assert(row);
	conf->line[row_index(row)] = 0;
	conf->evidence[row_index(row)] = 0;
	return 0;
}

bool cache_conf_assumed(const struct cache_conf *conf, const struct opt *row)
{
	const char *at;
	unsigned bits = conf->evidence[row_index(row)];

	for (at = CACHE_EVIDENCE; *at; at++, bits >>= 1)
		if (bits & 1 && (*at == 'A' || *at == 'M'))
			return true;
	return false;
}
