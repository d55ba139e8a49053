/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Random events and random merges, against a model that has no page tables, no
 * share records and no bitmaps: a page is a struct in an array, a frame another
 * one with its references counted, and everything is found by looking through
 * all of it.
 */
#include <errno.h>
#include <string.h>

#include "tests/support/main.h"
#include "tests/support/rig.h"

#define CONTENTS 6u
#define ZERO_PAGES 4u
#define FRAMES (CHAOS_SPACES * CHAOS_PAGES + 4 * HUGE_PAGES)
#define PINS 4096u
#define STEPS 3000u
#define NOT_MAPPED 255u

struct mpage {
	bool present, huge, zero, placed;
	uint32_t content;
	uint32_t frame; /* unless zero */
};

struct mframe {
	uint32_t maps, pins;	   /* 0 and 0: free */
	bool merged, forked, zero; /* zero: merged, and full of them */
	uint32_t word;
};

struct mpin {
	uint32_t space, page, frame;
};

struct model {
	struct mpage page[CHAOS_SPACES][CHAOS_PAGES];
	uint8_t range[CHAOS_SPACES][CHAOS_PAGES]; /* flags, or NOT_MAPPED */
	bool live[CHAOS_SPACES];
	uint32_t nspace;
	struct mframe frame[FRAMES];
	struct mpin pin[PINS]; /* oldest first */
	size_t npin;
	uint32_t used, peak;
	uint64_t mapped, mapped_peak, splits, split_zeros, copies;
	uint32_t last_word;
	uint64_t tried, at_once; /* events; writes that went the short way */
	/* What an engine knows that only listens to effects. */
	uint32_t heard[CHAOS_SPACES][CHAOS_PAGES];
};

static uint32_t frame_alloc(struct model *o, uint32_t n)
{
	uint32_t at = 0, i;

	for (i = 0; i < n; i++)
		if (at + n > FRAMES) {
			break;
		} else if (o->frame[at + i].maps || o->frame[at + i].pins) {
			at += n;
			i = UINT32_MAX;
		}
	ck_assert_uint_le(at + n, FRAMES);
	o->used += n;
	if (o->peak < o->used)
		o->peak = o->used;
	return at;
}

/* Returns true when it is free now. */
static bool frame_settle(struct model *o, uint32_t f, uint32_t *word)
{
	struct mframe *fr = &o->frame[f];

	if (fr->maps || fr->pins)
		return false;
	*word = fr->merged ? fr->word : 0;
	*fr = (struct mframe){0};
	o->used--;
	return true;
}

static bool page_drop(struct model *o, struct mpage *p, uint32_t *word)
{
	*word = 0;
	if (p->zero) {
		p->zero = p->placed = false;
		return false;
	}
	o->frame[p->frame].maps--;
	return frame_settle(o, p->frame, word);
}

static void page_put(struct model *o, struct mpage *p, uint32_t f)
{
	p->present = true;
	p->frame = f;
	o->frame[f].maps++;
}

/* A frame of its own, taken before the old one is left. */
static void page_copy(struct model *o, struct mpage *p)
{
	uint32_t f = frame_alloc(o, 1), word;

	o->frame[f].maps = 1; /* taken, while the old one is left */
	o->copies += !p->zero;
	page_drop(o, p, &word);
	p->frame = f;
}

/* All parts of huge page @huge, wherever they are, become small. */
static void split_all(struct model *o, uint32_t huge)
{
	uint32_t word;

	for (uint32_t s = 0; s < o->nspace; s++)
		for (uint32_t i = 0; i < CHAOS_PAGES; i++) {
			struct mpage *p = &o->page[s][i];

			if (!p->huge || p->frame / HUGE_PAGES != huge)
				continue;
			p->huge = false;
			if (p->content)
				continue;
			page_drop(o, p, &word);
			p->zero = true;
			p->frame = 0;
			o->split_zeros++;
		}
	o->splits++;
}

/* false: an extra reference is on a part, wherever that is mapped. */
static bool split(struct model *o, uint32_t s, uint32_t i)
{
	uint32_t huge = o->page[s][i].frame / HUGE_PAGES;

	if (!o->page[s][i].huge)
		return true;
	for (uint32_t x = 0; x < o->nspace; x++)
		for (uint32_t k = 0; k < CHAOS_PAGES; k++) {
			const struct mpage *p = &o->page[x][k];

			if (p->huge && p->frame / HUGE_PAGES == huge &&
			    o->frame[p->frame].pins)
				return false;
		}
	split_all(o, huge);
	return true;
}

