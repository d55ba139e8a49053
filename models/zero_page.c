/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "models/zero_page.h"

#define MIB (UINT64_C(1) << 20)

/* limited - small machines get fewer: 2^order units of 4 MiB must be there */
static unsigned limited(unsigned order, uint64_t ram_bytes)
{
	while (order > 2 && ram_bytes / (4 * MIB) < UINT64_C(1) << order)
		order--;
	return order;
}

/*
 * s390 knew its machines from 2.6.37 to 4.3; one that it did not know yet was
 * taken for the newest.  Later a machine's type can be a hypervisor's fiction,
 * so all get what z13 needs.
 */
static unsigned s390_order(enum zero_machine m, uint32_t kernel, uint64_t ram)
{
	if (kernel >= KERNEL(4, 4, 0))
		return limited(7, ram);
	if (kernel < KERNEL(2, 6, 37) || m == ZERO_S390_Z9)
		return 0;
	if (kernel < KERNEL(3, 10, 0) || m == ZERO_S390_Z10)
		return 2;
	if (kernel < KERNEL(4, 0, 0))
		return ram <= 64 * MIB ? 2 : 5;
	return limited(m == ZERO_S390_ZEC12 ? 5 : 7, ram);
}

unsigned zero_page_order(enum zero_machine machine, uint32_t kernel,
			 uint64_t ram_bytes)
{
	switch (machine) {
	case ZERO_MIPS_VCE:
		return 3;
	case ZERO_S390_Z9:
	case ZERO_S390_Z10:
	case ZERO_S390_ZEC12:
	case ZERO_S390_Z13:
		return s390_order(machine, kernel, ram_bytes);
	case ZERO_MIPS:
	case ZERO_OTHER:
		break;
	}
	return 0;
}
