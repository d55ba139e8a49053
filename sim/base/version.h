/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * version.h - what `dedupsim --version` and result files say
 */
#ifndef DEDUPSIM_BASE_VERSION_H
#define DEDUPSIM_BASE_VERSION_H

#define DEDUPSIM_VERSION "0.1.0"

#endif
