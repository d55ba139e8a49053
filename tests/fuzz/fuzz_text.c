/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "traces/text.h"
#include "traces/writer.h"
#include "tests/fuzz/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int to_page(void *w, uint32_t id, const uint8_t *page, struct err *err)
{
	(void)id;
	return trace_writer_page(w, page, err);
}

static int to_event(void *w, const struct event *ev, struct err *err)
{
	return trace_writer_event(w, ev, err);
}

/* What can be read can be written, and says the same. */
static void pack(struct trace *t)
{
	struct trace_writer_opts o = {.level = 1};
	struct trace_visitor v = {to_page, to_event, NULL};
	const struct trace_header *h = t->ops->header(t);
	struct trace_header got;
	struct trace_writer *w;
	struct err err = {0};

	if (trace_writer_new(&w, "/dev/null", &o, &err))
		abort();
	v.ctx = w;
	if (trace_each(t, 1, &v, &err) || trace_writer_commit(w, &got, &err))
		abort();
	if (got.digest.lo != h->digest.lo || got.digest.hi != h->digest.hi ||
	    got.events != h->events || got.contents != h->contents)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct feed f = feed_open(data, n);
	struct trace *t = NULL;
	struct err err = {0};
	struct os_out out;

	if (trace_open(&t, f.path, &err)) {
		if (!err.text[0])
			abort();
		feed_close(&f);
		return 0;
	}
	if (trace_verify(t, 1, &err) && !err.text[0])
		abort();
	pack(t);
	if (os_out_open(&out, "/dev/null", NULL) ||
	    text_from_trace(t, 1, &out, NULL) || os_out_commit(&out, NULL))
		abort();
	trace_close(t);
	feed_close(&f);
	return 0;
}
