/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/text.h"

/* ---- numbers ---- */

static int digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* take_digits - move *@s past digits of @base; false: none, or too many */
static bool take_digits(const char **s, unsigned base, uint64_t *out)
{
	const char *p = *s;
	uint64_t v = 0;

	for (; (unsigned)digit_of(*p) < base; p++) {
		unsigned d = (unsigned)digit_of(*p);

		if (v > (UINT64_MAX - d) / base)
			return false;
		v = v * base + d;
	}
	if (p == *s)
		return false;
	*s = p;
	*out = v;
	return true;
}

bool text_u64(const char *s, uint64_t *out)
{
	unsigned base = 10;
	uint64_t v;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	if (!take_digits(&s, base, &v) || *s)
		return false;
	*out = v;
	return true;
}

struct unit {
	const char *name;
	uint64_t scale;
};

static const struct unit size_units[] = {
	{"", 1},
	{"KiB", UINT64_C(1) << 10},
	{"MiB", UINT64_C(1) << 20},
	{"GiB", UINT64_C(1) << 30},
	{"TiB", UINT64_C(1) << 40},
	{NULL, 0},
};
static const struct unit time_units[] = {
	{"ns", 1},
	{"us", UINT64_C(1000)},
	{"ms", UINT64_C(1000000)},
	{"s", UINT64_C(1000000000)},
	{NULL, 0},
};

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

/*
 * part_of - @frac/@den of @scale, when that is a whole number
 *
 * Both sides are reduced first: then @den must divide @frac, and as frac < den
 * the product is below @scale, so nothing overflows.
 */
static bool part_of(uint64_t frac, uint64_t den, uint64_t scale, uint64_t *out)
{
	uint64_t g = gcd(den, scale);

	if (frac % (den / g))
		return false;
	*out = frac / (den / g) * (scale / g);
	return true;
}

/* take_fraction - the digits behind a decimal point, as @frac / @den */
static bool take_fraction(const char **s, uint64_t *frac, uint64_t *den)
{
	const char *p = *s, *end = p + strspn(p, "0123456789");
	const char *last = end;

	while (last > p && last[-1] == '0')
		last--;
	/* 10^18 is the largest power of ten with room for another digit */
	if (end == p || last - p > 18)
		return false;
	for (*frac = 0, *den = 1; p < last; p++) {
		*frac = *frac * 10 + (uint64_t)(*p - '0');
		*den *= 10;
	}
	*s = end;
	return true;
}

static bool with_unit(const char *s, const struct unit *u, uint64_t *out)
{
	uint64_t whole, frac = 0, den = 1, part;

	if (!take_digits(&s, 10, &whole))
		return false;
	if (*s == '.') {
		s++;
		if (!take_fraction(&s, &frac, &den))
			return false;
	}
	while (u->name && strcmp(u->name, s))
		u++;
	if (!u->name || !part_of(frac, den, u->scale, &part))
		return false;
	if (whole > (UINT64_MAX - part) / u->scale)
		return false;
	*out = whole * u->scale + part;
	return true;
}

bool text_size(const char *s, uint64_t *out)
{
	return text_u64(s, out) || with_unit(s, size_units, out);
}

bool text_time(const char *s, uint64_t *out)
{
	uint64_t v;

	if (text_u64(s, &v) && !v) {
		*out = 0;
		return true;
	}
	return with_unit(s, time_units, out);
}

/* ---- lines and words ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

int text_words(char *line, char **words, int max)
{
	int n = 0;

	for (;;) {
		while (is_blank(*line))
			line++;
		if (!*line || *line == '#')
			return n;
		if (n == max)
			return max + 1;
		words[n++] = line;
		while (*line && !is_blank(*line))
			line++;
		if (*line)
			*line++ = 0;
	}
}

char *text_line(char **p, char *end)
{
	char *line = *p, *nl;

	if (line >= end)
		return NULL;
	nl = memchr(line, '\n', (size_t)(end - line));
	*p = nl ? nl + 1 : end;
	if (!nl) {
		*end = 0;
		return line;
	}
	*nl = 0;
	if (nl > line && nl[-1] == '\r')
		nl[-1] = 0;
	return line;
}

/* ---- near names ---- */

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

