/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/os.h"
#include "sim/base/par.h"
#include "sim/base/text.h"
#include "sim/cmd/cmd.h"
#include "sim/run/workload_trace.h"
#include "traces/recover.h"
#include "traces/text.h"
#include "traces/writer.h"

struct trace_opts {
	const char *out;
	uint64_t level, threads, seed;
};

#define OPT_THREADS_ROW                                                        \
	{                                                                      \
		.type = OPT_U64, OPT_FIELD(trace_opts, threads, uint64_t),     \
		.max = PAR_MAX, .unit = "threads", .letter = 'j',              \
		.help = "threads that unpack and compress; 0: one per "        \
			"processor",                                           \
	}
#define OPT_LEVEL_ROW                                                          \
	{                                                                      \
		.type = OPT_U64, OPT_FIELD(trace_opts, level, uint64_t),       \
		.def = 3, .min = 1, .max = 19,                                 \
		.help = "zstd level of the new file",                          \
	}

static const struct opt read_options[] = {
	OPT_THREADS_ROW,
	{.type = OPT_END},
};
static const struct opt cat_options[] = {
	{.type = OPT_STRING,
	 OPT_FIELD(trace_opts, out, const char *),
	 .arg = "FILE",
	 .letter = 'o',
	 .help = "write there instead of to standard output"},
	OPT_THREADS_ROW,
	{.type = OPT_END},
};
static const struct opt write_options[] = {
	OPT_LEVEL_ROW,
	OPT_THREADS_ROW,
	{.type = OPT_END},
};

static const struct opt make_options[] = {
	{.type = OPT_U64,
	 OPT_FIELD(trace_opts, seed, uint64_t),
	 .def = 1,
	 .max = UINT64_MAX,
	 .help = "seed of the workload"},
	OPT_LEVEL_ROW,
	OPT_THREADS_ROW,
	{.type = OPT_END},
};

/* Options and exactly @n operands. */
static int parse(const struct cmd *self, int argc, char **argv,
		 struct trace_opts *o, const char **operand, int n,
		 struct err *err)
{
	const char **rest = calloc(argc > 0 ? (size_t)argc : 1, sizeof(*rest));
	int got = 0, ret;

	if (!rest)
		return err_set(err, ENOMEM, "out of memory");
	*o = (struct trace_opts){.level = 3};
	opt_defaults(self->opts, o);
	ret = opt_parse(self->opts, o, argc, argv, rest, &got, NULL, NULL, err);
	if (!ret && got != n)
		ret = err_set(err, EINVAL, "trace %s: %s expected", self->name,
			      self->args);
	for (int i = 0; !ret && i < n; i++)
		operand[i] = rest[i];
	free(rest);
	if (!o->threads)
		o->threads = os_cpus();
	return ret;
}

static int exit_status(const char *file, int ret, struct err *err)
{
	if (!ret)
		return EXIT_OK;
	err_set(err, -ret, "%s: %s", file, strerror(-ret));
	return EXIT_FAILED;
}

/* What grows beside @out until it is complete must not be @in itself. */
static int check_part(const char *in, const char *out, struct err *err)
{
	size_t n = strlen(out);
	char *part = malloc(n + sizeof(".part"));
	struct stat a, b;
	int ret = 0;

	if (!part)
		return -ENOMEM;
	memcpy(part, out, n);
	memcpy(part + n, ".part", sizeof(".part"));
	if (!stat(in, &a) && !stat(part, &b) && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino)
		ret = err_set(err, EINVAL,
			      "%s: %s is built in this very file; rename the "
			      "input first or choose another output",
			      in, out);
	free(part);
	return ret;
}

/* ---- info ---- */

static void print_count(const char *name, uint64_t v)
{
	char buf[40];

	printf("%-12s %s\n", name, text_count(buf, sizeof(buf), v));
}

static void print_sizes(const struct trace_header *h, uint64_t bytes)
{
	uint64_t pages = (uint64_t)(h->contents - 1) * PAGE_BYTES;
	uint64_t raw = pages + h->events * sizeof(struct event), tenths;
	char buf[40];

	tenths = bytes ? raw / bytes * 10 + raw % bytes * 10 / bytes : 0;
	printf("%-12s %s\n", "file", text_bytes(buf, sizeof(buf), bytes));
	printf("%-12s %s, %" PRIu64 ".%" PRIu64 " times the file\n", "unpacked",
	       text_bytes(buf, sizeof(buf), raw), tenths / 10, tenths % 10);
}

