/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * filetree_made.c - a tree that is there on every machine, and machine code
 *
 * Text is lines in the manner of C from a vocabulary that all files share, so
 * that pages compress as sources do and begin as they do: files with a comment,
 * later pages in the middle of anything.  Code is instructions of a few bytes
 * that come again and again, tables that are mostly zero, and strings.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/prng.h"
#include "workloads/filetree.h"

#define TEXT_MAX ((size_t)1 << 17)
#define WORDS 1024u
#define WORD_MAX 24u
#define LINE_ROOM 256u /* what one line takes at most */
#define UNITS_PER_DIR 12u
#define HEADERS_PER_DIR 24u

struct maker {
	struct filetree *tree;
	struct prng r;
	uint32_t headers;
	char word[WORDS][WORD_MAX];
	char *text;
	size_t n;
};

static uint32_t below(struct maker *m, uint32_t n)
{
	return (uint32_t)prng_below(&m->r, n);
}

static void make_words(struct maker *m)
{
	static const char *const part[] = {
		"a",   "be",  "ca", "con",  "de", "dev", "en",	"ex",
		"fil", "get", "in", "io",   "ko", "len", "li",	"map",
		"me",  "no",  "ob", "page", "pa", "re",	 "reg", "set",
		"st",  "ta",  "ti", "tr",   "un", "vi",	 "wo",	"x"};
	const uint32_t parts = sizeof(part) / sizeof(part[0]);

	for (uint32_t i = 0; i < WORDS; i++) {
		uint32_t count = 1 + below(m, 4);

		for (m->word[i][0] = '\0'; count--;)
			strcat(m->word[i], part[below(m, parts)]);
		if (below(m, 4) == 0)
			strcat(m->word[i], "_t");
	}
}

/* Few words are used often. */
static const char *word(struct maker *m)
{
	uint32_t a = below(m, WORDS), b = below(m, WORDS);

	return m->word[a * b / WORDS];
}

