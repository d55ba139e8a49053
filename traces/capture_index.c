/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/units.h"
#include "traces/capture_index.h"

#define MS_MAX (UINT64_MAX / NS_PER_MSEC)
#define ID_MAX (UINT32_MAX - 2)

static int __attribute__((format(printf, 4, 5)))
line_err(struct err *err, const struct zin *z, uint64_t line, const char *fmt,
	 ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(err, EINVAL, "%s:%" PRIu64 ": %s", z->name, line, text);
}

/* Take the byte @want, which ends the field called @what. */
static int take(struct zin *z, uint64_t line, char want, const char *what,
		struct err *err)
{
	int c, ret = zin_peek(z, &c, err);

	if (ret)
		return ret;
	if (c == want) {
		z->from++;
		return 0;
	}
	if (c < 0)
		return line_err(err, z, line, "%s: the file ends inside a line",
				what);
	return line_err(err, z, line,
			want == '\t'   ? "%s: expected a tab behind it"
			: want == '\n' ? "%s: expected the end of the line"
				       : "%s: expected a space behind it",
			what);
}

/* A decimal number of at most @max, then the byte @end. */
static int take_number(struct zin *z, uint64_t line, uint64_t max, char end,
		       const char *what, uint64_t *out, struct err *err)
{
	uint64_t v = 0;
	unsigned digits = 0;

	for (;; digits++) {
		int c, ret = zin_peek(z, &c, err);
		uint64_t d = (uint64_t)(c - '0');

		if (ret)
			return ret;
		if (c < '0' || c > '9')
			break;
		if (d > max || v > (max - d) / 10)
			return line_err(err, z, line,
					"%s: greater than %" PRIu64, what, max);
		v = v * 10 + d;
		z->from++;
	}
	if (!digits)
		return line_err(err, z, line, "%s: expected a number", what);
	*out = v;
	return take(z, line, end, what, err);
}

/* Milliseconds with or without a fraction, of no use to us. */
static int take_pause(struct zin *z, uint64_t line, struct err *err)
{
	for (unsigned n = 0;; n++) {
		int c, ret = zin_peek(z, &c, err);

		if (ret)
			return ret;
		if (c != '.' && (c < '0' || c > '9')) {
			if (!n)
				return line_err(err, z, line,
						"pause_ms: expected a number");
			return take(z, line, '\t', "pause_ms", err);
		}
		z->from++;
	}
}

int capture_samples_read(struct capture_samples *s, struct zin *z,
			 struct err *err)
{
	for (;;) {
		uint64_t line = s->n + 1, number, ms, kept;
		int ret = zin_fill(z, err);

		if (ret <= 0) {
			if (!ret && !s->kept)
				return err_set(err, EINVAL,
					       "%s: no sample was kept",
					       z->name);
			return ret;
		}
		if ((ret = take_number(z, line, SIZE_MAX / 2, '\t', "sample",
				       &number, err)) ||
		    (ret = take_number(z, line, MS_MAX, '\t', "t_ms", &ms,
				       err)) ||
		    (ret = take_pause(z, line, err)) ||
		    (ret = take_number(z, line, 1, '\n', "kept", &kept, err)))
			return ret;
		if (number != s->n)
			return line_err(err, z, line,
					"sample %" PRIu64 ", expected %zu",
					number, s->n);
		if (s->n && ms < s->v[s->n - 1].ms)
			return line_err(err, z, line,
					"t_ms %" PRIu64
					" is before that of the line above",
					ms);
		ret = mem_reserve(&s->v, &s->cap, s->n + 1, sizeof(*s->v));
		if (ret)
			return ret;
		s->v[s->n++] = (struct capture_sample){ms, kept == 1};
		s->kept += kept == 1;
	}
}

void capture_samples_fini(struct capture_samples *s)
{
	mem_release(s->v, s->cap, sizeof(*s->v));
	*s = (struct capture_samples){0};
}

void capture_index_init(struct capture_index *ix, struct zin *z,
			const struct capture_samples *samples)
{
	*ix = (struct capture_index){.z = z, .samples = samples};
}

void capture_index_again(struct capture_index *ix, struct zin *z)
{
	assert(!ix->left);
	ix->z = z;
	ix->closed = true;
	ix->line = 0;
	ix->ids = 0;
	ix->run = (struct capture_run){0};
}

void capture_index_fini(struct capture_index *ix)
{
	mem_release(ix->guest, ix->guests_cap, sizeof(*ix->guest));
	*ix = (struct capture_index){0};
}

