/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "workloads/filetree.h"

#define INCLUDE_NAME_MAX 255u
#define NAMES_MAX ((size_t)UINT32_MAX)

void filetree_init(struct filetree *t)
{
	*t = (struct filetree){.image = FILE_NONE};
	page_store_init(&t->store, FILETREE_PAGES_MAX);
}

void filetree_fini(struct filetree *t)
{
	page_store_fini(&t->store);
	mem_release(t->file, t->file_cap, sizeof(*t->file));
	mem_release(t->content, t->content_cap, sizeof(*t->content));
	mem_release(t->include, t->include_cap, sizeof(*t->include));
	mem_release(t->names, t->names_cap, 1);
	free(t->by_path);
	free(t->by_base);
	free(t->unit);
	free(t->archive_unit);
	*t = (struct filetree){0};
}

/* ---- names ---- */

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int add_name(struct filetree *t, const char *s, size_t n, uint32_t *at)
{
	if (n >= NAMES_MAX - t->names_n)
		return -ENOSPC;
	if (mem_reserve(&t->names, &t->names_cap, t->names_n + n + 1, 1))
		return -ENOMEM;
	memcpy(t->names + t->names_n, s, n);
	t->names[t->names_n + n] = '\0';
	*at = (uint32_t)t->names_n;
	t->names_n += n + 1;
	return 0;
}

/* Is @word one of the words in @list, which blanks separate? */
static bool among(const char *word, const char *list)
{
	size_t n = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += n)
		if ((p == list || p[-1] == ' ') && (!p[n] || p[n] == ' '))
			return n > 0;
	return false;
}

static enum file_kind kind_of(const char *path)
{
	const char *dot = strrchr(base_of(path), '.');

	if (dot && among(dot + 1, "c cc cpp cxx S"))
		return FILE_SOURCE;
	if (dot && among(dot + 1, "h hh hpp hxx inc"))
		return FILE_HEADER;
	return FILE_DATA;
}

/* ---- #include lines ---- */

static const uint8_t *skip_blanks(const uint8_t *p, const uint8_t *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* @p: the start of a line.  Notes what it includes, if it does. */
static int scan_line(struct filetree *t, const uint8_t *p, const uint8_t *end)
{
	struct include inc = {.file = FILE_NONE};
	const uint8_t *name;
	uint8_t stop;
	int ret;

	p = skip_blanks(p, end);
	if (p == end || *p++ != '#')
		return 0;
	p = skip_blanks(p, end);
	if (end - p < 7 || memcmp(p, "include", 7))
		return 0;
	p = skip_blanks(p + 7, end);
	if (p == end || (*p != '"' && *p != '<'))
		return 0;
	inc.quoted = *p == '"';
	stop = inc.quoted ? '"' : '>';
	name = ++p;
	while (p < end && *p != stop && *p)
		p++;
	if (p == end || *p != stop || p == name || p - name > INCLUDE_NAME_MAX)
		return 0;
	ret = add_name(t, (const char *)name, (size_t)(p - name), &inc.name);
	if (!ret)
		ret = mem_reserve(&t->include, &t->include_cap,
				  t->nincludes + 1, sizeof(inc));
	if (!ret)
		t->include[t->nincludes++] = inc;
	return ret;
}

static int scan_includes(struct filetree *t, const uint8_t *p, size_t n)
{
	const uint8_t *end = p + n;
	int ret = 0;

	while (!ret && p < end) {
		const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));

		ret = scan_line(t, p, nl ? nl : end);
		p = nl ? nl + 1 : end;
	}
	return ret;
}

/* ---- files ---- */

static int add_file(struct filetree *t, const char *path, uint32_t kind,
		    uint64_t pages, uint32_t *file, struct err *err)
{
	struct file f = {.kind = kind, .first = t->pages};
	int ret;

	if (t->nfile >= FILETREE_FILES_MAX)
		return err_set(err, ENOSPC, "%s: more than %" PRIu32 " files",
			       path, FILETREE_FILES_MAX);
	if (pages > FILETREE_PAGES_MAX - t->pages)
		return err_set(err, ENOSPC,
			       "%s: more than %" PRIu32 " pages of files", path,
			       FILETREE_PAGES_MAX);
	ret = add_name(t, path, strlen(path), &f.path);
	if (!ret)
		ret = mem_reserve(&t->file, &t->file_cap, t->nfile + 1,
				  sizeof(f));
	if (ret)
		return ret;
	f.pages = (uint32_t)pages;
	t->pages += f.pages;
	*file = (uint32_t)t->nfile;
	t->file[t->nfile++] = f;
	return 0;
}

