/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <check.h>
#include <string.h>

#include "models/codec.h"
#include "tests/support/tmemrig.h"

static void fill(uint8_t *page, uint32_t i)
{
	memset(page, 0, PAGE_BYTES);
	switch (i / 4) {
	case 0:
		memset(page, 0x41, PAGE_BYTES);
		page[4088 + i] = 0x80;
		break;
	case 1:
		memset(page, 7, 100 * (i - 3));
		break;
	case 2:
		memset(page, 0x60 + (int)i, PAGE_BYTES);
		break;
	default:
		page_fill(page, RULE_ID, i);
		page[0] = (uint8_t)(i & 1);
		break;
	}
}

void tmemrig_init(struct tmemrig *r)
{
	struct content_source src;
	uint8_t page[PAGE_BYTES];
	struct err err = {.text = ""};
	uint32_t id;
	int ret;

	*r = (struct tmemrig){.cfg = {.dedup = true}};
	page_store_init(&r->store, TMEMRIG_CONTENTS + 1);
	for (uint32_t i = 1; i < TMEMRIG_CONTENTS; i++) {
		fill(page, i - 1);
		ck_assert_int_eq(page_store_add(&r->store, page, &id), 1);
	}
	src = page_store_source(&r->store);
	ret = content_set_new(&r->set, &src,
			      NEED_PREFIX | NEED_WORD_RANK | NEED_LENGTH, 1,
			      &err);
	if (!ret)
		ret = codec_columns(
			r->set,
			NEED_STREAM | codec_need(&codec_lzo, codec_lzo.level),
			1, &err);
	ck_assert_msg(!ret, "%s", err_text(&err, ret));
	meter_init(&r->meter, NULL);
}

int tmemrig_start(struct tmemrig *r, enum tmem_revision revision,
		  bool as_shipped)
{
	r->cfg.revision = revision;
	for (unsigned d = 0; d < TMEM_DEFECT_COUNT; d++)
		r->cfg.shipped[d] = as_shipped;
	r->cfg.columns = (struct tmem_columns){
		.set = r->set,
		.order = revision < TMEM_R2 ? r->set->word_rank : r->set->rank,
		.length = r->set->length,
		.packed_bytes =
			codec_lengths(r->set, &codec_lzo, codec_lzo.level),
		.packed_first = r->set->stream_first,
		.packed_order = r->set->stream_rank,
	};
	meter_init(&r->meter, NULL);
	return tmem_new(&r->t, &r->cfg);
}

void tmemrig_stop(struct tmemrig *r)
{
	tmem_free(r->t);
	r->t = NULL;
}

void tmemrig_fini(struct tmemrig *r)
{
	tmemrig_stop(r);
	content_set_free(r->set);
	page_store_fini(&r->store);
}

int tmemrig_call(struct tmemrig *r, struct tmem_call *c)
{
	ck_assert_int_eq(tmem_call(r->t, c, &r->meter), 0);
	if (c->op == TMEM_GET && c->result == 1)
		r->got = c->content;
	return c->result;
}

static struct tmem_call call(enum tmem_op op, uint32_t client, uint32_t pool,
			     uint64_t object, uint32_t index)
{
	return (struct tmem_call){
		.op = (uint8_t)op,
		.client = client,
		.pool = pool,
		.oid = {object},
		.index = index,
	};
}

int tmemrig_pool(struct tmemrig *r, uint32_t client, unsigned flags)
{
	struct tmem_call c = call(TMEM_NEW_POOL, client, 0, 0, 0);

	c.flags = (uint8_t)flags;
	c.uuid[0] = 1;
	return tmemrig_call(r, &c);
}

int tmemrig_put(struct tmemrig *r, uint32_t client, uint32_t pool,
		uint64_t object, uint32_t index, uint32_t content)
{
	struct tmem_call c = call(TMEM_PUT, client, pool, object, index);

	c.content = content;
	return tmemrig_call(r, &c);
}

int tmemrig_get(struct tmemrig *r, uint32_t client, uint32_t pool,
		uint64_t object, uint32_t index)
{
	struct tmem_call c = call(TMEM_GET, client, pool, object, index);

	return tmemrig_call(r, &c);
}

int tmemrig_flush(struct tmemrig *r, uint32_t client, uint32_t pool,
		  uint64_t object, uint32_t index)
{
	struct tmem_call c = call(TMEM_FLUSH_PAGE, client, pool, object, index);

	return tmemrig_call(r, &c);
}

void tmemrig_check(const struct tmemrig *r)
{
	ck_assert_int_eq(tmem_check(r->t, stderr), 0);
}
