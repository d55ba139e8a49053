/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the cost model says a visit costs, beside what ksmd took on a real
 * machine: the same pages through the ksm engine, its counts at the prices of
 * that machine.  Prints predicted : measured : ratio of each row.
 */
#include <errno.h>
#include <string.h>

#include "sim/base/hash.h"
#include "sim/base/os.h"
#include "sim/base/prng.h"
#include "sim/base/text.h"
#include "models/cost.h"
#include "sim/engine/engine.h"
#include "tests/support/main.h"

#define VECTORS "tests/vectors/ksmd-cost.tsv"
#define COLUMNS 12
#define ROWS_MAX 100u
#define SCANS_MAX 5u

struct set {
	const char *name;
	/* content of page @i of @n; how many contents there are; their bytes */
	uint32_t (*content)(uint32_t i, uint32_t n);
	uint32_t (*contents)(uint32_t n);
	const uint8_t *(*bytes)(void *self, uint32_t id, uint8_t *buf);
};

static uint32_t each_its_own(uint32_t i, uint32_t n)
{
	(void)n;
	return i + 1;
}

static uint32_t halves(uint32_t i, uint32_t n)
{
	return i % (n / 2) + 1;
}

static uint32_t twins(uint32_t i, uint32_t n)
{
	(void)n;
	return i / 2 + 1;
}

static uint32_t one(uint32_t i, uint32_t n)
{
	(void)i;
	(void)n;
	return 1;
}

static uint32_t runs(uint32_t i, uint32_t n)
{
	(void)n;
	return i / 256 + 1;
}

static uint32_t zero(uint32_t i, uint32_t n)
{
	(void)i;
	(void)n;
	return 0;
}

static uint32_t all(uint32_t n)
{
	return n + 1;
}

static uint32_t two(uint32_t n)
{
	(void)n;
	return 2;
}

static const uint8_t *random_page(void *self, uint32_t id, uint8_t *buf)
{
	struct prng r = prng_fork(id, "page");

	(void)self;
	for (unsigned i = 0; i < PAGE_WORDS; i++)
		store_le64(buf + 8 * i, prng_next(&r));
	return buf;
}

static const uint8_t *last8_page(void *self, uint32_t id, uint8_t *buf)
{
	struct prng r = prng_fork(id, "last8");

	(void)self;
	memset(buf, 0, PAGE_BYTES);
	store_le64(buf + PAGE_BYTES - 8, prng_next(&r));
	return buf;
}

static const struct set sets[] = {
	{"unique", each_its_own, all, random_page},
	{"last8", each_its_own, all, last8_page},
	{"halves", halves, all, random_page},
	{"twins", twins, all, random_page},
	{"same", one, two, random_page},
	{"share256", runs, all, random_page},
	{"zero", zero, two, random_page},
};

struct world {
	struct machine *machine;
	struct content_set *contents;
	struct engine *engine;
	struct clock clock;
	struct meter meter;
};

struct line {
	char *preset, *word[COLUMNS - 1];
	uint64_t pages, scan, low, high, band;
};

static void happen(struct world *w, const struct event *ev)
{
	struct effect fx;
	struct err err = {0};
	int ret = machine_begin(w->machine, ev, &err);

	while (!ret && (ret = machine_next(w->machine, &fx)) > 0)
		ret = w->engine->ops->notice(w->engine, &fx, &w->meter);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
}

static const struct set *find_set(const char *name)
{
	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
		if (!strcmp(sets[i].name, name))
			return &sets[i];
	ck_abort_msg("no set of pages is called %s", name);
	return NULL;
}

static void set_up(struct world *w, const struct line *row)
{
	const struct set *set = find_set(row->word[2]);
	uint32_t n = (uint32_t)row->pages;
	struct content_source src = {.count = set->contents(n),
				     .bytes = set->bytes};
	const struct engine_ops *ops = &engine_ksm;
	const char *const keys[][2] = {
		{"max_page_sharing", row->word[3]},
		{"smart_scan", row->word[4]},
		{"use_zero_pages", row->word[5]},
		{"pages_to_scan", "4000000000"},
	};
	struct engine_env env = {.clock = &w->clock};
	void *opts = calloc(1, ops->opts_size);

	ck_assert_ptr_nonnull(opts);
	*w = (struct world){0};
	opt_defaults(ops->opts, opts);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		ck_assert_int_eq(
			opt_set(ops->opts, opts, keys[i][0], keys[i][1], NULL),
			0);
	ck_assert_int_eq(content_set_new(&w->contents, &src, ops->needs(opts),
					 os_cpus(), NULL),
			 0);
	ck_assert_int_eq(
		machine_new(&w->machine,
			    &(struct machine_config){.keep_words = true}),
		0);
	env.machine = w->machine;
	env.contents = w->contents;
	meter_init(&w->meter, NULL);
	ck_assert_int_eq(ops->start(&w->engine, &env, opts, NULL), 0);
	free(opts);
	happen(w, &(struct event){.op = EV_SPACE});
	happen(w, &(struct event){
			  .op = EV_MAP, .flags = EVF_MERGEABLE, .count = n});
	for (uint32_t i = 0; i < n; i++)
		happen(w, &(struct event){.op = EV_WRITE,
					  .vpn = i,
					  .count = 1,
					  .content = set->content(i, n)});
}

