/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random operations on a host and on a plain table of what each guest has put:
 * what is found is what was put last, nothing goes but by flushes, exclusive
 * gets and counted evictions, and the counts of sharing are those of the table.
 */
#include <errno.h>
#include <string.h>

#include "sim/base/prng.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/tmemrig.h"

#define CLIENTS 3u
#define POOLS 3u /* 0 private, 1 persistent, 2 shared by all */
#define OBJECTS 4u
#define INDICES 8u
#define NOTHING UINT32_MAX

static const uint32_t index_of[INDICES] = {0,  1,    2,	    63,
					   64, 4096, 70000, UINT32_MAX};

struct table {
	/* [client][pool][object][index]; shared pools: client 0 */
	uint32_t v[CLIENTS][POOLS][OBJECTS][INDICES];
	uint64_t evicted; /* that the host has told of so far */
};

struct place {
	uint32_t c, p, o, i;
};

static uint32_t *cell(struct table *t, struct place w)
{
	return &t->v[w.p == 2 ? 0 : w.c][w.p][w.o][w.i];
}

static uint32_t page_of(const struct tmemrig *r, uint32_t c, uint32_t p,
			uint32_t o, uint32_t i)
{
	const struct tmem_client *x =
		tmem_client_at(r->t, tmem_client(r->t, c + 1));
	const uint64_t oid[3] = {o};

	return tmem_find(r->t, x->pool[p], oid, index_of[i]);
}

static uint32_t stored(const struct tmemrig *r, uint32_t c, uint32_t p,
		       uint32_t o, uint32_t i)
{
	uint32_t page = page_of(r, c, p, o, i);

	return page ? tmem_page_at(r->t, page)->content : NOTHING;
}

/* What the host has evicted goes from the table; it has told how many. */
static void forget_evicted(struct table *t, const struct tmemrig *r)
{
	uint64_t gone = 0, told = r->t->stats.evicted - t->evicted;

	for (uint32_t c = 0; c < CLIENTS; c++)
		for (uint32_t p = 0; p < POOLS; p++)
			for (uint32_t o = 0; o < OBJECTS; o++)
				for (uint32_t i = 0; i < INDICES; i++) {
					uint32_t *v = &t->v[c][p][o][i];
					uint32_t is;

					if (p == 2 && c)
						continue;
					is = stored(r, c, p, o, i);
					if (is == *v)
						continue;
					ck_assert_uint_eq(is, NOTHING);
					ck_assert_uint_ne(p, 1);
					*v = NOTHING;
					gone++;
				}
	ck_assert_uint_eq(gone, told);
	t->evicted = r->t->stats.evicted;
}

/* ---- one operation ---- */

/* How often a page of this pool was put that was there already. */
static uint64_t dups(const struct tmemrig *r, struct place w)
{
	const struct tmem_client *x =
		tmem_client_at(r->t, tmem_client(r->t, w.c + 1));
	const struct tmem_pool *p = tmem_pool_at(r->t, x->pool[w.p]);

	return p->stats.dup_replaced + p->stats.dup_flushed;
}

static void put(struct tmemrig *r, struct table *t, struct place w,
		uint32_t content)
{
	uint32_t *v = cell(t, w), was = *v;
	uint64_t before = dups(r, w);
	int ret = tmemrig_put(r, w.c + 1, w.p, w.o, index_of[w.i], content);

	*v = stored(r, w.c, w.p, w.o, w.i);
	/* Room is made before anything else; a victim may have been this. */
	if (was != NOTHING && dups(r, w) == before && ret != TMEM_HANGS &&
	    !(ret == TMEM_ENOMEM && *v == was)) {
		t->evicted++;
		was = NOTHING;
	}
	switch (ret) {
	case 1:
		/* R0 to R2 say so of puts that found no memory, too. */
		if (*v != content) {
			ck_assert(r->t->bad[TMEM_BAD_RESULT]);
			ck_assert_uint_eq(was, NOTHING);
			ck_assert_uint_eq(*v, NOTHING);
		}
		break;
	case TMEM_ENOMEM:
		ck_assert_uint_eq(*v, was);
		break;
	case TMEM_ENOSPC:
		ck_assert_uint_eq(*v, NOTHING);
		break;
	case TMEM_HANGS:
		ck_assert(r->t->bad[TMEM_BAD_LOCK]);
		break;
	default:
		ck_abort_msg("put: %d", ret);
	}
}