/* ---- events ---- */

static void do_unmap(struct model *o, const struct event *ev, uint32_t lo,
		     uint32_t hi)
{
	for (uint32_t i = lo; i < hi; i++) {
		struct mpage *p = &o->page[ev->space][i];
		uint32_t word;

		if (p->present) {
			page_drop(o, p, &word);
			*p = (struct mpage){0};
		}
		if (ev->op != EV_FREE)
			o->range[ev->space][i] = NOT_MAPPED;
	}
}

static bool huge_fits(const struct model *o, uint32_t s, uint32_t i)
{
	uint32_t first = i - i % HUGE_PAGES;
	uint8_t flags = o->range[s][i];

	if (!(flags & EVF_HUGE) || flags & (EVF_FILE | EVF_SHARED) ||
	    first + HUGE_PAGES > CHAOS_PAGES)
		return false;
	for (uint32_t k = first; k < first + HUGE_PAGES; k++)
		if (o->range[s][k] != flags || o->page[s][k].present)
			return false;
	return true;
}

/* May a write go to the frame that is there? */
static bool reuse(struct model *o, const struct mpage *p)
{
	struct mframe *f = &o->frame[p->frame];

	if (p->zero || f->maps > 1 || f->merged || (f->forked && f->pins))
		return false;
	f->forked = false;
	return true;
}

static void do_write(struct model *o, const struct event *ev, uint32_t i)
{
	struct mpage *p = &o->page[ev->space][i];
	uint32_t first = i - i % HUGE_PAGES, at;

	if (!p->present && huge_fits(o, ev->space, i)) {
		at = frame_alloc(o, HUGE_PAGES);
		for (uint32_t k = 0; k < HUGE_PAGES; k++) {
			page_put(o, &o->page[ev->space][first + k], at + k);
			o->page[ev->space][first + k].huge = true;
		}
	} else if (!p->present) {
		page_put(o, p, frame_alloc(o, 1));
	} else if (!reuse(o, p)) {
		page_copy(o, p);
		p->huge = false;
	}
	p->content = ev->content;
}

static void do_read(struct model *o, const struct event *ev, uint32_t lo,
		    uint32_t hi)
{
	for (uint32_t i = lo; i < hi; i++)
		if (!o->page[ev->space][i].present &&
		    !(o->range[ev->space][i] & (EVF_FILE | EVF_SHARED)))
			o->page[ev->space][i] = (struct mpage){
				.present = true,
				.zero = true,
			};
}

static void do_advise(struct model *o, const struct event *ev, uint32_t lo,
		      uint32_t hi)
{
	for (uint32_t i = lo; i < hi; i++) {
		uint8_t *flags = &o->range[ev->space][i];
		struct mpage *p = &o->page[ev->space][i];

		if (*flags == NOT_MAPPED || *flags & EVF_SHARED ||
		    (*flags & EVF_MERGEABLE) == ev->flags)
			continue;
		*flags ^= EVF_MERGEABLE;
		if (!ev->flags && p->present &&
		    (p->placed || (!p->zero && o->frame[p->frame].merged)))
			page_copy(o, p);
	}
}

static void do_fork(struct model *o, const struct event *ev)
{
	uint32_t from = (uint32_t)ev->count, to = ev->space;

	o->live[to] = true;
	o->nspace++;
	memcpy(o->range[to], o->range[from], sizeof(o->range[to]));
	for (uint32_t i = 0; i < CHAOS_PAGES; i++) {
		const struct mpage *p = &o->page[from][i];

		if (!p->present || o->range[from][i] & (EVF_FILE | EVF_SHARED))
			continue;
		o->page[to][i] = *p;
		if (p->zero)
			continue;
		o->frame[p->frame].maps++;
		o->frame[p->frame].forked = true;
	}
}

static void do_pin(struct model *o, const struct event *ev, uint32_t lo,
		   uint32_t hi)
{
	for (uint32_t i = lo; i < hi; i++) {
		const struct mpage *p = &o->page[ev->space][i];

		if (!p->present || p->zero)
			continue;
		ck_assert_uint_lt(o->npin, PINS);
		o->frame[p->frame].pins++;
		o->pin[o->npin++] = (struct mpin){ev->space, i, p->frame};
	}
}

