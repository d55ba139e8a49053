/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * capture_index.h - the two text files of a capture container
 *
 *	samples.tsv  sample TAB t_ms TAB pause_ms TAB kept (0 or 1)
 *	index.tsv    sample TAB guest TAB first TAB count TAB id id ... id
 *
 * Samples are numbered from 0, their times do not decrease.  A line of the
 * index says what pages first ... first+count-1 of the guest hold from that
 *kept sample on.  Lines are ordered by sample, guest, page, without overlap;
 *ids are given in order of first appearance, so an id is at most one more than
 *the largest before; 0 is the page of zeros.
 *
 * Read token by token: a line may be as long as a guest is large.
 */
#ifndef DEDUPSIM_TRACES_CAPTURE_INDEX_H
#define DEDUPSIM_TRACES_CAPTURE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "traces/zin.h"

#define CAPTURE_GUESTS_MAX 1024u
#define CAPTURE_NAME_MAX 63u
#define CAPTURE_PAGES_MAX (UINT64_C(1) << 28) /* of one guest: 1 TiB */

struct capture_sample {
	uint64_t ms;
	bool kept;
};

struct capture_samples {
	struct capture_sample *v;
	size_t n, cap;
	size_t kept;
};

/* capture_samples_read - the whole table; -EINVAL names file and line.  @s must
 * be zero; capture_samples_fini() frees it after success and failure. */
int capture_samples_read(struct capture_samples *s, struct zin *z,
			 struct err *err);
void capture_samples_fini(struct capture_samples *s);

struct capture_run {
	size_t sample;
	uint32_t guest;
	uint64_t first, count; /* pages; count is at least 1 */
};

struct capture_index {
	struct zin *z; /* borrowed */
	const struct capture_samples *samples;
	uint64_t line;
	char (*guest)[CAPTURE_NAME_MAX + 1]; /* names in order */
	size_t guests, guests_cap;
	bool closed;		/* second reading: what was found must be all */
	uint32_t max_id;	/* largest met; when closed, largest allowed */
	uint32_t ids;		/* largest met in this reading */
	uint64_t max_page;	/* pages a guest must have for what was met */
	struct capture_run run; /* the present one */
	uint64_t left;		/* ids of it not taken yet */
};

void capture_index_init(struct capture_index *ix, struct zin *z,
			const struct capture_samples *samples);
/* capture_index_again - read the same text once more, from @z; it must name no
 * guest and no id that the first reading did not meet */
void capture_index_again(struct capture_index *ix, struct zin *z);
void capture_index_fini(struct capture_index *ix);

/*
 * capture_index_run - the next line into ix->run; its ids must all be taken
 * before the next call
 * Returns 1, 0 at the end, or -EINVAL naming file and line.
 */
int capture_index_run(struct capture_index *ix, struct err *err);
/* capture_index_id - the next id of the run; *@fresh: never met before */
int capture_index_id(struct capture_index *ix, uint32_t *id, bool *fresh,
		     struct err *err);

#endif
