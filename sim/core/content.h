/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * content.h - the closed content set: a content is a number, its order is known
 *
 * Every distinct page content of a run is a 32-bit id, dense from 0; id 0 is
 * the page of zeros, always there.  Before a run starts, the columns that its
 * engines need are computed once, by several threads, with an answer that does
 * not depend on their number; from then on the set is read-only and shared by
 * all runs, and nobody looks at the bytes of a page any more.
 *
 *	id ──► rank[id]    place in memcmp order, 0 … count-1
 *	       head[id]    first eight bytes as a big-endian number
 *	       checksum[kind][id], length[id], same[id] …
 *	       extra[i].value[id]  whatever a floor above has computed
 *	rank ► prefix[rank]  bits from the left that ranks r and r+1 share
 *	       by_rank[rank] the id
 *
 * memcmp(a, b) has the sign of rank[a] - rank[b]; the first differing bit is
 * the minimum of prefix[] between the two ranks, found in O(1).
 *
 * Invariants: rank and by_rank are inverse permutations; head is non-decreasing
 * by rank; prefix[r] < PAGE_BITS (contents are distinct).
 */
#ifndef DEDUPSIM_CORE_CONTENT_H
#define DEDUPSIM_CORE_CONTENT_H

#include "sim/base/bits.h"
#include "sim/base/err.h"
#include "sim/base/units.h"

/* X(symbol, name) - checksums that kernels have used to spot changed pages */
#define CHECKSUMS(X)                                                           \
	X(XXH64, "xxh64")   /* low half, seed 0; KSM on 64-bit since 5.0 */    \
	X(XXH32, "xxh32")   /* seed 0; KSM on 32-bit since 5.0 */              \
	X(JHASH2, "jhash2") /* start value 17; KSM before 5.0 */               \
	X(CRC32C, "crc32c") /* proposed for KSM, never merged */

enum checksum {
#define X(sym, name) CHECKSUM_##sym,
	CHECKSUMS(X)
#undef X
		CHECKSUM_COUNT
};

/* What an engine needs to know of contents; a prepare pass makes the union. */
#define NEED_RANK UINT64_C(1)	    /* rank, by_rank and head */
#define NEED_PREFIX UINT64_C(2)	    /* lengths of common prefixes (with RANK) */
#define NEED_LENGTH UINT64_C(4)	    /* bytes up to the last that is not zero */
#define NEED_SAME UINT64_C(8)	    /* is it one 64-bit word repeated, which */
#define NEED_BYTES UINT64_C(16)	    /* the bytes themselves, during the run */
#define NEED_WORD_RANK UINT64_C(32) /* order by words (with RANK) */
/* First byte and order of compressed pages; made by models/codec.h. */
#define NEED_STREAM UINT64_C(64)
/* Ranks, heads and prefixes are those of pages with their lines of 64 bytes in
 * another order, drawn once from the source's seed; other columns are not. */
#define NEED_SCATTERED UINT64_C(128)
#define CONTENT_LINE 64u
#define CONTENT_LINES (PAGE_BYTES / CONTENT_LINE)
#define NEED_CHECKSUM(c) (UINT64_C(256) << (c))
/* Columns that a floor above knows how to make: see content_set_add(). */
#define CONTENT_EXTRAS 48u
#define NEED_EXTRA(i) (UINT64_C(65536) << (i))
#define NEED_EXTRAS (~UINT64_C(65535))
/* What content_set_new() does not make. */
#define NEED_ABOVE (NEED_EXTRAS | NEED_STREAM)

static_assert(NEED_CHECKSUM(CHECKSUM_COUNT) <= NEED_EXTRA(0),
	      "a checksum has the bit of an extra column");

/* The bytes of content 0. */
extern const uint8_t content_zero[PAGE_BYTES];

/* need_name - "rank", "checksum xxh64", … of the lowest bit set in @needs */
const char *need_name(uint64_t needs);

/* A page of zeros but for a few of its 64-bit words. */
#define SPARSE_WORDS 4u
struct content_sparse {
	uint64_t word[SPARSE_WORDS]; /* as a big-endian number, not 0 */
	uint16_t at[SPARSE_WORDS];   /* 0 … PAGE_WORDS - 1, ascending */
	uint16_t n;
};

/*
 * struct content_source - whoever owns the bytes
 *
 * bytes() gives PAGE_BYTES bytes of content @id (1 … count-1; 0 is never asked
 * for): either a pointer of its own that stays valid until the next call with
 * the same @buf, or @buf filled.  It is called from several threads at once,
 * each with its own @buf.
 *
 * A source whose pages are all nearly empty can say so: sparse() tells the words
 * of content @id that are not zero (not asked for 0), from several threads at
 * once.  Ranks and prefixes are found from these few numbers then; bytes() must
 * give the same page.
 */
struct content_source {
	void *self;
	uint32_t count; /* contents, the page of zeros included: >= 1 */
	const uint8_t *(*bytes)(void *self, uint32_t id, uint8_t *buf);
	/* NULL: there are only bytes */
	void (*sparse)(void *self, uint32_t id, struct content_sparse *out);
	/* message for two equal contents or for a page of zeros under another
	 * id; NULL: "contents %u and %u are equal" */
	void (*blame)(void *self, uint32_t a, uint32_t b, struct err *err);
	bool big_endian; /* byte order of the machine that was recorded */
	uint64_t seed;	 /* for NEED_SCATTERED */
};

/*
 * struct content_column - how an extra column is made: a number of 16 bits for
 * each page, found from its bytes alone
 *
 * open() is called once for each thread, @worker is that thread's alone; value()
 * may be called from several threads at once, each with its own worker.  Both
 * return 0 or a negative errno.
 */
