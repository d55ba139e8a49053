/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Steps of zram: whatever is written, there are rows or one line that says where
 * it goes wrong, every invariant holds after each step, and what was printed can
 * be run again and gives itself.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/run/scenario.h"

#define INPUT_MAX 2048u
#define SLOT_MAX 3000u	    /* of slots and lengths, for speed */
#define REFUSED_FROM 65536u /* as slots and as lengths */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each number is small, or such as no list may hold. */
static bool small(const uint8_t *p, const uint8_t *end)
{
	unsigned numbers = 0;

	while (p < end) {
		uint64_t v = 0;
		const uint8_t *from = p;

		for (; p < end && *p >= '0' && *p <= '9'; p++)
			v = v < REFUSED_FROM ? v * 10 + (*p - '0') : v;
		if (v > SLOT_MAX && v < REFUSED_FROM && v != 4096)
			return false;
		numbers += v > SLOT_MAX / 10;
		p += p == from;
	}
	return numbers < 100;
}

static char *run(const char *data, size_t size, size_t *n, int *ret,
		 struct err *err)
{
	struct scenario_opts opts = {.paranoid = 1};
	char *text = malloc(size + 1), *rows = NULL;
	FILE *out = open_memstream(&rows, n);

	if (!text || !out)
		abort();
	memcpy(text, data, size);
	*ret = scenario_zram("f", text, size, &opts, out, err);
	fclose(out);
	free(text);
	return rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0}, err2 = {0};
	size_t n, n2;
	char *rows, *rows2;
	int ret;

	if (size > INPUT_MAX || !small(data, data + size))
		return 0;
	rows = run((const char *)data, size, &n, &ret, &err);
	assert(!ret || ret == -EINVAL);
	assert(!ret == !err.text[0]);
	assert(!ret || !strncmp(err.text, "f:", 2));
	assert(!strchr(err.text, '\n'));
	assert(!strstr(err.text, "an invariant is broken"));
	if (!ret) {
		rows2 = run(rows, n, &n2, &ret, &err2);
		assert(!ret && n == n2 && !memcmp(rows, rows2, n));
		free(rows2);
	}
	free(rows);
	return 0;
}
