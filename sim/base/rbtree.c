/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <stdbool.h>

#include "sim/base/rbtree.h"

/*
 * Each case has a mirror image, so everything is said once, with a side: a
 * child is named by LEFT or RIGHT, the other side is !side.
 */
enum { LEFT, RIGHT };

static uint32_t *child(const struct rb_tree *t, uint32_t i, unsigned side)
{
	struct rb_links *l = rb_at(t, i);

	return side == LEFT ? &l->left : &l->right;
}

/* None is black. */
static bool is_red(const struct rb_tree *t, uint32_t i)
{
	return i && (rb_at(t, i)->up & 1) == RB_RED;
}

static void set_colour(const struct rb_tree *t, uint32_t i, uint32_t colour)
{
	struct rb_links *l = rb_at(t, i);

	l->up = (l->up & ~UINT32_C(1)) | colour;
}

static void set_parent(const struct rb_tree *t, uint32_t i, uint32_t parent)
{
	struct rb_links *l = rb_at(t, i);

	l->up = parent << 1 | (l->up & 1);
}

static unsigned side_of(const struct rb_tree *t, uint32_t i, uint32_t parent)
{
	return rb_at(t, parent)->left == i ? LEFT : RIGHT;
}

/* The place where @parent (0: the tree) holds @i. */
static uint32_t *place_of(struct rb_tree *t, uint32_t i, uint32_t parent)
{
	return parent ? child(t, parent, side_of(t, i, parent)) : &t->root;
}

/*
 * rotate - @n goes down to @side, its child on the other side comes up
 *
 *	    n              c
 *	   / \            / \
 *	  x   c    ──►   n   z      side LEFT; the other is its mirror image
 *	     / \        / \
 *	    y   z      x   y        colours stay with their nodes
 */
static void rotate(struct rb_tree *t, uint32_t n, unsigned side)
{
	uint32_t parent = rb_parent(t, n), c = *child(t, n, !side);
	uint32_t *place = place_of(t, n, parent);
	uint32_t y = *child(t, c, side);

	*child(t, n, !side) = y;
	if (y)
		set_parent(t, y, n);
	*child(t, c, side) = n;
	set_parent(t, n, c);
	*place = c;
	set_parent(t, c, parent);
	t->rotations++;
}

/*
 * The new node is red; wrong is only that its parent may be red, too.  Then a
 * black grandparent exists, and by the colour and place of the others:
 *
 *  1. the uncle is red: the grandparent hands its black down to both, and as a
 *     red node may now be wrong itself, two levels up;
 *  2. the node is an inner grandchild: a rotation at the parent makes the
 *     parent the outer grandchild: case 3 with the two in exchanged parts;
 *  3. the node is an outer grandchild: the parent comes up in the place and
 *     colour of the grandparent, which goes down red.
 */
void rb_insert(struct rb_tree *t, uint32_t node, uint32_t parent,
	       uint32_t *link)
{
	assert(node && node <= RB_INDEX_MAX && !*link);
	*rb_at(t, node) = (struct rb_links){.up = parent << 1 | RB_RED};
	*link = node;
	while (is_red(t, parent)) {
		uint32_t grand = rb_parent(t, parent);
		unsigned side = side_of(t, parent, grand);
		uint32_t uncle = *child(t, grand, !side);

		if (is_red(t, uncle)) {
			set_colour(t, uncle, RB_BLACK);
			set_colour(t, parent, RB_BLACK);
			set_colour(t, grand, RB_RED);
			node = grand;
			parent = rb_parent(t, node);
			continue;
		}
		if (side_of(t, node, parent) != side) {
			rotate(t, parent, side);
			parent = node;
		}
		rotate(t, grand, !side);
		set_colour(t, parent, RB_BLACK);
		set_colour(t, grand, RB_RED);
		return;
	}
	if (!parent)
		set_colour(t, node, RB_BLACK);
}

/*
 * Paths through @node, a child of @parent (0: the empty place at @side), have
 * one black too few.  By the sibling and its children, the nephews:
 *
 *  1. the sibling is red: it comes up black, the parent goes down red; the new
 *     sibling is a former nephew, black;
 *  2. both nephews are black: the sibling turns red.  A red parent turns black
 *     and all is well; else the parent's paths are short: one level up;
 *  3. only the inner nephew is red: it comes up in the sibling's place, black,
 *     and the sibling becomes a red outer nephew: case 4;
 *  4. the outer nephew is red: the sibling comes up in the place and colour of
 *     the parent, which goes down black; the outer nephew turns black.
 */
static void refill(struct rb_tree *t, uint32_t parent, unsigned side)
{
	uint32_t node, sibling, outer, inner;

	for (;;) {
		sibling = *child(t, parent, !side);
		if (is_red(t, sibling)) {
			rotate(t, parent, side);
			set_colour(t, sibling, RB_BLACK);
			set_colour(t, parent, RB_RED);
			sibling = *child(t, parent, !side);
		}
		outer = *child(t, sibling, !side);
		inner = *child(t, sibling, side);
		if (is_red(t, outer) || is_red(t, inner))
			break;
		set_colour(t, sibling, RB_RED);
		node = parent;
		parent = rb_parent(t, node);
		if (is_red(t, node) || !parent) {
			set_colour(t, node, RB_BLACK);
			return;
		}
		side = side_of(t, node, parent);
	}
	if (!is_red(t, outer)) {
		rotate(t, sibling, !side);
		outer = sibling;
		sibling = inner;
	}
	rotate(t, parent, side);
	set_colour(t, sibling, rb_at(t, parent)->up & 1);
	set_colour(t, parent, RB_BLACK);
	set_colour(t, outer, RB_BLACK);
}

