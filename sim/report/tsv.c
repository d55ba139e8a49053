/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/version.h"
#include "sim/report/report.h"

static void fact(FILE *out, const char *prefix, const char *key,
		 const char *value)
{
	char k[REPORT_STRING_MAX], v[REPORT_STRING_MAX];

	fprintf(out, "# %s%s\t%s\n", prefix, report_string(key, k, sizeof(k)),
		report_string(value, v, sizeof(v)));
}

static void facts(const struct report *r, FILE *out)
{
	char buf[REPORT_STRING_MAX];

	fact(out, "", "schema", REPORT_SCHEMA);
	fact(out, "", "dedupsim", DEDUPSIM_VERSION);
	fact(out, "", "engine", r->engine);
	fact(out, "", "trace", r->trace);
	fact(out, "", "digest", report_digest(r->digest, buf));
	for (size_t i = 0; i < r->nfacts; i++)
		fact(out, "run.", r->facts[i].key, r->facts[i].value);
	for (const struct opt *o = r->opt_rows; o && o->type != OPT_END; o++)
		fact(out, "option.", o->name,
		     opt_format(o, r->opts, buf, sizeof(buf)));
}

static void table(const struct rows *rows, FILE *out)
{
	char index[16];

	for (size_t i = 0; i < rows->n; i++) {
		const struct row *w = &rows->v[i];

		snprintf(index, sizeof(index), "%" PRId32, w->index);
		fprintf(out, "%s\t%s\t%s\t%s\t%" PRId64 "\n", w->scope, w->name,
			w->index < 0 ? "-" : index, w->unit, w->value);
	}
}

static int tsv_write(const struct report *r, FILE *out, struct err *err)
{
	struct rows meter;
	bool lost;

	rows_init(&meter);
	if (r->meter)
		report_meter_rows(r->meter, &meter);
	lost = meter.failed || r->results->failed ||
	       (r->spaces && r->spaces->failed);
	if (!lost) {
		facts(r, out);
		fputs("scope\tname\tindex\tunit\tvalue\n", out);
		table(r->results, out);
		table(&meter, out);
		if (r->spaces)
			table(r->spaces, out);
	}
	rows_fini(&meter);
	if (lost)
		return err_set(err, ENOMEM, "results: out of memory");
	return ferror(out) ? -EIO : 0;
}

const struct reporter_ops reporter_tsv = {
	.name = "tsv",
	.summary = "one row per result, tab-separated",
	.write = tsv_write,
};