/* Printable bytes up to a tab. */
static int take_name(struct capture_index *ix, char name[CAPTURE_NAME_MAX + 1],
		     struct err *err)
{
	for (unsigned n = 0;; n++) {
		int c, ret = zin_peek(ix->z, &c, err);

		if (ret)
			return ret;
		if (c <= ' ' || c == 0x7f) {
			name[n] = 0;
			if (!n)
				return line_err(err, ix->z, ix->line,
						"guest: expected a name");
			return take(ix->z, ix->line, '\t', "guest", err);
		}
		if (n == CAPTURE_NAME_MAX)
			return line_err(err, ix->z, ix->line,
					"guest: name longer than %u bytes",
					CAPTURE_NAME_MAX);
		name[n] = (char)c;
		ix->z->from++;
	}
}

/* Number of the guest; a name not met yet is the next. */
static int guest_number(struct capture_index *ix, const char *name,
			uint32_t *out, struct err *err)
{
	size_t i = ix->run.guest;
	int ret;

	/* Mostly the guest of the line before, or the one behind it. */
	if (i < ix->guests && strcmp(ix->guest[i], name))
		for (i = 0; i < ix->guests && strcmp(ix->guest[i], name); i++)
			;
	*out = (uint32_t)i;
	if (i < ix->guests)
		return 0;
	if (ix->closed)
		return line_err(err, ix->z, ix->line,
				"guest %s: the file changed while it was read",
				name);
	if (i == CAPTURE_GUESTS_MAX)
		return line_err(err, ix->z, ix->line, "more than %u guests",
				CAPTURE_GUESTS_MAX);
	ret = mem_reserve(&ix->guest, &ix->guests_cap, i + 1,
			  sizeof(*ix->guest));
	if (ret)
		return ret;
	memcpy(ix->guest[i], name, strlen(name) + 1);
	ix->guests++;
	return 0;
}

/* Does run @r come behind the one before it? */
static int check_order(const struct capture_index *ix,
		       const struct capture_run *r, struct err *err)
{
	const struct capture_run *p = &ix->run;

	if (r->sample >= ix->samples->n || !ix->samples->v[r->sample].kept)
		return line_err(err, ix->z, ix->line,
				"sample %zu is not a kept one of samples.tsv",
				r->sample);
	if (ix->line == 1 || r->sample > p->sample)
		return 0;
	if (r->sample < p->sample)
		return line_err(err, ix->z, ix->line,
				"sample %zu comes behind sample %zu", r->sample,
				p->sample);
	if (r->guest < p->guest)
		return line_err(err, ix->z, ix->line,
				"guest %s comes behind guest %s",
				ix->guest[r->guest], ix->guest[p->guest]);
	if (r->guest == p->guest && r->first < p->first + p->count)
		return line_err(err, ix->z, ix->line,
				"page %" PRIu64 " comes behind page %" PRIu64,
				r->first, p->first + p->count - 1);
	return 0;
}

int capture_index_run(struct capture_index *ix, struct err *err)
{
	char name[CAPTURE_NAME_MAX + 1];
	struct capture_run r = {0};
	struct zin *z = ix->z;
	uint64_t sample;
	int ret = zin_fill(z, err);

	assert(!ix->left);
	if (ret <= 0)
		return ret;
	ix->line++;
	if ((ret = take_number(z, ix->line, SIZE_MAX / 2, '\t', "sample",
			       &sample, err)) ||
	    (ret = take_name(ix, name, err)) ||
	    (ret = take_number(z, ix->line, CAPTURE_PAGES_MAX - 1, '\t',
			       "first_pfn", &r.first, err)) ||
	    (ret = take_number(z, ix->line, CAPTURE_PAGES_MAX - r.first, '\t',
			       "count", &r.count, err)))
		return ret;
	if (!r.count)
		return line_err(err, z, ix->line, "count: 0 pages");
	r.sample = (size_t)sample;
	if ((ret = guest_number(ix, name, &r.guest, err)) ||
	    (ret = check_order(ix, &r, err)))
		return ret;
	if (r.first + r.count > ix->max_page) {
		if (ix->closed)
			return line_err(err, z, ix->line,
					"the file changed while it was read");
		ix->max_page = r.first + r.count;
	}
	ix->run = r;
	ix->left = r.count;
	return 1;
}

int capture_index_id(struct capture_index *ix, uint32_t *id, bool *fresh,
		     struct err *err)
{
	uint64_t v;
	int ret;

	assert(ix->left);
	ret = take_number(ix->z, ix->line, ID_MAX, ix->left > 1 ? ' ' : '\n',
			  "id", &v, err);
	if (ret)
		return ret;
	if (v > (uint64_t)ix->ids + 1 || (ix->closed && v > ix->max_id))
		return line_err(err, ix->z, ix->line,
				"id %" PRIu64
				": ids must be in order of first appearance, "
				"the next is %" PRIu32,
				v, ix->ids + 1);
	*id = (uint32_t)v;
	*fresh = v > ix->ids;
	if (*fresh)
		ix->ids = (uint32_t)v;
	if (!ix->closed)
		ix->max_id = ix->ids;
	ix->left--;
	return 0;
}
