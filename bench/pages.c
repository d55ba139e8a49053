/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>

#include "sim/base/prng.h"
#include "sim/core/pages.h"
#include "bench/pages.h"

const char *const pages_kind_name[] = {"unique",   "half",    "last8", "same",
				       "share256", "crowded", NULL};

static uint64_t div_up(uint64_t a, uint64_t b)
{
	return (a + b - 1) / b;
}

struct pages_counts pages_expect(enum pages_kind kind, uint64_t pages)
{
	struct pages_counts c = {0};

	switch (kind) {
	case PAGES_UNIQUE:
	case PAGES_LAST8:
		c.contents = c.unshared = pages;
		break;
	case PAGES_HALF:
		c.contents = div_up(pages, 2);
		c.shared = pages / 2;
		c.unshared = pages % 2;
		break;
	case PAGES_SAME:
		c.contents = 1;
		c.shared = div_up(pages, PAGES_SHARERS);
		break;
	case PAGES_SHARE256:
		c.contents = c.shared = div_up(pages, 256);
		break;
	case PAGES_CROWDED:
		c.contents = pages / 2 + pages / 4;
		c.shared = pages / 4;
		c.unshared = pages / 2;
		break;
	case PAGES_KINDS:
		break;
	}
	c.sharing = pages - c.unshared - c.shared;
	return c;
}

uint32_t pages_content(enum pages_kind kind, uint64_t pages, uint64_t i)
{
	switch (kind) {
	case PAGES_HALF:
		return (uint32_t)(i / 2) + 1;
	case PAGES_SAME:
		return 1;
	case PAGES_SHARE256:
		return (uint32_t)(i / 256) + 1;
	case PAGES_CROWDED:
		if (i < pages / 2)
			return (uint32_t)i + 1;
		return (uint32_t)(pages / 2 + (i - pages / 2) % (pages / 4)) +
		       1;
	case PAGES_UNIQUE:
	case PAGES_LAST8:
	case PAGES_KINDS:
		break;
	}
	return (uint32_t)i + 1;
}

void pages_fill(enum pages_kind kind, uint32_t id, uint8_t *page)
{
	assert(id);
	if (kind == PAGES_LAST8)
		page_fill(page, RULE_LAST8, splitmix64(id));
	else
		page_fill(page, RULE_ID, id);
}
