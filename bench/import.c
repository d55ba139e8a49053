/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * import.c - RAM images read, hashed and interned, and made into traces
 *
 *	intern  one thread, nothing written, beside a loop that maps the file and
 *	        takes XXH3 of each page
 *	import  two threads, all of it, beside `zstd -T2` on the distinct pages
 *
 * CPU time, because a wall clock sees whoever else is at work; wall time of
 * the import is told without a floor.  What both write is thrown away: how long
 * a machine takes to find pages for its page cache is not the question.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/hash.h"
#include "sim/base/os.h"
#include "traces/import.h"
#include "bench/image.h"

struct import_opts {
	uint64_t data, pages, floor, level;
	const char *trace;
};

/* clang-format off */
#define IMAGE_ROWS \
	{ OPT_CHOICE, OPT_FIELD(import_opts, data, uint64_t), \
	  .choices = image_data_name, .help = "what the pages hold" }, \
	{ OPT_U64, OPT_FIELD(import_opts, pages, uint64_t), \
	  .def = 65536, .min = 4, .max = 1 << 24, .unit = "pages", \
	  .help = "of the image; half of them distinct" }, \
	{ OPT_STRING, OPT_FIELD(import_opts, trace, const char *), \
	  .help = "recording whose pages data=guest takes" }, \
	{ OPT_U64, OPT_FIELD(import_opts, floor, uint64_t), .max = 1000, \
	  .unit = "%", .help = "least speed, of the other's; 0: any" }

static const struct opt intern_options[] = {
	IMAGE_ROWS,
	{ .type = OPT_END },
};
static const struct opt import_options[] = {
	IMAGE_ROWS,
	{ OPT_U64, OPT_FIELD(import_opts, level, uint64_t), .def = 3, .min = 1,
	  .max = 19, .help = "zstd compression level of both" },
	{ .type = OPT_END },
};
/* clang-format on */

static void image_label(const void *opts, char *buf, size_t n)
{
	const struct import_opts *o = opts;

	snprintf(buf, n, "%s/%" PRIu64, image_data_name[o->data], o->pages);
}

static void import_label(const void *opts, char *buf, size_t n)
{
	const struct import_opts *o = opts;

	snprintf(buf, n, "%s/%" PRIu64 "/level%" PRIu64,
		 image_data_name[o->data], o->pages, o->level);
}

static int image_check(const void *opts, struct err *err)
{
	const struct import_opts *o = opts;

	if (o->pages % 2)
		return err_set(err, EINVAL, "pages must be even");
	if (!o->trace != (o->data != IMAGE_GUEST))
		return err_set(err, EINVAL,
			       "data=guest and trace= go together");
	return 0;
}

struct work {
	struct bench *b;
	const struct import_opts *o;
	struct image image;
	struct import_job job;
	const char *input[1];
	struct import_totals totals;
	uint64_t sum; /* so that hashing is not optimised away */
	char out[FILES_PATH_MAX + 8];
	struct err *err;
};

static int ours(void *ctx)
{
	struct work *w = ctx;

	return import_run(&w->job, &w->totals, w->err);
}

static bool right(struct work *w)
{
	if (w->totals.pages == w->image.pages &&
	    w->totals.contents == w->image.contents + 1)
		return true;
	bench_wrong(w->b,
		    "%" PRIu64 " pages of %" PRIu32 " contents, not %" PRIu64
		    " of %" PRIu64,
		    w->totals.pages, w->totals.contents, w->image.pages,
		    w->image.contents + 1);
	return false;
}

static int set_up(struct work *w, unsigned threads, int level)
{
	const struct import_opts *o = w->o;
	const struct image_job job = {.data = (enum image_data)o->data,
				      .pages = o->pages,
				      .trace = o->trace};
	int ret = image_make(w->b, &job, &w->image, w->err);

	w->input[0] = w->image.ram;
	w->job = (struct import_job){
		.inputs = w->input,
		.ninputs = 1,
		.base = IMPORT_BASE,
		.level = level,
		.threads = threads,
	};
	return ret;
}

/* What was measured in turns: ours and theirs. */
struct pairs {
	double ours[STATS_MAX], theirs[STATS_MAX];
};

static void add_pairs(struct work *w, const char *name, const char *peer,
		      const struct pairs *p, double floor)
{
	unsigned n = w->b->rounds;
	uint64_t seed = w->b->seed;
	struct metric m = {
		.kind = METRIC_NOISY,
		.unit = "ns/page",
		.ns = stats_interval(p->ours, n, seed),
		.peer = peer,
		.peer_ns = stats_interval(p->theirs, n, seed),
		.ratio = stats_ratio(p->theirs, p->ours, n, seed),
		.floor = floor,
	};

	snprintf(m.name, sizeof(m.name), "%s/%s", w->b->label, name);
	metrics_add(&w->b->metrics, &m);
}

/* ---- intern ---- */

static int plain(void *ctx)
{
	struct work *w = ctx;
	size_t n = (size_t)w->image.pages * PAGE_BYTES;
	int fd = open(w->image.ram, O_RDONLY | O_CLOEXEC);
	uint8_t *p;

	if (fd < 0)
		return err_set(w->err, errno, "%s: %s", w->image.ram,
			       strerror(errno));
	p = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (p == MAP_FAILED)
		return err_set(w->err, errno, "%s: %s", w->image.ram,
			       strerror(errno));
	for (size_t at = 0; at < n; at += PAGE_BYTES)
		w->sum ^= hash_xxh3(p + at, PAGE_BYTES);
	munmap(p, n);
	return 0;
}

