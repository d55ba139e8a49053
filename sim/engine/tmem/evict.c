/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * evict.c - lists by age, victims, room
 *
 *	head ─► oldest ─► … ─► youngest ─► head		rings; heads are elements
 *
 * Every ephemeral page is on the list of all and on that of its client.  Only
 * three things put a page at the young end: a new put, a get from a shared
 * pool, and a second chance.
 */
#include "sim/engine/tmem/impl.h"

#define ROOM_FRAMES 256u /* a put wants so many to be free */
#define ROOM_FAILURES 11u
#define ROOM_FAILURES_R3 10u
#define RELINQUISH_MOST 10u

void tmem_list_init(struct tmem *t, uint32_t head)
{
	for (unsigned l = 0; l < TMEM_LISTS; l++)
		tmem_page_at(t, head)->link[l] = (struct tmem_link){head, head};
}

void tmem_list_add(struct tmem *t, enum tmem_list l, uint32_t head,
		   uint32_t page)
{
	struct tmem_link *h = &tmem_page_at(t, head)->link[l];

	tmem_page_at(t, page)->link[l] = (struct tmem_link){head, h->prev};
	tmem_page_at(t, h->prev)->link[l].next = page;
	h->prev = page;
}

void tmem_list_del(struct tmem *t, enum tmem_list l, uint32_t page)
{
	struct tmem_link *x = &tmem_page_at(t, page)->link[l];

	tmem_page_at(t, x->next)->link[l].prev = x->prev;
	tmem_page_at(t, x->prev)->link[l].next = x->next;
	*x = (struct tmem_link){page, page};
}

static struct tmem_client *owner_of(const struct tmem *t, uint32_t page)
{
	uint32_t object = tmem_page_at(t, page)->object;
	uint32_t pool = tmem_object_at(t, object)->pool;

	return tmem_client_at(t, tmem_pool_at(t, pool)->owner);
}

static void to_young_end(struct tmem *t, uint32_t page)
{
	tmem_list_add(t, TMEM_ALL, t->head, page);
	tmem_list_add(t, TMEM_OWN, owner_of(t, page)->head, page);
}

static void off_lists(struct tmem *t, uint32_t page)
{
	tmem_list_del(t, TMEM_ALL, page);
	tmem_list_del(t, TMEM_OWN, page);
}

void tmem_list_enter(struct tmem *t, uint32_t page, struct meter *m)
{
	hold(t, TMEM_LOCK_LISTS, 0, true);
	meter_add(m, OP_LIST, 1);
	to_young_end(t, page);
	tmem_page_at(t, page)->flags |= TMEM_LISTED;
	most_add(&t->stats.eph, 1);
	most_add(&owner_of(t, page)->eph, 1);
	drop(t, TMEM_LOCK_LISTS, 0);
}

/* Nobody else may look at the lists. */
static void leave(struct tmem *t, uint32_t page, struct meter *m)
{
	meter_add(m, OP_LIST, 1);
	off_lists(t, page);
	tmem_page_at(t, page)->flags &= (uint8_t)~TMEM_LISTED;
	most_sub(&t->stats.eph, 1);
	most_sub(&owner_of(t, page)->eph, 1);
}

void tmem_list_leave(struct tmem *t, uint32_t page, struct meter *m)
{
	hold(t, TMEM_LOCK_LISTS, 0, true);
	leave(t, page, m);
	drop(t, TMEM_LOCK_LISTS, 0);
}

void tmem_list_rotate(struct tmem *t, uint32_t page, struct meter *m)
{
	meter_add(m, OP_LIST, 2);
	off_lists(t, page);
	to_young_end(t, page);
}

/* ---- victims ---- */

bool tmem_over_quota(const struct tmem *t, uint32_t client)
{
	const struct tmem_client *c = tmem_client_at(t, client);
	uint64_t holds, share;

	if (!t->weights || !c->weight || !c->eph.now)
		return false;
	holds = t->stats.eph.now * 100 / c->eph.now;
	share = t->weights * 100 / c->weight;
	return t->bad[TMEM_BAD_QUOTA] ? holds > share : holds < share;
}

/* Does the page share its content, with its second chance still to come? */
static bool has_chance(const struct tmem *t, const struct tmem_page *pg)
{
	return pg->flags & TMEM_IN_PCD && !(pg->flags & TMEM_TRIED) &&
	       tmem_pcd_at(t, pg->data)->refs > 1;
}