static void do_unpin(struct model *o, const struct event *ev, uint32_t lo,
		     uint32_t hi)
{
	bool lost[CHAOS_PAGES] = {false};
	uint32_t word;

	/* Of each page the oldest goes. */
	for (size_t k = 0; k < o->npin;) {
		struct mpin p = o->pin[k];

		if (p.space != ev->space || p.page < lo || p.page >= hi ||
		    lost[p.page]) {
			k++;
			continue;
		}
		lost[p.page] = true;
		o->frame[p.frame].pins--;
		frame_settle(o, p.frame, &word);
		memmove(&o->pin[k], &o->pin[k + 1],
			(--o->npin - k) * sizeof(p));
	}
}

static bool all_mapped(const struct model *o, const struct event *ev,
		       uint32_t lo, uint32_t hi)
{
	for (uint32_t i = lo; i < hi; i++)
		if (o->range[ev->space][i] == NOT_MAPPED)
			return false;
	return true;
}

static bool none_mapped(const struct model *o, const struct event *ev,
			uint32_t lo, uint32_t hi)
{
	for (uint32_t i = lo; i < hi; i++)
		if (o->range[ev->space][i] != NOT_MAPPED)
			return false;
	return true;
}

/* Does the model accept it? */
static bool allowed(const struct model *o, const struct event *ev, uint32_t lo,
		    uint32_t hi)
{
	if (ev->op == EV_SPACE)
		return true;
	if (ev->op == EV_FORK)
		return o->live[ev->count];
	if (ev->op == EV_UNPIN)
		return true;
	if (!o->live[ev->space])
		return false;
	if (ev->op == EV_WRITE)
		return o->range[ev->space][lo] != NOT_MAPPED;
	if (ev->op == EV_READ || ev->op == EV_PIN)
		return all_mapped(o, ev, lo, hi);
	return ev->op != EV_MAP || none_mapped(o, ev, lo, hi);
}

static int model_apply(struct model *o, const struct event *ev)
{
	uint32_t lo = (uint32_t)(ev->vpn - CHAOS_BASE);
	uint32_t hi = lo + (uint32_t)ev->count;
	uint32_t s = ev->space;
	struct event fresh = *ev;

	if (!allowed(o, ev, lo, hi))
		return -EINVAL;
	switch ((enum event_op)ev->op) {
	case EV_SPACE:
		o->live[s] = true;
		o->nspace++;
		break;
	case EV_FORK:
		do_fork(o, ev);
		break;
	case EV_EXIT:
		do_unmap(o, ev, 0, CHAOS_PAGES);
		o->live[s] = false;
		break;
	case EV_MAP:
		fresh.flags &=
			ev->flags & EVF_SHARED ? ~EVF_MERGEABLE & 255 : 255;
		memset(&o->range[s][lo], fresh.flags, hi - lo);
		break;
	case EV_UNMAP:
	case EV_FREE:
		do_unmap(o, ev, lo, hi);
		break;
	case EV_ADVISE:
		do_advise(o, ev, lo, hi);
		break;
	case EV_WRITE:
		do_write(o, ev, lo);
		break;
	case EV_READ:
		do_read(o, ev, lo, hi);
		break;
	case EV_PIN:
		do_pin(o, ev, lo, hi);
		break;
	case EV_UNPIN:
		do_unpin(o, ev, lo, hi);
		break;
	case EV_MARK:
	case EV_POOL:
	case EV_POOL_END:
	case EV_OBJECT:
	case EV_PUT:
	case EV_GET:
	case EV_FLUSH_PAGE:
	case EV_FLUSH_OBJECT:
	case EVENT_OP_COUNT:
		ck_abort_msg("no event of chaos");
	}
	return 0;
}

/* ---- merges ---- */

struct spot {
	uint32_t space, page, pte;
};

/* A random page that an engine may touch; false: met none. */
static bool some_page(const struct model *o, const struct machine *m,
		      struct prng *r, struct spot *at)
{
	for (unsigned tries = 0; tries < 200; tries++) {
		uint32_t s = (uint32_t)prng_below(r, CHAOS_SPACES);
		uint32_t i = (uint32_t)prng_below(r, CHAOS_PAGES);
		const struct mpage *p = &o->page[s][i];

		if (!p->present || p->zero ||
		    o->range[s][i] & (EVF_FILE | EVF_SHARED) ||
		    !(o->range[s][i] & EVF_MERGEABLE))
			continue;
		*at = (struct spot){s, i, machine_find(m, s, CHAOS_BASE + i)};
		return true;
	}
	return false;
}

