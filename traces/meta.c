/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/bits.h"
#include "traces/meta.h"

/* Bytes of the character at @s, 0 when it is broken or a control character. */
static size_t utf8_char(const unsigned char *s, size_t n)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t c = s[0];
	size_t len = c < 0x80	? 1
		     : c < 0xc2 ? 0
		     : c < 0xe0 ? 2
		     : c < 0xf0 ? 3
		     : c < 0xf5 ? 4
				: 0;

	if (!len || len > n)
		return 0;
	if (len == 1)
		return c >= ' ' && c != 0x7f;
	c &= 0x7fu >> len;
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ||
	    c < 0xa0)
		return 0;
	return len;
}

static bool is_plain(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t len;

	for (size_t i = 0; i < n; i += len) {
		len = utf8_char(p + i, n - i);
		if (!len)
			return false;
	}
	return true;
}

static char *copy(const char *s, size_t n)
{
	char *p = malloc(n + 1);

	if (p) {
		memcpy(p, s, n);
		p[n] = 0;
	}
	return p;
}

static int meta_check(const struct trace_header *h, const char *key,
		      size_t nkey, const char *value, size_t nvalue,
		      struct err *err)
{
	/* '#' would begin a comment in the text form */
	if (!nkey || !is_plain(key, nkey) || memchr(key, ' ', nkey) ||
	    *key == '#')
		return err_set(err, EINVAL,
			       "a key must be one word of UTF-8 "
			       "that does not start with #");
	if (!is_plain(value, nvalue))
		return err_set(err, EINVAL,
			       "the value of %.*s is not UTF-8 without "
			       "control characters",
			       nkey < 64 ? (int)nkey : 64, key);
	if (h->nmeta == META_PAIRS_MAX || nkey + nvalue > META_BYTES_MAX ||
	    meta_bytes(h) + 8 + nkey + nvalue > META_BYTES_MAX)
		return err_set(err, EINVAL,
			       "more provenance than %u pairs or %u bytes",
			       META_PAIRS_MAX, META_BYTES_MAX);
	return 0;
}

int meta_add(struct trace_header *h, const char *key, size_t nkey,
	     const char *value, size_t nvalue, struct err *err)
{
	struct trace_meta *m, pair;
	int ret = meta_check(h, key, nkey, value, nvalue, err);

	if (ret)
		return ret;
	pair.key = copy(key, nkey);
	pair.value = copy(value, nvalue);
	m = realloc(h->meta, (h->nmeta + 1) * sizeof(*m));
	if (m)
		h->meta = m;
	if (!m || !pair.key || !pair.value) {
		free(pair.key);
		free(pair.value);
		return -ENOMEM;
	}
	m[h->nmeta++] = pair;
	return 0;
}

void meta_free(struct trace_header *h)
{
	for (size_t i = 0; i < h->nmeta; i++) {
		free(h->meta[i].key);
		free(h->meta[i].value);
	}
	free(h->meta);
	h->meta = NULL;
	h->nmeta = 0;
}

size_t meta_bytes(const struct trace_header *h)
{
	size_t n = 0;

	for (size_t i = 0; i < h->nmeta; i++)
		n += 8 + strlen(h->meta[i].key) + strlen(h->meta[i].value);
	return n;
}

void meta_put(const struct trace_header *h, uint8_t *p)
{
	for (size_t i = 0; i < h->nmeta; i++) {
		size_t nkey = strlen(h->meta[i].key);
		size_t nvalue = strlen(h->meta[i].value);

		store_le32(p, (uint32_t)nkey);
		store_le32(p + 4, (uint32_t)nvalue);
		memcpy(p + 8, h->meta[i].key, nkey);
		memcpy(p + 8 + nkey, h->meta[i].value, nvalue);
		p += 8 + nkey + nvalue;
	}
}

int meta_get(struct trace_header *h, const uint8_t *p, size_t n, uint64_t items,
	     struct err *err)
{
	size_t nkey, nvalue;
	int ret;

	for (; items && n >= 8; items--) {
		nkey = load_le32(p);
		nvalue = load_le32(p + 4);
		p += 8;
		n -= 8;
		if (nkey > n || nvalue > n - nkey)
			break;
		ret = meta_add(h, (const char *)p, nkey, (const char *)p + nkey,
			       nvalue, err);
		if (ret)
			return ret;
		p += nkey + nvalue;
		n -= nkey + nvalue;
	}
	if (items || n)
		return err_set(err, EINVAL,
			       "the provenance does not fill its section");
	return 0;
}
