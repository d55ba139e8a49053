/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random lists of accesses against a page cache that is an array with the time
 * of the last touch of each page: what is put, asked for and flushed must be the
 * same, event by event.  And the lists of the page cache themselves against the
 * rules of two lists, told page by page.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/mem.h"
#include "sim/base/prng.h"
#include "tests/support/main.h"
#include "workloads/filecache.h"

#define GUESTS 3u
#define FILES 6u
#define PAGES 12u /* of a file at most */
#define ROOM 16u  /* pages: the least there is */
#define EVENTS_MAX 100000u
#define THINK_MS 1u
#define EXPIRE_MS 50u

/* ---- the dumb model ---- */

struct page {
	bool cached, dirty;
	uint64_t touched, written_ms;
	uint32_t content;
};

struct dumb {
	struct page page[GUESTS][FILES][PAGES];
	uint32_t size[GUESTS][FILES];
	uint64_t now[GUESTS], clock;
	bool twice;
	struct event *ev;
	size_t n;
};

static struct event *say(struct dumb *d, unsigned op, unsigned g, unsigned f,
			 unsigned index)
{
	struct event *e = &d->ev[d->n++];

	ck_assert_uint_lt(d->n, EVENTS_MAX);
	*e = (struct event){.time = NS(d->now[g] * 1000000),
			    .op = (uint8_t)op,
			    .space = g,
			    .object = f,
			    .index = index};
	return e;
}

static unsigned cached(const struct dumb *d, unsigned g)
{
	unsigned n = 0;

	for (unsigned f = 0; f < FILES; f++)
		for (unsigned i = 0; i < PAGES; i++)
			n += d->page[g][f][i].cached;
	return n;
}

static void evict(struct dumb *d, unsigned g)
{
	unsigned vf = FILES, vi = 0;

	for (unsigned f = 0; f < FILES; f++)
		for (unsigned i = 0; i < PAGES; i++)
			if (d->page[g][f][i].cached &&
			    (vf == FILES || d->page[g][f][i].touched <
						    d->page[g][vf][vi].touched))
				vf = f, vi = i;
	say(d, EV_PUT, g, vf, vi)->stored = d->page[g][vf][vi].content;
	d->page[g][vf][vi].cached = false;
}

static void touch(struct dumb *d, unsigned g, unsigned f, unsigned i,
		  bool write, uint32_t content)
{
	struct page *p = &d->page[g][f][i];

	if (!p->cached && cached(d, g) == ROOM)
		evict(d, g);
	if (!p->cached && !write)
		say(d, EV_GET, g, f, i);
	if (!p->cached)
		p->dirty = false;
	p->cached = true;
	p->touched = ++d->clock;
	if (write) {
		p->dirty = true;
		p->written_ms = d->now[g];
		p->content = content;
		if (d->size[g][f] < i + 1)
			d->size[g][f] = i + 1;
	}
	d->now[g] += THINK_MS;
}

static void cut(struct dumb *d, unsigned g, unsigned f)
{
	if (!d->size[g][f])
		return;
	say(d, EV_FLUSH_OBJECT, g, f, 0);
	for (unsigned i = 0; i < PAGES; i++) {
		struct page *p = &d->page[g][f][i];
		bool dirty = p->dirty && d->now[g] - p->written_ms < EXPIRE_MS;

		if (p->cached && d->twice && dirty)
			say(d, EV_FLUSH_PAGE, g, f, i);
		else if (p->cached && d->twice)
			say(d, EV_PUT, g, f, i)->stored = p->content;
		p->cached = false;
	}
	if (d->twice)
		say(d, EV_FLUSH_OBJECT, g, f, 0);
	d->size[g][f] = 0;
	d->now[g] += THINK_MS;
}

/* ---- a random list ---- */

/*
 * Lines are so far apart that guests never overlap, so the order of the list is
 * the order of events.  All files are new: the tree is only what must be there.
 */
static char *random_list(struct dumb *d, struct prng *r, unsigned lines)
{
	char *text = mem_zalloc(lines, 80), *p = text;
	uint32_t content = 0;
	uint64_t time = 0;

	ck_assert_ptr_nonnull(text);
	for (unsigned l = 0; l < lines; l++) {
		unsigned g = (unsigned)prng_below(r, GUESTS);
		unsigned f = (unsigned)prng_below(r, FILES);
		unsigned size = d->size[g][f], first, n;

		time += 20 + prng_below(r, 20);
		d->now[g] = time;
		switch (prng_below(r, size ? 8 : 1)) {
		case 0:
		case 1:
			first = (unsigned)prng_below(r, size < PAGES ? size + 1
								     : PAGES);
			n = 1 + (unsigned)prng_below(r, PAGES - first);
			p += sprintf(p, "%ums %u write f%u %u %u\n",
				     (unsigned)time, g, f, first, n);
			for (unsigned i = 0; i < n; i++)
				touch(d, g, f, first + i, true, content++);
			break;
		case 2:
			p += sprintf(p, "%ums %u %s f%u\n", (unsigned)time, g,
				     prng_below(r, 2) ? "truncate" : "unlink",
				     f);
			cut(d, g, f);
			break;
		case 3:
			p += sprintf(p, "%ums %u read f%u\n", (unsigned)time, g,
				     f);
			for (unsigned i = 0; i < size; i++)
				touch(d, g, f, i, false, 0);
			break;
		default:
			first = (unsigned)prng_below(r, size);
			n = 1 + (unsigned)prng_below(r, size - first);
			p += sprintf(p, "%ums %u read f%u %u %u\n",
				     (unsigned)time, g, f, first, n);
			for (unsigned i = 0; i < n; i++)
				touch(d, g, f, first + i, false, 0);
			break;
		}
	}
	return text;
}

