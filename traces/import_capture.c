/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/core/pages.h"
#include "traces/capture_index.h"
#include "traces/import.h"

/*
 * A capture container: a directory with these files, each plain or as .zst.
 *
 *	pages.bin    contents 1, 2, 3 … in order of first appearance
 *	index.tsv    which content each page holds (capture_index.h)
 *	hashes.bin   for each sample, guest, page: 64 bits little-endian, 0 for
 *		     a page of zeros, else its XXH3 with the lowest bit set
 *	samples.tsv  when the samples were taken, which were kept
 *
 * The index is read twice.  First for what it names: guests, contents, and
 * which of them a window needs.  Then page by page beside the other two files,
 * which are both in its order, so nothing is held but numbers; only a content
 * that appears outside the window first and inside later has to wait.
 */
struct capture {
	struct import *im;
	const char *dir;
	struct zin index, pages, hashes;
	struct capture_samples samples;
	struct capture_index ix;
	bool have;	 /* ix.run is still to be used */
	uint64_t npages; /* of each guest */
	uint32_t *state; /* by guest, page: content number of the container */
	struct intern in;
	/* By content number of the container. */
	uint64_t *hash;
	uint32_t *given; /* id in the trace, 0 none yet */
	uint8_t **kept;	 /* waits for its place in the trace */
	uint64_t *used;	 /* bitmap: the window needs it; with a window only */
	size_t used_cap;
	uint32_t next; /* id of the trace */
	uint32_t loaded;
	uint8_t page[PAGE_BYTES]; /* content number @loaded */
	/* for stored_bytes() */
	struct err *err;
	int ret;
};

static bool capture_claims(const char *operand)
{
	struct os_file f;
	int ret = os_open(&f, operand, NULL);

	if (!ret)
		os_close(&f);
	return ret == -EISDIR;
}

static bool in_window(const struct import *im, uint64_t page)
{
	return !im->count ||
	       (page >= im->first && page - im->first < im->count);
}

static bool is_used(const struct capture *c, uint32_t id)
{
	return c->used_cap > id / 64 && c->used[id / 64] >> (id % 64) & 1;
}

static int read_samples(struct capture *c, struct err *err)
{
	struct zin z;
	int ret = zin_open(&z, c->dir, "samples.tsv", UINT32_MAX, err);

	if (!ret)
		ret = capture_samples_read(&c->samples, &z, err);
	zin_close(&z);
	return ret;
}

static int open_index(struct capture *c, struct err *err)
{
	zin_close(&c->index);
	return zin_open(&c->index, c->dir, "index.tsv", UINT64_MAX, err);
}

/* First reading: guests, contents, what the window needs. */
static int survey(struct capture *c, struct err *err)
{
	struct capture_index *ix = &c->ix;
	int ret = open_index(c, err);

	capture_index_init(ix, &c->index, &c->samples);
	while (!ret && (ret = capture_index_run(ix, err)) == 1) {
		uint64_t page = ix->run.first;
		uint32_t id;
		bool fresh;

		for (ret = 0; ix->left && !ret; page++) {
			ret = capture_index_id(ix, &id, &fresh, err);
			if (ret || !c->im->count || !in_window(c->im, page))
				continue;
			ret = mem_reserve(&c->used, &c->used_cap, id / 64 + 1,
					  sizeof(*c->used));
			if (!ret)
				c->used[id / 64] |= UINT64_C(1) << (id % 64);
		}
	}
	if (!ret && !ix->guests)
		ret = err_set(err, EINVAL, "%s: names no guest", c->index.name);
	return ret;
}

/* The guests' size is told by nothing but the length of the hashes. */
static int measure(struct capture *c, struct err *err)
{
	uint64_t per = c->samples.n * c->ix.guests * sizeof(uint64_t), n = 0;
	uint64_t max = CAPTURE_PAGES_MAX * per / per == CAPTURE_PAGES_MAX
			       ? CAPTURE_PAGES_MAX * per
			       : UINT64_MAX;
	struct zin z;
	int ret = zin_open(&z, c->dir, "hashes.bin", max, err);

	while (!ret && (ret = zin_fill(&z, err)) == 1) {
		z.from = z.to;
		ret = 0;
	}
	if (!ret)
		n = zin_tell(&z);
	c->npages = n / per;
	if (!ret && (!n || n % per))
		ret = err_set(err, EINVAL,
			      "%s: %" PRIu64 " bytes, expected a multiple of "
			      "%" PRIu64 " (%zu samples of %zu guests)",
			      z.name, n, per, c->samples.n, c->ix.guests);
	if (!ret && c->npages < c->ix.max_page)
		ret = err_set(err, EINVAL,
			      "%s: guests of %" PRIu64 " pages, but the index "
			      "names page %" PRIu64,
			      z.name, c->npages, c->ix.max_page - 1);
	zin_close(&z);
	return ret;
}

