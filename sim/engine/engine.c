/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/engine/engine.h"

const struct engine_ops *const engines[] = {
#define ENGINE(name) &engine_##name,
#include "sim/engine/engines.def"
#undef ENGINE
	NULL,
};

const struct engine_ops *engine_find(const char *name, struct err *err)
{
	const char *names[sizeof(engines) / sizeof(engines[0])], *near;
	size_t n = 0;

	for (; engines[n]; n++) {
		if (!strcmp(engines[n]->name, name))
			return engines[n];
		names[n] = engines[n]->name;
	}
	near = text_nearest(name, names, n);
	if (near)
		err_set(err, EINVAL, "no engine \"%s\"; did you mean \"%s\"?",
			name, near);
	else
		err_set(err, EINVAL,
			"no engine \"%s\"; `dedupsim list` names them all",
			name);
	return NULL;
}

int engine_rows(const struct engine_ops *ops, const void *opts,
		struct opt **out)
{
	const struct opt *row = ops->opts;
	size_t n = 0;

	*out = NULL;
	if (!row)
		return 0;
	while (row[n].type != OPT_END)
		n++;
	*out = mem_zalloc(n + 1, sizeof(**out));
	if (!*out)
		return -ENOMEM;
	for (n = 0; row->type != OPT_END; row++)
		if (!ops->has || !ops->has(opts, row, NULL))
			(*out)[n++] = *row;
	(*out)[n] = *row;
	return 0;
}

int engine_check_ops(const struct engine_ops *ops, struct err *err)
{
	const struct {
		bool there;
		const char *name;
	} must[] = {
		{ops->name, "name"},	     {ops->summary, "summary"},
		{ops->start, "start"},	     {ops->notice, "notice"},
		{ops->progress, "progress"}, {ops->report, "report"},
		{ops->check, "check"},	     {ops->stop, "stop"},
	};

	for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++)
		if (!must[i].there)
			return err_set(err, EINVAL, "engine %s lacks %s",
				       ops->name ? ops->name : "(unnamed)",
				       must[i].name);
	if (ops->opts)
		return opt_check_rows(ops->opts, ops->opts_size, err);
	return 0;
}

void engine_report_saved(struct rows *out, uint64_t saved_pages,
			 uint64_t zero_pages, uint64_t metadata_bytes)
{
	rows_add(out, "saved", "saved_pages", "pages", (int64_t)saved_pages);
	rows_add(out, "saved", "zero_pages", "pages", (int64_t)zero_pages);
	rows_add(out, "saved", "metadata_bytes", "bytes",
		 (int64_t)metadata_bytes);
}
