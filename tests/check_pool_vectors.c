/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device as thin as can be on the zsmalloc pool, driven by the operations
 * that a zram device was measured with: all nine numbers of mm_stat after each.
 */
#include <errno.h>
#include <string.h>

#include "sim/base/text.h"
#include "tests/support/main.h"
#include "tests/support/poolrig.h"

#define SLOTS 65536u
#define SAME UINT32_MAX /* slot of a same-filled page, no object */
#define FIELDS 15
#define STATS 9

struct device {
	struct poolrig r;
	uint32_t slot[SLOTS]; /* handle, 0 or SAME */
	uint64_t stored, same, huge, huge_since, limit, peak;
};

static void slot_drop(struct device *d, uint32_t s)
{
	uint32_t h = d->slot[s];

	if (!h)
		return;
	d->slot[s] = 0;
	d->stored--;
	if (h == SAME) {
		d->same--;
		return;
	}
	d->huge -= pool_bytes(d->r.pool, h) == PAGE_BYTES;
	poolrig_drop(&d->r, h);
}

static int slot_write(struct device *d, uint32_t s, uint32_t len)
{
	uint64_t *peak = &d->peak, pages;
	uint32_t h = SAME;

	if (len) {
		h = poolrig_store(&d->r, len);
		pages = d->r.pool->pages;
		*peak = pages > *peak ? pages : *peak;
		if (d->limit && pages * PAGE_BYTES > d->limit) {
			poolrig_drop(&d->r, h);
			return -EIO;
		}
	}
	slot_drop(d, s);
	d->slot[s] = h;
	d->stored++;
	d->same += h == SAME;
	d->huge += len == PAGE_BYTES;
	d->huge_since += len == PAGE_BYTES;
	return 0;
}

/* The next number of a list of a, a-b, a-b/step or n*count; false: no more. */
struct cursor {
	const char *p;
	uint32_t at, last, step, left;
};

static uint32_t number(const char **p)
{
	char *end;
	unsigned long v = strtoul(*p, &end, 10);

	ck_assert_ptr_ne(end, *p);
	*p = end;
	return (uint32_t)v;
}

static bool slot_next(struct cursor *c, uint32_t *out)
{
	if (c->at + c->step <= c->last && c->step) {
		*out = c->at += c->step;
		return true;
	}
	c->step = 0;
	if (!*c->p || *c->p == '-')
		return false;
	c->at = c->last = number(&c->p);
	if (*c->p == '-') {
		c->p++;
		c->last = number(&c->p);
		c->step = 1;
	}
	if (*c->p == '/') {
		c->p++;
		c->step = number(&c->p);
	}
	c->p += *c->p == ',';
	ck_assert_uint_lt(c->last, SLOTS);
	*out = c->at;
	return true;
}

static uint32_t size_next(struct cursor *c)
{
	if (!c->left) {
		c->at = number(&c->p);
		c->left = 1;
		if (*c->p == '*') {
			c->p++;
			c->left = number(&c->p);
		}
		c->p += *c->p == ',';
	}
	c->left--;
	return c->at;
}

static bool row_writes(struct device *d, char **f)
{
	struct cursor slots = {.p = f[3]}, sizes = {.p = f[4]};
	bool ok = true;
	uint32_t s;

	while (slot_next(&slots, &s))
		ok &= !slot_write(d, s, size_next(&sizes));
	return ok;
}

/* False: something was refused. */
static bool apply(struct device *d, char **f)
{
	struct cursor slots = {.p = f[3]};
	uint32_t s;

	if (!strcmp(f[2], "write"))
		return row_writes(d, f);
	if (!strcmp(f[2], "discard") || !strcmp(f[2], "zeroout")) {
		while (slot_next(&slots, &s))
			slot_drop(d, s);
	} else if (!strcmp(f[2], "compact")) {
		pool_compact(d->r.pool, &d->r.meter);
	} else if (!strcmp(f[2], "limit")) {
		d->limit = strtoull(f[4], NULL, 10);
	} else if (!strcmp(f[2], "resetmax")) {
		d->peak = d->r.pool->pages;
	} else {
		ck_abort_msg("operation %s", f[2]);
	}
	return true;
}

