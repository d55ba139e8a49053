/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every engine of engines.def keeps; sim/engine/README.md says it in words. */
#include <errno.h>
#include <string.h>

#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/rig.h"

#define CONTENTS 12u

static struct rig_config config(int i)
{
	return (struct rig_config){
		.engine = engines[i]->name,
		.zero_pages = 2,
	};
}

START_TEST(the_table_is_whole_and_found_by_name)
{
	const struct engine_ops *ops = engines[_i];
	struct err err = {.text = ""};

	ck_assert_int_eq(engine_check_ops(ops, &err), 0);
	ck_assert_str_eq(err.text, "");
	ck_assert_ptr_eq(engine_find(ops->name, &err), ops);
	for (int k = 0; k < _i; k++)
		ck_assert_str_ne(engines[k]->name, ops->name);
	/* One line, no sentence: it stands in a list. */
	ck_assert_ptr_null(strpbrk(ops->summary, "\n\t"));
	ck_assert_uint_gt(strlen(ops->summary), 10);
	/* Tunables are written and read, or neither. */
	ck_assert_int_eq(!ops->set, !ops->get);
}
END_TEST

static const struct {
	size_t offset;
	const char *name;
} hooks[] = {
	{offsetof(struct engine_ops, name), "name"},
	{offsetof(struct engine_ops, summary), "summary"},
	{offsetof(struct engine_ops, start), "start"},
	{offsetof(struct engine_ops, notice), "notice"},
	{offsetof(struct engine_ops, progress), "progress"},
	{offsetof(struct engine_ops, report), "report"},
	{offsetof(struct engine_ops, check), "check"},
	{offsetof(struct engine_ops, stop), "stop"},
};

START_TEST(a_table_without_a_hook_is_refused_by_its_name)
{
	for (size_t h = 0; h < sizeof(hooks) / sizeof(hooks[0]); h++) {
		struct engine_ops ops = *engines[_i];
		struct err err = {.text = ""};
		char says[100];

		memset((unsigned char *)&ops + hooks[h].offset, 0,
		       sizeof(void *));
		ck_assert_int_eq(engine_check_ops(&ops, &err), -EINVAL);
		snprintf(says, sizeof(says), "engine %s lacks %s",
			 ops.name ? ops.name : "(unnamed)", hooks[h].name);
		ck_assert_str_eq(err.text, says);
	}
}
END_TEST

START_TEST(an_unknown_engine_is_answered_with_the_nearest)
{
	struct err err = {.text = ""};

	ck_assert_ptr_null(engine_find("kms", &err));
	ck_assert_str_eq(err.text, "no engine \"kms\"; did you mean \"ksm\"?");
	err.text[0] = '\0';
	ck_assert_ptr_null(engine_find("no such thing at all", &err));
	ck_assert_ptr_nonnull(strstr(err.text, "dedupsim list"));
	ck_assert_ptr_null(engine_find("", NULL));
}
END_TEST

START_TEST(stopping_nothing_is_fine)
{
	engines[_i]->stop(NULL);
}
END_TEST

