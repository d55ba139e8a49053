/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * worst.c - sets of pages that are hard for one way to find equal pages
 *
 *	ksm-worst      equal but for the last eight bytes, a number: memcmp
 *	               reads whole pages
 *	sd-worst       an SD tree looks at very many vectors:
 *	  staircase    a times the bits 01, then b ones, then zeros
 *	  single-bit   one bit is set
 *	  thermometer  ones, then zeros
 *	equal-million  one content in all pages
 *
 * Each content is in several pages; everything is written at once, and a guest
 * may exit later, with all that it mapped.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/mem.h"
#include "sim/base/prng.h"
#include "workloads/workload.h"

#define BASE_VPN UINT64_C(0x700000000)
#define PAGES_MAX (UINT64_C(1) << 26)
/* One bit per page, or one more one: no more pages of a kind. */
#define BITS_MAX PAGE_BITS
/* a times two bits and b ones must fit, both below the square root. */
#define STAIRS_MAX (UINT64_C(10922) * 10922)

enum shape { STAIRCASE, SINGLE_BIT, THERMOMETER, LAST_EIGHT, EQUAL };
static const char *const shapes[] = {"staircase", "single-bit", "thermometer",
				     NULL};

struct worst_opts {
	uint64_t shape, contents, pages, vms, exit;
};

#define VMS_ROW                                                                \
	{                                                                      \
		OPT_U64, OPT_FIELD(worst_opts, vms, uint64_t),                 \
			.def = 1, .min = 1, .max = 4096,                       \
			.help = "guests that the pages are dealt out to in "   \
				"turn"                                         \
	}
#define EXIT_ROW                                                               \
	{                                                                      \
		OPT_TIME, OPT_FIELD(worst_opts, exit, uint64_t),               \
			.def = 0, .max = 3600 * NS_PER_SEC,                    \
			.help = "when all guests exit; 0: never"               \
	}

/* clang-format off */
static const struct opt set_options[] = {
	{ OPT_U64, OPT_FIELD(worst_opts, contents, uint64_t),
	  .def = 16384, .min = 1, .max = 1 << 26,
	  .help = "different pages" },
	{ OPT_U64, OPT_FIELD(worst_opts, pages, uint64_t),
	  .def = 2, .min = 1, .max = 1 << 20, .help = "pages of each kind" },
	VMS_ROW,
	EXIT_ROW,
	{ .type = OPT_END },
};

static const struct opt sd_options[] = {
	{ OPT_CHOICE, OPT_FIELD(worst_opts, shape, uint64_t),
	  .choices = shapes, .def = STAIRCASE,
	  .help = "which set of pages", .source = "[pone]" },
	{ OPT_U64, OPT_FIELD(worst_opts, contents, uint64_t),
	  .def = 16384, .min = 1, .max = STAIRS_MAX,
	  .help = "different pages" },
	{ OPT_U64, OPT_FIELD(worst_opts, pages, uint64_t),
	  .def = 2, .min = 1, .max = 1 << 20, .help = "pages of each kind" },
	VMS_ROW,
	EXIT_ROW,
	{ .type = OPT_END },
};

static const struct opt equal_options[] = {
	{ OPT_U64, OPT_FIELD(worst_opts, pages, uint64_t),
	  .def = 1000000, .min = 1, .max = 1 << 26, .help = "equal pages" },
	VMS_ROW,
	EXIT_ROW,
	{ .type = OPT_END },
};
/* clang-format on */

enum step { STEP_SPACE, STEP_MAP, STEP_WRITE, STEP_EXIT, STEP_END };

struct at {
	enum step step;
	uint64_t vm;
	uint64_t page; /* of this guest */
};

struct worst {
	struct workload base;
	struct worst_opts opt;
	enum shape shape;
	uint64_t total; /* pages of all guests */
	uint64_t stairs;
	uint64_t number; /* ksm-worst: of content 1, less one */
	struct at at;
};

/* The guests get equal parts of all pages, the first ones one more. */
static uint64_t first_of(const struct worst *w, uint64_t vm)
{
	uint64_t more = w->total % w->opt.vms;

	return w->total / w->opt.vms * vm + (vm < more ? vm : more);
}

static uint64_t pages_of(const struct worst *w, uint64_t vm)
{
	return w->total / w->opt.vms + (vm < w->total % w->opt.vms);
}

static void next_vm(const struct worst *w, struct at *at, enum step again,
		    enum step then)
{
	at->page = 0;
	at->step = again;
	if (++at->vm < w->opt.vms)
		return;
	at->vm = 0;
	at->step = then;
}

static bool make(const struct worst *w, struct at *at, struct event *ev)
{
	uint64_t n = pages_of(w, at->vm), i;

	*ev = (struct event){.space = (uint32_t)at->vm};
	switch (at->step) {
	case STEP_SPACE:
		ev->op = EV_SPACE;
		at->step = n ? STEP_MAP : STEP_WRITE;
		return true;
	case STEP_MAP:
		ev->op = EV_MAP;
		ev->vpn = BASE_VPN;
		ev->count = n;
		ev->flags = EVF_MERGEABLE;
		at->step = STEP_WRITE;
		return true;
	case STEP_WRITE:
		if (at->page == n) {
			next_vm(w, at, STEP_SPACE,
				w->opt.exit ? STEP_EXIT : STEP_END);
			return false;
		}
		i = first_of(w, at->vm) + at->page;
		ev->op = EV_WRITE;
		ev->vpn = BASE_VPN + at->page++;
		ev->count = 1;
		ev->content = (uint32_t)(i % w->opt.contents) + 1;
		return true;
	case STEP_EXIT:
		ev->op = EV_EXIT;
		ev->time = NS(w->opt.exit);
		next_vm(w, at, STEP_EXIT, STEP_END);
		return true;
	case STEP_END:
		break;
	}
	return false;
}

