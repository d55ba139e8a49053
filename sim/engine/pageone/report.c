/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report.c - what the pageone engine counts, reported and counted again
 */
#include <errno.h>
#include <inttypes.h>

#include "sim/base/bits.h"
#include "sim/engine/pageone/pageone.h"

/* Four bins to each power of two: 0, 1, 2, 3, 4, 5, 6, 7, 8-9, 10-11, … */
static unsigned bin(uint64_t ns)
{
	unsigned top;

	if (ns < 4)
		return (unsigned)ns;
	top = log2_64(ns);
	return 4 * (top - 1) + (unsigned)(ns >> (top - 2) & 3);
}

/* The least time that falls into the bin. */
static uint64_t bin_ns(unsigned b)
{
	return b < 4 ? b : (UINT64_C(4) + b % 4) << (b / 4 - 1);
}

void pone_delay(struct pone_delays *d, ns_t ns)
{
	d->count[bin(ns.v)]++;
	d->delayed++;
	d->sum = ns_add(d->sum, ns);
	if (ns_before(d->max, ns))
		d->max = ns;
}

/* What all but one in a thousand writes wait at most. */
static uint64_t delay_999(const struct pone_delays *d)
{
	uint64_t more = d->writes / 1000, seen = 0;

	for (unsigned b = PONE_DELAYS; b-- > 0;) {
		seen += d->count[b];
		if (seen > more)
			return bin_ns(b);
	}
	return 0;
}

struct named {
	const char *name, *unit;
	uint64_t value;
};

static void add(struct rows *out, const struct named *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		rows_add(out, "pageone", row[i].name, row[i].unit,
			 (int64_t)row[i].value);
}

static void report_states(const struct pageone *p, struct rows *out)
{
	const struct named row[] = {
		{"state_idle", "frames", p->states[PONE_IDLE]},
		{"state_enque", "frames", p->states[PONE_ENQUE]},
		{"state_watch", "frames", p->states[PONE_WATCH]},
		{"state_watch_que", "frames", p->states[PONE_WATCH_QUE]},
		{"state_chg", "frames", p->states[PONE_CHG]},
		{"state_fix", "frames", p->states[PONE_FIX]},
		{"state_volatile", "frames", p->states[PONE_VOLATILE]},
		/* swap, migration and compaction pass all of these over */
		{"immovable_frames", "frames",
		 p->frames - p->states[PONE_NULL]},
	};

	add(out, row, sizeof(row) / sizeof(row[0]));
}

static void report_tree(const struct pageone *p, struct rows *out)
{
	struct sd_memory tree;

	sdcount_memory(p->count, &tree);
	const struct named row[] = {
		{"sd_vectors", "vectors", tree.vectors},
		{"sd_bytes", "bytes", tree.bytes},
		{"sd_page_bytes", "bytes", tree.page_bytes},
		{"sd_clusters", "clusters", tree.clusters},
		{"sd_fullest_cluster", "objects", tree.fullest},
		/* of the visits of searches, when some were only sampled */
		{"sd_error_ppm", "ppm", sdcount_error(p->count)},
	};

	add(out, row, sizeof(row) / sizeof(row[0]));
}

static void report_times(const struct pageone *p, struct rows *out)
{
	const struct pone_delays *d = &p->delays;
	uint64_t least = UINT64_MAX, most = 0, none = 0;

	for (uint32_t w = 0; w < p->opt.workers; w++) {
		uint64_t n = p->worker[w].owned;

		none += !n;
		most = n > most ? n : most;
		least = n < least ? n : least;
	}
	const struct named row[] = {
		{"first_insert_ns", "ns", p->first_insert.v},
		{"last_merge_ns", "ns", p->last_merge.v},
		{"last_store_ns", "ns", p->last_store.v},
		{"page_table_ops_most", "operations", most},
		{"page_table_ops_least", "operations", least},
		{"workers_without_space", "workers", none},
		{"guest_writes", "writes", d->writes},
		{"guest_writes_delayed", "writes", d->delayed},
		{"guest_delay_ns", "ns", d->sum.v},
		{"guest_delay_999_ns", "ns", delay_999(d)},
		{"guest_delay_max_ns", "ns", d->max.v},
	};

	add(out, row, sizeof(row) / sizeof(row[0]));
	vsched_report(p->sched, out);
}

