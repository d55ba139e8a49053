/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * spec.h - pages that a line of text describes, as the vectors of zram name them
 *
 *	same:W       each of the 512 words is W (hexadecimal)
 *	alt:A:B      the words A and B in turn
 *	zr:K:S       zeros, then K random bytes
 *	zbr:K:S      the same with a byte a5 at offset 64
 *	rz:K:S       K random bytes, then zeros
 *	rep:K:S      K random bytes over and over
 *	spr:K:S      zeros with K random bytes (1 … 255) at random places, each
 *	             rolled before its place
 *	txt:K:S      words out of K, of 2 … 9 letters, a blank behind each
 *	ptr:K:S      words that point into 1 MiB, K of 100 are zero
 *	ctr:K:S      32-bit numbers, each K more than the one before
 *
 * Numbers of several bytes are little-endian.  The random numbers are those of
 * splitmix64 from S * 0x100000001b3 + K + 1 on: below n by the upper 32 bits of
 * one, bytes by the upper eight.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_SPEC_H
#define DEDUPSIM_TESTS_SUPPORT_SPEC_H

#include <stdbool.h>
#include <stdint.h>

/* spec_page - false: no page is meant by @spec */
bool spec_page(const char *spec, uint8_t *page);

#endif
