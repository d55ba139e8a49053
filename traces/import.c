/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "traces/import.h"

#define IMPORTER(name) extern const struct importer_ops importer_##name;
#include "traces/importers.def"
#undef IMPORTER

const struct importer_ops *const importers[] = {
#define IMPORTER(name) &importer_##name,
#include "traces/importers.def"
#undef IMPORTER
	NULL,
};

static int check_job(const struct import_job *job, struct err *err)
{
	assert(job->threads);
	if (!job->ninputs)
		return err_set(err, EINVAL, "nothing to import");
	if (job->base % IMPORT_ALIGN)
		return err_set(err, EINVAL,
			       "base 0x%" PRIx64 ": not a multiple of 2 MiB",
			       job->base);
	if (job->first + job->count < job->first)
		return err_set(err, EINVAL,
			       "pages %" PRIu64 "+%" PRIu64 ": out of range",
			       job->first, job->count);
	return 0;
}

int import_run(const struct import_job *job, struct import_totals *totals,
	       struct err *err)
{
	struct import im = {.job = job,
			    .first = job->first,
			    .count = job->count,
			    .contents = 1};
	struct import_totals sum = {0};
	int ret = check_job(job, err);
	size_t i = 0;

	if (ret)
		return ret;
	while (importers[i] && !importers[i]->claims(job->inputs[0]))
		i++;
	if (!importers[i])
		return err_set(err, EINVAL,
			       "%s: neither an image nor a capture",
			       job->inputs[0]);
	ret = importers[i]->run(&im, err);
	if (!ret && im.w)
		ret = trace_writer_commit(im.w, &sum.header, err);
	else if (im.w)
		trace_writer_abort(im.w);
	sum.contents = im.contents;
	sum.guests = im.nguests;
	sum.instants = im.instants;
	for (size_t g = 0; g < im.nguests; g++) {
		uint64_t lo, hi;

		import_window(&im, g, &lo, &hi);
		sum.pages += hi - lo;
		free(im.guests[g].held);
	}
	mem_release(im.guests, im.guests_cap, sizeof(*im.guests));
	if (!ret && totals)
		*totals = sum;
	return ret;
}

void import_window(const struct import *im, size_t g, uint64_t *lo,
		   uint64_t *hi)
{
	*lo = im->count ? im->first : 0;
	*hi = im->count ? im->first + im->count : im->guests[g].pages;
}

/* Does guest number @slot fit behind the others? */
static int check_slot(const struct import *im, const char *name, size_t slot,
		      uint64_t pages, struct err *err)
{
	uint64_t room = (VPN_MAX + 1) / IMPORT_PAGES_MAX;
	uint64_t used = (im->job->base >> PAGE_SHIFT) / IMPORT_PAGES_MAX + 1;

	if (!pages || pages > IMPORT_PAGES_MAX)
		return err_set(err, EFBIG,
			       "guest %s: %" PRIu64
			       " pages, the most are %" PRIu64,
			       name, pages, IMPORT_PAGES_MAX);
	if (slot >= SPACE_MAX || used + slot >= room)
		return err_set(
			err, EINVAL,
			"guest %s: no address left above base 0x%" PRIx64, name,
			im->job->base);
	if (im->count && im->first + im->count > pages)
		return err_set(err, EINVAL,
			       "pages %" PRIu64 "+%" PRIu64
			       ": guest %s has only %" PRIu64,
			       im->first, im->count, name, pages);
	return 0;
}

int import_guest(struct import *im, const char *name, uint64_t pages,
		 struct err *err)
{
	size_t g = im->nguests;
	struct import_guest new = {.name = name, .pages = pages};
	int ret = check_slot(im, name, g, pages, err);

	if (ret)
		return ret;
	ret = mem_reserve(&im->guests, &im->guests_cap, g + 1,
			  sizeof(*im->guests));
	if (ret)
		return ret;
	new.vpn = (im->job->base >> PAGE_SHIFT) + g *IMPORT_PAGES_MAX;
	new.held = mem_zalloc((size_t)(im->count ? im->count : pages),
			      sizeof(*new.held));
	if (!new.held)
		return -ENOMEM;
	im->guests[g] = new;
	im->nguests++;
	return 0;
}

int import_meta(struct import *im, struct err *err, const char *value,
		const char *key, ...)
{
	char name[64];
	va_list ap;

	va_start(ap, key);
	vsnprintf(name, sizeof(name), key, ap);
	va_end(ap);
	return im->w ? trace_writer_meta(im->w, name, value, err) : 0;
}