static struct workload *start(const char *text, bool twice)
{
	char path[] = "/tmp/dedupsim-prop-XXXXXX", words[256];
	int fd = mkstemp(path), ret;
	struct err err = {0};
	struct workload *w;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	snprintf(words, sizeof(words),
		 "filecache:list=%s,guests=%u,units=1,headers=0,cache=0,"
		 "think=%ums,dirty_expire=%ums,truncate=%s",
		 path, GUESTS, THINK_MS, EXPIRE_MS, twice ? "twice" : "once");
	ret = workload_start(&w, words, 1, &err);
	unlink(path);
	ck_assert_msg(!ret, "%s", err.text);
	return w;
}

/* Files of the list are numbered as they appear; contents as they are written. */
static void compare(struct workload *w, const struct dumb *d)
{
	const struct filecache *fc = (const struct filecache *)w;
	struct event ev;
	size_t n = 0;

	while (w->ops->next(w, &ev, 1)) {
		const struct event *want = &d->ev[n];
		char name[8];

		if (ev.op == EV_SPACE || ev.op == EV_POOL || ev.op == EV_OBJECT)
			continue;
		ck_assert_uint_lt(n, d->n);
		snprintf(name, sizeof(name), "f%u", want->object);
		ck_assert_str_eq(filetree_path(&fc->tree, ev.object), name);
		ck_assert_msg(ev.time.v == want->time.v && ev.op == want->op &&
				      ev.space == want->space &&
				      ev.index == want->index,
			      "event %zu: %s of guest %u, page %u, not %s of "
			      "guest %u, page %u",
			      n, event_word(ev.op), ev.space, ev.index,
			      event_word(want->op), want->space, want->index);
		if (ev.op == EV_PUT)
			ck_assert_uint_eq(ev.stored,
					  fc->first_code + want->stored);
		n++;
	}
	ck_assert_uint_eq(n, d->n);
	for (unsigned g = 0; g < GUESTS; g++)
		ck_assert_int_eq(pagecache_check(&fc->guest[g].cache, stderr),
				 0);
}

START_TEST(puts_gets_and_flushes_are_those_of_a_dumb_page_cache)
{
	uint64_t seed = test_seed(1);

	for (unsigned round = 0; round < 40; round++) {
		struct prng r = prng_fork(seed + round, "prop.filecache");
		struct dumb *d = mem_zalloc(1, sizeof(*d));
		struct workload *w;
		char *text;

		ck_assert_ptr_nonnull(d);
		d->twice = round % 2 == 0;
		d->ev = mem_zalloc(EVENTS_MAX, sizeof(*d->ev));
		ck_assert_ptr_nonnull(d->ev);
		text = random_list(d, &r, 20 + round * 20);
		w = start(text, d->twice);
		compare(w, d);
		w->ops->rewind(w);
		compare(w, d);
		workload_stop(w);
		free(text);
		free(d->ev);
		free(d);
	}
}
END_TEST

/* ---- two lists ---- */

/* Newest first; v[at] of n. */
struct order {
	unsigned v[64], n;
};

static bool take(struct order *o, unsigned page)
{
	for (unsigned i = 0; i < o->n; i++)
		if (o->v[i] == page) {
			memmove(o->v + i, o->v + i + 1,
				(o->n - i - 1) * sizeof(*o->v));
			o->n--;
			return true;
		}
	return false;
}

static void front(struct order *o, unsigned page)
{
	memmove(o->v + 1, o->v, o->n * sizeof(*o->v));
	o->v[0] = page;
	o->n++;
}

START_TEST(two_lists_follow_their_rules)
{
	struct prng r = prng_fork(test_seed(1), "prop.lists");
	struct order active = {.n = 0}, inactive = {.n = 0};
	bool touched[64] = {false};
	struct pagecache c;

	ck_assert_int_eq(pagecache_init(&c, 64, true), 0);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned page = (unsigned)prng_below(&r, 64);

		if (prng_below(&r, 8) == 0) {
			while (active.n > inactive.n) {
				unsigned back = active.v[--active.n];

				touched[back] = false;
				front(&inactive, back);
			}
			page = pagecache_victim(&c);
			ck_assert_uint_eq(
				page, inactive.n ? inactive.v[inactive.n - 1]
						 : PAGE_NONE);
			if (page == PAGE_NONE)
				continue;
			pagecache_drop(&c, page);
			inactive.n--;
			touched[page] = false;
		} else if (!pagecache_has(&c, page)) {
			pagecache_add(&c, page);
			front(&inactive, page);
		} else {
			pagecache_touch(&c, page);
			if (touched[page] && take(&inactive, page)) {
				front(&active, page);
				touched[page] = false;
			} else {
				touched[page] = true;
			}
		}
		ck_assert_uint_eq(c.n, active.n + inactive.n);
		ck_assert_uint_eq(c.active, active.n);
		ck_assert_int_eq(pagecache_check(&c, stderr), 0);
	}
	pagecache_fini(&c);
}
END_TEST

static Suite *filecache_suite(void)
{
	Suite *s = suite_create("filecache");
	TCase *t = tcase_create("filecache");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, puts_gets_and_flushes_are_those_of_a_dumb_page_cache);
	tcase_add_test(t, two_lists_follow_their_rules);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(filecache_suite());
}
