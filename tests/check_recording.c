/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two recorded guests at seven instants, each taken to the state that ksmd of a
 * real kernel came to.  The container's index says which pages were equal; at
 * the fixpoint nothing else matters, so content k is the page of RULE_ID k.
 */
#include <string.h>

#include "sim/base/os.h"
#include "sim/core/pages.h"
#include "sim/engine/engine.h"
#include "traces/zin.h"
#include "tests/support/main.h"

#define DIR "tests/vectors"
#define VECTORS DIR "/recording-ksm-6.18.tsv"
#define INDEX_MAX (UINT64_C(1) << 20)

#define GUESTS 2u
#define PAGES 28672u
#define SAMPLES 49u
#define STEP 8u /* between two kept samples */
#define CONTENTS 34623u
#define INSTANTS 7u
#define ROWS 22u
#define SCANS 4u
#define BATCH "10000000"

static const char *const guests[GUESTS] = {"tl", "ll"};

/* ---- the recording ---- */

static uint32_t held[INSTANTS][GUESTS][PAGES];

/* The unpacked index; malloc()ed. */
static char *read_index(void)
{
	struct err err = {0};
	char *text = NULL;
	size_t n;
	FILE *out = open_memstream(&text, &n);
	struct zin z;
	int ret;

	ck_assert_ptr_nonnull(out);
	ret = zin_open(&z, DIR, "recording-index.tsv", INDEX_MAX, &err);
	while (!ret && (ret = zin_fill(&z, &err)) > 0) {
		fwrite(z.buf + z.from, 1, z.to - z.from, out);
		z.from = z.to;
		ret = 0;
	}
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	zin_close(&z);
	ck_assert_int_eq(fclose(out), 0);
	return text;
}

static uint32_t take(char **p, uint32_t limit)
{
	char *end;
	unsigned long v = strtoul(*p, &end, 10);

	ck_assert_ptr_ne(end, *p);
	ck_assert_uint_lt(v, limit);
	*p = *end == '\n' ? end : end + 1;
	return (uint32_t)v;
}

/* sample TAB guest TAB first TAB count TAB ids; a line says what changed. */
static void take_run(char **p, uint32_t *done)
{
	uint32_t sample = take(p, SAMPLES), g = 0, first, count;
	uint32_t at = sample / STEP;

	ck_assert_uint_eq(sample % STEP, 0);
	for (; *done < at; ++*done)
		memcpy(held[*done + 1], held[*done], sizeof(held[0]));
	while (strncmp(*p, guests[g], 2))
		ck_assert_uint_lt(++g, GUESTS);
	*p += 3;
	first = take(p, PAGES);
	count = take(p, PAGES + 1);
	ck_assert_uint_le(first + count, PAGES);
	for (uint32_t i = 0; i < count; i++)
		held[at][g][first + i] = take(p, CONTENTS);
	ck_assert_int_eq(**p, '\n');
	++*p;
}

static void read_recording(void)
{
	char *text = read_index(), *p = text;
	uint32_t done = 0;

	while (*p)
		take_run(&p, &done);
	ck_assert_uint_eq(done, INSTANTS - 1);
	free(text);
}

/* ---- its contents, one set for all instants ---- */

static struct content_set *contents;
static uint8_t *pages; /* all of them, for an engine that reads bytes */

static const uint8_t *stand_in(void *self, uint32_t id, uint8_t *buf)
{
	(void)self;
	if (pages)
		return pages + (size_t)id * PAGE_BYTES;
	page_fill(buf, RULE_ID, id);
	return buf;
}

static void make_pages(void)
{
	pages = malloc((size_t)CONTENTS * PAGE_BYTES);
	ck_assert_ptr_nonnull(pages);
	for (uint32_t id = 0; id < CONTENTS; id++)
		page_fill(pages + (size_t)id * PAGE_BYTES, RULE_ID, id);
}

static struct content_source source = {.count = CONTENTS, .bytes = stand_in};

