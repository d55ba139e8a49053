/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Baselines of the bench, compared with two metrics.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct metric m[] = {
		{.name = "a/b/c", .unit = "pages", .value = 7},
		{.name = "a/b/d",
		 .unit = "instructions",
		 .kind = METRIC_STABLE,
		 .value = 1000,
		 .with = "gcc"},
	};
	const struct metrics ms = {.v = m, .n = 2};
	struct gate_result res;
	struct err err = {0};
	char *said = NULL;
	size_t n = 0, lines = 0;
	FILE *out = open_memstream(&said, &n);
	int ret;

	if (!out)
		return 0;
	ret = gate_compare(&ms, "fuzz", (const char *)data, size, out, &res,
			   &err);
	fclose(out);
	for (size_t i = 0; i < n; i++)
		lines += said[i] == '\n';
	/* a line per finding, and nothing that would move a terminal's cursor */
	if (lines != res.findings || !ret != !err.text[0] ||
	    strchr(err.text, '\n') || memchr(said, 27, n))
		abort();
	free(said);
	return 0;
}