static void print_info(const struct trace *t, uint64_t bytes)
{
	const struct trace_header *h = t->ops->header(t);
	char buf[40];

	printf("%-12s %s %u.%u\n", "format", t->ops->name, h->major, h->minor);
	printf("%-12s %s\n", "byte order", h->big_endian ? "big" : "little");
	printf("%-12s %s\n", "reads",
	       h->has_reads ? "recorded" : "not recorded");
	print_count("contents", h->contents);
	print_count("spaces", h->spaces);
	print_count("events", h->events);
	printf("%-12s %s\n", "length", text_ns(buf, sizeof(buf), h->end.v));
	printf("%-12s %016" PRIx64 "%016" PRIx64 "\n", "digest", h->digest.hi,
	       h->digest.lo);
	print_sizes(h, bytes);
	for (size_t i = 0; i < h->nmeta; i++)
		printf("%-12s %s\n", h->meta[i].key, h->meta[i].value);
}

static int info_main(const struct cmd *self, int argc, char **argv,
		     struct err *err)
{
	struct trace_opts o;
	struct trace *t = NULL;
	struct os_file f;
	const char *file;
	int ret;

	if (parse(self, argc, argv, &o, &file, 1, err))
		return EXIT_USAGE;
	ret = trace_open(&t, file, err);
	if (!ret)
		ret = os_open(&f, file, err);
	if (!ret) {
		print_info(t, f.bytes);
		os_close(&f);
	}
	trace_close(t);
	return exit_status(file, ret, err);
}

/* ---- cat ---- */

static int cat_main(const struct cmd *self, int argc, char **argv,
		    struct err *err)
{
	struct trace_opts o;
	struct trace *t = NULL;
	struct os_out out;
	const char *file;
	int ret;

	if (parse(self, argc, argv, &o, &file, 1, err))
		return EXIT_USAGE;
	ret = check_part(file, o.out ? o.out : "-", err);
	if (!ret)
		ret = trace_open(&t, file, err);
	if (!ret)
		ret = os_out_open(&out, o.out ? o.out : "-", err);
	if (!ret) {
		ret = text_from_trace(t, (unsigned)o.threads, &out, err);
		ret = os_out_end(&out, ret, err);
	}
	trace_close(t);
	return exit_status(file, ret, err);
}

/* ---- pack ---- */

static int pack_page(void *ctx, uint32_t id, const uint8_t *page,
		     struct err *err)
{
	(void)id;
	return trace_writer_page(ctx, page, err);
}

static int pack_event(void *ctx, const struct event *ev, struct err *err)
{
	return trace_writer_event(ctx, ev, err);
}

static int pack(struct trace *t, const char *out, const struct trace_opts *o,
		struct err *err)
{
	const struct trace_header *h = t->ops->header(t);
	struct trace_writer_opts wo = {
		.level = (int)o->level,
		.threads = (unsigned)o->threads,
		.big_endian = h->big_endian,
		.has_reads = h->has_reads,
	};
	struct trace_visitor v = {pack_page, pack_event, NULL};
	struct trace_writer *w;
	int ret = trace_writer_new(&w, out, &wo, err);

	if (ret)
		return ret;
	for (size_t i = 0; !ret && i < h->nmeta; i++)
		ret = trace_writer_meta(w, h->meta[i].key, h->meta[i].value,
					err);
	v.ctx = w;
	if (!ret)
		ret = trace_each(t, wo.threads, &v, err);
	if (!ret)
		return trace_writer_commit(w, NULL, err);
	trace_writer_abort(w);
	return ret;
}

static int pack_main(const struct cmd *self, int argc, char **argv,
		     struct err *err)
{
	struct trace_opts o;
	struct trace *t = NULL;
	const char *file[2];
	int ret;

	if (parse(self, argc, argv, &o, file, 2, err))
		return EXIT_USAGE;
	ret = check_part(file[0], file[1], err);
	if (!ret)
		ret = trace_open(&t, file[0], err);
	if (!ret)
		ret = pack(t, file[1], &o, err);
	trace_close(t);
	return exit_status(file[1], ret, err);
}

static int make_main(const struct cmd *self, int argc, char **argv,
		     struct err *err)
{
	struct trace_opts o;
	struct trace *t = NULL;
	const char *word[2];
	int ret;

