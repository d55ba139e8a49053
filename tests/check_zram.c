/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The zram device beyond what vectors of a kernel show, and the engine on it. */
#include <errno.h>
#include <string.h>

#include "models/codec.h"
#include "sim/engine/zram/device.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"
#include "tests/support/rig.h"
#include "tests/support/spec.h"

/* ---- the device ---- */

static struct zram_device dev;
static struct meter meter;

static void device(const char *pool)
{
	struct pool *p;
	struct err err = {0};
	int ret = pool_new(&p, pool_find(pool, &err), NULL, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	meter_init(&meter, NULL);
	zram_device_init(&dev, p);
}

static void sound(void)
{
	ck_assert_int_eq(zram_device_check(&dev, stdout), 0);
}

static void done(void)
{
	sound();
	zram_device_fini(&dev);
}

static void put(uint32_t slot, uint32_t bytes)
{
	ck_assert_int_eq(zram_write(&dev, slot, bytes, &meter), 0);
	sound();
}

/* What the second codec makes of each slot. */
static uint32_t second[16];
static uint32_t asked[16], nasked; /* slots in the order they are looked at */

static uint32_t second_length(void *ctx, uint32_t slot)
{
	(void)ctx;
	ck_assert_uint_lt(nasked, 16);
	asked[nasked++] = slot;
	return second[slot];
}

static uint64_t recompress(enum zram_mode mode, uint32_t threshold)
{
	const struct zram_recompress how = {
		.mode = mode,
		.threshold = threshold,
		.length = second_length,
	};
	uint64_t n;

	nasked = 0;
	ck_assert_int_eq(zram_recompress(&dev, &how, &n, &meter), 0);
	sound();
	return n;
}

static uint64_t write_back(enum zram_mode mode)
{
	uint64_t n;

	ck_assert_int_eq(zram_write_back(&dev, mode, &n, &meter), 0);
	sound();
	return n;
}

START_TEST(recompression_keeps_objects_of_a_lower_class_only)
{
	device("zsmalloc");
	put(0, 2000);
	put(1, 2000);
	put(2, 0);
	put(3, 4000);
	second[0] = 1000;
	second[1] = 1999;
	second[3] = 3000;
	ck_assert_uint_eq(recompress(ZRAM_MODE_ALL, 0), 2);
	ck_assert_uint_eq(dev.stats.compr_data_size, 1000 + 2000 + 3000);
	ck_assert_uint_eq(dev.stats.huge_pages, 0);
	ck_assert_uint_eq(dev.stats.huge_pages_since, 1);
	ck_assert_uint_eq(dev.stats.incompressible, 1);
	ck_assert_uint_eq(dev.stats.recompressed, 2);
	ck_assert_uint_eq(dev.stats.pages_stored, 4);
	/* Neither what was done before nor what cannot be done is tried. */
	second[0] = second[1] = second[3] = 100;
	ck_assert_uint_eq(recompress(ZRAM_MODE_ALL, 0), 0);
	/* A page that is written anew is. */
	put(1, 2000);
	ck_assert_uint_eq(dev.stats.incompressible, 0);
	ck_assert_uint_eq(recompress(ZRAM_MODE_ALL, 0), 1);
	done();
}
END_TEST

/* Classes of 1920 and 2048 bytes; 8 of them are the handle's. */
START_TEST(the_class_is_looked_up_without_the_handle)
{
	uint64_t before;

	device("zsmalloc");
	/* 1913 needs the class of 2048 and is kept as if it were of 1920. */
	put(0, 2040);
	second[0] = 1913;
	before = zram_used_pages(&dev);
	ck_assert_uint_eq(recompress(ZRAM_MODE_ALL, 0), 1);
	ck_assert_uint_eq(zram_used_pages(&dev), before);
	zram_discard(&dev, 0, &meter);
	/* 1920 is in 2048, 1900 would be in 1920, and is not seen to be. */
	put(1, 1920);
	second[1] = 1910;
	ck_assert_uint_eq(recompress(ZRAM_MODE_ALL, 0), 0);
	ck_assert_uint_eq(dev.stats.incompressible, 1);
	done();
}
END_TEST

START_TEST(a_threshold_bounds_old_and_new_lengths)
{
	device("zsmalloc");
	put(0, 1000);
	put(1, 3000);
	put(2, 3000);
	second[0] = 100;
	second[1] = 1999;
	second[2] = 2000;
	ck_assert_uint_eq(recompress(ZRAM_MODE_ALL, 2000), 1);
	ck_assert_uint_eq(dev.stats.compr_data_size, 1000 + 1999 + 3000);
	/* Shorter, but too long for the threshold: not tried again. */
	ck_assert_uint_eq(dev.stats.incompressible, 1);
	done();
}
END_TEST

START_TEST(recompression_goes_from_the_longest_to_the_shortest)
{
	static const uint32_t bytes[] = {700, 3000, 1500, 3201};

	device("zsmalloc");
	for (uint32_t i = 0; i < 4; i++) {
		put(i, bytes[i]);
		second[i] = 50 + i;
	}
	ck_assert_uint_eq(recompress(ZRAM_MODE_ALL, 0), 4);
	ck_assert_uint_eq(nasked, 4);
	for (uint32_t i = 1; i < nasked; i++)
		ck_assert_uint_gt(bytes[asked[i - 1]], bytes[asked[i]]);
	done();
}
END_TEST

START_TEST(recompression_knows_no_limit_and_no_peak)
{
	uint64_t peak;

	device("zsmalloc");
	put(0, 700);
	put(1, 3000);
	put(2, 700);
	put(3, 3001);
	/* Each in a class of its own, with zspages of one page. */
	second[3] = 50;
	second[1] = 120;
	second[0] = second[2] = 248;
	peak = dev.stats.max_used_pages;
	zram_set_limit(&dev, zram_used_pages(&dev) * PAGE_BYTES);
	ck_assert_uint_eq(recompress(ZRAM_MODE_ALL, 0), 4);
	ck_assert_uint_eq(dev.stats.failed_writes, 0);
	ck_assert_uint_eq(dev.stats.compr_data_size, 50 + 120 + 248 + 248);
	ck_assert_uint_eq(dev.stats.max_used_pages, peak);
	done();
}
END_TEST

START_TEST(idle_is_what_was_not_touched_for_so_long)
{
	device("zsmalloc");
	dev.now = NS(1000);
	put(0, 100);
	put(1, 0);
	put(2, 4096);
	dev.now = NS(1500);
	put(3, 100);
	dev.now = NS(2000);
	ck_assert_uint_eq(zram_mark_idle(&dev, NS(1000)), 2);
	ck_assert_uint_eq(zram_mark_idle(&dev, NS(1000)), 0);
	sound();
	second[0] = second[3] = 30;
	second[2] = 4000;
	ck_assert_uint_eq(recompress(ZRAM_MODE_HUGE_IDLE, 0), 0);
	ck_assert_uint_eq(dev.stats.idle, 1); /* slot 2 was looked at */
	ck_assert_uint_eq(recompress(ZRAM_MODE_IDLE, 0), 1);
	ck_assert_uint_eq(dev.stats.idle, 0);
	ck_assert_uint_eq(zram_mark_idle(&dev, NS(0)), 3);
	zram_read(&dev, 3, &meter);
	put(2, 100);
	ck_assert_uint_eq(dev.stats.idle, 1);
	zram_discard(&dev, 0, &meter);
	ck_assert_uint_eq(dev.stats.idle, 0);
	zram_read(&dev, 0, &meter);
	zram_read(&dev, 9999, &meter);
	done();
}
END_TEST

START_TEST(write_back_moves_the_longest_first_while_there_is_room)
{
	device("zsmalloc");
	dev.backing_pages = 3;
	put(0, 100);
	put(1, 4096);
	put(2, 0);
	put(3, 1000);
	put(4, 1010); /* the same 64 bytes: the higher slot comes first */
	put(5, 500);
	ck_assert_uint_eq(write_back(ZRAM_MODE_NONE), 0);
	ck_assert_uint_eq(write_back(ZRAM_MODE_HUGE), 1);
	ck_assert_uint_eq(dev.stats.huge_pages, 0);
	ck_assert_uint_eq(dev.stats.compr_data_size, 2610);
	dev.backing_pages = 2;
	ck_assert_uint_eq(write_back(ZRAM_MODE_ALL), 1);
	ck_assert_uint_eq(dev.stats.compr_data_size, 1600);
	dev.backing_pages = 3;
	ck_assert_uint_eq(write_back(ZRAM_MODE_ALL), 1);
	ck_assert_uint_eq(write_back(ZRAM_MODE_ALL), 0);
	ck_assert_uint_eq(dev.stats.compr_data_size, 600);
	ck_assert_uint_eq(zram_mm_stat(&dev).orig_data_size, 6 * PAGE_BYTES);
	ck_assert_uint_eq(dev.stats.bd_count, 3);
	ck_assert_uint_eq(dev.stats.bd_writes, 3);
	/* A read does not bring it back, a write and a discard free the room. */
	zram_read(&dev, 1, &meter);
	ck_assert_uint_eq(dev.stats.bd_reads, 1);
	ck_assert_uint_eq(dev.stats.bd_count, 3);
	put(1, 50);
	zram_discard(&dev, 3, &meter);
	ck_assert_uint_eq(dev.stats.bd_count, 1);
	done();
}
END_TEST

START_TEST(incompressible_pages_can_be_written_back)
{
	device("zsmalloc");
	dev.backing_pages = 9;
	put(0, 2000);
	put(1, 2000);
	second[0] = 1000;
	second[1] = 5000; /* longer than a page is possible */
	ck_assert_uint_eq(recompress(ZRAM_MODE_ALL, 0), 1);
	ck_assert_uint_eq(write_back(ZRAM_MODE_INCOMPRESSIBLE), 1);
	ck_assert_uint_eq(dev.stats.compr_data_size, 1000);
	done();
}
END_TEST

/* xvmalloc takes no whole page; others have no limit of their own. */
START_TEST(raw_pages_count_as_used_wherever_they_are)
{
	device("xvmalloc");
	put(0, ZRAM_OLD_HUGE);
	ck_assert_uint_eq(dev.pool->pages, 0);
	ck_assert_uint_eq(zram_mm_stat(&dev).mem_used_total, PAGE_BYTES);
	ck_assert_uint_eq(dev.stats.huge_pages, 1);
	put(1, ZRAM_OLD_HUGE - 1);
	ck_assert_uint_eq(dev.pool->pages, 1);
	zram_set_limit(&dev, 2 * PAGE_BYTES);
	ck_assert_int_eq(zram_write(&dev, 2, 4096, &meter), -EIO);
	ck_assert_uint_eq(zram_mm_stat(&dev).mem_used_max, 3 * PAGE_BYTES);
	ck_assert_uint_eq(dev.stats.failed_writes, 1);
	sound();
	put(0, 0);
	ck_assert_uint_eq(zram_mm_stat(&dev).mem_used_total, PAGE_BYTES);
	done();
	device("z3fold");
	put(0, 4096);
	ck_assert_uint_eq(dev.pool->pages, 1);
	done();
}
END_TEST

START_TEST(metadata_has_the_sizes_of_the_kernel)
{
	device("zsmalloc");
	put(0, 100);
	put(1, 4096);
	put(2, 0);
	/* 3 slots, 2 handles, 2 zspages */
	ck_assert_uint_eq(zram_metadata_bytes(&dev, 3),
			  3 * 16 + 2 * 8 + 2 * 56);
	done();
}
END_TEST

/* ---- the engine ---- */

static const char *const specs[] = {
	"zr:100:7",  "zr:600:7",  "zr:1500:7", "zr:2500:7", "zr:3300:7",
	"rz:4096:1", "rz:4096:2", "same:1234", "txt:40:1",  "ptr:30:1",
};
#define CONTENTS (1 + sizeof(specs) / sizeof(specs[0]))
#define RAW 6u /* contents of rz, same and text */
#define SAME 8u
#define TEXT 9u

/* Like rig_contents(), but pages that compress to this and that. */
static void contents(struct rig *r)
{
	struct content_source src;
	uint8_t page[PAGE_BYTES];
	uint32_t id;
	int ret;

	*r = (struct rig){.clock = {NS(NS_PER_SEC)}};
	page_store_init(&r->store, CONTENTS);
	for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		ck_assert(spec_page(specs[i], page));
		ck_assert_int_eq(page_store_add(&r->store, page, &id), 1);
	}
	src = page_store_source(&r->store);
	ret = content_set_new(&r->contents, &src, NEED_SAME, 1, &r->err);
	for (size_t i = 0; !ret && codecs[i]; i++)
		ret = codec_columns(r->contents,
				    codec_need(codecs[i], codecs[i]->level), 1,
				    &r->err);
	ck_assert_msg(!ret, "%s", err_text(&r->err, ret));
	meter_init(&r->meter, NULL);
	rows_init(&r->rows);
}

