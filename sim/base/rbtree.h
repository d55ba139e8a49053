/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rbtree.h - red-black tree on 32-bit indices, shaped like the kernel's
 *
 * The shape of KSM's trees decides what a walk costs, and which pages find each
 * other once contents change under an unstable tree, so insertion and removal
 * follow the very same case analysis as the kernel's library: same rotations,
 * same colours, the in-order successor takes a removed node's place.
 *
 * Nodes live in an array of the caller; a tree knows where the array starts,
 * how far apart its elements are and where the links sit in them.  Index 0 is
 * "none".  The caller walks down itself and says where to link, as in the
 * kernel; @rb_link and the array may move between calls (set t->base again).
 *
 * Invariants (rb_check): the root is black; no red node has a red child; every
 * path down has the same number of black nodes; each child names its parent.
 *
 * Source: [linux-6.1] lib/rbtree.c, behaviour only; [clrs] chapter 13.
 */
#ifndef DEDUPSIM_BASE_RBTREE_H
#define DEDUPSIM_BASE_RBTREE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define RB_RED 0u
#define RB_BLACK 1u
#define RB_INDEX_MAX (UINT32_MAX >> 1)

struct rb_links {
	uint32_t left, right; /* children, 0: none */
	uint32_t up;	      /* parent << 1 | colour */
};

struct rb_tree {
	unsigned char *base; /* links of element 0 */
	uint32_t stride;     /* bytes between elements */
	uint32_t root;
	uint64_t rotations; /* ever made, for the meter */
};

static inline struct rb_links *rb_at(const struct rb_tree *t, uint32_t i)
{
	return (struct rb_links *)(void *)(t->base + (size_t)i * t->stride);
}

static inline uint32_t rb_parent(const struct rb_tree *t, uint32_t i)
{
	return rb_at(t, i)->up >> 1;
}

/*
 * rb_insert - link @node where the caller's walk fell off the tree, rebalance
 * @parent: last node met, 0 for an empty tree
 * @link:   &t->root, or &rb_at(t, @parent)->left or ->right; holds 0
 */
void rb_insert(struct rb_tree *t, uint32_t node, uint32_t parent,
	       uint32_t *link);
void rb_erase(struct rb_tree *t, uint32_t node);
/* rb_replace - put @fresh in the place of @old, no rebalancing */
void rb_replace(struct rb_tree *t, uint32_t old, uint32_t fresh);

/* In-order neighbours; 0: none. */
uint32_t rb_first(const struct rb_tree *t);
uint32_t rb_next(const struct rb_tree *t, uint32_t node);

/* rb_check - 0, or -EINVAL with what is wrong printed to @why (may be NULL) */
int rb_check(const struct rb_tree *t, FILE *why);

#endif
