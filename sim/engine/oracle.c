/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oracle.c - every equal page shared at once, for nothing: the upper bound
 *
 * Counts how many pages hold each content.  What could be saved at this moment
 * is the difference between the frames in use and the distinct contents mapped;
 * pages of zeros are shown apart, because most of them would go away by not
 * being touched, or with the kernel's one zero page.
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
	uint32_t *pages;   /* by content: pages in scope that hold it */
	uint64_t *counted; /* bitmap by PTE index: is in scope and counted */
	size_t counted_cap;
	uint64_t total, distinct;
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

static void leave(struct oracle *o, uint32_t content)
{
	o->total--;
	o->distinct -= --o->pages[content] == 0;
}

static void enter(struct oracle *o, uint32_t content)
{
	o->total++;
	o->distinct += o->pages[content]++ == 0;
}

static int oracle_notice(struct engine *e, const struct effect *fx,
			 struct meter *m)
{
	struct oracle *o = (struct oracle *)e;
	uint64_t *w, bit = UINT64_C(1) << (fx->pte % 64);

	(void)m;
	if (fx->kind != FX_PAGE || !fx->pte)
		return 0;
	if (mem_reserve(&o->counted, &o->counted_cap, fx->pte / 64 + 1,
			sizeof(*o->counted)))
		return -ENOMEM;
	w = &o->counted[fx->pte / 64];
	if (*w & bit)
		leave(o, fx->before);
	*w &= ~bit;
	if (in_scope(o, &o->machine->pte[fx->pte])) {
		enter(o, fx->content);
		*w |= bit;
	}
	return 0;
}

static void oracle_progress(const struct engine *e, struct engine_progress *p)
{
	(void)e;
	*p = (struct engine_progress){0};
}

/* Mappings that share a frame already, without any engine (after a fork). */
static uint64_t shared_anyway(const struct machine *m)
{
	uint64_t with_frame = m->mapped - m->zero_mapped;

	return with_frame > machine_frames(m) ? with_frame - machine_frames(m)
					      : 0;
}

static void oracle_report(const struct engine *e, struct rows *out)
{
	const struct oracle *o = (const struct oracle *)e;
	uint64_t zero = o->pages[0], nonzero = o->total - zero;
	uint64_t zero_saved = zero ? zero - 1 : 0;
	uint64_t distinct = o->distinct - (zero > 0);
	uint64_t saved = nonzero - distinct + zero_saved;
	uint64_t anyway = shared_anyway(o->machine);

	engine_report_saved(out, saved > anyway ? saved - anyway : 0,
			    zero_saved, 0);
	rows_add(out, "oracle", "pages", "pages", (int64_t)o->total);
	rows_add(out, "oracle", "zero_pages", "pages", (int64_t)zero);
	rows_add(out, "oracle", "distinct_nonzero_contents", "pages",
		 (int64_t)distinct);
	rows_add(out, "oracle", "repeated_nonzero_pages", "pages",
		 (int64_t)(nonzero - distinct));
}

static int oracle_check(const struct engine *e, FILE *why)
{
	const struct oracle *o = (const struct oracle *)e;
	const struct machine *m = o->machine;
	uint64_t total = 0, distinct = 0;

	for (uint32_t i = 0; i < o->contents; i++)
		distinct += o->pages[i] > 0;
	for (uint32_t s = 0; s < m->nspace; s++)
		for (size_t at = 0; at < m->space[s].nchunk; at++)
			for (uint32_t i = 0; i < CHUNK_PAGES; i++)
				total += in_scope(
					o, &m->pte[m->space[s].chunk[at].chunk
							   << CHUNK_SHIFT |
						   i]);
	if (total == o->total && distinct == o->distinct)
		return 0;
	if (why)
		fprintf(why,
			"oracle: %" PRIu64 " pages counted, %" PRIu64
			" there\n",
			o->total, total);
	return -EINVAL;
}

static void oracle_stop(struct engine *e)
{
	struct oracle *o = (struct oracle *)e;

	if (!o)
		return;
	mem_release(o->counted, o->counted_cap, sizeof(*o->counted));
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
