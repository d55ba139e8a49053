/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Options and the texts they are made of.  The input is a list of lines; each
 * line is an argument, a "key=value" pair, a number and a line of words.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/opt.h"
#include "sim/base/text.h"

#define ARGS 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct opts {
	uint64_t threads, quiet, ram, sleep, until;
	const char *trace;
};

static const char *const untils[] = {"end", "fixpoint", NULL};
static const struct opt rows[] = {
	{OPT_U64, OPT_FIELD(opts, threads, uint64_t), .def = 4, .min = 1,
	 .max = 256, .unit = "threads", .help = "threads", .letter = 't'},
	{OPT_BOOL, OPT_FIELD(opts, quiet, uint64_t), .help = "say nothing",
	 .letter = 'q'},
	{OPT_SIZE, OPT_FIELD(opts, ram, uint64_t), .help = "memory"},
	{OPT_TIME, OPT_FIELD(opts, sleep, uint64_t), .def = 20,
	 .max = 1000000000, .help = "pause"},
	{OPT_CHOICE, OPT_FIELD(opts, until, uint64_t), .choices = untils,
	 .help = "the end"},
	{OPT_STRING, OPT_FIELD(opts, trace, const char *), .help = "recording",
	 .letter = 'f'},
	{OPT_STRING, .name = "set", .offset = OPT_MULTI, .help = "tunable"},
	{.type = OPT_END},
};

/* What is stored must be allowed, and must come back as it was. */
static void check_stored(const struct opts *o)
{
	char buf[64];

	assert(o->threads >= 1 && o->threads <= 256);
	assert(o->quiet <= 1 && o->sleep <= 1000000000 && o->until <= 1);
	for (const struct opt *row = rows; row->type != OPT_END; row++) {
		struct opts copy;
		const char *s = opt_format(row, o, buf, sizeof(buf));
		int ret;

		if (row->type == OPT_STRING)
			continue;
		opt_defaults(rows, &copy);
		ret = opt_set(rows, &copy, row->name, s, NULL);
		assert(!ret);
		assert(opt_get(row, &copy) == opt_get(row, o));
	}
}

static void try_set(char *line)
{
	struct err err = {0};
	struct opts o;
	char *eq = strchr(line, '=');
	int ret;

	opt_defaults(rows, &o);
	if (!eq)
		return;
	*eq = 0;
	ret = opt_set(rows, &o, line, eq + 1, &err);
	assert(!ret == !err.text[0]);
	check_stored(&o);
	*eq = '=';
}

static void try_numbers(const char *s)
{
	char buf[64];
	uint64_t v, w;

	if (text_u64(s, &v)) {
		assert(text_size(s, &w) && v == w);
		text_count(buf, sizeof(buf), v);
	}
	if (text_size(s, &v)) {
		text_bytes(buf, sizeof(buf), v);
		text_signed_bytes(buf, sizeof(buf), (int64_t)v);
	}
	if (text_time(s, &v))
		text_ns(buf, sizeof(buf), v);
}

static void try_names(const char *s)
{
	const char *near = opt_nearest(rows, s);

	assert(!near || opt_find(rows, near));
	assert(text_distance(s, s) == 0);
	assert(text_distance(s, "threads") == text_distance("threads", s));
}

static int note(void *ctx, const struct opt *row, const char *value,
		struct err *err)
{
	(void)err;
	assert(row == &rows[6] && value);
	++*(unsigned *)ctx;
	return 0;
}

static void try_line(char **argv, int argc)
{
	const char *rest[ARGS];
	unsigned multi = 0;
	struct err err = {0};
	struct opts o;
	int nrest, ret;

	opt_defaults(rows, &o);
	ret = opt_parse(rows, &o, argc, argv, rest, &nrest, note, &multi, &err);
	assert(!ret == !err.text[0]);
	assert(nrest >= 0 && (unsigned)nrest + multi <= (unsigned)argc);
	check_stored(&o);
	opt_parse(rows, &o, argc, argv, NULL, NULL, NULL, NULL, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *p = text, *line;
	char *argv[ARGS], *words[8];
	int argc = 0;

	if (!text)
		return 0;
	memcpy(text, data, size);
	while ((line = text_line(&p, text + size))) {
		try_set(line);
		try_numbers(line);
		try_names(line);
		if (argc < ARGS)
			argv[argc++] = line;
	}
	try_line(argv, argc);
	/* the words last: they cut the lines */
	for (int i = 0; i < argc; i++) {
		int n = text_words(argv[i], words, 8);

		assert(n >= 0 && n <= 9);
		for (int k = 0; k < n && k < 8; k++)
			assert(words[k][0] && words[k][0] != '#');
	}
	free(text);
	return 0;
}
