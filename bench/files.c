/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "bench/files.h"

int files_path(const struct bench *b, const char *name, const char *suffix,
	       char path[FILES_PATH_MAX], struct err *err)
{
	char label[BENCH_LABEL_MAX];
	int n;

	snprintf(label, sizeof(label), "%s", name);
	for (char *p = label; (p = strchr(p, '/'));)
		*p = '-';
	n = snprintf(path, FILES_PATH_MAX, "%s/%s-%" PRIu64 "%s", b->dir, label,
		     b->seed, suffix);
	if (n >= (int)FILES_PATH_MAX)
		return err_set(err, ENAMETOOLONG, "%s: too long a name",
			       b->dir);
	return 0;
}

int64_t files_bytes(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : (int64_t)st.st_size;
}

void files_forget(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return;
	fdatasync(fd);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
}

const char *files_zstd_version(void)
{
	static const char name[] = "libzstd " ZSTD_VERSION_STRING;

	return name;
}
