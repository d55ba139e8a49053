/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/cmd/cmd.h"
#include "sim/report/table.h"
#include "sim/run/repro.h"

#define SCHEMA "dedupsim.repro/1"

/* clang-format off */
enum { SEEN = 1 };

#define WORD(n, v, h)                                                          \
	{ .name = n, .kind = TABLE_WORD, .view = v, .heading = h }
#define VALUE(n, v, h)                                                         \
	{ .name = n, .kind = TABLE_MILLIONTHS, .view = v, .heading = h,        \
	  .digits = 4 }
static const struct table_column columns[] = {
	WORD("variant", SEEN, "what ran"),
	WORD("quantity", SEEN, "quantity"),
	WORD("unit", SEEN, "unit"),
	VALUE("published_low", SEEN, "published"),
	VALUE("published_high", SEEN, "to"),
	VALUE("expected_low", SEEN, "expected"),
	VALUE("expected_high", SEEN, "to"),
	VALUE("got", SEEN, "got"),
	VALUE("ratio", SEEN, "ratio"),
	WORD("verdict", SEEN, "verdict"),
	{ .kind = TABLE_END },
};
/* clang-format on */

static_assert(REPRO_NONE == TABLE_NONE, "they are passed on");

struct results {
	const char *format;
	const struct table *table;
	const struct report_fact *facts;
	size_t nfacts;
};

static void fill(struct table *t, const struct repro *r)
{
	for (size_t i = 0; i < r->nrow; i++) {
		const struct repro_row *row = &r->row[i];

		table_word(t, row->variant);
		table_word(t, row->quantity);
		table_word(t, row->unit);
		table_count(t, row->published.lo);
		table_count(t, row->published.hi);
		table_count(t, row->expected.lo);
		table_count(t, row->expected.hi);
		table_count(t, row->got);
		table_count(t, repro_ratio(row));
		table_word(t, repro_verdict(row));
	}
}

static int write_results(const void *what, FILE *out, struct err *err)
{
	const struct results *r = what;

	if (!strcmp(r->format, "text"))
		return table_write_text(r->table, SEEN, out, err);
	return (!strcmp(r->format, "tsv") ? table_write_tsv : table_write_json)(
		r->table, SCHEMA, r->facts, r->nfacts, out, err);
}

static int write_form(const struct results *r, const char *format,
		      const char *path, struct err *err)
{
	struct results form = *r;

	form.format = format;
	return cmd_write(path, write_results, &form, err);
}

static bool is_stdout(const char *path)
{
	return path && !strcmp(path, "-");
}

static int write_all(const struct repro *r, const struct repro_common *o,
		     bool talk, struct err *err)
{
	struct report_fact *facts = mem_zalloc(r->nfact + 1, sizeof(*facts));
	struct results res = {.facts = facts, .nfacts = r->nfact};
	struct table table;
	int ret;

	if (!facts)
		return -ENOMEM;
	for (size_t i = 0; i < r->nfact; i++)
		facts[i] =
			(struct report_fact){r->fact[i].key, r->fact[i].value};
	table_init(&table, columns);
	fill(&table, r);
	res.table = &table;
	ret = write_form(&res, "json", o->json, err);
	if (!ret)
		ret = write_form(&res, "tsv", o->tsv, err);
	if (!ret && talk)
		ret = write_form(&res, "text", "-", err);
	table_fini(&table);
	free(facts);
	return ret;
}

/* What goes in is on the terminal before anything has come out. */
static void show_inputs(const struct cmd *self, const struct repro_ops *ops,
			const struct repro *r)
{
	printf("%s: %s\n\n", self->name, self->summary);
	printf("  %-20s %s\n", "source", ops->source);
	for (size_t i = 0; i < r->nfact; i++)
		printf("  %-20s %s\n", r->fact[i].key, r->fact[i].value);
	putchar('\n');
	fflush(stdout);
}

static int carry_out(const struct cmd *self, const struct repro_ops *ops,
		     const void *opts, struct err *err)
{
	const struct repro_common *o = opts;
	bool talk = !o->quiet && !is_stdout(o->json) && !is_stdout(o->tsv);
	struct repro r;
	int ret;

	repro_init(&r);
	repro_fact(&r, "name", "%s", self->name);
	ret = ops->inputs(opts, &r, err);
	if (!ret && talk)
		show_inputs(self, ops, &r);
	if (!ret)
		ret = ops->run(opts, &r, err);
	if (!ret && r.failed)
		ret = -ENOMEM;
	if (!ret)
		ret = write_all(&r, o, talk, err);
	repro_fini(&r);
	return ret;
}

/* A list of what there is, or that there is no such thing. */
static int no_repro(int argc, char **argv, struct err *err)
{
	const char *names[] = {
#define REPRO(sym, title, words) title,
#include "sim/run/repros.def"
#undef REPRO
		NULL};
	const char *near;

	if (!argc) {
#define REPRO(sym, title, words) printf("%-20s %s\n", title, words);
#include "sim/run/repros.def"
#undef REPRO
		return EXIT_OK;
	}
	near = text_nearest(argv[0], names,
			    sizeof(names) / sizeof(names[0]) - 1);
	err_set(err, EINVAL, "no reproduction \"%s\"; %s%s%s", argv[0],
		near ? "did you mean \"" : "`dedupsim repro` names them all",
		near ? near : "", near ? "\"?" : "");
	return EXIT_USAGE;
}

static int repro_main(const struct cmd *self, int argc, char **argv,
		      struct err *err)
{
	const struct repro_ops *ops = repro_find(self->name);
	int ret, status = EXIT_USAGE;
	void *opts;

	if (!ops)
		return no_repro(argc, argv, err);
	opts = mem_zalloc(1, ops->opts_size);
	if (!opts) {
		err_set(err, ENOMEM, "out of memory");
		return EXIT_FAILED;
	}
	opt_defaults(self->opts, opts);
	ret = opt_parse(self->opts, opts, argc, argv, NULL, NULL, NULL, NULL,
			err);
	if (!ret) {
		ret = carry_out(self, ops, opts, err);
		status = EXIT_FAILED;
	}
	if (ret && !err->text[0])
		err_set(err, -ret, "%s: %s", self->name, err_text(NULL, ret));
	free(opts);
	return ret ? status : EXIT_OK;
}

static const struct cmd repro_subs[] = {
#define REPRO(sym, title, words)                                               \
	{.name = title,                                                        \
	 .args = "",                                                           \
	 .summary = words,                                                     \
	 .about = repro_##sym##_about,                                         \
	 .opts = repro_##sym##_options,                                        \
	 .run = repro_main},
#include "sim/run/repros.def"
#undef REPRO
	{.name = NULL},
};

const struct cmd cmd_repro = {
	.name = "repro",
	.args = "",
	.summary = "Put a published result to the test",
	.about = "Names its inputs, runs, and prints each figure: published, "
		 "expected\n"
		 "of the model, got, and the ratio of got to published (1 "
		 "inside a\n"
		 "published range, else by its nearer end).  A figure that is "
		 "not as\n"
		 "expected is a result, too: the exit status is 0.\n",
	.subs = repro_subs,
	.run = repro_main,
};
