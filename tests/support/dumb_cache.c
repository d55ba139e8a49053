/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/dumb_cache.h"

static uint64_t per_of(const struct dumb *d, unsigned n)
{
	const struct cache_conf *f = &d->conf;
	const uint64_t per[] = {1, f->cpus_per_chip,
				f->cpus_per_chip * f->chips_per_book, f->cpus};

	return per[f->level[n].scope];
}

static uint64_t set_of(const struct dumb *d, unsigned n, uint64_t va,
		       uint64_t pa)
{
	const struct cache_level_conf *l = &d->conf.level[n];
	uint64_t sets = l->bytes / l->ways / l->line_bytes;
	uint64_t at =
		l->index == CACHE_VIRTUAL
			? va - va % d->conf.page_bytes + pa % d->conf.page_bytes
			: pa;

	return at / l->line_bytes % sets;
}

static uint64_t line_of(const struct dumb *d, unsigned n, uint64_t pa)
{
	return pa - pa % d->conf.level[n].line_bytes;
}

static struct entry *entry_of(struct dumb *d, unsigned n, uint64_t cpu,
			      uint64_t pa)
{
	struct list *l = &d->level[n];

	for (unsigned i = 0; i < l->n; i++)
		if (l->e[i].instance == cpu / per_of(d, n) &&
		    l->e[i].pa == line_of(d, n, pa))
			return &l->e[i];
	return NULL;
}

static void hand_down(struct dumb *d, unsigned n, uint64_t cpu, uint64_t pa)
{
	for (n++; n < d->levels; n++) {
		struct entry *e = entry_of(d, n, cpu, pa);

		if (e && d->conf.level[n].write == CACHE_BACK) {
			e->dirty = true;
			return;
		}
	}
}

/* drop_range - lines of level @n in [lo, hi) of CPUs that share @of's instance
 * of level @share; was one dirty? */
static bool drop_range(struct dumb *d, unsigned n, uint64_t of, unsigned share,
		       uint64_t lo, uint64_t hi, uint64_t *count)
{
	struct list *l = &d->level[n];
	bool dirty = false;

	for (unsigned i = 0; i < l->n;) {
		struct entry *e = &l->e[i];
		uint64_t cpu = e->instance * per_of(d, n);

		if (cpu / per_of(d, share) != of / per_of(d, share) ||
		    e->pa < lo || e->pa >= hi) {
			i++;
			continue;
		}
		d->n.writebacks += e->dirty;
		dirty |= e->dirty;
		++*count;
		*e = l->e[--l->n];
	}
	return dirty;
}

static void drop_entry(struct dumb *d, unsigned n, struct entry *e)
{
	struct entry gone = *e;

	*e = d->level[n].e[--d->level[n].n];
	if (!gone.dirty)
		return;
	d->n.writebacks++;
	hand_down(d, n, gone.instance * per_of(d, n), gone.pa);
}

static void evict(struct dumb *d, unsigned n, struct entry *e)
{
	uint64_t hi = e->pa + d->conf.level[n].line_bytes;
	uint64_t cpu = e->instance * per_of(d, n);

	for (unsigned m = 0; n && d->conf.level[n].inclusive && m < n; m++)
		e->dirty |=
			drop_range(d, m, cpu, n, e->pa, hi, &d->n.back_invals);
	drop_entry(d, n, e);
}

static void insert(struct dumb *d, unsigned n, uint64_t cpu, uint64_t va,
		   uint64_t pa)
{
	struct list *l = &d->level[n];
	struct entry *old = NULL, *e;
	uint64_t used = 0, set = set_of(d, n, va, pa);

	for (e = l->e; e < l->e + l->n; e++) {
		if (e->instance != cpu / per_of(d, n) ||
		    set_of(d, n, e->va, e->pa) != set)
			continue;
		used++;
		if (!old || e->stamp < old->stamp)
			old = e;
	}
	if (used == d->conf.level[n].ways)
		evict(d, n, old);
	l->e[l->n++] = (struct entry){
		.pa = line_of(d, n, pa),
		.va = va,
		.instance = (uint32_t)(cpu / per_of(d, n)),
		.stamp = ++d->now,
	};
}

static void use(struct dumb *d, unsigned n, struct entry *e)
{
	if (d->conf.level[n].replacement == CACHE_LRU)
		e->stamp = ++d->now;
}

static uint64_t colour(const struct dumb *d, uint64_t va, uint64_t mask)
{
	return va / d->conf.page_bytes & mask;
}

static struct entry *l1_entry(struct dumb *d, uint64_t cpu, uint64_t va,
			      uint64_t pa)
{
	struct list *l = &d->level[0];
	uint64_t check = d->conf.vcolour_check;

	for (struct entry *e = l->e; e < l->e + l->n; e++)
		if (e->instance == cpu / per_of(d, 0) &&
		    e->pa == line_of(d, 0, pa) &&
		    set_of(d, 0, e->va, e->pa) == set_of(d, 0, va, pa) &&
		    colour(d, e->va, check) == colour(d, va, check))
			return e;
	return NULL;
}

