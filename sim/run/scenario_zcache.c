/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The statements of zcache, frontswap and RAMster, which need no host:
 *	zbud first|rewrite	a fresh pool
 *	store BYTES… [= FRAMES]	objects, answered by the frame of each
 *	shrink N [= GIVEN]	a call of the shrinker; frames given back
 *	held [= FRAMES,OBJECTS]
 *	admit BYTES [= VERDICT]	taken, poor, mean
 *	tick PAGES [= KEEP]	frontswap's; none: nothing is pulled
 *	handle NODE BYTES SUM TRANSIT rewrite|3.4 [= HEX]
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "sim/base/text.h"
#include "sim/run/scenario_tmem.h"

#define STORES_MAX 32

static int evict_all(void *ctx, uint32_t handle, uint32_t bytes)
{
	(void)ctx;
	(void)handle;
	(void)bytes;
	return 0;
}

static const struct pool_owner owner = {evict_all, NULL};

static int number(struct tmem_script *sc, const char *word, uint64_t max,
		  uint64_t *out)
{
	if (!text_u64(word, out) || *out > max)
		return tmem_say(sc, "not such a number:", word);
	return 0;
}

static int do_zbud(struct tmem_script *sc, char **word, int n)
{
	/* The pool's options begin with the version. */
	uint64_t version[8] = {0};
	struct err err = {.text = ""};

	if (n != 2 || (strcmp(word[1], "first") && strcmp(word[1], "rewrite")))
		return tmem_say(sc, "expected: zbud first|rewrite, not",
				word[0]);
	assert(pool_zcache_zbud.opts_size <= sizeof(version));
	sc->zbud_first = word[1][0] == 'f';
	opt_defaults(pool_zcache_zbud.opts, version);
	if (opt_set(pool_zcache_zbud.opts, version, "version",
		    sc->zbud_first ? "zcache" : "rewrite", &err))
		return tmem_say(sc, "no such version:", word[1]);
	pool_destroy(sc->zbud);
	sc->zbud = NULL;
	return pool_new(&sc->zbud, &pool_zcache_zbud, version, sc->err);
}

static void add(struct tmem_script *sc, uint64_t v)
{
	size_t at = strlen(sc->got);

	snprintf(sc->got + at, sizeof(sc->got) - at, "%s%" PRIu64,
		 at ? "," : "", v);
}

static int do_store(struct tmem_script *sc, char **word, int n)
{
	int ret = 0;

	if (n < 2 || n > STORES_MAX)
		return tmem_say(sc, "expected: store BYTES…, not", word[0]);
	for (int i = 1; !ret && i < n; i++) {
		struct pool_place place;
		uint32_t handle;
		uint64_t bytes;

		ret = number(sc, word[i], PAGE_BYTES, &bytes);
		if (!ret && (!bytes || bytes > sc->zbud->bytes_max))
			ret = tmem_say(sc, "the pool takes no object of",
				       word[i]);
		if (!ret)
			ret = pool_alloc(sc->zbud, (uint32_t)bytes, &handle,
					 &sc->meter, sc->err);
		if (ret)
			break;
		pool_where(sc->zbud, handle, &place);
		add(sc, place.part[0].frame);
	}
	return ret;
}

static int do_shrink(struct tmem_script *sc, char **word, int n)
{
	struct pool_reclaimed got;
	uint64_t frames;
	int ret;

	if (n != 2)
		return tmem_say(sc, "expected: shrink N, not", word[0]);
	ret = number(sc, word[1], UINT32_MAX, &frames);
	if (ret)
		return ret;
	if (sc->zbud_first) {
		add(sc, zcache_shrink(sc->zbud, frames, &owner, &sc->meter));
		return 0;
	}
	/* The rewrite is told how many pages there are of that kind. */
	ret = zcache_shrink_to(sc->zbud, frames, &owner, &got, &sc->meter);
	add(sc, got.frames);
	return ret == -EAGAIN ? 0 : ret;
}

static int do_held(struct tmem_script *sc, char **word, int n)
{
	if (n != 1)
		return tmem_say(sc, "nothing may follow", word[0]);
	add(sc, sc->zbud->pages);
	add(sc, sc->zbud->objects.count);
	add(sc, sc->zbud->asked_bytes);
	return 0;
}