static int intern_run(struct bench *b, const void *opts, struct err *err)
{
	struct work w = {.b = b, .o = opts, .err = err};
	unsigned rounds = b->mode == BENCH_TIMED ? b->rounds : 1;
	struct pairs p;
	uint64_t t;
	/* The first time of each fills the page cache and is not counted. */
	int ret = set_up(&w, 1, 3);

	if (!ret && b->mode == BENCH_TIMED)
		ret = plain(&w);
	for (unsigned i = 0; i < rounds && !ret; i++) {
		ret = bench_hot(b, ours, &w, true, &t);
		if (!ret && !right(&w))
			return 0;
		p.ours[i] = (double)t / (double)w.image.pages;
		if (ret || b->mode != BENCH_TIMED)
			continue;
		t = os_thread_cpu_ns();
		ret = plain(&w);
		t = os_thread_cpu_ns() - t;
		p.theirs[i] = (double)t / (double)w.image.pages;
	}
	if (!ret && b->mode == BENCH_TIMED)
		add_pairs(&w, "cpu", "mmap + XXH3", &p,
			  (double)w.o->floor / 100);
	return ret;
}

/* ---- import ---- */

/* zstd, the program, on the distinct pages; -ENOTSUP: not installed. */
static int zstd_program(struct work *w, double *cpu_ns, double *wall_ns)
{
	uint64_t wall = os_wall_ns();
	struct rusage before, after;
	char level[16];
	int status = -1;
	pid_t pid;

	snprintf(level, sizeof(level), "-%" PRIu64, w->o->level);
	getrusage(RUSAGE_CHILDREN, &before);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		execlp("zstd", "zstd", "-q", "-f", "-T2", level,
		       w->image.distinct, "-o", "/dev/null", (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	*wall_ns = (double)(os_wall_ns() - wall);
	getrusage(RUSAGE_CHILDREN, &after);
	if (pid < 0 || status)
		return -ENOTSUP;
	*cpu_ns = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec +
			   after.ru_stime.tv_sec - before.ru_stime.tv_sec) *
			  1e9 +
		  (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec +
			   after.ru_stime.tv_usec - before.ru_stime.tv_usec) *
			  1e3;
	return 0;
}

/* Once into a file, for its size; this fills the page cache, too. */
static int import_file(struct work *w)
{
	int ret;

	w->job.out = w->out;
	ret = ours(w);
	if (!ret)
		bench_exact(w->b, "trace_bytes", "bytes", files_bytes(w->out),
			    files_zstd_version());
	unlink(w->out);
	w->job.out = "/dev/null";
	return ret;
}

static int import_pair(struct work *w, struct pairs *cpu, struct pairs *wall,
		       unsigned i)
{
	double pages = (double)w->image.contents;
	uint64_t t, started = os_wall_ns();
	int ret = bench_hot(w->b, ours, w, true, &t);

	if (ret)
		return ret;
	wall->ours[i] = (double)(os_wall_ns() - started) / pages;
	cpu->ours[i] = (double)t / pages;
	if (w->b->mode != BENCH_TIMED)
		return 0;
	ret = zstd_program(w, &cpu->theirs[i], &wall->theirs[i]);
	cpu->theirs[i] /= pages;
	wall->theirs[i] /= pages;
	return ret;
}

static int import_experiment(struct bench *b, const void *opts, struct err *err)
{
	struct work w = {.b = b, .o = opts, .err = err};
	unsigned rounds = b->mode == BENCH_TIMED ? b->rounds : 1;
	struct pairs cpu, wall;
	double warm;
	int ret = set_up(&w, b->mode == BENCH_COUNT ? 1 : 2, (int)w.o->level);

	snprintf(w.out, sizeof(w.out), "%s.out", w.image.ram);
	if (!ret)
		ret = import_file(&w);
	if (!ret && b->mode == BENCH_TIMED)
		ret = zstd_program(&w, &warm, &warm);
	for (unsigned i = 0; i < rounds && !ret; i++) {
		ret = import_pair(&w, &cpu, &wall, i);
		if (!ret && !right(&w))
			return 0;
	}
	if (ret == -ENOTSUP) {
		bench_note(b, "skipped: no zstd to compare with");
		return 0;
	}
	if (ret || b->mode != BENCH_TIMED)
		return ret;
	add_pairs(&w, "cpu", "zstd -T2", &cpu, (double)w.o->floor / 100);
	add_pairs(&w, "wall", "zstd -T2", &wall, 0);
	return 0;
}

const struct experiment_ops experiment_intern = {
	.name = "intern",
	.summary = "pages read, hashed and interned, beside mmap and XXH3",
	.opts = intern_options,
	.opts_size = sizeof(struct import_opts),
	.label = image_label,
	.check = image_check,
	.hot = true,
	.run = intern_run,
};

const struct experiment_ops experiment_import = {
	.name = "import",
	.summary = "RAM images into traces, beside zstd -T2",
	.opts = import_options,
	.opts_size = sizeof(struct import_opts),
	.label = import_label,
	.check = image_check,
	.exact = true,
	.hot = true,
	.run = import_experiment,
};
