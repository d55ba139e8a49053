/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * device.h - a zram device: numbered slots, each with a page or empty
 *
 *	slot ── same-filled    one 64-bit word over and over: nothing is stored
 *	     ── object         in the pool, as long as the codec made it
 *	     ── raw            "huge": the codec did not help, 4096 bytes
 *	     ── written back   on the backing device
 *
 * The device knows lengths, never bytes: whoever writes a page says how long
 * the codec makes it.  A write stores the new object before the old one goes,
 * so that both are there for a moment and a refused write changes nothing but
 * the peak.
 *
 * A page is raw from that length on from which the pool would give it a page of
 * its own anyhow.  Pools that have no such length get the older rule, three
 * quarters of a page; those that take no whole page leave raw ones to the page
 * allocator, and they count as used here all the same.
 *
 * Invariants (zram_device_check): the counters are what a walk over the slots
 * counts, each object of the pool belongs to one slot, the pool holds nothing
 * else.
 *
 * Source: [linux-6.18] drivers/block/zram/zram_drv.c.
 */
#ifndef DEDUPSIM_ENGINE_ZRAM_DEVICE_H
#define DEDUPSIM_ENGINE_ZRAM_DEVICE_H

#include "sim/base/units.h"
#include "sim/pool/pool.h"

#define ZRAM_SLOT_BYTES 16u /* of the kernel's table, per slot */
#define ZRAM_OLD_HUGE 3073u /* raw from here on, where the pool does not say */

#define ZRAM_FILLED 1u
#define ZRAM_SAME 2u
#define ZRAM_HUGE 4u
#define ZRAM_IDLE 8u
#define ZRAM_INCOMPRESSIBLE 16u /* no codec made it shorter */
#define ZRAM_WRITTEN 32u	/* back, on the backing device */

struct zram_slot {
	uint32_t handle; /* of the pool; 0: there is no object */
	uint16_t bytes;	 /* stored; 0: same-filled or written back */
	uint8_t flags;	 /* ZRAM_ */
	uint8_t codec;	 /* 0: the first, 1: recompressed */
	ns_t touched;	 /* last read or written */
};

/* Kernel names; what the attributes divide or multiply is in pages here. */
struct zram_stats {
	uint64_t pages_stored, compr_data_size, same_pages;
	uint64_t huge_pages, huge_pages_since;
	uint64_t max_used_pages;
	uint64_t failed_writes, notify_free;
	uint64_t bd_count, bd_reads, bd_writes;
	/* ours */
	uint64_t idle, incompressible, recompressed; /* slots now */
};

struct zram_device {
	struct pool *pool;
	struct zram_slot *slot;
	size_t slot_cap;
	uint32_t slots; /* highest that was ever filled + 1 */
	uint32_t huge_bytes;
	uint64_t raw_pages;   /* outside the pool */
	uint64_t limit_pages; /* 0: none */
	uint64_t
		backing_pages; /* room on the backing device; 0: there is none */
	ns_t now;	       /* kept by the owner */
	/* what making and reading an object counts as, by slot.codec */
	enum meter_op pack[2], unpack[2];
	struct zram_stats stats;
};

/* zram_device_init - @pool becomes the device's; both codecs count as LZO */
void zram_device_init(struct zram_device *d, struct pool *pool);
void zram_device_fini(struct zram_device *d);

/* zram_used_pages - what mem_used_total says, in pages */
static inline uint64_t zram_used_pages(const struct zram_device *d)
{
	return d->pool ? d->pool->pages + d->raw_pages : 0;
}

/*
 * zram_write - a page that the codec makes @bytes long; 0: same-filled
 * Returns 0; -EIO when the limit or the pool refuses (the slot is as it was);
 * -ENOMEM when the simulator has no memory (the same).
 */
int zram_write(struct zram_device *d, uint32_t slot, uint32_t bytes,
	       struct meter *m);
void zram_read(struct zram_device *d, uint32_t slot, struct meter *m);
/* zram_discard - empty the slot, filled or not */
void zram_discard(struct zram_device *d, uint32_t slot, struct meter *m);
/* zram_compact - returns pages given back */
uint64_t zram_compact(struct zram_device *d, struct meter *m);
void zram_set_limit(struct zram_device *d, uint64_t bytes); /* rounded up */
void zram_reset_max(struct zram_device *d);
/* zram_mark_idle - what was not touched for @age; returns how many are new */
uint64_t zram_mark_idle(struct zram_device *d, ns_t age);

/* X(symbol, word) - which slots a pass goes over */
#define ZRAM_MODES(X)                                                          \
	X(NONE, "none")                                                        \
	X(ALL, "all")                                                          \
	X(IDLE, "idle")                                                        \
	X(HUGE, "huge")                                                        \
	X(HUGE_IDLE, "huge_idle")                                              \
	X(INCOMPRESSIBLE, "incompressible")
enum zram_mode {
#define X(sym, word) ZRAM_MODE_##sym,
	ZRAM_MODES(X)
#undef X
};

struct zram_recompress {
	enum zram_mode mode;
	uint32_t
		threshold; /* only objects so long, to less than that; 0: any */
	/* how long the second codec makes the page of a slot */
	uint32_t (*length)(void *ctx, uint32_t slot);
	void *ctx;
};

/*
 * Both go over the longest objects first, in steps of 64 bytes, and then over
 * the highest slots first.  Both return 0, or -ENOMEM with every slot whole;
 * @done: out, how many slots changed.
 *
 * zram_recompress - keep the second codec's object where it is of a smaller
 * class of the pool; the kernel looks that class up by the length without the
 * pool's own bytes.  Where it is not, the slot is incompressible from then on.
 * zram_write_back - move pages to the backing device while it has room
 */
int zram_recompress(struct zram_device *d, const struct zram_recompress *how,
		    uint64_t *done, struct meter *m);
int zram_write_back(struct zram_device *d, enum zram_mode mode, uint64_t *done,
		    struct meter *m);

/* mm_stat, in its order; bytes where the kernel says bytes. */
#define ZRAM_MM_STAT(X)                                                        \
	X(orig_data_size, "bytes")                                             \
	X(compr_data_size, "bytes")                                            \
	X(mem_used_total, "bytes")                                             \
	X(mem_limit, "bytes")                                                  \
	X(mem_used_max, "bytes")                                               \
	X(same_pages, "pages")                                                 \
	X(pages_compacted, "pages")                                            \
	X(huge_pages, "pages")                                                 \
	X(huge_pages_since, "pages")
struct zram_mm_stat {
#define X(name, unit) uint64_t name;
	ZRAM_MM_STAT(X)
#undef X
};
struct zram_mm_stat zram_mm_stat(const struct zram_device *d);

/* zram_report - rows of scope "zram": mm_stat, bd_stat, what io_stat has of
 * writes, and slots by state; then the pool's */
void zram_report(const struct zram_device *d, struct rows *out);
/* zram_metadata_bytes - the kernel's table of @slots slots, the pool's records */
uint64_t zram_metadata_bytes(const struct zram_device *d, uint64_t slots);
int zram_device_check(const struct zram_device *d, FILE *why);

/* For passes over many slots. */
int zram_store(struct zram_device *d, uint32_t bytes, bool huge,
	       uint32_t *handle, struct meter *m);
/* zram_drop - empty the slot, without counting it as a discard */
void zram_drop(struct zram_device *d, uint32_t slot, struct meter *m);
/* zram_open - read the object of a slot, if it has one */
void zram_open(struct zram_device *d, const struct zram_slot *s,
	       struct meter *m);

#endif
