/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * zram.c - options, start and stop, the passes of a daemon
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "models/codec.h"
#include "sim/engine/zram/zram.h"
#include "sim/pool/zsmalloc.h"

#define SYSFS "[linux-6.18] /sys/block/zram0"

enum version { ZRAM_6_18, ZRAM_6_1 };
static const char *const versions[] = {"6.18", "6.1", NULL};
/* In the order of pools.def and codecs.def. */
static const char *const pool_names[] = {"zsmalloc", "zbud",	    "z3fold",
					 "xvmalloc", "zcache-zbud", NULL};
#define CODEC_NAMES "lzo", "lzo-rle", "lz4", "zstd", "zstd-crypto", "zstd-acomp"
static const char *const codec_names[] = {CODEC_NAMES, NULL};
static const char *const recomp_names[] = {"none", CODEC_NAMES, NULL};
static const char *const modes[] = {
#define X(sym, word) word,
	ZRAM_MODES(X)
#undef X
		NULL,
};

/* clang-format off */
static const struct opt zram_options[] = {
	{ OPT_CHOICE, OPT_FIELD(zram_opts, version, uint64_t),
	  .choices = versions,
	  .help = "kernel whose allocator is meant",
	  .source = "[linux-6.18] drivers/block/zram" },
	{ OPT_CHOICE, OPT_FIELD(zram_opts, pool, uint64_t),
	  .choices = pool_names,
	  .help = "allocator that keeps the objects; the kernel's is zsmalloc" },
	{ OPT_U64, OPT_FIELD(zram_opts, chain, uint64_t),
	  .max = ZS_CHAIN_MAX, .unit = "pages",
	  .help = "zsmalloc: longest zspage; 0 is what the kernel has by default",
	  .source = "[linux-6.18] CONFIG_ZSMALLOC_CHAIN_SIZE" },
	{ OPT_CHOICE, OPT_FIELD(zram_opts, codec, uint64_t),
	  .choices = codec_names, .def = 1,
	  .help = "what compresses the pages", .source = SYSFS
	  "/comp_algorithm" },
	{ OPT_U64, OPT_FIELD(zram_opts, level, uint64_t),
	  .max = 22,
	  .help = "level of a codec that has any; 0 is the kernel's choice",
	  .source = SYSFS "/algorithm_params" },
	{ OPT_SIZE, OPT_FIELD(zram_opts, mem_limit, uint64_t),
	  .help = "pages are refused when objects would need more; 0: no limit",
	  .source = SYSFS "/mem_limit" },
	{ OPT_SIZE, OPT_FIELD(zram_opts, disksize, uint64_t),
	  .max = UINT64_C(1) << 48,
	  .help = "no more pages fit; the kernel's table is as large; 0: what "
		  "the trace needs at most", .source = SYSFS "/disksize" },
	{ OPT_TIME, OPT_FIELD(zram_opts, interval, uint64_t),
	  .def = 10 * NS_PER_SEC, .min = NS_PER_MSEC, .max = UINT64_MAX,
	  .help = "between two passes of a daemon that does what follows, if "
		  "any" },
	{ OPT_TIME, OPT_FIELD(zram_opts, idle_age, uint64_t),
	  .max = UINT64_MAX,
	  .help = "a pass marks pages idle that were not used for so long",
	  .source = SYSFS "/idle" },
	{ OPT_BOOL, OPT_FIELD(zram_opts, compact, uint64_t), .max = 1,
	  .help = "a pass ends with compaction", .source = SYSFS "/compact" },
	{ OPT_CHOICE, OPT_FIELD(zram_opts, recomp_codec, uint64_t),
	  .choices = recomp_names,
	  .help = "a pass compresses anew with this codec",
	  .source = SYSFS "/recomp_algorithm" },
	{ OPT_U64, OPT_FIELD(zram_opts, recomp_level, uint64_t), .max = 22,
	  .help = "its level, as for the first",
	  .source = SYSFS "/algorithm_params" },
	{ OPT_CHOICE, OPT_FIELD(zram_opts, recomp_type, uint64_t),
	  .choices = modes, .def = ZRAM_MODE_ALL,
	  .help = "which pages it takes", .source = SYSFS "/recompress" },
	{ OPT_SIZE, OPT_FIELD(zram_opts, recomp_threshold, uint64_t),
	  .max = PAGE_BYTES,
	  .help = "only objects that long, and only if they become shorter than "
		  "that; 0: any", .source = SYSFS "/recompress" },
	{ OPT_CHOICE, OPT_FIELD(zram_opts, writeback, uint64_t),
	  .choices = modes,
	  .help = "which pages a pass writes to the backing device",
	  .source = SYSFS "/writeback" },
	{ OPT_SIZE, OPT_FIELD(zram_opts, backing, uint64_t),
	  .help = "room on the backing device; 0: there is none",
	  .source = SYSFS "/backing_dev" },
	{ .type = OPT_END },
};
/* clang-format on */

