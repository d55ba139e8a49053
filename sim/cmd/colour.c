/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/base/par.h"
#include "sim/cmd/cmd.h"
#include "sim/cmd/machine_opts.h"
#include "sim/run/colour.h"

struct colour_opts {
	const char *machine, *size, *json, *tsv, *kernel, *dir;
	uint64_t memory, check, synonym, placement, limit, seed, threads, quiet;
};

enum check { CHECK_BOTH, CHECK_NONE, CHECK_DIR };
enum synonym { SYNONYM_BOTH, SYNONYM_L2, SYNONYM_L3 };
static const char *const checks[] = {"both", "0", "dir", NULL};
static const char *const synonyms[] = {"both", "L2", "L3", NULL};

/* clang-format off */
static const struct opt colour_options[] = {
	{ OPT_STRING, OPT_FIELD(colour_opts, machine, const char *),
	  .letter = 'm', .arg = "NAME,…",
	  .help = "machines, from `dedupsim list machines`, or files of that "
		  "form; z13,r4400sc,zen5 when not given" },
	{ OPT_STRING, OPT_FIELD(colour_opts, size, const char *),
	  .arg = "FROM..TO",
	  .help = "size of the array, doubled from FROM up to TO; "
		  "4KiB..128MiB when not given" },
	{ OPT_STRING, .name = "set", .offset = OPT_MULTI,
	  .letter = 's', .arg = "KEY=VALUE",
	  .help = "a field of all these machines; may be repeated" },
	{ OPT_CHOICE, OPT_FIELD(colour_opts, check, uint64_t),
	  .choices = checks,
	  .help = "s390: colour bits beyond the index of L1 that a hit must "
		  "match: 0 none, dir as many as the kernel has zero pages; "
		  "both gives a range" },
	{ OPT_CHOICE, OPT_FIELD(colour_opts, synonym, uint64_t),
	  .choices = synonyms,
	  .help = "s390: cache that serves a line which changes its colour; "
		  "both gives a range" },
	MACHINE_KERNEL_ROWS(colour_opts),
	{ OPT_CHOICE, OPT_FIELD(colour_opts, placement, uint64_t),
	  .choices = machine_placements,
	  .help = "frames of private and merged pages in physical memory" },
	{ OPT_U64, OPT_FIELD(colour_opts, limit, uint64_t),
	  .def = 256, .min = 2, .max = INT32_MAX, .unit = "pages",
	  .help = "max_page_sharing in the case that has one" },
	{ OPT_U64, OPT_FIELD(colour_opts, seed, uint64_t), .def = 1,
	  .max = UINT64_MAX, .help = "seed of everything random" },
	{ OPT_U64, OPT_FIELD(colour_opts, threads, uint64_t), .max = PAR_MAX,
	  .help = "threads; 0: one per processor; results do not depend on "
		  "it" },
	{ OPT_STRING, OPT_FIELD(colour_opts, json, const char *), .arg = "FILE",
	  .help = "write all counters as JSON; - is standard output" },
	{ OPT_STRING, OPT_FIELD(colour_opts, tsv, const char *), .arg = "FILE",
	  .help = "write a line per cell as TSV; - is standard output" },
	{ OPT_BOOL, OPT_FIELD(colour_opts, quiet, uint64_t), .max = 1,
	  .letter = 'q', .help = "no tables" },
	{ .type = OPT_END },
};
/* clang-format on */

#define MACHINES_MAX 64u

struct job {
	struct colour_opts o;
	const char **set;
	size_t nset;
	struct cache_conf *conf;
	unsigned order[MACHINES_MAX];
	size_t n;
	struct colour_config cfg;
};

static int add_setting(void *ctx, const struct opt *row, const char *value,
		       struct err *err)
{
	struct job *j = ctx;

	(void)row;
	(void)err;
	j->set[j->nset++] = value;
	return 0;
}

static int add_machine(struct job *j, const char *name, struct err *err)
{
	struct cache_conf *conf = &j->conf[j->n];
	int ret;

	if (j->n == MACHINES_MAX)
		return err_set(err, EINVAL, "--machine: more than %u machines",
			       MACHINES_MAX);
	ret = machine_opts_conf(conf, name, j->set, j->nset, err);
	if (!ret)
		ret = machine_opts_order(conf, j->o.kernel, j->o.memory,
					 &j->order[j->n], err);
	if (!ret)
		conf->seed = j->o.seed;
	j->n++;
	return ret;
}

