/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* madvise, MAP_ANONYMOUS */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/units.h"
#include "bench/kernel.h"
#include "bench/ksmd.h"
#include "bench/step.h"

#ifndef MADV_MERGEABLE
#define MADV_MERGEABLE 12
#endif

#define LOCK_TRIES 120 /* of half a second: another measurement ends */
#define RETRY_US 500000

const char *const ksmd_counter[KSMD_COUNTERS] = {
	"pages_shared",	  "pages_sharing",	"pages_unshared",
	"pages_volatile", "stable_node_chains", "stable_node_dups"};

/* Shared by everybody who takes part. */
struct shared {
	struct ksmd_result result;
	struct err err;
};

struct job {
	enum pages_kind kind;
	uint64_t pages;
	struct shared *out;
};

/* CPU time that a thread has had; 0: it cannot be told. */
static uint64_t thread_ns(pid_t pid)
{
	char path[64];
	uint64_t ns = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/schedstat", (int)pid);
	f = fopen(path, "r");
	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64, &ns) != 1)
		ns = 0;
	fclose(f);
	return ns;
}

static uint8_t *make_memory(const struct job *j, struct err *err)
{
	size_t n = (size_t)j->pages * PAGE_BYTES;
	uint8_t *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		err_set(err, ENOMEM, "no memory for %" PRIu64 " pages",
			j->pages);
		return NULL;
	}
	madvise(p, n, MADV_NOHUGEPAGE);
	for (uint64_t i = 0; i < j->pages; i++)
		pages_fill(j->kind, pages_content(j->kind, j->pages, i),
			   p + i * PAGE_BYTES);
	if (madvise(p, n, MADV_MERGEABLE)) {
		err_set(err, errno, "MADV_MERGEABLE: %s", strerror(errno));
		return NULL;
	}
	return p;
}

static int scans(const struct job *j, struct stepper *s, struct err *err)
{
	int ret = 0;

	for (unsigned i = 0; i < KSMD_SCANS && !ret; i++) {
		long before = ksm_read("pages_scanned");
		uint64_t ns = thread_ns(s->ksmd);
		int64_t seen;

		ret = step_scan(s, err);
		j->out->result.ns[i] = thread_ns(s->ksmd) - ns;
		seen = ksm_read("pages_scanned") - before;
		if (!ret && (s->overrun || seen != (int64_t)j->pages))
			ret = err_set(err, EIO,
				      "ksmd scanned %" PRId64
				      " pages, not %" PRIu64,
				      seen, j->pages);
	}
	for (unsigned i = 0; i < KSMD_COUNTERS; i++)
		j->out->result.counter[i] = ksm_read(ksmd_counter[i]);
	return ret;
}

/* In the child, alone with KSM. */
static int body(void *ctx, struct err *err)
{
	const struct job *j = ctx;
	struct stepper s;
	int ret;

	step_init(&s);
	if (!s.ksmd || !thread_ns(s.ksmd)) {
		err_set(err, ENOTSUP, "ksmd or its schedstat is not visible");
		return EXIT_NO_KSM;
	}
	ret = step_reset(&s, err);
	if (ret)
		return EXIT_IN_USE;
	step_set(&s, "smart_scan", 0);
	step_set(&s, "use_zero_pages", 0);
	step_set(&s, "max_page_sharing", 256);
	if (!make_memory(j, err))
		return EXIT_FAILURE;
	return scans(j, &s, err) ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int status_errno(int status)
{
	switch (status) {
	case EXIT_SUCCESS:
		return 0;
	case EXIT_NO_KSM:
		return -ENOTSUP;
	case EXIT_IN_USE:
		return -EBUSY;
	}
	return status > 128 ? -EINTR : -EIO;
}

/*
 * The guard is a process of its own: if we are killed, even so that nothing of
 * ours can answer, it is told, ends the body and puts everything back.
 */
static void be_guard(struct job *j, pid_t parent)
{
	struct err err = {0};
	int status = EXIT_FAILURE;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() == parent)
		status = ksm_guard(body, j, &err);
	j->out->err = err;
	_exit(status);
}

static int guarded_round(struct job *j, struct err *err)
{
	pid_t parent = getpid(), pid;
	int status = 0;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return err_set(err, EIO, "fork: %s", strerror(errno));
	if (!pid)
		be_guard(j, parent);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	*err = j->out->err;
	if (!WIFEXITED(status))
		return err_set(err, EIO, "the guard of KSM was ended");
	return status_errno(WEXITSTATUS(status));
}

int ksmd_round(enum pages_kind kind, uint64_t pages, struct ksmd_result *out,
	       struct err *err)
{
	struct job j = {.kind = kind, .pages = pages};
	int ret = -EBUSY;

	j.out = mmap(NULL, sizeof(*j.out), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (j.out == MAP_FAILED)
		return -ENOMEM;
	for (int i = 0; i < LOCK_TRIES && ret == -EBUSY; i++) {
		if (i)
			kernel_sleep_us(RETRY_US);
		*err = (struct err){0};
		ret = guarded_round(&j, err);
	}
	if (!ret)
		*out = j.out->result;
	munmap(j.out, sizeof(*j.out));
	return ret;
}