/* ---- options ---- */

static const struct codec_ops *codec_of(uint64_t i)
{
	return codecs[i];
}

static unsigned level_of(const struct codec_ops *ops, uint64_t level)
{
	return level ? (unsigned)level : ops->level;
}

/* A level that does not exist is refused by start(). */
static uint64_t need(const struct codec_ops *ops, uint64_t level)
{
	unsigned l = level_of(ops, level);

	return codec_need(ops,
			  codec_check_level(ops, l, NULL) ? ops->level : l);
}

static uint64_t zram_needs(const void *opts)
{
	const struct zram_opts *o = opts;
	uint64_t needs = NEED_SAME | need(codec_of(o->codec), o->level);

	if (o->recomp_codec)
		needs |= need(codec_of(o->recomp_codec - 1), o->recomp_level);
	return needs;
}

static int make_pool(const struct zram_opts *o, struct pool **pool,
		     struct err *err)
{
	const struct pool_ops *ops = pools[o->pool];
	struct zs_opts zs;
	int ret;

	if (ops != &pool_zsmalloc)
		return o->chain ? err_set(err, EINVAL,
					  "chain: %s has no chains of pages",
					  ops->name)
				: pool_new(pool, ops, NULL, err);
	opt_defaults(zs_options, &zs);
	zs.generation = o->version == ZRAM_6_1 ? ZS_6_1 : ZS_6_15;
	zs.chain = o->chain;
	ret = pool_new(pool, ops, &zs, err);
	return ret;
}

/* What single options cannot say of themselves. */
static int check_opts(const struct zram *z, struct err *err)
{
	const struct zram_opts *o = &z->opt;

	if (o->recomp_codec && o->version == ZRAM_6_1)
		return err_set(err, EINVAL,
			       "recomp_codec: Linux 6.1 does not recompress, "
			       "6.2 began with it");
	if (o->recomp_threshold >= z->dev.huge_bytes)
		return err_set(err, EINVAL,
			       "recomp_threshold: pages of %" PRIu32
			       " bytes and more are stored raw, so it must be "
			       "less",
			       z->dev.huge_bytes);
	if (o->writeback != ZRAM_MODE_NONE && o->backing < PAGE_BYTES)
		return err_set(err, EINVAL,
			       "writeback: there is no backing device; set "
			       "backing to its size");
	return 0;
}

static int lengths(const struct zram *z, uint64_t codec, uint64_t level,
		   const uint16_t **bytes, struct err *err)
{
	const struct codec_ops *ops = codec_of(codec);
	unsigned l = level_of(ops, level);
	int ret = codec_check_level(ops, l, err);

	if (!ret)
		*bytes = codec_lengths(z->contents, ops, l);
	return ret;
}

static void zram_stop(struct engine *e)
{
	struct zram *z = (struct zram *)e;

	if (!z)
		return;
	if (z->dev.pool)
		zram_device_fini(&z->dev);
	mem_release(z->frame_of, z->frame_of_cap, sizeof(*z->frame_of));
	mem_release(z->frame, z->frame_cap, sizeof(*z->frame));
	arena_fini(&z->slots);
	free(z);
}

static bool has_passes(const struct zram_opts *o)
{
	return o->compact || o->recomp_codec || o->writeback != ZRAM_MODE_NONE;
}

static void count_as(struct zram_device *d, unsigned which, uint64_t codec)
{
	const char *name = codec_of(codec)->name;

	if (!strncmp(name, "lz4", 3)) {
		d->pack[which] = OP_COMPRESS_LZ4;
		d->unpack[which] = OP_EXPAND_LZ4;
	} else if (!strncmp(name, "zstd", 4)) {
		d->pack[which] = OP_COMPRESS_ZSTD;
		d->unpack[which] = OP_EXPAND_ZSTD;
	}
}

