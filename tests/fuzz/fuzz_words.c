/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_words.c - small languages of the command line, told by the first byte
 *
 *	'r'  a command line of `reclaim`, a word per line
 *	's'  lengths of objects
 *	'w'  a workload, whose first events are made
 *	'u'  the end of a run
 *	'c'  sizes of an array
 *	'm'  a built-in machine, then lines: a kernel, fields
 *
 * What is refused is refused in one line; what is taken keeps its promises.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/text.h"
#include "sim/cmd/machine_opts.h"
#include "sim/cmd/reclaim.h"
#include "sim/run/colour.h"
#include "sim/run/run.h"
#include "workloads/workload.h"

#define INPUT_MAX 4096u
#define LINES 32
#define EVENTS 2000u
#define DRAWS 100u
#define CONTENTS 50u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answered(int ret, const struct err *err)
{
	assert(!ret || ret == -EINVAL);
	assert(!ret == !err->text[0]);
	assert(!strchr(err->text, '\n'));
}

static int lines(char *text, size_t n, char **line)
{
	char *p = text;
	int count = 0;

	while (count < LINES && (line[count] = text_line(&p, text + n)))
		count++;
	return count;
}

static void draw(const struct sizes *s)
{
	struct prng r = prng_fork(1, "fuzz");

	assert(s->least && s->least <= s->most && s->most <= PAGE_BYTES);
	for (unsigned i = 0; s->kind != SIZES_TRACE && i < DRAWS; i++) {
		uint32_t v = sizes_draw(s, &r);

		assert(v >= s->least && v <= s->most);
	}
}

static void one_sizes(const char *words)
{
	struct err err = {0};
	struct sizes s;
	int ret = sizes_parse(&s, words, &err);

	answered(ret, &err);
	if (ret)
		return;
	if (s.kind == SIZES_TRACE)
		assert(s.path[0] && s.codec);
	else
		draw(&s);
	sizes_fini(&s);
}

static void one_reclaim(char *text, size_t n)
{
	struct reclaim_job *j = calloc(1, sizeof(*j));
	struct err err = {0};
	char *argv[LINES];
	int argc = lines(text, n, argv), ret;

	if (!j)
		return;
	ret = reclaim_words(j, argc, argv, &err);
	answered(ret, &err);
	if (!ret) {
		assert(j->npools && j->npools <= RECLAIM_POOLS_MAX);
		assert(j->nshares && j->nshares <= RECLAIM_SHARES_MAX);
		for (size_t i = 0; i < j->nshares; i++)
			assert(j->share[i] && j->share[i] <= RECLAIM_WHOLE &&
			       (!i || j->share[i - 1] < j->share[i]));
		for (size_t i = 0; i < j->nsizes; i++)
			assert(j->sizes[i].label);
	}
	reclaim_job_fini(j);
	free(j);
}

/* Small workloads only, for speed; what is refused may be as large as it
 * likes. */
static bool small(const char *words)
{
	uint64_t v = 0;

	if (strpbrk(words, "MGTx"))
		return false;
	/* What these are when nothing is said is not small. */
	if (strstr(words, "pageone") &&
	    (!strstr(words, "size=") || !strstr(words, "values=")))
		return false;
	for (; *words; words++) {
		v = *words >= '0' && *words <= '9'
			    ? v * 10 + (uint64_t)(*words - '0')
			    : 0;
		if (v > 300 && v < UINT64_C(1) << 50)
			return false;
	}
	return true;
}

/* Contents differ, none is zeros, and they are the same when told in words. */
static void contents(struct workload *w)
{
	static uint8_t page[CONTENTS][PAGE_BYTES];
	const struct content_source src = workload_source(w);

	memset(page[0], 0, PAGE_BYTES);
	for (uint32_t id = 1; id < src.count && id < CONTENTS; id++) {
		uint8_t buf[PAGE_BYTES];
		struct content_sparse few;

		memcpy(page[id], src.bytes(src.self, id, buf), PAGE_BYTES);
		for (uint32_t k = 0; k < id; k++)
			assert(memcmp(page[k], page[id], PAGE_BYTES));
		if (!src.sparse)
			continue;
		memset(buf, 0, PAGE_BYTES);
		src.sparse(src.self, id, &few);
		assert(few.n && few.n <= SPARSE_WORDS);
		for (unsigned i = 0; i < few.n; i++)
			store_be64(buf + 8 * few.at[i], few.word[i]);
		assert(!memcmp(buf, page[id], PAGE_BYTES));
	}
}

static void one_workload(const char *words)
{
	static struct event ev[256];
	struct err err = {0};
	struct workload *w;
	uint64_t made = 0;
	ns_t time = NS(0);
	size_t n;
	int ret;

	if (!small(words))
		return;
	ret = workload_start(&w, words, 1, &err);
	answered(ret, &err);
	if (ret)
		return;
	while (made < EVENTS && (n = w->ops->next(w, ev, 256))) {
		for (size_t i = 0; i < n; i++) {
			assert(!ns_before(ev[i].time, time));
			assert(!ns_before(w->end, ev[i].time));
			assert(ev[i].space < w->spaces);
			time = ev[i].time;
		}
		made += n;
		assert(made <= w->events);
	}
	assert(made >= EVENTS || made == w->events);
	contents(w);
	workload_stop(w);
}

static void one_until(const char *word)
{
	struct err err = {0};
	enum until until = UNTIL_DEFAULT;
	uint64_t value = 0;
	int ret = run_until(word, &until, &value, &err);

	answered(ret, &err);
	assert(ret || until != UNTIL_DEFAULT);
	assert(ret || until != UNTIL_SCANS || value);
}

static void one_size(const char *word)
{
	uint64_t from = 0, to = 0;
	struct err err = {0};
	int ret = colour_sizes(word, &from, &to, &err);

	answered(ret, &err);
	assert(ret || (from && from <= to));
}

static void one_machine(char *text, size_t n)
{
	char *line[LINES];
	int count = lines(text, n, line), ret;
	struct cache_conf conf;
	struct err err = {0};
	unsigned order = 99;

	if (count < 2)
		return;
	/* by name only: no file is opened */
	for (const struct cache_preset *p = cache_presets; p->name; p++) {
		if (strcmp(p->name, line[0]))
			continue;
		ret = machine_opts_conf(&conf, line[0],
					(const char *const *)line + 2,
					(size_t)count - 2, &err);
		answered(ret, &err);
		if (ret)
			return;
		ret = machine_opts_order(&conf, line[1], 0, &order, &err);
		answered(ret, &err);
		assert(ret || order <= 12);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;

	if (!size || size > INPUT_MAX)
		return 0;
	text = malloc(size);
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[--size] = '\0';
	switch (data[0]) {
	case 'r':
		one_reclaim(text, size);
		break;
	case 's':
		one_sizes(text);
		break;
	case 'w':
		one_workload(text);
		break;
	case 'u':
		one_until(text);
		break;
	case 'c':
		one_size(text);
		break;
	case 'm':
		one_machine(text, size);
		break;
	default:
		break;
	}
	free(text);
	return 0;
}