static int add_page(struct filetree *t, const uint8_t *bytes, size_t n,
		    uint32_t page)
{
	uint8_t tail[PAGE_BYTES];
	int ret;

	if (n < PAGE_BYTES) {
		memcpy(tail, bytes, n);
		memset(tail + n, 0, PAGE_BYTES - n);
		bytes = tail;
	}
	if (mem_reserve(&t->content, &t->content_cap, (size_t)page + 1,
			sizeof(*t->content)))
		return -ENOMEM;
	ret = page_store_add(&t->store, bytes, &t->content[page]);
	return ret < 0 ? ret : 0;
}

int filetree_add(struct filetree *t, const char *path, const uint8_t *bytes,
		 size_t n, struct err *err)
{
	uint64_t pages = n / PAGE_BYTES + (n % PAGE_BYTES != 0);
	size_t inc = t->nincludes;
	uint32_t file, first;
	int ret = add_file(t, path, kind_of(path), pages, &file, err);

	if (ret)
		return ret;
	first = t->file[file].first;
	t->file[file].stored = t->file[file].pages;
	for (uint32_t i = 0; !ret && i < pages; i++) {
		size_t at = (size_t)i * PAGE_BYTES;

		ret = add_page(t, bytes + at,
			       n - at < PAGE_BYTES ? n - at : PAGE_BYTES,
			       first + i);
	}
	if (!ret && t->file[file].kind != FILE_DATA)
		ret = scan_includes(t, bytes, n);
	t->file[file].inc = (uint32_t)inc;
	t->file[file].nincs = (uint32_t)(t->nincludes - inc);
	return ret;
}

/* ---- which file is meant ---- */

struct named {
	const char *name, *path;
	uint32_t file;
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int d = strcmp(x->name, y->name);

	return d ? d : strcmp(x->path, y->path);
}

/* The files of the tree in the order of their paths, or names and paths. */
static int sorted(const struct filetree *t, bool base, uint32_t **out)
{
	struct named *v = mem_zalloc(t->nfile, sizeof(*v));
	uint32_t *list = mem_zalloc(t->nfile, sizeof(*list));

	if (!v || !list) {
		free(v);
		free(list);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < t->nfile; i++) {
		const char *path = filetree_path(t, i);

		v[i] = (struct named){base ? base_of(path) : path, path, i};
	}
	if (t->nfile)
		qsort(v, t->nfile, sizeof(*v), by_name);
	for (size_t i = 0; i < t->nfile; i++)
		list[i] = v[i].file;
	free(v);
	*out = list;
	return 0;
}

uint32_t filetree_find(const struct filetree *t, const char *path)
{
	uint32_t lo = 0, hi = t->tree_files;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int d = strcmp(filetree_path(t, t->by_path[mid]), path);

		if (!d)
			return t->by_path[mid];
		if (d < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return FILE_NONE;
}

/* The first file, in the order of paths, that is @name below some directory. */
static uint32_t find_below(const struct filetree *t, const char *name)
{
	const char *base = base_of(name);
	uint32_t lo = 0, hi = t->tree_files;
	size_t n = strlen(name);

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (strcmp(base_of(filetree_path(t, t->by_base[mid])), base) <
		    0)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < t->tree_files; lo++) {
		const char *path = filetree_path(t, t->by_base[lo]);
		size_t len = strlen(path);

		if (strcmp(base_of(path), base))
			break;
		if (len > n && path[len - n - 1] == '/' &&
		    !strcmp(path + len - n, name))
			return t->by_base[lo];
	}
	return FILE_NONE;
}

/* @dir (@n bytes, may be 0) and @name as one path without . and .. in it; false:
 * it leads out of the tree, or is too long. */
static bool join(char *out, size_t room, const char *dir, size_t n,
		 const char *name)
{
	size_t at = n;

	if (n >= room)
		return false;
	memcpy(out, dir, n);
	while (*name) {
		size_t len = strcspn(name, "/");

		if (len == 2 && !memcmp(name, "..", 2)) {
			if (!at)
				return false;
			while (at && out[--at] != '/')
				;
		} else if (len && !(len == 1 && *name == '.')) {
			if (at + len + 2 > room)
				return false;
			if (at)
				out[at++] = '/';
			memcpy(out + at, name, len);
			at += len;
		}
		name += len + (name[len] == '/');
	}
	out[at] = '\0';
	return at > 0;
}