static int set_up(struct zram *z, struct err *err)
{
	const struct zram_opts *o = &z->opt;
	struct pool *pool;
	int ret = lengths(z, o->codec, o->level, &z->bytes, err);

	if (!ret && o->recomp_codec)
		ret = lengths(z, o->recomp_codec - 1, o->recomp_level,
			      &z->recomp_bytes, err);
	if (!ret)
		ret = make_pool(o, &pool, err);
	if (ret)
		return ret;
	zram_device_init(&z->dev, pool);
	count_as(&z->dev, 0, o->codec);
	if (o->recomp_codec)
		count_as(&z->dev, 1, o->recomp_codec - 1);
	zram_set_limit(&z->dev, o->mem_limit);
	z->dev.backing_pages = o->backing / PAGE_BYTES;
	return check_opts(z, err);
}

static int zram_start(struct engine **out, const struct engine_env *env,
		      const void *opts, struct err *err)
{
	struct zram *z = mem_zalloc(1, sizeof(*z));
	int ret;

	if (!z)
		return -ENOMEM;
	z->base = (struct engine){
		.ops = &engine_zram, .workers = 1, .wake = &z->wake};
	z->opt = *(const struct zram_opts *)opts;
	z->machine = env->machine;
	z->contents = env->contents;
	z->clock = env->clock;
	arena_init(&z->slots, sizeof(struct page_slot));
	ret = set_up(z, err);
	if (ret) {
		zram_stop(&z->base);
		return ret;
	}
	z->wake = has_passes(&z->opt)
			  ? ns_add(z->clock->now, NS(z->opt.interval))
			  : NS_NEVER;
	*out = &z->base;
	return 0;
}

/* ---- passes ---- */

static uint32_t recomp_length(void *ctx, uint32_t slot)
{
	const struct zram *z = ctx;

	return zram_bytes_of(z, z->recomp_bytes,
			     zram_slot_at(z, slot + 1)->content);
}

static int pass(struct zram *z, struct meter *m)
{
	const struct zram_opts *o = &z->opt;
	const struct zram_recompress how = {
		.mode = o->recomp_codec ? (enum zram_mode)o->recomp_type
					: ZRAM_MODE_NONE,
		.threshold = (uint32_t)o->recomp_threshold,
		.length = recomp_length,
		.ctx = z,
	};
	uint64_t recompressed, written;
	int ret;

	zram_mark_idle(&z->dev, NS(o->idle_age));
	ret = zram_recompress(&z->dev, &how, &recompressed, m);
	if (ret)
		return ret;
	z->changes += recompressed;
	ret = zram_write_back(&z->dev, (enum zram_mode)o->writeback, &written,
			      m);
	if (ret)
		return ret;
	z->changes += written;
	if (o->compact)
		z->changes += zram_compact(&z->dev, m);
	return 0;
}

static int zram_work(struct engine *e, unsigned worker, struct meter *m)
{
	struct zram *z = (struct zram *)e;
	int ret;

	(void)worker;
	meter_add(m, OP_TURN, 1);
	z->dev.now = z->clock->now;
	ret = pass(z, m);
	if (ret)
		return ret;
	z->passes++;
	z->wake = ns_add(z->clock->now, NS(z->opt.interval));
	return 0;
}

static void zram_progress(const struct engine *e, struct engine_progress *p)
{
	const struct zram *z = (const struct zram *)e;

	*p = (struct engine_progress){
		.scans = z->passes,
		.round = 1,
		.changes = z->changes,
	};
}

const struct engine_ops engine_zram = {
	.name = "zram",
	.summary = "every anonymous page compressed in memory, as on zram swap",
	.source = "[linux-6.18] drivers/block/zram/zram_drv.c",
	.opts = zram_options,
	.opts_size = sizeof(struct zram_opts),
	.needs = zram_needs,
	.start = zram_start,
	.notice = zram_notice,
	.work = zram_work,
	.progress = zram_progress,
	.report = zram_report_engine,
	.check = zram_check,
	.stop = zram_stop,
};