struct content_column {
	char name[32];	  /* for messages */
	const void *self; /* outlives the set */
	unsigned param;
	/* @big_endian: as in the source */
	int (*open)(const struct content_column *col, bool big_endian,
		    void **worker, struct err *err);
	int (*value)(void *worker, const uint8_t *page, uint16_t *value);
	void (*close)(void *worker);
};

struct content_set {
	uint32_t count;
	uint64_t have; /* NEED_ bits of the columns below that exist */
	uint8_t line[CONTENT_LINES]; /* in which order they are compared */

	uint32_t *rank;	   /* by id */
	uint64_t *head;	   /* by id */
	uint32_t *by_rank; /* id by rank */
	/* By id: place in the order of 64-bit words, as numbers of the machine
	 * that was recorded, the first that differs deciding. */
	uint32_t *word_rank;
	uint16_t *prefix;   /* bits, by rank; the last entry is 0 */
	uint16_t *prefix_l; /* minimum from the start of the block up to here */
	uint16_t *prefix_r; /* minimum from here to the end of the block */
	uint16_t *sparse;   /* minima over 2^k blocks, level after level */
	uint32_t blocks;
	uint32_t *checksum[CHECKSUM_COUNT]; /* by id */
	uint16_t *length;		    /* by id, 0 … PAGE_BYTES */
	uint64_t *same;			    /* by id, valid where same_set */
	uint64_t *same_set;		    /* bitmap by id */
	/* NEED_STREAM, by id: of the page as the codec makes it, its first byte
	 * and its place in the order of (length, bytes as signed numbers). */
	uint8_t *stream_first;
	uint32_t *stream_rank;
	struct {
		uint16_t *value; /* by id; NULL: not there */
		struct content_column how;
	} extra[CONTENT_EXTRAS];

	struct content_source source; /* asked in a run only with NEED_BYTES */
	uint64_t bytes_asked; /* calls of content_bytes(); not thread-safe */
};

/*
 * content_set_new - compute the columns in @needs
 * @src:     borrowed; must outlive the set only with NEED_BYTES, and until
 *           the last content_set_add()
 * @threads: at least 1; the result is the same for every number
 *
 * NEED_PREFIX and NEED_WORD_RANK bring NEED_RANK along.  Equal contents are met while sorting:
 * only with NEED_RANK are they noticed.  Takes some 32 bytes per content beside
 * the columns.
 *
 * Returns 0; -EINVAL when two contents are equal (blame is told the first id
 * that repeats an earlier one); -ENOTSUP with the name of a column that cannot
 * be made; -ENOMEM.
 */
int content_set_new(struct content_set **out, const struct content_source *src,
		    uint64_t needs, unsigned threads, struct err *err);

/*
 * content_set_add - compute an extra column of a set that is there
 * @extra:   0 … CONTENT_EXTRAS - 1, and not made before
 * @col:     copied
 * @threads: as above
 *
 * Asks the source for the bytes of all contents, so it must still be there.
 * Sets NEED_EXTRA(@extra) in @s->have.  Whoever wants such a column by its need
 * bit asks the floor that numbers them, such as models/codec.h;
 * content_set_new() refuses these bits.
 *
 * Returns 0; -ENOTSUP with the name of the column when there are no bytes; what
 * @col's functions return; -ENOMEM.  After a failure @s is as before.
 */
int content_set_add(struct content_set *s, unsigned extra,
		    const struct content_column *col, unsigned threads,
		    struct err *err);
void content_set_free(struct content_set *s);

/* content_scatter - the page as it is compared, with NEED_SCATTERED; else @page */
const uint8_t *content_scatter(const struct content_set *s, const uint8_t *page,
			       uint8_t *buf);

/* content_bytes - the page, via @buf as for a source; needs NEED_BYTES */
const uint8_t *content_bytes(struct content_set *s, uint32_t id, uint8_t *buf);

/* Blocks of the range minimum. */
#define CONTENT_BLOCK_SHIFT 4

/* content_prefix_far - the general case of content_prefix_bits() */
uint32_t content_prefix_far(const struct content_set *s, uint32_t lo,
			    uint32_t hi);

/* content_prefix_bits - common prefix of two different ranks, in bits */
static inline uint32_t content_prefix_bits(const struct content_set *s,
					   uint32_t ra, uint32_t rb)
{
	uint32_t lo = ra < rb ? ra : rb, hi = ra < rb ? rb : ra;

	dbg_assert(lo < hi && hi < s->count);
	return hi == lo + 1 ? s->prefix[lo] : content_prefix_far(s, lo, hi);
}

/*
 * content_split - where the contents between two different ranks part: the first
 * rank whose content has a 1 in the bit that the two differ in first, all that
 * come before it from the lower of the two on having a 0
 */
uint32_t content_split(const struct content_set *s, uint32_t ra, uint32_t rb);

/*
 * content_cmp_bytes - what a byte-wise memcmp of two ranks reads: first
 * differing byte + 1, or a whole page when they are the same
 */
static inline uint32_t content_cmp_bytes(const struct content_set *s,
					 uint32_t ra, uint32_t rb)
{
	return ra == rb ? PAGE_BYTES : content_prefix_bits(s, ra, rb) / 8 + 1;
}

/* content_is_same - is @id one 64-bit word over and over?  @word: out */
static inline bool content_is_same(const struct content_set *s, uint32_t id,
				   uint64_t *word)
{
	*word = s->same[id];
	return s->same_set[id / 64] >> (id % 64) & 1;
}

/* content_set_check - recompute everything from the bytes, slowly; 0, or
 * -EINVAL with what is wrong in @err.  Needs the source to be still there. */
int content_set_check(const struct content_set *s, struct err *err);

#endif
