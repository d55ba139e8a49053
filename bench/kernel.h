/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel.h - the running kernel's KSM: its files, who uses it, and a guard
 *
 * KSM is one per machine and its counters are global, so whoever measures with
 * it must be alone and must leave no trace:
 *
 *	guard (parent)               body (child)            workers
 *	lock, look, save knobs ──►   turns knobs, steps  ──► own the memory
 *	wait for the child,          ksmd, reads counters
 *	restore knobs        ◄── whatever end the child comes to
 *
 * The guard restores after a return, an error, a crash or a kill of the body,
 * and after SIGINT, SIGTERM, SIGHUP and SIGQUIT to itself.
 */
#ifndef DEDUPSIM_BENCH_KERNEL_H
#define DEDUPSIM_BENCH_KERNEL_H

#include <stdbool.h>
#include <sys/types.h>

#include "sim/base/err.h"

#include "bench/child.h"

/* Exit status, besides those of child.h. */
#define EXIT_NO_KSM 77 /* not root, or a kernel without KSM */

/* ksm_read - a number of /sys/kernel/mm/ksm; -1: the kernel has no such file */
long ksm_read(const char *name);
/* ksm_write, ksm_write_text - 0, or the kernel's answer as a negative errno */
int ksm_write(const char *name, long value);
int ksm_write_text(const char *name, const char *text);

/* kernel_stat - the number behind "@key " or "@key: " in a file of /proc; -1 */
long kernel_stat(const char *path, const char *key);

void kernel_sleep_us(long us);

/* ksm_daemon - process id of ksmd; 0: not visible from here */
pid_t ksm_daemon(void);
/* ksm_daemon_sleeps - does it wait (state S)?  false when it cannot be told */
bool ksm_daemon_sleeps(pid_t ksmd);

/*
 * ksm_alone - does nobody else have mergeable memory?
 * Processes of our own process group (workers and their children) do not count.
 * Returns 0, or -EBUSY with the process in @err.
 */
int ksm_alone(struct err *err);

typedef child_body ksm_body;

/*
 * ksm_guard - run @body in a child with KSM to itself, then restore every knob
 *
 * Returns the exit status of @body; EXIT_NO_KSM; EXIT_IN_USE (nothing changed);
 * 128 + signal when the body or the guard was ended by one; 1 when a knob could
 * not be restored.  What went wrong is in @err; the body's own message has been
 * printed to stderr by then.
 */
int ksm_guard(ksm_body *body, void *ctx, struct err *err);

#endif
