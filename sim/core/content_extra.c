/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/base/par.h"
#include "sim/core/content_impl.h"

/* Such columns take microseconds a page. */
#define EXTRA_GRAIN 64u

struct extra_job {
	struct content_job pages;
	const struct content_column *col;
	uint16_t *value;
	void *worker[PAR_MAX];
};

static int extra_span(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	struct extra_job *job = ctx;

	for (uint32_t id = (uint32_t)lo; id < hi; id++) {
		int ret = job->col->value(
			job->worker[worker],
			content_job_page(&job->pages, id, worker, BUF_PAGE),
			&job->value[id]);

		if (ret)
			return ret;
	}
	return 0;
}

static int extra_run(struct extra_job *job, struct err *err)
{
	const struct content_set *s = job->pages.s;
	unsigned threads = job->pages.threads, n = 0;
	int ret = 0;

	for (; !ret && n < threads; n++)
		ret = job->col->open(job->col, s->source.big_endian,
				     &job->worker[n], err);
	if (ret)
		n--; /* the last one was not opened */
	else
		ret = par_for(threads, s->count, EXTRA_GRAIN, extra_span, job);
	while (n--)
		job->col->close(job->worker[n]);
	return ret;
}

int content_set_add(struct content_set *s, unsigned extra,
		    const struct content_column *col, unsigned threads,
		    struct err *err)
{
	struct extra_job job = {.col = col};
	int ret = -ENOMEM;

	assert(extra < CONTENT_EXTRAS && !s->extra[extra].value && threads);
	if (!s->source.bytes)
		return err_set(err, ENOTSUP,
			       "column %s: the input holds no page contents",
			       col->name);
	job.pages.s = s;
	job.pages.threads = threads < PAR_MAX ? threads : PAR_MAX;
	job.pages.buf =
		mem_zalloc((size_t)job.pages.threads * BUF_COUNT, PAGE_BYTES);
	job.value = mem_zalloc(s->count, sizeof(*job.value));
	if (job.pages.buf && job.value)
		ret = extra_run(&job, err);
	free(job.pages.buf);
	if (ret) {
		free(job.value);
		return ret;
	}
	s->extra[extra].value = job.value;
	s->extra[extra].how = *col;
	s->have |= NEED_EXTRA(extra);
	return 0;
}
