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
#include "sim/cmd/cmd.h"
#include "traces/import.h"

#define REDRAW_NS (NS_PER_SEC / 10)

struct import_opts {
	const char *out, *pages;
	uint64_t base, level, threads;
};

static const struct opt import_options[] = {
	{OPT_STRING, OPT_FIELD(import_opts, out, const char *), .letter = 'o',
	 .arg = "FILE", .help = "the trace to write; must be given"},
	{OPT_SIZE, OPT_FIELD(import_opts, base, uint64_t), .def = IMPORT_BASE,
	 .max = (VPN_MAX >> HUGE_SHIFT) << (HUGE_SHIFT + PAGE_SHIFT),
	 .arg = "ADDR",
	 .help = "where the first guest is mapped, a multiple of 2 MiB; each "
		 "further one 1 TiB above"},
	{OPT_STRING, OPT_FIELD(import_opts, pages, const char *),
	 .arg = "FIRST+COUNT", .help = "take only these pages of every guest"},
	{OPT_STRING, .name = "meta", .offset = OPT_MULTI, .arg = "KEY=VALUE",
	 .help = "provenance to write into the trace; may be repeated"},
	{OPT_U64, OPT_FIELD(import_opts, level, uint64_t), .def = 3, .min = 1,
	 .max = 19, .help = "zstd compression level"},
	{OPT_U64, OPT_FIELD(import_opts, threads, uint64_t), .max = PAR_MAX,
	 .help = "threads that hash and compress; 0: one per processor"},
	{.type = OPT_END},
};

struct meta_list {
	struct trace_meta *v;
	size_t n;
};

/* One --meta; there is room for as many as there are arguments. */
static int add_meta(void *ctx, const struct opt *row, const char *value,
		    struct err *err)
{
	struct meta_list *list = ctx;
	const char *eq = strchr(value, '=');
	struct trace_meta m;

	if (!eq || eq == value)
		return err_set(err, EINVAL, "--%s %s: expected KEY=VALUE",
			       row->name, value);
	m.key = strdup(value);
	if (!m.key)
		return -ENOMEM;
	m.key[eq - value] = 0;
	m.value = m.key + (eq - value) + 1;
	list->v[list->n++] = m;
	return 0;
}

static int parse_pages(const char *s, struct import_job *job, struct err *err)
{
	const char *plus = strchr(s, '+');
	char first[32];

	if (plus && (size_t)(plus - s) < sizeof(first)) {
		memcpy(first, s, (size_t)(plus - s));
		first[plus - s] = 0;
		if (text_u64(first, &job->first) &&
		    text_u64(plus + 1, &job->count) && job->count)
			return 0;
	}
	return err_set(err, EINVAL,
		       "--pages %s: expected FIRST+COUNT, such as 4096+2048",
		       s);
}

struct progress {
	uint64_t start, shown;
	bool drawn;
};

static void draw(void *ctx, uint64_t bytes, uint64_t of)
{
	struct progress *p = ctx;
	uint64_t now = os_wall_ns(), ms = (now - p->start) / NS_PER_MSEC;
	char did[32], all[32], rate[32];
	uint64_t per_s, left;

	if (!bytes || !of || bytes > of || now - p->shown < REDRAW_NS)
		return;
	p->shown = now;
	p->drawn = true;
	per_s = bytes / (ms ? ms : 1) * 1000;
	left = per_s ? (of - bytes) / per_s : 0;
	text_bytes(did, sizeof(did), bytes);
	text_bytes(all, sizeof(all), of);
	text_bytes(rate, sizeof(rate), per_s);
	fprintf(stderr, "\r%s of %s, %s/s, %" PRIu64 " s left\033[K", did, all,
		rate, left);
	fflush(stderr);
}