/* What stands before each merge; false: -EBUSY. */
static bool may_replace(struct model *o, const struct spot *at)
{
	const struct mpage *p = &o->page[at->space][at->page];

	/* A split may have left nothing to replace. */
	return split(o, at->space, at->page) && !p->zero &&
	       !o->frame[p->frame].pins;
}

static void split_some(struct model *o, struct machine *m, struct prng *r)
{
	uint64_t splits = o->splits;
	unsigned n = 0;
	struct spot at;

	if (!some_page(o, m, r, &at))
		return;
	ck_assert_int_eq(machine_split(m, at.pte, &n),
			 split(o, at.space, at.page) ? 0 : -EBUSY);
	ck_assert_uint_eq(n, o->splits - splits);
}

static bool make_merged(struct model *o, struct machine *m,
			const struct spot *at, uint32_t *share)
{
	struct mframe *f = &o->frame[o->page[at->space][at->page].frame];
	uint64_t splits = o->splits;
	bool may = may_replace(o, at);
	unsigned n = 0;

	ck_assert_int_eq(machine_make_merged(m, at->pte, share, &n),
			 may ? 0 : -EBUSY);
	ck_assert_uint_eq(n, o->splits - splits);
	if (may && !f->merged) {
		f->merged = true;
		f->word = ++o->last_word;
		f->zero = !o->page[at->space][at->page].content;
		machine_share(m, *share)->word = f->word;
	}
	return may;
}

static void merge(struct model *o, struct machine *m, struct prng *r)
{
	uint32_t share, f, left = 0, word;
	struct mpage *pa, *pb;
	struct spot a, b;
	unsigned freed, n = 0;
	bool may, gone = false;

	if (!some_page(o, m, r, &a) || !some_page(o, m, r, &b))
		return;
	pa = &o->page[a.space][a.page];
	pb = &o->page[b.space][b.page];
	if (pa->content != pb->content || !make_merged(o, m, &a, &share))
		return;
	f = pa->frame;
	may = may_replace(o, &b);
	ck_assert_int_eq(machine_merge(m, b.pte, share, &freed, &word, &n),
			 may ? 0 : -EBUSY);
	if (may && pb->frame != f) {
		gone = page_drop(o, pb, &left);
		page_put(o, pb, f);
	}
	ck_assert_uint_eq(freed, gone);
	ck_assert_uint_eq(word, left);
}

static void merge_zero(struct model *o, struct machine *m, struct prng *r)
{
	unsigned freed, n = 0;
	uint32_t left = 0, word;
	bool may, gone = false;
	struct mpage *p;
	struct spot at;

	if (!some_page(o, m, r, &at) || o->page[at.space][at.page].content != 0)
		return;
	p = &o->page[at.space][at.page];
	may = may_replace(o, &at);
	ck_assert_int_eq(machine_merge_zero(m, at.pte, &freed, &word, &n),
			 may ? 0 : -EBUSY);
	if (may) {
		gone = page_drop(o, p, &left);
		p->frame = 0;
		p->zero = p->placed = true;
	}
	ck_assert_uint_eq(freed, gone);
	ck_assert_uint_eq(word, left);
}

static void unmerge(struct model *o, struct machine *m, struct prng *r)
{
	uint32_t s = (uint32_t)prng_below(r, CHAOS_SPACES);
	uint32_t from = (uint32_t)prng_below(r, CHAOS_PAGES);
	struct effect fx;

	for (uint32_t i = from; i < CHAOS_PAGES; i++) {
		struct mpage *p = &o->page[s][i];
		bool placed = p->placed;

		if (!p->present ||
		    !(placed || (!p->zero && o->frame[p->frame].merged)))
			continue;
		ck_assert_int_eq(
			machine_unmerge(m, machine_find(m, s, CHAOS_BASE + i),
					&fx),
			0);
		page_copy(o, p);
		ck_assert_uint_eq(fx.content, p->content);
		ck_assert_uint_eq(fx.before, p->content);
		ck_assert_int_eq(!!(fx.flags & FXF_BROKE_ZERO), placed);
		ck_assert_int_eq(!!(fx.flags & FXF_BROKE), !placed);
		return;
	}
}

