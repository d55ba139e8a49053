/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * reclaim.h - what the words of `dedupsim reclaim` ask for
 *
 * The words are read in reclaim_words.c, before anything runs; reclaim.c runs
 * each pool with each of the sizes and prints.
 */
#ifndef DEDUPSIM_CMD_RECLAIM_H
#define DEDUPSIM_CMD_RECLAIM_H

#include "sim/report/table.h"
#include "sim/run/reclaim.h"

#define RECLAIM_POOLS_MAX 16u
#define RECLAIM_SHARES_MAX 32u

struct reclaim_opts {
	const char *pool, *free, *policy, *json, *tsv;
	uint64_t objects, churn, limit, seed, compact, threads, paranoid, quiet;
};

struct pool_choice {
	const struct pool_ops *ops;
	void *opts;
	char *label; /* as the user gave it */
};

struct sizes_choice {
	struct sizes sizes;
	char *label; /* the same, a trace without its directory */
};

struct reclaim_job {
	struct reclaim_opts o;
	struct pool_choice pool[RECLAIM_POOLS_MAX];
	size_t npools;
	struct sizes_choice *sizes;
	size_t nsizes;
	bool policy[RECLAIM_POLICY_COUNT];
	uint32_t share[RECLAIM_SHARES_MAX];
	char share_text[RECLAIM_SHARES_MAX][16];
	size_t nshares;
	struct table table;
};

extern const struct opt reclaim_options[];

/*
 * reclaim_words - fill @j, zeroed by the caller, from the command line
 * Returns 0, -EINVAL with @err set, or -ENOMEM; reclaim_job_fini() in any case.
 */
int reclaim_words(struct reclaim_job *j, int argc, char **argv,
		  struct err *err);
void reclaim_job_fini(struct reclaim_job *j);

#endif
