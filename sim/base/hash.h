/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * hash.h - the checksums kernels have taken of pages, and our own digest
 *
 * XXH64, XXH32 and the digest are libxxhash's.  All read bytes, so the answer
 * does not depend on the host; jhash2 works on 32-bit words and takes the byte
 * order of the machine whose memory it is.
 */
#ifndef DEDUPSIM_BASE_HASH_H
#define DEDUPSIM_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct digest {
	uint64_t lo, hi;
};

struct digest hash_digest(const void *p, size_t n); /* XXH3-128, seed 0 */
uint64_t hash_xxh3(const void *p, size_t n);	     /* XXH3-64, seed 0 */
uint64_t hash_xxh64(const void *p, size_t n);	     /* seed 0 */
uint32_t hash_xxh32(const void *p, size_t n);	     /* seed 0 */
/* Castagnoli polynomial, reflected, start value ~0 and final inversion; @crc
 * is the value of the bytes before (0 at first). */
uint32_t hash_crc32c(uint32_t crc, const void *p, size_t n);
/* Jenkins' lookup3 over @n bytes (a multiple of 4) with this start value. */
uint32_t hash_jhash2(const void *p, size_t n, uint32_t initval, bool big_endian);

#endif
