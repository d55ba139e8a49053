/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/base/par.h"
#include "sim/base/text.h"
#include "sim/core/pages.h"
#include "traces/import.h"

/* Pages read and hashed at a time: of one thread as many as stay in its cache
 * until they are interned; of several so many that they do not wait long. */
#define BATCH_ALONE 128u
#define BATCH_PAGES 2048u
#define GRAIN_PAGES 64u

/* One operand: what guest @guest held at @time. */
struct image {
	char *name;	  /* of the guest */
	const char *path; /* points into @text */
	const char *when; /* as given, "" for none; points into @text */
	char *text;
	uint32_t guest;
	ns_t time;
	struct os_file file;
};

struct batch {
	uint64_t *page; /* numbers, ascending */
	size_t n, cap;
	struct digest *digest;
	uint8_t *bytes;
};

struct raw {
	struct import *im;
	struct image *image; /* by time, then guest, once all are parsed */
	size_t nimages;
	struct intern in;
	/* by content id: image << PAGE_REF_BITS | page where it first stood */
	uint64_t *ref;
	size_t ref_cap;
	struct batch batch;
	const struct image *now;
	uint64_t cursor; /* pages before it are done */
	/* for raw_bytes() */
	const uint8_t *page;
	struct err *err;
	int ret;
};

#define PAGE_REF_BITS 28
static_assert(IMPORT_PAGES_MAX == UINT64_C(1) << PAGE_REF_BITS,
	      "a page number fits its part of a reference");

static bool raw_claims(const char *operand)
{
	(void)operand; /* the last of the list takes what is left */
	return true;
}

static const char *file_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* [NAME=]FILE[@TIME]; what follows an '@' and is no time belongs to FILE. */
static int parse_operand(struct image *im, const char *operand, struct err *err)
{
	char *text = strdup(operand), *at, *eq;
	const char *name;
	size_t n;

	if (!text)
		return -ENOMEM;
	im->text = text;
	im->when = "";
	at = strrchr(text, '@');
	if (at && text_time(at + 1, &im->time.v)) {
		*at = 0;
		im->when = at + 1;
	}
	eq = strchr(text, '=');
	if (eq && memchr(text, '/', (size_t)(eq - text)))
		eq = NULL;
	im->path = eq ? eq + 1 : text;
	name = eq ? text : file_part(text);
	n = eq ? (size_t)(eq - text) : strlen(name);
	if (!n || !*im->path)
		return err_set(err, EINVAL,
			       "\"%s\": expected [NAME=]FILE[@TIME]", operand);
	im->name = malloc(n + 1);
	if (!im->name)
		return -ENOMEM;
	memcpy(im->name, name, n);
	im->name[n] = 0;
	return 0;
}

static int open_image(struct image *im, const char *out, struct err *err)
{
	int ret;

	if (out && !strcmp(im->path, out))
		return err_set(err, EINVAL,
			       "%s: would be overwritten by the trace", out);
	ret = os_open(&im->file, im->path, err);
	if (ret) {
		im->file.path = NULL;
		return ret;
	}
	if (!im->file.bytes)
		return err_set(err, EINVAL, "%s: empty", im->path);
	if (im->file.bytes % PAGE_BYTES)
		return err_set(err, EINVAL,
			       "%s: %" PRIu64 " bytes are no whole number of "
			       "%u-byte pages",
			       im->path, im->file.bytes, PAGE_BYTES);
	if (im->file.bytes / PAGE_BYTES > IMPORT_PAGES_MAX)
		return err_set(err, EFBIG,
			       "%s: larger than 1 TiB, the most for one guest",
			       im->path);
	return 0;
}

/* Give image @i the guest of that name, made when this is its first. */
static int join_guest(struct raw *r, size_t i, struct err *err)
{
	struct image *im = &r->image[i];

	for (size_t k = 0; k < i; k++) {
		const struct image *other = &r->image[k];

		if (strcmp(im->name, other->name))
			continue;
		im->guest = other->guest;
		if (im->file.bytes != other->file.bytes)
			return err_set(err, EINVAL,
				       "%s: %" PRIu64
				       " bytes, but guest %s has "
				       "%" PRIu64 " bytes in %s",
				       im->path, im->file.bytes, im->name,
				       other->file.bytes, other->path);
		if (im->time.v == other->time.v)
			return err_set(err, EINVAL,
				       "%s: guest %s has an image of the same "
				       "time in %s; tell them apart with NAME= "
				       "or @TIME",
				       im->path, im->name, other->path);
		return 0;
	}
	im->guest = (uint32_t)r->im->nguests;
	return import_guest(r->im, im->name, im->file.bytes / PAGE_BYTES, err);
}

