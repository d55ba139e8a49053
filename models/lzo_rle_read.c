/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Streams of lzo-rle back to pages, after their published description; copies
 * that a page is too small for are refused.
 */
#include "models/parse.h"

/* Source: [linux-6.18] Documentation/staging/lzo.rst, stream version 1. */
struct stream {
	const uint8_t *in, *end;
	uint8_t *page;
	uint32_t at; /* bytes of the page made */
	uint32_t
		state; /* literals behind the last instruction, 4: a long run */
	bool bad, over;
};

static uint32_t take(struct stream *s)
{
	if (s->in == s->end) {
		s->bad = true;
		return 0;
	}
	return *s->in++;
}

/* A count that goes on: each zero byte is 255, another ends it. */
static uint32_t take_count(struct stream *s, uint32_t base)
{
	uint32_t x;

	while (!(x = take(s)) && !s->bad && base < 2 * PAGE_BYTES)
		base += 255;
	return base + x;
}

static void literals(struct stream *s, uint32_t n)
{
	if ((size_t)(s->end - s->in) < n || PAGE_BYTES - s->at < n) {
		s->bad = true;
		return;
	}
	memcpy(s->page + s->at, s->in, n);
	s->in += n;
	s->at += n;
}

static void copy(struct stream *s, uint32_t back, uint32_t n)
{
	if (back > s->at || PAGE_BYTES - s->at < n) {
		s->bad = true;
		return;
	}
	for (; n--; s->at++)
		s->page[s->at] = s->page[s->at - back];
}

static void behind(struct stream *s, uint32_t n)
{
	s->state = n;
	literals(s, n);
}

/* 0001HLLL: runs of zeros and the end; a page is too small for far copies. */
static void zeros_or_end(struct stream *s, uint32_t op)
{
	uint32_t d = take(s), n;

	d |= take(s) << 8;
	if ((op & 8) && d >> 2 == 0x3fff) {
		n = (take(s) << 3 | (op & 7)) + 4;
		if (PAGE_BYTES - s->at < n) {
			s->bad = true;
			return;
		}
		memset(s->page + s->at, 0, n);
		s->at += n;
		behind(s, d & 3);
	} else if (op == 17 && !d) {
		s->over = true;
	} else {
		s->bad = true;
	}
}

static void instruction(struct stream *s)
{
	uint32_t op = take(s), d;

	if (s->bad)
		return;
	if (op >= 64) {
		uint32_t n = op >= 128 ? 5 + (op >> 5 & 3) : 3 + (op >> 5 & 1);

		d = (take(s) << 3) + (op >> 2 & 7) + 1;
		copy(s, d, n);
		behind(s, op & 3);
	} else if (op >= 32) {
		uint32_t n = 2 + (op & 31 ? op & 31 : take_count(s, 31));

		d = take(s);
		d |= take(s) << 8;
		copy(s, (d >> 2) + 1, n);
		behind(s, d & 3);
	} else if (op >= 16) {
		zeros_or_end(s, op);
	} else if (s->state) {
		s->bad = true; /* copies of two or three bytes: not by Linux */
	} else {
		literals(s, 3 + (op ? op : take_count(s, 15)));
		s->state = 4;
	}
}

bool lzo_rle_read(const uint8_t *in, size_t n, uint8_t *page)
{
	struct stream s = {.in = in + 2, .end = in + n, .page = page};

	if (n < 5 || in[0] != 17 || in[1] != 1)
		return false;
	/* From here on a first byte above 17 would mean few literals. */
	if (*s.in > 17)
		return false;
	while (!s.bad && !s.over)
		instruction(&s);
	return !s.bad && s.in == s.end && s.at == PAGE_BYTES;
}