/* Can its locks be had, does it give anything? */
static bool may_go(const struct tmem *t, const struct tmem_page *pg)
{
	if (pg->flags & TMEM_IN_PCD)
		return !t->dead[pg->shard];
	return !t->dedup || !t->bad[TMEM_BAD_STUCK];
}

/* The lists are locked; they are not when it returns. */
static void evict_page(struct tmem *t, uint32_t page, struct meter *m)
{
	uint32_t object = tmem_page_at(t, page)->object;

	hold(t, TMEM_LOCK_OBJECT, object, true);
	leave(t, page, m);
	if (t->cfg.revision >= TMEM_R3)
		drop(t, TMEM_LOCK_LISTS, 0);
	t->stats.freeing_evictions += tmem_page_drop_data(t, page, true, m);
	tmem_page_remove(t, page, m);
	tmem_object_done(t, object, m);
	if (t->cfg.revision < TMEM_R3)
		drop(t, TMEM_LOCK_LISTS, 0);
}

static int walk(struct tmem *t, uint32_t head, enum tmem_list l,
		struct meter *m)
{
	uint32_t p = tmem_page_at(t, head)->link[l].next, next;

	for (; p != head; p = next) {
		struct tmem_page *pg = tmem_page_at(t, p);

		/* Before the page is moved: a page that is last ends the walk,
		 * even when it is moved. */
		next = pg->link[l].next;
		meter_add(m, OP_LIST, 1);
		if (!may_go(t, pg))
			continue;
		if (has_chance(t, pg)) {
			pg->flags |= TMEM_TRIED;
			tmem_list_rotate(t, p, m);
			if (t->bad[TMEM_BAD_WALK])
				return 0;
			continue;
		}
		evict_page(t, p, m);
		t->stats.evicted++;
		return 1;
	}
	return 0;
}

int tmem_evict(struct tmem *t, uint32_t client, struct meter *m)
{
	enum tmem_list l = TMEM_ALL;
	uint32_t head = t->head;
	int got;

	t->stats.evict_calls++;
	hold(t, TMEM_LOCK_LISTS, 0, true);
	if (client && tmem_over_quota(t, client)) {
		uint32_t own = tmem_client_at(t, client)->head;

		if (tmem_page_at(t, own)->link[TMEM_OWN].next != own) {
			head = own;
			l = TMEM_OWN;
		}
	}
	got = walk(t, head, l, m);
	if (!got)
		drop(t, TMEM_LOCK_LISTS, 0);
	return got;
}

/* ---- room ---- */

/* Frames that a put could have, as far as R1 looks. */
static bool is_short(const struct tmem *t)
{
	const struct tmem_frames *f = &t->frames;
	uint64_t host = f->host_free;

	if (host == UINT64_MAX)
		return false;
	host = host > f->reserve ? host - f->reserve : 0;
	return f->listed + host < ROOM_FRAMES;
}

int tmem_make_room(struct tmem *t, uint32_t client, struct meter *m)
{
	unsigned most =
		t->cfg.revision >= TMEM_R3 ? ROOM_FAILURES_R3 : ROOM_FAILURES;
	unsigned failed = 0;

	while (is_short(t)) {
		if (tmem_evict(t, client, m))
			continue;
		if (++failed == most)
			return t->cfg.revision >= TMEM_R3 ? TMEM_ENOMEM : 0;
	}
	return 0;
}

bool tmem_relinquish(struct tmem *t, struct meter *m)
{
	uint64_t evicted = 0;

	t->stats.relinquish_calls++;
	while (!t->frames.listed) {
		if (evicted == RELINQUISH_MOST || !tmem_evict(t, 0, m))
			break;
		evicted++;
	}
	if (evicted > t->stats.relinquish_most)
		t->stats.relinquish_most = evicted;
	if (!t->frames.listed)
		return false;
	t->frames.listed--; /* the host uses it at once: it is not free */
	t->frames.away++;
	t->stats.relinquished++;
	meter_add(m, OP_FRAME_LIST, 1);
	return true;
}

uint64_t tmem_flush(struct tmem *t, uint64_t kib, struct meter *m)
{
	uint64_t want = kib / 4 + (kib % 4 > 0), given;
	struct tmem_frames *f = &t->frames;

	while (f->listed < want)
		if (!tmem_evict(t, 0, m))
			break;
	given = f->listed;
	meter_add(m, OP_FRAME_LIST, given);
	while (f->listed)
		f->back[f->returned++] = f->list[--f->listed];
	if (f->host_free != UINT64_MAX)
		f->host_free += given;
	return given * 4;
}
