/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * touch.c - loads and stores at addresses that do not depend on the tool which
 * watches: linked statically, without a C library, at a fixed address
 */
typedef unsigned long word;

#define KIB 1024ul
#define MIB (KIB * 1024)
#define LINE 64ul

void touch(void);

static _Alignas(4096) volatile word area[4 * MIB / sizeof(word)];

static void load(word at)
{
	(void)area[at / sizeof(word)];
}

static void scan(word rounds, word bytes, word step)
{
	while (rounds--)
		for (word at = 0; at < bytes; at += step)
			load(at);
}

/* Numbers from a full-period congruential generator; the high bits are used. */
static void at_random(word count)
{
	word x = 1, at;

	while (count--) {
		x = x * 6364136223846793005ul + 1442695040888963407ul;
		at = x >> 42; /* below 4 MiB */
		if (x >> 63)
			area[at / sizeof(word)] = x;
		else if (x >> 62 & 1)
			area[at / sizeof(word)] += x;
		else
			load(at);
	}
}

/* Words across line borders. */
static void across(word count)
{
	const volatile char *bytes = (const volatile char *)area;

	for (word i = 1; i <= count; i++) {
		const volatile word *p =
			(const volatile word *)(bytes + i * 23 * LINE - 3);

		(void)*p;
	}
}

void touch(void)
{
	scan(2, 4 * MIB, LINE);
	scan(100, 9 * 4 * KIB, 4 * KIB);
	scan(100, 8 * 4 * KIB, 4 * KIB);
	scan(4, 40 * KIB, 8);
	at_random(50000);
	across(2500);
}
