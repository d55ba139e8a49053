/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/engine/zram/device.h"
#include "sim/run/scenario.h"

#define SLOTS (UINT32_C(1) << 16) /* of each device */
#define WORDS 15		  /* of a row with what a kernel answered */
#define WORDS_TOLD 5		  /* … without */

/* The columns that say what is done. */
struct step {
	char *vector, *number, *op, *slots, *sizes;
};

struct script {
	const char *file;
	int line;
	const struct scenario_opts *opts;
	FILE *out;
	struct err *err;
	const char *vector; /* whose device this is; NULL: none yet */
	struct zram_device dev;
	struct meter meter;
	bool refused; /* a write of this step */
};

static int say(const struct script *sc, const char *what, const char *word)
{
	return err_set(sc->err, EINVAL, "%s:%d: %s \"%s\"", sc->file, sc->line,
		       what, word);
}

/* ---- lists ---- */

/* A number at *@p, at most @max; false: something else is there. */
static bool number(const char **p, uint64_t max, uint64_t *out)
{
	const char *s = *p;
	uint64_t v = 0;

	for (; *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > max)
			return false;
	}
	if (s == *p)
		return false;
	*p = s;
	*out = v;
	return true;
}

/* Number behind the letter @by, if that is what comes next. */
static bool number_after(const char **p, char by, uint64_t max, uint64_t *out)
{
	if (**p != by)
		return true;
	++*p;
	return number(p, max, out);
}

/* Where one is in a list; both kinds of list are runs. */
struct cursor {
	const char *at; /* what follows the run */
	uint64_t value,
		step;  /* the next element, and what makes the one after */
	uint64_t left; /* elements of the run */
};

/* The run of slots a, a-b or a-b/stride at the cursor. */
static bool slot_run(struct cursor *c)
{
	uint64_t a, b, step = 1;

	if (!number(&c->at, SLOTS - 1, &a))
		return false;
	b = a;
	if (*c->at == '-' && (!number_after(&c->at, '-', SLOTS - 1, &b) ||
			      !number_after(&c->at, '/', SLOTS, &step)))
		return false;
	if (b < a || !step)
		return false;
	*c = (struct cursor){c->at, a, step, (b - a) / step + 1};
	return true;
}

/* The run of sizes n or n*count. */
static bool size_run(struct cursor *c)
{
	uint64_t n, count = 1;

	if (!number(&c->at, PAGE_BYTES, &n) ||
	    !number_after(&c->at, '*', UINT32_MAX, &count) || !count)
		return false;
	*c = (struct cursor){c->at, n, 0, count};
	return true;
}

/* The next element: 1; 0 at the end of the list; -EINVAL: it is no list. */
static int next(struct cursor *c, bool (*run)(struct cursor *c), uint64_t *v)
{
	if (!c->left) {
		if (!*c->at)
			return 0;
		if (!run(c) || (*c->at && *c->at != ','))
			return -EINVAL;
		/* A comma promises more. */
		if (*c->at && !*++c->at)
			return -EINVAL;
	}
	*v = c->value;
	c->value += c->step;
	c->left--;
	return 1;
}

static struct cursor list_of(const char *word)
{
	return (struct cursor){.at = strcmp(word, "-") ? word : ""};
}

/* ---- operations ---- */

static int nothing_in(struct script *sc, const char *word)
{
	return strcmp(word, "-") ? say(sc, "this operation takes none:", word)
				 : 0;
}

static int do_init(struct script *sc, const struct step *st)
{
	struct pool *pool;
	int ret;

	(void)st;
	if (sc->dev.pool)
		zram_device_fini(&sc->dev);
	ret = pool_new(&pool, &pool_zsmalloc, NULL, sc->err);
	if (ret)
		return ret;
	zram_device_init(&sc->dev, pool);
	sc->vector = st->vector;
	return 0;
}

static int do_write(struct script *sc, const struct step *st)
{
	struct cursor slots = list_of(st->slots), sizes = list_of(st->sizes);
	uint64_t slot, size;
	int more, ret;

	while ((more = next(&slots, slot_run, &slot)) > 0) {
		ret = next(&sizes, size_run, &size);
		if (ret <= 0)
			return say(sc,
				   ret ? "not a list of sizes up to a page:"
				       : "not a size for each slot:",
				   st->sizes);
		ret = zram_write(&sc->dev, (uint32_t)slot, (uint32_t)size,
				 &sc->meter);
		if (ret && ret != -EIO)
			return ret;
		sc->refused |= ret == -EIO;
	}
	if (more)
		return say(sc, "not a list of slots:", st->slots);
	return next(&sizes, size_run, &size)
		       ? say(sc, "not a slot for each size:", st->sizes)
		       : 0;
}

/* Discarding and writing zeros both empty the slot. */
static int do_discard(struct script *sc, const struct step *st)
{
	struct cursor slots = list_of(st->slots);
	uint64_t slot;
	int more;

	while ((more = next(&slots, slot_run, &slot)) > 0)
		zram_discard(&sc->dev, (uint32_t)slot, &sc->meter);
	return more ? say(sc, "not a list of slots:", st->slots) : 0;
}

