/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sim/engine/pageone/sdshape_impl.h"

/* ---- the tree by definition ---- */

/* Does the content have a 1 there? */
static bool one_at(struct sdshape *s, uint32_t rank, uint32_t bit)
{
	return bit >= s->bits || sdshape_first_one(s, rank, bit) == bit;
}

/* The first bit from @bit on where the keys do not agree. */
static uint32_t parting(const struct sdshape *s, const uint32_t *rank,
			uint32_t n)
{
	return content_prefix_bits(s->set, rank[0], rank[n - 1]);
}

/* A vector at @bit for keys that agree before it, in @*out; or -ENOMEM. */
static int build(struct sdshape *s, const uint32_t *rank, uint32_t n,
		 uint32_t bit, uint32_t *out)
{
	uint32_t zeros = 0, at, side = 0, first = s->bits;
	int ret = 0;

	if (arena_new(&s->vecs, &at))
		return -ENOMEM;
	*out = at;
	vec_at(s, at)->bit = bit;
	while (zeros < n && !one_at(s, rank[zeros], bit))
		zeros++;
	if (n - zeros == 1)
		vec_at(s, at)->right = KEY | rank[zeros];
	if (n - zeros > 1) {
		ret = build(s, rank + zeros, n - zeros,
			    parting(s, rank + zeros, n - zeros), &side);
		vec_at(s, at)->right = side;
	}
	for (uint32_t i = 0; i < zeros; i++) {
		uint32_t f = sdshape_first_one(s, rank[i], bit + 1);

		first = f < first ? f : first;
	}
	side = 0;
	if (!ret && zeros) {
		ret = build(s, rank, zeros, first, &side);
		vec_at(s, at)->down = side;
	}
	return ret;
}

int sdshape_build(struct sdshape *s, const uint32_t *rank, uint32_t n,
		  uint32_t *root)
{
	return build(s, rank, n, 0, root);
}

static bool equal_sides(const struct sdshape *s, uint32_t a, uint32_t b)
{
	if (!a || !b || is_key(a) || is_key(b))
		return a == b;
	return sdshape_equal(s, a, b);
}

bool sdshape_equal(const struct sdshape *s, uint32_t a, uint32_t b)
{
	const struct sdvec *x = vec_at(s, a), *y = vec_at(s, b);

	return x->bit == y->bit && equal_sides(s, x->right, y->right) &&
	       equal_sides(s, x->down, y->down);
}

/* ---- printing ---- */

static void print_key(struct sdshape *s, uint32_t rank, FILE *f)
{
	uint64_t head = s->set->head[s->set->by_rank[rank]];

	if (s->bits > 8) {
		fprintf(f, "%0*" PRIX64, s->bits < 64 ? (int)s->bits / 4 : 16,
			s->bits < 64 ? head >> (64 - s->bits) : head);
		return;
	}
	for (uint32_t i = 0; i < s->bits; i++)
		fputc('0' + (int)(head >> (63 - i) & 1), f);
}

static void print_side(struct sdshape *s, uint32_t side, FILE *f)
{
	if (!side)
		fputc('-', f);
	else if (is_key(side))
		print_key(s, rank_of(side), f);
	else
		sdshape_print(s, side, f);
}

void sdshape_print(struct sdshape *s, uint32_t root, FILE *f)
{
	fprintf(f, "@%" PRIu32 "(", vec_at(s, root)->bit);
	print_side(s, vec_at(s, root)->right, f);
	fputc('|', f);
	print_side(s, vec_at(s, root)->down, f);
	fputc(')', f);
}

/* ---- order ---- */

int64_t sdshape_lowest(struct sdshape *s, uint32_t root, uint32_t *rank,
		       uint32_t max)
{
	uint32_t *stack = mem_zalloc(s->bits + 2u, sizeof(*stack));
	uint32_t depth = 0, n = 0, to = root;

	if (!stack)
		return -ENOMEM;
	/* Down is before right; a vector waits while its down side is seen. */
	for (;;) {
		for (; to && !is_key(to); to = vec_at(s, to)->down)
			stack[depth++] = to;
		for (;;) {
			if (n == max || !depth)
				goto out;
			to = vec_at(s, stack[--depth])->right;
			if (!is_key(to))
				break;
			rank[n++] = rank_of(to);
		}
	}
out:
	free(stack);
	return n;
}
