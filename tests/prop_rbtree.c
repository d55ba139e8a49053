/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random insertions and removals, held against two simpler things: a sorted
 * array for the order, and a red-black tree with pointers, written from the
 * case analysis in the textbook, left and right apart, for the exact shape.
 */
#include <stdbool.h>
#include <string.h>

#include "sim/base/prng.h"
#include "sim/base/rbtree.h"
#include "tests/support/main.h"

#define NODES 600

/* ---- the reference ---- */

struct ref {
	struct ref *left, *right, *up;
	bool red;
	uint32_t key;
};

struct ref_tree {
	struct ref *root;
	uint64_t rotations;
};

static bool red(const struct ref *n)
{
	return n && n->red;
}

static void hang(struct ref_tree *t, const struct ref *was, struct ref *n,
		 struct ref *up)
{
	if (!up)
		t->root = n;
	else if (up->left == was)
		up->left = n;
	else
		up->right = n;
	if (n)
		n->up = up;
}

static void turn_left(struct ref_tree *t, struct ref *x)
{
	struct ref *y = x->right;

	x->right = y->left;
	if (y->left)
		y->left->up = x;
	hang(t, x, y, x->up);
	y->left = x;
	x->up = y;
	t->rotations++;
}

static void turn_right(struct ref_tree *t, struct ref *x)
{
	struct ref *y = x->left;

	x->left = y->right;
	if (y->right)
		y->right->up = x;
	hang(t, x, y, x->up);
	y->right = x;
	x->up = y;
	t->rotations++;
}

/* [clrs] RB-INSERT-FIXUP */
static void ref_insert_fix(struct ref_tree *t, struct ref *z)
{
	while (red(z->up)) {
		struct ref *p = z->up, *g = p->up, *y;

		if (p == g->left) {
			y = g->right;
			if (red(y)) {
				p->red = y->red = false;
				g->red = true;
				z = g;
				continue;
			}
			if (z == p->right) {
				z = p;
				turn_left(t, z);
			}
			z->up->red = false;
			g->red = true;
			turn_right(t, g);
		} else {
			y = g->left;
			if (red(y)) {
				p->red = y->red = false;
				g->red = true;
				z = g;
				continue;
			}
			if (z == p->left) {
				z = p;
				turn_right(t, z);
			}
			z->up->red = false;
			g->red = true;
			turn_left(t, g);
		}
	}
	t->root->red = false;
}

static void ref_insert(struct ref_tree *t, struct ref *z, uint32_t key)
{
	struct ref *up = NULL, **link = &t->root;

	while (*link) {
		up = *link;
		link = key < up->key ? &up->left : &up->right;
	}
	*z = (struct ref){.up = up, .red = true, .key = key};
	*link = z;
	ref_insert_fix(t, z);
}

/* [clrs] RB-DELETE-FIXUP; @x may be NULL, so its parent comes along */
static void ref_erase_fix(struct ref_tree *t, struct ref *x, struct ref *p)
{
	struct ref *w;

	while (x != t->root && !red(x)) {
		if (x == p->left) {
			w = p->right;
			if (red(w)) {
				w->red = false;
				p->red = true;
				turn_left(t, p);
				w = p->right;
			}
			if (!red(w->left) && !red(w->right)) {
				w->red = true;
				x = p;
				p = x->up;
				continue;
			}
			if (!red(w->right)) {
				w->left->red = false;
				w->red = true;
				turn_right(t, w);
				w = p->right;
			}
			w->red = p->red;
			p->red = false;
			w->right->red = false;
			turn_left(t, p);
		} else {
			w = p->left;
			if (red(w)) {
				w->red = false;
				p->red = true;
				turn_right(t, p);
				w = p->left;
			}
			if (!red(w->left) && !red(w->right)) {
				w->red = true;
				x = p;
				p = x->up;
				continue;
			}
			if (!red(w->left)) {
				w->right->red = false;
				w->red = true;
				turn_left(t, w);
				w = p->left;
			}
			w->red = p->red;
			p->red = false;
			w->left->red = false;
			turn_right(t, p);
		}
		x = t->root;
	}
	if (x)
		x->red = false;
}