static bool same_letter(char a, char b)
{
	return (a == '-' ? '_' : a) == (b == '-' ? '_' : b);
}

static bool begins(const char *s, const char *with)
{
	while (*with && same_letter(*s, *with)) {
		s++;
		with++;
	}
	return !*with;
}

unsigned text_distance(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	unsigned row[3][TEXT_NAME_MAX + 1];
	unsigned *two = row[0], *one = row[1], *now = row[2], *t;

	if (na > TEXT_NAME_MAX || nb > TEXT_NAME_MAX)
		return strcmp(a, b) ? (unsigned)TEXT_NAME_MAX : 0;
	memset(row, 0, sizeof(row));
	for (unsigned j = 0; j <= nb; j++)
		now[j] = j;
	/* one and two: the rows of the prefixes one and two letters shorter */
	for (unsigned i = 1; i <= na; i++) {
		t = two;
		two = one;
		one = now;
		now = t;
		now[0] = i;
		for (unsigned j = 1; j <= nb; j++) {
			bool same = same_letter(a[i - 1], b[j - 1]);

			now[j] = min3(one[j] + 1, now[j - 1] + 1,
				      one[j - 1] + !same);
			if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
			    same_letter(a[i - 2], b[j - 1]) &&
			    two[j - 2] + 1 < now[j])
				now[j] = two[j - 2] + 1;
		}
	}
	return now[nb];
}

const char *text_nearest(const char *s, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t len = strlen(s);
	/* a third of the letters may differ: 0 of 1, 1 of 2, 2 of 5 … */
	unsigned limit = len > TEXT_NAME_MAX ? 0 : ((unsigned)len + 1) / 3;

	for (size_t i = 0; i < n; i++) {
		unsigned d = text_distance(s, names[i]);

		if (best ? d < limit : d <= limit) {
			best = names[i];
			limit = d;
		}
	}
	/* a beginning is near, too: "page" for "pages_to_scan" */
	for (size_t i = 0; !best && len >= 3 && i < n; i++)
		if (begins(names[i], s))
			best = names[i];
	return best;
}

/* ---- for people ---- */

/*
 * scaled - one decimal, in the largest unit of at least 1; @unit[0] is exact
 *
 * All in integers, so that the text does not depend on a floating-point unit.
 */
static const char *scaled(char *buf, size_t n, uint64_t v, unsigned step,
			  const char *const *unit, const char *sign)
{
	uint64_t scale = 1, tenths;
	unsigned i = 0;

	if (v < step) {
		snprintf(buf, n, "%s%" PRIu64 " %s", sign, v, unit[0]);
		return buf;
	}
	while (unit[i + 1] && v / scale >= step) {
		scale *= step;
		i++;
	}
	for (;;) {
		/* scale / 2 keeps the rest apart: v * 10 could overflow */
		tenths = v / scale * 10 + (v % scale * 10 + scale / 2) / scale;
		if (tenths < (uint64_t)step * 10 || !unit[i + 1])
			break;
		scale *= step;
		i++;
	}
	snprintf(buf, n, "%s%" PRIu64 ".%" PRIu64 " %s", sign, tenths / 10,
		 tenths % 10, unit[i]);
	return buf;
}

static const char *const byte_names[] = {"B",	"KiB", "MiB", "GiB",
					 "TiB", "PiB", NULL};

const char *text_bytes(char *buf, size_t n, uint64_t bytes)
{
	return scaled(buf, n, bytes, 1024, byte_names, "");
}

const char *text_signed_bytes(char *buf, size_t n, int64_t bytes)
{
	uint64_t v = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;

	return scaled(buf, n, v, 1024, byte_names, bytes < 0 ? "-" : "");
}

const char *text_ns(char *buf, size_t n, uint64_t ns)
{
	static const char *const names[] = {"ns", "us", "ms", "s", NULL};

	return scaled(buf, n, ns, 1000, names, "");
}

const char *text_count(char *buf, size_t n, uint64_t v)
{
	char digits[24], spaced[32], *p = spaced;
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, v);

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*p++ = ' ';
		*p++ = digits[i];
	}
	*p = 0;
	snprintf(buf, n, "%s", spaced);
	return buf;
}