void pone_report(const struct engine *e, struct rows *out)
{
	const struct pageone *p = (const struct pageone *)e;
	const struct machine *m = p->machine;
	uint64_t zero = m->merged_zero_pages - m->merged_zero_frames;
	const struct named row[] = {
		{"merge_scans", "scans", p->merge_scans},
		{"base_scans", "scans", p->walks},
		{"pages_merged", "pages", p->merged},
		{"pages_stored", "pages", p->stored_new},
		{"objects", "objects", p->objects},
		{"objects_peak", "objects", p->objects_peak},
		{"references", "references", p->refs},
		{"protect_fails", "pages", p->protect_fails},
		{"insert_refusals", "pages", p->insert_refusals},
		{"replace_fails", "pages", p->replace_fails},
		{"undone_inserts", "operations", p->undone},
		{"reused_in_place", "pages", p->reused_in_place},
		{"cow_copies", "pages", p->copied},
		{"sd_ops_in_fault", "operations", p->sd_in_fault},
		/* only pages that nothing else maps are ever looked for */
		{"longest_rmap_walk", "mappings", p->stored_new > 0},
		{"insert_queue_longest", "frames", p->insert.longest},
	};

	engine_report_saved(out, m->merged_pages - m->merged_frames, zero,
			    pone_store_bytes(p));
	add(out, row, sizeof(row) / sizeof(row[0]));
	report_states(p, out);
	report_tree(p, out);
	report_times(p, out);
}

/* ---- invariants ---- */

/* What the frames say, counted again. */
struct sums {
	uint64_t state[PONE_STATES];
	uint64_t maps; /* of FIX frames */
};

static int check_frame(const struct pageone *p, uint32_t f, struct sums *sum,
		       FILE *why)
{
	const struct machine *m = p->machine;
	enum pone_state state = pone_state(p, f);
	uint32_t pte = pone_page(p, f);
	const struct share *s;

	sum->state[state]++;
	switch (state) {
	case PONE_FIX:
		s = machine_share(m, p->owner[f]);
		if (s->frame != f || !(s->pins & SHARE_HELD))
			return err_why(why, "pageone",
				       "frame %" PRIu32 " is not its share's",
				       f);
		sum->maps += s->maps;
		return 0;
	case PONE_ENQUE:
	case PONE_WATCH:
	case PONE_WATCH_QUE:
		if (!pte)
			return err_why(why, "pageone",
				       "frame %" PRIu32 " has lost its page",
				       f);
		if (state == PONE_WATCH_QUE &&
		    !(pone_pte(p, pte)->flags & PTE_COPY))
			return err_why(why, "pageone",
				       "frame %" PRIu32 " can be written", f);
		return 0;
	case PONE_NULL:
	case PONE_IDLE:
	case PONE_CHG:
	case PONE_VOLATILE:
	case PONE_STATES:
		break;
	}
	return 0;
}

struct stored {
	const struct pageone *p;
	uint64_t refs, objects;
	FILE *why;
};

static int check_stored(void *ctx, struct sd_key key, uint32_t refs, uint32_t f,
			int branch)
{
	struct stored *s = ctx;

	(void)branch;
	s->refs += refs;
	s->objects++;
	if (f >= s->p->frames || pone_state(s->p, f) != PONE_FIX ||
	    refs < machine_share(s->p->machine, s->p->owner[f])->maps)
		return err_why(s->why, "pageone",
			       "rank %" PRIu32 " is stored as a wrong frame",
			       key.rank);
	return 0;
}

int pone_check(const struct engine *e, FILE *why)
{
	const struct pageone *p = (const struct pageone *)e;
	struct stored stored = {.p = p, .why = why};
	struct sums sum = {0};
	uint64_t pending = 0;

	for (uint32_t f = 0; f < p->frames; f++)
		if (check_frame(p, f, &sum, why))
			return -EINVAL;
	for (int i = 0; i < PONE_STATES; i++)
		if (sum.state[i] != p->states[i])
			return err_why(why, "pageone",
				       "%" PRIu64 " frames in state %d, not "
				       "%" PRIu64,
				       sum.state[i], i, p->states[i]);
	if (sum.state[PONE_IDLE] != p->machine->held_frames ||
	    sum.state[PONE_FIX] != p->machine->held_shares)
		return err_why(why, "pageone", "frames are kept for nobody");
	if (sdtree_check(p->tree, why) ||
	    sdtree_walk(p->tree, check_stored, &stored))
		return -EINVAL;
	for (uint32_t w = 0; w < p->opt.workers; w++)
		pending += p->worker[w].replace.n / 3;
	if (stored.refs != p->refs || stored.objects != p->objects ||
	    sum.state[PONE_FIX] != p->objects || sum.maps + pending != p->refs)
		return err_why(why, "pageone",
			       "%" PRIu64 " references, %" PRIu64
			       " mappings and %" PRIu64 " on their way",
			       stored.refs, sum.maps, pending);
	return vsched_check(p->sched, why);
}
