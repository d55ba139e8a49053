/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>

#include "sim/base/text.h"
#include "models/codec.h"

const struct codec_ops *const codecs[] = {
#define CODEC(name) &codec_##name,
#include "models/codecs.def"
#undef CODEC
	NULL,
};

const struct codec_ops *codec_find(const char *name, struct err *err)
{
	const char *names[sizeof(codecs) / sizeof(codecs[0])], *near;
	size_t n = 0;

	for (; codecs[n]; n++) {
		if (!strcmp(codecs[n]->name, name))
			return codecs[n];
		names[n] = codecs[n]->name;
	}
	near = text_nearest(name, names, n);
	if (near)
		err_set(err, EINVAL, "no codec \"%s\"; did you mean \"%s\"?",
			name, near);
	else
		err_set(err, EINVAL,
			"no codec \"%s\"; `dedupsim list codecs` names them all",
			name);
	return NULL;
}

int codec_check_level(const struct codec_ops *ops, unsigned level,
		      struct err *err)
{
	if (level >= ops->level_min && level <= ops->level_max)
		return 0;
	if (ops->level_min == ops->level_max && !ops->level)
		return err_set(err, EINVAL, "codec %s has no levels",
			       ops->name);
	if (ops->level_min == ops->level_max)
		return err_set(err, EINVAL, "codec %s has level %u only",
			       ops->name, ops->level);
	return err_set(err, EINVAL, "codec %s: level %u is not in %u … %u",
		       ops->name, level, ops->level_min, ops->level_max);
}

int codec_open(struct codec **out, const struct codec_ops *ops, unsigned level,
	       bool big_endian, struct err *err)
{
	int ret = codec_check_level(ops, level, err);

	return ret ? ret : ops->open(out, level, big_endian, err);
}

void codec_close(struct codec *c)
{
	if (c)
		c->ops->close(c);
}

/* ---- columns ---- */

static unsigned levels(const struct codec_ops *ops)
{
	return ops->level_max - ops->level_min + 1;
}

unsigned codec_column(const struct codec_ops *ops, unsigned level)
{
	unsigned column = level - ops->level_min;

	assert(level >= ops->level_min && level <= ops->level_max);
	for (size_t i = 0; codecs[i] != ops; i++)
		column += levels(codecs[i]);
	assert(column < CONTENT_EXTRAS);
	return column;
}

uint64_t codec_need(const struct codec_ops *ops, unsigned level)
{
	return NEED_EXTRA(codec_column(ops, level));
}

const uint16_t *codec_lengths(const struct content_set *s,
			      const struct codec_ops *ops, unsigned level)
{
	const uint16_t *v = s->extra[codec_column(ops, level)].value;

	assert(v);
	return v;
}

static int worker_open(const struct content_column *col, bool big_endian,
		       void **worker, struct err *err)
{
	struct codec *c;
	int ret = codec_open(&c, col->self, col->param, big_endian, err);

	*worker = ret ? NULL : c;
	return ret;
}

static int worker_value(void *worker, const uint8_t *page, uint16_t *value)
{
	struct codec *c = worker;
	int n = c->ops->length(c, page);

	if (n < 0)
		return n;
	*value = (uint16_t)n;
	return 0;
}

static void worker_close(void *worker)
{
	codec_close(worker);
}

static int add_column(struct content_set *s, const struct codec_ops *ops,
		      unsigned level, unsigned threads, struct err *err)
{
	struct content_column col = {
		.self = ops,
		.param = level,
		.open = worker_open,
		.value = worker_value,
		.close = worker_close,
	};

	if (level)
		snprintf(col.name, sizeof(col.name), "length %s level %u",
			 ops->name, level);
	else
		snprintf(col.name, sizeof(col.name), "length %s", ops->name);
	return content_set_add(s, codec_column(ops, level), &col, threads, err);
}

int codec_columns(struct content_set *s, uint64_t needs, unsigned threads,
		  struct err *err)
{
	uint64_t left = needs & NEED_EXTRAS & ~s->have;

	for (size_t i = 0; codecs[i]; i++) {
		const struct codec_ops *ops = codecs[i];

		for (unsigned l = ops->level_min; l <= ops->level_max; l++) {
			uint64_t bit = codec_need(ops, l);
			int ret = 0;

			if (left & bit)
				ret = add_column(s, ops, l, threads, err);
			if (ret)
				return ret;
			left &= ~bit;
		}
	}
	if (left)
		return err_set(err, ENOTSUP,
			       "no column of the contents is number %u",
			       ctz64(left));
	if (needs & ~s->have & NEED_STREAM)
		return codec_streams(s, &codec_lzo, codec_lzo.level, threads,
				     err);
	return 0;
}
