/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "sim/base/os.h"
#include "sim/core/pages.h"
#include "traces/trace.h"
#include "tests/support/main.h"
#include "tests/support/box.h"

void box_init(struct box *b)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(b->dir, sizeof(b->dir), "%s/box-XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(b->dir));
}

void box_fini(struct box *b)
{
	DIR *d = opendir(b->dir);
	struct dirent *e;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			ck_assert_int_eq(remove(box_path(b, e->d_name).text),
					 0);
	closedir(d);
	ck_assert_int_eq(rmdir(b->dir), 0);
}

struct box_path box_path(const struct box *b, const char *name)
{
	const char *eq = strchr(name, '=');
	int n = eq ? (int)(eq - name + 1) : 0;
	struct box_path p;

	snprintf(p.text, sizeof(p.text), "%.*s%s/%s", n, name, b->dir,
		 name + n);
	return p;
}

bool box_has(const struct box *b, const char *name)
{
	return !access(box_path(b, name).text, F_OK);
}

static FILE *box_open(const struct box *b, const char *name, const char *mode)
{
	FILE *f = fopen(box_path(b, name).text, mode);

	ck_assert_ptr_nonnull(f);
	return f;
}

void box_write(const struct box *b, const char *name, const void *p, size_t n)
{
	FILE *f = box_open(b, name, "wb");

	ck_assert_uint_eq(fwrite(p, 1, n, f), n);
	ck_assert_int_eq(fclose(f), 0);
}

size_t box_read(const struct box *b, const char *name, char **out)
{
	struct err err = {0};
	size_t n;
	int ret = os_read_all(box_path(b, name).text, SIZE_MAX / 2, out, &n,
			      &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	return n;
}

void box_pack(const struct box *b, const char *name, int window_log)
{
	char *plain, *packed, zst[64];
	size_t n = box_read(b, name, &plain), room = ZSTD_compressBound(n);
	ZSTD_CCtx *c = ZSTD_createCCtx();

	packed = malloc(room);
	ck_assert(packed && c);
	ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, window_log);
	/* Without the size a frame keeps the window it was given. */
	ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, window_log == 0);
	if (window_log) {
		ZSTD_inBuffer in = {plain, n, 0};
		ZSTD_outBuffer out = {packed, room, 0};

		ZSTD_compressStream2(c, &out, &in, ZSTD_e_continue);
		ck_assert_uint_eq(
			ZSTD_compressStream2(c, &out, &in, ZSTD_e_end), 0);
		room = out.pos;
	} else {
		room = ZSTD_compress2(c, packed, room, plain, n);
	}
	ck_assert(!ZSTD_isError(room));
	snprintf(zst, sizeof(zst), "%s.zst", name);
	box_write(b, zst, packed, room);
	ck_assert_int_eq(remove(box_path(b, name).text), 0);
	ZSTD_freeCCtx(c);
	free(packed);
	free(plain);
}

void box_image(const struct box *b, const char *name, const char *pages)
{
	FILE *f = box_open(b, name, "wb");
	uint8_t page[PAGE_BYTES];
	long n = 0;

	for (const char *s = pages; *s; s += strcspn(s, " "), n++) {
		s += strspn(s, " ");
		if (*s == '.')
			continue;
		page_fill(page, RULE_KEY, strtoull(s, NULL, 10));
		ck_assert_int_eq(fseek(f, n * (long)PAGE_BYTES, SEEK_SET), 0);
		ck_assert_uint_eq(fwrite(page, 1, PAGE_BYTES, f), PAGE_BYTES);
	}
	ck_assert_int_eq(fflush(f), 0);
	ck_assert_int_eq(ftruncate(fileno(f), (off_t)n * PAGE_BYTES), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void print_event(FILE *out, const struct event *ev,
			const struct content_source *src)
{
	uint8_t buf[PAGE_BYTES] = {0};

	fprintf(out, "%" PRIu64 " %s", ev->time.v / NS_PER_MSEC,
		event_word(ev->op));
	if (ev->op != EV_MARK)
		fprintf(out, " %" PRIu32, ev->space);
	if (ev->op != EV_MARK && ev->op != EV_SPACE)
		fprintf(out, " %" PRIx64, ev->vpn);
	if (ev->op == EV_WRITE)
		fprintf(out, " = %" PRIu64,
			ev->content ? load_be64(src->bytes(src->self,
							   ev->content, buf))
				    : 0);
	else if (ev->op != EV_MARK && ev->op != EV_SPACE)
		fprintf(out, " + %" PRIu64, ev->count);
	if (ev->op == EV_MAP)
		ck_assert_uint_eq(ev->flags, EVF_MERGEABLE);
	fputc('\n', out);
}

static struct trace *box_trace(const struct box *b, const char *name)
{
	struct err err = {0};
	struct trace *t;
	int ret = trace_open(&t, box_path(b, name).text, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	return t;
}

char *box_events(const struct box *b, const char *name)
{
	struct err err = {0};
	struct trace *t = box_trace(b, name);
	struct content_source src;
	const struct event *ev;
	char *text = NULL;
	size_t n, bytes;
	FILE *out = open_memstream(&text, &bytes);
	int ret = trace_verify(t, 1, &err);

	if (!ret)
		ret = t->ops->rewind(t, &err);
	if (!ret)
		ret = t->ops->contents(t, 1, &src, &err);
	while (!ret && (ret = t->ops->next(t, &ev, &n, &err)) == 1) {
		ret = 0;
		for (size_t i = 0; i < n; i++)
			print_event(out, &ev[i], &src);
	}
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	fclose(out);
	trace_close(t);
	return text;
}

char *box_meta(const struct box *b, const char *name, const char *key)
{
	struct trace *t = box_trace(b, name);
	const struct trace_header *h = t->ops->header(t);
	const char *value = "(none)";
	char *copy;

	for (size_t i = 0; i < h->nmeta; i++)
		if (!strcmp(h->meta[i].key, key))
			value = h->meta[i].value;
	copy = strdup(value);
	ck_assert_ptr_nonnull(copy);
	trace_close(t);
	return copy;
}
