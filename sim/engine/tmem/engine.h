/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * engine.h - tmem as an engine: the host, and what events name things by
 */
#ifndef DEDUPSIM_ENGINE_TMEM_ENGINE_H
#define DEDUPSIM_ENGINE_TMEM_ENGINE_H

#include "sim/engine/engine.h"
#include "sim/engine/tmem/play.h"

/* What events call the pools that the host has given to a client. */
struct tmem_names {
	uint32_t number[TMEM_POOLS]; /* by the host's number */
	uint32_t given;		     /* bit by the host's number */
};

struct tmem_oid {
	uint64_t word[3];
};

struct tmem_engine {
	struct engine base;
	struct tmem *host;
	struct tmem_play *play;
	const struct clock *clock;
	struct tmem_oid *oid; /* by number of the object */
	size_t oid_cap;
	struct tmem_names *names; /* by client */
	size_t names_cap;
};

/* tmem_columns_of - what the revision wants to know of these contents */
void tmem_columns_of(struct tmem_config *cfg, const struct content_set *s);

#endif
