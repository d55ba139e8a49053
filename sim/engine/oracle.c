/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oracle.c - every equal page shared at once, for nothing: the upper bound
 *
 * Counts how many pages hold each content and map each frame.  What could be
 * saved at this moment is the difference between the frames that pages in scope
 * map and their distinct contents; pages of zeros are shown apart, because most
 * of them would go away by not being touched, or with the kernel's one zero page.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "sim/engine/engine.h"

struct oracle_opts {
	uint64_t scope;
};

enum scope { SCOPE_MERGEABLE, SCOPE_ALL };
static const char *const scopes[] = {"mergeable", "all", NULL};

/* clang-format off */
static const struct opt oracle_options[] = {
	{ OPT_CHOICE, OPT_FIELD(oracle_opts, scope, uint64_t),
	  .choices = scopes, .def = SCOPE_MERGEABLE,
	  .help = "pages that count: those an engine like KSM may touch, or all "
		  "anonymous ones" },
	{ .type = OPT_END },
};
/* clang-format on */

struct oracle {
	struct engine base;
	struct oracle_opts opt;
	const struct machine *machine;
	uint32_t contents;
	uint32_t *pages; /* by content: pages in scope that hold it */
	uint32_t *frame; /* by PTE index: its frame + 1 if counted, else 0 */
	size_t frame_cap;
	uint32_t *maps; /* by frame: pages in scope that map it */
	size_t maps_cap;
	uint64_t total, distinct;
	uint64_t frames, zero_frames; /* that pages in scope map */
};

static int oracle_start(struct engine **out, const struct engine_env *env,
			const void *opts, struct err *err)
{
	struct oracle *o = mem_zalloc(1, sizeof(*o));

	(void)err;
	if (!o)
		return -ENOMEM;
	o->base = (struct engine){.ops = &engine_oracle};
	o->opt = *(const struct oracle_opts *)opts;
	o->machine = env->machine;
	o->contents = env->contents->count;
	o->pages = mem_zalloc(o->contents, sizeof(*o->pages));
	if (!o->pages) {
		free(o);
		return -ENOMEM;
	}
	*out = &o->base;
	return 0;
}

static bool in_scope(const struct oracle *o, const struct pte *p)
{
	uint32_t must = PTE_PRESENT | PTE_ANON;

	if (o->opt.scope == SCOPE_MERGEABLE)
		must |= PTE_MERGEABLE;
	return (p->flags & must) == must && pte_owner(p) != OWNER_ZERO;
}

static uint32_t frame_of(const struct machine *m, const struct pte *p)
{
	return pte_owner(p) == OWNER_SHARED ? machine_share(m, p->ref)->frame
					    : p->ref;
}

static void leave(struct oracle *o, uint32_t frame, uint32_t content)
{
	o->total--;
	o->distinct -= --o->pages[content] == 0;
	if (--o->maps[frame])
		return;
	o->frames--;
	o->zero_frames -= content == 0;
}

static void enter(struct oracle *o, uint32_t frame, uint32_t content)
{
	o->total++;
	o->distinct += o->pages[content]++ == 0;
	if (o->maps[frame]++)
		return;
	o->frames++;
	o->zero_frames += content == 0;
}

static int oracle_notice(struct engine *e, const struct effect *fx,
			 struct meter *m)
{
	struct oracle *o = (struct oracle *)e;
	const struct pte *p;
	uint32_t frame;

	(void)m;
	if (fx->kind != FX_PAGE || !fx->pte)
		return 0;
	p = &o->machine->pte[fx->pte];
	frame = in_scope(o, p) ? frame_of(o->machine, p) : 0;
	if (mem_reserve(&o->frame, &o->frame_cap, (size_t)fx->pte + 1,
			sizeof(*o->frame)) ||
	    mem_reserve(&o->maps, &o->maps_cap, (size_t)frame + 1,
			sizeof(*o->maps)))
		return -ENOMEM;
	if (o->frame[fx->pte])
		leave(o, o->frame[fx->pte] - 1, fx->before);
	o->frame[fx->pte] = 0;
	if (in_scope(o, p)) {
		enter(o, frame, fx->content);
		o->frame[fx->pte] = frame + 1;
	}
	return 0;
}