static uint32_t look(const struct filetree *t, const char *dir, size_t n,
		     const char *name)
{
	char path[OS_PATH_MAX];

	if (!join(path, sizeof(path), dir, n, name))
		return FILE_NONE;
	return filetree_find(t, path);
}

/* Beside the file that asks, as a header of the whole tree, anywhere. */
static uint32_t resolve(const struct filetree *t, const char *path,
			const struct include *inc)
{
	const char *name = t->names + inc->name;
	uint32_t file = FILE_NONE;
	size_t dir = (size_t)(base_of(path) - path);

	if (inc->quoted)
		file = look(t, path, dir ? dir - 1 : 0, name);
	if (file == FILE_NONE)
		file = look(t, "include", 7, name);
	if (file == FILE_NONE)
		file = look(t, "", 0, name);
	return file == FILE_NONE ? find_below(t, name) : file;
}

/* ---- directories ---- */

static bool same_dir(const char *a, const char *b)
{
	size_t n = (size_t)(base_of(a) - a);

	return n == (size_t)(base_of(b) - b) && !memcmp(a, b, n);
}

struct by_dir {
	const char *path;
	size_t dir; /* bytes of it that are the directory */
	uint32_t file;
};

static int dir_order(const void *a, const void *b)
{
	const struct by_dir *x = a, *y = b;
	size_t n = x->dir < y->dir ? x->dir : y->dir;
	int d = memcmp(x->path, y->path, n);

	if (d)
		return d;
	if (x->dir != y->dir)
		return x->dir < y->dir ? -1 : 1;
	return strcmp(x->path, y->path);
}

/* Files of @kind, those of one directory together. */
static int files_by_dir(struct filetree *t, enum file_kind kind)
{
	struct by_dir *v = mem_zalloc(t->tree_files, sizeof(*v));
	uint32_t n = 0;

	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < t->tree_files; i++) {
		const char *path = filetree_path(t, i);

		if (t->file[i].kind == kind)
			v[n++] = (struct by_dir){
				path, (size_t)(base_of(path) - path), i};
	}
	if (n)
		qsort(v, n, sizeof(*v), dir_order);
	t->unit = mem_zalloc((size_t)n + 1, sizeof(*t->unit));
	for (uint32_t i = 0; t->unit && i < n; i++) {
		t->unit[i] = v[i].file;
		t->dirs += !i || !same_dir(v[i - 1].path, v[i].path);
		t->file[v[i].file].dir = t->dirs - 1;
	}
	free(v);
	t->units = n;
	return t->unit ? 0 : -ENOMEM;
}

int filetree_end(struct filetree *t)
{
	int ret;

	t->tree_files = (uint32_t)t->nfile;
	ret = sorted(t, false, &t->by_path);
	if (!ret)
		ret = sorted(t, true, &t->by_base);
	for (uint32_t f = 0; !ret && f < t->tree_files; f++)
		for (uint32_t i = 0; i < t->file[f].nincs; i++) {
			struct include *inc = &t->include[t->file[f].inc + i];

			inc->file = resolve(t, filetree_path(t, f), inc);
		}
	return ret;
}

/* ---- a directory of this machine ---- */

struct reading {
	struct filetree *t;
	const char *dir;
	uint64_t left;
};

static int read_one(void *ctx, const char *path, uint64_t bytes,
		    struct err *err)
{
	struct reading *r = ctx;
	char full[OS_PATH_MAX];
	char *text;
	size_t n;
	int ret;

	if (bytes > r->left)
		return err_set(err, EFBIG,
			       "%s: the files up to %s have more bytes than "
			       "max_tree allows",
			       r->dir, path);
	if ((size_t)snprintf(full, sizeof(full), "%s/%s", r->dir, path) >=
	    sizeof(full))
		return err_set(err, ENAMETOOLONG, "%s: %s", path,
			       strerror(ENAMETOOLONG));
	ret = os_read_all(full, (size_t)r->left, &text, &n, err);
	if (ret)
		return ret;
	r->left -= n;
	ret = filetree_add(r->t, path, (const uint8_t *)text, n, err);
	free(text);
	return ret;
}

int filetree_read(struct filetree *t, const char *dir, uint64_t max,
		  struct err *err)
{
	struct reading r = {.t = t, .dir = dir, .left = max};
	int ret = os_walk(dir, read_one, &r, err);

	return ret ? ret : filetree_end(t);
}

/* ---- what a build needs ---- */