/* [clrs] RB-DELETE */
static void ref_erase(struct ref_tree *t, struct ref *z)
{
	struct ref *y = z, *x, *p;
	bool was_red = z->red;

	if (!z->left || !z->right) {
		x = z->left ? z->left : z->right;
		p = z->up;
		hang(t, z, x, p);
	} else {
		for (y = z->right; y->left; y = y->left)
			;
		was_red = y->red;
		x = y->right;
		p = y;
		if (y != z->right) {
			p = y->up;
			hang(t, y, x, p);
			y->right = z->right;
			y->right->up = y;
		}
		hang(t, z, y, z->up);
		y->left = z->left;
		y->left->up = y;
		y->red = z->red;
	}
	if (!was_red)
		ref_erase_fix(t, x, p);
}

/* ---- the two side by side ---- */

struct node {
	uint32_t key;
	struct rb_links links;
};

struct pair {
	struct node node[NODES + 1];
	struct rb_tree tree;
	struct ref ref[NODES + 1];
	struct ref_tree ref_tree;
	uint32_t sorted[NODES]; /* node numbers in order of keys */
	uint32_t count;
	bool in[NODES + 1];
};

static void pair_init(struct pair *p)
{
	memset(p, 0, sizeof(*p));
	p->tree.base = (unsigned char *)&p->node[0].links;
	p->tree.stride = sizeof(struct node);
}

/* Equal keys go right, in both. */
static void pair_insert(struct pair *p, uint32_t i, uint32_t key)
{
	uint32_t parent = 0, *link = &p->tree.root, at = p->count;

	p->node[i].key = key;
	while (*link) {
		struct rb_links *l;

		parent = *link;
		l = rb_at(&p->tree, parent);
		link = key < p->node[parent].key ? &l->left : &l->right;
	}
	rb_insert(&p->tree, i, parent, link);
	ref_insert(&p->ref_tree, &p->ref[i], key);
	for (; at && p->node[p->sorted[at - 1]].key > key; at--)
		p->sorted[at] = p->sorted[at - 1];
	p->sorted[at] = i;
	p->count++;
	p->in[i] = true;
}

static void pair_erase(struct pair *p, uint32_t i)
{
	uint32_t at = 0;

	rb_erase(&p->tree, i);
	ref_erase(&p->ref_tree, &p->ref[i]);
	while (p->sorted[at] != i)
		at++;
	p->count--;
	for (; at < p->count; at++)
		p->sorted[at] = p->sorted[at + 1];
	p->in[i] = false;
}

static uint32_t number(const struct pair *p, const struct ref *r)
{
	return r ? (uint32_t)(r - p->ref) : 0;
}

static void pair_check(const struct pair *p)
{
	uint32_t at = 0;

	ck_assert_int_eq(rb_check(&p->tree, stderr), 0);
	ck_assert_uint_eq(p->tree.root, number(p, p->ref_tree.root));
	ck_assert_uint_eq(p->tree.rotations, p->ref_tree.rotations);
	for (uint32_t i = rb_first(&p->tree); i; i = rb_next(&p->tree, i)) {
		const struct rb_links *l = rb_at(&p->tree, i);
		const struct ref *r = &p->ref[i];

		ck_assert_uint_lt(at, p->count);
		ck_assert_uint_eq(p->sorted[at], i);
		at++;
		ck_assert_uint_eq(l->left, number(p, r->left));
		ck_assert_uint_eq(l->right, number(p, r->right));
		ck_assert_uint_eq(rb_parent(&p->tree, i), number(p, r->up));
		ck_assert_uint_eq(l->up & 1, r->red ? RB_RED : RB_BLACK);
	}
	ck_assert_uint_eq(at, p->count);
}

START_TEST(random_changes_keep_the_textbook_shape)
{
	static const uint32_t size[] = {4, 16, 60, NODES};
	struct pair *p = malloc(sizeof(*p));
	struct prng r = prng_fork(test_seed(1) + (uint64_t)_i, "rbtree");
	uint32_t nodes = size[_i % 4], keys = _i < 4 ? UINT32_MAX : 8;

	ck_assert_ptr_nonnull(p);
	pair_init(p);
	for (int step = 0; step < 3000; step++) {
		uint32_t i = 1 + (uint32_t)prng_below(&r, nodes);

		/* waves: mostly growing, then mostly shrinking */
		if (p->in[i] && (step / (int)nodes % 2 || prng_below(&r, 4)))
			pair_erase(p, i);
		else if (!p->in[i])
			pair_insert(p, i, (uint32_t)prng_below(&r, keys));
		pair_check(p);
	}
	free(p);
}
END_TEST