static int by_time_and_guest(const void *a, const void *b)
{
	const struct image *x = a, *y = b;

	if (x->time.v != y->time.v)
		return x->time.v < y->time.v ? -1 : 1;
	return (x->guest > y->guest) - (x->guest < y->guest);
}

/* Open all images before the first is read: errors come early. */
static int open_images(struct raw *r, struct err *err)
{
	const struct import_job *job = r->im->job;
	int ret;

	r->image = mem_zalloc(job->ninputs, sizeof(*r->image));
	if (!r->image)
		return -ENOMEM;
	r->nimages = job->ninputs;
	for (size_t i = 0; i < r->nimages; i++) {
		uint64_t lo, hi;

		if ((ret = parse_operand(&r->image[i], job->inputs[i], err)) ||
		    (ret = open_image(&r->image[i], job->out, err)) ||
		    (ret = join_guest(r, i, err)))
			return ret;
		import_window(r->im, r->image[i].guest, &lo, &hi);
		r->im->todo += (hi - lo) * PAGE_BYTES;
	}
	return 0;
}

static int begin(struct raw *r, struct err *err)
{
	int ret = import_begin(r->im, "raw", err);

	for (size_t i = 0; i < r->nimages && !ret; i++) {
		const struct image *im = &r->image[i];
		const char *file = file_part(im->path);
		size_t n = strlen(im->name) + strlen(file) + strlen(im->when);
		char *text = malloc(n + 3);

		if (!text)
			return -ENOMEM;
		snprintf(text, n + 3, "%s=%s%s%s", im->name, file,
			 *im->when ? "@" : "", im->when);
		ret = import_meta(r->im, err, text, "image.%zu", i);
		free(text);
	}
	qsort(r->image, r->nimages, sizeof(*r->image), by_time_and_guest);
	return ret;
}

/* Read and digest pages [lo, hi) of the batch; adjacent ones in one go. */
static int hash_pages(const struct raw *r, size_t lo, size_t hi,
		      struct err *err)
{
	const struct batch *b = &r->batch;
	size_t end;

	for (; lo < hi; lo = end) {
		uint8_t *p = b->bytes + lo * PAGE_BYTES;
		int ret;

		for (end = lo + 1;
		     end < hi && b->page[end] == b->page[lo] + (end - lo);
		     end++)
			;
		ret = os_read_at(&r->now->file, b->page[lo] * PAGE_BYTES, p,
				 (end - lo) * PAGE_BYTES, err);
		if (ret)
			return ret;
		for (size_t i = lo; i < end; i++, p += PAGE_BYTES)
			b->digest[i] = hash_digest(p, PAGE_BYTES);
	}
	return 0;
}

static int hash_worker(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	(void)worker;
	return hash_pages(ctx, (size_t)lo, (size_t)hi, NULL);
}

/* Page @page of image @im where it was read to; NULL: another batch had it. */
static const uint8_t *in_batch(const struct raw *r, const struct image *im,
			       uint64_t page)
{
	const struct batch *b = &r->batch;
	size_t lo = 0, hi = b->n;

	if (im != r->now || page < b->page[0] || page > b->page[b->n - 1])
		return NULL;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (b->page[mid] < page)
			lo = mid + 1;
		else
			hi = mid;
	}
	return b->page[lo] == page ? b->bytes + lo * PAGE_BYTES : NULL;
}

/* The interner asks for a page that was seen before: it is in its image still,
 * unless somebody writes there. */
static const uint8_t *raw_bytes(void *ctx, uint32_t id, uint8_t *buf)
{
	struct raw *r = ctx;
	const struct image *im = &r->image[r->ref[id] >> PAGE_REF_BITS];
	uint64_t page = r->ref[id] & (IMPORT_PAGES_MAX - 1);
	const uint8_t *p = in_batch(r, im, page);
	struct digest d;

	if (p)
		return p;
	memset(buf, 0, PAGE_BYTES);
	if (r->ret)
		return buf;
	r->ret = os_read_at(&im->file, page * PAGE_BYTES, buf, PAGE_BYTES,
			    r->err);
	if (r->ret || !memcmp(buf, r->page, PAGE_BYTES))
		return buf;
	d = hash_digest(buf, PAGE_BYTES);
	if (d.lo != r->in.digest[id].lo || d.hi != r->in.digest[id].hi)
		r->ret = err_set(r->err, EIO,
				 "%s: page %" PRIu64
				 " changed while it was imported",
				 im->path, page);
	return buf;
}