static int add_tools(struct filetree *t, uint64_t bytes, struct err *err)
{
	static const struct {
		const char *name;
		unsigned share; /* sixteenths */
	} tool[TOOL_COUNT] = {
		[TOOL_DRIVER] = {"bin/cc", 1},
		[TOOL_COMPILER] = {"bin/cc1", 11},
		[TOOL_ASSEMBLER] = {"bin/as", 2},
		[TOOL_LINKER] = {"bin/ld", 2},
	};
	uint32_t file;
	int ret = 0;

	t->first_tool = (uint32_t)t->nfile;
	t->tools = TOOL_COUNT;
	for (int i = 0; !ret && i < TOOL_COUNT; i++)
		ret = add_file(t, tool[i].name, FILE_TOOL,
			       bytes / 16 * tool[i].share / PAGE_BYTES + 1,
			       &file, err);
	return ret;
}

/* PATH.o of each unit: as much code as there was text. */
static int add_objects(struct filetree *t, struct err *err)
{
	int ret = 0;

	t->first_object = (uint32_t)t->nfile;
	for (uint32_t i = 0; !ret && i < t->units; i++) {
		char path[OS_PATH_MAX + 8];
		uint32_t file, pages = t->file[t->unit[i]].pages;

		snprintf(path, sizeof(path), "%s.o",
			 filetree_path(t, t->unit[i]));
		ret = add_file(t, path, FILE_OBJECT, (uint64_t)pages + 1, &file,
			       err);
	}
	return ret;
}

/* One archive for each directory that has units, as large as its objects. */
static int add_archives(struct filetree *t, struct err *err)
{
	int ret = 0;

	t->archive_unit = mem_zalloc((size_t)t->dirs + 1, sizeof(uint32_t));
	if (!t->archive_unit)
		return -ENOMEM;
	t->first_archive = (uint32_t)t->nfile;
	for (uint32_t i = 0; !ret && i < t->units;) {
		const char *path = filetree_path(t, t->unit[i]);
		uint32_t dir = t->file[t->unit[i]].dir, file;
		char name[OS_PATH_MAX + 16];
		uint64_t pages = 0;

		t->archive_unit[t->archives++] = i;
		snprintf(name, sizeof(name), "%.*sbuilt-in.o",
			 (int)(base_of(path) - path), path);
		for (; i < t->units && t->file[t->unit[i]].dir == dir; i++)
			pages += t->file[t->first_object + i].pages;
		ret = add_file(t, name, FILE_ARCHIVE, pages, &file, err);
	}
	t->archive_unit[t->archives] = t->units;
	return ret;
}

int filetree_add_build(struct filetree *t, uint64_t tool_bytes, struct err *err)
{
	uint64_t pages = 0;
	int ret = files_by_dir(t, FILE_SOURCE);

	if (!ret && !t->units) {
		free(t->unit);
		t->unit = NULL;
		ret = files_by_dir(t, FILE_HEADER);
	}
	if (!ret && !t->units)
		return err_set(err, EINVAL,
			       "no sources or headers of C to build; list= "
			       "takes a list of accesses");
	if (!ret)
		ret = add_tools(t, tool_bytes, err);
	if (!ret)
		ret = add_objects(t, err);
	if (!ret)
		ret = add_archives(t, err);
	for (uint32_t i = 0; !ret && i < t->archives; i++)
		pages += t->file[t->first_archive + i].pages;
	return ret ? ret
		   : add_file(t, "image", FILE_IMAGE, pages, &t->image, err);
}

int filetree_grow(struct filetree *t, const uint32_t *pages, struct err *err)
{
	uint32_t *content = NULL;
	uint64_t sum = 0;
	size_t cap = 0;

	for (uint32_t f = 0; f < t->tree_files; f++)
		sum += pages[f];
	if (sum > FILETREE_PAGES_MAX)
		return err_set(err, ENOSPC,
			       "more than %" PRIu32 " pages of files",
			       FILETREE_PAGES_MAX);
	if (sum == t->pages)
		return 0;
	if (mem_reserve(&content, &cap, (size_t)sum, sizeof(*content)))
		return -ENOMEM;
	t->pages = 0;
	for (uint32_t f = 0; f < t->tree_files; f++) {
		struct file *file = &t->file[f];

		for (uint32_t i = 0; i < file->stored; i++)
			content[t->pages + i] = t->content[file->first + i];
		file->first = t->pages;
		file->pages = pages[f];
		t->pages += pages[f];
	}
	mem_release(t->content, t->content_cap, sizeof(*t->content));
	t->content = content;
	t->content_cap = cap;
	return 0;
}

int filetree_add_written(struct filetree *t, const char *path, uint32_t pages,
			 uint32_t *file, struct err *err)
{
	return add_file(t, path, FILE_WRITTEN, pages, file, err);
}
