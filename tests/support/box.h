/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * box.h - a directory of files made for one test, and a trace as text
 *
 * Everything here fails the Check test that calls it when it cannot do its
 * work.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_BOX_H
#define DEDUPSIM_TESTS_SUPPORT_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BOX_PATH_MAX 256

struct box {
	char dir[BOX_PATH_MAX / 2]; /* under TMPDIR or /tmp */
};

void box_init(struct box *b);
void box_fini(struct box *b); /* removes all files, then the directory */

struct box_path {
	char text[BOX_PATH_MAX];
};

/* box_path - DIR/NAME; "a=one.raw@3s" is a path too: "a=DIR/one.raw@3s" */
struct box_path box_path(const struct box *b, const char *name);
bool box_has(const struct box *b, const char *name);
void box_write(const struct box *b, const char *name, const void *p, size_t n);
/* box_read - *@out is malloc()ed, NUL-terminated; returns its bytes */
size_t box_read(const struct box *b, const char *name, char **out);
/* box_pack - NAME becomes NAME.zst with this window; 0: the default */
void box_pack(const struct box *b, const char *name, int window_log);

/*
 * box_image - a RAM image, one page for each word of @pages
 * "." is a hole; a number v is the page of RULE_KEY v, 0 the page of zeros.
 */
void box_image(const struct box *b, const char *name, const char *pages);

/*
 * box_events - the events of a trace, verified, one per line; malloc()ed
 *
 *	8003 write 0 10000003 = 7
 *	8003 free 0 10000004 + 2
 *
 * Milliseconds, op, space, hexadecimal vpn, then what there is of content (the
 * first eight bytes as a big-endian number) or count.
 */
char *box_events(const struct box *b, const char *name);

/* box_meta - value of a key of the trace's provenance, or "(none)" */
char *box_meta(const struct box *b, const char *name, const char *key);

#endif
