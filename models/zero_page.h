/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zero_page.h - how many pages of zeros a kernel has, and which one is meant
 *
 * A kernel with several zero pages gives each mapping the one of its colour, so
 * that reads of untouched memory meet no synonyms in virtually indexed caches.
 * Sources: [linux-zero] in REFERENCES.md.
 */
#ifndef DEDUPSIM_MODELS_ZERO_PAGE_H
#define DEDUPSIM_MODELS_ZERO_PAGE_H

#include <stdint.h>

/* What the rule looks at; ZERO_NAMES is in the same order. */
enum zero_machine {
	ZERO_OTHER,	 /* x86, arm64, LoongArch, …: one page */
	ZERO_MIPS,	 /* without virtual coherency exceptions: one page */
	ZERO_MIPS_VCE,	 /* R4000 and R4400, any variant */
	ZERO_S390_Z9,	 /* G5, z900, z990, z9 */
	ZERO_S390_Z10,	 /* z10, z196, z114 */
	ZERO_S390_ZEC12, /* zEC12, zBC12 */
	ZERO_S390_Z13,	 /* z13 and everything after it */
};
#define ZERO_NAMES                                                             \
	"other", "mips", "mips-vce", "s390-z9", "s390-z10", "s390-zec12",      \
		"s390-z13", NULL

/* A kernel's version as one number that grows: 2.6.37, 4.3.0, 6.1.0. */
#define KERNEL(major, minor, patch)                                            \
	((uint32_t)(major) << 16 | (uint32_t)(minor) << 8 | (uint32_t)(patch))

/*
 * zero_page_order - the kernel has 2^order zero pages
 * @kernel:    KERNEL(…)
 * @ram_bytes: usable memory; counts on s390 only
 */
unsigned zero_page_order(enum zero_machine machine, uint32_t kernel,
			 uint64_t ram_bytes);

/* zero_page_of - which of 2^order zero pages a read at @va sees */
static inline uint64_t zero_page_of(uint64_t va, uint64_t page_bytes,
				    unsigned order)
{
	return va / page_bytes & ((UINT64_C(1) << order) - 1);
}

#endif
