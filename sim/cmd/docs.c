/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * docs.c - the manual, from the same rows that parse the options
 *
 * One walk over commands, engines and readers; a form says how a heading, a
 * paragraph and a table of options look.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/version.h"
#include "sim/cmd/cmd.h"
#include "sim/engine/engine.h"
#include "traces/import.h"
#include "traces/trace.h"

struct form {
	void (*start)(void);
	void (*heading)(int level, const char *text);
	void (*line)(const char *s, size_t n); /* of running text */
	void (*verbatim)(bool begin);
	void (*gap)(void); /* between paragraphs */
	void (*usage)(const char *text);
	void (*options)(const struct opt *rows, bool dashes);
	void (*entry)(const char *name, const char *text, const char *source);
};

/* "--max-page-sharing N" as an option, "max_page_sharing" as a tunable */
static const char *option_name(const struct opt *o, bool dashes, char *buf,
			       size_t n)
{
	snprintf(buf, n, "%s%s%s%s", dashes ? "--" : "", o->name,
		 o->arg ? " " : "", o->arg ? o->arg : "");
	for (char *p = buf; dashes && *p && *p != ' '; p++)
		if (*p == '_')
			*p = '-';
	return buf;
}

/* ---- man ---- */

static void man_text(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] == '\\')
			fputs("\\e", stdout);
		else if (s[i] == '-')
			fputs("\\-", stdout);
		else
			putchar(s[i]);
}

static void man_line(const char *s, size_t n)
{
	if (n && (s[0] == '.' || s[0] == '\''))
		fputs("\\&", stdout);
	man_text(s, n);
	putchar('\n');
}

static void man_start(void)
{
	puts(".TH DEDUPSIM 1 \"\" \"dedupsim " DEDUPSIM_VERSION "\" "
	     "\"User Commands\"\n"
	     ".SH NAME\n"
	     "dedupsim \\- replay recordings of memory contents through "
	     "memory\\-saving engines\n"
	     ".SH SYNOPSIS\n"
	     ".B dedupsim\n"
	     "\\-\\-engine NAME \\-\\-trace FILE [options]\n"
	     ".br\n"
	     ".B dedupsim\n"
	     "COMMAND [options] [operands]");
}

static void man_heading(int level, const char *text)
{
	fputs(level == 1 ? ".SH " : ".SS ", stdout);
	for (; *text; text++)
		if (level == 1 && *text >= 'a' && *text <= 'z')
			putchar(*text - 'a' + 'A');
		else
			man_text(text, 1);
	putchar('\n');
}

static void man_verbatim(bool begin)
{
	puts(begin ? ".PP\n.nf" : ".fi");
}

static void man_gap(void)
{
	puts(".PP");
}

static void man_usage(const char *text)
{
	fputs(".B ", stdout);
	man_line(text, strlen(text));
}

static void man_entry(const char *name, const char *text, const char *source)
{
	fputs(".TP\n.B ", stdout);
	man_line(name, strlen(name));
	man_line(text, strlen(text));
	if (!source)
		return;
	puts(".br");
	man_text("Source: ", 8);
	man_line(source, strlen(source));
}

static void man_options(const struct opt *rows, bool dashes)
{
	char def[64], range[256], name[128];

	for (; rows->type != OPT_END; rows++) {
		man_entry(option_name(rows, dashes, name, sizeof(name)),
			  rows->help, rows->source);
		cmd_opt_default(rows, def, sizeof(def));
		cmd_opt_range(rows, range, sizeof(range));
		if (!def[0] && !range[0])
			continue;
		puts(".br");
		if (def[0]) {
			printf("Default: ");
			man_text(def, strlen(def));
			if (rows->unit && rows->type == OPT_U64)
				printf(" %s", rows->unit);
			fputs(range[0] ? ". " : ".", stdout);
		}
		if (range[0]) {
			printf("Values: ");
			man_text(range, strlen(range));
			putchar('.');
		}
		putchar('\n');
	}
}

static const struct form man = {
	man_start, man_heading, man_line,    man_verbatim,
	man_gap,   man_usage,	man_options, man_entry,
};

/* ---- Markdown ---- */

static void md_start(void)
{
	puts("# Commands, engines and their options\n"
	     "\n"
	     "Written by `make docs` from the tables in the program; "
	     "`make test` checks that it is\n"
	     "current.  Do not edit.");
}

static void md_heading(int level, const char *text)
{
	printf("\n%s %s\n\n", level == 1 ? "##" : "###", text);
}

static void md_line(const char *s, size_t n)
{
	printf("%.*s\n", (int)n, s);
}

static void md_verbatim(bool begin)
{
	puts(begin ? "\n```" : "```");
}

static void md_gap(void)
{
	putchar('\n');
}

static void md_usage(const char *text)
{
	printf("    %s\n", text);
}

/* A cell of a table: a bar would end it. */
static void md_cell(const char *s)
{
	fputs("| ", stdout);
	for (; s && *s; s++) {
		if (*s == '|')
			putchar('\\');
		putchar(*s);
	}
	putchar(' ');
}

