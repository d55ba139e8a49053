/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * feed.h - fuzz input as a file, for what reads files by name
 */
#ifndef DEDUPSIM_TESTS_FUZZ_FEED_H
#define DEDUPSIM_TESTS_FUZZ_FEED_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

struct feed {
	char path[64];
	int fd;
};

/* feed_open - a file without a name, reached through its descriptor */
static inline struct feed feed_open(const uint8_t *data, size_t n)
{
	char name[] = "/tmp/fuzz-XXXXXX";
	struct feed f = {.fd = mkstemp(name)};

	if (f.fd < 0)
		abort();
	unlink(name);
	for (size_t at = 0; at < n;) {
		ssize_t got = write(f.fd, data + at, n - at);

		if (got <= 0)
			abort();
		at += (size_t)got;
	}
	snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d", f.fd);
	return f;
}

static inline void feed_close(struct feed *f)
{
	close(f->fd);
}

#endif
