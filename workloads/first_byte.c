/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * first_byte.c - guests use a store at random, and one byte begins many pages
 *
 * A store that picks a tree, and its lock, by the first byte of a page is as
 * parallel as first bytes are different.  Here their skew is a number.  Pages
 * are made so that the first byte of their LZO stream has much the same skew:
 * the stream begins with the length of the run of literals before the first
 * match, so pages of the heavy byte begin with a long run, and others with short
 * ones of fourteen lengths [lzo].
 *
 *	| first byte, run of literals | one byte over and over | half zeros |
 *	0                             run                      256          4096
 *
 * Each guest has a pool and so many keys, spread over objects; a key that is not
 * stored is put, one that is stored is asked for (and then is gone), put again
 * or flushed.  The store is expected to keep what it is given.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/prng.h"
#include "workloads/workload.h"

#define HEAVY 0x2fu /* '/', which begins sources */
#define RUN_LONG 40u
#define RUN_SHORT 5u /* to 18: one byte of LZO for each */
#define RUNS_SHORT 14u
#define REPEATED_END 256u
#define KEYS_PER_OBJECT 4u
#define KEYS_MAX (UINT64_C(1) << 24)

struct first_opts {
	uint64_t skew, guests, keys, contents, ops, again, flush, interval;
};

/* clang-format off */
static const struct opt first_options[] = {
	{ OPT_U64, OPT_FIELD(first_opts, skew, uint64_t),
	  .def = 135, .max = 1000, .unit = "1/1000",
	  .help = "pages that begin with one and the same byte; of the others "
		  "as many begin with each byte" },
	{ OPT_U64, OPT_FIELD(first_opts, guests, uint64_t),
	  .def = 16, .min = 1, .max = 1024, .help = "guests" },
	{ OPT_U64, OPT_FIELD(first_opts, keys, uint64_t),
	  .def = 1024, .min = 1, .max = 1 << 20,
	  .help = "keys of a guest, half of which are stored at a time" },
	{ OPT_U64, OPT_FIELD(first_opts, contents, uint64_t),
	  .def = 8192, .min = 1, .max = 1 << 24,
	  .help = "different pages, which all guests have in common" },
	{ OPT_U64, OPT_FIELD(first_opts, ops, uint64_t),
	  .def = 100000, .max = UINT64_C(1) << 32, .help = "operations" },
	{ OPT_U64, OPT_FIELD(first_opts, again, uint64_t),
	  .def = 5, .max = 100, .unit = "%",
	  .help = "stored keys that are put again, not asked for" },
	{ OPT_U64, OPT_FIELD(first_opts, flush, uint64_t),
	  .def = 10, .max = 100, .unit = "%",
	  .help = "stored keys that are flushed, not asked for" },
	{ OPT_TIME, OPT_FIELD(first_opts, interval, uint64_t),
	  .def = 10000, .max = NS_PER_SEC,
	  .help = "from one operation to the next" },
	{ .type = OPT_END },
};
/* clang-format on */

struct first {
	struct workload base;
	struct first_opts opt;
	uint64_t seed, names, objects;
	struct prng r;
	uint64_t at;  /* events made */
	bool *stored; /* by guest and key */
};

/* ---- pages ---- */

static bool is_heavy(const struct first *f, uint32_t id)
{
	return splitmix64(f->names + id) % 1000 < f->opt.skew;
}

static const uint8_t *first_bytes(void *w, uint32_t id, uint8_t *buf)
{
	const struct first *f = w;
	uint64_t dice = splitmix64(f->names ^ splitmix64(id)), rest = dice;
	unsigned run;

	if (is_heavy(f, id)) {
		buf[0] = HEAVY;
		run = RUN_LONG;
	} else {
		/* With no skew at all the heavy byte is one of 256. */
		unsigned pick = (unsigned)(dice % (f->opt.skew ? 255 : 256));

		buf[0] = (uint8_t)(f->opt.skew && pick >= HEAVY ? pick + 1
								: pick);
		run = RUN_SHORT + (unsigned)(dice >> 32) % RUNS_SHORT;
	}
	/* No four bytes of the run come twice. */
	for (unsigned i = 1; i < run; i++)
		buf[i] = (uint8_t)(128 + i);
	for (unsigned i = run - 1; i < REPEATED_END; i++)
		buf[i] = 0x55;
	for (unsigned i = REPEATED_END; i < PAGE_BYTES; i += 8) {
		rest = splitmix64(rest);
		for (unsigned k = 0; k < 8; k++)
			buf[i + k] = (uint8_t)(i / 8 % 2 ? rest >> 8 * k : 0);
	}
	/* Pages are different whatever the dice say. */
	for (unsigned k = 0; k < 4; k++)
		buf[PAGE_BYTES - 4 + k] = (uint8_t)(id >> 8 * k);
	return buf;
}