static void md_options(const struct opt *rows, bool dashes)
{
	char def[64], range[256], name[128], code[132];

	puts("\n| name | default | values | unit | what it is | source |\n"
	     "|---|---|---|---|---|---|");
	for (; rows->type != OPT_END; rows++) {
		option_name(rows, dashes, name, sizeof(name));
		snprintf(code, sizeof(code), "`%s`", name);
		md_cell(code);
		md_cell(cmd_opt_default(rows, def, sizeof(def)));
		md_cell(cmd_opt_range(rows, range, sizeof(range)));
		md_cell(rows->unit);
		md_cell(rows->help);
		md_cell(rows->source);
		puts("|");
	}
}

static void md_entry(const char *name, const char *text, const char *source)
{
	printf("- `%s`: %s", name, text);
	if (source)
		printf(" (%s)", source);
	putchar('\n');
}

static const struct form markdown = {
	md_start, md_heading, md_line,	  md_verbatim,
	md_gap,	  md_usage,   md_options, md_entry,
};

/* ---- the walk ---- */

/* Paragraphs apart by empty lines; one that begins with a blank is verbatim. */
static void write_about(const struct form *f, const char *s)
{
	bool fresh = true, raw = false;

	while (*s) {
		size_t n = strcspn(s, "\n");

		if (!n) {
			if (raw)
				f->verbatim(false);
			raw = false;
			fresh = true;
		} else {
			if (fresh && (s[0] == ' ' || s[0] == '\t')) {
				f->verbatim(true);
				raw = true;
			} else if (fresh) {
				f->gap();
			}
			f->line(s, n);
			fresh = false;
		}
		s += n + (s[n] == '\n');
	}
	if (raw)
		f->verbatim(false);
}

static void write_command(const struct form *f, const char *parent,
			  const struct cmd *c)
{
	char name[64], usage[256];
	bool args = c->args && c->args[0];

	snprintf(name, sizeof(name), "%s%s%s", parent, parent[0] ? " " : "",
		 c->name);
	snprintf(usage, sizeof(usage), "dedupsim %s%s%s%s%s", name,
		 c->opts ? " [options]" : "", c->subs ? " COMMAND" : "",
		 args ? " " : "", args ? c->args : "");
	f->heading(2, name);
	f->usage(usage);
	f->gap();
	snprintf(usage, sizeof(usage), "%s.", c->summary);
	f->line(usage, strlen(usage));
	if (c->about)
		write_about(f, c->about);
	if (c->opts && c->opts->type != OPT_END)
		f->options(c->opts, true);
	for (const struct cmd *s = c->subs; s && s->name; s++)
		write_command(f, c->name, s);
}

static void write_engine(const struct form *f, const struct engine_ops *e)
{
	f->heading(2, e->name);
	f->line(e->summary, strlen(e->summary));
	if (e->source) {
		f->gap();
		f->line("Source:", 7);
		f->line(e->source, strlen(e->source));
	}
	if (e->opts && e->opts->type != OPT_END)
		f->options(e->opts, false);
}

static void write_all(const struct form *f)
{
	f->start();
	f->heading(1, "Commands");
	for (size_t i = 0; cmds[i]; i++)
		write_command(f, "", cmds[i]);
	f->heading(1, "Engines");
	f->line("Tunables are set with --set NAME=VALUE.", 39);
	for (size_t i = 0; engines[i]; i++)
		write_engine(f, engines[i]);
	f->heading(1, "Trace formats");
	for (size_t i = 0; trace_readers[i]; i++)
		f->entry(trace_readers[i]->name, trace_readers[i]->summary,
			 NULL);
	f->heading(1, "Import");
	for (size_t i = 0; importers[i]; i++)
		f->entry(importers[i]->name, importers[i]->summary, NULL);
	f->heading(1, "Exit status");
	f->entry("0", "all went well", NULL);
	f->entry("1", "a file, the disk or memory failed; one line says where",
		 NULL);
	f->entry("2", "an unknown name, or a value out of range", NULL);
}

enum { DOCS_MAN, DOCS_MARKDOWN };

struct docs_opts {
	uint64_t format;
};

static const char *const docs_formats[] = {"man", "markdown", NULL};

static const struct opt docs_options[] = {
	{OPT_CHOICE, OPT_FIELD(docs_opts, format, uint64_t), .def = DOCS_MAN,
	 .choices = docs_formats, .help = "what to write"},
	{.type = OPT_END},
};

static int docs_run(const struct cmd *self, int argc, char **argv,
		    struct err *err)
{
	struct docs_opts o = {0};

	opt_defaults(self->opts, &o);
	if (opt_parse(self->opts, &o, argc, argv, NULL, NULL, NULL, NULL, err))
		return EXIT_USAGE;
	write_all(o.format == DOCS_MAN ? &man : &markdown);
	return EXIT_OK;
}

const struct cmd cmd_docs = {
	.name = "docs",
	.args = "",
	.summary = "write the manual: every command, engine and option",
	.about = "The manual page (--format man) or docs/OPTIONS.md (--format\n"
		 "markdown), made from the tables that the program itself uses.\n",
	.opts = docs_options,
	.run = docs_run,
};
