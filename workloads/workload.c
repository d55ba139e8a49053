/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "workloads/workload.h"

const struct workload_ops *const workloads[] = {
#define WORKLOAD(name) &workload_##name,
#include "workloads/workloads.def"
#undef WORKLOAD
	NULL,
};

static const struct workload_ops *find(const char *name, struct err *err)
{
	const char *names[sizeof(workloads) / sizeof(workloads[0])], *near;
	size_t n = 0;

	for (; workloads[n]; n++) {
		if (!strcmp(workloads[n]->name, name))
			return workloads[n];
		names[n] = workloads[n]->name;
	}
	near = text_nearest(name, names, n);
	err_set(err, EINVAL, "no workload \"%s\"; %s \"%s\"%s", name,
		near ? "did you mean" : "there is", near ? near : names[0],
		near ? "?" : "");
	return NULL;
}

/* KEY=VALUE,KEY=VALUE; @words is cut. */
static int parse(const struct workload_ops *ops, void *opts, char *words,
		 struct err *err)
{
	int ret = 0;

	while (!ret && words && *words) {
		char *next = strchr(words, ','), *eq;

		if (next)
			*next++ = 0;
		eq = strchr(words, '=');
		if (!eq)
			return err_set(
				err, EINVAL,
				"workload %s: \"%s\": expected KEY=VALUE",
				ops->name, words);
		*eq = 0;
		ret = opt_set(ops->opts, opts, words, eq + 1, err);
		if (ret)
			err_prefix(err, ret, "workload %s", ops->name);
		words = next;
	}
	return ret;
}

int workload_start(struct workload **out, const char *words, uint64_t seed,
		   struct err *err)
{
	size_t n = strlen(words);
	char *copy = malloc(n + 1), *colon;
	const struct workload_ops *ops;
	void *opts = NULL;
	int ret = -EINVAL;

	if (!copy)
		return -ENOMEM;
	memcpy(copy, words, n + 1);
	colon = strchr(copy, ':');
	if (colon)
		*colon++ = 0;
	ops = find(copy, err);
	if (!ops)
		goto out;
	opts = mem_zalloc(1, ops->opts_size);
	ret = opts ? 0 : -ENOMEM;
	if (ret)
		goto out;
	opt_defaults(ops->opts, opts);
	ret = parse(ops, opts, colon, err);
	if (!ret)
		ret = ops->start(out, opts, seed, err);
out:
	free(opts);
	free(copy);
	return ret;
}

void workload_stop(struct workload *w)
{
	if (w)
		w->ops->stop(w);
}

struct content_source workload_source(struct workload *w)
{
	return (struct content_source){
		.self = w,
		.count = w->contents,
		.bytes = w->ops->bytes,
		.sparse = w->ops->sparse,
	};
}
