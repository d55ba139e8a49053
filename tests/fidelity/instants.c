/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * instants - what the running kernel's KSM makes of recorded memory
 *
 *	instants [-n SCANS] [-s LIMIT:ZERO]... TRACE [TIME]...
 *	instants [-n SCANS] [-s LIMIT:ZERO]... -i IMAGE...
 *	instants -m TRACE                  only print the times of the marks
 *
 * The mergeable pages that TRACE holds at each TIME (nanoseconds, ascending;
 * none: at each mark), or all pages of raw IMAGEs of RAM, are given to ksmd as
 * one anonymous mapping per space in one process, packed in address order.
 * After exactly SCANS full scans (4) with smart_scan off, a row of counters is
 * printed; once per setting of max_page_sharing and use_zero_pages.
 */
#define _GNU_SOURCE /* madvise, MAP_ANONYMOUS */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/base/text.h"
#include "sim/machine/machine.h"
#include "bench/kernel.h"
#include "bench/step.h"
#include "traces/trace.h"

#define SETTINGS_MAX 32
#define SCANS_MAX 1000

struct setting {
	uint64_t limit, zero;
};

struct job {
	struct setting set[SETTINGS_MAX];
	int nset;
	uint64_t scans;
	bool images, marks;
	char **args;
	int nargs;

	struct stepper ksm;
	struct trace *trace;
	struct content_source src;
	struct machine *machine;
	const struct event *ev; /* block of events, read up to at */
	size_t nev, at;
};

/* The pages of one space, in the order in which ksmd will meet them. */
struct mapping {
	const uint8_t *bytes; /* of an image; NULL: */
	uint32_t *id;	      /* contents of a trace */
	size_t cap, n;
};

struct picture {
	struct mapping *map;
	size_t n, cap;
};

static void picture_free(struct picture *pic)
{
	for (size_t i = 0; i < pic->n; i++) {
		struct mapping *m = &pic->map[i];

		if (m->bytes)
			munmap((void *)(uintptr_t)m->bytes, m->n * PAGE_BYTES);
		mem_release(m->id, m->cap, sizeof(*m->id));
	}
	mem_release(pic->map, pic->cap, sizeof(*pic->map));
}

static uint64_t picture_pages(const struct picture *pic)
{
	uint64_t n = 0;

	for (size_t i = 0; i < pic->n; i++)
		n += pic->map[i].n;
	return n;
}

static int add_image(struct picture *pic, const char *path, struct err *err)
{
	struct os_file f;
	void *p = MAP_FAILED;
	int ret = os_open(&f, path, err);

	if (ret)
		return ret;
	if (!f.bytes || f.bytes % PAGE_BYTES)
		ret = err_set(err, EINVAL, "%s: not a whole number of pages",
			      path);
	else if (mem_reserve(&pic->map, &pic->cap, pic->n + 1,
			     sizeof(*pic->map)))
		ret = -ENOMEM;
	else
		p = mmap(NULL, f.bytes, PROT_READ, MAP_PRIVATE, f.fd, 0);
	if (!ret && p == MAP_FAILED)
		ret = err_set(err, errno, "%s: %s", path, strerror(errno));
	if (!ret)
		pic->map[pic->n++] = (struct mapping){
			.bytes = p, .n = (size_t)(f.bytes / PAGE_BYTES)};
	os_close(&f);
	return ret;
}

/* What ksmd would see of one space of the simulated machine. */
static int add_space(struct picture *pic, const struct machine *m,
		     uint32_t space)
{
	struct space_cursor c = {.space = space};
	struct mapping *map;
	struct scan_steps steps = {0};
	uint32_t pte;

	if (mem_reserve(&pic->map, &pic->cap, pic->n + 1, sizeof(*pic->map)))
		return -ENOMEM;
	map = &pic->map[pic->n++];
	while ((pte = machine_scan(m, &c, &steps))) {
		if (mem_reserve(&map->id, &map->cap, map->n + 1,
				sizeof(*map->id)))
			return -ENOMEM;
		map->id[map->n++] = m->pte[pte].content;
	}
	return 0;
}

static const uint8_t *page_of(const struct job *j, const struct mapping *m,
			      size_t i, uint8_t *buf)
{
	if (m->bytes)
		return m->bytes + i * PAGE_BYTES;
	if (m->id[i])
		return j->src.bytes(j->src.self, m->id[i], buf);
	memset(buf, 0, PAGE_BYTES);
	return buf;
}

