/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filecache_build.c - what make does, as reads and writes of whole files
 *
 *	clean                 unlink every output of the last build
 *	for each directory:
 *	    for each unit:    driver, compiler, source, headers, assembler; object
 *	    link              linker, objects; archive
 *	link                  linker, archives; image
 *
 * Headers are read in the order in which the compiler meets them, each once.
 * Directories come in the order of make, or shuffled by guest and build, as a
 * parallel make does it; units of a directory in the order of their names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "workloads/filecache.h"

int build_init(struct build *b, const struct filecache *fc)
{
	const struct filetree *t = &fc->tree;
	/* The longest step reads or unlinks each file once, and some more. */
	size_t most = t->nfile + 16;

	*b = (struct build){0};
	b->dirs = mem_zalloc(t->archives, sizeof(*b->dirs));
	b->item = mem_zalloc(most, sizeof(*b->item));
	b->stack = mem_zalloc(t->nincludes + 1, sizeof(*b->stack));
	b->seen = mem_zalloc(t->nfile, sizeof(*b->seen));
	return b->dirs && b->item && b->stack && b->seen ? 0 : -ENOMEM;
}

void build_fini(struct build *b)
{
	free(b->dirs);
	free(b->item);
	free(b->stack);
	free(b->seen);
	*b = (struct build){0};
}

static void start_build(struct build *b, const struct filecache *fc)
{
	uint32_t n = fc->tree.archives;

	b->dir = b->unit = 0;
	for (uint32_t i = 0; i < n; i++)
		b->dirs[i] = i;
	for (uint32_t i = n; fc->opt.order == ORDER_SHUFFLED && i > 1; i--) {
		uint32_t k = (uint32_t)prng_below(&b->r, i);
		uint32_t swap = b->dirs[i - 1];

		b->dirs[i - 1] = b->dirs[k];
		b->dirs[k] = swap;
	}
}

void build_rewind(struct build *b, const struct filecache *fc, uint32_t guest)
{
	b->r = prng_fork(splitmix64(fc->seed) + guest, "filecache.build");
	b->number = b->wrote = b->nitem = b->at = 0;
	b->cleaned = true; /* there are no outputs yet */
	start_build(b, fc);
}

static void push(struct build *b, enum item_op op, uint32_t file)
{
	b->item[b->nitem++] =
		(struct item){.op = op, .file = file, .count = ITEM_ALL};
}

static void push_tool(struct build *b, const struct filetree *t, uint32_t tool)
{
	push(b, ITEM_READ, t->first_tool + tool);
}

/* @file and what it includes, and what that includes, in order of meeting. */
static void push_text(struct build *b, const struct filetree *t, uint32_t file)
{
	uint32_t depth = 0;

	if (++b->stamp == 0) {
		memset(b->seen, 0, t->nfile * sizeof(*b->seen));
		b->stamp = 1;
	}
	b->stack[depth++] = file;
	while (depth) {
		const struct file *f;

		file = b->stack[--depth];
		if (b->seen[file] == b->stamp)
			continue;
		b->seen[file] = b->stamp;
		push(b, ITEM_READ, file);
		f = &t->file[file];
		/* Each line is pushed at most once, as its file is met. */
		for (uint32_t i = f->nincs; i-- > 0;) {
			uint32_t inc = t->include[f->inc + i].file;

			if (inc != FILE_NONE && b->seen[inc] != b->stamp)
				b->stack[depth++] = inc;
		}
	}
}

static void step_compile(struct build *b, const struct filetree *t,
			 uint32_t unit)
{
	push_tool(b, t, TOOL_DRIVER);
	push_tool(b, t, TOOL_COMPILER);
	push_text(b, t, t->unit[unit]);
	push_tool(b, t, TOOL_ASSEMBLER);
	push(b, ITEM_WRITE, t->first_object + unit);
}

static void step_archive(struct build *b, const struct filetree *t,
			 uint32_t archive)
{
	push_tool(b, t, TOOL_LINKER);
	for (uint32_t u = t->archive_unit[archive];
	     u < t->archive_unit[archive + 1]; u++)
		push(b, ITEM_READ, t->first_object + u);
	push(b, ITEM_WRITE, t->first_archive + archive);
}

static void step_image(struct build *b, const struct filetree *t)
{
	push_tool(b, t, TOOL_LINKER);
	for (uint32_t i = 0; i < t->archives; i++)
		push(b, ITEM_READ, t->first_archive + i);
	push(b, ITEM_WRITE, t->image);
}

static void step_clean(struct build *b, const struct filetree *t)
{
	for (uint32_t f = t->first_object; f <= t->image; f++)
		push(b, ITEM_UNLINK, f);
}

/* Items of the next step; false: there is none. */
static bool next_step(struct build *b, const struct filecache *fc)
{
	const struct filetree *t = &fc->tree;
	uint32_t archive;

	b->nitem = b->at = 0;
	if (b->number == fc->opt.builds)
		return false;
	if (!b->cleaned) {
		b->cleaned = true;
		step_clean(b, t);
		return true;
	}
	b->wrote = b->number;
	if (b->dir == t->archives) {
		step_image(b, t);
		b->cleaned = false;
		b->dir++; /* the build is over when the image is written */
	} else {
		archive = b->dirs[b->dir];
		if (t->archive_unit[archive] + b->unit ==
		    t->archive_unit[archive + 1]) {
			step_archive(b, t, archive);
			b->dir++;
			b->unit = 0;
		} else {
			step_compile(b, t, t->archive_unit[archive] + b->unit);
			b->unit++;
		}
	}
	return true;
}

bool build_next(struct build *b, const struct filecache *fc, struct item *item,
		uint64_t *job)
{
	if (b->at == b->nitem) {
		if (b->dir == fc->tree.archives + 1) {
			b->number++;
			start_build(b, fc);
		}
		if (!next_step(b, fc))
			return false;
		*job = 0;
		for (uint32_t i = 0; i < b->nitem; i++)
			if (b->item[i].op == ITEM_READ &&
			    fc->tree.file[b->item[i].file].kind != FILE_TOOL)
				*job += fc->tree.file[b->item[i].file].pages;
		/* A linker asks for as much as it reads. */
		if (b->nitem && b->item[0].file !=
					fc->tree.first_tool + TOOL_LINKER)
			*job *= fc->opt.job;
	}
	*item = b->item[b->at++];
	return true;
}
