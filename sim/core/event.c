/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stddef.h>

#include "sim/core/event.h"

const char *event_word(unsigned op)
{
	static const char *const word[EVENT_OP_COUNT] = {
#define X(sym, word) [EV_##sym] = word,
		EVENT_OPS(X)
#undef X
	};

	return op < EVENT_OP_COUNT ? word[op] : NULL;
}