/* What the policy does before anything below L1 is asked; returns its cost. */
static uint64_t synonym(struct dumb *d, uint64_t cpu, uint64_t va, uint64_t pa,
			unsigned *first)
{
	struct entry *e = NULL;
	uint64_t count = 0, lo = line_of(d, 1, pa);
	uint64_t mask = d->conf.dir_colours - 1;
	struct list *l1 = &d->level[0];
	bool found = false;

	switch ((enum cache_policy)d->conf.policy) {
	case CACHE_NONE:
		return 0;
	case CACHE_DUP:
		for (e = l1->e; e < l1->e + l1->n; e++) {
			if (e->instance != cpu / per_of(d, 0) ||
			    e->pa != line_of(d, 0, pa))
				continue;
			found = true;
			if (!e->dirty)
				continue;
			e->dirty = false;
			d->n.dup_writes++;
			d->n.writebacks++;
			hand_down(d, 0, cpu, pa);
		}
		d->n.dup += found;
		return 0;
	case CACHE_MOVE:
		e = entry_of(d, 0, cpu, pa);
		if (!e)
			return 0;
		drop_entry(d, 0, e);
		d->n.syn++;
		*first = (unsigned)d->conf.syn_source - 1;
		return d->conf.syn_extra;
	case CACHE_PIDX_HW:
	case CACHE_TRAP:
	case CACHE_TRAP_HSV:
		e = entry_of(d, 1, cpu, pa);
		if (!e || colour(d, e->va, mask) == colour(d, va, mask))
			return 0;
		if (drop_range(d, 0, cpu, 1, lo,
			       lo + d->conf.level[1].line_bytes, &count))
			hand_down(d, 0, cpu, pa);
		break;
	}
	e->va = va;
	if (d->conf.policy == CACHE_PIDX_HW) {
		d->n.syn++;
		return d->conf.syn_extra;
	}
	d->n.vce++;
	if (d->conf.policy == CACHE_TRAP)
		drop_entry(d, 1, e);
	return d->conf.trap_cost;
}

static uint64_t dumb_miss(struct dumb *d, uint64_t cpu, uint64_t va,
			  uint64_t pa)
{
	unsigned first = 1, n;
	uint64_t cost = synonym(d, cpu, va, pa, &first);

	d->n.misses[0]++;
	for (n = 1; n < d->levels; n++) {
		struct entry *e = entry_of(d, n, cpu, pa);

		if (e)
			use(d, n, e);
		if (e && n >= first)
			break;
		d->n.misses[n]++;
	}
	if (n < d->levels) {
		d->n.hits[n]++;
		cost += d->conf.level[n].latency;
	} else {
		d->n.memory++;
		cost += d->conf.memory_latency;
	}
	while (--n)
		if (!entry_of(d, n, cpu, pa))
			insert(d, n, cpu, va, pa);
	insert(d, 0, cpu, va, pa);
	return cost;
}

static void dumb_store(struct dumb *d, uint64_t cpu, uint64_t va, uint64_t pa)
{
	struct list *l1 = &d->level[0];

	for (unsigned i = 0; i < l1->n && d->conf.policy == CACHE_DUP;) {
		struct entry *e = &l1->e[i++];

		if (e->instance != cpu / per_of(d, 0) ||
		    e->pa != line_of(d, 0, pa) ||
		    set_of(d, 0, e->va, pa) == set_of(d, 0, va, pa))
			continue;
		drop_entry(d, 0, e);
		d->n.dup_writes++;
		i = 0;
	}
	for (unsigned n = d->levels; n--;) {
		uint64_t lo = line_of(d, n, pa);
		uint64_t hi = lo + d->conf.level[n].line_bytes;

		for (uint64_t o = 0; o < d->conf.cpus; o += per_of(d, n)) {
			bool dirty = false;

			if (o / per_of(d, n) == cpu / per_of(d, n))
				continue;
			for (unsigned m = 0; m <= n; m++)
				dirty |= drop_range(d, m, o, n, lo, hi,
						    &d->n.invals);
			if (dirty)
				hand_down(d, n, o, pa);
		}
	}
	if (d->conf.level[0].write == CACHE_BACK)
		l1_entry(d, cpu, va, pa)->dirty = true;
	else
		hand_down(d, 0, cpu, pa);
}

uint64_t dumb_access(struct dumb *d, uint64_t cpu, uint64_t va, uint64_t pa,
		     bool write)
{
	struct entry *e = l1_entry(d, cpu, va, pa);
	uint64_t cost = d->conf.level[0].latency;

	d->n.accesses++;
	if (e) {
		use(d, 0, e);
		d->n.hits[0]++;
	} else {
		cost = dumb_miss(d, cpu, va, pa);
	}
	if (write)
		dumb_store(d, cpu, va, pa);
	return cost;
}
