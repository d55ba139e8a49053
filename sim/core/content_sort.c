/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ranks in memcmp order, with the common prefixes as a by-product; or ranks in the
 * order of words as numbers of the recorded machine.
 *
 * First all contents are sorted by their heads, which settles nearly all of
 * them without touching a page again.  What remains are groups of equal heads.
 * A group is split by comparing each of its pages with one of them, the pivot,
 * which tells the first word where the two differ, and which is less:
 *
 *	less than the pivot       pivot        greater than the pivot
 *	word 1 … word 7 … word 511  ═  word 511 … word 7 … word 1
 *
 * A page that differs from the pivot later is nearer to it, so the order within
 * the group is that of (class, value of the differing word), the class being
 * the place in the line above.  Pages with the same class and the same value
 * are a smaller group, known to be equal up to and including that word.  Long
 * common prefixes are skipped by the compare itself.  With pivots drawn at
 * random a page is expected to take part in O(log n) splits whatever the pages
 * hold, and never in more than there are words; each split goes on where the
 * last one stopped, so all compares of a page read it about once.
 *
 * The first differing word of two neighbours is the first of their two classes'
 * words; whoever does not differ from the pivot there holds the pivot's value.
 * So the prefix costs no further look at the pages.
 *
 * A group waiting to be split is written into its own first item: tag is the
 * number of words known to be equal, key the index behind its last item.  The
 * tag of every other item is 0 between splits.  No stack or list is needed.
 */
#include <errno.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/base/par.h"
#include "sim/base/prng.h"
#include "sim/core/content_impl.h"

#define RUN 16u		 /* items sorted by insertion */
#define CHUNK 16384u	 /* items sorted by one thread; larger: by all */
#define FILL_GRAIN 512u	 /* items, a page each */
#define ITEM_GRAIN 8192u /* items only */
#define CUT_ITEMS 2048u	 /* items, or some more, in a piece of small groups */

#define CLASS_PIVOT PAGE_WORDS /* less: the word; greater: 2 * this - word */

struct item {
	uint64_t key; /* value of the differing word, big-endian */
	uint32_t id;
	uint32_t tag; /* class while a group is split */
};

struct twins {
	uint32_t a, b;
};

struct sort {
	const struct content_job *job;
	struct item *v;	  /* by rank in the end */
	struct item *tmp; /* as long as v; sorted groups pass through it */
	uint32_t *cut;	  /* pieces of v that no group crosses */
	uint32_t cuts;
	struct twins twins[PAR_MAX]; /* by worker */
};

/* What a compare needs of a page: its bytes, or the words that are not zero. */
struct look {
	const uint8_t *page; /* NULL: sparse */
	struct content_sparse few;
};

/* Items [lo, lo + n) while they are split. */
struct group {
	struct sort *st;
	uint32_t lo, n;
	uint32_t words;	   /* known to be equal in all */
	struct look pivot; /* unused while keys are the heads, all tags 0 */
	/* Of one round of merging: sorted runs, and where they go. */
	const struct item *from;
	struct item *to;
	uint64_t width;
};

/* Large groups use all threads, small ones are within a thread already. */
static int group_each(struct group *g, uint64_t grain, par_fn *fn,
		      unsigned worker)
{
	if (g->n <= CHUNK)
		return fn(g, 0, g->n, worker);
	return par_for(g->st->job->threads, g->n, grain, fn, g);
}

/* Without branches: the outcome is a coin toss while merging. */
static bool item_before(const struct item *a, const struct item *b)
{
	return (a->tag < b->tag) | ((a->tag == b->tag) & (a->key < b->key));
}

static bool item_ties(const struct item *a, const struct item *b)
{
	return a->tag == b->tag && a->key == b->key;
}

