/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <zstd.h>

#include "sim/base/mem.h"
#include "traces/packer.h"

/* Being filled at a time: one of pages, one of events. */
#define OPEN_PACKS 2u
#define PACKS_MAX (OPEN_PACKS + 2 * PACKER_THREADS_MAX)

struct worker {
	struct packer *p;
	ZSTD_CCtx *cctx;
	pthread_t thread;
};

struct packer {
	struct os_out *out;
	uint64_t off;
	int level, error; /* error: the first, sticks */

	struct fmt_entry *index;
	size_t nindex, index_cap;

	struct pack pack[PACKS_MAX];
	struct pack *idle[PACKS_MAX];
	unsigned npack, nidle;

	/* Put but not written, oldest first: number i at queue[i % PACKS_MAX];
	 * next is the first that no worker has taken. */
	struct pack *queue[PACKS_MAX];
	uint64_t written, next, put;

	struct worker worker[PACKER_THREADS_MAX];
	unsigned running; /* workers that have a thread */
	bool stop;
	pthread_mutex_t lock; /* of queue numbers, done and stop */
	pthread_cond_t more, done;
};

static int compress(ZSTD_CCtx *cctx, int level, struct pack *pack)
{
	size_t n = ZSTD_compressCCtx(cctx, pack->out + FMT_SECTION_BYTES,
				     FMT_STORED_MAX, pack->raw,
				     (size_t)pack->s.raw, level);

	if (ZSTD_isError(n))
		return -ENOMEM;
	pack->s.flags = 0;
	pack->s.stored = n;
	fmt_section_put(pack->out, &pack->s);
	return 0;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct packer *p = w->p;

	pthread_mutex_lock(&p->lock);
	while (!p->stop) {
		struct pack *pack;

		if (p->next == p->put) {
			pthread_cond_wait(&p->more, &p->lock);
			continue;
		}
		pack = p->queue[p->next++ % PACKS_MAX];
		pthread_mutex_unlock(&p->lock);
		pack->ret = compress(w->cctx, p->level, pack);
		pthread_mutex_lock(&p->lock);
		pack->done = true;
		pthread_cond_signal(&p->done);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static int alloc_all(struct packer *p, unsigned threads)
{
	for (unsigned i = 0; i < threads; i++) {
		p->worker[i].p = p;
		p->worker[i].cctx = ZSTD_createCCtx();
		if (!p->worker[i].cctx)
			return -ENOMEM;
	}
	p->npack = OPEN_PACKS + (threads > 1 ? 2 * threads : 1);
	for (unsigned i = 0; i < p->npack; i++) {
		struct pack *pack = &p->pack[i];

		pack->raw = malloc(FMT_RAW_MAX + FMT_SLACK);
		pack->out = malloc(FMT_SECTION_BYTES + FMT_STORED_MAX);
		if (!pack->raw || !pack->out)
			return -ENOMEM;
		p->idle[p->nidle++] = pack;
	}
	return 0;
}

int packer_new(struct packer **out, struct os_out *o, uint64_t off, int level,
	       unsigned threads)
{
	struct packer *p = calloc(1, sizeof(*p));
	int ret;

	if (!p)
		return -ENOMEM;
	p->out = o;
	p->off = off;
	p->level = level;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->more, NULL);
	pthread_cond_init(&p->done, NULL);
	threads = !threads ? 1 : threads;
	if (threads > PACKER_THREADS_MAX)
		threads = PACKER_THREADS_MAX;
	ret = alloc_all(p, threads);
	if (ret) {
		packer_free(p);
		return ret;
	}
	/* Fewer threads, or none, change the time and nothing else. */
	for (; threads > 1 && p->running < threads; p->running++)
		if (pthread_create(&p->worker[p->running].thread, NULL, work,
				   &p->worker[p->running]))
			break;
	*out = p;
	return 0;
}

void packer_free(struct packer *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->more);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->running; i++)
		pthread_join(p->worker[i].thread, NULL);
	for (unsigned i = 0; i < PACKER_THREADS_MAX; i++)
		ZSTD_freeCCtx(p->worker[i].cctx);
	for (unsigned i = 0; i < p->npack; i++) {
		free(p->pack[i].raw);
		free(p->pack[i].out);
	}
	mem_release(p->index, p->index_cap, sizeof(*p->index));
	pthread_cond_destroy(&p->done);
	pthread_cond_destroy(&p->more);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void write_one(struct packer *p, struct pack *pack)
{
	size_t n = FMT_SECTION_BYTES + (size_t)pack->s.stored;

	if (!p->error)
		p->error = pack->ret;
	if (!p->error)
		p->error = mem_reserve(&p->index, &p->index_cap, p->nindex + 1,
				       sizeof(*p->index));
	if (!p->error)
		p->error = os_out_write(p->out, pack->out, n);
	/* A recording that is killed keeps every section that was ready. */
	if (!p->error)
		p->error = os_out_flush(p->out);
	if (!p->error) {
		p->index[p->nindex++] = (struct fmt_entry){
			.offset = p->off,
			.tag = pack->s.tag,
			.flags = pack->s.flags,
			.items = pack->s.items,
		};
		p->off += n;
	}
	p->idle[p->nidle++] = pack;
}

/* Write what is ready; @wait: for at least one, when there is any. */
static void write_ready(struct packer *p, bool wait)
{
	struct pack *pack;
	bool done;

	while (p->written < p->put) {
		pack = p->queue[p->written % PACKS_MAX];
		pthread_mutex_lock(&p->lock);
		while (wait && !pack->done)
			pthread_cond_wait(&p->done, &p->lock);
		done = pack->done;
		pthread_mutex_unlock(&p->lock);
		if (!done)
			return;
		p->written++;
		write_one(p, pack);
		wait = false;
	}
}

int packer_get(struct packer *p, struct pack **out)
{
	if (!p->nidle)
		write_ready(p, true);
	if (p->error)
		return p->error;
	*out = p->idle[--p->nidle];
	(*out)->done = false;
	return 0;
}

void packer_put(struct packer *p, struct pack *pack)
{
	if (!p->running) {
		pack->ret = compress(p->worker[0].cctx, p->level, pack);
		pack->done = true;
	}
	pthread_mutex_lock(&p->lock);
	p->queue[p->put++ % PACKS_MAX] = pack;
	pthread_cond_signal(&p->more);
	pthread_mutex_unlock(&p->lock);
	write_ready(p, false);
}

int packer_drain(struct packer *p, const struct fmt_entry **index, size_t *n,
		 uint64_t *end)
{
	while (p->written < p->put)
		write_ready(p, true);
	*index = p->index;
	*n = p->nindex;
	*end = p->off;
	return p->error;
}