static int do_admit(struct tmem_script *sc, char **word, int n)
{
	static const char *const verdict[] = {"taken", "poor", "mean",
					      "too-many"};
	uint64_t bytes;
	int ret;

	if (n != 2)
		return tmem_say(sc, "expected: admit BYTES, not", word[0]);
	ret = number(sc, word[1], PAGE_BYTES, &bytes);
	if (ret)
		return ret;
	if (!sc->admission.size_max)
		zcache_admission_init(&sc->admission, 0);
	snprintf(sc->got, sizeof(sc->got), "%s",
		 verdict[zcache_admit(&sc->admission, (uint32_t)bytes)]);
	return 0;
}

static int do_tick(struct tmem_script *sc, char **word, int n)
{
	uint64_t pages, keep;
	int ret;

	if (n != 2)
		return tmem_say(sc, "expected: tick PAGES, not", word[0]);
	ret = number(sc, word[1], UINT32_MAX, &pages);
	if (ret)
		return ret;
	if (frontswap_shrink_tick(&sc->shrink, pages, &keep))
		add(sc, keep);
	else
		snprintf(sc->got, sizeof(sc->got), "none");
	return 0;
}

static int do_handle(struct tmem_script *sc, char **word, int n)
{
	static const uint64_t max[] = {255, 8191, 255, 1};
	struct ramster_page p, back;
	uint64_t v[4];
	bool rewrite;
	uint32_t h;

	if (n != 6 || (strcmp(word[5], "rewrite") && strcmp(word[5], "3.4")))
		return tmem_say(sc,
				"expected: handle NODE BYTES SUM TRANSIT "
				"rewrite|3.4, not",
				word[0]);
	for (int i = 0; i < 4; i++)
		if (number(sc, word[i + 1], max[i], &v[i]))
			return -EINVAL;
	p = (struct ramster_page){.node = (uint8_t)v[0],
				  .sum = (uint8_t)v[2],
				  .bytes = (uint16_t)v[1],
				  .in_transit = v[3]};
	rewrite = word[5][0] == 'r';
	h = ramster_handle(&p, rewrite);
	if (!ramster_page_of(h, rewrite, &back) || back.bytes != p.bytes ||
	    back.node != p.node || back.sum != p.sum ||
	    back.in_transit != p.in_transit)
		return tmem_say(sc,
				"a handle that does not come back:", word[0]);
	snprintf(sc->got, sizeof(sc->got), "0x%08" PRIX32, h);
	return 0;
}

static const struct {
	const char *word;
	bool pool; /* needs one */
	int (*run)(struct tmem_script *sc, char **word, int n);
} statements[] = {
	{"zbud", false, do_zbud},     {"store", true, do_store},
	{"shrink", true, do_shrink},  {"held", true, do_held},
	{"admit", false, do_admit},   {"tick", false, do_tick},
	{"handle", false, do_handle},
};
#define STATEMENTS (sizeof(statements) / sizeof(statements[0]))

/* Words in front of "=", and the one behind it. */
static int cut(struct tmem_script *sc, char **word, int words,
	       const char **told)
{
	int n = 0;

	while (n < words && strcmp(word[n], "="))
		n++;
	*told = n + 1 < words ? word[n + 1] : NULL;
	if (n < words && n + 2 != words)
		return tmem_say(sc, "one word follows = behind", word[0]);
	return n;
}

int tmem_zcache_statement(struct tmem_script *sc, char **word, int words)
{
	char text[256] = "";
	const char *told;
	size_t i = 0;
	int ret, n;

	while (i < STATEMENTS && strcmp(statements[i].word, word[0]))
		i++;
	if (i == STATEMENTS)
		return 0;
	if (statements[i].pool && !sc->zbud)
		return tmem_say(sc, "zbud must come before", word[0]);
	n = cut(sc, word, words, &told);
	if (n < 0)
		return n;
	ret = statements[i].run(sc, word, n);
	if (!ret && sc->zbud && sc->opts->paranoid)
		ret = pool_check(sc->zbud, stderr);
	if (ret)
		return ret;
	for (int k = 0; k < n; k++) {
		size_t at = strlen(text);

		snprintf(text + at, sizeof(text) - at, "%s%s", k ? " " : "",
			 word[k]);
	}
	tmem_answer(sc, text, told);
	return 1;
}

void tmem_zcache_fini(struct tmem_script *sc)
{
	pool_destroy(sc->zbud);
	sc->zbud = NULL;
	sc->admission = (struct zcache_admission){0};
	sc->shrink = (struct frontswap_shrink){0};
}