static void say(const char *out, const struct import_totals *t)
{
	const struct trace_header *h = &t->header;
	char guests[32], pages[32], contents[32], events[32], size[32];
	struct os_file f;

	text_bytes(size, sizeof(size), 0);
	if (!os_open(&f, out, NULL)) {
		text_bytes(size, sizeof(size), f.bytes);
		os_close(&f);
	}
	text_count(guests, sizeof(guests), t->guests);
	text_count(pages, sizeof(pages), t->pages);
	text_count(contents, sizeof(contents), h->contents);
	text_count(events, sizeof(events), h->events);
	printf("%s: %s\n"
	       "  guests    %s, %s pages\n"
	       "  instants  %zu, the last at %" PRIu64 ".%03" PRIu64 " s\n"
	       "  contents  %s distinct, the page of zeros included\n"
	       "  events    %s\n"
	       "  digest    %016" PRIx64 "%016" PRIx64 "\n",
	       out, size, guests, pages, t->instants, h->end.v / NS_PER_SEC,
	       h->end.v % NS_PER_SEC / NS_PER_MSEC, contents, events,
	       h->digest.hi, h->digest.lo);
}

static int import_now(const struct import_opts *o, struct import_job *job,
		      struct err *err)
{
	struct progress p = {.start = os_wall_ns()};
	struct import_totals totals;
	int ret;

	job->out = o->out;
	job->base = o->base;
	job->level = (int)o->level;
	job->threads = o->threads ? (unsigned)o->threads : os_cpus();
	if (os_is_terminal(stderr)) {
		job->progress = draw;
		job->ctx = &p;
	}
	ret = import_run(job, &totals, err);
	if (p.drawn)
		fputs("\r\033[K", stderr);
	if (ret) {
		err_set(err, -ret, "import: %s", err_text(NULL, ret));
		return EXIT_FAILED;
	}
	if (strcmp(o->out, "-"))
		say(o->out, &totals);
	return EXIT_OK;
}

static int import_main(const struct cmd *self, int argc, char **argv,
		       struct err *err)
{
	struct import_opts o;
	struct import_job job = {0};
	size_t room = argc > 0 ? (size_t)argc : 1;
	const char **rest = mem_zalloc(room, sizeof(*rest));
	struct meta_list meta = {mem_zalloc(room, sizeof(*meta.v)), 0};
	int nrest = 0, status = EXIT_FAILED, ret;

	if (!rest || !meta.v) {
		err_set(err, ENOMEM, "import: %s", err_text(NULL, -ENOMEM));
		goto out;
	}
	status = EXIT_USAGE;
	opt_defaults(self->opts, &o);
	ret = opt_parse(self->opts, &o, argc, argv, rest, &nrest, add_meta,
			&meta, err);
	if (!ret && o.base % IMPORT_ALIGN)
		ret = err_set(err, EINVAL,
			      "--base 0x%" PRIx64 ": not a multiple of 2 MiB",
			      o.base);
	if (!ret && o.pages)
		ret = parse_pages(o.pages, &job, err);
	if (ret) {
		err_set(err, -ret, "import: %s", err_text(NULL, ret));
		goto out;
	}
	if (!o.out || !nrest) {
		err_set(err, EINVAL, "import: %s",
			o.out ? "no image or capture is named"
			      : "--out FILE is missing");
		goto out;
	}
	job.inputs = rest;
	job.ninputs = (size_t)nrest;
	job.meta = meta.v;
	job.nmeta = meta.n;
	status = import_now(&o, &job, err);
out:
	for (size_t i = 0; i < meta.n; i++)
		free(meta.v[i].key);
	free(meta.v);
	free(rest);
	return status;
}

const struct cmd cmd_import = {
	.name = "import",
	.args = "[NAME=]FILE[@TIME]... | DIRECTORY",
	.summary = "make a trace of RAM images or of a capture",
	.about =
		"FILE is the raw RAM of one guest at one time (@10s; 0 when\n"
		"none is given). Images with the same NAME are one guest that\n"
		"changes; without NAME the file's name is taken. Holes of a\n"
		"sparse file are pages that are not there; pages of zeros "
		"that\n"
		"the file holds are there.\n"
		"\n"
		"DIRECTORY is a capture: pages.bin, index.tsv, hashes.bin and\n"
		"samples.tsv, each as it is or packed as .zst. Contents and\n"
		"hashes are checked against each other.\n"
		"\n"
		"Every guest becomes one mergeable anonymous mapping.\n",
	.opts = import_options,
	.run = import_main,
};
