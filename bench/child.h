/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * child.h - measure in a child, so that what was changed can be put back
 *
 *	lock_take(&err)		one measurement of this machine at a time
 *	child_begin(&c)		signals that would end us wait
 *	…			change the machine
 *	child_run(&c, body, …)	whatever end the child comes to
 *	…			put everything back
 *	child_end(&c)
 */
#ifndef DEDUPSIM_BENCH_CHILD_H
#define DEDUPSIM_BENCH_CHILD_H

#include <signal.h>

#include "sim/base/err.h"

/* Exit status of the tools, besides 0, 1 (failed) and 2 (usage). */
#define EXIT_IN_USE 75 /* somebody else measures: try later */

/*
 * lock_take - the lock of all measurements; a descriptor to close, or a
 * negative errno: -EWOULDBLOCK when another one holds it
 */
int lock_take(struct err *err);

struct child {
	sigset_t ending; /* SIGINT, SIGTERM, SIGHUP, SIGQUIT, unless ignored */
	sigset_t before;
};

/* What the child does: returns an exit status, 0 for success. */
typedef int child_body(void *ctx, struct err *err);

void child_begin(struct child *c);
/*
 * child_run - fork, let the child do @body, wait until it and what it left
 * behind are gone; a signal to us ends it
 * @after: for messages, what is true then: "KSM is as it was"
 *
 * Returns the exit status of @body, or 128 + the signal that ended it or us, with
 * @err set; 1 when there is no child.  The body's own message has been printed
 * to stderr by then.
 */
int child_run(struct child *c, child_body *body, void *ctx, const char *after,
	      struct err *err);
void child_end(struct child *c);

#endif
