/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * os.h - the only door to the operating system below the commands
 */
#ifndef DEDUPSIM_BASE_OS_H
#define DEDUPSIM_BASE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/base/err.h"

/* Zero-filled memory in a mapping of its own; pages unused cost nothing. */
void *os_map(size_t bytes);			 /* NULL when out of memory */
void *os_remap(void *p, size_t from, size_t to); /* may move; NULL: unchanged */
void os_unmap(void *p, size_t bytes);

unsigned os_cpus(void);		 /* processors this process may use, >= 1 */
uint64_t os_thread_cpu_ns(void); /* CPU time of the calling thread */
uint64_t os_wall_ns(void);	 /* monotonic; for progress and bench only */

/*
 * struct os_file - a regular file read at offsets
 * Reading past the end is -EIO with the offset in the message.
 */
struct os_file {
	int fd;
	uint64_t bytes;
	char *path; /* as the user gave it, for messages */
};

int os_open(struct os_file *f, const char *path, struct err *err);
int os_read_at(const struct os_file *f, uint64_t off, void *buf, size_t n,
	       struct err *err);
void os_close(struct os_file *f);

/*
 * os_extent - the next run of data in a sparse file at or after @off
 * @lo, @hi: out: bytes [lo, hi) hold data; lo == bytes of the file: no more
 * A file system that cannot tell answers with everything to the end.
 */
int os_extent(const struct os_file *f, uint64_t off, uint64_t *lo, uint64_t *hi,
	      struct err *err);

/* os_read_all - a whole file of at most @max bytes; *@out is malloc()ed, NUL-
 * terminated behind its @n bytes */
int os_read_all(const char *path, size_t max, char **out, size_t *n,
		struct err *err);

/*
 * struct os_out - a file that appears under its name only when it is complete
 *
 * Written beside its final name, then renamed by os_out_commit().  The first
 * failure of any write, be it one that stdio made on its own account, is kept
 * with its errno and reported at the end; os_out_abort() removes the partial
 * file.  "-" is standard output, /dev/... is written in place.  The struct must
 * not move while it is open.
 */
struct os_out {
	FILE *f;
	char *path, *part; /* part NULL: written in place */
	int fd;
	int error; /* first errno, 0 */
};

int os_out_open(struct os_out *o, const char *path, struct err *err);
int os_out_write(struct os_out *o, const void *buf, size_t n);
int os_out_flush(struct os_out *o); /* to the file, not to the disk */
int os_out_commit(struct os_out *o, struct err *err);
void os_out_abort(struct os_out *o); /* harmless after commit */

/*
 * os_out_end - commit when @ret is 0, abort when it is what the writer failed
 * with
 * When it was the file that refused, that is the message, whatever the writer
 * made of it.  Returns 0 or the negative errno.
 */
int os_out_end(struct os_out *o, int ret, struct err *err);

bool os_is_terminal(FILE *f);

/*
 * os_walk - every regular file below a directory
 * @each: gets the path from @root on, as "mm/ksm.c", and the size; non-zero ends
 *        the walk with that
 *
 * Names are in bytewise order within each directory, so the order does not
 * depend on the file system.  Symbolic links and special files are passed over.
 * Returns 0; -ENOTDIR, -EACCES … with the path in @err; -ELOOP when directories
 * are nested deeper than OS_WALK_DEPTH; -ENAMETOOLONG; -ENOMEM; what @each said.
 */
#define OS_WALK_DEPTH 64u
#define OS_PATH_MAX 4096u
typedef int os_walk_fn(void *ctx, const char *path, uint64_t bytes,
		       struct err *err);
int os_walk(const char *root, os_walk_fn *each, void *ctx, struct err *err);

#endif
