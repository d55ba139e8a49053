/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events of a processor that need not be here: libpfm4 is told to be a Zen 4.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/counters.h"
#include "tests/support/fail_mem.h"
#include "tests/support/main.h"

#define FORCED "amd64_fam19h_zen4"

START_TEST(libpfm4_encodes_events_of_a_forced_processor)
{
	static const struct {
		const char *name;
		uint64_t code;
	} known[] = {
		{"RETIRED_INSTRUCTIONS", 0xc0},
		{"CYCLES_NOT_IN_HALT", 0x76},
		{FORCED "::RETIRED_INSTRUCTIONS", 0xc0},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct err err = {0};
		uint32_t type = 0;
		uint64_t config = 0;

		ck_assert_msg(
			!counters_encode(known[i].name, &type, &config, &err),
			"%s: %s", known[i].name, err.text);
		ck_assert_uint_eq(type, 4); /* PERF_TYPE_RAW */
		ck_assert_uint_eq(config & 0xff, known[i].code);
	}
}
END_TEST

START_TEST(an_event_that_nobody_has_is_refused_in_words)
{
	struct err err = {0};
	uint32_t type = 77;
	uint64_t config = 78;

	ck_assert_int_eq(counters_encode("NO_SUCH_EVENT", &type, &config, &err),
			 -ENOENT);
	ck_assert_ptr_nonnull(strstr(err.text, "no such event"));
	ck_assert_uint_eq(type, 77);
	ck_assert_uint_eq(config, 78);
}
END_TEST

START_TEST(what_is_refused_has_a_reason_and_no_count)
{
	struct counters *c;
	struct err err = {0};
	volatile uint64_t sum = 0;
	char *said;
	size_t n;
	FILE *f;

	ck_assert_int_eq(
		counters_new(&c, "NO_SUCH_EVENT,RETIRED_INSTRUCTIONS", &err),
		0);
	counters_start(c);
	for (unsigned i = 0; i < 2000000; i++)
		sum = sum + i;
	counters_stop(c);
	ck_assert_uint_eq(c->n, 2);
	ck_assert_uint_gt(c->cpu_ns, 0);
	ck_assert_ptr_nonnull(strstr(c->v[0].why, "no such event"));
	/* Here or not: either a count or a reason, never both. */
	ck_assert(!c->v[1].why[0] == (c->v[1].fd >= 0));
	if (c->v[1].why[0])
		ck_assert_ptr_nonnull(strstr(c->v[1].why, "config 0x"));
	for (unsigned i = 0; i < c->n; i++)
		if (c->v[i].why[0])
			ck_assert_uint_eq(c->v[i].value, 0);

	f = open_memstream(&said, &n);
	counters_print(c, "work", f);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(said, "work: thread CPU time "));
	ck_assert_ptr_nonnull(
		strstr(said, "work: NO_SUCH_EVENT not counted: "));
	free(said);
	counters_free(c);
}
END_TEST

START_TEST(pieces_add_up)
{
	struct counters *c;
	uint64_t one;

	ck_assert_int_eq(counters_new(&c, "x", NULL), 0);
	counters_start(c);
	counters_stop(c);
	one = c->cpu_ns;
	counters_start(c);
	counters_stop(c);
	ck_assert_uint_ge(c->cpu_ns, one);
	counters_start(NULL);
	counters_stop(NULL);
	counters_free(c);
	counters_free(NULL);
}
END_TEST

START_TEST(a_list_is_checked_before_anybody_is_asked)
{
	static const char *const bad[] = {
		"", ",", "a,,b", "a,",
		"1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"};
	char longest[COUNTERS_NAME_MAX + 8];
	struct counters *c;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = {0};

		ck_assert_int_eq(counters_new(&c, bad[i], &err), -EINVAL);
		ck_assert_int_ne(err.text[0], 0);
	}
	memset(longest, 'x', sizeof(longest));
	longest[COUNTERS_NAME_MAX] = 0;
	ck_assert_int_eq(counters_new(&c, longest, NULL), -EINVAL);
}
END_TEST

static int make(void *ctx)
{
	struct counters *c;
	int ret = counters_new(&c, "x,y", NULL);

	(void)ctx;
	if (!ret)
		counters_free(c);
	return ret;
}

START_TEST(a_failed_allocation_is_told)
{
	fail_mem_walk(make, NULL);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("counters");
	TCase *t = tcase_create("all");

	setenv("LIBPFM_FORCE_PMU", FORCED, 1);
	tcase_add_test(t, libpfm4_encodes_events_of_a_forced_processor);
	tcase_add_test(t, an_event_that_nobody_has_is_refused_in_words);
	tcase_add_test(t, what_is_refused_has_a_reason_and_no_count);
	tcase_add_test(t, pieces_add_up);
	tcase_add_test(t, a_list_is_checked_before_anybody_is_asked);
	tcase_add_test(t, a_failed_allocation_is_told);
	suite_add_tcase(s, t);
	return check_main(s);
}
