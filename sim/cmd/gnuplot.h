/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gnuplot.h - have gnuplot draw one figure
 *
 * It works in a directory of its own, which is gone afterwards, with the user's
 * settings left out, so that same data gives same bytes; what it made appears
 * under its final name as every result file does.
 */
#ifndef DEDUPSIM_CMD_GNUPLOT_H
#define DEDUPSIM_CMD_GNUPLOT_H

#include <stddef.h>

#include "sim/base/err.h"

struct gnuplot_job {
	const char *script; /* of the figure */
	const char *style;  /* plots/style.gp, for it to load */
	const char *data;   /* TSV */
	const char *format; /* svg, pdf, png, tex */
	const char *out;    /* ends in .FORMAT, or is "-"; beside NAME.tex comes
			       NAME.pdf */
};

/*
 * gnuplot_draw - @job->out is written when all went well
 * Returns 0; -ENOENT when there is no gnuplot; -EINVAL with what gnuplot says;
 * errors of files; -ENOMEM.
 */
int gnuplot_draw(const struct gnuplot_job *job, struct err *err);

/* gnuplot_undate - overwrite the time at which a PDF was made */
void gnuplot_undate(char *pdf, size_t n);

#endif
