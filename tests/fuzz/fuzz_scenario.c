/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scenarios: whatever is written, there are rows or one line that says where
 * it goes wrong, every invariant holds after each operation, and a second run
 * says the same.  Small texts about few pages only, for speed; numbers that the
 * language refuses may be as large as they like.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/run/scenario.h"

#define INPUT_MAX 2048u
#define PAGES_MAX 600u /* one huge page fits */
#define REFUSED_FROM (UINT64_C(1) << 29)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is there a number that a range of pages takes, of more than a few? */
static bool too_large(const uint8_t *p, const uint8_t *end)
{
	for (; p < end; p++) {
		uint64_t v = 0;
		bool hex = end - p > 2 && p[0] == '0' && (p[1] | 32) == 'x';

		if (hex)
			return true;
		for (; p < end && *p >= '0' && *p <= '9'; p++)
			v = v < REFUSED_FROM ? v * 10 + (*p - '0') : v;
		if (v > PAGES_MAX && v < REFUSED_FROM)
			return true;
		if (p == end)
			break;
	}
	return false;
}

static char *run(const uint8_t *data, size_t size, size_t *n, int *ret,
		 struct err *err)
{
	struct scenario_opts opts = {.paranoid = 1};
	char *text = malloc(size + 1), *rows = NULL;
	FILE *out = open_memstream(&rows, n);

	if (!text || !out)
		abort();
	memcpy(text, data, size);
	*ret = scenario_run("f", text, size, &opts, out, err);
	fclose(out);
	free(text);
	return rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err[2] = {{""}, {""}};
	size_t n[2];
	char *rows[2];
	int ret[2];

	if (size > INPUT_MAX || too_large(data, data + size))
		return 0;
	for (int i = 0; i < 2; i++)
		rows[i] = run(data, size, &n[i], &ret[i], &err[i]);
	assert(!ret[0] || ret[0] == -EINVAL);
	assert(!ret[0] == !err[0].text[0]);
	assert(!ret[0] || !strncmp(err[0].text, "f:", 2));
	assert(!strchr(err[0].text, '\n'));
	assert(!strstr(err[0].text, "an invariant is broken"));
	assert(ret[0] == ret[1] && !strcmp(err[0].text, err[1].text));
	assert(n[0] == n[1] && !memcmp(rows[0], rows[1], n[0]));
	free(rows[0]);
	free(rows[1]);
	return 0;
}
