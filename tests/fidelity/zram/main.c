/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zram_probe - ground truth for simulators of zram, from the running kernel
 *
 *	zram_probe [-s SEED]      measure (root); TSV on stdout
 *	zram_probe -t [-s SEED]   only tell the steps (anybody)
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "sim/base/text.h"
#include "bench/child.h"
#include "tests/fidelity/zram/probe.h"

static void banner(const struct probe *p)
{
	struct utsname u;

	printf("# zram vectors, ");
	if (p->tell || uname(&u))
		printf("told");
	else
		printf("%s %s %s", u.sysname, u.release, u.machine);
	printf(", page size %u, seed %" PRIu64 "\n"
	       "# stored lengths of %u and more are huge\n",
	       PAGE_BYTES, p->seed, p->huge);
}

static int play(void *ctx, struct err *err)
{
	struct probe *p = ctx;

	probe_calibrate(p);
	if (!p->failed) {
		banner(p);
		probe_header(p);
		probe_vectors(p);
	}
	*err = p->err;
	return p->failed != 0;
}

static int measure(struct probe *p, struct err *err)
{
	struct err bad = {0};
	struct child child;
	int lock, status = disk_possible(err);

	if (status)
		return status;
	lock = lock_take(err);
	if (lock < 0)
		return lock == -EWOULDBLOCK ? EXIT_IN_USE : 1;
	child_begin(&child);
	status = disk_add(&p->disk, err);
	if (!status) {
		status = child_run(&child, play, p, "the device is removed",
				   err);
		if (disk_remove(&p->disk, &bad)) {
			*err = bad;
			status = 1;
		}
	}
	child_end(&child);
	close(lock);
	return status;
}

static int tell(struct probe *p, struct err *err)
{
	int status;

	if (codec_open(&p->codec, &codec_lzo, codec_lzo.level, false, err))
		return 1;
	status = play(p, err);
	codec_close(p->codec);
	return status;
}

static int usage(void)
{
	fputs("usage: zram_probe [-t] [-s SEED]\n", stderr);
	return 2;
}

int main(int argc, char **argv)
{
	struct probe *p = calloc(1, sizeof(*p));
	struct err err = {0};
	int opt, status;

	if (!p)
		return 1;
	p->seed = 1;
	while ((opt = getopt(argc, argv, "ts:")) != -1) {
		if (opt == 't')
			p->tell = true;
		else if (opt != 's' || !text_u64(optarg, &p->seed))
			return usage();
	}
	if (optind != argc)
		return usage();
	status = p->tell ? tell(p, &err) : measure(p, &err);
	if (err.text[0])
		fprintf(stderr, "zram_probe: %s\n", err.text);
	if (fflush(stdout) && !status)
		status = 1;
	free(p);
	return status;
}
