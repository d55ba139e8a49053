/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/callgrind.h"

const char *callgrind_with(void)
{
#ifdef __OPTIMIZE__
	return "compiler " __VERSION__;
#else
	return "compiler " __VERSION__ " -O0";
#endif
}

/* In the child: never returns. */
static void be_valgrind(const struct bench *b, const char *suite,
			const char *label, const char *out)
{
	char self[4096], out_word[128], seed[32];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int null = open("/dev/null", O_RDWR);

	if (n < 0 || null < 0)
		_exit(127);
	self[n] = 0;
	snprintf(out_word, sizeof(out_word), "--callgrind-out-file=%s", out);
	snprintf(seed, sizeof(seed), "%" PRIu64, b->seed);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	execlp("valgrind", "valgrind", "--tool=callgrind", "-q",
	       "--toggle-collect=bench_call", out_word, self, "bench",
	       "--count", "--only", label, "--seed", seed, "--dir", b->dir,
	       suite, (char *)NULL);
	_exit(127);
}

/* "totals: N" or "summary: N", whichever there is */
static int64_t read_total(FILE *f)
{
	char line[256];
	int64_t n = 0, got;

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "summary: %" SCNd64, &got) == 1 ||
		    sscanf(line, "totals: %" SCNd64, &got) == 1)
			n = got;
	return n;
}

int callgrind_count(const struct bench *b, const char *suite, const char *label,
		    int64_t *instructions, struct err *err)
{
	char out[] = "/tmp/dedupsim-callgrind-XXXXXX";
	int fd = mkstemp(out), status = -1;
	pid_t pid;
	FILE *f;

	if (fd < 0)
		return err_set(err, ENOTSUP, "%s: %s", out, strerror(errno));
	fflush(NULL);
	pid = fork();
	if (!pid)
		be_valgrind(b, suite, label, out);
	if (pid > 0)
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	*instructions = 0;
	f = status ? NULL : fdopen(fd, "r");
	if (f) {
		*instructions = read_total(f);
		fclose(f);
	} else {
		close(fd);
	}
	unlink(out);
	if (*instructions > 0)
		return 0;
	if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(err, ENOTSUP, "valgrind is not installed");
	return err_set(err, ENOTSUP, "valgrind gave no count");
}