static void get(struct tmemrig *r, struct table *t, struct place w)
{
	uint32_t *v = cell(t, w);
	int ret = tmemrig_get(r, w.c + 1, w.p, w.o, index_of[w.i]);

	if (ret == TMEM_HANGS)
		return;
	ck_assert_int_eq(ret == 1, *v != NOTHING);
	if (ret != 1) {
		ck_assert(ret == 0 || ret == TMEM_EEMPTY);
		return;
	}
	ck_assert_uint_eq(r->got, *v);
	if (w.p == 0)
		*v = NOTHING;
	ck_assert_uint_eq(stored(r, w.c, w.p, w.o, w.i), *v);
}

static void flush(struct tmemrig *r, struct table *t, struct place w,
		  bool whole)
{
	struct tmem_call c = {
		.op = whole ? TMEM_FLUSH_OBJECT : TMEM_FLUSH_PAGE,
		.client = w.c + 1,
		.pool = w.p,
		.index = index_of[w.i],
		.oid = {w.o},
	};

	if (tmemrig_call(r, &c) == TMEM_HANGS)
		return;
	ck_assert_int_eq(c.result, 1);
	for (uint32_t i = 0; i < INDICES; i++)
		if (whole || i == w.i)
			*cell(t, (struct place){w.c, w.p, w.o, i}) = NOTHING;
}

static void control(struct tmemrig *r, struct prng *rnd)
{
	uint32_t c = tmem_client(r->t, 1 + (uint32_t)prng_below(rnd, CLIENTS));

	switch (prng_below(rnd, 6)) {
	case 0:
	case 1:
		tmem_evict(r->t, prng_below(rnd, 2) ? c : 0, &r->meter);
		break;
	case 2:
		tmem_relinquish(r->t, &r->meter);
		break;
	case 3:
		tmem_flush(r->t, prng_below(rnd, 64), &r->meter);
		break;
	case 4:
		tmem_set_weight(r->t, c, (uint32_t)prng_below(rnd, 100));
		break;
	default:
		tmem_fail_next(
			r->t, (enum tmem_record)prng_below(rnd, TMEM_REC_COUNT),
			1 + (uint32_t)prng_below(rnd, 6));
		break;
	}
}

static void step(struct tmemrig *r, struct table *t, struct prng *rnd)
{
	struct place w = {
		(uint32_t)prng_below(rnd, CLIENTS),
		(uint32_t)prng_below(rnd, POOLS),
		(uint32_t)prng_below(rnd, OBJECTS),
		(uint32_t)prng_below(rnd, INDICES),
	};
	uint64_t what = prng_below(rnd, 20);

	if (what < 11)
		put(r, t, w, (uint32_t)prng_below(rnd, TMEMRIG_CONTENTS));
	else if (what < 15)
		get(r, t, w);
	else if (what < 18)
		flush(r, t, w, what == 15);
	else
		control(r, rnd);
	forget_evicted(t, r);
}

/* ---- counts ---- */

/* Ephemeral pages and different contents of the table; a page that replaces one
 * that was not compressed is not compressed either, and then apart. */
static void count(const struct table *t, const struct tmemrig *r, uint64_t *eph,
		  uint64_t *pers, uint64_t *different)
{
	uint64_t refs[2 * TMEMRIG_CONTENTS] = {0};

	*eph = *pers = *different = 0;
	for (uint32_t c = 0; c < CLIENTS; c++)
		for (uint32_t p = 0; p < POOLS; p++)
			for (uint32_t o = 0; o < OBJECTS; o++)
				for (uint32_t i = 0; i < INDICES; i++) {
					uint32_t v = t->v[c][p][o][i];

					if (v == NOTHING)
						continue;
					*pers += p == 1;
					*eph += p != 1;
					if (tmem_page_at(r->t,
							 page_of(r, c, p, o, i))
						    ->flags &
					    TMEM_PACKED)
						v += TMEMRIG_CONTENTS;
					refs[v] += p != 1;
				}
	for (uint32_t v = 0; v < 2 * TMEMRIG_CONTENTS; v++)
		*different += refs[v] > 0;
}

