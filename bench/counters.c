/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* syscall */
#include <errno.h>
#include <inttypes.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <perfmon/pfmlib_perf_event.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "sim/base/text.h"
#include "bench/counters.h"

static int encode(const char *name, struct perf_event_attr *attr,
		  struct err *err)
{
	pfm_perf_encode_arg_t arg = {.attr = attr, .size = sizeof(arg)};
	int ret = pfm_initialize();

	memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	if (ret == PFM_SUCCESS)
		ret = pfm_get_os_event_encoding(name, PFM_PLM3,
						PFM_OS_PERF_EVENT, &arg);
	if (ret == PFM_SUCCESS)
		return 0;
	return err_set(err, ENOENT, "this processor has no such event: %s",
		       pfm_strerror(ret));
}

int counters_encode(const char *name, uint32_t *type, uint64_t *config,
		    struct err *err)
{
	struct perf_event_attr attr;
	int ret = encode(name, &attr, err);

	if (ret)
		return ret;
	*type = attr.type;
	*config = attr.config;
	return 0;
}

static void open_event(struct counter *c)
{
	struct perf_event_attr attr;
	struct err err = {0};

	c->fd = -1;
	if (encode(c->name, &attr, &err)) {
		snprintf(c->why, sizeof(c->why), "%s", err.text);
		return;
	}
	c->type = attr.type;
	c->config = attr.config;
	attr.disabled = 1;
	attr.inherit = 1;
	attr.exclude_kernel = 1;
	attr.exclude_hv = 1;
	attr.read_format =
		PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
	c->fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1,
			     PERF_FLAG_FD_CLOEXEC);
	if (c->fd < 0)
		snprintf(c->why, sizeof(c->why),
			 "the kernel refuses type %" PRIu32 " config 0x%" PRIx64
			 ": %s",
			 c->type, c->config, strerror(errno));
}

int counters_new(struct counters **out, const char *list, struct err *err)
{
	struct counters *c = mem_zalloc(1, sizeof(*c));
	int ret = c ? 0 : -ENOMEM;

	while (!ret) {
		size_t n = strcspn(list, ",");

		if (!n || n >= COUNTERS_NAME_MAX)
			ret = err_set(err, EINVAL, "counters: %s",
				      n ? "a name is too long"
					: "a name is empty");
		else if (c->n == COUNTERS_MAX)
			ret = err_set(err, EINVAL, "counters: more than %u",
				      COUNTERS_MAX);
		else
			memcpy(c->v[c->n++].name, list, n);
		if (ret || !list[n])
			break;
		list += n + 1;
	}
	if (ret) {
		free(c);
		return ret;
	}
	for (unsigned i = 0; i < c->n; i++)
		open_event(&c->v[i]);
	*out = c;
	return 0;
}

void counters_free(struct counters *c)
{
	for (unsigned i = 0; c && i < c->n; i++)
		if (c->v[i].fd >= 0)
			close(c->v[i].fd);
	free(c);
}

void counters_start(struct counters *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->n; i++)
		if (c->v[i].fd >= 0)
			ioctl(c->v[i].fd, PERF_EVENT_IOC_ENABLE, 0);
	c->started_ns = os_thread_cpu_ns();
}

void counters_stop(struct counters *c)
{
	if (!c)
		return;
	c->cpu_ns += os_thread_cpu_ns() - c->started_ns;
	for (unsigned i = 0; i < c->n; i++) {
		struct counter *v = &c->v[i];
		uint64_t got[3];

		if (v->fd < 0)
			continue;
		ioctl(v->fd, PERF_EVENT_IOC_DISABLE, 0);
		if (read(v->fd, got, sizeof(got)) != sizeof(got))
			continue;
		v->value = got[0];
		v->enabled_ns = got[1];
		v->running_ns = got[2];
	}
}

void counters_print(const struct counters *c, const char *what, FILE *out)
{
	char text[40];

	fprintf(out, "%s: thread CPU time %s\n", what,
		text_ns(text, sizeof(text), c->cpu_ns));
	for (unsigned i = 0; i < c->n; i++) {
		const struct counter *v = &c->v[i];

		if (v->why[0]) {
			fprintf(out, "%s: %s not counted: %s\n", what, v->name,
				v->why);
			continue;
		}
		fprintf(out, "%s: %s %" PRIu64, what, v->name, v->value);
		if (v->running_ns < v->enabled_ns)
			fprintf(out, " (counted %" PRIu64 " of %" PRIu64 " ns)",
				v->running_ns, v->enabled_ns);
		fputc('\n', out);
	}
}
