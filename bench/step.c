/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "bench/kernel.h"

#include "bench/step.h"

#define HOUR_MS 3600000L
#define POLL_US 50
#define STUCK_POLLS 400000 /* 20 s and more without any page visited */
#define BLIND_US 20000	   /* when ksmd cannot be watched: plenty */

void step_init(struct stepper *s)
{
	*s = (struct stepper){.ksmd = ksm_daemon(), .hour = HOUR_MS};
}

void step_settle(const struct stepper *s)
{
	/* Writing the value that it has only takes and drops ksmd's mutex. */
	ksm_write("run", ksm_read("run"));
	if (!s->ksmd) {
		kernel_sleep_us(BLIND_US);
		return;
	}
	while (!ksm_daemon_sleeps(s->ksmd))
		kernel_sleep_us(POLL_US);
}

/* With run other than 1, end the pending sleep so that ksmd really parks. */
static void step_park(struct stepper *s)
{
	ksm_write("sleep_millisecs", 1);
	step_settle(s);
	ksm_write("sleep_millisecs", s->hour);
	s->started = false;
	s->scans = ksm_read("full_scans");
}

static void set_defaults(void)
{
	ksm_write_text("advisor_mode", "none");
	ksm_write("pages_to_scan", 100);
	ksm_write("use_zero_pages", 0);
	ksm_write("smart_scan", 1);
	ksm_write("max_page_sharing", 256);
	ksm_write("merge_across_nodes", 1);
	ksm_write("stable_node_chains_prune_millisecs", 2000);
}

int step_reset(struct stepper *s, struct err *err)
{
	static const char *const empty[] = {"pages_shared", "pages_sharing",
					    "pages_unshared", "pages_volatile",
					    "full_scans"};

	/* Everything is dropped only when run changes to 2. */
	if (ksm_read("run") == 2)
		ksm_write("run", 0);
	ksm_write("run", 2);
	set_defaults();
	s->hour = HOUR_MS;
	step_park(s);
	for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
		if (ksm_read(empty[i]))
			return err_set(err, EBUSY,
				       "KSM is in use: %s is %ld after run=2",
				       empty[i], ksm_read(empty[i]));
	s->overrun = false;
	return ksm_alone(err);
}

int step_set(struct stepper *s, const char *name, long value)
{
	int ret = ksm_write(name, value);

	if (!ret && !strcmp(name, "run") && value != 1)
		step_park(s);
	return ret;
}

/* The first batch comes with run=1, each further one with a changed sleep. */
static void step_wake(struct stepper *s)
{
	if (!s->started) {
		ksm_write("run", 1);
		s->started = true;
		return;
	}
	s->hour = s->hour == HOUR_MS ? HOUR_MS + 1 : HOUR_MS;
	ksm_write("sleep_millisecs", s->hour);
}

/* Pages that ksmd has dealt with, in whatever way. */
static long progress(void)
{
	return ksm_read("pages_scanned") + ksm_read("pages_skipped");
}

/* Wake ksmd; wait for the end of the scan, or for @pages visited pages. */
static int step_one(struct stepper *s, long pages, struct err *err)
{
	long scans = ksm_read("full_scans"), before = ksm_read("pages_scanned");
	long seen = progress(), stuck = 0;

	ksm_write("pages_to_scan", pages);
	step_wake(s);
	while (ksm_read("full_scans") == scans &&
	       ksm_read("pages_scanned") - before < pages) {
		if (progress() != seen) {
			seen = progress();
			stuck = 0;
		}
		if (++stuck > STUCK_POLLS)
			return err_set(err, ETIMEDOUT,
				       "ksmd makes no progress");
		kernel_sleep_us(POLL_US);
	}
	step_settle(s);
	return 0;
}

int step_scan(struct stepper *s, struct err *err)
{
	long before = ksm_read("full_scans");
	int ret = step_one(s, STEP_ALL, err);

	if (ret)
		return ret;
	s->scans++;
	if (ksm_read("full_scans") != before + 1)
		s->overrun = true;
	return 0;
}

int step_batch(struct stepper *s, long pages, long *visited, struct err *err)
{
	long before = ksm_read("pages_scanned");
	int ret = step_one(s, pages, err);

	if (ret)
		return ret;
	s->scans = ksm_read("full_scans");
	*visited = ksm_read("pages_scanned") - before;
	return 0;
}
