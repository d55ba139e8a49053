/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filetree.h - the files that guests of the workload filecache read and write
 *
 *	a directory, or a made-up tree ──► files, cut into pages
 *	                                   pages ──► contents, each once
 *	                                   #include lines ──► files they name
 *	sources ──► tools, objects, archives, an image: what a build needs
 *
 * Files are numbered: those of the tree first, in the order of their paths,
 * then tools and outputs.  The pages of all files have numbers, too: those of a
 * file follow each other, so a page is file.first + index.  The last page of a
 * file is filled up with zeros.
 *
 * Contents of the tree are interned; those of tools and outputs are made from a
 * number (filetree_code()) and never stored.
 */
#ifndef DEDUPSIM_WORKLOADS_FILETREE_H
#define DEDUPSIM_WORKLOADS_FILETREE_H

#include "sim/base/err.h"
#include "sim/core/pages.h"

#define FILETREE_FILES_MAX (UINT32_C(1) << 21)
#define FILETREE_PAGES_MAX (UINT32_C(1) << 23)
#define FILE_NONE UINT32_MAX

enum file_kind {
	FILE_DATA,   /* of the tree, neither of the following */
	FILE_SOURCE, /* a translation unit */
	FILE_HEADER,
	FILE_TOOL,
	FILE_OBJECT,  /* of a unit */
	FILE_ARCHIVE, /* of the objects of one directory */
	FILE_IMAGE,   /* of all archives */
	FILE_WRITTEN  /* named by a list of accesses only */
};

struct file {
	uint32_t path; /* into names: filetree_path() */
	uint32_t first, pages;
	uint32_t stored; /* pages whose contents are those of the tree */
	uint32_t kind;
	uint32_t dir;	     /* directories are numbered as they appear */
	uint32_t inc, nincs; /* into include[] */
};

/* One #include line: what it says, then which file that is. */
struct include {
	uint32_t name; /* into names */
	uint32_t file; /* FILE_NONE: not in the tree */
	bool quoted;
};

struct filetree {
	struct file *file;
	size_t nfile, file_cap;
	uint32_t tree_files; /* the first so many files came from the tree */
	uint32_t pages;	     /* of all files */
	uint32_t dirs;
	struct page_store store;
	uint32_t *content; /* of the pages of the tree, by page */
	size_t content_cap;
	struct include *include;
	size_t nincludes, include_cap;
	char *names; /* paths and included names, each with its NUL */
	size_t names_n, names_cap;
	uint32_t *by_path, *by_base; /* files of the tree, sorted */
	/* What a build works with; filetree_add_build(). */
	uint32_t *unit; /* translation units by directory */
	uint32_t units;
	uint32_t first_tool, tools;
	uint32_t first_object; /* object of unit[i] is file first_object + i */
	uint32_t first_archive, archives;
	uint32_t *archive_unit; /* first unit of each archive, and the end */
	uint32_t image;
};

void filetree_init(struct filetree *t);
void filetree_fini(struct filetree *t);

/*
 * filetree_read - every regular file below @dir
 * @max: bytes of all files at most
 * Returns 0; -EFBIG, -EINVAL and errors of reading with the path in @err;
 * -ENOMEM.
 */
int filetree_read(struct filetree *t, const char *dir, uint64_t max,
		  struct err *err);

/* filetree_make - a tree of so many units and headers, made up from @seed:
 * text in the manner of C, in directories, that includes itself */
int filetree_make(struct filetree *t, uint32_t units, uint32_t headers,
		  uint64_t seed);

/* filetree_add - one more file of the tree; @bytes are cut into pages and its
 * #include lines noted.  Returns 0; -ENOMEM; -ENOSPC with @err set when there
 * are too many files or pages. */
int filetree_add(struct filetree *t, const char *path, const uint8_t *bytes,
		 size_t n, struct err *err);
/* filetree_end - the tree is complete: find what #include lines mean */
int filetree_end(struct filetree *t);

static inline const char *filetree_path(const struct filetree *t, uint32_t file)
{
	return t->names + t->file[file].path;
}

/* filetree_find - a file of the tree by its path; FILE_NONE */
uint32_t filetree_find(const struct filetree *t, const char *path);

/*
 * filetree_add_build - what building all units reads and writes beside the tree
 * @tool_bytes: of compiler, assembler and linker together
 * A tree without sources is built from its headers, each on its own.  Returns
 * 0; -EINVAL when there is nothing to compile; -ENOSPC; -ENOMEM.
 */
int filetree_add_build(struct filetree *t, uint64_t tool_bytes,
		       struct err *err);
enum { TOOL_DRIVER, TOOL_COMPILER, TOOL_ASSEMBLER, TOOL_LINKER, TOOL_COUNT };

/* filetree_grow - make room for pages that guests will write behind the end of
 * files of the tree; @pages: by file.  Before any file is added to the tree.
 * Returns 0; -ENOSPC with @err set; -ENOMEM. */
int filetree_grow(struct filetree *t, const uint32_t *pages, struct err *err);

/* filetree_add_written - a file of @pages pages that is in no tree */
int filetree_add_written(struct filetree *t, const char *path, uint32_t pages,
			 uint32_t *file, struct err *err);

/* filetree_code - a page in the manner of machine code, one for each @name;
 * @start: the first of its file */
void filetree_code(uint8_t *page, uint64_t name, bool start);

#endif