static void line(struct maker *m, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void line(struct maker *m, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(m->text + m->n, LINE_ROOM, fmt, ap);
	va_end(ap);
	m->n += (size_t)n < LINE_ROOM ? (size_t)n : LINE_ROOM - 1;
}

static void comment(struct maker *m, const char *path)
{
	line(m, "/*\n *  %s\n *\n", path);
	for (uint32_t i = 1 + below(m, 6); i--;)
		line(m, " *  %s %s the %s of %s %s\n", word(m), word(m),
		     word(m), word(m), word(m));
	line(m, " */\n\n");
}

static void statement(struct maker *m)
{
	switch (below(m, 6)) {
	case 0:
		line(m, "\tif (%s->%s)\n\t\treturn %s;\n", word(m), word(m),
		     word(m));
		break;
	case 1:
		line(m, "\t%s = %s(%s, %" PRIu32 ");\n", word(m), word(m),
		     word(m), below(m, 100));
		break;
	case 2:
		line(m, "\tfor (%s = 0; %s < %s; %s++)\n\t\t%s(%s);\n", word(m),
		     word(m), word(m), word(m), word(m), word(m));
		break;
	case 3:
		line(m, "\t/* %s the %s %s */\n", word(m), word(m), word(m));
		break;
	case 4:
		line(m, "\t%s->%s |= 0x%08" PRIx32 ";\n", word(m), word(m),
		     (uint32_t)prng_next(&m->r));
		break;
	default:
		line(m, "\t%s(\"%s %s: %%d\\n\", %s);\n", word(m), word(m),
		     word(m), word(m));
		break;
	}
}

static void function(struct maker *m)
{
	line(m, "static int %s_%s_%" PRIu32 "(struct %s *%s)\n{\n", word(m),
	     word(m), below(m, 1000), word(m), word(m));
	for (uint32_t i = 2 + below(m, 12); i--;)
		statement(m);
	line(m, "\treturn 0;\n}\n\n");
}

static void declaration(struct maker *m)
{
	if (below(m, 3)) {
		line(m, "#define %s_%s_%" PRIu32 "\t0x%08" PRIx32 "\n", word(m),
		     word(m), below(m, 1000), (uint32_t)prng_next(&m->r));
		return;
	}
	line(m, "struct %s {\n", word(m));
	for (uint32_t i = 1 + below(m, 6); i--;)
		line(m, "\tstruct %s %s;\n", word(m), word(m));
	line(m, "};\nextern int %s_%s(struct %s *);\n\n", word(m), word(m),
	     word(m));
}

/* Low numbers are what everything includes. */
static void include(struct maker *m, uint32_t n)
{
	uint32_t i = (uint32_t)((uint64_t)below(m, n) * below(m, n) / n);

	line(m, "#include <g%02" PRIu32 "/h%04" PRIu32 ".h>\n",
	     i / HEADERS_PER_DIR, i);
}

/* Sizes as in real trees: most files are small, most bytes in large ones. */
static size_t size(struct maker *m, uint32_t least, uint32_t doublings)
{
	size_t n = (size_t)least << below(m, doublings);

	return n + below(m, (uint32_t)n);
}

static int make_file(struct maker *m, const char *path, size_t bytes,
		     uint32_t includes, uint32_t among_n,
		     void (*more)(struct maker *m))
{
	m->n = 0;
	comment(m, path);
	while (includes-- && among_n)
		include(m, among_n);
	line(m, "\n");
	/* A function is some 14 statements of two lines at most. */
	while (m->n < bytes && m->n + 32 * LINE_ROOM < TEXT_MAX)
		more(m);
	return filetree_add(m->tree, path, (const uint8_t *)m->text, m->n,
			    NULL);
}

static int make_files(struct maker *m, uint32_t units, uint32_t headers)
{
	char path[64];
	int ret = 0;

	for (uint32_t i = 0; !ret && i < headers; i++) {
		snprintf(path, sizeof(path),
			 "include/g%02" PRIu32 "/h%04" PRIu32 ".h",
			 i / HEADERS_PER_DIR, i);
		/* They include such as came before them. */
		ret = make_file(m, path, size(m, 512, 6), below(m, 4), i,
				declaration);
	}
	for (uint32_t i = 0; !ret && i < units; i++) {
		snprintf(path, sizeof(path), "d%02" PRIu32 "/u%04" PRIu32 ".c",
			 i / UNITS_PER_DIR, i);
		ret = make_file(m, path, size(m, 1024, 6), 3 + below(m, 8),
				headers, function);
	}
	return ret;
}

int filetree_make(struct filetree *t, uint32_t units, uint32_t headers,
		  uint64_t seed)
{
	struct maker *m = mem_zalloc(1, sizeof(*m));
	int ret = -ENOMEM;

	if (!m)
		return -ENOMEM;
	m->tree = t;
	m->r = prng_fork(seed, "filecache.tree");
	m->text = mem_zalloc(TEXT_MAX, 1);
	if (m->text) {
		make_words(m);
		ret = make_files(m, units, headers);
	}
	free(m->text);
	free(m);
	return ret ? ret : filetree_end(t);
}

/* ---- machine code ---- */

/* Instructions that all code has in common: two to seven bytes. */
static unsigned instruction(uint8_t *p, unsigned number)
{
	static const uint8_t first[] = {0x48, 0x89, 0x8b, 0xe8, 0x0f, 0x83,
					0x74, 0x75, 0xc7, 0x31, 0x41, 0xff,
					0x85, 0x5b, 0xeb, 0xc3};
	uint64_t dice = splitmix64(number);
	unsigned n = 2 + (unsigned)(dice >> 8) % 6;

	p[0] = first[dice % sizeof(first)];
	for (unsigned i = 1; i < n; i++) {
		if ((dice >> (8 * i + 4) & 7) < 3)
			p[i] = 0;
		else
			p[i] = (uint8_t)(dice >> (7 * i + 3));
	}
	return n;
}

static void fill_code(uint8_t *page, struct prng *r)
{
	unsigned at = 0;

	while (at < PAGE_BYTES) {
		uint8_t p[8];
		uint64_t dice = prng_next(r);
		/* A few are frequent; one in eight has an operand that
		 * is its own. */
		unsigned number = (unsigned)(dice % 64 * (dice >> 8 & 63) / 16);
		unsigned n = instruction(p, number);

		if ((dice >> 20 & 7) == 0)
			p[n - 1] = (uint8_t)(dice >> 24);
		if (n > PAGE_BYTES - at)
			n = PAGE_BYTES - at;
		memcpy(page + at, p, n);
		at += n;
	}
}

/* Records of 16 or 24 bytes, of which few are not zero. */
static void fill_table(uint8_t *page, struct prng *r)
{
	unsigned step = prng_next(r) & 1 ? 16 : 24;

	memset(page, 0, PAGE_BYTES);
	for (unsigned at = (unsigned)(prng_next(r) % step) & ~3u;
	     at + 12 <= PAGE_BYTES; at += step) {
		uint64_t dice = prng_next(r);

		page[at] = (uint8_t)dice;
		page[at + 1] = (uint8_t)(dice >> 8 & 0x3f);
		page[at + 8] = (uint8_t)(dice >> 16);
	}
}

static void fill_strings(uint8_t *page, struct prng *r)
{
	for (unsigned at = 0; at < PAGE_BYTES;) {
		uint64_t dice = prng_next(r);
		unsigned n = 3 + (unsigned)(dice & 7);

		for (unsigned i = 0; i < n && at < PAGE_BYTES; i++)
			page[at++] =
				(uint8_t)('a' + (dice >> (8 + 5 * i)) % 26);
		if (at < PAGE_BYTES)
			page[at++] = dice >> 60 ? '_' : 0;
	}
}

void filetree_code(uint8_t *page, uint64_t name, bool start)
{
	static const uint8_t elf[16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
	struct prng r = prng_fork(name, "filecache.code");
	unsigned kind = (unsigned)(prng_next(&r) % 20);

	if (start || kind < 12)
		fill_code(page, &r);
	else if (kind < 17)
		fill_table(page, &r);
	else
		fill_strings(page, &r);
	if (start)
		memcpy(page, elf, sizeof(elf));
	/* No two names have one page. */
	for (unsigned i = 0; i < 8; i++)
		page[64 + i] = (uint8_t)(name >> (8 * i));
}