static int allocate(struct capture *c)
{
	size_t n = (size_t)c->ix.max_id + 1;

	if (c->npages > SIZE_MAX / c->ix.guests)
		return -ENOMEM;
	c->state =
		mem_zalloc((size_t)c->npages * c->ix.guests, sizeof(*c->state));
	c->hash = mem_zalloc(n, sizeof(*c->hash));
	c->given = mem_zalloc(n, sizeof(*c->given));
	c->kept = mem_zalloc(c->im->count ? n : 1, sizeof(*c->kept));
	return c->state && c->hash && c->given && c->kept ? 0 : -ENOMEM;
}

/* A content that was read long ago; only asked for when two digests agree. */
static const uint8_t *stored_bytes(void *ctx, uint32_t id, uint8_t *buf)
{
	struct capture *c = ctx;
	struct zin z;

	memset(buf, 0, PAGE_BYTES);
	if (c->ret)
		return buf;
	c->ret = zin_open(&z, c->dir, "pages.bin", c->pages.max, c->err);
	for (uint32_t i = 0; i < id && !c->ret; i++)
		c->ret = zin_read(&z, buf, PAGE_BYTES, c->err);
	zin_close(&z);
	return buf;
}

/* Content @id is next in pages.bin and appears now at @page. */
static int load(struct capture *c, uint32_t id, uint64_t page, struct err *err)
{
	uint64_t at = zin_tell(&c->pages);
	struct import *im = c->im;
	uint32_t as;
	int ret = zin_read(&c->pages, c->page, PAGE_BYTES, err);

	if (ret)
		return ret;
	c->err = err;
	ret = intern_page(&c->in, c->page, NULL, stored_bytes, c, &as);
	if (ret < 0 || c->ret)
		return c->ret ? c->ret : ret;
	if (!ret)
		return err_set(err, EINVAL,
			       as ? "%s: offset %" PRIu64 ": content %" PRIu32
				    " is equal to content %" PRIu32
				  : "%s: offset %" PRIu64 ": content %" PRIu32
				    " is all zeros, which is content %" PRIu32,
			       c->pages.name, at, id, as);
	assert(as == id);
	c->hash[id] = hash_xxh3(c->page, PAGE_BYTES) | 1;
	c->loaded = id;
	if (in_window(im, page) || !is_used(c, id))
		return 0;
	c->kept[id] = malloc(PAGE_BYTES);
	if (!c->kept[id])
		return -ENOMEM;
	memcpy(c->kept[id], c->page, PAGE_BYTES);
	return 0;
}

/* The trace's id of content @id; its bytes are written when it has none. */
static int give_id(struct capture *c, uint32_t id, uint32_t *out,
		   struct err *err)
{
	int ret;

	if (id && !c->given[id]) {
		const uint8_t *page = c->loaded == id ? c->page : c->kept[id];

		if (!page)
			return err_set(err, EIO,
				       "%s: changed while it was imported",
				       c->index.name);
		ret = import_page(c->im, page, err);
		if (ret)
			return ret;
		c->given[id] = c->next++;
		if (c->im->count) {
			free(c->kept[id]);
			c->kept[id] = NULL;
		}
	}
	*out = c->given[id];
	return 0;
}

static int bad_hash(const struct capture *c, size_t sample, size_t guest,
		    uint64_t page, uint64_t is, const char *what,
		    struct err *err)
{
	return err_set(err, EINVAL,
		       "%s: offset %" PRIu64 ": sample %zu, guest %s, page "
		       "%" PRIu64 ": hash %016" PRIx64 " %s",
		       c->hashes.name, zin_tell(&c->hashes) - sizeof(is),
		       sample, c->ix.guest[guest], page, is, what);
}

static int read_hash(struct capture *c, uint64_t *hash, struct err *err)
{
	uint8_t raw[sizeof(*hash)];
	int ret = zin_read(&c->hashes, raw, sizeof(raw), err);

	if (!ret)
		*hash = load_le64(raw);
	return ret;
}

/* One page at a kept sample: is its hash right, has it changed? */
static int page_now(struct capture *c, size_t sample, size_t guest,
		    uint64_t page, struct err *err)
{
	uint32_t id = c->state[guest * c->npages + page], as = 0;
	uint64_t hash;
	int ret = read_hash(c, &hash, err);

	if (ret)
		return ret;
	if (hash != c->hash[id])
		return bad_hash(c, sample, guest, page, hash,
				"is not that of its content", err);
	if (!in_window(c->im, page))
		return 0;
	ret = give_id(c, id, &as, err);
	return ret ? ret : import_write(c->im, page, as, err);
}

/* Take the pages of the present run, and those between it and the last. */
static int take_run(struct capture *c, uint64_t *page, struct err *err)
{
	const struct capture_run r = c->ix.run;
	int ret = 0;

	for (; *page < r.first && !ret; ++*page)
		ret = page_now(c, r.sample, r.guest, *page, err);
	for (; c->ix.left && !ret; ++*page) {
		uint32_t *id = &c->state[r.guest * c->npages + *page];
		bool fresh;

		ret = capture_index_id(&c->ix, id, &fresh, err);
		if (!ret && fresh)
			ret = load(c, *id, *page, err);
		if (!ret)
			ret = page_now(c, r.sample, r.guest, *page, err);
	}
	return ret;
}

