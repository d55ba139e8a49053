/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/base/text.h"
#include "bench/suite.h"

const struct experiment_ops *const experiments[] = {
#define EXPERIMENT(name) &experiment_##name,
#include "bench/experiments.def"
#undef EXPERIMENT
	NULL,
};

static const struct experiment_ops *find(const char *name, struct err *err)
{
	const char *names[sizeof(experiments) / sizeof(experiments[0])], *near;
	size_t n = 0;

	for (; experiments[n]; n++) {
		if (!strcmp(experiments[n]->name, name))
			return experiments[n];
		names[n] = experiments[n]->name;
	}
	near = text_nearest(name, names, n);
	if (near)
		err_set(err, EINVAL,
			"no experiment \"%s\"; did you mean \"%s\"?", name,
			near);
	else
		err_set(err, EINVAL, "no experiment \"%s\"", name);
	return NULL;
}

static int set_word(const struct suite_line *l, char *word, struct err *err)
{
	char *eq = strchr(word, '=');

	if (!eq || eq == word)
		return err_set(err, EINVAL, "\"%s\": expected KEY=VALUE", word);
	*eq = 0;
	return opt_set(l->ops->opts, l->opts, word, eq + 1, err);
}

static int check_line(const struct suite *s, struct suite_line *l,
		      struct err *err)
{
	size_t kind = strlen(l->ops->name);
	int ret = l->ops->check ? l->ops->check(l->opts, err) : 0;

	if (ret)
		return ret;
	memcpy(l->label, l->ops->name, kind);
	l->label[kind] = '/';
	l->ops->label(l->opts, l->label + kind + 1,
		      sizeof(l->label) - kind - 1);
	for (size_t i = 0; i < s->n; i++)
		if (!strcmp(s->line[i].label, l->label))
			return err_set(err, EINVAL, "%s is there twice",
				       l->label);
	return 0;
}

static int add_line(struct suite *s, char **word, int n, struct err *err)
{
	struct suite_line l = {.ops = find(word[0], err)};
	int ret;

	if (!l.ops)
		return -EINVAL;
	if (s->n == SUITE_LINES_MAX)
		return err_set(err, E2BIG, "more than %u experiments",
			       SUITE_LINES_MAX);
	ret = mem_reserve(&s->line, &s->cap, s->n + 1, sizeof(*s->line));
	if (ret)
		return ret;
	l.opts = mem_zalloc(1, l.ops->opts_size);
	if (!l.opts)
		return -ENOMEM;
	opt_defaults(l.ops->opts, l.opts);
	for (int i = 1; i < n && !ret; i++)
		ret = set_word(&l, word[i], err);
	if (!ret)
		ret = check_line(s, &l, err);
	if (ret)
		free(l.opts);
	else
		s->line[s->n++] = l;
	return ret;
}

int suite_parse(struct suite *s, const char *name, const char *text, size_t n,
		struct err *err)
{
	char *word[SUITE_WORDS_MAX], *p, *line;
	unsigned number = 0;
	int ret = 0, words;

	*s = (struct suite){0};
	if (n > SUITE_BYTES_MAX)
		return err_set(err, EFBIG, "%s: longer than %zu bytes", name,
			       SUITE_BYTES_MAX);
	s->text = malloc(n + 1);
	if (!s->text)
		return -ENOMEM;
	if (n)
		memcpy(s->text, text, n);
	p = s->text;
	while (!ret && (line = text_line(&p, s->text + n))) {
		number++;
		words = text_words(line, word, SUITE_WORDS_MAX);
		if (words > SUITE_WORDS_MAX)
			ret = err_set(err, E2BIG, "more than %d words",
				      SUITE_WORDS_MAX);
		else if (words)
			ret = add_line(s, word, words, err);
		err_prefix(err, ret, "%s:%u", name, number);
	}
	if (ret)
		suite_fini(s);
	return ret;
}

int suite_find(struct suite *s, const char *name, struct err *err)
{
	char *text;
	size_t n;
	int ret;

	for (size_t i = 0; bench_presets[i].name; i++)
		if (!strcmp(bench_presets[i].name, name))
			return suite_parse(s, name, bench_presets[i].text,
					   strlen(bench_presets[i].text), err);
	*s = (struct suite){0};
	ret = os_read_all(name, SUITE_BYTES_MAX, &text, &n, err);
	if (ret)
		return ret;
	ret = suite_parse(s, name, text, n, err);
	free(text);
	return ret;
}

void suite_fini(struct suite *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->line[i].opts);
	mem_release(s->line, s->cap, sizeof(*s->line));
	free(s->text);
	*s = (struct suite){0};
}
