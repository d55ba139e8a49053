/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * files.h - large inputs, made once and kept in the bench's directory
 *
 * The name says everything that the content depends on, with the seed.
 */
#ifndef DEDUPSIM_BENCH_FILES_H
#define DEDUPSIM_BENCH_FILES_H

#include "bench/bench.h"

#define FILES_PATH_MAX 512u

/* files_path - "DIR/NAME-SEED.SUFFIX", '/' of the name as '-' */
int files_path(const struct bench *b, const char *name, const char *suffix,
	       char path[FILES_PATH_MAX], struct err *err);
int64_t files_bytes(const char *path); /* -1: no such file */
/* files_forget - out of the page cache, so that it is read from disk */
void files_forget(const char *path);
/* files_zstd_version - "libzstd 1.5.4": what compressed sizes depend on */
const char *files_zstd_version(void);

#endif
