/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/child.h"

/* Everybody must agree on the file, so the environment has no say. */
int lock_take(struct err *err)
{
	const char *path = access("/run/lock", W_OK)
				   ? "/tmp/dedupsim-ksm.lock"
				   : "/run/lock/dedupsim-ksm.lock";
	int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	int ret;

	if (fd < 0)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	if (!flock(fd, LOCK_EX | LOCK_NB))
		return fd;
	ret = err_set(err, errno, "another measurement holds %s", path);
	close(fd);
	return ret;
}

/* Signals that would end us; those that are ignored stay ignored. */
static void ending_signals(sigset_t *set)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction sa;

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (!sigaction(ending[i], NULL, &sa) &&
		    sa.sa_handler != SIG_IGN)
			sigaddset(set, ending[i]);
}

static void be_child(child_body *body, void *ctx, pid_t guard)
{
	struct err err = {0};
	int status;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != guard)
		_exit(1);
	status = body(ctx, &err);
	if (err.text[0])
		fprintf(stderr, "%s\n", err.text);
	if (fflush(stdout) || ferror(stdout)) {
		fputs("standard output: write error\n", stderr);
		status = 1;
	}
	_exit(status);
}

/* Wait until the body and whatever it left behind are gone. */
static int wait_for(pid_t child, const sigset_t *ending, const char *after,
		    struct err *err)
{
	int sig, st = 0, interrupted = 0;
	sigset_t set = *ending;

	sigaddset(&set, SIGCHLD);
	for (;;) {
		sig = sigwaitinfo(&set, NULL);
		if (sig == SIGCHLD && waitpid(child, &st, WNOHANG) == child)
			break;
		if (sig > 0 && sig != SIGCHLD) {
			interrupted = sig;
			kill(child, SIGKILL);
		}
	}
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	if (interrupted) {
		err_set(err, EINTR, "interrupted: %s", after);
		return 128 + interrupted;
	}
	if (WIFSIGNALED(st)) {
		err_set(err, EIO,
			"the measuring process was ended by signal %d: %s",
			WTERMSIG(st), after);
		return 128 + WTERMSIG(st);
	}
	return WEXITSTATUS(st);
}

void child_begin(struct child *c)
{
	sigset_t block;

	ending_signals(&c->ending);
	block = c->ending;
	sigaddset(&block, SIGCHLD);
	signal(SIGCHLD, SIG_DFL);
	sigprocmask(SIG_BLOCK, &block, &c->before);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int child_run(struct child *c, child_body *body, void *ctx, const char *after,
	      struct err *err)
{
	pid_t child, guard = getpid();

	fflush(NULL);
	child = fork();
	if (child < 0) {
		err_set(err, errno, "fork: %s", strerror(errno));
		return 1;
	}
	if (!child) {
		sigprocmask(SIG_SETMASK, &c->before, NULL);
		be_child(body, ctx, guard);
	}
	return wait_for(child, &c->ending, after, err);
}

void child_end(struct child *c)
{
	sigprocmask(SIG_SETMASK, &c->before, NULL);
}
