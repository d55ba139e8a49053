/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"

struct walk {
	os_walk_fn *each;
	void *ctx;
	struct err *err;
	size_t root; /* bytes of path[] that are the root and its slash */
	size_t n;    /* bytes of path[] in use */
	char path[OS_PATH_MAX];
};

/* Names of one directory, one after the other. */
struct names {
	char *text;
	size_t n, cap;
	char **name;
	size_t count, name_cap;
};

static int failed(const struct walk *w, int code)
{
	return err_set(w->err, code, "%s: %s", w->path, strerror(code));
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_names(struct names *s, DIR *d)
{
	const struct dirent *e;
	char *p;

	while (errno = 0, (e = readdir(d))) {
		size_t n = strlen(e->d_name) + 1;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (mem_reserve(&s->text, &s->cap, s->n + n, 1))
			return -ENOMEM;
		memcpy(s->text + s->n, e->d_name, n);
		s->n += n;
		s->count++;
	}
	if (errno)
		return -errno;
	if (mem_reserve(&s->name, &s->name_cap, s->count + 1, sizeof(*s->name)))
		return -ENOMEM;
	p = s->text;
	for (size_t i = 0; i < s->count; i++, p += strlen(p) + 1)
		s->name[i] = p;
	if (s->count)
		qsort(s->name, s->count, sizeof(*s->name), by_bytes);
	return 0;
}

static int list(struct walk *w, struct names *s)
{
	DIR *d = opendir(w->path);
	int ret;

	if (!d)
		return failed(w, errno);
	ret = read_names(s, d);
	closedir(d);
	return ret && ret != -ENOMEM ? failed(w, -ret) : ret;
}

/* Puts "/name" behind the path. */
static int enter(struct walk *w, const char *name)
{
	size_t n = strlen(name);

	if (w->n + n + 2 > sizeof(w->path))
		return failed(w, ENAMETOOLONG);
	if (w->n && w->path[w->n - 1] != '/')
		w->path[w->n++] = '/';
	memcpy(w->path + w->n, name, n + 1);
	w->n += n;
	return 0;
}

static int walk_dir(struct walk *w, unsigned depth);

static int visit(struct walk *w, unsigned depth)
{
	struct stat st;

	if (lstat(w->path, &st))
		return failed(w, errno);
	if (S_ISDIR(st.st_mode))
		return walk_dir(w, depth + 1);
	if (!S_ISREG(st.st_mode))
		return 0;
	return w->each(w->ctx, w->path + w->root, (uint64_t)st.st_size, w->err);
}

static int walk_dir(struct walk *w, unsigned depth)
{
	struct names s = {0};
	size_t back = w->n;
	int ret;

	if (depth > OS_WALK_DEPTH)
		return failed(w, ELOOP);
	ret = list(w, &s);
	for (size_t i = 0; !ret && i < s.count; i++) {
		ret = enter(w, s.name[i]);
		if (!ret)
			ret = visit(w, depth);
		w->n = back;
		w->path[back] = '\0';
	}
	mem_release(s.text, s.cap, 1);
	mem_release(s.name, s.name_cap, sizeof(*s.name));
	return ret;
}

int os_walk(const char *root, os_walk_fn *each, void *ctx, struct err *err)
{
	struct walk *w = mem_zalloc(1, sizeof(*w));
	size_t n = strlen(root);
	int ret;

	if (!w)
		return -ENOMEM;
	*w = (struct walk){.each = each, .ctx = ctx, .err = err};
	if (n + 2 > sizeof(w->path)) {
		ret = err_set(err, ENAMETOOLONG, "the path of a directory: %s",
			      strerror(ENAMETOOLONG));
	} else {
		memcpy(w->path, root, n + 1);
		w->n = n;
		w->root = n + (n && root[n - 1] != '/');
		ret = walk_dir(w, 0);
	}
	free(w);
	return ret;
}