static void counts_agree(const struct table *t, const struct tmemrig *r)
{
	const struct tmem_stats *s = &r->t->stats;
	uint64_t eph, pers, different;

	count(t, r, &eph, &pers, &different);
	ck_assert_uint_eq(s->eph.now, eph);
	ck_assert_uint_eq(s->pages.now, eph + pers);
	ck_assert_uint_le(s->eph.now, s->eph.max);
	if (!r->t->dedup) {
		ck_assert_uint_eq(s->pcds.now, 0);
		return;
	}
	/* A truncated page whose rest found no room is kept whole, and then
	 * apart; so are compressed pages of R0. */
	if (r->t->bad[TMEM_BAD_COMPARE] || r->t->tze ||
	    (r->t->cfg.compress && r->cfg.revision == TMEM_R0))
		return;
	ck_assert_uint_eq(s->pcds.now, different);
	if (!r->t->cfg.compress)
		ck_assert_uint_eq(s->frames.now,
				  different + pers + s->lost_frames);
}

static void pools(struct tmemrig *r)
{
	for (uint32_t c = 1; c <= CLIENTS; c++) {
		ck_assert_int_eq(tmemrig_pool(r, c, 0), 0);
		ck_assert_int_eq(tmemrig_pool(r, c, TMEM_PERSISTENT), 1);
		ck_assert_int_eq(tmemrig_pool(r, c, TMEM_SHARED), 2);
	}
}

static const struct {
	bool dedup, tze, compress;
	uint32_t frames;
} modes[] = {
	{true, false, false, 0},  {true, true, false, 0},
	{true, false, true, 0},	  {false, false, false, 0},
	{false, false, true, 0},  {true, false, false, 290},
	{true, true, false, 280},
};
#define MODES ((int)(sizeof(modes) / sizeof(modes[0])))

/* Revision, defects and mode by the number of the loop. */
static int start(struct tmemrig *r, int i)
{
	r->cfg.dedup = modes[i / 10].dedup;
	r->cfg.tze = modes[i / 10].tze;
	r->cfg.compress = modes[i / 10].compress;
	r->cfg.frames = modes[i / 10].frames;
	r->cfg.guest_room = 40;
	r->cfg.weight = 10;
	return tmemrig_start(r, (enum tmem_revision)(i % 5), i / 5 % 2);
}

START_TEST(a_host_is_a_table_that_forgets)
{
	struct prng rnd = prng_fork(test_seed(1) + (uint64_t)_i, "tmem");
	struct table *t = mem_zalloc(1, sizeof(*t));
	struct tmemrig r;

	tmemrig_init(&r);
	ck_assert_ptr_nonnull(t);
	for (unsigned round = 0; round < 4; round++) {
		memset(t->v, 0xff, sizeof(t->v));
		t->evicted = 0;
		ck_assert_int_eq(start(&r, _i), 0);
		pools(&r);
		for (unsigned k = 0; k < 600; k++) {
			step(&r, t, &rnd);
			if (k % 8 == 0) {
				tmemrig_check(&r);
				counts_agree(t, &r);
			}
		}
		tmemrig_check(&r);
		tmemrig_stop(&r);
	}
	free(t);
	tmemrig_fini(&r);
}
END_TEST

/* ---- guests come and go ---- */

START_TEST(when_all_guests_are_gone_nothing_is_left)
{
	struct prng rnd = prng_fork(test_seed(1) + (uint64_t)_i, "gone");
	struct table *t = mem_zalloc(1, sizeof(*t));
	struct tmemrig r;

	tmemrig_init(&r);
	ck_assert_ptr_nonnull(t);
	memset(t->v, 0xff, sizeof(t->v));
	ck_assert_int_eq(start(&r, _i), 0);
	pools(&r);
	for (unsigned k = 0; k < 400; k++)
		step(&r, t, &rnd);
	for (uint32_t c = 1; c <= CLIENTS; c++) {
		struct tmem_call d = {
			.op = TMEM_DESTROY_POOL, .client = c, .pool = 2};

		if (prng_below(&rnd, 2) && !r.t->stuck)
			ck_assert_int_eq(tmemrig_call(&r, &d), 1);
		ck_assert_int_eq(tmem_client_end(r.t, c, &r.meter), 0);
		tmemrig_check(&r);
	}
	ck_assert_uint_eq(r.t->stats.pages.now, 0);
	ck_assert_uint_eq(r.t->stats.pcds.now, 0);
	ck_assert_uint_eq(r.t->stats.objects.now, 0);
	ck_assert_uint_eq(r.t->stats.nodes.now, 0);
	ck_assert_uint_eq(r.t->stats.meta_bytes, 0);
	ck_assert_uint_eq(r.t->stats.data_bytes, 0);
	ck_assert_uint_eq(r.t->stats.tze_bytes, 0);
	ck_assert_uint_eq(r.t->stats.packed_bytes, 0);
	ck_assert_uint_eq(r.t->stats.frames.now, r.t->stats.lost_frames);
	free(t);
	tmemrig_fini(&r);
}
END_TEST

