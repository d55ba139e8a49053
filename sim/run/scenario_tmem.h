/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * scenario_tmem.h - what the parts of the language of tmem share; private to it
 *
 *	scenario_tmem.c		lines, statements, rows
 *	scenario_tmem_pages.c	pages by name, their columns
 *	scenario_tmem_show.c	lists, trees, figures as text
 *	scenario_zcache.c	what zcache, frontswap and RAMster decide
 */
#ifndef DEDUPSIM_RUN_SCENARIO_TMEM_H
#define DEDUPSIM_RUN_SCENARIO_TMEM_H

#include "sim/core/pages.h"
#include "sim/engine/tmem/tmem.h"
#include "sim/pool/zcache.h"
#include "sim/run/scenario.h"

#define TMEM_PAGES_MAX 4096u /* named ones of a text */
#define TMEM_NAME_MAX 16u
#define TMEM_GOT_MAX 1024u

struct named_page {
	char name[TMEM_NAME_MAX];
	uint32_t content;
	bool packed; /* says what the compressor makes of it */
	uint16_t packed_bytes;
	uint8_t packed_first;
};

struct tmem_pages {
	struct page_store store;
	struct named_page *v;
	size_t n, cap;
	struct content_set *set;
	/* Columns of the set, with what pages said of themselves. */
	uint16_t *packed_bytes;
	uint8_t *packed_first;
	uint32_t *packed_order;
};

struct tmem_script {
	const char *file;
	int line;
	const struct scenario_opts *opts;
	FILE *out;
	struct err *err;
	char vector[32];
	struct tmem_pages pages;
	struct tmem *host; /* NULL: none yet */
	struct meter meter;
	/* What zcache and its kin are asked in. */
	struct pool *zbud;
	bool zbud_first; /* version */
	struct zcache_admission admission;
	struct frontswap_shrink shrink;
	char got[TMEM_GOT_MAX]; /* the answer to the present statement */
	unsigned told, differ;
};

/* A statement that is no good; returns -EINVAL. */
int tmem_say(struct tmem_script *sc, const char *what, const char *word);

/* A row; @told: what was expected, NULL: nothing. */
void tmem_answer(struct tmem_script *sc, const char *statement,
		 const char *told);

/* ---- pages ---- */

void tmem_pages_init(struct tmem_pages *p);
void tmem_pages_fini(struct tmem_pages *p);
/* "page NAME RUN… [packed BYTES FIRST]" */
int tmem_page_line(struct tmem_script *sc, char **word, int words);
/* All pages are known: their columns. */
int tmem_pages_close(struct tmem_script *sc);
const struct named_page *tmem_page_named(const struct tmem_pages *p,
					 const char *name);
/* The first that has this content; "?" for none. */
const char *tmem_page_name(const struct tmem_pages *p, uint32_t content);

/* ---- showing ---- */

void tmem_show_state(struct tmem_script *sc);
/* @client: index, 0: the list of all */
void tmem_show_list(struct tmem_script *sc, uint32_t client);
void tmem_show_order(struct tmem_script *sc, uint8_t shard);
void tmem_show_tree(struct tmem_script *sc, uint8_t shard);
/* Of the keys in @want ("Ta=1 Te=0 …" or "Ta Te"), from the line that begins
 * with @line ("G=", "C=CI:1,", …); -EINVAL */
int tmem_show_keys(struct tmem_script *sc, const char *line, char **want,
		   int n);

/* ---- zcache ---- */

/* Is it one of its statements?  1: done; 0: no; negative: an error */
int tmem_zcache_statement(struct tmem_script *sc, char **word, int words);
void tmem_zcache_fini(struct tmem_script *sc);

#endif
