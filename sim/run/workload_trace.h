/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * workload_trace.h - a workload in the place of a recording
 */
#ifndef DEDUPSIM_RUN_WORKLOAD_TRACE_H
#define DEDUPSIM_RUN_WORKLOAD_TRACE_H

#include "traces/trace.h"
#include "workloads/workload.h"

/*
 * workload_trace_open - as trace_open()
 * @words: "NAME:KEY=VALUE,…", must stay until the trace is closed
 * Its digest is that of the recording that says the same.
 */
int workload_trace_open(struct trace **out, const char *words, uint64_t seed,
			struct err *err);

#endif
