/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * main.h - every tests/check_*.c and prop_*.c is one program with one suite
 *
 *	int main(void)
 *	{
 *		return check_main(evq_suite());
 *	}
 *
 * SEED=n in the environment replays a property test.
 */
#ifndef DEDUPSIM_TESTS_SUPPORT_MAIN_H
#define DEDUPSIM_TESTS_SUPPORT_MAIN_H

#include <check.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static inline int check_main(Suite *s)
{
	SRunner *r = srunner_create(s);
	int failed;

	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* test_seed - SEED from the environment, else @otherwise; printed to replay */
static inline uint64_t test_seed(uint64_t otherwise)
{
	const char *s = getenv("SEED");
	uint64_t seed = s ? strtoull(s, NULL, 0) : otherwise;

	printf("SEED=%" PRIu64 "\n", seed);
	return seed;
}

#endif
