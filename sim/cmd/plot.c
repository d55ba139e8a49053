/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/cmd/cmd.h"
#include "sim/cmd/figure.h"
#include "sim/cmd/gnuplot.h"

enum format { FORMAT_AUTO, SVG, PDF, PNG, TEX, TSV, BOOKTABS };
static const char *const formats[] = {"auto", "svg", "pdf",	 "png",
				      "tex",  "tsv", "booktabs", NULL};

struct plot_opts {
	const char *out;
	uint64_t format, data;
};

static const struct opt plot_options[] = {
	{OPT_STRING, OPT_FIELD(plot_opts, out, const char *), .letter = 'o',
	 .arg = "FILE",
	 .help = "what to write; must be given; - is standard "
		 "output"},
	{OPT_CHOICE, OPT_FIELD(plot_opts, format, uint64_t), .letter = 'f',
	 .choices = formats,
	 .help = "tex: text by LaTeX over a PDF beside it; tsv: the data only; "
		 "booktabs: the data as a table for LaTeX; auto: as FILE ends"},
	{OPT_BOOL, OPT_FIELD(plot_opts, data, uint64_t), .def = 1, .max = 1,
	 .help = "write the data of a figure beside it, as .tsv"},
	{.type = OPT_END},
};

struct job {
	struct plot_opts o;
	struct figure figure;
	struct figure_input *in;
	size_t n;
	char *text; /* TSV of the figure */
	size_t bytes;
};

/* [LABEL=]FILE; the label ends at the last '=' before any '/'. */
static int add_input(struct job *j, const char *word, struct err *err)
{
	struct figure_input *in = &j->in[j->n];
	const char *eq = NULL;

	for (const char *p = word; *p && *p != '/'; p++)
		eq = *p == '=' ? p : eq;
	in->path = eq ? eq + 1 : word;
	if (!*in->path || eq == word)
		return err_set(err, EINVAL, "\"%s\": expected [LABEL=]FILE",
			       word);
	j->n++;
	if (!eq)
		return 0;
	in->label = mem_zalloc((size_t)(eq - word) + 1, 1);
	if (!in->label)
		return -ENOMEM;
	memcpy(in->label, word, (size_t)(eq - word));
	return 0;
}

/* How FILE ends tells the format. */
static int choose_format(struct job *j, struct err *err)
{
	const char *dot = strrchr(j->o.out, '.');
	uint64_t f = FORMAT_AUTO;

	for (uint64_t i = SVG; dot && i < BOOKTABS; i++)
		if (!strcmp(dot + 1, formats[i]))
			f = i;
	if (j->o.format == FORMAT_AUTO)
		j->o.format = f;
	if (j->o.format == FORMAT_AUTO)
		return err_set(err, EINVAL,
			       "--out %s: ends in none of .svg, .pdf, .png, "
			       ".tex, .tsv, and no --format is given",
			       j->o.out);
	if (j->o.format == TEX && f != TEX)
		return err_set(err, EINVAL,
			       "--out %s: has to end in .tex, as a PDF comes "
			       "beside it",
			       j->o.out);
	return 0;
}

static const char *style(void)
{
	const struct figure_preset *p = figure_presets;

	while (p->name && !figure_is_style(p))
		p++;
	return p->name ? p->text : "";
}

static int put_table(const void *what, FILE *out, struct err *err)
{
	const struct job *j = what;

	return figure_table(&j->figure, j->text, out, err);
}

