/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/os.h"
#include "sim/base/prng.h"
#include "sim/core/pages.h"
#include "traces/trace.h"
#include "bench/image.h"

const char *const image_data_name[] = {"random", "guest", NULL};

/* Where distinct pages come from. */
struct origin {
	const struct image_job *job;
	struct trace *t; /* NULL: random ones */
	struct content_source src;
	uint64_t seed;
};

/* Distinct page number @i. */
static void fill(const struct origin *o, uint64_t i, uint8_t *page)
{
	uint8_t buf[PAGE_BYTES];
	uint32_t id;
	uint64_t at;

	if (!o->t) {
		page_fill(page, RULE_ID, i + 1);
		return;
	}
	id = (uint32_t)(i % (o->src.count - 1)) + 1;
	memcpy(page, o->src.bytes(o->src.self, id, buf), PAGE_BYTES);
	at = splitmix64(o->seed ^ id) % PAGE_WORDS;
	store_le64(page + 8 * at, splitmix64(i + 1));
}

static int write_image(const struct origin *o, const char *path,
		       unsigned copies, struct err *err)
{
	uint8_t page[PAGE_BYTES];
	struct os_out out;
	int ret = os_out_open(&out, path, err);

	if (ret)
		return ret;
	for (uint64_t i = 0; i < o->job->pages / 2; i++) {
		fill(o, i, page);
		for (unsigned k = 0; k < copies; k++)
			os_out_write(&out, page, sizeof(page));
	}
	return os_out_commit(&out, err);
}

static int open_origin(struct origin *o, struct err *err)
{
	int ret;

	if (o->job->data == IMAGE_RANDOM)
		return 0;
	ret = trace_open(&o->t, o->job->trace, err);
	if (!ret)
		ret = o->t->ops->contents(o->t, os_cpus(), &o->src, err);
	if (!ret && o->src.count < 2)
		ret = err_set(err, EINVAL, "%s: no page but zeros",
			      o->job->trace);
	return ret;
}

static bool there(const char *path, uint64_t pages)
{
	return files_bytes(path) == (int64_t)(pages * PAGE_BYTES);
}

int image_make(const struct bench *b, const struct image_job *job,
	       struct image *im, struct err *err)
{
	struct origin o = {.job = job, .seed = b->seed};
	char name[64];
	int ret;

	snprintf(name, sizeof(name), "image-%s-%" PRIu64,
		 image_data_name[job->data], job->pages);
	ret = files_path(b, name, ".ram", im->ram, err);

	im->pages = job->pages;
	im->contents = job->pages / 2;
	if (!ret)
		ret = files_path(b, name, ".distinct", im->distinct, err);
	if (ret ||
	    (there(im->ram, im->pages) && there(im->distinct, im->contents)))
		return ret;
	ret = open_origin(&o, err);
	if (!ret)
		ret = write_image(&o, im->ram, 2, err);
	if (!ret)
		ret = write_image(&o, im->distinct, 1, err);
	trace_close(o.t);
	return ret;
}