/* ---- the host's memory ---- */

/* The same calls, with each allocation of the host failing in turn. */
static uint64_t fail_each(struct tmemrig *r, enum tmem_record record,
			  uint32_t n)
{
	struct table *t = mem_zalloc(1, sizeof(*t));
	struct prng rnd = prng_fork(test_seed(1), "each");
	uint64_t left;

	ck_assert_ptr_nonnull(t);
	memset(t->v, 0xff, sizeof(t->v));
	pools(r);
	tmem_fail_next(r->t, record, n);
	for (unsigned k = 0; k < 40; k++) {
		struct place w = {k % 2, k % 3, k % 4, k / 3 % INDICES};

		put(r, t, w, (uint32_t)prng_below(&rnd, TMEMRIG_CONTENTS));
		if (k % 4 == 3)
			get(r, t, w);
		forget_evicted(t, r);
		tmemrig_check(r);
	}
	left = r->t->fail[record];
	free(t);
	return left;
}

START_TEST(each_allocation_of_the_host_can_fail)
{
	struct tmemrig r;

	tmemrig_init(&r);
	for (unsigned record = 0; record < TMEM_REC_COUNT; record++)
		for (uint32_t n = 1;; n++) {
			uint64_t left;

			ck_assert_int_eq(start(&r, _i), 0);
			left = fail_each(&r, (enum tmem_record)record, n);
			tmemrig_stop(&r);
			if (left)
				break; /* there are fewer of them */
			ck_assert_uint_lt(n, 1000);
		}
	tmemrig_fini(&r);
}
END_TEST

/* ---- the simulator's own memory ---- */

struct short_run {
	struct tmemrig *r;
	int mode;
	uint64_t seed;
};

static int run_shortly(void *ctx)
{
	struct short_run *s = ctx;
	struct prng rnd = prng_fork(s->seed, "short");
	int ret = start(s->r, s->mode);

	for (unsigned k = 0; !ret && k < 300; k++) {
		struct tmem_call c = {
			.op = (uint8_t)prng_below(&rnd, TMEM_OP_COUNT),
			.client = 1 + (uint32_t)prng_below(&rnd, 3),
			.pool = (uint32_t)prng_below(&rnd, 3),
			.oid = {prng_below(&rnd, 200)},
			.index = index_of[prng_below(&rnd, INDICES)],
			.flags = (uint8_t)prng_below(&rnd, 4),
			.content = (uint32_t)prng_below(&rnd, TMEMRIG_CONTENTS),
		};

		if (c.op == TMEM_DESTROY_POOL && prng_below(&rnd, 10))
			c.op = TMEM_PUT;
		ret = tmem_call(s->r->t, &c, &s->r->meter);
		if (ret) {
			fail_mem_off();
			ck_assert_int_eq(tmem_check(s->r->t, stderr), 0);
		}
	}
	tmemrig_stop(s->r);
	return ret;
}

START_TEST(without_memory_nothing_has_happened)
{
	struct short_run s = {.mode = _i, .seed = test_seed(1)};
	struct tmemrig r;

	tmemrig_init(&r);
	s.r = &r;
	ck_assert_uint_gt(fail_mem_walk(run_shortly, &s), 10);
	tmemrig_fini(&r);
}
END_TEST

static Suite *tmem_suite(void)
{
	Suite *s = suite_create("tmem, random");
	TCase *t = tcase_create("random");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, a_host_is_a_table_that_forgets, 0, 10 * MODES);
	tcase_add_loop_test(t, when_all_guests_are_gone_nothing_is_left, 0,
			    10 * MODES);
	tcase_add_loop_test(t, each_allocation_of_the_host_can_fail, 0,
			    10 * MODES);
	tcase_add_loop_test(t, without_memory_nothing_has_happened, 0, 10);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(tmem_suite());
}
