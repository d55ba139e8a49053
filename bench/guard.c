/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/kernel.h"

#define KSM_DIR "/sys/kernel/mm/ksm/"
#define KNOBS_MAX 40
#define RESTORE_TRIES 200 /* of 10 ms: pages of dying workers are EBUSY */

struct knob {
	char name[48], value[48];
};

struct knobs {
	struct knob v[KNOBS_MAX];
	int n;
};

/* A file of KSM as it would be written: the bracketed word of a choice. */
static int knob_read(struct knob *k)
{
	char path[128], text[64];
	char *word = text, *end;
	FILE *f;

	snprintf(path, sizeof(path), KSM_DIR "%s", k->name);
	f = fopen(path, "r");
	if (!f)
		return -errno;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	text[strcspn(text, "\n")] = '\0';
	end = strchr(text, '[');
	if (end) {
		word = end + 1;
		word[strcspn(word, "]")] = '\0';
	}
	snprintf(k->value, sizeof(k->value), "%.47s", word);
	return 0;
}

/* Every file that its owner may write, so that knobs to come are kept too. */
static int knobs_save(struct knobs *ks, struct err *err)
{
	DIR *dir = opendir(KSM_DIR);
	struct dirent *e;
	struct stat st;
	int ret = 0;

	ks->n = 0;
	if (!dir)
		return err_set(err, errno, KSM_DIR ": cannot be read");
	while (!ret && (e = readdir(dir))) {
		struct knob *k = &ks->v[ks->n];

		if (fstatat(dirfd(dir), e->d_name, &st, 0) ||
		    !S_ISREG(st.st_mode) || !(st.st_mode & S_IWUSR))
			continue;
		if (ks->n == KNOBS_MAX || strlen(e->d_name) >= sizeof(k->name))
			ret = err_set(err, E2BIG, KSM_DIR ": too many knobs");
		else {
			memcpy(k->name, e->d_name, strlen(e->d_name) + 1);
			ret = knob_read(k);
			ks->n++;
		}
	}
	closedir(dir);
	return ret;
}

static const char *knob_saved(const struct knobs *ks, const char *name)
{
	for (int i = 0; i < ks->n; i++)
		if (!strcmp(ks->v[i].name, name))
			return ks->v[i].value;
	return NULL;
}

static void knob_write(const char *name, const char *value)
{
	for (int i = 0; i < RESTORE_TRIES; i++) {
		if (ksm_write_text(name, value) != -EBUSY)
			return;
		kernel_sleep_us(10000);
	}
}

/*
 * With an advisor on, pages_to_scan is its own: writing it is refused, and
 * switching the advisor on sets it to advisor_min_pages_to_scan.  So that knob
 * lends its place for the moment of the switch.
 */
static void restore_advisor(const struct knobs *ks)
{
	const char *mode = knob_saved(ks, "advisor_mode");
	const char *pages = knob_saved(ks, "pages_to_scan");
	const char *floor = knob_saved(ks, "advisor_min_pages_to_scan");

	if (!mode || !pages || !floor || !strcmp(mode, "none"))
		return;
	knob_write("advisor_min_pages_to_scan", pages);
	knob_write("advisor_mode", mode);
	knob_write("advisor_min_pages_to_scan", floor);
}

static int knobs_restore(const struct knobs *ks, struct err *err)
{
	int ret = 0;

	ksm_write("run", 2); /* nothing of ours stays merged */
	ksm_write_text("advisor_mode", "none");
	for (int i = 0; i < ks->n; i++)
		if (strcmp(ks->v[i].name, "run") != 0 &&
		    strcmp(ks->v[i].name, "advisor_mode") != 0)
			knob_write(ks->v[i].name, ks->v[i].value);
	restore_advisor(ks);
	knob_write("run", knob_saved(ks, "run"));

	for (int i = 0; i < ks->n; i++) {
		struct knob now = ks->v[i];

		if (knob_read(&now) || strcmp(now.value, ks->v[i].value) != 0)
			ret = err_set(err, EIO,
				      KSM_DIR "%s: was %s, could not be "
					      "restored",
				      now.name, ks->v[i].value);
	}
	return ret;
}

/* Is KSM there, ours to command, and idle?  Returns 0 or an exit status. */
static int look(struct err *err)
{
	long run = ksm_read("run"), shared = ksm_read("pages_shared");

	if (run < 0) {
		err_set(err, ENODEV, "this kernel has no KSM");
		return EXIT_NO_KSM;
	}
	if (geteuid() || access(KSM_DIR "run", W_OK)) {
		err_set(err, EPERM, "commanding KSM needs root");
		return EXIT_NO_KSM;
	}
	if (run && shared > 0) {
		err_set(err, EBUSY,
			"KSM is in use: run is %ld, %ld pages are "
			"shared",
			run, shared);
		return EXIT_IN_USE;
	}
	return ksm_alone(err) ? EXIT_IN_USE : 0;
}

static int guarded(ksm_body *body, void *ctx, struct err *err)
{
	struct err bad = {0};
	struct knobs saved;
	struct child child;
	int status = look(err);

	if (status)
		return status;
	if (knobs_save(&saved, err))
		return 1;
	child_begin(&child);
	status = child_run(&child, body, ctx, "KSM is as it was", err);
	if (knobs_restore(&saved, &bad)) {
		*err = bad;
		status = 1;
	}
	child_end(&child);
	return status;
}

int ksm_guard(ksm_body *body, void *ctx, struct err *err)
{
	int lock, status;

	if (ksm_read("run") < 0 || geteuid())
		return look(err);
	lock = lock_take(err);
	if (lock < 0)
		return lock == -EWOULDBLOCK ? EXIT_IN_USE : 1;
	status = guarded(body, ctx, err);
	close(lock);
	return status;
}
