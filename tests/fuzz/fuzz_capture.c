/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fuzz_capture.c - the text files of a capture container, told by the first
 *byte
 *
 *	's'  a samples.tsv
 *	'z'  any file packed with zstd, at most 1 MiB of it
 *	any  an index.tsv, that byte included, of a capture whose samples 0, 2
 *	     and 5 were kept; read twice, as an import does
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "traces/capture_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void check(int ret, const struct err *err)
{
	/* What is refused is refused in one line. */
	if (ret)
		assert(err->text[0] && !strchr(err->text, '\n'));
}

static int read_index(struct capture_index *ix, uint64_t *sum, struct err *err)
{
	int ret;

	while ((ret = capture_index_run(ix, err)) == 1) {
		uint32_t id;
		bool fresh;

		assert(ix->run.guest < ix->guests && ix->run.count);
		assert(ix->run.first + ix->run.count <= ix->max_page);
		while (ix->left) {
			ret = capture_index_id(ix, &id, &fresh, err);
			if (ret)
				return ret;
			assert(id <= ix->max_id && (!fresh || id == ix->ids));
			*sum = *sum * 31 + id + fresh;
		}
		*sum += ix->run.first + ix->run.guest + ix->run.sample;
	}
	return ret;
}

static void one_samples(const uint8_t *data, size_t n)
{
	struct capture_samples s = {0};
	struct err err = {0};
	struct zin z;
	int ret;

	zin_memory(&z, "samples", data, n);
	ret = capture_samples_read(&s, &z, &err);
	check(ret, &err);
	if (!ret)
		assert(s.kept && s.kept <= s.n);
	zin_close(&z);
	capture_samples_fini(&s);
}

static struct capture_sample six[] = {{0, true},  {1, false}, {2, true},
				      {2, false}, {9, false}, {10, true}};

static void one_index(const uint8_t *data, size_t n)
{
	const struct capture_samples s = {.v = six, .n = 6, .kept = 3};
	struct capture_index ix;
	uint64_t first = 0, again = 0;
	struct err err = {0};
	struct zin z;
	int ret;

	zin_memory(&z, "index", data, n);
	capture_index_init(&ix, &z, &s);
	ret = read_index(&ix, &first, &err);
	check(ret, &err);
	if (!ret) {
		zin_memory(&z, "index", data, n);
		capture_index_again(&ix, &z);
		ret = read_index(&ix, &again, &err);
		assert(!ret && again == first);
	}
	capture_index_fini(&ix);
	zin_close(&z);
}

static void one_packed(const uint8_t *data, size_t n)
{
	char dir[] = "/tmp/fuzz-capture-XXXXXX", path[64];
	struct err err = {0};
	struct zin z;
	FILE *f;
	int ret;

	if (!mkdtemp(dir))
		abort();
	snprintf(path, sizeof(path), "%s/x.zst", dir);
	f = fopen(path, "wb");
	if (!f || fwrite(data, 1, n, f) != n || fclose(f))
		abort();
	ret = zin_open(&z, dir, "x", 1 << 20, &err);
	while (!ret && (ret = zin_fill(&z, &err)) == 1) {
		assert(z.before + z.to <= 1 << 20);
		z.from = z.to;
		ret = 0;
	}
	check(ret, &err);
	zin_close(&z);
	remove(path);
	rmdir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n && data[0] == 's')
		one_samples(data + 1, n - 1);
	else if (n && data[0] == 'z')
		one_packed(data + 1, n - 1);
	else
		one_index(data, n);
	return 0;
}
