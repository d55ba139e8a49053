/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_import.c - images and captures as a whole, told by the first byte
 *
 *	'i'  images: a line [NAME=]NUMBER[@TIME] for each operand, ended by 0xfe,
 *	     then images, each ended by 0xfe
 *	'c'  a capture: samples.tsv, index.tsv, hashes.bin and pages.bin, each
 *	     ended by 0xfe; a file that begins with 0xfd is taken as it is
 *
 * A byte of an image or of pages.bin stands for a whole page: 0 zeros, 0xff a
 * hole, else a page of its own; one of hashes.bin for that page's hash.  What is
 * taken is a good trace, what is refused leaves nothing behind.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/bits.h"
#include "sim/core/pages.h"
#include "sim/base/text.h"
#include "traces/import.h"

#define INPUT_MAX 4096u
#define FILES 4
#define OPERANDS 8
#define END 0xfe
#define RAW 0xfd
#define HOLE 0xff
#define PATH_BYTES 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct tree {
	char dir[64];
	char file[FILES][PATH_BYTES];
	char out[PATH_BYTES];
};

static void put(const char *path, const void *p, size_t n, long at)
{
	FILE *f = fopen(path, at ? "r+b" : "wb");

	if (!f || fseek(f, at, SEEK_SET) || fwrite(p, 1, n, f) != n ||
	    fclose(f))
		abort();
}

static void put_pages(const char *path, const uint8_t *p, size_t n)
{
	uint8_t page[PAGE_BYTES];

	put(path, "", 0, 0);
	for (size_t i = 0; i < n; i++) {
		if (p[i] == HOLE)
			continue;
		page_fill(page, RULE_KEY, p[i]);
		put(path, page, sizeof(page), (long)(i * PAGE_BYTES));
	}
	if (truncate(path, (off_t)(n * PAGE_BYTES)))
		abort();
}

static void put_hashes(const char *path, const uint8_t *p, size_t n)
{
	uint8_t page[PAGE_BYTES], *all = malloc(8 * n + 1);

	if (!all)
		abort();
	for (size_t i = 0; i < n; i++) {
		page_fill(page, RULE_KEY, p[i]);
		store_le64(all + 8 * i,
			   p[i] ? hash_xxh3(page, PAGE_BYTES) | 1 : 0);
	}
	put(path, all, 8 * n, 0);
	free(all);
}

/* The next file of the input, without its end. */
static size_t part(const uint8_t **data, size_t *left, const uint8_t **from)
{
	const uint8_t *end = *left ? memchr(*data, END, *left) : NULL;
	size_t n = end ? (size_t)(end - *data) : *left;

	*from = *data;
	*data += n + (end != NULL);
	*left -= n + (end != NULL);
	return n;
}

static void import(const struct tree *t, const char *const *operand, size_t n)
{
	const struct import_job job = {
		.out = t->out,
		.inputs = operand,
		.ninputs = n,
		.base = IMPORT_BASE,
		.level = 1,
		.threads = 1,
	};
	struct import_totals totals;
	struct trace *trace = NULL;
	struct err err = {0};
	char gone[PATH_BYTES + 8];
	int ret = import_run(&job, &totals, &err);

	snprintf(gone, sizeof(gone), "%s.part", t->out);
	assert(access(gone, F_OK));
	if (ret) {
		assert(err.text[0] && !strchr(err.text, '\n'));
		assert(access(t->out, F_OK));
		return;
	}
	ret = trace_open(&trace, t->out, &err);
	assert(!ret);
	assert(!trace_verify(trace, 1, &err));
	assert(trace->ops->header(trace)->spaces == totals.guests);
	trace_close(trace);
}

/* [NAME=]NUMBER[@TIME] with the file of that number in its place */
static bool operand(const struct tree *t, const char *line, char *out)
{
	const char *eq = strchr(line, '='), *p = eq ? eq + 1 : line;

	if (strchr(line, '/') || *p < '0' || *p >= '0' + FILES)
		return false;
	return snprintf(out, PATH_BYTES, "%.*s%s%s", (int)(p - line), line,
			t->file[*p - '0'], p + 1) < PATH_BYTES;
}

static void images(const struct tree *t, const uint8_t *data, size_t left)
{
	char text[INPUT_MAX + 1], name[OPERANDS][PATH_BYTES], *p = text, *line;
	const char *names[OPERANDS];
	const uint8_t *from;
	size_t n = part(&data, &left, &from), count = 0;

	memcpy(text, from, n);
	text[n] = 0;
	while (count < OPERANDS && (line = text_line(&p, text + n))) {
		if (!operand(t, line, name[count]))
			return;
		names[count] = name[count];
		count++;
	}
	for (size_t i = 0; i < FILES; i++) {
		n = part(&data, &left, &from);
		if (n && *from == RAW)
			put(t->file[i], from + 1, n - 1, 0);
		else
			put_pages(t->file[i], from, n);
	}
	if (count)
		import(t, names, count);
}

static void capture(const struct tree *t, const uint8_t *data, size_t left)
{
	const char *dir = t->dir;
	const uint8_t *from;

	for (size_t i = 0; i < FILES; i++) {
		size_t n = part(&data, &left, &from);

		if (i < 2)
			put(t->file[i], from, n, 0);
		else if (n && *from == RAW)
			put(t->file[i], from + 1, n - 1, 0);
		else if (i == 2)
			put_hashes(t->file[i], from, n);
		else
			put_pages(t->file[i], from, n);
	}
	import(t, &dir, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const captured[] = {"samples.tsv", "index.tsv",
					       "hashes.bin", "pages.bin"};
	/* in memory, where syncing a file costs nothing */
	bool shm = !access("/dev/shm", W_OK);
	struct tree t = {0};

	if (!size || size > INPUT_MAX)
		return 0;
	snprintf(t.dir, sizeof(t.dir), "%s/fuzz-import-XXXXXX",
		 shm ? "/dev/shm" : "/tmp");
	if (!mkdtemp(t.dir))
		abort();
	for (size_t i = 0; i < FILES; i++)
		snprintf(t.file[i], PATH_BYTES, "%s/%s", t.dir, captured[i]);
	snprintf(t.out, PATH_BYTES, "%s/out", t.dir);
	if (data[0] == 'c')
		capture(&t, data + 1, size - 1);
	else if (data[0] == 'i')
		images(&t, data + 1, size - 1);
	for (size_t i = 0; i < FILES; i++)
		remove(t.file[i]);
	remove(t.out);
	rmdir(t.dir);
	return 0;
}
