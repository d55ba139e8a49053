/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/kernel.h"

#define KSM_DIR "/sys/kernel/mm/ksm/"

void kernel_sleep_us(long us)
{
	struct timespec ts = {us / 1000000, us % 1000000 * 1000};

	nanosleep(&ts, NULL);
}

long ksm_read(const char *name)
{
	char path[128], text[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), KSM_DIR "%s", name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	return strtol(text, NULL, 10);
}

int ksm_write_text(const char *name, const char *text)
{
	char path[128];
	int fd, ret = 0;

	snprintf(path, sizeof(path), KSM_DIR "%s", name);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		ret = -errno;
	close(fd);
	return ret;
}

int ksm_write(const char *name, long value)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", value);
	return ksm_write_text(name, text);
}

long kernel_stat(const char *path, const char *key)
{
	size_t len = strlen(key);
	char line[160];
	long value = -1;
	FILE *f = fopen(path, "r");

	if (!f)
		return -1;
	while (value < 0 && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, len) != 0)
			continue;
		if (line[len] == ' ' || line[len] == ':')
			value = strtol(line + len + 1, NULL, 10);
	}
	fclose(f);
	return value;
}

/* The first line of /proc/@pid/@file without its newline; "" when gone. */
static void proc_line(const char *pid, const char *file, char *buf, size_t n)
{
	char path[300];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, file);
	buf[0] = '\0';
	f = fopen(path, "r");
	if (!f)
		return;
	if (!fgets(buf, (int)n, f))
		buf[0] = '\0';
	fclose(f);
	buf[strcspn(buf, "\n")] = '\0';
}

pid_t ksm_daemon(void)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	char comm[32];
	pid_t pid = 0;

	while (proc && !pid && (e = readdir(proc))) {
		if (!isdigit((unsigned char)e->d_name[0]))
			continue;
		proc_line(e->d_name, "comm", comm, sizeof(comm));
		if (!strcmp(comm, "ksmd"))
			pid = (pid_t)strtol(e->d_name, NULL, 10);
	}
	if (proc)
		closedir(proc);
	return pid;
}

bool ksm_daemon_sleeps(pid_t ksmd)
{
	char pid[16], line[512];
	const char *state;

	snprintf(pid, sizeof(pid), "%d", (int)ksmd);
	proc_line(pid, "stat", line, sizeof(line));
	state = strrchr(line, ')');
	return state && !strncmp(state, ") S", 3);
}

/* Kernels before 6.14 tell only through the flags of each mapping. */
static bool smaps_mergeable(const char *pid)
{
	char path[300], line[512];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/smaps", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f))
		found = !strncmp(line, "VmFlags:", 8) && strstr(line, " mg");
	fclose(f);
	return found;
}

static bool proc_mergeable(const char *pid)
{
	bool told = false, found = false;
	char path[300], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/ksm_stat", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, "ksm_mergeable:", 14))
			told = true;
		if (!strcmp(line, "ksm_mergeable: yes\n") ||
		    !strcmp(line, "ksm_merge_any: yes\n"))
			found = true;
	}
	if (f)
		fclose(f);
	return found || (!told && smaps_mergeable(pid));
}

int ksm_alone(struct err *err)
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	char comm[32];
	int ret = 0;

	if (!proc)
		return err_set(err, errno, "/proc cannot be read");
	while (!ret && (e = readdir(proc))) {
		pid_t pid = (pid_t)strtol(e->d_name, NULL, 10);

		if (pid <= 0 || getpgid(pid) == getpgrp() ||
		    !proc_mergeable(e->d_name))
			continue;
		proc_line(e->d_name, "comm", comm, sizeof(comm));
		ret = err_set(err, EBUSY,
			      "KSM is in use: process %d (%s) has mergeable "
			      "memory",
			      (int)pid, comm);
	}
	closedir(proc);
	return ret;
}