static void setup(void)
{
	struct err err = {0};
	union {
		max_align_t align;
		char bytes[512];
	} opts;
	uint64_t needs;
	int ret;

	ck_assert_uint_le(engine_ksm.opts_size, sizeof(opts));
	opt_defaults(engine_ksm.opts, &opts);
	needs = engine_ksm.needs(&opts);
	if (needs & NEED_BYTES)
		make_pages();
	ret = content_set_new(&contents, &source, needs, 2, &err);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	read_recording();
}

static void teardown(void)
{
	content_set_free(contents);
	free(pages);
}

/* ---- one still picture ---- */

struct picture {
	struct machine *machine;
	struct engine *engine;
	struct clock clock;
	struct meter meter;
	struct rows rows;
};

static void option(void *opts, const char *key, const char *value)
{
	struct err err = {0};

	ck_assert_msg(!opt_set(engine_ksm.opts, opts, key, value, &err), "%s",
		      err.text);
}

static void picture_open(struct picture *p, const char *version,
			 const char *max_sharing, const char *zero_pages)
{
	union {
		max_align_t align;
		char bytes[512];
	} opts;
	struct engine_env env = {.contents = contents, .clock = &p->clock};

	*p = (struct picture){0};
	rows_init(&p->rows);
	meter_init(&p->meter, NULL);
	opt_defaults(engine_ksm.opts, &opts);
	option(&opts, "version", version);
	if (!engine_ksm.has(&opts, opt_find(engine_ksm.opts, "smart_scan"),
			    NULL))
		option(&opts, "smart_scan", "0");
	option(&opts, "pages_to_scan", BATCH);
	option(&opts, "max_page_sharing", max_sharing);
	option(&opts, "use_zero_pages", zero_pages);
	ck_assert_int_eq(
		machine_new(&p->machine,
			    &(struct machine_config){.keep_words = true}),
		0);
	env.machine = p->machine;
	ck_assert_int_eq(engine_ksm.start(&p->engine, &env, &opts, NULL), 0);
}

static void picture_close(struct picture *p)
{
	engine_ksm.stop(p->engine);
	machine_free(p->machine);
	rows_fini(&p->rows);
}

static void happen(struct picture *p, const struct event *ev)
{
	struct err err = {0};
	struct effect fx;
	int ret = machine_begin(p->machine, ev, &err);

	while (!ret && (ret = machine_next(p->machine, &fx)) > 0)
		ret = engine_ksm.notice(p->engine, &fx, &p->meter);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
}

static void load(struct picture *p, const uint32_t *id, uint32_t space)
{
	happen(p, &(struct event){.op = EV_SPACE, .space = space});
	happen(p, &(struct event){.op = EV_MAP,
				  .flags = EVF_MERGEABLE,
				  .space = space,
				  .vpn = 512,
				  .count = PAGES});
	for (uint32_t i = 0; i < PAGES; i++)
		happen(p, &(struct event){.op = EV_WRITE,
					  .space = space,
					  .vpn = 512 + i,
					  .count = 1,
					  .content = id[i]});
}

static void scan(struct picture *p, unsigned scans)
{
	struct engine_progress progress = {0};

	while (progress.scans < scans) {
		ck_assert(!ns_is_never(p->engine->wake[0]));
		p->clock.now = p->engine->wake[0];
		ck_assert_int_eq(engine_ksm.work(p->engine, 0, &p->meter), 0);
		engine_ksm.progress(p->engine, &progress);
	}
	ck_assert_int_eq(engine_ksm.check(p->engine, stderr), 0);
	ck_assert_int_eq(machine_check(p->machine, stderr), 0);
	engine_ksm.report(p->engine, &p->rows);
}

/* ---- against the kernel ---- */