/* The counts after each scan. */
static void scan(struct world *w, struct meter after[SCANS_MAX + 1])
{
	after[0] = w->meter;
	for (uint64_t s = 1; s <= SCANS_MAX; s++) {
		w->clock.now = w->engine->wake[0];
		ck_assert_int_eq(w->engine->ops->work(w->engine, 0, &w->meter),
				 0);
		after[s] = w->meter;
	}
}

static void tear_down(struct world *w)
{
	w->engine->ops->stop(w->engine);
	machine_free(w->machine);
	content_set_free(w->contents);
}

static bool same_world(const struct line *a, const struct line *b)
{
	for (unsigned i = 1; i < 6; i++)
		if (strcmp(a->word[i], b->word[i]))
			return false;
	return true;
}

static bool judge(const struct line *r, const struct meter *after)
{
	uint64_t middle = (r->low + r->high) / 2, ns[COST_ENDS], p;
	struct err err = {0};
	struct cost cost;
	bool ok;

	ck_assert_msg(!cost_load(&cost, r->preset, &err), "%s", err.text);
	for (unsigned e = 0; e < COST_ENDS; e++)
		ns[e] = (meter_spent_at(&after[r->scan], &cost.price[e]).v -
			 meter_spent_at(&after[r->scan - 1], &cost.price[e])
				 .v) /
			r->pages;
	p = ns[COST_MID] * 100;
	ok = p >= middle * (100 - r->band) && p <= middle * (100 + r->band);
	printf("%-22s %-41s %7" PRIu64 " %-9s %6" PRIu64 " (%6" PRIu64
	       " … %6" PRIu64 ") : %6" PRIu64 " : %3" PRIu64 " %%%s\n",
	       r->preset, r->word[0], r->pages, r->word[9], ns[COST_MID],
	       ns[COST_LOW], ns[COST_HIGH], middle, p / middle,
	       ok ? "" : "  OUT OF BAND");
	return ok;
}

static size_t read_rows(char *text, size_t n, struct line *rows)
{
	char *p = text, *line;
	size_t count = 0;
	bool header = false;

	while ((line = text_line(&p, text + n))) {
		struct line *r = &rows[count];

		if (line[0] == '#')
			continue;
		for (unsigned i = 0; i < COLUMNS; i++) {
			*(i ? &r->word[i - 1] : &r->preset) = line;
			line += strcspn(line, "\t");
			ck_assert(i == COLUMNS - 1 ? !*line : *line == '\t');
			if (*line)
				*line++ = 0;
		}
		if (!header) {
			header = true;
			continue;
		}
		ck_assert(text_u64(r->word[1], &r->pages));
		ck_assert(text_u64(r->word[6], &r->scan));
		ck_assert(text_u64(r->word[7], &r->low));
		ck_assert(text_u64(r->word[8], &r->high));
		ck_assert(text_u64(r->word[10], &r->band));
		ck_assert_uint_le(r->scan, SCANS_MAX);
		ck_assert_uint_ge(r->scan, 1);
		ck_assert_uint_lt(++count, ROWS_MAX);
	}
	return count;
}

START_TEST(visits_cost_what_a_real_ksmd_took)
{
	static struct line rows[ROWS_MAX];
	static struct meter after[SCANS_MAX + 1];
	char *text;
	size_t n, nrows, bad = 0;
	bool done[ROWS_MAX] = {false};

	ck_assert_int_eq(os_read_all(VECTORS, 1 << 20, &text, &n, NULL), 0);
	nrows = read_rows(text, n, rows);
	ck_assert_uint_gt(nrows, 25);
	printf("ns per page: predicted (low … high) : measured : ratio\n");
	for (size_t i = 0; i < nrows; i++) {
		struct world w;

		if (done[i])
			continue;
		set_up(&w, &rows[i]);
		scan(&w, after);
		tear_down(&w);
		for (size_t j = i; j < nrows; j++) {
			if (!same_world(&rows[i], &rows[j]))
				continue;
			bad += !judge(&rows[j], after);
			done[j] = true;
		}
	}
	free(text);
	ck_assert_uint_eq(bad, 0);
}
END_TEST

static Suite *cost_ksmd_suite(void)
{
	Suite *s = suite_create("cost_ksmd");
	TCase *t = tcase_create("measured");

	tcase_set_timeout(t, 600);
	tcase_add_test(t, visits_cost_what_a_real_ksmd_took);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(cost_ksmd_suite());
}
