/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "tests/support/main.h"
#include "tests/support/poolrig.h"

#define CHUNK 64u

static struct pool_place place(const struct poolrig *r, uint32_t h)
{
	struct pool_place p;

	pool_where(r->pool, h, &p);
	ck_assert_uint_eq(p.parts, 1);
	return p;
}

static uint64_t frame(const struct poolrig *r, uint32_t h)
{
	return place(r, h).part[0].frame;
}

/* In chunks from the start of the page. */
static uint32_t at(const struct poolrig *r, uint32_t h)
{
	ck_assert_uint_eq(place(r, h).part[0].offset % CHUNK, 0);
	return place(r, h).part[0].offset / CHUNK;
}

START_TEST(three_objects_share_a_page_first_last_middle)
{
	struct poolrig r;
	uint32_t a, b, c;

	poolrig_init(&r, "z3fold", NULL);
	a = poolrig_store(&r, 20 * CHUNK);
	b = poolrig_store(&r, 20 * CHUNK);
	c = poolrig_store(&r, 22 * CHUNK);
	ck_assert_uint_eq(r.pool->pages, 1);
	ck_assert_uint_eq(at(&r, a), 2);
	ck_assert_uint_eq(at(&r, b), 44);
	ck_assert_uint_eq(at(&r, c), 22);
	ck_assert_int_eq(poolrig_row(&r, "pool", "metadata_bytes"), 64);
	poolrig_store(&r, 1);
	ck_assert_uint_eq(r.pool->pages, 2);
	poolrig_check(&r);
	poolrig_fini(&r);
}
END_TEST

START_TEST(objects_beyond_3904_bytes_have_a_page_without_header)
{
	struct poolrig r;
	uint32_t a, b;

	poolrig_init(&r, "z3fold", NULL);
	a = poolrig_store(&r, 3904);
	b = poolrig_store(&r, 3905);
	poolrig_store(&r, 10); /* one chunk is left in a's page */
	ck_assert_uint_eq(r.pool->pages, 2);
	ck_assert_uint_eq(at(&r, a), 2);
	ck_assert_uint_eq(at(&r, b), 0);
	ck_assert_uint_eq(poolrig_lost(&r, LOST_HEADER), 128);
	ck_assert_int_eq(poolrig_row(&r, "z3fold", "headless_pages"), 1);
	poolrig_store(&r, 4096);
	poolrig_drop(&r, b);
	ck_assert_int_eq(poolrig_row(&r, "z3fold", "headless_pages"), 1);
	poolrig_check(&r);
	poolrig_fini(&r);
}
END_TEST

START_TEST(an_object_that_is_alone_moves_into_another_page)
{
	struct poolrig r;
	uint32_t a, b, c, d;

	poolrig_init(&r, "z3fold", NULL);
	a = poolrig_store(&r, 40 * CHUNK); /* 22 free */
	b = poolrig_store(&r, 30 * CHUNK); /* 32 free */
	c = poolrig_store(&r, 31 * CHUNK); /* beside b */
	ck_assert_uint_eq(r.pool->pages, 2);
	ck_assert_uint_ne(frame(&r, a), frame(&r, c));
	poolrig_drop(&r, c);
	d = poolrig_store(&r, 25 * CHUNK); /* beside b */
	ck_assert_uint_eq(frame(&r, b), frame(&r, d));
	poolrig_drop(&r, b); /* d is alone, 25 > 22: it stays */
	ck_assert_uint_eq(r.pool->pages, 2);
	ck_assert_uint_eq(r.pool->totals.moved, 0);
	b = poolrig_store(&r, 30 * CHUNK);
	poolrig_drop(&r, d); /* 30 > 22 */
	c = poolrig_store(&r, 20 * CHUNK);
	ck_assert_uint_eq(frame(&r, c), frame(&r, a)); /* 22 is tighter */
	poolrig_drop(&r, c);
	/* Now a is alone and b's page has 32 free, but a has 40. */
	ck_assert_uint_eq(r.pool->pages, 2);
	c = poolrig_store(&r, 10 * CHUNK); /* beside a: 12 free */
	poolrig_drop(&r, a);		   /* c is alone and fits beside b */
	ck_assert_uint_eq(r.pool->pages, 1);
	ck_assert_uint_eq(frame(&r, c), frame(&r, b));
	ck_assert_uint_eq(r.pool->totals.moved_bytes, 10 * CHUNK);
	ck_assert_int_eq(poolrig_row(&r, "z3fold", "foreign_objects"), 1);
	ck_assert_int_eq(poolrig_row(&r, "pool", "metadata_bytes"), 128);
	poolrig_check(&r);
	/* b alone would leave, but a page with a foreign object stays. */
	a = poolrig_store(&r, 50 * CHUNK);
	poolrig_drop(&r, b);
	ck_assert_uint_eq(r.pool->pages, 2);
	ck_assert_uint_eq(pool_bytes(r.pool, a), 50 * CHUNK);
	poolrig_drop(&r, c);
	ck_assert_uint_eq(r.pool->pages, 1);
	ck_assert_int_eq(poolrig_row(&r, "z3fold", "foreign_objects"), 0);
	poolrig_check(&r);
	poolrig_fini(&r);
}
END_TEST

