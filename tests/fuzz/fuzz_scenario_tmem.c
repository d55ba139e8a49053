/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Scenarios of tmem: whatever is written, there are rows or one line that says
 * where it goes wrong, and every invariant holds after each statement.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/run/scenario.h"

#define INPUT_MAX 3000u
#define PAGES_MAX 16 /* for speed */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int pages(const char *text)
{
	int n = 0;

	for (; (text = strstr(text, "page")); text++)
		n++;
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scenario_opts opts = {.paranoid = 1};
	struct err err = {.text = ""};
	char *text = malloc(size + 1), *rows = NULL;
	size_t n;
	FILE *out = open_memstream(&rows, &n);
	int ret;

	assert(text && out);
	memcpy(text, data, size);
	text[size] = '\0';
	if (size <= INPUT_MAX && pages(text) <= PAGES_MAX) {
		ret = scenario_tmem("f", text, size, &opts, out, &err);
		assert(!ret || ret == -EINVAL);
		assert(!ret == !err.text[0]);
		assert(!ret || !strncmp(err.text, "f:", 2));
		assert(!strchr(err.text, '\n'));
		assert(!strstr(err.text, "an invariant is broken"));
	}
	fclose(out);
	free(rows);
	free(text);
	return 0;
}
