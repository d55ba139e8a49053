/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/text.h"
#include "models/codec.h"
#include "sim/run/scenario_tmem.h"

void tmem_pages_init(struct tmem_pages *p)
{
	*p = (struct tmem_pages){0};
	page_store_init(&p->store, TMEM_PAGES_MAX + 1);
}

void tmem_pages_fini(struct tmem_pages *p)
{
	content_set_free(p->set);
	page_store_fini(&p->store);
	mem_release(p->v, p->cap, sizeof(*p->v));
	free(p->packed_bytes);
	free(p->packed_first);
	free(p->packed_order);
}

const struct named_page *tmem_page_named(const struct tmem_pages *p,
					 const char *name)
{
	for (size_t i = 0; i < p->n; i++)
		if (!strcmp(p->v[i].name, name))
			return &p->v[i];
	return NULL;
}

const char *tmem_page_name(const struct tmem_pages *p, uint32_t content)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].content == content)
			return p->v[i].name;
	return "?";
}

/* ---- one line ---- */

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* BYTES[*COUNT] appended at *@at; what is left stays zero. */
static int add_run(struct tmem_script *sc, const char *word, uint8_t *page,
		   size_t *at)
{
	uint8_t bytes[64];
	uint64_t count = 1;
	size_t n = 0;
	const char *p = word;

	for (; hex_digit(p[0]) >= 0 && hex_digit(p[1]) >= 0; p += 2) {
		if (n == sizeof(bytes))
			return tmem_say(sc, "more than 64 bytes in", word);
		bytes[n++] = (uint8_t)(hex_digit(p[0]) << 4 | hex_digit(p[1]));
	}
	if (*p == '*' ? !text_u64(p + 1, &count) : *p != '\0')
		n = 0;
	if (!n)
		return tmem_say(sc, "not BYTES or BYTES*COUNT:", word);
	if (count > PAGE_BYTES || *at + n * count > PAGE_BYTES)
		return tmem_say(sc, "more than a page at", word);
	for (; count; count--, *at += n)
		memcpy(page + *at, bytes, n);
	return 0;
}

/* "random N": no byte tells of another */
static int add_random(struct tmem_script *sc, const char *word, uint8_t *page)
{
	uint64_t v;

	if (!text_u64(word, &v))
		return tmem_say(sc, "not a number:", word);
	page_fill(page, RULE_ID, v);
	return 0;
}

static int add_packed(struct tmem_script *sc, struct named_page *x, char **word,
		      int words)
{
	uint64_t bytes, first;

	if (words != 2 || !text_u64(word[0], &bytes) || bytes > PAGE_BYTES ||
	    !text_u64(word[1], &first) || first > 255)
		return tmem_say(sc, "packed is followed by",
				"BYTES FIRST-BYTE");
	x->packed = true;
	x->packed_bytes = (uint16_t)bytes;
	x->packed_first = (uint8_t)first;
	return 0;
}

static int fill_page(struct tmem_script *sc, struct named_page *x,
		     uint8_t *page, char **word, int words)
{
	size_t at = 0;
	int ret = 0;

	for (int i = 0; !ret && i < words; i++) {
		if (!strcmp(word[i], "packed"))
			return add_packed(sc, x, word + i + 1, words - i - 1);
		if (!strcmp(word[i], "random") && i + 1 < words)
			ret = add_random(sc, word[++i], page);
		else
			ret = add_run(sc, word[i], page, &at);
	}
	return ret;
}

int tmem_page_line(struct tmem_script *sc, char **word, int words)
{
	struct tmem_pages *p = &sc->pages;
	uint8_t page[PAGE_BYTES] = {0};
	struct named_page x = {.content = 0};
	int ret;

	if (words < 2)
		return tmem_say(sc, "expected: page NAME RUN…, not", word[0]);
	if (strlen(word[1]) >= TMEM_NAME_MAX || strpbrk(word[1], "(),=[]:"))
		return tmem_say(sc, "not the name of a page:", word[1]);
	if (tmem_page_named(p, word[1]))
		return tmem_say(sc, "there is already a page", word[1]);
	if (p->n == TMEM_PAGES_MAX)
		return tmem_say(sc, "too many pages at", word[1]);
	memcpy(x.name, word[1], strlen(word[1]) + 1);
	ret = fill_page(sc, &x, page, word + 2, words - 2);
	if (ret)
		return ret;
	if (mem_reserve(&p->v, &p->cap, p->n + 1, sizeof(*p->v)))
		return -ENOMEM;
	ret = page_store_add(&p->store, page, &x.content);
	if (ret < 0)
		return ret;
	p->v[p->n++] = x;
	return 0;
}

/* ---- all ---- */

struct packed {
	uint32_t content, rank;
	uint16_t bytes;
	uint8_t first;
};

/* As compressed streams are ordered, first bytes standing for the whole. */
static int by_stream(const void *pa, const void *pb)
{
	const struct packed *a = pa, *b = pb;
	uint8_t fa = a->first ^ 0x80, fb = b->first ^ 0x80;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? -1 : 1;
	if (fa != fb)
		return fa < fb ? -1 : 1;
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

/* What the codec made of the pages, and what they say that it made. */
static int packed_columns(struct tmem_pages *p)
{
	const uint16_t *bytes =
		codec_lengths(p->set, &codec_lzo, codec_lzo.level);
	uint32_t n = p->set->count;
	struct packed *v = mem_zalloc(n, sizeof(*v));

	p->packed_bytes = mem_zalloc(n, sizeof(*p->packed_bytes));
	p->packed_first = mem_zalloc(n, sizeof(*p->packed_first));
	p->packed_order = mem_zalloc(n, sizeof(*p->packed_order));
	if (!v || !p->packed_bytes || !p->packed_first || !p->packed_order) {
		free(v);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++)
		v[i] = (struct packed){i, p->set->stream_rank[i], bytes[i],
				       p->set->stream_first[i]};
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].packed) {
			v[p->v[i].content].bytes = p->v[i].packed_bytes;
			v[p->v[i].content].first = p->v[i].packed_first;
		}
	qsort(v, n, sizeof(*v), by_stream);
	for (uint32_t r = 0; r < n; r++) {
		p->packed_bytes[v[r].content] = v[r].bytes;
		p->packed_first[v[r].content] = v[r].first;
		p->packed_order[v[r].content] = r;
	}
	free(v);
	return 0;
}

int tmem_pages_close(struct tmem_script *sc)
{
	struct tmem_pages *p = &sc->pages;
	struct content_source src = page_store_source(&p->store);
	uint64_t needs = NEED_RANK | NEED_PREFIX | NEED_WORD_RANK | NEED_LENGTH;
	int ret = content_set_new(&p->set, &src, needs, 1, sc->err);

	if (!ret)
		ret = codec_columns(
			p->set,
			NEED_STREAM | codec_need(&codec_lzo, codec_lzo.level),
			1, sc->err);
	return ret ? ret : packed_columns(p);
}
