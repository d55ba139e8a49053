/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/main.h"
#include "tests/support/shortkeys.h"

static const uint8_t *key_bytes(void *self, uint32_t id, uint8_t *buf)
{
	const struct shortkeys *k = self;

	memset(buf, 0, PAGE_BYTES);
	buf[0] = (uint8_t)(id << 8 >> k->bits);
	buf[1] = k->bits > 8 ? (uint8_t)id : 0;
	return buf;
}

void shortkeys_init(struct shortkeys *k, uint32_t bits)
{
	struct content_source src = {
		.self = k,
		.count = 1u << bits,
		.bytes = key_bytes,
	};

	*k = (struct shortkeys){.bits = bits};
	ck_assert_int_eq(content_set_new(&k->set, &src,
					 NEED_PREFIX | NEED_BYTES, 1, NULL),
			 0);
	for (uint32_t id = 0; id < k->set->count; id++)
		ck_assert_uint_eq(k->set->rank[id], id);
}

void shortkeys_fini(struct shortkeys *k)
{
	content_set_free(k->set);
}