/* ---- comparing ---- */

struct totals {
	uint64_t mapped, zero, placed, merged, merged_zero;
};

/* NULL: alike; an assertion per page would take longer than all the rest. */
static const char *unlike(const struct machine *m, const struct mpage *p,
			  uint8_t range, uint32_t pte, uint64_t vpn)
{
	static const struct pte none = {0};
	const struct pte *q = pte ? &m->pte[pte] : &none;
	uint32_t frame = q->ref;
	bool anon = !(range & (EVF_FILE | EVF_SHARED));

	if (!(q->flags & PTE_PRESENT) != !p->present)
		return "presence";
	if (!p->present)
		return NULL;
	if (q->content != p->content)
		return "content";
	if (!(q->flags & PTE_HUGE) != !p->huge)
		return "PTE_HUGE";
	if (!(q->flags & PTE_PLACED) != !p->placed)
		return "PTE_PLACED";
	if (!(q->flags & PTE_ANON) != !anon)
		return "PTE_ANON";
	if (!(q->flags & PTE_MERGEABLE) != !(range & EVF_MERGEABLE))
		return "PTE_MERGEABLE";
	if ((pte_owner(q) == OWNER_ZERO) != p->zero)
		return "owner";
	if (p->zero)
		return q->ref == vpn % ZERO_PAGES ? NULL : "colour";
	if (pte_owner(q) == OWNER_SHARED)
		frame = machine_share(m, q->ref)->frame;
	/* The very frame, and so which pages share one. */
	return frame == p->frame ? NULL : "frame";
}

static void same_pages(const struct model *o, const struct machine *m,
		       struct totals *sum)
{
	*sum = (struct totals){0};
	for (uint32_t s = 0; s < o->nspace; s++)
		for (uint32_t i = 0; i < CHAOS_PAGES; i++) {
			const struct mpage *p = &o->page[s][i];
			uint64_t vpn = CHAOS_BASE + i;
			const char *what = unlike(m, p, o->range[s][i],
						  machine_find(m, s, vpn), vpn);

			if (!what &&
			    o->heard[s][i] !=
				    (p->present ? p->content : CONTENT_NONE))
				what = "effects";
			if (what)
				ck_abort_msg("space %u page %u: %s", s, i,
					     what);
			sum->mapped += p->present;
			sum->zero += p->zero;
			sum->placed += p->placed;
			if (!p->present || p->zero ||
			    !o->frame[p->frame].merged)
				continue;
			sum->merged++;
			sum->merged_zero += !p->content;
		}
}

/* Neighbours of one kind are one range. */
static uint64_t ranges(const struct model *o)
{
	uint64_t n = 0;

	for (uint32_t s = 0; s < o->nspace; s++)
		for (uint32_t i = 0; i < CHAOS_PAGES; i++)
			n += o->range[s][i] != NOT_MAPPED &&
			     (!i || o->range[s][i] != o->range[s][i - 1]);
	return n;
}

static void same(struct model *o, const struct machine *m)
{
	struct totals sum;
	uint64_t merged = 0, zero = 0;

	same_pages(o, m, &sum);
	for (uint32_t f = 0; f < FRAMES; f++) {
		merged += o->frame[f].merged && o->frame[f].maps;
		zero += o->frame[f].zero && o->frame[f].maps;
	}
	ck_assert_uint_eq(m->nspace, o->nspace);
	ck_assert_uint_eq(m->mapped, sum.mapped);
	ck_assert_uint_eq(m->zero_mapped, sum.zero);
	ck_assert_uint_eq(m->zero_merged, sum.placed);
	ck_assert_uint_eq(m->merged_pages, sum.merged);
	ck_assert_uint_eq(m->merged_frames, merged);
	ck_assert_uint_eq(m->merged_zero_pages, sum.merged_zero);
	ck_assert_uint_eq(m->merged_zero_frames, zero);
	ck_assert_uint_eq(m->huge_splits, o->splits);
	ck_assert_uint_eq(m->split_zero_pages, o->split_zeros);
	ck_assert_uint_eq(m->ranges, ranges(o));
	ck_assert_uint_eq(m->cow_copies, o->copies);
	ck_assert_uint_eq(m->npin, o->npin);
	ck_assert_uint_eq(machine_frames(m), o->used);
	ck_assert_uint_eq(machine_frames_peak(m), o->peak);
	ck_assert_uint_eq(m->mapped, o->mapped);
	ck_assert_uint_eq(m->mapped_peak, o->mapped_peak);
	ck_assert_int_eq(machine_check(m, stderr), 0);
}

