/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shortkeys.h - a content set of all keys of 8 or 16 bits, zeros behind them
 *
 * A key's rank is its value; so is its id.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_SHORTKEYS_H
#define DEDUPSIM_TESTS_SUPPORT_SHORTKEYS_H

#include "sim/core/content.h"

struct shortkeys {
	uint32_t bits;
	struct content_set *set;
};

void shortkeys_init(struct shortkeys *k, uint32_t bits);
void shortkeys_fini(struct shortkeys *k);

#endif
