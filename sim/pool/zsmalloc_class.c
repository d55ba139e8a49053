/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sim/pool/zsmalloc.h"

#define SIZE_MIN 32u
#define SIZE_STEP 16u

/* clang-format off */
const struct zs_traits zs_traits[] = {
	[ZS_3_3] = { .chain_min = 4, .chain_max = 4, .chain = 4, .groups = 4,
		     .maps = true },
	[ZS_6_1] = { .chain_min = 4, .chain_max = 4, .chain = 4, .groups = 4,
		     .handles = true, .merges = true, .second = true,
		     .copies_class = true },
	[ZS_6_3] = { .chain_min = 4, .chain_max = ZS_CHAIN_MAX, .chain = 8,
		     .groups = 4, .handles = true, .merges = true,
		     .by_waste = true, .second = true, .copies_class = true },
	[ZS_6_4] = { .chain_min = 4, .chain_max = ZS_CHAIN_MAX, .chain = 8,
		     .groups = 12, .handles = true, .merges = true,
		     .by_waste = true, .copies_class = true },
	[ZS_6_15] = { .chain_min = 4, .chain_max = ZS_CHAIN_MAX, .chain = 8,
		      .groups = 12, .handles = true, .merges = true,
		      .by_waste = true },
};

static const char *const generations[] = { "3.3", "6.1", "6.3", "6.4", "6.15",
					   NULL };
static const char *const victims[] = { "none", "oldest", "emptiest", NULL };

const struct opt zs_options[] = {
	{ OPT_CHOICE, OPT_FIELD(zs_opts, generation, uint64_t),
	  .choices = generations, .def = ZS_6_15,
	  .help = "first kernel of those that behave alike",
	  .source = "[linux-6.18] mm/zsmalloc.c" },
	{ OPT_U64, OPT_FIELD(zs_opts, chain, uint64_t),
	  .def = 0, .max = ZS_CHAIN_MAX, .unit = "pages",
	  .help = "longest zspage; 0 is what the generation has",
	  .source = "[linux-6.18] CONFIG_ZSMALLOC_CHAIN_SIZE" },
	{ OPT_CHOICE, OPT_FIELD(zs_opts, victim, uint64_t),
	  .choices = victims, .def = ZS_VICTIM_NONE,
	  .help = "zspage that reclaim empties: none, it only compacts; the "
		  "oldest by last store, as 6.2 to 6.5 did; or the emptiest" },
	{ .type = OPT_END },
};
/* clang-format on */

/* Whole percents of the chain that objects of this size can use: savings below
 * a percent are not seen. */
static uint32_t chain_by_percent(uint32_t size, uint32_t longest)
{
	uint32_t best = 0, at = 1;

	for (uint32_t i = 1; i <= longest; i++) {
		uint32_t all = i * PAGE_BYTES;
		uint32_t used = (all - all % size) * 100 / all;

		if (used > best) {
			best = used;
			at = i;
		}
	}
	return at;
}

static uint32_t chain_by_waste(uint32_t size, uint32_t longest)
{
	uint32_t best = UINT32_MAX, at = 1;

	if (!(size & (size - 1)))
		return 1;
	for (uint32_t i = 1; i <= longest; i++) {
		uint32_t waste = i * PAGE_BYTES % size;

		if (waste < best) {
			best = waste;
			at = i;
		}
	}
	return at;
}

static struct zs_class shape(const struct zsmalloc *zs, uint32_t raw)
{
	uint32_t size = SIZE_MIN + raw * SIZE_STEP;
	uint32_t chain = (uint32_t)zs->opt.chain;
	uint32_t p = zs->traits->by_waste ? chain_by_waste(size, chain)
					  : chain_by_percent(size, chain);

	return (struct zs_class){
		.size = size, .pages = p, .objects = p * PAGE_BYTES / size};
}

/*
 * From the largest size down: a size joins the class made just before when the
 * shapes are equal.  That counts classes from the large end, so they are turned
 * round at last.
 */
void zs_make_classes(struct zsmalloc *zs)
{
	struct zs_class *c = zs->class;
	uint32_t n = 0;

	for (uint32_t raw = ZS_CLASSES_MAX; raw-- > 0;) {
		struct zs_class s = shape(zs, raw);

		if (!n || !zs->traits->merges || c[n - 1].pages != s.pages ||
		    c[n - 1].objects != s.objects)
			c[n++] = s;
		zs->of_raw[raw] = (uint8_t)(n - 1);
		if (zs->traits->handles && !zs->base.huge_bytes &&
		    s.pages > 1 && s.objects > 1)
			zs->base.huge_bytes = s.size - ZS_HANDLE_BYTES + 1;
	}
	zs->classes = n;
	for (uint32_t i = 0; i < n / 2; i++) {
		struct zs_class s = c[i];

		c[i] = c[n - 1 - i];
		c[n - 1 - i] = s;
	}
	for (uint32_t raw = 0; raw < ZS_CLASSES_MAX; raw++)
		zs->of_raw[raw] = (uint8_t)(n - 1 - zs->of_raw[raw]);
}
