/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* madvise, vmsplice, sched_setaffinity */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sim/base/units.h"
#include "bench/kernel.h"

#include "tests/fidelity/probe.h"

/* Worker w has its pages at 112 TiB + w TiB; a forked child its parent's. */
#define REGION_BASE UINT64_C(0x700000000000)
#define REGION_STRIDE (UINT64_C(1) << 40)

struct worker {
	int from;    /* socket to the controller */
	char *pages; /* page 0 of the region */
	int pin[2];  /* a pipe that holds references to pages */
	void *dummy; /* see drain() */
};

/*
 * A page just faulted in sits in a batch of its CPU's LRU lists, and the
 * reference that the batch holds keeps ksmd from merging it.  ksmd empties the
 * batches only when a full scan starts, so pages written in the middle of one
 * would merge or not by chance.  MADV_COLD on whatever page empties the batches
 * of this CPU, the only one that workers run on.
 */
static void drain(const struct worker *me)
{
	madvise(me->dummy, PAGE_BYTES, MADV_COLD);
}

static void stay_on_one_cpu(void)
{
	cpu_set_t may, one;
	size_t cpu = 0;

	if (sched_getaffinity(0, sizeof(may), &may))
		return;
	while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, &may))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

/* Registered before anything is written, so no page escapes the first scan. */
static int do_map(char *at, size_t bytes, enum op op)
{
	int kind = op == OP_MAPSHARED ? MAP_SHARED : MAP_PRIVATE;
	int huge = op == OP_MAPHUGE ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;

	if (mmap(at, bytes, PROT_READ | PROT_WRITE,
		 kind | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		 0) == MAP_FAILED)
		return errno;
	madvise(at, bytes, huge); /* EINVAL without huge pages: fine */
	return madvise(at, bytes, MADV_MERGEABLE) ? errno : 0;
}

/* A page in a pipe has one reference more than it has mappings. */
static int do_pin(struct worker *me, char *at, size_t bytes)
{
	if (pipe(me->pin))
		return errno;
	for (size_t i = 0; i < bytes; i += PAGE_BYTES) {
		struct iovec v = {at + i, PAGE_BYTES};

		if (vmsplice(me->pin[1], &v, 1, 0) != (ssize_t)PAGE_BYTES)
			return errno ? errno : EIO;
	}
	return 0;
}

static void do_fill(char *at, const struct order *o)
{
	uint64_t page[PAGE_WORDS];

	for (uint64_t i = 0; i < (uint64_t)(o->hi - o->lo); i++) {
		uint64_t off = i * o->step;

		page_fill((uint8_t *)page, o->rule,
			  o->v0 + (o->mod ? off % o->mod : off));
		memcpy(at + i * PAGE_BYTES, page, PAGE_BYTES);
	}
}

static void do_read(const char *at, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += PAGE_BYTES)
		(void)*(const volatile char *)(at + i);
}

static void do_stat(struct answer *a)
{
	static const char file[] = "/proc/self/ksm_stat";

	a->rmap_items = kernel_stat(file, "ksm_rmap_items");
	a->zero_pages = kernel_stat(file, "ksm_zero_pages");
	a->merging_pages = kernel_stat(file, "ksm_merging_pages");
	a->profit = kernel_stat(file, "ksm_process_profit");
}

static int do_pages(struct worker *me, const struct order *o)
{
	char *at = me->pages + o->lo * (long)PAGE_BYTES;
	size_t bytes = (size_t)(o->hi - o->lo) * PAGE_BYTES;
	int ret = 0;

	switch (o->op) {
	case OP_MAP:
	case OP_MAPHUGE:
	case OP_MAPSHARED:
		return do_map(at, bytes, o->op);
	case OP_MERGEABLE:
		ret = madvise(at, bytes, MADV_MERGEABLE);
		break;
	case OP_UNMERGEABLE:
		ret = madvise(at, bytes, MADV_UNMERGEABLE);
		break;
	case OP_READ:
		do_read(at, bytes);
		break;
	case OP_UNMAP:
		ret = munmap(at, bytes);
		break;
	case OP_DONTNEED:
		ret = madvise(at, bytes, MADV_DONTNEED);
		break;
	case OP_READONLY:
		ret = mprotect(at, bytes, PROT_READ);
		break;
	case OP_PIN:
		return do_pin(me, at, bytes);
	case OP_UNPIN:
		close(me->pin[0]);
		close(me->pin[1]);
		break;
	case OP_FILL:
		do_fill(at, o);
		break;
	case OP_FORK:
	case OP_STAT:
	case OP_EXIT:
		return EINVAL;
	}
	return ret ? errno : 0;
}