static void compare(const struct device *d, char **f)
{
	const struct pool *p = d->r.pool;
	const uint64_t stat[STATS] = {
		d->stored * PAGE_BYTES,
		p->asked_bytes,
		p->pages * PAGE_BYTES,
		d->limit,
		d->peak * PAGE_BYTES,
		d->same,
		p->totals.compacted_pages,
		d->huge,
		d->huge_since,
	};

	for (int i = 0; i < STATS; i++)
		ck_assert_msg(stat[i] == strtoull(f[6 + i], NULL, 10),
			      "%s %s %s: number %d is %" PRIu64 ", not %s",
			      f[0], f[1], f[2], i + 1, stat[i], f[6 + i]);
}

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "rb");
	size_t cap = 1 << 20, n;
	char *p = malloc(cap);

	ck_assert_ptr_nonnull(f);
	ck_assert_ptr_nonnull(p);
	n = fread(p, 1, cap - 1, f);
	ck_assert_uint_lt(n, cap - 1);
	p[n] = '\0';
	fclose(f);
	return p;
}

static void split(char *line, char **f)
{
	int n = 0;

	for (char *p = line; p; n++) {
		ck_assert_int_lt(n, FIELDS);
		f[n] = p;
		p = strchr(p, '\t');
		if (p)
			*p++ = '\0';
	}
	ck_assert_int_eq(n, FIELDS);
}

START_TEST(every_row_of_the_allocator_is_that_of_linux)
{
	char *text = slurp("tests/vectors/zram-6.18.tsv"), *p = text;
	char *end = text + strlen(text), *f[FIELDS], *line;
	struct device *d = calloc(1, sizeof(*d));
	unsigned rows = 0, refused = 0;

	ck_assert_ptr_nonnull(d);
	while ((line = text_line(&p, end))) {
		if (line[0] == '#' || !strncmp(line, "vector\t", 7))
			continue;
		split(line, f);
		if (!strcmp(f[2], "init")) {
			if (d->r.pool)
				poolrig_fini(&d->r);
			*d = (struct device){0};
			poolrig_init(&d->r, "zsmalloc", NULL);
		} else if (!apply(d, f)) {
			ck_assert_str_eq(f[5], "EIO");
			refused++;
		} else {
			ck_assert_str_eq(f[5], "ok");
		}
		compare(d, f);
		poolrig_check(&d->r);
		rows++;
	}
	ck_assert_uint_eq(rows, 1183);
	ck_assert_uint_eq(refused, 4);
	poolrig_fini(&d->r);
	free(d);
	free(text);
}
END_TEST

/* Pages held by the three mixed vectors when written, half dropped and
 * compacted, by the rules of 6.1: lengths that its device stores raw count
 * 4096. */
START_TEST(the_mixed_vectors_by_the_rules_of_6_1)
{
	static const struct {
		const char *name;
		uint64_t pages[3], compacted;
	} want[] = {
		{"mixed-uniform", {2450, 2079, 1276}, 803},
		{"mixed-bell-half", {2721, 2482, 1386}, 1096},
		{"mixed-over-half", {3821, 3257, 1908}, 1349},
	};
	char *text = slurp("tests/vectors/zram-6.18.tsv"), *p = text;
	char *end = text + strlen(text), *f[FIELDS], *line;
	struct device *d = calloc(1, sizeof(*d));
	unsigned seen = 0;

	ck_assert_ptr_nonnull(d);
	while ((line = text_line(&p, end))) {
		size_t v = 0, step;
		uint32_t s;

		if (line[0] == '#' || !strncmp(line, "vector\t", 7))
			continue;
		split(line, f);
		while (v < 3 && strcmp(want[v].name, f[0]))
			v++;
		step = strtoul(f[1], NULL, 10);
		if (v == 3 || step > 3)
			continue;
		if (!step) {
			*d = (struct device){0};
			poolrig_init(&d->r, "zsmalloc", "generation=6.1");
			continue;
		}
		if (step == 1) {
			struct cursor slots = {.p = f[3]}, sizes = {.p = f[4]};

			while (slot_next(&slots, &s)) {
				uint32_t len = size_next(&sizes);
				uint32_t raw = d->r.pool->huge_bytes;

				slot_write(d, s, len >= raw ? 4096 : len);
			}
		} else {
			apply(d, f);
		}
		ck_assert_uint_eq(d->r.pool->pages, want[v].pages[step - 1]);
		if (step == 3) {
			ck_assert_uint_eq(d->r.pool->totals.compacted_pages,
					  want[v].compacted);
			poolrig_fini(&d->r);
			seen++;
		}
	}
	ck_assert_uint_eq(seen, 3);
	free(d);
	free(text);
}
END_TEST

static Suite *pool_vectors_suite(void)
{
	Suite *s = suite_create("pool_vectors");
	TCase *t = tcase_create("pool_vectors");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, every_row_of_the_allocator_is_that_of_linux);
	tcase_add_test(t, the_mixed_vectors_by_the_rules_of_6_1);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(pool_vectors_suite());
}
