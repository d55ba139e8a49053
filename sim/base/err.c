/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "sim/base/err.h"

static void tame(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < ' ' || *s == 127)
			*s = '?';
}

int err_why(FILE *why, const char *part, const char *fmt, ...)
{
	va_list ap;

	if (why) {
		va_start(ap, fmt);
		fprintf(why, "%s: ", part);
		vfprintf(why, fmt, ap);
		fputc('\n', why);
		va_end(ap);
	}
	return -EINVAL;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (e && !e->text[0]) {
		va_start(ap, fmt);
		vsnprintf(e->text, sizeof(e->text), fmt, ap);
		va_end(ap);
		tame(e->text);
	}
	return -code;
}

int err_usage(struct err *e, int ret)
{
	if (e && ret == -EINVAL)
		e->usage = true;
	return ret;
}

int err_prefix(struct err *e, int ret, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX];
	size_t n;
	va_list ap;

	if (!e || !e->text[0])
		return ret;
	memcpy(old, e->text, sizeof(old));
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	n = strlen(e->text);
	snprintf(e->text + n, sizeof(e->text) - n, ": %s", old);
	tame(e->text);
	return ret;
}

const char *err_text(const struct err *e, int ret)
{
	return e && e->text[0] ? e->text : strerror(ret < 0 ? -ret : ret);
}