/* First, last and middle of these lengths; drops some, says where the middle
 * is. */
static uint32_t middle_after(uint32_t first, uint32_t middle, uint32_t last,
			     bool drop_first, bool drop_last)
{
	struct poolrig r;
	uint32_t f, m, l, chunk;

	poolrig_init(&r, "z3fold", NULL);
	f = poolrig_store(&r, first * CHUNK);
	l = poolrig_store(&r, last * CHUNK);
	m = poolrig_store(&r, middle * CHUNK);
	if (drop_first)
		poolrig_drop(&r, f);
	if (drop_last)
		poolrig_drop(&r, l);
	poolrig_check(&r);
	chunk = at(&r, m);
	poolrig_fini(&r);
	return chunk;
}

START_TEST(a_middle_slides_when_that_gains_three_chunks)
{
	/* Where it was made: right behind the first. */
	ck_assert_uint_eq(middle_after(10, 20, 20, false, false), 12);
	ck_assert_uint_eq(middle_after(10, 20, 20, false, true), 12);
	/* Up to the last: 64 - 20 - 20. */
	ck_assert_uint_eq(middle_after(10, 20, 20, true, false), 24);
	ck_assert_uint_eq(middle_after(10, 29, 20, true, false), 15);
	/* Two chunks are not worth it. */
	ck_assert_uint_eq(middle_after(10, 30, 20, true, false), 12);
	/* Alone it becomes the first, wherever it was. */
	ck_assert_uint_eq(middle_after(10, 20, 20, true, true), 2);
}
END_TEST

START_TEST(a_new_object_before_the_middle_must_fit_there)
{
	struct poolrig r;
	uint32_t f, m, x;

	poolrig_init(&r, "z3fold", NULL);
	f = poolrig_store(&r, 10 * CHUNK);
	poolrig_store(&r, 20 * CHUNK);
	m = poolrig_store(&r, 30 * CHUNK); /* 12 … 42, last from 44 */
	poolrig_drop(&r, f);
	ck_assert_uint_eq(at(&r, m), 12);
	x = poolrig_store(&r, 11 * CHUNK); /* ten fit, eleven do not */
	ck_assert_uint_eq(r.pool->pages, 2);
	poolrig_drop(&r, x);
	x = poolrig_store(&r, 10 * CHUNK);
	ck_assert_uint_eq(r.pool->pages, 1);
	ck_assert_uint_eq(at(&r, x), 2);
	poolrig_check(&r);
	poolrig_fini(&r);
}
END_TEST

START_TEST(reclaim_evicts_middle_first_last_and_skips_foreign_pages)
{
	struct pool_reclaimed got;
	struct poolrig r;
	uint32_t a, b, c, d, e;

	poolrig_init(&r, "z3fold", NULL);
	b = poolrig_store(&r, 30 * CHUNK); /* page 1, the oldest */
	a = poolrig_store(&r, 40 * CHUNK); /* page 2 */
	c = poolrig_store(&r, 10 * CHUNK); /* beside a */
	poolrig_drop(&r, a);		   /* c moves to page 1 */
	ck_assert_uint_eq(frame(&r, b), frame(&r, c));
	a = poolrig_store(&r, 30 * CHUNK); /* 22 free there: a new page */
	d = poolrig_store(&r, 25 * CHUNK);
	e = poolrig_store(&r, 5 * CHUNK);
	ck_assert_uint_eq(frame(&r, a), frame(&r, d));
	ck_assert_uint_eq(frame(&r, a), frame(&r, e));
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), 0);
	ck_assert_uint_eq(got.evicted, 3);
	ck_assert_uint_eq(r.evicted[0], e);
	ck_assert_uint_eq(r.evicted[1], a);
	ck_assert_uint_eq(r.evicted[2], d);
	poolrig_check(&r);
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), -EAGAIN);
	poolrig_drop(&r, c);
	ck_assert_int_eq(poolrig_reclaim(&r, 1, &got), 0);
	ck_assert_uint_eq(r.pool->pages, 0);
	poolrig_fini(&r);
}
END_TEST

static Suite *z3fold_suite(void)
{
	Suite *s = suite_create("z3fold");
	TCase *t = tcase_create("z3fold");

	tcase_add_test(t, three_objects_share_a_page_first_last_middle);
	tcase_add_test(t, objects_beyond_3904_bytes_have_a_page_without_header);
	tcase_add_test(t, an_object_that_is_alone_moves_into_another_page);
	tcase_add_test(t, a_middle_slides_when_that_gains_three_chunks);
	tcase_add_test(t, a_new_object_before_the_middle_must_fit_there);
	tcase_add_test(
		t, reclaim_evicts_middle_first_last_and_skips_foreign_pages);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(z3fold_suite());
}
