/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lists of accesses, and text that includes other text: whatever is written,
 * there are events or one line that says where it goes wrong; events come out
 * the same twice, and page caches keep their invariants.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/feed.h"
#include "workloads/filecache.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX 4096u
#define EVENTS_MAX 2000000u

/* Few pages are written or read in all, for speed. */
static bool small(const uint8_t *p, size_t n)
{
	unsigned digits = 0, lines = 0;

	for (size_t i = 0; i < n; i++) {
		digits = p[i] >= '0' && p[i] <= '9' ? digits + 1 : 0;
		lines += p[i] == '\n';
		if (digits == 5 && lines > 4)
			return false;
	}
	return true;
}

static uint64_t sum(struct workload *w)
{
	struct event ev;
	uint64_t n = 0, h = 0;

	while (n < EVENTS_MAX && w->ops->next(w, &ev, 1)) {
		h = splitmix64(h ^ hash_xxh3(&ev, sizeof(ev)));
		n++;
	}
	if (n < EVENTS_MAX && n != w->events)
		abort();
	return h;
}

static void accesses(const uint8_t *data, size_t size)
{
	struct feed f = feed_open(data, size);
	struct err err = {0};
	struct workload *w;
	char words[160];
	uint64_t first;
	int ret;

	snprintf(words, sizeof(words),
		 "filecache:list=%s,units=2,headers=2,guests=3,cache=0",
		 f.path);
	ret = workload_start(&w, words, 1, &err);
	feed_close(&f);
	if (!ret != !err.text[0] || strchr(err.text, '\n'))
		abort();
	if (ret)
		return;
	first = sum(w);
	w->ops->rewind(w);
	if (sum(w) != first)
		abort();
	for (unsigned g = 0; g < 3; g++)
		if (pagecache_check(&((struct filecache *)w)->guest[g].cache,
				    stderr))
			abort();
	workload_stop(w);
}

static void sources(const uint8_t *data, size_t size)
{
	static const char *const path[] = {"a.c", "d/a.h", "include/d/a.h"};
	struct filetree t;

	filetree_init(&t);
	for (unsigned i = 0; i < 3; i++)
		if (filetree_add(&t, path[i], data, size, NULL))
			abort();
	if (filetree_end(&t) || filetree_add_build(&t, 0, NULL))
		abort();
	for (size_t i = 0; i < t.nincludes; i++)
		if (t.include[i].file != FILE_NONE &&
		    t.include[i].file >= t.tree_files)
			abort();
	filetree_fini(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > INPUT_MAX)
		return 0;
	if (small(data, size))
		accesses(data, size);
	sources(data, size);
	return 0;
}
