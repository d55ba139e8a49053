/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tmemrig.h - a host of tmem with contents, driven by hand
 *
 *	struct tmemrig r;
 *	tmemrig_init(&r);			contents 0 … TMEMRIG_CONTENTS - 1
 *	tmemrig_start(&r, TMEM_R1, false);	r.cfg may be changed before
 *	tmemrig_pool(&r, 1, 0);
 *	tmemrig_put(&r, 1, 0, 5, 0, 3);
 *	tmemrig_fini(&r);
 *
 * Content 0 is zeros.  Of the others four begin alike and differ late, four end
 * in zeros, four are one byte over and over, the rest are noise.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_TMEMRIG_H
#define DEDUPSIM_TESTS_SUPPORT_TMEMRIG_H

#include "sim/core/pages.h"
#include "sim/engine/tmem/tmem.h"

#define TMEMRIG_CONTENTS 20u

struct tmemrig {
	struct page_store store;
	struct content_set *set;
	struct tmem_config cfg;
	struct tmem *t;
	struct meter meter;
	uint32_t got; /* content of the last get that found something */
};

void tmemrig_init(struct tmemrig *r);
/* tmemrig_start - a fresh host with r->cfg, of this revision; 0 or -ENOMEM */
int tmemrig_start(struct tmemrig *r, enum tmem_revision revision,
		  bool as_shipped);
void tmemrig_stop(struct tmemrig *r);
void tmemrig_fini(struct tmemrig *r);

/* What a guest is answered; a lack of the simulator's memory fails the test. */
int tmemrig_pool(struct tmemrig *r, uint32_t client, unsigned flags);
int tmemrig_put(struct tmemrig *r, uint32_t client, uint32_t pool,
		uint64_t object, uint32_t index, uint32_t content);
int tmemrig_get(struct tmemrig *r, uint32_t client, uint32_t pool,
		uint64_t object, uint32_t index);
int tmemrig_flush(struct tmemrig *r, uint32_t client, uint32_t pool,
		  uint64_t object, uint32_t index);
int tmemrig_call(struct tmemrig *r, struct tmem_call *c);
void tmemrig_check(const struct tmemrig *r);

#endif