START_TEST(rising_and_falling_keys_keep_the_textbook_shape)
{
	struct pair *p = malloc(sizeof(*p));

	ck_assert_ptr_nonnull(p);
	pair_init(p);
	for (uint32_t i = 1; i <= NODES; i++) {
		pair_insert(p, i, _i ? NODES - i : i);
		pair_check(p);
	}
	while (p->tree.root) {
		pair_erase(p, _i ? p->tree.root : rb_first(&p->tree));
		pair_check(p);
	}
	free(p);
}
END_TEST

START_TEST(a_replaced_node_leaves_all_else_alone)
{
	struct pair *p = malloc(sizeof(*p));
	struct prng r = prng_fork(test_seed(1), "replace");
	uint32_t spare = NODES, victim;

	ck_assert_ptr_nonnull(p);
	pair_init(p);
	for (uint32_t i = 1; i < NODES; i++)
		pair_insert(p, i, (uint32_t)prng_next(&r));
	for (int step = 0; step < 2000; step++) {
		struct rb_links old;
		uint32_t before = 0;

		victim = p->sorted[prng_below(&r, p->count)];
		for (uint32_t i = 0; p->sorted[i] != victim; i++)
			before = p->sorted[i];
		old = *rb_at(&p->tree, victim);
		rb_replace(&p->tree, victim, spare);
		ck_assert_mem_eq(rb_at(&p->tree, spare), &old, sizeof(old));
		ck_assert_int_eq(rb_check(&p->tree, stderr), 0);
		ck_assert_uint_eq(before ? rb_next(&p->tree, before)
					 : rb_first(&p->tree),
				  spare);
		/* the old node may be anything now */
		memset(rb_at(&p->tree, victim), 0xff, sizeof(old));
		for (uint32_t i = 0; i < p->count; i++)
			if (p->sorted[i] == victim)
				p->sorted[i] = spare;
		spare = victim;
	}
	victim = rb_first(&p->tree);
	for (uint32_t i = 0; i < p->count; i++) {
		ck_assert_uint_eq(victim, p->sorted[i]);
		victim = rb_next(&p->tree, victim);
	}
	ck_assert_uint_eq(victim, 0);
	free(p);
}
END_TEST

START_TEST(an_empty_tree_is_fine)
{
	struct rb_tree t = {0};

	ck_assert_int_eq(rb_check(&t, stderr), 0);
	ck_assert_uint_eq(rb_first(&t), 0);
}
END_TEST

/* Each way to break a tree of seven black and red nodes is found. */
START_TEST(a_broken_tree_is_told)
{
	struct pair p;
	char *text = NULL;
	size_t n = 0;
	FILE *why = open_memstream(&text, &n);
	struct rb_links *root, *left;

	ck_assert_ptr_nonnull(why);
	pair_init(&p);
	for (uint32_t i = 1; i <= 7; i++)
		pair_insert(&p, i, i);
	root = rb_at(&p.tree, p.tree.root);
	left = rb_at(&p.tree, root->left);
	switch (_i) {
	case 0: /* red root */
		root->up ^= 1;
		break;
	case 1: /* the root has a parent */
		root->up |= 3u << 1;
		break;
	case 2: /* one side blacker */
		left->up ^= 1;
		break;
	case 3: /* a child names another parent */
		left->up += 2;
		break;
	case 4: /* a ring */
		left->left = p.tree.root;
		break;
	case 5: /* one child twice */
		root->left = root->right;
		break;
	case 6: /* red below red */
		for (uint32_t i = 1; i <= 7; i++)
			if (rb_parent(&p.tree, i))
				rb_at(&p.tree, i)->up &= ~1u;
		break;
	default:
		ck_abort();
	}
	ck_assert_int_lt(rb_check(&p.tree, why), 0);
	ck_assert_int_lt(rb_check(&p.tree, NULL), 0);
	fclose(why);
	ck_assert_int_eq(strncmp(text, "rbtree: node ", 13), 0);
	free(text);
}
END_TEST

static Suite *rbtree_suite(void)
{
	Suite *s = suite_create("rbtree");
	TCase *t = tcase_create("properties");

	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, random_changes_keep_the_textbook_shape, 0, 8);
	tcase_add_loop_test(t, rising_and_falling_keys_keep_the_textbook_shape,
			    0, 2);
	tcase_add_test(t, a_replaced_node_leaves_all_else_alone);
	tcase_add_test(t, an_empty_tree_is_fine);
	tcase_add_loop_test(t, a_broken_tree_is_told, 0, 7);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(rbtree_suite());
}