static void sort_run(struct item *v, uint64_t n)
{
	for (uint64_t i = 1; i < n; i++) {
		struct item x = v[i];
		uint64_t j = i;

		for (; j && item_before(&x, &v[j - 1]); j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

/* How many of the first @k items of the merged @a and @b are from @a. */
static uint64_t merge_split(const struct item *a, uint64_t na,
			    const struct item *b, uint64_t nb, uint64_t k)
{
	uint64_t lo = k > nb ? k - nb : 0;
	uint64_t hi = k < na ? k : na;

	while (lo < hi) {
		uint64_t m = lo + (hi - lo) / 2;

		if (item_before(&b[k - m - 1], &a[m]))
			hi = m;
		else
			lo = m + 1;
	}
	return lo;
}

/* Items [@lo, @hi) of the result when runs of @width are merged in pairs; each
 * span finds out by itself where its items come from. */
static void merge_span(const struct item *from, struct item *to, uint64_t n,
		       uint64_t width, uint64_t lo, uint64_t hi)
{
	while (lo < hi) {
		uint64_t base = lo - lo % (2 * width);
		uint64_t mid = n - base < width ? n : base + width;
		uint64_t end = n - mid < width ? n : mid + width;
		uint64_t stop = hi < end ? hi : end;
		uint64_t i, j;

		i = base + merge_split(from + base, mid - base, from + mid,
				       end - mid, lo - base);
		j = mid + (lo - i);
		while (lo < stop && i < mid && j < end) {
			bool right = item_before(&from[j], &from[i]);

			to[lo++] = from[right ? j : i];
			i += !right;
			j += right;
		}
		while (lo < stop)
			to[lo++] = from[i < mid ? i++ : j++];
	}
}

/* Sort pieces of a group, from v to tmp. */
static int sort_chunks(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	const struct group *g = ctx;
	struct item *from = g->st->v + g->lo + lo;
	struct item *to = g->st->tmp + g->lo + lo;
	uint64_t n = hi - lo, width = RUN;

	(void)worker;
	for (uint64_t i = 0; i < n; i += RUN)
		sort_run(from + i, n - i < RUN ? n - i : RUN);
	for (bool there = false; width < n || !there; width *= 2) {
		struct item *swap = from;

		merge_span(from, to, n, width, 0, n);
		from = to;
		to = swap;
		there = !there;
	}
	return 0;
}

static int merge_round(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	const struct group *g = ctx;

	(void)worker;
	merge_span(g->from, g->to, g->n, g->width, lo, hi);
	return 0;
}

/* Stable, so that ties stay in the order of ids; the result is in tmp. */
static int group_sort(struct group *g, unsigned worker)
{
	struct item *v = g->st->v + g->lo, *tmp = g->st->tmp + g->lo;
	int ret = group_each(g, CHUNK, sort_chunks, worker);
	bool there = true;

	for (g->width = CHUNK; !ret && (g->width < g->n || !there);
	     g->width *= 2) {
		g->from = there ? tmp : v;
		g->to = there ? v : tmp;
		there = !there;
		ret = group_each(g, ITEM_GRAIN, merge_round, worker);
	}
	return ret;
}

/* The first word from @w on in which the pages differ; PAGE_WORDS: none. */
static uint32_t first_diff(const uint8_t *a, const uint8_t *b, uint32_t w)
{
	for (; w % 8; w++)
		if (load_le64(a + 8 * w) != load_le64(b + 8 * w))
			return w;
	for (; w < PAGE_WORDS; w += 8) {
		uint64_t diff = 0;

		for (uint32_t i = 8 * w; i < 8 * w + 64; i += 8)
			diff |= load_le64(a + i) ^ load_le64(b + i);
		if (diff)
			break;
	}
	for (; w < PAGE_WORDS; w++)
		if (load_le64(a + 8 * w) != load_le64(b + 8 * w))
			return w;
	return PAGE_WORDS;
}

static void look_at(struct look *l, const struct sort *st, uint32_t id,
		    unsigned worker, enum content_buf which)
{
	l->page = NULL;
	if (st->job->s->source.sparse)
		content_job_sparse(st->job, id, &l->few);
	else
		l->page = content_job_sorted(st->job, id, worker, which);
	if (!l->page)
		content_sparse_sorted(st->job->s, &l->few);
}

static uint64_t look_word(const struct look *l, uint32_t w)
{
	if (l->page)
		return load_be64(l->page + 8 * w);
	for (unsigned i = 0; i < l->few.n; i++)
		if (l->few.at[i] == w)
			return l->few.word[i];
	return 0;
}

/* As first_diff(), from the few words that are not zero. */
static uint32_t sparse_diff(const struct content_sparse *a,
			    const struct content_sparse *b)
{
	unsigned i = 0;

	while (i < a->n && i < b->n && a->at[i] == b->at[i] &&
	       a->word[i] == b->word[i])
		i++;
	if (i == a->n)
		return i == b->n ? PAGE_WORDS : b->at[i];
	return i == b->n || a->at[i] < b->at[i] ? a->at[i] : b->at[i];
}

static uint32_t look_diff(const struct look *a, const struct look *b,
			  uint32_t w)
{
	return a->page ? first_diff(a->page, b->page, w)
		       : sparse_diff(&a->few, &b->few);
}

/* What a word counts in the order that is asked for. */
static uint64_t word_key(const struct content_job *job, uint64_t word)
{
	uint8_t bytes[8];

	if (!job->words || job->s->source.big_endian)
		return word;
	store_be64(bytes, word);
	return load_le64(bytes);
}

/* Compare each page with the pivot. */
static int fill_span(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	const struct group *g = ctx;

	for (uint64_t i = lo; i < hi; i++) {
		struct item *it = &g->st->v[g->lo + i];
		uint64_t mine, other;
		struct look look;
		uint32_t w;

		look_at(&look, g->st, it->id, worker, BUF_PAGE);
		w = look_diff(&look, &g->pivot, g->words);
		if (w == PAGE_WORDS) {
			it->tag = CLASS_PIVOT;
			it->key = 0;
			continue;
		}
		mine = word_key(g->st->job, look_word(&look, w));
		other = word_key(g->st->job, look_word(&g->pivot, w));
		it->tag = mine < other ? w : 2 * CLASS_PIVOT - w;
		it->key = mine;
	}
	return 0;
}

/* The word in which an item differs from the pivot; PAGE_WORDS: none. */
static uint32_t item_word(const struct item *it)
{
	return it->tag <= CLASS_PIVOT ? it->tag : 2 * CLASS_PIVOT - it->tag;
}

static uint16_t prefix_bits(const struct group *g, const struct item *a,
			    const struct item *b)
{
	uint32_t wa = item_word(a), wb = item_word(b), w = wa < wb ? wa : wb;
	uint64_t ka = wa == w ? a->key : look_word(&g->pivot, w);
	uint64_t kb = wb == w ? b->key : look_word(&g->pivot, w);

	return (uint16_t)(64 * w + clz64(ka ^ kb));
}

static void note_twins(struct twins *t, uint32_t a, uint32_t b)
{
	if (!t->b || b < t->b)
		*t = (struct twins){a, b};
}

/*
 * From the sorted items in tmp back to v, where the smaller groups are marked.
 * Only tmp is read and only v is written, so spans do not meet, even if a
 * smaller group crosses their border: it is marked by the span it begins in.
 */
static int mark_span(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	const struct group *g = ctx;
	const struct item *tmp = g->st->tmp + g->lo;
	const struct content_job *job = g->st->job;
	uint16_t *prefix = job->words ? NULL : job->s->prefix;

	for (uint64_t i = lo; i < hi; i++) {
		struct item *it = &g->st->v[g->lo + i];
		uint32_t words = item_word(&tmp[i]) + 1;
		uint64_t end = i + 1;

		*it = (struct item){.id = tmp[i].id};
		if (end == g->n)
			break;
		if (!item_ties(&tmp[i], &tmp[end])) {
			if (prefix)
				prefix[g->lo + i] =
					prefix_bits(g, &tmp[i], &tmp[end]);
			continue;
		}
		if (i && item_ties(&tmp[i - 1], &tmp[i]))
			continue;
		if (words >= PAGE_WORDS) {
			note_twins(&g->st->twins[worker], tmp[i].id,
				   tmp[end].id);
			continue;
		}
		while (end < g->n && item_ties(&tmp[i], &tmp[end]))
			end++;
		it->tag = words;
		it->key = g->lo + end;
	}
	return 0;
}

/* Split the group that begins at @lo; @worker holds its pivot. */
static int group_split(struct sort *st, uint32_t lo, unsigned worker)
{
	struct group g = {.st = st, .lo = lo, .words = st->v[lo].tag};
	uint32_t pick;
	int ret;

	g.n = (uint32_t)st->v[lo].key - lo;
	pick = lo + (uint32_t)(splitmix64((uint64_t)lo << 32 | g.words) % g.n);
	look_at(&g.pivot, st, st->v[pick].id, worker, BUF_PIVOT);
	ret = group_each(&g, FILL_GRAIN, fill_span, worker);
	if (!ret)
		ret = group_sort(&g, worker);
	if (!ret)
		ret = group_each(&g, ITEM_GRAIN, mark_span, worker);
	return ret;
}

static int sort_heads(struct sort *st)
{
	const struct content_set *s = st->job->s;
	struct group g = {.st = st, .n = s->count};
	int ret;

	for (uint32_t id = 0; id < s->count; id++)
		st->v[id] = (struct item){.key = word_key(st->job, s->head[id]),
					  .id = id};
	ret = group_sort(&g, 0);
	if (!ret)
		ret = group_each(&g, ITEM_GRAIN, mark_span, 0);
	return ret;
}

/* Split the large groups with all threads, and cut between the small ones. */
static int split_large(struct sort *st)
{
	uint32_t n = st->job->s->count, last = 0;

	for (uint32_t i = 0; i < n;) {
		if (st->v[i].tag && st->v[i].key - i > CHUNK) {
			int ret = group_split(st, i, 0);

			if (ret)
				return ret;
			continue;
		}
		i = st->v[i].tag ? (uint32_t)st->v[i].key : i + 1;
		if (i - last >= CUT_ITEMS || i == n)
			st->cut[++st->cuts] = last = i;
	}
	return 0;
}

static int split_small(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	struct sort *st = ctx;
	uint32_t i = st->cut[lo], n = st->cut[hi];

	while (i < n) {
		int ret;

		if (!st->v[i].tag) {
			i++;
			continue;
		}
		ret = group_split(st, i, worker);
		if (ret)
			return ret;
	}
	return 0;
}

static int rank_span(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	const struct sort *st = ctx;
	const struct content_set *s = st->job->s;

	(void)worker;
	if (st->job->words) {
		for (uint64_t r = lo; r < hi; r++)
			s->word_rank[st->v[r].id] = (uint32_t)r;
		return 0;
	}
	for (uint64_t r = lo; r < hi; r++) {
		s->by_rank[r] = st->v[r].id;
		s->rank[st->v[r].id] = (uint32_t)r;
	}
	return 0;
}

static int sort_all(struct sort *st)
{
	unsigned threads = st->job->threads;
	int ret = sort_heads(st);

	if (!ret)
		ret = split_large(st);
	if (!ret)
		ret = par_for(threads, st->cuts, 1, split_small, st);
	if (!ret)
		ret = par_for(threads, st->job->s->count, ITEM_GRAIN, rank_span,
			      st);
	return ret;
}

int content_sort(struct content_job *job)
{
	size_t n = job->s->count;
	struct sort *st = mem_zalloc(1, sizeof(*st));
	struct twins t = {0};
	int ret = -ENOMEM;

	if (!st)
		return ret;
	st->job = job;
	st->v = mem_zalloc(n, sizeof(*st->v));
	st->tmp = mem_zalloc(n, sizeof(*st->tmp));
	st->cut = mem_zalloc(n / CUT_ITEMS + 2, sizeof(*st->cut));
	if (st->v && st->tmp && st->cut)
		ret = sort_all(st);
	for (unsigned i = 0; i < job->threads; i++)
		if (st->twins[i].b)
			note_twins(&t, st->twins[i].a, st->twins[i].b);
	job->twin_a = t.a;
	job->twin_b = t.b;
	free(st->cut);
	free(st->tmp);
	free(st->v);
	free(st);
	return ret;
}
