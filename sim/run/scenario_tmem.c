/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The language is described in scenario.h.  Pages are read in a first pass over
 * the text, because their order must be known before anything is stored.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "sim/run/scenario_tmem.h"

#define WORDS 64
#define ARGS 6u

int tmem_say(struct tmem_script *sc, const char *what, const char *word)
{
	return err_set(sc->err, EINVAL, "%s:%d: %s \"%s\"", sc->file, sc->line,
		       what, word);
}

/* ---- answers ---- */

void tmem_answer(struct tmem_script *sc, const char *statement,
		 const char *told)
{
	bool same = told && !strcmp(told, sc->got);

	fprintf(sc->out, "%s\t%d\t%s\t%s\t%s\t%s\n", sc->vector, sc->line,
		statement, sc->got, told ? told : "-",
		!told  ? "-"
		: same ? "same"
		       : "differs");
	sc->told += told != NULL;
	sc->differ += told && !same;
}

static int check(const struct tmem_script *sc)
{
	int ret = 0;

	if (sc->opts->paranoid && sc->host)
		ret = tmem_check(sc->host, stderr);
	return ret == -EINVAL ? err_set(sc->err, EINVAL,
					"%s:%d: an invariant is broken",
					sc->file, sc->line)
			      : ret;
}

/* ---- hosts ---- */

static int revision_of(struct tmem_script *sc, const char *word,
		       struct tmem_config *cfg)
{
	if (word[0] != 'R' || word[1] < '0' || word[1] > '4' || word[2])
		return tmem_say(sc, "expected R0 to R4, not", word);
	cfg->revision = (enum tmem_revision)(word[1] - '0');
	return 0;
}

/* "NAME=shipped" or "NAME=repaired" of a defect; false: no such word. */
static bool defect_word(const char *word, struct tmem_config *cfg)
{
	static const char *const name[] = {
#define X(sym, name, first, last, help) #name,
		TMEM_DEFECTS(X)
#undef X
	};

	for (unsigned d = 0; d < TMEM_DEFECT_COUNT; d++) {
		size_t n = strlen(name[d]);

		if (strncmp(word, name[d], n) || word[n] != '=')
			continue;
		cfg->shipped[d] = !strcmp(word + n + 1, "as_shipped");
		return cfg->shipped[d] || !strcmp(word + n + 1, "repaired");
	}
	return false;
}