	if (parse(self, argc, argv, &o, word, 2, err))
		return EXIT_USAGE;
	ret = workload_trace_open(&t, word[0], o.seed, err);
	if (!ret)
		ret = pack(t, word[1], &o, err);
	trace_close(t);
	return exit_status(word[1], ret, err);
}

/* ---- verify, recover ---- */

static int verify_main(const struct cmd *self, int argc, char **argv,
		       struct err *err)
{
	const struct trace_header *h;
	struct trace_opts o;
	struct trace *t = NULL;
	char contents[40], events[40];
	const char *file;
	int ret;

	if (parse(self, argc, argv, &o, &file, 1, err))
		return EXIT_USAGE;
	ret = trace_open(&t, file, err);
	if (!ret)
		ret = trace_verify(t, (unsigned)o.threads, err);
	if (!ret) {
		h = t->ops->header(t);
		printf("%s: good, %s contents, %s events\n", file,
		       text_count(contents, sizeof(contents), h->contents),
		       text_count(events, sizeof(events), h->events));
	}
	trace_close(t);
	return exit_status(file, ret, err);
}

static void print_recovered(const char *in, const char *out,
			    const struct trace_recovered *r)
{
	char contents[40], events[40], ns[40];

	if (r->whole)
		printf("%s: nothing is missing\n", in);
	else
		printf("%s: whole up to offset %" PRIu64 " of %" PRIu64
		       "\n  %s\n",
		       in, r->offset, r->bytes, r->why.text);
	printf("%s: %s contents, %s events, %s\n", out,
	       text_count(contents, sizeof(contents), r->kept.contents),
	       text_count(events, sizeof(events), r->kept.events),
	       text_ns(ns, sizeof(ns), r->kept.end.v));
}

static int recover_main(const struct cmd *self, int argc, char **argv,
			struct err *err)
{
	struct trace_recovered res;
	struct trace_opts o;
	const char *file[2];
	int ret;

	if (parse(self, argc, argv, &o, file, 2, err))
		return EXIT_USAGE;
	ret = check_part(file[0], file[1], err);
	if (!ret)
		ret = trace_recover(file[0], file[1], (int)o.level,
				    (unsigned)o.threads, &res, err);
	if (!ret)
		print_recovered(file[0], file[1], &res);
	return exit_status(file[0], ret, err);
}

static const struct cmd trace_subs[] = {
	{.name = "info",
	 .args = "FILE",
	 .summary = "say what is in a trace",
	 .about = "Reads the header and the footer only; `verify` reads all.\n",
	 .opts = read_options,
	 .run = info_main},
	{.name = "cat",
	 .args = "FILE",
	 .summary = "print a trace as text",
	 .about = "The text holds everything; `pack` makes the same trace of "
		  "it.\n",
	 .opts = cat_options,
	 .run = cat_main},
	{.name = "pack",
	 .args = "IN OUT",
	 .summary = "write a trace in the binary form",
	 .about = "IN is a text or a binary trace. OUT appears when it is "
		  "complete.\n",
	 .opts = write_options,
	 .run = pack_main},
	{.name = "make",
	 .args = "WORKLOAD OUT",
	 .summary = "write what a workload makes up as a trace",
	 .about = "WORKLOAD is NAME or NAME:KEY=VALUE,… as for `dedupsim run "
		  "--workload`;\nreplaying OUT gives the same results.\n",
	 .opts = make_options,
	 .run = make_main},
	{.name = "verify",
	 .args = "FILE",
	 .summary = "read everything and check it",
	 .about = "Checksums, the order and bounds of events, that no content "
		  "is there\ntwice, totals and digest.\n",
	 .opts = read_options,
	 .run = verify_main},
	{.name = "recover",
	 .args = "IN OUT",
	 .summary = "save what is whole in a damaged or cut trace",
	 .about =
		 "Reads up to the first damage, says where it is, and writes "
		 "what stands\nbefore it as a complete trace. A recording that "
		 "was killed left\nNAME.part; choose an OUT other than NAME.\n",
	 .opts = write_options,
	 .run = recover_main},
	{.name = NULL},
};

const struct cmd cmd_trace = {
	.name = "trace",
	.args = "",
	.summary = "look at traces, convert them, check them",
	.about = "Traces have a binary form (.trace) and a text form (.txt); "
		 "both are\nrecognised by their first bytes.\n",
	.subs = trace_subs,
};
