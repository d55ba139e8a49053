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

/* A line about few pages: its numbers are small, or such as are refused. */
static bool small_line(const uint8_t *p, const uint8_t *end)
{
	while (p < end) {
		uint64_t v = 0;

		if (*p == 'x' || *p == 'X')
			return false;
		for (; p < end && *p >= '0' && *p <= '9'; p++)
			v = v < REFUSED_FROM ? v * 10 + (*p - '0') : v;
		if (v > PAGES_MAX && v < REFUSED_FROM)
			return false;
		p += p < end;
	}
	return true;
}

/* Lines that start with s or b (set, scan, batch …) name no pages. */
static bool small(const uint8_t *p, const uint8_t *end)
{
	while (p < end) {
		const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));
		const uint8_t *to = nl ? nl : end;

		if (*p != 's' && *p != 'b' && !small_line(p, to))
			return false;
		p = nl ? nl + 1 : end;
	}
	return true;
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
	struct err err[2] = {{.text = ""}, {.text = ""}};
	size_t n[2];
	char *rows[2];
	int ret[2];

	if (size > INPUT_MAX || !small(data, data + size))
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
