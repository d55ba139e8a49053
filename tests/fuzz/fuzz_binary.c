/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "sim/base/bits.h"
#include "sim/base/hash.h"
#include "traces/events.h"
#include "traces/format.h"
#include "traces/recover.h"
#include "tests/fuzz/feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Checksums would keep the fuzzer out: make those of header, sections in a row
 * and trailer right. */
static void mend(uint8_t *p, size_t n)
{
	size_t at = FMT_HEADER_BYTES;

	if (n < FMT_HEADER_BYTES + FMT_TRAILER_BYTES)
		return;
	store_le64(p + 24, hash_xxh3(p, 24));
	while (n - at >= FMT_SECTION_BYTES) {
		uint64_t stored = load_le64(p + at + 16);

		if (stored > n - at - FMT_SECTION_BYTES)
			break;
		store_le64(p + at,
			   hash_xxh3(p + at + 8,
				     FMT_SECTION_BYTES - 8 + (size_t)stored));
		at += FMT_SECTION_BYTES + (size_t)stored;
	}
	store_le64(p + n - 8, hash_xxh3(p + n - FMT_TRAILER_BYTES, 24));
}

static void read_it(const char *path)
{
	struct trace *t = NULL;
	struct err err = {0};

	if (trace_open(&t, path, &err)) {
		if (!err.text[0])
			abort();
		return;
	}
	if (trace_verify(t, 1, &err) && !err.text[0])
		abort();
	trace_close(t);
}

/* The code of events, without the frame around it. */
static void decode(const uint8_t *data, size_t n)
{
	static struct event ev[4096];
	uint8_t raw[8192 + FMT_SLACK] = {0};
	struct event_rules r;
	struct err err = {0};
	size_t bad;

	if (n < 2 || n > 8192)
		return;
	event_rules_init(&r);
	r.contents = 100;
	memcpy(raw, data, n);
	memset(raw, 0, n < 12 ? n : 12);
	if (events_get(raw, n, (data[0] | (size_t)data[1] << 8) % 4096, &r, ev,
		       &bad, &err) &&
	    !err.text[0])
		abort();
	event_rules_fini(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct trace_recovered res;
	uint8_t *copy = malloc(n + 1);
	struct feed f;

	if (!copy)
		abort();
	memcpy(copy, data, n);
	mend(copy, n);
	f = feed_open(copy, n);
	free(copy);
	read_it(f.path);
	trace_recover(f.path, "/dev/null", 1, 1, &res, NULL);
	feed_close(&f);
	f = feed_open(data, n);
	read_it(f.path);
	feed_close(&f);
	decode(data, n);
	return 0;
}
