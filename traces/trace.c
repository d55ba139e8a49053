/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/os.h"
#include "traces/digest.h"
#include "traces/rules.h"
#include "traces/trace.h"

#define MAGIC_MAX 32u

const struct trace_reader_ops *const trace_readers[] = {
#define READER(name) &reader_##name,
#include "traces/readers.def"
#undef READER
	NULL,
};

int trace_open(struct trace **out, const char *path, struct err *err)
{
	uint8_t start[MAGIC_MAX];
	struct os_file f;
	size_t n;
	int ret = os_open(&f, path, err);

	if (ret)
		return ret;
	n = f.bytes < MAGIC_MAX ? (size_t)f.bytes : MAGIC_MAX;
	ret = os_read_at(&f, 0, start, n, err);
	os_close(&f);
	if (ret)
		return ret;
	for (unsigned i = 0; trace_readers[i]; i++)
		if (trace_readers[i]->magic(start, n))
			return trace_readers[i]->open(out, path, err);
	return err_set(err, EINVAL, "%s: %s", path,
		       n ? "not a trace: neither binary nor a text that starts "
			   "with \"dedupsim-trace 1.0\""
			 : "the file is empty, a trace was expected");
}

void trace_close(struct trace *t)
{
	if (t)
		t->ops->close(t);
}

/* ---- contents and events in canonical order ---- */

struct walk {
	const struct trace_visitor *v;
	struct content_source src;
	uint32_t next; /* content to hand out */
};

static int give_pages(struct walk *w, uint32_t upto, struct err *err)
{
	uint8_t buf[PAGE_BYTES];
	int ret = 0;

	for (; !ret && w->next < upto; w->next++)
		ret = w->v->page(w->v->ctx, w->next,
				 w->src.bytes(w->src.self, w->next, buf), err);
	return ret;
}

static int give_events(struct walk *w, const struct event *ev, size_t n,
		       struct err *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < n; i++) {
		uint32_t id = ev[i].op == EV_WRITE ? ev[i].content
			      : ev[i].op == EV_PUT ? ev[i].stored
						   : 0;

		if (id >= w->next)
			ret = give_pages(w, id + 1, err);
		if (!ret)
			ret = w->v->event(w->v->ctx, &ev[i], err);
	}
	return ret;
}

int trace_each(struct trace *t, unsigned threads, const struct trace_visitor *v,
	       struct err *err)
{
	struct walk w = {.v = v, .next = 1};
	const struct event *ev;
	size_t n;
	int ret = t->ops->rewind(t, err);

	if (!ret)
		ret = t->ops->contents(t, threads, &w.src, err);
	if (ret)
		return ret;
	while ((ret = t->ops->next(t, &ev, &n, err)) == 1) {
		ret = give_events(&w, ev, n, err);
		if (ret)
			break;
	}
	if (!ret)
		ret = give_pages(&w, w.src.count, err);
	t->ops->drop(t);
	return ret;
}

/* ---- verify ---- */

struct totals {
	struct trace_digest digest;
	uint64_t events;
	uint32_t contents, spaces;
	ns_t end;
};

static int count_page(void *ctx, uint32_t id, const uint8_t *page,
		      struct err *err)
{
	struct totals *sum = ctx;

	(void)err;
	trace_digest_page(&sum->digest, page);
	sum->contents = id + 1;
	return 0;
}

static int count_event(void *ctx, const struct event *ev, struct err *err)
{
	struct totals *sum = ctx;
	struct event e = event_tidy(ev);

	(void)err;
	trace_digest_event(&sum->digest, &e);
	sum->events++;
	sum->spaces += ev->op == EV_SPACE || ev->op == EV_FORK;
	sum->end = ev->time;
	return 0;
}

static int compare_totals(const struct trace *t, struct totals *sum,
			  struct err *err)
{
	const struct trace_header *h = t->ops->header(t);
	struct digest d = trace_digest_get(&sum->digest);

	if (sum->contents != h->contents || sum->spaces != h->spaces ||
	    sum->events != h->events || sum->end.v != h->end.v)
		return err_set(err, EINVAL,
			       "%s: the totals are not those of the footer",
			       t->path);
	if (d.lo != h->digest.lo || d.hi != h->digest.hi)
		return err_set(err, EINVAL,
			       "%s: digest %016" PRIx64 "%016" PRIx64
			       ", the footer says %016" PRIx64 "%016" PRIx64,
			       t->path, d.hi, d.lo, h->digest.hi, h->digest.lo);
	return 0;
}

/* Sorting the contents finds equal ones. */
static int verify_distinct(struct trace *t, unsigned threads, struct err *err)
{
	struct content_source src;
	struct content_set *set = NULL;
	int ret = t->ops->contents(t, threads, &src, err);

	if (ret)
		return ret;
	ret = content_set_new(&set, &src, NEED_RANK, threads ? threads : 1,
			      err);
	content_set_free(set);
	t->ops->drop(t);
	return ret;
}

int trace_verify(struct trace *t, unsigned threads, struct err *err)
{
	struct totals *sum = calloc(1, sizeof(*sum));
	struct trace_visitor v = {count_page, count_event, sum};
	int ret;

	if (!sum)
		return -ENOMEM;
	ret = trace_digest_init(&sum->digest);
	if (ret)
		goto out;
	sum->contents = 1;
	ret = t->ops->check(t, err);
	if (!ret)
		ret = trace_each(t, threads, &v, err);
	if (!ret)
		ret = compare_totals(t, sum, err);
	trace_digest_fini(&sum->digest);
	if (!ret)
		ret = verify_distinct(t, threads, err);
out:
	free(sum);
	return ret;
}
