/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * codec_stream.c - the order of compressed pages: by length, then by bytes as
 * signed numbers; and their first bytes
 *
 * One pass compresses each page and keeps its length and first eight bytes,
 * which settles nearly all of the order.  Pages that are alike so far are
 * compressed once more, one group at a time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/par.h"
#include "models/codec.h"

#define GRAIN 64u
/* Turns the order of signed bytes into that of unsigned ones. */
#define FLIP UINT64_C(0x8080808080808080)

struct stream {
	uint64_t head; /* eight bytes, flipped, the first on top */
	uint32_t id;
	uint16_t bytes;
	uint8_t first;
	const uint8_t *rest; /* all of it, flipped, while a group is sorted */
};

struct job {
	struct content_set *s;
	struct stream *v;
	struct codec *codec[PAR_MAX];
	uint8_t *page; /* one per worker */
	uint8_t *out;  /* CODEC_BYTES_MAX per worker */
};

static int encode(struct job *j, uint32_t id, unsigned worker, uint8_t **out)
{
	const struct content_source *src = &j->s->source;
	uint8_t *buf = j->page + (size_t)worker * PAGE_BYTES;
	const uint8_t *page =
		id ? src->bytes(src->self, id, buf) : content_zero;

	*out = j->out + (size_t)worker * CODEC_BYTES_MAX;
	return j->codec[worker]->ops->encode(j->codec[worker], page, *out);
}

static int head_span(void *ctx, uint64_t lo, uint64_t hi, unsigned worker)
{
	struct job *j = ctx;

	for (uint32_t id = (uint32_t)lo; id < hi; id++) {
		uint8_t *out;
		int n = encode(j, id, worker, &out);

		if (n < 0)
			return n;
		if (n < 8)
			memset(out + n, 0, (size_t)(8 - n));
		j->v[id] = (struct stream){
			.head = load_be64(out) ^ FLIP,
			.id = id,
			.bytes = (uint16_t)n,
			.first = out[0],
		};
	}
	return 0;
}

static int by_head(const void *pa, const void *pb)
{
	const struct stream *a = pa, *b = pb;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? -1 : 1;
	if (a->head != b->head)
		return a->head < b->head ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static int by_rest(const void *pa, const void *pb)
{
	const struct stream *a = pa, *b = pb;

	return memcmp(a->rest, b->rest, a->bytes);
}

/* Streams with the same length and head. */
static int sort_group(struct job *j, struct stream *v, size_t n)
{
	uint8_t *all = mem_zalloc(n, v->bytes), *out;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint8_t *to = all + i * v->bytes;
		int ret = encode(j, v[i].id, 0, &out);

		if (ret < 0) {
			free(all);
			return ret;
		}
		for (unsigned k = 0; k < v->bytes; k++)
			to[k] = out[k] ^ 0x80;
		v[i].rest = to;
	}
	qsort(v, n, sizeof(*v), by_rest);
	free(all);
	return 0;
}

static int sort(struct job *j)
{
	uint32_t n = j->s->count, end;

	qsort(j->v, n, sizeof(*j->v), by_head);
	for (uint32_t i = 0; i < n; i = end) {
		int ret;

		for (end = i + 1; end < n && j->v[end].bytes == j->v[i].bytes &&
				  j->v[end].head == j->v[i].head;)
			end++;
		if (end == i + 1)
			continue;
		ret = sort_group(j, j->v + i, end - i);
		if (ret)
			return ret;
	}
	return 0;
}

static int keep(struct job *j)
{
	struct content_set *s = j->s;

	s->stream_first = mem_zalloc(s->count, sizeof(*s->stream_first));
	s->stream_rank = mem_zalloc(s->count, sizeof(*s->stream_rank));
	if (!s->stream_first || !s->stream_rank) {
		free(s->stream_first);
		free(s->stream_rank);
		s->stream_first = NULL;
		s->stream_rank = NULL;
		return -ENOMEM;
	}
	for (uint32_t r = 0; r < s->count; r++) {
		s->stream_first[j->v[r].id] = j->v[r].first;
		s->stream_rank[j->v[r].id] = r;
	}
	s->have |= NEED_STREAM;
	return 0;
}

int codec_streams(struct content_set *s, const struct codec_ops *ops,
		  unsigned level, unsigned threads, struct err *err)
{
	struct job j = {.s = s};
	unsigned n = 0;
	int ret = 0;

	if (!s->source.bytes)
		return err_set(err, ENOTSUP,
			       "column stream %s: the input holds no page "
			       "contents",
			       ops->name);
	threads = threads < PAR_MAX ? threads : PAR_MAX;
	j.v = mem_zalloc(s->count, sizeof(*j.v));
	j.page = mem_zalloc(threads, PAGE_BYTES);
	j.out = mem_zalloc(threads, CODEC_BYTES_MAX);
	if (!j.v || !j.page || !j.out)
		ret = -ENOMEM;
	for (; !ret && n < threads; n++)
		ret = codec_open(&j.codec[n], ops, level, s->source.big_endian,
				 err);
	if (!ret)
		ret = par_for(threads, s->count, GRAIN, head_span, &j);
	if (!ret)
		ret = sort(&j);
	if (!ret)
		ret = keep(&j);
	for (unsigned i = 0; i < threads; i++)
		codec_close(j.codec[i]);
	free(j.out);
	free(j.page);
	free(j.v);
	return ret;
}