static int next_run(struct capture *c, struct err *err)
{
	int ret = capture_index_run(&c->ix, err);

	c->have = ret == 1;
	return ret < 0 ? ret : 0;
}

static int kept_guest(struct capture *c, size_t sample, size_t guest,
		      struct err *err)
{
	uint64_t page = 0;
	int ret = import_enter(c->im, guest, err);

	while (!ret && c->have && c->ix.run.sample == sample &&
	       c->ix.run.guest == guest) {
		ret = take_run(c, &page, err);
		if (!ret)
			ret = next_run(c, err);
	}
	for (; page < c->npages && !ret; page++)
		ret = page_now(c, sample, guest, page, err);
	import_progress(c->im, c->npages * PAGE_BYTES);
	return ret;
}

static int kept_sample(struct capture *c, size_t sample, struct err *err)
{
	ns_t time = NS(c->samples.v[sample].ms * NS_PER_MSEC);
	int ret = import_instant(c->im, time, err);

	for (size_t g = 0; g < c->ix.guests && !ret; g++)
		ret = kept_guest(c, sample, g, err);
	return ret ? ret : import_instant_end(c->im, err);
}

/* Nothing is known of these pages but their hashes: check their shape. */
static int other_sample(struct capture *c, size_t sample, struct err *err)
{
	for (size_t g = 0; g < c->ix.guests; g++) {
		for (uint64_t page = 0; page < c->npages; page++) {
			uint64_t hash;
			int ret = read_hash(c, &hash, err);

			if (ret)
				return ret;
			if (hash && !(hash & 1))
				return bad_hash(c, sample, g, page, hash,
						"is even", err);
		}
	}
	return 0;
}

static int at_end(struct zin *z, struct err *err)
{
	int ret = zin_fill(z, err);

	if (ret <= 0)
		return ret;
	return err_set(err, EINVAL,
		       "%s: offset %" PRIu64 ": more than the index names",
		       z->name, zin_tell(z));
}

/* Second reading, beside pages and hashes. */
static int replay(struct capture *c, struct err *err)
{
	uint64_t max = (uint64_t)c->ix.max_id * PAGE_BYTES;
	uint64_t hashes = c->samples.n * c->ix.guests * c->npages * 8;
	int ret;

	if ((ret = zin_open(&c->pages, c->dir, "pages.bin", max, err)) ||
	    (ret = zin_open(&c->hashes, c->dir, "hashes.bin", hashes, err)) ||
	    (ret = open_index(c, err)))
		return ret;
	capture_index_again(&c->ix, &c->index);
	ret = next_run(c, err);
	for (size_t s = 0; s < c->samples.n && !ret; s++)
		ret = c->samples.v[s].kept ? kept_sample(c, s, err)
					   : other_sample(c, s, err);
	if (!ret)
		ret = at_end(&c->pages, err);
	return ret ? ret : at_end(&c->hashes, err);
}

static int begin(struct capture *c, struct err *err)
{
	char text[64];
	int ret = 0;

	for (size_t g = 0; g < c->ix.guests && !ret; g++)
		ret = import_guest(c->im, c->ix.guest[g], c->npages, err);
	if (!ret)
		ret = import_begin(c->im, "capture", err);
	snprintf(text, sizeof(text), "%zu, contents of %zu", c->samples.n,
		 c->samples.kept);
	return ret ? ret : import_meta(c->im, err, text, "samples");
}

static void release(struct capture *c)
{
	zin_close(&c->index);
	zin_close(&c->pages);
	zin_close(&c->hashes);
	for (size_t id = 0; c->kept && c->im->count && id <= c->ix.max_id; id++)
		free(c->kept[id]);
	free(c->kept);
	free(c->state);
	free(c->hash);
	free(c->given);
	mem_release(c->used, c->used_cap, sizeof(*c->used));
	capture_index_fini(&c->ix);
	capture_samples_fini(&c->samples);
	intern_fini(&c->in);
	free(c);
}

static int capture_run(struct import *im, struct err *err)
{
	struct capture *c = mem_zalloc(1, sizeof(*c));
	int ret;

	if (!c)
		return -ENOMEM;
	c->im = im;
	c->dir = im->job->inputs[0];
	c->next = 1;
	intern_init(&c->in, UINT32_MAX - 1);
	if (im->job->ninputs > 1)
		ret = err_set(err, EINVAL,
			      "%s: a capture is imported alone, not with %s",
			      c->dir, im->job->inputs[1]);
	else if (!(ret = read_samples(c, err)) && !(ret = survey(c, err)) &&
		 !(ret = measure(c, err)) && !(ret = allocate(c))) {
		im->todo =
			c->samples.kept * c->ix.guests * c->npages * PAGE_BYTES;
		ret = begin(c, err);
		if (!ret)
			ret = replay(c, err);
	}
	release(c);
	return ret;
}

const struct importer_ops importer_capture = {
	.name = "capture",
	.summary = "a directory with pages, index, hashes and samples",
	.claims = capture_claims,
	.run = capture_run,
};