static int start(struct rig *r, const char *const *set)
{
	struct rig_config cfg = {.engine = "zram", .set = set};

	return rig_start(r, &cfg);
}

static void begin(struct rig *r, const char *const *set)
{
	int ret;

	contents(r);
	ret = start(r, set);
	ck_assert_msg(!ret, "%s", err_text(&r->err, ret));
	rig_do(r, ev_space(0));
	rig_do(r, ev_map(0, CHAOS_BASE, 1000, 0));
}

static void fill(struct rig *r, uint64_t at, uint64_t n, uint32_t content)
{
	for (uint64_t i = 0; i < n; i++)
		rig_do(r, ev_write(0, CHAOS_BASE + at + i, content));
}

static int64_t row(struct rig *r, const char *name)
{
	rig_check(r);
	return rig_row(r, "zram", name);
}

static int64_t length_of(const struct rig *r, const struct codec_ops *codec,
			 uint32_t content)
{
	uint64_t word;
	uint16_t n = codec_lengths(r->contents, codec, codec->level)[content];

	if (content_is_same(r->contents, content, &word))
		return 0;
	return n >= 3625 ? PAGE_BYTES : n;
}

/* What zram must say, counted frame by frame over all pairs. */
static void agrees(struct rig *r, const struct codec_ops *codec)
{
	const struct machine *m = r->machine;
	static uint32_t seen[CHAOS_SPACES * CHAOS_PAGES];
	int64_t bytes = 0, same = 0, raw = 0, zero = 0;
	size_t n = 0;

	for (uint32_t s = 0; s < m->nspace; s++)
		for (uint64_t v = 0; v < CHAOS_PAGES; v++) {
			uint32_t i = machine_find(m, s, CHAOS_BASE + v), frame;
			const struct pte *p = i ? &m->pte[i] : NULL;
			size_t k = 0;

			if (!p || !(p->flags & PTE_PRESENT) ||
			    !(p->flags & PTE_ANON) ||
			    pte_owner(p) == OWNER_ZERO)
				continue;
			frame = pte_owner(p) == OWNER_SHARED
					? machine_share(m, p->ref)->frame
					: p->ref;
			while (k < n && seen[k] != frame)
				k++;
			if (k < n)
				continue;
			seen[n++] = frame;
			bytes += length_of(r, codec, p->content);
			same += !length_of(r, codec, p->content);
			raw += length_of(r, codec, p->content) == PAGE_BYTES;
			zero += p->content == 0;
		}
	ck_assert_int_eq(row(r, "orig_data_size"), (int64_t)n * PAGE_BYTES);
	ck_assert_int_eq(row(r, "pages_stored"), (int64_t)n);
	ck_assert_int_eq(row(r, "pages_refused"), 0);
	ck_assert_int_eq(row(r, "compr_data_size"), bytes);
	ck_assert_int_eq(row(r, "same_pages"), same);
	ck_assert_int_eq(row(r, "huge_pages"), raw);
	ck_assert_int_eq(row(r, "zero_pages"), zero);
}