static int add_machines(struct job *j, struct err *err)
{
	const char *p = j->o.machine ? j->o.machine : "z13,r4400sc,zen5";
	int ret = 0;

	do {
		size_t n = strcspn(p, ",");
		char name[1024];

		if (!n || n >= sizeof(name))
			return err_set(err, EINVAL,
				       "--machine: \"%s\" is no list of names",
				       j->o.machine);
		memcpy(name, p, n);
		name[n] = 0;
		ret = add_machine(j, name, err);
		p += n;
	} while (!ret && *p++);
	return ret;
}

static int configure(struct job *j, struct err *err)
{
	struct colour_config *c = &j->cfg;
	int ret = colour_sizes(j->o.size ? j->o.size : "4KiB..128MiB", &c->from,
			       &c->to, err);

	if (ret)
		return ret;
	j->conf = mem_zalloc(MACHINES_MAX, sizeof(*j->conf));
	if (!j->conf)
		return -ENOMEM;
	c->limit = j->o.limit;
	c->check = (int)j->o.check - CHECK_NONE;
	c->syn_level = j->o.synonym == SYNONYM_BOTH ? -1
		       : j->o.synonym == SYNONYM_L2 ? 2
						    : 3;
	c->random = j->o.placement == PLACEMENT_RANDOM;
	c->seed = j->o.seed;
	c->threads = j->o.threads ? (unsigned)j->o.threads : os_cpus();
	return add_machines(j, err);
}

static int as_json(const void *what, FILE *out, struct err *err)
{
	return colour_write_json(what, out, err);
}

static int as_tsv(const void *what, FILE *out, struct err *err)
{
	return colour_write_tsv(what, out, err);
}

static int as_text(const void *what, FILE *out, struct err *err)
{
	return colour_write_text(what, out, err);
}

static int write_all(const struct job *j, const struct colour_table *t,
		     struct err *err)
{
	bool to_stdout = (j->o.json && !strcmp(j->o.json, "-")) ||
			 (j->o.tsv && !strcmp(j->o.tsv, "-"));
	int ret = cmd_write(j->o.json, as_json, t, err);

	if (!ret)
		ret = cmd_write(j->o.tsv, as_tsv, t, err);
	if (!ret && !j->o.quiet && !to_stdout)
		ret = cmd_write("-", as_text, t, err);
	return ret;
}

static int colour_main(const struct cmd *self, int argc, char **argv,
		       struct err *err)
{
	struct job j = {0};
	struct colour_table t;
	int ret, status = EXIT_USAGE;

	opt_defaults(self->opts, &j.o);
	j.set = mem_zalloc((size_t)argc + 1, sizeof(*j.set));
	ret = j.set ? 0 : -ENOMEM;
	if (!ret)
		ret = opt_parse(self->opts, &j.o, argc, argv, NULL, NULL,
				add_setting, &j, err);
	if (!ret)
		ret = configure(&j, err);
	if (!ret) {
		ret = colour_run(j.conf, j.order, j.n, &j.cfg, &t, err);
		if (ret != -EINVAL)
			status = EXIT_FAILED;
		if (!ret) {
			ret = write_all(&j, &t, err);
			colour_table_fini(&t);
		}
	}
	if (ret)
		err_set(err, -ret, "colour: %s", err_text(NULL, ret));
	free(j.conf);
	free(j.set);
	return ret ? status : EXIT_OK;
}

const struct cmd cmd_colour = {
	.name = "colour",
	.args = "",
	.summary = "Say what reads of merged pages of zeros cost on a machine",
	.about = "An array of zeros is read, again and again: with private "
		 "pages, with\nall pages merged into one, with the zero pages "
		 "of an architecture\nthat gives each address the one of its "
		 "colour, and where KSM puts them\nwith use_zero_pages=1.\n"
		 "\n"
		 "  dedupsim colour --machine z13 --size 4KiB..128MiB\n"
		 "  dedupsim colour -m z10,z13 --synonym L2 --tsv z.tsv\n"
		 "  dedupsim colour -m z13 --kernel 3.12 --memory 256MiB\n",
	.opts = colour_options,
	.run = colour_main,
};