static size_t worst_next(struct workload *base, struct event *ev, size_t max)
{
	struct worst *w = (struct worst *)base;
	size_t n = 0;

	while (n < max && w->at.step != STEP_END)
		n += make(w, &w->at, &ev[n]);
	return n;
}

static void worst_rewind(struct workload *w)
{
	((struct worst *)w)->at = (struct at){0};
}

/* ---- contents ---- */

static void set_bit(uint8_t *page, uint64_t bit)
{
	page[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
}

static const uint8_t *worst_bytes(void *self, uint32_t id, uint8_t *buf)
{
	const struct worst *w = self;
	uint64_t i = id - 1, a, ones;

	memset(buf, 0, PAGE_BYTES);
	switch (w->shape) {
	case STAIRCASE: /* never neither: that is the page of zeros */
		a = id / w->stairs;
		ones = id % w->stairs;
		for (uint64_t k = 0; k < a; k++)
			set_bit(buf, 2 * k + 1);
		for (uint64_t k = 0; k < ones; k++)
			set_bit(buf, 2 * a + k);
		break;
	case SINGLE_BIT:
		set_bit(buf, i);
		break;
	case THERMOMETER:
		memset(buf, 0xff, id / 8);
		for (uint64_t k = id / 8 * 8; k < id; k++)
			set_bit(buf, k);
		break;
	case LAST_EIGHT:
	case EQUAL:
		store_be64(buf + PAGE_BYTES - 8, w->number + id);
		break;
	}
	return buf;
}

static void worst_sparse(void *self, uint32_t id, struct content_sparse *out)
{
	const struct worst *w = self;

	out->n = 1;
	out->at[0] = PAGE_WORDS - 1;
	out->word[0] = w->number + id;
}

/* ---- life ---- */

static int check(const struct worst *w, const char *name, struct err *err)
{
	const struct worst_opts *o = &w->opt;

	if ((w->shape == SINGLE_BIT || w->shape == THERMOMETER) &&
	    o->contents > BITS_MAX)
		return err_set(err, EINVAL,
			       "workload %s: no more than %u different pages "
			       "have this shape",
			       name, BITS_MAX);
	if (w->total > PAGES_MAX)
		return err_set(err, EINVAL,
			       "workload %s: more than %" PRIu64
			       " pages in all",
			       name, PAGES_MAX);
	return 0;
}

static int worst_start(struct workload **out, const struct workload_ops *ops,
		       enum shape shape, const struct worst_opts *o,
		       uint64_t seed, struct err *err)
{
	struct prng r = prng_fork(seed, ops->name);
	struct worst *w = mem_zalloc(1, sizeof(*w));
	struct event ev;
	int ret;

	if (!w)
		return -ENOMEM;
	w->base.ops = ops;
	w->base.spaces = (uint32_t)o->vms;
	w->base.contents = (uint32_t)o->contents + 1;
	w->opt = *o;
	w->shape = shape;
	w->total = o->contents * o->pages;
	w->number = prng_next(&r) >> 1;
	while (w->stairs * w->stairs <= o->contents)
		w->stairs++;
	ret = check(w, ops->name, err);
	if (ret) {
		free(w);
		return ret;
	}
	while (worst_next(&w->base, &ev, 1)) {
		w->base.events++;
		w->base.end = ev.time;
	}
	worst_rewind(&w->base);
	*out = &w->base;
	return 0;
}

static int ksm_start(struct workload **out, const void *opts, uint64_t seed,
		     struct err *err)
{
	return worst_start(out, &workload_ksm_worst, LAST_EIGHT, opts, seed,
			   err);
}

static int sd_start(struct workload **out, const void *opts, uint64_t seed,
		    struct err *err)
{
	const struct worst_opts *o = opts;

	return worst_start(out, &workload_sd_worst, (enum shape)o->shape, o,
			   seed, err);
}

static int equal_start(struct workload **out, const void *opts, uint64_t seed,
		       struct err *err)
{
	struct worst_opts o = *(const struct worst_opts *)opts;

	o.contents = 1;
	return worst_start(out, &workload_equal_million, EQUAL, &o, seed, err);
}

static void worst_stop(struct workload *w)
{
	free(w);
}

const struct workload_ops workload_ksm_worst = {
	.name = "ksm-worst",
	.summary = "pages that are equal but for their last eight bytes",
	.opts = set_options,
	.opts_size = sizeof(struct worst_opts),
	.start = ksm_start,
	.next = worst_next,
	.rewind = worst_rewind,
	.bytes = worst_bytes,
	.sparse = worst_sparse,
	.stop = worst_stop,
};

const struct workload_ops workload_sd_worst = {
	.name = "sd-worst",
	.summary = "pages for which an SD tree visits the most vectors",
	.opts = sd_options,
	.opts_size = sizeof(struct worst_opts),
	.start = sd_start,
	.next = worst_next,
	.rewind = worst_rewind,
	.bytes = worst_bytes,
	.stop = worst_stop,
};

const struct workload_ops workload_equal_million = {
	.name = "equal-million",
	.summary = "one content in every page",
	.opts = equal_options,
	.opts_size = sizeof(struct worst_opts),
	.start = equal_start,
	.next = worst_next,
	.rewind = worst_rewind,
	.bytes = worst_bytes,
	.sparse = worst_sparse,
	.stop = worst_stop,
};
