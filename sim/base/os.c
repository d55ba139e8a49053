/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* mremap, SEEK_DATA, sched_getaffinity */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/os.h"

void *os_map(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

void *os_remap(void *p, size_t from, size_t to)
{
	void *q = mremap(p, from, to, MREMAP_MAYMOVE);

	return q == MAP_FAILED ? NULL : q;
}

void os_unmap(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

unsigned os_cpus(void)
{
	cpu_set_t set;
	int n = 1;

	if (!sched_getaffinity(0, sizeof(set), &set))
		n = CPU_COUNT(&set);
	return n > 0 ? (unsigned)n : 1;
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t os_thread_cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t os_wall_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

int os_open(struct os_file *f, const char *path, struct err *err)
{
	struct stat st;
	int code;

	*f = (struct os_file){.fd = open(path, O_RDONLY | O_CLOEXEC)};
	if (f->fd < 0)
		return err_set(err, errno, "%s: %s", path, strerror(errno));
	if (fstat(f->fd, &st)) {
		code = errno;
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		code = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		err_set(err, code, "%s: not a regular file", path);
		goto fail;
	}
	f->bytes = (uint64_t)st.st_size;
	f->path = strdup(path);
	if (f->path)
		return 0;
	code = ENOMEM;
fail:
	close(f->fd);
	f->fd = -1;
	return err_set(err, code, "%s: %s", path, strerror(code));
}

int os_read_at(const struct os_file *f, uint64_t off, void *buf, size_t n,
	       struct err *err)
{
	unsigned char *p = buf;

	while (n) {
		ssize_t got = pread(f->fd, p, n, (off_t)off);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set(err, errno, "%s: offset %llu: %s",
				       f->path, (unsigned long long)off,
				       strerror(errno));
		if (!got)
			return err_set(err, EIO,
				       "%s: offset %llu: the file ends here",
				       f->path, (unsigned long long)off);
		p += got;
		off += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

void os_close(struct os_file *f)
{
	if (f->path)
		close(f->fd);
	free(f->path);
	*f = (struct os_file){.fd = -1};
}

int os_extent(const struct os_file *f, uint64_t off, uint64_t *lo, uint64_t *hi,
	      struct err *err)
{
	off_t a, b;

	*lo = *hi = f->bytes;
	if (off >= f->bytes)
		return 0;
	a = lseek(f->fd, (off_t)off, SEEK_DATA);
	if (a < 0 && errno == ENXIO)
		return 0;
	if (a < 0 && (errno == EINVAL || errno == ENOTSUP)) {
		*lo = off;
		return 0;
	}
	b = a < 0 ? -1 : lseek(f->fd, a, SEEK_HOLE);
	if (b < 0)
		return err_set(err, errno, "%s: %s", f->path, strerror(errno));
	*lo = (uint64_t)a;
	*hi = (uint64_t)b;
	return 0;
}

int os_read_all(const char *path, size_t max, char **out, size_t *n,
		struct err *err)
{
	struct os_file f;
	char *buf;
	int ret = os_open(&f, path, err);

	if (ret)
		return ret;
	if (f.bytes > max) {
		ret = err_set(err, EFBIG, "%s: larger than %zu bytes", path,
			      max);
		goto out;
	}
	buf = malloc((size_t)f.bytes + 1);
	if (!buf) {
		ret = -ENOMEM;
		goto out;
	}
	ret = os_read_at(&f, 0, buf, (size_t)f.bytes, err);
	if (ret) {
		free(buf);
		goto out;
	}
	buf[f.bytes] = 0;
	*out = buf;
	*n = (size_t)f.bytes;
out:
	os_close(&f);
	return ret;
}

/* ---- writing ---- */

/* Every byte of a file that is written passes here, whoever printed it. */
static ssize_t out_write(void *cookie, const char *buf, size_t n)
{
	struct os_out *o = cookie;
	size_t left = n;

	while (left && !o->error) {
		ssize_t did = write(o->fd, buf, left);

		if (did < 0 && errno == EINTR)
			continue;
		if (did <= 0) {
			o->error = did ? errno : EIO;
			break;
		}
		buf += did;
		left -= (size_t)did;
	}
	if (o->error)
		errno = o->error;
	return o->error ? 0 : (ssize_t)n;
}

/* Open the file and a stream that writes to it; a positive errno or 0. */
static int out_stream(struct os_out *o, const char *path)
{
	static const cookie_io_functions_t io = {.write = out_write};

	o->fd = STDOUT_FILENO;
	if (path) {
		o->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
			     0666);
		if (o->fd < 0)
			return errno;
	} else if (fflush(stdout)) { /* what was printed goes first */
		return errno;
	}
	o->f = fopencookie(o, "w", io);
	return o->f ? 0 : ENOMEM;
}

/* Close both; a positive errno, the first of all, or 0. */
static int out_close(struct os_out *o, bool sync)
{
	if (o->f) {
		/* The stream has no descriptor: all that can fail is a write,
		 * which has left its mark. */
		if (fclose(o->f) && !o->error)
			o->error = EIO;
		o->f = NULL;
	}
	if (o->fd <= STDERR_FILENO)
		return o->error;
	if (sync && !o->error && fsync(o->fd))
		o->error = errno;
	if (close(o->fd) && !o->error)
		o->error = errno;
	o->fd = -1;
	return o->error;
}

int os_out_open(struct os_out *o, const char *path, struct err *err)
{
	bool to_stdout = !strcmp(path, "-");
	size_t n = strlen(path);
	struct stat st;
	const char *name;
	int code;

	*o = (struct os_out){.fd = -1};
	o->path = strdup(to_stdout ? "standard output" : path);
	if (!o->path)
		return -ENOMEM;
	if (!to_stdout && (stat(path, &st) || S_ISREG(st.st_mode))) {
		o->part = malloc(n + 6);
		if (!o->part) {
			os_out_abort(o);
			return -ENOMEM;
		}
		memcpy(o->part, path, n);
		memcpy(o->part + n, ".part", 6);
	}
	name = o->part ? o->part : o->path;
	code = out_stream(o, to_stdout ? NULL : name);
	if (!code)
		return 0;
	err_set(err, code, "%s: %s", name, strerror(code));
	if (o->fd < 0) { /* a .part that is there is not ours */
		free(o->part);
		o->part = NULL;
	}
	os_out_abort(o);
	return -code;
}

int os_out_write(struct os_out *o, const void *buf, size_t n)
{
	if (!o->error && fwrite(buf, 1, n, o->f) != n && !o->error)
		o->error = EIO;
	return -o->error;
}

int os_out_flush(struct os_out *o)
{
	if (!o->error && fflush(o->f) && !o->error)
		o->error = EIO;
	return -o->error;
}

int os_out_commit(struct os_out *o, struct err *err)
{
	int code = out_close(o, o->part != NULL);

	if (!code && o->part && rename(o->part, o->path))
		code = errno;
	if (code) {
		err_set(err, code, "%s: %s", o->path, strerror(code));
		os_out_abort(o);
		return -code;
	}
	free(o->part);
	o->part = NULL;
	os_out_abort(o);
	return 0;
}

void os_out_abort(struct os_out *o)
{
	out_close(o, false);
	if (o->part)
		unlink(o->part);
	free(o->part);
	free(o->path);
	*o = (struct os_out){.fd = -1};
}

int os_out_end(struct os_out *o, int ret, struct err *err)
{
	if (ret && !o->error) {
		os_out_abort(o);
		return ret;
	}
	if (ret && err)
		err->text[0] = '\0';
	return os_out_commit(o, err);
}

bool os_is_terminal(FILE *f)
{
	return isatty(fileno(f));
}
