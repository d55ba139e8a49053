/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "traces/text.h"

const char *const text_operands[EVENT_OP_COUNT] = {
	[EV_SPACE] = "s",	   [EV_FORK] = "sf",
	[EV_EXIT] = "s",	   [EV_MAP] = "svnF",
	[EV_UNMAP] = "svn",	   [EV_ADVISE] = "svnA",
	[EV_WRITE] = "svc",	   [EV_READ] = "svn",
	[EV_FREE] = "svn",	   [EV_PIN] = "svn",
	[EV_UNPIN] = "svn",	   [EV_MARK] = "",
	[EV_POOL] = "spF",	   [EV_POOL_END] = "sp",
	[EV_OBJECT] = "s012",	   [EV_PUT] = "spoid",
	[EV_GET] = "spoi",	   [EV_FLUSH_PAGE] = "spoi",
	[EV_FLUSH_OBJECT] = "spo",
};

const struct text_flag text_flags[] = {
	{EVF_FILE, "file"},
	{EVF_SHARED, "shared"},
	{EVF_MERGEABLE, "mergeable"},
	{EVF_HUGE, "huge"},
	{EVF_PERSISTENT, "persistent"},
	{EVF_POOL_SHARED, "shared"},
	{0, NULL},
};
