/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * readers.h - guests read memory through caches: what do merged pages cost?
 *
 *	event ──► readers ──► now     frames as the engine left them
 *	                  ──► apart   the same reads, a frame for each page
 *	engine's own reads ─► now only; then there is
 *	                      quiet   as now, without them
 *
 * A page that is read is read line by line, one load each, by the CPU of its
 * space (number modulo CPUs; the engine runs on CPU 0).  Addresses are those of
 * the trace.  Two pages of a merged frame and two mappings of a zero page share
 * its lines; in "apart" every page that an engine merged has a frame of its own.
 *
 * Rows, scope "cache": everything that models/cache.h counts for "now", and
 *	line_bytes
 *	read_lines           read by guests; merged_lines of these in merged pages
 *	merged_cycles        for those; merged_cycles_apart in "apart"
 *	merged_cold_cycles, merged_cold_cycles_apart
 *	                     generated readers: the first of two passes
 *	scan_pages, scan_lines, scan_cycles
 *	                     that the engine visited, read, and spent
 *	guest_misses, guest_misses_quiet, guest_cycles, guest_cycles_quiet
 *	                     of L1, with and without the engine's reads
 * Cycles leave the TLB out.
 */
#ifndef DEDUPSIM_RUN_READERS_H
#define DEDUPSIM_RUN_READERS_H

#include "models/cache.h"
#include "sim/core/meter.h"
#include "sim/engine/engine.h"
#include "sim/machine/place.h"

enum readers_order {
	READERS_AUTO, /* of the trace if it has reads, else sequential */
	READERS_TRACE,
	/* Twice over all merged pages when the run is over: */
	READERS_SEQUENTIAL, /* by space and address */
	READERS_STRIDED, /* the first line of each page, then the second … */
	READERS_RANDOM,	 /* as many lines as there are */
};

struct readers_config {
	const struct cache_conf *conf; /* NULL: no caches */
	enum readers_order order;
	bool random_placement;
	/* The engine's compares and checksums go through the caches; generated
	 * readers then read their first @pages pages after each of its turns. */
	bool scan;
	uint64_t pages;
	uint64_t seed;
};

struct readers;

/*
 * readers_new - empty caches
 * @has_reads: of the trace
 * Returns 0 with NULL in *@out when there is no configuration; -EINVAL; -ENOMEM.
 * All functions below do nothing when there are no readers.
 */
int readers_new(struct readers **out, const struct readers_config *cfg,
		const struct machine *m, bool has_reads, struct err *err);
void readers_free(struct readers *r);
/* readers_sink - for the engine; NULL: its reads are not asked for */
const struct engine_sink *readers_sink(struct readers *r);

/* Around each event, when the machine has carried it out in between. */
void readers_before(struct readers *r, const struct event *ev);
void readers_after(struct readers *r, const struct event *ev);
/* Around each turn of the engine. */
void readers_turn(struct readers *r);
void readers_turned(struct readers *r);

/* readers_end - what is read when the run is over; 0 or -ENOMEM */
int readers_end(struct readers *r, const struct meter *m);
void readers_report(const struct readers *r, struct rows *out);
/* readers_what - the order in words; static; "none" without readers */
const char *readers_what(const struct readers *r);

#endif
