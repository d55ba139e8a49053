/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * text.h - numbers with units, words of a line, near names
 */
#ifndef DEDUPSIM_BASE_TEXT_H
#define DEDUPSIM_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whole string must be consumed; false: not such a number, or out of range,
 * and @out unchanged.  Fractions are taken when they give a whole number of
 * bytes or nanoseconds: 1.5KiB, not 0.3KiB.
 */
bool text_u64(const char *s, uint64_t *out);   /* decimal or 0x hex */
bool text_size(const char *s, uint64_t *out);  /* bytes: 4096, 4KiB, 3MiB */
bool text_time(const char *s, uint64_t *out);  /* ns: 20ms, 1.5s; bare 0 only */

/*
 * text_words - split in place at blanks; stops at @max words
 * @words: room for @max
 * A '#' at the start of a word begins a comment.
 * Returns the number of words, @max + 1 when there are more.
 */
int text_words(char *line, char **words, int max);

/* text_line - next line of [*@p, @end) without its newline, NUL put in its
 * place; NULL at the end.  A last line without newline counts (*@end must be
 * writable).  A CR before the newline is dropped. */
char *text_line(char **p, char *end);

/* text_distance - edits (insert, delete, replace, swap) between two names, of
 * which '-' and '_' are the same letter; TEXT_NAME_MAX when one is longer than
 * that and they differ */
#define TEXT_NAME_MAX 64
unsigned text_distance(const char *a, const char *b);

/* text_nearest - of @n names the closest to @s when close enough, or else the
 * first that begins with it; NULL: none.  Of equally close ones the first. */
const char *text_nearest(const char *s, const char *const *names, size_t n);

/* Human forms, into @buf, which they return. */
const char *text_bytes(char *buf, size_t n, uint64_t bytes); /* "1.5 MiB" */
const char *text_signed_bytes(char *buf, size_t n, int64_t bytes);
const char *text_ns(char *buf, size_t n, uint64_t ns);	     /* "20.1 ms" */
const char *text_count(char *buf, size_t n, uint64_t v);     /* "12 345" */

#endif
