/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/text.h"
#include "models/zero_page.h"
#include "sim/cmd/machine_opts.h"

const char *const machine_placements[] = {"sequential", "random", NULL};

static int set_field(struct cache_conf *conf, const char *word, struct err *err)
{
	const char *eq = strchr(word, '=');
	char key[TEXT_NAME_MAX];

	if (!eq || (size_t)(eq - word) >= sizeof(key))
		return err_set(err, EINVAL, "--set %s: expected KEY=VALUE",
			       word);
	memcpy(key, word, (size_t)(eq - word));
	key[eq - word] = 0;
	return cache_conf_set(conf, key, eq + 1, err);
}

int machine_opts_conf(struct cache_conf *conf, const char *name,
		      const char *const *set, size_t n, struct err *err)
{
	int ret = cache_conf_find(conf, name, NULL, err);
	const char *slash = ret ? NULL : strrchr(conf->name, '/');

	/* Results name it, and hold no directory. */
	if (slash)
		memmove(conf->name, slash + 1, strlen(slash));
	for (size_t i = 0; !ret && i < n; i++)
		ret = set_field(conf, set[i], err);
	return ret ? ret : cache_conf_check(conf, err);
}

/* "6.18", "2.6.37": each part of the number below 256. */
static bool parse_kernel(const char *word, uint32_t *version)
{
	uint64_t part[3] = {0};
	unsigned n = 0;

	for (const char *p = word;; p++) {
		size_t len = strcspn(p, ".");
		char digits[8];

		if (n == 3 || !len || len >= sizeof(digits))
			return false;
		memcpy(digits, p, len);
		digits[len] = 0;
		if (strspn(digits, "0123456789") != len ||
		    !text_u64(digits, &part[n]) || part[n] > 255)
			return false;
		n++;
		p += len;
		if (!*p)
			break;
	}
	*version = KERNEL(part[0], part[1], part[2]);
	return n >= 2;
}

int machine_opts_order(const struct cache_conf *conf, const char *kernel,
		       uint64_t memory, unsigned *order, struct err *err)
{
	uint32_t version = KERNEL(6, 18, 0);

	*order = (unsigned)conf->zero_order;
	if (!kernel && !memory)
		return 0;
	if (kernel && !parse_kernel(kernel, &version))
		return err_set(err, EINVAL,
			       "--kernel: \"%s\" is no version as 6.18",
			       kernel);
	*order = zero_page_order((enum zero_machine)conf->zero_machine, version,
				 memory ? memory : UINT64_MAX);
	return 0;
}
