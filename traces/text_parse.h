/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text_parse.h - lines of the text form, read in place
 *
 * Nothing here writes to the text, so several threads may parse it at once.
 * Errors say what is wrong; the caller knows file and line.
 */
#ifndef DEDUPSIM_TRACES_TEXT_PARSE_H
#define DEDUPSIM_TRACES_TEXT_PARSE_H

#include <stddef.h>

#include "sim/base/err.h"
#include "sim/core/event.h"

/* The rest of a line; a word is what stands between blanks. */
struct text_span {
	const char *p, *end;
};

/* text_take_line - the next line of @all without its end; false: no more */
bool text_take_line(struct text_span *all, struct text_span *line);
/* text_take_word - false at the end of the line or at a comment */
bool text_take_word(struct text_span *line, struct text_span *word);
bool text_is(struct text_span word, const char *s);

/* text_take_u32 - the next word as a number; @what names it in messages */
int text_take_u32(struct text_span *line, const char *what, uint32_t *out,
		  struct err *err);
int text_end(struct text_span *line, struct err *err); /* nothing may follow */

/* text_parse_page - bytes behind `content ID`; exactly one page */
int text_parse_page(struct text_span line, uint8_t *page, struct err *err);
/* text_parse_event - a line that starts with a time; not checked by rules */
int text_parse_event(struct text_span line, struct event *ev, struct err *err);

#endif
