/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "traces/digest.h"
#include "traces/rules.h"
#include "sim/run/workload_trace.h"

#define BLOCK 1024u

struct made {
	struct trace base;
	struct workload *w;
	struct trace_header header;
	uint64_t first; /* number of block[0] */
	size_t n;
	struct event block[BLOCK];
};

static const struct trace_header *made_header(const struct trace *t)
{
	return &((const struct made *)t)->header;
}

static int made_contents(struct trace *t, unsigned threads,
			 struct content_source *src, struct err *err)
{
	(void)threads;
	(void)err;
	*src = workload_source(((struct made *)t)->w);
	return 0;
}

static void made_drop(struct trace *t)
{
	(void)t;
}

static int made_next(struct trace *t, const struct event **ev, size_t *n,
		     struct err *err)
{
	struct made *d = (struct made *)t;

	(void)err;
	d->first += d->n;
	d->n = d->w->ops->next(d->w, d->block, BLOCK);
	*ev = d->block;
	*n = d->n;
	return d->n > 0;
}

static int made_rewind(struct trace *t, struct err *err)
{
	struct made *d = (struct made *)t;

	(void)err;
	d->w->ops->rewind(d->w);
	d->first = d->n = 0;
	return 0;
}

static void made_where(const struct trace *t, size_t i, char *buf, size_t n)
{
	const struct made *d = (const struct made *)t;

	snprintf(buf, n, "workload %s: event %" PRIu64, d->w->ops->name,
		 d->first + i);
}

static int made_check(struct trace *t, struct err *err)
{
	(void)t;
	(void)err;
	return 0;
}

static void made_close(struct trace *t)
{
	struct made *d = (struct made *)t;

	if (!d)
		return;
	workload_stop(d->w);
	free(d);
}

static const struct trace_reader_ops made_ops = {
	.name = "workload",
	.summary = "made up",
	.header = made_header,
	.contents = made_contents,
	.drop = made_drop,
	.next = made_next,
	.rewind = made_rewind,
	.where = made_where,
	.check = made_check,
	.close = made_close,
};

static int digest(struct made *d)
{
	struct trace_digest sum;
	uint8_t buf[PAGE_BYTES];
	const struct event *ev;
	struct event tidy;
	size_t n;
	int ret = trace_digest_init(&sum);

	if (ret)
		return ret;
	for (uint32_t id = 1; id < d->w->contents; id++)
		trace_digest_page(&sum, d->w->ops->bytes(d->w, id, buf));
	while (made_next(&d->base, &ev, &n, NULL) > 0)
		for (size_t i = 0; i < n; i++) {
			tidy = event_tidy(&ev[i]);
			trace_digest_event(&sum, &tidy);
		}
	d->header.digest = trace_digest_get(&sum);
	trace_digest_fini(&sum);
	return made_rewind(&d->base, NULL);
}

int workload_trace_open(struct trace **out, const char *words, uint64_t seed,
			struct err *err)
{
	struct made *d = mem_zalloc(1, sizeof(*d));
	int ret;

	if (!d)
		return -ENOMEM;
	d->base = (struct trace){&made_ops, words};
	ret = err_usage(err, workload_start(&d->w, words, seed, err));
	if (!ret) {
		d->header = (struct trace_header){
			.major = TRACE_MAJOR,
			.minor = TRACE_MINOR,
			.has_reads = d->w->has_reads,
			.contents = d->w->contents,
			.spaces = d->w->spaces,
			.events = d->w->events,
			.end = d->w->end,
		};
		ret = digest(d);
	}
	if (ret) {
		made_close(&d->base);
		return ret;
	}
	*out = &d->base;
	return 0;
}