/* Id of page @i of the batch; a content not met yet goes into the trace. */
static int intern(struct raw *r, size_t i, uint32_t *id, struct err *err)
{
	const struct batch *b = &r->batch;
	int ret = mem_reserve(&r->ref, &r->ref_cap, (size_t)r->in.count + 1,
			      sizeof(*r->ref));

	if (ret)
		return ret;
	r->page = b->bytes + i * PAGE_BYTES;
	r->err = err;
	ret = intern_page(&r->in, r->page, &b->digest[i], raw_bytes, r, id);
	if (r->ret)
		return r->ret;
	if (ret == -ENOSPC)
		return err_set(err, ENOSPC,
			       "%s: more than %" PRIu32 " distinct pages",
			       r->now->path, r->in.max);
	if (ret <= 0)
		return ret;
	r->ref[*id] =
		(uint64_t)(r->now - r->image) << PAGE_REF_BITS | b->page[i];
	return import_page(r->im, r->page, err);
}

/* Everything before @page was passed over: holes. */
static int pass_holes(struct raw *r, uint64_t page, struct err *err)
{
	uint64_t from = r->cursor;

	r->cursor = page;
	return import_absent(r->im, from, page, err);
}

static int flush(struct raw *r, struct err *err)
{
	struct batch *b = &r->batch;
	uint64_t from = r->cursor;
	int ret =
		par_for(r->im->job->threads, b->n, GRAIN_PAGES, hash_worker, r);

	/* Workers keep quiet; once more alone, to have the message. */
	if (ret)
		ret = hash_pages(r, 0, b->n, err);
	for (size_t i = 0; i < b->n && !ret; i++) {
		uint32_t id;

		ret = pass_holes(r, b->page[i], err);
		if (!ret)
			ret = intern(r, i, &id, err);
		if (!ret)
			ret = import_write(r->im, r->cursor++, id, err);
	}
	b->n = 0;
	import_progress(r->im, (r->cursor - from) * PAGE_BYTES);
	return ret;
}

static int add_pages(struct raw *r, uint64_t lo, uint64_t hi, struct err *err)
{
	struct batch *b = &r->batch;
	int ret = 0;

	for (; lo < hi && !ret; lo++) {
		b->page[b->n++] = lo;
		if (b->n == b->cap)
			ret = flush(r, err);
	}
	return ret;
}

/* The pages of one image that hold data; the rest is not there. */
static int read_image(struct raw *r, const struct image *im, struct err *err)
{
	uint64_t lo, hi, at, data, end, from;
	int ret;

	import_window(r->im, im->guest, &lo, &hi);
	r->now = im;
	r->cursor = lo;
	while (lo < hi) {
		ret = os_extent(&im->file, lo * PAGE_BYTES, &data, &end, err);
		if (ret)
			return ret;
		at = data / PAGE_BYTES;
		end = end / PAGE_BYTES + (end % PAGE_BYTES != 0);
		if (at < lo)
			at = lo;
		if (end > hi)
			end = hi;
		if (at >= end)
			break;
		ret = add_pages(r, at, end, err);
		if (ret)
			return ret;
		lo = end;
	}
	ret = flush(r, err);
	from = r->cursor;
	if (!ret)
		ret = pass_holes(r, hi, err);
	import_progress(r->im, (hi - from) * PAGE_BYTES);
	return ret;
}

static int read_images(struct raw *r, struct err *err)
{
	struct import *im = r->im;

	for (size_t i = 0; i < r->nimages; i++) {
		const struct image *it = &r->image[i];
		bool first = !i || it[-1].time.v != it->time.v;
		bool last = i + 1 == r->nimages || it[1].time.v != it->time.v;
		int ret = first ? import_instant(im, it->time, err) : 0;

		if (!ret)
			ret = import_enter(im, it->guest, err);
		if (!ret)
			ret = read_image(r, it, err);
		if (!ret && last)
			ret = import_instant_end(im, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int raw_run(struct import *im, struct err *err)
{
	struct raw r = {.im = im};
	struct batch *b = &r.batch;
	int ret = -ENOMEM;

	intern_init(&r.in, UINT32_MAX - 1);
	b->cap = im->job->threads > 1 ? BATCH_PAGES : BATCH_ALONE;
	b->page = mem_zalloc(b->cap, sizeof(*b->page));
	b->digest = mem_zalloc(b->cap, sizeof(*b->digest));
	b->bytes = mem_zalloc(b->cap, PAGE_BYTES);
	if (b->page && b->digest && b->bytes)
		ret = open_images(&r, err);
	if (!ret)
		ret = begin(&r, err);
	if (!ret)
		ret = read_images(&r, err);
	for (size_t i = 0; i < r.nimages; i++) {
		if (r.image[i].file.path)
			os_close(&r.image[i].file);
		free(r.image[i].name);
		free(r.image[i].text);
	}
	free(r.image);
	free(b->page);
	free(b->digest);
	free(b->bytes);
	mem_release(r.ref, r.ref_cap, sizeof(*r.ref));
	intern_fini(&r.in);
	return ret;
}

const struct importer_ops importer_raw = {
	.name = "raw",
	.summary = "RAM images, one file per guest and instant",
	.claims = raw_claims,
	.run = raw_run,
};