static bool number_word(const char *word, const char *name, uint32_t *out)
{
	size_t n = strlen(name);
	uint64_t v;

	if (strncmp(word, name, n) || word[n] != '=' ||
	    !text_u64(word + n + 1, &v) || v > UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

static int host_word(struct tmem_script *sc, const char *word,
		     struct tmem_config *cfg)
{
	if (!strcmp(word, "as_shipped") || !strcmp(word, "repaired"))
		for (unsigned d = 0; d < TMEM_DEFECT_COUNT; d++)
			cfg->shipped[d] = word[0] == 'a';
	else if (!strcmp(word, "alone"))
		cfg->dedup = false;
	else if (!strcmp(word, "tze"))
		cfg->tze = true;
	else if (!strcmp(word, "compress"))
		cfg->compress = true;
	else if (!number_word(word, "frames", &cfg->frames) &&
		 !number_word(word, "weight", &cfg->weight) &&
		 !number_word(word, "room", &cfg->guest_room) &&
		 !defect_word(word, cfg))
		return tmem_say(sc, "not a property of a host:", word);
	return 0;
}

static int do_host(struct tmem_script *sc, char **word, int words)
{
	struct tmem_config cfg = {
		.dedup = true,
		.guest_room = UINT32_MAX,
	};
	int ret;

	if (words < 2)
		return tmem_say(sc, "expected: host REVISION …, not", word[0]);
	ret = revision_of(sc, word[1], &cfg);
	for (int i = 2; !ret && i < words; i++)
		ret = host_word(sc, word[i], &cfg);
	if (ret)
		return ret;
	cfg.columns = (struct tmem_columns){
		.set = sc->pages.set,
		.order = cfg.revision < TMEM_R2 ? sc->pages.set->word_rank
						: sc->pages.set->rank,
		.length = sc->pages.set->length,
		.packed_bytes = sc->pages.packed_bytes,
		.packed_first = sc->pages.packed_first,
		.packed_order = sc->pages.packed_order,
	};
	tmem_free(sc->host);
	sc->host = NULL;
	return tmem_new(&sc->host, &cfg);
}

static int do_vector(struct tmem_script *sc, char **word, int words)
{
	if (words != 2 || strlen(word[1]) >= sizeof(sc->vector))
		return tmem_say(sc, "expected: vector NAME, not", word[0]);
	memcpy(sc->vector, word[1], strlen(word[1]) + 1);
	tmem_free(sc->host);
	sc->host = NULL;
	tmem_zcache_fini(sc);
	return 0;
}

/* ---- calls ---- */

/* "P(1,0,5,0,A)=1" taken apart. */
struct call {
	char op;
	const char *arg[ARGS];
	unsigned args;
	const char *told; /* NULL: nothing */
};

static int parse_call(struct tmem_script *sc, const char *word, char *copy,
		      struct call *c)
{
	char *p = copy + 2, *end = strchr(copy, ')');

	*c = (struct call){.op = word[0]};
	if (word[1] != '(' || !end || (end[1] && end[1] != '='))
		return tmem_say(sc, "not OPERATION(…)[=ANSWER]:", word);
	if (end[1])
		c->told = end + 2;
	*end = '\0';
	while (*p) {
		if (c->args == ARGS)
			return tmem_say(sc, "too much in brackets:", word);
		c->arg[c->args++] = p;
		p += strcspn(p, ",");
		if (*p)
			*p++ = '\0';
	}
	return 0;
}

static int number(struct tmem_script *sc, const char *word, uint64_t max,
		  uint64_t *out)
{
	if (!text_u64(word, out) || *out > max)
		return tmem_say(sc, "not such a number:", word);
	return 0;
}

/* The first @n arguments as numbers up to @max each. */
static int numbers(struct tmem_script *sc, const struct call *c,
		   const uint64_t *max, uint64_t *out, unsigned n)
{
	int ret = 0;

	if (c->args < n)
		return tmem_say(sc, "too little in brackets of",
				(char[]){c->op, '\0'});
	for (unsigned i = 0; !ret && i < n; i++)
		ret = number(sc, c->arg[i], max[i], &out[i]);
	return ret;
}

/* N(client[,p][,s,UUID0,UUID1][,v,VERSION][,k,PAGE-SIZE]) */
static int new_pool(struct tmem_script *sc, const struct call *c,
		    struct tmem_call *call)
{
	uint64_t v, w;
	int ret = 0;

	for (unsigned i = 1; !ret && i < c->args; i++) {
		const char *a = c->arg[i];

		if (!strcmp(a, "p")) {
			call->flags |= TMEM_PERSISTENT;
		} else if (!strcmp(a, "s") && i + 2 < c->args) {
			call->flags |= TMEM_SHARED;
			ret = number(sc, c->arg[i + 1], UINT64_MAX, &v);
			if (!ret)
				ret = number(sc, c->arg[i + 2], UINT64_MAX, &w);
			if (ret)
				return ret;
			call->uuid[0] = v;
			call->uuid[1] = w;
			i += 2;
		} else if ((!strcmp(a, "v") || !strcmp(a, "k")) &&
			   i + 1 < c->args) {
			ret = number(sc, c->arg[++i], 15, &v);
			if (!ret && *a == 'v')
				call->version = (uint8_t)(v + 1);
			else if (!ret)
				call->page_code = (uint8_t)v;
		} else {
			ret = tmem_say(sc, "not a property of a pool:", a);
		}
	}
	return ret;
}

static const struct {
	char letter;
	uint8_t op;
	unsigned numbers; /* of client, pool, object, index */
} call_ops[] = {
	{'N', TMEM_NEW_POOL, 1},     {'P', TMEM_PUT, 4},
	{'G', TMEM_GET, 4},	     {'F', TMEM_FLUSH_PAGE, 4},
	{'O', TMEM_FLUSH_OBJECT, 3}, {'D', TMEM_DESTROY_POOL, 2},
};
#define CALL_OPS (sizeof(call_ops) / sizeof(call_ops[0]))

static int guest_call(struct tmem_script *sc, const struct call *c,
		      size_t which)
{
	static const uint64_t max[] = {TMEM_CLIENT_MAX - 1, UINT32_MAX,
				       UINT64_MAX, UINT32_MAX};
	struct tmem_call call = {.op = call_ops[which].op};
	const struct named_page *page = NULL;
	unsigned n = call_ops[which].numbers;
	uint64_t v[4] = {0};
	int ret = numbers(sc, c, max, v, n);

	if (ret)
		return ret;
	if (call.op == TMEM_PUT) {
		page = c->args > n ? tmem_page_named(&sc->pages, c->arg[n])
				   : NULL;
		if (!page)
			return tmem_say(sc, "no such page:",
					c->args > n ? c->arg[n] : "");
		call.content = page->content;
		n++;
	}
	if (call.op == TMEM_NEW_POOL)
		ret = new_pool(sc, c, &call);
	else if (c->args > n)
		ret = tmem_say(sc, "too much in brackets:", c->arg[n]);
	if (ret)
		return ret;
	call.client = (uint32_t)v[0];
	call.pool = (uint32_t)v[1];
	call.oid[0] = v[2];
	call.index = (uint32_t)v[3];
	ret = tmem_call(sc->host, &call, &sc->meter);
	if (ret)
		return ret;
	if (call.result == TMEM_HANGS)
		snprintf(sc->got, sizeof(sc->got), "hangs");
	else if (call.op == TMEM_GET && call.result == 1)
		snprintf(sc->got, sizeof(sc->got), "1:%s",
			 tmem_page_name(&sc->pages, call.content));
	else
		snprintf(sc->got, sizeof(sc->got), "%d", call.result);
	return 0;
}

/* E(client), 0: nobody; R(); K(KiB); X(client) */
static int host_call(struct tmem_script *sc, const struct call *c)
{
	static const uint64_t client_max = TMEM_CLIENT_MAX - 1;
	static const uint64_t kib_max = UINT64_C(1) << 40;
	uint64_t v = 0, got = 0;
	int ret = 0;

	if (c->op != 'R')
		ret = numbers(sc, c, c->op == 'K' ? &kib_max : &client_max, &v,
			      1);
	if (!ret && c->args > (c->op != 'R'))
		ret = tmem_say(sc,
			       "too much in brackets:", c->arg[c->args - 1]);
	if (!ret)
		ret = tmem_room_for_control(sc->host);
	if (ret)
		return ret;
	if (c->op == 'E')
		got = (uint64_t)tmem_evict(
			sc->host, v ? tmem_client(sc->host, (uint32_t)v) : 0,
			&sc->meter);
	else if (c->op == 'R')
		got = tmem_relinquish(sc->host, &sc->meter);
	else if (c->op == 'K')
		got = tmem_flush(sc->host, v, &sc->meter);
	else
		ret = tmem_client_end(sc->host, (uint32_t)v, &sc->meter);
	snprintf(sc->got, sizeof(sc->got), "%" PRIu64, got);
	return ret;
}

static int do_call(struct tmem_script *sc, const char *word)
{
	char copy[256];
	struct call c;
	size_t i = 0;
	int ret;

	if (strlen(word) >= sizeof(copy))
		return tmem_say(sc, "too long:", word);
	memcpy(copy, word, strlen(word) + 1);
	ret = parse_call(sc, word, copy, &c);
	if (ret)
		return ret;
	while (i < CALL_OPS && call_ops[i].letter != c.op)
		i++;
	if (i < CALL_OPS)
		ret = guest_call(sc, &c, i);
	else if (strchr("ERKX", c.op))
		ret = host_call(sc, &c);
	else
		ret = tmem_say(sc, "no operation", word);
	if (!ret) {
		size_t n = strcspn(word, ")") + 1;
		char statement[256];

		snprintf(statement, sizeof(statement), "%.*s", (int)n, word);
		tmem_answer(sc, statement, c.told);
	}
	return ret;
}

/* ---- statements of several words ---- */

/* The rest of a line as one text, which lies in the line itself. */
static const char *joined(char **word, int words)
{
	for (int i = 1; i < words; i++) {
		char *end = word[i - 1] + strlen(word[i - 1]);

		memset(end, ' ', (size_t)(word[i] - end));
	}
	for (char *p = words ? word[0] : NULL; p && *p; p++)
		if (*p == '\t')
			*p = ' ';
	return words ? word[0] : NULL;
}

/* "lru" of all, "lru C" of a client; then what is expected, behind "=" */
static int do_list(struct tmem_script *sc, char **word, int words)
{
	uint32_t client = 0;
	char statement[32] = "lru";
	uint64_t v;
	int at = 1;

	if (words > 1 && strcmp(word[1], "=")) {
		if (number(sc, word[1], TMEM_CLIENT_MAX - 1, &v))
			return -EINVAL;
		client = tmem_client(sc->host, (uint32_t)v);
		if (!client)
			return tmem_say(sc, "no such client:", word[1]);
		snprintf(statement, sizeof(statement), "lru %s", word[1]);
		at = 2;
	}
	if (at < words && strcmp(word[at++], "="))
		return tmem_say(sc, "expected = and the list, not",
				word[at - 1]);
	tmem_show_list(sc, client);
	tmem_answer(sc, statement, joined(word + at, words - at));
	return 0;
}

/* "order SHARD = NAME…", "tree SHARD = SHAPE" */
static int do_tree(struct tmem_script *sc, char **word, int words)
{
	char statement[32];
	uint64_t shard;

	if (words < 2 || number(sc, word[1], TMEM_SHARDS - 1, &shard))
		return tmem_say(sc, "expected a shard behind", word[0]);
	if (words > 2 && strcmp(word[2], "="))
		return tmem_say(sc, "expected = and what is there, not",
				word[2]);
	if (word[0][0] == 'o')
		tmem_show_order(sc, (uint8_t)shard);
	else
		tmem_show_tree(sc, (uint8_t)shard);
	snprintf(statement, sizeof(statement), "%s %" PRIu64, word[0], shard);
	tmem_answer(sc, statement,
		    words > 2 ? joined(word + 3, words - 3) : NULL);
	return 0;
}

/* "stat KEY[=V]…", "client C KEY[=V]…", "pool C ID KEY[=V]…", "shared N KEY…" */
static int do_keys(struct tmem_script *sc, char **word, int words)
{
	static const struct {
		const char *word, *line;
		int numbers;
	} kinds[] = {
		{"stat", "G=", 0},	   {"time", "T=", 0},
		{"client", "C=CI:%s,", 1}, {"pool", "P=CI:%s,PI:%s,", 2},
		{"shared", "S=SI:%s,", 1},
	};
	char line[64] = "", statement[64];
	unsigned k = 0;
	uint64_t v;
	int ret, n;

	while (strcmp(kinds[k].word, word[0]))
		k++;
	n = kinds[k].numbers;
	if (words < n + 2)
		return tmem_say(sc, "expected keys behind", word[0]);
	for (int i = 1; i <= n; i++)
		if (number(sc, word[i], TMEM_CLIENT_MAX - 1, &v))
			return -EINVAL;
	if (n == 2)
		snprintf(line, sizeof(line), "P=CI:%s,PI:%s,", word[1],
			 word[2]);
	else if (n == 1)
		snprintf(line, sizeof(line), "%c=%s:%s,", kinds[k].line[0],
			 k == 4 ? "SI" : "CI", word[1]);
	else
		snprintf(line, sizeof(line), "%s", kinds[k].line);
	snprintf(statement, sizeof(statement), "%s%s%s%s%s", word[0],
		 n ? " " : "", n ? word[1] : "", n == 2 ? " " : "",
		 n == 2 ? word[2] : "");
	ret = tmem_show_keys(sc, line, word + n + 1, words - n - 1);
	if (ret)
		return ret;
	tmem_answer(sc, statement,
		    strchr(word[n + 1], '=')
			    ? joined(word + n + 1, words - n - 1)
			    : NULL);
	return 0;
}

/* All lines of the old tool, a row each. */
static int do_text(struct tmem_script *sc)
{
	char *text = NULL, *p, *line;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	tmem_list(sc->host, out);
	if (fclose(out)) {
		free(text);
		return -ENOMEM;
	}
	for (p = text; (line = text_line(&p, text + size));)
		fprintf(sc->out, "%s\t%d\tlist\t%s\t-\t-\n", sc->vector,
			sc->line, line);
	free(text);
	return 0;
}

/* ---- what the toolstack sets ---- */

static int client_numbers(struct tmem_script *sc, char **word, int words,
			  uint64_t *v, int n, uint32_t *client)
{
	int ret = 0;

	if (words != n + 2)
		return tmem_say(sc, "wrong number of words behind", word[0]);
	for (int i = 0; !ret && i <= n; i++)
		ret = number(sc, word[i + 1], UINT64_MAX, &v[i]);
	if (!ret && v[0] >= TMEM_CLIENT_MAX)
		ret = tmem_say(sc, "not a client:", word[1]);
	return ret ? ret : tmem_client_get(sc->host, (uint32_t)v[0], client);
}

static const struct {
	const char *word;
	int numbers;
} controls[] = {
	{"freeze", 0}, {"thaw", 0},	{"migrate", 1},
	{"weight", 1}, {"guest", 2},	{"auth", 1},
	{"allow", 2},  {"compress", 1}, {"logged", 0},
};
#define CONTROLS ((int)(sizeof(controls) / sizeof(controls[0])))

static int do_control(struct tmem_script *sc, int which, char **word, int words)
{
	struct tmem_client *c;
	uint32_t client;
	uint64_t v[3];
	int ret = client_numbers(sc, word, words, v, controls[which].numbers,
				 &client);

	if (ret)
		return ret;
	c = tmem_client_at(sc->host, client);
	switch (which) {
	case 0:
	case 1:
		c->frozen = which == 0;
		break;
	case 2:
		c->migrating = v[1];
		break;
	case 3:
		if (v[1] > UINT32_MAX)
			return tmem_say(sc, "not a weight:", word[2]);
		tmem_set_weight(sc->host, client, (uint32_t)v[1]);
		break;
	case 4:
		if (v[1] > UINT32_MAX || v[2] > UINT32_MAX)
			return tmem_say(sc, "not so many pages:", word[2]);
		c->max_pages = v[1];
		c->ram = v[2];
		break;
	case 5:
		c->auth = v[1];
		break;
	case 6:
		if (c->uuids == TMEM_POOLS)
			return tmem_say(sc, "too many for client", word[1]);
		c->uuid[c->uuids][0] = v[1];
		c->uuid[c->uuids++][1] = v[2];
		break;
	case 7:
		snprintf(sc->got, sizeof(sc->got), "%d",
			 tmem_set_compress(sc->host, client, v[1]));
		tmem_answer(sc, "compress", NULL);
		break;
	default:
		snprintf(sc->got, sizeof(sc->got), "%zu", c->logged);
		tmem_answer(sc, "logged", NULL);
		break;
	}
	return 0;
}

/* "fail RECORD N": the N-th allocation of these from now */
static int do_fail(struct tmem_script *sc, char **word, int words)
{
	static const char *const name[TMEM_REC_COUNT] = {
		"object", "page", "node", "pcd", "bytes", "frame", "any"};
	uint64_t n;

	if (words != 3 || number(sc, word[2], UINT32_MAX, &n))
		return tmem_say(sc, "expected: fail RECORD N, not", word[0]);
	for (unsigned r = 0; r < TMEM_REC_COUNT; r++)
		if (!strcmp(name[r], word[1])) {
			tmem_fail_next(sc->host, (enum tmem_record)r,
				       (uint32_t)n);
			return 0;
		}
	return tmem_say(sc, "no record", word[1]);
}

static int do_words(struct tmem_script *sc, char **word, int words)
{
	static const char *const keys[] = {"stat", "time", "client", "pool",
					   "shared"};
	int ret = tmem_zcache_statement(sc, word, words);

	if (ret)
		return ret < 0 ? ret : 0;
	if (!strcmp(word[0], "vector"))
		return do_vector(sc, word, words);
	if (!strcmp(word[0], "host"))
		return do_host(sc, word, words);
	if (!sc->host)
		return tmem_say(sc, "a host must come before", word[0]);
	for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(word[0], keys[i]))
			return do_keys(sc, word, words);
	for (int i = 0; i < CONTROLS; i++)
		if (!strcmp(word[0], controls[i].word))
			return do_control(sc, i, word, words);
	if (!strcmp(word[0], "lru"))
		return do_list(sc, word, words);
	if (!strcmp(word[0], "order") || !strcmp(word[0], "tree"))
		return do_tree(sc, word, words);
	if (!strcmp(word[0], "list"))
		return do_text(sc);
	if (!strcmp(word[0], "fail"))
		return do_fail(sc, word, words);
	return tmem_say(sc, "no statement", word[0]);
}

/* ---- lines ---- */

static int do_word(struct tmem_script *sc, const char *word)
{
	if (!sc->host)
		return tmem_say(sc, "a host must come before", word);
	if (*word == '[') {
		tmem_show_state(sc);
		tmem_answer(sc, "state", strcmp(word, "[]") ? word : NULL);
		return 0;
	}
	return do_call(sc, word);
}

static bool is_alone(const char *word)
{
	return *word == '[' || (*word && word[1] == '(');
}

static int do_line(struct tmem_script *sc, char **word, int words)
{
	int ret = 0;

	for (int i = 0; !ret && i < words; i++) {
		sc->got[0] = '\0';
		if (!is_alone(word[i])) {
			ret = do_words(sc, word + i, words - i);
			i = words;
		} else {
			ret = do_word(sc, word[i]);
		}
		if (!ret)
			ret = check(sc);
	}
	return ret;
}

/* One pass; pages are read in the first, everything else in the second. */
static int pass(struct tmem_script *sc, char *text, size_t n, bool pages)
{
	char *word[WORDS + 1], *p = text, *line;
	int ret = 0;

	sc->line = 0;
	while (!ret && (line = text_line(&p, text + n))) {
		int words;

		sc->line++;
		words = text_words(line, word, WORDS);
		if (words > WORDS)
			return tmem_say(sc, "too many words at", word[0]);
		if (!words || !strcmp(word[0], "page") != pages)
			continue;
		ret = pages ? tmem_page_line(sc, word, words)
			    : do_line(sc, word, words);
	}
	return ret;
}

static int run(struct tmem_script *sc, char *text, char *copy, size_t n)
{
	int ret = pass(sc, copy, n, true);

	if (!ret)
		ret = tmem_pages_close(sc);
	if (!ret) {
		fputs("vector\tline\tstatement\tgot\ttold\tresult\n", sc->out);
		ret = pass(sc, text, n, false);
	}
	if (!ret && sc->differ)
		ret = err_set(sc->err, EINVAL,
			      "%s: %u of %u answers are not what is told",
			      sc->file, sc->differ, sc->told);
	return ret;
}

int scenario_tmem(const char *name, char *text, size_t n,
		  const struct scenario_opts *opts, FILE *out, struct err *err)
{
	struct tmem_script *sc = mem_zalloc(1, sizeof(*sc));
	char *copy = mem_zalloc(n + 1, 1);
	int ret = -ENOMEM;

	if (sc && copy) {
		memcpy(copy, text, n);
		sc->file = name;
		sc->opts = opts;
		sc->out = out;
		sc->err = err;
		memcpy(sc->vector, "-", 2);
		meter_init(&sc->meter, NULL);
		tmem_pages_init(&sc->pages);
		ret = run(sc, text, copy, n);
		if (opts->sum)
			meter_sum(opts->sum, &sc->meter);
		tmem_free(sc->host);
		tmem_zcache_fini(sc);
		tmem_pages_fini(&sc->pages);
	}
	free(copy);
	free(sc);
	return ret;
}
