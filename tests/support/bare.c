/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/bare.h"
#include "tests/support/main.h"

struct bare *bare_new(const struct machine_config *cfg)
{
	static const struct machine_config plain = {0};
	struct bare *b = mem_zalloc(1, sizeof(*b));

	ck_assert_ptr_nonnull(b);
	ck_assert_int_eq(machine_new(&b->m, cfg ? cfg : &plain), 0);
	return b;
}

void bare_free(struct bare *b)
{
	ck_assert_int_eq(machine_check(b->m, stderr), 0);
	machine_free(b->m);
	free(b);
}

int bare_try(struct bare *b, struct event ev)
{
	int ret;

	b->n = 0;
	b->err.text[0] = '\0';
	ret = machine_begin(b->m, &ev, &b->err);
	while (!ret && (ret = machine_next(b->m, &b->fx[b->n])) > 0) {
		ck_assert_uint_lt(++b->n, BARE_EFFECTS);
		ret = 0;
	}
	return ret;
}

void bare_do(struct bare *b, struct event ev, size_t effects)
{
	int ret = bare_try(b, ev);

	ck_assert_msg(!ret, "%s: %s", event_word(ev.op), b->err.text);
	ck_assert_uint_eq(b->n, effects);
	ck_assert_int_eq(machine_check(b->m, stderr), 0);
}

struct pte *bare_pte(const struct bare *b, uint32_t space, uint64_t vpn)
{
	uint32_t i = machine_find(b->m, space, vpn);

	ck_assert_uint_ne(i, 0);
	return &b->m->pte[i];
}

bool bare_present(const struct bare *b, uint32_t space, uint64_t vpn)
{
	uint32_t i = machine_find(b->m, space, vpn);

	return i && b->m->pte[i].flags & PTE_PRESENT;
}

uint32_t bare_frame(const struct bare *b, uint32_t space, uint64_t vpn)
{
	const struct pte *p = bare_pte(b, space, vpn);

	ck_assert(p->flags & PTE_PRESENT);
	if (pte_owner(p) == OWNER_PRIVATE)
		return p->ref;
	ck_assert_int_eq(pte_owner(p), OWNER_SHARED);
	return machine_share(b->m, p->ref)->frame;
}

void bare_saw(const struct effect *fx, uint32_t space, uint64_t vpn,
	      uint32_t flags, uint32_t before, uint32_t content)
{
	ck_assert_int_eq(fx->kind, FX_PAGE);
	ck_assert_uint_eq(fx->space, space);
	ck_assert_uint_eq(fx->vpn, vpn);
	ck_assert_uint_eq(fx->flags, flags);
	ck_assert_uint_eq(fx->before, before);
	ck_assert_uint_eq(fx->content, content);
}

void bare_space(struct bare *b, uint64_t n, unsigned flags)
{
	bare_do(b, ev_space(0), 1);
	bare_do(b, ev_map(0, 0, n, flags), flags & EVF_MERGEABLE && 1);
	for (uint32_t i = 0; i < n; i++)
		bare_do(b, ev_write(0, i, i + 1), 1);
}

uint32_t bare_merge(struct bare *b, uint32_t s, uint64_t a, uint64_t c,
		    uint32_t word)
{
	uint32_t pa = machine_find(b->m, s, a), pc = machine_find(b->m, s, c);
	uint32_t share, left;
	unsigned freed, split = 0;

	ck_assert_int_eq(machine_make_merged(b->m, pa, &share, &split), 0);
	machine_share(b->m, share)->word = word;
	ck_assert_int_eq(machine_merge(b->m, pc, share, &freed, &left, &split),
			 0);
	ck_assert_uint_eq(freed, 1);
	ck_assert_uint_eq(left, 0);
	return share;
}

void bare_huge(struct bare *b)
{
	bare_do(b, ev_space(0), 1);
	bare_do(b, ev_map(0, 0, HUGE_PAGES, EVF_HUGE | EVF_MERGEABLE), 1);
	bare_do(b, ev_write(0, 0, 1), HUGE_PAGES + 1);
}

int bare_make_merged(struct bare *b, uint32_t space, uint64_t vpn,
		     uint32_t *share, unsigned *split)
{
	return machine_make_merged(b->m, machine_find(b->m, space, vpn), share,
				   split);
}

int bare_merge_zero(struct bare *b, uint32_t space, uint64_t vpn,
		    unsigned *split)
{
	unsigned freed;
	uint32_t word;

	return machine_merge_zero(b->m, machine_find(b->m, space, vpn), &freed,
				  &word, split);
}

int bare_split(struct bare *b, uint32_t space, uint64_t vpn, unsigned *split)
{
	return machine_split(b->m, machine_find(b->m, space, vpn), split);
}
