/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * content_impl.h - what the parts of the content set share; private to them
 *
 *	content.c          making and freeing, range minimum
 *	content_columns.c  one pass over the bytes: heads, checksums, lengths
 *	content_extra.c    columns that others know how to make
 *	content_sort.c     ranks and prefixes
 *	content_check.c    everything once more, slowly
 */
#ifndef DEDUPSIM_CORE_CONTENT_IMPL_H
#define DEDUPSIM_CORE_CONTENT_IMPL_H

#include "sim/core/content.h"

/* Each worker holds two pages at a time: one to compare with, one it reads;
 * both with their lines in another order, too. */
enum content_buf { BUF_PIVOT, BUF_PAGE, BUF_KINDS, BUF_COUNT = 2 * BUF_KINDS };

struct content_job {
	struct content_set *s;
	unsigned threads;
	bool words;   /* sort by words, for word_rank */
	uint8_t *buf; /* BUF_COUNT pages per thread, zeros at first */
	/* The equal pair with the lowest second id; b == 0: none. */
	uint32_t twin_a, twin_b;
};

static inline const uint8_t *content_job_page(const struct content_job *job,
					      uint32_t id, unsigned worker,
					      enum content_buf which)
{
	const struct content_source *src = &job->s->source;
	size_t at = (size_t)worker * BUF_COUNT + which;

	if (!id)
		return content_zero;
	return src->bytes(src->self, id, job->buf + at * PAGE_BYTES);
}

/* The page in the order in which it is compared. */
static inline const uint8_t *content_job_sorted(const struct content_job *job,
						uint32_t id, unsigned worker,
						enum content_buf which)
{
	size_t at = (size_t)worker * BUF_COUNT + BUF_KINDS + which;

	return content_scatter(job->s,
			       content_job_page(job, id, worker, which),
			       job->buf + at * PAGE_BYTES);
}

/* The words of a sparse source's content. */
static inline void content_job_sparse(const struct content_job *job,
				      uint32_t id, struct content_sparse *out)
{
	const struct content_source *src = &job->s->source;

	out->n = 0;
	if (id)
		src->sparse(src->self, id, out);
}

/* content_sparse_sorted - put the words where they are compared */
void content_sparse_sorted(const struct content_set *s,
			   struct content_sparse *few);

/* content_columns - fill every column that is read off one page at a time */
int content_columns(struct content_job *job);

/* content_sort - fill rank and by_rank, and prefix unless it is NULL; twins are
 * left in @job; with @job->words, fill word_rank alone */
int content_sort(struct content_job *job);

/* content_checksum - the number that kernel code would have kept */
uint32_t content_checksum(const uint8_t *page, enum checksum c,
			  bool big_endian);

#endif
