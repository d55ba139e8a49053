/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * replay.c - feed each file of the directories given to a fuzz target, once
 *
 * Stands in for libFuzzer's main(), so that any compiler and `make test` can
 * walk a corpus.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/base/os.h"

#define INPUT_MAX ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int feed(const char *path)
{
	struct err err = {0};
	uint8_t *exact;
	char *data;
	size_t n;
	int ret = os_read_all(path, INPUT_MAX, &data, &n, &err);

	if (ret) {
		fprintf(stderr, "%s\n", err_text(&err, ret));
		return ret;
	}
	/* No byte behind the end: a read past it is seen by the sanitizer. */
	exact = malloc(n ? n : 1);
	if (!exact)
		abort();
	for (size_t i = 0; i < n; i++)
		exact[i] = (uint8_t)data[i];
	free(data);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
	return 0;
}

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

static int feed_all(const char *dir, unsigned *fed)
{
	struct dirent **v;
	int n = scandir(dir, &v, visible, alphasort), ret = 0;

	if (n < 0) {
		perror(dir);
		return n;
	}
	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", dir, v[i]->d_name);
		free(v[i]);
		if (ret)
			continue;
		ret = feed(path);
		(*fed)++;
	}
	free(v);
	return ret;
}

int main(int argc, char **argv)
{
	unsigned fed = 0;

	for (int i = 1; i < argc; i++)
		if (feed_all(argv[i], &fed))
			return EXIT_FAILURE;
	printf("%u inputs replayed\n", fed);
	return fed ? EXIT_SUCCESS : EXIT_FAILURE;
}
