/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * image.h - RAM of a guest as a file, and its distinct pages as another
 *
 * Pages come in pairs, the second equal to the first, as many distinct as not.
 *	random  nothing to compress
 *	guest   pages of a recording, in turns, each with a number of its own
 *	        somewhere in it: compresses as memory does
 */
#ifndef DEDUPSIM_BENCH_IMAGE_H
#define DEDUPSIM_BENCH_IMAGE_H

#include "bench/files.h"

enum image_data { IMAGE_RANDOM, IMAGE_GUEST, IMAGE_DATA };
extern const char *const image_data_name[]; /* NULL ends it */

struct image_job {
	enum image_data data;
	uint64_t pages;	   /* even */
	const char *trace; /* of IMAGE_GUEST */
};

struct image {
	char ram[FILES_PATH_MAX], distinct[FILES_PATH_MAX];
	uint64_t pages, contents; /* contents: without the page of zeros */
};

/* image_make - both files, unless they are there */
int image_make(const struct bench *b, const struct image_job *job,
	       struct image *im, struct err *err);

#endif
