/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sdcount_impl.h - what the parts of the accounting share; private to them
 *
 *	sdcount.c      operations, sampling
 *	sd_clusters.c  how contents are spread, what clusters take
 */
#ifndef DEDUPSIM_ENGINE_PAGEONE_SDCOUNT_IMPL_H
#define DEDUPSIM_ENGINE_PAGEONE_SDCOUNT_IMPL_H

#include "sim/engine/pageone/sdcount.h"

/* Of a cluster's page table: pages found by one load, and by two. */
#define SD_DIRECT 320u
#define SD_INDIRECT 832u
#define SD_TABLE 512u /* pages that a page of its table names */

/* sd_done.word of a count: not the number of a vector */
#define SD_WORD_COUNT (UINT64_C(1) << 40)

/* Keys with ranks from the end of the cluster before it to its own. */
struct cluster {
	uint32_t end, root;
	uint32_t objects, vectors;
	uint32_t objects_peak, vectors_peak;
};

struct sd_sample {
	struct sd_counts held;
	uint64_t turn, place;
	uint64_t looked, sum, squares; /* above exact_objects */
};

struct sdcount {
	struct sdcount_conf conf;
	struct sdshape lower, upper; /* upper: balanced only */
	uint32_t upper_root;
	struct cluster *cluster; /* in order of ends */
	size_t cluster_cap;
	uint32_t clusters;
	uint64_t objects;
	uint32_t spare_bits;	  /* looked at, not a byte yet */
	struct sd_counts p1[256]; /* search of the upper tree, by first byte */
	struct sd_sample sample[SD_OP_COUNT];
};

/* sd_clusters_make - the clusters of a new, empty tree; 0 or -ENOMEM */
int sd_clusters_make(struct sdcount *c);
struct cluster *sd_cluster_of(const struct sdcount *c, uint32_t rank);
void sd_cluster_resize(struct cluster *k, const struct sd_counts *n);
uint64_t sd_cluster_pages(const struct cluster *k);

/*
 * sd_cluster_op - one operation in cluster @k; 0, or -ENOMEM with nothing changed
 * @search: what its searches touch is added here; NULL: not looked at
 * @out:    what it changes
 */
int sd_cluster_op(struct sdcount *c, enum sd_op op, struct cluster *k,
		  uint32_t rank, struct sd_counts *search, struct sd_done *out);

#endif