static int put_data(const void *what, FILE *out, struct err *err)
{
	const struct job *j = what;

	(void)err;
	fwrite(j->text, 1, j->bytes, out);
	return ferror(out) ? -EIO : 0;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* FILE.svg gets FILE.tsv beside it, unless it was drawn from that. */
static int put_data_beside(const struct job *j, struct err *err)
{
	const char *slash = strrchr(j->o.out, '/');
	const char *dot = strrchr(slash ? slash : j->o.out, '.');
	size_t n = dot ? (size_t)(dot - j->o.out) : strlen(j->o.out);
	char *path;
	int ret = 0;

	if (!j->o.data || !strcmp(j->o.out, "-"))
		return 0;
	path = malloc(n + sizeof(".tsv"));
	if (!path)
		return -ENOMEM;
	memcpy(path, j->o.out, n);
	memcpy(path + n, ".tsv", sizeof(".tsv"));
	for (size_t i = 0; i < j->n && path[0]; i++)
		if (same_file(path, j->in[i].path))
			path[0] = '\0';
	if (path[0])
		ret = cmd_write(path, put_data, j, err);
	free(path);
	return ret;
}

static int draw(const struct job *j, struct err *err)
{
	const struct gnuplot_job job = {
		.script = j->figure.text,
		.style = style(),
		.data = j->text,
		.format = formats[j->o.format],
		.out = j->o.out,
	};
	int ret;

	switch ((enum format)j->o.format) {
	case TSV:
		return cmd_write(j->o.out, put_data, j, err);
	case BOOKTABS:
		return cmd_write(j->o.out, put_table, j, err);
	case SVG:
	case PDF:
	case PNG:
	case TEX:
	case FORMAT_AUTO:
		break;
	}
	ret = gnuplot_draw(&job, err);
	return ret ? ret : put_data_beside(j, err);
}

static int words(struct job *j, const struct cmd *self, int argc, char **argv,
		 const char **rest, struct err *err)
{
	int n = 0, ret;

	opt_defaults(self->opts, &j->o);
	ret = opt_parse(self->opts, &j->o, argc, argv, rest, &n, NULL, NULL,
			err);
	if (ret)
		return ret;
	if (n < 2)
		return err_set(err, EINVAL,
			       n ? "no data to draw"
				 : "no figure; `dedupsim list figures` names "
				   "them");
	if (!j->o.out)
		return err_set(err, EINVAL, "--out FILE is missing");
	ret = choose_format(j, err);
	for (int i = 1; !ret && i < n; i++)
		ret = add_input(j, rest[i], err);
	return ret ? ret : figure_find(&j->figure, rest[0], err);
}

static int plot_main(const struct cmd *self, int argc, char **argv,
		     struct err *err)
{
	size_t room = argc > 0 ? (size_t)argc : 1;
	const char **rest = mem_zalloc(room, sizeof(*rest));
	struct job j = {.in = mem_zalloc(room, sizeof(*j.in))};
	int status = EXIT_USAGE, ret = rest && j.in ? 0 : -ENOMEM;

	if (!ret)
		ret = words(&j, self, argc, argv, rest, err);
	if (!ret) {
		status = EXIT_FAILED;
		ret = figure_data(&j.figure, j.in, j.n, &j.text, &j.bytes, err);
	}
	if (!ret)
		ret = draw(&j, err);
	if (ret && !err->text[0])
		err_set(err, -ret, "%s", strerror(-ret));
	err_prefix(err, ret, "plot");
	for (size_t i = 0; j.in && i < j.n; i++)
		free(j.in[i].label);
	free(j.in);
	free(rest);
	free(j.text);
	figure_fini(&j.figure);
	return ret ? status : EXIT_OK;
}

const struct cmd cmd_plot = {
	.name = "plot",
	.args = "FIGURE [LABEL=]FILE...",
	.summary = "Draw a figure, or set it as a table, from TSV files",
	.about = "FIGURE is one of `dedupsim list figures`, or a script of "
		 "gnuplot of that\n"
		 "form. The data of the figure is written beside it as TSV. "
		 "gnuplot does\n"
		 "the drawing; tables need nothing.\n"
		 "\n"
		 "  dedupsim -t vm.trace --timeline vm.tsv\n"
		 "  dedupsim plot timeline vm.tsv -o vm.svg\n"
		 "  dedupsim plot cost old=a.tsv new=b.tsv -o cost.pdf\n"
		 "  dedupsim plot cost a.tsv b.tsv -f booktabs -o cost.tex\n",
	.opts = plot_options,
	.run = plot_main,
};