/* An effect says what was there, and what is there now. */
static void hear(struct model *o, const struct machine *m,
		 const struct effect *fx)
{
	uint32_t *heard;
	bool gone = fx->flags & FXF_GONE;

	if (fx->kind != FX_PAGE || !fx->pte)
		return;
	heard = &o->heard[fx->space][fx->vpn - CHAOS_BASE];
	ck_assert(machine_pte_space(m, fx->pte) == fx->space &&
		  machine_pte_vpn(m, fx->pte) == fx->vpn &&
		  *heard == fx->before &&
		  gone == (fx->content == CONTENT_NONE));
	o->mapped += !gone && *heard == CONTENT_NONE;
	o->mapped -= gone && *heard != CONTENT_NONE;
	if (o->mapped_peak < o->mapped)
		o->mapped_peak = o->mapped;
	*heard = fx->content;
}

static void apply(struct model *o, struct machine *m, struct event ev)
{
	struct err err = {.text = ""};
	struct effect fx;
	int ret, want;

	/* Every other write at once, where that can be. */
	if (o->tried++ % 2 && machine_write(m, &ev, &fx)) {
		ck_assert_int_eq(model_apply(o, &ev), 0);
		ck_assert_uint_eq(fx.flags, FXF_CONTENT);
		ck_assert_uint_eq(fx.content, ev.content);
		hear(o, m, &fx);
		o->at_once++;
		return;
	}
	ret = machine_begin(m, &ev, &err);
	want = model_apply(o, &ev);
	ck_assert_int_eq(ret, want);
	ck_assert_int_eq(err.text[0] != '\0', ret != 0);
	while (!ret && (ret = machine_next(m, &fx)) > 0) {
		hear(o, m, &fx);
		ret = 0;
	}
	ck_assert_int_eq(ret, want);
}

/* Two huge pages in three spaces, one of them in another's place. */
static void huge_twins(struct model *o, struct machine *m)
{
	const uint64_t second = CHAOS_BASE + HUGE_PAGES;

	apply(o, m, ev_space(0));
	apply(o, m,
	      ev_map(0, CHAOS_BASE, (uint64_t)2 * HUGE_PAGES,
		     EVF_HUGE | EVF_MERGEABLE));
	apply(o, m, ev_write(0, CHAOS_BASE, 1));
	apply(o, m, ev_write(0, second, 1));
	apply(o, m, ev_fork(1, 0));
	apply(o, m, ev_fork(2, 1));
	apply(o, m, ev_range(EV_FREE, 2, second, HUGE_PAGES));
	apply(o, m, ev_write(2, second, 1));
}

START_TEST(random_events_and_merges_are_as_in_the_model)
{
	struct prng r = prng_fork(test_seed(1) + (uint64_t)_i, "machine");
	struct machine_config cfg = {.zero_pages = ZERO_PAGES};
	struct model *o = mem_zalloc(1, sizeof(*o));
	struct machine *m;

	ck_assert_ptr_nonnull(o);
	ck_assert_int_eq(machine_new(&m, &cfg), 0);
	memset(o->range, NOT_MAPPED, sizeof(o->range));
	memset(o->heard, 0xff, sizeof(o->heard));
	if (_i % 2)
		huge_twins(o, m);
	for (unsigned step = 0; step < STEPS; step++) {
		apply(o, m, chaos_event(&r, m, CONTENTS));
		for (uint64_t n = prng_below(&r, 6); n; n--)
			merge(o, m, &r);
		if (prng_below(&r, 3) == 0)
			merge_zero(o, m, &r);
		if (prng_below(&r, 10) == 0)
			unmerge(o, m, &r);
		if (prng_below(&r, 50) == 0)
			split_some(o, m, &r);
		if (step % 4 == 0)
			same(o, m);
	}
	same(o, m);
	ck_assert_uint_gt(o->at_once, 0);
	machine_free(m);
	free(o);
}
END_TEST

static Suite *machine_suite(void)
{
	Suite *s = suite_create("machine properties");
	TCase *t = tcase_create("properties");

	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, random_events_and_merges_are_as_in_the_model, 0,
			    12);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(machine_suite());
}
