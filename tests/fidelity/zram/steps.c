/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/fidelity/zram/probe.h"

static void fail(struct probe *p, int ret)
{
	if (ret && !p->failed)
		p->failed = ret;
}

/* ---- lists ---- */

void list_add(struct probe *p, struct list *l, uint32_t v)
{
	if (l->n < LIST_MAX)
		l->v[l->n++] = v;
	else
		fail(p, err_set(&p->err, E2BIG, "%s: a list is too long",
				p->vector));
}

void list_range(struct probe *p, struct list *l, uint32_t from, uint32_t to,
		uint32_t stride)
{
	for (uint32_t v = from; v <= to; v += stride)
		list_add(p, l, v);
}

/* Elements from @i on that go up in equal steps. */
static uint32_t run_of(const struct list *l, uint32_t i, uint32_t *stride)
{
	uint32_t k = 1;

	if (i + 1 >= l->n || l->v[i + 1] <= l->v[i])
		return 1;
	*stride = l->v[i + 1] - l->v[i];
	while (i + k < l->n && l->v[i + k] == l->v[i] + k * *stride)
		k++;
	return k < 3 ? 1 : k;
}

static void print_slots(const struct list *l)
{
	uint32_t stride = 0, k;

	for (uint32_t i = 0; i < l->n; i += k) {
		k = run_of(l, i, &stride);
		printf("%s%" PRIu32, i ? "," : "", l->v[i]);
		if (k > 1)
			printf("-%" PRIu32, l->v[i + k - 1]);
		if (k > 1 && stride > 1)
			printf("/%" PRIu32, stride);
	}
	if (!l->n)
		putchar('-');
}

static void print_sizes(const struct list *l)
{
	uint32_t k;

	for (uint32_t i = 0; i < l->n; i += k) {
		for (k = 1; i + k < l->n && l->v[i + k] == l->v[i];)
			k++;
		printf("%s%" PRIu32, i ? "," : "", l->v[i]);
		if (k > 1)
			printf("*%" PRIu32, k);
	}
	if (!l->n)
		putchar('-');
}

/* ---- rows ---- */

void probe_header(const struct probe *p)
{
	fputs("vector\tstep\top\tslots\tsizes", stdout);
	if (!p->tell)
		fputs("\tresult\torig_data_size\tcompr_data_size\t"
		      "mem_used_total\tmem_limit\tmem_used_max\tsame_pages\t"
		      "pages_compacted\thuge_pages\thuge_pages_since",
		      stdout);
	putchar('\n');
}

static const char *name_of(int ret, char *buf, size_t n)
{
	switch (-ret) {
	case 0:
		return "ok";
	case EIO:
		return "EIO";
	case ENOMEM:
		return "ENOMEM";
	case ENOSPC:
		return "ENOSPC";
	default:
		snprintf(buf, n, "errno %d", -ret);
		return buf;
	}
}

/* The lists are used up by that. */
static void print_row(struct probe *p, const char *op, int answer)
{
	struct disk_stat st;
	char name[24];

	if (!p->failed && !p->tell)
		fail(p, disk_stat(&p->disk, &st, &p->err));
	if (!p->failed) {
		printf("%s\t%u\t%s\t", p->vector, p->step++, op);
		print_slots(&p->slots);
		putchar('\t');
		print_sizes(&p->sizes);
		if (!p->tell)
			printf("\t%s", name_of(answer, name, sizeof(name)));
		for (int i = 0; !p->tell && i < DISK_STATS; i++)
			printf("\t%" PRIu64, st.v[i]);
		putchar('\n');
	}
	p->slots.n = p->sizes.n = 0;
}

/* ---- steps ---- */

void step_begin(struct probe *p, const char *vector)
{
	p->vector = vector;
	p->step = 0;
	p->slots.n = p->sizes.n = 0;
	if (!p->failed && !p->tell)
		fail(p, disk_setup(&p->disk, SLOTS, &p->err));
	print_row(p, "init", 0);
}

void step_write(struct probe *p)
{
	uint8_t page[PAGE_BYTES];
	int answer = 0;

	if (p->slots.n != p->sizes.n)
		fail(p, err_set(&p->err, EINVAL, "%s: %u slots, %u sizes",
				p->vector, p->slots.n, p->sizes.n));
	for (uint32_t i = 0; !p->failed && !p->tell && i < p->slots.n; i++) {
		int ret;

		probe_page(p, p->sizes.v[i], p->slots.v[i], page);
		ret = disk_write(&p->disk, p->slots.v[i], page);
		if (!answer)
			answer = ret;
	}
	print_row(p, "write", answer);
}

static void drop(struct probe *p, const char *op,
		 int (*how)(struct disk *d, uint32_t slot))
{
	int answer = 0;

	for (uint32_t i = 0;
	     !p->failed && !p->tell && !answer && i < p->slots.n; i++)
		answer = how(&p->disk, p->slots.v[i]);
	print_row(p, op, answer);
}

void step_discard(struct probe *p)
{
	drop(p, "discard", disk_discard);
}

void step_zeroout(struct probe *p)
{
	drop(p, "zeroout", disk_zeroout);
}

static void set(struct probe *p, const char *op, const char *name,
		const char *value)
{
	if (!p->failed && !p->tell)
		fail(p, disk_set(&p->disk, name, value, &p->err));
	print_row(p, op, 0);
}

void step_compact(struct probe *p)
{
	set(p, "compact", "compact", "1");
}

void step_limit(struct probe *p, uint32_t bytes)
{
	char text[16];

	snprintf(text, sizeof(text), "%" PRIu32, bytes);
	list_add(p, &p->sizes, bytes);
	set(p, "limit", "mem_limit", text);
}

void step_reset_max(struct probe *p)
{
	list_add(p, &p->sizes, 0);
	set(p, "resetmax", "mem_used_max", "0");
}
