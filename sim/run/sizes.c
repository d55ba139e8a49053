/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "traces/trace.h"
#include "sim/run/sizes.h"

#define TERMS 12u
#define DEFAULT_CODEC "lzo-rle"

static const char *const kinds[] = {
	[SIZES_NORMAL] = "normal",
	[SIZES_UNIFORM] = "uniform",
	[SIZES_FIXED] = "fixed",
	[SIZES_TRACE] = "trace",
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* ---- drawing ---- */

/* In units of 2^-32, rounded to the nearest, halves up. */
static uint32_t draw_normal(const struct sizes *s, struct prng *r)
{
	int64_t x = (int64_t)s->a << 32, sum = 0;

	for (unsigned i = 0; i < TERMS; i++)
		sum += (int64_t)(prng_next(r) >> 32);
	sum -= TERMS / 2 * (int64_t)UINT32_MAX;
	x += sum * (int64_t)s->b + (INT64_C(1) << 31);
	if (x < (int64_t)s->least << 32)
		return s->least;
	return x >> 32 > s->most ? s->most : (uint32_t)(x >> 32);
}

static uint32_t draw_trace(const struct sizes *s, struct prng *r)
{
	uint64_t x = prng_below(r, s->total);
	uint32_t lo = s->least, hi = s->most;

	/* The shortest length with more than @x objects up to it. */
	while (lo < hi) {
		uint32_t mid = (lo + hi) / 2;

		if (s->up_to[mid] > x)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

uint32_t sizes_draw(const struct sizes *s, struct prng *r)
{
	switch (s->kind) {
	case SIZES_NORMAL:
		return draw_normal(s, r);
	case SIZES_UNIFORM:
		return s->a + (uint32_t)prng_below(r, s->b - s->a + 1);
	case SIZES_TRACE:
		return draw_trace(s, r);
	case SIZES_FIXED:
		break;
	}
	return s->a;
}

/* ---- traces ---- */

/* How often each length was written, into s->up_to, not yet summed up. */
static int count_writes(struct sizes *s, struct trace *t,
			const struct content_set *c, const uint16_t *length,
			struct err *err)
{
	const struct event *ev;
	uint64_t word;
	size_t n;
	int ret;

	while ((ret = t->ops->next(t, &ev, &n, err)) > 0) {
		for (size_t i = 0; i < n; i++) {
			uint32_t bytes;

			if (ev[i].op != EV_WRITE ||
			    content_is_same(c, ev[i].content, &word))
				continue;
			bytes = length[ev[i].content];
			s->up_to[bytes < PAGE_BYTES ? bytes : PAGE_BYTES]++;
			s->total++;
		}
	}
	return ret;
}

static void sum_up(struct sizes *s)
{
	s->least = s->most = 0;
	for (uint32_t i = 1; i <= PAGE_BYTES; i++) {
		if (s->up_to[i])
			s->most = i;
		if (s->up_to[i] && !s->least)
			s->least = i;
		s->up_to[i] += s->up_to[i - 1];
	}
}

static int count_lengths(struct sizes *s, struct trace *t, unsigned threads,
			 struct err *err)
{
	const struct codec_ops *codec = s->codec;
	struct content_source src;
	struct content_set *c;
	int ret = t->ops->contents(t, threads, &src, err);

	if (ret)
		return ret;
	ret = content_set_new(&c, &src, NEED_SAME, threads, err);
	if (ret)
		return ret;
	ret = codec_columns(c, codec_need(codec, codec->level), threads, err);
	if (!ret)
		ret = count_writes(s, t, c,
				   codec_lengths(c, codec, codec->level), err);
	if (!ret && !s->total)
		ret = err_set(err, EINVAL,
			      "%s: no page in it would be compressed", s->path);
	content_set_free(c);
	return ret;
}

int sizes_load(struct sizes *s, unsigned threads, struct err *err)
{
	struct trace *t;
	int ret;

	if (s->kind != SIZES_TRACE)
		return 0;
	assert(!s->up_to);
	s->up_to = mem_zalloc(PAGE_BYTES + 1, sizeof(*s->up_to));
	if (!s->up_to)
		return -ENOMEM;
	ret = trace_open(&t, s->path, err);
	if (ret)
		return ret;
	ret = count_lengths(s, t, threads, err);
	if (!ret)
		sum_up(s);
	trace_close(t);
	return ret;
}

/* ---- words ---- */

/* "A" or "A,B": exactly @n numbers up to a page. */
static int parse_numbers(const char *words, uint32_t *v, unsigned n,
			 struct err *err)
{
	const char *p = words;

	for (unsigned i = 0; i < n; i++) {
		uint64_t x = 0;
		size_t len = strcspn(p, ",");
		char digits[24];
		bool last = i == n - 1;

		if (len < sizeof(digits)) {
			memcpy(digits, p, len);
			digits[len] = '\0';
		}
		if (len >= sizeof(digits) || !text_u64(digits, &x) ||
		    (p[len] == ',') == last)
			return err_set(err, EINVAL, "%s expected, not \"%s\"",
				       n == 1 ? "one number of bytes"
					      : "two numbers of bytes, A,B,",
				       words);
		if (x > PAGE_BYTES)
			return err_set(err, EINVAL,
				       "%" PRIu64 " bytes are more than a page",
				       x);
		v[i] = (uint32_t)x;
		p += len + 1;
	}
	return 0;
}

static int parse_lengths(struct sizes *s, const char *words, struct err *err)
{
	uint32_t v[2] = {0};
	int ret = parse_numbers(words, v, s->kind == SIZES_FIXED ? 1 : 2, err);

	if (ret)
		return ret;
	s->a = v[0];
	s->b = s->kind == SIZES_FIXED ? v[0] : v[1];
	if (!s->a)
		return err_set(err, EINVAL, "an object of 0 bytes");
	if (s->b < s->a && s->kind == SIZES_UNIFORM)
		return err_set(err, EINVAL, "%" PRIu32 " is more than %" PRIu32,
			       s->a, s->b);
	s->least = s->kind == SIZES_NORMAL ? SIZES_LEAST : s->a;
	s->most = s->kind == SIZES_NORMAL ? PAGE_BYTES : s->b;
	return 0;
}

/* FILE or FILE:CODEC */
static int parse_trace(struct sizes *s, const char *words, struct err *err)
{
	const char *colon = strrchr(words, ':'), *codec = DEFAULT_CODEC;
	size_t n = strlen(words);

	if (colon && !strchr(colon, '/')) {
		n = (size_t)(colon - words);
		codec = colon + 1;
	}
	if (!n)
		return err_set(err, EINVAL, "a file is missing");
	s->codec = codec_find(codec, err);
	if (!s->codec)
		return -EINVAL;
	s->path = malloc(n + 1);
	if (!s->path)
		return -ENOMEM;
	memcpy(s->path, words, n);
	s->path[n] = '\0';
	return 0;
}

int sizes_parse(struct sizes *s, const char *words, struct err *err)
{
	const char *colon = strchr(words, ':');
	size_t n = colon ? (size_t)(colon - words) : 0;
	int ret;

	*s = (struct sizes){0};
	for (unsigned k = 0; colon && k < KINDS; k++) {
		if (strlen(kinds[k]) != n || strncmp(words, kinds[k], n))
			continue;
		s->kind = (enum sizes_kind)k;
		ret = s->kind == SIZES_TRACE ? parse_trace(s, colon + 1, err)
					     : parse_lengths(s, colon + 1, err);
		return err_prefix(err, ret, "sizes %s", words);
	}
	return err_set(err, EINVAL,
		       "sizes \"%s\": expected normal:MEAN,SD, uniform:LO,HI, "
		       "fixed:N or trace:FILE[:CODEC]",
		       words);
}

void sizes_fini(struct sizes *s)
{
	free(s->up_to);
	free(s->path);
	*s = (struct sizes){0};
}