/* One address range for all, a hole between mappings.  Returns an errno. */
static int build(const struct job *j, const struct picture *pic)
{
	size_t all = (picture_pages(pic) + pic->n) * PAGE_BYTES;
	uint8_t buf[PAGE_BYTES];
	uint8_t *at = mmap(NULL, all, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return errno;
	for (size_t i = 0; i < pic->n; i++) {
		const struct mapping *m = &pic->map[i];
		size_t bytes = m->n * PAGE_BYTES;

		if (bytes && mprotect(at, bytes, PROT_READ | PROT_WRITE))
			return errno;
		madvise(at, bytes, MADV_NOHUGEPAGE); /* may not be built in */
		if (bytes && madvise(at, bytes, MADV_MERGEABLE))
			return errno;
		for (size_t k = 0; k < m->n; k++)
			memcpy(at + k * PAGE_BYTES, page_of(j, m, k, buf),
			       PAGE_BYTES);
		at += bytes + PAGE_BYTES;
	}
	return 0;
}

/* A process that owns the pages until @*to is closed. */
static int owner_start(const struct job *j, const struct picture *pic,
		       pid_t *pid, int *to, struct err *err)
{
	int ends[2], answer = EPIPE;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends))
		return err_set(err, errno, "socket: %s", strerror(errno));
	*pid = fork();
	if (*pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		answer = build(j, pic);
		send(ends[1], &answer, sizeof(answer), MSG_NOSIGNAL);
		(void)!recv(ends[1], &answer, sizeof(answer), 0);
		_exit(0);
	}
	if (*pid < 0)
		answer = errno;
	close(ends[1]);
	*to = ends[0];
	if (*pid > 0 && recv(*to, &answer, sizeof(answer), 0) < 0)
		answer = errno;
	if (!answer)
		return 0;
	close(*to);
	if (*pid > 0)
		waitpid(*pid, NULL, 0);
	return err_set(err, answer, "memory to be merged cannot be made: %s",
		       strerror(answer));
}

static void print_row(const struct picture *pic, uint64_t time,
		      const struct setting *set)
{
	static const char *const counters[] = {
		"pages_shared",	  "pages_sharing",	"pages_unshared",
		"pages_volatile", "stable_node_chains", "stable_node_dups",
		"ksm_zero_pages",
	};

	printf("%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64, time,
	       set->limit, set->zero, picture_pages(pic));
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		if (ksm_read(counters[i]) == -1) /* no such file */
			printf("\t-");
		else
			printf("\t%ld", ksm_read(counters[i]));
	putchar('\n');
	fflush(stdout);
}

static int scan(struct job *j, struct err *err)
{
	for (uint64_t i = 0; i < j->scans; i++) {
		int ret = step_scan(&j->ksm, err);

		if (ret)
			return ret;
	}
	if (j->ksm.overrun)
		return err_set(err, EIO, "ksmd cannot be stepped");
	return 0;
}

static int measure(struct job *j, const struct picture *pic, uint64_t time,
		   const struct setting *set, struct err *err)
{
	pid_t pid = -1;
	int to = -1, ret = step_reset(&j->ksm, err);

	if (ret)
		return ret;
	if (step_set(&j->ksm, "smart_scan", 0) ||
	    step_set(&j->ksm, "use_zero_pages", (long)set->zero) ||
	    step_set(&j->ksm, "max_page_sharing", (long)set->limit))
		return err_set(err, EINVAL,
			       "setting %" PRIu64 ":%" PRIu64 " is refused",
			       set->limit, set->zero);
	ret = owner_start(j, pic, &pid, &to, err);
	if (ret)
		return ret;
	ret = scan(j, err);
	if (!ret)
		ret = ksm_alone(err);
	if (!ret)
		print_row(pic, time, set);
	close(to);
	waitpid(pid, NULL, 0);
	return ret;
}

static int measure_each(struct job *j, const struct picture *pic, uint64_t time,
			struct err *err)
{
	int ret = 0;

	for (int i = 0; !ret && i < j->nset; i++)
		ret = measure(j, pic, time, &j->set[i], err);
	return ret;
}

static int measure_images(struct job *j, struct err *err)
{
	struct picture pic = {0};
	int ret = 0;

	for (int i = 0; !ret && i < j->nargs; i++)
		ret = add_image(&pic, j->args[i], err);
	if (!ret)
		ret = measure_each(j, &pic, 0, err);
	picture_free(&pic);
	return ret;
}

/* The next event, not yet taken; 0: no more. */
static int event_peek(struct job *j, struct err *err)
{
	while (j->at == j->nev) {
		int ret = j->trace->ops->next(j->trace, &j->ev, &j->nev, err);

		if (ret <= 0)
			return ret;
		j->at = 0;
	}
	return 1;
}

static int measure_instant(struct job *j, uint64_t time, struct err *err)
{
	struct picture pic = {0};
	int ret;

	while ((ret = event_peek(j, err)) > 0 && j->ev[j->at].time.v <= time) {
		char where[256];

		j->trace->ops->where(j->trace, j->at, where, sizeof(where));
		ret = machine_apply(j->machine, &j->ev[j->at++], err);
		if (ret)
			return err_prefix(err, ret, "%s", where);
	}
	ret = ret < 0 ? ret : 0;
	for (uint32_t s = 0; !ret && s < j->machine->nspace; s++)
		if (j->machine->space[s].live)
			ret = add_space(&pic, j->machine, s);
	if (!ret)
		ret = measure_each(j, &pic, time, err);
	picture_free(&pic);
	return ret;
}

/* Times of the marks, ascending as they stand; the trace is at its end then. */
static int marks(struct trace *t, uint64_t **times, size_t *cap, size_t *n,
		 struct err *err)
{
	const struct event *ev;
	size_t nev;
	int ret;

