/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_codec.c - what a length costs, on pages of a real recording
 *
 * "length" against the library's compressor on the same pages; for measuring,
 * "compress" against plain calls of the library, which it must not slow down.
 * The two sides take turns; the best of several rounds counts.  Our lengths
 * must be those of the streams, or there is no line.
 */
#include <inttypes.h>
#include <lz4.h>
#include <lzo/lzo1x.h>
#include <stdio.h>
#include <stdlib.h>
#include <zstd.h>

#include "sim/base/mem.h"
#include "sim/base/os.h"
#include "models/codec.h"
#include "traces/trace.h"

#define SAMPLE "traces/samples/guests.trace"
#define PAGES 4000u
#define ROUNDS 7
#define FLOOR 0.95 /* of the plain calls' speed */

struct plain {
	ZSTD_CCtx *cctx;
	LZ4_stream_t *lz4;
	uint8_t *work;
	uint8_t out[CODEC_BYTES_MAX];
};

static int plain_lzo(struct plain *p, const uint8_t *page)
{
	lzo_uint n = sizeof(p->out);

	lzo1x_1_15_compress(page, PAGE_BYTES, p->out, &n, p->work);
	return (int)n;
}

static int plain_lz4(struct plain *p, const uint8_t *page)
{
	return LZ4_compress_fast_extState(p->lz4, (const char *)page,
					  (char *)p->out, (int)PAGE_BYTES,
					  (int)sizeof(p->out), 1);
}

static int plain_zstd(struct plain *p, const uint8_t *page)
{
	return (int)ZSTD_compressCCtx(p->cctx, p->out, sizeof(p->out), page,
				      PAGE_BYTES, 3);
}

typedef int plain_fn(struct plain *p, const uint8_t *page);

static const struct {
	const struct codec_ops *ops;
	const char *name; /* of the plain call */
	plain_fn *fn;
	bool compresses; /* compress() makes the same call */
} sides[] = {
	{&codec_lzo, "lzo1x_1_15", plain_lzo, true},
	{&codec_lzo_rle, "lzo1x_1_15", plain_lzo, false},
	{&codec_lz4, "LZ4_compress_fast", plain_lz4, true},
	{&codec_zstd, "ZSTD_compressCCtx", plain_zstd, true},
};

struct bench {
	uint8_t *page; /* PAGES of them */
	uint32_t pages;
	struct plain *plain;
};

static void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(EXIT_FAILURE);
}

static void load(struct bench *b)
{
	struct trace *t = NULL;
	struct content_source src;
	struct err err = {0};
	uint8_t buf[PAGE_BYTES];
	uint32_t step;

	if (trace_open(&t, SAMPLE, &err) || t->ops->contents(t, 1, &src, &err))
		die(err.text);
	b->page = malloc((size_t)PAGES * PAGE_BYTES);
	b->plain = mem_zalloc(1, sizeof(*b->plain));
	if (!b->page || !b->plain || lzo_init() != LZO_E_OK)
		die("no memory");
	b->plain->cctx = ZSTD_createCCtx();
	b->plain->lz4 = LZ4_createStream();
	b->plain->work = malloc(LZO1X_1_15_MEM_COMPRESS);
	if (!b->plain->cctx || !b->plain->lz4 || !b->plain->work)
		die("no memory");
	step = src.count / PAGES + 1;
	for (uint32_t id = 1; id < src.count && b->pages < PAGES; id += step)
		memcpy(b->page + (size_t)PAGE_BYTES * b->pages++,
		       src.bytes(src.self, id, buf), PAGE_BYTES);
	trace_close(t);
}

enum kind { PLAIN, LENGTH, COMPRESS, KINDS };

static uint64_t pass(struct bench *b, struct codec *c, plain_fn *fn,
		     enum kind kind, uint64_t *sum)
{
	uint64_t t = os_thread_cpu_ns(), bytes = 0;

	for (uint32_t i = 0; i < b->pages; i++) {
		const uint8_t *page = b->page + (size_t)PAGE_BYTES * i;

		if (kind == PLAIN)
			bytes += (uint64_t)fn(b->plain, page);
		else if (kind == LENGTH)
			bytes += (uint64_t)c->ops->length(c, page);
		else
			bytes += (uint64_t)c->ops->compress(c, page,
							    b->plain->out);
	}
	*sum = bytes;
	return os_thread_cpu_ns() - t;
}

static void check_lengths(struct bench *b, struct codec *c)
{
	for (uint32_t i = 0; i < b->pages; i++) {
		const uint8_t *page = b->page + (size_t)PAGE_BYTES * i;

		if (c->ops->length(c, page) !=
		    c->ops->encode(c, page, b->plain->out))
			die("a length is not that of its stream");
	}
}

static int run_side(struct bench *b, size_t i)
{
	uint64_t best[KINDS] = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
	uint64_t sum[KINDS];
	struct codec *c;
	struct err err = {0};
	double ns[KINDS], same;

	if (codec_open(&c, sides[i].ops, sides[i].ops->level, false, &err))
		die(err.text);
	check_lengths(b, c);
	for (int r = 0; r < ROUNDS; r++)
		for (enum kind k = PLAIN; k < KINDS; k++) {
			uint64_t t = pass(b, c, sides[i].fn, k, &sum[k]);

			best[k] = t < best[k] ? t : best[k];
		}
	codec_close(c);
	for (enum kind k = PLAIN; k < KINDS; k++)
		ns[k] = (double)best[k] / b->pages;
	printf("%-8s length %6.0f ns/page (mean %6.1f bytes), %s %6.0f "
	       "(%6.1f): %.2fx",
	       sides[i].ops->name, ns[LENGTH], (double)sum[LENGTH] / b->pages,
	       sides[i].name, ns[PLAIN], (double)sum[PLAIN] / b->pages,
	       ns[PLAIN] / ns[LENGTH]);
	if (!sides[i].compresses) {
		printf("\n");
		return 0;
	}
	same = ns[PLAIN] / ns[COMPRESS];
	printf("; compress %6.0f: %.2fx (floor %.2f)\n", ns[COMPRESS], same,
	       FLOOR);
	return same < FLOOR || sum[PLAIN] != sum[COMPRESS];
}

int main(void)
{
	struct bench b = {0};
	int failed = 0;

	load(&b);
	printf("codecs: %" PRIu32 " pages of " SAMPLE "\n", b.pages);
	for (size_t i = 0; i < sizeof(sides) / sizeof(sides[0]); i++)
		failed |= run_side(&b, i);
	ZSTD_freeCCtx(b.plain->cctx);
	LZ4_freeStream(b.plain->lz4);
	free(b.plain->work);
	free(b.plain);
	free(b.page);
	return failed;
}