static void oracle_progress(const struct engine *e, struct engine_progress *p)
{
	(void)e;
	*p = (struct engine_progress){.round = 1};
}

/* Pages that share a frame by a fork save nothing more. */
static void oracle_report(const struct engine *e, struct rows *out)
{
	const struct oracle *o = (const struct oracle *)e;
	uint64_t zero = o->pages[0], nonzero = o->total - zero;
	uint64_t zero_saved = o->zero_frames ? o->zero_frames - 1 : 0;
	uint64_t distinct = o->distinct - (zero > 0);

	engine_report_saved(out, o->frames - o->distinct, zero_saved, 0);
	rows_add(out, "oracle", "pages", "pages", (int64_t)o->total);
	rows_add(out, "oracle", "zero_pages", "pages", (int64_t)zero);
	rows_add(out, "oracle", "distinct_nonzero_contents", "pages",
		 (int64_t)distinct);
	rows_add(out, "oracle", "repeated_nonzero_pages", "pages",
		 (int64_t)(nonzero - distinct));
}

static int wrong(FILE *why, const char *what, uint64_t counted, uint64_t there)
{
	return err_why(why, "oracle",
		       "%" PRIu64 " %s counted, %" PRIu64 " there", counted,
		       what, there);
}

/* Is the page at @pte counted if it must be, and with its own frame? */
static bool counted(const struct oracle *o, uint32_t pte, uint64_t *total)
{
	const struct pte *p = &o->machine->pte[pte];
	uint32_t is = pte < o->frame_cap ? o->frame[pte] : 0;

	if (!in_scope(o, p))
		return is == 0;
	++*total;
	return is == frame_of(o->machine, p) + 1;
}

static int oracle_check(const struct engine *e, FILE *why)
{
	const struct oracle *o = (const struct oracle *)e;
	const struct machine *m = o->machine;
	uint64_t total = 0, distinct = 0, frames = 0;

	for (uint32_t i = 0; i < o->contents; i++)
		distinct += o->pages[i] > 0;
	for (size_t i = 0; i < o->maps_cap; i++)
		frames += o->maps[i] > 0;
	for (uint32_t s = 0; s < m->nspace; s++)
		for (size_t at = 0; at < m->space[s].nchunk; at++) {
			uint32_t pte = m->space[s].chunk[at].chunk
				       << CHUNK_SHIFT;

			for (uint32_t i = 0; i < CHUNK_PAGES; i++)
				if (!counted(o, pte + i, &total))
					return wrong(why,
						     "pages up to a wrong one",
						     o->total, total);
		}
	if (total != o->total)
		return wrong(why, "pages", o->total, total);
	if (frames != o->frames)
		return wrong(why, "frames", o->frames, frames);
	if (distinct != o->distinct)
		return wrong(why, "contents", o->distinct, distinct);
	return 0;
}

static void oracle_stop(struct engine *e)
{
	struct oracle *o = (struct oracle *)e;

	if (!o)
		return;
	mem_release(o->frame, o->frame_cap, sizeof(*o->frame));
	mem_release(o->maps, o->maps_cap, sizeof(*o->maps));
	free(o->pages);
	free(o);
}

const struct engine_ops engine_oracle = {
	.name = "oracle",
	.summary =
		"every equal page shared at once, for nothing: the upper bound",
	.opts = oracle_options,
	.opts_size = sizeof(struct oracle_opts),
	.start = oracle_start,
	.notice = oracle_notice,
	.progress = oracle_progress,
	.report = oracle_report,
	.check = oracle_check,
	.stop = oracle_stop,
};