START_TEST(random_events_give_what_all_pairs_give)
{
	static const char *const lz4[] = {"codec", "lz4", NULL};
	struct prng rnd = prng_fork(test_seed(1) + (uint64_t)_i, "zram");
	struct rig r;
	int ret;

	contents(&r);
	ret = start(&r, _i % 2 ? lz4 : NULL);
	ck_assert_int_eq(ret, 0);
	for (unsigned step = 0; step < 400; step++) {
		struct event ev = chaos_event(&rnd, r.machine, CONTENTS);

		ret = rig_event(&r, &ev);
		ck_assert(ret == 0 || ret == -EINVAL);
		if (step % 20 == 0)
			agrees(&r, _i % 2 ? &codec_lz4 : &codec_lzo_rle);
	}
	rig_fini(&r);
}
END_TEST

START_TEST(a_page_is_stored_when_it_is_written_and_dropped_when_it_goes)
{
	struct rig r;

	begin(&r, NULL);
	rig_do(&r, ev_range(EV_READ, 0, CHAOS_BASE, 50));
	ck_assert_int_eq(row(&r, "orig_data_size"), 0);
	fill(&r, 0, 3, RAW);
	fill(&r, 3, 2, SAME);
	fill(&r, 5, 1, 0);
	ck_assert_int_eq(row(&r, "pages_stored"), 6);
	ck_assert_int_eq(row(&r, "mem_used_total"), 3 * PAGE_BYTES);
	ck_assert_int_eq(rig_row(&r, "saved", "saved_pages"), 3);
	ck_assert_int_eq(rig_row(&r, "saved", "zero_pages"), 1);
	/* The new object is there before the old one goes. */
	fill(&r, 0, 1, RAW + 1);
	ck_assert_int_eq(row(&r, "mem_used_total"), 3 * PAGE_BYTES);
	ck_assert_int_eq(row(&r, "mem_used_max"), 4 * PAGE_BYTES);
	ck_assert_int_eq(row(&r, "huge_pages_since"), 4);
	/* What does not change is not written again. */
	fill(&r, 0, 1, RAW + 1);
	ck_assert_int_eq(row(&r, "huge_pages_since"), 4);
	rig_do(&r, ev_range(EV_FREE, 0, CHAOS_BASE + 1, 3));
	ck_assert_int_eq(row(&r, "pages_stored"), 3);
	ck_assert_int_eq(row(&r, "notify_free"), 3);
	rig_do(&r, ev_exit(0));
	ck_assert_int_eq(row(&r, "orig_data_size"), 0);
	ck_assert_int_eq(row(&r, "mem_used_total"), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(what_a_fork_shares_has_one_slot)
{
	struct rig r;

	begin(&r, NULL);
	fill(&r, 0, 10, RAW);
	rig_do(&r, ev_fork(1, 0));
	ck_assert_int_eq(row(&r, "pages_stored"), 10);
	rig_do(&r, ev_write(1, CHAOS_BASE, TEXT));
	ck_assert_int_eq(row(&r, "pages_stored"), 11);
	ck_assert_int_eq(row(&r, "huge_pages"), 10);
	rig_do(&r, ev_exit(0));
	ck_assert_int_eq(row(&r, "pages_stored"), 10);
	ck_assert_int_eq(row(&r, "huge_pages"), 9);
	agrees(&r, &codec_lzo_rle);
	rig_fini(&r);
}
END_TEST

START_TEST(pages_of_files_are_not_swapped)
{
	struct rig r;

	begin(&r, NULL);
	rig_do(&r, ev_map(0, CHAOS_BASE + 1200, 10, EVF_FILE));
	rig_do(&r, ev_map(0, CHAOS_BASE + 1300, 10, EVF_SHARED));
	rig_do(&r, ev_write(0, CHAOS_BASE + 1200, RAW));
	rig_do(&r, ev_write(0, CHAOS_BASE + 1300, RAW));
	agrees(&r, &codec_lzo_rle);
	rig_fini(&r);
}
END_TEST

START_TEST(what_the_limit_refuses_stays_in_memory)
{
	static const char *const set[] = {"mem_limit", "8KiB", NULL};
	struct rig r;

	begin(&r, set);
	fill(&r, 0, 5, RAW);
	ck_assert_int_eq(row(&r, "pages_stored"), 2);
	ck_assert_int_eq(row(&r, "pages_refused"), 3);
	ck_assert_int_eq(row(&r, "failed_writes"), 3);
	ck_assert_int_eq(row(&r, "mem_used_max"), 3 * PAGE_BYTES);
	/* The old object of a refused page is of no use. */
	fill(&r, 0, 1, RAW + 1);
	ck_assert_int_eq(row(&r, "pages_stored"), 1);
	ck_assert_int_eq(row(&r, "pages_refused"), 4);
	/* It is tried again when it is written again, and only then. */
	rig_do(&r, ev_advise(0, CHAOS_BASE, 5, true));
	ck_assert_int_eq(row(&r, "failed_writes"), 4);
	fill(&r, 4, 1, RAW);
	ck_assert_int_eq(row(&r, "pages_stored"), 2);
	rig_do(&r, ev_range(EV_FREE, 0, CHAOS_BASE + 1, 1));
	ck_assert_int_eq(row(&r, "pages_refused"), 3);
	rig_do(&r, ev_exit(0));
	ck_assert_int_eq(row(&r, "pages_refused"), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(a_full_disk_takes_no_more_pages)
{
	static const char *const set[] = {"disksize", "12KiB", NULL};
	struct rig r;

	begin(&r, set);
	fill(&r, 0, 5, SAME);
	ck_assert_int_eq(row(&r, "pages_stored"), 3);
	ck_assert_int_eq(row(&r, "pages_refused"), 2);
	ck_assert_int_eq(row(&r, "failed_writes"), 0);
	/* The kernel's table is as large as the disk. */
	rig_do(&r, ev_exit(0));
	ck_assert_int_eq(rig_row(&r, "saved", "metadata_bytes"), 3 * 16);
	rig_fini(&r);
}
END_TEST

START_TEST(every_codec_and_pool_stores_every_page)
{
	static const char *const names[] = {"zsmalloc", "zbud", "z3fold",
					    "xvmalloc", "zcache-zbud"};
	const struct opt *pool = opt_find(engine_zram.opts, "pool");
	const struct opt *codec = opt_find(engine_zram.opts, "codec");
	const struct opt *recomp = opt_find(engine_zram.opts, "recomp_codec");
	struct rig r;
	size_t i;

	for (i = 0; pools[i]; i++)
		ck_assert_str_eq(pool->choices[i], pools[i]->name);
	ck_assert_ptr_null(pool->choices[i]);
	ck_assert_uint_eq(i, sizeof(names) / sizeof(names[0]));
	ck_assert_str_eq(recomp->choices[0], "none");
	for (i = 0; codecs[i]; i++) {
		ck_assert_str_eq(codec->choices[i], codecs[i]->name);
		ck_assert_str_eq(recomp->choices[i + 1], codecs[i]->name);
	}
	ck_assert_ptr_null(codec->choices[i]);
	ck_assert_ptr_null(recomp->choices[i + 1]);
	for (size_t p = 0; pools[p]; p++)
		for (size_t c = 0; codecs[c]; c++) {
			const char *set[] = {"pool", pools[p]->name, "codec",
					     codecs[c]->name, NULL};

			begin(&r, set);
			for (uint32_t k = 0; k < CONTENTS; k++)
				fill(&r, 5 * k, 5, k);
			ck_assert_int_eq(row(&r, "pages_stored"),
					 (int64_t)(5 * CONTENTS));
			ck_assert_int_eq(row(&r, "same_pages"), 10);
			rig_fini(&r);
		}
}
END_TEST

START_TEST(a_pass_recompresses_writes_back_and_compacts)
{
	static const char *const set[] = {
		"recomp_codec", "zstd", "recomp_type", "idle",
		"idle_age",	"1s",	"interval",    "1s",
		"compact",	"1",	"writeback",   "huge_idle",
		"backing",	"8KiB", NULL};
	int64_t lzo, zstd;
	struct rig r;

	begin(&r, set);
	ck_assert_uint_eq(r.engine->wake[0].v, 2 * NS_PER_SEC);
	fill(&r, 0, 4, RAW);
	fill(&r, 10, 40, TEXT);
	lzo = length_of(&r, &codec_lzo_rle, TEXT);
	zstd = length_of(&r, &codec_zstd, TEXT);
	ck_assert_int_lt(zstd, lzo - 16);
	ck_assert_int_eq(row(&r, "compr_data_size"),
			 4 * (int64_t)PAGE_BYTES + 40 * lzo);
	r.clock.now = NS(NS_PER_SEC + NS_PER_SEC / 2);
	fill(&r, 10, 1, RAW);
	fill(&r, 10, 1, TEXT);
	rig_scan(&r);
	ck_assert_int_eq(row(&r, "recompressed"), 39);
	ck_assert_int_eq(row(&r, "incompressible"), 4);
	/* Looked at, so no longer idle; two of them fit at the next pass. */
	ck_assert_int_eq(row(&r, "bd_count"), 0);
	rig_scan(&r);
	ck_assert_int_eq(row(&r, "recompressed"), 40);
	ck_assert_int_eq(row(&r, "bd_count"), 2);
	ck_assert_int_eq(row(&r, "huge_pages"), 2);
	ck_assert_int_eq(row(&r, "compr_data_size"),
			 2 * (int64_t)PAGE_BYTES + 40 * zstd);
	/* A page that changes is read from there first. */
	fill(&r, 0, 4, TEXT);
	ck_assert_int_eq(row(&r, "bd_count"), 0);
	ck_assert_int_eq(row(&r, "bd_reads"), 2);
	fill(&r, 100, 400, TEXT);
	rig_scan(&r);
	for (uint64_t i = 100; i < 500; i += 2)
		rig_do(&r, ev_range(EV_FREE, 0, CHAOS_BASE + i, 1));
	ck_assert_int_gt(rig_row(&r, "pool", "pages_compactable"), 0);
	rig_scan(&r);
	ck_assert_int_eq(rig_row(&r, "pool", "pages_compactable"), 0);
	ck_assert_int_gt(row(&r, "pages_compacted"), 0);
	rig_fini(&r);
}
END_TEST

START_TEST(without_anything_to_do_there_are_no_passes)
{
	struct rig r;

	begin(&r, NULL);
	ck_assert(ns_is_never(r.engine->wake[0]));
	rig_fini(&r);
}
END_TEST

START_TEST(options_that_contradict_each_other_are_refused)
{
	static const struct {
		const char *set[7];
		const char *says;
	} v[] = {
		{{"level", "3", NULL}, "codec lzo-rle has no levels"},
		{{"codec", "zstd-crypto", "level", "9", NULL},
		 "codec zstd-crypto has level 3 only"},
		{{"recomp_codec", "lz4", "recomp_level", "17", NULL},
		 "codec lz4: level 17 is not in 1 … 16"},
		{{"pool", "zbud", "chain", "8", NULL},
		 "chain: zbud has no chains of pages"},
		{{"chain", "3", NULL},
		 "zsmalloc: chain: 3 pages, but generation 6.15 has 4 … 16"},
		{{"version", "6.1", "recomp_codec", "zstd", NULL},
		 "recomp_codec: Linux 6.1 does not recompress, 6.2 began with "
		 "it"},
		{{"recomp_threshold", "3625", NULL},
		 "recomp_threshold: pages of 3625 bytes and more are stored "
		 "raw, so it must be less"},
		{{"writeback", "all", NULL},
		 "writeback: there is no backing device; set backing to its "
		 "size"},
	};
	struct rig r;

	contents(&r);
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++) {
		r.err.text[0] = '\0';
		ck_assert_int_eq(start(&r, v[i].set), -EINVAL);
		ck_assert_str_eq(r.err.text, v[i].says);
	}
	rig_fini(&r);
}
END_TEST

/* Chains of 4 make pages raw from 3257 bytes on. */
START_TEST(older_kernels_have_another_limit)
{
	static const char *const set[] = {"version", "6.1", NULL};
	struct rig r;

	begin(&r, NULL);
	fill(&r, 0, 1, 5);
	ck_assert_int_eq(row(&r, "huge_pages"), 0);
	rig_stop(&r);
	ck_assert_int_eq(start(&r, set), 0);
	rig_do(&r, ev_space(0));
	rig_do(&r, ev_map(0, CHAOS_BASE, 100, 0));
	fill(&r, 0, 1, 5);
	ck_assert_int_eq(row(&r, "huge_pages"), 1);
	ck_assert_int_eq(rig_row(&r, "zsmalloc", "huge_class_size"), 3257);
	rig_fini(&r);
}
END_TEST

static int run_shortly(void *ctx)
{
	static const char *const set[] = {
		"recomp_codec", "zstd",	  "writeback", "huge",
		"backing",	"20KiB",  "compact",   "1",
		"mem_limit",	"600KiB", NULL};
	struct prng rnd = prng_fork(1, "memory");
	struct rig *r = ctx;
	int ret = start(r, set);

	if (ret)
		return ret;
	for (unsigned i = 0; !ret && i < 200; i++) {
		struct event ev = chaos_event(&rnd, r->machine, CONTENTS);

		ret = rig_event(r, &ev);
		if (ret == -EINVAL)
			ret = 0;
		if (!ret && i % 20 == 19)
			ret = rig_turn(r);
		if (!ret)
			ck_assert_int_eq(r->ops->check(r->engine, stdout), 0);
	}
	rig_stop(r);
	return ret;
}

START_TEST(without_memory_a_pass_ends_and_leaks_nothing)
{
	struct rig r;

	contents(&r);
	ck_assert_uint_gt(fail_mem_walk(run_shortly, &r), 20);
	rig_fini(&r);
}
END_TEST

static Suite *zram_suite(void)
{
	Suite *s = suite_create("zram");
	TCase *t = tcase_create("device");

	tcase_add_test(t, recompression_keeps_objects_of_a_lower_class_only);
	tcase_add_test(t, the_class_is_looked_up_without_the_handle);
	tcase_add_test(t, a_threshold_bounds_old_and_new_lengths);
	tcase_add_test(t, recompression_goes_from_the_longest_to_the_shortest);
	tcase_add_test(t, recompression_knows_no_limit_and_no_peak);
	tcase_add_test(t, idle_is_what_was_not_touched_for_so_long);
	tcase_add_test(t,
		       write_back_moves_the_longest_first_while_there_is_room);
	tcase_add_test(t, incompressible_pages_can_be_written_back);
	tcase_add_test(t, raw_pages_count_as_used_wherever_they_are);
	tcase_add_test(t, metadata_has_the_sizes_of_the_kernel);
	suite_add_tcase(s, t);
	t = tcase_create("engine");
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, random_events_give_what_all_pairs_give, 0, 6);
	tcase_add_test(
		t,
		a_page_is_stored_when_it_is_written_and_dropped_when_it_goes);
	tcase_add_test(t, what_a_fork_shares_has_one_slot);
	tcase_add_test(t, pages_of_files_are_not_swapped);
	tcase_add_test(t, what_the_limit_refuses_stays_in_memory);
	tcase_add_test(t, a_full_disk_takes_no_more_pages);
	tcase_add_test(t, every_codec_and_pool_stores_every_page);
	tcase_add_test(t, a_pass_recompresses_writes_back_and_compacts);
	tcase_add_test(t, without_anything_to_do_there_are_no_passes);
	tcase_add_test(t, options_that_contradict_each_other_are_refused);
	tcase_add_test(t, older_kernels_have_another_limit);
	tcase_add_test(t, without_memory_a_pass_ends_and_leaks_nothing);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(zram_suite());
}
