/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * err.h - one message for the user, owned by the caller
 *
 * Functions that can meet bad input take a `struct err *` last and return a
 * negative errno; the text says where (file and line, offset or key) and what.
 * It is printed once, by main().  Errors of the environment (memory, I/O) may
 * travel as a bare negative errno: err_text() turns them into words.
 *
 * Control characters, which may come from hostile input, become '?'.
 */
#ifndef DEDUPSIM_BASE_ERR_H
#define DEDUPSIM_BASE_ERR_H

#include <stdbool.h>
#include <stdio.h>

#define ERR_TEXT_MAX 512

struct err {
	char text[ERR_TEXT_MAX]; /* "" when nothing was said */
	bool usage; /* what was asked for is wrong, not what was read */
};

/*
 * err_set - put a message; a message already there is kept (first cause wins)
 * @e:    may be NULL
 * @code: positive errno
 *
 * Returns -@code, so that callers write `return err_set(e, EINVAL, ...)`.
 */
int err_set(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * err_why - print what is wrong to @why (NULL: nowhere), for functions that
 * check invariants: "PART: what it says"
 * Returns -EINVAL.
 */
int err_why(FILE *why, const char *part, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * err_prefix - put "@fmt: " before the message that is there
 * Returns @ret unchanged; does nothing when @e is NULL or empty.
 */
int err_prefix(struct err *e, int ret, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * err_usage - if @ret is -EINVAL, the words of the command are to blame, however
 * deep inside it was found; the exit status tells
 * Returns @ret unchanged; does nothing when @e is NULL.
 */
int err_usage(struct err *e, int ret);

/* err_text - the message, or the words for errno -@ret when none was put */
const char *err_text(const struct err *e, int ret);

#endif