	while ((ret = t->ops->next(t, &ev, &nev, err)) > 0) {
		for (size_t i = 0; i < nev; i++) {
			if (ev[i].op != EV_MARK)
				continue;
			if (mem_reserve(times, cap, *n + 1, sizeof(**times)))
				return -ENOMEM;
			(*times)[(*n)++] = ev[i].time.v;
		}
	}
	return ret;
}

static int times_wanted(struct job *j, uint64_t **times, size_t *cap, size_t *n,
			struct err *err)
{
	int ret;

	if (j->nargs == 1) {
		ret = marks(j->trace, times, cap, n, err);
		return ret ? ret : j->trace->ops->rewind(j->trace, err);
	}
	*n = (size_t)j->nargs - 1;
	if (mem_reserve(times, cap, *n, sizeof(**times)))
		return -ENOMEM;
	for (size_t i = 0; i < *n; i++) {
		uint64_t *t = &(*times)[i];

		if (!text_u64(j->args[i + 1], t) || (i && t[0] < t[-1]))
			return err_set(err, EINVAL,
				       "%s: not a number of nanoseconds, or "
				       "earlier than the one before",
				       j->args[i + 1]);
	}
	return 0;
}

static int measure_trace(struct job *j, struct err *err)
{
	const struct machine_config cfg = {.zero_pages = 1};
	uint64_t *times = NULL;
	size_t cap = 0, n = 0;
	int ret = trace_open(&j->trace, j->args[0], err);

	if (ret)
		return ret;
	ret = times_wanted(j, &times, &cap, &n, err);
	if (!ret)
		ret = j->trace->ops->contents(j->trace, os_cpus(), &j->src,
					      err);
	if (!ret)
		ret = machine_new(&j->machine, &cfg);
	for (size_t i = 0; !ret && i < n; i++)
		ret = measure_instant(j, times[i], err);
	machine_free(j->machine);
	mem_release(times, cap, sizeof(*times));
	trace_close(j->trace);
	return ret;
}

static int body(void *ctx, struct err *err)
{
	struct job *j = ctx;
	int ret;

	step_init(&j->ksm);
	printf("time_ns\tmax_page_sharing\tuse_zero_pages\tpages\tpages_shared"
	       "\tpages_sharing\tpages_unshared\tpages_volatile"
	       "\tstable_node_chains\tstable_node_dups\tksm_zero_pages\n");
	ret = j->images ? measure_images(j, err) : measure_trace(j, err);
	if (ret && !err->text[0])
		err_set(err, -ret, "%s", strerror(-ret));
	return ret == -EBUSY ? EXIT_IN_USE : ret != 0;
}

static int print_marks(const char *path, struct err *err)
{
	struct trace *t;
	uint64_t *times = NULL;
	size_t cap = 0, n = 0;
	int ret = trace_open(&t, path, err);

	if (ret)
		return ret;
	ret = marks(t, &times, &cap, &n, err);
	for (size_t i = 0; !ret && i < n; i++)
		printf("%" PRIu64 "\n", times[i]);
	mem_release(times, cap, sizeof(*times));
	trace_close(t);
	return ret;
}

static bool add_setting(struct job *j, char *text)
{
	char *colon = strchr(text, ':');
	struct setting *s = &j->set[j->nset];

	if (!colon || j->nset == SETTINGS_MAX)
		return false;
	*colon = '\0';
	if (!text_u64(text, &s->limit) || !text_u64(colon + 1, &s->zero))
		return false;
	j->nset++;
	return s->limit >= 2 && s->limit <= INT32_MAX && s->zero <= 1;
}

static bool parse(struct job *j, int argc, char **argv)
{
	int opt;

	j->scans = 4;
	while ((opt = getopt(argc, argv, "imn:s:")) != -1) {
		if (opt == 'i')
			j->images = true;
		else if (opt == 'm')
			j->marks = true;
		else if (opt == 's'   ? !add_setting(j, optarg)
			 : opt == 'n' ? !text_u64(optarg, &j->scans) ||
						j->scans > SCANS_MAX
				      : true)
			return false;
	}
	j->args = argv + optind;
	j->nargs = argc - optind;
	if (!j->nset) {
		j->set[j->nset++] = (struct setting){256, 0};
		j->set[j->nset++] = (struct setting){256, 1};
		j->set[j->nset++] = (struct setting){1000000, 0};
	}
	return j->nargs > 0 && !(j->images && j->marks);
}

int main(int argc, char **argv)
{
	struct job j = {0};
	struct err err = {0};
	int status;

	if (!parse(&j, argc, argv)) {
		fputs("usage: instants [-n SCANS] [-s LIMIT:ZERO]... "
		      "TRACE [TIME_NS]... | -i IMAGE... | -m TRACE\n",
		      stderr);
		return 2;
	}
	if (j.marks)
		status = print_marks(j.args[0], &err) != 0;
	else
		status = ksm_guard(body, &j, &err);
	if (err.text[0])
		fprintf(stderr, "instants: %s\n", err.text);
	if (fflush(stdout) && !status)
		status = 1;
	return status;
}
