/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/os.h"
#include "sim/base/text.h"
#include "sim/cmd/cmd.h"
#include "sim/run/scenario.h"

#define SCENARIO_BYTES_MAX (UINT64_C(1) << 30)

struct scenario_cmd_opts {
	const char *out, *as;
	uint64_t paranoid;
};

static const struct opt scenario_options[] = {
	{OPT_STRING, OPT_FIELD(scenario_cmd_opts, out, const char *),
	 .letter = 'o', .arg = "FILE", .help = "write the rows to FILE"},
	{OPT_STRING, OPT_FIELD(scenario_cmd_opts, as, const char *),
	 .arg = "LANGUAGE",
	 .help = "language of the file, when its first line does not tell: "
		 "ksm, zram"},
	{OPT_STRING, .name = "set", .offset = OPT_MULTI, .letter = 's',
	 .arg = "KEY=VALUE",
	 .help = "a tunable of ksm from boot on, as version=6.1; may be "
		 "repeated"},
	{OPT_BOOL, OPT_FIELD(scenario_cmd_opts, paranoid, uint64_t), .max = 1,
	 .help = "check every invariant after every operation"},
	{.type = OPT_END},
};

/* Which language?  The file's first line tells, unless the user does. */
static const struct scenario_language *
language(const char *path, const char *text, const char *as, struct err *err)
{
	const struct scenario_language *l;

	if (as)
		return scenario_language_named(as);
	l = scenario_language_of(text);
	if (!l)
		err_set(err, EINVAL,
			"%s: the first line is neither `scenario ID` nor "
			"`# zram`; --as says which language this is",
			path);
	return l;
}

/* "ksm, zram", for messages. */
static const char *language_names(char *buf, size_t n)
{
	size_t used = 0;

	buf[0] = '\0';
	for (const struct scenario_language *l = scenario_languages;
	     l->name && used < n; l++)
		used += (size_t)snprintf(buf + used, n - used, "%s%s",
					 used ? ", " : "", l->name);
	return buf;
}

static int run_file(const char *path, const struct scenario_cmd_opts *o,
		    const char *const *set, struct err *err)
{
	struct scenario_opts opts = {.paranoid = o->paranoid != 0, .set = set};
	const struct scenario_language *l;
	struct os_out out;
	char *text;
	size_t n;
	int ret = os_read_all(path, SCENARIO_BYTES_MAX, &text, &n, err);

	if (ret)
		return ret;
	l = language(path, text, o->as, err);
	ret = l ? 0 : -EINVAL;
	if (!ret)
		ret = os_out_open(&out, o->out ? o->out : "-", err);
	if (ret)
		goto free;
	ret = l->run(path, text, n, &opts, out.f, err);
	ret = os_out_end(&out, ret, err);
free:
	free(text);
	return ret;
}

/* Names and values in turn; the names are copies. */
struct settings {
	const char **word;
	size_t n;
};

static int add_setting(void *ctx, const struct opt *row, const char *value,
		       struct err *err)
{
	struct settings *s = ctx;
	const char *eq = strchr(value, '=');

	(void)row;
	if (!eq)
		return err_set(err, EINVAL, "--set %s: expected KEY=VALUE",
			       value);
	s->word[s->n] = strndup(value, (size_t)(eq - value));
	if (!s->word[s->n])
		return -ENOMEM;
	s->word[s->n + 1] = eq + 1;
	s->n += 2;
	return 0;
}

static void settings_fini(struct settings *s)
{
	for (size_t i = 0; s->word && i < s->n; i += 2)
		free((char *)(uintptr_t)s->word[i]);
	free(s->word);
}

static int scenario_run_cmd(const struct cmd *self, int argc, char **argv,
			    struct err *err)
{
	struct scenario_cmd_opts o = {0};
	const char **rest = calloc((size_t)argc + 1, sizeof(*rest));
	struct settings set = {
		.word = calloc(2 * (size_t)argc + 1, sizeof(*set.word)),
	};
	int n = 0, ret, status = EXIT_USAGE;
	char names[64];

	if (!rest || !set.word) {
		err_set(err, ENOMEM, "out of memory");
		free(rest);
		settings_fini(&set);
		return EXIT_FAILED;
	}
	opt_defaults(self->opts, &o);
	ret = opt_parse(self->opts, &o, argc, argv, rest, &n, add_setting, &set,
			err);
	if (!ret && n != 1)
		ret = err_set(err, EINVAL, "scenario takes one FILE");
	if (!ret && o.as && !scenario_language_named(o.as))
		ret = err_set(err, EINVAL,
			      "--as: no language \"%s\"; there are %s", o.as,
			      language_names(names, sizeof(names)));
	if (!ret) {
		ret = run_file(rest[0], &o, set.word, err);
		status = EXIT_FAILED;
	}
	if (ret && !err->text[0])
		err_set(err, -ret, "%s: %s", n ? rest[0] : "scenario",
			err_text(NULL, ret));
	free(rest);
	settings_fini(&set);
	return ret ? status : EXIT_OK;
}

const struct cmd cmd_scenario = {
	.name = "scenario",
	.args = "FILE",
	.summary = "Run small programs of operations and print counters",
	.about = "One row of counters per `snap`, or per step, as TSV.  The "
		 "language\n"
		 "of ksm:\n"
		 "\n"
		 "  scenario ID         a new one begins, as after boot\n"
		 "  set NAME VALUE      write a tunable\n"
		 "  start W, exit W, fork W CHILD\n"
		 "  map W LO HI         also maphuge mapshared unmap dontneed\n"
		 "                      mergeable unmergeable read readonly "
		 "pin\n"
		 "                      unpin\n"
		 "  fill W LO HI RULE V0 STEP MOD\n"
		 "                      page p gets RULE of V0 + ((p - LO) * "
		 "STEP)\n"
		 "                      [% MOD]; rules: id zero last1 last8 "
		 "key\n"
		 "  scan, batch N       one full scan, one batch of N pages\n"
		 "  snap STEP           print a row\n"
		 "\n"
		 "The language of zram, whose first line begins with `# zram`; "
		 "one\n"
		 "step of a vector per line:\n"
		 "\n"
		 "  VECTOR STEP OP SLOTS SIZES\n"
		 "                      OP: init write discard zeroout compact "
		 "limit\n"
		 "                      resetmax; lists as 3,5-9,10-20/2 and "
		 "4096,500*3;\n"
		 "                      - is none\n",
	.opts = scenario_options,
	.run = scenario_run_cmd,
};
