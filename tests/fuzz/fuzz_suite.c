/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suites of experiments.  What is accepted has labels that differ and can be
 * named again.
 */
#include <stdlib.h>
#include <string.h>

#include "bench/suite.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = {0};
	struct suite s;
	int ret = suite_parse(&s, "fuzz", (const char *)data, size, &err);

	if (!ret != !err.text[0] || strchr(err.text, '\n'))
		abort();
	if (ret && (s.n || s.line || s.text))
		abort();
	for (size_t i = 0; i < s.n; i++) {
		const struct suite_line *l = &s.line[i];
		char again[BENCH_LABEL_MAX];
		size_t kind = strlen(l->ops->name);

		l->ops->label(l->opts, again, sizeof(again) - kind - 1);
		if (strcmp(again, l->label + kind + 1) != 0)
			abort();
		for (size_t k = 0; k < i; k++)
			if (!strcmp(s.line[k].label, l->label))
				abort();
	}
	suite_fini(&s);
	return 0;
}
