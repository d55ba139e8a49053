/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/run/scenario_impl.h"

static const struct {
	const char *word;
	int operands;
} ops[DO_COUNT] = {
#define X(sym, word, n) [DO_##sym] = {word, n},
	OPS(X)
#undef X
};

int scenario_say(const struct scenario *sc, int line, const char *what,
		 const char *word)
{
	return err_set(sc->err, EINVAL, "%s:%d: %s%s%s%s", sc->file, line, what,
		       word ? " \"" : "", word ? word : "", word ? "\"" : "");
}

static int number(const struct scenario *sc, int line, const char *word,
		  uint64_t max, uint64_t *out)
{
	if (!text_u64(word, out) || *out > max)
		return scenario_say(sc, line, "not a number in range:", word);
	return 0;
}

static int worker(const struct scenario *sc, int line, const char *word,
		  uint32_t *out)
{
	uint64_t w;
	int ret = number(sc, line, word, WORKERS - 1, &w);

	*out = (uint32_t)w;
	return ret;
}

static int fill_value(const struct scenario *sc, struct op *op, char **word)
{
	int ret = 0;

	for (op->rule = 0; page_rule_name(op->rule); op->rule++)
		if (!strcmp(page_rule_name(op->rule), word[0]))
			break;
	if (!page_rule_name(op->rule))
		return scenario_say(sc, op->line, "no such rule:", word[0]);
	ret = number(sc, op->line, word[1], UINT64_MAX, &op->v0);
	if (!ret)
		ret = number(sc, op->line, word[2], UINT64_MAX, &op->step);
	if (!ret)
		ret = number(sc, op->line, word[3], UINT64_MAX, &op->mod);
	return ret;
}

/* Enter the contents of a fill; runs of one content are made once. */
static int fill_contents(struct scenario *sc, struct op *op)
{
	uint8_t page[PAGE_BYTES];
	uint64_t last = 0;
	uint32_t id = 0;
	int ret = 0;

	if (sc->nids + (op->hi - op->lo) > FILLED_MAX)
		return scenario_say(sc, op->line,
				    "more pages filled than a scenario may",
				    NULL);
	if (mem_reserve(&sc->ids, &sc->ids_cap,
			sc->nids + (size_t)(op->hi - op->lo), sizeof(*sc->ids)))
		return -ENOMEM;
	op->pages = sc->nids;
	for (uint64_t p = op->lo; p < op->hi; p++) {
		uint64_t off = (p - op->lo) * op->step;
		uint64_t v = op->v0 + (op->mod ? off % op->mod : off);

		if (p == op->lo || v != last) {
			page_fill(page, (enum page_rule)op->rule, v);
			ret = page_store_add(&sc->store, page, &id);
		}
		if (ret == -ENOSPC)
			return scenario_say(
				sc, op->line,
				"more contents than a scenario may have", NULL);
		if (ret < 0)
			return ret;
		last = v;
		sc->ids[sc->nids++] = id;
	}
	return 0;
}

static int parse_range(struct scenario *sc, struct op *op, char **word)
{
	bool may_be_empty = op->kind == DO_UNPIN;
	int ret = number(sc, op->line, word[0], PAGES_MAX, &op->lo);

	if (!ret)
		ret = number(sc, op->line, word[1], PAGES_MAX, &op->hi);
	if (!ret && op->lo >= op->hi && !may_be_empty)
		ret = scenario_say(sc, op->line, "an empty range of pages",
				   NULL);
	return ret;
}

static int parse_op(struct scenario *sc, struct op *op, char **word)
{
	uint32_t child;
	int ret = 0;

	switch ((enum op_kind)op->kind) {
	case DO_SET:
		op->key = word[1];
		op->value = word[2];
		return 0;
	case DO_SCAN:
		return 0;
	case DO_BATCH:
	case DO_SNAP:
		return number(sc, op->line, word[1], UINT32_MAX, &op->lo);
	case DO_START:
	case DO_EXIT:
		return worker(sc, op->line, word[1], &op->w);
	case DO_FORK:
		ret = worker(sc, op->line, word[1], &op->w);
		if (!ret)
			ret = worker(sc, op->line, word[2], &child);
		if (!ret)
			op->lo = child;
		return ret;
	case DO_FILL:
	case DO_MAP:
	case DO_MAPHUGE:
	case DO_MAPSHARED:
	case DO_UNMAP:
	case DO_DONTNEED:
	case DO_MERGEABLE:
	case DO_UNMERGEABLE:
	case DO_READ:
	case DO_READONLY:
	case DO_PIN:
	case DO_UNPIN:
		ret = worker(sc, op->line, word[1], &op->w);
		if (!ret)
			ret = parse_range(sc, op, &word[2]);
		if (ret || op->kind != DO_FILL)
			return ret;
		ret = fill_value(sc, op, &word[4]);
		return ret ? ret : fill_contents(sc, op);
	case DO_COUNT:
		break;
	}
	return -EINVAL;
}

static int parse_line(struct scenario *sc, int line, char **word, int n)
{
	struct op op = {.line = line};
	int ret;

	while (op.kind < DO_COUNT && strcmp(ops[op.kind].word, word[0]))
		op.kind++;
	if (op.kind == DO_COUNT) {
		const char *names[DO_COUNT], *near;

		for (int i = 0; i < DO_COUNT; i++)
			names[i] = ops[i].word;
		near = text_nearest(word[0], names, DO_COUNT);
		return err_set(sc->err, EINVAL,
			       "%s:%d: no operation \"%s\"%s%s%s", sc->file,
			       line, word[0], near ? "; did you mean \"" : "",
			       near ? near : "", near ? "\"?" : "");
	}
	if (n - 1 != ops[op.kind].operands)
		return err_set(sc->err, EINVAL,
			       "%s:%d: %s takes %d operands, not %d", sc->file,
			       line, word[0], ops[op.kind].operands, n - 1);
	ret = parse_op(sc, &op, word);
	if (ret)
		return ret;
	if (mem_reserve(&sc->op, &sc->op_cap, sc->nop + 1, sizeof(*sc->op)))
		return -ENOMEM;
	sc->op[sc->nop++] = op;
	return 0;
}

int scenario_read(struct scenario *sc, char **p, char *end, int *line,
		  char **next)
{
	char *word[10], *s;
	int n, ret = 0;

	*next = NULL;
	while (!ret && (s = text_line(p, end))) {
		++*line;
		n = text_words(s, word, 9);
		if (!n)
			continue;
		if (!strcmp(word[0], "scenario")) {
			if (n != 2)
				return scenario_say(sc, *line,
						    "scenario takes a name",
						    NULL);
			*next = word[1];
			return 0;
		}
		if (!sc->id)
			return scenario_say(sc, *line,
					    "expected: scenario ID, not",
					    word[0]);
		ret = parse_line(sc, *line, word, n);
	}
	return ret;
}