/* Sends @a, with the descriptor @pass when it is not -1. */
static int send_answer(int to, const struct answer *a, int pass)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl = {.space = {0}};
	struct iovec v = {(void *)(uintptr_t)a, sizeof(*a)};
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};

	if (pass >= 0) {
		m.msg_control = &ctl;
		m.msg_controllen = sizeof(ctl.space);
		ctl.head.cmsg_level = SOL_SOCKET;
		ctl.head.cmsg_type = SCM_RIGHTS;
		ctl.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&ctl.head), &pass, sizeof(int));
	}
	return sendmsg(to, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(*a) ? 0 : -1;
}

/*
 * The child goes on serving orders where its parent stands, on a socket of its
 * own, whose other end travels to the controller.  Returns 0, or 1 in the
 * child; a socket that is held by one process only tells of its death.
 */
static int do_fork(struct worker *me, struct answer *a, int *pass)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends)) {
		a->error = errno;
		return 0;
	}
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(me->from);
		close(ends[0]);
		me->from = ends[1];
		return 1;
	}
	a->error = pid < 0 ? errno : 0;
	close(ends[1]);
	*pass = ends[0];
	return 0;
}

static _Noreturn void serve(struct worker *me)
{
	struct order o;

	while (recv(me->from, &o, sizeof(o), 0) == (ssize_t)sizeof(o)) {
		struct answer a = {0};
		int pass = -1;

		if (o.op == OP_EXIT)
			break;
		if (o.op == OP_STAT)
			do_stat(&a);
		else if (o.op != OP_FORK)
			a.error = do_pages(me, &o);
		else if (do_fork(me, &a, &pass))
			continue;
		drain(me);
		if (send_answer(me->from, &a, pass))
			break;
		if (pass >= 0)
			close(pass);
	}
	_exit(0);
}

int worker_start(int w, int *to)
{
	struct worker me = {.pin = {-1, -1}};
	int ends[2], ret;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends))
		return -errno;
	signal(SIGCHLD, SIG_IGN); /* nobody waits; see worker_stop() */
	pid = fork();
	if (pid < 0) {
		ret = -errno;
		close(ends[0]);
		close(ends[1]);
		return ret;
	}
	if (pid > 0) {
		close(ends[1]);
		*to = ends[0];
		return 0;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(ends[0]);
	stay_on_one_cpu();
	me.from = ends[1];
	me.pages =
		(char *)(uintptr_t)(REGION_BASE + (uint64_t)w * REGION_STRIDE);
	me.dummy = mmap(NULL, PAGE_BYTES, PROT_READ,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	serve(&me);
}

/* The descriptor that came with a message; -1: none. */
static int passed(struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(&fd, CMSG_DATA(c), sizeof(int));
	return fd;
}

int worker_ask(int to, const struct order *o, struct answer *a, int *child)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} ctl = {.space = {0}};
	struct iovec v = {a, sizeof(*a)};
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = &ctl,
			   .msg_controllen = sizeof(ctl.space)};

	if (send(to, o, sizeof(*o), MSG_NOSIGNAL) != (ssize_t)sizeof(*o) ||
	    recvmsg(to, &m, 0) != (ssize_t)sizeof(*a))
		return -EPIPE;
	*child = passed(&m);
	return -a->error;
}

/*
 * A process gives up its memory before its descriptors, so the end of the
 * stream says that the memory is gone, a grandchild's too.
 */
void worker_stop(int to)
{
	struct order o = {.op = OP_EXIT};
	char rest;

	send(to, &o, sizeof(o), MSG_NOSIGNAL);
	while (recv(to, &rest, 1, 0) > 0)
		;
	close(to);
}
