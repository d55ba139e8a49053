/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zsmalloc.h - chains of pages cut into objects of equal size
 *
 *	zspage of p = 3 pages, n = 4 objects of 3072 bytes
 *
 *	| page 0             | page 1             | page 2             |
 *	| object 0      | object 1      | object 2      | object 3     |
 *	                     ^ straddles    ^ straddles
 *
 * A size belongs to a class; classes whose p and n are equal are one class, of
 * the largest size.  All zspages of a class are on lists by how full they are;
 * a list is in order of entering it, newest first.  An object's first 8 bytes
 * hold its handle (since 4.1), but for the class of whole pages.
 *
 * Files: the classes (zsmalloc_class.c), storing and freeing (zsmalloc.c),
 * compaction and reclaim (zsmalloc_compact.c).
 *
 * Invariants: used <= allocated; a zspage is on the list of the group that its
 * number of used objects says; no zspage is empty between calls; each used slot
 * names an object whose record names the slot.
 *
 * Source: [linux-3.3] drivers/staging/zsmalloc, [linux-6.1] and [linux-6.18]
 * mm/zsmalloc.c.
 */
#ifndef DEDUPSIM_POOL_ZSMALLOC_H
#define DEDUPSIM_POOL_ZSMALLOC_H

#include "sim/pool/pool_impl.h"

#define ZS_HANDLE_BYTES 8u
#define ZS_ZSPAGE_BYTES 56u /* descriptor, in a slab */
#define ZS_CLASSES_MAX 255u
#define ZS_GROUPS_MAX 12u
#define ZS_CHAIN_MAX 16u

enum zs_generation {
	ZS_3_3,	 /* no handles, no merging of classes, nothing moves */
	ZS_6_1,	 /* as from 4.1 to 6.2 */
	ZS_6_3,	 /* chains by bytes left over */
	ZS_6_4,	 /* twelve groups, another compaction */
	ZS_6_15, /* copies only as many bytes as the object has */
};

/* Whole zspages that reclaim empties. */
enum zs_victim { ZS_VICTIM_NONE, ZS_VICTIM_OLDEST, ZS_VICTIM_EMPTIEST };

struct zs_opts {
	uint64_t generation; /* enum zs_generation */
	uint64_t chain;	     /* pages; 0: the generation's default */
	uint64_t victim;     /* enum zs_victim */
};

/* What differs between kernels. */
struct zs_traits {
	uint8_t chain_min, chain_max, chain; /* pages; chain: default */
	uint8_t groups;			     /* 0: empty; the last: full */
	bool handles;	   /* a word in each object; needed to move it */
	bool merges;	   /* classes of equal shape are one */
	bool by_waste;	   /* chain: fewest bytes left over, not best percent */
	bool second;	   /* a fuller head stays head of a list */
	bool maps;	   /* straddling objects are mapped, not copied */
	bool copies_class; /* … copied in the size of the class */
};
extern const struct zs_traits zs_traits[];

struct zs_class {
	uint32_t size;		  /* bytes, handle included */
	uint32_t pages;		  /* p */
	uint32_t objects;	  /* n */
	uint64_t allocated, used; /* objects there is room for, and stored */
	struct list list[ZS_GROUPS_MAX];
	struct list age;      /* last stored into first; ZS_VICTIM_OLDEST */
	struct arena zspages; /* struct zs_zspage */
	struct arena stamps;  /* struct zs_stamp, same indices */
};

#define ZS_APART UINT8_MAX /* on no list: new, or taken off by compaction */
#define ZS_NO_SLOT UINT16_MAX

struct zs_zspage {
	struct link link;
	uint16_t used; /* 0: this record is free */
	uint16_t free; /* first free slot, or ZS_NO_SLOT */
	uint8_t group; /* or ZS_APART */
	uint8_t pad[3];
	uint32_t slot[]; /* [n] handle, or ZS_FREE | next free slot */
};
#define ZS_FREE (UINT32_C(1) << 31)

struct zs_stamp {
	struct link link;
	uint64_t stored; /* count of stores, at the last one into the zspage */
};

struct zsmalloc {
	struct pool base;
	struct zs_opts opt; /* chain filled in */
	const struct zs_traits *traits;
	uint64_t stores;
	uint32_t classes;		/* smallest size first */
	uint8_t of_raw[ZS_CLASSES_MAX]; /* class of a size in steps of 16 */
	struct zs_class class[ZS_CLASSES_MAX];
};

extern const struct opt zs_options[];

/* zs_make_classes - sizes, shapes and limits from zs->opt and zs->traits */
void zs_make_classes(struct zsmalloc *zs);

/*
 * zs_class_at - index of the class for @bytes, which include the handle
 * zram's recompression asks this without the handle and compares the answers.
 */
static inline uint32_t zs_class_at(const struct zsmalloc *zs, uint32_t bytes)
{
	uint32_t raw = bytes <= 32 ? 0 : (bytes - 32 + 15) / 16;

	return zs->of_raw[raw < ZS_CLASSES_MAX ? raw : ZS_CLASSES_MAX - 1];
}

/* zs_class_for - index of the class that an object of @bytes is stored in */
static inline uint32_t zs_class_for(const struct zsmalloc *zs, uint32_t bytes)
{
	return zs_class_at(zs,
			   bytes + (zs->traits->handles ? ZS_HANDLE_BYTES : 0));
}

static inline struct zs_zspage *zs_zspage(const struct zs_class *c, uint32_t z)
{
	return (struct zs_zspage *)(void *)arena_at(&c->zspages, z);
}

static inline bool zs_is_huge(const struct zsmalloc *zs,
			      const struct zs_class *c)
{
	return zs->traits->handles && c->pages == 1 && c->objects == 1;
}

/* zs_spare - zspages' worth of room that is empty */
static inline uint64_t zs_spare(const struct zs_class *c)
{
	return (c->allocated - c->used) / c->objects;
}

/* For compaction; all keep used and slots right, none of the first three the
 * group: */
void zs_take(struct zs_class *c, uint32_t z); /* off its list */
void zs_slot_free(struct zs_zspage *z, uint32_t at);
uint32_t zs_slot_pop(struct zs_zspage *z); /* must have a free one */
void zs_put(struct zsmalloc *zs, struct zs_class *c, uint32_t z); /* on it */
/* zs_release - give an empty zspage, which is ZS_APART, back */
void zs_release(struct zsmalloc *zs, struct zs_class *c, uint32_t z,
		struct meter *m);
/* zs_touch - stored into just now */
void zs_touch(struct zsmalloc *zs, struct zs_class *c, uint32_t z);

void zs_compact(struct pool *p, struct meter *m);
uint64_t zs_compactable(const struct pool *p);
int zs_reclaim(struct pool *p, uint64_t goal, const struct pool_owner *owner,
	       struct meter *m);

#endif