static int do_compact(struct script *sc, const struct step *st)
{
	(void)st;
	zram_compact(&sc->dev, &sc->meter);
	return 0;
}

static int do_limit(struct script *sc, const struct step *st)
{
	uint64_t bytes;

	if (!text_u64(st->sizes, &bytes))
		return say(sc, "not a number of bytes:", st->sizes);
	zram_set_limit(&sc->dev, bytes);
	return 0;
}

/* The kernel takes nothing but 0. */
static int do_resetmax(struct script *sc, const struct step *st)
{
	if (strcmp(st->sizes, "0"))
		return say(sc, "mem_used_max can only be set to 0, not",
			   st->sizes);
	zram_reset_max(&sc->dev);
	return 0;
}

static const struct {
	const char *word;
	bool slots, sizes; /* does it take any? */
	int (*run)(struct script *sc, const struct step *st);
} ops[] = {
	{"init", false, false, do_init},
	{"write", true, true, do_write},
	{"discard", true, false, do_discard},
	{"zeroout", true, false, do_discard},
	{"compact", false, false, do_compact},
	{"limit", false, true, do_limit},
	{"resetmax", false, true, do_resetmax},
};
#define NOPS (sizeof(ops) / sizeof(ops[0]))

static int unknown(const struct script *sc, const char *word)
{
	const char *names[NOPS], *near;

	for (size_t i = 0; i < NOPS; i++)
		names[i] = ops[i].word;
	near = text_nearest(word, names, NOPS);
	return err_set(sc->err, EINVAL, "%s:%d: no operation \"%s\"%s%s%s",
		       sc->file, sc->line, word,
		       near ? "; did you mean \"" : "", near ? near : "",
		       near ? "\"?" : "");
}

static int do_step(struct script *sc, const struct step *st)
{
	size_t i = 0;
	int ret = 0;

	while (i < NOPS && strcmp(ops[i].word, st->op))
		i++;
	if (i == NOPS)
		return unknown(sc, st->op);
	if (ops[i].run != do_init &&
	    (!sc->vector || strcmp(sc->vector, st->vector)))
		return say(sc, "init must be the first step of vector",
			   st->vector);
	if (!ops[i].slots)
		ret = nothing_in(sc, st->slots);
	if (!ret && !ops[i].sizes)
		ret = nothing_in(sc, st->sizes);
	sc->refused = false;
	return ret ? ret : ops[i].run(sc, st);
}

/* ---- rows ---- */

static void print_header(FILE *out)
{
	fputs("vector\tstep\top\tslots\tsizes\tresult", out);
#define X(name, unit) fputs("\t" #name, out);
	ZRAM_MM_STAT(X)
#undef X
	fputc('\n', out);
}

static void print_row(const struct script *sc, const struct step *st)
{
	struct zram_mm_stat mm = zram_mm_stat(&sc->dev);

	fprintf(sc->out, "%s\t%s\t%s\t%s\t%s\t%s", st->vector, st->number,
		st->op, st->slots, st->sizes, sc->refused ? "EIO" : "ok");
#define X(name, unit) fprintf(sc->out, "\t%" PRIu64, mm.name);
	ZRAM_MM_STAT(X)
#undef X
	fputc('\n', sc->out);
}

static int check(const struct script *sc)
{
	int ret = 0;

	if (sc->opts->paranoid)
		ret = zram_device_check(&sc->dev, stderr);
	return ret ? err_set(sc->err, EINVAL, "%s:%d: an invariant is broken",
			     sc->file, sc->line)
		   : 0;
}

static int do_line(struct script *sc, char *line)
{
	char *word[WORDS + 1];
	struct step st;
	int n = text_words(line, word, WORDS), ret;

	if (!n ||
	    (n > 1 && !strcmp(word[0], "vector") && !strcmp(word[1], "step")))
		return 0;
	if (n != WORDS && n != WORDS_TOLD)
		return err_set(sc->err, EINVAL,
			       "%s:%d: %d columns; expected vector, step, op, "
			       "slots, sizes, and maybe what a kernel answered",
			       sc->file, sc->line, n);
	st = (struct step){word[0], word[1], word[2], word[3], word[4]};
	ret = do_step(sc, &st);
	if (!ret)
		ret = check(sc);
	if (!ret)
		print_row(sc, &st);
	return ret;
}

int scenario_zram(const char *name, char *text, size_t n,
		  const struct scenario_opts *opts, FILE *out, struct err *err)
{
	struct script sc = {
		.file = name,
		.opts = opts,
		.out = out,
		.err = err,
	};
	char *p = text, *line;
	int ret = 0;

	if (opts->set && opts->set[0])
		return err_set(err, EINVAL,
			       "%s: zram steps are of one device, which takes "
			       "no tunables: %s",
			       name, opts->set[0]);
	meter_init(&sc.meter, NULL);
	print_header(out);
	while (!ret && (line = text_line(&p, text + n))) {
		sc.line++;
		ret = do_line(&sc, line);
	}
	if (!ret && !sc.vector)
		ret = err_set(err, EINVAL, "%s:%d: no vector in this file",
			      name, sc.line);
	if (opts->sum)
		meter_sum(opts->sum, &sc.meter);
	if (sc.dev.pool)
		zram_device_fini(&sc.dev);
	return ret;
}