/* take_place - @heir (not 0) becomes what @node is to @node's parent */
static void take_place(struct rb_tree *t, uint32_t node, uint32_t heir)
{
	*place_of(t, node, rb_parent(t, node)) = heir;
	rb_at(t, heir)->up = rb_at(t, node)->up;
}

/*
 * swap_out - put @node's in-order successor in its place, in its colour; what
 * is missing then is the successor's old place: in @parent, at @side
 *
 * Returns the right child that the successor leaves there, and its old colour.
 */
static uint32_t swap_out(struct rb_tree *t, uint32_t node, uint32_t *parent,
			 unsigned *side, bool *black)
{
	const struct rb_links old = *rb_at(t, node);
	uint32_t heir = old.right, orphan;
	struct rb_links *h;

	while (rb_at(t, heir)->left)
		heir = rb_at(t, heir)->left;
	h = rb_at(t, heir);
	orphan = h->right;
	*black = !is_red(t, heir);
	if (heir == old.right) {
		*parent = heir;
		*side = RIGHT;
	} else {
		*parent = rb_parent(t, heir);
		*side = LEFT;
		rb_at(t, *parent)->left = orphan;
		h->right = old.right;
		set_parent(t, old.right, heir);
	}
	h->left = old.left;
	set_parent(t, old.left, heir);
	take_place(t, node, heir);
	return orphan;
}

/*
 * A place with one child: the child is red, because no black node may be on
 * one side only; it takes the place and is black, and nothing is short.  A
 * place without children: paths through it are short if it was black.
 */
void rb_erase(struct rb_tree *t, uint32_t node)
{
	struct rb_links *n = rb_at(t, node);
	uint32_t parent = rb_parent(t, node), orphan;
	bool black = !is_red(t, node);
	unsigned side = LEFT;

	if (n->left && n->right) {
		orphan = swap_out(t, node, &parent, &side, &black);
	} else {
		orphan = n->left ? n->left : n->right;
		if (parent)
			side = side_of(t, node, parent);
		*place_of(t, node, parent) = orphan;
	}
	if (orphan)
		rb_at(t, orphan)->up = parent << 1 | RB_BLACK;
	else if (black && parent)
		refill(t, parent, side);
}

void rb_replace(struct rb_tree *t, uint32_t old, uint32_t fresh)
{
	const struct rb_links l = *rb_at(t, old);

	assert(fresh && fresh <= RB_INDEX_MAX);
	take_place(t, old, fresh);
	rb_at(t, fresh)->left = l.left;
	rb_at(t, fresh)->right = l.right;
	if (l.left)
		set_parent(t, l.left, fresh);
	if (l.right)
		set_parent(t, l.right, fresh);
}

static uint32_t leftmost(const struct rb_tree *t, uint32_t i)
{
	while (i && rb_at(t, i)->left)
		i = rb_at(t, i)->left;
	return i;
}

uint32_t rb_first(const struct rb_tree *t)
{
	return leftmost(t, t->root);
}

uint32_t rb_next(const struct rb_tree *t, uint32_t node)
{
	uint32_t right = rb_at(t, node)->right, parent;

	if (right)
		return leftmost(t, right);
	while ((parent = rb_parent(t, node)) &&
	       side_of(t, node, parent) == RIGHT)
		node = parent;
	return parent;
}

/* ---- the invariants ---- */

/* No valid tree of 2^31 nodes is deeper. */
#define DEPTH_MAX 64u

static int wrong(FILE *why, const char *what, uint32_t node)
{
	if (why)
		fprintf(why, "rbtree: node %u %s\n", node, what);
	return -EINVAL;
}

/*
 * below - the number of black nodes on each path down from @i, or -EINVAL
 *
 * Ends on any broken tree, too: a node is only entered from the parent that it
 * names and only once from there, and the root names none.
 */
static int below(const struct rb_tree *t, uint32_t i, unsigned depth, FILE *why)
{
	const struct rb_links *l;
	int left, right;

	if (!i)
		return 0;
	if (depth == DEPTH_MAX)
		return wrong(why, "lies too deep", i);
	l = rb_at(t, i);
	if (l->left && l->left == l->right)
		return wrong(why, "has one child twice", i);
	if ((l->left && rb_parent(t, l->left) != i) ||
	    (l->right && rb_parent(t, l->right) != i))
		return wrong(why, "has a child that names another parent", i);
	if (is_red(t, i) && (is_red(t, l->left) || is_red(t, l->right)))
		return wrong(why, "and a child of it are both red", i);
	left = below(t, l->left, depth + 1, why);
	right = left < 0 ? left : below(t, l->right, depth + 1, why);
	if (right < 0)
		return right;
	if (left != right)
		return wrong(why, "has more black nodes on one side", i);
	return left + !is_red(t, i);
}

int rb_check(const struct rb_tree *t, FILE *why)
{
	int black;

	if (t->root && rb_parent(t, t->root))
		return wrong(why, "is the root and names a parent", t->root);
	if (is_red(t, t->root))
		return wrong(why, "is the root and red", t->root);
	black = below(t, t->root, 0, why);
	return black < 0 ? black : 0;
}
