/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "models/zero_page.h"
#include "tests/support/main.h"

#define MIB (UINT64_C(1) << 20)
#define MUCH (UINT64_C(1) << 40)

static unsigned pages(enum zero_machine m, uint32_t kernel, uint64_t ram)
{
	return 1u << zero_page_order(m, kernel, ram);
}

START_TEST(mips_has_eight_pages_exactly_where_colours_trap)
{
	ck_assert_uint_eq(pages(ZERO_MIPS_VCE, KERNEL(2, 4, 0), MIB), 8);
	ck_assert_uint_eq(pages(ZERO_MIPS_VCE, KERNEL(6, 1, 0), MUCH), 8);
	ck_assert_uint_eq(pages(ZERO_MIPS, KERNEL(6, 1, 0), MUCH), 1);
}
END_TEST

START_TEST(others_have_one_page)
{
	ck_assert_uint_eq(pages(ZERO_OTHER, KERNEL(2, 6, 37), MIB), 1);
	ck_assert_uint_eq(pages(ZERO_OTHER, KERNEL(6, 18, 0), MUCH), 1);
}
END_TEST

START_TEST(s390_asked_for_its_machine_until_4_3)
{
	static const struct {
		uint32_t kernel;
		unsigned z9, z10, zec12, z13;
	} row[] = {
		{KERNEL(2, 6, 36), 1, 1, 1, 1},
		{KERNEL(2, 6, 37), 1, 4, 4, 4},
		{KERNEL(3, 9, 255), 1, 4, 4, 4},
		{KERNEL(3, 10, 0), 1, 4, 32, 32},
		{KERNEL(3, 19, 0), 1, 4, 32, 32},
		{KERNEL(4, 0, 0), 1, 4, 32, 128},
		{KERNEL(4, 3, 6), 1, 4, 32, 128},
		{KERNEL(4, 4, 0), 128, 128, 128, 128},
		{KERNEL(6, 1, 0), 128, 128, 128, 128},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		uint32_t k = row[i].kernel;

		ck_assert_uint_eq(pages(ZERO_S390_Z9, k, MUCH), row[i].z9);
		ck_assert_uint_eq(pages(ZERO_S390_Z10, k, MUCH), row[i].z10);
		ck_assert_uint_eq(pages(ZERO_S390_ZEC12, k, MUCH),
				  row[i].zec12);
		ck_assert_uint_eq(pages(ZERO_S390_Z13, k, MUCH), row[i].z13);
	}
}
END_TEST

START_TEST(small_machines_get_fewer)
{
	static const struct {
		uint64_t ram;
		unsigned pages;
	} row[] = {
		{512 * MIB, 128}, {512 * MIB - 4096, 64}, {511 * MIB, 64},
		{256 * MIB, 64},  {255 * MIB, 32},	  {128 * MIB, 32},
		{127 * MIB, 16},  {64 * MIB, 16},	  {63 * MIB, 8},
		{32 * MIB, 8},	  {31 * MIB, 4},	  {1 * MIB, 4},
		{0, 4},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		ck_assert_uint_eq(
			pages(ZERO_S390_Z13, KERNEL(6, 1, 0), row[i].ram),
			row[i].pages);
	/* the rule of 2013 knew one step only */
	ck_assert_uint_eq(pages(ZERO_S390_ZEC12, KERNEL(3, 10, 0), 64 * MIB),
			  4);
	ck_assert_uint_eq(pages(ZERO_S390_ZEC12, KERNEL(3, 10, 0), 65 * MIB),
			  32);
	ck_assert_uint_eq(pages(ZERO_S390_Z10, KERNEL(3, 10, 0), MIB), 4);
}
END_TEST

START_TEST(the_page_is_chosen_by_the_address)
{
	ck_assert_uint_eq(zero_page_of(0x12345678, 4096, 0), 0);
	ck_assert_uint_eq(zero_page_of(0x12345678, 4096, 3), 5);
	ck_assert_uint_eq(zero_page_of(0x12345678, 4096, 7), 0x45);
	ck_assert_uint_eq(zero_page_of(0x12345678, 16384, 3), 1);
	ck_assert_uint_eq(zero_page_of(UINT64_MAX, 4096, 7), 127);
}
END_TEST

static Suite *zero_page_suite(void)
{
	Suite *s = suite_create("zero_page");
	TCase *t = tcase_create("order");

	tcase_add_test(t, mips_has_eight_pages_exactly_where_colours_trap);
	tcase_add_test(t, others_have_one_page);
	tcase_add_test(t, s390_asked_for_its_machine_until_4_3);
	tcase_add_test(t, small_machines_get_fewer);
	tcase_add_test(t, the_page_is_chosen_by_the_address);
	suite_add_tcase(s, t);
	return s;
}

int main(void)
{
	return check_main(zero_page_suite());
}
