/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rig.h - a machine with one engine on it, driven by hand
 *
 *	struct rig r;
 *	rig_init(&r, "ksm", RULE_KEY, 100, NULL);  contents 0 (zeros), 1 … 99
 *	rig_do(&r, ev_space(0));
 *	rig_do(&r, ev_map(0, 512, 8, EVF_MERGEABLE));
 *	rig_do(&r, ev_write(0, 512, 7));
 *	rig_scan(&r);                              ksmd's turns: one full scan
 *	rig_row(&r, "ksm", "pages_shared");
 *	rig_fini(&r);
 *
 * Functions without a return value fail the Check test when they cannot do what
 * they are asked for; the others answer as the code under test does.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_RIG_H
#define DEDUPSIM_TESTS_SUPPORT_RIG_H

#include "sim/base/prng.h"
#include "sim/core/pages.h"
#include "sim/engine/engine.h"

struct rig {
	struct page_store store;
	struct content_set *contents;
	struct machine *machine;
	const struct engine_ops *ops;
	struct engine *engine;
	struct clock clock;
	struct meter meter;   /* of guests, and of the first worker */
	struct meter *meters; /* of workers that the engine plays itself */
	struct rows rows;
	struct err err;
};

struct rig_config {
	const char *engine;
	const char *const
		*set;	     /* names and values in turn, NULL ends; or NULL */
	enum page_rule rule; /* what content i > 0 holds: the rule of i */
	uint32_t contents;
	uint32_t zero_pages;
};

/* rig_contents - only the contents: the part that may not run out of memory */
void rig_contents(struct rig *r, enum page_rule rule, uint32_t contents);
/* rig_start - machine and engine on contents that are there; 0 or -errno */
int rig_start(struct rig *r, const struct rig_config *cfg);
void rig_stop(struct rig *r); /* undoes rig_start() */
/* Both at once; @set as in struct rig_config. */
void rig_init(struct rig *r, const char *engine, enum page_rule rule,
	      uint32_t contents, const char *const *set);
void rig_fini(struct rig *r);

/* rig_event - one event with all its effects; 0 or -errno */
int rig_event(struct rig *r, const struct event *ev);
void rig_do(struct rig *r, struct event ev);
/* rig_turn - the clock goes on to the engine's wake time, worker 0 works */
int rig_turn(struct rig *r);
/* rig_scan - turns until one more full scan is over */
void rig_scan(struct rig *r);
void rig_scans(struct rig *r, unsigned n);
/* rig_set - ops->set() */
int rig_set(struct rig *r, const char *key, const char *value);
/* rig_check - machine_check() and the engine's */
void rig_check(const struct rig *r);
/* rig_row - @scope NULL: any; the row must be there */
int64_t rig_row(struct rig *r, const char *scope, const char *name);
int64_t rig_space_row(struct rig *r, uint32_t space, const char *name);
/* rig_pages - a digest of what each page of each space holds */
uint64_t rig_pages(const struct rig *r);
struct pte *rig_pte(const struct rig *r, uint32_t space, uint64_t vpn);

/* ---- events ---- */

struct event ev_space(uint32_t space);
struct event ev_fork(uint32_t child, uint32_t parent);
struct event ev_exit(uint32_t space);
struct event ev_map(uint32_t space, uint64_t vpn, uint64_t n, unsigned flags);
struct event ev_advise(uint32_t space, uint64_t vpn, uint64_t n, bool on);
struct event ev_write(uint32_t space, uint64_t vpn, uint32_t content);
/* EV_UNMAP, EV_READ, EV_FREE, EV_PIN, EV_UNPIN */
struct event ev_range(unsigned op, uint32_t space, uint64_t vpn, uint64_t n);

/*
 * chaos_event - something random that may well be refused
 * Pages [CHAOS_BASE, CHAOS_BASE + CHAOS_PAGES) of up to CHAOS_SPACES spaces,
 * contents below @contents.
 */
#define CHAOS_BASE (UINT64_C(3) << 20)
#define CHAOS_PAGES 1600u
#define CHAOS_SPACES 6u
struct event chaos_event(struct prng *r, const struct machine *m,
			 uint32_t contents);

#endif