/* ---- events ---- */

static void first_rewind(struct workload *w)
{
	struct first *f = (struct first *)w;

	f->at = 0;
	f->r = prng_fork(f->seed, "first-byte.ops");
	memset(f->stored, 0, f->opt.guests * f->opt.keys * sizeof(*f->stored));
}

static void operation(struct first *f, struct event *ev)
{
	uint64_t guest = prng_below(&f->r, f->opt.guests);
	uint64_t key = prng_below(&f->r, f->opt.keys);
	bool *stored = &f->stored[guest * f->opt.keys + key];
	uint64_t dice = prng_below(&f->r, 100);

	ev->space = (uint32_t)guest;
	ev->object = (uint32_t)(key / KEYS_PER_OBJECT);
	ev->index = (uint32_t)(key % KEYS_PER_OBJECT);
	if (!*stored || dice < f->opt.again) {
		ev->op = EV_PUT;
		ev->stored = 1 + (uint32_t)prng_below(&f->r, f->opt.contents);
		*stored = true;
		return;
	}
	ev->op = dice < f->opt.again + f->opt.flush ? EV_FLUSH_PAGE : EV_GET;
	*stored = false;
}

static size_t first_next(struct workload *w, struct event *ev, size_t max)
{
	struct first *f = (struct first *)w;
	uint64_t pools = 2 * f->opt.guests, before = pools + f->objects;
	size_t n = 0;

	for (; n < max && f->at < w->events; n++, f->at++) {
		memset(&ev[n], 0, sizeof(ev[n]));
		if (f->at < pools) {
			ev[n].op = f->at % 2 ? EV_POOL : EV_SPACE;
			ev[n].space = (uint32_t)(f->at / 2);
		} else if (f->at < before) {
			ev[n].op = EV_OBJECT;
			ev[n].oid[0] = f->at - pools;
		} else {
			ev[n].time = NS((f->at - before) * f->opt.interval);
			operation(f, &ev[n]);
		}
	}
	return n;
}

/* ---- life ---- */

static void first_stop(struct workload *w)
{
	struct first *f = (struct first *)w;

	if (f)
		free(f->stored);
	free(f);
}

static int first_start(struct workload **out, const void *opts, uint64_t seed,
		       struct err *err)
{
	const struct first_opts *o = opts;
	struct prng r = prng_fork(seed, "first-byte");
	struct first *f;

	if (o->again + o->flush > 100)
		return err_set(err, EINVAL,
			       "workload first-byte: again and flush are "
			       "%" PRIu64 " %% together",
			       o->again + o->flush);
	if (o->guests * o->keys > KEYS_MAX)
		return err_set(err, EINVAL,
			       "workload first-byte: more than %" PRIu64
			       " keys in all",
			       KEYS_MAX);
	f = mem_zalloc(1, sizeof(*f));
	if (!f)
		return -ENOMEM;
	f->opt = *o;
	f->seed = prng_next(&r);
	f->names = prng_next(&r);
	f->objects = (o->keys + KEYS_PER_OBJECT - 1) / KEYS_PER_OBJECT;
	f->base = (struct workload){
		.ops = &workload_first_byte,
		.contents = (uint32_t)o->contents + 1,
		.spaces = (uint32_t)o->guests,
		.events = 2 * o->guests + f->objects + o->ops,
		.end = NS(o->ops ? (o->ops - 1) * o->interval : 0),
	};
	f->stored = mem_zalloc(o->guests * o->keys, sizeof(*f->stored));
	if (!f->stored) {
		first_stop(&f->base);
		return -ENOMEM;
	}
	first_rewind(&f->base);
	*out = &f->base;
	return 0;
}

const struct workload_ops workload_first_byte = {
	.name = "first-byte",
	.summary = "guests use a store at random; one byte begins many pages",
	.opts = first_options,
	.opts_size = sizeof(struct first_opts),
	.start = first_start,
	.next = first_next,
	.rewind = first_rewind,
	.bytes = first_bytes,
	.stop = first_stop,
};