START_TEST(what_is_started_can_be_stopped)
{
	struct rig r;

	rig_init(&r, engines[_i]->name, RULE_ID, CONTENTS, NULL);
	ck_assert_ptr_eq(r.engine->ops, engines[_i]);
	ck_assert(!r.engine->workers || (r.engine->wake && r.ops->work));
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

START_TEST(options_have_defaults_in_range_and_words_for_help)
{
	const struct engine_ops *ops = engines[_i];
	const uint64_t known =
		NEED_RANK | NEED_PREFIX | NEED_LENGTH | NEED_SAME | NEED_BYTES |
		NEED_ABOVE | NEED_WORD_RANK |
		((NEED_CHECKSUM(CHECKSUM_COUNT) - 1) & ~UINT64_C(255));
	void *opts = mem_zalloc(1, ops->opts_size);
	struct err err = {.text = ""};
	char text[100];

	ck_assert_ptr_nonnull(opts);
	if (ops->opts)
		opt_defaults(ops->opts, opts);
	for (const struct opt *o = ops->opts; o && o->type != OPT_END; o++) {
		ck_assert_uint_gt(strlen(o->help), 10);
		ck_assert_int_ne(o->help[strlen(o->help) - 1], '.');
		/* What is printed can be read again. */
		ck_assert_int_eq(opt_set(ops->opts, opts, o->name,
					 opt_format(o, opts, text, 100), &err),
				 0);
		ck_assert_uint_eq(opt_get(o, opts), o->def);
	}
	if (ops->needs)
		ck_assert_uint_eq(ops->needs(opts) & ~known, 0);
	free(opts);
}
END_TEST

/* ---- runs ---- */

/* Now and then a tunable is written; what the kernel refuses is refused. */
static int knob(struct rig *r, struct prng *rnd)
{
	const struct opt *o = r->ops->opts;
	char value[32];
	uint64_t n = 0;
	int ret;

	while (o && o[n].type != OPT_END)
		n++;
	if (!r->ops->set || !n)
		return 0;
	o += prng_below(rnd, n);
	snprintf(value, sizeof(value), "%" PRIu64, prng_below(rnd, 9));
	ret = rig_set(r, o->name, value);
	return ret == -EINVAL || ret == -EBUSY ? 0 : ret;
}

/* Random events, turns and tunables; what a call answers that is no refusal. */
static int play(struct rig *r, uint64_t seed, unsigned steps, bool check)
{
	struct prng rnd = prng_fork(seed, "contract");
	int ret = 0;

	for (unsigned i = 0; !ret && i < steps; i++) {
		struct event ev = chaos_event(&rnd, r->machine, CONTENTS);

		r->clock.now = ns_add(r->clock.now, NS(NS_PER_MSEC));
		ret = rig_event(r, &ev);
		if (ret == -EINVAL)
			ret = 0;
		if (!ret && prng_below(&rnd, 40) == 0)
			ret = knob(r, &rnd);
		while (!ret && prng_below(&rnd, 2)) {
			uint64_t before = check ? rig_pages(r) : 0;

			ret = rig_turn(r);
			if (check)
				ck_assert_uint_eq(before, rig_pages(r));
		}
		if (check)
			rig_check(r);
	}
	return ret;
}

static void collect(struct rig *r)
{
	rows_clear(&r->rows);
	r->ops->report(r->engine, &r->rows);
	machine_report(r->machine, &r->rows);
	for (uint32_t s = 0; r->ops->report_space && s < r->machine->nspace;
	     s++)
		r->ops->report_space(r->engine, s, &r->rows);
	ck_assert(!r->rows.failed);
}

START_TEST(equal_events_give_equal_rows)
{
	struct rig_config cfg = config(_i);
	uint64_t seed = test_seed(1);
	struct rig a, b;

	rig_contents(&a, RULE_ID, CONTENTS);
	rig_contents(&b, RULE_ID, CONTENTS);
	for (unsigned k = 0; k < 5; k++) {
		ck_assert_int_eq(rig_start(&a, &cfg), 0);
		ck_assert_int_eq(rig_start(&b, &cfg), 0);
		ck_assert_int_eq(play(&a, seed + k, 400, false), 0);
		ck_assert_int_eq(play(&b, seed + k, 400, false), 0);
		collect(&a);
		collect(&b);
		ck_assert_uint_gt(a.rows.n, 3);
		ck_assert_uint_eq(a.rows.n, b.rows.n);
		for (size_t i = 0; i < a.rows.n; i++) {
			ck_assert_str_eq(a.rows.v[i].name, b.rows.v[i].name);
			ck_assert_int_eq(a.rows.v[i].index, b.rows.v[i].index);
			ck_assert_int_eq(a.rows.v[i].value, b.rows.v[i].value);
		}
		ck_assert_mem_eq(&a.meter.count, &b.meter.count,
				 sizeof(a.meter.count));
		ck_assert_mem_eq(&a.meter.walk, &b.meter.walk,
				 sizeof(a.meter.walk));
		rig_stop(&a);
		rig_stop(&b);
	}
	rig_fini(&a);
	rig_fini(&b);
}
END_TEST

START_TEST(invariants_hold_and_contents_stay_at_each_step)
{
	struct rig_config cfg = config(_i);
	uint64_t seed = test_seed(1);
	struct rig r;

	rig_contents(&r, RULE_ID, CONTENTS);
	for (unsigned k = 0; k < 6; k++) {
		ck_assert_int_eq(rig_start(&r, &cfg), 0);
		ck_assert_int_eq(play(&r, seed + k, 500, true), 0);
		rig_stop(&r);
	}
	rig_fini(&r);
}
END_TEST

START_TEST(the_common_rows_come_first_and_add_up)
{
	static const char *const common[] = {"saved_pages", "zero_pages",
					     "metadata_bytes"};
	struct rig_config cfg = config(_i);
	uint64_t seed = test_seed(1);
	struct rig r;

	rig_contents(&r, RULE_ID, CONTENTS);
	for (unsigned k = 0; k < 8; k++) {
		ck_assert_int_eq(rig_start(&r, &cfg), 0);
		ck_assert_int_eq(play(&r, seed + k, 100 * k, false), 0);
		collect(&r);
		for (size_t i = 0; i < 3; i++) {
			ck_assert_str_eq(r.rows.v[i].scope, "saved");
			ck_assert_str_eq(r.rows.v[i].name, common[i]);
			ck_assert_int_ge(r.rows.v[i].value, 0);
		}
		ck_assert_int_le(r.rows.v[0].value, (int64_t)r.machine->mapped);
		ck_assert_int_le(r.rows.v[1].value, r.rows.v[0].value);
		/* Each row is told once, with its unit. */
		for (size_t i = 0; i < r.rows.n; i++) {
			const struct row *x = &r.rows.v[i];

			ck_assert(x->scope && x->name && x->unit);
			for (size_t j = 0; j < i; j++)
				ck_assert(strcmp(x->scope, r.rows.v[j].scope) ||
					  strcmp(x->name, r.rows.v[j].name) ||
					  x->index != r.rows.v[j].index);
		}
		rig_stop(&r);
	}
	rig_fini(&r);
}
END_TEST

START_TEST(progress_never_goes_back)
{
	struct rig_config cfg = config(_i);
	struct engine_progress was = {0}, is;
	struct prng rnd = prng_fork(test_seed(1), "progress");
	struct rig r;

	rig_contents(&r, RULE_ID, CONTENTS);
	ck_assert_int_eq(rig_start(&r, &cfg), 0);
	for (unsigned i = 0; i < 300; i++) {
		ck_assert_int_eq(play(&r, prng_next(&rnd), 3, false), 0);
		r.ops->progress(r.engine, &is);
		ck_assert_uint_ge(is.scans, was.scans);
		ck_assert_uint_ge(is.changes, was.changes);
		was = is;
	}
	rig_fini(&r);
}
END_TEST

/* ---- tunables ---- */

static void try(struct rig *r, const struct opt *o, uint64_t value)
{
	char text[64];
	uint64_t before, after;
	int ret;

	if (o->type == OPT_CHOICE)
		snprintf(text, sizeof(text), "%s", o->choices[value]);
	else
		snprintf(text, sizeof(text), "%" PRIu64, value);
	ck_assert_int_eq(r->ops->get(r->engine, o->name, &before), 0);
	ret = rig_set(r, o->name, text);
	ck_assert_int_eq(r->ops->get(r->engine, o->name, &after), 0);
	ck_assert(ret == 0 || ret == -EBUSY || ret == -EINVAL);
	ck_assert_uint_eq(after, ret ? before : value);
}

static void refuse(struct rig *r, const struct opt *o, const char *text)
{
	uint64_t before, after;

	ck_assert_int_eq(r->ops->get(r->engine, o->name, &before), 0);
	ck_assert_int_eq(rig_set(r, o->name, text), -EINVAL);
	ck_assert_int_eq(r->ops->get(r->engine, o->name, &after), 0);
	ck_assert_uint_eq(after, before);
}

START_TEST(tunables_are_kept_or_refused)
{
	struct rig_config cfg = config(_i);
	uint64_t value;
	char text[64];
	struct rig r;

	rig_contents(&r, RULE_ID, CONTENTS);
	ck_assert_int_eq(rig_start(&r, &cfg), 0);
	for (const struct opt *o = r.ops->opts;
	     r.ops->set && o && o->type != OPT_END; o++) {
		uint64_t max;

		for (max = 0; o->choices && o->choices[max]; max++)
			try(&r, o, max);
		if (o->type != OPT_CHOICE) {
			max = o->type == OPT_BOOL ? 1 : o->max;
			try(&r, o, o->min);
			try(&r, o, max);
			try(&r, o, o->def);
			snprintf(text, sizeof(text), "%" PRIu64, max + 1);
			if (max)
				refuse(&r, o, text);
		}
		refuse(&r, o, "x");
		refuse(&r, o, "");
		refuse(&r, o, "-1");
	}
	if (r.ops->set) {
		ck_assert_int_eq(rig_set(&r, "no_such_key", "1"), -ENOENT);
		ck_assert_int_eq(r.ops->get(r.engine, "no_such_key", &value),
				 -ENOENT);
	}
	rig_check(&r);
	rig_fini(&r);
}
END_TEST

/* ---- memory ---- */

struct short_run {
	struct rig *rig;
	struct rig_config cfg;
	uint64_t seed;
};

static int run_shortly(void *ctx)
{
	struct short_run *s = ctx;
	int ret = rig_start(s->rig, &s->cfg);

	if (ret)
		return ret;
	ret = play(s->rig, s->seed, 250, false);
	rows_fini(&s->rig->rows);
	rows_init(&s->rig->rows);
	s->rig->ops->report(s->rig->engine, &s->rig->rows);
	if (!ret && s->rig->rows.failed)
		ret = -ENOMEM;
	rig_stop(s->rig);
	return ret;
}

START_TEST(without_memory_a_run_ends_and_leaks_nothing)
{
	uint64_t seed = test_seed(1);
	struct rig r;

	rig_contents(&r, RULE_ID, CONTENTS);
	for (unsigned k = 0; k < 4; k++) {
		struct short_run s = {&r, config(_i), seed + k};

		ck_assert_uint_gt(fail_mem_walk(run_shortly, &s), 5);
	}
	rig_fini(&r);
}
END_TEST

static Suite *engine_suite(void)
{
	Suite *s = suite_create("engine contract");
	TCase *t = tcase_create("engines");
	int n = 0;

	while (engines[n])
		n++;
	tcase_set_timeout(t, 300);
	tcase_add_loop_test(t, the_table_is_whole_and_found_by_name, 0, n);
	tcase_add_loop_test(t, a_table_without_a_hook_is_refused_by_its_name, 0,
			    n);
	tcase_add_test(t, an_unknown_engine_is_answered_with_the_nearest);
	tcase_add_loop_test(t, stopping_nothing_is_fine, 0, n);
	tcase_add_loop_test(t, what_is_started_can_be_stopped, 0, n);
	tcase_add_loop_test(
		t, options_have_defaults_in_range_and_words_for_help, 0, n);
	tcase_add_loop_test(t, equal_events_give_equal_rows, 0, n);
	tcase_add_loop_test(t, invariants_hold_and_contents_stay_at_each_step,
			    0, n);
	tcase_add_loop_test(t, the_common_rows_come_first_and_add_up, 0, n);
	tcase_add_loop_test(t, progress_never_goes_back, 0, n);
	tcase_add_loop_test(t, tunables_are_kept_or_refused, 0, n);
	tcase_add_loop_test(t, without_memory_a_run_ends_and_leaks_nothing, 0,
			    n);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(engine_suite());
}
