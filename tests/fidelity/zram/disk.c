/* SPDX-License-Identifier: GPL-2.0-or-later */
#define _GNU_SOURCE /* O_DIRECT, mknod, makedev */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "sim/base/units.h"
#include "tests/fidelity/zram/disk.h"

#define CONTROL "/sys/class/zram-control/"
#define BUSY_TRIES 200 /* of 10 ms: whoever looks at new devices has it open */

static int say(struct err *err, const char *what)
{
	return err_set(err, errno, "%s: %s", what, strerror(errno));
}

/* ---- files of sysfs ---- */

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0)
		return -errno;
	for (int i = 0; i < BUSY_TRIES; i++) {
		ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
		if (ret != -EBUSY)
			break;
		usleep(10000);
	}
	close(fd);
	return ret;
}

/* Up to @n - 1 bytes and a NUL; how many, or a negative errno. */
static int read_file(const char *path, char *buf, size_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = read(fd, buf, n - 1);
	if (got < 0)
		got = -errno;
	else
		buf[got] = '\0';
	close(fd);
	return (int)got;
}

static void attribute(const struct disk *d, const char *name, char *path,
		      size_t n)
{
	snprintf(path, n, "/sys/block/zram%d/%s", d->id, name);
}

int disk_set(const struct disk *d, const char *name, const char *value,
	     struct err *err)
{
	char path[128];
	int ret;

	attribute(d, name, path, sizeof(path));
	ret = write_file(path, value);
	return ret ? err_set(err, -ret, "%s: %s: %s", path, value,
			     strerror(-ret))
		   : 0;
}

int disk_stat(const struct disk *d, struct disk_stat *st, struct err *err)
{
	char path[128], text[512], *p = text, *end;
	int n;

	attribute(d, "mm_stat", path, sizeof(path));
	n = read_file(path, text, sizeof(text));
	if (n < 0)
		return err_set(err, -n, "%s: %s", path, strerror(-n));
	for (int i = 0; i < DISK_STATS; i++, p = end) {
		st->v[i] = strtoull(p, &end, 10);
		if (end == p)
			return err_set(err, EINVAL, "%s: not %d numbers: %s",
				       path, DISK_STATS, text);
	}
	return 0;
}

/* ---- adding and removing ---- */

/* A node of our own: not everywhere does one appear under /dev. */
static int make_node(struct disk *d, struct err *err)
{
	char path[128], text[32];
	unsigned major, minor;
	int n;

	attribute(d, "dev", path, sizeof(path));
	n = read_file(path, text, sizeof(text));
	if (n < 0 || sscanf(text, "%u:%u", &major, &minor) != 2)
		return err_set(err, EINVAL, "%s: no device number", path);
	snprintf(d->dir, sizeof(d->dir), "/tmp/dedupsim-zram.XXXXXX");
	if (!mkdtemp(d->dir)) {
		d->dir[0] = '\0';
		return say(err, "/tmp");
	}
	snprintf(d->node, sizeof(d->node), "%s/zram", d->dir);
	if (mknod(d->node, S_IFBLK | 0600, makedev(major, minor)))
		return say(err, "making a device node");
	d->fd = open(d->node, O_RDWR | O_CLOEXEC);
	if (d->fd < 0)
		return say(err, "opening the zram device");
	close(d->fd);
	d->fd = -1;
	return 0;
}

int disk_possible(struct err *err)
{
	if (access(CONTROL "hot_add", F_OK)) {
		err_set(err, ENODEV, "this kernel has no zram");
		return EXIT_NO_ZRAM;
	}
	if (geteuid()) {
		err_set(err, EPERM, "adding a zram device needs root");
		return EXIT_NO_ZRAM;
	}
	return 0;
}

int disk_add(struct disk *d, struct err *err)
{
	char text[32];
	void *page;
	int n;

	*d = (struct disk){.id = -1, .fd = -1};
	if (posix_memalign(&page, PAGE_BYTES, PAGE_BYTES)) {
		err_set(err, ENOMEM, "out of memory");
		return 1;
	}
	d->page = page;
	n = read_file(CONTROL "hot_add", text, sizeof(text));
	if (n < 0) {
		err_set(err, -n, CONTROL "hot_add: %s", strerror(-n));
		free(d->page);
		return EXIT_NO_ZRAM;
	}
	d->id = (int)strtol(text, NULL, 10);
	if (!make_node(d, err))
		return 0;
	disk_remove(d, err);
	return EXIT_NO_ZRAM;
}

int disk_remove(struct disk *d, struct err *err)
{
	char id[16];
	int ret;

	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
	if (d->dir[0]) {
		unlink(d->node);
		rmdir(d->dir);
	}
	free(d->page);
	d->page = NULL;
	snprintf(id, sizeof(id), "%d", d->id);
	disk_set(d, "reset", "1", NULL);
	ret = write_file(CONTROL "hot_remove", id);
	return ret ? err_set(err, -ret,
			     "zram%d was added, and is not removed: "
			     "%s",
			     d->id, strerror(-ret))
		   : 0;
}

/* ---- using it ---- */

int disk_setup(struct disk *d, uint32_t pages, struct err *err)
{
	char bytes[32];
	int ret;

	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
	snprintf(bytes, sizeof(bytes), "%" PRIu64,
		 (uint64_t)pages * PAGE_BYTES);
	ret = disk_set(d, "reset", "1", err);
	if (!ret)
		ret = disk_set(d, "comp_algorithm", "lzo", err);
	if (!ret)
		ret = disk_set(d, "disksize", bytes, err);
	if (ret)
		return ret;
	d->fd = open(d->node, O_RDWR | O_DIRECT | O_CLOEXEC);
	return d->fd < 0 ? say(err, "opening the zram device") : 0;
}

int disk_write(struct disk *d, uint32_t slot, const uint8_t *page)
{
	ssize_t n;

	memcpy(d->page, page, PAGE_BYTES);
	n = pwrite(d->fd, d->page, PAGE_BYTES, (off_t)slot * PAGE_BYTES);
	if (n < 0)
		return -errno;
	return n == (ssize_t)PAGE_BYTES ? 0 : -EIO;
}

static int drop(struct disk *d, unsigned long request, uint32_t slot)
{
	uint64_t range[2] = {(uint64_t)slot * PAGE_BYTES, PAGE_BYTES};

	return ioctl(d->fd, request, range) ? -errno : 0;
}

int disk_discard(struct disk *d, uint32_t slot)
{
	return drop(d, BLKDISCARD, slot);
}

int disk_zeroout(struct disk *d, uint32_t slot)
{
	return drop(d, BLKZEROOUT, slot);
}