enum column {
	SAMPLE,
	MAX_SHARING,
	ZERO_PAGES,
	ALL_PAGES,
	SHARED,
	SHARING,
	UNSHARED,
	VOLATILE,
	CHAINS,
	DUPS,
	ZEROS,
	COLUMNS
};
static const char *const names[COLUMNS] = {
	"sample",
	"max_page_sharing",
	"use_zero_pages",
	"pages",
	"pages_shared",
	"pages_sharing",
	"pages_unshared",
	"pages_volatile",
	"stable_node_chains",
	"stable_node_dups",
	"ksm_zero_pages",
};

/* Rows that were read while ksmd was at a page: that page counts as volatile
 * instead of as unshared. */
static int64_t slack(const char *const *want, enum column c)
{
	bool in_visit = (!strcmp(want[SAMPLE], "0") &&
			 !strcmp(want[MAX_SHARING], "256") &&
			 !strcmp(want[ZERO_PAGES], "1")) ||
			(!strcmp(want[SAMPLE], "24") &&
			 !strcmp(want[MAX_SHARING], "1000000") &&
			 !strcmp(want[ZERO_PAGES], "0"));

	return in_visit && (c == UNSHARED || c == VOLATILE);
}

/* @zeros: the version tells them */
static void compare(const struct picture *p, const char *const *want,
		    bool zeros)
{
	for (enum column c = SHARED; c < COLUMNS; c++) {
		int64_t got = rows_get(&p->rows, "ksm", names[c], -1);
		int64_t off = got - strtoll(want[c], NULL, 10);

		if (c == ZEROS && !zeros)
			continue;
		ck_assert_msg(off >= -slack(want, c) && off <= slack(want, c),
			      "sample %s, max_page_sharing %s, use_zero_pages "
			      "%s: %s is %" PRId64 ", not %s",
			      want[SAMPLE], want[MAX_SHARING], want[ZERO_PAGES],
			      names[c], got, want[c]);
	}
}

static void one_row(const char *version, const char *const *want)
{
	unsigned long sample = strtoul(want[SAMPLE], NULL, 10);
	struct picture p;

	ck_assert_uint_eq(sample % STEP, 0);
	ck_assert_uint_lt(sample / STEP, INSTANTS);
	ck_assert_uint_eq(strtoul(want[ALL_PAGES], NULL, 10), GUESTS * PAGES);
	picture_open(&p, version, want[MAX_SHARING], want[ZERO_PAGES]);
	for (uint32_t g = 0; g < GUESTS; g++)
		load(&p, held[sample / STEP][g], g);
	scan(&p, SCANS);
	compare(&p, want, strcmp(version, "6.1"));
	picture_close(&p);
}

/* The columns of the next line of *@p. */
static void next_row(char **p, const char *column[COLUMNS])
{
	char *end = strchr(*p, '\n');

	ck_assert_ptr_nonnull(end);
	*end = '\0';
	for (unsigned i = 0; i < COLUMNS; i++) {
		column[i] = *p;
		*p += strcspn(*p, "\t");
		ck_assert(!**p == (i == COLUMNS - 1));
		*(*p)++ = '\0';
	}
}

/* 6.1 was asked about the last of them, and came to the same. */
static const char *const versions[] = {"6.18", "6.1"};

START_TEST(every_instant_settles_where_ksmd_did)
{
	const char *column[COLUMNS];
	struct err err = {0};
	unsigned rows = 0;
	char *text, *p;
	size_t n;
	int ret = os_read_all(VECTORS, 1 << 20, &text, &n, &err);

	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	for (p = text; *p == '#';)
		p = strchr(p, '\n') + 1;
	next_row(&p, column);
	for (unsigned i = 0; i < COLUMNS; i++)
		ck_assert_str_eq(column[i], names[i]);
	for (; *p; rows++) {
		next_row(&p, column);
		one_row(versions[_i], column);
	}
	ck_assert_uint_eq(rows, ROWS);
	free(text);
}
END_TEST

static Suite *recording_suite(void)
{
	Suite *s = suite_create("recording");
	TCase *t = tcase_create("instants");

	tcase_set_timeout(t, 300);
	tcase_add_unchecked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, every_instant_settles_where_ksmd_did, 0, 2);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(recording_suite());
}