/* The user's provenance must not pass for ours. */
static int user_meta(struct import *im, const struct trace_meta *m,
		     struct err *err)
{
	static const char *const ours[] = {"importer", "pages", "samples",
					   "guest.", "image."};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		size_t n = strlen(ours[i]);

		if (!strncmp(m->key, ours[i], n) &&
		    (!m->key[n] || ours[i][n - 1] == '.'))
			return err_set(err, EINVAL,
				       "meta %s: import says this itself",
				       m->key);
	}
	return trace_writer_meta(im->w, m->key, m->value, err);
}

int import_begin(struct import *im, const char *importer, struct err *err)
{
	const struct import_job *job = im->job;
	const struct trace_writer_opts opts = {.level = job->level,
					       .threads = job->threads};
	char text[64];
	int ret;

	if (!job->out)
		return 0;
	ret = trace_writer_new(&im->w, job->out, &opts, err);
	if (ret)
		return ret;
	ret = import_meta(im, err, importer, "importer");
	for (size_t g = 0; g < im->nguests && !ret; g++)
		ret = import_meta(im, err, im->guests[g].name, "guest.%zu", g);
	if (im->count && !ret) {
		snprintf(text, sizeof(text), "%" PRIu64 "+%" PRIu64, im->first,
			 im->count);
		ret = import_meta(im, err, text, "pages");
	}
	for (size_t i = 0; i < job->nmeta && !ret; i++)
		ret = user_meta(im, &job->meta[i], err);
	return ret;
}

static int give(struct import *im, enum event_op op, uint64_t vpn,
		uint64_t count, uint32_t content, struct err *err)
{
	const struct event ev = {
		.time = im->now,
		.op = (uint8_t)op,
		.flags = op == EV_MAP ? EVF_MERGEABLE : 0,
		.space = im->space,
		.vpn = vpn,
		.count = count,
		.content = content,
	};

	return im->w ? trace_writer_event(im->w, &ev, err) : 0;
}

int import_page(struct import *im, const void *page, struct err *err)
{
	im->contents++;
	return im->w ? trace_writer_page(im->w, page, err) : 0;
}

int import_instant(struct import *im, ns_t time, struct err *err)
{
	int ret = 0;

	assert(!ns_before(time, im->now));
	im->now = time;
	for (size_t g = 0; g < im->nguests && !im->instants && !ret; g++) {
		im->space = (uint32_t)g;
		ret = give(im, EV_SPACE, 0, 0, 0, err);
	}
	im->space = 0;
	return ret;
}

int import_enter(struct import *im, size_t guest, struct err *err)
{
	struct import_guest *g = &im->guests[guest];
	uint64_t lo, hi;

	assert(guest >= im->space);
	im->space = (uint32_t)guest;
	if (g->mapped)
		return 0;
	g->mapped = true;
	import_window(im, guest, &lo, &hi);
	return give(im, EV_MAP, g->vpn + lo, hi - lo, 0, err);
}

int import_instant_end(struct import *im, struct err *err)
{
	im->space = 0;
	im->instants++;
	return give(im, EV_MARK, 0, 0, 0, err);
}

int import_write(struct import *im, uint64_t page, uint32_t id, struct err *err)
{
	struct import_guest *g = &im->guests[im->space];
	uint32_t *held = &g->held[page - (im->count ? im->first : 0)];
	int ret;

	if (*held == id + 1)
		return 0;
	ret = give(im, EV_WRITE, g->vpn + page, 1, id, err);
	if (ret)
		return ret;
	*held = id + 1;
	if (page >= g->held_end)
		g->held_end = page + 1;
	return 0;
}

int import_absent(struct import *im, uint64_t lo, uint64_t hi, struct err *err)
{
	struct import_guest *g = &im->guests[im->space];
	uint32_t *held = g->held;
	uint64_t base = im->count ? im->first : 0, end;
	int ret = 0;

	if (hi > g->held_end)
		hi = g->held_end;
	for (; lo < hi && !ret; lo = end) {
		for (; lo < hi && !held[lo - base]; lo++)
			;
		for (end = lo; end < hi && held[end - base]; end++)
			held[end - base] = 0;
		if (end > lo)
			ret = give(im, EV_FREE, g->vpn + lo, end - lo, 0, err);
	}
	return ret;
}

void import_progress(struct import *im, uint64_t bytes)
{
	im->done += bytes;
	if (im->job->progress)
		im->job->progress(im->job->ctx, im->done, im->todo);
}
